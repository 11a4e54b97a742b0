// SPDX-License-Identifier: GPL-2.0-or-later
//
// Two units side by side share nothing: not registers, not caches, not tags of stalled transactions, not ports.
#include <catch2/catch_test_macros.hpp>
#include <thread>

#include "smmu_guest.h"

using namespace test::smmu;
using iommu::Outcome;

namespace {

void start(Guest& guest, std::uint64_t output) {
    guest.stream(kStream, {}, {.s = true});
    guest.map(guest.low, 0x4000, output, kPage);
    guest.bring_up();
}

}  // namespace

TEST_CASE("SMMU: what is done to one unit is not seen by another") {
    Guest first;
    Guest second({.sidsize = 6});
    start(first, 0x1800000);
    CHECK(second.r32(kCr0) == 0);
    CHECK(second.ask(read_at(0x4000)).translation.address.value == 0x4000);
    start(second, 0x1900000);
    CHECK(first.ask(read_at(0x4000)).translation.address.value == 0x1800000);
    CHECK(second.ask(read_at(0x4000)).translation.address.value == 0x1900000);

    const auto before = second.unit.save();
    const auto stalled = first.ask(read_at(0x9000), smmuv3::CanStall::Yes);
    REQUIRE(stalled.outcome == Outcome::Stalled);
    first.submit({0xff, 0});
    first.unit.reset();
    CHECK(second.unit.save() == before);
    CHECK(second.ports.messages.empty());
    CHECK(second.ports.resumes.empty());
    CHECK(second.ask(read_at(0x4000)).translation.address.value == 0x1900000);
    CHECK(second.unit.counters().queue_errors == 0);
}

TEST_CASE("SMMU: an invalidation in one unit drops nothing of another, over the same tables") {
    Guest first;
    start(first, 0x1800000);
    test::FakePorts ports;
    smmuv3::Unit other(*smmuv3::settle({}), iommu::Tuning{.iotlb_entries = 1024}, ports.references());
    const std::array ranges{first.ram.range()};
    other.memory().set_ram(ranges);
    REQUIRE(other.load(first.unit.save()));
    (void)first.ask(read_at(0x4000));
    (void)other.translate(read_at(0x4000));
    first.poke(first.entry(first.low, 0x4000, 3), 0);
    first.forget();
    CHECK(first.ask(read_at(0x4000)).outcome == Outcome::Blocked);
    CHECK(other.translate(read_at(0x4000)).outcome == Outcome::Translated);
}

TEST_CASE("SMMU: two units at work at the same time do not disturb each other") {
    Guest guests[2];
    start(guests[0], 0x1800000);
    start(guests[1], 0x1900000);
    std::atomic<unsigned> wrong{0};
    const auto work = [&wrong](Guest& guest, std::uint64_t output) {
        for (unsigned round = 0; round < 2000; ++round) {
            if (guest.ask(read_at(0x4000)).translation.address.value != output) ++wrong;
            guest.put(tlbi_nh_va(3, 1, 0x4000));
            guest.submit(cmd_sync());
        }
    };
    std::thread one(work, std::ref(guests[0]), 0x1800000);
    std::thread two(work, std::ref(guests[1]), 0x1900000);
    one.join();
    two.join();
    CHECK(wrong == 0);
    CHECK(guests[0].unit.counters().waits == guests[1].unit.counters().waits);
}

TEST_CASE("SMMU: What a thread is answered is remembered for it, though others had asked for the page before") {
    Guest guest;
    start(guest, 0x1800000);
    REQUIRE(guest.ask(read_at(0x4000)).outcome == Outcome::Translated);
    std::thread([&] {
        const iommu::Who who = iommu::Who::of(kStream, iommu::kPasidLimit, false, false);
        const auto recalled = [&] { return guest.unit.recall(who, iommu::Iova{0x4123}, iommu::Rights::Read); };
        CHECK_FALSE(recalled());
        CHECK(guest.ask(read_at(0x4000)).translation.address.value == 0x1800000);
        const auto translation = recalled();
        REQUIRE(translation);
        CHECK(translation->address == iommu::Pa{0x1800123});
        guest.submit(tlbi_nh_va(9, 9, 0x9000));  // of nothing that there is
        CHECK(recalled());                       // from the TLB
        guest.submit(tlbi_nsnh_all());
        CHECK_FALSE(recalled());
    }).join();
}
