// SPDX-License-Identifier: GPL-2.0-or-later
//
// CMD_PRI_RESP: which response each command sends. [SMMU 4.1.7, 4.5.2]
#include <catch2/catch_test_macros.hpp>
#include <vector>

#include "smmu_guest.h"

using namespace test::smmu;
using iommu::PageGroupResponse;
using iommu::Pasid;
using iommu::ResponseCode;

namespace {

using Responses = std::vector<PageGroupResponse>;

PageGroupResponse response(std::uint16_t index, ResponseCode code, std::optional<Pasid> pasid = std::nullopt) {
    return {.requester = iommu::RequesterId{kStream}, .pasid = pasid, .index = index, .code = code};
}
PageGroupResponse success(std::uint16_t index) { return response(index, ResponseCode::Success); }
PageGroupResponse failure(std::uint16_t index) { return response(index, ResponseCode::ResponseFailure); }

struct Queue : Guest {
    explicit Queue(const smmuv3::Capabilities& asked = {}) : Guest(asked) { bring_up(); }
};

}  // namespace

TEST_CASE("SMMU PRI_RESP: each Resp is its code, with the SubstreamID if it has one") {
    Queue guest;
    const auto sent = [&](const Command& command) {
        guest.ports.responses.clear();
        guest.submit(command);
        return guest.ports.responses;
    };
    CHECK(sent(pri_resp(kStream, 0x1ff, 2)) == Responses{success(0x1ff)});
    CHECK(sent(pri_resp(kStream, 0, 1)) == Responses{response(0, ResponseCode::InvalidRequest)});
    CHECK(sent(pri_resp(kStream, 5, 0)) == Responses{failure(5)});
    CHECK(sent(with_substream(pri_resp(kStream, 5, 2), 0xf'ffff)) ==
          Responses{response(5, ResponseCode::Success, Pasid{0xf'ffff})});
    CHECK(sent(pri_resp(0x1'0000, 5, 2)).empty());  // no such stream
    CHECK(guest.r32(kCmdqCons) == guest.cmdq_prod);
    const std::uint32_t at = guest.cmdq_prod;
    CHECK(sent(pri_resp(kStream, 5, 3)).empty());
    CHECK(guest.r32(kCmdqCons) == (at | 1u << 24));
}

TEST_CASE("SMMU PRI_RESP: illegal without PRI, and Resp=3 always; else ignored while SMMUEN=0") {
    for (const bool pri : {false, true}) {
        Guest guest({.pri = static_cast<std::uint8_t>(pri)});
        guest.bring_up();
        guest.set_cr0(kCmdqEn | kEventqEn);
        const std::uint32_t at = guest.cmdq_prod;
        guest.put(pri_resp(kStream, 1, 2));
        guest.submit(pri_resp(kStream, 1, 3));
        CHECK(guest.ports.responses.empty());
        CHECK(guest.r32(kCmdqCons) == ((pri ? at + 1 : at) | 1u << 24));
    }
    Queue guest({.ssidsize = 0});
    guest.submit(with_substream(pri_resp(kStream, 1, 2), 7));
    CHECK(guest.ports.responses == Responses{success(1)});
}

TEST_CASE("SMMU PRI_RESP: CMD_SYNC does not wait for it") {
    Queue guest;
    guest.put(pri_resp(kStream, 1, 2));
    guest.submit(cmd_sync());
    CHECK(guest.r32(kCmdqCons) == guest.cmdq_prod);
}
