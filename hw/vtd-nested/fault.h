// SPDX-License-Identifier: GPL-2.0-or-later
//
// fault: why a request was blocked. It names the condition and keeps a diagnosis for traces; it never copies the
// request.
#ifndef VTD_NESTED_FAULT_H
#define VTD_NESTED_FAULT_H

#include <cstdint>
#include <string_view>

#include "iommu/result.h"
#include "vtd-nested/spec/faults.h"

namespace vtd {

using iommu::Err;

// FPD of the entries read so far, or-ed. [VTD 5.10 s7.1.1]
enum class FaultProcessing : std::uint8_t { Enabled, Disabled };

// Where the check failed.
struct Diagnosis {
    std::string_view check;     // a sub-condition in a few words; empty when the condition says it all
    std::uint8_t level = 0;     // of a page table, 0 elsewhere
    std::uint64_t address = 0;  // of the entry that was looked at
    std::uint64_t entry = 0;    // its (first) word
};

struct Fault {
    Condition condition = Condition::LRT_1;
    FaultProcessing processing = FaultProcessing::Enabled;
    Diagnosis diagnosis;

    [[nodiscard]] constexpr bool recorded() const {
        return processing == FaultProcessing::Enabled || !qualified(condition);
    }
};

[[nodiscard]] constexpr Err<Fault> fail(Condition condition, Diagnosis diagnosis = {},
                                        FaultProcessing processing = FaultProcessing::Enabled) {
    return Err{Fault{condition, processing, diagnosis}};
}

}  // namespace vtd

#endif  // VTD_NESTED_FAULT_H
