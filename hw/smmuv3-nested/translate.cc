// SPDX-License-Identifier: GPL-2.0-or-later
#include "smmuv3-nested/translate.h"

namespace smmuv3 {

using iommu::Access;
using iommu::Purpose;

namespace {

Event event_of(WalkCause cause) {
    switch (cause) {
        case WalkCause::InputOutOfRange:
        case WalkCause::NotPresent: return Event::F_TRANSLATION;
        case WalkCause::TableAccess:
        case WalkCause::UpdateNotSnooped:
        case WalkCause::UpdateFailed: return Event::F_WALK_EABT;
        case WalkCause::Reserved:
        case WalkCause::OutputOutOfRange: return Event::F_ADDR_SIZE;
        case WalkCause::NotAccessed: return Event::F_ACCESS;
        case WalkCause::NoUser:
        case WalkCause::NoRead:
        case WalkCause::NoWrite:
        case WalkCause::UpdateNotWritable: return Event::F_PERMISSION;
    }
    return Event::F_TRANSLATION;
}

Class class_of(Purpose purpose) {
    switch (purpose) {
        case Purpose::Access: return Class::IN;
        case Purpose::TopTable:
        case Purpose::Table: return Class::TT;
        case Purpose::Config: return Class::CD;
    }
    return Class::IN;
}

bool can_stall(Event event) {
    return event == Event::F_TRANSLATION || event == Event::F_ADDR_SIZE || event == Event::F_ACCESS ||
           event == Event::F_PERMISSION;
}

// What the stage at fault wants done: A, R, S of the CD, or S2R, S2S with A implied. [SMMU G.b s3.12.2]
void apply_fault_model(Fault& fault, const Config& config) {
    if (!can_stall(fault.event)) return;
    if (fault.second_stage) {
        fault.stalls = config.stage2.stall;
        fault.recorded = config.stage2.record || fault.stalls;
        return;
    }
    fault.stalls = config.stage1.stall;
    fault.recorded = config.stage1.record || fault.stalls;
    fault.terminate = config.stage1.abort ? Terminate::Abort : Terminate::RazWi;
}

// What every fault of a transaction whose Config is known has.
Fault fault_of(Event event, const Config& config, const Request& request) {
    Fault fault;
    fault.event = event;
    fault.merges = config.merges;
    fault.privilege = effective_privilege(request, config.route);
    fault.execute = effective_execute(request, config.route);
    return fault;
}

WalkQuery query_for(const Request& request, const Config& config) {
    return {.input = request.iova.value,
            .access = request.access,
            .privilege = effective_privilege(request, config.route),
            .execute = effective_execute(request, config.route),
            .length = request.length};
}

// Bytes that a table of the last level covers.
unsigned span_of(unsigned granule_log2) { return 2 * granule_log2 - descriptor_log2; }

// The fields that decide how tables are read and what their descriptors grant, side by side.
std::uint64_t shape_of(const Stage2Config& stage) {
    return stage.size | std::uint64_t{stage.granule_log2} << 7 |
           static_cast<std::uint64_t>(stage.start_level + 1) << 12 | std::uint64_t{stage.output_bits} << 15 |
           std::uint64_t{stage.ds} << 22;
}
std::uint64_t shape_of(const Stage1Config& stage, const TableSide& side, StreamWorld world) {
    return side.size | std::uint64_t{side.granule_log2} << 7 | static_cast<std::uint64_t>(side.start_level + 1) << 12 |
           std::uint64_t{stage.output_bits} << 15 | std::uint64_t{stage.ds} << 22 |
           std::uint64_t{side.flat_attributes} << 23 | static_cast<std::uint64_t>(world) << 24;
}

iommu::WalkOrigin second_origin(const Config& config, const Near& near) {
    return {.domain = config.route.domain,
            .kind = iommu::TlbKind::Second,
            .root = config.stage2.root,
            .shape = shape_of(config.stage2),
            .span_log2 = span_of(config.stage2.granule_log2),
            .configs = near.configs};
}

iommu::WalkOrigin first_origin(const Config& config, const TableSide& side, const Near& near) {
    const bool nested = config.route.translate == Translate::Nested;
    return {.domain = config.route.domain,
            .space = config.route.space,
            .kind = nested ? iommu::TlbKind::Nested : iommu::TlbKind::First,
            .root = side.root,
            .second_root = nested ? config.stage2.root : 0,
            .shape = shape_of(config.stage1, side, config.route.world) | (nested ? shape_of(config.stage2) << 26 : 0),
            .span_log2 = span_of(side.granule_log2),
            .configs = near.configs};
}

// Stage 1 alone or under stage 2; the leaf's nG decides whether others of the VMID may use the entry.
Result<Path, WalkFault> walk_all(const WalkQuery& query, const Config& config, const Capabilities& capabilities,
                                 const iommu::WalkTools& tools, const Near& near) {
    const FirstStage first(config, capabilities, query);
    const TableSide& side = first.side();
    if (config.route.translate == Translate::Stage1) {
        return near_single(iommu::Origin<FirstStage>{first, first_origin(config, side, near)}, query, tools);
    }
    const SecondStage second(config, capabilities);
    const iommu::Origin<SecondStage> lower{second, second_origin(config, near)};
    if (config.route.translate == Translate::Stage2) return near_single(lower, query, tools);
    // A table of stage 1 that may lie in several pages of stage 2 has no one place.
    const bool in_one_page = side.granule_log2 <= config.stage2.granule_log2;
    const iommu::Origin<FirstStage> upper{first, first_origin(config, side, near), in_one_page};
    return near_nested(upper, lower, query, tools);
}

bool is_global(const Marks& marks, const Config& config) {
    if (config.route.space == SpaceTag::none() || config.route.world == StreamWorld::EL2) return false;
    for (const iommu::Mark& mark : marks) {
        if (mark.stage == iommu::Stage::First && mark.leaf) return !FirstStage::non_global(mark.entry);
    }
    return false;
}

}  // namespace

Fault address_size_fault(const Config& config, const Request& request) {
    return fault_of(Event::F_ADDR_SIZE, config, request);
}

Fault unsettled_fault(const Config& config, const Request& request) {
    Fault fault = fault_of(Event::F_WALK_EABT, config, request);
    fault.input_class = Class::TT;
    fault.diagnosis.check = "the descriptor kept changing";
    return fault;
}

Fault to_fault(const WalkFault& walk, const Config& config, const Request& request) {
    Fault fault = fault_of(event_of(walk.cause), config, request);
    fault.second_stage = walk.stage == iommu::Stage::Second;
    fault.read_denied = walk.cause == WalkCause::NoRead && walk.purpose == Purpose::Access;
    fault.diagnosis = {.check = {},
                       .level = walk.level == 0 ? 0 : arm_level(walk.level),
                       .has_level = walk.level != 0,
                       .address = walk.slot,
                       .entry = walk.entry};
    if (fault.second_stage) {
        fault.input_class = class_of(walk.purpose);
        fault.ipa = walk.input;
    } else if (walk.cause == WalkCause::UpdateNotWritable) {
        // The stage-1 descriptor may be read but not written where it is: stage 2 denies a write to a table.
        fault.second_stage = true;
        fault.input_class = Class::TT;
        fault.table_read = false;
        fault.ipa = walk.slot;
    }
    if (fault.event == Event::F_WALK_EABT) {
        fault.fetch_address = walk.at.value;
        if (!fault.second_stage) fault.input_class = Class::TT;
    }
    apply_fault_model(fault, config);
    return fault;
}

Result<Found, Fault> find(const Request& request, const Config& config, const Capabilities& capabilities,
                          const GuestMemory& memory, const Near& near) {
    Found found;
    const iommu::WalkTools tools{found.marks, memory, near.cache};
    const std::uint64_t input = request.iova.value;
    if (config.route.translate == Translate::Bypass) {
        if ((input & ~iommu::low_bits(capabilities.output_bits())) != 0)
            return Err{address_size_fault(config, request)};
        found.path = {.address = Pa{input}, .page_log2 = capabilities.output_bits(), .usable = Rights::ReadWrite};
        return found;
    }
    // A stage 1 that does not translate still bounds the address, and never stalls. [SMMU G.b s3.4.1]
    const bool second_only = config.route.translate == Translate::Stage2;
    if (second_only && (input & ~iommu::low_bits(capabilities.intermediate_bits())) != 0) {
        return Err{address_size_fault(config, request)};
    }
    const auto path = walk_all(query_for(request, config), config, capabilities, tools, near);
    if (!path) return Err{to_fault(path.error(), config, request)};
    found.path = *path;
    found.global = !second_only && is_global(found.marks, config);
    return found;
}

Result<Pa, Refusal> locate_config(std::uint64_t address, const Request& request, const Config& config,
                                  const Capabilities& capabilities, GuestMemory& memory) {
    const SecondStage second(config, capabilities);
    const WalkQuery query{.input = address, .access = Access::Read, .purpose = Purpose::Config};
    for (int restart = 0; restart < iommu::kMaxRestarts; ++restart) {
        Marks marks;
        const auto leaf = walk(second, query, iommu::IdentityLocate{}, marks, memory);
        if (!leaf) return Err{Refusal{to_fault(leaf.error(), config, request)}};
        if (request.kind == iommu::RequestKind::Debug) return Pa{leaf->output};
        const auto applied = marks.apply(memory);
        if (!applied) return Err{Refusal{to_fault(applied.error(), config, request)}};
        if (*applied == Marks::Applied::Done) return Pa{leaf->output};
    }
    Fault fault;
    fault.event = Event::F_CD_FETCH;
    fault.diagnosis.check = "the second stage kept changing";
    return Err{Refusal{fault}};
}

}  // namespace smmuv3
