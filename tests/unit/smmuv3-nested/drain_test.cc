// SPDX-License-Identifier: GPL-2.0-or-later
//
// A CMD_SYNC that is held back for DMA under way, beside devices that have to answer, and what else can happen to it.
// [SMMU G.b s3.9.1.4, s3.21.1, s4.7.3]
#include <string>
#include <vector>

#include "atc_device.h"

using namespace test::smmu;

namespace {

constexpr std::uint64_t kStatus = AtcDevice::kStatusWord;

// Some DMA is under way whenever it is asked for.
struct Device : AtcDevice {
    Device() {
        submit(cmd_sync());
        ports.pulses.clear();
        ports.drains.clear();
        ports.dma_under_way = true;
        start = cmdq_prod;
    }
    void dma_ends() {
        REQUIRE_FALSE(ports.drains.empty());
        unit.drained(ports.drains.back());
    }
    std::uint32_t start = 0;
};

}  // namespace

TEST_CASE("SMMU drain: CONS stays on the CMD_SYNC; no message, no interrupt") {
    Device guest;
    guest.put(tlbi_nsnh_all());
    guest.submit(cmd_sync(1, kStatus, 1));
    guest.check_cons(guest.start + 1);
    CHECK(guest.status() == 0);
    CHECK(guest.ports.pulses.empty());
    guest.dma_ends();
    guest.check_cons(guest.start + 2);
    CHECK(guest.status() == 1);
    CHECK(guest.ports.pulses.size() == 1);
}

TEST_CASE("SMMU drain: each kind of invalidation is waited for; what devices keep themselves is not") {
    for (const Command& command : {tlbi_nsnh_all(), tlbi_s2_ipa(3, 0x4000), cfgi_all()}) {
        Device guest;
        CAPTURE(command[0]);
        guest.put(command);
        guest.submit(cmd_sync(1, kStatus, 1));
        CHECK(guest.status() == 0);
        guest.dma_ends();
        CHECK(guest.status() == 1);
    }
    Device guest;
    guest.ports.on_invalidate = [&](const iommu::InvalidateRequest& request) {
        guest.answer(request.requester.value, 1u << request.itag);
    };
    guest.put(atc_inv(kStream));
    guest.submit(cmd_sync(1, kStatus, 1));
    CHECK(guest.status() == 1);
    CHECK(guest.ports.drains.empty());
}

TEST_CASE("SMMU drain: a CMD_SYNC behind a device and DMA completes when both have ended, in either order") {
    for (const bool dma_first : {true, false}) {
        Device guest;
        CAPTURE(dma_first);
        guest.put(tlbi_nsnh_all());
        guest.put(atc_inv(kStream));
        guest.submit(cmd_sync(1, kStatus, 1));
        REQUIRE(guest.ports.invalidates.size() == 1);
        CHECK(guest.ports.drains.size() == 1);
        if (dma_first) {
            guest.dma_ends();
        } else {
            guest.answer(kStream, 1);
        }
        guest.check_cons(guest.start + 2);
        CHECK(guest.status() == 0);
        if (dma_first) {
            guest.answer(kStream, 1);
        } else {
            guest.dma_ends();
        }
        guest.check_cons(guest.start + 3);
        CHECK(guest.status() == 1);
    }
}

TEST_CASE(
    "SMMU drain: a device that is late is told of while DMA goes on, and the CMD_SYNC waits when it comes again") {
    Device guest;
    guest.put(tlbi_nsnh_all());
    guest.put(atc_inv(kStream));
    guest.submit(cmd_sync(1, kStatus, 1));
    guest.at(1000 + kTimeout);
    guest.check_cons(guest.start + 2, kAtcError);
    CHECK(guest.failed());
    guest.acknowledge();
    CHECK_FALSE(guest.failed());
    guest.check_cons(guest.start + 2, kAtcError);
    CHECK(guest.status() == 0);
    guest.dma_ends();
    guest.check_cons(guest.start + 3, kAtcError);
    CHECK(guest.status() == 1);
}

TEST_CASE("SMMU drain: with CMDQEN clear nothing is consumed; set again, the queue goes on") {
    Device guest;
    const std::uint32_t cr0 = guest.r32(kCr0);
    guest.put(tlbi_nsnh_all());
    guest.submit(cmd_sync(1, kStatus, 1));
    guest.set_cr0(cr0 & ~kCmdqEn);
    guest.dma_ends();
    guest.check_cons(guest.start + 1);
    CHECK(guest.status() == 0);
    guest.set_cr0(cr0);
    // CR0 was written, which counts as a change of what is translated.
    guest.dma_ends();
    guest.check_cons(guest.start + 2);
    CHECK(guest.status() == 1);
}

TEST_CASE("SMMU drain: lines tell of devices and of DMA, each once") {
    Device guest;
    guest.unit.set_trace(static_cast<std::uint32_t>(iommu::TraceClass::Queue));
    guest.put(tlbi_nsnh_all());
    guest.submit(cmd_sync(1, kStatus, 1));
    guest.unit.run_queue();
    CHECK(guest.ports.lines == std::vector<std::string>{"smmuv3: CMD_SYNC held back for DMA under way"});
    guest.dma_ends();
    guest.ports.lines.clear();
    guest.put(atc_inv(kStream));
    guest.submit(cmd_sync());
    guest.unit.run_queue();
    REQUIRE(guest.ports.lines.size() == 1);
    CHECK(guest.ports.lines[0].find("waits for devices") != std::string::npos);
}
