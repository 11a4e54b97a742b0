// SPDX-License-Identifier: GPL-2.0-or-later
//
// request: one transaction as it reaches the unit, and what becomes of it. Passed whole; nobody takes it apart.
#ifndef IOMMU_REQUEST_H
#define IOMMU_REQUEST_H

#include <cstdint>
#include <optional>

#include "iommu/address.h"
#include "iommu/ids.h"

namespace iommu {

enum class Access : std::uint8_t { Read, Write, Atomic };
enum class Privilege : std::uint8_t { User, Supervisor };
enum class Execute : std::uint8_t { No, Yes };
enum class Length : std::uint8_t { Some, Zero };
enum class RequestKind : std::uint8_t {
    Untranslated,  // ordinary DMA
    Debug,         // asks what would happen: records nothing, changes nothing
    Translation,   // ATS: asks for a translation to keep. Access::Read says that it will not write (NW)
    Translated,    // ATS: the address is one that such a request was given
    Page,          // PRI: asks software for the page; no access yet
};

struct Request {
    RequesterId requester;
    std::optional<Pasid> pasid;
    Iova iova;
    Access access = Access::Read;
    Privilege privilege = Privilege::User;
    Execute execute = Execute::No;
    Length length = Length::Some;
    RequestKind kind = RequestKind::Untranslated;

    [[nodiscard]] constexpr bool reads() const { return access != Access::Write; }
    [[nodiscard]] constexpr bool writes() const { return access != Access::Read; }
};

// What may be done with a page; a set, so that levels and stages combine by intersection.
enum class Rights : std::uint8_t {
    None = 0,
    Read = 1,
    Write = 2,
    ReadWrite = 3,
};
[[nodiscard]] constexpr Rights operator&(Rights a, Rights b) {
    return static_cast<Rights>(static_cast<unsigned>(a) & static_cast<unsigned>(b));
}
[[nodiscard]] constexpr Rights operator|(Rights a, Rights b) {
    return static_cast<Rights>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
[[nodiscard]] constexpr bool covers(Rights have, Rights need) { return (have & need) == need; }
[[nodiscard]] constexpr Rights needed(Access access) {
    switch (access) {
        case Access::Read: return Rights::Read;
        case Access::Write: return Rights::Write;
        case Access::Atomic: return Rights::ReadWrite;
    }
    return Rights::ReadWrite;
}

// A finished translation. It holds for the naturally aligned block of 2^page_log2 bytes around the request's address.
struct Translation {
    Pa address;  // of the request's own byte
    unsigned page_log2 = 12;
    Rights rights = Rights::None;
    bool in_pieces = false;  // one of several blocks of what software mapped as one page
};

enum class Outcome : std::uint8_t {
    Translated,
    Blocked,    // aborted
    Discarded,  // reads are zeros, writes are dropped, and the requester sees success
    Stalled,    // held until software decides; the answer comes through the Endpoints port
};

struct Reply {
    Outcome outcome = Outcome::Blocked;
    Translation translation;
    std::uint8_t reason = 0;      // the architecture's code when not translated; 0 when it has none
    std::uint16_t stall_tag = 0;  // with Stalled: by which the answer will name it

    [[nodiscard]] static constexpr Reply translated(const Translation& translation) {
        return {Outcome::Translated, translation, 0, 0};
    }
    [[nodiscard]] static constexpr Reply blocked(std::uint8_t reason) { return {Outcome::Blocked, {}, reason, 0}; }
};

}  // namespace iommu

#endif  // IOMMU_REQUEST_H
