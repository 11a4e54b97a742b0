// SPDX-License-Identifier: GPL-2.0-or-later
//
// Unit: the register page as a driver uses it.
//
// Global commands are issued as the manual wants it: status without the one-shot bits, plus the one change, then a poll
// of the status. The unit is synchronous where the manual lets software poll, so one look must do; `command` throws
// when it does not.
#ifndef QTEST_VTD_UNIT_H
#define QTEST_VTD_UNIT_H

#include <cstdint>
#include <vector>

#include "client/guest_ram.h"
#include "client/qtest.h"
#include "vtd/words.h"

namespace vtd_driver {

inline constexpr std::uint64_t registers_base = 0xfed90000;

// One fault recording register.
struct FaultRecord {
    std::uint64_t address = 0;  // FI: the page
    std::uint64_t high = 0;     // the upper word as it was read, F included

    [[nodiscard]] unsigned reason() const { return static_cast<unsigned>(extract(high, 39, 32)); }
    [[nodiscard]] unsigned source() const { return static_cast<unsigned>(extract(high, 15, 0)); }
    [[nodiscard]] bool is_read() const { return extract(high, 62, 62) == 1; }
    [[nodiscard]] bool present() const { return extract(high, 63, 63) == 1; }
    friend bool operator==(const FaultRecord&, const FaultRecord&) = default;
};

class Unit {
  public:
    explicit Unit(qtest::Qtest& qtest) : qtest_(&qtest) {}

    [[nodiscard]] std::uint32_t read32(std::uint64_t offset) const { return qtest_->readl(registers_base + offset); }
    [[nodiscard]] std::uint64_t read64(std::uint64_t offset) const { return qtest_->readq(registers_base + offset); }
    void write32(std::uint64_t offset, std::uint32_t value) const { qtest_->writel(registers_base + offset, value); }
    void write64(std::uint64_t offset, std::uint64_t value) const { qtest_->writeq(registers_base + offset, value); }

    // Global commands.
    void set(std::uint32_t command) const;
    void clear(std::uint32_t command) const;
    [[nodiscard]] std::uint32_t status() const { return read32(reg::GSTS); }
    void set_root_table(std::uint64_t table, Mode mode) const;

    // Where CAP and ECAP say that they are.
    [[nodiscard]] std::uint64_t fault_register(unsigned index) const;
    [[nodiscard]] unsigned fault_registers() const;
    [[nodiscard]] std::uint64_t iva_register() const;
    [[nodiscard]] std::uint64_t iotlb_register() const { return iva_register() + 8; }

    [[nodiscard]] FaultRecord fault(unsigned index) const;
    // The handler of Linux: from FRI on, record by record, clearing each F with a 4-byte write, until one is not set;
    // then the overflow.
    [[nodiscard]] std::vector<FaultRecord> take_faults() const;

    // An event's message goes to the doorbell; unmasked.
    void send_fault_events_to(std::uint64_t address, std::uint32_t data) const;
    void send_completion_events_to(std::uint64_t address, std::uint32_t data) const;
    void send_page_events_to(std::uint64_t address, std::uint32_t data) const;

  private:
    void issue(std::uint32_t value, std::uint32_t status_bits, std::uint32_t expected) const;

    qtest::Qtest* qtest_;
};

}  // namespace vtd_driver

#endif  // QTEST_VTD_UNIT_H
