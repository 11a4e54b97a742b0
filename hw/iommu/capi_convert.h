// SPDX-License-Identifier: GPL-2.0-or-later
//
// capi_convert: what the C interfaces of all units convert alike: ports, requests, replies, RAM ranges, counters,
// sentences.
#ifndef IOMMU_CAPI_CONVERT_H
#define IOMMU_CAPI_CONVERT_H

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "iommu/capi.h"
#include "iommu/dma_drain.h"
#include "iommu/front_cache.h"
#include "iommu/guest_memory.h"
#include "iommu/ports.h"
#include "iommu/request.h"
#include "iommu/tuning.h"

namespace iommu {

inline constexpr char kOtherVersion[] = "the caller was built for another version of this library";

// The callbacks as ports.
class CPorts : public MemoryPort,
               public Interrupts,
               public UnmapListeners,
               public Endpoints,
               public Clock,
               public DmaUsers,
               public Trace {
  public:
    explicit CPorts(const iommu_ports& ports) : ports_(ports) {}

    // All callbacks are there, and the struct is of this version.
    [[nodiscard]] static bool complete(const iommu_ports& ports);

    void written(Pa address, std::uint64_t size) override;
    bool send_msi(std::uint64_t address, std::uint32_t data) override;
    bool listening() override { return ports_.listening(ports_.opaque); }
    void unmap(const IovaRange& range) override;
    void gate_changed(bool translating) override;
    std::uint64_t now_ns() override;
    void kick() override;
    void deadline_changed() override;
    void invalidate(const InvalidateRequest& request) override;
    void respond(const PageGroupResponse& response) override;
    bool none() override { return !beside_.any_for_certain() && !shards_were_inherited(); }
    Drained drain(std::uint64_t ticket) override;
    void line(TraceClass trace_class, std::string_view text) override;

    [[nodiscard]] Ports references() { return {*this, *this, *this, *this, *this, *this, *this}; }

    // By a thread that translates, before the unit looks for an answer. Those whose answer it remembers do without:
    // they have come before.
    void translates() {
        if (!beside_.any_yet() && !ports_.keeps_out(ports_.opaque)) beside_.come();
    }

  protected:
    [[nodiscard]] void* opaque() const { return ports_.opaque; }

  private:
    iommu_ports ports_;
    Arrivals beside_;  // threads whose DMA keeps nobody out
};

// IOMMU_NO_PASID is none.
[[nodiscard]] std::uint32_t pasid_to_c(const std::optional<Pasid>& pasid);
[[nodiscard]] std::optional<Pasid> pasid_from_c(std::uint32_t pasid);
// `requester_bits`: of a requester id in this architecture.
[[nodiscard]] Request request_from_c(const iommu_request& request, unsigned requester_bits);
[[nodiscard]] iommu_reply reply_to_c(const Reply& reply);

// Rights are the same bits on both sides.
static_assert(static_cast<unsigned>(Rights::Read) == IOMMU_REQUEST_READ &&
              static_cast<unsigned>(Rights::Write) == IOMMU_REQUEST_WRITE);

// Whether the reply is what the thread was answered last: the way of most accesses, with nothing converted that need
// not be.
template <class Unit>
[[nodiscard]] inline bool recall_to_c(const Unit& unit, const iommu_request& request, unsigned requester_bits,
                                      iommu_reply& reply) {
    const auto need = static_cast<Rights>(request.flags & (IOMMU_REQUEST_READ | IOMMU_REQUEST_WRITE));
    if (request.kind != IOMMU_REQUEST_UNTRANSLATED || need == Rights::None) return false;
    const auto pasid = request.pasid == IOMMU_NO_PASID ? kPasidLimit : request.pasid & (kPasidLimit - 1);
    const auto requester = static_cast<std::uint32_t>(request.requester & low_bits(requester_bits));
    const Who who = Who::of(requester, pasid, (request.flags & IOMMU_REQUEST_PRIVILEGED) != 0,
                            (request.flags & IOMMU_REQUEST_EXECUTE) != 0);
    const auto translation = unit.recall(who, Iova{request.iova}, need);
    if (!translation) return false;
    reply = {.outcome = IOMMU_TRANSLATED,
             .rights = static_cast<std::uint32_t>(translation->rights),
             .address = translation->address.value,
             .page_log2 = translation->page_log2,
             .reason = 0,
             .stall_tag = 0,
             .reserved = 0};
    return true;
}

[[nodiscard]] iommu_translation_completion completion_to_c(const TranslationCompletion& completion);
[[nodiscard]] InvalidateCompletion completion_from_c(const iommu_invalidate_completion& completion,
                                                     unsigned requester_bits);
[[nodiscard]] PageRequest page_request_from_c(const iommu_page_request& request, unsigned requester_bits);
[[nodiscard]] std::vector<RamRange> ram_from_c(const iommu_ram_range* ranges, size_t count);

// The sentence, cut to what `why` can hold.
void tell(std::string_view sentence, char* why, size_t why_size);
// Empty when it can be.
[[nodiscard]] std::string refused(const Tuning& tuning);

// False when the caller's struct is of another version.
template <class UnitCounters>
bool counters_to_c(const UnitCounters& now, iommu_counters& counters) {
    if (counters.size != sizeof counters) return false;
    counters.translations = now.hits + now.misses;
    counters.hits = now.hits;
    counters.misses = now.misses;
    counters.faults = now.faults;
    counters.recorded = now.recorded;
    counters.invalidations = now.invalidations;
    counters.waits = now.waits;
    counters.queue_errors = now.queue_errors;
    counters.messages = now.messages;
    counters.timeouts = now.timeouts;
    counters.unexpected_completions = now.unexpected_completions;
    counters.drains = now.drains;
    return true;
}

}  // namespace iommu

#endif  // IOMMU_CAPI_CONVERT_H
