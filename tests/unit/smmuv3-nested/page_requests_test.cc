// SPDX-License-Identifier: GPL-2.0-or-later
//
// The PRI queue: entries, overflow, errors, interrupts, each automatic response. [SMMU 6.3.36, 8]
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <functional>
#include <string>
#include <vector>

#include "expect.h"

using namespace test::smmu;
using iommu::PageGroupResponse;
using iommu::PageRequest;
using iommu::Pasid;
using iommu::RequesterId;
using iommu::ResponseCode;
using test::Msi;

namespace {

constexpr std::uint32_t kRecinvsid = 1u << 1, kRecCfgAts = 1u << 3;
constexpr std::uint32_t kPriqAbt = 1u << 3, kMsiPriqAbt = 1u << 6;
constexpr std::uint64_t kDoorbell = 0x800'0300;
constexpr unsigned kPriqLine = 1, kGerrorLine = 3;
using Entry = std::array<std::uint64_t, 2>;
using Responses = std::vector<PageGroupResponse>;
using Pulses = std::vector<unsigned>;

PageRequest request(std::uint16_t index, bool last = true) {
    return {
        .requester = RequesterId{kStream}, .address = iommu::Iova{0x7000}, .read = true, .last = last, .index = index};
}
PageRequest with_pasid(PageRequest request, std::uint32_t pasid) {
    request.pasid = Pasid{pasid};
    return request;
}
PageRequest stop_marker(std::uint32_t pasid = 9) {
    return {.requester = RequesterId{kStream}, .pasid = Pasid{pasid}, .last = true};
}
PageGroupResponse response(std::uint16_t index, ResponseCode code, std::optional<Pasid> pasid = std::nullopt) {
    return {.requester = RequesterId{kStream}, .pasid = pasid, .index = index, .code = code};
}
PageGroupResponse success(std::uint16_t index) { return response(index, ResponseCode::Success); }
PageGroupResponse failure(std::uint16_t index) { return response(index, ResponseCode::ResponseFailure); }

// A queue of four entries, unless it is to be another.
struct Queue : Guest {
    explicit Queue(unsigned log2 = 2, const smmuv3::Capabilities& asked = {}, std::uint32_t cr2_bits = kRecinvsid)
        : Guest(asked) {
        cr2 = cr2_bits;
        stream(kStream, {.eats = 1});
        bring_up();
        priq_on(log2);
        ports.pulses.clear();
    }
    void fill() {
        for (unsigned i = 0; i < 1u << priq_log2; ++i)
            unit.page_request(request(0x100, false));
    }
    // What a request is answered at once.
    Responses asked(const PageRequest& what) {
        ports.responses.clear();
        unit.page_request(what);
        return ports.responses;
    }
    [[nodiscard]] bool overflow() { return ((r32(kPriqProd) ^ r32(kPriqCons)) >> 31) != 0; }
    void interrupts(std::uint64_t address, bool last_only) {
        w32(kIrqCtrl, 0);
        w64(kPriqIrqCfg0, address);
        w32(kPriqIrqCfg1, 0x9e);
        w32(kPriqIrqCfg2, last_only ? 1u << 31 : 0);
        w32(kIrqCtrl, 3);
    }
};

}  // namespace

TEST_CASE("SMMU PRI: an entry has each field of the request at the manual's bits") {
    struct Case {
        PageRequest request;
        Entry entry;
    };
    const RequesterId id{0x89ab'cdef};
    for (const Case& item : {
             Case{{.requester = id}, {0x89ab'cdef, 0}},
             Case{{.requester = id, .read = true}, {1ull << 60 | 0x89ab'cdef, 0}},
             Case{{.requester = id, .write = true}, {1ull << 61 | 0x89ab'cdef, 0}},
             Case{{.requester = id, .last = true}, {1ull << 62 | 0x89ab'cdef, 0}},
             Case{{.requester = id, .index = 0x1ff}, {0x89ab'cdef, 0x1ff}},
             Case{{.requester = id, .address = iommu::Iova{0xfedc'ba98'7654'3fff}},
                  {0x89ab'cdef, 0xfedc'ba98'7654'3000}},
             Case{{.requester = id, .pasid = Pasid{0xf'ffff}}, {0x800f'ffff'89ab'cdef, 0}},
             Case{{.requester = id, .pasid = Pasid{0}, .execute = true}, {0x8800'0000'89ab'cdef, 0}},
             Case{{.requester = id, .pasid = Pasid{0}, .privileged = true}, {0x8400'0000'89ab'cdef, 0}},
             // Without a SubstreamID nothing is executed or privileged.
             Case{{.requester = id, .execute = true, .privileged = true}, {0x89ab'cdef, 0}},
             // A Stop marker is an entry like others.
             Case{{.requester = id, .pasid = Pasid{1}, .last = true}, {0xc000'0001'89ab'cdef, 0}},
         }) {
        Queue guest;
        CHECK(guest.asked(item.request).empty());
        CHECK(guest.take_page_request() == item.entry);
    }
}

TEST_CASE("SMMU PRI: without substreams in the unit entries have none") {
    Queue guest(2, {.ssidsize = 0});
    PageRequest request = stop_marker(5);
    request.execute = request.privileged = true;
    guest.unit.page_request(request);
    CHECK(guest.take_page_request() == Entry{1ull << 62 | kStream, 0});
}

TEST_CASE("SMMU PRI: PROD goes through all entries and both wraps of queues of several sizes") {
    for (const unsigned log2 : {0u, 1u, 3u}) {
        Queue guest(log2);
        for (std::uint16_t i = 0; i < 5u << log2; ++i) {
            CHECK(guest.asked(request(i)).empty());
            const auto entry = guest.take_page_request();
            REQUIRE(entry);
            CHECK(((*entry)[1] & 0x1ff) == i);
        }
        CHECK(guest.r32(kPriqProd) == ((5u << log2) & ((2u << log2) - 1)));
        CHECK(guest.r32(kGerror) == 0);
    }
}

TEST_CASE("SMMU PRI: a queue is never larger than IDR1.PRIQS, and its base is aligned to its size") {
    Queue guest(31, {.priqs = 1});
    guest.set_cr0(guest.r32(kCr0) & ~kPriqEn);
    guest.w64(kPriqBase, (guest.priq + 0x20) | 31);
    CHECK(guest.r64(kPriqBase) == ((guest.priq + 0x20) | 31));
    guest.set_cr0(guest.r32(kCr0) | kPriqEn);
    guest.unit.page_request(request(1, false));
    guest.unit.page_request(request(2, false));
    CHECK_FALSE(guest.overflow());
    CHECK(guest.peek(guest.priq + 0x20 + 8) == 0x7001);  // two entries of 16 bytes: aligned to 32
    guest.unit.page_request(request(3, false));
    CHECK(guest.overflow());
}

TEST_CASE("SMMU PRI: a full queue overflows, and takes nothing until that was acknowledged") {
    Queue guest;
    guest.fill();
    CHECK_FALSE(guest.overflow());
    CHECK(guest.asked(request(1, false)).empty());
    CHECK(guest.r32(kPriqProd) == (1u << 31 | 4));
    CHECK(guest.asked(request(2)) == Responses{success(2)});
    CHECK(guest.r32(kPriqProd) == (1u << 31 | 4));  // not toggled again
    // Room alone is not enough.
    guest.w32(kPriqCons, 4);
    CHECK(guest.asked(request(3)) == Responses{success(3)});
    CHECK(guest.r32(kPriqProd) == (1u << 31 | 4));
    guest.w32(kPriqCons, 1u << 31 | 4);
    CHECK(guest.asked(request(4)).empty());
    CHECK(guest.r32(kPriqProd) == (1u << 31 | 5));
    // And the other way round.
    guest.fill();
    CHECK(guest.asked(request(5)) == Responses{success(5)});
    CHECK(guest.r32(kPriqProd) == 0);
}

TEST_CASE("SMMU PRI: in overflow only the last request of a group is answered, Stop markers never") {
    Queue guest;
    guest.fill();
    CHECK(guest.asked(request(1, false)).empty());
    CHECK(guest.asked(request(1, true)) == Responses{success(1)});
    CHECK(guest.asked(stop_marker()).empty());
    // Last, neither read nor write: without a SubstreamID an ordinary request.
    PageRequest bare = request(7);
    bare.read = false;
    CHECK(guest.asked(bare) == Responses{success(7)});
}

TEST_CASE("SMMU PRI: a queue that is off answers every request Response Failure, without a PASID") {
    struct Case {
        const char* what;
        std::uint32_t cr0;
    };
    for (const Case& item :
         {Case{"PRIQEN=0", kCmdqEn | kEventqEn | kSmmuEn}, Case{"SMMUEN=0", kCmdqEn | kEventqEn | kPriqEn}}) {
        Queue guest;
        guest.set_cr0(item.cr0);
        CAPTURE(item.what);
        CHECK(guest.r32(kCr0ack) == item.cr0);
        CHECK(guest.asked(request(1, false)) == Responses{failure(1)});
        CHECK(guest.asked(with_pasid(request(2), 9)) == Responses{failure(2)});
        CHECK(guest.asked(stop_marker()).empty());
        CHECK(guest.r32(kPriqProd) == 0);
        CHECK_FALSE(guest.take_event());
    }
}

TEST_CASE("SMMU PRI: an entry that cannot be written is PRIQ_ABT_ERR, which closes the queue until acknowledged") {
    Queue guest;
    guest.set_cr0(guest.r32(kCr0) & ~kPriqEn);
    guest.w64(kPriqBase, kNoRam | 2);
    guest.set_cr0(guest.r32(kCr0) | kPriqEn);
    CHECK(guest.asked(stop_marker()).empty());
    CHECK(guest.r32(kGerror) == kPriqAbt);
    CHECK(guest.ports.pulses == Pulses{kGerrorLine});
    CHECK(guest.r32(kPriqProd) == 0);
    CHECK(guest.asked(request(1, false)) == Responses{failure(1)});  // the error is active
    guest.w32(kGerrorn, kPriqAbt);
    CHECK(guest.asked(with_pasid(request(2), 9)) == Responses{failure(2)});  // aborts itself
    CHECK(guest.r32(kGerror) == 0);
    CHECK(guest.r32(kPriqProd) == 0);
    guest.set_cr0(guest.r32(kCr0) & ~kPriqEn);
    guest.w64(kPriqBase, guest.priq | 2);
    guest.set_cr0(guest.r32(kCr0) | kPriqEn);
    CHECK(guest.asked(request(3)) == Responses{failure(3)});
    guest.w32(kGerrorn, 0);
    CHECK(guest.asked(request(4)).empty());
}

TEST_CASE("SMMU PRI: the overflow response of a request with a PASID, by PPS, STE.PPAR and the state of the STE") {
    struct Case {
        const char* what;
        std::uint8_t pps;
        bool ppar;
        std::function<void(Queue&)> spoil;
        bool pasid;
        unsigned event = 0;  // the response is then Response Failure
        bool invalid_stream = false;
    };
    const auto nothing = [](Queue&) {};
    const auto v0 = [](Queue& q) { q.set(q.ste(kStream), 0, 0, 0); };
    for (const Case& item : std::vector<Case>{
             {"PPAR=1", 0, true, nothing, true},
             {"PPAR=0", 0, false, nothing, false},
             {"PPS=1 does not look at PPAR", 1, false, nothing, true},
             {"PPS=1 does not look at the STE", 1, false, v0, true},
             {"Config=0 is valid", 0, true, [](Queue& q) { q.set(q.ste(kStream), 3, 1, 0); }, true},
             {"EATS=0 does not count", 0, true, [](Queue& q) { q.set(q.ste(kStream), 93, 92, 0); }, true},
             {"V=0", 0, true, v0, false, C_BAD_STE},
             {"StreamID beyond the table", 0, true, [](Queue& q) { q.linear_stream_table(2); }, false, C_BAD_STREAMID,
              true},
         }) {
        for (const std::uint32_t cr2 : {0u, kRecinvsid, kRecCfgAts, kRecCfgAts | kRecinvsid}) {
            Queue guest(2, {.pps = item.pps}, cr2);
            guest.set(guest.ste(kStream), 82, 82, item.ppar);
            item.spoil(guest);
            guest.bring_up();
            guest.priq_on(2);
            guest.fill();
            CAPTURE(item.what, cr2);
            const auto pasid = item.pasid ? std::optional{Pasid{0x12345}} : std::nullopt;
            const auto code = item.event != 0 ? ResponseCode::ResponseFailure : ResponseCode::Success;
            CHECK(guest.asked(with_pasid(request(3), 0x12345)) == Responses{response(3, code, pasid)});
            // A request without one needs no STE.
            CHECK(guest.asked(request(4)) == Responses{success(4)});
            const bool recorded =
                item.event != 0 && (cr2 & kRecCfgAts) != 0 && (!item.invalid_stream || (cr2 & kRecinvsid) != 0);
            const auto event = guest.take_event();
            REQUIRE(event.has_value() == recorded);
            if (event) CHECK(*event == record_of(with_substream(read_at(0), 0x12345), {.type = item.event}));
            CHECK_FALSE(guest.take_event());
        }
    }
}

TEST_CASE("SMMU PRI: without substreams in the unit an overflow response has no PASID, and needs no STE") {
    Queue guest(2, {.ssidsize = 0}, kRecCfgAts | kRecinvsid);
    guest.set(guest.ste(kStream), 0, 0, 0);
    guest.fill();
    CHECK(guest.asked(with_pasid(request(3), 5)) == Responses{success(3)});
    CHECK_FALSE(guest.take_event());
}

TEST_CASE("SMMU PRI: with LO=0 the queue tells that it has become non-empty") {
    Queue guest;
    guest.interrupts(kDoorbell, false);
    guest.unit.page_request(request(1, false));
    CHECK(guest.ports.pulses == Pulses{kPriqLine});
    CHECK(guest.ports.messages == std::vector<Msi>{{kDoorbell, 0x9e}});
    guest.unit.page_request(request(1, true));
    CHECK(guest.ports.pulses.size() == 1);
    guest.take_page_request(), guest.take_page_request();
    guest.unit.page_request(request(2, true));
    CHECK(guest.ports.pulses.size() == 2);
    guest.fill();
    CHECK(guest.overflow());
    CHECK(guest.ports.pulses.size() == 2);
}

TEST_CASE("SMMU PRI: with LO=1 each last request tells, also one that an overflow discards; no other does") {
    for (const std::uint8_t msi : {std::uint8_t{0}, std::uint8_t{1}}) {
        Queue guest(2, {.msi = msi});
        guest.interrupts(kDoorbell, true);
        const auto told = [&] {
            const auto count = guest.ports.pulses.size();
            guest.ports.pulses.clear();
            CHECK(guest.ports.messages.size() == (msi != 0 ? count : 0));
            guest.ports.messages.clear();
            return count;
        };
        CAPTURE(msi);
        guest.unit.page_request(request(1, false));
        CHECK(told() == 0);
        guest.unit.page_request(request(1, true));
        CHECK(told() == 1);
        guest.unit.page_request(stop_marker());
        CHECK(told() == 1);
        guest.fill();
        REQUIRE(guest.overflow());
        guest.unit.page_request(request(2, false));
        CHECK(told() == 0);
        guest.unit.page_request(request(2, true));
        CHECK(told() == 1);
        guest.set_cr0(guest.r32(kCr0) & ~kPriqEn);
        guest.unit.page_request(request(3, true));
        CHECK(told() == 0);
    }
}

TEST_CASE("SMMU PRI: the interrupt needs IRQ_CTRL.PRIQ_IRQEN; a message that ends in nothing is MSI_PRIQ_ABT_ERR") {
    Queue guest;
    guest.interrupts(kDoorbell, true);
    guest.w32(kIrqCtrl, 1);
    guest.unit.page_request(request(1));
    CHECK(guest.ports.pulses.empty());
    guest.w32(kIrqCtrl, 3);
    CHECK(guest.ports.pulses.empty());
    guest.ports.no_interrupt_controller = true;
    guest.unit.page_request(request(2));
    CHECK(guest.r32(kGerror) == kMsiPriqAbt);
    CHECK(guest.ports.pulses == Pulses{kPriqLine, kGerrorLine});
}

TEST_CASE("SMMU PRI: the entry and PROD are there before anybody is told") {
    Queue guest;
    guest.interrupts(kDoorbell, true);
    bool told = false;
    guest.ports.on_message = [&](std::uint64_t) {
        told = true;
        CHECK(guest.r32(kPriqProd) == 1);
        CHECK(guest.peek(guest.priq + 8) == 0x7003);
    };
    guest.unit.page_request(request(3));
    CHECK(told);
}

TEST_CASE("SMMU PRI: reset empties nothing in memory, and the queue is off after it") {
    Queue guest;
    guest.fill();
    (void)guest.asked(request(1));
    guest.unit.reset();
    CHECK(guest.r32(kPriqProd) == 0);
    CHECK(guest.asked(request(1)) == Responses{failure(1)});
}

TEST_CASE("SMMU PRI: a storm of requests is bounded by the queue, and each group is answered") {
    Queue guest;
    unsigned answered = 0;
    for (unsigned i = 0; i < 10'000; ++i)
        answered += static_cast<unsigned>(guest.asked(request(static_cast<std::uint16_t>(i & 0x1ff))).size());
    CHECK(answered == 10'000 - 4);
    CHECK(guest.r32(kPriqProd) == (1u << 31 | 4));
}

TEST_CASE("SMMU PRI: without IDR0.PRI a request is nothing") {
    Guest guest({.pri = 0});
    guest.bring_up();
    guest.unit.page_request(request(1));
    CHECK(guest.ports.responses.empty());
}

TEST_CASE("SMMU PRI: each request is traced with what became of it") {
    Queue guest;
    guest.unit.set_trace(static_cast<std::uint32_t>(iommu::TraceClass::Queue));
    guest.unit.page_request(with_pasid(request(3, false), 9));
    guest.unit.page_request(stop_marker());
    guest.fill();
    guest.unit.page_request(request(4));
    guest.set_cr0(0);
    guest.unit.page_request(request(5));
    const auto& lines = guest.ports.lines;
    REQUIRE(lines.size() == 8);
    CHECK(lines[0] == "smmuv3: page request SID=0x5 SSID=0x9 0x7000 r PRGIndex 3: queued");
    CHECK(lines[1] == "smmuv3: page request SID=0x5 SSID=0x9 Stop marker PRGIndex 0 last: queued");
    CHECK(lines[6] == "smmuv3: page request SID=0x5 0x7000 r PRGIndex 4 last: the queue overflows, answered Success");
    CHECK(lines[7] ==
          "smmuv3: page request SID=0x5 0x7000 r PRGIndex 5 last: the queue is off or in error, answered "
          "Response Failure");
}
