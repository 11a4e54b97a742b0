// SPDX-License-Identifier: GPL-2.0-or-later
//
// Page requests of a real device: into the queue, and the answer back, from software or from hardware.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <vector>

#include "vtd/fault_scene.h"
#include "vtd/page_request_scene.h"

using namespace vtd_driver;
using qtest::Code;
using qtest::EndpointOperation;
using qtest::eventually;
using qtest::Op;
using qtest::Via;
namespace endpoint_reg = qtest::endpoint_reg;
namespace pages = qtest::endpoint_pages;

namespace {

constexpr std::uint32_t with_pasid_5 = qtest::endpoint_pasid::valid | pasid;
constexpr std::uint64_t missing = iova + 0x10'0000;  // has a table, and no page

// A group of one page that waits for its response.
constexpr EndpointOperation one_page{
    .op = Op::PageRequest, .source = missing, .pages = pages::group(3) | pages::read | pages::last | pages::wait};

EndpointOperation read_through_atc(std::uint64_t address, std::uint32_t pasid_word = 0) {
    return {.op = Op::Read, .via = Via::Atc, .source = address, .length = 8, .pasid = pasid_word};
}

Bytes window(PageScene& guest) { return guest.qemu.qtest().memread(guest.endpoint().window(), 8); }

}  // namespace

TEST_CASE("PageRequests: a group arrives page by page with every field", "[vtd][page-requests]") {
    PageScene guest;
    const EndpointOperation group{.op = Op::PageRequest,
                                  .source = missing,
                                  .pages = pages::group(0x155, 3) | pages::read | pages::write | pages::last};
    CHECK(guest.endpoint().run(group) == Code::Success);
    CHECK(guest.queued() == 3);
    for (unsigned i = 0; i < 3; ++i) {
        CHECK(guest.slot(i) ==
              guest.words_of(
                  {.address = missing + 0x1000 * i, .read = true, .write = true, .last = i == 2, .index = 0x155}));
    }
    CHECK(guest.page_status() == PPR);
    CHECK(guest.doorbell.take() == page_event);
    CHECK(guest.take_faults().empty());
    CHECK(guest.counted(endpoint_reg::page_requests) == 3);
}

TEST_CASE("PageRequests: a PASID, and what goes with it, arrives too", "[vtd][page-requests]") {
    PageScene guest;
    for (const unsigned bits : {0u, 1u, 2u, 3u}) {
        INFO("EXEC " << (bits & 1) << ", PRIV " << (bits >> 1));
        const bool execute = (bits & 1) != 0, privileged = (bits & 2) != 0;
        const std::uint32_t word =
            with_pasid_5 | (execute ? qtest::endpoint_pasid::exec : 0) | (privileged ? qtest::endpoint_pasid::priv : 0);
        CHECK(guest.endpoint().run({.op = Op::PageRequest,
                                    .source = missing,
                                    .pages = pages::group(0x1ff) | pages::write,
                                    .pasid = word}) == Code::Success);
        CHECK(guest.slot(bits) == guest.words_of({.address = missing,
                                                  .write = true,
                                                  .index = 0x1ff,
                                                  .with_pasid = true,
                                                  .execute = execute,
                                                  .privileged = privileged}));
    }
    CHECK(guest.queued() == 4);
}

TEST_CASE("PageRequests: the device learns each response", "[vtd][page-requests]") {
    struct Response {
        unsigned code;
        Code result;
        std::uint32_t counter;
    };
    for (const Response& response :
         {Response{response_success, Code::Success, endpoint_reg::responses_success},
          Response{response_invalid, Code::PageRefused, endpoint_reg::responses_invalid},
          Response{response_failure, Code::ResponseFailure, endpoint_reg::responses_failure}}) {
        INFO("RC " << response.code);
        PageScene guest;
        auto operation = one_page;
        operation.pasid = with_pasid_5;
        guest.endpoint().start(operation);
        REQUIRE(guest.has_asked());
        guest.queue.submit(descriptor::pasid_page_response(guest.id(), pasid, 3, response.code));
        CHECK(guest.endpoint().finish() == response.result);
        CHECK(guest.endpoint().get64(endpoint_reg::last_response) ==
              (field(19, 0, pasid) | bit(20) | field(40, 32, 3) | field(47, 44, response.code)));
        CHECK(guest.counted(response.counter) == 1);
        CHECK(guest.counted(endpoint_reg::responses_unexpected) == 0);
    }
}

TEST_CASE("PageRequests: a response for another group leaves this one waiting", "[vtd][page-requests]") {
    PageScene guest(2);
    guest.start_group(missing, 3);
    guest.start_group(missing, 3, 1);
    REQUIRE(guest.has_asked(0));
    REQUIRE(guest.has_asked(1));
    guest.respond(4, response_success);                                                           // another index
    guest.queue.submit(descriptor::pasid_page_response(guest.id(), pasid, 3, response_success));  // with PASID
    guest.queue.submit(descriptor::page_response(0x0098, 3, response_success));                   // to nobody
    CHECK(guest.endpoint().busy());
    CHECK(guest.counted(endpoint_reg::responses_unexpected) == 2);
    guest.respond(3, response_invalid, 1);
    CHECK(guest.endpoint(1).finish() == Code::PageRefused);
    CHECK(guest.endpoint(0).busy());
    guest.respond(3, response_success);
    CHECK(guest.endpoint(0).finish() == Code::Success);
    CHECK(guest.errors() == 0);
}

TEST_CASE("PageRequests: an access without its page asks for it, and succeeds once it is mapped",
          "[vtd][page-requests]") {
    PageScene guest;
    const std::uint32_t pasid_word = GENERATE(0u, with_pasid_5);
    guest.endpoint().start(read_through_atc(missing + 0x20, pasid_word));
    REQUIRE(guest.has_asked());
    REQUIRE(guest.queued() == 1);
    const unsigned index = guest.index_of(0);
    const bool with_pasid = pasid_word != 0;
    CHECK(guest.slot(0) ==
          guest.words_of({.address = missing, .read = true, .last = true, .index = index, .with_pasid = with_pasid}));
    CHECK(guest.doorbell.take() == page_event);
    const std::uint64_t page = guest.patterned_page(9);
    guest.stage().map({.iova = missing, .target = page});
    guest.clear_page_status(PPR);
    guest.drain();
    guest.queue.submit(with_pasid ? descriptor::pasid_page_response(guest.id(), pasid, index, response_success)
                                  : descriptor::page_response(guest.id(), index, response_success));
    CHECK(guest.endpoint().finish() == Code::Success);
    CHECK(window(guest) == guest.ram.read(page + 0x20, 8));
    CHECK(guest.counted(endpoint_reg::page_requests) == 1);
    CHECK(guest.take_faults().empty());
    // And from now on without asking.
    CHECK(guest.endpoint().run(read_through_atc(missing, pasid_word)) == Code::Success);
    CHECK(guest.counted(endpoint_reg::page_requests) == 1);
}

TEST_CASE("PageRequests: a write to a page that may only be read asks to write", "[vtd][page-requests]") {
    PageScene guest;
    const std::uint64_t page = guest.patterned_page(9);
    guest.stage().map({.iova = missing, .target = page, .flags = ss::R});
    CHECK(guest.endpoint().run(read_through_atc(missing)) == Code::Success);
    guest.endpoint().start({.op = Op::Write, .via = Via::Atc, .destination = missing + 0x800, .length = 8});
    REQUIRE(guest.has_asked());
    const unsigned index = guest.index_of(0);
    CHECK(guest.slot(0) == guest.words_of({.address = missing, .write = true, .last = true, .index = index}));
    guest.stage().map({.iova = missing, .target = page});
    guest.respond(index, response_success);
    CHECK(guest.endpoint().finish() == Code::Success);
    CHECK(guest.ram.read(page + 0x800, 8) == guest.ram.read(page, 8));
}

TEST_CASE("PageRequests: a request drops what the unit keeps of its page, and of no other", "[vtd][page-requests]") {
    PageScene guest;
    constexpr std::uint64_t other = iova + 0x1000;
    const std::uint64_t page = guest.patterned_page(9);
    guest.stage().map({.iova = other, .target = guest.page()});
    const auto found_at = [&](std::uint64_t address) {
        CHECK(guest.endpoint().run({.op = Op::Read, .source = address, .length = 8}) == Code::Success);
        return window(guest);
    };
    const auto before = guest.ram.read(guest.page(), 8), after = guest.ram.read(page, 8);
    for (const std::uint64_t address : {iova, other})
        CHECK(found_at(address) == before);
    for (const std::uint64_t address : {iova, other}) {
        guest.stage().map({.iova = address, .target = page});
        CHECK(found_at(address) == before);
    }
    guest.ask_for(1);  // for `iova`
    CHECK(found_at(iova) == after);
    CHECK(found_at(other) == before);
}

TEST_CASE("PageRequests: Invalid Request ends the access, and the next one asks again", "[vtd][page-requests]") {
    PageScene guest;
    for (unsigned i = 0; i < 2; ++i) {
        guest.endpoint().start(read_through_atc(missing));
        REQUIRE(guest.has_asked());
        REQUIRE(guest.queued() == i + 1);
        guest.respond(guest.index_of(i), response_invalid);
        CHECK(guest.endpoint().finish() == Code::PageRefused);
    }
    CHECK(guest.take_faults().empty());
}

TEST_CASE("PageRequests: two channels wait, and are answered in the other order", "[vtd][page-requests]") {
    PageScene guest;
    guest.start_group(missing, 10, 0, 0);
    guest.start_group(missing + 0x1000, 11, 0, 1);
    REQUIRE(guest.has_asked(0, 0));
    REQUIRE(guest.has_asked(0, 1));
    guest.respond(11, response_invalid);
    CHECK(guest.endpoint().finish(1) == Code::PageRefused);
    CHECK(guest.endpoint().busy(0));
    guest.respond(10, response_success);
    CHECK(guest.endpoint().finish(0) == Code::Success);
}

TEST_CASE("PageRequests: what overflows is answered with Success, once for each group", "[vtd][page-requests]") {
    PageScene guest;
    guest.ask_for(PageScene::slots - 1);
    CHECK(guest.queued() == PageScene::slots - 1);
    CHECK(guest.page_status() == PPR);
    guest.ask_for(1);  // not the last of its group
    CHECK(guest.page_status() == (PPR | PRO));
    CHECK(guest.counted(endpoint_reg::responses_success) == 0);
    auto group = one_page;
    group.pages = pages::group(7, 3) | pages::read | pages::last | pages::wait;
    CHECK(guest.endpoint().run(group) == Code::Success);
    CHECK(guest.counted(endpoint_reg::responses_success) == 1);
    CHECK(guest.endpoint().get64(endpoint_reg::last_response) == field(40, 32, 7));
    CHECK(guest.queued() == PageScene::slots - 1);
    // There is room now, but the overflow stands.
    guest.drain();
    guest.clear_page_status(PPR);
    CHECK(guest.endpoint().run(one_page) == Code::Success);
    CHECK(guest.counted(endpoint_reg::responses_success) == 2);
    CHECK(guest.queued() == PageScene::slots - 1);
    guest.clear_page_status(PRO);
    guest.endpoint().start(one_page);
    REQUIRE(guest.has_asked());
    CHECK(guest.queued() == 0);  // round the end
    CHECK(guest.slot(PageScene::slots - 1) ==
          guest.words_of({.address = missing, .read = true, .last = true, .index = 3}));
    guest.respond(3, response_success);
    CHECK(guest.endpoint().finish() == Code::Success);
    CHECK(guest.take_faults().empty());
}

TEST_CASE("PageRequests: without PRE they are refused and recorded, and only the last is answered",
          "[vtd][page-requests]") {
    PageScene guest;
    guest.allow(0, false);
    guest.invalidate_all();
    CHECK(guest.endpoint().run(one_page) == Code::PageRefused);
    CHECK(guest.take_faults() == std::vector{fault_of(Kind::PageRequest, 0x47, guest.id(), missing)});
    auto operation = one_page;
    operation.pasid = with_pasid_5;
    CHECK(guest.endpoint().run(operation) == Code::PageRefused);
    CHECK(guest.take_faults() ==
          std::vector{with_pasid(fault_of(Kind::PageRequest, 0x47, guest.id(), missing), pasid)});
    guest.ask_for(1);
    CHECK(guest.take_faults() == std::vector{fault_of(Kind::PageRequest, 0x47, guest.id(), iova)});
    CHECK(guest.counted(endpoint_reg::responses_invalid) == 2);
    CHECK(guest.queued() == 0);
    CHECK(guest.page_status() == 0);
    // An access that asks for its page ends with it.
    CHECK(guest.endpoint().run(read_through_atc(missing)) == Code::PageRefused);
}

TEST_CASE("PageRequests: while translation is off the group fails, and nothing is recorded", "[vtd][page-requests]") {
    PageScene guest;
    guest.unit.clear(TE);
    guest.ask_for(1);
    CHECK(guest.endpoint().run(one_page) == Code::ResponseFailure);
    CHECK(guest.counted(endpoint_reg::responses_failure) == 1);
    CHECK(guest.queued() == 0);
    CHECK(guest.take_faults().empty());
}

TEST_CASE("PageRequests: a stop marker is queued, and not answered", "[vtd][page-requests]") {
    PageScene guest;
    const EndpointOperation marker{.op = Op::StopMarker, .pasid = with_pasid_5};
    CHECK(guest.endpoint().run(marker) == Code::Success);
    CHECK(guest.queued() == 1);
    CHECK(guest.slot(0) == guest.words_of({.last = true, .with_pasid = true}));
    CHECK(guest.counted(endpoint_reg::stop_markers) == 1);
    // Nor when it is lost.
    guest.ask_for(PageScene::slots - 1);
    REQUIRE(guest.page_status() == (PPR | PRO));
    CHECK(guest.endpoint().run(marker) == Code::Success);
    CHECK(guest.endpoint().get64(endpoint_reg::last_response) == 0);
    CHECK(guest.counted(endpoint_reg::responses_success) == 0);
}

TEST_CASE("PageRequests: an event is sent when PPR is set, and not again while it stands", "[vtd][page-requests]") {
    PageScene guest;
    guest.ask_for(2);
    CHECK(guest.doorbell.take() == page_event);
    guest.ask_for(1);
    CHECK_FALSE(guest.doorbell.take());
    // As Linux does it: the status first, then the queue.
    guest.clear_page_status(PPR);
    CHECK(guest.page_status() == 0);
    CHECK_FALSE(guest.doorbell.take());
    guest.ask_for(1);
    CHECK(guest.doorbell.take() == page_event);
    // An overflow is an event only if it is the first cause.
    guest.clear_page_status(PPR);
    guest.ask_for(PageScene::slots - 5);
    CHECK(guest.doorbell.take() == page_event);
    guest.clear_page_status(PPR);
    guest.ask_for(1);
    CHECK(guest.page_status() == PRO);
    CHECK(guest.doorbell.take() == page_event);
    guest.ask_for(1);
    CHECK_FALSE(guest.doorbell.take());
}

TEST_CASE("PageRequests: a masked event is pending until it is unmasked, or its cause is gone",
          "[vtd][page-requests]") {
    PageScene guest;
    guest.unit.write32(reg::PECTL, IM);
    guest.ask_for(1);
    CHECK_FALSE(guest.doorbell.take());
    CHECK(guest.unit.read32(reg::PECTL) == (IM | IP));
    guest.unit.write32(reg::PECTL, 0);
    CHECK(guest.doorbell.take() == page_event);
    CHECK(guest.unit.read32(reg::PECTL) == 0);
    guest.clear_page_status(PPR);
    guest.unit.write32(reg::PECTL, IM);
    guest.ask_for(1);
    guest.clear_page_status(PPR);
    CHECK(guest.unit.read32(reg::PECTL) == IM);
    guest.unit.write32(reg::PECTL, 0);
    CHECK_FALSE(guest.doorbell.take());
}

TEST_CASE("PageRequests: a wait with PD completes behind the requests and the responses before it",
          "[vtd][page-requests]") {
    PageScene guest;
    guest.start_group(missing, 3);
    REQUIRE(guest.has_asked());
    guest.queue.push(descriptor::page_response(guest.id(), 3, response_success));
    const auto word = guest.wait(wait_PD | wait_FN);
    guest.queue.ring();
    CHECK(eventually([&] { return guest.is_done(word); }));
    CHECK(guest.counted(endpoint_reg::responses_success) == 1);
    CHECK(guest.queued() == 1);
    CHECK(guest.endpoint().finish() == Code::Success);
    CHECK(guest.errors() == 0);
}

TEST_CASE("PageRequests: a reset forgets them, and what the device waits for", "[vtd][page-requests]") {
    PageScene guest;
    guest.start_group(missing, 3);
    REQUIRE(guest.has_asked());
    CHECK(guest.doorbell.take() == page_event);
    guest.qemu.system_reset();
    for (const auto offset : {reg::PQH, reg::PQT, reg::PQA})
        CHECK(guest.unit.read64(offset) == 0);
    CHECK(guest.page_status() == 0);
    CHECK(guest.unit.read32(reg::PECTL) == IM);
    CHECK_FALSE(guest.doorbell.take());
    guest.pci = qtest::PciBus(guest.qemu.qtest());
    qtest::AtsEndpoint endpoint(guest.qemu.qtest(), guest.endpoint().function());
    CHECK_FALSE(endpoint.busy());
    CHECK(endpoint.get(endpoint_reg::page_requests) == 0);
}
