// SPDX-License-Identifier: GPL-2.0-or-later
//
// CMD_SYNC and the answers of devices: waiting, time-outs and CERROR_ATC_INV_SYNC at exact virtual times, ITags running
// out. [SMMU G.b s3.9.1.4, s3.9.1.5, s4.7.3, s7.1]
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "smmu_guest.h"

using namespace test::smmu;
using iommu::InvalidateRequest;
using iommu::RequesterId;

namespace {

constexpr std::uint64_t kStatus = 0x1f00000;
constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kTimeout = 60'000 * kMs;
constexpr std::uint32_t kAtcError = 3u << 24;
constexpr unsigned kGerrorLine = 3, kSyncLine = 2;

struct Device : Guest {
    Device() : Guest({.ats = 1}) {
        cmdq_log2 = 10;
        bring_up();
        ports.pulses.clear();
        ports.time_ns = 1000;
    }
    void answer(std::uint32_t stream, std::uint32_t itags, unsigned count = 1) {
        unit.invalidate_completed({RequesterId{stream}, itags, count});
    }
    // Time goes on as a clock does that was told when to call.
    void at(std::uint64_t time_ns) {
        ports.time_ns = time_ns;
        if (unit.deadline_ns() <= time_ns) unit.tick();
    }
    void acknowledge() { w32(kGerrorn, r32(kGerror)); }
    [[nodiscard]] std::uint32_t index(std::uint32_t position) const { return position & ((2u << cmdq_log2) - 1); }
    // Whether the queue stands at the entry, with the ERR field.
    void check_cons(std::uint32_t position, std::uint32_t error = 0) {
        CHECK(r32(kCmdqCons) == (index(position) | error));
    }
    [[nodiscard]] bool failed() { return ((r32(kGerror) ^ r32(kGerrorn)) & 1) != 0; }
    [[nodiscard]] std::uint32_t status() { return ram.peek32(kStatus); }
};

}  // namespace

TEST_CASE("SMMU: a CMD_SYNC waits until each CMD_ATC_INV before it was answered, and tells only then") {
    Device guest;
    const std::uint32_t start = guest.cmdq_prod;
    guest.put(atc_inv(kStream, 0, 0x4000));
    guest.put(atc_inv(kStream, 0, 0x5000));
    guest.put(atc_inv(kOtherStream));
    guest.put(cmd_sync(1, kStatus, 7));
    guest.submit(cmd_sync(1, kStatus, 8));
    REQUIRE(guest.ports.invalidates.size() == 3);
    guest.check_cons(start + 3);
    guest.answer(kStream, 1u << 0);
    guest.answer(kOtherStream, 1u << 0);
    guest.check_cons(start + 3);
    CHECK(guest.status() == 0);
    CHECK(guest.ports.pulses.empty());
    guest.answer(kStream, 1u << 1);
    guest.check_cons(start + 5);
    CHECK(guest.status() == 8);
    CHECK(guest.ports.pulses == std::vector<unsigned>{kSyncLine, kSyncLine});
    CHECK(guest.unit.counters().waits == 4);  // two of bring_up()
    CHECK(guest.unit.deadline_ns() == iommu::kNever);
}

TEST_CASE("SMMU: commands that are no CMD_SYNC go on while CMD_ATC_INVs are open") {
    Device guest;
    const std::uint32_t start = guest.cmdq_prod;
    guest.put(atc_inv(kStream));
    guest.put(cfgi_all());
    guest.put(tlbi_nsnh_all());
    guest.submit(atc_inv(kOtherStream));
    guest.check_cons(start + 4);
    CHECK(guest.ports.invalidates.size() == 2);
}

TEST_CASE("SMMU: one message may answer several ITags, and several messages one") {
    Device guest;
    const std::uint32_t start = guest.cmdq_prod;
    for (unsigned i = 0; i < 3; ++i)
        guest.put(atc_inv(kStream));
    guest.submit(cmd_sync());
    guest.answer(kStream, 0b101);
    guest.check_cons(start + 3);
    guest.answer(kStream, 0b010, 3);
    guest.answer(kStream, 0b010, 3);
    guest.check_cons(start + 3);
    guest.answer(kStream, 0b010, 3);
    guest.check_cons(start + 4);
}

TEST_CASE("SMMU: a device may answer from inside the message, and the CMD_SYNC does not wait at all") {
    Device guest;
    guest.ports.on_invalidate = [&](const InvalidateRequest& request) {
        guest.answer(request.requester.value, 1u << request.itag);
    };
    const std::uint32_t start = guest.cmdq_prod;
    for (unsigned i = 0; i < 300; ++i)
        guest.put(atc_inv(kStream));
    guest.submit(cmd_sync(1, kStatus, 1));
    guest.check_cons(start + 301);
    CHECK(guest.status() == 1);
    CHECK(guest.ports.invalidates.size() == 300);
    CHECK(guest.unit.deadline_ns() == iommu::kNever);
    CHECK(guest.unit.counters().unexpected_completions == 0);
}

TEST_CASE("SMMU: a time-out at the waiting CMD_SYNC is CERROR_ATC_INV_SYNC, not 1 ns earlier") {
    Device guest;
    const std::uint32_t start = guest.cmdq_prod;
    guest.ports.time_ns = 5000;
    guest.put(atc_inv(kStream));
    guest.submit(cmd_sync(1, kStatus, 9));
    CHECK(guest.unit.deadline_ns() == 5000 + kTimeout);
    guest.ports.time_ns = 5000 + kTimeout - 1;
    guest.unit.tick();
    guest.check_cons(start + 1);
    CHECK_FALSE(guest.failed());
    CHECK(guest.unit.counters().timeouts == 0);
    guest.at(5000 + kTimeout);
    guest.check_cons(start + 1, kAtcError);
    CHECK(guest.r32(kGerror) == 1);
    CHECK(guest.ports.pulses == std::vector<unsigned>{kGerrorLine});
    CHECK(guest.status() == 0);
    CHECK(guest.unit.counters().timeouts == 1);
    CHECK(guest.unit.counters().queue_errors == 1);
    CHECK(guest.unit.deadline_ns() == iommu::kNever);
    // The same CMD_SYNC again: what failed is gone.
    guest.acknowledge();
    guest.check_cons(start + 2, kAtcError);  // ERR means nothing any more
    CHECK_FALSE(guest.failed());
    CHECK(guest.status() == 9);
    CHECK(guest.ports.pulses == std::vector<unsigned>{kGerrorLine, kSyncLine});
}

TEST_CASE("SMMU: a time-out before there is a CMD_SYNC is told by the next one, once") {
    Device guest;
    const std::uint32_t start = guest.cmdq_prod;
    guest.submit(atc_inv(kStream));
    guest.at(1000 + kTimeout);
    CHECK_FALSE(guest.failed());
    guest.submit(tlbi_nsnh_all());
    CHECK_FALSE(guest.failed());
    guest.submit(cmd_sync(1, kStatus, 1));
    guest.check_cons(start + 2, kAtcError);
    CHECK(guest.status() == 0);
    guest.acknowledge();
    CHECK(guest.status() == 1);
    guest.submit(cmd_sync(1, kStatus, 2));
    CHECK_FALSE(guest.failed());
    CHECK(guest.status() == 2);
}

TEST_CASE("SMMU: an illegal CMD_SYNC is CERROR_ILL, and the time-out is told by the one after it") {
    Device guest;
    guest.submit(atc_inv(kStream));
    guest.at(1000 + kTimeout);
    const std::uint32_t at = guest.cmdq_prod;
    guest.submit(cmd_sync(3));
    guest.check_cons(at, 1u << 24);
    guest.poke(guest.cmdq + 16ull * at, cmd_sync()[0]);
    guest.acknowledge();
    guest.check_cons(at, kAtcError);
}

TEST_CASE("SMMU: of two devices one is silent: the error comes at its deadline, the other's answer counts") {
    Device guest;
    guest.put(atc_inv(kStream));
    guest.submit(atc_inv(kOtherStream));
    const std::uint32_t at = guest.cmdq_prod;
    guest.submit(cmd_sync(1, kStatus, 1));
    guest.at(2000);
    guest.answer(kOtherStream, 1);
    guest.check_cons(at);
    guest.at(999 + kTimeout);
    guest.check_cons(at);
    guest.at(1000 + kTimeout);
    guest.check_cons(at, kAtcError);
    CHECK(guest.unit.counters().timeouts == 1);
    guest.acknowledge();
    CHECK(guest.status() == 1);
}

TEST_CASE("SMMU: after the error the CMD_SYNC still waits for those that are not late") {
    Device guest;
    guest.submit(atc_inv(kStream));
    guest.ports.time_ns = 2000;
    guest.submit(atc_inv(kOtherStream));
    const std::uint32_t at = guest.cmdq_prod;
    guest.submit(cmd_sync(1, kStatus, 1));
    guest.at(1000 + kTimeout);
    guest.check_cons(at, kAtcError);
    CHECK(guest.unit.deadline_ns() == 2000 + kTimeout);
    guest.acknowledge();
    CHECK(guest.status() == 0);
    CHECK_FALSE(guest.failed());
    SECTION("answered: it completes") {
        guest.answer(kOtherStream, 1);
        CHECK(guest.status() == 1);
    }
    SECTION("late too: the error once more") {
        guest.at(2000 + kTimeout);
        CHECK(guest.failed());
        CHECK(guest.status() == 0);
        guest.acknowledge();
        CHECK(guest.status() == 1);
    }
}

TEST_CASE("SMMU: time-outs while the error stands are told after it, and the queue may be refilled meanwhile") {
    Device guest;
    guest.submit(atc_inv(kStream));
    guest.ports.time_ns = 2000;
    guest.submit(atc_inv(kOtherStream));
    const std::uint32_t at = guest.cmdq_prod;
    guest.submit(cmd_sync(1, kStatus, 1));
    guest.at(1000 + kTimeout);
    guest.submit(atc_inv(kStream));  // behind the error: not carried out
    guest.submit(cmd_sync(1, kStatus, 2));
    guest.at(2000 + kTimeout);
    CHECK(guest.ports.invalidates.size() == 2);
    guest.check_cons(at, kAtcError);
    guest.acknowledge();
    guest.check_cons(at, kAtcError);
    CHECK(guest.failed());
    guest.acknowledge();
    CHECK(guest.status() == 1);
    CHECK(guest.ports.invalidates.size() == 3);
    guest.answer(kStream, 1);
    CHECK(guest.status() == 2);
    CHECK(guest.unit.counters().timeouts == 2);
}

TEST_CASE("SMMU: an answer that comes too late, twice, unasked or from another fits nothing: counted, no error") {
    Device guest;
    guest.ports.lines.clear();
    guest.unit.set_trace(static_cast<std::uint32_t>(iommu::TraceClass::Queue));
    guest.answer(kStream, 1);
    guest.submit(atc_inv(kStream));
    guest.answer(kStream, 0);
    guest.answer(kStream, 1u << 1);
    guest.answer(kOtherStream, 1u << 0);
    CHECK(guest.unit.counters().unexpected_completions == 4);
    CHECK(guest.unit.deadline_ns() == 1000 + kTimeout);
    guest.answer(kStream, 0b11);  // one of the two is asked for
    CHECK(guest.unit.deadline_ns() == iommu::kNever);
    guest.submit(atc_inv(kStream));
    guest.at(1000 + kTimeout);
    guest.answer(kStream, 1);
    CHECK(guest.unit.counters().unexpected_completions == 6);
    CHECK(guest.r32(kGerror) == 0);
    REQUIRE(guest.ports.lines.size() == 7);
    CHECK(guest.ports.lines[3].find("SID=0x6") != std::string::npos);
    CHECK(guest.ports.lines[3].find("ignored") != std::string::npos);
    CHECK(guest.ports.lines[5].find("SID=0x5 did not answer") != std::string::npos);
    CHECK(guest.ports.lines[5].find("60000 ms") != std::string::npos);
}

TEST_CASE("SMMU: with 32 ITags open the queue waits at the CMD_ATC_INV, and goes on by itself") {
    for (const bool answered : {true, false}) {
        Device guest;
        const std::uint32_t start = guest.cmdq_prod;
        for (unsigned i = 0; i < 34; ++i)
            guest.put(atc_inv(kStream));
        guest.put(atc_inv(kOtherStream));
        guest.submit(cmd_sync());
        CAPTURE(answered);
        CHECK(guest.ports.invalidates.size() == 32);
        guest.check_cons(start + 32);
        if (answered) {
            guest.answer(kStream, 1u << 9);
            guest.check_cons(start + 33);
            REQUIRE(guest.ports.invalidates.size() == 33);
            CHECK(guest.ports.invalidates.back().itag == 9);
            guest.answer(kStream, 1u << 31);
        } else {
            guest.at(1000 + kTimeout);
        }
        CHECK(guest.ports.invalidates.size() == 35);
        guest.check_cons(start + 35, answered ? 0 : kAtcError);
    }
}

TEST_CASE("SMMU: no more than 256 are open in all, whatever a guest asks for") {
    Device guest;
    for (std::uint32_t i = 0; i < 1000; ++i)
        guest.put(atc_inv(0x100 + i));
    guest.submit(cmd_sync());
    CHECK(guest.ports.invalidates.size() == 256);
    for (unsigned round = 1; round < 4; ++round) {
        guest.at(guest.ports.time_ns + kTimeout);
        CHECK(guest.ports.invalidates.size() == std::min(1000u, 256 * (round + 1)));
    }
    CHECK(guest.failed());  // the CMD_SYNC was reached
}

TEST_CASE("SMMU: clearing CMDQEN leaves the CMD_SYNC where it is; what is open stays open") {
    Device guest;
    guest.submit(atc_inv(kStream));
    const std::uint32_t at = guest.cmdq_prod;
    guest.submit(cmd_sync(1, kStatus, 1));
    guest.set_cr0(kEventqEn | kSmmuEn);
    guest.check_cons(at);
    SECTION("answered meanwhile: done when enabled again") {
        guest.answer(kStream, 1);
        guest.check_cons(at);
        guest.set_cr0(kCmdqEn | kEventqEn | kSmmuEn);
        CHECK(guest.status() == 1);
    }
    SECTION("not answered: waits when enabled again") {
        guest.set_cr0(kCmdqEn | kEventqEn | kSmmuEn);
        guest.check_cons(at);
        guest.answer(kStream, 1);
        CHECK(guest.status() == 1);
    }
    SECTION("late meanwhile: told when enabled again") {
        guest.at(1000 + kTimeout);
        CHECK_FALSE(guest.failed());
        guest.set_cr0(kCmdqEn | kEventqEn | kSmmuEn);
        guest.check_cons(at, kAtcError);
    }
}

TEST_CASE("SMMU: clearing SMMUEN ends no invalidation: the CMD_SYNC waits for the answer all the same") {
    Device guest;
    guest.submit(atc_inv(kStream));
    const std::uint32_t at = guest.cmdq_prod;
    guest.submit(cmd_sync(1, kStatus, 1));
    guest.set_cr0(kCmdqEn | kEventqEn);
    guest.check_cons(at);
    guest.answer(kStream, 1);
    CHECK(guest.status() == 1);
}

TEST_CASE("SMMU: a CMD_ATC_INV that waits for an ITag is ignored once SMMUEN is clear") {
    Device guest;
    for (unsigned i = 0; i < 33; ++i)
        guest.put(atc_inv(kStream));
    guest.ring_doorbell();
    const std::uint32_t end = guest.cmdq_prod;
    guest.check_cons(end - 1);
    guest.set_cr0(kCmdqEn | kEventqEn);
    guest.check_cons(end);
    CHECK(guest.ports.invalidates.size() == 32);
}

TEST_CASE("SMMU: reset forgets what is open and what has failed; a late answer completes nothing new") {
    for (const bool late : {false, true}) {
        Device guest;
        guest.submit(atc_inv(kStream));
        if (late) guest.at(1000 + kTimeout);
        const unsigned changes = guest.ports.deadlines_changed;
        guest.unit.reset();
        CHECK(guest.unit.deadline_ns() == iommu::kNever);
        CHECK(guest.ports.deadlines_changed == changes + (late ? 0 : 1));
        guest.bring_up();
        guest.submit(cmd_sync(1, kStatus, 1));
        CHECK(guest.status() == 1);
        guest.submit(atc_inv(kOtherStream));
        guest.answer(kStream, 1);
        CHECK(guest.unit.counters().unexpected_completions == 1);
        const std::uint32_t at = guest.cmdq_prod;
        guest.submit(cmd_sync(1, kStatus, 2));
        guest.check_cons(at);
    }
}

TEST_CASE("SMMU: the clock is told each time that the deadline is another one") {
    Device guest;
    guest.submit(atc_inv(kStream));
    CHECK(guest.ports.deadlines_changed == 1);
    guest.ports.time_ns = 2000;
    guest.submit(atc_inv(kStream));  // later than the first: nothing new
    CHECK(guest.ports.deadlines_changed == 1);
    guest.answer(kStream, 1u << 0);
    CHECK(guest.ports.deadlines_changed == 2);
    CHECK(guest.unit.deadline_ns() == 2000 + kTimeout);
    guest.answer(kStream, 1u << 1);
    CHECK(guest.ports.deadlines_changed == 3);
}

TEST_CASE("SMMU: a queue that waits for devices says so once, and which command waits") {
    Device guest;
    guest.unit.set_trace(static_cast<std::uint32_t>(iommu::TraceClass::Queue));
    guest.put(atc_inv(kStream));
    guest.put(atc_inv(kOtherStream));
    guest.submit(cmd_sync());
    guest.answer(kStream, 1);
    guest.ring_doorbell();
    REQUIRE(guest.ports.lines.size() == 1);
    CHECK(guest.ports.lines[0].find("2 invalidations not answered: SYNC") != std::string::npos);
    guest.answer(kOtherStream, 1);
    CHECK(guest.ports.lines.size() == 1);
}

TEST_CASE("SMMU: the Invalidate Request is traced with the device, the ITag, the range and the time it has") {
    Device guest;
    guest.unit.set_trace(static_cast<std::uint32_t>(iommu::TraceClass::Invalidation));
    guest.submit(with_substream(atc_inv(kStream, 0, 0x7000), 9));
    guest.answer(kStream, 1);
    REQUIRE(guest.ports.lines.size() == 3);
    CHECK(guest.ports.lines[0].find("ATC_INV") != std::string::npos);
    CHECK(guest.ports.lines[1] ==
          "smmuv3: Invalidate Request to SID=0x5 SSID=0x9 ITag 0 0x7000-0x7fff, 60000 ms to answer");
    CHECK(guest.ports.lines[2] == "smmuv3: SID=0x5 answered ITags 0x00000001");
}
