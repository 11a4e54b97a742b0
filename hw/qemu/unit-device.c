/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * unit-device: see the header.
 */
#include "hw/qemu/unit-device.h"

#include "hw/qemu/ats.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "system/runstate.h"

/* Trace */

static void tell_trace(struct unit_device* unit) {
    uint32_t classes;

    if (!unit->handle) {
        return; /* told when there is one */
    }
    classes = unit->trace_chosen | trace_classes_enabled(unit->trace_events);
    if (unit->trace_told != classes) {
        unit->trace_told = classes;
        unit->calls->set_trace(unit->handle, classes);
    }
}

void unit_device_choose_trace(struct unit_device* unit, uint32_t classes) {
    unit->trace_chosen = classes;
    tell_trace(unit);
}

/* Registers */

static uint64_t registers_read(void* opaque, hwaddr offset, unsigned size) {
    struct unit_device* unit = opaque;

    return unit->calls->read(unit->handle, offset, size);
}

/* QEMU does not tell when the user enables a trace event; a register write is soon enough to notice. */
static void registers_write(void* opaque, hwaddr offset, uint64_t value, unsigned size) {
    struct unit_device* unit = opaque;

    tell_trace(unit);
    unit->calls->write(unit->handle, offset, value, size);
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
    struct unit_device* unit = opaque;

    return messages_send(&unit->messages, address, data);
}

static bool port_listening(void* opaque) {
    struct unit_device* unit = opaque;

    return qatomic_read(&unit->spaces.listened_to) != 0;
}

static void port_unmap(void* opaque, const struct iommu_unmap* what) {
    struct unit_device* unit = opaque;
    BQL_LOCK_GUARD();

    spaces_unmap(&unit->spaces, what);
}

static void port_gate_changed(void* opaque, bool translating) {
    struct unit_device* unit = opaque;
    BQL_LOCK_GUARD();

    spaces_set_translating(&unit->spaces, translating);
}

static void port_kick(void* opaque) {
    struct unit_device* unit = opaque;

    qatomic_set(&unit->work_announced, true);
    qemu_bh_schedule(unit->continue_bh);
}

static uint64_t port_now_ns(void* opaque) { return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL); }

/* Under the big lock, so that of two changes the later one sets the timer. */
static void port_deadline_changed(void* opaque) {
    struct unit_device* unit = opaque;
    BQL_LOCK_GUARD();
    const uint64_t deadline = unit->calls->deadline(unit->handle);

    if (deadline == IOMMU_NEVER) {
        timer_del(unit->deadline);
    } else {
        timer_mod(unit->deadline, MIN(deadline, INT64_MAX));
    }
}

static void port_invalidate(void* opaque, const struct iommu_invalidate_request* request) {
    BQL_LOCK_GUARD();

    ats_send_invalidate(opaque, request);
}

static void port_respond(void* opaque, const struct iommu_page_response* response) {
    BQL_LOCK_GUARD();

    ats_send_response(opaque, response);
}

/* Nobody else has the lock while a thread that has it translates and copies: neither who writes a register nor who runs
 * a queue. */
static bool port_keeps_out(void* opaque) { return bql_locked(); }

static bool port_drain(void* opaque, uint64_t ticket) {
    struct unit_device* unit = opaque;
    BQL_LOCK_GUARD();

    if (unit->waits_for_dma) {
        dma_drain_start(&unit->drain, ticket);
    }
    return unit->waits_for_dma;
}

static void port_trace(void* opaque, uint32_t trace_class, const char* line) { trace_line(line); }

struct iommu_ports unit_device_ports(struct unit_device* unit) {
    return (struct iommu_ports){
        .size = sizeof(struct iommu_ports),
        .opaque = unit,
        .written = port_written,
        .send_msi = port_send_msi,
        .listening = port_listening,
        .unmap = port_unmap,
        .gate_changed = port_gate_changed,
        .kick = port_kick,
        .now_ns = port_now_ns,
        .deadline_changed = port_deadline_changed,
        .invalidate = port_invalidate,
        .respond = port_respond,
        .keeps_out = port_keeps_out,
        .drain = port_drain,
        .trace = port_trace,
    };
}

/* Life */

static void ram_changed(void* opaque, const struct iommu_ram_range* ranges, size_t count) {
    struct unit_device* unit = opaque;

    unit->calls->set_ram(unit->handle, ranges, count);
}

/* A stopped machine's memory must not change, it may be on its way to another host: the work waits until it runs. */
static void continue_work(void* opaque) {
    struct unit_device* unit = opaque;
    uint64_t ticket;

    if (!runstate_is_running()) {
        return;
    }
    ticket = dma_drain_take(&unit->drain);
    if (ticket) {
        unit->calls->drained(unit->handle, ticket);
    }
    if (qatomic_xchg(&unit->work_announced, false)) {
        unit->calls->proceed(unit->handle);
    }
}

static void deadline_passed(void* opaque) {
    struct unit_device* unit = opaque;

    unit->calls->tick(unit->handle);
}

static void run_state_changed(void* opaque, bool running, RunState state) {
    struct unit_device* unit = opaque;

    if (running) {
        qemu_bh_schedule(unit->continue_bh);
    }
}

void unit_device_prepare(struct unit_device* unit, DeviceState* device, const struct unit_device_kind* kind) {
    const struct spaces_owner spaces_owner = {
        .device = OBJECT(device),
        .name = kind->calls->name,
        .space_size = kind->space_size,
        .extend = kind->extend_space,
    };

    unit->calls = kind->calls;
    unit->device = device;
    unit->trace_events = kind->trace_events;
    spaces_init(&unit->spaces, &spaces_owner);
    messages_init(&unit->messages, &device->mem_reentrancy_guard);
    unit->continue_bh = qemu_bh_new_guarded(continue_work, unit, &device->mem_reentrancy_guard);
    unit->deadline = timer_new_ns(QEMU_CLOCK_VIRTUAL, deadline_passed, unit);
    dma_drain_init(&unit->drain, unit->continue_bh);
}

void unit_device_undo(struct unit_device* unit) {
    if (unit->handle) {
        unit->calls->destroy(unit->handle);
        unit->handle = NULL;
    }
    dma_drain_destroy(&unit->drain);
    qemu_bh_delete(unit->continue_bh);
    timer_free(unit->deadline);
    messages_destroy(&unit->messages);
    spaces_destroy(&unit->spaces);
}

void unit_device_start(struct unit_device* unit) {
    g_autofree char* name = g_strdup_printf("%s-registers", unit->calls->name);

    tell_trace(unit);
    unit->spaces.translate = unit->calls->translate;
    unit->spaces.unit = unit->handle;
    guest_ram_watch(&unit->ram, ram_changed, unit);
    memory_region_init_io(&unit->registers, OBJECT(unit->device), &registers_ops, unit, name,
                          unit->calls->registers_size);
    qemu_add_vm_change_state_handler(run_state_changed, unit);
}

/* The unit itself says when that changes what its devices see. */
void unit_device_reset(struct unit_device* unit) {
    messages_drop(&unit->messages);
    qatomic_set(&unit->work_announced, false);
    unit->calls->reset(unit->handle);
}

/* Migration */

/* The interrupt controllers are saved after us: what waits for the main loop becomes their state. */
void unit_device_save(struct unit_device* unit, uint64_t* words) {
    messages_flush(&unit->messages);
    unit->calls->save(unit->handle, words);
}

int unit_device_load(struct unit_device* unit, const uint64_t* words) {
    char why[UNIT_WHY_SIZE] = "";

    if (!unit->calls->load(unit->handle, words, why, sizeof why)) {
        error_report("%s cannot take over the state of the other machine: %s", unit->calls->name, why);
        return -EINVAL;
    }
    return 0;
}
