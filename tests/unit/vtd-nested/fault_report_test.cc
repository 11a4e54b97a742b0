// SPDX-License-Identifier: GPL-2.0-or-later
//
// Fault records: their fields, and the ring they are written in. [VTD 5.10 s7.2.1, s11.4.7.1, s11.4.7.6]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test;

namespace {

constexpr std::uint64_t kIova = 0x40'4000;

// Legacy mode with nothing mapped: every request from kDevice is LGN.2 or LGN.3.
void build(Guest& guest) {
    guest.legacy_device(kDevice, 7);
    guest.enable(kTtmLegacy);
}

// A fault of its own, told from others by its page.
void fault(Guest& guest, unsigned page) { (void)guest.ask(read_at(std::uint64_t{page} << 12)); }
std::uint64_t page_of(const Guest::Record& record) { return record.low >> 12; }

unsigned fri(Guest& guest) { return guest.r32(kFsts) >> 8 & 0xff; }
std::uint32_t causes(Guest& guest) { return guest.r32(kFsts) & 0xff; }
std::uint64_t record_at(Guest& guest, unsigned index) { return (guest.r64(kCap) >> 24 & 0x3ff) * 16 + 16 * index; }

}  // namespace

TEST_CASE("A record holds the request as it was, in both quadwords", "[vtd][report]") {
    struct Case {
        iommu::Request request;
        std::uint64_t low, high;
    };
    const auto pasid = [](const iommu::Request& request) { return with_pasid(request, 0xabcde); };
    // FR is 5Dh (SPT.6) for privileged requests, 5Ch (SPT.5) for execute requests, 71h (SFS.2) else.
    const Case cases[] = {
        {read_at(0x1234'5678), 0x1234'5000, 0xc000'0071'0000'1234},
        {write_at(0x1234'5678), 0x1234'5000, 0x8000'0071'0000'1234},
        {atomic_at(0x1234'5678), 0x1234'5000, 0xc000'0071'1000'1234},
        {zero_read_at(0xfff), 0x0, 0xc000'0071'0000'1234},
        {pasid(read_at(0x7fff'ffff'ffff)), 0x7fff'ffff'f000, 0xcabc'de71'8000'1234},
        {pasid(write_at(0xffff'8000'0000'0123)), 0x01ff'8000'0000'0000, 0x8abc'de71'8000'1234},
        {pasid(atomic_at(0x1000)), 0x1000, 0xcabc'de71'9000'1234},
        {privileged(pasid(write_at(0x1000))), 0x1000, 0x8abc'de5d'a000'1234},
        {privileged(pasid(atomic_at(0x1000))), 0x1000, 0xcabc'de5d'b000'1234},
        {executing(pasid(read_at(0x1000))), 0x1000, 0xcabc'de5c'c000'1234},
        {executing(privileged(pasid(read_at(0x1000)))), 0x1000, 0xcabc'de5c'e000'1234},
        // EXE is of reads only.
        {executing(pasid(write_at(0x1000))), 0x1000, 0x8abc'de5c'8000'1234},
        {privileged(executing(read_at(0x1000))), 0x1000, 0xc000'0071'0000'1234},
    };
    for (const Case& c : cases) {
        Guest guest;
        guest.scalable_device(0x1234, {.pgtt = 1, .did = 7}, {.pdts = 7});
        guest.add_pasid(0x1234, 0xabcde, {.pgtt = 1, .did = 7});
        guest.enable(kTtmScalable);
        iommu::Request request = c.request;
        request.requester = iommu::RequesterId{0x1234};
        (void)guest.ask(request);
        CHECK(guest.record(0).low == c.low);
        CHECK(guest.record(0).high == c.high);
        // Four bytes at a time, the same.
        const std::uint64_t at = record_at(guest, 0);
        CHECK(guest.r32(at) == (c.low & 0xffff'ffff));
        CHECK(guest.r32(at + 4) == c.low >> 32);
        CHECK(guest.r32(at + 8) == (c.high & 0xffff'ffff));
        CHECK(guest.r32(at + 12) == c.high >> 32);
    }
}

TEST_CASE("FI keeps the bits of the widest AGAW, and all without a second stage", "[vtd][report]") {
    struct Case {
        vtd::Capabilities capabilities;
        std::uint64_t kept;
    };
    const Case cases[] = {{{.sagaw = 0x2}, (1ull << 39) - 0x1000},
                          {{.sagaw = 0x4}, (1ull << 48) - 0x1000},
                          {{.sagaw = 0x6}, (1ull << 48) - 0x1000},
                          {{.sagaw = 0xa}, (1ull << 57) - 0x1000},
                          {{.sagaw = 0, .ssts = 0}, ~0xfffull}};
    for (const Case& c : cases) {
        Guest guest(c.capabilities);
        guest.enable(kTtmScalable);
        (void)guest.ask(write_at(0xffff'ffff'ffff'ffff));
        CHECK(guest.record(0).low == c.kept);
    }
}

TEST_CASE("Each requester is recorded with all 16 bits of its source-id", "[vtd][report]") {
    for (unsigned bit = 0; bit < 16; ++bit) {
        Guest guest;
        guest.enable(kTtmLegacy);
        iommu::Request request = read_at(kIova);
        request.requester = iommu::RequesterId{1u << bit};
        (void)guest.ask(request);
        CHECK(guest.record(0).sid() == 1u << bit);
    }
}

TEST_CASE("The first fault of a series sets PPF and FRI; later ones follow it in the ring", "[vtd][report]") {
    Guest guest;
    build(guest);
    CHECK(causes(guest) == 0);
    for (unsigned i = 0; i < 3; ++i) {
        fault(guest, 0x100 + i);
        CHECK(causes(guest) == kPpf);
        CHECK(fri(guest) == 0);
        CHECK(guest.record(i).fault());
        CHECK(page_of(guest.record(i)) == 0x100 + i);
        CHECK_FALSE(guest.record(i + 1).fault());
    }
    CHECK(guest.unit.counters().recorded == 3);
}

TEST_CASE("The ring goes on where it was when the records were cleared, and wraps", "[vtd][report]") {
    for (const unsigned nfr : {0u, 1u, 2u, 7u, 31u}) {
        INFO("NFR " << nfr);
        Guest guest({.nfr = static_cast<std::uint8_t>(nfr)});
        build(guest);
        for (unsigned i = 0; i < 2 * nfr + 3; ++i) {
            const unsigned index = i % (nfr + 1);
            fault(guest, i + 1);
            CHECK(fri(guest) == index);
            CHECK(page_of(guest.record(index)) == i + 1);
            CHECK(causes(guest) == kPpf);
            guest.clear_record(index);
            CHECK(causes(guest) == 0);
        }
    }
}

TEST_CASE("A fault that finds its record in use sets PFO and is lost, and so is every one until PFO is cleared",
          "[vtd][report]") {
    for (const unsigned nfr : {0u, 3u, 31u}) {
        INFO("NFR " << nfr);
        Guest guest({.nfr = static_cast<std::uint8_t>(nfr)});
        build(guest);
        for (unsigned i = 0; i <= nfr; ++i)
            fault(guest, 1 + i);
        CHECK(causes(guest) == kPpf);
        fault(guest, 0x100);
        CHECK(causes(guest) == (kPpf | kPfo));
        CHECK(page_of(guest.record(0)) == 1);
        CHECK(fri(guest) == 0);

        for (unsigned i = 0; i <= nfr; ++i)
            guest.clear_record(i);
        CHECK(causes(guest) == kPfo);
        fault(guest, 0x200);
        CHECK(causes(guest) == kPfo);
        CHECK_FALSE(guest.record(0).fault());

        guest.w32(kFsts, kPfo);
        CHECK(causes(guest) == 0);
        fault(guest, 0x300);
        CHECK(causes(guest) == kPpf);
        CHECK(fri(guest) == 0);
        CHECK(page_of(guest.record(0)) == 0x300);
    }
}

TEST_CASE("Software that clears one record and PFO gets the next fault there, and FRI stays", "[vtd][report]") {
    Guest guest({.nfr = 1});
    build(guest);
    fault(guest, 1);
    fault(guest, 2);
    fault(guest, 3);  // lost
    guest.clear_record(0);
    guest.w32(kFsts, kPfo);
    CHECK(causes(guest) == kPpf);
    fault(guest, 4);
    CHECK(page_of(guest.record(0)) == 4);
    CHECK(fri(guest) == 0);
    fault(guest, 5);
    CHECK(causes(guest) == (kPpf | kPfo));
}

TEST_CASE("F is cleared by writing 1, by 4 or 8 bytes, and nothing else of a record can be written", "[vtd][report]") {
    for (const bool wide : {false, true}) {
        INFO((wide ? "8 bytes" : "4 bytes"));
        Guest guest;
        build(guest);
        fault(guest, 0x123);
        const std::uint64_t at = record_at(guest, 0);
        const Guest::Record before = guest.record(0);

        guest.w64(at, ~0ull);
        guest.w32(at + 8, 0xffff'ffff);
        guest.w32(at + 12, 0x7fff'ffff);
        guest.w64(at + 8, 0x7fff'ffff'ffff'ffff);
        guest.w64(at, 0);
        guest.w64(at + 8, 0);
        CHECK(guest.record(0) == before);
        CHECK(causes(guest) == kPpf);

        if (wide) guest.w64(at + 8, 1ull << 63);
        if (!wide) guest.w32(at + 12, 1u << 31);
        CHECK(guest.record(0).low == before.low);
        CHECK(guest.record(0).high == (before.high & ~(1ull << 63)));
        CHECK(causes(guest) == 0);
        // With F=0 there is nothing to clear.
        guest.w32(at + 12, 1u << 31);
        CHECK(causes(guest) == 0);
    }
}

TEST_CASE("PPF is the OR of all F bits and cannot be written", "[vtd][report]") {
    Guest guest;
    build(guest);
    fault(guest, 1);
    fault(guest, 2);
    guest.w32(kFsts, 0xffff'ffff);
    CHECK(causes(guest) == kPpf);
    guest.clear_record(0);
    CHECK(causes(guest) == kPpf);
    guest.clear_record(1);
    CHECK(causes(guest) == 0);
    CHECK(guest.take_fault() == 0);
}

TEST_CASE("Disabling translation starts the ring at 0 again and keeps what is pending", "[vtd][report]") {
    Guest guest;
    build(guest);
    fault(guest, 1);
    fault(guest, 2);
    guest.clear_record(0);
    guest.command(kTe, false);
    CHECK(causes(guest) == kPpf);
    CHECK(page_of(guest.record(1)) == 2);
    guest.command(kTe);
    fault(guest, 3);
    CHECK(page_of(guest.record(0)) == 3);
    // Record 1 is still in use.
    fault(guest, 4);
    CHECK(causes(guest) == (kPpf | kPfo));
}

TEST_CASE("Faults of one source are recorded one by one, however many are pending", "[vtd][report]") {
    Guest guest;
    build(guest);
    for (unsigned i = 0; i < 8; ++i)
        fault(guest, 7);
    for (unsigned i = 0; i < 8; ++i)
        CHECK(guest.record(i).fault());
    CHECK(causes(guest) == kPpf);
}

TEST_CASE("Two units count their faults apart", "[vtd][report]") {
    Guest one;
    Guest other;
    build(one);
    build(other);
    fault(one, 1);
    CHECK(causes(one) == kPpf);
    CHECK(causes(other) == 0);
}

TEST_CASE("Enabling translation starts the ring at 0, whatever was recorded while it was off", "[vtd][report]") {
    Guest guest;
    iommu::Request request;
    request.requester = iommu::RequesterId{kDevice};
    request.iova = iommu::Iova{0xfee00000};
    (void)guest.unit.interrupt_access(request, 4);  // a read: 29h, also with translation off
    REQUIRE(guest.record(0).reason() == 0x29);
    guest.clear_record(0);
    guest.enable(kTtmLegacy);
    (void)guest.read(kDevice, 0x4000);
    CHECK(guest.record(0).reason() == 0x01);
    CHECK_FALSE(guest.record(1).fault());
}
