// SPDX-License-Identifier: GPL-2.0-or-later
//
// Qtest: the test in the place of the guest's processor.
//
// With `-accel qtest` no guest code runs; the test loads and stores at guest-physical addresses and owns the virtual
// clock. Each call is one round trip, so everything that the access causes synchronously has happened when it returns.
// A machine has one such connection.
#ifndef QTEST_QTEST_H
#define QTEST_QTEST_H

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/line_socket.h"

namespace qtest {

class Qtest {
  public:
    explicit Qtest(LineSocket socket) : socket_(std::move(socket)) {}

    // Memory and memory-mapped registers, little-endian.
    [[nodiscard]] std::uint8_t readb(std::uint64_t address);
    [[nodiscard]] std::uint16_t readw(std::uint64_t address);
    [[nodiscard]] std::uint32_t readl(std::uint64_t address);
    [[nodiscard]] std::uint64_t readq(std::uint64_t address);
    void writeb(std::uint64_t address, std::uint8_t value);
    void writew(std::uint64_t address, std::uint16_t value);
    void writel(std::uint64_t address, std::uint32_t value);
    void writeq(std::uint64_t address, std::uint64_t value);

    [[nodiscard]] std::vector<std::uint8_t> memread(std::uint64_t address, std::size_t size);
    void memwrite(std::uint64_t address, std::span<const std::uint8_t> bytes);
    void memset(std::uint64_t address, std::size_t size, std::uint8_t value);

    // I/O ports.
    [[nodiscard]] std::uint32_t inl(std::uint16_t port);
    void outl(std::uint16_t port, std::uint32_t value);
    void outb(std::uint16_t port, std::uint8_t value);

    // The virtual clock, in nanoseconds; timers that expire on the way have run on return. All answer the new time.
    std::int64_t clock_step(std::int64_t nanoseconds);
    std::int64_t clock_step_to_next_timer();
    std::int64_t clock_set(std::int64_t nanoseconds);

    // From now on, levels of the input (output) lines of the device at this QOM path are seen. One device per machine.
    void irq_intercept_in(std::string_view qom_path);
    void irq_intercept_out(std::string_view qom_path);
    // Last level seen, nothing if the line has not moved.
    [[nodiscard]] std::optional<int> irq_level(int line);

  private:
    std::string command(const std::string& line);
    std::uint64_t number(const std::string& line);
    void take_interrupt(const std::string& line);

    LineSocket socket_;
    std::map<int, int> levels_;
};

}  // namespace qtest

#endif  // QTEST_QTEST_H
