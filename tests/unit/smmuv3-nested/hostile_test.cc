// SPDX-License-Identifier: GPL-2.0-or-later
//
// A guest that does everything wrong. Nothing here may stop, hang or harm the emulator; run under the sanitizers.
// The last check is always the same: after a reset the unit works as new.
#include <catch2/catch_test_macros.hpp>
#include <random>

#include "smmu_guest.h"

using namespace test::smmu;
using iommu::Outcome;

namespace {

using Random = std::mt19937_64;

// Few bits set, or many, or a plausible address.
std::uint64_t odd(Random& random) {
    switch (random() % 4) {
        case 0: return random() & random() & random();
        case 1: return random();
        case 2: return random() & 0x1ff'f000;
        default: return random() % 64;
    }
}

iommu::Request odd_request(Random& random) {
    iommu::Request request = read_at(odd(random));
    request.requester.value = static_cast<std::uint32_t>(random() % 4 == 0 ? random() : random() % 80);
    if (random() % 3 == 0) request.pasid = iommu::Pasid{static_cast<std::uint32_t>(odd(random) & 0xfffff)};
    request.access = static_cast<iommu::Access>(random() % 3);
    request.privilege = static_cast<iommu::Privilege>(random() % 2);
    request.execute = static_cast<iommu::Execute>(random() % 2);
    request.kind = static_cast<iommu::RequestKind>(random() % 8 == 0 ? 1 : 0);
    return request;
}

void ask_oddly(Guest& guest, Random& random) {
    const auto reply = guest.ask(odd_request(random), static_cast<smmuv3::CanStall>(random() % 2));
    CHECK(reply.translation.page_log2 <= 64);
}

void works_after_reset(Guest& guest) {
    guest.unit.reset();
    guest.low.root = guest.alloc();
    guest.linear_stream_table(6);
    guest.cmdq = guest.alloc();
    guest.cmdq_log2 = 7;
    guest.stream(kStream);
    guest.map(guest.low, 0x4000, 0x1800000, kPage);
    guest.bring_up();
    CHECK(guest.ask(read_at(0x4000)).translation.address.value == 0x1800000);
    CHECK(guest.r32(kGerror) == 0);
    guest.submit(cmd_sync(1, 0x1f00000, 0x77));
    CHECK(guest.ram.peek32(0x1f00000) == 0x77);
}

}  // namespace

TEST_CASE("SMMU hostile: random writes anywhere in the frame") {
    Random random(1);
    Guest guest;
    guest.stream(kStream);
    for (unsigned round = 0; round < 20'000; ++round) {
        const std::uint64_t offset = random() % 8 == 0 ? random() % 0x20010 : random() % 0x110;
        const std::uint64_t page = random() % 4 == 0 ? 0x10000 : 0;
        static constexpr unsigned kSizes[] = {4, 4, 4, 8, 8, 1, 2};
        guest.unit.write((offset & (random() % 8 == 0 ? ~0ull : ~3ull)) + page, odd(random), kSizes[random() % 7]);
        (void)guest.unit.read(offset, 8);
        if (round % 16 == 0) ask_oddly(guest, random);
        if (guest.ports.kicks > 0 && round % 5 == 0) guest.unit.run_queue();
    }
    works_after_reset(guest);
}

TEST_CASE("SMMU hostile: random commands") {
    Random random(2);
    Guest guest;
    for (std::uint32_t at = 0; at < 8; ++at)
        guest.stream(at, {}, {.s = at % 2 == 0});
    guest.map(guest.low, 0x4000, 0x1800000, kPage);
    guest.bring_up();
    static constexpr unsigned kOpcodes[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x10, 0x11, 0x12, 0x13,
                                            0x20, 0x21, 0x22, 0x23, 0x28, 0x2a, 0x30, 0x44, 0x45, 0x46};
    for (unsigned round = 0; round < 20'000; ++round) {
        Command command{odd(random), odd(random)};
        if (random() % 8 != 0) command[0] = (command[0] & ~0x4ffull) | kOpcodes[random() % 20];
        guest.submit(command);
        if (guest.r32(kGerror) != guest.r32(kGerrorn)) {
            guest.cmdq_prod = guest.r32(kCmdqCons) & 0xff;
            guest.ring_doorbell();
            guest.w32(kGerrorn, guest.r32(kGerror));
        }
        if (round % 4 == 0) ask_oddly(guest, random);
        if (round % 64 == 0) (void)guest.take_events();
    }
    works_after_reset(guest);
}

TEST_CASE("SMMU hostile: indexes that cannot be") {
    Random random(3);
    Guest guest;
    guest.bring_up();
    for (unsigned round = 0; round < 300; ++round) {
        guest.set_cr0(0);
        guest.w64(kCmdqBase, (random() & 0x1ff'ffe0) | (random() % 32));
        guest.w64(kEventqBase, (random() & 0x1ff'ffe0) | (random() % 32));
        guest.w32(kCmdqCons, random()), guest.w32(kEventqProd, random());
        guest.w32(kEventqCons, random());
        guest.set_cr0(kCmdqEn | kEventqEn | kSmmuEn);
        guest.w32(kCmdqProd, random());
        for (unsigned i = 0; i < 4; ++i) {
            ask_oddly(guest, random);
            guest.w32(kEventqCons, random());
            guest.w32(kGerrorn, guest.r32(kGerror));
            guest.unit.run_queue();
        }
    }
    works_after_reset(guest);
}

TEST_CASE("SMMU hostile: structures full of noise, outside RAM, and on top of each other") {
    Random random(4);
    Guest guest;
    guest.stream(kStream);
    for (unsigned round = 0; round < 200; ++round) {
        guest.set_cr0(0);
        guest.w64(kStrtabBase, random() % 4 == 0 ? odd(random) : 0x100000);
        guest.w32(kStrtabBaseCfg, random() % 2 == 0 ? 6 : random());
        guest.w32(kCr2, random());
        const std::uint64_t queues = random() % 2 == 0 ? 0x100000 : kNoRam;  // over the stream table
        guest.w64(kCmdqBase, queues | 5);
        guest.w64(kEventqBase, queues | 5);
        guest.w32(kCmdqCons, 0), guest.w32(kCmdqProd, 0);
        for (std::uint64_t at = 0x100000; at < 0x101000; at += 8) {
            // Entries that are likely to be valid and to point into the noise.
            const std::uint64_t pointer = (random() & 0xff'f000) | 0x100000;
            guest.poke(at, random() % 2 == 0 ? pointer | (random() & 0x7ff) | 1 : odd(random));
        }
        guest.set_cr0(kCmdqEn | kEventqEn | kSmmuEn);
        for (unsigned i = 0; i < 40; ++i)
            ask_oddly(guest, random);
        guest.w32(kCmdqProd, random() % 64);
        guest.w32(kGerrorn, guest.r32(kGerror));
        guest.w32(kEventqCons, guest.r32(kEventqProd));
    }
    works_after_reset(guest);
}

TEST_CASE("SMMU hostile: tables that lead to themselves") {
    for (const unsigned config : {kStage1, kStage2, kNested}) {
        Guest guest;
        guest.second.root = guest.low.root;
        guest.stream(kStream, {.config = config}, {.ha = true, .hd = true});
        for (unsigned index = 0; index < 512; ++index)
            guest.poke(guest.low.root + 8ull * index, guest.low.root | kPage | kDbm | 3);
        guest.bring_up();
        Random random(5);
        for (unsigned round = 0; round < 500; ++round) {
            (void)guest.ask(write_at(random() & 0xffff'ffff'ffff), smmuv3::CanStall::Yes);
            guest.w32(kEventqCons, guest.r32(kEventqProd));
        }
        works_after_reset(guest);
    }
}

TEST_CASE("SMMU hostile: the event queue over the tables and the command queue") {
    Guest guest;
    guest.stream(kStream);
    guest.cmdq = 0x200000;
    guest.eventq = guest.ste(0);
    guest.bring_up();
    for (std::uint64_t round = 0; round < 500; ++round) {
        (void)guest.ask(from(static_cast<std::uint32_t>(round % 70), read_at(round << 14)));
        guest.w32(kEventqCons, guest.r32(kEventqProd));
    }
    guest.eventq = 0x1000;
    works_after_reset(guest);
}

TEST_CASE("SMMU hostile: reset and disabling from within the ports") {
    for (const bool reset : {false, true}) {
        Guest guest;
        guest.stream(kStream, {}, {.s = true});
        guest.bring_up();
        for (unsigned round = 0; round < 5; ++round)
            (void)guest.ask(read_at(round << 12), smmuv3::CanStall::Yes);
        guest.ports.on_message = [&](std::uint64_t) {
            if (reset)
                guest.unit.reset();
            else
                guest.set_cr0(0);
        };
        for (unsigned round = 0; round < 20; ++round)
            guest.put(cmd_sync(1, 0x800'0000, round));
        guest.ring_doorbell();
        CAPTURE(reset);
        CHECK(guest.ports.messages.size() == 1);
        CHECK(guest.ports.resumes.size() == 5);
        guest.ports.on_message = nullptr;
        works_after_reset(guest);
    }
}

TEST_CASE("SMMU hostile: RAM that goes away while the unit works") {
    Guest guest;
    guest.stream(kStream);
    guest.map(guest.low, 0x4000, 0x1800000, kPage);
    guest.bring_up();
    guest.unit.memory().set_ram({});
    guest.forget();
    (void)guest.ask(read_at(0x4000));
    (void)guest.ask(read_at(0x9000), smmuv3::CanStall::Yes);
    guest.submit(cmd_sync(1, 0x1f00000, 1));
    CHECK((guest.r32(kGerror) & 1) == 1);
    const std::array ranges{guest.ram.range()};
    guest.unit.memory().set_ram(ranges);
    works_after_reset(guest);
}
