// SPDX-License-Identifier: GPL-2.0-or-later
#include "nest.h"

#include "smmuv3_words.h"
#include "steps.h"

namespace guest {
namespace {

constexpr std::uint32_t kAddressWidth = 48;

// IDR3.FWB [SMMU G.b s6.3.4]: the second stage can make what it maps write-back, whatever the first says.
bool forces_write_back(Iommufd& iommu, const Device& device) {
    constexpr std::uint32_t kFwb = 1 << 8;
    iommu_hw_info_arm_smmuv3 info = {};
    iommu.hw_info(device.id(), &info, sizeof info);
    return (info.idr[3] & kFwb) != 0;
}

}  // namespace

Nest::Nest(Iommufd& iommu, Device& device, std::uint64_t page_bytes, Ats ats)
    : iommu_{iommu},
      device_{device},
      unit_{unit_kind()},
      memory_{page_bytes == kGiB1 ? kGiB1 : kTableBytes + kDataBytes, page_bytes},
      pool_{memory_.data(), kIpa, kTableBytes},
      tables_(kContexts),
      ats_{ats},
      ioas_{iommu.ioas()} {
    iommu_.map(ioas_, memory_.data(), memory_.size(), kIpa);
    const int error =
        iommu_.try_hwpt({.device = device_.id(), .parent = ioas_, .flags = IOMMU_HWPT_ALLOC_NEST_PARENT}, parent_);
    if (error == EOPNOTSUPP) skip("the unit has no nested translation");
    check(error == 0, "IOMMU_HWPT_ALLOC of a nest parent: " + error_text(error));
    if (unit_ == UnitKind::Vtd)
        make_vtd();
    else
        make_smmuv3();
}

FirstStage& Nest::tables(unsigned substream) {
    check(substream < kContexts, "no context for this SubstreamID");
    auto& tables = tables_[substream];
    if (tables) return *tables;
    tables = std::make_unique<FirstStage>(unit_, pool_);
    if (unit_ == UnitKind::Smmuv3) set_context(substream, tables->root(), static_cast<std::uint16_t>(substream + 1));
    return *tables;
}

volatile std::uint64_t* Nest::context(unsigned substream) const {
    check(substream < kContexts, "no context for this SubstreamID");
    return pool_.words(context_table_) + 8 * substream;
}

void Nest::set_context(unsigned substream, std::uint64_t root, std::uint16_t asid) {
    volatile std::uint64_t* words = context(substream);
    const auto descriptor = smmuv3::context_descriptor(root, asid);
    // The first word last: it has the valid bit.
    for (unsigned word = 8; word-- > 0;)
        words[word] = descriptor[word];
}

void Nest::clear_context(unsigned substream) { context(substream)[0] = 0; }

void Nest::set_address_size(unsigned substream, unsigned ips) {
    constexpr unsigned kIpsShift = 32;
    volatile std::uint64_t* word = context(substream);
    *word = (*word & ~(std::uint64_t{7} << kIpsShift)) | std::uint64_t{ips} << kIpsShift;
}

std::uint32_t Nest::another_hwpt(FirstStage& tables, std::uint32_t flags, std::uint32_t fault_queue) {
    iommu_hwpt_vtd_s1 data = {};
    data.pgtbl_addr = tables.root();
    data.addr_width = kAddressWidth;
    return iommu_.hwpt({.device = device_.id(),
                        .parent = parent_,
                        .flags = flags,
                        .data_type = IOMMU_HWPT_DATA_VTD_S1,
                        .data = &data,
                        .data_bytes = sizeof data,
                        .fault_queue = fault_queue});
}

void Nest::make_vtd() { hwpt_ = another_hwpt(tables()); }

void Nest::make_smmuv3() {
    context_table_ = pool_.take(kKiB4);
    tables();
    if (!forces_write_back(iommu_, device_)) skip("Linux makes a vIOMMU only where IDR3.FWB is 1");
    viommu_ = iommu_.viommu(device_.id(), parent_, IOMMU_VIOMMU_TYPE_ARM_SMMUV3);
    iommu_.vdevice(viommu_, device_.id(), kVirtualId);
    hwpt_ = hwpt_with(ste());
}

std::array<std::uint64_t, 2> Nest::ste() const { return ste_with_contexts(context_table_, ats_); }

std::array<std::uint64_t, 2> Nest::ste_with_contexts(std::uint64_t context_table, Ats ats) {
    return smmuv3::virtual_ste(context_table, kContexts, ats == Ats::On);
}

int Nest::try_hwpt_with(const std::array<std::uint64_t, 2>& ste, std::uint32_t& id, std::uint32_t fault_queue) {
    iommu_hwpt_arm_smmuv3 data = {};
    data.ste[0] = ste[0];
    data.ste[1] = ste[1];
    return iommu_.try_hwpt({.device = device_.id(),
                            .parent = viommu_,
                            .flags = fault_queue == 0 ? 0u : static_cast<std::uint32_t>(IOMMU_HWPT_FAULT_ID_VALID),
                            .data_type = IOMMU_HWPT_DATA_ARM_SMMUV3,
                            .data = &data,
                            .data_bytes = sizeof data,
                            .fault_queue = fault_queue},
                           id);
}

std::uint32_t Nest::hwpt_with(const std::array<std::uint64_t, 2>& ste, std::uint32_t fault_queue) {
    std::uint32_t id = 0;
    const int error = try_hwpt_with(ste, id, fault_queue);
    check(error == 0, "IOMMU_HWPT_ALLOC of a nested hwpt: " + error_text(error));
    return id;
}

std::uint32_t Nest::hwpt_with_faults(std::uint32_t fault_queue) {
    if (unit_ == UnitKind::Vtd) return another_hwpt(tables(), IOMMU_HWPT_FAULT_ID_VALID, fault_queue);
    for (unsigned substream = 0; substream < kContexts; ++substream)
        if (tables_[substream]) *context(substream) = *context(substream) | smmuv3::kContextStalls;
    return hwpt_with(ste(), fault_queue);
}

int Nest::try_command(std::uint64_t word0, std::uint64_t word1) {
    iommu_viommu_arm_smmuv3_invalidate command = {};
    command.cmd[0] = word0;
    command.cmd[1] = word1;
    std::uint32_t done = 0;
    return iommu_.try_invalidate(viommu_, IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3, &command, sizeof command, 1, done);
}

void Nest::invalidate_pages(std::uint64_t iova, std::uint64_t pages, Leaf leaf, unsigned substream) {
    if (unit_ == UnitKind::Vtd) {
        iommu_hwpt_vtd_s1_invalidate entry = {};
        entry.addr = iova;
        entry.npages = pages;
        entry.flags = leaf == Leaf::Yes ? static_cast<__u32>(IOMMU_VTD_INV_FLAGS_LEAF) : 0;
        std::uint32_t done = 0;
        const int error =
            iommu_.try_invalidate(hwpt_, IOMMU_HWPT_INVALIDATE_DATA_VTD_S1, &entry, sizeof entry, 1, done);
        check(error == 0, "IOMMU_HWPT_INVALIDATE: " + error_text(error));
        return;
    }
    const auto asid = static_cast<std::uint16_t>(substream + 1);
    for (std::uint64_t page = 0; page < pages; ++page) {
        const auto command = smmuv3::tlbi_nh_va(asid, iova + page * kKiB4, leaf == Leaf::Yes);
        const int error = try_command(command[0], command[1]);
        check(error == 0, "IOMMU_HWPT_INVALIDATE of CMD_TLBI_NH_VA: " + error_text(error));
    }
    if (ats_ == Ats::Off) return;
    for (std::uint64_t page = 0; page < pages; ++page) {
        const auto command = smmuv3::atc_inv(kVirtualId, substream, iova + page * kKiB4, 0);
        check(try_command(command[0], command[1]) == 0, "IOMMU_HWPT_INVALIDATE of CMD_ATC_INV");
    }
}

void Nest::invalidate_all() {
    if (unit_ == UnitKind::Vtd) {
        invalidate_pages(0, ~std::uint64_t{0});
        return;
    }
    check(try_command(smmuv3::kTlbiNhAll, 0) == 0, "IOMMU_HWPT_INVALIDATE of CMD_TLBI_NH_ALL");
    if (ats_ == Ats::Off) return;
    const auto command = smmuv3::atc_inv(kVirtualId, 0, 0, smmuv3::kAtcSizeAll);
    check(try_command(command[0], command[1]) == 0, "IOMMU_HWPT_INVALIDATE of CMD_ATC_INV");
}

}  // namespace guest
