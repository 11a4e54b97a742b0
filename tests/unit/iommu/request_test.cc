// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/request.h"

#include <catch2/catch_test_macros.hpp>

namespace {

using iommu::Access;
using iommu::covers;
using iommu::needed;
using iommu::Outcome;
using iommu::Pa;
using iommu::Reply;
using iommu::Request;
using iommu::Rights;
using iommu::Translation;

TEST_CASE("Request: an atomic reads and writes") {
    CHECK(Request{.access = Access::Read}.reads());
    CHECK_FALSE(Request{.access = Access::Read}.writes());
    CHECK_FALSE(Request{.access = Access::Write}.reads());
    CHECK(Request{.access = Access::Write}.writes());
    CHECK(Request{.access = Access::Atomic}.reads());
    CHECK(Request{.access = Access::Atomic}.writes());
}

TEST_CASE("Rights: each access needs its own") {
    CHECK(needed(Access::Read) == Rights::Read);
    CHECK(needed(Access::Write) == Rights::Write);
    CHECK(needed(Access::Atomic) == Rights::ReadWrite);
}

TEST_CASE("Rights: they combine as sets") {
    CHECK((Rights::ReadWrite & Rights::Read) == Rights::Read);
    CHECK((Rights::Read & Rights::Write) == Rights::None);
    CHECK((Rights::Read | Rights::Write) == Rights::ReadWrite);
}

TEST_CASE("Rights: covered means all of them") {
    CHECK(covers(Rights::ReadWrite, Rights::Write));
    CHECK(covers(Rights::Read, Rights::Read));
    CHECK(covers(Rights::None, Rights::None));
    CHECK_FALSE(covers(Rights::Read, Rights::ReadWrite));
    CHECK_FALSE(covers(Rights::Write, Rights::Read));
    CHECK_FALSE(covers(Rights::None, Rights::Read));
}

TEST_CASE("Reply: nothing is translated unless it says so") {
    CHECK(Reply{}.outcome == Outcome::Blocked);
    const auto reply = Reply::translated({.address = Pa{0x1234}, .page_log2 = 21, .rights = Rights::Read});
    CHECK(reply.outcome == Outcome::Translated);
    CHECK(reply.translation.address == Pa{0x1234});
    CHECK(reply.translation.page_log2 == 21);
    CHECK(reply.translation.rights == Rights::Read);
    CHECK(reply.reason == 0);
}

TEST_CASE("Reply: a blocked one carries its reason and no rights") {
    const auto reply = Reply::blocked(0x85);
    CHECK(reply.outcome == Outcome::Blocked);
    CHECK(reply.reason == 0x85);
    CHECK(reply.translation.rights == Rights::None);
}

}  // namespace
