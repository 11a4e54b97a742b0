// SPDX-License-Identifier: GPL-2.0-or-later
//
// BAR 0 as the driver sees it, what its writes mean, and the state that a migration carries.
#include <algorithm>

#include "ats-endpoint/ioat.h"

namespace endpoint {

using ioat::CHAINADDR;
using ioat::CHANCMD;
using ioat::CHANCTRL;
using ioat::CHANERR;
using ioat::CHANSTS;
using ioat::GENERAL;
using ioat::Status;

namespace {

constexpr std::uint64_t kHalted = static_cast<std::uint64_t>(Status::Halted);

std::vector<iommu::RegisterSpec> ioat_registers() {
    const auto general = iommu::Value<GENERAL>{}.with<GENERAL::CHANCNT>(1).with<GENERAL::XFERCAP>(ioat::kTransferLog2);
    return {iommu::spec_of<GENERAL>(general.raw()),
            iommu::spec_of<ioat::VERSION>(ioat::kVersion),
            iommu::spec_of<ioat::DMACAPABILITY>(),
            iommu::spec_of<CHANCTRL>(CHANCTRL::COMPATIBILITY_2::mask),
            iommu::spec_of<CHANCMD>(),
            iommu::spec_of<CHANSTS>(kHalted),
            iommu::spec_of<CHAINADDR>(),
            iommu::spec_of<ioat::CHANCMP>(),
            iommu::spec_of<CHANERR>()};
}

bool is_part(std::uint64_t offset, unsigned size) { return (size == 1 || size == 2) && offset % size == 0; }

// The engine's state ends before these words: its lists are bounded.
constexpr std::size_t kStateBegin = kStateWords - 32;
constexpr std::uint64_t kMark = 0x54414f49;  // "IOAT"

}  // namespace

Ioat::Ioat(const Options& options, const Ports& ports)
    : ports_(ports),
      engine_(options, {ports.upstream, ports.memory, *this, ports.clock, ports.config}),
      registers_(ioat_registers(), ioat::kFrameBytes) {}

std::uint64_t Ioat::read(std::uint64_t offset, unsigned size) const {
    if (engine_.away()) return iommu::low_bits(8 * size);
    if (!is_part(offset, size)) return registers_.read(offset, size);
    return registers_.read(offset / 4 * 4, 4) >> (8 * (offset % 4)) & iommu::low_bits(8 * size);
}

// A part of a word is written as the whole word with what software left in the rest of it; ones that would clear or
// command something are not among that.
void Ioat::write(std::uint64_t offset, std::uint64_t value, unsigned size) {
    if (engine_.away()) return;
    if (registers_.splits(offset, size)) {
        write(offset, value & iommu::low_bits(32), 4);
        return write(offset + 4, value >> 32, 4);
    }
    // It is being read from.
    if (active() && offset >= CHAINADDR::offset && offset < CHAINADDR::offset + 8) return;
    if (!is_part(offset, size)) {
        if (const auto done = registers_.write(offset, size, value)) written(*done);
        return;
    }
    const auto specs = registers_.specs();
    const auto word = std::find_if(specs.begin(), specs.end(), [&](const iommu::RegisterSpec& spec) {
        return spec.offset == offset / 4 * 4 && spec.size == 4;
    });
    if (word == specs.end()) return;
    const auto shift = static_cast<unsigned>(8 * (offset % 4));
    const std::uint64_t lanes = iommu::low_bits(8 * size) << shift;
    const std::uint64_t rest = registers_.read(word->offset, 4) & word->rw & ~lanes;
    auto done = registers_.write(word->offset, 4, rest | (value << shift & lanes));
    if (!done) return;
    done->lanes = lanes;
    written(*done);
}

void Ioat::written(const iommu::RegisterWrite& write) {
    switch (write.offset) {
        case CHANCMD::offset: return command(write);
        case CHAINADDR::offset:
            next_ = write.after;
            from_chainaddr_ = true;
            done_ = 0;
            return;
        default: return;  // storage
    }
}

void Ioat::command(const iommu::RegisterWrite& write) {
    if (write.wrote_one<CHANCMD, CHANCMD::RESET>()) {
        registers_.set(write.as<CHANCMD>().with<CHANCMD::RESET>(1));
        ports_.clock.kick();
        return;
    }
    if (write.wrote_one<CHANCMD, CHANCMD::SUSPEND>()) {
        // The descriptor that is being done is finished first.
        if (active()) suspend_asked_ = true;
        if (status() == Status::Done) enter(Status::Suspended);
    }
    if ((write.lanes & CHANCMD::DMACOUNT::mask) == CHANCMD::DMACOUNT::mask) count_written();
}

void Ioat::count_written() {
    if (resetting() || active() || left() == 0 || registers_.get<CHANERR>().raw() != 0) return;
    enter(Status::Active);
    ports_.clock.kick();
}

void Ioat::clear_errors(std::uint32_t ones) { errors_ = iommu::Value<CHANERR>{errors_.raw() & ~ones}; }

// ---- Reset, migration

void Ioat::reset() {
    engine_.reset();
    registers_.reset();
    errors_ = {};
    descriptor_ = {};
    current_ = 0;
    next_ = 0;
    done_ = 0;
    from_chainaddr_ = true;
    enter(Status::Halted);
}

StateWords Ioat::save() const {
    StateWords words = engine_.save();
    auto to = words.begin() + kStateBegin;
    *to++ = kMark;
    to = std::copy(registers_.values().begin(), registers_.values().end(), to);
    *to++ = errors_.raw();
    to = std::copy(descriptor_.words().begin(), descriptor_.words().end(), to);
    *to++ = current_;
    *to++ = next_;
    *to++ = done_;
    *to++ = from_chainaddr_ ? 1 : 0;
    *to++ = suspend_asked_ ? 1 : 0;
    *to++ = static_cast<std::uint64_t>(phase_);
    return words;
}

iommu::Result<iommu::Done, std::string> Ioat::load(const StateWords& words) {
    reset();
    if (words.size() != kStateWords || words[kStateBegin] != kMark)
        return iommu::Err{std::string("the saved state is not of an ats-endpoint-ioat")};
    if (auto loaded = engine_.load(words); !loaded) return loaded;
    load_channel(words);
    if (active() || resetting()) ports_.clock.kick();
    return iommu::Done{};
}

// Constants stay, and bits that nothing defines are 0, whatever the words say.
void Ioat::load_channel(const StateWords& words) {
    auto from = words.begin() + kStateBegin + 1;
    const std::vector<iommu::RegisterSpec> specs = ioat_registers();
    for (const iommu::RegisterSpec& spec : specs) {
        std::uint64_t kept = spec.rw | spec.rw1c;
        if (spec.offset == CHANCMD::offset) kept |= CHANCMD::RESET::mask;
        if (spec.offset == CHANSTS::offset) kept |= CHANSTS::COMPLETED::mask | kHalted;
        registers_.set_raw(spec.offset, (*from++ & kept) | (spec.reset & ~kept));
    }
    errors_ = iommu::Value<CHANERR>{static_cast<std::uint32_t>(*from++ & CHANERR::layout::mask(iommu::RW1C)[0])};
    iommu::Words<8> descriptor{};
    std::copy_n(from, descriptor.size(), descriptor.begin());
    from += descriptor.size();
    descriptor_ = iommu::Value<ioat::Descriptor>{descriptor};
    current_ = *from++;
    next_ = *from++;
    done_ = static_cast<std::uint16_t>(*from++);
    from_chainaddr_ = *from++ != 0;
    suspend_asked_ = *from++ != 0 && active();
    phase_ = active() ? static_cast<Phase>(*from % 4) : Phase::Between;
}

}  // namespace endpoint
