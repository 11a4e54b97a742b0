// SPDX-License-Identifier: GPL-2.0-or-later
//
// Guest: a machine with the unit and an edu behind it, and the driver's half of everything.
//
//     Guest guest;
//     auto stage = guest.stage_1().map({.input = 0x1000, .output = page});
//     guest.set_stage_1(stage);
//     guest.start();
//     CHECK(guest.dma_read(0x1000) == pattern);
//
// What edu reads can be seen only when it writes it elsewhere: to the page `sink`. What it is to write it must fetch
// first: from the page `source`. Stages that the guest hands out map both to themselves.
#ifndef QTEST_SMMUV3_GUEST_H
#define QTEST_SMMUV3_GUEST_H

#include <cstdint>
#include <string>
#include <vector>

#include "client/edu_device.h"
#include "client/guest_ram.h"
#include "client/qemu_process.h"
#include "smmuv3/queues.h"
#include "smmuv3/streams.h"

namespace smmu_driver {

using Bytes = std::vector<std::uint8_t>;

// Memory of the machine.
inline constexpr std::uint64_t ram_base = 0x40000000;
// Its PCI Express below 4 GiB.
inline constexpr qtest::PciPlaces pci_places{
    .configuration = 0x3f000000, .window = 0x10000000, .window_size = 0x20000000};

// The unit's wires, as inputs of the interrupt controller.
inline constexpr int event_wire = 74;
inline constexpr int page_request_wire = 75;
inline constexpr int sync_wire = 76;
inline constexpr int error_wire = 77;

struct GuestOptions {
    std::string properties;              // ",name=value..." for the unit
    std::vector<std::string> arguments;  // for QEMU
    std::string machine = "virt,highmem=off";
    qtest::PciPlaces places = pci_places;
    Format streams = Format::Linear;
};

[[nodiscard]] qtest::QemuOptions options_for(const GuestOptions& options);

class Guest {
  public:
    explicit Guest(const GuestOptions& options = {});

    // QOM path of the unit.
    static constexpr const char* path = "/machine/peripheral/iommu0";
    // Bytes that dma_read() and dma_write() move.
    static constexpr std::size_t transfer = 64;

    // All of Linux's steps, up to SMMUEN.
    void start();
    // CFGI_ALL, TLBI_*_ALL, CMD_SYNC.
    void forget();

    [[nodiscard]] std::uint32_t stream() const { return edu.requester_id(); }
    // Stages that map sink and source.
    [[nodiscard]] PageTable stage_1();
    [[nodiscard]] PageTable stage_2();
    // STEs of edu, and its CD.
    void set_stage_1(const PageTable& stage, std::uint64_t asid = 1);
    void set_stage_2(const PageTable& stage, std::uint64_t vmid = 2);
    void set_nested(const PageTable& first, const PageTable& second);

    // A page with a pattern of its own.
    [[nodiscard]] std::uint64_t patterned_page(std::uint32_t seed);
    [[nodiscard]] static Bytes pattern(std::uint32_t seed) { return qtest::GuestRam::pattern(transfer, seed); }

    // What edu, or another one, finds at `address`.
    [[nodiscard]] Bytes dma_read(std::uint64_t address) { return dma_read(edu, address); }
    [[nodiscard]] Bytes dma_read(qtest::EduDevice& device, std::uint64_t address);
    // Lets edu write this there.
    void dma_write(std::uint64_t address, const Bytes& bytes);
    [[nodiscard]] Bytes memory(std::uint64_t address) const { return ram.read(address, transfer); }

    // One access of 4 bytes of which only the events are of interest.
    void touch_read(std::uint64_t address) { edu.dma_read(address, 4); }
    void touch_write(std::uint64_t address) { edu.dma_write(address, 4); }
    void touch(std::uint64_t address, Access access);
    [[nodiscard]] Events take_events() const { return events.take(); }

    // From now on pulses of the unit's wires are seen; none yet, and then some.
    void watch_wires();
    [[nodiscard]] bool pulsed(int wire) { return qemu.qtest().irq_level(wire).has_value(); }

    [[nodiscard]] std::uint64_t counter(const std::string& name) { return qemu.qmp().qom_get_number(path, name); }

    qtest::QemuProcess qemu;
    qtest::GuestRam ram;
    qtest::PciBus pci;
    qtest::EduDevice edu;
    Unit unit;
    CommandQueue commands;
    EventQueue events;
    StreamTable streams;
    std::uint32_t cr2 = RECINVSID;
    std::uint64_t context;  // the CD of edu's stream
    std::uint64_t sink;
    std::uint64_t source;
};

}  // namespace smmu_driver

#endif  // QTEST_SMMUV3_GUEST_H
