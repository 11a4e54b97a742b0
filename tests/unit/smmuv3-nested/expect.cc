// SPDX-License-Identifier: GPL-2.0-or-later
#include "expect.h"

#include <catch2/catch_test_macros.hpp>
#include <string>

using iommu::Access;
using iommu::Outcome;
using iommu::Request;

namespace test::smmu {

namespace {

std::string hex(std::uint64_t value) { return Catch::StringMaker<std::uint64_t>::convert(value); }

std::string described(const Request& request) {
    std::string text = request.access == Access::Read ? "read" : request.access == Access::Write ? "write" : "atomic";
    if (request.privilege == iommu::Privilege::Supervisor) text += ", privileged";
    if (request.execute == iommu::Execute::Yes) text += ", instruction";
    if (request.pasid) text += ", SubstreamID " + hex(request.pasid->value);
    return text + " at " + hex(request.iova.value);
}

// Events whose record tells the access.
bool tells_access(unsigned type) { return type == F_WALK_EABT || (type >= F_TRANSLATION && type <= F_PERMISSION); }

}  // namespace

Event record_of(const Request& request, const Wanted& wanted) {
    Event event;
    event.words[0] = wanted.type | std::uint64_t{request.requester.value} << 32;
    if (request.pasid && wanted.type != F_STREAM_DISABLED && wanted.type != F_TRANSL_FORBIDDEN) {
        event.words[0] |= std::uint64_t{request.pasid->value} << 12;
        if (wanted.type != C_BAD_SUBSTREAMID) event.words[0] |= 1u << 11;
    }
    if (tells_access(wanted.type)) {
        const bool reads = wanted.rnw.value_or(request.access == Access::Read);
        const bool instruction = wanted.ind.value_or(request.execute == iommu::Execute::Yes && reads);
        const bool privileged = wanted.pnu.value_or(request.privilege == iommu::Privilege::Supervisor);
        event.words[1] = std::uint64_t{privileged} << 33 | std::uint64_t{instruction} << 34 |
                         std::uint64_t{reads} << 35 | std::uint64_t{wanted.s2} << 39 |
                         std::uint64_t{wanted.input_class} << 40 | std::uint64_t{wanted.ttrnw} << 44;
        event.words[2] = request.iova.value;
    }
    if (wanted.type == F_TRANSL_FORBIDDEN) {
        event.words[1] = std::uint64_t{request.access == Access::Read} << 35;
        event.words[2] = request.iova.value;
    }
    if (wanted.type == F_BAD_ATS_TREQ) event.words[2] = request.iova.value & ~0xfffull;
    event.words[3] = (wanted.s2 ? wanted.ipa & ~0xfffull : 0) | wanted.fetch_address;
    return event;
}

void expect_event(Guest& guest, const Request& request, const Wanted& wanted) {
    INFO(described(request) << ", wants " << hex(wanted.type));
    guest.forget();
    const auto before = guest.tables();
    const auto reply = guest.ask(request);
    CHECK(reply.outcome == Outcome::Blocked);
    CHECK(hex(reply.reason) == hex(wanted.type));
    const bool tables_unchanged = guest.tables() == before;
    CHECK(tables_unchanged);
    const auto event = guest.take_event();
    REQUIRE(event);
    const Event right = record_of(request, wanted);
    for (unsigned word = 0; word < 4; ++word)
        CHECK(hex(event->words[word]) == hex(right.words[word]));
    CHECK_FALSE(guest.take_event());
}

void expect_silent(Guest& guest, const Request& request) {
    INFO(described(request));
    guest.forget();
    const auto before = guest.tables();
    CHECK(guest.ask(request).outcome == Outcome::Blocked);
    const bool tables_unchanged = guest.tables() == before;
    CHECK(tables_unchanged);
    CHECK_FALSE(guest.take_event());
}

iommu::Translation expect_output(Guest& guest, const Request& request, std::uint64_t address) {
    INFO(described(request));
    guest.forget();
    const auto reply = guest.ask(request);
    CHECK(reply.outcome == Outcome::Translated);
    CHECK(hex(reply.reason) == hex(0));
    CHECK(hex(reply.translation.address.value) == hex(address));
    CHECK_FALSE(guest.take_event());
    return reply.translation;
}

void expect_not(Guest& guest, const Request& request, unsigned type) {
    INFO(described(request));
    guest.forget();
    CHECK(hex(guest.ask(request).reason) != hex(type));
    guest.take_events();
}

Changes changes_by(Guest& guest, const Request& request) {
    INFO(described(request));
    guest.forget();
    const auto before = guest.tables();
    CHECK(guest.ask(request).outcome == Outcome::Translated);
    const auto after = guest.tables();
    REQUIRE(before.size() == after.size());
    Changes changes;
    for (std::size_t i = 0; i < before.size(); ++i) {
        if (before[i] != after[i]) changes[Guest::kFirstTable + 8 * i] = before[i] ^ after[i];
    }
    return changes;
}

}  // namespace test::smmu
