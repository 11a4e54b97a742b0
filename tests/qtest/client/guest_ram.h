// SPDX-License-Identifier: GPL-2.0-or-later
//
// GuestRam: the guest's memory as its operating system sees it: pages to hand out, words to store.
//
// Pages are given out upwards and never taken back; they are zero, because the machine is fresh. Everything is seen by
// devices at once.
#ifndef QTEST_GUEST_RAM_H
#define QTEST_GUEST_RAM_H

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "client/qtest.h"

namespace qtest {

inline constexpr std::uint64_t page_size = 4096;
// Of all machines of the tests.
inline constexpr std::uint64_t ram_size = 64 * 1024 * 1024;

class GuestRam {
  public:
    // `base` is where memory begins.
    explicit GuestRam(Qtest& qtest, std::uint64_t base = 0)
        : qtest_(&qtest), next_(base + lowest), end_(base + ram_size) {}

    // Consecutive pages, zeroed, aligned to `alignment` bytes (a power of two).
    [[nodiscard]] std::uint64_t allocate_pages(std::uint64_t count, std::uint64_t alignment = page_size);
    [[nodiscard]] std::uint64_t allocate_page() { return allocate_pages(1); }

    [[nodiscard]] std::uint64_t read64(std::uint64_t address) const { return qtest_->readq(address); }
    [[nodiscard]] std::uint32_t read32(std::uint64_t address) const { return qtest_->readl(address); }
    void write64(std::uint64_t address, std::uint64_t value) const { qtest_->writeq(address, value); }
    void write32(std::uint64_t address, std::uint32_t value) const { qtest_->writel(address, value); }

    // `size` bytes that tell where they are: no two pages, and no two words of a page, have the same.
    void fill_with_pattern(std::uint64_t address, std::size_t size, std::uint32_t seed) const;
    [[nodiscard]] static std::vector<std::uint8_t> pattern(std::size_t size, std::uint32_t seed);
    [[nodiscard]] std::vector<std::uint8_t> read(std::uint64_t address, std::size_t size) const {
        return qtest_->memread(address, size);
    }
    void write(std::uint64_t address, std::span<const std::uint8_t> bytes) const { qtest_->memwrite(address, bytes); }

  private:
    // Below is what PCs keep for firmware and old devices, and others for the device tree.
    static constexpr std::uint64_t lowest = 0x100000;
    Qtest* qtest_;
    std::uint64_t next_;
    std::uint64_t end_;
};

// Doorbell: where an interrupt message can be seen to arrive.
//
// A message is a 4-byte store. Sent to a word of RAM instead of to the interrupt controllers, it stays there.
class Doorbell {
  public:
    Doorbell(Qtest& qtest, GuestRam& ram) : qtest_(&qtest), address_(ram.allocate_page()) { arm(); }

    [[nodiscard]] std::uint64_t address() const { return address_; }
    // What was sent since the last call, if anything.
    [[nodiscard]] std::optional<std::uint32_t> take();

  private:
    void arm() { qtest_->writel(address_, silent); }

    // No data that a test would send.
    static constexpr std::uint32_t silent = 0xfffffff0;
    Qtest* qtest_;
    std::uint64_t address_;
};

}  // namespace qtest

#endif  // QTEST_GUEST_RAM_H
