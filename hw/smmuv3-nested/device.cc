// SPDX-License-Identifier: GPL-2.0-or-later
#include "smmuv3-nested/device.h"

#include "smmuv3-nested/ats.h"
#include "smmuv3-nested/trace.h"

namespace smmuv3 {

using iommu::Count;
using iommu::Outcome;
using iommu::RequestKind;
using iommu::TraceClass;
using iommu::TraceLine;
using iommu::Translation;

namespace {

Translation to_translation(const Path& path) { return {path.address, path.page_log2, path.usable, path.in_pieces}; }

}  // namespace

Unit::Unit(const Capabilities& capabilities, const iommu::Tuning& tuning, const iommu::Ports& ports)
    : capabilities_(capabilities),
      ports_(ports),
      memory_(ports.memory),
      signals_(capabilities_),
      invalidate_timeout_ns_(tuning.invalidate_timeout_ns()),
      iotlb_(tuning.iotlb_entries),
      tables_(iotlb_),
      registers_(register_specs(capabilities), register_space_size),
      recorder_(capabilities_) {}

// Messages that end in nothing become global errors, which may be announced in their turn.
void Unit::perform(const Effects& effects) {
    for (const iommu::Effect& effect : effects.list()) {
        const auto* message = std::get_if<iommu::SendMsi>(&effect);
        if (message == nullptr) continue;
        messages_.fetch_add(1, std::memory_order_relaxed);
        if (traces(TraceClass::Interrupt)) ports_.trace.line(TraceClass::Interrupt, message_line(*message));
    }
    std::uint32_t aborted = iommu::perform(effects, memory_, ports_);
    if (aborted == 0) return;
    Effects more;
    {
        const std::lock_guard lock(mutex_);
        more = signals_.global_errors(aborted, registers_);
    }
    aborted = iommu::perform(more, memory_, ports_);
    if (aborted == 0) return;
    // The announcement itself was lost: recorded, and not announced again.
    const std::lock_guard lock(mutex_);
    (void)signals_.global_errors(aborted, registers_);
}

// ---- Transactions

Reply Unit::translate(const Request& request, CanStall can_stall) {
    if (request.kind == RequestKind::Untranslated) {
        if (const auto translation = recall(iommu::Who::of(request), request.iova, needed(request.access)))
            return Reply::translated(*translation);
    }
    return translate_anew(request, can_stall);
}

Reply Unit::translate_anew(const Request& request, CanStall can_stall) {
    if (request.kind != RequestKind::Untranslated) return translate_slow(request, can_stall, Looked::No);
    front_.join();
    const auto translation =
        front_.with_slot(iommu::Who::of(request), [&](auto& slot) { return answer_from_caches(request, slot); });
    if (!translation) return translate_slow(request, can_stall, translation.error());
    translations_.add(Count::Hits);
    return Reply::translated(*translation);
}

// What is decided without a table: where the route is new to this thread, and fetches. Else `recall` has just looked.
Result<Translation, Looked> Unit::answer_from_caches(const Request& request, Front::Slot& slot) const {
    const iommu::Epochs now = epochs();
    const bool known = slot.knows_route(iommu::Who::of(request), now.configs);
    if (!known && !learn_route(request, now.configs, slot)) return Err{Looked::No};
    std::optional<Translation> translation;
    if (fetches(request, slot.route)) {
        translation = find_cached(request, slot.route);
    } else if (!known) {
        translation = find_by_route(slot, request.iova, needed(request.access), now);
    }
    if (!translation) return Err{Looked::Yes};
    return *translation;
}

// By the slot's route. Not for fetches: their reads and writes are looked for under different tags, and nothing is
// remembered that one could take for the other. The epochs were read before: what is found may be remembered under
// them.
std::optional<Translation> Unit::find_by_route(Front::Slot& slot, Iova iova, Rights need, iommu::Epochs now) const {
    const Route& route = slot.route;
    slot.forget_block();  // a block that does not answer may be what there was less of
    if (fetches(slot.who, route)) return std::nullopt;
    const Iova looked_for = lookup_address(iova, route);
    auto translation = route.translate == Translate::Bypass ? bypass(iova) : iotlb_.find(slot.view, looked_for);
    if (!translation) translation = find_shared(slot.view.tag(), looked_for);
    if (!translation || !covers(translation->rights, need)) {
        iotlb_.renew(slot.view);
        return std::nullopt;
    }
    slot.remember(now.sum(), iova, *translation);
    return slot.translation(iova);
}

// How requests of this kind are translated, as long as no configuration and no gate changes.
bool Unit::learn_route(const Request& request, std::uint64_t configs, Front::Slot& slot) const {
    if (!gate().translating()) return false;
    const auto route = configs_.find_route(request.requester, request.pasid);
    if (!route) return false;
    slot.learn(iommu::Who::of(request), configs, *route, iotlb_.view(tlb_tag(request, *route)));
    return true;
}

std::optional<Translation> Unit::bypass(Iova iova) const {
    const unsigned bits = capabilities_.output_bits();
    if ((iova.value & ~iommu::low_bits(bits)) != 0) return std::nullopt;
    return Translation{.address = Pa{iova.value}, .page_log2 = bits, .rights = Rights::ReadWrite};
}

// An entry that all ASIDs share.
std::optional<Translation> Unit::find_shared(TlbTag tag, Iova iova) const {
    if (tag.kind == iommu::TlbKind::Second || !iotlb_.globals_kept()) return std::nullopt;
    tag.space = SpaceTag::none();
    return iotlb_.find(tag, iova);
}

// A cached translation that allows the access: of the ASID, or of all of them.
std::optional<Translation> Unit::find_cached(const Request& request, const Route& route) const {
    const TlbTag tag = tlb_tag(request, route);
    const Iova looked_for = lookup_address(request.iova, route);
    auto translation = iotlb_.find(tag, looked_for);
    if (!translation) translation = find_shared(tag, looked_for);
    if (translation && !covers(translation->rights, needed(request.access))) translation.reset();
    return translation;
}

Reply Unit::translate_slow(const Request& asked, CanStall can_stall, Looked looked) {
    const Request request = as_presented(asked, capabilities_);
    translations_.add(Count::Misses);
    const auto path = attempt(request, looked);
    if (path) {
        if (traces(TraceClass::Translation)) {
            ports_.trace.line(TraceClass::Translation, translation_line(request, *path));
        }
        return Reply::translated(to_translation(*path));
    }
    translations_.add(Count::Faults);
    const Refusal& refusal = path.error();
    if (!refusal.fault) return Reply::blocked(0);
    return refuse(request, *refusal.fault, can_stall);
}

Result<Path, Refusal> Unit::attempt(const Request& request, Looked looked) {
    // Tickets first, then the gate: what is invalidated from here on cannot be kept.
    const Tickets tickets{iotlb_.open(), configs_.open()};
    const Gate gate = this->gate();
    if (request.kind == RequestKind::Translated) return translated(request, gate, tickets);
    if (!gate.translating()) return untranslated(request, gate);
    const auto config = configure(request, tickets.config);
    if (!config) return Err{config.error()};
    return find_path(request, *config, tickets, looked);
}

// From the TLB, or from the tables and into the TLB.
Result<Path, Refusal> Unit::find_path(const Request& request, const Config& config, const Tickets& tickets,
                                      Looked looked) {
    const Route& route = config.route;
    const bool cacheable = request.kind != RequestKind::Debug && route.translate != Translate::Bypass;
    // Perhaps only the configuration had to be looked up again.
    if (cacheable && looked == Looked::No) {
        if (const auto hit = find_cached(request, route)) return Path{hit->address, hit->page_log2, hit->rights};
    }
    const auto found = find_and_mark(request, config, tickets.config.epoch);
    if (!found) return Err{Refusal{found.error()}};
    if (found->path.in_pieces || route.tbi0 || route.tbi1) announces_all_.store(true, std::memory_order_relaxed);
    if (cacheable) {
        TlbTag tag = tlb_tag(request, route);
        if (found->global) tag.space = SpaceTag::none();
        iotlb_.fill(tickets.tlb, tag, lookup_address(request.iova, route), to_translation(found->path));
    }
    return found->path;
}

// From the cache, or from the tables and into the cache.
Result<Config, Refusal> Unit::configure(const Request& request, ConfigTicket ticket) {
    if (const auto config = configs_.find(request.requester, request.pasid)) return *config;
    const Config config = TRY(look_up(request));
    if (request.kind != RequestKind::Debug) configs_.keep(ticket, request.requester, request.pasid, config);
    return config;
}

Result<Config, Refusal> Unit::look_up(const Request& request) {
    const StreamTable table = stream_table_now();
    return Resolver(table, capabilities_, memory_).resolve(request);
}

StreamTable Unit::stream_table_now() const {
    const std::lock_guard lock(mutex_);
    StreamTable table = stream_table_;
    table.checked = gate().checking();
    return table;
}

// Finds the path, and sets the flags it calls for once nothing stands in the way.
Result<Found, Fault> Unit::find_and_mark(const Request& request, const Config& config, std::uint64_t configs) {
    const Near near{request.kind == RequestKind::Debug ? nullptr : &tables_, configs};
    for (int restart = 0; restart < iommu::kMaxRestarts; ++restart) {
        const auto found = find(request, config, capabilities_, memory_, near);
        if (!found) return Err{found.error()};
        if (request.kind == RequestKind::Debug) return *found;
        const auto applied = found->marks.apply(memory_);
        if (!applied) return Err{to_fault(applied.error(), config, request)};
        if (*applied == Marks::Applied::Done) return *found;
    }
    return Err{unsettled_fault(config, request)};
}

// SMMUEN=0: GBPA decides; a SubstreamID means nothing. Too large an address is aborted. [SMMU G.b s3.11, s6.3.14]
Result<Path, Refusal> Unit::untranslated(const Request& request, Gate gate) const {
    const unsigned bits = capabilities_.output_bits();
    if (gate.aborting() || (request.iova.value & ~iommu::low_bits(bits)) != 0) return Err{Refusal{}};
    return Path{.address = Pa{request.iova.value}, .page_log2 = bits, .usable = Rights::ReadWrite};
}

Reply Unit::refuse(const Request& request, Fault fault, CanStall can_stall) {
    const auto reason = static_cast<std::uint8_t>(fault.event);
    if (request.kind == RequestKind::Debug) return Reply::blocked(reason);
    const Occurrence occurrence{.request = request,
                                .fault = fault,
                                .privilege = fault.privilege,
                                .execute = fault.execute,
                                .can_stall = can_stall,
                                .now_ns = ports_.clock.now_ns()};
    Report report;
    Effects effects;
    {
        const std::lock_guard lock(mutex_);
        if (of_ats(request)) fault.recorded = recorded(fault, request.kind, registers_.get<CR2>());
        report = recorder_.record(occurrence, registers_, memory_);
        if (report.reported != Reported::Merged && traces(TraceClass::Fault)) {
            effects.add(TraceLine{TraceClass::Fault, fault_line(request, fault, report)});
        }
        effects.append(std::move(report.effects));
    }
    perform(effects);
    Reply reply = Reply::blocked(reason);
    if (report.stag) {
        reply.outcome = Outcome::Stalled;
        reply.stall_tag = *report.stag;
    } else if (fault.terminate == Terminate::RazWi && !fault.stalls) {
        reply.outcome = Outcome::Discarded;
    }
    return reply;
}

UnitCounters Unit::counters() const {
    UnitCounters counters;
    counters.hits = translations_.sum(Count::Hits);
    counters.misses = translations_.sum(Count::Misses);
    counters.faults = translations_.sum(Count::Faults);
    counters.messages = messages_.load(std::memory_order_relaxed);
    const std::lock_guard lock(mutex_);
    counters.recorded = recorder_.written();
    counters.invalidations = invalidations_;
    counters.waits = waits_;
    counters.queue_errors = queue_errors_;
    counters.timeouts = timeouts_;
    counters.unexpected_completions = unexpected_completions_;
    counters.drains = drains_;
    return counters;
}

}  // namespace smmuv3
