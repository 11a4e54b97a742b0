// SPDX-License-Identifier: GPL-2.0-or-later
//
// Reset, and the state that a migration carries: registers, stalled transactions and records that are held for them,
// Invalidate Requests that were not answered. Caches are not part of it; they fill again. A CMD_SYNC that waits is
// fetched again by the unit that takes over.
//
// Words: 0 format, 1-4 IDR0, IDR1, IDR3, IDR5, 5 number of registers, 6 stalled transactions, 7 held records, 8 open
// Invalidate Requests, then the registers in the order of register_specs(), one word for each stalled transaction, four
// for each held record, two for each Invalidate Request: whose and which, and its deadline in virtual time. Bit 63 of
// word 7: what is held is to be retried; of word 8: the next CMD_SYNC tells of a time-out.
#include <algorithm>

#include "smmuv3-nested/device.h"

namespace smmuv3 {

namespace {

constexpr std::uint64_t kFormat = 2;
constexpr std::size_t kHead = 9;
constexpr std::size_t kMaxRegisters = 64;
constexpr std::size_t kMaxStalled = 254;
constexpr std::uint64_t kHeldStale = std::uint64_t{1} << 63;
constexpr std::uint64_t kAtcInvFailed = std::uint64_t{1} << 63;
static_assert(kHead + kMaxRegisters + 5 * kMaxStalled + 2 * iommu::InvalidateTracker::kMost <= kStateWords);

std::array<std::uint64_t, 4> identity(const Capabilities& c) {
    return {idr0(c).raw(), idr1(c).raw(), idr3(c).raw(), idr5(c).raw()};
}

// Only bits that software could have set; constants stay what they are. A stream may say anything.
std::uint64_t possible(const iommu::RegisterSpec& spec, std::uint64_t value) {
    if (spec.rw == 0) return spec.reset;
    return value & spec.rw & (spec.offset == GBPA::offset ? ~std::uint64_t{GBPA::Update::mask} : ~std::uint64_t{0});
}

using Open = iommu::InvalidateTracker::Open;

// Requester 31:0, ITag 36:32, answers still to come 43:40.
std::uint64_t packed(const Open& open) {
    return open.requester.value | std::uint64_t{open.itag} << 32 | std::uint64_t{open.answers} << 40;
}
Open unpacked(std::uint64_t word, std::uint64_t deadline_ns, std::uint64_t number) {
    return {.requester = iommu::RequesterId{static_cast<std::uint32_t>(word)},
            .itag = static_cast<std::uint8_t>(word >> 32 & (iommu::InvalidateTracker::kTags - 1)),
            .answers = static_cast<std::uint8_t>(std::min<std::uint64_t>(word >> 40 & 15, 8)),
            .number = number,
            .deadline_ns = deadline_ns};
}

// What the unit itself says: acknowledgements of what is set, and errors that software can acknowledge.
void settle_status(iommu::RegisterFile& registers, std::uint64_t errors) {
    registers.set(Value<CR0ACK>{registers.get<CR0>().raw()});
    registers.set(Value<IRQ_CTRLACK>{registers.get<IRQ_CTRL>().raw()});
    const std::uint64_t acknowledgeable = registers.spec(GERRORN::offset).rw;
    registers.set(Value<GERROR>{static_cast<std::uint32_t>(errors & acknowledgeable)});
}

}  // namespace

void Unit::reset() {
    Effects effects;
    {
        const std::lock_guard lock(mutex_);
        effects = resume_all(recorder_.release_all(), iommu::StallAction::Abort);
        registers_.reset();
        recorder_.reset();
        stream_table_ = {};
        const std::uint64_t before = invalidates_.deadline_ns();
        invalidates_.clear();
        atc_inv_failed_ = false;
        held_at_.reset();
        effects.append(iommu::deadline_moved(before, invalidates_.deadline_ns()));
        effects.append(publish_gate());
        drain_.invalidated();
        effects.append(iommu::apply(Invalidation{.configs = {.scope = iommu::ConfigDrop::Scope::All},
                                                 .tlb = {.scope = iommu::TlbDrop::Scope::All},
                                                 .unmap = iommu::IovaRange::everything()},
                                    configs_, iotlb_, ports_.listeners));
    }
    perform(effects);
}

StateWords Unit::save() const {
    const std::lock_guard lock(mutex_);
    const auto values = registers_.values();
    StateWords words{};
    words[0] = kFormat;
    const auto ids = identity(capabilities_);
    std::copy(ids.begin(), ids.end(), words.begin() + 1);
    words[5] = values.size();
    words[6] = recorder_.stalled().size();
    words[7] = recorder_.held().size() | (recorder_.held_stale() ? kHeldStale : 0);
    words[8] = invalidates_.list().size() | (atc_inv_failed_ ? kAtcInvFailed : 0);
    auto out = std::copy(values.begin(), values.end(), words.begin() + kHead);
    for (const EventRecorder::Stalled& one : recorder_.stalled())
        *out++ = std::uint64_t{one.stream} << 16 | one.stag;
    for (const Words<4>& record : recorder_.held())
        out = std::copy(record.begin(), record.end(), out);
    for (const Open& open : invalidates_.list()) {
        *out++ = packed(open);
        *out++ = open.deadline_ns;
    }
    return words;
}

Result<iommu::Done, std::string> Unit::load(const StateWords& words) {
    reset();
    if (words[0] != kFormat) return Err{"the saved state has format " + std::to_string(words[0]) + ", not 2"};
    const auto ids = identity(capabilities_);
    const auto specs = registers_.specs();
    const bool same_unit = std::equal(ids.begin(), ids.end(), words.begin() + 1) && words[5] == specs.size();
    const std::uint64_t held_records = words[7] & ~kHeldStale;
    const std::uint64_t open_invalidates = words[8] & ~kAtcInvFailed;
    const bool fits = words[6] <= capabilities_.stall_max && held_records <= words[6] &&
                      open_invalidates <= iommu::InvalidateTracker::kMost;
    if (!same_unit || !fits) {
        return Err{
            std::string("the saved state is of a unit with other capabilities; start this one with the same "
                        "properties as the one that was saved")};
    }
    Effects effects;
    {
        const std::lock_guard lock(mutex_);
        std::vector<std::uint64_t> values(specs.size());
        auto in = words.begin() + kHead;
        std::uint64_t errors = 0;
        for (std::size_t i = 0; i < specs.size(); ++i, ++in) {
            values[i] = possible(specs[i], *in);
            if (specs[i].offset == GERROR::offset) errors = *in;
        }
        registers_.restore(values);
        settle_status(registers_, errors);
        EventRecorder::Kept kept;
        for (std::uint64_t i = 0; i < words[6]; ++i, ++in) {
            kept.stalled.push_back({static_cast<std::uint32_t>(*in >> 16), static_cast<std::uint16_t>(*in)});
        }
        for (std::uint64_t i = 0; i < held_records; ++i, in += 4)
            kept.held.push_back({in[0], in[1], in[2], in[3]});
        kept.held_stale = (words[7] & kHeldStale) != 0;
        recorder_.restore(std::move(kept));
        std::vector<Open> open;
        for (std::uint64_t i = 0; i < open_invalidates; ++i, in += 2)
            open.push_back(unpacked(in[0], in[1], i));
        invalidates_.restore(std::move(open), open_invalidates);
        atc_inv_failed_ = (words[8] & kAtcInvFailed) != 0;
        effects.append(iommu::deadline_moved(iommu::kNever, invalidates_.deadline_ns()));
        stream_table_ = stream_table(registers_);
        effects.append(publish_gate());
        if (queue_runs()) effects.add(iommu::Kick{});
    }
    perform(effects);
    return iommu::Done{};
}

}  // namespace smmuv3
