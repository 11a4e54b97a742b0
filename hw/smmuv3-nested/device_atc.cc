// SPDX-License-Identifier: GPL-2.0-or-later
//
// Invalidations of the translations that devices keep. [SMMU G.b s3.9.1.4, s3.9.1.5, s4.5.1]
//
// CMD_ATC_INV sends an Invalidate Request and is consumed; the device has until the deadline to answer. Commands behind
// it go on, but for a CMD_SYNC, which waits for all answers, and for one that finds no ITag free. An answer or a
// time-out runs the queue again.
//
// Requests that are under way stay so when SMMUEN or CMDQEN is cleared: a CMD_SYNC that comes later must not tell that
// a device has forgotten what it has not.
#include "smmuv3-nested/device.h"
#include "smmuv3-nested/trace.h"

namespace smmuv3 {

using iommu::InvalidateTracker;
using iommu::TraceClass;
using iommu::TraceLine;

Unit::Executed Unit::send(const AtcInv& command, std::uint64_t now_ns) {
    if (!gate().translating()) return {};  // IGNORED
    const std::uint64_t before = invalidates_.deadline_ns();
    const auto itag = invalidates_.open(command.stream, InvalidateTracker::kTags, now_ns + invalidate_timeout_ns_);
    if (!itag) return {Progress::Waits, {}};
    ++invalidations_;
    const iommu::InvalidateRequest request{.requester = command.stream,
                                           .pasid = command.substream,
                                           .global = command.global,
                                           .range = command.range,
                                           .itag = *itag};
    Executed executed;
    if (traces(TraceClass::Invalidation)) {
        executed.effects.add(TraceLine{TraceClass::Invalidation, invalidate_line(request, invalidate_timeout_ns_)});
    }
    executed.effects.append(iommu::deadline_moved(before, invalidates_.deadline_ns()));
    executed.effects.add(iommu::SendInvalidate{request});
    return executed;
}

// An answer that fits nothing means nothing to the SMMU: no error is defined for it.
void Unit::invalidate_completed(const iommu::InvalidateCompletion& completion) {
    Effects effects;
    {
        const std::lock_guard lock(mutex_);
        const std::uint64_t before = invalidates_.deadline_ns();
        const bool fits = invalidates_.complete(completion);
        if (!fits) ++unexpected_completions_;
        const TraceClass trace_class = fits ? TraceClass::Invalidation : TraceClass::Queue;
        if (traces(trace_class)) effects.add(TraceLine{trace_class, invalidate_completion_line(completion, fits)});
        effects.append(iommu::deadline_moved(before, invalidates_.deadline_ns()));
    }
    perform(effects);
    run_queue();
}

std::uint64_t Unit::deadline_ns() const {
    const std::lock_guard lock(mutex_);
    return invalidates_.deadline_ns();
}

void Unit::tick() {
    const std::uint64_t now_ns = ports_.clock.now_ns();
    Effects effects;
    {
        const std::lock_guard lock(mutex_);
        effects = expire(now_ns);
    }
    perform(effects);
    run_queue();
}

// Those that are late are given up; the next CMD_SYNC, or the one that waits, tells.
Effects Unit::expire(std::uint64_t now_ns) {
    const std::uint64_t before = invalidates_.deadline_ns();
    Effects effects;
    for (const InvalidateTracker::Open& one : invalidates_.list()) {
        if (one.deadline_ns > now_ns || !traces(TraceClass::Queue)) continue;
        const std::uint64_t waited_ns = now_ns - (one.deadline_ns - invalidate_timeout_ns_);
        effects.add(TraceLine{TraceClass::Queue, timeout_line(one, waited_ns)});
    }
    const std::size_t late = invalidates_.expire(now_ns).size();
    timeouts_ += late;
    atc_inv_failed_ = atc_inv_failed_ || late != 0;
    effects.append(iommu::deadline_moved(before, invalidates_.deadline_ns()));
    return effects;
}

}  // namespace smmuv3
