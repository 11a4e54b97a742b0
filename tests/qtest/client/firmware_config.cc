// SPDX-License-Identifier: GPL-2.0-or-later
#include "client/firmware_config.h"

#include <algorithm>
#include <span>

namespace qtest {
namespace {

// Ports of the DMA interface: the address of a request, upper half first. All its numbers are big-endian.
constexpr std::uint16_t dma_high = 0x514;
constexpr std::uint16_t dma_low = 0x518;
constexpr std::uint64_t dma_offset = 16;  // where they are in memory
constexpr std::uint32_t control_read = 1 << 1;
constexpr std::uint32_t control_select = 1 << 3;

constexpr std::uint16_t directory_selector = 0x19;
constexpr std::size_t directory_entry_size = 64;
constexpr std::uint32_t directory_room = 64 * 1024;

constexpr std::size_t acpi_header_size = 36;

std::uint32_t swapped(std::uint32_t value) { return __builtin_bswap32(value); }

std::uint32_t big_endian(std::span<const std::uint8_t> bytes) {
    std::uint32_t value = 0;
    for (const std::uint8_t byte : bytes)
        value = value << 8 | byte;
    return value;
}

std::uint32_t length_of(std::span<const std::uint8_t> table) {
    return table[4] | table[5] << 8 | table[6] << 16 | static_cast<std::uint32_t>(table[7]) << 24;
}

}  // namespace

void FirmwareConfig::start(std::uint64_t request) {
    const auto high = swapped(static_cast<std::uint32_t>(request >> 32));
    const auto low = swapped(static_cast<std::uint32_t>(request));
    if (base_) {
        qtest_->writel(*base_ + dma_offset, high);
        qtest_->writel(*base_ + dma_offset + 4, low);
    } else {
        qtest_->outl(dma_high, high);
        qtest_->outl(dma_low, low);
    }
}

std::vector<std::uint8_t> FirmwareConfig::read(std::uint16_t selector, std::uint32_t size) {
    const std::uint64_t request = ram_->allocate_page();
    const std::uint64_t data = ram_->allocate_pages(size / page_size + 1);
    ram_->write32(request, swapped(static_cast<std::uint32_t>(selector) << 16 | control_select | control_read));
    ram_->write32(request + 4, swapped(size));
    ram_->write64(request + 8, __builtin_bswap64(data));
    start(request);
    return ram_->read(data, size);
}

// The directory: a count, then for each file size, selector, two unused bytes and a name.
std::vector<std::uint8_t> FirmwareConfig::file(const std::string& name) {
    const auto directory = read(directory_selector, directory_room);
    const std::span<const std::uint8_t> bytes(directory);
    const std::uint32_t count = big_endian(bytes.first(4));
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto entry = bytes.subspan(4 + i * directory_entry_size, directory_entry_size);
        const auto* text = reinterpret_cast<const char*>(entry.data() + 8);
        if (name != text) continue;
        return read(static_cast<std::uint16_t>(big_endian(entry.subspan(4, 2))), big_endian(entry.first(4)));
    }
    throw ProcessError("QEMU has no firmware file " + name);
}

std::vector<std::uint8_t> FirmwareConfig::acpi_table(const std::string& signature) {
    const auto tables = file("etc/acpi/tables");
    const auto at = std::search(tables.begin(), tables.end(), signature.begin(), signature.end());
    if (tables.end() - at < static_cast<std::ptrdiff_t>(acpi_header_size)) return {};
    const std::span<const std::uint8_t> rest(at, tables.end());
    const auto table = rest.first(std::min<std::size_t>(length_of(rest), rest.size()));
    return {table.begin(), table.end()};
}

}  // namespace qtest
