// SPDX-License-Identifier: GPL-2.0-or-later
//
// dma_drain: what a wait has to know of DMA that is under way.
//
// A DMA translates, and then copies. Software that sees a wait completed may give away the page that an invalidation
// before it took from a device; so a DMA that was given the old translation must have ended by then. The unit cannot
// see how long a copy takes. Its environment can (the port DmaUsers), and is asked with a ticket: how many times the
// unit had invalidated something by then. The answer to a ticket is good for all that was invalidated before it, and
// for nothing after; it may come late, twice, or when the machine was reset meanwhile, and means the same.
//
//     drain.invalidated();                                     // with each invalidation
//     if (drain.to_ask()) ticket = drain.ask();                // at a wait; then, with no lock held:
//     port.drain(ticket) drain.drained(ticket);                                   // the answer if (drain.done()) ...
//     // the wait may complete
//
// DmaDrain has no lock; the unit's lock protects it.
#ifndef IOMMU_DMA_DRAIN_H
#define IOMMU_DMA_DRAIN_H

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace iommu {

class DmaDrain {
  public:
    void invalidated() { ++invalidated_; }
    // Something was invalidated since it was asked for DMA.
    [[nodiscard]] bool to_ask() const { return asked_ != invalidated_; }
    [[nodiscard]] std::uint64_t ask() { return asked_ = invalidated_; }
    // All DMA that was under way when it was asked for with `ticket` has ended. A ticket that nobody has means nothing.
    void drained(std::uint64_t ticket) {
        if (ticket <= asked_) drained_ = std::max(drained_, ticket);
    }
    // No DMA uses what was invalidated; or what was when that ticket was given.
    [[nodiscard]] bool done() const { return done(invalidated_); }
    [[nodiscard]] bool done(std::uint64_t ticket) const { return drained_ >= ticket; }

  private:
    std::uint64_t invalidated_ = 0;
    std::uint64_t asked_ = 0;    // at most invalidated_
    std::uint64_t drained_ = 0;  // at most asked_
};

// Whether anybody has ever come of whom an invalidation must know. A thread comes before it looks at what invalidations
// move (the epochs of the caches); who invalidates moves that first, and then looks whether anybody has come. Both
// change the same word, so one of them is first. If the invalidation is, the thread sees what it moved, and finds
// nothing old; if the thread is, it is seen.
class Arrivals {
  public:
    constexpr Arrivals() = default;
    // One who sees that another has come has seen all that this one saw.
    void come() {
        if (came_.load(std::memory_order_acquire) == 0) came_.exchange(1, std::memory_order_acq_rel);
    }
    [[nodiscard]] bool any_for_certain() { return came_.fetch_or(0, std::memory_order_acq_rel) != 0; }
    [[nodiscard]] bool any_yet() const { return came_.load(std::memory_order_acquire) != 0; }

  private:
    std::atomic<unsigned> came_{0};
};

}  // namespace iommu

#endif  // IOMMU_DMA_DRAIN_H
