// SPDX-License-Identifier: GPL-2.0-or-later
//
// id_registers: what an SMMU says about itself, each field at the bits the manual prints. [SMMU G.b s6.3]
//
// One struct per register, named as in the manual without "SMMU_"; `offset` counts from the start of page 0. All of
// them are read-only; reserved bits read 0. A field that means something only with another feature is declared as if
// the feature were there.
#ifndef SMMUV3_NESTED_SPEC_ID_REGISTERS_H
#define SMMUV3_NESTED_SPEC_ID_REGISTERS_H

#include <array>
#include <cstdint>
#include <string_view>

#include "iommu/bits.h"

namespace smmuv3 {

using iommu::Field;
using iommu::Layout;
using iommu::RO;
using iommu::Rsvd;

// [SMMU G.b s6.3.1]
struct IDR0 {
    static constexpr std::string_view name = "IDR0";
    static constexpr std::uint32_t offset = 0x0;
    using S2P = Field<"S2P", 0, 0, RO>;
    using S1P = Field<"S1P", 1, 1, RO>;
    using TTF = Field<"TTF", 3, 2, RO>;  // bit 0: VMSAv8-32 LPAE, bit 1: VMSAv8-64
    using COHACC = Field<"COHACC", 4, 4, RO>;
    using BTM = Field<"BTM", 5, 5, RO>;
    using HTTU = Field<"HTTU", 7, 6, RO>;  // 1: access flag; 2: and dirty state; 3: and access flag of tables
    using DORMHINT = Field<"DORMHINT", 8, 8, RO>;
    using Hyp = Field<"Hyp", 9, 9, RO>;
    using ATS = Field<"ATS", 10, 10, RO>;
    using NS1ATS = Field<"NS1ATS", 11, 11, RO>;  // 1: split-stage ATS is not there
    using ASID16 = Field<"ASID16", 12, 12, RO>;
    using MSI = Field<"MSI", 13, 13, RO>;
    using SEV = Field<"SEV", 14, 14, RO>;
    using ATOS = Field<"ATOS", 15, 15, RO>;
    using PRI = Field<"PRI", 16, 16, RO>;
    using VMW = Field<"VMW", 17, 17, RO>;
    using VMID16 = Field<"VMID16", 18, 18, RO>;
    using CD2L = Field<"CD2L", 19, 19, RO>;
    using VATOS = Field<"VATOS", 20, 20, RO>;
    using TTENDIAN = Field<"TTENDIAN", 22, 21, RO>;  // 0: either; 2: little; 3: big
    using ATSRECERR = Field<"ATSRECERR", 23, 23, RO>;
    using STALL_MODEL = Field<"STALL_MODEL", 25, 24, RO>;
    using TERM_MODEL = Field<"TERM_MODEL", 26, 26, RO>;  // 1: CD.A must be 1
    using ST_LEVEL = Field<"ST_LEVEL", 28, 27, RO>;      // 1: two-level stream tables too
    using RME_IMPL = Field<"RME_IMPL", 30, 30, RO>;
    using layout = Layout<std::uint32_t, S2P, S1P, TTF, COHACC, BTM, HTTU, DORMHINT, Hyp, ATS, NS1ATS, ASID16, MSI, SEV,
                          ATOS, PRI, VMW, VMID16, CD2L, VATOS, TTENDIAN, ATSRECERR, STALL_MODEL, TERM_MODEL, ST_LEVEL,
                          Field<"", 29, 29, Rsvd>, RME_IMPL, Field<"", 31, 31, Rsvd>>;
};

// Values of IDR0.STALL_MODEL.
enum class StallModel : std::uint8_t { StallAndTerminate = 0, TerminateOnly = 1, StallOnly = 2 };

// The queue sizes are log2 of entries. [SMMU G.b s6.3.2]
struct IDR1 {
    static constexpr std::string_view name = "IDR1";
    static constexpr std::uint32_t offset = 0x4;
    using SIDSIZE = Field<"SIDSIZE", 5, 0, RO>;
    using SSIDSIZE = Field<"SSIDSIZE", 10, 6, RO>;
    using PRIQS = Field<"PRIQS", 15, 11, RO>;
    using EVENTQS = Field<"EVENTQS", 20, 16, RO>;
    using CMDQS = Field<"CMDQS", 25, 21, RO>;
    using ATTR_PERMS_OVR = Field<"ATTR_PERMS_OVR", 26, 26, RO>;
    using ATTR_TYPES_OVR = Field<"ATTR_TYPES_OVR", 27, 27, RO>;
    using REL = Field<"REL", 28, 28, RO>;
    using QUEUES_PRESET = Field<"QUEUES_PRESET", 29, 29, RO>;
    using TABLES_PRESET = Field<"TABLES_PRESET", 30, 30, RO>;
    using ECMDQ = Field<"ECMDQ", 31, 31, RO>;
    using layout = Layout<std::uint32_t, SIDSIZE, SSIDSIZE, PRIQS, EVENTQS, CMDQS, ATTR_PERMS_OVR, ATTR_TYPES_OVR, REL,
                          QUEUES_PRESET, TABLES_PRESET, ECMDQ>;
};

// [SMMU G.b s6.3.3]
struct IDR2 {
    static constexpr std::string_view name = "IDR2";
    static constexpr std::uint32_t offset = 0x8;
    using BA_VATOS = Field<"BA_VATOS", 9, 0, RO>;
    using layout = Layout<std::uint32_t, BA_VATOS, Field<"", 31, 10, Rsvd>>;
};

// [SMMU G.b s6.3.4]
struct IDR3 {
    static constexpr std::string_view name = "IDR3";
    static constexpr std::uint32_t offset = 0xc;
    using HAD = Field<"HAD", 2, 2, RO>;
    using PBHA = Field<"PBHA", 3, 3, RO>;
    using XNX = Field<"XNX", 4, 4, RO>;
    using PPS = Field<"PPS", 5, 5, RO>;
    using MPAM = Field<"MPAM", 7, 7, RO>;
    using FWB = Field<"FWB", 8, 8, RO>;
    using STT = Field<"STT", 9, 9, RO>;
    using RIL = Field<"RIL", 10, 10, RO>;
    using BBML = Field<"BBML", 12, 11, RO>;
    using E0PD = Field<"E0PD", 13, 13, RO>;
    using PTWNNC = Field<"PTWNNC", 14, 14, RO>;
    using DPT = Field<"DPT", 15, 15, RO>;
    using PASIDTT = Field<"PASIDTT", 16, 16, RO>;
    using EPAN = Field<"EPAN", 17, 17, RO>;
    using S1PI = Field<"S1PI", 18, 18, RO>;
    using S2PI = Field<"S2PI", 19, 19, RO>;
    using S2PO = Field<"S2PO", 20, 20, RO>;
    using THE = Field<"THE", 21, 21, RO>;
    using MTEPERM = Field<"MTEPERM", 22, 22, RO>;
    using AIE = Field<"AIE", 23, 23, RO>;
    using layout =
        Layout<std::uint32_t, Field<"", 1, 0, Rsvd>, HAD, PBHA, XNX, PPS, Field<"", 6, 6, Rsvd>, MPAM, FWB, STT, RIL,
               BBML, E0PD, PTWNNC, DPT, PASIDTT, EPAN, S1PI, S2PI, S2PO, THE, MTEPERM, AIE, Field<"", 31, 24, Rsvd>>;
};

// The implementation's own; nothing is defined here. [SMMU G.b s6.3.5]
struct IDR4 {
    static constexpr std::string_view name = "IDR4";
    static constexpr std::uint32_t offset = 0x10;
    using layout = Layout<std::uint32_t, Field<"", 31, 0, Rsvd>>;
};

// [SMMU G.b s6.3.6]
struct IDR5 {
    static constexpr std::string_view name = "IDR5";
    static constexpr std::uint32_t offset = 0x14;
    using OAS = Field<"OAS", 2, 0, RO>;  // decode with address_size_bits()
    using GRAN4K = Field<"GRAN4K", 4, 4, RO>;
    using GRAN16K = Field<"GRAN16K", 5, 5, RO>;
    using GRAN64K = Field<"GRAN64K", 6, 6, RO>;
    using DS = Field<"DS", 7, 7, RO>;
    using D128 = Field<"D128", 8, 8, RO>;
    using VAX = Field<"VAX", 11, 10, RO>;  // bits of VA for each table: 0: 48; 1: 52; 2: 56
    using STALL_MAX = Field<"STALL_MAX", 31, 16, RO>;
    using layout = Layout<std::uint32_t, OAS, Field<"", 3, 3, Rsvd>, GRAN4K, GRAN16K, GRAN64K, DS, D128,
                          Field<"", 9, 9, Rsvd>, VAX, Field<"", 15, 12, Rsvd>, STALL_MAX>;
};

// [SMMU G.b s6.3.45]
struct IDR6 {
    static constexpr std::string_view name = "IDR6";
    static constexpr std::uint32_t offset = 0x190;
    using CMDQ_CONTROL_PAGE_LOG2NUMQ = Field<"CMDQ_CONTROL_PAGE_LOG2NUMQ", 19, 16, RO>;
    using CMDQ_CONTROL_PAGE_LOG2NUMP = Field<"CMDQ_CONTROL_PAGE_LOG2NUMP", 27, 24, RO>;
    using layout = Layout<std::uint32_t, Field<"", 15, 0, Rsvd>, CMDQ_CONTROL_PAGE_LOG2NUMQ, Field<"", 23, 20, Rsvd>,
                          CMDQ_CONTROL_PAGE_LOG2NUMP, Field<"", 31, 28, Rsvd>>;
};

// [SMMU G.b s6.3.7]
struct IIDR {
    static constexpr std::string_view name = "IIDR";
    static constexpr std::uint32_t offset = 0x18;
    using Implementer = Field<"Implementer", 11, 0, RO>;  // JEP106
    using Revision = Field<"Revision", 15, 12, RO>;
    using Variant = Field<"Variant", 19, 16, RO>;
    using ProductID = Field<"ProductID", 31, 20, RO>;
    using layout = Layout<std::uint32_t, Implementer, Revision, Variant, ProductID>;
};

// [SMMU G.b s6.3.8]
struct AIDR {
    static constexpr std::string_view name = "AIDR";
    static constexpr std::uint32_t offset = 0x1c;
    using ArchMinorRev = Field<"ArchMinorRev", 3, 0, RO>;
    using ArchMajorRev = Field<"ArchMajorRev", 7, 4, RO>;  // 0: SMMUv3
    using layout = Layout<std::uint32_t, ArchMinorRev, ArchMajorRev, Field<"", 31, 8, Rsvd>>;
};

// The CoreSight identification block. The CIDR values and PIDR2.JEDEC are the architecture's; the other bits name a
// designer and a part, and are 0 here.
struct IdentificationRegister {
    std::string_view name;
    std::uint32_t offset = 0;
    std::uint32_t value = 0;
};
inline constexpr std::array<IdentificationRegister, 12> identification_registers{{
    {"PIDR4", 0xfd0, 0x00},
    {"PIDR5", 0xfd4, 0x00},
    {"PIDR6", 0xfd8, 0x00},
    {"PIDR7", 0xfdc, 0x00},
    {"PIDR0", 0xfe0, 0x00},
    {"PIDR1", 0xfe4, 0x00},
    {"PIDR2", 0xfe8, 0x08},
    {"PIDR3", 0xfec, 0x00},
    {"CIDR0", 0xff0, 0x0d},
    {"CIDR1", 0xff4, 0xf0},
    {"CIDR2", 0xff8, 0x05},
    {"CIDR3", 0xffc, 0xb1},
}};

}  // namespace smmuv3

#endif  // SMMUV3_NESTED_SPEC_ID_REGISTERS_H
