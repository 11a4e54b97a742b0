/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ats: how a device with translations of its own (ATS, PRI, PASID) and the unit in front of it talk to each other.
 *
 * QEMU's own notifiers cannot answer, so nothing behind them can be late or wrong. Here both sides are QOM interfaces:
 *
 *     nested-iommu-ats-device   implemented by a PCI device: messages of a unit arrive here
 *     nested-iommu-ats-agent    implemented by a unit's device: says which unit_device it is
 *
 * A device asks its unit by the functions below, which find the unit through the device's address space. Devices that
 * only know QEMU's notifiers are told through these and count as having answered.
 *
 * All of it runs under the big lock, but for translations, which may come from any thread. A unit calls a device with
 * no lock of its own held, so that the device may call the unit from inside.
 */
#ifndef NESTED_IOMMU_QEMU_ATS_H
#define NESTED_IOMMU_QEMU_ATS_H

#include "hw/qemu/compat.h"

#include "hw/pci/pci_device.h"
#include "iommu/capi.h"
#include "qom/object.h"

struct unit_device;

/* ---- The device's side */

#define TYPE_ATS_DEVICE "nested-iommu-ats-device"
typedef struct ats_device_class {
    InterfaceClass parent;
    /* Answer by ats_invalidate_completed(): at once, later, or never. */
    void (*invalidate)(Object* device, const struct iommu_invalidate_request* request);
    void (*respond)(Object* device, const struct iommu_page_response* response);
    /* Software decided about a stalled transaction; `action` is enum iommu_stall_action. */
    void (*resume)(Object* device, uint16_t stall_tag, unsigned action);
    /* Whether the guest is to be told that it can be stalled. */
    bool (*can_stall)(Object* device);
} ats_device_class;
DECLARE_CLASS_CHECKERS(ats_device_class, ATS_DEVICE, TYPE_ATS_DEVICE)

/* Whether one of our units is in front of the device. Without one the other functions do nothing, and answer as a root
 * complex without ATS does: unsupported. */
bool ats_has_unit(PCIDevice* device);
/* The device's id as the unit knows it. */
uint32_t ats_requester(PCIDevice* device);
/* `request->requester` is the caller's: a device that lies may say another's. Caller: in an RCU read section until the
 * answer was used. */
void ats_translate(PCIDevice* device, const struct iommu_request* request, struct iommu_reply* reply);
void ats_translation_request(PCIDevice* device, const struct iommu_request* request,
                             struct iommu_translation_completion* completion);
void ats_invalidate_completed(PCIDevice* device, const struct iommu_invalidate_completion* completion);
void ats_page_request(PCIDevice* device, const struct iommu_page_request* request);

/* ---- The unit's side */

#define TYPE_ATS_AGENT "nested-iommu-ats-agent"
typedef struct ats_agent_class {
    InterfaceClass parent;
    struct unit_device* (*unit)(Object* agent);
} ats_agent_class;
DECLARE_CLASS_CHECKERS(ats_agent_class, ATS_AGENT, TYPE_ATS_AGENT)

/* Messages to the device with this id. An Invalidate Request to a device that knows QEMU's notifiers only is answered
 * here; one to nobody is not. */
void ats_send_invalidate(struct unit_device* unit, const struct iommu_invalidate_request* request);
void ats_send_response(struct unit_device* unit, const struct iommu_page_response* response);
void ats_send_resume(struct unit_device* unit, uint32_t requester, uint16_t stall_tag, unsigned action);

#endif /* NESTED_IOMMU_QEMU_ATS_H */
