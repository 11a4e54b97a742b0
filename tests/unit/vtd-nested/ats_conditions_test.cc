// SPDX-License-Identifier: GPL-2.0-or-later
//
// Every condition that this unit can meet, against every kind of request, with and without PASID, with and without FPD:
// how each is answered, and what is recorded. Typed from the manual's table. [VTD 5.10 s7.1.3 table 30]
#include <catch2/catch_test_macros.hpp>

#include "ats_expect.h"

using namespace test;
using iommu::ResponseCode;
using iommu::Rights;

namespace {

constexpr std::uint64_t kIova = 0x7000, kBeyond = 1ull << 48, kHigh = 1ull << 52;
constexpr std::uint64_t kOutput = 0x180'0000;
constexpr std::uint32_t kPasid = 5;
constexpr std::uint64_t kAll = kP | kRW | kUS;

void clear_bits(Guest& guest, std::uint64_t at, std::uint64_t bits) { guest.poke(at, guest.peek(at) & ~bits); }
void set_bits(Guest& guest, std::uint64_t at, std::uint64_t bits) { guest.poke(at, guest.peek(at) | bits); }
void point_to(Guest& guest, std::uint64_t at, std::uint64_t target) {
    guest.poke(at, (guest.peek(at) & 0xfff) | target);
}

// The entries of RID_PASID and of kPasid.
template <class Change>
void both_pasids(Guest& guest, Change change) {
    change(guest.pasid_entry(kDevice, 0));
    change(guest.pasid_entry(kDevice, kPasid));
}
std::uint64_t context(Guest& guest) { return guest.context_entry(kDevice); }
std::uint64_t directory(Guest& guest) { return guest.directory_entry(kDevice, 0); }

void build_scalable(Guest& guest, const PasidSpec& spec) {
    guest.scalable_device(kDevice, spec, {.dte = true, .pre = true});
    guest.add_pasid(kDevice, kPasid, spec);
    if (spec.pgtt == 3) guest.identity_second();
    if (spec.pgtt != 2) guest.map_first(kIova, kOutput, kAll);
    if (spec.pgtt != 1) guest.map_second(spec.pgtt == 3 ? kOutput : kIova, kOutput, kR | kW, spec.pgtt == 3 ? 21 : 12);
    guest.enable_page_requests();
    guest.enable(kTtmScalable);
}

enum class Who : std::uint8_t { Both, WithPasid, WithoutPasid };

// Answers to an untranslated write, a translation request, a translated write and a page request: B blocked, U UR,
// C CA, N success without rights, P success with what is left, I refused with Invalid Request, s nothing is wrong.
struct Scenario {
    std::string_view name;
    unsigned reason;
    bool qualified;
    std::string_view answers;
    void (*breakage)(Guest& guest);
    Who who = Who::Both;
    std::uint64_t iova = kIova;
    std::uint32_t pasid = kPasid;
};

// ---- Any stage; the tables are those of a first stage.
const Scenario kLookUp[] = {
    {"RTA.1", 0x30, false, "BCUI", [](Guest& g) { g.set_root(kTtmReserved); }},
    {"RTA.4", 0x33, false, "BUUI", [](Guest& g) { g.set_root(kTtmAbort); }},
    {"SRT.1", 0x38, false, "BCUI", [](Guest& g) { g.root = kNoRam, g.set_root(kTtmScalable); }},
    {"SRT.2", 0x39, false, "BUUI", [](Guest& g) { clear_bits(g, g.root_entry(kDevice), 1); }},
    {"SRT.3", 0x3a, false, "BCUI", [](Guest& g) { set_bits(g, g.root_entry(kDevice), 2); }},
    {"SCT.1", 0x40, false, "BCUI", [](Guest& g) { point_to(g, g.root_entry(kDevice), kNoRam); }},
    {"SCT.2", 0x41, true, "BUUI", [](Guest& g) { clear_bits(g, context(g), 1); }},
    {"SCT.3", 0x42, true, "BCUI", [](Guest& g) { set_bits(g, context(g), 1 << 7); }},
    {"SCT.4: PRE without DTE", 0x43, true, "BCUI", [](Guest& g) { clear_bits(g, context(g), 1 << 2); }},
    {"SCT.4: RID_PASID", 0x43, true, "BCUI", [](Guest& g) { g.poke(context(g) + 8, 1 << 13); }},
    {"SCT.5", 0x44, true, "sUU ", [](Guest& g) { clear_bits(g, context(g), 1 << 2 | 1 << 4); }},
    {"SCT.6", 0x45, true, "BU I", [](Guest& g) { clear_bits(g, context(g), 1 << 3); }, Who::WithPasid},
    {"SCT.7", 0x46, true, "BU I", [](Guest&) {}, Who::WithPasid, kIova, 1 << 13},
    {"SCT.8", 0x47, true, "sssI", [](Guest& g) { clear_bits(g, context(g), 1 << 4); }},
    {"SCT.9", 0x48, true, "BU I", [](Guest&) {}, Who::WithPasid, kIova, 0},
    {"SPD.1", 0x50, false, "BCsI", [](Guest& g) { g.poke(context(g), (g.peek(context(g)) & 0xfff) | kNoRam); }},
    {"SPD.2", 0x51, true, "BNsI", [](Guest& g) { clear_bits(g, directory(g), 1); }},
    {"SPD.3", 0x52, true, "BCsI", [](Guest& g) { set_bits(g, directory(g), 4); }},
    {"SPT.1", 0x58, false, "BCsI", [](Guest& g) { point_to(g, directory(g), kNoRam); }},
    {"SPT.2", 0x59, true, "BNsI", [](Guest& g) { both_pasids(g, [&](auto at) { clear_bits(g, at, 1); }); }},
    {"SPT.3", 0x5a, true, "BCsI", [](Guest& g) { both_pasids(g, [&](auto at) { set_bits(g, at, 1 << 10); }); }},
    {"SPT.4", 0x5b, true, "BCsI", [](Guest& g) { both_pasids(g, [&](auto at) { clear_bits(g, at, 7 << 6); }); }},
    {"SFS.1", 0x70, true, "BNss", [](Guest& g) { g.poke(g.first_entry(kIova, 3), kNoRam | kAll); }},
    {"SFS.2", 0x71, true, "BNss", [](Guest& g) { clear_bits(g, g.first_entry(kIova, 1), kP); }},
    {"SFS.3", 0x72, true, "BNss", [](Guest& g) { set_bits(g, g.first_entry(kIova, 1), 1ull << 51); }},
    {"SFS.4", 0x73, true, "BNss", [](Guest& g) { both_pasids(g, [&](auto at) { point_to(g, at + 16, kNoRam); }); }},
    {"SFS.9", 0x90, true, "BNss", [](Guest& g) { both_pasids(g, [&](auto at) { clear_bits(g, at + 8, 1 << 23); }); }},
    {"SGN.1", 0x80, true, "BN s", [](Guest&) {}, Who::Both, 1ull << 47},
    {"SGN.2", 0x81, true, "BNss", [](Guest& g) { clear_bits(g, g.first_entry(kIova, 1), kUS); }},
    {"SGN.6", 0x85, true, "BPss", [](Guest& g) { clear_bits(g, g.first_entry(kIova, 1), kRW); }},
    {"SGN.8", 0x87, true, "BCss", [](Guest& g) { point_to(g, g.first_entry(kIova, 1), 0xfee0'0000); }},
};
const Scenario kSecond[] = {
    {"SSS.1", 0x78, true, "BCss", [](Guest& g) { point_to(g, g.second_entry(kIova, 3), kNoRam); }},
    {"SSS.2", 0x79, true, "BNss", [](Guest& g) { clear_bits(g, g.second_entry(kIova, 1), kR | kW); }},
    {"SSS.3", 0x7a, true, "BCss", [](Guest& g) { set_bits(g, g.second_entry(kIova, 1), 1ull << 51); }},
    {"SSS.4", 0x7b, true, "BCss", [](Guest& g) { both_pasids(g, [&](auto at) { point_to(g, at, kNoRam); }); }},
    {"SSS.5", 0x7c, true, "BCss",
     [](Guest& g) { both_pasids(g, [&](auto at) { set_bits(g, at, 1 << 9), clear_bits(g, at + 8, 1 << 23); }); }},
    {"SGN.5", 0x84, true, "BN s", [](Guest&) {}, Who::Both, kBeyond},
    {"SGN.6", 0x85, true, "BPss", [](Guest& g) { clear_bits(g, g.second_entry(kIova, 1), kW); }},
    {"SGN.8", 0x87, true, "BCss", [](Guest& g) { point_to(g, g.second_entry(kIova, 1), 0xfeef'f000); }},
};
const Scenario kNested[] = {
    {"SPT.4: FSPTPTR", 0x5b, true, "BCsI",
     [](Guest& g) {
         both_pasids(
             g, [&](auto at) { set_bits(g, at + 16, 1ull << 47), clear_bits(g, at, 2 << 2), set_bits(g, at, 1 << 2); });
     }},
    {"SFS.5", 0x74, true, "BNss",
     [](Guest& g) {
         point_to(g, g.first_entry(kIova, 1), 1ull << 47), both_pasids(g, [&](auto at) {
             clear_bits(g, at, 7 << 2), set_bits(g, at, 1 << 2),
                 point_to(g, at, g.peek(g.second_entry(0, 4)) & ~0xfffull);
         });
     }},
    {"SFS.6", 0x75, true, "BNss", [](Guest& g) { clear_bits(g, g.second_entry(g.first_root, 2), kR); }},
    {"SFS.7", 0x76, true, "BNss",
     [](Guest& g) {
         // The next table is in a page of its own in the second stage, with W alone.
         const std::uint64_t next = 0x300'0000;
         for (unsigned i = 0; i < 512; ++i)
             g.poke((18u << 20) + 8 * i, g.peek((g.peek(g.first_entry(kIova, 4)) & ~0xfffull) + 8 * i));
         g.map_second(next, 18 << 20, kW, 21);
         point_to(g, g.first_entry(kIova, 4), next);
     }},
    {"SFS.8", 0x77, true, "BNss",
     [](Guest& g) {
         const std::uint64_t tables = g.second_entry(g.first_root, 2);
         clear_bits(g, tables, kW);
     }},
    {"SSS.2", 0x79, true, "BNss", [](Guest& g) { clear_bits(g, g.second_entry(kOutput, 2), kR | kW); }},
    {"SSS.3", 0x7a, true, "BCss", [](Guest& g) { set_bits(g, g.second_entry(kOutput, 2), 1ull << 51); }},
    {"SGN.6", 0x85, true, "BPss", [](Guest& g) { clear_bits(g, g.second_entry(kOutput, 2), kW); }},
};
const Scenario kPassThrough[] = {
    {"SGN.4", 0x83, true, "BNBs", [](Guest&) {}, Who::Both, kBeyond},
};

Answer answer_of(char letter) {
    if (letter == 'U') return Answer::Unsupported;
    return letter == 'C' ? Answer::Aborted : Answer::Nothing;
}

struct Case {
    const Scenario& scenario;
    bool pasid;
    bool fpd;
    // Whether a fault is recorded that is not recoverable.
    [[nodiscard]] Recorded recorded() const { return fpd && scenario.qualified ? Recorded::No : Recorded::Yes; }
    [[nodiscard]] iommu::Request of(iommu::Request request) const {
        return pasid ? with_pasid(request, scenario.pasid) : request;
    }
};

void expect_blocked(Guest& guest, const iommu::Request& request, unsigned reason, Recorded recorded) {
    if (recorded == Recorded::Yes) return expect_fault(guest, request, reason);
    expect_unrecorded(guest, request, reason);
}

void check_untranslated(Guest& guest, const Case& item) {
    const auto request = item.of(write_at(item.scenario.iova));
    if (item.scenario.answers[0] == 'B') expect_blocked(guest, request, item.scenario.reason, item.recorded());
    if (item.scenario.answers[0] == 's') expect_output(guest, request, kOutput);
}

void check_translation(Guest& guest, const Case& item) {
    const char letter = item.scenario.answers[1];
    const auto request = item.of(translation_at(item.scenario.iova));
    if (letter == 's') {
        (void)expect_granted(guest, request, kOutput, Rights::ReadWrite);
    } else if (letter == 'P') {
        (void)expect_granted(guest, request, kOutput, Rights::Read);
    } else {
        const Recorded recorded = letter == 'N' ? Recorded::No : item.recorded();
        (void)expect_refused(guest, request, item.scenario.reason, answer_of(letter), recorded);
    }
}

// A PASID makes it unsupported before any table is read, and no fault.
void check_translated(Guest& guest, const Case& item) {
    const char letter = item.scenario.answers[2];
    const auto request = translated(item.of(write_at(item.scenario.iova)));
    if (item.pasid) return expect_unrecorded(guest, request, 0);
    if (letter == 's') expect_output(guest, request, item.scenario.iova);
    if (letter != ' ' && letter != 's') expect_blocked(guest, request, item.scenario.reason, item.recorded());
}

void check_page(Guest& guest, const Case& item) {
    const char letter = item.scenario.answers[3];
    const auto pasid = item.pasid ? std::optional{item.scenario.pasid} : std::nullopt;
    const auto page = page_at(item.scenario.iova & ~0xfffull, pasid);
    guest.forget();
    if (letter == 's') {
        expect_queued(guest, page);
        expect_queued(guest, last(page));
    }
    if (letter != 'I') return;
    expect_dropped(guest, page, std::nullopt, item.scenario.reason, item.recorded());
    expect_dropped(guest, last(page), ResponseCode::InvalidRequest, item.scenario.reason, item.recorded());
}

void check_all(const Scenario& scenario, const PasidSpec& spec) {
    for (const bool pasid : {false, true}) {
        if (scenario.who == (pasid ? Who::WithoutPasid : Who::WithPasid)) continue;
        for (const bool fpd : {false, true}) {
            INFO(scenario.name << (pasid ? ", PASID" : "") << (fpd ? ", FPD" : ""));
            const Case item{scenario, pasid, fpd};
            for (const auto check : {check_untranslated, check_translation, check_translated, check_page}) {
                Guest guest;
                build_scalable(guest, spec);
                if (fpd) set_bits(guest, context(guest), 2);
                scenario.breakage(guest);
                check(guest, item);
            }
        }
    }
}

}  // namespace

TEST_CASE("Conditions of the look-up and of first-stage tables, for each kind of request", "[vtd][ats]") {
    for (const Scenario& scenario : kLookUp)
        check_all(scenario, {.pgtt = 1, .did = 7});
}

TEST_CASE("Conditions of second-stage tables, for each kind of request", "[vtd][ats]") {
    for (const Scenario& scenario : kSecond)
        check_all(scenario, {.pgtt = 2, .did = 7});
}

TEST_CASE("Conditions of nested tables, for each kind of request", "[vtd][ats]") {
    for (const Scenario& scenario : kNested)
        check_all(scenario, {.pgtt = 3, .did = 7});
}

TEST_CASE("Conditions of pass-through, for each kind of request", "[vtd][ats]") {
    for (const Scenario& scenario : kPassThrough)
        check_all(scenario, {.pgtt = 4, .did = 7});
}

// [VTD 5.10 s7.1.3: SGN.10 is not for page requests]
TEST_CASE("SGN.10: a PASID beyond PSS, for each kind of request", "[vtd][ats]") {
    Guest guest({.pss = 3});
    build_scalable(guest, {.pgtt = 1, .did = 7});
    guest.add_pasid(kDevice, 16, {.pgtt = 1, .did = 7});
    guest.add_pasid(kDevice, 15, {.pgtt = 1, .did = 7});
    expect_fault(guest, with_pasid(write_at(kIova), 16), 0x89);
    (void)expect_refused(guest, with_pasid(translation_at(kIova), 16), 0x89, Answer::Unsupported, Recorded::Yes);
    expect_queued(guest, last(page_at(kIova, 16)));
    // Nor does the page request's look-up help the next one.
    expect_fault(guest, with_pasid(write_at(kIova), 16), 0x89);
    (void)expect_granted(guest, with_pasid(translation_at(kIova), 15), kOutput, Rights::ReadWrite);
}

TEST_CASE("SPT.5, SPT.6 and RTA.5: what a request may not be, for each kind of request", "[vtd][ats]") {
    for (const unsigned ver : {0x50u, 0x80u}) {
        INFO("VER " << ver);
        Guest guest({.ver = static_cast<std::uint8_t>(ver)});
        build_scalable(guest, {.pgtt = 1, .did = 7});
        const auto executes = executing(with_pasid(translation_at(kIova), kPasid));
        if (ver == 0x50) (void)expect_refused(guest, executes, 0x5c, Answer::Nothing, Recorded::No);
        if (ver == 0x80) (void)expect_refused(guest, executes, 0x34, Answer::Unsupported, Recorded::Yes);
        const auto supervisor = privileged(with_pasid(translation_at(kIova), kPasid));
        (void)expect_refused(guest, supervisor, 0x5d, Answer::Nothing, Recorded::No);
        // A page request asks for either; software decides.
        auto page = last(page_at(kIova, kPasid));
        page.execute = page.privileged = true;
        expect_queued(guest, page);
    }
    // Without PASID neither bit means anything, but RID_PRIV does.
    Guest guest;
    build_scalable(guest, {.pgtt = 1, .did = 7});
    (void)expect_granted(guest, executing(privileged(translation_at(kIova))), kOutput, Rights::ReadWrite);
    set_bits(guest, context(guest) + 8, 1 << 20);
    (void)expect_refused(guest, translation_at(kIova), 0x5d, Answer::Nothing, Recorded::No);
}

TEST_CASE("SFS.10: a lost update is told to the device as nothing, and to software as a fault", "[vtd][ats]") {
    for (const bool fpd : {false, true}) {
        Guest guest;
        build_scalable(guest, {.pgtt = 1, .did = 7, .fpd = fpd});
        guest.ports.on_written = [&](std::uint64_t) { guest.unit.memory().set_ram({}); };
        const auto completion = guest.unit.translation_request(translation_at(kIova));
        CHECK(completion.status == iommu::CompletionStatus::Success);
        CHECK(completion.rights == Rights::None);
        CHECK(completion.reason == 0x91);
        CHECK(guest.record(0) == (fpd ? Guest::Record{} : record_of(guest, translation_at(kIova), 0x91)));
    }
}
