/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu-shim-stalls: tells the guest which devices can be held until software has mapped their page.
 *
 * Nothing in configuration space says so. An operating system that is told by a device tree looks for `dma-can-stall`
 * at the device's node, and without it leaves stalls off for the device; so each such device gets a node below those of
 * its ports. QEMU describes none of them. They are written when all devices are made, before the machine hands its tree
 * over. Not here: ACPI, which has no such word that QEMU could put into its tables.
 */
#include "hw/smmuv3-nested/qemu-shim.h"

#include "hw/pci/pci_bridge.h"
#include "hw/pci/pci_bus.h"
#include "hw/qemu/ats.h"
#include "system/device_tree.h"
#include "system/system.h"

/* A PCI address in a device tree has three cells, a size two. */
#define ADDRESS_CELLS 3
#define SIZE_CELLS 2
#define DEVFN_SHIFT 8

struct writer {
    VirtMachineState* machine;
    GHashTable* bridges; /* paths of nodes that are there */
};

static char* path_of(const struct writer* writer, const PCIDevice* pci, const char* kind);

static void* tree_of(const struct writer* writer) { return MACHINE(writer->machine)->fdt; }

/* Its own number on its bus is enough: the guest finds the bus by the node above. */
static void add_node(const struct writer* writer, const char* path, const PCIDevice* pci) {
    qemu_fdt_add_subnode(tree_of(writer), path);
    qemu_fdt_setprop_cells(tree_of(writer), path, "reg", (uint32_t)pci->devfn << DEVFN_SHIFT, 0, 0, 0, 0);
}

static void add_bridge(struct writer* writer, const PCIDevice* bridge) {
    g_autofree char* path = path_of(writer, bridge, "pci");

    if (g_hash_table_contains(writer->bridges, path)) {
        return;
    }
    if (!pci_bus_is_root(pci_get_bus(bridge))) {
        add_bridge(writer, pci_bridge_get_device(pci_get_bus(bridge)));
    }
    add_node(writer, path, bridge);
    qemu_fdt_setprop_string(tree_of(writer), path, "device_type", "pci");
    qemu_fdt_setprop_cell(tree_of(writer), path, "#address-cells", ADDRESS_CELLS);
    qemu_fdt_setprop_cell(tree_of(writer), path, "#size-cells", SIZE_CELLS);
    qemu_fdt_setprop(tree_of(writer), path, "ranges", NULL, 0);
    g_hash_table_add(writer->bridges, g_strdup(path));
}

/* "/pcie@10000000/pci@1/dma@0"; a function other than 0 follows the slot after a comma. */
static char* path_of(const struct writer* writer, const PCIDevice* pci, const char* kind) {
    PCIBus* bus = pci_get_bus(pci);
    g_autofree char* above = pci_bus_is_root(bus) ? g_strdup(writer->machine->pciehb_nodename)
                                                  : path_of(writer, pci_bridge_get_device(bus), "pci");
    const unsigned slot = PCI_SLOT(pci->devfn), function = PCI_FUNC(pci->devfn);

    return function ? g_strdup_printf("%s/%s@%x,%x", above, kind, slot, function)
                    : g_strdup_printf("%s/%s@%x", above, kind, slot);
}

static int describe_device(Object* object, void* opaque) {
    struct writer* writer = opaque;
    PCIDevice* pci = (PCIDevice*)object_dynamic_cast(object, TYPE_PCI_DEVICE);
    g_autofree char* path = NULL;

    if (!pci || !object_dynamic_cast(object, TYPE_ATS_DEVICE) || !ATS_DEVICE_GET_CLASS(object)->can_stall(object) ||
        pci_device_root_bus(pci) != writer->machine->bus) {
        return 0;
    }
    if (!pci_bus_is_root(pci_get_bus(pci))) {
        add_bridge(writer, pci_bridge_get_device(pci_get_bus(pci)));
    }
    path = path_of(writer, pci, "dma");
    add_node(writer, path, pci);
    qemu_fdt_setprop(tree_of(writer), path, "dma-can-stall", NULL, 0);
    return 0;
}

static void describe_devices(Notifier* notifier, void* nothing) {
    struct writer writer = {
        .machine = VIRT_MACHINE(qdev_get_machine()),
        .bridges = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
    };

    object_child_foreach_recursive(OBJECT(writer.machine), describe_device, &writer);
    g_hash_table_destroy(writer.bridges);
}

/* The newest notifier is called first, and the machine's own, which hands the tree over, is older. */
void smmuv3_stalls_describe(struct smmuv3_device* device) {
    device->machine_done.notify = describe_devices;
    qemu_add_machine_init_done_notifier(&device->machine_done);
}
