// SPDX-License-Identifier: GPL-2.0-or-later
#include "physical.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>
#include <string>

#include "files.h"
#include "pci.h"
#include "steps.h"

namespace guest {

Physical::Physical(std::uint64_t address, std::uint64_t bytes, Kind kind) : bytes_{bytes} {
    const Fd file = open_file("/dev/mem", kind == Kind::Registers ? O_RDWR | O_SYNC : O_RDWR);
    void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.number(), static_cast<off_t>(address));
    if (mapped == MAP_FAILED) fail("physical address " + hex(address) + ": " + error_text(errno));
    data_ = static_cast<volatile std::uint8_t*>(mapped);
}

Physical::~Physical() { munmap(const_cast<std::uint8_t*>(data_), bytes_); }

std::uint64_t unit_address() {
    const std::string folder = "/sys/class/iommu";
    if (unit_kind() == UnitKind::Vtd) return std::stoull(read_text(folder + "/dmar0/intel-iommu/address"), nullptr, 16);
    // The name ends in the address.
    for (const std::string& name : names_in(folder))
        if (name.starts_with("smmu3.")) return std::stoull(name.substr(name.find('.') + 1), nullptr, 16);
    fail("no unit in " + folder);
}

}  // namespace guest
