/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu-shim: the device type; see the header.
 */
#include "hw/ats-endpoint/qemu-shim.h"

#include "hw/pci/msix.h"
#include "hw/pci/pcie.h"
#include "hw/qemu/ats.h"
#include "hw/resettable.h"
#include "migration/vmstate.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/module.h"
#include "qemu/rcu.h"

#define REGISTERS_BAR 0

/* Ports: the unit in front */

/* Software can unplug the device by what the device does, in the midst of a step; then ports do nothing. */
static bool is_gone(const struct endpoint_device* device) { return !device->continue_bh; }

static uint32_t port_requester(void* opaque) { return is_gone(opaque) ? 0 : ats_requester(opaque); }

static bool port_translate(void* opaque, const struct iommu_request* request, struct iommu_reply* reply) {
    if (!ats_has_unit(opaque)) {
        return false;
    }
    ats_translate(opaque, request, reply);
    return true;
}

static void port_translation_request(void* opaque, const struct iommu_request* request,
                                     struct iommu_translation_completion* completion) {
    ats_translation_request(opaque, request, completion);
}

static void port_page_request(void* opaque, const struct iommu_page_request* request) {
    ats_page_request(opaque, request);
}

static void port_invalidate_completed(void* opaque, const struct iommu_invalidate_completion* completion) {
    ats_invalidate_completed(opaque, completion);
}

/* Ports: memory */

static AddressSpace* space_of(PCIDevice* pci, uint32_t space) {
    return space == ATS_ENDPOINT_PHYSICAL ? &address_space_memory : pci_get_address_space(pci);
}

static bool port_read(void* opaque, uint32_t space, uint64_t address, void* to, size_t bytes) {
    return address_space_read(space_of(opaque, space), address, MEMTXATTRS_UNSPECIFIED, to, bytes) == MEMTX_OK;
}

static bool port_write(void* opaque, uint32_t space, uint64_t address, const void* from, size_t bytes) {
    return address_space_write(space_of(opaque, space), address, MEMTXATTRS_UNSPECIFIED, from, bytes) == MEMTX_OK;
}

static uint64_t exchange(void* host, unsigned bytes, uint64_t expected, uint64_t desired) {
    if (bytes == 4) {
        return le32_to_cpu(qatomic_cmpxchg((uint32_t*)host, cpu_to_le32(expected), cpu_to_le32(desired)));
    }
    return le64_to_cpu(qatomic_cmpxchg((uint64_t*)host, cpu_to_le64(expected), cpu_to_le64(desired)));
}

/*
 * Atomic for the processors too, and so for RAM alone: for anything else, and for what may not be written, the map is
 * of a buffer that the memory never sees.
 */
static bool port_compare_exchange(void* opaque, uint32_t space, uint64_t address, unsigned bytes, uint64_t expected,
                                  uint64_t desired, uint64_t* found) {
    AddressSpace* as = space_of(opaque, space);
    hwaddr length = bytes;
    void* host = address_space_map(as, address, &length, true, MEMTXATTRS_UNSPECIFIED);
    ram_addr_t unused;
    const bool whole = host && length == bytes && memory_region_from_host(host, &unused);

    if (whole) {
        *found = exchange(host, bytes, expected, desired);
    }
    if (host) {
        address_space_unmap(as, host, length, true, whole ? bytes : 0);
    }
    return whole;
}

/* Ports: the rest */

static void port_msix(void* opaque, unsigned vector) {
    if (vector < ATS_ENDPOINT_VECTORS && !is_gone(opaque)) {
        msix_notify(opaque, vector);
    }
}

static uint64_t port_now_ns(void* opaque) { return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL); }

static void port_kick(void* opaque) {
    struct endpoint_device* device = opaque;

    if (!is_gone(device)) {
        device->work_announced = true;
        qemu_bh_schedule(device->continue_bh);
    }
}

static void port_deadline_changed(void* opaque) {
    struct endpoint_device* device = opaque;
    const uint64_t deadline = ats_endpoint_deadline(device->core);

    if (is_gone(device)) {
        return;
    }
    if (deadline == IOMMU_NEVER) {
        timer_del(device->deadline);
    } else {
        timer_mod(device->deadline, MIN(deadline, INT64_MAX));
    }
}

static void port_pri_status_changed(void* opaque) {
    if (!is_gone(opaque)) {
        endpoint_config_show_status(opaque);
    }
}

static bool create_core(struct endpoint_device* device, Error** errp) {
    const struct ats_endpoint_options options = {
        .size = sizeof options,
        .atc_entries = device->settings.atc_entries,
        .answer_delay_ns = device->settings.answer_delay_ns,
        .personality = device->personality,
    };
    const struct ats_endpoint_ports ports = {
        .size = sizeof ports,
        .opaque = device,
        .requester = port_requester,
        .translate = port_translate,
        .translation_request = port_translation_request,
        .page_request = port_page_request,
        .invalidate_completed = port_invalidate_completed,
        .read = port_read,
        .write = port_write,
        .compare_exchange = port_compare_exchange,
        .msix = port_msix,
        .now_ns = port_now_ns,
        .kick = port_kick,
        .deadline_changed = port_deadline_changed,
        .pri_status_changed = port_pri_status_changed,
    };
    char why[ATS_ENDPOINT_WHY_SIZE] = "";

    device->core = ats_endpoint_create(&options, &ports, why, sizeof why);
    if (!device->core) {
        error_setg(errp, "%s", why);
    }
    return device->core;
}

/* BAR 0 */

static uint64_t bar_read(void* opaque, hwaddr offset, unsigned size) {
    struct endpoint_device* device = opaque;

    return ats_endpoint_read(device->core, offset, size);
}

static void bar_write(void* opaque, hwaddr offset, uint64_t value, unsigned size) {
    struct endpoint_device* device = opaque;

    ats_endpoint_write(device->core, offset, value, size);
}

/* All sizes are let through as they come: which of them mean something is the core's business. */
static const MemoryRegionOps bar_ops = {
    .read = bar_read,
    .write = bar_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 8},
    .impl = {.min_access_size = 1, .max_access_size = 8},
};

/* Work */

/* A stopped machine's memory must not change: the work waits until it runs. */
static void continue_work(void* opaque) {
    struct endpoint_device* device = opaque;
    RCU_READ_LOCK_GUARD();

    if (device->work_announced && runstate_is_running()) {
        device->work_announced = false;
        object_ref(device);
        ats_endpoint_continue(device->core);
        object_unref(device);
    }
}

static void deadline_passed(void* opaque) {
    struct endpoint_device* device = opaque;
    RCU_READ_LOCK_GUARD();

    object_ref(device);
    ats_endpoint_tick(device->core);
    object_unref(device);
}

static void run_state_changed(void* opaque, bool running, RunState state) {
    struct endpoint_device* device = opaque;

    if (running) {
        qemu_bh_schedule(device->continue_bh);
    }
}

/* Life */

static void realize(PCIDevice* pci, Error** errp) {
    struct endpoint_device* device = ATS_ENDPOINT(pci);

    if (!endpoint_properties_check(device, errp) || !create_core(device, errp)) {
        return;
    }
    device->continue_bh = qemu_bh_new_guarded(continue_work, device, &DEVICE(device)->mem_reentrancy_guard);
    device->deadline = timer_new_ns(QEMU_CLOCK_VIRTUAL, deadline_passed, device);
    if (!endpoint_config_init(device, errp)) {
        qemu_bh_delete(device->continue_bh);
        device->continue_bh = NULL;
        timer_free(device->deadline);
        ats_endpoint_destroy(device->core);
        device->core = NULL;
        return;
    }
    device->run_state = qemu_add_vm_change_state_handler(run_state_changed, device);
    memory_region_init_io(&device->bar, OBJECT(device), &bar_ops, device, TYPE_ATS_ENDPOINT, ATS_ENDPOINT_BAR_SIZE);
    pci_register_bar(pci, REGISTERS_BAR, PCI_BASE_ADDRESS_SPACE_MEMORY, &device->bar);
    endpoint_properties_add_registers(device);
    endpoint_config_reset(device);
}

/* Perhaps from inside a step of the core, which therefore lives until nobody uses the device. */
static void unrealize(PCIDevice* pci) {
    struct endpoint_device* device = ATS_ENDPOINT(pci);

    ats_endpoint_reset(device->core);
    qemu_del_vm_change_state_handler(device->run_state);
    timer_free(device->deadline);
    device->deadline = NULL;
    qemu_bh_delete(device->continue_bh);
    device->continue_bh = NULL;
    pcie_cap_exit(pci);
    msix_uninit_exclusive_bar(pci);
}

static void instance_finalize(Object* object) {
    struct endpoint_device* device = ATS_ENDPOINT(object);

    if (device->core) {
        ats_endpoint_destroy(device->core);
    }
}

/* Also a Function Level Reset. QEMU itself resets the rest of configuration space afterwards. */
static void reset_hold(Object* object, ResetType type) {
    struct endpoint_device* device = ATS_ENDPOINT(object);

    device->work_announced = false;
    ats_endpoint_reset(device->core);
    endpoint_config_reset(device);
}

/* Migration */

static int save(void* opaque) {
    struct endpoint_device* device = opaque;

    ats_endpoint_save(device->core, device->state);
    return 0;
}

static int load(void* opaque, int version) {
    struct endpoint_device* device = opaque;
    char why[ATS_ENDPOINT_WHY_SIZE] = "";

    if (!ats_endpoint_load(device->core, device->state, why, sizeof why)) {
        error_report("ats-endpoint cannot take over the state of the other machine: %s", why);
        return -EINVAL;
    }
    endpoint_config_tell(device);
    endpoint_config_show_status(device);
    return 0;
}

static const VMStateDescription migration = {
    .name = TYPE_ATS_ENDPOINT,
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = save,
    .post_load = load,
    .fields =
        (const VMStateField[]){
            VMSTATE_PCI_DEVICE(parent, struct endpoint_device),
            VMSTATE_MSIX(parent, struct endpoint_device),
            VMSTATE_UINT64_ARRAY(state, struct endpoint_device, ATS_ENDPOINT_STATE_WORDS),
            VMSTATE_END_OF_LIST(),
        },
};

/* Messages of the unit */

static void invalidate(Object* object, const struct iommu_invalidate_request* request) {
    object_ref(object);
    ats_endpoint_invalidate(ATS_ENDPOINT(object)->core, request);
    object_unref(object);
}

static void respond(Object* object, const struct iommu_page_response* response) {
    object_ref(object);
    ats_endpoint_respond(ATS_ENDPOINT(object)->core, response);
    object_unref(object);
}

static void resume(Object* object, uint16_t stall_tag, unsigned action) {
    object_ref(object);
    ats_endpoint_resume(ATS_ENDPOINT(object)->core, stall_tag, action);
    object_unref(object);
}

static bool can_stall(Object* object) { return ATS_ENDPOINT(object)->settings.can_stall; }

/* Type */

static void instance_init(Object* object) { endpoint_properties_init(ATS_ENDPOINT(object)); }

static void class_init(ObjectClass* class, class_init_data* data) {
    DeviceClass* device_class = DEVICE_CLASS(class);
    PCIDeviceClass* pci_class = PCI_DEVICE_CLASS(class);
    ats_device_class* ats_class = ATS_DEVICE_CLASS(class);

    pci_class->realize = realize;
    pci_class->exit = unrealize;
    pci_class->config_read = endpoint_config_read;
    pci_class->config_write = endpoint_config_write;
    pci_class->vendor_id = ATS_ENDPOINT_VENDOR;
    pci_class->device_id = ATS_ENDPOINT_DEVICE;
    pci_class->revision = ATS_ENDPOINT_REVISION;
    pci_class->class_id = PCI_CLASS_OTHERS;
    ats_class->invalidate = invalidate;
    ats_class->respond = respond;
    ats_class->resume = resume;
    ats_class->can_stall = can_stall;
    device_class->desc = "PCIe endpoint with ATS, PRI and PASID that misbehaves on request";
    device_class->vmsd = &migration;
    set_bit(DEVICE_CATEGORY_MISC, device_class->categories);
    RESETTABLE_CLASS(class)->phases.hold = reset_hold;
    endpoint_properties_add(device_class);
}

static void ioat_instance_init(Object* object) { ATS_ENDPOINT(object)->personality = ATS_ENDPOINT_IOAT; }

static void ioat_class_init(ObjectClass* class, class_init_data* data) {
    PCIDeviceClass* pci_class = PCI_DEVICE_CLASS(class);

    pci_class->vendor_id = PCI_VENDOR_ID_INTEL;
    pci_class->device_id = ATS_ENDPOINT_IOAT_DEVICE;
    pci_class->class_id = PCI_CLASS_SYSTEM_OTHER;
    DEVICE_CLASS(class)->desc = "ats-endpoint with one channel of Intel's DMA engine as its registers";
}

static const TypeInfo device_info = {
    .name = TYPE_ATS_ENDPOINT,
    .parent = TYPE_PCI_DEVICE,
    .instance_size = sizeof(struct endpoint_device),
    .instance_init = instance_init,
    .instance_finalize = instance_finalize,
    .class_init = class_init,
    .interfaces = (InterfaceInfo[]){{INTERFACE_PCIE_DEVICE}, {TYPE_ATS_DEVICE}, {}},
};

static const TypeInfo ioat_info = {
    .name = TYPE_ATS_ENDPOINT_IOAT,
    .parent = TYPE_ATS_ENDPOINT,
    .instance_init = ioat_instance_init,
    .class_init = ioat_class_init,
};

static void register_types(void) {
    type_register_static(&device_info);
    type_register_static(&ioat_info);
}

type_init(register_types)
