/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu-shim-acpi: the DMAR table, by which a guest finds the unit. [VTD 8.1, 8.3, 8.5, 8.8]
 *
 * One DRHD for all PCI devices of segment 0. Where devices may have translations of their own (ECAP.DT), an ATSR that
 * says so for all root ports, and a SATC that lists the devices in the root complex itself that have them. No
 * INTR_REMAP flag and no reserved regions: nothing of that is there.
 *
 * The table is made when all devices that the command line names are there, before QEMU collects the tables.
 */
#include "hw/vtd-nested/qemu-shim.h"

#include "hw/boards.h"
#include "hw/i386/pc.h"
#include "hw/i386/x86.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pci_device.h"
#include "hw/pci/pcie.h"
#include "hw/qemu/acpi.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qemu/cutils.h"
#include "system/system.h"

#define DMAR_REVISION 1

enum { DRHD_TYPE = 0, ATSR_TYPE = 2, SATC_TYPE = 5 };
enum { DRHD_FLAG_INCLUDE_PCI_ALL = 1, ATSR_FLAG_ALL_PORTS = 1 };
enum { SCOPE_PCI_ENDPOINT = 1 };

/* Little-endian, as in the guest's memory. */
struct dmar_head {
    char signature[4];
    uint32_t length;
    uint8_t revision;
    uint8_t checksum; /* filled in by QEMU */
    char oem_id[6];
    char oem_table_id[8];
    uint32_t oem_revision;
    char creator_id[4];
    uint32_t creator_revision;
    uint8_t host_address_width; /* minus 1 */
    uint8_t flags;
    uint8_t reserved[10];
} QEMU_PACKED;

struct dmar_drhd {
    uint16_t type;
    uint16_t length;
    uint8_t flags;
    uint8_t size; /* of the register page: 2^size pages of 4 KiB */
    uint16_t segment;
    uint64_t base;
} QEMU_PACKED;

/* ATSR, and SATC before its scopes. */
struct dmar_ats {
    uint16_t type;
    uint16_t length;
    uint8_t flags;
    uint8_t reserved;
    uint16_t segment;
} QEMU_PACKED;

/* Of a device on bus 0. */
struct dmar_scope {
    uint8_t type;
    uint8_t length;
    uint8_t reserved[2];
    uint8_t enumeration_id;
    uint8_t start_bus;
    uint8_t device;
    uint8_t function;
} QEMU_PACKED;

QEMU_BUILD_BUG_ON(sizeof(struct dmar_head) != 48);
QEMU_BUILD_BUG_ON(sizeof(struct dmar_drhd) != 16);
QEMU_BUILD_BUG_ON(sizeof(struct dmar_ats) != 8);
QEMU_BUILD_BUG_ON(sizeof(struct dmar_scope) != 8);

static void add_head(GByteArray* table, const struct vtd_nested_config* config) {
    const X86MachineState* machine = X86_MACHINE(qdev_get_machine());
    struct dmar_head head = {
        .signature = {'D', 'M', 'A', 'R'},
        .revision = DMAR_REVISION,
        .oem_revision = cpu_to_le32(1),
        .creator_id = {'Q', 'E', 'M', 'U'},
        .creator_revision = cpu_to_le32(1),
        .host_address_width = config->haw - 1,
    };

    /* The same maker as in the machine's other tables. */
    strpadcpy(head.oem_id, sizeof head.oem_id, machine->oem_id, ' ');
    strpadcpy(head.oem_table_id, sizeof head.oem_table_id, machine->oem_table_id, ' ');
    g_byte_array_append(table, (const guint8*)&head, sizeof head);
}

static void add_drhd(GByteArray* table) {
    const struct dmar_drhd drhd = {
        .type = cpu_to_le16(DRHD_TYPE),
        .length = cpu_to_le16(sizeof drhd),
        .flags = DRHD_FLAG_INCLUDE_PCI_ALL,
        .base = cpu_to_le64(VTD_NESTED_REGISTERS_BASE),
    };

    g_byte_array_append(table, (const guint8*)&drhd, sizeof drhd);
}

static void add_ats(GByteArray* table, uint16_t type, uint8_t flags, const GByteArray* scopes) {
    const struct dmar_ats ats = {
        .type = cpu_to_le16(type),
        .length = cpu_to_le16(sizeof ats + scopes->len),
        .flags = flags,
    };

    g_byte_array_append(table, (const guint8*)&ats, sizeof ats);
    g_byte_array_append(table, scopes->data, scopes->len);
}

static void add_scope(PCIBus* bus, PCIDevice* device, void* scopes) {
    const struct dmar_scope scope = {
        .type = SCOPE_PCI_ENDPOINT,
        .length = sizeof scope,
        .device = PCI_SLOT(device->devfn),
        .function = PCI_FUNC(device->devfn),
    };

    if (pci_is_express(device) && pcie_find_capability(device, PCI_EXT_CAP_ID_ATS)) {
        g_byte_array_append(scopes, (const guint8*)&scope, sizeof scope);
    }
}

static void machine_done(Notifier* notifier, void* unused) {
    const struct vtd_device* device = container_of(notifier, struct vtd_device, machine_done);
    g_autoptr(GByteArray) table = g_byte_array_new();
    g_autoptr(GByteArray) scopes = g_byte_array_new();
    g_autoptr(GByteArray) none = g_byte_array_new();

    add_head(table, &device->config);
    add_drhd(table);
    if (device->config.dt) {
        add_ats(table, ATSR_TYPE, ATSR_FLAG_ALL_PORTS, none);
        pci_for_each_device_under_bus(PC_MACHINE(qdev_get_machine())->pcibus, add_scope, scopes);
        if (scopes->len) {
            add_ats(table, SATC_TYPE, 0, scopes);
        }
    }
    stl_le_p(table->data + offsetof(struct dmar_head, length), table->len);
    acpi_add_table_blob(table->data, table->len, &error_fatal);
}

/* QEMU's own notice for this, which was there first, comes after ours. */
void vtd_acpi_add_dmar(struct vtd_device* device) {
    device->machine_done.notify = machine_done;
    qemu_add_machine_init_done_notifier(&device->machine_done);
}
