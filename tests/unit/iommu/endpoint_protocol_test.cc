// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/endpoint_protocol.h"

#include <catch2/catch_test_macros.hpp>
#include <set>

using iommu::InvalidateTracker;
using iommu::PageRequest;
using iommu::Pasid;
using iommu::RequesterId;

namespace {

constexpr RequesterId kDevice{0x100}, kOther{0x200};

std::uint8_t opened(InvalidateTracker& tracker, RequesterId requester = kDevice, std::uint64_t deadline = 100) {
    const auto itag = tracker.open(requester, InvalidateTracker::kTags, deadline);
    REQUIRE(itag);
    return *itag;
}
bool answer(InvalidateTracker& tracker, std::uint32_t vector, RequesterId from = kDevice, unsigned count = 1) {
    return tracker.complete({.requester = from, .itag_vector = vector, .count = count});
}

}  // namespace

TEST_CASE("ITags: 32 of a requester, all different, each free again once it is answered") {
    InvalidateTracker tracker;
    std::set<unsigned> tags;
    for (unsigned n = 0; n < 32; ++n)
        tags.insert(opened(tracker));
    CHECK(tags.size() == 32);
    CHECK(*tags.rbegin() == 31);
    CHECK_FALSE(tracker.open(kDevice, 32, 100));
    CHECK(opened(tracker, kOther) == 0);
    CHECK(answer(tracker, 1u << 17));
    CHECK(opened(tracker) == 17);
    CHECK_FALSE(tracker.open(kDevice, 32, 100));
}

TEST_CASE("ITags: the limit of a requester is what may be open with it") {
    InvalidateTracker tracker;
    REQUIRE(tracker.open(kDevice, 2, 100));
    REQUIRE(tracker.open(kDevice, 2, 100));
    CHECK_FALSE(tracker.open(kDevice, 2, 100));
    CHECK(tracker.open(kOther, 2, 100));
    CHECK(tracker.open(kDevice, 3, 100));
}

TEST_CASE("ITags: functions may share a limit, each with ITags of its own") {
    InvalidateTracker tracker;
    const InvalidateTracker::Throttle shared{.function = RequesterId{0x300}, .limit = 2};
    CHECK(tracker.open(kDevice, shared, 100) == 0);
    CHECK(tracker.open(kOther, shared, 100) == 0);
    CHECK_FALSE(tracker.open(kDevice, shared, 100));
    // What counts against another function, or has a larger limit, is not held back.
    CHECK(tracker.open(kDevice, {.function = kDevice, .limit = 1}, 100) == 1);
    CHECK_FALSE(tracker.open(kOther, {.function = kDevice, .limit = 1}, 100));
    CHECK(tracker.open(kOther, {.function = shared.function, .limit = 3}, 100) == 1);
    CHECK(answer(tracker, 1, kOther));
    CHECK_FALSE(tracker.open(kOther, shared, 100));
    CHECK(answer(tracker, 2, kOther));
    CHECK(tracker.open(kOther, shared, 100) == 0);
}

TEST_CASE("ITags: no more are open than the bound, whoever they are with") {
    InvalidateTracker tracker;
    for (unsigned n = 0; n < InvalidateTracker::kMost; ++n)
        (void)opened(tracker, RequesterId{n});
    CHECK_FALSE(tracker.open(RequesterId{0xffff}, 32, 100));
    CHECK(answer(tracker, 1, RequesterId{7}));
    CHECK(tracker.open(RequesterId{0xffff}, 32, 100));
}

TEST_CASE("ITags: an answer that fits nothing is told from one that does") {
    InvalidateTracker tracker;
    CHECK_FALSE(answer(tracker, 1));  // unasked
    (void)opened(tracker);
    (void)opened(tracker);
    CHECK_FALSE(answer(tracker, 0));          // names none
    CHECK_FALSE(answer(tracker, 1, kOther));  // from another requester
    CHECK_FALSE(answer(tracker, 4));          // wrong
    CHECK(tracker.list().size() == 2);
    CHECK_FALSE(answer(tracker, 1 | 4));  // one of each: the right one counts
    CHECK(tracker.list().size() == 1);
    CHECK(answer(tracker, 2));
    CHECK_FALSE(answer(tracker, 2));  // twice
    CHECK(tracker.list().empty());
}

TEST_CASE("ITags: an answer in several messages ends with the last of them") {
    InvalidateTracker tracker;
    (void)opened(tracker);
    (void)opened(tracker);
    CHECK(answer(tracker, 3, kDevice, 3));
    CHECK(answer(tracker, 1, kDevice, 3));
    CHECK(tracker.list().size() == 2);
    CHECK(answer(tracker, 1, kDevice, 3));
    REQUIRE(tracker.list().size() == 1);
    CHECK(tracker.list()[0].itag == 1);
    CHECK(answer(tracker, 2, kDevice, 3));
    CHECK(answer(tracker, 2, kDevice, 3));
    CHECK(tracker.list().empty());
}

TEST_CASE("Time-outs: at the deadline and not one nanosecond before, of each its own") {
    InvalidateTracker tracker;
    CHECK(tracker.deadline_ns() == iommu::kNever);
    (void)opened(tracker, kDevice, 200);
    (void)opened(tracker, kOther, 100);
    CHECK(tracker.deadline_ns() == 100);
    CHECK(tracker.expire(99).empty());
    CHECK(tracker.expire(100) == std::vector{kOther});
    CHECK(tracker.deadline_ns() == 200);
    CHECK(tracker.expire(1000) == std::vector{kDevice});
    CHECK(tracker.deadline_ns() == iommu::kNever);
    CHECK_FALSE(answer(tracker, 1));  // too late
}

TEST_CASE("Barriers: what was opened before ends with the last of it, whatever is opened after") {
    InvalidateTracker tracker;
    CHECK(tracker.ended(tracker.opened()));
    (void)opened(tracker);
    (void)opened(tracker, kOther);
    const std::uint64_t barrier = tracker.opened();
    (void)opened(tracker);
    CHECK_FALSE(tracker.ended(barrier));
    CHECK(answer(tracker, 1));
    CHECK_FALSE(tracker.ended(barrier));
    CHECK(answer(tracker, 1, kOther));
    CHECK(tracker.ended(barrier));
    CHECK_FALSE(tracker.ended(tracker.opened()));
}

TEST_CASE("Page requests: a stop marker is the last of its group, asks for nothing, and has a PASID") {
    const PageRequest marker{.requester = kDevice, .pasid = Pasid{1}, .last = true};
    CHECK(marker.stop_marker());
    PageRequest other = marker;
    other.pasid.reset();
    CHECK_FALSE(other.stop_marker());
    other = marker;
    other.last = false;
    CHECK_FALSE(other.stop_marker());
    for (bool PageRequest::* right : {&PageRequest::read, &PageRequest::write}) {
        other = marker;
        other.*right = true;
        CHECK_FALSE(other.stop_marker());
    }
}
