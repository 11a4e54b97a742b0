// SPDX-License-Identifier: GPL-2.0-or-later
//
// Fault reasons and what FPD may suppress, typed from the manual. [VTD 5.10 s7.1.3 table 30]
#include "vtd-nested/spec/faults.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <string_view>

using namespace vtd;

namespace {

struct Row {
    Condition condition;
    unsigned code;
    std::string_view name;
    bool qualified;
};

// clang-format off
constexpr Row table[] = {
    {Condition::LRT_1, 0x08, "LRT.1", false},
    {Condition::LRT_2, 0x01, "LRT.2", false},
    {Condition::LRT_3, 0x0a, "LRT.3", false},
    {Condition::LCT_1, 0x09, "LCT.1", false},
    {Condition::LCT_2, 0x02, "LCT.2", true},
    {Condition::LCT_3, 0x0b, "LCT.3", true},
    {Condition::LCT_4, 0x03, "LCT.4", true},
    {Condition::LCT_5, 0x0d, "LCT.5", true},
    {Condition::LSS_1, 0x07, "LSS.1", true},
    {Condition::LSS_2, 0x0c, "LSS.2", true},
    {Condition::LGN_1, 0x04, "LGN.1", true},
    {Condition::LGN_2, 0x05, "LGN.2", true},
    {Condition::LGN_3, 0x06, "LGN.3", true},
    {Condition::LGN_4, 0x0e, "LGN.4", true},
    {Condition::RTA_1, 0x30, "RTA.1", false},
    {Condition::RTA_2, 0x31, "RTA.2", false},
    {Condition::RTA_3, 0x32, "RTA.3", false},
    {Condition::RTA_4, 0x33, "RTA.4", false},
    {Condition::RTA_5, 0x34, "RTA.5", false},
    {Condition::SRT_1, 0x38, "SRT.1", false},
    {Condition::SRT_2, 0x39, "SRT.2", false},
    {Condition::SRT_3, 0x3a, "SRT.3", false},
    {Condition::SCT_1, 0x40, "SCT.1", false},
    {Condition::SCT_2, 0x41, "SCT.2", true},
    {Condition::SCT_3, 0x42, "SCT.3", true},
    {Condition::SCT_4, 0x43, "SCT.4", true},
    {Condition::SCT_5, 0x44, "SCT.5", true},
    {Condition::SCT_6, 0x45, "SCT.6", true},
    {Condition::SCT_7, 0x46, "SCT.7", true},
    {Condition::SCT_8, 0x47, "SCT.8", true},
    {Condition::SCT_9, 0x48, "SCT.9", true},
    {Condition::SCT_10, 0x49, "SCT.10", true},
    {Condition::SPD_1, 0x50, "SPD.1", false},
    {Condition::SPD_2, 0x51, "SPD.2", true},
    {Condition::SPD_3, 0x52, "SPD.3", true},
    {Condition::SPT_1, 0x58, "SPT.1", false},
    {Condition::SPT_2, 0x59, "SPT.2", true},
    {Condition::SPT_3, 0x5a, "SPT.3", true},
    {Condition::SPT_4, 0x5b, "SPT.4", true},
    {Condition::SPT_5, 0x5c, "SPT.5", true},
    {Condition::SPT_6, 0x5d, "SPT.6", true},
    {Condition::SPT_9, 0x60, "SPT.9", true},
    {Condition::SFS_1, 0x70, "SFS.1", true},
    {Condition::SFS_2, 0x71, "SFS.2", true},
    {Condition::SFS_3, 0x72, "SFS.3", true},
    {Condition::SFS_4, 0x73, "SFS.4", true},
    {Condition::SFS_5, 0x74, "SFS.5", true},
    {Condition::SFS_6, 0x75, "SFS.6", true},
    {Condition::SFS_7, 0x76, "SFS.7", true},
    {Condition::SFS_8, 0x77, "SFS.8", true},
    {Condition::SFS_9, 0x90, "SFS.9", true},
    {Condition::SFS_10, 0x91, "SFS.10", true},
    {Condition::SSS_1, 0x78, "SSS.1", true},
    {Condition::SSS_2, 0x79, "SSS.2", true},
    {Condition::SSS_3, 0x7a, "SSS.3", true},
    {Condition::SSS_4, 0x7b, "SSS.4", true},
    {Condition::SSS_5, 0x7c, "SSS.5", true},
    {Condition::SSS_6, 0x7d, "SSS.6", true},
    {Condition::SGN_1, 0x80, "SGN.1", true},
    {Condition::SGN_2, 0x81, "SGN.2", true},
    {Condition::SGN_4, 0x83, "SGN.4", true},
    {Condition::SGN_5, 0x84, "SGN.5", true},
    {Condition::SGN_6, 0x85, "SGN.6", true},
    {Condition::SGN_7, 0x86, "SGN.7", true},
    {Condition::SGN_8, 0x87, "SGN.8", true},
    {Condition::SGN_10, 0x89, "SGN.10", true},
    {Condition::HPT_1, 0xa0, "HPT.1", true},
    {Condition::HPT_2, 0xa1, "HPT.2", true},
    {Condition::HPT_3, 0xa2, "HPT.3", true},
    {Condition::HPT_4, 0xa3, "HPT.4", true},
    {Condition::HPT_5, 0xa4, "HPT.5", true},
    {Condition::HPT_6, 0xa5, "HPT.6", true},
    {Condition::INT_29, 0x29, "29h", false},  // table 15
};
// clang-format on

}  // namespace

TEST_CASE("Every condition has the manual's code, name and qualification", "[vtd][spec]") {
    for (const Row& row : table) {
        INFO(row.name);
        CHECK(static_cast<unsigned>(row.condition) == row.code);
        CHECK(name(row.condition) == row.name);
        CHECK(qualified(row.condition) == row.qualified);
        CHECK_FALSE(meaning(row.condition).empty());
    }
}

TEST_CASE("No code but those of the table is a condition", "[vtd][spec]") {
    for (unsigned code = 0; code < 256; ++code) {
        INFO(code);
        const auto is_code = [code](const Row& row) { return row.code == code; };
        CHECK((name(static_cast<Condition>(code)) != "?") == std::ranges::any_of(table, is_code));
    }
}

TEST_CASE("T1 and T2 tell the four kinds of faulted request apart", "[vtd][spec]") {
    struct {
        FaultedRequest request;
        unsigned t1, t2;
    } const rows[] = {
        {FaultedRequest::Write, 0, 0},
        {FaultedRequest::PageRequest, 0, 1},
        {FaultedRequest::Read, 1, 0},
        {FaultedRequest::AtomicOp, 1, 1},
    };
    for (const auto& row : rows) {
        CHECK(type_bit1(row.request) == row.t1);
        CHECK(type_bit2(row.request) == row.t2);
    }
}

TEST_CASE("AT has the manual's encodings", "[vtd][spec]") {
    CHECK(static_cast<unsigned>(AddressType::Untranslated) == 0b00);
    CHECK(static_cast<unsigned>(AddressType::TranslationRequest) == 0b01);
    CHECK(static_cast<unsigned>(AddressType::Translated) == 0b10);
}
