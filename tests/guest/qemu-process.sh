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

# The accelerator's words: NESTED_IOMMU_ACCEL=kvm uses KVM; the default is TCG, which does the same on every machine.
accelerator() { if [[ ${NESTED_IOMMU_ACCEL:-tcg} == kvm ]]; then echo kvm; else echo tcg,thread=multi; fi; }
