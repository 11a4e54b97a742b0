// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a thread remembers of a requester: for how long it counts, for whom, and that threads share nothing.
#include "iommu/front_cache.h"

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <set>
#include <thread>
#include <vector>

namespace {

using iommu::Execute;
using iommu::Iova;
using iommu::Pa;
using iommu::Privilege;
using iommu::Request;
using iommu::Rights;
using iommu::Who;

struct Route {
    int value = 0;
};
using Front = iommu::FrontCache<Route>;
using Slot = Front::Slot;

constexpr Who kWho = Who::of(0x20, 5, false, false);
constexpr Iova kIova{0x12345678};

Slot remembering(unsigned page_log2, Rights rights) {
    Slot slot;
    slot.learn(kWho, 3, Route{1}, {});
    slot.remember(7, kIova, {.address = Pa{0x9945678}, .page_log2 = page_log2, .rights = rights});
    return slot;
}

TEST_CASE("Who: requester, PASID, privilege and use are told apart; no PASID is none of them") {
    Request request;
    request.requester = {0x20};
    const Who without = Who::of(request);
    request.pasid = iommu::Pasid{0};
    const Who zero = Who::of(request);
    CHECK_FALSE(without == zero);
    request.privilege = Privilege::Supervisor;
    const Who privileged = Who::of(request);
    CHECK_FALSE(privileged == zero);
    request.execute = Execute::Yes;
    CHECK_FALSE(Who::of(request) == privileged);
    CHECK_FALSE(Who::of(0x20, 5, false, false) == Who::of(0x21, 5, false, false));
    CHECK_FALSE(Who::of(0x20, 5, false, false) == Who::of(0x20, 6, false, false));
    CHECK_FALSE(Who::of(0x20, 0xfffff, false, false) == Who::of(0x20, iommu::kPasidLimit, false, false));
    CHECK_FALSE(Who::of(0x10020, 5, false, false) == Who::of(0x20, 5, false, false));
}

TEST_CASE("FrontCache: an empty slot answers nobody and knows no route") {
    const Slot slot;
    CHECK_FALSE(slot.answers(Who{}, Iova{}, Rights::None, 1));
    CHECK_FALSE(slot.knows_route(Who{}, 0));
    CHECK_FALSE(slot.knows_route(Who{}, 1));
}

TEST_CASE("FrontCache: a block answers for each of its addresses and for no other") {
    for (const unsigned page_log2 : {12u, 21u, 30u, 52u}) {
        const Slot slot = remembering(page_log2, Rights::ReadWrite);
        const std::uint64_t last = (std::uint64_t{1} << page_log2) - 1;
        const std::uint64_t base = kIova.value & ~last;
        CHECK(slot.answers(kWho, Iova{base}, Rights::Read, 7));
        CHECK(slot.answers(kWho, Iova{base + last}, Rights::Write, 7));
        CHECK_FALSE(slot.answers(kWho, Iova{base + last + 1}, Rights::Read, 7));
        if (base != 0) CHECK_FALSE(slot.answers(kWho, Iova{base - 1}, Rights::Read, 7));
    }
    const auto got = remembering(12, Rights::Read).translation(Iova{0x12345001});
    CHECK(got.address == Pa{0x9945001});
    CHECK(got.page_log2 == 12);
    CHECK(got.rights == Rights::Read);
}

TEST_CASE("FrontCache: a block counts for its requester, for its rights, and while nothing is invalidated") {
    const Slot slot = remembering(12, Rights::Read);
    CHECK(slot.answers(kWho, kIova, Rights::Read, 7));
    CHECK_FALSE(slot.answers(kWho, kIova, Rights::Write, 7));
    CHECK_FALSE(slot.answers(kWho, kIova, Rights::ReadWrite, 7));
    CHECK_FALSE(slot.answers(kWho, kIova, Rights::Read, 8));
    CHECK_FALSE(slot.answers(Who::of(0x20, 6, false, false), kIova, Rights::Read, 7));
}

TEST_CASE("FrontCache: a route outlives translations, but no change of the configurations") {
    Slot slot = remembering(12, Rights::Read);
    CHECK(slot.knows_route(kWho, 3));
    CHECK_FALSE(slot.knows_route(kWho, 4));
    CHECK_FALSE(slot.knows_route(Who::of(0x20, 6, false, false), 3));
    slot.forget_block();
    CHECK_FALSE(slot.answers(kWho, kIova, Rights::Read, 7));
    CHECK(slot.knows_route(kWho, 3));
    slot.remember(7, kIova, {.address = Pa{0}, .rights = Rights::Read});
    slot.learn(kWho, 4, Route{2}, {});
    CHECK_FALSE(slot.answers(kWho, kIova, Rights::Read, 7));
}

TEST_CASE("FrontCache: a thread has slots once it joined; no other thread sees them", "[threads]") {
    Front front;
    std::thread([&] {
        if (iommu::thread_shard() == iommu::kSharedShard) return;  // more threads are alive than there are shards
        CHECK(front.slot(kWho) == nullptr);
        front.join();
        Slot* const mine = front.slot(kWho);
        REQUIRE(mine != nullptr);
        *mine = remembering(12, Rights::Read);
        front.join();
        CHECK(front.slot(kWho) == mine);
        CHECK(front.slot(kWho)->answers(kWho, kIova, Rights::Read, 7));
        std::thread([&] {
            CHECK(front.slot(kWho) == nullptr);
            front.join();
            const Slot* const other = front.slot(kWho);
            CHECK((other == nullptr || other != mine));
            if (other != nullptr) CHECK_FALSE(other->answers(kWho, kIova, Rights::Read, 7));
        }).join();
    }).join();
}

TEST_CASE("Threads that end give their shards back", "[threads]") {
    for (unsigned i = 0; i < 4 * iommu::kShards; ++i)
        std::thread([] { CHECK(iommu::thread_shard() != iommu::kSharedShard); }).join();
}

TEST_CASE("Threads past the last shard share it", "[threads]") {
    std::atomic<unsigned> shared{0}, started{0};
    std::vector<std::thread> threads;
    threads.reserve(iommu::kShards + 3);
    for (unsigned i = 0; i < iommu::kShards + 3; ++i)
        threads.emplace_back([&] {
            if (iommu::thread_shard() == iommu::kSharedShard) ++shared;
            ++started;
            while (started < iommu::kShards + 3)
                std::this_thread::yield();
        });
    for (std::thread& thread : threads)
        thread.join();
    CHECK(shared >= 4);
}

TEST_CASE("FrontCache: own slots for the functions of a bus, for function 0 of each bus, for the first PASIDs of one") {
    std::thread([] {
        Front front;
        front.join();
        if (front.slot(kWho) == nullptr) return;
        std::set<Slot*> functions, buses, pasids;
        for (std::uint32_t i = 0; i < 256; ++i) {
            functions.insert(front.slot(Who::of(i, iommu::kPasidLimit, false, false)));
            buses.insert(front.slot(Who::of(i << 8, iommu::kPasidLimit, false, false)));
            pasids.insert(front.slot(Who::of(0x20, i, false, false)));
        }
        CHECK(functions.size() == 256);
        CHECK(buses.size() == 256);
        CHECK(pasids.size() == 256);
    }).join();
}

TEST_CASE("FrontCache: who has no slot is served all the same, and leaves nothing") {
    std::thread([] {
        const Front front;
        for (int i = 0; i < 2; ++i) {
            const bool known = front.with_slot(kWho, [](Slot& slot) {
                const bool knew = slot.knows_route(kWho, 3);
                slot = remembering(12, Rights::Read);
                return knew;
            });
            CHECK_FALSE(known);
        }
    }).join();
}

}  // namespace
