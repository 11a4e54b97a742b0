// SPDX-License-Identifier: GPL-2.0-or-later
//
// ioat: BAR 0 and descriptors of Intel's DMA engine (I/OAT, CB DMA), the part that the device `ats-endpoint-ioat` has.
//
//     0x000  the device: 0x80 bytes
//     0x080  its one channel
//
// Names and places are those that Linux's drivers use. [Linux drivers/dma/ioat/registers.h, hw.h] Several registers of
// 8 or 16 bits share a word here; what a driver may write byte by byte is cut out by the device. Bits that are reserved
// here and mean something in the real device are not implemented, read 0, and are not announced in DMACAPABILITY.
#ifndef ATS_ENDPOINT_SPEC_IOAT_H
#define ATS_ENDPOINT_SPEC_IOAT_H

#include "ats-endpoint/spec/registers.h"

namespace endpoint::ioat {

using iommu::Ign;
using iommu::RW1C;

inline constexpr std::uint32_t kFrameBytes = 0x100;
inline constexpr std::uint32_t kDescriptorBytes = 64;
inline constexpr unsigned kTransferLog2 = 15;  // of XFERCAP: one descriptor moves at most 32 KiB
inline constexpr std::uint8_t kVersion = 0x33;

// ---- The device

// CHANCNT, XFERCAP, GENCTRL, INTRCTRL
struct GENERAL {
    static constexpr std::string_view name = "GENERAL";
    static constexpr std::uint16_t offset = 0x000;
    using CHANCNT = Field<"CHANCNT", 4, 0, RO>;
    using XFERCAP = Field<"XFERCAP", 12, 8, RO>;
    using MSIX_VECTOR_CONTROL = Field<"MSIX_VECTOR_CONTROL", 27, 27>;  // of INTRCTRL: interrupts go out by MSI-X
    using layout = Layout<std::uint32_t, CHANCNT, Field<"", 7, 5, Rsvd>, XFERCAP, Field<"", 26, 13, Rsvd>,
                          MSIX_VECTOR_CONTROL, Field<"", 31, 28, Rsvd>>;
};

// CBVER, PERPORTOFFSET
struct VERSION {
    static constexpr std::string_view name = "VERSION";
    static constexpr std::uint16_t offset = 0x008;
    using CBVER = Field<"CBVER", 7, 0, RO>;
    using layout = Layout<std::uint32_t, CBVER, Field<"", 31, 8, Rsvd>>;
};

// 0: nothing but copies.
using DMACAPABILITY = Number32<"DMACAPABILITY", 0x010, RO>;

// ---- The channel

// CHANCTRL, DMA_COMP
struct CHANCTRL {
    static constexpr std::string_view name = "CHANCTRL";
    static constexpr std::uint16_t offset = 0x080;
    // Set when an interrupt goes out, which holds back the next one until software writes 1.
    using INT_DISABLE = Field<"INT_DISABLE", 0, 0, RW1C>;
    using ANY_ERR_ABORT_EN = Field<"ANY_ERR_ABORT_EN", 3, 3>;  // every error stops the channel, with or without
    using ERR_INT_EN = Field<"ERR_INT_EN", 4, 4>;
    using IN_USE = Field<"IN_USE", 8, 8>;  // software's
    using COMPATIBILITY_2 = Field<"COMPATIBILITY_2", 17, 17, RO>;
    using layout =
        Layout<std::uint32_t, INT_DISABLE, Field<"", 2, 1, Rsvd>, ANY_ERR_ABORT_EN, ERR_INT_EN, Field<"", 7, 5, Rsvd>,
               IN_USE, Field<"", 16, 9, Rsvd>, COMPATIBILITY_2, Field<"", 31, 18, Rsvd>>;
};

// CHANCMD, DMACOUNT
struct CHANCMD {
    static constexpr std::string_view name = "CHANCMD";
    static constexpr std::uint16_t offset = 0x084;
    using SUSPEND = Field<"SUSPEND", 2, 2, WO>;
    using RESET = Field<"RESET", 5, 5, RO>;  // software sets it; 1 until the reset is over
    // Descriptors to be done since CHAINADDR was written, modulo 2^16.
    using DMACOUNT = Field<"DMACOUNT", 31, 16>;
    using layout = Layout<std::uint32_t, Field<"", 1, 0, Rsvd>, SUSPEND, Field<"", 4, 3, Rsvd>, RESET,
                          Field<"", 15, 6, Rsvd>, DMACOUNT>;
};

// Values of CHANSTS.STATUS.
enum class Status : std::uint8_t { Active = 0, Done = 1, Suspended = 2, Halted = 3 };

// Also what a completion record holds.
struct CHANSTS {
    static constexpr std::string_view name = "CHANSTS";
    static constexpr std::uint16_t offset = 0x088;
    using STATUS = Field<"STATUS", 2, 0, RO>;
    using COMPLETED = Field<"COMPLETED", 63, 6, RO>;  // address of the descriptor that was done last
    using layout = Layout<std::uint64_t, STATUS, Field<"", 5, 3, Rsvd>, COMPLETED>;
};

using CHAINADDR = Number64<"CHAINADDR", 0x090, RW>;

struct CHANCMP {
    static constexpr std::string_view name = "CHANCMP";
    static constexpr std::uint16_t offset = 0x098;
    using ADDRESS = Field<"ADDRESS", 63, 3>;
    using layout = Layout<std::uint64_t, Field<"", 2, 0, Rsvd>, ADDRESS>;
};

// CHANERR_INT in configuration space has the same bits.
struct CHANERR {
    static constexpr std::string_view name = "CHANERR";
    static constexpr std::uint16_t offset = 0x0a8;
    using SRC_ADDR_ERR = Field<"SRC_ADDR_ERR", 0, 0, RW1C>;    // the source runs over the end of the address space
    using DEST_ADDR_ERR = Field<"DEST_ADDR_ERR", 1, 1, RW1C>;  // the destination does
    using NEXT_ADDR_ERR = Field<"NEXT_ADDR_ERR", 2, 2, RW1C>;  // no descriptor can be read there
    using NEXT_DESC_ALIGN_ERR = Field<"NEXT_DESC_ALIGN_ERR", 3, 3, RW1C>;
    using CHAIN_ADDR_VALUE_ERR = Field<"CHAIN_ADDR_VALUE_ERR", 4, 4, RW1C>;  // CHAINADDR: either of these two
    using READ_DATA_ERR = Field<"READ_DATA_ERR", 8, 8, RW1C>;
    using WRITE_DATA_ERR = Field<"WRITE_DATA_ERR", 9, 9, RW1C>;
    using CONTROL_ERR = Field<"CONTROL_ERR", 10, 10, RW1C>;  // an operation or a flag that the device does not have
    using LENGTH_ERR = Field<"LENGTH_ERR", 11, 11, RW1C>;    // 0, or more than XFERCAP says
    using COMPLETION_ADDR_ERR = Field<"COMPLETION_ADDR_ERR", 12, 12, RW1C>;
    using layout = Layout<std::uint32_t, SRC_ADDR_ERR, DEST_ADDR_ERR, NEXT_ADDR_ERR, NEXT_DESC_ALIGN_ERR,
                          CHAIN_ADDR_VALUE_ERR, Field<"", 7, 5, Rsvd>, READ_DATA_ERR, WRITE_DATA_ERR, CONTROL_ERR,
                          LENGTH_ERR, COMPLETION_ADDR_ERR, Field<"", 31, 13, Rsvd>>;
};

// ---- In memory

struct Descriptor {
    static constexpr std::string_view name = "DESCRIPTOR";
    using SIZE = Field<"SIZE", 31, 0>;
    using INT_EN = Field<"INT_EN", 32, 32>;
    using SNOOP_DIS = Field<"SNOOP_DIS", 34, 33, Ign>;  // memory is coherent all the same
    using COMPL_WRITE = Field<"COMPL_WRITE", 35, 35>;   // a completion record to CHANCMP
    using FENCE = Field<"FENCE", 36, 36, Ign>;          // descriptors never overtake each other
    using NO_TRANSFER = Field<"NULL", 37, 37>;
    using OP = Field<"OP", 63, 56>;  // 0: copy
    using SRC_ADDR = Field<"SRC_ADDR", 127, 64>;
    using DST_ADDR = Field<"DST_ADDR", 191, 128>;
    using NEXT = Field<"NEXT", 255, 192>;
    using layout = Layout<iommu::Words<8>, SIZE, INT_EN, SNOOP_DIS, COMPL_WRITE, FENCE, NO_TRANSFER,
                          Field<"", 55, 38, Rsvd>, OP, SRC_ADDR, DST_ADDR, NEXT, Field<"", 319, 256, Ign>,
                          Field<"", 383, 320, Ign>, Field<"", 447, 384, Ign>, Field<"", 511, 448, Ign>>;
};

}  // namespace endpoint::ioat

#endif  // ATS_ENDPOINT_SPEC_IOAT_H
