# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The last act of the demo, made from the folder of a finished run (RUN) of an ats configuration on a MACHINE: what the unit and
# the kernel said of a device that did not answer, and of one that answered wrongly.

# shellcheck source=tests/guest/judge-ats.sh
source "$ROOT/tests/guest/judge-ats.sh"

print_ats() {
    printf '\n%s\n' "$RULE"
    printf '  A device with a TLB of its own (ats-endpoint) moved %s bytes through it; then it erred on purpose\n' "$(grouped "$(ats data of)")"
    print_error drop-answer 'It did not answer an invalidation' 'no answer|did not answer|ITE=1|ERR=3'
    print_error wrong-itag 'It answered with a wrong ITag' 'ICE=1|answered ITags'
    printf '%s\n' "$RULE"
    row 'logs' "$RUN"
}

# print_error STEP WHAT REGEX: the unit's first lines that match, and the kernel's.
print_error() {
    local lines=2
    if [[ $1 == wrong-itag ]]; then lines=1; fi
    printf '\n  %s\n\n' "$2"
    unit_lines | grep -E "$3" | head -n "$lines" | sed 's/^/  the unit    /'
    kernel_of "$1" | sed 's/^/  the kernel  /'
    printf '  recovered   in %s ms; sent %s, left in the device TLB: %s, memory intact after it: %s\n' \
        "$(ats "$1" ms)" "$(times "$(ats "$1" invalidations)")" "$(ats "$1" left)" "$(yes_no "$(ats "$1" intact)")"
}

times() { if (($1 == 1)); then echo once; else echo "$1 times"; fi; }

yes_no() { if (($1 == 1)); then echo yes; else echo no; fi; }
