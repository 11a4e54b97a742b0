// SPDX-License-Identifier: GPL-2.0-or-later
//
// Scenes: a guest with good tables, to be spoilt; and the check of what one access then leaves in the event queue.
//
// Each maps `iova` to a page with pattern 1. In the nested one, stage 1 knows all by intermediate addresses, which are
// `bias` above the real ones: the CD, its tables and the page.
#ifndef QTEST_SMMUV3_SCENE_H
#define QTEST_SMMUV3_SCENE_H

#include <catch2/catch_test_macros.hpp>

#include <functional>
#include <string>

#include "smmuv3/guest.h"

namespace smmu_driver {

inline constexpr std::uint64_t iova = 0x123456789000;
// Nothing answers here, and it is an address that the unit can put out.
inline constexpr std::uint64_t nowhere = bit(38);

struct Stage1Scene : Guest {
    explicit Stage1Scene(const GuestOptions& options = {}) : Guest(options) {
        stage.map({.input = iova, .output = page});
        set_stage_1(stage);
    }
    // Writes other STE and CD than the good ones.
    void set_ste(const Ste& entry) { streams.set(stream(), entry); }
    void set_cd(const Cd& entry) { write_structure(ram, context, entry); }
    [[nodiscard]] Ste good_ste() const { return ste::stage_1(context); }
    [[nodiscard]] Cd good_cd() const { return cd::over(stage, 1); }

    std::uint64_t page = patterned_page(1);
    PageTable stage = stage_1();
};

struct Stage2Scene : Guest {
    explicit Stage2Scene(const GuestOptions& options = {}) : Guest(options) {
        stage.map({.input = ipa, .output = page});
        set_stage_2(stage);
    }
    void set_ste(const Ste& entry) { streams.set(stream(), entry); }
    [[nodiscard]] Ste good_ste() const { return ste::stage_2(stage, 2); }

    static constexpr std::uint64_t ipa = 0x3456789000;
    std::uint64_t page = patterned_page(1);
    PageTable stage = stage_2();
};

struct NestedScene : Guest {
    static constexpr std::uint64_t bias = bit(37);

    explicit NestedScene(const GuestOptions& options = {}) : Guest(options) {
        first.map({.input = iova, .output = page + bias});
        for (const std::uint64_t own : {sink, source})
            first.map({.input = own, .output = own + bias});
        for (const std::uint64_t table : first.tables())
            map_second(table);
        for (const std::uint64_t own : {sink, source, page, context})
            map_second(own);
        write_structure(ram, context, cd::over(first, 1));
        streams.set(stream(), ste::nested(context + bias, second, 2));
    }
    void map_second(std::uint64_t address, std::uint64_t bits = 0) {
        second.map({.input = address + bias, .output = address, .bits = bits});
    }
    void unmap_second(std::uint64_t address) const { second.set_entry(address + bias, 3, 0); }
    // Where stage 1's table of this level for `iova` lies.
    [[nodiscard]] std::uint64_t first_table(int level) const { return first.entry_address(iova, level) & ones(63, 12); }

    std::uint64_t page = patterned_page(1);
    PageTable first{ram, Stage::One, bias};
    PageTable second{ram, Stage::Two};
};

// Exactly these, of one access.
inline void check_access(Guest& guest, std::uint64_t address, Access access, const Events& expected) {
    CAPTURE(address, static_cast<int>(access));
    guest.touch(address, access);
    CHECK(guest.take_events() == expected);
}

// One thing wrong in a good scene, and the one record that every access then leaves.
template <typename Scene>
struct EventCase {
    std::string name;
    std::function<void(Scene&)> spoil;
    std::function<Event(Scene&, Access)> record;
    std::uint64_t address = iova;
};

template <typename Scene>
void check_case(const EventCase<Scene>& event_case, const GuestOptions& options = {}) {
    Scene scene(options);
    event_case.spoil(scene);
    scene.start();
    for (const Access access : {Access::Read, Access::Write})
        check_access(scene, event_case.address, access, one(event_case.record(scene, access)));
    CHECK(scene.memory(scene.page) == Guest::pattern(1));
}

}  // namespace smmu_driver

#endif  // QTEST_SMMUV3_SCENE_H
