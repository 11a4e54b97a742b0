// SPDX-License-Identifier: GPL-2.0-or-later
#include "vtd-nested/translate.h"

#include <algorithm>

#include "vtd-nested/spec/second_stage.h"

namespace vtd {

using iommu::Purpose;

namespace {

Condition first_stage_condition(const WalkFault& fault) {
    switch (fault.cause) {
        case WalkCause::InputOutOfRange: return Condition::SGN_1;
        case WalkCause::TableAccess: return fault.top ? Condition::SFS_4 : Condition::SFS_1;
        case WalkCause::NotAccessed:  // not a cause of these tables
        case WalkCause::NotPresent: return Condition::SFS_2;
        case WalkCause::Reserved: return Condition::SFS_3;
        case WalkCause::OutputOutOfRange: return Condition::SFS_5;
        case WalkCause::NoUser: return Condition::SGN_2;
        case WalkCause::NoWrite:
        case WalkCause::NoRead: return Condition::SGN_6;
        case WalkCause::UpdateNotWritable: return Condition::SFS_8;
        case WalkCause::UpdateNotSnooped: return Condition::SFS_9;
        case WalkCause::UpdateFailed: return Condition::SFS_10;
    }
    return Condition::SFS_1;
}

Condition second_stage_condition(const WalkFault& fault) {
    // The second stage has the page of a first-stage table, but does not let it be read.
    if (fault.cause == WalkCause::NoRead && fault.purpose == Purpose::TopTable) return Condition::SFS_6;
    if (fault.cause == WalkCause::NoRead && fault.purpose == Purpose::Table) return Condition::SFS_7;
    switch (fault.cause) {
        case WalkCause::InputOutOfRange: return Condition::SGN_5;
        case WalkCause::TableAccess: return fault.top ? Condition::SSS_4 : Condition::SSS_1;
        case WalkCause::NotAccessed:  // not a cause of these tables
        case WalkCause::NotPresent: return Condition::SSS_2;
        case WalkCause::OutputOutOfRange:
        case WalkCause::Reserved: return Condition::SSS_3;
        case WalkCause::NoUser:
        case WalkCause::NoRead: return Condition::SGN_7;
        case WalkCause::NoWrite: return Condition::SGN_6;
        case WalkCause::UpdateNotWritable:
        case WalkCause::UpdateNotSnooped: return Condition::SSS_5;
        case WalkCause::UpdateFailed: return Condition::SSS_6;
    }
    return Condition::SSS_1;
}

Condition legacy_condition(const WalkFault& fault, const Request& request) {
    const Condition no_right = request.writes() ? Condition::LGN_2 : Condition::LGN_3;
    switch (fault.cause) {
        case WalkCause::InputOutOfRange: return Condition::LGN_1;
        case WalkCause::TableAccess: return fault.top ? Condition::LCT_4 : Condition::LSS_1;
        case WalkCause::NotAccessed:  // not a cause of these tables
        case WalkCause::NotPresent: return no_right;
        case WalkCause::OutputOutOfRange:
        case WalkCause::Reserved: return Condition::LSS_2;
        case WalkCause::NoWrite: return Condition::LGN_2;
        case WalkCause::NoUser:
        case WalkCause::NoRead: return Condition::LGN_3;
        case WalkCause::UpdateNotWritable:
        case WalkCause::UpdateNotSnooped:
        case WalkCause::UpdateFailed: break;  // legacy mode sets no accessed or dirty bits
    }
    return no_right;
}

FaultProcessing processing(const Config& config) {
    return config.fault_disabled ? FaultProcessing::Disabled : FaultProcessing::Enabled;
}

WalkQuery query_for(const Request& request, const Config& config) {
    return {.input = request.iova.value,
            .access = request.access,
            .privilege = effective_privilege(request, config.route),
            .length = request.length};
}

// Output equals input; the host's width is the only limit. [VTD 5.10 s3.9]
Result<Path, Fault> pass_through(const Request& request, const Config& config, const StageLimits& limits) {
    const bool legacy = config.mode == TranslationTableMode::Legacy;
    if ((request.iova.value & ~iommu::low_bits(limits.haw)) != 0) {
        return fail(legacy ? Condition::LGN_1 : Condition::SGN_4, {}, processing(config));
    }
    return Path{.address = Pa{request.iova.value}, .page_log2 = limits.haw, .usable = Rights::ReadWrite};
}

// The fields that decide how tables are read and what their entries grant.
iommu::WalkOrigin second_origin(const Config& config, const Near& near) {
    return {.domain = config.route.domain,
            .kind = iommu::TlbKind::Second,
            .root = config.second_root,
            .shape = config.second_levels | std::uint64_t{config.second_width} << 8,
            .configs = near.configs};
}

iommu::WalkOrigin first_origin(const Config& config, const Near& near) {
    const bool nested = config.route.translate == Translate::Nested;
    const std::uint64_t second = config.second_levels | std::uint64_t{config.second_width} << 8;
    return {.domain = config.route.domain,
            .space = config.route.space,
            .kind = nested ? iommu::TlbKind::Nested : iommu::TlbKind::First,
            .root = config.first_root,
            .second_root = nested ? config.second_root : 0,
            .shape = config.first_levels | (nested ? second << 8 : 0),
            .configs = near.configs};
}

Result<Path, Fault> walk_stages(const Request& request, const Config& config, const StageLimits& limits,
                                const iommu::WalkTools& tools, const Near& near) {
    const WalkQuery query = query_for(request, config);
    const auto walked = [&]() -> Result<Path, WalkFault> {
        const bool nested = config.route.translate == Translate::Nested;
        const FirstStage first(config, limits, nested ? config.second_width : 64);
        if (config.route.translate == Translate::FirstStage) {
            return near_single(iommu::Origin<FirstStage>{first, first_origin(config, near)}, query, tools);
        }
        const SecondStage second(config, limits);
        const iommu::Origin<SecondStage> lower{second, second_origin(config, near)};
        if (!nested) return near_single(lower, query, tools);
        return near_nested(iommu::Origin<FirstStage>{first, first_origin(config, near)}, lower, query, tools);
    }();
    if (!walked) return Err{to_fault(walked.error(), config, request)};
    return *walked;
}

// PGSNP counts in scalable mode only, SNP where the second stage has the last word. [VTD 5.10 s4.2.3 table 10]
bool page_snooped(const Config& config, const Marks& marks) {
    if (config.page_snoop) return true;
    const bool second = config.route.translate == Translate::SecondStage || config.route.translate == Translate::Nested;
    // The last entry that was used is that leaf.
    return second && ((marks.end() - 1)->entry & SecondStageEntry::SNP::mask) != 0;
}

// Whether the output may not be given. A device is told of the whole page, so none of it may be an interrupt, but for
// pass-through; legacy mode and other requests count the address alone. [VTD 5.10 s7.1.3 table 30: LGN.4, SGN.8]
bool reaches_interrupts(const Request& request, const Config& config, const Path& path) {
    const bool whole = request.kind == iommu::RequestKind::Translation &&
                       config.mode == TranslationTableMode::Scalable &&
                       config.route.translate != Translate::PassThrough;
    const unsigned block = whole ? std::max(path.page_log2, kInterruptRangeLog2) : kInterruptRangeLog2;
    return path.address.value >> block == kInterruptRange >> block;
}

}  // namespace

Result<iommu::Done, Fault> check_request(const Request& request, const Config& config,
                                         const Capabilities& capabilities) {
    const bool execute = request.pasid && request.execute == iommu::Execute::Yes;
    if (execute && (capabilities.ver >> 4) >= 8) return fail(Condition::RTA_5);
    if (execute) return fail(Condition::SPT_5, {}, processing(config));
    const bool supervisor = effective_privilege(request, config.route) == Privilege::Supervisor;
    if (supervisor && !config.route.supervisor_allowed) return fail(Condition::SPT_6, {}, processing(config));
    return iommu::Done{};
}

Result<Found, Fault> find(const Request& request, const Config& config, const StageLimits& limits,
                          const GuestMemory& memory, const Near& near) {
    Found found;
    const iommu::WalkTools tools{found.marks, memory, near.cache};
    Path& path = found.page.path;
    path = TRY(config.route.translate == Translate::PassThrough ? pass_through(request, config, limits)
                                                                : walk_stages(request, config, limits, tools, near));
    // Only interrupt requests may reach the interrupt range, and those are not translated.
    if (reaches_interrupts(request, config, path)) {
        const bool legacy = config.mode == TranslationTableMode::Legacy;
        return fail(legacy ? Condition::LGN_4 : Condition::SGN_8, {}, processing(config));
    }
    // A page that holds the range is answered in blocks beside it; so is one whose input holds it, where a request
    // without PASID would not be translated.
    const unsigned input_block =
        in_interrupt_range(request.iova.value) ? kInterruptRangeLog2 : block_beside_interrupts(request.iova.value);
    const unsigned output_block = block_beside_interrupts(path.address.value);
    path.page_log2 = std::min({path.page_log2, input_block, output_block});
    found.page.snoop = page_snooped(config, found.marks);
    return found;
}

Fault to_fault(const WalkFault& fault, const Config& config, const Request& request) {
    Fault result;
    if (config.mode == TranslationTableMode::Legacy) {
        result.condition = legacy_condition(fault, request);
    } else if (fault.stage == iommu::Stage::First) {
        result.condition = first_stage_condition(fault);
    } else {
        result.condition = second_stage_condition(fault);
    }
    result.processing = processing(config);
    result.diagnosis = {
        .check = {}, .level = static_cast<std::uint8_t>(fault.level), .address = fault.slot, .entry = fault.entry};
    return result;
}

}  // namespace vtd
