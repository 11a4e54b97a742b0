// SPDX-License-Identifier: GPL-2.0-or-later
//
// Registers that act: updates that are acknowledged, fields that an enable guards, and what happens to transactions
// while the unit does not translate. [SMMU G.b s6.3.9-6.3.28]
#include <catch2/catch_test_macros.hpp>
#include <vector>

#include "smmu_guest.h"

using namespace test::smmu;
using iommu::Outcome;

namespace {

constexpr std::uint32_t kUpdate = 1u << 31, kAbort = 1u << 20;

}  // namespace

TEST_CASE("SMMU: CR0ACK shows each bit of CR0 that is there, and no other") {
    Guest guest;
    for (unsigned bit = 0; bit < 32; ++bit) {
        CAPTURE(bit);
        guest.set_cr0(1u << bit);
        CHECK(guest.r32(kCr0) == (1u << bit & 0x1df));  // VMW, ATSCHK, CMDQEN, EVENTQEN, PRIQEN, SMMUEN
        CHECK(guest.r32(kCr0ack) == (1u << bit & 0x1df));
    }
    guest.set_cr0(~0u);
    CHECK(guest.r32(kCr0ack) == 0x1df);
    guest.set_cr0(0);
    CHECK(guest.r64(kCr0) == 0);
    guest.w64(kCr0, ~0ull);
    CHECK(guest.r64(kCr0) == 0x0000'01df'0000'01df);
}

TEST_CASE("SMMU: IRQ_CTRLACK shows each bit of IRQ_CTRL that is there, and no other") {
    Guest guest;
    for (unsigned bit = 0; bit < 32; ++bit) {
        CAPTURE(bit);
        guest.w32(kIrqCtrl, 1u << bit);
        CHECK(guest.r32(kIrqCtrlack) == (1u << bit & 0x7));
    }
    guest.w32(kIrqCtrl, 0);
    CHECK(guest.r32(kIrqCtrlack) == 0);
}

TEST_CASE("SMMU: a field keeps its value while its enable is set, and changes again after") {
    // Bit 0 of CMDQ_CONS is left out: a queue of one entry would not be empty with it.
    struct Case {
        const char* name;
        std::uint64_t offset;
        unsigned size;
        std::uint64_t bits;     // that the enable guards
        std::uint64_t guard;    // the register with the enable
        std::uint32_t enables;  // each one alone guards
    };
    for (const Case& item : {
             Case{"CR1.TABLE_*", kCr1, 4, 0xfc0, kCr0, kSmmuEn},
             Case{"CR1.QUEUE_*", kCr1, 4, 0x03f, kCr0, kCmdqEn | kEventqEn | kPriqEn},
             Case{"CR2", kCr2, 4, 0xb, kCr0, kSmmuEn},
             Case{"STRTAB_BASE", kStrtabBase, 8, 0x40ff'ffff'ffff'ffc0, kCr0, kSmmuEn},
             Case{"STRTAB_BASE_CFG", kStrtabBaseCfg, 4, 0x307ff, kCr0, kSmmuEn},
             Case{"CMDQ_BASE", kCmdqBase, 8, 0x40ff'ffff'ffff'ffff, kCr0, kCmdqEn},
             Case{"CMDQ_CONS", kCmdqCons, 4, 0x7f0f'fffe, kCr0, kCmdqEn},
             Case{"EVENTQ_BASE", kEventqBase, 8, 0x40ff'ffff'ffff'ffff, kCr0, kEventqEn},
             Case{"EVENTQ_PROD", kEventqProd, 4, 0x800f'ffff, kCr0, kEventqEn},
             Case{"EVENTQ_PROD, page 0", 0xa8, 4, 0x800f'ffff, kCr0, kEventqEn},
             Case{"PRIQ_BASE", 0xc0, 8, 0x40ff'ffff'ffff'ffff, kCr0, kPriqEn},
             Case{"PRIQ_PROD", 0x100c8, 4, 0x800f'ffff, kCr0, kPriqEn},
             Case{"PRIQ_PROD, page 0", 0xc8, 4, 0x800f'ffff, kCr0, kPriqEn},
             Case{"PRIQ_IRQ_CFG0", 0xd0, 8, 0x00ff'ffff'ffff'fffc, kIrqCtrl, 2},
             Case{"PRIQ_IRQ_CFG1", 0xd8, 4, 0xffff'ffff, kIrqCtrl, 2},
             Case{"PRIQ_IRQ_CFG2", 0xdc, 4, 0x8000'003f, kIrqCtrl, 2},
             Case{"GERROR_IRQ_CFG0", 0x68, 8, 0x00ff'ffff'ffff'fffc, kIrqCtrl, 1},
             Case{"GERROR_IRQ_CFG1", 0x70, 4, 0xffff'ffff, kIrqCtrl, 1},
             Case{"GERROR_IRQ_CFG2", 0x74, 4, 0x3f, kIrqCtrl, 1},
             Case{"EVENTQ_IRQ_CFG0", 0xb0, 8, 0x00ff'ffff'ffff'fffc, kIrqCtrl, 4},
             Case{"EVENTQ_IRQ_CFG1", 0xb8, 4, 0xffff'ffff, kIrqCtrl, 4},
             Case{"EVENTQ_IRQ_CFG2", 0xbc, 4, 0x3f, kIrqCtrl, 4},
         }) {
        for (std::uint32_t enable = 1; enable <= 8; enable <<= 1) {
            if (item.guard == kIrqCtrl && enable == 8) continue;
            Guest guest;
            const bool guarded = (item.enables & enable) != 0;
            CAPTURE(item.name, enable, guarded);
            guest.w32(item.guard, enable);
            guest.unit.write(item.offset, item.bits, item.size);
            CHECK(guest.unit.read(item.offset, item.size) == (guarded ? 0 : item.bits));
            guest.w32(item.guard, 0);
            guest.unit.write(item.offset, item.bits, item.size);
            CHECK(guest.unit.read(item.offset, item.size) == item.bits);
            guest.w32(item.guard, enable);
            guest.unit.write(item.offset, 0, item.size);
            if (item.size == 8) {
                guest.w32(item.offset, 0);
                guest.w32(item.offset + 4, 0);
            }
            CHECK(guest.unit.read(item.offset, item.size) == (guarded ? item.bits : 0));
        }
    }
}

TEST_CASE("SMMU: CMDQ_PROD, EVENTQ_CONS, PRIQ_CONS and GERRORN are never guarded") {
    Guest guest;
    guest.w32(kIrqCtrl, 7);
    guest.set_cr0(kSmmuEn | kEventqEn | kPriqEn);
    guest.w32(0x100cc, 0x8000'0005);
    CHECK(guest.r32(0x100cc) == 0x8000'0005);
    guest.w32(kCmdqProd, 0x12345);
    guest.w32(kEventqCons, 0x8000'0007);
    guest.w32(kGerrorn, 0x1);
    CHECK(guest.r32(kCmdqProd) == 0x12345);
    CHECK(guest.r32(kEventqCons) == 0x8000'0007);
    CHECK(guest.r32(kGerrorn) == 0x1);
    guest.w32(kGerrorn, 0);
}

TEST_CASE("SMMU: GBPA changes with Update only, which reads 0 again at once") {
    Guest guest;
    CHECK(guest.r32(kGbpa) == 0x1000);
    for (unsigned bit = 0; bit < 31; ++bit) {
        CAPTURE(bit);
        guest.w32(kGbpa, 1u << bit);
        CHECK(guest.r32(kGbpa) == 0x1000);
    }
    for (unsigned bit = 0; bit < 31; ++bit) {
        CAPTURE(bit);
        guest.w32(kGbpa, kUpdate | 1u << bit);
        CHECK(guest.r32(kGbpa) == (1u << bit & 0x1f'3f1f));
        guest.w32(kGbpa, 0x000f'0000);
        CHECK(guest.r32(kGbpa) == (1u << bit & 0x1f'3f1f));
    }
    guest.w32(kGbpa, kUpdate);
    CHECK(guest.r32(kGbpa) == 0);
    guest.w64(0x40, (kUpdate | std::uint64_t{0x2000}) << 32);
    CHECK(guest.r64(0x40) == 0x2000ull << 32);
}

TEST_CASE("SMMU: before SMMUEN, GBPA.ABORT decides about transactions, silently") {
    Guest guest;
    guest.set_cr0(kEventqEn);
    const std::uint64_t top = 0xffff'ffff'ffff;
    for (const bool abort : {false, true, false}) {
        guest.w32(kGbpa, kUpdate | (abort ? kAbort : 0));
        CAPTURE(abort);
        CHECK((guest.ask(read_at(0x1234)).outcome == Outcome::Blocked) == abort);
        CHECK((guest.ask(with_substream(write_at(top), 7)).outcome == Outcome::Blocked) == abort);
        CHECK(guest.ask(read_at(top + 1)).outcome == Outcome::Blocked);
    }
    CHECK(guest.ask(read_at(0x1234)).translation.address.value == 0x1234);
    CHECK_FALSE(guest.take_event());
    CHECK(guest.ports.gates == std::vector{true, false});
}

TEST_CASE("SMMU: GBPA means nothing while SMMUEN is set") {
    Guest guest;
    guest.stream(kStream, {.config = kBypass});
    guest.bring_up();
    guest.w32(kGbpa, kUpdate | kAbort);
    CHECK(guest.ask(read_at(0x1234)).outcome == Outcome::Translated);
    guest.set_cr0(kCmdqEn | kEventqEn);
    CHECK(guest.ask(read_at(0x1234)).outcome == Outcome::Blocked);
    CHECK(guest.ports.gates == std::vector{true});
}

TEST_CASE("SMMU: turning translation on and off tells those who keep translations") {
    Guest guest;
    guest.stream(kStream);
    guest.map(guest.low, 0x4000, 0x1800000, kPage);
    guest.bring_up();
    CHECK(guest.ports.gates == std::vector{true});
    REQUIRE_FALSE(guest.ports.unmaps.empty());
    CHECK(guest.ports.unmaps.back().last.value == ~0ull);
    guest.ports.unmaps.clear();
    guest.set_cr0(kCmdqEn | kEventqEn | kSmmuEn);
    CHECK(guest.ports.unmaps.empty());
    guest.set_cr0(kCmdqEn | kEventqEn);
    CHECK(guest.ports.gates == std::vector{true, false});
    CHECK(guest.ports.unmaps.size() == 1);
}

// Caches outlive SMMUEN: software invalidates them. [SMMU G.b s6.3.9.6]
TEST_CASE("SMMU: what was cached is still there after SMMUEN was clear for a while") {
    Guest guest;
    guest.stream(kStream);
    const std::uint64_t leaf = guest.map(guest.low, 0x4000, 0x1800000, kPage);
    guest.bring_up();
    REQUIRE(guest.ask(read_at(0x4000)).translation.address.value == 0x1800000);
    guest.set_cr0(kCmdqEn | kEventqEn);
    CHECK(guest.ask(read_at(0x4000)).translation.address.value == 0x4000);
    guest.poke(leaf, 0);
    guest.set_cr0(kCmdqEn | kEventqEn | kSmmuEn);
    CHECK(guest.ask(read_at(0x4000)).translation.address.value == 0x1800000);
    guest.forget();
    CHECK(guest.ask(read_at(0x4000)).outcome == Outcome::Blocked);
}

TEST_CASE("SMMU: reset leaves nothing of what was set, cached or recorded") {
    Guest guest;
    guest.stream(kStream);
    guest.map(guest.low, 0x4000, 0x1800000, kPage);
    guest.bring_up();
    (void)guest.ask(read_at(0x4000));
    (void)guest.ask(read_at(0x9000));
    Guest fresh;
    guest.unit.reset();
    CHECK(guest.unit.save() == fresh.unit.save());
    CHECK(guest.ask(read_at(0x4000)).translation.address.value == 0x4000);
    CHECK(guest.ports.gates == std::vector{true, false});
    guest.map(guest.low, 0x4000, 0x1900000, kPage);
    guest.bring_up();
    CHECK(guest.ask(read_at(0x4000)).translation.address.value == 0x1900000);
}
