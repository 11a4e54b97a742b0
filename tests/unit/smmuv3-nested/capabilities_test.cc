// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a unit offers: defaults, what needs what, what contradicts what, and the registers that say so.
// [SMMU G.b s6.3.1-6.3.6]
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "smmuv3-nested/capabilities.h"

using smmuv3::Capabilities;
using smmuv3::settle;
using C = smmuv3::Capabilities;

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
    {&C::hyp, "hyp", &C::s1p, "s1p"},
    {&C::hyp, "hyp", &C::s2p, "s2p"},
    {&C::vmw, "vmw", &C::s2p, "s2p"},
    {&C::xnx, "xnx", &C::s2p, "s2p"},
    {&C::fwb, "fwb", &C::s2p, "s2p"},
    {&C::had, "had", &C::s1p, "s1p"},
    {&C::e0pd, "e0pd", &C::s1p, "s1p"},
    {&C::cd2l, "cd2l", &C::s1p, "s1p"},
    {&C::cd2l, "cd2l", &C::ssidsize, "ssidsize"},
    {&C::atsrecerr, "atsrecerr", &C::ats, "ats"},
    {&C::pri, "pri", &C::ats, "ats"},
};
// The same of fields that are off by default.
const std::vector<Dependency> kOptions{
    {&C::ns1ats, "ns1ats", &C::ats, "ats"},
    {&C::ns1ats, "ns1ats", &C::s1p, "s1p"},
    {&C::ns1ats, "ns1ats", &C::s2p, "s2p"},
    {&C::pps, "pps", &C::pri, "pri"},
    {&C::pps, "pps", &C::ssidsize, "ssidsize"},
    {&C::pasidtt, "pasidtt", &C::ats, "ats"},
    {&C::pasidtt, "pasidtt", &C::ssidsize, "ssidsize"},
};

constexpr std::uint32_t kIdr0 = 0x08cf'369b, kIdr1 = 0x0e73'9d10, kIdr3 = 0x0000'7714, kIdr5 = 0x0040'0075;

}  // namespace

TEST_CASE("SMMU: the default unit has the IDR0, IDR1, IDR3 and IDR5 that were typed by hand") {
    const auto settled = settle({});
    REQUIRE(settled);
    CHECK(smmuv3::idr0(*settled).raw() == kIdr0);
    CHECK(smmuv3::idr1(*settled).raw() == kIdr1);
    CHECK(smmuv3::idr3(*settled).raw() == kIdr3);
    CHECK(smmuv3::idr5(*settled).raw() == kIdr5);
    CHECK(settled->output_bits() == 48);
}

TEST_CASE("SMMU: each capability stands at its bits") {
    struct Case {
        Capabilities fields;
        std::uint32_t id0, id1, id3, id5;  // bits that differ from the default unit's
    };
    for (const Case& item : {
             Case{asked({{&C::httu, 0}}), 2 << 6, 0, 0, 0},
             Case{asked({{&C::httu, 1}}), 3 << 6, 0, 0, 0},
             Case{asked({{&C::hyp, 0}}), 1 << 9, 0, 0, 0},
             Case{asked({{&C::asid16, 0}}), 1 << 12, 0, 0, 0},
             Case{asked({{&C::msi, 0}}), 1 << 13, 0, 0, 0},
             Case{asked({{&C::sev, 1}}), 1 << 14, 0, 0, 0},
             Case{asked({{&C::vmw, 0}}), 1 << 17, 0, 0, 0},
             Case{asked({{&C::vmid16, 0}}), 1 << 18, 0, 0, 0},
             Case{asked({{&C::cd2l, 0}}), 1 << 19, 0, 0, 0},
             Case{asked({{&C::stall_model, 2}}), 2 << 24, 0, 0, 0},
             Case{asked({{&C::stall_model, 1}}), 1 << 24, 0, 0, 0x40 << 16},
             Case{asked({{&C::term_model, 1}}), 1 << 26, 0, 0, 0},
             Case{asked({{&C::ats, 0}}), 1 << 10 | 1 << 16 | 1 << 23, 0x13 << 11, 0, 0},
             Case{asked({{&C::ns1ats, 1}}), 1 << 11, 0, 0, 0},
             Case{asked({{&C::atsrecerr, 0}}), 1 << 23, 0, 0, 0},
             Case{asked({{&C::pri, 0}}), 1 << 16, 0x13 << 11, 0, 0},
             Case{asked({{&C::priqs, 0}}), 0, 0x13 << 11, 0, 0},
             Case{asked({{&C::priqs, 18}}), 0, 1 << 11, 0, 0},
             Case{asked({{&C::pps, 1}}), 0, 0, 1 << 5, 0},
             Case{asked({{&C::pasidtt, 1}}), 0, 0, 1 << 16, 0},
             Case{asked({{&C::sidsize, 6}}), 1 << 27, 0x16, 0, 0},
             Case{asked({{&C::sidsize, 7}}), 0, 0x17, 0, 0},
             Case{asked({{&C::sidsize, 32}}), 0, 0x30, 0, 0},
             Case{asked({{&C::ssidsize, 1}}), 0, 0x15 << 6, 0, 0},
             Case{asked({{&C::eventqs, 0}}), 0, 0x13 << 16, 0, 0},
             Case{asked({{&C::cmdqs, 1}}), 0, 0x12 << 21, 0, 0},
             Case{asked({{&C::attr_perms_ovr, 0}}), 0, 1 << 26, 0, 0},
             Case{asked({{&C::attr_types_ovr, 0}}), 0, 1 << 27, 0, 0},
             Case{asked({{&C::had, 0}}), 0, 0, 1 << 2, 0},
             Case{asked({{&C::xnx, 0}}), 0, 0, 1 << 4, 0},
             Case{asked({{&C::fwb, 0}}), 0, 0, 1 << 8, 0},
             Case{asked({{&C::stt, 0}}), 0, 0, 1 << 9, 0},
             Case{asked({{&C::ril, 0}}), 0, 0, 1 << 10, 0},
             Case{asked({{&C::bbml, 1}}), 0, 0, 3 << 11, 0},
             Case{asked({{&C::e0pd, 0}}), 0, 0, 1 << 13, 0},
             Case{asked({{&C::ptwnnc, 0}}), 0, 0, 1 << 14, 0},
             Case{asked({{&C::oas, 0}}), 0, 0, 0, 5},
             Case{asked({{&C::oas, 6}}), 0, 0, 0, 3},
             Case{asked({{&C::gran4k, 0}}), 0, 0, 0, 1 << 4},
             Case{asked({{&C::gran16k, 0}}), 0, 0, 0, 1 << 5},
             Case{asked({{&C::gran64k, 0}}), 0, 0, 0, 1 << 6},
             Case{asked({{&C::vax, 1}}), 0, 0, 0, 1 << 10},
             Case{asked({{&C::vax, 1}, {&C::ds, 1}}), 0, 0, 0, 1 << 10 | 1 << 7},
             Case{asked({{&C::stall_max, 254}}), 0, 0, 0, 0xbe << 16},
             // Switched off with what they need.
             Case{asked({{&C::s2p, 0}}), 1 << 0 | 1 << 9 | 1 << 17, 0, 1 << 4 | 1 << 8, 0},
             Case{asked({{&C::s1p, 0}}), 1 << 1 | 1 << 9 | 1 << 19, 0, 1 << 2 | 1 << 13, 0},
             Case{asked({{&C::ssidsize, 0}}), 1 << 19, 0x14 << 6, 0, 0},
         }) {
        const auto settled = settle(item.fields);
        REQUIRE(settled);
        CAPTURE(std::hex, item.id0, item.id1, item.id3, item.id5);
        CHECK((smmuv3::idr0(*settled).raw() ^ kIdr0) == item.id0);
        CHECK((smmuv3::idr1(*settled).raw() ^ kIdr1) == item.id1);
        CHECK((smmuv3::idr3(*settled).raw() ^ kIdr3) == item.id3);
        CHECK((smmuv3::idr5(*settled).raw() ^ kIdr5) == item.id5);
    }
}

TEST_CASE("SMMU: a capability that was asked for without what it needs is refused with both names") {
    for (const std::vector<Dependency>* rules : {&kDependencies, &kOptions}) {
        for (const Dependency& rule : *rules) {
            const std::string why = refusal(asked({{rule.field, 1}, {rule.needs, 0}}));
            CAPTURE(rule.name, rule.needs_name, why);
            CHECK(contains(why, rule.name + "=on"));
            CHECK(contains(why, rule.needs_name));
            CHECK(contains(why, "needs"));
        }
    }
    for (const Dependency& rule : kOptions) {
        CHECK((*settle({})).*rule.field == 0);
        CHECK(refusal(asked({{rule.field, 1}})) == "");
    }
    CHECK(contains(refusal(asked({{&C::priqs, 5}, {&C::pri, 0}})), "priqs=5 needs pri=on"));
    CHECK(refusal(asked({{&C::priqs, 0}, {&C::pri, 0}})) == "");
    CHECK(contains(refusal(asked({{&C::ds, 1}})), "vax"));
    CHECK(refusal(asked({{&C::ds, 1}, {&C::vax, 1}})) == "");
}

TEST_CASE("SMMU: a capability that was left to the unit is off where what it needs is off, and on where it is on") {
    for (const Dependency& rule : kDependencies) {
        const auto settled = settle(asked({{rule.needs, 0}}));
        CAPTURE(rule.name, rule.needs_name);
        REQUIRE(settled);
        CHECK((*settled).*rule.field == 0);
        CHECK((*settle({})).*rule.field != 0);
        CHECK(refusal(asked({{rule.field, 0}, {rule.needs, 0}})).empty());
    }
}

TEST_CASE("SMMU: a contradiction is refused with its names; its nearest neighbour is not") {
    struct Case {
        Capabilities refused;
        std::vector<std::string> names;
        Capabilities accepted;
    };
    const std::vector<Case> cases{
        {asked({{&C::s1p, 0}, {&C::s2p, 0}}), {"s1p=off", "s2p=off"}, asked({{&C::s1p, 0}, {&C::s2p, 1}})},
        {asked({{&C::gran4k, 0}, {&C::gran16k, 0}, {&C::gran64k, 0}}),
         {"gran4k", "gran16k", "gran64k"},
         asked({{&C::gran4k, 0}, {&C::gran16k, 1}, {&C::gran64k, 0}})},
        {asked({{&C::sidsize, 7}, {&C::st_level, 0}}),
         {"sidsize=7", "st_level"},
         asked({{&C::sidsize, 6}, {&C::st_level, 0}})},
        {asked({{&C::cmdqs, 0}}), {"cmdqs=0"}, asked({{&C::cmdqs, 1}})},
        {asked({{&C::oas, 6}, {&C::gran64k, 0}}), {"oas=6", "gran64k"}, asked({{&C::oas, 5}, {&C::gran64k, 0}})},
        {asked({{&C::stall_model, 1}, {&C::stall_max, 1}}),
         {"stall_model=1", "stall_max=1"},
         asked({{&C::stall_model, 1}, {&C::stall_max, 0}})},
        {asked({{&C::stall_model, 0}, {&C::stall_max, 0}}),
         {"stall_model=0", "stall_max=0"},
         asked({{&C::stall_model, 0}, {&C::stall_max, 1}})},
        {asked({{&C::stall_model, 2}, {&C::stall_max, 0}}),
         {"stall_model=2", "stall_max=0"},
         asked({{&C::stall_model, 2}, {&C::stall_max, 1}})},
    };
    for (const Case& item : cases) {
        const std::string why = refusal(item.refused);
        CAPTURE(why);
        for (const std::string& name : item.names)
            CHECK(contains(why, name));
        CHECK(refusal(item.accepted) == "");
    }
}

TEST_CASE("SMMU: a value that no register can hold is refused with the largest one") {
    struct Case {
        Member member;
        std::string name;
        unsigned max;
    };
    for (const Case& item :
         {Case{&C::httu, "httu", 2}, Case{&C::stall_model, "stall_model", 2}, Case{&C::sidsize, "sidsize", 32},
          Case{&C::ssidsize, "ssidsize", 20}, Case{&C::eventqs, "eventqs", 19}, Case{&C::cmdqs, "cmdqs", 19},
          Case{&C::priqs, "priqs", 19}, Case{&C::ats, "ats", 1}, Case{&C::pri, "pri", 1}, Case{&C::ns1ats, "ns1ats", 1},
          Case{&C::bbml, "bbml", 2}, Case{&C::oas, "oas", 6}, Case{&C::vax, "vax", 1}, Case{&C::s1p, "s1p", 1},
          Case{&C::ril, "ril", 1}, Case{&C::msi, "msi", 1}, Case{&C::stall_max, "stall_max", 254}}) {
        CAPTURE(item.name);
        if (item.name != "stall_model") CHECK(refusal(asked({{item.member, item.max}})) == "");
        if (item.max == 254) continue;  // 255 leaves it to the unit
        const std::string why = refusal(asked({{item.member, item.max + 1}}));
        CHECK(contains(why, item.name + "=" + std::to_string(item.max + 1)));
        CHECK(contains(why, std::to_string(item.max)));
    }
}

TEST_CASE("SMMU: settling what is settled changes nothing") {
    for (const Capabilities& fields : {asked({}), asked({{&C::s1p, 0}}), asked({{&C::s2p, 0}}),
                                       asked({{&C::stall_model, 1}}), asked({{&C::sidsize, 4}})}) {
        const auto once = settle(fields);
        REQUIRE(once);
        const auto twice = settle(*once);
        REQUIRE(twice);
        CHECK(*once == *twice);
    }
}

TEST_CASE("SMMU: the output size is what OAS says") {
    constexpr unsigned bits[] = {32, 36, 40, 42, 44, 48, 52};
    for (unsigned oas = 0; oas <= 6; ++oas) {
        CAPTURE(oas);
        CHECK(settle(asked({{&C::oas, oas}}))->output_bits() == bits[oas]);
    }
}
