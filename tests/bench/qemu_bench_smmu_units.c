/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu_bench_smmu_units: the subjects on the machine `virt`: smmuv3-nested, which is on the command line, and QEMU's
 * own SMMUv3, which is made beside it when the bus was asked for the first one's address space.
 */
#include "tests/bench/qemu_bench.h"

#include "hw/arm/virt.h"
#include "hw/pci/pci_bus.h"
#include "hw/sysbus.h"
#include "qapi/error.h"
#include "qemu/error-report.h"

#define OURS "smmuv3-nested"
#define THEIRS "arm-smmuv3"

/* Between the virtio devices and the platform bus there is nothing. */
#define THEIR_REGISTERS 0x0b000000u

enum { NO_IOMMU, CONSTANT, OUR_UNIT, THEIR_UNIT };

/* The names are those of the chosen mode. */
struct bench_subject bench_subjects[] = {
    [NO_IOMMU] = {.name = "no-iommu"},
    [CONSTANT] = {.name = "constant"},
    [OUR_UNIT] = {.name = OURS, .type = OURS},
    [THEIR_UNIT] = {.name = THEIRS, .type = THEIRS},
};
const unsigned bench_subjects_count = ARRAY_SIZE(bench_subjects);

/* The fixed size of arm-smmuv3. */
const unsigned bench_cached_by_all = 256;

/* `option` is the property `stage` of arm-smmuv3. */
static const struct {
    const char* name;
    const char* option;
    enum bench_mode mode;
} modes[] = {
    {"stage-1", "1", BENCH_FIRST_STAGE},
    {"stage-2", "2", BENCH_SECOND_STAGE},
    {"nested", "nested", BENCH_NESTED},
};

static bool choose_mode(const char* name) {
    for (unsigned i = 0; i < ARRAY_SIZE(modes); i++) {
        if (!g_strcmp0(modes[i].name, name)) {
            bench_subjects[OUR_UNIT].driver.mode = modes[i].mode;
            bench_subjects[THEIR_UNIT].driver.mode = modes[i].mode;
            bench_subjects[THEIR_UNIT].option = modes[i].option;
            /* Stage 2 of the tables of stage 1 has entries, too. */
            bench_subjects[THEIR_UNIT].never_full = modes[i].mode == BENCH_NESTED;
            for (unsigned subject = 0; subject < bench_subjects_count; subject++) {
                bench_subjects[subject].name = g_strdup_printf("%s/%s", bench_subjects[subject].name, name);
            }
            return true;
        }
    }
    return false;
}

bool bench_machine_check(const char* mode, Error** errp) {
    if (!object_dynamic_cast(qdev_get_machine(), TYPE_VIRT_MACHINE) || !object_resolve_path_type("", OURS, NULL)) {
        error_setg(errp, "iommu-bench needs -machine virt -device " OURS " before it");
        return false;
    }
    if (!choose_mode(mode)) {
        error_setg(errp, "iommu-bench needs mode=stage-1, mode=stage-2 or mode=nested");
        return false;
    }
    return true;
}

static AddressSpace* space_on(PCIBus* bus) {
    return bus->iommu_ops->get_address_space(bus, bus->iommu_opaque, BENCH_DEVFN);
}

static void make_theirs(PCIBus* bus) {
    DeviceState* device = qdev_new(THEIRS);

    object_property_set_link(OBJECT(device), "primary-bus", OBJECT(bus), &error_abort);
    object_property_set_str(OBJECT(device), "stage", bench_subjects[THEIR_UNIT].option, &error_abort);
    /* It is late, but nothing runs yet. */
    device->hotplugged = 0;
    sysbus_realize_and_unref(SYS_BUS_DEVICE(device), &error_fatal);
    sysbus_mmio_map(SYS_BUS_DEVICE(device), 0, THEIR_REGISTERS);
    device_cold_reset(device);
}

void bench_subjects_make(Object* owner) {
    const VirtMachineState* machine = VIRT_MACHINE(qdev_get_machine());

    bench_subjects[NO_IOMMU].as = &address_space_memory;
    bench_subjects[CONSTANT].as = bench_constant_space(owner);
    bench_subjects[OUR_UNIT].as = space_on(machine->bus);
    bench_subjects[OUR_UNIT].driver.registers = machine->memmap[VIRT_SMMU].base;
    make_theirs(machine->bus);
    bench_subjects[THEIR_UNIT].as = space_on(machine->bus);
    bench_subjects[THEIR_UNIT].driver.registers = THEIR_REGISTERS;
}
