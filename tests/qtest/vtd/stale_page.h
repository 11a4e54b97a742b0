// SPDX-License-Identifier: GPL-2.0-or-later
//
// StalePage: a mapping that the unit has cached and the guest has changed since.
//
//     StalePage page(guest, stage, {.iova = 0x1000});
//     guest.queue.submit(descriptor::iotlb_global());
//     CHECK(page.is_fresh());
//
// Each has two pages of memory of its own, with different contents: the cached translation leads to the old one, the
// tables to the new one. Looking makes the unit cache what it finds.
#ifndef QTEST_VTD_STALE_PAGE_H
#define QTEST_VTD_STALE_PAGE_H

#include "vtd/guest.h"

namespace vtd_driver {

class StalePage {
  public:
    struct Where {
        std::uint64_t iova = 0;
        std::uint64_t bias = 0;  // of what the table calls a page
    };

    StalePage(Guest& guest, PageTable& stage, Where where) : guest_(&guest), iova_(where.iova) {
        stage.map({.iova = iova_, .target = guest.patterned_page(old_seed) + where.bias});
        target_ = guest.patterned_page(new_seed) + where.bias;
        stage_ = &stage;
    }

    // The unit learns the old translation, the table gets the new one.
    void make_stale() {
        static_cast<void>(guest_->dma_read(iova_));
        stage_->map({.iova = iova_, .target = target_});
    }

    [[nodiscard]] bool is_stale() { return guest_->dma_read(iova_) == Guest::pattern(old_seed); }
    [[nodiscard]] bool is_fresh() { return guest_->dma_read(iova_) == Guest::pattern(new_seed); }
    [[nodiscard]] std::uint64_t iova() const { return iova_; }

  private:
    static constexpr std::uint32_t old_seed = 1001;
    static constexpr std::uint32_t new_seed = 1002;
    Guest* guest_;
    PageTable* stage_ = nullptr;
    std::uint64_t iova_;
    std::uint64_t target_ = 0;
};

}  // namespace vtd_driver

#endif  // QTEST_VTD_STALE_PAGE_H
