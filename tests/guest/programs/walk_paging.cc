// SPDX-License-Identifier: GPL-2.0-or-later
// walk: translations whose tables the kernel keeps: one made for an IOAS, one asked for, a nest parent without a nest.
#include <array>

#include "walk_bench.h"
#include "walk_steps.h"

namespace guest {
namespace {

constexpr std::uint64_t kIova = 0x12'3456'7000;
constexpr std::uint64_t kBytes = kMiB2;

// Memory of the IOAS at kIova by way of `table`, and nothing around it.
void serves(DeviceBench& bench, std::uint32_t ioas, std::uint32_t table) {
    const Memory memory{kBytes};
    bench.iommu.map(ioas, memory.data(), memory.size(), kIova);
    bench.device.attach(table);
    exchange(bench.endpoint, kIova, memory.at(0, kKiB4));
    exchange(bench.endpoint, kIova + kBytes - kKiB4, memory.at(kBytes - kKiB4, kKiB4));
    refused(bench.endpoint, kIova - kKiB4);
    refused(bench.endpoint, kIova + kBytes);
    bench.iommu.unmap(ioas, kIova, kBytes);
    refused(bench.endpoint, kIova);
}

void paging_auto() {
    DeviceBench bench;
    const std::uint32_t ioas = bench.iommu.ioas();
    serves(bench, ioas, ioas);
}

void paging_hwpt() {
    DeviceBench bench;
    const std::uint32_t ioas = bench.iommu.ioas();
    serves(bench, ioas, bench.iommu.hwpt({.device = bench.device.id(), .parent = ioas}));
}

// The device is attached to the parent itself: its second stage alone.
void nest_parent() {
    DeviceBench bench;
    const std::uint32_t ioas = bench.iommu.ioas();
    std::uint32_t parent = 0;
    const int error = bench.iommu.try_hwpt(
        {.device = bench.device.id(), .parent = ioas, .flags = IOMMU_HWPT_ALLOC_NEST_PARENT}, parent);
    if (error == EOPNOTSUPP) skip("the unit has no nested translation");
    check(error == 0, "IOMMU_HWPT_ALLOC of a nest parent: " + error_text(error));
    serves(bench, ioas, parent);
}

// What the IOAS maps for reading only is not written, and the other way round.
void read_only() {
    DeviceBench bench;
    const Memory memory{2 * kKiB4};
    const std::uint32_t ioas = bench.iommu.ioas();
    bench.iommu.map(ioas, memory.data(), kKiB4, kIova, Rights::Read);
    bench.device.attach(ioas);
    mark_page(memory.at(0, kKiB4), 0);
    std::array<std::uint8_t, 64> bytes{};
    check(bench.endpoint.read(kIova, bytes).good(), "a page for reading cannot be read");
    check(!bench.endpoint.write(kIova, bytes).good(), "a page for reading was written");
    check(!bench.endpoint.fetch_add(kIova, 1).good(), "an atomic access changed a page for reading");
}

constexpr std::array kSteps{
    Step{"paging-ioas", paging_auto},
    Step{"paging-hwpt", paging_hwpt},
    Step{"paging-read-only", read_only},
    Step{"nest-parent", nest_parent},
};

}  // namespace

std::span<const Step> walk_paging_steps() { return kSteps; }

}  // namespace guest
