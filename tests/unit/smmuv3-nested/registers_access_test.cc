// SPDX-License-Identifier: GPL-2.0-or-later
//
// Each register by itself: where it is, its two access sizes and halves, and which bits software can change while
// nothing is enabled. All numbers are typed from the manual. [SMMU G.b s6.2, s6.3]
#include <catch2/catch_test_macros.hpp>
#include <map>
#include <string>
#include <vector>

#include "smmu_guest.h"

using namespace test::smmu;

namespace {

struct Register {
    const char* name;
    std::uint64_t offset;
    unsigned size;
    std::uint64_t writable;  // bits that keep what is written, with everything disabled
    std::uint64_t reset;
};

// CR0 and GBPA do more than keep what is written: registers_update_test.cc.
const std::vector<Register> kStorage{
    {"CR1", 0x28, 4, 0xfff, 0},
    {"CR2", 0x2c, 4, 0xb, 0},
    {"IRQ_CTRL", 0x50, 4, 0x7, 0},
    {"GERRORN", 0x64, 4, 0x1fd, 0},
    {"GERROR_IRQ_CFG0", 0x68, 8, 0x00ff'ffff'ffff'fffc, 0},
    {"GERROR_IRQ_CFG1", 0x70, 4, 0xffff'ffff, 0},
    {"GERROR_IRQ_CFG2", 0x74, 4, 0x3f, 0},
    {"STRTAB_BASE", 0x80, 8, 0x40ff'ffff'ffff'ffc0, 0},
    {"STRTAB_BASE_CFG", 0x88, 4, 0x3'07ff, 0},
    {"CMDQ_BASE", 0x90, 8, 0x40ff'ffff'ffff'ffff, 0},
    {"CMDQ_PROD", 0x98, 4, 0xf'ffff, 0},
    {"CMDQ_CONS", 0x9c, 4, 0x7f0f'ffff, 0},
    {"EVENTQ_BASE", 0xa0, 8, 0x40ff'ffff'ffff'ffff, 0},
    {"EVENTQ_IRQ_CFG0", 0xb0, 8, 0x00ff'ffff'ffff'fffc, 0},
    {"EVENTQ_IRQ_CFG1", 0xb8, 4, 0xffff'ffff, 0},
    {"EVENTQ_IRQ_CFG2", 0xbc, 4, 0x3f, 0},
    {"PRIQ_BASE", 0xc0, 8, 0x40ff'ffff'ffff'ffff, 0},
    {"PRIQ_IRQ_CFG0", 0xd0, 8, 0x00ff'ffff'ffff'fffc, 0},
    {"PRIQ_IRQ_CFG1", 0xd8, 4, 0xffff'ffff, 0},
    {"PRIQ_IRQ_CFG2", 0xdc, 4, 0x8000'003f, 0},
    {"EVENTQ_PROD", 0x100a8, 4, 0x800f'ffff, 0},
    {"EVENTQ_CONS", 0x100ac, 4, 0x800f'ffff, 0},
    {"PRIQ_PROD", 0x100c8, 4, 0x800f'ffff, 0},
    {"PRIQ_CONS", 0x100cc, 4, 0x800f'ffff, 0},
};

// The identification of the default unit.
const std::map<std::uint64_t, std::uint32_t> kReadOnly{
    // ST_LEVEL=1 ATSRECERR TTENDIAN=2 CD2L VMID16 VMW PRI MSI ASID16 ATS Hyp HTTU=2 COHACC TTF=2 S1P S2P
    {0x00, 0x08cf'369b},
    // ATTR_TYPES_OVR ATTR_PERMS_OVR CMDQS=19 EVENTQS=19 PRIQS=19 SSIDSIZE=20 SIDSIZE=16
    {0x04, 0x0e73'9d10},
    // PTWNNC E0PD BBML=2 RIL STT FWB XNX HAD
    {0x0c, 0x0000'7714},
    // STALL_MAX=64 GRAN64K GRAN16K GRAN4K OAS=5
    {0x14, 0x0040'0075},
    {0x18, 0},  // IIDR
    {0x1c, 2},  // AIDR: SMMUv3.2
    {0x24, 0},  // CR0ACK
    {0x54, 0},  // IRQ_CTRLACK
    {0x60, 0},  // GERROR
    {0xfd0, 0},
    {0xfd4, 0},
    {0xfd8, 0},
    {0xfdc, 0},
    {0xfe0, 0},
    {0xfe4, 0},
    {0xfe8, 8},  // PIDR2.JEDEC
    {0xfec, 0},
    {0xff0, 0x0d},
    {0xff4, 0xf0},
    {0xff8, 0x05},
    {0xffc, 0xb1},
};
constexpr std::uint32_t kGbpaReset = 0x1000;  // SHCFG: as it comes

std::uint64_t read(Guest& guest, const Register& reg) { return guest.unit.read(reg.offset, reg.size); }
void write(Guest& guest, const Register& reg, std::uint64_t value) { guest.unit.write(reg.offset, value, reg.size); }

// Everything that is not at 0 after reset.
std::map<std::uint64_t, std::uint32_t> after_reset() {
    auto values = kReadOnly;
    std::erase_if(values, [](const auto& item) { return item.second == 0; });
    values[0x44] = kGbpaReset;
    return values;
}

}  // namespace

TEST_CASE("SMMU: the default unit reports the identification that was typed by hand") {
    Guest guest;
    for (const auto& [offset, value] : kReadOnly) {
        CAPTURE(std::hex, offset);
        CHECK(guest.r32(offset) == value);
    }
    CHECK(guest.r64(0x0) == 0x0e73'9d10'08cf'369b);
    CHECK(guest.r64(0xff8) == 0x0000'00b1'0000'0005);
}

TEST_CASE("SMMU: after reset every other word of the frame reads 0") {
    Guest guest;
    const auto expected = after_reset();
    for (unsigned round = 0; round < 2; ++round) {
        for (std::uint64_t offset = 0; offset < 0x20000; offset += 4) {
            const auto at = expected.find(offset);
            const std::uint32_t value = at == expected.end() ? 0 : at->second;
            if (guest.r32(offset) == value) continue;
            CAPTURE(std::hex, offset, round);
            CHECK(guest.r32(offset) == value);
        }
        for (const Register& reg : kStorage)
            write(guest, reg, ~0ull);
        guest.unit.reset();
    }
}

TEST_CASE("SMMU: walking ones keep exactly the bits that software can change") {
    for (const Register& reg : kStorage) {
        Guest guest;
        CAPTURE(reg.name);
        REQUIRE(read(guest, reg) == reg.reset);
        for (unsigned bit = 0; bit < 8 * reg.size; ++bit) {
            CAPTURE(bit);
            write(guest, reg, 1ull << bit);
            CHECK(read(guest, reg) == (reg.writable & 1ull << bit));
        }
        write(guest, reg, ~0ull);
        CHECK(read(guest, reg) == reg.writable);
        write(guest, reg, 0);
        CHECK(read(guest, reg) == 0);
    }
}

TEST_CASE("SMMU: read-only registers ignore writes of both sizes") {
    for (const auto& [offset, value] : kReadOnly) {
        Guest guest;
        CAPTURE(std::hex, offset);
        guest.w32(offset, ~0u);
        CHECK(guest.r32(offset) == value);
        guest.w32(offset, 0);
        CHECK(guest.r32(offset) == value);
    }
    Guest guest;
    guest.w64(0x0, ~0ull);
    guest.w64(0xfe8, ~0ull);
    CHECK(guest.r64(0x0) == 0x0e73'9d10'08cf'369b);
    CHECK(guest.r64(0xfe8) == 8);
}

TEST_CASE("SMMU: halves of a 64-bit register are written and read on their own") {
    for (const Register& reg : kStorage) {
        if (reg.size != 8) continue;
        Guest guest;
        CAPTURE(reg.name);
        constexpr std::uint64_t a = 0x2a5a'1234'5678'9abc, b = 0x6b7b'8d9d'afbf'c1d7;
        write(guest, reg, a);
        guest.w32(reg.offset, b & 0xffff'ffff);
        CHECK(read(guest, reg) == (((a & ~0xffff'ffffull) | (b & 0xffff'ffff)) & reg.writable));
        CHECK(guest.r32(reg.offset) == (b & reg.writable & 0xffff'ffff));
        CHECK(guest.r32(reg.offset + 4) == (a & reg.writable) >> 32);
        guest.w32(reg.offset + 4, b >> 32);
        CHECK(read(guest, reg) == (b & reg.writable));
    }
}

TEST_CASE("SMMU: an 8-byte access to two 32-bit registers reaches both") {
    struct Pair {
        std::uint64_t offset, writable;
    };
    for (const Pair& pair :
         {Pair{0x28, 0x0000'000b'0000'0fff}, Pair{0x70, 0x0000'003f'ffff'ffff}, Pair{0x98, 0x7f0f'ffff'000f'ffff},
          Pair{0xb8, 0x0000'003f'ffff'ffff}, Pair{0x88, 0x0000'0000'0003'07ff}, Pair{0x60, 0x0000'01fd'0000'0000},
          Pair{0xd8, 0x8000'003f'ffff'ffff}, Pair{0x100a8, 0x800f'ffff'800f'ffff}, Pair{0xa8, 0x800f'ffff'800f'ffff},
          Pair{0x100c8, 0x800f'ffff'800f'ffff}, Pair{0xc8, 0x800f'ffff'800f'ffff}}) {
        Guest guest;
        CAPTURE(std::hex, pair.offset);
        guest.w64(pair.offset, ~0ull);
        CHECK(guest.r64(pair.offset) == pair.writable);
        CHECK(guest.r32(pair.offset) == (pair.writable & 0xffff'ffff));
        CHECK(guest.r32(pair.offset + 4) == pair.writable >> 32);
        guest.w64(pair.offset, 0);
        CHECK(guest.r64(pair.offset) == 0);
    }
}

// Page 0 repeats the indexes of the output queues, for drivers that know one page only.
TEST_CASE("SMMU: PROD and CONS of the event queue and of the PRI queue are seen at both of their places") {
    Guest guest;
    for (const std::uint64_t offset : {0xa8u, 0xacu, 0xc8u, 0xccu}) {
        CAPTURE(std::hex, offset);
        guest.w32(offset, 0x8001'2345);
        CHECK(guest.r32(offset) == 0x8001'2345);
        CHECK(guest.r32(0x10000 + offset) == 0x8001'2345);
        guest.w32(0x10000 + offset, 0x543);
        CHECK(guest.r32(offset) == 0x543);
    }
    // No other register is repeated, in either direction.
    for (std::uint64_t offset = 0; offset < 0x10000; offset += 4) {
        if (offset == 0xa8 || offset == 0xac || offset == 0xc8 || offset == 0xcc) continue;
        if (guest.r32(0x10000 + offset) == 0) continue;
        CAPTURE(std::hex, offset);
        CHECK(guest.r32(0x10000 + offset) == 0);
    }
}

TEST_CASE("SMMU: accesses of another size, unaligned or beyond the frame read 0 and change nothing") {
    Guest guest;
    guest.w64(0x90, 0x1234'5678);
    const auto before = guest.unit.save();
    for (const unsigned size : {0u, 1u, 2u, 3u, 5u, 16u}) {
        CAPTURE(size);
        guest.unit.write(0x90, ~0ull, size);
        CHECK(guest.unit.read(0x90, size) == 0);
    }
    for (const std::uint64_t offset : {0x91u, 0x92u, 0x93u, 0x2au}) {
        CAPTURE(offset);
        guest.unit.write(offset, ~0ull, 4);
        CHECK(guest.unit.read(offset, 4) == 0);
    }
    guest.unit.write(0x94, ~0ull, 8);
    CHECK(guest.unit.read(0x94, 8) == 0);
    for (const std::uint64_t offset : {0x20000ull, 0x20090ull, 0x1'0000'0090ull, ~0ull - 3, ~0ull - 7}) {
        CAPTURE(offset);
        guest.unit.write(offset, ~0ull, 4);
        guest.unit.write(offset, ~0ull, 8);
        CHECK(guest.unit.read(offset, 4) == 0);
        CHECK(guest.unit.read(offset, 8) == 0);
    }
    CHECK(guest.unit.save() == before);
}

TEST_CASE("SMMU: registers of features that are not there are absent") {
    Guest guest;
    // S2PII, AGBPA, GATOS_*, MPAM, VATOS_SEL, IDR6, DPT_*, command-queue control pages, Secure.
    for (const std::uint64_t offset :
         {0x08,  0x10,  0x30,  0x40,  0x48,  0x100, 0x108,  0x110,  0x118,  0x130,  0x138,  0x13c,  0x180,
          0x190, 0x200, 0x208, 0x210, 0xe00, 0xeff, 0x1000, 0x4000, 0x8000, 0x8020, 0x803c, 0x100c0}) {
        const std::uint64_t at = offset & ~3ull;
        CAPTURE(std::hex, at);
        guest.w32(at, ~0u);
        CHECK(guest.r32(at) == 0);
    }
}

TEST_CASE("SMMU: bits of features that are switched off are reserved") {
    struct Case {
        const char* what;
        smmuv3::Capabilities asked;
        std::uint64_t offset;
        unsigned size;
        std::uint64_t writable;
    };
    for (const Case& item : {
             Case{"no messages", {.msi = 0}, 0x68, 8, 0},
             Case{"no messages", {.msi = 0}, 0x70, 4, 0},
             Case{"no messages", {.msi = 0}, 0x74, 4, 0},
             Case{"no messages", {.msi = 0}, 0xb0, 8, 0},
             Case{"no messages", {.msi = 0}, 0xb8, 4, 0},
             Case{"no messages", {.msi = 0}, 0xbc, 4, 0},
             Case{"no messages that can fail", {.msi = 0}, 0x64, 4, 0x10d},
             Case{"no wildcards", {.vmw = 0}, 0x20, 4, 0x01f},
             Case{"wildcards", {}, 0x20, 4, 0x1df},
             Case{"no EL2", {.hyp = 0}, 0x2c, 4, 0xa},
             Case{"no ATS", {.ats = 0}, 0x20, 4, 0x1cd},
             Case{"no ATS", {.ats = 0}, 0x2c, 4, 0x3},
             Case{"no ATS errors", {.atsrecerr = 0}, 0x2c, 4, 0x3},
             Case{"ATS without PRI", {.pri = 0}, 0x20, 4, 0x1dd},
             Case{"no PRI", {.pri = 0}, 0x2c, 4, 0xb},
             Case{"no PRI", {.pri = 0}, 0x50, 4, 0x5},
             Case{"no PRI", {.pri = 0}, 0x64, 4, 0x1b5},
             Case{"no PRI", {.pri = 0}, 0xc0, 8, 0},
             Case{"no PRI", {.pri = 0}, 0xd0, 8, 0},
             Case{"no PRI", {.pri = 0}, 0xd8, 4, 0},
             Case{"no PRI", {.pri = 0}, 0xdc, 4, 0},
             Case{"no PRI", {.pri = 0}, 0xc8, 4, 0},
             Case{"no PRI", {.pri = 0}, 0x100c8, 4, 0},
             Case{"no PRI", {.pri = 0}, 0x100cc, 4, 0},
             Case{"PRI without messages", {.msi = 0}, 0xd0, 8, 0},
             Case{"PRI without messages", {.msi = 0}, 0xd8, 4, 0},
             Case{"LO is for wires, too", {.msi = 0}, 0xdc, 4, 0x8000'0000},
             Case{"linear tables only", {.st_level = 0, .sidsize = 6}, 0x88, 4, 0x7ff},
         }) {
        Guest guest(item.asked);
        CAPTURE(item.what, std::hex, item.offset);
        guest.unit.write(item.offset, ~0ull, item.size);
        CHECK(guest.unit.read(item.offset, item.size) == item.writable);
    }
}
