// SPDX-License-Identifier: GPL-2.0-or-later
//
// Reset in the middle of things; a state that is saved and loaded, with things in flight, and states that lie.
#include <catch2/catch_test_macros.hpp>
#include <random>

#include "host.h"

using namespace test;
using iommu::ResponseCode;

namespace {

constexpr std::uint64_t kPasid5 = 0x80000005;

std::uint64_t pages(unsigned count, unsigned index, std::uint64_t flags) {
    return at(count, AE_PAGES_COUNT) | at(index, AE_PAGES_INDEX) | flags;
}

// Channel 0 waits for a response, 1 is stalled, 2 is in the middle of a copy; one answer is due, one drop is late.
void make_busy(Bench& bench) {
    bench.host.pages[0] = {.to = 0, .page_log2 = 20};
    bench.set64(AE_RESPONSE_TIMEOUT_NS_64, 1'000'000);
    bench.order({.operation = AE_OP_PAGE_REQUEST,
                 .source = 0x4000,
                 .pasid = kPasid5,
                 .pages = pages(2, 0x155, AE_PAGES_READ | AE_PAGES_LAST | AE_PAGES_WAIT)},
                0);
    bench.run();
    bench.host.stall_with = 0xbeef;
    bench.order({.operation = AE_OP_READ | AE_OPERATION_CAN_STALL, .source = 0x4000, .length = 8}, 1);
    bench.run();
    for (unsigned i = 0; i < 0x40000; ++i)
        bench.host.ram[i] = static_cast<std::uint8_t>(i * 13 + (i >> 12));
    bench.order({.operation = AE_OP_COPY, .source = 0, .destination = 0x80000, .length = 0x30000}, 2);
    bench.device.run();
    bench.set(AE_EARLY_ANSWERS, 1);
    bench.set64(AE_DROP_DELAY_NS_64, 5000);
    bench.invalidate(0x4000, 0x4fff, 6, 5);
    REQUIRE((bench.busy(0) && bench.busy(1) && bench.busy(2)));
}

}  // namespace

TEST_CASE("endpoint save: everything in flight goes on in another device") {
    Bench one;
    make_busy(one);
    Bench two;
    two.host.pages = one.host.pages;
    two.host.ram = one.host.ram;
    two.host.time_ns = one.host.time_ns;
    two.host.kicks = 0;
    const endpoint::StateWords words = one.device.save();
    REQUIRE(words.size() == 4096);
    REQUIRE(two.device.load(words));
    two.enable();
    CHECK(two.device.save() == words);
    CHECK(two.host.kicks > 0);
    CHECK(two.device.deadline_ns() == one.device.deadline_ns());

    two.run();
    CHECK(two.code(2) == AE_CODE_SUCCESS);
    CHECK(std::memcmp(&two.host.ram[0], &two.host.ram[0x80000], 0x30000) == 0);
    two.respond(0x155, ResponseCode::Success, 5);
    CHECK(two.code(0) == AE_CODE_SUCCESS);
    two.device.resume(0xbeef, iommu::StallAction::Retry);
    two.run();
    CHECK(two.code(1) == AE_CODE_SUCCESS);
    two.pass(10000);
    REQUIRE(two.host.completions.size() == 1);
    CHECK(two.host.completions[0].itag_vector == 1u << 6);
    CHECK(two.device.deadline_ns() == 16000);  // the late drop
    two.pass(5000);
    CHECK(two.device.deadline_ns() == iommu::kNever);
}

TEST_CASE("endpoint save: status, windows, time away and the newest index go along") {
    Bench one;
    one.set64(AE_WINDOW(3) + 0x18, 0x0123456789abcdef);
    one.respond(1, ResponseCode::Success);  // unexpected
    one.carry_out(
        {.operation = AE_OP_PAGE_REQUEST, .pages = pages(1, 0, AE_PAGES_READ | AE_PAGES_LAST | AE_PAGES_AUTO)});
    one.set(AE_VANISH_US, 7);
    Bench two;
    REQUIRE(two.device.load(one.device.save()));
    two.enable();
    CHECK(two.device.away());
    two.host.time_ns = 8000;
    two.device.tick();
    CHECK(!two.device.away());
    CHECK(two.get64(AE_WINDOW(3) + 0x18) == 0x0123456789abcdef);
    CHECK(two.device.pri_status().raw() >> 16 == 0x2);
    two.carry_out(
        {.operation = AE_OP_PAGE_REQUEST, .pages = pages(1, 0, AE_PAGES_READ | AE_PAGES_LAST | AE_PAGES_AUTO)});
    CHECK(two.host.page_requests.at(0).index == 1);
}

TEST_CASE("endpoint save: a state of another device is refused with a sentence") {
    Bench one;
    Bench other(endpoint::Options{.atc_entries = 8});
    const auto loaded = other.device.load(one.device.save());
    REQUIRE(!loaded);
    CHECK(loaded.error() == "the saved state is of a device with atc-entries=64; start this one with the same");
    endpoint::StateWords words = one.device.save();
    words[0] = 2;
    const auto format = one.device.load(words);
    REQUIRE(!format);
    CHECK(format.error() == "the saved state has format 2, not 1");
}

TEST_CASE("endpoint save: a channel that cannot be where the state says is idle") {
    Bench source;
    make_busy(source);
    const endpoint::StateWords good = source.device.save();
    // 5 words, 63 registers; each channel 18 registers, 512 words of window, then wait, bytes, writing, ...
    const auto word = [](unsigned channel, unsigned which) { return 5 + 63 + channel * 537 + 18 + 512 + which; };
    const std::size_t operation = 5 + 63 + 537 + 2;
    REQUIRE(good[word(1, 0)] == 2);
    REQUIRE(good[operation] == (AE_OP_READ | AE_OPERATION_CAN_STALL));
    const auto busy_with = [&](std::size_t at, std::uint64_t value) {
        endpoint::StateWords words = good;
        words[at] = value;
        Bench bench;
        REQUIRE(bench.device.load(words));
        return bench.channel(AE_STATUS, 1);
    };
    CHECK(busy_with(word(1, 1), 0) == (AE_STATUS_BUSY | AE_STATUS_STALLED));
    CHECK(busy_with(word(1, 1), 7) == (AE_STATUS_BUSY | AE_STATUS_STALLED));
    CHECK(busy_with(word(1, 1), 8) == 0);
    CHECK(busy_with(word(1, 1), ~std::uint64_t{0}) == 0);
    CHECK(busy_with(word(1, 2), 1) == 0);  // a read that writes
    CHECK(busy_with(operation, 0) == 0);
    CHECK(busy_with(word(1, 0), 1) == AE_STATUS_BUSY);
}

TEST_CASE("endpoint save: a state that lies does no harm") {
    std::mt19937_64 random(7);
    Bench source;
    make_busy(source);
    const endpoint::StateWords good = source.device.save();
    for (unsigned round = 0; round < 400; ++round) {
        endpoint::StateWords words = good;
        for (unsigned i = 0; i < 1 + round % 40; ++i) {
            const std::uint64_t value = i % 3 == 0 ? ~std::uint64_t{0} : random();
            words[2 + random() % (words.size() - 2)] = value;
        }
        // The channels' own words more often: they end in the window.
        words[2 + random() % 300] = random() >> (random() % 64);
        Bench bench;
        bench.host.pages[0] = {.to = 0, .page_log2 = 20};
        REQUIRE(bench.device.load(words));
        bench.enable();
        for (unsigned i = 0; i < 50; ++i)
            bench.device.run();
        bench.pass(1'000'000'000);
        bench.respond(0x155, ResponseCode::Success, 5);
        bench.device.resume(0xbeef, iommu::StallAction::Discard);
        CHECK(bench.device.peek(AE_ID, 4) == AE_ID_VALUE);
        CHECK(bench.device.peek(AE_LIMITS, 4) == 0x00400c04);
    }
}

TEST_CASE("endpoint reset: everything under way is over, and nothing of it comes later") {
    Bench bench;
    make_busy(bench);
    bench.read_via_atc(0x4000, 0, 3);
    bench.device.reset();
    CHECK(bench.device.deadline_ns() == iommu::kNever);
    for (unsigned n = 0; n < AE_CHANNELS; ++n) {
        CHECK(bench.channel(AE_STATUS, n) == 0);
        CHECK(bench.code(n) == 0);
    }
    CHECK(bench.get(AE_ATC_USED) == 0);
    CHECK(bench.get(AE_ENABLES) == 0);
    CHECK(bench.get64(AE_WINDOW(2)) == 0);
    CHECK(bench.get64(AE_ANSWER_DELAY_NS_64) == 10000);
    CHECK(bench.device.pri_status().raw() >> 16 == 0x100);
    bench.host.requests.clear();
    bench.device.run();
    bench.pass(10'000'000);
    CHECK(bench.host.requests.empty());
    CHECK(bench.host.completions.empty());
    CHECK(bench.code(0) == 0);
    bench.device.resume(0xbeef, iommu::StallAction::Retry);
    CHECK(!bench.busy(1));
}

TEST_CASE("endpoint reset: in the middle of an access its outcome is nobody's") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000};
    bench.host.ram[0x8000] = 5;
    bench.host.on_memory = [&] { bench.device.reset(); };
    bench.order({.operation = AE_OP_READ | AE_OPERATION_INTERRUPT, .source = 0x4000, .length = 8});
    bench.run();
    CHECK(bench.code() == 0);
    CHECK(bench.get64(AE_WINDOW(0)) == 0);
    CHECK(bench.host.interrupts.empty());
    CHECK(!bench.busy());
}
