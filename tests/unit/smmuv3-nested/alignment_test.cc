// SPDX-License-Identifier: GPL-2.0-or-later
//
// Fields that count only beside another one: alignment with 52 bits, HD beside HA, DS beside IDR5.DS, TBI in commands.
// [SMMU 3.13, 4.4, 5.2, 5.4]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test::smmu;
using Caps = smmuv3::Capabilities;

namespace {

constexpr std::uint64_t kOut = 0x1800000;
constexpr Caps k52{.oas = 6};

}  // namespace

// Two descriptors of 64K granule: 16 bytes; with an output size of 52 bits, 64 bytes.
TEST_CASE("Alignment: first tables are aligned to 64 bytes where the output size is 52 bits", "[smmu][alignment]") {
    for (const unsigned size : {5u, 6u}) {
        INFO("IPS, S2PS " << size);
        for (const unsigned config : {kStage1, kStage2}) {
            Guest guest(k52);
            Tables& tables = config == kStage1 ? guest.low : guest.second;
            guest.format(tables, 16, 2, 30, true);
            guest.map(tables, 0, kOut & ~0xffffull, config == kStage1 ? kPage : kS2Page);
            const std::uint64_t ste = guest.stream(kStream, {.config = config});
            if (config == kStage2) guest.set(ste, 178, 176, size);
            if (config == kStage2) guest.set(ste, 192 + 5, 192 + 4, 3);
            if (config == kStage1) guest.set(guest.cd(kStream), 34, 32, size);
            if (config == kStage1) guest.set(guest.cd(kStream), 64 + 5, 64 + 4, 3);
            guest.bring_up();
            if (size == 6) expect_output(guest, read_at(0), kOut & ~0xffffull);
            if (size == 5) expect_event(guest, read_at(0), {.type = F_TRANSLATION, .s2 = config == kStage2});
        }
    }
}

TEST_CASE("HTTU: HD without HA makes nothing writable", "[smmu][httu]") {
    {
        Guest guest;
        guest.stream(kStream, {}, {.hd = true});
        guest.map(guest.low, 0, kOut, kAp1 | kAp2 | kDbm | kAf);
        guest.bring_up();
        expect_event(guest, write_at(0), {.type = F_PERMISSION});
    }
    {
        Guest guest;
        guest.stream(kStream, {.config = kStage2, .s2hd = true});
        guest.map(guest.second, 0, kOut, kS2R | kS2Normal | kDbm | kAf);
        guest.bring_up();
        expect_event(guest, write_at(0), {.type = F_PERMISSION, .s2 = true});
    }
}

TEST_CASE("DS: without IDR5.DS, the bits for it are shareability", "[smmu][alignment]") {
    for (const unsigned config : {kStage1, kStage2}) {
        Guest guest(k52);
        guest.map(guest.low, 0, kOut, kPage | 3u << 8);
        guest.map(guest.second, 0, kOut, kS2Page | 3u << 8);
        const std::uint64_t ste = guest.stream(kStream, {.config = config});
        guest.set(ste, 195, 195, 1);
        if (config == kStage1) guest.set(guest.cd(kStream), 186, 186, 1);
        guest.bring_up();
        expect_output(guest, read_at(0), kOut);
    }
}

TEST_CASE("CD: without substreams in the unit, S1CDMax does not align the pointer", "[smmu][alignment]") {
    Guest guest({.ssidsize = 0});
    const std::uint64_t ste = guest.stream(kStream);
    guest.map(guest.low, 0, kOut, kPage);
    guest.set(ste, 55, 6, (guest.cd(kStream) + 0x40) >> 6);
    guest.write_cd(guest.cd(kStream), {});
    guest.poke(guest.cd(kStream) - 0x40, 0);
    guest.set(ste, 63, 59, 3);
    guest.bring_up();
    expect_output(guest, read_at(0), kOut);
}

TEST_CASE("TBI: a TLBI by address reaches what came in under any top byte", "[smmu][alignment]") {
    for (const bool upper : {false, true}) {
        for (const std::uint64_t told : {0x00ull, 0xa5ull, 0xffull}) {
            INFO((upper ? "TTB1" : "TTB0") << ", top byte of the command " << told);
            Guest guest;
            guest.format(guest.high, 12, 0, 48);
            const std::uint64_t va = upper ? 0x00ff'8000'0000'4000 : 0x4000;
            const std::uint64_t leaf = guest.map(upper ? guest.high : guest.low, va, kOut, kPage);
            guest.stream(kStream);
            guest.set(guest.cd(kStream), 39, 38, 3);
            guest.bring_up();
            const std::uint64_t alias = 0x5aull << 56 | va;
            REQUIRE(guest.ask(read_at(alias)).translation.address.value == kOut);
            guest.poke(leaf, 0x1900000 | kPage | 3);
            CHECK(guest.ask(read_at(alias)).translation.address.value == kOut);
            guest.submit(tlbi_nh_va(3, 1, told << 56 | va));
            CHECK(guest.ask(read_at(alias)).translation.address.value == 0x1900000);
        }
    }
}
