/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu-shim: the QEMU device `vtd-nested`, which converts between QEMU's interfaces and the C interface of the unit.
 *
 *     qemu-shim.c             the type: properties' storage, register page, ports, realize, reset, migration
 *     qemu-shim-properties.c  the properties, one for each capability field
 *     qemu-shim-spaces.c      what a PCI device sees instead of the system's memory
 *     qemu-shim-acpi.c        the DMAR table
 *
 * Not here: any rule of the architecture.
 */
#ifndef VTD_NESTED_QEMU_SHIM_H
#define VTD_NESTED_QEMU_SHIM_H

#include "hw/qemu/compat.h"

#include "hw/i386/x86-iommu.h"
#include "hw/qemu/guest-ram.h"
#include "hw/qemu/messages.h"
#include "hw/qemu/trace.h"
#include "vtd-nested.h"

#define TYPE_VTD_NESTED "vtd-nested"

/* Where a guest finds the first unit of a PC. */
#define VTD_NESTED_REGISTERS_BASE 0xfed90000u

/* Room for the unit's sentences. */
#define VTD_WHY_SIZE 256

/* The PCI devices' address spaces. */
struct vtd_spaces {
    GHashTable* by_bus; /* PCIBus to its GPtrArray of struct vtd_space, by device and function */
    GPtrArray* all;
    bool translating;
    unsigned listened_to; /* spaces that someone has a notifier on */
};

struct vtd_device {
    X86IOMMUState parent;

    struct vtd_nested_config config;
    uint32_t trace_chosen; /* by the property */
    uint32_t trace_told;   /* what the unit knows */

    struct vtd_nested* unit;
    MemoryRegion registers;
    struct guest_ram ram;
    struct messages messages;
    struct vtd_spaces spaces;

    QEMUBH* continue_bh;
    bool work_announced; /* the unit kicked and was not continued yet */

    uint64_t state[VTD_NESTED_STATE_WORDS]; /* on its way to or from a migration stream */
};

DECLARE_INSTANCE_CHECKER(struct vtd_device, VTD_NESTED, TYPE_VTD_NESTED)

/* qemu-shim.c */
void vtd_device_choose_trace(struct vtd_device* device, uint32_t classes);

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

/* qemu-shim-spaces.c */
void vtd_spaces_init(struct vtd_device* device);
void vtd_spaces_destroy(struct vtd_device* device); /* of a device that was never attached */
void vtd_spaces_attach(struct vtd_device* device, PCIBus* bus);
void vtd_spaces_set_translating(struct vtd_spaces* spaces, bool translating);
void vtd_spaces_unmap(struct vtd_spaces* spaces, const struct iommu_unmap* what);
void vtd_spaces_register_type(void);

/* qemu-shim-acpi.c */
bool vtd_acpi_add_dmar(const struct vtd_nested_config* config, Error** errp);

#endif /* VTD_NESTED_QEMU_SHIM_H */
