// SPDX-License-Identifier: GPL-2.0-or-later
//
// bench_smmu_guest: as bench_guest.h, for an SMMUv3: the same 64K pages mapped for one stream.
//
//     auto guest = make_smmu_guest(SmmuMode::Nested, kPages);
//     guest->unit.translate(smmu_request(page_address(17)));
#ifndef TESTS_BENCH_BENCH_SMMU_GUEST_H
#define TESTS_BENCH_BENCH_SMMU_GUEST_H

#include <cstdint>
#include <memory>

#include "bench_guest.h"
#include "smmu_guest.h"

namespace bench {

enum class SmmuMode : std::uint8_t { Bypass, Stage1, Stage2, Nested };

// SubstreamIDs 1..kSmmuSubstreams have CDs of their own, for the tables that the stream itself uses.
inline constexpr std::uint32_t kSmmuSubstreams = 255;
inline constexpr std::uint64_t kSmmuVmid = 3, kSmmuAsid = 1;

// A read by the stream.
[[nodiscard]] iommu::Request smmu_request(std::uint64_t iova);

// Translating, with its queues on. Throws when it does not translate.
[[nodiscard]] std::unique_ptr<test::smmu::Guest> make_smmu_guest(SmmuMode mode, std::uint32_t iotlb_entries);

// A TLBI of 1 or 512 pages, as Linux sends it: with the granule and the level of the leaf.
[[nodiscard]] test::smmu::Command smmu_page_invalidation(SmmuMode mode, std::uint64_t address, bool many);

// Reads each page once.
void touch(test::smmu::Guest& guest, std::uint32_t first, std::uint32_t count);

}  // namespace bench

#endif  // TESTS_BENCH_BENCH_SMMU_GUEST_H
