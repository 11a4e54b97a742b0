// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/effects.h"

#include <algorithm>
#include <utility>

namespace iommu {

namespace {

struct Performer {
    GuestMemory& memory;
    const Ports& ports;
    std::uint32_t aborted = 0;

    void operator()(const Unmap& effect) { ports.listeners.unmap(effect.range); }
    // The address was RAM when the command was accepted; if it has gone since, so has the waiter.
    void operator()(const StoreStatus& effect) { memory.store32(effect.address, effect.data); }
    void operator()(const SendMsi& effect) {
        if (!ports.interrupts.send_msi(effect.address, effect.data)) aborted |= effect.abort_bit;
    }
    void operator()(const Pulse& effect) { ports.interrupts.pulse(effect.line); }
    void operator()(const ResumeStalled& effect) {
        ports.endpoints.resume(effect.requester, effect.stall_tag, effect.action);
    }
    void operator()(const SendInvalidate& effect) { ports.endpoints.invalidate(effect.request); }
    void operator()(const SendResponse& effect) { ports.endpoints.respond(effect.response); }
    void operator()(const DeadlineChanged&) { ports.clock.deadline_changed(); }
    void operator()(const GateChanged& effect) { ports.listeners.gate_changed(effect.translating); }
    void operator()(const Kick&) { ports.clock.kick(); }
    void operator()(const TraceLine& effect) { ports.trace.line(effect.trace_class, effect.text); }
};

}  // namespace

void Effects::add(Effect effect) { list_.push_back(std::move(effect)); }

void Effects::append(Effects other) {
    if (list_.empty()) {
        list_ = std::move(other.list_);
        return;
    }
    for (Effect& effect : other.list_)
        add(std::move(effect));
}

bool Effects::only_unmaps() const {
    return std::all_of(list_.begin(), list_.end(),
                       [](const Effect& effect) { return std::holds_alternative<Unmap>(effect); });
}

Effects deadline_moved(std::uint64_t before_ns, std::uint64_t now_ns) {
    Effects effects;
    if (now_ns != before_ns) effects.add(DeadlineChanged{});
    return effects;
}

std::uint32_t perform(const Effects& effects, GuestMemory& memory, const Ports& ports) {
    Performer performer{memory, ports};
    for (const Effect& effect : effects.list())
        std::visit(performer, effect);
    return performer.aborted;
}

}  // namespace iommu
