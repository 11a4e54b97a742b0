// SPDX-License-Identifier: GPL-2.0-or-later
//
// Each bit and each value of a PASID table entry. [VTD 5.10 s9.6]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test;

namespace {

constexpr std::uint64_t kIova = 0x7000;
constexpr std::uint64_t kOutput = 0x180'0000;
constexpr unsigned kFirst = 1, kSecond = 2, kNested = 3, kPass = 4;

std::uint64_t build(Guest& guest, unsigned pgtt, unsigned aw = 2) {
    const std::uint64_t entry = guest.scalable_device(kDevice, {.pgtt = pgtt, .did = 7, .aw = aw});
    if (pgtt == kFirst || pgtt == kNested) guest.map_first(kIova, kOutput, kP | kRW | kUS);
    if (pgtt == kSecond) guest.map_second(kIova, kOutput, kR | kW);
    if (pgtt == kNested) guest.identity_second();
    guest.enable(kTtmScalable);
    return entry;
}

std::uint64_t output_of(unsigned pgtt) { return pgtt == kPass ? kIova : kOutput; }

}  // namespace

TEST_CASE("PASID entry: reserved bits are reserved for every PGTT", "[vtd][resolve]") {
    for (const unsigned pgtt : {kFirst, kSecond, kNested, kPass}) {
        INFO("PGTT " << pgtt);
        Guest guest;
        const std::uint64_t entry = build(guest, pgtt);
        const BitField reserved[] = {
            {5, 5},
            {11, 10},  // q0
            // 90:89 CD and EMTE, 127:96 PAT without MTS.
            {86, 80},
            {90, 89},
            {95, 91},
            {127, 96},  // q1
            {129, 129},
            {139, 136},  // q2
            {255, 192},
            {383, 256},
            {511, 384},  // q3; q4, q5 without HPTS; q6, q7
        };
        expect_each_bit_faults(guest, entry, reserved, write_at(kIova), 0x5a);
        expect_output(guest, write_at(kIova), output_of(pgtt));
    }
}

TEST_CASE("PASID entry: bits 63:HAW of both pointers are reserved, also where PGTT does not use the pointer",
          "[vtd][resolve]") {
    for (const unsigned pgtt : {kFirst, kSecond, kNested, kPass}) {
        for (const unsigned haw : {39u, 48u, 52u}) {
            INFO("PGTT " << pgtt << ", HAW " << haw);
            Guest guest({.haw = static_cast<std::uint8_t>(haw)});
            const std::uint64_t entry = build(guest, pgtt);
            const BitField reserved[] = {{63, haw}, {128 + 63, 128 + haw}};
            expect_each_bit_faults(guest, entry, reserved, write_at(kIova), 0x5a);
        }
    }
}

TEST_CASE("PASID entry: reserved bits are judged before PGTT", "[vtd][resolve]") {
    for (unsigned pgtt = 0; pgtt < 8; ++pgtt) {
        INFO("PGTT " << pgtt);
        Guest guest;
        const std::uint64_t entry = build(guest, kFirst);
        guest.poke(entry, (guest.peek(entry) & ~(7ull << 6)) | std::uint64_t{pgtt} << 6 | 1 << 10);
        expect_fault(guest, read_at(kIova), 0x5a);
    }
}

TEST_CASE("PASID entry: nothing is reserved with P=0", "[vtd][resolve]") {
    Guest guest;
    const std::uint64_t entry = build(guest, kFirst);
    guest.flip(entry, 0);
    const BitField all_but_fpd[] = {{511, 2}};
    expect_each_bit_faults(guest, entry, all_but_fpd, read_at(kIova), 0x59);
    // Software clears an entry whole.
    guest.poke(entry, 0);
    expect_fault(guest, read_at(kIova), 0x59);
}

TEST_CASE("PASID entry: bits 134:133 are ignored, and so are the fields of a stage that PGTT does not use",
          "[vtd][resolve]") {
    struct Ignored {
        unsigned pgtt;
        std::vector<BitField> bits;
    };
    const BitField second_stage_pointer{47, 12}, first_stage_pointer{128 + 47, 140};
    const BitField aw{4, 2}, ssade{9, 9}, fspm{131, 130}, wpe{132, 132}, eafe{135, 135}, pgsnp{88, 88};
    const Ignored cases[] = {
        {kFirst, {{134, 133}, aw, ssade, second_stage_pointer, pgsnp}},
        {kSecond, {{134, 133}, fspm, wpe, eafe, first_stage_pointer, pgsnp}},
        {kNested, {{134, 133}, pgsnp}},
        {kPass, {{134, 133}, aw, ssade, second_stage_pointer, fspm, wpe, eafe, first_stage_pointer, pgsnp}},
    };
    for (const Ignored& ignored : cases) {
        INFO("PGTT " << ignored.pgtt);
        Guest guest;
        const std::uint64_t entry = build(guest, ignored.pgtt);
        expect_each_bit_ignored(guest, entry, ignored.bits, write_at(kIova), output_of(ignored.pgtt));
    }
}

TEST_CASE("PASID entry: a field whose capability is missing is reserved for every PGTT that is left",
          "[vtd][resolve]") {
    struct Missing {
        std::string_view field;
        vtd::Capabilities capabilities;
        std::vector<BitField> bits;
        std::vector<unsigned> types;
    };
    const Missing cases[] = {
        {"SSPTPTR and SSADE without SSTS", {.ssts = 0}, {{9, 9}, {47, 12}}, {kFirst, kPass}},
        {"SSADE without SSADS", {.ssads = 0}, {{9, 9}}, {kFirst, kSecond, kNested, kPass}},
        {"PWSNP, EAFE and SSADE without SMPWCS", {.smpwcs = 0}, {{87, 87}, {135, 135}, {9, 9}}, {kSecond, kPass}},
        {"PGSNP without SC", {.sc = 0}, {{88, 88}}, {kFirst, kSecond, kNested, kPass}},
        {"SRE without SRS", {.srs = 0}, {{128, 128}}, {kFirst, kSecond, kNested, kPass}},
        {"EAFE without EAFS", {.eafs = 0}, {{135, 135}}, {kFirst, kSecond, kNested, kPass}},
        {"FSPM, WPE, EAFE and FSPTPTR without FSTS",
         {.fsts = 0},
         {{131, 130}, {132, 132}, {135, 135}, {128 + 47, 140}},
         {kSecond, kPass}},
    };
    for (const Missing& missing : cases) {
        for (const unsigned pgtt : missing.types) {
            INFO(missing.field << ", PGTT " << pgtt);
            Guest guest(missing.capabilities);
            guest.scalable_device(kDevice, {.pgtt = pgtt, .did = 7, .pwsnp = missing.capabilities.smpwcs != 0});
            const std::uint64_t entry = guest.pasid_entry(kDevice, 0);
            // The pointer of a stage that the unit lacks has to be 0.
            if (missing.capabilities.ssts == 0) guest.poke(entry, guest.peek(entry) & 0xfff);
            if (missing.capabilities.fsts == 0) guest.poke(entry + 16, 0);
            if (pgtt == kFirst || pgtt == kNested) guest.map_first(kIova, kOutput, kP | kRW | kUS);
            if (pgtt == kSecond) guest.map_second(kIova, kOutput, kR | kW);
            if (pgtt == kNested) guest.identity_second();
            guest.enable(kTtmScalable);
            expect_output(guest, read_at(kIova), output_of(pgtt));
            expect_each_bit_faults(guest, entry, missing.bits, read_at(kIova), 0x5a);
        }
    }
}

// The manual reserves AW without SSTS; Linux writes it into every entry, so it stays ignored there.
TEST_CASE("PASID entry: AW is tolerated on a unit without second stage", "[vtd][resolve]") {
    Guest guest({.ssts = 0});
    const std::uint64_t entry = guest.scalable_device(kDevice, {.pgtt = kFirst, .did = 7});
    guest.map_first(kIova, kOutput, kP | kRW | kUS);
    guest.enable(kTtmScalable);
    for (std::uint64_t aw = 0; aw < 8; ++aw) {
        guest.poke(entry, 1 | aw << 2 | std::uint64_t{kFirst} << 6);
        expect_output(guest, read_at(kIova), kOutput);
    }
}

TEST_CASE("PASID entry: DID bits beyond those of ND are reserved for every PGTT", "[vtd][resolve]") {
    for (const unsigned pgtt : {kFirst, kSecond, kNested, kPass}) {
        for (unsigned nd = 0; nd <= 6; ++nd) {
            INFO("PGTT " << pgtt << ", ND " << nd);
            Guest guest({.nd = static_cast<std::uint8_t>(nd)});
            const std::uint64_t entry = build(guest, pgtt);
            const unsigned width = 4 + 2 * nd;
            guest.poke(entry + 8, (guest.peek(entry + 8) & ~0xffffull) | ((1ull << width) - 1));
            expect_output(guest, read_at(kIova), output_of(pgtt));
            if (width == 16) continue;
            const BitField reserved[] = {{79, 64 + width}};
            expect_each_bit_faults(guest, entry, reserved, read_at(kIova), 0x5a);
        }
    }
}

TEST_CASE("PASID entry: PGTT 001 needs FSTS, 010 SSTS, 011 NEST, 100 PT; other values are reserved", "[vtd][resolve]") {
    struct Unit {
        std::string_view lacks;
        vtd::Capabilities capabilities;
        std::vector<unsigned> offered;
    };
    const Unit units[] = {{"nothing", {}, {1, 2, 3, 4}},
                          {"FSTS", {.fsts = 0}, {2, 4}},
                          {"SSTS", {.ssts = 0}, {1, 4}},
                          {"NEST", {.nest = 0}, {1, 2, 4}},
                          {"PT", {.pt = 0}, {1, 2, 3}}};
    for (const Unit& unit : units) {
        Guest guest(unit.capabilities);
        const std::uint64_t entry = guest.scalable_device(kDevice, {.pgtt = kFirst, .did = 7});
        guest.map_first(kIova, kOutput, kP | kRW | kUS);
        guest.map_second(kIova, kOutput, kR | kW);
        guest.map_second(kOutput, kOutput, kR | kW);
        // Where the first stage's tables are.
        guest.map_second(0, 0, kR | kW, 30);
        guest.enable(kTtmScalable);
        if (unit.capabilities.fsts == 0) guest.poke(entry + 16, 0);
        for (unsigned pgtt = 0; pgtt < 8; ++pgtt) {
            INFO("without " << unit.lacks << ", PGTT " << pgtt);
            const std::uint64_t pointer = unit.capabilities.ssts == 0 ? 0 : guest.second_root;
            guest.poke(entry, 1 | 2 << 2 | std::uint64_t{pgtt} << 6 | pointer);
            const bool offered = std::find(unit.offered.begin(), unit.offered.end(), pgtt) != unit.offered.end();
            if (!offered) expect_fault(guest, read_at(kIova), 0x5b);
            if (offered) CHECK(guest.read(kDevice, kIova).reason != 0x5b);
            guest.clear_record(guest.r32(kFsts) >> 8 & 0xff);
        }
    }
}

TEST_CASE("PASID entry: AW of a second stage must be one that SAGAW offers", "[vtd][resolve]") {
    for (const unsigned pgtt : {kSecond, kNested}) {
        for (const unsigned sagaw : {0x2u, 0x4u, 0x8u, 0x6u, 0xcu, 0xau, 0xeu}) {
            Guest guest({.sagaw = static_cast<std::uint8_t>(sagaw)});
            const std::uint64_t entry = build(guest, pgtt);
            for (std::uint64_t aw = 0; aw < 8; ++aw) {
                INFO("PGTT " << pgtt << ", SAGAW " << sagaw << ", AW " << aw);
                guest.poke(entry, (guest.peek(entry) & ~0x1cull) | aw << 2);
                const bool offered = aw >= 1 && aw <= 3 && (sagaw >> aw & 1) != 0;
                if (!offered) expect_fault(guest, read_at(kIova), 0x5b);
                if (offered) CHECK(guest.read(kDevice, kIova).reason != 0x5b);
                guest.clear_record(guest.r32(kFsts) >> 8 & 0xff);
            }
        }
    }
}

TEST_CASE("PASID entry: FSPM 00 always, 01 with FS5LP, 10 and 11 never", "[vtd][resolve]") {
    for (const unsigned pgtt : {kFirst, kNested}) {
        for (const unsigned fs5lp : {0u, 1u}) {
            Guest guest({.fs5lp = static_cast<std::uint8_t>(fs5lp)});
            const std::uint64_t entry = build(guest, pgtt);
            // A table above the four levels that is one more first entry.
            const std::uint64_t top = guest.alloc_page();
            guest.poke(top, guest.first_root | kP | kRW | kUS);
            for (std::uint64_t fspm = 0; fspm < 4; ++fspm) {
                INFO("PGTT " << pgtt << ", FS5LP " << fs5lp << ", FSPM " << fspm);
                guest.poke(entry + 16, (fspm == 1 ? top : guest.first_root) | fspm << 2);
                if (fspm == 0 || (fspm == 1 && fs5lp == 1)) {
                    expect_output(guest, read_at(kIova), kOutput);
                } else {
                    expect_fault(guest, read_at(kIova), 0x5b);
                }
            }
        }
    }
}
