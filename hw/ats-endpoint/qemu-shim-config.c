/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu-shim-config: configuration space. Capabilities: PCI Express with FLR, MSI-X, ATS, PASID, page requests.
 */
#include "hw/ats-endpoint/qemu-shim.h"

#include "hw/pci/msix.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pcie.h"
#include "qapi/error.h"

#define EXPRESS_PLACE 0x80
#define ATS_PLACE 0x100
#define PASID_PLACE 0x110
#define PRI_PLACE 0x120
#define DMAUNCERRSTS_PLACE 0x148 /* of the personality with descriptors: errors of other kinds than it has */
#define CHANERR_INT_PLACE 0x180  /* there too: the core's */
#define MSIX_BAR 2

#define PASID_CAPABILITY_WORD(pci, cap) ((pci)->config + (cap) + PCI_PASID_CAP)
#define PRI_CONTROL_WORD(pci, cap) ((pci)->config + (cap) + PCI_PRI_CTRL)

/* What software writes for the core to see, and the register does not keep. */
#define PRI_COMMANDS (PCI_PRI_CTRL_RESET | (uint32_t)PCI_PRI_STATUS_RF << 16 | (uint32_t)PCI_PRI_STATUS_UPRGI << 16)

/* Capabilities */

static void add_ats(struct endpoint_device* device) {
    PCIDevice* pci = &device->parent;
    uint8_t* capability = pci->config + ATS_PLACE + PCI_ATS_CAP;

    pcie_ats_init(pci, ATS_PLACE, device->settings.page_aligned);
    pci_set_word(capability, pci_get_word(capability) | PCI_ATS_CAP_QDEP(device->settings.ats_queue_depth));
}

/* By hand: QEMU 10.0 has no helper, and later ones fix what a test wants to choose. */
static void add_pasid(struct endpoint_device* device) {
    const struct endpoint_settings* settings = &device->settings;
    const uint16_t controls = PCI_PASID_CTRL_ENABLE | (settings->pasid_exec ? PCI_PASID_CTRL_EXEC : 0) |
                              (settings->pasid_priv ? PCI_PASID_CTRL_PRIV : 0);
    PCIDevice* pci = &device->parent;

    if (!settings->pasid_width) {
        return;
    }
    device->pasid_cap = PASID_PLACE;
    pcie_add_capability(pci, PCI_EXT_CAP_ID_PASID, 1, PASID_PLACE, PCI_EXT_CAP_PASID_SIZEOF);
    pci_set_word(pci->config + PASID_PLACE + PCI_PASID_CAP, settings->pasid_width << 8 |
                                                                (settings->pasid_exec ? PCI_PASID_CAP_EXEC : 0) |
                                                                (settings->pasid_priv ? PCI_PASID_CAP_PRIV : 0));
    pci_set_word(pci->wmask + PASID_PLACE + PCI_PASID_CTRL, controls);
}

static void add_pri(struct endpoint_device* device) {
    PCIDevice* pci = &device->parent;

    if (!device->settings.pri_capacity) {
        return;
    }
    device->pri_cap = PRI_PLACE;
    pcie_add_capability(pci, PCI_EXT_CAP_ID_PRI, 1, PRI_PLACE, PCI_EXT_CAP_PRI_SIZEOF);
    pci_set_long(pci->config + PRI_PLACE + PCI_PRI_MAX_REQ, device->settings.pri_capacity);
    pci_set_word(pci->wmask + PRI_PLACE + PCI_PRI_CTRL, PCI_PRI_CTRL_ENABLE);
    pci_set_long(pci->wmask + PRI_PLACE + PCI_PRI_ALLOC_REQ, UINT32_MAX);
    /* The core's: another machine may say something else. */
    pci_set_word(pci->cmask + PRI_PLACE + PCI_PRI_STATUS, 0);
}

/* Outside any capability, where the drivers of the DMA engine look for them. */
static void add_channel_errors(struct endpoint_device* device) {
    PCIDevice* pci = &device->parent;

    if (device->personality == ATS_ENDPOINT_IOAT) {
        pci_set_long(pci->wmask + DMAUNCERRSTS_PLACE, 0);
        pci_set_long(pci->wmask + CHANERR_INT_PLACE, 0);
    }
}

static void show_channel_errors(struct endpoint_device* device) {
    if (device->personality == ATS_ENDPOINT_IOAT) {
        pci_set_long(device->parent.config + CHANERR_INT_PLACE, ats_endpoint_channel_errors(device->core));
    }
}

static bool check_place(struct endpoint_device* device, Error** errp) {
    PCIBus* bus = pci_get_bus(&device->parent);
    const bool integrated = pci_bus_is_root(bus);

    if (!pci_bus_is_express(bus)) {
        error_setg(errp, "ats-endpoint needs PCI Express: put it behind a pcie-root-port of a q35 or virt machine");
    } else if (integrated && !device->settings.rciep) {
        error_setg(errp,
                   "ats-endpoint is integrated when it is on the root bus: say rciep=on, or name the bus of a "
                   "pcie-root-port");
    } else if (!integrated && device->settings.rciep) {
        error_setg(errp, "rciep=on needs a place on the root bus, and bus=%s is behind a port", BUS(bus)->name);
    } else {
        return true;
    }
    return false;
}

bool endpoint_config_init(struct endpoint_device* device, Error** errp) {
    PCIDevice* pci = &device->parent;

    if (!check_place(device, errp) || msix_init_exclusive_bar(pci, ATS_ENDPOINT_VECTORS, MSIX_BAR, errp)) {
        return false;
    }
    for (unsigned vector = 0; vector < ATS_ENDPOINT_VECTORS; vector++) {
        msix_vector_use(pci, vector);
    }
    if (pcie_endpoint_cap_init(pci, EXPRESS_PLACE) < 0) {
        error_setg(errp, "ats-endpoint found no room for its PCI Express capability");
        msix_uninit_exclusive_bar(pci);
        return false;
    }
    pcie_cap_flr_init(pci);
    add_ats(device);
    add_pasid(device);
    add_pri(device);
    add_channel_errors(device);
    return true;
}

/* Accesses */

uint32_t endpoint_config_read(PCIDevice* pci, uint32_t address, int bytes) {
    struct endpoint_device* device = ATS_ENDPOINT(pci);

    if (ats_endpoint_away(device->core)) {
        return UINT32_MAX >> (32 - 8 * bytes);
    }
    show_channel_errors(device);
    return pci_default_read_config(pci, address, bytes);
}

/* The bits of a write that fall on the word at `place`. */
static uint32_t written_at(uint32_t place, uint32_t address, uint32_t value, int bytes) {
    uint32_t word = 0;

    for (int i = 0; i < bytes; i++) {
        if (address + i >= place && address + i < place + 4) {
            word |= (value >> (8 * i) & 0xff) << (8 * (address + i - place));
        }
    }
    return word;
}

static void tell(struct endpoint_device* device, uint32_t pri_commands) {
    PCIDevice* pci = &device->parent;
    struct ats_endpoint_config config = {
        .size = sizeof config,
        .bus_master = !!(pci_get_word(pci->config + PCI_COMMAND) & PCI_COMMAND_MASTER),
        .ats = pci_get_long(pci->config + ATS_PLACE + PCI_ATS_CAP),
    };

    if (device->pasid_cap) {
        config.pasid = pci_get_long(PASID_CAPABILITY_WORD(pci, device->pasid_cap));
    }
    if (device->pri_cap) {
        config.pri = (pci_get_long(PRI_CONTROL_WORD(pci, device->pri_cap)) & ~PRI_COMMANDS) | pri_commands;
        config.pri_allocation = pci_get_long(pci->config + device->pri_cap + PCI_PRI_ALLOC_REQ);
    }
    ats_endpoint_configure(device->core, &config);
}

void endpoint_config_tell(struct endpoint_device* device) { tell(device, 0); }

void endpoint_config_write(PCIDevice* pci, uint32_t address, uint32_t value, int bytes) {
    struct endpoint_device* device = ATS_ENDPOINT(pci);
    uint32_t commands = 0;

    if (ats_endpoint_away(device->core)) {
        return;
    }
    pci_default_write_config(pci, address, value, bytes);
    ats_endpoint_clear_channel_errors(device->core, written_at(CHANERR_INT_PLACE, address, value, bytes));
    if (device->pri_cap) {
        commands = written_at(device->pri_cap + PCI_PRI_CTRL, address, value, bytes) & PRI_COMMANDS;
    }
    tell(device, commands);
    pcie_cap_flr_write_config(pci, address, value, bytes);
}

void endpoint_config_show_status(struct endpoint_device* device) {
    PCIDevice* pci = &device->parent;

    if (device->pri_cap) {
        pci_set_word(pci->config + device->pri_cap + PCI_PRI_STATUS,
                     ats_endpoint_pri_status(device->core) |
                         (device->settings.prg_response_pasid && device->pasid_cap ? PCI_PRI_STATUS_PASID : 0));
    }
}

void endpoint_config_reset(struct endpoint_device* device) {
    PCIDevice* pci = &device->parent;

    pci_set_word(pci->config + ATS_PLACE + PCI_ATS_CTRL, 0);
    if (device->pasid_cap) {
        pci_set_word(pci->config + device->pasid_cap + PCI_PASID_CTRL, 0);
    }
    if (device->pri_cap) {
        pci_set_word(pci->config + device->pri_cap + PCI_PRI_CTRL, 0);
        pci_set_long(pci->config + device->pri_cap + PCI_PRI_ALLOC_REQ, 0);
    }
    endpoint_config_show_status(device);
}
