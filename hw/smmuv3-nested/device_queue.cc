// SPDX-License-Identifier: GPL-2.0-or-later
//
// The command queue. [SMMU G.b s4.1]
//
// Commands are fetched and carried out one after the other. Whether to fetch is a level (CMDQEN, not empty, CMDQ_ERR
// not active), looked at before each command: acknowledging the error starts it again by itself, from memory.
#include <algorithm>

#include "smmuv3-nested/device.h"
#include "smmuv3-nested/trace.h"

namespace smmuv3 {

using iommu::QueueState;
using iommu::QueueStep;
using iommu::TraceClass;
using iommu::TraceLine;

namespace {

// Commands per run; what is left is announced by a kick, so no write to a register takes longer than this many.
constexpr int kBudget = 1024;
constexpr unsigned kCommandLog2 = 4;  // bytes

}  // namespace

iommu::WrapRing Unit::command_ring() const {
    const auto base = registers_.get<CMDQ_BASE>();
    const auto log2 =
        static_cast<unsigned>(std::min<std::uint64_t>(base.get<CMDQ_BASE::LOG2SIZE>(), capabilities_.cmdqs));
    const std::uint64_t address = base.in_place<CMDQ_BASE::ADDR>() & iommu::low_bits(capabilities_.output_bits());
    const unsigned align = std::max(5u, log2 + kCommandLog2);
    return {.base = Pa{address & ~iommu::low_bits(align)}, .entry_log2 = kCommandLog2, .entries_log2 = log2};
}

// Called with the lock held.
bool Unit::queue_runs() const {
    if (registers_.get<CR0>().get<CR0::CMDQEN>() == 0) return false;
    if (Signals::active(GERROR::CMDQ_ERR::mask, registers_)) return false;
    const auto producer = static_cast<std::uint32_t>(registers_.get<CMDQ_PROD>().get<CMDQ_PROD::WR>());
    const auto consumer = static_cast<std::uint32_t>(registers_.get<CMDQ_CONS>().get<CMDQ_CONS::RD>());
    return !command_ring().empty(producer, consumer);
}

void Unit::run_queue() {
    std::unique_lock lock(mutex_);
    run_queue(lock);
}

// With the lock held, which is released when it returns.
void Unit::run_queue(std::unique_lock<std::mutex>& lock) {
    if (queue_running_) return lock.unlock();
    queue_running_ = true;
    std::optional<std::uint64_t> now_ns;  // asked for when a command needs it
    for (int budget = kBudget; budget > 0; lock.lock()) {
        const QueueStep step = iommu::step_together(budget, [this, now_ns] { return step_queue(now_ns); });
        // In the same breath as the last look: a producer index written later finds nobody running.
        if (step.state == QueueState::Idle) queue_running_ = false;
        lock.unlock();
        perform(step.effects);
        if (step.state == QueueState::Idle) return;
        if (step.state == QueueState::AsksTime) now_ns = ports_.clock.now_ns();
        if (step.state == QueueState::Drains) drain(step.ticket);
    }
    queue_running_ = false;
    lock.unlock();
    ports_.clock.kick();
}

// Asks for DMA that is under way, when all holders of translations have been told.
void Unit::drain(std::uint64_t ticket) {
    const bool now = ports_.dma.drain(ticket) == iommu::DmaUsers::Drained::Now;
    if (!now && traces(TraceClass::Queue)) {
        ports_.trace.line(TraceClass::Queue, "smmuv3: CMD_SYNC held back for DMA under way");
    }
    const std::lock_guard lock(mutex_);
    if (now) {
        drain_.drained(ticket);
    } else {
        ++drains_;
    }
}

void Unit::drained(std::uint64_t ticket) {
    {
        const std::lock_guard lock(mutex_);
        drain_.drained(ticket);
    }
    run_queue();
}

// One command, with the lock held. Whoever sees CONS beyond a CMD_SYNC knows that all holders of translations have been
// told, and that no DMA uses what it was given by the old ones. [SMMU G.b s3.21.1, s4.7.3]
QueueStep Unit::step_queue(std::optional<std::uint64_t> now_ns) {
    if (!queue_runs()) return {QueueState::Idle, Effects{}};
    const iommu::WrapRing ring = command_ring();
    const auto cons = registers_.get<CMDQ_CONS>();
    const auto consumer = static_cast<std::uint32_t>(cons.get<CMDQ_CONS::RD>());
    const auto words = memory_.load<2>(ring.at(consumer));
    if (!words) return {QueueState::Idle, queue_fault(CommandError::CERROR_ABT)};
    // CR0.VMW: 1 to 4 VMID bits that do not count; other values as 0.
    const std::uint64_t vmw = registers_.get<CR0>().get<CR0::VMW>();
    const CommandContext context{
        .capabilities = capabilities_,
        .ignored_vmid_bits = vmw <= 4 ? static_cast<std::uint32_t>(iommu::low_bits(static_cast<unsigned>(vmw))) : 0,
        .e2h = registers_.get<CR2>().get<CR2::E2H>() != 0};
    const auto command = decode(*words, context);
    if (command && std::holds_alternative<AtcInv>(*command) && !now_ns) return {QueueState::AsksTime, Effects{}};
    if (command && std::holds_alternative<Sync>(*command) && drain_.to_ask()) {
        const std::uint64_t ticket = drain_.ask();
        if (somebody_outside()) return {.state = QueueState::Drains, .ticket = ticket};
        drain_.drained(ticket);
    }
    Executed executed;
    if (command) executed = execute(*command, now_ns.value_or(0));
    if (executed.progress == Progress::Waits) return {QueueState::Idle, hold(consumer, *words)};
    held_at_.reset();
    Effects effects;
    if (traces(TraceClass::Invalidation)) {
        effects.add(TraceLine{TraceClass::Invalidation, command_line(consumer, *words)});
    }
    if (!command || executed.progress == Progress::AtcInvFailed) {
        effects.append(queue_fault(command ? CommandError::CERROR_ATC_INV_SYNC : command.error()));
        return {QueueState::Idle, std::move(effects)};
    }
    effects.append(std::move(executed.effects));
    registers_.set(registers_.get<CMDQ_CONS>().with<CMDQ_CONS::RD>(ring.next(consumer)));
    return {QueueState::More, std::move(effects)};
}

Unit::Executed Unit::execute(const Command& command, std::uint64_t now_ns) {
    if (const auto* invalidation = std::get_if<Invalidation>(&command)) {
        ++invalidations_;
        drain_.invalidated();
        recorder_.invalidated();
        Invalidation what = *invalidation;
        if (what.unmap && announces_all_.load(std::memory_order_relaxed)) what.unmap = iommu::IovaRange::everything();
        return {Progress::Done, iommu::apply(what, configs_, iotlb_, ports_.listeners)};
    }
    if (const auto* atc_inv = std::get_if<AtcInv>(&command)) return send(*atc_inv, now_ns);
    if (const auto* sync = std::get_if<Sync>(&command)) return synchronize(*sync);
    if (const auto* one = std::get_if<Resume>(&command)) return {Progress::Done, resume(*one)};
    if (const auto* all = std::get_if<StallTerm>(&command)) {
        return {Progress::Done, resume_all(recorder_.release_stream(all->stream), iommu::StallAction::Abort)};
    }
    if (const auto* response = std::get_if<iommu::PageGroupResponse>(&command)) {
        return {Progress::Done, respond(*response)};
    }
    return {};
}

// It has to wait until each device has answered the CMD_ATC_INVs before it, and until DMA that was translated before
// the invalidations has ended. When a device did not answer in time, software must not believe that it did: an error,
// once. [SMMU G.b s3.9.1.4, s4.7.3]
Unit::Executed Unit::synchronize(const Sync& sync) {
    if (std::exchange(atc_inv_failed_, false)) return {Progress::AtcInvFailed, {}};
    if (!invalidates_.list().empty() || !drain_.done()) return {Progress::Waits, {}};
    return {Progress::Done, complete(sync)};
}

// The command stays where it is, for now; that it waits for devices is told once.
Effects Unit::hold(std::uint32_t consumer, const Words<2>& words) {
    Effects effects;
    if (!traces(TraceClass::Queue) || held_at_ == consumer || invalidates_.list().empty()) return effects;
    held_at_ = consumer;
    effects.add(TraceLine{TraceClass::Queue, hold_line(consumer, words, invalidates_.list().size())});
    return effects;
}

// Everything before is done by now. The message follows CONS, since effects are performed after it moved. [SMMU G.b
// s4.7.3]
Effects Unit::complete(const Sync& sync) {
    ++waits_;
    if (sync.signal != SYNC::CompletionSignal::SIG_IRQ) return {};
    // No message when MSIAddress is 0 as written; only then it is cut to the output size.
    const std::uint64_t address = sync.message_address & iommu::low_bits(capabilities_.output_bits());
    const bool message = capabilities_.msi != 0 && sync.message_address != 0;
    // Software may point the message at memory, to poll for it.
    if (message && memory_.is_ram(Pa{address}, 4)) {
        Effects effects;
        effects.add(iommu::StoreStatus{Pa{address}, sync.message_data});
        effects.add(iommu::Pulse{static_cast<unsigned>(Line::CommandSync)});
        return effects;
    }
    return signals_.command_sync(sync.message_address, sync.message_data);
}

// IGNORED while the unit is off. [SMMU G.b s4.5.2]
Effects Unit::respond(const iommu::PageGroupResponse& response) const {
    Effects effects;
    if (gate().translating()) effects.add(iommu::SendResponse{response});
    return effects;
}

// A pair that names nothing has no effect. [SMMU G.b s4.6.1]
Effects Unit::resume(const Resume& resume) {
    if (!recorder_.release({resume.stream, resume.stag})) return {};
    Effects effects;
    iommu::StallAction action = iommu::StallAction::Retry;
    if (resume.action == Resume::Action::Abort) action = iommu::StallAction::Abort;
    if (resume.action == Resume::Action::RazWi) action = iommu::StallAction::Discard;
    effects.add(iommu::ResumeStalled{iommu::RequesterId{resume.stream}, resume.stag, action});
    return effects;
}

// RD stays on the command; ERR tells why before GERROR tells that. [SMMU G.b s4.1.5]
Effects Unit::queue_fault(CommandError why) {
    ++queue_errors_;
    const auto cons = registers_.get<CMDQ_CONS>().with<CMDQ_CONS::ERR>(static_cast<std::uint64_t>(why));
    registers_.set(cons);
    Effects effects;
    if (traces(TraceClass::Queue)) {
        const auto consumer = static_cast<std::uint32_t>(cons.get<CMDQ_CONS::RD>());
        effects.add(TraceLine{TraceClass::Queue, queue_error_line(why, consumer)});
    }
    effects.append(signals_.global_errors(GERROR::CMDQ_ERR::mask, registers_));
    return effects;
}

}  // namespace smmuv3
