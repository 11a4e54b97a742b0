// SPDX-License-Identifier: GPL-2.0-or-later
//
// The unit's own interrupts: fault event and invalidation completion event. [VTD 5.10 s7.3, s6.5.2.10]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test;

namespace {

constexpr std::uint32_t kMask = 1u << 31;
constexpr std::uint32_t kPending = 1u << 30;
const Msi kFaultMessage{0x1'fee0'0010, 0xabcd};
const Msi kCompletionMessage{0x2'fee0'0020, 0x1234};

// Nothing is mapped: each request faults. Messages have addresses and data of their own.
void build(Guest& guest) {
    guest.legacy_device(kDevice, 7);
    guest.enable_queue();
    guest.enable(kTtmLegacy);
    guest.w32(kFedata, 0xabcd);
    guest.w32(kFeaddr, 0xfee0'0010);
    guest.w32(kFeuaddr, 1);
    guest.w32(kIedata, 0x1234);
    guest.w32(kIeaddr, 0xfee0'0020);
    guest.w32(kIeuaddr, 2);
}

void fault(Guest& guest) {
    static std::uint64_t page = 0;
    (void)guest.ask(read_at(++page << 12));
}
void queue_error(Guest& guest) { guest.submit({0xf}); }  // no such descriptor
void clear_queue_error(Guest& guest) {
    // The bad descriptor becomes one that can be carried out.
    const Words4 good = iotlb(1);
    for (unsigned i = 0; i < 4; ++i)
        guest.poke(guest.queue + guest.r64(kIqh) + 8 * i, good[i]);
    guest.w32(kFsts, kIqe);
}

std::uint32_t causes(Guest& guest) { return guest.r32(kFsts) & 0xff; }

}  // namespace

TEST_CASE("Both events are masked and not pending after reset", "[vtd][events]") {
    Guest guest;
    CHECK(guest.r32(kFectl) == kMask);
    CHECK(guest.r32(kIectl) == kMask);
}

TEST_CASE("Of a control register only IM can be written", "[vtd][events]") {
    Guest guest;
    build(guest);
    for (const std::uint64_t control : {kFectl, kIectl}) {
        guest.w32(control, 0xffff'ffff);
        CHECK(guest.r32(control) == kMask);
        guest.w32(control, 0x7fff'ffff);
        CHECK(guest.r32(control) == 0);
    }
    CHECK(guest.ports.messages.empty());
}

TEST_CASE("A fault is announced at once when the event is not masked", "[vtd][events]") {
    Guest guest;
    build(guest);
    guest.w32(kFectl, 0);
    fault(guest);
    CHECK(guest.ports.messages == std::vector{kFaultMessage});
    CHECK(guest.r32(kFectl) == 0);
}

TEST_CASE("A masked fault event is pending, and unmasking sends it once", "[vtd][events]") {
    Guest guest;
    build(guest);
    fault(guest);
    CHECK(guest.r32(kFectl) == (kMask | kPending));
    CHECK(guest.ports.messages.empty());
    guest.w32(kFectl, kMask);
    CHECK(guest.ports.messages.empty());
    guest.w32(kFectl, 0);
    CHECK(guest.ports.messages == std::vector{kFaultMessage});
    CHECK(guest.r32(kFectl) == 0);
    guest.w32(kFectl, 0);
    guest.w32(kFectl, kMask);
    guest.w32(kFectl, 0);
    CHECK(guest.ports.messages.size() == 1);
}

TEST_CASE("A pending event that software has dealt with is not sent", "[vtd][events]") {
    Guest guest;
    build(guest);
    fault(guest);
    fault(guest);
    guest.clear_record(0);
    CHECK(guest.r32(kFectl) == (kMask | kPending));  // another record
    guest.clear_record(1);
    CHECK(guest.r32(kFectl) == kMask);
    guest.w32(kFectl, 0);
    CHECK(guest.ports.messages.empty());
}

TEST_CASE("IP stays until the last of PPF, PFO and IQE is cleared", "[vtd][events]") {
    Guest guest({.nfr = 0});
    build(guest);
    fault(guest);
    fault(guest);
    queue_error(guest);
    CHECK(causes(guest) == (kPpf | kPfo | kIqe));
    guest.clear_record(0);
    CHECK(guest.r32(kFectl) == (kMask | kPending));
    guest.w32(kFsts, kPfo);
    CHECK(guest.r32(kFectl) == (kMask | kPending));
    clear_queue_error(guest);
    CHECK(causes(guest) == 0);
    CHECK(guest.r32(kFectl) == kMask);
}

TEST_CASE("While a cause stands no other is announced; once all are cleared the next one is", "[vtd][events]") {
    Guest guest;
    build(guest);
    guest.w32(kFectl, 0);
    fault(guest);
    fault(guest);
    queue_error(guest);
    CHECK(causes(guest) == (kPpf | kIqe));
    CHECK(guest.ports.messages.size() == 1);
    guest.clear_record(0);
    guest.clear_record(1);
    fault(guest);  // IQE stands
    CHECK(causes(guest) == (kPpf | kIqe));
    CHECK((guest.r32(kFsts) >> 8 & 0xff) == 2);
    CHECK(guest.ports.messages.size() == 1);
    guest.clear_record(2);
    clear_queue_error(guest);
    CHECK(guest.ports.messages.size() == 1);
    fault(guest);
    CHECK(guest.ports.messages.size() == 2);
}

TEST_CASE("PFO keeps events back, though it is no cause itself", "[vtd][events]") {
    Guest guest({.nfr = 0});
    build(guest);
    guest.w32(kFectl, 0);
    fault(guest);
    CHECK(guest.ports.messages.size() == 1);
    fault(guest);  // sets PFO
    CHECK(guest.ports.messages.size() == 1);
    guest.clear_record(0);
    CHECK(causes(guest) == kPfo);
    fault(guest);  // lost
    queue_error(guest);
    CHECK(causes(guest) == (kPfo | kIqe));
    CHECK(guest.ports.messages.size() == 1);
    guest.w32(kFsts, kPfo);
    clear_queue_error(guest);
    queue_error(guest);
    CHECK(guest.ports.messages.size() == 2);
}

TEST_CASE("A queue error is announced by the fault event", "[vtd][events]") {
    Guest guest;
    build(guest);
    queue_error(guest);
    CHECK(guest.r32(kFectl) == (kMask | kPending));
    guest.w32(kFectl, 0);
    CHECK(guest.ports.messages == std::vector{kFaultMessage});
}

TEST_CASE("A suppressed fault is not announced, nor is one that is not recorded", "[vtd][events]") {
    Guest guest;
    build(guest);
    guest.w32(kFectl, 0);
    guest.flip(guest.context_entry(kDevice), 1);  // FPD
    fault(guest);
    CHECK(guest.ports.messages.empty());
    (void)guest.ask(debugging(read_at(0x7000)));
    CHECK(guest.ports.messages.empty());
}

TEST_CASE("The message goes where the address registers say when it is sent, and is never remapped", "[vtd][events]") {
    Guest guest;
    build(guest);
    fault(guest);
    guest.w64(kFeaddr, 0x12'3456'7890'abcf);  // both address registers; bits 1:0 are reserved
    guest.w32(kFedata, 0x1'ffff);             // 31:16 are reserved
    guest.w32(kFectl, 0);
    CHECK(guest.ports.messages == std::vector{Msi{0x12'3456'7890'abcc, 0xffff}});
}

TEST_CASE("A wait with IF completes: IWC, and the completion event", "[vtd][events]") {
    Guest guest;
    build(guest);
    guest.submit(wait_interrupt());
    CHECK(guest.r32(kIcs) == 1);
    CHECK(guest.r32(kIectl) == (kMask | kPending));
    CHECK(guest.ports.messages.empty());
    guest.w32(kIectl, 0);
    CHECK(guest.ports.messages == std::vector{kCompletionMessage});
    CHECK(guest.r32(kIectl) == 0);
    // IWC stands: no other event.
    guest.submit(wait_interrupt());
    CHECK(guest.ports.messages.size() == 1);
    guest.w32(kIcs, 1);
    CHECK(guest.r32(kIcs) == 0);
    guest.submit(wait_interrupt());
    CHECK(guest.ports.messages.size() == 2);
}

TEST_CASE("Clearing IWC takes a pending completion event back", "[vtd][events]") {
    Guest guest;
    build(guest);
    guest.submit(wait_interrupt());
    CHECK(guest.r32(kIectl) == (kMask | kPending));
    guest.w32(kIcs, 1);
    CHECK(guest.r32(kIectl) == kMask);
    guest.w32(kIectl, 0);
    CHECK(guest.ports.messages.empty());
}

TEST_CASE("The two events do not know of each other", "[vtd][events]") {
    Guest guest;
    build(guest);
    guest.w32(kFectl, 0);
    guest.w32(kIectl, 0);
    fault(guest);
    guest.submit(wait_interrupt());
    CHECK(guest.ports.messages == std::vector{kFaultMessage, kCompletionMessage});
}
