# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The distribution's QEMU, and the headers of exactly its version, which the plug-in is compiled against.

QEMU=${NESTED_IOMMU_QEMU:-qemu-system-x86_64}
QEMU_AARCH64=${NESTED_IOMMU_QEMU_AARCH64:-qemu-system-aarch64}
QEMU_SERIES=10.0
QEMU_CONFIGURE=('--target-list=x86_64-softmmu,aarch64-softmmu' --without-default-features --enable-tcg --enable-kvm
    --enable-fdt=system --enable-pixman --disable-docs --disable-user --disable-tools --disable-guest-agent
    --disable-install-blobs --python=/usr/bin/python3)

# The upstream version of the QEMU that will be run; fails unless it is of the series that the plug-in is made for.
qemu_version() {
    local version
    command -v "$QEMU" >/dev/null || fail "$QEMU is not installed; run scripts/setup"
    version=$("$QEMU" --version | sed -n '1s/.* version \([0-9.]*\).*/\1/p')
    [[ $version == "$QEMU_SERIES".* ]] ||
        fail "$(command -v "$QEMU") is version ${version:-unknown} and the plug-in is made for $QEMU_SERIES.x; remove it (apt-get remove qemu-system-x86) and scripts/setup installs the right one, or set NESTED_IOMMU_QEMU"
    echo "$version"
}

# One set of headers serves both emulators, so both must be of one version.
check_qemu_aarch64() {
    local version
    version=$(qemu_version) || exit 1
    "$QEMU_AARCH64" --version 2>/dev/null | grep -q " version ${version//./\\.}[^0-9]" ||
        fail "$QEMU is version $version and $QEMU_AARCH64 is not; upgrade both with: apt-get install qemu-system-x86/$(new_suite) qemu-system-arm/$(new_suite)"
}

qemu_headers_of() { echo "$CACHE/qemu-$1-headers"; }

# The value of the build's option qemu_headers.
qemu_headers() {
    local version
    version=$(qemu_version) || exit 1
    qemu_headers_of "$version"
}

setup_qemu_headers() {
    local version headers
    stage 'QEMU headers'
    version=$(qemu_version) || exit 1
    headers=$(qemu_headers_of "$version")
    if [[ -e $headers/.ready ]]; then
        stage_done "there, version $version"
        return
    fi
    check_disk
    update_lists
    download_qemu_source "$version"
    prepare_qemu_headers "$version" "$headers"
    stage_done "prepared, version $version"
}

# The newest source package of this upstream version: Debian's revision does not matter, its patches do not touch headers that we use.
qemu_source_package() {
    apt-cache "${APT_OPTIONS[@]}" showsrc --only-source qemu 2>/dev/null |
        sed -n 's/^Version: //p' | grep -E "^([0-9]+:)?${1//./\\.}[+-]" | sort -V | tail -n 1
}

download_qemu_source() {
    local log=$LOGS/qemu-source.log package size folder=$CACHE/download
    : >"$log"
    package=$(qemu_source_package "$1") ||
        fail "QEMU $1 is installed but the mirror has no source of that version; upgrade with: apt-get install qemu-system-x86/$(new_suite)"
    mkdir -p "$folder"
    size=$(cd "$folder" && apt-get "${APT_OPTIONS[@]}" source --print-uris -qq --tar-only "qemu=$package" 2>>"$log" | sum_of_sizes)
    step "downloading the source, $(megabytes "$size")"
    (cd "$folder" && run_apt "$log" apt-get "${APT_OPTIONS[@]}" source --download-only --tar-only "qemu=$package") ||
        fail_with_log "cannot download the source of QEMU $1" "$log"
}

# Prepared beside its place and moved there whole: an interrupted run leaves nothing that looks finished.
prepare_qemu_headers() {
    local version=$1 headers=$2 work=$2.new log=$LOGS/qemu-headers.log
    : >"$log"
    rm -rf "$work"
    mkdir -p "$work/build"
    step 'unpacking'
    run_logged "$log" tar -xf "$(echo "$CACHE/download/qemu_$version"*.orig.tar.xz)" --strip-components=1 --no-same-owner -C "$work" ||
        fail_with_log "cannot unpack the source of QEMU $version" "$log"
    # Both ask for things that Debian's tarball leaves out, and headers need neither.
    sed -i 's/^pycotap/# &/' "$work/pythondeps.toml"
    sed -i 's/^if unpack_edk2_blobs/if false/' "$work/pc-bios/meson.build"
    step 'configuring (about 15 s)'
    (cd "$work/build" && run_logged "$log" ../configure "${QEMU_CONFIGURE[@]}") ||
        fail_with_log "QEMU's configure failed" "$log"
    step 'generating headers'
    (cd "$work/build" && generate_qemu_headers "$log") || fail_with_log "QEMU's headers could not be generated" "$log"
    step 'keeping only the headers'
    prune_qemu_tree "$work"
    touch "$work/.ready"
    rm -rf "$headers" "$CACHE/download/qemu_$version"*
    mv "$work" "$headers"
}

generate_qemu_headers() {
    local targets
    mapfile -t targets < <(ninja -t targets all | sed -n 's/^\([^ ]*\.h\): CUSTOM_COMMAND.*/\1/p')
    run_logged "$1" ninja "${targets[@]}"
}

# 460 MB become 40 MB. Included .c files stay, and so does the qtest accelerator, which the tests build as a plug-in.
prune_qemu_tree() {
    (cd "$1" && rm -rf roms build/pyvenv build/meson-private build/meson-logs &&
        find . \( -type f -o -type l \) ! -name '*.h' ! -name '*.inc' ! -name '*.def' ! -name '*.c.inc' ! -name '*.h.inc' \
            ! -path './accel/qtest/*' ! -path './COPYING*' ! -path './VERSION' -delete &&
        find . -type d -empty -delete)
}
