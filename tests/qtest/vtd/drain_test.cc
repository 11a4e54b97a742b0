// SPDX-License-Identifier: GPL-2.0-or-later
//
// Waits and the DMA of QEMU's I/O threads, which goes on beside everything else.
#include <catch2/catch_test_macros.hpp>

#include <nlohmann/json.hpp>
#include <string>

#include "client/eventually.h"
#include "client/virtio_block.h"
#include "vtd/guest.h"

using namespace vtd_driver;
using qtest::eventually;
using qtest::VirtioBlock;

namespace {

constexpr unsigned domain = 5;

struct DiskGuest : Guest {
    VirtioBlock disk{qemu.qtest(), ram, pci.find(VirtioBlock::id)};

    explicit DiskGuest(const std::string& properties = "")
        : Guest(Mode::Scalable, {.properties = properties, .arguments = VirtioBlock::options()}) {
        scalable.set(requester(), PasidEntry::pass_through(domain));
        scalable.set(disk.requester_id(), PasidEntry::pass_through(domain));
        start();
    }
    // From then on its thread is one that translates.
    void use_disk() {
        disk.start();
        REQUIRE(disk.read());
    }
    void start_flush(std::uint32_t number) {
        queue.push(descriptor::iotlb_global());
        queue.push(descriptor::wait_status(queue.status_address(), number));
        queue.ring();
    }
};

}  // namespace

TEST_CASE("Drain: waits complete at once until an I/O thread has translated", "[vtd][drain]") {
    DiskGuest guest;
    (void)guest.dma_read(guest.source);
    guest.start_flush(1);
    CHECK(guest.queue.status() == 1);
    CHECK(guest.counter("drains") == 0);
    const auto before = guest.counter("translations");
    guest.use_disk();
    CHECK(guest.counter("translations") > before);
    guest.start_flush(2);
    CHECK(eventually([&] { return guest.queue.status() == 2; }));
    CHECK(guest.counter("drains") == 1);
    // Nothing was invalidated since.
    guest.queue.push(descriptor::wait_status(guest.queue.status_address(), 3));
    guest.queue.ring();
    CHECK(guest.queue.status() == 3);
    CHECK(guest.counter("drains") == 1);
}

TEST_CASE("Drain: all waits complete while the I/O thread is busy", "[vtd][drain]") {
    constexpr std::uint32_t rounds = 200;
    DiskGuest guest;
    guest.use_disk();
    for (std::uint32_t round = 1; round <= rounds; ++round) {
        guest.disk.start_read();
        guest.start_flush(round);
        REQUIRE(eventually([&] { return guest.queue.status() == round; }));
        REQUIRE(eventually([&] { return guest.disk.is_read(); }));
    }
    CHECK(guest.counter("drains") == rounds);
    CHECK(guest.take_faults().empty());
}

TEST_CASE("Drain: a wait of a stopped machine completes when it runs again", "[vtd][drain]") {
    DiskGuest guest;
    guest.use_disk();
    guest.qemu.qmp().execute("stop");
    guest.start_flush(1);
    CHECK(guest.counter("drains") == 1);
    for (int look = 0; look < 300; ++look)
        CHECK(guest.queue.status() != 1);
    guest.qemu.qmp().execute("cont");
    CHECK(eventually([&] { return guest.queue.status() == 1; }));
}

TEST_CASE("Drain: a machine that is reset meanwhile forgets the wait", "[vtd][drain]") {
    DiskGuest guest;
    guest.use_disk();
    guest.qemu.qmp().execute("stop");
    guest.start_flush(1);
    guest.qemu.qmp().execute("system_reset");
    guest.qemu.qmp().execute("cont");
    REQUIRE(eventually([&] { return guest.unit.read64(reg::IQT) == 0; }));
    guest.queue.restart();
    guest.start_flush(2);
    CHECK(eventually([&] { return guest.queue.status() == 2; }));
    CHECK(guest.counter("waits") >= 1);
}

TEST_CASE("Drain: an invalidation by register waits for the I/O thread, too", "[vtd][drain]") {
    Guest guest(Mode::Legacy, {.arguments = VirtioBlock::options()});
    VirtioBlock disk(guest.qemu.qtest(), guest.ram, guest.pci.find(VirtioBlock::id));
    constexpr std::uint64_t IVT = bit(63), global = field(61, 60, 1);
    const auto is_over = [&] { return (guest.unit.read64(guest.unit.iotlb_register()) & IVT) == 0; };
    guest.legacy.set(disk.requester_id(), LegacyContext{.type = 2, .domain = domain});
    guest.unit.set_root_table(guest.legacy.root(), Mode::Legacy);
    guest.unit.set(TE);
    guest.unit.write64(guest.unit.iotlb_register(), IVT | global);
    CHECK(is_over());
    disk.start();
    REQUIRE(disk.read());
    guest.qemu.qmp().execute("stop");
    guest.unit.write64(guest.unit.iotlb_register(), IVT | global);
    CHECK_FALSE(is_over());
    guest.qemu.qmp().execute("cont");
    CHECK(eventually(is_over));
}

TEST_CASE("Drain: dma-drain=off is for those who do not want to wait", "[vtd][drain]") {
    DiskGuest guest(",dma-drain=off");
    guest.use_disk();
    guest.start_flush(1);
    CHECK(guest.queue.status() == 1);
    CHECK(guest.counter("drains") == 0);
    guest.qemu.qmp().execute("qom-set", {{"path", Guest::path}, {"property", "dma-drain"}, {"value", true}});
    guest.start_flush(2);
    CHECK(eventually([&] { return guest.queue.status() == 2; }));
    CHECK(guest.counter("drains") == 1);
}
