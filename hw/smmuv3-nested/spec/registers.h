// SPDX-License-Identifier: GPL-2.0-or-later
//
// registers: the registers that software drives an SMMU with, each field at the bits the manual prints.
// [SMMU G.b s6.3]
//
// One struct per register of the Non-secure programming interface, named as in the manual without "SMMU_". `offset`
// counts from the start of page 0, also for the registers of page 1. Reserved bits read 0 and ignore writes: Rsvd.
// RW tells that software can write the field at some time; most of these fields may change only while the queue or the
// unit that they configure is off, which the comment above each register says. Fields that exist only with a feature
// are declared as if it were there.
// Not here: ATOS, MPAM, DPT, S2PII, enhanced command queues, the other security states.
#ifndef SMMUV3_NESTED_SPEC_REGISTERS_H
#define SMMUV3_NESTED_SPEC_REGISTERS_H

#include <cstdint>
#include <string_view>

#include "iommu/bits.h"
#include "smmuv3-nested/spec/id_registers.h"

namespace smmuv3 {

using iommu::RW;

inline constexpr std::uint32_t page_1 = 0x10000;
inline constexpr std::uint32_t register_space_size = 0x20000;

// What each bit asks for has happened when CR0ACK shows it. [SMMU G.b s6.3.9]
struct CR0 {
    static constexpr std::string_view name = "CR0";
    static constexpr std::uint32_t offset = 0x20;
    using SMMUEN = Field<"SMMUEN", 0, 0, RW>;
    using PRIQEN = Field<"PRIQEN", 1, 1, RW>;  // without IDR0.PRI reserved; counts only with SMMUEN
    using EVENTQEN = Field<"EVENTQEN", 2, 2, RW>;
    using CMDQEN = Field<"CMDQEN", 3, 3, RW>;
    using ATSCHK = Field<"ATSCHK", 4, 4, RW>;              // without IDR0.ATS reserved
    using VMW = Field<"VMW", 8, 6, RW>;                    // without IDR0.VMW reserved
    using DPT_WALK_EN = Field<"DPT_WALK_EN", 10, 10, RW>;  // without IDR3.DPT reserved
    using layout = Layout<std::uint32_t, SMMUEN, PRIQEN, EVENTQEN, CMDQEN, ATSCHK, Field<"", 5, 5, Rsvd>, VMW,
                          Field<"", 9, 9, Rsvd>, DPT_WALK_EN, Field<"", 31, 11, Rsvd>>;
};

// [SMMU G.b s6.3.10]
struct CR0ACK {
    static constexpr std::string_view name = "CR0ACK";
    static constexpr std::uint32_t offset = 0x24;
    using SMMUEN = Field<"SMMUEN", 0, 0, RO>;
    using PRIQEN = Field<"PRIQEN", 1, 1, RO>;
    using EVENTQEN = Field<"EVENTQEN", 2, 2, RO>;
    using CMDQEN = Field<"CMDQEN", 3, 3, RO>;
    using ATSCHK = Field<"ATSCHK", 4, 4, RO>;
    using VMW = Field<"VMW", 8, 6, RO>;
    using DPT_WALK_EN = Field<"DPT_WALK_EN", 10, 10, RO>;
    using layout = Layout<std::uint32_t, SMMUEN, PRIQEN, EVENTQEN, CMDQEN, ATSCHK, Field<"", 5, 5, Rsvd>, VMW,
                          Field<"", 9, 9, Rsvd>, DPT_WALK_EN, Field<"", 31, 11, Rsvd>>;
};

// TABLE_* are guarded by SMMUEN, QUEUE_* by the enables of all queues. [SMMU G.b s6.3.11]
struct CR1 {
    static constexpr std::string_view name = "CR1";
    static constexpr std::uint32_t offset = 0x28;
    using QUEUE_IC = Field<"QUEUE_IC", 1, 0, RW>;
    using QUEUE_OC = Field<"QUEUE_OC", 3, 2, RW>;
    using QUEUE_SH = Field<"QUEUE_SH", 5, 4, RW>;
    using TABLE_IC = Field<"TABLE_IC", 7, 6, RW>;
    using TABLE_OC = Field<"TABLE_OC", 9, 8, RW>;
    using TABLE_SH = Field<"TABLE_SH", 11, 10, RW>;
    using layout =
        Layout<std::uint32_t, QUEUE_IC, QUEUE_OC, QUEUE_SH, TABLE_IC, TABLE_OC, TABLE_SH, Field<"", 31, 12, Rsvd>>;
};

// Guarded by SMMUEN. [SMMU G.b s6.3.12]
struct CR2 {
    static constexpr std::string_view name = "CR2";
    static constexpr std::uint32_t offset = 0x2c;
    using E2H = Field<"E2H", 0, 0, RW>;  // without IDR0.Hyp reserved
    using RECINVSID = Field<"RECINVSID", 1, 1, RW>;
    using PTM = Field<"PTM", 2, 2, RW>;                  // without IDR0.BTM reserved
    using REC_CFG_ATS = Field<"REC_CFG_ATS", 3, 3, RW>;  // without IDR0.ATSRECERR reserved
    using layout = Layout<std::uint32_t, E2H, RECINVSID, PTM, REC_CFG_ATS, Field<"", 31, 4, Rsvd>>;
};

// [SMMU G.b s6.3.13]
struct STATUSR {
    static constexpr std::string_view name = "STATUSR";
    static constexpr std::uint32_t offset = 0x40;
    using DORMANT = Field<"DORMANT", 0, 0, RO>;
    using layout = Layout<std::uint32_t, DORMANT, Field<"", 31, 1, Rsvd>>;
};

// What happens to transactions while SMMUEN=0. A write counts only with Update=1, and while Update reads 0.
// [SMMU G.b s6.3.14]
struct GBPA {
    static constexpr std::string_view name = "GBPA";
    static constexpr std::uint32_t offset = 0x44;
    using MemAttr = Field<"MemAttr", 3, 0, RW>;
    using MTCFG = Field<"MTCFG", 4, 4, RW>;
    using ALLOCCFG = Field<"ALLOCCFG", 11, 8, RW>;
    using SHCFG = Field<"SHCFG", 13, 12, RW>;
    using PRIVCFG = Field<"PRIVCFG", 17, 16, RW>;
    using INSTCFG = Field<"INSTCFG", 19, 18, RW>;
    using ABORT = Field<"ABORT", 20, 20, RW>;
    using Update = Field<"Update", 31, 31, RW>;
    using layout = Layout<std::uint32_t, MemAttr, MTCFG, Field<"", 7, 5, Rsvd>, ALLOCCFG, SHCFG,
                          Field<"", 15, 14, Rsvd>, PRIVCFG, INSTCFG, ABORT, Field<"", 30, 21, Rsvd>, Update>;
};

// The implementation's own; nothing is defined here. [SMMU G.b s6.3.15]
struct AGBPA {
    static constexpr std::string_view name = "AGBPA";
    static constexpr std::uint32_t offset = 0x48;
    using layout = Layout<std::uint32_t, Field<"", 31, 0, Rsvd>>;
};

// [SMMU G.b s6.3.16]
struct IRQ_CTRL {
    static constexpr std::string_view name = "IRQ_CTRL";
    static constexpr std::uint32_t offset = 0x50;
    using GERROR_IRQEN = Field<"GERROR_IRQEN", 0, 0, RW>;
    using PRIQ_IRQEN = Field<"PRIQ_IRQEN", 1, 1, RW>;  // without IDR0.PRI reserved
    using EVENTQ_IRQEN = Field<"EVENTQ_IRQEN", 2, 2, RW>;
    using layout = Layout<std::uint32_t, GERROR_IRQEN, PRIQ_IRQEN, EVENTQ_IRQEN, Field<"", 31, 3, Rsvd>>;
};

// [SMMU G.b s6.3.18]
struct IRQ_CTRLACK {
    static constexpr std::string_view name = "IRQ_CTRLACK";
    static constexpr std::uint32_t offset = 0x54;
    using GERROR_IRQEN = Field<"GERROR_IRQEN", 0, 0, RO>;
    using PRIQ_IRQEN = Field<"PRIQ_IRQEN", 1, 1, RO>;
    using EVENTQ_IRQEN = Field<"EVENTQ_IRQEN", 2, 2, RO>;
    using layout = Layout<std::uint32_t, GERROR_IRQEN, PRIQ_IRQEN, EVENTQ_IRQEN, Field<"", 31, 3, Rsvd>>;
};

// An error is active while its bit here differs from its bit in GERRORN. [SMMU G.b s6.3.19]
struct GERROR {
    static constexpr std::string_view name = "GERROR";
    static constexpr std::uint32_t offset = 0x60;
    using CMDQ_ERR = Field<"CMDQ_ERR", 0, 0, RO>;
    using EVENTQ_ABT_ERR = Field<"EVENTQ_ABT_ERR", 2, 2, RO>;
    using PRIQ_ABT_ERR = Field<"PRIQ_ABT_ERR", 3, 3, RO>;
    using MSI_CMDQ_ABT_ERR = Field<"MSI_CMDQ_ABT_ERR", 4, 4, RO>;
    using MSI_EVENTQ_ABT_ERR = Field<"MSI_EVENTQ_ABT_ERR", 5, 5, RO>;
    using MSI_PRIQ_ABT_ERR = Field<"MSI_PRIQ_ABT_ERR", 6, 6, RO>;
    using MSI_GERROR_ABT_ERR = Field<"MSI_GERROR_ABT_ERR", 7, 7, RO>;
    using SFM_ERR = Field<"SFM_ERR", 8, 8, RO>;
    using CMDQP_ERR = Field<"CMDQP_ERR", 9, 9, RO>;
    using DPT_ERR = Field<"DPT_ERR", 10, 10, RO>;
    using layout = Layout<std::uint32_t, CMDQ_ERR, Field<"", 1, 1, Rsvd>, EVENTQ_ABT_ERR, PRIQ_ABT_ERR,
                          MSI_CMDQ_ABT_ERR, MSI_EVENTQ_ABT_ERR, MSI_PRIQ_ABT_ERR, MSI_GERROR_ABT_ERR, SFM_ERR,
                          CMDQP_ERR, DPT_ERR, Field<"", 31, 11, Rsvd>>;
};

// [SMMU G.b s6.3.20]
struct GERRORN {
    static constexpr std::string_view name = "GERRORN";
    static constexpr std::uint32_t offset = 0x64;
    using CMDQ_ERR = Field<"CMDQ_ERR", 0, 0, RW>;
    using EVENTQ_ABT_ERR = Field<"EVENTQ_ABT_ERR", 2, 2, RW>;
    using PRIQ_ABT_ERR = Field<"PRIQ_ABT_ERR", 3, 3, RW>;
    using MSI_CMDQ_ABT_ERR = Field<"MSI_CMDQ_ABT_ERR", 4, 4, RW>;
    using MSI_EVENTQ_ABT_ERR = Field<"MSI_EVENTQ_ABT_ERR", 5, 5, RW>;
    using MSI_PRIQ_ABT_ERR = Field<"MSI_PRIQ_ABT_ERR", 6, 6, RW>;
    using MSI_GERROR_ABT_ERR = Field<"MSI_GERROR_ABT_ERR", 7, 7, RW>;
    using SFM_ERR = Field<"SFM_ERR", 8, 8, RW>;
    using CMDQP_ERR = Field<"CMDQP_ERR", 9, 9, RW>;
    using DPT_ERR = Field<"DPT_ERR", 10, 10, RW>;
    using layout = Layout<std::uint32_t, CMDQ_ERR, Field<"", 1, 1, Rsvd>, EVENTQ_ABT_ERR, PRIQ_ABT_ERR,
                          MSI_CMDQ_ABT_ERR, MSI_EVENTQ_ABT_ERR, MSI_PRIQ_ABT_ERR, MSI_GERROR_ABT_ERR, SFM_ERR,
                          CMDQP_ERR, DPT_ERR, Field<"", 31, 11, Rsvd>>;
};

// The three sources of interrupts configure their MSI alike: where (0: no MSI), what, and with which attributes.
// Guarded by the source's bit of IRQ_CTRL. [SMMU G.b s6.3.21]
struct IRQ_CFG0 {
    static constexpr std::string_view name = "IRQ_CFG0";
    using ADDR = Field<"ADDR", 55, 2, RW>;
    using layout = Layout<std::uint64_t, Field<"", 1, 0, Rsvd>, ADDR, Field<"", 63, 56, Rsvd>>;
};

// [SMMU G.b s6.3.22]
struct IRQ_CFG1 {
    static constexpr std::string_view name = "IRQ_CFG1";
    using DATA = Field<"DATA", 31, 0, RW>;
    using layout = Layout<std::uint32_t, DATA>;
};

// [SMMU G.b s6.3.23]
struct IRQ_CFG2 {
    static constexpr std::string_view name = "IRQ_CFG2";
    using MemAttr = Field<"MemAttr", 3, 0, RW>;
    using SH = Field<"SH", 5, 4, RW>;
    using layout = Layout<std::uint32_t, MemAttr, SH, Field<"", 31, 6, Rsvd>>;
};

struct GERROR_IRQ_CFG0 : IRQ_CFG0 {
    static constexpr std::string_view name = "GERROR_IRQ_CFG0";
    static constexpr std::uint32_t offset = 0x68;
};
struct GERROR_IRQ_CFG1 : IRQ_CFG1 {
    static constexpr std::string_view name = "GERROR_IRQ_CFG1";
    static constexpr std::uint32_t offset = 0x70;
};
struct GERROR_IRQ_CFG2 : IRQ_CFG2 {
    static constexpr std::string_view name = "GERROR_IRQ_CFG2";
    static constexpr std::uint32_t offset = 0x74;
};
struct EVENTQ_IRQ_CFG0 : IRQ_CFG0 {
    static constexpr std::string_view name = "EVENTQ_IRQ_CFG0";
    static constexpr std::uint32_t offset = 0xb0;
};
struct EVENTQ_IRQ_CFG1 : IRQ_CFG1 {
    static constexpr std::string_view name = "EVENTQ_IRQ_CFG1";
    static constexpr std::uint32_t offset = 0xb8;
};
struct EVENTQ_IRQ_CFG2 : IRQ_CFG2 {
    static constexpr std::string_view name = "EVENTQ_IRQ_CFG2";
    static constexpr std::uint32_t offset = 0xbc;
};
struct PRIQ_IRQ_CFG0 : IRQ_CFG0 {
    static constexpr std::string_view name = "PRIQ_IRQ_CFG0";
    static constexpr std::uint32_t offset = 0xd0;
};
struct PRIQ_IRQ_CFG1 : IRQ_CFG1 {
    static constexpr std::string_view name = "PRIQ_IRQ_CFG1";
    static constexpr std::uint32_t offset = 0xd8;
};
// [SMMU G.b s6.3.36]
struct PRIQ_IRQ_CFG2 {
    static constexpr std::string_view name = "PRIQ_IRQ_CFG2";
    static constexpr std::uint32_t offset = 0xdc;
    using MemAttr = Field<"MemAttr", 3, 0, RW>;
    using SH = Field<"SH", 5, 4, RW>;
    using LO = Field<"LO", 31, 31, RW>;  // interrupt only for requests with Last set
    using layout = Layout<std::uint32_t, MemAttr, SH, Field<"", 30, 6, Rsvd>, LO>;
};

// Guarded by SMMUEN, as is STRTAB_BASE_CFG. [SMMU G.b s6.3.24]
struct STRTAB_BASE {
    static constexpr std::string_view name = "STRTAB_BASE";
    static constexpr std::uint32_t offset = 0x80;
    using ADDR = Field<"ADDR", 55, 6, RW>;
    using RA = Field<"RA", 62, 62, RW>;
    using layout =
        Layout<std::uint64_t, Field<"", 5, 0, Rsvd>, ADDR, Field<"", 61, 56, Rsvd>, RA, Field<"", 63, 63, Rsvd>>;
};

// [SMMU G.b s6.3.25]
struct STRTAB_BASE_CFG {
    static constexpr std::string_view name = "STRTAB_BASE_CFG";
    static constexpr std::uint32_t offset = 0x88;
    using LOG2SIZE = Field<"LOG2SIZE", 5, 0, RW>;
    using SPLIT = Field<"SPLIT", 10, 6, RW>;  // 6, 8 or 10; any other value acts as 6
    using FMT = Field<"FMT", 17, 16, RW>;     // 1: two levels; without IDR0.ST_LEVEL reserved
    using layout = Layout<std::uint32_t, LOG2SIZE, SPLIT, Field<"", 15, 11, Rsvd>, FMT, Field<"", 31, 18, Rsvd>>;
};

// In the queue registers WR and RD hold the index and, above its top bit, the wrap flag: QS + 1 bits, QS being the
// lesser of LOG2SIZE and the size in IDR1. Each BASE is guarded by the enable of its queue; of the indexes only the one
// that the SMMU moves is. [SMMU G.b s6.3.26]
struct CMDQ_BASE {
    static constexpr std::string_view name = "CMDQ_BASE";
    static constexpr std::uint32_t offset = 0x90;
    using LOG2SIZE = Field<"LOG2SIZE", 4, 0, RW>;
    using ADDR = Field<"ADDR", 55, 5, RW>;
    using RA = Field<"RA", 62, 62, RW>;
    using layout = Layout<std::uint64_t, LOG2SIZE, ADDR, Field<"", 61, 56, Rsvd>, RA, Field<"", 63, 63, Rsvd>>;
};

// [SMMU G.b s6.3.27]
struct CMDQ_PROD {
    static constexpr std::string_view name = "CMDQ_PROD";
    static constexpr std::uint32_t offset = 0x98;
    using WR = Field<"WR", 19, 0, RW>;
    using layout = Layout<std::uint32_t, WR, Field<"", 31, 20, Rsvd>>;
};

// ERR is one of CommandError. [SMMU G.b s6.3.28]
struct CMDQ_CONS {
    static constexpr std::string_view name = "CMDQ_CONS";
    static constexpr std::uint32_t offset = 0x9c;
    using RD = Field<"RD", 19, 0, RW>;
    using ERR = Field<"ERR", 30, 24, RW>;
    using layout = Layout<std::uint32_t, RD, Field<"", 23, 20, Rsvd>, ERR, Field<"", 31, 31, Rsvd>>;
};

// [SMMU G.b s6.3.29]
struct EVENTQ_BASE {
    static constexpr std::string_view name = "EVENTQ_BASE";
    static constexpr std::uint32_t offset = 0xa0;
    using LOG2SIZE = Field<"LOG2SIZE", 4, 0, RW>;
    using ADDR = Field<"ADDR", 55, 5, RW>;
    using WA = Field<"WA", 62, 62, RW>;
    using layout = Layout<std::uint64_t, LOG2SIZE, ADDR, Field<"", 61, 56, Rsvd>, WA, Field<"", 63, 63, Rsvd>>;
};

// Records were lost while OVFLG differs from EVENTQ_CONS.OVACKFLG. [SMMU G.b s6.3.95]
struct EVENTQ_PROD {
    static constexpr std::string_view name = "EVENTQ_PROD";
    static constexpr std::uint32_t offset = 0x100a8;
    using WR = Field<"WR", 19, 0, RW>;
    using OVFLG = Field<"OVFLG", 31, 31, RW>;
    using layout = Layout<std::uint32_t, WR, Field<"", 30, 20, Rsvd>, OVFLG>;
};

// [SMMU G.b s6.3.96]
struct EVENTQ_CONS {
    static constexpr std::string_view name = "EVENTQ_CONS";
    static constexpr std::uint32_t offset = 0x100ac;
    using RD = Field<"RD", 19, 0, RW>;
    using OVACKFLG = Field<"OVACKFLG", 31, 31, RW>;
    using layout = Layout<std::uint32_t, RD, Field<"", 30, 20, Rsvd>, OVACKFLG>;
};

// [SMMU G.b s6.3.33]
struct PRIQ_BASE {
    static constexpr std::string_view name = "PRIQ_BASE";
    static constexpr std::uint32_t offset = 0xc0;
    using LOG2SIZE = Field<"LOG2SIZE", 4, 0, RW>;
    using ADDR = Field<"ADDR", 55, 5, RW>;
    using WA = Field<"WA", 62, 62, RW>;
    using layout = Layout<std::uint64_t, LOG2SIZE, ADDR, Field<"", 61, 56, Rsvd>, WA, Field<"", 63, 63, Rsvd>>;
};

// Requests are refused while OVFLG differs from PRIQ_CONS.OVACKFLG. [SMMU G.b s6.3.97]
struct PRIQ_PROD {
    static constexpr std::string_view name = "PRIQ_PROD";
    static constexpr std::uint32_t offset = 0x100c8;
    using WR = Field<"WR", 19, 0, RW>;
    using OVFLG = Field<"OVFLG", 31, 31, RW>;
    using layout = Layout<std::uint32_t, WR, Field<"", 30, 20, Rsvd>, OVFLG>;
};

// [SMMU G.b s6.3.98]
struct PRIQ_CONS {
    static constexpr std::string_view name = "PRIQ_CONS";
    static constexpr std::uint32_t offset = 0x100cc;
    using RD = Field<"RD", 19, 0, RW>;
    using OVACKFLG = Field<"OVACKFLG", 31, 31, RW>;
    using layout = Layout<std::uint32_t, RD, Field<"", 30, 20, Rsvd>, OVACKFLG>;
};

}  // namespace smmuv3

#endif  // SMMUV3_NESTED_SPEC_REGISTERS_H
