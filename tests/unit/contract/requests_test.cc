// SPDX-License-Identifier: GPL-2.0-or-later
//
// What both units do with requests.
#include <catch2/catch_template_test_macros.hpp>

#include "sides.h"

using namespace test::contract;
using iommu::Outcome;

namespace {

constexpr std::uint64_t kPage = 0x4000, kNeighbour = 0x5000, kUnmapped = 0x9000;
constexpr std::uint64_t kOld = 0x1800000, kNew = 0x1900000;

template <class Side>
void prepare(Side& side) {
    side.map(kPage, kOld);
    side.map(kNeighbour, kOld + 0x1000);
    side.turn_on();
}

std::uint64_t output(const iommu::Reply& reply) {
    CHECK(reply.outcome == Outcome::Translated);
    return reply.translation.address.value;
}

}  // namespace

TEMPLATE_TEST_CASE("Both: a request passes as it is while translation is off", "[contract]", VtdSide, SmmuSide) {
    TestType side;
    side.map(kPage, kOld);
    CHECK_FALSE(side.is_on());
    const auto reply = side.ask(kPage + 4);
    CHECK(output(reply) == kPage + 4);
    CHECK(reply.translation.rights == iommu::Rights::ReadWrite);
    CHECK(output(side.ask(kUnmapped)) == kUnmapped);
    CHECK(side.take_records().empty());
    CHECK(side.guest.unit.counters().faults == 0);
    side.turn_on();
    CHECK(side.is_on());
    CHECK(output(side.ask(kPage + 4)) == kOld + 4);
    CHECK(side.guest.ports.gates.back());
}

TEMPLATE_TEST_CASE("Both: a page that is not mapped is blocked and leaves one record", "[contract]", VtdSide,
                   SmmuSide) {
    TestType side;
    prepare(side);
    const auto reply = side.ask(kUnmapped + 8);
    CHECK(reply.outcome == Outcome::Blocked);
    CHECK(reply.reason != 0);
    CHECK(side.take_records() == std::vector{kUnmapped});
    CHECK(side.guest.unit.counters().faults == 1);
    CHECK(side.guest.unit.counters().recorded == 1);
    // What was refused is not cached.
    side.map(kUnmapped, kNew);
    CHECK(output(side.ask(kUnmapped + 8)) == kNew + 8);
    CHECK(side.take_records().empty());
}

TEMPLATE_TEST_CASE("Both: a hit answers as the miss before it", "[contract]", VtdSide, SmmuSide) {
    TestType side;
    prepare(side);
    const auto before = side.guest.unit.counters();
    const auto miss = side.ask(kPage + 0x123);
    const auto between = side.guest.unit.counters();
    const auto hit = side.ask(kPage + 0x123);
    const auto after = side.guest.unit.counters();
    CHECK(between.misses == before.misses + 1);
    CHECK(between.hits == before.hits);
    CHECK(after.misses == between.misses);
    CHECK(after.hits == between.hits + 1);
    CHECK(output(miss) == kOld + 0x123);
    CHECK(output(hit) == kOld + 0x123);
    CHECK(hit.translation.page_log2 == miss.translation.page_log2);
    CHECK(hit.translation.rights == miss.translation.rights);
    CHECK(hit.reason == miss.reason);
}

TEMPLATE_TEST_CASE("Both: a page's invalidation makes it walked again, and its neighbour not", "[contract]", VtdSide,
                   SmmuSide) {
    TestType side;
    prepare(side);
    CHECK(output(side.ask(kPage)) == kOld);
    CHECK(output(side.ask(kNeighbour)) == kOld + 0x1000);
    side.map(kPage, kNew);
    side.map(kNeighbour, kNew + 0x1000);
    CHECK(output(side.ask(kPage)) == kOld);
    side.queue_page_invalidation(kPage);
    side.queue_status(1);
    side.ring();
    REQUIRE(side.status() == 1);
    CHECK(output(side.ask(kPage)) == kNew);
    CHECK(output(side.ask(kNeighbour)) == kOld + 0x1000);
    side.queue_page_invalidation(kNeighbour);
    side.ring();
    CHECK(output(side.ask(kNeighbour)) == kNew + 0x1000);
}

TEMPLATE_TEST_CASE("Both: a reset drops everything and stops reporting", "[contract]", VtdSide, SmmuSide) {
    TestType side;
    prepare(side);
    CHECK(output(side.ask(kPage)) == kOld);
    (void)side.ask(kUnmapped);
    side.guest.ports.unmaps.clear();
    side.guest.unit.reset();

    CHECK_FALSE(side.is_on());
    CHECK_FALSE(side.guest.ports.gates.back());
    CHECK_FALSE(side.guest.ports.unmaps.empty());
    CHECK_FALSE(side.queue_stopped());
    CHECK(side.take_records().empty());
    const auto recorded = side.guest.unit.counters().recorded;
    CHECK(output(side.ask(kUnmapped)) == kUnmapped);
    CHECK(side.guest.unit.counters().recorded == recorded);
    // The queue is off, too.
    side.queue_status(9);
    side.ring();
    CHECK(side.status() == 0);

    side.map(kPage, kNew);
    side.turn_on_blindly();
    CHECK(output(side.ask(kPage)) == kNew);
    side.turn_on();
    CHECK(side.ask(kUnmapped).outcome == Outcome::Blocked);
    CHECK(side.take_records() == std::vector{kUnmapped});
}

TEMPLATE_TEST_CASE("Both: a unit that took over a saved state answers like the one that was saved", "[contract]",
                   VtdSide, SmmuSide) {
    TestType saved, other;
    prepare(saved);
    prepare(other);
    CHECK(output(saved.ask(kPage)) == kOld);
    (void)saved.ask(kUnmapped);
    other.guest.unit.reset();
    REQUIRE(other.guest.unit.load(saved.guest.unit.save()));

    CHECK(other.is_on());
    CHECK(other.guest.ports.gates.back());
    CHECK(other.guest.unit.save() == saved.guest.unit.save());
    for (const std::uint64_t iova : {kPage, kNeighbour, kUnmapped + 0x3000}) {
        const auto expected = saved.ask(iova), found = other.ask(iova);
        CHECK(found.outcome == expected.outcome);
        CHECK(found.reason == expected.reason);
        CHECK(found.translation.address.value == expected.translation.address.value);
        CHECK(found.translation.page_log2 == expected.translation.page_log2);
    }
    // The queue goes on where it was.
    for (TestType* side : {&saved, &other}) {
        side->queue_status(5);
        side->ring();
        CHECK(side->status() == 5);
    }
}

TEMPLATE_TEST_CASE("Both: words that are no saved state are refused with a sentence, and leave the unit reset",
                   "[contract]", VtdSide, SmmuSide) {
    TestType side;
    prepare(side);
    auto words = side.guest.unit.save();
    words[0] ^= 1;
    const auto loaded = side.guest.unit.load(words);
    REQUIRE_FALSE(loaded);
    CHECK_FALSE(loaded.error().empty());
    CHECK_FALSE(side.is_on());
    CHECK(output(side.ask(kPage)) == kPage);
}

TEMPLATE_TEST_CASE("Both: two units side by side share nothing", "[contract]", VtdSide, SmmuSide) {
    TestType one, other;
    prepare(one);
    prepare(other);
    CHECK(output(one.ask(kPage)) == kOld);
    CHECK(output(other.ask(kPage)) == kOld);
    one.map(kPage, kNew);
    other.map(kPage, kNew);
    one.queue_page_invalidation(kPage);
    one.queue_status(3);
    one.ring();
    CHECK(output(one.ask(kPage)) == kNew);
    CHECK(output(other.ask(kPage)) == kOld);
    CHECK(other.status() == 0);
    (void)one.ask(kUnmapped);
    CHECK(other.take_records().empty());
    CHECK(other.guest.unit.counters().faults == 0);
    one.guest.unit.reset();
    CHECK(other.is_on());
    CHECK(output(other.ask(kPage)) == kOld);
}
