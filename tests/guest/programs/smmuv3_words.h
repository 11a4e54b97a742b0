// SPDX-License-Identifier: GPL-2.0-or-later
// The words of SMMUv3 structures and commands that user space writes. [SMMU G.b s4, s5.2, s5.4]
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace guest::smmuv3 {

// A virtual STE: Config 0b101 (stage 1), a linear table of `contexts` CDs, S1DSS 0b10 (no SubstreamID means CD 0),
// write-back inner-shareable table reads, EATS.
inline std::array<std::uint64_t, 2> virtual_ste(std::uint64_t context_table, unsigned contexts, bool ats) {
    const auto cd_max = static_cast<std::uint64_t>(std::bit_width(contexts) - 1);
    const std::uint64_t valid = 1, config = 0b101 << 1;
    const std::uint64_t substream0 = 0b10 << 0, inner = 1 << 2, outer = 1 << 4, shareable = 3 << 6, eats = 1;
    return {valid | config | context_table | cd_max << 59,
            substream0 | inner | outer | shareable | (ats ? eats << 28 : 0)};
}

inline constexpr std::uint64_t kContextStalls = 1ull << 44;

// A context descriptor: T0SZ 16, granule 4 KiB, TTBR1 off, IPS 48 bits, AArch64, faults are recorded and abort (R, A),
// ASET.
inline std::array<std::uint64_t, 8> context_descriptor(std::uint64_t root, std::uint16_t asid, bool stall = false) {
    const std::uint64_t t0sz = 16, inner = 1 << 8, outer = 1 << 10, shareable = 3 << 12, no_ttbr1 = 1ull << 30,
                        valid = 1ull << 31, ips48 = 5ull << 32, aarch64 = 1ull << 41, records = 1ull << 45,
                        aborts = 1ull << 46, own_asids = 1ull << 47;
    std::array<std::uint64_t, 8> words{};
    words[0] = t0sz | inner | outer | shareable | no_ttbr1 | valid | ips48 | aarch64 | records | aborts | own_asids |
               (stall ? kContextStalls : 0) | static_cast<std::uint64_t>(asid) << 48;
    words[1] = root;
    words[3] = 0xff;  // MAIR: attribute 0 is write-back
    return words;
}

inline constexpr std::uint64_t kCfgiCd = 0x05, kCfgiCdAll = 0x06, kTlbiNhAll = 0x10, kTlbiNhAsid = 0x11,
                               kTlbiNhVa = 0x12, kTlbiNhVaa = 0x13, kTlbiNsnhAll = 0x30, kAtcInv = 0x40;
inline constexpr unsigned kAtcSizeAll = 52;

inline std::array<std::uint64_t, 2> tlbi_nh_va(std::uint16_t asid, std::uint64_t iova, bool leaf) {
    return {kTlbiNhVa | static_cast<std::uint64_t>(asid) << 48, iova | (leaf ? 1u : 0u)};
}

inline std::array<std::uint64_t, 2> tlbi_nh_asid(std::uint16_t asid) {
    return {kTlbiNhAsid | static_cast<std::uint64_t>(asid) << 48, 0};
}

inline std::array<std::uint64_t, 2> cfgi_cd(std::uint64_t stream, unsigned substream) {
    return {kCfgiCd | static_cast<std::uint64_t>(substream) << 12 | stream << 32, 1};
}

// 4 KiB << size_log2 from `iova` on; kAtcSizeAll is everything. SubstreamID 0 stands for none.
inline std::array<std::uint64_t, 2> atc_inv(std::uint64_t stream, unsigned substream, std::uint64_t iova,
                                            unsigned size_log2) {
    const std::uint64_t with_substream = substream == 0 ? 0 : 1u << 11 | static_cast<std::uint64_t>(substream) << 12;
    return {kAtcInv | with_substream | stream << 32, iova | size_log2};
}

}  // namespace guest::smmuv3
