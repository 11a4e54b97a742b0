/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu-shim-properties: the properties of `-device vtd-nested`.
 *
 * One for each field of the unit's configuration, by the field's name. What the user leaves out is left to the unit,
 * which may have to decide by what the user did say; so QEMU sets no defaults, and those in the help text are what the
 * unit decides when nothing is said. A realized device shows what was decided. `trace` may be changed while the guest
 * runs. Three come from the base type of all x86 IOMMUs: `pt` is the capability of that name, `intremap` and
 * `device-iotlb` ask for what is not built.
 *
 * A realized device has read-only properties more: the counters, and CAP and ECAP as the guest reads them.
 */
#include "hw/vtd-nested/qemu-shim.h"

#include "hw/qdev-properties.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "qobject/qbool.h"
#include "qobject/qnum.h"

/* Configuration */

struct field {
    const char* name;
    size_t offset; /* in struct vtd_nested_config */
    const PropertyInfo* info;
    const char* description;
};

#define CAPABILITY(field, type, text) {#field, offsetof(struct vtd_nested_config, field), &qdev_prop_##type, text}

/* The unit's flags are bytes that are 0 or 1. */
QEMU_BUILD_BUG_ON(sizeof(bool) != sizeof(uint8_t));

static const struct field fields[] = {
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
};

static const struct field iotlb_entries_field = {
    "iotlb-entries",
    offsetof(struct vtd_nested_config, iotlb_entries),
    &qdev_prop_uint32,
    "cached translations, a power of two, 64..1048576",
};

/* QEMU keeps pointers to the properties as long as the class lives. */
static Property properties[ARRAY_SIZE(fields) + 1];

static Property property_of(const struct field* field) {
    return (Property){
        .name = field->name,
        .info = field->info,
        .offset = offsetof(struct vtd_device, config) + field->offset,
    };
}

static QObject* value_of(const struct field* field, const struct vtd_nested_config* config) {
    const uint8_t* stored = (const uint8_t*)config + field->offset;

    if (field == &iotlb_entries_field) {
        return QOBJECT(qnum_from_uint(config->iotlb_entries));
    }
    return field->info == &qdev_prop_bool ? QOBJECT(qbool_from_bool(*stored)) : QOBJECT(qnum_from_uint(*stored));
}

/* For the help text alone: with no initializer beside it, QEMU does not set the value. */
static void describe(ObjectClass* class, const struct field* field, const struct vtd_nested_config* defaults) {
    object_class_property_set_description(class, field->name, field->description);
    object_class_property_find(class, field->name)->defval = value_of(field, defaults);
}

static void add_config(DeviceClass* class) {
    ObjectClass* object_class = OBJECT_CLASS(class);
    struct vtd_nested_config defaults;

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        properties[i] = property_of(&fields[i]);
    }
    properties[ARRAY_SIZE(fields)] = property_of(&iotlb_entries_field);
    device_class_set_props_n(class, properties, ARRAY_SIZE(properties));

    vtd_nested_default_config(&defaults, sizeof defaults);
    vtd_nested_settle_config(&defaults, NULL, 0);
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        describe(object_class, &fields[i], &defaults);
    }
    describe(object_class, &iotlb_entries_field, &defaults);
}

void vtd_properties_init(struct vtd_device* device) {
    Object* object = OBJECT(device);

    vtd_nested_default_config(&device->config, sizeof device->config);
    /* The manual has the field under both names. */
    object_property_add_alias(object, "smpwc", object, "smpwcs");
    object_property_set_description(object, "smpwc", "same as smpwcs");
}

bool vtd_properties_settle(struct vtd_device* device, Error** errp) {
    char why[VTD_WHY_SIZE] = "";

    /* The base type says only on or off, and on unless asked. */
    device->config.pt = device->parent.pt_supported ? VTD_NESTED_AUTO : 0;
    if (!vtd_nested_settle_config(&device->config, why, sizeof why)) {
        error_setg(errp, "%s", why);
        return false;
    }
    device->parent.pt_supported = device->config.pt;
    return true;
}

bool vtd_properties_check_base(struct vtd_device* device, Error** errp) {
    if (device->parent.intr_supported == ON_OFF_AUTO_ON) {
        error_setg(errp, "vtd-nested does not remap interrupts yet; leave out intremap=on");
        return false;
    }
    if (device->parent.dt_supported) {
        error_setg(errp, "vtd-nested has no device TLBs yet; leave out device-iotlb=on");
        return false;
    }
    device->parent.intr_supported = ON_OFF_AUTO_OFF;
    return true;
}

/* Trace */

static char* get_trace(Object* object, Error** errp) { return trace_classes_print(VTD_NESTED(object)->trace_chosen); }

static void set_trace(Object* object, const char* names, Error** errp) {
    uint32_t classes;

    if (trace_classes_parse(names, &classes, errp)) {
        vtd_device_choose_trace(VTD_NESTED(object), classes);
    }
}

void vtd_properties_add(DeviceClass* class) {
    add_config(class);
    object_class_property_add_str(OBJECT_CLASS(class), "trace", get_trace, set_trace);
    object_class_property_set_description(OBJECT_CLASS(class), "trace",
                                          "what to log: fault, register, invalidation, queue, translation, interrupt, "
                                          "joined by '+', or all; lines go to the -D file or stderr");
}

/* Counters */

static const struct counter {
    const char* name;
    size_t offset; /* in struct iommu_counters */
    const char* description;
} counters[] = {
    {"translations", offsetof(struct iommu_counters, translations), "answered requests"},
    {"hits", offsetof(struct iommu_counters, hits), "requests answered with no table read"},
    {"misses", offsetof(struct iommu_counters, misses), "requests that needed a walk"},
    {"faults", offsetof(struct iommu_counters, faults), "blocked requests"},
    {"recorded", offsetof(struct iommu_counters, recorded), "faults that reached a fault recording register"},
    {"invalidations", offsetof(struct iommu_counters, invalidations), "invalidation commands carried out"},
    {"waits", offsetof(struct iommu_counters, waits), "completed invalidation waits"},
    {"queue-errors", offsetof(struct iommu_counters, queue_errors), "times that the invalidation queue stopped"},
    {"messages", offsetof(struct iommu_counters, messages), "interrupts sent by the unit itself"},
};

static void get_counter(Object* object, Visitor* visitor, const char* name, void* opaque, Error** errp) {
    const struct counter* counter = opaque;
    struct iommu_counters values = {.size = sizeof values};

    vtd_nested_counters(VTD_NESTED(object)->unit, &values);
    visit_type_uint64(visitor, name, (uint64_t*)((char*)&values + counter->offset), errp);
}

static void get_cap(Object* object, Visitor* visitor, const char* name, void* opaque, Error** errp) {
    uint64_t value = vtd_nested_cap(VTD_NESTED(object)->unit);

    visit_type_uint64(visitor, name, &value, errp);
}

static void get_ecap(Object* object, Visitor* visitor, const char* name, void* opaque, Error** errp) {
    uint64_t value = vtd_nested_ecap(VTD_NESTED(object)->unit);

    visit_type_uint64(visitor, name, &value, errp);
}

static void add_reading(Object* object, const char* name, ObjectPropertyAccessor* get, const void* opaque,
                        const char* description) {
    object_property_add(object, name, "uint64", get, NULL, NULL, (void*)opaque);
    object_property_set_description(object, name, description);
}

/* Of the realized device and not of the class, so that the help text lists only what can be set. */
void vtd_properties_add_readings(struct vtd_device* device) {
    Object* object = OBJECT(device);

    for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
        add_reading(object, counters[i].name, get_counter, &counters[i], counters[i].description);
    }
    add_reading(object, "cap-register", get_cap, NULL, "CAP_REG as the guest reads it");
    add_reading(object, "ecap-register", get_ecap, NULL, "ECAP_REG as the guest reads it");
}
