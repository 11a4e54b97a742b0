/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu_bench_units: the subjects on a PC; see the header for how several units live in one machine.
 * PCMachineState.iommu is forgotten between two, and each unit's register page is moved before the next maps its own
 * there.
 */
#include "tests/bench/qemu_bench.h"

#include "hw/i386/pc.h"
#include "hw/pci/pci_bus.h"
#include "hw/sysbus.h"
#include "qapi/error.h"
#include "qemu/error-report.h"

/* Where units map their register page, and where these are moved to: below the I/O APIC there is nothing. */
#define REGISTERS_BASE 0xfed90000u
#define REGISTERS_MOVED 0xfe000000u

struct bench_subject bench_subjects[] = {
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
const unsigned bench_subjects_count = ARRAY_SIZE(bench_subjects);

/* The fixed size of intel-iommu. */
const unsigned bench_cached_by_all = 1024;

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

bool bench_machine_check(const char* mode, Error** errp) {
    const PCMachineState* pc = (const PCMachineState*)object_dynamic_cast(qdev_get_machine(), TYPE_PC_MACHINE);

    if (!pc || !pc->pcibus) {
        error_setg(errp, "iommu-bench needs -machine q35");
        return false;
    }
    if (mode) {
        error_setg(errp, "iommu-bench measures all modes of VT-d at once: leave out mode=%s", mode);
        return false;
    }
    return true;
}

void bench_subjects_make(Object* owner) {
    for (unsigned i = 0; i < bench_subjects_count; i++) {
        struct bench_subject* subject = &bench_subjects[i];

        if (subject->type) {
            make_unit(subject, REGISTERS_MOVED + i * 0x10000);
        } else {
            subject->as = i ? bench_constant_space(owner) : &address_space_memory;
        }
    }
}
