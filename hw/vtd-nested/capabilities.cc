// SPDX-License-Identifier: GPL-2.0-or-later
#include "vtd-nested/capabilities.h"

#include <string_view>

namespace vtd {

namespace {

using Member = std::uint8_t Capabilities::*;

// One line per field: its default and the largest value it can have.
struct FieldRule {
    Member member;
    std::string_view name;
    std::uint8_t preset;
    std::uint8_t max;
};
constexpr FieldRule kFields[] = {
    {&Capabilities::ver, "ver", 0x50, 0xfe}, {&Capabilities::haw, "haw", 48, 52},
    {&Capabilities::nd, "nd", 6, 6},         {&Capabilities::rwbf, "rwbf", 0, 1},
    {&Capabilities::plmr, "plmr", 1, 1},     {&Capabilities::phmr, "phmr", 1, 1},
    {&Capabilities::cm, "cm", 0, 1},         {&Capabilities::sagaw, "sagaw", 0xe, 0xe},
    {&Capabilities::mgaw, "mgaw", 56, 56},   {&Capabilities::zlr, "zlr", 1, 1},
    {&Capabilities::sslps, "sslps", 3, 3},   {&Capabilities::psi, "psi", 1, 1},
    {&Capabilities::nfr, "nfr", 7, kMaxNfr}, {&Capabilities::mamv, "mamv", 18, 63},
    {&Capabilities::dwd, "dwd", 1, 1},       {&Capabilities::drd, "drd", 1, 1},
    {&Capabilities::fs1gp, "fs1gp", 1, 1},   {&Capabilities::fs5lp, "fs5lp", 1, 1},
    {&Capabilities::esrtps, "esrtps", 1, 1}, {&Capabilities::c, "c", 1, 1},
    {&Capabilities::qi, "qi", 1, 1},         {&Capabilities::pt, "pt", 1, 1},
    {&Capabilities::sc, "sc", 1, 1},         {&Capabilities::nest, "nest", 1, 1},
    {&Capabilities::srs, "srs", 1, 1},       {&Capabilities::eafs, "eafs", 1, 1},
    {&Capabilities::pss, "pss", 19, 19},     {&Capabilities::pasid, "pasid", 1, 1},
    {&Capabilities::smts, "smts", 1, 1},     {&Capabilities::ssads, "ssads", 1, 1},
    {&Capabilities::ssts, "ssts", 1, 1},     {&Capabilities::fsts, "fsts", 1, 1},
    {&Capabilities::smpwcs, "smpwcs", 1, 1}, {&Capabilities::rps, "rps", 1, 1},
    {&Capabilities::adms, "adms", 1, 1},     {&Capabilities::rprivs, "rprivs", 1, 1},
};

// `field` can only be set where `needs` is. In an order in which what is needed is settled first.
// [VTD 5.10 s11.4.2, s11.4.3]
struct Dependency {
    Member field;
    std::string_view name;
    Member needs;
    std::string_view needs_name;
};
constexpr Dependency kDependencies[] = {
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
    {&Capabilities::ssads, "ssads", &Capabilities::ssts, "ssts"},
    {&Capabilities::ssads, "ssads", &Capabilities::smpwcs, "smpwcs"},
    {&Capabilities::rprivs, "rprivs", &Capabilities::srs, "srs"},
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
    const bool flag = rule_of(member).max == 1;
    return std::string(name) + "=" + (flag ? (value != 0 ? "on" : "off") : number(value));
}
std::string setting(Member member, const Capabilities& capabilities) {
    return said(member, rule_of(member).name, capabilities.*member);
}

std::string too_large(const FieldRule& rule, unsigned value) {
    return std::string(rule.name) + "=" + number(value) + " is too large: the largest value is " + number(rule.max);
}

// What an auto field becomes where something it needs is missing; what a missing dependency of an explicit field is
// told as.
Result<Capabilities, std::string> settle_dependencies(const Capabilities& asked, Capabilities settled) {
    for (const Dependency& rule : kDependencies) {
        if (settled.*rule.field == 0 || settled.*rule.needs != 0) continue;
        if (asked.*rule.field != kAuto) {
            return Err{setting(rule.field, asked) + " needs " + said(rule.needs, rule.needs_name, 1) +
                       "; set that, or leave " + std::string(rule.name) + " out"};
        }
        settled.*rule.field = 0;
    }
    // From version 6 on, a unit without second stage in scalable mode has none at all. [VTD 5.10 s11.4.2]
    if ((settled.ver >> 4) >= 6 && settled.ssts == 0 && asked.sagaw == kAuto) settled.sagaw = 0;
    return settled;
}

// Rules between fields that are not a plain "needs". Empty: no contradiction.
std::string contradiction(const Capabilities& c) {
    const std::string haw = "haw=" + number(c.haw);
    const std::string mgaw = "mgaw=" + number(c.mgaw);
    const bool has_second_stage = c.smts == 0 || c.ssts != 0;
    if (c.ver < 0x10) return "ver=" + number(c.ver) + " has major version 0; use 16 (1.0) or more";
    if (c.haw < 39) return haw + " is too small: a host address has at least 39 bits";
    if (c.guest_width() < c.haw) return mgaw + " (" + number(c.guest_width()) + " bits) is narrower than " + haw;
    if (c.sslps == 2) return "sslps=2 offers 1 GiB pages without 2 MiB pages; use 0, 1 or 3";
    if ((c.sagaw & 1) != 0) return "sagaw=" + number(c.sagaw) + " has the reserved bit 0 set; use bits 1, 2 and 3";
    if ((c.ver >> 4) >= 6 && c.qi == 0) {
        return "ver=" + number(c.ver) +
               " (major version 6 or more) has no register-based invalidation, so qi must be on";
    }
    if ((c.ver >> 4) >= 6 && c.smts == 0) {
        return "smts=off cannot go with ver=" + number(c.ver) +
               ": from major version 6 on, only scalable mode has stages";
    }
    if (c.smts != 0 && c.rwbf != 0) return "rwbf=on cannot go with smts=on: scalable mode needs no write-buffer flush";
    if (c.smts != 0 && c.fsts == 0 && c.ssts == 0)
        return "smts=on needs fsts=on or ssts=on: scalable mode has no other stage";
    if (has_second_stage && c.sagaw == 0) {
        return "sagaw=0 offers no width for the second stage, which " +
               std::string(c.smts == 0 ? "smts=off" : "ssts=on") + " needs";
    }
    if ((c.ver >> 4) >= 2 && (c.dwd == 0 || c.drd == 0)) {
        return "ver=" + number(c.ver) + " (major version 2 or more) always drains: dwd and drd must be on";
    }
    if ((c.ver >> 4) >= 6 && c.ssts == 0 && c.sagaw != 0) {
        return "sagaw=" + number(c.sagaw) + " needs ssts=on with ver=" + number(c.ver) + " (major version 6 or more)";
    }
    return {};
}

}  // namespace

unsigned Capabilities::largest_agaw() const {
    for (unsigned aw = 3; aw >= 1; --aw) {
        if (supports_aw(aw)) return 30 + 9 * aw;
    }
    return 64;
}

Result<Capabilities, std::string> settle(const Capabilities& asked) {
    Capabilities settled = asked;
    for (const FieldRule& rule : kFields) {
        if (asked.*rule.member == kAuto) settled.*rule.member = rule.preset;
        if (settled.*rule.member > rule.max) return Err{too_large(rule, settled.*rule.member)};
    }
    settled = TRY(settle_dependencies(asked, settled));
    if (const std::string why = contradiction(settled); !why.empty()) return Err{why};
    return settled;
}

Value<VER> ver_register(const Capabilities& c) { return Value<VER>{c.ver}; }

Value<CAP> cap_register(const Capabilities& c) {
    return Value<CAP>{}
        .with<CAP::ND>(c.nd)
        .with<CAP::RWBF>(c.rwbf)
        .with<CAP::PLMR>(c.plmr)
        .with<CAP::PHMR>(c.phmr)
        .with<CAP::CM>(c.cm)
        .with<CAP::SAGAW>(c.sagaw)
        .with<CAP::MGAW>(c.mgaw)
        .with<CAP::ZLR>(c.zlr)
        .with<CAP::FRO>(kFrcdOffset / 16)
        .with<CAP::SSLPS>(c.sslps)
        .with<CAP::PSI>(c.psi)
        .with<CAP::NFR>(c.nfr)
        .with<CAP::MAMV>(c.mamv)
        .with<CAP::DWD>(c.dwd)
        .with<CAP::DRD>(c.drd)
        .with<CAP::FS1GP>(c.fs1gp)
        .with<CAP::FS5LP>(c.fs5lp)
        .with<CAP::ESRTPS>(c.esrtps);
}

Value<ECAP> ecap_register(const Capabilities& c) {
    return Value<ECAP>{}
        .with<ECAP::C>(c.c)
        .with<ECAP::QI>(c.qi)
        .with<ECAP::PT>(c.pt)
        .with<ECAP::SC>(c.sc)
        .with<ECAP::IRO>(kIvaOffset / 16)
        .with<ECAP::NEST>(c.nest)
        .with<ECAP::SRS>(c.srs)
        .with<ECAP::EAFS>(c.eafs)
        .with<ECAP::PSS>(c.pss)
        .with<ECAP::PASID>(c.pasid)
        .with<ECAP::SMTS>(c.smts)
        .with<ECAP::SSADS>(c.ssads)
        .with<ECAP::SSTS>(c.ssts)
        .with<ECAP::FSTS>(c.fsts)
        .with<ECAP::SMPWCS>(c.smpwcs)
        .with<ECAP::RPS>(c.rps)
        .with<ECAP::ADMS>(c.adms)
        .with<ECAP::RPRIVS>(c.rprivs);
}

}  // namespace vtd
