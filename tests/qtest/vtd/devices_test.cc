// SPDX-License-Identifier: GPL-2.0-or-later
//
// Several devices, and devices behind bridges: whose tables are used.
#include <catch2/catch_test_macros.hpp>

#include <string>

#include "vtd/guest.h"

using namespace vtd_driver;
using qtest::EduDevice;
using qtest::PciFunction;

namespace {

constexpr unsigned domain = 5;
constexpr unsigned other_domain = 6;
constexpr std::uint64_t iova = 0x123456789000;
constexpr qtest::PciId root_port_id{0x1b36, 0x000c};
constexpr qtest::PciId pci_bridge_id{0x1b36, 0x000e};

const std::string edu_option = EduDevice::option;

// A second edu on the same bus, at a device number with bit 7 of devfn set: the other half of a root entry.
struct TwoDevices : Guest {
    EduDevice second{qemu.qtest(), PciFunction(pci, {0, 0x12, 0})};
    explicit TwoDevices(Mode root_mode) : Guest(root_mode, {.arguments = {"-device", edu_option + ",addr=0x12"}}) {}
    [[nodiscard]] unsigned second_requester() const { return second.requester_id(); }
};

// A second edu behind a root port; the guest chooses the number of its bus.
struct BehindPort : Guest {
    PciFunction port = pci.find(root_port_id);
    BehindPort()
        : Guest(Mode::Scalable,
                {.arguments = {"-device", "pcie-root-port,id=root1,chassis=1", "-device", edu_option + ",bus=root1"}}) {
    }
    [[nodiscard]] EduDevice edu_on(std::uint8_t bus) {
        pci.open_bridge(port, {.secondary = bus, .subordinate = bus});
        return {qemu.qtest(), pci.find(EduDevice::id, bus)};
    }
};

}  // namespace

TEST_CASE("Devices: each goes through its own legacy entry", "[vtd][devices]") {
    TwoDevices guest(Mode::Legacy);
    auto one = guest.second_stage();
    auto two = guest.second_stage();
    one.map({.iova = iova, .target = guest.patterned_page(1)});
    two.map({.iova = iova, .target = guest.patterned_page(2)});
    guest.legacy.set(guest.requester(), LegacyContext::translating(one, domain));
    guest.legacy.set(guest.second_requester(), LegacyContext::translating(two, other_domain));
    guest.start();
    CHECK(guest.dma_read(guest.edu, iova) == Guest::pattern(1));
    CHECK(guest.dma_read(guest.second, iova) == Guest::pattern(2));
    CHECK(guest.dma_read(guest.edu, iova) == Guest::pattern(1));
}

TEST_CASE("Devices: each goes through its own half of a scalable root entry", "[vtd][devices]") {
    TwoDevices guest(Mode::Scalable);
    auto one = guest.second_stage();
    auto two = guest.first_stage();
    one.map({.iova = iova & ones(46, 0), .target = guest.patterned_page(1)});
    two.map({.iova = iova & ones(46, 0), .target = guest.patterned_page(2)});
    guest.scalable.set(guest.requester(), PasidEntry::over_second_stage(one, domain));
    guest.scalable.set(guest.second_requester(), PasidEntry::over_first_stage(two, other_domain));
    guest.start();
    CHECK(guest.dma_read(guest.edu, iova & ones(46, 0)) == Guest::pattern(1));
    CHECK(guest.dma_read(guest.second, iova & ones(46, 0)) == Guest::pattern(2));
}

TEST_CASE("Devices: what is reserved in one half of a root entry concerns the devices of that half", "[vtd][devices]") {
    TwoDevices guest(Mode::Scalable);
    guest.scalable.set(guest.requester(), PasidEntry::pass_through(domain));
    guest.scalable.set(guest.second_requester(), PasidEntry::pass_through(domain));
    const std::uint64_t upper_half = guest.scalable.root_entry(guest.second_requester());
    guest.ram.write64(upper_half, guest.ram.read64(upper_half) | bit(7));
    guest.start();
    guest.edu.dma_read(guest.sink, 4);
    guest.second.dma_read(guest.sink, 4);
    const auto faults = guest.take_faults();
    REQUIRE(faults.size() == 1);
    CHECK(faults[0].source() == guest.second_requester());
    CHECK(faults[0].reason() == 0x3a);
}

TEST_CASE("Devices: a fault names the one that caused it", "[vtd][devices]") {
    TwoDevices guest(Mode::Scalable);
    guest.scalable.set(guest.requester(), PasidEntry::pass_through(domain));
    guest.start();
    guest.edu.dma_read(guest.sink, 4);
    guest.second.dma_read(guest.sink, 4);
    const auto faults = guest.take_faults();
    REQUIRE(faults.size() == 1);
    CHECK(faults[0].source() == guest.second_requester());
    CHECK(faults[0].reason() == 0x39);
}

TEST_CASE("Devices: an invalidation of a domain reaches all devices in it", "[vtd][devices]") {
    TwoDevices guest(Mode::Scalable);
    auto stage = guest.second_stage();
    stage.map({.iova = iova, .target = guest.patterned_page(1)});
    guest.scalable.set(guest.requester(), PasidEntry::over_second_stage(stage, domain));
    guest.scalable.set(guest.second_requester(), PasidEntry::over_second_stage(stage, domain));
    guest.start();
    REQUIRE(guest.dma_read(guest.edu, iova) == Guest::pattern(1));
    REQUIRE(guest.dma_read(guest.second, iova) == Guest::pattern(1));
    stage.map({.iova = iova, .target = guest.patterned_page(2)});
    REQUIRE(guest.dma_read(guest.second, iova) == Guest::pattern(1));
    guest.queue.submit(descriptor::iotlb_pages(domain, {iova}));
    CHECK(guest.dma_read(guest.edu, iova) == Guest::pattern(2));
    CHECK(guest.dma_read(guest.second, iova) == Guest::pattern(2));
}

TEST_CASE("Devices: a context-cache invalidation of one leaves the other's entry", "[vtd][devices]") {
    TwoDevices guest(Mode::Legacy);
    auto before = guest.second_stage();
    auto after = guest.second_stage();
    before.map({.iova = iova, .target = guest.patterned_page(1)});
    after.map({.iova = iova, .target = guest.patterned_page(2)});
    for (const unsigned requester : {guest.requester(), guest.second_requester()}) {
        guest.legacy.set(requester, LegacyContext::translating(before, domain));
    }
    guest.start();
    REQUIRE(guest.dma_read(guest.edu, iova) == Guest::pattern(1));
    REQUIRE(guest.dma_read(guest.second, iova) == Guest::pattern(1));
    for (const unsigned requester : {guest.requester(), guest.second_requester()}) {
        guest.legacy.set(requester, LegacyContext::translating(after, other_domain));
    }
    guest.queue.submit(descriptor::context_device(domain, guest.second_requester()));
    CHECK(guest.dma_read(guest.edu, iova) == Guest::pattern(1));
    CHECK(guest.dma_read(guest.second, iova) == Guest::pattern(2));
}

TEST_CASE("Devices: the same PASID and domain through different tables of two devices, one at a time",
          "[vtd][devices]") {
    // RID_PASID 0 and one domain for pass-through and first stages is how a real driver numbers them.
    TwoDevices guest(Mode::Scalable);
    auto stage = guest.first_stage();
    const auto page = guest.patterned_page(1);
    stage.map({.iova = 0x5000, .target = page});
    guest.scalable.set(guest.requester(), PasidEntry::pass_through(1));
    guest.scalable.set_context(guest.second_requester(), {.rid_pasid = 3});
    guest.scalable.set(guest.second_requester(), 3, PasidEntry::over_first_stage(stage, 1));
    guest.start();
    CHECK(guest.dma_read(guest.edu, page) == Guest::pattern(1));
    CHECK(guest.dma_read(guest.second, 0x5000) == Guest::pattern(1));
    guest.edu.dma_read(page, 4);
    guest.second.dma_read(page, 4);
    CHECK(guest.take_faults().size() == 1);
}

TEST_CASE("Devices: one behind a root port has the bus number that the guest gave", "[vtd][devices]") {
    BehindPort guest;
    auto stage = guest.second_stage();
    stage.map({.iova = iova, .target = guest.patterned_page(1)});
    auto behind = guest.edu_on(5);
    CHECK(behind.requester_id() == 0x0500);
    guest.scalable.set(behind.requester_id(), PasidEntry::over_second_stage(stage, domain));
    guest.start();
    CHECK(guest.dma_read(behind, iova) == Guest::pattern(1));
    CHECK(guest.take_faults().empty());
}

TEST_CASE("Devices: a bus that is renumbered brings its device to other tables", "[vtd][devices]") {
    BehindPort guest;
    auto stage = guest.second_stage();
    stage.map({.iova = iova, .target = guest.patterned_page(1)});
    guest.scalable.set(0x0500, PasidEntry::over_second_stage(stage, domain));
    guest.start();
    auto behind = guest.edu_on(5);
    REQUIRE(guest.dma_read(behind, iova) == Guest::pattern(1));

    auto renumbered = guest.edu_on(7);
    renumbered.dma_read(iova, 4);
    const auto faults = guest.take_faults();
    REQUIRE(faults.size() == 1);
    CHECK(faults[0].source() == 0x0700);
}

TEST_CASE("Devices: one behind a bridge to conventional PCI goes by the bridge's name", "[vtd][devices]") {
    Guest guest(Mode::Scalable,
                {.arguments = {"-device", "pcie-root-port,id=root1,chassis=1", "-device",
                               "pcie-pci-bridge,id=bridge1,bus=root1", "-device", edu_option + ",bus=bridge1,addr=3"}});
    guest.pci.open_bridge(guest.pci.find(root_port_id), {.secondary = 1, .subordinate = 2});
    guest.pci.open_bridge(guest.pci.find(pci_bridge_id, 1), {.secondary = 2, .subordinate = 2});
    EduDevice behind(guest.qemu.qtest(), guest.pci.find(EduDevice::id, 2));
    CHECK(behind.requester_id() == 0x0218);
    auto stage = guest.second_stage();
    stage.map({.iova = iova, .target = guest.patterned_page(1)});
    // Secondary bus, device 0, function 0.
    guest.scalable.set(0x0200, PasidEntry::over_second_stage(stage, domain));
    guest.start();
    CHECK(guest.dma_read(behind, iova) == Guest::pattern(1));
    CHECK(guest.take_faults().empty());
}
