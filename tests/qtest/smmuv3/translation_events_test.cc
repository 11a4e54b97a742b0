// SPDX-License-Identifier: GPL-2.0-or-later
//
// What one stage has against an address.
#include <catch2/catch_test_macros.hpp>

#include "smmuv3/scene.h"

using namespace smmu_driver;
using namespace smmu_driver::event;

namespace {

template <typename Scene>
std::function<Event(Scene&, Access)> at(unsigned number, std::uint64_t address) {
    return [=](Scene& scene, Access access) {
        const Event record = of_access(number, scene.stream(), address, access);
        return std::is_same_v<Scene, Stage2Scene> ? by_stage_2(record, Class::Input, address) : record;
    };
}
// A descriptor that cannot be read.
std::function<Event(Stage1Scene&, Access)> walk(std::uint64_t fetched) {
    return [=](Stage1Scene& scene, Access access) {
        return of_access(F_WALK_EABT, scene.stream(), iova, access)
            .set(105, 104, static_cast<std::uint64_t>(Class::TranslationTable))
            .set(247, 195, fetched >> 3);
    };
}

constexpr std::uint64_t level_0_offset = 8 * (iova >> 39 & 0x1ff);
constexpr std::uint64_t level_2_offset = 8 * (iova >> 21 & 0x1ff);
constexpr std::uint64_t table = 3;  // type of a descriptor
constexpr std::uint64_t upper_half = 0xffff'8000'0000'0000;

void add_bits(Stage1Scene& scene, std::uint64_t set, std::uint64_t clear) {
    scene.stage.set_entry(iova, 3, (scene.stage.entry(iova) & ~clear) | set);
}

const std::vector<EventCase<Stage1Scene>> stage_1_cases = {
    {"unmapped", [](auto&) {}, at<Stage1Scene>(F_TRANSLATION, iova + 0x1238), iova + 0x1238},
    {"the upper half", [](auto&) {}, at<Stage1Scene>(F_TRANSLATION, upper_half), upper_half},
    {"no address at all", [](auto&) {}, at<Stage1Scene>(F_TRANSLATION, bit(50)), bit(50)},
    {"no level-1 table", [](auto& scene) { scene.stage.set_entry(iova, 0, 0); }, at<Stage1Scene>(F_TRANSLATION, iova)},
    {"a reserved type", [](auto& scene) { scene.stage.set_entry(iova, 3, scene.page | s1::user_page | 1); },
     at<Stage1Scene>(F_TRANSLATION, iova)},
    {"a page beyond IPS",
     [](auto& scene) {
         scene.set_cd(scene.good_cd().set(34, 32, 1));
         add_bits(scene, bit(37), 0);
     },
     at<Stage1Scene>(F_ADDR_SIZE, iova)},
    {"a table beyond IPS",
     [](auto& scene) {
         scene.set_cd(scene.good_cd().set(34, 32, 1));
         scene.stage.set_entry(iova, 1, bit(37) | table);
     },
     at<Stage1Scene>(F_ADDR_SIZE, iova)},
    {"AF=0", [](auto& scene) { add_bits(scene, 0, s1::AF); }, at<Stage1Scene>(F_ACCESS, iova)},
    {"not for the unprivileged", [](auto& scene) { add_bits(scene, 0, s1::AP1); }, at<Stage1Scene>(F_PERMISSION, iova)},
    {"a root nowhere", [](auto& scene) { scene.set_cd(scene.good_cd().set(115, 68, nowhere >> 4)); },
     walk(nowhere + level_0_offset)},
    {"a table nowhere", [](auto& scene) { scene.stage.set_entry(iova, 1, nowhere | table); },
     walk(nowhere + level_2_offset)},
};

void set_leaf(Stage2Scene& scene, std::uint64_t bits) {
    scene.stage.map({.input = Stage2Scene::ipa, .output = scene.page, .bits = bits});
}

const std::vector<EventCase<Stage2Scene>> stage_2_cases = {
    {"unmapped", [](auto&) {}, at<Stage2Scene>(F_TRANSLATION, Stage2Scene::ipa + 0x1238), Stage2Scene::ipa + 0x1238},
    {"beyond S2T0SZ", [](auto&) {}, at<Stage2Scene>(F_TRANSLATION, bit(40)), bit(40)},
    {"AF=0", [](auto& scene) { set_leaf(scene, s2::R | s2::W | s2::normal); },
     at<Stage2Scene>(F_ACCESS, Stage2Scene::ipa), Stage2Scene::ipa},
    {"no right", [](auto& scene) { set_leaf(scene, s2::AF | s2::normal); },
     at<Stage2Scene>(F_PERMISSION, Stage2Scene::ipa), Stage2Scene::ipa},
    {"a page beyond S2PS",
     [](auto& scene) {
         scene.set_ste(scene.good_ste().set(178, 176, 1));
         scene.stage.map({.input = Stage2Scene::ipa, .output = bit(37)});
     },
     at<Stage2Scene>(F_ADDR_SIZE, Stage2Scene::ipa), Stage2Scene::ipa},
};

}  // namespace

TEST_CASE("TranslationEvents: stage 1", "[smmuv3][events]") {
    for (const auto& one_case : stage_1_cases) {
        DYNAMIC_SECTION(one_case.name) { check_case(one_case); }
    }
}

TEST_CASE("TranslationEvents: stage 2", "[smmuv3][events]") {
    for (const auto& one_case : stage_2_cases) {
        DYNAMIC_SECTION(one_case.name) { check_case(one_case); }
    }
}

TEST_CASE("TranslationEvents: stage 1 and 2 may be for reads or for writes only", "[smmuv3][events]") {
    Stage1Scene scene;
    scene.start();
    add_bits(scene, s1::AP2, 0);
    check_access(scene, iova, Access::Read, {});
    check_access(scene, iova, Access::Write, one(of_access(F_PERMISSION, scene.stream(), iova, Access::Write)));

    Stage2Scene second;
    constexpr auto ipa = Stage2Scene::ipa;
    set_leaf(second, s2::R | s2::AF | s2::normal);
    second.start();
    check_access(second, ipa, Access::Read, {});
    check_access(second, ipa, Access::Write, one(at<Stage2Scene>(F_PERMISSION, ipa)(second, Access::Write)));
    set_leaf(second, s2::W | s2::AF | s2::normal);
    second.forget();
    check_access(second, ipa, Access::Write, {});
    check_access(second, ipa, Access::Read, one(at<Stage2Scene>(F_PERMISSION, ipa)(second, Access::Read)));
}

TEST_CASE("TranslationEvents: one record for one transfer", "[smmuv3][events]") {
    Stage1Scene scene;
    scene.start();
    const std::uint64_t unmapped = iova + 0x4000;
    scene.edu.dma_read(unmapped, 256);
    CHECK(scene.take_events() == one(of_access(F_TRANSLATION, scene.stream(), unmapped, Access::Read)));
    scene.edu.dma_write(unmapped + 8, 256);
    CHECK(scene.take_events() == one(of_access(F_TRANSLATION, scene.stream(), unmapped + 8, Access::Write)));
}

TEST_CASE("TranslationEvents: R=0 keeps them out of the queue", "[smmuv3][events]") {
    Stage1Scene scene;
    scene.set_cd(scene.good_cd().set(45, 45, 0));
    scene.start();
    check_access(scene, iova + 0x1000, Access::Read, {});
    // But not what the tables themselves cause.
    scene.stage.set_entry(iova, 1, nowhere | table);
    check_access(scene, iova, Access::Read, one(walk(nowhere + level_2_offset)(scene, Access::Read)));

    Stage2Scene second;
    second.set_ste(second.good_ste().set(186, 186, 0));
    second.start();
    check_access(second, Stage2Scene::ipa + 0x1000, Access::Read, {});
}

TEST_CASE("TranslationEvents: an address that cannot be put out", "[smmuv3][events]") {
    Stage1Scene scene;
    scene.set_ste(ste::bypass());
    scene.start();
    CHECK(scene.dma_read(scene.page) == Guest::pattern(1));
    check_access(scene, bit(53), Access::Read, one(of_access(F_ADDR_SIZE, scene.stream(), bit(53), Access::Read)));
}
