// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is under way between unit and device when the machine is reset, or moved to another process.
//
// The test owns the virtual clock, so it carries the time over as a real machine would.
#include <catch2/catch_test_macros.hpp>

#include "client/temporary_folder.h"
#include "smmuv3/endpoint_scene.h"
#include "smmuv3/page_request_queue.h"

using namespace smmu_driver;
using qtest::Code;
using qtest::eventually;
using qtest::Op;
using qtest::Via;
namespace endpoint_pages = qtest::endpoint_pages;
namespace endpoint_reg = qtest::endpoint_reg;

namespace {

constexpr unsigned CERROR_ATC_INV_SYNC = 3;
constexpr std::uint64_t wanted = 0x7000;

// Where the scene's machine arrives.
struct Destination {
    explicit Destination(EndpointScene& source, unsigned count = 1)
        : qemu(moved(source, count)),
          ram(qemu.qtest(), ram_base),
          pci(qemu.qtest(), pci_places),
          unit(qemu.qtest()),
          commands(source.commands, ram, unit),
          endpoint(qemu.qtest(), qtest::PciFunction(pci, source.endpoint().function().address()),
                   source.endpoint().bar()) {}
    static qtest::QemuProcess moved(EndpointScene& source, unsigned count) {
        const qtest::TemporaryFolder folder;
        source.qemu.save_to(folder.file("machine"));
        auto options = options_for(EndpointScene::options(count, ""));
        options.arguments.insert(options.arguments.end(), {"-incoming", "defer"});
        qtest::QemuProcess process(options);
        process.load_from(folder.file("machine"));
        if (source.now() != 0) process.qtest().clock_set(source.now());
        return process;
    }
    [[nodiscard]] bool is_done(const EndpointScene::Sync& sync) { return ram.read32(sync.word) == done; }
    [[nodiscard]] bool failed_at(const EndpointScene::Sync& sync) {
        return unit.active_errors() == CMDQ_ERR && commands.error() == CERROR_ATC_INV_SYNC &&
               commands.consumer() == sync.slot && !is_done(sync);
    }
    void step(std::int64_t ns) { qemu.qtest().clock_step(ns); }
    [[nodiscard]] std::uint64_t counter(const std::string& name) {
        return qemu.qmp().qom_get_number(Guest::path, name);
    }

    qtest::QemuProcess qemu;
    qtest::GuestRam ram;
    qtest::PciBus pci;
    Unit unit;
    CommandQueue commands;
    qtest::AtsEndpoint endpoint;
};

// An invalidation that is never answered, and the CMD_SYNC that waits for it.
EndpointScene::Sync wait_in_vain(EndpointScene& guest) {
    guest.endpoint().set(endpoint_reg::drop_answers, 1);
    guest.invalidate();
    const auto sync = guest.sync();
    guest.commands.ring();
    return sync;
}

// The driver after a reset: everything anew, and an invalidation that the device answers.
void check_works_after_reset(EndpointScene& guest) {
    guest.find_endpoints();
    guest.start();
    guest.fill();
    guest.endpoint().set64(endpoint_reg::answer_delay_ns, 1000);
    guest.invalidate();
    const auto sync = guest.sync();
    guest.commands.ring();
    guest.step(999);
    CHECK_FALSE(guest.is_done(sync));
    guest.step(1);
    CHECK(eventually([&] { return guest.is_done(sync); }));
    CHECK(guest.endpoint().get(endpoint_reg::atc_used) == 0);
    guest.step(2 * timeout);
    CHECK(guest.unit.active_errors() == 0);
    CHECK(guest.take_events().empty());
}

}  // namespace

TEST_CASE("InFlight: reset forgets the invalidations under way, and who waits for them", "[smmuv3][in-flight]") {
    EndpointScene guest;
    const auto sync = wait_in_vain(guest);
    guest.qemu.system_reset();
    CHECK(guest.unit.read32(reg::CMDQ_CONS) == 0);
    check_works_after_reset(guest);
    CHECK_FALSE(guest.is_done(sync));
}

TEST_CASE("InFlight: a reset device does not answer what it was asked before", "[smmuv3][in-flight]") {
    EndpointScene guest;
    guest.endpoint().set64(endpoint_reg::answer_delay_ns, 5000);
    guest.invalidate();
    const auto sync = guest.sync();
    guest.commands.ring();
    guest.qemu.system_reset();
    check_works_after_reset(guest);
    CHECK_FALSE(guest.is_done(sync));
    CHECK(guest.counter("unexpected-completions") == 0);
}

TEST_CASE("InFlight: reset takes a time-out back, told or not", "[smmuv3][in-flight]") {
    for (const bool told : {false, true}) {
        EndpointScene guest;
        CAPTURE(told);
        guest.endpoint().set(endpoint_reg::drop_answers, 1);
        guest.invalidate();
        if (told) (void)guest.sync();
        guest.commands.ring();
        guest.step(timeout);
        CHECK(guest.unit.active_errors() == (told ? CMDQ_ERR : 0));
        guest.qemu.system_reset();
        CHECK(guest.unit.active_errors() == 0);
        check_works_after_reset(guest);
    }
}

TEST_CASE("InFlight: on the other side a CMD_SYNC completes with the answer", "[smmuv3][in-flight]") {
    EndpointScene source;
    source.endpoint().set64(endpoint_reg::answer_delay_ns, 5'000'000);
    source.fill();
    source.invalidate();
    const auto sync = source.sync();
    source.commands.ring();
    source.step(2'000'000);
    Destination there(source);
    CHECK(there.commands.consumer() == sync.slot);
    there.step(2'999'999);
    CHECK_FALSE(there.is_done(sync));
    there.step(1);
    CHECK(eventually([&] { return there.is_done(sync); }));
    CHECK(eventually([&] { return there.commands.consumer() == there.commands.producer(); }));
    CHECK(there.endpoint.get(endpoint_reg::atc_used) == 0);
    there.step(2 * timeout);
    CHECK(there.unit.active_errors() == 0);
    CHECK(there.counter("unexpected-completions") == 0);
}

TEST_CASE("InFlight: on the other side a silent device is late at its deadline", "[smmuv3][in-flight]") {
    EndpointScene source;
    const auto sync = wait_in_vain(source);
    source.step(40'000'000);
    Destination there(source);
    there.step(timeout - 40'000'000 - 1);
    CHECK(there.unit.active_errors() == 0);
    there.step(1);
    CHECK(there.failed_at(sync));
    there.unit.acknowledge_errors();
    CHECK(eventually([&] { return there.is_done(sync); }));
    CHECK(there.unit.active_errors() == 0);
}

TEST_CASE("InFlight: a time-out that no CMD_SYNC was told moves along", "[smmuv3][in-flight]") {
    EndpointScene source;
    source.endpoint().set(endpoint_reg::drop_answers, 1);
    source.invalidate();
    source.commands.ring();
    source.step(timeout);
    Destination there(source);
    CHECK(there.unit.active_errors() == 0);
    const std::uint64_t word = source.ram.allocate_page();
    const EndpointScene::Sync sync{word, there.commands.push(command::sync_with_message(word, done))};
    there.commands.ring();
    CHECK(there.failed_at(sync));
    there.unit.acknowledge_errors();
    CHECK(eventually([&] { return there.is_done(sync); }));
}

TEST_CASE("InFlight: an error that stands is acknowledged on the other side", "[smmuv3][in-flight]") {
    EndpointScene source;
    const auto sync = wait_in_vain(source);
    source.step(timeout);
    Destination there(source);
    CHECK(there.failed_at(sync));
    there.unit.acknowledge_errors();
    CHECK(eventually([&] { return there.is_done(sync); }));
    CHECK(there.unit.active_errors() == 0);
}

TEST_CASE("InFlight: of two devices the answer of one and the deadline of the other move", "[smmuv3][in-flight]") {
    EndpointScene source(2);
    source.endpoint(1).set(endpoint_reg::drop_answers, 1);
    source.endpoint(0).set64(endpoint_reg::answer_delay_ns, 5'000'000);
    source.invalidate(0);
    source.invalidate(1);
    const auto sync = source.sync();
    source.commands.ring();
    source.step(1'000'000);
    Destination there(source, 2);
    CHECK(there.endpoint.get(endpoint_reg::answers) == 0);
    there.step(4'000'000);
    CHECK(eventually([&] { return there.endpoint.get(endpoint_reg::answers) == 1; }));
    there.step(timeout - 5'000'000 - 1);
    CHECK(there.unit.active_errors() == 0);
    CHECK(there.commands.consumer() == sync.slot);
    there.step(1);
    CHECK(there.failed_at(sync));
    CHECK(there.counter("unexpected-completions") == 0);
    there.unit.acknowledge_errors();
    CHECK(eventually([&] { return there.is_done(sync); }));
}

TEST_CASE("InFlight: a queue that waits for an ITag goes on on the other side", "[smmuv3][in-flight]") {
    EndpointScene source;
    source.endpoint().set64(endpoint_reg::answer_delay_ns, 5'000'000);
    for (unsigned i = 0; i < 40; ++i)
        source.invalidate();
    const auto sync = source.sync();
    source.commands.ring();
    REQUIRE(source.endpoint().get(endpoint_reg::invalidates) == 32);
    Destination there(source);
    CHECK(there.endpoint.get(endpoint_reg::invalidates) == 32);
    there.step(5'000'000);
    CHECK(eventually([&] { return there.endpoint.get(endpoint_reg::invalidates) == 40; }));
    there.step(4'999'999);
    CHECK_FALSE(there.is_done(sync));
    there.step(1);
    CHECK(eventually([&] { return there.is_done(sync); }));
}

TEST_CASE("InFlight: a page request is answered on the other side, and the access goes on", "[smmuv3][in-flight]") {
    EndpointScene source;
    const PageRequestQueue queue(source.ram, source.unit, 2);
    source.endpoint().enable_pri();
    queue.set_up();
    source.unit.set_cr0(CMDQEN | EVENTQEN | SMMUEN | PRIQEN);
    source.stage().map({.input = wanted, .output = source.page()});
    source.stage().set_entry(wanted, 3, 0);
    source.endpoint().start({.op = Op::Read, .via = Via::Atc, .source = wanted, .length = 8});
    REQUIRE(eventually([&] { return !queue.empty(); }));
    const auto expected = source.ram.read(source.page(), 8);
    Destination there(source);
    CHECK(there.endpoint.waits_for_response());
    const PageRequestQueue arrived(queue, there.ram, there.unit);
    const auto requests = arrived.take();
    REQUIRE(requests.size() == 1);
    there.ram.write64(source.stage().entry_address(wanted), source.page() | s1::user_page | 3);
    there.commands.submit(command::pri_resp(source.id(), page_request::index(requests[0]), command::Resp::Success));
    CHECK(there.endpoint.finish() == Code::Success);
    CHECK(there.qemu.qtest().memread(there.endpoint.window(), 8) == expected);
}

TEST_CASE("InFlight: an overflow of the PRI queue stands on the other side", "[smmuv3][in-flight]") {
    EndpointScene source;
    const PageRequestQueue queue(source.ram, source.unit, 1);
    source.endpoint().enable_pri();
    queue.set_up();
    source.unit.set_cr0(CMDQEN | EVENTQEN | SMMUEN | PRIQEN);
    const qtest::EndpointOperation group{
        .op = Op::PageRequest,
        .source = wanted,
        .pages = endpoint_pages::group(3, 4) | endpoint_pages::read | endpoint_pages::last | endpoint_pages::wait};
    CHECK(source.endpoint().run(group) == Code::Success);
    REQUIRE(queue.overflowed());
    Destination there(source);
    const PageRequestQueue arrived(queue, there.ram, there.unit);
    CHECK(arrived.overflowed());
    CHECK(arrived.take().size() == 2);
    CHECK(there.endpoint.run(group) == Code::Success);
    CHECK(arrived.empty());
    arrived.acknowledge_overflow();
    there.endpoint.start(group);
    CHECK(eventually([&] { return arrived.take().size() == 2; }));
}

TEST_CASE("InFlight: stalled accesses are resumed on the other side, each by its tag", "[smmuv3][in-flight]") {
    EndpointScene source;
    source.set_cd(source.good_cd().set(44, 44, 1));
    source.stage().map({.input = wanted, .output = source.page()});
    source.stage().set_entry(wanted, 3, 0);
    for (const unsigned channel : {1, 0}) {
        const std::uint64_t address = wanted + channel * size_4k;
        source.endpoint().start({.op = Op::Read, .source = address, .length = 8, .can_stall = true}, channel);
        REQUIRE(eventually([&] { return source.endpoint().stalled(channel); }));
    }
    const auto records = source.take_events();
    REQUIRE(records.size() == 2);
    const auto expected = source.ram.read(source.page(), 8);
    Destination there(source);
    there.ram.write64(source.stage().entry_address(wanted), source.page() | s1::user_page | 3);
    there.commands.submit(command::resume(source.id(), event::stag(records[1]), command::Resume::Retry));
    CHECK(there.endpoint.finish(0) == Code::Success);
    CHECK(there.qemu.qtest().memread(there.endpoint.window(), 8) == expected);
    CHECK(there.endpoint.stalled(1));
    there.commands.submit(command::resume(source.id(), event::stag(records[0]), command::Resume::Abort));
    CHECK(there.endpoint.finish(1) == Code::UnsupportedRequest);
}
