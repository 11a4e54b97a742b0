// SPDX-License-Identifier: GPL-2.0-or-later
//
// Invalidations of a device TLB, from the descriptor through the device and back, at exact virtual times.
#include <catch2/catch_test_macros.hpp>

#include "vtd/endpoint_scene.h"

using namespace vtd_driver;
using qtest::Code;
using qtest::eventually;
using qtest::Op;
using qtest::Via;
namespace endpoint_reg = qtest::endpoint_reg;

TEST_CASE("DeviceTlb: DMA through it, and none after the page was taken away and invalidated", "[vtd][device-tlb]") {
    EndpointScene guest;
    guest.fill();
    CHECK(guest.qemu.qtest().memread(guest.endpoint().window(), 8) == guest.ram.read(guest.page(), 8));
    CHECK(guest.endpoint().get(endpoint_reg::atc_used) == 1);
    guest.stage().set_entry(iova, 1, 0);
    guest.queue.submit(descriptor::iotlb_domain(0x20));
    guest.fill();  // from the device TLB: nobody told the device
    guest.queue.submit(descriptor::device_tlb(guest.id(), {.address = iova}));
    CHECK(guest.endpoint().get(endpoint_reg::atc_used) == 0);
    CHECK(guest.endpoint().run({.op = Op::Read, .via = Via::Atc, .source = iova, .length = 8}) == Code::NoRights);
    CHECK(guest.take_faults().empty());  // a translation request without a page is no fault
    CHECK(guest.errors() == 0);
}

TEST_CASE("DeviceTlb: the device sees the range that the descriptor names", "[vtd][device-tlb]") {
    EndpointScene guest;
    struct Range {
        Descriptor descriptor;
        std::uint64_t first, last;
    };
    const unsigned id = guest.id();
    for (const Range& range :
         {Range{descriptor::device_tlb(id, {.address = 0x5000}), 0x5000, 0x5fff},
          Range{descriptor::device_tlb(id, {.address = 0x6000, .mask = 1}), 0x6000, 0x7fff},
          Range{descriptor::device_tlb(id, {.address = 0x40000000, .mask = 18}), 0x40000000, 0x7fffffff},
          Range{descriptor::device_tlb_all(id), 0, ~std::uint64_t{0}}}) {
        guest.queue.submit(range.descriptor);
        CHECK(guest.endpoint().get64(endpoint_reg::last_first) == range.first);
        CHECK(guest.endpoint().get64(endpoint_reg::last_last) == range.last);
    }
    CHECK(guest.endpoint().get(endpoint_reg::invalidates) == 4);
}

TEST_CASE("DeviceTlb: a wait completes with the answer, not before", "[vtd][device-tlb]") {
    EndpointScene guest;
    guest.endpoint().set64(endpoint_reg::answer_delay_ns, 5000);
    guest.invalidate();
    const auto word = guest.wait();
    guest.queue.ring();
    CHECK(guest.queue.head() == guest.queue.tail());  // fetched, and pending
    guest.step(4999);
    CHECK_FALSE(guest.is_done(word));
    guest.step(1);
    CHECK(guest.is_done(word));
    CHECK(guest.errors() == 0);
}

TEST_CASE("DeviceTlb: a silent device is an ITE at the deadline, with its id, and the wait is aborted",
          "[vtd][device-tlb]") {
    EndpointScene guest;
    guest.endpoint().set(endpoint_reg::drop_answers, 1);
    guest.invalidate();
    const auto word = guest.wait();
    guest.queue.ring();
    guest.step(timeout - 1);
    CHECK(guest.errors() == 0);
    guest.step(1);
    CHECK(guest.errors() == ITE);
    CHECK(guest.itesid() == guest.id());
    guest.clear(ITE);
    CHECK(guest.errors() == 0);
    guest.step(10 * timeout);
    CHECK_FALSE(guest.is_done(word));
    // As a driver does: all of it again.
    guest.invalidate();
    const auto again = guest.wait();
    guest.queue.ring();
    CHECK(eventually([&] { return guest.is_done(again); }));
    CHECK_FALSE(guest.is_done(word));
    CHECK(guest.errors() == 0);
}

TEST_CASE("DeviceTlb: nothing is fetched while ITE stands, and all of it once it is cleared", "[vtd][device-tlb]") {
    EndpointScene guest;
    guest.endpoint().set(endpoint_reg::drop_answers, 1);
    guest.invalidate();
    (void)guest.wait();
    guest.queue.ring();
    guest.step(timeout);
    REQUIRE(guest.errors() == ITE);
    const auto head = guest.queue.head();
    guest.queue.push(descriptor::iotlb_global());
    const auto word = guest.wait();
    guest.queue.ring();
    CHECK(guest.queue.head() == head);
    CHECK_FALSE(guest.is_done(word));
    guest.clear(ITE);
    CHECK(eventually([&] { return guest.is_done(word); }));
    CHECK(guest.queue.head() == guest.queue.tail());
}

TEST_CASE("DeviceTlb: of two devices one is silent; what waited for the other only completes", "[vtd][device-tlb]") {
    EndpointScene guest(2);
    guest.endpoint(1).set(endpoint_reg::drop_answers, 1);
    guest.endpoint(0).set64(endpoint_reg::answer_delay_ns, 1000);
    guest.invalidate(0);
    const auto first = guest.wait();
    guest.invalidate(1);
    const auto second = guest.wait();
    guest.queue.ring();
    guest.step(1000);
    CHECK(guest.is_done(first));
    guest.step(timeout);
    CHECK(guest.errors() == ITE);
    CHECK(guest.itesid() == guest.id(1));
    CHECK_FALSE(guest.is_done(second));
}

TEST_CASE("DeviceTlb: several are under way at once", "[vtd][device-tlb]") {
    EndpointScene guest;
    guest.endpoint().set64(endpoint_reg::answer_delay_ns, 1000);
    for (unsigned i = 0; i < 32; ++i)
        guest.invalidate();
    const auto word = guest.wait();
    guest.queue.ring();
    CHECK(guest.endpoint().get(endpoint_reg::invalidates) == 32);
    CHECK(guest.queue.head() == guest.queue.tail());
    CHECK_FALSE(guest.is_done(word));
    guest.step(1000);
    CHECK(guest.is_done(word));
}

TEST_CASE("DeviceTlb: more than 32 wait for their turn in the queue", "[vtd][device-tlb]") {
    EndpointScene guest;
    guest.endpoint().set64(endpoint_reg::answer_delay_ns, 1000);
    for (unsigned i = 0; i < 33; ++i)
        guest.invalidate();
    const auto last = guest.queue.tail() - guest.queue.entry_size();
    const auto word = guest.wait();
    guest.queue.ring();
    CHECK(guest.queue.head() == last);
    guest.step(1000);
    CHECK(eventually([&] { return guest.queue.head() == guest.queue.tail(); }));
    CHECK_FALSE(guest.is_done(word));
    guest.step(1000);
    CHECK(guest.is_done(word));
    CHECK(guest.endpoint().get(endpoint_reg::invalidates) == 33);
}

TEST_CASE("DeviceTlb: a fence holds back what is behind it until the device has answered", "[vtd][device-tlb]") {
    EndpointScene guest;
    guest.endpoint().set64(endpoint_reg::answer_delay_ns, 1000);
    guest.invalidate();
    const auto fence = guest.wait(wait_FN);
    const auto behind = guest.wait();
    guest.queue.ring();
    CHECK(guest.queue.head() != guest.queue.tail());
    guest.step(999);
    CHECK_FALSE(guest.is_done(fence));
    CHECK_FALSE(guest.is_done(behind));
    guest.step(1);
    CHECK(guest.is_done(fence));
    CHECK(eventually([&] { return guest.is_done(behind); }));
    CHECK(guest.queue.head() == guest.queue.tail());
}

TEST_CASE("DeviceTlb: a wrong ITag is an ICE at once, and an ITE when nothing else comes", "[vtd][device-tlb]") {
    EndpointScene guest;
    guest.endpoint().set(endpoint_reg::wrong_itags, 1);
    guest.endpoint().set64(endpoint_reg::answer_delay_ns, 1000);
    guest.invalidate();
    const auto word = guest.wait();
    guest.queue.ring();
    guest.step(999);
    CHECK(guest.errors() == 0);
    guest.step(1);
    CHECK(guest.errors() == ICE);
    CHECK(guest.icesid() == guest.id());
    CHECK_FALSE(guest.is_done(word));
    guest.clear(ICE);
    guest.step(timeout - 1001);
    CHECK(guest.errors() == 0);
    guest.step(1);
    CHECK(guest.errors() == ITE);
}

TEST_CASE("DeviceTlb: answers that nobody waits for are ICEs, and hinder nothing", "[vtd][device-tlb]") {
    EndpointScene guest(2);
    SECTION("twice") {
        guest.endpoint().set(endpoint_reg::twice_answers, 1);
        guest.invalidate();
    }
    SECTION("unasked") { guest.endpoint().set(endpoint_reg::unasked, 1); }
    SECTION("after the time-out") {
        guest.endpoint().set(endpoint_reg::late_answers, 1);
        guest.endpoint().set64(endpoint_reg::late_delay_ns, timeout + 1000);
        guest.invalidate();
        guest.queue.ring();
        guest.step(timeout);
        REQUIRE(guest.errors() == ITE);
        guest.clear(ITE);
        guest.step(1000);
    }
    guest.queue.ring();
    CHECK(eventually([&] { return guest.errors() == ICE; }));
    CHECK(guest.icesid() == guest.id());
    guest.invalidate(1);
    const auto word = guest.wait();
    guest.queue.ring();  // ICE does not stop the queue
    CHECK(eventually([&] { return guest.is_done(word); }));
    guest.clear(ICE);
    CHECK(guest.errors() == 0);
}

TEST_CASE("DeviceTlb: an answer under another's id is an ICE with that id", "[vtd][device-tlb]") {
    EndpointScene guest(2);
    guest.endpoint(0).set(endpoint_reg::requester, guest.id(1));
    guest.endpoint(0).set(endpoint_reg::wrong_requesters, 1);
    guest.invalidate(0);
    guest.queue.ring();
    CHECK(eventually([&] { return guest.errors() == ICE; }));
    CHECK(guest.icesid() == guest.id(1));
    guest.step(timeout);
    CHECK(guest.errors() == (ICE | ITE));
    CHECK(guest.itesid() == guest.id(0));
}

TEST_CASE("DeviceTlb: an invalidation for a place without a device times out", "[vtd][device-tlb]") {
    EndpointScene guest;
    guest.queue.push(descriptor::device_tlb(0x0098, {.address = iova}));
    guest.queue.ring();
    guest.step(timeout);
    CHECK(guest.errors() == ITE);
    CHECK(guest.itesid() == 0x0098);
}

TEST_CASE("DeviceTlb: a device that only knows QEMU's notifiers counts as having answered", "[vtd][device-tlb]") {
    EndpointScene guest;
    guest.queue.submit(descriptor::device_tlb(guest.requester(), {.address = iova}));  // edu
    guest.step(10 * timeout);
    CHECK(guest.errors() == 0);
}

TEST_CASE("DeviceTlb: a vanished device answers nothing, and all again when it is back", "[vtd][device-tlb]") {
    EndpointScene guest;
    guest.endpoint().set(endpoint_reg::vanish_us, 200'000);
    CHECK(guest.endpoint().function().config_readl(0) == 0xffffffff);
    guest.invalidate();
    guest.queue.ring();
    guest.step(timeout);
    CHECK(guest.errors() == ITE);
    CHECK(guest.itesid() == guest.id());
    guest.clear(ITE);
    guest.step(timeout);
    CHECK(guest.endpoint().function().config_readl(0) == (0x1234u | 0xa75eu << 16));
    guest.queue.submit(descriptor::device_tlb(guest.id(), {.address = iova}));
    CHECK(guest.errors() == 0);
}

TEST_CASE("DeviceTlb: after a reset nothing of before is waited for or missed", "[vtd][device-tlb]") {
    EndpointScene guest;
    guest.endpoint().set(endpoint_reg::drop_answers, 1);
    guest.invalidate();
    guest.queue.ring();
    guest.qemu.system_reset();
    guest.step(10 * timeout);
    CHECK(guest.unit.read32(reg::FSTS) == 0);
    CHECK(guest.unit.read64(reg::IQERCD) == 0);
}
