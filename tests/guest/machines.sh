# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What differs between the machines and acts of the guests. Each function sets PROGRAM (QEMU, or the launcher for a unit of
# ours), MACHINE_WORDS (its options up to the unit) and KERNEL_ARGUMENTS, from DEVICE.

EDK2=${NESTED_IOMMU_EDK2:-/usr/share/qemu-efi-aarch64/QEMU_EFI.fd}
COMMON_ARGUMENTS='iommu.passthrough=0 iommu.strict=1 panic=-1 quiet loglevel=4'

machine_q35() {
    PROGRAM=$QEMU
    if [[ $DEVICE == vtd-nested* ]]; then PROGRAM=$ROOT/scripts/qemu-x86_64; fi
    MACHINE_WORDS=(-M 'q35,kernel-irqchip=split' -cpu max -device "$DEVICE,id=iommu0")
    KERNEL_ARGUMENTS="console=ttyS0 intel_iommu=on,sm_on $COMMON_ARGUMENTS"
}

# The processor has fewer address bits than the unit, as the kernel wants it.
machine_virt() {
    PROGRAM=$QEMU_AARCH64
    MACHINE_WORDS=(-M "virt,gic-version=3,iommu=$DEVICE" -cpu cortex-a57)
    if [[ $DEVICE == smmuv3-nested* ]]; then
        PROGRAM=$ROOT/scripts/qemu-aarch64
        MACHINE_WORDS=(-M 'virt,gic-version=3' -cpu cortex-a57 -device "$DEVICE,id=iommu0")
    fi
    KERNEL_ARGUMENTS="console=ttyAMA0 $COMMON_ARGUMENTS"
}

# With firmware, the kernel is told of the machine by ACPI tables alone.
machine_virt-acpi() {
    [[ -r $EDK2 ]] || fail "the firmware $EDK2 is not there; run scripts/setup guest-arm64"
    machine_virt
    MACHINE_WORDS+=(-bios "$EDK2")
}

# Sets DEVICE_WORDS. Each device is behind a root port of its own, but for edu.
devices_io() {
    DEVICE_WORDS=(
        -drive 'if=none,id=disk0,file=nvme.img,format=raw' -device 'pcie-root-port,id=port0,chassis=1,slot=1'
        -device 'nvme,serial=nvme0,drive=disk0,bus=port0'
        -drive 'if=none,id=disk1,file=virtio.img,format=raw' -device 'pcie-root-port,id=port1,chassis=2,slot=2'
        -device 'virtio-blk-pci,drive=disk1,bus=port1,iommu_platform=on,disable-legacy=on'
        -netdev 'user,id=net0,restrict=on,tftp=tftp,guestfwd=tcp:10.0.2.100:7-cmd:cat'
        -device 'pcie-root-port,id=port2,chassis=3,slot=3' -device 'e1000e,netdev=net0,bus=port2,romfile='
        -device 'edu,id=edu0,bus=pcie.0,addr=5')
}

devices_ats() {
    DEVICE_WORDS=(-device 'pcie-root-port,id=port0,chassis=1,slot=1' -device 'ats-endpoint,id=endpoint0,bus=port0')
}
