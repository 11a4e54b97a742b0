# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Debian's stock kernel for the guest: taken out of its package, never installed; and the initramfs made around it.

KERNEL_SERIES=6.12
KERNEL_MODULES=(nvme virtio_pci virtio_blk e1000e pci_stub vfio_iommu_type1 vfio_pci)
ARCH=amd64

# for_architecture ARCHITECTURE COMMAND...: amd64 or arm64, Debian's names; everything below is about ARCH.
for_architecture() {
    local ARCH=$1
    shift
    if [[ $ARCH == arm64 ]]; then set_apt_options arm64; fi
    "$@"
    if [[ $ARCH == arm64 ]]; then set_apt_options; fi
}

# The folder of the newest kernel in the cache: vmlinuz, release, modules/*.ko and modules/order. Nothing if there is none.
kernel_folder() {
    local folder newest=
    for folder in "$CACHE/linux-$KERNEL_SERIES".*-"$ARCH"; do
        if [[ -e $folder/.ready ]]; then newest+=$folder$'\n'; fi
    done
    sort -V <<<"${newest%$'\n'}" | tail -n 1
}

setup_kernel() {
    local package release uris log=$LOGS/kernel-$ARCH.log folder
    stage "Linux kernel, $ARCH"
    folder=$(kernel_folder)
    if [[ -n $folder && $(<"$folder/.ready") == "${KERNEL_MODULES[*]}" ]]; then
        stage_done "there, $(<"$folder/release")"
        return
    fi
    check_disk
    update_lists
    : >"$log"
    package=$(kernel_package) || fail "the mirror's $(new_suite) has no linux-image-$ARCH of version $KERNEL_SERIES"
    release=${package#linux-image-}
    mkdir -p "$CACHE/download"
    uris=$(cd "$CACHE/download" && apt-get "${APT_OPTIONS[@]}" download -qq --print-uris "$package" 2>>"$log") ||
        fail_with_log "the mirror does not offer $package" "$log"
    step "downloading $release, $(megabytes "$(sum_of_sizes <<<"$uris")")"
    (cd "$CACHE/download" && run_apt "$log" apt-get "${APT_OPTIONS[@]}" download "$package") ||
        fail_with_log "cannot download $package" "$log"
    step 'unpacking'
    unpack_kernel "$release" "$(echo "$CACHE/download/${package}"_*.deb)" "$log"
    stage_done "$release, not installed on this machine"
}

# The package that linux-image-ARCH stands for in the newer suite.
kernel_package() {
    apt-cache "${APT_OPTIONS[@]}" -o "APT::Default-Release=$(new_suite)" show --no-all-versions "linux-image-$ARCH" 2>/dev/null |
        sed -n 's/^Depends:.*\(linux-image-'"${KERNEL_SERIES//./\\.}"'[^ ,]*-'"$ARCH"'\).*/\1/p' | head -n 1 | grep .
}

# unpack_package DEB FOLDER PATTERN...: the files whose names match.
unpack_package() { dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --no-same-owner --wildcards "${@:3}"; }

unpack_kernel() {
    local release=$1 deb=$2 log=$3 folder=$CACHE/linux-$1 work=$CACHE/linux-$1.new
    rm -rf "$work"
    mkdir -p "$work/tree" "$work/modules"
    run_logged "$log" unpack_package "$deb" "$work/tree" '*/vmlinuz-*' '*/kernel/drivers/*' '*/kernel/lib/*' \
        '*/kernel/crypto/*' '*/kernel/arch/*' '*/kernel/block/*' '*/modules.builtin' || fail_with_log "cannot unpack $deb" "$log"
    # Not every architecture has modules there.
    unpack_package "$deb" "$work/tree" '*/kernel/virt/*' 2>>"$log" || true
    mv "$work"/tree/boot/vmlinuz-* "$work/vmlinuz"
    echo "$release" >"$work/release"
    collect_modules "$work" >>"$log" 2>&1 || fail_with_log "Linux $release lacks a module that the guest needs" "$log"
    rm -rf "$work/tree" "$deb"
    echo "${KERNEL_MODULES[*]}" >"$work/.ready"
    rm -rf "$folder"
    mv "$work" "$folder"
}

# Copies the modules with everything that they depend on; modules/order names them in loading order.
collect_modules() {
    local work=$1 module
    local -A taken=()
    : >"$work/modules/order"
    for module in "${KERNEL_MODULES[@]}"; do take_module "$work" "$module" || return 1; done
}

# A module's own .modinfo section names what must be loaded before it.
take_module() {
    local work=$1 name=${2//-/_} file needed
    if [[ -n ${taken[$name]-} ]]; then return; fi
    taken[$name]=1
    file=$(find "$work/tree" -name "${name//_/[-_]}.ko*" -print -quit)
    if [[ -z $file ]]; then
        grep -qrE "/${name//_/[-_]}\\.ko$" "$work/tree" --include=modules.builtin && return
        echo "neither built in nor a module: $name"
        return 1
    fi
    case $file in
    *.xz) xz -dc "$file" >"$work/modules/$name.ko" ;;
    *.zst) zstd -qdc "$file" >"$work/modules/$name.ko" ;;
    *) cp "$file" "$work/modules/$name.ko" ;;
    esac || return 1
    while read -r needed; do
        take_module "$work" "$needed" || return 1
    done < <(tr '\0' '\n' <"$work/modules/$name.ko" | sed -n 's/^depends=//p' | tr ',' '\n' | sed '/^$/d')
    echo "$name" >>"$work/modules/order"
}

# The initramfs for the present kernel and the present guest programs; its name is made from their contents.
initramfs_path() {
    local key
    key=$(cat "$ROOT"/tests/guest/initramfs/* "$ROOT/include/ats-endpoint-regs.h" "$ROOT/tests/guest/make-initramfs" \
        "$ROOT/tests/guest/initramfs.sh" "$(kernel_folder)/release" | sha256sum)
    echo "$CACHE/initramfs-$ARCH-${key:0:16}.gz"
}

busybox_path() { echo "$CACHE/busybox-$ARCH/busybox"; }

# Taken out of its package as well: installing it would replace the machine's own busybox.
download_busybox() {
    local log=$1 folder=$CACHE/download work=$CACHE/busybox.new busybox
    update_lists
    step 'downloading busybox, 1 MB'
    rm -rf "$work" "$folder"/busybox-static_*.deb
    mkdir -p "$folder" "$work"
    (cd "$folder" && run_apt "$log" apt-get "${APT_OPTIONS[@]}" download busybox-static) ||
        fail_with_log 'cannot download busybox-static' "$log"
    unpack_package "$folder"/busybox-static_*.deb "$work" '*/bin/busybox' || fail_with_log 'cannot unpack busybox-static' "$log"
    busybox=$(busybox_path)
    mkdir -p "${busybox%/*}"
    mv "$(find "$work" -name busybox -path '*bin/*' -type f -print -quit)" "$busybox"
    rm -rf "$work" "$folder"/busybox-static_*.deb
}

setup_initramfs() {
    local image busybox log=$LOGS/initramfs-$ARCH.log
    stage "initramfs, $ARCH"
    image=$(initramfs_path)
    if [[ -e $image ]]; then
        stage_done 'there'
        return
    fi
    : >"$log"
    busybox=$(busybox_path)
    if [[ ! -x $busybox ]]; then download_busybox "$log"; fi
    step 'making'
    run_logged "$log" "$ROOT/tests/guest/make-initramfs" "$ARCH" "$(kernel_folder)" "$busybox" "$image" ||
        fail_with_log 'cannot make the initramfs' "$log"
    find "$CACHE" -maxdepth 1 -name "initramfs-$ARCH-*.gz" ! -path "$image" -mtime +7 -delete
    stage_done "$(du -h "$image" | cut -f 1)B"
}
