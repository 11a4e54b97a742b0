// SPDX-License-Identifier: GPL-2.0-or-later
//
// Every event record, doubleword by doubleword, against words typed from the manual. [SMMU G.b s7.3]
#include <catch2/catch_test_macros.hpp>
#include <functional>
#include <vector>

#include "smmu_guest.h"

using namespace test::smmu;
using iommu::Outcome;
using Words = std::array<std::uint64_t, 4>;

namespace {

constexpr std::uint64_t kVa = 0x4567;
constexpr std::uint64_t kFar = 0x400'0000;  // an IPA that stage 2 does not map; no RAM either
constexpr std::uint64_t kSid = 5ull << 32;
// Doubleword 1.
constexpr std::uint64_t kPnu = 1ull << 33, kInd = 1ull << 34, kRnw = 1ull << 35, kS2 = 1ull << 39;
constexpr std::uint64_t kCd = 0ull << 40, kTt = 1ull << 40, kIn = 2ull << 40, kTtrnw = 1ull << 44;
// Doubleword 0.
constexpr std::uint64_t ssid(std::uint64_t value) { return 1ull << 11 | value << 12; }

struct Case {
    const char* what;
    std::function<void(Guest&)> prepare;
    iommu::Request request;
    std::function<Words(Guest&)> record;
};

void check(const std::vector<Case>& cases) {
    for (const Case& item : cases) {
        Guest guest;
        item.prepare(guest);
        guest.bring_up();
        CAPTURE(item.what);
        CHECK(guest.ask(item.request).outcome == Outcome::Blocked);
        const auto event = guest.take_event();
        REQUIRE(event);
        const Words expected = item.record(guest);
        for (unsigned word = 0; word < 4; ++word) {
            CAPTURE(word, std::hex, event->words[word], expected[word]);
            CHECK(event->words[word] == expected[word]);
        }
        CHECK_FALSE(guest.take_event());
    }
}

std::function<Words(Guest&)> words(std::uint64_t d0, std::uint64_t d1 = 0, std::uint64_t d2 = 0, std::uint64_t d3 = 0) {
    return [=](Guest&) { return Words{d0, d1, d2, d3}; };
}

void plain(Guest& guest) {
    guest.stream(kStream);
    guest.map(guest.low, 0x8000, 0x1800000, kPage);
}
void substreams(Guest& guest, unsigned s1dss) { guest.stream(kStream, {.s1cdmax = 2, .s1dss = s1dss}); }
void nested(Guest& guest) {
    guest.identity_second();
    guest.stream(kStream, {.config = kNested});
    guest.map(guest.low, 0x8000, 0x1800000, kPage);
}

}  // namespace

TEST_CASE("SMMU: records of configuration errors") {
    const auto request = read_at(kVa);
    check({
        {"C_BAD_STREAMID", plain, from(64, request), words(0x02 | 64ull << 32)},
        {"C_BAD_STREAMID, all bits", plain, from(0xffff'ffff, request), words(0x02 | 0xffff'ffffull << 32)},
        {"C_BAD_STREAMID, substream", plain, from(64, with_substream(request, 0xabcde)),
         words(0x02 | ssid(0xabcde) | 64ull << 32)},
        {"F_STE_FETCH",
         [](Guest& guest) {
             guest.two_level_stream_table(10, 6);
             guest.poke(guest.l1std(kStream), kNoRam | 7);
         },
         with_substream(request, 0), words(0x03 | ssid(0) | kSid, 0, 0, kNoRam + 5 * 64)},
        {"C_BAD_STE", [](Guest&) {}, request, words(0x04 | kSid)},
        {"C_BAD_STE, substream", [](Guest&) {}, with_substream(request, 1), words(0x04 | ssid(1) | kSid)},
        {"F_STREAM_DISABLED, without", [](Guest& guest) { substreams(guest, 0); }, request, words(0x06 | kSid)},
        {"F_STREAM_DISABLED, 0", [](Guest& guest) { substreams(guest, 2); }, with_substream(request, 0),
         words(0x06 | kSid)},
        // The SubstreamID is always there, and has no flag.
        {"C_BAD_SUBSTREAMID", [](Guest& guest) { substreams(guest, 2); }, with_substream(request, 4),
         words(0x08 | 4ull << 12 | kSid)},
        {"C_BAD_SUBSTREAMID, stage 2", [](Guest& guest) { guest.stream(kStream, {.config = kStage2}); },
         with_substream(request, 0xfffff), words(0x08 | 0xfffffull << 12 | kSid)},
        {"F_CD_FETCH",
         [](Guest& guest) {
             plain(guest);
             guest.set(guest.ste(kStream), 55, 6, kNoRam >> 6);
         },
         request, words(0x09 | kSid, 0, 0, kNoRam)},
        {"F_CD_FETCH, substream",
         [](Guest& guest) {
             substreams(guest, 2);
             guest.set(guest.ste(kStream), 55, 6, kNoRam >> 6);
         },
         with_substream(request, 3), words(0x09 | ssid(3) | kSid, 0, 0, kNoRam + 3 * 64)},
        {"C_BAD_CD",
         [](Guest& guest) {
             plain(guest);
             guest.poke(guest.cd(kStream), 0);
         },
         request, words(0x0a | kSid)},
    });
}

TEST_CASE("SMMU: records of stage-1 faults") {
    const auto leaf_bits = [](std::uint64_t bits) {
        return [bits](Guest& guest) {
            guest.stream(kStream);
            guest.map(guest.low, kVa & ~0xfffull, 0x1800000, bits);
        };
    };
    check({
        {"F_TRANSLATION, read", plain, read_at(kVa), words(0x10 | kSid, kRnw | kIn, kVa)},
        {"F_TRANSLATION, write", plain, write_at(kVa), words(0x10 | kSid, kIn, kVa)},
        {"F_TRANSLATION, privileged", plain, privileged(read_at(kVa)), words(0x10 | kSid, kPnu | kRnw | kIn, kVa)},
        {"F_TRANSLATION, instruction", plain, executing(read_at(kVa)), words(0x10 | kSid, kInd | kRnw | kIn, kVa)},
        {"F_TRANSLATION, a write is data", plain, executing(write_at(kVa)), words(0x10 | kSid, kIn, kVa)},
        {"F_TRANSLATION, all of the address", plain, read_at(0xfedc'ba98'7654'3210),
         words(0x10 | kSid, kRnw | kIn, 0xfedc'ba98'7654'3210)},
        {"F_TRANSLATION, substream",
         [](Guest& guest) {
             substreams(guest, 2);
             guest.write_cd(guest.cd(kStream, 3), {});
         },
         with_substream(read_at(kVa), 3), words(0x10 | ssid(3) | kSid, kRnw | kIn, kVa)},
        {"F_ADDR_SIZE",
         [](Guest& guest) {
             guest.stream(kStream);
             guest.set(guest.cd(kStream), 34, 32, 0);  // IPS: 32 bits
             guest.map(guest.low, kVa & ~0xfffull, 1ull << 32, kPage);
         },
         read_at(kVa), words(0x11 | kSid, kRnw | kIn, kVa)},
        {"F_ADDR_SIZE, bypass", [](Guest& guest) { guest.stream(kStream, {.config = kBypass}); }, write_at(1ull << 48),
         words(0x11 | kSid, kIn, 1ull << 48)},
        {"F_ACCESS", leaf_bits(kPage & ~kAf), read_at(kVa), words(0x12 | kSid, kRnw | kIn, kVa)},
        {"F_PERMISSION, write", leaf_bits(kPage | kAp2), write_at(kVa), words(0x13 | kSid, kIn, kVa)},
        {"F_PERMISSION, user", leaf_bits(kPage & ~kAp1), read_at(kVa), words(0x13 | kSid, kRnw | kIn, kVa)},
        {"F_PERMISSION, instruction", leaf_bits(kPage | kUxn), executing(read_at(kVa)),
         words(0x13 | kSid, kInd | kRnw | kIn, kVa)},
        {"F_WALK_EABT",
         [](Guest& guest) {
             plain(guest);
             guest.poke(guest.entry(guest.low, kVa, 2), kNoRam | 3);
         },
         read_at(kVa), words(0x0b | kSid, kRnw | kTt, kVa, kNoRam + 4 * 8)},
    });
}

TEST_CASE("SMMU: records of stage-2 faults name what was looked for: CD, table or access") {
    check({
        {"IN, stage 2 only", [](Guest& guest) { guest.stream(kStream, {.config = kStage2}); }, write_at(kVa),
         words(0x10 | kSid, kS2 | kIn, kVa, kVa & ~0xfffull)},
        {"IN, nested",
         [](Guest& guest) {
             nested(guest);
             guest.map(guest.low, 0x4000, kFar, kPage);
         },
         read_at(kVa), words(0x10 | kSid, kRnw | kS2 | kIn, kVa, kFar)},
        {"IN, permission",
         [](Guest& guest) {
             nested(guest);
             guest.map(guest.low, 0x4000, kFar, kPage);
             guest.map(guest.second, kFar, 0x1800000, kS2Page & ~kS2W);
         },
         write_at(kVa), words(0x13 | kSid, kS2 | kIn, kVa, kFar)},
        {"IN, access flag",
         [](Guest& guest) {
             guest.stream(kStream, {.config = kStage2});
             guest.map(guest.second, 0x4000, 0x1800000, kS2Page & ~kAf);
         },
         read_at(kVa), words(0x12 | kSid, kRnw | kS2 | kIn, kVa, 0x4000)},
        {"TT",
         [](Guest& guest) {
             guest.low.root = kFar;
             guest.identity_second();
             guest.stream(kStream, {.config = kNested});
         },
         read_at(kVa), words(0x10 | kSid, kRnw | kS2 | kTt, kVa, kFar)},
        {"TT, permission to read",
         [](Guest& guest) {
             guest.low.root = kFar;
             guest.identity_second();
             guest.map(guest.second, kFar, 0x1800000, kS2Page & ~kS2R);
             guest.stream(kStream, {.config = kNested});
         },
         write_at(kVa), words(0x13 | kSid, kS2 | kTt | kTtrnw, kVa, kFar)},
        {"CD",
         [](Guest& guest) {
             nested(guest);
             guest.set(guest.ste(kStream), 55, 6, kFar >> 6);
         },
         read_at(kVa), words(0x10 | kSid, kRnw | kS2 | kCd, kVa, kFar)},
        {"F_WALK_EABT of stage 2",
         [](Guest& guest) {
             guest.stream(kStream, {.config = kStage2});
             guest.poke(guest.second.root, kNoRam | 3);
         },
         read_at(kVa), words(0x0b | kSid, kRnw | kS2 | kIn, kVa, kNoRam)},
    });
}

TEST_CASE("SMMU: what a configured stream does with a fault is what A, R and S say") {
    struct Row {
        bool a, r, s;
        Outcome cannot_stall, can_stall;
        bool recorded_cannot, recorded_can;
    };
    for (const Row& row : {Row{false, false, false, Outcome::Discarded, Outcome::Discarded, false, false},
                           Row{false, true, false, Outcome::Discarded, Outcome::Discarded, true, true},
                           Row{true, false, false, Outcome::Blocked, Outcome::Blocked, false, false},
                           Row{true, true, false, Outcome::Blocked, Outcome::Blocked, true, true},
                           // One that stalls is always recorded; one that cannot wait is aborted instead.
                           Row{false, false, true, Outcome::Blocked, Outcome::Stalled, true, true},
                           Row{true, true, true, Outcome::Blocked, Outcome::Stalled, true, true}}) {
        for (const bool waits : {false, true}) {
            Guest guest;
            guest.stream(kStream, {}, {.a = row.a, .r = row.r, .s = row.s});
            guest.bring_up();
            CAPTURE(row.a, row.r, row.s, waits);
            const auto reply = guest.ask(read_at(kVa), waits ? smmuv3::CanStall::Yes : smmuv3::CanStall::No);
            CHECK(reply.outcome == (waits ? row.can_stall : row.cannot_stall));
            const auto event = guest.take_event();
            REQUIRE(event.has_value() == (waits ? row.recorded_can : row.recorded_cannot));
            if (event) CHECK(event->stall() == (reply.outcome == Outcome::Stalled));
        }
    }
}

TEST_CASE("SMMU: stage 2 has its own R and S, and its terminated transactions always abort") {
    for (const bool record : {false, true}) {
        for (const bool stall : {false, true}) {
            Guest guest;
            guest.stream(kStream, {.config = kStage2, .s2s = stall, .s2r = record});
            guest.bring_up();
            CAPTURE(record, stall);
            CHECK(guest.ask(read_at(kVa)).outcome == Outcome::Blocked);
            CHECK(guest.take_event().has_value() == (record || stall));
            const auto reply = guest.ask(read_at(kVa + 0x1000), smmuv3::CanStall::Yes);
            CHECK(reply.outcome == (stall ? Outcome::Stalled : Outcome::Blocked));
            CHECK(guest.take_event().has_value() == (record || stall));
        }
    }
}

TEST_CASE("SMMU: only the four translation-related faults can be silent") {
    Guest guest;
    guest.stream(kStream, {}, {.a = false, .r = false});
    guest.map(guest.low, 0x8000, 0x1800000, kPage);
    guest.poke(guest.entry(guest.low, kVa, 2), kNoRam | 3);
    guest.bring_up();
    CHECK(guest.ask(read_at(kVa)).outcome == Outcome::Blocked);  // F_WALK_EABT: aborted, and recorded
    const auto event = guest.take_event();
    REQUIRE(event);
    CHECK(event->type() == 0x0b);
}

TEST_CASE("SMMU: without RECINVSID a StreamID without entry is refused silently") {
    Guest guest;
    guest.cr2 = 0;
    guest.bring_up();
    CHECK(guest.ask(from(64, read_at(kVa))).outcome == Outcome::Blocked);
    CHECK_FALSE(guest.take_event());
    // STE.Config=0 too; the entry itself is valid.
    guest.poke(guest.ste(kStream), 1);
    CHECK(guest.ask(read_at(kVa)).outcome == Outcome::Blocked);
    CHECK_FALSE(guest.take_event());
}

TEST_CASE("SMMU: a look at the tables records nothing") {
    Guest guest;
    guest.stream(kStream, {}, {.s = true});
    guest.bring_up();
    CHECK(guest.ask(debugging(read_at(kVa)), smmuv3::CanStall::Yes).outcome == Outcome::Blocked);
    CHECK_FALSE(guest.take_event());
    CHECK(guest.unit.counters().recorded == 0);
}
