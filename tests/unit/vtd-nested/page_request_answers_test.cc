// SPDX-License-Identifier: GPL-2.0-or-later
//
// Page requests: what they invalidate, what is not accepted, and the answers of software and hardware.
// [VTD 5.10 s6.5.3.1, s7.4.1, s7.6.1, s7.7]
#include <catch2/catch_test_macros.hpp>

#include "ats_expect.h"

using namespace test;
using iommu::PageGroupResponse;
using iommu::ResponseCode;

namespace {

constexpr std::uint64_t kIova = 0x7000, kOther = 0x9000, kOutput = 0x180'0000, kNew = 0x190'0000;
constexpr std::uint32_t kPasid = 5;
constexpr std::uint64_t kAll = kP | kRW | kUS;

void build(Guest& guest, const PasidSpec& spec = {.pgtt = 1, .did = 7}) {
    guest.scalable_device(kDevice, spec, {.dte = true, .pre = true});
    guest.add_pasid(kDevice, kPasid, spec);
    guest.enable_page_requests();
    guest.enable_queue();
    guest.enable(kTtmScalable);
}

std::uint64_t output(Guest& guest, const iommu::Request& request) {
    return guest.ask(request).translation.address.value;
}

}  // namespace

// Two devices of one domain. Which translations survive a page request of the first. [VTD 5.10 s6.5.3.1 table 27]
TEST_CASE("A page request drops translations as far as PGTT says, before software sees it", "[vtd][prq]") {
    struct Case {
        unsigned pgtt;
        bool other_page, other_pasid;  // are kept
    };
    for (const Case& item : {Case{1, true, true}, Case{2, true, false}, Case{3, false, false}}) {
        INFO("PGTT " << item.pgtt);
        Guest guest({.esrtps = 0});
        build(guest, {.pgtt = item.pgtt, .did = 7});
        if (item.pgtt == 3) guest.identity_second();
        const auto map = [&](std::uint64_t iova, std::uint64_t to) {
            if (item.pgtt == 2) guest.map_second(iova, to, kR | kW);
            if (item.pgtt != 2) guest.map_first(iova, to, kAll | kA | kD);
        };
        const auto here = write_at(kIova), there = write_at(kOther), elsewhere = with_pasid(write_at(kIova), kPasid);
        for (const auto iova : {kIova, kOther})
            map(iova, kOutput);
        for (const auto& request : {here, there, elsewhere})
            CHECK(output(guest, request) == kOutput);
        for (const auto iova : {kIova, kOther})
            map(iova, kNew);
        for (const auto& request : {here, there, elsewhere})
            CHECK(output(guest, request) == kOutput);
        // When the descriptor can be seen the translation is gone; DMA that is translated takes no lock.
        std::uint64_t seen = 0;
        guest.ports.on_written = [&](std::uint64_t at) {
            if (at == guest.page_queue) seen = output(guest, here);
        };
        expect_queued(guest, page_at(kIova));
        CHECK(seen == kNew);
        CHECK(output(guest, here) == kNew);
        CHECK((output(guest, there) == kOutput) == item.other_page);
        CHECK((output(guest, elsewhere) == kOutput) == item.other_pasid);
    }
}

TEST_CASE("A request of pass-through drops the page's second-stage translations of its domain", "[vtd][prq]") {
    Guest guest({.esrtps = 0});
    build(guest, {.pgtt = 4, .did = 7});
    guest.add_pasid(kDevice, 9, {.pgtt = 2, .did = 7});
    guest.map_second(kIova, kOutput, kR | kW);
    CHECK(output(guest, with_pasid(write_at(kIova), 9)) == kOutput);
    guest.map_second(kIova, kNew, kR | kW);
    CHECK(output(guest, with_pasid(write_at(kIova), 9)) == kOutput);
    guest.add_pasid(kDevice, 11, {.pgtt = 1, .did = 7});
    guest.map_first(kOther, kOutput, kAll | kA | kD);
    CHECK(output(guest, with_pasid(write_at(kOther), 11)) == kOutput);
    guest.map_first(kOther, kNew, kAll | kA | kD);
    CHECK(output(guest, with_pasid(write_at(kOther), 11)) == kOutput);
    expect_queued(guest, page_at(kIova));
    CHECK(output(guest, with_pasid(write_at(kIova), 9)) == kNew);
    // A first stage's are dropped whatever their page: they could not be told from it.
    CHECK(output(guest, with_pasid(write_at(kOther), 11)) == kNew);
}

TEST_CASE("A page request that is not queued invalidates nothing", "[vtd][prq]") {
    Guest guest({.esrtps = 0});
    build(guest);
    guest.map_first(kIova, kOutput, kAll | kA | kD);
    CHECK(output(guest, write_at(kIova)) == kOutput);
    guest.map_first(kIova, kNew, kAll | kA | kD);
    for (unsigned i = 0; i < 128; ++i)
        guest.unit.page_request(page_at(0x100'0000));
    guest.unit.page_request(page_at(kIova));
    CHECK(guest.r32(kPrs) == (kPpr | kPro));
    CHECK(output(guest, write_at(kIova)) == kOutput);
}

TEST_CASE("A queue that is not in memory takes nothing; the group is answered with Invalid Request", "[vtd][prq]") {
    Guest guest;
    build(guest);
    for (const std::uint64_t base : {std::uint64_t{kNoRam}, ~std::uint64_t{0xfff}, std::uint64_t{Guest::kRamBytes}}) {
        guest.w64(kPqa, base);
        expect_dropped(guest, page_at(kIova), std::nullopt);
        expect_dropped(guest, last(page_at(kIova, kPasid)), ResponseCode::InvalidRequest);
        CHECK(guest.r32(kPrs) == 0);
    }
    CHECK(guest.ports.messages.empty());
    guest.w64(kPqa, guest.page_queue);
    expect_queued(guest, page_at(kIova));
}

TEST_CASE("While translation is off, and without PRS, the last request of a group fails, and no other is answered",
          "[vtd][prq]") {
    auto stop_marker = last(page_at(0, kPasid));
    stop_marker.read = false;
    Guest off;
    build(off);
    off.command(kTe, false);
    Guest without({.prs = 0});
    without.scalable_device(kDevice, {.pgtt = 1, .did = 7}, {.dte = true});
    without.enable(kTtmScalable);
    for (Guest* guest : {&off, &without}) {
        expect_dropped(*guest, page_at(kIova), std::nullopt);
        expect_dropped(*guest, last(page_at(kIova)), ResponseCode::ResponseFailure);
        expect_dropped(*guest, last(page_at(kIova, kPasid)), ResponseCode::ResponseFailure);
        expect_dropped(*guest, stop_marker, std::nullopt);
    }
    off.command(kTe);
    expect_queued(off, last(page_at(kIova)));
}

TEST_CASE("A stop marker is written like a request, and when refused it is recorded and not answered", "[vtd][prq]") {
    Guest guest;
    build(guest);
    auto stop_marker = last(page_at(0, kPasid));
    stop_marker.read = false;
    expect_queued(guest, stop_marker);
    CHECK(guest.page_descriptor(0) == Words4{0x0000'0005'0020'0101, 0x4, 0, 0});
    guest.flip(guest.context_entry(kDevice), 4);
    expect_dropped(guest, stop_marker, std::nullopt, 0x47, Recorded::Yes);
    // Without a PASID it is no stop marker.
    stop_marker.pasid.reset();
    expect_dropped(guest, stop_marker, ResponseCode::InvalidRequest, 0x47, Recorded::Yes);
}

TEST_CASE("A refused page request is recorded with its page, PASID and privilege", "[vtd][prq]") {
    Guest guest;
    build(guest);
    guest.flip(guest.context_entry(kDevice), 4);
    auto page = last(page_at(0x12'3456'7000, kPasid));
    page.privileged = page.write = page.execute = true;
    expect_dropped(guest, page, ResponseCode::InvalidRequest, 0x47, Recorded::Yes);
    guest.unit.page_request(page);
    // F, T1=0 T2=1, AT=0, PV, FR, PP, PRIV, SID
    const auto record = guest.record(1);
    CHECK(record.high == (1ull << 63 | 5ull << 40 | 0x47ull << 32 | 1ull << 31 | 1ull << 29 | 1ull << 28 | 0x20));
    CHECK(record.low == 0x12'3456'7000);
}

TEST_CASE("Software's responses reach the device in the order of the queue", "[vtd][prq]") {
    Guest guest;
    build(guest);
    guest.put(page_response(kDevice, 0x1ff, 0));
    guest.put(page_response(kOtherDevice, kPasid, 1, 1));
    guest.put(page_response(0xffff, 0xfffff, 0, 0xf));
    guest.put(page_response(kDevice, 3, 7));  // a reserved code
    guest.put(wait_status(0x120'0000, 0xabcd));
    std::vector<std::string> order;
    guest.ports.on_port = [&](std::string_view port) {
        if (port != "clock" && port != "drain") order.emplace_back(port);
    };
    guest.ports.on_written = [&](std::uint64_t) { order.emplace_back("status"); };
    guest.ring_doorbell();
    CHECK(order == std::vector<std::string>{"respond", "respond", "respond", "respond", "status"});
    const std::vector<PageGroupResponse> wanted{
        {.requester = {kDevice}, .index = 0x1ff, .code = ResponseCode::Success},
        {.requester = {kOtherDevice}, .pasid = iommu::Pasid{kPasid}, .index = 1, .code = ResponseCode::InvalidRequest},
        {.requester = {0xffff}, .pasid = iommu::Pasid{0xfffff}, .index = 0, .code = ResponseCode::ResponseFailure},
        {.requester = {kDevice}, .index = 3, .code = ResponseCode::ResponseFailure}};
    const bool as_wanted = guest.ports.responses == wanted;
    CHECK(as_wanted);
    CHECK(guest.unit.counters().invalidations == 0);
    CHECK(guest.r64(kIqh) == guest.r64(kIqt));
}

TEST_CASE("A device may ask again from inside the response", "[vtd][prq]") {
    Guest guest;
    build(guest);
    guest.ports.on_port = [&](std::string_view port) {
        if (port == "respond") guest.unit.page_request(page_at(kIova));
    };
    guest.submit(page_response(kDevice, 0, 0));
    CHECK(guest.r64(kPqt) == 32);
}

// [VTD 5.10 s7.7, s7.10]
TEST_CASE("A wait with PD completes behind every page request that was received", "[vtd][prq]") {
    Guest guest;
    build(guest);
    guest.unit.page_request(page_at(kIova));
    auto wait = wait_status(0x120'0000, 0xabcd, false, true);
    wait[0] |= 1u << 7;
    guest.ports.on_written = [&](std::uint64_t at) {
        if (at != 0x120'0000) return;
        CHECK(guest.page_descriptor(0) == words_of(page_at(kIova)));
    };
    guest.submit(wait);
    CHECK(guest.ram.peek32(0x120'0000) == 0xabcd);
    CHECK(guest.r64(kPqt) == 32);

    Guest without({.pds = 0});
    build(without);
    without.submit(wait);
    CHECK(without.r32(kFsts) == kIqe);
    CHECK((without.r64(kIqercd) & 15) == 4);
}

TEST_CASE("A reset empties the queue's registers; what was asked before is not answered", "[vtd][prq]") {
    Guest guest;
    build(guest);
    guest.unit.page_request(last(page_at(kIova)));
    guest.unit.reset();
    for (const auto offset : {kPqh, kPqt, kPqa})
        CHECK(guest.r64(offset) == 0);
    CHECK(guest.r32(kPrs) == 0);
    CHECK(guest.r32(kPectl) == 1u << 31);
    CHECK(guest.ports.responses.empty());
    // Not into the memory that PQA points to now.
    const auto memory = guest.ram.copy(0, 0x1000);
    expect_dropped(guest, last(page_at(kIova)), ResponseCode::ResponseFailure);
    CHECK((guest.ram.copy(0, 0x1000) == memory));
}

TEST_CASE("The queue goes on in a unit that took over the state", "[vtd][prq]") {
    Guest saved, other;
    for (Guest* guest : {&saved, &other})
        build(*guest);
    saved.w32(kPectl, 1u << 31);
    expect_queued(saved, page_at(kIova));
    const auto words = saved.unit.save();
    REQUIRE(other.unit.load(words));
    CHECK(other.r64(kPqt) == 32);
    CHECK(other.r32(kPrs) == kPpr);
    expect_queued(other, last(page_at(kOther)));
    CHECK(other.ports.messages.empty());
    other.w32(kPectl, 0);
    CHECK(other.ports.messages == std::vector{kPageEvent});
}
