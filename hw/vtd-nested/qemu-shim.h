/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu-shim: the QEMU device `vtd-nested`, which converts between QEMU's interfaces and the C interface of the unit.
 *
 *     qemu-shim.c             the type: the unit's calls, realize, reset, migration
 *     qemu-shim-properties.c  the properties, one for each capability field
 *     qemu-shim-interrupts.c  the interrupt range, beside what every unit's PCI devices see
 *     qemu-shim-acpi.c        the DMAR table
 *
 * What it has in common with the devices of other units is in hw/qemu/. Not here: any rule of the architecture.
 */
#ifndef VTD_NESTED_QEMU_SHIM_H
#define VTD_NESTED_QEMU_SHIM_H

#include "hw/qemu/compat.h"

#include "hw/i386/x86-iommu.h"
#include "hw/qemu/unit-device.h"
#include "vtd-nested.h"

#define TYPE_VTD_NESTED "vtd-nested"

/* Where a guest finds the first unit of a PC. */
#define VTD_NESTED_REGISTERS_BASE 0xfed90000u

struct vtd_device {
    X86IOMMUState parent;

    struct vtd_nested_config config;
    struct unit_device unit;
    Notifier machine_done;
    uint64_t state[VTD_NESTED_STATE_WORDS]; /* on its way to or from a migration stream */
};

/* What one PCI device sees. */
struct vtd_space {
    struct space space;
    MemoryRegion interrupts;
};

DECLARE_INSTANCE_CHECKER(struct vtd_device, VTD_NESTED, TYPE_VTD_NESTED)

/* qemu-shim-properties.c */
void vtd_properties_add(DeviceClass* class);
/* Read-only ones of a device that has its unit. */
void vtd_properties_add_readings(struct vtd_device* device);
/* Before the user's properties are set: all is left to the unit. */
void vtd_properties_init(struct vtd_device* device);
/* After that: the device's configuration becomes what the unit takes. */
bool vtd_properties_settle(struct vtd_device* device, Error** errp);
/* Refuses what the base type of all x86 IOMMUs offers and we do not; decides its intremap=auto before it does. */
bool vtd_properties_check_base(struct vtd_device* device, Error** errp);

/* qemu-shim-interrupts.c */
void vtd_space_add_interrupts(struct space* base);

/* qemu-shim-acpi.c */
/* Once all devices are there; ends QEMU where it cannot be done. */
void vtd_acpi_add_dmar(struct vtd_device* device);

#endif /* VTD_NESTED_QEMU_SHIM_H */
