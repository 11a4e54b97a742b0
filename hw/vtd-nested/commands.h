// SPDX-License-Identifier: GPL-2.0-or-later
//
// commands: what an invalidation descriptor, or a write to CCMD or IOTLB, asks for. [VTD 5.10 s6.5]
//
// `decode` checks a descriptor once and for all - type, mode, capability, every reserved bit, granularity - and plans
// it; what comes out can be carried out without another look. Nothing here changes anything.
#ifndef VTD_NESTED_COMMANDS_H
#define VTD_NESTED_COMMANDS_H

#include <optional>
#include <variant>

#include "iommu/endpoint_protocol.h"
#include "iommu/guest_ring.h"
#include "iommu/invalidation.h"
#include "vtd-nested/capabilities.h"
#include "vtd-nested/resolve.h"
#include "vtd-nested/spec/descriptors.h"

namespace vtd {

using iommu::Invalidation;
using iommu::Words;

// Invalidation Wait, checked.
struct Wait {
    bool interrupt = false;            // IF
    std::optional<Pa> status_address;  // SW
    std::uint32_t status_data = 0;
    bool fence = false;  // FN
};

// Device-TLB Invalidate, checked: an Invalidate Request, but for the ITag.
struct DeviceInvalidation {
    iommu::InvalidateRequest request;
    iommu::RequesterId function;  // whose open requests MIP limits: PFSID, or without DIT the device's own id
    unsigned limit = iommu::InvalidateTracker::kTags;
};

using Command = std::variant<Invalidation, Wait, DeviceInvalidation, iommu::PageGroupResponse>;

// What decides which descriptors are legal.
struct CommandContext {
    const Capabilities& capabilities;
    TranslationTableMode mode;  // as latched
};

[[nodiscard]] Result<Command, IQEI> decode(const Words<4>& words, const CommandContext& context);

// The queue as IQA describes it.
[[nodiscard]] iommu::GuestRing queue_ring(Value<IQA> iqa);
// What can be wrong with the queue before a descriptor is fetched. [VTD 5.10 s11.4.9.9]
[[nodiscard]] std::optional<IQEI> queue_error(Value<IQA> iqa, Value<IQT> iqt, const CommandContext& context);

// A request by register, and the granularity that it is answered with; nothing when it is refused.
struct RegisterCommand {
    Invalidation invalidation;
    std::uint8_t actual_granularity = 0;
};
[[nodiscard]] std::optional<RegisterCommand> plan(Value<CCMD> ccmd, const Capabilities& capabilities);
[[nodiscard]] std::optional<RegisterCommand> plan(Value<IOTLB_REG> iotlb, Value<IVA> iva,
                                                  const Capabilities& capabilities);

// One line for traces, from the layout: "IotlbInvalidate G=3 DID=0x2 ...".
[[nodiscard]] std::string describe_descriptor(const Words<4>& words);

}  // namespace vtd

#endif  // VTD_NESTED_COMMANDS_H
