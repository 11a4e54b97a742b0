// SPDX-License-Identifier: GPL-2.0-or-later
//
// PageTable: a page table that a driver builds in guest memory, first or second stage.
//
//     PageTable table(ram, Stage::Second, 4);
//     table.map({.iova = 0x1000, .target = page});
//     table.map({.iova = 0x200000, .target = large_page, .level = 2});
//
// Levels count from 1, where a leaf maps 4 KiB. Tables in between are made when needed and give all rights.
//
// A first stage under a second one names its tables by guest-physical addresses. `Bias` is what to add to where a table
// lies to get its name; tables() tells what the second stage has to map.
#ifndef QTEST_VTD_PAGE_TABLE_H
#define QTEST_VTD_PAGE_TABLE_H

#include <cstdint>
#include <vector>

#include "client/guest_ram.h"
#include "vtd/words.h"

namespace vtd_driver {

inline constexpr std::uint64_t size_4k = 1ull << 12;
inline constexpr std::uint64_t size_2m = 1ull << 21;
inline constexpr std::uint64_t size_1g = 1ull << 30;

// Second-stage entry.
namespace ss {
inline constexpr std::uint64_t R = bit(0);
inline constexpr std::uint64_t W = bit(1);
inline constexpr std::uint64_t PS = bit(7);
inline constexpr std::uint64_t A = bit(8);
inline constexpr std::uint64_t D = bit(9);
inline constexpr std::uint64_t SNP = bit(11);
}  // namespace ss

// First-stage entry.
namespace fs {
inline constexpr std::uint64_t P = bit(0);
inline constexpr std::uint64_t RW = bit(1);
inline constexpr std::uint64_t US = bit(2);
inline constexpr std::uint64_t A = bit(5);
inline constexpr std::uint64_t D = bit(6);
inline constexpr std::uint64_t PS = bit(7);
inline constexpr std::uint64_t EA = bit(10);
}  // namespace fs

enum class Stage : std::uint8_t { First, Second };

class PageTable {
  public:
    struct Mapping {
        std::uint64_t iova = 0;
        std::uint64_t target = 0;
        unsigned level = 1;
        std::uint64_t flags = keep_all_rights;  // of the leaf
    };

    PageTable(qtest::GuestRam& ram, Stage stage, unsigned levels, std::uint64_t bias = 0);

    // What a context or PASID entry points to.
    [[nodiscard]] std::uint64_t root() const { return root_ + bias_; }
    [[nodiscard]] unsigned levels() const { return levels_; }
    // Encoding of the width in entries that name a second stage.
    [[nodiscard]] unsigned address_width() const { return levels_ - 2; }

    PageTable& map(const Mapping& mapping);
    PageTable& map_identity(std::uint64_t address) { return map({.iova = address, .target = address}); }

    // Where the entry lies that translates `iova` at this level; the tables above it must exist.
    [[nodiscard]] std::uint64_t entry_address(std::uint64_t iova, unsigned level) const;
    [[nodiscard]] std::uint64_t entry(std::uint64_t iova, unsigned level) const;
    void set_entry(std::uint64_t iova, unsigned level, std::uint64_t value) const;
    void flip(std::uint64_t iova, unsigned level, std::uint64_t bits) const;

    // Where the tables lie.
    [[nodiscard]] const std::vector<std::uint64_t>& tables() const { return tables_; }
    [[nodiscard]] std::uint64_t bias() const { return bias_; }

  private:
    static constexpr std::uint64_t keep_all_rights = ~std::uint64_t{0};
    [[nodiscard]] std::uint64_t new_table();

    qtest::GuestRam* ram_;
    std::uint64_t all_rights_;
    unsigned levels_;
    std::uint64_t bias_;
    std::uint64_t root_ = 0;
    std::vector<std::uint64_t> tables_;
};

}  // namespace vtd_driver

#endif  // QTEST_VTD_PAGE_TABLE_H
