# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Reads tests/guest/suites.

SUITES=$(dirname "${BASH_SOURCE[0]}")/suites

suite_names() { sed -nE 's/^([a-z0-9-]+) *\|.*/\1/p' "$SUITES"; }

# suite_field NAME COLUMN: devices; for vtd and smmuv3 the properties that the unit has for this suite, or - when it is not for it;
# for own "too" when it is for QEMU's own units as well, or -; words for the kernel.
suite_field() {
    local name devices vtd smmuv3 own words
    while IFS='|' read -r name devices vtd smmuv3 own words _; do
        if [[ ${name// /} != "$1" ]]; then continue; fi
        case $2 in
        devices) echo "$devices" ;;
        vtd) echo "${vtd// /}" ;;
        smmuv3) echo "${smmuv3// /}" ;;
        own) echo "${own// /}" ;;
        words) echo "$words" ;;
        esac
        return
    done < <(grep -v '^#' "$SUITES")
    fail "no suite is called '$1'; tests/guest/suites has $(suite_names | tr '\n' ' ')"
}
