// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/bits.h"

#include <catch2/catch_test_macros.hpp>

namespace {

using iommu::Field;
using iommu::Ign;
using iommu::Layout;
using iommu::RO;
using iommu::Rsvd;
using iommu::RW;
using iommu::RW1C;
using iommu::Value;
using iommu::WO;
using iommu::Words;

struct NARROW {
    using GO = Field<"GO", 0, 0, WO>;
    using BUSY = Field<"BUSY", 1, 1, RO>;
    using INDEX = Field<"INDEX", 11, 4>;
    using DONE = Field<"DONE", 31, 31, RW1C>;
    using layout = Layout<std::uint32_t, GO, BUSY, Field<"", 3, 2, Rsvd>, INDEX, Field<"SOFT", 15, 12, Ign>,
                          Field<"", 30, 16, Rsvd>, DONE>;
};

struct WHOLE {
    using ALL = Field<"ALL", 63, 0>;
    using layout = Layout<std::uint64_t, ALL>;
};

struct POINTER {
    using P = Field<"P", 0, 0>;
    using ADDR = Field<"ADDR", 51, 12>;
    using TOP = Field<"TOP", 63, 63>;
    using layout = Layout<std::uint64_t, P, Field<"", 11, 1, Ign>, ADDR, Field<"", 62, 52, Rsvd>, TOP>;
};

struct TRIPLE {
    using FIRST = Field<"FIRST", 7, 0>;
    using LAST_OF_0 = Field<"LAST_OF_0", 63, 60>;
    using FIRST_OF_1 = Field<"FIRST_OF_1", 67, 64>;
    using WORD_2 = Field<"WORD_2", 191, 128>;
    using layout =
        Layout<Words<3>, FIRST, Field<"", 59, 8, Rsvd>, LAST_OF_0, FIRST_OF_1, Field<"", 127, 68, Rsvd>, WORD_2>;
};

TEST_CASE("Bits: a field is read at the bits that were declared") {
    constexpr Value<NARROW> value{0x80000ab2};
    STATIC_REQUIRE(value.get<NARROW::GO>() == 0);
    STATIC_REQUIRE(value.get<NARROW::BUSY>() == 1);
    STATIC_REQUIRE(value.get<NARROW::INDEX>() == 0xab);
    STATIC_REQUIRE(value.get<NARROW::DONE>() == 1);
    CHECK(Value<WHOLE>{0xfedcba9876543210}.get<WHOLE::ALL>() == 0xfedcba9876543210);
}

TEST_CASE("Bits: positions of several words count from bit 0 of the first") {
    constexpr Value<TRIPLE> value{Words<3>{0xa0000000000000c1, 0x5, 0xffffffffffffffff}};
    CHECK(value.get<TRIPLE::FIRST>() == 0xc1);
    CHECK(value.get<TRIPLE::LAST_OF_0>() == 0xa);
    CHECK(value.get<TRIPLE::FIRST_OF_1>() == 0x5);
    CHECK(value.get<TRIPLE::WORD_2>() == 0xffffffffffffffff);
}

TEST_CASE("Bits: an address is read where it stands") {
    const Value<POINTER> value{0x800ffedcba987fff};
    CHECK(value.in_place<POINTER::ADDR>() == 0x000ffedcba987000);
    CHECK(value.get<POINTER::ADDR>() == 0xffedcba987);
    CHECK(Value<TRIPLE>{Words<3>{0, 0xff, 0}}.in_place<TRIPLE::FIRST_OF_1>() == 0xf);
}

TEST_CASE("Bits: replacing a field keeps all others") {
    const Value<NARROW> ones{0xffffffff};
    CHECK(ones.with<NARROW::INDEX>(0).raw() == 0xfffff00f);
    CHECK(ones.with<NARROW::INDEX>(0x81).raw() == 0xfffff81f);
    const Value<NARROW> zeros;
    CHECK(zeros.with<NARROW::INDEX>(0xff).raw() == 0x00000ff0);
    CHECK(zeros.with<NARROW::DONE>(1).raw() == 0x80000000);
    CHECK(Value<WHOLE>{1}.with<WHOLE::ALL>(0x8000000000000000).raw() == 0x8000000000000000);
    CHECK(Value<TRIPLE>{}.with<TRIPLE::FIRST_OF_1>(0xf).raw() == Words<3>{0, 0xf, 0});
    CHECK(Value<TRIPLE>{}.with<TRIPLE::LAST_OF_0>(0xf).raw() == Words<3>{0xf000000000000000, 0, 0});
}

TEST_CASE("Bits: a value too wide for its field loses its upper bits") {
    CHECK(Value<NARROW>{}.with<NARROW::INDEX>(0x100).raw() == 0);
    CHECK(Value<NARROW>{}.with<NARROW::INDEX>(0x1ff).raw() == 0xff0);
    CHECK(Value<POINTER>{}.with<POINTER::TOP>(2).raw() == 0);
}

TEST_CASE("Bits: an address that is put in place keeps only the bits of its field") {
    CHECK(Value<POINTER>{}.with_in_place<POINTER::ADDR>(0xffffffffffffffff).raw() == 0x000ffffffffff000);
    CHECK(Value<POINTER>{1}.with_in_place<POINTER::ADDR>(0x1234567).raw() == 0x1234001);
    CHECK(Value<TRIPLE>{}.with_in_place<TRIPLE::FIRST_OF_1>(0xff).raw() == Words<3>{0, 0xf, 0});
}

TEST_CASE("Bits: a reserved bit is told from every other bit") {
    for (unsigned bit = 0; bit < 32; ++bit) {
        INFO("bit " << bit);
        const bool reserved = bit == 2 || bit == 3 || (bit >= 16 && bit <= 30);
        CHECK(Value<NARROW>{1u << bit}.reserved_bits_set() == reserved);
    }
    CHECK_FALSE(Value<TRIPLE>{Words<3>{0xf0000000000000ff, 0xf, 0xffffffffffffffff}}.reserved_bits_set());
    CHECK(Value<TRIPLE>{Words<3>{0x100, 0, 0}}.reserved_bits_set());
    CHECK(Value<TRIPLE>{Words<3>{0, 0x8000000000000000, 0}}.reserved_bits_set());
}

TEST_CASE("Bits: the mask of an access kind has the bits of its fields only") {
    using L = NARROW::layout;
    CHECK(L::mask(RW) == Words<1>{0x00000ff0});
    CHECK(L::mask(RO) == Words<1>{0x00000002});
    CHECK(L::mask(RW1C) == Words<1>{0x80000000});
    CHECK(L::mask(WO) == Words<1>{0x00000001});
    CHECK(L::mask(Ign) == Words<1>{0x0000f000});
    CHECK(L::mask(Rsvd) == Words<1>{0x7fff000c});
    CHECK(TRIPLE::layout::mask(Rsvd) == Words<3>{0x0fffffffffffff00, 0xfffffffffffffff0, 0});
}

TEST_CASE("Bits: any_of looks at every word") {
    const Value<TRIPLE> value{Words<3>{0x1, 0x2, 0x4}};
    CHECK(value.any_of({0x1, 0, 0}));
    CHECK(value.any_of({0, 0x2, 0}));
    CHECK(value.any_of({0, 0, 0x4}));
    CHECK_FALSE(value.any_of({0xfffffffffffffffe, 0xfffffffffffffffd, 0xfffffffffffffffb}));
}

TEST_CASE("Bits: values are equal when all words are") {
    CHECK(Value<TRIPLE>{Words<3>{1, 2, 3}} == Value<TRIPLE>{Words<3>{1, 2, 3}});
    CHECK_FALSE(Value<TRIPLE>{Words<3>{1, 2, 3}} == Value<TRIPLE>{Words<3>{1, 2, 4}});
    CHECK(Value<TRIPLE>{}.raw() == Words<3>{0, 0, 0});
}

TEST_CASE("Bits: the text names fields that are set, highest first, and leaves out the rest") {
    CHECK(describe(Value<NARROW>{0x80000ab2}) == "DONE=1 INDEX=0xab BUSY=1");
    CHECK(describe(Value<NARROW>{0x00000090}) == "INDEX=9");
    CHECK(describe(Value<NARROW>{0x000000a0}) == "INDEX=0xa");
    CHECK(describe(Value<NARROW>{0x00010000}).empty());
    CHECK(describe(Value<NARROW>{}).empty());
    CHECK(describe(Value<WHOLE>{0xffffffffffffffff}) == "ALL=0xffffffffffffffff");
    CHECK(describe(Value<TRIPLE>{Words<3>{1, 2, 3}}) == "WORD_2=3 FIRST_OF_1=2 FIRST=1");
}

}  // namespace
