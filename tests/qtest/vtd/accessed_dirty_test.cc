// SPDX-License-Identifier: GPL-2.0-or-later
//
// Accessed and dirty bits as the guest finds them in its tables.
#include <catch2/catch_test_macros.hpp>

#include "vtd/guest.h"

using namespace vtd_driver;

namespace {

constexpr std::uint64_t iova = 0x123456789000;
constexpr std::uint64_t bias = bit(36);

struct FirstStageGuest : Guest {
    PageTable stage = first_stage();
    explicit FirstStageGuest(std::uint64_t q2_flags = 0) : Guest(Mode::Scalable) {
        stage.map({.iova = iova, .target = ram.allocate_page()});
        auto entry = PasidEntry::over_first_stage(stage, 5);
        entry.q2_flags = q2_flags;
        scalable.set(requester(), entry);
        start();
    }
    [[nodiscard]] std::uint64_t entry(unsigned level) const { return stage.entry(iova, level); }
};

struct SecondStageGuest : Guest {
    PageTable stage = second_stage();
    explicit SecondStageGuest(std::uint64_t q0_flags) : Guest(Mode::Scalable) {
        stage.map({.iova = iova, .target = ram.allocate_page()});
        auto entry = PasidEntry::over_second_stage(stage, 5);
        entry.q0_flags = q0_flags;
        scalable.set(requester(), entry);
        start();
    }
    [[nodiscard]] std::uint64_t entry(unsigned level) const { return stage.entry(iova, level); }
};

struct NestedGuest : Guest {
    std::uint64_t page = ram.allocate_page();
    PageTable first{ram, Stage::First, 4, bias};
    PageTable second{ram, Stage::Second, 4};
    NestedGuest() : Guest(Mode::Scalable) {
        first.map({.iova = iova, .target = page + bias});
        second.map({.iova = page + bias, .target = page});
        for (const std::uint64_t table : first.tables())
            second.map({.iova = table + bias, .target = table});
        auto entry = PasidEntry::nested(first, second, 5);
        entry.q0_flags = pasid_q0_SSADE;
        scalable.set(requester(), entry);
        start();
    }
    // The second stage's leaf for the first stage's table of this level.
    [[nodiscard]] std::uint64_t leaf_of_table(unsigned level) const {
        return second.entry((first.entry_address(iova, level) & ones(63, 12)) + bias, 1);
    }
};

}  // namespace

TEST_CASE("AccessedDirty: a first-stage read sets A at each level and D nowhere", "[vtd][accessed-dirty]") {
    FirstStageGuest guest;
    guest.touch_read(iova);
    for (unsigned level = 1; level <= 4; ++level) {
        CAPTURE(level);
        CHECK((guest.entry(level) & (fs::A | fs::D | fs::EA)) == fs::A);
    }
    CHECK(guest.take_faults().empty());
}

TEST_CASE("AccessedDirty: a first-stage write sets D in the leaf alone", "[vtd][accessed-dirty]") {
    FirstStageGuest guest;
    guest.touch_write(iova);
    CHECK((guest.entry(1) & (fs::A | fs::D)) == (fs::A | fs::D));
    for (unsigned level = 2; level <= 4; ++level)
        CHECK((guest.entry(level) & (fs::A | fs::D)) == fs::A);
}

TEST_CASE("AccessedDirty: a write after a cached read still sets D", "[vtd][accessed-dirty]") {
    FirstStageGuest guest;
    guest.touch_read(iova);
    CHECK((guest.entry(1) & fs::D) == 0);
    guest.touch_write(iova);
    CHECK((guest.entry(1) & fs::D) != 0);
}

TEST_CASE("AccessedDirty: EAFE sets EA together with A", "[vtd][accessed-dirty]") {
    FirstStageGuest guest(pasid_q2_EAFE);
    guest.touch_read(iova);
    for (unsigned level = 1; level <= 4; ++level)
        CHECK((guest.entry(level) & (fs::A | fs::EA)) == (fs::A | fs::EA));
}

TEST_CASE("AccessedDirty: a refused first-stage write sets no D", "[vtd][accessed-dirty]") {
    FirstStageGuest guest;
    guest.stage.flip(iova, 1, fs::RW);
    guest.touch_write(iova);
    CHECK((guest.entry(1) & fs::D) == 0);
    CHECK(guest.take_faults().size() == 1);
}

TEST_CASE("AccessedDirty: after the driver cleared D and invalidated, the next write sets it",
          "[vtd][accessed-dirty]") {
    FirstStageGuest guest;
    guest.touch_write(iova);
    guest.stage.flip(iova, 1, fs::D);
    guest.queue.submit(descriptor::pasid_iotlb_pages(5, 0, {iova, 0}));
    guest.touch_read(iova);
    CHECK((guest.entry(1) & fs::D) == 0);
    guest.touch_write(iova);
    CHECK((guest.entry(1) & fs::D) != 0);
}

TEST_CASE("AccessedDirty: a large page has its bits in its own entry", "[vtd][accessed-dirty]") {
    FirstStageGuest guest;
    constexpr std::uint64_t large = 512 * size_1g;
    guest.stage.map({.iova = large, .target = 16 * size_2m, .level = 2});
    guest.touch_write(large + 5 * size_4k);
    CHECK((guest.stage.entry(large, 2) & (fs::A | fs::D)) == (fs::A | fs::D));
}

TEST_CASE("AccessedDirty: a second stage sets them when SSADE asks for it", "[vtd][accessed-dirty]") {
    SecondStageGuest guest(pasid_q0_SSADE);
    guest.touch_read(iova);
    for (unsigned level = 1; level <= 4; ++level)
        CHECK((guest.entry(level) & (ss::A | ss::D)) == ss::A);
    guest.touch_write(iova);
    CHECK((guest.entry(1) & (ss::A | ss::D)) == (ss::A | ss::D));
    for (unsigned level = 2; level <= 4; ++level)
        CHECK((guest.entry(level) & ss::D) == 0);
}

TEST_CASE("AccessedDirty: a second stage without SSADE stays as it was written", "[vtd][accessed-dirty]") {
    SecondStageGuest guest(0);
    guest.touch_write(iova);
    for (unsigned level = 1; level <= 4; ++level)
        CHECK((guest.entry(level) & (ss::A | ss::D)) == 0);
    CHECK(guest.take_faults().empty());
}

TEST_CASE("AccessedDirty: legacy mode has none", "[vtd][accessed-dirty]") {
    Guest guest(Mode::Legacy);
    auto stage = guest.second_stage();
    stage.map({.iova = iova, .target = guest.ram.allocate_page()});
    guest.legacy.set(guest.requester(), LegacyContext::translating(stage, 5));
    guest.start();
    guest.touch_write(iova);
    for (unsigned level = 1; level <= 4; ++level)
        CHECK((stage.entry(iova, level) & (ss::A | ss::D)) == 0);
    CHECK(guest.take_faults().empty());
}

TEST_CASE("AccessedDirty: nested, both stages get theirs", "[vtd][accessed-dirty]") {
    NestedGuest guest;
    guest.touch_write(iova);
    CHECK(guest.take_faults().empty());
    CHECK((guest.first.entry(iova, 1) & (fs::A | fs::D)) == (fs::A | fs::D));
    CHECK((guest.second.entry(guest.page + bias, 1) & (ss::A | ss::D)) == (ss::A | ss::D));
    // The first stage's tables were written, their accessed bits.
    for (unsigned level = 1; level <= 4; ++level) {
        CAPTURE(level);
        CHECK((guest.first.entry(iova, level) & fs::A) != 0);
        CHECK((guest.leaf_of_table(level) & (ss::A | ss::D)) == (ss::A | ss::D));
    }
}

TEST_CASE("AccessedDirty: nested, a read leaves the page clean in both stages", "[vtd][accessed-dirty]") {
    NestedGuest guest;
    guest.touch_read(iova);
    CHECK(guest.take_faults().empty());
    CHECK((guest.first.entry(iova, 1) & (fs::A | fs::D)) == fs::A);
    CHECK((guest.second.entry(guest.page + bias, 1) & (ss::A | ss::D)) == ss::A);
}

TEST_CASE("AccessedDirty: nested, a write that the second stage refuses sets no D", "[vtd][accessed-dirty]") {
    NestedGuest guest;
    guest.second.flip(guest.page + bias, 1, ss::W);
    guest.touch_write(iova);
    CHECK(guest.take_faults().size() == 1);
    CHECK((guest.first.entry(iova, 1) & fs::D) == 0);
    CHECK((guest.second.entry(guest.page + bias, 1) & ss::D) == 0);
}
