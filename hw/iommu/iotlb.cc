// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/iotlb.h"

#include <cassert>
#include <random>

namespace iommu {

namespace {

constexpr unsigned kSmallestPage = 12;

// Of `where`.
constexpr unsigned kPlaceShift = 0;
constexpr unsigned kSizeShift = TagNumbers::kPlaceBits;
constexpr unsigned kPageShift = kSizeShift + 6;
constexpr unsigned kInputBits = kSmallestPage + 64 - kPageShift;
static_assert(kInputBits == 58);

// Of `what`. The version is in the bits that an output has not.
constexpr std::uint64_t kRightsMask = 3;
constexpr std::uint64_t kOutputMask = bit_range(51, 12) | kRightsMask;
constexpr unsigned kVersionLowBits = 10;
constexpr unsigned kVersionLowShift = 2;
constexpr unsigned kVersionHighShift = 52;
static_assert(kVersionLowBits + (64 - kVersionHighShift) == TagNumbers::kVersionBits);

constexpr std::uint64_t spread(std::uint32_t version) {
    return std::uint64_t{version >> kVersionLowBits} << kVersionHighShift | (version & low_bits(kVersionLowBits))
                                                                                << kVersionLowShift;
}
constexpr std::uint32_t gather(std::uint64_t what) {
    return static_cast<std::uint32_t>((what >> kVersionHighShift) << kVersionLowBits |
                                      (what >> kVersionLowShift & low_bits(kVersionLowBits)));
}

// Whether the bits above those that an entry has repeat its topmost one.
constexpr bool fits(Iova iova) {
    constexpr unsigned above = 64 - kInputBits;
    return static_cast<std::int64_t>(iova.value << above) >> above == static_cast<std::int64_t>(iova.value);
}

constexpr std::uint64_t where_of(TagNumber number, Iova iova, unsigned page_log2) {
    const std::uint64_t page = (iova.value & ~low_bits(page_log2)) >> kSmallestPage;
    return page << kPageShift | std::uint64_t{page_log2} << kSizeShift | number.place << kPlaceShift;
}
constexpr unsigned size_of(std::uint64_t where) { return where >> kSizeShift & 63; }
constexpr Iova page_of(std::uint64_t where) {
    const auto page = static_cast<std::int64_t>(where) >> kPageShift;
    return Iova{static_cast<std::uint64_t>(page) << kSmallestPage};
}
constexpr TagNumber number_of(std::uint64_t where, std::uint64_t what) {
    return {static_cast<std::uint32_t>(where >> kPlaceShift & low_bits(TagNumbers::kPlaceBits)), gather(what)};
}

bool reaches(TlbReach reach, TlbKind kind) {
    switch (reach) {
        case TlbReach::SecondOnly: return kind == TlbKind::Second;
        case TlbReach::FirstSide: return kind != TlbKind::Second;
        case TlbReach::All: return true;
    }
    return true;
}

std::uint64_t secret_key() {
    std::random_device random;
    return std::uint64_t{random()} << 32 | random() | 1;
}

}  // namespace

Iotlb::Iotlb(std::uint32_t entries, std::uint32_t versions)
    : set_mask_(entries / kWays - 1),
      sets_(entries / kWays),
      numbers_(versions),
      key_(secret_key()),
      turns_(entries / kWays) {
    assert(std::has_single_bit(entries) && entries >= 64);
}

// Neighbouring pages are in neighbouring sets. Second-stage entries are looked for by domain alone, so their space must
// not choose the set.
TlbView Iotlb::unnumbered_view(const TlbTag& tag) const {
    std::uint64_t mix = tag.domain.value;
    if (tag.kind != TlbKind::Second) mix += std::uint64_t{tag.space.value} << 32;
    const GenerationTable& domains = tag.kind == TlbKind::Second ? second_only_ : first_side_;
    TlbView view;
    view.tag_ = tag;
    // The golden ratio: an odd constant that spreads small numbers.
    view.mix_ = static_cast<std::uint32_t>((mix * 0x9e3779b97f4a7c15u) >> 40);
    view.domain_ = &domains.of(tag.domain.value);
    view.space_ = &spaces_.of(space_name(tag.domain, tag.space));
    view.stamp_ = stamp_of(view);
    return view;
}

TlbView Iotlb::view(const TlbTag& tag) const {
    TlbView view = unnumbered_view(tag);
    view.number_ = numbers_.find(tag, view.stamp_);
    return view;
}

// Of the view's number, whether that is still the tag's or not. All ways of a set are compared before any is chosen:
// which one it is cannot be predicted. Two may be the page's, when it was invalidated and filled anew meanwhile: one of
// them is the answer.
Iotlb::Hit Iotlb::probe(const TlbView& view, Iova iova) const {
    const std::uint64_t version = spread(view.number_.version);
    for (std::uint64_t sizes = page_sizes_.load(std::memory_order_relaxed); sizes != 0; sizes &= sizes - 1) {
        const auto page_log2 = static_cast<unsigned>(std::countr_zero(sizes));
        const std::uint64_t where = where_of(view.number_, iova, page_log2);
        const Set& set = sets_[set_of(view, iova, page_log2)];
        std::uint64_t found = 0;  // the version is in it, so it is not 0
        for (const Slot& slot : set.ways) {
            const std::uint64_t what = slot.what.load(std::memory_order_acquire);
            const std::uint64_t sealed = slot.sealed.load(std::memory_order_acquire);
            const bool same = ((sealed ^ seal(what) ^ where) | ((what & ~kOutputMask) ^ version)) == 0;
            found = same ? what : found;
        }
        if (found != 0) return {found & kOutputMask, page_log2};
    }
    return {};
}

// The stamp is looked at last: a number that was the tag's after the entry was read was the tag's when it was filled.
std::optional<Translation> Iotlb::find(TlbView& view, Iova iova) const {
    if (!fits(iova)) return std::nullopt;
    Hit hit;
    if (view.number_.version != 0) hit = probe(view, iova);
    if (view.number_.version == 0 || stamp_of(view) != view.stamp_) {
        view = this->view(view.tag_);
        hit = {};
        if (view.number_.version != 0) hit = probe(view, iova);
        if (stamp_of(view) != view.stamp_) return std::nullopt;
    }
    if (hit.page_log2 == 0) return std::nullopt;
    const std::uint64_t page = hit.output & ~low_bits(kSmallestPage);
    return Translation{.address = Pa{page | (iova.value & low_bits(static_cast<unsigned>(hit.page_log2)))},
                       .page_log2 = static_cast<unsigned>(hit.page_log2),
                       .rights = static_cast<Rights>(hit.output & kRightsMask)};
}

bool Iotlb::in_use(const TagNumbers::Held& held) const { return held.stamp == unnumbered_view(held.tag).stamp_; }

bool Iotlb::is_valid(const Entry& entry) const {
    if (gather(entry.what) <= oldest_) return false;
    const auto holder = numbers_.holder(number_of(entry.where, entry.what));
    return holder && in_use(*holder);
}

// The same page's older entry first, then one that is not valid any more, then the next in turn. No two numbers have
// one version.
std::uint32_t Iotlb::victim(std::uint32_t set, const Entry& next) {
    std::optional<std::uint32_t> stale;
    for (std::uint32_t way = 0; way < kWays; ++way) {
        const std::uint64_t what = sets_[set].ways[way].what.load(std::memory_order_relaxed);
        if (((what ^ next.what) & ~kOutputMask) == 0) {
            if (load(set, way).where == next.where) return way;
        } else if (!stale && !is_valid(load(set, way))) {
            stale = way;
        }
    }
    return stale ? *stale : turns_[set]++ % kWays;
}

// When the numbers are used up, everything goes and they begin anew.
TagNumber Iotlb::number_for(const TlbView& view) {
    const auto in_use = [this](const TagNumbers::Held& held) { return this->in_use(held); };
    const TagNumber number = numbers_.give(view.tag_, view.stamp_, in_use);
    if (number.version != 0 || !numbers_.used_up()) return number;
    all_.bump();
    remove_all();
    numbers_.restart();
    oldest_ = 0;
    return {};
}

void Iotlb::remove_all() {
    for (std::uint32_t set = 0; set <= set_mask_; ++set) {
        for (std::uint32_t way = 0; way < kWays; ++way)
            store(set, way, Entry{});
    }
}

void Iotlb::fill(Ticket ticket, const TlbTag& tag, Iova iova, const Translation& translation) {
    assert(translation.page_log2 >= kSmallestPage && translation.page_log2 < 64);
    const std::lock_guard lock(writer_);
    if (epoch_.load(std::memory_order_acquire) != ticket.epoch) return;
    const std::uint64_t page = translation.address.value & ~low_bits(translation.page_log2);
    if ((page & ~kOutputMask) != 0 || !fits(iova)) return;  // no machine has memory there
    const TlbView view = unnumbered_view(tag);
    const TagNumber number = number_for(view);
    if (number.version == 0) return;
    const Entry entry{.where = where_of(number, iova, translation.page_log2),
                      .what = page | spread(number.version) | static_cast<std::uint64_t>(translation.rights)};
    const std::uint32_t set = set_of(view, iova, translation.page_log2);
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
    oldest_ = numbers_.used();
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

// Whether the command reaches the entry's tag; or nobody knows its tag, and somebody may still find it.
bool Iotlb::may_be_of(TagNumber number, const RangeMatch& match) const {
    const auto holder = numbers_.holder(number);
    if (!holder) return true;
    const TlbTag& tag = holder->tag;
    return tag.domain == match.domain && (!match.space || tag.space == *match.space) && reaches(match.reach, tag.kind);
}

// Entries of one page size in the sets that the range's pages have.
void Iotlb::drop_pages(const RangeMatch& match, const TlbView& view, unsigned page_log2) {
    const std::uint64_t last = match.range.last.value >> page_log2;
    TagNumber judged;  // the last one that was asked about
    bool reached = false;
    for (std::uint64_t page = match.range.first.value >> page_log2;; ++page) {  // at most kMaxProbes
        const std::uint32_t set = set_of(view, Iova{page << page_log2}, page_log2);
        for (std::uint32_t way = 0; way < kWays; ++way) {
            const Entry entry = load(set, way);
            if (entry.what == 0 || size_of(entry.where) != page_log2) continue;
            if (!IovaRange::aligned(page_of(entry.where), page_log2).overlaps(match.range)) continue;
            const TagNumber number = number_of(entry.where, entry.what);
            if (number != judged) reached = may_be_of(number, match);
            judged = number;
            if (reached) store(set, way, Entry{});
        }
        if (page == last) return;
    }
}

bool Iotlb::drop_range(const RangeMatch& match, const TlbView& view) {
    const std::uint64_t sizes_in_use = page_sizes_.load(std::memory_order_relaxed);
    for (std::uint64_t sizes = sizes_in_use; sizes != 0; sizes &= sizes - 1) {
        const auto page_log2 = static_cast<unsigned>(std::countr_zero(sizes));
        const std::uint64_t pages = (match.range.last.value >> page_log2) - (match.range.first.value >> page_log2);
        if (pages >= kMaxProbes) return false;
    }
    for (std::uint64_t sizes = sizes_in_use; sizes != 0; sizes &= sizes - 1)
        drop_pages(match, view, static_cast<unsigned>(std::countr_zero(sizes)));
    return true;
}

void Iotlb::invalidate_second_range(DomainTag domain, const IovaRange& range, Tables tables) {
    const std::lock_guard lock(writer_);
    if (tables == Tables::Drop) second_tables_.bump(domain.value);
    const RangeMatch match{.reach = TlbReach::SecondOnly, .domain = domain, .space = std::nullopt, .range = range};
    if (!drop_range(match, unnumbered_view({.domain = domain, .kind = TlbKind::Second})))
        second_only_.bump(domain.value);
    void_tickets();
}

void Iotlb::drop_first_range(DomainTag domain, SpaceTag space, const IovaRange& range) {
    const RangeMatch match{.reach = TlbReach::FirstSide, .domain = domain, .space = space, .range = range};
    if (pieces_kept_ || !drop_range(match, unnumbered_view({.domain = domain, .space = space}))) {
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
