// SPDX-License-Identifier: GPL-2.0-or-later
//
// page_requests: the page request queue. [VTD 5.10 s7.4-7.6, s11.4.11]
//
// The queue is a ring in memory that hardware writes at PQT and software reads at PQH; one entry stays unused. A
// request that finds it full sets PRO and is lost, and so is every one after it until software has cleared PRO. What is
// lost, or refused before, is answered by hardware if the device waits for an answer; what is queued is answered by
// software, through the invalidation queue.
//
// The registers are all the state there is. The owner's lock protects them.
#ifndef VTD_NESTED_PAGE_REQUESTS_H
#define VTD_NESTED_PAGE_REQUESTS_H

#include <optional>

#include "iommu/endpoint_protocol.h"
#include "iommu/guest_memory.h"
#include "iommu/guest_ring.h"
#include "iommu/invalidation.h"
#include "vtd-nested/capabilities.h"
#include "vtd-nested/events.h"
#include "vtd-nested/resolve.h"
#include "vtd-nested/spec/page_request.h"

namespace vtd {

// The same as a Request: what the tables and the fault records see of it.
[[nodiscard]] Request request_of(const iommu::PageRequest& page);
[[nodiscard]] Value<PageRequestDescriptor> descriptor_of(const iommu::PageRequest& page);
// The queue as PQA describes it.
[[nodiscard]] iommu::GuestRing page_request_ring(Value<PQA> pqa);

// Translations that the request shows to be of no use. [VTD 5.10 s6.5.3.1 table 27]
[[nodiscard]] iommu::TlbDrop implicit_invalidation(const iommu::PageRequest& page, const Config& config,
                                                   const Capabilities& capabilities);

enum class PageQueue : std::uint8_t {
    Ready,
    Full,      // this request overflows it
    Overflow,  // an earlier one did: PRO
};
[[nodiscard]] PageQueue page_queue(const RegisterFile& registers);
// This request finds no room. [VTD 5.10 s7.5]
[[nodiscard]] Effects page_queue_overflowed(RegisterFile& registers);
// The descriptor, then PQT, then PPR and its event. Nothing when there is no memory, and then nothing has changed.
// Only when the queue is ready.
[[nodiscard]] std::optional<Effects> queue_page_request(const iommu::PageRequest& page, RegisterFile& registers,
                                                        GuestMemory& memory);

// Hardware's answer to a request that software will not see: to the last of its group, but to no stop marker.
// [VTD 5.10 s7.4.1 table 31]
[[nodiscard]] std::optional<iommu::PageGroupResponse> automatic_response(const iommu::PageRequest& page,
                                                                         iommu::ResponseCode code);
[[nodiscard]] Effects respond(const iommu::PageGroupResponse& response);

}  // namespace vtd

#endif  // VTD_NESTED_PAGE_REQUESTS_H
