// SPDX-License-Identifier: GPL-2.0-or-later
//
// generations: dropping any number of cache entries by counting up one number.
//
// A cached entry keeps a *stamp*: the sum of the counters of everything it belongs to (all, its domain, its space,
// ...). Counters only grow, so the sum is what it was exactly when no counter has moved since; dropping a domain is one
// increment, and no entry has to be found. Counters are 64 bits: they do not come round.
//
// A table has fewer counters than there are names. Names that share one are dropped together, which costs a walk and is
// always allowed.
#ifndef IOMMU_GENERATIONS_H
#define IOMMU_GENERATIONS_H

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "iommu/ids.h"

namespace iommu {

class Generation {
  public:
    [[nodiscard]] std::uint64_t now() const { return value_.load(std::memory_order_acquire); }
    void bump() { value_.fetch_add(1, std::memory_order_acq_rel); }

  private:
    std::atomic<std::uint64_t> value_{0};
};

class GenerationTable {
  public:
    static constexpr std::size_t kCounters = 4096;  // a power of two

    [[nodiscard]] std::uint64_t now(std::uint64_t name) const { return counters_[name % kCounters].now(); }
    void bump(std::uint64_t name) { counters_[name % kCounters].bump(); }
    // Valid as long as the table.
    [[nodiscard]] const Generation& of(std::uint64_t name) const { return counters_[name % kCounters]; }

  private:
    std::array<Generation, kCounters> counters_{};
};

// One name for a space of a domain. Neighbouring PASIDs of one domain, and one PASID of neighbouring domains, get
// different counters.
[[nodiscard]] constexpr std::uint64_t space_name(DomainTag domain, SpaceTag space) {
    return space.value + std::uint64_t{domain.value} * 61;
}

}  // namespace iommu

#endif  // IOMMU_GENERATIONS_H
