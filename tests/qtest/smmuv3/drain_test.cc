// SPDX-License-Identifier: GPL-2.0-or-later
//
// CMD_SYNC and the DMA of QEMU's I/O threads, which goes on beside everything else.
#include <catch2/catch_test_macros.hpp>

#include <string>

#include "client/eventually.h"
#include "client/virtio_block.h"
#include "smmuv3/guest.h"

using namespace smmu_driver;
using namespace smmu_driver::command;
using qtest::eventually;
using qtest::VirtioBlock;

namespace {

struct DiskGuest : Guest {
    VirtioBlock disk{qemu.qtest(), ram, pci.find(VirtioBlock::id)};
    std::uint64_t status = ram.allocate_page();

    explicit DiskGuest(const std::string& properties = "")
        : Guest({.properties = properties, .arguments = VirtioBlock::options()}) {
        streams.set(stream(), ste::bypass());
        streams.set(disk.requester_id(), ste::bypass());
        start();
    }
    // From then on its thread is one that translates.
    void use_disk() {
        disk.start();
        REQUIRE(disk.read());
    }
    void start_flush(std::uint32_t number) {
        commands.push(tlbi_nsnh_all());
        commands.push(sync_with_message(status, number));
        commands.ring();
    }
    [[nodiscard]] bool is_done(std::uint32_t number) const { return ram.read32(status) == number; }
};

}  // namespace

TEST_CASE("SMMU drain: a CMD_SYNC is consumed at once until an I/O thread has translated", "[smmuv3][drain]") {
    DiskGuest guest;
    guest.touch_read(guest.source);
    guest.start_flush(1);
    CHECK(guest.is_done(1));
    CHECK(guest.counter("drains") == 0);
    guest.use_disk();
    guest.start_flush(2);
    CHECK(eventually([&] { return guest.is_done(2); }));
    CHECK(guest.counter("drains") == 1);
    guest.commands.wait_consumed();
}

TEST_CASE("SMMU drain: every CMD_SYNC is consumed while the I/O thread is busy", "[smmuv3][drain]") {
    constexpr std::uint32_t rounds = 200;
    DiskGuest guest;
    guest.use_disk();
    for (std::uint32_t round = 1; round <= rounds; ++round) {
        guest.disk.start_read();
        guest.start_flush(round);
        REQUIRE(eventually([&] { return guest.is_done(round); }));
        REQUIRE(eventually([&] { return guest.disk.is_read(); }));
    }
    CHECK(guest.counter("drains") == rounds);
    CHECK(guest.take_events().empty());
}

TEST_CASE("SMMU drain: dma-drain=off is for those who do not want to wait", "[smmuv3][drain]") {
    DiskGuest guest(",dma-drain=off");
    guest.use_disk();
    guest.start_flush(1);
    CHECK(guest.is_done(1));
    CHECK(guest.counter("drains") == 0);
}
