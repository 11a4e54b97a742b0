// SPDX-License-Identifier: GPL-2.0-or-later
// walk: what IOMMU_GET_HW_INFO says is what the registers and the device's capabilities say.
#include <array>

#include "physical.h"
#include "walk_bench.h"
#include "walk_steps.h"

namespace guest {
namespace {

constexpr unsigned kCap = 0x08, kEcap = 0x10;                               // [VTD 5.10 s11.4]
constexpr unsigned kIdr0 = 0x00, kIdr1 = 0x04, kIidr = 0x18, kAidr = 0x1c;  // [SMMU G.b s6.3]

constexpr std::uint64_t field(std::uint64_t word, unsigned high, unsigned low) {
    return word << (63 - high) >> (63 - high + low);
}

void vtd_registers(DeviceBench& bench, const Physical& registers) {
    iommu_hw_info_vtd info = {};
    const auto said = bench.iommu.hw_info(bench.device.id(), &info, sizeof info);
    check_equal(said.out_data_type, IOMMU_HW_INFO_TYPE_INTEL_VTD, "out_data_type");
    check_equal(said.data_len, sizeof info, "data_len");
    check_equal(info.cap_reg, registers.get64(kCap), "cap_reg");
    check_equal(info.ecap_reg, registers.get64(kEcap), "ecap_reg");
    check_equal(std::stoull(read_text("/sys/class/iommu/dmar0/intel-iommu/ecap"), nullptr, 16), info.ecap_reg,
                "ecap in sysfs");
}

void smmuv3_registers(DeviceBench& bench, const Physical& registers) {
    iommu_hw_info_arm_smmuv3 info = {};
    const auto said = bench.iommu.hw_info(bench.device.id(), &info, sizeof info);
    check_equal(said.out_data_type, IOMMU_HW_INFO_TYPE_ARM_SMMUV3, "out_data_type");
    check_equal(said.data_len, sizeof info, "data_len");
    for (unsigned index = 0; index < 6; ++index)
        check_equal(info.idr[index], registers.get(kIdr0 + 4 * index), "IDR" + std::to_string(index));
    check_equal(info.iidr, registers.get(kIidr), "IIDR");
    check_equal(info.aidr, registers.get(kAidr), "AIDR");
}

void registers() {
    DeviceBench bench;
    const Physical page{unit_address(), 0x1000};
    if (unit_kind() == UnitKind::Vtd)
        vtd_registers(bench, page);
    else
        smmuv3_registers(bench, page);
}

// The PASID capability's register of that name, or 0; VFIO hides it, sysfs does not.
std::uint16_t pasid_capability(const PciFunction& function) {
    constexpr std::uint16_t kPasid = 0x1b;
    const std::string space = read_text(function.folder() + "/config");
    const auto word = [&](std::size_t at) {
        return static_cast<unsigned>(static_cast<std::uint8_t>(space.at(at)) |
                                     static_cast<std::uint8_t>(space.at(at + 1)) << 8);
    };
    for (std::size_t at = 0x100, hops = 0; at != 0 && hops < 64; at = word(at + 2) >> 4, ++hops)
        if (word(at) == kPasid) return static_cast<std::uint16_t>(word(at + 4));
    return 0;
}

// How many PASID bits the unit takes.
unsigned unit_pasid_bits(const Physical& registers) {
    if (unit_kind() == UnitKind::Smmuv3) return static_cast<unsigned>(field(registers.get(kIdr1), 10, 6));
    const std::uint64_t ecap = registers.get64(kEcap);
    return field(ecap, 40, 40) == 0 ? 0 : static_cast<unsigned>(field(ecap, 39, 35)) + 1;
}

bool unit_marks_dirty(const Physical& registers) {
    if (unit_kind() == UnitKind::Smmuv3) return field(registers.get(kIdr0), 7, 6) >= 2;  // HTTU
    const std::uint64_t ecap = registers.get64(kEcap);
    return field(ecap, 45, 45) != 0 && field(ecap, 48, 48) != 0;  // SSADS, SMPWCS
}

void capabilities() {
    DeviceBench bench;
    const Physical page{unit_address(), 0x1000};
    const auto said = bench.iommu.hw_info(bench.device.id(), nullptr, 0);
    const auto says = [&](std::uint64_t capability) { return (said.out_capabilities & capability) != 0; };
    check_equal(says(IOMMU_HW_CAP_DIRTY_TRACKING), unit_marks_dirty(page), "IOMMU_HW_CAP_DIRTY_TRACKING");
    const std::uint16_t pasid = pasid_capability(bench.device.function());
    check_equal(said.out_max_pasid_log2, std::min<std::uint64_t>(field(pasid, 12, 8), unit_pasid_bits(page)),
                "out_max_pasid_log2");
    if (said.out_max_pasid_log2 != 0) {
        check(bench.endpoint.enabled(AE_ENABLES_PASID), "the driver left the device's PASIDs off");
        check_equal(says(IOMMU_HW_CAP_PCI_PASID_EXEC), field(pasid, 1, 1), "IOMMU_HW_CAP_PCI_PASID_EXEC");
        check_equal(says(IOMMU_HW_CAP_PCI_PASID_PRIV), field(pasid, 2, 2), "IOMMU_HW_CAP_PCI_PASID_PRIV");
    }
    const bool ats =
        unit_kind() == UnitKind::Vtd ? field(page.get64(kEcap), 2, 2) != 0 : field(page.get(kIdr0), 10, 10) != 0;
    check_equal(!says(IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED), ats, "ATS");
}

constexpr std::array kSteps{
    Step{"hw-info-registers", registers},
    Step{"hw-info-capabilities", capabilities},
};

}  // namespace

std::span<const Step> walk_capability_steps() { return kSteps; }

}  // namespace guest
