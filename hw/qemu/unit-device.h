/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * unit-device: what the QEMU devices of all units have in common, around a unit that is known by its C interface.
 *
 * A device embeds `struct unit_device`. On its way to being realized it
 *
 *     unit_device_prepare()   makes what the unit's ports need,
 *     unit_device_ports()     gives these ports, with which the device creates its unit as the `handle`,
 *     unit_device_start()     follows the guest's memory and makes the register region, which the device then maps;
 *     unit_device_undo()      takes the first of these back, and the handle, where a later step fails.
 *
 * The registers and the unit's reset, save and load run under QEMU's big lock. Translations do not, and so the ports
 * that a translation can reach (written, send_msi, kick, now_ns, keeps_out, trace) may be called by any thread.
 */
#ifndef NESTED_IOMMU_QEMU_UNIT_DEVICE_H
#define NESTED_IOMMU_QEMU_UNIT_DEVICE_H

#include "hw/qemu/compat.h"

#include "hw/qdev-core.h"
#include "hw/qemu/dma-drain.h"
#include "hw/qemu/guest-ram.h"
#include "hw/qemu/messages.h"
#include "hw/qemu/spaces.h"
#include "hw/qemu/trace.h"
#include "iommu/capi.h"

/* Room for the units' sentences. */
#define UNIT_WHY_SIZE 256

/* The C interface of a kind of unit. */
struct unit_calls {
    const char* name; /* the device type's */
    uint64_t registers_size;
    void (*destroy)(void* handle);
    void (*reset)(void* handle);
    void (*set_ram)(void* handle, const struct iommu_ram_range* ranges, size_t count);
    uint64_t (*read)(void* handle, uint64_t offset, unsigned size);
    void (*write)(void* handle, uint64_t offset, uint64_t value, unsigned size);
    void (*translate)(void* handle, const struct iommu_request* request, struct iommu_reply* reply);
    void (*proceed)(void* handle); /* *_continue */
    void (*drained)(void* handle, uint64_t ticket);
    void (*translation_request)(void* handle, const struct iommu_request* request,
                                struct iommu_translation_completion* completion);
    void (*invalidate_completed)(void* handle, const struct iommu_invalidate_completion* completion);
    void (*page_request)(void* handle, const struct iommu_page_request* request);
    uint64_t (*deadline)(const void* handle);
    void (*tick)(void* handle);
    void (*counters)(const void* handle, struct iommu_counters* counters);
    void (*set_trace)(void* handle, uint32_t trace_classes);
    void (*save)(const void* handle, uint64_t* words);
    bool (*load)(void* handle, const uint64_t* words, char* why, size_t why_size);
};

struct unit_device {
    const struct unit_calls* calls;
    void* handle; /* the unit, once it is created */
    DeviceState* device;

    MemoryRegion registers;
    struct guest_ram ram;
    struct messages messages;
    struct spaces spaces;

    uint32_t trace_chosen; /* by the property */
    uint32_t trace_told;   /* what the unit knows */
    const struct trace_classes_events* trace_events;

    QEMUBH* continue_bh;
    QEMUTimer* deadline;
    bool work_announced; /* the unit kicked and was not continued yet */

    bool waits_for_dma; /* by the property */
    struct dma_drain drain;
};

/* What differs from one kind of device to the next. */
struct unit_device_kind {
    const struct unit_calls* calls;
    const struct trace_classes_events* trace_events;
    /* As in struct spaces_owner. */
    size_t space_size;
    void (*extend_space)(struct space* space);
};

void unit_device_prepare(struct unit_device* unit, DeviceState* device, const struct unit_device_kind* kind);
struct iommu_ports unit_device_ports(struct unit_device* unit);
void unit_device_undo(struct unit_device* unit);
void unit_device_start(struct unit_device* unit);

/* By the user, at any time; a set of enum iommu_trace_class. */
void unit_device_choose_trace(struct unit_device* unit, uint32_t classes);

/* Late in the machine's reset, when the PCI devices have stopped their DMA. */
void unit_device_reset(struct unit_device* unit);

/* Migration: `words` as many as the unit's interface says. Load returns 0, or a negative errno after a report. */
void unit_device_save(struct unit_device* unit, uint64_t* words);
int unit_device_load(struct unit_device* unit, const uint64_t* words);

#endif /* NESTED_IOMMU_QEMU_UNIT_DEVICE_H */
