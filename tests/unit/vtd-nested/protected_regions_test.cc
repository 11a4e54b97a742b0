// SPDX-License-Identifier: GPL-2.0-or-later
//
// Protected memory regions: what PMEN blocks, whatever translation says. [VTD 5.10 s11.4.8]
#include <catch2/catch_test_macros.hpp>
#include <vector>

#include "vtd_guest.h"

using namespace test;
using iommu::Outcome;

namespace {

constexpr std::uint32_t kEpm = 1u << 31;
constexpr std::uint64_t kMib = 1 << 20;

// Out of the way: base above limit.
void disable_low(Guest& guest) {
    guest.w32(kPlmbase, 0x00200000);
    guest.w32(kPlmlimit, 0x00100000);
}
void disable_high(Guest& guest) {
    guest.w64(kPhmbase, 0x2'0020'0000);
    guest.w64(kPhmlimit, 0x2'0010'0000);
}

bool blocked(Guest& guest, std::uint64_t address) {
    const bool read = guest.read(kDevice, address).outcome == Outcome::Blocked;
    const bool write = guest.write(kDevice, address).outcome == Outcome::Blocked;
    CHECK(read == write);
    return read;
}

struct Region {
    std::uint64_t base, limit;
    std::vector<std::uint64_t> inside, outside;
};

void check_region(Guest& guest, const Region& region) {
    CAPTURE(region.base, region.limit);
    for (const std::uint64_t address : region.inside)
        CHECK(blocked(guest, address));
    for (const std::uint64_t address : region.outside)
        CHECK_FALSE(blocked(guest, address));
    CHECK(guest.take_fault() == 0);
    CHECK((guest.r32(kFsts) & 3) == 0);
}

// How a request comes to its host address without changing it.
enum class Way { Off, LegacyPassThrough, ScalablePassThrough };

void set_way(Guest& guest, Way way) {
    if (way == Way::LegacyPassThrough) guest.legacy_device(kDevice, 7, 2, 2);
    if (way == Way::ScalablePassThrough) guest.scalable_device(kDevice, {.pgtt = 4, .did = 7});
    if (way != Way::Off) guest.enable(way == Way::LegacyPassThrough ? kTtmLegacy : kTtmScalable);
}

constexpr Way kWays[] = {Way::Off, Way::LegacyPassThrough, Way::ScalablePassThrough};

}  // namespace

TEST_CASE("The low region is blocked from its first to its last byte, in granules of 1 MiB") {
    for (const Way way : kWays) {
        Guest guest;
        set_way(guest, way);
        disable_high(guest);
        guest.w32(kPmen, kEpm);
        CHECK(guest.r32(kPmen) == (kEpm | 1));
        for (const Region& region : {
                 Region{0x400000, 0x400000, {0x400000, 0x4fffff}, {0x3fffff, 0x500000, 0}},
                 Region{0x400000, 0x500000, {0x400000, 0x5fffff}, {0x3fffff, 0x600000}},
                 // Low bits of base count as 0, those of limit as 1.
                 Region{0x4fffff, 0x400000, {0x400000, 0x4fffff}, {0x3fffff, 0x500000}},
                 Region{0, 0, {0, 0xfffff}, {0x100000}},
                 Region{0xfff00000, 0xfff00000, {0xfff00000, 0xffffffff}, {0xffefffff, 0x1'0000'0000}},
                 Region{0x500000, 0x400000, {}, {0x400000, 0x4fffff, 0x500000, 0x5fffff}},
                 Region{0, 0xfff00000, {0, 0x80000000, 0xffffffff}, {0x1'0000'0000}},
             }) {
            guest.w32(kPlmbase, region.base);
            guest.w32(kPlmlimit, region.limit);
            check_region(guest, region);
        }
    }
}

TEST_CASE("The high region is blocked from its first to its last byte, anywhere") {
    for (const Way way : kWays) {
        Guest guest;
        set_way(guest, way);
        disable_low(guest);
        guest.w32(kPmen, kEpm);
        for (const Region& region : {
                 Region{0x1'0000'0000, 0x1'0000'0000, {0x1'0000'0000, 0x1'000f'ffff}, {0xffffffff, 0x1'0010'0000}},
                 Region{0x1'0000'0000, 0x7f'fff0'0000, {0x1'0000'0000, 0x7f'ffff'ffff}, {0x80'0000'0000}},
                 Region{0x800000, 0x900000, {0x800000, 0x9fffff}, {0x7fffff, 0xa00000}},
                 Region{0, 0, {0, 0xfffff}, {0x100000}},
                 Region{0x2'0000'0000, 0x1'0000'0000, {}, {0x1'0000'0000, 0x1'8000'0000, 0x2'0000'0000}},
                 Region{0xffff'fff0'0000, 0xffff'fff0'0000, {0xffff'fff0'0000, 0xffff'ffff'ffff}, {0xffff'ffef'ffff}},
             }) {
            guest.w64(kPhmbase, region.base);
            guest.w64(kPhmlimit, region.limit);
            check_region(guest, region);
        }
    }
}

TEST_CASE("Both regions are blocked at once, and what is between is not") {
    Guest guest;
    guest.w32(kPlmbase, 2 * kMib);
    guest.w32(kPlmlimit, 3 * kMib);
    guest.w64(kPhmbase, 6 * kMib);
    guest.w64(kPhmlimit, 7 * kMib);
    CHECK_FALSE(blocked(guest, 2 * kMib));  // not enabled yet
    guest.w32(kPmen, kEpm);
    for (std::uint64_t mib = 0; mib < 10; ++mib) {
        CAPTURE(mib);
        CHECK(blocked(guest, mib * kMib) == (mib == 2 || mib == 3 || mib == 6 || mib == 7));
    }
    guest.w32(kPmen, 0);
    CHECK(guest.r32(kPmen) == 0);
    CHECK_FALSE(blocked(guest, 2 * kMib));
    CHECK_FALSE(blocked(guest, 6 * kMib));
}

TEST_CASE("A remapped request is blocked by where it ends, not by where it starts") {
    for (const unsigned pgtt : {1u, 2u, 3u}) {
        Guest guest;
        guest.scalable_device(kDevice, {.pgtt = pgtt, .did = 7});
        disable_high(guest);
        guest.w32(kPlmbase, 0x1800000);
        guest.w32(kPlmlimit, 0x1800000);
        if (pgtt != 2) guest.map_first(0x40000000, 0x1800000, kP | kRW | kUS);
        if (pgtt != 2) guest.map_first(0x1800000, 0x1900000, kP | kRW | kUS);
        if (pgtt == 3) guest.identity_second();
        if (pgtt == 2) guest.map_second(0x40000000, 0x1800000, kR | kW);
        if (pgtt == 2) guest.map_second(0x1800000, 0x1900000, kR | kW);
        guest.enable(kTtmScalable);
        REQUIRE_FALSE(blocked(guest, 0x40000000));  // cached before the regions are enabled
        guest.w32(kPmen, kEpm);
        CAPTURE(pgtt);
        CHECK(blocked(guest, 0x40000000));
        CHECK_FALSE(blocked(guest, 0x1800000));
        CHECK(guest.take_fault() == 0);
        guest.w32(kPmen, 0);
        CHECK_FALSE(blocked(guest, 0x40000000));
    }
}

TEST_CASE("A blocked request sets no dirty bit and counts as a fault without a reason") {
    Guest guest;
    guest.scalable_device(kDevice, {.pgtt = 1, .did = 7});
    disable_high(guest);
    guest.w32(kPlmbase, 0x1800000);
    guest.w32(kPlmlimit, 0x1800000);
    const std::uint64_t leaf = guest.map_first(0x40000000, 0x1800000, kP | kRW | kUS);
    guest.w32(kPmen, kEpm);
    guest.enable(kTtmScalable);
    const auto reply = guest.write(kDevice, 0x40000000);
    CHECK(reply.outcome == Outcome::Blocked);
    CHECK(reply.reason == 0);
    CHECK((guest.peek(leaf) & kD) == 0);
    CHECK(guest.unit.counters().faults == 1);
    CHECK(guest.unit.counters().recorded == 0);
}

TEST_CASE("The unit's own reads and writes of tables, queue and status word are not blocked") {
    Guest guest;
    guest.scalable_device(kDevice, {.pgtt = 1, .did = 7});
    guest.map_first(0x40000000, 0x1'0000'0000, kP | kRW | kUS);
    guest.w32(kPlmbase, 0);
    guest.w32(kPlmlimit, 0xfff00000);
    disable_high(guest);
    guest.w32(kPmen, kEpm);
    guest.enable_queue();
    guest.enable(kTtmScalable);
    CHECK_FALSE(blocked(guest, 0x40000000));
    guest.submit(wait_status(0x1f00000, 5));
    CHECK(guest.ram.peek32(0x1f00000) == 5);
}

TEST_CASE("Answers beside a region hold for no more than a page") {
    Guest guest;
    guest.w32(kPlmbase, 0x400000);
    guest.w32(kPlmlimit, 0x400000);
    disable_high(guest);
    CHECK(guest.read(kDevice, 0x10000).translation.page_log2 > 12);
    guest.w32(kPmen, kEpm);
    CHECK(guest.read(kDevice, 0x10000).translation.page_log2 == 12);
    CHECK(guest.ports.gates == std::vector{true});
    CHECK(guest.ports.unmaps.back() == iommu::IovaRange::everything());
    guest.w32(kPmen, 0);
    CHECK(guest.ports.gates == std::vector{true, false});
}

TEST_CASE("Answers of large pages beside a region hold for no more than a page either") {
    for (const unsigned pgtt : {2u, 4u}) {
        Guest guest;
        guest.scalable_device(kDevice, {.pgtt = pgtt, .did = 7});
        guest.map_second(0x40000000, 0x40000000, kR | kW, 30);
        disable_high(guest);
        guest.w32(kPlmbase, 0x50000000);
        guest.w32(kPlmlimit, 0x50000000);
        guest.enable(kTtmScalable);
        CHECK(guest.read(kDevice, 0x40001000).translation.page_log2 >= 30);
        guest.w32(kPmen, kEpm);
        CHECK(guest.read(kDevice, 0x40001000).translation.page_log2 == 12);
        CHECK(blocked(guest, 0x50000000));
    }
}

TEST_CASE("An interrupt message is not a DMA request: no region blocks it") {
    Guest guest;
    guest.w32(kPlmbase, 0xfee00000);
    guest.w32(kPlmlimit, 0xfee00000);
    guest.w32(kPmen, kEpm);
    iommu::Request request;
    request.requester = iommu::RequesterId{kDevice};
    request.iova = iommu::Iova{0xfee01000};
    request.access = iommu::Access::Write;
    CHECK(guest.unit.interrupt_access(request, 4) == vtd::InterruptAccess::Deliver);
    CHECK(guest.ask(request).outcome == Outcome::Translated);
}

TEST_CASE("A region that the unit does not have protects nothing") {
    Guest low_only({.phmr = 0});
    low_only.w32(kPlmbase, 0x400000);
    low_only.w32(kPlmlimit, 0x400000);
    low_only.w32(kPmen, kEpm);
    CHECK(blocked(low_only, 0x400000));
    CHECK_FALSE(blocked(low_only, 0));
    Guest high_only({.plmr = 0});
    high_only.w64(kPhmbase, 0x400000);
    high_only.w64(kPhmlimit, 0x400000);
    high_only.w32(kPmen, kEpm);
    CHECK(blocked(high_only, 0x400000));
    CHECK_FALSE(blocked(high_only, 0));
}
