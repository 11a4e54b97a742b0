// SPDX-License-Identifier: GPL-2.0-or-later
// walk: what IOMMU_IOAS_UNMAP takes from a nest parent is out of the nested translation's reach at once, and what is
// mapped in its place is seen.
#include <array>

#include "walk_bench.h"
#include "walk_steps.h"

namespace guest {
namespace {

constexpr std::uint64_t kIova = 0x12'4000'0000;
constexpr std::uint64_t kIpa = 8 * kGiB1;
constexpr unsigned kOld = NestBench::kPages, kNew = kOld + 1;

constexpr How kIotlb{};
constexpr How kAtc{.via = Via::Atc};

// The kernel has all of the devices' ATCs dropped too: it cannot tell which input addresses lead to the page.
void change(const How& how) {
    NestBench bench{how.via == Via::Atc ? Ats::On : Ats::Off};
    if (how.via == Via::Atc) need_ats(bench.endpoint);
    const Memory memory{2 * kKiB4};
    mark_page(memory.at(0, kKiB4), kOld);
    mark_page(memory.at(kKiB4, kKiB4), kNew);
    bench.iommu.map(bench.nest.ioas(), memory.data(), kKiB4, kIpa);
    bench.nest.tables().map(kIova, kIpa, 12);
    bench.map(kIova + kKiB4, 3);
    bench.expect_page(kIova, kOld, "before the change", how);
    bench.expect_page(kIova + kKiB4, 3, "before the change", how);
    bench.iommu.unmap(bench.nest.ioas(), kIpa, kKiB4);
    bench.expect_page(kIova, NestBench::kRefused, "after IOMMU_IOAS_UNMAP", how);
    bench.expect_page(kIova + kKiB4, 3, "after IOMMU_IOAS_UNMAP of another page", how);
    bench.iommu.map(bench.nest.ioas(), memory.data() + kKiB4, kKiB4, kIpa);
    bench.expect_page(kIova, kNew, "after IOMMU_IOAS_MAP of other memory", how);
    exchange(bench.endpoint, kIova, memory.at(kKiB4, kKiB4), how);
}

// The table of the leaf is in the memory that goes.
void table_unmapped() {
    NestBench bench;
    const Memory memory{kKiB4};
    bench.map(kIova, 3);
    FirstStage& tables = bench.nest.tables();
    const std::uint64_t leaf = *tables.leaf(kIova, 12);
    *reinterpret_cast<std::uint64_t*>(memory.data()) = leaf;
    bench.iommu.map(bench.nest.ioas(), memory.data(), memory.size(), kIpa);
    volatile std::uint64_t* link = tables.leaf(kIova, 21);
    *link = (*link & (kKiB4 - 1)) | kIpa;
    bench.expect_page(kIova, 3, "before the change");
    bench.iommu.unmap(bench.nest.ioas(), kIpa, memory.size());
    bench.nest.invalidate_all();
    bench.expect_page(kIova, NestBench::kRefused, "after its table was unmapped");
}

// The other way round: what was missing in the second stage is seen without invalidation once it is mapped.
void mapped_later() {
    NestBench bench;
    const Memory memory{kKiB4};
    mark_page(memory.at(0, kKiB4), kNew);
    bench.nest.tables().map(kIova, kIpa, 12);
    bench.expect_page(kIova, NestBench::kRefused, "before IOMMU_IOAS_MAP");
    bench.iommu.map(bench.nest.ioas(), memory.data(), memory.size(), kIpa);
    bench.expect_page(kIova, kNew, "after IOMMU_IOAS_MAP");
}

constexpr std::array kSteps{
    Step{"parent-change", [] { change(kIotlb); }},
    Step{"parent-change-atc", [] { change(kAtc); }},
    Step{"parent-table-unmapped", table_unmapped},
    Step{"parent-mapped-later", mapped_later},
};

}  // namespace

std::span<const Step> walk_parent_steps() { return kSteps; }

}  // namespace guest
