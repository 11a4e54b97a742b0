// SPDX-License-Identifier: GPL-2.0-or-later
//
// registers: the remapping registers, each field at the bits the manual prints. [VTD 5.10 s11.4]
//
// One struct per register, named as the manual's abbreviation without "_REG". `offset` is the place in the register
// page; the registers that CAP.FRO or ECAP.IRO place have `relative_offset` instead, counted from there. Reserved bits
// (RsvdP, RsvdZ) read 0 and ignore writes: Rsvd. Sticky attributes (RW1CS, ROS) are RW1C and RO. Fields that exist
// only with a capability are declared as if it were there.
// Not here: page requests (page_request.h), interrupt remapping, virtual and enhanced commands, performance monitoring,
// MTRRs.
#ifndef VTD_NESTED_SPEC_REGISTERS_H
#define VTD_NESTED_SPEC_REGISTERS_H

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
using iommu::WO;

// Version Register. [VTD 5.10 s11.4.1]
struct VER {
    static constexpr std::string_view name = "VER";
    static constexpr std::uint16_t offset = 0x000;
    using MIN = Field<"MIN", 3, 0, RO>;
    using MAX = Field<"MAX", 7, 4, RO>;
    using layout = Layout<std::uint32_t, MIN, MAX, Field<"", 31, 8, Rsvd>>;
};

// Capability Register. [VTD 5.10 s11.4.2]
struct CAP {
    static constexpr std::string_view name = "CAP";
    static constexpr std::uint16_t offset = 0x008;
    using ND = Field<"ND", 2, 0, RO>;
    using RWBF = Field<"RWBF", 4, 4, RO>;
    using PLMR = Field<"PLMR", 5, 5, RO>;
    using PHMR = Field<"PHMR", 6, 6, RO>;
    using CM = Field<"CM", 7, 7, RO>;
    using SAGAW = Field<"SAGAW", 12, 8, RO>;
    using MGAW = Field<"MGAW", 21, 16, RO>;
    using ZLR = Field<"ZLR", 22, 22, RO>;
    using FRO = Field<"FRO", 33, 24, RO>;
    using SSLPS = Field<"SSLPS", 37, 34, RO>;
    using PSI = Field<"PSI", 39, 39, RO>;
    using NFR = Field<"NFR", 47, 40, RO>;
    using MAMV = Field<"MAMV", 53, 48, RO>;
    using DWD = Field<"DWD", 54, 54, RO>;
    using DRD = Field<"DRD", 55, 55, RO>;
    using FS1GP = Field<"FS1GP", 56, 56, RO>;
    using PI = Field<"PI", 59, 59, RO>;
    using FS5LP = Field<"FS5LP", 60, 60, RO>;
    using ECMDS = Field<"ECMDS", 61, 61, RO>;
    using ESIRTPS = Field<"ESIRTPS", 62, 62, RO>;
    using ESRTPS = Field<"ESRTPS", 63, 63, RO>;
    using layout =
        Layout<std::uint64_t, ND, Field<"", 3, 3, Rsvd>, RWBF, PLMR, PHMR, CM, SAGAW, Field<"", 15, 13, Rsvd>, MGAW,
               ZLR, Field<"", 23, 23, Rsvd>, FRO, SSLPS, Field<"", 38, 38, Rsvd>, PSI, NFR, MAMV, DWD, DRD, FS1GP,
               Field<"", 58, 57, Rsvd>, PI, FS5LP, ECMDS, ESIRTPS, ESRTPS>;
};

// Extended Capability Register. Bits 5, 24 and 28 are deprecated and must be reported as 0. [VTD 5.10 s11.4.3]
struct ECAP {
    static constexpr std::string_view name = "ECAP";
    static constexpr std::uint16_t offset = 0x010;
    using C = Field<"C", 0, 0, RO>;
    using QI = Field<"QI", 1, 1, RO>;
    using DT = Field<"DT", 2, 2, RO>;
    using IR = Field<"IR", 3, 3, RO>;
    using EIM = Field<"EIM", 4, 4, RO>;
    using PT = Field<"PT", 6, 6, RO>;
    using SC = Field<"SC", 7, 7, RO>;
    using IRO = Field<"IRO", 17, 8, RO>;
    using MHMV = Field<"MHMV", 23, 20, RO>;
    using MTS = Field<"MTS", 25, 25, RO>;
    using NEST = Field<"NEST", 26, 26, RO>;
    using PRS = Field<"PRS", 29, 29, RO>;
    using ERS = Field<"ERS", 30, 30, RO>;
    using SRS = Field<"SRS", 31, 31, RO>;
    using NWFS = Field<"NWFS", 33, 33, RO>;
    using EAFS = Field<"EAFS", 34, 34, RO>;
    using PSS = Field<"PSS", 39, 35, RO>;
    using PASID = Field<"PASID", 40, 40, RO>;
    using DIT = Field<"DIT", 41, 41, RO>;
    using PDS = Field<"PDS", 42, 42, RO>;
    using SMTS = Field<"SMTS", 43, 43, RO>;
    using VCS = Field<"VCS", 44, 44, RO>;
    using SSADS = Field<"SSADS", 45, 45, RO>;
    using SSTS = Field<"SSTS", 46, 46, RO>;
    using FSTS = Field<"FSTS", 47, 47, RO>;
    using SMPWCS = Field<"SMPWCS", 48, 48, RO>;
    using RPS = Field<"RPS", 49, 49, RO>;
    using TDXCS = Field<"TDXCS", 50, 50, RO>;
    using PMS = Field<"PMS", 51, 51, RO>;
    using ADMS = Field<"ADMS", 52, 52, RO>;
    using RPRIVS = Field<"RPRIVS", 53, 53, RO>;
    using HPTS = Field<"HPTS", 55, 55, RO>;
    using PTRS = Field<"PTRS", 56, 56, RO>;
    using SSIRWS = Field<"SSIRWS", 57, 57, RO>;
    using SMS = Field<"SMS", 58, 58, RO>;
    using HPT1GPS = Field<"HPT1GPS", 59, 59, RO>;
    using RDTS = Field<"RDTS", 60, 60, RO>;
    using EIMER = Field<"EIMER", 61, 61, RO>;
    using IRREQ = Field<"IRREQ", 62, 62, RO>;
    using layout =
        Layout<std::uint64_t, C, QI, DT, IR, EIM, Field<"", 5, 5, Rsvd>, PT, SC, IRO, Field<"", 19, 18, Rsvd>, MHMV,
               Field<"", 24, 24, Rsvd>, MTS, NEST, Field<"", 28, 27, Rsvd>, PRS, ERS, SRS, Field<"", 32, 32, Rsvd>,
               NWFS, EAFS, PSS, PASID, DIT, PDS, SMTS, VCS, SSADS, SSTS, FSTS, SMPWCS, RPS, TDXCS, PMS, ADMS, RPRIVS,
               Field<"", 54, 54, Rsvd>, HPTS, PTRS, SSIRWS, SMS, HPT1GPS, RDTS, EIMER, IRREQ, Field<"", 63, 63, Rsvd>>;
};

// Global Command Register. [VTD 5.10 s11.4.4.1]
struct GCMD {
    static constexpr std::string_view name = "GCMD";
    static constexpr std::uint16_t offset = 0x018;
    using CFI = Field<"CFI", 23, 23, WO>;
    using SIRTP = Field<"SIRTP", 24, 24, WO>;
    using IRE = Field<"IRE", 25, 25, WO>;
    using QIE = Field<"QIE", 26, 26, WO>;
    using WBF = Field<"WBF", 27, 27, WO>;
    using SRTP = Field<"SRTP", 30, 30, WO>;
    using TE = Field<"TE", 31, 31, WO>;
    using layout =
        Layout<std::uint32_t, Field<"", 22, 0, Rsvd>, CFI, SIRTP, IRE, QIE, WBF, Field<"", 29, 28, Rsvd>, SRTP, TE>;
};

// Global Status Register. [VTD 5.10 s11.4.4.2]
struct GSTS {
    static constexpr std::string_view name = "GSTS";
    static constexpr std::uint16_t offset = 0x01c;
    using CFIS = Field<"CFIS", 23, 23, RO>;
    using IRTPS = Field<"IRTPS", 24, 24, RO>;
    using IRES = Field<"IRES", 25, 25, RO>;
    using QIES = Field<"QIES", 26, 26, RO>;
    using WBFS = Field<"WBFS", 27, 27, RO>;
    using RTPS = Field<"RTPS", 30, 30, RO>;
    using TES = Field<"TES", 31, 31, RO>;
    using layout = Layout<std::uint32_t, Field<"", 22, 0, Rsvd>, CFIS, IRTPS, IRES, QIES, WBFS, Field<"", 29, 28, Rsvd>,
                          RTPS, TES>;
};

// Values of RTADDR.TTM. [VTD 5.10 s11.4.5]
enum class TranslationTableMode : std::uint8_t { Legacy = 0, Scalable = 1, Reserved = 2, AbortDma = 3 };

// Root Table Address Register. Takes effect through GCMD.SRTP. [VTD 5.10 s11.4.5]
struct RTADDR {
    static constexpr std::string_view name = "RTADDR";
    static constexpr std::uint16_t offset = 0x020;
    using SSIRWE = Field<"SSIRWE", 7, 7, RW>;  // reserved without ECAP.SSIRWS
    using TTM = Field<"TTM", 11, 10, RW>;
    using RTA = Field<"RTA", 63, 12, RW>;
    using layout = Layout<std::uint64_t, Field<"", 6, 0, Rsvd>, SSIRWE, Field<"", 9, 8, Rsvd>, TTM, RTA>;
};

// Context Command Register. [VTD 5.10 s11.4.6.1]
struct CCMD {
    static constexpr std::string_view name = "CCMD";
    static constexpr std::uint16_t offset = 0x028;
    using DID = Field<"DID", 15, 0, RW>;
    using SID = Field<"SID", 31, 16, WO>;
    using FM = Field<"FM", 33, 32, WO>;
    using CAIG = Field<"CAIG", 60, 59, RO>;
    using CIRG = Field<"CIRG", 62, 61, RW>;
    using ICC = Field<"ICC", 63, 63, RW>;
    using layout = Layout<std::uint64_t, DID, SID, FM, Field<"", 58, 34, Rsvd>, CAIG, CIRG, ICC>;

    // CIRG and CAIG. 0 is a reserved request, and an error as an answer.
    enum class Granularity : std::uint8_t { Error = 0, Global = 1, Domain = 2, Device = 3 };
};

// Invalidate Address Register, at 16 * ECAP.IRO. [VTD 5.10 s11.4.6.4]
struct IVA {
    static constexpr std::string_view name = "IVA";
    static constexpr std::uint16_t relative_offset = 0x0;
    using AM = Field<"AM", 5, 0, WO>;
    using IH = Field<"IH", 6, 6, WO>;
    using ADDR = Field<"ADDR", 63, 12, WO>;
    using layout = Layout<std::uint64_t, AM, IH, Field<"", 11, 7, Rsvd>, ADDR>;
};

// IOTLB Invalidate Register, at 16 * ECAP.IRO + 8. [VTD 5.10 s11.4.6.3]
struct IOTLB_REG {
    static constexpr std::string_view name = "IOTLB";
    static constexpr std::uint16_t relative_offset = 0x8;
    using DID = Field<"DID", 47, 32, RW>;
    using DW = Field<"DW", 48, 48, RW>;
    using DR = Field<"DR", 49, 49, RW>;
    using IAIG = Field<"IAIG", 58, 57, RO>;
    using IIRG = Field<"IIRG", 61, 60, RW>;
    using IVT = Field<"IVT", 63, 63, RW>;
    using layout = Layout<std::uint64_t, Field<"", 31, 0, Rsvd>, DID, DW, DR, Field<"", 56, 50, Rsvd>, IAIG,
                          Field<"", 59, 59, Rsvd>, IIRG, Field<"", 62, 62, Rsvd>, IVT>;

    // IIRG and IAIG. 0 is a reserved request, and an error as an answer.
    enum class Granularity : std::uint8_t { Error = 0, Global = 1, Domain = 2, Page = 3 };
};

// Fault Status Register. Bit 7 held PRO before it moved to the page-request registers. [VTD 5.10 s11.4.7.1]
struct FSTS {
    static constexpr std::string_view name = "FSTS";
    static constexpr std::uint16_t offset = 0x034;
    using PFO = Field<"PFO", 0, 0, RW1C>;
    using PPF = Field<"PPF", 1, 1, RO>;  // derived: OR of FRCD[i].F
    using IQE = Field<"IQE", 4, 4, RW1C>;
    using ICE = Field<"ICE", 5, 5, RW1C>;
    using ITE = Field<"ITE", 6, 6, RW1C>;
    using FRI = Field<"FRI", 15, 8, RO>;
    using layout = Layout<std::uint32_t, PFO, PPF, Field<"", 3, 2, Rsvd>, IQE, ICE, ITE, Field<"", 7, 7, Rsvd>, FRI,
                          Field<"", 31, 16, Rsvd>>;
};

// Fault Event Control Register. Reset value: IM=1. [VTD 5.10 s11.4.7.2]
struct FECTL {
    static constexpr std::string_view name = "FECTL";
    static constexpr std::uint16_t offset = 0x038;
    using IP = Field<"IP", 30, 30, RO>;
    using IM = Field<"IM", 31, 31, RW>;
    using layout = Layout<std::uint32_t, Field<"", 29, 0, Rsvd>, IP, IM>;
};

// Fault Event Data Register. [VTD 5.10 s11.4.7.3]
struct FEDATA {
    static constexpr std::string_view name = "FEDATA";
    static constexpr std::uint16_t offset = 0x03c;
    using IMD = Field<"IMD", 15, 0, RW>;
    using layout = Layout<std::uint32_t, IMD, Field<"", 31, 16, Rsvd>>;
};

// Fault Event Address Register. [VTD 5.10 s11.4.7.4]
struct FEADDR {
    static constexpr std::string_view name = "FEADDR";
    static constexpr std::uint16_t offset = 0x040;
    using MA = Field<"MA", 31, 2, RW>;
    using layout = Layout<std::uint32_t, Field<"", 1, 0, Rsvd>, MA>;
};

// Fault Event Upper Address Register. [VTD 5.10 s11.4.7.5]
struct FEUADDR {
    static constexpr std::string_view name = "FEUADDR";
    static constexpr std::uint16_t offset = 0x044;
    using MUA = Field<"MUA", 31, 0, RW>;
    using layout = Layout<std::uint32_t, MUA>;
};

// Fault Recording Register, lower quadword; the first one is at 16 * CAP.FRO. [VTD 5.10 s11.4.7.6]
struct FRCD_LO {
    static constexpr std::string_view name = "FRCD_LO";
    static constexpr std::uint16_t relative_offset = 0x0;
    using FI = Field<"FI", 63, 12, RO>;
    using layout = Layout<std::uint64_t, Field<"", 11, 0, Rsvd>, FI>;
};

// Fault Recording Register, upper quadword: the manual's bits 127:64, counted here from 0. [VTD 5.10 s11.4.7.6]
struct FRCD_HI {
    static constexpr std::string_view name = "FRCD_HI";
    static constexpr std::uint16_t relative_offset = 0x8;
    using SID = Field<"SID", 15, 0, RO>;
    using T2 = Field<"T2", 28, 28, RO>;
    using PRIV = Field<"PRIV", 29, 29, RO>;
    using EXE = Field<"EXE", 30, 30, RO>;
    using PP = Field<"PP", 31, 31, RO>;
    using FR = Field<"FR", 39, 32, RO>;
    using PV = Field<"PV", 59, 40, RO>;
    using AT = Field<"AT", 61, 60, RO>;
    using T1 = Field<"T1", 62, 62, RO>;
    using F = Field<"F", 63, 63, RW1C>;
    using layout = Layout<std::uint64_t, SID, Field<"", 27, 16, Rsvd>, T2, PRIV, EXE, PP, FR, PV, AT, T1, F>;
};

// Protected Memory Enable Register. [VTD 5.10 s11.4.8.1]
struct PMEN {
    static constexpr std::string_view name = "PMEN";
    static constexpr std::uint16_t offset = 0x064;
    using PRS = Field<"PRS", 0, 0, RO>;
    using EPM = Field<"EPM", 31, 31, RW>;
    using layout = Layout<std::uint32_t, PRS, Field<"", 30, 1, Rsvd>, EPM>;
};

// In the next four registers bits N:0 are reserved, N being the implementation's choice: here 19 (1 MiB). The reserved
// bits of a base count as 0, those of a limit as 1.
//
// Protected Low-Memory Base Register. [VTD 5.10 s11.4.8.2]
struct PLMBASE {
    static constexpr std::string_view name = "PLMBASE";
    static constexpr std::uint16_t offset = 0x068;
    using PLMB = Field<"PLMB", 31, 20, RW>;
    using layout = Layout<std::uint32_t, Field<"", 19, 0, Rsvd>, PLMB>;
};

// Protected Low-Memory Limit Register. [VTD 5.10 s11.4.8.3]
struct PLMLIMIT {
    static constexpr std::string_view name = "PLMLIMIT";
    static constexpr std::uint16_t offset = 0x06c;
    using PLML = Field<"PLML", 31, 20, RW>;
    using layout = Layout<std::uint32_t, Field<"", 19, 0, Rsvd>, PLML>;
};

// Protected High-Memory Base Register. [VTD 5.10 s11.4.8.4]
struct PHMBASE {
    static constexpr std::string_view name = "PHMBASE";
    static constexpr std::uint16_t offset = 0x070;
    using PHMB = Field<"PHMB", 63, 20, RW>;
    using layout = Layout<std::uint64_t, Field<"", 19, 0, Rsvd>, PHMB>;
};

// Protected High-Memory Limit Register. [VTD 5.10 s11.4.8.5]
struct PHMLIMIT {
    static constexpr std::string_view name = "PHMLIMIT";
    static constexpr std::uint16_t offset = 0x078;
    using PHML = Field<"PHML", 63, 20, RW>;
    using layout = Layout<std::uint64_t, Field<"", 19, 0, Rsvd>, PHML>;
};

// Invalidation Queue Head Register. [VTD 5.10 s11.4.9.1]
struct IQH {
    static constexpr std::string_view name = "IQH";
    static constexpr std::uint16_t offset = 0x080;
    using QH = Field<"QH", 18, 4, RO>;  // bit 4 is 0 with 256-bit descriptors
    using layout = Layout<std::uint64_t, Field<"", 3, 0, Rsvd>, QH, Field<"", 63, 19, Rsvd>>;
};

// Invalidation Queue Tail Register. [VTD 5.10 s11.4.9.2]
struct IQT {
    static constexpr std::string_view name = "IQT";
    static constexpr std::uint16_t offset = 0x088;
    using QT = Field<"QT", 18, 4, RW>;  // bit 4 must be 0 with 256-bit descriptors
    using layout = Layout<std::uint64_t, Field<"", 3, 0, Rsvd>, QT, Field<"", 63, 19, Rsvd>>;
};

// Invalidation Queue Address Register. C++ wants the field IQA to differ from its class. [VTD 5.10 s11.4.9.3]
struct IQA {
    static constexpr std::string_view name = "IQA";
    static constexpr std::uint16_t offset = 0x090;
    using QS = Field<"QS", 2, 0, RW>;
    using DW = Field<"DW", 11, 11, RW>;
    using IQA_ = Field<"IQA", 63, 12, RW>;
    using layout = Layout<std::uint64_t, QS, Field<"", 10, 3, Rsvd>, DW, IQA_>;
};

// Invalidation Completion Status Register. [VTD 5.10 s11.4.9.4]
struct ICS {
    static constexpr std::string_view name = "ICS";
    static constexpr std::uint16_t offset = 0x09c;
    using IWC = Field<"IWC", 0, 0, RW1C>;
    using layout = Layout<std::uint32_t, IWC, Field<"", 31, 1, Rsvd>>;
};

// Invalidation Event Control Register. Reset value: IM=1. [VTD 5.10 s11.4.9.5]
struct IECTL {
    static constexpr std::string_view name = "IECTL";
    static constexpr std::uint16_t offset = 0x0a0;
    using IP = Field<"IP", 30, 30, RO>;
    using IM = Field<"IM", 31, 31, RW>;
    using layout = Layout<std::uint32_t, Field<"", 29, 0, Rsvd>, IP, IM>;
};

// Invalidation Event Data Register. [VTD 5.10 s11.4.9.6]
struct IEDATA {
    static constexpr std::string_view name = "IEDATA";
    static constexpr std::uint16_t offset = 0x0a4;
    using IMD = Field<"IMD", 15, 0, RW>;
    using layout = Layout<std::uint32_t, IMD, Field<"", 31, 16, Rsvd>>;
};

// Invalidation Event Address Register. [VTD 5.10 s11.4.9.7]
struct IEADDR {
    static constexpr std::string_view name = "IEADDR";
    static constexpr std::uint16_t offset = 0x0a8;
    using MA = Field<"MA", 31, 2, RW>;
    using layout = Layout<std::uint32_t, Field<"", 1, 0, Rsvd>, MA>;
};

// Invalidation Event Upper Address Register. [VTD 5.10 s11.4.9.8]
struct IEUADDR {
    static constexpr std::string_view name = "IEUADDR";
    static constexpr std::uint16_t offset = 0x0ac;
    using MUA = Field<"MUA", 31, 0, RW>;
    using layout = Layout<std::uint32_t, MUA>;
};

// Invalidation Queue Error Record Register; the values of IQEI are enum class IQEI. [VTD 5.10 s11.4.9.9]
struct IQERCD {
    static constexpr std::string_view name = "IQERCD";
    static constexpr std::uint16_t offset = 0x0b0;
    using IQEI = Field<"IQEI", 3, 0, RO>;
    using ITESID = Field<"ITESID", 47, 32, RO>;  // of the device that timed out, while FSTS.ITE=1
    using ICESID = Field<"ICESID", 63, 48, RO>;  // of the device that answered wrongly, while FSTS.ICE=1
    using layout = Layout<std::uint64_t, IQEI, Field<"", 31, 4, Rsvd>, ITESID, ICESID>;
};

}  // namespace vtd

#endif  // VTD_NESTED_SPEC_REGISTERS_H
