// SPDX-License-Identifier: GPL-2.0-or-later
// SharedDevice: an ats-endpoint that shares the address space of this process, by the driver uio_pci_generic_sva.
//
// Opening the device's /dev/uioN binds the process to it; the PASID is in sysfs, and from then on every pointer of the
// process is an address for the device. The file closes, and the binding ends, with the object. Bar0 also maps the
// registers of a device that another process has open.
#pragma once

#include <cstdint>
#include <span>

#include "endpoint.h"
#include "files.h"
#include "memory.h"
#include "pci.h"

namespace guest {

class Bar0 {
  public:
    // `path`: a uio device, or resource0 in sysfs.
    explicit Bar0(const std::string& path);
    ~Bar0();
    Bar0(const Bar0&) = delete;
    Bar0& operator=(const Bar0&) = delete;

    [[nodiscard]] volatile std::uint8_t* bytes() const { return bytes_; }

  private:
    volatile std::uint8_t* bytes_ = nullptr;
};

// Gives the function to the driver; skips the step where the kernel or the unit cannot share address spaces.
void give_to_sva(const PciFunction& function);

class SharedDevice {
  public:
    explicit SharedDevice(unsigned index);

    [[nodiscard]] std::uint32_t pasid() const { return pasid_; }
    Endpoint& endpoint() { return endpoint_; }
    // An access by pointer: through the device's ATC, or untranslated.
    [[nodiscard]] How atc() const { return {.via = Via::Atc, .pasid = pasid_}; }
    [[nodiscard]] How untranslated() const { return {.via = Via::Untranslated, .pasid = pasid_}; }
    // An access that the kernel brings the page for: on VT-d by a page request of the device's ATC, on SMMUv3 by a
    // stall.
    [[nodiscard]] How with_faults() const;

    // Ends the binding.
    void close() { file_ = Fd{}; }

  private:
    PciFunction function_;
    Fd file_;
    std::uint32_t pasid_;
    Bar0 bar0_;
    Endpoint endpoint_;
};

// Whether the kernel brings pages for this device, "" or the reason why not.
std::string why_no_page_faults(const PciFunction& function);

// Memory for the tests that nobody has touched yet; whole pages, not backed by huge ones.
class Untouched {
  public:
    explicit Untouched(std::uint64_t bytes, int protection, int flags, int file = -1);
    // Anonymous and private, for reading and writing.
    explicit Untouched(std::uint64_t bytes);
    ~Untouched();
    Untouched(const Untouched&) = delete;
    Untouched& operator=(const Untouched&) = delete;

    [[nodiscard]] std::uint8_t* data() const { return data_; }
    [[nodiscard]] std::uint64_t size() const { return bytes_; }
    [[nodiscard]] std::span<std::uint8_t> page(std::uint64_t index) const { return {data_ + index * kKiB4, kKiB4}; }

  private:
    std::uint8_t* data_ = nullptr;
    std::uint64_t bytes_;
};

std::uint64_t address_of(const void* pointer);

// The device writes there, and the process finds it.
void device_writes(Endpoint& endpoint, std::span<std::uint8_t> there, std::uint64_t seed, const How& how);
// The device reads what is there, which is the pattern of this seed.
void device_reads(Endpoint& endpoint, std::span<const std::uint8_t> there, std::uint64_t seed, const How& how);
// The device reads zeros there: memory that nobody has written.
void device_reads_zeros(Endpoint& endpoint, const void* there, const How& how);
// Both, with new data.
void exchange(Endpoint& endpoint, std::span<std::uint8_t> there, const How& how);
// The device's access ends in an error.
void refuses_write(Endpoint& endpoint, std::uint64_t address, const How& how);
void refuses_read(Endpoint& endpoint, std::uint64_t address, const How& how);
inline void refuses_write(Endpoint& endpoint, const void* there, const How& how) {
    refuses_write(endpoint, address_of(there), how);
}
inline void refuses_read(Endpoint& endpoint, const void* there, const How& how) {
    refuses_read(endpoint, address_of(there), how);
}

}  // namespace guest
