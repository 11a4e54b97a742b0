// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/two_stage.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <vector>

#include "tiny_tables.h"

namespace {

using namespace test;
using iommu::Access;
using iommu::combine;
using iommu::Marks;
using iommu::Pa;
using iommu::Path;
using iommu::Privilege;
using iommu::Purpose;
using iommu::Result;
using iommu::Rights;
using iommu::single;
using iommu::Stage;
using iommu::StageLeaf;
using iommu::usable_rights;
using iommu::WalkCause;
using iommu::WalkFault;
using iommu::WalkQuery;
using Applied = Marks::Applied;

// The second stage maps the first stage's tables and page elsewhere, so that each address is of one space only:
//
//     first stage's   0x1000 0x2000 0x3000 0x7000       (tables at 0x1050, 0x2058, 0x3060; the page)
//     in memory at   0x41000 0x42000 0x43000 0x47000
//
// with second-stage tables 0x10000 (entry 0) -> 0x11000 (entry 0) -> 0x12000 (entries 1, 2, 3, 7).
struct NestedMachine {
    FakePorts ports;
    FakeRam ram{0x100000};
    iommu::GuestMemory memory{ports};
    Marks marks;
    TinyFirst first;
    TinySecond second{.table = 0x10000};

    static constexpr std::uint64_t kTop = 0x41050, kMiddle = 0x42058, kBottom = 0x43060;
    static constexpr std::uint64_t kOfTop = 0x12008, kOfMiddle = 0x12010, kOfBottom = 0x12018, kOfPage = 0x12038;

    NestedMachine() {
        memory.set_ram(std::array{ram.range()});
        ram.poke(kTop, 0x2000 | kAll);
        ram.poke(kMiddle, 0x3000 | kAll);
        ram.poke(kBottom, 0x7000 | kLeaf | kAll);
        ram.poke(0x10000, 0x11000 | kAll);
        ram.poke(0x11000, 0x12000 | kAll);
        ram.poke(kOfTop, 0x41000 | kLeaf | kAll);
        ram.poke(kOfMiddle, 0x42000 | kLeaf | kAll);
        ram.poke(kOfBottom, 0x43000 | kLeaf | kAll);
        ram.poke(kOfPage, 0x47000 | kLeaf | kAll);
    }
    void clear(std::uint64_t slot, std::uint64_t bits) { ram.poke(slot, ram.peek(slot) & ~bits); }
    void set(std::uint64_t slot, std::uint64_t bits) { ram.poke(slot, ram.peek(slot) | bits); }
    Result<Path, WalkFault> walk(Access access) {
        marks = {};
        return walk_nested(first, second, query(access), marks, memory);
    }
};

TEST_CASE("Nested: tables and page of the first stage are found through the second") {
    NestedMachine machine;
    const auto path = machine.walk(Access::Write);
    REQUIRE(path);
    CHECK(path->address == Pa{0x47def});
    CHECK(path->page_log2 == 12);
    CHECK(path->usable == Rights::ReadWrite);
}

TEST_CASE("Nested: a second-stage fault says whether the top table, a table or the access met it") {
    struct Hole {
        std::uint64_t slot;
        Purpose purpose;
    };
    const auto hole =
        GENERATE(Hole{NestedMachine::kOfTop, Purpose::TopTable}, Hole{NestedMachine::kOfMiddle, Purpose::Table},
                 Hole{NestedMachine::kOfBottom, Purpose::Table}, Hole{NestedMachine::kOfPage, Purpose::Access});
    INFO("slot " << hole.slot);
    NestedMachine machine;
    machine.clear(hole.slot, kPresent);
    const auto path = machine.walk(Access::Read);
    REQUIRE_FALSE(path);
    CHECK(path.error().stage == Stage::Second);
    CHECK(path.error().cause == WalkCause::NotPresent);
    CHECK(path.error().purpose == hole.purpose);
    CHECK(path.error().level == 1);
    CHECK(path.error().slot == hole.slot);
}

TEST_CASE("Nested: a first-stage fault is the first stage's, at the address that stage knows") {
    NestedMachine machine;
    machine.clear(NestedMachine::kMiddle, kPresent);
    const auto path = machine.walk(Access::Read);
    REQUIRE_FALSE(path);
    CHECK(path.error().stage == Stage::First);
    CHECK(path.error().cause == WalkCause::NotPresent);
    CHECK(path.error().level == 2);
    CHECK(path.error().slot == 0x2058);
    CHECK(path.error().at == Pa{NestedMachine::kMiddle});
}

TEST_CASE("Nested: a table beyond the second stage's input range is a fault of that stage") {
    NestedMachine machine;
    machine.ram.poke(NestedMachine::kTop, 0x1000000 | kAll);
    const auto path = machine.walk(Access::Read);
    REQUIRE_FALSE(path);
    CHECK(path.error().stage == Stage::Second);
    CHECK(path.error().cause == WalkCause::InputOutOfRange);
    CHECK(path.error().purpose == Purpose::Table);
}

TEST_CASE("Nested: tables are read, so they need the second stage's read right only") {
    const auto table = GENERATE(NestedMachine::kOfTop, NestedMachine::kOfMiddle, NestedMachine::kOfBottom);
    NestedMachine machine;
    machine.clear(table, kRead);
    CHECK(machine.walk(Access::Write).error().cause == WalkCause::NoRead);
    machine.set(table, kRead);
    machine.clear(table, kWrite);
    CHECK(machine.walk(Access::Write));
}

TEST_CASE("Nested: the page needs the access's rights in both stages") {
    NestedMachine machine;
    SECTION("first stage withholds writing") {
        machine.clear(NestedMachine::kBottom, kWrite);
        CHECK(machine.walk(Access::Write).error().stage == Stage::First);
    }
    SECTION("second stage withholds writing") {
        machine.clear(NestedMachine::kOfPage, kWrite);
        const auto path = machine.walk(Access::Write);
        REQUIRE_FALSE(path);
        CHECK(path.error().stage == Stage::Second);
        CHECK(path.error().cause == WalkCause::NoWrite);
        CHECK(path.error().purpose == Purpose::Access);
    }
    machine.set(NestedMachine::kBottom, kDirty);
    machine.set(NestedMachine::kOfPage, kDirty);
    CHECK(machine.walk(Access::Read)->usable == Rights::Read);
}

TEST_CASE("Nested: both stages set their bits, and a written table page becomes dirty in the second") {
    NestedMachine machine;
    REQUIRE(machine.walk(Access::Read));
    REQUIRE(*machine.marks.apply(machine.memory) == Applied::Done);
    for (const std::uint64_t slot : {NestedMachine::kTop, NestedMachine::kMiddle, NestedMachine::kBottom}) {
        INFO("first stage " << slot);
        CHECK((machine.ram.peek(slot) & (kAccessed | kDirty)) == kAccessed);
    }
    for (const std::uint64_t slot : {NestedMachine::kOfTop, NestedMachine::kOfMiddle, NestedMachine::kOfBottom}) {
        INFO("second stage, table page " << slot);
        CHECK((machine.ram.peek(slot) & (kAccessed | kDirty)) == (kAccessed | kDirty));
    }
    CHECK((machine.ram.peek(NestedMachine::kOfPage) & (kAccessed | kDirty)) == kAccessed);
    CHECK((machine.ram.peek(0x10000) & (kAccessed | kDirty)) == kAccessed);
    CHECK((machine.ram.peek(0x11000) & (kAccessed | kDirty)) == kAccessed);
}

TEST_CASE("Nested: a table page that is written gets the second stage's whole update for a write") {
    NestedMachine machine;
    machine.set(NestedMachine::kOfMiddle, kWatched);
    machine.set(NestedMachine::kOfPage, kWatched);
    REQUIRE(machine.walk(Access::Read));
    REQUIRE(*machine.marks.apply(machine.memory) == Applied::Done);
    CHECK((machine.ram.peek(NestedMachine::kOfMiddle) & (kDirty | kWatched)) == kDirty);
    CHECK((machine.ram.peek(NestedMachine::kOfPage) & (kDirty | kWatched)) == kWatched);
}

TEST_CASE("Nested: a table page that is only read stays clean in the second stage") {
    NestedMachine machine;
    machine.set(NestedMachine::kMiddle, kAccessed);
    REQUIRE(machine.walk(Access::Read));
    REQUIRE(*machine.marks.apply(machine.memory) == Applied::Done);
    CHECK((machine.ram.peek(NestedMachine::kOfMiddle) & (kAccessed | kDirty)) == kAccessed);
    CHECK((machine.ram.peek(NestedMachine::kOfTop) & kDirty) == kDirty);
}

TEST_CASE("Nested: setting a bit in a table the second stage does not let be written is refused, nothing is written") {
    NestedMachine machine;
    machine.clear(NestedMachine::kOfMiddle, kWrite);
    REQUIRE(machine.walk(Access::Read));
    const auto applied = machine.marks.apply(machine.memory);
    REQUIRE_FALSE(applied);
    CHECK(applied.error().cause == WalkCause::UpdateNotWritable);
    CHECK(applied.error().stage == Stage::First);
    CHECK(applied.error().level == 2);
    CHECK(applied.error().slot == 0x2058);
    CHECK(applied.error().at == Pa{NestedMachine::kMiddle});
    CHECK(machine.ports.dirty.empty());

    // Without a bit to set, a read-only table is fine.
    machine.set(NestedMachine::kMiddle, kAccessed);
    REQUIRE(machine.walk(Access::Read));
    CHECK(*machine.marks.apply(machine.memory) == Applied::Done);
}

TEST_CASE("Nested: an access that faults leaves no bit behind") {
    NestedMachine machine;
    machine.clear(NestedMachine::kOfPage, kWrite);
    REQUIRE_FALSE(machine.walk(Access::Write));
    CHECK(machine.ports.dirty.empty());
}

TEST_CASE("Nested: five levels under five levels fit the marks") {
    NestedMachine machine;
    machine.first = {.table = 0x5000, .levels = 5};
    machine.second = {.table = 0x14000, .levels = 5};
    machine.ram.poke(0x14000, 0x13000 | kAll);
    machine.ram.poke(0x13000, 0x10000 | kAll);
    machine.ram.poke(0x12028, 0x45000 | kLeaf | kAll);
    machine.ram.poke(0x12030, 0x46000 | kLeaf | kAll);
    machine.ram.poke(0x45000, 0x6000 | kAll);
    machine.ram.poke(0x46000, 0x1000 | kAll);
    REQUIRE(machine.walk(Access::Write)->address == Pa{0x47def});
    CHECK(machine.marks.end() - machine.marks.begin() == 35);
    CHECK(*machine.marks.apply(machine.memory) == Applied::Done);
}

TEST_CASE("Combine: the smaller page, the address of the second stage") {
    struct Sizes {
        unsigned first, second, both;
    };
    const auto sizes = GENERATE(Sizes{12, 21, 12}, Sizes{21, 12, 12}, Sizes{30, 21, 21}, Sizes{21, 21, 21});
    const Path path = combine({.output = 0x1111, .page_log2 = sizes.first, .rights = Rights::ReadWrite},
                              {.output = 0x2222, .page_log2 = sizes.second, .rights = Rights::ReadWrite});
    CHECK(path.address == Pa{0x2222});
    CHECK(path.page_log2 == sizes.both);
    CHECK(path.usable == Rights::ReadWrite);
}

TEST_CASE("Combine: the common rights") {
    struct Case {
        Rights first, second, both;
    };
    const auto what = GENERATE(
        Case{Rights::ReadWrite, Rights::Read, Rights::Read}, Case{Rights::Write, Rights::ReadWrite, Rights::Write},
        Case{Rights::Read, Rights::Write, Rights::None}, Case{Rights::ReadWrite, Rights::ReadWrite, Rights::ReadWrite});
    CHECK(combine({.rights = what.first}, {.rights = what.second}).usable == what.both);
}

TEST_CASE("Combine: a clean leaf in either stage hides the write right") {
    const StageLeaf clean{.rights = Rights::ReadWrite, .clean = true};
    const StageLeaf dirty{.rights = Rights::ReadWrite, .clean = false};
    CHECK(combine(clean, dirty).usable == Rights::Read);
    CHECK(combine(dirty, clean).usable == Rights::Read);
    CHECK(combine(dirty, dirty).usable == Rights::ReadWrite);
    CHECK(single(clean).usable == Rights::Read);
    CHECK(single(dirty).usable == Rights::ReadWrite);
    CHECK(usable_rights({.rights = Rights::Write, .clean = true}) == Rights::None);
}

TEST_CASE("Single: one stage's address, size and rights are the path's") {
    TinyMachine machine;
    machine.ram.poke(TinyMachine::kMiddle, 0x50000 | kLeaf | kAll);
    const auto path = walk_single(TinySecond{}, query(Access::Write), machine.marks, machine.memory);
    REQUIRE(path);
    CHECK(path->address == Pa{0x5cdef});
    CHECK(path->page_log2 == 16);
    CHECK(path->usable == Rights::ReadWrite);
    CHECK(walk_single(TinySecond{}, query(Access::Read, 0), machine.marks, machine.memory).error().stage ==
          Stage::Second);
}

}  // namespace
