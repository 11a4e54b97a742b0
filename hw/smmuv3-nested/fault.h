// SPDX-License-Identifier: GPL-2.0-or-later
//
// fault: why a transaction was not let through, and what its event record says. It names the event; the request is not
// copied. [SMMU G.b s3.12, s7.3]
#ifndef SMMUV3_NESTED_FAULT_H
#define SMMUV3_NESTED_FAULT_H

#include <cstdint>
#include <optional>
#include <string_view>

#include "iommu/request.h"
#include "iommu/result.h"
#include "smmuv3-nested/spec/events.h"

namespace smmuv3 {

using iommu::Err;

// How a terminated transaction ends.
enum class Terminate : std::uint8_t { Abort, RazWi };

// Where the check failed.
struct Diagnosis {
    std::string_view check;  // a few words; empty when the event says it all
    int level = 0;           // of a translation table, as the manual counts: -1 to 3
    bool has_level = false;
    std::uint64_t address = 0;  // of the entry that was looked at
    std::uint64_t entry = 0;    // its (first) word
};

struct Fault {
    Event event = Event::C_BAD_STE;
    bool recorded = true;
    bool stalls = false;  // the stage at fault says so, and the event is one that can
    Terminate terminate = Terminate::Abort;
    bool second_stage = false;  // S2
    Class input_class = Class::IN;
    bool table_read = true;           // TTRnW
    bool read_denied = false;         // what is missing is a right to read
    std::uint64_t ipa = 0;            // with second_stage
    std::uint64_t fetch_address = 0;  // F_STE_FETCH, F_CD_FETCH, F_WALK_EABT
    bool merges = false;              // STE.MEV
    // Of the transaction, after the STE's overrides; for events that describe an access.
    iommu::Privilege privilege = iommu::Privilege::User;
    iommu::Execute execute = iommu::Execute::No;
    Diagnosis diagnosis;
};

// Why a transaction is refused. Without a fault it is aborted and nobody is told.
struct Refusal {
    std::optional<Fault> fault;
};

}  // namespace smmuv3

#endif  // SMMUV3_NESTED_FAULT_H
