// SPDX-License-Identifier: GPL-2.0-or-later
//
// descriptors: invalidation commands as a driver types them.
//
// All have 256 bits; a queue of 128-bit descriptors takes the first half.
#ifndef QTEST_VTD_DESCRIPTORS_H
#define QTEST_VTD_DESCRIPTORS_H

#include <array>
#include <cstdint>

#include "vtd/words.h"

namespace vtd_driver {

using Descriptor = std::array<std::uint64_t, 4>;

// 2^mask pages around `address`.
struct PageRange {
    std::uint64_t address = 0;
    unsigned mask = 0;
};

// What a wait descriptor does when it completes.
inline constexpr std::uint64_t wait_IF = bit(4);
inline constexpr std::uint64_t wait_SW = bit(5);
inline constexpr std::uint64_t wait_FN = bit(6);
inline constexpr std::uint64_t wait_PD = bit(7);

namespace descriptor {

// Context cache (type 1).
[[nodiscard]] constexpr Descriptor context_global() { return {field(3, 0, 1) | field(5, 4, 1)}; }
[[nodiscard]] constexpr Descriptor context_domain(unsigned domain) {
    return {field(3, 0, 1) | field(5, 4, 2) | field(31, 16, domain)};
}
[[nodiscard]] constexpr Descriptor context_device(unsigned domain, unsigned requester, unsigned function_mask = 0) {
    return {field(3, 0, 1) | field(5, 4, 3) | field(31, 16, domain) | field(47, 32, requester) |
            field(49, 48, function_mask)};
}

// IOTLB (type 2).
[[nodiscard]] constexpr Descriptor iotlb_global() { return {field(3, 0, 2) | field(5, 4, 1)}; }
[[nodiscard]] constexpr Descriptor iotlb_domain(unsigned domain) {
    return {field(3, 0, 2) | field(5, 4, 2) | field(31, 16, domain)};
}
[[nodiscard]] constexpr Descriptor iotlb_pages(unsigned domain, PageRange range) {
    return {field(3, 0, 2) | field(5, 4, 3) | field(31, 16, domain), field(5, 0, range.mask) | range.address};
}

// Device TLB (type 3): 2^mask pages, told by the lowest zero of the address as S=1 wants it.
[[nodiscard]] constexpr Descriptor device_tlb(unsigned requester, PageRange range) {
    const std::uint64_t ones = range.mask == 0 ? 0 : (bit(range.mask - 1) - 1) << 12;
    return {field(3, 0, 3) | field(47, 32, requester), range.address | ones | (range.mask == 0 ? 0 : 1)};
}
[[nodiscard]] constexpr Descriptor device_tlb_all(unsigned requester) {
    return {field(3, 0, 3) | field(47, 32, requester), 0x7fff'ffff'ffff'f001};
}

// Wait (type 5).
[[nodiscard]] constexpr Descriptor wait(std::uint64_t flags) { return {field(3, 0, 5) | flags}; }
[[nodiscard]] constexpr Descriptor wait_status(std::uint64_t address, std::uint32_t data, std::uint64_t flags = 0) {
    return {field(3, 0, 5) | wait_SW | flags | field(63, 32, data), address};
}

// PASID-based IOTLB (type 6).
[[nodiscard]] constexpr Descriptor pasid_iotlb(unsigned domain, unsigned pasid) {
    return {field(3, 0, 6) | field(5, 4, 2) | field(31, 16, domain) | field(51, 32, pasid)};
}
[[nodiscard]] constexpr Descriptor pasid_iotlb_pages(unsigned domain, unsigned pasid, PageRange range) {
    return {field(3, 0, 6) | field(5, 4, 3) | field(31, 16, domain) | field(51, 32, pasid),
            field(5, 0, range.mask) | range.address};
}

// PASID-based device TLB (type 8), one page.
[[nodiscard]] constexpr Descriptor pasid_device_tlb(unsigned requester, unsigned pasid, std::uint64_t address) {
    return {field(3, 0, 8) | field(31, 16, requester) | field(51, 32, pasid), address};
}

// Page group response (type 9), with `code` 0 Success, 1 Invalid Request, 15 Response Failure.
[[nodiscard]] constexpr Descriptor page_response(unsigned requester, unsigned index, unsigned code) {
    return {field(3, 0, 9) | field(15, 12, code) | field(31, 16, requester), field(11, 3, index)};
}
[[nodiscard]] constexpr Descriptor pasid_page_response(unsigned requester, unsigned pasid, unsigned index,
                                                       unsigned code) {
    const Descriptor plain = page_response(requester, index, code);
    return {plain[0] | bit(4) | field(51, 32, pasid), plain[1]};
}

// PASID cache (type 7).
[[nodiscard]] constexpr Descriptor pasid_cache_domain(unsigned domain) {
    return {field(3, 0, 7) | field(31, 16, domain)};
}
[[nodiscard]] constexpr Descriptor pasid_cache_pasid(unsigned domain, unsigned pasid) {
    return {field(3, 0, 7) | field(5, 4, 1) | field(31, 16, domain) | field(51, 32, pasid)};
}
[[nodiscard]] constexpr Descriptor pasid_cache_global() { return {field(3, 0, 7) | field(5, 4, 3)}; }

}  // namespace descriptor
}  // namespace vtd_driver

#endif  // QTEST_VTD_DESCRIPTORS_H
