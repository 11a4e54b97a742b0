// SPDX-License-Identifier: GPL-2.0-or-later
//
// Translation Requests: the status of the completion and the event, for each configuration and each fault.
// [SMMU 3.9.1.2, 7.3.6]
#include <catch2/catch_test_macros.hpp>
#include <functional>
#include <vector>

#include "expect.h"

using namespace test::smmu;
using iommu::CompletionStatus;
using iommu::Request;
using iommu::Rights;

namespace {

constexpr std::uint64_t kIova = 0x4000, kOut = 0x1800000;
constexpr std::uint32_t kRecinvsid = 1u << 1, kRecCfgAts = 1u << 3;
constexpr auto kUr = CompletionStatus::UnsupportedRequest, kCa = CompletionStatus::CompleterAbort;
constexpr auto kSuccess = CompletionStatus::Success;

// A page for user and supervisor, stage 1 or nested, full ATS; then whatever spoils it, before SMMUEN.
struct Scene : Guest {
    Scene(unsigned config, const std::function<void(Scene&)>& spoil, std::uint32_t cr2_bits) : Guest({.ats = 1}) {
        identity_second();
        stream(kStream, {.config = config, .s1cdmax = 2, .s1dss = 2, .eats = 1});
        leaf = map(low, kIova, kOut, kPage);
        cr2 = cr2_bits;
        spoil(*this);
        bring_up(cr0);
    }
    [[nodiscard]] std::uint64_t ste5() { return ste(kStream); }
    std::uint64_t leaf = 0;
    std::uint32_t cr0 = 0;
};

struct Case {
    const char* what;
    CompletionStatus status;
    unsigned reason;
    enum { Never, Always, Configuration, InvalidStream } recorded;
    std::function<void(Scene&)> spoil;
    unsigned config = kStage1;
    Request request = read_at(kIova);
};

void check(const Case& item, std::uint32_t cr2) {
    Scene guest(item.config, item.spoil, cr2);
    CAPTURE(item.what, cr2);
    const auto before = guest.tables();
    const auto completion = guest.ats(item.request);
    CHECK(completion.status == item.status);
    CHECK(completion.reason == item.reason);
    CHECK(completion.rights == Rights::None);
    CHECK_FALSE(completion.execute);
    const bool tables_unchanged = guest.tables() == before;
    CHECK(tables_unchanged);
    const bool configuration = (cr2 & kRecCfgAts) != 0;
    const bool recorded = item.recorded == Case::Always || (item.recorded == Case::Configuration && configuration) ||
                          (item.recorded == Case::InvalidStream && configuration && (cr2 & kRecinvsid) != 0);
    const auto event = guest.take_event();
    REQUIRE(event.has_value() == recorded);
    CHECK_FALSE(guest.take_event());
    if (!event) return;
    CHECK(event->type() == item.reason);
    CHECK(event->stream() == item.request.requester.value);
    CHECK_FALSE(event->stall());
}

}  // namespace

TEST_CASE("SMMU ATS: each configuration and fault has its status, and its event where REC_CFG_ATS wants it") {
    const auto eats = [](unsigned value) { return [value](Scene& s) { s.set(s.ste5(), 93, 92, value); }; };
    const auto nothing = [](Scene&) {};
    const std::vector<Case> cases{
        // Not allowed.
        {"Config=0", kUr, 0, Case::Never, [](Scene& s) { s.set(s.ste5(), 3, 1, 0); }},
        {"Config=4", kUr, 5, Case::Always, [](Scene& s) { s.set(s.ste5(), 3, 1, 4); }},
        {"EATS=0", kUr, 5, Case::Always, eats(0)},
        {"EATS=3 without DPT", kUr, 5, Case::Always, eats(3)},
        {"EATS=3 with ATSCHK", kUr, 5, Case::Always, [&](Scene& s) { eats(3)(s), s.cr0 = kAtschk; }},
        {"EATS=2 with ATSCHK=0", kUr, 5, Case::Always, eats(2), kNested},
        {"EATS=0 comes before the SubstreamID", kUr, 5, Case::Always, eats(0), kStage1,
         with_substream(read_at(kIova), 99)},
        {"EATS=0 comes before the CD", kUr, 5, Case::Always,
         [&](Scene& s) { eats(0)(s), s.set(s.cd(kStream), 31, 31, 0); }},
        // Configuration errors.
        {"StreamID beyond the table", kCa, 2, Case::InvalidStream, nothing, kStage1, from(64, read_at(kIova))},
        {"V=0 comes before EATS=0", kCa, 4, Case::Configuration,
         [&](Scene& s) { eats(0)(s), s.set(s.ste5(), 0, 0, 0); }},
        {"SubstreamID beyond S1CDMax", kCa, 8, Case::Configuration, nothing, kStage1,
         with_substream(read_at(kIova), 4)},
        {"SubstreamID without stage 1", kCa, 8, Case::Configuration, nothing, kStage2,
         with_substream(read_at(kIova), 1)},
        {"SubstreamID 0 with S1DSS=2", kCa, 6, Case::Configuration, nothing, kStage1,
         with_substream(read_at(kIova), 0)},
        {"no SubstreamID with S1DSS=0", kCa, 6, Case::Configuration, [](Scene& s) { s.set(s.ste5(), 65, 64, 0); }},
        {"CD out of reach", kCa, 9, Case::Configuration, [](Scene& s) { s.set(s.ste5(), 55, 6, kNoRam >> 6); }},
        {"CD invalid", kCa, 10, Case::Configuration, [](Scene& s) { s.set(s.cd(kStream), 31, 31, 0); }},
        {"table out of reach", kCa, 11, Case::Configuration, [](Scene& s) { s.poke(s.cd(kStream) + 8, kNoRam); }},
        // Faults of the translation.
        {"not mapped", kSuccess, 0x10, Case::Never, [](Scene& s) { s.poke(s.leaf, 0); }},
        {"not mapped, in a CD that stalls", kSuccess, 0x10, Case::Never,
         [](Scene& s) { s.poke(s.leaf, 0), s.set(s.cd(kStream), 44, 44, 1); }},
        {"not mapped, in a CD that discards", kSuccess, 0x10, Case::Never,
         [](Scene& s) { s.poke(s.leaf, 0), s.set(s.cd(kStream), 46, 46, 0); }},
        {"beyond IPS", kSuccess, 0x11, Case::Never,
         [](Scene& s) { s.set(s.cd(kStream), 34, 32, 0), s.poke(s.leaf, 1ull << 32 | kPage | 3); }},
        {"access flag clear", kSuccess, 0x12, Case::Never, [](Scene& s) { s.set(s.leaf, 10, 10, 0); }},
        {"not for users", kSuccess, 0x13, Case::Never, [](Scene& s) { s.set(s.leaf, 6, 6, 0); }},
        {"not mapped in stage 2", kSuccess, 0x10, Case::Never, [](Scene& s) { s.poke(s.entry(s.second, kOut, 2), 0); },
         kNested},
        {"the CD is not mapped in stage 2", kSuccess, 0x10, Case::Never,
         [](Scene& s) { s.set(s.ste5(), 55, 6, 0x4000'0000 >> 6); }, kNested},
        {"the table may not be read in stage 2", kSuccess, 0x13, Case::Never,
         [](Scene& s) {
             s.map(s.second, 0x4000'0000, s.low.root, kS2Page & ~kS2R);
             s.poke(s.cd(kStream) + 8, 0x4000'0000);
         },
         kNested},
        {"beyond OAS with stage 1 skipped", kSuccess, 0x11, Case::Never, [](Scene& s) { s.set(s.ste5(), 65, 64, 1); },
         kStage1, read_at(1ull << 48)},
    };
    for (const Case& item : cases) {
        for (const std::uint32_t cr2 : {0u, kRecinvsid, kRecCfgAts, kRecCfgAts | kRecinvsid})
            check(item, cr2);
    }
}

TEST_CASE("SMMU ATS: an STE that cannot be fetched is CA, recorded with its address") {
    for (const bool recorded : {false, true}) {
        Guest guest({.ats = 1});
        guest.cr2 = recorded ? kRecCfgAts : 0;
        guest.bring_up();
        guest.set_cr0(kCmdqEn | kEventqEn);
        guest.w64(kStrtabBase, kNoRam);
        guest.set_cr0(kCmdqEn | kEventqEn | kSmmuEn);
        CHECK(guest.ats(read_at(kIova)).status == kCa);
        const auto event = guest.take_event();
        REQUIRE(event.has_value() == recorded);
        if (event) CHECK(*event == record_of(read_at(kIova), {.type = 3, .fetch_address = kNoRam + 64 * kStream}));
    }
}

TEST_CASE("SMMU ATS: SMMUEN=0 is UR and F_BAD_ATS_TREQ, with the SubstreamID and the page") {
    Guest guest({.ats = 1});
    guest.stream(kStream, {.eats = 1});
    guest.bring_up();
    guest.set_cr0(kCmdqEn | kEventqEn);
    const Request request = with_substream(write_at(0x1234'5678'9abc'def0), 0x12345);
    const auto completion = guest.ats(request);
    CHECK(completion.status == kUr);
    CHECK(completion.reason == 5);
    const auto event = guest.take_event();
    REQUIRE(event);
    CHECK(event->words[0] == 0x0000'0005'1234'5805);
    CHECK(event->words[1] == 0);
    CHECK(event->words[2] == 0x1234'5678'9abc'd000);
    CHECK(event->words[3] == 0);
}

TEST_CASE("SMMU ATS: a configuration that an ordinary transaction has cached allows no request") {
    Guest guest({.ats = 1});
    guest.stream(kStream);
    guest.map(guest.low, kIova, kOut, kPage);
    guest.bring_up();
    REQUIRE(guest.ask(read_at(kIova)).outcome == iommu::Outcome::Translated);
    CHECK(guest.ats(read_at(kIova)).status == kUr);
    CHECK(guest.take_event()->type() == F_BAD_ATS_TREQ);
    // EATS counts after CFGI_STE.
    guest.set(guest.ste(kStream), 93, 92, 1);
    guest.submit(cfgi_ste(kStream));
    CHECK(guest.ats(read_at(kIova)).status == kSuccess);
    CHECK_FALSE(guest.take_event());
}

TEST_CASE("SMMU ATS: without IDR0.ATS every request is UR, and nobody is told") {
    Guest guest({.ats = 0});
    guest.stream(kStream, {.eats = 1});
    guest.map(guest.low, kIova, kOut, kPage);
    guest.bring_up(kAtschk);
    const auto completion = guest.ats(read_at(kIova));
    CHECK(completion.status == kUr);
    CHECK(completion.reason == 0);
    CHECK_FALSE(guest.take_event());
    CHECK((guest.r32(kCr0ack) & kAtschk) == 0);
}

TEST_CASE("SMMU ATS: a request never stalls, whoever asks") {
    Guest guest({.ats = 1});
    guest.stream(kStream, {.eats = 1}, {.s = true});
    guest.bring_up();
    CHECK(guest.ats(write_at(kIova)).status == kSuccess);
    CHECK(guest.unit.save()[6] == 0);
    CHECK_FALSE(guest.take_event());
}

TEST_CASE("SMMU STE: EATS counts where a stage translates, and with ATS only") {
    struct Rule {
        unsigned config, eats;
        bool s2s, legal;
        smmuv3::Capabilities caps = {.ats = 1};
    };
    for (const Rule& rule : {
             Rule{kStage1, 1, false, true},
             Rule{kStage2, 1, false, true},
             Rule{kNested, 1, false, true},
             Rule{kStage1, 1, true, true},
             Rule{kStage2, 1, true, false},
             Rule{kNested, 1, true, false},
             Rule{kStage1, 2, false, false},
             Rule{kStage2, 2, false, false},
             Rule{kNested, 2, false, true},
             Rule{kNested, 2, true, false},
             Rule{kBypass, 2, true, true},
             Rule{kBypass, 1, true, true},
             Rule{kNested, 3, true, true},
             Rule{kStage2, 3, true, true},
             Rule{kNested, 0, true, true},
             Rule{kNested, 2, false, false, {.ats = 1, .ns1ats = 1}},
             Rule{kNested, 1, false, true, {.ats = 1, .ns1ats = 1}},
             Rule{kNested, 2, true, true, {.ats = 0}},
             Rule{kStage1, 2, false, true, {.ats = 0}},
         }) {
        for (const std::uint32_t atschk : {0u, kAtschk}) {
            Guest guest(rule.caps);
            guest.identity_second();
            guest.stream(kStream, {.config = rule.config, .s2s = rule.s2s, .eats = rule.eats});
            guest.bring_up(atschk);
            CAPTURE(rule.config, rule.eats, rule.s2s, atschk);
            if (rule.legal) expect_not(guest, read_at(kIova), C_BAD_STE);
            if (!rule.legal) expect_event(guest, read_at(kIova), {.type = C_BAD_STE});
        }
    }
}
