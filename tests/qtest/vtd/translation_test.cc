// SPDX-License-Identifier: GPL-2.0-or-later
//
// DMA through each kind of table arrives where the tables say.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "vtd/guest.h"

using namespace vtd_driver;

namespace {

// A page of RAM mapped by a leaf of each size, at addresses that need every level of the table.
struct Sizes {
    std::uint64_t page = 0;
    std::uint64_t iova_4k = 0;
    std::uint64_t iova_2m = 0;
    std::uint64_t iova_1g = 0;
};

// The highest 3 GiB that this many levels reach, in the half whose upper bits are 0.
Sizes map_each_size(Guest& guest, PageTable& table, unsigned width) {
    const std::uint64_t page = guest.patterned_page(1);
    const std::uint64_t top = bit(width) - 3 * size_1g;
    Sizes sizes{.page = page,
                .iova_4k = top + 5 * size_4k,
                .iova_2m = top + size_1g + 3 * size_2m + page % size_2m,
                .iova_1g = top + 2 * size_1g + page};
    table.map({.iova = sizes.iova_4k, .target = page});
    table.map({.iova = sizes.iova_2m - page % size_2m, .target = page - page % size_2m, .level = 2});
    table.map({.iova = top + 2 * size_1g, .target = 0, .level = 3});
    return sizes;
}

void check_data(Guest& guest, const Sizes& sizes) {
    std::uint32_t seed = 100;
    for (const std::uint64_t iova : {sizes.iova_4k, sizes.iova_2m, sizes.iova_1g}) {
        CAPTURE(iova);
        guest.ram.fill_with_pattern(sizes.page, Guest::transfer, ++seed);
        CHECK(guest.dma_read(iova) == Guest::pattern(seed));
        guest.dma_write(iova, Guest::pattern(++seed));
        CHECK(guest.memory(sizes.page) == Guest::pattern(seed));
    }
    CHECK(guest.take_faults().empty());
}

}  // namespace

TEST_CASE("Legacy: each width and page size carries data both ways", "[vtd][translation]") {
    const unsigned levels = GENERATE(3u, 4u, 5u);
    CAPTURE(levels);
    Guest guest(Mode::Legacy);
    auto stage = guest.second_stage(levels);
    const auto sizes = map_each_size(guest, stage, 12 + 9 * levels);
    guest.legacy.set(guest.requester(), LegacyContext::translating(stage, 3));
    guest.start();
    check_data(guest, sizes);
}

TEST_CASE("Legacy: pass-through leaves addresses as they are", "[vtd][translation]") {
    Guest guest(Mode::Legacy);
    const auto page = guest.patterned_page(1);
    guest.legacy.set(guest.requester(), {.address_width = 3, .type = 2});
    guest.start();
    CHECK(guest.dma_read(page) == Guest::pattern(1));
    guest.dma_write(page, Guest::pattern(2));
    CHECK(guest.memory(page) == Guest::pattern(2));
    CHECK(guest.take_faults().empty());
}

TEST_CASE("SecondStage: each width and page size carries data both ways", "[vtd][translation]") {
    const unsigned levels = GENERATE(3u, 4u, 5u);
    CAPTURE(levels);
    Guest guest(Mode::Scalable);
    auto stage = guest.second_stage(levels);
    const auto sizes = map_each_size(guest, stage, 12 + 9 * levels);
    guest.scalable.set(guest.requester(), PasidEntry::over_second_stage(stage, 3));
    guest.start();
    check_data(guest, sizes);
}

TEST_CASE("FirstStage: each width and page size carries data both ways", "[vtd][translation]") {
    const unsigned levels = GENERATE(4u, 5u);
    CAPTURE(levels);
    Guest guest(Mode::Scalable);
    auto stage = guest.first_stage(levels);
    const auto sizes = map_each_size(guest, stage, 11 + 9 * levels);
    guest.scalable.set(guest.requester(), PasidEntry::over_first_stage(stage, 3));
    guest.start();
    check_data(guest, sizes);
}

TEST_CASE("FirstStage: the upper half of the canonical addresses is translated, too", "[vtd][translation]") {
    Guest guest(Mode::Scalable);
    const auto page = guest.patterned_page(1);
    auto stage = guest.first_stage();
    stage.map({.iova = 0xffff'8000'0000'1000, .target = page});
    guest.scalable.set(guest.requester(), PasidEntry::over_first_stage(stage, 3));
    guest.start();
    CHECK(guest.dma_read(0xffff'8000'0000'1000) == Guest::pattern(1));
    CHECK(guest.take_faults().empty());
}

TEST_CASE("Nested: each pair of widths and page size carries data both ways", "[vtd][translation]") {
    const unsigned first_levels = GENERATE(4u, 5u);
    const unsigned second_levels = GENERATE(3u, 4u, 5u);
    CAPTURE(first_levels, second_levels);
    Guest guest(Mode::Scalable);
    // Guest-physical addresses are host-physical ones plus 16 GiB.
    constexpr std::uint64_t bias = 16 * size_1g;
    PageTable first(guest.ram, Stage::First, first_levels, bias);
    PageTable second(guest.ram, Stage::Second, second_levels);
    const auto page = guest.patterned_page(1);
    second.map({.iova = bias, .target = 0, .level = 3});
    first.map({.iova = 0x5000, .target = page + bias});
    first.map({.iova = size_1g, .target = bias, .level = 3});
    first.map({.iova = guest.sink, .target = guest.sink + bias});
    first.map({.iova = guest.source, .target = guest.source + bias});
    guest.scalable.set(guest.requester(), PasidEntry::nested(first, second, 3));
    guest.start();

    CHECK(guest.dma_read(0x5000) == Guest::pattern(1));
    CHECK(guest.dma_read(size_1g + page) == Guest::pattern(1));
    guest.dma_write(0x5000, Guest::pattern(2));
    CHECK(guest.memory(page) == Guest::pattern(2));
    CHECK(guest.take_faults().empty());
}

TEST_CASE("Nested: the smaller of two pages is the page", "[vtd][translation]") {
    Guest guest(Mode::Scalable);
    constexpr std::uint64_t bias = 16 * size_1g;
    PageTable first(guest.ram, Stage::First, 4, bias);
    auto second = guest.second_stage();
    // One large page of the first stage over two small ones of the second that lie apart.
    const auto there = guest.patterned_page(1);
    const auto elsewhere = guest.ram.allocate_pages(2) + size_4k;
    guest.ram.fill_with_pattern(elsewhere, Guest::transfer, 2);
    first.map({.iova = size_1g, .target = bias + 64 * size_2m, .level = 2});
    second.map({.iova = bias + 64 * size_2m, .target = there});
    second.map({.iova = bias + 64 * size_2m + size_4k, .target = elsewhere});
    first.map({.iova = guest.sink, .target = guest.sink});
    for (const std::uint64_t table : first.tables())
        second.map({.iova = table + bias, .target = table});
    guest.scalable.set(guest.requester(), PasidEntry::nested(first, second, 3));
    guest.start();
    CHECK(guest.dma_read(size_1g) == Guest::pattern(1));
    CHECK(guest.dma_read(size_1g + size_4k) == Guest::pattern(2));
    CHECK(guest.take_faults().empty());
}

TEST_CASE("PassThrough: addresses stay as they are", "[vtd][translation]") {
    Guest guest(Mode::Scalable);
    const auto page = guest.patterned_page(1);
    guest.scalable.set(guest.requester(), PasidEntry::pass_through(1));
    guest.start();
    CHECK(guest.dma_read(page) == Guest::pattern(1));
    guest.dma_write(page, Guest::pattern(2));
    CHECK(guest.memory(page) == Guest::pattern(2));
    CHECK(guest.take_faults().empty());
}

TEST_CASE("Scalable: a request without PASID uses the context's RID_PASID", "[vtd][translation]") {
    Guest guest(Mode::Scalable);
    constexpr unsigned rid_pasid = 0x1234;
    const auto page = guest.patterned_page(1);
    auto stage = guest.second_stage();
    stage.map({.iova = 0x1000, .target = page});
    guest.scalable.set_context(guest.requester(), {.rid_pasid = rid_pasid});
    guest.scalable.set(guest.requester(), rid_pasid, PasidEntry::over_second_stage(stage, 3));
    guest.start();
    CHECK(guest.dma_read(0x1000) == Guest::pattern(1));
    CHECK(guest.take_faults().empty());
}

TEST_CASE("Translation: a transfer over a page's end goes on where the next page is", "[vtd][translation]") {
    Guest guest(Mode::Scalable);
    auto stage = guest.second_stage();
    const auto second_page = guest.ram.allocate_page();
    const auto first_page = guest.ram.allocate_page();
    const auto data = Guest::pattern(1);
    guest.qemu.qtest().memwrite(first_page + size_4k - 32, std::span(data).first(32));
    guest.qemu.qtest().memwrite(second_page, std::span(data).last(32));
    stage.map({.iova = 0x1000, .target = first_page}).map({.iova = 0x2000, .target = second_page});
    guest.scalable.set(guest.requester(), PasidEntry::over_second_stage(stage, 3));
    guest.start();
    CHECK(guest.dma_read(0x2000 - 32) == data);
    CHECK(guest.take_faults().empty());
}

TEST_CASE("Translation: a cache that is too small for the pages in use is still right", "[vtd][translation]") {
    Guest guest(Mode::Scalable, {.properties = ",iotlb-entries=64"});
    constexpr std::uint64_t pages = 150;
    auto stage = guest.second_stage();
    const auto base = guest.ram.allocate_pages(pages);
    for (std::uint64_t i = 0; i < pages; ++i) {
        guest.ram.write64(base + i * size_4k, 0xfeed0000 + i);
        stage.map({.iova = 0x123456000000 + i * size_4k, .target = base + i * size_4k});
    }
    guest.scalable.set(guest.requester(), PasidEntry::over_second_stage(stage, 3));
    guest.start();
    for (std::uint64_t i = 0; i < 2 * pages; ++i) {
        guest.edu.copy(0x123456000000 + i % pages * size_4k, guest.sink, 8);
        CHECK(guest.ram.read64(guest.sink) == 0xfeed0000 + i % pages);
    }
    CHECK(guest.take_faults().empty());
}
