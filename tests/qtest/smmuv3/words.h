// SPDX-License-Identifier: GPL-2.0-or-later
//
// words: bits of guest words and registers, typed by hand from the manual (IHI 0070).
//
// The driver's side of the tests shares no layout with the unit: a wrong position there must not be right here.
#ifndef QTEST_SMMUV3_WORDS_H
#define QTEST_SMMUV3_WORDS_H

#include <array>
#include <cstddef>
#include <cstdint>

namespace smmu_driver {

[[nodiscard]] constexpr std::uint64_t bit(unsigned position) { return std::uint64_t{1} << position; }

// Bits high..low of a word, set to all ones.
[[nodiscard]] constexpr std::uint64_t ones(unsigned high, unsigned low) {
    return (high == 63 ? 0 : bit(high + 1)) - bit(low);
}

// `value` at bits high..low.
[[nodiscard]] constexpr std::uint64_t field(unsigned high, unsigned low, std::uint64_t value) {
    return value << low & ones(high, low);
}

// Bits high..low of `word`, moved down.
[[nodiscard]] constexpr std::uint64_t extract(std::uint64_t word, unsigned high, unsigned low) {
    return (word & ones(high, low)) >> low;
}

// A structure of doublewords, whose bits are counted from its first as the manual prints them. A field lies in one
// doubleword.
template <std::size_t Count>
struct Structure {
    std::array<std::uint64_t, Count> words{};

    [[nodiscard]] constexpr std::uint64_t get(unsigned high, unsigned low) const {
        return extract(words[low / 64], high % 64, low % 64);
    }
    constexpr Structure& set(unsigned high, unsigned low, std::uint64_t value) {
        std::uint64_t& word = words[low / 64];
        word = (word & ~ones(high % 64, low % 64)) | field(high % 64, low % 64, value);
        return *this;
    }
    friend bool operator==(const Structure&, const Structure&) = default;
};

inline constexpr std::uint64_t size_4k = 1ull << 12;
inline constexpr std::uint64_t size_2m = 1ull << 21;
inline constexpr std::uint64_t size_1g = 1ull << 30;

// Register offsets.
namespace reg {
inline constexpr std::uint64_t IDR0 = 0x000;
inline constexpr std::uint64_t IDR1 = 0x004;
inline constexpr std::uint64_t IDR3 = 0x00c;
inline constexpr std::uint64_t IDR5 = 0x014;
inline constexpr std::uint64_t IIDR = 0x018;
inline constexpr std::uint64_t AIDR = 0x01c;
inline constexpr std::uint64_t CR0 = 0x020;
inline constexpr std::uint64_t CR0ACK = 0x024;
inline constexpr std::uint64_t CR1 = 0x028;
inline constexpr std::uint64_t CR2 = 0x02c;
inline constexpr std::uint64_t GBPA = 0x044;
inline constexpr std::uint64_t IRQ_CTRL = 0x050;
inline constexpr std::uint64_t IRQ_CTRLACK = 0x054;
inline constexpr std::uint64_t GERROR = 0x060;
inline constexpr std::uint64_t GERRORN = 0x064;
inline constexpr std::uint64_t GERROR_IRQ_CFG0 = 0x068;
inline constexpr std::uint64_t GERROR_IRQ_CFG1 = 0x070;
inline constexpr std::uint64_t STRTAB_BASE = 0x080;
inline constexpr std::uint64_t STRTAB_BASE_CFG = 0x088;
inline constexpr std::uint64_t CMDQ_BASE = 0x090;
inline constexpr std::uint64_t CMDQ_PROD = 0x098;
inline constexpr std::uint64_t CMDQ_CONS = 0x09c;
inline constexpr std::uint64_t EVENTQ_BASE = 0x0a0;
inline constexpr std::uint64_t EVENTQ_IRQ_CFG0 = 0x0b0;
inline constexpr std::uint64_t EVENTQ_IRQ_CFG1 = 0x0b8;
inline constexpr std::uint64_t PRIQ_BASE = 0x0c0;
inline constexpr std::uint64_t PRIQ_IRQ_CFG0 = 0x0d0;
inline constexpr std::uint64_t PRIQ_IRQ_CFG2 = 0x0dc;
inline constexpr std::uint64_t PRIQ_PROD = 0x100c8;
inline constexpr std::uint64_t PRIQ_CONS = 0x100cc;
inline constexpr std::uint64_t EVENTQ_PROD = 0x100a8;
inline constexpr std::uint64_t EVENTQ_CONS = 0x100ac;
}  // namespace reg

// CR0.
inline constexpr std::uint32_t SMMUEN = 1u << 0;
inline constexpr std::uint32_t PRIQEN = 1u << 1;
inline constexpr std::uint32_t EVENTQEN = 1u << 2;
inline constexpr std::uint32_t CMDQEN = 1u << 3;
inline constexpr std::uint32_t ATSCHK = 1u << 4;

// CR2.
inline constexpr std::uint32_t E2H = 1u << 0;
inline constexpr std::uint32_t RECINVSID = 1u << 1;
inline constexpr std::uint32_t REC_CFG_ATS = 1u << 3;

// GBPA.
inline constexpr std::uint32_t UPDATE = 1u << 31;
inline constexpr std::uint32_t ABORT = 1u << 20;

// IRQ_CTRL.
inline constexpr std::uint32_t GERROR_IRQEN = 1u << 0;
inline constexpr std::uint32_t PRIQ_IRQEN = 1u << 1;
inline constexpr std::uint32_t EVENTQ_IRQEN = 1u << 2;

// GERROR.
inline constexpr std::uint32_t CMDQ_ERR = 1u << 0;
inline constexpr std::uint32_t EVENTQ_ABT_ERR = 1u << 2;
inline constexpr std::uint32_t PRIQ_ABT_ERR = 1u << 3;
inline constexpr std::uint32_t MSI_CMDQ_ABT_ERR = 1u << 4;
inline constexpr std::uint32_t MSI_EVENTQ_ABT_ERR = 1u << 5;
inline constexpr std::uint32_t MSI_GERROR_ABT_ERR = 1u << 7;

// EVENTQ_PROD.OVFLG and EVENTQ_CONS.OVACKFLG; PRIQ_PROD and PRIQ_CONS have them at the same place.
inline constexpr std::uint32_t OVFLG = 1u << 31;

}  // namespace smmu_driver

#endif  // QTEST_SMMUV3_WORDS_H
