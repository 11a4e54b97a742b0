// SPDX-License-Identifier: GPL-2.0-or-later
//
// capabilities: what this unit offers, by the names of VER, CAP and ECAP in lower case. [VTD 5.10 s11.4.1-11.4.3]
//
// A field may be left to the unit (`kAuto`): it then takes its default if everything it needs is there, and is off if
// not. A field that was asked for and cannot be is a contradiction, told in one sentence with both names.
//
//     Capabilities asked;                      // all kAuto: the defaults
//     asked.smts = 0;
//     const auto settled = settle(asked);      // legacy mode only; fsts, nest, pasid ... are off
//
// Not offered, so not here: interrupt remapping, memory types, virtual and enhanced commands, performance monitoring,
// host permission tables, stop markers that must not be lost.
#ifndef VTD_NESTED_CAPABILITIES_H
#define VTD_NESTED_CAPABILITIES_H

#include <cstdint>
#include <string>

#include "iommu/capability_rules.h"
#include "iommu/result.h"
#include "vtd-nested/spec/registers.h"

namespace vtd {

using iommu::Err;
using iommu::Result;
using iommu::Value;

inline constexpr std::uint8_t kAuto = iommu::kAutoField;

struct Capabilities {
    std::uint8_t ver = kAuto;
    std::uint8_t haw = kAuto;  // bits; in no register, but in the DMAR table
    std::uint8_t nd = kAuto;
    std::uint8_t rwbf = kAuto;
    std::uint8_t plmr = kAuto;
    std::uint8_t phmr = kAuto;
    std::uint8_t cm = kAuto;
    std::uint8_t sagaw = kAuto;
    std::uint8_t mgaw = kAuto;
    std::uint8_t zlr = kAuto;
    std::uint8_t sslps = kAuto;
    std::uint8_t psi = kAuto;
    std::uint8_t nfr = kAuto;
    std::uint8_t mamv = kAuto;
    std::uint8_t dwd = kAuto;
    std::uint8_t drd = kAuto;
    std::uint8_t fs1gp = kAuto;
    std::uint8_t fs5lp = kAuto;
    std::uint8_t esrtps = kAuto;
    std::uint8_t c = kAuto;
    std::uint8_t qi = kAuto;
    std::uint8_t pt = kAuto;
    std::uint8_t sc = kAuto;
    std::uint8_t nest = kAuto;
    std::uint8_t srs = kAuto;
    std::uint8_t eafs = kAuto;
    std::uint8_t pss = kAuto;
    std::uint8_t pasid = kAuto;
    std::uint8_t smts = kAuto;
    std::uint8_t ssads = kAuto;
    std::uint8_t ssts = kAuto;
    std::uint8_t fsts = kAuto;
    std::uint8_t smpwcs = kAuto;
    std::uint8_t rps = kAuto;
    std::uint8_t adms = kAuto;
    std::uint8_t rprivs = kAuto;
    std::uint8_t dt = kAuto;
    std::uint8_t dit = kAuto;
    std::uint8_t nwfs = kAuto;
    std::uint8_t prs = kAuto;
    std::uint8_t pds = kAuto;

    // Units of major version 6 and up have no CCMD and IOTLB registers. [VTD 5.10 s6.5]
    [[nodiscard]] bool register_invalidation() const { return (ver >> 4) < 6; }
    [[nodiscard]] unsigned domain_bits() const { return 4u + 2u * nd; }
    // MGAW as a width in bits.
    [[nodiscard]] unsigned guest_width() const { return mgaw + 1u; }
    // Whether the encoding AW names a second-stage width that SAGAW offers.
    [[nodiscard]] bool supports_aw(std::uint64_t aw) const { return aw >= 1 && aw <= 3 && (sagaw >> aw & 1) != 0; }
    // Bits of the widest second stage; 64 when there is none. [VTD 5.10 s11.4.7.6]
    [[nodiscard]] unsigned largest_agaw() const;

    friend bool operator==(const Capabilities&, const Capabilities&) = default;
};

// Where the registers are that CAP.FRO and ECAP.IRO place.
inline constexpr std::uint16_t kFrcdOffset = 0xc00;
inline constexpr std::uint16_t kIvaOffset = 0x500;
inline constexpr std::uint8_t kMaxNfr = 31;

// All fields settled, or the sentence for the user.
[[nodiscard]] Result<Capabilities, std::string> settle(const Capabilities& asked);

[[nodiscard]] Value<VER> ver_register(const Capabilities& capabilities);
[[nodiscard]] Value<CAP> cap_register(const Capabilities& capabilities);
[[nodiscard]] Value<ECAP> ecap_register(const Capabilities& capabilities);

}  // namespace vtd

#endif  // VTD_NESTED_CAPABILITIES_H
