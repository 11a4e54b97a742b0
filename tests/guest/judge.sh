# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Decides from a finished run whether all was right: every reason found is added to REASONS. judge-vtd.sh and judge-smmuv3.sh
# judge the deliberate bad DMA.
#
# The run's folder has serial.log, nvme.img, virtio.img, tftp/data, counters and qemu.log.

REASONS=()

complain() { REASONS+=("$1"); }

# said KIND [NAME]: what the guest told the host under this word.
said() { tr -d '\r' <"$RUN/serial.log" | sed -n "s/^@@ $1${2:+ $2} *//p"; }

# value_of NAME TEXT: the value after NAME= in the text.
value_of() { sed -n "s/.*\\b$1=\\([^ ]*\\).*/\\1/p" <<<"$2"; }

# kernel_trouble LOG: the first line in which a kernel says that it is in trouble itself.
kernel_trouble() {
    tr -d '\r' <"$RUN/$1" | grep -m 1 -E 'Kernel panic|BUG:|WARNING:|Call Trace:|Oops|soft lockup|hung task|rcu.*stall' || true
}

# Fails if the guest did not come to its end.
judge_kernel() {
    local line bad
    while read -r line; do complain "the guest says: $line"; done < <(said error)
    while read -r line; do complain "fault before the deliberate one: $line"; done < <(said before)
    bad=$(kernel_trouble serial.log)
    if [[ -n $bad ]]; then complain "the kernel says: $bad"; fi
    if ! tr -d '\r' <"$RUN/serial.log" | grep -q '^@@ done'; then
        complain "the guest did not finish; its last line: $(tr -d '\r' <"$RUN/serial.log" | tail -n 1)"
        return 1
    fi
    [[ $(said groups) =~ ^[0-9]+\ DMA\ ?$ ]] || complain "devices are not all behind strict DMA translation: $(said groups)"
}

# The guest's two sums and the sum of what is in the host's file must be one.
judge_disk() {
    local disk=$1 image=$2 line bytes here
    line=$(said disk "$disk")
    bytes=$(value_of bytes "$line")
    here=$(head -c "${bytes:-0}" "$RUN/$image" | sha256sum | cut -d ' ' -f 1)
    [[ -n $bytes && $(value_of written "$line") == "$here" ]] || complain "$disk: the disk's file is not what the guest wrote"
    [[ $(value_of read "$line") == "$here" ]] || complain "$disk: the guest did not read back what it wrote"
}

# The virt machine tells of itself by a device tree, or by ACPI when it has firmware.
judge_description() {
    local expected
    case $1 in
    virt) expected='a device tree' ;;
    virt-acpi) expected=ACPI ;;
    *) return 0 ;;
    esac
    [[ $(said described) == "by $expected" ]] || complain "the machine should be described by $expected and is: $(said described)"
}

judge_network() {
    local line here
    line=$(said network eth0)
    here=$(sha256sum <"$RUN/tftp/data" | cut -d ' ' -f 1)
    [[ $(value_of received "$line") == "$here" ]] || complain 'network: the file that the guest received is not the one sent'
    [[ $(value_of echoed "$line") == "$here" ]] || complain 'network: the file that came back through the echo is not the one sent'
}

# Translations and hits must have been counted, no fault at first, and one recorded in the end: QEMU cuts the bad DMA into
# pieces, each of which is blocked, but it was one. Units that count nothing are passed over.
judge_counters() {
    local -A counter=() before=()
    local name value
    if [[ ! -s $RUN/counters || ! -s $RUN/counters-before ]]; then return; fi
    while read -r name value; do before[$name]=$value; done <"$RUN/counters-before"
    while read -r name value; do counter[$name]=$value; done <"$RUN/counters"
    [[ ${before[faults]:-0} == 0 ]] || complain "the unit counted ${before[faults]} faults before the deliberate one"
    ((${counter[translations]:-0} > 0 && ${counter[hits]:-0} > 0)) || complain 'the unit counted no translations or no hits'
    [[ ${counter[recorded]:-1} == 1 ]] || complain "the unit counted ${counter[recorded]} recorded faults and should have 1"
    ((${counter[drains]:-0} > 0)) || complain "no wait had to wait for the DMA of the disk's I/O thread"
}
