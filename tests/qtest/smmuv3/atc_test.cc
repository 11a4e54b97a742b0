// SPDX-License-Identifier: GPL-2.0-or-later
//
// CMD_ATC_INV from the command through the device and back, at exact virtual times.
#include <catch2/catch_test_macros.hpp>

#include "smmuv3/endpoint_scene.h"

using namespace smmu_driver;
using qtest::Code;
using qtest::eventually;
using qtest::Op;
using qtest::Via;
namespace endpoint_reg = qtest::endpoint_reg;

namespace {

constexpr unsigned CERROR_ATC_INV_SYNC = 3;

// What a CMD_SYNC leaves that could not complete.
void check_failed_at(EndpointScene& guest, const EndpointScene::Sync& sync) {
    CHECK(guest.unit.active_errors() == CMDQ_ERR);
    CHECK(guest.commands.error() == CERROR_ATC_INV_SYNC);
    CHECK(guest.commands.consumer() == sync.slot);
    CHECK_FALSE(guest.is_done(sync));
}

}  // namespace

TEST_CASE("Atc: DMA through it, and none after the page was taken away and invalidated", "[smmuv3][atc]") {
    EndpointScene guest;
    guest.fill();
    CHECK(guest.qemu.qtest().memread(guest.endpoint().window(), 8) == guest.ram.read(guest.page(), 8));
    CHECK(guest.endpoint().get(endpoint_reg::atc_used) == 1);
    guest.stage().set_entry(iova, 3, 0);
    guest.commands.push(command::tlbi_nh_all(0));
    guest.commands.submit(command::cmd_sync());
    guest.fill();  // from the device's cache: nobody told the device
    guest.invalidate();
    guest.commands.submit(command::cmd_sync());
    CHECK(guest.endpoint().get(endpoint_reg::atc_used) == 0);
    CHECK(guest.endpoint().run({.op = Op::Read, .via = Via::Atc, .source = iova, .length = 8}) == Code::NoRights);
    CHECK(guest.take_events().empty());  // a translation request without a page is no fault
    CHECK(guest.unit.active_errors() == 0);
}

TEST_CASE("Atc: the device sees the range that the command names", "[smmuv3][atc]") {
    EndpointScene guest;
    struct Range {
        std::uint64_t address;
        unsigned size;
        std::uint64_t first, last;
    };
    for (const Range& range :
         {Range{0x5000, 0, 0x5000, 0x5fff}, Range{0x7000, 1, 0x6000, 0x7fff},
          Range{0x40000000, 18, 0x40000000, 0x7fffffff}, Range{0x5000, 52, 0, ~std::uint64_t{0}}}) {
        guest.commands.push(command::atc_inv(guest.id(), range.address, range.size));
        guest.commands.submit(command::cmd_sync());
        CHECK(guest.endpoint().get64(endpoint_reg::last_first) == range.first);
        CHECK(guest.endpoint().get64(endpoint_reg::last_last) == range.last);
    }
    CHECK(guest.endpoint().get(endpoint_reg::invalidates) == 4);
}

TEST_CASE("Atc: a CMD_SYNC completes with the answer, not before", "[smmuv3][atc]") {
    EndpointScene guest;
    guest.endpoint().set64(endpoint_reg::answer_delay_ns, 5000);
    guest.invalidate();
    const auto sync = guest.sync();
    guest.commands.ring();
    guest.step(4999);
    CHECK(guest.commands.consumer() == sync.slot);
    CHECK_FALSE(guest.is_done(sync));
    guest.step(1);
    CHECK(eventually([&] { return guest.is_done(sync); }));
    CHECK(guest.unit.active_errors() == 0);
}

TEST_CASE("Atc: a silent device is a CERROR_ATC_INV_SYNC at the deadline; acknowledged, the queue goes on",
          "[smmuv3][atc]") {
    EndpointScene guest;
    guest.endpoint().set(endpoint_reg::drop_answers, 1);
    guest.invalidate();
    const auto sync = guest.sync();
    guest.commands.ring();
    guest.step(timeout - 1);
    CHECK(guest.unit.active_errors() == 0);
    guest.step(1);
    check_failed_at(guest, sync);
    guest.unit.acknowledge_errors();
    CHECK(eventually([&] { return guest.is_done(sync); }));
    CHECK(guest.unit.active_errors() == 0);
    CHECK(guest.endpoint().get(endpoint_reg::invalidates) == 1);  // it is not sent again by itself
}

TEST_CASE("Atc: a time-out before the CMD_SYNC is there is told at the CMD_SYNC", "[smmuv3][atc]") {
    EndpointScene guest;
    guest.endpoint().set(endpoint_reg::drop_answers, 1);
    guest.invalidate();
    guest.commands.ring();
    guest.step(timeout);
    CHECK(guest.unit.active_errors() == 0);
    const auto sync = guest.sync();
    guest.commands.ring();
    check_failed_at(guest, sync);
}

TEST_CASE("Atc: of two devices one is silent; a CMD_SYNC for the other alone completes", "[smmuv3][atc]") {
    EndpointScene guest(2);
    guest.endpoint(1).set(endpoint_reg::drop_answers, 1);
    guest.endpoint(0).set64(endpoint_reg::answer_delay_ns, 1000);
    guest.invalidate(0);
    const auto first = guest.sync();
    guest.invalidate(1);
    const auto second = guest.sync();
    guest.commands.ring();
    guest.step(1000);
    CHECK(eventually([&] { return guest.is_done(first); }));
    guest.step(timeout - 1);
    CHECK(guest.unit.active_errors() == 0);
    guest.step(1);
    check_failed_at(guest, second);
}

TEST_CASE("Atc: while the error stands nothing is fetched; commands behind it wait", "[smmuv3][atc]") {
    EndpointScene guest;
    guest.endpoint().set(endpoint_reg::drop_answers, 1);
    guest.invalidate();
    const auto sync = guest.sync();
    guest.commands.ring();
    guest.step(timeout);
    const auto behind = guest.sync();
    guest.commands.ring();
    check_failed_at(guest, sync);
    CHECK_FALSE(guest.is_done(behind));
    guest.unit.acknowledge_errors();
    CHECK(eventually([&] { return guest.is_done(behind); }));
    CHECK(guest.is_done(sync));
}

TEST_CASE("Atc: more than 32 for one device wait for their turn in the queue", "[smmuv3][atc]") {
    EndpointScene guest;
    guest.endpoint().set64(endpoint_reg::answer_delay_ns, 1000);
    for (unsigned i = 0; i < 33; ++i)
        guest.invalidate();
    const auto sync = guest.sync();
    guest.commands.ring();
    CHECK(guest.endpoint().get(endpoint_reg::invalidates) == 32);
    guest.step(1000);
    CHECK(eventually([&] { return guest.endpoint().get(endpoint_reg::invalidates) == 33; }));
    CHECK_FALSE(guest.is_done(sync));
    guest.step(1000);
    CHECK(eventually([&] { return guest.is_done(sync); }));
}

// A StreamID can be wider than the id of any PCI device.
TEST_CASE("Atc: a StreamID above 16 bits is nobody's, not that of a device with the same low bits", "[smmuv3][atc]") {
    EndpointScene guest(1, ",sidsize=20");
    guest.commands.push(command::atc_inv(0x10000u | guest.id(), iova));
    const auto sync = guest.sync();
    guest.commands.ring();
    CHECK(guest.endpoint().get(endpoint_reg::invalidates) == 0);
    guest.step(timeout);
    check_failed_at(guest, sync);
}

TEST_CASE("Atc: answers that nobody waits for are no error here", "[smmuv3][atc]") {
    EndpointScene guest;
    guest.endpoint().set(endpoint_reg::twice_answers, 1);
    guest.invalidate();
    guest.commands.submit(command::cmd_sync());
    guest.endpoint().set(endpoint_reg::unasked, 1);
    guest.step(timeout);
    CHECK(guest.unit.active_errors() == 0);
    CHECK(guest.counter("unexpected-completions") == 2);
}

TEST_CASE("Atc: after a reset nothing of before is waited for", "[smmuv3][atc]") {
    EndpointScene guest;
    guest.endpoint().set(endpoint_reg::drop_answers, 1);
    guest.invalidate();
    (void)guest.sync();
    guest.commands.ring();
    guest.qemu.system_reset();
    guest.step(10 * timeout);
    CHECK(guest.unit.read32(reg::GERROR) == 0);
}
