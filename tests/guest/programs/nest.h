// SPDX-License-Identifier: GPL-2.0-or-later
// Nest: a nested translation of one device, whose first stage belongs to this process.
//
// It has an IOAS with memory mapped at kIpa, a nest parent over it (the second stage, kept by the kernel), and a nested
// hwpt whose tables lie in that memory. The device is not attached: attach() does that. On SMMUv3 the hwpt goes through
// a vIOMMU and a vDEVICE with the virtual StreamID kVirtualId, and has a CD table of its own: context descriptor n is
// for SubstreamID n, with ASID n + 1, and CD 0 also serves requests without one. On VT-d a hwpt has one table, and
// PASIDs have hwpts of their own.
//
// Memory from kIpa on: kTableBytes for tables, then data().
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "device.h"
#include "first_stage.h"
#include "iommufd.h"
#include "memory.h"

namespace guest {

enum class Ats { Off, On };
enum class Leaf { No, Yes };

class Nest {
  public:
    static constexpr std::uint64_t kIpa = kGiB1;
    static constexpr std::uint64_t kTableBytes = 2 * kMiB2;
    static constexpr std::uint64_t kDataBytes = 2 * kMiB2;
    static constexpr std::uint64_t kVirtualId = 0x2a;
    static constexpr unsigned kContexts = 16;

    // Skips the step if the unit or the kernel cannot nest. `page_bytes` is the size of the memory's pages, and so of
    // the second stage's leaves where the unit has them. `ats` is for SMMUv3, where the virtual STE says it.
    Nest(Iommufd& iommu, Device& device, std::uint64_t page_bytes = kKiB4, Ats ats = Ats::Off);

    [[nodiscard]] std::uint32_t ioas() const { return ioas_; }
    [[nodiscard]] std::uint32_t parent() const { return parent_; }
    [[nodiscard]] std::uint32_t viommu() const { return viommu_; }
    [[nodiscard]] std::uint32_t hwpt() const { return hwpt_; }
    [[nodiscard]] Pool& pool() { return pool_; }

    // The data's bytes and their IPA.
    [[nodiscard]] std::span<std::uint8_t> data(std::uint64_t offset, std::uint64_t bytes) const {
        return memory_.at(kTableBytes + offset, bytes);
    }
    [[nodiscard]] static std::uint64_t data_ipa(std::uint64_t offset) { return kIpa + kTableBytes + offset; }

    // Tables of requests without PASID; on SMMUv3 also those of any SubstreamID below kContexts.
    FirstStage& tables(unsigned substream = 0);

    // A further nested hwpt over the same parent with tables of its own (VT-d); `flags` as IOMMU_HWPT_ALLOC_*.
    std::uint32_t another_hwpt(FirstStage& tables, std::uint32_t flags = 0, std::uint32_t fault_queue = 0);

    // A further hwpt over tables() whose page faults go to the queue. On SMMUv3 its contexts stall: those of all
    // tables() so far.
    std::uint32_t hwpt_with_faults(std::uint32_t fault_queue);

    // SMMUv3: writes a context descriptor of the CD table, which the unit may still have cached (CMD_CFGI_CD).
    void set_context(unsigned substream, std::uint64_t root, std::uint16_t asid);
    // SMMUv3: makes it invalid.
    void clear_context(unsigned substream);

    // SMMUv3: CD.IPS, 0 for 32 bits to 5 for 48.
    void set_address_size(unsigned substream, unsigned ips);

    // SMMUv3: words of a virtual STE, this nest's or with a CD table elsewhere, and a hwpt made of such words.
    [[nodiscard]] std::array<std::uint64_t, 2> ste() const;
    [[nodiscard]] static std::array<std::uint64_t, 2> ste_with_contexts(std::uint64_t context_table,
                                                                        Ats ats = Ats::Off);
    int try_hwpt_with(const std::array<std::uint64_t, 2>& ste, std::uint32_t& id, std::uint32_t fault_queue = 0);
    std::uint32_t hwpt_with(const std::array<std::uint64_t, 2>& ste, std::uint32_t fault_queue = 0);

    void attach() { device_.attach(hwpt_); }

    // IOMMU_HWPT_INVALIDATE for tables(substream) (on VT-d: for `hwpt()`, and its device TLBs by the kernel's doing).
    void invalidate_pages(std::uint64_t iova, std::uint64_t pages, Leaf leaf = Leaf::No, unsigned substream = 0);
    void invalidate_all();
    // SMMUv3: one command as it stands in a queue; 0 or an errno.
    int try_command(std::uint64_t word0, std::uint64_t word1);

  private:
    void make_vtd();
    void make_smmuv3();
    [[nodiscard]] volatile std::uint64_t* context(unsigned substream) const;

    Iommufd& iommu_;
    Device& device_;
    UnitKind unit_;
    Memory memory_;
    Pool pool_;
    std::vector<std::unique_ptr<FirstStage>> tables_;
    std::uint64_t context_table_ = 0;
    Ats ats_;
    std::uint32_t ioas_ = 0, parent_ = 0, viommu_ = 0, hwpt_ = 0;
};

}  // namespace guest
