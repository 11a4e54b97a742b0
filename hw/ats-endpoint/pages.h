// SPDX-License-Identifier: GPL-2.0-or-later
//
// PageGroups: page-request groups that wait for their response. [PCIe 6.0 s10.4]
//
// Several groups may have one index: a device that lies does that. A response ends the oldest one that it fits.
#ifndef ATS_ENDPOINT_PAGES_H
#define ATS_ENDPOINT_PAGES_H

#include <cstdint>
#include <optional>
#include <vector>

#include "iommu/endpoint_protocol.h"

namespace endpoint {

inline constexpr unsigned kNobody = 0xff;

struct PageGroup {
    std::optional<iommu::Pasid> pasid;
    std::uint16_t index = 0;
    std::uint16_t pages = 1;
    unsigned channel = kNobody;  // which waits for it
};

class PageGroups {
  public:
    static constexpr std::size_t kMost = 512;
    static constexpr unsigned kIndexes = 512;  // 9 bits

    // False when there are too many.
    [[nodiscard]] bool open(const PageGroup& group);
    enum class PasidCheck : std::uint8_t { Off, On };
    [[nodiscard]] std::optional<PageGroup> take(const iommu::PageGroupResponse& response, PasidCheck check);
    [[nodiscard]] bool knows_index(std::uint16_t index) const;
    // The channel waits no longer; the group goes on.
    void leave(unsigned channel);

    // An index for a new group: the one after the newest.
    [[nodiscard]] std::uint16_t next_index();
    [[nodiscard]] std::uint16_t newest_index() const { return newest_; }

    [[nodiscard]] unsigned pages() const;
    [[nodiscard]] const std::vector<PageGroup>& list() const { return groups_; }
    void restore(std::vector<PageGroup> groups, std::uint16_t newest);
    void clear() { groups_.clear(); }

  private:
    std::vector<PageGroup> groups_;
    std::uint16_t newest_ = kIndexes - 1;
};

}  // namespace endpoint

#endif  // ATS_ENDPOINT_PAGES_H
