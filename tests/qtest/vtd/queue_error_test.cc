// SPDX-License-Identifier: GPL-2.0-or-later
//
// What stops the invalidation queue, how it says so, and that it goes on by itself once software has repaired it.
#include <catch2/catch_test_macros.hpp>

#include <functional>
#include <string>
#include <vector>

#include "client/eventually.h"
#include "vtd/guest.h"

using namespace vtd_driver;
using qtest::eventually;

namespace {

constexpr std::uint32_t before = 0xbef0;
constexpr std::uint32_t after = 0xaf7e;
constexpr std::uint32_t done_marker = 0xd04e;

// IQERCD 3:0.
constexpr unsigned invalid_tail = 1;
constexpr unsigned fetch_error = 2;
constexpr unsigned invalid_type = 3;
constexpr unsigned reserved_field = 4;
constexpr unsigned invalid_width = 5;
constexpr unsigned misaligned_tail = 6;
constexpr unsigned invalid_mode = 7;

struct ErrorGuest : Guest {
    std::uint64_t statuses = ram.allocate_page();
    explicit ErrorGuest(Mode root_mode, const std::string& properties = "")
        : Guest(root_mode, {.properties = properties}) {
        start();
    }
    [[nodiscard]] bool has_error() const { return (unit.read32(reg::FSTS) & IQE) != 0; }
    [[nodiscard]] unsigned reason() const { return static_cast<unsigned>(extract(unit.read64(reg::IQERCD), 3, 0)); }
    void check_error(unsigned expected) {
        CHECK(eventually([&] { return has_error(); }));
        CHECK(reason() == expected);
    }
    void clear_error() const { unit.write32(reg::FSTS, IQE); }
    [[nodiscard]] bool is_done() {
        return eventually([&] { return queue.head() == queue.tail(); });
    }
};

// A good wait, the bad descriptor, another good wait. The queue stops between the first and the last; repaired, it goes
// on without the tail being written.
void check_bad_descriptor(ErrorGuest& guest, const Descriptor& bad, unsigned expected) {
    guest.queue.push(descriptor::wait_status(guest.statuses, before));
    const auto bad_slot = guest.queue.tail();
    guest.queue.push(bad);
    guest.queue.push(descriptor::wait_status(guest.statuses + 4, after));
    guest.queue.ring();
    guest.check_error(expected);
    CHECK(guest.queue.head() == bad_slot);
    CHECK(guest.ram.read32(guest.statuses) == before);
    CHECK(guest.ram.read32(guest.statuses + 4) == 0);

    guest.queue.write_slot(bad_slot, descriptor::wait(0));
    CHECK(guest.queue.head() == bad_slot);
    guest.clear_error();
    CHECK(guest.is_done());
    CHECK_FALSE(guest.has_error());
    CHECK(guest.ram.read32(guest.statuses + 4) == after);
}

struct BadDescriptor {
    std::string name;
    Descriptor descriptor;
    unsigned reason;
};

Descriptor with(Descriptor descriptor, std::size_t word, std::uint64_t bits) {
    descriptor[word] |= bits;
    return descriptor;
}

// Bad in both widths and modes.
std::vector<BadDescriptor> bad_in_any_queue() {
    using namespace vtd_driver::descriptor;
    return {
        {"type 0", {0}, invalid_type},
        {"device-TLB, bit 4", {0x13}, reserved_field},
        {"type 11", {0xb}, invalid_type},
        {"type 15", {0xf}, invalid_type},
        {"type with its upper bits", with(iotlb_global(), 0, bit(9)), invalid_type},
        {"context cache, no granularity", {field(3, 0, 1)}, reserved_field},
        {"context cache, bit 6", with(context_global(), 0, bit(6)), reserved_field},
        {"context cache, bit 50", with(context_global(), 0, bit(50)), reserved_field},
        {"context cache, second word", with(context_global(), 1, bit(0)), reserved_field},
        {"IOTLB, no granularity", {field(3, 0, 2)}, reserved_field},
        {"IOTLB, bit 8", with(iotlb_global(), 0, bit(8)), reserved_field},
        {"IOTLB, bit 32", with(iotlb_global(), 0, bit(32)), reserved_field},
        {"IOTLB, bit 71", with(iotlb_pages(1, {0x1000}), 1, bit(7)), reserved_field},
        {"wait, bit 8", with(wait(0), 0, bit(8)), reserved_field},
        {"wait, bit 31", with(wait(0), 0, bit(31)), reserved_field},
        {"wait, address not of a word", with(wait(wait_SW), 1, bit(1)), reserved_field},
    };
}

std::vector<BadDescriptor> bad_in_a_legacy_queue() {
    using namespace vtd_driver::descriptor;
    return {
        {"PASID-based IOTLB", pasid_iotlb(1, 0), invalid_type},
        {"PASID cache", pasid_cache_global(), invalid_type},
        {"page group response", {9}, invalid_type},
    };
}

std::vector<BadDescriptor> bad_in_a_scalable_queue() {
    using namespace vtd_driver::descriptor;
    return {
        {"third word", with(iotlb_global(), 2, bit(0)), reserved_field},
        {"fourth word", with(wait(0), 3, bit(63)), reserved_field},
        {"PASID-based device-TLB, bit 65", {8, 2}, reserved_field},
        {"PASID-based IOTLB, granularity 1", {field(3, 0, 6) | field(5, 4, 1)}, reserved_field},
        {"PASID-based IOTLB, bit 12", with(pasid_iotlb(1, 0), 0, bit(12)), reserved_field},
        {"PASID-based IOTLB, bit 52", with(pasid_iotlb(1, 0), 0, bit(52)), reserved_field},
        {"PASID-based IOTLB, bit 75", with(pasid_iotlb_pages(1, 0, {0x1000}), 1, bit(11)), reserved_field},
        {"PASID cache, granularity 2", {field(3, 0, 7) | field(5, 4, 2)}, reserved_field},
        {"PASID cache, bit 63", with(pasid_cache_global(), 0, bit(63)), reserved_field},
        {"page group response, bit 5", {9 | bit(5)}, reserved_field},
        {"PASID cache, second word", with(pasid_cache_global(), 1, bit(12)), reserved_field},
    };
}

}  // namespace

TEST_CASE("QueueError: a bad descriptor stops a queue of short ones in front of it", "[vtd][queue]") {
    for (const auto& cases : {bad_in_any_queue(), bad_in_a_legacy_queue()}) {
        ErrorGuest guest(Mode::Legacy);
        for (const auto& bad : cases) {
            CAPTURE(bad.name);
            guest.ram.write64(guest.statuses, 0);
            check_bad_descriptor(guest, bad.descriptor, bad.reason);
        }
    }
}

TEST_CASE("QueueError: a bad descriptor stops a queue of long ones in front of it", "[vtd][queue]") {
    for (const auto& cases : {bad_in_any_queue(), bad_in_a_scalable_queue()}) {
        ErrorGuest guest(Mode::Scalable);
        for (const auto& bad : cases) {
            CAPTURE(bad.name);
            guest.ram.write64(guest.statuses, 0);
            check_bad_descriptor(guest, bad.descriptor, bad.reason);
        }
    }
}

TEST_CASE("QueueError: device-TLB descriptors are of no known type without DT", "[vtd][queue]") {
    ErrorGuest guest(Mode::Scalable, ",dt=off");
    for (const Descriptor& descriptor : {Descriptor{3}, Descriptor{8}}) {
        guest.ram.write64(guest.statuses, 0);
        check_bad_descriptor(guest, descriptor, invalid_type);
    }
}

TEST_CASE("QueueError: nothing of a bad invalidation is carried out", "[vtd][queue]") {
    ErrorGuest guest(Mode::Scalable);
    auto stage = guest.second_stage();
    const auto page = guest.patterned_page(1);
    stage.map({.iova = 0x1000, .target = page});
    guest.scalable.set(guest.requester(), PasidEntry::over_second_stage(stage, 5));
    REQUIRE(guest.dma_read(0x1000) == Guest::pattern(1));
    stage.map({.iova = 0x1000, .target = guest.patterned_page(2)});
    guest.queue.push(with(descriptor::iotlb_global(), 0, bit(8)));
    guest.queue.ring();
    guest.check_error(reserved_field);
    CHECK(guest.dma_read(0x1000) == Guest::pattern(1));
}

TEST_CASE("QueueError: a tail beyond the queue", "[vtd][queue]") {
    ErrorGuest guest(Mode::Scalable);
    const auto head = guest.queue.head();
    guest.unit.write32(reg::IQT, 0x1000);
    guest.check_error(invalid_tail);
    CHECK(guest.queue.head() == head);
    guest.queue.push(descriptor::wait_status(guest.statuses, after));
    guest.queue.ring();
    CHECK(guest.ram.read32(guest.statuses) == 0);
    guest.clear_error();
    CHECK(guest.is_done());
    CHECK(guest.ram.read32(guest.statuses) == after);
}

TEST_CASE("QueueError: a tail in the middle of a long descriptor", "[vtd][queue]") {
    ErrorGuest guest(Mode::Scalable);
    guest.unit.write32(reg::IQT, static_cast<std::uint32_t>(guest.queue.tail() + 16));
    guest.check_error(misaligned_tail);
    guest.queue.ring();
    guest.clear_error();
    CHECK_FALSE(guest.has_error());
    guest.queue.submit(descriptor::iotlb_global());
}

TEST_CASE("QueueError: the same tail is right for short descriptors", "[vtd][queue]") {
    ErrorGuest guest(Mode::Legacy);
    guest.queue.push(descriptor::wait_status(guest.statuses, after));
    REQUIRE(extract(guest.queue.tail(), 4, 4) == 1);
    guest.queue.ring();
    CHECK(guest.is_done());
    CHECK_FALSE(guest.has_error());
}

TEST_CASE("QueueError: a queue where no memory is", "[vtd][queue]") {
    ErrorGuest guest(Mode::Scalable);
    guest.unit.clear(QIE);
    guest.unit.write64(reg::IQT, 0);
    guest.unit.write64(reg::IQA, bit(40) | bit(11));
    guest.unit.set(QIE);
    guest.unit.write64(reg::IQT, 32);
    guest.check_error(fetch_error);
    CHECK(guest.queue.head() == 0);
    CHECK(guest.unit.read64(reg::IQA) == (bit(40) | bit(11)));

    guest.queue.restart();
    guest.clear_error();
    guest.queue.submit(descriptor::iotlb_global());
}

TEST_CASE("QueueError: short descriptors in scalable mode", "[vtd][queue]") {
    ErrorGuest guest(Mode::Scalable);
    guest.unit.clear(QIE);
    guest.unit.write64(reg::IQT, 0);
    guest.unit.write64(reg::IQA, guest.queue.base());
    guest.unit.set(QIE);
    guest.unit.write64(reg::IQT, 16);
    guest.check_error(invalid_width);
    guest.queue.restart();
    guest.clear_error();
    guest.queue.submit(descriptor::iotlb_global());
}

TEST_CASE("QueueError: long descriptors without scalable mode", "[vtd][queue]") {
    ErrorGuest guest(Mode::Legacy, ",smts=off,adms=off");
    guest.unit.clear(QIE);
    guest.unit.write64(reg::IQT, 0);
    guest.unit.write64(reg::IQA, guest.queue.base() | bit(11));
    guest.unit.set(QIE);
    guest.unit.write64(reg::IQT, 32);
    guest.check_error(invalid_width);
}

TEST_CASE("QueueError: long descriptors in legacy mode are right when the unit has scalable mode", "[vtd][queue]") {
    Guest guest(Mode::Legacy);
    guest.unit.set_root_table(guest.legacy.root(), Mode::Legacy);
    guest.ram.write64(guest.queue.base(), descriptor::wait_status(0, done_marker)[0]);
    guest.ram.write64(guest.queue.base() + 8, guest.queue.status_address());
    guest.unit.write64(reg::IQA, guest.queue.base() | bit(11));
    guest.unit.set(QIE);
    guest.unit.write64(reg::IQT, 32);
    CHECK(eventually([&] { return guest.queue.status() == done_marker; }));
}

TEST_CASE("QueueError: a reserved root-table mode", "[vtd][queue]") {
    ErrorGuest guest(Mode::Scalable);
    guest.unit.set_root_table(guest.scalable.root(), Mode::Reserved);
    guest.queue.push(descriptor::wait_status(guest.statuses, after));
    guest.queue.ring();
    guest.check_error(invalid_mode);
    guest.unit.set_root_table(guest.scalable.root(), Mode::Scalable);
    guest.clear_error();
    CHECK(guest.is_done());
    CHECK(guest.ram.read32(guest.statuses) == after);
}

TEST_CASE("QueueError: cleared without repair, it comes back", "[vtd][queue]") {
    ErrorGuest guest(Mode::Scalable);
    const auto slot = guest.queue.tail();
    guest.queue.push({0});
    guest.queue.ring();
    guest.check_error(invalid_type);
    guest.clear_error();
    guest.check_error(invalid_type);
    CHECK(guest.queue.head() == slot);
}

TEST_CASE("QueueError: the tail may be written while the queue stands", "[vtd][queue]") {
    ErrorGuest guest(Mode::Scalable);
    const auto slot = guest.queue.tail();
    guest.queue.push({0});
    guest.queue.ring();
    guest.check_error(invalid_type);
    guest.queue.push(descriptor::wait_status(guest.statuses, after));
    guest.queue.ring();
    CHECK(guest.queue.head() == slot);
    CHECK(guest.unit.read64(reg::IQT) == guest.queue.tail());
    guest.queue.write_slot(slot, descriptor::iotlb_global());
    guest.clear_error();
    CHECK(guest.is_done());
    CHECK(guest.ram.read32(guest.statuses) == after);
}

TEST_CASE("QueueError: it raises the fault event", "[vtd][queue]") {
    ErrorGuest guest(Mode::Scalable);
    qtest::Doorbell doorbell(guest.qemu.qtest(), guest.ram);
    guest.unit.send_fault_events_to(doorbell.address(), 0x4044);
    guest.queue.push({0});
    guest.queue.ring();
    guest.check_error(invalid_type);
    CHECK(doorbell.take() == 0x4044);
    CHECK((guest.unit.read32(reg::FSTS) & PPF) == 0);
}
