# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Where things are: the checkout, the build folder (with the logs of builds and tests), and the cache that holds everything
# downloaded or prepared (with the logs of that).

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CACHE=${NESTED_IOMMU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nested-iommu}
BUILD=$ROOT/build
LOGS=$CACHE/logs
RUN_LOGS=$BUILD/logs
export ROOT BUILD LOGS RUN_LOGS

# Megabytes that a first set-up needs: downloads, the unpacked QEMU tree, the build and the installed packages.
NEEDED_MB=2500

make_cache() {
    if mkdir -p "$CACHE" "$LOGS" 2>/dev/null && [[ -w $CACHE ]]; then return; fi
    fail "cannot write to the cache folder $CACHE; set NESTED_IOMMU_CACHE to a folder that you may write to"
}

# check_disk [MEGABYTES]
check_disk() {
    local free_mb needed_mb=${1:-$NEEDED_MB}
    free_mb=$(($(df -k --output=avail "$CACHE" | tail -n 1) / 1024))
    ((free_mb >= needed_mb)) ||
        fail "$CACHE has only $free_mb MB free and the set-up needs $needed_mb MB; make room, or set NESTED_IOMMU_CACHE to a folder on another disk"
}

# One set-up at a time works in the cache; LOCK_FD is closed on release, so no child can keep the lock.
lock_cache() {
    exec {LOCK_FD}>"$CACHE/lock"
    flock --nonblock "$LOCK_FD" || {
        note "Waiting for another set-up that uses $CACHE ..."
        flock "$LOCK_FD"
    }
}

unlock_cache() { exec {LOCK_FD}>&-; }
