// SPDX-License-Identifier: GPL-2.0-or-later
//
// The page request queue: descriptors, registers, events, overflow. [VTD 5.10 s7.4, s7.5, s11.4.11]
#include <catch2/catch_test_macros.hpp>

#include "ats_expect.h"

using namespace test;
using iommu::ResponseCode;

namespace {

constexpr std::uint32_t kMask = 1u << 31, kPending = 1u << 30;
constexpr std::uint32_t kPasid = 5;

void build(Guest& guest, unsigned pages_log2 = 0) {
    guest.scalable_device(kDevice, {.pgtt = 1, .did = 7}, {.dte = true, .pre = true});
    guest.add_pasid(kDevice, kPasid, {.pgtt = 1, .did = 7});
    guest.enable_page_requests(pages_log2);
    guest.enable(kTtmScalable);
}

void ask(Guest& guest, unsigned pages) {
    for (unsigned page = 0; page < pages; ++page)
        guest.unit.page_request(page_at(0x1000ull * page));
}

// Software takes everything.
void drain(Guest& guest) { guest.w64(kPqh, guest.r64(kPqt)); }

}  // namespace

TEST_CASE("A page request is written as it came, with and without PASID", "[vtd][prq]") {
    for (const bool with_pasid : {false, true}) {
        for (unsigned bits = 0; bits < 32; ++bits) {
            Guest guest;
            build(guest);
            auto page = page_at(0x1234'5678'9000);
            if (with_pasid) page.pasid = iommu::Pasid{kPasid};
            page.read = (bits & 1) != 0;
            page.write = (bits & 2) != 0;
            page.last = (bits & 4) != 0;
            page.execute = (bits & 8) != 0;
            page.privileged = (bits & 16) != 0;
            page.index = static_cast<std::uint16_t>(0x1ff >> (bits % 4));
            // What was there before is overwritten, reserved words too.
            for (unsigned word = 0; word < 4; ++word)
                guest.poke(guest.page_queue + 8 * word, ~0ull);
            INFO("bits " << bits);
            expect_queued(guest, page);
        }
    }
}

TEST_CASE("The descriptor's words are the manual's", "[vtd][prq]") {
    Guest guest;
    build(guest);
    guest.scalable_device(0xffff, {.pgtt = 1, .did = 7}, {.pdts = 7, .dte = true, .pre = true});
    guest.add_pasid(0xffff, 0xfffff, {.pgtt = 1, .did = 7});
    guest.unit.page_request({.requester = {0xffff},
                             .pasid = iommu::Pasid{0xfffff},
                             .address = {0xffff'ffff'ffff'f000},
                             .read = true,
                             .write = true,
                             .execute = true,
                             .privileged = true,
                             .last = true,
                             .index = 0x1ff});
    CHECK(guest.page_descriptor(0) == Words4{0x003f'ffff'ffff'0101, ~0ull, 0, 0});
    guest.unit.page_request({.requester = {kDevice}, .address = {0x7000}, .write = true, .index = 1});
    CHECK(guest.page_descriptor(32) == Words4{0x0020'0001, 0x700a, 0, 0});
}

TEST_CASE("Bits of an index beyond nine, and of an address below the page, do not reach other fields", "[vtd][prq]") {
    Guest guest;
    build(guest);
    auto page = page_at(0x7fff);
    page.index = 0xfe01;
    guest.unit.page_request(page);
    CHECK(guest.page_descriptor(0) == Words4{0x0020'0001, 0x7009, 0, 0});
}

TEST_CASE("The queue holds one request less than it has entries, and goes round", "[vtd][prq]") {
    for (unsigned pages_log2 = 0; pages_log2 < 8; ++pages_log2) {
        Guest guest;
        build(guest, pages_log2);
        const unsigned entries = 128u << pages_log2;
        INFO("PQS " << pages_log2);
        ask(guest, entries - 1);
        CHECK(guest.r64(kPqt) == 32ull * (entries - 1));
        CHECK(guest.r32(kPrs) == kPpr);
        // Software frees one entry: one more fits, at the end, and the next would be at the beginning.
        guest.w64(kPqh, 32);
        expect_queued(guest, page_at(0x5000));
        CHECK(guest.r64(kPqt) == 0);
        expect_dropped(guest, page_at(0x6000), std::nullopt);
        CHECK(guest.r32(kPrs) == (kPpr | kPro));
        drain(guest);
        guest.w32(kPrs, kPpr | kPro);
        expect_queued(guest, last(page_at(0x7000)));
        CHECK(guest.r64(kPqt) == 32);
    }
}

TEST_CASE("Positions beyond the queue do not count: no write goes beyond it", "[vtd][prq]") {
    Guest guest;
    build(guest);
    guest.w64(kPqt, 0x7'ffe0);
    guest.w64(kPqh, 0x7'ffe0);
    guest.unit.page_request(page_at(0x4000));
    CHECK(guest.page_descriptor(0xfe0) == words_of(page_at(0x4000)));
    CHECK(guest.page_descriptor(0x7ffe0) == Words4{});
    CHECK(guest.r64(kPqt) == 0);
    // PQH is 0xfe0 in a queue of this size: full from there on.
    guest.w64(kPqt, 0xfc0);
    expect_dropped(guest, page_at(0x5000), std::nullopt);
    CHECK(guest.r32(kPrs) == (kPpr | kPro));
}

// [VTD 5.10 s7.4.1 table 31]
TEST_CASE("What overflows is answered with Success if it is the last of its group", "[vtd][prq]") {
    for (const auto pasid : {std::optional<std::uint32_t>{}, std::optional{kPasid}}) {
        Guest guest;
        build(guest);
        ask(guest, 127);
        for (const bool first : {true, false}) {  // finds the queue full, finds PRO
            INFO((first ? "full" : "overflowed"));
            auto page = page_at(0x9000, pasid);
            page.index = 0x123;
            guest.w32(kPrs, kPpr | kPro);
            if (!first) ask(guest, 1);
            CHECK(guest.r32(kPrs) == (first ? 0 : kPro));
            expect_dropped(guest, page, std::nullopt);
            CHECK(guest.r32(kPrs) == kPro);
            guest.w32(kPrs, kPpr | kPro);
            if (!first) ask(guest, 1);
            expect_dropped(guest, last(page), ResponseCode::Success);
            CHECK(guest.r32(kPrs) == kPro);
            guest.w32(kPrs, kPpr | kPro);
            if (!first) ask(guest, 1);
            auto stop_marker = last(page_at(0, kPasid));
            stop_marker.read = false;
            expect_dropped(guest, stop_marker, std::nullopt);
        }
    }
}

TEST_CASE("While PRO stands nothing is queued although there is room; after it is cleared it is", "[vtd][prq]") {
    Guest guest;
    build(guest);
    ask(guest, 128);
    CHECK(guest.r32(kPrs) == (kPpr | kPro));
    drain(guest);
    expect_dropped(guest, last(page_at(0x1000)), ResponseCode::Success);
    guest.w32(kPrs, kPpr);
    expect_dropped(guest, last(page_at(0x1000)), ResponseCode::Success);
    guest.w32(kPrs, kPro);
    expect_queued(guest, last(page_at(0x1000)));
}

TEST_CASE("The event is sent when PPR is set, and not again while it stands", "[vtd][prq]") {
    Guest guest;
    build(guest);
    ask(guest, 1);
    CHECK(guest.ports.messages == std::vector{kPageEvent});
    CHECK(guest.r32(kPectl) == 0);
    ask(guest, 3);
    CHECK(guest.ports.messages.size() == 1);
    // As Linux does it: PPR first, then the queue. A request in between is announced.
    guest.w32(kPrs, kPpr);
    CHECK(guest.r32(kPrs) == 0);
    ask(guest, 1);
    CHECK(guest.r32(kPrs) == kPpr);
    CHECK(guest.ports.messages.size() == 2);
}

TEST_CASE("An overflow is an event of its own, unless another cause stands", "[vtd][prq]") {
    Guest guest;
    build(guest);
    ask(guest, 127);
    guest.w32(kPrs, kPpr);
    guest.ports.messages.clear();
    ask(guest, 1);
    CHECK(guest.r32(kPrs) == kPro);
    CHECK(guest.ports.messages.size() == 1);
    ask(guest, 5);  // no event: PRO stands
    CHECK(guest.ports.messages.size() == 1);

    Guest pending;
    build(pending);
    ask(pending, 128);
    CHECK(pending.r32(kPrs) == (kPpr | kPro));
    CHECK(pending.ports.messages.size() == 1);
}

TEST_CASE("A masked page request event is pending, and unmasking sends it once", "[vtd][prq]") {
    Guest guest;
    build(guest);
    guest.w32(kPectl, kMask);
    ask(guest, 2);
    CHECK(guest.ports.messages.empty());
    CHECK(guest.r32(kPectl) == (kMask | kPending));
    guest.w32(kPectl, 0);
    CHECK(guest.ports.messages == std::vector{kPageEvent});
    CHECK(guest.r32(kPectl) == 0);
    guest.w32(kPectl, kMask);
    guest.w32(kPectl, 0);
    CHECK(guest.ports.messages.size() == 1);
}

TEST_CASE("Nothing is pending when software has cleared both causes, and only then", "[vtd][prq]") {
    Guest guest;
    build(guest);
    guest.w32(kPectl, kMask);
    ask(guest, 128);
    guest.w32(kPrs, kPpr);
    CHECK(guest.r32(kPectl) == (kMask | kPending));
    guest.w32(kPrs, kPro);
    CHECK(guest.r32(kPectl) == kMask);
    guest.w32(kPectl, 0);
    CHECK(guest.ports.messages.empty());
}

TEST_CASE("After reset the event is masked, and IP cannot be written", "[vtd][prq]") {
    Guest guest;
    CHECK(guest.r32(kPectl) == kMask);
    guest.w32(kPectl, 0xffff'ffff);
    CHECK(guest.r32(kPectl) == kMask);
    guest.w32(kPectl, 0x7fff'ffff);
    CHECK(guest.r32(kPectl) == 0);
    CHECK(guest.ports.messages.empty());
}

TEST_CASE("The page request event stands apart from the other two", "[vtd][prq]") {
    Guest guest;
    build(guest);
    guest.enable_queue();
    guest.w32(kFectl, 0);
    guest.w32(kIectl, 0);
    guest.submit({0xf});  // FSTS.IQE and its event
    guest.ports.messages.clear();
    ask(guest, 1);
    CHECK(guest.ports.messages == std::vector{kPageEvent});
    CHECK(guest.r32(kFsts) == kIqe);
}

// [VTD 5.10 s7.5]
TEST_CASE("Descriptor, PQT, PPR and the event are seen in this order", "[vtd][prq]") {
    Guest guest;
    build(guest);
    std::vector<std::size_t> messages_at_write;
    guest.ports.on_written = [&](std::uint64_t at) {
        if (at == guest.page_queue) messages_at_write.push_back(guest.ports.messages.size());
    };
    guest.ports.on_message = [&](std::uint64_t) {
        CHECK(guest.r64(kPqt) == 32);
        CHECK(guest.r32(kPrs) == kPpr);
        CHECK(guest.page_descriptor(0) == words_of(page_at(0)));
    };
    ask(guest, 1);
    CHECK(messages_at_write == std::vector<std::size_t>{0});
    CHECK(guest.ports.messages.size() == 1);
}

TEST_CASE("A driver may drain the queue, and a device ask again, from inside the event", "[vtd][prq]") {
    Guest guest;
    build(guest);
    unsigned depth = 0;
    guest.ports.on_message = [&](std::uint64_t) {
        guest.w32(kPrs, kPpr);
        drain(guest);
        if (++depth < 10) guest.unit.page_request(page_at(0x1000));
    };
    ask(guest, 1);
    CHECK(depth == 10);
    CHECK(guest.r64(kPqt) == 320);
}

TEST_CASE("Halves of PQH, PQT and PQA can be written alone", "[vtd][prq]") {
    Guest guest;
    build(guest);
    guest.w32(kPqa, static_cast<std::uint32_t>(guest.page_queue) | 1);
    guest.w32(kPqa + 4, 0);
    guest.w32(kPqt, 0x1fe0);
    guest.w32(kPqt + 4, 0xffff'ffff);
    guest.w32(kPqh, 0x1fe0);
    CHECK(guest.r64(kPqt) == 0x1fe0);
    expect_queued(guest, page_at(0x3000));
    CHECK(guest.r64(kPqt) == 0);
}
