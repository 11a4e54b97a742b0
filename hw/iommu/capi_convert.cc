// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/capi_convert.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace iommu {

namespace {

constexpr std::uint32_t kMinIotlbEntries = 64;
constexpr std::uint32_t kMaxIotlbEntries = 1048576;

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

}  // namespace

bool CPorts::complete(const iommu_ports& ports) {
    return ports.size == sizeof ports && ports.written && ports.send_msi && ports.unmap && ports.gate_changed &&
           ports.kick && ports.now_ns && ports.trace;
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

void CPorts::line(TraceClass trace_class, std::string_view text) {
    const std::string terminated(text);
    ports_.trace(ports_.opaque, static_cast<std::uint32_t>(trace_class), terminated.c_str());
}

Request request_from_c(const iommu_request& request, unsigned requester_bits) {
    Request result;
    result.requester = RequesterId{static_cast<std::uint32_t>(request.requester & low_bits(requester_bits))};
    if (request.pasid != IOMMU_NO_PASID) result.pasid = Pasid{request.pasid & (kPasidLimit - 1)};
    result.iova = Iova{request.iova};
    const bool reads = (request.flags & IOMMU_REQUEST_READ) != 0;
    const bool writes = (request.flags & IOMMU_REQUEST_WRITE) != 0;
    if (writes) result.access = reads ? Access::Atomic : Access::Write;
    if ((request.flags & IOMMU_REQUEST_PRIVILEGED) != 0) result.privilege = Privilege::Supervisor;
    if ((request.flags & IOMMU_REQUEST_EXECUTE) != 0) result.execute = Execute::Yes;
    if ((request.flags & IOMMU_REQUEST_ZERO_LENGTH) != 0) result.length = Length::Zero;
    if (request.kind == IOMMU_REQUEST_DEBUG) result.kind = RequestKind::Debug;
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

std::string refused_iotlb_entries(std::uint32_t entries) {
    if (std::has_single_bit(entries) && entries >= kMinIotlbEntries && entries <= kMaxIotlbEntries) return {};
    return "iotlb-entries=" + std::to_string(entries) + " must be a power of two from " +
           std::to_string(kMinIotlbEntries) + " to " + std::to_string(kMaxIotlbEntries);
}

}  // namespace iommu
