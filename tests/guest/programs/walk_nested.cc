// SPDX-License-Identifier: GPL-2.0-or-later
// walk: both stages, every page size of one with every page size of the other, and contexts for SubstreamIDs.
#include <algorithm>
#include <array>

#include "smmuv3_words.h"
#include "walk_bench.h"
#include "walk_steps.h"

namespace guest {
namespace {

constexpr std::uint64_t kIova = 0x12'4000'0000;  // aligned to 1 GiB
constexpr std::array kFirstStages{12u, 21u, 30u};

// A first-stage leaf of 2^`first_log2` bytes over a second stage with leaves of 2^`second_log2`.
void one_size(NestBench& bench, unsigned first_log2, unsigned second_log2) {
    // Its IPA is that of the data, or one below it that a leaf of 1 GiB can have.
    const std::uint64_t mask = (std::uint64_t{1} << first_log2) - 1;
    const std::uint64_t iova = kIova + (std::uint64_t{first_log2} << 32);
    bench.nest.tables().map(iova, Nest::data_ipa(0) & ~mask, first_log2);
    const std::uint64_t begin = iova + (Nest::data_ipa(0) & mask);
    const std::uint64_t bytes = std::min(mask + 1, Nest::kDataBytes);
    for (const std::uint64_t offset : {std::uint64_t{0}, bytes / 2, bytes - kKiB4})
        exchange(bench.endpoint, begin + offset, bench.nest.data(offset, kKiB4));
    refused(bench.endpoint, iova - kKiB4);
    refused(bench.endpoint, iova + mask + 1);
    if (!bench.endpoint.enabled(AE_ENABLES_ATS)) return;
    // What the unit tells a device is the smaller page.
    const auto translation = bench.endpoint.translate(begin);
    if (!translation) fail("a translation request was refused");
    check_equal(translation->size_log2, std::min(first_log2, second_log2), "log2 of the translation's size");
}

void sizes(std::uint64_t second_bytes, unsigned second_log2) {
    NestBench bench{Ats::On, second_bytes};
    for (const unsigned first_log2 : kFirstStages)
        one_size(bench, first_log2, second_log2);
}

void second_4k() { sizes(kKiB4, 12); }
void second_2m() { sizes(kMiB2, 21); }
void second_1g() { sizes(kGiB1, 30); }

constexpr unsigned kSubstreams = 4;

How with(unsigned substream) { return {.pasid = substream}; }

void need_substreams(DeviceBench& bench) {
    only_on(UnitKind::Smmuv3, "a nested hwpt of VT-d has one table; a PASID has a hwpt of its own");
    need_pasids(bench);
}

// The same address is another page for each, and for requests without one.
void substreams() {
    NestBench bench;
    need_substreams(bench);
    for (unsigned substream = 0; substream < kSubstreams; ++substream)
        bench.map(kIova, substream, Rights::ReadWrite, substream);
    bench.expect_page(kIova, 0, "without a SubstreamID");
    for (unsigned substream = 1; substream < kSubstreams; ++substream)
        bench.expect_page(kIova, substream, "by its own tables", with(substream));
}

// A CD is kept as it was read until CMD_CFGI_CD. [SMMU G.b s3.21.3] The new one has another ASID, so that no cached
// translation is in the way.
void context_changed() {
    NestBench bench;
    need_substreams(bench);
    bench.map(kIova, 5, Rights::ReadWrite, 1);
    FirstStage others{UnitKind::Smmuv3, bench.nest.pool()};
    others.map(kIova, Nest::data_ipa(6 * kKiB4), 12);
    bench.expect_page(kIova, 5, "before", with(1));
    bench.nest.set_context(1, others.root(), 0x77);
    bench.expect_page(kIova, 5, "after the CD changed", with(1));
    const auto one = smmuv3::cfgi_cd(Nest::kVirtualId, 1);
    check(bench.nest.try_command(one[0], one[1]) == 0, "CMD_CFGI_CD was refused");
    bench.expect_page(kIova, 6, "after CMD_CFGI_CD", with(1));
    bench.nest.set_context(1, bench.nest.tables(1).root(), 2);
    bench.expect_page(kIova, 6, "after the CD changed back", with(1));
    const std::uint64_t all = smmuv3::kCfgiCdAll | Nest::kVirtualId << 32;
    check(bench.nest.try_command(all, 0) == 0, "CMD_CFGI_CD_ALL was refused");
    bench.expect_page(kIova, 5, "after CMD_CFGI_CD_ALL", with(1));
}

constexpr std::array kSteps{
    Step{"nested-second-4k", second_4k},
    Step{"nested-second-2m", second_2m},
    Step{"nested-second-1g", second_1g},
    Step{"nested-substreams", substreams},
    Step{"nested-context-changed", context_changed},
};

}  // namespace

std::span<const Step> walk_nested_steps() { return kSteps; }

}  // namespace guest
