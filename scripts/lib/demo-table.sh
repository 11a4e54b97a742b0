# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The table at the end of the demo, made from a finished run's folder (RUN).

# shellcheck source=tests/guest/judge.sh
source "$ROOT/tests/guest/judge.sh"

RULE=$(printf -- '-%.0s' {1..100})

row() { printf '  %-14s %s\n' "$1" "$2"; }

print_table() {
    local unit
    unit=$(said unit)
    printf '\n%s\n' "$RULE"
    row 'kernel' "Linux $(said kernel), Debian's own, unmodified"
    row 'QEMU' "$("$QEMU" --version | head -n 1), unmodified"
    row 'unit' "vtd-nested: $(mode_of "$1")"
    row '' "CAP $(value_of cap "$unit")  ECAP $(value_of ecap "$unit")"
    printf '%s\n' "$RULE"
    device_rows
    printf '%s\n' "$RULE"
    counter_rows
    printf '%s\n' "$RULE"
    fault_rows
    printf '%s\n' "$RULE"
    row 'logs' "$RUN"
}

mode_of() { sed -n "s/^$1 *|[^|]*|[^|]*| *//p" "$ROOT/tests/guest/configurations"; }

device_rows() {
    local name line
    printf '  %-14s %14s   %-20s %s\n' 'device' 'bytes' 'sha256' 'the same in'
    for name in 'nvme0n1 NVMe' 'vda virtio-blk'; do
        line=$(said disk "${name% *}")
        printf '  %-14s %14s   %-20s %s\n' "${name#* }" "$(twice "$line")" "$(short "$(value_of read "$line")")" 'data written, data read back, file on the host'
    done
    line=$(said network eth0)
    printf '  %-14s %14s   %-20s %s\n' 'e1000e' "$(twice "$line")" "$(short "$(value_of received "$line")")" 'file on the host, file received, its echo'
}

# Each byte went both ways.
twice() { printf '2 x %s' "$(grouped "$(value_of bytes "$1")")"; }

# 8388608 as 8 388 608.
grouped() { sed -E ':again; s/^([0-9]+)([0-9]{3})/\1 \2/; t again' <<<"$1"; }

short() { printf '%s...' "${1:0:16}"; }

counter_rows() {
    local -A before=() after=()
    local name value
    while read -r name value; do before[$name]=$value; done <"$RUN/counters-before"
    while read -r name value; do after[$name]=$value; done <"$RUN/counters"
    row 'translations' "$(grouped "${before[translations]:-0}")"
    row 'TLB hits' "$(grouped "${before[hits]:-0}") ($(percent "${before[hits]:-0}" "${before[translations]:-0}") %)"
    row 'invalidations' "$(grouped "${before[invalidations]:-0}")"
    row 'faults' "${before[faults]:-0} during all this; ${after[recorded]:-0} recorded after the deliberate DMA below"
}

percent() { awk -v part="$1" -v all="$2" 'BEGIN { printf "%.1f", all ? 100 * part / all : 0 }'; }

# What the unit recorded and what the kernel said of the one deliberate DMA: field by field, then as they wrote it.
#
# The unit's line: vtd: fault FRCD[0] SID=00:05.0 read 0x401000 FR=0x71 (SFS.2: meaning) where the walk ended
fault_rows() {
    local told record message
    told=$(said bad-dma)
    record=$(records | head -n 1)
    message=$(said fault | grep 'fault addr' | sed 's/^\[[^]]*\] //')
    printf '  One deliberate bad DMA: the edu device reads %s bytes at %s, where nothing is mapped\n\n' \
        "$(value_of bytes "$told")" "$(value_of address "$told")"
    three '' "the unit's fault record" "the kernel's message"
    three 'requester' "$(value_of SID "$record")" "$(part '.*Request device \[([^]]*)\].*' "$message")"
    three 'access' "$(part '.*SID=.* (read|write|atomic) 0x.*' "$record")" "$(part '.*\[(DMA [A-Z][a-z]*).*' "$message")"
    three 'address' "$(part '.* (0x[0-9a-f]+) FR=.*' "$record")" "$(part '.*fault addr ([^ ]*).*' "$message")"
    three 'reason' "$(part '.*FR=([^ ]* \([A-Z0-9.]*).*' "$record" | tr -d '(')" "$(part '.*fault reason (0x[0-9a-f]*).*' "$message")"
    printf '\n  the unit    %s\n' "$record"
    said fault | sed 's/^/  the kernel  /'
}

three() { printf '  %-14s %-26s %s\n' "$1" "$2" "$3"; }

# part REGEX TEXT: what the parentheses match.
part() { sed -nE "s/$1/\\1/p" <<<"$2"; }
