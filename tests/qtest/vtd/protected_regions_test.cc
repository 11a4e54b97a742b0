// SPDX-License-Identifier: GPL-2.0-or-later
//
// PMEN and the two regions that DMA cannot reach.
#include <catch2/catch_test_macros.hpp>

#include <algorithm>

#include "vtd/guest.h"

using namespace vtd_driver;

namespace {

constexpr std::uint32_t EPM = 1u << 31;
constexpr std::uint32_t PRS = 1u << 0;

// Software finds the granularity by writing ones.
std::uint32_t low_granularity(const Unit& unit) {
    unit.write32(reg::PLMBASE, 0xffffffff);
    return ~unit.read32(reg::PLMBASE) + 1;
}

// The region's first and last byte, whose low bits count as 0 and as 1.
void protect_low(const Unit& unit, std::uint32_t first, std::uint32_t last) {
    unit.write32(reg::PLMBASE, first);
    unit.write32(reg::PLMLIMIT, last);
    unit.write32(reg::PMEN, EPM);
}

}  // namespace

TEST_CASE("ProtectedRegions: the granularity is a power of two that software can find", "[vtd][protected]") {
    Guest guest(Mode::Scalable);
    const std::uint32_t granularity = low_granularity(guest.unit);
    CHECK(granularity >= 4096);
    CHECK((granularity & (granularity - 1)) == 0);
    guest.unit.write64(reg::PHMBASE, ~std::uint64_t{0});
    const std::uint64_t high = guest.unit.read64(reg::PHMBASE);
    CHECK(extract(high, 11, 0) == 0);
    CHECK(extract(high, 47, 32) == 0xffff);
}

TEST_CASE("ProtectedRegions: DMA is blocked from the first to the last byte and leaves no record", "[vtd][protected]") {
    Guest guest(Mode::Scalable);
    const std::uint32_t granularity = low_granularity(guest.unit);
    const auto base = guest.ram.allocate_pages(3 * granularity / qtest::page_size, granularity);
    const auto first = static_cast<std::uint32_t>(base + granularity);
    for (const std::uint64_t at : {first - 64u, first + 0u, first + granularity - 64u, first + granularity}) {
        guest.ram.fill_with_pattern(at, Guest::transfer, 1);
    }
    protect_low(guest.unit, first, first);
    CHECK((guest.unit.read32(reg::PMEN) & PRS) != 0);
    CHECK(guest.dma_read(first - 64) == Guest::pattern(1));
    CHECK(guest.dma_read(first) != Guest::pattern(1));
    CHECK(guest.dma_read(first + granularity - 64) != Guest::pattern(1));
    CHECK(guest.dma_read(first + granularity) == Guest::pattern(1));
    CHECK(guest.take_faults().empty());

    guest.unit.write32(reg::PMEN, 0);
    CHECK((guest.unit.read32(reg::PMEN) & PRS) == 0);
    CHECK(guest.dma_read(first) == Guest::pattern(1));
}

TEST_CASE("ProtectedRegions: a translation does not lead into one", "[vtd][protected]") {
    Guest guest(Mode::Scalable);
    const std::uint32_t granularity = low_granularity(guest.unit);
    const auto base = guest.ram.allocate_pages(granularity / qtest::page_size, granularity);
    guest.ram.fill_with_pattern(base, Guest::transfer, 1);
    auto stage = guest.second_stage();
    stage.map({.iova = 0x1000, .target = base});
    guest.scalable.set(guest.requester(), PasidEntry::over_second_stage(stage, 2));
    guest.start();
    CHECK(guest.dma_read(0x1000) == Guest::pattern(1));
    protect_low(guest.unit, static_cast<std::uint32_t>(base), static_cast<std::uint32_t>(base));
    CHECK(guest.dma_read(0x1000) != Guest::pattern(1));
    CHECK(guest.take_faults().empty());
}

TEST_CASE("ProtectedRegions: a transfer stops at the edge, in the middle of a large page, too", "[vtd][protected]") {
    Guest guest(Mode::Scalable);
    const std::uint32_t granularity = low_granularity(guest.unit);
    const auto base = guest.ram.allocate_pages(2 * granularity / qtest::page_size, granularity);
    const std::uint64_t edge = base + granularity;
    auto stage = guest.second_stage();
    stage.map({.iova = 64 * size_1g, .target = 0, .level = 3});
    guest.scalable.set(guest.requester(), PasidEntry::over_second_stage(stage, 2));
    guest.start();
    protect_low(guest.unit, static_cast<std::uint32_t>(edge), static_cast<std::uint32_t>(edge));
    guest.dma_write(64 * size_1g + edge - 32, Guest::pattern(1));
    auto expected = Guest::pattern(1);
    std::fill(expected.begin() + 32, expected.end(), std::uint8_t{0});
    CHECK(guest.memory(edge - 32) == expected);
}

TEST_CASE("ProtectedRegions: a limit below the base protects nothing", "[vtd][protected]") {
    Guest guest(Mode::Scalable);
    const std::uint32_t granularity = low_granularity(guest.unit);
    const auto base = guest.ram.allocate_pages(2 * granularity / qtest::page_size, granularity);
    guest.ram.fill_with_pattern(base, Guest::transfer, 1);
    // The high region would begin at 0 like this: move it out of the way.
    guest.unit.write64(reg::PHMBASE, bit(40));
    guest.unit.write64(reg::PHMLIMIT, bit(39));
    protect_low(guest.unit, static_cast<std::uint32_t>(base + granularity), static_cast<std::uint32_t>(base));
    CHECK(guest.dma_read(base) == Guest::pattern(1));
}

TEST_CASE("ProtectedRegions: a unit without them has no such registers", "[vtd][protected]") {
    Guest guest(Mode::Scalable, {.properties = ",plmr=off,phmr=off"});
    for (const std::uint64_t offset : {reg::PMEN, reg::PLMBASE, reg::PLMLIMIT, reg::PHMBASE, reg::PHMLIMIT}) {
        CAPTURE(offset);
        guest.unit.write32(offset, 0xffffffff);
        CHECK(guest.unit.read32(offset) == 0);
    }
}
