// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/seqlock.h"

#include <array>
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <memory>
#include <thread>
#include <vector>

namespace {

using iommu::Seqlocked;

// Eight words that agree with each other: word i is number + i.
using Octet = std::array<std::uint64_t, 8>;

Octet octet(std::uint64_t number) {
    Octet words;
    for (std::size_t i = 0; i < words.size(); ++i)
        words[i] = number + i;
    return words;
}

TEST_CASE("Seqlock: what was stored last is loaded") {
    const auto locked = std::make_unique<Seqlocked<Octet>>();
    CHECK(locked->try_load() == Octet{});
    locked->store(octet(5));
    locked->store(octet(1000));
    CHECK(locked->try_load() == octet(1000));
}

TEST_CASE("Seqlock: the beginning of the value can be loaded alone") {
    const auto locked = std::make_unique<Seqlocked<Octet>>();
    locked->store(octet(1000));
    CHECK(locked->try_load<std::array<std::uint64_t, 3>>() == std::array<std::uint64_t, 3>{1000, 1001, 1002});
}

TEST_CASE("Seqlock: a reader never sees parts of two values, nor an older one after a newer one", "[threads]") {
    Seqlocked<Octet> locked;
    locked.store(octet(0));
    std::atomic<bool> stop{false};
    std::atomic<unsigned> ready{0};
    std::atomic<std::uint64_t> torn{0};
    std::atomic<std::uint64_t> backwards{0};
    std::atomic<std::uint64_t> loads{0};
    const auto reader = [&] {
        std::uint64_t newest = 0;
        ++ready;
        while (!stop.load()) {
            const auto seen = locked.try_load();
            const auto head = locked.try_load<std::array<std::uint64_t, 2>>();
            if (head && (*head)[1] != (*head)[0] + 1) ++torn;
            if (!seen) continue;
            ++loads;
            if (*seen != octet((*seen)[0])) ++torn;
            if ((*seen)[0] < newest) ++backwards;
            newest = (*seen)[0];
        }
    };
    std::vector<std::thread> readers;
    for (int i = 0; i < 2; ++i)
        readers.emplace_back(reader);
    while (ready.load() < 2)
        std::this_thread::yield();
    for (std::uint64_t number = 1; number <= 200000; ++number)
        locked.store(octet(number * 16));
    while (loads.load() == 0)
        std::this_thread::yield();
    stop = true;
    for (auto& thread : readers)
        thread.join();
    CHECK(torn == 0);
    CHECK(backwards == 0);
    CHECK(locked.try_load() == octet(3200000));
}

}  // namespace
