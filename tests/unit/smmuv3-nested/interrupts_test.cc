// SPDX-License-Identifier: GPL-2.0-or-later
//
// How software is told: wires and messages of each source, enables, and global errors with their acknowledgement.
// [SMMU G.b s3.18, s6.3.16-6.3.23]
#include <catch2/catch_test_macros.hpp>
#include <vector>

#include "smmu_guest.h"

using namespace test::smmu;
using test::Msi;

namespace {

constexpr std::uint64_t kEventDoorbell = 0x800'0200, kErrorDoorbell = 0x800'0100;
constexpr unsigned kEventLine = 0, kSyncLine = 2, kGerrorLine = 3;
const Command kIllegal{0xff, 0};

struct Scene : Guest {
    explicit Scene(const smmuv3::Capabilities& asked = {}) : Guest(asked) {
        bring_up();
        configure(kEventDoorbell, kErrorDoorbell);
        ports.pulses.clear();
    }
    void configure(std::uint64_t event, std::uint64_t error, std::uint32_t enables = 5) {
        w32(kIrqCtrl, 0);
        w64(kEventqIrqCfg0, event);
        w32(kEventqIrqCfg1, 0x5e);
        w64(kGerrorIrqCfg0, error);
        w32(kGerrorIrqCfg1, 0x6e);
        w32(kIrqCtrl, enables);
    }
    void event() { (void)ask(read_at(ports.time_ns += 0x1'0000'0000)); }  // C_BAD_STE
    void error() { submit(kIllegal); }
    // The driver mends the command and acknowledges.
    void mend() {
        poke(cmdq + 16ull * ((cmdq_prod - 1) & 127), cmd_sync()[0]);
        w32(kGerrorn, r32(kGerror));
    }
};
using Messages = std::vector<Msi>;
using Pulses = std::vector<unsigned>;

}  // namespace

TEST_CASE("SMMU: each source sends its message and pulses its wire") {
    Scene guest;
    guest.event();
    CHECK(guest.ports.messages == Messages{{kEventDoorbell, 0x5e}});
    CHECK(guest.ports.pulses == Pulses{kEventLine});
    guest.error();
    CHECK(guest.ports.messages == Messages{{kEventDoorbell, 0x5e}, {kErrorDoorbell, 0x6e}});
    CHECK(guest.ports.pulses == Pulses{kEventLine, kGerrorLine});
    guest.mend();
    guest.submit(cmd_sync(1, kEventDoorbell, 7));
    CHECK(guest.ports.messages.back() == Msi{kEventDoorbell, 7});
    CHECK(guest.ports.pulses == Pulses{kEventLine, kGerrorLine, kSyncLine});
}

TEST_CASE("SMMU: a message goes out only with an address and with IDR0.MSI; the wire in any case") {
    for (const bool address : {false, true}) {
        for (const std::uint8_t msi : std::array<std::uint8_t, 2>{0, 1}) {
            Scene guest({.msi = msi});
            guest.configure(address ? kEventDoorbell : 0, address ? kErrorDoorbell : 0);
            guest.event();
            guest.error();
            CAPTURE(address, msi);
            CHECK(guest.ports.messages.size() == (address && msi != 0 ? 2u : 0u));
            CHECK(guest.ports.pulses == Pulses{kEventLine, kGerrorLine});
        }
    }
}

TEST_CASE("SMMU: what happens while its interrupt is disabled is never announced later") {
    for (const std::uint32_t enables : {0u, 1u, 4u, 5u}) {
        Scene guest;
        guest.configure(kEventDoorbell, kErrorDoorbell, enables);
        guest.event();
        guest.error();
        CAPTURE(enables);
        Messages expected;
        if ((enables & 4) != 0) expected.push_back({kEventDoorbell, 0x5e});
        if ((enables & 1) != 0) expected.push_back({kErrorDoorbell, 0x6e});
        CHECK(guest.ports.messages == expected);
        guest.w32(kIrqCtrl, 5);
        CHECK(guest.ports.messages == expected);
        CHECK(guest.r32(kGerror) == 1);
    }
}

TEST_CASE("SMMU: message addresses are cut to the output size") {
    Scene guest({.oas = 2});
    guest.configure(0x00ff'ff00'0000'0000ull | kEventDoorbell, 0x0080'0000'0000'0000ull | kErrorDoorbell);
    guest.event();
    guest.error();
    CHECK(guest.ports.messages == Messages{{kEventDoorbell, 0x5e}, {kErrorDoorbell, 0x6e}});
}

TEST_CASE("SMMU: an event message that ends in nothing is a global error, which is announced") {
    Scene guest;
    guest.ports.on_message = [&](std::uint64_t address) {
        guest.ports.no_interrupt_controller = address == kEventDoorbell;
    };
    guest.event();
    CHECK(guest.r32(kGerror) == 1u << 5);
    CHECK(guest.ports.messages == Messages{{kEventDoorbell, 0x5e}, {kErrorDoorbell, 0x6e}});
    CHECK(guest.ports.pulses == Pulses{kEventLine, kGerrorLine});
}

TEST_CASE("SMMU: a lost announcement of an error is recorded and not announced itself") {
    Scene guest;
    guest.ports.no_interrupt_controller = true;
    guest.error();
    CHECK(guest.r32(kGerror) == (1u << 0 | 1u << 7));
    CHECK(guest.ports.messages == Messages{{kErrorDoorbell, 0x6e}});
    CHECK(guest.ports.pulses == Pulses{kGerrorLine});
    guest.event();
    CHECK(guest.r32(kGerror) == (1u << 0 | 1u << 5 | 1u << 7));
    CHECK(guest.ports.messages.size() == 3);  // the event's, and one for its loss
}

TEST_CASE("SMMU: an error is announced when it becomes active, not while it is") {
    Scene guest;
    guest.ports.no_interrupt_controller = true;
    guest.configure(0, 0);
    for (unsigned round = 0; round < 3; ++round)
        guest.submit(cmd_sync(1, kEventDoorbell, 0));
    CHECK(guest.r32(kGerror) == 1u << 4);
    CHECK(guest.ports.pulses == Pulses{kSyncLine, kGerrorLine, kSyncLine, kSyncLine});
    guest.w32(kGerrorn, 1u << 4);
    guest.submit(cmd_sync(1, kEventDoorbell, 0));
    CHECK(guest.r32(kGerror) == 0);
    CHECK(guest.ports.pulses.back() == kGerrorLine);
    CHECK(guest.ports.pulses.size() == 6);
}

TEST_CASE("SMMU: errors are acknowledged one by one") {
    Scene guest;
    guest.ports.no_interrupt_controller = true;
    guest.event();
    guest.error();
    REQUIRE(guest.r32(kGerror) == (1u << 0 | 1u << 5 | 1u << 7));
    guest.w32(kGerrorn, 1u << 5);
    CHECK(guest.r32(kGerror) == (1u << 0 | 1u << 5 | 1u << 7));
    CHECK((guest.r32(kCmdqCons) >> 24) == 1);
    const std::uint32_t cons = guest.r32(kCmdqCons);
    guest.submit(cmd_sync());
    CHECK(guest.r32(kCmdqCons) == cons);  // still stopped
}

// Whether that makes an error active is unpredictable; no interrupt comes of it.
TEST_CASE("SMMU: an acknowledgement of what is not active raises nothing and keeps its value") {
    Scene guest;
    for (unsigned bit = 0; bit < 32; ++bit) {
        CAPTURE(bit);
        guest.w32(kGerrorn, 1u << bit);
        CHECK(guest.r32(kGerrorn) == (1u << bit & 0x1fd));
        CHECK(guest.r32(kGerror) == 0);
    }
    guest.w32(kGerrorn, 0);
    CHECK(guest.ports.messages.empty());
    CHECK(guest.ports.pulses.empty());
    guest.submit(cmd_sync(1, kEventDoorbell, 3));
    CHECK(guest.ports.messages == Messages{{kEventDoorbell, 3}});
    guest.event();
    CHECK(guest.ports.messages.back() == Msi{kEventDoorbell, 0x5e});
}

TEST_CASE("SMMU: message settings cannot change while their interrupt is enabled") {
    Scene guest;
    guest.w64(kEventqIrqCfg0, 0x900'0000);
    guest.w32(kEventqIrqCfg1, 0x1);
    guest.w64(kGerrorIrqCfg0, 0x900'0000);
    guest.event();
    guest.error();
    CHECK(guest.ports.messages == Messages{{kEventDoorbell, 0x5e}, {kErrorDoorbell, 0x6e}});
}
