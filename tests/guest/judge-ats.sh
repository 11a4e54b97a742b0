# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The part of the judgement that is about the act `ats`: what the endpoint measured, what the kernel said, what the unit said.

SUCCESS=1 # a result of the endpoint

# ats STEP FIELD: what the guest measured.
ats() { value_of "$2" "$(said ats "$1")"; }

# expect STEP FIELD VALUE WHAT
expect() {
    local value
    value=$(ats "$1" "$2")
    [[ $value == "$3" ]] || complain "$1: $4 ($2=${value:-nothing}, not $3)"
}

# at_least STEP FIELD NUMBER WHAT
at_least() {
    local value
    value=$(ats "$1" "$2")
    ((${value:-0} >= $3)) || complain "$1: $4 ($2=${value:-nothing}, not $3 or more)"
}

# The lines about a step: of the kernel, and of the unit.
kernel_of() { said "$1-kernel"; }
unit_lines() { grep -E '^(vtd|smmuv3): ' "$RUN/qemu.log" 2>/dev/null || true; }

# kernel_said STEP REGEX
kernel_said() { kernel_of "$1" | grep -qE "$2" || complain "$1: the kernel did not say '$2' but: $(kernel_of "$1" | head -n 3)"; }

judge_ats() {
    local step
    for step in data after; do
        expect "$step" enabled 1 'the driver did not enable ATS'
        expect "$step" right "$(ats "$step" of)" 'not all data went through the device TLB rightly'
        at_least "$step" hits 1 'the device TLB was not used twice'
    done
    for step in unmap drop-answer wrong-itag; do
        at_least "$step" entries 1 'the device TLB kept nothing'
        at_least "$step" invalidations 1 'no invalidation reached the device'
        expect "$step" about 1 'the last invalidation is not about what was unmapped'
        expect "$step" left 0 'the device TLB still has entries'
        expect "$step" intact 1 'memory changed after the unmap'
        expect "$step" erring 0 'the device did not err as it was told to'
        [[ $(ats "$step" after) != "$SUCCESS" ]] || complain "$step: an access after the unmap succeeded"
    done
    for step in data unmap after; do
        if [[ -n $(kernel_of "$step") ]]; then complain "$step: the kernel complains: $(kernel_of "$step" | head -n 1)"; fi
    done
    "judge_ats_$(unit_of "$MACHINE")"
}

# The driver sends a batch again when an answer is missing. [VTD 6.5.2.11]
judge_ats_vtd() {
    local sid step
    # Linux prints it in hexadecimal; the device is function 0 of device 0 on its bus.
    sid=$((10#$(said 'ats device' | sed -E 's/^[0-9a-f]*:([0-9a-f]*):.*/\1/')))00
    for step in drop-answer wrong-itag; do
        kernel_said "$step" "Invalidation Time-out Error: SID $sid\$"
        kernel_said "$step" 'Invalidation Time-out Error \(ITE\) cleared'
        at_least "$step" invalidations 2 'the driver did not send the invalidation again'
    done
    kernel_said wrong-itag "Invalidation Completion Error: SID $sid\$"
    kernel_said wrong-itag 'Invalidation Completion Error \(ICE\) cleared'
}

# The driver reports it, and the CMD_SYNC is carried out again. [IHI0070, 4.7.3.2]
judge_ats_smmuv3() {
    local step
    for step in drop-answer wrong-itag; do
        kernel_said "$step" 'ATC invalidate timeout'
        if kernel_of "$step" | grep -q 'CMD_SYNC timeout'; then complain "$step: the kernel gave up its CMD_SYNC"; fi
    done
}
