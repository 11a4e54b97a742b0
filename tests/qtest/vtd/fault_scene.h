// SPDX-License-Identifier: GPL-2.0-or-later
//
// FaultCase: one thing wrong in otherwise good tables, and what a plain read and a plain write then leave in the fault
// recording registers.
#ifndef QTEST_VTD_FAULT_SCENE_H
#define QTEST_VTD_FAULT_SCENE_H

#include <catch2/catch_test_macros.hpp>

#include <cstdint>
#include <functional>
#include <string>

#include "vtd/guest.h"

namespace vtd_driver {

enum class Access : std::uint8_t { Write = 0, Read = 1 };  // as T1 says it

inline constexpr unsigned no_fault = 0;

// No RAM here, and below the host address width.
inline constexpr std::uint64_t beyond_ram = bit(40);
// Where messages go.
inline constexpr std::uint64_t interrupt_range = 0xfee00000;
// The host address width of the unit under test.
inline constexpr unsigned host_address_width = 48;

// The whole record of a request without PASID: whatever the manual does not give a value is 0.
[[nodiscard]] inline FaultRecord record_of(unsigned reason, unsigned requester, std::uint64_t address, Access access) {
    return {.address = address & ones(63, 12),
            .high = field(63, 63, 1) | field(62, 62, static_cast<std::uint64_t>(access)) | field(39, 32, reason) |
                    field(15, 0, requester)};
}

inline void touch(Guest& guest, std::uint64_t address, Access access) {
    if (access == Access::Read) {
        guest.touch_read(address);
    } else {
        guest.touch_write(address);
    }
}

// Exactly this record, or none.
inline void check_access(Guest& guest, std::uint64_t address, Access access, unsigned reason) {
    CAPTURE(address, static_cast<int>(access));
    touch(guest, address, access);
    const auto faults = guest.take_faults();
    if (reason == no_fault) {
        CHECK(faults.empty());
        return;
    }
    REQUIRE(faults.size() == 1);
    CHECK(faults[0] == record_of(reason, guest.requester(), address, access));
}

// `Scene` is a guest with good tables; a case spoils them before translation starts.
template <typename Scene>
struct FaultCase {
    std::string name;
    unsigned read_reason = 0;
    unsigned write_reason = 0;
    std::function<void(Scene&)> spoil;
};

}  // namespace vtd_driver

namespace Catch {
template <>
struct StringMaker<vtd_driver::FaultRecord> {
    static std::string convert(const vtd_driver::FaultRecord& record) {
        return "{FI " + StringMaker<std::uint64_t>::convert(record.address) + ", " +
               StringMaker<std::uint64_t>::convert(record.high) + "}";
    }
};
}  // namespace Catch

#endif  // QTEST_VTD_FAULT_SCENE_H
