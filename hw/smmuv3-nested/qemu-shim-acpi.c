/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu-shim-acpi: completes the IORT table of the machine `virt`. [IORT E.e s3.1]
 *
 * QEMU makes that table by itself, and says of every SMMUv3 that it sets no flags in tables by itself (HTTU) and of the
 * PCI devices that they have no translations of their own; the guest believes it. QEMU makes all tables twice: when the
 * machine is complete, and again when the guest's firmware reads them, for what the firmware decided about bus numbers.
 * With one root bus that is only which requesters are behind the unit: all of them. Then the firmware is given a
 * completed copy of the first ones; with several (pxb-pcie) the guest gets QEMU's tables as they are.
 */
#include "hw/smmuv3-nested/qemu-shim.h"

#include "hw/acpi/aml-build.h"
#include "hw/nvram/fw_cfg.h"
#include "hw/pci/pci_bus.h"
#include "qapi/error.h"
#include "qemu/bswap.h"

/* The tables, and what tells the firmware how to put them together. */
static const char* const files[SMMUV3_ACPI_FILES] = {ACPI_BUILD_TABLE_FILE, ACPI_BUILD_RSDP_FILE,
                                                     ACPI_BUILD_LOADER_FILE};

/* What QEMU has for them. */
#define FILE_BYTES_MAX 0x200000u

enum { IORT_ROOT_COMPLEX = 2, IORT_SMMUV3 = 4 };

/* Offsets in the table and in its nodes, in bytes. */
enum {
    TABLE_LENGTH = 4,
    TABLE_NODE_COUNT = 36,
    TABLE_FIRST_NODE = 40,
    TABLE_HEAD = 48,
    NODE_TYPE = 0,
    NODE_LENGTH = 1,
    SMMUV3_FLAGS = 24,
    SMMUV3_FLAGS_HTTU_SHIFT = 1,
    SMMUV3_HEAD = 68,
    ROOT_COMPLEX_ATS = 24, /* bit 0: ATS, bit 1: PRI */
    ROOT_COMPLEX_HEAD = 36,
    NODE_MAPPING_COUNT = 8,
    NODE_MAPPINGS = 12,
    MAPPING_INPUT_BASE = 0,
    MAPPING_ID_COUNT = 4, /* minus 1 */
    MAPPING_OUTPUT = 12,  /* the node's offset */
    MAPPING_SIZE = 20,
};

struct iort {
    uint8_t* at;
    uint32_t length;
    uint32_t unit; /* the node's offset; 0: not found yet */
};

static void complete_unit(const struct smmuv3_device* device, uint8_t* node) {
    stl_le_p(node + SMMUV3_FLAGS,
             ldl_le_p(node + SMMUV3_FLAGS) | (uint32_t)device->config.httu << SMMUV3_FLAGS_HTTU_SHIFT);
}

/* The first range is that of the bus numbers so far. */
static void complete_root_complex(const struct smmuv3_device* device, const struct iort* iort, uint8_t* node,
                                  uint32_t length) {
    const uint32_t mappings = ldl_le_p(node + NODE_MAPPINGS);
    uint8_t* first = node + mappings;

    if (!ldl_le_p(node + NODE_MAPPING_COUNT) || mappings > length - (uint32_t)MAPPING_SIZE ||
        ldl_le_p(first + MAPPING_INPUT_BASE) != 0 || (uint32_t)ldl_le_p(first + MAPPING_OUTPUT) != iort->unit) {
        return; /* nothing is behind the unit */
    }
    stl_le_p(node + ROOT_COMPLEX_ATS, device->config.ats | device->config.pri << 1);
    stl_le_p(node + NODE_MAPPING_COUNT, 1);
    stl_le_p(first + MAPPING_ID_COUNT, STREAMS_OF_SEGMENT - 1);
}

/* QEMU puts the unit before the root complex. */
static void complete_iort(const struct smmuv3_device* device, struct iort* iort) {
    uint32_t nodes = ldl_le_p(iort->at + TABLE_NODE_COUNT);
    uint32_t at = ldl_le_p(iort->at + TABLE_FIRST_NODE);

    while (nodes-- && at < iort->length && iort->length - at > NODE_LENGTH + sizeof(uint16_t)) {
        uint8_t* node = iort->at + at;
        const uint32_t length = lduw_le_p(node + NODE_LENGTH);

        if (!length || length > iort->length - at) {
            return;
        }
        if (node[NODE_TYPE] == IORT_SMMUV3 && length >= SMMUV3_HEAD) {
            iort->unit = at;
            complete_unit(device, node);
        } else if (node[NODE_TYPE] == IORT_ROOT_COMPLEX && length >= ROOT_COMPLEX_HEAD + MAPPING_SIZE) {
            complete_root_complex(device, iort, node, length);
        }
        at += length;
    }
}

/* The tables follow each other, each at a multiple of 8 at most; its own checksum is the firmware's to fill in. */
static void complete_tables(const struct smmuv3_device* device, uint8_t* tables, uint64_t size) {
    for (uint64_t at = 0; at + TABLE_HEAD <= size; at++) {
        const uint32_t length = ldl_le_p(tables + at + TABLE_LENGTH);

        if (!memcmp(tables + at, "IORT", 4) && length >= TABLE_HEAD && length <= size - at) {
            struct iort iort = {.at = tables + at, .length = length};

            complete_iort(device, &iort);
            return;
        }
    }
}

static bool has_more_root_buses(const VirtMachineState* machine) {
    PCIBus* bus;

    QLIST_FOREACH(bus, &machine->bus->child, sibling) {
        if (pci_bus_is_root(bus)) {
            return true;
        }
    }
    return false;
}

struct search {
    const char* name;
    MemoryRegion* found;
};

static int look_at_child(Object* child, void* opaque) {
    struct search* search = opaque;

    if (object_dynamic_cast(child, TYPE_MEMORY_REGION) &&
        !strcmp(memory_region_name(MEMORY_REGION(child)), search->name)) {
        search->found = MEMORY_REGION(child);
    }
    return 0;
}

/* QEMU keeps the contents of the file in a region of this name; none without ACPI. */
static MemoryRegion* contents_of(FWCfgState* fw_cfg, const char* file) {
    g_autofree char* name = g_strdup_printf("/rom@%s", file);
    struct search search = {.name = name};

    object_child_foreach(OBJECT(fw_cfg), look_at_child, &search);
    return search.found;
}

/* For the contents of a file. An incoming migration resizes the region that they are in, so they must be in one. */
static void* make_room(struct smmuv3_device* device, size_t file, uint64_t size) {
    g_autofree char* name = g_strdup_printf(TYPE_SMMUV3_NESTED "-%s", files[file]);
    MemoryRegion* room = &device->acpi_files[file];

    memory_region_init_resizeable_ram(room, OBJECT(device), name, size, MAX(size, FILE_BYTES_MAX), NULL, &error_abort);
    return memory_region_get_ram_ptr(room);
}

void smmuv3_acpi_complete(VirtMachineState* machine, struct smmuv3_device* device) {
    MemoryRegion* tables = machine->fw_cfg ? contents_of(machine->fw_cfg, ACPI_BUILD_TABLE_FILE) : NULL;

    if (device->acpi_completed || !tables || has_more_root_buses(machine)) {
        return;
    }
    device->acpi_completed = true;
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        MemoryRegion* region = contents_of(machine->fw_cfg, files[i]);
        const uint64_t size = memory_region_size(region);
        uint8_t* copy = make_room(device, i, size);

        memcpy(copy, memory_region_get_ram_ptr(region), size);
        if (region == tables) {
            complete_tables(device, copy, size);
        }
        fw_cfg_modify_file(machine->fw_cfg, files[i], copy, size);
    }
}
