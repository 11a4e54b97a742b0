// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is wrong with a stream before any address is looked at: STE, CD, and where they lie.
#include <catch2/catch_test_macros.hpp>

#include "smmuv3/scene.h"

using namespace smmu_driver;
using namespace smmu_driver::event;

namespace {

using Case = EventCase<Stage1Scene>;

std::function<Event(Stage1Scene&, Access)> plain(unsigned number) {
    return [number](Stage1Scene& scene, Access) { return of_stream(number, scene.stream()); };
}
std::function<Event(Stage1Scene&, Access)> fetch(unsigned number, std::uint64_t address) {
    return [=](Stage1Scene& scene, Access) { return of_fetch(number, scene.stream(), address); };
}

const std::vector<Case> stes = {
    {"V=0", [](auto& scene) { scene.set_ste(scene.good_ste().set(0, 0, 0)); }, plain(C_BAD_STE)},
    {"STRW=1", [](auto& scene) { scene.set_ste(scene.good_ste().set(95, 94, 1)); }, plain(C_BAD_STE)},
    {"S1CDMax=31", [](auto& scene) { scene.set_ste(scene.good_ste().set(63, 59, 31)); }, plain(C_BAD_STE)},
    {"S1ContextPtr beyond the output size",
     [](auto& scene) { scene.set_ste(scene.good_ste().set(55, 6, bit(51) >> 6)); }, plain(C_BAD_STE)},
    {"S1DSS=0", [](auto& scene) { scene.set_ste(scene.good_ste().set(63, 59, 1).set(65, 64, 0)); },
     plain(F_STREAM_DISABLED)},
    {"no level-2 table of CDs",
     [](auto& scene) { scene.set_ste(ste::stage_1(scene.ram.allocate_page(), 7).set(5, 4, 1)); },
     plain(C_BAD_SUBSTREAMID)},
    {"a CD nowhere", [](auto& scene) { scene.set_ste(ste::stage_1(nowhere)); }, fetch(F_CD_FETCH, nowhere)},
    {"a table of CDs nowhere", [](auto& scene) { scene.set_ste(ste::stage_1(nowhere, 7).set(5, 4, 1)); },
     fetch(F_CD_FETCH, nowhere)},
};

const std::vector<Case> cds = {
    {"V=0", [](auto& scene) { scene.set_cd(scene.good_cd().set(31, 31, 0)); }, plain(C_BAD_CD)},
    {"T0SZ=5", [](auto& scene) { scene.set_cd(scene.good_cd().set(5, 0, 5)); }, plain(C_BAD_CD)},
    {"TG0=3", [](auto& scene) { scene.set_cd(scene.good_cd().set(7, 6, 3)); }, plain(C_BAD_CD)},
    {"AA64=0", [](auto& scene) { scene.set_cd(scene.good_cd().set(41, 41, 0)); }, plain(C_BAD_CD)},
    {"ENDI=1", [](auto& scene) { scene.set_cd(scene.good_cd().set(15, 15, 1)); }, plain(C_BAD_CD)},
    {"TTB0 beyond IPS", [](auto& scene) { scene.set_cd(scene.good_cd().set(34, 32, 0).set(115, 68, bit(33) >> 4)); },
     plain(C_BAD_CD)},
};

}  // namespace

TEST_CASE("ConfigurationEvents: STEs", "[smmuv3][events]") {
    for (const auto& one_case : stes) {
        DYNAMIC_SECTION(one_case.name) { check_case(one_case); }
    }
}

TEST_CASE("ConfigurationEvents: CDs", "[smmuv3][events]") {
    for (const auto& one_case : cds) {
        DYNAMIC_SECTION(one_case.name) { check_case(one_case); }
    }
}

TEST_CASE("ConfigurationEvents: a stream beyond the table is recorded if software wants it", "[smmuv3][events]") {
    Stage1Scene scene;
    scene.start();
    for (const std::uint32_t wanted : {RECINVSID, 0u}) {
        scene.unit.set_cr0(CMDQEN | EVENTQEN);
        scene.unit.write32(reg::CR2, wanted);
        scene.unit.write32(reg::STRTAB_BASE_CFG, 2);
        scene.unit.set_cr0(CMDQEN | EVENTQEN | SMMUEN);
        scene.forget();
        scene.touch_read(iova);
        const auto expected = wanted != 0 ? one(of_stream(C_BAD_STREAMID, scene.stream())) : Events{};
        CHECK(scene.take_events() == expected);
    }
    CHECK(scene.dma_read(scene.page) != Guest::pattern(1));
}

TEST_CASE("ConfigurationEvents: a stream table nowhere", "[smmuv3][events]") {
    Stage1Scene scene;
    scene.start();
    scene.unit.set_cr0(CMDQEN | EVENTQEN);
    scene.unit.write64(reg::STRTAB_BASE, nowhere);
    scene.unit.set_cr0(CMDQEN | EVENTQEN | SMMUEN);
    scene.forget();
    scene.touch_write(iova);
    CHECK(scene.take_events() == one(of_fetch(F_STE_FETCH, scene.stream(), nowhere + 64 * scene.stream())));
}

TEST_CASE("ConfigurationEvents: two levels of stream tables", "[smmuv3][events]") {
    Stage1Scene scene({.streams = Format::TwoLevel});
    scene.start();
    CHECK(scene.dma_read(iova) == Guest::pattern(1));
    const std::uint64_t slot = scene.streams.level_1_address(scene.stream());
    // Span=3: 4 STEs, which do not reach to this stream; then none at all.
    for (const std::uint64_t span : {3u, 0u}) {
        scene.ram.write64(slot, (scene.ram.read64(slot) & ~ones(4, 0)) | span);
        scene.forget();
        check_access(scene, iova, Access::Read, one(of_stream(C_BAD_STREAMID, scene.stream())));
    }
    scene.ram.write64(slot, nowhere | 9);
    scene.forget();
    check_access(scene, iova, Access::Read, one(of_fetch(F_STE_FETCH, scene.stream(), nowhere + 64 * scene.stream())));
}

TEST_CASE("ConfigurationEvents: a stream that is to be aborted is, without a word", "[smmuv3][events]") {
    Stage1Scene scene;
    scene.set_ste(ste::abort());
    scene.start();
    check_access(scene, scene.page, Access::Read, {});
    CHECK(scene.dma_read(scene.page) != Guest::pattern(1));
}

TEST_CASE("ConfigurationEvents: one record for one transfer", "[smmuv3][events]") {
    Stage1Scene scene;
    scene.set_ste(scene.good_ste().set(0, 0, 0));
    scene.start();
    scene.edu.dma_read(iova, 256);
    CHECK(scene.take_events() == one(of_stream(C_BAD_STE, scene.stream())));
    scene.edu.dma_write(iova, 256);
    CHECK(scene.take_events() == one(of_stream(C_BAD_STE, scene.stream())));
}
