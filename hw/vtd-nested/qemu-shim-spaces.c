/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu-shim-spaces: what a PCI device sees instead of the system's memory.
 *
 * Each requester has an address space of its own:
 *
 *     container
 *       1  interrupts  0xfee00000..0xfeefffff   interrupt messages: asks the unit, then stores or drops
 *       0  translated  everything               while the unit translates: asks it for each access
 *       0  bypass      everything               else: the system's memory itself
 *
 * QEMU asks for a space by bus and device; the guest numbers the buses later and may do so anew, so the requester's bus
 * number is read at each request. An access's attributes reach `translate` as an index: the PASID, and whether it is
 * privileged.
 *
 * Caches elsewhere (vhost) register notifiers on the translated region and are told of unmaps. Those that would have to
 * be told of new mappings (VFIO) are refused: before the guest runs where QEMU allows it, since such a refusal in
 * mid-run ends QEMU.
 */
#include "hw/vtd-nested/qemu-shim.h"

#include "hw/pci/pci.h"
#include "hw/pci/pci_bus.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qemu/host-utils.h"

#define TYPE_VTD_TRANSLATED_REGION "vtd-nested-translated-region"

#define INTERRUPTS_BASE 0xfee00000u
#define INTERRUPTS_SIZE 0x100000u

/* The index of an access: PASID, 0 for none, and one bit above it. */
#define INDEX_PASID_MASK ((1u << MEMTXATTRS_PASID_BITS) - 1)
#define INDEX_PRIVILEGED (1u << MEMTXATTRS_PASID_BITS)
#define INDEX_COUNT (INDEX_PRIVILEGED << 1)

/* vhost looks up the host memory of a block's first byte and takes it for all of the block up to where that stretch of
 * RAM ends. So blocks, which pass-through makes as large as the address space, are cut to a size that RAM is a multiple
 * of; and to a page in the first of them, which has the PC's holes. */
#define BLOCK_LOG2 21u
#define LOW_BLOCK_LOG2 12u

struct vtd_space {
    struct vtd_device* device;
    PCIBus* bus;
    const PCIBusClass* bus_class;
    uint8_t devfn;

    MemoryRegion container;
    IOMMUMemoryRegion translated;
    MemoryRegion bypass;
    MemoryRegion interrupts;
    AddressSpace as;
};

static uint32_t requester_of(const struct vtd_space* space) {
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

static struct iommu_request request_of(const struct vtd_space* space, int index, uint64_t iova,
                                       IOMMUAccessFlags access) {
    const uint32_t pasid = index & INDEX_PASID_MASK;

    return (struct iommu_request){
        .requester = requester_of(space),
        .pasid = pasid ? pasid : IOMMU_NO_PASID,
        .iova = iova,
        .kind = IOMMU_REQUEST_UNTRANSLATED,
        .flags = (access & IOMMU_RO ? IOMMU_REQUEST_READ : 0) | (access & IOMMU_WO ? IOMMU_REQUEST_WRITE : 0) |
                 (index & INDEX_PRIVILEGED ? IOMMU_REQUEST_PRIVILEGED : 0),
    };
}

/* Inside an RCU read section, which keeps the RAM that the unit knows where it is. All that QEMU does with an address
 * space is in one, so that the many calls from there need not take the lock again. */
static struct iommu_reply ask(const struct vtd_space* space, const struct iommu_request* request) {
    struct iommu_reply reply;

    vtd_nested_translate(space->device->unit, request, &reply);
    return reply;
}

/* Bytes of the aligned block that the answer holds for. */
static uint64_t block_of(const struct iommu_reply* reply) {
    return 1ull << MIN(reply->page_log2, reply->address >> BLOCK_LOG2 ? BLOCK_LOG2 : LOW_BLOCK_LOG2);
}

static IOMMUTLBEntry entry_of(const struct iommu_request* request, const struct iommu_reply* reply) {
    const hwaddr mask = block_of(reply) - 1;
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
static IOMMUTLBEntry look(const struct vtd_space* space, int index, hwaddr iova) {
    struct iommu_request request = request_of(space, index, iova, IOMMU_RO);
    struct iommu_reply reply;

    request.kind = IOMMU_REQUEST_DEBUG;
    reply = ask(space, &request);
    if (reply.outcome != IOMMU_TRANSLATED) {
        request.flags ^= IOMMU_REQUEST_READ | IOMMU_REQUEST_WRITE;
        reply = ask(space, &request);
    }
    return entry_of(&request, &reply);
}

static IOMMUTLBEntry translate(IOMMUMemoryRegion* region, hwaddr iova, IOMMUAccessFlags access, int index) {
    const struct vtd_space* space = container_of(region, struct vtd_space, translated);
    struct iommu_request request;
    struct iommu_reply reply;

    if (access == IOMMU_NONE) {
        return look(space, index, iova);
    }
    request = request_of(space, index, iova, access);
    reply = ask(space, &request);
    return entry_of(&request, &reply);
}

/* The interrupt range */

/* With a PASID it is a range like any other. */
static MemTxResult access_with_pasid(const struct iommu_request* request, const struct iommu_reply* reply, void* bytes,
                                     unsigned size, MemTxAttrs attrs) {
    const uint64_t block = block_of(reply);

    if (reply->outcome != IOMMU_TRANSLATED || !(reply->rights & request->flags)) {
        return MEMTX_ERROR;
    }
    /* Into the next page, of which the unit was not asked. */
    if ((request->iova & (block - 1)) + size > block) {
        return MEMTX_ERROR;
    }
    return address_space_rw(&address_space_memory, reply->address, attrs, bytes, size,
                            request->flags & IOMMU_REQUEST_WRITE);
}

static MemTxResult interrupts_read(void* opaque, hwaddr offset, uint64_t* data, unsigned size, MemTxAttrs attrs) {
    const struct vtd_space* space = opaque;
    const struct iommu_request request = request_of(space, index_of(attrs), INTERRUPTS_BASE + offset, IOMMU_RO);
    uint8_t bytes[8] = {0};
    MemTxResult result = MEMTX_ERROR;

    if (request.pasid != IOMMU_NO_PASID) {
        const struct iommu_reply reply = ask(space, &request);

        result = access_with_pasid(&request, &reply, bytes, size, attrs);
    } else if (vtd_nested_interrupt_access(space->device->unit, &request, size)) {
        result = address_space_read(&address_space_memory, request.iova, attrs, bytes, size);
    }
    *data = ldn_le_p(bytes, size);
    return result;
}

static MemTxResult interrupts_write(void* opaque, hwaddr offset, uint64_t data, unsigned size, MemTxAttrs attrs) {
    const struct vtd_space* space = opaque;
    const struct iommu_request request = request_of(space, index_of(attrs), INTERRUPTS_BASE + offset, IOMMU_WO);
    uint8_t bytes[8];
    MemTxResult result;

    if (request.pasid != IOMMU_NO_PASID) {
        const struct iommu_reply reply = ask(space, &request);

        stn_le_p(bytes, size, data);
        return access_with_pasid(&request, &reply, bytes, size, attrs);
    }
    if (!vtd_nested_interrupt_access(space->device->unit, &request, size)) {
        return MEMTX_ERROR;
    }
    /* One store: the interrupt controller wants the message whole. */
    address_space_stl_le(&address_space_memory, request.iova, data, attrs, &result);
    return result;
}

/* QEMU cuts what is not aligned into pieces that are, so only a single unaligned store can still cross a page. */
static const MemoryRegionOps interrupts_ops = {
    .read_with_attrs = interrupts_read,
    .write_with_attrs = interrupts_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
    .impl = {.min_access_size = 1, .max_access_size = 8},
};

/* Notifiers */

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
void vtd_spaces_unmap(struct vtd_spaces* spaces, const struct iommu_unmap* what) {
    if (!spaces->listened_to) {
        return; /* as in most guests, for each of their many invalidations */
    }
    for (guint i = 0; i < spaces->all->len; i++) {
        struct vtd_space* space = g_ptr_array_index(spaces->all, i);
        IOMMUNotifier* notifier;

        if (space->translated.iommu_notify_flags == IOMMU_NOTIFIER_NONE) {
            continue;
        }
        if (!what->every_requester && what->requester != requester_of(space)) {
            continue;
        }
        IOMMU_NOTIFIER_FOREACH(notifier, &space->translated) { notify_range(notifier, what->first, what->last); }
    }
}

static int notify_flag_changed(IOMMUMemoryRegion* region, IOMMUNotifierFlag from, IOMMUNotifierFlag to, Error** errp) {
    struct vtd_space* space = container_of(region, struct vtd_space, translated);

    if (to & IOMMU_NOTIFIER_MAP) {
        error_setg(errp,
                   "PCI device %02x:%02x.%x has to be told of new mappings, which vtd-nested does not do; put it on a "
                   "pxb-pcie bus with bypass_iommu=on",
                   requester_of(space) >> 8, PCI_SLOT(space->devfn), PCI_FUNC(space->devfn));
        return -ENOTSUP;
    }
    space->device->spaces.listened_to += (to != IOMMU_NOTIFIER_NONE) - (from != IOMMU_NOTIFIER_NONE);
    return 0;
}

/* Only those who want to know of mappings need what is mapped already, and there are none; QEMU's own way would be to
 * ask for each page of 2^64 bytes. */
static void replay(IOMMUMemoryRegion* region, IOMMUNotifier* notifier) {}

static int attrs_to_index(IOMMUMemoryRegion* region, MemTxAttrs attrs) { return index_of(attrs); }

static int num_indexes(IOMMUMemoryRegion* region) { return INDEX_COUNT; }

/* Spaces */

static void space_set_translating(struct vtd_space* space, bool translating) {
    memory_region_set_enabled(MEMORY_REGION(&space->translated), translating);
    memory_region_set_enabled(&space->bypass, !translating);
}

static struct vtd_space* space_new(struct vtd_device* device, PCIBus* bus, int devfn) {
    struct vtd_space* space = g_new0(struct vtd_space, 1);
    Object* owner = OBJECT(device);
    MemoryRegion* system = get_system_memory();
    g_autofree char* name =
        g_strdup_printf(TYPE_VTD_NESTED " %s %02x.%x", BUS(bus)->name, PCI_SLOT(devfn), PCI_FUNC(devfn));

    space->device = device;
    space->bus = bus;
    space->bus_class = PCI_BUS_GET_CLASS(bus);
    space->devfn = devfn;
    memory_region_init(&space->container, owner, name, UINT64_MAX);
    memory_region_init_iommu(&space->translated, sizeof space->translated, TYPE_VTD_TRANSLATED_REGION, owner, name,
                             UINT64_MAX);
    memory_region_init_alias(&space->bypass, owner, TYPE_VTD_NESTED "-bypass", system, 0, memory_region_size(system));
    memory_region_init_io(&space->interrupts, owner, &interrupts_ops, space, TYPE_VTD_NESTED "-interrupts",
                          INTERRUPTS_SIZE);
    memory_region_add_subregion_overlap(&space->container, 0, MEMORY_REGION(&space->translated), 0);
    memory_region_add_subregion_overlap(&space->container, 0, &space->bypass, 0);
    memory_region_add_subregion_overlap(&space->container, INTERRUPTS_BASE, &space->interrupts, 1);
    space_set_translating(space, device->spaces.translating);
    address_space_init(&space->as, &space->container, name);
    g_ptr_array_add(device->spaces.all, space);
    return space;
}

static AddressSpace* get_address_space(PCIBus* bus, void* opaque, int devfn) {
    struct vtd_device* device = opaque;
    GPtrArray* on_bus = g_hash_table_lookup(device->spaces.by_bus, bus);
    struct vtd_space* space;

    if (!on_bus) {
        on_bus = g_ptr_array_new();
        g_ptr_array_set_size(on_bus, PCI_DEVFN_MAX);
        g_hash_table_insert(device->spaces.by_bus, bus, on_bus);
    }
    space = g_ptr_array_index(on_bus, devfn);
    if (!space) {
        space = space_new(device, bus, devfn);
        on_bus->pdata[devfn] = space;
    }
    return &space->as;
}

/* An assigned device registers for mappings only when the guest turns translation on, and takes QEMU down when that is
 * refused. This comes first. */
static bool set_iommu_device(PCIBus* bus, void* opaque, int devfn, HostIOMMUDevice* host, Error** errp) {
    error_setg(errp,
               "vtd-nested does not serve assigned devices yet; put the device on a pxb-pcie bus with bypass_iommu=on");
    return false;
}

static const PCIIOMMUOps pci_ops = {
    .get_address_space = get_address_space,
    .set_iommu_device = set_iommu_device,
};

void vtd_spaces_init(struct vtd_device* device) {
    device->spaces = (struct vtd_spaces){
        .by_bus = g_hash_table_new(g_direct_hash, g_direct_equal),
        .all = g_ptr_array_new(),
    };
}

void vtd_spaces_destroy(struct vtd_device* device) {
    g_hash_table_unref(device->spaces.by_bus);
    g_ptr_array_unref(device->spaces.all);
}

void vtd_spaces_attach(struct vtd_device* device, PCIBus* bus) { pci_setup_iommu(bus, &pci_ops, device); }

void vtd_spaces_set_translating(struct vtd_spaces* spaces, bool translating) {
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
    region->notify_flag_changed = notify_flag_changed;
    region->replay = replay;
    region->attrs_to_index = attrs_to_index;
    region->num_indexes = num_indexes;
}

static const TypeInfo translated_region_info = {
    .name = TYPE_VTD_TRANSLATED_REGION,
    .parent = TYPE_IOMMU_MEMORY_REGION,
    .class_init = translated_region_class_init,
};

void vtd_spaces_register_type(void) { type_register_static(&translated_region_info); }
