// SPDX-License-Identifier: GPL-2.0-or-later
//
// expect: one request, and everything the unit must do about it.
//
//     expect_fault(guest, with_pasid(write_at(0x4000), 5), 0x85);
//
// asks with nothing cached, wants the request blocked for that reason, exactly one new record with every field as the
// manual prints it, and not one bit changed in any table; then clears the record.
#ifndef TESTS_UNIT_VTD_NESTED_EXPECT_H
#define TESTS_UNIT_VTD_NESTED_EXPECT_H

#include <map>
#include <span>
#include <string_view>

#include "vtd_guest.h"

namespace test {

// No RAM is here, in any Guest.
inline constexpr std::uint64_t kNoRam = 0x20'0000'0000;

// ---- Requests of kDevice
iommu::Request read_at(std::uint64_t iova);
iommu::Request write_at(std::uint64_t iova);
iommu::Request atomic_at(std::uint64_t iova);
iommu::Request zero_read_at(std::uint64_t iova);
iommu::Request with_pasid(iommu::Request request, std::uint32_t pasid);
iommu::Request privileged(iommu::Request request);
iommu::Request executing(iommu::Request request);
iommu::Request debugging(iommu::Request request);
// A translation request; `nw`: it will not write.
iommu::Request translation_at(std::uint64_t iova, bool nw = false);
iommu::Request translated(iommu::Request request);

// ---- Expectations
// The record that the request's fault has to leave. [VTD 11.4.7.6]
Guest::Record record_of(Guest& guest, const iommu::Request& request, unsigned reason);
void expect_fault(Guest& guest, const iommu::Request& request, unsigned reason);
// Blocked, but nothing recorded.
void expect_unrecorded(Guest& guest, const iommu::Request& request, unsigned reason);
// Translated to the address with nothing cached; and nothing recorded.
iommu::Translation expect_output(Guest& guest, const iommu::Request& request, std::uint64_t address);

// What the request, asked with nothing cached and translated, changed in the tables: entry -> bits.
using Changes = std::map<std::uint64_t, std::uint64_t>;
Changes changes_by(Guest& guest, const iommu::Request& request);

// ---- Tables of tests
// A way to break the tables of a device, and what comes of it.
struct Breakage {
    std::string_view rule;
    void (*apply)(Guest& guest);
    unsigned reason = 0;
};

// First and last bit of a field, counted in the whole entry.
struct BitField {
    unsigned last = 0;
    unsigned first = 0;
};
// Each bit of the fields, flipped alone, makes the request fault.
void expect_each_bit_faults(Guest& guest, std::uint64_t entry, std::span<const BitField> fields,
                            const iommu::Request& request, unsigned reason);
// Each bit of the fields, flipped alone, changes nothing.
void expect_each_bit_ignored(Guest& guest, std::uint64_t entry, std::span<const BitField> fields,
                             const iommu::Request& request, std::uint64_t address);

}  // namespace test

#endif  // TESTS_UNIT_VTD_NESTED_EXPECT_H
