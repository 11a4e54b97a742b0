// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/config_cache.h"

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

namespace {

using iommu::ConfigCache;
using iommu::DomainTag;
using iommu::Pasid;
using iommu::RequesterId;
using iommu::SpaceTag;

struct Config {
    struct Route {
        DomainTag domain;
        SpaceTag space;
    } route;
    std::uint64_t root = 0;
    std::uint64_t root_again = 0;
};
using Cache = ConfigCache<Config>;

Config config(std::uint32_t domain, std::uint32_t space, std::uint64_t root) {
    return {.route = {DomainTag{domain}, SpaceTag{space}}, .root = root, .root_again = root};
}

void keep(Cache& cache, std::uint32_t requester, std::optional<Pasid> pasid, const Config& what) {
    cache.keep(cache.open(), RequesterId{requester}, pasid, what);
}
// 0 when nothing was found.
std::uint64_t root_of(const Cache& cache, std::uint32_t requester, std::optional<Pasid> pasid) {
    const auto found = cache.find(RequesterId{requester}, pasid);
    return found ? found->root : 0;
}

TEST_CASE("ConfigCache: what was kept last is found whole") {
    Cache cache;
    CHECK_FALSE(cache.find(RequesterId{0}, Pasid{0}));
    CHECK_FALSE(cache.find(RequesterId{0}, std::nullopt));
    keep(cache, 0x20, Pasid{3}, config(7, 3, 0x1000));
    keep(cache, 0x20, Pasid{3}, config(8, 4, 0x2000));
    const auto found = cache.find(RequesterId{0x20}, Pasid{3});
    REQUIRE(found);
    CHECK(found->route.domain == DomainTag{8});
    CHECK(found->route.space == SpaceTag{4});
    CHECK(found->root == 0x2000);
}

TEST_CASE("ConfigCache: the route alone is found whenever the whole is") {
    Cache cache;
    CHECK_FALSE(cache.find_route(RequesterId{0x20}, Pasid{3}));
    keep(cache, 0x20, Pasid{3}, config(7, 9, 0x1000));
    const auto route = cache.find_route(RequesterId{0x20}, Pasid{3});
    REQUIRE(route);
    CHECK(route->domain == DomainTag{7});
    CHECK(route->space == SpaceTag{9});
    CHECK_FALSE(cache.find_route(RequesterId{0x20}, Pasid{4}));
    CHECK_FALSE(cache.find_route(RequesterId{0x21}, Pasid{3}));
    CHECK_FALSE(cache.find_route(RequesterId{0x20}, std::nullopt));
}

TEST_CASE("ConfigCache: an entry answers for its own requester and PASID only") {
    Cache cache;
    keep(cache, 0x20, Pasid{0}, config(7, 3, 0x1000));
    CHECK(root_of(cache, 0x20, Pasid{0}) == 0x1000);
    CHECK(root_of(cache, 0x20, std::nullopt) == 0);
    CHECK(root_of(cache, 0x20, Pasid{1}) == 0);
    CHECK(root_of(cache, 0x20, Pasid{0xfffff}) == 0);
    CHECK(root_of(cache, 0x21, Pasid{0}) == 0);
    CHECK(root_of(cache, 0x80000020, Pasid{0}) == 0);
}

TEST_CASE("ConfigCache: requests without PASID have an entry of their own") {
    Cache cache;
    keep(cache, 0x20, std::nullopt, config(7, 0, 0x1000));
    keep(cache, 0x20, Pasid{0}, config(7, 0, 0x2000));
    keep(cache, 0x20, Pasid{0xfffff}, config(7, 0, 0x3000));
    CHECK(root_of(cache, 0x20, std::nullopt) == 0x1000);
    CHECK(root_of(cache, 0x20, Pasid{0}) == 0x2000);
    CHECK(root_of(cache, 0x20, Pasid{0xfffff}) == 0x3000);
}

TEST_CASE("ConfigCache: entries that share a place replace each other and are never confused") {
    Cache cache;
    for (std::uint32_t requester = 0; requester < 128; ++requester) {
        for (std::uint32_t pasid = 0; pasid < 128; ++pasid) {
            const std::uint64_t root = requester * 1000 + pasid + 1;
            keep(cache, requester, Pasid{pasid}, config(7, pasid, root));
            REQUIRE(root_of(cache, requester, Pasid{pasid}) == root);
        }
    }
    unsigned found = 0;
    for (std::uint32_t requester = 0; requester < 128; ++requester) {
        for (std::uint32_t pasid = 0; pasid < 128; ++pasid) {
            const std::uint64_t root = root_of(cache, requester, Pasid{pasid});
            if (root == 0) continue;
            ++found;
            REQUIRE(root == requester * 1000 + pasid + 1);
        }
    }
    CHECK(found > 1000);
    CHECK(found <= 4096);
}

struct Kept {
    std::uint32_t requester;
    std::optional<Pasid> pasid;
    std::uint32_t domain;
    std::uint32_t space;
};
const std::vector<Kept> kKept = {{0x20, Pasid{3}, 7, 3}, {0x20, Pasid{4}, 7, 4},     {0x20, std::nullopt, 8, 3},
                                 {0x28, Pasid{3}, 7, 3}, {0x28, std::nullopt, 8, 4}, {0x29, Pasid{3}, 9, 3}};

template <class Dropped>
void check_dropped(const std::function<void(Cache&)>& invalidate, Dropped dropped) {
    Cache cache;
    for (const Kept& kept : kKept)
        keep(cache, kept.requester, kept.pasid, config(kept.domain, kept.space, 0x1000));
    for (const Kept& kept : kKept)
        REQUIRE(root_of(cache, kept.requester, kept.pasid) == 0x1000);
    invalidate(cache);
    for (const Kept& kept : kKept) {
        INFO("requester " << kept.requester << " domain " << kept.domain << " space " << kept.space);
        CHECK((root_of(cache, kept.requester, kept.pasid) == 0) == dropped(kept));
        CHECK(cache.find_route(RequesterId{kept.requester}, kept.pasid).has_value() == !dropped(kept));
    }
    // And each can be kept again.
    for (const Kept& kept : kKept)
        keep(cache, kept.requester, kept.pasid, config(kept.domain, kept.space, 0x2000));
    for (const Kept& kept : kKept)
        CHECK(root_of(cache, kept.requester, kept.pasid) == 0x2000);
}

TEST_CASE("ConfigCache: each invalidation drops what it names and keeps the rest") {
    SECTION("everything") {
        check_dropped([](Cache& cache) { cache.invalidate_all(); }, [](const Kept&) { return true; });
    }
    SECTION("requester, whatever its PASID") {
        check_dropped([](Cache& cache) { cache.invalidate_requester(RequesterId{0x20}); },
                      [](const Kept& kept) { return kept.requester == 0x20; });
    }
    SECTION("domain, whoever asks") {
        check_dropped([](Cache& cache) { cache.invalidate_domain(DomainTag{7}); },
                      [](const Kept& kept) { return kept.domain == 7; });
    }
    SECTION("space of a domain") {
        check_dropped([](Cache& cache) { cache.invalidate_space(DomainTag{7}, SpaceTag{3}); },
                      [](const Kept& kept) { return kept.domain == 7 && kept.space == 3; });
    }
    SECTION("names that nothing was found under") {
        check_dropped(
            [](Cache& cache) {
                cache.invalidate_requester(RequesterId{0x30});
                cache.invalidate_domain(DomainTag{10});
                cache.invalidate_space(DomainTag{10}, SpaceTag{3});
            },
            [](const Kept&) { return false; });
    }
}

TEST_CASE("ConfigCache: a look-up that began before an invalidation is not kept after it") {
    Cache cache;
    const auto early = cache.open();
    SECTION("everything") { cache.invalidate_all(); }
    SECTION("requester") { cache.invalidate_requester(RequesterId{0x20}); }
    SECTION("domain") { cache.invalidate_domain(DomainTag{7}); }
    SECTION("space") { cache.invalidate_space(DomainTag{7}, SpaceTag{3}); }
    cache.keep(early, RequesterId{0x20}, Pasid{3}, config(7, 3, 0x1000));
    CHECK(root_of(cache, 0x20, Pasid{3}) == 0);
    keep(cache, 0x20, Pasid{3}, config(7, 3, 0x2000));
    CHECK(root_of(cache, 0x20, Pasid{3}) == 0x2000);
}

TEST_CASE("ConfigCache: one ticket may keep several until something is invalidated") {
    Cache cache;
    const auto ticket = cache.open();
    cache.keep(ticket, RequesterId{0x20}, Pasid{3}, config(7, 3, 0x1000));
    cache.keep(ticket, RequesterId{0x20}, Pasid{4}, config(7, 4, 0x2000));
    CHECK(root_of(cache, 0x20, Pasid{3}) == 0x1000);
    CHECK(root_of(cache, 0x20, Pasid{4}) == 0x2000);
}

// As for the IOTLB: tables change and are invalidated while another thread looks up and keeps.
void torture(const std::function<void(Cache&)>& invalidate) {
    Cache cache;
    std::atomic<std::uint64_t> table{1}, completed{1}, stale{0}, torn{0}, hits{0};
    std::atomic<bool> stop{false};
    std::thread walker([&] {
        while (!stop.load()) {
            const std::uint64_t oldest = completed.load();
            if (const auto found = cache.find(RequesterId{0x20}, Pasid{3})) {
                ++hits;
                if (found->root < oldest) ++stale;
                if (found->root != found->root_again) ++torn;
                continue;
            }
            const auto ticket = cache.open();
            const std::uint64_t root = table.load();
            cache.keep(ticket, RequesterId{0x20}, Pasid{3}, config(7, 3, root));
        }
    });
    for (std::uint64_t version = 2; version < 6000 || (hits.load() < 100 && version < 100000); ++version) {
        table = version;
        invalidate(cache);
        completed = version;
        if (const auto root = root_of(cache, 0x20, Pasid{3}); root != 0 && root < version) ++stale;
        if (version > 6000) std::this_thread::sleep_for(std::chrono::microseconds(100));  // let the other one run
    }
    stop = true;
    walker.join();
    CHECK(stale == 0);
    CHECK(hits >= 100);
    CHECK(torn == 0);
}

TEST_CASE("ConfigCache: an old configuration is never found after its invalidation completed", "[threads]") {
    SECTION("everything") {
        torture([](Cache& cache) { cache.invalidate_all(); });
    }
    SECTION("requester") {
        torture([](Cache& cache) { cache.invalidate_requester(RequesterId{0x20}); });
    }
    SECTION("domain") {
        torture([](Cache& cache) { cache.invalidate_domain(DomainTag{7}); });
    }
    SECTION("space") {
        torture([](Cache& cache) { cache.invalidate_space(DomainTag{7}, SpaceTag{3}); });
    }
}

}  // namespace
