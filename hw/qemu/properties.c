/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * properties: see the header.
 */
#include "hw/qemu/properties.h"

#include "qapi/error.h"
#include "qapi/visitor.h"
#include "qobject/qbool.h"
#include "qobject/qnum.h"

/* Configuration */

/* The unit's flags are bytes that are 0 or 1. */
QEMU_BUILD_BUG_ON(sizeof(bool) != sizeof(uint8_t));

static QObject* value_of(const struct config_field* field, const void* config) {
    const void* stored = (const char*)config + field->offset;

    if (field->info == &qdev_prop_bool) {
        return QOBJECT(qbool_from_bool(*(const uint8_t*)stored));
    }
    if (field->info == &qdev_prop_uint8) {
        return QOBJECT(qnum_from_uint(*(const uint8_t*)stored));
    }
    return QOBJECT(qnum_from_uint(*(const uint32_t*)stored));
}

/* For the help text alone: with no initializer beside it, QEMU does not set the value. */
static void describe(ObjectClass* class, const struct config_field* field, const void* defaults) {
    object_class_property_set_description(class, field->name, field->description);
    object_class_property_find(class, field->name)->defval = value_of(field, defaults);
}

void properties_add_config(DeviceClass* class, const struct config_fields* config) {
    /* QEMU keeps pointers to these as long as the class lives, which is for ever. */
    Property* properties = g_new0(Property, config->count);

    for (size_t i = 0; i < config->count; i++) {
        properties[i] = (Property){
            .name = config->fields[i].name,
            .info = config->fields[i].info,
            .offset = config->offset + config->fields[i].offset,
        };
    }
    device_class_set_props_n(class, properties, config->count);
    for (size_t i = 0; i < config->count; i++) {
        describe(OBJECT_CLASS(class), &config->fields[i], config->defaults);
    }
}

/* Trace */

void properties_add_trace(DeviceClass* class, char* (*get)(Object*, Error**),
                          void (*set)(Object*, const char*, Error**)) {
    ObjectClass* object_class = OBJECT_CLASS(class);

    object_class_property_add_str(object_class, "trace", get, set);
    object_class_property_set_description(object_class, "trace",
                                          "what to log: fault, register, invalidation, queue, translation, interrupt, "
                                          "joined by '+', or all; lines go to the -D file or stderr");
}

void properties_set_trace(struct unit_device* unit, const char* names, Error** errp) {
    uint32_t classes;

    if (trace_classes_parse(names, &classes, errp)) {
        unit_device_choose_trace(unit, classes);
    }
}

/* Draining */

void properties_add_dma_drain(DeviceClass* class, bool (*get)(Object*, Error**), void (*set)(Object*, bool, Error**)) {
    ObjectProperty* property = object_class_property_add_bool(OBJECT_CLASS(class), "dma-drain", get, set);

    object_property_set_default_bool(property, true);
    object_class_property_set_description(OBJECT_CLASS(class), "dma-drain",
                                          "a wait for invalidations waits for DMA that was translated before, too");
}

/* Readings */

static const struct counter {
    const char* name;
    size_t offset; /* in struct iommu_counters */
    const char* description;
} counters[] = {
    {"translations", offsetof(struct iommu_counters, translations), "answered requests"},
    {"hits", offsetof(struct iommu_counters, hits), "requests answered with no table read"},
    {"misses", offsetof(struct iommu_counters, misses), "requests that needed a walk"},
    {"faults", offsetof(struct iommu_counters, faults), "blocked requests"},
    {"recorded", offsetof(struct iommu_counters, recorded), "faults that were recorded for software"},
    {"invalidations", offsetof(struct iommu_counters, invalidations), "invalidation commands carried out"},
    {"waits", offsetof(struct iommu_counters, waits), "completed waits for invalidations"},
    {"queue-errors", offsetof(struct iommu_counters, queue_errors), "times that an error stopped the command queue"},
    {"messages", offsetof(struct iommu_counters, messages), "interrupts sent by the unit itself"},
    {"timeouts", offsetof(struct iommu_counters, timeouts), "Invalidate Requests not answered in time"},
    {"drains", offsetof(struct iommu_counters, drains), "waits that had to wait for DMA under way"},
    {"unexpected-completions", offsetof(struct iommu_counters, unexpected_completions),
     "answers of devices that fit no Invalidate Request"},
};

/* What a reading needs when it is read; lives as long as the device. */
struct source {
    const struct unit_device* unit;
    const void* what; /* struct counter or struct register_reading */
};

static void get_counter(Object* object, Visitor* visitor, const char* name, void* opaque, Error** errp) {
    const struct source* source = opaque;
    const struct counter* counter = source->what;
    struct iommu_counters values = {.size = sizeof values};

    source->unit->calls->counters(source->unit->handle, &values);
    visit_type_uint64(visitor, name, (uint64_t*)((char*)&values + counter->offset), errp);
}

static void get_register(Object* object, Visitor* visitor, const char* name, void* opaque, Error** errp) {
    const struct source* source = opaque;
    const struct register_reading* reading = source->what;
    uint64_t value = source->unit->calls->read(source->unit->handle, reading->offset, reading->size);

    visit_type_uint64(visitor, name, &value, errp);
}

static void free_source(Object* object, const char* name, void* opaque) { g_free(opaque); }

static struct source* source_new(const struct unit_device* unit, const void* what) {
    struct source* source = g_new(struct source, 1);

    *source = (struct source){.unit = unit, .what = what};
    return source;
}

void properties_add_readings(struct unit_device* unit, const struct register_reading* registers, size_t count) {
    Object* object = OBJECT(unit->device);

    for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
        object_property_add(object, counters[i].name, "uint64", get_counter, NULL, free_source,
                            source_new(unit, &counters[i]));
        object_property_set_description(object, counters[i].name, counters[i].description);
    }
    for (size_t i = 0; i < count; i++) {
        object_property_add(object, registers[i].name, "uint64", get_register, NULL, free_source,
                            source_new(unit, &registers[i]));
        object_property_set_description(object, registers[i].name, registers[i].description);
    }
}
