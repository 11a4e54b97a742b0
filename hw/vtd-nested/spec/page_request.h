// SPDX-License-Identifier: GPL-2.0-or-later
//
// page_request: what hardware puts into the page request queue, and the queue's registers. [VTD 5.10 s7.4.1.1,
// s11.4.11]
//
// Registers follow the rules of registers.h.
#ifndef VTD_NESTED_SPEC_PAGE_REQUEST_H
#define VTD_NESTED_SPEC_PAGE_REQUEST_H

#include <cstdint>
#include <string_view>

#include "iommu/bits.h"

namespace vtd {

using iommu::Field;
using iommu::Layout;
using iommu::RO;
using iommu::Rsvd;
using iommu::RW;
using iommu::RW1C;
using iommu::Words;

// Page Request Descriptor, page_req_dsc. PASID, EXR and PMR mean something with PP only.
struct PageRequestDescriptor {
    static constexpr std::string_view name = "PageRequestDescriptor";
    using TYPE = Field<"TYPE", 7, 0>;
    using PP = Field<"PP", 8, 8>;
    using RID = Field<"RID", 31, 16>;
    using PASID = Field<"PASID", 51, 32>;
    using EXR = Field<"EXR", 52, 52>;
    using PMR = Field<"PMR", 53, 53>;
    using RDR = Field<"RDR", 64, 64>;
    using WRR = Field<"WRR", 65, 65>;
    using LPIG = Field<"LPIG", 66, 66>;
    using PRGI = Field<"PRGI", 75, 67>;
    using ADDR = Field<"ADDR", 127, 76>;
    using layout = Layout<Words<4>, TYPE, PP, Field<"", 15, 9, Rsvd>, RID, PASID, EXR, PMR, Field<"", 63, 54, Rsvd>,
                          RDR, WRR, LPIG, PRGI, ADDR, Field<"", 191, 128, Rsvd>, Field<"", 255, 192, Rsvd>>;

    // The only TYPE there is.
    static constexpr std::uint64_t type = 0x01;
};

// The page-request registers exist with ECAP.PRS only.
//
// Page Request Queue Head Register. C++ wants a field to differ from its class. [VTD 5.10 s11.4.11.1]
struct PQH {
    static constexpr std::string_view name = "PQH";
    static constexpr std::uint16_t offset = 0x0c0;
    using PQH_ = Field<"PQH", 18, 5, RW>;
    using layout = Layout<std::uint64_t, Field<"", 4, 0, Rsvd>, PQH_, Field<"", 63, 19, Rsvd>>;
};

// Page Request Queue Tail Register. [VTD 5.10 s11.4.11.2]
struct PQT {
    static constexpr std::string_view name = "PQT";
    static constexpr std::uint16_t offset = 0x0c8;
    using PQT_ = Field<"PQT", 18, 5, RW>;
    using layout = Layout<std::uint64_t, Field<"", 4, 0, Rsvd>, PQT_, Field<"", 63, 19, Rsvd>>;
};

// Page Request Queue Address Register. [VTD 5.10 s11.4.11.3]
struct PQA {
    static constexpr std::string_view name = "PQA";
    static constexpr std::uint16_t offset = 0x0d0;
    using PQS = Field<"PQS", 2, 0, RW>;  // 2^PQS pages of 4 KiB
    using PQA_ = Field<"PQA", 63, 12, RW>;
    using layout = Layout<std::uint64_t, PQS, Field<"", 11, 3, Rsvd>, PQA_>;
};

// Page Request Status Register. [VTD 5.10 s11.4.11.4]
struct PRS {
    static constexpr std::string_view name = "PRS";
    static constexpr std::uint16_t offset = 0x0dc;
    using PPR = Field<"PPR", 0, 0, RW1C>;
    using PRO = Field<"PRO", 1, 1, RW1C>;
    using layout = Layout<std::uint32_t, PPR, PRO, Field<"", 31, 2, Rsvd>>;
};

// Page Request Event Control Register. Reset value: IM=1. [VTD 5.10 s11.4.11.5]
struct PECTL {
    static constexpr std::string_view name = "PECTL";
    static constexpr std::uint16_t offset = 0x0e0;
    using IP = Field<"IP", 30, 30, RO>;
    using IM = Field<"IM", 31, 31, RW>;
    using layout = Layout<std::uint32_t, Field<"", 29, 0, Rsvd>, IP, IM>;
};

// Page Request Event Data Register. [VTD 5.10 s11.4.11.6]
struct PEDATA {
    static constexpr std::string_view name = "PEDATA";
    static constexpr std::uint16_t offset = 0x0e4;
    using IMD = Field<"IMD", 15, 0, RW>;
    using layout = Layout<std::uint32_t, IMD, Field<"", 31, 16, Rsvd>>;
};

// Page Request Event Address Register. [VTD 5.10 s11.4.11.7]
struct PEADDR {
    static constexpr std::string_view name = "PEADDR";
    static constexpr std::uint16_t offset = 0x0e8;
    using MA = Field<"MA", 31, 2, RW>;
    using layout = Layout<std::uint32_t, Field<"", 1, 0, Rsvd>, MA>;
};

// Page Request Event Upper Address Register. [VTD 5.10 s11.4.11.8]
struct PEUADDR {
    static constexpr std::string_view name = "PEUADDR";
    static constexpr std::uint16_t offset = 0x0ec;
    using MUA = Field<"MUA", 31, 0, RW>;
    using layout = Layout<std::uint32_t, MUA>;
};

}  // namespace vtd

#endif  // VTD_NESTED_SPEC_PAGE_REQUEST_H
