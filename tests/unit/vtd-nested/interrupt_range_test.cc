// SPDX-License-Identifier: GPL-2.0-or-later
//
// FEE0_0000h to FEEF_FFFFh, as input and as output. [VTD 5.10 s3.15, s5.1.4.1]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test;
using iommu::Outcome;
using iommu::Rights;
using vtd::InterruptAccess;

namespace {

constexpr std::uint64_t kFirst = 0xfee0'0000;
constexpr std::uint64_t kLast = 0xfeef'ffff;
constexpr std::uint64_t kAll = kP | kRW | kUS;

// What translates the address in question, by one way of each kind.
enum class Way { Legacy, First, Second, Nested };
constexpr Way kWays[] = {Way::Legacy, Way::First, Way::Second, Way::Nested};

unsigned output_reason(Way way) { return way == Way::Legacy ? 0x0e : 0x87; }

// A device without tables yet; PASID 5 is like RID_PASID.
void device(Guest& guest, Way way) {
    if (way == Way::Legacy) {
        guest.legacy_device(kDevice, 7);
        guest.enable(kTtmLegacy);
        return;
    }
    const PasidSpec spec{.pgtt = way == Way::First ? 1u : way == Way::Second ? 2u : 3u, .did = 7};
    guest.scalable_device(kDevice, spec);
    guest.add_pasid(kDevice, 5, spec);
    if (way == Way::Nested) guest.map_second(0, 0, kR | kW, 21);
    guest.enable(kTtmScalable);
}

// Maps a page of the way's last stage; nested ones through a guest page elsewhere.
void map(Guest& guest, Way way, std::uint64_t iova, std::uint64_t output, unsigned log2) {
    if (way == Way::First) guest.map_first(iova, output, kAll, log2);
    if (way == Way::Legacy || way == Way::Second) guest.map_second(iova, output, kR | kW, log2);
    if (way == Way::Nested) {
        guest.map_first(iova, 0x40'0000'0000, kAll, log2);
        guest.map_second(0x40'0000'0000, output, kR | kW, log2);
    }
}

iommu::Request with_way(Way way, const iommu::Request& request) {
    return way == Way::Legacy ? request : with_pasid(request, 5);
}

}  // namespace

TEST_CASE("A translation into the interrupt range is blocked, to its last byte; beside it not", "[vtd][interrupts]") {
    for (const Way way : kWays) {
        INFO("way " << static_cast<int>(way));
        Guest guest;
        device(guest, way);
        map(guest, way, 0x4000, kFirst, 12);
        for (const auto& request : {read_at(0x4123), write_at(0x4123), atomic_at(0x4fff), zero_read_at(0x4000)}) {
            expect_fault(guest, request, output_reason(way));
            expect_fault(guest, with_way(way, request), output_reason(way));
        }
        Guest last;
        device(last, way);
        map(last, way, 0x4000, kLast & ~0xfffull, 12);
        expect_fault(last, read_at(0x4fff), output_reason(way));
        Guest below;
        device(below, way);
        map(below, way, 0x4000, kFirst - 0x1000, 12);
        expect_output(below, read_at(0x4fff), kFirst - 1);
        Guest above;
        device(above, way);
        map(above, way, 0x4000, kLast + 1, 12);
        expect_output(above, read_at(0x4000), kLast + 1);
    }
}

TEST_CASE("A large page over the interrupt range is used in blocks beside it", "[vtd][interrupts]") {
    for (const Way way : kWays) {
        INFO("way " << static_cast<int>(way));
        Guest guest;
        device(guest, way);
        // 2 MiB: FEE0_0000h to FEFF_FFFFh, of which the upper half is memory.
        constexpr std::uint64_t kIova = 0x1'0020'0000;
        map(guest, way, kIova, kFirst, 21);
        expect_fault(guest, read_at(kIova), output_reason(way));
        expect_fault(guest, read_at(kIova + 0xf'ffff), output_reason(way));
        CHECK(expect_output(guest, read_at(kIova + 0x10'0000), kLast + 1).page_log2 == 20);
        CHECK(expect_output(guest, read_at(kIova + 0x1f'ffff), 0xfeff'ffff).page_log2 == 20);
        // What was cached for the upper half does not serve the lower one.
        CHECK(guest.ask(read_at(kIova)).reason == output_reason(way));
    }
}

TEST_CASE("A 1-GiB page over the interrupt range is used in the largest blocks beside it", "[vtd][interrupts]") {
    struct Block {
        std::uint64_t address;
        unsigned log2;
    };
    // C000_0000h to FFFF_FFFFh.
    const Block blocks[] = {{0xc000'0000, 29}, {0xdfff'ffff, 29}, {0xe000'0000, 28}, {0xf000'0000, 27},
                            {0xf800'0000, 26}, {0xfc00'0000, 25}, {0xfe00'0000, 23}, {0xfe80'0000, 22},
                            {0xfec0'0000, 21}, {0xfedf'ffff, 21}, {0xfef0'0000, 20}, {0xfeff'ffff, 20},
                            {0xff00'0000, 24}, {0xffff'ffff, 24}};
    for (const Way way : kWays) {
        Guest guest;
        device(guest, way);
        map(guest, way, 0x1'4000'0000, 0xc000'0000, 30);
        for (const Block& block : blocks) {
            INFO("way " << static_cast<int>(way) << ", output " << block.address);
            const std::uint64_t iova = 0x1'4000'0000 + (block.address - 0xc000'0000);
            CHECK(expect_output(guest, read_at(iova), block.address).page_log2 == block.log2);
        }
        expect_fault(guest, write_at(0x1'4000'0000 + 0x3ee0'0000), output_reason(way));
    }
}

TEST_CASE("A page whose input covers the interrupt range is answered in blocks beside it", "[vtd][interrupts]") {
    for (const Way way : kWays) {
        INFO("way " << static_cast<int>(way));
        Guest guest;
        device(guest, way);
        map(guest, way, kFirst, 0x1'0000'0000, 21);
        CHECK(expect_output(guest, write_at(kLast + 1), 0x1'0010'0000).page_log2 == 20);
        // Inside it requests without PASID are interrupts, cached page or not.
        const auto reply = guest.ask(write_at(kFirst));
        CHECK(reply.outcome == Outcome::Translated);
        CHECK(reply.translation.address.value == kFirst);
    }
}

TEST_CASE("A request with PASID to the interrupt range is translated like any other", "[vtd][interrupts]") {
    for (const Way way : {Way::First, Way::Second, Way::Nested}) {
        INFO("way " << static_cast<int>(way));
        Guest guest;
        device(guest, way);
        map(guest, way, kFirst, 0x1'0000'0000, 21);
        for (const auto& request : {read_at(kFirst + 0x123), write_at(kFirst + 0x123), atomic_at(kFirst + 0x123)}) {
            const auto got = expect_output(guest, with_pasid(request, 5), 0x1'0000'0123);
            CHECK(got.page_log2 == 20);
        }
        // It is kept like any other: without an invalidation the tables are not read again, also when the unit knows
        // from other addresses how the PASID is translated.
        const auto again = with_pasid(read_at(kFirst + 0x123), 5);
        for (int i = 0; i < 2; ++i)
            REQUIRE(guest.ask(with_pasid(read_at(kLast + 1), 5)).outcome == Outcome::Translated);
        REQUIRE(guest.ask(again).translation.address.value == 0x1'0000'0123);
        map(guest, way, kFirst, 0x1'4000'0000, 21);
        CHECK(guest.ask(again).translation.address.value == 0x1'0000'0123);
        // That page is not for requests without PASID.
        CHECK(guest.ask(write_at(kFirst + 0x123)).translation.address.value == kFirst + 0x123);
    }
    Guest legacy;
    device(legacy, Way::Legacy);
    expect_fault(legacy, with_pasid(write_at(kFirst), 5), 0x31);
}

TEST_CASE("An interrupt request is delivered in every mode, also in abort mode and with translation off",
          "[vtd][interrupts]") {
    for (const std::uint64_t ttm : {kTtmLegacy, kTtmScalable, kTtmReserved, kTtmAbort}) {
        for (const bool enabled : {true, false}) {
            INFO("TTM " << ttm << ", TE " << enabled);
            Guest guest;
            guest.set_root(ttm);
            if (enabled) guest.command(kTe);
            for (const std::uint64_t address : {kFirst, kLast - 3}) {
                CHECK(guest.unit.interrupt_access(write_at(address), 4) == InterruptAccess::Deliver);
                CHECK(guest.unit.interrupt_access(zero_read_at(address), 4) == InterruptAccess::Complete);
                // Its address is itself, and can only be written.
                const auto reply = guest.ask(write_at(address));
                CHECK(reply.outcome == Outcome::Translated);
                CHECK(reply.translation.address.value == address);
                CHECK(reply.translation.rights == Rights::Write);
            }
            CHECK(guest.take_fault() == 0);
        }
    }
}

TEST_CASE("Any other access without PASID to the interrupt range is 29h, also with translation off",
          "[vtd][interrupts]") {
    for (const std::uint64_t ttm : {kTtmLegacy, kTtmScalable, kTtmAbort}) {
        for (const bool enabled : {true, false}) {
            INFO("TTM " << ttm << ", TE " << enabled);
            Guest guest;
            guest.set_root(ttm);
            if (enabled) guest.command(kTe);
            expect_fault(guest, read_at(kFirst), 0x29);
            expect_fault(guest, atomic_at(kLast), 0x29);
            for (const unsigned size : {1u, 2u, 8u}) {
                CHECK(guest.unit.interrupt_access(write_at(kFirst), size) == InterruptAccess::Block);
                CHECK(guest.take_fault() == 0x29);
            }
            CHECK(guest.unit.interrupt_access(read_at(kFirst), 4) == InterruptAccess::Block);
            CHECK(guest.take_fault() == 0x29);
            CHECK(guest.unit.interrupt_access(atomic_at(kFirst), 4) == InterruptAccess::Block);
            CHECK(guest.take_fault() == 0x29);
        }
    }
}

TEST_CASE("29h is recorded whatever FPD says", "[vtd][interrupts]") {
    Guest guest;
    guest.scalable_device(kDevice, {.pgtt = 1, .did = 7, .fpd = true}, {.fpd = true});
    guest.enable(kTtmScalable);
    expect_fault(guest, read_at(kFirst), 0x29);
}

TEST_CASE("With translation off addresses beside the interrupt range pass in blocks beside it", "[vtd][interrupts]") {
    Guest guest;
    for (const std::uint64_t address : {kFirst - 1, kLast + 1, std::uint64_t{0}, ~std::uint64_t{0}}) {
        const auto got = expect_output(guest, read_at(address), address);
        const std::uint64_t size = got.page_log2 < 64 ? 1ull << got.page_log2 : 0;
        const std::uint64_t first = address & ~(size - 1);
        CHECK((first + (size - 1) < kFirst || first > kLast));
    }
}
