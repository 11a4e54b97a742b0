# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The part of the judgement that is about a VT-d unit: what the kernel and the unit said of the deliberate DMA.

# The deliberate DMA must give one fault, at its address, from its device, with the reason of this configuration.
judge_fault_vtd() {
    local reason=$1 told device faults expected
    told=$(said bad-dma)
    device=$(value_of device "$told")
    faults=$(said fault | grep 'fault addr' || true)
    expected="\\[DMA Read [A-Za-z0-9_ ]*\\] Request device \\[${device#0000:}\\] fault addr $(value_of address "$told") \\[fault reason $reason\\]"
    if [[ -z $faults ]]; then
        complain 'the kernel reported no fault for the deliberate DMA'
    elif (($(wc -l <<<"$faults") != 1)); then
        complain "the kernel reported $(wc -l <<<"$faults") faults for one deliberate DMA"
    elif ! grep -qE "$expected" <<<"$faults"; then
        complain "the kernel's fault is not the expected one (reason $reason): $faults"
    fi
}

# The lines about fault records that vtd-nested wrote to QEMU's log.
records_vtd() { grep -E 'fault FRCD\[[0-9]+\]' "$RUN/qemu.log" 2>/dev/null || true; }

# One transaction gives one record, and it says what the kernel read from it. Units with no such log are passed over.
judge_record_vtd() {
    local reason=$1 unit=$2 count
    if [[ $unit != vtd-nested* ]]; then return; fi
    count=$(records_vtd | wc -l)
    ((count == 1)) || complain "the unit wrote $count fault records for one deliberate DMA"
    if ((count == 1)) && ! records_vtd | grep -q "$(value_of address "$(said bad-dma)") FR=$reason "; then
        complain "the unit's fault record is not the expected one (reason $reason): $(records_vtd)"
    fi
}
