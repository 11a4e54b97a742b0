/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * spaces: what a PCI device behind a unit sees instead of the system's memory.
 *
 * Each requester has an address space of its own:
 *
 *     container
 *       0  translated  everything     while the unit translates: asks it for each access
 *       0  bypass      everything     else: the system's memory itself
 *
 * and what the unit's shim puts above them (`extend`). QEMU asks for a space by bus and device; the guest numbers the
 * buses later and may do so anew, so the requester's bus number is read at each request. An access's attributes reach
 * the unit as an index: the PASID, and whether it is privileged.
 *
 * Caches elsewhere (vhost) register notifiers on the translated region and are told of unmaps. Those that would have to
 * be told of new mappings (VFIO) are refused: before the guest runs where QEMU allows it, since such a refusal in
 * mid-run ends QEMU.
 *
 * QEMU knows translated and failed. An access that the unit discards (the requester sees success, reads are zeros) is
 * therefore blocked: reads fail instead of giving zeros. Nothing here can wait, so no request says that it can stall.
 */
#ifndef NESTED_IOMMU_QEMU_SPACES_H
#define NESTED_IOMMU_QEMU_SPACES_H

#include "hw/qemu/compat.h"

#include "hw/pci/pci.h"
#include "hw/pci/pci_bus.h"
#include "iommu/capi.h"

struct space;

/* Whose the spaces are. */
struct spaces_owner {
    Object* device;
    const char* name; /* the device type's */
    /* A shim with more to say about a space embeds it as the first member of a struct of this size... */
    size_t space_size;
    /* ...and completes it here, before anyone sees it. May be null. */
    void (*extend)(struct space* space);
};

/* All address spaces of one unit. */
struct spaces {
    struct spaces_owner owner;
    void (*translate)(void* unit, const struct iommu_request* request, struct iommu_reply* reply);
    void* unit;
    PCIBus* root_bus;   /* once attached */
    GHashTable* by_bus; /* PCIBus to its GPtrArray of struct space, by device and function */
    GPtrArray* all;
    bool translating;
    unsigned listened_to; /* spaces that someone has a notifier on */
};

/* That of one requester. */
struct space {
    struct spaces* spaces;
    PCIBus* bus;
    const PCIBusClass* bus_class;
    uint8_t devfn;

    MemoryRegion container;
    IOMMUMemoryRegion translated;
    MemoryRegion bypass;
    AddressSpace as;
};

void spaces_init(struct spaces* spaces, const struct spaces_owner* owner);
void spaces_destroy(struct spaces* spaces); /* of a device that was never attached */
/* From now on the bus asks for spaces, and they ask the unit. */
void spaces_attach(struct spaces* spaces, PCIBus* bus);
void spaces_set_translating(struct spaces* spaces, bool translating);
void spaces_unmap(struct spaces* spaces, const struct iommu_unmap* what);

/* For those who extend a space. */
struct iommu_request space_request(const struct space* space, MemTxAttrs attrs, hwaddr iova, IOMMUAccessFlags access);
/* Inside an RCU read section, which keeps the RAM that the unit knows where it is. All that QEMU does with an address
 * space is in one, so that the many calls from there need not take the lock again. */
struct iommu_reply space_ask(const struct space* space, const struct iommu_request* request);
/* Bytes of the aligned block that the answer holds for. */
uint64_t space_block(const struct iommu_reply* reply);

/* spaces-notify.c: the translated region's callbacks for those who keep translations. */
uint32_t space_requester(const struct space* space);
int space_notify_flag_changed(IOMMUMemoryRegion* region, IOMMUNotifierFlag from, IOMMUNotifierFlag to, Error** errp);
void space_replay(IOMMUMemoryRegion* region, IOMMUNotifier* notifier);

#endif /* NESTED_IOMMU_QEMU_SPACES_H */
