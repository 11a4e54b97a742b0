// SPDX-License-Identifier: GPL-2.0-or-later
//
// interrupts: how the unit tells software that something happened, and the global errors. [SMMU G.b s3.18,
// s6.3.17-6.3.23]
//
// Every source pulses its wired line and sends a message if one is configured; nothing is pending inside the unit, an
// occurrence while the source is disabled is lost. A global error is active while GERROR and GERRORN differ in its bit.
#ifndef SMMUV3_NESTED_INTERRUPTS_H
#define SMMUV3_NESTED_INTERRUPTS_H

#include "iommu/effects.h"
#include "iommu/register_file.h"
#include "smmuv3-nested/capabilities.h"

namespace smmuv3 {

using iommu::Effects;
using iommu::RegisterFile;

// Wired lines, in the order in which platforms number them.
enum class Line : std::uint8_t { EventQueue = 0, PriQueue = 1, CommandSync = 2, GlobalError = 3 };

class Signals {
  public:
    explicit Signals(const Capabilities& capabilities) : capabilities_(capabilities) {}

    // The event queue has become non-empty.
    [[nodiscard]] Effects event_queue(const RegisterFile& registers) const;
    // A page request was written, or discarded by an overflow; `last` of its group. With LO each last one tells, else
    // the queue that has become non-empty.
    [[nodiscard]] Effects page_request_queue(bool last, bool was_empty, const RegisterFile& registers) const;
    // The global errors in `bits` become active; those that are already stay so.
    [[nodiscard]] Effects global_errors(std::uint32_t bits, RegisterFile& registers) const;
    // A completion message or wire, asked for by a CMD_SYNC.
    [[nodiscard]] Effects command_sync(std::uint64_t address, std::uint32_t data) const;

    [[nodiscard]] static bool active(std::uint32_t bit, const RegisterFile& registers);

  private:
    [[nodiscard]] std::uint64_t in_range(std::uint64_t address) const;
    const Capabilities& capabilities_;
};

}  // namespace smmuv3

#endif  // SMMUV3_NESTED_INTERRUPTS_H
