// SPDX-License-Identifier: GPL-2.0-or-later
#include "vtd-nested/events.h"

#include "vtd-nested/spec/page_request.h"

namespace vtd {

namespace {

// The registers of an event; all events have them in the same layouts.
struct EventRegisters {
    std::uint16_t control;
    std::uint16_t data;
    std::uint16_t address;
    std::uint16_t upper_address;
};

EventRegisters registers_of(Event event) {
    switch (event) {
        case Event::Fault: return {FECTL::offset, FEDATA::offset, FEADDR::offset, FEUADDR::offset};
        case Event::InvalidationCompletion: return {IECTL::offset, IEDATA::offset, IEADDR::offset, IEUADDR::offset};
        case Event::PageRequest: return {PECTL::offset, PEDATA::offset, PEADDR::offset, PEUADDR::offset};
    }
    return {};
}

Effects send_if_due(Event event, RegisterFile& registers) {
    const EventRegisters at = registers_of(event);
    const auto control = registers.get<FECTL>(at.control);
    Effects effects;
    if (control.get<FECTL::IP>() == 0 || control.get<FECTL::IM>() != 0) return effects;
    registers.set(control.with<FECTL::IP>(0), at.control);
    const std::uint64_t upper = registers.get<FEUADDR>(at.upper_address).raw();
    effects.add(
        iommu::SendMsi{upper << 32 | registers.get<FEADDR>(at.address).raw(), registers.get<FEDATA>(at.data).raw()});
    return effects;
}

}  // namespace

Effects raise(Event event, RegisterFile& registers) {
    const EventRegisters at = registers_of(event);
    registers.set(registers.get<FECTL>(at.control).with<FECTL::IP>(1), at.control);
    return send_if_due(event, registers);
}

Effects control_written(Event event, RegisterFile& registers) { return send_if_due(event, registers); }

void settle(Event event, RegisterFile& registers) {
    const EventRegisters at = registers_of(event);
    registers.set(registers.get<FECTL>(at.control).with<FECTL::IP>(0), at.control);
}

}  // namespace vtd
