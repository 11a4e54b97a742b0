// SPDX-License-Identifier: GPL-2.0-or-later
//
// InvalidationQueue: the driver's end of the queue.
//
//     queue.enable();
//     queue.submit(descriptor::iotlb_global());       // and waits for its completion
//     queue.push(descriptor::iotlb_global()); queue.ring();   // does not
//
// A page holds 256 short descriptors or 128 long ones.
#ifndef QTEST_VTD_INVALIDATION_QUEUE_H
#define QTEST_VTD_INVALIDATION_QUEUE_H

#include <cstdint>
#include <vector>

#include "client/guest_ram.h"
#include "vtd/descriptors.h"
#include "vtd/unit.h"

namespace vtd_driver {

enum class Width : std::uint8_t { Short = 16, Long = 32 };

class InvalidationQueue {
  public:
    // Of 2^pages_log2 pages.
    InvalidationQueue(qtest::GuestRam& ram, const Unit& unit, Width width, unsigned pages_log2 = 0);

    [[nodiscard]] std::uint64_t base() const { return base_; }
    [[nodiscard]] std::uint64_t size() const { return qtest::page_size << pages_log2_; }
    [[nodiscard]] std::uint64_t entry_size() const { return static_cast<std::uint64_t>(width_); }
    [[nodiscard]] std::uint64_t slots() const { return size() / entry_size(); }

    // As Linux does: tail, address, enable.
    void enable();
    // Off and on again, from the start of the page.
    void restart();

    // Writes the next slot; the unit does not look before ring().
    void push(const Descriptor& descriptor);
    // The first slots of the queue, many at a time; the next push() goes behind them.
    void fill(const std::vector<Descriptor>& descriptors);
    void ring() const;
    // All of it; throws if a wait after it does not complete.
    void submit(const Descriptor& descriptor);

    // The slot that push() fills next, and its byte offset as the registers show it.
    [[nodiscard]] std::uint64_t tail() const { return tail_; }
    void set_tail(std::uint64_t offset) { tail_ = offset; }
    void write_slot(std::uint64_t offset, const Descriptor& descriptor);
    [[nodiscard]] std::uint64_t head() const { return unit_->read64(reg::IQH); }

    // A word of its own page that wait descriptors write.
    [[nodiscard]] std::uint64_t status_address() const { return status_; }
    [[nodiscard]] std::uint32_t status() const { return ram_->read32(status_); }

  private:
    qtest::GuestRam* ram_;
    const Unit* unit_;
    Width width_;
    unsigned pages_log2_;
    std::uint64_t base_;
    std::uint64_t status_;
    std::uint64_t tail_ = 0;
    std::uint32_t sequence_ = 0x1000;
};

}  // namespace vtd_driver

#endif  // QTEST_VTD_INVALIDATION_QUEUE_H
