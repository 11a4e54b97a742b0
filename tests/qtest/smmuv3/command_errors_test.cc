// SPDX-License-Identifier: GPL-2.0-or-later
//
// Commands that are none, a queue that cannot be read, and how a driver goes on afterwards.
#include <catch2/catch_test_macros.hpp>

#include "client/eventually.h"
#include "smmuv3/scene.h"

using namespace smmu_driver;
using namespace smmu_driver::command;
using qtest::eventually;

namespace {

constexpr unsigned CERROR_ILL = 1;
constexpr unsigned CERROR_ABT = 2;
constexpr std::uint32_t done = 0xd04e;

bool stopped(const Guest& guest) {
    return eventually([&] { return (guest.unit.active_errors() & CMDQ_ERR) != 0; });
}

const std::vector<Command> illegal = {
    Command{},
    of_stream(0x02, 8).set(10, 10, 1),  // SSec
    of_stream(0x08, 0),
    of_context(0x18, 0, 0),              // of EL3
    of_context(0x50, 0, 0),              // of Secure EL2
    of_stream(0x40, 8).set(69, 64, 53),  // Size
    of_stream(0x41, 8).set(77, 76, 3),   // Resp
    cmd_sync().set(13, 12, 3),           // CS
    cfgi_ste(8).set(10, 10, 1),          // SSec
    tlbi_nh_va(0, 0, 0).set(75, 74, 1),  // a range of one page that could be of any level
    of_stream(0x80, 0),                  // of nobody
    of_stream(0xff, 0).set(127, 76, ~0ull),
};

}  // namespace

TEST_CASE("CommandErrors: an illegal command stops the queue, and Linux repairs it", "[smmuv3][commands]") {
    Guest guest;
    guest.start();
    const auto page = guest.ram.allocate_page();
    for (const auto& bad : illegal) {
        CAPTURE(bad.words[0], bad.words[1]);
        guest.commands.push(cfgi_all());
        const std::uint32_t slot = guest.commands.push(bad);
        guest.commands.push(sync_with_message(page, done));
        guest.commands.ring();
        REQUIRE(stopped(guest));
        CHECK(guest.commands.consumer() == slot);
        CHECK(guest.commands.error() == CERROR_ILL);
        CHECK(guest.unit.active_errors() == CMDQ_ERR);
        // Ringing again changes nothing.
        guest.commands.ring();
        CHECK(guest.commands.consumer() == slot);
        CHECK(guest.ram.read32(page) == 0);
        guest.commands.write_slot(slot, cmd_sync());
        guest.unit.acknowledge_errors();
        guest.commands.wait_consumed();
        CHECK(eventually([&] { return guest.ram.read32(page) == done; }));
        guest.ram.write32(page, 0);
    }
}

TEST_CASE("CommandErrors: acknowledged without repair, it stops again", "[smmuv3][commands]") {
    Guest guest;
    guest.start();
    const std::uint32_t slot = guest.commands.push(Command{});
    guest.commands.ring();
    for (int i = 0; i < 3; ++i) {
        REQUIRE(stopped(guest));
        CHECK(guest.commands.consumer() == slot);
        guest.unit.acknowledge_errors();
    }
}

TEST_CASE("CommandErrors: a queue nowhere", "[smmuv3][commands]") {
    Guest guest;
    guest.start();
    guest.unit.set_cr0(EVENTQEN | SMMUEN);
    guest.unit.write64(reg::CMDQ_BASE, nowhere | 7);
    guest.unit.write32(reg::CMDQ_CONS, 0);
    guest.unit.write32(reg::CMDQ_PROD, 2);
    guest.unit.set_cr0(CMDQEN | EVENTQEN | SMMUEN);
    REQUIRE(stopped(guest));
    CHECK(guest.commands.error() == CERROR_ABT);
    CHECK(guest.commands.consumer() == 0);
    // A queue that exists, and all is well.
    guest.unit.set_cr0(EVENTQEN | SMMUEN);
    guest.commands.set_up();
    guest.unit.acknowledge_errors();
    guest.unit.set_cr0(CMDQEN | EVENTQEN | SMMUEN);
    guest.forget();
    CHECK(guest.unit.active_errors() == 0);
}

TEST_CASE("CommandErrors: a CMD_SYNC whose message goes nowhere ends all the same", "[smmuv3][commands]") {
    Guest guest;
    guest.start();
    guest.commands.submit(sync_with_message(nowhere, 1));
    CHECK(eventually([&] { return guest.unit.active_errors() == MSI_CMDQ_ABT_ERR; }));
    guest.unit.acknowledge_errors();
    CHECK(guest.unit.active_errors() == 0);
    guest.forget();
}

TEST_CASE("CommandErrors: a long queue is worked off to its end, over the wrap", "[smmuv3][commands]") {
    Guest guest;
    guest.start();
    const auto page = guest.ram.allocate_page();
    for (int round = 1; round <= 5; ++round) {
        for (std::uint32_t i = 0; i + 2 < guest.commands.entries(); ++i)
            guest.commands.push(tlbi_nh_asid(i, i));
        guest.commands.push(sync_with_message(page, static_cast<std::uint32_t>(round)));
        guest.commands.ring();
        guest.commands.wait_consumed();
        CHECK(eventually([&] { return guest.ram.read32(page) == static_cast<std::uint32_t>(round); }));
    }
}

TEST_CASE("CommandErrors: commands wait until the queue is enabled", "[smmuv3][commands]") {
    Stage1Scene scene;
    scene.start();
    check_access(scene, iova, Access::Read, {});
    scene.unit.set_cr0(EVENTQEN | SMMUEN);
    scene.set_ste(scene.good_ste().set(0, 0, 0));
    const std::uint32_t before = scene.commands.consumer();
    scene.commands.push(cfgi_all());
    scene.commands.ring();
    CHECK(scene.commands.consumer() == before);
    check_access(scene, iova, Access::Read, {});
    scene.unit.set_cr0(CMDQEN | EVENTQEN | SMMUEN);
    scene.commands.wait_consumed();
    check_access(scene, iova, Access::Read, one(event::of_stream(event::C_BAD_STE, scene.stream())));
}
