// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a unit offers: defaults, what needs what, what contradicts what, and the registers that say so.
// [VTD 5.10 s11.4.1-11.4.3]
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "vtd-nested/capabilities.h"

using vtd::Capabilities;
using vtd::settle;

namespace {

using Member = std::uint8_t Capabilities::*;

Capabilities asked(std::initializer_list<std::pair<Member, unsigned>> fields) {
    Capabilities result;
    for (const auto& [member, value] : fields)
        result.*member = static_cast<std::uint8_t>(value);
    return result;
}

// The sentence, or "" when the fields can be.
std::string refusal(const Capabilities& fields) {
    const auto settled = settle(fields);
    return settled ? "" : settled.error();
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// `field` can be set only where `needs` is.
struct Dependency {
    Member field;
    std::string name;
    Member needs;
    std::string needs_name;
};
const std::vector<Dependency> kDependencies{
    {&Capabilities::smts, "smts", &Capabilities::qi, "qi"},
    {&Capabilities::fsts, "fsts", &Capabilities::smts, "smts"},
    {&Capabilities::ssts, "ssts", &Capabilities::smts, "smts"},
    {&Capabilities::srs, "srs", &Capabilities::smts, "smts"},
    {&Capabilities::smpwcs, "smpwcs", &Capabilities::smts, "smts"},
    {&Capabilities::rps, "rps", &Capabilities::smts, "smts"},
    {&Capabilities::pasid, "pasid", &Capabilities::smts, "smts"},
    {&Capabilities::pss, "pss", &Capabilities::smts, "smts"},
    {&Capabilities::nest, "nest", &Capabilities::fsts, "fsts"},
    {&Capabilities::nest, "nest", &Capabilities::ssts, "ssts"},
    {&Capabilities::fs5lp, "fs5lp", &Capabilities::fsts, "fsts"},
    {&Capabilities::fs1gp, "fs1gp", &Capabilities::fsts, "fsts"},
    {&Capabilities::eafs, "eafs", &Capabilities::fsts, "fsts"},
    {&Capabilities::eafs, "eafs", &Capabilities::smpwcs, "smpwcs"},
    {&Capabilities::ssads, "ssads", &Capabilities::smpwcs, "smpwcs"},
    {&Capabilities::rprivs, "rprivs", &Capabilities::srs, "srs"},
    {&Capabilities::dt, "dt", &Capabilities::qi, "qi"},
    {&Capabilities::dit, "dit", &Capabilities::dt, "dt"},
    {&Capabilities::nwfs, "nwfs", &Capabilities::dt, "dt"},
    {&Capabilities::prs, "prs", &Capabilities::dt, "dt"},
    {&Capabilities::prs, "prs", &Capabilities::smts, "smts"},
    {&Capabilities::pds, "pds", &Capabilities::prs, "prs"},
};

}  // namespace

TEST_CASE("The default unit reports the CAP, ECAP and VER that were typed by hand") {
    const auto settled = settle({});
    REQUIRE(settled);
    // ND=6 PLMR PHMR SAGAW=39,48,57 MGAW=57 ZLR FRO=0xc0 SSLPS=2M,1G PSI NFR=7 MAMV=18 DWD DRD FS1GP FS5LP ESRTPS
    CHECK(vtd::cap_register(*settled).raw() == 0x91d2'078c'c078'0e66);
    // C QI DT PT SC IRO=0x50 NEST PRS SRS NWFS EAFS PSS=19 PASID DIT PDS SMTS SSADS SSTS FSTS SMPWCS RPS ADMS RPRIVS
    CHECK(vtd::ecap_register(*settled).raw() == 0x0033'ef9e'a400'50c7);
    CHECK(vtd::ver_register(*settled).raw() == 0x50);
    CHECK(settled->haw == 48);
}

TEST_CASE("Each field stands at its bits of CAP and ECAP") {
    struct Case {
        Capabilities fields;
        std::uint64_t cap, ecap;  // bits that differ from the default unit's
    };
    for (const Case& item : {
             Case{asked({{&Capabilities::nd, 1}}), 0x7, 0},
             Case{asked({{&Capabilities::cm, 1}}), 0x80, 0},
             Case{asked({{&Capabilities::plmr, 0}}), 0x20, 0},
             Case{asked({{&Capabilities::phmr, 0}}), 0x40, 0},
             Case{asked({{&Capabilities::sagaw, 4}}), 0xa00, 0},
             Case{asked({{&Capabilities::mgaw, 47}}), 0x17'0000, 0},
             Case{asked({{&Capabilities::zlr, 0}}), 0x40'0000, 0},
             Case{asked({{&Capabilities::sslps, 1}}), 8ull << 32, 0},
             Case{asked({{&Capabilities::psi, 0}}), 1ull << 39, 0},
             Case{asked({{&Capabilities::nfr, 31}}), 0x18ull << 40, 0},
             Case{asked({{&Capabilities::mamv, 63}}), 0x2dull << 48, 0},
             Case{asked({{&Capabilities::fs1gp, 0}}), 1ull << 56, 0},
             Case{asked({{&Capabilities::fs5lp, 0}}), 1ull << 60, 0},
             Case{asked({{&Capabilities::esrtps, 0}}), 1ull << 63, 0},
             Case{asked({{&Capabilities::c, 0}}), 0, 1},
             Case{asked({{&Capabilities::pt, 0}}), 0, 1 << 6},
             Case{asked({{&Capabilities::sc, 0}}), 0, 1 << 7},
             Case{asked({{&Capabilities::nest, 0}}), 0, 1 << 26},
             Case{asked({{&Capabilities::eafs, 0}}), 0, 1ull << 34},
             Case{asked({{&Capabilities::pss, 15}}), 0, 0x1cull << 35},
             Case{asked({{&Capabilities::pasid, 0}}), 0, 1ull << 40},
             Case{asked({{&Capabilities::ssads, 0}}), 0, 1ull << 45},
             Case{asked({{&Capabilities::rps, 0}}), 0, 1ull << 49},
             Case{asked({{&Capabilities::adms, 0}}), 0, 1ull << 52},
             Case{asked({{&Capabilities::rprivs, 0}}), 0, 1ull << 53},
             Case{asked({{&Capabilities::dit, 0}}), 0, 1ull << 41},
             Case{asked({{&Capabilities::nwfs, 0}}), 0, 1ull << 33},
             Case{asked({{&Capabilities::pds, 0}}), 0, 1ull << 42},
             // Switched off with what they need.
             Case{asked({{&Capabilities::dt, 0}}), 0, 1ull << 2 | 1ull << 29 | 1ull << 33 | 1ull << 41 | 1ull << 42},
             Case{asked({{&Capabilities::prs, 0}}), 0, 1ull << 29 | 1ull << 42},
             Case{asked({{&Capabilities::srs, 0}}), 0, 1ull << 31 | 1ull << 53},
             Case{asked({{&Capabilities::smpwcs, 0}}), 0, 1ull << 48 | 1ull << 45 | 1ull << 34},
             Case{asked({{&Capabilities::ssts, 0}}), 0, 1ull << 46 | 1ull << 45 | 1ull << 26},
             Case{asked({{&Capabilities::fsts, 0}}), 1ull << 56 | 1ull << 60, 1ull << 47 | 1ull << 34 | 1ull << 26},
             Case{asked({{&Capabilities::smts, 0}}), 1ull << 56 | 1ull << 60, 0x0023'ed9c'a400'0000},
             Case{asked({{&Capabilities::qi, 0}}), 1ull << 56 | 1ull << 60, 0x0023'ef9e'a400'0006},
         }) {
        const auto settled = settle(item.fields);
        REQUIRE(settled);
        CAPTURE(std::hex, item.cap, item.ecap);
        CHECK((vtd::cap_register(*settled).raw() ^ 0x91d2'078c'c078'0e66) == item.cap);
        CHECK((vtd::ecap_register(*settled).raw() ^ 0x0033'ef9e'a400'50c7) == item.ecap);
    }
}

TEST_CASE("A field that was asked for without what it needs is refused with both names") {
    for (const Dependency& rule : kDependencies) {
        const std::string why = refusal(asked({{rule.field, 1}, {rule.needs, 0}}));
        CAPTURE(rule.name, rule.needs_name, why);
        CHECK(contains(why, rule.name + (rule.field == &Capabilities::pss ? "=1" : "=on")));
        CHECK(contains(why, rule.needs_name));
        CHECK(contains(why, "needs"));
    }
}

TEST_CASE("A field that was left to the unit is off where what it needs is off, and on where it is on") {
    for (const Dependency& rule : kDependencies) {
        const auto settled = settle(asked({{rule.needs, 0}}));
        CAPTURE(rule.name, rule.needs_name);
        REQUIRE(settled);
        CHECK((*settled).*rule.field == 0);
        const auto full = settle({});
        CHECK((*full).*rule.field != 0);
        CHECK(refusal(asked({{rule.field, 0}, {rule.needs, 0}})).empty());
    }
}

TEST_CASE("What is missing reaches through several steps") {
    const auto settled = settle(asked({{&Capabilities::qi, 0}}));
    REQUIRE(settled);
    for (const Member member : {&Capabilities::smts, &Capabilities::fsts, &Capabilities::ssts, &Capabilities::nest,
                                &Capabilities::pasid, &Capabilities::pss, &Capabilities::eafs, &Capabilities::ssads,
                                &Capabilities::rprivs, &Capabilities::rps, &Capabilities::fs5lp}) {
        CHECK((*settled).*member == 0);
    }
}

TEST_CASE("A contradiction is refused with both names; its nearest neighbour is not") {
    struct Case {
        Capabilities refused;
        std::vector<std::string> names;
        Capabilities accepted;
    };
    using C = Capabilities;
    const std::vector<Case> cases{
        {asked({{&C::haw, 38}}), {"haw=38"}, asked({{&C::haw, 39}})},
        {asked({{&C::haw, 49}, {&C::mgaw, 47}}), {"mgaw=47", "haw=49"}, asked({{&C::haw, 48}, {&C::mgaw, 47}})},
        {asked({{&C::sslps, 2}}), {"sslps=2"}, asked({{&C::sslps, 3}})},
        {asked({{&C::sagaw, 3}}), {"sagaw=3"}, asked({{&C::sagaw, 2}})},
        {asked({{&C::smts, 1}, {&C::rwbf, 1}}), {"rwbf=on", "smts=on"}, asked({{&C::smts, 0}, {&C::rwbf, 1}})},
        {asked({{&C::smts, 1}, {&C::fsts, 0}, {&C::ssts, 0}}),
         {"smts=on", "fsts", "ssts"},
         asked({{&C::smts, 1}, {&C::fsts, 1}, {&C::ssts, 0}})},
        {asked({{&C::sagaw, 0}, {&C::ssts, 1}}), {"sagaw=0", "ssts=on"}, asked({{&C::sagaw, 0}, {&C::ssts, 0}})},
        {asked({{&C::sagaw, 0}, {&C::smts, 0}}), {"sagaw=0", "smts=off"}, asked({{&C::sagaw, 2}, {&C::smts, 0}})},
        {asked({{&C::ver, 0x20}, {&C::dwd, 0}}), {"ver=32", "dwd"}, asked({{&C::ver, 0x1f}, {&C::dwd, 0}})},
        {asked({{&C::ver, 0x20}, {&C::drd, 0}}), {"ver=32", "drd"}, asked({{&C::ver, 0x10}, {&C::drd, 0}})},
        {asked({{&C::ver, 0x0f}}), {"ver=15"}, asked({{&C::ver, 0x10}})},
    };
    for (const Case& item : cases) {
        const std::string why = refusal(item.refused);
        CAPTURE(why);
        for (const std::string& name : item.names)
            CHECK(contains(why, name));
        CHECK(refusal(item.accepted) == "");
    }
}

TEST_CASE("A value that no register can hold is refused with the largest one") {
    struct Case {
        Member member;
        std::string name;
        unsigned max;
    };
    using C = Capabilities;
    for (const Case& item : {Case{&C::haw, "haw", 52}, Case{&C::nd, "nd", 6}, Case{&C::mgaw, "mgaw", 56},
                             Case{&C::nfr, "nfr", 31}, Case{&C::mamv, "mamv", 63}, Case{&C::pss, "pss", 19},
                             Case{&C::sagaw, "sagaw", 14}, Case{&C::sslps, "sslps", 3}, Case{&C::qi, "qi", 1},
                             Case{&C::c, "c", 1}, Case{&C::adms, "adms", 1}, Case{&C::cm, "cm", 1}}) {
        CAPTURE(item.name);
        CHECK(refusal(asked({{item.member, item.max}})) == "");
        const std::string why = refusal(asked({{item.member, item.max + 1}}));
        CHECK(contains(why, item.name + "=" + std::to_string(item.max + 1)));
        CHECK(contains(why, std::to_string(item.max)));
    }
}

TEST_CASE("Settling what is settled changes nothing") {
    for (const Capabilities& fields : {asked({}), asked({{&Capabilities::smts, 0}}), asked({{&Capabilities::qi, 0}}),
                                       asked({{&Capabilities::fsts, 0}}), asked({{&Capabilities::ssts, 0}})}) {
        const auto once = settle(fields);
        REQUIRE(once);
        const auto twice = settle(*once);
        REQUIRE(twice);
        CHECK(*once == *twice);
    }
}

TEST_CASE("The widest second stage is what SAGAW says") {
    for (const auto& [sagaw, bits] :
         std::vector<std::pair<unsigned, unsigned>>{{2, 39}, {4, 48}, {8, 57}, {6, 48}, {10, 57}, {14, 57}}) {
        CHECK(settle(asked({{&Capabilities::sagaw, sagaw}}))->largest_agaw() == bits);
    }
    CHECK(settle(asked({{&Capabilities::sagaw, 0}, {&Capabilities::ssts, 0}}))->largest_agaw() == 64);
}

// A unit of major version 6 or more that has no second stage in scalable mode reports no width. [VTD 5.10 s11.4.2]
TEST_CASE("From version 6 on, SSTS=0 leaves SAGAW at 0") {
    const auto settled = settle(asked({{&Capabilities::ver, 0x60}, {&Capabilities::ssts, 0}}));
    REQUIRE(settled);
    CHECK(settled->sagaw == 0);
    CHECK_FALSE(refusal(asked({{&Capabilities::ver, 0x60}, {&Capabilities::ssts, 0}, {&Capabilities::sagaw, 4}})) ==
                "");
}

TEST_CASE("From version 6 on, what is missing is told by the fields that were set") {
    const std::string no_queue = refusal(asked({{&Capabilities::ver, 0x60}, {&Capabilities::qi, 0}}));
    CHECK(contains(no_queue, "ver=96"));
    CHECK(contains(no_queue, "qi"));
    const std::string legacy_only = refusal(asked({{&Capabilities::ver, 0x60}, {&Capabilities::smts, 0}}));
    CHECK(contains(legacy_only, "ver=96"));
    CHECK(contains(legacy_only, "smts"));
    CHECK(refusal(asked({{&Capabilities::ver, 0x5f}, {&Capabilities::qi, 0}})) == "");
}
