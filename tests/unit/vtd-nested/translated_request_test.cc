// SPDX-License-Identifier: GPL-2.0-or-later
//
// Translated requests: the context entry's leave, and the address as it is. [VTD 5.10 s4.2.5]
#include <catch2/catch_test_macros.hpp>

#include "ats_expect.h"

using namespace test;
using iommu::Rights;

namespace {

void build(Guest& guest, const ContextSpec& context = {.dte = true}) {
    guest.scalable_device(kDevice, {.pgtt = 1, .did = 7}, context);
    guest.enable(kTtmScalable);
}

}  // namespace

TEST_CASE("A translated request passes as it is: no PASID table, no page table, nothing changed", "[vtd][ats]") {
    Guest guest;
    build(guest);
    guest.poke(guest.directory_entry(kDevice, 0), 0);
    for (const auto& request : {read_at(0x1234), write_at(0x12'3456'7890), atomic_at(0xfedf'ffff), zero_read_at(0)}) {
        const auto translation = expect_output(guest, translated(request), request.iova.value);
        CHECK(translation.rights == Rights::ReadWrite);
        CHECK(changes_by(guest, translated(request)).empty());
    }
    // Nothing is kept: without the PASID table DMA is refused.
    expect_fault(guest, read_at(0x1234), 0x51);
}

TEST_CASE("The answer holds for a block beside the interrupt range and below the host's width", "[vtd][ats]") {
    Guest guest;
    build(guest);
    CHECK(expect_output(guest, translated(read_at(0xfedf'ffff)), 0xfedf'ffff).page_log2 == 21);
    CHECK(expect_output(guest, translated(read_at(0xfef0'0000)), 0xfef0'0000).page_log2 == 20);
    CHECK(expect_output(guest, translated(read_at(0)), 0).page_log2 == 31);
    CHECK(expect_output(guest, translated(read_at((1ull << 48) - 1)), (1ull << 48) - 1).page_log2 == 47);
}

TEST_CASE("Interrupts, and addresses that the host does not have, are unsupported and recorded", "[vtd][ats]") {
    Guest guest;
    build(guest);
    for (const std::uint64_t address : {0xfee0'0000ull, 0xfeef'ffffull}) {
        for (const auto& request : {read_at(address), write_at(address), atomic_at(address), zero_read_at(address)})
            expect_fault(guest, translated(request), 0x87);
    }
    expect_fault(guest, translated(write_at(1ull << 48)), 0x83);
    expect_fault(guest, translated(write_at(~0ull)), 0x83);
    guest.poke(guest.context_entry(kDevice), guest.peek(guest.context_entry(kDevice)) | 2);
    expect_unrecorded(guest, translated(read_at(0xfee0'0000)), 0x87);
    expect_unrecorded(guest, translated(read_at(1ull << 48)), 0x83);
}

TEST_CASE("FPD of the PASID entry means nothing to a translated request", "[vtd][ats]") {
    Guest guest;
    guest.scalable_device(kDevice, {.pgtt = 1, .did = 7, .fpd = true}, {.dte = true});
    guest.map_first(0x7000, 0x180'0000, kP | kRW | kUS);
    guest.enable(kTtmScalable);
    CHECK(guest.write(kDevice, 0x7000).outcome == iommu::Outcome::Translated);
    expect_fault(guest, translated(read_at(0xfee0'0000)), 0x87);
}

TEST_CASE("A protected region blocks it without a record; beside it pages are small", "[vtd][ats]") {
    Guest guest;
    build(guest);
    guest.w32(kPlmbase, 0x100'0000);
    guest.w32(kPlmlimit, 0x10f'ffff);
    guest.w32(kPmen, 1u << 31);
    expect_unrecorded(guest, translated(read_at(0x100'0000)), 0);
    expect_unrecorded(guest, translated(write_at(0x10f'ffff)), 0);
    CHECK(expect_output(guest, translated(read_at(0xff'ffff)), 0xff'ffff).page_log2 == 12);
    CHECK(expect_output(guest, translated(read_at(0x110'0000)), 0x110'0000).page_log2 == 12);
}

// [VTD 5.10 s4.2.1, s4.2.5]
TEST_CASE("Without DT, with a PASID, or while translation is off it is unsupported and no fault", "[vtd][ats]") {
    Guest guest;
    build(guest);
    expect_unrecorded(guest, translated(with_pasid(read_at(0x1000), 5)), 0);
    guest.command(kTe, false);
    expect_unrecorded(guest, translated(read_at(0x1000)), 0);
    Guest without({.dt = 0});
    build(without, {.dte = false});
    expect_unrecorded(without, translated(read_at(0x1000)), 0);
}

TEST_CASE("DTE is looked at each time", "[vtd][ats]") {
    Guest guest;
    build(guest);
    const std::uint64_t entry = guest.context_entry(kDevice);
    expect_output(guest, translated(read_at(0x1000)), 0x1000);
    guest.flip(entry, 2);
    CHECK(guest.ask(translated(read_at(0x1000))).reason == 0x44);
    CHECK(guest.record(0) == record_of(guest, translated(read_at(0x1000)), 0x44));
}
