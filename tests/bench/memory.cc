// SPDX-License-Identifier: GPL-2.0-or-later
//
// memory: what a unit of the default size takes of the host's memory, and that work does not add to it.
//
// A million times on each unit a page is mapped to another place, reached by DMA, unmapped, and invalidated by a
// command with a completion behind it, as a guest in strict mode does. Says what was found; exit status 1 when a unit
// takes more than kMostBytes, when the work has left something behind, or when a DMA found an older page.
#include <malloc.h>

#include <cstdio>
#include <functional>

#include "bench_guest.h"
#include "bench_smmu_guest.h"
#include "iommu/tuning.h"

using namespace bench;

namespace {

constexpr std::uint32_t kCycles = 1'000'000;
constexpr std::uint32_t kWarmCycles = 2 * kPages;  // each page twice: what is made once has been made
constexpr std::size_t kMostBytes = std::size_t{8} << 20;
constexpr std::uint64_t kSomewhere = 0x200000000;

std::size_t in_use() {
    const struct mallinfo2 heap = mallinfo2();
    return heap.uordblks + heap.hblkhd;
}

std::uint64_t place_in(std::uint32_t cycle) { return kSomewhere + (std::uint64_t{cycle} << 12); }

// One page's life; false when the DMA did not reach where the page is now.
using Cycle = std::function<bool(std::uint64_t iova, std::uint64_t output)>;

bool run(const Cycle& cycle, std::uint32_t first, std::uint32_t count) {
    for (std::uint32_t i = first; i < first + count; ++i) {
        if (!cycle(page_address(i % kPages), place_in(i))) return false;
    }
    return true;
}

bool judge(const char* name, const Cycle& cycle) {
    if (!run(cycle, 0, kWarmCycles)) return std::printf("%s: a DMA did not reach its page\n", name), false;
    const std::size_t before = in_use();
    if (!run(cycle, kWarmCycles, kCycles)) return std::printf("%s: a DMA reached an older page\n", name), false;
    const std::size_t after = in_use();
    std::printf("%s: %u times mapped, reached, unmapped and invalidated: %zu bytes before, %zu after\n", name, kCycles,
                before, after);
    return after <= before;
}

bool reaches(const iommu::Reply& reply, std::uint64_t output) {
    return reply.outcome == iommu::Outcome::Translated && reply.translation.address.value == output;
}

bool judge_vtd() {
    const auto guest = make_guest(Mode::FirstStage, iommu::Tuning{}.iotlb_entries);
    const std::uint64_t status = guest->alloc_page();
    guest->submit(test::iotlb(1));
    return judge("vtd-nested", [&](std::uint64_t iova, std::uint64_t output) {
        guest->map_first(iova, output, test::kP | test::kRW | test::kUS | test::kA | test::kD);
        const bool reached = reaches(guest->unit.translate(request_for(iova)), output);
        guest->map_first(iova, 0, 0);
        guest->put(page_invalidation(Mode::FirstStage, iova, 0));
        guest->submit(test::wait_status(status, 1));
        forget(guest->ports);
        return reached;
    });
}

bool judge_smmu() {
    const auto guest = make_smmu_guest(SmmuMode::Stage1, iommu::Tuning{}.iotlb_entries);
    guest->submit(test::smmu::tlbi_nsnh_all());
    return judge("smmuv3-nested", [&](std::uint64_t iova, std::uint64_t output) {
        guest->map(guest->low, iova, output, test::smmu::kPage);
        const bool reached = reaches(guest->unit.translate(smmu_request(iova)), output);
        guest->map(guest->low, iova, 0, 0);
        guest->put(smmu_page_invalidation(SmmuMode::Stage1, iova, false));
        guest->submit(test::smmu::cmd_sync());
        forget(guest->ports);
        return reached;
    });
}

// With all its tables, and one thread's share of what each thread remembers.
template <class Unit, class Capabilities>
bool judge_size(const char* name, const Capabilities& capabilities, const iommu::Request& request) {
    test::FakePorts ports;
    const std::size_t before = in_use();
    const auto unit = std::make_unique<Unit>(capabilities, iommu::Tuning{}, ports.references());
    (void)unit->translate(request);
    const std::size_t bytes = in_use() - before;
    std::printf("%s: a unit of the default size takes %.1f MB\n", name, static_cast<double>(bytes) / (1 << 20));
    return bytes <= kMostBytes;
}

}  // namespace

int main() {
    bool good = judge_size<vtd::Unit>("vtd-nested", *vtd::settle({}), request_for(0x1000));
    good = judge_size<smmuv3::Unit>("smmuv3-nested", *smmuv3::settle({}), smmu_request(0x1000)) && good;
    good = judge_vtd() && good;
    good = judge_smmu() && good;
    return good ? 0 : 1;
}
