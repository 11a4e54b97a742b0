// SPDX-License-Identifier: GPL-2.0-or-later
//
// report: faults become records that software reads. [VTD 5.10 s7.2.1, s11.4.7]
//
// Records are written round the ring of fault recording registers. While PFO is set, or the next register still holds a
// fault, a fault is lost (and the latter sets PFO). The first of a series sets PPF, FRI and the fault event.
//
// Collapsing: the manual lets a unit drop a fault whose source already has one pending. A driver author wants to see
// every one, so only what is one transaction is merged: QEMU cuts a refused access of more than 8 bytes into small ones
// that are each asked for, and such a run, ascending without gap within a page, makes one record.
#ifndef VTD_NESTED_REPORT_H
#define VTD_NESTED_REPORT_H

#include "iommu/request.h"
#include "iommu/transaction.h"
#include "vtd-nested/capabilities.h"
#include "vtd-nested/events.h"
#include "vtd-nested/fault.h"

namespace vtd {

// What became of a fault.
enum class Reported : std::uint8_t {
    Recorded,
    Suppressed,
    Merged,
    Overflowed,
    Recoverable,  // the device is told, not software
};

struct Report {
    Reported reported = Reported::Suppressed;
    unsigned index = 0;  // Recorded: of the register
    Effects effects;
};

class FaultRecorder {
  public:
    explicit FaultRecorder(const Capabilities& capabilities)
        : count_(capabilities.nfr + 1u),
          fault_bits_(capabilities.largest_agaw()),
          records_pasid_(capabilities.pasid != 0) {}

    [[nodiscard]] Report record(const iommu::Request& request, const Fault& fault, std::uint64_t now_ns,
                                RegisterFile& registers);

    // FSTS or a record was written by software: recomputes PPF, and the event when nothing is left.
    void status_written(RegisterFile& registers) const;
    // Translation and interrupt remapping are both off: recording begins at register 0 again.
    void restart() { next_ = 0; }

    // Recorded in FSTS and announced, like any cause of the fault event: IQE, ICE, ITE.
    [[nodiscard]] static Effects set_status(std::uint32_t bits, RegisterFile& registers);

    [[nodiscard]] unsigned next() const { return next_; }
    void set_next(unsigned next) { next_ = next % count_; }
    void forget_transaction() { transactions_.forget(); }

  private:
    void write_record(unsigned index, const iommu::Request& request, const Fault& fault, RegisterFile& registers) const;

    unsigned count_;       // fault recording registers, from kFrcdOffset on
    unsigned fault_bits_;  // of an address that FI keeps
    bool records_pasid_;   // without ECAP.PASID the fields of the PASID prefix are reserved
    unsigned next_ = 0;
    iommu::TransactionMerger transactions_;
};

}  // namespace vtd

#endif  // VTD_NESTED_REPORT_H
