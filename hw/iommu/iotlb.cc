// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/iotlb.h"

#include <cassert>

namespace iommu {

namespace {

constexpr unsigned kKeyLog2Shift = 0;  // 6 bits
constexpr unsigned kKeyKindShift = 6;  // 2 bits
constexpr unsigned kKeyPrivilegeShift = 8;
constexpr unsigned kKeyExecuteShift = 9;
constexpr std::uint64_t kKeyValid = 1u << 10;
constexpr std::uint64_t kRightsMask = 3;
// Of an entry's guarded word: the output, and its sequence number in bits 63:52 and 11:2. The lowest of its bits is odd
// while the entry changes.
constexpr std::uint64_t kOutputMask = bit_range(51, 12) | kRightsMask;
constexpr std::uint64_t kChanging = 1u << 2;
constexpr unsigned kSmallestPage = 12;

unsigned key_page_log2(std::uint64_t key) { return (key >> kKeyLog2Shift) & 63; }
TlbKind key_kind(std::uint64_t key) { return static_cast<TlbKind>((key >> kKeyKindShift) & 3); }

// One more, across the output's bits; what these become means nothing.
std::uint64_t next_sequence(std::uint64_t guarded) { return (guarded | kOutputMask) + kChanging; }

bool reaches(TlbReach reach, TlbKind kind) {
    switch (reach) {
        case TlbReach::SecondOnly: return kind == TlbKind::Second;
        case TlbReach::FirstSide: return kind != TlbKind::Second;
        case TlbReach::All: return true;
    }
    return true;
}

}  // namespace

Iotlb::Iotlb(std::uint32_t entries) : set_mask_(entries / kWays - 1), sets_(entries / kWays) {
    assert(std::has_single_bit(entries) && entries >= 64);
}

std::uint64_t Iotlb::key_of(const TlbView& view, Iova iova, unsigned page_log2) {
    return (iova.value & ~low_bits(page_log2)) | (std::uint64_t{page_log2} << kKeyLog2Shift) | view.key_bits_;
}

std::uint64_t Iotlb::tags_of(DomainTag domain, SpaceTag space) {
    return std::uint64_t{space.value} << 32 | domain.value;
}

// Neighbouring pages are in neighbouring sets. Second-stage entries are looked for by domain alone, so their space must
// not choose the set.
TlbView Iotlb::view(const TlbTag& tag) const {
    std::uint64_t mix = tag.domain.value;
    if (tag.kind != TlbKind::Second) mix += std::uint64_t{tag.space.value} << 32;
    const GenerationTable& domains = tag.kind == TlbKind::Second ? second_only_ : first_side_;
    TlbView view;
    view.tags_ = tags_of(tag.domain, tag.space);
    view.key_bits_ = (static_cast<std::uint64_t>(tag.kind) << kKeyKindShift) |
                     (static_cast<std::uint64_t>(tag.privilege) << kKeyPrivilegeShift) |
                     (static_cast<std::uint64_t>(tag.execute) << kKeyExecuteShift) | kKeyValid;
    view.mix_ = (mix * 0x9e3779b97f4a7c15u) >> 40;  // the golden ratio: an odd constant that spreads small numbers
    view.domain_ = &domains.of(tag.domain.value);
    view.space_ = &spaces_.of(space_name(tag.domain, tag.space));
    return view;
}

std::uint32_t Iotlb::set_of(const TlbView& view, Iova iova, unsigned page_log2) const {
    return static_cast<std::uint32_t>((iova.value >> page_log2) ^ view.mix_) & set_mask_;
}

std::uint64_t Iotlb::stamp_of(const TlbView& view) const {
    return all_.now() + view.domain_->now() + view.space_->now();
}

std::uint64_t Iotlb::stamp_of(const Entry& entry) const {
    return stamp_of(view(TlbTag{.domain = DomainTag{static_cast<std::uint32_t>(entry.tags)},
                                .space = SpaceTag{static_cast<std::uint32_t>(entry.tags >> 32)},
                                .kind = key_kind(entry.key)}));
}

std::uint64_t Iotlb::tables_stamp(const TlbTag& tag) const {
    const std::uint64_t space = space_name(tag.domain, tag.space);
    const std::uint64_t others = all_.now() + spaces_.now(space);
    if (tag.kind == TlbKind::Second) {
        return others + second_only_.now(tag.domain.value) + second_tables_.now(tag.domain.value);
    }
    return others + first_side_.now(tag.domain.value) + first_tables_.now(space);
}

bool Iotlb::probe(std::uint32_t set, std::uint64_t key, std::uint64_t tags, std::uint64_t stamp,
                  std::uint64_t& output) const {
    for (const Slot& slot : sets_[set].ways) {
        const std::uint64_t guarded = slot.guarded.load(std::memory_order_acquire);
        if (slot.key.load(std::memory_order_acquire) != key) continue;
        if (slot.tags.load(std::memory_order_acquire) != tags) continue;
        if (slot.stamp.load(std::memory_order_acquire) != stamp) return false;  // a page has one entry
        output = guarded & kOutputMask;
        return (guarded & kChanging) == 0 && slot.guarded.load(std::memory_order_relaxed) == guarded;
    }
    return false;
}

std::optional<Translation> Iotlb::find(const TlbView& view, Iova iova) const {
    const std::uint64_t stamp = stamp_of(view);
    for (std::uint64_t sizes = page_sizes_.load(std::memory_order_relaxed); sizes != 0; sizes &= sizes - 1) {
        const auto page_log2 = static_cast<unsigned>(std::countr_zero(sizes));
        std::uint64_t output = 0;
        if (!probe(set_of(view, iova, page_log2), key_of(view, iova, page_log2), view.tags_, stamp, output)) continue;
        const std::uint64_t page = output & ~low_bits(kSmallestPage);
        return Translation{.address = Pa{page | (iova.value & low_bits(page_log2))},
                           .page_log2 = page_log2,
                           .rights = static_cast<Rights>(output & kRightsMask)};
    }
    return std::nullopt;
}

Iotlb::Entry Iotlb::load(std::uint32_t set, std::uint32_t way) const {
    const Slot& slot = sets_[set].ways[way];
    return {.key = slot.key.load(std::memory_order_relaxed),
            .tags = slot.tags.load(std::memory_order_relaxed),
            .output = slot.guarded.load(std::memory_order_relaxed) & kOutputMask,
            .stamp = slot.stamp.load(std::memory_order_relaxed)};
}

void Iotlb::store(std::uint32_t set, std::uint32_t way, const Entry& entry) {
    Slot& slot = sets_[set].ways[way];
    const std::uint64_t before = slot.guarded.load(std::memory_order_relaxed);
    slot.guarded.store(next_sequence(before), std::memory_order_relaxed);
    slot.key.store(entry.key, std::memory_order_release);
    slot.tags.store(entry.tags, std::memory_order_release);
    slot.stamp.store(entry.stamp, std::memory_order_release);
    slot.guarded.store(entry.output | (next_sequence(next_sequence(before)) & ~kOutputMask), std::memory_order_release);
}

// The same page's older entry first, then one that is not valid any more, then the next in turn.
std::uint32_t Iotlb::victim(std::uint32_t set, const Entry& next) const {
    std::optional<std::uint32_t> stale;
    std::uint64_t stores = 0;
    for (std::uint32_t way = 0; way < kWays; ++way) {
        const Slot& slot = sets_[set].ways[way];
        const std::uint64_t key = slot.key.load(std::memory_order_relaxed);
        const std::uint64_t tags = slot.tags.load(std::memory_order_relaxed);
        if (key == next.key && tags == next.tags) return way;
        const bool same_counters = tags == next.tags && key_kind(key) == key_kind(next.key);
        const std::uint64_t stamp = slot.stamp.load(std::memory_order_relaxed);
        if ((key & kKeyValid) == 0 || stamp != (same_counters ? next.stamp : stamp_of({key, tags, 0, 0}))) stale = way;
        stores += slot.guarded.load(std::memory_order_relaxed) / (2 * kChanging);
    }
    // The set's own turn: each store counts one up in the way it goes to.
    return stale ? *stale : static_cast<std::uint32_t>(stores % kWays);
}

void Iotlb::fill(Ticket ticket, const TlbTag& tag, Iova iova, const Translation& translation) {
    assert(translation.page_log2 >= kSmallestPage && translation.page_log2 < 64);
    const std::lock_guard lock(writer_);
    if (epoch_.load(std::memory_order_acquire) != ticket.epoch) return;
    const TlbView view = this->view(tag);
    const std::uint32_t set = set_of(view, iova, translation.page_log2);
    Entry entry;
    entry.key = key_of(view, iova, translation.page_log2);
    entry.tags = view.tags_;
    entry.output =
        (translation.address.value & ~low_bits(translation.page_log2)) | static_cast<std::uint64_t>(translation.rights);
    entry.stamp = stamp_of(view);
    if ((entry.output & ~kOutputMask) != 0) return;  // no machine has memory there
    store(set, victim(set, entry), entry);
    if (translation.in_pieces) pieces_kept_ = true;
    if (tag.kind != TlbKind::Second && tag.space == SpaceTag::none()) {
        globals_kept_.store(true, std::memory_order_relaxed);
    }
    const std::uint64_t sizes = page_sizes_.load(std::memory_order_relaxed);
    page_sizes_.store(sizes | std::uint64_t{1} << translation.page_log2, std::memory_order_relaxed);
}

void Iotlb::invalidate_all() {
    const std::lock_guard lock(writer_);
    all_.bump();
    pieces_kept_ = false;
    globals_kept_.store(false, std::memory_order_relaxed);
    void_tickets();
}

void Iotlb::invalidate_domain(DomainTag domain, TlbReach reach) {
    const std::lock_guard lock(writer_);
    if (reach != TlbReach::FirstSide) second_only_.bump(domain.value);
    if (reach != TlbReach::SecondOnly) first_side_.bump(domain.value);
    void_tickets();
}

void Iotlb::invalidate_space(DomainTag domain, SpaceTag space) {
    const std::lock_guard lock(writer_);
    spaces_.bump(space_name(domain, space));
    void_tickets();
}

void Iotlb::drop_in_set(std::uint32_t set, unsigned page_log2, const RangeMatch& match) {
    for (std::uint32_t way = 0; way < kWays; ++way) {
        const Entry entry = load(set, way);
        if ((entry.key & kKeyValid) == 0 || key_page_log2(entry.key) != page_log2) continue;
        if (static_cast<std::uint32_t>(entry.tags) != match.domain.value) continue;
        if (match.space && entry.tags >> 32 != match.space->value) continue;
        if (!reaches(match.reach, key_kind(entry.key))) continue;
        const Iova page{entry.key & ~low_bits(kSmallestPage)};
        if (IovaRange::aligned(page, page_log2).overlaps(match.range)) store(set, way, Entry{});
    }
}

bool Iotlb::drop_range(const RangeMatch& match, const TlbView& view) {
    const std::uint64_t sizes_in_use = page_sizes_.load(std::memory_order_relaxed);
    for (std::uint64_t sizes = sizes_in_use; sizes != 0; sizes &= sizes - 1) {
        const auto page_log2 = static_cast<unsigned>(std::countr_zero(sizes));
        const std::uint64_t pages = (match.range.last.value >> page_log2) - (match.range.first.value >> page_log2);
        if (pages >= kMaxProbes) return false;
    }
    for (std::uint64_t sizes = sizes_in_use; sizes != 0; sizes &= sizes - 1) {
        const auto page_log2 = static_cast<unsigned>(std::countr_zero(sizes));
        const std::uint64_t first = match.range.first.value >> page_log2;
        const std::uint64_t last = match.range.last.value >> page_log2;
        for (std::uint64_t page = first;; ++page) {  // at most kMaxProbes
            drop_in_set(set_of(view, Iova{page << page_log2}, page_log2), page_log2, match);
            if (page == last) break;
        }
    }
    return true;
}

void Iotlb::invalidate_second_range(DomainTag domain, const IovaRange& range, Tables tables) {
    const std::lock_guard lock(writer_);
    if (tables == Tables::Drop) second_tables_.bump(domain.value);
    const RangeMatch match{.reach = TlbReach::SecondOnly, .domain = domain, .space = std::nullopt, .range = range};
    if (!drop_range(match, view({.domain = domain, .kind = TlbKind::Second}))) second_only_.bump(domain.value);
    void_tickets();
}

void Iotlb::drop_first_range(DomainTag domain, SpaceTag space, const IovaRange& range) {
    const RangeMatch match{.reach = TlbReach::FirstSide, .domain = domain, .space = space, .range = range};
    if (pieces_kept_ || !drop_range(match, view({.domain = domain, .space = space}))) {
        spaces_.bump(space_name(domain, space));
    }
}

void Iotlb::invalidate_first_range(DomainTag domain, SpaceTag space, const IovaRange& range, Tables tables) {
    const std::lock_guard lock(writer_);
    if (tables == Tables::Drop) first_tables_.bump(space_name(domain, space));
    drop_first_range(domain, space, range);
    if (globals_kept()) drop_first_range(domain, SpaceTag::none(), range);
    void_tickets();
}

}  // namespace iommu
