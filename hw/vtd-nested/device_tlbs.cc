// SPDX-License-Identifier: GPL-2.0-or-later
//
// Device-TLBs: Invalidate Requests go out, Invalidate Completions come in, or do not. [VTD 5.10 s4.3, s6.5.2.11]
//
// An answer only ends requests here; waits that are due because of it are completed by whoever runs the queue, so that
// they complete in order. Time-outs are found there too, and nowhere else, for the same reason.
//
// At a time-out every wait that was fetched is aborted. Software (Linux) looks for aborted waits before IQH, and takes
// what a completed wait stands behind for done. But the wait behind a silent device may not be fetched at that moment:
// the queue can be held before it, for want of an ITag. Left there, it would complete after ITE was cleared, as if the
// device had answered. So what stands in the queue up to that wait counts as fetched too when the time-out is found.
// The manual allows it: a unit may fetch ahead (s6.5.2) and hold a request back until there is an ITag (s4.3), and
// nothing behind the oldest open request is sure to be executed (s6.5.2.11). While ITE=1 the head does not move.
#include "vtd-nested/device.h"
#include "vtd-nested/trace.h"

namespace vtd {

using iommu::TraceClass;
using iommu::TraceLine;

namespace {

// Descriptors that are looked through for a wait.
constexpr int kMostFetchedAhead = 1024;

}  // namespace

std::uint64_t Unit::deadline_ns() const {
    const std::lock_guard lock(mutex_);
    return in_flight_.deadline_ns();
}

void Unit::tick() { run_queue(); }

// Nothing when there is no ITag for it: it is deferred until one is free. [VTD 5.10 s4.3]
std::optional<Effects> Unit::send(const DeviceInvalidation& command) {
    const std::uint64_t before = in_flight_.deadline_ns();
    const auto message = in_flight_.send(command, now_ns_ + invalidate_timeout_ns_);
    if (!message) return std::nullopt;
    ++invalidations_;
    Effects effects = iommu::deadline_moved(before, in_flight_.deadline_ns());
    effects.add(iommu::SendInvalidate{*message});
    return effects;
}

void Unit::invalidate_completed(const iommu::InvalidateCompletion& completion) {
    Effects effects;
    {
        const std::lock_guard lock(mutex_);
        effects = take_answer(completion);
    }
    perform(effects);
    run_queue();
}

// First the ITags that are open, then what is wrong with the others. [VTD 5.10 s4.3]
Effects Unit::take_answer(const iommu::InvalidateCompletion& completion) {
    Effects effects;
    // An unsupported request, and not an error of the device's. [VTD 5.10 s4.2.1]
    if (capabilities_.dt == 0 || !gate().translating()) {
        if (traces(TraceClass::Queue)) effects.add(TraceLine{TraceClass::Queue, refused_answer_line(completion)});
        return effects;
    }
    const std::uint64_t before = in_flight_.deadline_ns();
    const std::string why = traces(TraceClass::Queue) ? wrong_answer_line(completion, in_flight_.open()) : "";
    const bool fits = in_flight_.complete(completion);
    effects = iommu::deadline_moved(before, in_flight_.deadline_ns());
    if (fits) return effects;
    ++unexpected_completions_;
    if (traces(TraceClass::Queue)) effects.add(TraceLine{TraceClass::Queue, why});
    if (registers_.get<FSTS>().get<FSTS::ICE>() == 0) {
        registers_.set(registers_.get<IQERCD>().with<IQERCD::ICESID>(completion.requester.value));
    }
    effects.append(FaultRecorder::set_status(FSTS::ICE::mask, registers_));
    return effects;
}

// Of several that are late at once, the oldest gives ITESID. [VTD 5.10 s6.5.2.11, s11.4.9.9]
Effects Unit::time_out() {
    Effects effects;
    const std::uint64_t before = in_flight_.deadline_ns();
    if (traces(TraceClass::Queue)) {
        for (const iommu::InvalidateTracker::Open& one : in_flight_.open()) {
            if (one.deadline_ns > now_ns_) continue;
            const std::uint64_t waited_ns = now_ns_ - one.deadline_ns + invalidate_timeout_ns_;
            effects.add(TraceLine{TraceClass::Queue, no_answer_line(one, waited_ns)});
        }
    }
    // Which waits are aborted is decided before the late ones are gone.
    effects.append(abort_waits());
    const auto late = in_flight_.expire(now_ns_);
    timeouts_ += late.size();
    effects.append(iommu::deadline_moved(before, in_flight_.deadline_ns()));
    if (late.empty()) return effects;
    if (registers_.get<FSTS>().get<FSTS::ITE>() == 0) {
        registers_.set(registers_.get<IQERCD>().with<IQERCD::ITESID>(late.front().value));
        if (traces(TraceClass::Queue)) {
            const std::uint64_t head = registers_.get<IQH>().in_place<IQH::QH>();
            effects.add(TraceLine{TraceClass::Queue, timeout_line(late.front(), head)});
        }
    }
    effects.append(FaultRecorder::set_status(FSTS::ITE::mask, registers_));
    return effects;
}

// They write no status and raise no event, now or later. [VTD 5.10 s6.5.2.11, s6.5.2.12]
Effects Unit::abort_waits() {
    Effects effects;
    std::size_t aborted = 0;
    if (in_flight_.uncovered() && may_fetch()) {
        if (auto skipped = fetch_to_wait()) {
            effects.append(std::move(*skipped));
            ++aborted;
        }
    }
    aborted += in_flight_.abort_waits();
    if (aborted != 0 && traces(TraceClass::Queue)) effects.add(TraceLine{TraceClass::Queue, aborted_line(aborted)});
    return effects;
}

// Moves the head past the next wait, which is dropped, and so are invalidations of device-TLBs before it; the rest is
// carried out. Nothing, with the head where it is, when there is no wait that could be fetched.
std::optional<Effects> Unit::fetch_to_wait() {
    const auto iqa = registers_.get<IQA>();
    const std::uint64_t tail = registers_.get<IQT>().in_place<IQT::QT>();
    const CommandContext context{capabilities_, mode()};
    if (queue_error(iqa, registers_.get<IQT>(), context)) return std::nullopt;
    const iommu::GuestRing ring = queue_ring(iqa);
    std::uint64_t at = registers_.get<IQH>().in_place<IQH::QH>();
    std::vector<Command> before_wait;
    for (int budget = kMostFetchedAhead; budget > 0 && at != tail; --budget) {
        const auto words = load_descriptor(iqa, at);
        if (!words) return std::nullopt;
        const auto command = decode(*words, context);
        if (!command) return std::nullopt;
        at = ring.next(at);
        if (!std::holds_alternative<Wait>(*command)) {
            if (!std::holds_alternative<DeviceInvalidation>(*command)) before_wait.push_back(*command);
            continue;
        }
        Effects effects;
        for (const Command& one : before_wait) {
            if (auto done = execute(one)) effects.append(std::move(*done));
        }
        registers_.set(registers_.get<IQH>().with_in_place<IQH::QH>(at));
        return effects;
    }
    return std::nullopt;
}

}  // namespace vtd
