// SPDX-License-Identifier: GPL-2.0-or-later
//
// stages: the two page-table formats, as iommu/walk.h wants them. [VTD 5.10 s3.6, s3.7, s9.7, s9.8]
//
// Rights are collected over all levels and judged at the leaf, so an entry that is missing or has a reserved bit
// outranks a right that a higher level denies. Reserved bits count only in present entries.
#ifndef VTD_NESTED_STAGES_H
#define VTD_NESTED_STAGES_H

#include "iommu/walk.h"
#include "vtd-nested/resolve.h"

namespace vtd {

using iommu::EntryUse;
using iommu::Level;
using iommu::Result;
using iommu::Rights;
using iommu::Snooped;
using iommu::Stage;
using iommu::Step;
using iommu::Update;
using iommu::WalkCause;
using iommu::WalkQuery;

// What the decoding of entries needs to know of the unit.
struct StageLimits {
    std::uint8_t haw = 52;
    bool first_1g = false;          // FS1GP
    bool second_2m = false;         // SSLPS bit 0
    bool second_1g = false;         // SSLPS bit 1
    bool snoop_control = false;     // SC
    bool zero_length_read = false;  // ZLR

    [[nodiscard]] static StageLimits of(const Capabilities& capabilities);
};

class FirstStage {
  public:
    static constexpr Stage stage = Stage::First;

    // `output_width`: bits of an address that the next stage accepts; 64 when there is none.
    FirstStage(const Config& config, const StageLimits& limits, unsigned output_width)
        : config_(config), limits_(limits), output_width_(output_width) {}

    // Canonical: the bits above the highest that is translated repeat it.
    [[nodiscard]] bool accepts(std::uint64_t input) const;
    [[nodiscard]] Level top_level() const { return config_.first_levels; }
    [[nodiscard]] std::uint64_t root() const { return config_.first_root; }
    [[nodiscard]] std::uint64_t slot(std::uint64_t table, Level level, std::uint64_t input) const;
    [[nodiscard]] Step decode(std::uint64_t entry, Level level) const;
    [[nodiscard]] Result<Rights, WalkCause> judge(unsigned grants, const WalkQuery& query) const;
    [[nodiscard]] Update update(EntryUse use, std::uint64_t entry, const WalkQuery& query) const;
    [[nodiscard]] std::uint64_t update_bits() const;
    [[nodiscard]] bool clean(std::uint64_t entry) const;
    [[nodiscard]] Snooped snooped() const { return config_.walk_snooped ? Snooped::Yes : Snooped::No; }

  private:
    const Config& config_;
    const StageLimits& limits_;
    unsigned output_width_;
};

class SecondStage {
  public:
    static constexpr Stage stage = Stage::Second;

    SecondStage(const Config& config, const StageLimits& limits) : config_(config), limits_(limits) {}

    [[nodiscard]] bool accepts(std::uint64_t input) const;
    [[nodiscard]] Level top_level() const { return config_.second_levels; }
    [[nodiscard]] std::uint64_t root() const { return config_.second_root; }
    [[nodiscard]] std::uint64_t slot(std::uint64_t table, Level level, std::uint64_t input) const;
    [[nodiscard]] Step decode(std::uint64_t entry, Level level) const;
    [[nodiscard]] Result<Rights, WalkCause> judge(unsigned grants, const WalkQuery& query) const;
    [[nodiscard]] Update update(EntryUse use, std::uint64_t entry, const WalkQuery& query) const;
    [[nodiscard]] std::uint64_t update_bits() const;
    [[nodiscard]] bool clean(std::uint64_t entry) const;
    [[nodiscard]] Snooped snooped() const { return config_.walk_snooped ? Snooped::Yes : Snooped::No; }

  private:
    const Config& config_;
    const StageLimits& limits_;
};

}  // namespace vtd

#endif  // VTD_NESTED_STAGES_H
