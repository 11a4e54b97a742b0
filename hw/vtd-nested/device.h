// SPDX-License-Identifier: GPL-2.0-or-later
//
// Unit: one VT-d remapping unit.
//
// All mutable state is here. The way of a DMA:
//
//     translate -> this thread's last answer? -> answer                                        (no lock, no table read)
//               -> gate -> cached Config? -> cached translation? -> answer                     (no lock, no table read)
//                       -> translate_slow -> resolve -> find -> protect -> apply marks -> fill -> answer
//                                         any step may end in a Fault -> report -> record, event
//
// of a device with a device-TLB (ats.cc):
//
//     translation_request -> configure -> find -> grant, or deny: UR, CA, or success without rights
//     page_request        -> resolve -> implicit invalidation -> queue, status, event;  error -> response
//
// and of a command:
//
//     write(IQT) -> run_queue -> fetch -> decode -> apply -> effects -> perform;  error -> IQE, head stays
//                   send -> Invalidate Request ... invalidate_completed, or tick -> ITE;  a wait behind it is pending
//     write(CCMD / IOTLB) -> plan -> apply -> effects -> perform
//
// Threads: `translate` and `interrupt_access` may be called from any number of threads at any time. Everything else may
// also come from any thread and takes the unit's lock; ports are called with the lock released. Queue processing is
// done by one thread at a time: who finds it running leaves the work to it.
//
// The latched root table and the gates are one atomic word, so a request sees them as they were at one moment.
#ifndef VTD_NESTED_DEVICE_H
#define VTD_NESTED_DEVICE_H

#include <array>
#include <atomic>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "iommu/config_cache.h"
#include "iommu/counters.h"
#include "iommu/dma_drain.h"
#include "iommu/front_cache.h"
#include "iommu/invalidation.h"
#include "iommu/ports.h"
#include "iommu/queue_steps.h"
#include "iommu/register_file.h"
#include "iommu/tuning.h"
#include "vtd-nested/commands.h"
#include "vtd-nested/in_flight.h"
#include "vtd-nested/page_requests.h"
#include "vtd-nested/registers.h"
#include "vtd-nested/report.h"
#include "vtd-nested/translate.h"

namespace vtd {

using iommu::Looked;
using iommu::Reply;

// RTADDR as latched, with the gates in bits it does not use.
struct Gate {
    std::uint64_t word = 0;

    static constexpr std::uint64_t kTranslating = 1;  // GSTS.TES
    static constexpr std::uint64_t kGuarded = 2;      // PMEN.PRS

    [[nodiscard]] bool translating() const { return (word & kTranslating) != 0; }
    [[nodiscard]] bool guarded() const { return (word & kGuarded) != 0; }
    [[nodiscard]] LatchedRoot root() const {
        const Value<RTADDR> latched{word & (RTADDR::RTA::mask | RTADDR::TTM::mask)};
        return {.table = Pa{latched.in_place<RTADDR::RTA>()},
                .mode = static_cast<TranslationTableMode>(latched.get<RTADDR::TTM>())};
    }
};

// Why a request is blocked. Without a fault it is not reported either: a protected region. [VTD 5.10 s11.4.8]
struct Refusal {
    std::optional<Fault> fault;
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

// What to do with an access to the interrupt range.
enum class InterruptAccess : std::uint8_t { Deliver, Complete, Block };

// Words of a saved state: see save.cc.
inline constexpr std::size_t kStateWords = 1024;
using StateWords = std::array<std::uint64_t, kStateWords>;

class Unit {
  public:
    // `capabilities` are settled.
    Unit(const Capabilities& capabilities, const iommu::Tuning& tuning, const iommu::Ports& ports);

    [[nodiscard]] Reply translate(const Request& request);
    // In two steps: what `translate` would answer an untranslated request, if no configuration has to be looked for;
    // and the answer to any request when there is none.
    [[nodiscard]] std::optional<iommu::Translation> recall(iommu::Who who, Iova iova, Rights need) const {
        const iommu::Epochs now = epochs();
        const auto translation =
            front_.recall(who, iova, need, now, [&](auto& slot) { return find_by_route(slot, iova, need, now); });
        if (translation) translations_.add(iommu::Count::Hits);
        return translation;
    }
    [[nodiscard]] Reply translate_anew(const Request& request);
    // Without PASID, to 0xFEE0_0000..0xFEEF_FFFF; `size` in bytes. [VTD 5.10 s3.15]
    [[nodiscard]] InterruptAccess interrupt_access(const Request& request, unsigned size);

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

    // What a request found before it looked for its Config: the gate, and the epoch of the configurations.
    struct Circumstances {
        Gate gate;
        std::uint64_t configs = 0;
    };

    // ---- device.cc: requests
    [[nodiscard]] iommu::Epochs epochs() const { return {configs_.epoch(), iotlb_.epoch()}; }
    [[nodiscard]] std::optional<iommu::Translation> find_by_route(Front::Slot& slot, Iova iova, Rights need,
                                                                  iommu::Epochs now) const;
    [[nodiscard]] Result<iommu::Translation, Looked> answer_from_caches(const Request& request,
                                                                        Front::Slot& slot) const;
    [[nodiscard]] bool learn_route(const Request& request, std::uint64_t configs, Front::Slot& slot) const;
    [[nodiscard]] std::optional<iommu::Translation> pass_through(Iova iova) const;
    [[nodiscard]] std::optional<iommu::Translation> find_cached(const Request& request, const Route& route) const;
    [[nodiscard]] Reply translate_slow(const Request& request, Looked looked);
    [[nodiscard]] Result<Path, Refusal> attempt(const Request& request, Looked looked);
    [[nodiscard]] Result<Config, Fault> configure(const Request& request, const LatchedRoot& root, ConfigTicket ticket);
    [[nodiscard]] Result<Page, Refusal> find_and_mark(const Request& request, const Config& config,
                                                      const Circumstances& now);
    [[nodiscard]] Result<Path, Refusal> untranslated(const Request& request, Gate gate) const;
    [[nodiscard]] Result<Path, Refusal> interrupt_address(const Request& request) const;
    [[nodiscard]] bool is_protected(Pa address) const;
    [[nodiscard]] Reply block(const Request& request, const Refusal& refusal);
    void report(const Request& request, const Fault& fault);

    // ---- ats.cc: requests of devices with a device-TLB
    [[nodiscard]] Result<Path, Refusal> translated(const Request& request) const;
    [[nodiscard]] std::optional<Page> find_kept_page(const Request& request, const Config& config) const;
    [[nodiscard]] Result<Page, Refusal> find_page(const Request& request, const Config& config,
                                                  const Circumstances& now);
    [[nodiscard]] iommu::TranslationCompletion grant(const Request& request, const Config& config, const Page& page);
    [[nodiscard]] iommu::TranslationCompletion deny(const Request& request, const Refusal& refusal);
    [[nodiscard]] Effects queue_page(const iommu::PageRequest& page, const Config& config);
    [[nodiscard]] Effects drop_page(const iommu::PageRequest& page, iommu::ResponseCode code, std::string_view why);

    // ---- device_registers.cc: what a write means
    [[nodiscard]] Effects written(const iommu::RegisterWrite& write);
    [[nodiscard]] Effects write_gcmd(const iommu::RegisterWrite& write);
    [[nodiscard]] Effects set_translation(bool enable);
    [[nodiscard]] Effects set_root_pointer();
    [[nodiscard]] Effects set_queue(bool enable);
    [[nodiscard]] Effects write_pmen(const iommu::RegisterWrite& write);
    [[nodiscard]] Effects write_ccmd(const iommu::RegisterWrite& write);
    [[nodiscard]] Effects write_iotlb(const iommu::RegisterWrite& write);
    [[nodiscard]] bool register_commands_accepted() const;
    [[nodiscard]] Effects apply_for_register(const Invalidation& invalidation);
    void end_register_commands();
    [[nodiscard]] Effects apply(const Invalidation& invalidation);
    [[nodiscard]] Effects drop_everything();
    [[nodiscard]] Effects publish_gate(Gate next);

    // ---- device_queue.cc: the invalidation queue
    void run_queue(std::unique_lock<std::mutex>& lock);
    [[nodiscard]] bool begins_run();
    void read_time();
    void drain(std::uint64_t ticket);
    // Who has to be told of invalidations, or whose DMA has to be waited for.
    [[nodiscard]] bool somebody_outside() const { return ports_.listeners.listening() || !ports_.dma.none(); }
    [[nodiscard]] bool may_fetch() const;
    [[nodiscard]] bool queue_has_work() const;
    [[nodiscard]] iommu::QueueStep step_queue();
    [[nodiscard]] iommu::QueueStep fetch();
    [[nodiscard]] std::optional<iommu::QueueStep> held_back(const Command& command);
    [[nodiscard]] Result<Words<4>, IQEI> load_descriptor(Value<IQA> iqa, std::uint64_t position) const;
    [[nodiscard]] std::optional<Effects> execute(const Command& command);
    [[nodiscard]] std::optional<Effects> fetched(const Wait& wait);
    [[nodiscard]] Effects complete(const Wait& wait);
    [[nodiscard]] Effects queue_fault(IQEI why);

    // ---- device_tlbs.cc: Invalidate Requests, their answers and time-outs
    [[nodiscard]] std::optional<Effects> send(const DeviceInvalidation& command);
    [[nodiscard]] Effects take_answer(const iommu::InvalidateCompletion& completion);
    [[nodiscard]] Effects time_out();
    [[nodiscard]] Effects abort_waits();
    [[nodiscard]] std::optional<Effects> fetch_to_wait();

    // ---- traces and ports
    [[nodiscard]] bool traces(iommu::TraceClass trace_class) const {
        return (trace_.load(std::memory_order_relaxed) & static_cast<std::uint32_t>(trace_class)) != 0;
    }
    void perform(const Effects& effects);
    [[nodiscard]] Gate gate() const { return {gate_.load(std::memory_order_acquire)}; }
    [[nodiscard]] TranslationTableMode mode() const { return gate().root().mode; }

    const Capabilities capabilities_;
    const StageLimits limits_;
    const std::uint64_t invalidate_timeout_ns_;
    const iommu::Ports ports_;
    GuestMemory memory_;

    // Read without the lock.
    std::atomic<std::uint64_t> gate_{0};
    iommu::ConfigCache<Config> configs_;
    iommu::Iotlb iotlb_;
    iommu::WalkCache tables_;
    Front front_;
    mutable iommu::TranslationCounters translations_;
    std::atomic<std::uint32_t> trace_{0};
    std::atomic<std::uint64_t> messages_{0};

    // Under the lock.
    mutable std::mutex mutex_;
    iommu::RegisterFile registers_;
    FaultRecorder recorder_;
    InFlight in_flight_;
    std::uint64_t now_ns_ = 0;   // the latest time that anybody read
    bool time_is_read_ = false;  // since the queue was last asked to run
    bool queue_running_ = false;
    iommu::DmaDrain drain_;
    std::uint64_t register_ticket_ = 0;  // for what ICC and IVT stand; 0 when they are clear
    std::uint64_t recorded_ = 0;
    std::uint64_t invalidations_ = 0;
    std::uint64_t waits_ = 0;
    std::uint64_t queue_errors_ = 0;
    std::uint64_t drains_ = 0;
    std::uint64_t timeouts_ = 0;
    std::uint64_t unexpected_completions_ = 0;
};

}  // namespace vtd

#endif  // VTD_NESTED_DEVICE_H
