// SPDX-License-Identifier: GPL-2.0-or-later
//
// CMD_ATC_INVs under way: ITags running out, queue and unit switched off meanwhile, reset, the deadline, traces.
// [SMMU G.b s3.9.1.4, s4.5.1, s6.3.9]
#include <algorithm>
#include <string>

#include "atc_device.h"

using namespace test::smmu;
using Device = AtcDevice;

namespace {

constexpr std::uint64_t kStatus = Device::kStatusWord;

}  // namespace

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
