// SPDX-License-Identifier: GPL-2.0-or-later
//
// Translated transactions: what passes, what is aborted, and who is told. [SMMU 3.9.1.1, 3.9.1.3, 13.6.3]
#include <catch2/catch_test_macros.hpp>
#include <functional>
#include <vector>

#include "expect.h"

using namespace test::smmu;
using iommu::Outcome;
using iommu::Request;
using iommu::Rights;

namespace {

constexpr std::uint64_t kIpa = 0x80'8000'0000, kPa = 0x12'4000'0000;
constexpr std::uint32_t kRecinvsid = 1u << 1, kRecCfgAts = 1u << 3;

struct Scene : Guest {
    Scene(SteSpec spec, const std::function<void(Scene&)>& spoil, std::uint32_t cr2_bits, bool atschk,
          smmuv3::Capabilities asked = {.ats = 1})
        : Guest(asked) {
        identity_second();
        spec.s1cdmax = 2;
        stream(kStream, spec);
        cr2 = cr2_bits;
        spoil(*this);
        bring_up(atschk ? kAtschk : 0);
    }
};

void nothing(Scene&) {}

void check_passes(Guest& guest, const Request& request, std::uint64_t address) {
    const auto reply = guest.ask(translated(request));
    CHECK(reply.outcome == Outcome::Translated);
    CHECK(reply.translation.address.value == address);
    CHECK(reply.translation.rights == Rights::ReadWrite);
    CHECK_FALSE(guest.take_event());
}

}  // namespace

TEST_CASE("SMMU Translated: with ATSCHK=0 everything passes, whatever the STE says, up to the output size") {
    for (const std::uint32_t stream : {kStream, 40u, 99u}) {
        Scene guest({.eats = 0}, nothing, kRecCfgAts | kRecinvsid, false);
        CAPTURE(stream);
        check_passes(guest, from(stream, read_at(kPa + 1)), kPa + 1);
        check_passes(guest, from(stream, write_at((1ull << 48) - 1)), (1ull << 48) - 1);
        CHECK(guest.ask(translated(from(stream, read_at(1ull << 48)))).outcome == Outcome::Blocked);
        CHECK_FALSE(guest.take_event());
    }
}

TEST_CASE("SMMU Translated: SMMUEN=0 is F_TRANSL_FORBIDDEN, and so are streams without ATS with ATSCHK=1") {
    struct Case {
        const char* what;
        SteSpec spec;
        bool smmuen;
    };
    for (const Case& item :
         {Case{"SMMUEN=0", {.eats = 1}, false}, Case{"EATS=0", {.eats = 0}, true},
          Case{"EATS=3 without DPT", {.eats = 3}, true}, Case{"Config=4", {.config = kBypass, .eats = 1}, true}}) {
        for (const Request& request : {read_at(kPa + 0x123), with_substream(write_at(kPa + 0x123), 77)}) {
            Scene guest(item.spec, nothing, 0, true);
            if (!item.smmuen) guest.set_cr0(kCmdqEn | kEventqEn | kAtschk);
            CAPTURE(item.what);
            const auto reply = guest.ask(translated(request));
            CHECK(reply.outcome == Outcome::Blocked);
            CHECK(reply.reason == F_TRANSL_FORBIDDEN);
            const auto event = guest.take_event();
            REQUIRE(event);
            CHECK(event->words[0] == 0x0000'0005'0000'0007);  // no SubstreamID
            CHECK(event->words[1] == (request.writes() ? 0 : 1ull << 35));
            CHECK(event->words[2] == kPa + 0x123);
            CHECK(event->words[3] == 0);
        }
    }
}

TEST_CASE("SMMU Translated: with ATSCHK=1 errors of the configuration abort, and are recorded with REC_CFG_ATS") {
    struct Case {
        const char* what;
        unsigned event;
        std::function<void(Scene&)> spoil;
        Request request = read_at(kPa);
    };
    const std::vector<Case> cases{
        {"Config=0", 0, [](Scene& s) { s.set(s.ste(kStream), 3, 1, 0); }},
        {"V=0", C_BAD_STE, [](Scene& s) { s.set(s.ste(kStream), 0, 0, 0); }},
        // RECINVSID does not count.
        {"StreamID beyond the table", C_BAD_STREAMID, nothing, from(64, read_at(kPa))},
    };
    for (const Case& item : cases) {
        for (const std::uint32_t cr2 : {0u, kRecinvsid, kRecCfgAts}) {
            Scene guest({.eats = 1}, item.spoil, cr2, true);
            CAPTURE(item.what, cr2);
            CHECK(guest.ask(translated(item.request)).outcome == Outcome::Blocked);
            const auto event = guest.take_event();
            REQUIRE(event.has_value() == (item.event != 0 && (cr2 & kRecCfgAts) != 0));
            if (event) CHECK(event->type() == item.event);
        }
    }
}

TEST_CASE("SMMU Translated: with full ATS the address passes, if it is not too large") {
    for (const unsigned config : {kStage1, kStage2, kNested}) {
        Scene guest({.config = config, .eats = 1}, nothing, kRecCfgAts, true);
        CAPTURE(config);
        check_passes(guest, read_at(kPa), kPa);
        CHECK(guest.ask(translated(write_at(1ull << 48))).outcome == Outcome::Blocked);
        CHECK_FALSE(guest.take_event());
    }
}

TEST_CASE("SMMU Translated: with split-stage ATS the address is an IPA, and stage 2 has its say") {
    for (const bool warm : {false, true}) {
        Scene guest({.config = kNested, .eats = 2}, nothing, 0, true);
        guest.map(guest.second, kIpa, kPa, kS2Page);
        const std::uint64_t read_only = guest.map(guest.second, kIpa + 0x1000, kPa, kS2Page & ~kS2W);
        if (warm) check_passes(guest, read_at(kIpa), kPa);
        check_passes(guest, write_at(kIpa + 8), kPa + 8);
        // Refused as any other transaction.
        CHECK(guest.ask(translated(write_at(kIpa + 0x1000))).outcome == Outcome::Blocked);
        CHECK(guest.take_event() ==
              record_of(write_at(kIpa + 0x1000), {.type = F_PERMISSION, .s2 = true, .ipa = kIpa + 0x1000}));
        CHECK(guest.ask(translated(read_at(kIpa + 0x2000))).outcome == Outcome::Blocked);
        CHECK(guest.take_event() ==
              record_of(read_at(kIpa + 0x2000), {.type = F_TRANSLATION, .s2 = true, .ipa = kIpa + 0x2000}));
        // Too large for an IPA is a fault of stage 1.
        CHECK(guest.ask(translated(read_at(1ull << 48))).outcome == Outcome::Blocked);
        CHECK(guest.take_event() == record_of(read_at(1ull << 48), {.type = F_ADDR_SIZE}));
        // What is cached goes with its IPA.
        check_passes(guest, read_at(kIpa), kPa);
        guest.map(guest.second, kIpa, kPa + 0x10000, kS2Page);
        check_passes(guest, read_at(kIpa), kPa);
        guest.submit(tlbi_s2_ipa(3, kIpa));
        check_passes(guest, read_at(kIpa), kPa + 0x10000);
        (void)read_only;
    }
}

TEST_CASE("SMMU Translated: split-stage without S2R refuses in silence") {
    Scene guest({.config = kNested, .s2r = false, .eats = 2}, nothing, 0, true);
    CHECK(guest.ask(translated(read_at(kIpa))).outcome == Outcome::Blocked);
    CHECK_FALSE(guest.take_event());
}

TEST_CASE("SMMU Translated: what a split-stage request was answered takes it to the page") {
    Scene guest({.config = kNested, .s1dss = 2, .eats = 2}, nothing, 0, true);
    guest.map(guest.low, 0x4000, kIpa, kPage);
    guest.map(guest.second, kIpa, kPa, kS2Page);
    const auto completion = guest.ats(write_at(0x4010));
    check_passes(guest, write_at(completion.address.value), kPa + 0x10);
}

TEST_CASE("SMMU Translated: the SubstreamID counts with PASIDTT only") {
    struct Case {
        std::uint8_t pasidtt;
        std::uint32_t substream;
        unsigned s1dss;
        unsigned event;
    };
    for (const Case& item :
         {Case{0, 99, 0, 0}, Case{1, 99, 0, C_BAD_SUBSTREAMID}, Case{1, 4, 0, C_BAD_SUBSTREAMID},
          Case{1, 3, 0, C_BAD_CD}, Case{1, 0, 0, 0}, Case{0, 0, 2, 0}, Case{1, 0, 2, F_STREAM_DISABLED}}) {
        for (const std::uint32_t cr2 : {0u, kRecCfgAts}) {
            Scene guest({.s1dss = item.s1dss, .eats = 1}, nothing, cr2, true, {.ats = 1, .pasidtt = item.pasidtt});
            const Request request = with_substream(read_at(kPa), item.substream);
            CAPTURE(item.pasidtt, item.substream, item.s1dss, cr2);
            CHECK(guest.ask(translated(request)).outcome == (item.event == 0 ? Outcome::Translated : Outcome::Blocked));
            const auto event = guest.take_event();
            REQUIRE(event.has_value() == (item.event != 0 && cr2 != 0));
            if (event) CHECK(*event == record_of(request, {.type = item.event}));
        }
    }
}

TEST_CASE("SMMU Translated: rules for transactions without a SubstreamID do not apply") {
    for (const std::uint8_t pasidtt : {std::uint8_t{0}, std::uint8_t{1}}) {
        Scene guest({.s1dss = 0, .eats = 1}, nothing, kRecCfgAts, true, {.ats = 1, .pasidtt = pasidtt});
        check_passes(guest, read_at(kPa), kPa);
    }
}

TEST_CASE("SMMU Translated: privilege and execution are those of the prefix, with PASIDTT and as overridden") {
    // Stage 2 lets only the privileged execute.
    const std::uint64_t bits = kS2Page | kS2Xn0 | kS2Xn1;
    struct Case {
        std::uint8_t pasidtt;
        bool prefix;
        unsigned privcfg, instcfg;
        bool passes;
    };
    for (const Case& item : {
             Case{1, true, 0, 0, true},   // privileged, executing
             Case{1, true, 2, 0, false},  // made unprivileged
             Case{0, true, 0, 0, true},   // data
             Case{0, true, 0, 3, false},  // unprivileged, made executing
             Case{0, true, 3, 3, true},
             Case{1, false, 0, 3, false},
         }) {
        Scene guest({.config = kNested, .eats = 2},
                    [&](Scene& s) {
                        s.set(s.ste(kStream), 113, 112, item.privcfg);
                        s.set(s.ste(kStream), 115, 114, item.instcfg);
                        s.write_cd(s.cd(kStream, 1), {});
                    },
                    0, true, {.ats = 1, .pasidtt = item.pasidtt});
        guest.map(guest.second, kIpa, kPa, bits);
        const Request request = privileged(executing(read_at(kIpa)));
        const auto reply = guest.ask(translated(item.prefix ? with_substream(request, 1) : request));
        CAPTURE(item.pasidtt, item.prefix, item.privcfg, item.instcfg);
        CHECK(reply.outcome == (item.passes ? Outcome::Translated : Outcome::Blocked));
    }
}

TEST_CASE("SMMU Translated: without IDR0.ATS nothing passes, and nobody is told") {
    for (const bool smmuen : {false, true}) {
        Scene guest({.eats = 1}, nothing, 0, true, {.ats = 0});
        if (!smmuen) guest.set_cr0(kCmdqEn | kEventqEn);
        CHECK(guest.ask(translated(read_at(kPa))).outcome == Outcome::Blocked);
        CHECK_FALSE(guest.take_event());
    }
}

TEST_CASE("SMMU Translated: it neither uses nor leaves what ordinary transactions have cached") {
    Scene guest({.config = kNested, .s1dss = 2, .eats = 2}, nothing, 0, true);
    guest.map(guest.low, kIpa, 0x81'0000'0000, kPage);  // a virtual address like the IPA
    guest.map(guest.second, 0x81'0000'0000, kPa + 0x5000, kS2Page);
    guest.map(guest.second, kIpa, kPa, kS2Page);
    for (unsigned round = 0; round < 2; ++round) {
        CHECK(guest.ask(read_at(kIpa)).translation.address.value == kPa + 0x5000);
        check_passes(guest, read_at(kIpa), kPa);
    }
}

TEST_CASE("SMMU Translated: ATSCHK counts from the write on, also while SMMUEN stays") {
    Scene guest({.eats = 0}, nothing, 0, false);
    for (unsigned round = 0; round < 2; ++round) {
        check_passes(guest, read_at(kPa), kPa);
        guest.set_cr0(kCmdqEn | kEventqEn | kSmmuEn | kAtschk);
        CHECK(guest.ask(translated(read_at(kPa))).reason == F_TRANSL_FORBIDDEN);
        CHECK(guest.take_event());
        guest.set_cr0(kCmdqEn | kEventqEn | kSmmuEn);
    }
}

TEST_CASE("SMMU: ATSCHK opens no gate, and closes none") {
    Guest guest({.ats = 1});
    guest.bring_up(kAtschk);
    const auto gates = guest.ports.gates;
    guest.set_cr0(kCmdqEn | kEventqEn | kSmmuEn);
    guest.set_cr0(kCmdqEn | kEventqEn | kSmmuEn | kAtschk);
    CHECK(guest.ports.gates == gates);
    guest.set_cr0(kAtschk);
    CHECK_FALSE(guest.ports.gates.back());
    guest.set_cr0(0);
    CHECK(guest.ports.gates.size() == gates.size() + 1);
}
