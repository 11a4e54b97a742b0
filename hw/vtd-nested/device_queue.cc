// SPDX-License-Identifier: GPL-2.0-or-later
//
// The invalidation queue. [VTD 5.10 s6.5.2]
//
// Descriptors are fetched and carried out one after the other, so every order the manual asks for is kept. Whether to
// fetch is a level (queue on, head not at tail, no error), looked at before each descriptor: clearing IQE starts it
// again by itself, from memory.
#include "vtd-nested/device.h"
#include "vtd-nested/trace.h"

namespace vtd {

using iommu::TraceClass;
using iommu::TraceLine;

namespace {

// Descriptors per run; what is left is announced by a kick, so no write to a register takes longer than this many.
constexpr int kBudget = 1024;

}  // namespace

// Called with the lock held.
bool Unit::queue_runs() const {
    if (registers_.get<GSTS>().get<GSTS::QIES>() == 0) return false;
    const auto fsts = registers_.get<FSTS>();
    if (fsts.get<FSTS::IQE>() != 0 || fsts.get<FSTS::ITE>() != 0) return false;
    return registers_.get<IQH>().in_place<IQH::QH>() != registers_.get<IQT>().in_place<IQT::QT>();
}

void Unit::run_queue() {
    {
        const std::lock_guard lock(mutex_);
        if (queue_running_ || !queue_runs()) return;
        queue_running_ = true;
    }
    for (int budget = kBudget; budget > 0; --budget) {
        Effects effects;
        QueueState state = QueueState::Idle;
        {
            const std::lock_guard lock(mutex_);
            std::tie(state, effects) = step_queue();
            // In the same breath as the last look: a tail written later finds nobody running.
            if (state == QueueState::Idle) queue_running_ = false;
        }
        perform(effects);
        if (state == QueueState::Idle) return;
    }
    {
        const std::lock_guard lock(mutex_);
        queue_running_ = false;
    }
    ports_.clock.kick();
}

// One descriptor, with the lock held.
std::pair<Unit::QueueState, Effects> Unit::step_queue() {
    if (!queue_runs()) return {QueueState::Idle, Effects{}};
    const auto iqa = registers_.get<IQA>();
    const CommandContext context{capabilities_, mode()};
    if (const auto error = queue_error(iqa, registers_.get<IQT>(), context)) {
        return {QueueState::Idle, queue_fault(*error)};
    }
    const iommu::GuestRing ring = queue_ring(iqa);
    const std::uint64_t head = registers_.get<IQH>().in_place<IQH::QH>();
    Words<4> words{};
    if (iqa.get<IQA::DW>() != 0) {
        const auto fetched = memory_.load<4>(ring.at(head));
        if (!fetched) return {QueueState::Idle, queue_fault(IQEI::FetchError)};
        words = *fetched;
    } else {
        const auto fetched = memory_.load<2>(ring.at(head));
        if (!fetched) return {QueueState::Idle, queue_fault(IQEI::FetchError)};
        words = {(*fetched)[0], (*fetched)[1]};
    }
    Effects effects;
    if (traces(TraceClass::Invalidation)) {
        effects.add(TraceLine{TraceClass::Invalidation, descriptor_line(head, words)});
    }
    const auto command = decode(words, context);
    if (!command) {
        effects.append(queue_fault(command.error()));
        return {QueueState::Idle, std::move(effects)};
    }
    effects.append(execute(*command));
    registers_.set(registers_.get<IQH>().with_in_place<IQH::QH>(ring.next(head)));
    return {QueueState::More, std::move(effects)};
}

Effects Unit::execute(const Command& command) {
    if (const auto* wait = std::get_if<Wait>(&command)) return complete(*wait);
    return apply(std::get<Invalidation>(command));
}

// Everything before is done by now. The status word first, then IWC and its event. [VTD 5.10 s6.5.2.9, s6.5.2.10]
Effects Unit::complete(const Wait& wait) {
    ++waits_;
    Effects effects;
    if (traces(TraceClass::Queue)) effects.add(TraceLine{TraceClass::Queue, wait_line(wait)});
    if (wait.status_address) {
        if (memory_.is_ram(*wait.status_address, 4)) {
            effects.add(iommu::StoreStatus{*wait.status_address, wait.status_data});
        } else if (traces(TraceClass::Queue)) {
            effects.add(TraceLine{TraceClass::Queue, "vtd: wait status address is not memory; not written"});
        }
    }
    if (!wait.interrupt) return effects;
    const auto ics = registers_.get<ICS>();
    if (ics.get<ICS::IWC>() != 0) return effects;
    registers_.set(ics.with<ICS::IWC>(1));
    effects.append(raise(Event::InvalidationCompletion, registers_));
    return effects;
}

// The head stays on the descriptor that cannot be carried out. [VTD 5.10 s6.5.2.11, s11.4.9.9]
Effects Unit::queue_fault(IQEI why) {
    ++queue_errors_;
    registers_.set(registers_.get<IQERCD>().with<IQERCD::IQEI>(static_cast<std::uint64_t>(why)));
    Effects effects;
    if (traces(TraceClass::Queue)) {
        const std::uint64_t head = registers_.get<IQH>().in_place<IQH::QH>();
        effects.add(TraceLine{TraceClass::Queue, queue_error_line(why, head)});
    }
    effects.append(FaultRecorder::set_status(FSTS::IQE::mask, registers_));
    return effects;
}

}  // namespace vtd
