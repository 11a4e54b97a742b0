// SPDX-License-Identifier: GPL-2.0-or-later
// walk: a first-stage entry that changed is not seen before it is invalidated, and is seen after that.
//
// An architecture allows a unit to forget at any time; these units do not forget without an invalidation, and the steps
// hold them to it: else an invalidation that does nothing would pass. One may take more from the IOTLB than it names
// (docs/deviations.md), but from a device only that.
#include <array>

#include "smmuv3_words.h"
#include "walk_bench.h"
#include "walk_steps.h"

namespace guest {
namespace {

constexpr std::uint64_t kIova = 0x12'4000'0000;
constexpr unsigned kOld = 0, kNew = 1;

// The translation is kept by the unit's IOTLB alone, or by the device too.
constexpr How kIotlb{};
constexpr How kAtc{.via = Via::Atc};

void must_command(Nest& nest, const std::array<std::uint64_t, 2>& command, const char* name) {
    const int error = nest.try_command(command[0], command[1]);
    check(error == 0, std::string{name} + ": " + error_text(error));
}

NestBench bench_for(const How& how) { return NestBench{how.via == Via::Atc ? Ats::On : Ats::Off}; }

void need(const NestBench& bench, const How& how) {
    if (how.via == Via::Atc) need_ats(bench.endpoint);
}

// Cached with its old content, and changed.
void make_stale(NestBench& bench, std::uint64_t iova, unsigned old_page, unsigned new_page, const How& how,
                unsigned substream = 0) {
    bench.map(iova, old_page, Rights::ReadWrite, substream);
    bench.expect_page(iova, old_page, "before the change", how);
    bench.map(iova, new_page, Rights::ReadWrite, substream);
    bench.expect_page(iova, old_page, "after the change", how);
}

void page(const How& how) {
    NestBench bench = bench_for(how);
    need(bench, how);
    make_stale(bench, kIova, kOld, kNew, how);
    make_stale(bench, kIova + kKiB4, kOld, kNew, how);
    bench.nest.invalidate_pages(kIova, 1);
    bench.expect_page(kIova, kNew, "after the invalidation", how);
    if (how.via == Via::Atc) bench.expect_page(kIova + kKiB4, kOld, "after an invalidation of the page before it", how);
}

// Eight pages of sixteen.
void range(const How& how) {
    NestBench bench = bench_for(how);
    need(bench, how);
    constexpr unsigned kCount = 16, kRange = 8;
    for (unsigned index = 0; index < kCount; ++index)
        make_stale(bench, kIova + index * kKiB4, index, NestBench::kPages - 1 - index, how);
    bench.nest.invalidate_pages(kIova, kRange);
    for (unsigned index = 0; index < (how.via == Via::Atc ? kCount : kRange); ++index)
        bench.expect_page(kIova + index * kKiB4, index < kRange ? NestBench::kPages - 1 - index : index,
                          "after the invalidation of eight pages", how);
}

// For a change of the leaf it is enough to say that only leaves changed.
void leaf(const How& how) {
    NestBench bench = bench_for(how);
    need(bench, how);
    make_stale(bench, kIova, kOld, kNew, how);
    bench.nest.invalidate_pages(kIova, 1, Leaf::Yes);
    bench.expect_page(kIova, kNew, "after the invalidation", how);
}

// The entry that changes is the one that points to the table of the leaf.
void table(const How& how) {
    NestBench bench = bench_for(how);
    need(bench, how);
    constexpr std::uint64_t kElsewhere = kIova + kGiB1;
    bench.map(kIova, kOld);
    bench.map(kElsewhere, kNew);
    bench.expect_page(kIova, kOld, "before the change", how);
    FirstStage& tables = bench.nest.tables();
    *tables.leaf(kIova, 21) = *tables.leaf(kElsewhere, 21);
    bench.expect_page(kIova, kOld, "after the change", how);
    bench.nest.invalidate_pages(kIova, 1);
    bench.expect_page(kIova, kNew, "after the invalidation", how);
}

// A leaf of 2 MiB over pages of 4 KiB: any of its addresses stands for all of it.
void large(const How& how) {
    NestBench bench = bench_for(how);
    need(bench, how);
    mark_page(bench.nest.data(kMiB2, kKiB4), NestBench::kPages);
    mark_page(bench.nest.data(kMiB2 + kKiB4, kKiB4), NestBench::kPages + 1);
    bench.nest.tables().map(kIova, Nest::data_ipa(0), 21);
    bench.expect_page(kIova, 0, "before the change", how);
    bench.expect_page(kIova + kKiB4, 1, "before the change", how);
    bench.nest.tables().map(kIova, Nest::data_ipa(kMiB2), 21);
    bench.expect_page(kIova, 0, "after the change", how);
    bench.expect_page(kIova + kKiB4, 1, "after the change", how);
    // A device's own entries have the size that it was told, 4 KiB, and are named one by one.
    bench.nest.invalidate_pages(kIova, how.via == Via::Atc ? 2 : 1);
    bench.expect_page(kIova, NestBench::kPages, "after the invalidation", how);
    bench.expect_page(kIova + kKiB4, NestBench::kPages + 1, "after the invalidation", how);
}

// A right that was taken away is gone after the invalidation.
void rights(const How& how) {
    NestBench bench = bench_for(how);
    need(bench, how);
    std::array<std::uint8_t, 8> bytes{};
    bench.map(kIova, kOld);
    check(bench.endpoint.write(kIova, bytes, how).good(), "a write before the change was refused");
    bench.map(kIova, kOld, Rights::Read);
    check(bench.endpoint.write(kIova, bytes, how).good(), "a write before the invalidation was refused");
    bench.nest.invalidate_pages(kIova, 1);
    check(!bench.endpoint.write(kIova, bytes, how).good(), "a write to a page that is now for reading was done");
    check(bench.endpoint.read(kIova, bytes, how).good(), "a read of a page for reading was refused");
}

void all(const How& how) {
    NestBench bench = bench_for(how);
    need(bench, how);
    constexpr std::uint64_t kFar = std::uint64_t{1} << 46;
    make_stale(bench, kIova, kOld, kNew, how);
    make_stale(bench, kFar, kOld, kNew, how);
    bench.nest.invalidate_all();
    bench.expect_page(kIova, kNew, "after the invalidation of everything", how);
    bench.expect_page(kFar, kNew, "after the invalidation of everything", how);
}

// CMD_TLBI_* is not for devices: what they keep goes by CMD_ATC_INV. [SMMU G.b s4.5]
void atc_apart() {
    only_on(UnitKind::Smmuv3, "with VT-d the kernel invalidates both at once");
    NestBench bench{Ats::On};
    need_ats(bench.endpoint);
    make_stale(bench, kIova, kOld, kNew, kAtc);
    must_command(bench.nest, smmuv3::tlbi_nh_va(1, kIova, false), "CMD_TLBI_NH_VA");
    bench.expect_page(kIova, kOld, "after CMD_TLBI_NH_VA", kAtc);
    must_command(bench.nest, smmuv3::atc_inv(Nest::kVirtualId, 0, kIova, 0), "CMD_ATC_INV");
    bench.expect_page(kIova, kNew, "after CMD_ATC_INV", kAtc);
}

// Two SubstreamIDs with the ASIDs 2 and 3.
struct TwoSpaces {
    TwoSpaces() {
        only_on(UnitKind::Smmuv3, "VT-d has no ASID: a nested hwpt is a space");
        need_pasids(bench);
        for (const unsigned substream : {1u, 2u})
            make_stale(bench, kIova, kOld, kNew, {.pasid = substream}, substream);
    }
    void expect(unsigned first, unsigned second, const char* when) {
        bench.expect_page(kIova, first, when, {.pasid = 1});
        bench.expect_page(kIova, second, when, {.pasid = 2});
    }
    NestBench bench;
};

void by_asid() {
    TwoSpaces two;
    must_command(two.bench.nest, smmuv3::tlbi_nh_asid(2), "CMD_TLBI_NH_ASID");
    two.expect(kNew, kOld, "after CMD_TLBI_NH_ASID of the first");
    must_command(two.bench.nest, smmuv3::tlbi_nh_va(3, kIova, true), "CMD_TLBI_NH_VA");
    two.expect(kNew, kNew, "after CMD_TLBI_NH_VA of the second");
}

void in_every_asid(const std::array<std::uint64_t, 2>& command, const char* name) {
    TwoSpaces two;
    must_command(two.bench.nest, command, name);
    two.expect(kNew, kNew, name);
}

void by_vaa() { in_every_asid({smmuv3::kTlbiNhVaa, kIova}, "CMD_TLBI_NH_VAA"); }
void by_nh_all() { in_every_asid({smmuv3::kTlbiNhAll, 0}, "CMD_TLBI_NH_ALL"); }
void by_nsnh_all() { in_every_asid({smmuv3::kTlbiNsnhAll, 0}, "CMD_TLBI_NSNH_ALL"); }

constexpr std::array kSteps{
    Step{"stale-page", [] { page(kIotlb); }},
    Step{"stale-page-atc", [] { page(kAtc); }},
    Step{"stale-range", [] { range(kIotlb); }},
    Step{"stale-range-atc", [] { range(kAtc); }},
    Step{"stale-leaf", [] { leaf(kIotlb); }},
    Step{"stale-leaf-atc", [] { leaf(kAtc); }},
    Step{"stale-table", [] { table(kIotlb); }},
    Step{"stale-table-atc", [] { table(kAtc); }},
    Step{"stale-large", [] { large(kIotlb); }},
    Step{"stale-large-atc", [] { large(kAtc); }},
    Step{"stale-rights", [] { rights(kIotlb); }},
    Step{"stale-rights-atc", [] { rights(kAtc); }},
    Step{"stale-all", [] { all(kIotlb); }},
    Step{"stale-all-atc", [] { all(kAtc); }},
    Step{"stale-atc-apart", atc_apart},
    Step{"stale-by-asid", by_asid},
    Step{"stale-by-vaa", by_vaa},
    Step{"stale-by-nh-all", by_nh_all},
    Step{"stale-by-nsnh-all", by_nsnh_all},
};

}  // namespace

std::span<const Step> walk_stale_steps() { return kSteps; }

}  // namespace guest
