/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu-shim: the QEMU device `smmuv3-nested`, which converts between QEMU's interfaces and the C interface of the unit.
 *
 *     qemu-shim.c             the type: the unit's calls, wired interrupts, realize, reset, migration
 *     qemu-shim-properties.c  the properties, one for each capability field
 *     qemu-shim-machine.c     its place in the machine `virt`: addresses, lines, device tree
 *     qemu-shim-stalls.c      device tree nodes of devices that can stall
 *     qemu-shim-acpi.c        what the machine's ACPI tables lack
 *
 * What it has in common with the devices of other units is in hw/qemu/. A PCI device's StreamID is its bus, device and
 * function number. Its interrupt messages are writes to ordinary addresses here, and are translated like any other.
 * Not here: any rule of the architecture.
 */
#ifndef SMMUV3_NESTED_QEMU_SHIM_H
#define SMMUV3_NESTED_QEMU_SHIM_H

#include "hw/qemu/compat.h"

#include "hw/arm/virt.h"
#include "hw/irq.h"
#include "hw/qemu/unit-device.h"
#include "smmuv3-nested.h"

#define TYPE_SMMUV3_NESTED "smmuv3-nested"

/* All requester ids of PCI segment 0. */
#define STREAMS_OF_SEGMENT 0x10000

#define SMMUV3_LINES (SMMUV3_NESTED_LINE_GERROR + 1)

/* Of QEMU's ACPI tables. */
#define SMMUV3_ACPI_FILES 3

struct smmuv3_device {
    DeviceState parent;

    struct smmuv3_nested_config config;
    struct unit_device unit;

    qemu_irq lines[SMMUV3_LINES];
    uint32_t pulses_waiting; /* bit n: line n is to be pulsed by the main loop */
    QEMUBH* pulse_bh;
    Notifier machine_done;
    bool acpi_completed;
    MemoryRegion acpi_files[SMMUV3_ACPI_FILES];

    uint64_t state[SMMUV3_NESTED_STATE_WORDS]; /* on its way to or from a migration stream */
};

DECLARE_INSTANCE_CHECKER(struct smmuv3_device, SMMUV3_NESTED, TYPE_SMMUV3_NESTED)

/* qemu-shim-properties.c */
void smmuv3_properties_add(DeviceClass* class);
/* Read-only ones of a device that has its unit. */
void smmuv3_properties_add_readings(struct smmuv3_device* device);
/* Before the user's properties are set: all is left to the unit. */
void smmuv3_properties_init(struct smmuv3_device* device);
/* After that: the device's configuration becomes what the unit takes. */
bool smmuv3_properties_settle(struct smmuv3_device* device, Error** errp);

/* qemu-shim-machine.c */
/* The machine, if it is of the right kind and has room for a unit. */
VirtMachineState* smmuv3_machine_find(Error** errp);
void smmuv3_machine_connect(VirtMachineState* machine, struct smmuv3_device* device);

/* qemu-shim-stalls.c: once all devices are made. */
void smmuv3_stalls_describe(struct smmuv3_device* device);

/* qemu-shim-acpi.c: at each reset; the first one finds the tables made. */
void smmuv3_acpi_complete(VirtMachineState* machine, struct smmuv3_device* device);

#endif /* SMMUV3_NESTED_QEMU_SHIM_H */
