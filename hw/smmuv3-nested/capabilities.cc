// SPDX-License-Identifier: GPL-2.0-or-later
#include "smmuv3-nested/capabilities.h"

#include <string_view>

namespace smmuv3 {

namespace {

using C = Capabilities;
using Member = std::uint8_t C::*;

// One line per field: its default and the largest value it can have.
struct FieldRule {
    Member member;
    std::string_view name;
    std::uint8_t preset;
    std::uint8_t max;
};
constexpr FieldRule kFields[] = {
    {&C::s1p, "s1p", 1, 1},
    {&C::s2p, "s2p", 1, 1},
    {&C::httu, "httu", 2, 2},
    {&C::hyp, "hyp", 1, 1},
    {&C::asid16, "asid16", 1, 1},
    {&C::msi, "msi", 1, 1},
    {&C::sev, "sev", 0, 1},
    {&C::vmw, "vmw", 1, 1},
    {&C::vmid16, "vmid16", 1, 1},
    {&C::cd2l, "cd2l", 1, 1},
    {&C::stall_model, "stall_model", 0, 2},
    {&C::term_model, "term_model", 0, 1},
    {&C::st_level, "st_level", 1, 1},
    {&C::sidsize, "sidsize", 16, 32},
    {&C::ssidsize, "ssidsize", 20, 20},
    {&C::eventqs, "eventqs", 19, 19},
    {&C::cmdqs, "cmdqs", 19, 19},
    {&C::attr_perms_ovr, "attr_perms_ovr", 1, 1},
    {&C::attr_types_ovr, "attr_types_ovr", 1, 1},
    {&C::had, "had", 1, 1},
    {&C::xnx, "xnx", 1, 1},
    {&C::fwb, "fwb", 1, 1},
    {&C::stt, "stt", 1, 1},
    {&C::ril, "ril", 1, 1},
    {&C::bbml, "bbml", 2, 2},
    {&C::e0pd, "e0pd", 1, 1},
    {&C::ptwnnc, "ptwnnc", 1, 1},
    {&C::oas, "oas", 5, 6},
    {&C::gran4k, "gran4k", 1, 1},
    {&C::gran16k, "gran16k", 1, 1},
    {&C::gran64k, "gran64k", 1, 1},
    {&C::ds, "ds", 0, 1},
    {&C::vax, "vax", 0, 1},
    {&C::stall_max, "stall_max", 64, 254},
};

// `field` can only be set where `needs` is. In an order in which what is needed is settled first. [SMMU G.b s6.3]
struct Dependency {
    Member field;
    std::string_view name;
    Member needs;
    std::string_view needs_name;
};
constexpr Dependency kDependencies[] = {
    {&C::hyp, "hyp", &C::s1p, "s1p"},
    {&C::hyp, "hyp", &C::s2p, "s2p"},
    {&C::vmw, "vmw", &C::s2p, "s2p"},
    {&C::xnx, "xnx", &C::s2p, "s2p"},
    {&C::fwb, "fwb", &C::s2p, "s2p"},
    {&C::had, "had", &C::s1p, "s1p"},
    {&C::e0pd, "e0pd", &C::s1p, "s1p"},
    {&C::cd2l, "cd2l", &C::s1p, "s1p"},
    {&C::cd2l, "cd2l", &C::ssidsize, "ssidsize"},
    {&C::ds, "ds", &C::vax, "vax"},
};

std::string number(unsigned value) { return std::to_string(value); }

const FieldRule& rule_of(Member member) {
    for (const FieldRule& rule : kFields) {
        if (rule.member == member) return rule;
    }
    return kFields[0];  // not reached: every field has a rule
}

// A setting as the user writes it: flags are on or off.
std::string said(Member member, std::string_view name, unsigned value) {
    // Two fields are numbers although 1 is the largest value that is built.
    const bool flag = rule_of(member).max == 1 && member != &C::st_level && member != &C::vax;
    return std::string(name) + "=" + (flag ? (value != 0 ? "on" : "off") : number(value));
}
std::string setting(Member member, const Capabilities& capabilities) {
    return said(member, rule_of(member).name, capabilities.*member);
}

Result<Capabilities, std::string> settle_dependencies(const Capabilities& asked, Capabilities settled) {
    for (const Dependency& rule : kDependencies) {
        if (settled.*rule.field == 0 || settled.*rule.needs != 0) continue;
        if (asked.*rule.field != kAuto) {
            return Err{setting(rule.field, asked) + " needs " + said(rule.needs, rule.needs_name, 1) +
                       "; set that, or leave " + std::string(rule.name) + " out"};
        }
        settled.*rule.field = 0;
    }
    // Without stalls there is nothing to count.
    if (settled.stall_model == 1 && asked.stall_max == kAuto) settled.stall_max = 0;
    if (settled.sidsize < 7 && asked.st_level == kAuto) settled.st_level = 0;
    return settled;
}

// Rules between fields that are not a plain "needs". Empty: no contradiction.
std::string contradiction(const Capabilities& c) {
    if (c.s1p == 0 && c.s2p == 0) return "s1p=off and s2p=off: an SMMU has at least one stage";
    if (c.gran4k == 0 && c.gran16k == 0 && c.gran64k == 0)
        return "gran4k=off, gran16k=off and gran64k=off: a stage needs a granule";
    if (c.sidsize >= 7 && c.st_level == 0) return "sidsize=" + number(c.sidsize) + " (7 or more) needs st_level=1";
    if (c.cmdqs == 0) return "cmdqs=0 leaves no room for a command before its CMD_SYNC; use 1 or more";
    if (c.oas == 6 && c.gran64k == 0 && c.ds == 0) return "oas=6 (52 bits) needs gran64k=on or ds=on";
    if (c.stall_model == 1 && c.stall_max != 0)
        return "stall_max=" + number(c.stall_max) + " cannot go with stall_model=1: nothing stalls";
    if (c.stall_model != 1 && c.stall_max == 0)
        return "stall_max=0 cannot go with stall_model=" + number(c.stall_model);
    return {};
}

}  // namespace

Result<Capabilities, std::string> settle(const Capabilities& asked) {
    Capabilities settled = asked;
    for (const FieldRule& rule : kFields) {
        if (asked.*rule.member == kAuto) settled.*rule.member = rule.preset;
        if (settled.*rule.member > rule.max) {
            return Err{std::string(rule.name) + "=" + number(settled.*rule.member) +
                       " is too large: the largest value is " + number(rule.max)};
        }
    }
    settled = TRY(settle_dependencies(asked, settled));
    if (const std::string why = contradiction(settled); !why.empty()) return Err{why};
    return settled;
}

Value<IDR0> idr0(const Capabilities& c) {
    return Value<IDR0>{}
        .with<IDR0::S2P>(c.s2p)
        .with<IDR0::S1P>(c.s1p)
        .with<IDR0::TTF>(2)
        .with<IDR0::COHACC>(1)
        .with<IDR0::HTTU>(c.httu)
        .with<IDR0::Hyp>(c.hyp)
        .with<IDR0::ASID16>(c.asid16)
        .with<IDR0::MSI>(c.msi)
        .with<IDR0::SEV>(c.sev)
        .with<IDR0::VMW>(c.vmw)
        .with<IDR0::VMID16>(c.vmid16)
        .with<IDR0::CD2L>(c.cd2l)
        .with<IDR0::TTENDIAN>(2)
        .with<IDR0::STALL_MODEL>(c.stall_model)
        .with<IDR0::TERM_MODEL>(c.term_model)
        .with<IDR0::ST_LEVEL>(c.st_level);
}

Value<IDR1> idr1(const Capabilities& c) {
    return Value<IDR1>{}
        .with<IDR1::SIDSIZE>(c.sidsize)
        .with<IDR1::SSIDSIZE>(c.ssidsize)
        .with<IDR1::EVENTQS>(c.eventqs)
        .with<IDR1::CMDQS>(c.cmdqs)
        .with<IDR1::ATTR_PERMS_OVR>(c.attr_perms_ovr)
        .with<IDR1::ATTR_TYPES_OVR>(c.attr_types_ovr);
}

Value<IDR3> idr3(const Capabilities& c) {
    return Value<IDR3>{}
        .with<IDR3::HAD>(c.had)
        .with<IDR3::XNX>(c.xnx)
        .with<IDR3::FWB>(c.fwb)
        .with<IDR3::STT>(c.stt)
        .with<IDR3::RIL>(c.ril)
        .with<IDR3::BBML>(c.bbml)
        .with<IDR3::E0PD>(c.e0pd)
        .with<IDR3::PTWNNC>(c.ptwnnc);
}

Value<IDR5> idr5(const Capabilities& c) {
    return Value<IDR5>{}
        .with<IDR5::OAS>(c.oas)
        .with<IDR5::GRAN4K>(c.gran4k)
        .with<IDR5::GRAN16K>(c.gran16k)
        .with<IDR5::GRAN64K>(c.gran64k)
        .with<IDR5::DS>(c.ds)
        .with<IDR5::VAX>(c.vax)
        .with<IDR5::STALL_MAX>(c.stall_max);
}

}  // namespace smmuv3
