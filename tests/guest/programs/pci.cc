// SPDX-License-Identifier: GPL-2.0-or-later
#include "pci.h"

#include <cstdio>
#include <filesystem>

#include "files.h"
#include "steps.h"

namespace guest {

std::uint16_t PciFunction::requester_id() const {
    unsigned domain = 0, bus = 0, device = 0, function = 0;
    std::sscanf(name.c_str(), "%x:%x:%x.%x", &domain, &bus, &device, &function);
    return static_cast<std::uint16_t>(bus << 8 | device << 3 | function);
}

std::string PciFunction::driver() const {
    std::error_code error;
    const auto target = std::filesystem::read_symlink(folder() + "/driver", error);
    return error ? "" : target.filename().string();
}

std::vector<PciFunction> functions_with(std::uint32_t id) {
    std::vector<PciFunction> found;
    for (const std::string& name : names_in("/sys/bus/pci/devices")) {
        const PciFunction function{name};
        const auto vendor = std::stoul(read_text(function.folder() + "/vendor"), nullptr, 16);
        const auto device = std::stoul(read_text(function.folder() + "/device"), nullptr, 16);
        if ((vendor << 16 | device) == id) found.push_back(function);
    }
    return found;
}

PciFunction endpoint_function(unsigned index) {
    const auto endpoints = functions_with(kEndpointId);
    if (index >= endpoints.size()) skip("the machine has " + std::to_string(endpoints.size()) + " ats-endpoint");
    return endpoints[index];
}

void give_to_driver(const PciFunction& function, const std::string& driver) {
    const std::string present = function.driver();
    if (present == driver) return;
    write_text(function.folder() + "/driver_override", driver);
    if (!present.empty()) write_text(function.folder() + "/driver/unbind", function.name);
    write_text("/sys/bus/pci/drivers_probe", function.name);
    check(function.driver() == driver, function.name + " was not taken by " + driver);
}

UnitKind unit_kind() {
    for (const std::string& name : names_in("/sys/class/iommu")) {
        if (name.starts_with("dmar")) return UnitKind::Vtd;
        if (name.starts_with("smmu3")) return UnitKind::Smmuv3;
    }
    fail("the kernel sees no IOMMU");
}

void only_on(UnitKind kind, const std::string& reason) {
    if (unit_kind() != kind) skip(reason);
}

}  // namespace guest
