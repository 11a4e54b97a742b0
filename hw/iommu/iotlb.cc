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
constexpr unsigned kSmallestPage = 12;

unsigned key_page_log2(std::uint64_t key) { return (key >> kKeyLog2Shift) & 63; }
TlbKind key_kind(std::uint64_t key) { return static_cast<TlbKind>((key >> kKeyKindShift) & 3); }

bool reaches(TlbReach reach, TlbKind kind) {
    switch (reach) {
        case TlbReach::SecondOnly: return kind == TlbKind::Second;
        case TlbReach::FirstSide: return kind != TlbKind::Second;
        case TlbReach::All: return true;
    }
    return true;
}

}  // namespace

Iotlb::Iotlb(std::uint32_t entries)
    : set_mask_(entries / kWays - 1),
      sets_(std::make_unique<Set[]>(entries / kWays)),
      sequences_(std::make_unique<std::atomic<std::uint32_t>[]>(entries / kWays)) {
    assert(std::has_single_bit(entries) && entries >= 64);
}

std::uint64_t Iotlb::key_of(const TlbTag& tag, Iova iova, unsigned page_log2) {
    return (iova.value & ~low_bits(page_log2)) | (std::uint64_t{page_log2} << kKeyLog2Shift) |
           (static_cast<std::uint64_t>(tag.kind) << kKeyKindShift) |
           (static_cast<std::uint64_t>(tag.privilege) << kKeyPrivilegeShift) |
           (static_cast<std::uint64_t>(tag.execute) << kKeyExecuteShift) | kKeyValid;
}

std::uint64_t Iotlb::tags_of(DomainTag domain, SpaceTag space) {
    return std::uint64_t{space.value} << 32 | domain.value;
}

// Neighbouring pages are in neighbouring sets. Second-stage entries are looked for by domain alone, so their space must
// not choose the set.
std::uint32_t Iotlb::set_of(const TlbTag& tag, Iova iova, unsigned page_log2) const {
    std::uint64_t mix = tag.domain.value;
    if (tag.kind != TlbKind::Second) mix += std::uint64_t{tag.space.value} << 32;
    mix = (mix * 0x9e3779b97f4a7c15u) >> 40;  // the golden ratio: an odd constant that spreads small numbers
    return static_cast<std::uint32_t>((iova.value >> page_log2) ^ mix) & set_mask_;
}

std::uint64_t Iotlb::stamp_of(const TlbTag& tag) const {
    const GenerationTable& domains = tag.kind == TlbKind::Second ? second_only_ : first_side_;
    return all_.now() + domains.now(tag.domain.value) + spaces_.now(space_name(tag.domain, tag.space));
}

std::uint64_t Iotlb::stamp_of(const Entry& entry) const {
    return stamp_of(TlbTag{.domain = DomainTag{static_cast<std::uint32_t>(entry.tags)},
                           .space = SpaceTag{static_cast<std::uint32_t>(entry.tags >> 32)},
                           .kind = key_kind(entry.key)});
}

bool Iotlb::probe(std::uint32_t set, std::uint64_t key, std::uint64_t tags, std::uint64_t stamp,
                  std::uint64_t& output) const {
    const std::uint32_t before = sequences_[set].load(std::memory_order_acquire);
    for (const auto& words : sets_[set].words) {
        if (words[0].load(std::memory_order_acquire) != key) continue;
        if (words[1].load(std::memory_order_acquire) != tags) continue;
        if (words[3].load(std::memory_order_acquire) != stamp) continue;
        output = words[2].load(std::memory_order_acquire);
        return (before & 1) == 0 && sequences_[set].load(std::memory_order_relaxed) == before;
    }
    return false;
}

std::optional<Translation> Iotlb::find(const TlbTag& tag, Iova iova) const {
    const std::uint64_t tags = tags_of(tag.domain, tag.space);
    const std::uint64_t stamp = stamp_of(tag);
    for (std::uint64_t sizes = page_sizes_.load(std::memory_order_relaxed); sizes != 0; sizes &= sizes - 1) {
        const auto page_log2 = static_cast<unsigned>(std::countr_zero(sizes));
        std::uint64_t output = 0;
        if (!probe(set_of(tag, iova, page_log2), key_of(tag, iova, page_log2), tags, stamp, output)) continue;
        const std::uint64_t page = output & ~low_bits(kSmallestPage);
        return Translation{.address = Pa{page | (iova.value & low_bits(page_log2))},
                           .page_log2 = page_log2,
                           .rights = static_cast<Rights>(output & kRightsMask)};
    }
    return std::nullopt;
}

Iotlb::Entry Iotlb::load(std::uint32_t set, std::uint32_t way) const {
    const auto& words = sets_[set].words[way];
    return {words[0].load(std::memory_order_relaxed), words[1].load(std::memory_order_relaxed),
            words[2].load(std::memory_order_relaxed), words[3].load(std::memory_order_relaxed)};
}

void Iotlb::store(std::uint32_t set, std::uint32_t way, const Entry& entry) {
    std::atomic<std::uint32_t>& sequence = sequences_[set];
    const std::uint32_t before = sequence.load(std::memory_order_relaxed);
    sequence.store(before + 1, std::memory_order_relaxed);
    auto& words = sets_[set].words[way];
    words[0].store(entry.key, std::memory_order_release);
    words[1].store(entry.tags, std::memory_order_release);
    words[2].store(entry.output, std::memory_order_release);
    words[3].store(entry.stamp, std::memory_order_release);
    sequence.store(before + 2, std::memory_order_release);
}

// The same page's older entry first, then one that is not valid any more, then the next in turn.
std::uint32_t Iotlb::victim(std::uint32_t set, std::uint64_t key, std::uint64_t tags) const {
    std::optional<std::uint32_t> stale;
    for (std::uint32_t way = 0; way < kWays; ++way) {
        const Entry entry = load(set, way);
        if (entry.key == key && entry.tags == tags) return way;
        if ((entry.key & kKeyValid) == 0 || entry.stamp != stamp_of(entry)) stale = way;
    }
    if (stale) return *stale;
    // The set's own turn: its sequence number moves by two with each store.
    return (sequences_[set].load(std::memory_order_relaxed) >> 1) % kWays;
}

void Iotlb::fill(Ticket ticket, const TlbTag& tag, Iova iova, const Translation& translation) {
    assert(translation.page_log2 >= kSmallestPage && translation.page_log2 < 64);
    const std::lock_guard lock(writer_);
    if (epoch_.load(std::memory_order_acquire) != ticket.epoch) return;
    const std::uint32_t set = set_of(tag, iova, translation.page_log2);
    Entry entry;
    entry.key = key_of(tag, iova, translation.page_log2);
    entry.tags = tags_of(tag.domain, tag.space);
    entry.output =
        (translation.address.value & ~low_bits(translation.page_log2)) | static_cast<std::uint64_t>(translation.rights);
    entry.stamp = stamp_of(tag);
    store(set, victim(set, entry.key, entry.tags), entry);
    if (translation.in_pieces) pieces_kept_ = true;
    if (tag.kind != TlbKind::Second && tag.space == SpaceTag::none()) {
        globals_kept_.store(true, std::memory_order_relaxed);
    }
    page_sizes_.fetch_or(std::uint64_t{1} << translation.page_log2, std::memory_order_relaxed);
}

void Iotlb::invalidate_all() {
    const std::lock_guard lock(writer_);
    void_tickets();
    all_.bump();
    pieces_kept_ = false;
    globals_kept_.store(false, std::memory_order_relaxed);
}

void Iotlb::invalidate_domain(DomainTag domain, TlbReach reach) {
    const std::lock_guard lock(writer_);
    void_tickets();
    if (reach != TlbReach::FirstSide) second_only_.bump(domain.value);
    if (reach != TlbReach::SecondOnly) first_side_.bump(domain.value);
}

void Iotlb::invalidate_space(DomainTag domain, SpaceTag space) {
    const std::lock_guard lock(writer_);
    void_tickets();
    spaces_.bump(space_name(domain, space));
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

bool Iotlb::drop_range(const RangeMatch& match, const TlbTag& tag) {
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
            drop_in_set(set_of(tag, Iova{page << page_log2}, page_log2), page_log2, match);
            if (page == last) break;
        }
    }
    return true;
}

void Iotlb::invalidate_second_range(DomainTag domain, const IovaRange& range) {
    const std::lock_guard lock(writer_);
    void_tickets();
    const RangeMatch match{.reach = TlbReach::SecondOnly, .domain = domain, .space = std::nullopt, .range = range};
    if (!drop_range(match, TlbTag{.domain = domain, .kind = TlbKind::Second})) second_only_.bump(domain.value);
}

void Iotlb::drop_first_range(DomainTag domain, SpaceTag space, const IovaRange& range) {
    const RangeMatch match{.reach = TlbReach::FirstSide, .domain = domain, .space = space, .range = range};
    if (pieces_kept_ || !drop_range(match, TlbTag{.domain = domain, .space = space})) {
        spaces_.bump(space_name(domain, space));
    }
}

void Iotlb::invalidate_first_range(DomainTag domain, SpaceTag space, const IovaRange& range) {
    const std::lock_guard lock(writer_);
    void_tickets();
    drop_first_range(domain, space, range);
    if (globals_kept()) drop_first_range(domain, SpaceTag::none(), range);
}

}  // namespace iommu
