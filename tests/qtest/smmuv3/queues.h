// SPDX-License-Identifier: GPL-2.0-or-later
//
// CommandQueue and EventQueue: the driver's ends of both.
//
// Their indexes count on past the end: the bit above the index is the wrap flag.
#ifndef QTEST_SMMUV3_QUEUES_H
#define QTEST_SMMUV3_QUEUES_H

#include <cstdint>
#include <vector>

#include "client/guest_ram.h"
#include "smmuv3/commands.h"
#include "smmuv3/event.h"
#include "smmuv3/unit.h"

namespace smmu_driver {

class CommandQueue {
  public:
    CommandQueue(qtest::GuestRam& ram, const Unit& unit, unsigned size_log2 = 7);

    // The same queue in a machine that was moved.
    CommandQueue(const CommandQueue& other, qtest::GuestRam& ram, const Unit& unit) : CommandQueue(other) {
        ram_ = &ram;
        unit_ = unit;
    }

    // While CMDQEN is 0.
    void set_up();

    // Without telling the unit; returns the slot's index.
    std::uint32_t push(const Command& command);
    void write_slot(std::uint32_t slot, const Command& command) const;
    void ring() const { unit_.write32(reg::CMDQ_PROD, producer_); }
    // Pushes, rings and waits until all is consumed; throws if it is not.
    void submit(const Command& command);
    void wait_consumed() const;

    [[nodiscard]] std::uint32_t producer() const { return producer_; }
    [[nodiscard]] std::uint32_t consumer() const { return unit_.read32(reg::CMDQ_CONS) & 0xfffff; }
    // CMDQ_CONS.ERR.
    [[nodiscard]] unsigned error() const { return unit_.read32(reg::CMDQ_CONS) >> 24 & 0x7f; }
    [[nodiscard]] std::uint64_t base() const { return base_; }
    [[nodiscard]] std::uint32_t entries() const { return 1u << size_log2_; }
    [[nodiscard]] std::uint64_t slot_address(std::uint32_t slot) const { return base_ + 16ull * (slot % entries()); }

  private:
    qtest::GuestRam* ram_;
    Unit unit_;
    unsigned size_log2_;
    std::uint64_t base_;
    std::uint32_t producer_ = 0;
};

class EventQueue {
  public:
    EventQueue(qtest::GuestRam& ram, const Unit& unit, unsigned size_log2 = 4);

    // While EVENTQEN is 0.
    void set_up() const;

    // The handler of Linux: record by record, then the overflow.
    [[nodiscard]] Events take() const;
    [[nodiscard]] bool overflowed() const;
    [[nodiscard]] std::uint64_t base() const { return base_; }
    [[nodiscard]] std::uint32_t entries() const { return 1u << size_log2_; }

  private:
    qtest::GuestRam* ram_;
    Unit unit_;
    unsigned size_log2_;
    std::uint64_t base_;
};

}  // namespace smmu_driver

#endif  // QTEST_SMMUV3_QUEUES_H
