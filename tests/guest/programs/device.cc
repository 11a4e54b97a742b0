// SPDX-License-Identifier: GPL-2.0-or-later
#include "device.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "steps.h"

namespace guest {
namespace {

constexpr off_t kCommand = 0x04;
constexpr std::uint16_t kMemoryAndMaster = 0x6;

std::string character_device(const PciFunction& function) {
    const auto names = names_in(function.folder() + "/vfio-dev");
    check(!names.empty(), function.name + " has no vfio device file");
    return "/dev/vfio/devices/" + names.front();
}

}  // namespace

Device::Device(const PciFunction& function, Iommufd& iommu) : function_{function} {
    give_to_driver(function, "vfio-pci");
    file_ = open_file(character_device(function), O_RDWR);
    vfio_device_bind_iommufd bind = {};
    bind.argsz = sizeof bind;
    bind.iommufd = iommu.number();
    must_ioctl(number(), VFIO_DEVICE_BIND_IOMMUFD, &bind, "VFIO_DEVICE_BIND_IOMMUFD");
    id_ = bind.out_devid;
    vfio_region_info region = {};
    region.argsz = sizeof region;
    region.index = VFIO_PCI_BAR0_REGION_INDEX;
    must_ioctl(number(), VFIO_DEVICE_GET_REGION_INFO, &region, "BAR 0");
    void* mapped =
        mmap(nullptr, region.size, PROT_READ | PROT_WRITE, MAP_SHARED, number(), static_cast<off_t>(region.offset));
    if (mapped == MAP_FAILED) fail("mmap of BAR 0: " + error_text(errno));
    bar0_bytes_ = region.size;
    bar0_ = static_cast<volatile std::uint8_t*>(mapped);
    enable();
}

Device::~Device() {
    if (bar0_ != nullptr) munmap(const_cast<std::uint8_t*>(bar0_), bar0_bytes_);
}

void Device::enable() {
    vfio_region_info config = {};
    config.argsz = sizeof config;
    config.index = VFIO_PCI_CONFIG_REGION_INDEX;
    must_ioctl(number(), VFIO_DEVICE_GET_REGION_INFO, &config, "configuration space");
    const off_t place = static_cast<off_t>(config.offset) + kCommand;
    std::uint16_t command = 0;
    check(pread(number(), &command, sizeof command, place) == sizeof command, "read of configuration space");
    command |= kMemoryAndMaster;
    check(pwrite(number(), &command, sizeof command, place) == sizeof command, "write of configuration space");
}

int Device::try_attach(std::uint32_t table) {
    vfio_device_attach_iommufd_pt argument = {};
    argument.argsz = sizeof argument;
    argument.pt_id = table;
    return try_ioctl(number(), VFIO_DEVICE_ATTACH_IOMMUFD_PT, &argument);
}

void Device::attach(std::uint32_t table) {
    const int error = try_attach(table);
    check(error == 0, "VFIO_DEVICE_ATTACH_IOMMUFD_PT: " + error_text(error));
}

void Device::detach() {
    vfio_device_detach_iommufd_pt argument = {};
    argument.argsz = sizeof argument;
    must_ioctl(number(), VFIO_DEVICE_DETACH_IOMMUFD_PT, &argument, "VFIO_DEVICE_DETACH_IOMMUFD_PT");
}

int Device::try_attach_pasid(std::uint32_t table, std::uint32_t pasid) {
    vfio_device_attach_iommufd_pt argument = {};
    argument.argsz = sizeof argument;
    argument.flags = VFIO_DEVICE_ATTACH_PASID;
    argument.pt_id = table;
    argument.pasid = pasid;
    return try_ioctl(number(), VFIO_DEVICE_ATTACH_IOMMUFD_PT, &argument);
}

void Device::attach_pasid(std::uint32_t table, std::uint32_t pasid) {
    const int error = try_attach_pasid(table, pasid);
    check(error == 0, "attachment of PASID " + std::to_string(pasid) + ": " + error_text(error));
}

void Device::detach_pasid(std::uint32_t pasid) {
    vfio_device_detach_iommufd_pt argument = {};
    argument.argsz = sizeof argument;
    argument.flags = VFIO_DEVICE_DETACH_PASID;
    argument.pasid = pasid;
    must_ioctl(number(), VFIO_DEVICE_DETACH_IOMMUFD_PT, &argument, "detachment of PASID " + std::to_string(pasid));
}

void Device::reset() {
    must_ioctl(number(), VFIO_DEVICE_RESET, nullptr, "VFIO_DEVICE_RESET");
    enable();
}

}  // namespace guest
