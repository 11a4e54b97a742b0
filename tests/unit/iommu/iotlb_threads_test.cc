// SPDX-License-Identifier: GPL-2.0-or-later
//
// The IOTLB from several threads at once; to be run with the thread sanitizer as well.
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <functional>
#include <thread>

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
    for (std::uint64_t version = 2; version < 6000 || (hits.load() < 100 && version < 1000000); ++version) {
        table = version;
        invalidate(tlb);
        completed = version;
        if (const auto found = tlb.find(tag, Iova{0x4000}); found && found->address.value >> 12 < version) ++stale;
        if (version % 16 == 0 || version > 6000) std::this_thread::yield();
    }
    stop = true;
    walker.join();
    CHECK(stale == 0);
    CHECK(hits >= 100);
}

TEST_CASE("Iotlb: an old translation is never found after its invalidation completed") {
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

TEST_CASE("Iotlb: while sets are replaced, a hit is the whole entry that was asked for") {
    Iotlb tlb(64);
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> wrong{0}, hits{0};
    const auto look = [&] {
        for (std::uint64_t n = 0; !stop.load(); ++n) {
            const TlbTag tag = first(static_cast<std::uint32_t>(n % 3), static_cast<std::uint32_t>(n % 5));
            const std::uint64_t iova = n * 7 % 96 << 12;
            const auto found = tlb.find(tag, Iova{iova});
            if (!found) continue;
            ++hits;
            const auto rights = iova & 0x1000 ? Rights::Read : Rights::ReadWrite;
            if (found->address != Pa{answer(tag, iova)} || found->rights != rights) ++wrong;
        }
    };
    std::thread one(look), two(look);
    for (std::uint64_t n = 0; n < 100000 || (hits.load() < 100 && n < 10000000); ++n) {
        const TlbTag tag = first(static_cast<std::uint32_t>(n % 3), static_cast<std::uint32_t>(n % 5));
        const std::uint64_t iova = n * 11 % 96 << 12;
        put(tlb, tag, iova, answer(tag, iova), 12, iova & 0x1000 ? Rights::Read : Rights::ReadWrite);
    }
    stop = true;
    one.join();
    two.join();
    CHECK(wrong == 0);
    CHECK(hits >= 100);
}

}  // namespace
