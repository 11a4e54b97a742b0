// SPDX-License-Identifier: GPL-2.0-or-later
//
// ats: what a Translation Request is answered, and which errors of ATS software is told. [SMMU G.b s3.9.1, s3.13.7,
// s13.6, s13.7]
//
// A request asks for all rights at once and is granted those that there are, so `find_grant` walks once for each right,
// with the rules of an ordinary access. Flags in the tables are set for what is granted: `Grant::marks`.
//
// Nothing stalls, and faults of the translation are not recorded: the device sees Success without rights, and may ask
// for the page.
#ifndef SMMUV3_NESTED_ATS_H
#define SMMUV3_NESTED_ATS_H

#include "iommu/endpoint_protocol.h"
#include "smmuv3-nested/translate.h"

namespace smmuv3 {

// What a device may keep. No rights: nothing.
struct Grant {
    std::uint64_t address = 0;  // a PA; with split-stage ATS an IPA
    unsigned page_log2 = 12;
    Rights rights = Rights::None;
    bool execute = false;
    Marks marks;
};

// The fault that lets no right be known; that a right is missing is none.
[[nodiscard]] Result<Grant, Fault> find_grant(const Request& request, const Config& config,
                                              const Capabilities& capabilities, const GuestMemory& memory);

// The request as the SMMU sees it: without a SubstreamID it is unprivileged and for data, and the one of a Translated
// transaction counts with IDR3.PASIDTT only.
[[nodiscard]] Request as_presented(Request request, const Capabilities& capabilities);

// Whether software is told of a fault that a request of ATS met.
[[nodiscard]] bool recorded(const Fault& fault, iommu::RequestKind kind, Value<CR2> cr2);

}  // namespace smmuv3

#endif  // SMMUV3_NESTED_ATS_H
