# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The set-up, part by part; scripts/setup, scripts/demo and scripts/check call it.

for library in report paths apt packages qemu kernel build; do
    # shellcheck source=/dev/null
    source "${BASH_SOURCE[0]%/*}/$library.sh"
done
unset library

PARTS=(build qemu guest lint)
export PARTS

# How many stages set_up prints for these parts.
stages_of() {
    local part count=1
    for part; do
        case $part in
        qemu) count=$((count + 1)) ;;
        guest) count=$((count + 2)) ;;
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
        esac
    done
    unlock_cache
}
