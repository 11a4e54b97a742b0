/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu-shim: the PCI devices `ats-endpoint` and `ats-endpoint-ioat`, which convert between QEMU's interfaces and the C
 * interface of the core. The second has the registers of another device and is the first in everything else.
 *
 *     qemu-shim.c             the type: ports, BAR 0, realize, reset, migration
 *     qemu-shim-config.c      configuration space: capabilities, and what software writes there
 *     qemu-shim-properties.c  the properties, and the registers as properties
 *
 * Everything runs under the big lock. Not here: any rule of the architecture.
 */
#ifndef ATS_ENDPOINT_QEMU_SHIM_H
#define ATS_ENDPOINT_QEMU_SHIM_H

#include "hw/qemu/compat.h"

#include "ats-endpoint.h"
#include "hw/pci/pci_device.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "system/runstate.h"

#define TYPE_ATS_ENDPOINT "ats-endpoint"
#define TYPE_ATS_ENDPOINT_IOAT "ats-endpoint-ioat"

/* The vendor of QEMU's own device for tests, edu, and a number that nothing else there has. */
#define ATS_ENDPOINT_VENDOR 0x1234
#define ATS_ENDPOINT_DEVICE 0xa75e
#define ATS_ENDPOINT_REVISION 1

/* Intel's DMA engine of the Skylake servers. */
#define ATS_ENDPOINT_IOAT_DEVICE 0x2021

#define ATS_ENDPOINT_VECTORS 8u
#define ATS_ENDPOINT_WHY_SIZE 256

/* What the user chooses. Flags are bytes that are 0 or 1. */
struct endpoint_settings {
    uint8_t rciep;
    uint8_t page_aligned;
    uint8_t ats_queue_depth;
    uint8_t pasid_width;
    uint8_t pasid_exec;
    uint8_t pasid_priv;
    uint8_t prg_response_pasid;
    uint8_t can_stall;
    uint32_t pri_capacity;
    uint32_t atc_entries;
    uint64_t answer_delay_ns;
};

struct endpoint_device {
    PCIDevice parent;

    struct endpoint_settings settings;
    struct ats_endpoint* core; /* once realized */
    uint16_t pasid_cap;        /* places of capabilities; 0: not there */
    uint16_t pri_cap;
    uint32_t personality; /* enum ats_endpoint_personality */

    MemoryRegion bar;
    QEMUBH* continue_bh;
    QEMUTimer* deadline;
    VMChangeStateEntry* run_state;
    bool work_announced;                      /* the core kicked and was not continued yet */
    uint64_t state[ATS_ENDPOINT_STATE_WORDS]; /* on its way to or from a migration stream */
};

DECLARE_INSTANCE_CHECKER(struct endpoint_device, ATS_ENDPOINT, TYPE_ATS_ENDPOINT)

/* qemu-shim-config.c */
bool endpoint_config_init(struct endpoint_device* device, Error** errp);
uint32_t endpoint_config_read(PCIDevice* pci, uint32_t address, int bytes);
void endpoint_config_write(PCIDevice* pci, uint32_t address, uint32_t value, int bytes);
/* Controls as after a reset. */
void endpoint_config_reset(struct endpoint_device* device);
/* The core is told what configuration space says now. */
void endpoint_config_tell(struct endpoint_device* device);
/* The other way: Page Request Status. */
void endpoint_config_show_status(struct endpoint_device* device);

/* qemu-shim-properties.c */
void endpoint_properties_add(DeviceClass* class);
void endpoint_properties_init(struct endpoint_device* device);
/* One sentence for settings that cannot be. */
bool endpoint_properties_check(const struct endpoint_device* device, Error** errp);
/* The registers, to a realized device. */
void endpoint_properties_add_registers(struct endpoint_device* device);

#endif /* ATS_ENDPOINT_QEMU_SHIM_H */
