// SPDX-License-Identifier: GPL-2.0-or-later
#include "smmuv3-nested/resolve.h"

#include <algorithm>

#include "iommu/address.h"
#include "smmuv3-nested/legality.h"
#include "smmuv3-nested/translate.h"

namespace smmuv3 {

using iommu::low_bits;
using iommu::RequesterId;

namespace {

Err<Refusal> silent() { return Err{Refusal{}}; }

Err<Refusal> fail(Event event, std::string_view check = {}, Pa address = {}, std::uint64_t entry = 0) {
    Fault fault;
    fault.event = event;
    fault.fetch_address = address.value;
    fault.diagnosis = {.check = check, .address = address.value, .entry = entry};
    return Err{Refusal{fault}};
}

// A pointer to a table of 2^log2 bytes: hardware ignores the bits below.
std::uint64_t aligned(std::uint64_t pointer, unsigned log2) { return pointer & ~low_bits(log2); }

// log2 of the CDs in one leaf of a two-level table; 0 for a linear table.
unsigned cd_leaf_log2(const Value<STE>& ste, const Capabilities& capabilities) {
    if (ste.get<STE::S1CDMax>() == 0 || capabilities.ssidsize == 0) return 0;
    switch (static_cast<CdTableFormat>(ste.get<STE::S1Fmt>())) {
        case CdTableFormat::TwoLevel4K: return 6;
        case CdTableFormat::TwoLevel64K: return 10;
        case CdTableFormat::Linear: break;
    }
    return 0;
}

constexpr unsigned kSteLog2 = 6;  // bytes
constexpr unsigned kCdLog2 = 6;

}  // namespace

// ---- Stream table. [SMMU G.b s3.3.1, s3.3.2]

// Requests of ATS are answered by what went wrong, recorded or not.
Err<Refusal> Resolver::invalid_stream(const Request& request, std::string_view check, Pa address) const {
    if (!table_.record_invalid && !of_ats(request)) return silent();
    return fail(Event::C_BAD_STREAMID, check, address);
}

Result<Pa, Refusal> Resolver::locate_ste(const Request& request) const {
    const RequesterId stream = request.requester;
    const unsigned log2size = std::min<unsigned>(table_.log2size, capabilities_.sidsize);
    if ((stream.value & ~low_bits(log2size)) != 0) return invalid_stream(request, "beyond LOG2SIZE", {});
    if (!table_.two_level) {
        const std::uint64_t base = aligned(table_.base, std::min(63u, table_.log2size + kSteLog2));
        return Pa{base + (std::uint64_t{stream.value} << kSteLog2)};
    }
    // The level-1 table has 2^(LOG2SIZE-SPLIT) entries of 8 bytes, and is aligned to its size, at least to 64 bytes.
    const unsigned entries_log2 = table_.log2size > table_.split ? table_.log2size - table_.split : 0u;
    const std::uint64_t base = aligned(table_.base, std::min(63u, std::max(6u, entries_log2 + 3)));
    const Pa address{base + 8 * (std::uint64_t{stream.value} >> table_.split)};
    const auto level1 = memory_.read<L1STD>(address);
    if (!level1) return fail(Event::F_STE_FETCH, "level-1 descriptor", address);
    const std::uint64_t span = level1->get<L1STD::Span>();
    if (!L1STD::defined_span(span) || span > table_.split + 1u) return invalid_stream(request, "Span", address);
    const std::uint64_t index = stream.value & low_bits(table_.split);
    if (index >= std::uint64_t{1} << (span - 1)) return invalid_stream(request, "beyond Span", address);
    const unsigned table_log2 = static_cast<unsigned>(span) - 1 + kSteLog2;
    return Pa{aligned(level1->in_place<L1STD::L2Ptr>(), table_log2) + (index << kSteLog2)};
}

Result<Value<STE>, Refusal> Resolver::find_ste(const Request& request) const {
    const Pa address = TRY(locate_ste(request));
    const auto ste = memory_.read<STE>(address);
    if (!ste) return fail(Event::F_STE_FETCH, {}, address);
    if (const auto rule = illegal(*ste, capabilities_)) return fail(Event::C_BAD_STE, *rule, address, ste->words()[0]);
    return *ste;
}

Result<Config, Refusal> Resolver::resolve(const Request& request) const {
    const Value<STE> ste = TRY(find_ste(request));
    const auto stream_config = ste.get<STE::Config>();
    // Config 0xx: aborted, and nobody is told.
    if ((stream_config & 4) == 0) return silent();

    Config config;
    config.merges = ste.get<STE::MEV>() != 0;
    if (capabilities_.attr_perms_ovr != 0) {
        config.route.privcfg = static_cast<std::uint8_t>(ste.get<STE::PRIVCFG>());
        config.route.instcfg = static_cast<std::uint8_t>(ste.get<STE::INSTCFG>());
    }
    config.route.world = world_of(ste, table_.e2h, capabilities_);
    const bool tagged = capabilities_.s2p != 0 && config.route.world == StreamWorld::EL1;
    config.route.domain = domain_of(config.route.world, tagged ? ste.get<STE::S2VMID>() : 0);
    config.route.space = SpaceTag::none();
    if (uses_stage2(ste)) config.stage2 = stage2_of(ste, capabilities_);
    config.ats = ats_mode(ste, capabilities_);
    if (of_ats(request) && effective(config.ats, table_.checked) == AtsMode::Off) {
        return Err{Refusal{ats_forbidden(request, "EATS")}};
    }
    if (request.kind == iommu::RequestKind::Translated) return for_translated(request, ste, config);
    return use_substream(request, ste, config);
}

Fault ats_forbidden(const Request& request, std::string_view check) {
    const bool translated = request.kind == iommu::RequestKind::Translated;
    Fault fault;
    fault.event = translated ? Event::F_TRANSL_FORBIDDEN : Event::F_BAD_ATS_TREQ;
    fault.diagnosis.check = check;
    return fault;
}

// Stage 1 is behind it. A SubstreamID is only checked; rules for transactions without one do not apply. [SMMU G.b
// s3.9.1.3]
Result<Config, Refusal> Resolver::for_translated(const Request& request, const Value<STE>& ste, Config config) const {
    if (request.pasid) {
        const auto checked = use_substream(request, ste, config);
        if (!checked) return Err{checked.error()};
    }
    config.route.translate = config.ats == AtsMode::SplitStage ? Translate::Stage2 : Translate::Bypass;
    return config;
}

// ---- Substreams. [SMMU G.b s3.9, s3.13.2, s5.2]

Result<Config, Refusal> Resolver::use_substream(const Request& request, const Value<STE>& ste, Config config) const {
    const bool second = uses_stage2(ste);
    const std::uint64_t cds_log2 = capabilities_.ssidsize == 0 ? 0 : ste.get<STE::S1CDMax>();
    const Translate without_stage1 = second ? Translate::Stage2 : Translate::Bypass;
    if (!uses_stage1(ste)) {
        if (request.pasid) return fail(Event::C_BAD_SUBSTREAMID, "stage 1 is off");
        config.route.translate = without_stage1;
        return config;
    }
    std::uint32_t index = 0;
    if (request.pasid) {
        index = request.pasid->value;
        if (cds_log2 == 0 || index >= std::uint64_t{1} << cds_log2)
            return fail(Event::C_BAD_SUBSTREAMID, "beyond S1CDMax");
    }
    if (cds_log2 != 0) {
        const auto dss = static_cast<DefaultSubstream>(ste.get<STE::S1DSS>());
        if (request.pasid && index == 0 && dss == DefaultSubstream::Substream0) {
            return fail(Event::F_STREAM_DISABLED, "SubstreamID 0 is for transactions without one");
        }
        if (!request.pasid && dss == DefaultSubstream::BypassStage1) {
            config.route.translate = without_stage1;
            return config;
        }
        if (!request.pasid && dss != DefaultSubstream::Substream0) return fail(Event::F_STREAM_DISABLED, "S1DSS");
    }
    const Value<CD> cd = TRY(read_cd(request, ste, config, index));
    config.stage1 = stage1_of(cd, config.route.world, capabilities_);
    config.route.translate = second ? Translate::Nested : Translate::Stage1;
    config.route.tbi0 = config.stage1.sides[0].ignore_top_byte;
    config.route.tbi1 = config.stage1.sides[1].ignore_top_byte;
    const bool has_asid = config.route.world != StreamWorld::EL2;
    config.route.space = SpaceTag{has_asid ? static_cast<std::uint32_t>(cd.get<CD::ASID>()) : 0};
    return config;
}

// ---- Context descriptors. [SMMU G.b s3.3.3, s5.3-5.5]

Result<Pa, Refusal> Resolver::through_second(std::uint64_t address, const Request& request, const Value<STE>& ste,
                                             const Config& config) const {
    if (!uses_stage2(ste)) return Pa{address};
    return locate_config(address, request, config, capabilities_, memory_);
}

Result<Pa, Refusal> Resolver::locate_cd(const Request& request, const Value<STE>& ste, const Config& config,
                                        std::uint32_t index) const {
    const std::uint64_t pointer = ste.in_place<STE::S1ContextPtr>();
    const std::uint64_t cds_log2 = capabilities_.ssidsize == 0 ? 0 : ste.get<STE::S1CDMax>();
    const unsigned leaf_log2 = cd_leaf_log2(ste, capabilities_);
    if (leaf_log2 == 0) {
        const std::uint64_t base = aligned(pointer, static_cast<unsigned>(cds_log2) + kCdLog2);
        return through_second(base + (std::uint64_t{index} << kCdLog2), request, ste, config);
    }
    const unsigned entries_log2 = cds_log2 > leaf_log2 ? static_cast<unsigned>(cds_log2) - leaf_log2 : 0u;
    const std::uint64_t base = aligned(pointer, std::max(6u, entries_log2 + 3));
    const Pa address = TRY(through_second(base + 8 * (std::uint64_t{index} >> leaf_log2), request, ste, config));
    const auto level1 = memory_.read<L1CD>(address);
    if (!level1) return fail(Event::F_CD_FETCH, "level-1 descriptor", address);
    if (level1->get<L1CD::V>() == 0)
        return fail(Event::C_BAD_SUBSTREAMID, "level-1 descriptor", address, level1->raw());
    const std::uint64_t leaf = aligned(level1->in_place<L1CD::L2Ptr>(), leaf_log2 + kCdLog2);
    if ((leaf & ~low_bits(capabilities_.intermediate_bits())) != 0) {
        return fail(Event::C_BAD_SUBSTREAMID, "L2Ptr out of range", address, level1->raw());
    }
    return through_second(leaf + ((index & low_bits(leaf_log2)) << kCdLog2), request, ste, config);
}

Result<Value<CD>, Refusal> Resolver::read_cd(const Request& request, const Value<STE>& ste, const Config& config,
                                             std::uint32_t index) const {
    const Pa address = TRY(locate_cd(request, ste, config, index));
    const auto cd = memory_.read<CD>(address);
    if (!cd) return fail(Event::F_CD_FETCH, {}, address);
    if (const auto rule = illegal(*cd, ste, config.route.world, capabilities_)) {
        return fail(Event::C_BAD_CD, *rule, address, cd->words()[0]);
    }
    return *cd;
}

}  // namespace smmuv3
