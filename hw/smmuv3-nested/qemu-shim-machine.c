/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu-shim-machine: the unit's place in the machine `virt`.
 *
 * The machine keeps an address and four lines free for its own SMMUv3 (`-M virt,iommu=smmuv3`); this unit takes them. A
 * guest finds it in the device tree, which is handed over after all devices are made and so may still be changed here,
 * or in ACPI's IORT table, which QEMU makes later still and which describes an SMMUv3 there because the machine says
 * that it has one.
 */
#include "hw/smmuv3-nested/qemu-shim.h"

#include "hw/arm/fdt.h"
#include "hw/arm/smmuv3.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "system/device_tree.h"

/* In the order of enum smmuv3_nested_line, which is the order of the machine's lines, too. */
static const char* const line_names[SMMUV3_LINES] = {"eventq", "priq", "cmdq-sync", "gerror"};

static bool check_no_other(const VirtMachineState* machine, Error** errp) {
    bool several = false;

    object_resolve_path_type("", TYPE_SMMUV3_NESTED, &several);
    if (several) {
        error_setg(errp, "there is an smmuv3-nested already, and the machine has room for one");
        return false;
    }
    if (object_resolve_path_type("", TYPE_ARM_SMMUV3, NULL)) {
        error_setg(errp, "the machine has QEMU's own SMMUv3 in the place of smmuv3-nested; leave out iommu=smmuv3");
        return false;
    }
    if (machine->iommu != VIRT_IOMMU_NONE) {
        error_setg(errp, "the machine has another IOMMU already, and smmuv3-nested goes with none");
        return false;
    }
    return true;
}

static bool check_room(const VirtMachineState* machine, Error** errp) {
    if (!machine->bus || !machine->memmap || machine->memmap[VIRT_SMMU].size < SMMUV3_NESTED_REGISTERS_SIZE) {
        error_setg(errp, "this version of the machine virt keeps no addresses for an SMMUv3; use a newer one");
        return false;
    }
    if (!machine->gic || !machine->irqmap) {
        error_setg(errp, "smmuv3-nested needs the machine's interrupt controller, for four lines");
        return false;
    }
    return true;
}

VirtMachineState* smmuv3_machine_find(Error** errp) {
    VirtMachineState* machine = (VirtMachineState*)object_dynamic_cast(qdev_get_machine(), TYPE_VIRT_MACHINE);

    if (!machine) {
        error_setg(errp, "smmuv3-nested needs the machine virt: -machine virt");
        return NULL;
    }
    return check_no_other(machine, errp) && check_room(machine, errp) ? machine : NULL;
}

/* Device tree */

static void describe_lines(void* tree, const char* node, int first) {
    uint32_t cells[SMMUV3_LINES][3];
    g_autoptr(GString) names = g_string_new(NULL);

    for (int i = 0; i < SMMUV3_LINES; i++) {
        cells[i][0] = cpu_to_be32(GIC_FDT_IRQ_TYPE_SPI);
        cells[i][1] = cpu_to_be32(first + i);
        cells[i][2] = cpu_to_be32(GIC_FDT_IRQ_FLAGS_EDGE_LO_HI);
        /* With the final zero of each. */
        g_string_append_len(names, line_names[i], strlen(line_names[i]) + 1);
    }
    qemu_fdt_setprop(tree, node, "interrupts", cells, sizeof cells);
    qemu_fdt_setprop(tree, node, "interrupt-names", names->str, names->len);
}

static void describe_unit(VirtMachineState* machine) {
    const MemMapEntry* place = &machine->memmap[VIRT_SMMU];
    void* tree = MACHINE(machine)->fdt;
    g_autofree char* node = g_strdup_printf("/smmuv3@%" PRIx64, place->base);

    machine->iommu_phandle = qemu_fdt_alloc_phandle(tree);
    qemu_fdt_add_subnode(tree, node);
    qemu_fdt_setprop_string(tree, node, "compatible", "arm,smmu-v3");
    qemu_fdt_setprop_sized_cells(tree, node, "reg", 2, place->base, 2, (uint64_t)SMMUV3_NESTED_REGISTERS_SIZE);
    describe_lines(tree, node, machine->irqmap[VIRT_SMMU]);
    qemu_fdt_setprop(tree, node, "dma-coherent", NULL, 0);
    qemu_fdt_setprop_cell(tree, node, "#iommu-cells", 1);
    qemu_fdt_setprop_cell(tree, node, "phandle", machine->iommu_phandle);
}

/* With default-bus-bypass-iommu=on the devices are not behind the unit, and the guest must not be told so. */
static void describe_streams(const VirtMachineState* machine, const struct smmuv3_device* device) {
    void* tree = MACHINE(machine)->fdt;

    if (machine->default_bus_bypass_iommu) {
        return;
    }
    qemu_fdt_setprop_cells(tree, machine->pciehb_nodename, "iommu-map", 0, machine->iommu_phandle, 0,
                           STREAMS_OF_SEGMENT);
    if (device->config.ats) {
        qemu_fdt_setprop(tree, machine->pciehb_nodename, "ats-supported", NULL, 0);
    }
}

void smmuv3_machine_connect(VirtMachineState* machine, struct smmuv3_device* device) {
    for (int i = 0; i < SMMUV3_LINES; i++) {
        device->lines[i] = qdev_get_gpio_in(machine->gic, machine->irqmap[VIRT_SMMU] + i);
    }
    memory_region_add_subregion(get_system_memory(), machine->memmap[VIRT_SMMU].base, &device->unit.registers);
    spaces_attach(&device->unit.spaces, machine->bus);
    describe_unit(machine);
    describe_streams(machine, device);
    smmuv3_stalls_describe(device);
    machine->iommu = VIRT_IOMMU_SMMUV3;
}
