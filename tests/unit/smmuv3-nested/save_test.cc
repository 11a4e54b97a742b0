// SPDX-License-Identifier: GPL-2.0-or-later
//
// Save and load: a second unit that takes over a first one's words goes on as the first one would.
#include <catch2/catch_test_macros.hpp>
#include <functional>
#include <random>
#include <vector>

#include "smmu_guest.h"

using namespace test::smmu;
using iommu::Outcome;
using test::FakePorts;

namespace {

constexpr std::uint64_t kStatus = 0x1f00000;
constexpr std::uint64_t kOutput = 0x1800000;
constexpr std::uint64_t kBigQueue = 0x1c00000;
constexpr std::uint32_t kAllOn = kCmdqEn | kEventqEn | kSmmuEn;

// Another unit over the same guest memory, as after a migration.
struct Taken {
    explicit Taken(Guest& guest, const smmuv3::Capabilities& asked = {})
        : unit(*smmuv3::settle(asked), iommu::Tuning{.iotlb_entries = 1024}, ports.references()) {
        const std::array ranges{guest.ram.range()};
        unit.memory().set_ram(ranges);
    }
    FakePorts ports;
    smmuv3::Unit unit;
};

void check_same_registers(smmuv3::Unit& a, smmuv3::Unit& b) {
    for (std::uint64_t offset = 0; offset < 0x20000; offset += 4) {
        if (a.read(offset, 4) == b.read(offset, 4)) continue;
        CAPTURE(offset);
        REQUIRE(a.read(offset, 4) == b.read(offset, 4));
    }
}

// Streams that stall and that do not; one page.
struct Scene : Guest {
    Scene() {
        eventq_log2 = 2;
        stream(kStream);
        stream(kOtherStream, {}, {.s = true});
        map(low, 0x4000, kOutput, kPage);
        bring_up();
        w32(kIrqCtrl, 0);
        w64(kEventqIrqCfg0, 0x800'0200);
        w64(kGerrorIrqCfg0, 0x800'0100);
        w32(kIrqCtrl, 5);
    }
    void fault(std::uint64_t number) {
        ports.time_ns += 1'000'000'000;
        (void)ask(read_at(number << 12));
    }
    void late() {
        ports.time_ns = unit.deadline_ns();
        unit.tick();
    }
    std::uint16_t stall(std::uint64_t number) {
        return ask(from(kOtherStream, read_at(number << 12)), smmuv3::CanStall::Yes).stall_tag;
    }
};

// What a guest may do next; done to both units, with everything that can be seen compared. They share the memory:
// what one writes, the other writes again.
void check_behave_alike(smmuv3::Unit& a, FakePorts& a_ports, smmuv3::Unit& b, FakePorts& b_ports) {
    const auto w32 = [](std::uint64_t offset, std::uint64_t value) {
        return [=](smmuv3::Unit& unit) { unit.write(offset, value, 4); };
    };
    const std::vector<std::function<void(smmuv3::Unit&)>> steps{
        [](smmuv3::Unit& unit) { unit.run_queue(); },
        [](smmuv3::Unit& unit) { (void)unit.translate(read_at(0x4000)); },
        [](smmuv3::Unit& unit) { (void)unit.translate(from(99, read_at(0x4000))); },
        w32(kEventqCons, 1),
        [](smmuv3::Unit& unit) { unit.page_request({.requester = iommu::RequesterId{kStream}, .last = true}); },
        w32(kPriqCons, 1u << 31 | 1),
        [](smmuv3::Unit& unit) { unit.page_request({.requester = iommu::RequesterId{kStream}, .last = true}); },
        [](smmuv3::Unit& unit) { unit.write(kGerrorn, unit.read(kGerror, 4), 4); },
        [](smmuv3::Unit& unit) { unit.invalidate_completed({iommu::RequesterId{kStream}, 1, 3}); },
        [](smmuv3::Unit& unit) { unit.invalidate_completed({iommu::RequesterId{kStream}, 1, 3}); },
        [](smmuv3::Unit& unit) { unit.invalidate_completed({iommu::RequesterId{kOtherStream}, 1, 1}); },
        [](smmuv3::Unit& unit) { unit.write(kGerrorn, unit.read(kGerror, 4), 4); },
        w32(kEventqCons, 3),
        w32(kIrqCtrl, 1),
        w32(kCr0, kCmdqEn | kEventqEn),
        [](smmuv3::Unit& unit) { (void)unit.translate(read_at(0x4000)); },
        w32(kGbpa, 1u << 31 | 1u << 20),
        [](smmuv3::Unit& unit) { (void)unit.translate(read_at(0x4000)); },
        w32(kCr0, kAllOn),
        [](smmuv3::Unit& unit) { (void)unit.translate(read_at(0x7000)); },
        w32(kCr0, 0),
    };
    check_same_registers(a, b);
    for (FakePorts* ports : {&a_ports, &b_ports})
        ports->messages.clear(), ports->pulses.clear(), ports->resumes.clear(), ports->invalidates.clear(),
            ports->responses.clear();
    for (const auto& step : steps) {
        step(a);
        step(b);
        check_same_registers(a, b);
        REQUIRE(a_ports.messages == b_ports.messages);
        REQUIRE(a_ports.pulses == b_ports.pulses);
        REQUIRE(a_ports.resumes == b_ports.resumes);
        REQUIRE(a_ports.invalidates == b_ports.invalidates);
        REQUIRE(a_ports.responses == b_ports.responses);
        REQUIRE(a.deadline_ns() == b.deadline_ns());
        for (const std::uint64_t iova : {0x4000ull, 0x5000ull}) {
            const auto from_a = a.translate(debugging(read_at(iova)));
            const auto from_b = b.translate(debugging(read_at(iova)));
            REQUIRE(from_a.outcome == from_b.outcome);
            REQUIRE(from_a.reason == from_b.reason);
            REQUIRE(from_a.translation.address == from_b.translation.address);
        }
    }
}

}  // namespace

TEST_CASE("SMMU: a loaded unit goes on as the saved one would, from every interesting moment") {
    const std::vector<std::pair<const char*, std::function<void(Scene&)>>> moments{
        {"after reset", [](Scene& guest) { guest.unit.reset(); }},
        {"translating", [](Scene&) {}},
        {"not translating, aborting",
         [](Scene& guest) {
             guest.set_cr0(kCmdqEn);
             guest.w32(kGbpa, 1u << 31 | 1u << 20);
         }},
        {"events unread", [](Scene& guest) { guest.fault(1), guest.fault(2); }},
        {"events overflowed",
         [](Scene& guest) {
             for (std::uint64_t i = 0; i < 9; ++i)
                 guest.fault(16 + i);
         }},
        {"stalls pending", [](Scene& guest) { (void)guest.stall(1), (void)guest.stall(2); }},
        {"stalls pending, one record held",
         [](Scene& guest) {
             for (std::uint64_t i = 0; i < 4; ++i)
                 (void)guest.stall(16 + i);
             (void)guest.stall(30);
         }},
        {"a record held over an invalidation",
         [](Scene& guest) {
             for (std::uint64_t i = 0; i < 5; ++i)
                 (void)guest.stall(16 + i);
             guest.submit(cfgi_all());
         }},
        {"event queue disabled, records held",
         [](Scene& guest) {
             guest.set_cr0(kCmdqEn | kSmmuEn);
             (void)guest.stall(1);
         }},
        {"command error standing", [](Scene& guest) { guest.submit({0xff, 0}); }},
        {"event queue error standing",
         [](Scene& guest) {
             guest.set_cr0(kCmdqEn | kSmmuEn);
             guest.w64(kEventqBase, kNoRam);
             guest.set_cr0(kAllOn);
             guest.fault(1);
         }},
        {"a CMD_SYNC waits for two devices",
         [](Scene& guest) {
             guest.put(atc_inv(kStream));
             guest.put(atc_inv(kOtherStream));
             guest.submit(cmd_sync(1, kStatus, 1));
         }},
        {"a CMD_SYNC waits, one of several answers has come",
         [](Scene& guest) {
             guest.put(atc_inv(kStream));
             guest.submit(cmd_sync(1, kStatus, 1));
             guest.unit.invalidate_completed({iommu::RequesterId{kStream}, 1, 3});
         }},
        {"a CMD_ATC_INV waits for an ITag",
         [](Scene& guest) {
             for (unsigned i = 0; i < 34; ++i)
                 guest.put(atc_inv(kStream));
             guest.ring_doorbell();
         }},
        {"a time-out that no CMD_SYNC has told",
         [](Scene& guest) {
             guest.submit(atc_inv(kStream));
             guest.late();
         }},
        {"CERROR_ATC_INV_SYNC standing, another invalidation open",
         [](Scene& guest) {
             guest.put(atc_inv(kStream));
             guest.submit(cmd_sync(1, kStatus, 1));
             guest.ports.time_ns += 1;
             guest.submit(atc_inv(kOtherStream));
             guest.late();
         }},
        {"page requests overflowed",
         [](Scene& guest) {
             guest.priq_on(1);
             for (std::uint16_t i = 0; i < 3; ++i)
                 guest.unit.page_request({.requester = iommu::RequesterId{kStream}, .last = true, .index = i});
         }},
        {"half of a register written", [](Scene& guest) { guest.w32(kStrtabBase + 4, 0xffff'ffff); }},
    };
    for (const auto& [what, reach] : moments) {
        Scene guest;
        reach(guest);
        Taken taken(guest);
        CAPTURE(what);
        REQUIRE(taken.unit.load(guest.unit.save()));
        CHECK(taken.unit.save() == guest.unit.save());
        taken.ports.time_ns = guest.ports.time_ns += 1'000'000'000;
        check_behave_alike(guest.unit, guest.ports, taken.unit, taken.ports);
    }
}

TEST_CASE("SMMU: stalled transactions are answered by the unit that took them over") {
    Scene guest;
    std::vector<std::uint16_t> tags;
    for (std::uint64_t i = 0; i < 6; ++i)  // two are held
        tags.push_back(guest.stall(16 + i));
    Taken taken(guest);
    REQUIRE(taken.unit.load(guest.unit.save()));
    CHECK(taken.ports.resumes.empty());
    guest.put(resume(kOtherStream, tags[0], true, false));
    guest.put(resume(kOtherStream, tags[5], false, true));
    taken.unit.write(kCmdqProd, guest.cmdq_prod, 4);
    using iommu::StallAction;
    CHECK(taken.ports.resumes == std::vector<FakePorts::Resumed>{{kOtherStream, tags[0], StallAction::Retry},
                                                                 {kOtherStream, tags[5], StallAction::Abort}});
    // The one record that is still held is written when there is room.
    taken.unit.write(kEventqCons, 4, 4);
    CHECK(taken.unit.read(kEventqProd, 4) == 5);
    CHECK((guest.peek(guest.eventq + 8) & 0xffff) == tags[4]);
    // New tags differ from those that are out.
    for (unsigned i = 0; i < 10; ++i) {
        const auto reply = taken.unit.translate(from(kOtherStream, read_at(0x9000)), smmuv3::CanStall::Yes);
        for (const std::size_t standing : {1u, 2u, 3u, 4u})
            CHECK(reply.stall_tag != tags[standing]);
    }
}

TEST_CASE("SMMU: queue work that was announced is announced again and finished by the loaded unit") {
    Scene guest;
    guest.set_cr0(0);
    guest.cmdq = kBigQueue;
    guest.cmdq_log2 = 14;
    guest.bring_up();
    constexpr std::uint32_t kMany = 3000;
    const std::uint32_t before = guest.r32(kCmdqCons);
    for (std::uint32_t i = 1; i <= kMany; ++i)
        guest.put(cmd_sync(1, kStatus, i));
    guest.ring_doorbell();
    REQUIRE(guest.ports.kicks == 1);
    Taken taken(guest);
    REQUIRE(taken.unit.load(guest.unit.save()));
    CHECK(taken.ports.kicks == 1);
    CHECK(taken.unit.read(kCmdqCons, 4) == before + 1023);
    for (unsigned runs = 0; runs < taken.ports.kicks && runs < 10; ++runs)
        taken.unit.run_queue();
    CHECK(guest.ram.peek32(kStatus) == kMany);
    CHECK(taken.unit.read(kCmdqCons, 4) == before + kMany);
}

TEST_CASE("SMMU: a loaded unit without queue work announces none") {
    Scene guest;
    Taken idle(guest);
    REQUIRE(idle.unit.load(guest.unit.save()));
    CHECK(idle.ports.kicks == 0);
    guest.submit({0xff, 0});
    Taken stopped(guest);
    REQUIRE(stopped.unit.load(guest.unit.save()));
    CHECK(stopped.ports.kicks == 0);
}

TEST_CASE("SMMU: loading tells listeners whether requests have to be asked, and drops what was cached") {
    Scene guest;
    Taken taken(guest);
    REQUIRE(taken.unit.load(guest.unit.save()));
    CHECK(taken.ports.gates == std::vector{true});
    REQUIRE(taken.unit.translate(read_at(0x4000)).translation.address.value == kOutput);
    guest.map(guest.low, 0x4000, kOutput + 0x100000, kPage);
    REQUIRE(taken.unit.translate(read_at(0x4000)).translation.address.value == kOutput);
    REQUIRE(taken.unit.load(guest.unit.save()));
    CHECK(taken.unit.translate(read_at(0x4000)).translation.address.value == kOutput + 0x100000);
}

TEST_CASE("SMMU: a state of a unit with other capabilities is refused, and the unit is as after reset") {
    Scene guest;
    const auto words = guest.unit.save();
    for (const smmuv3::Capabilities& asked : std::vector<smmuv3::Capabilities>{{.httu = 0},
                                                                               {.hyp = 0},
                                                                               {.msi = 0},
                                                                               {.sidsize = 17},
                                                                               {.cmdqs = 18},
                                                                               {.priqs = 18},
                                                                               {.ats = 0},
                                                                               {.pri = 0},
                                                                               {.ril = 0},
                                                                               {.oas = 4},
                                                                               {.stall_max = 65}}) {
        Taken other(guest, asked);
        Taken fresh(guest, asked);
        const auto loaded = other.unit.load(words);
        REQUIRE_FALSE(loaded);
        CHECK(loaded.error().find("capabilities") != std::string::npos);
        check_same_registers(other.unit, fresh.unit);
    }
    Taken other(guest);
    auto future = words;
    future[0] = 3;
    const auto loaded = other.unit.load(future);
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().find("3") != std::string::npos);
    auto crowded = words;
    crowded[6] = 65;  // more than STALL_MAX
    CHECK_FALSE(other.unit.load(crowded));
    crowded[6] = 1;
    crowded[7] = 2;  // more records than stalls
    CHECK_FALSE(other.unit.load(crowded));
    crowded = words;
    crowded[8] = 257;  // more Invalidate Requests than there can be
    CHECK_FALSE(other.unit.load(crowded));
}

TEST_CASE("SMMU: hostile words are refused or taken, and the unit works on") {
    std::mt19937_64 random(20260102);
    Scene guest;
    Taken taken(guest);
    const auto good = taken.unit.save();
    for (unsigned round = 0; round < 300; ++round) {
        auto words = good;
        // Past the header everything may be anything; in every third round the header too.
        for (std::size_t i = round % 3 == 0 ? 0 : 9; i < words.size(); ++i)
            words[i] = random() & (random() | random());
        if (round % 3 != 0) words[6] = random() % 66, words[7] = random() % 66, words[8] = random() % 258;
        (void)taken.unit.load(words);
        taken.unit.run_queue();
        (void)taken.unit.translate(read_at(random() & 0xffff'ffff), smmuv3::CanStall::Yes);
        for (std::uint64_t offset = 0; offset < 0x100; offset += 8)
            taken.unit.write(offset, random(), 8);
        taken.unit.write(kEventqCons, random(), 4);
        taken.unit.invalidate_completed({iommu::RequesterId{kStream}, static_cast<std::uint32_t>(random()), 1});
        taken.ports.time_ns = random();
        taken.unit.tick();
        (void)taken.unit.translate(read_at(random()), smmuv3::CanStall::Yes);
    }
    REQUIRE(taken.unit.load(good));
    CHECK(taken.unit.save() == good);
}

TEST_CASE("SMMU: loaded words cannot change what the unit is, nor set status that it cannot have") {
    Guest guest;
    Taken taken(guest);
    auto words = taken.unit.save();
    for (std::size_t i = 9; i < words.size(); ++i)
        words[i] = ~0ull;
    REQUIRE(taken.unit.load(words));
    CHECK(taken.unit.read(0, 8) == 0x0e73'9d10'08cf'369b);
    CHECK(taken.unit.read(0x1c, 4) == 2);
    CHECK(taken.unit.read(kCr0, 8) == 0x0000'01df'0000'01df);
    CHECK(taken.unit.read(kIrqCtrl, 8) == 0x0000'0007'0000'0007);
    CHECK(taken.unit.read(kGerror, 8) == 0x0000'01fd'0000'01fd);
    CHECK(taken.unit.read(kGbpa, 4) == 0x1f'3f1f);  // no Update standing for ever
    CHECK(taken.unit.read(kStrtabBase, 8) == 0x40ff'ffff'ffff'ffc0);
    CHECK(taken.unit.read(kEventqProd, 4) == 0x800f'ffff);
}

TEST_CASE("SMMU: the deadline of an Invalidate Request is the same for the unit that takes over") {
    Scene guest;
    guest.ports.time_ns = 12345;
    guest.put(atc_inv(kStream));
    guest.submit(cmd_sync(1, kStatus, 7));
    const std::uint64_t deadline = guest.unit.deadline_ns();
    const std::uint32_t at = guest.r32(kCmdqCons);
    Taken taken(guest);
    REQUIRE(taken.unit.load(guest.unit.save()));
    CHECK(taken.ports.deadlines_changed == 1);
    CHECK(taken.unit.deadline_ns() == deadline);
    CHECK(taken.ports.kicks == 1);
    taken.unit.run_queue();
    taken.ports.time_ns = deadline - 1;
    taken.unit.tick();
    CHECK(taken.unit.read(kCmdqCons, 4) == at);
    taken.ports.time_ns = deadline;
    taken.unit.tick();
    CHECK(taken.unit.read(kCmdqCons, 4) == (at | 3u << 24));
    taken.unit.write(kGerrorn, 1, 4);
    CHECK(guest.ram.peek32(kStatus) == 7);
}
