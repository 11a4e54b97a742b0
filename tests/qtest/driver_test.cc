// SPDX-License-Identifier: GPL-2.0-or-later
//
// The driver's half of the VT-d tests, on QEMU's own unit: what it builds is what another implementation understands.
#include <catch2/catch_test_macros.hpp>

#include <string>

#include "vtd/guest.h"

using namespace vtd_driver;

namespace {

constexpr std::uint64_t iova = 0x123456789000;
constexpr unsigned domain = 5;

GuestOptions qemus_own(const std::string& properties) {
    return {.properties = ",aw-bits=48" + properties, .device = "intel-iommu"};
}

// The command takes effect, and so does an invalidation of its page.
void check_translation(Guest& guest, PageTable& stage, const Descriptor& invalidation) {
    const auto page = guest.patterned_page(1);
    stage.map({.iova = iova, .target = page});
    guest.start();
    CHECK(guest.dma_read(iova) == Guest::pattern(1));
    guest.dma_write(iova, Guest::pattern(3));
    CHECK(guest.memory(page) == Guest::pattern(3));
    stage.map({.iova = iova, .target = guest.patterned_page(2)});
    guest.queue.submit(invalidation);
    CHECK(guest.dma_read(iova) == Guest::pattern(2));
}

}  // namespace

TEST_CASE("Driver: QEMU's unit translates its legacy tables", "[client]") {
    Guest guest(Mode::Legacy, qemus_own(""));
    auto stage = guest.second_stage();
    guest.legacy.set(guest.requester(), LegacyContext::translating(stage, domain));
    check_translation(guest, stage, descriptor::iotlb_pages(domain, {iova}));
}

TEST_CASE("Driver: QEMU's unit translates its second stage", "[client]") {
    Guest guest(Mode::Scalable, qemus_own(",x-scalable-mode=on"));
    auto stage = guest.second_stage();
    guest.scalable.set(guest.requester(), PasidEntry::over_second_stage(stage, domain));
    check_translation(guest, stage, descriptor::iotlb_pages(domain, {iova}));
}

TEST_CASE("Driver: QEMU's unit translates its first stage", "[client]") {
    Guest guest(Mode::Scalable, qemus_own(",x-scalable-mode=on,x-flts=on"));
    auto stage = guest.first_stage();
    guest.scalable.set(guest.requester(), PasidEntry::over_first_stage(stage, domain));
    check_translation(guest, stage, descriptor::pasid_iotlb_pages(domain, 0, {iova}));
}

TEST_CASE("Driver: QEMU's unit records faults where the driver looks", "[client]") {
    Guest guest(Mode::Legacy, qemus_own(""));
    guest.start();
    guest.touch_write(iova);
    const auto faults = guest.take_faults();
    REQUIRE(faults.size() == 1);
    CHECK(faults[0].reason() == 0x01);
    CHECK(faults[0].source() == guest.requester());
    CHECK(faults[0].address == iova);
    CHECK_FALSE(faults[0].is_read());
}
