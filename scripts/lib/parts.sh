# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The set-up, part by part; scripts/setup, scripts/demo and scripts/check call it.

for library in report paths apt packages qemu kernel linux build; do
    # shellcheck source=/dev/null
    source "${BASH_SOURCE[0]%/*}/$library.sh"
done
unset library

# What everybody needs. The arm64 guests (guest-arm64, of which qemu-arm64 is the emulator alone) and our own builds of Linux come
# only when asked for.
PARTS=(build qemu guest lint)
KNOWN_PARTS=("${PARTS[@]}" guest-arm64 qemu-arm64 linux linux-arm64)
export PARTS

# How many stages set_up prints for these parts.
stages_of() {
    local part count=1
    for part; do
        case $part in
        qemu) count=$((count + 1)) ;;
        guest | guest-arm64 | linux | linux-arm64) count=$((count + 2)) ;;
        esac
    done
    echo "$count"
}

# set_up PART...: stages_begin is the caller's.
set_up() {
    local part
    know_release
    make_cache
    set_apt_options
    lock_cache
    setup_packages "$@"
    for part; do
        case $part in
        qemu) setup_qemu_headers ;;
        guest)
            setup_kernel
            setup_initramfs
            ;;
        guest-arm64)
            check_qemu_aarch64
            for_architecture arm64 setup_kernel
            for_architecture arm64 setup_initramfs
            ;;
        qemu-arm64) check_qemu_aarch64 ;;
        linux)
            setup_linux
            setup_programs
            ;;
        linux-arm64)
            check_qemu_aarch64
            for_architecture arm64 setup_linux
            for_architecture arm64 setup_programs
            ;;
        esac
    done
    remove_linux_source
    unlock_cache
}
