/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * guest-ram: what a unit sees of the guest's memory.
 *
 * Units read tables and queues through host pointers. `struct guest_ram` follows QEMU's system address space and tells,
 * whenever it changed, the complete ascending list of RAM ranges: no ROM, no device memory, so that a table pointer
 * aimed at those is an access error of the unit and never a re-entry into QEMU. Writes through such a pointer have to
 * be reported with guest_ram_written(), or migration and TCG's code cache would miss them.
 *
 * Old host pointers stay valid for those who took the RCU read lock before the change.
 */
#ifndef NESTED_IOMMU_QEMU_GUEST_RAM_H
#define NESTED_IOMMU_QEMU_GUEST_RAM_H

#include "hw/qemu/compat.h"
#include "iommu/capi.h"

typedef void guest_ram_changed_fn(void* opaque, const struct iommu_ram_range* ranges, size_t count);

struct guest_ram {
    MemoryListener listener;
    GArray* ranges;  /* of struct iommu_ram_range; what was told last */
    GArray* pending; /* being collected between the listener's begin and commit */
    guest_ram_changed_fn* changed;
    void* opaque;
};

/* Calls `changed` once before it returns, later whenever the ranges differ; always under the big lock. */
void guest_ram_watch(struct guest_ram* ram, guest_ram_changed_fn* changed, void* opaque);
void guest_ram_unwatch(struct guest_ram* ram);

/* The guest-physical bytes were changed through a host pointer. Any thread. */
void guest_ram_written(uint64_t address, uint64_t size);

#endif /* NESTED_IOMMU_QEMU_GUEST_RAM_H */
