// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/walk.h"

#include <optional>

namespace iommu {

namespace {

WalkFault update_fault(const Mark& mark, WalkCause cause) {
    return WalkFault{.stage = mark.stage,
                     .cause = cause,
                     .purpose = Purpose::Table,
                     .level = mark.level,
                     .slot = mark.slot,
                     .at = mark.at,
                     .entry = mark.entry};
}

// An update that is needed must be allowed; one that is not needed may be impossible without harm.
std::optional<WalkFault> refused(const Mark& mark) {
    if (!mark.needed()) return std::nullopt;
    if (!mark.writable) return update_fault(mark, WalkCause::UpdateNotWritable);
    if (mark.snooped == Snooped::No) return update_fault(mark, WalkCause::UpdateNotSnooped);
    return std::nullopt;
}

// Sets the bits unless the entry is another one by now. Two marks may name one entry (the second stage's upper tables),
// so bits that hardware itself set meanwhile do not make it another one; a processor that changes nothing but those
// bits is met by trying again.
Result<Marks::Applied, WalkFault> write(const Mark& mark, GuestMemory& memory) {
    constexpr int kTries = 16;
    for (int attempt = 0; attempt < kTries; ++attempt) {
        const auto now = memory.load64(mark.at);
        if (!now) return Err{update_fault(mark, WalkCause::UpdateFailed)};
        if (((*now ^ mark.entry) & ~mark.own) != 0) return Marks::Applied::Changed;
        const std::uint64_t next = mark.update.of(*now);
        if (next == *now) return Marks::Applied::Done;
        switch (memory.compare_exchange64(mark.at, *now, next)) {
            case GuestMemory::Swap::Done: return Marks::Applied::Done;
            case GuestMemory::Swap::NoMemory: return Err{update_fault(mark, WalkCause::UpdateFailed)};
            case GuestMemory::Swap::Changed: break;
        }
    }
    return Marks::Applied::Changed;
}

}  // namespace

Result<Marks::Applied, WalkFault> Marks::apply(GuestMemory& memory) const {
    for (const Mark& mark : *this) {
        if (const auto fault = refused(mark)) return Err{*fault};
    }
    for (const Mark& mark : *this) {
        if (!mark.needed()) continue;
        if (TRY(write(mark, memory)) == Applied::Changed) return Applied::Changed;
    }
    return Applied::Done;
}

}  // namespace iommu
