/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu-shim: the device type; see the header.
 *
 * A plain device on no bus: the machine's platform bus would claim one of a sysbus type, and put it elsewhere.
 */
#include "hw/smmuv3-nested/qemu-shim.h"

#include "hw/qemu/ats.h"
#include "hw/resettable.h"
#include "migration/vmstate.h"
#include "qapi/error.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "system/reset.h"

static struct trace_classes_events trace_events;

/* The unit's calls */

static void unit_destroy(void* unit) { smmuv3_nested_destroy(unit); }

static void unit_reset(void* unit) { smmuv3_nested_reset(unit); }

static void unit_set_ram(void* unit, const struct iommu_ram_range* ranges, size_t count) {
    smmuv3_nested_set_ram(unit, ranges, count);
}

static uint64_t unit_read(void* unit, uint64_t offset, unsigned size) { return smmuv3_nested_read(unit, offset, size); }

static void unit_write(void* unit, uint64_t offset, uint64_t value, unsigned size) {
    smmuv3_nested_write(unit, offset, value, size);
}

static void unit_translate(void* unit, const struct iommu_request* request, struct iommu_reply* reply) {
    smmuv3_nested_translate(unit, request, reply);
}

static void unit_proceed(void* unit) { smmuv3_nested_continue(unit); }

static void unit_drained(void* unit, uint64_t ticket) { smmuv3_nested_drained(unit, ticket); }

static void unit_translation_request(void* unit, const struct iommu_request* request,
                                     struct iommu_translation_completion* completion) {
    smmuv3_nested_translation_request(unit, request, completion);
}

static void unit_invalidate_completed(void* unit, const struct iommu_invalidate_completion* completion) {
    smmuv3_nested_invalidate_completed(unit, completion);
}

static void unit_page_request(void* unit, const struct iommu_page_request* request) {
    smmuv3_nested_page_request(unit, request);
}

static uint64_t unit_deadline(const void* unit) { return smmuv3_nested_deadline(unit); }

static void unit_tick(void* unit) { smmuv3_nested_tick(unit); }

static void unit_counters(const void* unit, struct iommu_counters* counters) { smmuv3_nested_counters(unit, counters); }

static void unit_set_trace(void* unit, uint32_t trace_classes) { smmuv3_nested_set_trace(unit, trace_classes); }

static void unit_save(const void* unit, uint64_t* words) { smmuv3_nested_save(unit, words); }

static bool unit_load(void* unit, const uint64_t* words, char* why, size_t why_size) {
    return smmuv3_nested_load(unit, words, why, why_size);
}

static const struct unit_calls unit_calls = {
    .name = TYPE_SMMUV3_NESTED,
    .registers_size = SMMUV3_NESTED_REGISTERS_SIZE,
    .destroy = unit_destroy,
    .reset = unit_reset,
    .set_ram = unit_set_ram,
    .read = unit_read,
    .write = unit_write,
    .translate = unit_translate,
    .proceed = unit_proceed,
    .drained = unit_drained,
    .translation_request = unit_translation_request,
    .invalidate_completed = unit_invalidate_completed,
    .page_request = unit_page_request,
    .deadline = unit_deadline,
    .tick = unit_tick,
    .counters = unit_counters,
    .set_trace = unit_set_trace,
    .save = unit_save,
    .load = unit_load,
};

/* Wired interrupts */

/* Edges merge in the interrupt controller; so may those that wait for the main loop. */
static void send_waiting_pulses(void* opaque) {
    struct smmuv3_device* device = opaque;
    const uint32_t waiting = qatomic_xchg(&device->pulses_waiting, 0);

    for (unsigned line = 0; line < SMMUV3_LINES; line++) {
        if (waiting & BIT(line)) {
            qemu_irq_pulse(device->lines[line]);
        }
    }
}

/* The interrupt controller needs the big lock. Who has it not, an I/O thread in a translation, leaves the pulse to the
 * main loop. */
static void port_pulse(void* opaque, unsigned line) {
    struct smmuv3_device* device = container_of(opaque, struct smmuv3_device, unit);

    if (bql_locked()) {
        qemu_irq_pulse(device->lines[line]);
        return;
    }
    qatomic_or(&device->pulses_waiting, BIT(line));
    qemu_bh_schedule(device->pulse_bh);
}

/* Requests of a space never say that they can stall; those of a device that speaks to the unit itself may. */
static void port_resume(void* opaque, uint32_t stream, uint16_t stall_tag, unsigned action) {
    BQL_LOCK_GUARD();

    ats_send_resume(opaque, stream, stall_tag, action);
}

/* Realize */

static bool create_unit(struct smmuv3_device* device, Error** errp) {
    const struct smmuv3_nested_ports ports = {
        .size = sizeof ports,
        .base = unit_device_ports(&device->unit),
        .pulse = port_pulse,
        .resume = port_resume,
    };
    char why[UNIT_WHY_SIZE] = "";

    device->unit.handle = smmuv3_nested_create(&device->config, &ports, why, sizeof why);
    if (!device->unit.handle) {
        error_setg(errp, "%s", why);
    }
    return device->unit.handle;
}

static void realize(DeviceState* dev, Error** errp) {
    struct smmuv3_device* device = SMMUV3_NESTED(dev);
    VirtMachineState* machine = smmuv3_machine_find(errp);
    const struct unit_device_kind kind = {
        .calls = &unit_calls,
        .trace_events = &trace_events,
        .space_size = sizeof(struct space),
    };

    if (!machine || !smmuv3_properties_settle(device, errp)) {
        return;
    }
    unit_device_prepare(&device->unit, dev, &kind);
    if (!create_unit(device, errp)) {
        unit_device_undo(&device->unit);
        return;
    }
    device->pulse_bh = qemu_bh_new_guarded(send_waiting_pulses, device, &dev->mem_reentrancy_guard);
    unit_device_start(&device->unit);
    smmuv3_machine_connect(machine, device);
    smmuv3_properties_add_readings(device);
    qemu_register_resettable(OBJECT(device));
}

/* Reset: the last phase, when the PCI devices have stopped their DMA. */
static void reset_exit(Object* object, ResetType type) {
    struct smmuv3_device* device = SMMUV3_NESTED(object);

    qatomic_set(&device->pulses_waiting, 0);
    unit_device_reset(&device->unit);
    smmuv3_acpi_complete(VIRT_MACHINE(qdev_get_machine()), device);
}

/* Migration */

/* The interrupt controller is saved after us: what waits for the main loop becomes its state. */
static int save(void* opaque) {
    struct smmuv3_device* device = opaque;

    send_waiting_pulses(device);
    unit_device_save(&device->unit, device->state);
    return 0;
}

static int load(void* opaque, int version) {
    struct smmuv3_device* device = opaque;

    return unit_device_load(&device->unit, device->state);
}

static const VMStateDescription migration = {
    .name = TYPE_SMMUV3_NESTED,
    .version_id = 1,
    .minimum_version_id = 1,
    .priority = MIG_PRI_IOMMU,
    .pre_save = save,
    .post_load = load,
    .fields =
        (const VMStateField[]){
            VMSTATE_UINT64_ARRAY(state, struct smmuv3_device, SMMUV3_NESTED_STATE_WORDS),
            VMSTATE_END_OF_LIST(),
        },
};

/* ATS */

static struct unit_device* unit_of_agent(Object* agent) { return &SMMUV3_NESTED(agent)->unit; }

/* Type */

static void instance_init(Object* object) { smmuv3_properties_init(SMMUV3_NESTED(object)); }

static void class_init(ObjectClass* class, class_init_data* data) {
    DeviceClass* device_class = DEVICE_CLASS(class);

    device_class->desc = "Arm SMMUv3 with nested translation";
    device_class->vmsd = &migration;
    device_class->hotpluggable = false;
    device_class->user_creatable = true;
    device_class->realize = realize;
    set_bit(DEVICE_CATEGORY_MISC, device_class->categories);
    RESETTABLE_CLASS(class)->phases.exit = reset_exit;
    ATS_AGENT_CLASS(class)->unit = unit_of_agent;
    smmuv3_properties_add(device_class);
}

static const TypeInfo device_info = {
    .name = TYPE_SMMUV3_NESTED,
    .parent = TYPE_DEVICE,
    .instance_size = sizeof(struct smmuv3_device),
    .instance_init = instance_init,
    .class_init = class_init,
    .interfaces = (InterfaceInfo[]){{TYPE_ATS_AGENT}, {}},
};

static void register_types(void) { type_register_static(&device_info); }

static void register_trace(void) { trace_classes_register(&trace_events, "smmuv3_nested_"); }

type_init(register_types) trace_init(register_trace)
