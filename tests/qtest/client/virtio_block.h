// SPDX-License-Identifier: GPL-2.0-or-later
//
// VirtioBlock: a virtio disk whose DMA is done by an I/O thread of QEMU, beside everything else.
//
//     QemuProcess qemu({.arguments = VirtioBlock::options()});
//     VirtioBlock disk(qemu.qtest(), ram, pci.find(VirtioBlock::id));
//     disk.start();                       // when the unit translates, or passes
//     CHECK(disk.read());
//
// One request at a time, with one queue. The thread reads the request and writes the answer through the unit.
#ifndef QTEST_VIRTIO_BLOCK_H
#define QTEST_VIRTIO_BLOCK_H

#include <cstdint>
#include <string>
#include <vector>

#include "client/guest_ram.h"
#include "client/pci_bus.h"

namespace qtest {

class VirtioBlock {
  public:
    static constexpr PciId id{0x1af4, 0x1042};
    // For QEMU: the disk is all zeros.
    [[nodiscard]] static std::vector<std::string> options();

    // Addresses are the same for the disk as for the processor.
    VirtioBlock(Qtest& qtest, GuestRam& ram, const PciFunction& function);

    [[nodiscard]] unsigned requester_id() const { return function_.address().requester_id(); }
    void start();
    // Asks for the first sector, and does not wait for it.
    void start_read();
    [[nodiscard]] bool is_read() const;  // what was asked for last
    [[nodiscard]] bool read();

  private:
    // A structure of the device, in a BAR.
    [[nodiscard]] std::uint8_t capability(std::uint8_t type) const;
    [[nodiscard]] std::uint64_t place(std::uint8_t type) const;
    void set_status(std::uint8_t bits);
    void describe(unsigned index, std::uint64_t address, std::uint32_t size, std::uint16_t flags) const;

    Qtest* qtest_;
    GuestRam* ram_;
    PciFunction function_;
    std::uint64_t bar_;
    std::uint64_t common_;
    std::uint64_t doorbell_;
    std::uint64_t descriptors_;
    std::uint64_t available_;
    std::uint64_t used_;
    std::uint64_t request_;
    std::uint16_t asked_ = 0;
};

}  // namespace qtest

#endif  // QTEST_VIRTIO_BLOCK_H
