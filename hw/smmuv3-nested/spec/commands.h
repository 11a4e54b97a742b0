// SPDX-License-Identifier: GPL-2.0-or-later
//
// commands: what software puts into the command queue. [SMMU G.b s4.1-4.7]
//
// A command is two doublewords. Read its Opcode through CommandHead, then view the words as the layout of its family:
//
//     PREFETCH_CONFIG, PREFETCH_ADDR      PREFETCH        ATC_INV                ATC_INV
//     CFGI_STE, CFGI_CD, CFGI_CD_ALL      CFGI            PRI_RESP               PRI_RESP
//     CFGI_STE_RANGE (CFGI_ALL)           CFGI_STE_RANGE  RESUME, STALL_TERM     RESUME
//     CFGI_VMS_PIDM                       CFGI_VMS_PIDM   SYNC                   SYNC
//     TLBI_* on stage 1, on whole VMIDs   TLBI            TLBI_S2_IPA            TLBI_S2_IPA
//
// A family names each field that one of its commands has; a command that lacks it ignores it. Bits that the manual
// reserves are ignored, which it allows. DPTI_* have an opcode but no layout: without IDR3.DPT they are illegal.
#ifndef SMMUV3_NESTED_SPEC_COMMANDS_H
#define SMMUV3_NESTED_SPEC_COMMANDS_H

#include <cstdint>
#include <string_view>

#include "iommu/bits.h"

namespace smmuv3 {

using iommu::Field;
using iommu::Ign;
using iommu::Layout;
using iommu::Words;

// Named without "CMD_". All other codes are reserved or the implementation's. [SMMU G.b s4.1.1]
enum class Opcode : std::uint8_t {
    PREFETCH_CONFIG = 0x01,
    PREFETCH_ADDR = 0x02,
    CFGI_STE = 0x03,
    CFGI_STE_RANGE = 0x04,  // with Range=31 it is CFGI_ALL
    CFGI_CD = 0x05,
    CFGI_CD_ALL = 0x06,
    CFGI_VMS_PIDM = 0x07,
    TLBI_NH_ALL = 0x10,
    TLBI_NH_ASID = 0x11,
    TLBI_NH_VA = 0x12,
    TLBI_NH_VAA = 0x13,
    TLBI_EL3_ALL = 0x18,
    TLBI_EL3_VA = 0x1a,
    TLBI_EL2_ALL = 0x20,
    TLBI_EL2_ASID = 0x21,
    TLBI_EL2_VA = 0x22,
    TLBI_EL2_VAA = 0x23,
    TLBI_S12_VMALL = 0x28,
    TLBI_S2_IPA = 0x2a,
    TLBI_NSNH_ALL = 0x30,
    ATC_INV = 0x40,
    PRI_RESP = 0x41,
    RESUME = 0x44,
    STALL_TERM = 0x45,
    SYNC = 0x46,
    // Of the Secure command queue.
    TLBI_S_EL2_ALL = 0x50,
    TLBI_S_EL2_ASID = 0x51,
    TLBI_S_EL2_VA = 0x52,
    TLBI_S_EL2_VAA = 0x53,
    TLBI_S_S12_VMALL = 0x58,
    TLBI_S_S2_IPA = 0x5a,
    TLBI_SNH_ALL = 0x60,
    DPTI_ALL = 0x70,
    DPTI_PA = 0x73,
};

// Why the queue stopped: the values of CMDQ_CONS.ERR. [SMMU G.b s7.1]
enum class CommandError : std::uint8_t {
    CERROR_NONE = 0,
    CERROR_ILL = 1,
    CERROR_ABT = 2,
    CERROR_ATC_INV_SYNC = 3,
};

struct CommandHead {
    static constexpr std::string_view name = "CommandHead";
    using Opcode = Field<"Opcode", 7, 0>;
    using layout = Layout<Words<2>, Opcode, Field<"", 63, 8, Ign>, Field<"", 127, 64, Ign>>;
};

// Size, Stride, NS and Address are of PREFETCH_ADDR. [SMMU G.b s4.2]
struct PREFETCH {
    static constexpr std::string_view name = "PREFETCH";
    using Opcode = Field<"Opcode", 7, 0>;
    using SSec = Field<"SSec", 10, 10>;
    using SSV = Field<"SSV", 11, 11>;
    using SubstreamID = Field<"SubstreamID", 31, 12>;
    using StreamID = Field<"StreamID", 63, 32>;
    using Size = Field<"Size", 68, 64>;
    using Stride = Field<"Stride", 73, 69>;
    using NS = Field<"NS", 74, 74>;
    using Address = Field<"Address", 127, 76>;
    using layout = Layout<Words<2>, Opcode, Field<"", 9, 8, Ign>, SSec, SSV, SubstreamID, StreamID, Size, Stride, NS,
                          Field<"", 75, 75, Ign>, Address>;
};

// Leaf is of CFGI_STE and CFGI_CD, SubstreamID of CFGI_CD. [SMMU G.b s4.3]
struct CFGI {
    static constexpr std::string_view name = "CFGI";
    using Opcode = Field<"Opcode", 7, 0>;
    using SSec = Field<"SSec", 10, 10>;
    using SubstreamID = Field<"SubstreamID", 31, 12>;
    using StreamID = Field<"StreamID", 63, 32>;
    using Leaf = Field<"Leaf", 64, 64>;
    using layout = Layout<Words<2>, Opcode, Field<"", 9, 8, Ign>, SSec, Field<"", 11, 11, Ign>, SubstreamID, StreamID,
                          Leaf, Field<"", 127, 65, Ign>>;
};

// 2^(Range+1) streams, StreamID aligned down; 31 is all. [SMMU G.b s4.3.2, s4.3.6]
struct CFGI_STE_RANGE {
    static constexpr std::string_view name = "CFGI_STE_RANGE";
    using Opcode = Field<"Opcode", 7, 0>;
    using SSec = Field<"SSec", 10, 10>;
    using StreamID = Field<"StreamID", 63, 32>;
    using Range = Field<"Range", 68, 64>;
    using layout = Layout<Words<2>, Opcode, Field<"", 9, 8, Ign>, SSec, Field<"", 31, 11, Ign>, StreamID, Range,
                          Field<"", 127, 69, Ign>>;
    static constexpr std::uint64_t all = 31;
};

// Without MPAM an illegal command. [SMMU G.b s4.3.5]
struct CFGI_VMS_PIDM {
    static constexpr std::string_view name = "CFGI_VMS_PIDM";
    using Opcode = Field<"Opcode", 7, 0>;
    using SSec = Field<"SSec", 10, 10>;
    using VMID = Field<"VMID", 47, 32>;
    using layout = Layout<Words<2>, Opcode, Field<"", 9, 8, Ign>, SSec, Field<"", 31, 11, Ign>, VMID,
                          Field<"", 63, 48, Ign>, Field<"", 127, 64, Ign>>;
};

// Granule that TLBI::TG names.
enum class TlbiGranule : std::uint8_t { Any = 0, Granule4K = 1, Granule16K = 2, Granule64K = 3 };

// NUM, SCALE, TTL and TG are of the commands with an address, and without IDR3.RIL ignored; bit 25, the top of SCALE,
// is reserved without IDR5.DS. [SMMU G.b s4.4]
struct TLBI {
    static constexpr std::string_view name = "TLBI";
    using Opcode = Field<"Opcode", 7, 0>;
    using NUM = Field<"NUM", 16, 12>;
    using SCALE = Field<"SCALE", 25, 20>;
    using VMID = Field<"VMID", 47, 32>;
    using ASID = Field<"ASID", 63, 48>;
    using Leaf = Field<"Leaf", 64, 64>;
    using TTL128 = Field<"TTL128", 71, 71>;
    using TTL = Field<"TTL", 73, 72>;
    using TG = Field<"TG", 75, 74>;
    using Address = Field<"Address", 127, 76>;
    using layout = Layout<Words<2>, Opcode, Field<"", 11, 8, Ign>, NUM, Field<"", 19, 17, Ign>, SCALE,
                          Field<"", 31, 26, Ign>, VMID, ASID, Leaf, Field<"", 70, 65, Ign>, TTL128, TTL, TG, Address>;
};

// As TLBI, with an address of an IPA's width and no ASID. [SMMU G.b s4.4.3]
struct TLBI_S2_IPA {
    static constexpr std::string_view name = "TLBI_S2_IPA";
    using Opcode = Field<"Opcode", 7, 0>;
    using NUM = Field<"NUM", 16, 12>;
    using SCALE = Field<"SCALE", 25, 20>;
    using VMID = Field<"VMID", 47, 32>;
    using Leaf = Field<"Leaf", 64, 64>;
    using TTL128 = Field<"TTL128", 71, 71>;
    using TTL = Field<"TTL", 73, 72>;
    using TG = Field<"TG", 75, 74>;
    using Address = Field<"Address", 119, 76>;
    using layout = Layout<Words<2>, Opcode, Field<"", 11, 8, Ign>, NUM, Field<"", 19, 17, Ign>, SCALE,
                          Field<"", 31, 26, Ign>, VMID, Field<"", 63, 48, Ign>, Leaf, Field<"", 70, 65, Ign>, TTL128,
                          TTL, TG, Address, Field<"", 127, 120, Ign>>;
};

// The span is 2^(12+Size) bytes, Address aligned down; 52 is everything, and no value above is legal. [SMMU G.b s4.5.1]
struct ATC_INV {
    static constexpr std::string_view name = "ATC_INV";
    using Opcode = Field<"Opcode", 7, 0>;
    using G = Field<"G", 9, 9>;
    using SSV = Field<"SSV", 11, 11>;
    using SubstreamID = Field<"SubstreamID", 31, 12>;
    using StreamID = Field<"StreamID", 63, 32>;
    using Size = Field<"Size", 69, 64>;
    using Address = Field<"Address", 127, 76>;
    using layout = Layout<Words<2>, Opcode, Field<"", 8, 8, Ign>, G, Field<"", 10, 10, Ign>, SSV, SubstreamID, StreamID,
                          Size, Field<"", 75, 70, Ign>, Address>;
    static constexpr std::uint64_t max_size = 52;
};

// Resp=3 is illegal. [SMMU G.b s4.5.2]
struct PRI_RESP {
    static constexpr std::string_view name = "PRI_RESP";
    using Opcode = Field<"Opcode", 7, 0>;
    using SSV = Field<"SSV", 11, 11>;
    using SubstreamID = Field<"SubstreamID", 31, 12>;
    using StreamID = Field<"StreamID", 63, 32>;
    using PRGIndex = Field<"PRGIndex", 72, 64>;
    using Resp = Field<"Resp", 77, 76>;
    using layout = Layout<Words<2>, Opcode, Field<"", 10, 8, Ign>, SSV, SubstreamID, StreamID, PRGIndex,
                          Field<"", 75, 73, Ign>, Resp, Field<"", 127, 78, Ign>>;
    enum class Response : std::uint8_t { Failure = 0, InvalidRequest = 1, Success = 2, Reserved = 3 };
};

// Ac=1 retries, Ac=0 terminates: with an abort (Ab=1) or as RAZ/WI (Ab=0). Ac, Ab and STAG are of RESUME.
// [SMMU G.b s4.7.1, s4.7.2]
struct RESUME {
    static constexpr std::string_view name = "RESUME";
    using Opcode = Field<"Opcode", 7, 0>;
    using SSec = Field<"SSec", 10, 10>;
    using Ac = Field<"Ac", 12, 12>;
    using Ab = Field<"Ab", 13, 13>;
    using StreamID = Field<"StreamID", 63, 32>;
    using STAG = Field<"STAG", 79, 64>;
    using layout = Layout<Words<2>, Opcode, Field<"", 9, 8, Ign>, SSec, Field<"", 11, 11, Ign>, Ac, Ab,
                          Field<"", 31, 14, Ign>, StreamID, STAG, Field<"", 127, 80, Ign>>;
};

// MSIAddress=0: no MSI. [SMMU G.b s4.7.3]
struct SYNC {
    static constexpr std::string_view name = "SYNC";
    using Opcode = Field<"Opcode", 7, 0>;
    using CS = Field<"CS", 13, 12>;
    using MSH = Field<"MSH", 23, 22>;
    using MSIAttr = Field<"MSIAttr", 27, 24>;
    using MSIData = Field<"MSIData", 63, 32>;
    using MSIAddress = Field<"MSIAddress", 119, 66>;
    using layout =
        Layout<Words<2>, Opcode, Field<"", 11, 8, Ign>, CS, Field<"", 21, 14, Ign>, MSH, MSIAttr,
               Field<"", 31, 28, Ign>, MSIData, Field<"", 65, 64, Ign>, MSIAddress, Field<"", 127, 120, Ign>>;
    // How completion is told.
    enum class CompletionSignal : std::uint8_t { SIG_NONE = 0, SIG_IRQ = 1, SIG_SEV = 2, Reserved = 3 };
};

}  // namespace smmuv3

#endif  // SMMUV3_NESTED_SPEC_COMMANDS_H
