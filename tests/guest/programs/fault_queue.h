// SPDX-License-Identifier: GPL-2.0-or-later
// FaultQueue: page faults of a device that user space serves, through an iommufd fault queue.
//
// A record of the queue is one page; those of a group have one cookie, and one answer. Devices ask in two ways: on VT-d
// by page requests of their ATC (PRI), on SMMUv3 by being held in the midst of an ordinary request (stall), which the
// kernel lets a device do that its device tree says can wait.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "device.h"
#include "endpoint.h"
#include "iommufd.h"

namespace guest {

using PageFault = iommu_hwpt_pgfault;

class FaultQueue {
  public:
    explicit FaultQueue(Iommufd& iommu) : queue_{iommu.fault_queue()} {}

    [[nodiscard]] std::uint32_t id() const { return queue_.id; }

    // The records that are next, as many as this; fails the step if they do not come within some seconds.
    std::vector<PageFault> take(std::size_t count);
    PageFault take_one() { return take(1).front(); }
    // Whether nothing comes for a while.
    [[nodiscard]] bool stays_empty();

    // `code` is IOMMUFD_PAGE_RESP_*. The try_ form returns 0 or an errno.
    int try_answer(const PageFault& fault, std::uint32_t code);
    void answer(const PageFault& fault, std::uint32_t code = IOMMUFD_PAGE_RESP_SUCCESS);

    void close() { queue_.file = Fd{}; }

  private:
    Queue queue_;
};

// Skips the step if the kernel does not let the device wait for pages.
void needs_page_faults(const Device& device);

// An access that waits where the page is not there, and how it ends when the page is refused.
How waiting(std::optional<std::uint32_t> pasid = std::nullopt, unsigned channel = 0);
unsigned refused_code();

// Fails the step unless the channel is held, as it must be between the record and the answer.
void check_waits(const Endpoint& endpoint, unsigned channel = 0);

}  // namespace guest
