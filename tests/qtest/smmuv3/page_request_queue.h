// SPDX-License-Identifier: GPL-2.0-or-later
//
// PageRequestQueue: the driver's end of the PRI queue, and what an entry should say. [SMMU G.b s8]
#ifndef QTEST_SMMUV3_PAGE_REQUEST_QUEUE_H
#define QTEST_SMMUV3_PAGE_REQUEST_QUEUE_H

#include <cstdint>
#include <vector>

#include "client/guest_ram.h"
#include "smmuv3/unit.h"

namespace smmu_driver {

using PageRequest = Structure<2>;
using PageRequests = std::vector<PageRequest>;

namespace page_request {

inline constexpr unsigned readable = 60, writable = 61, last = 62;  // R, W, Last

[[nodiscard]] inline PageRequest of(std::uint32_t stream, unsigned index, std::uint64_t address) {
    return PageRequest{}.set(31, 0, stream).set(72, 64, index).set(127, 76, address >> 12);
}
[[nodiscard]] inline PageRequest with(PageRequest request, unsigned flag) { return request.set(flag, flag, 1); }
[[nodiscard]] inline PageRequest with_substream(PageRequest request, std::uint32_t substream) {
    return request.set(63, 63, 1).set(51, 32, substream);
}
[[nodiscard]] inline unsigned index(const PageRequest& request) { return static_cast<unsigned>(request.get(72, 64)); }

}  // namespace page_request

class PageRequestQueue {
  public:
    PageRequestQueue(qtest::GuestRam& ram, const Unit& unit, unsigned size_log2)
        : ram_(&ram), unit_(unit), size_log2_(size_log2), base_(ram.allocate_page()) {}

    // The same queue in a machine that was moved.
    PageRequestQueue(const PageRequestQueue& other, qtest::GuestRam& ram, const Unit& unit) : PageRequestQueue(other) {
        ram_ = &ram;
        unit_ = unit;
    }

    // While PRIQEN is 0.
    void set_up() const {
        unit_.write64(reg::PRIQ_BASE, base_ | size_log2_ | bit(62));
        unit_.write32(reg::PRIQ_PROD, 0);
        unit_.write32(reg::PRIQ_CONS, 0);
    }

    [[nodiscard]] bool empty() const { return consumer() == producer(); }
    [[nodiscard]] bool overflowed() const {
        return ((unit_.read32(reg::PRIQ_PROD) ^ unit_.read32(reg::PRIQ_CONS)) & OVFLG) != 0;
    }
    // Entry by entry; the overflow stands.
    [[nodiscard]] PageRequests take() const {
        PageRequests requests;
        const std::uint32_t end = producer();
        std::uint32_t at = consumer();
        for (; at != end; at = (at + 1) % (2 * entries())) {
            const std::uint64_t address = base_ + 16ull * (at % entries());
            requests.push_back({.words = {ram_->read64(address), ram_->read64(address + 8)}});
        }
        unit_.write32(reg::PRIQ_CONS, at | (unit_.read32(reg::PRIQ_CONS) & OVFLG));
        return requests;
    }
    void acknowledge_overflow() const {
        unit_.write32(reg::PRIQ_CONS, consumer() | (unit_.read32(reg::PRIQ_PROD) & OVFLG));
    }
    [[nodiscard]] std::uint32_t entries() const { return 1u << size_log2_; }

  private:
    [[nodiscard]] std::uint32_t producer() const { return unit_.read32(reg::PRIQ_PROD) & ~OVFLG; }
    [[nodiscard]] std::uint32_t consumer() const { return unit_.read32(reg::PRIQ_CONS) & ~OVFLG; }

    qtest::GuestRam* ram_;
    Unit unit_;
    unsigned size_log2_;
    std::uint64_t base_;
};

}  // namespace smmu_driver

#endif  // QTEST_SMMUV3_PAGE_REQUEST_QUEUE_H
