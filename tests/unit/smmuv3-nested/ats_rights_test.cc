// SPDX-License-Identifier: GPL-2.0-or-later
//
// Translation Requests that find a page: rights, address, size, and the flags that are set for them.
// [SMMU 3.13.7, 13.6, 13.7]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test::smmu;
using iommu::CompletionStatus;
using iommu::Request;
using iommu::Rights;
using iommu::TranslationCompletion;

namespace {

constexpr std::uint64_t kIova = 0x4000, kOut = 0x1800000;
constexpr std::uint64_t kIpa = 0x80'8000'0000, kPa = 0x12'4000'0000;
constexpr std::uint32_t kSubstream = 1;
// AP of stage 1: what users and the privileged may do.
constexpr std::uint64_t kBothRw = kAp1, kBothRo = kAp1 | kAp2, kPrivRw = 0, kPrivRo = kAp2;

// A page in the address space of a SubstreamID; requests without one skip stage 1.
struct Page : Guest {
    explicit Page(std::uint64_t bits, SteSpec spec = {}, CdSpec cd_spec = {}, smmuv3::Capabilities asked = {.ats = 1})
        : Guest(asked) {
        spec.s1cdmax = 2;
        spec.s1dss = 1;
        if (spec.eats == 0) spec.eats = 1;
        identity_second();
        stream(kStream, spec);
        write_cd(cd(kStream, kSubstream), cd_spec);
        leaf = map(low, kIova, spec.config == kNested ? kIpa : kOut, bits);
    }
    TranslationCompletion asked(Request request) {
        const auto completion = ats(with_substream(request, kSubstream));
        CHECK(completion.status == CompletionStatus::Success);
        CHECK_FALSE(completion.global);
        CHECK_FALSE(completion.untranslated_only);
        CHECK_FALSE(completion.no_snoop);
        CHECK_FALSE(take_event());
        return completion;
    }
    std::uint64_t leaf = 0;
};

Request nw(bool exe = false) { return exe ? executing(read_at(kIova)) : read_at(kIova); }
Request rw(bool exe = false) { return exe ? executing(write_at(kIova)) : write_at(kIova); }

constexpr auto kNone = Rights::None, kR = Rights::Read, kW = Rights::Write, kRw = Rights::ReadWrite;

}  // namespace

TEST_CASE("SMMU ATS: a request is granted the rights that there are, for its privilege") {
    struct Case {
        Request request;
        std::uint64_t bits;
        Rights rights;
        bool execute = false;
    };
    const Case cases[] = {
        // Users may read, the privileged write, all execute.
        {nw(), kBothRo, kR},
        {nw(true), kBothRo, kR, true},
        {rw(), kBothRo, kR},
        {rw(true), kBothRo, kR, true},
        {rw(), kBothRw, kRw},
        {nw(), kBothRw, kRw},  // needs no dirty bit
        {rw(true), kBothRw, kRw, true},
        {rw(true), kBothRw | kUxn, kRw},
        {nw(true), kBothRw | kUxn, kRw},
        {rw(false), kBothRw | kUxn, kRw},
        // For the privileged only: execute-only for users, which grants nothing.
        {rw(true), kPrivRw, kNone},
        {nw(true), kPrivRo, kNone},
        {nw(), kPrivRw | kUxn, kNone},
        {privileged(rw()), kPrivRw, kRw},
        {privileged(rw()), kPrivRo, kR},
        {privileged(rw(true)), kPrivRw, kRw, true},
        {privileged(rw(true)), kPrivRw | kPxn, kRw},
        {privileged(nw(true)), kPrivRo | kPxn, kR},
        // What users can write the privileged do not execute.
        {privileged(rw(true)), kBothRw, kRw},
        {privileged(rw(true)), kBothRo | kUxn, kR, true},
    };
    for (const Case& item : cases) {
        Page guest(item.bits | kAf | kNg);
        guest.bring_up();
        const auto completion = guest.asked(item.request);
        CAPTURE(item.bits, item.request.writes(), static_cast<int>(item.request.execute),
                static_cast<int>(item.request.privilege));
        CHECK(completion.rights == item.rights);
        CHECK(completion.execute == item.execute);
        CHECK(completion.privileged == (item.request.privilege == iommu::Privilege::Supervisor));
        CHECK(completion.page_log2 == 12);
        CHECK(completion.reason == (item.rights == kNone ? F_PERMISSION : 0));
        if (item.rights != kNone) CHECK(completion.address.value == kOut);
    }
}

TEST_CASE("SMMU ATS: without a SubstreamID a request is unprivileged and for data, whatever it says") {
    Guest guest({.ats = 1});
    guest.stream(kStream, {.eats = 1});
    guest.map(guest.low, kIova, kOut, kBothRo | kAf | kNg);
    guest.map(guest.low, 0x5000, kOut, kPrivRw | kAf | kNg);
    guest.bring_up();
    const auto user = guest.ats(privileged(rw(true)));
    CHECK(user.rights == kR);
    CHECK_FALSE(user.execute);
    CHECK_FALSE(user.privileged);
    CHECK(guest.ats(privileged(write_at(0x5000))).rights == kNone);
}

TEST_CASE("SMMU ATS: PRIVCFG decides whose rights are granted, and the answer keeps the request's privilege") {
    for (const unsigned privcfg : {0u, 1u, 2u, 3u}) {
        for (const bool asks_privileged : {false, true}) {
            Page guest(kBothRo | kAf | kNg);
            guest.map(guest.low, 0x5000, kOut, kPrivRw | kAf | kNg);
            guest.set(guest.ste(kStream), 113, 112, privcfg);
            guest.bring_up();
            const Request request = asks_privileged ? privileged(write_at(0x5000)) : write_at(0x5000);
            const bool as_privileged = privcfg == 3 || (privcfg != 2 && asks_privileged);
            const auto completion = guest.asked(request);
            CAPTURE(privcfg, asks_privileged);
            CHECK(completion.rights == (as_privileged ? kRw : kNone));
            CHECK(completion.privileged == asks_privileged);
        }
    }
}

TEST_CASE("SMMU ATS: INSTCFG makes reading executing, or executing reading") {
    struct Case {
        unsigned instcfg;
        std::uint64_t bits;
        bool exe;
        Rights rights;
        bool execute;
    };
    for (const Case& item : {
             // Data: whoever can read can execute, if it asks.
             Case{2, kBothRo | kUxn, true, kR, true},
             Case{2, kBothRo | kUxn, false, kR, false},
             Case{2, kPrivRw, true, kNone, false},
             // Instruction: whoever can execute can read, also an execute-only page.
             Case{3, kPrivRw, true, kR, true},
             Case{3, kPrivRw, false, kR, false},
             Case{3, kBothRo | kUxn, true, kNone, false},
             Case{3, kBothRw | kUxn, true, kW, false},
             // As it comes.
             Case{0, kBothRo | kUxn, true, kR, false},
             Case{1, kBothRo, true, kR, true},
         }) {
        Page guest(item.bits | kAf | kNg);
        guest.set(guest.ste(kStream), 115, 114, item.instcfg);
        guest.bring_up();
        const auto completion = guest.asked(rw(item.exe));
        CAPTURE(item.instcfg, item.bits, item.exe);
        CHECK(completion.rights == item.rights);
        CHECK(completion.execute == item.execute);
    }
}

TEST_CASE("SMMU ATS: flags in the tables are set for what is granted, and only for that") {
    struct Case {
        const char* what;
        bool ha, hd;
        std::uint64_t bits;
        Request request;
        Rights rights;
        std::uint64_t changed;
    };
    for (const Case& item : {
             Case{"AF for a request that will not write", true, true, kBothRo | kDbm, nw(), kR, kAf},
             Case{"AF and dirty for one that will", true, true, kBothRo | kDbm, rw(), kRw, kAf | kAp2},
             Case{"dirty already, NW", true, true, kBothRw | kDbm | kAf, nw(), kRw, 0},
             Case{"read-only is not made dirty", true, true, kBothRo, rw(), kR, kAf},
             Case{"access flag only", true, false, kBothRo | kDbm, rw(), kR, kAf},
             Case{"HD without HA is neither", false, true, kBothRo | kDbm | kAf, rw(), kR, 0},
             Case{"clean, but not for users", true, true, kPrivRo | kDbm, rw(), kNone, 0},
             Case{"without the access flag nothing is granted", false, false, kBothRw, rw(), kNone, 0},
         }) {
        Page guest(item.bits | kNg, {}, {.ha = item.ha, .hd = item.hd});
        guest.bring_up();
        const std::uint64_t before = guest.peek(guest.leaf);
        CAPTURE(item.what);
        CHECK(guest.asked(item.request).rights == item.rights);
        CHECK((guest.peek(guest.leaf) ^ before) == item.changed);
    }
}

TEST_CASE("SMMU ATS: under a second stage rights are those of both, and neither is made dirty unless both allow it") {
    struct Case {
        std::uint64_t first, second;
        Request request;
        Rights rights;
        std::uint64_t first_changed, second_changed;
    };
    const std::uint64_t clean1 = kBothRo | kDbm | kAf, clean2 = kS2R | kS2Normal | kDbm | kAf;
    for (const Case& item : {
             Case{kBothRw | kAf, kS2Page, rw(), kRw, 0, 0},
             Case{kBothRo | kAf, kS2Page, rw(), kR, 0, 0},
             Case{kBothRw | kAf, kS2Page & ~kS2W, rw(), kR, 0, 0},
             Case{kBothRw | kAf, kS2Page & ~kS2R, rw(), kW, 0, 0},
             Case{kBothRw | kAf, kS2Page & ~kS2R, nw(), kNone, 0, 0},
             Case{clean1, clean2, rw(), kRw, kAp2, kS2W},
             Case{clean1, clean2, nw(), kR, 0, 0},
             Case{clean1, kS2Page & ~kS2W, rw(), kR, 0, 0},
             Case{kBothRo | kAf, clean2, rw(), kR, 0, 0},
             Case{kBothRo | kAf, clean2 & ~kAf, nw(), kR, 0, kAf},
         }) {
        Page guest(item.first | kNg, {.config = kNested, .s2ha = true, .s2hd = true}, {.ha = true, .hd = true});
        const std::uint64_t second = guest.map(guest.second, kIpa, kPa, item.second);
        guest.bring_up();
        const std::uint64_t first_before = guest.peek(guest.leaf), second_before = guest.peek(second);
        const auto completion = guest.asked(item.request);
        CAPTURE(item.first, item.second, item.request.writes());
        CHECK(completion.rights == item.rights);
        if (item.rights != kNone) CHECK(completion.address.value == kPa);
        CHECK((guest.peek(guest.leaf) ^ first_before) == item.first_changed);
        CHECK((guest.peek(second) ^ second_before) == item.second_changed);
    }
}

TEST_CASE("SMMU ATS: a first stage that grants nothing is not taken to the second") {
    Page guest(kPrivRw | kAf | kNg, {.config = kNested});
    guest.bring_up();  // the IPA is not mapped
    CHECK(guest.asked(rw()).reason == F_PERMISSION);
    CHECK(guest.asked(privileged(rw())).reason == F_TRANSLATION);
}

TEST_CASE("SMMU ATS: a table that cannot be marked dirty in the second stage grants nothing") {
    Page guest(kBothRo | kDbm | kAf | kNg, {.config = kNested}, {.ha = true, .hd = true});
    guest.map(guest.second, kIpa, kPa, kS2Page);
    // The last table of stage 1 lives in a page that stage 2 does not let be written.
    guest.map(guest.second, 0x60'0000'0000, guest.leaf & ~0xfffull, kS2Page & ~kS2W);
    guest.poke(guest.entry(guest.low, kIova, 2), 0x60'0000'0000 | 3);
    guest.bring_up();
    const auto before = guest.tables();
    const auto completion = guest.asked(rw());
    CHECK(completion.rights == kNone);
    CHECK(completion.reason == F_PERMISSION);
    const bool tables_unchanged = guest.tables() == before;
    CHECK(tables_unchanged);
    CHECK(guest.asked(nw()).rights == kR);
}

TEST_CASE("SMMU ATS: the answer is for the smaller page of both stages, at the request's own byte") {
    for (const int first : {1, 2, 3}) {
        for (const int second : {1, 2, 3}) {
            for (const unsigned eats : {1u, 2u}) {
                Guest guest({.ats = 1});
                guest.identity_second();
                guest.stream(kStream, {.config = kNested, .eats = eats});
                guest.map(guest.low, 0x40'0000'0000, kIpa, kPage, first);
                guest.map(guest.second, kIpa, kPa, kS2Page, second);
                guest.bring_up(kAtschk);
                const auto completion = guest.ats(read_at(0x40'0000'0123));
                CAPTURE(first, second, eats);
                CHECK(completion.address.value == (eats == 1 ? kPa : kIpa) + 0x123);
                CHECK(completion.page_log2 == 12 + 9 * static_cast<unsigned>(3 - std::max(first, second)));
                CHECK(completion.rights == kRw);
            }
        }
    }
}

TEST_CASE("SMMU ATS: split-stage answers the IPA, with the rights of both stages") {
    Page guest(kBothRw | kAf | kNg, {.config = kNested, .eats = 2});
    const std::uint64_t second = guest.map(guest.second, kIpa, kPa, kS2Page & ~kS2W);
    guest.bring_up(kAtschk);
    const auto read_only = guest.asked(rw());
    CHECK(read_only.address.value == kIpa);
    CHECK(read_only.rights == kR);
    guest.poke(second, 0);
    CHECK(guest.asked(rw()).reason == F_TRANSLATION);
    CHECK(guest.asked(rw()).rights == kNone);
}

TEST_CASE("SMMU ATS: a request that skips stage 1 is answered itself, or by the second stage alone") {
    struct Case {
        unsigned config, eats;
        std::uint64_t address;
        Rights rights;
        unsigned page_log2;
    };
    for (const Case& item : {Case{kStage1, 1, kOut + 0x10, kRw, 48}, Case{kNested, 1, kPa + 0x10, kR, 21},
                             Case{kNested, 2, 0x4000'0010, kR, 21}}) {
        Page guest(kBothRw | kAf | kNg, {.config = item.config, .eats = item.eats});
        guest.map(guest.second, 0x4000'0000, kPa, kS2Page & ~kS2W, 2);
        guest.bring_up(kAtschk);
        const auto completion = guest.ats(write_at(item.config == kStage1 ? kOut + 0x10 : 0x4000'0010));
        CAPTURE(item.config, item.eats);
        CHECK(completion.status == CompletionStatus::Success);
        CHECK(completion.address.value == item.address);
        CHECK(completion.rights == item.rights);
        CHECK(completion.page_log2 == item.page_log2);
        CHECK_FALSE(completion.execute);
        CHECK_FALSE(completion.privileged);
    }
}

TEST_CASE("SMMU ATS: no access is answered with the smallest translation unit") {
    for (const bool small : {true, false}) {
        smmuv3::Capabilities asked{.ats = 1};
        if (!small) asked.gran4k = 0, asked.gran16k = 0;
        Guest guest(asked);
        if (!small) guest.format(guest.low, 16, 1, 48);
        guest.stream(kStream, {.eats = 1});
        guest.map(guest.low, 0x10000, kOut, kPrivRw | kAf | kNg);
        guest.bring_up();
        CAPTURE(small);
        for (const std::uint64_t iova : {0x10000ull, 0x20000ull}) {
            const auto completion = guest.ats(read_at(iova));
            CHECK(completion.status == CompletionStatus::Success);
            CHECK(completion.rights == kNone);
            CHECK(completion.page_log2 == (small ? 12 : 16));
        }
    }
}

TEST_CASE("SMMU ATS: a request whose tables change while flags are set is answered from the tables as they are then") {
    Page guest(kBothRw | kNg, {.config = kNested, .s2ha = true}, {.ha = true});
    const std::uint64_t second = guest.map(guest.second, kIpa, kPa, kS2Page & ~kAf);
    guest.bring_up();
    bool done = false;
    guest.ports.on_written = [&](std::uint64_t address) {
        if (done || (address != second && address != guest.leaf)) return;
        done = true;
        // The other of the two leaves is not yet written.
        if (address == second) guest.poke(guest.leaf, (kIpa + 0x1000) | kBothRw | kNg | 3);
        if (address == guest.leaf) guest.poke(second, (kPa + 0x1000) | (kS2Page & ~kAf) | 3);
    };
    guest.map(guest.second, kIpa + 0x1000, kPa + 0x1000, kS2Page);
    CHECK(guest.asked(rw()).address.value == kPa + 0x1000);
    CHECK(done);
}

TEST_CASE("SMMU ATS: requests are traced with what they were answered") {
    Page guest(kBothRo | kAf | kNg);
    guest.bring_up();
    guest.unit.set_trace(static_cast<std::uint32_t>(iommu::TraceClass::Translation));
    (void)guest.asked(rw(true));
    (void)guest.asked(read_at(0x9000));
    (void)guest.ats(from(40, read_at(kIova)));
    REQUIRE(guest.ports.lines.size() == 3);
    CHECK(guest.ports.lines[0] == "smmuv3: Translation Request SID=0x5 SSID=0x1 0x4000: 0x1800000 2^12 rx");
    CHECK(guest.ports.lines[1] == "smmuv3: Translation Request SID=0x5 SSID=0x1 0x9000 NW: no access F_TRANSLATION");
    CHECK(guest.ports.lines[2] == "smmuv3: Translation Request SID=0x28 0x4000 NW: CA C_BAD_STE");
}
