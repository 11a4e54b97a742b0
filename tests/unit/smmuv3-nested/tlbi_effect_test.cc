// SPDX-License-Identifier: GPL-2.0-or-later
//
// Each TLB invalidation seen through the unit: translations that it names are gone, all others are still used.
// [SMMU G.b s3.17, s4.4]
#include <catch2/catch_test_macros.hpp>
#include <set>
#include <string>
#include <vector>

#include "smmu_guest.h"

using namespace test::smmu;

namespace {

constexpr std::uint64_t kGlobalPage = kPage & ~kNg;
constexpr std::uint64_t kOld = 0x1800000, kNew = 0x1900000;
constexpr std::uint64_t kVa = 0x4000, kNeighbour = 0x5000, kShared = 0x8000;

// One stream for each combination that a command must tell apart. Each has its own tables.
struct Space {
    const char* name;
    std::uint32_t stream;
    unsigned config;
    std::uint64_t vmid, asid;
};
const std::vector<Space> kSpaces{
    {"a", 8, kStage1, 3, 1},       {"other asid", 9, kStage1, 3, 2}, {"other vmid", 10, kStage1, 5, 1},
    {"s2", 11, kStage2, 3, 0},     {"other s2", 12, kStage2, 5, 0},  {"nested", 13, kNested, 3, 1},
    {"vmid 2", 14, kStage1, 2, 1}, {"s2 vmid 2", 15, kStage2, 2, 0}, {"vmid 7", 16, kStage1, 7, 1},
};

// Every page of every space is cached, and then mapped elsewhere.
class Scene : public Guest {
  public:
    explicit Scene(const smmuv3::Capabilities& asked = {}) : Guest(asked) {
        for (const Space& space : kSpaces) {
            low.root = alloc();
            second.root = alloc();
            identity_second();
            stream(space.stream, {.config = space.config, .vmid = space.vmid}, {.asid = space.asid});
            const bool stage2 = space.config == kStage2;
            for (const std::uint64_t va : {kVa, kNeighbour, kShared}) {
                const Tables& tables = stage2 ? second_pages(va) : low;
                const std::uint64_t bits = stage2 ? kS2Page : va == kShared ? kGlobalPage : kPage;
                leaves_.push_back(map(tables, va, kOld + va, bits));
            }
        }
        bring_up();
        for (const Space& space : kSpaces)
            for (const std::uint64_t va : {kVa, kNeighbour, kShared})
                REQUIRE(where(space, va) == kOld + va);
        for (const std::uint64_t leaf : leaves_)
            poke(leaf, peek(leaf) + (kNew - kOld));
        ports.unmaps.clear();
    }
    // Names of the spaces whose page is not the cached one any more.
    std::set<std::string> gone(std::uint64_t va) {
        std::set<std::string> names;
        for (const Space& space : kSpaces) {
            const std::uint64_t at = where(space, va);
            CHECK((at == kOld + va || at == kNew + va));
            if (at == kNew + va) names.insert(space.name);
        }
        return names;
    }

  private:
    std::uint64_t where(const Space& space, std::uint64_t va) {
        return ask(from(space.stream, read_at(va))).translation.address.value;
    }
    // Stage 2 maps RAM with blocks: the one with the pages is replaced by a table.
    const Tables& second_pages(std::uint64_t va) {
        const std::uint64_t block = entry(second, va, 2);
        if ((peek(block) & 2) == 0) poke(block, 0);
        return second;
    }
    std::vector<std::uint64_t> leaves_;
};

using Names = std::set<std::string>;
const Names kNobody{};
const Names kEverybody{"a", "other asid", "other vmid", "s2", "other s2", "nested", "vmid 2", "s2 vmid 2", "vmid 7"};

}  // namespace

TEST_CASE("SMMU: each TLBI command drops what it names and nothing else") {
    struct Case {
        const char* what;
        Command command;
        Names page, neighbour, global;  // whose kVa, kNeighbour, kShared are gone
    };
    const Names first3{"a", "other asid", "nested"}, asid1{"a", "nested"};
    const Names all3{"a", "other asid", "nested", "s2"};
    for (const Case& item : {
             Case{"CFGI_ALL", cfgi_all(), kNobody, kNobody, kNobody},
             Case{"NH_ALL", tlbi_nh_all(3), first3, first3, first3},
             Case{"NH_ALL of nobody", tlbi_nh_all(4), kNobody, kNobody, kNobody},
             Case{"NH_ALL, VMID upper byte", tlbi_nh_all(0x103), kNobody, kNobody, kNobody},
             Case{"NH_ASID", tlbi_nh_asid(3, 1), asid1, asid1, kNobody},
             Case{"NH_ASID 2", tlbi_nh_asid(3, 2), {"other asid"}, {"other asid"}, kNobody},
             Case{"NH_ASID upper byte", tlbi_nh_asid(3, 0x101), kNobody, kNobody, kNobody},
             Case{"NH_VA", tlbi_nh_va(3, 1, kVa), asid1, kNobody, kNobody},
             Case{"NH_VA, not leaf only", tlbi_nh_va(3, 1, kVa, false), asid1, kNobody, kNobody},
             Case{"NH_VA of a global page", tlbi_nh_va(3, 77, kShared), kNobody, kNobody, first3},
             Case{"NH_VA of another VMID", tlbi_nh_va(4, 1, kVa), kNobody, kNobody, kNobody},
             Case{"S12_VMALL", tlbi_s12_vmall(3), all3, all3, all3},
             Case{"S12_VMALL of another",
                  tlbi_s12_vmall(5),
                  {"other vmid", "other s2"},
                  {"other vmid", "other s2"},
                  {"other vmid", "other s2"}},
             Case{"S2_IPA", tlbi_s2_ipa(3, kVa), {"s2"}, kNobody, kNobody},
             Case{"S2_IPA of another", tlbi_s2_ipa(5, kNeighbour), kNobody, {"other s2"}, kNobody},
             Case{"NSNH_ALL", tlbi_nsnh_all(), kEverybody, kEverybody, kEverybody},
             Case{"CMD_SYNC", cmd_sync(), kNobody, kNobody, kNobody},
         }) {
        Scene guest;
        guest.put(item.command);
        guest.submit(cmd_sync());
        CAPTURE(item.what);
        CHECK(guest.gone(kVa) == item.page);
        CHECK(guest.gone(kNeighbour) == item.neighbour);
        CHECK(guest.gone(kShared) == item.global);
        CHECK(guest.r32(kGerror) == 0);
    }
}

// It may drop more of the VMID than the address: the ASIDs are not known.
TEST_CASE("SMMU: NH_VAA drops the address in every ASID of the VMID, and nothing of another VMID") {
    for (const std::uint64_t va : {kVa, kShared}) {
        Scene guest;
        guest.submit(tlbi_nh_vaa(3, va));
        CHECK(guest.gone(va) == Names{"a", "other asid", "nested"});
    }
}

TEST_CASE("SMMU: wildcards reach the VMIDs that differ in the ignored bits, up to four of them") {
    struct Case {
        unsigned vmw;
        std::uint64_t vmid;
        Names names;  // of stage 1, at kVa
    };
    const Names three{"a", "other asid", "nested"};
    const Names two_three{"a", "other asid", "nested", "vmid 2"};
    const Names all{"a", "other asid", "nested", "vmid 2", "other vmid", "vmid 7"};
    for (const Case& item :
         {Case{0, 3, three}, Case{0, 2, {"vmid 2"}}, Case{1, 3, two_three}, Case{1, 2, two_three},
          Case{1, 5, {"other vmid"}}, Case{2, 1, two_three}, Case{2, 4, {"other vmid", "vmid 7"}}, Case{3, 0, all},
          Case{3, 8, kNobody}, Case{4, 8, all}, Case{4, 0x10, kNobody}, Case{5, 3, three}, Case{7, 3, three}}) {
        CAPTURE(item.vmw, item.vmid);
        {
            Scene guest;
            guest.set_cr0(kSmmuEn | kEventqEn | kCmdqEn | item.vmw << 6);
            guest.submit(tlbi_nh_all(item.vmid));
            CHECK(guest.gone(kVa) == item.names);
        }
        Scene guest;
        guest.set_cr0(kSmmuEn | kEventqEn | kCmdqEn | item.vmw << 6);
        guest.submit(tlbi_nh_va(item.vmid, 1, kVa));
        Names by_asid = item.names;
        by_asid.erase("other asid");
        CHECK(guest.gone(kVa) == by_asid);
    }
}

TEST_CASE("SMMU: wildcards never reach further in look-ups") {
    Scene guest;
    guest.set_cr0(kSmmuEn | kEventqEn | kCmdqEn | 4u << 6);
    CHECK(guest.gone(kVa) == kNobody);
}

TEST_CASE("SMMU: a range drops its pages, the first and the last, and neither neighbour") {
    struct Case {
        unsigned tg, num, scale, ttl;
        std::uint64_t first, pages;
    };
    for (const Case& item :
         {Case{1, 0, 0, 3, 8, 1}, Case{1, 2, 0, 0, 8, 3}, Case{1, 0, 2, 3, 8, 4}, Case{1, 1, 1, 3, 8, 4},
          Case{0, 0, 0, 0, 8, 1}, Case{2, 0, 0, 3, 8, 4}, Case{3, 0, 0, 3, 16, 16}}) {
        Guest guest;
        guest.stream(kStream);
        std::vector<std::uint64_t> leaves;
        for (std::uint64_t page = 0; page < 40; ++page)
            leaves.push_back(guest.map(guest.low, page << 12, kOld + (page << 12), kPage));
        guest.bring_up();
        for (std::uint64_t page = 0; page < 40; ++page)
            (void)guest.ask(read_at(page << 12));
        for (const std::uint64_t leaf : leaves)
            guest.poke(leaf, guest.peek(leaf) + (kNew - kOld));
        Command command = tlbi_nh_va(3, 1, item.first << 12);
        command[0] |= std::uint64_t{item.num} << 12 | std::uint64_t{item.scale} << 20;
        command[1] |= std::uint64_t{item.ttl} << 8 | std::uint64_t{item.tg} << 10;
        guest.submit(command);
        CAPTURE(item.tg, item.num, item.scale, item.ttl);
        for (std::uint64_t page = 0; page < 40; ++page) {
            const bool inside = page >= item.first && page < item.first + item.pages;
            CAPTURE(page);
            CHECK(guest.ask(read_at(page << 12)).translation.address.value == (inside ? kNew : kOld) + (page << 12));
        }
    }
}

TEST_CASE("SMMU: an address anywhere in a block drops the block") {
    for (const std::uint64_t address : {0x40000000ull, 0x40001000ull, 0x401ff000ull}) {
        Guest guest;
        guest.stream(kStream);
        const std::uint64_t leaf = guest.map(guest.low, 0x40000000, 0x1800000, kPage, 2);
        guest.bring_up();
        REQUIRE(guest.ask(read_at(0x40123456)).translation.address.value == 0x1923456);
        guest.poke(leaf, 0);
        guest.submit(tlbi_nh_va(3, 1, address - 0x200000));
        CHECK(guest.ask(read_at(0x40123456)).outcome == iommu::Outcome::Translated);
        guest.submit(tlbi_nh_va(3, 1, address));
        CHECK(guest.ask(read_at(0x40123456)).outcome == iommu::Outcome::Blocked);
    }
}

// The upper half, and an address with an ignored top byte.
TEST_CASE("SMMU: the top byte of an address does not keep an entry alive") {
    for (const std::uint64_t tag : {0x00ull, 0x5aull, 0xffull}) {
        Guest guest;
        guest.format(guest.high, 12, 0, 48);
        guest.stream(kStream);
        guest.set(guest.cd(kStream), 38, 38, 1);  // TBI0
        guest.set(guest.cd(kStream), 39, 39, 1);  // TBI1
        const std::uint64_t low = guest.map(guest.low, 0x4000, 0x1800000, kPage);
        const std::uint64_t high = guest.map(guest.high, 0xffff'0000'0000'4000, 0x1900000, kPage);
        guest.bring_up();
        const std::uint64_t low_va = tag << 56 | 0x4000;
        const std::uint64_t high_va = tag << 56 | 0x00ff'0000'0000'4000;
        REQUIRE(guest.ask(read_at(low_va)).translation.address.value == 0x1800000);
        REQUIRE(guest.ask(read_at(high_va)).translation.address.value == 0x1900000);
        guest.poke(low, 0);
        guest.poke(high, 0);
        CAPTURE(std::hex, tag);
        guest.submit(tlbi_nh_va(3, 1, 0x4000));
        CHECK(guest.ask(read_at(low_va)).outcome == iommu::Outcome::Blocked);
        CHECK(guest.ask(read_at(high_va)).outcome == iommu::Outcome::Translated);
        guest.submit(tlbi_nh_va(3, 1, 0xffff'0000'0000'4000));
        CHECK(guest.ask(read_at(high_va)).outcome == iommu::Outcome::Blocked);
    }
}

TEST_CASE("SMMU: EL2 entries are reached by the EL2 commands only") {
    struct Case {
        const char* what;
        Command command;
        bool dropped, dropped_e2h;
    };
    for (const Case& item :
         {Case{"NH_ALL", tlbi_nh_all(3), false, false}, Case{"NH_VA", tlbi_nh_va(3, 1, kVa), false, false},
          Case{"S12_VMALL", tlbi_s12_vmall(3), false, false}, Case{"EL2_ALL", tlbi_el2_all(), true, true},
          Case{"EL2_VA", tlbi_el2_va(1, kVa), true, true}, Case{"EL2_VA, other ASID", tlbi_el2_va(2, kVa), true, false},
          Case{"EL2_VA, elsewhere", tlbi_el2_va(1, kNeighbour), false, false},
          Case{"EL2_ASID", Command{0x21 | 1ull << 48, 0}, false, true},
          Case{"EL2_ASID, other", Command{0x21 | 2ull << 48, 0}, false, false},
          Case{"EL2_VAA", Command{0x23, kVa}, true, true}}) {
        for (const bool e2h : {false, true}) {
            Guest guest;
            guest.cr2 |= e2h ? 1 : 0;
            guest.stream(kStream, {.strw = 2});
            const std::uint64_t leaf = guest.map(guest.low, kVa, kOld, kPage);
            guest.bring_up();
            CAPTURE(item.what, e2h);
            REQUIRE(guest.ask(privileged(read_at(kVa))).translation.address.value == kOld);
            guest.poke(leaf, guest.peek(leaf) + (kNew - kOld));
            guest.submit(item.command);
            const bool dropped = e2h ? item.dropped_e2h : item.dropped;
            CHECK(guest.ask(privileged(read_at(kVa))).translation.address.value == (dropped ? kNew : kOld));
        }
    }
}

TEST_CASE("SMMU: those who keep translations are told what to forget") {
    struct Case {
        Command command;
        std::uint64_t first, last;
    };
    Scene guest;
    for (const Case& item : {Case{tlbi_nh_va(3, 1, kVa), kVa, kVa + 0xfff}, Case{tlbi_nh_vaa(3, kVa), kVa, kVa + 0xfff},
                             Case{tlbi_nh_all(3), 0, ~0ull}, Case{tlbi_s2_ipa(3, kVa), 0, ~0ull},
                             Case{tlbi_nsnh_all(), 0, ~0ull}, Case{tlbi_s12_vmall(3), 0, ~0ull}}) {
        guest.ports.unmaps.clear();
        guest.submit(item.command);
        REQUIRE(guest.ports.unmaps.size() == 1);
        CAPTURE(std::hex, item.command[0]);
        CHECK(guest.ports.unmaps[0].first.value == item.first);
        CHECK(guest.ports.unmaps[0].last.value == item.last);
    }
}

// One command by address drops a whole block of stage 1, of which a holder may have pieces that stage 2 made; and every
// address that differs in an ignored top byte.
TEST_CASE("SMMU: those who keep translations forget all that a command by address reaches") {
    enum class Scene { Plain, Pieces, TopByte };
    for (const auto scene : {Scene::Plain, Scene::Pieces, Scene::TopByte}) {
        Guest guest;
        guest.identity_second();
        guest.stream(kStream, {.config = kNested});
        if (scene == Scene::TopByte) guest.set(guest.cd(kStream), 38, 38, 1);
        guest.map(guest.low, 0x4000'0000, kOld, kPage, scene == Scene::Pieces ? 2 : 3);
        if (scene == Scene::Pieces) {
            guest.poke(guest.entry(guest.second, kOld, 2), 0);
            guest.map(guest.second, kOld, kNew, kS2Page);
        }
        guest.bring_up();
        const std::uint64_t tag = scene == Scene::TopByte ? 0x5a00'0000'0000'0000 : 0;
        REQUIRE(guest.ask(read_at(tag | 0x4000'0000)).outcome == iommu::Outcome::Translated);
        guest.ports.unmaps.clear();
        guest.submit(tlbi_nh_va(3, 1, 0x4000'0000));
        REQUIRE(guest.ports.unmaps.size() == 1);
        CAPTURE(static_cast<int>(scene));
        const bool page_only = scene == Scene::Plain;
        CHECK(guest.ports.unmaps[0].first.value == (page_only ? 0x4000'0000 : 0));
        CHECK(guest.ports.unmaps[0].last.value == (page_only ? 0x4000'0fff : ~0ull));
    }
}
