// SPDX-License-Identifier: GPL-2.0-or-later
//
// The IOTLB from several threads at once; to be run with the thread sanitizer as well.
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "iommu/iotlb.h"
#include "iotlb_check.h"

namespace {

using namespace test;
using iommu::DomainTag;
using iommu::Iotlb;
using iommu::Iova;
using iommu::Pa;
using iommu::Rights;
using iommu::SpaceTag;
using iommu::TlbReach;
using iommu::TlbTag;

// A table that is changed and invalidated over and over, while another thread walks it, fills and looks up.
// After an invalidation has completed, nobody finds a page of the table as it was before.
void torture(const TlbTag& tag, const std::function<void(Iotlb&)>& invalidate) {
    Iotlb tlb(64);
    std::atomic<std::uint64_t> table{1};      // what a walk finds: the page number of the answer
    std::atomic<std::uint64_t> completed{1};  // answers older than this must not be found
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> stale{0}, hits{0};
    std::thread walker([&] {
        while (!stop.load()) {
            const std::uint64_t oldest = completed.load();
            if (const auto found = tlb.find(tag, Iova{0x4000})) {
                ++hits;
                if (found->address.value >> 12 < oldest) ++stale;
                continue;
            }
            const auto ticket = tlb.open();
            const std::uint64_t page = table.load();
            tlb.fill(ticket, tag, Iova{0x4000}, {.address = Pa{page << 12}, .rights = Rights::Read});
        }
    });
    for (std::uint64_t version = 2; version < 6000 || (hits.load() < 100 && version < 100000); ++version) {
        table = version;
        invalidate(tlb);
        completed = version;
        if (const auto found = tlb.find(tag, Iova{0x4000}); found && found->address.value >> 12 < version) ++stale;
        if (version > 6000) std::this_thread::sleep_for(std::chrono::microseconds(100));  // let the other one run
    }
    stop = true;
    walker.join();
    CHECK(stale == 0);
    CHECK(hits >= 100);
}

TEST_CASE("Iotlb: an old translation is never found after its invalidation completed", "[threads]") {
    SECTION("everything") {
        torture(first(7, 3), [](Iotlb& tlb) { tlb.invalidate_all(); });
    }
    SECTION("domain") {
        torture(second(7), [](Iotlb& tlb) { tlb.invalidate_domain(DomainTag{7}, TlbReach::SecondOnly); });
    }
    SECTION("space") {
        torture(nested(7, 3), [](Iotlb& tlb) { tlb.invalidate_space(DomainTag{7}, SpaceTag{3}); });
    }
    SECTION("second-stage range") {
        torture(second(7), [](Iotlb& tlb) { tlb.invalidate_second_range(DomainTag{7}, iovas(0x4000, 0x4fff)); });
    }
    SECTION("first-stage range") {
        torture(first(7, 3),
                [](Iotlb& tlb) { tlb.invalidate_first_range(DomainTag{7}, SpaceTag{3}, iovas(0x4000, 0x4fff)); });
    }
}

// Which page a walk finds: a function of the tag and the address.
std::uint64_t answer(const TlbTag& tag, std::uint64_t iova) {
    return (std::uint64_t{tag.domain.value} << 40 | std::uint64_t{tag.space.value} << 32 | iova) + 0x1000;
}

TEST_CASE("Iotlb: while several threads replace entries of one set, a hit is the whole entry that was asked for",
          "[threads]") {
    Iotlb tlb(64);
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> wrong{0}, hits{0};
    const auto look_and_fill = [&](std::uint64_t stride) {
        for (std::uint64_t n = 0; !stop.load(); n = n * 6364136223846793005u + stride) {  // any order will do
            const TlbTag tag = first(7, static_cast<std::uint32_t>((n >> 33) % 5));
            const std::uint64_t iova = (n >> 40) % 29 << 12;
            const Rights rights = (iova & 0x1000) != 0 ? Rights::Read : Rights::ReadWrite;
            if (const auto found = tlb.find(tag, Iova{iova})) {
                ++hits;
                if (found->address != Pa{answer(tag, iova)} || found->rights != rights) ++wrong;
            }
            put(tlb, tag, iova, answer(tag, iova), 12, rights);
        }
    };
    std::thread one(look_and_fill, 7), two(look_and_fill, 11);
    while (hits.load() < 400000)
        std::this_thread::sleep_for(std::chrono::microseconds(100));
    stop = true;
    one.join();
    two.join();
    CHECK(wrong == 0);
    // Nothing is left half done: each page can still be filled and found.
    for (std::uint64_t page = 0; page < 96; ++page) {
        put(tlb, first(7, 3), page << 12, answer(first(7, 3), page << 12));
        const auto found = tlb.find(first(7, 3), Iova{page << 12});
        REQUIRE(found);
        REQUIRE(found->address == Pa{answer(first(7, 3), page << 12)});
    }
}

// A reader that is put aside in the middle of a set may see a page in two ways of it: as it was, and as it was filled
// again, elsewhere, after its invalidation. Either is an answer; a mixture of the two is not.
TEST_CASE("Iotlb: a page that moves to another way while somebody looks is found as it was or as it is", "[threads]") {
    constexpr std::uint64_t kOutputs[2] = {0x5555'5555'5000, 0xaaaa'aaaa'a000};
    Iotlb tlb(64);
    const TlbTag tag = first(7, 3);
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> mixed{0}, hits{0};
    std::vector<std::thread> readers;
    readers.reserve(4);
    for (int i = 0; i < 4; ++i) {
        readers.emplace_back([&] {
            iommu::TlbView view = tlb.view(tag);
            while (!stop.load(std::memory_order_relaxed)) {
                const auto found = tlb.find(view, Iova{0x4000});
                if (!found) continue;
                hits.fetch_add(1, std::memory_order_relaxed);
                const std::uint64_t address = found->address.value;
                if (address != kOutputs[0] && address != kOutputs[1]) ++mixed;
            }
        });
    }
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(400);
    for (std::uint64_t n = 0; std::chrono::steady_clock::now() < end; ++n) {
        put(tlb, tag, 0x4000, kOutputs[n % 2]);
        // Who wakes up puts aside who runs, wherever that one is.
        std::this_thread::sleep_for(std::chrono::microseconds(20));
        tlb.invalidate_first_range(DomainTag{7}, SpaceTag{3}, iovas(0x4000, 0x4fff));
        put(tlb, tag, 0x4000 + (16ull << 12) * (1 + n % 5), 0x7000);  // in the way that was left
    }
    stop = true;
    for (std::thread& reader : readers)
        reader.join();
    CHECK(hits > 0);
    CHECK(mixed == 0);
}

}  // namespace
