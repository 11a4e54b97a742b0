// SPDX-License-Identifier: GPL-2.0-or-later
#include "smmuv3/unit.h"

namespace smmu_driver {

void Unit::write_with_ack(std::uint64_t offset, std::uint64_t ack, std::uint32_t value) const {
    write32(offset, value);
    if (read32(ack) != value) throw qtest::ProcessError("the unit does not acknowledge a register");
}

void Unit::send_events_to(std::uint64_t address, std::uint32_t data) const {
    write64(reg::EVENTQ_IRQ_CFG0, address);
    write32(reg::EVENTQ_IRQ_CFG1, data);
}

void Unit::send_errors_to(std::uint64_t address, std::uint32_t data) const {
    write64(reg::GERROR_IRQ_CFG0, address);
    write32(reg::GERROR_IRQ_CFG1, data);
}

}  // namespace smmu_driver
