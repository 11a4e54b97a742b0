// SPDX-License-Identifier: GPL-2.0-or-later
//
// Legacy mode: translation requests, translated requests and page requests. [VTD 5.10 s4.2, s7.1.3 table 30, s9.3]
#include <catch2/catch_test_macros.hpp>

#include "ats_expect.h"

using namespace test;
using iommu::ResponseCode;
using iommu::Rights;

namespace {

constexpr std::uint64_t kIova = 0x7000, kOutput = 0x180'0000;
constexpr unsigned kDeviceTlb = 1;

void build(Guest& guest, unsigned tt = kDeviceTlb, unsigned aw = 2) {
    guest.legacy_device(kDevice, 7, aw, tt);
    guest.map_second(kIova, kOutput, kR | kW);
    guest.enable_page_requests();
    guest.enable(kTtmLegacy);
}

struct Scenario {
    std::string_view name;
    unsigned reason;
    bool qualified;
    Answer translation;
    bool blocks_translated;
    void (*breakage)(Guest& guest);
};

void clear_bits(Guest& guest, std::uint64_t at, std::uint64_t bits) { guest.poke(at, guest.peek(at) & ~bits); }
void set_bits(Guest& guest, std::uint64_t at, std::uint64_t bits) { guest.poke(at, guest.peek(at) | bits); }
void point_to(Guest& guest, std::uint64_t at, std::uint64_t target) {
    guest.poke(at, (guest.peek(at) & 0xfff) | target);
}
std::uint64_t context(Guest& guest) { return guest.context_entry(kDevice); }

const Scenario kScenarios[] = {
    {"LRT.1", 0x08, false, Answer::Aborted, true, [](Guest& g) { g.root = kNoRam, g.set_root(kTtmLegacy); }},
    {"LRT.2", 0x01, false, Answer::Unsupported, true, [](Guest& g) { clear_bits(g, g.root_entry(kDevice), 1); }},
    {"LRT.3", 0x0a, false, Answer::Aborted, true, [](Guest& g) { set_bits(g, g.root_entry(kDevice), 2); }},
    {"LCT.1", 0x09, false, Answer::Aborted, true, [](Guest& g) { point_to(g, g.root_entry(kDevice), kNoRam); }},
    {"LCT.2", 0x02, true, Answer::Unsupported, true, [](Guest& g) { clear_bits(g, context(g), 1); }},
    {"LCT.3", 0x0b, true, Answer::Aborted, true, [](Guest& g) { set_bits(g, context(g), 1 << 4); }},
    {"LCT.4: AW", 0x03, true, Answer::Aborted, true, [](Guest& g) { set_bits(g, context(g) + 8, 7); }},
    {"LCT.4: TT", 0x03, true, Answer::Aborted, true, [](Guest& g) { set_bits(g, context(g), 3 << 2); }},
    {"LCT.4: SSPTPTR", 0x03, true, Answer::Aborted, false, [](Guest& g) { point_to(g, context(g), kNoRam); }},
    {"LCT.5: TT=00", 0x0d, true, Answer::Unsupported, true, [](Guest& g) { clear_bits(g, context(g), 3 << 2); }},
    {"LCT.5: TT=10", 0x0d, true, Answer::Unsupported, true,
     [](Guest& g) { clear_bits(g, context(g), 1 << 2), set_bits(g, context(g), 2 << 2); }},
    {"LSS.1", 0x07, true, Answer::Aborted, false, [](Guest& g) { point_to(g, g.second_entry(kIova, 3), kNoRam); }},
    {"LSS.2", 0x0c, true, Answer::Aborted, false, [](Guest& g) { set_bits(g, g.second_entry(kIova, 1), 1ull << 51); }},
    {"LGN.3", 0x06, true, Answer::Nothing, false, [](Guest& g) { clear_bits(g, g.second_entry(kIova, 1), kR | kW); }},
    {"LGN.4", 0x0e, true, Answer::Aborted, false, [](Guest& g) { point_to(g, g.second_entry(kIova, 1), 0xfee1'2000); }},
};

}  // namespace

TEST_CASE("Legacy mode: each condition, for translation requests and translated requests", "[vtd][ats]") {
    for (const Scenario& scenario : kScenarios) {
        for (const bool fpd : {false, true}) {
            INFO(scenario.name << (fpd ? ", FPD" : ""));
            Guest guest;
            build(guest);
            if (fpd) set_bits(guest, context(guest), 2);
            scenario.breakage(guest);
            const bool kept_back = (fpd && scenario.qualified) || scenario.translation == Answer::Nothing;
            const Recorded recorded = kept_back ? Recorded::No : Recorded::Yes;
            (void)expect_refused(guest, translation_at(kIova), scenario.reason, scenario.translation, recorded);
            const auto access = translated(write_at(kIova));
            if (!scenario.blocks_translated) {
                expect_output(guest, access, kIova);
            } else if (recorded == Recorded::Yes) {
                expect_fault(guest, access, scenario.reason);
            } else {
                expect_unrecorded(guest, access, scenario.reason);
            }
        }
    }
}

TEST_CASE("Legacy mode: TT=01 allows all three kinds, and nothing else changes for the first", "[vtd][ats]") {
    Guest guest;
    build(guest);
    expect_output(guest, write_at(kIova), kOutput);
    const auto completion = expect_granted(guest, translation_at(kIova + 0x123), kOutput + 0x123, Rights::ReadWrite);
    CHECK(completion.page_log2 == 12);
    CHECK(!completion.no_snoop);
    expect_output(guest, translated(write_at(kOutput + 0x123)), kOutput + 0x123);
}

TEST_CASE("Legacy mode: what is left of the rights is granted; N is SNP of the leaf", "[vtd][ats]") {
    Guest guest;
    build(guest);
    const std::uint64_t leaf = guest.second_entry(kIova, 1);
    clear_bits(guest, leaf, kW);
    (void)expect_granted(guest, translation_at(kIova), kOutput, Rights::Read);
    guest.poke(leaf, kOutput | kW | kSNP);
    CHECK(expect_granted(guest, translation_at(kIova), kOutput, Rights::Write).no_snoop);
    (void)expect_refused(guest, translation_at(kIova, true), 0x06, Answer::Nothing, Recorded::No);
}

TEST_CASE("Legacy mode: addresses beyond the second stage and beyond the host", "[vtd][ats]") {
    Guest guest;
    build(guest, kDeviceTlb, 1);
    guest.map_second((1ull << 39) - 0x1000, kOutput, kR | kW);
    (void)expect_granted(guest, translation_at((1ull << 39) - 0x1000), kOutput, Rights::ReadWrite);
    (void)expect_refused(guest, translation_at(1ull << 39), 0x04, Answer::Nothing, Recorded::No);
    expect_output(guest, translated(read_at((1ull << 48) - 0x1000)), (1ull << 48) - 0x1000);
    expect_fault(guest, translated(read_at(1ull << 48)), 0x04);
}

TEST_CASE("Legacy mode: with a PASID a translation request is RTA.2, and a page request is RTA.3", "[vtd][ats]") {
    for (const bool fpd : {false, true}) {
        Guest guest;
        build(guest);
        if (fpd) set_bits(guest, context(guest), 2);
        const auto request = with_pasid(translation_at(kIova), 5);
        (void)expect_refused(guest, request, 0x31, Answer::Unsupported, Recorded::Yes);
        expect_unrecorded(guest, translated(with_pasid(read_at(kIova), 5)), 0);
        for (const auto pasid : {std::optional<std::uint32_t>{}, std::optional<std::uint32_t>{5}}) {
            expect_dropped(guest, page_at(kIova, pasid), std::nullopt, 0x32, Recorded::Yes);
            expect_dropped(guest, last(page_at(kIova, pasid)), ResponseCode::InvalidRequest, 0x32, Recorded::Yes);
        }
    }
}

// [VTD 5.10 s7.1.3 table 30: LGN.4 counts the output address]
TEST_CASE("Legacy mode: of a page that reaches into the interrupt range the blocks beside it are granted",
          "[vtd][ats]") {
    Guest guest;
    build(guest);
    const std::uint64_t page = 1ull << 40;
    guest.map_second(page, 0xc000'0000, kR | kW, 30);
    CHECK(expect_granted(guest, translation_at(page), 0xc000'0000, Rights::ReadWrite).page_log2 == 29);
    (void)expect_granted(guest, translation_at(page + 0x3edf'f000), 0xfedf'f000, Rights::ReadWrite);
    (void)expect_refused(guest, translation_at(page + 0x3ee0'0000), 0x0e, Answer::Aborted, Recorded::Yes);
    (void)expect_granted(guest, translation_at(page + 0x3ef0'0000), 0xfef0'0000, Rights::ReadWrite);
}
