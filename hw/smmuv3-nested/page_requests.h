// SPDX-License-Identifier: GPL-2.0-or-later
//
// page_requests: requests of devices for pages become entries of the PRI queue, or are answered here. [SMMU G.b s8]
//
// An entry is written when the queue is on, has room, and is in no error; software answers it by CMD_PRI_RESP. What
// cannot be written is discarded: a full queue overflows, and takes nothing more until software has acknowledged that;
// the last request of a group is then answered Success, so that the device tries again. A queue that is off or broken
// answers each request Response Failure. Stop PASID markers are never answered.
#ifndef SMMUV3_NESTED_PAGE_REQUESTS_H
#define SMMUV3_NESTED_PAGE_REQUESTS_H

#include "iommu/endpoint_protocol.h"
#include "iommu/guest_memory.h"
#include "iommu/guest_ring.h"
#include "smmuv3-nested/interrupts.h"
#include "smmuv3-nested/spec/page_request.h"

namespace smmuv3 {

// What became of a page request.
enum class Admitted : std::uint8_t {
    Queued,
    Overflow,  // the queue is full, or was and has not been acknowledged
    Off,       // PRIQEN is not effective, or PRIQ_ABT_ERR is active
    Aborted,   // the entry could not be written
};

struct Admission {
    Admitted admitted = Admitted::Off;
    Effects effects;
};

class PageRequestQueue {
  public:
    explicit PageRequestQueue(const Capabilities& capabilities) : capabilities_(capabilities), signals_(capabilities) {}

    // All of its state is in the registers.
    [[nodiscard]] Admission admit(const iommu::PageRequest& request, RegisterFile& registers,
                                  iommu::GuestMemory& memory) const;

  private:
    [[nodiscard]] Admitted room(const RegisterFile& registers) const;
    [[nodiscard]] iommu::WrapRing ring(const RegisterFile& registers) const;
    [[nodiscard]] Admission append(const iommu::PageRequest& request, RegisterFile& registers,
                                   iommu::GuestMemory& memory) const;

    const Capabilities& capabilities_;
    Signals signals_;
};

[[nodiscard]] Value<PageRequestEntry> page_request_entry(const iommu::PageRequest& request);

}  // namespace smmuv3

#endif  // SMMUV3_NESTED_PAGE_REQUESTS_H
