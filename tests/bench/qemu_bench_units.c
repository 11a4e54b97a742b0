/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu_bench_units: the subjects; see the header for how several units live in one machine.
 */
#include "tests/bench/qemu_bench.h"

#include "hw/i386/pc.h"
#include "hw/pci/pci_bus.h"
#include "hw/sysbus.h"
#include "qapi/error.h"
#include "qemu/error-report.h"

#define TYPE_CONSTANT_REGION "iommu-bench-constant-region"

/* Where units map their register page, and where these are moved to: below the I/O APIC there is nothing. */
#define REGISTERS_BASE 0xfed90000u
#define REGISTERS_MOVED 0xfe000000u

struct bench_subject bench_subjects[BENCH_SUBJECTS] = {
    {.name = "no-iommu"},
    {.name = "constant"},
    {.name = "vtd-nested/legacy", .type = "vtd-nested", .driver.mode = BENCH_LEGACY},
    {.name = "intel-iommu/legacy", .type = "intel-iommu", .driver.mode = BENCH_LEGACY},
    {.name = "vtd-nested/first-stage", .type = "vtd-nested", .driver.mode = BENCH_FIRST_STAGE},
    {.name = "intel-iommu/first-stage",
     .type = "intel-iommu",
     .option = "x-scalable-mode,x-flts",
     .driver.mode = BENCH_FIRST_STAGE},
    {.name = "vtd-nested/nested", .type = "vtd-nested", .driver.mode = BENCH_NESTED},
};

/* The constant callback: what QEMU's own part of a translation costs. */

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
static AddressSpace* constant_space(Object* owner) {
    MemoryRegion* container = g_new0(MemoryRegion, 1);
    IOMMUMemoryRegion* region = g_new0(IOMMUMemoryRegion, 1);
    AddressSpace* as = g_new0(AddressSpace, 1);

    memory_region_init(container, owner, "iommu-bench-container", UINT64_MAX);
    memory_region_init_iommu(region, sizeof *region, TYPE_CONSTANT_REGION, owner, "iommu-bench-constant", UINT64_MAX);
    memory_region_add_subregion(container, 0, MEMORY_REGION(region));
    address_space_init(as, container, "iommu-bench-constant");
    return as;
}

/* Units */

static void set_options(DeviceState* device, const char* options) {
    g_auto(GStrv) names = g_strsplit(options ? options : "", ",", 0);

    for (char** name = names; *name; name++) {
        object_property_set_bool(OBJECT(device), *name, true, &error_fatal);
    }
}

static void realize_unit(const struct bench_subject* subject, PCMachineState* pc) {
    DeviceState* device = qdev_try_new(subject->type);

    if (!device) {
        error_report("iommu-bench: there is no %s in this QEMU", subject->type);
        exit(EXIT_FAILURE);
    }
    set_options(device, subject->option);
    /* In both types: nothing of the interrupt range is measured. */
    object_property_set_str(OBJECT(device), "intremap", "off", &error_abort);
    /* It is late, but nothing runs yet. */
    device->hotplugged = 0;
    pc->iommu = NULL;
    sysbus_realize_and_unref(SYS_BUS_DEVICE(device), &error_fatal);
    pc->iommu = NULL;
    device_cold_reset(device);
}

static void make_unit(struct bench_subject* subject, hwaddr registers) {
    PCMachineState* pc = PC_MACHINE(qdev_get_machine());
    PCIBus* bus = pc->pcibus;
    MemoryRegionSection mapped;

    realize_unit(subject, pc);
    subject->as = bus->iommu_ops->get_address_space(bus, bus->iommu_opaque, BENCH_DEVFN);
    subject->driver.registers = registers;
    mapped = memory_region_find(get_system_memory(), REGISTERS_BASE, 1);
    memory_region_set_address(mapped.mr, registers);
    memory_region_unref(mapped.mr);
}

void bench_subjects_make(Object* owner) {
    for (unsigned i = 0; i < BENCH_SUBJECTS; i++) {
        struct bench_subject* subject = &bench_subjects[i];

        if (subject->type) {
            make_unit(subject, REGISTERS_MOVED + i * 0x10000);
        } else {
            subject->as = i ? constant_space(owner) : &address_space_memory;
        }
    }
}
