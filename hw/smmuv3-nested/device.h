// SPDX-License-Identifier: GPL-2.0-or-later
//
// Unit: one SMMUv3, Non-secure programming interface.
//
// All mutable state is here. The way of a transaction:
//
//     translate -> gate -> cached Config? -> cached translation? -> answer                     (no lock, no table read)
//                       -> translate_slow -> resolve -> find -> apply marks -> fill -> answer
//                                         any step may end in a Fault -> record -> event queue, stall
//
// and of a command:
//
//     write(CMDQ_PROD) -> run_queue -> fetch -> decode -> execute -> effects -> perform;  error -> CMDQ_ERR, CONS stays
//
// A command that cannot be carried out yet (a CMD_SYNC while devices have not answered, or DMA has not ended) stays at
// CONS, unconsumed; a device's answer, its time-out or the end of the DMA runs the queue again, which fetches it again.
//
// Threads: as in the sibling unit. `translate` may be called from any number of threads at any time; everything else
// may also come from any thread and takes the unit's lock; ports are called with the lock released. One thread runs the
// queue at a time.
#ifndef SMMUV3_NESTED_DEVICE_H
#define SMMUV3_NESTED_DEVICE_H

#include <array>
#include <atomic>
#include <mutex>
#include <string>
#include <utility>

#include "iommu/config_cache.h"
#include "iommu/counters.h"
#include "iommu/dma_drain.h"
#include "iommu/front_cache.h"
#include "iommu/invalidation.h"
#include "iommu/ports.h"
#include "iommu/queue_steps.h"
#include "iommu/tuning.h"
#include "smmuv3-nested/commands.h"
#include "smmuv3-nested/page_requests.h"
#include "smmuv3-nested/registers.h"
#include "smmuv3-nested/report.h"
#include "smmuv3-nested/translate.h"

namespace smmuv3 {

using iommu::Looked;
using iommu::Reply;

// What is decided before any table is read: CR0.SMMUEN, GBPA.ABORT for when that is clear, CR0.ATSCHK.
struct Gate {
    std::uint32_t word = 0;
    static constexpr std::uint32_t kTranslating = 1;
    static constexpr std::uint32_t kAborting = 2;
    static constexpr std::uint32_t kChecking = 4;
    [[nodiscard]] bool translating() const { return (word & kTranslating) != 0; }
    [[nodiscard]] bool aborting() const { return (word & kAborting) != 0; }
    // Translated transactions are looked at.
    [[nodiscard]] bool checking() const { return (word & kChecking) != 0; }
    // Untranslated transactions do not just pass.
    [[nodiscard]] bool closed() const { return translating() || aborting(); }
};

struct UnitCounters {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t faults = 0;
    std::uint64_t recorded = 0;
    std::uint64_t invalidations = 0;
    std::uint64_t waits = 0;
    std::uint64_t queue_errors = 0;
    std::uint64_t messages = 0;
    std::uint64_t timeouts = 0;
    std::uint64_t unexpected_completions = 0;
    std::uint64_t drains = 0;
};

// Words of a saved state: see save.cc.
inline constexpr std::size_t kStateWords = 2048;
using StateWords = std::array<std::uint64_t, kStateWords>;

class Unit {
  public:
    // `capabilities` are settled.
    Unit(const Capabilities& capabilities, const iommu::Tuning& tuning, const iommu::Ports& ports);

    [[nodiscard]] Reply translate(const Request& request, CanStall can_stall = CanStall::No);
    // In two steps: what `translate` would answer an untranslated request, if no configuration has to be looked for;
    // and the answer to any request when there is none.
    [[nodiscard]] std::optional<iommu::Translation> recall(iommu::Who who, Iova iova, Rights need) const {
        const iommu::Epochs now = epochs();
        const auto translation =
            front_.recall(who, iova, need, now, [&](auto& slot) { return find_by_route(slot, iova, need, now); });
        if (translation) translations_.add(iommu::Count::Hits);
        return translation;
    }
    [[nodiscard]] Reply translate_anew(const Request& request, CanStall can_stall);

    [[nodiscard]] std::uint64_t read(std::uint64_t offset, unsigned size) const;
    void write(std::uint64_t offset, std::uint64_t value, unsigned size);
    // Goes on with queue work after a kick.
    void run_queue();
    // All DMA has ended that was under way when the port DmaUsers was called with this ticket.
    void drained(std::uint64_t ticket);

    void reset();
    [[nodiscard]] StateWords save() const;
    // The sentence when the words are not of a unit like this; the unit is then as after reset.
    [[nodiscard]] Result<iommu::Done, std::string> load(const StateWords& words);

    [[nodiscard]] GuestMemory& memory() { return memory_; }
    [[nodiscard]] const Capabilities& capabilities() const { return capabilities_; }
    [[nodiscard]] UnitCounters counters() const;
    // ---- ATS and PRI
    [[nodiscard]] iommu::TranslationCompletion translation_request(const Request& request);
    void invalidate_completed(const iommu::InvalidateCompletion& completion);
    void page_request(const iommu::PageRequest& request);
    // Until when something is waited for; iommu::kNever. And that it is that late.
    [[nodiscard]] std::uint64_t deadline_ns() const;
    void tick();

    void set_trace(std::uint32_t classes) { trace_.store(classes, std::memory_order_relaxed); }

  private:
    using ConfigTicket = iommu::ConfigCache<Config>::Ticket;
    using Front = iommu::FrontCache<Route>;

    // Taken before anything is looked for.
    struct Tickets {
        iommu::Iotlb::Ticket tlb;
        ConfigTicket config;
    };

    // ---- device.cc: transactions
    [[nodiscard]] iommu::Epochs epochs() const { return {configs_.epoch(), iotlb_.epoch()}; }
    [[nodiscard]] std::optional<iommu::Translation> find_by_route(Front::Slot& slot, Iova iova, Rights need,
                                                                  iommu::Epochs now) const;
    [[nodiscard]] Result<iommu::Translation, Looked> answer_from_caches(const Request& request,
                                                                        Front::Slot& slot) const;
    [[nodiscard]] bool learn_route(const Request& request, std::uint64_t configs, Front::Slot& slot) const;
    [[nodiscard]] std::optional<iommu::Translation> bypass(Iova iova) const;
    [[nodiscard]] std::optional<iommu::Translation> find_shared(TlbTag tag, Iova iova) const;
    [[nodiscard]] std::optional<iommu::Translation> find_cached(const Request& request, const Route& route) const;
    [[nodiscard]] Reply translate_slow(const Request& asked, CanStall can_stall, Looked looked);
    [[nodiscard]] Result<Path, Refusal> attempt(const Request& request, Looked looked);
    [[nodiscard]] Result<Config, Refusal> configure(const Request& request, ConfigTicket ticket);
    [[nodiscard]] Result<Config, Refusal> look_up(const Request& request);
    [[nodiscard]] Result<Path, Refusal> find_path(const Request& request, const Config& config, const Tickets& tickets,
                                                  Looked looked);
    [[nodiscard]] Result<Found, Fault> find_and_mark(const Request& request, const Config& config,
                                                     std::uint64_t configs);
    [[nodiscard]] Result<Path, Refusal> untranslated(const Request& request, Gate gate) const;
    [[nodiscard]] StreamTable stream_table_now() const;
    Reply refuse(const Request& request, Fault fault, CanStall can_stall);

    // ---- ats.cc: Translation Requests, Translated transactions
    [[nodiscard]] Result<iommu::TranslationCompletion, Refusal> grant(const Request& request);
    [[nodiscard]] iommu::TranslationCompletion deny(const Request& request, const Refusal& refusal);
    [[nodiscard]] Result<Path, Refusal> translated(const Request& request, Gate gate, const Tickets& tickets);

    // ---- page_requests.cc
    [[nodiscard]] std::optional<iommu::PageGroupResponse> automatic_response(const iommu::PageRequest& request,
                                                                             Admitted admitted);
    [[nodiscard]] std::optional<bool> look_up_ppar(const iommu::PageRequest& page_request);

    // ---- device_registers.cc: what a write means
    [[nodiscard]] Effects written(const iommu::RegisterWrite& write);
    [[nodiscard]] Effects write_cr0();
    [[nodiscard]] Effects write_gbpa(const iommu::RegisterWrite& write);
    [[nodiscard]] Effects set_translation(bool enable);
    [[nodiscard]] Effects publish_gate();
    [[nodiscard]] Effects resume_all(const std::vector<EventRecorder::Stalled>& stalled, iommu::StallAction action);

    // ---- device_queue.cc: the command queue
    void run_queue(std::unique_lock<std::mutex>& lock);
    void drain(std::uint64_t ticket);
    // Who has to be told of invalidations, or whose DMA has to be waited for.
    [[nodiscard]] bool somebody_outside() const { return ports_.listeners.listening() || !ports_.dma.none(); }
    [[nodiscard]] bool queue_runs() const;
    // What became of a command: carried out, or what keeps it from that.
    enum class Progress : std::uint8_t { Done, Waits, AtcInvFailed };
    struct Executed {
        Progress progress = Progress::Done;
        Effects effects;
    };
    [[nodiscard]] iommu::QueueStep step_queue(std::optional<std::uint64_t> now_ns);
    [[nodiscard]] Executed execute(const Command& command, std::uint64_t now_ns);
    [[nodiscard]] Executed synchronize(const Sync& sync);
    [[nodiscard]] Effects complete(const Sync& sync);
    [[nodiscard]] Effects hold(std::uint32_t consumer, const Words<2>& words);
    [[nodiscard]] Effects respond(const iommu::PageGroupResponse& response) const;
    [[nodiscard]] Effects resume(const Resume& resume);
    [[nodiscard]] Effects queue_fault(CommandError why);
    [[nodiscard]] iommu::WrapRing command_ring() const;

    // ---- device_atc.cc: invalidations of the translations that devices keep
    [[nodiscard]] Executed send(const AtcInv& command, std::uint64_t now_ns);
    [[nodiscard]] Effects expire(std::uint64_t now_ns);

    // ---- traces and ports
    [[nodiscard]] bool traces(iommu::TraceClass trace_class) const {
        return (trace_.load(std::memory_order_relaxed) & static_cast<std::uint32_t>(trace_class)) != 0;
    }
    void perform(const Effects& effects);
    [[nodiscard]] Gate gate() const { return {gate_.load(std::memory_order_acquire)}; }

    const Capabilities capabilities_;
    const iommu::Ports ports_;
    GuestMemory memory_;
    const Signals signals_;
    const std::uint64_t invalidate_timeout_ns_;

    // Read without the lock.
    std::atomic<std::uint32_t> gate_{0};
    iommu::ConfigCache<Config> configs_;
    iommu::Iotlb iotlb_;
    iommu::WalkCache tables_;
    Front front_;
    mutable iommu::TranslationCounters translations_;
    // Translations were given that a command by address reaches without naming their address: pieces of a block, and
    // addresses with an ignored top byte. Holders outside are then told to forget everything.
    std::atomic<bool> announces_all_{false};
    std::atomic<std::uint32_t> trace_{0};
    std::atomic<std::uint64_t> messages_{0};

    // Under the lock.
    mutable std::mutex mutex_;
    iommu::RegisterFile registers_;
    StreamTable stream_table_;  // as SMMUEN found it
    EventRecorder recorder_;
    bool queue_running_ = false;
    iommu::DmaDrain drain_;
    iommu::InvalidateTracker invalidates_;  // CMD_ATC_INVs that were not answered
    bool atc_inv_failed_ = false;           // one was not, and no CMD_SYNC has reported it yet
    std::optional<std::uint32_t> held_at_;  // where the queue waits, once it was traced
    std::uint64_t timeouts_ = 0;
    std::uint64_t unexpected_completions_ = 0;
    std::uint64_t invalidations_ = 0;
    std::uint64_t waits_ = 0;
    std::uint64_t queue_errors_ = 0;
    std::uint64_t drains_ = 0;
};

}  // namespace smmuv3

#endif  // SMMUV3_NESTED_DEVICE_H
