// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/capi_convert.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace iommu {

namespace {

constexpr std::uint32_t kMinIotlbEntries = 64;
constexpr std::uint32_t kMaxIotlbEntries = 1048576;
constexpr unsigned kPageLog2 = 12;
constexpr unsigned kPageRequestIndexBits = 9;

std::uint32_t rights_to_c(Rights rights) {
    std::uint32_t flags = 0;
    if (covers(rights, Rights::Read)) flags |= IOMMU_REQUEST_READ;
    if (covers(rights, Rights::Write)) flags |= IOMMU_REQUEST_WRITE;
    return flags;
}

std::uint32_t outcome_to_c(Outcome outcome) {
    switch (outcome) {
        case Outcome::Translated: return IOMMU_TRANSLATED;
        case Outcome::Blocked: return IOMMU_BLOCKED;
        case Outcome::Discarded: return IOMMU_DISCARDED;
        case Outcome::Stalled: return IOMMU_STALLED;
    }
    return IOMMU_BLOCKED;
}

RequesterId requester_from_c(std::uint32_t requester, unsigned bits) {
    return RequesterId{static_cast<std::uint32_t>(requester & low_bits(bits))};
}

RequestKind kind_from_c(std::uint32_t kind) {
    switch (kind) {
        case IOMMU_REQUEST_DEBUG: return RequestKind::Debug;
        case IOMMU_REQUEST_TRANSLATION: return RequestKind::Translation;
        case IOMMU_REQUEST_TRANSLATED: return RequestKind::Translated;
        default: return RequestKind::Untranslated;
    }
}

}  // namespace

bool CPorts::complete(const iommu_ports& ports) {
    return ports.size == sizeof ports && ports.written && ports.send_msi && ports.listening && ports.unmap &&
           ports.gate_changed && ports.kick && ports.now_ns && ports.deadline_changed && ports.invalidate &&
           ports.respond && ports.keeps_out && ports.drain && ports.trace;
}

void CPorts::written(Pa address, std::uint64_t size) { ports_.written(ports_.opaque, address.value, size); }

bool CPorts::send_msi(std::uint64_t address, std::uint32_t data) {
    return ports_.send_msi(ports_.opaque, address, data);
}

void CPorts::unmap(const IovaRange& range) {
    const iommu_unmap what{1, 0, range.first.value, range.last.value};
    ports_.unmap(ports_.opaque, &what);
}

void CPorts::gate_changed(bool translating) { ports_.gate_changed(ports_.opaque, translating); }

std::uint64_t CPorts::now_ns() { return ports_.now_ns(ports_.opaque); }

void CPorts::kick() { ports_.kick(ports_.opaque); }

void CPorts::deadline_changed() { ports_.deadline_changed(ports_.opaque); }

void CPorts::invalidate(const InvalidateRequest& request) {
    const iommu_invalidate_request message{.requester = request.requester.value,
                                           .pasid = pasid_to_c(request.pasid),
                                           .first = request.range.first.value,
                                           .last = request.range.last.value,
                                           .itag = request.itag,
                                           .global = request.global ? 1u : 0u};
    ports_.invalidate(ports_.opaque, &message);
}

void CPorts::respond(const PageGroupResponse& response) {
    const iommu_page_response message{.requester = response.requester.value,
                                      .pasid = pasid_to_c(response.pasid),
                                      .index = response.index,
                                      .code = static_cast<std::uint32_t>(response.code)};
    ports_.respond(ports_.opaque, &message);
}

DmaUsers::Drained CPorts::drain(std::uint64_t ticket) {
    if (none()) return Drained::Now;
    return ports_.drain(ports_.opaque, ticket) ? Drained::Later : Drained::Now;
}

void CPorts::line(TraceClass trace_class, std::string_view text) {
    const std::string terminated(text);
    ports_.trace(ports_.opaque, static_cast<std::uint32_t>(trace_class), terminated.c_str());
}

std::uint32_t pasid_to_c(const std::optional<Pasid>& pasid) { return pasid ? pasid->value : IOMMU_NO_PASID; }

std::optional<Pasid> pasid_from_c(std::uint32_t pasid) {
    if (pasid == IOMMU_NO_PASID) return std::nullopt;
    return Pasid{pasid & (kPasidLimit - 1)};
}

Request request_from_c(const iommu_request& request, unsigned requester_bits) {
    Request result;
    result.requester = requester_from_c(request.requester, requester_bits);
    result.pasid = pasid_from_c(request.pasid);
    result.iova = Iova{request.iova};
    const bool reads = (request.flags & IOMMU_REQUEST_READ) != 0;
    const bool writes = (request.flags & IOMMU_REQUEST_WRITE) != 0;
    if (writes) result.access = reads ? Access::Atomic : Access::Write;
    if ((request.flags & IOMMU_REQUEST_PRIVILEGED) != 0) result.privilege = Privilege::Supervisor;
    if ((request.flags & IOMMU_REQUEST_EXECUTE) != 0) result.execute = Execute::Yes;
    if ((request.flags & IOMMU_REQUEST_ZERO_LENGTH) != 0) result.length = Length::Zero;
    result.kind = kind_from_c(request.kind);
    return result;
}

iommu_reply reply_to_c(const Reply& reply) {
    return {.outcome = outcome_to_c(reply.outcome),
            .rights = rights_to_c(reply.translation.rights),
            .address = reply.translation.address.value,
            .page_log2 = reply.translation.page_log2,
            .reason = reply.reason,
            .stall_tag = reply.stall_tag,
            .reserved = 0};
}

iommu_translation_completion completion_to_c(const TranslationCompletion& completion) {
    std::uint32_t rights = rights_to_c(completion.rights);
    if (completion.execute) rights |= IOMMU_REQUEST_EXECUTE;
    std::uint32_t flags = 0;
    if (completion.privileged) flags |= IOMMU_COMPLETION_PRIVILEGED;
    if (completion.global) flags |= IOMMU_COMPLETION_GLOBAL;
    if (completion.untranslated_only) flags |= IOMMU_COMPLETION_UNTRANSLATED_ONLY;
    if (completion.no_snoop) flags |= IOMMU_COMPLETION_NO_SNOOP;
    return {.status = static_cast<std::uint32_t>(completion.status),
            .rights = rights,
            .address = completion.address.value,
            .page_log2 = completion.page_log2,
            .flags = flags,
            .reason = completion.reason,
            .reserved = 0};
}
static_assert(static_cast<unsigned>(CompletionStatus::Success) == IOMMU_COMPLETION_SUCCESS);
static_assert(static_cast<unsigned>(CompletionStatus::UnsupportedRequest) == IOMMU_COMPLETION_UNSUPPORTED_REQUEST);
static_assert(static_cast<unsigned>(CompletionStatus::CompleterAbort) == IOMMU_COMPLETION_COMPLETER_ABORT);

InvalidateCompletion completion_from_c(const iommu_invalidate_completion& completion, unsigned requester_bits) {
    return {.requester = requester_from_c(completion.requester, requester_bits),
            .itag_vector = completion.itag_vector,
            .count = completion.count};
}

PageRequest page_request_from_c(const iommu_page_request& request, unsigned requester_bits) {
    return {.requester = requester_from_c(request.requester, requester_bits),
            .pasid = pasid_from_c(request.pasid),
            .address = Iova{request.address & ~low_bits(kPageLog2)},
            .read = (request.flags & IOMMU_REQUEST_READ) != 0,
            .write = (request.flags & IOMMU_REQUEST_WRITE) != 0,
            .execute = (request.flags & IOMMU_REQUEST_EXECUTE) != 0,
            .privileged = (request.flags & IOMMU_REQUEST_PRIVILEGED) != 0,
            .last = request.last != 0,
            .index = static_cast<std::uint16_t>(request.index & low_bits(kPageRequestIndexBits))};
}

std::vector<RamRange> ram_from_c(const iommu_ram_range* ranges, size_t count) {
    std::vector<RamRange> converted;
    converted.reserve(count);
    for (size_t i = 0; i < count; ++i) {
        converted.push_back({Pa{ranges[i].address}, ranges[i].size, static_cast<std::byte*>(ranges[i].host)});
    }
    return converted;
}

void tell(std::string_view sentence, char* why, size_t why_size) {
    if (why == nullptr || why_size == 0) return;
    const size_t length = std::min(sentence.size(), why_size - 1);
    std::memcpy(why, sentence.data(), length);
    why[length] = '\0';
}

std::string refused(const Tuning& tuning) {
    const std::uint32_t entries = tuning.iotlb_entries;
    if (tuning.invalidate_timeout_ms == 0) return "invalidate-timeout-ms=0 leaves no time to answer; use 1 or more";
    if (std::has_single_bit(entries) && entries >= kMinIotlbEntries && entries <= kMaxIotlbEntries) return {};
    return "iotlb-entries=" + std::to_string(entries) + " must be a power of two from " +
           std::to_string(kMinIotlbEntries) + " to " + std::to_string(kMaxIotlbEntries);
}

}  // namespace iommu
