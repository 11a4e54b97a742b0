// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is kept, what is not, and that a look leaves nothing behind. [SMMU 3.17, 16.2]
#include <catch2/catch_test_macros.hpp>

#include "crowded_tags.h"
#include "expect.h"

using namespace test::smmu;
using Caps = smmuv3::Capabilities;

namespace {

constexpr std::uint64_t kIova = 0x4000;
constexpr std::uint64_t kOut = 0x1800000;
constexpr Caps kDs{.oas = 6, .ds = 1, .vax = 1};

}  // namespace

TEST_CASE("Caching: a page or block of every size serves all of itself and nothing else", "[smmu][caching]") {
    struct Case {
        unsigned granule_log2;
        int start, level;
        Caps caps = {};
        bool wide = false;
    };
    const Case cases[] = {{12, 0, 1},
                          {12, 0, 2},
                          {12, 0, 3},
                          {14, 0, 2},
                          {14, 0, 3},
                          {16, 1, 2},
                          {16, 1, 3},
                          {12, -1, 0, kDs, true},
                          {14, 0, 1, kDs, true},
                          {16, 1, 1, kDs, true}};
    for (const Case& c : cases) {
        const unsigned log2 = c.granule_log2 + (c.granule_log2 - 3) * static_cast<unsigned>(3 - c.level);
        INFO("granule " << c.granule_log2 << ", level " << c.level);
        Guest guest(c.caps);
        guest.format(guest.low, c.granule_log2, c.start, c.wide ? 52 : 48, c.wide);
        const std::uint64_t size = 1ull << log2, va = 4 * size, out = 2 * size;
        guest.map(guest.low, va, out, kPage, c.level);
        guest.map(guest.low, va + size, out + 4 * size, kPage, c.level);
        guest.stream(kStream);
        guest.bring_up();
        REQUIRE(guest.ask(read_at(va + size / 2)).translation.address.value == out + size / 2);
        const auto hits = guest.unit.counters().hits;
        for (const std::uint64_t offset : {std::uint64_t{0}, size / 2 + 8, size - 1}) {
            CHECK(guest.ask(write_at(va + offset)).translation.address.value == out + offset);
        }
        CHECK(guest.unit.counters().hits == hits + 3);
        CHECK(guest.ask(read_at(va + size)).translation.address.value == out + 4 * size);
        CHECK(guest.unit.counters().hits == hits + 3);
        CHECK(guest.ask(read_at(va - 1)).reason == F_TRANSLATION);
    }
}

TEST_CASE("Caching: faults are not kept", "[smmu][caching]") {
    for (const unsigned config : {kStage1, kStage2, kNested}) {
        INFO("Config " << config);
        Guest guest;
        guest.identity_second();
        guest.stream(kStream, {.config = config});
        guest.bring_up();
        const std::uint64_t ipa = config == kStage2 ? 0x60'0000'0000 : kIova;
        CHECK(guest.ask(read_at(ipa)).reason == F_TRANSLATION);
        guest.map(guest.low, kIova, kOut, kPage | kAp2);
        guest.map(guest.second, 0x60'0000'0000, kOut, kS2R | kS2Normal | kAf);
        CHECK(guest.ask(read_at(ipa)).translation.address.value == kOut);
        // A right that is missing is looked for again.
        CHECK(guest.ask(write_at(ipa)).reason == F_PERMISSION);
        guest.map(guest.low, kIova, kOut, kPage);
        guest.map(guest.second, 0x60'0000'0000, kOut, kS2Page);
        CHECK(guest.ask(write_at(ipa)).translation.address.value == kOut);
    }
}

TEST_CASE("Caching: CFGI alone makes new A, R and S, and new overrides, count", "[smmu][caching]") {
    Guest guest;
    guest.stream(kStream);
    guest.map(guest.low, kIova, kOut, kAf | kNg);
    guest.bring_up();
    CHECK(guest.ask(read_at(kIova)).outcome == iommu::Outcome::Blocked);
    CHECK(guest.take_events().size() == 1);
    guest.set(guest.cd(kStream), 46, 45, 0);  // A, R
    CHECK(guest.ask(read_at(kIova + 8)).outcome == iommu::Outcome::Blocked);
    guest.take_events();
    guest.submit(cfgi_cd(kStream, 0));
    CHECK(guest.ask(read_at(kIova)).outcome == iommu::Outcome::Discarded);
    CHECK_FALSE(guest.take_event());
    guest.set(guest.ste(kStream), 113, 112, 3);
    guest.submit(cfgi_ste(kStream));
    CHECK(guest.ask(read_at(kIova)).translation.address.value == kOut);
}

TEST_CASE("Caching: a look brings nothing in and leaves nothing behind", "[smmu][caching]") {
    for (const unsigned config : {kStage1, kStage2, kNested}) {
        INFO("Config " << config);
        Guest guest;
        guest.identity_second(kS2R | kS2W | kS2Normal);
        guest.stream(kStream, {.config = config, .s2ha = true, .s2hd = true}, {.ha = true, .hd = true});
        guest.map(guest.low, kIova, kOut, kAp1 | kAp2 | kDbm);
        guest.bring_up();
        const std::uint64_t out = config == kStage2 ? kIova : kOut;
        const auto before = guest.tables();
        const auto reply = guest.ask(debugging(write_at(kIova)));
        CHECK(reply.translation.address.value == out);
        const bool unchanged = guest.tables() == before;
        CHECK(unchanged);
        CHECK(guest.ask(debugging(read_at(1ull << 47))).reason == F_TRANSLATION);
        CHECK(guest.ask(debugging(from(63, read_at(kIova)))).reason == C_BAD_STE);
        CHECK(guest.ask(debugging(from(64, read_at(kIova)))).reason == C_BAD_STREAMID);
        CHECK_FALSE(guest.take_event());
        CHECK(guest.unit.counters().recorded == 0);
        CHECK(guest.unit.counters().hits == 0);
        // Neither configuration nor translation was kept: what changes now is seen without a command.
        guest.map(guest.low, kIova, kOut + 0x1000, kPage);
        guest.map(guest.second, 0, 0x200000, kS2Page | kAf, 2);
        guest.set(guest.ste(kStream), 3, 1, config == kNested ? kStage1 : config);
        const std::uint64_t now = config == kStage2 ? kIova + 0x200000 : kOut + 0x1000;
        CHECK(guest.ask(read_at(kIova)).translation.address.value == now);
    }
}

TEST_CASE("Caching: a look sees what is cached or in the tables, never more rights than a request", "[smmu][caching]") {
    Guest guest;
    guest.stream(kStream);
    guest.map(guest.low, kIova, kOut, kPage | kAp2);
    guest.bring_up();
    CHECK(guest.ask(debugging(read_at(kIova))).translation.rights == iommu::Rights::Read);
    CHECK(guest.ask(debugging(write_at(kIova))).reason == F_PERMISSION);
    CHECK_FALSE(guest.take_event());
}

TEST_CASE("Caching: a stream whose ASID lost its number to others finds what it uses from then on", "[smmu][caching]") {
    const auto domain = smmuv3::domain_of(smmuv3::StreamWorld::EL1, 3);
    const auto asids = test::crowded_spaces(domain, 5);
    Guest guest;
    // Without the dirty flag a page is not writable at once.
    for (const std::uint64_t iova : {0x4000, 0x5000, 0x6000})
        guest.map(guest.low, iova, kOut + iova, kPage | kAp2 | kDbm);
    for (std::uint32_t stream = 0; stream < asids.size(); ++stream)
        guest.stream(stream, {}, {.asid = asids[stream], .ha = true, .hd = true});
    guest.bring_up();
    const auto misses_of = [&](const iommu::Request& request) {
        const std::uint64_t before = guest.unit.counters().misses;
        CHECK(guest.ask(from(0, request)).translation.address.value == kOut + request.iova.value);
        return guest.unit.counters().misses - before;
    };
    REQUIRE(misses_of(read_at(0x4000)) == 1);
    for (std::uint32_t stream = 0; stream < asids.size(); ++stream)
        REQUIRE(guest.ask(from(stream, read_at(0x4000))).translation.address.value == kOut + 0x4000);
    for (std::uint32_t i = 0; i < iommu::TagNumbers::kPatience; ++i)
        (void)guest.ask(from(4, read_at(0x4000)));
    const std::uint64_t patience = guest.unit.counters().misses + iommu::TagNumbers::kPatience;
    while (misses_of(write_at(0x4000)) != 0)
        REQUIRE(guest.unit.counters().misses <= patience);
    CHECK(misses_of(read_at(0x5000)) == 1);
    CHECK(misses_of(read_at(0x6000)) == 1);
    CHECK(misses_of(read_at(0x5000)) == 0);
    CHECK(misses_of(read_at(0x6000)) == 0);
}
