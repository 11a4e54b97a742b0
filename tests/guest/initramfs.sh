# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What both kinds of initramfs have in common: a tree with busybox and an init, and its archive.

# begin_tree BUSYBOX INIT: sets TREE, a folder that goes away with the script.
begin_tree() {
    TREE=$(mktemp -d)
    trap 'rm -rf "$TREE"' EXIT
    mkdir -p "$TREE"/{bin,dev,proc,sys,tmp}
    cp "$1" "$TREE/bin/busybox"
    cp "$2" "$TREE/init"
    chmod +x "$TREE/init" "$TREE/bin/busybox"
}

# pack_tree ARCHITECTURE BUSYBOX IMAGE: written beside its place first, so an interrupted run leaves no half image.
pack_tree() {
    local archiver=(cpio) # this machine cannot run the busybox of another architecture
    if [[ $1 == amd64 ]]; then archiver=("$2" cpio); fi
    (cd "$TREE" && find . | LC_ALL=C sort | "${archiver[@]}" -o -H newc 2>/dev/null) | gzip -9 >"$3.new"
    mv "$3.new" "$3"
}
