// SPDX-License-Identifier: GPL-2.0-or-later
//
// EduDevice: QEMU's teaching device, used as a plain PCI device that does DMA when told.
//
// It has a buffer of 4 KiB that only its own DMA engine reaches: to see what a DMA read fetched, let it write the
// buffer elsewhere. A transfer takes 100 ms of virtual time. The device does not tell whether a transfer succeeded;
// what a blocked read leaves in the buffer is zeroes.
//
// Start it with the option that lifts its limit of 28 address bits:
//
//     QemuProcess qemu({.arguments = {"-device", EduDevice::option}});
#ifndef QTEST_EDU_DEVICE_H
#define QTEST_EDU_DEVICE_H

#include <cstdint>

#include "client/pci_bus.h"
#include "client/qtest.h"

namespace qtest {

class EduDevice {
  public:
    static constexpr const char* option = "edu,dma_mask=0xffffffffffffffff";
    static constexpr PciId id{0x1234, 0x11e8};
    static constexpr std::size_t buffer_size = 4096;

    // Maps its registers and lets it do DMA.
    EduDevice(Qtest& qtest, const PciFunction& function);

    [[nodiscard]] const PciFunction& function() const { return function_; }
    [[nodiscard]] std::uint16_t requester_id() const { return function_.address().requester_id(); }

    // Guest memory to buffer, buffer to guest memory, and both in turn.
    void dma_read(std::uint64_t from, std::size_t size);
    void dma_write(std::uint64_t to, std::size_t size);
    void copy(std::uint64_t from, std::uint64_t to, std::size_t size);

    // The same in two steps, for what happens in between.
    void start_read(std::uint64_t from, std::size_t size);
    void start_write(std::uint64_t to, std::size_t size);
    void finish();

    // Sends its interrupt message.
    void raise_interrupt();

  private:
    Qtest* qtest_;
    PciFunction function_;
    std::uint64_t registers_ = 0;
};

}  // namespace qtest

#endif  // QTEST_EDU_DEVICE_H
