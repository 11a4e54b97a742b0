// SPDX-License-Identifier: GPL-2.0-or-later
//
// The invalidation queue. [VTD 5.10 s6.5.2]
//
// Descriptors are fetched and carried out one after the other, so every order the manual asks for is kept. What takes
// longer - invalidations of device-TLBs, and the waits behind them - is in flight meanwhile, with the head past it.
// Whether to fetch is a level (queue on, head not at tail, no error, no fence), looked at before each descriptor:
// clearing IQE or ITE starts it again by itself, from memory.
//
// A wait is not fetched before DMA that may still use what was invalidated has ended (dma_drain.h). The head stays on
// it, nothing of it is kept, and so nothing has to be undone when the queue is turned off, reset or moved meanwhile.
#include "vtd-nested/device.h"

#include <algorithm>

#include "vtd-nested/trace.h"

namespace vtd {

using iommu::QueueState;
using iommu::QueueStep;
using iommu::TraceClass;
using iommu::TraceLine;

namespace {

// Descriptors per run; what is left is announced by a kick, so no write to a register takes longer than this many.
constexpr int kBudget = 1024;

}  // namespace

// Whether to fetch, with the lock held.
bool Unit::may_fetch() const {
    if (registers_.get<GSTS>().get<GSTS::QIES>() == 0) return false;
    const auto fsts = registers_.get<FSTS>();
    if (fsts.get<FSTS::IQE>() != 0 || fsts.get<FSTS::ITE>() != 0) return false;
    if (in_flight_.fenced()) return false;
    return registers_.get<IQH>().in_place<IQH::QH>() != registers_.get<IQT>().in_place<IQT::QT>();
}

// With the lock held.
bool Unit::queue_has_work() const { return in_flight_.has_due() || in_flight_.deadline_ns() <= now_ns_ || may_fetch(); }

// The time is asked for only when something waits for a device, or is about to: most runs do not need it.
void Unit::run_queue() {
    std::unique_lock lock(mutex_);
    run_queue(lock);
}

// With the lock held, which is released when it returns.
void Unit::run_queue(std::unique_lock<std::mutex>& lock) {
    time_is_read_ = false;
    if (in_flight_.deadline_ns() != iommu::kNever) {
        lock.unlock();
        read_time();
        lock.lock();
    }
    if (!begins_run()) return lock.unlock();
    for (int budget = kBudget; budget > 0; lock.lock()) {
        const QueueStep step = iommu::step_together(budget, [this] { return step_queue(); });
        // In the same breath as the last look: a tail or an answer that comes later finds nobody running.
        if (step.state == QueueState::Idle) queue_running_ = false;
        lock.unlock();
        perform(step.effects);
        if (step.state == QueueState::Idle) return;
        if (step.state == QueueState::AsksTime) read_time();
        if (step.state == QueueState::Drains) drain(step.ticket);
    }
    queue_running_ = false;
    lock.unlock();
    ports_.clock.kick();
}

// With the lock held. False when there is nothing to do, or another thread does it.
bool Unit::begins_run() {
    if (queue_running_ || !queue_has_work()) return false;
    queue_running_ = true;
    return true;
}

// Even when another thread runs the queue: it looks at this before it stops.
void Unit::read_time() {
    const std::uint64_t now = ports_.clock.now_ns();
    const std::lock_guard lock(mutex_);
    now_ns_ = std::max(now_ns_, now);
    time_is_read_ = true;
}

// Asks for DMA that is under way, when all holders of translations have been told.
void Unit::drain(std::uint64_t ticket) {
    const bool now = ports_.dma.drain(ticket) == iommu::DmaUsers::Drained::Now;
    if (!now && traces(TraceClass::Queue)) {
        ports_.trace.line(TraceClass::Queue, "vtd: completion held back for DMA under way");
    }
    const std::lock_guard lock(mutex_);
    if (!now) {
        ++drains_;
        return;
    }
    drain_.drained(ticket);
    end_register_commands();
}

void Unit::drained(std::uint64_t ticket) {
    {
        const std::lock_guard lock(mutex_);
        drain_.drained(ticket);
        end_register_commands();
    }
    run_queue();
}

// One thing, with the lock held. Waits that are due first: a time-out aborts only those that are not.
QueueStep Unit::step_queue() {
    if (const auto wait = in_flight_.take_due()) return {QueueState::More, complete(*wait)};
    if (in_flight_.deadline_ns() <= now_ns_) return {QueueState::More, time_out()};
    if (!may_fetch()) return {QueueState::Idle, Effects{}};
    return fetch();
}

// What must come first. A wait: whoever sees it completed, by IQH, IWC or the status word, knows that all holders of
// translations have been told, and that no DMA uses what it was given by the old ones. [VTD 5.10 s6.5.4]
std::optional<QueueStep> Unit::held_back(const Command& command) {
    if (std::holds_alternative<DeviceInvalidation>(command) && !time_is_read_) return QueueStep{QueueState::AsksTime};
    if (!std::holds_alternative<Wait>(command) || drain_.done()) return std::nullopt;
    if (!drain_.to_ask()) return QueueStep{QueueState::Idle};
    const std::uint64_t ticket = drain_.ask();
    if (somebody_outside()) return QueueStep{.state = QueueState::Drains, .ticket = ticket};
    drain_.drained(ticket);
    return std::nullopt;
}

// One descriptor. The head moves once it is carried out, or known to be in flight.
QueueStep Unit::fetch() {
    const auto iqa = registers_.get<IQA>();
    const CommandContext context{capabilities_, mode()};
    if (const auto error = queue_error(iqa, registers_.get<IQT>(), context)) {
        return {QueueState::Idle, queue_fault(*error)};
    }
    const std::uint64_t head = registers_.get<IQH>().in_place<IQH::QH>();
    const auto words = load_descriptor(iqa, head);
    if (!words) return {QueueState::Idle, queue_fault(words.error())};
    const auto command = decode(*words, context);
    if (command) {
        if (auto first = held_back(*command)) return std::move(*first);
    }
    Effects effects;
    if (traces(TraceClass::Invalidation)) {
        effects.add(TraceLine{TraceClass::Invalidation, descriptor_line(head, *words)});
    }
    if (!command) {
        effects.append(queue_fault(command.error()));
        return {QueueState::Idle, std::move(effects)};
    }
    auto done = execute(*command);
    if (!done) return {QueueState::Idle, Effects{}};
    effects.append(std::move(*done));
    registers_.set(registers_.get<IQH>().with_in_place<IQH::QH>(queue_ring(iqa).next(head)));
    return {QueueState::More, std::move(effects)};
}

Result<Words<4>, IQEI> Unit::load_descriptor(Value<IQA> iqa, std::uint64_t position) const {
    const Pa address = queue_ring(iqa).at(position);
    if (iqa.get<IQA::DW>() != 0) {
        const auto wide = memory_.load<4>(address);
        if (!wide) return Err{IQEI::FetchError};
        return *wide;
    }
    const auto narrow = memory_.load<2>(address);
    if (!narrow) return Err{IQEI::FetchError};
    return Words<4>{(*narrow)[0], (*narrow)[1]};
}

// Nothing when it cannot be taken yet: the queue stays on it until something in flight has ended.
std::optional<Effects> Unit::execute(const Command& command) {
    if (const auto* wait = std::get_if<Wait>(&command)) return fetched(*wait);
    if (const auto* invalidation = std::get_if<DeviceInvalidation>(&command)) return send(*invalidation);
    if (const auto* response = std::get_if<iommu::PageGroupResponse>(&command)) return respond(*response);
    return apply(std::get<Invalidation>(command));
}

// Completes when everything before it has. [VTD 5.10 s6.5.2.12]
std::optional<Effects> Unit::fetched(const Wait& wait) {
    if (in_flight_.idle()) return complete(wait);
    if (!in_flight_.add(wait)) return std::nullopt;
    return Effects{};
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
