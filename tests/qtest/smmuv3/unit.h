// SPDX-License-Identifier: GPL-2.0-or-later
//
// Unit: the register pages as a driver uses them.
//
// Where the manual lets software poll for the effect of a write, the unit is synchronous, so one look must do; set_cr0
// and set_irq_ctrl throw when it does not.
#ifndef QTEST_SMMUV3_UNIT_H
#define QTEST_SMMUV3_UNIT_H

#include <cstdint>

#include "client/qtest.h"
#include "smmuv3/words.h"

namespace smmu_driver {

inline constexpr std::uint64_t registers_base = 0x09050000;
inline constexpr std::uint64_t registers_size = 0x20000;

class Unit {
  public:
    explicit Unit(qtest::Qtest& qtest) : qtest_(&qtest) {}

    [[nodiscard]] std::uint32_t read32(std::uint64_t offset) const { return qtest_->readl(registers_base + offset); }
    [[nodiscard]] std::uint64_t read64(std::uint64_t offset) const { return qtest_->readq(registers_base + offset); }
    void write32(std::uint64_t offset, std::uint32_t value) const { qtest_->writel(registers_base + offset, value); }
    void write64(std::uint64_t offset, std::uint64_t value) const { qtest_->writeq(registers_base + offset, value); }

    void set_cr0(std::uint32_t value) const { write_with_ack(reg::CR0, reg::CR0ACK, value); }
    void set_irq_ctrl(std::uint32_t value) const { write_with_ack(reg::IRQ_CTRL, reg::IRQ_CTRLACK, value); }

    // GERROR bits that were not acknowledged, and doing so.
    [[nodiscard]] std::uint32_t active_errors() const { return read32(reg::GERROR) ^ read32(reg::GERRORN); }
    void acknowledge_errors() const { write32(reg::GERRORN, read32(reg::GERROR)); }

    // Messages instead of wires. While the interrupt is disabled.
    void send_events_to(std::uint64_t address, std::uint32_t data) const;
    void send_errors_to(std::uint64_t address, std::uint32_t data) const;

  private:
    void write_with_ack(std::uint64_t offset, std::uint64_t ack, std::uint32_t value) const;

    qtest::Qtest* qtest_;
};

}  // namespace smmu_driver

#endif  // QTEST_SMMUV3_UNIT_H
