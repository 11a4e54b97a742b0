/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ats: see the header.
 */
#include "hw/qemu/ats.h"

#include "hw/pci/pci_bus.h"
#include "hw/qemu/unit-device.h"
#include "qemu/module.h"

/* The device's side */

/* A PCI device's address space belongs to the unit that made it. */
static struct unit_device* unit_of(PCIDevice* device) {
    AddressSpace* as = pci_device_iommu_address_space(device);
    Object* owner = as == &address_space_memory ? NULL : memory_region_owner(as->root);
    Object* agent = owner ? object_dynamic_cast(owner, TYPE_ATS_AGENT) : NULL;

    return agent ? ATS_AGENT_GET_CLASS(agent)->unit(agent) : NULL;
}

bool ats_has_unit(PCIDevice* device) { return unit_of(device) != NULL; }

uint32_t ats_requester(PCIDevice* device) { return pci_requester_id(device); }

void ats_translate(PCIDevice* device, const struct iommu_request* request, struct iommu_reply* reply) {
    struct unit_device* unit = unit_of(device);

    if (!unit) {
        *reply = (struct iommu_reply){.outcome = IOMMU_BLOCKED};
        return;
    }
    unit->calls->translate(unit->handle, request, reply);
}

void ats_translation_request(PCIDevice* device, const struct iommu_request* request,
                             struct iommu_translation_completion* completion) {
    struct unit_device* unit = unit_of(device);

    if (!unit) {
        *completion = (struct iommu_translation_completion){.status = IOMMU_COMPLETION_UNSUPPORTED_REQUEST};
        return;
    }
    unit->calls->translation_request(unit->handle, request, completion);
}

void ats_invalidate_completed(PCIDevice* device, const struct iommu_invalidate_completion* completion) {
    struct unit_device* unit = unit_of(device);

    if (unit) {
        unit->calls->invalidate_completed(unit->handle, completion);
    }
}

void ats_page_request(PCIDevice* device, const struct iommu_page_request* request) {
    struct unit_device* unit = unit_of(device);

    if (unit) {
        unit->calls->page_request(unit->handle, request);
    }
}

/* The unit's side */

/* An SMMU's StreamIDs may be wider than a requester id; nobody has those. */
static PCIDevice* device_of(struct unit_device* unit, uint32_t requester) {
    if (requester > UINT16_MAX) {
        return NULL;
    }
    return pci_find_device(unit->spaces.root_bus, PCI_BUS_NUM(requester), requester & 0xff);
}

void ats_send_invalidate(struct unit_device* unit, const struct iommu_invalidate_request* request) {
    const struct iommu_unmap unmap = {.requester = request->requester, .first = request->first, .last = request->last};
    const struct iommu_invalidate_completion answer = {
        .requester = request->requester, .itag_vector = 1u << request->itag, .count = 1};
    PCIDevice* device = device_of(unit, request->requester);
    Object* ats = device ? object_dynamic_cast(OBJECT(device), TYPE_ATS_DEVICE) : NULL;

    if (ats) {
        ATS_DEVICE_GET_CLASS(ats)->invalidate(ats, request);
    } else if (device) {
        spaces_unmap(&unit->spaces, &unmap);
        unit->calls->invalidate_completed(unit->handle, &answer);
    }
}

void ats_send_response(struct unit_device* unit, const struct iommu_page_response* response) {
    PCIDevice* device = device_of(unit, response->requester);
    Object* ats = device ? object_dynamic_cast(OBJECT(device), TYPE_ATS_DEVICE) : NULL;

    if (ats) {
        ATS_DEVICE_GET_CLASS(ats)->respond(ats, response);
    }
}

void ats_send_resume(struct unit_device* unit, uint32_t requester, uint16_t stall_tag, unsigned action) {
    PCIDevice* device = device_of(unit, requester);
    Object* ats = device ? object_dynamic_cast(OBJECT(device), TYPE_ATS_DEVICE) : NULL;

    if (ats) {
        ATS_DEVICE_GET_CLASS(ats)->resume(ats, stall_tag, action);
    }
}

/* Types */

static const TypeInfo device_info = {
    .name = TYPE_ATS_DEVICE,
    .parent = TYPE_INTERFACE,
    .class_size = sizeof(ats_device_class),
};

static const TypeInfo agent_info = {
    .name = TYPE_ATS_AGENT,
    .parent = TYPE_INTERFACE,
    .class_size = sizeof(ats_agent_class),
};

static void register_types(void) {
    type_register_static(&device_info);
    type_register_static(&agent_info);
}

type_init(register_types)
