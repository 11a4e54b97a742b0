// SPDX-License-Identifier: GPL-2.0-or-later
//
// effects: what one step of a unit does to the world outside, in order.
//
// A step runs under the unit's lock and only decides; what leaves the unit is listed here and performed after the lock
// is released. Order is kept: holders of translations have forgotten them before the status word that says so is
// written, and the status word is in memory before the interrupt that announces it.
#ifndef IOMMU_EFFECTS_H
#define IOMMU_EFFECTS_H

#include <string>
#include <variant>
#include <vector>

#include "iommu/guest_memory.h"
#include "iommu/ports.h"

namespace iommu {

// Tell holders of translations.
struct Unmap {
    IovaRange range;
};
// Store a completion word.
struct StoreStatus {
    Pa address;
    std::uint32_t data = 0;
};
struct SendMsi {
    std::uint64_t address = 0;
    std::uint32_t data = 0;
    std::uint32_t abort_bit = 0;  // the unit's own mark for a message that ends in nothing
};
// An edge on one of the unit's wired interrupts.
struct Pulse {
    unsigned line = 0;
};
// Go on with a stalled request, or end it.
struct ResumeStalled {
    RequesterId requester;
    std::uint16_t stall_tag = 0;
    StallAction action = StallAction::Abort;
};
// A message to a device, which may answer.
struct SendInvalidate {
    InvalidateRequest request;
};
struct SendResponse {
    PageGroupResponse response;
};
// Something is waited for until another time than before.
struct DeadlineChanged {};
struct GateChanged {
    bool translating = false;
};
// More work is left than one step may do.
struct Kick {};
struct TraceLine {
    TraceClass trace_class = TraceClass::Fault;
    std::string text;
};

using Effect = std::variant<Unmap, StoreStatus, SendMsi, Pulse, ResumeStalled, SendInvalidate, SendResponse,
                            DeadlineChanged, GateChanged, Kick, TraceLine>;

class Effects {
  public:
    void add(Effect effect);
    void append(Effects other);
    [[nodiscard]] const std::vector<Effect>& list() const { return list_; }
    [[nodiscard]] bool empty() const { return list_.empty(); }
    // What may wait until more commands are carried out: nobody else can tell.
    [[nodiscard]] bool only_unmaps() const;

  private:
    std::vector<Effect> list_;  // a step is bounded, and so is this
};

// DeadlineChanged, if it is another one now.
[[nodiscard]] Effects deadline_moved(std::uint64_t before_ns, std::uint64_t now_ns);

// With no lock held. Returns the abort bits of messages that ended in nothing, or-ed.
std::uint32_t perform(const Effects& effects, GuestMemory& memory, const Ports& ports);

}  // namespace iommu

#endif  // IOMMU_EFFECTS_H
