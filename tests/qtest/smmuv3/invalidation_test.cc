// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the unit keeps until it is told, and which command tells it.
//
// A unit may drop more than it is told to. What is said here to be kept is what this one keeps.
#include <catch2/catch_test_macros.hpp>

#include "smmuv3/scene.h"

using namespace smmu_driver;
using namespace smmu_driver::command;

namespace {

constexpr std::uint64_t vmid = 7;
constexpr std::uint64_t asid = 5;

// A page of which the unit knows a translation that the tables no longer have.
class StalePage {
  public:
    StalePage(Guest& guest, PageTable& stage, std::uint64_t input, std::uint64_t bits = 0)
        : guest_(&guest), stage_(&stage), input_(input), bits_(bits) {
        map();
    }
    // The unit learns what the table says, then the table says otherwise.
    void make_stale() {
        REQUIRE(guest_->dma_read(input_) == Guest::pattern(seeds_[0]));
        std::swap(seeds_[0], seeds_[1]);
        std::swap(pages_[0], pages_[1]);
        map();
        REQUIRE(is_stale());
    }
    [[nodiscard]] bool is_stale() { return guest_->dma_read(input_) == Guest::pattern(seeds_[1]); }
    [[nodiscard]] bool is_fresh() { return guest_->dma_read(input_) == Guest::pattern(seeds_[0]); }

  private:
    void map() { stage_->map({.input = input_, .output = pages_[0], .bits = bits_}); }

    Guest* guest_;
    PageTable* stage_;
    std::uint64_t input_;
    std::uint64_t bits_;
    std::uint32_t seeds_[2] = {1001, 1002};
    std::uint64_t pages_[2] = {guest_->patterned_page(1001), guest_->patterned_page(1002)};
};

struct Case {
    std::string name;
    Command command;
};

void check_drops(Guest& guest, StalePage& page, const std::vector<Case>& cases) {
    for (const auto& one_case : cases) {
        CAPTURE(one_case.name);
        page.make_stale();
        guest.commands.push(one_case.command);
        guest.commands.submit(cmd_sync());
        CHECK(page.is_fresh());
    }
}

void check_keeps(Guest& guest, StalePage& page, const std::vector<Case>& cases) {
    page.make_stale();
    for (const auto& one_case : cases) {
        CAPTURE(one_case.name);
        guest.commands.push(one_case.command);
        guest.commands.submit(cmd_sync());
        CHECK(page.is_stale());
    }
    guest.forget();
    CHECK(page.is_fresh());
}

// (num + 1) * 2^scale pages of 4 KiB.
Command range(Command command, std::uint64_t num, std::uint64_t scale) {
    return command.set(16, 12, num).set(24, 20, scale).set(75, 74, 1);
}

// A stream in the world that STRW names.
struct WorldScene : Guest {
    explicit WorldScene(unsigned strw, std::uint32_t with_cr2 = RECINVSID, std::uint64_t bits = 0)
        : stale(*this, stage, iova, bits) {
        cr2 = with_cr2;
        write_structure(ram, context, cd::over(stage, asid));
        streams.set(stream(), ste::stage_1(context).set(95, 94, strw).set(143, 128, strw == 0 ? vmid : 0));
        start();
    }
    PageTable stage = stage_1();
    StalePage stale;
};

}  // namespace

TEST_CASE("Invalidation: stage 1", "[smmuv3][invalidation]") {
    WorldScene scene(0);
    check_drops(scene, scene.stale,
                {
                    {"NH_ALL", tlbi_nh_all(vmid)},
                    {"NH_ASID", tlbi_nh_asid(vmid, asid)},
                    {"NH_VA", tlbi_nh_va(vmid, asid, iova)},
                    {"NH_VA, leaf", leaf(tlbi_nh_va(vmid, asid, iova))},
                    {"NH_VAA", tlbi_nh_vaa(vmid, iova)},
                    {"NH_VA, the last of four pages", range(tlbi_nh_va(vmid, asid, iova - 0x3000), 3, 0)},
                    {"NH_VA, the last of eight pages", range(tlbi_nh_va(vmid, asid, iova - 0x7000), 3, 1)},
                    {"NH_VAA, the first of two pages", range(tlbi_nh_vaa(vmid, iova), 1, 0)},
                    {"S12_VMALL", tlbi_s12_vmall(vmid)},
                    {"NSNH_ALL", tlbi_nsnh_all()},
                });
    check_keeps(scene, scene.stale,
                {
                    {"NH_ALL of another VMID", tlbi_nh_all(vmid + 1)},
                    {"NH_ASID of another", tlbi_nh_asid(vmid, asid + 1)},
                    {"NH_ASID of another VMID", tlbi_nh_asid(vmid + 1, asid)},
                    {"NH_VA of the next page", tlbi_nh_va(vmid, asid, iova + 0x1000)},
                    {"NH_VA of another ASID", tlbi_nh_va(vmid, asid + 1, iova)},
                    {"NH_VA of another VMID", tlbi_nh_va(vmid + 1, asid, iova)},
                    {"NH_VAA of another VMID", tlbi_nh_vaa(vmid + 1, iova)},
                    {"NH_VA of the four pages before", range(tlbi_nh_va(vmid, asid, iova - 0x4000), 3, 0)},
                    {"S12_VMALL of another VMID", tlbi_s12_vmall(vmid + 1)},
                    {"EL2_VA", tlbi_el2_va(asid, iova)},
                    {"CFGI_ALL", cfgi_all()},
                    {"CFGI_STE", cfgi_ste(scene.stream())},
                });
}

TEST_CASE("Invalidation: a global page belongs to all ASIDs", "[smmuv3][invalidation]") {
    WorldScene scene(0, RECINVSID, s1::AP1 | s1::ISH | s1::AF);
    check_drops(scene, scene.stale,
                {
                    {"NH_VA of another ASID", tlbi_nh_va(vmid, asid + 1, iova)},
                    {"NH_VAA", tlbi_nh_vaa(vmid, iova)},
                    {"NH_ALL", tlbi_nh_all(vmid)},
                });
    check_keeps(scene, scene.stale,
                {
                    {"NH_ASID", tlbi_nh_asid(vmid, asid)},
                    {"NH_VA of another VMID", tlbi_nh_va(vmid + 1, asid, iova)},
                });
}

TEST_CASE("Invalidation: the world of EL2 with ASIDs", "[smmuv3][invalidation]") {
    WorldScene scene(2, RECINVSID | E2H);
    check_drops(scene, scene.stale,
                {
                    {"EL2_ALL", tlbi_el2_all()},
                    {"EL2_ASID", tlbi_el2_asid(asid)},
                    {"EL2_VA", tlbi_el2_va(asid, iova)},
                    {"EL2_VAA", tlbi_el2_vaa(iova)},
                });
    check_keeps(scene, scene.stale,
                {
                    {"EL2_ASID of another", tlbi_el2_asid(asid + 1)},
                    {"EL2_VA of another", tlbi_el2_va(asid + 1, iova)},
                    {"NH_VA", tlbi_nh_va(0, asid, iova)},
                    {"NH_ALL", tlbi_nh_all(1)},
                });
}

TEST_CASE("Invalidation: stage 2", "[smmuv3][invalidation]") {
    Guest guest;
    constexpr std::uint64_t ipa = Stage2Scene::ipa;
    auto stage = guest.stage_2();
    StalePage page(guest, stage, ipa);
    guest.set_stage_2(stage, vmid);
    guest.start();
    check_drops(guest, page,
                {
                    {"S2_IPA", tlbi_s2_ipa(vmid, ipa)},
                    {"S2_IPA, leaf", leaf(tlbi_s2_ipa(vmid, ipa))},
                    {"S2_IPA, the last of four pages", range(tlbi_s2_ipa(vmid, ipa - 0x3000), 3, 0)},
                    {"S12_VMALL", tlbi_s12_vmall(vmid)},
                    {"NSNH_ALL", tlbi_nsnh_all()},
                });
    check_keeps(guest, page,
                {
                    {"S2_IPA of the next page", tlbi_s2_ipa(vmid, ipa + 0x1000)},
                    {"S2_IPA of another VMID", tlbi_s2_ipa(vmid + 1, ipa)},
                    {"S12_VMALL of another VMID", tlbi_s12_vmall(vmid + 1)},
                    {"CFGI_ALL", cfgi_all()},
                });
}

TEST_CASE("Invalidation: both stages", "[smmuv3][invalidation]") {
    NestedScene scene;
    scene.start();
    const auto other = scene.patterned_page(2);
    REQUIRE(scene.dma_read(iova) == Guest::pattern(1));
    scene.second.map({.input = scene.page + NestedScene::bias, .output = other});
    CHECK(scene.dma_read(iova) == Guest::pattern(1));
    // Stage 2's entry, then what was combined of it.
    scene.commands.push(tlbi_s2_ipa(2, scene.page + NestedScene::bias));
    scene.commands.push(tlbi_nh_all(2));
    scene.commands.submit(cmd_sync());
    CHECK(scene.dma_read(iova) == Guest::pattern(2));
    scene.second.map({.input = scene.page + NestedScene::bias, .output = scene.page});
    CHECK(scene.dma_read(iova) == Guest::pattern(2));
    scene.commands.submit(tlbi_s12_vmall(2));
    CHECK(scene.dma_read(iova) == Guest::pattern(1));
}

namespace {

// A structure that became bad, and whether the unit has noticed.
void check_configuration(const std::function<void(Stage1Scene&)>& spoil, unsigned number, const std::vector<Case>& drop,
                         const std::vector<Case>& keep) {
    Stage1Scene scene;
    const std::uint32_t stream = scene.stream();
    scene.start();
    for (const auto& one_case : drop) {
        CAPTURE(one_case.name);
        check_access(scene, iova, Access::Read, {});
        spoil(scene);
        for (const auto& other : keep) {
            CAPTURE(other.name);
            scene.commands.submit(other.command);
            check_access(scene, iova, Access::Read, {});
        }
        scene.commands.submit(one_case.command);
        check_access(scene, iova, Access::Read, one(event::of_stream(number, stream)));
        scene.set_stage_1(scene.stage);
        scene.forget();
    }
}

// Of edu, which is 00:01.0 here.
constexpr std::uint32_t edu_stream = 8;
const std::vector<Case> drop_stes = {
    {"CFGI_STE", cfgi_ste(edu_stream)},
    {"CFGI_STE, not only the leaf", of_stream(0x03, edu_stream)},
    {"CFGI_STE_RANGE, two", cfgi_ste_range(9, 0)},
    {"CFGI_STE_RANGE, eight", cfgi_ste_range(15, 2)},
    {"CFGI_ALL", cfgi_all()},
};
const std::vector<Case> keep_all = {
    {"CFGI_STE of another", cfgi_ste(edu_stream + 1)},
    {"CFGI_STE_RANGE, the two before", cfgi_ste_range(7, 0)},
    {"CFGI_STE_RANGE, the eight before", cfgi_ste_range(0, 2)},
    {"CFGI_CD of another stream", cfgi_cd(edu_stream + 1)},
    {"CFGI_CD_ALL of another stream", cfgi_cd_all(edu_stream + 1)},
    {"NSNH_ALL", tlbi_nsnh_all()},
};

}  // namespace

TEST_CASE("Invalidation: STEs", "[smmuv3][invalidation]") {
    check_configuration([](Stage1Scene& scene) { scene.set_ste(scene.good_ste().set(0, 0, 0)); }, event::C_BAD_STE,
                        drop_stes, keep_all);
}

TEST_CASE("Invalidation: CDs", "[smmuv3][invalidation]") {
    auto drop = drop_stes;
    drop.push_back({"CFGI_CD", cfgi_cd(edu_stream)});
    drop.push_back({"CFGI_CD_ALL", cfgi_cd_all(edu_stream)});
    check_configuration([](Stage1Scene& scene) { scene.set_cd(scene.good_cd().set(31, 31, 0)); }, event::C_BAD_CD, drop,
                        keep_all);
}
