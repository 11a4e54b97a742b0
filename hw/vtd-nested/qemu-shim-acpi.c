/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu-shim-acpi: the DMAR table, by which a guest finds the unit. [VTD 8.1, 8.3]
 *
 * One DRHD for all PCI devices of segment 0. No INTR_REMAP flag, no ATSR, no reserved regions: nothing of that is
 * there.
 */
#include "hw/vtd-nested/qemu-shim.h"

#include "hw/boards.h"
#include "hw/i386/x86.h"
#include "hw/qemu/acpi.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qemu/cutils.h"

#define DMAR_REVISION 1
#define DRHD_TYPE 0
#define DRHD_FLAG_INCLUDE_PCI_ALL 1

/* Little-endian, as in the guest's memory. */
struct dmar_table {
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

    struct {
        uint16_t type;
        uint16_t length;
        uint8_t flags;
        uint8_t size; /* of the register page: 2^size pages of 4 KiB */
        uint16_t segment;
        uint64_t base;
    } QEMU_PACKED drhd;
} QEMU_PACKED;

QEMU_BUILD_BUG_ON(sizeof(struct dmar_table) != 48 + 16);

bool vtd_acpi_add_dmar(const struct vtd_nested_config* config, Error** errp) {
    const X86MachineState* machine = X86_MACHINE(qdev_get_machine());
    struct dmar_table table = {
        .signature = {'D', 'M', 'A', 'R'},
        .length = cpu_to_le32(sizeof table),
        .revision = DMAR_REVISION,
        .oem_revision = cpu_to_le32(1),
        .creator_id = {'Q', 'E', 'M', 'U'},
        .creator_revision = cpu_to_le32(1),
        .host_address_width = config->haw - 1,
        .drhd =
            {
                .type = cpu_to_le16(DRHD_TYPE),
                .length = cpu_to_le16(sizeof table.drhd),
                .flags = DRHD_FLAG_INCLUDE_PCI_ALL,
                .base = cpu_to_le64(VTD_NESTED_REGISTERS_BASE),
            },
    };

    /* The same maker as in the machine's other tables. */
    strpadcpy(table.oem_id, sizeof table.oem_id, machine->oem_id, ' ');
    strpadcpy(table.oem_table_id, sizeof table.oem_table_id, machine->oem_table_id, ' ');
    return acpi_add_table_blob(&table, sizeof table, errp);
}
