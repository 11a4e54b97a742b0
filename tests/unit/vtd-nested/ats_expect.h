// SPDX-License-Identifier: GPL-2.0-or-later
//
// ats_expect: what a device with a device-TLB asks, and everything the unit must do about it.
//
//     expect_refused(guest, translation_at(0x4000), 0x44, Answer::Unsupported);
//
// asks with nothing cached, wants that answer, one new record (or none) with every field as the manual prints it, and
// not one bit changed in any table; then clears the record.
#ifndef TESTS_UNIT_VTD_NESTED_ATS_EXPECT_H
#define TESTS_UNIT_VTD_NESTED_ATS_EXPECT_H

#include <optional>

#include "expect.h"

namespace test {

// How a translation request ends. [VTD 7.1.3 table 30]
enum class Answer : std::uint8_t {
    Granted,      // Success, with a right
    Nothing,      // Success with R=W=U=S=0
    Unsupported,  // UR
    Aborted,      // CA
};
enum class Recorded : std::uint8_t { No, Yes };

// ---- Translation requests
iommu::TranslationCompletion expect_granted(Guest& guest, const iommu::Request& request, std::uint64_t address,
                                            iommu::Rights rights);
iommu::TranslationCompletion expect_refused(Guest& guest, const iommu::Request& request, unsigned reason, Answer answer,
                                            Recorded recorded);

// ---- Page requests
iommu::PageRequest page_at(std::uint64_t address, std::optional<std::uint32_t> pasid = {});
iommu::PageRequest last(iommu::PageRequest page);
// The four words that hardware has to write.
Words4 words_of(const iommu::PageRequest& page);
// Written where PQT pointed, and PQT moved on; no answer, no fault.
void expect_queued(Guest& guest, const iommu::PageRequest& page);
// Not written. With a reason, recorded or not; with a code, answered by it.
void expect_dropped(Guest& guest, const iommu::PageRequest& page, std::optional<iommu::ResponseCode> code,
                    unsigned reason = 0, Recorded recorded = Recorded::No);

}  // namespace test

#endif  // TESTS_UNIT_VTD_NESTED_ATS_EXPECT_H
