// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a unit takes of the host's memory: little to begin with, and no more after any amount of work.
#include <malloc.h>
#include <catch2/catch_test_macros.hpp>

#include "vtd_guest.h"

using namespace test;

namespace {

constexpr std::uint64_t kFsBits = kP | kRW | kUS | kA | kD;
constexpr std::uint64_t kOutput = 0x1400000;

std::size_t in_use() { return mallinfo2().uordblks + mallinfo2().hblkhd; }

}  // namespace

TEST_CASE("A unit of the default size takes less than 8 MB, with a thread that asks it") {
    FakePorts ports;
    const std::size_t before = in_use();
    vtd::Unit unit(*vtd::settle({}), iommu::Tuning{}, ports.references());
    (void)unit.translate({.requester = iommu::RequesterId{kDevice}, .iova = iommu::Iova{0x4000}});
    CHECK(in_use() - before < 8'000'000);
}

// As a driver that maps a buffer for each transfer. (A sanitizer's allocator does not count; then this is a long run.)
TEST_CASE("A million times mapped, used, unmapped and invalidated: the host's memory stays as it is") {
    constexpr std::uint64_t kTimes = 1'000'000;
    constexpr std::uint64_t kPages = 4096;
    Guest guest(vtd::Capabilities{}, 65536);
    guest.scalable_device(kDevice, {.pgtt = 1, .did = 7});
    for (std::uint64_t page = 0; page < kPages; ++page)
        guest.map_first(page << 12, kOutput, kFsBits);
    const std::uint64_t table = guest.first_entry(0, 1);
    guest.enable_queue();
    guest.enable(kTtmScalable);
    std::uint64_t wrong = 0;
    std::size_t before = 0;
    for (std::uint64_t i = 0; i < kTimes; ++i) {
        if (i == kTimes / 10) before = in_use();
        const std::uint64_t iova = (i * 37 % 512) << 12;
        const std::uint64_t output = kOutput + (i % 1024 << 12);
        guest.poke(table + 8 * (iova >> 12), output | kFsBits);
        if (guest.read(kDevice, iova).translation.address.value != output) ++wrong;
        guest.poke(table + 8 * (iova >> 12), 0);
        guest.submit(pasid_iotlb(3, 7, 0, iova, 0, true));
        guest.ports.unmaps.clear();
    }
    CHECK(wrong == 0);
    CHECK(in_use() <= before + 4096);
}
