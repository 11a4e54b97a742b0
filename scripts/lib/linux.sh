# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Linux with iommufd, which Debian's kernels lack: built for the guests from Debian's linux-source, unmodified, with the few options
# in tests/guest/linux. Once per machine and set of options; what is kept is the image with its symbols, the headers for
# programs, and the kernel's own VFIO tests.
#
# Everything is about ARCH, as in kernel.sh.

# The suite with the newest Linux; without it, the newest of the suite that the rest comes from, if that is new enough for the
# programs: PASIDs of VFIO devices, vIOMMUs and their events, and the kernel's own tests came with 6.13 to 6.18.
LINUX_SUITE=trixie-backports
LINUX_LEAST=6.18
LINUX_OPTIONS=$ROOT/tests/guest/linux
LINUX_SOURCE=$CACHE/linux-source
LINUX_NEEDED_MB=3500

linux_arch() { case $ARCH in arm64) echo arm64 ;; *) echo x86_64 ;; esac }
linux_image() { case $ARCH in arm64) echo arch/arm64/boot/Image ;; *) echo arch/x86/boot/bzImage ;; esac }
cross_prefix() { case $ARCH in arm64) echo aarch64-linux-gnu- ;; *) echo ;; esac }

# What a build depends on beside the version.
linux_key() {
    {
        cat "$LINUX_OPTIONS/common.config" "$LINUX_OPTIONS/$(linux_arch).config"
        "$(cross_prefix)gcc" --version
    } | sha256sum | cut -c 1-12
}

# The folder of the newest kernel that was built with the present options: image, config, System.map, vmlinux, release,
# include, selftests. Nothing if there is none.
linux_folder() {
    local folder newest=
    for folder in "$CACHE"/linux-iommufd-*-"$ARCH-$(linux_key)"; do
        if [[ -e $folder/.ready ]]; then newest+=$folder$'\n'; fi
    done
    sort -V <<<"${newest%$'\n'}" | tail -n 1
}

setup_linux() {
    local folder log=$LOGS/linux-$ARCH.log
    stage "Linux with iommufd, $ARCH"
    folder=$(linux_folder)
    if [[ -n $folder ]]; then
        touch "$folder"
        stage_done "there, $(<"$folder/release")"
        return
    fi
    check_disk "$LINUX_NEEDED_MB"
    : >"$log"
    unpack_linux_source "$log"
    build_linux "$log"
    find "$CACHE" -maxdepth 1 -name "linux-iommufd-*-$ARCH-*" -mtime +30 -exec rm -rf {} +
    folder=$(linux_folder)
    stage_done "$(<"$folder/release"), built from Debian's source"
}

# The tree serves both architectures; set_up removes it in the end.
unpack_linux_source() {
    local log=$1 package suite uris
    if [[ -e $LINUX_SOURCE/.ready ]]; then return; fi
    choose_linux_source "$log"
    rm -rf "$LINUX_SOURCE" "$CACHE"/download/linux-source-*.deb
    mkdir -p "$CACHE/download" "$LINUX_SOURCE/tree"
    uris=$(cd "$CACHE/download" && apt-get "${APT_OPTIONS[@]}" download -qq --print-uris "$package" 2>>"$log") ||
        fail_with_log "the mirror does not offer $package" "$log"
    step "downloading $package from $suite, $(megabytes "$(sum_of_sizes <<<"$uris")")"
    (cd "$CACHE/download" && run_apt "$log" apt-get "${APT_OPTIONS[@]}" download "$package") ||
        fail_with_log "cannot download $package" "$log"
    set_apt_options
    step 'unpacking (1.6 GB)'
    run_logged "$log" unpack_linux_tarball "$CACHE"/download/linux-source-*.deb || fail_with_log "cannot unpack $package" "$log"
    rm -f "$CACHE"/download/linux-source-*.deb
    touch "$LINUX_SOURCE/.ready"
}

unpack_linux_tarball() {
    set -o pipefail
    dpkg-deb --fsys-tarfile "$1" | tar -xO --wildcards '*/linux-source-*.tar.xz' |
        tar -xJ -C "$LINUX_SOURCE/tree" --strip-components=1 --no-same-owner
}

# Sets package and suite of the caller, and the apt options that reach them.
choose_linux_source() {
    local log=$1 found=none
    for suite in "$LINUX_SUITE" "$(new_suite)"; do
        if [[ $suite == "$LINUX_SUITE" ]]; then
            set_apt_options '' "$suite"
            try_update_lists || continue
        else
            set_apt_options
            update_lists
        fi
        package=$(apt-cache "${APT_OPTIONS[@]}" search --names-only '^linux-source-[0-9.]+$' 2>>"$log" |
            cut -d ' ' -f 1 | sort -V | tail -n 1)
        if [[ -n $package ]] && dpkg --compare-versions "${package#linux-source-}" ge "$LINUX_LEAST"; then return; fi
        found=${package:-none}
    done
    fail "the guests with iommufd need linux-source-$LINUX_LEAST or newer, from $LINUX_SUITE or $(new_suite); the mirror has $found"
}

remove_linux_source() { rm -rf "$LINUX_SOURCE"; }

# With ccache where it is installed, so that a changed option does not cost the whole build again.
linux_make() {
    local compiler
    compiler=$(cross_prefix)gcc
    if command -v ccache >/dev/null; then compiler="ccache $compiler"; fi
    make -C "$LINUX_SOURCE/tree" "O=$LINUX_SOURCE/$ARCH" "ARCH=$(linux_arch)" "CROSS_COMPILE=$(cross_prefix)" "CC=$compiler" "$@"
}

# Prepared beside its place and moved there whole.
build_linux() {
    local log=$1 version release work=$CACHE/linux-iommufd.new build=$LINUX_SOURCE/$ARCH
    version=$(make -s -C "$LINUX_SOURCE/tree" kernelversion)
    rm -rf "$work" "$build"
    mkdir -p "$work" "$build"
    step "configuring Linux $version"
    configure_linux "$log" "$version"
    release=$(linux_make -s kernelrelease 2>>"$log")
    step "compiling Linux $release (about 4 minutes on two cores)"
    linux_make "-j$(nproc)" "$(basename "$(linux_image)")" 2>&1 </dev/null | count_objects "$log" ||
        fail_with_log "Linux $version did not compile" "$log"
    step 'headers for programs'
    run_logged "$log" linux_make -s headers || fail_with_log "the headers of Linux $version could not be made" "$log"
    build_selftests "$log" "$work/selftests"
    echo "$release" >"$work/release"
    cp "$build/$(linux_image)" "$work/image"
    cp "$build/.config" "$work/config"
    cp "$build/System.map" "$build/vmlinux" "$work/"
    cp -r "$build/usr/include" "$work/include"
    find "$work/include" -type f ! -name '*.h' -delete
    touch "$work/.ready"
    mv "$work" "$CACHE/linux-iommufd-$version-$ARCH-$(linux_key)"
    rm -rf "$build"
}

# Everything that is not asked for is off. Every line must come through, but those that say "# since VERSION" in an older kernel.
configure_linux() {
    local log=$1 version=$2 line since lost=() fragment=$LINUX_SOURCE/$ARCH/fragment
    cat "$LINUX_OPTIONS/common.config" "$LINUX_OPTIONS/$(linux_arch).config" >"$fragment.full"
    sed 's/ *# since .*//' "$fragment.full" >"$fragment"
    run_logged "$log" linux_make -s "KCONFIG_ALLCONFIG=$fragment" allnoconfig || fail_with_log "Linux $version could not be configured" "$log"
    while read -r line; do
        since=$(sed -n 's/.* # since //p' <<<"$line")
        line=${line%% # since *}
        if grep -qxF "$line" "$LINUX_SOURCE/$ARCH/.config"; then continue; fi
        if [[ $line == *=n ]] && ! grep -q "^${line%n}" "$LINUX_SOURCE/$ARCH/.config"; then continue; fi
        if [[ -n $since ]] && dpkg --compare-versions "$version" lt "$since"; then continue; fi
        lost+=("$line")
    done < <(grep '^CONFIG_' "$fragment.full")
    ((${#lost[@]} == 0)) || fail "Linux $version does not take these options of tests/guest/linux: ${lost[*]}"
}

# make's lines go to the log; on a terminal the objects are counted.
count_objects() {
    local line count=0
    while IFS= read -r line; do
        printf '%s\n' "$line" >>"$1"
        case $line in '  '[A-Z]*) count=$((count + 1)) && progress "$count objects" ;; esac
    done
}

# The kernel's own VFIO tests, unmodified and static, where this kernel has them. They need one library, which is taken out of its package.
build_selftests() {
    local log=$1 target=$2 tests=$LINUX_SOURCE/tree/tools/testing/selftests/vfio uuid=$LINUX_SOURCE/$ARCH/uuid flags
    mkdir -p "$target"
    if [[ ! -e $tests/Makefile ]]; then return; fi
    fetch_uuid "$log" "$uuid"
    step "the kernel's own tests of VFIO"
    flags="-static -I$uuid/usr/include -L$(dirname "$(find "$uuid" -name libuuid.a)")"
    mkdir -p "$LINUX_SOURCE/$ARCH/selftests"
    run_logged "$log" make -C "$tests" "-j$(nproc)" "OUTPUT=$LINUX_SOURCE/$ARCH/selftests" "ARCH=$(linux_arch)" \
        "CROSS_COMPILE=$(cross_prefix)" "KHDR_INCLUDES=-isystem $LINUX_SOURCE/$ARCH/usr/include" "EXTRA_CFLAGS=$flags" ||
        fail_with_log "the kernel's tests of VFIO did not compile" "$log"
    (cd "$LINUX_SOURCE/$ARCH/selftests" && for one in *_test; do "$(cross_prefix)strip" -o "$target/$one" "$one"; done)
}

fetch_uuid() {
    local log=$1 folder=$2
    if [[ $ARCH == arm64 ]]; then set_apt_options arm64; else set_apt_options; fi
    update_lists
    rm -f "$CACHE"/download/uuid-dev_*.deb
    (cd "$CACHE/download" && run_apt "$log" apt-get "${APT_OPTIONS[@]}" download uuid-dev) || fail_with_log 'cannot download uuid-dev' "$log"
    mkdir -p "$folder"
    unpack_package "$CACHE"/download/uuid-dev_*.deb "$folder" '*/uuid.h' '*/libuuid.a' || fail_with_log 'cannot unpack uuid-dev' "$log"
    rm -f "$CACHE"/download/uuid-dev_*.deb
    set_apt_options
}

# The initramfs for the present kernel, init and programs; its name is made from their contents.
linux_initramfs_path() {
    local key
    key=$({
        linux_folder
        find "$ROOT"/tests/guest/{linux/init,programs,initramfs.sh,make-linux-initramfs} "$ROOT"/include/*-regs.h -type f |
            sort | xargs cat
    } | sha256sum)
    echo "$CACHE/initramfs-iommufd-$ARCH-${key:0:16}.gz"
}

# Makes the initramfs unless it is there. The objects of the programs are kept.
make_linux_initramfs() {
    local log=$1 image
    image=$(linux_initramfs_path)
    if [[ -e $image ]]; then return; fi
    run_logged "$log" "$ROOT/tests/guest/make-linux-initramfs" "$ARCH" "$(linux_folder)" "$(busybox_path)" "$CACHE/objects-$ARCH" "$image" ||
        fail_with_log "the programs of the guests did not compile: $(grep -m 1 'error' "$log" || tail -n 1 "$log")" "$log"
    find "$CACHE" -maxdepth 1 -name "initramfs-iommufd-$ARCH-*.gz" ! -path "$image" -mtime +7 -delete
}

setup_programs() {
    local log=$LOGS/programs-$ARCH.log
    stage "programs for the guests, $ARCH"
    : >"$log"
    if [[ ! -x $(busybox_path) ]]; then download_busybox "$log"; fi
    step 'compiling'
    make_linux_initramfs "$log"
    stage_done "$(du -h "$(linux_initramfs_path)" | cut -f 1)B"
}
