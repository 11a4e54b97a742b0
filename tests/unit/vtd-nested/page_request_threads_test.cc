// SPDX-License-Identifier: GPL-2.0-or-later
//
// Devices that ask for pages and translations while a driver takes requests, answers them, and resets the unit.
#include <algorithm>
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <map>
#include <thread>

#include "ats_expect.h"

using namespace test;
using iommu::ResponseCode;

namespace {

constexpr unsigned kDevices = 3, kRequests = 3000;
constexpr std::uint64_t kIova = 0x7000, kOutput = 0x180'0000;

std::uint32_t device(unsigned index) { return kDevice + 8 * index; }

void build(Guest& guest) {
    for (unsigned index = 0; index < kDevices; ++index)
        guest.scalable_device(device(index), {.pgtt = 1, .did = 7}, {.dte = true, .pre = true});
    guest.map_first(kIova, kOutput, kP | kRW | kUS);
    guest.enable_page_requests();
    guest.enable_queue();
    guest.enable(kTtmScalable);
}

// The n-th request of a device says so in its address.
iommu::PageRequest request_of(unsigned index, std::uint64_t number) {
    auto page = last(page_at(number << 12));
    page.requester = iommu::RequesterId{device(index)};
    return page;
}

void run_device(Guest& guest, unsigned index) {
    for (std::uint64_t number = 1; number <= kRequests; ++number) {
        guest.unit.page_request(request_of(index, number));
        (void)guest.unit.translation_request(translation_at(kIova));
        (void)guest.ask(translated(write_at(kOutput)));
        (void)guest.write(kDevice, kIova);
    }
}

// As Linux does it: PPR first, then what lies between PQH and PQT, then PRO.
void take_requests(Guest& guest, std::map<std::uint32_t, std::vector<std::uint64_t>>& taken) {
    guest.w32(kPrs, kPpr);
    const std::uint64_t tail = guest.r64(kPqt);
    for (std::uint64_t head = guest.r64(kPqh); head != tail; head = (head + 32) % 0x1000) {
        const Words4 words = guest.page_descriptor(head);
        taken[words[0] >> 16 & 0xffff].push_back(words[1] >> 12);
    }
    guest.w64(kPqh, tail);
    if ((guest.r32(kPrs) & kPro) != 0) guest.w32(kPrs, kPro);
}

}  // namespace

TEST_CASE("Each page request is queued once and in its device's order, or answered", "[vtd][prq][threads]") {
    Guest guest;
    build(guest);
    std::atomic<unsigned> running{kDevices};
    std::vector<std::thread> devices;
    devices.reserve(kDevices);
    for (unsigned index = 0; index < kDevices; ++index) {
        devices.emplace_back([&, index] {
            run_device(guest, index);
            --running;
        });
    }
    std::map<std::uint32_t, std::vector<std::uint64_t>> taken;
    while (running != 0)
        take_requests(guest, taken);
    for (std::thread& thread : devices)
        thread.join();
    take_requests(guest, taken);

    std::size_t queued = 0;
    for (unsigned index = 0; index < kDevices; ++index) {
        const auto& numbers = taken[device(index)];
        queued += numbers.size();
        CHECK(std::is_sorted(numbers.begin(), numbers.end()));
        CHECK(std::adjacent_find(numbers.begin(), numbers.end()) == numbers.end());
    }
    CHECK(queued + guest.ports.responses.size() == std::size_t{kDevices} * kRequests);
    for (const auto& response : guest.ports.responses)
        CHECK(response.code == ResponseCode::Success);
    CHECK(guest.take_fault() == 0);
}

TEST_CASE("Page requests against resets, root table changes and responses end in an answer or the queue",
          "[vtd][prq][threads]") {
    Guest guest;
    build(guest);
    std::atomic<unsigned> running{kDevices};
    std::vector<std::thread> devices;
    devices.reserve(kDevices);
    for (unsigned index = 0; index < kDevices; ++index) {
        devices.emplace_back([&, index] {
            run_device(guest, index);
            --running;
        });
    }
    const auto memory = guest.ram.copy(0, 0x1000);
    while (running != 0) {
        guest.unit.reset();
        // Who was waiting for the lock meanwhile comes in now.
        std::this_thread::sleep_for(std::chrono::microseconds(20));
        guest.enable_page_requests();
        guest.w64(kIqt, 0);
        guest.w64(kIqa, guest.queue | 1u << 11);
        guest.command(kQie);
        guest.queue_tail = 0;
        guest.enable(kTtmScalable);
        guest.submit(page_response(kDevice, 1, 0));
        guest.submit(pasid_iotlb(2, 7, 0));
    }
    for (std::thread& thread : devices)
        thread.join();
    // A request that met a reset was not written to where PQA points then.
    CHECK((guest.ram.copy(0, 0x1000) == memory));
    // Overflowed, or not enabled; but never refused by tables that always allow it.
    for (const auto& response : guest.ports.responses)
        CHECK(response.code != ResponseCode::InvalidRequest);
    CHECK(guest.take_fault() == 0);
}

TEST_CASE("A storm of page requests costs each the same: nothing is kept, nothing grows", "[vtd][prq]") {
    Guest guest;
    build(guest);
    for (std::uint64_t number = 0; number < 100'000; ++number)
        guest.unit.page_request(request_of(0, number));
    CHECK(guest.r64(kPqt) == 32 * 127);
    CHECK(guest.r32(kPrs) == (kPpr | kPro));
    CHECK(guest.ports.responses.size() == 100'000 - 127);
    CHECK(guest.ports.messages.size() == 1);
}
