// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/result.h"

#include <catch2/catch_test_macros.hpp>
#include <string>

namespace {

using iommu::Done;
using iommu::Err;
using iommu::Result;

enum class Why { Empty, Odd };

Result<unsigned, Why> half(unsigned number) {
    if (number == 0) return Err{Why::Empty};
    if (number % 2 != 0) return Err{Why::Odd};
    return number / 2;
}

// Counts how far it came.
Result<std::string, Why> quarter(unsigned number, int& steps) {
    ++steps;
    const unsigned once = TRY(half(number));
    ++steps;
    const unsigned twice = TRY(half(once));
    ++steps;
    return std::to_string(twice);
}

TEST_CASE("Result: a value or the reason why there is none") {
    const auto good = half(8);
    REQUIRE(good);
    CHECK(*good == 4);
    const auto bad = half(7);
    REQUIRE_FALSE(bad);
    CHECK(bad.error() == Why::Odd);
    CHECK(half(0).error() == Why::Empty);
}

TEST_CASE("Result: a false value is a value") {
    const Result<bool, Why> result = false;
    REQUIRE(result);
    CHECK_FALSE(*result);
}

TEST_CASE("Result: value and reason may be of one type") {
    const Result<int, int> good = 5;
    const Result<int, int> bad = Err{6};
    REQUIRE(good);
    CHECK(*good == 5);
    REQUIRE_FALSE(bad);
    CHECK(bad.error() == 6);
}

TEST_CASE("Result: members are reached through the arrow") {
    const Result<std::string, Why> text = std::string("abc");
    CHECK(text->size() == 3);
}

TEST_CASE("Result: a success may carry nothing") {
    const Result<Done, Why> done = Done{};
    CHECK(done);
}

TEST_CASE("TRY: goes on with the value, leaves with the error at once") {
    int steps = 0;
    const auto good = quarter(12, steps);
    REQUIRE(good);
    CHECK(*good == "3");
    CHECK(steps == 3);

    steps = 0;
    CHECK(quarter(6, steps).error() == Why::Odd);
    CHECK(steps == 2);

    steps = 0;
    CHECK(quarter(0, steps).error() == Why::Empty);
    CHECK(steps == 1);
}

}  // namespace
