// SPDX-License-Identifier: GPL-2.0-or-later
//
// stages: VMSAv8-64 tables of both stages, as iommu/walk.h wants them. [SMMU G.b s3.4, s3.13; ARM D8.2-D8.5]
//
// The walk counts levels from the leaf, the manual from the top: `arm_level` converts. What a walk may do is collected
// over the levels as grants, which table descriptors can only take away, and judged at the leaf. A writable-clean page
// counts as writable; the write that comes clears AP[2] (or sets S2AP[1]).
#ifndef SMMUV3_NESTED_STAGES_H
#define SMMUV3_NESTED_STAGES_H

#include "iommu/walk.h"
#include "smmuv3-nested/resolve.h"
#include "smmuv3-nested/spec/vmsav8_64.h"

namespace smmuv3 {

using iommu::EntryUse;
using iommu::Level;
using iommu::Rights;
using iommu::Snooped;
using iommu::Stage;
using iommu::Step;
using iommu::Update;
using iommu::WalkCause;
using iommu::WalkQuery;

// Level 1 of the walk is level 3 of the manual.
[[nodiscard]] constexpr int arm_level(Level level) { return last_level + 1 - static_cast<int>(level); }
[[nodiscard]] constexpr Level walk_level(int level) { return static_cast<Level>(last_level + 1 - level); }

class FirstStage {
  public:
    static constexpr Stage stage = Stage::First;

    // `output_bits`: of an address that the next stage or the system accepts.
    FirstStage(const Config& config, const Capabilities& capabilities, const WalkQuery& query);

    // The half that the query's address is in.
    [[nodiscard]] const TableSide& side() const { return side_; }
    // In the half's range, the half enabled, and not closed to unprivileged accesses (E0PD).
    [[nodiscard]] bool accepts(std::uint64_t input) const;
    [[nodiscard]] Level top_level() const { return walk_level(side_.start_level); }
    [[nodiscard]] std::uint64_t root() const { return side_.root; }
    [[nodiscard]] std::uint64_t slot(std::uint64_t table, Level level, std::uint64_t input) const;
    [[nodiscard]] Step decode(std::uint64_t entry, Level level) const;
    [[nodiscard]] iommu::Result<Rights, WalkCause> judge(unsigned grants, const WalkQuery& query) const;
    [[nodiscard]] Update update(EntryUse use, std::uint64_t entry, const WalkQuery& query) const;
    [[nodiscard]] std::uint64_t update_bits() const;
    [[nodiscard]] bool clean(std::uint64_t entry) const;
    [[nodiscard]] Snooped snooped() const { return Snooped::Yes; }

    // Whether a leaf is for one ASID only.
    [[nodiscard]] static bool non_global(std::uint64_t leaf);

  private:
    [[nodiscard]] unsigned table_grants(Value<Stage1Descriptor> descriptor) const;
    [[nodiscard]] unsigned leaf_grants(Value<Stage1Descriptor> descriptor) const;

    const Stage1Config& config_;
    const TableSide& side_;
    StreamWorld world_;
    TableFormat format_;
    bool unprivileged_;
};

class SecondStage {
  public:
    static constexpr Stage stage = Stage::Second;

    SecondStage(const Config& config, const Capabilities& capabilities);

    [[nodiscard]] bool accepts(std::uint64_t input) const;
    [[nodiscard]] Level top_level() const { return walk_level(config_.start_level); }
    [[nodiscard]] std::uint64_t root() const { return config_.root; }
    [[nodiscard]] std::uint64_t slot(std::uint64_t table, Level level, std::uint64_t input) const;
    [[nodiscard]] Step decode(std::uint64_t entry, Level level) const;
    [[nodiscard]] iommu::Result<Rights, WalkCause> judge(unsigned grants, const WalkQuery& query) const;
    [[nodiscard]] Update update(EntryUse use, std::uint64_t entry, const WalkQuery& query) const;
    [[nodiscard]] std::uint64_t update_bits() const;
    [[nodiscard]] bool clean(std::uint64_t entry) const;
    [[nodiscard]] Snooped snooped() const { return Snooped::Yes; }

  private:
    [[nodiscard]] unsigned leaf_grants(Value<Stage2Descriptor> descriptor) const;
    [[nodiscard]] bool is_device(std::uint64_t memattr) const;

    const Stage2Config& config_;
    TableFormat format_;
    bool xnx_;
};

}  // namespace smmuv3

#endif  // SMMUV3_NESTED_STAGES_H
