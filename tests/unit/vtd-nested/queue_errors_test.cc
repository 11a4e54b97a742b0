// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is wrong with a queue or a descriptor stops the queue on it, and clearing IQE starts it again.
// [VTD 5.10 s6.5.2.11, s11.4.9.9]
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <vector>

#include "vtd_guest.h"

using namespace test;

namespace {

constexpr std::uint64_t kStatus = 0x1f00000;
constexpr std::uint32_t kIm = 1u << 31, kIp = 1u << 30;

unsigned iqei(Guest& guest) { return guest.r32(kIqercd) & 15; }
bool stopped(Guest& guest) { return (guest.r32(kFsts) & kIqe) != 0; }

// A queue in the given mode (latched) and width, on page `base`, without anything in it.
void start(Guest& guest, std::uint64_t ttm, std::uint64_t iqa) {
    guest.set_root(ttm);
    guest.w64(kIqt, 0);
    guest.w64(kIqa, iqa);
    guest.command(kQie);
}

void place(Guest& guest, std::uint64_t at, const Words4& words) {
    for (unsigned i = 0; i < 4; ++i)
        guest.poke(at + 8 * i, words[i]);
}

}  // namespace

TEST_CASE("A reserved bit stops the queue on its descriptor with nothing of it executed") {
    constexpr std::uint64_t kAll = ~std::uint64_t{0};
    struct Case {
        Words4 valid;
        Words4 reserved;
    };
    const std::vector<Case> cases{
        {context_cache(1), {0xfffc'0000'0000'f1c0, kAll, kAll, kAll}},
        {iotlb(1), {0xffff'ffff'0000'f100, 0x0f80, kAll, kAll}},
        {wait_status(kStatus, 1, true), {0x0000'0000'ffff'f100, 0x0003, kAll, kAll}},
        {pasid_iotlb(2, 7, 5), {0xfff0'0000'0000'f1c0, 0x0f80, kAll, kAll}},
        {pasid_cache(3), {0xfff0'0000'0000'f1c0, kAll, kAll, kAll}},
    };
    for (const Case& item : cases) {
        Guest guest;
        start(guest, kTtmScalable, 0x1000000 | 0x800);
        guest.w64(kIqt, 32);  // the first round's error; each further one is a restart
        for (unsigned bit = 0; bit < 256; ++bit) {
            if ((item.reserved[bit / 64] >> bit % 64 & 1) == 0) continue;
            Words4 words = item.valid;
            words[bit / 64] ^= 1ull << bit % 64;
            place(guest, 0x1000000, words);
            guest.w32(kFsts, kIqe);
            CAPTURE(item.valid[0], bit);
            REQUIRE(stopped(guest));
            REQUIRE(iqei(guest) == 4);
            REQUIRE(guest.r64(kIqh) == 0);
        }
        CHECK(guest.unit.counters().invalidations == 0);
        CHECK(guest.unit.counters().waits == 0);
        CHECK(guest.ram.peek32(kStatus) == 0);
        CHECK(guest.r32(kIcs) == 0);
        place(guest, 0x1000000, item.valid);
        guest.w32(kFsts, kIqe);
        CHECK_FALSE(stopped(guest));
        CHECK(guest.r64(kIqh) == 32);
    }
}

TEST_CASE("The upper half of a narrow queue's descriptor is the next descriptor, not reserved bits") {
    Guest guest;
    start(guest, kTtmLegacy, 0x1000000);
    guest.poke(0x1000000, context_cache(1)[0]);
    guest.poke(0x1000010, wait_status(kStatus, 1)[0]);
    guest.poke(0x1000018, kStatus);
    guest.w64(kIqt, 0x20);
    CHECK_FALSE(stopped(guest));
    CHECK(guest.ram.peek32(kStatus) == 1);
}

TEST_CASE("An unknown or unsupported type stops the queue with 3, by mode") {
    struct Case {
        std::uint64_t ttm;
        std::uint64_t dw;
        std::vector<unsigned> known;
    };
    for (const Case& item :
         {Case{kTtmLegacy, 0, {1, 2, 3, 5}}, Case{kTtmLegacy, 0x800, {1, 2, 3, 5}},
          Case{kTtmScalable, 0x800, {1, 2, 3, 5, 6, 7, 8, 9}}, Case{kTtmAbort, 0x800, {1, 2, 3, 5, 6, 7, 8, 9}}}) {
        Guest guest;
        start(guest, item.ttm, 0x1000000 | item.dw);
        guest.command(kTe);  // or the device's answers are not taken
        guest.ports.on_invalidate = [&guest](const iommu::InvalidateRequest& request) {
            guest.answer(request.requester.value, 1u << request.itag);
        };
        std::uint64_t tail = 0;
        const std::uint64_t entry = item.dw != 0 ? 32 : 16;
        for (unsigned type = 0; type < 128; ++type) {
            place(guest, 0x1000000 + tail,
                  {(type & 15) | std::uint64_t{type >> 4} << 9 | (type == 3 || type == 5 || type == 9 ? 0u : 0x30u)});
            const std::uint64_t next = (tail + entry) % 0x1000;
            guest.w64(kIqt, next);
            CAPTURE(item.ttm, item.dw, type);
            const bool known = std::count(item.known.begin(), item.known.end(), type) != 0;
            REQUIRE(stopped(guest) == !known);
            REQUIRE(guest.r64(kIqh) == (known ? next : tail));
            if (!known) {
                REQUIRE(iqei(guest) == 3);
                place(guest, 0x1000000 + tail, wait_interrupt());
                guest.w32(kFsts, kIqe);
            }
            tail = next;
        }
    }
}

TEST_CASE("The width has to fit the mode and the capabilities") {
    struct Case {
        const char* what;
        vtd::Capabilities asked;
        std::uint64_t ttm;
        std::uint64_t dw;
        unsigned code;  // 0: none
    };
    for (const Case& item : {
             Case{"legacy, narrow", {}, kTtmLegacy, 0, 0},
             Case{"legacy, wide", {}, kTtmLegacy, 0x800, 0},
             Case{"scalable, narrow", {}, kTtmScalable, 0, 5},
             Case{"scalable, wide", {}, kTtmScalable, 0x800, 0},
             Case{"abort, narrow", {}, kTtmAbort, 0, 5},
             Case{"abort, wide", {}, kTtmAbort, 0x800, 0},
             Case{"legacy, wide, ADMS alone", {.smts = 0, .adms = 1}, kTtmLegacy, 0x800, 0},
             Case{"legacy, wide, SMTS alone", {.smts = 1, .adms = 0}, kTtmLegacy, 0x800, 0},
             Case{"legacy, wide, neither", {.smts = 0, .adms = 0}, kTtmLegacy, 0x800, 5},
             Case{"legacy, narrow, neither", {.smts = 0, .adms = 0}, kTtmLegacy, 0, 0},
             Case{"reserved mode, narrow", {}, kTtmReserved, 0, 7},
             Case{"reserved mode, wide", {}, kTtmReserved, 0x800, 7},
             Case{"scalable without SMTS", {.smts = 0}, kTtmScalable, 0x800, 7},
             Case{"abort without ADMS", {.adms = 0}, kTtmAbort, 0x800, 7},
         }) {
        Guest guest(item.asked);
        start(guest, item.ttm, 0x1000000 | item.dw);
        place(guest, 0x1000000, wait_status(kStatus, 1));
        CAPTURE(item.what);
        CHECK_FALSE(stopped(guest));  // an empty queue is no error
        guest.w64(kIqt, 0x20);
        if (item.code == 0 && item.dw == 0) {
            CHECK(guest.ram.peek32(kStatus) == 1);  // the entry after it is empty, so of no type
            continue;
        }
        CHECK(stopped(guest) == (item.code != 0));
        if (item.code != 0) CHECK(iqei(guest) == item.code);
        CHECK(guest.ram.peek32(kStatus) == (item.code == 0 ? 1u : 0u));
    }
}

TEST_CASE("The queue checks descriptors by the latched mode") {
    Guest guest;
    start(guest, kTtmScalable, 0x1000000 | 0x800);
    guest.w64(kRtaddr, guest.root);  // legacy, but not latched
    place(guest, 0x1000000, pasid_cache(3));
    guest.w64(kIqt, 0x20);
    CHECK_FALSE(stopped(guest));
    guest.command(kSrtp);
    place(guest, 0x1000020, pasid_cache(3));
    guest.w64(kIqt, 0x40);
    CHECK(stopped(guest));
    CHECK(iqei(guest) == 3);
}

TEST_CASE("A tail at or beyond the end is refused before any fetch; the last place is not") {
    for (unsigned qs = 0; qs <= 6; ++qs) {
        for (const std::uint64_t dw : {0u, 0x800u}) {
            Guest guest;
            start(guest, kTtmLegacy, 0x1000000 | dw | qs);
            const std::uint64_t end = 0x1000ull << qs;
            for (std::uint64_t at = 0; at < end; at += 8)
                guest.poke(0x1000000 + at, (at & 15) == 0 && (dw == 0 || (at & 31) == 0) ? 0x5 : 0);
            guest.poke(0x1000000, wait_status(kStatus, 1)[0]);
            guest.poke(0x1000008, kStatus);
            CAPTURE(qs, dw);
            guest.w64(kIqt, end);
            CHECK(stopped(guest));
            CHECK(iqei(guest) == 1);
            CHECK(guest.r64(kIqh) == 0);
            CHECK(guest.ram.peek32(kStatus) == 0);
            CHECK(guest.r64(kIqt) == end);  // the value is kept
            guest.w64(kIqt, end - (dw != 0 ? 32 : 16));
            guest.w32(kFsts, kIqe);
            CHECK_FALSE(stopped(guest));
            CHECK(guest.ram.peek32(kStatus) == 1);
        }
    }
}

TEST_CASE("A tail between two wide descriptors is refused") {
    Guest guest;
    start(guest, kTtmScalable, 0x1000000 | 0x800);
    place(guest, 0x1000000, wait_status(kStatus, 1));
    guest.w64(kIqt, 0x30);
    CHECK(stopped(guest));
    CHECK(iqei(guest) == 6);
    CHECK(guest.ram.peek32(kStatus) == 0);
    CHECK(guest.r64(kIqh) == 0);
    guest.w64(kIqt, 0x20);
    guest.w32(kFsts, kIqe);
    CHECK_FALSE(stopped(guest));
    CHECK(guest.ram.peek32(kStatus) == 1);
}

TEST_CASE("A queue that cannot be read stops with 2 where the reading stops") {
    for (const std::uint64_t base : {0xfed9'0000ull, 0xfee0'0000ull, 0x0200'0000ull, 0x7fff'ffff'f000ull}) {
        Guest guest;
        start(guest, kTtmScalable, base | 0x800);
        guest.w64(kIqt, 0x20);
        CAPTURE(base);
        CHECK(stopped(guest));
        CHECK(iqei(guest) == 2);
        CHECK(guest.r64(kIqh) == 0);
    }
    // Half of the queue is memory: what is there is carried out first.
    Guest guest;
    start(guest, kTtmScalable, (Guest::kRamBytes - 0x1000) | 0x801);
    for (std::uint64_t at = 0; at < 0x1000; at += 32)
        place(guest, Guest::kRamBytes - 0x1000 + at, wait_status(kStatus, static_cast<std::uint32_t>(at)));
    guest.w64(kIqt, 0x1040);
    CHECK(iqei(guest) == 2);
    CHECK(guest.r64(kIqh) == 0x1000);
    CHECK(guest.ram.peek32(kStatus) == 0xfe0);
}

TEST_CASE("What is wrong with the mode is told first, then width, then the tail, then the fetch") {
    struct Case {
        std::uint64_t ttm, iqa, tail;
        unsigned code;
    };
    for (const Case& item : {Case{kTtmReserved, 0xfed9'0000, 0x1000, 7}, Case{kTtmScalable, 0xfed9'0000, 0x1010, 5},
                             Case{kTtmScalable, 0xfed9'0800, 0x1010, 6}, Case{kTtmScalable, 0xfed9'0800, 0x1020, 1},
                             Case{kTtmScalable, 0xfed9'0800, 0x20, 2}}) {
        Guest guest;
        start(guest, item.ttm, item.iqa);
        guest.w64(kIqt, item.tail);
        CHECK(iqei(guest) == item.code);
        CHECK(stopped(guest));
    }
}

TEST_CASE("In a batch, those before the bad one are done and the head is exactly on it") {
    for (unsigned bad = 0; bad < 6; ++bad) {
        Guest guest;
        guest.enable_queue();
        for (unsigned i = 0; i < 6; ++i)
            guest.put(i == bad ? Words4{0xf} : wait_status(kStatus, i + 1));
        guest.ring_doorbell();
        CAPTURE(bad);
        CHECK(stopped(guest));
        CHECK(guest.r64(kIqh) == 32 * bad);
        CHECK(guest.ram.peek32(kStatus) == bad);
        CHECK(guest.unit.counters().queue_errors == 1);
        // The bad one is repaired in memory; no write to the tail is needed.
        place(guest, guest.queue + 32 * bad, wait_interrupt());
        guest.w32(kFsts, kIqe);
        CHECK_FALSE(stopped(guest));
        CHECK(guest.r64(kIqh) == guest.r64(kIqt));
        CHECK(guest.r32(kIcs) == 1);
        CHECK(guest.ram.peek32(kStatus) == (bad == 5 ? 5u : 6u));
    }
}

TEST_CASE("Clearing IQE over a descriptor that is still wrong raises it again") {
    Guest guest;
    guest.enable_queue();
    guest.submit({0xf});
    guest.w32(kFsts, kIqe);
    CHECK(stopped(guest));
    CHECK(guest.unit.counters().queue_errors == 2);
    CHECK(guest.r64(kIqh) == 0);
}

TEST_CASE("A stopped queue keeps new tails and fetches nothing") {
    Guest guest;
    guest.enable_queue();
    guest.submit({0xf});
    guest.submit(wait_status(kStatus, 1));
    guest.unit.run_queue();
    CHECK(guest.r64(kIqt) == 64);
    CHECK(guest.ram.peek32(kStatus) == 0);
    CHECK(guest.unit.counters().queue_errors == 1);
    place(guest, guest.queue, wait_interrupt());
    guest.w32(kFsts, kIqe);
    CHECK(guest.ram.peek32(kStatus) == 1);
}

TEST_CASE("A queue error raises the fault event, once until it is cleared") {
    Guest guest;
    guest.w32(kFedata, 0x51);
    guest.w32(kFeaddr, 0xfee02000);
    guest.w32(kFeuaddr, 0x3);
    guest.w32(kFectl, 0);
    guest.enable_queue();
    guest.submit({0xf});
    REQUIRE(guest.ports.messages.size() == 1);
    CHECK(guest.ports.messages[0] == Msi{0x3'fee0'2000, 0x51});
    // Cleared and raised again at once: a new event.
    guest.w32(kFsts, kIqe);
    CHECK(guest.ports.messages.size() == 2);
}

TEST_CASE("A masked queue error stays pending, and is forgotten when the error is cleared") {
    Guest guest;
    guest.enable_queue();
    guest.submit({0xf});
    CHECK(guest.r32(kFectl) == (kIm | kIp));
    place(guest, guest.queue, wait_interrupt());
    guest.w32(kFsts, kIqe);
    CHECK(guest.r32(kFectl) == kIm);
    guest.w32(kFectl, 0);
    CHECK(guest.ports.messages.empty());
}

TEST_CASE("Turning the queue off and on leaves the error standing") {
    Guest guest;
    guest.enable_queue();
    guest.submit({0xf});
    guest.command(kQie, false);
    CHECK(stopped(guest));
    CHECK(guest.r64(kIqh) == 0);
    place(guest, guest.queue, wait_status(kStatus, 1));
    guest.command(kQie);
    CHECK(guest.ram.peek32(kStatus) == 0);
    guest.w32(kFsts, kIqe);
    CHECK(guest.ram.peek32(kStatus) == 1);
}
