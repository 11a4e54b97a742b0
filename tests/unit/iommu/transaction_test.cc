// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/transaction.h"

#include <catch2/catch_test_macros.hpp>

namespace {

using iommu::Access;
using iommu::Iova;
using iommu::Pasid;
using iommu::Privilege;
using iommu::Request;
using iommu::RequesterId;
using iommu::TransactionMerger;

constexpr unsigned kReason = 0x71;

Request at(std::uint64_t iova) {
    return {.requester = RequesterId{0x20}, .pasid = std::nullopt, .iova = Iova{iova}, .access = Access::Read};
}

// Whether `next` goes on where a piece at 0x1000 ended.
bool goes_on(const Request& next, unsigned reason = kReason, std::uint64_t later_ns = 0) {
    TransactionMerger merger;
    REQUIRE_FALSE(merger.continues(at(0x1000), kReason, 5000));
    return merger.continues(next, reason, 5000 + later_ns);
}

TEST_CASE("TransactionMerger: the first refused request begins a transaction") {
    TransactionMerger merger;
    CHECK_FALSE(merger.continues(at(0), kReason, 0));
}

TEST_CASE("TransactionMerger: a piece goes on at most eight bytes further, and never backwards") {
    CHECK(goes_on(at(0x1001)));
    CHECK(goes_on(at(0x1008)));
    CHECK_FALSE(goes_on(at(0x1009)));
    CHECK_FALSE(goes_on(at(0x1000)));
    CHECK_FALSE(goes_on(at(0x0ff8)));
}

TEST_CASE("TransactionMerger: a transaction ends with its page") {
    TransactionMerger merger;
    REQUIRE_FALSE(merger.continues(at(0x1ff0), kReason, 0));
    CHECK(merger.continues(at(0x1ff8), kReason, 0));
    CHECK_FALSE(merger.continues(at(0x2000), kReason, 0));
    CHECK(merger.continues(at(0x2008), kReason, 0));
}

TEST_CASE("TransactionMerger: a run of pieces is one transaction") {
    TransactionMerger merger;
    REQUIRE_FALSE(merger.continues(at(0x1000), kReason, 0));
    for (std::uint64_t iova = 0x1008; iova < 0x2000; iova += 8) {
        INFO("iova " << iova);
        CHECK(merger.continues(at(iova), kReason, iova));
    }
}

TEST_CASE("TransactionMerger: another reason, or a later time, is another transaction") {
    CHECK_FALSE(goes_on(at(0x1008), 0x72));
    CHECK(goes_on(at(0x1008), kReason, 10'000'000));
    CHECK_FALSE(goes_on(at(0x1008), kReason, 10'000'001));
}

TEST_CASE("TransactionMerger: another requester, PASID, access or privilege is another transaction") {
    Request next = at(0x1008);
    next.requester = RequesterId{0x28};
    CHECK_FALSE(goes_on(next));
    next = at(0x1008);
    next.pasid = Pasid{0};
    CHECK_FALSE(goes_on(next));
    next = at(0x1008);
    next.access = Access::Write;
    CHECK_FALSE(goes_on(next));
    next = at(0x1008);
    next.privilege = Privilege::Supervisor;
    CHECK_FALSE(goes_on(next));
}

TEST_CASE("TransactionMerger: what came between begins a transaction of its own") {
    TransactionMerger merger;
    REQUIRE_FALSE(merger.continues(at(0x1000), kReason, 0));
    CHECK_FALSE(merger.continues(at(0x5000), kReason, 0));
    CHECK_FALSE(merger.continues(at(0x1008), kReason, 0));
}

TEST_CASE("TransactionMerger: nothing goes on after it forgot") {
    TransactionMerger merger;
    REQUIRE_FALSE(merger.continues(at(0x1000), kReason, 0));
    merger.forget();
    CHECK_FALSE(merger.continues(at(0x1008), kReason, 0));
}

}  // namespace
