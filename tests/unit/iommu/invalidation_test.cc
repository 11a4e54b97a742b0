// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/invalidation.h"

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <chrono>
#include <memory>
#include <set>
#include <thread>

#include "fake_ports.h"
#include "iotlb_check.h"

namespace {

using namespace test;
using iommu::ConfigCache;
using iommu::ConfigDrop;
using iommu::DomainTag;
using iommu::Invalidation;
using iommu::Iotlb;
using iommu::Iova;
using iommu::IovaRange;
using iommu::Pa;
using iommu::Pasid;
using iommu::RequesterId;
using iommu::SpaceTag;
using iommu::TlbDrop;
using iommu::TlbKind;
using iommu::TlbTag;
using iommu::Unmap;

struct Config {
    struct Route {
        DomainTag domain;
        SpaceTag space;
    } route;
    std::uint64_t root = 0;
};

struct Caches {
    ConfigCache<Config> configs;
    Iotlb tlb{1024};

    void keep(std::uint32_t requester, std::uint32_t domain = 7, std::uint32_t space = 3) {
        configs.keep(configs.open(), RequesterId{requester}, std::nullopt,
                     {.route = {DomainTag{domain}, SpaceTag{space}}, .root = 0x1000});
    }
    [[nodiscard]] bool knows(std::uint32_t requester) const {
        return configs.find(RequesterId{requester}, std::nullopt).has_value();
    }
};

// ---- Configurations

// The ids, of 0x120..0x12f, that a drop of 0x123 hits.
std::set<std::uint32_t> hit_by(std::uint32_t ignored_bits) {
    const auto caches = std::make_unique<Caches>();
    for (std::uint32_t requester = 0x120; requester < 0x130; ++requester)
        caches->keep(requester);
    drop({.scope = ConfigDrop::Scope::Requesters, .requester = RequesterId{0x123}, .ignored_bits = ignored_bits},
         caches->configs);
    std::set<std::uint32_t> hit;
    for (std::uint32_t requester = 0x120; requester < 0x130; ++requester) {
        if (!caches->knows(requester)) hit.insert(requester);
    }
    return hit;
}

TEST_CASE("Invalidation: ids are hit that differ in ignored function bits only") {
    using Ids = std::set<std::uint32_t>;
    CHECK(hit_by(0) == Ids{0x123});
    CHECK(hit_by(4) == Ids{0x123, 0x127});
    CHECK(hit_by(6) == Ids{0x121, 0x123, 0x125, 0x127});
    CHECK(hit_by(7) == Ids{0x120, 0x121, 0x122, 0x123, 0x124, 0x125, 0x126, 0x127});
}

TEST_CASE("Invalidation: any eight bits of an id may be ignored, and no other id is hit") {
    const auto caches = std::make_unique<Caches>();
    for (const std::uint32_t requester : {0x000u, 0x0ffu, 0x100u, 0x122u, 0x123u, 0x1ffu, 0x200u, 0x323u})
        caches->keep(requester);
    drop({.scope = ConfigDrop::Scope::Requesters, .requester = RequesterId{0x123}, .ignored_bits = 0xff},
         caches->configs);
    CHECK(caches->knows(0x000));
    CHECK(caches->knows(0x0ff));
    CHECK_FALSE(caches->knows(0x100));
    CHECK_FALSE(caches->knows(0x122));
    CHECK_FALSE(caches->knows(0x123));
    CHECK_FALSE(caches->knows(0x1ff));
    CHECK(caches->knows(0x200));
    CHECK(caches->knows(0x323));
}

TEST_CASE("Invalidation: more than eight ignored bits hit at least all ids they name") {
    const auto caches = std::make_unique<Caches>();
    for (const std::uint32_t requester : {0x000u, 0x123u, 0x1ffu})
        caches->keep(requester);
    const auto ignored = GENERATE(0x1ffu, 0xffffffffu);
    drop({.scope = ConfigDrop::Scope::Requesters, .requester = RequesterId{0x123}, .ignored_bits = ignored},
         caches->configs);
    CHECK_FALSE(caches->knows(0x000));
    CHECK_FALSE(caches->knows(0x123));
    CHECK_FALSE(caches->knows(0x1ff));
}

TEST_CASE("Invalidation: one PASID of one requester is dropped, with PASID 0 also requests without") {
    const auto caches = std::make_unique<Caches>();
    const auto pasid = GENERATE(0u, 1u, 0xfffffu);
    INFO("pasid " << pasid);
    const auto keep = [&](std::uint32_t requester, std::optional<Pasid> what) {
        caches->configs.keep(caches->configs.open(), RequesterId{requester}, what,
                             {.route = {DomainTag{7}, SpaceTag{3}}, .root = 0x1000});
    };
    const auto knows = [&](std::uint32_t requester, std::optional<Pasid> what) {
        return caches->configs.find(RequesterId{requester}, what).has_value();
    };
    for (const std::uint32_t requester : {0x20u, 0x28u}) {
        for (const std::uint32_t value : {0u, 1u, 0xfffffu})
            keep(requester, Pasid{value});
        keep(requester, std::nullopt);
    }
    const auto ticket = caches->configs.open();
    drop({.scope = ConfigDrop::Scope::Entry, .requester = RequesterId{0x20}, .pasid = Pasid{pasid}}, caches->configs);
    for (const std::uint32_t value : {0u, 1u, 0xfffffu}) {
        INFO("kept pasid " << value);
        CHECK(knows(0x20, Pasid{value}) == (value != pasid));
        CHECK(knows(0x28, Pasid{value}));
    }
    CHECK(knows(0x20, std::nullopt) == (pasid != 0));
    CHECK(knows(0x28, std::nullopt));

    // A look-up that began before is not kept; one that began after is.
    caches->configs.keep(ticket, RequesterId{0x20}, Pasid{pasid}, {});
    CHECK_FALSE(knows(0x20, Pasid{pasid}));
    keep(0x20, Pasid{pasid});
    CHECK(knows(0x20, Pasid{pasid}));
}

TEST_CASE("Invalidation: each scope of configurations drops what it names and keeps the rest") {
    struct Case {
        ConfigDrop what;
        bool kept_20, kept_28, kept_30, kept_38;
    };
    using Scope = ConfigDrop::Scope;
    const auto expected =
        GENERATE(Case{{}, true, true, true, true}, Case{{.scope = Scope::All}, false, false, false, false},
                 Case{{.scope = Scope::Requesters, .requester = RequesterId{0x20}}, false, true, true, true},
                 Case{{.scope = Scope::Domain, .domain = DomainTag{7}}, false, false, true, true},
                 Case{{.scope = Scope::Space, .domain = DomainTag{7}, .space = SpaceTag{3}}, false, true, true, true});
    const auto caches = std::make_unique<Caches>();
    caches->keep(0x20, 7, 3);
    caches->keep(0x28, 7, 4);
    caches->keep(0x30, 8, 3);
    caches->keep(0x38, 9, 5);
    drop(expected.what, caches->configs);
    INFO("scope " << static_cast<int>(expected.what.scope));
    CHECK(caches->knows(0x20) == expected.kept_20);
    CHECK(caches->knows(0x28) == expected.kept_28);
    CHECK(caches->knows(0x30) == expected.kept_30);
    CHECK(caches->knows(0x38) == expected.kept_38);
}

// ---- Translations

// Drops from a cache that holds pages 0x4000 and 0x9000 of two domains, two spaces and every kind.
template <class Dropped>
void check_dropped(const TlbDrop& what, Dropped dropped) {
    Iotlb tlb(1024);
    const auto for_each = [](auto&& visit) {
        for (const std::uint32_t domain : {7u, 8u}) {
            for (const std::uint32_t space : {2u, 3u}) {
                for (const TlbKind kind : {TlbKind::First, TlbKind::Second, TlbKind::Nested}) {
                    visit(tlb_tag(domain, space, kind), 0x4000);
                    visit(tlb_tag(domain, space, kind), 0x9000);
                }
            }
        }
    };
    for_each([&](const TlbTag& tag, std::uint64_t iova) { put(tlb, tag, iova); });
    for_each([&](const TlbTag& tag, std::uint64_t iova) { REQUIRE(has(tlb, tag, iova)); });
    drop(what, tlb);
    for_each([&](const TlbTag& tag, std::uint64_t iova) {
        INFO("domain " << tag.domain.value << " space " << tag.space.value << " kind " << static_cast<int>(tag.kind)
                       << " iova " << iova);
        CHECK(has(tlb, tag, iova) == !dropped(tag, iova));
    });
}

TEST_CASE("Invalidation: each scope of translations drops what it names and keeps the rest") {
    using Scope = TlbDrop::Scope;
    TlbDrop what{.domain = DomainTag{7}, .space = SpaceTag{3}, .range = iovas(0x4000, 0x4fff)};
    SECTION("none") {
        check_dropped(what, [](const TlbTag&, std::uint64_t) { return false; });
    }
    SECTION("everything") {
        what.scope = Scope::All;
        check_dropped(what, [](const TlbTag&, std::uint64_t) { return true; });
    }
    SECTION("domain") {
        what.scope = Scope::Domain;
        check_dropped(what, [](const TlbTag& tag, std::uint64_t) { return tag.domain.value == 7; });
    }
    SECTION("space") {
        what.scope = Scope::Space;
        check_dropped(what,
                      [](const TlbTag& tag, std::uint64_t) { return tag.domain.value == 7 && tag.space.value == 3; });
    }
    SECTION("second-stage range: the range, and all in which a first stage took part") {
        what.scope = Scope::SecondRange;
        check_dropped(what, [](const TlbTag& tag, std::uint64_t iova) {
            return tag.domain.value == 7 && (tag.kind != TlbKind::Second || iova == 0x4000);
        });
    }
    SECTION("domain, where a first stage took part") {
        what.scope = Scope::DomainFirst;
        check_dropped(what, [](const TlbTag& tag, std::uint64_t) {
            return tag.domain.value == 7 && tag.kind != TlbKind::Second;
        });
    }
    SECTION("second-stage range alone") {
        what.scope = Scope::SecondOnly;
        check_dropped(what, [](const TlbTag& tag, std::uint64_t iova) {
            return tag.domain.value == 7 && tag.kind == TlbKind::Second && iova == 0x4000;
        });
    }
    SECTION("first-stage range") {
        what.scope = Scope::FirstRange;
        check_dropped(what, [](const TlbTag& tag, std::uint64_t iova) {
            return tag.domain.value == 7 && tag.space.value == 3 && tag.kind != TlbKind::Second && iova == 0x4000;
        });
    }
}

TEST_CASE("Invalidation: a first-stage range drops global entries of its domain too") {
    Iotlb tlb(1024);
    const std::uint32_t global = SpaceTag::none().value;
    for (const TlbTag& tag : {first(7, global), nested(7, global), first(8, global), second(7, global)}) {
        put(tlb, tag, 0x4000);
        put(tlb, tag, 0x5000);
    }
    drop({.scope = TlbDrop::Scope::FirstRange,
          .domain = DomainTag{7},
          .space = SpaceTag{3},
          .range = iovas(0x4000, 0x4fff)},
         tlb);
    CHECK_FALSE(has(tlb, first(7, global), 0x4000));
    CHECK_FALSE(has(tlb, nested(7, global), 0x4000));
    CHECK(has(tlb, first(7, global), 0x5000));
    CHECK(has(tlb, first(8, global), 0x4000));
    CHECK(has(tlb, second(7, global), 0x4000));
}

TEST_CASE("Invalidation: domains are hit that differ in the ignored four bits only") {
    const auto ignored = GENERATE(0x0u, 0x1u, 0x6u, 0xfu, 0x10u);
    const auto scope = GENERATE(TlbDrop::Scope::Domain, TlbDrop::Scope::Space, TlbDrop::Scope::FirstRange);
    INFO("ignored " << ignored);
    Iotlb tlb(1024);
    for (std::uint32_t domain = 0x20; domain < 0x40; ++domain)
        put(tlb, first(domain, 3), 0x4000);
    drop({.scope = scope,
          .domain = DomainTag{0x25},
          .ignored_bits = ignored,
          .space = SpaceTag{3},
          .range = iovas(0x4000, 0x4fff)},
         tlb);
    for (std::uint32_t domain = 0x20; domain < 0x40; ++domain) {
        INFO("domain " << domain);
        const bool hit = ignored == 0x1   ? domain == 0x24 || domain == 0x25
                         : ignored == 0x6 ? domain == 0x21 || domain == 0x23 || domain == 0x25 || domain == 0x27
                         : ignored == 0xf ? domain <= 0x2f
                                          : domain == 0x25;
        CHECK(has(tlb, first(domain, 3), 0x4000) == !hit);
    }
}

// ---- All together

TEST_CASE("Invalidation: applying drops configurations and translations, and tells holders of the range") {
    const auto caches = std::make_unique<Caches>();
    caches->keep(0x20);
    caches->keep(0x28, 8, 3);
    put(caches->tlb, first(7, 3), 0x4000);
    put(caches->tlb, first(8, 3), 0x4000);
    Invalidation what;
    what.configs = {.scope = ConfigDrop::Scope::Domain, .domain = DomainTag{7}};
    what.tlb = {.scope = TlbDrop::Scope::Domain, .domain = DomainTag{7}};
    what.unmap = iovas(0x4000, 0x5fff);
    test::FakePorts ports;
    const auto effects = apply(what, caches->configs, caches->tlb, ports);
    CHECK_FALSE(caches->knows(0x20));
    CHECK(caches->knows(0x28));
    CHECK_FALSE(has(caches->tlb, first(7, 3), 0x4000));
    CHECK(has(caches->tlb, first(8, 3), 0x4000));
    REQUIRE(effects.list().size() == 1);
    REQUIRE(std::holds_alternative<Unmap>(effects.list()[0]));
    CHECK(std::get<Unmap>(effects.list()[0]).range == iovas(0x4000, 0x5fff));
    ports.nobody_outside = true;
    CHECK(apply(what, caches->configs, caches->tlb, ports).empty());
}

TEST_CASE("Invalidation: one that asks for nothing does nothing") {
    test::FakePorts ports;
    const auto caches = std::make_unique<Caches>();
    caches->keep(0x20);
    put(caches->tlb, first(7, 3), 0x4000);
    const auto ticket = caches->tlb.open();
    CHECK(apply(Invalidation{}, caches->configs, caches->tlb, ports).empty());
    CHECK(caches->knows(0x20));
    CHECK(has(caches->tlb, first(7, 3), 0x4000));
    caches->tlb.fill(ticket, first(7, 3), Iova{0x5000}, {.address = Pa{0x5000}});
    CHECK(has(caches->tlb, first(7, 3), 0x5000));
}

TEST_CASE("Invalidation: a walk that used a configuration dropped meanwhile is not kept") {
    test::FakePorts ports;
    using Scope = ConfigDrop::Scope;
    const auto scope = GENERATE(Scope::All, Scope::Requesters, Scope::Domain, Scope::Space);
    const auto caches = std::make_unique<Caches>();
    const auto ticket = caches->tlb.open();
    Invalidation what;
    what.configs = {.scope = scope, .requester = RequesterId{0x20}, .domain = DomainTag{7}, .space = SpaceTag{3}};
    CHECK(apply(what, caches->configs, caches->tlb, ports).empty());
    caches->tlb.fill(ticket, first(7, 3), Iova{0x4000}, {.address = Pa{0x4000}});
    CHECK_FALSE(has(caches->tlb, first(7, 3), 0x4000));
}

// A requester's table moves: its configuration and its translations are dropped by one invalidation while another
// thread resolves, walks and fills. Were translations dropped first, it could fill from the old configuration.
TEST_CASE("Invalidation: nobody can refill translations from a configuration that is still to be dropped",
          "[threads]") {
    const auto caches = std::make_unique<Caches>();
    std::atomic<std::uint64_t> table{1}, completed{1}, stale{0}, hits{0};
    std::atomic<bool> stop{false};
    Invalidation what;
    what.configs = {.scope = ConfigDrop::Scope::Domain, .domain = DomainTag{7}};
    what.tlb = {.scope = TlbDrop::Scope::Space, .domain = DomainTag{7}, .space = SpaceTag{3}};

    const auto resolve = [&]() -> std::uint64_t {
        if (const auto known = caches->configs.find(RequesterId{0x20}, std::nullopt)) return known->root;
        const auto ticket = caches->configs.open();
        const std::uint64_t root = table.load();
        caches->configs.keep(ticket, RequesterId{0x20}, std::nullopt,
                             {.route = {DomainTag{7}, SpaceTag{3}}, .root = root});
        return root;
    };
    std::thread device([&] {
        while (!stop.load()) {
            const std::uint64_t oldest = completed.load();
            if (const auto found = caches->tlb.find(first(7, 3), Iova{0x4000})) {
                ++hits;
                if (found->address.value >> 12 < oldest) ++stale;
                continue;
            }
            const auto ticket = caches->tlb.open();
            const std::uint64_t root = resolve();
            caches->tlb.fill(ticket, first(7, 3), Iova{0x4000}, {.address = Pa{root << 12}});
        }
    });
    test::FakePorts ports;
    for (std::uint64_t version = 2; version < 8000 || (hits.load() < 100 && version < 100000); ++version) {
        table = version;
        if (!apply(what, caches->configs, caches->tlb, ports).empty()) ++stale;
        completed = version;
        const auto found = caches->tlb.find(first(7, 3), Iova{0x4000});
        if (found && found->address.value >> 12 < version) ++stale;
        if (version > 8000) std::this_thread::sleep_for(std::chrono::microseconds(100));  // let the other one run
    }
    stop = true;
    device.join();
    CHECK(stale == 0);
    CHECK(hits >= 100);
}

}  // namespace
