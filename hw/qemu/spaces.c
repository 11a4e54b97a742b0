/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * spaces: requests and the making of spaces; see the header.
 */
#include "hw/qemu/spaces.h"

#include "qapi/error.h"

#define TYPE_TRANSLATED_REGION "nested-iommu-translated-region"

/* The index of an access: PASID, 0 for none, and one bit above it. */
#define INDEX_PASID_MASK ((1u << MEMTXATTRS_PASID_BITS) - 1)
#define INDEX_PRIVILEGED (1u << MEMTXATTRS_PASID_BITS)
#define INDEX_COUNT (INDEX_PRIVILEGED << 1)

/* vhost looks up the host memory of a block's first byte and takes it for all of the block up to where that stretch of
 * RAM ends. So blocks, which pass-through makes as large as the address space, are cut to a size that RAM is a multiple
 * of; and to a page in the first of them, which has the PC's holes. */
#define BLOCK_LOG2 21u
#define LOW_BLOCK_LOG2 12u

uint32_t space_requester(const struct space* space) {
    return (uint32_t)space->bus_class->bus_num(space->bus) << 8 | space->devfn;
}

/* Requests */

/* MemTxAttrs has no bit for a PASID's privileged mode. `user` will not do: it is 0 in accesses that say nothing. */
static int index_of(MemTxAttrs attrs) {
    if (attrs.unspecified || !attrs.pid) {
        return 0;
    }
    return attrs.pid | (attrs.secure ? INDEX_PRIVILEGED : 0);
}

static struct iommu_request request_of(const struct space* space, int index, hwaddr iova, IOMMUAccessFlags access) {
    const uint32_t pasid = index & INDEX_PASID_MASK;

    return (struct iommu_request){
        .requester = space_requester(space),
        .pasid = pasid ? pasid : IOMMU_NO_PASID,
        .iova = iova,
        .kind = IOMMU_REQUEST_UNTRANSLATED,
        .flags = (access & IOMMU_RO ? IOMMU_REQUEST_READ : 0) | (access & IOMMU_WO ? IOMMU_REQUEST_WRITE : 0) |
                 (index & INDEX_PRIVILEGED ? IOMMU_REQUEST_PRIVILEGED : 0),
    };
}

struct iommu_request space_request(const struct space* space, MemTxAttrs attrs, hwaddr iova, IOMMUAccessFlags access) {
    return request_of(space, index_of(attrs), iova, access);
}

struct iommu_reply space_ask(const struct space* space, const struct iommu_request* request) {
    struct iommu_reply reply;

    space->spaces->translate(space->spaces->unit, request, &reply);
    return reply;
}

uint64_t space_block(const struct iommu_reply* reply) {
    return 1ull << MIN(reply->page_log2, reply->address >> BLOCK_LOG2 ? BLOCK_LOG2 : LOW_BLOCK_LOG2);
}

/* Whatever is not translated has no permission, which fails the access. */
static IOMMUTLBEntry entry_of(const struct iommu_request* request, const struct iommu_reply* reply) {
    const hwaddr mask = space_block(reply) - 1;
    IOMMUTLBEntry entry = {.target_as = &address_space_memory, .iova = request->iova, .perm = IOMMU_NONE};

    if (reply->outcome == IOMMU_TRANSLATED) {
        entry.iova = request->iova & ~mask;
        entry.translated_addr = reply->address & ~mask;
        entry.addr_mask = mask;
        entry.perm = IOMMU_ACCESS_FLAG(reply->rights & IOMMU_REQUEST_READ, reply->rights & IOMMU_REQUEST_WRITE);
    }
    return entry;
}

/* QEMU's IOMMU_NONE is no access: someone looks at what there is. Then a page that may only be written counts, too. */
static IOMMUTLBEntry look(const struct space* space, int index, hwaddr iova) {
    struct iommu_request request = request_of(space, index, iova, IOMMU_RO);
    struct iommu_reply reply;

    request.kind = IOMMU_REQUEST_DEBUG;
    reply = space_ask(space, &request);
    if (reply.outcome != IOMMU_TRANSLATED) {
        request.flags ^= IOMMU_REQUEST_READ | IOMMU_REQUEST_WRITE;
        reply = space_ask(space, &request);
    }
    return entry_of(&request, &reply);
}

static IOMMUTLBEntry translate(IOMMUMemoryRegion* region, hwaddr iova, IOMMUAccessFlags access, int index) {
    const struct space* space = container_of(region, struct space, translated);
    struct iommu_request request;
    struct iommu_reply reply;

    if (access == IOMMU_NONE) {
        return look(space, index, iova);
    }
    request = request_of(space, index, iova, access);
    reply = space_ask(space, &request);
    return entry_of(&request, &reply);
}

static int attrs_to_index(IOMMUMemoryRegion* region, MemTxAttrs attrs) { return index_of(attrs); }

static int num_indexes(IOMMUMemoryRegion* region) { return INDEX_COUNT; }

/* Spaces */

static void space_set_translating(struct space* space, bool translating) {
    memory_region_set_enabled(MEMORY_REGION(&space->translated), translating);
    memory_region_set_enabled(&space->bypass, !translating);
}

static void space_init_regions(struct space* space, const char* name) {
    const struct spaces_owner* owner = &space->spaces->owner;
    g_autofree char* bypass = g_strdup_printf("%s-bypass", owner->name);
    MemoryRegion* system = get_system_memory();

    memory_region_init(&space->container, owner->device, name, UINT64_MAX);
    memory_region_init_iommu(&space->translated, sizeof space->translated, TYPE_TRANSLATED_REGION, owner->device, name,
                             UINT64_MAX);
    memory_region_init_alias(&space->bypass, owner->device, bypass, system, 0, memory_region_size(system));
    memory_region_add_subregion_overlap(&space->container, 0, MEMORY_REGION(&space->translated), 0);
    memory_region_add_subregion_overlap(&space->container, 0, &space->bypass, 0);
}

static struct space* space_new(struct spaces* spaces, PCIBus* bus, int devfn) {
    struct space* space = g_malloc0(spaces->owner.space_size);
    g_autofree char* name =
        g_strdup_printf("%s %s %02x.%x", spaces->owner.name, BUS(bus)->name, PCI_SLOT(devfn), PCI_FUNC(devfn));

    space->spaces = spaces;
    space->bus = bus;
    space->bus_class = PCI_BUS_GET_CLASS(bus);
    space->devfn = devfn;
    space_init_regions(space, name);
    if (spaces->owner.extend) {
        spaces->owner.extend(space);
    }
    space_set_translating(space, spaces->translating);
    address_space_init(&space->as, &space->container, name);
    g_ptr_array_add(spaces->all, space);
    return space;
}

static AddressSpace* get_address_space(PCIBus* bus, void* opaque, int devfn) {
    struct spaces* spaces = opaque;
    GPtrArray* on_bus = g_hash_table_lookup(spaces->by_bus, bus);
    struct space* space;

    if (!on_bus) {
        on_bus = g_ptr_array_new();
        g_ptr_array_set_size(on_bus, PCI_DEVFN_MAX);
        g_hash_table_insert(spaces->by_bus, bus, on_bus);
    }
    space = g_ptr_array_index(on_bus, devfn);
    if (!space) {
        space = space_new(spaces, bus, devfn);
        on_bus->pdata[devfn] = space;
    }
    return &space->as;
}

/* An assigned device registers for mappings only when the guest turns translation on, and takes QEMU down when that is
 * refused. This comes first. */
static bool set_iommu_device(PCIBus* bus, void* opaque, int devfn, HostIOMMUDevice* host, Error** errp) {
    const struct spaces* spaces = opaque;

    error_setg(errp, "%s does not serve assigned devices yet; put the device on a pxb-pcie bus with bypass_iommu=on",
               spaces->owner.name);
    return false;
}

static const PCIIOMMUOps pci_ops = {
    .get_address_space = get_address_space,
    .set_iommu_device = set_iommu_device,
};

void spaces_init(struct spaces* spaces, const struct spaces_owner* owner) {
    *spaces = (struct spaces){
        .owner = *owner,
        .by_bus = g_hash_table_new(g_direct_hash, g_direct_equal),
        .all = g_ptr_array_new(),
    };
}

void spaces_destroy(struct spaces* spaces) {
    g_hash_table_unref(spaces->by_bus);
    g_ptr_array_unref(spaces->all);
}

void spaces_attach(struct spaces* spaces, PCIBus* bus) {
    spaces->root_bus = bus;
    pci_setup_iommu(bus, &pci_ops, spaces);
}

void spaces_set_translating(struct spaces* spaces, bool translating) {
    if (spaces->translating == translating) {
        return;
    }
    spaces->translating = translating;
    memory_region_transaction_begin();
    for (guint i = 0; i < spaces->all->len; i++) {
        space_set_translating(g_ptr_array_index(spaces->all, i), translating);
    }
    memory_region_transaction_commit();
}

static void translated_region_class_init(ObjectClass* class, class_init_data* data) {
    IOMMUMemoryRegionClass* region = IOMMU_MEMORY_REGION_CLASS(class);

    region->translate = translate;
    region->notify_flag_changed = space_notify_flag_changed;
    region->replay = space_replay;
    region->attrs_to_index = attrs_to_index;
    region->num_indexes = num_indexes;
}

static const TypeInfo translated_region_info = {
    .name = TYPE_TRANSLATED_REGION,
    .parent = TYPE_IOMMU_MEMORY_REGION,
    .class_init = translated_region_class_init,
};

static void register_types(void) { type_register_static(&translated_region_info); }

type_init(register_types)
