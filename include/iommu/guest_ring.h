// SPDX-License-Identifier: GPL-2.0-or-later
//
// GuestRing: where the entries of a ring in guest memory are, and how its indexes move.
//
// A ring has 2^entries_log2 entries of 2^entry_log2 bytes from a naturally aligned base. Positions are byte offsets
// from the base, as VT-d's head and tail registers hold them. One side writes at its index and moves it; the other
// reads up to there. Equal indexes mean empty; one entry is never used, so that full is not empty.
//
// A plain value, made from the registers when it is needed: a guest that moves the base is obeyed at the next entry.
#ifndef IOMMU_GUEST_RING_H
#define IOMMU_GUEST_RING_H

#include <cstdint>

#include "iommu/address.h"

namespace iommu {

struct GuestRing {
    Pa base;
    unsigned entry_log2 = 4;    // bytes of an entry
    unsigned entries_log2 = 8;  // entries of the ring

    [[nodiscard]] constexpr std::uint64_t bytes() const { return std::uint64_t{1} << (entry_log2 + entries_log2); }
    [[nodiscard]] constexpr bool contains(std::uint64_t position) const { return position < bytes(); }
    [[nodiscard]] constexpr bool aligned(std::uint64_t position) const {
        return (position & low_bits(entry_log2)) == 0;
    }
    [[nodiscard]] constexpr Pa at(std::uint64_t position) const { return base + (position & (bytes() - 1)); }
    [[nodiscard]] constexpr std::uint64_t next(std::uint64_t position) const {
        return (position + (std::uint64_t{1} << entry_log2)) & (bytes() - 1);
    }
    [[nodiscard]] constexpr bool full(std::uint64_t consumer, std::uint64_t producer) const {
        return next(producer) == consumer;
    }
};

// A ring whose indexes count entries and carry a wrap bit above them, as SMMU queues do: equal index and wrap is empty,
// equal index and other wrap is full, and no entry stays unused.
struct WrapRing {
    Pa base;
    unsigned entry_log2 = 4;
    unsigned entries_log2 = 8;

    // Index and wrap bit.
    [[nodiscard]] constexpr std::uint32_t mask() const {
        return static_cast<std::uint32_t>(low_bits(entries_log2 + 1));
    }
    [[nodiscard]] constexpr Pa at(std::uint32_t position) const {
        return base + ((position & low_bits(entries_log2)) << entry_log2);
    }
    [[nodiscard]] constexpr std::uint32_t next(std::uint32_t position) const { return (position + 1) & mask(); }
    [[nodiscard]] constexpr bool empty(std::uint32_t producer, std::uint32_t consumer) const {
        return ((producer ^ consumer) & mask()) == 0;
    }
    [[nodiscard]] constexpr bool full(std::uint32_t producer, std::uint32_t consumer) const {
        return ((producer ^ consumer) & mask()) == std::uint32_t{1} << entries_log2;
    }
};

}  // namespace iommu

#endif  // IOMMU_GUEST_RING_H
