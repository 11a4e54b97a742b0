// SPDX-License-Identifier: GPL-2.0-or-later
//
// Invalidation by CCMD, IOTLB and IVA: legacy mode with the queue off.
#include <catch2/catch_test_macros.hpp>

#include "vtd/stale_page.h"

using namespace vtd_driver;

namespace {

constexpr unsigned domain = 5;
constexpr unsigned other_domain = 6;
constexpr std::uint64_t near = 0x123456780000;
constexpr std::uint64_t far = 0x123400000000;

// Requested and actual granularity.
enum class Granularity : std::uint8_t { Refused = 0, Global = 1, Domain = 2, Selective = 3 };

constexpr std::uint64_t ICC = bit(63);
constexpr std::uint64_t IVT = bit(63);

struct Ccmd {
    Granularity granularity = Granularity::Global;
    unsigned domain = 0;
    unsigned requester = 0;
    [[nodiscard]] std::uint64_t word() const {
        return ICC | field(62, 61, static_cast<std::uint64_t>(granularity)) | field(31, 16, requester) |
               field(15, 0, domain);
    }
};

std::uint64_t iotlb_word(Granularity granularity, unsigned did) {
    return IVT | field(61, 60, static_cast<std::uint64_t>(granularity)) | field(47, 32, did);
}

struct RegisterGuest : Guest {
    PageTable stage = second_stage();
    PageTable other_stage = second_stage();
    RegisterGuest() : Guest(Mode::Legacy) { legacy.set(requester(), LegacyContext::translating(stage, domain)); }
    // No queue.
    void start_without_queue() const {
        unit.set_root_table(legacy.root(), Mode::Legacy);
        unit.set(TE);
    }
    // The granularity that was carried out.
    Granularity invalidate_context(const Ccmd& command) const {
        unit.write64(reg::CCMD, command.word());
        const std::uint64_t answer = unit.read64(reg::CCMD);
        CHECK((answer & ICC) == 0);
        return Granularity(extract(answer, 60, 59));
    }
    Granularity invalidate_iotlb(Granularity granularity, unsigned did, PageRange range = {}) const {
        unit.write64(unit.iva_register(), range.address | range.mask);
        unit.write64(unit.iotlb_register(), iotlb_word(granularity, did));
        const std::uint64_t answer = unit.read64(unit.iotlb_register());
        CHECK((answer & IVT) == 0);
        return Granularity(extract(answer, 58, 57));
    }
};

// Two cached pages that are out of date.
struct StaleGuest : RegisterGuest {
    StalePage at_near{*this, stage, {near}};
    StalePage at_far{*this, stage, {far}};
    StaleGuest() {
        start_without_queue();
        at_near.make_stale();
        at_far.make_stale();
        REQUIRE(at_near.is_stale());
        REQUIRE(at_far.is_stale());
    }
};

}  // namespace

TEST_CASE("RegisterInvalidation: the IOTLB, all of it", "[vtd][invalidation]") {
    StaleGuest guest;
    CHECK(guest.invalidate_iotlb(Granularity::Global, 0) == Granularity::Global);
    CHECK(guest.at_near.is_fresh());
    CHECK(guest.at_far.is_fresh());
}

TEST_CASE("RegisterInvalidation: the IOTLB, a domain", "[vtd][invalidation]") {
    StaleGuest guest;
    CHECK(guest.invalidate_iotlb(Granularity::Domain, other_domain) == Granularity::Domain);
    CHECK(guest.at_near.is_stale());
    CHECK(guest.invalidate_iotlb(Granularity::Domain, domain) == Granularity::Domain);
    CHECK(guest.at_near.is_fresh());
    CHECK(guest.at_far.is_fresh());
}

TEST_CASE("RegisterInvalidation: the IOTLB, pages of a domain", "[vtd][invalidation]") {
    StaleGuest guest;
    CHECK(guest.invalidate_iotlb(Granularity::Selective, other_domain, {near}) == Granularity::Selective);
    CHECK(guest.at_near.is_stale());
    CHECK(guest.invalidate_iotlb(Granularity::Selective, domain, {near + size_4k}) == Granularity::Selective);
    CHECK(guest.at_near.is_stale());
    CHECK(guest.invalidate_iotlb(Granularity::Selective, domain, {near}) == Granularity::Selective);
    CHECK(guest.at_near.is_fresh());
    CHECK(guest.at_far.is_stale());
}

TEST_CASE("RegisterInvalidation: more pages than MAMV allows are refused", "[vtd][invalidation]") {
    StaleGuest guest;
    const auto largest = static_cast<unsigned>(extract(guest.unit.read64(reg::CAP), 53, 48));
    CHECK(guest.invalidate_iotlb(Granularity::Selective, domain, {0, largest + 1}) == Granularity::Refused);
    CHECK(guest.at_near.is_stale());
}

TEST_CASE("RegisterInvalidation: the context cache, at each granularity", "[vtd][invalidation]") {
    RegisterGuest guest;
    guest.stage.map({.iova = near, .target = guest.patterned_page(1)});
    guest.other_stage.map({.iova = near, .target = guest.patterned_page(2)});
    guest.start_without_queue();
    REQUIRE(guest.dma_read(near) == Guest::pattern(1));
    guest.legacy.set(guest.requester(), LegacyContext::translating(guest.other_stage, other_domain));
    const unsigned requester = guest.requester();
    CHECK(guest.dma_read(near) == Guest::pattern(1));

    SECTION("not this device, not this domain") {
        CHECK(guest.invalidate_context({Granularity::Selective, domain, requester ^ 8}) == Granularity::Selective);
        CHECK(guest.invalidate_context({Granularity::Domain, domain + 7}) == Granularity::Domain);
        CHECK(guest.dma_read(near) == Guest::pattern(1));
    }
    SECTION("device") {
        CHECK(guest.invalidate_context({Granularity::Selective, domain, requester}) == Granularity::Selective);
        CHECK(guest.dma_read(near) == Guest::pattern(2));
    }
    SECTION("domain") {
        CHECK(guest.invalidate_context({Granularity::Domain, domain}) == Granularity::Domain);
        CHECK(guest.dma_read(near) == Guest::pattern(2));
    }
    SECTION("global") {
        CHECK(guest.invalidate_context({Granularity::Global}) == Granularity::Global);
        CHECK(guest.dma_read(near) == Guest::pattern(2));
    }
}

TEST_CASE("RegisterInvalidation: the upper half with the trigger starts it", "[vtd][invalidation]") {
    StaleGuest guest;
    const std::uint64_t word = iotlb_word(Granularity::Domain, domain);
    const std::uint64_t iotlb = guest.unit.iotlb_register();
    guest.unit.write32(iotlb, static_cast<std::uint32_t>(word));
    CHECK(guest.at_near.is_stale());
    guest.unit.write32(iotlb + 4, static_cast<std::uint32_t>(word >> 32));
    CHECK(guest.at_near.is_fresh());
    CHECK((guest.unit.read32(iotlb + 4) & 0x80000000) == 0);
}

TEST_CASE("RegisterInvalidation: CCMD by halves", "[vtd][invalidation]") {
    RegisterGuest guest;
    const std::uint64_t word = Ccmd{Granularity::Domain, domain}.word();
    guest.unit.write32(reg::CCMD, static_cast<std::uint32_t>(word));
    CHECK(extract(guest.unit.read64(reg::CCMD), 60, 59) == 0);
    guest.unit.write32(reg::CCMD + 4, static_cast<std::uint32_t>(word >> 32));
    CHECK(extract(guest.unit.read64(reg::CCMD), 60, 59) == 2);
}

TEST_CASE("RegisterInvalidation: no granularity is refused", "[vtd][invalidation]") {
    StaleGuest guest;
    CHECK(guest.invalidate_iotlb(Granularity::Refused, domain) == Granularity::Refused);
    CHECK(guest.invalidate_context({Granularity::Refused, domain}) == Granularity::Refused);
    CHECK(guest.at_near.is_stale());
}

TEST_CASE("RegisterInvalidation: refused while the queue is on", "[vtd][invalidation]") {
    StaleGuest guest;
    guest.queue.enable();
    CHECK(guest.invalidate_iotlb(Granularity::Global, 0) == Granularity::Refused);
    CHECK(guest.invalidate_context({Granularity::Global}) == Granularity::Refused);
    CHECK(guest.at_near.is_stale());
    guest.unit.clear(QIE);
    CHECK(guest.invalidate_iotlb(Granularity::Global, 0) == Granularity::Global);
    CHECK(guest.at_near.is_fresh());
}

TEST_CASE("RegisterInvalidation: scalable mode has none", "[vtd][invalidation]") {
    Guest guest(Mode::Scalable);
    auto stage = guest.second_stage();
    guest.scalable.set(guest.requester(), PasidEntry::over_second_stage(stage, domain));
    StalePage page(guest, stage, {near});
    guest.unit.set_root_table(guest.scalable.root(), Mode::Scalable);
    guest.unit.set(TE);
    page.make_stale();
    guest.unit.write64(guest.unit.iotlb_register(), iotlb_word(Granularity::Global, 0));
    CHECK((guest.unit.read64(guest.unit.iotlb_register()) & (IVT | ones(58, 57))) == 0);
    CHECK(page.is_stale());
    guest.unit.write64(reg::CCMD, Ccmd{Granularity::Global}.word());
    CHECK((guest.unit.read64(reg::CCMD) & (ICC | ones(60, 59))) == 0);
}

TEST_CASE("RegisterInvalidation: a unit of version 6 has none", "[vtd][invalidation]") {
    Guest guest(Mode::Legacy, {.properties = ",ver=0x60"});
    guest.unit.write64(guest.unit.iotlb_register(), iotlb_word(Granularity::Global, 0));
    CHECK((guest.unit.read64(guest.unit.iotlb_register()) & (IVT | ones(58, 57))) == 0);
    guest.unit.write64(reg::CCMD, Ccmd{Granularity::Global}.word());
    CHECK((guest.unit.read64(reg::CCMD) & (ICC | ones(60, 59))) == 0);
}
