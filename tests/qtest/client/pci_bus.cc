// SPDX-License-Identifier: GPL-2.0-or-later
#include "client/pci_bus.h"

#include <string>

namespace qtest {
namespace {

// The old way into configuration space, needed once.
constexpr std::uint16_t config_address_port = 0xcf8;
constexpr std::uint16_t config_data_port = 0xcfc;

// The memory-mapped way: a register of the host bridge (00:00.0) says where.
constexpr std::uint32_t pciexbar = 0x60;
constexpr std::uint64_t ecam_base = 0xb0000000;
constexpr std::uint32_t ecam_enable = 1;

// For BARs: behind the configuration space, before the fixed devices at the top of the first 4 GiB.
constexpr std::uint64_t window_base = 0xc0000000;
constexpr std::uint64_t window_size = 0x20000000;
constexpr unsigned share_of_a_bridge = 16;

constexpr std::uint16_t id_offset = 0x00;
constexpr std::uint16_t command = 0x04;
constexpr std::uint16_t header_type = 0x0e;
constexpr std::uint16_t bar0 = 0x10;
constexpr std::uint16_t bridge_primary = 0x18;
constexpr std::uint16_t bridge_secondary = 0x19;
constexpr std::uint16_t bridge_subordinate = 0x1a;
constexpr std::uint16_t bridge_memory_base = 0x20;
constexpr std::uint16_t bridge_memory_limit = 0x22;
constexpr std::uint16_t first_capability = 0x34;
constexpr std::uint16_t first_extended_capability = 0x100;

constexpr std::uint16_t command_memory = 1 << 1;
constexpr std::uint16_t command_master = 1 << 2;
constexpr std::uint8_t msi_capability = 0x05;

}  // namespace

std::uint64_t PciFunction::config_address(std::uint16_t offset) const {
    return pci_->configuration_ + (std::uint64_t{address_.requester_id()} << 12) + offset;
}

std::uint8_t PciFunction::config_readb(std::uint16_t offset) const {
    return pci_->qtest_->readb(config_address(offset));
}
std::uint16_t PciFunction::config_readw(std::uint16_t offset) const {
    return pci_->qtest_->readw(config_address(offset));
}
std::uint32_t PciFunction::config_readl(std::uint16_t offset) const {
    return pci_->qtest_->readl(config_address(offset));
}
void PciFunction::config_writeb(std::uint16_t offset, std::uint8_t value) const {
    pci_->qtest_->writeb(config_address(offset), value);
}
void PciFunction::config_writew(std::uint16_t offset, std::uint16_t value) const {
    pci_->qtest_->writew(config_address(offset), value);
}
void PciFunction::config_writel(std::uint16_t offset, std::uint32_t value) const {
    pci_->qtest_->writel(config_address(offset), value);
}

void PciFunction::set_command_bits(std::uint16_t bits) const {
    config_writew(command, static_cast<std::uint16_t>(config_readw(command) | bits));
}

std::uint64_t PciFunction::map_bar(unsigned index) const {
    const auto offset = static_cast<std::uint16_t>(bar0 + 4 * index);
    // All ones read back as the size's complement, with the kind in the low bits.
    config_writel(offset, 0xffffffff);
    const std::uint32_t kind_and_size = config_readl(offset);
    const bool is_64bit = (kind_and_size & 0x6) == 0x4;
    const std::uint64_t size = ~(kind_and_size & ~std::uint32_t{0xf}) + std::uint64_t{1};
    const std::uint64_t base = pci_->allocate(address_.bus, size & 0xffffffff);
    config_writel(offset, static_cast<std::uint32_t>(base));
    if (is_64bit) config_writel(static_cast<std::uint16_t>(offset + 4), 0);
    set_command_bits(command_memory);
    return base;
}

void PciFunction::enable_bus_mastering() const { set_command_bits(command_master); }

std::optional<std::uint8_t> PciFunction::find_capability(std::uint8_t id) const {
    std::uint8_t offset = config_readb(first_capability);
    // A list longer than the space it lies in is a ring.
    for (unsigned seen = 0; offset != 0 && seen < 64; ++seen) {
        if (config_readb(offset) == id) return offset;
        offset = config_readb(static_cast<std::uint16_t>(offset + 1));
    }
    return std::nullopt;
}

std::optional<std::uint16_t> PciFunction::find_extended_capability(std::uint16_t id) const {
    std::uint16_t offset = first_extended_capability;
    for (unsigned seen = 0; offset != 0 && seen < 1024; ++seen) {
        const std::uint32_t head = config_readl(offset);
        if (head == 0) return std::nullopt;
        if ((head & 0xffff) == id) return offset;
        offset = static_cast<std::uint16_t>(head >> 20);
    }
    return std::nullopt;
}

void PciFunction::enable_msi(MsiMessage message) const {
    const auto capability = find_capability(msi_capability);
    if (!capability) throw ProcessError("the PCI function has no MSI capability");
    const std::uint16_t base = *capability;
    const auto at = [&](unsigned distance) { return static_cast<std::uint16_t>(base + distance); };
    const std::uint16_t control = config_readw(at(2));
    const bool is_64bit = (control & 0x80) != 0;
    config_writel(at(4), static_cast<std::uint32_t>(message.address));
    if (is_64bit) config_writel(at(8), static_cast<std::uint32_t>(message.address >> 32));
    config_writew(at(is_64bit ? 12 : 8), message.data);
    config_writew(at(2), static_cast<std::uint16_t>(control | 1));
}

PciBus::PciBus(Qtest& qtest) : PciBus(qtest, {ecam_base, window_base, window_size}) {
    const auto write_host_bridge = [&](std::uint32_t offset, std::uint32_t value) {
        qtest.outl(config_address_port, 0x80000000 | offset);
        qtest.outl(config_data_port, value);
    };
    write_host_bridge(pciexbar + 4, 0);
    write_host_bridge(pciexbar, static_cast<std::uint32_t>(ecam_base) | ecam_enable);
}

PciBus::PciBus(Qtest& qtest, const PciPlaces& places) : qtest_(&qtest), configuration_(places.configuration) {
    windows_[0] = {places.window, places.window + places.window_size};
    window_sizes_[0] = places.window_size;
}

PciFunction PciBus::find(PciId id, std::uint8_t bus) {
    const std::uint32_t wanted = std::uint32_t{id.device} << 16 | id.vendor;
    for (unsigned devfn = 0; devfn < 256; ++devfn) {
        const PciFunction function(*this,
                                   {bus, static_cast<std::uint8_t>(devfn >> 3), static_cast<std::uint8_t>(devfn & 7)});
        if (function.config_readl(id_offset) == wanted) return function;
    }
    throw ProcessError("no such PCI device on bus " + std::to_string(bus));
}

void PciBus::open_bridge(const PciFunction& bridge, BusNumbers numbers) {
    static constexpr std::uint8_t bridge_header = 1;
    if ((bridge.config_readb(header_type) & 0x7f) != bridge_header) throw ProcessError("not a PCI bridge");
    const std::uint8_t primary = bridge.address().bus;
    bridge.config_writeb(bridge_primary, primary);
    bridge.config_writeb(bridge_secondary, numbers.secondary);
    bridge.config_writeb(bridge_subordinate, numbers.subordinate);

    const std::uint64_t size = window_sizes_.at(primary) / share_of_a_bridge;
    const std::uint64_t base = allocate(primary, size);
    windows_[numbers.secondary] = {base, base + size};
    window_sizes_[numbers.secondary] = size;
    // Both registers hold address bits 31:20 in their bits 15:4.
    bridge.config_writew(bridge_memory_base, static_cast<std::uint16_t>(base >> 16));
    bridge.config_writew(bridge_memory_limit, static_cast<std::uint16_t>((base + size - 1) >> 16 & 0xfff0));
    bridge.set_command_bits(command_memory | command_master);
}

std::uint64_t PciBus::allocate(std::uint8_t bus, std::uint64_t size) {
    const auto window = windows_.find(bus);
    if (window == windows_.end()) throw ProcessError("bus " + std::to_string(bus) + " is behind a closed bridge");
    const std::uint64_t base = (window->second.next + size - 1) / size * size;
    if (size == 0 || base + size > window->second.end) throw ProcessError("no room for a BAR");
    window->second.next = base + size;
    return base;
}

}  // namespace qtest
