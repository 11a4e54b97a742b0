/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu-shim-properties: the properties of `-device ats-endpoint`.
 *
 * A realized device has the registers of BAR 0 as properties more, by their names in lower case: counters can be read
 * and faults injected from outside the guest.
 */
#include "hw/ats-endpoint/qemu-shim.h"

#include "hw/qemu/properties.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "system/runstate.h"

#define ANSWER_DELAY "answer-delay-ns"
#define UNASKED_ANSWER "unasked-answer"
#define PASID_WIDTH_MAX 20
#define QUEUE_DEPTH_MAX 32

#define SETTING(name, field, type, text) {name, offsetof(struct endpoint_settings, field), &qdev_prop_##type, text}

static const struct config_field fields[] = {
    SETTING("rciep", rciep, bool, "integrated in the root complex, on the root bus"),
    SETTING("page-aligned", page_aligned, bool, "ATS: Page Aligned Request"),
    SETTING("ats-queue-depth", ats_queue_depth, uint8, "ATS: Invalidate Requests it takes at one time, 1..32"),
    SETTING("pasid-width", pasid_width, uint8, "bits of a PASID, 1..20; 0: no PASID capability"),
    SETTING("pasid-exec", pasid_exec, bool, "PASID: Execute Permission Supported"),
    SETTING("pasid-priv", pasid_priv, bool, "PASID: Privileged Mode Supported"),
    SETTING("pri-capacity", pri_capacity, uint32, "Outstanding Page Request Capacity; 0: no page-request capability"),
    SETTING("prg-response-pasid", prg_response_pasid, bool, "PRG Response PASID Required"),
    SETTING("can-stall", can_stall, bool, "the guest is told, by device tree, that it can wait for its pages (SMMUv3)"),
    SETTING("atc-entries", atc_entries, uint32, "translations that it keeps, 1..1024"),
};

static void set_defaults(struct endpoint_settings* settings) {
    struct ats_endpoint_options options;

    ats_endpoint_default_options(&options, sizeof options);
    *settings = (struct endpoint_settings){
        .page_aligned = 1,
        .ats_queue_depth = QUEUE_DEPTH_MAX,
        .pasid_width = PASID_WIDTH_MAX,
        .pasid_exec = 1,
        .pasid_priv = 1,
        .prg_response_pasid = 1,
        .pri_capacity = 32,
        .atc_entries = options.atc_entries,
        .answer_delay_ns = options.answer_delay_ns,
    };
}

void endpoint_properties_init(struct endpoint_device* device) { set_defaults(&device->settings); }

bool endpoint_properties_check(const struct endpoint_device* device, Error** errp) {
    const struct endpoint_settings* settings = &device->settings;

    if (settings->ats_queue_depth < 1 || settings->ats_queue_depth > QUEUE_DEPTH_MAX) {
        error_setg(errp, "ats-queue-depth=%u must be from 1 to %u", settings->ats_queue_depth, QUEUE_DEPTH_MAX);
        return false;
    }
    if (settings->pasid_width > PASID_WIDTH_MAX) {
        error_setg(errp, "pasid-width=%u must be at most %u", settings->pasid_width, PASID_WIDTH_MAX);
        return false;
    }
    return true;
}

/* The one register whose value after reset the user chooses: a setting before the device is realized, then a register
 * like the others. */

static const struct ats_endpoint_register* answer_delay_register(void) {
    static struct ats_endpoint_register info;

    for (size_t i = 0; strcmp(info.name, ANSWER_DELAY); i++) {
        ats_endpoint_describe_register(i, &info);
    }
    return &info;
}

static void get_answer_delay(Object* object, Visitor* visitor, const char* name, void* opaque, Error** errp) {
    const struct ats_endpoint_register* info = answer_delay_register();
    struct endpoint_device* device = ATS_ENDPOINT(object);
    uint64_t value =
        device->core ? ats_endpoint_peek(device->core, info->offset, info->size) : device->settings.answer_delay_ns;

    visit_type_uint64(visitor, name, &value, errp);
}

static void set_answer_delay(Object* object, Visitor* visitor, const char* name, void* opaque, Error** errp) {
    const struct ats_endpoint_register* info = answer_delay_register();
    struct endpoint_device* device = ATS_ENDPOINT(object);
    uint64_t value;

    if (!visit_type_uint64(visitor, name, &value, errp)) {
        return;
    }
    if (device->core) {
        ats_endpoint_poke(device->core, info->offset, value, info->size);
    } else {
        device->settings.answer_delay_ns = value;
    }
}

void endpoint_properties_add(DeviceClass* class) {
    static struct endpoint_settings defaults;
    ObjectClass* object_class = OBJECT_CLASS(class);
    const struct config_fields config = {
        .fields = fields,
        .count = ARRAY_SIZE(fields),
        .offset = offsetof(struct endpoint_device, settings),
        .defaults = &defaults,
    };

    set_defaults(&defaults);
    properties_add_config(class, &config);
    object_class_property_add(object_class, ANSWER_DELAY, "uint64", get_answer_delay, set_answer_delay, NULL, NULL);
    object_class_property_set_description(
        object_class, ANSWER_DELAY, "from an Invalidate Request to its answer, in ns of virtual time; 0: at once");
}

/* Registers */

static void get_register(Object* object, Visitor* visitor, const char* name, void* opaque, Error** errp) {
    const struct ats_endpoint_register* info = opaque;
    uint64_t value = ats_endpoint_peek(ATS_ENDPOINT(object)->core, info->offset, info->size);

    visit_type_uint64(visitor, name, &value, errp);
}

static void set_register(Object* object, Visitor* visitor, const char* name, void* opaque, Error** errp) {
    const struct ats_endpoint_register* info = opaque;
    uint64_t value;

    /* It would be a message at once, and a stopped machine's memory must not change. */
    if (!strcmp(name, UNASKED_ANSWER) && !runstate_is_running()) {
        error_setg(errp, "the machine is stopped; let it run before you set " UNASKED_ANSWER);
        return;
    }
    if (visit_type_uint64(visitor, name, &value, errp)) {
        ats_endpoint_poke(ATS_ENDPOINT(object)->core, info->offset, value, info->size);
    }
}

static void free_register(Object* object, const char* name, void* opaque) { g_free(opaque); }

void endpoint_properties_add_registers(struct endpoint_device* device) {
    Object* object = OBJECT(device);
    struct ats_endpoint_register info;

    for (size_t i = 0; ats_endpoint_describe_register(i, &info); i++) {
        if (!strcmp(info.name, ANSWER_DELAY)) {
            continue; /* the class has it */
        }
        object_property_add(object, info.name, "uint64", get_register, info.writable ? set_register : NULL,
                            free_register, g_memdup2(&info, sizeof info));
        object_property_set_description(object, info.name, info.meaning);
    }
}
