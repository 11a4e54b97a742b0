// SPDX-License-Identifier: GPL-2.0-or-later
#include "ats-endpoint/atc.h"

#include <algorithm>

namespace endpoint {

AtcEntry AtcEntry::of(const AtcTag& tag, Iova iova, const iommu::TranslationCompletion& completion) {
    const IovaRange range = IovaRange::aligned(iova, completion.page_log2);
    return {.valid = true,
            .tag = tag,
            .range = range,
            .address = Pa{completion.address.value - (iova.value - range.first.value)},
            .page_log2 = completion.page_log2,
            .rights = completion.rights,
            .execute = completion.execute,
            .global = completion.global && tag.pasid.has_value(),
            .untranslated_only = completion.untranslated_only,
            .no_snoop = completion.no_snoop};
}

bool AtcEntry::serves(const AtcTag& wanted, Iova iova) const {
    if (!valid || iova < range.first || iova > range.last || tag.privilege != wanted.privilege) return false;
    return tag.pasid == wanted.pasid || (global && wanted.pasid);
}

// Without a PASID prefix: all of the range, also what was translated with one. With Global Invalidate: every PASID's. A
// request that names a PASID takes Global entries too, since more than asked for may always go. [PCIe 6.0 s10.3.1]
bool covers(const iommu::InvalidateRequest& request, const AtcEntry& entry) {
    if (!entry.valid || !entry.range.overlaps(request.range)) return false;
    if (!request.pasid) return true;
    if (request.global) return entry.tag.pasid.has_value();
    return entry.tag.pasid == request.pasid || entry.global;
}

std::optional<AtcEntry> Atc::find(const AtcTag& tag, Iova iova) {
    for (AtcEntry& entry : entries_) {
        if (!entry.serves(tag, iova)) continue;
        entry.used = ++uses_;
        return entry;
    }
    return std::nullopt;
}

// Two entries under one tag never cover the same byte: which of them served would be chance.
Atc::Filled Atc::fill(AtcEntry entry) {
    entry.used = ++uses_;
    bool replaced = false;
    for (AtcEntry& old : entries_) {
        if (!old.valid || old.tag != entry.tag || !old.range.overlaps(entry.range)) continue;
        old = {};
        replaced = true;
    }
    const auto place = std::min_element(entries_.begin(), entries_.end(), [](const AtcEntry& a, const AtcEntry& b) {
        return (a.valid ? a.used : 0) < (b.valid ? b.used : 0);
    });
    const bool evicted = place->valid;
    *place = entry;
    if (evicted) return Filled::Evicted;
    return replaced ? Filled::Replaced : Filled::Free;
}

unsigned Atc::drop(const iommu::InvalidateRequest& request) {
    unsigned dropped = 0;
    for (AtcEntry& entry : entries_) {
        if (!covers(request, entry)) continue;
        entry = {};
        ++dropped;
    }
    return dropped;
}

unsigned Atc::clear() {
    const unsigned dropped = used();
    std::fill(entries_.begin(), entries_.end(), AtcEntry{});
    return dropped;
}

unsigned Atc::used() const {
    return static_cast<unsigned>(
        std::count_if(entries_.begin(), entries_.end(), [](const AtcEntry& entry) { return entry.valid; }));
}

AtcEntry Atc::entry(std::size_t index) const { return index < entries_.size() ? entries_[index] : AtcEntry{}; }

}  // namespace endpoint
