// SPDX-License-Identifier: GPL-2.0-or-later
#include "vtd-nested/page_requests.h"

namespace vtd {

using iommu::Iova;
using iommu::IovaRange;
using iommu::TlbDrop;

namespace {

constexpr unsigned kPageLog2 = 12;
constexpr unsigned kDescriptorLog2 = 5;
constexpr unsigned kDescriptorsPerPageLog2 = kPageLog2 - kDescriptorLog2;

// A cause that comes while another one stands is no new event. [VTD 5.10 s7.5]
Effects set_status(std::uint32_t bit, RegisterFile& registers) {
    const auto prs = registers.get<PRS>();
    registers.set(Value<PRS>{prs.raw() | bit});
    return prs.raw() == 0 ? raise(Event::PageRequest, registers) : Effects{};
}

}  // namespace

Request request_of(const iommu::PageRequest& page) {
    return {.requester = page.requester,
            .pasid = page.pasid,
            .iova = page.address,
            .access = page.write ? iommu::Access::Write : iommu::Access::Read,
            .privilege = page.privileged ? Privilege::Supervisor : Privilege::User,
            .kind = iommu::RequestKind::Page};
}

Value<PageRequestDescriptor> descriptor_of(const iommu::PageRequest& page) {
    using D = PageRequestDescriptor;
    auto descriptor = Value<D>{}
                          .with<D::TYPE>(D::type)
                          .with<D::RID>(page.requester.value)
                          .with<D::RDR>(page.read ? 1 : 0)
                          .with<D::WRR>(page.write ? 1 : 0)
                          .with<D::LPIG>(page.last ? 1 : 0)
                          .with<D::PRGI>(page.index)
                          .with_in_place<D::ADDR>(page.address.value);
    if (!page.pasid) return descriptor;
    return descriptor.with<D::PP>(1)
        .with<D::PASID>(page.pasid->value)
        .with<D::EXR>(page.execute ? 1 : 0)
        .with<D::PMR>(page.privileged ? 1 : 0);
}

iommu::GuestRing page_request_ring(Value<PQA> pqa) {
    const auto pages_log2 = static_cast<unsigned>(pqa.get<PQA::PQS>());
    return {.base = Pa{pqa.in_place<PQA::PQA_>()},
            .entry_log2 = kDescriptorLog2,
            .entries_log2 = kDescriptorsPerPageLog2 + pages_log2};
}

TlbDrop implicit_invalidation(const iommu::PageRequest& page, const Config& config, const Capabilities& capabilities) {
    TlbDrop drop{.domain = config.route.domain, .space = config.route.space};
    const std::uint64_t second_address = page.address.value & iommu::low_bits(capabilities.guest_width());
    switch (config.route.translate) {
        case Translate::FirstStage:
            drop.scope = TlbDrop::Scope::FirstRange;
            drop.range = IovaRange::aligned(page.address, kPageLog2);
            break;
        case Translate::Nested: drop.scope = TlbDrop::Scope::Domain; break;
        case Translate::SecondStage:
        case Translate::PassThrough:
            drop.scope = TlbDrop::Scope::SecondRange;
            drop.range = IovaRange::aligned(Iova{second_address}, kPageLog2);
            break;
    }
    return drop;
}

// Bits of PQH and PQT beyond the queue's size do not count.
PageQueue page_queue(const RegisterFile& registers) {
    if (registers.get<PRS>().get<PRS::PRO>() != 0) return PageQueue::Overflow;
    const iommu::GuestRing ring = page_request_ring(registers.get<PQA>());
    const std::uint64_t head = registers.get<PQH>().in_place<PQH::PQH_>() & (ring.bytes() - 1);
    const std::uint64_t tail = registers.get<PQT>().in_place<PQT::PQT_>();
    return ring.full(head, tail) ? PageQueue::Full : PageQueue::Ready;
}

Effects page_queue_overflowed(RegisterFile& registers) { return set_status(PRS::PRO::mask, registers); }

std::optional<Effects> queue_page_request(const iommu::PageRequest& page, RegisterFile& registers,
                                          GuestMemory& memory) {
    const iommu::GuestRing ring = page_request_ring(registers.get<PQA>());
    const auto pqt = registers.get<PQT>();
    const std::uint64_t tail = pqt.in_place<PQT::PQT_>();
    if (!memory.store_words(ring.at(tail), descriptor_of(page).words())) return std::nullopt;
    registers.set(pqt.with_in_place<PQT::PQT_>(ring.next(tail)));
    return set_status(PRS::PPR::mask, registers);
}

std::optional<iommu::PageGroupResponse> automatic_response(const iommu::PageRequest& page, iommu::ResponseCode code) {
    if (!page.last || page.stop_marker()) return std::nullopt;
    return iommu::PageGroupResponse{
        .requester = page.requester, .pasid = page.pasid, .index = page.index, .code = code};
}

Effects respond(const iommu::PageGroupResponse& response) {
    Effects effects;
    effects.add(iommu::SendResponse{response});
    return effects;
}

}  // namespace vtd
