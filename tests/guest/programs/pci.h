// SPDX-License-Identifier: GPL-2.0-or-later
// Pci: finding functions in sysfs and giving them to a driver.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace guest {

struct PciFunction {
    std::string name;  // "0000:01:00.0"

    [[nodiscard]] std::string folder() const { return "/sys/bus/pci/devices/" + name; }
    // Bus, device and function as a requester id.
    [[nodiscard]] std::uint16_t requester_id() const;
    [[nodiscard]] bool on_root_bus() const { return (requester_id() >> 8) == 0; }
    // "" if no driver has it.
    [[nodiscard]] std::string driver() const;
};

inline constexpr std::uint32_t kEndpointId = 0x1234a75e;

// Functions with this vendor (upper half) and device id, in the order of their addresses.
std::vector<PciFunction> functions_with(std::uint32_t id);

// The n-th ats-endpoint; skips the step if there are not so many.
PciFunction endpoint_function(unsigned index);

// Takes the function from its driver, if that is another one, and gives it to this one.
void give_to_driver(const PciFunction& function, const std::string& driver);

enum class UnitKind { Vtd, Smmuv3 };

// The unit that this machine has.
UnitKind unit_kind();

// Skips the step unless the machine has this unit; `reason` says what the other lacks.
void only_on(UnitKind kind, const std::string& reason);

}  // namespace guest
