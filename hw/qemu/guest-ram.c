/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * guest-ram: see the header.
 */
#include "hw/qemu/guest-ram.h"

#include "qemu/rcu.h"

static bool is_plain_ram(const MemoryRegionSection* section) {
    MemoryRegion* region = section->mr;

    return memory_region_is_ram(region) && !memory_region_is_ram_device(region) && !region->rom_device &&
           !region->readonly && !section->readonly;
}

static bool continues(const struct iommu_ram_range* last, const struct iommu_ram_range* next) {
    return last->address + last->size == next->address && (char*)last->host + last->size == (char*)next->host;
}

static void collect_begin(MemoryListener* listener) {
    struct guest_ram* ram = container_of(listener, struct guest_ram, listener);

    g_array_set_size(ram->pending, 0);
}

/* Sections come in ascending order; one that is new and one that stays are the same to us. */
static void collect_section(MemoryListener* listener, MemoryRegionSection* section) {
    struct guest_ram* ram = container_of(listener, struct guest_ram, listener);
    struct iommu_ram_range range;

    if (!is_plain_ram(section)) {
        return;
    }
    range = (struct iommu_ram_range){
        .address = section->offset_within_address_space,
        .size = int128_get64(section->size),
        .host = (char*)memory_region_get_ram_ptr(section->mr) + section->offset_within_region,
    };
    if (ram->pending->len) {
        struct iommu_ram_range* last = &g_array_index(ram->pending, struct iommu_ram_range, ram->pending->len - 1);

        if (continues(last, &range)) {
            last->size += range.size;
            return;
        }
    }
    g_array_append_val(ram->pending, range);
}

static bool same_ranges(const GArray* a, const GArray* b) {
    return a->len == b->len && !memcmp(a->data, b->data, a->len * sizeof(struct iommu_ram_range));
}

static void collect_commit(MemoryListener* listener) {
    struct guest_ram* ram = container_of(listener, struct guest_ram, listener);
    GArray* now = ram->pending;

    if (same_ranges(ram->ranges, now)) {
        return;
    }
    ram->pending = ram->ranges;
    ram->ranges = now;
    ram->changed(ram->opaque, (const struct iommu_ram_range*)now->data, now->len);
}

void guest_ram_watch(struct guest_ram* ram, guest_ram_changed_fn* changed, void* opaque) {
    *ram = (struct guest_ram){
        .listener =
            {
                .begin = collect_begin,
                .commit = collect_commit,
                .region_add = collect_section,
                .region_nop = collect_section,
                .name = "nested-iommu",
            },
        .ranges = g_array_new(false, false, sizeof(struct iommu_ram_range)),
        .pending = g_array_new(false, false, sizeof(struct iommu_ram_range)),
        .changed = changed,
        .opaque = opaque,
    };
    memory_listener_register(&ram->listener, &address_space_memory);
}

void guest_ram_unwatch(struct guest_ram* ram) {
    memory_listener_unregister(&ram->listener);
    g_array_unref(ram->ranges);
    g_array_unref(ram->pending);
}

/* A cache that is invalidated and not used is QEMU's one public way to do all that a write to RAM brings with it: dirty
 * bits for migration and display, and dropping of translated code. */
void guest_ram_written(uint64_t address, uint64_t size) {
    RCU_READ_LOCK_GUARD();

    while (size) {
        MemoryRegionCache cache;
        int64_t length = address_space_cache_init(&cache, &address_space_memory, address, size, true);

        if (length > 0) {
            address_space_cache_invalidate(&cache, 0, length);
        }
        address_space_cache_destroy(&cache);
        if (length <= 0) {
            return;
        }
        address += length;
        size -= length;
    }
}
