// SPDX-License-Identifier: GPL-2.0-or-later
//
// InFlight: what the invalidation queue has fetched and not finished. [VTD 5.10 s4.3, s6.5.2.9-s6.5.2.12]
//
// Invalidate Requests that devices have not answered yet, and the waits behind them. A wait is due when every request
// that was sent before it was fetched has ended, whoever answered in which order; so waits become due, and are taken,
// in the order they were fetched. A wait with FN=1 holds back what follows it, so it is always the last one here.
//
// Both are bounded: a request that gets no ITag, or a wait too many, is not taken, and its descriptor stays at the head
// of the queue.
//
// No lock and no clock; the unit's lock protects it.
#ifndef VTD_NESTED_IN_FLIGHT_H
#define VTD_NESTED_IN_FLIGHT_H

#include <optional>
#include <span>
#include <vector>

#include "iommu/endpoint_protocol.h"
#include "vtd-nested/commands.h"

namespace vtd {

class InFlight {
  public:
    static constexpr std::size_t kMostWaits = 64;
    // Of a saved state: three counts, two words for each request and each wait.
    static constexpr std::size_t kStateWords = 3 + 2 * (iommu::InvalidateTracker::kMost + kMostWaits);

    [[nodiscard]] const std::vector<iommu::InvalidateTracker::Open>& open() const { return tracker_.list(); }
    [[nodiscard]] std::uint64_t deadline_ns() const { return tracker_.deadline_ns(); }

    // The message to send, with its ITag. Nothing when no ITag is free, or as many are open as MIP allows.
    [[nodiscard]] std::optional<iommu::InvalidateRequest> send(const DeviceInvalidation& command,
                                                               std::uint64_t deadline_ns);
    // False when the answer names what is not open with its sender; what is open with it is answered all the same.
    [[nodiscard]] bool complete(const iommu::InvalidateCompletion& completion) { return tracker_.complete(completion); }
    // Ends the requests whose time is over, and says whose they were, oldest first.
    [[nodiscard]] std::vector<iommu::RequesterId> expire(std::uint64_t now_ns) { return tracker_.expire(now_ns); }

    // Nothing is in flight: a wait that is fetched now is due at once.
    [[nodiscard]] bool idle() const { return waits_.empty() && open().empty(); }
    // Behind everything that was sent so far. False when there is no room.
    [[nodiscard]] bool add(const Wait& wait);
    [[nodiscard]] bool has_due() const { return !waits_.empty() && tracker_.ended(waits_.front().behind); }
    [[nodiscard]] std::optional<Wait> take_due();
    // Nothing may be fetched before the last wait has completed.
    [[nodiscard]] bool fenced() const { return !waits_.empty() && waits_.back().wait.fence; }
    // A request is open that was sent after the last wait was fetched.
    [[nodiscard]] bool uncovered() const { return !open().empty() && open().back().number >= covered_; }
    // They never complete. Says how many there were.
    std::size_t abort_waits();

    void clear() { *this = {}; }
    // Exactly kStateWords. What was counted since reset does not matter, only what came before what.
    void save(std::span<std::uint64_t> words) const;
    // Takes any words: what cannot be is left out or brought within bounds.
    void load(std::span<const std::uint64_t> words);

  private:
    struct PendingWait {
        Wait wait;
        std::uint64_t behind = 0;  // how many requests had been sent before
    };
    // How many of the open requests are among the first `number` sent.
    [[nodiscard]] std::uint64_t open_before(std::uint64_t number) const;

    iommu::InvalidateTracker tracker_;
    std::vector<PendingWait> waits_;  // in the order they were fetched
    std::uint64_t covered_ = 0;       // how many requests had been sent when the last wait was put here
};

}  // namespace vtd

#endif  // VTD_NESTED_IN_FLIGHT_H
