// SPDX-License-Identifier: GPL-2.0-or-later
//
// Rights of the first stage: U/S, R/W, WPE, and who is a supervisor. [VTD 5.10 s3.6.1, s9.4, s9.6]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test;
using iommu::Outcome;
using iommu::Rights;

namespace {

constexpr std::uint64_t kIova = 0x40'4000;
constexpr std::uint64_t kOutput = 0x180'0000;
constexpr std::uint32_t kPasid = 5;

// Who asks, and how the unit learns that it is a supervisor.
enum class Asker { User, UserWithPasid, SupervisorWithPasid, SupervisorByRidPriv };
constexpr Asker kAskers[] = {Asker::User, Asker::UserWithPasid, Asker::SupervisorWithPasid, Asker::SupervisorByRidPriv};

bool supervisor(Asker asker) { return asker >= Asker::SupervisorWithPasid; }

iommu::Request from(Asker asker, const iommu::Request& request) {
    switch (asker) {
        case Asker::User: return privileged(request);  // means nothing without PASID
        case Asker::UserWithPasid: return with_pasid(request, kPasid);
        case Asker::SupervisorWithPasid: return privileged(with_pasid(request, kPasid));
        case Asker::SupervisorByRidPriv: return request;
    }
    return request;
}

std::uint64_t build(Guest& guest, Asker asker, bool wpe, bool sre = true) {
    const PasidSpec spec{.pgtt = 1, .did = 7, .sre = sre, .wpe = wpe};
    guest.scalable_device(kDevice, spec, {.rid_priv = asker == Asker::SupervisorByRidPriv});
    guest.add_pasid(kDevice, kPasid, spec);
    const std::uint64_t leaf = guest.map_first(kIova, kOutput, kP | kRW | kUS | kA | kD);
    guest.enable(kTtmScalable);
    return leaf;
}

// 0, or the condition for the rights that are left over all levels.
unsigned reason_for(Asker asker, bool user_page, bool writable, bool wpe, bool writes) {
    if (!supervisor(asker) && !user_page) return 0x81;
    if (writes && !writable && (!supervisor(asker) || wpe)) return 0x85;
    return 0;
}

}  // namespace

TEST_CASE("First stage: U/S, R/W and WPE decide together, and each level can take a right away", "[vtd][first]") {
    for (const Asker asker : kAskers) {
        for (const unsigned bits : {0u, 1u, 2u, 3u, 4u, 5u, 6u, 7u}) {
            const bool user_page = (bits & 1) != 0, writable = (bits & 2) != 0, wpe = (bits & 4) != 0;
            Guest guest;
            build(guest, asker, wpe);
            for (unsigned level = 1; level <= 4; ++level) {
                INFO("asker " << static_cast<int>(asker) << ", U/S " << user_page << ", R/W " << writable << ", WPE "
                              << wpe << ", level " << level);
                const std::uint64_t entry = guest.first_entry(kIova, level);
                const std::uint64_t before = guest.peek(entry);
                guest.poke(entry, before & ~((user_page ? 0 : kUS) | (writable ? 0 : kRW)));
                for (const auto& request : {read_at(kIova), zero_read_at(kIova), write_at(kIova), atomic_at(kIova)}) {
                    const unsigned reason = reason_for(asker, user_page, writable, wpe, request.writes());
                    if (reason == 0) expect_output(guest, from(asker, request), kOutput);
                    if (reason != 0) expect_fault(guest, from(asker, request), reason);
                }
                guest.poke(entry, before);
            }
        }
    }
}

TEST_CASE("First stage: rights lost at different levels are all lost", "[vtd][first]") {
    Guest guest;
    build(guest, Asker::User, false);
    guest.poke(guest.first_entry(kIova, 4), guest.peek(guest.first_entry(kIova, 4)) & ~kRW);
    expect_fault(guest, write_at(kIova), 0x85);
    guest.poke(guest.first_entry(kIova, 2), guest.peek(guest.first_entry(kIova, 2)) & ~kUS);
    expect_fault(guest, read_at(kIova), 0x81);
}

TEST_CASE("First stage: the reply's rights are those that the asker has", "[vtd][first]") {
    struct Page {
        std::uint64_t bits;
        Asker asker;
        bool wpe;
        Rights rights;
    };
    const Page pages[] = {{kP | kUS | kRW, Asker::User, false, Rights::ReadWrite},
                          {kP | kUS, Asker::User, false, Rights::Read},
                          {kP, Asker::SupervisorWithPasid, false, Rights::ReadWrite},
                          {kP, Asker::SupervisorWithPasid, true, Rights::Read},
                          {kP | kRW, Asker::SupervisorByRidPriv, true, Rights::ReadWrite}};
    for (const Page& page : pages) {
        Guest guest;
        const std::uint64_t leaf = build(guest, page.asker, page.wpe);
        guest.poke(leaf, kOutput | page.bits | kA | kD);
        CHECK(expect_output(guest, from(page.asker, read_at(kIova)), kOutput).rights == page.rights);
    }
}

TEST_CASE("First stage: what was cached for a supervisor is not a user's", "[vtd][first]") {
    Guest guest;
    const std::uint64_t leaf = build(guest, Asker::SupervisorWithPasid, false);
    const auto user_write = with_pasid(write_at(kIova), kPasid);
    const auto user_read = with_pasid(read_at(kIova), kPasid);

    guest.poke(leaf, kOutput | kP | kUS);
    REQUIRE(guest.ask(privileged(user_write)).outcome == Outcome::Translated);
    CHECK(guest.ask(user_write).reason == 0x85);
    CHECK(guest.ask(user_read).outcome == Outcome::Translated);

    guest.poke(leaf, kOutput | kP);
    guest.forget();
    REQUIRE(guest.ask(privileged(user_read)).outcome == Outcome::Translated);
    CHECK(guest.ask(user_read).reason == 0x81);
}

TEST_CASE("A privileged request needs SRE, for every PGTT, by its PASID prefix or by RID_PRIV", "[vtd][first]") {
    for (const unsigned pgtt : {1u, 2u, 3u, 4u}) {
        for (const Asker asker : {Asker::SupervisorWithPasid, Asker::SupervisorByRidPriv}) {
            for (const bool sre : {false, true}) {
                INFO("PGTT " << pgtt << ", asker " << static_cast<int>(asker) << ", SRE " << sre);
                Guest guest;
                const std::uint64_t entry0 = guest.scalable_device(kDevice, {.pgtt = pgtt, .did = 7, .sre = sre},
                                                                   {.rid_priv = asker == Asker::SupervisorByRidPriv});
                const std::uint64_t entry5 = guest.add_pasid(kDevice, kPasid, {.pgtt = pgtt, .did = 7, .sre = sre});
                if (pgtt == 1 || pgtt == 3) guest.map_first(kIova, kIova, kP | kRW | kUS);
                if (pgtt == 2 || pgtt == 3) guest.identity_second();
                guest.enable(kTtmScalable);
                if (sre) {
                    expect_output(guest, from(asker, write_at(kIova)), kIova);
                    continue;
                }
                expect_fault(guest, from(asker, read_at(kIova)), 0x5d);
                expect_fault(guest, from(asker, write_at(kIova)), 0x5d);
                // SRE is judged before the address.
                expect_fault(guest, from(asker, read_at(1ull << 60)), 0x5d);
                guest.flip(asker == Asker::SupervisorWithPasid ? entry5 : entry0, 1);  // FPD
                expect_unrecorded(guest, from(asker, read_at(kIova)), 0x5d);
            }
        }
    }
}

TEST_CASE("RID_PRIV makes supervisors of requests without PASID only", "[vtd][first]") {
    Guest guest;
    const std::uint64_t leaf = build(guest, Asker::SupervisorByRidPriv, true);
    guest.poke(leaf, kOutput | kP | kRW);
    expect_output(guest, write_at(kIova), kOutput);
    expect_fault(guest, with_pasid(write_at(kIova), kPasid), 0x81);
}

TEST_CASE("First stage: a refused user, and a refused writer, are qualified faults", "[vtd][first]") {
    Guest guest;
    const std::uint64_t leaf = build(guest, Asker::User, false);
    guest.flip(guest.pasid_entry(kDevice, 0), 1);  // FPD
    guest.poke(leaf, kOutput | kP);
    expect_unrecorded(guest, read_at(kIova), 0x81);
    guest.poke(leaf, kOutput | kP | kUS);
    expect_unrecorded(guest, write_at(kIova), 0x85);
}
