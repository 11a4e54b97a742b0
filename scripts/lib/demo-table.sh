# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The table at the end of the demo, made from the folder of a finished run (RUN) on a MACHINE.

for library in judge judge-vtd judge-smmuv3; do
    # shellcheck source=/dev/null
    source "$ROOT/tests/guest/$library.sh"
done
unset library

RULE=$(printf -- '-%.0s' {1..100})

row() { printf '  %-14s %s\n' "$1" "$2"; }

print_io() {
    local emulator=$QEMU
    if [[ $(unit_of "$MACHINE") == smmuv3 ]]; then emulator=$QEMU_AARCH64; fi
    printf '\n%s\n' "$RULE"
    row 'kernel' "Linux $(said kernel), Debian's own, unmodified"
    row 'QEMU' "$("$emulator" --version | head -n 1), unmodified"
    row 'unit' "$(unit_of "$MACHINE")-nested: $(configuration_field "$1" mode)"
    row '' "$(unit_row "$(said unit)")"
    printf '%s\n' "$RULE"
    device_rows
    printf '%s\n' "$RULE"
    counter_rows
    printf '%s\n' "$RULE"
    fault_rows
    printf '%s\n' "$RULE"
    row 'logs' "$RUN"
}

# unit_row TEXT: what the kernel found out about the unit.
unit_row() {
    case $(unit_of "$MACHINE") in
    vtd) echo "CAP $(value_of cap "$1")  ECAP $(value_of ecap "$1")" ;;
    smmuv3) echo "input $(value_of ias "$1") bits, output $(value_of oas "$1") bits, the driver's features $(value_of features "$1")" ;;
    esac
}

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
fault_rows() {
    local told
    told=$(said bad-dma)
    printf '  One deliberate bad DMA: the edu device reads %s bytes at %s, where nothing is mapped\n\n' \
        "$(value_of bytes "$told")" "$(value_of address "$told")"
    "fault_rows_$(unit_of "$MACHINE")"
    printf '\n  the unit    %s\n' "$("records_$(unit_of "$MACHINE")" | head -n 1)"
    said fault | sed 's/^/  the kernel  /'
}

# The unit's line: vtd: fault FRCD[0] SID=00:05.0 read 0x401000 FR=0x71 (SFS.2: meaning) where the walk ended
fault_rows_vtd() {
    local record message
    record=$(records_vtd | head -n 1)
    message=$(said fault | grep 'fault addr' | sed 's/^\[[^]]*\] //')
    three '' "the unit's fault record" "the kernel's message"
    three 'requester' "$(value_of SID "$record")" "$(part '.*Request device \[([^]]*)\].*' "$message")"
    three 'access' "$(part '.*SID=.* (read|write|atomic) 0x.*' "$record")" "$(part '.*\[(DMA [A-Z][a-z]*).*' "$message")"
    three 'address' "$(part '.* (0x[0-9a-f]+) FR=.*' "$record")" "$(part '.*fault addr ([^ ]*).*' "$message")"
    three 'reason' "$(part '.*FR=([^ ]* \([A-Z0-9.]*).*' "$record" | tr -d '(')" "$(part '.*fault reason (0x[0-9a-f]*).*' "$message")"
}

# The unit's line: smmuv3: event F_TRANSLATION (0x10: meaning) SID=0x28 read 0x401000 S1 IN where the walk ended
fault_rows_smmuv3() {
    local record words
    record=$(records_smmuv3 | head -n 1)
    read -ra words < <(kernel_events)
    three '' "the unit's event record" "the kernel's four doublewords, decoded"
    three 'event' "$(part '.*\((0x[0-9a-f]*): .*' "$record") $(part '.*event ([A-Z_]*) .*' "$record")" "$(event_field type "${words[@]}")"
    three 'stream' "$(value_of SID "$record")" "$(event_field sid "${words[@]}"), which is $(value_of device "$(said bad-dma)")"
    three 'access' "$(part '.*SID=.* (read|write|atomic) 0x.*' "$record")" "$(event_field access "${words[@]}")"
    three 'address' "$(part '.* (0x[0-9a-f]+) S[12] .*' "$record")" "$(event_field address "${words[@]}")"
    three 'stage, class' "$(part '.* (S[12] [A-Z]+).*' "$record")" "$(event_field stage "${words[@]}") $(event_field class "${words[@]}")"
}

three() { printf '  %-14s %-26s %s\n' "$1" "$2" "$3"; }

# part REGEX TEXT: what the parentheses match.
part() { sed -nE "s/$1/\\1/p" <<<"$2"; }
