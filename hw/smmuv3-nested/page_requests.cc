// SPDX-License-Identifier: GPL-2.0-or-later
#include "smmuv3-nested/page_requests.h"

#include <algorithm>

#include "iommu/address.h"
#include "smmuv3-nested/device.h"
#include "smmuv3-nested/trace.h"

namespace smmuv3 {

using iommu::low_bits;
using iommu::PageGroupResponse;
using iommu::PageRequest;
using iommu::ResponseCode;
using iommu::TraceClass;

namespace {

constexpr unsigned kEntryLog2 = 4;  // bytes

}  // namespace

Value<PageRequestEntry> page_request_entry(const PageRequest& request) {
    using E = PageRequestEntry;
    auto entry = Value<E>{}
                     .with<E::StreamID>(request.requester.value)
                     .with<E::R>(request.read ? 1 : 0)
                     .with<E::W>(request.write ? 1 : 0)
                     .with<E::Last>(request.last ? 1 : 0)
                     .with<E::PRGIndex>(request.index)
                     .with_in_place<E::PageAddress>(request.address.value);
    if (!request.pasid) return entry;
    return entry.with<E::SSV>(1)
        .with<E::SubstreamID>(request.pasid->value)
        .with<E::X>(request.execute ? 1 : 0)
        .with<E::Priv>(request.privileged ? 1 : 0);
}

iommu::WrapRing PageRequestQueue::ring(const RegisterFile& registers) const {
    const auto base = registers.get<PRIQ_BASE>();
    const auto log2 =
        static_cast<unsigned>(std::min<std::uint64_t>(base.get<PRIQ_BASE::LOG2SIZE>(), capabilities_.priqs));
    const std::uint64_t address = base.in_place<PRIQ_BASE::ADDR>() & low_bits(capabilities_.output_bits());
    return {.base = iommu::Pa{address & ~low_bits(log2 + kEntryLog2)}, .entry_log2 = kEntryLog2, .entries_log2 = log2};
}

// PRIQEN counts with SMMUEN only. An overflow that was not acknowledged keeps entries out though there be room. [SMMU
// G.b s6.3.9.5, s8.1, s8.2]
Admitted PageRequestQueue::room(const RegisterFile& registers) const {
    const auto cr0 = registers.get<CR0>();
    const bool on = cr0.get<CR0::PRIQEN>() != 0 && cr0.get<CR0::SMMUEN>() != 0;
    if (!on || Signals::active(GERROR::PRIQ_ABT_ERR::mask, registers)) return Admitted::Off;
    const auto prod = registers.get<PRIQ_PROD>();
    const auto cons = registers.get<PRIQ_CONS>();
    const bool overflow = prod.get<PRIQ_PROD::OVFLG>() != cons.get<PRIQ_CONS::OVACKFLG>();
    const auto producer = static_cast<std::uint32_t>(prod.get<PRIQ_PROD::WR>());
    const auto consumer = static_cast<std::uint32_t>(cons.get<PRIQ_CONS::RD>());
    return overflow || ring(registers).full(producer, consumer) ? Admitted::Overflow : Admitted::Queued;
}

// The entry first, then PROD, then the interrupt.
Admission PageRequestQueue::append(const PageRequest& request, RegisterFile& registers,
                                   iommu::GuestMemory& memory) const {
    const iommu::WrapRing queue = ring(registers);
    const auto prod = registers.get<PRIQ_PROD>();
    const auto producer = static_cast<std::uint32_t>(prod.get<PRIQ_PROD::WR>());
    const auto consumer = static_cast<std::uint32_t>(registers.get<PRIQ_CONS>().get<PRIQ_CONS::RD>());
    if (!memory.store_words(queue.at(producer), page_request_entry(request).raw())) {
        return {Admitted::Aborted, signals_.global_errors(GERROR::PRIQ_ABT_ERR::mask, registers)};
    }
    registers.set(prod.with<PRIQ_PROD::WR>(queue.next(producer)));
    const bool was_empty = queue.empty(producer, consumer);
    return {Admitted::Queued, signals_.page_request_queue(request.last, was_empty, registers)};
}

Admission PageRequestQueue::admit(const PageRequest& request, RegisterFile& registers,
                                  iommu::GuestMemory& memory) const {
    const Admitted admitted = room(registers);
    if (admitted == Admitted::Queued) return append(request, registers, memory);
    if (admitted != Admitted::Overflow) return {admitted, {}};
    const auto prod = registers.get<PRIQ_PROD>();
    if (prod.get<PRIQ_PROD::OVFLG>() == registers.get<PRIQ_CONS>().get<PRIQ_CONS::OVACKFLG>()) {
        registers.set(prod.with<PRIQ_PROD::OVFLG>(prod.get<PRIQ_PROD::OVFLG>() ^ 1));
    }
    return {Admitted::Overflow, signals_.page_request_queue(request.last, false, registers)};
}

// ---- Unit

// The request as the SMMU sees it: without substreams in the unit none has a SubstreamID.
void Unit::page_request(const PageRequest& asked) {
    if (capabilities_.pri == 0) return;
    PageRequest request = asked;
    if (capabilities_.ssidsize == 0) request.pasid.reset();
    Admission admission;
    {
        const std::lock_guard lock(mutex_);
        admission = PageRequestQueue(capabilities_).admit(request, registers_, memory_);
    }
    perform(admission.effects);
    const auto response = automatic_response(request, admission.admitted);
    if (traces(TraceClass::Queue)) {
        ports_.trace.line(TraceClass::Queue, page_request_line(request, admission.admitted, response));
    }
    if (response) ports_.endpoints.respond(*response);
}

// [SMMU G.b s8.1, s8.2]
std::optional<PageGroupResponse> Unit::automatic_response(const PageRequest& request, Admitted admitted) {
    if (request.stop_marker() || admitted == Admitted::Queued) return std::nullopt;
    PageGroupResponse response{.requester = request.requester,
                               .pasid = std::nullopt,
                               .index = request.index,
                               .code = ResponseCode::ResponseFailure};
    if (admitted != Admitted::Overflow) return response;
    if (!request.last) return std::nullopt;
    response.code = ResponseCode::Success;
    if (!request.pasid) return response;
    if (capabilities_.pps != 0) {
        response.pasid = request.pasid;
        return response;
    }
    const auto ppar = look_up_ppar(request);
    if (!ppar) response.code = ResponseCode::ResponseFailure;
    if (ppar && *ppar) response.pasid = request.pasid;
    return response;
}

// Whether the device wants its PASID back. Nothing without a legal STE.
std::optional<bool> Unit::look_up_ppar(const PageRequest& page_request) {
    Request request;
    request.kind = iommu::RequestKind::Translation;
    request.requester = page_request.requester;
    request.pasid = page_request.pasid;
    request.iova = page_request.address;
    const StreamTable table = stream_table_now();
    const auto ste = Resolver(table, capabilities_, memory_).find_ste(request);
    if (ste) return ste->get<STE::PPAR>() != 0;
    const Refusal& refusal = ste.error();
    if (refusal.fault) refuse(request, *refusal.fault, CanStall::No);
    return std::nullopt;
}

}  // namespace smmuv3
