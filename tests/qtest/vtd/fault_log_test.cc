// SPDX-License-Identifier: GPL-2.0-or-later
//
// The fault recording registers as a ring, and the fault event.
#include "vtd/fault_scene.h"

using namespace vtd_driver;

namespace {

constexpr std::uint32_t clear_f = 1u << 31;
constexpr unsigned context_not_present = 0x02;

// Every access of this guest's device is a fault: it has no context entry.
struct FaultingGuest : Guest {
    FaultingGuest() : Guest(Mode::Legacy) {
        static_cast<void>(legacy.context_entry(requester()));
        start();
    }
    void fault(std::uint64_t iova) { touch_read(iova); }
    [[nodiscard]] unsigned first_index() const { return static_cast<unsigned>(extract(unit.read32(reg::FSTS), 15, 8)); }
    void clear_record(unsigned index) const { unit.write32(unit.fault_register(index) + 12, clear_f); }
    [[nodiscard]] bool has(std::uint32_t status) const { return (unit.read32(reg::FSTS) & status) != 0; }
};

// With its event sent to a doorbell.
struct EventGuest : FaultingGuest {
    static constexpr std::uint32_t data = 0x4123;
    qtest::Doorbell doorbell{qemu.qtest(), ram};
    EventGuest() { unit.send_fault_events_to(doorbell.address(), data); }
};

}  // namespace

TEST_CASE("FaultLog: records follow each other in the ring and FRI names the first", "[vtd][fault-log]") {
    FaultingGuest guest;
    CHECK_FALSE(guest.has(PPF));
    guest.fault(0x1000);
    guest.fault(0x2000);
    CHECK(guest.has(PPF));
    CHECK(guest.first_index() == 0);
    CHECK(guest.unit.fault(0) == record_of(context_not_present, guest.requester(), 0x1000, Access::Read));
    CHECK(guest.unit.fault(1) == record_of(context_not_present, guest.requester(), 0x2000, Access::Read));
    CHECK_FALSE(guest.unit.fault(2).present());
}

TEST_CASE("FaultLog: the next record after a clean log goes where the last one ended", "[vtd][fault-log]") {
    FaultingGuest guest;
    guest.fault(0x1000);
    guest.fault(0x2000);
    CHECK(guest.take_faults().size() == 2);
    CHECK_FALSE(guest.has(PPF));
    guest.fault(0x3000);
    CHECK(guest.first_index() == 2);
    CHECK(guest.unit.fault(2).address == 0x3000);
}

TEST_CASE("FaultLog: the ring goes round", "[vtd][fault-log]") {
    FaultingGuest guest;
    const unsigned count = guest.unit.fault_registers();
    for (unsigned i = 0; i < 2 * count + 1; ++i) {
        guest.fault(0x1000 * (i + 1));
        CHECK(guest.first_index() == i % count);
        CHECK(guest.take_faults().size() == 1);
    }
}

TEST_CASE("FaultLog: PPF is what the records say", "[vtd][fault-log]") {
    FaultingGuest guest;
    guest.fault(0x1000);
    guest.fault(0x2000);
    guest.unit.write32(reg::FSTS, 0xffffffff);
    CHECK(guest.has(PPF));
    CHECK(guest.unit.fault(0).present());
    guest.clear_record(0);
    CHECK(guest.has(PPF));
    CHECK_FALSE(guest.unit.fault(0).present());
    guest.clear_record(1);
    CHECK_FALSE(guest.has(PPF));
}

TEST_CASE("FaultLog: a record is cleared by 4 bytes or by 8, and by nothing else", "[vtd][fault-log]") {
    FaultingGuest guest;
    guest.fault(0x1000);
    const auto record = guest.unit.fault(0);
    const std::uint64_t offset = guest.unit.fault_register(0);
    guest.unit.write64(offset, ~std::uint64_t{0});
    guest.unit.write32(offset + 8, 0xffffffff);
    guest.unit.write32(offset + 12, 0x7fffffff);
    guest.unit.write64(offset + 8, 0x7fffffffffffffff);
    CHECK(guest.unit.fault(0) == record);
    guest.unit.write64(offset + 8, bit(63));
    CHECK(guest.unit.fault(0).high == (record.high & ~bit(63)));
    CHECK(guest.unit.fault(0).address == record.address);
}

TEST_CASE("FaultLog: a record reads the same by halves", "[vtd][fault-log]") {
    FaultingGuest guest;
    guest.fault(0x123456789000);
    const auto record = guest.unit.fault(0);
    const std::uint64_t offset = guest.unit.fault_register(0);
    CHECK(guest.unit.read32(offset) == extract(record.address, 31, 0));
    CHECK(guest.unit.read32(offset + 4) == extract(record.address, 63, 32));
    CHECK(guest.unit.read32(offset + 8) == extract(record.high, 31, 0));
    CHECK(guest.unit.read32(offset + 12) == extract(record.high, 63, 32));
}

TEST_CASE("FaultLog: a fault that finds its register in use is an overflow", "[vtd][fault-log]") {
    FaultingGuest guest;
    const unsigned count = guest.unit.fault_registers();
    for (unsigned i = 0; i < count; ++i)
        guest.fault(0x1000 * (i + 1));
    CHECK_FALSE(guest.has(PFO));
    guest.fault(0xabc000);
    CHECK(guest.has(PFO));
    for (unsigned i = 0; i < count; ++i)
        CHECK(guest.unit.fault(i).address == 0x1000 * (i + 1));

    // Nothing is recorded before the overflow is cleared, though there is room.
    for (unsigned i = 0; i < count; ++i)
        guest.clear_record(i);
    guest.fault(0xdef000);
    CHECK_FALSE(guest.has(PPF));
    guest.unit.write32(reg::FSTS, PFO);
    CHECK_FALSE(guest.has(PFO));
    guest.fault(0xfed000);
    CHECK(guest.has(PPF));
    CHECK(guest.first_index() == 0);
}

TEST_CASE("FaultLog: one record is all there is when the unit has one register", "[vtd][fault-log]") {
    Guest guest(Mode::Legacy, {.properties = ",nfr=0"});
    guest.start();
    CHECK(guest.unit.fault_registers() == 1);
    guest.touch_read(0x1000);
    guest.touch_read(0x2000);
    CHECK((guest.unit.read32(reg::FSTS) & PFO) != 0);
    const auto faults = guest.take_faults();
    REQUIRE(faults.size() == 1);
    CHECK(faults[0].address == 0x1000);
}

TEST_CASE("FaultLog: the ring starts over when translation is turned off", "[vtd][fault-log]") {
    FaultingGuest guest;
    guest.fault(0x1000);
    CHECK(guest.take_faults().size() == 1);
    guest.unit.clear(TE);
    guest.unit.set(TE);
    guest.fault(0x2000);
    CHECK(guest.first_index() == 0);
}

TEST_CASE("FaultLog: one transfer is one record, however long", "[vtd][fault-log]") {
    FaultingGuest guest;
    guest.edu.dma_write(0x5040, 256);
    const auto faults = guest.take_faults();
    REQUIRE(faults.size() == 1);
    CHECK(faults[0] == record_of(context_not_present, guest.requester(), 0x5000, Access::Write));
}

TEST_CASE("FaultLog: a transfer arrives up to the page that is missing, which is the one recorded",
          "[vtd][fault-log]") {
    Guest guest(Mode::Legacy);
    auto stage = guest.second_stage();
    const auto page = guest.ram.allocate_page();
    stage.map({.iova = 0x5000, .target = page});
    guest.legacy.set(guest.requester(), LegacyContext::translating(stage, 5));
    guest.start();
    guest.dma_write(0x6000 - 32, Guest::pattern(1));
    const auto faults = guest.take_faults();
    REQUIRE(faults.size() == 1);
    CHECK(faults[0] == record_of(0x05, guest.requester(), 0x6000, Access::Write));
    const auto data = Guest::pattern(1);
    CHECK(guest.ram.read(page + size_4k - 32, 32) == Bytes(data.begin(), data.begin() + 32));
}

TEST_CASE("FaultEvent: the first fault sends the message, those behind it do not", "[vtd][fault-log]") {
    EventGuest guest;
    guest.fault(0x1000);
    CHECK(guest.doorbell.take() == EventGuest::data);
    guest.fault(0x2000);
    CHECK_FALSE(guest.doorbell.take());
    CHECK((guest.unit.read32(reg::FECTL) & IP) == 0);

    // Serviced, the next one is a first one.
    CHECK(guest.take_faults().size() == 2);
    guest.fault(0x3000);
    CHECK(guest.doorbell.take() == EventGuest::data);
}

TEST_CASE("FaultEvent: a masked event waits and is sent once on unmasking", "[vtd][fault-log]") {
    EventGuest guest;
    guest.unit.write32(reg::FECTL, IM);
    guest.fault(0x1000);
    CHECK_FALSE(guest.doorbell.take());
    CHECK(guest.unit.read32(reg::FECTL) == (IM | IP));
    guest.unit.write32(reg::FECTL, 0);
    CHECK(guest.doorbell.take() == EventGuest::data);
    CHECK(guest.unit.read32(reg::FECTL) == 0);
    guest.unit.write32(reg::FECTL, IM);
    guest.unit.write32(reg::FECTL, 0);
    CHECK_FALSE(guest.doorbell.take());
}

TEST_CASE("FaultEvent: an event that was serviced while masked is never sent", "[vtd][fault-log]") {
    EventGuest guest;
    guest.unit.write32(reg::FECTL, IM);
    guest.fault(0x1000);
    CHECK((guest.unit.read32(reg::FECTL) & IP) != 0);
    CHECK(guest.take_faults().size() == 1);
    CHECK((guest.unit.read32(reg::FECTL) & IP) == 0);
    guest.unit.write32(reg::FECTL, 0);
    CHECK_FALSE(guest.doorbell.take());
}

TEST_CASE("FaultEvent: with the queue's error standing, a fault is recorded without a message", "[vtd][fault-log]") {
    EventGuest guest;
    guest.queue.push({0});  // no such type
    guest.queue.ring();
    CHECK(guest.has(IQE));
    CHECK(guest.doorbell.take() == EventGuest::data);
    guest.fault(0x1000);
    CHECK(guest.has(PPF));
    CHECK_FALSE(guest.doorbell.take());
    CHECK((guest.unit.read32(reg::FECTL) & IP) == 0);
}

TEST_CASE("FaultEvent: the record is complete when the message arrives", "[vtd][fault-log]") {
    EventGuest guest;
    guest.fault(0x1000);
    REQUIRE(guest.doorbell.take());
    CHECK(guest.unit.fault(0) == record_of(context_not_present, guest.requester(), 0x1000, Access::Read));
    CHECK(guest.counter("messages") == 1);
}
