// SPDX-License-Identifier: GPL-2.0-or-later
//
// report: events become records that software reads, and stalled transactions are kept until software decides.
// [SMMU G.b s3.5.3, s3.12.2, s7.2, s7.3]
//
// A record is written when the event queue is enabled, has room and is not in error. Else it is dropped - a full queue
// sets OVFLG - unless a transaction stalls for it: such a record is held and written when the queue allows it.
//
// A stalled transaction keeps its STAG until CMD_RESUME or CMD_STALL_TERM names it, or SMMUEN is cleared. At most
// STALL_MAX of them; a transaction beyond that is terminated. A held record goes with its transaction. If anything was
// invalidated while it was held, it may be out of date: its transaction is then retried instead.
#ifndef SMMUV3_NESTED_REPORT_H
#define SMMUV3_NESTED_REPORT_H

#include <deque>
#include <vector>

#include "iommu/guest_memory.h"
#include "iommu/guest_ring.h"
#include "iommu/request.h"
#include "iommu/transaction.h"
#include "smmuv3-nested/fault.h"
#include "smmuv3-nested/interrupts.h"

namespace smmuv3 {

using iommu::GuestMemory;
using iommu::Words;

// What became of a fault.
enum class Reported : std::uint8_t { Recorded, Suppressed, Merged, Lost, Held };

struct Report {
    Reported reported = Reported::Suppressed;
    std::optional<std::uint16_t> stag;  // the transaction is stalled
    Effects effects;
};

// Whether the requester can wait for an answer.
enum class CanStall : std::uint8_t { No, Yes };

struct Occurrence {
    const iommu::Request& request;
    const Fault& fault;
    iommu::Privilege privilege;  // after the STE's overrides
    iommu::Execute execute;
    CanStall can_stall;
    std::uint64_t now_ns;
};

class EventRecorder {
  public:
    explicit EventRecorder(const Capabilities& capabilities) : capabilities_(capabilities), signals_(capabilities) {}

    [[nodiscard]] Report record(const Occurrence& occurrence, RegisterFile& registers, GuestMemory& memory);
    // Something was invalidated by a command.
    void invalidated() { held_stale_ = held_stale_ || !held_.empty(); }
    // The queue may have room again: writes what is held, or retries it.
    [[nodiscard]] Effects write_held(RegisterFile& registers, GuestMemory& memory);

    struct Stalled {
        std::uint32_t stream = 0;
        std::uint16_t stag = 0;
        friend bool operator==(const Stalled&, const Stalled&) = default;
    };
    // Takes the transaction off the list; false when it is not there.
    [[nodiscard]] bool release(const Stalled& stalled);
    [[nodiscard]] std::vector<Stalled> release_stream(std::uint32_t stream);
    [[nodiscard]] std::vector<Stalled> release_all();

    void reset();
    // Records that reached the queue, since the unit exists.
    [[nodiscard]] std::uint64_t written() const { return written_; }
    [[nodiscard]] const std::vector<Stalled>& stalled() const { return stalled_; }
    [[nodiscard]] const std::deque<Words<4>>& held() const { return held_; }
    [[nodiscard]] bool held_stale() const { return held_stale_; }
    struct Kept {
        std::vector<Stalled> stalled;
        std::deque<Words<4>> held;
        bool held_stale = false;
    };
    void restore(Kept kept);

  private:
    [[nodiscard]] std::optional<std::uint16_t> new_stag(std::uint32_t stream);
    [[nodiscard]] static Stalled stalled_of(const Words<4>& record);
    [[nodiscard]] Effects retry_held();
    template <class Which>
    void drop_held(Which which);
    [[nodiscard]] Words<4> compose(const Occurrence& occurrence, std::optional<std::uint16_t> stag) const;
    [[nodiscard]] bool merges(const Words<4>& record, const Fault& fault, const RegisterFile& registers) const;
    enum class Room : std::uint8_t { Yes, Full, Closed };
    [[nodiscard]] Room room(const RegisterFile& registers) const;
    [[nodiscard]] iommu::WrapRing ring(const RegisterFile& registers) const;
    // The queue has room.
    [[nodiscard]] std::pair<bool, Effects> append(const Words<4>& record, RegisterFile& registers, GuestMemory& memory);

    const Capabilities& capabilities_;
    Signals signals_;
    iommu::TransactionMerger transactions_;
    std::optional<Words<4>> last_;  // the record written last, and where the queue stood after it
    std::uint32_t last_producer_ = 0;
    std::vector<Stalled> stalled_;
    std::deque<Words<4>> held_;  // at most one for each stalled transaction
    bool held_stale_ = false;
    std::uint16_t next_stag_ = 0;
    std::uint64_t written_ = 0;
};

}  // namespace smmuv3

#endif  // SMMUV3_NESTED_REPORT_H
