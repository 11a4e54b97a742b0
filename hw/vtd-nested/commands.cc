// SPDX-License-Identifier: GPL-2.0-or-later
#include "vtd-nested/commands.h"

#include <bit>

namespace vtd {

using iommu::ConfigDrop;
using iommu::Iova;
using iommu::IovaRange;
using iommu::RequesterId;
using iommu::TlbDrop;

namespace {

template <class D>
DomainTag domain_of(const Value<D>& descriptor, const Capabilities& capabilities) {
    // Bits beyond the supported width are ignored.
    const std::uint64_t did = descriptor.template get<typename D::DID>() & iommu::low_bits(capabilities.domain_bits());
    return DomainTag{static_cast<std::uint32_t>(did)};
}

// 2^am pages around `address`. AM has six bits, and 52 and more name every address.
IovaRange page_range(std::uint64_t address, std::uint64_t am) {
    return IovaRange::aligned(Iova{address}, 12 + static_cast<unsigned>(am));
}

// S and the address together, as ATS has it: one page, or a block whose size is told by the lowest 0 of bits 63:12.
// That bit and those below are not part of the address; without a 0, or with bit 63 as the only one, it is every
// address.
IovaRange device_range(std::uint64_t address, bool larger) {
    if (!larger) return IovaRange::aligned(Iova{address}, 12);
    const auto size_bit = static_cast<unsigned>(std::countr_one(address | iommu::low_bits(12)));
    return IovaRange::aligned(Iova{address}, size_bit + 1);
}

Invalidation translations(TlbDrop drop, const IovaRange& unmap = IovaRange::everything()) {
    return {.configs = {}, .tlb = drop, .unmap = unmap};
}

// Second-stage addresses end at MGAW; what is above is ignored.
IovaRange second_stage_range(std::uint64_t address, std::uint64_t am, const Capabilities& capabilities) {
    return page_range(address & iommu::low_bits(capabilities.guest_width()), am);
}

// IH: software changed leaves only. [VTD 5.10 s6.5.2.3, s6.5.2.4]
iommu::Tables tables_with(std::uint64_t ih) { return ih != 0 ? iommu::Tables::Keep : iommu::Tables::Drop; }

Invalidation second_stage_pages(DomainTag domain, const IovaRange& range, iommu::Tables tables,
                                TranslationTableMode mode) {
    // In scalable mode the domain may be that of a nested translation, whose input addresses are not the range's.
    const IovaRange unmap = mode == TranslationTableMode::Legacy ? range : IovaRange::everything();
    return translations({.scope = TlbDrop::Scope::SecondRange, .domain = domain, .range = range, .tables = tables},
                        unmap);
}

// ---- One function for each descriptor; reserved bits were checked before. [VTD 5.10 s6.5.2.1-6.5.2.9]

Result<Command, IQEI> plan(const Value<ContextCacheInvalidate>& d, const CommandContext& context) {
    using D = ContextCacheInvalidate;
    Invalidation plan;
    plan.configs.domain = domain_of(d, context.capabilities);
    switch (static_cast<D::Granularity>(d.get<D::G>())) {
        case D::Granularity::Reserved: return Err{IQEI::ReservedField};
        case D::Granularity::Global: plan.configs.scope = ConfigDrop::Scope::All; break;
        case D::Granularity::Domain:
            // A scalable-mode context entry has no domain: all of them.
            plan.configs.scope =
                context.mode == TranslationTableMode::Legacy ? ConfigDrop::Scope::Domain : ConfigDrop::Scope::All;
            break;
        case D::Granularity::Device:
            plan.configs.scope = ConfigDrop::Scope::Requesters;
            plan.configs.requester = RequesterId{static_cast<std::uint32_t>(d.get<D::SID>())};
            // FM 1: bit 2, FM 2: bits 2:1, FM 3: bits 2:0.
            plan.configs.ignored_bits =
                static_cast<std::uint32_t>(iommu::bit_range(2, 3 - static_cast<unsigned>(d.get<D::FM>())));
            break;
    }
    return plan;
}

Result<Command, IQEI> plan(const Value<IotlbInvalidate>& d, const CommandContext& context) {
    using D = IotlbInvalidate;
    const DomainTag domain = domain_of(d, context.capabilities);
    switch (static_cast<D::Granularity>(d.get<D::G>())) {
        case D::Granularity::Reserved: return Err{IQEI::ReservedField};
        case D::Granularity::Global: return translations({.scope = TlbDrop::Scope::All});
        case D::Granularity::Domain: return translations({.scope = TlbDrop::Scope::Domain, .domain = domain});
        case D::Granularity::Page: break;
    }
    if (context.capabilities.psi == 0 || d.get<D::AM>() > context.capabilities.mamv) return Err{IQEI::ReservedField};
    const IovaRange range = second_stage_range(d.in_place<D::ADDR>(), d.get<D::AM>(), context.capabilities);
    return second_stage_pages(domain, range, tables_with(d.get<D::IH>()), context.mode);
}

Result<Command, IQEI> plan(const Value<PasidIotlbInvalidate>& d, const CommandContext& context) {
    using D = PasidIotlbInvalidate;
    const DomainTag domain = domain_of(d, context.capabilities);
    const SpaceTag space{static_cast<std::uint32_t>(d.get<D::PASID>())};
    switch (static_cast<D::Granularity>(d.get<D::G>())) {
        case D::Granularity::Reserved0:
        case D::Granularity::Reserved1: return Err{IQEI::ReservedField};
        case D::Granularity::Pasid:
            return translations({.scope = TlbDrop::Scope::Space, .domain = domain, .space = space});
        case D::Granularity::Page: break;
    }
    // Neither PSI nor MAMV limits this one.
    const IovaRange range = page_range(d.in_place<D::ADDR>(), d.get<D::AM>());
    return translations({.scope = TlbDrop::Scope::FirstRange,
                         .domain = domain,
                         .space = space,
                         .range = range,
                         .tables = tables_with(d.get<D::IH>())},
                        range);
}

Result<Command, IQEI> plan(const Value<PasidCacheInvalidate>& d, const CommandContext& context) {
    using D = PasidCacheInvalidate;
    Invalidation plan;
    plan.configs.domain = domain_of(d, context.capabilities);
    plan.configs.space = SpaceTag{static_cast<std::uint32_t>(d.get<D::PASID>())};
    switch (static_cast<D::Granularity>(d.get<D::G>())) {
        case D::Granularity::Domain: plan.configs.scope = ConfigDrop::Scope::Domain; break;
        case D::Granularity::Pasid: plan.configs.scope = ConfigDrop::Scope::Space; break;
        case D::Granularity::Reserved: return Err{IQEI::ReservedField};
        case D::Granularity::Global: plan.configs.scope = ConfigDrop::Scope::All; break;
    }
    return plan;
}

// MIP: how many Invalidate Requests the function takes well. 0: as many as there are ITags. [VTD 5.10 s6.5.2.5]
template <class D>
Result<Command, IQEI> limited(const Value<D>& d, const iommu::InvalidateRequest& request,
                              const CommandContext& context) {
    const RequesterId physical_function{pfsid(d)};
    if (context.capabilities.dit == 0 && physical_function.value != 0) return Err{IQEI::ReservedField};
    DeviceInvalidation command{.request = request, .function = request.requester};
    if (context.capabilities.dit != 0) command.function = physical_function;
    if (const auto mip = static_cast<unsigned>(d.template get<typename D::MIP>()); mip != 0) command.limit = mip;
    return command;
}

template <class D>
RequesterId device_of(const Value<D>& d) {
    return RequesterId{static_cast<std::uint32_t>(d.template get<typename D::SID>())};
}

Result<Command, IQEI> plan(const Value<DeviceTlbInvalidate>& d, const CommandContext& context) {
    using D = DeviceTlbInvalidate;
    iommu::InvalidateRequest request;
    request.requester = device_of(d);
    request.range = device_range(d.in_place<D::ADDR>(), d.get<D::S>() != 0);
    return limited(d, request, context);
}

Result<Command, IQEI> plan(const Value<PasidDeviceTlbInvalidate>& d, const CommandContext& context) {
    using D = PasidDeviceTlbInvalidate;
    iommu::InvalidateRequest request;
    request.requester = device_of(d);
    request.pasid = iommu::Pasid{static_cast<std::uint32_t>(d.get<D::PASID>())};
    request.global = d.get<D::GI>() != 0;
    request.range = device_range(d.in_place<D::ADDR>(), d.get<D::S>() != 0);
    return limited(d, request, context);
}

// IF, SW and FN are independent of each other.
Result<Command, IQEI> plan(const Value<InvalidationWait>& d, const CommandContext& context) {
    using D = InvalidationWait;
    // PD asks for nothing more: a page request is received when its call takes the unit's lock, and its descriptor is
    // in memory before the lock is released; a wait completes under the same lock, and its status word is written
    // after. So is a response that was submitted before. [VTD 5.10 s7.7]
    if (d.get<D::PD>() != 0 && context.capabilities.pds == 0) return Err{IQEI::ReservedField};
    Wait wait;
    wait.interrupt = d.get<D::IF>() != 0;
    wait.fence = d.get<D::FN>() != 0;
    wait.status_data = static_cast<std::uint32_t>(d.get<D::STDATA>());
    if (d.get<D::SW>() != 0) {
        wait.status_address = Pa{d.in_place<D::STADDR>() & iommu::low_bits(context.capabilities.haw)};
    }
    return wait;
}

// Response codes that the manual reserves tell the device what the last one tells. [VTD 5.10 s7.6.1 table 32]
Result<Command, IQEI> plan(const Value<PageGroupResponse>& d, const CommandContext& /*context*/) {
    using D = PageGroupResponse;
    iommu::PageGroupResponse response;
    response.requester = RequesterId{static_cast<std::uint32_t>(d.get<D::RID>())};
    if (d.get<D::PP>() != 0) response.pasid = iommu::Pasid{static_cast<std::uint32_t>(d.get<D::PASID>())};
    response.index = static_cast<std::uint16_t>(d.get<D::PRGI>());
    response.code = iommu::ResponseCode::ResponseFailure;
    const auto code = static_cast<iommu::ResponseCode>(d.get<D::RC>());
    using enum iommu::ResponseCode;
    if (code == Success || code == InvalidRequest) response.code = code;
    return response;
}

template <class D>
Result<Command, IQEI> checked(const Words<4>& words, const CommandContext& context) {
    const Value<D> descriptor{words};
    if (descriptor.reserved_bits_set()) return Err{IQEI::ReservedField};
    return plan(descriptor, context);
}

template <class D>
std::string describe_as(const Words<4>& words) {
    return std::string(D::name) + " " + iommu::describe(Value<D>{words});
}

}  // namespace

Result<Command, IQEI> decode(const Words<4>& words, const CommandContext& context) {
    const std::uint8_t type = type_code(Value<DescriptorHead>{words});
    // Legacy mode knows types 1 to 5. [VTD 5.10 s6.5.2.11]
    if (context.mode == TranslationTableMode::Legacy && type > 5) return Err{IQEI::InvalidType};
    switch (type) {
        case static_cast<unsigned>(DescriptorType::ContextCacheInvalidate):
            return checked<ContextCacheInvalidate>(words, context);
        case static_cast<unsigned>(DescriptorType::IotlbInvalidate): return checked<IotlbInvalidate>(words, context);
        case static_cast<unsigned>(DescriptorType::DeviceTlbInvalidate):
            if (context.capabilities.dt == 0) return Err{IQEI::InvalidType};
            return checked<DeviceTlbInvalidate>(words, context);
        case static_cast<unsigned>(DescriptorType::InvalidationWait): return checked<InvalidationWait>(words, context);
        case static_cast<unsigned>(DescriptorType::PasidIotlbInvalidate):
            return checked<PasidIotlbInvalidate>(words, context);
        case static_cast<unsigned>(DescriptorType::PasidCacheInvalidate):
            return checked<PasidCacheInvalidate>(words, context);
        case static_cast<unsigned>(DescriptorType::PasidDeviceTlbInvalidate):
            if (context.capabilities.dt == 0) return Err{IQEI::InvalidType};
            return checked<PasidDeviceTlbInvalidate>(words, context);
        case static_cast<unsigned>(DescriptorType::PageGroupResponse):
            if (context.capabilities.prs == 0) return Err{IQEI::InvalidType};
            return checked<PageGroupResponse>(words, context);
        default:
            // Unknown, or of a capability that is not offered: interrupt remapping, host permission
            // tables.
            return Err{IQEI::InvalidType};
    }
}

iommu::GuestRing queue_ring(Value<IQA> iqa) {
    const auto pages_log2 = static_cast<unsigned>(iqa.get<IQA::QS>());
    const unsigned wide = iqa.get<IQA::DW>() != 0 ? 1 : 0;
    return {.base = Pa{iqa.in_place<IQA::IQA_>()}, .entry_log2 = 4 + wide, .entries_log2 = pages_log2 + 8 - wide};
}

// The manual gives no order: what is wrong with the mode first, then with the queue, then with the tail.
std::optional<IQEI> queue_error(Value<IQA> iqa, Value<IQT> iqt, const CommandContext& context) {
    const bool wide = iqa.get<IQA::DW>() != 0;
    const Capabilities& c = context.capabilities;
    if (!mode_supported(context.mode, c)) return IQEI::InvalidTableMode;
    if (wide && c.smts == 0 && c.adms == 0) return IQEI::InvalidWidth;
    if (!wide && context.mode != TranslationTableMode::Legacy) return IQEI::InvalidWidth;
    const iommu::GuestRing ring = queue_ring(iqa);
    const std::uint64_t tail = iqt.in_place<IQT::QT>();
    if (!ring.aligned(tail)) return IQEI::TailMisaligned;
    if (!ring.contains(tail)) return IQEI::InvalidTail;
    return std::nullopt;
}

// CCMD, legacy mode. [VTD 5.10 s11.4.6.1]
std::optional<RegisterCommand> plan(Value<CCMD> ccmd, const Capabilities& capabilities) {
    RegisterCommand command;
    command.actual_granularity = static_cast<std::uint8_t>(ccmd.get<CCMD::CIRG>());
    ConfigDrop& drop = command.invalidation.configs;
    drop.domain = domain_of(ccmd, capabilities);
    switch (static_cast<CCMD::Granularity>(ccmd.get<CCMD::CIRG>())) {
        case CCMD::Granularity::Error: return std::nullopt;
        case CCMD::Granularity::Global: drop.scope = ConfigDrop::Scope::All; break;
        case CCMD::Granularity::Domain: drop.scope = ConfigDrop::Scope::Domain; break;
        case CCMD::Granularity::Device:
            drop.scope = ConfigDrop::Scope::Requesters;
            drop.requester = RequesterId{static_cast<std::uint32_t>(ccmd.get<CCMD::SID>())};
            drop.ignored_bits =
                static_cast<std::uint32_t>(iommu::bit_range(2, 3 - static_cast<unsigned>(ccmd.get<CCMD::FM>())));
            break;
    }
    return command;
}

// IOTLB and IVA, legacy mode. [VTD 5.10 s11.4.6.3]
std::optional<RegisterCommand> plan(Value<IOTLB_REG> iotlb, Value<IVA> iva, const Capabilities& capabilities) {
    using Granularity = IOTLB_REG::Granularity;
    const DomainTag domain = domain_of(iotlb, capabilities);
    auto granularity = static_cast<Granularity>(iotlb.get<IOTLB_REG::IIRG>());
    // Without PSI the whole domain goes, and the answer says so.
    if (granularity == Granularity::Page && capabilities.psi == 0) granularity = Granularity::Domain;
    const auto answer = static_cast<std::uint8_t>(granularity);
    switch (granularity) {
        case Granularity::Error: return std::nullopt;
        case Granularity::Global: return RegisterCommand{translations({.scope = TlbDrop::Scope::All}), answer};
        case Granularity::Domain:
            return RegisterCommand{translations({.scope = TlbDrop::Scope::Domain, .domain = domain}), answer};
        case Granularity::Page: break;
    }
    const std::uint64_t am = iva.get<IVA::AM>();
    if (am > capabilities.mamv) return std::nullopt;
    const IovaRange range = second_stage_range(iva.in_place<IVA::ADDR>(), am, capabilities);
    const auto tables = tables_with(iva.get<IVA::IH>());
    return RegisterCommand{second_stage_pages(domain, range, tables, TranslationTableMode::Legacy), answer};
}

std::string describe_descriptor(const Words<4>& words) {
    switch (type_code(Value<DescriptorHead>{words})) {
        case static_cast<unsigned>(DescriptorType::ContextCacheInvalidate):
            return describe_as<ContextCacheInvalidate>(words);
        case static_cast<unsigned>(DescriptorType::IotlbInvalidate): return describe_as<IotlbInvalidate>(words);
        case static_cast<unsigned>(DescriptorType::DeviceTlbInvalidate): return describe_as<DeviceTlbInvalidate>(words);
        case static_cast<unsigned>(DescriptorType::InvalidationWait): return describe_as<InvalidationWait>(words);
        case static_cast<unsigned>(DescriptorType::PasidIotlbInvalidate):
            return describe_as<PasidIotlbInvalidate>(words);
        case static_cast<unsigned>(DescriptorType::PasidCacheInvalidate):
            return describe_as<PasidCacheInvalidate>(words);
        case static_cast<unsigned>(DescriptorType::PasidDeviceTlbInvalidate):
            return describe_as<PasidDeviceTlbInvalidate>(words);
        case static_cast<unsigned>(DescriptorType::PageGroupResponse): return describe_as<PageGroupResponse>(words);
        default: return describe_as<DescriptorHead>(words);
    }
}

}  // namespace vtd
