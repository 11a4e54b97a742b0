/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu_bench_constant: an IOMMU that always gives the same answer: what QEMU's own part of a translation costs.
 */
#include "tests/bench/qemu_bench.h"

#define TYPE_CONSTANT_REGION "iommu-bench-constant-region"

static IOMMUTLBEntry translate_constant(IOMMUMemoryRegion* region, hwaddr iova, IOMMUAccessFlags access, int index) {
    return (IOMMUTLBEntry){
        .target_as = &address_space_memory,
        .iova = iova & ~(hwaddr)(BENCH_PAGE - 1),
        .translated_addr = iova & ~(hwaddr)(BENCH_PAGE - 1),
        .addr_mask = BENCH_PAGE - 1,
        .perm = IOMMU_RW,
    };
}

static void constant_region_class_init(ObjectClass* class, class_init_data* data) {
    IOMMU_MEMORY_REGION_CLASS(class)->translate = translate_constant;
}

static const TypeInfo constant_region_info = {
    .name = TYPE_CONSTANT_REGION,
    .parent = TYPE_IOMMU_MEMORY_REGION,
    .class_init = constant_region_class_init,
};

void bench_register_constant_region(void) { type_register_static(&constant_region_info); }

/* In a container, as units have it. */
AddressSpace* bench_constant_space(Object* owner) {
    MemoryRegion* container = g_new0(MemoryRegion, 1);
    IOMMUMemoryRegion* region = g_new0(IOMMUMemoryRegion, 1);
    AddressSpace* as = g_new0(AddressSpace, 1);

    memory_region_init(container, owner, "iommu-bench-container", UINT64_MAX);
    memory_region_init_iommu(region, sizeof *region, TYPE_CONSTANT_REGION, owner, "iommu-bench-constant", UINT64_MAX);
    memory_region_add_subregion(container, 0, MEMORY_REGION(region));
    address_space_init(as, container, "iommu-bench-constant");
    return as;
}
