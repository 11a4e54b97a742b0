// SPDX-License-Identifier: GPL-2.0-or-later
//
// What both units do with their queue, and how they call their ports.
#include <catch2/catch_template_test_macros.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "sides.h"

using namespace test::contract;
using iommu::Outcome;

namespace {

constexpr std::uint64_t kPage = 0x4000, kUnmapped = 0x9000;
constexpr std::uint64_t kOld = 0x1800000, kNew = 0x1900000;
constexpr std::uint32_t kEveryClass = 0x3f;

template <class Side>
void prepare(Side& side) {
    side.map(kPage, kOld);
    side.turn_on();
}

// Something of everything that a port hears of.
template <class Side>
void live(Side& side) {
    prepare(side);
    (void)side.ask(kPage);
    (void)side.ask(kUnmapped);
    side.queue_page_invalidation(kPage);
    for (std::uint32_t i = 1; i <= 1500; ++i)
        side.queue_status(i);
    side.queue_status_and_message(1501);
    side.ring();
    side.guest.unit.run_queue();
    side.guest.unit.run_queue();
    side.guest.unit.reset();
}

}  // namespace

TEMPLATE_TEST_CASE("Both: holders have forgotten before the status word, and it is written before the message",
                   "[contract]", VtdSide, SmmuSide) {
    TestType side;
    prepare(side);
    (void)side.ask(kPage);
    std::vector<std::string> order;
    std::uint32_t status_at_message = 0;
    side.guest.ports.on_port = [&](std::string_view port) {
        if (port == "unmap" || port == "message") order.emplace_back(port);
        if (port == "message") status_at_message = side.status();
    };
    side.guest.ports.on_written = [&](std::uint64_t address) {
        if (address == kStatus) order.emplace_back("status");
    };
    side.queue_page_invalidation(kPage);
    side.queue_status_and_message(4);
    side.ring();
    CHECK(order == std::vector<std::string>{"unmap", "status", "message"});
    CHECK(status_at_message == 4);
}

TEMPLATE_TEST_CASE("Both: no wait is over before holders were told of what stands before it", "[contract]", VtdSide,
                   SmmuSide) {
    TestType side;
    prepare(side);
    const auto before = side.guest.unit.counters().waits;
    std::vector<std::uint64_t> over;
    side.guest.ports.on_port = [&](std::string_view port) {
        if (port == "unmap") over.push_back(side.guest.unit.counters().waits - before);
    };
    side.queue_page_invalidation(kPage);
    side.queue_page_invalidation(kPage);
    side.queue_status(1);
    side.queue_page_invalidation(kPage);
    side.ring();
    CHECK(over == std::vector<std::uint64_t>{0, 0, 1});
}

TEMPLATE_TEST_CASE("Both: what was invalidated is gone when holders are told", "[contract]", VtdSide, SmmuSide) {
    TestType side;
    prepare(side);
    (void)side.ask(kPage);
    side.map(kPage, kNew);
    std::vector<std::uint64_t> seen;
    side.guest.ports.on_port = [&](std::string_view port) {
        if (port == "unmap") seen.push_back(side.ask(kPage).translation.address.value);
    };
    side.queue_page_invalidation(kPage);
    side.ring();
    CHECK(seen == std::vector{kNew});
}

TEMPLATE_TEST_CASE("Both: a port may call the unit, whatever it was called for", "[contract]", VtdSide, SmmuSide) {
    TestType side;
    side.guest.unit.set_trace(kEveryClass);
    std::set<std::string> called;
    int depth = 0;
    side.guest.ports.on_port = [&](std::string_view port) {
        called.emplace(port);
        if (depth > 0) return;
        ++depth;
        (void)side.is_on();
        (void)side.ask(kPage);
        (void)side.guest.unit.counters();
        --depth;
    };
    live(side);
    for (const char* port : {"unmap", "message", "gate", "kick", "clock", "line"}) {
        CAPTURE(port);
        CHECK(called.contains(port));
    }
}

TEMPLATE_TEST_CASE("Both: a long queue is carried out in parts, each announced by a kick", "[contract]", VtdSide,
                   SmmuSide) {
    constexpr std::uint32_t kMany = 5000;
    TestType side;
    prepare(side);
    for (std::uint32_t i = 1; i <= kMany; ++i)
        side.queue_status(i);
    const auto waits = side.guest.unit.counters().waits;
    side.ring();
    CHECK(side.guest.ports.kicks == 1);
    CHECK(side.status() > 0);
    CHECK(side.status() < kMany);
    unsigned runs = 0;
    for (; side.guest.ports.kicks > runs; ++runs) {
        REQUIRE(runs < kMany);
        const std::uint32_t before = side.status();
        side.guest.unit.run_queue();
        CHECK(side.status() > before);
    }
    CHECK(runs > 1);
    CHECK(side.status() == kMany);
    CHECK(side.guest.unit.counters().waits == waits + kMany);
}

TEMPLATE_TEST_CASE("Both: a queue outside RAM stops with an error; translations go on, and it recovers", "[contract]",
                   VtdSide, SmmuSide) {
    TestType side;
    prepare(side);
    side.lose_queue();
    side.queue_status(1);
    side.ring();
    CHECK(side.queue_stopped());
    CHECK(side.guest.unit.counters().queue_errors == 1);
    CHECK(side.status() == 0);
    CHECK(side.ask(kPage).translation.address.value == kOld);
    // Stopped: nothing is fetched, and the error is told once.
    side.queue_status(2);
    side.ring();
    CHECK(side.status() == 0);
    CHECK(side.guest.unit.counters().queue_errors == 1);

    side.recover_queue();
    CHECK_FALSE(side.queue_stopped());
    side.map(kPage, kNew);
    side.queue_page_invalidation(kPage);
    side.queue_status(7);
    side.ring();
    CHECK(side.status() == 7);
    CHECK(side.ask(kPage).translation.address.value == kNew);
    CHECK(side.guest.unit.counters().queue_errors == 1);
}

TEMPLATE_TEST_CASE("Both: tables outside RAM block a request, and are used when RAM is there again", "[contract]",
                   VtdSide, SmmuSide) {
    TestType side;
    prepare(side);
    const std::vector<iommu::RamRange> none;
    side.guest.unit.memory().set_ram(none);
    CHECK(side.ask(kPage).outcome == Outcome::Blocked);
    CHECK(side.guest.unit.counters().faults == 1);
    const std::vector<iommu::RamRange> all{side.guest.ram.range()};
    side.guest.unit.memory().set_ram(all);
    CHECK(side.ask(kPage).translation.address.value == kOld);
}

TEMPLATE_TEST_CASE("Both: no line is traced while tracing is off", "[contract]", VtdSide, SmmuSide) {
    TestType side;
    live(side);
    CHECK(side.guest.ports.lines.empty());
    side.guest.unit.set_trace(kEveryClass);
    live(side);
    CHECK(side.guest.ports.lines.size() > 5);
    side.guest.unit.set_trace(0);
    side.guest.ports.lines.clear();
    live(side);
    CHECK(side.guest.ports.lines.empty());
}
