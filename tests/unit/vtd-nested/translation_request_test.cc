// SPDX-License-Identifier: GPL-2.0-or-later
//
// Translation requests that find a translation: every field of the completion, and the bits they set in the tables.
// [VTD 5.10 s4.2.3]
#include <catch2/catch_test_macros.hpp>

#include "ats_expect.h"

using namespace test;
using iommu::CompletionStatus;
using iommu::Rights;

namespace {

constexpr std::uint64_t kIova = 0x7000, kOutput = 0x180'0000;
constexpr std::uint32_t kPasid = 5;
constexpr std::uint64_t kAll = kP | kRW | kUS;
constexpr bool kNw = true;

void build(Guest& guest, const PasidSpec& spec = {.pgtt = 1, .did = 7}, const ContextSpec& context = {.dte = true}) {
    guest.scalable_device(kDevice, spec, context);
    guest.add_pasid(kDevice, kPasid, spec);
    guest.enable(kTtmScalable);
}

// What the request changed in the entry.
std::uint64_t change_by(Guest& guest, std::uint64_t entry, const iommu::Request& request) {
    const std::uint64_t before = guest.peek(entry);
    (void)guest.unit.translation_request(request);
    return guest.peek(entry) ^ before;
}

void wait_for_invalidation(Guest& guest, const Words4& descriptor) {
    guest.submit(descriptor);
    REQUIRE(guest.r64(kIqh) == guest.r64(kIqt));
}

}  // namespace

TEST_CASE("First stage: each page size is granted whole, with the address of the request's byte", "[vtd][ats]") {
    for (const unsigned log2 : {12u, 21u, 30u}) {
        Guest guest;
        build(guest);
        const std::uint64_t page = 1ull << 40, output = 1ull << 41;
        guest.map_first(page, output, kAll, log2);
        const std::uint64_t offset = (1ull << log2) - 0x800;
        for (const auto& request : {translation_at(page + offset), with_pasid(translation_at(page + offset), kPasid)}) {
            const auto completion = expect_granted(guest, request, output + offset, Rights::ReadWrite);
            CHECK(completion.page_log2 == log2);
            CHECK(!completion.no_snoop);
        }
    }
}

TEST_CASE("Nested: the smaller page is granted, with the rights of both stages", "[vtd][ats]") {
    Guest guest;
    build(guest, {.pgtt = 3, .did = 7});
    guest.identity_second();
    guest.map_first(kIova & ~0x1fffffull, 0x180'0000, kAll, 21);
    CHECK(expect_granted(guest, translation_at(kIova), kOutput + kIova, Rights::ReadWrite).page_log2 == 21);
    const std::uint64_t base = 0x4000'0000;
    guest.map_first(base, 0x8000'0000, kP | kUS, 30);
    guest.map_second(0x8000'3000, 0x9000'0000, kR | kW);
    const auto completion = expect_granted(guest, translation_at(base + 0x3010), 0x9000'0010, Rights::Read);
    CHECK(completion.page_log2 == 12);
    // One stage lets be read, the other be written: nothing is left.
    guest.map_second(0x8000'3000, 0x9000'0000, kW);
    (void)expect_refused(guest, translation_at(base + 0x3010), 0x86, Answer::Nothing, Recorded::No);
}

TEST_CASE("Second stage: what is left of the rights is granted", "[vtd][ats]") {
    struct Case {
        std::uint64_t bits;
        Rights granted, granted_nw;
    };
    for (const Case& item : {Case{kR | kW, Rights::ReadWrite, Rights::Read}, Case{kR, Rights::Read, Rights::Read},
                             Case{kW, Rights::Write, Rights::None}}) {
        INFO("R and W " << item.bits);
        Guest guest;
        build(guest, {.pgtt = 2, .did = 7});
        guest.map_second(kIova, kOutput, item.bits);
        (void)expect_granted(guest, translation_at(kIova), kOutput, item.granted);
        if (item.granted_nw != Rights::None) {
            (void)expect_granted(guest, translation_at(kIova, kNw), kOutput, item.granted_nw);
        } else {
            (void)expect_refused(guest, translation_at(kIova, kNw), 0x86, Answer::Nothing, Recorded::No);
        }
    }
}

TEST_CASE("NW keeps the write right back with NWFS, and is ignored without", "[vtd][ats]") {
    for (const unsigned nwfs : {1u, 0u}) {
        for (const unsigned pgtt : {1u, 2u, 4u}) {
            INFO("NWFS " << nwfs << ", PGTT " << pgtt);
            Guest guest({.nwfs = static_cast<std::uint8_t>(nwfs)});
            build(guest, {.pgtt = pgtt, .did = 7});
            guest.map_first(kIova, kIova, kAll);
            guest.map_second(kIova, kIova, kR | kW);
            const Rights granted = nwfs != 0 ? Rights::Read : Rights::ReadWrite;
            (void)expect_granted(guest, translation_at(kIova, kNw), kIova, granted);
            // Also where the dirty bit is set already.
            (void)expect_granted(guest, translation_at(kIova), kIova, Rights::ReadWrite);
            (void)expect_granted(guest, translation_at(kIova, kNw), kIova, granted);
        }
    }
}

// [VTD 5.10 s4.2.3.1]
TEST_CASE("A and D are set as for an atomic, with NW as for a read; no D without the write right", "[vtd][ats]") {
    for (const unsigned nwfs : {1u, 0u}) {
        Guest guest({.nwfs = static_cast<std::uint8_t>(nwfs)});
        build(guest);
        const std::uint64_t leaf = guest.map_first(kIova, kOutput, kAll);
        CHECK(change_by(guest, leaf, translation_at(kIova, kNw)) == (nwfs != 0 ? kA : kA | kD));
        CHECK(change_by(guest, leaf, translation_at(kIova)) == (nwfs != 0 ? kD : 0));
        CHECK((guest.peek(guest.first_entry(kIova, 4)) & (kA | kD)) == kA);
        const std::uint64_t read_only = guest.map_first(kIova + 0x1000, kOutput, kP | kUS);
        CHECK(change_by(guest, read_only, translation_at(kIova + 0x1000)) == kA);
    }
    Guest guest;
    build(guest, {.pgtt = 2, .did = 7, .ssade = true});
    const std::uint64_t leaf = guest.map_second(kIova, kOutput, kR | kW);
    CHECK(change_by(guest, leaf, translation_at(kIova, kNw)) == kSsA);
    CHECK(change_by(guest, leaf, translation_at(kIova)) == kSsD);
    const std::uint64_t read_only = guest.map_second(kIova + 0x1000, kOutput, kR);
    CHECK(change_by(guest, read_only, translation_at(kIova + 0x1000)) == kSsA);
    const std::uint64_t write_only = guest.map_second(kIova + 0x2000, kOutput, kW);
    CHECK(change_by(guest, write_only, translation_at(kIova + 0x2000)) == (kSsA | kSsD));
}

// [VTD 5.10 s4.2.3 table 10]
TEST_CASE("N is PGSNP, or SNP of the second stage's leaf where that stage has the last word", "[vtd][ats]") {
    for (const unsigned pgtt : {1u, 2u, 3u, 4u}) {
        for (const bool pgsnp : {false, true}) {
            for (const bool snp : {false, true}) {
                INFO("PGTT " << pgtt << ", PGSNP " << pgsnp << ", SNP " << snp);
                Guest guest;
                build(guest, {.pgtt = pgtt, .did = 7, .pgsnp = pgsnp});
                if (pgtt == 3) guest.map_second(0, 0, kR | kW, 21);
                // Bit 11 of a first-stage entry is software's.
                guest.map_first(kIova, 0x40'0000, kAll | (snp ? kSNP : 0));
                guest.map_second(pgtt == 3 ? 0x40'0000 : kIova, kOutput, kR | kW | (snp ? kSNP : 0));
                const bool wanted = pgsnp || (snp && (pgtt == 2 || pgtt == 3));
                for (int again = 0; again < 2; ++again) {  // from the tables, and with the IOTLB filled
                    const auto completion = guest.unit.translation_request(translation_at(kIova));
                    CHECK(completion.rights == Rights::ReadWrite);
                    CHECK(completion.no_snoop == wanted);
                }
            }
        }
    }
}

TEST_CASE("Priv tells whose rights these are: PR of the PASID's prefix, never RID_PRIV", "[vtd][ats]") {
    Guest guest;
    build(guest, {.pgtt = 1, .did = 7, .sre = true}, {.rid_priv = true, .dte = true});
    guest.map_first(kIova, kOutput, kP | kRW);
    (void)expect_granted(guest, privileged(with_pasid(translation_at(kIova), kPasid)), kOutput, Rights::ReadWrite);
    // A supervisor's rights without Priv.
    (void)expect_granted(guest, translation_at(kIova), kOutput, Rights::ReadWrite);
    (void)expect_refused(guest, with_pasid(translation_at(kIova), kPasid), 0x81, Answer::Nothing, Recorded::No);
    // WPE keeps a supervisor from writing.
    guest.map_first(kIova, kOutput, kP);
    (void)expect_granted(guest, translation_at(kIova), kOutput, Rights::ReadWrite);
    guest.write_pasid_entry(guest.pasid_entry(kDevice, 0), {.pgtt = 1, .did = 7, .sre = true, .wpe = true});
    (void)expect_granted(guest, translation_at(kIova), kOutput, Rights::Read);
}

TEST_CASE("Pass-through: input is output, in blocks as large as the largest page, beside the interrupt range",
          "[vtd][ats]") {
    struct Case {
        vtd::Capabilities capabilities;
        unsigned log2 = 0;
    };
    for (const Case& item : {Case{{}, 30}, Case{{.sslps = 0}, 30}, Case{{.fs1gp = 0}, 30},
                             Case{{.sslps = 1, .fs1gp = 0}, 21}, Case{{.sslps = 0, .fsts = 0}, 12}}) {
        Guest guest(item.capabilities);
        guest.first_root = 0;  // FSPTPTR is reserved without FSTS
        build(guest, {.pgtt = 4, .did = 7});
        CHECK(expect_granted(guest, translation_at(0x1'2345'6000), 0x1'2345'6000, Rights::ReadWrite).page_log2 ==
              item.log2);
    }
    Guest guest;
    build(guest, {.pgtt = 4, .did = 7});
    CHECK(expect_granted(guest, translation_at(0xfedf'f000), 0xfedf'f000, Rights::ReadWrite).page_log2 == 21);
    CHECK(expect_granted(guest, translation_at(0xfef0'0000), 0xfef0'0000, Rights::ReadWrite).page_log2 == 20);
    CHECK(expect_granted(guest, translation_at(0xc000'0000), 0xc000'0000, Rights::ReadWrite).page_log2 == 29);
    (void)expect_granted(guest, translation_at((1ull << 48) - 1), (1ull << 48) - 1, Rights::ReadWrite);
    (void)expect_refused(guest, translation_at(1ull << 48), 0x83, Answer::Nothing, Recorded::No);
}

// [VTD 5.10 s7.1.3 table 30: S.1, S.2]
TEST_CASE("The interrupt range without PASID: write untranslated; with NW nothing", "[vtd][ats]") {
    for (const unsigned pgtt : {1u, 4u}) {
        for (const std::uint64_t iova : {0xfee0'0000ull, 0xfeef'ffffull}) {
            Guest guest;
            build(guest, {.pgtt = pgtt, .did = 7});
            guest.map_first(iova & ~0xfffull, kOutput, kAll);
            const auto completion = guest.unit.translation_request(translation_at(iova));
            CHECK(completion.status == CompletionStatus::Success);
            CHECK(completion.rights == Rights::Write);
            CHECK(completion.untranslated_only);
            CHECK(completion.page_log2 == 12);
            CHECK(!completion.no_snoop);
            (void)expect_refused(guest, translation_at(iova, kNw), 0, Answer::Nothing, Recorded::No);
        }
    }
}

TEST_CASE("The interrupt range with a PASID is translated; but by pass-through as without", "[vtd][ats]") {
    Guest guest;
    build(guest);
    guest.map_first(0xfee0'0000, kOutput, kAll);
    (void)expect_granted(guest, with_pasid(translation_at(0xfee0'0000), kPasid), kOutput, Rights::ReadWrite);
    guest.write_pasid_entry(guest.pasid_entry(kDevice, kPasid), {.pgtt = 4, .did = 7});
    guest.forget();
    const auto completion = guest.unit.translation_request(with_pasid(translation_at(0xfee0'0000), kPasid));
    CHECK(completion.rights == Rights::Write);
    CHECK(completion.untranslated_only);
}

TEST_CASE("What refuses the device outranks the interrupt range", "[vtd][ats]") {
    Guest guest;
    build(guest, {.pgtt = 1, .did = 7}, {.dte = false});
    (void)expect_refused(guest, translation_at(0xfee0'0000), 0x44, Answer::Unsupported, Recorded::Yes);
}

// [VTD 5.10 s7.1.3 table 30: SGN.8.2 counts the output range]
TEST_CASE("A page that reaches into the interrupt range is aborted, wherever in it the request is", "[vtd][ats]") {
    struct Case {
        unsigned log2;
        std::uint64_t output;
        bool aborted;
    };
    for (const Case& item : {Case{30, 0xc000'0000, true}, Case{30, 0x1'0000'0000, false}, Case{21, 0xfee0'0000, true},
                             Case{21, 0xfec0'0000, false}, Case{21, 0xff00'0000, false}, Case{12, 0xfeef'f000, true},
                             Case{12, 0xfef0'0000, false}, Case{12, 0xfedf'f000, false}}) {
        for (const bool first_asked_untranslated : {false, true}) {
            INFO("2^" << item.log2 << " at " << item.output);
            Guest guest;
            build(guest);
            guest.map_first(1ull << 40, item.output, kAll, item.log2);
            // DMA beside the range is translated, and cached in a smaller block.
            const std::uint64_t offset = item.log2 == 21 ? 0x10'0000 : 0;
            if (first_asked_untranslated && item.log2 != 12) {
                CHECK(guest.write(kDevice, (1ull << 40) + offset).outcome == iommu::Outcome::Translated);
            }
            const auto completion = guest.unit.translation_request(translation_at((1ull << 40) + offset));
            CHECK((completion.status == CompletionStatus::CompleterAbort) == item.aborted);
            CHECK(guest.take_fault() == (item.aborted ? 0x87u : 0u));
        }
    }
}

TEST_CASE("Protected regions do not stop a translation request, but the access that follows", "[vtd][ats]") {
    Guest guest;
    build(guest);
    guest.map_first(0x20'0000, 0x180'0000, kAll, 21);
    guest.w32(kPlmbase, 0x100'0000);
    guest.w32(kPlmlimit, 0x1ff'ffff);
    guest.w32(kPmen, 1u << 31);
    const auto completion = expect_granted(guest, translation_at(0x20'0000), 0x180'0000, Rights::ReadWrite);
    CHECK(completion.page_log2 == 21);
    expect_unrecorded(guest, translated(read_at(0x180'0000)), 0);
}

// [VTD 5.10 s4.2.1]
TEST_CASE("Without DT, or while translation is off, it is unsupported and no fault", "[vtd][ats]") {
    Guest off;
    off.scalable_device(kDevice, {.pgtt = 1, .did = 7}, {.dte = true});
    off.map_first(kIova, kOutput, kAll);
    off.set_root(kTtmScalable);
    (void)expect_refused(off, translation_at(kIova), 0, Answer::Unsupported, Recorded::No);
    off.command(kTe);
    (void)expect_granted(off, translation_at(kIova), kOutput, Rights::ReadWrite);
    off.command(kTe, false);
    (void)expect_refused(off, translation_at(kIova), 0, Answer::Unsupported, Recorded::No);

    Guest without({.dt = 0});
    build(without, {.pgtt = 1, .did = 7}, {.dte = false});
    without.map_first(kIova, kOutput, kAll);
    (void)expect_refused(without, translation_at(kIova), 0, Answer::Unsupported, Recorded::No);
}

TEST_CASE("It has a call of its own: as an access it is blocked, and no fault", "[vtd][ats]") {
    Guest guest;
    build(guest);
    guest.map_first(kIova, kOutput, kAll);
    expect_unrecorded(guest, translation_at(kIova), 0);
}

TEST_CASE("DTE is seen although the requester's configuration was cached without it", "[vtd][ats]") {
    Guest guest;
    build(guest, {.pgtt = 1, .did = 7}, {.dte = false});
    guest.map_first(kIova, kOutput, kAll);
    for (int again = 0; again < 2; ++again) {
        CHECK(guest.write(kDevice, kIova).outcome == iommu::Outcome::Translated);
        const auto completion = guest.unit.translation_request(translation_at(kIova));
        CHECK(completion.status == CompletionStatus::UnsupportedRequest);
        CHECK(guest.take_fault() == 0x44);
    }
}

TEST_CASE("A translation that was granted is served from the IOTLB until software invalidates it there", "[vtd][ats]") {
    Guest guest({.esrtps = 0});
    build(guest);
    guest.enable_queue();
    guest.map_first(kIova, kOutput, kAll);
    (void)guest.unit.translation_request(translation_at(kIova));
    guest.map_first(kIova, kOutput + 0x1000, kAll | kA | kD);
    CHECK(guest.unit.translation_request(translation_at(kIova + 8)).address.value == kOutput + 8);
    CHECK(guest.unit.counters().hits == 1);
    CHECK(guest.write(kDevice, kIova).translation.address.value == kOutput);
    wait_for_invalidation(guest, pasid_iotlb(3, 7, 0, kIova));
    CHECK(guest.unit.translation_request(translation_at(kIova + 8)).address.value == kOutput + 0x1008);
}

TEST_CASE("A page that became writable is granted so at once: a kept translation with less does not count",
          "[vtd][ats]") {
    Guest guest;
    build(guest);
    guest.map_first(kIova, kOutput, kP | kUS);
    CHECK(guest.unit.translation_request(translation_at(kIova)).rights == Rights::Read);
    guest.map_first(kIova, kOutput, kAll);
    CHECK(guest.unit.translation_request(translation_at(kIova)).rights == Rights::ReadWrite);
    // Asking with NW does not make DMA forget that it may write.
    CHECK(guest.unit.translation_request(translation_at(kIova, kNw)).rights == Rights::Read);
    const auto hits = guest.unit.counters().hits;
    CHECK(guest.write(kDevice, kIova).outcome == iommu::Outcome::Translated);
    CHECK(guest.unit.counters().hits == hits + 1);
}

TEST_CASE("Two translation requests a few bytes apart are two faults", "[vtd][ats]") {
    Guest guest;
    build(guest, {.pgtt = 1, .did = 7}, {.dte = false});
    (void)guest.unit.translation_request(translation_at(kIova));
    (void)guest.unit.translation_request(translation_at(kIova + 8));
    CHECK(guest.record(0).fault());
    CHECK(guest.record(1).fault());
}
