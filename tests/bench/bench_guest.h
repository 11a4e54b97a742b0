// SPDX-License-Identifier: GPL-2.0-or-later
//
// bench_guest: guests that are ready to be measured, with 64K pages mapped for one device.
//
//     auto guest = make_guest(Mode::Nested, kPages);          // an IOTLB that holds all of them
//     guest->unit.translate(request_for(page_address(17)));
//
// The pages' addresses differ in input and output; leaves and tables have their accessed and dirty bits set, so that
// nothing is written to the tables while something is measured.
#ifndef TESTS_BENCH_BENCH_GUEST_H
#define TESTS_BENCH_BENCH_GUEST_H

#include <cstdint>
#include <memory>
#include <vector>

#include "vtd_guest.h"

namespace bench {

enum class Mode : std::uint8_t { PassThrough, Legacy, SecondStage, FirstStage, Nested };

inline constexpr std::uint32_t kPages = 65536;
inline constexpr std::uint64_t kDomain = 7;

[[nodiscard]] constexpr std::uint64_t page_address(std::uint32_t page) {
    return 0x100000000 + (std::uint64_t{page} << 12);
}

// A read by the device.
[[nodiscard]] iommu::Request request_for(std::uint64_t iova);

// Translating, with its queue on. Throws when it does not translate.
[[nodiscard]] std::unique_ptr<test::Guest> make_guest(Mode mode, std::uint32_t iotlb_entries);

// A page-selective invalidation that reaches the mode's entries.
[[nodiscard]] test::Words4 page_invalidation(Mode mode, std::uint64_t iova, unsigned pages_log2);

// The ports record what they are told; nobody looks at it here.
void forget(test::FakePorts& ports);

// Reads each page once.
void touch(test::Guest& guest, std::uint32_t first, std::uint32_t count);

[[nodiscard]] std::vector<std::uint32_t> shuffled_pages();

}  // namespace bench

#endif  // TESTS_BENCH_BENCH_GUEST_H
