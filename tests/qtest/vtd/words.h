// SPDX-License-Identifier: GPL-2.0-or-later
//
// words: bits of guest words and registers, typed by hand from the manual.
//
// The driver's side of the tests shares no layout with the unit: a wrong position there must not be right here.
#ifndef QTEST_VTD_WORDS_H
#define QTEST_VTD_WORDS_H

#include <cstdint>

namespace vtd_driver {

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

// Register offsets.
namespace reg {
inline constexpr std::uint64_t VER = 0x000;
inline constexpr std::uint64_t CAP = 0x008;
inline constexpr std::uint64_t ECAP = 0x010;
inline constexpr std::uint64_t GCMD = 0x018;
inline constexpr std::uint64_t GSTS = 0x01c;
inline constexpr std::uint64_t RTADDR = 0x020;
inline constexpr std::uint64_t CCMD = 0x028;
inline constexpr std::uint64_t FSTS = 0x034;
inline constexpr std::uint64_t FECTL = 0x038;
inline constexpr std::uint64_t FEDATA = 0x03c;
inline constexpr std::uint64_t FEADDR = 0x040;
inline constexpr std::uint64_t FEUADDR = 0x044;
inline constexpr std::uint64_t PMEN = 0x064;
inline constexpr std::uint64_t PLMBASE = 0x068;
inline constexpr std::uint64_t PLMLIMIT = 0x06c;
inline constexpr std::uint64_t PHMBASE = 0x070;
inline constexpr std::uint64_t PHMLIMIT = 0x078;
inline constexpr std::uint64_t IQH = 0x080;
inline constexpr std::uint64_t IQT = 0x088;
inline constexpr std::uint64_t IQA = 0x090;
inline constexpr std::uint64_t ICS = 0x09c;
inline constexpr std::uint64_t IECTL = 0x0a0;
inline constexpr std::uint64_t IEDATA = 0x0a4;
inline constexpr std::uint64_t IEADDR = 0x0a8;
inline constexpr std::uint64_t IEUADDR = 0x0ac;
inline constexpr std::uint64_t IQERCD = 0x0b0;
inline constexpr std::uint64_t PQH = 0x0c0;
inline constexpr std::uint64_t PQT = 0x0c8;
inline constexpr std::uint64_t PQA = 0x0d0;
inline constexpr std::uint64_t PRS = 0x0dc;
inline constexpr std::uint64_t PECTL = 0x0e0;
inline constexpr std::uint64_t PEDATA = 0x0e4;
inline constexpr std::uint64_t PEADDR = 0x0e8;
inline constexpr std::uint64_t PEUADDR = 0x0ec;
}  // namespace reg

// GCMD and GSTS.
inline constexpr std::uint32_t TE = 1u << 31;
inline constexpr std::uint32_t SRTP = 1u << 30;
inline constexpr std::uint32_t QIE = 1u << 26;

// FSTS.
inline constexpr std::uint32_t PFO = 1u << 0;
inline constexpr std::uint32_t PPF = 1u << 1;
inline constexpr std::uint32_t IQE = 1u << 4;
inline constexpr std::uint32_t ICE = 1u << 5;
inline constexpr std::uint32_t ITE = 1u << 6;

// FECTL, IECTL and PECTL.
inline constexpr std::uint32_t IM = 1u << 31;
inline constexpr std::uint32_t IP = 1u << 30;

// ICS.
inline constexpr std::uint32_t IWC = 1u << 0;

// PRS.
inline constexpr std::uint32_t PPR = 1u << 0;
inline constexpr std::uint32_t PRO = 1u << 1;

// RTADDR 11:10.
enum class Mode : std::uint8_t { Legacy = 0, Scalable = 1, Reserved = 2, AbortDma = 3 };

}  // namespace vtd_driver

#endif  // QTEST_VTD_WORDS_H
