/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu-shim: the device type; see the header.
 *
 * The register page and the unit's reset, save and load run under QEMU's big lock. Translations do not, and so the
 * ports that a translation can reach (written, send_msi, kick, now_ns, trace) may be called by any thread.
 */
#include "hw/vtd-nested/qemu-shim.h"

#include "hw/boards.h"
#include "hw/i386/pc.h"
#include "hw/pci/pci_bus.h"
#include "hw/resettable.h"
#include "migration/vmstate.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "qemu/timer.h"
#include "system/runstate.h"

static DeviceRealize base_realize;
static struct trace_classes_events trace_events;

/* Trace */

static void tell_trace(struct vtd_device* device) {
    const uint32_t classes = device->trace_chosen | trace_classes_enabled(&trace_events);

    if (device->unit && device->trace_told != classes) {
        device->trace_told = classes;
        vtd_nested_set_trace(device->unit, classes);
    }
}

void vtd_device_choose_trace(struct vtd_device* device, uint32_t classes) {
    device->trace_chosen = classes;
    tell_trace(device);
}

/* Register page */

static uint64_t registers_read(void* opaque, hwaddr offset, unsigned size) {
    struct vtd_device* device = opaque;

    return vtd_nested_read(device->unit, offset, size);
}

/* QEMU does not tell when the user enables a trace event; a register write is soon enough to notice. */
static void registers_write(void* opaque, hwaddr offset, uint64_t value, unsigned size) {
    struct vtd_device* device = opaque;

    tell_trace(device);
    vtd_nested_write(device->unit, offset, value, size);
}

/* All sizes are let through as they come: which of them mean something is the unit's business. */
static const MemoryRegionOps registers_ops = {
    .read = registers_read,
    .write = registers_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 8},
    .impl = {.min_access_size = 1, .max_access_size = 8},
};

/* Ports */

static void port_written(void* opaque, uint64_t address, uint64_t size) { guest_ram_written(address, size); }

static bool port_send_msi(void* opaque, uint64_t address, uint32_t data) {
    struct vtd_device* device = opaque;

    messages_send(&device->messages, address, data);
    return true;
}

static void port_unmap(void* opaque, const struct iommu_unmap* what) {
    struct vtd_device* device = opaque;
    BQL_LOCK_GUARD();

    vtd_spaces_unmap(&device->spaces, what);
}

static void port_gate_changed(void* opaque, bool translating) {
    struct vtd_device* device = opaque;
    BQL_LOCK_GUARD();

    vtd_spaces_set_translating(&device->spaces, translating);
}

static void port_kick(void* opaque) {
    struct vtd_device* device = opaque;

    qatomic_set(&device->work_announced, true);
    qemu_bh_schedule(device->continue_bh);
}

static uint64_t port_now_ns(void* opaque) { return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL); }

static void port_trace(void* opaque, uint32_t trace_class, const char* line) { trace_line(line); }

static void ram_changed(void* opaque, const struct iommu_ram_range* ranges, size_t count) {
    struct vtd_device* device = opaque;

    vtd_nested_set_ram(device->unit, ranges, count);
}

/* A stopped machine's memory must not change, it may be on its way to another host: the work waits until it runs. */
static void continue_queue(void* opaque) {
    struct vtd_device* device = opaque;

    if (runstate_is_running() && qatomic_xchg(&device->work_announced, false)) {
        vtd_nested_continue(device->unit);
    }
}

static void run_state_changed(void* opaque, bool running, RunState state) {
    struct vtd_device* device = opaque;

    if (running) {
        qemu_bh_schedule(device->continue_bh);
    }
}

/* Realize */

static bool create_unit(struct vtd_device* device, Error** errp) {
    const struct iommu_ports ports = {
        .size = sizeof ports,
        .opaque = device,
        .written = port_written,
        .send_msi = port_send_msi,
        .unmap = port_unmap,
        .gate_changed = port_gate_changed,
        .kick = port_kick,
        .now_ns = port_now_ns,
        .trace = port_trace,
    };
    char why[VTD_WHY_SIZE] = "";

    device->unit = vtd_nested_create(&device->config, &ports, why, sizeof why);
    if (!device->unit) {
        error_setg(errp, "%s", why);
    }
    return device->unit;
}

/* What the ports need, before there is a unit to call them. */
static void prepare_ports(struct vtd_device* device) {
    MemReentrancyGuard* guard = &DEVICE(device)->mem_reentrancy_guard;

    vtd_spaces_init(device);
    messages_init(&device->messages, guard);
    device->continue_bh = qemu_bh_new_guarded(continue_queue, device, guard);
}

static void undo_ports(struct vtd_device* device) {
    qemu_bh_delete(device->continue_bh);
    messages_destroy(&device->messages);
    vtd_spaces_destroy(device);
}

static void map_registers(struct vtd_device* device) {
    SysBusDevice* bus_device = SYS_BUS_DEVICE(device);

    memory_region_init_io(&device->registers, OBJECT(device), &registers_ops, device, TYPE_VTD_NESTED "-registers",
                          VTD_NESTED_REGISTERS_SIZE);
    sysbus_init_mmio(bus_device, &device->registers);
    sysbus_mmio_map(bus_device, 0, VTD_NESTED_REGISTERS_BASE);
}

/* Called by the base type's realize, which has made sure of a PC. The I/O APIC's messages are no DMA and no interrupt
 * is remapped: its address space stays the system's. */
static void realize(DeviceState* dev, Error** errp) {
    struct vtd_device* device = VTD_NESTED(dev);

    if (!vtd_properties_settle(device, errp)) {
        return;
    }
    prepare_ports(device);
    if (!create_unit(device, errp)) {
        undo_ports(device);
        return;
    }
    if (!vtd_acpi_add_dmar(&device->config, errp)) {
        vtd_nested_destroy(device->unit);
        device->unit = NULL;
        undo_ports(device);
        return;
    }
    tell_trace(device);
    guest_ram_watch(&device->ram, ram_changed, device);
    map_registers(device);
    vtd_spaces_attach(device, PC_MACHINE(qdev_get_machine())->pcibus);
    vtd_properties_add_readings(device);
    qemu_add_vm_change_state_handler(run_state_changed, device);
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
static void reset_exit(Object* object, ResetType type) {
    struct vtd_device* device = VTD_NESTED(object);

    messages_drop(&device->messages);
    qatomic_set(&device->work_announced, false);
    vtd_nested_reset(device->unit);
    vtd_spaces_set_translating(&device->spaces, false);
}

/* Migration */

/* The interrupt controllers are saved after us: what waits for the main loop becomes their state. */
static int save(void* opaque) {
    struct vtd_device* device = opaque;

    messages_flush(&device->messages);
    vtd_nested_save(device->unit, device->state);
    return 0;
}

static int load(void* opaque, int version) {
    struct vtd_device* device = opaque;
    char why[VTD_WHY_SIZE] = "";

    if (!vtd_nested_load(device->unit, device->state, why, sizeof why)) {
        error_report("vtd-nested cannot take over the state of the other machine: %s", why);
        return -EINVAL;
    }
    return 0;
}

static const VMStateDescription migration = {
    .name = TYPE_VTD_NESTED,
    .version_id = 1,
    .minimum_version_id = 1,
    .priority = MIG_PRI_IOMMU,
    .pre_save = save,
    .post_load = load,
    .fields =
        (const VMStateField[]){
            VMSTATE_UINT64_ARRAY(state, struct vtd_device, VTD_NESTED_STATE_WORDS),
            VMSTATE_END_OF_LIST(),
        },
};

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
    vtd_properties_add(device_class);
    object_class_foreach(allow_on_machine, TYPE_MACHINE, false, NULL);
}

static const TypeInfo device_info = {
    .name = TYPE_VTD_NESTED,
    .parent = TYPE_X86_IOMMU_DEVICE,
    .instance_size = sizeof(struct vtd_device),
    .instance_init = instance_init,
    .class_init = class_init,
};

static void register_types(void) {
    vtd_spaces_register_type();
    type_register_static(&device_info);
}

static void register_trace(void) { trace_classes_register(&trace_events, "vtd_nested_"); }

type_init(register_types) trace_init(register_trace)
