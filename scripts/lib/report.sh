# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the scripts say: numbered stages, progress, elapsed time, and one sentence when something fails.
#
#   stages_begin 3
#   stage "QEMU headers"; step "downloading 39 MB"; progress "63 %"; stage_done "10.0.2"
#
# On a terminal a stage is one line that changes; elsewhere each step is a line of its own and progress is silent.

STAGE_NUMBER=0
STAGE_TOTAL=0
STAGE_NAME=
STAGE_STEP=
STAGE_START=0

is_terminal() { [[ -t 1 && ${TERM:-dumb} != dumb ]]; }

# A script that is part of another goes on with the other's numbers.
stages_begin() { STAGE_TOTAL=${NESTED_IOMMU_STAGES:-$1} STAGE_NUMBER=${NESTED_IOMMU_STAGE:-0}; }

stage() {
    STAGE_NAME=$1 STAGE_STEP='' STAGE_START=$SECONDS
    STAGE_NUMBER=$((STAGE_NUMBER + 1))
}

stage_head() { printf '[%d/%d] %s' "$STAGE_NUMBER" "$STAGE_TOTAL" "$STAGE_NAME"; }

# step TEXT: what the stage does from now on.
step() {
    STAGE_STEP=$1
    if is_terminal; then progress ''; else printf '%s: %s ...\n' "$(stage_head)" "$1"; fi
}

# progress TEXT: how far the step is; kept within one line of the terminal.
progress() {
    is_terminal || return 0
    local line
    line="$(stage_head): $STAGE_STEP ... ${1:+$1 }($((SECONDS - STAGE_START)) s)"
    printf '\r\033[K%s' "${line:0:$((${COLUMNS:-100} - 1))}"
}

stage_done() {
    local seconds=$((SECONDS - STAGE_START))
    if is_terminal; then printf '\r\033[K'; fi
    if ((seconds > 0)); then
        printf '%s: %s (%d s)\n' "$(stage_head)" "$1" "$seconds"
    else
        printf '%s: %s\n' "$(stage_head)" "$1"
    fi
    STAGE_NAME=
}

# note TEXT: a line of its own between the stages.
note() {
    if is_terminal; then printf '\r\033[K'; fi
    printf '%s\n' "$1"
}

# fail SENTENCE: the only way in which a script ends badly.
fail() {
    trap - ERR
    if is_terminal; then printf '\r\033[K'; fi
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    exit 1
}

# fail_with_log SENTENCE LOG: names the log, unless the disk is full: then that is the sentence, and the log may be cut short.
fail_with_log() {
    local left_kb
    left_kb=$(df -k --output=avail "${2%/*}" | tail -n 1)
    if ((left_kb < 20480)) || grep -qiE 'no space left on device|not enough free disk space|have enough free space' "$2" 2>/dev/null; then
        fail "the disk is full ($((left_kb / 1024)) MB left on $(df --output=target "${2%/*}" | tail -n 1)); make room and run this again (log: $2)"
    fi
    fail "$1 (log: $2)"
}

# run_logged LOG COMMAND...: output goes to the log; a terminal sees the seconds count.
run_logged() {
    local log=$1 child status=0
    shift
    if ! is_terminal; then
        "$@" >>"$log" 2>&1 </dev/null || status=$?
        return "$status"
    fi
    "$@" >>"$log" 2>&1 </dev/null &
    child=$!
    CHILDREN=("$child")
    trap interrupted INT # a subshell has lost the trap
    while kill -0 "$child" 2>/dev/null; do
        progress ''
        sleep 0.25
    done
    wait "$child" || status=$?
    CHILDREN=()
    return "$status"
}

# megabytes BYTES: rounded up, so that nothing is "0 MB".
megabytes() { printf '%d MB' $((($1 + 999999) / 1000000)); }

unexpected() {
    local status=$?
    fail "stopped unexpectedly at ${BASH_SOURCE[1]##*/}:$1 (exit status $status); please report this line"
}
# Ctrl-C does not reach what runs in the background; only the script itself says something.
CHILDREN=()
interrupted() {
    trap - ERR
    if ((${#CHILDREN[@]} > 0)); then kill "${CHILDREN[@]}" 2>/dev/null || true; fi
    if ((BASH_SUBSHELL == 0)); then fail 'interrupted'; fi
    exit 130
}
trap interrupted INT
set -E
trap 'unexpected $LINENO' ERR
