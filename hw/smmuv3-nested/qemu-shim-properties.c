/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu-shim-properties: the properties of `-device smmuv3-nested`; hw/qemu/properties.h tells how they work.
 */
#include "hw/smmuv3-nested/qemu-shim.h"

#include "hw/qemu/properties.h"
#include "qapi/error.h"

/* Configuration */

#define CAPABILITY(field, type, text) {#field, offsetof(struct smmuv3_nested_config, field), &qdev_prop_##type, text}

static const struct config_field fields[] = {
    CAPABILITY(s1p, bool, "IDR0.S1P: stage 1"),
    CAPABILITY(s2p, bool, "IDR0.S2P: stage 2"),
    CAPABILITY(httu, uint8, "IDR0.HTTU: table updates by hardware, 0: none, 1: access flag, 2: and dirty state"),
    CAPABILITY(hyp, bool, "IDR0.Hyp: EL2 contexts"),
    CAPABILITY(asid16, bool, "IDR0.ASID16: 16-bit ASIDs"),
    CAPABILITY(msi, bool, "IDR0.MSI: message-signalled interrupts"),
    CAPABILITY(sev, bool, "IDR0.SEV: CMD_SYNC may ask for an event"),
    CAPABILITY(vmw, bool, "IDR0.VMW: VMID wildcards"),
    CAPABILITY(vmid16, bool, "IDR0.VMID16: 16-bit VMIDs"),
    CAPABILITY(cd2l, bool, "IDR0.CD2L: two-level tables of context descriptors"),
    CAPABILITY(stall_model, uint8, "IDR0.STALL_MODEL: 0: stall or terminate, 1: terminate, 2: stall always"),
    CAPABILITY(term_model, bool, "IDR0.TERM_MODEL: a terminated transaction always aborts"),
    CAPABILITY(st_level, uint8, "IDR0.ST_LEVEL: 0: linear stream tables, 1: two-level ones, too"),
    CAPABILITY(ats, bool, "IDR0.ATS: translation requests, translated transactions, CMD_ATC_INV"),
    CAPABILITY(ns1ats, bool, "IDR0.NS1ATS: on: split-stage ATS is not there"),
    CAPABILITY(atsrecerr, bool, "IDR0.ATSRECERR: CR2.REC_CFG_ATS, events for errors that ATS and PRI meet"),
    CAPABILITY(pri, bool, "IDR0.PRI: page requests"),
    CAPABILITY(sidsize, uint8, "IDR1.SIDSIZE: bits of a StreamID, 0..32"),
    CAPABILITY(ssidsize, uint8, "IDR1.SSIDSIZE: bits of a SubstreamID, 0..20"),
    CAPABILITY(eventqs, uint8, "IDR1.EVENTQS: log2 of the largest event queue, 0..19"),
    CAPABILITY(cmdqs, uint8, "IDR1.CMDQS: log2 of the largest command queue, 1..19"),
    CAPABILITY(priqs, uint8, "IDR1.PRIQS: log2 of the largest PRI queue, 0..19"),
    CAPABILITY(attr_perms_ovr, bool, "IDR1.ATTR_PERMS_OVR: PRIVCFG and INSTCFG work"),
    CAPABILITY(attr_types_ovr, bool, "IDR1.ATTR_TYPES_OVR: overrides of memory attributes work"),
    CAPABILITY(had, bool, "IDR3.HAD: hierarchical attributes can be disabled"),
    CAPABILITY(xnx, bool, "IDR3.XNX: execute-never of two bits in stage 2"),
    CAPABILITY(fwb, bool, "IDR3.FWB: STE.S2FWB"),
    CAPABILITY(stt, bool, "IDR3.STT: small translation tables"),
    CAPABILITY(ril, bool, "IDR3.RIL: invalidation of ranges"),
    CAPABILITY(bbml, uint8, "IDR3.BBML: break-before-make level, 0..2"),
    CAPABILITY(e0pd, bool, "IDR3.E0PD: unprivileged access to a half can be closed"),
    CAPABILITY(ptwnnc, bool, "IDR3.PTWNNC: walks to Device memory are Normal-NC"),
    CAPABILITY(pps, bool, "IDR3.PPS: automatic page responses have the PASID; STE.PPAR is ignored"),
    CAPABILITY(pasidtt, bool, "IDR3.PASIDTT: PASIDs of translated transactions count"),
    CAPABILITY(oas, uint8, "IDR5.OAS: output address bits, 0: 32, 1: 36, 2: 40, 3: 42, 4: 44, 5: 48, 6: 52"),
    CAPABILITY(gran4k, bool, "IDR5.GRAN4K: 4 KiB granule"),
    CAPABILITY(gran16k, bool, "IDR5.GRAN16K: 16 KiB granule"),
    CAPABILITY(gran64k, bool, "IDR5.GRAN64K: 64 KiB granule"),
    CAPABILITY(ds, bool, "IDR5.DS: 52-bit addresses with granules of 4 and 16 KiB"),
    CAPABILITY(vax, uint8, "IDR5.VAX: virtual address bits for each table, 0: 48, 1: 52"),
    CAPABILITY(stall_max, uint8, "IDR5.STALL_MAX: transactions that may be stalled at one time, 0..254"),
    {"iotlb-entries", offsetof(struct smmuv3_nested_config, iotlb_entries), &qdev_prop_uint32,
     "cached translations, a power of two, 64..1048576"},
    {"invalidate-timeout-ms", offsetof(struct smmuv3_nested_config, invalidate_timeout_ms), &qdev_prop_uint32,
     "how long a device may take to answer an invalidation of its translations, in ms of virtual time"},
};

static void add_config(DeviceClass* class) {
    struct smmuv3_nested_config defaults;
    const struct config_fields config = {
        .fields = fields,
        .count = ARRAY_SIZE(fields),
        .offset = offsetof(struct smmuv3_device, config),
        .defaults = &defaults,
    };

    smmuv3_nested_default_config(&defaults, sizeof defaults);
    smmuv3_nested_settle_config(&defaults, NULL, 0);
    properties_add_config(class, &config);
}

void smmuv3_properties_init(struct smmuv3_device* device) {
    smmuv3_nested_default_config(&device->config, sizeof device->config);
}

bool smmuv3_properties_settle(struct smmuv3_device* device, Error** errp) {
    char why[UNIT_WHY_SIZE] = "";

    if (!smmuv3_nested_settle_config(&device->config, why, sizeof why)) {
        error_setg(errp, "%s", why);
        return false;
    }
    return true;
}

/* Trace */

static char* get_trace(Object* object, Error** errp) {
    return trace_classes_print(SMMUV3_NESTED(object)->unit.trace_chosen);
}

static void set_trace(Object* object, const char* names, Error** errp) {
    properties_set_trace(&SMMUV3_NESTED(object)->unit, names, errp);
}

/* Draining */

static bool get_dma_drain(Object* object, Error** errp) { return SMMUV3_NESTED(object)->unit.waits_for_dma; }

static void set_dma_drain(Object* object, bool waits, Error** errp) {
    SMMUV3_NESTED(object)->unit.waits_for_dma = waits;
}

void smmuv3_properties_add(DeviceClass* class) {
    add_config(class);
    properties_add_dma_drain(class, get_dma_drain, set_dma_drain);
    properties_add_trace(class, get_trace, set_trace);
}

/* Readings */

void smmuv3_properties_add_readings(struct smmuv3_device* device) {
    static const struct register_reading registers[] = {
        {"idr0-register", 0x00, 4, "SMMU_IDR0 as the guest reads it"},
        {"idr1-register", 0x04, 4, "SMMU_IDR1 as the guest reads it"},
        {"idr3-register", 0x0c, 4, "SMMU_IDR3 as the guest reads it"},
        {"idr5-register", 0x14, 4, "SMMU_IDR5 as the guest reads it"},
    };

    properties_add_readings(&device->unit, registers, ARRAY_SIZE(registers));
}
