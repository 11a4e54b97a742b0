// SPDX-License-Identifier: GPL-2.0-or-later
#include "vtd-nested/capabilities.h"

namespace vtd {

namespace {

using enum iommu::FieldKind;

// One line per field: its default and the largest value it can have.
constexpr iommu::FieldRule<Capabilities> kFields[] = {
    {&Capabilities::ver, "ver", 0x50, 0xfe, Number}, {&Capabilities::haw, "haw", 48, 52, Number},
    {&Capabilities::nd, "nd", 6, 6, Number},         {&Capabilities::rwbf, "rwbf", 0, 1, Flag},
    {&Capabilities::plmr, "plmr", 1, 1, Flag},       {&Capabilities::phmr, "phmr", 1, 1, Flag},
    {&Capabilities::cm, "cm", 0, 1, Flag},           {&Capabilities::sagaw, "sagaw", 0xe, 0xe, Number},
    {&Capabilities::mgaw, "mgaw", 56, 56, Number},   {&Capabilities::zlr, "zlr", 1, 1, Flag},
    {&Capabilities::sslps, "sslps", 3, 3, Number},   {&Capabilities::psi, "psi", 1, 1, Flag},
    {&Capabilities::nfr, "nfr", 7, kMaxNfr, Number}, {&Capabilities::mamv, "mamv", 18, 63, Number},
    {&Capabilities::dwd, "dwd", 1, 1, Flag},         {&Capabilities::drd, "drd", 1, 1, Flag},
    {&Capabilities::fs1gp, "fs1gp", 1, 1, Flag},     {&Capabilities::fs5lp, "fs5lp", 1, 1, Flag},
    {&Capabilities::esrtps, "esrtps", 1, 1, Flag},   {&Capabilities::c, "c", 1, 1, Flag},
    {&Capabilities::qi, "qi", 1, 1, Flag},           {&Capabilities::pt, "pt", 1, 1, Flag},
    {&Capabilities::sc, "sc", 1, 1, Flag},           {&Capabilities::nest, "nest", 1, 1, Flag},
    {&Capabilities::srs, "srs", 1, 1, Flag},         {&Capabilities::eafs, "eafs", 1, 1, Flag},
    {&Capabilities::pss, "pss", 19, 19, Number},     {&Capabilities::pasid, "pasid", 1, 1, Flag},
    {&Capabilities::smts, "smts", 1, 1, Flag},       {&Capabilities::ssads, "ssads", 1, 1, Flag},
    {&Capabilities::ssts, "ssts", 1, 1, Flag},       {&Capabilities::fsts, "fsts", 1, 1, Flag},
    {&Capabilities::smpwcs, "smpwcs", 1, 1, Flag},   {&Capabilities::rps, "rps", 1, 1, Flag},
    {&Capabilities::adms, "adms", 1, 1, Flag},       {&Capabilities::rprivs, "rprivs", 1, 1, Flag},
    {&Capabilities::dt, "dt", 1, 1, Flag},           {&Capabilities::dit, "dit", 1, 1, Flag},
    {&Capabilities::nwfs, "nwfs", 1, 1, Flag},       {&Capabilities::prs, "prs", 1, 1, Flag},
    {&Capabilities::pds, "pds", 1, 1, Flag},
};

// In an order in which what is needed is settled first. [VTD 5.10 s11.4.2, s11.4.3]
constexpr iommu::Dependency<Capabilities> kDependencies[] = {
    {&Capabilities::smts, &Capabilities::qi},     {&Capabilities::fsts, &Capabilities::smts},
    {&Capabilities::ssts, &Capabilities::smts},   {&Capabilities::srs, &Capabilities::smts},
    {&Capabilities::smpwcs, &Capabilities::smts}, {&Capabilities::rps, &Capabilities::smts},
    {&Capabilities::pasid, &Capabilities::smts},  {&Capabilities::pss, &Capabilities::smts},
    {&Capabilities::nest, &Capabilities::fsts},   {&Capabilities::nest, &Capabilities::ssts},
    {&Capabilities::fs5lp, &Capabilities::fsts},  {&Capabilities::fs1gp, &Capabilities::fsts},
    {&Capabilities::eafs, &Capabilities::fsts},   {&Capabilities::eafs, &Capabilities::smpwcs},
    {&Capabilities::ssads, &Capabilities::ssts},  {&Capabilities::ssads, &Capabilities::smpwcs},
    {&Capabilities::rprivs, &Capabilities::srs},  {&Capabilities::dt, &Capabilities::qi},
    {&Capabilities::dit, &Capabilities::dt},      {&Capabilities::nwfs, &Capabilities::dt},
    {&Capabilities::prs, &Capabilities::dt},      {&Capabilities::prs, &Capabilities::smts},
    {&Capabilities::pds, &Capabilities::prs},
};

constexpr iommu::CapabilityRules<Capabilities> kRules{kFields, kDependencies};

// What an auto field becomes where something it needs is missing; what a missing dependency of an explicit field is
// told as.
std::string number(unsigned value) { return std::to_string(value); }

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
    Capabilities settled = TRY(kRules.with_presets(asked));
    settled = TRY(kRules.with_dependencies(asked, settled));
    // From version 6 on, a unit without second stage in scalable mode has none at all. [VTD 5.10 s11.4.2]
    if ((settled.ver >> 4) >= 6 && settled.ssts == 0 && asked.sagaw == kAuto) settled.sagaw = 0;
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
        .with<ECAP::DT>(c.dt)
        .with<ECAP::PT>(c.pt)
        .with<ECAP::SC>(c.sc)
        .with<ECAP::IRO>(kIvaOffset / 16)
        .with<ECAP::NEST>(c.nest)
        .with<ECAP::PRS>(c.prs)
        .with<ECAP::SRS>(c.srs)
        .with<ECAP::NWFS>(c.nwfs)
        .with<ECAP::EAFS>(c.eafs)
        .with<ECAP::PSS>(c.pss)
        .with<ECAP::PASID>(c.pasid)
        .with<ECAP::DIT>(c.dit)
        .with<ECAP::PDS>(c.pds)
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
