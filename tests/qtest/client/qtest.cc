// SPDX-License-Identifier: GPL-2.0-or-later
#include "client/qtest.h"

#include <charconv>
#include <cstdlib>
#include <sstream>

namespace qtest {
namespace {

std::string words(std::string_view name, std::uint64_t first) {
    std::ostringstream line;
    line << name << " 0x" << std::hex << first;
    return line.str();
}

std::string words(std::string_view name, std::uint64_t first, std::uint64_t second) {
    std::ostringstream line;
    line << words(name, first) << " 0x" << std::hex << second;
    return line.str();
}

std::string hexadecimal(std::span<const std::uint8_t> bytes) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string text = "0x";
    for (const std::uint8_t byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 0xf];
    }
    return text;
}

// "0x0011..." to bytes.
std::vector<std::uint8_t> bytes_of(std::string_view text) {
    text.remove_prefix(2);
    std::vector<std::uint8_t> bytes(text.size() / 2);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        std::from_chars(text.data() + 2 * i, text.data() + 2 * i + 2, bytes[i], 16);
    }
    return bytes;
}

}  // namespace

// An answer may be preceded by reports of interrupt lines.
std::string Qtest::command(const std::string& line) {
    socket_.send(line);
    while (true) {
        const std::string answer = socket_.receive();
        if (answer.starts_with("IRQ ")) {
            take_interrupt(answer);
        } else if (answer == "OK") {
            return {};
        } else if (answer.starts_with("OK ")) {
            return answer.substr(3);
        } else {
            throw ProcessError("qtest answered '" + answer + "' to '" + line + "'");
        }
    }
}

std::uint64_t Qtest::number(const std::string& line) { return std::strtoull(command(line).c_str(), nullptr, 0); }

// "IRQ raise 5", "IRQ lower 5"
void Qtest::take_interrupt(const std::string& line) {
    std::istringstream text(line);
    std::string irq;
    std::string move;
    int number = 0;
    text >> irq >> move >> number;
    levels_[number] = move == "raise" ? 1 : 0;
}

std::uint8_t Qtest::readb(std::uint64_t address) { return static_cast<std::uint8_t>(number(words("readb", address))); }
std::uint16_t Qtest::readw(std::uint64_t address) {
    return static_cast<std::uint16_t>(number(words("readw", address)));
}
std::uint32_t Qtest::readl(std::uint64_t address) {
    return static_cast<std::uint32_t>(number(words("readl", address)));
}
std::uint64_t Qtest::readq(std::uint64_t address) { return number(words("readq", address)); }

void Qtest::writeb(std::uint64_t address, std::uint8_t value) { command(words("writeb", address, value)); }
void Qtest::writew(std::uint64_t address, std::uint16_t value) { command(words("writew", address, value)); }
void Qtest::writel(std::uint64_t address, std::uint32_t value) { command(words("writel", address, value)); }
void Qtest::writeq(std::uint64_t address, std::uint64_t value) { command(words("writeq", address, value)); }

std::vector<std::uint8_t> Qtest::memread(std::uint64_t address, std::size_t size) {
    return bytes_of(command(words("read", address, size)));
}

void Qtest::memwrite(std::uint64_t address, std::span<const std::uint8_t> bytes) {
    command(words("write", address, bytes.size()) + " " + hexadecimal(bytes));
}

void Qtest::memset(std::uint64_t address, std::size_t size, std::uint8_t value) {
    command(words("memset", address, size) + " " + std::to_string(value));
}

std::uint32_t Qtest::inl(std::uint16_t port) { return static_cast<std::uint32_t>(number(words("inl", port))); }
void Qtest::outl(std::uint16_t port, std::uint32_t value) { command(words("outl", port, value)); }
void Qtest::outb(std::uint16_t port, std::uint8_t value) { command(words("outb", port, value)); }

std::int64_t Qtest::clock_step(std::int64_t nanoseconds) {
    return static_cast<std::int64_t>(number("clock_step " + std::to_string(nanoseconds)));
}
std::int64_t Qtest::clock_step_to_next_timer() { return static_cast<std::int64_t>(number("clock_step")); }
std::int64_t Qtest::clock_set(std::int64_t nanoseconds) {
    return static_cast<std::int64_t>(number("clock_set " + std::to_string(nanoseconds)));
}

void Qtest::irq_intercept_in(std::string_view qom_path) { command("irq_intercept_in " + std::string(qom_path)); }
void Qtest::irq_intercept_out(std::string_view qom_path) { command("irq_intercept_out " + std::string(qom_path)); }

std::optional<int> Qtest::irq_level(int line) {
    // A line's report comes before the answer to the next command: any command will do.
    command("endianness");
    const auto level = levels_.find(line);
    if (level == levels_.end()) return std::nullopt;
    return level->second;
}

}  // namespace qtest
