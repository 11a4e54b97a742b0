// SPDX-License-Identifier: GPL-2.0-or-later
//
// tiny_tables: a made-up page-table format for tests of the walk.
//
// A table has 16 entries of 8 bytes; pages have 2^12, 2^16 and 2^20 bytes; three levels translate 24 bits. The format
// is no architecture's, so what these tests prove is the walk and not a format.
#ifndef TESTS_UNIT_IOMMU_TINY_TABLES_H
#define TESTS_UNIT_IOMMU_TINY_TABLES_H

#include <array>
#include <cstdint>

#include "fake_ports.h"
#include "iommu/walk.h"

namespace test {

// Bits of an entry.
inline constexpr std::uint64_t kPresent = 0x01, kRead = 0x02, kWrite = 0x04, kUser = 0x08, kLeaf = 0x10;
inline constexpr std::uint64_t kAccessed = 0x20, kDirty = 0x40, kReserved = 0x80;
inline constexpr std::uint64_t kWatched = 0x100;  // cleared by the first write
inline constexpr std::uint64_t kUnseen = 0x200;   // software wants to know of an access
inline constexpr std::uint64_t kTooHigh = std::uint64_t{1} << 63;
inline constexpr std::uint64_t kAll = kPresent | kRead | kWrite | kUser;

template <iommu::Stage S>
struct Tiny {
    static constexpr iommu::Stage stage = S;
    std::uint64_t table = 0x1000;
    iommu::Level levels = 3;
    bool sets_bits = true;
    iommu::Snooped coherent = iommu::Snooped::Yes;

    [[nodiscard]] bool accepts(std::uint64_t input) const { return input >> (12 + 4 * levels) == 0; }
    [[nodiscard]] iommu::Level top_level() const { return levels; }
    [[nodiscard]] std::uint64_t root() const { return table; }
    [[nodiscard]] std::uint64_t slot(std::uint64_t at, iommu::Level level, std::uint64_t input) const {
        return at + 8 * (input >> (8 + 4 * level) & 0xf);
    }
    [[nodiscard]] iommu::Step decode(std::uint64_t entry, iommu::Level level) const {
        iommu::Step step;
        if ((entry & kPresent) == 0) return step;
        step.kind = entry & kReserved  ? iommu::StepKind::Reserved
                    : entry & kTooHigh ? iommu::StepKind::OutputOutOfRange
                    : entry & kUnseen  ? iommu::StepKind::NotAccessed
                    : entry & kLeaf    ? iommu::StepKind::Leaf
                                       : iommu::StepKind::Table;
        step.page_log2 = 8 + 4 * level;
        step.address = entry & 0xffffff000;
        step.grants = static_cast<unsigned>(entry & (kRead | kWrite | kUser));
        return step;
    }
    [[nodiscard]] iommu::Result<iommu::Rights, iommu::WalkCause> judge(unsigned grants,
                                                                       const iommu::WalkQuery& query) const {
        using iommu::Err;
        using iommu::WalkCause;
        if (query.privilege == iommu::Privilege::User && (grants & kUser) == 0) return Err{WalkCause::NoUser};
        if (query.access != iommu::Access::Write && (grants & kRead) == 0) return Err{WalkCause::NoRead};
        if (query.writes() && (grants & kWrite) == 0) return Err{WalkCause::NoWrite};
        return (grants & kRead ? iommu::Rights::Read : iommu::Rights::None) |
               (grants & kWrite ? iommu::Rights::Write : iommu::Rights::None);
    }
    [[nodiscard]] iommu::Update update(iommu::EntryUse use, std::uint64_t, const iommu::WalkQuery& query) const {
        if (!sets_bits) return {};
        if (use == iommu::EntryUse::Table || !query.writes()) return {.set = kAccessed};
        return {.set = kAccessed | kDirty, .clear = kWatched};
    }
    [[nodiscard]] std::uint64_t update_bits() const { return sets_bits ? kAccessed | kDirty | kWatched : 0; }
    [[nodiscard]] bool clean(std::uint64_t entry) const { return sets_bits && (entry & kDirty) == 0; }
    [[nodiscard]] iommu::Snooped snooped() const { return coherent; }
};
using TinyFirst = Tiny<iommu::Stage::First>;
using TinySecond = Tiny<iommu::Stage::Second>;

// RAM with one path of tables in it:
//
//     0x1000 root --0x1050--> 0x2000 --0x2058--> 0x3000 --0x3060--> page 0x7000     for input 0xabc000
struct TinyMachine {
    FakePorts ports;
    FakeRam ram{0x100000};
    iommu::GuestMemory memory{ports};
    iommu::Marks marks;

    static constexpr std::uint64_t kInput = 0xabcdef;
    static constexpr std::uint64_t kTop = 0x1050, kMiddle = 0x2058, kBottom = 0x3060;

    explicit TinyMachine(std::uint64_t bits = kAll) {
        memory.set_ram(std::array{ram.range()});
        ram.poke(kTop, 0x2000 | bits);
        ram.poke(kMiddle, 0x3000 | bits);
        ram.poke(kBottom, 0x7000 | kLeaf | bits);
    }
    // The mark with this index.
    [[nodiscard]] const iommu::Mark& mark(std::size_t index) const { return marks.begin()[index]; }
    [[nodiscard]] std::size_t mark_count() const { return static_cast<std::size_t>(marks.end() - marks.begin()); }
};

constexpr iommu::WalkQuery query(iommu::Access access, std::uint64_t input = TinyMachine::kInput) {
    return {.input = input, .access = access};
}

}  // namespace test

#endif  // TESTS_UNIT_IOMMU_TINY_TABLES_H
