# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The QEMU of a run: QEMU_PID, or nothing when there is none; its end becomes STATUS. It has qmp.sock in the present folder.

QEMU_PID=''
STATUS=0

stop_qemu() {
    if [[ -z $QEMU_PID ]]; then return 0; fi
    if kill -0 "$QEMU_PID" 2>/dev/null; then
        timeout 10 "$(dirname "${BASH_SOURCE[0]}")/qmp" qmp.sock quit 2>/dev/null || kill "$QEMU_PID" 2>/dev/null || true
    fi
    wait "$QEMU_PID" 2>/dev/null || STATUS=$?
    QEMU_PID=''
}

# The accelerator's words for this MACHINE: NESTED_IOMMU_ACCEL=kvm uses KVM; the default is TCG, which does the same on every
# machine. On q35 with one thread for all processors: with several, QEMU 10.0 sometimes stops with "iotlb_to_section: Assertion",
# or loses a processor's write to its interrupt controller (EOI), so that its timer is dead, when the other one changes the memory
# map, as each reset of a PCI device does. It takes no longer.
accelerator() {
    local thread=multi
    if [[ ${NESTED_IOMMU_ACCEL:-tcg} == kvm ]]; then
        echo kvm
        return
    fi
    if [[ $MACHINE == q35 ]]; then thread=single; fi
    echo "tcg,thread=$thread"
}
