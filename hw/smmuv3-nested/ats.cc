// SPDX-License-Identifier: GPL-2.0-or-later
#include "smmuv3-nested/ats.h"

#include "smmuv3-nested/device.h"
#include "smmuv3-nested/trace.h"

namespace smmuv3 {

using iommu::Access;
using iommu::CompletionStatus;
using iommu::Count;
using iommu::RequestKind;
using iommu::TraceClass;
using iommu::TranslationCompletion;

namespace {

// The smallest granule of the unit is the smallest translation unit (STU).
unsigned smallest_page_log2(const Capabilities& c) { return c.gran4k != 0 ? 12 : c.gran16k != 0 ? 14 : 16; }

// The page is there, but not for this access. (Where a table must not be read, no access finds more.)
bool lacks_right(const Fault& fault) { return fault.event == Event::F_PERMISSION; }

// A device is told of these by a Success without rights. [SMMU G.b s3.9.1.2]
bool is_no_access(Event event) {
    return event == Event::F_TRANSLATION || event == Event::F_ADDR_SIZE || event == Event::F_ACCESS ||
           event == Event::F_PERMISSION;
}

Request for_access(Request request, Access access, Execute execute) {
    request.access = access;
    request.execute = execute;
    return request;
}

// What stage 1 yields: its leaf is among the marks. Without stage 1 the request's own address.
std::uint64_t intermediate_address(const Request& request, const Config& config, const Capabilities& capabilities,
                                   const Marks& marks) {
    const std::uint64_t input = request.iova.value;
    const FirstStage first(config, capabilities,
                           {.input = input, .privilege = effective_privilege(request, config.route)});
    for (const iommu::Mark& mark : marks) {
        if (mark.stage != iommu::Stage::First || !mark.leaf) continue;
        const Step step = first.decode(mark.entry, mark.level);
        return step.address | (input & iommu::low_bits(step.page_log2));
    }
    return input;
}

}  // namespace

// [SMMU G.b s13.7.1]
Result<Grant, Fault> find_grant(const Request& request, const Config& config, const Capabilities& capabilities,
                                const GuestMemory& memory) {
    Grant grant;
    const auto take = [&](const Found& found, Rights rights) {
        const bool split = config.ats == AtsMode::SplitStage;
        grant.address = split ? intermediate_address(request, config, capabilities, found.marks)  //
                              : found.path.address.value;
        grant.page_log2 = found.path.page_log2;
        grant.rights = grant.rights | rights;
        grant.marks = found.marks;
    };
    // Reading is always asked for.
    const auto read = find(for_access(request, Access::Read, Execute::No), config, capabilities, memory);
    if (!read && !lacks_right(read.error())) return Err{read.error()};
    // A request that will not write (NW) is still granted what needs no dirty bit.
    if (read) take(*read, request.writes() ? Rights::Read : read->path.usable);
    if (request.writes()) {
        const auto write = find(for_access(request, Access::Write, Execute::No), config, capabilities, memory);
        if (write) take(*write, Rights::Write);
    }
    // A page that can only be executed grants nothing.
    if (request.execute == Execute::Yes && read) {
        grant.execute =
            static_cast<bool>(find(for_access(request, Access::Read, Execute::Yes), config, capabilities, memory));
    }
    return grant;
}

Request as_presented(Request request, const Capabilities& capabilities) {
    if (!of_ats(request)) return request;
    if (request.kind == RequestKind::Translated && capabilities.pasidtt == 0) request.pasid.reset();
    if (request.pasid) return request;
    request.privilege = Privilege::User;
    request.execute = Execute::No;
    return request;
}

// [SMMU G.b s3.9.1.2, s3.9.1.3, s8.1]
bool recorded(const Fault& fault, RequestKind kind, Value<CR2> cr2) {
    const bool translated = kind == RequestKind::Translated;
    const bool configuration = cr2.get<CR2::REC_CFG_ATS>() != 0;
    switch (fault.event) {
        case Event::F_BAD_ATS_TREQ:
        case Event::F_TRANSL_FORBIDDEN: return true;
        case Event::C_BAD_STREAMID: return configuration && (translated || cr2.get<CR2::RECINVSID>() != 0);
        // The second stage of a Translated transaction is that of any other; a Translation Request tells its device.
        case Event::F_TRANSLATION:
        case Event::F_ADDR_SIZE:
        case Event::F_ACCESS:
        case Event::F_PERMISSION: return fault.recorded;
        case Event::F_WALK_EABT: return translated || configuration;
        default: return configuration;
    }
}

// ---- Translation Requests

TranslationCompletion Unit::translation_request(const Request& asked) {
    if (capabilities_.ats == 0) return {};
    Request request = asked;
    request.kind = RequestKind::Translation;
    request = as_presented(request, capabilities_);
    translations_.add(Count::Misses);
    const auto granted = grant(request);
    const TranslationCompletion completion = granted ? *granted : deny(request, granted.error());
    if (traces(TraceClass::Translation)) {
        ports_.trace.line(TraceClass::Translation, completion_line(request, completion));
    }
    return completion;
}

Result<TranslationCompletion, Refusal> Unit::grant(const Request& request) {
    const ConfigTicket ticket = configs_.open();
    const Gate gate = this->gate();
    if (!gate.translating()) return Err{Refusal{ats_forbidden(request, "SMMUEN=0")}};
    const Config config = TRY(configure(request, ticket));
    // The configuration may be of an ordinary transaction, which did not look at this.
    if (effective(config.ats, gate.checking()) == AtsMode::Off) return Err{Refusal{ats_forbidden(request, "EATS")}};
    for (int restart = 0; restart < iommu::kMaxRestarts; ++restart) {
        const auto found = find_grant(request, config, capabilities_, memory_);
        if (!found) return Err{Refusal{found.error()}};
        const auto applied = found->marks.apply(memory_);
        if (!applied) return Err{Refusal{to_fault(applied.error(), config, request)}};
        if (*applied != Marks::Applied::Done) continue;
        const bool nothing = found->rights == Rights::None;
        // Global, U and N are never set.
        return TranslationCompletion{
            .status = CompletionStatus::Success,
            .reason = static_cast<std::uint8_t>(nothing ? static_cast<unsigned>(Event::F_PERMISSION) : 0u),
            .address = Pa{found->address},
            .page_log2 = nothing ? smallest_page_log2(capabilities_) : found->page_log2,
            .rights = found->rights,
            .execute = found->execute,
            .privileged = request.privilege == Privilege::Supervisor};
    }
    return Err{Refusal{unsettled_fault(config, request)}};
}

// [SMMU G.b s3.9.1.2]
TranslationCompletion Unit::deny(const Request& request, const Refusal& refusal) {
    translations_.add(Count::Faults);
    // STE.Config=0: nobody is told.
    if (!refusal.fault) return {};
    const Fault& fault = *refusal.fault;
    TranslationCompletion completion{.reason = static_cast<std::uint8_t>(fault.event)};
    if (is_no_access(fault.event)) {
        completion.status = CompletionStatus::Success;
        completion.page_log2 = smallest_page_log2(capabilities_);
        completion.privileged = request.privilege == Privilege::Supervisor;
        return completion;
    }
    refuse(request, fault, CanStall::No);
    const bool forbidden = fault.event == Event::F_BAD_ATS_TREQ;
    completion.status = forbidden ? CompletionStatus::UnsupportedRequest : CompletionStatus::CompleterAbort;
    return completion;
}

// ---- Translated transactions [SMMU G.b s3.9.1.1, s3.9.1.3, s13.6.3]

// Its address is a PA, which passes; an IPA with split-stage ATS. Too large a PA is aborted, and nobody is told.
Result<Path, Refusal> Unit::translated(const Request& request, Gate gate, const Tickets& tickets) {
    if (capabilities_.ats == 0) return Err{Refusal{}};
    if (!gate.translating()) return Err{Refusal{ats_forbidden(request, "SMMUEN=0")}};
    if (gate.checking()) {
        const Config config = TRY(look_up(request));
        if (config.ats == AtsMode::SplitStage) return find_path(request, config, tickets, Looked::No);
    }
    const unsigned bits = capabilities_.output_bits();
    if ((request.iova.value & ~iommu::low_bits(bits)) != 0) return Err{Refusal{}};
    return Path{.address = Pa{request.iova.value}, .page_log2 = bits, .usable = Rights::ReadWrite};
}

}  // namespace smmuv3
