# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The Debian packages that each part needs, and their installation.

# One package a line; "new" marks those that come from the newer suite, with the least version that will do.
packages_of() {
    case $1 in
    build) printf '%s\n' gcc g++ libc6-dev pkgconf ninja-build 'meson new 1.5' 'catch2 new 3' libbenchmark-dev valgrind nlohmann-json3-dev libglib2.0-dev ;;
    qemu)
        printf '%s\n' 'qemu-system-x86 new 1:10.0' make gcc libc6-dev pkgconf ninja-build 'meson new 1.5' flex bison xz-utils \
            python3 python3-venv python3-pip python3-distlib libglib2.0-dev libfdt-dev libpixman-1-dev
        ;;
    qemu-arm64) printf '%s\n' 'qemu-system-arm new 1:10.0' ;;
    guest-arm64)
        printf '%s\n' 'qemu-system-arm new 1:10.0' qemu-efi-aarch64 gcc-aarch64-linux-gnu libc6-dev-arm64-cross cpio xz-utils python3
        ;;
    linux) printf '%s\n' 'qemu-system-x86 new 1:10.0' gcc g++ libc6-dev make flex bison bc libelf-dev xz-utils python3 ;;
    linux-arm64) printf '%s\n' 'qemu-system-arm new 1:10.0' gcc g++ libc6-dev make flex bison bc xz-utils cpio python3 \
        gcc-aarch64-linux-gnu g++-aarch64-linux-gnu libc6-dev-arm64-cross ;;
    guest) printf '%s\n' 'qemu-system-x86 new 1:10.0' gcc libc6-dev xz-utils python3 ;;
    lint) printf '%s\n' clang-format-19 clang-tidy-19 gcovr shellcheck ;;
    *) fail "no part is called '$1'; the parts are ${KNOWN_PARTS[*]} and all" ;;
    esac
}

# missing_packages PART...: sets MISSING, and MISSING_NEW for what the release itself has not or has too old.
missing_packages() {
    local name origin least have part
    local -A version=() seen=()
    while read -r name have; do version[$name]=$have; done < <(installed_packages "$@")
    MISSING=() MISSING_NEW=()
    while read -r name origin least; do
        if [[ -n ${seen[$name]-} ]]; then continue; fi
        seen[$name]=1
        have=${version[$name]-}
        if [[ -n $have ]] && { [[ -z $least ]] || dpkg --compare-versions "$have" ge "$least"; }; then continue; fi
        if [[ $name == qemu-system-x86 ]] && command -v "$QEMU" >/dev/null; then continue; fi
        if [[ $name == qemu-system-arm ]] && command -v "$QEMU_AARCH64" >/dev/null; then continue; fi
        if [[ $name == meson && -z $have ]] && own_meson_will_do "$least"; then continue; fi
        if [[ $origin == new && -n $EXTRA_SUITE ]]; then MISSING_NEW+=("$name"); else MISSING+=("$name"); fi
    done < <(for part; do packages_of "$part"; done)
}

# A meson that the user installed in another way.
own_meson_will_do() { command -v meson >/dev/null && dpkg --compare-versions "$(meson --version)" ge "$1"; }

installed_packages() {
    local part names
    names=$(for part; do packages_of "$part"; done | awk '{ print $1 }' | sort -u)
    # shellcheck disable=SC2086
    dpkg-query -W -f '${db:Status-Abbrev}${Package} ${Version}\n' $names 2>/dev/null | sed -n 's/^ii *//p' || true
}

setup_packages() {
    local MISSING=() MISSING_NEW=() log=$LOGS/packages.log
    stage packages
    missing_packages "$@"
    if ((${#MISSING[@]} + ${#MISSING_NEW[@]} == 0)); then
        stage_done 'all installed'
        return
    fi
    find_root_rights
    check_disk
    update_lists
    : >"$log"
    if ((${#MISSING[@]} > 0)); then note "Will install from $CODENAME: ${MISSING[*]}"; fi
    if ((${#MISSING_NEW[@]} > 0)); then note "Will install from $EXTRA_SUITE: ${MISSING_NEW[*]}"; fi
    install_from "$CODENAME" "$log" "${MISSING[@]}"
    # After the others, so that only what these need comes from the newer suite.
    install_from "$EXTRA_SUITE" "$log" "${MISSING_NEW[@]}"
    stage_done "installed"
}

# install_from SUITE LOG PACKAGE...
install_from() {
    local suite=$1 log=$2 uris
    shift 2
    if (($# == 0)); then return; fi
    uris=$(apt-get "${APT_OPTIONS[@]}" install -y -qq --print-uris --no-install-recommends -t "$suite" "$@" 2>>"$log") ||
        fail_with_log "apt-get cannot install $* from $suite on this machine" "$log"
    step "installing from $suite, $(megabytes "$(sum_of_sizes <<<"$uris")") to download"
    apt_install "$log" -t "$suite" "$@" || fail_with_log "apt-get could not install $* from $suite" "$log"
}
