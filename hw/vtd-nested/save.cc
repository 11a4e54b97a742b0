// SPDX-License-Identifier: GPL-2.0-or-later
//
// Reset, and the state that a migration carries: registers and what is latched. Caches are not part of it; they fill
// again.
//
// Words: 0 format, 1 VER and host width, 2 CAP, 3 ECAP, 4 gate, 5 next fault recording register, 6 number of registers,
// then the registers in the order of register_specs(); from 256 on what is in flight. Deadlines are points of the
// guest's time, which goes on where it was.
#include <algorithm>
#include <span>

#include "vtd-nested/device.h"

namespace vtd {

namespace {

constexpr std::uint64_t kFormat = 2;
constexpr std::size_t kRegisters = 7;
constexpr std::size_t kInFlight = 256;
static_assert(kRegisters + 40 + 2 * (kMaxNfr + 1) <= kInFlight);
static_assert(kInFlight + InFlight::kStateWords <= kStateWords);

std::uint64_t version_word(const Capabilities& capabilities) {
    return std::uint64_t{capabilities.haw} << 8 | capabilities.ver;
}

// Only bits that the layout has: a stream may say anything.
std::uint64_t defined_bits(const iommu::RegisterSpec& spec, std::uint64_t value) {
    std::uint64_t defined = 0;
    for (const iommu::FieldInfo& field : spec.fields) {
        if (field.access != iommu::Rsvd) defined |= iommu::bit_range(field.high, field.low);
    }
    return value & defined;
}

// What the stream may not decide: constants, and status bits that this unit never sets and software could not clear.
void keep_possible(iommu::RegisterFile& registers, const Capabilities& capabilities) {
    registers.set(ver_register(capabilities));
    registers.set(cap_register(capabilities));
    registers.set(ecap_register(capabilities));
    constexpr std::uint32_t gsts = GSTS::TES::mask | GSTS::RTPS::mask | GSTS::QIES::mask;
    std::uint32_t fsts = FSTS::PFO::mask | FSTS::PPF::mask | FSTS::FRI::mask | FSTS::IQE::mask;
    if (capabilities.dt != 0) fsts |= FSTS::ICE::mask | FSTS::ITE::mask;
    registers.set(Value<GSTS>{registers.get<GSTS>().raw() & gsts});
    registers.set(Value<FSTS>{registers.get<FSTS>().raw() & fsts});
    // Invalidations by register are over: what was held back for DMA on the other machine has none here.
    constexpr std::uint32_t iotlb = kIvaOffset + IOTLB_REG::relative_offset;
    registers.set(registers.get<CCMD>().with<CCMD::ICC>(0));
    registers.set(registers.get<IOTLB_REG>(iotlb).with<IOTLB_REG::IVT>(0), iotlb);
}

}  // namespace

void Unit::reset() {
    Effects effects;
    {
        const std::lock_guard lock(mutex_);
        registers_.reset();
        recorder_.restart();
        recorder_.forget_transaction();
        const std::uint64_t deadline = in_flight_.deadline_ns();
        in_flight_.clear();
        register_ticket_ = 0;
        now_ns_ = 0;  // a snapshot may bring an earlier one back
        effects = publish_gate({});
        effects.append(iommu::deadline_moved(deadline, in_flight_.deadline_ns()));
        effects.append(drop_everything());
    }
    perform(effects);
}

StateWords Unit::save() const {
    const std::lock_guard lock(mutex_);
    const auto values = registers_.values();
    StateWords words{};
    words[0] = kFormat;
    words[1] = version_word(capabilities_);
    words[2] = cap_register(capabilities_).raw();
    words[3] = ecap_register(capabilities_).raw();
    words[4] = gate().word;
    words[5] = recorder_.next();
    words[6] = values.size();
    std::copy(values.begin(), values.end(), words.begin() + kRegisters);
    in_flight_.save(std::span(words).subspan<kInFlight, InFlight::kStateWords>());
    return words;
}

Result<iommu::Done, std::string> Unit::load(const StateWords& words) {
    reset();
    if (words[0] != kFormat)
        return Err{"the saved state has format " + std::to_string(words[0]) + ", not " + std::to_string(kFormat)};
    const bool same_unit = words[1] == version_word(capabilities_) && words[2] == cap_register(capabilities_).raw() &&
                           words[3] == ecap_register(capabilities_).raw() && words[6] == registers_.specs().size();
    if (!same_unit) {
        return Err{
            std::string("the saved state is of a unit with other capabilities; start this one with the same "
                        "properties as the one that was saved")};
    }
    Effects effects;
    {
        const std::lock_guard lock(mutex_);
        const auto specs = registers_.specs();
        std::vector<std::uint64_t> values(specs.size());
        for (std::size_t i = 0; i < specs.size(); ++i)
            values[i] = defined_bits(specs[i], words[kRegisters + i]);
        registers_.restore(values);
        keep_possible(registers_, capabilities_);
        recorder_.set_next(static_cast<unsigned>(words[5] % (capabilities_.nfr + 1u)));
        // The gates follow the status bits; only what was latched has no register of its own.
        std::uint64_t gate = words[4] & (RTADDR::RTA::mask | RTADDR::TTM::mask);
        if (registers_.get<GSTS>().get<GSTS::TES>() != 0) gate |= Gate::kTranslating;
        if (registers_.get<PMEN>().get<PMEN::PRS>() != 0) gate |= Gate::kGuarded;
        effects = publish_gate({gate});
        if (capabilities_.dt != 0) in_flight_.load(std::span(words).subspan<kInFlight, InFlight::kStateWords>());
        effects.append(iommu::deadline_moved(iommu::kNever, in_flight_.deadline_ns()));
        if (queue_has_work()) effects.add(iommu::Kick{});
    }
    perform(effects);
    return iommu::Done{};
}

}  // namespace vtd
