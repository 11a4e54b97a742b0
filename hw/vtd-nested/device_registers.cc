// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a write to a register means. Called with the lock held; what leaves the unit is returned.
#include "vtd-nested/device.h"
#include "vtd-nested/spec/page_request.h"
#include "vtd-nested/trace.h"

namespace vtd {

using iommu::RegisterWrite;
using iommu::TraceClass;
using iommu::TraceLine;

namespace {

// Writes after which there may be queue work: the conditions for fetching are a level. [VTD 5.10 s6.5.2]
bool may_start_queue(std::uint32_t offset) {
    return offset == GCMD::offset || offset == IQT::offset || offset == IQA::offset || offset == FSTS::offset;
}

// Writes that may begin an invalidation by register.
bool is_register_command(std::uint32_t offset) {
    return offset == CCMD::offset || offset == kIvaOffset + IOTLB_REG::relative_offset;
}

bool in_fault_records(std::uint32_t offset) { return offset >= kFrcdOffset; }

}  // namespace

std::uint64_t Unit::read(std::uint64_t offset, unsigned size) const {
    const std::lock_guard lock(mutex_);
    return registers_.read(offset, size);
}

void Unit::write(std::uint64_t offset, std::uint64_t value, unsigned size) {
    if (registers_.splits(offset, size)) {
        write(offset, value & 0xffffffff, 4);  // the low half
        write(offset + 4, value >> 32, 4);
        return;
    }
    std::unique_lock lock(mutex_);
    const auto write = registers_.write(offset, size, value);
    if (!write) return;
    Effects effects;
    if (traces(TraceClass::Register)) {
        effects.add(TraceLine{TraceClass::Register, register_line(registers_.spec(write->offset), write->written)});
    }
    effects.append(written(*write));
    const bool queue = may_start_queue(write->offset);
    if (queue && effects.empty()) return run_queue(lock);
    const std::uint64_t ticket = is_register_command(write->offset) ? register_ticket_ : 0;
    lock.unlock();
    perform(effects);
    if (ticket != 0) drain(ticket);
    if (queue) run_queue();
}

Effects Unit::written(const RegisterWrite& write) {
    if (in_fault_records(write.offset)) {
        recorder_.status_written(registers_);
        return {};
    }
    switch (write.offset) {
        case GCMD::offset: return write_gcmd(write);
        case CCMD::offset: return write_ccmd(write);
        case kIvaOffset + IOTLB_REG::relative_offset: return write_iotlb(write);
        case FSTS::offset: recorder_.status_written(registers_); return {};
        case FECTL::offset: return control_written(Event::Fault, registers_);
        case IECTL::offset: return control_written(Event::InvalidationCompletion, registers_);
        case PMEN::offset: return write_pmen(write);
        case ICS::offset:
            if (write.as<ICS>().get<ICS::IWC>() == 0) settle(Event::InvalidationCompletion, registers_);
            return {};
        case PECTL::offset: return control_written(Event::PageRequest, registers_);
        case PRS::offset:
            if (write.as<PRS>().raw() == 0) settle(Event::PageRequest, registers_);
            return {};
        default: return {};  // storage
    }
}

// One-shot commands first, so that a table pointer set together with TE is in force when translation starts. Software
// should change one thing at a time. [VTD 5.10 s11.4.4.1]
Effects Unit::write_gcmd(const RegisterWrite& write) {
    Effects effects;
    if (write.wrote_one<GCMD, GCMD::SRTP>()) effects.append(set_root_pointer());
    // Nothing is buffered: a flush (with RWBF; without it WBF means nothing) is finished when it starts, and WBFS stays
    // 0.
    if (capabilities_.qi != 0) effects.append(set_queue(write.wrote_one<GCMD, GCMD::QIE>()));
    effects.append(set_translation(write.wrote_one<GCMD, GCMD::TE>()));
    return effects;
}

Effects Unit::publish_gate(Gate next) {
    const Gate before = gate();
    gate_.store(next.word, std::memory_order_release);
    configs_.changed_outside();
    drain_.invalidated();
    const bool was = before.translating() || before.guarded();
    const bool is = next.translating() || next.guarded();
    Effects effects;
    if (was != is) effects.add(iommu::GateChanged{is});
    return effects;
}

Effects Unit::drop_everything() {
    drain_.invalidated();
    return iommu::apply(Invalidation{.configs = {.scope = iommu::ConfigDrop::Scope::All},
                                     .tlb = {.scope = iommu::TlbDrop::Scope::All},
                                     .unmap = iommu::IovaRange::everything()},
                        configs_, iotlb_, ports_.listeners);
}

// Latches RTADDR. With ESRTPS all caches go before RTPS says that it is done; without, software invalidates.
Effects Unit::set_root_pointer() {
    const auto rtaddr = registers_.get<RTADDR>();
    constexpr std::uint64_t gates = Gate::kTranslating | Gate::kGuarded;
    const std::uint64_t latched = rtaddr.in_place<RTADDR::RTA>() | rtaddr.in_place<RTADDR::TTM>();
    Effects effects = publish_gate({latched | (gate().word & gates)});
    if (capabilities_.esrtps != 0) effects.append(drop_everything());
    registers_.set(registers_.get<GSTS>().with<GSTS::RTPS>(1));
    return effects;
}

Effects Unit::set_translation(bool enable) {
    const auto gsts = registers_.get<GSTS>();
    if ((gsts.get<GSTS::TES>() != 0) == enable) return {};
    registers_.set(gsts.with<GSTS::TES>(enable ? 1 : 0));
    // While translation (and interrupt remapping) is off, recording begins at register 0. [VTD 5.10 s7.2.1]
    recorder_.restart();
    const std::uint64_t others = gate().word & ~Gate::kTranslating;
    Effects effects = publish_gate({others | (enable ? Gate::kTranslating : 0)});
    // Disabling drops everything. [VTD 5.10 s11.4.4.1]
    if (!enable) effects.append(drop_everything());
    return effects;
}

// IQH is 0 whenever the queue is off. [VTD 5.10 s11.4.9.1] Software turns it off when nothing is in flight (s6.5.2).
// If it does so earlier, it cannot be waiting any more: waits are dropped, while devices may still answer.
Effects Unit::set_queue(bool enable) {
    const auto gsts = registers_.get<GSTS>();
    if ((gsts.get<GSTS::QIES>() != 0) == enable) return {};
    registers_.set(gsts.with<GSTS::QIES>(enable ? 1 : 0));
    registers_.set(Value<IQH>{});
    (void)in_flight_.abort_waits();
    return {};
}

Effects Unit::write_pmen(const RegisterWrite& write) {
    const auto pmen = write.as<PMEN>();
    const bool enable = pmen.get<PMEN::EPM>() != 0;
    registers_.set(pmen.with<PMEN::PRS>(enable ? 1 : 0));
    const std::uint64_t others = gate().word & ~Gate::kGuarded;
    Effects effects = publish_gate({others | (enable ? Gate::kGuarded : 0)});
    if (enable) effects.add(iommu::Unmap{iommu::IovaRange::everything()});
    return effects;
}

// By register only in legacy mode, before version 6, and not beside the queue. [VTD 5.10 s6.5.1]
bool Unit::register_commands_accepted() const {
    const bool queue_on = registers_.get<GSTS>().get<GSTS::QIES>() != 0;
    return capabilities_.register_invalidation() && mode() == TranslationTableMode::Legacy && !queue_on;
}

Effects Unit::apply(const Invalidation& invalidation) {
    ++invalidations_;
    drain_.invalidated();
    return iommu::apply(invalidation, configs_, iotlb_, ports_.listeners);
}

Effects Unit::apply_for_register(const Invalidation& invalidation) {
    Effects effects = apply(invalidation);
    register_ticket_ = drain_.ask();
    return effects;
}

// Commands are carried out at once, but ICC and IVT stay set until no DMA uses what was dropped: as a wait of the
// queue. Called with the lock held. [VTD 5.10 s6.5.4]
void Unit::end_register_commands() {
    if (register_ticket_ == 0 || !drain_.done(register_ticket_)) return;
    register_ticket_ = 0;
    constexpr std::uint32_t iotlb = kIvaOffset + IOTLB_REG::relative_offset;
    registers_.set(registers_.get<CCMD>().with<CCMD::ICC>(0));
    registers_.set(registers_.get<IOTLB_REG>(iotlb).with<IOTLB_REG::IVT>(0), iotlb);
}

// Started by ICC=1; CAIG tells what was done, 0 for a refused command.
Effects Unit::write_ccmd(const RegisterWrite& write) {
    if (!write.wrote_one<CCMD, CCMD::ICC>()) return {};
    const auto ccmd = write.as<CCMD>();
    const auto command = register_commands_accepted() ? plan(ccmd, capabilities_) : std::nullopt;
    registers_.set(ccmd.with<CCMD::ICC>(command ? 1 : 0).with<CCMD::CAIG>(command ? command->actual_granularity : 0));
    return command ? apply_for_register(command->invalidation) : Effects{};
}

Effects Unit::write_iotlb(const RegisterWrite& write) {
    if (!write.wrote_one<IOTLB_REG, IOTLB_REG::IVT>()) return {};
    const auto iotlb = write.as<IOTLB_REG>();
    const auto iva = registers_.get<IVA>(kIvaOffset + IVA::relative_offset);
    const auto command = register_commands_accepted() ? plan(iotlb, iva, capabilities_) : std::nullopt;
    const auto answer =
        iotlb.with<IOTLB_REG::IVT>(command ? 1 : 0).with<IOTLB_REG::IAIG>(command ? command->actual_granularity : 0);
    registers_.set(answer, kIvaOffset + IOTLB_REG::relative_offset);
    return command ? apply_for_register(command->invalidation) : Effects{};
}

}  // namespace vtd
