# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The part of the judgement that is about an SMMUv3: the kernel prints each event as four doublewords, which are read here by
# the positions in the manual, and compared with the deliberate DMA and with the line that the unit wrote.

# The doublewords of the kernel's events, four a line.
kernel_events() { said fault | sed -nE 's/.*arm-smmu-v3 [^ ]*: *(\t|\\x09)?(0x[0-9a-f]{16})\r?$/\2/p' | paste -d ' ' - - - -; }

# event_field NAME DW0 DW1 DW2 DW3 [IHI0070, 7.3]
event_field() {
    case $1 in
    type) printf '0x%02x' $(($2 & 0xff)) ;;
    sid) printf '0x%x' $((($2 >> 32) & 0xffffffff)) ;;
    stall) echo $((($3 >> 31) & 1)) ;;
    access) if ((($3 >> 35) & 1)); then echo read; else echo write; fi ;;
    stage) echo "S$(((($3 >> 39) & 1) + 1))" ;;
    class) case $((($3 >> 40) & 3)) in 0) echo CD ;; 1) echo TT ;; 2) echo IN ;; *) echo '?' ;; esac ;;
    address) printf '0x%x' "$4" ;;
    esac
}

# An event in the words of the unit's line: SID=0x28 read 0x401000 S1 IN
event_text() {
    printf 'SID=%s %s %s %s %s' "$(event_field sid "$@")" "$(event_field access "$@")" "$(event_field address "$@")" \
        "$(event_field stage "$@")" "$(event_field class "$@")"
}

# stream_of PCI-ADDRESS: 0000:00:05.0 is 0x28; every function of the host bridge has its requester's number.
stream_of() {
    local bus device
    IFS=: read -r _ bus device <<<"$1"
    printf '0x%x' $((0x$bus << 8 | 0x${device%.*} << 3 | ${device#*.}))
}

# The deliberate DMA must give one event, at its address, from its stream. QEMU's own unit gives one for each piece.
judge_fault_smmuv3() {
    local type=$1 unit=$2 told events words expected
    told=$(said bad-dma)
    events=$(kernel_events)
    if [[ -z $events ]]; then
        complain 'the kernel reported no event for the deliberate DMA'
        return
    fi
    if [[ $unit == smmuv3-nested* ]] && (($(wc -l <<<"$events") != 1)); then
        complain "the kernel reported $(wc -l <<<"$events") events for one deliberate DMA"
    fi
    read -ra words <<<"$events"
    expected="SID=$(stream_of "$(value_of device "$told")") read $(value_of address "$told") S1 IN"
    if [[ $(event_text "${words[@]:0:4}") != "$expected" || $(event_field type "${words[@]:0:4}") != "$type" ]]; then
        complain "the kernel's event is not the expected one ($type $expected): $(head -n 1 <<<"$events")"
    fi
    [[ $(event_field stall "${words[@]:0:4}") == 0 ]] || complain 'the event says that the transaction is stalled'
}

# The lines about events that smmuv3-nested wrote to QEMU's log.
records_smmuv3() { grep -E '^smmuv3: event ' "$RUN/qemu.log" 2>/dev/null || true; }

# One transaction gives one record, and it says what the kernel read from it. Units with no such log are passed over.
judge_record_smmuv3() {
    local type=$1 unit=$2 count words
    if [[ $unit != smmuv3-nested* ]]; then return; fi
    count=$(records_smmuv3 | wc -l)
    ((count == 1)) || complain "the unit wrote $count event records for one deliberate DMA"
    read -ra words < <(kernel_events)
    if ((count == 1 && ${#words[@]} == 4)) && ! records_smmuv3 | grep -qE "\\($type: .*\\) $(event_text "${words[@]}")"; then
        complain "the unit's event record is not what the kernel read ($type $(event_text "${words[@]}")): $(records_smmuv3)"
    fi
}
