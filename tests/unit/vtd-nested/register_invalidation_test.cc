// SPDX-License-Identifier: GPL-2.0-or-later
//
// Invalidation by register: CCMD, IVA and IOTLB, in legacy mode. [VTD 5.10 s6.5.1, s11.4.6]
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "vtd_guest.h"

using namespace test;

namespace {

constexpr std::uint64_t kIva = 0x500;
constexpr std::uint64_t kIotlb = 0x508;
constexpr std::uint64_t kIcc = 1ull << 63;
constexpr std::uint64_t kIvt = 1ull << 63;
constexpr std::uint64_t kOld = 0x1800000;
constexpr std::uint64_t kNew = 0x1900000;
constexpr std::uint64_t kSs = 0x10'0000'0000;

std::uint64_t ccmd(std::uint64_t cirg, std::uint64_t did = 0, std::uint64_t sid = 0, std::uint64_t fm = 0) {
    return kIcc | cirg << 61 | fm << 32 | sid << 16 | did;
}
std::uint64_t iotlb_register(std::uint64_t iirg, std::uint64_t did = 0) { return kIvt | iirg << 60 | did << 32; }

// CAIG, bits 60:59, and IAIG, bits 58:57.
unsigned caig(Guest& guest) { return guest.r64(kCcmd) >> 59 & 3; }
unsigned iaig(Guest& guest) { return guest.r64(kIotlb) >> 57 & 3; }

// Two devices in domain 7 and one in 8, with two pages each.
struct LegacyGuest : Guest {
    explicit LegacyGuest(const vtd::Capabilities& asked = {}) : Guest(asked) {
        legacy_device(0x20, 7);
        legacy_device(0x21, 7);
        legacy_device(0x28, 8);
        map_leaves(kOld);
        enable(kTtmLegacy);
    }
    void map_leaves(std::uint64_t page) {
        map_second(kSs, page, kR | kW);
        map_second(kSs + 0x1000, page, kR | kW);
    }
    std::uint64_t output(std::uint32_t requester, std::uint64_t offset = 0) {
        return read(requester, kSs + offset).translation.address.value;
    }
    // 7: domain 7's first page, 1: its second page, 8: domain 8's first page.
    std::string fresh() {
        std::string names;
        if (output(0x20) == kNew) names += '7';
        if (output(0x20, 0x1000) == kNew) names += '1';
        if (output(0x28) == kNew) names += '8';
        return names;
    }
    void prime_and_change() {
        map_leaves(kOld);
        w64(kIotlb, iotlb_register(1));
        REQUIRE(output(0x20) == kOld);
        REQUIRE(output(0x20, 0x1000) == kOld);
        REQUIRE(output(0x28) == kOld);
        map_leaves(kNew);
        REQUIRE(fresh().empty());
    }
};

}  // namespace

TEST_CASE("IOTLB does the granularity that was asked for, says so, and keeps the rest") {
    struct Case {
        std::uint64_t iva, iotlb;
        unsigned answer;
        std::string fresh;
    };
    LegacyGuest guest;
    for (const Case& item : std::vector<Case>{
             {0, iotlb_register(0, 7), 0, ""},     // a reserved request
             {0, iotlb_register(1, 7), 1, "718"},  // global
             {0, iotlb_register(2, 7), 2, "71"},   // domain
             {0, iotlb_register(2, 8), 2, "8"},    //
             {0, iotlb_register(2, 9), 2, ""},     //
             {kSs, iotlb_register(3, 7), 3, "7"},  // page
             {kSs + 0x1000, iotlb_register(3, 7), 3, "1"},
             {kSs + 0x1000, iotlb_register(3, 8), 3, ""},
             {kSs | 1, iotlb_register(3, 7), 3, "71"},
             {kSs | 0x40, iotlb_register(3, 7), 3, "7"},                   // IH is a hint
             {kSs | 18, iotlb_register(3, 8), 3, "8"},                     // MAMV is 18
             {kSs | 19, iotlb_register(3, 8), 0, ""},                      // beyond it
             {kSs | 63, iotlb_register(3, 8), 0, ""},                      //
             {kSs | 0xfe00'0000'0000'0000, iotlb_register(3, 7), 3, "7"},  // bits from MGAW on are ignored
             {kSs, iotlb_register(3, 7) | 3ull << 48, 3, "7"},             // DW and DR
         }) {
        guest.prime_and_change();
        guest.w64(kIva, item.iva);
        guest.w64(kIotlb, item.iotlb);
        CAPTURE(item.iva, item.iotlb);
        CHECK(iaig(guest) == item.answer);
        CHECK((guest.r64(kIotlb) & kIvt) == 0);
        CHECK(guest.fresh() == item.fresh);
    }
}

TEST_CASE("Without PSI a page request is done, and answered, for the domain") {
    LegacyGuest guest({.psi = 0});
    guest.prime_and_change();
    guest.w64(kIva, kSs);
    guest.w64(kIotlb, iotlb_register(3, 7));
    CHECK(iaig(guest) == 2);
    CHECK(guest.fresh() == "71");
}

TEST_CASE("The command starts with the upper half; the lower half alone starts nothing") {
    LegacyGuest guest;
    guest.prime_and_change();
    guest.w32(kIotlb, 0xffff'ffff);
    CHECK(guest.fresh().empty());
    guest.w32(kIotlb + 4, static_cast<std::uint32_t>(iotlb_register(2, 7) >> 32) & 0x7fff'ffff);
    CHECK(guest.fresh().empty());
    guest.w32(kIotlb + 4, static_cast<std::uint32_t>(iotlb_register(2, 7) >> 32));
    CHECK(iaig(guest) == 2);
    CHECK(guest.fresh() == "71");

    guest.w32(kCcmd, 0x0020'0007);
    guest.poke(guest.context_entry(0x20), 0);
    REQUIRE(guest.read(0x20, kSs).outcome == iommu::Outcome::Translated);
    guest.w32(kCcmd + 4, static_cast<std::uint32_t>(ccmd(3) >> 32));
    CHECK(caig(guest) == 3);
    CHECK(guest.read(0x20, kSs).reason == 0x02);
}

TEST_CASE("IVA can be written in halves") {
    LegacyGuest guest;
    guest.prime_and_change();
    guest.w32(kIva, static_cast<std::uint32_t>(kSs + 0x1000));
    guest.w32(kIva + 4, kSs >> 32);
    guest.w64(kIotlb, iotlb_register(3, 7));
    CHECK(guest.fresh() == "1");
}

TEST_CASE("CCMD does the granularity that was asked for, says so, and keeps the rest") {
    struct Case {
        std::uint64_t command;
        unsigned answer;
        std::vector<std::uint32_t> dropped;
    };
    for (const Case& item : std::vector<Case>{
             {ccmd(0, 7, 0x20), 0, {}},
             {ccmd(1), 1, {0x20, 0x21, 0x28}},
             {ccmd(2, 7), 2, {0x20, 0x21}},
             {ccmd(2, 8), 2, {0x28}},
             {ccmd(2, 9), 2, {}},
             {ccmd(3, 7, 0x20), 3, {0x20}},
             {ccmd(3, 7, 0x21), 3, {0x21}},
             {ccmd(3, 7, 0x25, 1), 3, {0x21}},
             {ccmd(3, 7, 0x20, 2), 3, {0x20}},
             {ccmd(3, 7, 0x26, 3), 3, {0x20, 0x21}},
             {ccmd(3, 8, 0x2f, 3), 3, {0x28}},
         }) {
        LegacyGuest guest;
        for (const std::uint32_t requester : {0x20u, 0x21u, 0x28u}) {
            REQUIRE(guest.output(requester) == kOld);
            guest.poke(guest.context_entry(requester), 0);
        }
        guest.w64(kCcmd, item.command);
        CAPTURE(item.command);
        CHECK(caig(guest) == item.answer);
        CHECK((guest.r64(kCcmd) & kIcc) == 0);
        std::vector<std::uint32_t> dropped;
        for (const std::uint32_t requester : {0x20u, 0x21u, 0x28u}) {
            if (guest.output(requester) != kOld) dropped.push_back(requester);
        }
        CHECK(dropped == item.dropped);
    }
}

TEST_CASE("SID and FM are not read back, DID and the request are") {
    Guest guest;
    guest.w64(kCcmd, ccmd(3, 0x1234, 0x5678, 3) & ~kIcc);
    CHECK(guest.r64(kCcmd) == (3ull << 61 | 0x1234));
    guest.w64(kIva, ~0ull);
    CHECK(guest.r64(kIva) == 0);
}

TEST_CASE("The register commands are refused while the queue is on, outside legacy mode, and from version 6 on") {
    struct Case {
        const char* what;
        vtd::Capabilities asked;
        std::uint64_t ttm;
        bool queue;
        unsigned answer;
    };
    for (const Case& item :
         {Case{"legacy", {}, kTtmLegacy, false, 1}, Case{"queue on", {}, kTtmLegacy, true, 0},
          Case{"scalable", {}, kTtmScalable, false, 0}, Case{"abort", {}, kTtmAbort, false, 0},
          Case{"reserved mode", {}, kTtmReserved, false, 0}, Case{"version 5.15", {.ver = 0x5f}, kTtmLegacy, false, 1},
          Case{"version 6", {.ver = 0x60}, kTtmLegacy, false, 0}}) {
        Guest guest(item.asked);
        guest.set_root(item.ttm);
        if (item.queue) guest.enable_queue(false);
        guest.w64(kIotlb, iotlb_register(1));
        guest.w64(kCcmd, ccmd(1));
        CAPTURE(item.what);
        CHECK(iaig(guest) == item.answer);
        CHECK(caig(guest) == item.answer);
        CHECK((guest.r64(kIotlb) & kIvt) == 0);
        CHECK((guest.r64(kCcmd) & kIcc) == 0);
        CHECK(guest.unit.counters().invalidations == 2 * item.answer);
    }
}

TEST_CASE("The register commands go by the latched mode") {
    LegacyGuest guest;
    guest.w64(kRtaddr, guest.root | kTtmScalable << 10);
    guest.w64(kIotlb, iotlb_register(1));
    CHECK(iaig(guest) == 1);
    guest.command(kSrtp);
    guest.w64(kIotlb, iotlb_register(1));
    CHECK(iaig(guest) == 0);
}

TEST_CASE("The register commands work while translation is off") {
    Guest guest;
    guest.w64(kIotlb, iotlb_register(2, 5));
    guest.w64(kCcmd, ccmd(2, 5));
    CHECK(iaig(guest) == 2);
    CHECK(caig(guest) == 2);
}

TEST_CASE("Listeners are told what a register command dropped, and contexts say nothing to them") {
    LegacyGuest guest;
    guest.ports.unmaps.clear();
    guest.w64(kCcmd, ccmd(1));
    CHECK(guest.ports.unmaps.empty());
    guest.w64(kIva, 0x8001);
    guest.w64(kIotlb, iotlb_register(3, 7));
    guest.w64(kIotlb, iotlb_register(2, 7));
    REQUIRE(guest.ports.unmaps.size() == 2);
    CHECK(guest.ports.unmaps[0] == iommu::IovaRange{iommu::Iova{0x8000}, iommu::Iova{0x9fff}});
    CHECK(guest.ports.unmaps[1] == iommu::IovaRange::everything());
}

TEST_CASE("Domain-id bits beyond CAP.ND are ignored by IOTLB and CCMD") {
    LegacyGuest guest({.nd = 2});  // 8 bits
    guest.prime_and_change();
    guest.w64(kIotlb, iotlb_register(2, 0xff07));
    REQUIRE(guest.fresh() == "71");
    guest.poke(guest.context_entry(0x20), 0);
    guest.w64(kCcmd, ccmd(2, 0xff07));
    CHECK(guest.read(0x20, kSs).reason == 0x02);
}
