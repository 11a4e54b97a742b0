// SPDX-License-Identifier: GPL-2.0-or-later
//
// events: the unit's own interrupts. [VTD 5.10 s7.3, s7.5, s11.4.7.2-5, s11.4.9.5-8, s11.4.11.5-8]
//
// An event has four registers: control (IM, IP), data, address, upper address. A cause makes it pending; pending and
// not masked, it is sent as a message and is not pending any more. Unmasking sends what is pending; when software has
// cleared every status bit the event stands for, nothing is pending.
#ifndef VTD_NESTED_EVENTS_H
#define VTD_NESTED_EVENTS_H

#include "iommu/effects.h"
#include "iommu/register_file.h"
#include "vtd-nested/spec/registers.h"

namespace vtd {

using iommu::Effects;
using iommu::RegisterFile;

enum class Event : std::uint8_t { Fault, InvalidationCompletion, PageRequest };

[[nodiscard]] Effects raise(Event event, RegisterFile& registers);
// After a write to the control register.
[[nodiscard]] Effects control_written(Event event, RegisterFile& registers);
// No cause is left.
void settle(Event event, RegisterFile& registers);

}  // namespace vtd

#endif  // VTD_NESTED_EVENTS_H
