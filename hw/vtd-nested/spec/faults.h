// SPDX-License-Identifier: GPL-2.0-or-later
//
// faults: the fault conditions of DMA remapping, with the codes that a fault record carries. [VTD 5.10 s7.1.3 table 30]
//
// A condition is named as in the manual with "_" for "."; its value is the fault reason. Sub-conditions (LCT.4.1) share
// their code and have no enumerator; the diagnosis of a fault tells them apart.
// A qualified condition is not recorded when an entry on the way to the fault had FPD set.
// Interrupt faults have a code but no name in the manual (s5.1.4.1 table 15). The one that a unit without interrupt
// remapping can meet is here; the others belong to interrupt remapping.
#ifndef VTD_NESTED_SPEC_FAULTS_H
#define VTD_NESTED_SPEC_FAULTS_H

#include <cstdint>
#include <string_view>

namespace vtd {

enum class Condition : std::uint8_t {
    // Legacy root table, context table, second-stage tables, general.
    LRT_1 = 0x08,
    LRT_2 = 0x01,
    LRT_3 = 0x0a,
    LCT_1 = 0x09,
    LCT_2 = 0x02,
    LCT_3 = 0x0b,
    LCT_4 = 0x03,
    LCT_5 = 0x0d,
    LSS_1 = 0x07,
    LSS_2 = 0x0c,
    LGN_1 = 0x04,
    LGN_2 = 0x05,
    LGN_3 = 0x06,
    LGN_4 = 0x0e,
    // Interrupt request.
    INT_29 = 0x29,
    // Root table address register.
    RTA_1 = 0x30,
    RTA_2 = 0x31,
    RTA_3 = 0x32,
    RTA_4 = 0x33,
    RTA_5 = 0x34,
    // Scalable-mode root table and context table.
    SRT_1 = 0x38,
    SRT_2 = 0x39,
    SRT_3 = 0x3a,
    SCT_1 = 0x40,
    SCT_2 = 0x41,
    SCT_3 = 0x42,
    SCT_4 = 0x43,
    SCT_5 = 0x44,
    SCT_6 = 0x45,
    SCT_7 = 0x46,
    SCT_8 = 0x47,
    SCT_9 = 0x48,
    SCT_10 = 0x49,
    // PASID directory and PASID table. 7 and 8 do not exist.
    SPD_1 = 0x50,
    SPD_2 = 0x51,
    SPD_3 = 0x52,
    SPT_1 = 0x58,
    SPT_2 = 0x59,
    SPT_3 = 0x5a,
    SPT_4 = 0x5b,
    SPT_5 = 0x5c,
    SPT_6 = 0x5d,
    SPT_9 = 0x60,
    // First-stage tables.
    SFS_1 = 0x70,
    SFS_2 = 0x71,
    SFS_3 = 0x72,
    SFS_4 = 0x73,
    SFS_5 = 0x74,
    SFS_6 = 0x75,
    SFS_7 = 0x76,
    SFS_8 = 0x77,
    SFS_9 = 0x90,
    SFS_10 = 0x91,
    // Second-stage tables in scalable mode.
    SSS_1 = 0x78,
    SSS_2 = 0x79,
    SSS_3 = 0x7a,
    SSS_4 = 0x7b,
    SSS_5 = 0x7c,
    SSS_6 = 0x7d,
    // General. 3 and 9 do not exist.
    SGN_1 = 0x80,
    SGN_2 = 0x81,
    SGN_4 = 0x83,
    SGN_5 = 0x84,
    SGN_6 = 0x85,
    SGN_7 = 0x86,
    SGN_8 = 0x87,
    SGN_10 = 0x89,
    // Host permission tables.
    HPT_1 = 0xa0,
    HPT_2 = 0xa1,
    HPT_3 = 0xa2,
    HPT_4 = 0xa3,
    HPT_5 = 0xa4,
    HPT_6 = 0xa5,
};

enum class Qualified : std::uint8_t { No, Yes };

struct ConditionInfo {
    std::string_view name;
    Qualified qualified = Qualified::No;
    std::string_view meaning;
};

// The manual's table, one line per condition.
[[nodiscard]] constexpr ConditionInfo info(Condition condition) {  // NOLINT(readability-function-size): a table
    using enum Condition;
    using enum Qualified;
    // clang-format off
    switch (condition) {
        case LRT_1: return {"LRT.1", No, "root entry cannot be read"};
        case LRT_2: return {"LRT.2", No, "root entry not present"};
        case LRT_3: return {"LRT.3", No, "root entry has a reserved bit set"};
        case LCT_1: return {"LCT.1", No, "context entry cannot be read"};
        case LCT_2: return {"LCT.2", Yes, "context entry not present"};
        case LCT_3: return {"LCT.3", Yes, "context entry has a reserved bit set"};
        case LCT_4: return {"LCT.4", Yes, "context entry has an unsupported AW or TT, or its top table cannot be read"};
        case LCT_5: return {"LCT.5", Yes, "TT forbids translation requests and translated requests"};
        case LSS_1: return {"LSS.1", Yes, "second-stage entry cannot be read"};
        case LSS_2: return {"LSS.2", Yes, "second-stage entry has a reserved bit set"};
        case LGN_1: return {"LGN.1", Yes, "address too wide for the second stage or the host"};
        case LGN_2: return {"LGN.2", Yes, "no write right"};
        case LGN_3: return {"LGN.3", Yes, "no read right"};
        case LGN_4: return {"LGN.4", Yes, "output address in the interrupt range"};
        case INT_29: return {"29h", No, "request to the interrupt range that is not a valid interrupt"};
        case RTA_1: return {"RTA.1", No, "TTM or SSIRWE of the root table address has a value that is not allowed"};
        case RTA_2: return {"RTA.2", No, "request with PASID in legacy mode"};
        case RTA_3: return {"RTA.3", No, "page request in legacy mode"};
        case RTA_4: return {"RTA.4", No, "request in abort-DMA mode"};
        case RTA_5: return {"RTA.5", No, "execute request"};
        case SRT_1: return {"SRT.1", No, "scalable-mode root entry cannot be read"};
        case SRT_2: return {"SRT.2", No, "half of the scalable-mode root entry not present"};
        case SRT_3: return {"SRT.3", No, "half of the scalable-mode root entry has a reserved bit set"};
        case SCT_1: return {"SCT.1", No, "scalable-mode context entry cannot be read"};
        case SCT_2: return {"SCT.2", Yes, "scalable-mode context entry not present"};
        case SCT_3: return {"SCT.3", Yes, "scalable-mode context entry has a reserved bit set"};
        case SCT_4: return {"SCT.4", Yes, "scalable-mode context entry contradicts itself"};
        case SCT_5: return {"SCT.5", Yes, "translation or translated request with DTE=0"};
        case SCT_6: return {"SCT.6", Yes, "request with PASID with PASIDE=0"};
        case SCT_7: return {"SCT.7", Yes, "PASID beyond the PASID directory"};
        case SCT_8: return {"SCT.8", Yes, "page request with PRE=0"};
        case SCT_9: return {"SCT.9", Yes, "PASID of the request equals RID_PASID"};
        case SCT_10: return {"SCT.10", Yes, "translated request with PASID with EPTR=0"};
        case SPD_1: return {"SPD.1", No, "PASID directory entry cannot be read"};
        case SPD_2: return {"SPD.2", Yes, "PASID directory entry not present"};
        case SPD_3: return {"SPD.3", Yes, "PASID directory entry has a reserved bit set"};
        case SPT_1: return {"SPT.1", No, "PASID table entry cannot be read"};
        case SPT_2: return {"SPT.2", Yes, "PASID table entry not present"};
        case SPT_3: return {"SPT.3", Yes, "PASID table entry has a reserved bit set"};
        case SPT_4: return {"SPT.4", Yes, "PASID table entry has an unsupported AW, PGTT, FSPM, or FSPTPTR too wide"};
        case SPT_5: return {"SPT.5", Yes, "execute request without ERS"};
        case SPT_6: return {"SPT.6", Yes, "privileged request with SRE=0"};
        case SPT_9: return {"SPT.9", Yes, "translated address beyond the host permission table"};
        case SFS_1: return {"SFS.1", Yes, "first-stage entry below the top cannot be read"};
        case SFS_2: return {"SFS.2", Yes, "first-stage entry not present"};
        case SFS_3: return {"SFS.3", Yes, "first-stage entry has a reserved bit set"};
        case SFS_4: return {"SFS.4", Yes, "top first-stage entry cannot be read"};
        case SFS_5: return {"SFS.5", Yes, "address in a nested first-stage entry too wide for the second stage"};
        case SFS_6: return {"SFS.6", Yes, "second stage forbids reading the top first-stage entry"};
        case SFS_7: return {"SFS.7", Yes, "second stage forbids reading a first-stage entry"};
        case SFS_8: return {"SFS.8", Yes, "second stage forbids setting A, D or EA in a first-stage entry"};
        case SFS_9: return {"SFS.9", Yes, "A or D to be set in a first-stage entry without snooping"};
        case SFS_10: return {"SFS.10", Yes, "A, D or EA could not be set in a first-stage entry"};
        case SSS_1: return {"SSS.1", Yes, "second-stage entry below the top cannot be read"};
        case SSS_2: return {"SSS.2", Yes, "second-stage entry not present"};
        case SSS_3: return {"SSS.3", Yes, "second-stage entry has a reserved bit set"};
        case SSS_4: return {"SSS.4", Yes, "top second-stage entry cannot be read"};
        case SSS_5: return {"SSS.5", Yes, "A or D to be set in a second-stage entry without snooping"};
        case SSS_6: return {"SSS.6", Yes, "A or D could not be set in a second-stage entry"};
        case SGN_1: return {"SGN.1", Yes, "input address not canonical"};
        case SGN_2: return {"SGN.2", Yes, "user request meets a supervisor page"};
        case SGN_4: return {"SGN.4", Yes, "address too wide for the host"};
        case SGN_5: return {"SGN.5", Yes, "input address too wide for the second stage"};
        case SGN_6: return {"SGN.6", Yes, "no write right"};
        case SGN_7: return {"SGN.7", Yes, "no read right"};
        case SGN_8: return {"SGN.8", Yes, "output address in the interrupt range"};
        case SGN_10: return {"SGN.10", Yes, "PASID wider than PSS"};
        case HPT_1: return {"HPT.1", Yes, "host permission entry below the top cannot be read"};
        case HPT_2: return {"HPT.2", Yes, "host permission entry has a reserved bit set"};
        case HPT_3: return {"HPT.3", Yes, "top host permission entry cannot be read"};
        case HPT_4: return {"HPT.4", Yes, "zero-length read without any host permission"};
        case HPT_5: return {"HPT.5", Yes, "no host permission to write"};
        case HPT_6: return {"HPT.6", Yes, "no host permission to read"};
    }
    // clang-format on
    return {"?", No, "not a condition"};
}

// The manual's name: "SPT.2".
[[nodiscard]] constexpr std::string_view name(Condition condition) { return info(condition).name; }

// Whether FPD keeps the fault from being recorded.
[[nodiscard]] constexpr bool qualified(Condition condition) { return info(condition).qualified == Qualified::Yes; }

// What happened, for traces.
[[nodiscard]] constexpr std::string_view meaning(Condition condition) { return info(condition).meaning; }

// What becomes of a translation request that meets a condition: the manual's columns "Translation Req".
enum class TranslationAnswer : std::uint8_t {
    UnsupportedRequest,
    CompleterAbort,
    NoTranslation,  // Success with R=W=U=S=0: recoverable, so not a fault that is recorded
    WhatIsLeft,     // Success with the rights that there are
};

// A condition that no translation request can meet counts as the first.
[[nodiscard]] constexpr TranslationAnswer translation_answer(Condition condition) {
    using enum Condition;
    // clang-format off
    switch (condition) {
        case LRT_2: case LCT_2: case LCT_5: case RTA_2: case RTA_4: case RTA_5: case SRT_2: case SCT_2: case SCT_5:
        case SCT_6: case SCT_7: case SCT_9: case SGN_10:
        case INT_29: case RTA_3: case SCT_8: case SCT_10: case SPT_9: case HPT_1: case HPT_2: case HPT_3: case HPT_4:
        case HPT_5: case HPT_6:
            return TranslationAnswer::UnsupportedRequest;
        case LRT_1: case LRT_3: case LCT_1: case LCT_3: case LCT_4: case LSS_1: case LSS_2: case LGN_4: case RTA_1:
        case SRT_1: case SRT_3: case SCT_1: case SCT_3: case SCT_4: case SPD_1: case SPD_3: case SPT_1: case SPT_3:
        case SPT_4: case SSS_1: case SSS_3: case SSS_4: case SSS_5: case SSS_6: case SGN_8:
            return TranslationAnswer::CompleterAbort;
        case LGN_1: case SPD_2: case SPT_2: case SPT_5: case SPT_6: case SFS_1: case SFS_2: case SFS_3: case SFS_4:
        case SFS_5: case SFS_6: case SFS_7: case SFS_8: case SFS_9: case SFS_10: case SSS_2: case SGN_1: case SGN_2:
        case SGN_4: case SGN_5:
            return TranslationAnswer::NoTranslation;
        case LGN_2: case LGN_3: case SGN_6: case SGN_7:
            return TranslationAnswer::WhatIsLeft;
    }
    // clang-format on
    return TranslationAnswer::UnsupportedRequest;
}

// What FRCD.T1 and FRCD.T2 say together: T1 above T2. [VTD 5.10 s11.4.7.6]
enum class FaultedRequest : std::uint8_t { Write = 0b00, PageRequest = 0b01, Read = 0b10, AtomicOp = 0b11 };

[[nodiscard]] constexpr std::uint64_t type_bit1(FaultedRequest request) {
    return static_cast<std::uint64_t>(request) >> 1;
}
[[nodiscard]] constexpr std::uint64_t type_bit2(FaultedRequest request) {
    return static_cast<std::uint64_t>(request) & 1;
}

// Values of FRCD.AT. [VTD 5.10 s11.4.7.6]
enum class AddressType : std::uint8_t { Untranslated = 0, TranslationRequest = 1, Translated = 2, Reserved = 3 };

}  // namespace vtd

#endif  // VTD_NESTED_SPEC_FAULTS_H
