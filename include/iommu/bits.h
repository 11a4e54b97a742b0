// SPDX-License-Identifier: GPL-2.0-or-later
//
// bits: bit layouts declared once, at the positions the manual prints.
//
// A layout is a struct that names its fields and lists each bit exactly once:
//
//     struct FSTS {
//         using PFO = Field<"PFO", 0, 0, RW1C>;
//         using PPF = Field<"PPF", 1, 1, RO>;
//         using layout = Layout<std::uint32_t, PFO, PPF, Field<"", 31, 2, Rsvd>>;
//     };
//     Value<FSTS> fsts{0x1};
//     fsts.get<FSTS::PFO>();              // 1
//     fsts = fsts.with<FSTS::PFO>(0);
//
// `Layout` does not compile when a bit is missing or named twice, so masks, write rules, trace texts, register tables
// and walking-ones tests can all be derived from the same lines.
//
// A layout is over a 32-bit word, a 64-bit word, or N little-endian 64-bit words (`Words<N>`); positions count from bit
// 0 of the first word. A field does not cross a 64-bit word. Nothing here knows byte order: guest memory is loaded
// little-endian before it becomes a Value.
#ifndef IOMMU_BITS_H
#define IOMMU_BITS_H

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace iommu {

// What a write (registers) or a check (structures) does with a field.
enum class FieldAccess : std::uint8_t {
    RW,    // keeps what software writes
    RO,    // hardware's; writes are ignored
    RW1C,  // hardware sets, software clears by writing 1
    WO,    // written, reads as 0
    Rsvd,  // must be zero
    Ign,   // ignored by hardware, free for software
};
inline constexpr FieldAccess RW = FieldAccess::RW;
inline constexpr FieldAccess RO = FieldAccess::RO;
inline constexpr FieldAccess RW1C = FieldAccess::RW1C;
inline constexpr FieldAccess WO = FieldAccess::WO;
inline constexpr FieldAccess Rsvd = FieldAccess::Rsvd;
inline constexpr FieldAccess Ign = FieldAccess::Ign;

// A string literal as a template argument.
template <std::size_t N>
struct FieldName {
    char text[N] = {};
    consteval FieldName(const char (&literal)[N]) {  // NOLINT(google-explicit-constructor): literals convert
        for (std::size_t i = 0; i < N; ++i)
            text[i] = literal[i];
    }
    [[nodiscard]] constexpr std::string_view view() const { return {text, N - 1}; }
};

// Bits High..Low (inclusive), counted from bit 0 of the first word.
template <FieldName Name, unsigned High, unsigned Low, FieldAccess Access = RW>
struct Field {
    static_assert(High >= Low, "the manual prints high:low");
    static_assert(High / 64 == Low / 64, "a field stays inside one 64-bit word");
    static constexpr std::string_view name = Name.view();
    static constexpr unsigned high = High;
    static constexpr unsigned low = Low;
    static constexpr unsigned width = High - Low + 1;
    static constexpr unsigned word = Low / 64;
    static constexpr unsigned shift = Low % 64;
    static constexpr FieldAccess access = Access;
    static constexpr std::uint64_t max = width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
    static constexpr std::uint64_t mask = max << shift;  // inside its word
};

// The same facts at run time, for traces, documents and tests.
struct FieldInfo {
    std::string_view name;
    unsigned high = 0;
    unsigned low = 0;
    FieldAccess access = FieldAccess::RW;
};

template <std::size_t N>
using Words = std::array<std::uint64_t, N>;

namespace detail {
template <class Storage>
struct WordCount;
template <>
struct WordCount<std::uint32_t> : std::integral_constant<std::size_t, 1> {};
template <>
struct WordCount<std::uint64_t> : std::integral_constant<std::size_t, 1> {};
template <std::size_t N>
struct WordCount<Words<N>> : std::integral_constant<std::size_t, N> {};
}  // namespace detail

template <class S, class... Fields>
struct Layout {
    using Storage = S;
    static constexpr std::size_t bits = 8 * sizeof(Storage);
    static constexpr std::size_t word_count = detail::WordCount<Storage>::value;
    using Mask = Words<word_count>;

    static constexpr std::array<FieldInfo, sizeof...(Fields)> fields{
        FieldInfo{Fields::name, Fields::high, Fields::low, Fields::access}...};

    // All bits whose field has the given access kind.
    static constexpr Mask mask(FieldAccess access) {
        Mask result{};
        ((Fields::access == access ? void(result[Fields::word] |= Fields::mask) : void()), ...);
        return result;
    }

    template <class F>
    static constexpr bool has = (std::is_same_v<F, Fields> || ...);

  private:
    static constexpr bool covers_each_bit_once() {
        std::array<unsigned, bits> seen{};
        for (const FieldInfo& field : fields) {
            if (field.high >= bits) return false;
            for (unsigned bit = field.low; bit <= field.high; ++bit)
                ++seen[bit];
        }
        for (const unsigned count : seen) {
            if (count != 1) return false;
        }
        return true;
    }
    static_assert(covers_each_bit_once(), "every bit of a layout belongs to exactly one field");
};

// A word (or several) seen through layout `S::layout`. A plain value: copying is free, nothing is shared.
template <class S>
class Value {
  public:
    using Layout = typename S::layout;
    using Storage = typename Layout::Storage;
    using Mask = typename Layout::Mask;

    constexpr Value() = default;
    explicit constexpr Value(Storage raw) {
        if constexpr (std::integral<Storage>) {
            words_[0] = raw;
        } else {
            words_ = raw;
        }
    }

    template <class F>
    [[nodiscard]] constexpr std::uint64_t get() const {
        static_assert(Layout::template has<F>, "this field belongs to another layout");
        return (words_[F::word] & F::mask) >> F::shift;
    }

    // The field's bits where they stand in their word: what a table pointer or a page address is.
    template <class F>
    [[nodiscard]] constexpr std::uint64_t in_place() const {
        static_assert(Layout::template has<F>, "this field belongs to another layout");
        return words_[F::word] & F::mask;
    }

    // A copy with the field replaced; bits of `value` beyond the field's width are dropped.
    template <class F>
    [[nodiscard]] constexpr Value with(std::uint64_t value) const {
        static_assert(Layout::template has<F>, "this field belongs to another layout");
        Value copy = *this;
        copy.words_[F::word] = (words_[F::word] & ~F::mask) | ((value << F::shift) & F::mask);
        return copy;
    }

    // A copy with the field's bits taken from `value`, which holds them where they stand (addresses).
    template <class F>
    [[nodiscard]] constexpr Value with_in_place(std::uint64_t value) const {
        return with<F>(value >> F::shift);
    }

    [[nodiscard]] constexpr bool any_of(const Mask& mask) const {
        std::uint64_t hit = 0;
        for (std::size_t i = 0; i < Layout::word_count; ++i)
            hit |= words_[i] & mask[i];
        return hit != 0;
    }

    [[nodiscard]] constexpr bool reserved_bits_set() const {
        constexpr Mask reserved = Layout::mask(Rsvd);
        return any_of(reserved);
    }

    [[nodiscard]] constexpr Storage raw() const {
        if constexpr (std::integral<Storage>) {
            return static_cast<Storage>(words_[0]);
        } else {
            return words_;
        }
    }
    [[nodiscard]] constexpr const Mask& words() const { return words_; }

    friend constexpr bool operator==(const Value&, const Value&) = default;

  private:
    Mask words_{};
};

// Non-zero named fields as text, highest first: "IQE=1 FRI=3". Empty when all are zero.
[[nodiscard]] std::string describe_fields(const FieldInfo* fields, std::size_t field_count, const std::uint64_t* words);

template <class S>
[[nodiscard]] std::string describe(const Value<S>& value) {
    return describe_fields(S::layout::fields.data(), S::layout::fields.size(), value.words().data());
}

}  // namespace iommu

#endif  // IOMMU_BITS_H
