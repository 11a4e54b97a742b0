// SPDX-License-Identifier: GPL-2.0-or-later
//
// Nested translation: two stages give one address, size and set of rights; what is refused, and as what.
// [VTD 5.10 s3.8, s7.1.3]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test;
using iommu::Rights;

namespace {

constexpr std::uint64_t kAll = kP | kRW | kUS;
constexpr std::uint64_t kIova = 0x1234'4040'4000;
// The page's guest-physical and host address.
constexpr std::uint64_t kGuestPage = 0x8000'0000;
constexpr std::uint64_t kHostPage = 0x12'4000'0000;

// First-stage tables are reached through the lowest 2 MiB.
void build(Guest& guest, const PasidSpec& spec = {.pgtt = 3, .did = 7}) {
    guest.scalable_device(kDevice, spec);
    guest.map_second(0, 0, kR | kW, 21);
    guest.map_first(kIova, kGuestPage, kAll);
    guest.map_second(kGuestPage, kHostPage, kR | kW);
    guest.enable(kTtmScalable);
}

void set_bits(Guest& guest, std::uint64_t entry, std::uint64_t clear, std::uint64_t set) {
    guest.poke(entry, (guest.peek(entry) & ~clear) | set);
}
void first_bits_everywhere(Guest& guest, std::uint64_t bits) {
    for (unsigned level = 1; level <= guest.first_levels; ++level)
        set_bits(guest, guest.first_entry(kIova, level), 0, bits);
}

}  // namespace

TEST_CASE("Nested: every pair of page sizes gives the smaller, and the right address", "[vtd][nested]") {
    for (const unsigned fspm : {0u, 1u}) {
        for (const unsigned aw : {2u, 3u}) {
            for (const unsigned first : {12u, 21u, 30u}) {
                for (const unsigned second : {12u, 21u, 30u}) {
                    const std::uint64_t base = kIova & ~((1ull << first) - 1);
                    const std::uint64_t page = kGuestPage + (kIova & ((1ull << first) - 1));
                    Guest guest;
                    guest.scalable_device(kDevice, {.pgtt = 3, .did = 7, .aw = aw, .fspm = fspm});
                    guest.map_second(0, 0, kR | kW, 21);
                    guest.map_first(base, kGuestPage, kAll, first);
                    guest.map_second(page & ~((1ull << second) - 1), kHostPage, kR | kW, second);
                    guest.enable(kTtmScalable);
                    INFO("FSPM " << fspm << ", AW " << aw << ", first " << first << ", second " << second);
                    for (const std::uint64_t offset : {0x0ull, 0x123ull, 0xfffull}) {
                        const std::uint64_t host = kHostPage + ((page + offset) & ((1ull << second) - 1));
                        const auto got = expect_output(guest, atomic_at(kIova + offset), host);
                        CHECK(got.page_log2 == std::min(first, second));
                        CHECK(got.rights == Rights::ReadWrite);
                    }
                }
            }
        }
    }
}

TEST_CASE("Nested: a first-stage table may live anywhere the second stage maps", "[vtd][nested]") {
    Guest guest;
    build(guest);
    // The last table is known to the guest under another address.
    const std::uint64_t leaf = guest.first_entry(kIova, 1);
    guest.map_second(0x7f'0000'0000, leaf & ~0xfffull, kR | kW);
    guest.poke(guest.first_entry(kIova, 2), 0x7f'0000'0000 | kAll);
    expect_output(guest, write_at(kIova), kHostPage);
    CHECK((guest.peek(leaf) & (kA | kD)) == (kA | kD));
}

TEST_CASE("Nested: rights are those that both stages give", "[vtd][nested]") {
    struct Case {
        std::uint64_t first, second;
        unsigned read, write;  // reasons, 0: translated
    };
    const Case cases[] = {{kAll, kR | kW, 0, 0},           {kAll, kR, 0, 0x85},          {kAll, kW, 0x86, 0},
                          {kAll, 0, 0x79, 0x79},           {kP | kUS, kR | kW, 0, 0x85}, {kP | kUS, kW, 0x86, 0x85},
                          {kP | kRW, kR | kW, 0x81, 0x81}, {0, kR | kW, 0x71, 0x71}};
    for (const Case& c : cases) {
        INFO("first " << c.first << ", second " << c.second);
        Guest guest;
        build(guest);
        first_bits_everywhere(guest, kA | kD);
        guest.poke(guest.first_entry(kIova, 1), kGuestPage | c.first | kA | kD);
        guest.poke(guest.second_entry(kGuestPage, 1), kHostPage | c.second);
        if (c.read != 0) expect_fault(guest, read_at(kIova), c.read);
        if (c.write != 0) expect_fault(guest, write_at(kIova), c.write);
        // An atomic operation needs both; where both are missing the write right is, and that of the first stage.
        if (c.read + c.write != 0) expect_fault(guest, atomic_at(kIova), c.write != 0 ? c.write : c.read);
        const Rights wanted = static_cast<Rights>((c.read == 0 ? 1 : 0) + (c.write == 0 ? 2 : 0));
        if (c.read == 0) CHECK(expect_output(guest, read_at(kIova), kHostPage).rights == wanted);
        if (c.write == 0) expect_output(guest, write_at(kIova), kHostPage);
    }
}

// A supervisor writes through R/W=0 of the first stage, never through W=0 of the second.
TEST_CASE("Nested: the second stage knows no supervisor", "[vtd][nested]") {
    Guest guest;
    build(guest, {.pgtt = 3, .did = 7, .sre = true});
    guest.flip(guest.context_entry(kDevice), 64 + 20);  // RID_PRIV
    guest.poke(guest.first_entry(kIova, 1), kGuestPage | kP);
    expect_output(guest, write_at(kIova), kHostPage);
    guest.poke(guest.second_entry(kGuestPage, 1), kHostPage | kR);
    expect_fault(guest, write_at(kIova), 0x85);
}

TEST_CASE("Nested: a zero-length read is content with W in the second stage, with ZLR", "[vtd][nested]") {
    for (const unsigned zlr : {0u, 1u}) {
        Guest guest({.zlr = static_cast<std::uint8_t>(zlr)});
        build(guest);
        guest.poke(guest.second_entry(kGuestPage, 1), kHostPage | kW);
        if (zlr == 1) expect_output(guest, zero_read_at(kIova), kHostPage);
        if (zlr == 0) expect_fault(guest, zero_read_at(kIova), 0x86);
        // The first stage's user bit still counts.
        set_bits(guest, guest.first_entry(kIova, 1), kUS, 0);
        expect_fault(guest, zero_read_at(kIova), 0x81);
    }
}

TEST_CASE("Nested: a first-stage table that may be written but not read is SFS.6 at the top and SFS.7 below",
          "[vtd][nested]") {
    for (const bool zero_length : {false, true}) {
        Guest guest;
        build(guest);
        const auto request = zero_length ? zero_read_at(kIova) : read_at(kIova);
        // Each first-stage table gets a guest address of its own.
        constexpr std::uint64_t kMoved = 0x7f'0000'0000;
        for (unsigned level = 1; level <= 4; ++level) {
            INFO("table of level " << level);
            const std::uint64_t table = guest.first_entry(kIova, level) & ~0xfffull;
            const std::uint64_t pointer =
                level == 4 ? guest.pasid_entry(kDevice, 0) + 16 : guest.first_entry(kIova, level + 1);
            const std::uint64_t before = guest.peek(pointer);
            const std::uint64_t page = guest.map_second(kMoved, table, kW);
            guest.poke(pointer, (before & 0xfff) | kMoved);
            expect_fault(guest, request, level == 4 ? 0x75 : 0x76);
            guest.poke(page, 0);
            expect_fault(guest, request, 0x79);
            guest.poke(page, table | kR | kW | 1ull << 62);
            expect_fault(guest, request, 0x7a);
            guest.poke(page, kNoRam | kR | kW);
            expect_fault(guest, request, level == 4 ? 0x73 : 0x70);
            guest.poke(page, table | kR | kW);
            expect_output(guest, request, kHostPage);
            guest.poke(pointer, before);
        }
    }
}

TEST_CASE("Nested: second-stage tables out of RAM are SSS.4 and SSS.1, whatever they were wanted for",
          "[vtd][nested]") {
    Guest guest;
    build(guest);
    // On the way to the first-stage tables, and on the way to the page.
    for (const std::uint64_t address : {std::uint64_t{0}, kGuestPage}) {
        for (unsigned level = address == 0 ? 3 : 2; level <= 4; ++level) {
            INFO("address " << address << ", level " << level);
            const std::uint64_t entry = guest.second_entry(address, level);
            const std::uint64_t before = guest.peek(entry);
            guest.poke(entry, kNoRam | kR | kW);
            expect_fault(guest, read_at(kIova), 0x78);
            guest.poke(entry, before);
        }
    }
    const std::uint64_t pointer = guest.pasid_entry(kDevice, 0);
    guest.poke(pointer, (guest.peek(pointer) & 0xfff) | kNoRam);
    expect_fault(guest, read_at(kIova), 0x7b);
}

TEST_CASE("Nested: setting A, EA or D where the second stage is read-only is SFS.8", "[vtd][nested]") {
    for (const bool eafe : {false, true}) {
        INFO("EAFE " << eafe);
        Guest guest;
        build(guest, {.pgtt = 3, .did = 7, .eafe = eafe});
        guest.poke(guest.second_entry(0, 2), kSsPS | kR);
        expect_fault(guest, read_at(kIova), 0x77);
        expect_fault(guest, write_at(kIova), 0x77);
        first_bits_everywhere(guest, kA | kEA);
        expect_output(guest, read_at(kIova), kHostPage);
        expect_fault(guest, write_at(kIova), 0x77);
        expect_fault(guest, atomic_at(kIova), 0x77);
        set_bits(guest, guest.first_entry(kIova, 1), 0, kD);
        expect_output(guest, write_at(kIova), kHostPage);
        for (unsigned level = 1; level <= 4; ++level) {
            for (const std::uint64_t bit : {kA, kEA}) {
                INFO("level " << level << ", bit " << bit);
                set_bits(guest, guest.first_entry(kIova, level), bit, 0);
                if (bit == kA || eafe) expect_fault(guest, read_at(kIova), 0x77);
                if (bit == kEA && !eafe) expect_output(guest, read_at(kIova), kHostPage);
                set_bits(guest, guest.first_entry(kIova, level), 0, bit);
            }
        }
    }
}

TEST_CASE("Nested: with SSADE even reading a first-stage table needs W in the second stage", "[vtd][nested]") {
    Guest guest;
    build(guest, {.pgtt = 3, .did = 7, .ssade = true});
    first_bits_everywhere(guest, kA | kD);
    guest.poke(guest.second_entry(0, 2), kSsPS | kR | kSsA | kSsD);
    expect_fault(guest, read_at(kIova), 0x75);
    // Only the lower tables on a page without W.
    guest.map_second(0, 0, kR | kW, 21);
    const std::uint64_t table = guest.first_entry(kIova, 3) & ~0xfffull;
    guest.map_second(0x7f'0000'0000, table, kR);
    guest.poke(guest.first_entry(kIova, 4), 0x7f'0000'0000 | kAll | kA);
    expect_fault(guest, read_at(kIova), 0x76);
}

TEST_CASE("Nested: ADDR of any first-stage entry ends where the second stage's input ends: SFS.5", "[vtd][nested]") {
    // HAW is larger than AW, so bits in between are not reserved.
    for (const unsigned aw : {1u, 2u}) {
        const unsigned width = 30 + 9 * aw;
        Guest guest({.haw = 52});
        build(guest, {.pgtt = 3, .did = 7, .aw = aw});
        for (unsigned level = 1; level <= 4; ++level) {
            INFO("AW " << aw << ", level " << level);
            const std::uint64_t entry = guest.first_entry(kIova, level);
            const std::uint64_t before = guest.peek(entry);
            for (unsigned bit = width; bit < 52; ++bit) {
                guest.poke(entry, before | 1ull << bit);
                expect_fault(guest, read_at(kIova), 0x74);
            }
            // The last page that the second stage takes; nothing is mapped there.
            guest.poke(entry, ((1ull << width) - 0x1000) | kAll);
            expect_fault(guest, read_at(kIova), 0x79);
            guest.poke(entry, before);
        }
    }
}

TEST_CASE("Nested: MGAW ends the second stage's input as AW does", "[vtd][nested]") {
    Guest guest({.haw = 40, .mgaw = 40});
    build(guest, {.pgtt = 3, .did = 7, .aw = 3});
    guest.poke(guest.first_entry(kIova, 1), 1ull << 40 | kAll);
    expect_fault(guest, read_at(kIova), 0x72);  // 51:HAW is reserved first
    guest.poke(guest.first_entry(kIova, 1), ((1ull << 40) - 0x1000) | kAll);
    expect_fault(guest, read_at(kIova), 0x79);
}

TEST_CASE("Nested: bits 51:HAW of a first-stage entry are reserved though it is a guest address", "[vtd][nested]") {
    Guest guest({.haw = 40});
    build(guest, {.pgtt = 3, .did = 7, .aw = 1});
    for (unsigned level = 1; level <= 4; ++level) {
        const BitField reserved[] = {{51, 40}};
        expect_each_bit_faults(guest, guest.first_entry(kIova, level), reserved, read_at(kIova), 0x72);
        const BitField too_wide[] = {{39, 39}};
        expect_each_bit_faults(guest, guest.first_entry(kIova, level), too_wide, read_at(kIova), 0x74);
    }
}

TEST_CASE("Nested: FSPTPTR ends where the second stage's input ends: SPT.4", "[vtd][nested]") {
    for (const unsigned aw : {1u, 2u}) {
        const unsigned width = 30 + 9 * aw;
        Guest guest({.haw = 52});
        build(guest, {.pgtt = 3, .did = 7, .aw = aw});
        const std::uint64_t pointer = guest.pasid_entry(kDevice, 0) + 16;
        for (unsigned bit = width; bit < 52; ++bit) {
            INFO("AW " << aw << ", bit " << bit);
            guest.poke(pointer, guest.first_root | 1ull << bit);
            expect_fault(guest, read_at(kIova), 0x5b);
        }
        guest.poke(pointer, (1ull << width) - 0x1000);
        expect_fault(guest, read_at(kIova), 0x79);
    }
}

TEST_CASE("Nested: the input is the first stage's, whatever AW", "[vtd][nested]") {
    Guest guest;
    guest.scalable_device(kDevice, {.pgtt = 3, .did = 7, .aw = 1});
    guest.map_second(0, 0, kR | kW, 21);
    guest.map_second(kGuestPage, kHostPage, kR | kW);
    guest.map_first(0xffff'8000'0000'0000, kGuestPage, kAll);
    guest.map_first(0x7fff'ffff'f000, kGuestPage, kAll);
    guest.enable(kTtmScalable);
    expect_output(guest, read_at(0xffff'8000'0000'0000), kHostPage);
    expect_output(guest, read_at(0x7fff'ffff'ffff), kHostPage + 0xfff);
    expect_fault(guest, read_at(0x8000'0000'0000), 0x80);
    expect_fault(guest, read_at(0xffff'7fff'ffff'ffff), 0x80);
}

TEST_CASE("Nested: an intermediate address in the interrupt range is an ordinary one", "[vtd][nested]") {
    Guest guest;
    build(guest);
    guest.poke(guest.first_entry(kIova, 1), 0xfee0'0000 | kAll);
    guest.map_second(0xfee0'0000, kHostPage, kR | kW);
    expect_output(guest, write_at(kIova), kHostPage);
}
