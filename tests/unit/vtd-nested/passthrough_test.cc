// SPDX-License-Identifier: GPL-2.0-or-later
//
// Pass-through: TT=10 in legacy mode, PGTT 100 in scalable mode. [VTD 5.10 s3.9]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test;
using iommu::Rights;

namespace {

struct Mode {
    std::uint64_t ttm;
    unsigned range, interrupt;
};
constexpr Mode kModes[] = {{kTtmLegacy, 0x04, 0x0e}, {kTtmScalable, 0x83, 0x87}};

void build(Guest& guest, const Mode& mode) {
    if (mode.ttm == kTtmLegacy) guest.legacy_device(kDevice, 7, 3, 2);
    if (mode.ttm == kTtmScalable) guest.scalable_device(kDevice, {.pgtt = 4, .did = 7});
    guest.enable(mode.ttm);
}

}  // namespace

TEST_CASE("Pass-through: output is input, with all rights, up to the last address of the host", "[vtd][pass]") {
    for (const Mode& mode : kModes) {
        for (const unsigned haw : {39u, 48u, 52u}) {
            INFO("TTM " << mode.ttm << ", HAW " << haw);
            Guest guest({.haw = static_cast<std::uint8_t>(haw)});
            build(guest, mode);
            const std::uint64_t last = (1ull << haw) - 1;
            for (const std::uint64_t address : {std::uint64_t{0}, std::uint64_t{0x1234'5678}, last}) {
                for (const auto& request : {read_at(address), write_at(address), atomic_at(address)}) {
                    CHECK(expect_output(guest, request, address).rights == Rights::ReadWrite);
                    // Once more, from the cached entry.
                    CHECK(guest.ask(request).translation.address.value == address);
                }
            }
            const std::uint64_t refused[] = {last + 1, 1ull << 52, 1ull << 63, ~0ull};
            for (const std::uint64_t address : refused) {
                for (const auto& request : {read_at(address), write_at(address), atomic_at(address)})
                    expect_fault(guest, request, mode.range);
                // And with the entry cached by a good request.
                expect_output(guest, read_at(last), last);
                CHECK(guest.ask(read_at(address)).reason == mode.range);
                CHECK(guest.take_fault() == mode.range);
            }
        }
    }
}

TEST_CASE("Pass-through: no table is changed", "[vtd][pass]") {
    for (const Mode& mode : kModes) {
        Guest guest;
        build(guest, mode);
        CHECK(changes_by(guest, write_at(0x7000)).empty());
    }
}

TEST_CASE("Pass-through: the reply's block holds the address, is aligned, and lies beside the interrupt range",
          "[vtd][pass]") {
    for (const Mode& mode : kModes) {
        Guest guest;
        build(guest, mode);
        const std::uint64_t addresses[] = {0x0,         0x7fff'ffff, 0x8000'0000, 0xfedf'ffff,      0xfef0'0000,
                                           0xffff'ffff, 1ull << 32,  1ull << 47,  (1ull << 48) - 1, 0xc000'0000};
        for (const std::uint64_t address : addresses) {
            INFO("TTM " << mode.ttm << ", address " << address);
            const auto got = expect_output(guest, read_at(address), address);
            const std::uint64_t size = 1ull << got.page_log2;
            const std::uint64_t first = address & ~(size - 1);
            CHECK((first + size - 1 < 0xfee0'0000 || first > 0xfeef'ffff));
            CHECK(got.page_log2 >= 12);
            CHECK(first + size <= 1ull << 48);
        }
    }
}

TEST_CASE("Pass-through: each PASID that says so passes, beside others that translate", "[vtd][pass]") {
    Guest guest;
    guest.scalable_device(kDevice, {.pgtt = 1, .did = 7});
    guest.add_pasid(kDevice, 5, {.pgtt = 4, .did = 8});
    guest.map_first(0x7000, 0x180'0000, kP | kRW | kUS);
    guest.enable(kTtmScalable);
    expect_output(guest, with_pasid(write_at(0x7000), 5), 0x7000);
    expect_output(guest, write_at(0x7000), 0x180'0000);
    expect_fault(guest, with_pasid(write_at(1ull << 48), 5), 0x83);
}

TEST_CASE("Pass-through with PASID: the interrupt range is SGN.8, to its last byte", "[vtd][pass]") {
    Guest guest;
    guest.scalable_device(kDevice, {.pgtt = 4, .did = 7});
    guest.add_pasid(kDevice, 5, {.pgtt = 4, .did = 7});
    guest.enable(kTtmScalable);
    for (const std::uint64_t address : {0xfee0'0000ul, 0xfee0'1000ul, 0xfeef'fffful}) {
        for (const auto& request : {read_at(address), write_at(address), atomic_at(address), zero_read_at(address)})
            expect_fault(guest, with_pasid(request, 5), 0x87);
    }
    expect_output(guest, with_pasid(write_at(0xfedf'ffff), 5), 0xfedf'ffff);
    expect_output(guest, with_pasid(write_at(0xfef0'0000), 5), 0xfef0'0000);
    // Also where the entry is cached by now.
    CHECK(guest.ask(with_pasid(write_at(0xfee0'0000), 5)).reason == 0x87);
}

TEST_CASE("Pass-through: FPD suppresses the record", "[vtd][pass]") {
    for (const Mode& mode : kModes) {
        Guest guest;
        build(guest, mode);
        const bool legacy = mode.ttm == kTtmLegacy;
        guest.flip(legacy ? guest.context_entry(kDevice) : guest.pasid_entry(kDevice, 0), 1);
        expect_unrecorded(guest, read_at(1ull << 48), mode.range);
    }
}
