# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The part of scripts/check's step "guest" that runs Linux with iommufd: every suite of tests/guest/suites on our units, and some
# on QEMU's own for comparison. What a step does on QEMU's units is told and not counted: a failure there is not ours.

# shellcheck source=tests/guest/suites.sh
source "$ROOT/tests/guest/suites.sh"

# The columns of the table: unit, machine, and the device when it is not ours.
UNITS=('vtd-nested q35' 'smmuv3-nested virt' 'intel-iommu q35 intel-iommu,x-scalable-mode=on,x-flts=on,device-iotlb=on' 'smmuv3 virt smmuv3')
LINUX_OBSTACLE=

# Builds what the suites need, where that is possible; else LINUX_OBSTACLE is the reason.
check_linux_setup() {
    local log=$RUN_LOGS/setup-linux.log parts='linux linux-arm64'
    if [[ -n $ARM64_OBSTACLE ]]; then parts=linux; fi
    mkdir -p "$RUN_LOGS"
    if ! setup_as_part "$log" "$parts"; then
        # The other architecture may be all that is missing.
        if [[ $parts == linux ]] || ! setup_as_part "$log" linux; then LINUX_OBSTACLE=$(tail -n 1 "$log" | sed 's/^setup: //'); fi
    fi
    STAGE_NUMBER=$((STAGE_NUMBER + $(stages_of linux linux-arm64)))
}

# Its stages are shown as this script's own: the kernels take minutes.
setup_as_part() {
    # shellcheck disable=SC2086
    NESTED_IOMMU_STAGE=$STAGE_NUMBER NESTED_IOMMU_STAGES=$STAGE_TOTAL "$ROOT/scripts/setup" $2 2>"$1"
}

# Why a machine's guests cannot be run, or nothing.
obstacle_of() {
    local ARCH
    ARCH=$(architecture_of "$1")
    if [[ $ARCH == arm64 && -n $ARM64_OBSTACLE ]]; then
        echo "$ARM64_OBSTACLE"
    elif [[ -z $(linux_folder) ]]; then
        echo "${LINUX_OBSTACLE:-there is no kernel for $ARCH}"
    fi
}

check_suites() {
    local folder=$BUILD/guest-suites unit machine device suite running=0 counts=(0 0 0) obstacle
    stage 'guest suites'
    rm -rf "$folder"
    mkdir -p "$folder"
    step "running $(suite_names | wc -l) suites, $GUESTS_AT_ONCE guests at a time"
    # The long suites come first in the table, so that the last guests are short ones.
    while read -r suite unit machine device; do
        if ((running >= GUESTS_AT_ONCE)); then wait -n || true; else running=$((running + 1)); fi
        run_suite_on "$folder" "$suite" "$unit" "$machine" "$device" &
        CHILDREN+=("$!")
        progress "$suite on $unit"
    done < <(suites_to_run)
    wait
    CHILDREN=()
    for unit in "${UNITS[@]:0:2}"; do
        read -r unit machine _ <<<"$unit"
        obstacle=$(obstacle_of "$machine")
        if [[ -z $obstacle ]]; then continue; fi
        note "      SKIP $(suite_names | wc -l) suites on $unit: $obstacle"
        counts[2]=$((counts[2] + $(suite_names | wc -l)))
    done
    judge_table "$folder"
    report_suites "$folder"
    counts[0]=$((counts[0] + $(steps_that pass "$folder")))
    counts[1]=$((counts[1] + $(steps_that fail "$folder")))
    counts[2]=$((counts[2] + $(steps_that skip "$folder")))
    counted "${counts[@]}"
}

# SUITE UNIT MACHINE [DEVICE] lines.
suites_to_run() {
    local suite line unit machine device
    while read -r suite; do
        for line in "${UNITS[@]}"; do
            read -r unit machine device <<<"$line"
            if [[ -n $(obstacle_of "$machine") || $(suite_field "$suite" "$(unit_of "$machine")") == - ]]; then continue; fi
            if [[ -n $device && $(suite_field "$suite" own) != too ]]; then continue; fi
            echo "$suite $unit $machine $device"
        done
    done < <(suite_names)
}

# run_suite_on FOLDER SUITE UNIT MACHINE [DEVICE]: leaves FOLDER/UNIT/SUITE/results, whatever happens.
run_suite_on() {
    local folder=$1/$3 suite=$2 runner
    mkdir -p "$folder"
    "$ROOT/tests/guest/run-suites" -o "$folder" -m "$4" ${5:+-d "$5"} "$suite" >"$folder/$suite.said" 2>&1 &
    runner=$!
    trap 'kill "$runner"; exit 143' TERM
    wait "$runner" || true
    if [[ ! -s $folder/$suite/results ]]; then
        mkdir -p "$folder/$suite"
        echo "$suite/guest fail $(tail -n 1 "$folder/$suite.said")" >"$folder/$suite/results"
    fi
}

# A suite of the programs that the table lacks would never be run.
judge_table() {
    local suite
    for suite in $(cat "$1"/*/*/serial.log 2>/dev/null | tr -d '\r' | sed -n 's/^@@ suites //p' | tr ' ' '\n' | sort -u); do
        if suite_names | grep -qx -- "$suite"; then continue; fi
        mkdir -p "$1/vtd-nested/$suite"
        echo "$suite/guest fail tests/guest/suites has no such suite" >"$1/vtd-nested/$suite/results"
    done
}

# steps_that WORD FOLDER: how many of our own units' steps.
steps_that() { cat "$2"/{vtd,smmuv3}-nested/*/results 2>/dev/null | grep -cE "^[^ ]+ $1" || true; }

# The kernels, a table with a row for each step, and the reasons of all that did not pass.
report_suites() {
    local folder=$1 ARCH unit units=() files=()
    for ARCH in amd64 arm64; do
        if [[ -n $(linux_folder) ]]; then note "      Linux $(<"$(linux_folder)/release") for $ARCH, built from Debian's source, unmodified"; fi
    done
    for unit in "${UNITS[@]%% *}"; do
        units+=("$unit")
        files+=("$folder/$unit"/*/results)
    done
    for unit in "${files[@]}"; do if [[ -e $unit ]]; then echo "$unit"; fi; done |
        xargs -r awk -v units="${units[*]}" -f "$ROOT/scripts/lib/suites.awk" | while IFS= read -r line; do note "      $line"; done
}
