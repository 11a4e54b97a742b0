// SPDX-License-Identifier: GPL-2.0-or-later
//
// The event queue: sizes and wraps, overflow, being off, a base that is not memory, merged records.
// [SMMU G.b s7.2, s7.3.1, s7.4]
#include <catch2/catch_test_macros.hpp>
#include <vector>

#include "smmu_guest.h"

using namespace test::smmu;

namespace {

constexpr std::uint32_t kOverflow = 1u << 31;
constexpr std::uint32_t kAbtErr = 1u << 2;
constexpr unsigned kEventLine = 0, kGerrorLine = 3;

// A stream without pages: each read is a fault of its own.
struct Scene : Guest {
    explicit Scene(unsigned log2 = 2, const smmuv3::Capabilities& asked = {}) : Guest(asked) {
        eventq_log2 = log2;
        stream(kStream);
        bring_up();
        ports.pulses.clear();
    }
    // Records are told apart by their address.
    void fault(std::uint64_t number) {
        ports.time_ns += 1'000'000'000;
        (void)ask(read_at(number << 12));
    }
    void faults(std::uint64_t first, std::uint64_t last) {
        for (std::uint64_t number = first; number <= last; ++number)
            fault(number);
    }
    std::vector<std::uint64_t> numbers() {
        std::vector<std::uint64_t> result;
        for (const Event& event : take_events())
            result.push_back(event.input() >> 12);
        return result;
    }
    std::uint32_t prod() { return r32(kEventqProd); }
    std::uint32_t cons() { return r32(kEventqCons); }
    std::size_t edges(unsigned line) {
        std::size_t count = 0;
        for (const unsigned pulse : ports.pulses)
            count += pulse == line ? 1 : 0;
        return count;
    }
};

using Numbers = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("SMMU: PROD goes through every entry and both wraps of queues of several sizes") {
    for (const unsigned log2 : {0u, 1u, 4u, 7u}) {
        Scene guest(log2);
        CAPTURE(log2);
        for (std::uint64_t number = 1; number <= 5u << log2; ++number) {
            guest.fault(number);
            REQUIRE(guest.prod() == number % (2u << log2));
            REQUIRE(guest.numbers() == Numbers{number});
        }
        guest.faults(1, 1u << log2);
        CHECK((guest.prod() ^ guest.cons()) == 1u << log2);  // full
        CHECK(guest.numbers().size() == 1u << log2);
        CHECK(guest.numbers().empty());
    }
}

TEST_CASE("SMMU: an event queue is never larger than IDR1.EVENTQS") {
    Scene guest(2, {.eventqs = 2});
    guest.set_cr0(kCmdqEn | kSmmuEn);
    guest.w64(kEventqBase, guest.eventq | 31);
    CHECK(guest.r64(kEventqBase) == (guest.eventq | 31));
    guest.set_cr0(kCmdqEn | kSmmuEn | kEventqEn);
    guest.faults(1, 4);
    CHECK(guest.prod() == 4);
    guest.fault(5);
    CHECK(guest.prod() == (4 | kOverflow));
}

TEST_CASE("SMMU: a record that finds the queue full is lost, and OVFLG is toggled once") {
    Scene guest;
    guest.faults(1, 4);
    CHECK(guest.prod() == 4);
    guest.fault(5);
    CHECK(guest.prod() == (4 | kOverflow));
    guest.faults(6, 9);
    CHECK(guest.prod() == (4 | kOverflow));
    CHECK(guest.r32(kGerror) == 0);
    CHECK(guest.numbers() == Numbers{1, 2, 3, 4});
}

TEST_CASE("SMMU: an overflow that is not acknowledged does not keep records out") {
    Scene guest;
    guest.faults(1, 5);
    (void)guest.take_event();
    guest.fault(6);
    CHECK(guest.prod() == (5 | kOverflow));
    guest.fault(7);  // full again, and the overflow still standing
    CHECK(guest.prod() == (5 | kOverflow));
    CHECK(guest.numbers() == Numbers{2, 3, 4, 6});
}

TEST_CASE("SMMU: an acknowledged overflow can be told again, with OVFLG toggled back") {
    Scene guest;
    guest.faults(1, 5);
    guest.w32(kEventqCons, kOverflow);  // nothing read, overflow acknowledged
    CHECK(guest.prod() == (4 | kOverflow));
    guest.fault(6);
    CHECK(guest.prod() == 4);
    guest.fault(7);
    CHECK(guest.prod() == 4);
    CHECK((guest.cons() & kOverflow) != 0);
}

TEST_CASE("SMMU: with EVENTQEN=0 records are dropped, and that is no overflow") {
    Scene guest;
    guest.set_cr0(kCmdqEn | kSmmuEn);
    guest.faults(1, 9);
    CHECK(guest.prod() == 0);
    guest.set_cr0(kCmdqEn | kSmmuEn | kEventqEn);
    CHECK(guest.prod() == 0);
    guest.fault(10);
    CHECK(guest.numbers() == Numbers{10});
}

TEST_CASE("SMMU: a queue that is not in memory is a global error; nothing is written until it is acknowledged") {
    Scene guest;
    guest.set_cr0(kCmdqEn | kSmmuEn);
    guest.w64(kEventqBase, kNoRam | 2);
    guest.set_cr0(kCmdqEn | kSmmuEn | kEventqEn);
    guest.fault(1);
    CHECK(guest.r32(kGerror) == kAbtErr);
    CHECK(guest.prod() == 0);
    CHECK(guest.edges(kEventLine) == 0);
    CHECK(guest.edges(kGerrorLine) == 1);
    guest.faults(2, 9);  // dropped: neither another error nor an overflow
    CHECK(guest.r32(kGerror) == kAbtErr);
    CHECK(guest.prod() == 0);
    CHECK(guest.edges(kGerrorLine) == 1);
    guest.set_cr0(kCmdqEn | kSmmuEn);
    guest.w64(kEventqBase, guest.eventq | 2);
    guest.set_cr0(kCmdqEn | kSmmuEn | kEventqEn);
    guest.fault(10);  // the error still stands
    CHECK(guest.prod() == 0);
    guest.w32(kGerrorn, kAbtErr);
    guest.fault(11);
    CHECK(guest.numbers() == Numbers{11});
    CHECK(guest.edges(kEventLine) == 1);
}

TEST_CASE("SMMU: a base that is still no memory after the acknowledgement toggles GERROR back") {
    Scene guest;
    guest.set_cr0(kCmdqEn | kSmmuEn);
    guest.w64(kEventqBase, kNoRam | 2);
    guest.set_cr0(kCmdqEn | kSmmuEn | kEventqEn);
    guest.fault(1);
    guest.w32(kGerrorn, kAbtErr);
    CHECK(guest.r32(kGerror) == kAbtErr);
    guest.fault(2);
    CHECK(guest.r32(kGerror) == 0);
}

TEST_CASE("SMMU: the event interrupt comes when the queue stops being empty, and not in between") {
    Scene guest;
    guest.fault(1);
    CHECK(guest.edges(kEventLine) == 1);
    guest.faults(2, 6);
    CHECK(guest.edges(kEventLine) == 1);
    (void)guest.take_event();
    guest.fault(7);
    CHECK(guest.edges(kEventLine) == 1);
    (void)guest.take_events();
    guest.fault(8);
    CHECK(guest.edges(kEventLine) == 2);
}

TEST_CASE("SMMU: the record and PROD are there before the interrupt") {
    Scene guest;
    guest.w32(kIrqCtrl, 0);
    guest.w64(kEventqIrqCfg0, 0x800'0200);
    guest.w32(kEventqIrqCfg1, 0x55);
    guest.w32(kIrqCtrl, 4);
    std::uint32_t prod = 0;
    std::uint64_t first = 0;
    guest.ports.on_message = [&](std::uint64_t) {
        prod = guest.prod();
        first = guest.peek(guest.eventq);
    };
    guest.fault(1);
    CHECK(prod == 1);
    CHECK(first == (0x10 | std::uint64_t{kStream} << 32));
    CHECK(guest.ports.messages == std::vector{test::Msi{0x800'0200, 0x55}});
}

TEST_CASE("SMMU: what a guest marks of a record is what was written: 32 bytes") {
    Scene guest;
    guest.ports.dirty.clear();
    guest.fault(1);
    std::uint64_t bytes = 0;
    for (const auto& written : guest.ports.dirty) {
        CHECK(written.address >= guest.eventq);
        CHECK(written.address + written.size <= guest.eventq + 32);
        bytes += written.size;
    }
    CHECK(bytes == 32);
}

// QEMU asks for each piece of an access that it cuts.
TEST_CASE("SMMU: an access that is cut into pieces is one record") {
    Scene guest;
    for (std::uint64_t at = 0x4000; at < 0x4040; at += 8)
        (void)guest.ask(read_at(at));
    CHECK(guest.numbers() == Numbers{4});
    (void)guest.ask(read_at(0x5000));
    (void)guest.ask(write_at(0x5008));
    CHECK(guest.numbers() == Numbers{5, 5});
}

TEST_CASE("SMMU: with MEV, records of one page are merged while the last one stands unread") {
    for (const bool mev : {false, true}) {
        Scene guest(4);
        guest.set(guest.ste(kStream), 83, 83, mev ? 1 : 0);  // MEV
        guest.forget();
        CAPTURE(mev);
        const auto ask_at = [&guest](const iommu::Request& request) {
            guest.ports.time_ns += 1'000'000'000;
            (void)guest.ask(request);
        };
        ask_at(read_at(0x4000));
        ask_at(read_at(0x4ff8));
        ask_at(read_at(0x4000));
        CHECK(guest.prod() == (mev ? 1 : 3));
        ask_at(write_at(0x4000));  // another kind
        ask_at(read_at(0x5000));   // another page
        ask_at(read_at(0x4000));   // not like the last one
        CHECK(guest.prod() == (mev ? 4 : 6));
        (void)guest.take_events();
        ask_at(read_at(0x4000));  // read meanwhile: told again
        CHECK(guest.prod() == (mev ? 5 : 7));
        (void)guest.ask(from(kOtherStream, read_at(0x4000)));
        CHECK(guest.prod() == (mev ? 6 : 8));
    }
}
