// SPDX-License-Identifier: GPL-2.0-or-later
//
// Save and load: a second unit that takes over a first one's words goes on as the first one would.
#include <catch2/catch_test_macros.hpp>
#include <functional>
#include <random>
#include <vector>

#include "vtd_guest.h"

using namespace test;
using iommu::Outcome;

namespace {

constexpr std::uint64_t kStatus = 0x1f00000;
constexpr std::uint64_t kOutput = 0x1800000;
constexpr std::uint32_t kIm = 1u << 31, kIp = 1u << 30;

void check_same_registers(vtd::Unit& a, vtd::Unit& b) {
    for (std::uint64_t offset = 0; offset < 0x1000; offset += 4) {
        CAPTURE(offset);
        REQUIRE(a.read(offset, 4) == b.read(offset, 4));
    }
}

std::vector<std::uint64_t> written(const FakePorts& ports) {
    std::vector<std::uint64_t> addresses;
    for (const FakePorts::Written& one : ports.dirty)
        addresses.push_back(one.address);
    return addresses;
}

iommu::Request read_of(std::uint32_t requester, std::uint64_t iova) {
    iommu::Request request;
    request.requester = iommu::RequesterId{requester};
    request.iova = iommu::Iova{iova};
    return request;
}

// One device in legacy mode that maps 0x4000; everything programmed, faults and completions masked.
struct Scene : Guest {
    Scene() {
        legacy_device(kDevice, 7);
        map_second(0x4000, kOutput, kR | kW);
        w32(kFedata, 0x21), w32(kFeaddr, 0xfee00000);
        w32(kIedata, 0x22), w32(kIeaddr, 0xfee01000);
        w32(kIectl, kIm);
    }
};

// Two requests with one device and a wait behind them, then one with another device, 7 ns later, and a wait.
void in_flight(Guest& guest) {
    guest.enable_queue(false);
    guest.enable(kTtmLegacy);
    guest.put(device_tlb(kDevice));
    guest.put(device_tlb(kDevice));
    guest.submit(wait_status(kStatus, 1, true));
    guest.ports.time_ns = 7;
    guest.put(device_tlb(kOtherDevice, 0, false, {.pfsid = kOtherDevice}));
    guest.submit(wait_status(kStatus + 8, 2));
}

// What a guest may do next; done to both units, with everything that can be seen compared.
void check_behave_alike(vtd::Unit& a, FakePorts& a_ports, vtd::Unit& b, FakePorts& b_ports) {
    const auto answer = [](std::uint32_t requester, std::uint32_t vector, unsigned count) {
        return [=](vtd::Unit& unit) {
            unit.invalidate_completed(
                {.requester = iommu::RequesterId{requester}, .itag_vector = vector, .count = count});
        };
    };
    const auto at = [&](std::uint64_t time_ns) {
        return [&, time_ns](vtd::Unit& unit) {
            a_ports.time_ns = b_ports.time_ns = time_ns;
            unit.tick();
        };
    };
    const std::vector<std::function<void(vtd::Unit&)>> steps{
        [](vtd::Unit& unit) { unit.run_queue(); },
        answer(kDevice, 2, 3),
        answer(kDevice, 2, 3),
        at(kTimeout - 1),
        answer(kDevice, 1, 1),
        at(kTimeout),
        [](vtd::Unit& unit) { unit.write(kFsts, kIte, 4); },
        at(kTimeout + 7),
        answer(kOtherDevice, 1, 1),
        [](vtd::Unit& unit) { unit.write(kFsts, kIte | kIce, 4); },
        [](vtd::Unit& unit) { (void)unit.translate(read_of(kDevice, 0x4000)); },
        [](vtd::Unit& unit) { (void)unit.translate(read_of(0x48, 0x1000)); },
        [](vtd::Unit& unit) { unit.write(kFectl, 0, 4); },
        [](vtd::Unit& unit) { unit.write(kIectl, 0, 4); },
        [](vtd::Unit& unit) { (void)unit.translate(read_of(0x50, 0x2000)); },
        [](vtd::Unit& unit) { unit.write(kFsts, kPfo | kIqe, 4); },
        [](vtd::Unit& unit) { unit.write(kGcmd, kTe | kQie | kSrtp, 4); },
        [](vtd::Unit& unit) { (void)unit.translate(read_of(kDevice, 0x4000)); },
        [](vtd::Unit& unit) { unit.write(kIcs, 1, 4); },
        [](vtd::Unit& unit) { unit.write(kPmen, 1u << 31, 4); },
        [](vtd::Unit& unit) { (void)unit.translate(read_of(kDevice, 0x4000)); },
        [](vtd::Unit& unit) { unit.write(kGcmd, 0, 4); },
    };
    check_same_registers(a, b);
    a_ports.messages.clear(), a_ports.invalidates.clear(), a_ports.dirty.clear();
    b_ports.messages.clear(), b_ports.invalidates.clear(), b_ports.dirty.clear();
    for (const auto& step : steps) {
        step(a);
        step(b);
        check_same_registers(a, b);
        REQUIRE(a.deadline_ns() == b.deadline_ns());
        REQUIRE(a.save() == b.save());
        REQUIRE(a_ports.messages == b_ports.messages);
        REQUIRE(a_ports.invalidates == b_ports.invalidates);
        REQUIRE(written(a_ports) == written(b_ports));
        for (const std::uint64_t iova : {0x4000ull, 0x5000ull}) {
            auto look = read_of(kDevice, iova);
            look.kind = iommu::RequestKind::Debug;
            const auto from_a = a.translate(look);
            const auto from_b = b.translate(look);
            REQUIRE(from_a.outcome == from_b.outcome);
            REQUIRE(from_a.reason == from_b.reason);
            REQUIRE(from_a.translation.address == from_b.translation.address);
        }
    }
}

}  // namespace

TEST_CASE("A loaded unit goes on as the saved one would, from every interesting moment") {
    const std::vector<std::pair<const char*, std::function<void(Guest&)>>> moments{
        {"after reset", [](Guest&) {}},
        {"translating", [](Guest& guest) { guest.enable(kTtmLegacy); }},
        {"latched root other than the register",
         [](Guest& guest) {
             guest.enable(kTtmLegacy);
             guest.w64(kRtaddr, 0x1000 | kTtmAbort << 10);
         }},
        {"faults pending, masked",
         [](Guest& guest) {
             guest.enable(kTtmLegacy);
             (void)guest.read(0x30, 0x1000);
             (void)guest.read(0x38, 0x2000);
         }},
        {"first fault record cleared, second standing",
         [](Guest& guest) {
             guest.enable(kTtmLegacy);
             (void)guest.read(0x30, 0x1000);
             (void)guest.read(0x38, 0x2000);
             guest.clear_record(0);
         }},
        {"fault records full and overflowed",
         [](Guest& guest) {
             guest.enable(kTtmLegacy);
             for (std::uint64_t i = 0; i < 10; ++i)
                 (void)guest.read(0x30, i << 20);
         }},
        {"queue error standing",
         [](Guest& guest) {
             guest.enable_queue(false);
             guest.put(wait_status(kStatus, 1));
             guest.submit({0xf});
         }},
        {"completion pending, masked",
         [](Guest& guest) {
             guest.enable_queue(false);
             guest.submit(wait_interrupt());
         }},
        {"regions protected",
         [](Guest& guest) {
             guest.w32(kPlmbase, kOutput);
             guest.w32(kPlmlimit, kOutput);
             guest.w32(kPmen, 1u << 31);
             guest.enable(kTtmLegacy);
         }},
        {"abort mode", [](Guest& guest) { guest.enable(kTtmAbort); }},
        {"invalidations and waits in flight", in_flight},
        {"one of them half answered",
         [](Guest& guest) {
             in_flight(guest);
             guest.answer(kDevice, 2, 3);
         }},
        {"the oldest answered",
         [](Guest& guest) {
             in_flight(guest);
             guest.answer(kDevice, 1);
         }},
        {"a fence pending",
         [](Guest& guest) {
             in_flight(guest);
             guest.put(wait_status(kStatus + 16, 4, true, true));
             guest.submit(wait_status(kStatus + 24, 5));
         }},
        {"the queue held for want of an ITag",
         [](Guest& guest) {
             in_flight(guest);
             guest.put(device_tlb(kOtherDevice, 0, false, {.mip = 1, .pfsid = kOtherDevice}));
             guest.submit(wait_status(kStatus + 24, 5));
         }},
        {"a time-out standing, another one to come",
         [](Guest& guest) {
             in_flight(guest);
             guest.at(kTimeout);
         }},
        {"an unexpected answer standing",
         [](Guest& guest) {
             in_flight(guest);
             guest.answer(0x48, 1);
         }},
    };
    for (const auto& [what, reach] : moments) {
        Scene guest;
        reach(guest);
        Taken taken(guest);
        taken.ports.time_ns = guest.ports.time_ns;
        CAPTURE(what);
        REQUIRE(taken.unit.load(guest.unit.save()));
        CHECK(taken.unit.save() == guest.unit.save());
        check_behave_alike(guest.unit, guest.ports, taken.unit, taken.ports);
    }
}

TEST_CASE("Queue work that was announced is announced again and finished by the loaded unit") {
    Scene guest;
    guest.w64(kIqa, 0x1c00000 | 7);
    guest.command(kQie);
    constexpr std::uint32_t kMany = 3000;
    for (std::uint32_t i = 0; i < kMany; ++i) {
        guest.poke(0x1c00000 + 16 * i, wait_status(kStatus, i + 1)[0]);
        guest.poke(0x1c00000 + 16 * i + 8, kStatus);
    }
    guest.w64(kIqt, 16 * kMany);
    REQUIRE(guest.ports.kicks == 1);
    const std::uint64_t head = guest.r64(kIqh);
    REQUIRE(head < 16 * kMany);
    Taken taken(guest);
    REQUIRE(taken.unit.load(guest.unit.save()));
    CHECK(taken.ports.kicks == 1);
    CHECK(taken.unit.read(kIqh, 8) == head);
    CHECK(guest.ram.peek32(kStatus) == head / 16);
    for (unsigned runs = 0; runs < taken.ports.kicks && runs < 10; ++runs)
        taken.unit.run_queue();
    CHECK(guest.ram.peek32(kStatus) == kMany);
    CHECK(taken.unit.read(kIqh, 8) == 16 * kMany);
}

TEST_CASE("A loaded unit without queue work announces none") {
    Scene guest;
    guest.enable_queue(false);
    guest.submit(wait_status(kStatus, 1));
    Taken idle(guest);
    REQUIRE(idle.unit.load(guest.unit.save()));
    CHECK(idle.ports.kicks == 0);
    guest.submit({0xf});
    Taken stopped(guest);
    REQUIRE(stopped.unit.load(guest.unit.save()));
    CHECK(stopped.ports.kicks == 0);
}

TEST_CASE("Loading tells listeners whether requests have to be asked, and drops what was cached") {
    Scene guest;
    guest.enable(kTtmLegacy);
    Taken taken(guest);
    REQUIRE(taken.unit.load(guest.unit.save()));
    CHECK(taken.ports.gates == std::vector{true});
    REQUIRE(taken.unit.translate(read_of(kDevice, 0x4000)).translation.address.value == kOutput);
    guest.map_second(0x4000, kOutput + 0x100000, kR | kW);
    REQUIRE(taken.unit.translate(read_of(kDevice, 0x4000)).translation.address.value == kOutput);
    REQUIRE(taken.unit.load(guest.unit.save()));
    CHECK(taken.unit.translate(read_of(kDevice, 0x4000)).translation.address.value == kOutput + 0x100000);
}

TEST_CASE("A state of a unit with other capabilities is refused, and the unit is as after reset") {
    Scene guest;
    guest.enable(kTtmLegacy);
    const auto words = guest.unit.save();
    for (const vtd::Capabilities& asked : std::vector<vtd::Capabilities>{
             {.ver = 0x51}, {.haw = 47}, {.nd = 5}, {.plmr = 0}, {.nfr = 8}, {.qi = 0}, {.pss = 18}, {.adms = 0}}) {
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
    CHECK(loaded.error().find("format 3, not 2") != std::string::npos);
}

TEST_CASE("Hostile words are refused or taken, and the unit works on") {
    std::mt19937_64 random(20260101);
    Scene guest;
    Taken taken(guest);
    const auto good = taken.unit.save();
    for (unsigned round = 0; round < 300; ++round) {
        auto words = good;
        // Past the header everything may be anything; in every third round the header too.
        for (std::size_t i = round % 3 == 0 ? 0 : 7; i < words.size(); ++i)
            words[i] = random() & (random() | random());
        words[4] = random();
        words[5] = random();
        (void)taken.unit.load(words);
        taken.unit.run_queue();
        taken.ports.time_ns = taken.unit.deadline_ns() / 2;
        taken.unit.tick();
        for (unsigned vector = 0; vector < 8; ++vector) {
            taken.unit.invalidate_completed({.requester = iommu::RequesterId{static_cast<std::uint32_t>(random())},
                                             .itag_vector = static_cast<std::uint32_t>(random()),
                                             .count = vector});
        }
        (void)taken.unit.translate(read_of(kDevice, random() & 0xffff'ffff));
        for (std::uint64_t offset = 0; offset < 0x1000; offset += 8)
            taken.unit.write(offset, random(), 8);
        (void)taken.unit.translate(read_of(kDevice, random()));
    }
    REQUIRE(taken.unit.load(good));
    CHECK(taken.unit.save() == good);
}

TEST_CASE("Loaded words set no reserved bit") {
    Scene guest;
    Taken taken(guest);
    auto words = taken.unit.save();
    for (std::size_t i = 7; i < words.size(); ++i)
        words[i] = ~0ull;
    REQUIRE(taken.unit.load(words));
    CHECK((taken.unit.read(kGsts, 4) & 0x307f'ffff) == 0);
    CHECK((taken.unit.read(kFsts, 4) & 0xffff'008c) == 0);
    CHECK((taken.unit.read(kFectl, 4) & 0x3fff'ffff) == 0);
    CHECK((taken.unit.read(kIqh, 8) & ~0x7'fff0ull) == 0);
    CHECK((taken.unit.read(kRtaddr, 8) & 0x37f) == 0);
}

TEST_CASE("Loaded words cannot change what the unit is, nor set status that it cannot have") {
    Scene guest;
    Taken taken(guest);
    const std::uint64_t cap = taken.unit.read(kCap, 8);
    const std::uint64_t ecap = taken.unit.read(kEcap, 8);
    auto words = taken.unit.save();
    for (std::size_t i = 7; i < words.size(); ++i)
        words[i] = ~0ull;
    REQUIRE(taken.unit.load(words));
    CHECK(taken.unit.read(kCap, 8) == cap);
    CHECK(taken.unit.read(kEcap, 8) == ecap);
    CHECK(taken.unit.read(kVer, 4) == 0x50);
    // Software can clear what it finds.
    taken.unit.write(kFsts, kPfo | kIqe | kIce | kIte, 4);
    CHECK((taken.unit.read(kFsts, 4) & 0x60) == 0);
    // Without device-TLBs there is no ICE and no ITE, which would stop the queue.
    Taken without(guest, {.dt = 0});
    auto other = without.unit.save();
    for (std::size_t i = 7; i < other.size(); ++i)
        other[i] = ~0ull >> 1;
    REQUIRE(without.unit.load(other));
    CHECK((without.unit.read(kFsts, 4) & 0x60) == 0);
    CHECK(without.unit.deadline_ns() == iommu::kNever);
}
