/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu-shim-interrupts: the range of interrupt messages in each PCI device's address space.
 *
 *     1  interrupts  0xfee00000..0xfeefffff   asks the unit, then stores or drops
 *
 * lies above what hw/qemu/spaces.h puts there.
 */
#include "hw/vtd-nested/qemu-shim.h"

#include "qemu/bswap.h"

#define INTERRUPTS_BASE 0xfee00000u
#define INTERRUPTS_SIZE 0x100000u

/* With a PASID it is a range like any other. */
static MemTxResult access_with_pasid(const struct iommu_request* request, const struct iommu_reply* reply, void* bytes,
                                     unsigned size, MemTxAttrs attrs) {
    const uint64_t block = space_block(reply);

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
    const struct iommu_request request = space_request(&space->space, attrs, INTERRUPTS_BASE + offset, IOMMU_RO);
    uint8_t bytes[8] = {0};
    MemTxResult result = MEMTX_ERROR;

    if (request.pasid != IOMMU_NO_PASID) {
        const struct iommu_reply reply = space_ask(&space->space, &request);

        result = access_with_pasid(&request, &reply, bytes, size, attrs);
    } else if (vtd_nested_interrupt_access(space->space.spaces->unit, &request, size)) {
        result = address_space_read(&address_space_memory, request.iova, attrs, bytes, size);
    }
    *data = ldn_le_p(bytes, size);
    return result;
}

static MemTxResult interrupts_write(void* opaque, hwaddr offset, uint64_t data, unsigned size, MemTxAttrs attrs) {
    const struct vtd_space* space = opaque;
    const struct iommu_request request = space_request(&space->space, attrs, INTERRUPTS_BASE + offset, IOMMU_WO);
    uint8_t bytes[8];
    MemTxResult result;

    if (request.pasid != IOMMU_NO_PASID) {
        const struct iommu_reply reply = space_ask(&space->space, &request);

        stn_le_p(bytes, size, data);
        return access_with_pasid(&request, &reply, bytes, size, attrs);
    }
    if (!vtd_nested_interrupt_access(space->space.spaces->unit, &request, size)) {
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

void vtd_space_add_interrupts(struct space* base) {
    struct vtd_space* space = container_of(base, struct vtd_space, space);

    memory_region_init_io(&space->interrupts, base->spaces->owner.device, &interrupts_ops, space,
                          TYPE_VTD_NESTED "-interrupts", INTERRUPTS_SIZE);
    memory_region_add_subregion_overlap(&base->container, INTERRUPTS_BASE, &space->interrupts, 1);
}
