// SPDX-License-Identifier: GPL-2.0-or-later
//
// PciBus: the PCI Express buses of a machine, in the firmware's place.
//
// No firmware runs, so nothing is set up: on q35 the constructor opens the memory-mapped configuration space; other
// machines have it at a fixed place, which the test tells. Addresses are given to what a test asks for, from a window
// below 4 GiB. A bridge gets a sixteenth of the window of its own bus.
//
//     PciBus pci(qemu.qtest());
//     const PciFunction port = pci.find(PciId{0x1b36, 0x000c});
//     pci.open_bridge(port, BusNumbers{1, 1});
//     PciFunction edu = pci.find(PciId{0x1234, 0x11e8}, 1);
//     const auto registers = edu.map_bar(0);
#ifndef QTEST_PCI_BUS_H
#define QTEST_PCI_BUS_H

#include <cstdint>
#include <map>
#include <optional>

#include "client/qtest.h"

namespace qtest {

struct PciAddress {
    std::uint8_t bus = 0;
    std::uint8_t device = 0;
    std::uint8_t function = 0;

    // As it stands in requests and in tables.
    [[nodiscard]] std::uint16_t requester_id() const {
        return static_cast<std::uint16_t>(bus << 8 | device << 3 | function);
    }
};

struct PciId {
    std::uint16_t vendor = 0;
    std::uint16_t device = 0;
};

// Buses behind a bridge, inclusive.
struct BusNumbers {
    std::uint8_t secondary = 0;
    std::uint8_t subordinate = 0;
};

struct MsiMessage {
    std::uint64_t address = 0;
    std::uint16_t data = 0;
};

// Where a machine without I/O ports has its PCI Express.
struct PciPlaces {
    std::uint64_t configuration = 0;
    std::uint64_t window = 0;  // for BARs
    std::uint64_t window_size = 0;
};

class PciBus;

// One function of one device, at its configuration space.
class PciFunction {
  public:
    PciFunction(PciBus& pci, PciAddress address) : pci_(&pci), address_(address) {}

    [[nodiscard]] PciAddress address() const { return address_; }

    [[nodiscard]] std::uint8_t config_readb(std::uint16_t offset) const;
    [[nodiscard]] std::uint16_t config_readw(std::uint16_t offset) const;
    [[nodiscard]] std::uint32_t config_readl(std::uint16_t offset) const;
    void config_writeb(std::uint16_t offset, std::uint8_t value) const;
    void config_writew(std::uint16_t offset, std::uint16_t value) const;
    void config_writel(std::uint16_t offset, std::uint32_t value) const;

    // Gives a memory BAR an address and returns it.
    [[nodiscard]] std::uint64_t map_bar(unsigned index) const;
    void enable_bus_mastering() const;

    // Offset in configuration space.
    [[nodiscard]] std::optional<std::uint8_t> find_capability(std::uint8_t id) const;
    [[nodiscard]] std::optional<std::uint16_t> find_extended_capability(std::uint16_t id) const;
    void enable_msi(MsiMessage message) const;

  private:
    friend class PciBus;
    void set_command_bits(std::uint16_t bits) const;
    [[nodiscard]] std::uint64_t config_address(std::uint16_t offset) const;

    PciBus* pci_;
    PciAddress address_;
};

class PciBus {
  public:
    // Of a q35.
    explicit PciBus(Qtest& qtest);
    PciBus(Qtest& qtest, const PciPlaces& places);

    // The first function with this identity on this bus; throws if there is none.
    [[nodiscard]] PciFunction find(PciId id, std::uint8_t bus = 0);
    // Numbers the buses behind a bridge and lets memory accesses through.
    void open_bridge(const PciFunction& bridge, BusNumbers numbers);

  private:
    friend class PciFunction;
    struct Window {
        std::uint64_t next = 0;
        std::uint64_t end = 0;
    };
    [[nodiscard]] std::uint64_t allocate(std::uint8_t bus, std::uint64_t size);

    Qtest* qtest_;
    std::uint64_t configuration_;
    std::map<std::uint8_t, Window> windows_;              // by bus
    std::map<std::uint8_t, std::uint64_t> window_sizes_;  // by bus
};

}  // namespace qtest

#endif  // QTEST_PCI_BUS_H
