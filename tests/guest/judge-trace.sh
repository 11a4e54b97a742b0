# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The host's part of the suite `trace`: what the guest's kernel submitted since it was started is what the unit counted.
#
# answer_trace while the guest runs, again and again; judge_trace when it has ended. Both are in the run's folder, where
# serial.log and qmp.sock are; the unit has the id iommu0, and endpoint1 is the device by which the guest is answered.

TRACE_COUNTERS=unit-counters

# When the guest has told its numbers it waits: the unit's are read meanwhile.
answer_trace() {
    if [[ -e $TRACE_COUNTERS ]] || ! grep -q '^@@ counted' serial.log; then return 0; fi
    local qmp
    qmp=$(dirname "${BASH_SOURCE[0]}")/qmp
    "$qmp" qmp.sock get /machine/peripheral/iommu0 \
        invalidations waits queue-errors timeouts unexpected-completions >"$TRACE_COUNTERS" || true
    "$qmp" qmp.sock set /machine/peripheral/endpoint1 requester 1 || true
}

# The guest names what it can count; units that count nothing are passed over.
judge_trace() {
    local name value
    local -A counter=()
    if [[ ! -s $TRACE_COUNTERS ]]; then return 0; fi
    while read -r name value; do counter[$name]=$value; done <"$TRACE_COUNTERS"
    while read -r name value; do
        [[ ${counter[$name]:-} == "$value" ]] ||
            complain "the unit counted ${counter[$name]:-no} $name, and the kernel submitted $value"
    done < <(tr -d '\r' <serial.log | sed -n 's/^@@ count //p')
}
