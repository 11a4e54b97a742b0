// SPDX-License-Identifier: GPL-2.0-or-later
//
// descriptors: what software puts into the invalidation queue. [VTD 5.10 s6.5.2, s7.6.1]
//
// Every descriptor is four quadwords here. One read from a queue of 128-bit descriptors is padded with zeros, which is
// also what software does to put a 128-bit kind into a queue of 256-bit descriptors; types 6 and up exist in the wide
// form only.
//
// Seven bits name the type: 11:9 above 3:0. Read them through DescriptorHead, then view the words as the descriptor of
// that type. Fields that hardware ignores in some modes (DID in scalable mode, STADDR without SW) are ordinary fields.
#ifndef VTD_NESTED_SPEC_DESCRIPTORS_H
#define VTD_NESTED_SPEC_DESCRIPTORS_H

#include <cstdint>
#include <string_view>

#include "iommu/bits.h"

namespace vtd {

using iommu::Field;
using iommu::Ign;
using iommu::Layout;
using iommu::Rsvd;
using iommu::Value;
using iommu::Words;

enum class DescriptorType : std::uint8_t {
    ContextCacheInvalidate = 0x1,
    IotlbInvalidate = 0x2,
    DeviceTlbInvalidate = 0x3,
    InterruptEntryInvalidate = 0x4,
    InvalidationWait = 0x5,
    PasidIotlbInvalidate = 0x6,
    PasidCacheInvalidate = 0x7,
    PasidDeviceTlbInvalidate = 0x8,
    PageGroupResponse = 0x9,
    HptCacheInvalidate = 0xa,  // valid only with ECAP.HPTS; its layout is not declared
};

// Why FSTS.IQE was set: the values of IQERCD.IQEI. [VTD 5.10 s11.4.9.9]
enum class IQEI : std::uint8_t {
    NotAvailable = 0,
    InvalidTail = 1,
    FetchError = 2,
    InvalidType = 3,  // unknown, or not allowed in this mode or without its capability
    ReservedField = 4,
    InvalidWidth = 5,  // IQA.DW against the table mode and the capabilities
    TailMisaligned = 6,
    InvalidTableMode = 7,
};

// The bits that tell the type. [VTD 5.10 s6.5.2]
struct DescriptorHead {
    static constexpr std::string_view name = "DescriptorHead";
    using TYPE_3_0 = Field<"TYPE_3_0", 3, 0>;
    using TYPE_6_4 = Field<"TYPE_6_4", 11, 9>;
    using layout = Layout<Words<4>, TYPE_3_0, Field<"", 8, 4, Ign>, TYPE_6_4, Field<"", 63, 12, Ign>,
                          Field<"", 127, 64, Ign>, Field<"", 191, 128, Ign>, Field<"", 255, 192, Ign>>;
};

// The 7-bit type, which need not be one of DescriptorType.
[[nodiscard]] constexpr std::uint8_t type_code(const Value<DescriptorHead>& head) {
    return static_cast<std::uint8_t>(head.get<DescriptorHead::TYPE_6_4>() << 4 | head.get<DescriptorHead::TYPE_3_0>());
}

// Context-cache Invalidate, cc_inv_dsc. [VTD 5.10 s6.5.2.1]
struct ContextCacheInvalidate {
    static constexpr std::string_view name = "ContextCacheInvalidate";
    using TYPE_3_0 = Field<"TYPE_3_0", 3, 0>;
    using G = Field<"G", 5, 4>;
    using TYPE_6_4 = Field<"TYPE_6_4", 11, 9>;
    using DID = Field<"DID", 31, 16>;
    using SID = Field<"SID", 47, 32>;
    using FM = Field<"FM", 49, 48>;
    using layout =
        Layout<Words<4>, TYPE_3_0, G, Field<"", 8, 6, Rsvd>, TYPE_6_4, Field<"", 15, 12, Rsvd>, DID, SID, FM,
               Field<"", 63, 50, Rsvd>, Field<"", 127, 64, Rsvd>, Field<"", 191, 128, Rsvd>, Field<"", 255, 192, Rsvd>>;
    enum class Granularity : std::uint8_t { Reserved = 0, Global = 1, Domain = 2, Device = 3 };
};

// IOTLB Invalidate, iotlb_inv_dsc. [VTD 5.10 s6.5.2.3]
struct IotlbInvalidate {
    static constexpr std::string_view name = "IotlbInvalidate";
    using TYPE_3_0 = Field<"TYPE_3_0", 3, 0>;
    using G = Field<"G", 5, 4>;
    using DW = Field<"DW", 6, 6>;
    using DR = Field<"DR", 7, 7>;
    using TYPE_6_4 = Field<"TYPE_6_4", 11, 9>;
    using DID = Field<"DID", 31, 16>;
    using AM = Field<"AM", 69, 64>;
    using IH = Field<"IH", 70, 70>;
    using ADDR = Field<"ADDR", 127, 76>;
    using layout = Layout<Words<4>, TYPE_3_0, G, DW, DR, Field<"", 8, 8, Rsvd>, TYPE_6_4, Field<"", 15, 12, Rsvd>, DID,
                          Field<"", 63, 32, Rsvd>, AM, IH, Field<"", 75, 71, Rsvd>, ADDR, Field<"", 191, 128, Rsvd>,
                          Field<"", 255, 192, Rsvd>>;
    // Page is reserved without CAP.PSI.
    enum class Granularity : std::uint8_t { Reserved = 0, Global = 1, Domain = 2, Page = 3 };
};

// Device-TLB Invalidate, dev_tlb_inv_dsc. PFSID is reserved without ECAP.DIT. [VTD 5.10 s6.5.2.5]
struct DeviceTlbInvalidate {
    static constexpr std::string_view name = "DeviceTlbInvalidate";
    using TYPE_3_0 = Field<"TYPE_3_0", 3, 0>;
    using TYPE_6_4 = Field<"TYPE_6_4", 11, 9>;
    using PFSID_3_0 = Field<"PFSID_3_0", 15, 12>;
    using MIP = Field<"MIP", 20, 16>;
    using SID = Field<"SID", 47, 32>;
    using PFSID_15_4 = Field<"PFSID_15_4", 63, 52>;
    using S = Field<"S", 64, 64>;
    using ADDR = Field<"ADDR", 127, 76>;
    using layout = Layout<Words<4>, TYPE_3_0, Field<"", 8, 4, Rsvd>, TYPE_6_4, PFSID_3_0, MIP, Field<"", 31, 21, Rsvd>,
                          SID, Field<"", 51, 48, Rsvd>, PFSID_15_4, S, Field<"", 75, 65, Rsvd>, ADDR,
                          Field<"", 191, 128, Rsvd>, Field<"", 255, 192, Rsvd>>;
};

// Interrupt Entry Cache Invalidate, iec_inv_dsc. [VTD 5.10 s6.5.2.8]
struct InterruptEntryInvalidate {
    static constexpr std::string_view name = "InterruptEntryInvalidate";
    using TYPE_3_0 = Field<"TYPE_3_0", 3, 0>;
    using G = Field<"G", 4, 4>;
    using TYPE_6_4 = Field<"TYPE_6_4", 11, 9>;
    using IM = Field<"IM", 31, 27>;
    using IIDX = Field<"IIDX", 47, 32>;
    using layout =
        Layout<Words<4>, TYPE_3_0, G, Field<"", 8, 5, Rsvd>, TYPE_6_4, Field<"", 26, 12, Rsvd>, IM, IIDX,
               Field<"", 63, 48, Rsvd>, Field<"", 127, 64, Rsvd>, Field<"", 191, 128, Rsvd>, Field<"", 255, 192, Rsvd>>;
    enum class Granularity : std::uint8_t { Global = 0, Index = 1 };
};

// Invalidation Wait, inv_wait_dsc. STADDR holds bits 63:2 of the address, of which those at or above the host address
// width are ignored. PD is reserved without ECAP.PDS. [VTD 5.10 s6.5.2.9]
struct InvalidationWait {
    static constexpr std::string_view name = "InvalidationWait";
    using TYPE_3_0 = Field<"TYPE_3_0", 3, 0>;
    using IF = Field<"IF", 4, 4>;
    using SW = Field<"SW", 5, 5>;
    using FN = Field<"FN", 6, 6>;
    using PD = Field<"PD", 7, 7>;
    using TYPE_6_4 = Field<"TYPE_6_4", 11, 9>;
    using STDATA = Field<"STDATA", 63, 32>;
    using STADDR = Field<"STADDR", 127, 66>;
    using layout =
        Layout<Words<4>, TYPE_3_0, IF, SW, FN, PD, Field<"", 8, 8, Rsvd>, TYPE_6_4, Field<"", 31, 12, Rsvd>, STDATA,
               Field<"", 65, 64, Rsvd>, STADDR, Field<"", 191, 128, Rsvd>, Field<"", 255, 192, Rsvd>>;
};

// PASID-based-IOTLB Invalidate, p_iotlb_inv_dsc. [VTD 5.10 s6.5.2.4]
struct PasidIotlbInvalidate {
    static constexpr std::string_view name = "PasidIotlbInvalidate";
    using TYPE_3_0 = Field<"TYPE_3_0", 3, 0>;
    using G = Field<"G", 5, 4>;
    using TYPE_6_4 = Field<"TYPE_6_4", 11, 9>;
    using DID = Field<"DID", 31, 16>;
    using PASID = Field<"PASID", 51, 32>;
    using AM = Field<"AM", 69, 64>;
    using IH = Field<"IH", 70, 70>;
    using ADDR = Field<"ADDR", 127, 76>;
    using layout = Layout<Words<4>, TYPE_3_0, G, Field<"", 8, 6, Rsvd>, TYPE_6_4, Field<"", 15, 12, Rsvd>, DID, PASID,
                          Field<"", 63, 52, Rsvd>, AM, IH, Field<"", 75, 71, Rsvd>, ADDR, Field<"", 191, 128, Rsvd>,
                          Field<"", 255, 192, Rsvd>>;
    enum class Granularity : std::uint8_t { Reserved0 = 0, Reserved1 = 1, Pasid = 2, Page = 3 };
};

// PASID-cache Invalidate, pc_inv_dsc. [VTD 5.10 s6.5.2.2]
struct PasidCacheInvalidate {
    static constexpr std::string_view name = "PasidCacheInvalidate";
    using TYPE_3_0 = Field<"TYPE_3_0", 3, 0>;
    using G = Field<"G", 5, 4>;
    using TYPE_6_4 = Field<"TYPE_6_4", 11, 9>;
    using DID = Field<"DID", 31, 16>;
    using PASID = Field<"PASID", 51, 32>;
    using layout =
        Layout<Words<4>, TYPE_3_0, G, Field<"", 8, 6, Rsvd>, TYPE_6_4, Field<"", 15, 12, Rsvd>, DID, PASID,
               Field<"", 63, 52, Rsvd>, Field<"", 127, 64, Rsvd>, Field<"", 191, 128, Rsvd>, Field<"", 255, 192, Rsvd>>;
    enum class Granularity : std::uint8_t { Domain = 0, Pasid = 1, Reserved = 2, Global = 3 };
};

// PASID-based-Device-TLB Invalidate, p_dev_tlb_inv_dsc. PFSID is reserved without ECAP.DIT. [VTD 5.10 s6.5.2.6]
struct PasidDeviceTlbInvalidate {
    static constexpr std::string_view name = "PasidDeviceTlbInvalidate";
    using TYPE_3_0 = Field<"TYPE_3_0", 3, 0>;
    using MIP = Field<"MIP", 8, 4>;
    using TYPE_6_4 = Field<"TYPE_6_4", 11, 9>;
    using PFSID_3_0 = Field<"PFSID_3_0", 15, 12>;
    using SID = Field<"SID", 31, 16>;
    using PASID = Field<"PASID", 51, 32>;
    using PFSID_15_4 = Field<"PFSID_15_4", 63, 52>;
    using GI = Field<"GI", 64, 64>;
    using S = Field<"S", 75, 75>;
    using ADDR = Field<"ADDR", 127, 76>;
    using layout = Layout<Words<4>, TYPE_3_0, MIP, TYPE_6_4, PFSID_3_0, SID, PASID, PFSID_15_4, GI,
                          Field<"", 74, 65, Rsvd>, S, ADDR, Field<"", 191, 128, Rsvd>, Field<"", 255, 192, Rsvd>>;
};

// Page Group Response, page_grp_resp_dsc. Bit 66 held LPIG in old versions. [VTD 5.10 s7.6.1]
struct PageGroupResponse {
    static constexpr std::string_view name = "PageGroupResponse";
    using TYPE_3_0 = Field<"TYPE_3_0", 3, 0>;
    using PP = Field<"PP", 4, 4>;
    using TYPE_6_4 = Field<"TYPE_6_4", 11, 9>;
    using RC = Field<"RC", 15, 12>;
    using RID = Field<"RID", 31, 16>;
    using PASID = Field<"PASID", 51, 32>;
    using PRGI = Field<"PRGI", 75, 67>;
    using layout = Layout<Words<4>, TYPE_3_0, PP, Field<"", 8, 5, Rsvd>, TYPE_6_4, RC, RID, PASID,
                          Field<"", 63, 52, Rsvd>, Field<"", 65, 64, Rsvd>, Field<"", 66, 66, Ign>, PRGI,
                          Field<"", 127, 76, Rsvd>, Field<"", 191, 128, Rsvd>, Field<"", 255, 192, Rsvd>>;
    // RC; the values between are reserved.
    enum class ResponseCode : std::uint8_t { Success = 0x0, InvalidRequest = 0x1, ResponseFailure = 0xf };
};

// The requester-id of the physical function, out of the two fields that hold it. [VTD 5.10 s6.5.2.5, s6.5.2.6]
template <class Descriptor>
[[nodiscard]] constexpr std::uint16_t pfsid(const Value<Descriptor>& descriptor) {
    return static_cast<std::uint16_t>(descriptor.template get<typename Descriptor::PFSID_15_4>() << 4 |
                                      descriptor.template get<typename Descriptor::PFSID_3_0>());
}

}  // namespace vtd

#endif  // VTD_NESTED_SPEC_DESCRIPTORS_H
