// SPDX-License-Identifier: GPL-2.0-or-later
//
// The first minutes of a driver: bypass, then each kind of stream, in the order of Linux.
#include <catch2/catch_test_macros.hpp>

#include "client/eventually.h"
#include "smmuv3/guest.h"

using namespace smmu_driver;
using qtest::eventually;

namespace {

constexpr std::uint64_t iova = 0x123456789000;

}  // namespace

TEST_CASE("BringUp: until it is set up, DMA goes untranslated", "[smmuv3][bring-up]") {
    Guest guest;
    const auto page = guest.patterned_page(1);
    CHECK(guest.dma_read(page) == Guest::pattern(1));
    guest.dma_write(page, Guest::pattern(2));
    CHECK(guest.memory(page) == Guest::pattern(2));
}

TEST_CASE("BringUp: DMA through stage 1", "[smmuv3][bring-up]") {
    Guest guest;
    const auto page = guest.patterned_page(1);
    auto stage = guest.stage_1();
    stage.map({.input = iova, .output = page});
    guest.set_stage_1(stage);
    guest.start();
    CHECK(guest.dma_read(iova) == Guest::pattern(1));
    guest.dma_write(iova, Guest::pattern(2));
    CHECK(guest.memory(page) == Guest::pattern(2));
    CHECK(guest.take_events().empty());
}
