// SPDX-License-Identifier: GPL-2.0-or-later
//
// channel: the registers of one channel; offsets count from the channel's own place in BAR 0.
//
// Software writes the operation and its operands, then DOORBELL.START. Until STATUS.BUSY is clear, writes to the other
// registers do nothing; then RESULT says what became of it.
#ifndef ATS_ENDPOINT_SPEC_CHANNEL_H
#define ATS_ENDPOINT_SPEC_CHANNEL_H

#include "ats-endpoint/spec/registers.h"

namespace endpoint {

// Values of OPERATION.OP.
enum class Op : std::uint8_t {
    None = 0,
    Read = 1,                // memory at SOURCE to the window at DESTINATION
    Write = 2,               // the window at SOURCE to memory at DESTINATION
    Copy = 3,                // memory at SOURCE to memory at DESTINATION, by way of the window
    FetchAdd = 4,            // memory at DESTINATION, with OPERAND; OLD_VALUE is what was there
    Swap = 5,                //
    CompareSwap = 6,         // OPERAND is stored if COMPARE was there
    TranslationRequest = 7,  // for SOURCE; the answer is in TRANSLATION_*
    PageRequest = 8,         // PAGES.COUNT pages from SOURCE on
    StopMarker = 9,
};

// Values of OPERATION.VIA: how memory is reached.
enum class Via : std::uint8_t {
    Untranslated = 0,
    Atc = 1,         // as a device with ATS does: its own translations, translation requests, page requests
    Translated = 2,  // the address is used as a translated one, whoever gave it
};

// Values of RESULT.CODE, and of each field of RESULTS.
enum class Code : std::uint8_t {
    None = 0,
    Success = 1,
    UnsupportedRequest = 2,
    CompleterAbort = 3,
    TimeOut = 4,          // no response within RESPONSE_TIMEOUT_NS
    NoRights = 5,         // the translation does not allow it, and nobody could be asked for the page
    PageRefused = 6,      // the response was Invalid Request
    ResponseFailure = 7,  // the response was Response Failure, or anything reserved
    Refused = 8,          // by the device itself: not an operation, too long, outside the window, no bus master
    Cancelled = 9,        // by DOORBELL.CANCEL
};

struct DOORBELL {
    static constexpr std::string_view name = "DOORBELL";
    static constexpr std::uint16_t offset = 0x00;
    using START = Field<"START", 0, 0, WO>;
    using CANCEL = Field<"CANCEL", 1, 1, WO>;
    using layout = Layout<std::uint32_t, START, CANCEL, Field<"", 31, 2, Rsvd>>;
};

struct STATUS {
    static constexpr std::string_view name = "STATUS";
    static constexpr std::uint16_t offset = 0x04;
    using BUSY = Field<"BUSY", 0, 0, RO>;
    using STALLED = Field<"STALLED", 1, 1, RO>;
    using WAITS_RESPONSE = Field<"WAITS_RESPONSE", 2, 2, RO>;
    using WAITS_CREDIT = Field<"WAITS_CREDIT", 3, 3, RO>;
    using layout = Layout<std::uint32_t, BUSY, STALLED, WAITS_RESPONSE, WAITS_CREDIT, Field<"", 31, 4, Rsvd>>;
};

struct OPERATION {
    static constexpr std::string_view name = "OPERATION";
    static constexpr std::uint16_t offset = 0x08;
    using OP = Field<"OP", 7, 0>;
    using VIA = Field<"VIA", 9, 8>;
    using NW = Field<"NW", 12, 12>;                // of a translation request: no write is meant
    using GO_ON = Field<"GO_ON", 13, 13>;          // after a transaction that failed
    using CAN_STALL = Field<"CAN_STALL", 14, 14>;  // untranslated requests may be held
    using EIGHT = Field<"EIGHT", 15, 15>;          // atomics: 8 bytes, not 4
    using INTERRUPT = Field<"INTERRUPT", 16, 16>;  // when it is over
    using VECTOR = Field<"VECTOR", 27, 20>;        // by this one
    using layout = Layout<std::uint32_t, OP, VIA, Field<"", 11, 10, Rsvd>, NW, GO_ON, CAN_STALL, EIGHT, INTERRUPT,
                          Field<"", 19, 17, Rsvd>, VECTOR, Field<"", 31, 28, Rsvd>>;
};

struct PASID {
    static constexpr std::string_view name = "PASID";
    static constexpr std::uint16_t offset = 0x0c;
    using VALUE = Field<"VALUE", 19, 0>;
    using PRIV = Field<"PRIV", 29, 29>;
    using EXEC = Field<"EXEC", 30, 30>;
    using VALID = Field<"VALID", 31, 31>;
    using layout = Layout<std::uint32_t, VALUE, Field<"", 28, 20, Rsvd>, PRIV, EXEC, VALID>;
};

using SOURCE = Number64<"SOURCE", 0x10, RW>;
using DESTINATION = Number64<"DESTINATION", 0x18, RW>;
using LENGTH = Number64<"LENGTH", 0x20, RW>;
using OPERAND = Number64<"OPERAND", 0x28, RW>;
using COMPARE = Number64<"COMPARE", 0x30, RW>;

struct PAGES {
    static constexpr std::string_view name = "PAGES";
    static constexpr std::uint16_t offset = 0x38;
    using INDEX = Field<"INDEX", 8, 0>;
    using COUNT = Field<"COUNT", 25, 16>;
    using READ = Field<"READ", 26, 26>;
    using WRITE = Field<"WRITE", 27, 27>;
    using LAST = Field<"LAST", 28, 28>;    // the newest page ends the group
    using AUTO = Field<"AUTO", 29, 29>;    // the device chooses the index
    using BURST = Field<"BURST", 30, 30>;  // each page is a group, with the next index
    using WAIT = Field<"WAIT", 31, 31>;    // over when the response has come, not when the requests are sent
    using layout = Layout<std::uint32_t, INDEX, Field<"", 15, 9, Rsvd>, COUNT, READ, WRITE, LAST, AUTO, BURST, WAIT>;
};

struct RESULT {
    static constexpr std::string_view name = "RESULT";
    static constexpr std::uint16_t offset = 0x40;
    using CODE = Field<"CODE", 7, 0, RO>;                    // of the first transaction that failed, else Success
    using REASON = Field<"REASON", 15, 8, RO>;               // the unit's code with it
    using TRANSACTIONS = Field<"TRANSACTIONS", 31, 16, RO>;  // made, 65535 and more
    using layout = Layout<std::uint32_t, CODE, REASON, TRANSACTIONS>;
};
// A Code for each of the first 16 transactions, 4 bits each, the first one lowest.
using RESULTS = Number64<"RESULTS", 0x48, RO>;
using DONE_BYTES = Number64<"DONE_BYTES", 0x50, RO>;
using FAULT_ADDRESS = Number64<"FAULT_ADDRESS", 0x58, RO>;
using OLD_VALUE = Number64<"OLD_VALUE", 0x60, RO>;

using TRANSLATION_ADDRESS = Number64<"TRANSLATION_ADDRESS", 0x68, RO>;
struct TRANSLATION_FLAGS {
    static constexpr std::string_view name = "TRANSLATION_FLAGS";
    static constexpr std::uint16_t offset = 0x70;
    using STATUS = Field<"STATUS", 1, 0, RO>;  // 0 success, 1 unsupported request, 2 completer abort
    using R = Field<"R", 4, 4, RO>;
    using W = Field<"W", 5, 5, RO>;
    using EXE = Field<"EXE", 6, 6, RO>;
    using PRIV = Field<"PRIV", 7, 7, RO>;
    using GLOBAL = Field<"GLOBAL", 8, 8, RO>;
    using U = Field<"U", 9, 9, RO>;
    using N = Field<"N", 10, 10, RO>;
    using SIZE_LOG2 = Field<"SIZE_LOG2", 22, 16, RO>;
    using VALID = Field<"VALID", 31, 31, RO>;
    using layout = Layout<std::uint32_t, STATUS, Field<"", 3, 2, Rsvd>, R, W, EXE, PRIV, GLOBAL, U, N,
                          Field<"", 15, 11, Rsvd>, SIZE_LOG2, Field<"", 30, 23, Rsvd>, VALID>;
};

// The response to this channel's newest group.
struct RESPONSE {
    static constexpr std::string_view name = "RESPONSE";
    static constexpr std::uint16_t offset = 0x74;
    using INDEX = Field<"INDEX", 8, 0, RO>;
    using CODE = Field<"CODE", 15, 12, RO>;
    using VALID = Field<"VALID", 31, 31, RO>;
    using layout = Layout<std::uint32_t, INDEX, Field<"", 11, 9, Rsvd>, CODE, Field<"", 30, 16, Rsvd>, VALID>;
};

}  // namespace endpoint

#endif  // ATS_ENDPOINT_SPEC_CHANNEL_H
