// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a walk reads, in which order, what it grants and how it fails.
#include "iommu/walk.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <optional>
#include <vector>

#include "tiny_tables.h"

namespace {

using namespace test;
using iommu::Access;
using iommu::Err;
using iommu::IdentityLocate;
using iommu::Level;
using iommu::Located;
using iommu::Pa;
using iommu::Privilege;
using iommu::Purpose;
using iommu::Result;
using iommu::Rights;
using iommu::Stage;
using iommu::StageLeaf;
using iommu::WalkCause;
using iommu::WalkFault;
using iommu::WalkQuery;

Result<StageLeaf, WalkFault> walk_first(TinyMachine& machine, const WalkQuery& what, const TinyFirst& format = {}) {
    machine.marks = {};
    return walk(format, what, IdentityLocate{}, machine.marks, machine.memory);
}

// Records what it is asked; refuses one slot.
struct RecordingLocate {
    struct Asked {
        std::uint64_t slot;
        Purpose purpose;
        friend bool operator==(const Asked&, const Asked&) = default;
    };
    std::vector<Asked> asked;
    std::vector<std::uint64_t> written_slots;
    std::optional<std::uint64_t> refused;

    Result<Located, WalkFault> locate(std::uint64_t slot, Purpose purpose) {
        asked.push_back({slot, purpose});
        if (slot == refused) return Err{WalkFault{.stage = Stage::Second, .cause = WalkCause::NoRead, .level = 2}};
        return Located{.at = Pa{slot}};
    }
    void written(const Located& located) { written_slots.push_back(located.at.value); }
};

TEST_CASE("Walk: goes from the root down and gives the page's address with the offset") {
    TinyMachine machine;
    const auto leaf = walk_first(machine, query(Access::Read));
    REQUIRE(leaf);
    CHECK(leaf->output == 0x7def);
    CHECK(leaf->page_log2 == 12);
    CHECK(leaf->rights == Rights::ReadWrite);
}

TEST_CASE("Walk: reads one entry of each level, the highest first, and asks where each is") {
    TinyMachine machine;
    RecordingLocate locator;
    REQUIRE(walk(TinyFirst{}, query(Access::Read), locator, machine.marks, machine.memory));
    CHECK(locator.asked == std::vector<RecordingLocate::Asked>{
                               {0x1050, Purpose::TopTable}, {0x2058, Purpose::Table}, {0x3060, Purpose::Table}});
}

TEST_CASE("Walk: a leaf at a higher level ends it with the larger page") {
    TinyMachine machine;
    machine.ram.poke(TinyMachine::kMiddle, 0x50000 | kLeaf | kAll);
    auto leaf = walk_first(machine, query(Access::Read));
    REQUIRE(leaf);
    CHECK(leaf->output == 0x5cdef);
    CHECK(leaf->page_log2 == 16);
    CHECK(machine.mark_count() == 2);

    machine.ram.poke(TinyMachine::kTop, 0x600000 | kLeaf | kAll);
    leaf = walk_first(machine, query(Access::Read));
    REQUIRE(leaf);
    CHECK(leaf->output == 0x6bcdef);
    CHECK(leaf->page_log2 == 20);
    CHECK(machine.mark_count() == 1);
}

TEST_CASE("Walk: tables of one level and of five are walked") {
    TinyMachine machine;
    machine.ram.poke(0x4060, 0x7000 | kLeaf | kAll);
    CHECK(walk_first(machine, query(Access::Read, 0xcdef), {.table = 0x4000, .levels = 1})->output == 0x7def);

    machine.ram.poke(0x6008, 0x5000 | kAll);
    machine.ram.poke(0x5010, 0x1000 | kAll);
    CHECK(walk_first(machine, query(Access::Read, 0x12abcdef), {.table = 0x6000, .levels = 5})->output == 0x7def);
    CHECK(machine.mark_count() == 5);
}

TEST_CASE("Walk: an input that is out of range reads no entry") {
    TinyMachine machine;
    RecordingLocate locator;
    REQUIRE(walk_first(machine, query(Access::Read, 0xabcfff)));
    machine.marks = {};
    const auto leaf = walk(TinyFirst{}, query(Access::Read, 0x1000000), locator, machine.marks, machine.memory);
    REQUIRE_FALSE(leaf);
    CHECK(leaf.error().cause == WalkCause::InputOutOfRange);
    CHECK(leaf.error().level == 0);
    CHECK(leaf.error().input == 0x1000000);
    CHECK(locator.asked.empty());
}

struct Place {
    std::uint64_t slot;
    Level level;
    bool top;
};
const Place kTop{TinyMachine::kTop, 3, true}, kMiddle{TinyMachine::kMiddle, 2, false},
    kBottom{TinyMachine::kBottom, 1, false};

TEST_CASE("Walk: a bad entry is reported where it is, with what it held") {
    const auto place = GENERATE(kTop, kMiddle, kBottom);
    struct Bad {
        std::uint64_t flip;
        WalkCause cause;
    };
    const auto bad = GENERATE(Bad{kPresent, WalkCause::NotPresent}, Bad{kReserved, WalkCause::Reserved},
                              Bad{kTooHigh, WalkCause::OutputOutOfRange}, Bad{kUnseen, WalkCause::NotAccessed});
    INFO("level " << place.level << " cause " << static_cast<int>(bad.cause));
    TinyMachine machine;
    const std::uint64_t entry = machine.ram.peek(place.slot) ^ bad.flip;
    machine.ram.poke(place.slot, entry);
    const auto leaf = walk_first(machine, query(Access::Read));
    REQUIRE_FALSE(leaf);
    CHECK(leaf.error().cause == bad.cause);
    CHECK(leaf.error().stage == Stage::First);
    CHECK(leaf.error().level == place.level);
    CHECK(leaf.error().top == place.top);
    CHECK(leaf.error().slot == place.slot);
    CHECK(leaf.error().at == Pa{place.slot});
    CHECK(leaf.error().input == 0xabcdef);
    CHECK(leaf.error().entry == entry);
    CHECK(leaf.error().purpose == Purpose::Access);
}

TEST_CASE("Walk: an entry outside RAM cannot be read") {
    TinyMachine machine;
    machine.ram.poke(TinyMachine::kMiddle, 0x100000 | kAll);
    const auto leaf = walk_first(machine, query(Access::Read));
    REQUIRE_FALSE(leaf);
    CHECK(leaf.error().cause == WalkCause::TableAccess);
    CHECK(leaf.error().level == 1);
    CHECK(leaf.error().slot == 0x100060);
    CHECK(leaf.error().entry == 0);
    CHECK_FALSE(leaf.error().top);

    const auto top = walk_first(machine, query(Access::Read), {.table = 0x100000});
    REQUIRE_FALSE(top);
    CHECK(top.error().cause == WalkCause::TableAccess);
    CHECK(top.error().level == 3);
    CHECK(top.error().top);
}

TEST_CASE("Walk: a table below the lowest level is a reserved entry") {
    TinyMachine machine;
    machine.ram.poke(TinyMachine::kBottom, 0x4000 | kAll);
    const auto leaf = walk_first(machine, query(Access::Read));
    REQUIRE_FALSE(leaf);
    CHECK(leaf.error().cause == WalkCause::Reserved);
    CHECK(leaf.error().level == 1);
    CHECK(leaf.error().slot == TinyMachine::kBottom);
}

TEST_CASE("Walk: the locator's fault is the walk's") {
    TinyMachine machine;
    RecordingLocate locator;
    locator.refused = TinyMachine::kMiddle;
    const auto leaf = walk(TinyFirst{}, query(Access::Read), locator, machine.marks, machine.memory);
    REQUIRE_FALSE(leaf);
    CHECK(leaf.error().stage == Stage::Second);
    CHECK(leaf.error().cause == WalkCause::NoRead);
    CHECK(leaf.error().level == 2);
    CHECK(locator.asked.size() == 2);
}

TEST_CASE("Walk: its purpose is in its faults") {
    TinyMachine machine;
    WalkQuery what = query(Access::Read, 0);
    what.purpose = Purpose::TopTable;
    CHECK(walk_first(machine, what).error().purpose == Purpose::TopTable);
    what.purpose = Purpose::Table;
    CHECK(walk_first(machine, what).error().purpose == Purpose::Table);
}

TEST_CASE("Walk: a right must be granted at every level") {
    const auto place = GENERATE(kTop, kMiddle, kBottom);
    INFO("level " << place.level);
    TinyMachine machine;
    const std::uint64_t entry = machine.ram.peek(place.slot);

    machine.ram.poke(place.slot, entry & ~kWrite);
    CHECK(walk_first(machine, query(Access::Read))->rights == Rights::Read);
    CHECK(walk_first(machine, query(Access::Write)).error().cause == WalkCause::NoWrite);
    CHECK(walk_first(machine, query(Access::Atomic)).error().cause == WalkCause::NoWrite);

    machine.ram.poke(place.slot, entry & ~kRead);
    CHECK(walk_first(machine, query(Access::Write))->rights == Rights::Write);
    CHECK(walk_first(machine, query(Access::Read)).error().cause == WalkCause::NoRead);

    machine.ram.poke(place.slot, entry & ~kUser);
    CHECK(walk_first(machine, query(Access::Read)).error().cause == WalkCause::NoUser);
    WalkQuery supervisor = query(Access::Read);
    supervisor.privilege = Privilege::Supervisor;
    CHECK(walk_first(machine, supervisor)->rights == Rights::ReadWrite);
}

TEST_CASE("Walk: a missing right is reported at the leaf, whichever level withholds it") {
    TinyMachine machine;
    machine.ram.poke(TinyMachine::kTop, 0x2000 | (kAll & ~kWrite));
    const auto leaf = walk_first(machine, query(Access::Write));
    REQUIRE_FALSE(leaf);
    CHECK(leaf.error().level == 1);
    CHECK(leaf.error().slot == TinyMachine::kBottom);
}

TEST_CASE("Walk: it is clean when the format keeps a dirty bit and the access leaves it clear") {
    TinyMachine machine;
    CHECK(walk_first(machine, query(Access::Read))->clean);
    CHECK_FALSE(walk_first(machine, query(Access::Write))->clean);
    CHECK_FALSE(walk_first(machine, query(Access::Read), {.sets_bits = false})->clean);
    machine.ram.poke(TinyMachine::kBottom, 0x7000 | kLeaf | kAll | kDirty);
    CHECK_FALSE(walk_first(machine, query(Access::Read))->clean);
}

TEST_CASE("Walk: it writes nothing, not even when it succeeds") {
    TinyMachine machine;
    REQUIRE(walk_first(machine, query(Access::Write)));
    CHECK(machine.ram.peek(TinyMachine::kTop) == (0x2000 | kAll));
    CHECK(machine.ram.peek(TinyMachine::kMiddle) == (0x3000 | kAll));
    CHECK(machine.ram.peek(TinyMachine::kBottom) == (0x7000 | kLeaf | kAll));
    CHECK(machine.ports.dirty.empty());
}

TEST_CASE("Walk: one mark for each entry used, with the bits the access wants in it") {
    TinyMachine machine;
    const auto leaf = walk_first(machine, query(Access::Write));
    REQUIRE(leaf);
    REQUIRE(machine.mark_count() == 3);
    CHECK(machine.mark(0).at == Pa{TinyMachine::kTop});
    CHECK(machine.mark(0).level == 3);
    CHECK(machine.mark(0).update.set == kAccessed);
    CHECK(machine.mark(1).at == Pa{TinyMachine::kMiddle});
    CHECK(machine.mark(1).level == 2);
    CHECK(machine.mark(1).update.set == kAccessed);
    CHECK(machine.mark(2).at == Pa{TinyMachine::kBottom});
    CHECK(machine.mark(2).level == 1);
    CHECK(machine.mark(2).update.set == (kAccessed | kDirty));
    CHECK(machine.mark(2).entry == (0x7000 | kLeaf | kAll));
    CHECK(machine.mark(2).update.clear == kWatched);
    CHECK_FALSE(machine.mark(1).leaf);
    CHECK(machine.mark(2).leaf);
    CHECK(machine.mark(2).slot == TinyMachine::kBottom);
    CHECK(leaf->leaf_mark == 2);
}

TEST_CASE("Walk: the locator is told of entries that will be written, and of no others") {
    TinyMachine machine;
    machine.ram.poke(TinyMachine::kMiddle, 0x3000 | kAll | kAccessed);
    RecordingLocate locator;
    REQUIRE(walk(TinyFirst{}, query(Access::Read), locator, machine.marks, machine.memory));
    CHECK(locator.written_slots == std::vector<std::uint64_t>{TinyMachine::kTop, TinyMachine::kBottom});
}

}  // namespace
