// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/capi_convert.h"

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <string>

namespace {

using iommu::Access;
using iommu::Execute;
using iommu::Length;
using iommu::Outcome;
using iommu::Pa;
using iommu::Privilege;
using iommu::ram_from_c;
using iommu::refused;
using iommu::Reply;
using iommu::reply_to_c;
using iommu::request_from_c;
using iommu::RequestKind;
using iommu::Rights;
using iommu::tell;
using iommu::Tuning;

TEST_CASE("C interface: a request keeps its fields, of the requester as many bits as there are") {
    const iommu_request request{
        .requester = 0xabcd1234, .pasid = 0x12345, .iova = 0xfedcba9876543210, .kind = 0, .flags = IOMMU_REQUEST_READ};
    const auto narrow = request_from_c(request, 16);
    CHECK(narrow.requester.value == 0x1234);
    REQUIRE(narrow.pasid);
    CHECK(narrow.pasid->value == 0x12345);
    CHECK(narrow.iova.value == 0xfedcba9876543210);
    CHECK(narrow.kind == RequestKind::Untranslated);
    CHECK(request_from_c(request, 32).requester.value == 0xabcd1234);
}

TEST_CASE("C interface: the largest PASID is one, and no PASID is none") {
    CHECK(request_from_c({.requester = 0, .pasid = 0xfffff, .iova = 0, .kind = 0, .flags = 0}, 16).pasid->value ==
          0xfffff);
    CHECK(request_from_c({.requester = 0, .pasid = 0, .iova = 0, .kind = 0, .flags = 0}, 16).pasid->value == 0);
    CHECK_FALSE(request_from_c({.requester = 0, .pasid = 0xffffffff, .iova = 0, .kind = 0, .flags = 0}, 16).pasid);
}

TEST_CASE("C interface: each flag says one thing") {
    const auto with = [](std::uint32_t flags) {
        return request_from_c({.requester = 0, .pasid = 0, .iova = 0, .kind = 0, .flags = flags}, 16);
    };
    CHECK(with(0x1).access == Access::Read);
    CHECK(with(0x2).access == Access::Write);
    CHECK(with(0x3).access == Access::Atomic);
    CHECK(with(0x1).privilege == Privilege::User);
    CHECK(with(0x5).privilege == Privilege::Supervisor);
    CHECK(with(0x1).execute == Execute::No);
    CHECK(with(0x9).execute == Execute::Yes);
    CHECK(with(0x1).length == Length::Some);
    CHECK(with(0x11).length == Length::Zero);
}

TEST_CASE("C interface: a look at the tables is told from a request") {
    CHECK(request_from_c({.requester = 0, .pasid = 0, .iova = 0, .kind = 1, .flags = 1}, 16).kind ==
          RequestKind::Debug);
}

TEST_CASE("C interface: a translated reply keeps its address, its size and its rights") {
    struct Case {
        Rights rights;
        std::uint32_t flags;
    };
    const auto rights =
        GENERATE(Case{Rights::None, 0}, Case{Rights::Read, 1}, Case{Rights::Write, 2}, Case{Rights::ReadWrite, 3});
    const auto reply =
        reply_to_c(Reply::translated({.address = Pa{0x123456789abc}, .page_log2 = 30, .rights = rights.rights}));
    CHECK(reply.outcome == 0);
    CHECK(reply.address == 0x123456789abc);
    CHECK(reply.page_log2 == 30);
    CHECK(reply.rights == rights.flags);
    CHECK(reply.reason == 0);
}

TEST_CASE("C interface: a blocked reply keeps its reason and gives no right") {
    const auto reply = reply_to_c(Reply::blocked(0x85));
    CHECK(reply.outcome == 1);
    CHECK(reply.reason == 0x85);
    CHECK(reply.rights == 0);
}

TEST_CASE("C interface: RAM ranges keep their order and their places") {
    std::array<std::byte, 16> host{};
    const iommu_ram_range ranges[] = {{0x1000, 0x2000, host.data()}, {0x8000, 0x10, host.data() + 8}};
    const auto converted = ram_from_c(ranges, 2);
    REQUIRE(converted.size() == 2);
    CHECK(converted[0].address == Pa{0x1000});
    CHECK(converted[0].size == 0x2000);
    CHECK(converted[1].address == Pa{0x8000});
    CHECK(converted[1].host == host.data() + 8);
    CHECK(ram_from_c(nullptr, 0).empty());
}

TEST_CASE("C interface: a sentence is cut to its buffer and always ends") {
    std::array<char, 8> buffer;
    buffer.fill('#');
    tell("abcdefg", buffer.data(), 8);
    CHECK(std::string(buffer.data()) == "abcdefg");
    buffer.fill('#');
    tell("abcdefgh", buffer.data(), 8);
    CHECK(std::string(buffer.data()) == "abcdefg");
    buffer.fill('#');
    tell("abc", buffer.data(), 1);
    CHECK(buffer[0] == '\0');
    CHECK(buffer[1] == '#');
    tell("abc", buffer.data(), 0);
    CHECK(buffer[0] == '\0');
    tell("abc", nullptr, 8);
}

TEST_CASE("C interface: IOTLB entries are a power of two from 64 to 1048576") {
    CHECK(refused(Tuning{.invalidate_timeout_ms = 1}).empty());
    CHECK(refused(Tuning{.invalidate_timeout_ms = 0}).find("invalidate-timeout-ms=0") == 0);
    CHECK(refused(Tuning{.iotlb_entries = 64}).empty());
    CHECK(refused(Tuning{.iotlb_entries = 1048576}).empty());
    CHECK_FALSE(refused(Tuning{.iotlb_entries = 32}).empty());
    CHECK_FALSE(refused(Tuning{.iotlb_entries = 2097152}).empty());
    CHECK_FALSE(refused(Tuning{.iotlb_entries = 0}).empty());
    CHECK_FALSE(refused(Tuning{.iotlb_entries = 65}).empty());
    CHECK(refused(Tuning{.iotlb_entries = 65537}).find("65537") != std::string::npos);
}

TEST_CASE("C interface: ports are complete when they are of this version and every callback is there") {
    iommu_ports ports{};
    ports.size = sizeof ports;
    ports.written = [](void*, std::uint64_t, std::uint64_t) {};
    ports.send_msi = [](void*, std::uint64_t, std::uint32_t) { return true; };
    ports.listening = [](void*) { return true; };
    ports.unmap = [](void*, const iommu_unmap*) {};
    ports.gate_changed = [](void*, bool) {};
    ports.kick = [](void*) {};
    ports.now_ns = [](void*) { return std::uint64_t{7}; };
    ports.deadline_changed = [](void*) {};
    ports.invalidate = [](void*, const iommu_invalidate_request*) {};
    ports.respond = [](void*, const iommu_page_response*) {};
    ports.keeps_out = [](void*) { return true; };
    ports.drain = [](void*, std::uint64_t) { return false; };
    ports.trace = [](void*, std::uint32_t, const char*) {};
    REQUIRE(iommu::CPorts::complete(ports));
    const auto incomplete = [&](auto member) {
        iommu_ports copy = ports;
        copy.*member = {};
        return !iommu::CPorts::complete(copy);
    };
    CHECK(incomplete(&iommu_ports::size));
    CHECK(incomplete(&iommu_ports::written));
    CHECK(incomplete(&iommu_ports::send_msi));
    CHECK(incomplete(&iommu_ports::unmap));
    CHECK(incomplete(&iommu_ports::gate_changed));
    CHECK(incomplete(&iommu_ports::deadline_changed));
    CHECK(incomplete(&iommu_ports::invalidate));
    CHECK(incomplete(&iommu_ports::respond));
    CHECK(incomplete(&iommu_ports::kick));
    CHECK(incomplete(&iommu_ports::now_ns));
    CHECK(incomplete(&iommu_ports::keeps_out));
    CHECK(incomplete(&iommu_ports::drain));
    CHECK(incomplete(&iommu_ports::trace));
}

}  // namespace
