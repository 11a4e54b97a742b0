// SPDX-License-Identifier: GPL-2.0-or-later
//
// events: the records of the event queue. [SMMU G.b s7.3]
//
// A record is four doublewords. EventRecord names every field that the translation-related events have, which most
// other events have a part of; FetchEventRecord is the same with FetchAddr in the place of IPA. A field that an event
// lacks is 0 in its record, and so are the bits that no event names. F_BAD_ATS_TREQ has InputAddr[63:12]; where it
// tells the rights that were asked for, and how many pages, is not in the text at hand: 0 here.
#ifndef SMMUV3_NESTED_SPEC_EVENTS_H
#define SMMUV3_NESTED_SPEC_EVENTS_H

#include <cstdint>
#include <string_view>

#include "iommu/bits.h"

namespace smmuv3 {

using iommu::Field;
using iommu::Layout;
using iommu::Rsvd;
using iommu::Words;

enum class Event : std::uint8_t {
    F_UUT = 0x01,
    C_BAD_STREAMID = 0x02,
    F_STE_FETCH = 0x03,
    C_BAD_STE = 0x04,
    F_BAD_ATS_TREQ = 0x05,
    F_STREAM_DISABLED = 0x06,
    F_TRANSL_FORBIDDEN = 0x07,
    C_BAD_SUBSTREAMID = 0x08,
    F_CD_FETCH = 0x09,
    C_BAD_CD = 0x0a,
    F_WALK_EABT = 0x0b,
    F_TRANSLATION = 0x10,
    F_ADDR_SIZE = 0x11,
    F_ACCESS = 0x12,
    F_PERMISSION = 0x13,
    F_TLB_CONFLICT = 0x20,
    F_CFG_CONFLICT = 0x21,
    E_PAGE_REQUEST = 0x24,
    F_VMS_FETCH = 0x25,
};

// What the access that faulted was for: the values of CLASS.
enum class Class : std::uint8_t {
    CD = 0,  // fetching a CD
    TT = 1,  // reading or updating a descriptor of stage 1
    IN = 2,  // the transaction itself
};

// RnW and TTRnW are 1 for a read, InD is 1 for an instruction, PnU is 1 for a privileged access.
struct EventRecord {
    static constexpr std::string_view name = "EventRecord";
    using Event = Field<"Event", 7, 0>;
    using SSV = Field<"SSV", 11, 11>;
    using SubstreamID = Field<"SubstreamID", 31, 12>;
    using StreamID = Field<"StreamID", 63, 32>;
    using STAG = Field<"STAG", 79, 64>;
    using Stall = Field<"Stall", 95, 95>;
    using PnU = Field<"PnU", 97, 97>;
    using InD = Field<"InD", 98, 98>;
    using RnW = Field<"RnW", 99, 99>;
    using NSIPA = Field<"NSIPA", 100, 100>;
    using S2 = Field<"S2", 103, 103>;
    using CLASS = Field<"CLASS", 105, 104>;
    using TTRnW = Field<"TTRnW", 108, 108>;
    using InputAddr = Field<"InputAddr", 191, 128>;
    using IPA = Field<"IPA", 247, 204>;
    using layout =
        Layout<Words<4>, Event, Field<"", 10, 8, Rsvd>, SSV, SubstreamID, StreamID, STAG, Field<"", 94, 80, Rsvd>,
               Stall, Field<"", 96, 96, Rsvd>, PnU, InD, RnW, NSIPA, Field<"", 102, 101, Rsvd>, S2, CLASS,
               Field<"", 107, 106, Rsvd>, TTRnW, Field<"", 127, 109, Rsvd>, InputAddr, Field<"", 203, 192, Rsvd>, IPA,
               Field<"", 255, 248, Rsvd>>;
};

// F_STE_FETCH, F_CD_FETCH, F_VMS_FETCH and F_WALK_EABT. Of these only F_WALK_EABT has the fields from PnU to InputAddr.
struct FetchEventRecord {
    static constexpr std::string_view name = "FetchEventRecord";
    using Event = Field<"Event", 7, 0>;
    using SSV = Field<"SSV", 11, 11>;
    using SubstreamID = Field<"SubstreamID", 31, 12>;
    using StreamID = Field<"StreamID", 63, 32>;
    using Reason = Field<"Reason", 79, 64>;  // the implementation's
    using GPCF = Field<"GPCF", 80, 80>;
    using PnU = Field<"PnU", 97, 97>;
    using InD = Field<"InD", 98, 98>;
    using RnW = Field<"RnW", 99, 99>;
    using NSIPA = Field<"NSIPA", 100, 100>;
    using S2 = Field<"S2", 103, 103>;
    using CLASS = Field<"CLASS", 105, 104>;
    using InputAddr = Field<"InputAddr", 191, 128>;
    using FetchAddr = Field<"FetchAddr", 247, 195>;
    using layout =
        Layout<Words<4>, Event, Field<"", 10, 8, Rsvd>, SSV, SubstreamID, StreamID, Reason, GPCF,
               Field<"", 96, 81, Rsvd>, PnU, InD, RnW, NSIPA, Field<"", 102, 101, Rsvd>, S2, CLASS,
               Field<"", 127, 106, Rsvd>, InputAddr, Field<"", 194, 192, Rsvd>, FetchAddr, Field<"", 255, 248, Rsvd>>;
};

// The manual's name; empty for a number that it does not define.
[[nodiscard]] constexpr std::string_view name(Event event) {
    switch (event) {
        case Event::F_UUT: return "F_UUT";
        case Event::C_BAD_STREAMID: return "C_BAD_STREAMID";
        case Event::F_STE_FETCH: return "F_STE_FETCH";
        case Event::C_BAD_STE: return "C_BAD_STE";
        case Event::F_BAD_ATS_TREQ: return "F_BAD_ATS_TREQ";
        case Event::F_STREAM_DISABLED: return "F_STREAM_DISABLED";
        case Event::F_TRANSL_FORBIDDEN: return "F_TRANSL_FORBIDDEN";
        case Event::C_BAD_SUBSTREAMID: return "C_BAD_SUBSTREAMID";
        case Event::F_CD_FETCH: return "F_CD_FETCH";
        case Event::C_BAD_CD: return "C_BAD_CD";
        case Event::F_WALK_EABT: return "F_WALK_EABT";
        case Event::F_TRANSLATION: return "F_TRANSLATION";
        case Event::F_ADDR_SIZE: return "F_ADDR_SIZE";
        case Event::F_ACCESS: return "F_ACCESS";
        case Event::F_PERMISSION: return "F_PERMISSION";
        case Event::F_TLB_CONFLICT: return "F_TLB_CONFLICT";
        case Event::F_CFG_CONFLICT: return "F_CFG_CONFLICT";
        case Event::E_PAGE_REQUEST: return "E_PAGE_REQUEST";
        case Event::F_VMS_FETCH: return "F_VMS_FETCH";
    }
    return {};
}

// What went wrong, for traces; empty for a number that the manual does not define.
[[nodiscard]] constexpr std::string_view meaning(Event event) {
    switch (event) {
        case Event::F_UUT: return "the unit does not support this kind of transaction";
        case Event::C_BAD_STREAMID: return "no stream table entry for this StreamID";
        case Event::F_STE_FETCH: return "the stream table could not be read";
        case Event::C_BAD_STE: return "the stream table entry is invalid or contradicts itself";
        case Event::F_BAD_ATS_TREQ: return "ATS translation request where ATS is not enabled";
        case Event::F_STREAM_DISABLED: return "the stream is closed to transactions with this or without a SubstreamID";
        case Event::F_TRANSL_FORBIDDEN: return "translated transaction where ATS is not enabled";
        case Event::C_BAD_SUBSTREAMID: return "no context descriptor for this SubstreamID";
        case Event::F_CD_FETCH: return "the context descriptor could not be read";
        case Event::C_BAD_CD: return "the context descriptor is invalid or contradicts itself";
        case Event::F_WALK_EABT: return "a translation table could not be read or updated";
        case Event::F_TRANSLATION: return "the address is not mapped";
        case Event::F_ADDR_SIZE: return "an address exceeds the size configured for it";
        case Event::F_ACCESS: return "the page's access flag is clear";
        case Event::F_PERMISSION: return "the page does not allow this access";
        case Event::F_TLB_CONFLICT: return "two cached translations match";
        case Event::F_CFG_CONFLICT: return "two cached configurations match";
        case Event::E_PAGE_REQUEST: return "a device hints that it will need pages";
        case Event::F_VMS_FETCH: return "the virtual machine structure could not be read";
    }
    return {};
}

}  // namespace smmuv3

#endif  // SMMUV3_NESTED_SPEC_EVENTS_H
