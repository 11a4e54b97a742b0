// SPDX-License-Identifier: GPL-2.0-or-later
//
// A wait completes when DMA has ended that was translated before the invalidations in front of it.
// [VTD 5.10 s6.5.4, SMMU G.b s3.21.1, s4.7.3]
#include <catch2/catch_template_test_macros.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "sides.h"

using namespace test::contract;

namespace {

constexpr std::uint64_t kPage = 0x4000, kOtherPage = 0x5000, kOutput = 0x1800000;
constexpr int kBudget = 1024;  // commands of one run

// A device has translated, and copies.
template <class Side>
struct Copying : Side {
    Copying() {
        Side::map(kPage, kOutput);
        Side::turn_on();
        // What bringing it up has invalidated.
        Side::queue_status(100);
        Side::ring();
        tickets().clear();
        before = waits();
        Side::guest.ports.dma_under_way = true;
    }
    std::vector<std::uint64_t>& tickets() { return Side::guest.ports.drains; }
    [[nodiscard]] std::uint64_t waits() { return Side::guest.unit.counters().waits; }
    [[nodiscard]] std::uint64_t completed() { return waits() - before; }
    void invalidate_and_wait(std::uint32_t number) {
        Side::queue_page_invalidation(kPage);
        Side::queue_status(number);
        Side::ring();
    }
    std::uint64_t before = 0;
};

}  // namespace

TEMPLATE_TEST_CASE("Both: a wait completes when DMA under way has ended, and not before", "[contract]", VtdSide,
                   SmmuSide) {
    Copying<TestType> side;
    side.invalidate_and_wait(1);
    REQUIRE(side.tickets().size() == 1);
    CHECK(side.status() == 100);
    // Whatever else runs the queue: it is not asked again, and goes no further.
    side.queue_page_invalidation(kOtherPage);
    side.ring();
    side.guest.unit.run_queue();
    CHECK(side.tickets().size() == 1);
    CHECK(side.status() == 100);
    CHECK(side.completed() == 0);
    CHECK(side.guest.ports.unmaps.size() > 0);
    const auto unmaps = side.guest.ports.unmaps.size();

    side.guest.unit.drained(side.tickets()[0]);
    CHECK(side.status() == 1);
    CHECK(side.completed() == 1);
    CHECK(side.guest.ports.unmaps.size() == unmaps + 1);  // what stood behind the wait
    CHECK(side.guest.unit.counters().drains == 1);
}

TEMPLATE_TEST_CASE("Both: with nobody to tell and nobody's DMA to wait for, nobody is asked", "[contract]", VtdSide,
                   SmmuSide) {
    Copying<TestType> side;
    const auto unmaps = side.guest.ports.unmaps.size();
    side.guest.ports.nobody_outside = true;
    side.invalidate_and_wait(1);
    CHECK(side.status() == 1);
    CHECK(side.tickets().empty());
    CHECK(side.guest.ports.unmaps.size() == unmaps);
    // From the moment that somebody is there.
    side.guest.ports.nobody_outside = false;
    side.invalidate_and_wait(2);
    CHECK(side.status() == 1);
    CHECK(side.guest.ports.unmaps.size() == unmaps + 1);
    REQUIRE(side.tickets().size() == 1);
    side.guest.unit.drained(side.tickets()[0]);
    CHECK(side.status() == 2);
}

TEMPLATE_TEST_CASE("Both: a wait with nothing invalidated since the last one has nothing to wait for", "[contract]",
                   VtdSide, SmmuSide) {
    Copying<TestType> side;
    side.queue_status(1);
    side.ring();
    CHECK(side.status() == 1);
    side.invalidate_and_wait(2);
    side.queue_status(3);
    side.ring();
    REQUIRE(side.tickets().size() == 1);
    side.guest.unit.drained(side.tickets()[0]);
    CHECK(side.status() == 3);
    CHECK(side.tickets().size() == 1);
}

TEMPLATE_TEST_CASE("Both: DMA is asked for when holders were told, and before anything shows that the wait is over",
                   "[contract]", VtdSide, SmmuSide) {
    Copying<TestType> side;
    side.guest.ports.dma_under_way = false;
    std::vector<std::string> order;
    side.guest.ports.on_port = [&](std::string_view port) {
        if (port == "unmap" || port == "drain") order.emplace_back(port);
        if (port == "drain") CHECK(side.completed() == 0);
    };
    side.guest.ports.on_written = [&](std::uint64_t address) {
        if (address == kStatus) order.emplace_back("status");
    };
    side.invalidate_and_wait(1);
    CHECK(order == std::vector<std::string>{"unmap", "drain", "status"});
    CHECK(side.guest.unit.counters().drains == 0);
}

TEMPLATE_TEST_CASE("Both: the end of DMA may be told from inside the port", "[contract]", VtdSide, SmmuSide) {
    Copying<TestType> side;
    side.guest.ports.on_drain = [&](std::uint64_t ticket) { side.guest.unit.drained(ticket); };
    side.invalidate_and_wait(1);
    CHECK(side.status() == 1);
    CHECK(side.completed() == 1);
}

TEMPLATE_TEST_CASE("Both: a ticket is good for what was invalidated before it, however often it comes", "[contract]",
                   VtdSide, SmmuSide) {
    Copying<TestType> side;
    side.invalidate_and_wait(1);
    REQUIRE(side.tickets().size() == 1);
    const std::uint64_t first = side.tickets()[0];
    for (const std::uint64_t other : {std::uint64_t{0}, first - 1, first + 1, ~std::uint64_t{0}}) {
        side.guest.unit.drained(other);
        CHECK(side.status() == 100);
    }
    side.guest.unit.drained(first);
    CHECK(side.status() == 1);
    side.invalidate_and_wait(2);
    REQUIRE(side.tickets().size() == 2);
    side.guest.unit.drained(first);
    CHECK(side.status() == 1);
    side.guest.unit.drained(side.tickets()[1]);
    CHECK(side.status() == 2);
}

TEMPLATE_TEST_CASE("Both: DMA asked for before a reset says nothing about a wait after it", "[contract]", VtdSide,
                   SmmuSide) {
    Copying<TestType> side;
    side.invalidate_and_wait(1);
    REQUIRE(side.tickets().size() == 1);
    const std::uint64_t early = side.tickets()[0];
    side.guest.unit.reset();
    side.guest.unit.drained(early);
    CHECK(side.status() == 100);
    side.lose_queue();  // brings the driver's indices back to the start
    side.recover_queue();
    side.queue_status(2);
    side.ring();
    REQUIRE(side.tickets().size() == 2);
    side.guest.unit.drained(early);
    CHECK(side.status() == 100);
    side.guest.unit.drained(side.tickets()[1]);
    CHECK(side.status() == 2);
}

TEMPLATE_TEST_CASE("Both: a unit that takes over in the middle begins anew", "[contract]", VtdSide, SmmuSide) {
    Copying<TestType> side;
    side.invalidate_and_wait(1);
    REQUIRE(side.tickets().size() == 1);
    const auto words = side.guest.unit.save();
    REQUIRE(side.guest.unit.load(words));
    CHECK(side.guest.ports.kicks == 1);
    side.guest.unit.run_queue();
    CHECK(side.status() == 100);
    REQUIRE(side.tickets().size() == 2);
    side.guest.unit.drained(side.tickets()[0]);
    CHECK(side.status() == 100);
    side.guest.unit.drained(side.tickets()[1]);
    CHECK(side.status() == 1);
}

TEMPLATE_TEST_CASE("Both: a run that ends as DMA is asked for goes on after the kick", "[contract]", VtdSide,
                   SmmuSide) {
    for (const bool at_once : {true, false}) {
        for (int ahead = kBudget - 4; ahead <= kBudget + 1; ++ahead) {
            CAPTURE(at_once, ahead);
            Copying<TestType> side;
            side.guest.ports.dma_under_way = !at_once;
            for (int i = 0; i < ahead; ++i)
                side.queue_status(50);
            side.invalidate_and_wait(7);
            for (unsigned runs = 0; runs < side.guest.ports.kicks; ++runs)
                side.guest.unit.run_queue();
            REQUIRE(side.tickets().size() == 1);
            CHECK(side.status() == (at_once ? 7 : 50));
            side.guest.unit.drained(side.tickets()[0]);
            CHECK(side.status() == 7);
        }
    }
}

TEMPLATE_TEST_CASE("Both: a line of class queue tells that a wait is held back", "[contract]", VtdSide, SmmuSide) {
    Copying<TestType> side;
    side.guest.unit.set_trace(static_cast<std::uint32_t>(iommu::TraceClass::Queue));
    side.invalidate_and_wait(1);
    REQUIRE(side.guest.ports.lines.size() == 1);
    CHECK(side.guest.ports.lines[0].find("held back for DMA under way") != std::string::npos);
}
