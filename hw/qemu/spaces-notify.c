/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * spaces-notify: those who keep translations of a space, and how they are made to forget; see spaces.h.
 */
#include "hw/qemu/spaces.h"

#include "qapi/error.h"

static void notify_one(IOMMUNotifier* notifier, uint64_t first, uint64_t mask) {
    const IOMMUTLBEvent event = {
        /* The kind that this one listens to; it has one of the two. */
        .type = notifier->notifier_flags & (IOMMU_NOTIFIER_UNMAP | IOMMU_NOTIFIER_DEVIOTLB_UNMAP),
        .entry = {.target_as = &address_space_memory, .iova = first, .addr_mask = mask, .perm = IOMMU_NONE},
    };

    memory_region_notify_iommu_one(notifier, &event);
}

/* In naturally aligned blocks and inside the notifier's own range: QEMU insists on both. */
static void notify_range(IOMMUNotifier* notifier, uint64_t first, uint64_t last) {
    first = MAX(first, notifier->start);
    last = MIN(last, notifier->end);
    while (first <= last) {
        uint64_t mask = first ? (first & -first) - 1 : INT64_MAX;

        while (mask > last - first) {
            mask >>= 1;
        }
        notify_one(notifier, first, mask);
        if (last - first == mask) {
            return; /* `first` could wrap round */
        }
        first += mask + 1;
    }
}

/* A space that nobody listens to is skipped before its bus is looked at: the bus may be unplugged. */
void spaces_unmap(struct spaces* spaces, const struct iommu_unmap* what) {
    if (!spaces->listened_to) {
        return; /* as in most guests, for each of their many invalidations */
    }
    for (guint i = 0; i < spaces->all->len; i++) {
        struct space* space = g_ptr_array_index(spaces->all, i);
        IOMMUNotifier* notifier;

        if (space->translated.iommu_notify_flags == IOMMU_NOTIFIER_NONE) {
            continue;
        }
        if (!what->every_requester && what->requester != space_requester(space)) {
            continue;
        }
        IOMMU_NOTIFIER_FOREACH(notifier, &space->translated) { notify_range(notifier, what->first, what->last); }
    }
}

int space_notify_flag_changed(IOMMUMemoryRegion* region, IOMMUNotifierFlag from, IOMMUNotifierFlag to, Error** errp) {
    struct space* space = container_of(region, struct space, translated);

    if (to & IOMMU_NOTIFIER_MAP) {
        error_setg(errp,
                   "PCI device %02x:%02x.%x has to be told of new mappings, which %s does not do; put it on a pxb-pcie "
                   "bus with bypass_iommu=on",
                   space_requester(space) >> 8, PCI_SLOT(space->devfn), PCI_FUNC(space->devfn),
                   space->spaces->owner.name);
        return -ENOTSUP;
    }
    space->spaces->listened_to += (to != IOMMU_NOTIFIER_NONE) - (from != IOMMU_NOTIFIER_NONE);
    return 0;
}

/* Only those who want to know of mappings need what is mapped already, and there are none; QEMU's own way would be to
 * ask for each page of 2^64 bytes. */
void space_replay(IOMMUMemoryRegion* region, IOMMUNotifier* notifier) {}
