// SPDX-License-Identifier: GPL-2.0-or-later
//
// Scalable mode: each bit of root, context and PASID directory entries. [VTD 5.10 s9.2, s9.4, s9.5]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test;

namespace {

constexpr std::uint64_t kIova = 0x7000;
constexpr std::uint64_t kOutput = 0x180'0000;

void build(Guest& guest, const ContextSpec& context = {}) {
    guest.scalable_device(kDevice, {.pgtt = 1, .did = 7}, context);
    guest.map_first(kIova, kOutput, kP | kRW | kUS);
    guest.enable(kTtmScalable);
}

}  // namespace

TEST_CASE("Scalable root entry: 11:1 and 63:HAW of the half that serves the device are reserved", "[vtd][resolve]") {
    for (const unsigned haw : {39u, 48u, 52u}) {
        for (const std::uint32_t devfn : {0x00u, 0x7fu, 0x80u, 0xffu}) {
            INFO("HAW " << haw << ", devfn " << devfn);
            Guest guest({.haw = static_cast<std::uint8_t>(haw)});
            build(guest);
            guest.scalable_device(devfn, {.pgtt = 1, .did = 7});
            auto request = read_at(kIova);
            request.requester = iommu::RequesterId{devfn};
            const std::uint64_t half = guest.root_entry(devfn) + (devfn >= 0x80 ? 8 : 0);
            const BitField reserved[] = {{11, 1}, {63, haw}};
            expect_each_bit_faults(guest, half, reserved, request, 0x3a);
            guest.flip(half, haw - 1);
            expect_fault(guest, request, 0x40);
        }
    }
}

TEST_CASE("Scalable root entry: the other half is not looked at, and nothing is reserved with P=0", "[vtd][resolve]") {
    for (const std::uint32_t devfn : {0x20u, 0xa0u}) {
        Guest guest;
        build(guest);
        guest.scalable_device(0x20, {.pgtt = 1, .did = 7});
        guest.scalable_device(0xa0, {.pgtt = 1, .did = 7});
        auto request = read_at(kIova);
        request.requester = iommu::RequesterId{devfn};
        const std::uint64_t half = guest.root_entry(devfn) + (devfn >= 0x80 ? 8 : 0);
        const std::uint64_t other = guest.root_entry(devfn) + (devfn >= 0x80 ? 0 : 8);
        const BitField whole[] = {{63, 0}};
        expect_each_bit_ignored(guest, other, whole, request, kOutput);
        guest.flip(half, 0);
        const BitField all_but_present[] = {{63, 1}};
        expect_each_bit_faults(guest, half, all_but_present, request, 0x39);
    }
}

TEST_CASE("Scalable mode: each requester has the half of its bus and the context entry of its device",
          "[vtd][resolve]") {
    for (const std::uint32_t requester :
         {0x0000u, 0x003fu, 0x0040u, 0x007fu, 0x0080u, 0x00bfu, 0x00c0u, 0x00ffu, 0x1234u, 0xff00u, 0xffffu}) {
        INFO("requester " << requester);
        Guest guest;
        build(guest);
        auto request = read_at(kIova);
        request.requester = iommu::RequesterId{requester};
        // kDevice made the lower half of bus 0 present.
        expect_fault(guest, request, requester <= 0x7f ? 0x41 : 0x39);
        guest.scalable_device(requester, {.pgtt = 1, .did = 8});
        expect_output(guest, request, kOutput);
    }
}

TEST_CASE("Scalable context entry: reserved bits", "[vtd][resolve]") {
    for (const unsigned haw : {39u, 48u, 52u}) {
        INFO("HAW " << haw);
        Guest guest({.haw = static_cast<std::uint8_t>(haw)});
        build(guest);
        // HPTE without HPTS, EPTR without PTRS; 8:7; 63:HAW; 127:85; 255:128.
        const BitField reserved[] = {{5, 5}, {6, 6}, {8, 7}, {63, haw}, {127, 85}, {255, 128}};
        expect_each_bit_faults(guest, guest.context_entry(kDevice), reserved, read_at(kIova), 0x42);
        expect_each_bit_faults(guest, guest.context_entry(kDevice), reserved, with_pasid(read_at(kIova), 9), 0x42);
        guest.flip(guest.context_entry(kDevice), haw - 1);
        expect_fault(guest, read_at(kIova), 0x50);
    }
}

TEST_CASE("Scalable context entry: nothing is reserved with P=0", "[vtd][resolve]") {
    Guest guest;
    build(guest);
    const std::uint64_t entry = guest.context_entry(kDevice);
    guest.flip(entry, 0);
    const BitField all_but_fpd[] = {{255, 2}};
    expect_each_bit_faults(guest, entry, all_but_fpd, read_at(kIova), 0x41);
}

TEST_CASE("Scalable context entry: fields whose capability is missing are reserved", "[vtd][resolve]") {
    struct Missing {
        std::string_view field;
        vtd::Capabilities capabilities;
        BitField bits;
    };
    const Missing cases[] = {{"PASIDE without PASID", {.pasid = 0}, {3, 3}},
                             {"DTE without DT", {.dt = 0}, {2, 2}},
                             {"PRE without PRS", {.prs = 0}, {4, 4}},
                             {"PRE without DT, which PRS needs", {.dt = 0}, {4, 4}},
                             {"RID_PASID without RPS", {.rps = 0}, {83, 64}},
                             {"RID_PRIV without RPRIVS", {.rprivs = 0}, {84, 84}},
                             {"RID_PRIV without SRS, which RPRIVS needs", {.srs = 0}, {84, 84}}};
    for (const Missing& missing : cases) {
        INFO(missing.field);
        Guest guest(missing.capabilities);
        build(guest, {.paside = false});
        expect_output(guest, read_at(kIova), kOutput);
        expect_each_bit_faults(guest, guest.context_entry(kDevice), {&missing.bits, 1}, read_at(kIova), 0x42);
    }
}

TEST_CASE("Scalable context entry: a reserved bit outranks a RID_PASID beyond the directory", "[vtd][resolve]") {
    Guest guest;
    build(guest);
    guest.poke(guest.context_entry(kDevice) + 8, 1 << 13 | 1 << 21);
    expect_fault(guest, read_at(kIova), 0x42);
}

TEST_CASE("Scalable context entry: DTE and PRE mean nothing to other requests, but PRE needs DTE", "[vtd][resolve]") {
    Guest guest;
    build(guest);
    const std::uint64_t entry = guest.context_entry(kDevice);
    const std::uint64_t low = guest.peek(entry);
    guest.poke(entry, low | 1 << 2);
    expect_output(guest, read_at(kIova), kOutput);
    guest.poke(entry, low | 1 << 2 | 1 << 4);
    expect_output(guest, read_at(kIova), kOutput);
    guest.poke(entry, low | 1 << 4);
    expect_fault(guest, read_at(kIova), 0x43);
}

TEST_CASE("PASID directory entry: 11:2 and 63:HAW are reserved", "[vtd][resolve]") {
    for (const unsigned haw : {39u, 48u, 52u}) {
        INFO("HAW " << haw);
        Guest guest({.haw = static_cast<std::uint8_t>(haw)});
        build(guest);
        const std::uint64_t entry = guest.directory_entry(kDevice, 0);
        const BitField reserved[] = {{11, 2}, {63, haw}};
        expect_each_bit_faults(guest, entry, reserved, read_at(kIova), 0x52);
        guest.flip(entry, haw - 1);
        expect_fault(guest, read_at(kIova), 0x58);
    }
}

TEST_CASE("PASID directory entry: nothing is reserved with P=0", "[vtd][resolve]") {
    Guest guest;
    build(guest);
    const std::uint64_t entry = guest.directory_entry(kDevice, 0);
    guest.flip(entry, 0);
    const BitField all_but_fpd[] = {{63, 2}};
    expect_each_bit_faults(guest, entry, all_but_fpd, read_at(kIova), 0x51);
}
