// SPDX-License-Identifier: GPL-2.0-or-later
//
// Groups of page requests as software writes them down: indexes, credit, time, status. [PCIe 6.0 s10.4, s10.5.2]
#include <catch2/catch_test_macros.hpp>

#include "host.h"

using namespace test;
using iommu::ResponseCode;

namespace {

constexpr std::uint64_t kPasid5 = 0x80000005;

std::uint64_t pages(unsigned count, unsigned index, std::uint64_t flags) {
    return at(count, AE_PAGES_COUNT) | at(index, AE_PAGES_INDEX) | flags;
}
std::uint32_t status(const Bench& bench) { return bench.device.pri_status().raw() >> 16; }

constexpr std::uint32_t kRf = 0x1;
constexpr std::uint32_t kUprgi = 0x2;
constexpr std::uint32_t kStopped = 0x100;

}  // namespace

TEST_CASE("endpoint pages: a group as software wrote it down") {
    Bench bench;
    bench.order({.operation = AE_OP_PAGE_REQUEST,
                 .source = 0x7123,
                 .pasid = kPasid5 | 0x60000000,
                 .pages = pages(3, 0x1ab, AE_PAGES_WRITE | AE_PAGES_LAST | AE_PAGES_WAIT)});
    bench.run();
    REQUIRE(bench.host.page_requests.size() == 3);
    for (unsigned i = 0; i < 3; ++i) {
        const iommu::PageRequest& request = bench.host.page_requests[i];
        CHECK(request.address.value == 0x7000 + 0x1000 * i);
        CHECK(request.index == 0x1ab);
        CHECK(request.last == (i == 2));
        CHECK((request.write && !request.read && request.execute && request.privileged));
    }
    CHECK(bench.busy());
    bench.respond(0x1ab, ResponseCode::InvalidRequest, 5);
    CHECK(bench.code() == AE_CODE_PAGE_REFUSED);
    CHECK(bench.channel(AE_RESPONSE) == (AE_RESPONSE_VALID | 0x1000 | 0x1ab));
    CHECK(bench.get64(AE_LAST_RESPONSE_64) == 0x000011ab00100005);
}

TEST_CASE("endpoint pages: a group that does not end has no response, one that is not waited for has") {
    Bench bench;
    CHECK(bench.carry_out({.operation = AE_OP_PAGE_REQUEST, .pages = pages(2, 1, AE_PAGES_READ | AE_PAGES_WAIT)}) ==
          AE_CODE_SUCCESS);
    CHECK(!bench.host.page_requests[1].last);
    bench.respond(1, ResponseCode::Success);
    CHECK(bench.get(AE_RESPONSES_UNEXPECTED) == 1);
    CHECK(bench.carry_out({.operation = AE_OP_PAGE_REQUEST, .pages = pages(2, 1, AE_PAGES_READ | AE_PAGES_LAST)}) ==
          AE_CODE_SUCCESS);
    bench.respond(1, ResponseCode::Success);
    CHECK(bench.get(AE_RESPONSES_UNEXPECTED) == 1);
}

TEST_CASE("endpoint pages: a stop marker is no request") {
    Bench bench;
    CHECK(bench.carry_out({.operation = AE_OP_STOP_MARKER, .source = 0x5000, .pasid = kPasid5}) == AE_CODE_SUCCESS);
    REQUIRE(bench.host.page_requests.size() == 1);
    CHECK(bench.host.page_requests[0].stop_marker());
    CHECK(bench.host.page_requests[0].pasid == iommu::Pasid{5});
    CHECK(bench.get(AE_STOP_MARKERS) == 1);
    CHECK(bench.get(AE_PAGE_REQUESTS) == 0);
}

TEST_CASE("endpoint pages: a burst is groups of one page, with the next index each") {
    Bench bench;
    bench.enable(kAtsOn, kPriOn, 64);
    CHECK(bench.carry_out({.operation = AE_OP_PAGE_REQUEST,
                           .pages = pages(3, 0x1ff, AE_PAGES_READ | AE_PAGES_LAST | AE_PAGES_BURST)}) ==
          AE_CODE_SUCCESS);
    REQUIRE(bench.host.page_requests.size() == 3);
    CHECK(bench.host.page_requests[0].index == 0x1ff);
    CHECK(bench.host.page_requests[1].index == 0);
    CHECK(bench.host.page_requests[2].index == 1);
    CHECK((bench.host.page_requests[0].last && bench.host.page_requests[2].last));
}

TEST_CASE("endpoint pages: the device waits when all that was allocated is in use, or is refused at once") {
    Bench bench;
    bench.enable(kAtsOn, kPriOn, 2);
    const std::uint64_t burst = pages(3, 0, AE_PAGES_READ | AE_PAGES_LAST | AE_PAGES_BURST);
    SECTION("waits") {
        bench.order({.operation = AE_OP_PAGE_REQUEST, .pages = burst});
        bench.run();
        CHECK(bench.host.page_requests.size() == 2);
        CHECK(bench.channel(AE_STATUS) == (AE_STATUS_BUSY | AE_STATUS_WAITS_CREDIT));
        bench.respond(0, ResponseCode::Success);
        bench.run();
        CHECK(bench.host.page_requests.size() == 3);
        CHECK(bench.code() == AE_CODE_SUCCESS);
    }
    SECTION("unless it is told to go beyond") {
        bench.set(AE_BEHAVIOUR, AE_BEHAVIOUR_IGNORE_CAPACITY);
        CHECK(bench.carry_out({.operation = AE_OP_PAGE_REQUEST, .pages = burst}) == AE_CODE_SUCCESS);
        CHECK(bench.host.page_requests.size() == 3);
        CHECK(bench.get(AE_STRUCK_CAPACITY) == 1);
    }
    SECTION("a group larger than all of it") {
        CHECK(bench.carry_out({.operation = AE_OP_PAGE_REQUEST, .pages = pages(2, 0, AE_PAGES_LAST | AE_PAGES_READ)}) ==
              AE_CODE_SUCCESS);
        bench.respond(0, ResponseCode::Success);
        CHECK(bench.carry_out({.operation = AE_OP_PAGE_REQUEST, .pages = pages(3, 0, AE_PAGES_LAST | AE_PAGES_READ)}) ==
              AE_CODE_REFUSED);
    }
    SECTION("a group of all of it waits for those before") {
        bench.carry_out({.operation = AE_OP_PAGE_REQUEST, .pages = pages(1, 0, AE_PAGES_LAST | AE_PAGES_READ)});
        bench.order({.operation = AE_OP_PAGE_REQUEST, .pages = pages(2, 1, AE_PAGES_LAST | AE_PAGES_READ)});
        bench.run();
        CHECK(bench.channel(AE_STATUS) == (AE_STATUS_BUSY | AE_STATUS_WAITS_CREDIT));
        bench.respond(0, ResponseCode::Success);
        bench.run();
        CHECK(bench.code() == AE_CODE_SUCCESS);
    }
    SECTION("an access through the ATC waits too") {
        bench.carry_out({.operation = AE_OP_PAGE_REQUEST, .pages = pages(2, 0, AE_PAGES_LAST | AE_PAGES_READ)});
        bench.host.pages[0x4000] = {.to = 0x8000, .rights = iommu::Rights::None};
        bench.order({.operation = AE_OP_READ | AE_VIA_ATC, .source = 0x4000, .length = 4});
        bench.run();
        CHECK(bench.channel(AE_STATUS) == (AE_STATUS_BUSY | AE_STATUS_WAITS_CREDIT));
        bench.respond(0, ResponseCode::Success);
        bench.run();
        CHECK(bench.channel(AE_STATUS) == (AE_STATUS_BUSY | AE_STATUS_WAITS_RESPONSE));
    }
}

TEST_CASE("endpoint pages: with page requests off a request can be sent all the same") {
    Bench bench;
    bench.enable(0, kPriOff, 0);
    CHECK(bench.carry_out({.operation = AE_OP_PAGE_REQUEST, .pages = pages(1, 0, AE_PAGES_READ | AE_PAGES_LAST)}) ==
          AE_CODE_SUCCESS);
    CHECK(bench.host.page_requests.size() == 1);
    CHECK(status(bench) == 0);  // off, but not stopped: one is open
    bench.respond(0, ResponseCode::Success);
    CHECK(status(bench) == kStopped);
}

TEST_CASE("endpoint pages: indexes the device chooses are not in use, unless it lies") {
    Bench bench;
    const std::uint64_t group = pages(1, 0, AE_PAGES_READ | AE_PAGES_LAST | AE_PAGES_AUTO);
    bench.carry_out({.operation = AE_OP_PAGE_REQUEST, .pages = pages(1, 1, AE_PAGES_READ | AE_PAGES_LAST)});
    bench.carry_out({.operation = AE_OP_PAGE_REQUEST, .pages = group});
    bench.carry_out({.operation = AE_OP_PAGE_REQUEST, .pages = group});
    CHECK(bench.host.page_requests[1].index == 0);
    CHECK(bench.host.page_requests[2].index == 2);
    bench.set(AE_SAME_INDEXES, 1);
    bench.carry_out({.operation = AE_OP_PAGE_REQUEST, .pages = group});
    CHECK(bench.host.page_requests[3].index == 2);
    CHECK(bench.get(AE_STRUCK_SAME_INDEX) == 1);
    bench.carry_out({.operation = AE_OP_PAGE_REQUEST, .pages = group});
    CHECK(bench.host.page_requests[4].index == 3);
}

TEST_CASE("endpoint pages: a group keeps the index that the device chose") {
    Bench bench;
    bench.carry_out({.operation = AE_OP_PAGE_REQUEST, .pages = pages(3, 0, AE_PAGES_READ | AE_PAGES_AUTO)});
    REQUIRE(bench.host.page_requests.size() == 3);
    CHECK(bench.host.page_requests[2].index == bench.host.page_requests[0].index);
}

TEST_CASE("endpoint pages: an index that is not in use cannot be used twice") {
    Bench bench;
    const std::uint64_t group = pages(1, 0, AE_PAGES_READ | AE_PAGES_LAST | AE_PAGES_AUTO);
    bench.carry_out({.operation = AE_OP_PAGE_REQUEST, .pages = group});
    bench.respond(0, ResponseCode::Success);
    bench.set(AE_SAME_INDEXES, 1);
    bench.carry_out({.operation = AE_OP_PAGE_REQUEST, .pages = group});
    CHECK(bench.host.page_requests[1].index == 1);
    CHECK(bench.get(AE_SAME_INDEXES) == 1);
}

TEST_CASE("endpoint pages: a request for no access that ends its group, with a PASID, is a stop marker: not answered") {
    Bench bench;
    CHECK(bench.carry_out({.operation = AE_OP_PAGE_REQUEST, .pasid = kPasid5, .pages = pages(1, 4, AE_PAGES_LAST)}) ==
          AE_CODE_SUCCESS);
    bench.enable(kAtsOn, kPriOff);
    CHECK(status(bench) == kStopped);
}

TEST_CASE("endpoint pages: a channel that waits cannot be started again") {
    Bench bench;
    bench.order({.operation = AE_OP_PAGE_REQUEST, .pages = pages(1, 4, AE_PAGES_READ | AE_PAGES_LAST | AE_PAGES_WAIT)});
    bench.run();
    bench.set(AE_CHANNEL(0) + AE_DOORBELL, AE_DOORBELL_START);
    bench.run();
    CHECK(bench.host.page_requests.size() == 1);
    CHECK(bench.channel(AE_STATUS) == (AE_STATUS_BUSY | AE_STATUS_WAITS_RESPONSE));
}

TEST_CASE("endpoint pages: a response can be ignored, and waiting for it has an end") {
    Bench bench;
    bench.set(AE_IGNORE_RESPONSES, 1);
    bench.set64(AE_RESPONSE_TIMEOUT_NS_64, 500);
    bench.order({.operation = AE_OP_PAGE_REQUEST, .pages = pages(1, 9, AE_PAGES_READ | AE_PAGES_LAST | AE_PAGES_WAIT)});
    bench.run();
    bench.respond(9, ResponseCode::Success);
    CHECK(bench.busy());
    CHECK(bench.get(AE_STRUCK_IGNORE_RESPONSE) == 1);
    CHECK(bench.get(AE_RESPONSES_UNEXPECTED) == 0);
    CHECK(bench.device.deadline_ns() == 1500);
    bench.pass(499);
    bench.device.tick();
    CHECK(bench.busy());
    bench.pass(1);
    CHECK(bench.code() == AE_CODE_TIME_OUT);
    CHECK(bench.device.deadline_ns() == iommu::kNever);
    // The group is still open: a response that comes now is expected, and nobody waits for it, not even the next.
    bench.order(
        {.operation = AE_OP_PAGE_REQUEST, .pages = pages(1, 10, AE_PAGES_READ | AE_PAGES_LAST | AE_PAGES_WAIT)});
    bench.run();
    bench.respond(9, ResponseCode::Success);
    CHECK(bench.get(AE_RESPONSES_UNEXPECTED) == 0);
    CHECK(bench.busy());
    bench.set(AE_CHANNEL(0) + AE_DOORBELL, AE_DOORBELL_CANCEL);
    bench.order(
        {.operation = AE_OP_PAGE_REQUEST, .pages = pages(1, 11, AE_PAGES_READ | AE_PAGES_LAST | AE_PAGES_WAIT)});
    bench.run();
    bench.respond(10, ResponseCode::Success);
    CHECK(bench.busy());
    bench.respond(11, ResponseCode::Success);
    CHECK(bench.code() == AE_CODE_SUCCESS);
}

TEST_CASE("endpoint pages: Stopped says that nothing is asked for and nothing is open") {
    Bench bench;
    CHECK(status(bench) == 0);
    bench.carry_out({.operation = AE_OP_PAGE_REQUEST, .pages = pages(1, 0, AE_PAGES_READ | AE_PAGES_LAST)});
    bench.enable(kAtsOn, kPriOff);
    CHECK(status(bench) == 0);
    bench.respond(0, ResponseCode::Success);
    CHECK(status(bench) == kStopped);
}

TEST_CASE("endpoint pages: Reset ends what is open, but only while page requests are off") {
    Bench bench;
    bench.order({.operation = AE_OP_PAGE_REQUEST, .pages = pages(1, 0, AE_PAGES_READ | AE_PAGES_LAST | AE_PAGES_WAIT)});
    bench.run();
    bench.enable(kAtsOn, kPriOn | 0x2);
    CHECK(bench.busy());
    bench.enable(kAtsOn, kPriOff | 0x2);
    CHECK(bench.code() == AE_CODE_CANCELLED);
    CHECK(status(bench) == kStopped);
    bench.respond(0, ResponseCode::Success);
    CHECK(bench.get(AE_RESPONSES_UNEXPECTED) == 1);
}

TEST_CASE("endpoint pages: more groups than there are indexes are refused") {
    Bench bench;
    bench.enable(kAtsOn, kPriOff, 0);
    CHECK(bench.carry_out({.operation = AE_OP_PAGE_REQUEST,
                           .pages = pages(512, 0, AE_PAGES_READ | AE_PAGES_LAST | AE_PAGES_BURST)}) == AE_CODE_SUCCESS);
    CHECK(bench.carry_out({.operation = AE_OP_PAGE_REQUEST, .pages = pages(1, 0, AE_PAGES_READ | AE_PAGES_LAST)}) ==
          AE_CODE_REFUSED);
    CHECK(bench.host.page_requests.size() == 512);
}
