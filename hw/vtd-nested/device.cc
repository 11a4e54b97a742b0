// SPDX-License-Identifier: GPL-2.0-or-later
#include "vtd-nested/device.h"

#include <algorithm>

#include "vtd-nested/trace.h"

namespace vtd {

using iommu::Count;
using iommu::RequestKind;
using iommu::TraceClass;
using iommu::TraceLine;
using iommu::Translation;

namespace {

constexpr unsigned kSmallestPage = 12;

Err<Refusal> refuse(const Fault& fault) { return Err{Refusal{fault}}; }

// The update kept losing against somebody who rewrites the entry.
Condition never_settled(const Config& config) {
    return config.route.translate == Translate::SecondStage ? Condition::SSS_6 : Condition::SFS_10;
}

}  // namespace

Unit::Unit(const Capabilities& capabilities, const iommu::Tuning& tuning, const iommu::Ports& ports)
    : capabilities_(capabilities),
      limits_(StageLimits::of(capabilities)),
      invalidate_timeout_ns_(tuning.invalidate_timeout_ns()),
      ports_(ports),
      memory_(ports.memory),
      iotlb_(tuning.iotlb_entries),
      tables_(iotlb_),
      registers_(register_specs(capabilities), kRegisterBytes),
      recorder_(capabilities) {}

void Unit::perform(const Effects& effects) {
    for (const iommu::Effect& effect : effects.list()) {
        const auto* message = std::get_if<iommu::SendMsi>(&effect);
        if (message == nullptr) continue;
        messages_.fetch_add(1, std::memory_order_relaxed);
        if (traces(TraceClass::Interrupt)) ports_.trace.line(TraceClass::Interrupt, message_line(*message));
    }
    iommu::perform(effects, memory_, ports_);
}

// ---- Requests

Reply Unit::translate(const Request& request) {
    if (request.kind == RequestKind::Untranslated) {
        if (const auto translation = recall(iommu::Who::of(request), request.iova, needed(request.access)))
            return Reply::translated(*translation);
    }
    return translate_anew(request);
}

Reply Unit::translate_anew(const Request& request) {
    if (request.kind != RequestKind::Untranslated) return translate_slow(request, Looked::No);
    front_.join();
    const auto translation =
        front_.with_slot(iommu::Who::of(request), [&](auto& slot) { return answer_from_caches(request, slot); });
    if (!translation) return translate_slow(request, translation.error());
    translations_.add(Count::Hits);
    return Reply::translated(*translation);
}

// What is decided without a table, where the route is new to this thread; else `recall` has just looked.
Result<Translation, Looked> Unit::answer_from_caches(const Request& request, Front::Slot& slot) const {
    const iommu::Epochs now = epochs();
    const Looked looked = in_interrupt_range(request.iova.value) ? Looked::No : Looked::Yes;
    if (slot.knows_route(iommu::Who::of(request), now.configs)) return Err{looked};
    if (!learn_route(request, now.configs, slot)) return Err{Looked::No};
    const auto translation = find_by_route(slot, request.iova, needed(request.access), now);
    if (!translation) return Err{looked};
    return *translation;
}

// By the slot's route. Anything unusual is left to the slow way. The epochs were read before: what is found may be
// remembered under them.
std::optional<Translation> Unit::find_by_route(Front::Slot& slot, Iova iova, Rights need, iommu::Epochs now) const {
    slot.forget_block();  // a block that does not answer may be what there was less of
    if (in_interrupt_range(iova.value)) return std::nullopt;
    const auto translation =
        slot.route.translate == Translate::PassThrough ? pass_through(iova) : iotlb_.find(slot.view, iova);
    if (!translation || !covers(translation->rights, need)) {
        iotlb_.renew(slot.view);
        return std::nullopt;
    }
    slot.remember(now.sum(), iova, *translation);
    return slot.translation(iova);
}

// How requests of this kind are translated, as long as no configuration and no gate changes.
bool Unit::learn_route(const Request& request, std::uint64_t configs, Front::Slot& slot) const {
    const Gate gate = this->gate();
    if (!gate.translating() || gate.guarded()) return false;
    const auto route = configs_.find_route(request.requester, request.pasid);
    if (!route || !plain(request, *route)) return false;
    slot.learn(iommu::Who::of(request), configs, *route, iotlb_.view(tlb_tag(request, *route)));
    return true;
}

std::optional<Translation> Unit::pass_through(Iova iova) const {
    if ((iova.value & ~iommu::low_bits(limits_.haw)) != 0) return std::nullopt;
    const unsigned block = block_beside_interrupts(iova.value);
    return Translation{
        .address = Pa{iova.value}, .page_log2 = std::min<unsigned>(block, limits_.haw), .rights = Rights::ReadWrite};
}

// A cached translation that allows the access. One that does not may have been made when there was less to allow.
std::optional<Translation> Unit::find_cached(const Request& request, const Route& route) const {
    auto translation = iotlb_.find(tlb_tag(request, route), request.iova);
    if (translation && !covers(translation->rights, needed(request.access))) translation.reset();
    return translation;
}

Reply Unit::translate_slow(const Request& request, Looked looked) {
    translations_.add(Count::Misses);
    const auto path = attempt(request, looked);
    if (!path) return block(request, path.error());
    if (traces(TraceClass::Translation)) ports_.trace.line(TraceClass::Translation, translation_line(request, *path));
    return Reply::translated(to_translation(*path));
}

Result<Path, Refusal> Unit::attempt(const Request& request, Looked looked) {
    switch (request.kind) {
        case RequestKind::Untranslated:
        case RequestKind::Debug: break;
        case RequestKind::Translated: return translated(request);
        case RequestKind::Translation:
        case RequestKind::Page: return Err{Refusal{}};  // no accesses: they have calls of their own
    }
    if (!request.pasid && in_interrupt_range(request.iova.value)) return interrupt_address(request);
    // Tickets first, then the gate: what is invalidated from here on cannot be kept.
    const iommu::Iotlb::Ticket ticket = iotlb_.open();
    const ConfigTicket config_ticket = configs_.open();
    const Gate gate = this->gate();
    if (!gate.translating()) return untranslated(request, gate);
    const auto config = configure(request, gate.root(), config_ticket);
    if (!config) return refuse(config.error());
    const bool cacheable =
        request.kind == RequestKind::Untranslated && config->route.translate != Translate::PassThrough;
    // Perhaps only the configuration had to be looked up again.
    if (cacheable && !gate.guarded() && looked == Looked::No) {
        if (const auto hit = find_cached(request, config->route))
            return Path{hit->address, hit->page_log2, hit->rights};
    }
    const Page page = TRY(find_and_mark(request, *config, {gate, config_ticket.epoch}));
    if (cacheable) iotlb_.fill(ticket, tlb_tag(request, config->route), request.iova, to_translation(page.path));
    return page.path;
}

// From the cache, or from the tables and into the cache; with the checks that need no further table.
Result<Config, Fault> Unit::configure(const Request& request, const LatchedRoot& root, ConfigTicket ticket) {
    auto config = configs_.find(request.requester, request.pasid);
    // What is refused, and its diagnosis, comes from the tables.
    if (config && request.kind == RequestKind::Translation && !config->device_tlb) config.reset();
    if (!config) {
        config = TRY(resolve(request, root, capabilities_, memory_));
        if (request.kind != RequestKind::Debug) configs_.keep(ticket, request.requester, request.pasid, *config);
    }
    TRY(check_request(request, *config, capabilities_));
    return *config;
}

// Finds the path, and sets the accessed and dirty bits it calls for once nothing stands in the way.
Result<Page, Refusal> Unit::find_and_mark(const Request& request, const Config& config, const Circumstances& now) {
    const Near near{request.kind == RequestKind::Debug ? nullptr : &tables_, now.configs};
    const Gate gate = now.gate;
    for (int restart = 0; restart < iommu::kMaxRestarts; ++restart) {
        const auto found = find(request, config, limits_, memory_, near);
        if (!found) return refuse(found.error());
        Page page = found->page;
        // A translation request accesses nothing; what the device does with the answer is judged on its own.
        if (gate.guarded() && request.kind != RequestKind::Translation) {
            if (is_protected(page.path.address)) return Err{Refusal{}};
            page.path.page_log2 = std::min(page.path.page_log2, kSmallestPage);
        }
        if (request.kind == RequestKind::Debug) return page;
        const auto applied = found->marks.apply(memory_);
        if (!applied) return refuse(to_fault(applied.error(), config, request));
        if (*applied == Marks::Applied::Done) return page;
    }
    const auto processing = config.fault_disabled ? FaultProcessing::Disabled : FaultProcessing::Enabled;
    return refuse(Fault{never_settled(config), processing, {}});
}

// Remapping is off: a PASID means nothing, only protected regions count. [VTD 5.10 s3.1, s11.4.8]
Result<Path, Refusal> Unit::untranslated(const Request& request, Gate gate) const {
    const std::uint64_t address = request.iova.value;
    Path path{.address = Pa{address}, .page_log2 = kSmallestPage, .usable = Rights::ReadWrite};
    if (gate.guarded()) {
        if (is_protected(path.address)) return Err{Refusal{}};
    } else if (!in_interrupt_range(address)) {
        path.page_log2 = block_beside_interrupts(address);
    }
    return path;
}

// The answer for somebody who asks for the address of an interrupt message: it is itself, and can only be written. The
// message proper comes through interrupt_access. [VTD 5.10 s3.15]
Result<Path, Refusal> Unit::interrupt_address(const Request& request) const {
    const bool zero_length_read = request.length == iommu::Length::Zero && request.access == iommu::Access::Read;
    if (request.access != iommu::Access::Write && !zero_length_read) return refuse(Fault{Condition::INT_29, {}, {}});
    return Path{.address = Pa{request.iova.value}, .page_log2 = kSmallestPage, .usable = Rights::Write};
}

InterruptAccess Unit::interrupt_access(const Request& request, unsigned size) {
    if (request.access == iommu::Access::Read && request.length == iommu::Length::Zero)
        return InterruptAccess::Complete;
    if (request.access == iommu::Access::Write && size == 4) return InterruptAccess::Deliver;
    (void)block(request, Refusal{Fault{Condition::INT_29, {}, {}}});
    return InterruptAccess::Block;
}

bool Unit::is_protected(Pa address) const {
    const std::lock_guard lock(mutex_);
    return ProtectedRegions::read(registers_, capabilities_).contain(address.value);
}

Reply Unit::block(const Request& request, const Refusal& refusal) {
    translations_.add(Count::Faults);
    if (!refusal.fault) return Reply::blocked(0);
    const Fault& fault = *refusal.fault;
    if (request.kind != RequestKind::Debug) report(request, fault);
    return Reply::blocked(static_cast<std::uint8_t>(fault.condition));
}

void Unit::report(const Request& request, const Fault& fault) {
    const std::uint64_t now = ports_.clock.now_ns();
    Effects effects;
    {
        const std::lock_guard lock(mutex_);
        Report report = recorder_.record(request, fault, now, registers_);
        if (report.reported == Reported::Recorded) ++recorded_;
        if (report.reported != Reported::Merged && traces(TraceClass::Fault)) {
            effects.add(TraceLine{TraceClass::Fault, fault_line(request, fault, report)});
        }
        effects.append(std::move(report.effects));
    }
    perform(effects);
}

UnitCounters Unit::counters() const {
    UnitCounters counters;
    counters.hits = translations_.sum(Count::Hits);
    counters.misses = translations_.sum(Count::Misses);
    counters.faults = translations_.sum(Count::Faults);
    counters.messages = messages_.load(std::memory_order_relaxed);
    const std::lock_guard lock(mutex_);
    counters.recorded = recorded_;
    counters.invalidations = invalidations_;
    counters.waits = waits_;
    counters.queue_errors = queue_errors_;
    counters.timeouts = timeouts_;
    counters.unexpected_completions = unexpected_completions_;
    counters.drains = drains_;
    return counters;
}

}  // namespace vtd
