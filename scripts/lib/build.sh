# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds the project with meson and ninja.

# build_project FOLDER MESON-OPTION... [-- TARGET...]: configures the folder once, or again when an option changed, and
# builds the targets, or everything.
build_project() {
    local folder=$1 log status=0 options=()
    shift
    while (($# > 0)) && [[ $1 != -- ]]; do options+=("$1") && shift; done
    if (($# > 0)); then shift; fi
    log=$RUN_LOGS/build-${folder##*/}.log
    mkdir -p "$RUN_LOGS"
    : >"$log"
    configure_project "$log" "$folder" "${options[@]}" ||
        fail_with_log "meson could not configure $folder: $(sed -n 's/.*ERROR: //p' "$log" | tail -n 1)" "$log"
    step 'compiling'
    NINJA_STATUS='[%f/%t] ' ninja -C "$folder" "$@" 2>&1 | compile_progress "$log" || status=$?
    if ((status != 0)); then
        note "$(grep -E -m 5 '(error|Error|FAILED):?' "$log" || tail -n 5 "$log")"
        fail_with_log "the build in $folder failed" "$log"
    fi
}

# The build looks for the arm64 emulator itself, so it is configured again when that has come or gone.
configure_project() {
    local log=$1 folder=$2 found
    found="found: $(command -v qemu-system-aarch64 || true)"
    shift 2
    if [[ -e $folder/build.ninja ]] && has_options "$folder" "$@" "$found"; then return; fi
    step 'configuring'
    if [[ -e $folder/build.ninja ]]; then
        run_logged "$log" meson setup --reconfigure "$folder" "$ROOT" "$@" || return 1
    else
        run_logged "$log" meson setup "$folder" "$ROOT" "$@" || return 1
    fi
    printf '%s\n' "$@" "$found" >"$folder/.options"
}

# More options than wanted do no harm: a folder that scripts/check made with -Dwerror=true serves the others as well.
has_options() {
    local folder=$1 option
    shift
    for option; do grep -qxF -- "$option" "$folder/.options" 2>/dev/null || return 1; done
}

# What QEMU needs of the build.
PLUGIN_TARGETS=(hw/qemu/nested-iommu-x86_64.so hw/qemu/nested-iommu-x86_64-devices.so)
PLUGIN_TARGETS_ARM64=(hw/qemu/nested-iommu-aarch64.so hw/qemu/nested-iommu-aarch64-devices.so)
export PLUGIN_TARGETS PLUGIN_TARGETS_ARM64

# setup_project [MESON-OPTION...] [-- TARGET...]: the stage that builds for the installed QEMU.
setup_project() {
    local headers
    stage 'nested-iommu'
    headers=$(qemu_headers) || exit 1
    build_project "$BUILD" "-Dqemu_headers=$headers" "$@"
    stage_done "built in ${BUILD#"$PWD"/}"
}

compile_progress() {
    local line
    while IFS= read -r line; do
        printf '%s\n' "$line" >>"$1"
        case $line in '['*/*']'*) progress "${line%%]*}]" ;; esac
    done
}
