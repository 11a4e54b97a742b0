// SPDX-License-Identifier: GPL-2.0-or-later
#include "smmuv3-nested/commands.h"

#include <algorithm>

#include "smmuv3-nested/translate.h"

namespace smmuv3 {

using iommu::ConfigDrop;
using iommu::IovaRange;
using iommu::Pasid;
using iommu::RequesterId;
using iommu::TlbDrop;

namespace {

using Decoded = Result<Command, CommandError>;

Err<CommandError> ill() { return Err{CommandError::CERROR_ILL}; }

std::uint32_t stream_of(const Words<2>& words) { return static_cast<std::uint32_t>(words[0] >> CFGI::StreamID::shift); }

// ---- Configuration. [SMMU G.b s4.3]

// Holders outside cannot tell which of their translations came from the configuration.
Decoded config_drop(ConfigDrop drop) { return Invalidation{.configs = drop, .unmap = IovaRange::everything()}; }

Decoded plan_cfgi(Opcode opcode, const Words<2>& words, const CommandContext& context) {
    const Value<CFGI> command{words};
    if (command.get<CFGI::SSec>() != 0) return ill();
    const RequesterId stream{stream_of(words)};
    if (opcode == Opcode::CFGI_STE) return config_drop({.scope = ConfigDrop::Scope::Requesters, .requester = stream});
    if (context.capabilities.s1p == 0) return ill();
    if (opcode == Opcode::CFGI_CD_ALL)
        return config_drop({.scope = ConfigDrop::Scope::Requesters, .requester = stream});
    const Pasid substream{static_cast<std::uint32_t>(command.get<CFGI::SubstreamID>())};
    return config_drop({.scope = ConfigDrop::Scope::Entry, .requester = stream, .pasid = substream});
}

Decoded plan_cfgi_range(const Words<2>& words) {
    const Value<CFGI_STE_RANGE> command{words};
    if (command.get<CFGI_STE_RANGE::SSec>() != 0) return ill();
    const std::uint64_t range = command.get<CFGI_STE_RANGE::Range>();
    if (range == CFGI_STE_RANGE::all) return config_drop({.scope = ConfigDrop::Scope::All});
    const auto ignored = static_cast<std::uint32_t>(iommu::low_bits(static_cast<unsigned>(range) + 1));
    return config_drop(
        {.scope = ConfigDrop::Scope::Requesters, .requester = RequesterId{stream_of(words)}, .ignored_bits = ignored});
}

// ---- TLB. [SMMU G.b s4.4]

unsigned granule_of(std::uint64_t tg) {
    switch (static_cast<TlbiGranule>(tg)) {
        case TlbiGranule::Granule16K: return 14;
        case TlbiGranule::Granule64K: return 16;
        case TlbiGranule::Granule4K:
        case TlbiGranule::Any: break;
    }
    return 12;
}

// The bytes that an address and the range fields name; nothing when they are illegal together. TTL only narrows
// what has to go: it is not needed. [SMMU G.b s4.4.1.1]
std::optional<IovaRange> address_range(const Value<TLBI>& command, std::uint64_t address, const Capabilities& c) {
    const std::uint64_t tg = command.get<TLBI::TG>();
    if (c.ril == 0 || tg == 0) return IovaRange::aligned(iommu::Iova{address}, 12);
    const std::uint64_t num = command.get<TLBI::NUM>();
    const unsigned scale_bits = c.ds != 0 ? 63 : 31;
    const unsigned scale = std::min(39u, static_cast<unsigned>(command.get<TLBI::SCALE>()) & scale_bits);
    const std::uint64_t ttl = command.get<TLBI::TTL>();
    const unsigned granule = granule_of(tg);
    const bool no_level = ttl == 0 || (ttl == 1 && granule == 14 && c.ds == 0);
    if (num == 0 && scale == 0 && no_level) return std::nullopt;
    const std::uint64_t first = address & ~iommu::low_bits(granule);
    const unsigned shift = granule + scale;  // at most 16 + 39
    const std::uint64_t bytes = (num + 1) << shift;
    const std::uint64_t room = ~std::uint64_t{0} - first;
    const bool past_end = shift >= 59 || bytes - 1 > room;
    return IovaRange{iommu::Iova{first}, iommu::Iova{past_end ? ~std::uint64_t{0} : first + (bytes - 1)}};
}

// An address of a world with two halves repeats bit 55 in its top byte, as the TLB holds it.
std::uint64_t virtual_address(const Value<TLBI>& command, StreamWorld world) {
    const std::uint64_t address = command.in_place<TLBI::Address>();
    if (world == StreamWorld::EL2) return address;
    const bool upper = (address >> 55 & 1) != 0;
    return (address & iommu::low_bits(56)) | (upper ? iommu::bit_range(63, 56) : 0);
}

Decoded tlb_drop(TlbDrop drop, const IovaRange& unmap = IovaRange::everything()) {
    return Invalidation{.configs = {}, .tlb = drop, .unmap = unmap};
}

// VMIDs mean something with a second stage only.
TlbDrop of_vmid(const Value<TLBI>& command, const CommandContext& context) {
    const bool tagged = context.capabilities.s2p != 0;
    return {.domain = domain_of(StreamWorld::EL1, tagged ? command.get<TLBI::VMID>() : 0),
            .ignored_bits = context.ignored_vmid_bits};
}

TlbDrop of_el2(const CommandContext& context) {
    return {.domain = domain_of(context.e2h ? StreamWorld::EL2_E2H : StreamWorld::EL2, 0)};
}

// Leaf: only descriptors of the last level were changed. [SMMU G.b s4.4.1]
iommu::Tables tables_with(const Value<TLBI>& command) {
    return command.get<TLBI::Leaf>() != 0 ? iommu::Tables::Keep : iommu::Tables::Drop;
}

Decoded by_address(TlbDrop drop, const Value<TLBI>& command, StreamWorld world, const CommandContext& context) {
    const auto range = address_range(command, virtual_address(command, world), context.capabilities);
    if (!range) return ill();
    const bool has_asid = world != StreamWorld::EL2;
    drop.scope = TlbDrop::Scope::FirstRange;
    drop.space = iommu::SpaceTag{has_asid ? static_cast<std::uint32_t>(command.get<TLBI::ASID>()) : 0};
    drop.range = *range;
    drop.tables = tables_with(command);
    return tlb_drop(drop, *range);
}

// By address in every ASID: all of the domain that a first stage took part in, since the ASID chooses where entries
// are.
Decoded by_address_any_asid(TlbDrop drop, const Value<TLBI>& command, StreamWorld world,
                            const CommandContext& context) {
    const auto range = address_range(command, virtual_address(command, world), context.capabilities);
    if (!range) return ill();
    drop.scope = TlbDrop::Scope::DomainFirst;
    return tlb_drop(drop, *range);
}

Decoded plan_s2_ipa(const Words<2>& words, const CommandContext& context) {
    const Value<TLBI> command{words};
    const std::uint64_t address = Value<TLBI_S2_IPA>{words}.in_place<TLBI_S2_IPA::Address>();
    const auto range = address_range(command, address, context.capabilities);
    if (!range) return ill();
    TlbDrop drop = of_vmid(command, context);
    drop.scope = TlbDrop::Scope::SecondOnly;
    drop.range = *range;
    drop.tables = tables_with(command);
    return tlb_drop(drop);
}

Decoded scoped(TlbDrop drop, TlbDrop::Scope scope, std::uint64_t asid = 0) {
    drop.scope = scope;
    drop.space = iommu::SpaceTag{static_cast<std::uint32_t>(asid)};
    return tlb_drop(drop);
}

Decoded plan_el1(Opcode opcode, const Words<2>& words, const CommandContext& context) {
    const Value<TLBI> command{words};
    if (context.capabilities.s1p == 0) return ill();
    const TlbDrop drop = of_vmid(command, context);
    if (opcode == Opcode::TLBI_NH_ALL) return scoped(drop, TlbDrop::Scope::DomainFirst);
    if (opcode == Opcode::TLBI_NH_ASID) return scoped(drop, TlbDrop::Scope::Space, command.get<TLBI::ASID>());
    if (opcode == Opcode::TLBI_NH_VA) return by_address(drop, command, StreamWorld::EL1, context);
    return by_address_any_asid(drop, command, StreamWorld::EL1, context);
}

Decoded plan_el2(Opcode opcode, const Words<2>& words, const CommandContext& context) {
    const Value<TLBI> command{words};
    if (context.capabilities.hyp == 0) return ill();
    const StreamWorld world = context.e2h ? StreamWorld::EL2_E2H : StreamWorld::EL2;
    const TlbDrop drop = of_el2(context);
    // Both EL2 worlds at once, and rarely asked for: everything.
    if (opcode == Opcode::TLBI_EL2_ALL) return scoped({}, TlbDrop::Scope::All);
    // Only EL2-E2H has ASIDs, whatever CR2.E2H is now. [SMMU G.b s4.4.2.10]
    if (opcode == Opcode::TLBI_EL2_ASID) {
        return scoped({.domain = domain_of(StreamWorld::EL2_E2H, 0)}, TlbDrop::Scope::Space, command.get<TLBI::ASID>());
    }
    if (opcode == Opcode::TLBI_EL2_VA) return by_address(drop, command, world, context);
    return by_address_any_asid(drop, command, world, context);
}

// ---- ATS and PRI. [SMMU G.b s4.5]

// A device that has more bits in its id than there are, or a substream: no effect. [SMMU G.b s4.1.7]
template <class D>
bool out_of_range(const Value<D>& command, const Capabilities& c) {
    const bool stream = (command.template get<typename D::StreamID>() & ~iommu::low_bits(c.sidsize)) != 0;
    const bool has_substream = c.ssidsize != 0 && command.template get<typename D::SSV>() != 0;
    return stream || (has_substream && (command.template get<typename D::SubstreamID>() >> c.ssidsize) != 0);
}

// Without substreams in the unit SSV is as 0.
template <class D>
std::optional<Pasid> substream_of(const Value<D>& command, const Capabilities& c) {
    if (c.ssidsize == 0 || command.template get<typename D::SSV>() == 0) return std::nullopt;
    return Pasid{static_cast<std::uint32_t>(command.template get<typename D::SubstreamID>())};
}

Decoded plan_atc_inv(const Words<2>& words, const CommandContext& context) {
    const Value<ATC_INV> command{words};
    const std::uint64_t size = command.get<ATC_INV::Size>();
    if (context.capabilities.ats == 0 || size > ATC_INV::max_size) return ill();
    if (out_of_range(command, context.capabilities)) return Nothing{};
    const auto substream = substream_of(command, context.capabilities);
    const iommu::Iova address{command.in_place<ATC_INV::Address>()};
    return AtcInv{.stream = RequesterId{stream_of(words)},
                  .substream = substream,
                  .global = substream && command.get<ATC_INV::G>() != 0,
                  .range = IovaRange::aligned(address, 12 + static_cast<unsigned>(size))};
}

Decoded plan_pri_resp(const Words<2>& words, const CommandContext& context) {
    const Value<PRI_RESP> command{words};
    if (context.capabilities.pri == 0) return ill();
    iommu::PageGroupResponse response{.requester = RequesterId{stream_of(words)},
                                      .pasid = substream_of(command, context.capabilities),
                                      .index = static_cast<std::uint16_t>(command.get<PRI_RESP::PRGIndex>()),
                                      .code = iommu::ResponseCode::Success};
    switch (static_cast<PRI_RESP::Response>(command.get<PRI_RESP::Resp>())) {
        case PRI_RESP::Response::Success: break;
        case PRI_RESP::Response::InvalidRequest: response.code = iommu::ResponseCode::InvalidRequest; break;
        case PRI_RESP::Response::Failure: response.code = iommu::ResponseCode::ResponseFailure; break;
        case PRI_RESP::Response::Reserved: return ill();
    }
    if (out_of_range(command, context.capabilities)) return Nothing{};
    return response;
}

// ---- The rest. [SMMU G.b s4.2, s4.6, s4.7]

Decoded plan_prefetch(const Words<2>& words) {
    if (Value<PREFETCH>{words}.get<PREFETCH::SSec>() != 0) return ill();
    return Nothing{};
}

Decoded plan_resume(Opcode opcode, const Words<2>& words, const CommandContext& context) {
    const Value<RESUME> command{words};
    if (context.capabilities.stall_model == 1 || command.get<RESUME::SSec>() != 0) return ill();
    if (opcode == Opcode::STALL_TERM) return StallTerm{stream_of(words)};
    Resume resume{.stream = stream_of(words), .stag = static_cast<std::uint16_t>(command.get<RESUME::STAG>())};
    const bool abort = command.get<RESUME::Ab>() != 0 || context.capabilities.term_model != 0;
    resume.action = abort ? Resume::Action::Abort : Resume::Action::RazWi;
    if (command.get<RESUME::Ac>() != 0) resume.action = Resume::Action::Retry;
    return resume;
}

Decoded plan_sync(const Words<2>& words) {
    const Value<SYNC> command{words};
    const auto signal = static_cast<SYNC::CompletionSignal>(command.get<SYNC::CS>());
    if (signal == SYNC::CompletionSignal::Reserved) return ill();
    return Sync{.signal = signal,
                .message_address = command.in_place<SYNC::MSIAddress>(),
                .message_data = static_cast<std::uint32_t>(command.get<SYNC::MSIData>())};
}

template <class D>
std::string describe_as(const Words<2>& words) {
    return iommu::describe(Value<D>{words});
}

}  // namespace

// Every opcode of the Non-secure queue that this unit has; all others are illegal, those of features that are not there
// too.
Result<Command, CommandError> decode(const Words<2>& words, const CommandContext& context) {
    const auto opcode = static_cast<Opcode>(Value<CommandHead>{words}.get<CommandHead::Opcode>());
    switch (opcode) {
        case Opcode::PREFETCH_CONFIG:
        case Opcode::PREFETCH_ADDR: return plan_prefetch(words);
        case Opcode::CFGI_STE:
        case Opcode::CFGI_CD:
        case Opcode::CFGI_CD_ALL: return plan_cfgi(opcode, words, context);
        case Opcode::CFGI_STE_RANGE: return plan_cfgi_range(words);
        case Opcode::TLBI_NH_ALL:
        case Opcode::TLBI_NH_ASID:
        case Opcode::TLBI_NH_VA:
        case Opcode::TLBI_NH_VAA: return plan_el1(opcode, words, context);
        case Opcode::TLBI_EL2_ALL:
        case Opcode::TLBI_EL2_ASID:
        case Opcode::TLBI_EL2_VA:
        case Opcode::TLBI_EL2_VAA: return plan_el2(opcode, words, context);
        case Opcode::TLBI_S12_VMALL:
            if (context.capabilities.s2p == 0) return ill();
            return scoped(of_vmid(Value<TLBI>{words}, context), TlbDrop::Scope::Domain);
        case Opcode::TLBI_S2_IPA: return context.capabilities.s2p == 0 ? Decoded{ill()} : plan_s2_ipa(words, context);
        case Opcode::TLBI_NSNH_ALL: return scoped({}, TlbDrop::Scope::All);
        case Opcode::ATC_INV: return plan_atc_inv(words, context);
        case Opcode::PRI_RESP: return plan_pri_resp(words, context);
        case Opcode::RESUME:
        case Opcode::STALL_TERM: return plan_resume(opcode, words, context);
        case Opcode::SYNC: return plan_sync(words);
        default: return ill();
    }
}

std::string describe_command(const Words<2>& words) {
    const auto opcode = static_cast<Opcode>(Value<CommandHead>{words}.get<CommandHead::Opcode>());
    switch (opcode) {
        case Opcode::PREFETCH_CONFIG: return "PREFETCH_CONFIG " + describe_as<PREFETCH>(words);
        case Opcode::PREFETCH_ADDR: return "PREFETCH_ADDR " + describe_as<PREFETCH>(words);
        case Opcode::CFGI_STE: return "CFGI_STE " + describe_as<CFGI>(words);
        case Opcode::CFGI_STE_RANGE: return "CFGI_STE_RANGE " + describe_as<CFGI_STE_RANGE>(words);
        case Opcode::CFGI_CD: return "CFGI_CD " + describe_as<CFGI>(words);
        case Opcode::CFGI_CD_ALL: return "CFGI_CD_ALL " + describe_as<CFGI>(words);
        case Opcode::TLBI_NH_ALL: return "TLBI_NH_ALL " + describe_as<TLBI>(words);
        case Opcode::TLBI_NH_ASID: return "TLBI_NH_ASID " + describe_as<TLBI>(words);
        case Opcode::TLBI_NH_VA: return "TLBI_NH_VA " + describe_as<TLBI>(words);
        case Opcode::TLBI_NH_VAA: return "TLBI_NH_VAA " + describe_as<TLBI>(words);
        case Opcode::TLBI_EL2_ALL: return "TLBI_EL2_ALL " + describe_as<TLBI>(words);
        case Opcode::TLBI_EL2_ASID: return "TLBI_EL2_ASID " + describe_as<TLBI>(words);
        case Opcode::TLBI_EL2_VA: return "TLBI_EL2_VA " + describe_as<TLBI>(words);
        case Opcode::TLBI_EL2_VAA: return "TLBI_EL2_VAA " + describe_as<TLBI>(words);
        case Opcode::TLBI_S12_VMALL: return "TLBI_S12_VMALL " + describe_as<TLBI>(words);
        case Opcode::TLBI_S2_IPA: return "TLBI_S2_IPA " + describe_as<TLBI_S2_IPA>(words);
        case Opcode::TLBI_NSNH_ALL: return "TLBI_NSNH_ALL " + describe_as<TLBI>(words);
        case Opcode::ATC_INV: return "ATC_INV " + describe_as<ATC_INV>(words);
        case Opcode::PRI_RESP: return "PRI_RESP " + describe_as<PRI_RESP>(words);
        case Opcode::RESUME: return "RESUME " + describe_as<RESUME>(words);
        case Opcode::STALL_TERM: return "STALL_TERM " + describe_as<RESUME>(words);
        case Opcode::SYNC: return "SYNC " + describe_as<SYNC>(words);
        default: return describe_as<CommandHead>(words);
    }
}

}  // namespace smmuv3
