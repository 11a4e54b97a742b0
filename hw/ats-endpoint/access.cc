// SPDX-License-Identifier: GPL-2.0-or-later
//
// One transaction on the bus. No lock is held while a port is called.
#include <algorithm>

#include "ats-endpoint/device.h"

namespace endpoint {

namespace {

// How often an access asks for its translation anew because an Invalidate Request came in between.
constexpr unsigned kMostAttempts = 8;
// How often an atomic loses against a processor that stores to the same place.
constexpr unsigned kMostExchanges = 1000;

Outcome failed(Code code, std::uint8_t reason = 0) { return {.code = code, .reason = reason}; }

iommu::Request request_of(const Job& job, iommu::RequestKind kind) {
    const Operation& operation = job.operation;
    const bool nothing = moves_memory(operation.op) && job.step.bytes == 0;
    return {.requester = job.requester,
            .pasid = operation.pasid,
            .iova = Iova{job.step.address},
            .access = job.step.access,
            .privilege = operation.privilege,
            .execute = operation.execute,
            .length = nothing ? iommu::Length::Zero : iommu::Length::Some,
            .kind = kind};
}

// Without NW a translation request asks for writing too. [PCIe 6.0 s10.2.2]
iommu::Request translation_request_of(const Job& job) {
    iommu::Request request = request_of(job, iommu::RequestKind::Translation);
    if (request.access == iommu::Access::Write) request.access = iommu::Access::Atomic;
    request.length = iommu::Length::Some;
    return request;
}

Code to_code(iommu::CompletionStatus status) {
    switch (status) {
        case iommu::CompletionStatus::Success: return Code::Success;
        case iommu::CompletionStatus::UnsupportedRequest: return Code::UnsupportedRequest;
        case iommu::CompletionStatus::CompleterAbort: return Code::CompleterAbort;
    }
    return Code::UnsupportedRequest;
}

template <class Given>
bool allows(const Given& given, const Job& job) {
    const bool executes = job.operation.execute == iommu::Execute::Yes;
    return iommu::covers(given.rights, iommu::needed(job.step.access)) && (!executes || given.execute);
}

std::uint64_t modified(const Operation& operation, std::uint64_t old) {
    const std::uint64_t mask = iommu::low_bits(8 * operation.atomic_bytes);
    switch (operation.op) {
        case Op::FetchAdd: return (old + operation.operand) & mask;
        case Op::CompareSwap: return old == (operation.compare & mask) ? operation.operand & mask : old;
        default: return operation.operand & mask;
    }
}

}  // namespace

Outcome Endpoint::carry_out(Job& job) {
    if (job.operation.op == Op::TranslationRequest) return request_translation(job);
    switch (job.operation.via) {
        case Via::Untranslated: return untranslated(job);
        case Via::Atc: return through_atc(job);
        case Via::Translated: return translated(job, Pa{job.step.address});
    }
    return failed(Code::Refused);
}

Outcome Endpoint::request_translation(const Job& job) {
    const auto completion = ask(translation_request_of(job));
    return {.code = to_code(completion.status), .reason = completion.reason, .completion = completion};
}

iommu::TranslationCompletion Endpoint::ask(const iommu::Request& request) {
    {
        const std::lock_guard lock(mutex_);
        count<TRANSLATION_REQUESTS>(registers_);
    }
    auto completion = ports_.upstream.translation_request(request);
    completion.page_log2 = std::min(completion.page_log2, 64u);
    return completion;
}

// A step stays inside 4 KiB, and no unit's pages are smaller: one answer serves all of it.
Outcome Endpoint::untranslated(Job& job) {
    const auto can_stall = job.operation.can_stall ? CanStall::Yes : CanStall::No;
    const auto reply = ports_.upstream.translate(request_of(job, iommu::RequestKind::Untranslated), can_stall);
    if (!reply) return touch(job, Space::Bus, job.step.address);
    switch (reply->outcome) {
        case iommu::Outcome::Translated: return touch(job, Space::Physical, reply->translation.address.value);
        case iommu::Outcome::Stalled: return {.wait = Wait::Stalled, .stall_tag = reply->stall_tag};
        case iommu::Outcome::Blocked: return failed(Code::UnsupportedRequest, reply->reason);
        case iommu::Outcome::Discarded: break;
    }
    std::fill(job.data.begin(), job.data.end(), std::byte{0});
    return {.code = Code::Success};
}

// The unit may refuse it, or take the address on trust. No prefix: the address says it all.
Outcome Endpoint::translated(Job& job, Pa address) {
    iommu::Request request = request_of(job, iommu::RequestKind::Translated);
    request.iova = Iova{address.value};
    if (job.operation.via == Via::Atc) request.pasid.reset();
    const auto reply = ports_.upstream.translate(request, CanStall::No);
    if (!reply) return failed(Code::UnsupportedRequest);
    if (reply->outcome != iommu::Outcome::Translated) return failed(Code::UnsupportedRequest, reply->reason);
    return touch(job, Space::Physical, reply->translation.address.value);
}

// With ATS off as any device: untranslated. Else with a translation of its own, which it asks for when there is none
// that allows the access. One that allows nothing more when asked again calls for the page. [PCIe 6.0 s10.2.3]
Outcome Endpoint::through_atc(Job& job) {
    const AtcTag tag{job.operation.pasid, job.operation.privilege};
    const Iova iova{job.step.address};
    for (unsigned attempt = 0; attempt < kMostAttempts; ++attempt) {
        std::uint64_t before = 0;
        std::optional<AtcEntry> entry;
        {
            const std::lock_guard lock(mutex_);
            if (config_.ats.get<ATS_CAPABILITY::E>() == 0) break;
            entry = atc_.find(tag, iova);
            const bool hit = entry && (entry->untranslated_only || allows(*entry, job));
            if (attempt == 0 && hit) count<ATC_HITS>(registers_);
            if (attempt == 0 && !hit) count<ATC_MISSES>(registers_);
            if (!hit) entry.reset();
            accessing_ = hit;
            before = invalidations_;
        }
        if (entry) return use_entry(job, *entry);
        const auto completion = ask(translation_request_of(job));
        if (completion.status != iommu::CompletionStatus::Success)
            return {.code = to_code(completion.status), .reason = completion.reason, .completion = completion};
        const std::lock_guard lock(mutex_);
        if (invalidations_ != before) continue;
        if (completion.rights != iommu::Rights::None || completion.untranslated_only) keep(tag, iova, completion);
        if (!completion.untranslated_only && !allows(completion, job)) return {.wait = Wait::Response};
    }
    return untranslated(job);
}

void Endpoint::keep(const AtcTag& tag, Iova iova, const iommu::TranslationCompletion& completion) {
    count<ATC_FILLS>(registers_);
    if (atc_.fill(AtcEntry::of(tag, iova, completion)) == Atc::Filled::Evicted) count<ATC_EVICTIONS>(registers_);
}

// Until it is over, no Invalidate Completion leaves.
Outcome Endpoint::use_entry(Job& job, const AtcEntry& entry) {
    const Outcome outcome =
        entry.untranslated_only ? untranslated(job) : translated(job, entry.translate(Iova{job.step.address}));
    {
        const std::lock_guard lock(mutex_);
        accessing_ = false;
    }
    send_answers();
    return outcome;
}

// ---- Memory

Outcome Endpoint::touch(Job& job, Space space, std::uint64_t address) {
    if (is_atomic(job.operation.op)) return exchange(job, space, address);
    if (job.data.empty()) return {.code = Code::Success};
    const bool done = job.step.access == iommu::Access::Write ? ports_.memory.write(space, address, job.data)
                                                              : ports_.memory.read(space, address, job.data);
    return done ? Outcome{.code = Code::Success} : failed(Code::UnsupportedRequest);
}

// The first guess is 0; a wrong one tells the right one.
Outcome Endpoint::exchange(const Job& job, Space space, std::uint64_t address) {
    const unsigned bytes = job.operation.atomic_bytes;
    std::uint64_t expected = 0;
    for (unsigned tried = 0; tried < kMostExchanges; ++tried) {
        const auto found =
            ports_.memory.compare_exchange(space, address, bytes, expected, modified(job.operation, expected));
        if (!found) return failed(Code::UnsupportedRequest);
        if (*found == expected) return {.code = Code::Success, .old_value = *found};
        expected = *found;
    }
    return failed(Code::CompleterAbort);
}

}  // namespace endpoint
