// SPDX-License-Identifier: GPL-2.0-or-later
//
// Invalidate Completions: when they come, and every way in which they can be wrong. [PCIe 6.0 s10.3]
#include <catch2/catch_test_macros.hpp>

#include "host.h"

using namespace test;

namespace {

constexpr std::uint64_t kDelay = 10000;

struct Seen {
    std::uint32_t requester;
    std::uint32_t itag_vector;
    friend bool operator==(const Seen&, const Seen&) = default;
};
std::vector<Seen> seen(const Bench& bench) {
    std::vector<Seen> answers;
    for (const auto& one : bench.host.completions) {
        CHECK(one.count == 1);
        answers.push_back({one.requester.value, one.itag_vector});
    }
    return answers;
}

}  // namespace

TEST_CASE("endpoint answers: one comes when its delay is over, not before") {
    Bench bench;
    bench.invalidate(0x4000, 0x4fff, 7);
    CHECK(bench.device.deadline_ns() == 1000 + kDelay);
    CHECK(bench.host.deadlines_changed == 1);
    bench.pass(kDelay - 1);
    bench.device.tick();
    CHECK(bench.host.completions.empty());
    bench.pass(1);
    CHECK(seen(bench) == std::vector<Seen>{{kUs, 1u << 7}});
    CHECK(bench.device.deadline_ns() == iommu::kNever);
    CHECK(bench.get(AE_ANSWERS) == 1);
}

TEST_CASE("endpoint answers: with no delay it comes from inside the message") {
    Bench bench(endpoint::Options{.answer_delay_ns = 0});
    bench.invalidate(0x4000, 0x4fff, 31);
    CHECK(seen(bench) == std::vector<Seen>{{kUs, 0x80000000}});
    CHECK(bench.device.deadline_ns() == iommu::kNever);
}

TEST_CASE("endpoint answers: the delay can be set, of any length") {
    Bench bench;
    bench.set64(AE_ANSWER_DELAY_NS_64, 5);
    bench.invalidate(0x4000, 0x4fff, 1);
    bench.set64(AE_ANSWER_DELAY_NS_64, ~std::uint64_t{0});
    bench.invalidate(0x4000, 0x4fff, 2);
    bench.pass(5);
    CHECK(seen(bench) == std::vector<Seen>{{kUs, 2}});
    CHECK(bench.device.deadline_ns() == iommu::kNever);  // the other one never comes
}

TEST_CASE("endpoint answers: with ATS off there is an answer all the same") {
    Bench bench;
    bench.enable(0);
    bench.invalidate(0x4000, 0x4fff, 1);
    bench.pass(kDelay);
    CHECK(bench.host.completions.size() == 1);
}

TEST_CASE("endpoint answers: each fault strikes as often as it was asked to, and is counted") {
    struct Case {
        const char* what;
        std::uint32_t ask;
        std::uint32_t struck;
        std::vector<Seen> first;  // the answers to ITag 31, in the usual time
    };
    const Case cases[] = {
        {"drop", AE_DROP_ANSWERS, AE_STRUCK_DROP, {}},
        {"late", AE_LATE_ANSWERS, AE_STRUCK_LATE, {}},
        {"wrong ITag", AE_WRONG_ITAGS, AE_STRUCK_WRONG_ITAG, {{kUs, 1}}},
        {"twice", AE_TWICE_ANSWERS, AE_STRUCK_TWICE, {{kUs, 0x80000000}, {kUs, 0x80000000}}},
        {"another requester", AE_WRONG_REQUESTERS, AE_STRUCK_WRONG_REQUESTER, {{0x1234, 0x80000000}}},
        {"early", AE_EARLY_ANSWERS, AE_STRUCK_EARLY, {{kUs, 0x80000000}}},
    };
    for (const Case& one : cases) {
        INFO(one.what);
        Bench bench;
        bench.set(AE_REQUESTER, 0x1234);
        bench.set64(AE_LATE_DELAY_NS_64, 1'000'000);
        bench.set(one.ask, 2);
        for (unsigned time = 1; time <= 3; ++time) {
            bench.host.completions.clear();
            bench.invalidate(0x4000, 0x4fff, 31);
            bench.pass(kDelay);
            const bool strikes = time <= 2;
            CHECK(seen(bench) == (strikes ? one.first : std::vector<Seen>{{kUs, 0x80000000}}));
            CHECK(bench.get(one.struck) == (strikes ? time : 2));
            CHECK(bench.get(one.ask) == (strikes ? 2 - time : 0));
        }
    }
}

TEST_CASE("endpoint answers: a late one comes at its own time") {
    Bench bench;
    bench.set64(AE_LATE_DELAY_NS_64, 1'000'000);
    bench.set(AE_LATE_ANSWERS, 1);
    bench.invalidate(0x4000, 0x4fff, 4);
    bench.pass(999'999);
    bench.device.tick();
    CHECK(bench.host.completions.empty());
    bench.pass(1);
    CHECK(seen(bench) == std::vector<Seen>{{kUs, 1u << 4}});
}

TEST_CASE("endpoint answers: the entries go although there is no answer, or a wrong one") {
    for (const std::uint32_t ask : {AE_DROP_ANSWERS, AE_WRONG_ITAGS, AE_LATE_ANSWERS}) {
        Bench bench;
        bench.host.pages[0x4000] = {.to = 0x8000};
        bench.read_via_atc(0x4000);
        bench.set(ask, 1);
        bench.invalidate(0x4000, 0x4fff);
        CHECK(bench.get(AE_ATC_USED) == 0);
    }
}

TEST_CASE("endpoint answers: an early one leaves the entries in use until later") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000};
    bench.read_via_atc(0x4000);
    bench.set(AE_EARLY_ANSWERS, 1);
    bench.set64(AE_DROP_DELAY_NS_64, 500);
    bench.invalidate(0x4000, 0x4fff);
    bench.pass(kDelay);
    CHECK(bench.host.completions.size() == 1);
    CHECK(bench.read_via_atc(0x4000) == AE_CODE_SUCCESS);
    CHECK(bench.host.translation_requests.size() == 1);  // the stale one was used
    bench.pass(499);
    bench.device.tick();
    CHECK(bench.get(AE_ATC_USED) == 1);
    bench.pass(1);
    CHECK(bench.get(AE_ATC_USED) == 0);
    CHECK(bench.get(AE_ATC_DROPPED) == 1);
}

TEST_CASE("endpoint answers: an unasked one leaves at once, with the vector that was written") {
    Bench bench;
    bench.set(AE_UNASKED_ANSWER, 0x80000011);
    CHECK(seen(bench) == std::vector<Seen>{{kUs, 0x80000011}});
    CHECK(bench.get(AE_STRUCK_UNASKED) == 1);
    CHECK(bench.get(AE_UNASKED_ANSWER) == 0);
}

TEST_CASE("endpoint answers: faults combine") {
    Bench bench;
    bench.set(AE_REQUESTER, 0x200);
    bench.set(AE_WRONG_ITAGS, 1);
    bench.set(AE_TWICE_ANSWERS, 1);
    bench.set(AE_WRONG_REQUESTERS, 1);
    bench.invalidate(0x4000, 0x4fff, 0);
    bench.pass(kDelay);
    CHECK(seen(bench) == std::vector<Seen>{{0x200, 2}, {0x200, 2}});
}

TEST_CASE("endpoint answers: more than a unit may have under way are lost, not kept") {
    Bench bench;
    for (unsigned i = 0; i < 70; ++i)
        bench.invalidate(0x4000, 0x4fff, i % 32);
    CHECK(bench.get(AE_INVALIDATES_LOST) == 6);
    bench.pass(kDelay);
    CHECK(bench.host.completions.size() == 64);
}

TEST_CASE("endpoint answers: a unit that sends more from inside an answer is answered") {
    Bench bench(endpoint::Options{.answer_delay_ns = 0});
    unsigned more = 5;
    bench.host.on_completed = [&](const iommu::InvalidateCompletion&) {
        if (more-- > 0) bench.invalidate(0x4000, 0x4fff, more);
    };
    bench.invalidate(0x4000, 0x4fff, 9);
    CHECK(bench.host.completions.size() == 6);
}

TEST_CASE("endpoint answers: a device that is away reads as ones, sees nothing and says nothing") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000};
    bench.invalidate(0x4000, 0x4fff, 1);
    bench.order({.operation = AE_OP_READ, .source = 0x4000, .length = 8});
    bench.set(AE_VANISH_US, 100);
    CHECK(bench.device.away());
    CHECK(bench.get(AE_ID) == 0xffffffff);
    CHECK(bench.get64(AE_WINDOW(0)) == ~std::uint64_t{0});
    bench.set(AE_DROP_ANSWERS, 5);
    bench.invalidate(0x5000, 0x5fff, 2);
    bench.respond(0, iommu::ResponseCode::Success);
    bench.run();
    CHECK(bench.host.requests.empty());
    CHECK(bench.device.deadline_ns() == 1000 + 100'000);
    bench.pass(99'999);
    bench.device.tick();
    CHECK(bench.device.away());
    CHECK(bench.host.completions.empty());
    const unsigned kicks = bench.host.kicks;
    bench.pass(1);
    CHECK(!bench.device.away());
    CHECK(bench.host.kicks == kicks + 1);
    CHECK(bench.get(AE_ID) == AE_ID_VALUE);
    CHECK(bench.get(AE_DROP_ANSWERS) == 0);
    CHECK(seen(bench) == std::vector<Seen>{{kUs, 2}});  // what was due meanwhile
    CHECK(bench.get(AE_INVALIDATES) == 1);
    CHECK(bench.get(AE_INVALIDATES_LOST) == 1);
    CHECK(bench.get(AE_RESPONSES_LOST) == 1);
    CHECK(bench.get(AE_STRUCK_VANISH) == 1);
    bench.run();
    CHECK(bench.code() == AE_CODE_SUCCESS);
}

TEST_CASE("endpoint answers: from outside the guest the device is never away") {
    Bench bench;
    bench.set(AE_VANISH_US, 100);
    CHECK(bench.device.peek(AE_STRUCK_VANISH, 4) == 1);
    bench.device.poke(AE_DROP_ANSWERS, 3, 4);
    CHECK(bench.device.peek(AE_DROP_ANSWERS, 4) == 3);
}
