// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/address.h"

#include <catch2/catch_test_macros.hpp>
#include <concepts>

namespace {

using iommu::bit_range;
using iommu::Iova;
using iommu::IovaRange;
using iommu::Ipa;
using iommu::low_bits;
using iommu::Pa;

constexpr std::uint64_t kTop = 0xffffffffffffffff;

TEST_CASE("Address: the three spaces do not convert") {
    STATIC_REQUIRE_FALSE(std::convertible_to<Iova, Ipa>);
    STATIC_REQUIRE_FALSE(std::convertible_to<Ipa, Pa>);
    STATIC_REQUIRE_FALSE(std::convertible_to<Iova, Pa>);
    STATIC_REQUIRE_FALSE(std::convertible_to<Pa, std::uint64_t>);
    STATIC_REQUIRE_FALSE(std::equality_comparable_with<Ipa, Pa>);
}

TEST_CASE("Address: order and sum are those of the numbers") {
    CHECK(Pa{0x7fffffffffffffff} < Pa{0x8000000000000000});
    CHECK(Pa{1} + 0xfff == Pa{0x1000});
    CHECK(Pa{kTop} + 1 == Pa{0});
}

TEST_CASE("Address: low_bits covers every width, and stops at 64") {
    CHECK(low_bits(0) == 0);
    CHECK(low_bits(1) == 1);
    CHECK(low_bits(12) == 0xfff);
    CHECK(low_bits(63) == 0x7fffffffffffffff);
    CHECK(low_bits(64) == kTop);
    CHECK(low_bits(65) == kTop);
}

TEST_CASE("Address: bit_range has both ends inside") {
    CHECK(bit_range(0, 0) == 0x1);
    CHECK(bit_range(15, 12) == 0xf000);
    CHECK(bit_range(63, 63) == 0x8000000000000000);
    CHECK(bit_range(63, 0) == kTop);
    CHECK(bit_range(51, 12) == 0x000ffffffffff000);
}

TEST_CASE("IovaRange: an aligned block reaches from its first to its last byte") {
    CHECK(IovaRange::aligned(Iova{0x12345}, 12) == IovaRange{Iova{0x12000}, Iova{0x12fff}});
    CHECK(IovaRange::aligned(Iova{0x12fff}, 12) == IovaRange{Iova{0x12000}, Iova{0x12fff}});
    CHECK(IovaRange::aligned(Iova{0x13000}, 12) == IovaRange{Iova{0x13000}, Iova{0x13fff}});
    CHECK(IovaRange::aligned(Iova{kTop}, 21) == IovaRange{Iova{0xffffffffffe00000}, Iova{kTop}});
    CHECK(IovaRange::aligned(Iova{0x12345}, 0) == IovaRange{Iova{0x12345}, Iova{0x12345}});
    CHECK(IovaRange::aligned(Iova{0x12345}, 64) == IovaRange::everything());
}

TEST_CASE("IovaRange: ranges overlap when they share at least one byte") {
    constexpr IovaRange middle{Iova{0x2000}, Iova{0x2fff}};
    CHECK(middle.overlaps({Iova{0x2fff}, Iova{0x5000}}));
    CHECK_FALSE(middle.overlaps({Iova{0x3000}, Iova{0x5000}}));
    CHECK(middle.overlaps({Iova{0}, Iova{0x2000}}));
    CHECK_FALSE(middle.overlaps({Iova{0}, Iova{0x1fff}}));
    CHECK(middle.overlaps({Iova{0x2800}, Iova{0x2800}}));
    CHECK(middle.overlaps({Iova{0x1000}, Iova{0x4000}}));
    CHECK(middle.overlaps(middle));
}

TEST_CASE("IovaRange: everything overlaps the first and the last byte") {
    CHECK(IovaRange::everything().overlaps({Iova{0}, Iova{0}}));
    CHECK(IovaRange::everything().overlaps({Iova{kTop}, Iova{kTop}}));
}

}  // namespace
