// SPDX-License-Identifier: GPL-2.0-or-later
//
// Access flags and dirty state: who is refused, what hardware writes, and that nothing else is written.
// [SMMU 3.13, 5.2, 5.4]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test::smmu;
using iommu::Rights;

namespace {

constexpr std::uint64_t kIova = 0x4000;
constexpr std::uint64_t kOut = 0x1800000;
constexpr std::uint64_t kIpa = 0x80'8000'0000;
constexpr std::uint64_t kS2Rights = kS2R | kS2W | kS2Normal;

// Of one leaf; empty when nothing changed.
Changes one(std::uint64_t leaf, std::uint64_t bits) { return bits == 0 ? Changes{} : Changes{{leaf, bits}}; }

// A stage alone.
struct Alone {
    Guest guest;
    std::uint64_t leaf = 0;
    Alone(unsigned config, std::uint64_t bits, bool ha, bool hd, bool affd = false, int level = 3) {
        guest.stream(kStream, {.config = config, .s2affd = affd, .s2ha = ha, .s2hd = hd},
                     {.affd = affd, .ha = ha, .hd = hd});
        const Tables& tables = config == kStage1 ? guest.low : guest.second;
        leaf = guest.map(tables, 0, kOut & ~0x1fffffull, bits, level);
        guest.bring_up();
    }
};

// Nested, with a page of its own for the last table of stage 1.
struct Both {
    Guest guest;
    std::uint64_t first = 0;   // leaves
    std::uint64_t second = 0;  // of the page
    std::uint64_t table = 0;   // of the page that holds `first`
    std::uint64_t table_ipa = 0x60'0000'0000;
    Both(std::uint64_t first_bits, std::uint64_t second_bits, std::uint64_t table_bits, bool ha, bool hd, bool s2ha,
         bool s2hd) {
        guest.identity_second();
        guest.stream(kStream, {.config = kNested, .s2ha = s2ha, .s2hd = s2hd}, {.ha = ha, .hd = hd});
        first = guest.map(guest.low, kIova, kIpa, first_bits);
        second = guest.map(guest.second, kIpa, kOut, second_bits);
        table = guest.map(guest.second, table_ipa, first & ~0xfffull, table_bits);
        guest.poke(guest.entry(guest.low, kIova, 2), table_ipa | 3);
        guest.bring_up();
    }
};

}  // namespace

TEST_CASE("HTTU: without it AF=0 is F_ACCESS, before any permission", "[smmu][httu]") {
    for (const unsigned config : {kStage1, kStage2}) {
        const bool s2 = config == kStage2;
        const std::uint64_t bits = s2 ? kS2Rights : kAp1;
        {
            Alone test(config, bits, false, false);
            expect_event(test.guest, read_at(0), {.type = F_ACCESS, .s2 = s2});
        }
        {
            Alone test(config, s2 ? kS2Normal : kAp2, false, false);
            expect_event(test.guest, write_at(0), {.type = F_ACCESS, .s2 = s2});
            test.guest.poke(test.leaf, test.guest.peek(test.leaf) | kAf);
            expect_event(test.guest, write_at(0), {.type = F_PERMISSION, .s2 = s2});
        }
        {  // HD alone counts as nothing
            Alone test(config, bits | kDbm, false, true);
            expect_event(test.guest, write_at(0), {.type = F_ACCESS, .s2 = s2});
        }
        {  // F_ADDR_SIZE comes first
            Alone test(config, bits, false, false);
            test.guest.set(s2 ? test.guest.ste(kStream) : test.guest.cd(kStream), s2 ? 178 : 34, s2 ? 176 : 32, 0);
            test.guest.set(test.leaf, 32, 32, 1);
            expect_event(test.guest, write_at(0), {.type = F_ADDR_SIZE, .s2 = s2});
        }
    }
}

TEST_CASE("HTTU: AFFD takes AF=0 for 1 and writes nothing", "[smmu][httu]") {
    for (const unsigned config : {kStage1, kStage2}) {
        Alone test(config, config == kStage2 ? kS2Rights : kAp1, false, false, true);
        CHECK(changes_by(test.guest, read_at(0)).empty());
        CHECK(changes_by(test.guest, write_at(0)).empty());
    }
}

TEST_CASE("HTTU: HA sets AF on the first use, in pages and blocks, whatever AFFD says", "[smmu][httu]") {
    for (const unsigned config : {kStage1, kStage2}) {
        for (const int level : {1, 2, 3}) {
            for (const bool affd : {false, true}) {
                INFO("Config " << config << ", level " << level << ", AFFD " << affd);
                Alone test(config, config == kStage2 ? kS2Rights : kAp1, true, false, affd, level);
                CHECK(changes_by(test.guest, read_at(0)) == one(test.leaf, kAf));
                CHECK(changes_by(test.guest, write_at(0)).empty());
            }
        }
    }
}

TEST_CASE("HTTU: without HD a writable-clean page is read-only", "[smmu][httu]") {
    for (const bool ha : {false, true}) {
        for (const unsigned config : {kStage1, kStage2}) {
            const bool s2 = config == kStage2;
            Alone test(config, (s2 ? kS2R | kS2Normal : kAp1 | kAp2) | kDbm | kAf, ha, false);
            expect_event(test.guest, write_at(0), {.type = F_PERMISSION, .s2 = s2});
            CHECK(expect_output(test.guest, read_at(0), kOut & ~0x1fffffull).rights == Rights::Read);
        }
    }
}

TEST_CASE("HTTU: HD makes a writable-clean page dirty for a write, with AF in the same update", "[smmu][httu]") {
    struct Case {
        iommu::Request request;
        bool writes;
    };
    for (const unsigned config : {kStage1, kStage2}) {
        const bool s2 = config == kStage2;
        // Stage 1 clears AP[2], stage 2 sets S2AP[1]: both are bit 7.
        const std::uint64_t clean = (s2 ? kS2R | kS2Normal : kAp1 | kAp2) | kDbm;
        for (const Case& c : {Case{read_at(0), false}, Case{write_at(0), true}, Case{atomic_at(0), true}}) {
            INFO("Config " << config << (c.writes ? ", write" : ", read"));
            Alone test(config, clean, true, true);
            CHECK(changes_by(test.guest, c.request) == one(test.leaf, kAf | (c.writes ? 1u << 7 : 0)));
            CHECK(changes_by(test.guest, c.request).empty());
        }
        Alone genuine(config, (clean & ~kDbm) | kAf, true, true);
        expect_event(genuine.guest, write_at(0), {.type = F_PERMISSION, .s2 = s2});
    }
}

TEST_CASE("HTTU: a clean page that was read is walked again by the first write", "[smmu][httu]") {
    for (const unsigned config : {kStage1, kStage2}) {
        const bool s2 = config == kStage2;
        Alone test(config, (s2 ? kS2R | kS2Normal : kAp1 | kAp2) | kDbm | kAf, true, true);
        CHECK(test.guest.ask(read_at(0)).translation.rights == Rights::Read);
        const std::uint64_t before = test.guest.peek(test.leaf);
        CHECK(test.guest.ask(write_at(0)).translation.rights == Rights::ReadWrite);
        CHECK((test.guest.peek(test.leaf) ^ before) == 1u << 7);
        CHECK(test.guest.ask(read_at(0)).translation.rights == Rights::ReadWrite);
    }
}

TEST_CASE("HTTU: a refused access changes nothing", "[smmu][httu]") {
    {
        Alone test(kStage1, kAp2 | kDbm, true, true);  // not the unprivileged's
        expect_event(test.guest, read_at(0), {.type = F_PERMISSION});
        expect_event(test.guest, write_at(0), {.type = F_PERMISSION});
        CHECK(changes_by(test.guest, privileged(write_at(0))) == one(test.leaf, kAf | kAp2));
    }
    {
        Alone test(kStage1, kAp1 | kAp2 | kDbm, true, true);
        const std::uint64_t table = test.guest.entry(test.guest.low, 0, 2);
        test.guest.poke(table, test.guest.peek(table) | kApTable1);  // read-only by the table: DBM does not help
        expect_event(test.guest, write_at(0), {.type = F_PERMISSION});
        CHECK(changes_by(test.guest, read_at(0)) == one(test.leaf, kAf));
    }
    {
        Alone test(kStage2, kS2Normal | kDbm, true, true);  // neither readable
        expect_event(test.guest, read_at(0), {.type = F_PERMISSION, .s2 = true});
        CHECK(changes_by(test.guest, write_at(0)) == one(test.leaf, kAf | kS2W));
    }
}

TEST_CASE("HTTU: a look changes nothing and is not kept", "[smmu][httu]") {
    for (const unsigned config : {kStage1, kStage2}) {
        const bool s2 = config == kStage2;
        Alone test(config, (s2 ? kS2R | kS2Normal : kAp1 | kAp2) | kDbm, true, true);
        CHECK(changes_by(test.guest, debugging(write_at(0))).empty());
        CHECK(changes_by(test.guest, write_at(0)) == one(test.leaf, kAf | 1u << 7));
    }
}

TEST_CASE("HTTU: AF=0 is not kept, so software's change is seen at once", "[smmu][httu]") {
    for (const unsigned config : {kStage1, kStage2}) {
        Alone test(config, config == kStage2 ? kS2Rights : kAp1, false, false);
        CHECK(test.guest.ask(read_at(0)).reason == F_ACCESS);
        test.guest.poke(test.leaf, test.guest.peek(test.leaf) | kAf);
        CHECK(test.guest.ask(read_at(0)).outcome == iommu::Outcome::Translated);
    }
}

// ---- Both stages

TEST_CASE("HTTU: nested, each stage keeps its own state", "[smmu][httu]") {
    const std::uint64_t clean1 = kAp1 | kAp2 | kDbm, clean2 = kS2R | kS2Normal | kDbm;
    {
        Both test(clean1, clean2, kS2Rights | kAf, true, true, false, false);
        test.guest.poke(test.second, kOut | kS2Page | 3);
        CHECK(changes_by(test.guest, read_at(kIova)) == one(test.first, kAf));
        CHECK(changes_by(test.guest, write_at(kIova)) == one(test.first, kAp2));
    }
    {
        Both test(kAp1 | kAf, clean2, kS2Rights | kAf, false, false, true, true);
        // Not one of the tables that stage 1 is read through is new: the CD's and the tables' pages have AF.
        CHECK(changes_by(test.guest, read_at(kIova)) == one(test.second, kAf));
        CHECK(changes_by(test.guest, write_at(kIova)) == one(test.second, kS2W));
    }
    {
        Both test(clean1, clean2, kS2Rights | kAf, true, true, true, true);
        const Changes wanted{{test.first, kAf | kAp2}, {test.second, kAf | kS2W}};
        CHECK(changes_by(test.guest, write_at(kIova)) == wanted);
    }
}

TEST_CASE("HTTU: nested, reading stage 1's tables sets AF in stage 2, and writing there makes it dirty",
          "[smmu][httu]") {
    const std::uint64_t clean2 = kS2R | kS2Normal | kDbm;
    {
        Both test(kAp1 | kAf, kS2Page, clean2, true, true, true, true);  // nothing to write to stage 1
        CHECK(changes_by(test.guest, write_at(kIova)) == one(test.table, kAf));
    }
    {
        Both test(kAp1, kS2Page, clean2, true, true, true, true);
        const Changes wanted{{test.first, kAf}, {test.table, kAf | kS2W}};
        CHECK(changes_by(test.guest, read_at(kIova)) == wanted);
    }
}

TEST_CASE("HTTU: nested, a descriptor that stage 2 does not let hardware write is F_PERMISSION of a table write",
          "[smmu][httu]") {
    const std::uint64_t read_only = kS2R | kS2Normal | kAf;
    Both test(kAp1 | kAp2 | kDbm, kS2Page, read_only, true, true, false, false);
    const Wanted refused{.type = F_PERMISSION, .s2 = true, .input_class = kClassTt, .ipa = test.table_ipa};
    expect_event(test.guest, read_at(kIova), refused);
    expect_event(test.guest, write_at(kIova), refused);
    // Nothing to write: no right needed.
    test.guest.poke(test.first, kIpa | kAp1 | kAp2 | kDbm | kAf | 3);
    expect_output(test.guest, read_at(kIova), kOut);
    expect_event(test.guest, write_at(kIova), refused);
    // DBM without S2HD does not help; with it, it does.
    test.guest.poke(test.table, test.guest.peek(test.table) | kDbm);
    expect_event(test.guest, write_at(kIova), refused);
    test.guest.set(test.guest.ste(kStream), 184, 183, 3);
    const Changes wanted{{test.first, kAp2}, {test.table, kS2W}};
    CHECK(changes_by(test.guest, write_at(kIova)) == wanted);
}

TEST_CASE("HTTU: nested, what the other stage refuses changes nothing in either", "[smmu][httu]") {
    const std::uint64_t clean1 = kAp1 | kAp2 | kDbm, clean2 = kS2R | kS2Normal | kDbm;
    {
        Both test(clean1, kS2R | kS2Normal, clean2 | kAf, true, true, true, true);
        expect_event(test.guest, write_at(kIova), {.type = F_PERMISSION, .s2 = true, .ipa = kIpa});
    }
    {
        Both test(kAp1 | kAp2, clean2, clean2 | kAf, true, true, true, true);
        expect_event(test.guest, write_at(kIova), {.type = F_PERMISSION});
    }
    {
        Both test(clean1, clean2, clean2 | kAf, true, true, true, true);
        test.guest.poke(test.second, 0);
        expect_event(test.guest, write_at(kIova), {.type = F_TRANSLATION, .s2 = true, .ipa = kIpa});
    }
}

// The CD's page gets AF, and is never made dirty.
TEST_CASE("HTTU: nested, fetching the CD sets AF of its page only", "[smmu][httu]") {
    Guest guest;
    guest.identity_second();
    guest.stream(kStream, {.config = kNested, .s2ha = true, .s2hd = true});
    guest.map(guest.low, kIova, kIpa, kPage);
    guest.map(guest.second, kIpa, kOut, kS2Page);
    const std::uint64_t cd =
        guest.map(guest.second, 0x60'0000'0000, guest.cd(kStream) & ~0xfffull, kS2R | kS2Normal | kDbm);
    guest.set(guest.ste(kStream), 55, 6, 0x60'0000'0000 >> 6);
    guest.bring_up();
    CHECK(changes_by(guest, debugging(write_at(kIova))).empty());
    CHECK(changes_by(guest, write_at(kIova)) == one(cd, kAf));
}
