// SPDX-License-Identifier: GPL-2.0-or-later
//
// Tables of the last level that earlier walks left: what uses them, what drops them. [SMMU G.b s4.4.1]
//
// The descriptor that points to the table is changed behind the unit's back, to a table with other pages; a page of it
// that is not in the TLB tells which of the two the unit goes by.
#include <catch2/catch_test_macros.hpp>

#include "smmu_guest.h"

using namespace test::smmu;

namespace {

constexpr std::uint64_t kOld = 0x1800000, kNew = 0x1900000;
constexpr std::uint64_t kVa = 0x40'0000'0000, kOther = kVa + 0x1000;

class Scene : public Guest {
  public:
    explicit Scene(unsigned config) : tables_(config == kStage2 ? second : low) {
        low.root = alloc();
        second.root = alloc();
        if (config != kStage2) identity_second();
        stream(kStream, {.config = config}, {});
        const std::uint64_t bits = config == kStage2 ? kS2Page : kPage | kNg;
        for (const std::uint64_t va : {kVa, kOther})
            map(tables_, va, kOld, bits);
        // Another table of the same pages: made beside it, and put in its place.
        const std::uint64_t table = alloc();
        const std::uint64_t leaf = peek(entry(tables_, kVa, 3));
        for (std::uint64_t index = 0; index < 512; ++index)
            poke(table + 8 * index, leaf - kOld + kNew);
        bring_up();
        REQUIRE(where(kVa) == kOld);
        const std::uint64_t pointer = entry(tables_, kVa, 2);
        poke(pointer, table | (peek(pointer) & 0xfff));
    }
    std::uint64_t where(std::uint64_t va) { return ask(read_at(va)).translation.address.value; }
    std::uint64_t after(const Command& command) {
        submit(command);
        REQUIRE(r32(kGerror) == 0);
        return where(kOther);
    }

  private:
    Tables& tables_;
};

constexpr std::uint64_t kVmid = 3, kAsid = 1;  // as a stream has them that does not say otherwise

Command leafless(Command command) {
    command[1] &= ~1ull;
    return command;
}
Command leaf(Command command) {
    command[1] |= 1;
    return command;
}

}  // namespace

TEST_CASE("SMMU kept tables: the next page of a table is found in it, whatever the stages") {
    for (const unsigned config : {kStage1, kStage2, kNested}) {
        INFO("Config " << config);
        CHECK(Scene(config).where(kOther) == kOld);
    }
}

TEST_CASE("SMMU kept tables: invalidating an address drops them unless Leaf is set") {
    for (const unsigned config : {kStage1, kNested}) {
        CHECK(Scene(config).after(tlbi_nh_va(kVmid, kAsid, kOther, true)) == kOld);
        CHECK(Scene(config).after(tlbi_nh_va(kVmid, kAsid, kOther, false)) == kNew);
    }
    CHECK(Scene(kStage2).after(leaf(tlbi_s2_ipa(kVmid, kOther))) == kOld);
    CHECK(Scene(kStage2).after(leafless(tlbi_s2_ipa(kVmid, kOther))) == kNew);
}

TEST_CASE("SMMU kept tables: they go with their ASID, their VMID, and everything") {
    for (const unsigned config : {kStage1, kNested}) {
        CHECK(Scene(config).after(tlbi_nh_asid(kVmid, kAsid)) == kNew);
        CHECK(Scene(config).after(tlbi_nh_all(kVmid)) == kNew);
        CHECK(Scene(config).after(tlbi_nh_vaa(kVmid, kOther)) == kNew);
        CHECK(Scene(config).after(tlbi_nh_asid(kVmid, kAsid + 1)) == kOld);
        CHECK(Scene(config).after(tlbi_nh_all(kVmid + 1)) == kOld);
    }
    for (const unsigned config : {kStage1, kStage2, kNested}) {
        CHECK(Scene(config).after(tlbi_s12_vmall(kVmid)) == kNew);
        CHECK(Scene(config).after(tlbi_nsnh_all()) == kNew);
    }
    CHECK(Scene(kStage2).after(tlbi_nh_all(kVmid)) == kOld);
}

TEST_CASE("SMMU kept tables: what they do not allow is looked for from the root") {
    for (const unsigned config : {kStage1, kStage2, kNested}) {
        Scene scene(config);
        CHECK(scene.where(kVa + 0x100000) == kNew);
        CHECK_FALSE(scene.take_event());
    }
}
