/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu-shim-properties: the properties of `-device vtd-nested`; hw/qemu/properties.h tells how they work.
 *
 * Three come from the base type of all x86 IOMMUs: `pt` is the capability of that name, `device-iotlb=on` the same as
 * `dt=on`, and `intremap` asks for what is not built.
 */
#include "hw/vtd-nested/qemu-shim.h"

#include "hw/qemu/properties.h"
#include "qapi/error.h"

/* Configuration */

#define CAPABILITY(field, type, text) {#field, offsetof(struct vtd_nested_config, field), &qdev_prop_##type, text}

static const struct config_field fields[] = {
    CAPABILITY(ver, uint8, "VER_REG: major version in 7:4, minor in 3:0"),
    CAPABILITY(haw, uint8, "host address width in bits, as the DMAR table reports it, 39..52"),
    CAPABILITY(nd, uint8, "CAP.ND: 2^(4+2*nd) domains, 0..6"),
    CAPABILITY(rwbf, bool, "CAP.RWBF: software must flush the write buffer"),
    CAPABILITY(plmr, bool, "CAP.PLMR: protected low-memory region"),
    CAPABILITY(phmr, bool, "CAP.PHMR: protected high-memory region"),
    CAPABILITY(cm, bool, "CAP.CM: caching mode, what is not present may be cached"),
    CAPABILITY(sagaw, uint8, "CAP.SAGAW: second-stage widths, bit 1: 39 bits, bit 2: 48 bits, bit 3: 57 bits"),
    CAPABILITY(mgaw, uint8, "CAP.MGAW: maximum guest address width minus 1"),
    CAPABILITY(zlr, bool, "CAP.ZLR: zero-length reads of write-only pages"),
    CAPABILITY(sslps, uint8, "CAP.SSLPS: second-stage large pages, bit 0: 2 MiB, bit 1: 1 GiB"),
    CAPABILITY(psi, bool, "CAP.PSI: page-selective invalidation of second stages"),
    CAPABILITY(nfr, uint8, "CAP.NFR: fault recording registers minus 1, 0..31"),
    CAPABILITY(mamv, uint8, "CAP.MAMV: largest address mask of a page-selective invalidation, 0..63"),
    CAPABILITY(dwd, bool, "CAP.DWD: write draining"),
    CAPABILITY(drd, bool, "CAP.DRD: read draining"),
    CAPABILITY(fs1gp, bool, "CAP.FS1GP: 1 GiB pages in first stages"),
    CAPABILITY(fs5lp, bool, "CAP.FS5LP: 5-level first stages"),
    CAPABILITY(esrtps, bool, "CAP.ESRTPS: setting the root-table pointer invalidates all caches"),
    CAPABILITY(c, bool, "ECAP.C: table walks are coherent with the processors' caches"),
    CAPABILITY(qi, bool, "ECAP.QI: queued invalidation"),
    CAPABILITY(sc, bool, "ECAP.SC: snoop control"),
    CAPABILITY(nest, bool, "ECAP.NEST: nested translation"),
    CAPABILITY(srs, bool, "ECAP.SRS: supervisor requests"),
    CAPABILITY(eafs, bool, "ECAP.EAFS: extended-accessed flag in first stages"),
    CAPABILITY(pss, uint8, "ECAP.PSS: PASID width minus 1"),
    CAPABILITY(pasid, bool, "ECAP.PASID: requests with PASID"),
    CAPABILITY(smts, bool, "ECAP.SMTS: scalable mode"),
    CAPABILITY(ssads, bool, "ECAP.SSADS: accessed and dirty flags in second stages"),
    CAPABILITY(ssts, bool, "ECAP.SSTS: second stage in scalable mode"),
    CAPABILITY(fsts, bool, "ECAP.FSTS: first stage in scalable mode"),
    CAPABILITY(smpwcs, bool, "ECAP.SMPWCS: table walks of scalable mode can snoop"),
    CAPABILITY(rps, bool, "ECAP.RPS: RID_PASID field in context entries"),
    CAPABILITY(adms, bool, "ECAP.ADMS: abort-DMA mode"),
    CAPABILITY(rprivs, bool, "ECAP.RPRIVS: RID_PRIV field in context entries"),
    CAPABILITY(dt, bool, "ECAP.DT: device-TLBs"),
    CAPABILITY(dit, bool, "ECAP.DIT: device-TLB invalidations are throttled for each physical function"),
    CAPABILITY(nwfs, bool, "ECAP.NWFS: no-write flag of translation requests"),
    CAPABILITY(prs, bool, "ECAP.PRS: page requests"),
    CAPABILITY(pds, bool, "ECAP.PDS: draining of page requests"),
    {"iotlb-entries", offsetof(struct vtd_nested_config, iotlb_entries), &qdev_prop_uint32,
     "cached translations, a power of two, 64..1048576"},
    {"invalidate-timeout-ms", offsetof(struct vtd_nested_config, invalidate_timeout_ms), &qdev_prop_uint32,
     "how long a device may take to answer an invalidation of its translations, in ms of virtual time"},
};

static void add_config(DeviceClass* class) {
    struct vtd_nested_config defaults;
    const struct config_fields config = {
        .fields = fields,
        .count = ARRAY_SIZE(fields),
        .offset = offsetof(struct vtd_device, config),
        .defaults = &defaults,
    };

    vtd_nested_default_config(&defaults, sizeof defaults);
    vtd_nested_settle_config(&defaults, NULL, 0);
    properties_add_config(class, &config);
}

void vtd_properties_init(struct vtd_device* device) {
    Object* object = OBJECT(device);

    vtd_nested_default_config(&device->config, sizeof device->config);
    /* The manual has the field under both names. */
    object_property_add_alias(object, "smpwc", object, "smpwcs");
    object_property_set_description(object, "smpwc", "same as smpwcs");
}

bool vtd_properties_settle(struct vtd_device* device, Error** errp) {
    char why[UNIT_WHY_SIZE] = "";

    /* The base type says only on or off, and on unless asked. */
    device->config.pt = device->parent.pt_supported ? VTD_NESTED_AUTO : 0;
    if (device->parent.dt_supported) {
        device->config.dt = 1;
    }
    if (!vtd_nested_settle_config(&device->config, why, sizeof why)) {
        error_setg(errp, "%s", why);
        return false;
    }
    device->parent.pt_supported = device->config.pt;
    device->parent.dt_supported = device->config.dt;
    return true;
}

bool vtd_properties_check_base(struct vtd_device* device, Error** errp) {
    if (device->parent.intr_supported == ON_OFF_AUTO_ON) {
        error_setg(errp, "vtd-nested does not remap interrupts yet; leave out intremap=on");
        return false;
    }
    if (device->parent.dt_supported && device->config.dt == 0) {
        error_setg(errp, "device-iotlb=on and dt=off contradict each other; leave one of them out");
        return false;
    }
    device->parent.intr_supported = ON_OFF_AUTO_OFF;
    return true;
}

/* Trace */

static char* get_trace(Object* object, Error** errp) {
    return trace_classes_print(VTD_NESTED(object)->unit.trace_chosen);
}

static void set_trace(Object* object, const char* names, Error** errp) {
    properties_set_trace(&VTD_NESTED(object)->unit, names, errp);
}

/* Draining */

static bool get_dma_drain(Object* object, Error** errp) { return VTD_NESTED(object)->unit.waits_for_dma; }

static void set_dma_drain(Object* object, bool waits, Error** errp) { VTD_NESTED(object)->unit.waits_for_dma = waits; }

void vtd_properties_add(DeviceClass* class) {
    add_config(class);
    properties_add_dma_drain(class, get_dma_drain, set_dma_drain);
    properties_add_trace(class, get_trace, set_trace);
}

/* Readings */

void vtd_properties_add_readings(struct vtd_device* device) {
    static const struct register_reading registers[] = {
        {"cap-register", 0x08, 8, "CAP_REG as the guest reads it"},
        {"ecap-register", 0x10, 8, "ECAP_REG as the guest reads it"},
    };

    properties_add_readings(&device->unit, registers, ARRAY_SIZE(registers));
}
