// SPDX-License-Identifier: GPL-2.0-or-later
#include "smmuv3-nested/legality.h"

#include <algorithm>

#include "iommu/address.h"
#include "smmuv3-nested/spec/vmsav8_64.h"

namespace smmuv3 {

using iommu::low_bits;

namespace {

using Rule = std::optional<std::string_view>;

bool beyond(std::uint64_t address, unsigned bits) { return (address & ~low_bits(bits)) != 0; }

unsigned capped(std::uint64_t encoding, const Capabilities& c) {
    return std::min(address_size_bits(encoding), c.output_bits());
}

TableFormat format_of(unsigned granule_log2, bool ds, const Capabilities& c) {
    return {.granule_log2 = granule_log2, .ds = ds && c.ds != 0, .lpa = c.output_bits() >= 52};
}

// STRW counts for stage-1 streams of a unit with EL2 contexts.
bool strw_used(const Value<STE>& ste, const Capabilities& c) {
    return c.s1p != 0 && c.hyp != 0 && uses_stage1(ste) && !uses_stage2(ste);
}

// ---- STE

// EATS counts where a stage translates; FullWithDpt is as Off. Split-stage ATS needs both stages, and requests that are
// answered by way of the second one must not stall there. [SMMU G.b s5.2 EATS]
Rule illegal_ats(const Value<STE>& ste, const Capabilities& c) {
    if (c.ats == 0 || !(uses_stage1(ste) || uses_stage2(ste))) return std::nullopt;
    const auto mode = static_cast<AtsMode>(ste.get<STE::EATS>());
    const bool stalls = ste.get<STE::S2S>() != 0;
    if (mode == AtsMode::SplitStage) {
        if (!uses_stage1(ste) || !uses_stage2(ste)) return "EATS=2 without both stages";
        if (stalls) return "EATS=2 with S2S";
        if (c.ns1ats != 0) return "EATS=2 with NS1ATS=1";
    }
    if (mode == AtsMode::Full && uses_stage2(ste) && stalls) return "EATS=1 with S2S";
    return std::nullopt;
}

Rule illegal_stage1(const Value<STE>& ste, const Capabilities& c) {
    if (ste.get<STE::S1STALLD>() != 0 && c.stall_model != 0) return "S1STALLD without STALL_MODEL=0";
    const std::uint64_t max = ste.get<STE::S1CDMax>();
    if (c.ssidsize != 0 && max > c.ssidsize) return "S1CDMax beyond SSIDSIZE";
    const std::uint64_t fmt = ste.get<STE::S1Fmt>();
    if (c.ssidsize != 0 && max != 0 && c.cd2l == 0 && (fmt == 1 || fmt == 2)) return "S1Fmt without CD2L";
    const unsigned width = uses_stage2(ste) ? c.intermediate_bits() : c.output_bits();
    if (beyond(ste.in_place<STE::S1ContextPtr>(), width)) return "S1ContextPtr out of range";
    return std::nullopt;
}

Rule illegal_stage2_tables(const Value<STE>& ste, const Capabilities& c) {
    const unsigned granule = s2tg_granule_log2(ste.get<STE::S2TG>());
    if (granule == 0 || !c.has_granule(granule)) return "S2TG";
    const TableFormat format = format_of(granule, ste.get<STE::S2DS>() != 0, c);
    const std::uint64_t root = ste.in_place<STE::S2TTB>();
    if (beyond(root, capped(ste.get<STE::S2PS>(), c))) return "S2TTB beyond S2PS";
    if (!format.wide() && beyond(root, 48)) return "S2TTB beyond 48 bits";
    const InputLimits limits{.small_tables = c.stt != 0, .input_bits = c.intermediate_bits()};
    if (!txsz_range(format, limits).contains(ste.get<STE::S2T0SZ>())) return "S2T0SZ out of range";
    const Stage2Shape shape{.format = format,
                            .S2T0SZ = ste.get<STE::S2T0SZ>(),
                            .S2SL0 = ste.get<STE::S2SL0>(),
                            .S2SL0_2 = ste.get<STE::S2SL0_2>()};
    if (!stage2_start(shape, limits)) return "S2T0SZ, S2SL0 and S2TG do not go together";
    return std::nullopt;
}

Rule illegal_stage2(const Value<STE>& ste, const Capabilities& c) {
    if (ste.get<STE::S2S>() != 0 && c.stall_model == 1) return "S2S with STALL_MODEL=1";
    if (ste.get<STE::S2S>() == 0 && c.stall_model == 2) return "S2S=0 with STALL_MODEL=2";
    if (ste.get<STE::S2AA64>() == 0) return "S2AA64=0: no AArch32 tables";
    const bool access = ste.get<STE::S2HA>() != 0;
    const bool dirty = ste.get<STE::S2HD>() != 0;
    if ((access || dirty) && c.httu == 0) return "S2HA or S2HD without HTTU";
    if (dirty && c.httu == 1) return "S2HD with HTTU=1";
    if (ste.get<STE::S2ENDI>() != 0) return "S2ENDI: little-endian only";
    return illegal_stage2_tables(ste, c);
}

// ---- CD

struct SideFields {
    unsigned granule_log2;
    std::uint64_t size;
    std::uint64_t root;
};

SideFields side_fields(const Value<CD>& cd, unsigned side) {
    if (side == 0) return {tg0_granule_log2(cd.get<CD::TG0>()), cd.get<CD::T0SZ>(), cd.in_place<CD::TTB0>()};
    return {tg1_granule_log2(cd.get<CD::TG1>()), cd.get<CD::T1SZ>(), cd.in_place<CD::TTB1>()};
}

// EPD does not exist in EL2, where there is no second half.
bool side_disabled(const Value<CD>& cd, unsigned side, StreamWorld world) {
    if (world == StreamWorld::EL2) return side == 1;
    return (side == 0 ? cd.get<CD::EPD0>() : cd.get<CD::EPD1>()) != 0;
}

InputLimits stage1_limits(const Capabilities& c) {
    return {.small_tables = c.stt != 0, .input_bits = c.vax != 0 ? 52u : 48u};
}

Rule illegal_side(const Value<CD>& cd, unsigned side, const Capabilities& c) {
    const SideFields fields = side_fields(cd, side);
    if (fields.granule_log2 == 0 || !c.has_granule(fields.granule_log2)) return "TG";
    const TableFormat format = format_of(fields.granule_log2, cd.get<CD::DS>() != 0, c);
    if (!txsz_range(format, stage1_limits(c)).contains(fields.size)) return "TxSZ out of range";
    if (beyond(fields.root, capped(cd.get<CD::IPS>(), c))) return "TTB beyond IPS";
    if (!format.wide() && beyond(fields.root, 48)) return "TTB beyond 48 bits";
    return std::nullopt;
}

Rule illegal_stall(const Value<CD>& cd, const Value<STE>& ste, const Capabilities& c) {
    const bool stalls = cd.get<CD::S>() != 0;
    if (stalls && ste.get<STE::S1STALLD>() != 0) return "S with S1STALLD";
    if (c.term_model != 0 && cd.get<CD::A>() == 0) return "A=0 with TERM_MODEL=1";
    if (stalls && c.stall_model == 1) return "S with STALL_MODEL=1";
    if (!stalls && c.stall_model == 2) return "S=0 with STALL_MODEL=2";
    return std::nullopt;
}

TableSide decode_side(const Value<CD>& cd, unsigned side, StreamWorld world, const Capabilities& c) {
    TableSide decoded;
    decoded.disabled = side_disabled(cd, side, world);
    if (decoded.disabled) return decoded;
    const SideFields fields = side_fields(cd, side);
    decoded.granule_log2 = static_cast<std::uint8_t>(fields.granule_log2);
    decoded.size = static_cast<std::uint8_t>(fields.size);
    decoded.start_level = static_cast<std::int8_t>(stage1_start_level(fields.granule_log2, fields.size));
    unsigned align = first_table_log2(fields.granule_log2, decoded.start_level, 64 - decoded.size);
    if (capped(cd.get<CD::IPS>(), c) >= 52) align = std::max(align, wide_output_alignment_log2);
    decoded.root = fields.root & ~low_bits(align);
    const bool had = (side == 0 ? cd.get<CD::HAD0>() : cd.get<CD::HAD1>()) != 0;
    const bool e0pd = (side == 0 ? cd.get<CD::E0PD0>() : cd.get<CD::E0PD1>()) != 0;
    decoded.flat_attributes = c.had != 0 && had;
    decoded.e0pd = c.e0pd != 0 && e0pd && world != StreamWorld::EL2;
    decoded.ignore_top_byte = (side == 0 ? cd.get<CD::TBI0>() : cd.get<CD::TBI1>()) != 0;
    return decoded;
}

}  // namespace

bool uses_stage1(const Value<STE>& ste) { return (ste.get<STE::Config>() & 5) == 5; }
bool uses_stage2(const Value<STE>& ste) { return (ste.get<STE::Config>() & 6) == 6; }

// In the manual's order; the first broken rule tells. [SMMU G.b s5.2.2]
std::optional<std::string_view> illegal(const Value<STE>& ste, const Capabilities& c) {
    if (ste.get<STE::V>() == 0) return "V=0";
    if ((ste.get<STE::Config>() & 4) == 0) return std::nullopt;
    if (uses_stage1(ste) && c.s1p == 0) return "stage 1 without S1P";
    if (uses_stage2(ste) && c.s2p == 0) return "stage 2 without S2P";
    if (const Rule rule = illegal_ats(ste, c)) return rule;
    if (strw_used(ste, c) && (ste.get<STE::STRW>() & 1) != 0) return "STRW reserved";
    if (uses_stage1(ste)) {
        if (const Rule rule = illegal_stage1(ste, c)) return rule;
    }
    if (uses_stage2(ste)) {
        if (const Rule rule = illegal_stage2(ste, c)) return rule;
    }
    const bool bypass = ste.get<STE::Config>() == static_cast<unsigned>(StreamConfig::Bypass);
    const bool vmid_used = c.s2p != 0 && !bypass && !(strw_used(ste, c) && ste.get<STE::STRW>() != 0);
    if (vmid_used && c.vmid16 == 0 && ste.get<STE::S2VMID>() > 0xff) return "S2VMID without VMID16";
    return std::nullopt;
}

// [SMMU G.b s5.4.1]
std::optional<std::string_view> illegal(const Value<CD>& cd, const Value<STE>& ste, StreamWorld world,
                                        const Capabilities& c) {
    if (cd.get<CD::V>() == 0) return "V=0";
    if (const Rule rule = illegal_stall(cd, ste, c)) return rule;
    const bool any_side = !side_disabled(cd, 0, world) || !side_disabled(cd, 1, world);
    if (any_side && cd.get<CD::ENDI>() != 0) return "ENDI: little-endian only";
    if (cd.get<CD::AA64>() == 0) return "AA64=0: no AArch32 tables";
    const bool access = cd.get<CD::HA>() != 0;
    const bool dirty = cd.get<CD::HD>() != 0;
    if ((access || dirty) && c.httu == 0) return "HA or HD without HTTU";
    if (dirty && c.httu == 1) return "HD with HTTU=1";
    if (world != StreamWorld::EL2 && c.asid16 == 0 && cd.get<CD::ASID>() > 0xff) return "ASID without ASID16";
    for (const unsigned side : {0u, 1u}) {
        if (side_disabled(cd, side, world)) continue;
        if (const Rule rule = illegal_side(cd, side, c)) return rule;
    }
    return std::nullopt;
}

AtsMode ats_mode(const Value<STE>& ste, const Capabilities& c) {
    const auto mode = static_cast<AtsMode>(ste.get<STE::EATS>());
    const bool translates = uses_stage1(ste) || uses_stage2(ste);
    if (c.ats == 0 || !translates || mode == AtsMode::FullWithDpt) return AtsMode::Off;
    return mode;
}

StreamWorld world_of(const Value<STE>& ste, bool e2h, const Capabilities& c) {
    if (!strw_used(ste, c) || ste.get<STE::STRW>() != static_cast<unsigned>(StreamWorldSelect::EL2)) {
        return StreamWorld::EL1;
    }
    return e2h ? StreamWorld::EL2_E2H : StreamWorld::EL2;
}

Stage2Config stage2_of(const Value<STE>& ste, const Capabilities& c) {
    Stage2Config config;
    const unsigned granule = s2tg_granule_log2(ste.get<STE::S2TG>());
    config.granule_log2 = static_cast<std::uint8_t>(granule);
    config.size = static_cast<std::uint8_t>(ste.get<STE::S2T0SZ>());
    config.ds = c.ds != 0 && ste.get<STE::S2DS>() != 0;
    const Stage2Shape shape{.format = format_of(granule, config.ds, c),
                            .S2T0SZ = config.size,
                            .S2SL0 = ste.get<STE::S2SL0>(),
                            .S2SL0_2 = ste.get<STE::S2SL0_2>()};
    const auto start =
        stage2_start(shape, {.small_tables = c.stt != 0, .input_bits = c.intermediate_bits()}).value_or(Stage2Start{});
    config.start_level = static_cast<std::int8_t>(start.level);
    config.output_bits = static_cast<std::uint8_t>(capped(ste.get<STE::S2PS>(), c));
    unsigned align = first_table_log2(granule, start.level, 64 - config.size);
    if (config.output_bits >= 52) align = std::max(align, wide_output_alignment_log2);
    config.root = ste.in_place<STE::S2TTB>() & ~low_bits(align);
    config.access_flag_ignored = ste.get<STE::S2AFFD>() != 0;
    config.protect_walk = ste.get<STE::S2PTW>() != 0;
    config.hardware_access = ste.get<STE::S2HA>() != 0;
    config.hardware_dirty = config.hardware_access && ste.get<STE::S2HD>() != 0;
    config.fwb = c.fwb != 0 && ste.get<STE::S2FWB>() != 0;
    config.record = ste.get<STE::S2R>() != 0;
    config.stall = ste.get<STE::S2S>() != 0;
    return config;
}

Stage1Config stage1_of(const Value<CD>& cd, StreamWorld world, const Capabilities& c) {
    Stage1Config config;
    for (const unsigned side : {0u, 1u})
        config.sides[side] = decode_side(cd, side, world, c);
    config.output_bits = static_cast<std::uint8_t>(capped(cd.get<CD::IPS>(), c));
    config.access_flag_ignored = cd.get<CD::AFFD>() != 0;
    config.wxn = cd.get<CD::WXN>() != 0;
    config.pan = cd.get<CD::PAN>() != 0 && world != StreamWorld::EL2;
    config.hardware_access = cd.get<CD::HA>() != 0;
    config.hardware_dirty = config.hardware_access && cd.get<CD::HD>() != 0;
    config.ds = c.ds != 0 && cd.get<CD::DS>() != 0;
    config.abort = cd.get<CD::A>() != 0;
    config.record = cd.get<CD::R>() != 0;
    config.stall = cd.get<CD::S>() != 0;
    return config;
}

}  // namespace smmuv3
