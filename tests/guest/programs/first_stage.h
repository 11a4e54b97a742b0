// SPDX-License-Identifier: GPL-2.0-or-later
// FirstStage: page tables that user space writes, 4 levels of 4 KiB tables, for input addresses of 48 bits.
//
// On VT-d they have the format of x86-64 [VTD 5.10 s9.7], on SMMUv3 that of VMSAv8-64 with a granule of 4 KiB. They
// live in a Pool: memory that the parent hwpt maps, so every address in them is an intermediate one (IPA). The tables
// know nothing of caches: who changes an entry must invalidate (nest.h).
#pragma once

#include <cstdint>

#include "iommufd.h"
#include "pci.h"

namespace guest {

// Hands out zeroed memory that the unit sees at an IPA; nothing is given back.
class Pool {
  public:
    Pool(std::uint8_t* memory, std::uint64_t ipa, std::uint64_t bytes) : memory_{memory}, ipa_{ipa}, bytes_{bytes} {}

    // Aligned to its own size, which is a power of two of at least 4 KiB. The IPA.
    std::uint64_t take(std::uint64_t bytes);
    [[nodiscard]] std::uint64_t* words(std::uint64_t ipa) const;

  private:
    std::uint8_t* memory_;
    std::uint64_t ipa_;
    std::uint64_t bytes_;
    std::uint64_t used_ = 0;
};

class FirstStage {
  public:
    FirstStage(UnitKind format, Pool& pool);

    // The top table's IPA.
    [[nodiscard]] std::uint64_t root() const { return root_; }

    // A leaf of 2^page_log2 bytes (12, 21 or 30); both addresses are aligned to it. What was there is replaced.
    void map(std::uint64_t iova, std::uint64_t ipa, unsigned page_log2, Rights rights = Rights::ReadWrite);
    // Clears the leaf.
    void unmap(std::uint64_t iova, unsigned page_log2);

    // The leaf's place in memory, its tables made on the way.
    [[nodiscard]] volatile std::uint64_t* leaf(std::uint64_t iova, unsigned page_log2);
    // The table's IPA that has the leaf.
    [[nodiscard]] std::uint64_t table_of(std::uint64_t iova, unsigned page_log2);

  private:
    [[nodiscard]] std::uint64_t leaf_word(std::uint64_t ipa, unsigned page_log2, Rights rights) const;

    UnitKind format_;
    Pool& pool_;
    std::uint64_t root_;
};

}  // namespace guest
