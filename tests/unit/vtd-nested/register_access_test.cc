// SPDX-License-Identifier: GPL-2.0-or-later
//
// The register page: which bits software can change, by which accesses. [VTD 5.10 s11.2, s11.4]
//
// The table is typed from the manual: offset, size, value after reset, and what becomes of a written bit.
#include <catch2/catch_test_macros.hpp>
#include <map>
#include <vector>

#include "vtd_guest.h"

using namespace test;

namespace {

struct Register {
    const char* name;
    std::uint64_t offset;
    unsigned size;
    std::uint64_t reset;
    std::uint64_t rw;  // keeps what is written and reads it back
};

// Bits that are written but never read back as written: GCMD (WO), CCMD.ICC and SID/FM, IOTLB.IVT, IVA (WO).
const std::vector<Register> kRegisters{
    {"VER", 0x000, 4, 0x50, 0},
    {"CAP", 0x008, 8, 0x91d2'078c'c078'0e66, 0},
    {"ECAP", 0x010, 8, 0x0033'ef9e'a400'50c7, 0},
    {"GCMD", 0x018, 4, 0, 0},
    {"GSTS", 0x01c, 4, 0, 0},
    {"RTADDR", 0x020, 8, 0, 0xffff'ffff'ffff'fc00},
    {"CCMD", 0x028, 8, 0, 0x6000'0000'0000'ffff},
    {"FSTS", 0x034, 4, 0, 0},
    {"FECTL", 0x038, 4, 0x8000'0000, 0x8000'0000},
    {"FEDATA", 0x03c, 4, 0, 0x0000'ffff},
    {"FEADDR", 0x040, 4, 0, 0xffff'fffc},
    {"FEUADDR", 0x044, 4, 0, 0xffff'ffff},
    {"PMEN", 0x064, 4, 0, 0x8000'0000},
    {"PLMBASE", 0x068, 4, 0, 0xfff0'0000},
    {"PLMLIMIT", 0x06c, 4, 0, 0xfff0'0000},
    {"PHMBASE", 0x070, 8, 0, 0x0000'ffff'fff0'0000},
    {"PHMLIMIT", 0x078, 8, 0, 0x0000'ffff'fff0'0000},
    {"IQH", 0x080, 8, 0, 0},
    {"IQT", 0x088, 8, 0, 0x0007'fff0},
    {"IQA", 0x090, 8, 0, 0xffff'ffff'ffff'f807},
    {"ICS", 0x09c, 4, 0, 0},
    {"IECTL", 0x0a0, 4, 0x8000'0000, 0x8000'0000},
    {"IEDATA", 0x0a4, 4, 0, 0x0000'ffff},
    {"IEADDR", 0x0a8, 4, 0, 0xffff'fffc},
    {"IEUADDR", 0x0ac, 4, 0, 0xffff'ffff},
    {"IQERCD", 0x0b0, 8, 0, 0},
    {"PQH", 0x0c0, 8, 0, 0x0007'ffe0},
    {"PQT", 0x0c8, 8, 0, 0x0007'ffe0},
    {"PQA", 0x0d0, 8, 0, 0xffff'ffff'ffff'f007},
    {"PRS", 0x0dc, 4, 0, 0},
    {"PECTL", 0x0e0, 4, 0x8000'0000, 0x8000'0000},
    {"PEDATA", 0x0e4, 4, 0, 0x0000'ffff},
    {"PEADDR", 0x0e8, 4, 0, 0xffff'fffc},
    {"PEUADDR", 0x0ec, 4, 0, 0xffff'ffff},
    {"IVA", 0x500, 8, 0, 0},
    {"IOTLB", 0x508, 8, 0, 0x3003'ffff'0000'0000},
};

// The fault recording registers follow: nothing but F can be written, and F only cleared.
std::vector<Register> all_registers() {
    std::vector<Register> all = kRegisters;
    for (std::uint64_t at = 0xc00; at < 0xc80; at += 8)
        all.push_back({"FRCD", at, 8, 0, 0});
    return all;
}

std::uint64_t lane(unsigned size) { return size == 8 ? ~0ull : 0xffff'ffffull; }

// What the written bit does beyond itself: PMEN.EPM shows in PRS.
std::uint64_t follows(const Register& reg, std::uint64_t value) {
    return reg.offset == kPmen && (value >> 31 & 1) != 0 ? 1 : 0;
}

std::map<std::uint64_t, std::uint32_t> snapshot(Guest& guest) {
    std::map<std::uint64_t, std::uint32_t> page;
    for (std::uint64_t offset = 0; offset < 0x1000; offset += 4)
        page[offset] = guest.r32(offset);
    return page;
}

}  // namespace

TEST_CASE("After reset every register has its value, and every other place reads 0") {
    Guest guest;
    std::map<std::uint64_t, std::uint32_t> expected;
    for (std::uint64_t offset = 0; offset < 0x1000; offset += 4)
        expected[offset] = 0;
    for (const Register& reg : all_registers()) {
        expected[reg.offset] = static_cast<std::uint32_t>(reg.reset);
        if (reg.size == 8) expected[reg.offset + 4] = static_cast<std::uint32_t>(reg.reset >> 32);
        CAPTURE(reg.name, reg.offset);
        CHECK(guest.unit.read(reg.offset, reg.size) == reg.reset);
    }
    CHECK((snapshot(guest) == expected));
}

TEST_CASE("A walking one stays in the bits that software owns, and nowhere else") {
    Guest guest;
    for (const Register& reg : all_registers()) {
        if (reg.offset == kGcmd) continue;  // its bits are commands
        for (unsigned bit = 0; bit < 8 * reg.size; ++bit) {
            const std::uint64_t one = 1ull << bit;
            guest.unit.write(reg.offset, one, reg.size);
            CAPTURE(reg.name, reg.offset, bit);
            const std::uint64_t expected = (reg.reset & ~reg.rw) | (one & reg.rw) | follows(reg, one);
            REQUIRE(guest.unit.read(reg.offset, reg.size) == expected);
        }
        guest.unit.write(reg.offset, 0, reg.size);
        REQUIRE(guest.unit.read(reg.offset, reg.size) == (reg.reset & ~reg.rw));
    }
}

TEST_CASE("All ones and all zeros reach only the register that was written") {
    Guest guest;
    for (const Register& reg : all_registers()) {
        if (reg.offset == kGcmd) continue;
        auto expected = snapshot(guest);
        const std::uint64_t after = (reg.reset & ~reg.rw) | reg.rw | follows(reg, ~0ull);
        expected[reg.offset] = static_cast<std::uint32_t>(after);
        if (reg.size == 8) expected[reg.offset + 4] = static_cast<std::uint32_t>(after >> 32);
        // CCMD and IOTLB answer a command: granularity 3, done, in bits of their own.
        if (reg.offset == kCcmd) expected[kCcmd + 4] |= 3u << 27;
        if (reg.offset == 0x508) expected[0x50c] |= 3u << 25;
        guest.unit.write(reg.offset, lane(reg.size), reg.size);
        CAPTURE(reg.name, reg.offset);
        CHECK((snapshot(guest) == expected));
        guest.unit.write(reg.offset, 0, reg.size);
    }
}

TEST_CASE("A 64-bit register can be written in halves, each keeping the other") {
    Guest guest;
    for (const Register& reg : kRegisters) {
        if (reg.size != 8) continue;
        const std::uint64_t keep = reg.reset & ~reg.rw;
        CAPTURE(reg.name);
        guest.w32(reg.offset, 0x5555'5555);
        CHECK(guest.r64(reg.offset) == (keep | (reg.rw & 0x5555'5555)));
        guest.w32(reg.offset + 4, 0x2aaa'aaaa);
        CHECK(guest.r64(reg.offset) == (keep | (reg.rw & 0x2aaa'aaaa'5555'5555)));
        CHECK(guest.r32(reg.offset) == ((keep | (reg.rw & 0x5555'5555)) & 0xffff'ffff));
        CHECK(guest.r32(reg.offset + 4) == (keep | (reg.rw & 0x2aaa'aaaa'5555'5555)) >> 32);
        guest.w32(reg.offset, 0);
        CHECK(guest.r64(reg.offset) == (keep | (reg.rw & 0x2aaa'aaaa'0000'0000)));
        guest.w64(reg.offset, 0);
    }
}

TEST_CASE("An 8-byte access to two 32-bit registers is two accesses") {
    struct Pair {
        std::uint64_t offset, written, read;
    };
    for (const Pair& pair : {
             Pair{0x038, 0x0000'1234'8000'0000, 0x0000'1234'8000'0000},  // FECTL, FEDATA
             Pair{0x040, 0x8765'4321'fee0'1003, 0x8765'4321'fee0'1000},  // FEADDR, FEUADDR
             Pair{0x068, 0x1230'0000'0450'0000, 0x1230'0000'0450'0000},  // PLMBASE, PLMLIMIT
             Pair{0x0a0, 0xffff'abcd'8000'0001, 0x0000'abcd'8000'0000},  // IECTL, IEDATA
             Pair{0x0a8, 0x8765'4321'fee0'1003, 0x8765'4321'fee0'1000},  // IEADDR, IEUADDR
             Pair{0x0e0, 0xffff'abcd'8000'0001, 0x0000'abcd'8000'0000},  // PECTL, PEDATA
             Pair{0x0e8, 0x8765'4321'fee0'1003, 0x8765'4321'fee0'1000},  // PEADDR, PEUADDR
             Pair{0x0d8, 0x0000'0003'ffff'ffff, 0},                      // reserved, PRS
             Pair{0x060, 0x8000'0000'ffff'ffff, 0x8000'0001'0000'0000},  // reserved, PMEN
             Pair{0x098, 0x0000'0001'ffff'ffff, 0},                      // reserved, ICS
             Pair{0x030, 0xffff'ffff'ffff'ffff, 0},                      // reserved, FSTS
             Pair{0x000, 0xffff'ffff'ffff'ffff, 0x50},                   // VER, reserved
         }) {
        Guest guest;
        guest.w64(pair.offset, pair.written);
        CAPTURE(pair.offset);
        CHECK(guest.r64(pair.offset) == pair.read);
        CHECK(guest.r32(pair.offset) == (pair.read & 0xffff'ffff));
        CHECK(guest.r32(pair.offset + 4) == pair.read >> 32);
    }
    // GCMD is commanded, GSTS is left alone.
    Guest guest;
    guest.w64(kGcmd, 0xffff'ffff'0000'0000 | kTe);
    CHECK(guest.r32(kGsts) == kTe);
    CHECK(guest.r64(kGcmd) == std::uint64_t{kTe} << 32);
}

TEST_CASE("Accesses of other sizes, and misaligned ones, read 0 and write nothing") {
    Guest guest;
    guest.w64(kRtaddr, 0x1234'5678'9abc'dc00);
    const auto before = snapshot(guest);
    for (std::uint64_t offset = 0; offset < 0x1010; ++offset) {
        for (const unsigned size : {0u, 1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u, 16u}) {
            if ((size == 4 || size == 8) && offset % size == 0) continue;
            CAPTURE(offset, size);
            REQUIRE(guest.unit.read(offset, size) == 0);
            guest.unit.write(offset, ~0ull, size);
        }
    }
    CHECK((snapshot(guest) == before));
}

TEST_CASE("Accesses beyond the page read 0 and write nothing") {
    Guest guest;
    const auto before = snapshot(guest);
    for (const std::uint64_t offset : {0x1000ull, 0x1008ull, 0x1018ull, 0x1'0000'0018ull, ~0ull - 7, ~0ull - 3}) {
        for (const unsigned size : {4u, 8u}) {
            CHECK(guest.unit.read(offset, size) == 0);
            guest.unit.write(offset, ~0ull, size);
        }
    }
    CHECK((snapshot(guest) == before));
}

TEST_CASE("Registers of a missing capability are not there") {
    struct Case {
        const char* what;
        vtd::Capabilities asked;
        std::vector<std::uint64_t> missing;  // 4-byte places
    };
    const std::vector<Case> cases{
        {"no low region", {.plmr = 0}, {0x68, 0x6c}},
        {"no high region", {.phmr = 0}, {0x70, 0x74, 0x78, 0x7c}},
        {"no region", {.plmr = 0, .phmr = 0}, {0x64, 0x68, 0x6c, 0x70, 0x74, 0x78, 0x7c}},
        {"no queue", {.qi = 0}, {0x80, 0x84, 0x88, 0x8c, 0x90, 0x94, 0x9c, 0xa0, 0xa4, 0xa8, 0xac, 0xb0, 0xb4}},
        {"no page requests", {.prs = 0}, {0xc0, 0xc4, 0xc8, 0xcc, 0xd0, 0xd4, 0xd8, 0xdc, 0xe0, 0xe4, 0xe8, 0xec}},
        {"no device-TLBs", {.dt = 0}, {0xc0, 0xc4, 0xc8, 0xcc, 0xd0, 0xd4, 0xd8, 0xdc, 0xe0, 0xe4, 0xe8, 0xec}},
        {"one fault record", {.nfr = 0}, {0xc10, 0xc14, 0xc18, 0xc1c}},
    };
    for (const Case& item : cases) {
        Guest guest(item.asked);
        for (const std::uint64_t offset : item.missing) {
            CAPTURE(item.what, offset);
            CHECK(guest.r32(offset) == 0);
            guest.w32(offset, 0xffff'ffff);
            CHECK(guest.r32(offset) == 0);
        }
    }
    Guest guest({.plmr = 0});
    guest.w32(kPmen, 1u << 31);
    CHECK(guest.r32(kPmen) == 0x8000'0001);
}

TEST_CASE("The high protected region has the bits of the host's width") {
    for (const unsigned haw : {39u, 46u, 52u}) {
        Guest guest({.haw = static_cast<std::uint8_t>(haw)});
        const std::uint64_t mask = ((1ull << haw) - 1) & ~0xfffffull;
        guest.w64(kPhmbase, ~0ull);
        guest.w64(kPhmlimit, ~0ull);
        CHECK(guest.r64(kPhmbase) == mask);
        CHECK(guest.r64(kPhmlimit) == mask);
    }
}
