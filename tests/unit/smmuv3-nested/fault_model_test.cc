// SPDX-License-Identifier: GPL-2.0-or-later
//
// How a refused transaction ends: aborted, answered with zeros, or held; and whether it is recorded. [SMMU 3.12.2, 5.5]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test::smmu;
using iommu::Outcome;
using smmuv3::CanStall;

namespace {

constexpr std::uint64_t kIova = 0x4000;
constexpr std::uint64_t kOut = 0x1800000;

struct Bits3 {
    bool a, r, s;
};
constexpr Bits3 kAll[] = {{false, false, false}, {false, false, true}, {false, true, false}, {false, true, true},
                          {true, false, false},  {true, false, true},  {true, true, false},  {true, true, true}};

// One fault of stage 1 and what has to come of it.
void check(Guest& guest, const iommu::Request& request, const Wanted& wanted, const Bits3& bits, CanStall can_stall) {
    INFO("A=" << bits.a << " R=" << bits.r << " S=" << bits.s << ", event " << wanted.type
              << (can_stall == CanStall::Yes ? ", can wait" : ", cannot wait"));
    guest.forget();
    const auto reply = guest.ask(request, can_stall);
    const bool held = bits.s && can_stall == CanStall::Yes;
    const Outcome ends = bits.s || bits.a ? Outcome::Blocked : Outcome::Discarded;
    CHECK(reply.outcome == (held ? Outcome::Stalled : ends));
    CHECK(reply.reason == wanted.type);
    const auto event = guest.take_event();
    // A stall is recorded whatever R says.
    CHECK(event.has_value() == (bits.s || bits.r));
    if (event) {
        Event right = record_of(request, wanted);
        if (held) right.words[1] |= 1ull << 31 | reply.stall_tag;
        CHECK(*event == right);
    }
    if (held) guest.submit(stall_term(kStream));
}

}  // namespace

TEST_CASE("Fault model: A, R and S of the CD, for each fault of stage 1", "[smmu][fault]") {
    for (const Bits3& bits : kAll) {
        for (const CanStall can_stall : {CanStall::No, CanStall::Yes}) {
            Guest guest;
            guest.stream(kStream, {}, {.a = bits.a, .r = bits.r, .s = bits.s});
            guest.set(guest.cd(kStream), 34, 32, 0);  // IPS: 32 bits
            guest.map(guest.low, kIova, kOut, kPage | kAp2);
            guest.map(guest.low, 0x5000, kOut, kPage & ~kAf);
            guest.map(guest.low, 0x6000, 1ull << 32, kPage);
            guest.bring_up();
            check(guest, write_at(kIova), {.type = F_PERMISSION}, bits, can_stall);
            check(guest, read_at(0x5000), {.type = F_ACCESS}, bits, can_stall);
            check(guest, read_at(0x6000), {.type = F_ADDR_SIZE}, bits, can_stall);
            check(guest, read_at(0x7000), {.type = F_TRANSLATION}, bits, can_stall);
        }
    }
}

// With A=1, as it were; S2R is R.
TEST_CASE("Fault model: S2R and S2S of the STE, for each fault of stage 2", "[smmu][fault]") {
    for (const bool r : {false, true}) {
        for (const bool s : {false, true}) {
            for (const CanStall can_stall : {CanStall::No, CanStall::Yes}) {
                const Bits3 bits{true, r, s};
                Guest guest;
                guest.stream(kStream, {.config = kStage2, .s2s = s, .s2r = r});
                guest.set(guest.ste(kStream), 178, 176, 0);
                guest.map(guest.second, kIova, kOut, kS2R | kS2Normal | kAf);
                guest.map(guest.second, 0x5000, kOut, kS2Page & ~kAf);
                guest.map(guest.second, 0x6000, 1ull << 32, kS2Page);
                guest.bring_up();
                check(guest, write_at(kIova), {.type = F_PERMISSION, .s2 = true, .ipa = kIova}, bits, can_stall);
                check(guest, read_at(0x5000), {.type = F_ACCESS, .s2 = true, .ipa = 0x5000}, bits, can_stall);
                check(guest, read_at(0x6000), {.type = F_ADDR_SIZE, .s2 = true, .ipa = 0x6000}, bits, can_stall);
                check(guest, read_at(0x7000), {.type = F_TRANSLATION, .s2 = true, .ipa = 0x7000}, bits, can_stall);
            }
        }
    }
}

TEST_CASE("Fault model: nested, the stage that refuses decides", "[smmu][fault]") {
    for (const bool first_stalls : {false, true}) {
        for (const CanStall can_stall : {CanStall::No, CanStall::Yes}) {
            Guest guest;
            guest.identity_second();
            guest.stream(kStream, {.config = kNested, .s2s = !first_stalls, .s2r = false},
                         {.a = false, .r = false, .s = first_stalls});
            guest.map(guest.low, kIova, 0x60'0000'0000, kPage);
            guest.map(guest.low, 0x200000, kOut, kPage);
            guest.bring_up();
            const Bits3 first{false, false, first_stalls}, second{true, false, !first_stalls};
            check(guest, read_at(0x5000), {.type = F_TRANSLATION}, first, can_stall);
            check(guest, read_at(kIova), {.type = F_TRANSLATION, .s2 = true, .ipa = 0x60'0000'0000}, second, can_stall);
            // A table of stage 1, and the CD.
            guest.poke(guest.entry(guest.low, kIova, 2), 0x60'0000'0000 | 3);
            check(guest, read_at(kIova),
                  {.type = F_TRANSLATION, .s2 = true, .input_class = kClassTt, .ipa = 0x60'0000'0000}, second,
                  can_stall);
            guest.set(guest.ste(kStream), 55, 6, 0x60'0000'0000 >> 6);
            check(guest, read_at(kIova),
                  {.type = F_TRANSLATION, .s2 = true, .input_class = kClassCd, .ipa = 0x60'0000'0000}, second,
                  can_stall);
        }
    }
}

TEST_CASE("Fault model: other events are always recorded and always abort", "[smmu][fault]") {
    Guest guest;
    guest.stream(kStream, {.s1cdmax = 1, .s1dss = 2}, {.a = false, .r = false, .s = true});
    guest.map(guest.low, kIova, kOut, kPage);
    guest.bring_up();
    const auto expect_abort = [&guest](const iommu::Request& request, unsigned type) {
        INFO("event " << type);
        guest.forget();
        const auto reply = guest.ask(request, CanStall::Yes);
        CHECK(reply.outcome == Outcome::Blocked);
        const auto event = guest.take_event();
        REQUIRE(event);
        CHECK(event->type() == type);
        CHECK_FALSE(event->stall());
    };
    expect_abort(with_substream(read_at(kIova), 2), C_BAD_SUBSTREAMID);
    expect_abort(with_substream(read_at(kIova), 0), F_STREAM_DISABLED);
    expect_abort(with_substream(read_at(kIova), 1), C_BAD_CD);
    guest.poke(guest.entry(guest.low, kIova, 2), kNoRam | 3);
    expect_abort(read_at(kIova), F_WALK_EABT);
    guest.set(guest.ste(kStream), 0, 0, 0);
    expect_abort(read_at(kIova), C_BAD_STE);
}

TEST_CASE("Fault model: a look is refused without a trace, even where others would wait", "[smmu][fault]") {
    Guest guest;
    guest.stream(kStream, {}, {.s = true});
    guest.bring_up();
    const auto reply = guest.ask(debugging(read_at(kIova)), CanStall::Yes);
    CHECK(reply.outcome == Outcome::Blocked);
    CHECK(reply.reason == F_TRANSLATION);
    CHECK_FALSE(guest.take_event());
    CHECK(guest.unit.counters().recorded == 0);
}

TEST_CASE("Fault model: a stalled transaction that is asked again goes through once software has mapped it",
          "[smmu][fault]") {
    Guest guest;
    guest.stream(kStream, {}, {.s = true});
    guest.map(guest.low, 0x200000, kOut, kPage);
    guest.bring_up();
    const auto reply = guest.ask(write_at(0x201000), CanStall::Yes);
    REQUIRE(reply.outcome == Outcome::Stalled);
    guest.map(guest.low, 0x201000, kOut + 0x1000, kPage);
    guest.submit(resume(kStream, reply.stall_tag, true, false));
    CHECK(guest.ask(write_at(0x201000), CanStall::Yes).translation.address.value == kOut + 0x1000);
}
