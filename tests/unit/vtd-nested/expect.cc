// SPDX-License-Identifier: GPL-2.0-or-later
#include "expect.h"

#include <catch2/catch_test_macros.hpp>

using iommu::Access;
using iommu::Outcome;
using iommu::Request;

namespace test {

namespace {

Request request(Access access, std::uint64_t iova) {
    Request result;
    result.requester = iommu::RequesterId{kDevice};
    result.iova = iommu::Iova{iova};
    result.access = access;
    return result;
}

// T1 (bit 62) and T2 (bit 28) as they stand in the upper quadword.
std::uint64_t type_bits(Access access) {
    switch (access) {
        case Access::Write: return 0;
        case Access::Read: return 1ull << 62;
        case Access::Atomic: return 1ull << 62 | 1ull << 28;
    }
    return 0;
}

// T1, T2 and AT (bits 61:60). A translation request is a read on the link.
std::uint64_t kind_bits(const Request& request) {
    switch (request.kind) {
        case iommu::RequestKind::Translation: return 1ull << 62 | 1ull << 60;
        case iommu::RequestKind::Translated: return type_bits(request.access) | 2ull << 60;
        case iommu::RequestKind::Page: return 1ull << 28;
        default: return type_bits(request.access);
    }
}

// Bits of FI: those of the widest AGAW in CAP.SAGAW, bits 12:8.
std::uint64_t fault_address_mask(std::uint64_t cap) {
    if ((cap >> 11 & 1) != 0) return (1ull << 57) - 0x1000;
    if ((cap >> 10 & 1) != 0) return (1ull << 48) - 0x1000;
    if ((cap >> 9 & 1) != 0) return (1ull << 39) - 0x1000;
    return ~0xfffull;
}

std::string described(const Request& request, unsigned reason) {
    std::string text = "request " + std::to_string(static_cast<unsigned>(request.kind)) + "." +
                       std::to_string(static_cast<unsigned>(request.access)) + " at ";
    text += Catch::StringMaker<std::uint64_t>::convert(request.iova.value);
    if (request.pasid) text += ", PASID " + std::to_string(request.pasid->value);
    return text + ", wants " + Catch::StringMaker<unsigned>::convert(reason);
}

}  // namespace

Request read_at(std::uint64_t iova) { return request(Access::Read, iova); }
Request write_at(std::uint64_t iova) { return request(Access::Write, iova); }
Request atomic_at(std::uint64_t iova) { return request(Access::Atomic, iova); }
Request zero_read_at(std::uint64_t iova) {
    Request result = read_at(iova);
    result.length = iommu::Length::Zero;
    return result;
}
Request with_pasid(Request request, std::uint32_t pasid) {
    request.pasid = iommu::Pasid{pasid};
    return request;
}
Request privileged(Request request) {
    request.privilege = iommu::Privilege::Supervisor;
    return request;
}
Request executing(Request request) {
    request.execute = iommu::Execute::Yes;
    return request;
}
Request debugging(Request request) {
    request.kind = iommu::RequestKind::Debug;
    return request;
}

Request translation_at(std::uint64_t iova, bool nw) {
    Request result = request(nw ? Access::Read : Access::Atomic, iova);
    result.kind = iommu::RequestKind::Translation;
    return result;
}
Request translated(Request request) {
    request.kind = iommu::RequestKind::Translated;
    return request;
}

Guest::Record record_of(Guest& guest, const Request& request, unsigned reason) {
    std::uint64_t high = request.requester.value | std::uint64_t{reason} << 32 | kind_bits(request) | 1ull << 63;
    const bool pasid_supported = (guest.r64(kEcap) >> 40 & 1) != 0;
    if (request.pasid && pasid_supported) {
        high |= 1ull << 31 | std::uint64_t{request.pasid->value} << 40;
        if (request.privilege == iommu::Privilege::Supervisor) high |= 1ull << 29;
        if (request.execute == iommu::Execute::Yes && (high >> 62 & 1) != 0 && (high >> 28 & 1) == 0)
            high |= 1ull << 30;
    }
    return {request.iova.value & fault_address_mask(guest.r64(kCap)), high};
}

void expect_fault(Guest& guest, const Request& request, unsigned reason) {
    INFO(described(request, reason));
    guest.forget();
    const auto before = guest.tables();
    const auto reply = guest.ask(request);
    CHECK(reply.outcome == Outcome::Blocked);
    CHECK(reply.reason == reason);
    const bool tables_unchanged = guest.tables() == before;
    CHECK(tables_unchanged);

    // PPF alone; FRI in 15:8.
    const std::uint32_t status = guest.r32(kFsts);
    REQUIRE((status & 0xff) == kPpf);
    const Guest::Record found = guest.record(status >> 8 & 0xff);
    const Guest::Record wanted = record_of(guest, request, reason);
    CHECK(found.high == wanted.high);
    // Without an address (29h) FI is undefined.
    if (reason != 0x29) CHECK(found.low == wanted.low);
    guest.clear_record(status >> 8 & 0xff);
    CHECK((guest.r32(kFsts) & 0xff) == 0);
}

void expect_unrecorded(Guest& guest, const Request& request, unsigned reason) {
    INFO(described(request, reason));
    guest.forget();
    const auto before = guest.tables();
    const auto reply = guest.ask(request);
    CHECK(reply.outcome == Outcome::Blocked);
    CHECK(reply.reason == reason);
    const bool tables_unchanged = guest.tables() == before;
    CHECK(tables_unchanged);
    CHECK((guest.r32(kFsts) & 0xff) == 0);
    CHECK(guest.take_fault() == 0);
}

iommu::Translation expect_output(Guest& guest, const Request& request, std::uint64_t address) {
    INFO(described(request, 0));
    guest.forget();
    const auto reply = guest.ask(request);
    CHECK(reply.outcome == Outcome::Translated);
    CHECK(reply.translation.address.value == address);
    CHECK(guest.take_fault() == 0);
    return reply.translation;
}

Changes changes_by(Guest& guest, const Request& request) {
    INFO(described(request, 0));
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

void expect_each_bit_faults(Guest& guest, std::uint64_t entry, std::span<const BitField> fields, const Request& request,
                            unsigned reason) {
    for (const BitField& field : fields) {
        for (unsigned bit = field.first; bit <= field.last; ++bit) {
            INFO("bit " << bit);
            guest.flip(entry, bit);
            expect_fault(guest, request, reason);
            guest.flip(entry, bit);
        }
    }
}

void expect_each_bit_ignored(Guest& guest, std::uint64_t entry, std::span<const BitField> fields,
                             const Request& request, std::uint64_t address) {
    for (const BitField& field : fields) {
        for (unsigned bit = field.first; bit <= field.last; ++bit) {
            INFO("bit " << bit);
            guest.flip(entry, bit);
            expect_output(guest, request, address);
            guest.flip(entry, bit);
        }
    }
}

}  // namespace test
