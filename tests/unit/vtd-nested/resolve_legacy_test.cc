// SPDX-License-Identifier: GPL-2.0-or-later
//
// Legacy mode: every condition on the way from the root table to the page, with its record, and what FPD suppresses.
// [VTD 5.10 s3.4.2, s7.1.3, s9.1, s9.3]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test;

namespace {

constexpr std::uint64_t kIova = 0x40'4123;
constexpr std::uint64_t kOutput = 0x180'0123;

// A device with one 4-KiB page, all rights.
void build(Guest& guest) {
    guest.legacy_device(kDevice, 7);
    guest.map_second(kIova & ~0xfffull, kOutput & ~0xfffull, kR | kW);
    guest.enable(kTtmLegacy);
}

std::uint64_t context(Guest& guest) { return guest.context_entry(kDevice); }

void move_root(Guest& guest, std::uint64_t address) {
    guest.w64(kRtaddr, address);
    guest.forget();
}

// FPD is bit 1 of the context entry and counts for what comes after that entry was read.
const Breakage kUnqualified[] = {
    {"LRT.1: the root table is not in RAM", [](Guest& g) { move_root(g, kNoRam); }, 0x08},
    {"LRT.2: P=0 in the root entry", [](Guest& g) { g.flip(g.root_entry(kDevice), 0); }, 0x01},
    {"LRT.3: a reserved bit in the root entry", [](Guest& g) { g.flip(g.root_entry(kDevice), 1); }, 0x0a},
    {"LCT.1: the context table is not in RAM", [](Guest& g) { g.poke(g.root_entry(kDevice), kNoRam | 1); }, 0x09},
};

const Breakage kQualified[] = {
    {"LCT.2: P=0 in the context entry", [](Guest& g) { g.flip(context(g), 0); }, 0x02},
    {"LCT.3: a reserved bit in the context entry", [](Guest& g) { g.flip(context(g), 4); }, 0x0b},
    {"LCT.4.1: AW=000", [](Guest& g) { g.poke(context(g) + 8, 7 << 8); }, 0x03},
    {"LCT.4.2: TT=11", [](Guest& g) { g.poke(context(g), g.peek(context(g)) | 3 << 2); }, 0x03},
    {"LCT.4.3: the top second-stage table is not in RAM",
     [](Guest& g) { g.poke(context(g), (g.peek(context(g)) & 0xfff) | kNoRam); }, 0x03},
    {"LSS.1: a lower second-stage table is not in RAM", [](Guest& g) { g.poke(g.second_entry(kIova, 4), kNoRam | 3); },
     0x07},
    {"LSS.1: the last second-stage table is not in RAM", [](Guest& g) { g.poke(g.second_entry(kIova, 2), kNoRam | 3); },
     0x07},
    {"LSS.2: a reserved bit in a second-stage entry", [](Guest& g) { g.flip(g.second_entry(kIova, 1), 62); }, 0x0c},
    {"LGN.4: the output is an interrupt address", [](Guest& g) { g.poke(g.second_entry(kIova, 1), 0xfee00000 | 3); },
     0x0e},
};

const iommu::Request kRequests[] = {read_at(kIova), write_at(kIova), atomic_at(kIova), zero_read_at(kIova)};

// Sets FPD without touching what was broken.
void set_fpd(Guest& guest, std::uint64_t context_entry) { guest.poke(context_entry, guest.peek(context_entry) | 2); }

}  // namespace

TEST_CASE("Legacy mode: every condition is recorded for every kind of access", "[vtd][resolve]") {
    for (const auto& breakages : {std::span<const Breakage>(kUnqualified), std::span<const Breakage>(kQualified)}) {
        for (const Breakage& breakage : breakages) {
            INFO(breakage.rule);
            Guest guest;
            build(guest);
            expect_output(guest, read_at(kIova), kOutput);
            breakage.apply(guest);
            for (const auto& request : kRequests)
                expect_fault(guest, request, breakage.reason);
        }
    }
}

TEST_CASE("Legacy mode: FPD of the context entry suppresses what is qualified, also with P=0", "[vtd][resolve]") {
    for (const Breakage& breakage : kQualified) {
        INFO(breakage.rule);
        Guest guest;
        build(guest);
        const std::uint64_t entry = context(guest);
        breakage.apply(guest);
        set_fpd(guest, entry);
        for (const auto& request : kRequests)
            expect_unrecorded(guest, request, breakage.reason);
    }
}

TEST_CASE("Legacy mode: FPD does not suppress root and context table faults", "[vtd][resolve]") {
    for (const Breakage& breakage : kUnqualified) {
        INFO(breakage.rule);
        Guest guest;
        build(guest);
        const std::uint64_t entry = context(guest);
        breakage.apply(guest);
        set_fpd(guest, entry);
        expect_fault(guest, read_at(kIova), breakage.reason);
    }
}

TEST_CASE("Legacy mode: FPD does not open anything: a good request is still translated", "[vtd][resolve]") {
    Guest guest;
    build(guest);
    set_fpd(guest, context(guest));
    expect_output(guest, write_at(kIova), kOutput);
}

TEST_CASE("Legacy mode: a missing right is LGN.2 for what writes and LGN.3 for a read", "[vtd][resolve]") {
    Guest guest;
    build(guest);
    const std::uint64_t leaf = guest.second_entry(kIova, 1);
    const std::uint64_t page = kOutput & ~0xfffull;

    guest.poke(leaf, page | kR);
    expect_output(guest, read_at(kIova), kOutput);
    expect_fault(guest, write_at(kIova), 0x05);
    expect_fault(guest, atomic_at(kIova), 0x05);

    guest.poke(leaf, page | kW);
    expect_output(guest, write_at(kIova), kOutput);
    expect_fault(guest, read_at(kIova), 0x06);
    expect_fault(guest, atomic_at(kIova), 0x06);

    guest.poke(leaf, page);  // not present
    expect_fault(guest, read_at(kIova), 0x06);
    expect_fault(guest, write_at(kIova), 0x05);

    set_fpd(guest, context(guest));
    expect_unrecorded(guest, read_at(kIova), 0x06);
    expect_unrecorded(guest, write_at(kIova), 0x05);
}

TEST_CASE("Legacy mode: a request with PASID is RTA.2, whatever the tables say", "[vtd][resolve]") {
    Guest guest;
    build(guest);
    set_fpd(guest, context(guest));
    expect_fault(guest, with_pasid(read_at(kIova), 0), 0x31);
    expect_fault(guest, with_pasid(write_at(kIova), 0xfffff), 0x31);
    expect_fault(guest, privileged(with_pasid(atomic_at(kIova), 5)), 0x31);
    move_root(guest, kNoRam);
    expect_fault(guest, with_pasid(read_at(kIova), 5), 0x31);
}

TEST_CASE("Legacy mode: the privilege and execute bits of a request without PASID mean nothing", "[vtd][resolve]") {
    Guest guest;
    build(guest);
    expect_output(guest, privileged(read_at(kIova)), kOutput);
    expect_output(guest, executing(read_at(kIova)), kOutput);
}

TEST_CASE("Each requester has the context entry of its bus, device and function", "[vtd][resolve]") {
    for (const std::uint32_t requester : {0x0000u, 0x007fu, 0x0080u, 0x00ffu, 0x1234u, 0xff00u, 0xffffu}) {
        INFO("requester " << requester);
        Guest guest;
        build(guest);
        iommu::Request request = read_at(kIova);
        request.requester = iommu::RequesterId{requester};
        expect_fault(guest, request, requester >> 8 == 0 ? 0x02 : 0x01);
        guest.legacy_device(requester, 8);
        expect_output(guest, request, kOutput);
    }
}

TEST_CASE("A translation table mode that the unit does not have is RTA.1 for every request", "[vtd][resolve]") {
    struct Mode {
        std::uint64_t ttm;
        vtd::Capabilities capabilities;
    };
    const Mode modes[] = {{kTtmReserved, {}}, {kTtmAbort, {.adms = 0}}, {kTtmScalable, {.smts = 0}}};
    for (const Mode& mode : modes) {
        INFO("TTM " << mode.ttm);
        Guest guest(mode.capabilities);
        build(guest);
        set_fpd(guest, context(guest));
        guest.set_root(mode.ttm);
        for (const auto& request : kRequests)
            expect_fault(guest, request, 0x30);
        if (mode.capabilities.smts != 0) expect_fault(guest, with_pasid(read_at(kIova), 3), 0x30);
    }
}

TEST_CASE("Abort mode blocks every request with RTA.4 before it reads a table", "[vtd][resolve]") {
    Guest guest;
    build(guest);
    set_fpd(guest, context(guest));
    guest.set_root(kTtmAbort);
    for (const auto& request : kRequests)
        expect_fault(guest, request, 0x33);
    expect_fault(guest, with_pasid(read_at(kIova), 3), 0x33);
    move_root(guest, kNoRam | kTtmAbort << 10);
    expect_fault(guest, read_at(kIova), 0x33);
    guest.set_root(kTtmLegacy);
    expect_output(guest, read_at(kIova), kOutput);
}

TEST_CASE("The mode and the table count from SRTP on, not from the write of RTADDR", "[vtd][resolve]") {
    Guest guest;
    build(guest);
    guest.w64(kRtaddr, kNoRam | kTtmAbort << 10);
    CHECK(guest.read(kDevice, kIova).translation.address.value == kOutput);
    guest.forget();  // SRTP
    CHECK(guest.read(kDevice, kIova).reason == 0x33);
}

TEST_CASE("With translation disabled everything passes as it is, PASID or not", "[vtd][resolve]") {
    Guest guest;
    build(guest);
    guest.set_root(kTtmAbort);
    guest.command(kTe, false);
    for (const auto& request : kRequests)
        expect_output(guest, request, kIova);
    expect_output(guest, with_pasid(write_at(~0xfffull), 3), ~0xfffull);
    CHECK(expect_output(guest, read_at(kIova), kIova).rights == iommu::Rights::ReadWrite);
}
