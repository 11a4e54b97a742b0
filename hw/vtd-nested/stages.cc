// SPDX-License-Identifier: GPL-2.0-or-later
#include "vtd-nested/stages.h"

#include "vtd-nested/spec/first_stage.h"
#include "vtd-nested/spec/second_stage.h"

namespace vtd {

using iommu::Access;
using iommu::low_bits;
using iommu::Purpose;
using iommu::StepKind;

namespace {

// Grants of a first-stage entry.
constexpr unsigned kUser = 1;
constexpr unsigned kWritable = 2;

template <class Entry>
std::uint64_t entry_slot(std::uint64_t table, Level level, std::uint64_t input) {
    return table + 8 * ((input >> Entry::page_log2(level)) & low_bits(Entry::index_bits));
}

// Both formats: PS makes a leaf of levels 2 and 3, level 1 has nothing else.
template <class Entry>
bool is_leaf(Value<Entry> entry, Level level) {
    return level == 1 || (Entry::large_page_level(level) && entry.template get<typename Entry::PS>() != 0);
}

template <class Entry>
Step step_to(Value<Entry> entry, Level level, unsigned grants) {
    const std::uint64_t address = entry.template in_place<typename Entry::ADDR>();
    if (!is_leaf(entry, level)) return {.kind = StepKind::Table, .address = address, .grants = grants};
    const unsigned page_log2 = Entry::page_log2(level);
    return {
        .kind = StepKind::Leaf, .address = address & ~low_bits(page_log2), .page_log2 = page_log2, .grants = grants};
}

}  // namespace

StageLimits StageLimits::of(const Capabilities& capabilities) {
    return {.haw = capabilities.haw,
            .first_1g = capabilities.fs1gp != 0,
            .second_2m = (capabilities.sslps & 1) != 0,
            .second_1g = (capabilities.sslps & 2) != 0,
            .snoop_control = capabilities.sc != 0,
            .zero_length_read = capabilities.zlr != 0};
}

// ---- First stage. [VTD 5.10 s3.6, s9.7]

bool FirstStage::accepts(std::uint64_t input) const {
    // Arithmetic shift: all ones or all zeros when the upper bits repeat the highest translated one.
    const unsigned top = FirstStageEntry::page_log2(config_.first_levels) + FirstStageEntry::index_bits - 1;
    const auto upper = static_cast<std::int64_t>(input) >> top;
    return upper == 0 || upper == -1;
}

std::uint64_t FirstStage::slot(std::uint64_t table, Level level, std::uint64_t input) const {
    return entry_slot<FirstStageEntry>(table, level, input);
}

Step FirstStage::decode(std::uint64_t raw, Level level) const {
    using E = FirstStageEntry;
    const Value<E> entry{raw};
    if (entry.get<E::P>() == 0) return {.kind = StepKind::NotPresent};
    std::uint64_t reserved = E::beyond_haw(limits_.haw) | E::upper_level_reserved(level);
    if (is_leaf(entry, level)) reserved |= E::large_page_reserved(level);
    if (level == 3 && !limits_.first_1g) reserved |= E::PS::mask;
    if ((raw & reserved) != 0) return {.kind = StepKind::Reserved};
    const unsigned grants = (entry.get<E::U_S>() != 0 ? kUser : 0) | (entry.get<E::R_W>() != 0 ? kWritable : 0);
    Step step = step_to(entry, level, grants);
    if ((step.address & ~low_bits(output_width_)) != 0) step.kind = StepKind::OutputOutOfRange;
    return step;
}

// A user needs U/S in every level, and R/W to write. A supervisor may read everything, and write where R/W is clear
// unless WPE is set. [VTD 5.10 s3.6.1]
Result<Rights, WalkCause> FirstStage::judge(unsigned grants, const WalkQuery& query) const {
    const bool user = query.privilege == iommu::Privilege::User;
    if (user && (grants & kUser) == 0) return Err{WalkCause::NoUser};
    const bool writable = (grants & kWritable) != 0 || (!user && !config_.write_protect);
    if (query.writes() && !writable) return Err{WalkCause::NoWrite};
    return writable ? Rights::ReadWrite : Rights::Read;
}

// A in every entry, EA with EAFE, D in the leaf of a write. [VTD 5.10 s3.6.2]
Update FirstStage::update(EntryUse use, std::uint64_t /*entry*/, const WalkQuery& query) const {
    using E = FirstStageEntry;
    Update update{.set = E::A::mask};
    if (config_.extended_accessed) update.set |= E::EA::mask;
    if (use == EntryUse::Leaf && query.writes()) update.set |= E::D::mask;
    return update;
}

std::uint64_t FirstStage::update_bits() const {
    using E = FirstStageEntry;
    return E::A::mask | E::EA::mask | E::D::mask;
}

bool FirstStage::clean(std::uint64_t entry) const { return (entry & FirstStageEntry::D::mask) == 0; }

// ---- Second stage. [VTD 5.10 s3.7, s9.8]

bool SecondStage::accepts(std::uint64_t input) const { return (input & ~low_bits(config_.second_width)) == 0; }

std::uint64_t SecondStage::slot(std::uint64_t table, Level level, std::uint64_t input) const {
    return entry_slot<SecondStageEntry>(table, level, input);
}

Step SecondStage::decode(std::uint64_t raw, Level level) const {
    using E = SecondStageEntry;
    const Value<E> entry{raw};
    const auto grants = static_cast<unsigned>(raw & (E::R::mask | E::W::mask));
    static_assert((E::R::mask | E::W::mask) == static_cast<unsigned>(Rights::ReadWrite));
    if (grants == 0) return {.kind = StepKind::NotPresent};
    std::uint64_t reserved = E::beyond_haw(limits_.haw) | E::upper_level_reserved(level) | E::IW::mask;
    if (is_leaf(entry, level)) {
        reserved |= E::large_page_reserved(level);
        if (!limits_.snoop_control) reserved |= E::SNP::mask;
    } else {
        reserved |= E::table_reserved;
    }
    if (level == 2 && !limits_.second_2m) reserved |= E::PS::mask;
    if (level == 3 && !limits_.second_1g) reserved |= E::PS::mask;
    if ((raw & reserved) != 0) return {.kind = StepKind::Reserved};
    return step_to(entry, level, grants);
}

// R and W, and-ed over all levels; neither is as good as no mapping. A zero-length read is content with W. Reading a
// table of the first stage needs W too when accessed and dirty bits are kept. [VTD 5.10 s3.7, s3.8.1, s3.14]
Result<Rights, WalkCause> SecondStage::judge(unsigned grants, const WalkQuery& query) const {
    const auto rights = static_cast<Rights>(grants & static_cast<unsigned>(Rights::ReadWrite));
    if (rights == Rights::None) return Err{WalkCause::NotPresent};
    if (query.purpose != Purpose::Access) {
        const Rights need = config_.second_dirty ? Rights::ReadWrite : Rights::Read;
        if (!covers(rights, need)) return Err{WalkCause::NoRead};
        return rights;
    }
    if (query.writes() && !covers(rights, Rights::Write)) return Err{WalkCause::NoWrite};
    const bool waived = query.length == iommu::Length::Zero && query.access == Access::Read && limits_.zero_length_read;
    if (query.access != Access::Write && !waived && !covers(rights, Rights::Read)) return Err{WalkCause::NoRead};
    return rights;
}

// With SSADE: A in every entry, D in the leaf of a write. [VTD 5.10 s3.7.2]
Update SecondStage::update(EntryUse use, std::uint64_t /*entry*/, const WalkQuery& query) const {
    using E = SecondStageEntry;
    if (!config_.second_dirty) return {};
    return {.set = E::A::mask | (use == EntryUse::Leaf && query.writes() ? E::D::mask : 0)};
}

std::uint64_t SecondStage::update_bits() const {
    using E = SecondStageEntry;
    return config_.second_dirty ? E::A::mask | E::D::mask : 0;
}

bool SecondStage::clean(std::uint64_t entry) const {
    return config_.second_dirty && (entry & SecondStageEntry::D::mask) == 0;
}

}  // namespace vtd
