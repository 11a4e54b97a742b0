// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/counters.h"

#include <catch2/catch_test_macros.hpp>
#include <memory>
#include <thread>
#include <vector>

namespace {

using iommu::Count;
using iommu::TranslationCounters;

// Every thread counts hits, half as many misses and no faults.
void count_in_threads(TranslationCounters& counters, int threads, int hits) {
    std::vector<std::thread> pool;
    for (int i = 0; i < threads; ++i) {
        pool.emplace_back([&counters, hits] {
            for (int n = 0; n < hits; ++n) {
                counters.add(Count::Hits);
                if (n % 2 == 0) counters.add(Count::Misses);
            }
        });
    }
    for (auto& thread : pool)
        thread.join();
}

TEST_CASE("Counters: each count is its own") {
    const auto counters = std::make_unique<TranslationCounters>();
    counters->add(Count::Hits);
    counters->add(Count::Hits);
    counters->add(Count::Faults);
    CHECK(counters->sum(Count::Hits) == 2);
    CHECK(counters->sum(Count::Misses) == 0);
    CHECK(counters->sum(Count::Faults) == 1);
}

TEST_CASE("Counters: two units do not count into each other") {
    const auto one = std::make_unique<TranslationCounters>();
    const auto other = std::make_unique<TranslationCounters>();
    one->add(Count::Misses);
    CHECK(one->sum(Count::Misses) == 1);
    CHECK(other->sum(Count::Misses) == 0);
}

TEST_CASE("Counters: no count of a few threads is lost", "[threads]") {
    const auto counters = std::make_unique<TranslationCounters>();
    count_in_threads(*counters, 3, 10000);
    CHECK(counters->sum(Count::Hits) == 30000);
    CHECK(counters->sum(Count::Misses) == 15000);
    CHECK(counters->sum(Count::Faults) == 0);
}

// All of these are beyond the shards of their own when the ones before have taken them.
TEST_CASE("Counters: no count is lost when there are more threads than shards", "[threads]") {
    const auto counters = std::make_unique<TranslationCounters>();
    count_in_threads(*counters, 40, 2000);
    count_in_threads(*counters, 8, 20000);
    CHECK(counters->sum(Count::Hits) == 240000);
    CHECK(counters->sum(Count::Misses) == 120000);
}

}  // namespace
