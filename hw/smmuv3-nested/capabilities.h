// SPDX-License-Identifier: GPL-2.0-or-later
//
// capabilities: what this unit offers, by the names of the fields of IDR0, IDR1, IDR3 and IDR5 in lower case. [SMMU G.b
// s6.3]
//
// A field may be left to the unit (`kAuto`): it then takes its default if everything it needs is there, and is off if
// not. A field that was asked for and cannot be is a contradiction, told in one sentence with both names.
//
// Fixed: AArch64 tables, little-endian, coherent. Not offered, so not here: ATOS, broadcast TLB maintenance, MPAM,
// enhanced command queues, permission indirection, 128-bit descriptors, hardware access flags of tables, device
// permission tables.
#ifndef SMMUV3_NESTED_CAPABILITIES_H
#define SMMUV3_NESTED_CAPABILITIES_H

#include <cstdint>
#include <string>

#include "iommu/capability_rules.h"
#include "iommu/result.h"
#include "smmuv3-nested/spec/cd.h"
#include "smmuv3-nested/spec/registers.h"

namespace smmuv3 {

using iommu::Err;
using iommu::Result;
using iommu::Value;

inline constexpr std::uint8_t kAuto = iommu::kAutoField;

struct Capabilities {
    // IDR0
    std::uint8_t s1p = kAuto;
    std::uint8_t s2p = kAuto;
    std::uint8_t httu = kAuto;  // 0, 1 access flag, 2 and dirty state
    std::uint8_t hyp = kAuto;
    std::uint8_t asid16 = kAuto;
    std::uint8_t msi = kAuto;
    std::uint8_t sev = kAuto;
    std::uint8_t vmw = kAuto;
    std::uint8_t vmid16 = kAuto;
    std::uint8_t cd2l = kAuto;
    std::uint8_t stall_model = kAuto;  // 0 stall and terminate, 1 terminate, 2 stall always
    std::uint8_t term_model = kAuto;   // 1: CD.A must be 1
    std::uint8_t st_level = kAuto;     // 1: two-level stream tables
    std::uint8_t ats = kAuto;
    std::uint8_t ns1ats = kAuto;  // 1: split-stage ATS is not there
    std::uint8_t atsrecerr = kAuto;
    std::uint8_t pri = kAuto;
    // IDR1
    std::uint8_t sidsize = kAuto;
    std::uint8_t ssidsize = kAuto;
    std::uint8_t eventqs = kAuto;
    std::uint8_t cmdqs = kAuto;
    std::uint8_t priqs = kAuto;
    std::uint8_t attr_perms_ovr = kAuto;
    std::uint8_t attr_types_ovr = kAuto;
    // IDR3
    std::uint8_t had = kAuto;
    std::uint8_t xnx = kAuto;
    std::uint8_t fwb = kAuto;
    std::uint8_t stt = kAuto;
    std::uint8_t ril = kAuto;
    std::uint8_t bbml = kAuto;
    std::uint8_t e0pd = kAuto;
    std::uint8_t ptwnnc = kAuto;
    std::uint8_t pps = kAuto;
    std::uint8_t pasidtt = kAuto;
    // IDR5
    std::uint8_t oas = kAuto;  // encoding: 0: 32 ... 5: 48, 6: 52 bits
    std::uint8_t gran4k = kAuto;
    std::uint8_t gran16k = kAuto;
    std::uint8_t gran64k = kAuto;
    std::uint8_t ds = kAuto;
    std::uint8_t vax = kAuto;        // 0: 48, 1: 52 bits of VA for each table
    std::uint8_t stall_max = kAuto;  // stalled transactions at one time

    [[nodiscard]] unsigned output_bits() const { return address_size_bits(oas); }
    // AArch64 tables only: the intermediate address is as wide as the output.
    [[nodiscard]] unsigned intermediate_bits() const { return output_bits(); }
    [[nodiscard]] bool has_granule(unsigned log2) const {
        return (log2 == 12 && gran4k != 0) || (log2 == 14 && gran16k != 0) || (log2 == 16 && gran64k != 0);
    }

    friend bool operator==(const Capabilities&, const Capabilities&) = default;
};

// All fields settled, or the sentence for the user.
[[nodiscard]] Result<Capabilities, std::string> settle(const Capabilities& asked);

[[nodiscard]] Value<IDR0> idr0(const Capabilities& capabilities);
[[nodiscard]] Value<IDR1> idr1(const Capabilities& capabilities);
[[nodiscard]] Value<IDR3> idr3(const Capabilities& capabilities);
[[nodiscard]] Value<IDR5> idr5(const Capabilities& capabilities);

}  // namespace smmuv3

#endif  // SMMUV3_NESTED_CAPABILITIES_H
