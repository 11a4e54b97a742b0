// SPDX-License-Identifier: GPL-2.0-or-later
//
// FirmwareConfig: the files that QEMU hands to firmware, ACPI tables among them.
#ifndef QTEST_FIRMWARE_CONFIG_H
#define QTEST_FIRMWARE_CONFIG_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/guest_ram.h"

namespace qtest {

class FirmwareConfig {
  public:
    // Files are fetched by DMA, through memory of the guest.
    FirmwareConfig(Qtest& qtest, GuestRam& ram) : qtest_(&qtest), ram_(&ram) {}
    // Of a machine that has the registers in memory, at `base`.
    FirmwareConfig(Qtest& qtest, GuestRam& ram, std::uint64_t base) : qtest_(&qtest), ram_(&ram), base_(base) {}

    // Throws if there is no such file.
    [[nodiscard]] std::vector<std::uint8_t> file(const std::string& name);

    // The first ACPI table with this signature, header included; empty if there is none.
    [[nodiscard]] std::vector<std::uint8_t> acpi_table(const std::string& signature);

  private:
    [[nodiscard]] std::vector<std::uint8_t> read(std::uint16_t selector, std::uint32_t size);

    void start(std::uint64_t request);

    Qtest* qtest_;
    GuestRam* ram_;
    std::optional<std::uint64_t> base_;  // else in I/O ports
};

}  // namespace qtest

#endif  // QTEST_FIRMWARE_CONFIG_H
