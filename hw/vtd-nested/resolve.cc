// SPDX-License-Identifier: GPL-2.0-or-later
#include "vtd-nested/resolve.h"

#include <algorithm>

#include "iommu/address.h"
#include "vtd-nested/spec/pasid.h"
#include "vtd-nested/spec/root_context.h"
#include "vtd-nested/spec/second_stage.h"

namespace vtd {

using iommu::bit_range;
using iommu::RequestKind;
using iommu::Words;

namespace {

// The directory has 2^(PDTS+7) entries of 64 PASIDs each.
std::uint64_t pasid_limit(const Value<ScalableContextEntry>& context) {
    return std::uint64_t{1} << (context.get<ScalableContextEntry::PDTS>() + 13);
}

// One look-up under way: the tables read so far decide whether a fault is recorded.
class Lookup {
  public:
    Lookup(const Request& request, const Capabilities& capabilities, const GuestMemory& memory)
        : request_(request), capabilities_(capabilities), memory_(memory) {}

    [[nodiscard]] iommu::Result<Config, Fault> legacy(Pa root_table);
    [[nodiscard]] iommu::Result<Config, Fault> scalable(Pa root_table);
    // The context entry alone. Either way `processing()` then says what FPD said.
    [[nodiscard]] iommu::Result<Value<ScalableContextEntry>, Fault> scalable_context(Pa root_table);
    [[nodiscard]] FaultProcessing processing() const { return processing_; }

  private:
    [[nodiscard]] iommu::Result<Value<ScalableContextEntry>, Fault> read_scalable_context(Pa root_table);
    [[nodiscard]] iommu::Result<iommu::Done, Fault> check_scalable_context(
        const Value<ScalableContextEntry>& context) const;
    [[nodiscard]] iommu::Result<Pasid, Fault> select_pasid(const Value<ScalableContextEntry>& context) const;
    [[nodiscard]] iommu::Result<Value<PasidEntry>, Fault> read_pasid_entry(Pa directory, Pasid pasid);
    [[nodiscard]] iommu::Result<Config, Fault> decode_pasid_entry(const Value<PasidEntry>& entry) const;
    [[nodiscard]] iommu::Result<Config, Fault> decode_legacy_context(const Value<LegacyContextEntry>& context) const;

    // Requests that only a device with a device-TLB makes.
    [[nodiscard]] bool of_device_tlb() const {
        return request_.kind == RequestKind::Translation || request_.kind == RequestKind::Translated;
    }
    // Bits 63:HAW of a word.
    [[nodiscard]] std::uint64_t beyond_haw() const { return bit_range(63, capabilities_.haw); }
    [[nodiscard]] Words<4> scalable_context_reserved() const;
    [[nodiscard]] Words<8> pasid_entry_reserved() const;
    [[nodiscard]] Words<2> legacy_context_reserved(TranslationType type) const;

    // Remembers what is looked at now, for the diagnosis and for FPD.
    void looking_at(Pa address, std::uint64_t entry = 0) {
        diagnosis_.address = address.value;
        diagnosis_.entry = entry;
    }
    void saw_fpd(bool fpd) {
        if (fpd) processing_ = FaultProcessing::Disabled;
    }
    [[nodiscard]] Err<Fault> fail(Condition condition, std::string_view check = {}) const {
        Diagnosis diagnosis = diagnosis_;
        diagnosis.check = check;
        return vtd::fail(condition, diagnosis, processing_);
    }

    const Request& request_;
    const Capabilities& capabilities_;
    const GuestMemory& memory_;
    Diagnosis diagnosis_;
    FaultProcessing processing_ = FaultProcessing::Enabled;
};

// ---- Legacy mode. [VTD 5.10 s3.4.2, s9.1, s9.3]

iommu::Result<Config, Fault> Lookup::legacy(Pa root_table) {
    const Pa root_address = root_table + 16 * request_.requester.bus();
    looking_at(root_address);
    const auto root = memory_.read<LegacyRootEntry>(root_address);
    if (!root) return fail(Condition::LRT_1);
    looking_at(root_address, root->words()[0]);
    if (root->get<LegacyRootEntry::P>() == 0) return fail(Condition::LRT_2);
    if (root->reserved_bits_set() || root->any_of({beyond_haw(), 0})) return fail(Condition::LRT_3);

    const Pa address = Pa{root->in_place<LegacyRootEntry::CTP>()} + 16 * request_.requester.devfn();
    looking_at(address);
    const auto context = memory_.read<LegacyContextEntry>(address);
    if (!context) return fail(Condition::LCT_1);
    looking_at(address, context->words()[0]);
    // FPD counts even when the entry is not present.
    saw_fpd(context->get<LegacyContextEntry::FPD>() != 0);
    if (context->get<LegacyContextEntry::P>() == 0) return fail(Condition::LCT_2);
    return decode_legacy_context(*context);
}

Words<2> Lookup::legacy_context_reserved(TranslationType type) const {
    Words<2> mask{};
    // SSPTPTR is ignored by pass-through.
    if (type != TranslationType::PassThrough) mask[0] |= beyond_haw();
    mask[1] |= LegacyContextEntry::DID::mask & ~bit_range(8 + capabilities_.domain_bits() - 1, 8);
    return mask;
}

iommu::Result<Config, Fault> Lookup::decode_legacy_context(const Value<LegacyContextEntry>& context) const {
    const auto type = static_cast<TranslationType>(context.get<LegacyContextEntry::TT>());
    if (context.reserved_bits_set() || context.any_of(legacy_context_reserved(type))) return fail(Condition::LCT_3);
    const std::uint64_t aw = context.get<LegacyContextEntry::AW>();
    if (!capabilities_.supports_aw(aw)) return fail(Condition::LCT_4, "AW not in SAGAW");

    Config config;
    config.mode = TranslationTableMode::Legacy;
    config.route.domain = DomainTag{static_cast<std::uint32_t>(context.get<LegacyContextEntry::DID>())};
    config.route.space = SpaceTag::none();
    config.fault_disabled = processing_ == FaultProcessing::Disabled;
    switch (type) {
        case TranslationType::PassThrough:
            if (capabilities_.pt == 0) return fail(Condition::LCT_4, "TT=10 without PT");
            config.route.translate = Translate::PassThrough;
            break;
        case TranslationType::DeviceTlb:
            if (capabilities_.dt == 0) return fail(Condition::LCT_4, "TT=01 without DT");
            config.device_tlb = true;
            break;
        case TranslationType::Reserved: return fail(Condition::LCT_4, "TT reserved");
        case TranslationType::UntranslatedOnly: break;
    }
    if (of_device_tlb() && !config.device_tlb) return fail(Condition::LCT_5);
    if (type == TranslationType::PassThrough) return config;
    config.route.translate = Translate::SecondStage;
    config.second_root = context.in_place<LegacyContextEntry::SSPTPTR>();
    config.second_levels = static_cast<std::uint8_t>(AddressWidth::levels(aw));
    config.second_width = static_cast<std::uint8_t>(std::min(AddressWidth::bits(aw), capabilities_.guest_width()));
    return config;
}

// ---- Scalable mode. [VTD 5.10 s3.4.3, s9.2, s9.4-9.6]

iommu::Result<Config, Fault> Lookup::scalable(Pa root_table) {
    const Value<ScalableContextEntry> context = TRY(scalable_context(root_table));
    const Pasid pasid = TRY(select_pasid(context));
    const Pa directory{context.in_place<ScalableContextEntry::PASIDDIRPTR>()};
    const Value<PasidEntry> entry = TRY(read_pasid_entry(directory, pasid));
    Config config = TRY(decode_pasid_entry(entry));
    config.route.space = SpaceTag{pasid.value};
    if (context.get<ScalableContextEntry::RID_PRIV>() != 0) config.route.rid_supervisor = true;
    config.device_tlb = context.get<ScalableContextEntry::DTE>() != 0;
    return config;
}

iommu::Result<Value<ScalableContextEntry>, Fault> Lookup::scalable_context(Pa root_table) {
    const Value<ScalableContextEntry> context = TRY(read_scalable_context(root_table));
    TRY(check_scalable_context(context));
    return context;
}

iommu::Result<Value<ScalableContextEntry>, Fault> Lookup::read_scalable_context(Pa root_table) {
    const Pa root_address = root_table + 16 * request_.requester.bus();
    const bool upper = request_.requester.devfn() >= 0x80;
    looking_at(root_address);
    const auto root = memory_.read<ScalableRootEntry>(root_address);
    if (!root) return fail(Condition::SRT_1);
    const unsigned half = upper ? 1 : 0;
    looking_at(root_address + 8 * half, root->words()[half]);
    // Only the half that serves the device is looked at.
    const bool present = (upper ? root->get<ScalableRootEntry::UP>() : root->get<ScalableRootEntry::LP>()) != 0;
    if (!present) return fail(Condition::SRT_2);
    Words<2> reserved = ScalableRootEntry::layout::mask(iommu::Rsvd);
    reserved[half] |= beyond_haw();
    reserved[1 - half] = 0;
    if (root->any_of(reserved)) return fail(Condition::SRT_3);

    const std::uint64_t table =
        upper ? root->in_place<ScalableRootEntry::UCTP>() : root->in_place<ScalableRootEntry::LCTP>();
    const Pa address = Pa{table} + 32 * (request_.requester.devfn() & 0x7f);
    looking_at(address);
    const auto context = memory_.read<ScalableContextEntry>(address);
    if (!context) return fail(Condition::SCT_1);
    looking_at(address, context->words()[0]);
    saw_fpd(context->get<ScalableContextEntry::FPD>() != 0);
    if (context->get<ScalableContextEntry::P>() == 0) return fail(Condition::SCT_2);
    if (context->reserved_bits_set() || context->any_of(scalable_context_reserved())) return fail(Condition::SCT_3);
    return *context;
}

Words<4> Lookup::scalable_context_reserved() const {
    using E = ScalableContextEntry;
    // Host permission tables and PASIDs in translated requests are not offered.
    Words<4> mask{E::HPTE::mask | E::EPTR::mask | beyond_haw()};
    if (capabilities_.dt == 0) mask[E::DTE::word] |= E::DTE::mask;
    if (capabilities_.prs == 0) mask[E::PRE::word] |= E::PRE::mask;
    if (capabilities_.pasid == 0) mask[E::PASIDE::word] |= E::PASIDE::mask;
    if (capabilities_.rps == 0) mask[E::RID_PASID::word] |= E::RID_PASID::mask;
    if (capabilities_.rprivs == 0) mask[E::RID_PRIV::word] |= E::RID_PRIV::mask;
    return mask;
}

// The entry's fields against each other, and what it says about this kind of request.
iommu::Result<iommu::Done, Fault> Lookup::check_scalable_context(const Value<ScalableContextEntry>& context) const {
    using E = ScalableContextEntry;
    const bool device_tlb = context.get<E::DTE>() != 0;
    if (!device_tlb && context.get<E::PRE>() != 0) return fail(Condition::SCT_4, "PRE=1 with DTE=0");
    if (context.get<E::RID_PASID>() >= pasid_limit(context)) return fail(Condition::SCT_4, "RID_PASID beyond PDTS");
    if (!device_tlb && of_device_tlb()) return fail(Condition::SCT_5);
    return iommu::Done{};
}

// In the order of the conditions' codes; the manual gives none.
iommu::Result<Pasid, Fault> Lookup::select_pasid(const Value<ScalableContextEntry>& context) const {
    using E = ScalableContextEntry;
    const bool page_request = request_.kind == RequestKind::Page;
    const bool forbidden = page_request && context.get<E::PRE>() == 0;
    const Pasid rid_pasid{static_cast<std::uint32_t>(context.get<E::RID_PASID>())};
    if (!request_.pasid && forbidden) return fail(Condition::SCT_8);
    if (!request_.pasid) return rid_pasid;

    const Pasid pasid = *request_.pasid;
    if (context.get<E::PASIDE>() == 0) return fail(Condition::SCT_6);
    if (pasid.value >= pasid_limit(context)) return fail(Condition::SCT_7);
    if (forbidden) return fail(Condition::SCT_8);
    // No page request meets this one.
    const bool too_wide = pasid.value >= std::uint64_t{1} << (capabilities_.pss + 1);
    if (too_wide && !page_request) return fail(Condition::SGN_10);
    if (pasid == rid_pasid) return fail(Condition::SCT_9);
    return pasid;
}

iommu::Result<Value<PasidEntry>, Fault> Lookup::read_pasid_entry(Pa directory, Pasid pasid) {
    const Pa directory_address = directory + 8 * (pasid.value >> 6);
    looking_at(directory_address);
    const auto dir = memory_.read<PasidDirEntry>(directory_address);
    if (!dir) return fail(Condition::SPD_1);
    looking_at(directory_address, dir->raw());
    saw_fpd(dir->get<PasidDirEntry::FPD>() != 0);
    // The directory entry must be present; but for FPD its other fields mean nothing until then.
    if (dir->get<PasidDirEntry::P>() == 0) return fail(Condition::SPD_2);
    if (dir->reserved_bits_set() || dir->any_of({beyond_haw()})) return fail(Condition::SPD_3);

    const Pa address = Pa{dir->in_place<PasidDirEntry::SMPTBLPTR>()} + 64 * (pasid.value & 63);
    looking_at(address);
    const auto entry = memory_.read<PasidEntry>(address);
    if (!entry) return fail(Condition::SPT_1);
    looking_at(address, entry->words()[0]);
    saw_fpd(entry->get<PasidEntry::FPD>() != 0);
    if (entry->get<PasidEntry::P>() == 0) return fail(Condition::SPT_2);
    if (entry->reserved_bits_set() || entry->any_of(pasid_entry_reserved())) return fail(Condition::SPT_3);
    return *entry;
}

// What is reserved for want of a capability, whatever PGTT says. [VTD 5.10 s9.6]
Words<8> Lookup::pasid_entry_reserved() const {
    using E = PasidEntry;
    const Capabilities& c = capabilities_;
    Words<8> mask{};
    const auto reserve = [&mask](auto field) { mask[decltype(field)::word] |= decltype(field)::mask; };
    mask[0] |= beyond_haw();
    mask[2] |= beyond_haw();
    mask[1] |= E::DID::mask & ~iommu::low_bits(c.domain_bits());
    // Memory types and host permission tables are not offered.
    reserve(E::CD{}), reserve(E::EMTE{}), reserve(E::PAT{});
    reserve(E::HPTSZ{}), reserve(E::HPTPFD{}), reserve(E::HPTPTR{}), reserve(E::HPTDID{});
    // AD-HOC: AW stays ignored without SSTS, since Linux writes it into every entry.
    if (c.ssts == 0) reserve(E::SSPTPTR{});
    if (c.ssts == 0 || c.ssads == 0) reserve(E::SSADE{});
    if (c.smpwcs == 0) reserve(E::PWSNP{});
    if (c.sc == 0) reserve(E::PGSNP{});
    if (c.srs == 0) reserve(E::SRE{});
    if (c.eafs == 0) reserve(E::EAFE{});
    if (c.fsts == 0) reserve(E::FSPTPTR{}), reserve(E::FSPM{}), reserve(E::WPE{});
    return mask;
}

iommu::Result<Config, Fault> Lookup::decode_pasid_entry(const Value<PasidEntry>& entry) const {
    using E = PasidEntry;
    const Capabilities& c = capabilities_;
    Config config;
    config.mode = TranslationTableMode::Scalable;
    config.route.domain = DomainTag{static_cast<std::uint32_t>(entry.get<E::DID>())};
    config.route.supervisor_allowed = entry.get<E::SRE>() != 0;
    config.write_protect = entry.get<E::WPE>() != 0;
    config.extended_accessed = entry.get<E::EAFE>() != 0;
    config.second_dirty = entry.get<E::SSADE>() != 0;
    config.walk_snooped = entry.get<E::PWSNP>() != 0;
    config.page_snoop = entry.get<E::PGSNP>() != 0;
    config.fault_disabled = processing_ == FaultProcessing::Disabled;

    bool first = false;
    bool second = false;
    switch (entry.get<E::PGTT>()) {
        case static_cast<unsigned>(PasidTranslationType::FirstStage):
            if (c.fsts == 0) return fail(Condition::SPT_4, "PGTT=001 without FSTS");
            config.route.translate = Translate::FirstStage, first = true;
            break;
        case static_cast<unsigned>(PasidTranslationType::SecondStage):
            if (c.ssts == 0) return fail(Condition::SPT_4, "PGTT=010 without SSTS");
            config.route.translate = Translate::SecondStage, second = true;
            break;
        case static_cast<unsigned>(PasidTranslationType::Nested):
            if (c.nest == 0) return fail(Condition::SPT_4, "PGTT=011 without NEST");
            config.route.translate = Translate::Nested, first = second = true;
            break;
        case static_cast<unsigned>(PasidTranslationType::PassThrough):
            if (c.pt == 0) return fail(Condition::SPT_4, "PGTT=100 without PT");
            config.route.translate = Translate::PassThrough;
            break;
        default: return fail(Condition::SPT_4, "PGTT reserved");
    }
    if (second) {
        const std::uint64_t aw = entry.get<E::AW>();
        if (!c.supports_aw(aw)) return fail(Condition::SPT_4, "AW not in SAGAW");
        config.second_root = entry.in_place<E::SSPTPTR>();
        config.second_levels = static_cast<std::uint8_t>(AddressWidth::levels(aw));
        config.second_width = static_cast<std::uint8_t>(std::min(AddressWidth::bits(aw), c.guest_width()));
    }
    if (first) {
        const std::uint64_t mode = entry.get<E::FSPM>();
        const bool five_levels = mode == static_cast<unsigned>(FirstStagePagingMode::FiveLevel);
        if (mode > 1 || (five_levels && c.fs5lp == 0)) return fail(Condition::SPT_4, "FSPM not supported");
        config.first_levels = five_levels ? 5 : 4;
        config.first_root = entry.in_place<E::FSPTPTR>();
    }
    if (first && second && (config.first_root & ~iommu::low_bits(config.second_width)) != 0) {
        return fail(Condition::SPT_4, "FSPTPTR too wide for the second stage");
    }
    return config;
}

// What RTADDR decides without a table.
iommu::Result<iommu::Done, Fault> check_mode(const Request& request, TranslationTableMode mode,
                                             const Capabilities& capabilities) {
    if (!mode_supported(mode, capabilities)) return fail(Condition::RTA_1, {.check = "TTM not supported"});
    // An execute request needs a PASID; from version 8 on it is refused before any table is read.
    const bool execute = request.pasid && request.execute == iommu::Execute::Yes;
    if (execute && (capabilities.ver >> 4) >= 8) return fail(Condition::RTA_5);
    if (mode == TranslationTableMode::AbortDma) return fail(Condition::RTA_4);
    if (mode == TranslationTableMode::Scalable) return iommu::Done{};
    if (request.kind == RequestKind::Page) return fail(Condition::RTA_3);
    if (request.pasid) return fail(Condition::RTA_2);
    return iommu::Done{};
}

}  // namespace

bool mode_supported(TranslationTableMode mode, const Capabilities& capabilities) {
    switch (mode) {
        case TranslationTableMode::Legacy: return true;
        case TranslationTableMode::Scalable: return capabilities.smts != 0;
        case TranslationTableMode::AbortDma: return capabilities.adms != 0;
        case TranslationTableMode::Reserved: return false;
    }
    return false;
}

iommu::Result<Config, Fault> resolve(const Request& request, const LatchedRoot& root, const Capabilities& capabilities,
                                     const GuestMemory& memory) {
    TRY(check_mode(request, root.mode, capabilities));
    Lookup lookup(request, capabilities, memory);
    if (root.mode == TranslationTableMode::Scalable) return lookup.scalable(root.table);
    return lookup.legacy(root.table);
}

iommu::Result<FaultProcessing, Fault> resolve_translated(const Request& request, const LatchedRoot& root,
                                                         const Capabilities& capabilities, const GuestMemory& memory) {
    TRY(check_mode(request, root.mode, capabilities));
    Lookup lookup(request, capabilities, memory);
    if (root.mode == TranslationTableMode::Scalable) {
        TRY(lookup.scalable_context(root.table));
    } else {
        TRY(lookup.legacy(root.table));
    }
    return lookup.processing();
}

}  // namespace vtd
