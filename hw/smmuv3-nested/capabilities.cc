// SPDX-License-Identifier: GPL-2.0-or-later
#include "smmuv3-nested/capabilities.h"

namespace smmuv3 {

namespace {

using C = Capabilities;
using enum iommu::FieldKind;

// One line per field: its default and the largest value it can have.
constexpr iommu::FieldRule<Capabilities> kFields[] = {
    {&C::s1p, "s1p", 1, 1, Flag},
    {&C::s2p, "s2p", 1, 1, Flag},
    {&C::httu, "httu", 2, 2, Number},
    {&C::hyp, "hyp", 1, 1, Flag},
    {&C::asid16, "asid16", 1, 1, Flag},
    {&C::msi, "msi", 1, 1, Flag},
    {&C::sev, "sev", 0, 1, Flag},
    {&C::vmw, "vmw", 1, 1, Flag},
    {&C::vmid16, "vmid16", 1, 1, Flag},
    {&C::cd2l, "cd2l", 1, 1, Flag},
    {&C::stall_model, "stall_model", 0, 2, Number},
    {&C::term_model, "term_model", 0, 1, Flag},
    {&C::st_level, "st_level", 1, 1, Number},
    {&C::ats, "ats", 1, 1, Flag},
    {&C::ns1ats, "ns1ats", 0, 1, Flag},
    {&C::atsrecerr, "atsrecerr", 1, 1, Flag},
    {&C::pri, "pri", 1, 1, Flag},
    {&C::sidsize, "sidsize", 16, 32, Number},
    {&C::ssidsize, "ssidsize", 20, 20, Number},
    {&C::eventqs, "eventqs", 19, 19, Number},
    {&C::cmdqs, "cmdqs", 19, 19, Number},
    {&C::priqs, "priqs", 19, 19, Number},
    {&C::attr_perms_ovr, "attr_perms_ovr", 1, 1, Flag},
    {&C::attr_types_ovr, "attr_types_ovr", 1, 1, Flag},
    {&C::had, "had", 1, 1, Flag},
    {&C::xnx, "xnx", 1, 1, Flag},
    {&C::fwb, "fwb", 1, 1, Flag},
    {&C::stt, "stt", 1, 1, Flag},
    {&C::ril, "ril", 1, 1, Flag},
    {&C::bbml, "bbml", 2, 2, Number},
    {&C::e0pd, "e0pd", 1, 1, Flag},
    {&C::ptwnnc, "ptwnnc", 1, 1, Flag},
    {&C::pps, "pps", 0, 1, Flag},
    {&C::pasidtt, "pasidtt", 0, 1, Flag},
    {&C::oas, "oas", 5, 6, Number},
    {&C::gran4k, "gran4k", 1, 1, Flag},
    {&C::gran16k, "gran16k", 1, 1, Flag},
    {&C::gran64k, "gran64k", 1, 1, Flag},
    {&C::ds, "ds", 0, 1, Flag},
    {&C::vax, "vax", 0, 1, Number},
    {&C::stall_max, "stall_max", 64, 254, Number},
};

// In an order in which what is needed is settled first. [SMMU G.b s6.3]
constexpr iommu::Dependency<Capabilities> kDependencies[] = {
    {&C::hyp, &C::s1p},       {&C::hyp, &C::s2p},       {&C::vmw, &C::s2p},     {&C::xnx, &C::s2p},
    {&C::fwb, &C::s2p},       {&C::had, &C::s1p},       {&C::e0pd, &C::s1p},    {&C::cd2l, &C::s1p},
    {&C::cd2l, &C::ssidsize}, {&C::ds, &C::vax},        {&C::ns1ats, &C::ats},  {&C::ns1ats, &C::s1p},
    {&C::ns1ats, &C::s2p},    {&C::atsrecerr, &C::ats}, {&C::pri, &C::ats},     {&C::priqs, &C::pri},
    {&C::pps, &C::pri},       {&C::pps, &C::ssidsize},  {&C::pasidtt, &C::ats}, {&C::pasidtt, &C::ssidsize},
};

constexpr iommu::CapabilityRules<Capabilities> kRules{kFields, kDependencies};

std::string number(unsigned value) { return std::to_string(value); }

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
    Capabilities settled = TRY(kRules.with_presets(asked));
    settled = TRY(kRules.with_dependencies(asked, settled));
    // Without stalls there is nothing to count, and few streams need no second level.
    if (settled.stall_model == 1 && asked.stall_max == kAuto) settled.stall_max = 0;
    if (settled.sidsize < 7 && asked.st_level == kAuto) settled.st_level = 0;
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
        .with<IDR0::ATS>(c.ats)
        .with<IDR0::NS1ATS>(c.ns1ats)
        .with<IDR0::ASID16>(c.asid16)
        .with<IDR0::MSI>(c.msi)
        .with<IDR0::SEV>(c.sev)
        .with<IDR0::PRI>(c.pri)
        .with<IDR0::VMW>(c.vmw)
        .with<IDR0::VMID16>(c.vmid16)
        .with<IDR0::CD2L>(c.cd2l)
        .with<IDR0::TTENDIAN>(2)
        .with<IDR0::ATSRECERR>(c.atsrecerr)
        .with<IDR0::STALL_MODEL>(c.stall_model)
        .with<IDR0::TERM_MODEL>(c.term_model)
        .with<IDR0::ST_LEVEL>(c.st_level);
}

Value<IDR1> idr1(const Capabilities& c) {
    return Value<IDR1>{}
        .with<IDR1::SIDSIZE>(c.sidsize)
        .with<IDR1::SSIDSIZE>(c.ssidsize)
        .with<IDR1::PRIQS>(c.priqs)
        .with<IDR1::EVENTQS>(c.eventqs)
        .with<IDR1::CMDQS>(c.cmdqs)
        .with<IDR1::ATTR_PERMS_OVR>(c.attr_perms_ovr)
        .with<IDR1::ATTR_TYPES_OVR>(c.attr_types_ovr);
}

Value<IDR3> idr3(const Capabilities& c) {
    return Value<IDR3>{}
        .with<IDR3::HAD>(c.had)
        .with<IDR3::XNX>(c.xnx)
        .with<IDR3::PPS>(c.pps)
        .with<IDR3::FWB>(c.fwb)
        .with<IDR3::STT>(c.stt)
        .with<IDR3::RIL>(c.ril)
        .with<IDR3::BBML>(c.bbml)
        .with<IDR3::E0PD>(c.e0pd)
        .with<IDR3::PTWNNC>(c.ptwnnc)
        .with<IDR3::PASIDTT>(c.pasidtt);
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
