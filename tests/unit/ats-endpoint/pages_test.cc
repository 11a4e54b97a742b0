// SPDX-License-Identifier: GPL-2.0-or-later
//
// Page requests of accesses through the ATC, and their responses. [PCIe 6.0 s10.4, s10.5.2]
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

TEST_CASE("endpoint pages: an access without rights asks for its page, waits, and is made again") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000, .rights = iommu::Rights::None};
    bench.host.ram[0x8008] = 3;
    bench.order({.operation = AE_OP_READ | AE_VIA_ATC, .source = 0x4008, .length = 8, .pasid = kPasid5});
    bench.run();
    CHECK(bench.channel(AE_STATUS) == (AE_STATUS_BUSY | AE_STATUS_WAITS_RESPONSE));
    CHECK(bench.get(AE_ATC_USED) == 0);
    REQUIRE(bench.host.page_requests.size() == 1);
    const iommu::PageRequest& request = bench.host.page_requests[0];
    CHECK(request.requester.value == kUs);
    CHECK(request.pasid == iommu::Pasid{5});
    CHECK(request.address.value == 0x4000);
    CHECK((request.read && !request.write && !request.execute && !request.privileged && request.last));
    bench.host.pages[0x4000].rights = iommu::Rights::ReadWrite;
    bench.respond(request.index, ResponseCode::Success, 5);
    bench.run();
    CHECK(bench.code() == AE_CODE_SUCCESS);
    CHECK(bench.get(AE_WINDOW(0)) == 3);
    CHECK(in(bench.channel(AE_RESULT), AE_RESULT_TRANSACTIONS) == 1);
    CHECK(bench.get(AE_RESPONSES_SUCCESS) == 1);
    CHECK(bench.get(AE_PAGE_REQUESTS) == 1);
}

TEST_CASE("endpoint pages: a page request says what the access is for") {
    struct Case {
        std::uint64_t operation;
        std::uint64_t pasid;
        bool read, write, execute, privileged;
    };
    const Case cases[] = {
        {AE_OP_READ, kPasid5, true, false, false, false},
        {AE_OP_WRITE, kPasid5, false, true, false, false},
        {AE_OP_SWAP, kPasid5, true, true, false, false},
        {AE_OP_READ, kPasid5 | 0x60000000, true, false, true, true},
    };
    for (const Case& one : cases) {
        Bench bench;
        bench.host.pages[0x4000] = {.to = 0x8000, .rights = iommu::Rights::None};
        bench.order({.operation = one.operation | AE_VIA_ATC,
                     .source = one.operation == AE_OP_WRITE ? 0u : 0x4000u,
                     .destination = one.operation == AE_OP_READ ? 0u : 0x4000u,
                     .length = 4,
                     .pasid = one.pasid});
        bench.run();
        REQUIRE(bench.host.page_requests.size() == 1);
        const iommu::PageRequest& request = bench.host.page_requests[0];
        CHECK(request.read == one.read);
        CHECK(request.write == one.write);
        CHECK(request.execute == one.execute);
        CHECK(request.privileged == one.privileged);
    }
}

TEST_CASE("endpoint pages: without page requests there are simply no rights") {
    Bench bench;
    bench.enable(kAtsOn, kPriOff, 0);
    bench.host.pages[0x4000] = {.to = 0x8000, .rights = iommu::Rights::Read};
    CHECK(bench.carry_out({.operation = AE_OP_WRITE | AE_VIA_ATC, .destination = 0x4000, .length = 8}) ==
          AE_CODE_NO_RIGHTS);
    CHECK(bench.host.page_requests.empty());
    CHECK(bench.get(AE_ATC_USED) == 1);  // what it does allow is kept
}

TEST_CASE("endpoint pages: an access gives up after four requests that helped nothing") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000, .rights = iommu::Rights::None};
    bench.host.on_page_request = [&](const iommu::PageRequest& request) {
        bench.respond(request.index, ResponseCode::Success);
    };
    CHECK(bench.read_via_atc(0x4000) == AE_CODE_NO_RIGHTS);
    CHECK(bench.host.page_requests.size() == 4);
}

TEST_CASE("endpoint pages: what was asked for in an operation that was given up does not count") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000, .rights = iommu::Rights::None};
    for (unsigned time = 1; time <= 6; ++time) {
        bench.order({.operation = AE_OP_READ | AE_VIA_ATC, .source = 0x4000, .length = 8});
        bench.run();
        CHECK(bench.host.page_requests.size() == time);
        bench.set(AE_CHANNEL(0) + AE_DOORBELL, AE_DOORBELL_CANCEL);
    }
}

TEST_CASE("endpoint pages: each page of an access may be asked for four times") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000, .rights = iommu::Rights::None};
    bench.host.pages[0x5000] = {.to = 0x9000, .rights = iommu::Rights::None};
    unsigned asked = 0;
    bench.host.on_page_request = [&](const iommu::PageRequest& request) {
        if (++asked % 4 == 0) bench.host.pages[request.address.value].rights = iommu::Rights::ReadWrite;
        bench.respond(request.index, ResponseCode::Success);
    };
    CHECK(bench.carry_out({.operation = AE_OP_READ | AE_VIA_ATC, .source = 0x4ff8, .length = 16}) == AE_CODE_SUCCESS);
    CHECK(asked == 8);
}

TEST_CASE("endpoint pages: what the response says is the access's result") {
    struct Case {
        unsigned code;
        std::uint64_t result;
        std::uint32_t counter;
        std::uint32_t status;
    };
    const Case cases[] = {
        {1, AE_CODE_PAGE_REFUSED, AE_RESPONSES_INVALID, 0},
        {15, AE_CODE_RESPONSE_FAILURE, AE_RESPONSES_FAILURE, kRf},
        {7, AE_CODE_RESPONSE_FAILURE, AE_RESPONSES_FAILURE, kRf},  // reserved
    };
    for (const Case& one : cases) {
        Bench bench;
        bench.host.pages[0x4000] = {.to = 0x8000, .rights = iommu::Rights::None};
        bench.order({.operation = AE_OP_READ | AE_VIA_ATC, .source = 0x4000, .length = 8});
        bench.run();
        bench.respond(bench.host.page_requests.at(0).index, static_cast<ResponseCode>(one.code));
        CHECK(bench.code() == one.result);
        CHECK(bench.get(one.counter) == 1);
        CHECK(status(bench) == one.status);
    }
}

TEST_CASE("endpoint pages: after Response Failure all groups are over, and nothing is asked until it is cleared") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000, .rights = iommu::Rights::None};
    for (unsigned n = 0; n < 2; ++n)
        bench.order({.operation = AE_OP_READ | AE_VIA_ATC, .source = 0x4000, .length = 8}, n);
    bench.run();
    REQUIRE(bench.host.page_requests.size() == 2);
    bench.respond(bench.host.page_requests[1].index, ResponseCode::ResponseFailure);
    CHECK(bench.code(0) == AE_CODE_RESPONSE_FAILURE);
    CHECK(bench.code(1) == AE_CODE_RESPONSE_FAILURE);
    CHECK(bench.host.statuses_changed == 2);  // enabled: not stopped any more; failed
    bench.respond(bench.host.page_requests[0].index, ResponseCode::Success);
    CHECK(status(bench) == kRf);  // ignored: not an unexpected index
    CHECK(bench.read_via_atc(0x4000) == AE_CODE_NO_RIGHTS);
    bench.enable(kAtsOn, kPriOff);
    CHECK(status(bench) == (kRf | kStopped));
    bench.enable(kAtsOn, kPriOn | 0x10000);
    CHECK(status(bench) == 0);
    bench.order({.operation = AE_OP_READ | AE_VIA_ATC, .source = 0x4000, .length = 8});
    bench.run();
    CHECK(bench.host.page_requests.size() == 3);
}

TEST_CASE("endpoint pages: an index or a PASID that no group has is unexpected") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000, .rights = iommu::Rights::None};
    bench.order({.operation = AE_OP_READ | AE_VIA_ATC, .source = 0x4000, .length = 8, .pasid = kPasid5});
    bench.run();
    const unsigned index = bench.host.page_requests.at(0).index;
    SECTION("index") {
        bench.respond(index + 1, ResponseCode::Success, 5);
        CHECK(bench.get(AE_STRUCK_PASID_MISMATCH) == 0);
    }
    SECTION("PASID") {
        bench.respond(index, ResponseCode::Success, 6);
        CHECK(bench.get(AE_STRUCK_PASID_MISMATCH) == 1);
    }
    SECTION("no PASID") { bench.respond(index, ResponseCode::Success); }
    CHECK(bench.busy());
    CHECK(status(bench) == kUprgi);
    CHECK(bench.get(AE_RESPONSES_UNEXPECTED) == 1);
    bench.enable(kAtsOn, kPriOn | 0x20000);
    CHECK(status(bench) == 0);
}

TEST_CASE("endpoint pages: whether a response must have its group's PASID can be chosen") {
    const auto mismatch = [](std::uint32_t behaviour, std::uint32_t pri) {
        Bench bench;
        bench.enable(kAtsOn, pri);
        bench.set(AE_BEHAVIOUR, behaviour);
        bench.order({.operation = AE_OP_PAGE_REQUEST,
                     .source = 0x4000,
                     .pasid = kPasid5,
                     .pages = pages(1, 3, AE_PAGES_READ | AE_PAGES_LAST | AE_PAGES_WAIT)});
        bench.run();
        bench.respond(3, ResponseCode::Success, 6);
        return bench.code();
    };
    CHECK(mismatch(AE_BEHAVIOUR_CHECK_RESPONSE_PASID, kPriOn) == AE_CODE_NONE);
    CHECK(mismatch(0, kPriOn) == AE_CODE_SUCCESS);
    // PRG Response PASID Required = 0: responses have none to check.
    CHECK(mismatch(AE_BEHAVIOUR_CHECK_RESPONSE_PASID, 1) == AE_CODE_SUCCESS);
}
