// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/generations.h"

#include <catch2/catch_test_macros.hpp>
#include <memory>
#include <set>
#include <thread>
#include <vector>

namespace {

using iommu::DomainTag;
using iommu::Generation;
using iommu::GenerationTable;
using iommu::space_name;
using iommu::SpaceTag;

TEST_CASE("Generation: a bump is seen, and nothing else changes it") {
    Generation generation;
    const auto before = generation.now();
    CHECK(generation.now() == before);
    generation.bump();
    CHECK(generation.now() == before + 1);
}

TEST_CASE("Generation: no bump of any thread is lost", "[threads]") {
    Generation generation;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&generation] {
            for (int n = 0; n < 5000; ++n)
                generation.bump();
        });
    }
    for (auto& thread : threads)
        thread.join();
    CHECK(generation.now() == 20000);
}

TEST_CASE("GenerationTable: a bump moves the name and not its neighbours") {
    const auto table = std::make_unique<GenerationTable>();
    table->bump(100);
    CHECK(table->now(100) == 1);
    CHECK(table->now(99) == 0);
    CHECK(table->now(101) == 0);
}

TEST_CASE("GenerationTable: every name has a counter") {
    const auto table = std::make_unique<GenerationTable>();
    for (const std::uint64_t name : {std::uint64_t{0}, std::uint64_t{4095}, std::uint64_t{0xffff},
                                     std::uint64_t{0xffffffff}, std::uint64_t{0xfffffffffffff801}}) {
        INFO("name " << name);
        const auto before = table->now(name);
        table->bump(name);
        CHECK(table->now(name) == before + 1);
    }
}

TEST_CASE("space_name: neighbouring spaces of neighbouring domains have counters of their own") {
    std::set<std::uint64_t> counters;
    for (std::uint32_t domain = 0; domain < 16; ++domain) {
        for (std::uint32_t space = 0; space < 16; ++space)
            counters.insert(space_name(DomainTag{domain}, SpaceTag{space}) % 4096);
    }
    CHECK(counters.size() == 256);
}

}  // namespace
