// SPDX-License-Identifier: GPL-2.0-or-later
//
// What each invalidation of the context and PASID caches drops, and what it leaves.
//
// The entry of the device is changed so that it names another domain and another table. As long as the old entry is
// cached, DMA goes the old way; afterwards nothing of the new domain is cached, so it goes the new way at once.
#include <catch2/catch_test_macros.hpp>

#include <string>
#include <vector>

#include "vtd/guest.h"

using namespace vtd_driver;

namespace {

constexpr unsigned old_domain = 5;
constexpr unsigned new_domain = 6;
constexpr unsigned rid_pasid = 9;
constexpr std::uint64_t iova = 0x123456789000;

enum class After : std::uint8_t { Stale, Fresh };

struct Expectation {
    std::string name;
    Descriptor command;
    After after;
};

constexpr After stale = After::Stale;
constexpr After fresh = After::Fresh;

// A device with one table in its entry and another one ready.
struct TwoTables : Guest {
    PageTable before = second_stage();
    PageTable after = second_stage();
    explicit TwoTables(Mode root_mode, const std::string& properties = "")
        : Guest(root_mode, {.properties = properties}) {
        before.map({.iova = iova, .target = patterned_page(1)});
        after.map({.iova = iova, .target = patterned_page(2)});
    }
    [[nodiscard]] bool goes_the_old_way() { return dma_read(iova) == pattern(1); }
    [[nodiscard]] bool goes_the_new_way() { return dma_read(iova) == pattern(2); }
    void check(const Expectation& expected) {
        REQUIRE(goes_the_old_way());
        queue.submit(expected.command);
        CHECK((expected.after == fresh ? goes_the_new_way() : goes_the_old_way()));
        CHECK(take_faults().empty());
    }
};

std::vector<Expectation> context_cases(unsigned requester) {
    return {
        {"global", descriptor::context_global(), fresh},
        {"device", descriptor::context_device(old_domain, requester), fresh},
        {"another function", descriptor::context_device(old_domain, requester ^ 4), stale},
        {"all functions, named by another", descriptor::context_device(old_domain, requester ^ 7, 3), fresh},
        {"two functions, named by the other", descriptor::context_device(old_domain, requester ^ 4, 1), fresh},
        {"two functions of which none is it", descriptor::context_device(old_domain, requester ^ 2, 1), stale},
        {"four functions, named by another", descriptor::context_device(old_domain, requester ^ 6, 2), fresh},
        {"another device", descriptor::context_device(old_domain, requester ^ 8, 3), stale},
        {"another bus", descriptor::context_device(old_domain, requester ^ 0x100), stale},
    };
}

std::vector<Expectation> pasid_cases() {
    return {
        {"global", descriptor::pasid_cache_global(), fresh},
        {"domain", descriptor::pasid_cache_domain(old_domain), fresh},
        {"another domain", descriptor::pasid_cache_domain(old_domain + 7), stale},
        {"PASID", descriptor::pasid_cache_pasid(old_domain, rid_pasid), fresh},
        {"another PASID", descriptor::pasid_cache_pasid(old_domain, rid_pasid + 1), stale},
        {"the PASID of another domain", descriptor::pasid_cache_pasid(old_domain + 7, rid_pasid), stale},
    };
}

struct LegacyTwoTables : TwoTables {
    explicit LegacyTwoTables(const std::string& properties = "") : TwoTables(Mode::Legacy, properties) {
        legacy.set(requester(), LegacyContext::translating(before, old_domain));
    }
    void change() { legacy.set(requester(), LegacyContext::translating(after, new_domain)); }
};

struct ScalableTwoTables : TwoTables {
    explicit ScalableTwoTables(const std::string& properties = "") : TwoTables(Mode::Scalable, properties) {
        scalable.set_context(requester(), {.rid_pasid = rid_pasid});
        scalable.set(requester(), rid_pasid, PasidEntry::over_second_stage(before, old_domain));
    }
    void change() { scalable.set(requester(), rid_pasid, PasidEntry::over_second_stage(after, new_domain)); }
};

}  // namespace

TEST_CASE("ContextCache: legacy entries", "[vtd][invalidation]") {
    const unsigned requester = LegacyTwoTables().requester();
    auto cases = context_cases(requester);
    cases.push_back({"domain", descriptor::context_domain(old_domain), fresh});
    cases.push_back({"another domain", descriptor::context_domain(old_domain + 7), stale});
    for (const auto& expected : cases) {
        DYNAMIC_SECTION(expected.name) {
            LegacyTwoTables guest;
            guest.start();
            REQUIRE(guest.goes_the_old_way());
            guest.change();
            guest.check(expected);
        }
    }
}

TEST_CASE("ContextCache: scalable entries", "[vtd][invalidation]") {
    const unsigned requester = ScalableTwoTables().requester();
    auto cases = context_cases(requester);
    cases.push_back({"any domain is all domains", descriptor::context_domain(old_domain + 7), fresh});
    for (const auto& expected : cases) {
        DYNAMIC_SECTION(expected.name) {
            ScalableTwoTables guest;
            constexpr unsigned new_pasid = rid_pasid + 20;
            guest.scalable.set(guest.requester(), new_pasid, PasidEntry::over_second_stage(guest.after, new_domain));
            guest.start();
            REQUIRE(guest.goes_the_old_way());
            guest.scalable.set_context(guest.requester(), {.rid_pasid = new_pasid});
            guest.check(expected);
        }
    }
}

TEST_CASE("PasidCache: entries", "[vtd][invalidation]") {
    for (const auto& expected : pasid_cases()) {
        DYNAMIC_SECTION(expected.name) {
            ScalableTwoTables guest;
            guest.start();
            REQUIRE(guest.goes_the_old_way());
            guest.change();
            guest.check(expected);
        }
    }
}

TEST_CASE("RootTable: SRTP drops everything when the unit says so", "[vtd][invalidation]") {
    ScalableTwoTables guest;
    CHECK(extract(guest.unit.read64(reg::CAP), 63, 63) == 1);
    guest.start();
    REQUIRE(guest.goes_the_old_way());
    guest.change();
    REQUIRE(guest.goes_the_old_way());
    guest.unit.set_root_table(guest.scalable.root(), Mode::Scalable);
    CHECK(guest.goes_the_new_way());
}

TEST_CASE("RootTable: without ESRTPS the driver invalidates", "[vtd][invalidation]") {
    ScalableTwoTables guest(",esrtps=off");
    CHECK(extract(guest.unit.read64(reg::CAP), 63, 63) == 0);
    guest.start();
    REQUIRE(guest.goes_the_old_way());
    guest.change();
    guest.unit.set_root_table(guest.scalable.root(), Mode::Scalable);
    guest.invalidate_all();
    CHECK(guest.goes_the_new_way());
}

TEST_CASE("Translation: turning it off drops everything", "[vtd][invalidation]") {
    ScalableTwoTables guest;
    guest.start();
    REQUIRE(guest.goes_the_old_way());
    guest.change();
    guest.unit.clear(TE);
    guest.unit.set(TE);
    CHECK(guest.goes_the_new_way());
}

TEST_CASE("ContextCache: what was not present needs no invalidation", "[vtd][invalidation]") {
    TwoTables guest(Mode::Legacy);
    guest.start();
    guest.touch_read(iova);
    CHECK(guest.take_faults().size() == 1);
    guest.legacy.set(guest.requester(), LegacyContext::translating(guest.after, new_domain));
    CHECK(guest.goes_the_new_way());
}
