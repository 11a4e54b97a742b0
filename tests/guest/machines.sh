# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What differs between the machines and acts of the guests. Each function sets PROGRAM (QEMU, or the launcher for a unit of
# ours), MACHINE_WORDS (its options up to the unit) and KERNEL_ARGUMENTS, from DEVICE. CONSOLE is the serial line to which the
# kernel writes, 0 if nothing is said. DEVICE none is a machine without a unit.

EDK2=${NESTED_IOMMU_EDK2:-/usr/share/qemu-efi-aarch64/QEMU_EFI.fd}
COMMON_ARGUMENTS='iommu.passthrough=0 iommu.strict=1 panic=-1'

machine_q35() {
    PROGRAM=$QEMU
    if [[ $DEVICE == vtd-nested* ]]; then PROGRAM=$ROOT/scripts/qemu-x86_64; fi
    MACHINE_WORDS=(-M 'q35,kernel-irqchip=split' -cpu max)
    if [[ $DEVICE != none ]]; then MACHINE_WORDS+=(-device "$DEVICE,id=iommu0"); fi
    KERNEL_ARGUMENTS="console=ttyS${CONSOLE:-0} intel_iommu=on,sm_on $COMMON_ARGUMENTS"
}

# The processor has fewer address bits than the unit, as the kernel wants it.
machine_virt() {
    PROGRAM=$QEMU_AARCH64
    MACHINE_WORDS=(-M "virt,gic-version=3,iommu=$DEVICE" -cpu cortex-a57)
    if [[ $DEVICE == smmuv3-nested* ]]; then
        PROGRAM=$ROOT/scripts/qemu-aarch64
        MACHINE_WORDS=(-M 'virt,gic-version=3' -cpu cortex-a57 -device "$DEVICE,id=iommu0")
    fi
    KERNEL_ARGUMENTS="console=ttyAMA${CONSOLE:-0} $COMMON_ARGUMENTS"
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
        -device 'virtio-blk-pci,drive=disk1,bus=port1,iothread=thread1,iommu_platform=on,disable-legacy=on' -object 'iothread,id=thread1'
        -netdev 'user,id=net0,restrict=on,tftp=tftp,guestfwd=tcp:10.0.2.100:7-cmd:cat'
        -device 'pcie-root-port,id=port2,chassis=3,slot=3' -device 'e1000e,netdev=net0,bus=port2,romfile='
        -device 'edu,id=edu0,bus=pcie.0,addr=5')
}

devices_ats() {
    DEVICE_WORDS=(-device 'pcie-root-port,id=port0,chassis=1,slot=1' -device 'ats-endpoint,id=endpoint0,bus=port0')
}

# devices_suite WORD...: what a suite asks for. Each is behind a root port of its own, but for the endpoint in the root complex.
devices_suite() {
    local word stall=''
    DEVICE_WORDS=()
    for word; do
        case $word in
        endpoints) behind_port 0 'ats-endpoint,id=endpoint0' && behind_port 1 'ats-endpoint,id=endpoint1' ;;
        stalling-endpoints)
            # The guest of an SMMUv3 is told that they can wait for a page; on VT-d there are page requests for that.
            if [[ $DEVICE == smmuv3-nested* ]]; then stall=,can-stall=on; fi
            behind_port 0 "ats-endpoint,id=endpoint0$stall" && behind_port 1 "ats-endpoint,id=endpoint1$stall"
            ;;
        rciep) DEVICE_WORDS+=(-device 'ats-endpoint,id=endpoint2,rciep=on') ;;
        ioat) behind_port 2 'ats-endpoint-ioat,id=ioat0' ;;
        nvme) behind_port 3 'nvme,serial=nvme0,drive=disk0' -drive 'if=none,id=disk0,file=nvme.img,format=raw' ;;
        edu) DEVICE_WORDS+=(-device 'edu,id=edu0,bus=pcie.0') ;;
        igb) behind_port 4 'igb,id=igb0,netdev=net0,romfile=' -netdev 'hubport,id=net0,hubid=0' ;;
        *) fail "no device is called '$word'; the suites may have endpoints, stalling-endpoints, rciep, ioat, nvme, edu and igb" ;;
        esac
    done
}

# behind_port NUMBER DEVICE [WORD...]
behind_port() {
    DEVICE_WORDS+=("${@:3}" -device "pcie-root-port,id=port$1,chassis=$(($1 + 1)),slot=$(($1 + 1))" -device "$2,bus=port$1")
}
