// SPDX-License-Identifier: GPL-2.0-or-later
//
// What each invalidation of the IOTLB drops, and what it leaves.
//
// Each case has cached translations that are out of date. One that the command must drop is seen fresh after it, one
// that it does not name is still seen stale. A command may drop more than it must; this unit does so only for ranges
// that are too large to look for, and there nothing is expected of the rest.
#include <catch2/catch_test_macros.hpp>

#include <string>
#include <vector>

#include "vtd/stale_page.h"

using namespace vtd_driver;

namespace {

constexpr unsigned domain = 5;
constexpr unsigned other_domain = 6;
constexpr unsigned rid_pasid = 9;
constexpr unsigned other_pasid = 10;

// Neighbours in an aligned block of four pages, and one far away.
constexpr std::uint64_t near = 0x123456780000;
constexpr std::uint64_t neighbour = near + 3 * size_4k;
constexpr std::uint64_t far = 0x123400000000;

enum class After : std::uint8_t { Stale, Fresh, Either };

struct Expectation {
    std::string name;
    Descriptor command;
    After at_near;
    After at_neighbour;
    After at_far;
};

constexpr After stale = After::Stale;
constexpr After fresh = After::Fresh;
constexpr After either = After::Either;

// Three stale pages of one table.
template <typename Table>
void check(Guest& guest, Table& stage, const Expectation& expected, std::uint64_t bias = 0) {
    StalePage pages[] = {{guest, stage, {near, bias}}, {guest, stage, {neighbour, bias}}, {guest, stage, {far, bias}}};
    guest.start();
    for (auto& page : pages)
        page.make_stale();
    for (auto& page : pages)
        REQUIRE(page.is_stale());
    guest.queue.submit(expected.command);
    const After wanted[] = {expected.at_near, expected.at_neighbour, expected.at_far};
    for (std::size_t i = 0; i < std::size(pages); ++i) {
        CAPTURE(pages[i].iova());
        if (wanted[i] != After::Either) CHECK((wanted[i] == fresh ? pages[i].is_fresh() : pages[i].is_stale()));
    }
    CHECK(guest.take_faults().empty());
}

std::vector<Expectation> common_cases() {
    return {
        {"global", descriptor::iotlb_global(), fresh, fresh, fresh},
        {"domain", descriptor::iotlb_domain(domain), fresh, fresh, fresh},
        {"another domain", descriptor::iotlb_domain(other_domain), stale, stale, stale},
        {"a page of another domain", descriptor::iotlb_pages(other_domain, {near}), stale, stale, stale},
    };
}

std::vector<Expectation> second_stage_cases() {
    auto cases = common_cases();
    cases.push_back({"page", descriptor::iotlb_pages(domain, {near}), fresh, stale, stale});
    cases.push_back({"a page beside", descriptor::iotlb_pages(domain, {near + size_4k}), stale, stale, stale});
    cases.push_back({"two pages", descriptor::iotlb_pages(domain, {near, 1}), fresh, stale, stale});
    cases.push_back({"four pages", descriptor::iotlb_pages(domain, {near, 2}), fresh, fresh, stale});
    cases.push_back(
        {"four pages, named by the last", descriptor::iotlb_pages(domain, {neighbour, 2}), fresh, fresh, stale});
    cases.push_back({"2 MiB", descriptor::iotlb_pages(domain, {near - near % size_2m, 9}), fresh, fresh, stale});
    cases.push_back({"1 GiB", descriptor::iotlb_pages(domain, {near - near % size_1g, 18}), fresh, fresh, either});
    return cases;
}

// The PASID that is meant is the context's RID_PASID.
std::vector<Expectation> pasid_cases() {
    return {
        {"PASID", descriptor::pasid_iotlb(domain, rid_pasid), fresh, fresh, fresh},
        {"another PASID", descriptor::pasid_iotlb(domain, other_pasid), stale, stale, stale},
        {"the PASID of another domain", descriptor::pasid_iotlb(other_domain, rid_pasid), stale, stale, stale},
    };
}

std::vector<Expectation> pasid_page_cases() {
    return {
        {"page of a PASID", descriptor::pasid_iotlb_pages(domain, rid_pasid, {near}), fresh, stale, stale},
        {"page beside", descriptor::pasid_iotlb_pages(domain, rid_pasid, {near + size_4k}), stale, stale, stale},
        {"four pages", descriptor::pasid_iotlb_pages(domain, rid_pasid, {near, 2}), fresh, fresh, stale},
        {"2^51 pages", descriptor::pasid_iotlb_pages(domain, rid_pasid, {0, 51}), fresh, fresh, fresh},
        {"page of another PASID", descriptor::pasid_iotlb_pages(domain, other_pasid, {near}), stale, stale, stale},
        {"page of another domain", descriptor::pasid_iotlb_pages(other_domain, rid_pasid, {near}), stale, stale, stale},
    };
}

void attach(Guest& guest, const PasidEntry& entry) {
    guest.scalable.set_context(guest.requester(), {.rid_pasid = rid_pasid});
    guest.scalable.set(guest.requester(), rid_pasid, entry);
}

void check_second_stage(const Expectation& expected) {
    Guest guest(Mode::Scalable);
    auto stage = guest.second_stage();
    attach(guest, PasidEntry::over_second_stage(stage, domain));
    check(guest, stage, expected);
}

void check_first_stage(const Expectation& expected) {
    Guest guest(Mode::Scalable);
    auto stage = guest.first_stage();
    attach(guest, PasidEntry::over_first_stage(stage, domain));
    check(guest, stage, expected);
}

// The first stage changes; the second maps all of memory.
void check_nested(const Expectation& expected) {
    constexpr std::uint64_t bias = 16 * size_1g;
    Guest guest(Mode::Scalable);
    PageTable first(guest.ram, Stage::First, 4, bias);
    PageTable second(guest.ram, Stage::Second, 4);
    second.map({.iova = bias, .target = 0, .level = 3});
    first.map({.iova = guest.sink, .target = guest.sink + bias});
    attach(guest, PasidEntry::nested(first, second, domain));
    check(guest, first, expected, bias);
}

}  // namespace

TEST_CASE("IotlbInvalidation: legacy", "[vtd][invalidation]") {
    for (const auto& expected : second_stage_cases()) {
        DYNAMIC_SECTION(expected.name) {
            Guest guest(Mode::Legacy);
            auto stage = guest.second_stage();
            guest.legacy.set(guest.requester(), LegacyContext::translating(stage, domain));
            check(guest, stage, expected);
        }
    }
}

TEST_CASE("IotlbInvalidation: second stage", "[vtd][invalidation]") {
    for (const auto& cases : {second_stage_cases(), pasid_cases()}) {
        for (const auto& expected : cases) {
            DYNAMIC_SECTION(expected.name) { check_second_stage(expected); }
        }
    }
}

TEST_CASE("IotlbInvalidation: first stage", "[vtd][invalidation]") {
    for (const auto& cases : {common_cases(), pasid_cases(), pasid_page_cases()}) {
        for (const auto& expected : cases) {
            DYNAMIC_SECTION(expected.name) { check_first_stage(expected); }
        }
    }
}

TEST_CASE("IotlbInvalidation: nested, first stage changed", "[vtd][invalidation]") {
    for (const auto& cases : {common_cases(), pasid_cases(), pasid_page_cases()}) {
        for (const auto& expected : cases) {
            DYNAMIC_SECTION(expected.name) { check_nested(expected); }
        }
    }
}

TEST_CASE("IotlbInvalidation: a page of a domain takes all first-stage entries of the domain", "[vtd][invalidation]") {
    // Second-stage addresses cannot name them.
    const Expectation all{"page", descriptor::iotlb_pages(domain, {far + size_1g}), fresh, fresh, fresh};
    SECTION("first stage") { check_first_stage(all); }
    SECTION("nested") { check_nested(all); }
}

TEST_CASE("IotlbInvalidation: any page of a large page drops it", "[vtd][invalidation]") {
    for (const unsigned level : {2u, 3u}) {
        CAPTURE(level);
        const std::uint64_t size = level == 2 ? size_2m : size_1g;
        Guest guest(Mode::Scalable);
        auto stage = guest.second_stage();
        const auto page = guest.patterned_page(1);
        const std::uint64_t iova = 256 * size_1g;
        stage.map({.iova = iova, .target = page - page % size, .level = level});
        attach(guest, PasidEntry::over_second_stage(stage, domain));
        guest.start();
        CHECK(guest.dma_read(iova + page % size) == Guest::pattern(1));
        stage.set_entry(iova, level, 0);
        guest.queue.submit(descriptor::iotlb_pages(domain, {iova + size}));
        CHECK(guest.dma_read(iova + page % size) == Guest::pattern(1));
        guest.queue.submit(descriptor::iotlb_pages(domain, {iova + size - size_4k}));
        guest.touch_read(iova + page % size);
        CHECK(guest.take_faults().size() == 1);
    }
}

TEST_CASE("IotlbInvalidation: nested, second stage changed", "[vtd][invalidation]") {
    constexpr std::uint64_t bias = 16 * size_1g;
    Guest guest(Mode::Scalable);
    PageTable first(guest.ram, Stage::First, 4, bias);
    PageTable second(guest.ram, Stage::Second, 4);
    const auto old_page = guest.patterned_page(1);
    const auto new_page = guest.patterned_page(2);
    const std::uint64_t guest_physical = 64 * size_1g;
    first.map({.iova = near, .target = guest_physical}).map({.iova = guest.sink, .target = guest.sink + bias});
    second.map({.iova = bias, .target = 0, .level = 3}).map({.iova = guest_physical, .target = old_page});
    attach(guest, PasidEntry::nested(first, second, domain));
    guest.start();
    CHECK(guest.dma_read(near) == Guest::pattern(1));
    second.map({.iova = guest_physical, .target = new_page});
    CHECK(guest.dma_read(near) == Guest::pattern(1));
    guest.queue.submit(descriptor::iotlb_pages(domain, {guest_physical}));
    CHECK(guest.dma_read(near) == Guest::pattern(2));
}

TEST_CASE("IotlbInvalidation: what was not present needs none", "[vtd][invalidation]") {
    Guest guest(Mode::Scalable);
    auto stage = guest.second_stage();
    attach(guest, PasidEntry::over_second_stage(stage, domain));
    guest.start();
    guest.touch_read(near);
    CHECK(guest.take_faults().size() == 1);
    stage.map({.iova = near, .target = guest.patterned_page(1)});
    CHECK(guest.dma_read(near) == Guest::pattern(1));
}
