// SPDX-License-Identifier: GPL-2.0-or-later
//
// registers: BAR 0 of the endpoint, our own design. docs/endpoint-registers.md is made from here.
//
//     0x0000  registers of the whole device: what it is, its ATC, its messages, its faults, its counters
//     0x1000  channel 0, 0x1100 channel 1, ...
//     0x8000  window of channel 0 (4 KiB of memory inside the device), 0x9000 of channel 1, ...
//
// include/ats-endpoint-regs.h has the same for C programs; a test keeps both alike.
#ifndef ATS_ENDPOINT_SPEC_REGISTERS_H
#define ATS_ENDPOINT_SPEC_REGISTERS_H

#include <cstdint>
#include <string_view>

#include "iommu/bits.h"

namespace endpoint {

using iommu::Field;
using iommu::FieldName;
using iommu::Layout;
using iommu::RO;
using iommu::Rsvd;
using iommu::RW;
using iommu::WO;

inline constexpr std::uint32_t kBarBytes = 0x10000;
inline constexpr unsigned kChannels = 4;
inline constexpr std::uint32_t kDeviceBytes = 0x1000;
inline constexpr std::uint32_t kChannelsOffset = 0x1000;
inline constexpr std::uint32_t kChannelBytes = 0x100;
inline constexpr std::uint32_t kWindowsOffset = 0x8000;
inline constexpr std::uint32_t kWindowBytes = 0x1000;

// A register that is one number.
template <FieldName Name, std::uint16_t Offset, iommu::FieldAccess Access>
struct Number32 {
    static constexpr std::string_view name = Name.view();
    static constexpr std::uint16_t offset = Offset;
    using VALUE = Field<"VALUE", 31, 0, Access>;
    using layout = Layout<std::uint32_t, VALUE>;
};
template <FieldName Name, std::uint16_t Offset, iommu::FieldAccess Access>
struct Number64 {
    static constexpr std::string_view name = Name.view();
    static constexpr std::uint16_t offset = Offset;
    using VALUE = Field<"VALUE", 63, 0, Access>;
    using layout = Layout<std::uint64_t, VALUE>;
};

// ---- The whole device

using ID = Number32<"ID", 0x000, RO>;
inline constexpr std::uint32_t kId = 0x31535441;  // "ATS1"

struct LIMITS {
    static constexpr std::string_view name = "LIMITS";
    static constexpr std::uint16_t offset = 0x004;
    using CHANNELS = Field<"CHANNELS", 7, 0, RO>;
    using WINDOW_LOG2 = Field<"WINDOW_LOG2", 15, 8, RO>;
    using ATC_ENTRIES = Field<"ATC_ENTRIES", 31, 16, RO>;
    using layout = Layout<std::uint32_t, CHANNELS, WINDOW_LOG2, ATC_ENTRIES>;
};

// What configuration space enables, for software that is not shown those capabilities.
struct ENABLES {
    static constexpr std::string_view name = "ENABLES";
    static constexpr std::uint16_t offset = 0x008;
    using BUS_MASTER = Field<"BUS_MASTER", 0, 0, RO>;
    using ATS = Field<"ATS", 1, 1, RO>;
    using PASID = Field<"PASID", 2, 2, RO>;
    using PASID_EXEC = Field<"PASID_EXEC", 3, 3, RO>;
    using PASID_PRIV = Field<"PASID_PRIV", 4, 4, RO>;
    using PRI = Field<"PRI", 5, 5, RO>;
    using STU = Field<"STU", 12, 8, RO>;
    using layout = Layout<std::uint32_t, BUS_MASTER, ATS, PASID, PASID_EXEC, PASID_PRIV, PRI, Field<"", 7, 6, Rsvd>,
                          STU, Field<"", 31, 13, Rsvd>>;
};

struct CONTROL {
    static constexpr std::string_view name = "CONTROL";
    static constexpr std::uint16_t offset = 0x00c;
    using CLEAR_COUNTERS = Field<"CLEAR_COUNTERS", 0, 0, WO>;
    using DROP_ATC = Field<"DROP_ATC", 1, 1, WO>;
    using layout = Layout<std::uint32_t, CLEAR_COUNTERS, DROP_ATC, Field<"", 31, 2, Rsvd>>;
};

// The ATC, entry by entry.
struct ATC_INDEX {
    static constexpr std::string_view name = "ATC_INDEX";
    static constexpr std::uint16_t offset = 0x010;
    using INDEX = Field<"INDEX", 15, 0>;
    using layout = Layout<std::uint32_t, INDEX, Field<"", 31, 16, Rsvd>>;
};
struct ATC_FLAGS {
    static constexpr std::string_view name = "ATC_FLAGS";
    static constexpr std::uint16_t offset = 0x014;
    using VALID = Field<"VALID", 0, 0, RO>;
    using R = Field<"R", 1, 1, RO>;
    using W = Field<"W", 2, 2, RO>;
    using EXE = Field<"EXE", 3, 3, RO>;
    using PRIV = Field<"PRIV", 4, 4, RO>;
    using GLOBAL = Field<"GLOBAL", 5, 5, RO>;
    using U = Field<"U", 6, 6, RO>;
    using N = Field<"N", 7, 7, RO>;
    using SIZE_LOG2 = Field<"SIZE_LOG2", 14, 8, RO>;
    using layout = Layout<std::uint32_t, VALID, R, W, EXE, PRIV, GLOBAL, U, N, SIZE_LOG2, Field<"", 31, 15, Rsvd>>;
};
struct ATC_PASID {
    static constexpr std::string_view name = "ATC_PASID";
    static constexpr std::uint16_t offset = 0x018;
    using PASID = Field<"PASID", 19, 0, RO>;
    using VALID = Field<"VALID", 31, 31, RO>;
    using layout = Layout<std::uint32_t, PASID, Field<"", 30, 20, Rsvd>, VALID>;
};
using ATC_USED = Number32<"ATC_USED", 0x01c, RO>;
using ATC_ADDRESS = Number64<"ATC_ADDRESS", 0x020, RO>;
using ATC_TRANSLATED = Number64<"ATC_TRANSLATED", 0x028, RO>;

// The newest messages that came.
struct LAST_INVALIDATE {
    static constexpr std::string_view name = "LAST_INVALIDATE";
    static constexpr std::uint16_t offset = 0x030;
    using PASID = Field<"PASID", 19, 0, RO>;
    using ITAG = Field<"ITAG", 24, 20, RO>;
    using GLOBAL = Field<"GLOBAL", 25, 25, RO>;
    using PASID_VALID = Field<"PASID_VALID", 26, 26, RO>;
    using layout = Layout<std::uint32_t, PASID, ITAG, GLOBAL, PASID_VALID, Field<"", 31, 27, Rsvd>>;
};
using LAST_INVALIDATE_FIRST = Number64<"LAST_INVALIDATE_FIRST", 0x038, RO>;
using LAST_INVALIDATE_LAST = Number64<"LAST_INVALIDATE_LAST", 0x040, RO>;
struct LAST_RESPONSE {
    static constexpr std::string_view name = "LAST_RESPONSE";
    static constexpr std::uint16_t offset = 0x048;
    using PASID = Field<"PASID", 19, 0, RO>;
    using PASID_VALID = Field<"PASID_VALID", 20, 20, RO>;
    using INDEX = Field<"INDEX", 40, 32, RO>;
    using CODE = Field<"CODE", 47, 44, RO>;
    using layout = Layout<std::uint64_t, PASID, PASID_VALID, Field<"", 31, 21, Rsvd>, INDEX, Field<"", 43, 41, Rsvd>,
                          CODE, Field<"", 63, 48, Rsvd>>;
};

// ---- Times and faults. Where a register counts, the fault strikes that many times more.

using ANSWER_DELAY_NS = Number64<"ANSWER_DELAY_NS", 0x050, RW>;
using LATE_DELAY_NS = Number64<"LATE_DELAY_NS", 0x058, RW>;
using DROP_DELAY_NS = Number64<"DROP_DELAY_NS", 0x060, RW>;
using RESPONSE_TIMEOUT_NS = Number64<"RESPONSE_TIMEOUT_NS", 0x068, RW>;
using VANISH_US = Number32<"VANISH_US", 0x070, WO>;
using UNASKED_ANSWER = Number32<"UNASKED_ANSWER", 0x074, WO>;
using DROP_ANSWERS = Number32<"DROP_ANSWERS", 0x078, RW>;
using LATE_ANSWERS = Number32<"LATE_ANSWERS", 0x07c, RW>;
using WRONG_ITAGS = Number32<"WRONG_ITAGS", 0x080, RW>;
using TWICE_ANSWERS = Number32<"TWICE_ANSWERS", 0x084, RW>;
using WRONG_REQUESTERS = Number32<"WRONG_REQUESTERS", 0x088, RW>;
using EARLY_ANSWERS = Number32<"EARLY_ANSWERS", 0x08c, RW>;
using SAME_INDEXES = Number32<"SAME_INDEXES", 0x090, RW>;
using IGNORE_RESPONSES = Number32<"IGNORE_RESPONSES", 0x094, RW>;

struct REQUESTER {
    static constexpr std::string_view name = "REQUESTER";
    static constexpr std::uint16_t offset = 0x098;
    using ID = Field<"ID", 15, 0>;
    using layout = Layout<std::uint32_t, ID, Field<"", 31, 16, Rsvd>>;
};
struct BEHAVIOUR {
    static constexpr std::string_view name = "BEHAVIOUR";
    static constexpr std::uint16_t offset = 0x09c;
    using CHECK_RESPONSE_PASID = Field<"CHECK_RESPONSE_PASID", 0, 0>;
    using IGNORE_CAPACITY = Field<"IGNORE_CAPACITY", 1, 1>;
    using layout = Layout<std::uint32_t, CHECK_RESPONSE_PASID, IGNORE_CAPACITY, Field<"", 31, 2, Rsvd>>;
};

// ---- Counters, modulo 2^32

template <FieldName Name, std::uint16_t Offset>
using Counter = Number32<Name, Offset, RO>;

using ATC_HITS = Counter<"ATC_HITS", 0x100>;
using ATC_MISSES = Counter<"ATC_MISSES", 0x104>;
using ATC_FILLS = Counter<"ATC_FILLS", 0x108>;
using ATC_EVICTIONS = Counter<"ATC_EVICTIONS", 0x10c>;
using ATC_DROPPED = Counter<"ATC_DROPPED", 0x110>;
using INVALIDATES = Counter<"INVALIDATES", 0x114>;
using INVALIDATES_PASID = Counter<"INVALIDATES_PASID", 0x118>;
using INVALIDATES_GLOBAL = Counter<"INVALIDATES_GLOBAL", 0x11c>;
using INVALIDATES_WHOLE = Counter<"INVALIDATES_WHOLE", 0x120>;
using INVALIDATES_LOST = Counter<"INVALIDATES_LOST", 0x124>;
using ANSWERS = Counter<"ANSWERS", 0x128>;
using TRANSLATION_REQUESTS = Counter<"TRANSLATION_REQUESTS", 0x12c>;
using PAGE_REQUESTS = Counter<"PAGE_REQUESTS", 0x130>;
using STOP_MARKERS = Counter<"STOP_MARKERS", 0x134>;
using RESPONSES_SUCCESS = Counter<"RESPONSES_SUCCESS", 0x138>;
using RESPONSES_INVALID = Counter<"RESPONSES_INVALID", 0x13c>;
using RESPONSES_FAILURE = Counter<"RESPONSES_FAILURE", 0x140>;
using RESPONSES_UNEXPECTED = Counter<"RESPONSES_UNEXPECTED", 0x144>;
using RESPONSES_LOST = Counter<"RESPONSES_LOST", 0x148>;
using FAULTS = Counter<"FAULTS", 0x14c>;
using STALLS = Counter<"STALLS", 0x150>;
// How often each fault struck.
using STRUCK_DROP = Counter<"STRUCK_DROP", 0x180>;
using STRUCK_LATE = Counter<"STRUCK_LATE", 0x184>;
using STRUCK_WRONG_ITAG = Counter<"STRUCK_WRONG_ITAG", 0x188>;
using STRUCK_TWICE = Counter<"STRUCK_TWICE", 0x18c>;
using STRUCK_WRONG_REQUESTER = Counter<"STRUCK_WRONG_REQUESTER", 0x190>;
using STRUCK_EARLY = Counter<"STRUCK_EARLY", 0x194>;
using STRUCK_UNASKED = Counter<"STRUCK_UNASKED", 0x198>;
using STRUCK_SAME_INDEX = Counter<"STRUCK_SAME_INDEX", 0x19c>;
using STRUCK_IGNORE_RESPONSE = Counter<"STRUCK_IGNORE_RESPONSE", 0x1a0>;
using STRUCK_PASID_MISMATCH = Counter<"STRUCK_PASID_MISMATCH", 0x1a4>;
using STRUCK_CAPACITY = Counter<"STRUCK_CAPACITY", 0x1a8>;
using STRUCK_VANISH = Counter<"STRUCK_VANISH", 0x1ac>;

inline constexpr std::uint32_t kCountersOffset = ATC_HITS::offset;
inline constexpr std::uint32_t kCountersEnd = STRUCK_VANISH::offset + 4;

}  // namespace endpoint

#endif  // ATS_ENDPOINT_SPEC_REGISTERS_H
