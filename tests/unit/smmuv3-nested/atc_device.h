// SPDX-License-Identifier: GPL-2.0-or-later
//
// atc_device: a guest whose devices keep translations, and a clock that goes when it is told to.
#ifndef TESTS_UNIT_SMMUV3_NESTED_ATC_DEVICE_H
#define TESTS_UNIT_SMMUV3_NESTED_ATC_DEVICE_H

#include <catch2/catch_test_macros.hpp>

#include "smmu_guest.h"

namespace test::smmu {

inline constexpr std::uint64_t kMs = 1'000'000;
inline constexpr std::uint64_t kTimeout = 60'000 * kMs;
inline constexpr std::uint32_t kAtcError = 3u << 24;  // CMDQ_CONS.ERR

struct AtcDevice : Guest {
    static constexpr std::uint64_t kStatusWord = 0x1f00000;

    AtcDevice() : Guest() {
        cmdq_log2 = 10;
        bring_up();
        ports.pulses.clear();
        ports.time_ns = 1000;
    }
    void answer(std::uint32_t stream, std::uint32_t itags, unsigned count = 1) {
        unit.invalidate_completed({iommu::RequesterId{stream}, itags, count});
    }
    // Time goes on as a clock does that was told when to call.
    void at(std::uint64_t time_ns) {
        ports.time_ns = time_ns;
        if (unit.deadline_ns() <= time_ns) unit.tick();
    }
    void acknowledge() { w32(kGerrorn, r32(kGerror)); }
    [[nodiscard]] std::uint32_t index(std::uint32_t position) const { return position & ((2u << cmdq_log2) - 1); }
    // Whether the queue stands at the entry, with the ERR field.
    void check_cons(std::uint32_t position, std::uint32_t error = 0) {
        CHECK(r32(kCmdqCons) == (index(position) | error));
    }
    [[nodiscard]] bool failed() { return ((r32(kGerror) ^ r32(kGerrorn)) & 1) != 0; }
    [[nodiscard]] std::uint32_t status() { return ram.peek32(kStatusWord); }
};

}  // namespace test::smmu

#endif  // TESTS_UNIT_SMMUV3_NESTED_ATC_DEVICE_H
