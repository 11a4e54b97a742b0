// SPDX-License-Identifier: GPL-2.0-or-later
//
// Transactions that no table translates: with the unit off, with Config=100, and where stage 1 is left out.
// [SMMU 3.4.1, 3.11, 6.3.14]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test::smmu;
using iommu::Outcome;

namespace {

constexpr std::uint32_t kAbort = 1u << 20, kUpdate = 1u << 31;

void expect_passes(Guest& guest, const iommu::Request& request, unsigned bits) {
    const auto reply = guest.ask(request);
    CHECK(reply.outcome == Outcome::Translated);
    CHECK(reply.translation.address.value == request.iova.value);
    CHECK(reply.translation.page_log2 == bits);
    CHECK(reply.translation.rights == iommu::Rights::ReadWrite);
}
void expect_aborted(Guest& guest, const iommu::Request& request) {
    const auto reply = guest.ask(request);
    CHECK(reply.outcome == Outcome::Blocked);
    CHECK(reply.reason == 0);
    CHECK_FALSE(guest.take_event());
}

// Everything set up, SMMUEN=0.
void switch_off(Guest& guest) { guest.set_cr0(kCmdqEn | kEventqEn); }

}  // namespace

TEST_CASE("Off: after reset everything passes, whatever it is", "[smmu][bypass]") {
    Guest guest;
    expect_passes(guest, read_at(0x4000), 48);
    expect_passes(guest, write_at((1ull << 48) - 1), 48);
    expect_passes(guest, with_substream(privileged(executing(read_at(0x4000))), 0xfffff), 48);
    expect_passes(guest, from(0xffffffff, atomic_at(0x4000)), 48);
}

TEST_CASE("Off: an address beyond the output size is aborted and nobody is told", "[smmu][bypass]") {
    constexpr unsigned bits[] = {32, 36, 40, 42, 44, 48, 52};
    for (unsigned oas = 0; oas < 7; ++oas) {
        INFO("OAS " << oas);
        Guest guest({.oas = static_cast<std::uint8_t>(oas)});
        guest.format(guest.second, 12, 2, 32);
        guest.bring_up();
        switch_off(guest);
        expect_passes(guest, read_at((1ull << bits[oas]) - 1), bits[oas]);
        expect_aborted(guest, read_at(1ull << bits[oas]));
        expect_aborted(guest, read_at(1ull << 63));
    }
}

TEST_CASE("Off: GBPA.ABORT aborts everything and tells nobody", "[smmu][bypass]") {
    Guest guest;
    guest.bring_up();
    switch_off(guest);
    guest.w32(kGbpa, kUpdate | kAbort);
    CHECK(guest.r32(kGbpa) == kAbort);
    expect_aborted(guest, read_at(0x4000));
    expect_aborted(guest, with_substream(write_at(0x4000), 3));
    expect_aborted(guest, debugging(read_at(0x4000)));
    // Without Update a write means nothing.
    guest.w32(kGbpa, 0);
    expect_aborted(guest, read_at(0x4000));
    guest.w32(kGbpa, kUpdate);
    expect_passes(guest, read_at(0x4000), 48);
}

TEST_CASE("Off: GBPA does not count while the unit is on", "[smmu][bypass]") {
    Guest guest;
    guest.stream(kStream, {.config = kBypass});
    guest.bring_up();
    guest.w32(kGbpa, kUpdate | kAbort);
    expect_passes(guest, read_at(0x4000), 48);
    switch_off(guest);
    expect_aborted(guest, read_at(0x4000));
}

TEST_CASE("Off: nothing is looked up, and nothing kept", "[smmu][bypass]") {
    Guest guest;
    guest.stream(kStream, {}, {.ha = true, .hd = true});
    const std::uint64_t leaf = guest.map(guest.low, 0x4000, 0x1800000, kAp1 | kAp2 | kDbm);
    guest.bring_up();
    switch_off(guest);
    const std::uint64_t before = guest.peek(leaf);
    expect_passes(guest, write_at(0x4000), 48);
    CHECK(guest.peek(leaf) == before);
    guest.set_cr0(kCmdqEn | kEventqEn | kSmmuEn);
    CHECK(guest.ask(write_at(0x4000)).translation.address.value == 0x1800000);
    CHECK(guest.peek(leaf) != before);
}

TEST_CASE("Bypass: Config=100 passes up to the output size, beyond it is F_ADDR_SIZE", "[smmu][bypass]") {
    constexpr unsigned bits[] = {32, 36, 40, 42, 44, 48, 52};
    for (unsigned oas = 0; oas < 7; ++oas) {
        INFO("OAS " << oas);
        Guest guest({.oas = static_cast<std::uint8_t>(oas)});
        guest.stream(kStream, {.config = kBypass});
        guest.bring_up();
        const std::uint64_t last = (1ull << bits[oas]) - 1;
        CHECK(expect_output(guest, write_at(last), last).page_log2 == bits[oas]);
        expect_event(guest, read_at(1ull << bits[oas]), {.type = F_ADDR_SIZE});
        // Also when the configuration is known.
        CHECK(guest.ask(read_at(1ull << bits[oas])).reason == F_ADDR_SIZE);
        CHECK(guest.ask(read_at(last)).outcome == Outcome::Translated);
        guest.take_events();
    }
}

TEST_CASE("Bypass: the record of a too large address has what the STE makes of the access", "[smmu][bypass]") {
    Guest guest;
    guest.stream(kStream, {.config = kBypass});
    guest.set(guest.ste(kStream), 113, 112, 3);
    guest.set(guest.ste(kStream), 115, 114, 3);
    guest.bring_up();
    expect_event(guest, read_at(1ull << 60), {.type = F_ADDR_SIZE, .pnu = true, .ind = true});
    expect_event(guest, write_at(1ull << 60), {.type = F_ADDR_SIZE, .pnu = true, .ind = false});
}

TEST_CASE("Bypass: a left-out stage 1 bounds the address with a stage-1 fault", "[smmu][bypass]") {
    for (const bool substreams : {false, true}) {
        INFO((substreams ? "S1DSS" : "Config"));
        Guest guest({.oas = 4});
        guest.format(guest.second, 12, 0, 44);
        guest.map(guest.second, (1ull << 44) - 0x1000, 0x1800000, kS2Page);
        guest.stream(kStream, substreams ? SteSpec{.config = kNested, .s1cdmax = 1, .s1dss = 1, .s2s = true}
                                         : SteSpec{.config = kStage2, .s2s = true});
        guest.bring_up();
        expect_output(guest, read_at((1ull << 44) - 0x1000), 0x1800000);
        // It never stalls, whatever stage 2 would do, and is always recorded.
        const auto reply = guest.ask(read_at(1ull << 44), smmuv3::CanStall::Yes);
        CHECK(reply.outcome == Outcome::Blocked);
        CHECK(guest.take_event() == record_of(read_at(1ull << 44), {.type = F_ADDR_SIZE}));
        guest.set(guest.ste(kStream), 186, 185, 0);  // S2R=0, S2S=0
        expect_event(guest, read_at(1ull << 44), {.type = F_ADDR_SIZE});
    }
    Guest guest;
    guest.stream(kStream, {.s1cdmax = 1, .s1dss = 1});
    guest.bring_up();
    expect_output(guest, read_at((1ull << 48) - 0x1000), (1ull << 48) - 0x1000);
    expect_event(guest, read_at(1ull << 48), {.type = F_ADDR_SIZE});
}
