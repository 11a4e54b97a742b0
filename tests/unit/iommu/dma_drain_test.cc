// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/dma_drain.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <thread>
#include <vector>

#include "iommu/thread_shard.h"

using iommu::Arrivals;
using iommu::DmaDrain;

TEST_CASE("DmaDrain: nothing invalidated, nothing to ask and nothing to wait for") {
    const DmaDrain drain;
    CHECK_FALSE(drain.to_ask());
    CHECK(drain.done());
}

TEST_CASE("DmaDrain: what was invalidated is asked for once, however much it is") {
    DmaDrain drain;
    drain.invalidated();
    drain.invalidated();
    CHECK(drain.to_ask());
    CHECK_FALSE(drain.done());
    const auto ticket = drain.ask();
    CHECK_FALSE(drain.to_ask());
    CHECK_FALSE(drain.done());
    drain.drained(ticket);
    CHECK(drain.done());
    CHECK_FALSE(drain.to_ask());
}

TEST_CASE("DmaDrain: an answer is good for what was invalidated before its ticket") {
    DmaDrain drain;
    drain.invalidated();
    const auto first = drain.ask();
    drain.invalidated();
    CHECK(drain.to_ask());
    drain.drained(first);
    CHECK_FALSE(drain.done());
    const auto second = drain.ask();
    drain.drained(first);
    CHECK_FALSE(drain.done());
    drain.drained(second);
    CHECK(drain.done());
    drain.drained(first);  // late
    CHECK(drain.done());
}

TEST_CASE("DmaDrain: the answer to the later of two is good for both; one that nobody asked for is good for nothing") {
    DmaDrain drain;
    drain.invalidated();
    (void)drain.ask();
    drain.invalidated();
    const auto second = drain.ask();
    drain.drained(second + 1);
    CHECK_FALSE(drain.done());
    drain.drained(second);
    CHECK(drain.done());
    drain.invalidated();
    drain.drained(second + 1);  // not asked for yet
    CHECK_FALSE(drain.done());
}

TEST_CASE("Arrivals: of one who comes and one who looks, the later sees what the other did before", "[threads]") {
    // Each meeting has lines of memory of its own, which are where they take longest to get from.
    // No std::atomic for the epoch: without optimisation, each of its accesses is a barrier.
    struct Meeting {
        alignas(64) Arrivals arrivals;
        alignas(64) int epoch = 0;
        int read = 0;
        bool seen = false;
    };
    std::vector<Meeting> meetings(20000);
    std::atomic<std::size_t> comer_at{0}, looker_at{0};
    std::thread comer([&] {
        for (std::size_t i = 0; i < meetings.size(); ++i) {
            (void)__atomic_load_n(&meetings[i].epoch, __ATOMIC_RELAXED);
            comer_at = i + 1;
            while (looker_at <= i) {
            }
            meetings[i].arrivals.come();
            meetings[i].read = __atomic_load_n(&meetings[i].epoch, __ATOMIC_RELAXED);
        }
    });
    for (std::size_t i = 0; i < meetings.size(); ++i) {
        (void)meetings[i].arrivals.any_yet();
        looker_at = i + 1;
        while (comer_at <= i) {
        }
        __atomic_store_n(&meetings[i].epoch, 1, __ATOMIC_RELAXED);
        meetings[i].seen = meetings[i].arrivals.any_for_certain();
    }
    comer.join();
    const auto missed = std::count_if(meetings.begin(), meetings.end(),
                                      [](const Meeting& meeting) { return !meeting.seen && meeting.read == 0; });
    CHECK(missed == 0);
}

TEST_CASE("Arrivals: who has come stays", "[threads]") {
    Arrivals arrivals;
    CHECK_FALSE(arrivals.any_yet());
    CHECK_FALSE(arrivals.any_for_certain());
    arrivals.come();
    arrivals.come();
    CHECK(arrivals.any_yet());
    CHECK(arrivals.any_for_certain());
    CHECK(arrivals.any_for_certain());
}

TEST_CASE("Shards: it is known when a thread has got one that another left", "[threads]") {
    // One after the other: the later ones are given what the earlier ones gave back.
    for (int i = 0; i < 2; ++i)
        std::thread([] { (void)iommu::thread_shard(); }).join();
    CHECK(iommu::shards_were_inherited());
}
