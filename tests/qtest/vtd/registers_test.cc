// SPDX-License-Identifier: GPL-2.0-or-later
//
// Every register of the page, by each access that the manual allows.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include <string>
#include <vector>

#include "vtd/guest.h"

using namespace vtd_driver;

namespace {

// What the manual says of a register's bits; bits in neither mask may do either.
struct RegisterRule {
    std::string name;
    std::uint64_t offset = 0;
    unsigned bytes = 4;
    std::uint64_t kept = 0;      // what software writes is read back
    std::uint64_t constant = 0;  // writing makes no difference
    std::uint64_t reset = 0;     // of all bits
};

constexpr std::uint64_t word32 = 0xffffffff;
constexpr std::uint64_t word64 = ~std::uint64_t{0};

// Without the registers that do something when written: GCMD, PMEN and the protected regions; and without CAP, ECAP
// and VER, whose value is not the same for all units.
std::vector<RegisterRule> registers() {
    return {
        {.name = "GSTS", .offset = reg::GSTS, .constant = word32},
        {.name = "RTADDR", .offset = reg::RTADDR, .bytes = 8, .kept = ones(47, 10), .constant = ones(9, 0)},
        {.name = "CCMD", .offset = reg::CCMD, .bytes = 8, .kept = ones(62, 61) | ones(15, 0), .constant = ones(60, 34)},
        {.name = "FSTS", .offset = reg::FSTS, .constant = word32},
        {.name = "FECTL", .offset = reg::FECTL, .kept = bit(31), .constant = ones(30, 0), .reset = bit(31)},
        {.name = "FEDATA", .offset = reg::FEDATA, .kept = ones(15, 0), .constant = ones(31, 16)},
        {.name = "FEADDR", .offset = reg::FEADDR, .kept = ones(31, 2), .constant = ones(1, 0)},
        {.name = "FEUADDR", .offset = reg::FEUADDR},
        {.name = "IQH", .offset = reg::IQH, .bytes = 8, .constant = word64},
        {.name = "IQT", .offset = reg::IQT, .bytes = 8, .kept = ones(18, 4), .constant = ones(63, 19) | ones(3, 0)},
        {.name = "IQA", .offset = reg::IQA, .bytes = 8, .kept = ones(63, 11) | ones(2, 0), .constant = ones(10, 3)},
        {.name = "ICS", .offset = reg::ICS, .constant = word32},
        {.name = "IECTL", .offset = reg::IECTL, .kept = bit(31), .constant = ones(30, 0), .reset = bit(31)},
        {.name = "IEDATA", .offset = reg::IEDATA, .kept = ones(15, 0), .constant = ones(31, 16)},
        {.name = "IEADDR", .offset = reg::IEADDR, .kept = ones(31, 2), .constant = ones(1, 0)},
        {.name = "IEUADDR", .offset = reg::IEUADDR},
        {.name = "IQERCD", .offset = reg::IQERCD, .bytes = 8, .constant = word64},
    };
}

std::vector<std::uint64_t> registers_of_hardware() {
    return {reg::VER, reg::CAP, reg::CAP + 4, reg::ECAP, reg::ECAP + 4};
}

constexpr std::uint64_t low_half = ones(31, 0);
constexpr std::uint64_t high_half = ones(63, 32);

constexpr std::uint64_t patterns[] = {word64, 0x5555555555555555, 0xaaaaaaaaaaaaaaaa, 0};

// The triggers would start something; everything else may be written.
constexpr std::uint64_t pattern_without_trigger = ~bit(63);

void check_value(const RegisterRule& rule, std::uint64_t read, std::uint64_t written) {
    CHECK((read & rule.kept) == (written & rule.kept));
    CHECK((read & rule.constant) == (rule.reset & rule.constant));
}

std::uint64_t read_whole(const Unit& unit, const RegisterRule& rule) {
    return rule.bytes == 8 ? unit.read64(rule.offset) : unit.read32(rule.offset);
}

void write_whole(const Unit& unit, const RegisterRule& rule, std::uint64_t value) {
    if (rule.bytes == 8) {
        unit.write64(rule.offset, value);
    } else {
        unit.write32(rule.offset, static_cast<std::uint32_t>(value));
    }
}

}  // namespace

TEST_CASE("Registers: each comes out of reset as the manual says", "[vtd][registers]") {
    Guest guest(Mode::Scalable);
    for (const auto& rule : registers()) {
        CAPTURE(rule.name);
        CHECK(read_whole(guest.unit, rule) == rule.reset);
    }
}

TEST_CASE("Registers: a write in one piece keeps what is writable and nothing else", "[vtd][registers]") {
    Guest guest(Mode::Scalable);
    for (const auto& rule : registers()) {
        CAPTURE(rule.name);
        for (const std::uint64_t pattern : patterns) {
            write_whole(guest.unit, rule, pattern & pattern_without_trigger);
            check_value(rule, read_whole(guest.unit, rule), pattern & pattern_without_trigger);
        }
    }
}

TEST_CASE("Registers: each half of a wide register is written on its own", "[vtd][registers]") {
    Guest guest(Mode::Scalable);
    for (const auto& rule : registers()) {
        if (rule.bytes != 8) continue;
        CAPTURE(rule.name);
        constexpr std::uint64_t both = 0x5a5a5a5a5a5a5a5a;
        guest.unit.write64(rule.offset, 0);
        guest.unit.write32(rule.offset, static_cast<std::uint32_t>(both));
        check_value(rule, guest.unit.read64(rule.offset), both & low_half);
        guest.unit.write32(rule.offset + 4, static_cast<std::uint32_t>(both >> 32));
        check_value(rule, guest.unit.read64(rule.offset), both);
        guest.unit.write32(rule.offset, 0);
        check_value(rule, guest.unit.read64(rule.offset), both & high_half);
        guest.unit.write64(rule.offset, 0);
    }
}

TEST_CASE("Registers: both halves read as the whole does", "[vtd][registers]") {
    Guest guest(Mode::Scalable);
    auto all = registers();
    all.push_back({.name = "CAP", .offset = reg::CAP, .bytes = 8});
    all.push_back({.name = "ECAP", .offset = reg::ECAP, .bytes = 8});
    all.push_back({.name = "PHMBASE", .offset = reg::PHMBASE, .bytes = 8});
    all.push_back({.name = "PHMLIMIT", .offset = reg::PHMLIMIT, .bytes = 8});
    all.push_back({.name = "FRCD0", .offset = guest.unit.fault_register(0), .bytes = 8});
    for (const auto& rule : all) {
        if (rule.bytes != 8) continue;
        CAPTURE(rule.name);
        guest.unit.write64(rule.offset, 0x123456789abcdef0);
        const std::uint64_t whole = guest.unit.read64(rule.offset);
        CHECK(guest.unit.read32(rule.offset) == (whole & low_half));
        CHECK(guest.unit.read32(rule.offset + 4) == whole >> 32);
    }
}

TEST_CASE("Registers: an 8-byte access is two 4-byte accesses", "[vtd][registers]") {
    Guest guest(Mode::Scalable);
    guest.unit.write64(reg::FECTL, 0x1234'80000000);  // FECTL, then FEDATA
    CHECK(guest.unit.read32(reg::FECTL) == 0x80000000);
    CHECK(guest.unit.read32(reg::FEDATA) == 0x1234);
    CHECK(guest.unit.read64(reg::FECTL) == 0x1234'80000000);
    guest.unit.write64(reg::IECTL, 0x4321'80000000);
    CHECK(guest.unit.read32(reg::IEDATA) == 0x4321);
}

TEST_CASE("Registers: what the hardware is cannot be written", "[vtd][registers]") {
    Guest guest(Mode::Scalable);
    for (const std::uint64_t offset : registers_of_hardware()) {
        CAPTURE(offset);
        const std::uint32_t value = guest.unit.read32(offset);
        guest.unit.write32(offset, ~value);
        CHECK(guest.unit.read32(offset) == value);
    }
}

TEST_CASE("Registers: bytes and halfwords read 0 and write nothing", "[vtd][registers]") {
    Guest guest(Mode::Scalable);
    auto& qtest = guest.qemu.qtest();
    for (const auto& rule : registers()) {
        CAPTURE(rule.name);
        const std::uint64_t before = read_whole(guest.unit, rule);
        for (std::uint64_t at = registers_base + rule.offset; at < registers_base + rule.offset + rule.bytes; ++at) {
            qtest.writeb(at, 0xff);
            CHECK(qtest.readb(at) == 0);
        }
        qtest.writew(registers_base + rule.offset, 0xffff);
        CHECK(qtest.readw(registers_base + rule.offset) == 0);
        CHECK(read_whole(guest.unit, rule) == before);
    }
}

TEST_CASE("Registers: the rest of the page reads 0", "[vtd][registers]") {
    Guest guest(Mode::Scalable);
    for (const std::uint64_t offset :
         {0x004u, 0x048u, 0x050u, 0x058u, 0x0b8u, 0x0f0u, 0x0f8u, 0x300u, 0xe00u, 0xff8u}) {
        CAPTURE(offset);
        guest.unit.write32(offset, 0xffffffff);
        CHECK(guest.unit.read32(offset) == 0);
    }
}

TEST_CASE("Registers: without the queue its registers read 0 and keep nothing", "[vtd][registers]") {
    Guest guest(Mode::Legacy, {.properties = ",qi=off"});
    for (const auto& rule : registers()) {
        if (rule.offset < reg::IQH) continue;
        CAPTURE(rule.name);
        write_whole(guest.unit, rule, pattern_without_trigger);
        CHECK(read_whole(guest.unit, rule) == 0);
    }
}
