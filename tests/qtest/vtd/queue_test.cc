// SPDX-License-Identifier: GPL-2.0-or-later
//
// The invalidation queue as such: order, wrapping, waits and the completion event. Both descriptor widths.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <nlohmann/json.hpp>
#include <vector>

#include "client/eventually.h"
#include "vtd/guest.h"

using namespace vtd_driver;
using qtest::eventually;

namespace {

// Both widths: a legacy guest has short descriptors, a scalable one long ones.
struct QueueGuest : Guest {
    explicit QueueGuest(Mode root_mode) : Guest(root_mode) { start(); }
    [[nodiscard]] bool is_done() {
        return eventually([&] { return queue.head() == queue.tail(); });
    }
};

// With its completion event sent to a doorbell.
struct CompletionGuest : QueueGuest {
    static constexpr std::uint32_t data = 0x4055;
    qtest::Doorbell doorbell{qemu.qtest(), ram};
    CompletionGuest() : QueueGuest(Mode::Scalable) { unit.send_completion_events_to(doorbell.address(), data); }
    void wait_with_interrupt() {
        queue.push(descriptor::wait(wait_IF));
        queue.ring();
        CHECK(is_done());
    }
    [[nodiscard]] std::uint32_t completion() const { return unit.read32(reg::ICS); }
};

constexpr std::uint32_t done = 0xd04e;

}  // namespace

TEST_CASE("Queue: nothing is fetched before the tail moves", "[vtd][queue]") {
    QueueGuest guest(GENERATE(Mode::Legacy, Mode::Scalable));
    const auto head = guest.queue.head();
    guest.queue.push(descriptor::wait_status(guest.queue.status_address(), done));
    CHECK(guest.queue.head() == head);
    CHECK(guest.queue.status() != done);
    guest.queue.ring();
    CHECK(guest.is_done());
    CHECK(guest.queue.status() == done);
}

TEST_CASE("Queue: a wait writes its status and nothing beside it", "[vtd][queue]") {
    QueueGuest guest(GENERATE(Mode::Legacy, Mode::Scalable));
    const auto page = guest.ram.allocate_page();
    guest.ram.write64(page, ~std::uint64_t{0});
    guest.queue.push(descriptor::wait_status(page + 4, 0x12345678));
    guest.queue.ring();
    CHECK(guest.is_done());
    CHECK(guest.ram.read64(page) == 0x12345678'ffffffff);
    CHECK(guest.ram.read32(page + 8) == 0);
}

TEST_CASE("Queue: a wait with none of its flags is a wait", "[vtd][queue]") {
    QueueGuest guest(GENERATE(Mode::Legacy, Mode::Scalable));
    guest.queue.push(descriptor::wait(0));
    guest.queue.push(descriptor::wait(wait_FN));
    guest.queue.ring();
    CHECK(guest.is_done());
    CHECK((guest.unit.read32(reg::FSTS) & IQE) == 0);
    CHECK(guest.unit.read32(reg::ICS) == 0);
}

TEST_CASE("Queue: it goes round, and a full one is executed to its end", "[vtd][queue]") {
    QueueGuest guest(GENERATE(Mode::Legacy, Mode::Scalable));
    const std::uint64_t slots = guest.queue.slots();
    const auto statuses = guest.ram.allocate_pages(1);
    // One slot stays free. Starting where bring-up left the tail, this wraps.
    for (std::uint64_t i = 0; i + 1 < slots; ++i) {
        guest.queue.push(descriptor::wait_status(statuses + 4 * i, static_cast<std::uint32_t>(i + 1)));
    }
    const auto waits = guest.counter("waits");
    guest.queue.ring();
    CHECK(guest.is_done());
    for (std::uint64_t i = 0; i + 1 < slots; ++i)
        CHECK(guest.ram.read32(statuses + 4 * i) == i + 1);
    CHECK(guest.counter("waits") == waits + slots - 1);
}

TEST_CASE("Queue: the largest one is executed to its end", "[vtd][queue]") {
    // More work than one register write does: the rest is done from the main loop.
    const Width width = GENERATE(Width::Short, Width::Long);
    Guest guest(width == Width::Short ? Mode::Legacy : Mode::Scalable);
    InvalidationQueue queue(guest.ram, guest.unit, width, 7);
    queue.enable();
    std::vector<Descriptor> descriptors(queue.slots() - 2, descriptor::wait(0));
    descriptors.push_back(descriptor::wait_status(queue.status_address(), done));
    queue.fill(descriptors);
    queue.ring();
    CHECK(eventually([&] { return queue.head() == queue.tail(); }));
    CHECK(queue.status() == done);
    CHECK(guest.counter("waits") == descriptors.size());
}

TEST_CASE("Queue: disabled half way, it stops", "[vtd][queue]") {
    Guest guest(Mode::Scalable);
    InvalidationQueue queue(guest.ram, guest.unit, Width::Long, 7);
    queue.enable();
    queue.fill(std::vector<Descriptor>(queue.slots() - 1, descriptor::wait(0)));
    guest.qemu.qmp().execute("stop");  // the main loop must not get ahead of the test
    queue.ring();
    CHECK(queue.head() != 0);
    CHECK(queue.head() != queue.tail());
    guest.unit.clear(QIE);
    CHECK(queue.head() == 0);
    guest.qemu.qmp().execute("cont");
    queue.enable();
    queue.submit(descriptor::iotlb_global());
    CHECK((guest.unit.read32(reg::FSTS) & IQE) == 0);
}

TEST_CASE("Queue: a tail written before the queue is enabled counts when it is", "[vtd][queue]") {
    Guest guest(Mode::Scalable);
    const auto status = guest.queue.status_address();
    guest.queue.push(descriptor::wait_status(status, done));
    guest.queue.ring();
    CHECK(guest.queue.status() != done);
    guest.unit.write64(reg::IQA, guest.queue.base() | bit(11));
    guest.unit.set(QIE);
    CHECK(eventually([&] { return guest.queue.head() == guest.queue.tail(); }));
    CHECK(guest.queue.status() == done);
}

TEST_CASE("Queue: it works with translation off", "[vtd][queue]") {
    Guest guest(Mode::Scalable);
    guest.unit.set_root_table(guest.scalable.root(), Mode::Scalable);
    guest.queue.enable();
    guest.queue.submit(descriptor::iotlb_global());
}

TEST_CASE("Queue: the tail is written as 4 bytes or as 8", "[vtd][queue]") {
    QueueGuest guest(Mode::Scalable);
    guest.queue.push(descriptor::wait_status(guest.queue.status_address(), done));
    guest.unit.write64(reg::IQT, guest.queue.tail());
    CHECK(guest.is_done());
    CHECK(guest.queue.status() == done);
    guest.unit.write32(reg::IQT + 4, 0);
    CHECK((guest.unit.read32(reg::FSTS) & IQE) == 0);
}

TEST_CASE("Queue: a fence holds nothing back for ever", "[vtd][queue]") {
    QueueGuest guest(GENERATE(Mode::Legacy, Mode::Scalable));
    const auto statuses = guest.ram.allocate_page();
    guest.queue.push(descriptor::wait_status(statuses, 1, wait_FN));
    guest.queue.push(descriptor::iotlb_global());
    guest.queue.push(descriptor::wait_status(statuses + 4, 2, wait_FN));
    guest.queue.ring();
    CHECK(guest.is_done());
    CHECK(guest.ram.read64(statuses) == 0x2'00000001);
}

TEST_CASE("Completion: a wait with IF sets IWC and sends the message once", "[vtd][queue]") {
    CompletionGuest guest;
    CHECK(guest.completion() == 0);
    guest.wait_with_interrupt();
    CHECK(guest.completion() == IWC);
    CHECK(guest.doorbell.take() == CompletionGuest::data);

    // Not serviced: no further message.
    guest.wait_with_interrupt();
    CHECK_FALSE(guest.doorbell.take());
    CHECK((guest.unit.read32(reg::IECTL) & IP) == 0);

    guest.unit.write32(reg::ICS, IWC);
    CHECK(guest.completion() == 0);
    guest.wait_with_interrupt();
    CHECK(guest.doorbell.take() == CompletionGuest::data);
}

TEST_CASE("Completion: status and interrupt together", "[vtd][queue]") {
    CompletionGuest guest;
    guest.queue.push(descriptor::wait_status(guest.queue.status_address(), done, wait_IF));
    guest.queue.ring();
    CHECK(guest.is_done());
    CHECK(guest.queue.status() == done);
    CHECK(guest.completion() == IWC);
    CHECK(guest.doorbell.take() == CompletionGuest::data);
}

TEST_CASE("Completion: the status is written before the message is sent", "[vtd][queue]") {
    // Both to the same word: the later one stays.
    CompletionGuest guest;
    guest.queue.push(descriptor::wait_status(guest.doorbell.address(), done, wait_IF));
    guest.queue.ring();
    CHECK(guest.is_done());
    CHECK(guest.doorbell.take() == CompletionGuest::data);
}

TEST_CASE("Completion: a masked event waits and is sent once on unmasking", "[vtd][queue]") {
    CompletionGuest guest;
    guest.unit.write32(reg::IECTL, IM);
    guest.wait_with_interrupt();
    CHECK_FALSE(guest.doorbell.take());
    CHECK(guest.unit.read32(reg::IECTL) == (IM | IP));
    guest.unit.write32(reg::IECTL, 0);
    CHECK(guest.doorbell.take() == CompletionGuest::data);
    CHECK(guest.unit.read32(reg::IECTL) == 0);
}

TEST_CASE("Completion: an event that was serviced while masked is never sent", "[vtd][queue]") {
    CompletionGuest guest;
    guest.unit.write32(reg::IECTL, IM);
    guest.wait_with_interrupt();
    guest.unit.write32(reg::ICS, IWC);
    CHECK(guest.unit.read32(reg::IECTL) == IM);
    guest.unit.write32(reg::IECTL, 0);
    CHECK_FALSE(guest.doorbell.take());
}

TEST_CASE("Completion: a wait without IF sends nothing", "[vtd][queue]") {
    CompletionGuest guest;
    guest.queue.submit(descriptor::iotlb_global());
    CHECK(guest.completion() == 0);
    CHECK_FALSE(guest.doorbell.take());
}
