// SPDX-License-Identifier: GPL-2.0-or-later
//
// The life of an operation: start, steps, end. Called with the lock held, but for `step`.
#include <algorithm>

#include "ats-endpoint/device.h"

namespace endpoint {

namespace {

void append(Effects& effects, const Effects& more) { effects.insert(effects.end(), more.begin(), more.end()); }

constexpr unsigned kResultsKept = 16;
constexpr unsigned kBitsPerResult = 4;
constexpr std::uint64_t kMostTransactions = RESULT::TRANSACTIONS::max;

// RESULT and RESULTS with one transaction more.
void note_result(iommu::RegisterFile& registers, Code code, std::uint8_t reason, std::uint64_t address) {
    auto result = registers.get<RESULT>();
    const std::uint64_t made = result.get<RESULT::TRANSACTIONS>();
    if (made < kResultsKept) {
        const std::uint64_t one = static_cast<std::uint64_t>(code) << (kBitsPerResult * made);
        set_number<RESULTS>(registers, number<RESULTS>(registers) | one);
    }
    result = result.with<RESULT::TRANSACTIONS>(std::min(made + 1, kMostTransactions));
    if (code != Code::Success && result.get<RESULT::CODE>() == 0) {
        result = result.with<RESULT::CODE>(static_cast<unsigned>(code)).with<RESULT::REASON>(reason);
        set_number<FAULT_ADDRESS>(registers, address);
    }
    registers.set(result);
}

void note_translation(iommu::RegisterFile& registers, const iommu::TranslationCompletion& completion) {
    const bool success = completion.status == iommu::CompletionStatus::Success;
    auto flags = iommu::Value<TRANSLATION_FLAGS>{}.with<TRANSLATION_FLAGS::VALID>(1).with<TRANSLATION_FLAGS::STATUS>(
        static_cast<unsigned>(completion.status));
    if (success) {
        flags = flags.with<TRANSLATION_FLAGS::R>(iommu::covers(completion.rights, iommu::Rights::Read) ? 1 : 0)
                    .with<TRANSLATION_FLAGS::W>(iommu::covers(completion.rights, iommu::Rights::Write) ? 1 : 0)
                    .with<TRANSLATION_FLAGS::EXE>(completion.execute ? 1 : 0)
                    .with<TRANSLATION_FLAGS::PRIV>(completion.privileged ? 1 : 0)
                    .with<TRANSLATION_FLAGS::GLOBAL>(completion.global ? 1 : 0)
                    .with<TRANSLATION_FLAGS::U>(completion.untranslated_only ? 1 : 0)
                    .with<TRANSLATION_FLAGS::N>(completion.no_snoop ? 1 : 0)
                    .with<TRANSLATION_FLAGS::SIZE_LOG2>(completion.page_log2);
    }
    registers.set(flags);
    set_number<TRANSLATION_ADDRESS>(registers, success ? completion.address.value : 0);
}

}  // namespace

void Endpoint::enter(Channel& channel, Wait wait) {
    if ((channel.wait == Wait::Idle) != (wait == Wait::Idle)) ++channel.epoch;
    channel.wait = wait;
    channel.deadline_ns = iommu::kNever;
    channel.registers.set(status_of(wait));
}

Effects Endpoint::start(unsigned index) {
    Channel& channel = channels_[index];
    channel.registers.set(iommu::Value<RESULT>{});
    for (const std::uint32_t offset :
         {std::uint32_t{RESULTS::offset}, std::uint32_t{DONE_BYTES::offset}, std::uint32_t{FAULT_ADDRESS::offset},
          std::uint32_t{OLD_VALUE::offset}, std::uint32_t{TRANSLATION_ADDRESS::offset},
          std::uint32_t{TRANSLATION_FLAGS::offset}, std::uint32_t{RESPONSE::offset}})
        channel.registers.set_raw(offset, 0);
    channel.position = {};
    channel.asked = 0;
    if (!config_.bus_master || !decode(channel.registers)) return finish(index, Code::Refused);
    enter(channel, Wait::Ready);
    return {iommu::Kick{}};
}

Effects Endpoint::cancel(unsigned index) {
    if (!channels_[index].busy()) return {};
    groups_.leave(index);
    return finish(index, Code::Cancelled);
}

// `code` counts only when no transaction has failed before.
Effects Endpoint::finish(unsigned index, Code code) {
    Channel& channel = channels_[index];
    enter(channel, Wait::Idle);
    const auto result = channel.registers.get<RESULT>();
    if (result.get<RESULT::CODE>() == 0) channel.registers.set(result.with<RESULT::CODE>(static_cast<unsigned>(code)));
    const auto operation = channel.registers.get<OPERATION>();
    if (operation.get<OPERATION::INTERRUPT>() == 0) return {};
    return {RaiseMsix{static_cast<unsigned>(operation.get<OPERATION::VECTOR>())}};
}

// ---- Steps

bool Endpoint::any_ready() const {
    return std::any_of(channels_.begin(), channels_.end(),
                       [](const Channel& channel) { return channel.wait == Wait::Ready; });
}

std::optional<unsigned> Endpoint::next_ready() {
    for (unsigned tried = 0; tried < kChannels; ++tried) {
        const unsigned index = turn_;
        turn_ = (turn_ + 1) % kChannels;
        if (channels_[index].wait == Wait::Ready) return index;
    }
    return std::nullopt;
}

// One step of one channel. False when there is none to do.
bool Endpoint::step() {
    const iommu::RequesterId us = ports_.upstream.requester();
    const std::uint64_t now = ports_.clock.now_ns();
    std::optional<Job> job;
    Effects effects;
    {
        const std::lock_guard lock(mutex_);
        requester_ = us;
        const auto index = away_locked() ? std::nullopt : next_ready();
        if (!index) return false;
        job = begin_step(*index, now, effects);
        add_status_change(effects);
        add_deadline_change(effects);
    }
    perform(effects);
    if (!job) return true;

    const Outcome outcome = carry_out(*job);
    effects.clear();
    {
        const std::lock_guard lock(mutex_);
        if (channels_[job->channel].epoch == job->epoch) effects = end_step(*job, outcome, now);
        add_status_change(effects);
        add_deadline_change(effects);
    }
    perform(effects);
    return true;
}

// Steps that are a message are done here; the others become a job.
std::optional<Job> Endpoint::begin_step(unsigned index, std::uint64_t now, Effects& effects) {
    Channel& channel = channels_[index];
    const auto operation = decode(channel.registers);
    if (!operation || !config_.bus_master) {
        append(effects, finish(index, Code::Refused));
        return std::nullopt;
    }
    if (operation->op == Op::PageRequest || operation->op == Op::StopMarker) {
        append(effects, page_step(index, *operation, now));
        return std::nullopt;
    }
    Job job{.channel = index,
            .epoch = channel.epoch,
            .operation = *operation,
            .step = next_step(*operation, channel.position),
            .requester = requester_,
            .data = {}};
    if (moves_memory(operation->op)) {
        const auto first = channel.window.begin() + job.step.window_offset;
        job.data.assign(first, first + job.step.bytes);
    }
    return job;
}

Effects Endpoint::end_step(const Job& job, const Outcome& outcome, std::uint64_t now) {
    Channel& channel = channels_[job.channel];
    if (outcome.wait == Wait::Stalled) {
        count<STALLS>(registers_);
        channel.stall_tag = outcome.stall_tag;
        enter(channel, Wait::Stalled);
        return {};
    }
    if (outcome.wait == Wait::Response) return ask_for_page(job, now);
    if (outcome.completion) note_translation(channel.registers, *outcome.completion);
    if (outcome.code == Code::Success && job.step.access == iommu::Access::Read && moves_memory(job.operation.op))
        std::copy(job.data.begin(), job.data.end(), channel.window.begin() + job.step.window_offset);
    if (is_atomic(job.operation.op)) set_number<OLD_VALUE>(channel.registers, outcome.old_value);
    return account(job.channel, job.operation, job.step, outcome.code, outcome.reason);
}

// A transaction is over.
Effects Endpoint::account(unsigned index, const Operation& operation, const Step& step, Code code,
                          std::uint8_t reason) {
    Channel& channel = channels_[index];
    const bool failed = code != Code::Success;
    note_result(channel.registers, code, reason, step.address);
    if (failed) count<FAULTS>(registers_);
    const bool read_of_copy = operation.op == Op::Copy && !channel.position.writing;
    if (!failed && !read_of_copy) {
        const std::uint64_t more = operation.op == Op::PageRequest ? 1 : step.bytes;
        set_number<DONE_BYTES>(channel.registers, number<DONE_BYTES>(channel.registers) + more);
    }
    channel.position = after(operation, channel.position, step, failed);
    channel.asked = 0;
    if (over(operation, channel.position) || (failed && !operation.go_on)) return finish(index, Code::Success);
    enter(channel, Wait::Ready);
    return {};
}

// ---- Stalls

void Endpoint::resume(std::uint16_t stall_tag, iommu::StallAction action) {
    Effects effects;
    {
        const std::lock_guard lock(mutex_);
        for (unsigned index = 0; index < kChannels; ++index) {
            Channel& channel = channels_[index];
            if (channel.wait != Wait::Stalled || channel.stall_tag != stall_tag) continue;
            enter(channel, Wait::Ready);
            effects.emplace_back(iommu::Kick{});
            if (action == iommu::StallAction::Retry) break;
            append(effects, end_stalled(index, action));
            break;
        }
    }
    perform(effects);
}

// Aborted like any fault; discarded, it looks done: a write is lost, a read is zeros.
Effects Endpoint::end_stalled(unsigned index, iommu::StallAction action) {
    Channel& channel = channels_[index];
    const auto operation = decode(channel.registers);
    if (!operation) return finish(index, Code::Refused);
    const Step step = next_step(*operation, channel.position);
    const bool aborted = action == iommu::StallAction::Abort;
    if (!aborted && moves_memory(operation->op) && step.access == iommu::Access::Read)
        std::fill_n(channel.window.begin() + step.window_offset, step.bytes, std::byte{0});
    return account(index, *operation, step, aborted ? Code::UnsupportedRequest : Code::Success, 0);
}

}  // namespace endpoint
