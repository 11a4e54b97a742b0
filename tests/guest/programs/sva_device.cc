// SPDX-License-Identifier: GPL-2.0-or-later
#include "sva_device.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "physical.h"
#include "steps.h"

namespace guest {
namespace {

constexpr std::size_t kBarBytes = 0x10000;
constexpr std::size_t kPiece = 256;  // what one access moves here

// Whether the unit says that it has PASIDs: ECAP.PASID, or IDR1.SSIDSIZE. [VTD 5.10 s11.4.3] [SMMU G.b s6.3.2]
bool unit_has_pasids() {
    if (unit_kind() == UnitKind::Vtd) {
        const std::string ecap = read_text("/sys/class/iommu/dmar0/intel-iommu/ecap");
        return (std::strtoull(ecap.c_str(), nullptr, 16) >> 40 & 1) != 0;
    }
    const std::uint32_t idr1 = Physical{unit_address(), kKiB4}.get(4);
    return (idr1 >> 6 & 0x1f) != 0;
}

Fd open_uio(const PciFunction& function) {
    give_to_sva(function);
    const auto names = names_in(function.folder() + "/uio");
    check(!names.empty(), function.name + " has no uio device");
    return open_file("/dev/" + names.front(), O_RDWR);
}

}  // namespace

Bar0::Bar0(const std::string& path) {
    const Fd file = open_file(path, O_RDWR);
    void* mapped = mmap(nullptr, kBarBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.number(), 0);
    if (mapped == MAP_FAILED) fail("mmap of " + path + ": " + error_text(errno));
    bytes_ = static_cast<volatile std::uint8_t*>(mapped);
}

Bar0::~Bar0() { munmap(const_cast<std::uint8_t*>(bytes_), kBarBytes); }

void give_to_sva(const PciFunction& function) {
    if (!exists("/sys/bus/pci/drivers/uio_pci_sva")) skip("the kernel has no CONFIG_UIO_PCI_GENERIC_SVA");
    if (!unit_has_pasids()) skip("the unit has no PASIDs");
    if (function.driver() == "uio_pci_sva") return;
    // Linux 7.3's driver keeps its interrupt when it gives the device up, and the next driver's first reset goes wrong:
    // so it is refused interrupts, which nobody here needs.
    const std::string interrupts = function.folder() + "/msi_bus";
    write_text(interrupts, "0");
    give_to_driver(function, "uio_pci_sva");
    write_text(interrupts, "1");
}

SharedDevice::SharedDevice(unsigned index)
    : function_{endpoint_function(index)},
      file_{open_uio(function_)},
      pasid_{static_cast<std::uint32_t>(std::stoul(read_text(function_.folder() + "/pasid")))},
      bar0_{function_.folder() + "/resource0"},
      endpoint_{bar0_.bytes()} {
    for (unsigned channel = 0; channel < AE_CHANNELS; ++channel)
        if (endpoint_.busy(channel)) endpoint_.cancel(channel);
    endpoint_.set(AE_CONTROL, AE_CONTROL_DROP_ATC | AE_CONTROL_CLEAR_COUNTERS);
}

std::string why_no_page_faults(const PciFunction& function) {
    if (unit_kind() == UnitKind::Vtd) return "";
    // Linux's driver does not support PRI; it lets a device stall that says so in its description.
    if (exists(function.folder() + "/of_node/dma-can-stall") || exists(function.folder() + "/software_node")) return "";
    return "Linux's driver brings pages only for devices with dma-can-stall";
}

How SharedDevice::with_faults() const {
    const std::string reason = why_no_page_faults(function_);
    if (!reason.empty()) skip(reason);
    How how = unit_kind() == UnitKind::Vtd ? atc() : untranslated();
    how.can_stall = unit_kind() == UnitKind::Smmuv3;
    return how;
}

Untouched::Untouched(std::uint64_t bytes, int protection, int flags, int file) : bytes_{bytes} {
    void* mapped = mmap(nullptr, bytes, protection, flags, file, 0);
    if (mapped == MAP_FAILED) fail("mmap of " + hex(bytes) + " bytes: " + error_text(errno));
    data_ = static_cast<std::uint8_t*>(mapped);
}

Untouched::Untouched(std::uint64_t bytes) : Untouched{bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS} {}

Untouched::~Untouched() { munmap(data_, bytes_); }

std::uint64_t address_of(const void* pointer) { return reinterpret_cast<std::uint64_t>(pointer); }

void device_writes(Endpoint& endpoint, std::span<std::uint8_t> there, std::uint64_t seed, const How& how) {
    std::array<std::uint8_t, kPiece> bytes{};
    fill_pattern(bytes, seed);
    const Result result = endpoint.write(address_of(there.data()), bytes, how);
    check(result.good(), "the write to " + hex(address_of(there.data())) + " ended in " + code_text(result.code));
    check(has_pattern(there.first(kPiece), seed), "the write to " + hex(address_of(there.data())) + " did not arrive");
}

void device_reads(Endpoint& endpoint, std::span<const std::uint8_t> there, std::uint64_t seed, const How& how) {
    std::array<std::uint8_t, kPiece> bytes{};
    const Result result = endpoint.read(address_of(there.data()), bytes, how);
    check(result.good(), "the read of " + hex(address_of(there.data())) + " ended in " + code_text(result.code));
    check(has_pattern(bytes, seed), "the read of " + hex(address_of(there.data())) + " brought other data");
}

void device_reads_zeros(Endpoint& endpoint, const void* there, const How& how) {
    std::array<std::uint8_t, 64> bytes{};
    bytes.fill(0xff);
    const Result result = endpoint.read(address_of(there), bytes, how);
    check(result.good(), std::string("the read ended in ") + code_text(result.code));
    for (const std::uint8_t byte : bytes)
        check_equal(byte, 0, "a byte of memory that nobody has written");
}

void exchange(Endpoint& endpoint, std::span<std::uint8_t> there, const How& how) {
    static std::uint64_t seed = 100;
    device_writes(endpoint, there, ++seed, how);
    fill_pattern(there.first(kPiece), ++seed);
    device_reads(endpoint, there, seed, how);
}

void refuses_write(Endpoint& endpoint, std::uint64_t address, const How& how) {
    const std::array<std::uint8_t, 8> bytes{0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee};
    const Result result = endpoint.write(address, bytes, how);
    check(!result.good(), "the write to " + hex(address) + " succeeded");
}

void refuses_read(Endpoint& endpoint, std::uint64_t address, const How& how) {
    std::array<std::uint8_t, 8> bytes{};
    const Result result = endpoint.read(address, bytes, how);
    check(!result.good(), "the read of " + hex(address) + " succeeded");
}

}  // namespace guest
