// SPDX-License-Identifier: GPL-2.0-or-later
#include "vtd/unit.h"

namespace vtd_driver {
namespace {

// GSTS without the one-shot commands' bits 30, 29, 27, 24.
constexpr std::uint32_t lasting_status = 0x96ffffff;

}  // namespace

void Unit::issue(std::uint32_t value, std::uint32_t status_bits, std::uint32_t expected) const {
    write32(reg::GCMD, value);
    if ((status() & status_bits) != expected) throw qtest::ProcessError("the unit does not carry out a global command");
}

void Unit::set(std::uint32_t command) const { issue((status() & lasting_status) | command, command, command); }

void Unit::clear(std::uint32_t command) const { issue(status() & lasting_status & ~command, command, 0); }

void Unit::set_root_table(std::uint64_t table, Mode mode) const {
    write64(reg::RTADDR, table | field(11, 10, static_cast<std::uint64_t>(mode)));
    set(SRTP);
}

std::uint64_t Unit::fault_register(unsigned index) const {
    return 16 * extract(read64(reg::CAP), 33, 24) + std::uint64_t{16} * index;
}

unsigned Unit::fault_registers() const { return static_cast<unsigned>(extract(read64(reg::CAP), 47, 40)) + 1; }

std::uint64_t Unit::iva_register() const { return 16 * extract(read64(reg::ECAP), 17, 8); }

FaultRecord Unit::fault(unsigned index) const {
    const std::uint64_t offset = fault_register(index);
    return {.address = read64(offset), .high = read64(offset + 8)};
}

std::vector<FaultRecord> Unit::take_faults() const {
    static constexpr std::uint32_t clear_f = 1u << 31;
    std::vector<FaultRecord> faults;
    const std::uint32_t status = read32(reg::FSTS);
    if ((status & PPF) == 0) return faults;
    const unsigned count = fault_registers();
    auto index = static_cast<unsigned>(extract(status, 15, 8));
    for (unsigned seen = 0; seen < count; ++seen) {
        const FaultRecord record = fault(index);
        if (!record.present()) break;
        faults.push_back(record);
        write32(fault_register(index) + 12, clear_f);
        index = (index + 1) % count;
    }
    write32(reg::FSTS, PFO);
    return faults;
}

void Unit::send_fault_events_to(std::uint64_t address, std::uint32_t data) const {
    write32(reg::FEDATA, data);
    write32(reg::FEADDR, static_cast<std::uint32_t>(address));
    write32(reg::FEUADDR, static_cast<std::uint32_t>(address >> 32));
    write32(reg::FECTL, 0);
}

void Unit::send_completion_events_to(std::uint64_t address, std::uint32_t data) const {
    write32(reg::IEDATA, data);
    write32(reg::IEADDR, static_cast<std::uint32_t>(address));
    write32(reg::IEUADDR, static_cast<std::uint32_t>(address >> 32));
    write32(reg::IECTL, 0);
}

void Unit::send_page_events_to(std::uint64_t address, std::uint32_t data) const {
    write32(reg::PEDATA, data);
    write32(reg::PEADDR, static_cast<std::uint32_t>(address));
    write32(reg::PEUADDR, static_cast<std::uint32_t>(address >> 32));
    write32(reg::PECTL, 0);
}

}  // namespace vtd_driver
