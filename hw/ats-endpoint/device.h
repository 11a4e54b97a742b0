// SPDX-License-Identifier: GPL-2.0-or-later
//
// Endpoint: a PCIe device that makes every transaction an IOMMU can see, and lies on request.
//
//     write(DOORBELL) -> kick -> run -> begin_step -> carry_out -> end_step -> ... -> finish -> interrupt
//                                       locked        no lock      locked
//     invalidate -> drop what is covered -> answer when it is due (tick)
//     respond    -> the group's channel goes on
//     resume     -> the stalled channel goes on
//
// Nothing happens inside a register write but what software asks for there in so many words (an unasked answer). Work
// is done by `run`, a bounded number of steps at a time, one step of each channel in turn; times are kept by `tick`.
//
// A translation that was asked for before an Invalidate Request came is not used after it: it is asked for again. An
// access that has begun finishes first; until then, answers wait. [PCIe 6.0 s10.3.3]
//
// Threads: any call from any thread; they take the lock. Ports are called without it, so a port may call the endpoint.
// One thread runs steps at a time: who finds it running leaves the work to it.
#ifndef ATS_ENDPOINT_DEVICE_H
#define ATS_ENDPOINT_DEVICE_H

#include <array>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "ats-endpoint/answers.h"
#include "ats-endpoint/atc.h"
#include "ats-endpoint/channel.h"
#include "ats-endpoint/pages.h"
#include "ats-endpoint/ports.h"
#include "ats-endpoint/spec/config_space.h"
#include "iommu/effects.h"
#include "iommu/result.h"

namespace endpoint {

// Configuration space as software left it.
struct Config {
    bool bus_master = false;
    iommu::Value<ATS_CAPABILITY> ats;
    iommu::Value<PASID_CAPABILITY> pasid;
    iommu::Value<PRI_CONTROL> pri;  // as written: RF and UPRGI are ones to clear
    std::uint32_t pri_allocation = 0;
};

// What leaves the device, in order.
struct RaiseMsix {
    unsigned vector = 0;
};
struct SendPageRequest {
    iommu::PageRequest request;
};
struct SendCompletion {
    iommu::InvalidateCompletion completion;
};
struct PriStatusChanged {};
using Effect =
    std::variant<RaiseMsix, SendPageRequest, SendCompletion, PriStatusChanged, iommu::DeadlineChanged, iommu::Kick>;
using Effects = std::vector<Effect>;

// One step on its way: what `carry_out` needs and no lock protects.
struct Job {
    unsigned channel = 0;
    std::uint64_t epoch = 0;
    Operation operation;
    Step step;
    iommu::RequesterId requester;
    std::vector<std::byte> data;  // to be written, or what was read
};

// What became of it.
struct Outcome {
    Code code = Code::None;
    std::uint8_t reason = 0;
    Wait wait = Wait::Idle;  // the step is not over: Stalled, or Response when a page is to be asked for
    std::uint16_t stall_tag = 0;
    std::uint64_t old_value = 0;
    std::optional<iommu::TranslationCompletion> completion;
};

// Words of a saved state: see save.cc.
inline constexpr std::size_t kStateWords = 4096;
using StateWords = std::vector<std::uint64_t>;

class Endpoint {
  public:
    Endpoint(const Options& options, const Ports& ports);

    // BAR 0. 4 or 8 bytes, aligned; anything else reads 0 and writes nothing.
    [[nodiscard]] std::uint64_t read(std::uint64_t offset, unsigned size) const;
    void write(std::uint64_t offset, std::uint64_t value, unsigned size);
    // The same from outside the guest: the device is never away.
    [[nodiscard]] std::uint64_t peek(std::uint64_t offset, unsigned size) const;
    void poke(std::uint64_t offset, std::uint64_t value, unsigned size);

    void configure(const Config& config);
    // Page Request Status, without PRG Response PASID Required.
    [[nodiscard]] iommu::Value<PRI_CONTROL> pri_status() const;
    // Nothing on the bus reaches it; configuration space reads all ones.
    [[nodiscard]] bool away() const;

    // ---- Messages of the unit
    void invalidate(const iommu::InvalidateRequest& request);
    void respond(const iommu::PageGroupResponse& response);
    void resume(std::uint16_t stall_tag, iommu::StallAction action);

    void run();
    [[nodiscard]] std::uint64_t deadline_ns() const;
    void tick();

    // Function Level Reset, and any other.
    void reset();
    [[nodiscard]] StateWords save() const;
    // The sentence when the words are not of a device like this; it is then as after reset.
    [[nodiscard]] iommu::Result<iommu::Done, std::string> load(const StateWords& words);

  private:
    // ---- device_registers.cc
    [[nodiscard]] std::uint64_t read_locked(std::uint64_t offset, unsigned size) const;
    [[nodiscard]] iommu::RegisterFile with_atc_entry() const;
    [[nodiscard]] Effects write_locked(std::uint64_t offset, std::uint64_t value, unsigned size, std::uint64_t now);
    [[nodiscard]] Effects write_channel(unsigned index, std::uint64_t offset, std::uint64_t value, unsigned size);
    [[nodiscard]] Effects device_written(const iommu::RegisterWrite& write, std::uint64_t now);
    void write_window(Channel& channel, std::uint64_t offset, std::uint64_t value, unsigned size);
    void clear_counters();

    // ---- device_engine.cc: the life of an operation
    [[nodiscard]] Effects start(unsigned index);
    [[nodiscard]] Effects cancel(unsigned index);
    [[nodiscard]] Effects finish(unsigned index, Code code);
    void enter(Channel& channel, Wait wait);
    [[nodiscard]] bool step();
    [[nodiscard]] std::optional<unsigned> next_ready();
    [[nodiscard]] std::optional<Job> begin_step(unsigned index, std::uint64_t now, Effects& effects);
    [[nodiscard]] Effects end_step(const Job& job, const Outcome& outcome, std::uint64_t now);
    [[nodiscard]] Effects account(unsigned index, const Operation& operation, const Step& step, Code code,
                                  std::uint8_t reason);
    [[nodiscard]] Effects end_stalled(unsigned index, iommu::StallAction action);
    [[nodiscard]] bool any_ready() const;

    // ---- device_pages.cc
    enum class Credit : std::uint8_t { Yes, Later, Never };
    [[nodiscard]] bool pri_usable() const;
    [[nodiscard]] Credit credit_for(unsigned pages);
    [[nodiscard]] Effects release_credit();
    [[nodiscard]] std::uint16_t new_index();
    [[nodiscard]] std::uint16_t group_index(Channel& channel, const Operation& operation);
    [[nodiscard]] Effects page_step(unsigned index, const Operation& operation, std::uint64_t now);
    [[nodiscard]] Effects ask_for_page(const Job& job, std::uint64_t now);
    void await_response(Channel& channel, std::uint64_t now);
    [[nodiscard]] Effects accept(const iommu::PageGroupResponse& response);
    [[nodiscard]] Effects responded(const PageGroup& group, Code code);

    // ---- access.cc: no lock held, but for `keep`
    [[nodiscard]] Outcome carry_out(Job& job);
    [[nodiscard]] Outcome request_translation(const Job& job);
    [[nodiscard]] iommu::TranslationCompletion ask(const iommu::Request& request);
    [[nodiscard]] Outcome untranslated(Job& job);
    [[nodiscard]] Outcome translated(Job& job, Pa address);
    [[nodiscard]] Outcome through_atc(Job& job);
    void keep(const AtcTag& tag, Iova iova, const iommu::TranslationCompletion& completion);
    [[nodiscard]] Outcome use_entry(Job& job, const AtcEntry& entry);
    [[nodiscard]] Outcome touch(Job& job, Space space, std::uint64_t address);
    [[nodiscard]] Outcome exchange(const Job& job, Space space, std::uint64_t address);

    // ---- device.cc
    void perform(const Effects& effects);
    // Sends what is due, unless an access is under way.
    void send_answers();
    void add_deadline_change(Effects& effects);
    [[nodiscard]] std::uint64_t deadline_locked() const;
    [[nodiscard]] bool away_locked() const { return away_until_ != 0; }
    void add_status_change(Effects& effects);
    [[nodiscard]] iommu::Value<PRI_CONTROL> pri_status_locked() const;
    void reset_locked();

    const Options options_;
    const Ports ports_;

    mutable std::mutex mutex_;
    iommu::RegisterFile registers_;
    std::array<Channel, kChannels> channels_;
    Atc atc_;
    DueList<Answer> answers_;
    DueList<LateDrop> late_drops_;
    PageGroups groups_;
    Config config_;
    iommu::RequesterId requester_;   // as last asked for
    bool response_failure_ = false;  // RF
    bool unexpected_index_ = false;  // UPRGI
    std::uint64_t away_until_ = 0;   // 0: it is there
    std::uint64_t invalidations_ = 0;
    unsigned turn_ = 0;       // the channel that goes next
    bool running_ = false;    // a thread is in run()
    bool accessing_ = false;  // with a translation from the ATC
    std::uint64_t told_deadline_ns_ = iommu::kNever;
    std::uint32_t told_status_ = PRI_CONTROL::S::mask;
};

}  // namespace endpoint

#endif  // ATS_ENDPOINT_DEVICE_H
