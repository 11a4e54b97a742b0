// SPDX-License-Identifier: GPL-2.0-or-later
//
// How accessed and dirty bits get into tables: all checks first, then each entry, unless it is another one by now.
#include <array>
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <thread>

#include "iommu/walk.h"
#include "tiny_tables.h"

namespace {

using namespace test;
using iommu::Access;
using iommu::IdentityLocate;
using iommu::Mark;
using iommu::Marks;
using iommu::Pa;
using iommu::Snooped;
using iommu::Stage;
using iommu::Update;
using iommu::WalkCause;
using Applied = Marks::Applied;

constexpr std::uint64_t kOwn = kAccessed | kDirty | kWatched;

void walk_for(TinyMachine& machine, Access access, const TinyFirst& format = {}) {
    REQUIRE(walk(format, query(access), IdentityLocate{}, machine.marks, machine.memory));
}

TEST_CASE("Mark: it is needed when a bit it sets is clear, or one it clears is set") {
    CHECK_FALSE(Mark{.entry = 0, .update = {.set = 0}}.needed());
    CHECK(Mark{.entry = 0, .update = {.set = kAccessed}}.needed());
    CHECK_FALSE(Mark{.entry = kAccessed, .update = {.set = kAccessed}}.needed());
    CHECK(Mark{.entry = kAccessed, .update = {.set = kAccessed | kDirty}}.needed());
    CHECK(Mark{.entry = kWatched, .update = {.clear = kWatched}}.needed());
    CHECK_FALSE(Mark{.entry = kAccessed, .update = {.clear = kWatched}}.needed());
}

TEST_CASE("Update: it sets and clears its own bits and keeps the rest") {
    constexpr Update update{.set = 0x30, .clear = 0x100};
    CHECK(update.of(0xf0000000000001ff) == 0xf0000000000000ff);
    CHECK(update.of(0) == 0x30);
    CHECK(Update{}.of(0x1234) == 0x1234);
}

TEST_CASE("Marks: a read sets accessed bits, a write the leaf's dirty bit too, and nothing else changes") {
    TinyMachine machine;
    SECTION("read") {
        walk_for(machine, Access::Read);
        REQUIRE(*machine.marks.apply(machine.memory) == Applied::Done);
        CHECK(machine.ram.peek(TinyMachine::kBottom) == (0x7000 | kLeaf | kAll | kAccessed));
    }
    SECTION("write") {
        walk_for(machine, Access::Write);
        REQUIRE(*machine.marks.apply(machine.memory) == Applied::Done);
        CHECK(machine.ram.peek(TinyMachine::kBottom) == (0x7000 | kLeaf | kAll | kAccessed | kDirty));
    }
    CHECK(machine.ram.peek(TinyMachine::kTop) == (0x2000 | kAll | kAccessed));
    CHECK(machine.ram.peek(TinyMachine::kMiddle) == (0x3000 | kAll | kAccessed));
    CHECK(machine.ports.dirty.size() == 3);
}

TEST_CASE("Marks: entries that have their bits are not written") {
    TinyMachine machine(kAll | kAccessed);
    walk_for(machine, Access::Read);
    REQUIRE(*machine.marks.apply(machine.memory) == Applied::Done);
    CHECK(machine.ports.dirty.empty());
}

TEST_CASE("Marks: of several entries only those that lack a bit are written") {
    TinyMachine machine(kAll | kAccessed);
    walk_for(machine, Access::Write);
    REQUIRE(*machine.marks.apply(machine.memory) == Applied::Done);
    REQUIRE(machine.ports.dirty.size() == 1);
    CHECK(machine.ports.dirty[0].address == TinyMachine::kBottom);
    CHECK(machine.ram.peek(TinyMachine::kBottom) == (0x7000 | kLeaf | kAll | kAccessed | kDirty));
}

TEST_CASE("Marks: an entry that is another one by now is left as it is") {
    TinyMachine machine;
    walk_for(machine, Access::Write);
    machine.ram.poke(TinyMachine::kBottom, 0x8000 | kLeaf | kAll);
    const auto applied = machine.marks.apply(machine.memory);
    REQUIRE(applied);
    CHECK(*applied == Applied::Changed);
    CHECK(machine.ram.peek(TinyMachine::kBottom) == (0x8000 | kLeaf | kAll));
}

TEST_CASE("Marks: one bit that is not hardware's own makes an entry another one") {
    for (unsigned bit = 0; bit < 64; ++bit) {
        INFO("bit " << bit);
        TinyMachine machine;
        walk_for(machine, Access::Write);
        const std::uint64_t changed = machine.ram.peek(TinyMachine::kTop) ^ (std::uint64_t{1} << bit);
        machine.ram.poke(TinyMachine::kTop, changed);
        const auto applied = machine.marks.apply(machine.memory);
        REQUIRE(applied);
        const bool own = bit == 5 || bit == 6 || bit == 8;
        CHECK(*applied == (own ? Applied::Done : Applied::Changed));
        CHECK(machine.ram.peek(TinyMachine::kTop) == (own ? changed | kAccessed : changed));
    }
}

TEST_CASE("Marks: a bit that is there by now is not written again") {
    TinyMachine machine(kAll | kAccessed);
    walk_for(machine, Access::Write);
    machine.ram.poke(TinyMachine::kBottom, 0x7000 | kLeaf | kAll | kAccessed | kDirty);
    REQUIRE(*machine.marks.apply(machine.memory) == Applied::Done);
    CHECK(machine.ports.dirty.empty());
}

TEST_CASE("Marks: a change of an entry whose mark is not needed is not looked for") {
    TinyMachine machine(kAll | kAccessed);
    walk_for(machine, Access::Read);
    machine.ram.poke(TinyMachine::kTop, 0);
    CHECK(*machine.marks.apply(machine.memory) == Applied::Done);
    CHECK(machine.ram.peek(TinyMachine::kTop) == 0);
}

TEST_CASE("Marks: an update may clear bits of the leaf as well") {
    TinyMachine machine(kAll | kWatched);
    walk_for(machine, Access::Write);
    REQUIRE(*machine.marks.apply(machine.memory) == Applied::Done);
    CHECK(machine.ram.peek(TinyMachine::kBottom) == (0x7000 | kLeaf | kAll | kAccessed | kDirty));
    CHECK(machine.ram.peek(TinyMachine::kMiddle) == (0x3000 | kAll | kWatched | kAccessed));
}

TEST_CASE("Marks: two marks on one entry are no conflict, and both get their bits") {
    TinyMachine machine;
    Marks marks;
    const std::uint64_t entry = 0x2000 | kAll;
    marks.add({.at = Pa{TinyMachine::kTop}, .entry = entry, .update = {.set = kAccessed}, .own = kOwn});
    marks.add({.at = Pa{TinyMachine::kTop}, .entry = entry, .update = {.set = kAccessed | kDirty}, .own = kOwn});
    marks.add({.at = Pa{TinyMachine::kTop}, .entry = entry, .update = {.set = kAccessed}, .own = kOwn});
    REQUIRE(*marks.apply(machine.memory) == Applied::Done);
    CHECK(machine.ram.peek(TinyMachine::kTop) == (entry | kAccessed | kDirty));
    CHECK(machine.ports.dirty.size() == 2);
}

TEST_CASE("Marks: an update that is needed but not allowed is refused before anything is written") {
    TinyMachine machine;
    walk_for(machine, Access::Write);
    machine.marks.mark_at(2).writable = false;
    const auto applied = machine.marks.apply(machine.memory);
    REQUIRE_FALSE(applied);
    CHECK(applied.error().cause == WalkCause::UpdateNotWritable);
    CHECK(applied.error().stage == Stage::First);
    CHECK(applied.error().level == 1);
    CHECK(applied.error().slot == TinyMachine::kBottom);
    CHECK(applied.error().at == Pa{TinyMachine::kBottom});
    CHECK(applied.error().entry == (0x7000 | kLeaf | kAll));
    CHECK(machine.ports.dirty.empty());
    CHECK(machine.ram.peek(TinyMachine::kTop) == (0x2000 | kAll));
}

TEST_CASE("Marks: an update that is needed while hardware may not update is refused") {
    TinyMachine machine;
    walk_for(machine, Access::Read, {.coherent = Snooped::No});
    const auto applied = machine.marks.apply(machine.memory);
    REQUIRE_FALSE(applied);
    CHECK(applied.error().cause == WalkCause::UpdateNotSnooped);
    CHECK(applied.error().level == 3);
    CHECK(machine.ports.dirty.empty());
}

TEST_CASE("Marks: an update that is not needed may be impossible") {
    TinyMachine machine(kAll | kAccessed);
    walk_for(machine, Access::Read, {.coherent = Snooped::No});
    for (std::size_t i = 0; i < 3; ++i)
        machine.marks.mark_at(i).writable = false;
    machine.memory.set_ram({});
    CHECK(*machine.marks.apply(machine.memory) == Applied::Done);
}

TEST_CASE("Marks: an entry that is no RAM by now cannot be updated") {
    TinyMachine machine;
    walk_for(machine, Access::Write);
    auto smaller = machine.ram.range();
    smaller.size = 0x2000;
    machine.memory.set_ram(std::array{smaller});
    const auto applied = machine.marks.apply(machine.memory);
    REQUIRE_FALSE(applied);
    CHECK(applied.error().cause == WalkCause::UpdateFailed);
    CHECK(applied.error().level == 2);
    CHECK(applied.error().slot == TinyMachine::kMiddle);
}

TEST_CASE("Marks: as many as the deepest nested walk needs") {
    TinyMachine machine;
    Marks marks;
    CHECK(Marks::kCapacity == 35);
    for (std::size_t i = 0; i < 35; ++i)
        CHECK(marks.add({.at = Pa{0x4000 + 8 * i}, .update = {.set = kAccessed}, .own = kOwn}) == i);
    REQUIRE(*marks.apply(machine.memory) == Applied::Done);
    CHECK(machine.ram.peek(0x4000) == kAccessed);
    CHECK(machine.ram.peek(0x4000 + 8 * 34) == kAccessed);
    CHECK(machine.ports.dirty.size() == 35);
}

// A processor rewrites the entry while hardware sets a bit in the old one.
TEST_CASE("Marks: a bit is set in the entry that was walked, never in one that replaced it", "[threads]") {
    TinyMachine machine;
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> wrongly_marked{0}, rewrites{0}, marked{0};
    const std::uint64_t old_entry = 0x7000 | kLeaf | kAll, new_entry = 0x8000 | kLeaf | kAll;
    std::thread processor([&] {
        while (!stop.load()) {
            machine.ram.poke(TinyMachine::kBottom, old_entry);
            for (int looks = 0; looks < 20; ++looks) {
                if (machine.ram.peek(TinyMachine::kBottom) == (old_entry | kDirty)) ++marked;
            }
            machine.ram.poke(TinyMachine::kBottom, new_entry);
            for (int looks = 0; looks < 20; ++looks) {
                if (machine.ram.peek(TinyMachine::kBottom) != new_entry) ++wrongly_marked;
            }
            ++rewrites;
        }
    });
    while (rewrites.load() < 20000 || marked.load() == 0) {
        Marks marks;
        marks.add({.at = Pa{TinyMachine::kBottom}, .entry = old_entry, .update = {.set = kDirty}, .own = kOwn});
        if (!marks.apply(machine.memory)) break;
    }
    stop = true;
    processor.join();
    CHECK(marked > 0);
    CHECK(wrongly_marked == 0);
}

}  // namespace
