// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a write to a register means. Called with the lock held; what leaves the unit is returned.
#include "smmuv3-nested/device.h"
#include "smmuv3-nested/trace.h"

namespace smmuv3 {

using iommu::RegisterWrite;
using iommu::TraceClass;
using iommu::TraceLine;

namespace {

// Writes after which there may be queue work: the conditions for fetching are a level. [SMMU G.b s4.1.2]
bool may_start_queue(std::uint32_t offset) {
    return offset == CR0::offset || offset == CMDQ_PROD::offset || offset == GERRORN::offset;
}

// A write with the guarded bits put back.
RegisterWrite keep_guarded(RegisterWrite write, RegisterFile& registers) {
    const std::uint64_t guarded = guarded_bits(write.offset, registers);
    if (guarded == 0) return write;
    write.after = (write.after & ~guarded) | (write.before & guarded);
    registers.set_raw(write.offset, write.after);
    return write;
}

}  // namespace

std::uint64_t Unit::read(std::uint64_t offset, unsigned size) const {
    const std::lock_guard lock(mutex_);
    const auto word = [this](std::uint64_t at) { return registers_.read(canonical_offset(at), 4); };
    if (registers_.splits(offset, size)) return word(offset) | word(offset + 4) << 32;
    return registers_.read(size == 4 ? canonical_offset(offset) : offset, size);
}

void Unit::write(std::uint64_t offset, std::uint64_t value, unsigned size) {
    if (registers_.splits(offset, size)) {
        write(offset, value & 0xffffffff, 4);  // the low half
        write(offset + 4, value >> 32, 4);
        return;
    }
    std::unique_lock lock(mutex_);
    auto write = registers_.write(size == 4 ? canonical_offset(offset) : offset, size, value);
    if (!write) return;
    *write = keep_guarded(*write, registers_);
    Effects effects;
    if (traces(TraceClass::Register)) {
        effects.add(TraceLine{TraceClass::Register, register_line(registers_.spec(write->offset), write->written)});
    }
    effects.append(written(*write));
    const bool queue = may_start_queue(write->offset);
    if (queue && effects.empty()) return run_queue(lock);
    lock.unlock();
    perform(effects);
    if (queue) run_queue();
}

Effects Unit::written(const RegisterWrite& write) {
    switch (write.offset) {
        case CR0::offset: return write_cr0();
        case GBPA::offset: return write_gbpa(write);
        case IRQ_CTRL::offset: registers_.set(Value<IRQ_CTRLACK>{registers_.get<IRQ_CTRL>().raw()}); return {};
        // The event queue may take records again.
        case GERRORN::offset:
        case EVENTQ_CONS::offset: return recorder_.write_held(registers_, memory_);
        default: return {};  // storage
    }
}

// Updates are complete when the write returns, so CR0ACK shows them at once. [SMMU G.b s6.3.9]
Effects Unit::write_cr0() {
    const auto cr0 = registers_.get<CR0>();
    const bool was_on = registers_.get<CR0ACK>().get<CR0ACK::SMMUEN>() != 0;
    const bool on = cr0.get<CR0::SMMUEN>() != 0;
    registers_.set(Value<CR0ACK>{cr0.raw()});
    Effects effects;
    effects.append(was_on != on ? set_translation(on) : publish_gate());
    effects.append(recorder_.write_held(registers_, memory_));
    return effects;
}

// Without Update in what is written nothing changes; with it, the update is complete at once. [SMMU G.b s6.3.14]
Effects Unit::write_gbpa(const RegisterWrite& write) {
    const auto gbpa = write.as<GBPA>();
    if (gbpa.get<GBPA::Update>() == 0) {
        registers_.set(Value<GBPA>{static_cast<std::uint32_t>(write.before)});
        return {};
    }
    registers_.set(gbpa.with<GBPA::Update>(0));
    return publish_gate();
}

Effects Unit::publish_gate() {
    const Gate before = gate();
    const bool on = registers_.get<CR0>().get<CR0::SMMUEN>() != 0;
    const bool abort = registers_.get<GBPA>().get<GBPA::ABORT>() != 0;
    const bool check = registers_.get<CR0>().get<CR0::ATSCHK>() != 0;
    const Gate next{(on ? Gate::kTranslating : 0) | (abort ? Gate::kAborting : 0) | (check ? Gate::kChecking : 0)};
    gate_.store(next.word, std::memory_order_release);
    configs_.changed_outside();
    drain_.invalidated();
    Effects effects;
    if (before.closed() != next.closed()) effects.add(iommu::GateChanged{next.closed()});
    return effects;
}

Effects Unit::resume_all(const std::vector<EventRecorder::Stalled>& stalled, iommu::StallAction action) {
    Effects effects;
    for (const EventRecorder::Stalled& one : stalled) {
        effects.add(iommu::ResumeStalled{iommu::RequesterId{one.stream}, one.stag, action});
    }
    return effects;
}

// Off: what is stalled is aborted. Caches stay; software invalidates them. [SMMU G.b s3.12.2, s6.3.9.6]
Effects Unit::set_translation(bool enable) {
    if (enable) stream_table_ = stream_table(registers_);
    Effects effects = publish_gate();
    if (!enable) effects.append(resume_all(recorder_.release_all(), iommu::StallAction::Abort));
    effects.add(iommu::Unmap{iommu::IovaRange::everything()});
    return effects;
}

}  // namespace smmuv3
