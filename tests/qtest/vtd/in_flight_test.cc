// SPDX-License-Identifier: GPL-2.0-or-later
//
// A device owes an answer, a wait is pending behind it - and then something else happens: another error, a reset of the
// machine or the function, an unplug, a move to another process.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <nlohmann/json.hpp>
#include <string>

#include "client/temporary_folder.h"
#include "vtd/page_request_scene.h"

using namespace vtd_driver;
using qtest::Code;
using qtest::eventually;
using qtest::Op;
using qtest::Via;
namespace endpoint_reg = qtest::endpoint_reg;

namespace {

constexpr qtest::PciId root_port_id{0x1b36, 0x000c};
constexpr std::int64_t delay = 5000;  // of an answer

// Where a scene with one endpoint arrives: the same memory, the same clock.
struct Destination {
    qtest::QemuProcess qemu;
    qtest::PciBus pci{qemu.qtest()};
    Unit unit{qemu.qtest()};
    qtest::AtsEndpoint endpoint;

    // Leaves when that much time has passed.
    explicit Destination(EndpointScene& source, std::int64_t after_ns = 1)
        : qemu(taken_over(source, after_ns)), endpoint(qemu.qtest(), moved(source), source.endpoint().bar()) {}

    static qtest::QemuProcess taken_over(EndpointScene& source, std::int64_t after_ns) {
        const qtest::TemporaryFolder folder;
        const auto options = EndpointScene::options(1);
        qtest::QemuOptions result{.arguments = {"-device", "vtd-nested,id=iommu0" + options.properties, "-device",
                                                qtest::EduDevice::option, "-incoming", "defer"}};
        result.arguments.insert(result.arguments.end(), options.arguments.begin(), options.arguments.end());
        const auto now = source.qemu.qtest().clock_step(after_ns);
        source.qemu.save_to(folder.file("machine"));
        qtest::QemuProcess process(result);
        process.qtest().clock_set(now);
        process.load_from(folder.file("machine"));
        return process;
    }
    qtest::PciFunction moved(EndpointScene& source) { return {pci, source.endpoint().function().address()}; }

    void step(std::int64_t ns) { qemu.qtest().clock_step(ns); }
    [[nodiscard]] bool is_done(std::uint64_t word) { return qemu.qtest().readl(word) == done; }
    [[nodiscard]] std::uint32_t errors() const { return unit.read32(reg::FSTS) & (IQE | ICE | ITE); }
    [[nodiscard]] unsigned itesid() const { return static_cast<unsigned>(unit.read64(reg::IQERCD) >> 32 & 0xffff); }
};

// One invalidation under way and a wait behind it.
std::uint64_t start_one(EndpointScene& guest) {
    guest.invalidate();
    const auto word = guest.wait();
    guest.queue.ring();
    REQUIRE(guest.endpoint().get(endpoint_reg::invalidates) == 1);
    REQUIRE_FALSE(guest.is_done(word));
    return word;
}

// Behind a root port with the PCI Express kind of hotplug, on bus 1.
struct Unpluggable : Guest {
    qtest::PciFunction port = pci.find(root_port_id);
    std::unique_ptr<qtest::AtsEndpoint> endpoint;
    std::uint64_t words = ram.allocate_page();

    Unpluggable()
        : Guest(Mode::Scalable, {.properties = ",invalidate-timeout-ms=100",
                                 .arguments = {"-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off",
                                               "-device", "pcie-root-port,id=rp1,chassis=1", "-device",
                                               std::string(qtest::AtsEndpoint::option) + ",id=endpoint,bus=rp1"}}) {
        pci.open_bridge(port, {.secondary = 1, .subordinate = 1});
        endpoint = std::make_unique<qtest::AtsEndpoint>(qemu.qtest(), pci.find(qtest::AtsEndpoint::id, 1));
        endpoint->enable_ats();
        scalable.set_context(endpoint->requester_id(), {.device_tlb = true});
        scalable.set(endpoint->requester_id(), PasidEntry::pass_through(1));
        start();
    }
    // As the guest does when it lets go: power off, power indicator off.
    void pull_out() {
        qemu.qmp().execute("device_del", {{"id", "endpoint"}});
        const auto express = port.find_capability(0x10);
        if (!express) throw qtest::ProcessError("the port lacks a capability");
        port.config_writew(static_cast<std::uint16_t>(*express + 0x18), 0x0700);
        (void)qemu.qmp().wait_event("DEVICE_DELETED");
    }
};

}  // namespace

TEST_CASE("InFlight: an answer is given on the other side, and completes the wait", "[vtd][in-flight]") {
    EndpointScene source;
    source.endpoint().set64(endpoint_reg::answer_delay_ns, delay);
    const auto word = start_one(source);
    Destination destination(source, 2000);
    CHECK_FALSE(destination.is_done(word));
    destination.step(2999);
    CHECK_FALSE(destination.is_done(word));
    destination.step(1);
    CHECK(destination.is_done(word));
    destination.step(10 * timeout);
    CHECK(destination.errors() == 0);
    CHECK(destination.endpoint.get(endpoint_reg::answers) == 1);
}

TEST_CASE("InFlight: a silent device times out on the other side at its deadline", "[vtd][in-flight]") {
    EndpointScene source;
    source.endpoint().set(endpoint_reg::drop_answers, 1);
    const auto word = start_one(source);
    Destination destination(source, timeout / 4);
    destination.step(timeout / 4 * 3 - 1);
    CHECK(destination.errors() == 0);
    destination.step(1);
    CHECK(destination.errors() == ITE);
    CHECK(destination.itesid() == source.id());
    destination.unit.write32(reg::FSTS, ITE);
    destination.step(10 * timeout);
    CHECK(destination.errors() == 0);
    CHECK_FALSE(destination.is_done(word));
}

TEST_CASE("InFlight: an ITE that stands is cleared on the other side, and the queue goes on there",
          "[vtd][in-flight]") {
    EndpointScene source;
    source.endpoint().set(endpoint_reg::drop_answers, 1);
    const auto aborted = start_one(source);
    source.step(timeout);
    REQUIRE(source.errors() == ITE);
    source.invalidate();
    const auto behind = source.wait();
    source.queue.ring();
    Destination destination(source);
    CHECK(destination.errors() == ITE);
    CHECK(destination.itesid() == source.id());
    CHECK_FALSE(destination.is_done(behind));
    destination.unit.write32(reg::FSTS, ITE);
    CHECK(eventually([&] { return destination.is_done(behind); }));
    CHECK(destination.unit.read64(reg::IQH) == source.queue.tail());
    CHECK_FALSE(destination.is_done(aborted));
    CHECK(destination.errors() == 0);
}

TEST_CASE("InFlight: a fence, and what it holds back, arrive", "[vtd][in-flight]") {
    EndpointScene source;
    source.endpoint().set64(endpoint_reg::answer_delay_ns, delay);
    source.invalidate();
    const auto fence = source.wait(wait_FN);
    const auto behind = source.wait();
    source.queue.ring();
    const auto head = source.queue.head();
    REQUIRE(head != source.queue.tail());
    Destination destination(source, 1);
    destination.step(delay - 2);
    CHECK(destination.unit.read64(reg::IQH) == head);
    CHECK_FALSE(destination.is_done(fence));
    destination.step(1);
    CHECK(destination.is_done(fence));
    CHECK(eventually([&] { return destination.is_done(behind); }));
    CHECK(destination.unit.read64(reg::IQH) == source.queue.tail());
}

TEST_CASE("InFlight: a page that was asked for here is answered on the other side", "[vtd][in-flight]") {
    PageScene source;
    constexpr std::uint64_t missing = iova + 0x1000;
    source.endpoint().start({.op = Op::Read, .via = Via::Atc, .source = missing, .length = 8});
    REQUIRE(source.has_asked());
    Destination destination(source);
    CHECK(destination.endpoint.waits_for_response());
    CHECK(destination.unit.read64(reg::PQT) == PageScene::slot_size);
    CHECK(destination.unit.read32(reg::PRS) == PPR);
    // The tables and the queue are in memory that arrived too; the driver's half of them is still with the source.
    auto& qtest = destination.qemu.qtest();
    qtest.writeq(source.stage().entry_address(missing, 1), source.page() | ss::R | ss::W);
    const auto response = descriptor::page_response(source.id(), source.index_of(0), response_success);
    for (unsigned i = 0; i < 4; ++i)
        qtest.writeq(source.queue.base() + source.queue.tail() + 8 * i, response.at(i));
    destination.unit.write32(reg::IQT, static_cast<std::uint32_t>(source.queue.tail() + source.queue.entry_size()));
    CHECK(destination.endpoint.finish() == Code::Success);
    CHECK(qtest.memread(destination.endpoint.window(), 8) == qtest.memread(source.page(), 8));
}

TEST_CASE("InFlight: the queue is refilled while ITE stands, round its end", "[vtd][in-flight]") {
    EndpointScene guest;
    guest.endpoint().set(endpoint_reg::drop_answers, 1);
    const auto aborted = start_one(guest);
    guest.step(timeout);
    REQUIRE(guest.errors() == ITE);
    const auto head = guest.queue.head();
    std::uint64_t word = 0;
    // All slots but one, which tells full from empty.
    while ((guest.queue.tail() + 2 * guest.queue.entry_size()) % guest.queue.size() != head) {
        guest.invalidate();
        if (guest.queue.tail() % (16 * guest.queue.entry_size()) == 0) guest.queue.ring();
    }
    word = guest.wait();
    guest.queue.ring();
    CHECK(guest.queue.head() == head);
    CHECK(guest.endpoint().get(endpoint_reg::invalidates) == 1);
    guest.clear(ITE);
    CHECK(eventually([&] { return guest.is_done(word); }));
    CHECK(guest.queue.head() == guest.queue.tail());
    CHECK(guest.endpoint().get(endpoint_reg::invalidates) == 1 + guest.queue.slots() - 2);
    CHECK_FALSE(guest.is_done(aborted));
    CHECK(guest.errors() == 0);
}

TEST_CASE("InFlight: a bad descriptor behind an open invalidation: the wait before it completes", "[vtd][in-flight]") {
    EndpointScene guest;
    guest.endpoint().set64(endpoint_reg::answer_delay_ns, delay);
    guest.invalidate();
    const auto before = guest.wait();
    const auto bad = guest.queue.tail();
    guest.queue.push({0});
    const auto behind = guest.wait();
    guest.queue.ring();
    CHECK(guest.errors() == IQE);
    CHECK_FALSE(guest.is_done(before));
    guest.step(delay);
    CHECK(guest.is_done(before));
    CHECK(guest.errors() == IQE);
    CHECK(guest.queue.head() == bad);
    guest.queue.write_slot(bad, descriptor::iotlb_global());
    guest.clear(IQE);
    CHECK(eventually([&] { return guest.is_done(behind); }));
}

TEST_CASE("InFlight: IQE and ITE at once: the queue goes on when both are cleared, in either order",
          "[vtd][in-flight]") {
    EndpointScene guest;
    const std::uint32_t first = GENERATE(IQE, ITE);
    guest.endpoint().set(endpoint_reg::drop_answers, 1);
    guest.invalidate();
    const auto aborted = guest.wait();
    const auto bad = guest.queue.tail();
    guest.queue.push({0});
    const auto behind = guest.wait();
    guest.queue.ring();
    guest.step(timeout);
    CHECK(guest.errors() == (IQE | ITE));
    CHECK(guest.itesid() == guest.id());
    CHECK(guest.queue.head() == bad);
    guest.queue.write_slot(bad, descriptor::iotlb_global());
    guest.clear(first);
    CHECK(guest.errors() == ((IQE | ITE) & ~first));
    CHECK(guest.queue.head() == bad);
    CHECK_FALSE(guest.is_done(behind));
    guest.clear((IQE | ITE) & ~first);
    CHECK(eventually([&] { return guest.is_done(behind); }));
    CHECK(guest.queue.head() == guest.queue.tail());
    CHECK_FALSE(guest.is_done(aborted));
    CHECK(guest.errors() == 0);
}

TEST_CASE("InFlight: both cleared by one write", "[vtd][in-flight]") {
    EndpointScene guest;
    guest.endpoint().set(endpoint_reg::drop_answers, 1);
    guest.invalidate();
    const auto bad = guest.queue.tail();
    guest.queue.push({0});
    const auto behind = guest.wait();
    guest.queue.ring();
    guest.step(timeout);
    REQUIRE(guest.errors() == (IQE | ITE));
    guest.queue.write_slot(bad, descriptor::iotlb_global());
    guest.clear(IQE | ITE);
    CHECK(eventually([&] { return guest.is_done(behind); }));
    CHECK(guest.errors() == 0);
}

TEST_CASE("InFlight: after a reset of the machine nothing of before is owed, and everything works again",
          "[vtd][in-flight]") {
    EndpointScene guest;
    guest.endpoint().set64(endpoint_reg::answer_delay_ns, timeout / 2);
    guest.endpoint().set(endpoint_reg::drop_answers, GENERATE(0u, 1u));
    const auto before = start_one(guest);
    guest.qemu.system_reset();
    guest.pci = qtest::PciBus(guest.qemu.qtest());
    qtest::AtsEndpoint endpoint(guest.qemu.qtest(), guest.endpoint().function());
    endpoint.enable_ats();
    guest.start();
    guest.step(10 * timeout);
    CHECK(guest.errors() == 0);
    CHECK_FALSE(guest.is_done(before));
    CHECK(endpoint.get(endpoint_reg::answers) == 0);
    CHECK(endpoint.run({.op = Op::Read, .via = Via::Atc, .source = iova, .length = 8}) == Code::Success);
    guest.invalidate();
    const auto again = guest.wait();
    guest.queue.ring();
    CHECK(eventually([&] { return guest.is_done(again); }));
    CHECK(endpoint.get(endpoint_reg::atc_used) == 0);
    CHECK(guest.errors() == 0);
}

TEST_CASE("InFlight: a reset of the function swallows its answer: ITE at the deadline", "[vtd][in-flight]") {
    EndpointScene guest;
    guest.fill();
    guest.endpoint().set64(endpoint_reg::answer_delay_ns, delay);
    const auto word = start_one(guest);
    guest.endpoint().reset_function();
    guest.step(timeout - 1);
    CHECK(guest.errors() == 0);
    CHECK_FALSE(guest.is_done(word));
    guest.step(1);
    CHECK(guest.errors() == ITE);
    CHECK(guest.itesid() == guest.id());
    guest.clear(ITE);
    qtest::AtsEndpoint endpoint(guest.qemu.qtest(), guest.endpoint().function());
    CHECK(endpoint.get(endpoint_reg::atc_used) == 0);
    endpoint.enable_ats();
    guest.invalidate();
    const auto again = guest.wait();
    guest.queue.ring();
    CHECK(eventually([&] { return guest.is_done(again); }));
    CHECK_FALSE(guest.is_done(word));
    CHECK(guest.errors() == 0);
}

TEST_CASE("InFlight: a device that is pulled out with an answer to give is an ITE, and so is asking for it again",
          "[vtd][in-flight]") {
    Unpluggable guest;
    const unsigned id = guest.endpoint->requester_id();
    guest.endpoint->set64(endpoint_reg::answer_delay_ns, delay);
    const auto errors = [&] { return guest.unit.read32(reg::FSTS) & (IQE | ICE | ITE); };
    for (unsigned round = 0; round < 2; ++round) {
        guest.queue.push(descriptor::device_tlb(id, {.address = iova}));
        guest.queue.push(descriptor::wait_status(guest.words, done));
        guest.queue.ring();
        if (round == 0) guest.pull_out();
        guest.qemu.qtest().clock_step(timeout - 1);
        CHECK(errors() == 0);
        guest.qemu.qtest().clock_step(1);
        CHECK(errors() == ITE);
        CHECK((guest.unit.read64(reg::IQERCD) >> 32 & 0xffff) == id);
        guest.unit.write32(reg::FSTS, ITE);
        CHECK(guest.ram.read32(guest.words) == 0);
    }
    guest.queue.submit(descriptor::iotlb_global());
    CHECK(errors() == 0);
}

TEST_CASE("InFlight: a device that is pulled out while its page is asked for is answered by nobody",
          "[vtd][in-flight]") {
    Unpluggable guest;
    const unsigned id = guest.endpoint->requester_id();
    guest.scalable.set_context(id, {.device_tlb = true, .page_requests = true});
    guest.invalidate_all();
    const auto page_queue = guest.ram.allocate_page();
    guest.unit.write64(reg::PQA, page_queue);
    namespace pages = qtest::endpoint_pages;
    guest.endpoint->start(
        {.op = Op::PageRequest, .source = iova, .pages = pages::group(3) | pages::read | pages::last | pages::wait});
    REQUIRE(eventually([&] { return guest.endpoint->waits_for_response(); }));
    REQUIRE(guest.unit.read64(reg::PQT) == 32);
    guest.pull_out();
    guest.queue.submit(descriptor::page_response(id, 3, response_success));
    CHECK(guest.unit.read32(reg::FSTS) == 0);
}
