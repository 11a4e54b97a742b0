# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The host's part of the suite `bench`: the guest was behind the unit that the machine has, and nothing went wrong behind it.

judge_bench() {
    local behind fault
    behind=$(said behind)
    case $DEVICE,$behind in
    none,none | *,) ;;
    none,* | *,none) complain "the kernel is behind $behind, and the machine has $DEVICE" ;;
    esac
    fault=$(tr -d '\r' <kernel.log | grep -m 1 -E 'fault addr|event: [FC]_|CMDQ error|nvme.*timeout' || true)
    if [[ -n $fault ]]; then complain "the kernel says: $fault"; fi
}
