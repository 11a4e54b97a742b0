// SPDX-License-Identifier: GPL-2.0-or-later
//
// When the command queue stops: which command CONS names, why, who is told, and how it starts again.
// [SMMU G.b s4.1.5, s6.3.19, s7.1]
#include <catch2/catch_test_macros.hpp>
#include <vector>

#include "smmu_guest.h"

using namespace test::smmu;

namespace {

constexpr std::uint64_t kStatus = 0x1f00000;
constexpr std::uint64_t kQueue = 0x1c00000;
constexpr std::uint32_t kIll = 1u << 24, kAbt = 2u << 24;
const Command kIllegal{0xff, 0};

struct Queue : Guest {
    explicit Queue(const smmuv3::Capabilities& asked = {}) : Guest(asked) {
        cmdq = kQueue;
        w64(kCmdqBase, kQueue | cmdq_log2);
        set_cr0(kCmdqEn);
    }
    void acknowledge() { w32(kGerrorn, r32(kGerror)); }
    [[nodiscard]] std::uint32_t cons() { return r32(kCmdqCons); }
    [[nodiscard]] bool stopped() { return ((r32(kGerror) ^ r32(kGerrorn)) & 1) != 0; }
};

}  // namespace

TEST_CASE("SMMU: an illegal command stops the queue at itself; what came before is done") {
    for (std::uint32_t before = 0; before < 4; ++before) {
        Queue guest;
        for (std::uint32_t i = 1; i <= before; ++i)
            guest.put(cmd_sync(1, kStatus, i));
        guest.put(kIllegal);
        guest.submit(cmd_sync(1, kStatus, 0x99));
        CAPTURE(before);
        CHECK(guest.cons() == (kIll | before));
        CHECK(guest.r32(kGerror) == 1);
        CHECK(guest.ram.peek32(kStatus) == before);
        CHECK(guest.unit.counters().queue_errors == 1);
    }
}

TEST_CASE("SMMU: each illegal opcode and parameter raises CERROR_ILL through the queue") {
    for (const Command& command :
         {Command{0x00, 0}, Command{0x07, 0}, Command{0x18, 0}, Command{0x40, 53}, Command{0x41, 3u << 12},
          Command{0x50, 0}, Command{0x70, 0}, Command{0x80, 0}, Command{0x03 | 1u << 10, 0},
          Command{0x44 | 1u << 10, 0}, Command{0x46 | 3u << 12, 0}, Command{0x12, 1u << 10}, Command{0x2a, 1u << 10}}) {
        Queue guest;
        guest.submit(command);
        CAPTURE(std::hex, command[0], command[1]);
        CHECK(guest.cons() == kIll);
        CHECK(guest.stopped());
    }
}

TEST_CASE("SMMU: acknowledging the error starts the queue again, from memory") {
    Queue guest;
    guest.put(kIllegal);
    guest.submit(cmd_sync(1, kStatus, 2));
    guest.poke(kQueue, cmd_sync(1, kStatus + 8, 1)[0]);  // the driver mends the command
    guest.poke(kQueue + 8, kStatus + 8);
    guest.acknowledge();
    CHECK((guest.cons() & 0xfffff) == 2);
    CHECK(guest.ram.peek32(kStatus + 8) == 1);
    CHECK(guest.ram.peek32(kStatus) == 2);
    CHECK_FALSE(guest.stopped());
}

TEST_CASE("SMMU: a command that is still illegal stops the queue again, with GERROR toggled back") {
    Queue guest;
    guest.submit(kIllegal);
    CHECK(guest.r32(kGerror) == 1);
    guest.acknowledge();
    CHECK(guest.r32(kGerror) == 0);
    CHECK(guest.r32(kGerrorn) == 1);
    CHECK(guest.cons() == kIll);
    CHECK(guest.unit.counters().queue_errors == 2);
}

TEST_CASE("SMMU: nothing but the acknowledgement starts a stopped queue") {
    Queue guest;
    guest.submit(kIllegal);
    guest.submit(cmd_sync(1, kStatus, 1));
    guest.ring_doorbell();
    guest.unit.run_queue();
    guest.w32(kGerrorn, 0);        // as it was
    guest.w32(kGerrorn, 1u << 2);  // another error's bit
    guest.w32(kEventqCons, 0);
    guest.set_cr0(0);
    guest.set_cr0(kCmdqEn);
    CHECK(guest.cons() == kIll);
    CHECK(guest.ram.peek32(kStatus) == 0);
    CHECK(guest.unit.counters().queue_errors == 1);
}

TEST_CASE("SMMU: while the queue is stopped, software may take its commands back") {
    Queue guest;
    guest.put(cmd_sync(1, kStatus, 1));
    guest.put(kIllegal);
    guest.submit(cmd_sync(1, kStatus, 2));
    REQUIRE(guest.cons() == (kIll | 1));
    guest.w32(kCmdqProd, 1);
    guest.acknowledge();
    CHECK((guest.cons() & 0xfffff) == 1);
    CHECK(guest.ram.peek32(kStatus) == 1);
    guest.poke(kQueue + 16, cmd_sync(1, kStatus, 3)[0]);
    guest.poke(kQueue + 24, kStatus);
    guest.w32(kCmdqProd, 2);
    CHECK(guest.ram.peek32(kStatus) == 3);
}

TEST_CASE("SMMU: a command that cannot be read raises CERROR_ABT, and is read again after the acknowledgement") {
    Queue guest;
    guest.set_cr0(0);
    guest.w64(kCmdqBase, kNoRam | 7);
    guest.set_cr0(kCmdqEn);
    guest.submit(cmd_sync());
    CHECK(guest.cons() == kAbt);
    CHECK(guest.r32(kGerror) == 1);
    guest.acknowledge();
    CHECK(guest.cons() == kAbt);
    CHECK(guest.r32(kGerror) == 0);
    // A queue elsewhere, as after a driver's reset of it.
    guest.set_cr0(0);
    guest.w64(kCmdqBase, kQueue | 7);
    guest.w32(kCmdqCons, 0);
    guest.w32(kCmdqProd, 0);
    guest.cmdq_prod = 0;
    guest.acknowledge();
    guest.set_cr0(kCmdqEn);
    guest.submit(cmd_sync(1, kStatus, 4));
    CHECK(guest.ram.peek32(kStatus) == 4);
    CHECK(guest.cons() == 1);
}

TEST_CASE("SMMU: a queue that runs out of RAM stops at the first entry outside") {
    Queue guest;
    guest.set_cr0(0);
    // Without its last two entries.
    std::array ranges{guest.ram.range()};
    ranges[0].size = kQueue + 16 * 126;
    guest.unit.memory().set_ram(ranges);
    guest.w32(kCmdqProd, 120);
    guest.w32(kCmdqCons, 120);
    guest.cmdq_prod = 120;
    guest.set_cr0(kCmdqEn);
    for (unsigned i = 0; i < 8; ++i)
        guest.put(cmd_sync());
    guest.ring_doorbell();
    CHECK(guest.cons() == (kAbt | 126));
}

TEST_CASE("SMMU: ERR is there before GERROR, and GERROR before its interrupt") {
    Queue guest;
    guest.w64(kGerrorIrqCfg0, 0x800'0100);
    guest.w32(kGerrorIrqCfg1, 0x77);
    guest.w32(kIrqCtrl, 1);
    std::uint32_t error = 0, cons = 0;
    guest.ports.on_message = [&](std::uint64_t) {
        error = guest.r32(kGerror);
        cons = guest.cons();
    };
    guest.submit(kIllegal);
    CHECK(error == 1);
    CHECK(cons == kIll);
    CHECK(guest.ports.messages == std::vector{test::Msi{0x800'0100, 0x77}});
    CHECK(guest.ports.pulses == std::vector<unsigned>{3});
}

TEST_CASE("SMMU: an error while indexes wrap leaves the wrap flag in CONS") {
    Queue guest;
    for (unsigned i = 0; i < 130; ++i)
        guest.submit(cmd_sync());
    guest.submit(kIllegal);
    CHECK(guest.cons() == (kIll | 130));
}
