// SPDX-License-Identifier: GPL-2.0-or-later
#include "smmuv3-nested/stages.h"

#include "iommu/address.h"

namespace smmuv3 {

using iommu::Access;
using iommu::Execute;
using iommu::low_bits;
using iommu::Privilege;
using iommu::Purpose;
using iommu::StepKind;

namespace {

// Grants of either stage. Stage 1 does not deny reading, stage 2 knows no unprivileged access of its own.
constexpr unsigned kRead = 1;
constexpr unsigned kWrite = 2;
constexpr unsigned kUnprivileged = 4;
constexpr unsigned kExecuteUser = 8;
constexpr unsigned kExecuteSupervisor = 16;
constexpr unsigned kNormalMemory = 32;
constexpr unsigned kEverything = 63;

unsigned when(bool condition, unsigned grant) { return condition ? grant : 0; }

// Bit 55 chooses the half in the worlds that have two.
unsigned half_of(std::uint64_t input, StreamWorld world) {
    return world == StreamWorld::EL2 ? 0 : static_cast<unsigned>(input >> 55 & 1);
}

TableFormat make_format(unsigned granule_log2, bool ds, const Capabilities& capabilities) {
    return {.granule_log2 = granule_log2, .ds = ds, .lpa = capabilities.output_bits() >= 52};
}

// What the first descriptor bits say at a level.
enum class Kind : std::uint8_t { Invalid, Table, Leaf };
Kind kind_of(std::uint64_t raw, int level, const TableFormat& format) {
    const Value<Descriptor> descriptor{raw};
    if (descriptor.get<Descriptor::Valid>() == 0) return Kind::Invalid;
    const bool table_bit = descriptor.get<Descriptor::Table>() != 0;
    if (level == last_level) return table_bit ? Kind::Leaf : Kind::Invalid;
    if (table_bit) return Kind::Table;
    return block_level(format, level) ? Kind::Leaf : Kind::Invalid;
}

struct StageRules {
    unsigned output_bits;
    bool faults_without_access_flag;
};

// The step without its grants: address, size, access flag.
Step decode_step(std::uint64_t raw, int level, const TableFormat& format, const StageRules& rules) {
    Step step;
    switch (kind_of(raw, level, format)) {
        case Kind::Invalid: return step;
        case Kind::Table:
            step.kind = StepKind::Table;
            step.address = next_table(format, raw);
            break;
        case Kind::Leaf:
            step.kind = StepKind::Leaf;
            step.page_log2 = entry_log2(format.granule_log2, level);
            step.address = output_address(format, raw, level);
            break;
    }
    if ((step.address & ~low_bits(rules.output_bits)) != 0) {
        step.kind = StepKind::OutputOutOfRange;
    } else if (step.kind == StepKind::Leaf && rules.faults_without_access_flag &&
               Value<Descriptor>{raw}.get<Descriptor::AF>() == 0) {
        step.kind = StepKind::NotAccessed;
    }
    return step;
}

}  // namespace

// ---- Stage 1

FirstStage::FirstStage(const Config& config, const Capabilities& capabilities, const WalkQuery& query)
    : config_(config.stage1),
      side_(config.stage1.sides[half_of(query.input, config.route.world)]),
      world_(config.route.world),
      format_(make_format(side_.granule_log2, config.stage1.ds, capabilities)),
      unprivileged_(query.privilege == Privilege::User && config.route.world != StreamWorld::EL2) {}

// The bits above the range repeat bit 55 (in EL2: are 0), up to the top byte when that is ignored.
bool FirstStage::accepts(std::uint64_t input) const {
    if (side_.disabled || (side_.e0pd && unprivileged_)) return false;
    const unsigned width = 64 - side_.size;
    const std::uint64_t checked = low_bits(side_.ignore_top_byte ? 56 : 64) & ~low_bits(width);
    const std::uint64_t expected = half_of(input, world_) != 0 ? checked : 0;
    return (input & checked) == expected;
}

std::uint64_t FirstStage::slot(std::uint64_t table, Level level, std::uint64_t input) const {
    const int at = arm_level(level);
    const std::uint64_t in_range = input & low_bits(64u - side_.size);
    const std::uint64_t index = at == side_.start_level ? in_range >> entry_log2(side_.granule_log2, at)
                                                        : table_index(side_.granule_log2, at, in_range);
    return table + (index << descriptor_log2);
}

// APTable and XNTable take rights away from everything below.
unsigned FirstStage::table_grants(Value<Stage1Descriptor> d) const {
    using D = Stage1Descriptor;
    if (side_.flat_attributes) return kEverything;
    unsigned grants = kEverything;
    if (d.get<D::APTable_0>() != 0 && world_ != StreamWorld::EL2) grants &= ~kUnprivileged;
    if (d.get<D::APTable_1>() != 0) grants &= ~kWrite;
    if (d.get<D::UXNTable>() != 0) grants &= ~kExecuteUser;
    if (d.get<D::PXNTable>() != 0) grants &= ~kExecuteSupervisor;
    return grants;
}

unsigned FirstStage::leaf_grants(Value<Stage1Descriptor> d) const {
    using D = Stage1Descriptor;
    const bool writable_clean = config_.hardware_dirty && d.get<D::DBM>() != 0;
    return kRead | when(d.get<D::AP_2>() == 0 || writable_clean, kWrite) |
           when(d.get<D::AP_1>() != 0 && world_ != StreamWorld::EL2, kUnprivileged) |
           when(d.get<D::UXN>() == 0, kExecuteUser) | when(d.get<D::PXN>() == 0, kExecuteSupervisor) | kNormalMemory;
}

Step FirstStage::decode(std::uint64_t raw, Level level) const {
    const StageRules rules{.output_bits = config_.output_bits,
                           .faults_without_access_flag = !config_.hardware_access && !config_.access_flag_ignored};
    Step step = decode_step(raw, arm_level(level), format_, rules);
    const Value<Stage1Descriptor> descriptor{raw};
    step.grants = step.kind == StepKind::Table ? table_grants(descriptor) : leaf_grants(descriptor);
    return step;
}

// The Direct scheme. [ARM D8.4; SMMU G.b s3.13, s13.1]
iommu::Result<Rights, WalkCause> FirstStage::judge(unsigned grants, const WalkQuery& query) const {
    const bool supervisor = world_ == StreamWorld::EL2 || query.privilege == Privilege::Supervisor;
    const bool writable = (grants & kWrite) != 0;
    const bool unprivileged = (grants & kUnprivileged) != 0;
    if (query.execute == Execute::Yes) {
        // One privilege level has one XN, where UXN is. A page that the unprivileged can write is not for the
        // privileged.
        const bool single = world_ == StreamWorld::EL2;
        const unsigned needed = supervisor && !single ? kExecuteSupervisor : kExecuteUser;
        const bool shared_writable = supervisor && !single && unprivileged && writable;
        const bool write_excludes = config_.wxn && writable && (supervisor || unprivileged);
        if ((grants & needed) == 0 || shared_writable || write_excludes) return Err{WalkCause::NoRead};
        return Rights::Read;
    }
    if (supervisor && config_.pan && unprivileged) {
        return Err{query.writes() ? WalkCause::NoWrite : WalkCause::NoRead};
    }
    const bool may_write = writable && (supervisor || unprivileged);
    const bool may_read = supervisor || unprivileged;
    if (!may_read) return Err{query.writes() ? WalkCause::NoWrite : WalkCause::NoRead};
    if (query.writes() && !may_write) return Err{WalkCause::NoWrite};
    return may_write ? Rights::ReadWrite : Rights::Read;
}

Update FirstStage::update(EntryUse use, std::uint64_t entry, const WalkQuery& query) const {
    using D = Stage1Descriptor;
    if (use == EntryUse::Table || !config_.hardware_access) return {};
    const Value<D> descriptor{entry};
    Update update{.set = D::AF::mask};
    const bool dirties = config_.hardware_dirty && descriptor.get<D::DBM>() != 0 && query.writes();
    if (dirties) update.clear = D::AP_2::mask;
    return update;
}

std::uint64_t FirstStage::update_bits() const {
    using D = Stage1Descriptor;
    if (!config_.hardware_access) return 0;
    return D::AF::mask | (config_.hardware_dirty ? D::AP_2::mask : 0);
}

bool FirstStage::clean(std::uint64_t entry) const {
    using D = Stage1Descriptor;
    const Value<D> descriptor{entry};
    return config_.hardware_dirty && descriptor.get<D::DBM>() != 0 && descriptor.get<D::AP_2>() != 0;
}

bool FirstStage::non_global(std::uint64_t leaf) {
    return Value<Stage1Descriptor>{leaf}.get<Stage1Descriptor::nG>() != 0;
}

// ---- Stage 2

SecondStage::SecondStage(const Config& config, const Capabilities& capabilities)
    : config_(config.stage2),
      format_(make_format(config.stage2.granule_log2, config.stage2.ds, capabilities)),
      xnx_(capabilities.xnx != 0) {}

bool SecondStage::accepts(std::uint64_t input) const { return (input & ~low_bits(64u - config_.size)) == 0; }

std::uint64_t SecondStage::slot(std::uint64_t table, Level level, std::uint64_t input) const {
    const int at = arm_level(level);
    // Tables side by side at the start are one long table.
    const std::uint64_t index = at == config_.start_level ? input >> entry_log2(config_.granule_log2, at)
                                                          : table_index(config_.granule_log2, at, input);
    return table + (index << descriptor_log2);
}

// Without FWB the upper half names the outer cacheability, 0 for Device; with it, bit 2 tells Normal from Device.
bool SecondStage::is_device(std::uint64_t memattr) const {
    return config_.fwb ? (memattr & 4) == 0 : (memattr & 0xc) == 0;
}

unsigned SecondStage::leaf_grants(Value<Stage2Descriptor> d) const {
    using D = Stage2Descriptor;
    const bool writable_clean = config_.hardware_dirty && d.get<D::DBM>() != 0;
    const std::uint64_t xn = d.get<D::XN_1>() << 1 | (xnx_ ? d.get<D::XN_0>() : d.get<D::XN_1>());
    // 00: all; 01: not privileged; 10: nobody; 11: not unprivileged. Without XNX: 00 or nobody.
    const bool user = xn == 0 || (xnx_ && xn == 1);
    const bool supervisor = xn == 0 || (xnx_ && xn == 3);
    return when(d.get<D::S2AP_0>() != 0, kRead) | when(d.get<D::S2AP_1>() != 0 || writable_clean, kWrite) |
           kUnprivileged | when(user, kExecuteUser) | when(supervisor, kExecuteSupervisor) |
           when(!is_device(d.get<D::MemAttr>()), kNormalMemory);
}

Step SecondStage::decode(std::uint64_t raw, Level level) const {
    const StageRules rules{.output_bits = config_.output_bits,
                           .faults_without_access_flag = !config_.hardware_access && !config_.access_flag_ignored};
    Step step = decode_step(raw, arm_level(level), format_, rules);
    // A table descriptor has no attributes.
    step.grants = step.kind == StepKind::Table ? kEverything : leaf_grants(Value<Stage2Descriptor>{raw});
    return step;
}

iommu::Result<Rights, WalkCause> SecondStage::judge(unsigned grants, const WalkQuery& query) const {
    const bool readable = (grants & kRead) != 0;
    const bool writable = (grants & kWrite) != 0;
    const Rights rights = (readable ? Rights::Read : Rights::None) | (writable ? Rights::Write : Rights::None);
    // CDs and stage-1 tables are read as data; S2PTW keeps them out of Device memory.
    if (query.purpose != Purpose::Access) {
        const bool on_device = (grants & kNormalMemory) == 0;
        if (!readable || (config_.protect_walk && on_device)) return Err{WalkCause::NoRead};
        return rights;
    }
    if (query.execute == Execute::Yes) {
        const unsigned needed = query.privilege == Privilege::Supervisor ? kExecuteSupervisor : kExecuteUser;
        if ((grants & needed) == 0 || !readable) return Err{WalkCause::NoRead};
        return Rights::Read;
    }
    if (query.access == Access::Atomic && writable && !readable) return Err{WalkCause::NoRead};
    if (query.writes() && !writable) return Err{WalkCause::NoWrite};
    if (query.access == Access::Read && !readable) return Err{WalkCause::NoRead};
    return rights;
}

Update SecondStage::update(EntryUse use, std::uint64_t entry, const WalkQuery& query) const {
    using D = Stage2Descriptor;
    if (use == EntryUse::Table || !config_.hardware_access) return {};
    Update update{.set = D::AF::mask};
    const bool dirties = config_.hardware_dirty && Value<D>{entry}.get<D::DBM>() != 0 && query.writes();
    if (dirties) update.set |= D::S2AP_1::mask;
    return update;
}

std::uint64_t SecondStage::update_bits() const {
    using D = Stage2Descriptor;
    if (!config_.hardware_access) return 0;
    return D::AF::mask | (config_.hardware_dirty ? D::S2AP_1::mask : 0);
}

bool SecondStage::clean(std::uint64_t entry) const {
    using D = Stage2Descriptor;
    const Value<D> descriptor{entry};
    return config_.hardware_dirty && descriptor.get<D::DBM>() != 0 && descriptor.get<D::S2AP_1>() == 0;
}

}  // namespace smmuv3
