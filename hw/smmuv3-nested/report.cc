// SPDX-License-Identifier: GPL-2.0-or-later
#include "smmuv3-nested/report.h"

#include <algorithm>

#include "iommu/address.h"

namespace smmuv3 {

using iommu::low_bits;
using iommu::Pa;
using iommu::Request;

namespace {

constexpr unsigned kEventLog2 = 5;  // bytes of a record
constexpr std::uint64_t kPageMask = 0xfff;

bool has_ssid(Event event) { return event != Event::F_STREAM_DISABLED && event != Event::F_TRANSL_FORBIDDEN; }

// Records that describe an access: address, direction, attributes.
bool describes_access(Event event) {
    switch (event) {
        case Event::F_WALK_EABT:
        case Event::F_TRANSLATION:
        case Event::F_ADDR_SIZE:
        case Event::F_ACCESS:
        case Event::F_PERMISSION: return true;
        default: return false;
    }
}

bool has_fetch_address(Event event) {
    return event == Event::F_STE_FETCH || event == Event::F_CD_FETCH || event == Event::F_WALK_EABT;
}

// Equal but for the offset in the page.
bool same_page_record(const Words<4>& a, const Words<4>& b) {
    return a[0] == b[0] && a[1] == b[1] && (a[2] & ~kPageMask) == (b[2] & ~kPageMask) && a[3] == b[3];
}

}  // namespace

iommu::WrapRing EventRecorder::ring(const RegisterFile& registers) const {
    const auto base = registers.get<EVENTQ_BASE>();
    const auto log2 =
        static_cast<unsigned>(std::min<std::uint64_t>(base.get<EVENTQ_BASE::LOG2SIZE>(), capabilities_.eventqs));
    const std::uint64_t address = base.in_place<EVENTQ_BASE::ADDR>() & low_bits(capabilities_.output_bits());
    return {.base = Pa{address & ~low_bits(log2 + kEventLog2)}, .entry_log2 = kEventLog2, .entries_log2 = log2};
}

EventRecorder::Room EventRecorder::room(const RegisterFile& registers) const {
    if (registers.get<CR0>().get<CR0::EVENTQEN>() == 0) return Room::Closed;
    if (Signals::active(GERROR::EVENTQ_ABT_ERR::mask, registers)) return Room::Closed;
    const auto producer = static_cast<std::uint32_t>(registers.get<EVENTQ_PROD>().get<EVENTQ_PROD::WR>());
    const auto consumer = static_cast<std::uint32_t>(registers.get<EVENTQ_CONS>().get<EVENTQ_CONS::RD>());
    return ring(registers).full(producer, consumer) ? Room::Full : Room::Yes;
}

// The record first, then PROD, then the interrupt. False when it could not be written. [SMMU G.b s7.2]
std::pair<bool, Effects> EventRecorder::append(const Words<4>& record, RegisterFile& registers, GuestMemory& memory) {
    const iommu::WrapRing queue = ring(registers);
    const auto prod = registers.get<EVENTQ_PROD>();
    const auto producer = static_cast<std::uint32_t>(prod.get<EVENTQ_PROD::WR>());
    const auto consumer = static_cast<std::uint32_t>(registers.get<EVENTQ_CONS>().get<EVENTQ_CONS::RD>());
    if (!memory.store_words(queue.at(producer), record)) {
        return {false, signals_.global_errors(GERROR::EVENTQ_ABT_ERR::mask, registers)};
    }
    ++written_;
    const bool was_empty = queue.empty(producer, consumer);
    last_ = record;
    last_producer_ = queue.next(producer);
    registers.set(prod.with<EVENTQ_PROD::WR>(last_producer_));
    return {true, was_empty ? signals_.event_queue(registers) : Effects{}};
}

// With MEV, a record like the last one is not written again while software has not read that one. [SMMU G.b s7.3.1]
bool EventRecorder::merges(const Words<4>& record, const Fault& fault, const RegisterFile& registers) const {
    if (!fault.merges || !last_ || !same_page_record(*last_, record)) return false;
    const auto producer = static_cast<std::uint32_t>(registers.get<EVENTQ_PROD>().get<EVENTQ_PROD::WR>());
    const auto consumer = static_cast<std::uint32_t>(registers.get<EVENTQ_CONS>().get<EVENTQ_CONS::RD>());
    return producer == last_producer_ && !ring(registers).empty(producer, consumer);
}

Words<4> EventRecorder::compose(const Occurrence& occurrence, std::optional<std::uint16_t> stag) const {
    using R = EventRecord;
    const Request& request = occurrence.request;
    const Fault& fault = occurrence.fault;
    auto record =
        Value<R>{}.with<R::Event>(static_cast<std::uint64_t>(fault.event)).with<R::StreamID>(request.requester.value);
    if (request.pasid && has_ssid(fault.event)) {
        // C_BAD_SUBSTREAMID always has the SubstreamID, and no flag for it.
        if (fault.event != Event::C_BAD_SUBSTREAMID) record = record.with<R::SSV>(1);
        record = record.with<R::SubstreamID>(request.pasid->value);
    }
    if (stag) record = record.with<R::Stall>(1).with<R::STAG>(*stag);
    // An atomic is a write, unless only its right to read is missing.
    const bool reads = !request.writes() || (request.access == iommu::Access::Atomic && fault.read_denied);
    if (fault.event == Event::F_TRANSL_FORBIDDEN) {
        record = record.with<R::RnW>(reads ? 1 : 0).with<R::InputAddr>(request.iova.value);
    }
    if (fault.event == Event::F_BAD_ATS_TREQ) record = record.with<R::InputAddr>(request.iova.value & ~kPageMask);
    if (describes_access(fault.event)) {
        record = record.with<R::PnU>(occurrence.privilege == iommu::Privilege::Supervisor ? 1 : 0)
                     .with<R::InD>(occurrence.execute == iommu::Execute::Yes ? 1 : 0)
                     .with<R::RnW>(reads ? 1 : 0)
                     .with<R::S2>(fault.second_stage ? 1 : 0)
                     .with<R::CLASS>(static_cast<std::uint64_t>(fault.input_class))
                     .with<R::InputAddr>(request.iova.value);
        if (fault.second_stage) record = record.with_in_place<R::IPA>(fault.ipa);
    }
    if (fault.event == Event::F_PERMISSION && fault.second_stage && fault.input_class == Class::TT) {
        record = record.with<R::TTRnW>(fault.table_read ? 1 : 0);
    }
    if (has_fetch_address(fault.event)) {
        return Value<FetchEventRecord>{record.raw()}
            .with_in_place<FetchEventRecord::FetchAddr>(fault.fetch_address)
            .raw();
    }
    return record.raw();
}

std::optional<std::uint16_t> EventRecorder::new_stag(std::uint32_t stream) {
    if (stalled_.size() >= capabilities_.stall_max) return std::nullopt;
    // At most STALL_MAX are taken, so the search ends.
    for (;;) {
        const Stalled stalled{stream, next_stag_++};
        const auto same = [&stalled](const Stalled& other) { return other.stag == stalled.stag; };
        if (std::none_of(stalled_.begin(), stalled_.end(), same)) {
            stalled_.push_back(stalled);
            return stalled.stag;
        }
    }
}

Report EventRecorder::record(const Occurrence& occurrence, RegisterFile& registers, GuestMemory& memory) {
    const Fault& fault = occurrence.fault;
    Report report;
    // A requester that cannot wait is terminated, and told so in the record. [SMMU G.b s3.12.2]
    if (fault.stalls && occurrence.can_stall == CanStall::Yes)
        report.stag = new_stag(occurrence.request.requester.value);
    if (!fault.recorded) return report;
    const auto reason = static_cast<unsigned>(fault.event);
    if (!report.stag && transactions_.continues(occurrence.request, reason, occurrence.now_ns)) {
        report.reported = Reported::Merged;
        return report;
    }
    const Words<4> record = compose(occurrence, report.stag);
    if (!report.stag && merges(record, fault, registers)) {
        report.reported = Reported::Merged;
        return report;
    }
    const Room now = held_.empty() ? room(registers) : Room::Full;
    if (now == Room::Yes) {
        auto [written, effects] = append(record, registers, memory);
        report.effects = std::move(effects);
        report.reported = written ? Reported::Recorded : Reported::Lost;
        if (written) return report;
    }
    if (report.stag) {
        held_.push_back(record);
        report.reported = Reported::Held;
        return report;
    }
    report.reported = Reported::Lost;
    const auto prod = registers.get<EVENTQ_PROD>();
    const bool overflow = prod.get<EVENTQ_PROD::OVFLG>() != registers.get<EVENTQ_CONS>().get<EVENTQ_CONS::OVACKFLG>();
    if (room(registers) == Room::Full && !overflow) {
        registers.set(prod.with<EVENTQ_PROD::OVFLG>(prod.get<EVENTQ_PROD::OVFLG>() ^ 1));
    }
    return report;
}

EventRecorder::Stalled EventRecorder::stalled_of(const Words<4>& record) {
    const Value<EventRecord> value{record};
    return {static_cast<std::uint32_t>(value.get<EventRecord::StreamID>()),
            static_cast<std::uint16_t>(value.get<EventRecord::STAG>())};
}

// As though they had just arrived. [SMMU G.b s3.12.2, s7.2.1]
Effects EventRecorder::retry_held() {
    Effects effects;
    for (const Words<4>& record : std::exchange(held_, {})) {
        const Stalled stalled = stalled_of(record);
        if (!release(stalled)) continue;
        effects.add(iommu::ResumeStalled{iommu::RequesterId{stalled.stream}, stalled.stag, iommu::StallAction::Retry});
    }
    held_stale_ = false;
    return effects;
}

Effects EventRecorder::write_held(RegisterFile& registers, GuestMemory& memory) {
    if (held_stale_ && room(registers) == Room::Yes) return retry_held();
    Effects effects;
    while (!held_.empty() && room(registers) == Room::Yes) {
        auto [written, more] = append(held_.front(), registers, memory);
        effects.append(std::move(more));
        if (!written) break;
        held_.pop_front();
    }
    return effects;
}

// Nothing that is held is out of date when nothing is held.
template <class Which>
void EventRecorder::drop_held(Which which) {
    std::erase_if(held_, which);
    held_stale_ = held_stale_ && !held_.empty();
}

bool EventRecorder::release(const Stalled& stalled) {
    const auto found = std::find(stalled_.begin(), stalled_.end(), stalled);
    if (found == stalled_.end()) return false;
    stalled_.erase(found);
    drop_held([&stalled](const Words<4>& record) { return stalled_of(record) == stalled; });
    return true;
}

std::vector<EventRecorder::Stalled> EventRecorder::release_stream(std::uint32_t stream) {
    std::vector<Stalled> released;
    for (const Stalled& stalled : stalled_) {
        if (stalled.stream == stream) released.push_back(stalled);
    }
    std::erase_if(stalled_, [stream](const Stalled& stalled) { return stalled.stream == stream; });
    drop_held([stream](const Words<4>& record) { return stalled_of(record).stream == stream; });
    return released;
}

std::vector<EventRecorder::Stalled> EventRecorder::release_all() {
    held_.clear();
    held_stale_ = false;
    return std::exchange(stalled_, {});
}

void EventRecorder::reset() {
    stalled_.clear();
    held_.clear();
    held_stale_ = false;
    last_.reset();
    transactions_.forget();
    next_stag_ = 0;
}

void EventRecorder::restore(Kept kept) {
    stalled_ = std::move(kept.stalled);
    held_ = std::move(kept.held);
    held_stale_ = kept.held_stale;
}

}  // namespace smmuv3
