// SPDX-License-Identifier: GPL-2.0-or-later
//
// Decoded context and PASID entries in the cache, seen from outside: a command makes those it names fresh and keeps the
// rest. [VTD 5.10 s6.5.2.1, s6.5.2.2]
//
// The entries in memory are changed behind the unit's back to point at other page tables. Whether an entry is still
// cached shows in a page that was never asked for before.
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "vtd_guest.h"

using namespace test;

namespace {

constexpr std::uint64_t kInputs = 0x10'0000'0000;
constexpr std::uint64_t kOld = 0x40'0000'0000;  // outputs, by 1 GiB page
constexpr std::uint64_t kNew = 0x80'0000'0000;

struct Victim {
    char name;
    std::uint32_t requester;
    std::uint32_t pasid;  // 0: none
};

// An input that was not asked for before: answers are cached in whole pages, so each question takes another one.
class Inputs {
  public:
    static constexpr unsigned kPages = 480;
    std::uint64_t next() {
        REQUIRE(used_ < kPages);
        return kInputs + (std::uint64_t{used_++} << 30);
    }

  private:
    unsigned used_ = 0;
};

// Two sets of page tables that map the inputs to old and to new outputs.
struct Tables {
    explicit Tables(Guest& guest) : old_first(guest.first_root), old_second(guest.second_root) {
        map(guest, kOld);
        guest.first_root = new_first = guest.alloc_page();
        guest.second_root = new_second = guest.alloc_page();
        map(guest, kNew);
        use_old(guest);
    }
    static void map(Guest& guest, std::uint64_t output) {
        for (std::uint64_t page = 0; page < Inputs::kPages; ++page) {
            const std::uint64_t offset = page << 30;
            // Outputs need not differ: old or new is all that is asked.
            guest.map_first(kInputs + offset, output, kP | kRW | kUS | kA | kD, 30);
            guest.map_second(kInputs + offset, output, kR | kW, 30);
        }
    }
    void use_old(Guest& guest) const { guest.first_root = old_first, guest.second_root = old_second; }
    void use_new(Guest& guest) const { guest.first_root = new_first, guest.second_root = new_second; }
    std::uint64_t old_first, old_second;
    std::uint64_t new_first = 0, new_second = 0;
};

// Scalable mode. a: first stage DID 7; b: PASID 5, DID 7; c: another device's PASID 5, DID 7; d: second stage, PASID 6,
// DID 7; e: first stage DID 8; g: PASID 5, DID 8.
class Scalable {
  public:
    Scalable() : tables(guest) {
        write_entries();
        guest.enable_queue();
        guest.enable(kTtmScalable);
    }
    std::string answering(std::uint64_t page) {
        std::string names;
        for (const Victim& v : kVictims) {
            const std::uint64_t iova = inputs.next();  // b and c share what is cached under DID 7, PASID 5
            const auto reply = v.pasid == 0 ? guest.read(v.requester, iova) : guest.read(v.requester, v.pasid, iova);
            if (reply.translation.address.value == page) names += v.name;
        }
        return names;
    }
    std::string dropped_by(const Words4& command) {
        tables.use_old(guest);
        write_entries();
        guest.submit(context_cache(1));
        REQUIRE(answering(kOld) == "abcdeg");
        tables.use_new(guest);
        write_entries();
        REQUIRE(answering(kOld) == "abcdeg");
        guest.submit(command);
        REQUIRE(guest.r32(kFsts) == 0);
        return answering(kNew);
    }

    Guest guest;
    Tables tables;
    Inputs inputs;

  private:
    void write_entries() {
        if (!made_) {
            guest.scalable_device(kDevice, {.pgtt = 1, .did = 7});
            guest.scalable_device(kOtherDevice, {.pgtt = 1, .did = 8});
            made_ = true;
        }
        guest.add_pasid(kDevice, 0, {.pgtt = 1, .did = 7});
        guest.add_pasid(kDevice, 5, {.pgtt = 1, .did = 7});
        guest.add_pasid(kDevice, 6, {.pgtt = 2, .did = 7});
        guest.add_pasid(kOtherDevice, 0, {.pgtt = 1, .did = 8});
        guest.add_pasid(kOtherDevice, 4, {.pgtt = 1, .did = 8});
        guest.add_pasid(kOtherDevice, 5, {.pgtt = 1, .did = 7});
    }
    inline static const std::vector<Victim> kVictims{{'a', kDevice, 0}, {'b', kDevice, 5},      {'c', kOtherDevice, 5},
                                                     {'d', kDevice, 6}, {'e', kOtherDevice, 0}, {'g', kOtherDevice, 4}};
    bool made_ = false;
};

// Legacy mode: the eight functions of 00:04 and of 01:04 and one function of 00:05, in domains 7 (even) and 8 (odd).
class Legacy {
  public:
    Legacy() : tables(guest) {
        write_entries();
        guest.enable_queue(false);
        guest.enable(kTtmLegacy);
    }
    std::vector<std::uint32_t> answering(std::uint64_t page) {
        const std::uint64_t iova = inputs.next();
        std::vector<std::uint32_t> found;
        for (const std::uint32_t requester : requesters()) {
            // Translations are shared by the devices of a domain: drop them, so that each walks for itself.
            guest.submit(iotlb(1));
            if (guest.read(requester, iova).translation.address.value == page) found.push_back(requester);
        }
        return found;
    }
    std::vector<std::uint32_t> dropped_by(const Words4& command) {
        tables.use_old(guest);
        write_entries();
        guest.submit(context_cache(1));
        REQUIRE(answering(kOld) == requesters());
        tables.use_new(guest);
        write_entries();
        REQUIRE(answering(kOld) == requesters());
        guest.submit(command);
        REQUIRE(guest.r32(kFsts) == 0);
        return answering(kNew);
    }
    static std::vector<std::uint32_t> requesters() {
        std::vector<std::uint32_t> all;
        for (std::uint32_t function = 0; function < 8; ++function)
            all.push_back(0x0020 + function);
        all.push_back(0x0028);
        for (std::uint32_t function = 0; function < 8; ++function)
            all.push_back(0x0120 + function);
        return all;
    }

    Guest guest;
    Tables tables;
    Inputs inputs;

  private:
    void write_entries() {
        for (const std::uint32_t requester : requesters())
            guest.legacy_device(requester, (requester & 1) == 0 ? 7 : 8);
    }
};

}  // namespace

TEST_CASE("Each configuration command drops the PASID entries it names and keeps the rest") {
    struct Case {
        const char* what;
        Words4 command;
        std::string fresh;
    };
    const std::vector<Case> cases{
        {"PASID cache, global", pasid_cache(3), "abcdeg"},
        {"PASID cache, domain 7", pasid_cache(0, 7), "abcd"},
        {"PASID cache, domain 8", pasid_cache(0, 8), "eg"},
        {"PASID cache, a domain that nobody uses", pasid_cache(0, 9), ""},
        {"PASID cache, domain 7, PASID field ignored", pasid_cache(0, 7, 5), "abcd"},
        {"PASID 5 of domain 7, from every device", pasid_cache(1, 7, 5), "bc"},
        {"PASID 6 of domain 7", pasid_cache(1, 7, 6), "d"},
        {"PASID 0 of domain 8: RID_PASID", pasid_cache(1, 8, 0), "e"},
        {"PASID 5 of domain 8", pasid_cache(1, 8, 5), ""},
        {"context cache, global", context_cache(1), "abcdeg"},
        {"context cache, domain: a scalable entry has none", context_cache(2, 9), "abcdeg"},
        {"context cache, device", context_cache(3, 0, kDevice), "abd"},
        {"context cache, the other device, domain ignored", context_cache(3, 7, kOtherDevice), "ceg"},
        {"context cache, a device that is not there", context_cache(3, 7, 0x30), ""},
        {"translations only", iotlb(1), ""},
        {"translations of a PASID only", pasid_iotlb(2, 7, 5), ""},
    };
    Scalable scalable;
    for (const Case& item : cases) {
        CAPTURE(item.what);
        CHECK(scalable.dropped_by(item.command) == item.fresh);
    }
}

TEST_CASE("A context-cache command by device drops the functions that FM leaves, and no other") {
    struct Case {
        std::uint64_t sid;
        unsigned fm;
        std::vector<std::uint32_t> fresh;
    };
    const std::vector<Case> cases{
        {0x20, 0, {0x20}},
        {0x25, 0, {0x25}},
        {0x20, 1, {0x20, 0x24}},
        {0x25, 1, {0x21, 0x25}},
        {0x20, 2, {0x20, 0x22, 0x24, 0x26}},
        {0x27, 2, {0x21, 0x23, 0x25, 0x27}},
        {0x20, 3, {0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27}},
        {0x126, 1, {0x122, 0x126}},
        {0x28, 3, {0x28}},
    };
    Legacy legacy;
    for (const Case& item : cases) {
        CAPTURE(item.sid, item.fm);
        CHECK(legacy.dropped_by(context_cache(3, (item.sid & 1) == 0 ? 7 : 8, item.sid, item.fm)) == item.fresh);
    }
}

TEST_CASE("A context-cache command by domain drops the domain's devices, and no other") {
    Legacy legacy;
    std::vector<std::uint32_t> odd;
    for (const std::uint32_t requester : Legacy::requesters()) {
        if ((requester & 1) != 0) odd.push_back(requester);
    }
    CHECK(legacy.dropped_by(context_cache(2, 8)) == odd);
    CHECK(legacy.dropped_by(context_cache(2, 9)).empty());
    CHECK(legacy.dropped_by(context_cache(1)) == Legacy::requesters());
    CHECK(legacy.dropped_by(iotlb(2, 8)).empty());
}

TEST_CASE("A pass-through entry is cached like any other, and dropped by PASID") {
    Guest guest;
    guest.scalable_device(kDevice, {.pgtt = 4, .did = 7});
    guest.map_first(0x5000, kOld, kP | kRW | kUS | kA | kD);
    guest.enable_queue();
    guest.enable(kTtmScalable);
    REQUIRE(guest.read(kDevice, 0x5000).translation.address.value == 0x5000);
    guest.add_pasid(kDevice, 0, {.pgtt = 1, .did = 7});
    REQUIRE(guest.read(kDevice, 0x5000).translation.address.value == 0x5000);
    guest.submit(pasid_cache(1, 7, 5));
    REQUIRE(guest.read(kDevice, 0x5000).translation.address.value == 0x5000);
    guest.submit(pasid_cache(1, 7, 0));
    CHECK(guest.read(kDevice, 0x5000).translation.address.value == kOld);
}

TEST_CASE("A removed entry works until it is invalidated, and faults after") {
    Guest guest;
    const std::uint64_t entry = guest.scalable_device(kDevice, {.pgtt = 1, .did = 7});
    guest.map_first(0x5000, kOld, kP | kRW | kUS | kA | kD);
    guest.enable_queue();
    guest.enable(kTtmScalable);
    REQUIRE(guest.read(kDevice, 0x5000).outcome == iommu::Outcome::Translated);
    guest.poke(entry, 0);
    REQUIRE(guest.read(kDevice, 0x5000).outcome == iommu::Outcome::Translated);
    guest.submit(pasid_cache(1, 7, 0));
    CHECK(guest.read(kDevice, 0x5000).reason == 0x59);
    CHECK(guest.take_fault() == 0x59);
}
