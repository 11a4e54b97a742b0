# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The steps of scripts/check that run tests. Each ends with counted PASSED FAILED SKIPPED.

# shellcheck source=tests/guest/configurations.sh
source "$ROOT/tests/guest/configurations.sh"

GUESTS_AT_ONCE=2
ARM64_OBSTACLE=
SANITIZER_REPORTS=(ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    TSAN_OPTIONS=halt_on_error=1)

# check_suite STAGE BUILD-FOLDER SUITE [WRAPPER...]: one meson suite, each Catch2 case counted.
check_suite() {
    local name=$1 folder=$2 suite=$3 log counts reasons line
    shift 3
    if [[ $STAGE_NAME != "$name" ]]; then stage "$name"; fi
    log=$RUN_LOGS/${name//[^a-z]/-}.log
    step 'running'
    : >"$log"
    rm -f "$folder/meson-logs/testlog.json"
    run_logged "$log" env "${SANITIZER_REPORTS[@]}" "$@" \
        meson test -C "$folder" --no-rebuild --suite "$suite" --print-errorlogs --timeout-multiplier 4 || true
    reasons=$log.reasons
    read -ra counts < <("$ROOT/scripts/lib/count-tests" "$folder/meson-logs/testlog.json" 2>"$reasons")
    while IFS= read -r line; do note "      $line"; done <"$reasons"
    if ((counts[1] > 0)); then note "      log: $log"; fi
    counted "${counts[@]}"
}

# The arm64 guests need more than the others, so they are skipped where that cannot be had. Sets ARM64_OBSTACLE to the reason.
#
# check_arm64_setup PART: guest-arm64, or qemu-arm64 for the emulator alone
check_arm64_setup() {
    local log=$RUN_LOGS/setup-arm64.log
    stage 'arm64 set-up'
    ARM64_OBSTACLE=
    step "scripts/setup $1"
    mkdir -p "$RUN_LOGS"
    : >"$log"
    run_logged "$log" "$ROOT/scripts/setup" "$1" || ARM64_OBSTACLE=$(tail -n 1 "$log" | sed "s/^setup: //")
    stage_done "${ARM64_OBSTACLE:-all there}"
}

check_guests() {
    local name all=() names=() folder=$BUILD/guest running=0 counts=(0 0 0)
    stage 'guest'
    if [[ ! -e $BUILD/hw/qemu/nested-iommu-aarch64.so ]]; then ARM64_OBSTACLE='smmuv3-nested is not in this build'; fi
    rm -rf "$folder"
    mkdir -p "$folder"
    mapfile -t all < <(configuration_names)
    for name in "${all[@]}"; do
        if [[ -n $ARM64_OBSTACLE && $(architecture_of "$(configuration_field "$name" machine)") == arm64 ]]; then
            note "      SKIP guest $name: $ARM64_OBSTACLE"
            counts[2]=$((counts[2] + 1))
        else
            names+=("$name")
        fi
    done
    step "booting ${#names[@]} guests, $GUESTS_AT_ONCE at a time"
    for name in "${names[@]}"; do
        if ((running >= GUESTS_AT_ONCE)); then wait -n || true; else running=$((running + 1)); fi
        { "$ROOT/tests/guest/run-linux" -o "$folder/$name" "$name" >"$folder/$name.verdict" 2>&1 || echo FAIL >>"$folder/$name.verdict"; } &
        CHILDREN+=("$!")
        progress "$name"
    done
    wait
    CHILDREN=()
    for name in "${names[@]}"; do
        note "$(sed '/^FAIL$/d; s/^/      /' "$folder/$name.verdict")"
        if grep -q '^PASS' "$folder/$name.verdict"; then counts[0]=$((counts[0] + 1)); else counts[1]=$((counts[1] + 1)); fi
    done
    counted "${counts[@]}"
}

# The core alone: QEMU itself is not built for sanitizers. Nothing is optimised, because that takes most of the time; the
# address sanitizer's build also counts the lines that are run.
SANITIZED_OPTIONS=(-Doptimization=0 -Ddebug=false -Dcpp_args=-g1 -Db_lundef=false)
COUNTED_BUILD=$ROOT/build-asan
COUNTED=no

# run_counted_tests STAGE: the tests with the address sanitizer, from which check_coverage counts.
run_counted_tests() {
    build_project "$COUNTED_BUILD" "${SANITIZED_OPTIONS[@]}" -Db_sanitize=address,undefined -Db_coverage=true -- meson-test-prereq
    find "$COUNTED_BUILD" -name '*.gcda' -delete
    check_suite "$1" "$COUNTED_BUILD" unit
    COUNTED=yes
}

check_sanitizers() {
    local steady=()
    stage 'sanitize: address, undefined'
    run_counted_tests 'sanitize: address, undefined'
    stage 'sanitize: threads'
    build_project "$ROOT/build-tsan" "${SANITIZED_OPTIONS[@]}" -Db_sanitize=thread -- meson-test-prereq
    # The thread sanitizer of this compiler does not know the widest address-space randomisation of newer kernels.
    if setarch -R true 2>/dev/null; then steady=(setarch -R); fi
    check_suite 'sanitize: threads' "$ROOT/build-tsan" unit "${steady[@]}"
}

# One test: the share of lines run must not be below the floor.
check_coverage() {
    local log=$RUN_LOGS/coverage.log floor lines
    if [[ $COUNTED == no ]]; then
        stage 'unit tests, counted'
        run_counted_tests 'unit tests, counted'
    fi
    stage coverage
    step 'counting lines'
    : >"$log"
    (cd "$ROOT" && run_logged "$log" gcovr -j "$(nproc)" -r . --filter 'hw/' --filter 'include/' --exclude-throw-branches \
        --gcov-ignore-parse-errors --json-summary "$COUNTED_BUILD/coverage.json" --html-details "$COUNTED_BUILD/coverage.html" \
        "$COUNTED_BUILD") || fail_with_log 'gcovr could not count' "$log"
    lines=$(sed -n 's/.*"line_percent": *\([0-9.]*\).*/\1/p' <(tr ',' '\n' <"$COUNTED_BUILD/coverage.json") | tail -n 1)
    floor=$(<"$ROOT/tests/coverage-floor")
    note "      $lines % of the core's lines, the floor is $floor %; line by line: ${COUNTED_BUILD#"$PWD"/}/coverage.html"
    if awk -v have="$lines" -v floor="$floor" 'BEGIN { exit !(have >= floor) }'; then counted 1 0 0; else counted 0 1 0; fi
}
