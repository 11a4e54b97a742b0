// SPDX-License-Identifier: GPL-2.0-or-later
//
// CMD_ATC_INV: which message each command sends, and which commands are illegal or mean nothing. [SMMU G.b s4.1.7,
// s4.5.1]
#include <catch2/catch_test_macros.hpp>
#include <vector>

#include "smmu_guest.h"

using namespace test::smmu;
using iommu::InvalidateRequest;
using iommu::Iova;
using iommu::IovaRange;
using iommu::Pasid;
using iommu::RequesterId;

namespace {

constexpr std::uint32_t kIll = 1u << 24;
constexpr std::uint64_t kAll = ~0ull;

struct Device : Guest {
    explicit Device(const smmuv3::Capabilities& asked = {.ats = 1}) : Guest(asked) { bring_up(); }
    // The only message, which is then forgotten.
    InvalidateRequest sent() {
        REQUIRE(ports.invalidates.size() == 1);
        const InvalidateRequest request = ports.invalidates.front();
        ports.invalidates.clear();
        return request;
    }
};

InvalidateRequest message(std::uint64_t first, std::uint64_t last) {
    return {.requester = RequesterId{kStream}, .range = IovaRange{Iova{first}, Iova{last}}};
}

}  // namespace

TEST_CASE("SMMU ATC_INV: the span is 2^(12+Size) bytes around the address, and everything with Size=52") {
    struct Case {
        unsigned size;
        std::uint64_t address, first, last;
    };
    for (const Case& item : {
             Case{0, 0x1234'5678'9abc'd000, 0x1234'5678'9abc'd000, 0x1234'5678'9abc'dfff},
             Case{1, 0x1234'5678'9abc'd000, 0x1234'5678'9abc'c000, 0x1234'5678'9abc'dfff},
             Case{9, 0x1234'5678'9abc'd000, 0x1234'5678'9aa0'0000, 0x1234'5678'9abf'ffff},
             Case{0, 0xffff'ffff'ffff'f000, 0xffff'ffff'ffff'f000, kAll},
             Case{50, 0xffff'ffff'ffff'f000, 0xc000'0000'0000'0000, kAll},
             Case{51, 0x8000'0000'0000'0000, 0x8000'0000'0000'0000, kAll},
             Case{51, 0x7fff'ffff'ffff'f000, 0, 0x7fff'ffff'ffff'ffff},
             Case{52, 0xffff'ffff'ffff'f000, 0, kAll},
         }) {
        Device guest;
        guest.submit(atc_inv(kStream, item.size, item.address));
        CAPTURE(item.size, item.address);
        CHECK(guest.sent() == message(item.first, item.last));
        CHECK(guest.r32(kCmdqCons) == guest.cmdq_prod);  // consumed, though not answered
    }
}

TEST_CASE("SMMU ATC_INV: SSV sends the SubstreamID, and only then G is Global Invalidate") {
    Device guest;
    InvalidateRequest wanted = message(0, kAll);
    Command global = atc_inv(kStream);
    global[0] |= 1u << 9;  // G without SSV: ignored
    guest.submit(global);
    CHECK(guest.sent() == wanted);
    wanted.itag = 1;
    wanted.pasid = Pasid{0xf'ffff};
    guest.submit(with_substream(atc_inv(kStream), 0xf'ffff));
    CHECK(guest.sent() == wanted);
    wanted.itag = 2;
    wanted.pasid = Pasid{0};
    wanted.global = true;
    guest.submit(with_substream(atc_inv(kStream), 0, true));
    CHECK(guest.sent() == wanted);
}

TEST_CASE("SMMU ATC_INV: without substreams in the unit SSV is as 0") {
    Device guest({.ats = 1, .ssidsize = 0});
    guest.submit(with_substream(atc_inv(kStream), 7, true));
    CHECK(guest.sent() == message(0, kAll));
}

TEST_CASE("SMMU ATC_INV: a StreamID or SubstreamID that the unit cannot have does nothing") {
    Device guest({.ats = 1, .sidsize = 16, .ssidsize = 8});
    guest.put(atc_inv(0x1'0000));
    guest.put(atc_inv(0x8000'0000));
    guest.put(with_substream(atc_inv(kStream), 0x100));
    guest.submit(cmd_sync());
    CHECK(guest.ports.invalidates.empty());
    CHECK(guest.r32(kCmdqCons) == guest.cmdq_prod);
    guest.put(atc_inv(0xffff));
    guest.submit(with_substream(atc_inv(kStream), 0xff));
    CHECK(guest.ports.invalidates.size() == 2);
    Device all({.ats = 1, .sidsize = 32});
    all.submit(atc_inv(0xffff'ffff));
    CHECK(all.sent().requester == RequesterId{0xffff'ffff});
}

TEST_CASE("SMMU ATC_INV: Size above 52 is illegal, and so is the command without IDR0.ATS") {
    struct Case {
        smmuv3::Capabilities asked;
        unsigned size;
        bool legal;
    };
    for (const Case& item : {Case{{.ats = 1}, 52, true}, Case{{.ats = 1}, 53, false}, Case{{.ats = 1}, 63, false},
                             Case{{.ats = 0}, 0, false}, Case{{.ats = 0}, 53, false}}) {
        Device guest(item.asked);
        const std::uint32_t before = guest.r32(kCmdqCons);
        guest.submit(atc_inv(kStream, item.size));
        CAPTURE(item.size, item.legal);
        CHECK(guest.r32(kCmdqCons) == (item.legal ? guest.cmdq_prod : before | kIll));
        CHECK(guest.ports.invalidates.size() == (item.legal ? 1 : 0));
    }
}

TEST_CASE("SMMU ATC_INV: ignored while SMMUEN=0, unless it is illegal") {
    Device guest;
    guest.set_cr0(kCmdqEn);
    guest.put(atc_inv(kStream));
    guest.put(cmd_sync());
    guest.submit(atc_inv(kStream, 53));
    CHECK(guest.ports.invalidates.empty());
    CHECK(guest.unit.deadline_ns() == iommu::kNever);
    CHECK(guest.r32(kCmdqCons) == (kIll | ((guest.cmdq_prod - 1) & 0xff)));
}

TEST_CASE("SMMU ATC_INV: it counts as an invalidation") {
    Device guest;
    const auto before = guest.unit.counters().invalidations;
    guest.submit(atc_inv(kStream));
    CHECK(guest.unit.counters().invalidations == before + 1);
}
