// SPDX-License-Identifier: GPL-2.0-or-later
//
// Atc: the device's own translations (Address Translation Cache). [PCIe 6.0 s10.1.2]
//
// A bounded list, looked through from one end to the other: a device under test has few entries, and a test wants to
// read them all. An entry is a naturally aligned block with the PASID and the privilege of the request that it answers;
// a Global one serves every PASID. A fill takes the place of what overlaps it under the same tag, else of nothing, else
// of the entry that was not used for longest.
// Not here: whether an access is allowed, counters, locks.
#ifndef ATS_ENDPOINT_ATC_H
#define ATS_ENDPOINT_ATC_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "iommu/endpoint_protocol.h"

namespace endpoint {

using iommu::Iova;
using iommu::IovaRange;
using iommu::Pa;
using iommu::Pasid;

// What an entry is looked up by.
struct AtcTag {
    std::optional<Pasid> pasid;
    iommu::Privilege privilege = iommu::Privilege::User;
    friend bool operator==(const AtcTag&, const AtcTag&) = default;
};

struct AtcEntry {
    bool valid = false;
    AtcTag tag;
    IovaRange range;
    Pa address;  // of the block's first byte
    unsigned page_log2 = 12;
    iommu::Rights rights = iommu::Rights::None;
    bool execute = false;
    bool global = false;
    bool untranslated_only = false;
    bool no_snoop = false;
    std::uint64_t used = 0;

    [[nodiscard]] static AtcEntry of(const AtcTag& tag, Iova iova, const iommu::TranslationCompletion& completion);
    [[nodiscard]] bool serves(const AtcTag& tag, Iova iova) const;
    [[nodiscard]] Pa translate(Iova iova) const { return Pa{address.value + (iova.value - range.first.value)}; }
};

// What an Invalidate Request covers.
[[nodiscard]] bool covers(const iommu::InvalidateRequest& request, const AtcEntry& entry);

class Atc {
  public:
    explicit Atc(std::size_t entries) : entries_(entries) {}

    [[nodiscard]] std::optional<AtcEntry> find(const AtcTag& tag, Iova iova);
    enum class Filled : std::uint8_t { Free, Replaced, Evicted };
    Filled fill(AtcEntry entry);
    // How many entries went.
    unsigned drop(const iommu::InvalidateRequest& request);
    unsigned clear();

    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    [[nodiscard]] unsigned used() const;
    // An invalid entry when there is no such index.
    [[nodiscard]] AtcEntry entry(std::size_t index) const;

  private:
    std::vector<AtcEntry> entries_;
    std::uint64_t uses_ = 0;
};

}  // namespace endpoint

#endif  // ATS_ENDPOINT_ATC_H
