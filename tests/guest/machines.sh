# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What differs between the machines that the guests run on. Each function sets PROGRAM (QEMU, or the launcher for a unit of
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
