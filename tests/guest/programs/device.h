// SPDX-License-Identifier: GPL-2.0-or-later
// Device: a PCI function held by vfio-pci and bound to an iommufd.
//
// The function is bound when this is made; it is attached to nothing yet. Its memory and bus mastering are on, its BAR
// 0 is mapped. Everything is given back when the object goes (or the step's process ends).
#pragma once

#include <linux/vfio.h>

#include <cstdint>

#include "files.h"
#include "iommufd.h"
#include "pci.h"

namespace guest {

class Device {
  public:
    Device(const PciFunction& function, Iommufd& iommu);
    ~Device();
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    [[nodiscard]] const PciFunction& function() const { return function_; }
    // The device's number in the iommufd.
    [[nodiscard]] std::uint32_t id() const { return id_; }
    [[nodiscard]] int number() const { return file_.number(); }
    [[nodiscard]] volatile std::uint8_t* bar0() const { return bar0_; }

    // `table` is an IOAS or a hwpt. The try_ forms return 0 or an errno.
    int try_attach(std::uint32_t table);
    void attach(std::uint32_t table);
    void detach();
    int try_attach_pasid(std::uint32_t table, std::uint32_t pasid);
    void attach_pasid(std::uint32_t table, std::uint32_t pasid);
    void detach_pasid(std::uint32_t pasid);

    // Function-level reset; memory and bus mastering are on again afterwards.
    void reset();

  private:
    void enable();

    PciFunction function_;
    Fd file_;
    std::uint32_t id_ = 0;
    std::uint64_t bar0_bytes_ = 0;
    volatile std::uint8_t* bar0_ = nullptr;
};

}  // namespace guest
