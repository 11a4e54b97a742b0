// SPDX-License-Identifier: GPL-2.0-or-later
//
// PageTable: a translation table of 4 KiB granules that a driver builds in guest memory, for stage 1 or stage 2.
//
//     PageTable table(ram, Stage::One);
//     table.map({.input = 0x1000, .output = page});
//     table.map({.input = 0x200000, .output = block, .level = 2});
//
// Levels are the manual's: 3 has the pages. Stage 1 starts at level 0 and takes 48 bits, stage 2 at level 1 and takes
// 39. Tables in between are made when needed.
//
// A stage 1 under a stage 2 names its tables by intermediate addresses. `bias` is what to add to where a table lies to
// get its name; tables() tells what stage 2 has to map.
#ifndef QTEST_SMMUV3_PAGE_TABLE_H
#define QTEST_SMMUV3_PAGE_TABLE_H

#include <cstdint>
#include <vector>

#include "client/guest_ram.h"
#include "smmuv3/words.h"

namespace smmu_driver {

enum class Stage : std::uint8_t { One = 1, Two = 2 };

// Bits of leaf descriptors.
namespace s1 {
inline constexpr std::uint64_t AP1 = bit(6);  // for the unprivileged
inline constexpr std::uint64_t AP2 = bit(7);  // not for writes
inline constexpr std::uint64_t ISH = field(9, 8, 3);
inline constexpr std::uint64_t AF = bit(10);
inline constexpr std::uint64_t NG = bit(11);
inline constexpr std::uint64_t DBM = bit(51);
inline constexpr std::uint64_t user_page = AP1 | ISH | AF | NG;
}  // namespace s1
namespace s2 {
inline constexpr std::uint64_t R = bit(6);
inline constexpr std::uint64_t W = bit(7);
inline constexpr std::uint64_t AF = bit(10);
inline constexpr std::uint64_t normal = field(5, 2, 0xf) | field(9, 8, 3);
inline constexpr std::uint64_t page = R | W | normal | AF;
}  // namespace s2

struct Mapping {
    std::uint64_t input = 0;
    std::uint64_t output = 0;
    std::uint64_t bits = 0;  // 0: all rights
    int level = 3;
};

class PageTable {
  public:
    PageTable(qtest::GuestRam& ram, Stage stage, std::uint64_t bias = 0);

    PageTable& map(const Mapping& mapping);
    PageTable& map_identity(std::uint64_t page) { return map({.input = page, .output = page}); }

    [[nodiscard]] Stage stage() const { return stage_; }
    [[nodiscard]] unsigned input_bits() const { return stage_ == Stage::One ? 48 : 39; }
    // As it stands in a TTB field.
    [[nodiscard]] std::uint64_t root() const { return tables_.front() + bias_; }
    // Where they lie, the root first.
    [[nodiscard]] const std::vector<std::uint64_t>& tables() const { return tables_; }

    // Of the descriptor of a level for the address; the tables above it exist.
    [[nodiscard]] std::uint64_t entry_address(std::uint64_t input, int level = 3) const;
    [[nodiscard]] std::uint64_t entry(std::uint64_t input, int level = 3) const;
    void set_entry(std::uint64_t input, int level, std::uint64_t value) const;

  private:
    [[nodiscard]] std::uint64_t new_table();

    qtest::GuestRam* ram_;
    Stage stage_;
    std::uint64_t bias_;
    std::vector<std::uint64_t> tables_;
};

}  // namespace smmu_driver

#endif  // QTEST_SMMUV3_PAGE_TABLE_H
