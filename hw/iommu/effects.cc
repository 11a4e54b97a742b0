// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/effects.h"

#include <utility>

namespace iommu {

namespace {

struct Performer {
    GuestMemory& memory;
    const Ports& ports;

    void operator()(const Unmap& effect) const { ports.listeners.unmap(effect.range); }
    // The address was RAM when the command was accepted; if it has gone since, so has the waiter.
    void operator()(const StoreStatus& effect) const { memory.store32(effect.address, effect.data); }
    void operator()(const SendMsi& effect) const { ports.interrupts.send_msi(effect.address, effect.data); }
    void operator()(const GateChanged& effect) const { ports.listeners.gate_changed(effect.translating); }
    void operator()(const Kick&) const { ports.clock.kick(); }
    void operator()(const TraceLine& effect) const { ports.trace.line(effect.trace_class, effect.text); }
};

}  // namespace

void Effects::add(Effect effect) { list_.push_back(std::move(effect)); }

void Effects::append(Effects other) {
    for (Effect& effect : other.list_)
        add(std::move(effect));
}

void perform(const Effects& effects, GuestMemory& memory, const Ports& ports) {
    for (const Effect& effect : effects.list())
        std::visit(Performer{memory, ports}, effect);
}

}  // namespace iommu
