// SPDX-License-Identifier: GPL-2.0-or-later
#include "vtd-nested/report.h"

#include "iommu/address.h"

namespace vtd {

using iommu::Request;
using iommu::RequestKind;

namespace {

std::uint16_t low_at(unsigned index) { return static_cast<std::uint16_t>(kFrcdOffset + 16 * index); }
std::uint16_t high_at(unsigned index) { return static_cast<std::uint16_t>(low_at(index) + 8); }

FaultedRequest type_of(const Request& request) {
    if (request.kind == RequestKind::Page) return FaultedRequest::PageRequest;
    if (request.kind == RequestKind::Translation) return FaultedRequest::Read;  // which it is on the link
    switch (request.access) {
        case iommu::Access::Read: return FaultedRequest::Read;
        case iommu::Access::Write: return FaultedRequest::Write;
        case iommu::Access::Atomic: return FaultedRequest::AtomicOp;
    }
    return FaultedRequest::Write;
}

// AT as it was in the request; a page request is a message and has none.
AddressType address_type_of(const Request& request) {
    switch (request.kind) {
        case RequestKind::Translation: return AddressType::TranslationRequest;
        case RequestKind::Translated: return AddressType::Translated;
        case RequestKind::Untranslated:
        case RequestKind::Debug:
        case RequestKind::Page: break;
    }
    return AddressType::Untranslated;
}

// Any of the status bits that share the fault event.
bool cause_stands(const RegisterFile& registers) {
    const auto fsts = registers.get<FSTS>();
    constexpr std::uint32_t causes =
        FSTS::PPF::mask | FSTS::PFO::mask | FSTS::IQE::mask | FSTS::ICE::mask | FSTS::ITE::mask;
    return (fsts.raw() & causes) != 0;
}

}  // namespace

Report FaultRecorder::record(const Request& request, const Fault& fault, std::uint64_t now_ns,
                             RegisterFile& registers) {
    Report report;
    if (!fault.recorded()) return report;
    // Only what QEMU's memory accesses bring comes in pieces.
    const bool whole = request.kind != RequestKind::Untranslated;
    if (!whole && transactions_.continues(request, static_cast<unsigned>(fault.condition), now_ns)) {
        report.reported = Reported::Merged;
        return report;
    }
    const auto fsts = registers.get<FSTS>();
    report.reported = Reported::Overflowed;
    if (fsts.get<FSTS::PFO>() != 0) return report;
    if (registers.get<FRCD_HI>(high_at(next_)).get<FRCD_HI::F>() != 0) {
        registers.set(fsts.with<FSTS::PFO>(1));
        return report;
    }
    report.reported = Reported::Recorded;
    report.index = next_;
    const bool announce = !cause_stands(registers);
    write_record(next_, request, fault, registers);
    if (fsts.get<FSTS::PPF>() == 0) registers.set(fsts.with<FSTS::FRI>(next_).with<FSTS::PPF>(1));
    next_ = (next_ + 1) % count_;
    if (announce) report.effects = raise(Event::Fault, registers);
    return report;
}

void FaultRecorder::write_record(unsigned index, const Request& request, const Fault& fault,
                                 RegisterFile& registers) const {
    const FaultedRequest type = type_of(request);
    auto high = Value<FRCD_HI>{}
                    .with<FRCD_HI::SID>(request.requester.value)
                    .with<FRCD_HI::T1>(type_bit1(type))
                    .with<FRCD_HI::T2>(type_bit2(type))
                    .with<FRCD_HI::FR>(static_cast<std::uint64_t>(fault.condition))
                    .with<FRCD_HI::AT>(static_cast<std::uint64_t>(address_type_of(request)))
                    .with<FRCD_HI::F>(1);
    // What the PASID prefix said. A request without one has PP=0, whatever RID_PASID it used.
    if (request.pasid && records_pasid_) {
        const bool execute = request.execute == iommu::Execute::Yes && type == FaultedRequest::Read;
        high = high.with<FRCD_HI::PP>(1)
                   .with<FRCD_HI::PV>(request.pasid->value)
                   .with<FRCD_HI::PRIV>(request.privilege == iommu::Privilege::Supervisor ? 1 : 0)
                   .with<FRCD_HI::EXE>(execute ? 1 : 0);
    }
    // An interrupt fault has no address; FI is undefined, 0 here.
    const std::uint64_t address = fault.condition == Condition::INT_29 ? 0 : request.iova.value;
    registers.set(Value<FRCD_LO>{}.with_in_place<FRCD_LO::FI>(address & iommu::low_bits(fault_bits_)), low_at(index));
    registers.set(high, high_at(index));
}

void FaultRecorder::status_written(RegisterFile& registers) const {
    bool pending = false;
    for (unsigned index = 0; index < count_; ++index) {
        pending = pending || registers.get<FRCD_HI>(high_at(index)).get<FRCD_HI::F>() != 0;
    }
    registers.set(registers.get<FSTS>().with<FSTS::PPF>(pending ? 1 : 0));
    if (!cause_stands(registers)) settle(Event::Fault, registers);
}

Effects FaultRecorder::set_status(std::uint32_t bits, RegisterFile& registers) {
    const bool announce = !cause_stands(registers);
    registers.set(Value<FSTS>{registers.get<FSTS>().raw() | bits});
    return announce ? raise(Event::Fault, registers) : Effects{};
}

}  // namespace vtd
