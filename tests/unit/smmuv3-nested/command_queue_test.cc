// SPDX-License-Identifier: GPL-2.0-or-later
//
// The command queue at work: sizes, wrapping, enabling, the budget of one run, and CMD_SYNC with each way to tell that
// it is done. [SMMU G.b s4.1, s4.7.3, s6.3.26-6.3.28]
#include <catch2/catch_test_macros.hpp>
#include <vector>

#include "smmu_guest.h"

using namespace test::smmu;
using test::Msi;

namespace {

constexpr std::uint64_t kStatus = 0x1f00000;  // in the data half of RAM
constexpr std::uint64_t kBigQueue = 0x1c00000;
constexpr std::uint64_t kDoorbell = 0x800'0040;  // not RAM
constexpr unsigned kSyncLine = 2;

struct Queue : Guest {
    explicit Queue(unsigned log2 = 7, const smmuv3::Capabilities& asked = {}) : Guest(asked) {
        cmdq_log2 = log2;
        cmdq = kBigQueue;
        w64(kCmdqBase, cmdq | log2);
        set_cr0(kCmdqEn);
    }
    [[nodiscard]] std::uint32_t cons() { return r32(kCmdqCons); }
};

}  // namespace

TEST_CASE("SMMU: CONS follows PROD through every entry and both wraps of queues of several sizes") {
    for (const unsigned log2 : {0u, 1u, 3u, 7u}) {
        Queue guest(log2);
        const std::uint32_t entries = 1u << log2;
        CAPTURE(log2);
        for (std::uint32_t i = 1; i <= 4 * entries + 1; ++i) {
            guest.submit(cmd_sync(1, kStatus, i));
            REQUIRE(guest.cons() == i % (2 * entries));
            REQUIRE(guest.ram.peek32(kStatus) == i);
        }
        // A full queue at once: PROD differs in the wrap flag only.
        for (std::uint32_t i = 0; i < entries; ++i)
            guest.put(cmd_sync(1, kStatus + 0x1000 + 4 * i, i + 1));
        CHECK((guest.cmdq_prod ^ guest.cons()) == entries);
        guest.ring_doorbell();
        CHECK(guest.cons() == guest.cmdq_prod);
        for (std::uint32_t i = 0; i < entries; ++i)
            CHECK(guest.ram.peek32(kStatus + 0x1000 + 4 * i) == i + 1);
        CHECK(guest.r32(kGerror) == 0);
    }
}

TEST_CASE("SMMU: a queue is never larger than IDR1.CMDQS, though LOG2SIZE reads back as written") {
    for (const unsigned log2 : {1u, 2u, 31u}) {
        Queue guest(log2, {.cmdqs = 1});
        guest.cmdq_log2 = 1;
        CAPTURE(log2);
        CHECK(guest.r64(kCmdqBase) == (kBigQueue | log2));
        for (std::uint32_t i = 1; i <= 9; ++i) {
            guest.submit(cmd_sync(1, kStatus, i));
            REQUIRE(guest.cons() == i % 4);
            REQUIRE(guest.ram.peek32(kStatus) == i);
        }
    }
}

TEST_CASE("SMMU: the base is aligned to the queue's bytes, at least 32") {
    for (const auto& [log2, unaligned] :
         std::vector<std::pair<unsigned, std::uint64_t>>{{7, 0x7e0}, {1, 0}, {0, 0}, {10, 0x3fe0}}) {
        Queue guest(log2);
        guest.set_cr0(0);
        guest.w64(kCmdqBase, kBigQueue | unaligned | log2);
        guest.set_cr0(kCmdqEn);
        CAPTURE(log2);
        guest.submit(cmd_sync(1, kStatus, 7));
        CHECK(guest.ram.peek32(kStatus) == 7);
    }
}

TEST_CASE("SMMU: address bits above the output size do not count, for queue and message") {
    Queue guest(3, {.oas = 2});  // 40 bits
    guest.set_cr0(0);
    guest.w64(kCmdqBase, 0x00ff'ff00'0000'0000 | kBigQueue | 3);
    guest.set_cr0(kCmdqEn);
    guest.submit(cmd_sync(1, 0x00ff'ff00'0000'0000ull | kStatus, 9));
    CHECK(guest.ram.peek32(kStatus) == 9);
    CHECK(guest.r32(kGerror) == 0);
}

// Whether MSIAddress is 0 is looked at before it is cut to the output size. [SMMU G.b s4.7.3]
TEST_CASE("SMMU: a message address that is 0 only after it was cut is still an address") {
    Queue guest(3);
    guest.poke(0, ~0ull);
    guest.submit(cmd_sync(1, 1ull << 48, 9));
    CHECK(guest.ram.peek32(0) == 9);
    guest.submit(cmd_sync(1, 0, 10));
    CHECK(guest.ram.peek32(0) == 9);
}

TEST_CASE("SMMU: commands wait until CMDQEN, and after it was cleared") {
    Queue guest;
    guest.set_cr0(0);
    guest.submit(cmd_sync(1, kStatus, 1));
    CHECK(guest.cons() == 0);
    guest.set_cr0(kCmdqEn);
    CHECK(guest.cons() == 1);
    CHECK(guest.ram.peek32(kStatus) == 1);
    guest.set_cr0(0);
    guest.submit(cmd_sync(1, kStatus, 2));
    CHECK(guest.ram.peek32(kStatus) == 1);
    // A driver that starts anew.
    guest.w32(kCmdqCons, 0);
    guest.w32(kCmdqProd, 0);
    guest.set_cr0(kCmdqEn);
    CHECK(guest.cons() == 0);
    CHECK(guest.ram.peek32(kStatus) == 1);
}

TEST_CASE("SMMU: the queue works whether translation is on or off") {
    Guest guest;
    guest.stream(kStream);
    guest.bring_up();
    guest.submit(cmd_sync(1, kStatus, 1));
    CHECK(guest.ram.peek32(kStatus) == 1);
    guest.set_cr0(kCmdqEn);
    guest.submit(cmd_sync(1, kStatus, 2));
    CHECK(guest.ram.peek32(kStatus) == 2);
}

TEST_CASE("SMMU: a CMD_SYNC tells its completion as CS says") {
    struct Case {
        const char* what;
        unsigned cs;
        std::uint64_t address;
        std::uint8_t msi;
        bool stored, message, wire;
    };
    for (const Case& item : {
             Case{"nothing", 0, kStatus, 1, false, false, false},
             Case{"event", 2, kStatus, 1, false, false, false},
             Case{"message to memory", 1, kStatus, 1, true, false, true},
             Case{"message to a doorbell", 1, kDoorbell, 1, false, true, true},
             Case{"wire only", 1, 0, 1, false, false, true},
             Case{"memory without messages", 1, kStatus, 0, false, false, true},
             Case{"doorbell without messages", 1, kDoorbell, 0, false, false, true},
         }) {
        Queue guest(7, {.msi = item.msi, .sev = 1});
        guest.submit(cmd_sync(item.cs, item.address, 0x1234));
        CAPTURE(item.what);
        CHECK(guest.cons() == 1);
        CHECK(guest.ram.peek32(kStatus) == (item.stored ? 0x1234u : 0u));
        CHECK(guest.ports.messages == (item.message ? std::vector{Msi{kDoorbell, 0x1234}} : std::vector<Msi>{}));
        CHECK(guest.ports.pulses == (item.wire ? std::vector{kSyncLine} : std::vector<unsigned>{}));
        CHECK(guest.r32(kGerror) == 0);
        CHECK(guest.unit.counters().waits == 1);
    }
}

// Linux lets the message overwrite the first word of the command itself with 0, and polls that.
TEST_CASE("SMMU: a message may go to the slot of its own command, and touches four bytes only") {
    Queue guest(2);
    for (unsigned i = 0; i < 9; ++i) {
        const std::uint64_t slot = kBigQueue + 16ull * (guest.cmdq_prod & 3);
        guest.submit(cmd_sync(1, slot, 0));
        CHECK(guest.ram.peek32(slot) == 0);
        CHECK(guest.peek(slot + 8) == slot);
    }
    guest.poke(kStatus, ~0ull);
    guest.submit(cmd_sync(1, kStatus + 4, 0x55));
    CHECK(guest.peek(kStatus) == 0x0000'0055'ffff'ffff);
}

TEST_CASE("SMMU: CONS shows the CMD_SYNC consumed before its message can be seen") {
    Queue guest(7);
    std::vector<std::uint32_t> seen;
    guest.ports.on_message = [&](std::uint64_t) { seen.push_back(guest.cons()); };
    guest.put(tlbi_nsnh_all());
    guest.put(cmd_sync(1, kDoorbell, 1));
    guest.submit(cmd_sync(1, kDoorbell, 2));
    CHECK(seen == std::vector<std::uint32_t>{2, 3});
}

TEST_CASE("SMMU: what was invalidated is gone before the message can be seen") {
    Guest guest;
    guest.stream(kStream);
    const std::uint64_t leaf = guest.map(guest.low, 0x4000, 0x1800000, kPage);
    guest.bring_up();
    (void)guest.ask(read_at(0x4000));
    guest.poke(leaf, guest.peek(leaf) + 0x1000);
    guest.ports.unmaps.clear();
    std::uint64_t seen = 0;
    std::size_t told = 0;
    guest.ports.on_message = [&](std::uint64_t) {
        seen = guest.ask(read_at(0x4000)).translation.address.value;
        told = guest.ports.unmaps.size();
    };
    guest.put(tlbi_nh_va(3, 1, 0x4000));
    guest.submit(cmd_sync(1, kDoorbell, 1));
    CHECK(seen == 0x1801000);
    CHECK(told == 1);
}

TEST_CASE("SMMU: a message that ends in nothing is a global error, and the CMD_SYNC is done all the same") {
    Queue guest(7);
    guest.ports.no_interrupt_controller = true;
    guest.put(cmd_sync(1, kDoorbell, 1));
    guest.submit(cmd_sync(1, kStatus, 2));
    CHECK(guest.cons() == 2);
    CHECK(guest.r32(kGerror) == 1u << 4);
    CHECK(guest.ram.peek32(kStatus) == 2);
    guest.submit(cmd_sync(1, kDoorbell, 1));  // active already: stays so
    CHECK(guest.r32(kGerror) == 1u << 4);
    guest.w32(kGerrorn, 1u << 4);
    guest.submit(cmd_sync(1, kDoorbell, 1));
    CHECK(guest.r32(kGerror) == 0);  // toggled again
}

TEST_CASE("SMMU: one write carries out a bounded number of commands and asks to go on") {
    Queue guest(14);
    constexpr std::uint32_t kMany = 3000;
    for (std::uint32_t i = 1; i <= kMany; ++i)
        guest.put(cmd_sync(1, kStatus, i));
    guest.ring_doorbell();
    // The first one also asks for DMA that is under way, which counts.
    CHECK(guest.ports.kicks == 1);
    CHECK(guest.cons() == 1023);
    CHECK(guest.ram.peek32(kStatus) == 1023);
    guest.unit.run_queue();
    CHECK(guest.cons() == 2047);
    guest.unit.run_queue();
    CHECK(guest.cons() == kMany);
    CHECK(guest.ports.kicks == 2);
    guest.unit.run_queue();
    CHECK(guest.cons() == kMany);
    CHECK(guest.ports.kicks == 2);
    CHECK(guest.ram.peek32(kStatus) == kMany);
}

TEST_CASE("SMMU: commands that a port adds while the queue runs are carried out too") {
    Queue guest(7);
    unsigned left = 3;
    guest.ports.on_message = [&](std::uint64_t) {
        if (left-- > 0) guest.submit(cmd_sync(1, kDoorbell, left));
    };
    guest.submit(cmd_sync(1, kDoorbell, 9));
    CHECK(guest.cons() == 4);
    CHECK(guest.ports.messages.size() == 4);
}

TEST_CASE("SMMU: prefetches have no effect, also with translation off") {
    Guest guest;
    guest.stream(kStream);
    guest.bring_up();
    for (const std::uint32_t cr0 : {kCmdqEn | kEventqEn | kSmmuEn, kCmdqEn | kEventqEn}) {
        guest.set_cr0(cr0);
        guest.put({0x01 | 0xffff'ffffull << 32, 0});
        guest.put({0x02 | 1u << 11 | 0xffff'ffffull << 32, ~0ull});
        guest.submit(cmd_sync(1, kStatus, cr0));
        CHECK(guest.ram.peek32(kStatus) == cr0);
        CHECK(guest.r32(kGerror) == 0);
        CHECK_FALSE(guest.take_event());
    }
}
