// SPDX-License-Identifier: GPL-2.0-or-later
//
// device_tlb_scene: a guest whose queue, translation and fault event are on, and devices that keep silent.
#ifndef TESTS_UNIT_VTD_NESTED_DEVICE_TLB_SCENE_H
#define TESTS_UNIT_VTD_NESTED_DEVICE_TLB_SCENE_H

#include "vtd_guest.h"

namespace test {

inline constexpr std::uint64_t kStatus = 0x1f00000;  // in the data half of RAM
inline constexpr std::uint64_t kOtherStatus = 0x1f00040;
inline constexpr std::uint64_t kNow = 1'000'000;
inline constexpr std::uint64_t kDeadline = kNow + kTimeout;  // of what is sent at kNow

struct DeviceTlbScene : Guest {
    explicit DeviceTlbScene(const vtd::Capabilities& asked = {}) : Guest(asked) {
        ports.time_ns = kNow;
        w32(kFedata, 0x51), w32(kFeaddr, 0xfee02000), w32(kFectl, 0);
        enable_queue();
        enable(kTtmScalable);
    }
    void answer_at_once() {
        ports.on_invalidate = [this](const iommu::InvalidateRequest& request) {
            answer(request.requester.value, 1u << request.itag);
        };
    }
    std::uint32_t status(std::uint64_t address = kStatus) { return ram.peek32(address); }
    std::uint64_t head() { return r64(kIqh) / 32; }
    std::size_t sent() const { return ports.invalidates.size(); }
    std::uint32_t fsts() { return r32(kFsts); }
    std::uint64_t itesid() { return r64(kIqercd) >> 32 & 0xffff; }
    std::uint64_t icesid() { return r64(kIqercd) >> 48; }
    std::size_t events() const { return ports.messages.size(); }
};

}  // namespace test

#endif  // TESTS_UNIT_VTD_NESTED_DEVICE_TLB_SCENE_H
