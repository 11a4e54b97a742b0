// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which PASID a request has, and which it may have. [VTD 5.10 s3.4.3, s9.4]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test;

namespace {

constexpr std::uint64_t kIova = 0x7000;
constexpr std::uint64_t kOutput = 0x180'0000;
const PasidSpec kSpec{.pgtt = 1, .did = 7};

void build(Guest& guest, const ContextSpec& context) {
    guest.scalable_device(kDevice, kSpec, context);
    guest.map_first(kIova, kOutput, kP | kRW | kUS);
    guest.enable(kTtmScalable);
}

}  // namespace

TEST_CASE("PDTS: the last PASID is 2^(PDTS+13)-1, and the next is SCT.7", "[vtd][resolve]") {
    for (unsigned pdts = 0; pdts <= 7; ++pdts) {
        INFO("PDTS " << pdts);
        Guest guest;
        build(guest, {.pdts = pdts});
        const std::uint32_t count = 1u << (pdts + 13);
        guest.add_pasid(kDevice, count - 1, kSpec);
        expect_output(guest, with_pasid(read_at(kIova), count - 1), kOutput);
        // 20 bits hold no PASID beyond PDTS=7.
        if (pdts == 7) continue;
        expect_fault(guest, with_pasid(read_at(kIova), count), 0x46);
        expect_fault(guest, with_pasid(write_at(kIova), 0xfffff), 0x46);
        guest.flip(guest.context_entry(kDevice), 1);  // FPD
        expect_unrecorded(guest, with_pasid(read_at(kIova), count), 0x46);
    }
}

TEST_CASE("PSS: the last PASID is 2^(PSS+1)-1, and the next is SGN.10", "[vtd][resolve]") {
    for (unsigned pss = 0; pss <= 18; ++pss) {
        INFO("PSS " << pss);
        Guest guest({.pss = static_cast<std::uint8_t>(pss)});
        build(guest, {.pdts = 7});
        const std::uint32_t count = 1u << (pss + 1);
        guest.add_pasid(kDevice, count - 1, kSpec);
        expect_output(guest, with_pasid(read_at(kIova), count - 1), kOutput);
        expect_fault(guest, with_pasid(atomic_at(kIova), count), 0x89);
        guest.flip(guest.context_entry(kDevice), 1);  // FPD
        expect_unrecorded(guest, with_pasid(read_at(kIova), count), 0x89);
    }
}

TEST_CASE("RID_PASID: the last is 2^(PDTS+13)-1; beyond that every request is SCT.4, with PASID too",
          "[vtd][resolve]") {
    for (unsigned pdts = 0; pdts <= 6; ++pdts) {
        INFO("PDTS " << pdts);
        const std::uint32_t count = 1u << (pdts + 13);
        Guest guest;
        build(guest, {.pdts = pdts, .rid_pasid = count - 1});
        guest.add_pasid(kDevice, 5, kSpec);
        expect_output(guest, read_at(kIova), kOutput);
        expect_output(guest, with_pasid(read_at(kIova), 5), kOutput);
        const std::uint64_t high = guest.context_entry(kDevice) + 8;
        for (const std::uint32_t rid_pasid : {count, 0xfffffu}) {
            guest.poke(high, rid_pasid);
            expect_fault(guest, read_at(kIova), 0x43);
            expect_fault(guest, with_pasid(read_at(kIova), 5), 0x43);
        }
    }
}

TEST_CASE("RID_PASID is not held against PSS", "[vtd][resolve]") {
    Guest guest({.pss = 3});
    build(guest, {.rid_pasid = 16});
    expect_output(guest, read_at(kIova), kOutput);
}

TEST_CASE("A request without PASID is translated by the entry of RID_PASID, and its record has no PASID",
          "[vtd][resolve]") {
    for (const std::uint32_t rid_pasid : {0u, 1u, 63u, 64u, 8191u}) {
        INFO("RID_PASID " << rid_pasid);
        Guest guest;
        build(guest, {.rid_pasid = rid_pasid});
        expect_output(guest, read_at(kIova), kOutput);
        guest.flip(guest.pasid_entry(kDevice, rid_pasid), 0);
        expect_fault(guest, read_at(kIova), 0x59);
    }
}

TEST_CASE("Without RPS a request without PASID is translated by the entry of PASID 0", "[vtd][resolve]") {
    Guest guest({.rps = 0});
    build(guest, {});
    expect_output(guest, read_at(kIova), kOutput);
}

TEST_CASE("A request whose PASID is RID_PASID is SCT.9, also with RID_PASID 0", "[vtd][resolve]") {
    for (const unsigned rps : {0u, 1u}) {
        for (const std::uint32_t rid_pasid : {0u, 5u}) {
            if (rps == 0 && rid_pasid != 0) continue;
            INFO("RPS " << rps << ", RID_PASID " << rid_pasid);
            Guest guest({.rps = static_cast<std::uint8_t>(rps)});
            build(guest, {.rid_pasid = rid_pasid});
            guest.add_pasid(kDevice, rid_pasid + 1, kSpec);
            expect_fault(guest, with_pasid(write_at(kIova), rid_pasid), 0x48);
            expect_output(guest, with_pasid(write_at(kIova), rid_pasid + 1), kOutput);
            guest.flip(guest.context_entry(kDevice), 1);  // FPD
            expect_unrecorded(guest, with_pasid(write_at(kIova), rid_pasid), 0x48);
        }
    }
}

TEST_CASE("With PASIDE=0 every request with PASID is SCT.6, and requests without are translated", "[vtd][resolve]") {
    Guest guest;
    build(guest, {.paside = false});
    guest.add_pasid(kDevice, 5, kSpec);
    for (const std::uint32_t pasid : {0u, 5u, 8191u})
        expect_fault(guest, with_pasid(read_at(kIova), pasid), 0x45);
    expect_output(guest, read_at(kIova), kOutput);
    guest.flip(guest.context_entry(kDevice), 1);  // FPD
    expect_unrecorded(guest, with_pasid(read_at(kIova), 5), 0x45);
}

TEST_CASE("A unit without PASIDs records PP, PV, PRIV and EXE as 0", "[vtd][resolve]") {
    Guest scalable({.pasid = 0});
    build(scalable, {.paside = false});
    expect_fault(scalable, privileged(with_pasid(read_at(kIova), 5)), 0x45);

    Guest legacy({.smts = 0});
    legacy.legacy_device(kDevice, 7);
    legacy.enable(kTtmLegacy);
    expect_fault(legacy, executing(with_pasid(read_at(kIova), 5)), 0x31);
}

TEST_CASE("Each PASID has the directory entry of its upper bits and the table entry of its lower six",
          "[vtd][resolve]") {
    Guest guest;
    build(guest, {.pdts = 7});
    for (const std::uint32_t pasid : {1u, 63u, 64u, 65u, 4095u, 4096u, 0x12345u, 0xfffffu}) {
        INFO("PASID " << pasid);
        // Tables of other PASIDs may be there already; this entry is not.
        const auto reply = guest.read(kDevice, pasid, kIova);
        CHECK((reply.reason == 0x51 || reply.reason == 0x59));
        CHECK(guest.take_fault() == reply.reason);
        guest.add_pasid(kDevice, pasid, kSpec);
        expect_output(guest, with_pasid(read_at(kIova), pasid), kOutput);
    }
}

// ER is a PASID prefix's bit; versions up to 7 look at it after the PASID entry.
TEST_CASE("Up to version 7 an execute request with PASID is SPT.5, suppressed by FPD", "[vtd][resolve]") {
    for (const unsigned version : {0x10u, 0x50u, 0x7fu}) {
        INFO("version " << version);
        Guest guest({.ver = static_cast<std::uint8_t>(version)});
        build(guest, {});
        const std::uint64_t entry = guest.add_pasid(kDevice, 5, kSpec);
        expect_fault(guest, executing(with_pasid(read_at(kIova), 5)), 0x5c);
        expect_output(guest, executing(read_at(kIova)), kOutput);
        guest.flip(entry, 1);  // FPD
        expect_unrecorded(guest, executing(with_pasid(read_at(kIova), 5)), 0x5c);
        guest.flip(entry, 0);
        expect_unrecorded(guest, executing(with_pasid(read_at(kIova), 5)), 0x59);
    }
}

TEST_CASE("From version 8 on an execute request with PASID is RTA.5 before any table is read", "[vtd][resolve]") {
    for (const unsigned version : {0x80u, 0xf0u}) {
        INFO("version " << version);
        Guest guest({.ver = static_cast<std::uint8_t>(version)});
        build(guest, {.fpd = true});
        guest.add_pasid(kDevice, 5, kSpec);
        expect_fault(guest, executing(with_pasid(read_at(kIova), 5)), 0x34);
        expect_output(guest, executing(read_at(kIova)), kOutput);
        guest.flip(guest.root_entry(kDevice), 0);
        expect_fault(guest, executing(with_pasid(read_at(kIova), 5)), 0x34);
    }
}

TEST_CASE("Up to version 7 an execute request is refused also where the PASID's page is cached", "[vtd][resolve]") {
    Guest guest({.ver = 0x50});
    build(guest, {});
    guest.add_pasid(kDevice, 5, kSpec);
    expect_output(guest, with_pasid(read_at(kIova), 5), kOutput);
    CHECK(guest.ask(executing(with_pasid(read_at(kIova), 5))).reason == 0x5c);
}

TEST_CASE("From version 8 on an execute request is refused also where the PASID's page is cached", "[vtd][resolve]") {
    Guest guest({.ver = 0x80});
    build(guest, {});
    guest.add_pasid(kDevice, 5, kSpec);
    expect_output(guest, with_pasid(read_at(kIova), 5), kOutput);
    CHECK(guest.ask(executing(with_pasid(read_at(kIova), 5))).reason == 0x34);
}
