// SPDX-License-Identifier: GPL-2.0-or-later
//
// endpoint_protocol: what a unit and a device with translations of its own say to each other. [PCIe 6.0 s10]
//
//     device -> unit   translation request (a Request), answered at once by a TranslationCompletion
//     unit -> device   InvalidateRequest;  device -> unit, later or never: InvalidateCompletion
//     device -> unit   PageRequest;        unit -> device, when software decided: PageGroupResponse
//
// InvalidateTracker keeps the ITags: which invalidations a unit has sent that were not answered, until when it waits
// for them, and whether everything that was sent before some moment has ended. It has no lock and no clock of its own.
#ifndef IOMMU_ENDPOINT_PROTOCOL_H
#define IOMMU_ENDPOINT_PROTOCOL_H

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "iommu/address.h"
#include "iommu/ids.h"
#include "iommu/request.h"

namespace iommu {

// ---- Translation requests [PCIe 6.0 s10.2]

enum class CompletionStatus : std::uint8_t { Success, UnsupportedRequest, CompleterAbort };

// The answer to a translation request. Without rights a Success says that there is no translation that may be kept: the
// device may ask for the page. What stands behind the status means nothing unless it is Success.
struct TranslationCompletion {
    CompletionStatus status = CompletionStatus::UnsupportedRequest;
    std::uint8_t reason = 0;  // the architecture's code for what went wrong; 0 when nothing did
    Pa address;               // of the request's own byte
    unsigned page_log2 = 12;  // holds for the naturally aligned block of this size
    Rights rights = Rights::None;
    bool execute = false;            // Exe
    bool privileged = false;         // Priv: the rights are those of privileged accesses
    bool global = false;             // Global: in every address space of the device
    bool untranslated_only = false;  // U: such accesses go untranslated
    bool no_snoop = false;           // N
};

// ---- Invalidations [PCIe 6.0 s10.3]

struct InvalidateRequest {
    RequesterId requester;       // the device it is sent to
    std::optional<Pasid> pasid;  // of the PASID prefix
    bool global = false;         // Global Invalidate: of every PASID; only with a prefix
    IovaRange range;             // naturally aligned, a power of two, at least a page of 4 KiB
    std::uint8_t itag = 0;
    friend bool operator==(const InvalidateRequest&, const InvalidateRequest&) = default;
};

struct InvalidateCompletion {
    RequesterId requester;          // who answers
    std::uint32_t itag_vector = 0;  // a bit for each ITag that this answers
    unsigned count = 1;             // how many such messages answer each of them, 1 to 8
};

// ---- Page requests [PCIe 6.0 s10.4]

struct PageRequest {
    RequesterId requester;
    std::optional<Pasid> pasid;
    Iova address;  // of the page, 4 KiB
    bool read = false;
    bool write = false;
    bool execute = false;     // only with a PASID
    bool privileged = false;  // only with a PASID
    bool last = false;        // of its group
    std::uint16_t index = 0;  // Page Request Group Index, 9 bits

    // Not a request: nothing with this PASID follows any more.
    [[nodiscard]] constexpr bool stop_marker() const { return pasid && last && !read && !write; }
};

// Response Code; the values between are reserved.
enum class ResponseCode : std::uint8_t { Success = 0x0, InvalidRequest = 0x1, ResponseFailure = 0xf };

struct PageGroupResponse {
    RequesterId requester;
    std::optional<Pasid> pasid;
    std::uint16_t index = 0;
    ResponseCode code = ResponseCode::Success;
    friend bool operator==(const PageGroupResponse&, const PageGroupResponse&) = default;
};

// ---- Invalidations under way

inline constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

class InvalidateTracker {
  public:
    static constexpr unsigned kTags = 32;   // of one requester
    static constexpr unsigned kMost = 256;  // in all: beyond, the unit sends nothing until one has ended

    struct Open {
        RequesterId requester;
        std::uint8_t itag = 0;
        std::uint8_t answers = 0;  // still to come; 0 as long as none has come
        std::uint64_t number = 0;  // how many were opened before
        std::uint64_t deadline_ns = 0;
        RequesterId function;  // whose limit it counts against
    };
    // At most `limit` (1 to kTags) may be open that count against `function`: a device's own id, or that of a physical
    // function whose virtual functions share the limit.
    struct Throttle {
        RequesterId function;
        unsigned limit = kTags;
    };

    // Opens one with an ITag that is free. Nothing when `limit` (1 to kTags) are open with this requester, or too many
    // in all.
    [[nodiscard]] std::optional<std::uint8_t> open(RequesterId requester, unsigned limit, std::uint64_t deadline_ns);
    [[nodiscard]] std::optional<std::uint8_t> open(RequesterId requester, const Throttle& throttle,
                                                   std::uint64_t deadline_ns);
    // Ends what has all its answers. False when an ITag, or none at all, is named that is not open with this requester;
    // those that are were answered all the same.
    [[nodiscard]] bool complete(const InvalidateCompletion& completion);
    // Ends those whose time is over at `now_ns`, and says whose they were, in the order they were opened.
    [[nodiscard]] std::vector<RequesterId> expire(std::uint64_t now_ns);

    // When the next one's time is over; kNever when none is open.
    [[nodiscard]] std::uint64_t deadline_ns() const;
    // How many were opened since the unit was reset; and whether the first `number` of them have ended.
    [[nodiscard]] std::uint64_t opened() const { return opened_; }
    [[nodiscard]] bool ended(std::uint64_t number) const { return open_.empty() || open_.front().number >= number; }

    // For a saved state; in the order they were opened.
    [[nodiscard]] const std::vector<Open>& list() const { return open_; }
    void restore(std::vector<Open> open, std::uint64_t opened);
    void clear() { restore({}, 0); }

  private:
    std::vector<Open> open_;  // oldest first
    std::uint64_t opened_ = 0;
};

}  // namespace iommu

#endif  // IOMMU_ENDPOINT_PROTOCOL_H
