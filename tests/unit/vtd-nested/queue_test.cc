// SPDX-License-Identifier: GPL-2.0-or-later
//
// The invalidation queue at work: batches, wrapping, enabling, waits and their event. [VTD 5.10 s6.5.2, s11.4.9]
#include <catch2/catch_test_macros.hpp>
#include <vector>

#include "vtd_guest.h"

using namespace test;

namespace {

constexpr std::uint64_t kStatus = 0x1f00000;  // in the data half of RAM
constexpr std::uint64_t kBigQueue = 0x1e00000;
constexpr std::uint32_t kIm = 1u << 31, kIp = 1u << 30;

// A queue of any size and width, with its own idea of the tail.
struct Ring {
    Ring(Guest& owner, unsigned qs, bool wide)
        : guest(owner), bytes(0x1000u << qs), entry(wide ? 32 : 16), words(wide ? 4 : 2) {
        guest.w64(kIqt, 0);
        guest.w64(kIqa, kBigQueue | (wide ? 0x800 : 0) | qs);
        guest.command(kQie);
    }
    void put(const Words4& descriptor) {
        for (unsigned i = 0; i < words; ++i)
            guest.poke(kBigQueue + tail + 8 * i, descriptor[i]);
        tail = (tail + entry) % bytes;
    }
    void ring() const { guest.w64(kIqt, tail); }

    Guest& guest;
    unsigned bytes, entry, words;
    unsigned tail = 0;
};

void program_event(Guest& guest, bool masked) {
    guest.w32(kIedata, 0x41);
    guest.w32(kIeaddr, 0xfee01000);
    guest.w32(kIeuaddr, 0x2);
    guest.w32(kIectl, masked ? kIm : 0);
}

}  // namespace

TEST_CASE("A batch is carried out in order, and the head meets the tail") {
    for (const bool wide : {false, true}) {
        Guest guest;
        guest.enable_queue(wide);
        guest.put(context_cache(1));
        guest.put(iotlb(1));
        guest.put(wait_status(kStatus, 1));
        guest.put(iotlb(2, 7));
        guest.put(wait_status(kStatus, 2));
        CHECK(guest.r64(kIqh) == 0);
        guest.ring_doorbell();
        CHECK(guest.ram.peek32(kStatus) == 2);
        CHECK(guest.r64(kIqh) == 5u * (wide ? 32 : 16));
        CHECK(guest.r64(kIqt) == guest.r64(kIqh));
        CHECK(guest.unit.counters().invalidations == 3);
        CHECK(guest.unit.counters().waits == 2);
        CHECK(guest.r32(kFsts) == 0);
    }
}

TEST_CASE("The ring wraps at its size, whatever QS and width") {
    for (unsigned qs = 0; qs <= 7; ++qs) {
        for (const bool wide : {false, true}) {
            Guest guest;
            Ring ring(guest, qs, wide);
            CAPTURE(qs, wide);
            const unsigned entries = ring.bytes / ring.entry;
            // Full: one entry stays free. Twice around, in pieces that do not divide the size.
            unsigned number = 0;
            while (number < 2 * entries) {
                for (unsigned i = 0; i < entries - 1; ++i)
                    ring.put(wait_status(kStatus, ++number));
                ring.ring();
                while (guest.r64(kIqh) != guest.r64(kIqt))
                    guest.unit.run_queue();
                REQUIRE(guest.ram.peek32(kStatus) == number);
                REQUIRE(guest.r64(kIqh) == ring.tail);
            }
            CHECK(guest.unit.counters().waits == number);
            CHECK(guest.r32(kFsts) == 0);
        }
    }
}

TEST_CASE("What one run may not finish is announced by a kick and finished by the next run") {
    Guest guest;
    Ring ring(guest, 6, true);
    constexpr unsigned kMany = 5000;
    for (unsigned i = 1; i <= kMany; ++i)
        ring.put(wait_status(kStatus, i));
    ring.ring();
    CHECK(guest.ports.kicks == 1);
    const std::uint64_t first_stop = guest.r64(kIqh);
    CHECK(first_stop > 0);
    CHECK(first_stop < ring.tail);
    CHECK(guest.ram.peek32(kStatus) == first_stop / 32);
    unsigned runs = 0;
    while (guest.ports.kicks > runs) {
        ++runs;
        REQUIRE(runs < kMany);
        guest.unit.run_queue();
    }
    CHECK(runs > 1);
    CHECK(guest.ram.peek32(kStatus) == kMany);
    CHECK(guest.r64(kIqh) == ring.tail);
    CHECK(guest.unit.counters().waits == kMany);
}

TEST_CASE("A run with nothing to do does nothing") {
    Guest guest;
    guest.unit.run_queue();
    guest.enable_queue();
    guest.unit.run_queue();
    CHECK(guest.ports.kicks == 0);
    CHECK(guest.r64(kIqh) == 0);
    CHECK(guest.unit.counters().waits == 0);
}

TEST_CASE("A disabled queue fetches nothing; enabling it takes what is there") {
    Guest guest;
    guest.w64(kIqa, kBigQueue | 0x800);
    guest.poke(kBigQueue, wait_status(kStatus, 7)[0]);
    guest.poke(kBigQueue + 8, kStatus);
    guest.w64(kIqt, 32);
    CHECK(guest.ram.peek32(kStatus) == 0);
    CHECK(guest.r64(kIqh) == 0);
    guest.command(kQie);
    CHECK(guest.ram.peek32(kStatus) == 7);
    CHECK(guest.r64(kIqh) == 32);
}

TEST_CASE("The head is 0 whenever the queue is off, and the tail is software's") {
    Guest guest;
    guest.enable_queue();
    guest.submit(wait_status(kStatus, 1));
    REQUIRE(guest.r64(kIqh) == 32);
    guest.command(kQie, false);
    CHECK((guest.r32(kGsts) & kQie) == 0);
    CHECK(guest.r64(kIqh) == 0);
    CHECK(guest.r64(kIqt) == 32);
    // Enabled again from where it is, the ring begins anew.
    guest.poke(guest.queue, wait_status(kStatus, 2)[0]);
    guest.command(kQie);
    CHECK(guest.ram.peek32(kStatus) == 2);
    CHECK(guest.r64(kIqh) == 32);
}

TEST_CASE("The command that enables the queue again is not a restart") {
    Guest guest;
    guest.enable_queue();
    guest.submit(wait_status(kStatus, 1));
    guest.command(kQie);
    CHECK(guest.r64(kIqh) == 32);
    guest.submit(wait_status(kStatus, 2));
    CHECK(guest.ram.peek32(kStatus) == 2);
}

TEST_CASE("A queue address written while the queue is on and empty is used from then on") {
    Guest guest;
    guest.enable_queue();
    guest.submit(wait_status(kStatus, 1));
    guest.w64(kIqa, kBigQueue | 0x800);
    CHECK(guest.r64(kIqa) == (kBigQueue | 0x800));
    CHECK(guest.r64(kIqh) == 32);
    guest.poke(kBigQueue + 32, wait_status(kStatus, 9)[0]);
    guest.poke(kBigQueue + 40, kStatus);
    guest.w64(kIqt, 64);
    CHECK(guest.ram.peek32(kStatus) == 9);
    CHECK(guest.r64(kIqh) == 64);
}

TEST_CASE("The tail may be written in halves; only its low one says anything") {
    Guest guest;
    guest.enable_queue();
    guest.put(wait_status(kStatus, 3));
    guest.w32(kIqt + 4, 0xffffffff);
    CHECK(guest.ram.peek32(kStatus) == 0);
    guest.w32(kIqt, guest.queue_tail);
    CHECK(guest.ram.peek32(kStatus) == 3);
}

TEST_CASE("A wait writes its word and raises its event in every combination") {
    for (unsigned bits = 0; bits < 8; ++bits) {
        Guest guest;
        guest.enable_queue();
        program_event(guest, false);
        const bool interrupt = (bits & 1) != 0;
        const bool write = (bits & 2) != 0;
        CAPTURE(interrupt, write, (bits & 4) != 0);
        guest.poke(kStatus, 0xcccc'cccc'cccc'cccc);
        guest.submit({0x5 | bits << 4 | 0x1234'5678ull << 32, kStatus + 4});
        CHECK(guest.peek(kStatus) == (write ? 0x1234'5678'cccc'ccccull : 0xcccc'cccc'cccc'ccccull));
        CHECK(guest.r32(kIcs) == (interrupt ? 1u : 0u));
        CHECK(guest.ports.messages.size() == (interrupt ? 1u : 0u));
        if (interrupt) CHECK(guest.ports.messages.at(0) == Msi{0x2'fee0'1000, 0x41});
        CHECK(guest.r32(kFsts) == 0);
        CHECK(guest.unit.counters().messages == guest.ports.messages.size());
    }
}

TEST_CASE("The status word is in memory before the message is sent") {
    Guest guest;
    guest.enable_queue();
    program_event(guest, false);
    std::vector<std::size_t> messages_at_write;
    guest.ports.on_written = [&](std::uint64_t) { messages_at_write.push_back(guest.ports.messages.size()); };
    guest.submit(wait_status(kStatus, 5, true));
    CHECK(messages_at_write == std::vector<std::size_t>{0});
    CHECK(guest.ports.messages.size() == 1);
}

TEST_CASE("A completion while IWC still stands raises no event") {
    Guest guest;
    guest.enable_queue();
    program_event(guest, false);
    guest.submit(wait_interrupt());
    guest.submit(wait_interrupt());
    CHECK(guest.ports.messages.size() == 1);
    CHECK(guest.r32(kIcs) == 1);
    guest.w32(kIcs, 0);  // writing 0 clears nothing
    CHECK(guest.r32(kIcs) == 1);
    guest.w32(kIcs, 1);
    CHECK(guest.r32(kIcs) == 0);
    guest.submit(wait_interrupt());
    CHECK(guest.ports.messages.size() == 2);
}

TEST_CASE("A masked completion event stays pending and is sent once when unmasked") {
    Guest guest;
    guest.enable_queue();
    program_event(guest, true);
    guest.submit(wait_interrupt());
    CHECK(guest.ports.messages.empty());
    CHECK(guest.r32(kIectl) == (kIm | kIp));
    guest.w32(kIectl, kIm);
    CHECK(guest.r32(kIectl) == (kIm | kIp));
    guest.w32(kIectl, 0);
    CHECK(guest.ports.messages.size() == 1);
    CHECK(guest.r32(kIectl) == 0);
    guest.w32(kIectl, kIm);
    guest.w32(kIectl, 0);
    CHECK(guest.ports.messages.size() == 1);
}

TEST_CASE("A pending completion event is forgotten when IWC is cleared") {
    Guest guest;
    guest.enable_queue();
    program_event(guest, true);
    guest.submit(wait_interrupt());
    guest.w32(kIcs, 1);
    CHECK(guest.r32(kIectl) == kIm);
    guest.w32(kIectl, 0);
    CHECK(guest.ports.messages.empty());
}

TEST_CASE("A status address that is not memory is not written, and is no error") {
    for (const std::uint64_t address : {0xfed9'0000ull, 0xfee0'0000ull, 0x7fff'ffff'f000ull, 0x0200'0000ull}) {
        Guest guest;
        guest.enable_queue();
        CAPTURE(address);
        guest.submit(wait_status(address, 1, true));
        guest.submit(wait_status(kStatus, 2));
        CHECK(guest.r32(kFsts) == 0);
        CHECK(guest.r32(kIcs) == 1);
        CHECK(guest.ram.peek32(kStatus) == 2);
        CHECK(guest.r64(kIqh) == 64);
    }
}

TEST_CASE("Status address bits at and above the host width are ignored") {
    Guest guest({.haw = 40});
    guest.enable_queue();
    guest.submit(wait_status(0xff'ff00'0000'0000ull << 4 | kStatus, 6));
    CHECK(guest.ram.peek32(kStatus) == 6);
    CHECK(guest.r32(kFsts) == 0);
}

TEST_CASE("The queue works whether translation is on or off") {
    Guest guest;
    guest.enable_queue();
    guest.submit(wait_status(kStatus, 1));
    CHECK(guest.ram.peek32(kStatus) == 1);
    guest.enable(kTtmScalable);
    guest.submit(wait_status(kStatus, 2));
    CHECK(guest.ram.peek32(kStatus) == 2);
    guest.command(kTe, false);
    guest.submit(wait_status(kStatus, 3));
    CHECK(guest.ram.peek32(kStatus) == 3);
}
