// SPDX-License-Identifier: GPL-2.0-or-later
//
// address: the three address spaces of a translation as three types that do not convert.
//
//     Iova  what the device puts on the bus (VT-d input address, SMMU VA)
//     Ipa   what a first stage yields under a second one (VT-d guest-physical, SMMU IPA)
//     Pa    where memory is: the physical address space of the virtual machine
//
// A single stage walks from one to another by naming the step: `Ipa{iova.value}` appears only where an architecture
// says that a stage is absent.
#ifndef IOMMU_ADDRESS_H
#define IOMMU_ADDRESS_H

#include <compare>
#include <cstdint>

namespace iommu {

template <class Space>
struct Address {
    std::uint64_t value = 0;
    friend constexpr auto operator<=>(const Address&, const Address&) = default;
    friend constexpr Address operator+(Address base, std::uint64_t offset) { return Address{base.value + offset}; }
};
using Iova = Address<struct IovaSpace>;
using Ipa = Address<struct IpaSpace>;
using Pa = Address<struct PaSpace>;

// The low `log2` bits set; 64 and more give all ones.
[[nodiscard]] constexpr std::uint64_t low_bits(unsigned log2) {
    return log2 >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << log2) - 1;
}

// Bits high..low set.
[[nodiscard]] constexpr std::uint64_t bit_range(unsigned high, unsigned low) {
    return low_bits(high + 1) & ~low_bits(low);
}

// First to last, both inside: all 2^64 addresses can be said.
struct IovaRange {
    Iova first;
    Iova last;

    // The naturally aligned block of 2^log2 bytes around `address`.
    [[nodiscard]] static constexpr IovaRange aligned(Iova address, unsigned log2) {
        return {Iova{address.value & ~low_bits(log2)}, Iova{address.value | low_bits(log2)}};
    }
    [[nodiscard]] static constexpr IovaRange everything() { return {Iova{0}, Iova{~std::uint64_t{0}}}; }
    [[nodiscard]] constexpr bool overlaps(const IovaRange& other) const {
        return first <= other.last && other.first <= last;
    }
    friend constexpr bool operator==(const IovaRange&, const IovaRange&) = default;
};

}  // namespace iommu

#endif  // IOMMU_ADDRESS_H
