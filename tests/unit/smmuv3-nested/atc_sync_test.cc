// SPDX-License-Identifier: GPL-2.0-or-later
//
// CMD_SYNC and the answers of devices: waiting, time-outs and CERROR_ATC_INV_SYNC at exact virtual times.
// [SMMU G.b s3.9.1.4, s3.9.1.5, s4.7.3, s7.1]
#include <string>
#include <vector>

#include "atc_device.h"

using namespace test::smmu;
using Device = AtcDevice;
using iommu::InvalidateRequest;

namespace {

constexpr std::uint64_t kStatus = Device::kStatusWord;
constexpr unsigned kGerrorLine = 3, kSyncLine = 2;

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
    guest.unit.tick();  // once more, when nothing is late any more
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
