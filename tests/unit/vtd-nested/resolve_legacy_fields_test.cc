// SPDX-License-Identifier: GPL-2.0-or-later
//
// Legacy mode: each bit of root and context entries. [VTD 5.10 s9.1, s9.3]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test;

namespace {

constexpr std::uint64_t kIova = 0x7000;
constexpr std::uint64_t kOutput = 0x180'0000;
constexpr unsigned kTranslate = 0, kPassThrough = 2;

void build(Guest& guest, unsigned aw = 2, unsigned tt = kTranslate, std::uint64_t did = 7) {
    guest.legacy_device(kDevice, did, aw, tt);
    guest.map_second(kIova, kOutput, kR | kW);
    guest.enable(kTtmLegacy);
}

}  // namespace

TEST_CASE("Legacy root entry: 11:1, 63:HAW and 127:64 are reserved", "[vtd][resolve]") {
    for (const unsigned haw : {39u, 48u, 52u}) {
        INFO("HAW " << haw);
        Guest guest({.haw = static_cast<std::uint8_t>(haw)});
        build(guest);
        const BitField reserved[] = {{11, 1}, {63, haw}, {127, 64}};
        expect_each_bit_faults(guest, guest.root_entry(kDevice), reserved, read_at(kIova), 0x0a);
        // The highest bit below HAW is part of the address.
        guest.flip(guest.root_entry(kDevice), haw - 1);
        expect_fault(guest, read_at(kIova), 0x09);
    }
}

TEST_CASE("Legacy root entry: nothing is reserved with P=0", "[vtd][resolve]") {
    Guest guest;
    build(guest);
    const std::uint64_t entry = guest.root_entry(kDevice);
    guest.flip(entry, 0);
    const BitField any[] = {{127, 1}};
    expect_each_bit_faults(guest, entry, any, read_at(kIova), 0x01);
}

TEST_CASE("Legacy context entry: 11:4, 63:HAW, 71 and 127:88 are reserved", "[vtd][resolve]") {
    for (const unsigned haw : {39u, 48u, 52u}) {
        INFO("HAW " << haw);
        Guest guest({.haw = static_cast<std::uint8_t>(haw)});
        build(guest);
        const BitField reserved[] = {{11, 4}, {63, haw}, {71, 71}, {127, 88}};
        expect_each_bit_faults(guest, guest.context_entry(kDevice), reserved, read_at(kIova), 0x0b);
        guest.flip(guest.context_entry(kDevice), haw - 1);
        expect_fault(guest, read_at(kIova), 0x03);
    }
}

TEST_CASE("Legacy context entry: bits 70:67 are software's", "[vtd][resolve]") {
    Guest guest;
    build(guest);
    const BitField ignored[] = {{70, 67}};
    expect_each_bit_ignored(guest, guest.context_entry(kDevice), ignored, write_at(kIova), kOutput);
}

TEST_CASE("Legacy context entry: nothing is reserved with P=0", "[vtd][resolve]") {
    Guest guest;
    build(guest);
    const std::uint64_t entry = guest.context_entry(kDevice);
    guest.flip(entry, 0);
    const BitField all_but_fpd[] = {{127, 2}};
    expect_each_bit_faults(guest, entry, all_but_fpd, read_at(kIova), 0x02);
}

TEST_CASE("Legacy context entry: pass-through ignores SSPTPTR, bits above HAW too, and nothing else",
          "[vtd][resolve]") {
    Guest guest;
    build(guest, 3, kPassThrough);
    const std::uint64_t entry = guest.context_entry(kDevice);
    const BitField ignored[] = {{63, 12}, {70, 67}};
    expect_each_bit_ignored(guest, entry, ignored, write_at(kIova), kIova);
    const BitField reserved[] = {{11, 4}, {71, 71}, {127, 88}};
    expect_each_bit_faults(guest, entry, reserved, write_at(kIova), 0x0b);
}

TEST_CASE("Legacy context entry: DID bits beyond those of ND are reserved", "[vtd][resolve]") {
    for (unsigned nd = 0; nd <= 6; ++nd) {
        INFO("ND " << nd);
        for (const unsigned tt : {kTranslate, kPassThrough}) {
            Guest guest({.nd = static_cast<std::uint8_t>(nd)});
            const unsigned width = 4 + 2 * nd;
            // The largest DID is one.
            build(guest, 3, tt, (1ull << width) - 1);
            expect_output(guest, read_at(kIova), tt == kTranslate ? kOutput : kIova);
            if (width == 16) continue;
            const BitField reserved[] = {{87, 72 + width}};
            expect_each_bit_faults(guest, guest.context_entry(kDevice), reserved, read_at(kIova), 0x0b);
        }
    }
}

TEST_CASE("Legacy context entry: AW must be one that SAGAW offers, for pass-through too", "[vtd][resolve]") {
    for (const unsigned sagaw : {0x2u, 0x4u, 0x8u, 0x6u, 0xcu, 0xau, 0xeu}) {
        for (const unsigned tt : {kTranslate, kPassThrough}) {
            Guest guest({.sagaw = static_cast<std::uint8_t>(sagaw)});
            build(guest, 1, tt);
            const std::uint64_t high = guest.context_entry(kDevice) + 8;
            for (unsigned aw = 0; aw < 8; ++aw) {
                INFO("SAGAW " << sagaw << " AW " << aw << " TT " << tt);
                guest.poke(high, 7 << 8 | aw);
                const bool offered = aw >= 1 && aw <= 3 && (sagaw >> aw & 1) != 0;
                if (!offered) {
                    expect_fault(guest, read_at(kIova), 0x03);
                } else if (tt == kPassThrough) {
                    expect_output(guest, read_at(kIova), kIova);
                }
            }
        }
    }
}

TEST_CASE("Legacy context entry: TT=10 needs PT, TT=01 needs DT, TT=11 is reserved", "[vtd][resolve]") {
    for (const unsigned pt : {0u, 1u}) {
        const unsigned dt = 1 - pt;
        Guest guest({.pt = static_cast<std::uint8_t>(pt), .dt = static_cast<std::uint8_t>(dt)});
        build(guest);
        const std::uint64_t entry = guest.context_entry(kDevice);
        const std::uint64_t low = guest.peek(entry);
        guest.poke(entry, low | 1 << 2);
        if (dt != 0) {
            expect_output(guest, read_at(kIova), kOutput);
        } else {
            expect_fault(guest, read_at(kIova), 0x03);
        }
        guest.poke(entry, low | 3 << 2);
        expect_fault(guest, read_at(kIova), 0x03);
        guest.poke(entry, low | 2 << 2);
        if (pt != 0) {
            expect_output(guest, read_at(kIova), kIova);
        } else {
            expect_fault(guest, read_at(kIova), 0x03);
        }
    }
}

TEST_CASE("Legacy context entry: a reserved bit outranks an unsupported AW or TT", "[vtd][resolve]") {
    Guest guest;
    build(guest);
    const std::uint64_t entry = guest.context_entry(kDevice);
    guest.poke(entry, guest.peek(entry) | 3 << 2 | 1 << 5);
    guest.poke(entry + 8, 7 << 8 | 7);
    expect_fault(guest, read_at(kIova), 0x0b);
}
