// SPDX-License-Identifier: GPL-2.0-or-later
//
// resolve: from a StreamID (and its SubstreamID) to the decoded STE and CD.
//
// Stream table, STE, CD table, CD, each with every check that the manual calls illegal, once; what follows works with
// values that cannot be wrong. Under a second stage the CD is fetched through it. [SMMU G.b s3.3, s5.1-5.5]
#ifndef SMMUV3_NESTED_RESOLVE_H
#define SMMUV3_NESTED_RESOLVE_H

#include <array>
#include <cstdint>

#include "iommu/guest_memory.h"
#include "iommu/request.h"
#include "smmuv3-nested/capabilities.h"
#include "smmuv3-nested/fault.h"
#include "smmuv3-nested/spec/ste.h"

namespace smmuv3 {

using iommu::DomainTag;
using iommu::GuestMemory;
using iommu::Pa;
using iommu::Request;
using iommu::SpaceTag;

// The registers that say where the stream table is. Guarded by SMMUEN, so one look at the time of enabling holds.
struct StreamTable {
    std::uint64_t base = 0;
    std::uint8_t log2size = 0;  // as written
    std::uint8_t split = 6;
    bool two_level = false;
    bool record_invalid = false;  // CR2.RECINVSID
    bool e2h = false;             // CR2.E2H
    bool checked = false;         // CR0.ATSCHK, as it is now
};

enum class Translate : std::uint8_t { Abort, Bypass, Stage1, Stage2, Nested };
enum class StreamWorld : std::uint8_t { EL1, EL2, EL2_E2H };

// What a request needs of its Config when its translation is cached.
struct Route {
    SpaceTag space;    // ASID
    DomainTag domain;  // VMID, and the StreamWorld above it
    Translate translate = Translate::Abort;
    StreamWorld world = StreamWorld::EL1;
    std::uint8_t privcfg = 0;  // 2 user, 3 supervisor, else as it comes
    std::uint8_t instcfg = 0;  // 2 data, 3 instruction, else as it comes
    bool tbi0 = false;
    bool tbi1 = false;
    std::array<std::uint8_t, 2> pad{};
};
static_assert(sizeof(Route) == 16);

// One half of a stage-1 address space.
struct TableSide {
    std::uint64_t root = 0;
    std::uint8_t size = 64;  // TxSZ: 64 minus the bits of input
    std::uint8_t granule_log2 = 12;
    std::int8_t start_level = 0;   // as the manual counts: -1 to 3
    bool disabled = true;          // EPD
    bool flat_attributes = false;  // HAD: no hierarchical attributes
    bool e0pd = false;
    bool ignore_top_byte = false;
    std::uint8_t pad = 0;
};

struct Stage1Config {
    std::array<TableSide, 2> sides;
    std::uint8_t output_bits = 48;
    bool access_flag_ignored = false;  // AFFD
    bool wxn = false;
    bool pan = false;
    bool hardware_access = false;  // HA
    bool hardware_dirty = false;   // HA and HD
    bool ds = false;
    bool abort = true;   // A
    bool record = true;  // R
    bool stall = false;  // S
    std::array<std::uint8_t, 6> pad{};
};

struct Stage2Config {
    std::uint64_t root = 0;
    std::uint8_t size = 64;
    std::uint8_t granule_log2 = 12;
    std::int8_t start_level = 0;
    std::uint8_t output_bits = 48;
    bool access_flag_ignored = false;
    bool protect_walk = false;  // S2PTW
    bool hardware_access = false;
    bool hardware_dirty = false;
    bool ds = false;
    bool fwb = false;
    bool record = true;
    bool stall = false;
    std::array<std::uint8_t, 4> pad{};
};

// A decoded STE and CD. Trivially copyable: it is cached.
struct Config {
    Route route;
    Stage1Config stage1;
    Stage2Config stage2;
    bool merges = false;         // MEV
    AtsMode ats = AtsMode::Off;  // EATS; Off for streams without translation
    std::array<std::uint8_t, 6> pad{};
};
static_assert(sizeof(Config) % 8 == 0);

[[nodiscard]] constexpr bool of_ats(const Request& request) {
    return request.kind == iommu::RequestKind::Translation || request.kind == iommu::RequestKind::Translated;
}

// What EATS amounts to: split-stage ATS needs CR0.ATSCHK. [SMMU G.b s5.2 EATS]
[[nodiscard]] constexpr AtsMode effective(AtsMode mode, bool checked) {
    return mode == AtsMode::SplitStage && !checked ? AtsMode::Off : mode;
}
// A request or transaction of a stream that may not make it.
[[nodiscard]] Fault ats_forbidden(const Request& request, std::string_view check);

class Resolver {
  public:
    Resolver(const StreamTable& table, const Capabilities& capabilities, GuestMemory& memory)
        : table_(table), capabilities_(capabilities), memory_(memory) {}

    [[nodiscard]] Result<Config, Refusal> resolve(const Request& request) const;
    // A legal one.
    [[nodiscard]] Result<Value<STE>, Refusal> find_ste(const Request& request) const;

  private:
    [[nodiscard]] Result<Pa, Refusal> locate_ste(const Request& request) const;
    [[nodiscard]] Result<Config, Refusal> for_translated(const Request& request, const Value<STE>& ste,
                                                         Config config) const;
    [[nodiscard]] Result<Config, Refusal> use_substream(const Request& request, const Value<STE>& ste,
                                                        Config config) const;
    [[nodiscard]] Result<Value<CD>, Refusal> read_cd(const Request& request, const Value<STE>& ste,
                                                     const Config& config, std::uint32_t index) const;
    [[nodiscard]] Result<Pa, Refusal> locate_cd(const Request& request, const Value<STE>& ste, const Config& config,
                                                std::uint32_t index) const;
    // The place in memory of a CD or L1CD at `address`, which is an IPA under a second stage.
    [[nodiscard]] Result<Pa, Refusal> through_second(std::uint64_t address, const Request& request,
                                                     const Value<STE>& ste, const Config& config) const;
    [[nodiscard]] Err<Refusal> invalid_stream(const Request& request, std::string_view check, Pa address) const;

    const StreamTable& table_;
    const Capabilities& capabilities_;
    GuestMemory& memory_;
};

}  // namespace smmuv3

#endif  // SMMUV3_NESTED_RESOLVE_H
