// SPDX-License-Identifier: GPL-2.0-or-later
//
// Requests of devices with a device-TLB: translation requests, translated requests, page requests.
// [VTD 5.10 s4.2, s7.4]
#include <algorithm>

#include "iommu/text.h"
#include "vtd-nested/device.h"
#include "vtd-nested/trace.h"

namespace vtd {

using iommu::Access;
using iommu::CompletionStatus;
using iommu::Count;
using iommu::RequestKind;
using iommu::ResponseCode;
using iommu::TraceClass;
using iommu::TraceLine;
using iommu::TranslationCompletion;

namespace {

constexpr unsigned kPageLog2 = 12;
constexpr unsigned kLargestPageLog2 = 30;

// Read-only with NW where that is supported, else read and write at once. [VTD 5.10 s4.2.3.1]
Request asked_of_tables(const Request& asked, const Capabilities& capabilities) {
    Request request = asked;
    request.kind = RequestKind::Translation;
    request.length = iommu::Length::Some;
    const bool no_write = asked.access == Access::Read && capabilities.nwfs != 0;
    request.access = no_write ? Access::Read : Access::Atomic;
    return request;
}

// What may be asked for when the access lacks a right: the other one.
std::optional<Access> other_right(Access access, const Refusal& refusal) {
    if (access != Access::Atomic || !refusal.fault) return std::nullopt;
    const Condition condition = refusal.fault->condition;
    if (condition == Condition::LGN_2 || condition == Condition::SGN_6) return Access::Read;
    if (condition == Condition::LGN_3 || condition == Condition::SGN_7) return Access::Write;
    return std::nullopt;
}

// Interrupt messages are not translated; with a PASID the range is like any other, unless output equals input.
// [VTD 5.10 s3.15, s4.2.3]
bool asks_for_interrupts(const Request& request, const Config& config) {
    if (!in_interrupt_range(request.iova.value)) return false;
    return !request.pasid || config.route.translate == Translate::PassThrough;
}

// A device may send its messages untranslated. Not a fault. [VTD 5.10 s7.1.3 table 30: S.1, S.2]
TranslationCompletion interrupt_completion(const Request& request) {
    TranslationCompletion completion{.status = CompletionStatus::Success, .address = Pa{request.iova.value}};
    if (!request.writes()) return completion;
    completion.rights = Rights::Write;
    completion.untranslated_only = true;
    return completion;
}

unsigned largest_page_log2(const Capabilities& c) {
    if (c.fs1gp != 0 || (c.sslps & 2) != 0) return kLargestPageLog2;
    return c.fsts != 0 || (c.sslps & 1) != 0 ? 21 : kPageLog2;
}

const char* name(ResponseCode code) {
    switch (code) {
        case ResponseCode::Success: return "Success";
        case ResponseCode::InvalidRequest: return "Invalid Request";
        case ResponseCode::ResponseFailure: return "Response Failure";
    }
    return "?";
}

bool privileged(const Request& request) { return request.pasid && request.privilege == Privilege::Supervisor; }

}  // namespace

// ---- Translation requests. [VTD 5.10 s4.2.3]

TranslationCompletion Unit::translation_request(const Request& asked) {
    const Request request = asked_of_tables(asked, capabilities_);
    // Tickets first, then the gate: what is invalidated from here on cannot be kept.
    const iommu::Iotlb::Ticket ticket = iotlb_.open();
    const ConfigTicket config_ticket = configs_.open();
    const Gate gate = this->gate();
    // Not for this unit, so not a fault of its tables either. [VTD 5.10 s4.2.1]
    if (capabilities_.dt == 0 || !gate.translating()) return deny(request, Refusal{});
    const auto config = configure(request, gate.root(), config_ticket);
    if (!config) return deny(request, Refusal{config.error()});
    if (asks_for_interrupts(request, *config)) {
        translations_.add(Count::Hits);
        return interrupt_completion(request);
    }
    if (const auto kept = find_kept_page(request, *config)) {
        translations_.add(Count::Hits);
        return grant(request, *config, *kept);
    }
    const auto page = find_page(request, *config, {gate, config_ticket.epoch});
    if (!page) return deny(request, page.error());
    if (config->route.translate != Translate::PassThrough) {
        iotlb_.fill(ticket, tlb_tag(request, config->route), request.iova, to_translation(page->path));
    }
    translations_.add(Count::Misses);
    return grant(request, *config, *page);
}

// From the IOTLB, so that software which forgets to invalidate there notices; but only where all that a completion says
// is kept. SNP of the leaf is not, nor whether the page reaches into the interrupt range, as only one in the same block
// of the largest page's size can. [VTD 5.10 s6.5.2.5]
std::optional<Page> Unit::find_kept_page(const Request& request, const Config& config) const {
    const bool leaf_decides = limits_.snoop_control && !config.page_snoop;
    if (config.route.translate == Translate::PassThrough) return std::nullopt;
    if (config.route.translate != Translate::FirstStage && leaf_decides) return std::nullopt;
    const auto kept = find_cached(request, config.route);
    if (!kept || kept->address.value >> kLargestPageLog2 == kInterruptRange >> kLargestPageLog2) return std::nullopt;
    return Page{.path = {kept->address, kept->page_log2, kept->rights}, .snoop = config.page_snoop};
}

// With all rights that the tables leave. A right that is missing is no reason to set a dirty bit for it, nor to keep
// the other one from the device. [VTD 5.10 s7.1.3 table 30: LGN.2, LGN.3, SGN.6, SGN.7]
Result<Page, Refusal> Unit::find_page(const Request& request, const Config& config, const Circumstances& now) {
    auto page = find_and_mark(request, config, now);
    if (page) return page;
    const auto access = other_right(request.access, page.error());
    if (!access) return page;
    Request less = request;
    less.access = *access;
    return find_and_mark(less, config, now);
}

TranslationCompletion Unit::grant(const Request& request, const Config& config, const Page& page) {
    Path path = page.path;
    path.usable = path.usable & needed(request.access);
    // As large as the largest page, though more would be true. [VTD 5.10 s4.2.3]
    if (config.route.translate == Translate::PassThrough) {
        path.page_log2 = std::min(path.page_log2, largest_page_log2(capabilities_));
    }
    if (traces(TraceClass::Translation)) ports_.trace.line(TraceClass::Translation, translation_line(request, path));
    return {.status = CompletionStatus::Success,
            .address = path.address,
            .page_log2 = path.page_log2,
            .rights = path.usable,
            .privileged = privileged(request),
            .no_snoop = page.snoop};
}

TranslationCompletion Unit::deny(const Request& request, const Refusal& refusal) {
    translations_.add(Count::Misses);
    TranslationCompletion completion;
    if (!refusal.fault) {
        translations_.add(Count::Faults);
        if (traces(TraceClass::Fault)) ports_.trace.line(TraceClass::Fault, unsupported_line(request));
        return completion;
    }
    const Fault& fault = *refusal.fault;
    completion.reason = static_cast<std::uint8_t>(fault.condition);
    switch (translation_answer(fault.condition)) {
        case TranslationAnswer::UnsupportedRequest: (void)block(request, refusal); return completion;
        case TranslationAnswer::CompleterAbort:
            (void)block(request, refusal);
            completion.status = CompletionStatus::CompleterAbort;
            return completion;
        case TranslationAnswer::NoTranslation:
        case TranslationAnswer::WhatIsLeft: break;
    }
    completion.status = CompletionStatus::Success;
    completion.privileged = privileged(request);
    // An update that was lost is told to software, too.
    if (fault.condition == Condition::SFS_10) {
        report(request, fault);
    } else if (traces(TraceClass::Fault)) {
        ports_.trace.line(TraceClass::Fault, fault_line(request, fault, {.reported = Reported::Recoverable}));
    }
    return completion;
}

// ---- Translated requests. [VTD 5.10 s4.2.5]

Result<Path, Refusal> Unit::translated(const Request& request) const {
    const Gate gate = this->gate();
    // None of these reaches the tables: they are unsupported, and no fault. PASIDs need PTRS. [VTD 5.10 s4.2.1]
    if (capabilities_.dt == 0 || !gate.translating() || request.pasid) return Err{Refusal{}};
    const LatchedRoot root = gate.root();
    const auto processing = resolve_translated(request, root, capabilities_, memory_);
    if (!processing) return Err{Refusal{processing.error()}};
    const bool legacy = root.mode == TranslationTableMode::Legacy;
    const std::uint64_t address = request.iova.value;
    if ((address & ~iommu::low_bits(limits_.haw)) != 0) {
        return Err{Refusal{Fault{legacy ? Condition::LGN_1 : Condition::SGN_4, *processing, {}}}};
    }
    if (in_interrupt_range(address)) {
        return Err{Refusal{Fault{legacy ? Condition::LGN_4 : Condition::SGN_8, *processing, {}}}};
    }
    if (gate.guarded() && is_protected(Pa{address})) return Err{Refusal{}};
    const unsigned block = gate.guarded() ? kPageLog2 : block_beside_interrupts(address);
    return Path{
        .address = Pa{address}, .page_log2 = std::min<unsigned>(block, limits_.haw), .usable = Rights::ReadWrite};
}

// ---- Page requests. [VTD 5.10 s7.4.1]

void Unit::page_request(const iommu::PageRequest& page) {
    const Gate gate = this->gate();
    Effects effects;
    if (capabilities_.prs == 0 || !gate.translating()) {
        effects = drop_page(page, ResponseCode::ResponseFailure, "not enabled");
    } else if (const auto config = resolve(request_of(page), gate.root(), capabilities_, memory_)) {
        const std::lock_guard lock(mutex_);
        effects = queue_page(page, *config);
    } else {
        (void)block(request_of(page), Refusal{config.error()});
        effects = drop_page(page, ResponseCode::InvalidRequest, "refused");
    }
    perform(effects);
}

// With the lock held.
Effects Unit::queue_page(const iommu::PageRequest& page, const Config& config) {
    // Reset, or switched off, while the tables were read: the queue's registers are not what they were.
    if (!gate().translating()) return drop_page(page, ResponseCode::ResponseFailure, "not enabled");
    switch (page_queue(registers_)) {
        case PageQueue::Ready: break;
        case PageQueue::Overflow: return drop_page(page, ResponseCode::Success, "lost (PRO)");
        case PageQueue::Full: {
            Effects effects = page_queue_overflowed(registers_);
            effects.append(drop_page(page, ResponseCode::Success, "lost, the queue is full: PRO=1"));
            return effects;
        }
    }
    iommu::drop(implicit_invalidation(page, config, capabilities_), iotlb_);
    const std::uint64_t tail = registers_.get<PQT>().in_place<PQT::PQT_>();
    auto queued = queue_page_request(page, registers_, memory_);
    // The manual has no condition for it. As with any other error before the queue, only this group suffers.
    if (!queued) return drop_page(page, ResponseCode::InvalidRequest, "lost, the queue is not in memory");
    Effects effects;
    if (traces(TraceClass::Queue)) {
        const std::string where = iommu::format("queued at 0x%x", static_cast<unsigned>(tail));
        effects.add(TraceLine{TraceClass::Queue, page_request_line(page, where)});
    }
    effects.append(std::move(*queued));
    return effects;
}

// Software will not see it.
Effects Unit::drop_page(const iommu::PageRequest& page, ResponseCode code, std::string_view why) {
    const auto response = automatic_response(page, code);
    Effects effects;
    if (traces(TraceClass::Queue)) {
        std::string outcome{why};
        if (response) outcome += std::string(", answered ") + name(code);
        effects.add(TraceLine{TraceClass::Queue, page_request_line(page, outcome)});
    }
    if (response) effects.append(respond(*response));
    return effects;
}

}  // namespace vtd
