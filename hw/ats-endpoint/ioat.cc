// SPDX-License-Identifier: GPL-2.0-or-later
//
// The life of a descriptor.
#include "ats-endpoint/ioat.h"

namespace endpoint {

using ioat::CHANCMD;
using ioat::CHANCTRL;
using ioat::CHANERR;
using ioat::CHANSTS;
using ioat::Descriptor;
using ioat::Status;

namespace {

// Operations of one run; the engine bounds the steps of each.
constexpr unsigned kOperationsPerRun = 8;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << ioat::kTransferLog2;
constexpr unsigned kVector = 0;

bool wraps(std::uint64_t address, std::uint64_t length) { return address + (length - 1) < address; }

// What is wrong with a descriptor by itself, as a bit of CHANERR; 0 when nothing is.
std::uint64_t error_of(const iommu::Value<Descriptor>& descriptor) {
    const std::uint64_t size = descriptor.get<Descriptor::SIZE>();
    if (descriptor.get<Descriptor::OP>() != 0 || descriptor.reserved_bits_set()) return CHANERR::CONTROL_ERR::mask;
    if (size == 0 || size > kMostBytes) return CHANERR::LENGTH_ERR::mask;
    if (descriptor.get<Descriptor::NO_TRANSFER>() != 0) return 0;
    if (wraps(descriptor.get<Descriptor::SRC_ADDR>(), size)) return CHANERR::SRC_ADDR_ERR::mask;
    if (wraps(descriptor.get<Descriptor::DST_ADDR>(), size)) return CHANERR::DEST_ADDR_ERR::mask;
    return 0;
}

}  // namespace

// The engine's own interrupt says that an operation is over.
void Ioat::msix(unsigned /*vector*/) { ports_.clock.kick(); }

void Ioat::run() {
    if (resetting()) reset_channel();
    for (unsigned begun = 0; begun < kOperationsPerRun && active(); ++begun) {
        if (!engine_busy()) advance();
        engine_.run();
        if (engine_busy()) break;
    }
    if (resetting() || (active() && !engine_busy())) ports_.clock.kick();
}

// The engine is at rest.
void Ioat::advance() {
    switch (phase_) {
        case Phase::Between: return fetch();
        case Phase::Fetch: return begin_descriptor();
        case Phase::Copy: return end_copy();
        case Phase::Complete:
            if (result() != Code::Success) return fail(CHANERR::COMPLETION_ADDR_ERR::mask);
            return end_descriptor();
    }
}

void Ioat::fetch() {
    if (suspend_asked_) return enter(Status::Suspended);
    if (left() == 0) return enter(Status::Done);
    current_ = next_;
    if (current_ % ioat::kDescriptorBytes != 0)
        return fail(from_chainaddr_ ? CHANERR::CHAIN_ADDR_VALUE_ERR::mask : CHANERR::NEXT_DESC_ALIGN_ERR::mask);
    order(Phase::Fetch, {.op = Op::Read, .source = current_, .length = ioat::kDescriptorBytes});
}

void Ioat::begin_descriptor() {
    if (result() != Code::Success)
        return fail(from_chainaddr_ ? CHANERR::CHAIN_ADDR_VALUE_ERR::mask : CHANERR::NEXT_ADDR_ERR::mask);
    iommu::Words<8> words{};
    for (unsigned i = 0; i < words.size(); ++i)
        words[i] = engine_.peek(kWindowsOffset + 8 * i, 8);
    descriptor_ = iommu::Value<Descriptor>{words};
    if (const std::uint64_t error = error_of(descriptor_); error != 0) return fail(error);
    if (descriptor_.get<Descriptor::NO_TRANSFER>() != 0) return write_record();
    order(Phase::Copy, {.op = Op::Copy,
                        .source = descriptor_.get<Descriptor::SRC_ADDR>(),
                        .destination = descriptor_.get<Descriptor::DST_ADDR>(),
                        .length = descriptor_.get<Descriptor::SIZE>()});
}

void Ioat::end_copy() {
    if (result() != Code::Success)
        return fail(failed_reading() ? CHANERR::READ_DATA_ERR::mask : CHANERR::WRITE_DATA_ERR::mask);
    write_record();
}

void Ioat::write_record() {
    if (descriptor_.get<Descriptor::COMPL_WRITE>() == 0) return end_descriptor();
    engine_.poke(kWindowsOffset, next_status().raw(), 8);
    const std::uint64_t record = registers_.get<ioat::CHANCMP>().in_place<ioat::CHANCMP::ADDRESS>();
    order(Phase::Complete, {.op = Op::Write, .destination = record, .length = 8});
}

void Ioat::end_descriptor() {
    registers_.set(next_status());
    phase_ = Phase::Between;
    next_ = descriptor_.get<Descriptor::NEXT>();
    from_chainaddr_ = false;
    ++done_;
    if (left() == 0) enter(suspend_asked_ ? Status::Suspended : Status::Done);
    if (descriptor_.get<Descriptor::INT_EN>() != 0) interrupt();
}

iommu::Value<CHANSTS> Ioat::next_status() const {
    const Status then = left() == 1 ? Status::Done : Status::Active;
    return iommu::Value<CHANSTS>{}.with_in_place<CHANSTS::COMPLETED>(current_).with<CHANSTS::STATUS>(
        static_cast<unsigned>(then));
}

void Ioat::fail(std::uint64_t error) {
    const auto bit = static_cast<std::uint32_t>(error);
    registers_.set(iommu::Value<CHANERR>{registers_.get<CHANERR>().raw() | bit});
    errors_ = iommu::Value<CHANERR>{errors_.raw() | bit};
    enter(Status::Halted);
    if (registers_.get<CHANCTRL>().get<CHANCTRL::ERR_INT_EN>() != 0) interrupt();
}

// One, then none until software has taken note of it.
void Ioat::interrupt() {
    const auto control = registers_.get<CHANCTRL>();
    if (registers_.get<ioat::GENERAL>().get<ioat::GENERAL::MSIX_VECTOR_CONTROL>() == 0) return;
    if (control.get<CHANCTRL::INT_DISABLE>() != 0) return;
    registers_.set(control.with<CHANCTRL::INT_DISABLE>(1));
    ports_.interrupt.msix(kVector);
}

void Ioat::reset_channel() {
    tell_engine(DOORBELL::offset, DOORBELL::CANCEL::mask, 4);
    for (const iommu::RegisterSpec& spec : registers_.specs()) {
        if (spec.offset >= CHANCTRL::offset) registers_.set_raw(spec.offset, spec.reset);
    }
    done_ = 0;
    next_ = 0;
    from_chainaddr_ = true;
    enter(Status::Halted);
}

// ---- State

Status Ioat::status() const { return static_cast<Status>(registers_.get<CHANSTS>().get<CHANSTS::STATUS>()); }

void Ioat::enter(Status status) {
    registers_.set(registers_.get<CHANSTS>().with<CHANSTS::STATUS>(static_cast<unsigned>(status)));
    phase_ = Phase::Between;
    suspend_asked_ = false;
}

std::uint16_t Ioat::left() const {
    return static_cast<std::uint16_t>(registers_.get<CHANCMD>().get<CHANCMD::DMACOUNT>() - done_);
}

bool Ioat::resetting() const { return registers_.get<CHANCMD>().get<CHANCMD::RESET>() != 0; }

// ---- The engine

void Ioat::order(Phase phase, const Order& order) {
    phase_ = phase;
    const auto operation = iommu::Value<OPERATION>{}
                               .with<OPERATION::OP>(static_cast<unsigned>(order.op))
                               .with<OPERATION::VIA>(static_cast<unsigned>(Via::Atc))
                               .with<OPERATION::INTERRUPT>(1);
    tell_engine(OPERATION::offset, operation.raw(), 4);
    tell_engine(SOURCE::offset, order.source, 8);
    tell_engine(DESTINATION::offset, order.destination, 8);
    tell_engine(LENGTH::offset, order.length, 8);
    tell_engine(DOORBELL::offset, DOORBELL::START::mask, 4);
}

void Ioat::tell_engine(std::uint32_t offset, std::uint64_t value, unsigned size) {
    engine_.poke(kChannelsOffset + offset, value, size);
}

std::uint64_t Ioat::ask_engine(std::uint32_t offset, unsigned size) const {
    return engine_.peek(kChannelsOffset + offset, size);
}

bool Ioat::engine_busy() const {
    const iommu::Value<STATUS> value{static_cast<std::uint32_t>(ask_engine(STATUS::offset, 4))};
    return value.get<STATUS::BUSY>() != 0;
}

Code Ioat::result() const {
    const iommu::Value<RESULT> value{static_cast<std::uint32_t>(ask_engine(RESULT::offset, 4))};
    return static_cast<Code>(value.get<RESULT::CODE>());
}

// A copy's transactions are reads and writes in turn, beginning with a read. One that was waiting for its page when the
// operation ended is not counted.
bool Ioat::failed_reading() const {
    const iommu::Value<RESULT> value{static_cast<std::uint32_t>(ask_engine(RESULT::offset, 4))};
    const Code code = result();
    const bool counted = code != Code::TimeOut && code != Code::Cancelled && code != Code::Refused;
    const std::uint64_t number = value.get<RESULT::TRANSACTIONS>() + (counted ? 0 : 1);
    return number % 2 == 1;
}

}  // namespace endpoint
