// SPDX-License-Identifier: GPL-2.0-or-later
//
// expect: one request, and everything the unit must do about it.
//
//     expect_event(guest, write_at(0x4000), {.type = 0x13, .s2 = true, .ipa = 0x8000});
//
// asks with nothing cached, wants the request aborted for that reason, exactly one new record with every bit as the
// manual prints it, and not one bit changed in any table.
#ifndef TESTS_UNIT_SMMUV3_NESTED_EXPECT_H
#define TESTS_UNIT_SMMUV3_NESTED_EXPECT_H

#include <map>
#include <optional>
#include <string_view>

#include "smmu_guest.h"

namespace test::smmu {

// Event numbers. [SMMU 7.3]
inline constexpr unsigned C_BAD_STREAMID = 0x02, F_STE_FETCH = 0x03, C_BAD_STE = 0x04, F_BAD_ATS_TREQ = 0x05;
inline constexpr unsigned F_STREAM_DISABLED = 0x06, F_TRANSL_FORBIDDEN = 0x07;
inline constexpr unsigned C_BAD_SUBSTREAMID = 0x08, F_CD_FETCH = 0x09, C_BAD_CD = 0x0a, F_WALK_EABT = 0x0b;
inline constexpr unsigned F_TRANSLATION = 0x10, F_ADDR_SIZE = 0x11, F_ACCESS = 0x12, F_PERMISSION = 0x13;
// CLASS.
inline constexpr unsigned kClassCd = 0, kClassTt = 1, kClassIn = 2;

// The record that a request has to leave; what the request itself says is not repeated.
struct Wanted {
    unsigned type = 0;
    bool s2 = false;
    unsigned input_class = kClassIn;
    std::uint64_t ipa = 0;
    std::uint64_t fetch_address = 0;
    bool ttrnw = false;
    // Other than the request says.
    std::optional<bool> pnu{};
    std::optional<bool> ind{};
    std::optional<bool> rnw{};
};
Event record_of(const iommu::Request& request, const Wanted& wanted);

void expect_event(Guest& guest, const iommu::Request& request, const Wanted& wanted);
// Aborted, nothing recorded, nothing changed.
void expect_silent(Guest& guest, const iommu::Request& request);
// Translated to the address with nothing cached; and nothing recorded.
iommu::Translation expect_output(Guest& guest, const iommu::Request& request, std::uint64_t address);
// Whatever becomes of it, it is not refused with that event. Reads all records.
void expect_not(Guest& guest, const iommu::Request& request, unsigned type);

// What the request, asked with nothing cached and translated, changed in the tables: descriptor -> bits.
using Changes = std::map<std::uint64_t, std::uint64_t>;
Changes changes_by(Guest& guest, const iommu::Request& request);

// A field of a structure and what is written to it.
struct Bits {
    unsigned high = 0;
    unsigned low = 0;
    std::uint64_t value = 0;
};

}  // namespace test::smmu

#endif  // TESTS_UNIT_SMMUV3_NESTED_EXPECT_H
