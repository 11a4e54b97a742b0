// SPDX-License-Identifier: GPL-2.0-or-later
#include "smmuv3-nested/interrupts.h"

#include "iommu/address.h"

namespace smmuv3 {

using iommu::Pulse;
using iommu::SendMsi;

// Message addresses end at the output size; what is above is ignored.
std::uint64_t Signals::in_range(std::uint64_t address) const {
    return address & iommu::low_bits(capabilities_.output_bits());
}

bool Signals::active(std::uint32_t bit, const RegisterFile& registers) {
    return ((registers.get<GERROR>().raw() ^ registers.get<GERRORN>().raw()) & bit) != 0;
}

Effects Signals::event_queue(const RegisterFile& registers) const {
    Effects effects;
    if (registers.get<IRQ_CTRL>().get<IRQ_CTRL::EVENTQ_IRQEN>() == 0) return effects;
    const std::uint64_t address = registers.get<EVENTQ_IRQ_CFG0>().in_place<EVENTQ_IRQ_CFG0::ADDR>();
    if (capabilities_.msi != 0 && address != 0) {
        effects.add(
            SendMsi{in_range(address), registers.get<EVENTQ_IRQ_CFG1>().raw(), GERROR::MSI_EVENTQ_ABT_ERR::mask});
    }
    effects.add(Pulse{static_cast<unsigned>(Line::EventQueue)});
    return effects;
}

// [SMMU G.b s6.3.36]
Effects Signals::page_request_queue(bool last, bool was_empty, const RegisterFile& registers) const {
    const bool last_only = registers.get<PRIQ_IRQ_CFG2>().get<PRIQ_IRQ_CFG2::LO>() != 0;
    Effects effects;
    if (registers.get<IRQ_CTRL>().get<IRQ_CTRL::PRIQ_IRQEN>() == 0) return effects;
    if (!(last_only ? last : was_empty)) return effects;
    const std::uint64_t address = registers.get<PRIQ_IRQ_CFG0>().in_place<PRIQ_IRQ_CFG0::ADDR>();
    if (capabilities_.msi != 0 && address != 0) {
        effects.add(SendMsi{in_range(address), registers.get<PRIQ_IRQ_CFG1>().raw(), GERROR::MSI_PRIQ_ABT_ERR::mask});
    }
    effects.add(Pulse{static_cast<unsigned>(Line::PriQueue)});
    return effects;
}

Effects Signals::global_errors(std::uint32_t bits, RegisterFile& registers) const {
    const std::uint32_t state = registers.get<GERROR>().raw();
    const std::uint32_t now_active = state ^ registers.get<GERRORN>().raw();
    const std::uint32_t activated = bits & ~now_active;
    registers.set(Value<GERROR>{state ^ activated});
    Effects effects;
    // A message that could not be sent does not announce itself by a message.
    const bool announce = (activated & ~static_cast<std::uint32_t>(GERROR::MSI_GERROR_ABT_ERR::mask)) != 0;
    if (!announce || registers.get<IRQ_CTRL>().get<IRQ_CTRL::GERROR_IRQEN>() == 0) return effects;
    const std::uint64_t address = registers.get<GERROR_IRQ_CFG0>().in_place<GERROR_IRQ_CFG0::ADDR>();
    if (capabilities_.msi != 0 && address != 0) {
        effects.add(
            SendMsi{in_range(address), registers.get<GERROR_IRQ_CFG1>().raw(), GERROR::MSI_GERROR_ABT_ERR::mask});
    }
    effects.add(Pulse{static_cast<unsigned>(Line::GlobalError)});
    return effects;
}

Effects Signals::command_sync(std::uint64_t address, std::uint32_t data) const {
    Effects effects;
    if (capabilities_.msi != 0 && address != 0) {
        effects.add(SendMsi{in_range(address), data, GERROR::MSI_CMDQ_ABT_ERR::mask});
    }
    effects.add(Pulse{static_cast<unsigned>(Line::CommandSync)});
    return effects;
}

}  // namespace smmuv3
