// SPDX-License-Identifier: GPL-2.0-or-later
//
// layout_check: holds a declared layout against a table typed from the manual.
//
// A row names one field, its word, its bits there as a mask, its access and its value in the sample. The rows, the
// reserved bits and the ignored bits must make up every bit of the layout, and no field of it may lack a row. Nothing
// in a table is computed from the layout.
#ifndef TESTS_SUPPORT_LAYOUT_CHECK_H
#define TESTS_SUPPORT_LAYOUT_CHECK_H

#include <array>
#include <bit>
#include <catch2/catch_test_macros.hpp>
#include <concepts>
#include <cstdint>
#include <string_view>
#include <vector>

#include "iommu/bits.h"

namespace iommu::test {

template <class S>
struct FieldRow {
    std::string_view name;
    unsigned word = 0;
    std::uint64_t mask = 0;
    FieldAccess access = RW;
    std::uint64_t sample = 0;

    std::string_view declared_name;
    FieldAccess declared_access = RW;
    std::uint64_t (*get)(const Value<S>&) = nullptr;
    Value<S> (*with)(const Value<S>&, std::uint64_t) = nullptr;
};

template <class S, class F>
FieldRow<S> row(std::string_view name, unsigned word, std::uint64_t mask, FieldAccess access, std::uint64_t sample) {
    return {name,
            word,
            mask,
            access,
            sample,
            F::name,
            F::access,
            [](const Value<S>& value) { return value.template get<F>(); },
            [](const Value<S>& value, std::uint64_t field) { return value.template with<F>(field); }};
}

template <class S>
struct LayoutTable {
    using Mask = typename Value<S>::Mask;
    Mask reserved{};
    Mask ignored{};
    Mask sample{};
    std::vector<FieldRow<S>> rows;
};

template <class S>
Value<S> value_of(const typename Value<S>::Mask& words) {
    using Storage = typename Value<S>::Storage;
    if constexpr (std::integral<Storage>) {
        return Value<S>{static_cast<Storage>(words[0])};
    } else {
        return Value<S>{words};
    }
}

// All bits of the layout; the storage may be narrower than a word.
template <class S>
typename Value<S>::Mask all_ones() {
    typename Value<S>::Mask ones;
    ones.fill(S::layout::bits < 64 ? (std::uint64_t{1} << S::layout::bits % 64) - 1 : ~std::uint64_t{0});
    return ones;
}

template <class S>
void check_field(const FieldRow<S>& row, const LayoutTable<S>& table) {
    INFO(row.name);
    CHECK(row.declared_name == row.name);
    CHECK(row.declared_access == row.access);

    typename Value<S>::Mask only{};
    only[row.word] = row.mask;
    auto others = all_ones<S>();
    others[row.word] &= ~row.mask;
    const std::uint64_t max = row.mask >> std::countr_zero(row.mask);

    CHECK(row.get(value_of<S>(only)) == max);
    CHECK(row.get(value_of<S>(others)) == 0);
    CHECK(row.with(Value<S>{}, ~std::uint64_t{0}).words() == only);
    CHECK(row.with(value_of<S>(all_ones<S>()), 0).words() == others);
    CHECK(row.get(value_of<S>(table.sample)) == row.sample);
}

template <class S>
void check_each_bit_has_one_owner(const LayoutTable<S>& table) {
    auto seen = table.reserved;
    const auto add = [&seen](unsigned word, std::uint64_t mask) {
        CHECK((seen[word] & mask) == 0);
        seen[word] |= mask;
    };
    for (unsigned word = 0; word < table.ignored.size(); ++word)
        add(word, table.ignored[word]);
    for (const auto& row : table.rows)
        add(row.word, row.mask);
    CHECK(seen == all_ones<S>());

    std::size_t named = 0;
    for (const auto& field : S::layout::fields)
        named += field.name.empty() ? 0 : 1;
    CHECK(named == table.rows.size());
}

template <class S>
void check_reserved_bits(const LayoutTable<S>& table) {
    for (unsigned bit = 0; bit < S::layout::bits; ++bit) {
        typename Value<S>::Mask words{};
        words[bit / 64] = std::uint64_t{1} << bit % 64;
        INFO("bit " << bit);
        CHECK(value_of<S>(words).reserved_bits_set() == ((table.reserved[bit / 64] & words[bit / 64]) != 0));
    }
    CHECK(S::layout::mask(Ign) == table.ignored);
}

template <class S>
void check_layout(const LayoutTable<S>& table) {
    INFO(S::name);
    check_each_bit_has_one_owner(table);
    check_reserved_bits(table);
    Value<S> built;
    for (const auto& row : table.rows) {
        check_field(row, table);
        built = row.with(built, row.sample);
    }
    CHECK(built.words() == table.sample);
}

}  // namespace iommu::test

#endif  // TESTS_SUPPORT_LAYOUT_CHECK_H
