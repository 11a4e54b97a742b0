// SPDX-License-Identifier: GPL-2.0-or-later
//
// Translations in the cache, seen from outside: an invalidation makes those it names fresh and keeps the rest.
// [VTD 5.10 s6.5]
//
// Every leaf is changed in memory behind the unit's back; what still answers with the old page was kept.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "vtd_guest.h"

using namespace test;

namespace {

constexpr std::uint64_t kOld = 0x1400000;  // output pages
constexpr std::uint64_t kNew = 0x1600000;
constexpr std::uint64_t kThird = 0x0030;       // 00:06.0
constexpr std::uint64_t kFs = 0x10'0000'0000;  // inputs of first stages
constexpr std::uint64_t kSs = 0x10'8000'0000;  // inputs of second stages
constexpr std::uint64_t kFsBits = kP | kRW | kUS | kA | kD;

// A cached translation; `name` is how tables of expectations call it.
struct Victim {
    char name;
    std::uint32_t requester;
    std::uint32_t pasid;  // 0: none
    std::uint64_t iova;
};

// Scalable mode: every kind of translation, under two domains and several PASIDs. Lower case: one page further on.
//   F f  first stage   DID 7, RID_PASID (0)     G  first stage DID 7, PASID 5     H  the same from another device
//   I i  first stage   DID 8, PASID 5           S s  second stage DID 7, PASID 6  T  second stage DID 8, PASID 6
//   N n  nested        DID 7, PASID 7           M  nested DID 8, PASID 7          U  second stage DID 7, PASID 5
class Scalable {
  public:
    Scalable() {
        guest.scalable_device(kDevice, {.pgtt = 1, .did = 7});
        guest.add_pasid(kDevice, 5, {.pgtt = 1, .did = 7});
        guest.add_pasid(kDevice, 6, {.pgtt = 2, .did = 7});
        guest.add_pasid(kDevice, 7, {.pgtt = 3, .did = 7});
        guest.scalable_device(kOtherDevice, {.pgtt = 1, .did = 7});
        guest.add_pasid(kOtherDevice, 5, {.pgtt = 1, .did = 7});
        guest.add_pasid(kOtherDevice, 8, {.pgtt = 2, .did = 7});
        guest.scalable_device(kThird, {.pgtt = 1, .did = 8});
        guest.add_pasid(kThird, 5, {.pgtt = 1, .did = 8});
        guest.add_pasid(kThird, 6, {.pgtt = 2, .did = 8});
        guest.add_pasid(kThird, 7, {.pgtt = 3, .did = 8});
        guest.identity_second();
        write_leaves(kOld);
        guest.enable_queue();
        guest.enable(kTtmScalable);
    }

    // The names of those that answer with `page`.
    std::string answering(std::uint64_t page) {
        std::string names;
        for (const Victim& victim : kVictims) {
            const auto reply = victim.pasid == 0 ? guest.read(victim.requester, victim.iova)
                                                 : guest.read(victim.requester, victim.pasid, victim.iova);
            if (reply.translation.address.value == page) names += victim.name;
        }
        return names;
    }
    void write_leaves(std::uint64_t page) {
        for (const std::uint64_t offset : {0x0000, 0x1000}) {
            guest.map_first(kFs + offset, page, kFsBits);
            guest.map_second(kSs + offset, page, kR | kW);
        }
    }
    // Who is fresh after the command, everything having been cached before.
    std::string dropped_by(const Words4& command) {
        write_leaves(kOld);
        guest.submit(iotlb(1));
        REQUIRE(answering(kOld) == kEveryone);
        write_leaves(kNew);
        REQUIRE(answering(kOld) == kEveryone);
        guest.submit(command);
        REQUIRE(guest.r32(kFsts) == 0);
        return answering(kNew);
    }

    static constexpr const char* kEveryone = "FfGHIiSsTNnMU";
    inline static const std::vector<Victim> kVictims{
        {'F', kDevice, 0, kFs},      {'f', kDevice, 0, kFs + 0x1000}, {'G', kDevice, 5, kFs},
        {'H', kOtherDevice, 5, kFs}, {'I', kThird, 5, kFs},           {'i', kThird, 5, kFs + 0x1000},
        {'S', kDevice, 6, kSs},      {'s', kDevice, 6, kSs + 0x1000}, {'T', kThird, 6, kSs},
        {'N', kDevice, 7, kFs},      {'n', kDevice, 7, kFs + 0x1000}, {'M', kThird, 7, kFs},
        {'U', kOtherDevice, 8, kSs},
    };
    Guest guest;
};

// One second stage and the pages that a range may reach: their numbers, from kSs on.
struct RangeCase {
    std::uint64_t address;  // offset from kSs or kFs
    unsigned am;
    std::vector<unsigned> dropped;
    std::vector<unsigned> kept;
};
const std::vector<RangeCase> kRanges{
    {0x2000, 0, {2}, {1, 3}},
    {0x2000, 1, {2, 3}, {1, 4}},
    {0x3000, 1, {2, 3}, {1, 4}},  // address bits below the mask do not count
    {0x4000, 2, {4, 5, 6, 7}, {3, 8}},
    {0x10000, 4, {16, 31}, {15, 32}},
    {0x100000, 8, {256, 511}, {255, 512}},
    {0x200000, 9, {512, 1023}, {511, 1024}},
    {0x3ff000, 9, {512, 1023}, {511, 1024}},
};
const std::vector<unsigned> kPages{1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 31, 32, 255, 256, 511, 512, 1023, 1024};

}  // namespace

TEST_CASE("Each translation command drops the translations it names and keeps the rest") {
    struct Case {
        const char* what;
        Words4 command;
        std::string fresh;
    };
    const std::vector<Case> cases{
        {"IOTLB global", iotlb(1), "FfGHIiSsTNnMU"},
        {"IOTLB domain 7", iotlb(2, 7), "FfGHSsNnU"},
        {"IOTLB domain 8", iotlb(2, 8), "IiTM"},
        {"IOTLB of a domain that nobody uses", iotlb(2, 9), ""},
        // First-stage and nested entries cannot be told by a second-stage address: all of the domain.
        {"IOTLB page, domain 7", iotlb(3, 7, kSs), "FfGHSNnU"},
        {"IOTLB second page, domain 7", iotlb(3, 7, kSs + 0x1000), "FfGHsNn"},
        {"IOTLB two pages, domain 7", iotlb(3, 7, kSs, 1), "FfGHSsNnU"},
        {"IOTLB page, domain 8", iotlb(3, 8, kSs), "IiTM"},
        {"IOTLB page elsewhere, domain 8", iotlb(3, 8, kSs + 0x2000), "IiM"},
        {"IOTLB page with the leaf hint", iotlb(3, 7, kSs, 0, true), "FfGHSNnU"},
        {"PASID 0 of domain 7", pasid_iotlb(2, 7, 0), "Ff"},
        {"PASID 5 of domain 7, from every device", pasid_iotlb(2, 7, 5), "GH"},
        {"PASID 6 of domain 7: a second stage", pasid_iotlb(2, 7, 6), "Ss"},
        {"PASID 7 of domain 7: nested", pasid_iotlb(2, 7, 7), "Nn"},
        {"PASID 5 of domain 8", pasid_iotlb(2, 8, 5), "Ii"},
        {"PASID 5 of a domain that nobody uses", pasid_iotlb(2, 9, 5), ""},
        {"a page of PASID 0", pasid_iotlb(3, 7, 0, kFs), "F"},
        {"a page of PASID 5, from every device", pasid_iotlb(3, 7, 5, kFs), "GH"},
        {"a page of PASID 7: nested", pasid_iotlb(3, 7, 7, kFs), "N"},
        {"the second page of PASID 7", pasid_iotlb(3, 7, 7, kFs + 0x1000), "n"},
        {"two pages of PASID 7", pasid_iotlb(3, 7, 7, kFs, 1), "Nn"},
        {"a page of PASID 5, domain 8", pasid_iotlb(3, 8, 5, kFs), "I"},
        {"every address of PASID 5, domain 8", pasid_iotlb(3, 8, 5, 0, 52), "Ii"},
        {"a page of a second stage's PASID", pasid_iotlb(3, 7, 6, kSs), ""},
        {"configurations only", pasid_cache(3), ""},
        {"contexts only", context_cache(1), ""},
        {"the configurations of a domain only", pasid_cache(0, 7), ""},
        {"the contexts of a device only", context_cache(3, 7, kDevice), ""},
        {"a wait", wait_interrupt(), ""},
    };
    Scalable scalable;
    for (const Case& item : cases) {
        CAPTURE(item.what);
        CHECK(scalable.dropped_by(item.command) == item.fresh);
    }
}

TEST_CASE("A second-stage range drops exactly its pages, at every edge") {
    Guest guest;
    guest.legacy_device(kDevice, 7);
    guest.legacy_device(kOtherDevice, 7);
    const auto map_all = [&guest](std::uint64_t output) {
        for (const unsigned page : kPages)
            guest.map_second(kSs + 0x1000ull * page, output, kR | kW);
    };
    const auto output = [&guest](std::uint32_t device, unsigned page) {
        return guest.read(device, kSs + 0x1000ull * page).translation.address.value;
    };
    map_all(kOld);
    guest.enable_queue(false);
    guest.enable(kTtmLegacy);
    for (const RangeCase& item : kRanges) {
        map_all(kOld);
        guest.submit(iotlb(1));
        for (const unsigned page : kPages)
            REQUIRE(output(kDevice, page) == kOld);
        map_all(kNew);
        guest.submit(iotlb(3, 7, kSs + item.address, item.am));
        CAPTURE(item.address, item.am);
        for (const unsigned page : item.dropped)
            CHECK(output(kOtherDevice, page) == kNew);  // devices of a domain share what is cached
        for (const unsigned page : item.kept)
            CHECK(output(kDevice, page) == kOld);
    }
}

TEST_CASE("A first-stage range drops exactly its pages, at every edge") {
    Guest guest;
    guest.scalable_device(kDevice, {.pgtt = 1, .did = 7});
    const auto map_all = [&guest](std::uint64_t output) {
        for (const unsigned page : kPages)
            guest.map_first(kFs + 0x1000ull * page, output, kFsBits);
    };
    const auto output = [&guest](unsigned page) {
        return guest.read(kDevice, kFs + 0x1000ull * page).translation.address.value;
    };
    map_all(kOld);
    guest.enable_queue();
    guest.enable(kTtmScalable);
    for (const RangeCase& item : kRanges) {
        map_all(kOld);
        guest.submit(iotlb(1));
        for (const unsigned page : kPages)
            REQUIRE(output(page) == kOld);
        map_all(kNew);
        guest.submit(pasid_iotlb(3, 7, 0, kFs + item.address, item.am));
        CAPTURE(item.address, item.am);
        for (const unsigned page : item.dropped)
            CHECK(output(page) == kNew);
        for (const unsigned page : item.kept)
            CHECK(output(page) == kOld);
    }
}

TEST_CASE("A range that touches any part of a large page drops it; one beside it does not") {
    struct Case {
        unsigned log2;          // of the cached page at kSs
        std::uint64_t address;  // of the range, from kSs
        unsigned am;
        bool dropped;
    };
    const std::vector<Case> cases{
        {21, 0, 0, true},           {21, 0x1ff000, 0, true},    {21, 0x123000, 0, true},   {21, 0x200000, 0, false},
        {21, 0, 9, true},           {21, 0x200000, 9, false},   {21, 0, 18, true},         {30, 0, 0, true},
        {30, 0x3ffff000, 0, true},  {30, 0x40000000, 0, false}, {30, 0x20000000, 9, true}, {30, 0x40000000, 9, false},
        {30, 0x20000000, 18, true},
    };
    Guest guest;
    guest.legacy_device(kDevice, 7);
    guest.map_second(kSs + 0x80000000, kOld, kR | kW);  // keeps the domain's page sizes mixed
    guest.enable_queue(false);
    guest.enable(kTtmLegacy);
    for (const Case& item : cases) {
        const std::uint64_t inside = 0x12345;
        const std::uint64_t old_page = item.log2 == 21 ? 0x40000000 : 0x80000000;
        const std::uint64_t new_page = 2 * old_page;
        const std::uint64_t entry = guest.second_entry(kSs, 3);
        guest.poke(entry, 0);
        guest.map_second(kSs, old_page, kR | kW, item.log2);
        guest.submit(iotlb(1));
        REQUIRE(guest.read(kDevice, kSs + inside).translation.address.value == old_page + inside);
        REQUIRE(guest.read(kDevice, kSs + inside).translation.page_log2 == item.log2);
        guest.map_second(kSs, new_page, kR | kW, item.log2);
        guest.submit(iotlb(3, 7, kSs + item.address, item.am));
        CAPTURE(item.log2, item.address, item.am);
        CHECK(guest.read(kDevice, kSs + inside).translation.address.value ==
              (item.dropped ? new_page : old_page) + inside);
    }
}

TEST_CASE("The second stage under a nested page is dropped with its domain's range, not by the first stage's PASID") {
    Scalable scalable;
    Guest& guest = scalable.guest;
    REQUIRE(guest.read(kDevice, 7, kFs).translation.address.value == kOld);
    // The guest-physical page moves: its second-stage entry becomes another one.
    guest.map_second(kOld, kNew, kR | kW, 21);
    REQUIRE(guest.read(kDevice, 7, kFs).translation.address.value == kOld);
    guest.submit(iotlb(3, 7, kOld, 9));
    CHECK(guest.read(kDevice, 7, kFs).translation.address.value == kNew);
}

TEST_CASE("Domain-id bits beyond CAP.ND do not keep a command from its domain") {
    Guest guest({.nd = 2});  // 8 bits
    guest.legacy_device(kDevice, 0x37);
    guest.map_second(kSs, kOld, kR | kW);
    guest.enable_queue(false);
    guest.enable(kTtmLegacy);
    REQUIRE(guest.read(kDevice, kSs).translation.address.value == kOld);
    guest.map_second(kSs, kNew, kR | kW);
    guest.submit(iotlb(2, 0x38));
    REQUIRE(guest.read(kDevice, kSs).translation.address.value == kOld);
    guest.submit(iotlb(2, 0xff37));
    CHECK(guest.read(kDevice, kSs).translation.address.value == kNew);
    CHECK(guest.r32(kFsts) == 0);
}

TEST_CASE("A right that was taken away works until it is invalidated, and not after") {
    Guest guest;
    guest.scalable_device(kDevice, {.pgtt = 1, .did = 7});
    guest.map_first(kFs, kOld, kFsBits);
    guest.enable_queue();
    guest.enable(kTtmScalable);
    REQUIRE(guest.write(kDevice, kFs).outcome == iommu::Outcome::Translated);
    guest.map_first(kFs, kOld, kP | kUS | kA | kD);
    guest.submit(pasid_iotlb(3, 7, 0, kFs + 0x1000));
    REQUIRE(guest.write(kDevice, kFs).outcome == iommu::Outcome::Translated);
    guest.submit(pasid_iotlb(3, 7, 0, kFs));
    CHECK(guest.write(kDevice, kFs).reason == 0x85);
    CHECK(guest.take_fault() == 0x85);
}

TEST_CASE("What was not present needs no invalidation when CM is 0") {
    Guest guest;
    guest.scalable_device(kDevice, {.pgtt = 1, .did = 7});
    guest.map_first(kFs + 0x1000, kOld, kFsBits);
    guest.enable(kTtmScalable);
    REQUIRE(guest.read(kDevice, kFs).reason == 0x71);
    guest.map_first(kFs, kNew, kFsBits);
    CHECK(guest.read(kDevice, kFs).translation.address.value == kNew);
}

TEST_CASE("Invalidating one address of a first-stage page drops every piece that the second stage made of it") {
    Guest guest;
    guest.scalable_device(kDevice, {.pgtt = 3, .did = 7});
    guest.identity_second(kR | kW, 16 << 20);
    // A 2 MiB page of the first stage over 4 KiB pages of the second.
    const std::uint64_t leaf = guest.map_first(0x40000000, 0x2000000, kP | kRW | kUS | kA | kD, 21);
    guest.map_second(0x2000000, 0x1800000, kR | kW);
    guest.map_second(0x2001000, 0x1801000, kR | kW);
    guest.map_second(0x2201000, 0x1901000, kR | kW);
    guest.enable_queue();
    guest.enable(kTtmScalable);
    REQUIRE(guest.read(kDevice, 0x40000000).translation.address.value == 0x1800000);
    REQUIRE(guest.read(kDevice, 0x40001000).translation.address.value == 0x1801000);

    guest.poke(leaf, 0x2200000 | kP | kRW | kUS | kA | kD | kPS);
    guest.submit(pasid_iotlb(3, 7, 0, 0x40000000));
    CHECK(guest.read(kDevice, 0x40001000).translation.address.value == 0x1901000);
}
