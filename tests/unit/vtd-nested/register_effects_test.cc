// SPDX-License-Identifier: GPL-2.0-or-later
//
// What writes to GCMD, RTADDR and the event registers set in motion. [VTD 5.10 s11.4.4, s11.4.5, s6.6, s7.3]
#include <catch2/catch_test_macros.hpp>
#include <vector>

#include "vtd_guest.h"

using namespace test;
using iommu::Outcome;

namespace {

constexpr std::uint64_t kInput = 0x4000;
constexpr std::uint64_t kOld = 0x1800000;
constexpr std::uint64_t kNew = 0x1900000;
constexpr std::uint32_t kRtps = 1u << 30, kIre = 1u << 25, kSirtp = 1u << 24, kCfi = 1u << 23;
constexpr std::uint32_t kIm = 1u << 31, kIp = 1u << 30;

// Legacy translation of kInput to kOld for kDevice, with the root latched and translation off.
struct LegacyGuest : Guest {
    explicit LegacyGuest(const vtd::Capabilities& asked = {}) : Guest(asked) {
        legacy_device(kDevice, 7);
        map_second(kInput, kOld, kR | kW);
    }
    std::uint64_t output(std::uint32_t requester = kDevice) {
        return read(requester, kInput).translation.address.value;
    }
    // Another root table whose device kDevice maps kInput to kNew.
    std::uint64_t second_root_table() {
        const std::uint64_t first = root;
        const std::uint64_t first_table = second_root;
        root = alloc_page();
        second_root = alloc_page();
        legacy_device(kDevice, 8);
        map_second(kInput, kNew, kR | kW);
        const std::uint64_t second = root;
        root = first;
        second_root = first_table;
        return second;
    }
};

}  // namespace

TEST_CASE("TE is a level: set turns translation on, clear turns it off, the same again is nothing") {
    LegacyGuest guest;
    guest.set_root(kTtmLegacy);
    CHECK(guest.output() == kInput);  // off: input is output
    guest.command(kTe);
    CHECK((guest.r32(kGsts) & kTe) != 0);
    CHECK(guest.output() == kOld);
    guest.command(kTe);
    CHECK(guest.output() == kOld);
    CHECK(guest.ports.gates == std::vector{true});
    guest.command(kTe, false);
    CHECK((guest.r32(kGsts) & kTe) == 0);
    CHECK(guest.output() == kInput);
    CHECK(guest.ports.gates == std::vector{true, false});
}

TEST_CASE("SRTP is a shot: 1 latches RTADDR, 0 does nothing, and RTPS stays") {
    LegacyGuest guest;
    CHECK((guest.r32(kGsts) & kRtps) == 0);
    guest.set_root(kTtmLegacy);
    CHECK(guest.r32(kGsts) == kRtps);
    guest.command(kTe);
    CHECK(guest.r32(kGsts) == (kRtps | kTe));
    CHECK(guest.output() == kOld);
    guest.w32(kGcmd, kTe);
    CHECK(guest.r32(kGsts) == (kRtps | kTe));
    guest.command(kSrtp);
    CHECK(guest.r32(kGsts) == (kRtps | kTe));
    CHECK(guest.output() == kOld);
}

TEST_CASE("RTADDR counts from SRTP on, not from its write") {
    LegacyGuest guest;
    const std::uint64_t other = guest.second_root_table();
    guest.enable(kTtmLegacy);
    guest.w64(kRtaddr, other);
    CHECK(guest.r64(kRtaddr) == other);
    CHECK(guest.output() == kOld);
    CHECK(guest.read(0x28, kInput).reason == 0x02);
    guest.command(kSrtp);
    CHECK(guest.output() == kNew);
    // The table mode too is what was latched.
    guest.w64(kRtaddr, other | kTtmAbort << 10);
    CHECK(guest.output() == kNew);
    guest.command(kSrtp);
    CHECK(guest.read(kDevice, kInput).reason == 0x33);
}

TEST_CASE("RTADDR can be written in halves and is latched as a whole") {
    LegacyGuest guest;
    guest.w32(kRtaddr + 4, 0);
    guest.w32(kRtaddr, guest.root);
    guest.command(kSrtp);
    guest.command(kTe);
    CHECK(guest.output() == kOld);
    guest.w32(kRtaddr + 4, 0x7);
    CHECK(guest.output() == kOld);
    guest.command(kSrtp);
    CHECK(guest.read(kDevice, kInput).reason == 0x08);
}

TEST_CASE("With ESRTPS setting the root pointer drops every cache; without, software has to") {
    for (const unsigned esrtps : {0u, 1u}) {
        LegacyGuest guest({.esrtps = static_cast<std::uint8_t>(esrtps)});
        guest.enable_queue(false);
        guest.enable(kTtmLegacy);
        REQUIRE(guest.output() == kOld);
        guest.map_second(kInput, kNew, kR | kW);
        REQUIRE(guest.output() == kOld);
        guest.command(kSrtp);
        CAPTURE(esrtps);
        CHECK(guest.output() == (esrtps != 0 ? kNew : kOld));
        guest.submit(context_cache(1));
        guest.submit(iotlb(1));
        CHECK(guest.output() == kNew);
    }
}

TEST_CASE("Turning translation off drops every cache, whether or not ESRTPS is there") {
    for (const unsigned esrtps : {0u, 1u}) {
        LegacyGuest guest({.esrtps = static_cast<std::uint8_t>(esrtps)});
        guest.enable(kTtmLegacy);
        REQUIRE(guest.output() == kOld);
        const std::size_t unmaps = guest.ports.unmaps.size();
        guest.command(kTe, false);
        CHECK(guest.ports.unmaps.size() == unmaps + 1);
        CHECK(guest.ports.unmaps.back() == iommu::IovaRange::everything());
        guest.map_second(kInput, kNew, kR | kW);
        guest.command(kTe);
        CHECK(guest.output() == kNew);
        // The context entry as well.
        guest.command(kTe, false);
        guest.poke(guest.context_entry(kDevice), 0);
        guest.command(kTe);
        CHECK(guest.read(kDevice, kInput).reason == 0x02);
    }
}

TEST_CASE("Several commands in one write are all carried out, pointers before enables") {
    LegacyGuest guest;
    guest.w64(kRtaddr, guest.root);
    guest.w64(kIqa, 0x1000000);
    guest.poke(0x1000000, wait_interrupt()[0]);
    guest.w64(kIqt, 0x10);
    guest.w32(kGcmd, kTe | kSrtp | kQie | kWbf);
    CHECK(guest.r32(kGsts) == (kTe | kRtps | kQie));
    CHECK(guest.output() == kOld);
    CHECK(guest.r64(kIqh) == 0x10);
    guest.w32(kGcmd, 0);
    CHECK(guest.r32(kGsts) == kRtps);
    CHECK(guest.output() == kInput);
}

TEST_CASE("A write-buffer flush is finished at once; WBFS never stands") {
    for (const unsigned rwbf : {0u, 1u}) {
        Guest guest({.rwbf = static_cast<std::uint8_t>(rwbf), .smts = static_cast<std::uint8_t>(1 - rwbf)});
        guest.w32(kGcmd, kWbf);
        CHECK(guest.r32(kGsts) == 0);
        CHECK(guest.r32(kGcmd) == 0);
    }
}

TEST_CASE("Commands of interrupt remapping, which is not offered, and reserved ones do nothing") {
    Guest guest;
    for (unsigned bit = 0; bit < 31; ++bit) {
        const std::uint32_t command = 1u << bit;
        if (command == kSrtp || command == kQie) continue;
        guest.w32(kGcmd, command);
        CAPTURE(bit);
        CHECK(guest.r32(kGsts) == 0);
    }
    guest.w32(kGcmd, kIre | kSirtp | kCfi);
    CHECK(guest.r32(kGsts) == 0);
    CHECK(guest.ports.gates.empty());
}

TEST_CASE("Without queued invalidation QIE does nothing") {
    Guest guest({.qi = 0});
    guest.w32(kGcmd, kQie);
    CHECK(guest.r32(kGsts) == 0);
}

TEST_CASE("Fault recording begins at register 0 again after translation was off") {
    LegacyGuest guest;
    guest.enable(kTtmLegacy);
    (void)guest.read(0x30, 0x1000);
    guest.clear_record(0);
    guest.command(kTe, false);
    guest.command(kTe);
    (void)guest.read(0x38, 0x2000);
    CHECK(guest.record(0).fault());
    CHECK(guest.record(0).sid() == 0x38);
    guest.clear_record(0);
    (void)guest.read(0x30, 0x5000);
    CHECK_FALSE(guest.record(0).fault());
    CHECK(guest.record(1).fault());
}

TEST_CASE("A masked fault event stays pending and is sent once when unmasked") {
    LegacyGuest guest;
    guest.w32(kFedata, 0x33);
    guest.w32(kFeaddr, 0xfee00000);
    guest.enable(kTtmLegacy);
    (void)guest.read(0x30, 0x1000);
    CHECK(guest.r32(kFectl) == (kIm | kIp));
    CHECK(guest.ports.messages.empty());
    guest.w32(kFectl, 0);
    CHECK(guest.ports.messages == std::vector{Msi{0xfee00000, 0x33}});
    CHECK(guest.r32(kFectl) == 0);
    // No further event while a cause stands.
    (void)guest.read(0x38, 0x1000);
    CHECK(guest.ports.messages.size() == 1);
    guest.clear_record(0);
    guest.clear_record(1);
    CHECK(guest.r32(kFsts) == 0x100 * (guest.r32(kFsts) >> 8));
    (void)guest.read(0x30, 0x3000);
    CHECK(guest.ports.messages.size() == 2);
}

TEST_CASE("A pending fault event is forgotten when every cause is cleared") {
    LegacyGuest guest;
    guest.enable(kTtmLegacy);
    (void)guest.read(0x30, 0x1000);
    (void)guest.read(0x38, 0x1000);
    guest.clear_record(0);
    CHECK(guest.r32(kFectl) == (kIm | kIp));
    guest.clear_record(1);
    CHECK(guest.r32(kFectl) == kIm);
    guest.w32(kFectl, 0);
    CHECK(guest.ports.messages.empty());
}

TEST_CASE("Reset brings power-on state back in the middle of everything") {
    LegacyGuest guest;
    Guest fresh;
    guest.w32(kFectl, 0);
    guest.w32(kPmen, 1u << 31);
    guest.enable_queue(false);
    guest.enable(kTtmLegacy);
    (void)guest.read(0x30, 0x5000);
    guest.submit({0xf});
    guest.unit.reset();
    for (std::uint64_t offset = 0; offset < 0x1000; offset += 4) {
        CAPTURE(offset);
        CHECK(guest.r32(offset) == fresh.r32(offset));
    }
    CHECK(guest.output() == kInput);
    CHECK(guest.ports.gates.back() == false);
    CHECK(guest.ports.unmaps.back() == iommu::IovaRange::everything());
    // Nothing of before is cached.
    guest.map_second(kInput, kNew, kR | kW);
    guest.enable(kTtmLegacy);
    CHECK(guest.output() == kNew);
    (void)guest.read(0x38, 0x1000);
    CHECK(guest.record(0).fault());
}
