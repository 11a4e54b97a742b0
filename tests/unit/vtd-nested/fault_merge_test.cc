// SPDX-License-Identifier: GPL-2.0-or-later
//
// One refused access is one record, though the emulator asks for it piece by piece: pieces ascend by at most 8 bytes
// within a page, and come within 10 ms of each other.
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test;

namespace {

constexpr std::uint64_t kIova = 0x40'4000;
constexpr std::uint64_t kLongestGap = 10'000'000;

void build(Guest& guest) {
    const PasidSpec spec{.pgtt = 1, .did = 7};
    guest.scalable_device(kDevice, spec);
    guest.scalable_device(kOtherDevice, spec);
    guest.add_pasid(kDevice, 5, spec);
    guest.add_pasid(kDevice, 6, spec);
    guest.enable(kTtmScalable);
}

unsigned records(Guest& guest) { return static_cast<unsigned>(guest.unit.counters().recorded); }

// Two requests, and how many records they leave.
unsigned records_of(const iommu::Request& first, const iommu::Request& second, std::uint64_t gap_ns = 0) {
    Guest guest;
    build(guest);
    (void)guest.ask(first);
    guest.ports.time_ns += gap_ns;
    (void)guest.ask(second);
    return records(guest);
}

}  // namespace

TEST_CASE("The pieces of a refused access leave one record, with the address of the first", "[vtd][report]") {
    for (const std::uint64_t piece : {1u, 2u, 4u, 8u}) {
        INFO("pieces of " << piece);
        Guest guest;
        build(guest);
        for (std::uint64_t at = kIova + 0x10; at < kIova + 0x1000; at += piece) {
            guest.ports.time_ns += 1000;
            CHECK(guest.ask(write_at(at)).reason == 0x71);
        }
        CHECK(records(guest) == 1);
        CHECK(guest.record(0) == record_of(guest, write_at(kIova), 0x71));
        CHECK(guest.unit.counters().faults == 0xff0 / piece);
    }
}

TEST_CASE("Pieces follow each other by 1 to 8 bytes, in one page", "[vtd][report]") {
    CHECK(records_of(read_at(kIova), read_at(kIova + 1)) == 1);
    CHECK(records_of(read_at(kIova), read_at(kIova + 8)) == 1);
    CHECK(records_of(read_at(kIova), read_at(kIova + 9)) == 2);
    CHECK(records_of(read_at(kIova), read_at(kIova)) == 2);
    CHECK(records_of(read_at(kIova + 8), read_at(kIova)) == 2);
    CHECK(records_of(read_at(kIova + 0xff7), read_at(kIova + 0xfff)) == 1);
    CHECK(records_of(read_at(kIova + 0xff8), read_at(kIova + 0x1000)) == 2);
    CHECK(records_of(read_at(kIova), read_at(kIova + 0x1000)) == 2);
}

TEST_CASE("Pieces follow each other within 10 ms, counted from the last", "[vtd][report]") {
    CHECK(records_of(read_at(kIova), read_at(kIova + 8), kLongestGap) == 1);
    CHECK(records_of(read_at(kIova), read_at(kIova + 8), kLongestGap + 1) == 2);

    Guest guest;
    build(guest);
    for (std::uint64_t i = 0; i < 5; ++i) {
        (void)guest.ask(read_at(kIova + 8 * i));
        guest.ports.time_ns += kLongestGap;
    }
    CHECK(records(guest) == 1);
}

TEST_CASE("Only pieces of the same access merge: device, PASID, kind, privilege and condition are the same",
          "[vtd][report]") {
    iommu::Request other = read_at(kIova + 8);
    other.requester = iommu::RequesterId{kOtherDevice};
    CHECK(records_of(read_at(kIova), other) == 2);
    CHECK(records_of(read_at(kIova), write_at(kIova + 8)) == 2);
    CHECK(records_of(write_at(kIova), atomic_at(kIova + 8)) == 2);
    CHECK(records_of(read_at(kIova), with_pasid(read_at(kIova + 8), 5)) == 2);
    CHECK(records_of(with_pasid(read_at(kIova), 5), with_pasid(read_at(kIova + 8), 6)) == 2);
    CHECK(records_of(with_pasid(read_at(kIova), 5), with_pasid(read_at(kIova + 8), 5)) == 1);
    CHECK(records_of(with_pasid(read_at(kIova), 5), privileged(with_pasid(read_at(kIova + 8), 5))) == 2);

    Guest guest;
    build(guest);
    (void)guest.ask(read_at(kIova));
    guest.flip(guest.pasid_entry(kDevice, 0), 0);
    guest.forget();
    CHECK(guest.ask(read_at(kIova + 8)).reason == 0x59);
    CHECK(records(guest) == 2);
}

TEST_CASE("A piece of an access that was lost to overflow is lost with it", "[vtd][report]") {
    Guest guest({.nfr = 0});
    build(guest);
    (void)guest.ask(read_at(0x1000));
    (void)guest.ask(read_at(kIova));  // finds the record in use
    CHECK((guest.r32(kFsts) & 0xff) == (kPpf | kPfo));
    guest.clear_record(0);
    guest.w32(kFsts, kPfo);
    (void)guest.ask(read_at(kIova + 8));
    CHECK((guest.r32(kFsts) & 0xff) == 0);
    (void)guest.ask(read_at(kIova + 0x100));
    CHECK((guest.r32(kFsts) & 0xff) == kPpf);
}

TEST_CASE("A fault that FPD suppresses is no piece of anything", "[vtd][report]") {
    Guest guest;
    build(guest);
    const std::uint64_t entry = guest.pasid_entry(kDevice, 0);
    guest.flip(entry, 1);  // FPD
    (void)guest.ask(read_at(kIova));
    CHECK(records(guest) == 0);
    guest.flip(entry, 1);
    guest.forget();
    (void)guest.ask(read_at(kIova + 8));
    CHECK(records(guest) == 1);
}

TEST_CASE("A merged piece announces nothing", "[vtd][report]") {
    Guest guest;
    build(guest);
    guest.w32(kFectl, 0);
    (void)guest.ask(read_at(kIova));
    CHECK(guest.ports.messages.size() == 1);
    guest.clear_record(0);
    (void)guest.ask(read_at(kIova + 8));
    CHECK(guest.ports.messages.size() == 1);
}
