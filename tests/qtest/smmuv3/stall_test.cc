// SPDX-License-Identifier: GPL-2.0-or-later
//
// Accesses of a real device that wait for software: held with a record, then retried or ended.
// [SMMU G.b s3.12.2, s4.7.1, s4.7.2]
#include <catch2/catch_test_macros.hpp>

#include "smmuv3/endpoint_scene.h"

using namespace smmu_driver;
using qtest::Code;
using qtest::eventually;
using qtest::Op;

namespace {

constexpr std::uint64_t wanted = 0x7000;
constexpr unsigned place = 0x40;  // in the window
const Bytes other_bytes(8, 0x5a);

struct Where {
    unsigned channel = 0;
    unsigned device = 0;
};

// Devices whose CDs say S=1.
struct Scene : EndpointScene {
    explicit Scene(unsigned count = 1) : EndpointScene(count) {
        for (unsigned i = 0; i < count; ++i)
            set_cd(good_cd(i).set(44, 44, 1), i);
    }
    // 8 bytes at `address`; they go to `place`, which has other ones, or come from it.
    void start_access(std::uint64_t address, Op op = Op::Read, const Where& where = {}) {
        auto& device = endpoint(where.device);
        qemu.qtest().memwrite(device.window(where.channel) + place, other_bytes);
        device.start({.op = op,
                      .source = op == Op::Read ? address : place,
                      .destination = op == Op::Read ? place : address,
                      .length = 8,
                      .can_stall = true},
                     where.channel);
    }
    // The same, and the tag of its record, which is the only one.
    [[nodiscard]] unsigned stall(std::uint64_t address, Op op = Op::Read, const Where& where = {}) {
        start_access(address, op, where);
        REQUIRE(eventually([&] { return endpoint(where.device).stalled(where.channel); }));
        const auto records = take_events();
        REQUIRE(records.size() == 1);
        const unsigned tag = event::stag(records[0]);
        CHECK(records[0] == event::stalled(fault(address, op, where.device), tag));
        return tag;
    }
    [[nodiscard]] Event fault(std::uint64_t address, Op op = Op::Read, unsigned device = 0) {
        return event::of_access(event::F_TRANSLATION, id(device), address,
                                op == Op::Read ? Access::Read : Access::Write);
    }
    void resume(unsigned tag, command::Resume action) {
        commands.push(command::resume(id(), tag, action));
        commands.submit(command::cmd_sync());
    }
    [[nodiscard]] Bytes window(unsigned channel = 0) {
        return qemu.qtest().memread(endpoint().window(channel) + place, 8);
    }
};

}  // namespace

TEST_CASE("Stall: an access waits until software has mapped its page, and then arrives", "[smmuv3][stall]") {
    for (const Op op : {Op::Read, Op::Write}) {
        Scene guest;
        const std::uint64_t page = guest.patterned_page(7);
        const auto before = guest.ram.read(page + 8, 8);
        const unsigned tag = guest.stall(wanted + 8, op);
        guest.stage().map({.input = wanted, .output = page});
        CHECK(guest.endpoint().stalled());
        CHECK(guest.window() == other_bytes);
        guest.resume(tag, command::Resume::Retry);
        CHECK(guest.endpoint().finish() == Code::Success);
        CHECK(guest.window() == (op == Op::Read ? before : other_bytes));
        CHECK(guest.ram.read(page + 8, 8) == guest.window());
        CHECK(guest.take_events().empty());
    }
}

TEST_CASE("Stall: retried in vain, it stalls again with a record of its own", "[smmuv3][stall]") {
    Scene guest;
    const unsigned tag = guest.stall(wanted);
    guest.step(20'000'000);  // what comes sooner may be a piece of the same access
    guest.resume(tag, command::Resume::Retry);
    Events records;
    CHECK(eventually([&] { return !(records = guest.take_events()).empty(); }));
    REQUIRE(records.size() == 1);
    CHECK(records[0] == event::stalled(guest.fault(wanted), event::stag(records[0])));
    REQUIRE(eventually([&] { return guest.endpoint().stalled(); }));
    guest.stage().map({.input = wanted, .output = guest.page()});
    guest.resume(event::stag(records[0]), command::Resume::Retry);
    CHECK(guest.endpoint().finish() == Code::Success);
}

TEST_CASE("Stall: an access that is given up ends with an abort, or as if nothing were there", "[smmuv3][stall]") {
    for (const Op op : {Op::Read, Op::Write}) {
        for (const auto action : {command::Resume::Abort, command::Resume::RazWi}) {
            Scene guest;
            const bool aborted = action == command::Resume::Abort;
            CAPTURE(static_cast<int>(op), aborted);
            const unsigned tag = guest.stall(wanted, op);
            guest.resume(tag, action);
            CHECK(guest.endpoint().finish() == (aborted ? Code::UnsupportedRequest : Code::Success));
            CHECK(guest.window() == (op == Op::Read && !aborted ? Bytes(8, 0) : other_bytes));
            CHECK(guest.take_events().empty());
        }
    }
}

TEST_CASE("Stall: two accesses of one device are resumed in the other order", "[smmuv3][stall]") {
    Scene guest;
    const std::uint64_t page = guest.patterned_page(7);
    const unsigned first = guest.stall(wanted, Op::Read, {.channel = 0});
    const unsigned second = guest.stall(wanted + size_4k, Op::Read, {.channel = 1});
    CHECK(first != second);
    guest.stage().map({.input = wanted, .output = page}).map({.input = wanted + size_4k, .output = guest.page()});
    guest.resume(second, command::Resume::Retry);
    CHECK(guest.endpoint().finish(1) == Code::Success);
    CHECK(guest.window(1) == guest.ram.read(guest.page(), 8));
    CHECK(guest.endpoint().stalled(0));
    guest.resume(first, command::Resume::Retry);
    CHECK(guest.endpoint().finish(0) == Code::Success);
    CHECK(guest.window(0) == guest.ram.read(page, 8));
}

TEST_CASE("Stall: a command that names no stalled access does nothing, and is no error", "[smmuv3][stall]") {
    Scene guest(2);
    const unsigned tag = guest.stall(wanted);
    guest.resume(tag + 1, command::Resume::Abort);
    guest.commands.push(command::resume(guest.id(1), tag, command::Resume::Abort));
    guest.commands.push(command::stall_term(guest.id(1)));
    guest.commands.submit(command::cmd_sync());
    CHECK(guest.endpoint().stalled());
    guest.resume(tag, command::Resume::Abort);
    CHECK(guest.endpoint().finish() == Code::UnsupportedRequest);
    guest.resume(tag, command::Resume::Retry);  // the tag is nobody's
    CHECK(guest.unit.active_errors() == 0);
    CHECK(guest.take_events().empty());
}

TEST_CASE("Stall: CMD_STALL_TERM ends all accesses of one device", "[smmuv3][stall]") {
    Scene guest(2);
    (void)guest.stall(wanted, Op::Read, {.channel = 0});
    (void)guest.stall(wanted + size_4k, Op::Write, {.channel = 3});
    (void)guest.stall(wanted, Op::Read, {.device = 1});
    guest.commands.push(command::stall_term(guest.id(0)));
    guest.commands.submit(command::cmd_sync());
    CHECK(guest.endpoint().finish(0) == Code::UnsupportedRequest);
    CHECK(guest.endpoint().finish(3) == Code::UnsupportedRequest);
    CHECK(guest.endpoint(1).stalled());
}

TEST_CASE("Stall: clearing SMMUEN ends them all", "[smmuv3][stall]") {
    Scene guest(2);
    (void)guest.stall(wanted, Op::Read, {.channel = 0});
    (void)guest.stall(wanted, Op::Read, {.channel = 1, .device = 1});
    guest.unit.set_cr0(CMDQEN | EVENTQEN);
    CHECK(guest.endpoint(0).finish(0) == Code::UnsupportedRequest);
    CHECK(guest.endpoint(1).finish(1) == Code::UnsupportedRequest);
    CHECK(guest.take_events().empty());
}

TEST_CASE("Stall: only what may wait does", "[smmuv3][stall]") {
    Scene guest;
    // The device does not say that it can.
    CHECK(guest.endpoint().run({.op = Op::Read, .source = wanted, .length = 8}) == Code::UnsupportedRequest);
    CHECK(guest.take_events() == one(guest.fault(wanted)));
    // A translation request never waits.
    CHECK(guest.endpoint().run({.op = Op::TranslationRequest, .source = wanted, .can_stall = true}) == Code::Success);
    CHECK(guest.take_events().empty());
    // The CD does not say so.
    guest.set_cd(guest.good_cd());
    guest.start_access(wanted + size_4k);
    CHECK(guest.endpoint().finish() == Code::UnsupportedRequest);
    CHECK(guest.take_events() == one(guest.fault(wanted + size_4k)));
}

TEST_CASE("Stall: with the queue full the record comes when there is room, and nothing is lost", "[smmuv3][stall]") {
    Scene guest;
    const unsigned entries = guest.events.entries();
    for (unsigned i = 0; i < entries; ++i)
        guest.touch_read(size_4k * i);  // edu has no STE
    guest.start_access(wanted);
    REQUIRE(eventually([&] { return guest.endpoint().stalled(); }));
    CHECK_FALSE(guest.events.overflowed());
    CHECK(guest.take_events().size() == entries);
    const auto records = guest.take_events();
    REQUIRE(records.size() == 1);
    const unsigned tag = event::stag(records[0]);
    CHECK(records[0] == event::stalled(guest.fault(wanted), tag));
    guest.resume(tag, command::Resume::Abort);
    CHECK(guest.endpoint().finish() == Code::UnsupportedRequest);
}

TEST_CASE("Stall: a device that is reset waits no longer; its tag is nobody's then", "[smmuv3][stall]") {
    Scene guest;
    const unsigned old = guest.stall(wanted);
    guest.endpoint().reset_function();
    guest.find_endpoints();
    CHECK_FALSE(guest.endpoint().busy());
    guest.step(20'000'000);
    const unsigned tag = guest.stall(wanted + size_4k);
    CHECK(tag != old);
    guest.resume(old, command::Resume::Abort);
    CHECK(guest.endpoint().stalled());
    guest.resume(tag, command::Resume::Abort);
    CHECK(guest.endpoint().finish() == Code::UnsupportedRequest);
    CHECK(guest.unit.active_errors() == 0);
}

TEST_CASE("Stall: the machine can be reset while an access waits, and used again", "[smmuv3][stall]") {
    Scene guest;
    (void)guest.stall(wanted);
    guest.qemu.system_reset();
    guest.find_endpoints();
    CHECK_FALSE(guest.endpoint().busy());
    guest.start();
    CHECK(guest.take_events().empty());
    const unsigned tag = guest.stall(wanted);
    guest.stage().map({.input = wanted, .output = guest.page()});
    guest.resume(tag, command::Resume::Retry);
    CHECK(guest.endpoint().finish() == Code::Success);
    CHECK(guest.window() == guest.ram.read(guest.page(), 8));
}
