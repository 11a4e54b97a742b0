/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * properties: what the devices of all units let the user set and read.
 *
 * One property for each field of the unit's configuration, by the field's name. What the user leaves out is left to the
 * unit, which may have to decide by what the user did say; so QEMU sets no defaults, and those in the help text are
 * what the unit decides when nothing is said. A realized device shows what was decided.
 *
 * `trace` and `dma-drain` may be changed while the guest runs. A realized device has read-only properties more: the
 * unit's counters, and registers as the guest reads them. They are the device's and not its class's, so that the help
 * text lists only what can be set.
 */
#ifndef NESTED_IOMMU_QEMU_PROPERTIES_H
#define NESTED_IOMMU_QEMU_PROPERTIES_H

#include "hw/qemu/compat.h"

#include "hw/qdev-properties.h"
#include "hw/qemu/unit-device.h"

/* A field of a unit's configuration. */
struct config_field {
    const char* name;
    size_t offset;            /* in the configuration */
    const PropertyInfo* info; /* qdev_prop_bool (a byte that is 0 or 1), _uint8 or _uint32 */
    const char* description;
};

/* A whole configuration. */
struct config_fields {
    const struct config_field* fields;
    size_t count;
    size_t offset;        /* of the configuration in the device */
    const void* defaults; /* a configuration that is settled with nothing said */
};

void properties_add_config(DeviceClass* class, const struct config_fields* config);

/* `get` and `set` find the device's struct unit_device; for the trace, the rest is done by properties_set_trace(). */
void properties_add_trace(DeviceClass* class, char* (*get)(Object*, Error**),
                          void (*set)(Object*, const char*, Error**));
void properties_add_dma_drain(DeviceClass* class, bool (*get)(Object*, Error**), void (*set)(Object*, bool, Error**));
void properties_set_trace(struct unit_device* unit, const char* names, Error** errp);

struct register_reading {
    const char* name;
    uint64_t offset;
    unsigned size;
    const char* description;
};

/* To a device that has its unit: the counters, and `count` registers. */
void properties_add_readings(struct unit_device* unit, const struct register_reading* registers, size_t count);

#endif /* NESTED_IOMMU_QEMU_PROPERTIES_H */
