// SPDX-License-Identifier: GPL-2.0-or-later
//
// Transactions that wait for software: their tags and records, who ends them, and what becomes of them when the event
// queue takes no records. [SMMU G.b s3.12.2, s4.7.1, s4.7.2, s7.2.1]
#include <catch2/catch_test_macros.hpp>
#include <set>
#include <vector>

#include "smmu_guest.h"

using namespace test::smmu;
using iommu::Outcome;
using iommu::StallAction;
using Resumed = test::FakePorts::Resumed;

namespace {

struct Scene : Guest {
    explicit Scene(const smmuv3::Capabilities& asked = {}, unsigned log2 = 2) : Guest(asked) {
        eventq_log2 = log2;
        for (const std::uint32_t at : {kStream, kOtherStream})
            stream(at, {}, {.s = true});
        bring_up();
    }
    // A transaction to a page of its own; its tag.
    std::uint16_t stall(std::uint64_t number = 1, std::uint32_t stream = kStream) {
        const auto reply = ask(from(stream, read_at(number << 12)), smmuv3::CanStall::Yes);
        REQUIRE(reply.outcome == Outcome::Stalled);
        return reply.stall_tag;
    }
    iommu::Reply attempt(std::uint64_t number, std::uint32_t stream = kStream) {
        ports.time_ns += 1'000'000'000;
        return ask(from(stream, read_at(number << 12)), smmuv3::CanStall::Yes);
    }
    void fill_queue() {
        for (std::uint64_t number = 0; number < 1u << eventq_log2; ++number)
            (void)ask(from(9, read_at(number << 12)));  // C_BAD_STE
    }
    std::vector<std::uint64_t> numbers() {
        std::vector<std::uint64_t> result;
        for (const Event& event : take_events())
            if (event.type() == 0x10) result.push_back(event.input() >> 12);
        return result;
    }
};
using Numbers = std::vector<std::uint64_t>;
using Resumes = std::vector<Resumed>;

}  // namespace

TEST_CASE("SMMU: the record of a stalled transaction has Stall and its STAG") {
    Scene guest;
    const std::uint16_t first = guest.stall(4);
    const std::uint16_t second = guest.stall(5, kOtherStream);
    const auto a = guest.take_event();
    const auto b = guest.take_event();
    REQUIRE((a && b));
    CHECK(a->words ==
          std::array<std::uint64_t, 4>{0x10 | 5ull << 32, first | 1ull << 31 | 1ull << 35 | 2ull << 40, 0x4000, 0});
    CHECK(b->words ==
          std::array<std::uint64_t, 4>{0x10 | 6ull << 32, second | 1ull << 31 | 1ull << 35 | 2ull << 40, 0x5000, 0});
    CHECK(first != second);
    CHECK(guest.ports.resumes.empty());
}

TEST_CASE("SMMU: CMD_RESUME does what Ac and Ab say, once") {
    struct Case {
        bool ac, ab;
        std::uint8_t term_model;
        StallAction action;
    };
    for (const Case& item : {Case{true, false, 0, StallAction::Retry}, Case{true, true, 0, StallAction::Retry},
                             Case{false, true, 0, StallAction::Abort}, Case{false, false, 0, StallAction::Discard},
                             Case{false, false, 1, StallAction::Abort}, Case{true, false, 1, StallAction::Retry}}) {
        Scene guest({.term_model = item.term_model});
        const std::uint16_t tag = guest.stall();
        CAPTURE(item.ac, item.ab, item.term_model);
        guest.submit(resume(kStream, tag, item.ac, item.ab));
        CHECK(guest.ports.resumes == Resumes{{kStream, tag, item.action}});
        guest.submit(resume(kStream, tag, item.ac, item.ab));
        CHECK(guest.ports.resumes.size() == 1);
        CHECK(guest.r32(kGerror) == 0);
    }
}

TEST_CASE("SMMU: a pair of StreamID and STAG that names nothing has no effect and is no error") {
    Scene guest;
    const std::uint16_t tag = guest.stall();
    const std::uint16_t other = guest.stall(2, kOtherStream);
    guest.submit(resume(kOtherStream, tag, true, false));
    guest.submit(resume(kStream, other, true, false));
    guest.submit(resume(kStream, static_cast<std::uint16_t>(tag + 77), false, true));
    guest.submit(resume(99, tag, false, true));
    guest.submit(stall_term(99));
    CHECK(guest.ports.resumes.empty());
    CHECK(guest.r32(kGerror) == 0);
    guest.submit(resume(kStream, tag, true, false));
    CHECK(guest.ports.resumes.size() == 1);
}

TEST_CASE("SMMU: a retried transaction is as new: it may succeed, or stall with another record and tag") {
    Scene guest;
    guest.ports.on_written = nullptr;
    const std::uint16_t tag = guest.stall(4);
    guest.submit(resume(kStream, tag, true, false));
    const auto again = guest.attempt(4);
    CHECK(again.outcome == Outcome::Stalled);
    CHECK(guest.take_events().size() == 2);
    guest.map(guest.low, 0x4000, 0x1800000, kPage);
    guest.submit(resume(kStream, again.stall_tag, true, false));
    CHECK(guest.attempt(4).translation.address.value == 0x1800000);
    CHECK_FALSE(guest.take_event());
}

TEST_CASE("SMMU: CMD_STALL_TERM aborts what is stalled of one stream, and frees the tags") {
    Scene guest({}, 7);
    std::set<std::uint16_t> tags;
    for (std::uint64_t number = 0; number < 5; ++number)
        tags.insert(guest.stall(number));
    const std::uint16_t other = guest.stall(9, kOtherStream);
    CHECK(tags.size() == 5);
    guest.submit(stall_term(kStream));
    CHECK(guest.ports.resumes.size() == 5);
    for (const Resumed& resumed : guest.ports.resumes) {
        CHECK(resumed.requester == kStream);
        CHECK(resumed.action == StallAction::Abort);
        CHECK(tags.count(resumed.stall_tag) == 1);
    }
    guest.ports.resumes.clear();
    for (const std::uint16_t tag : tags)
        guest.submit(resume(kStream, tag, true, false));
    CHECK(guest.ports.resumes.empty());
    guest.submit(resume(kOtherStream, other, true, false));
    CHECK(guest.ports.resumes.size() == 1);
}

TEST_CASE("SMMU: no more than STALL_MAX transactions are stalled; one beyond is aborted and recorded") {
    for (const std::uint8_t most : std::array<std::uint8_t, 2>{1, 3}) {
        Scene guest({.stall_max = most}, 4);
        CAPTURE(most);
        std::vector<std::uint16_t> tags;
        for (std::uint64_t number = 0; number < most; ++number)
            tags.push_back(guest.stall(number));
        CHECK(guest.attempt(50).outcome == Outcome::Blocked);
        const auto events = guest.take_events();
        REQUIRE(events.size() == most + 1u);
        CHECK_FALSE(events.back().stall());
        CHECK(events.back().stag() == 0);
        guest.submit(resume(kStream, tags[0], false, true));
        const auto next = guest.attempt(51);
        CHECK(next.outcome == Outcome::Stalled);
        CHECK(guest.attempt(52).outcome == Outcome::Blocked);
    }
}

TEST_CASE("SMMU: a tag is never that of another stalled transaction, also after all tags were used") {
    Scene guest({.stall_max = 2}, 4);
    const std::uint16_t standing = guest.stall(1);
    for (unsigned round = 0; round < 70'000; ++round) {
        const auto reply = guest.ask(read_at(0x2000), smmuv3::CanStall::Yes);
        REQUIRE(reply.outcome == Outcome::Stalled);
        REQUIRE(reply.stall_tag != standing);
        guest.w32(kEventqCons, guest.r32(kEventqProd));
        guest.submit(resume(kStream, reply.stall_tag, false, true));
    }
    CHECK(guest.ports.resumes.size() == 70'000);
}

TEST_CASE("SMMU: the record of a stalled transaction is held while the queue is full, and written when it is read") {
    Scene guest;
    guest.fill_queue();
    guest.stall(1);
    guest.stall(2);
    CHECK(guest.r32(kEventqProd) == 4);  // no overflow: nothing is lost
    CHECK(guest.unit.counters().recorded == 4);
    CHECK(guest.take_event()->type() == 0x04);
    CHECK(guest.r32(kEventqProd) == 5);
    CHECK(guest.unit.counters().recorded == 5);
    CHECK(guest.numbers() == Numbers{1, 2});
    CHECK(guest.unit.counters().recorded == 6);
    CHECK(guest.ports.resumes.empty());
}

TEST_CASE("SMMU: records are held while EVENTQEN=0 and while EVENTQ_ABT_ERR stands") {
    Scene guest;
    guest.set_cr0(kCmdqEn | kSmmuEn);
    guest.stall(1);
    guest.w64(kEventqBase, kNoRam | 2);
    guest.set_cr0(kCmdqEn | kSmmuEn | kEventqEn);  // is written, and is not: held on
    CHECK(guest.r32(kGerror) == 4);
    guest.stall(2);
    guest.set_cr0(kCmdqEn | kSmmuEn);
    guest.w64(kEventqBase, guest.eventq | 2);
    guest.set_cr0(kCmdqEn | kSmmuEn | kEventqEn);
    CHECK(guest.r32(kEventqProd) == 0);
    guest.w32(kGerrorn, 4);
    CHECK(guest.numbers() == Numbers{1, 2});
}

TEST_CASE("SMMU: a record that does not stall is not written before those that are held, but lost") {
    Scene guest;
    guest.set_cr0(kCmdqEn | kSmmuEn);
    guest.stall(1);
    (void)guest.ask(from(9, read_at(0x7000)));
    guest.set_cr0(kCmdqEn | kSmmuEn | kEventqEn);
    CHECK(guest.numbers() == Numbers{1});
}

// The tag is free again: a record with it would name another transaction.
TEST_CASE("SMMU: a held record goes with its transaction") {
    for (const bool term : {false, true}) {
        Scene guest;
        guest.fill_queue();
        const std::uint16_t tag = guest.stall(1);
        guest.stall(2, kOtherStream);
        guest.submit(term ? stall_term(kStream) : resume(kStream, tag, false, true));
        CAPTURE(term);
        CHECK(guest.ports.resumes == Resumes{{kStream, tag, StallAction::Abort}});
        CHECK(guest.numbers() == Numbers{2});
    }
}

TEST_CASE("SMMU: stalls that end before their record was written leave nothing behind") {
    Scene guest({.stall_max = 4});
    guest.fill_queue();
    for (unsigned round = 0; round < 500; ++round) {
        guest.stall(round);
        guest.stall(round + 1);
        guest.submit(stall_term(kStream));
    }
    CHECK(guest.unit.save()[6] == 0);
    CHECK(guest.unit.save()[7] == 0);
    CHECK(guest.numbers().empty());
}

// What it says may be wrong by now. [SMMU G.b s7.2.1]
TEST_CASE("SMMU: a transaction whose record was held over an invalidation is retried") {
    for (const Command& command : {tlbi_nh_all(3), cfgi_ste(kStream)}) {
        Scene guest;
        guest.fill_queue();
        const std::uint16_t tag = guest.stall(4);
        guest.map(guest.low, 0x4000, 0x1800000, kPage);
        guest.put(command);
        guest.submit(cmd_sync());
        CHECK(guest.ports.resumes.empty());
        (void)guest.take_event();
        CHECK(guest.ports.resumes == Resumes{{kStream, tag, StallAction::Retry}});
        CHECK(guest.attempt(4).outcome == Outcome::Translated);
        CHECK(guest.numbers().empty());
    }
}

// What was invalidated before a transaction came does not make its record out of date.
TEST_CASE("SMMU: an invalidation while records were held says nothing about records held later") {
    for (const bool term : {false, true}) {
        Scene guest;
        guest.fill_queue();
        const std::uint16_t first = guest.stall(4);
        guest.forget();
        guest.submit(term ? stall_term(kStream) : resume(kStream, first, false, true));
        CHECK(guest.unit.save()[7] == 0);
        guest.ports.resumes.clear();
        guest.stall(5);
        CAPTURE(term);
        CHECK(guest.numbers() == Numbers{5});
        CHECK(guest.ports.resumes.empty());
    }
}

TEST_CASE("SMMU: invalidations leave a recorded stall alone") {
    Scene guest;
    const std::uint16_t tag = guest.stall(4);
    guest.forget();
    (void)guest.take_events();
    CHECK(guest.ports.resumes.empty());
    guest.submit(resume(kStream, tag, false, false));
    CHECK(guest.ports.resumes == Resumes{{kStream, tag, StallAction::Discard}});
}

TEST_CASE("SMMU: clearing SMMUEN aborts everything that is stalled; reset too") {
    for (const bool reset : {false, true}) {
        Scene guest;
        const std::uint16_t first = guest.stall(1);
        guest.fill_queue();
        const std::uint16_t held = guest.stall(2, kOtherStream);
        CAPTURE(reset);
        if (reset)
            guest.unit.reset();
        else
            guest.set_cr0(kCmdqEn | kEventqEn);
        CHECK(guest.ports.resumes ==
              Resumes{{kStream, first, StallAction::Abort}, {kOtherStream, held, StallAction::Abort}});
        CHECK(guest.ask(read_at(0x1000), smmuv3::CanStall::Yes).outcome == Outcome::Translated);
        if (!reset) CHECK(guest.numbers() == Numbers{1});
    }
}

TEST_CASE("SMMU: where nothing can stall, CD.S=1 is illegal, and so are the commands") {
    Scene guest({.stall_model = 1});
    CHECK(guest.attempt(1).outcome == Outcome::Blocked);
    const auto event = guest.take_event();
    REQUIRE(event);
    CHECK(event->type() == 0x0a);
    guest.submit(resume(kStream, 0, true, false));
    CHECK((guest.r32(kGerror) & 1) == 1);
}

TEST_CASE("SMMU: where everything stalls, CD.S=0 is illegal; a requester that cannot wait is still aborted") {
    Scene guest({.stall_model = 2});
    guest.stall(1);
    CHECK(guest.ask(read_at(0x9000)).outcome == Outcome::Blocked);
    CHECK(guest.take_events().size() == 2);
    guest.set(guest.cd(kStream), 44, 44, 0);
    guest.forget();
    CHECK(guest.attempt(2).outcome == Outcome::Blocked);
    const auto event = guest.take_event();
    REQUIRE(event);
    CHECK(event->type() == 0x0a);
}

TEST_CASE("SMMU: a fault of stage 2 stalls as S2S says, whatever the CD says") {
    for (const bool s2s : {false, true}) {
        Guest guest;
        guest.identity_second();
        guest.stream(kStream, {.config = kNested, .s2s = s2s}, {.s = !s2s});
        guest.map(guest.low, 0x4000, 0x400'0000, kPage);
        guest.bring_up();
        CAPTURE(s2s);
        const auto second = guest.ask(read_at(0x4000), smmuv3::CanStall::Yes);
        CHECK(second.outcome == (s2s ? Outcome::Stalled : Outcome::Blocked));
        const auto first = guest.ask(read_at(0x9000), smmuv3::CanStall::Yes);
        CHECK(first.outcome == (s2s ? Outcome::Blocked : Outcome::Stalled));
        CHECK(guest.take_events().size() == 2);
    }
}
