// SPDX-License-Identifier: GPL-2.0-or-later
// FaultRecords: what the unit writes about a fault, as it stands in the unit, bit by bit.
//
// The kernel's log is limited (kernel_log.h) and tells a part; this reads the record itself. On VT-d the fault event is
// masked meanwhile, so that the kernel leaves the fault recording registers alone [VTD 5.10 s11.4.7]; each record is
// cleared when it was read. On SMMUv3 the event queue's memory is read behind the kernel's back [SMMU G.b s7.2], which
// takes its events as ever.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "pci.h"
#include "physical.h"

namespace guest {

struct FaultRecord {
    unsigned code = 0;            // fault reason, or event number
    std::uint32_t requester = 0;  // requester id, or StreamID
    std::optional<std::uint32_t> pasid = std::nullopt;
    std::uint64_t address = 0;  // of the request; VT-d: of its page
    bool read = false;
    // SMMUv3 only.
    bool second_stage = false;
    unsigned access_class = 0;  // kClass*
    std::uint64_t ipa = 0;      // of its page
};

inline constexpr unsigned kClassCd = 0, kClassTable = 1, kClassInput = 2;

// An SMMUv3 event record of one of the translation-related kinds.
FaultRecord decode_event(const std::array<std::uint64_t, 4>& words);

class FaultRecords {
  public:
    // From now on.
    FaultRecords();
    ~FaultRecords();

    // Fails the step if none comes within a second.
    FaultRecord next();
    [[nodiscard]] bool none() const;

  private:
    FaultRecord next_vtd();
    FaultRecord next_smmuv3();

    UnitKind unit_;
    Physical registers_;
    std::uint32_t place_ = 0;  // VT-d: the record's register; SMMUv3: the index in the queue, with the wrap bit
};

}  // namespace guest
