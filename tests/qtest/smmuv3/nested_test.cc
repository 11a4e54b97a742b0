// SPDX-License-Identifier: GPL-2.0-or-later
//
// Stage 1 over stage 2: all that stage 1 reads goes through stage 2, and a record says what it was read for.
#include <catch2/catch_test_macros.hpp>

#include "smmuv3/scene.h"

using namespace smmu_driver;
using namespace smmu_driver::event;

namespace {

constexpr std::uint64_t bias = NestedScene::bias;

Event by_second(NestedScene& scene, unsigned number, Access access, Class needed_for, std::uint64_t address) {
    return by_stage_2(of_access(number, scene.stream(), iova, access), needed_for, address + bias);
}

void check_both(NestedScene& scene, unsigned number, Class needed_for, std::uint64_t address) {
    for (const Access access : {Access::Read, Access::Write})
        check_access(scene, iova, access, one(by_second(scene, number, access, needed_for, address)));
}

}  // namespace

TEST_CASE("Nested: DMA through both stages", "[smmuv3][nested]") {
    NestedScene scene;
    scene.start();
    CHECK(scene.dma_read(iova) == Guest::pattern(1));
    scene.dma_write(iova, Guest::pattern(2));
    CHECK(scene.memory(scene.page) == Guest::pattern(2));
    CHECK(scene.take_events().empty());
}

TEST_CASE("Nested: stage 2 does not map what a walk needs", "[smmuv3][nested]") {
    NestedScene scene;
    scene.unmap_second(scene.page);
    scene.start();
    check_both(scene, F_TRANSLATION, Class::Input, scene.page);
    for (int level = 3; level >= 0; --level) {
        CAPTURE(level);
        scene.unmap_second(scene.first_table(level));
        scene.forget();
        check_both(scene, F_TRANSLATION, Class::TranslationTable, scene.first_table(level));
    }
    scene.unmap_second(scene.context);
    scene.forget();
    check_both(scene, F_TRANSLATION, Class::Descriptor, scene.context);
}

TEST_CASE("Nested: stage 2 gives no right to what a walk needs", "[smmuv3][nested]") {
    NestedScene scene;
    scene.map_second(scene.page, s2::AF | s2::normal);
    scene.start();
    check_both(scene, F_PERMISSION, Class::Input, scene.page);
    scene.map_second(scene.first_table(2), s2::W | s2::AF | s2::normal);
    scene.forget();
    for (const Access access : {Access::Read, Access::Write}) {
        auto record = by_second(scene, F_PERMISSION, access, Class::TranslationTable, scene.first_table(2));
        // TTRnW: the table was to be read, whatever the access.
        check_access(scene, iova, access, one(record.set(108, 108, 1)));
    }
    scene.map_second(scene.context, s2::W | s2::AF | s2::normal);
    scene.forget();
    check_both(scene, F_PERMISSION, Class::Descriptor, scene.context);
}

TEST_CASE("Nested: the access flag of stage 2", "[smmuv3][nested]") {
    NestedScene scene;
    constexpr std::uint64_t no_flag = s2::R | s2::W | s2::normal;
    scene.map_second(scene.page, no_flag);
    scene.start();
    check_both(scene, F_ACCESS, Class::Input, scene.page);
    scene.map_second(scene.first_table(3), no_flag);
    scene.forget();
    check_both(scene, F_ACCESS, Class::TranslationTable, scene.first_table(3));
    scene.map_second(scene.context, no_flag);
    scene.forget();
    check_both(scene, F_ACCESS, Class::Descriptor, scene.context);
}

TEST_CASE("Nested: what stage 1 refuses is stage 1's", "[smmuv3][nested]") {
    NestedScene scene;
    scene.start();
    check_access(scene, iova + 0x1000, Access::Read,
                 one(of_access(F_TRANSLATION, scene.stream(), iova + 0x1000, Access::Read)));
    scene.first.set_entry(iova, 3, scene.first.entry(iova) | s1::AP2);
    scene.forget();
    check_access(scene, iova, Access::Write, one(of_access(F_PERMISSION, scene.stream(), iova, Access::Write)));
}

TEST_CASE("Nested: stage 2 leads a walk nowhere", "[smmuv3][nested]") {
    NestedScene scene;
    const std::uint64_t descriptor = scene.first.entry_address(iova, 2);
    scene.second.map({.input = scene.first_table(2) + bias, .output = nowhere});
    scene.start();
    // The descriptor is stage 1's, the address that failed is physical.
    check_access(scene, iova, Access::Read,
                 one(of_access(F_WALK_EABT, scene.stream(), iova, Access::Read)
                         .set(105, 104, static_cast<std::uint64_t>(Class::TranslationTable))
                         .set(247, 195, (nowhere | (descriptor & 0xfff)) >> 3)));
    scene.second.map({.input = scene.context + bias, .output = nowhere});
    scene.forget();
    check_access(scene, iova, Access::Write, one(of_fetch(F_CD_FETCH, scene.stream(), nowhere)));
}

TEST_CASE("Nested: stage 2's own tables lead nowhere", "[smmuv3][nested]") {
    NestedScene scene;
    const std::uint64_t ipa = scene.page + bias;
    scene.start();
    scene.second.set_entry(ipa, 2, nowhere | 3);
    scene.forget();
    // Its walk begins with the CD, which the same table maps.
    const std::uint64_t offset = 8 * (scene.context >> 12 & 0x1ff);
    scene.touch_read(iova);
    const auto events = scene.take_events();
    REQUIRE(events.size() == 1);
    CHECK(events[0].get(7, 0) == F_WALK_EABT);
    CHECK(events[0].get(103, 103) == 1);
    CHECK(events[0].get(105, 104) == static_cast<std::uint64_t>(Class::Descriptor));
    CHECK(events[0].get(191, 128) == iova);
    CHECK(events[0].get(247, 195) << 3 == nowhere + offset);
}
