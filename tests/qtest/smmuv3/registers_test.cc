// SPDX-License-Identifier: GPL-2.0-or-later
//
// The rules of register accesses: both sizes, halves, guards, what is not there.
#include <catch2/catch_test_macros.hpp>

#include "smmuv3/guest.h"

using namespace smmu_driver;

TEST_CASE("Registers: 64-bit registers in one access or in halves", "[smmuv3][registers]") {
    const Guest guest;
    const Unit& unit = guest.unit;
    for (const std::uint64_t offset :
         {reg::STRTAB_BASE, reg::CMDQ_BASE, reg::EVENTQ_BASE, reg::GERROR_IRQ_CFG0, reg::EVENTQ_IRQ_CFG0}) {
        CAPTURE(offset);
        constexpr std::uint64_t value = 0x0000'0123'4567'8000;
        unit.write64(offset, value);
        CHECK(unit.read64(offset) == value);
        CHECK(unit.read32(offset) == 0x45678000);
        CHECK(unit.read32(offset + 4) == 0x123);
        unit.write32(offset + 4, 0x21);
        CHECK(unit.read64(offset) == 0x0000'0021'4567'8000);
        unit.write32(offset, 0x87654000);
        CHECK(unit.read64(offset) == 0x0000'0021'8765'4000);
    }
}

TEST_CASE("Registers: two registers in one access", "[smmuv3][registers]") {
    const Guest guest;
    CHECK(guest.unit.read64(reg::IDR0) ==
          (guest.unit.read32(reg::IDR0) | std::uint64_t{guest.unit.read32(reg::IDR1)} << 32));
    guest.unit.write64(reg::CMDQ_PROD, 0x0000'0003'0000'0003);
    CHECK(guest.unit.read32(reg::CMDQ_PROD) == 3);
    CHECK(guest.unit.read32(reg::CMDQ_CONS) == 3);
}

TEST_CASE("Registers: what is in use cannot be changed", "[smmuv3][registers]") {
    Guest guest;
    guest.start();
    struct Guarded {
        std::uint64_t offset;
        bool wide;
    };
    for (const auto& [offset, wide] : std::initializer_list<Guarded>{{reg::CR1, false},
                                                                     {reg::CR2, false},
                                                                     {reg::STRTAB_BASE, true},
                                                                     {reg::STRTAB_BASE_CFG, false},
                                                                     {reg::CMDQ_BASE, true},
                                                                     {reg::CMDQ_CONS, false},
                                                                     {reg::EVENTQ_BASE, true},
                                                                     {reg::GERROR_IRQ_CFG0, true},
                                                                     {reg::EVENTQ_IRQ_CFG0, true},
                                                                     {reg::EVENTQ_IRQ_CFG1, false}}) {
        CAPTURE(offset);
        const std::uint64_t before = wide ? guest.unit.read64(offset) : guest.unit.read32(offset);
        if (wide) {
            guest.unit.write64(offset, 0x123440);
            CHECK(guest.unit.read64(offset) == before);
        } else {
            guest.unit.write32(offset, 0x3);
            CHECK(guest.unit.read32(offset) == before);
        }
    }
}

TEST_CASE("Registers: what is read-only stays, and what is nowhere is 0", "[smmuv3][registers]") {
    const Guest guest;
    for (const std::uint64_t offset : {reg::IDR0, reg::IDR1, reg::IDR3, reg::IDR5, reg::IIDR, reg::AIDR, reg::CR0ACK,
                                       reg::IRQ_CTRLACK, reg::GERROR}) {
        CAPTURE(offset);
        const std::uint32_t before = guest.unit.read32(offset);
        guest.unit.write32(offset, ~before);
        CHECK(guest.unit.read32(offset) == before);
    }
    // Reserved, Secure, behind the last of either page.
    for (const std::uint64_t offset : {0x04c, 0x0e0, 0x0e8, 0x8000, 0x8020, 0xfffc, 0x10000, 0x10020, 0x1fffc}) {
        CAPTURE(offset);
        guest.unit.write32(offset, 0xffffffff);
        CHECK(guest.unit.read32(offset) == 0);
    }
}
