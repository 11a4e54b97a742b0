/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu-shim: the device type; see the header.
 */
#include "hw/vtd-nested/qemu-shim.h"

#include "hw/boards.h"
#include "hw/i386/pc.h"
#include "hw/pci/pci_bus.h"
#include "hw/qemu/ats.h"
#include "hw/resettable.h"
#include "migration/vmstate.h"
#include "qapi/error.h"
#include "qemu/module.h"

static DeviceRealize base_realize;
static struct trace_classes_events trace_events;

/* The unit's calls */

static void unit_destroy(void* unit) { vtd_nested_destroy(unit); }

static void unit_reset(void* unit) { vtd_nested_reset(unit); }

static void unit_set_ram(void* unit, const struct iommu_ram_range* ranges, size_t count) {
    vtd_nested_set_ram(unit, ranges, count);
}

static uint64_t unit_read(void* unit, uint64_t offset, unsigned size) { return vtd_nested_read(unit, offset, size); }

static void unit_write(void* unit, uint64_t offset, uint64_t value, unsigned size) {
    vtd_nested_write(unit, offset, value, size);
}

static void unit_translate(void* unit, const struct iommu_request* request, struct iommu_reply* reply) {
    vtd_nested_translate(unit, request, reply);
}

static void unit_proceed(void* unit) { vtd_nested_continue(unit); }

static void unit_drained(void* unit, uint64_t ticket) { vtd_nested_drained(unit, ticket); }

static void unit_translation_request(void* unit, const struct iommu_request* request,
                                     struct iommu_translation_completion* completion) {
    vtd_nested_translation_request(unit, request, completion);
}

static void unit_invalidate_completed(void* unit, const struct iommu_invalidate_completion* completion) {
    vtd_nested_invalidate_completed(unit, completion);
}

static void unit_page_request(void* unit, const struct iommu_page_request* request) {
    vtd_nested_page_request(unit, request);
}

static uint64_t unit_deadline(const void* unit) { return vtd_nested_deadline(unit); }

static void unit_tick(void* unit) { vtd_nested_tick(unit); }

static void unit_counters(const void* unit, struct iommu_counters* counters) { vtd_nested_counters(unit, counters); }

static void unit_set_trace(void* unit, uint32_t trace_classes) { vtd_nested_set_trace(unit, trace_classes); }

static void unit_save(const void* unit, uint64_t* words) { vtd_nested_save(unit, words); }

static bool unit_load(void* unit, const uint64_t* words, char* why, size_t why_size) {
    return vtd_nested_load(unit, words, why, why_size);
}

static const struct unit_calls unit_calls = {
    .name = TYPE_VTD_NESTED,
    .registers_size = VTD_NESTED_REGISTERS_SIZE,
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

/* Realize */

static bool create_unit(struct vtd_device* device, Error** errp) {
    const struct iommu_ports ports = unit_device_ports(&device->unit);
    char why[UNIT_WHY_SIZE] = "";

    device->unit.handle = vtd_nested_create(&device->config, &ports, why, sizeof why);
    if (!device->unit.handle) {
        error_setg(errp, "%s", why);
    }
    return device->unit.handle;
}

static void map_registers(struct vtd_device* device) {
    SysBusDevice* bus_device = SYS_BUS_DEVICE(device);

    sysbus_init_mmio(bus_device, &device->unit.registers);
    sysbus_mmio_map(bus_device, 0, VTD_NESTED_REGISTERS_BASE);
}

/* Called by the base type's realize, which has made sure of a PC. The I/O APIC's messages are no DMA and no interrupt
 * is remapped: its address space stays the system's. */
static void realize(DeviceState* dev, Error** errp) {
    struct vtd_device* device = VTD_NESTED(dev);
    const struct unit_device_kind kind = {
        .calls = &unit_calls,
        .trace_events = &trace_events,
        .space_size = sizeof(struct vtd_space),
        .extend_space = vtd_space_add_interrupts,
    };

    if (!vtd_properties_settle(device, errp)) {
        return;
    }
    unit_device_prepare(&device->unit, dev, &kind);
    if (!create_unit(device, errp)) {
        unit_device_undo(&device->unit);
        return;
    }
    unit_device_start(&device->unit);
    vtd_acpi_add_dmar(device);
    map_registers(device);
    spaces_attach(&device->unit.spaces, PC_MACHINE(qdev_get_machine())->pcibus);
    vtd_properties_add_readings(device);
}

static bool check_machine(Error** errp) {
    const PCMachineState* pc = (const PCMachineState*)object_dynamic_cast(qdev_get_machine(), TYPE_PC_MACHINE);

    if (!pc || !pc->pcibus || !pci_bus_is_express(pc->pcibus)) {
        error_setg(errp, "vtd-nested needs a machine with PCI Express: -machine q35");
        return false;
    }
    return true;
}

static void check_and_realize(DeviceState* dev, Error** errp) {
    if (check_machine(errp) && vtd_properties_check_base(VTD_NESTED(dev), errp)) {
        base_realize(dev, errp);
    }
}

/* Reset: the last phase, when the PCI devices have stopped their DMA. */
static void reset_exit(Object* object, ResetType type) { unit_device_reset(&VTD_NESTED(object)->unit); }

/* Migration */

static int save(void* opaque) {
    struct vtd_device* device = opaque;

    unit_device_save(&device->unit, device->state);
    return 0;
}

static int load(void* opaque, int version) {
    struct vtd_device* device = opaque;

    return unit_device_load(&device->unit, device->state);
}

static const VMStateDescription migration = {
    .name = TYPE_VTD_NESTED,
    .version_id = 2,
    .minimum_version_id = 2,
    .priority = MIG_PRI_IOMMU,
    .pre_save = save,
    .post_load = load,
    .fields =
        (const VMStateField[]){
            VMSTATE_UINT64_ARRAY(state, struct vtd_device, VTD_NESTED_STATE_WORDS),
            VMSTATE_END_OF_LIST(),
        },
};

/* ATS */

static struct unit_device* unit_of_agent(Object* agent) { return &VTD_NESTED(agent)->unit; }

/* Type */

/* Machines name the devices of this kind that -device may create. The wrong ones refuse ours with a better sentence in
 * check_machine() than QEMU's. */
static void allow_on_machine(ObjectClass* class, void* opaque) {
    machine_class_allow_dynamic_sysbus_dev(MACHINE_CLASS(class), TYPE_VTD_NESTED);
}

static void instance_init(Object* object) { vtd_properties_init(VTD_NESTED(object)); }

static void class_init(ObjectClass* class, class_init_data* data) {
    DeviceClass* device_class = DEVICE_CLASS(class);

    device_class->desc = "Intel VT-d IOMMU with nested translation";
    device_class->vmsd = &migration;
    device_class->hotpluggable = false;
    device_class->user_creatable = true;
    set_bit(DEVICE_CATEGORY_MISC, device_class->categories);
    device_class_set_parent_realize(device_class, check_and_realize, &base_realize);
    X86_IOMMU_DEVICE_CLASS(class)->realize = realize;
    RESETTABLE_CLASS(class)->phases.exit = reset_exit;
    ATS_AGENT_CLASS(class)->unit = unit_of_agent;
    vtd_properties_add(device_class);
    object_class_foreach(allow_on_machine, TYPE_MACHINE, false, NULL);
}

static const TypeInfo device_info = {
    .name = TYPE_VTD_NESTED,
    .parent = TYPE_X86_IOMMU_DEVICE,
    .instance_size = sizeof(struct vtd_device),
    .instance_init = instance_init,
    .class_init = class_init,
    .interfaces = (InterfaceInfo[]){{TYPE_ATS_AGENT}, {}},
};

static void register_types(void) { type_register_static(&device_info); }

static void register_trace(void) { trace_classes_register(&trace_events, "vtd_nested_"); }

type_init(register_types) trace_init(register_trace)
