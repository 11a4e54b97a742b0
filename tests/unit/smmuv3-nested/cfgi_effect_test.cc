// SPDX-License-Identifier: GPL-2.0-or-later
//
// Each configuration invalidation seen through the unit: decoded STEs and CDs that it names are read again, all others
// are still used. [SMMU G.b s4.3]
#include <catch2/catch_test_macros.hpp>
#include <set>
#include <vector>

#include "smmu_guest.h"

using namespace test::smmu;
using iommu::Outcome;

namespace {

constexpr std::uint64_t kVa = 0x4000, kPageAt = 0x1800000;
using Streams = std::set<std::uint32_t>;

bool works(Guest& guest, std::uint32_t stream) {
    return guest.ask(from(stream, read_at(kVa))).outcome == Outcome::Translated;
}
bool works(Guest& guest, std::uint32_t stream, std::uint32_t substream) {
    return guest.ask(from(stream, with_substream(read_at(kVa), substream))).outcome == Outcome::Translated;
}

// Many streams, cached and then made invalid in memory. The TLB keeps their page: they share ASID and VMID.
struct Streamful : Guest {
    static constexpr std::uint32_t kStreams = 64;
    Streamful() {
        map(low, kVa, kPageAt, kPage);
        for (std::uint32_t at = 0; at < kStreams; ++at)
            stream(at);
        bring_up();
        for (std::uint32_t at = 0; at < kStreams; ++at)
            REQUIRE(works(*this, at));
        for (std::uint32_t at = 0; at < kStreams; ++at)
            poke(ste(at), peek(ste(at)) & ~1ull);
        ports.unmaps.clear();
    }
    Streams gone() {
        Streams streams;
        for (std::uint32_t at = 0; at < kStreams; ++at)
            if (!works(*this, at)) streams.insert(at);
        return streams;
    }
};

Streams from_to(std::uint32_t first, std::uint32_t last) {
    Streams streams;
    for (std::uint32_t at = first; at <= last; ++at)
        streams.insert(at);
    return streams;
}

Command cfgi_range(std::uint32_t stream, unsigned range) { return {0x04 | std::uint64_t{stream} << 32, range}; }

// SubstreamIDs 0 to 3 and, unless S1DSS says otherwise, none.
struct Substreamful : Guest {
    explicit Substreamful(unsigned s1dss) {
        map(low, kVa, kPageAt, kPage);
        for (const std::uint32_t at : {kStream, kOtherStream}) {
            stream(at, {.s1cdmax = 2, .s1dss = s1dss});
            for (std::uint32_t substream = 1; substream < 4; ++substream)
                write_cd(cd(at, substream), {});
        }
        bring_up();
        for (const std::uint32_t at : {kStream, kOtherStream})
            for (std::uint32_t substream = 0; substream < 4; ++substream)
                (void)works(*this, at, substream);
        (void)works(*this, kStream);
        for (const std::uint32_t at : {kStream, kOtherStream})
            for (std::uint32_t substream = 0; substream < 4; ++substream)
                poke(cd(at, substream), 0);
    }
};

}  // namespace

TEST_CASE("SMMU: each CFGI by stream drops its streams and not their neighbours") {
    struct Case {
        const char* what;
        Command command;
        Streams gone;
    };
    for (const Case& item : {
             Case{"CFGI_STE", cfgi_ste(20), {20}},
             Case{"CFGI_STE, not leaf only", {0x03 | 20ull << 32, 0}, {20}},
             Case{"CFGI_STE of stream 0", cfgi_ste(0), {0}},
             Case{"CFGI_STE of no stream", cfgi_ste(0xffff'ffff), {}},
             Case{"CFGI_STE of stream 84", cfgi_ste(84), {}},
             Case{"range 0", cfgi_range(20, 0), {20, 21}},
             Case{"range 0, odd", cfgi_range(21, 0), {20, 21}},
             Case{"range 1", cfgi_range(22, 1), from_to(20, 23)},
             Case{"range 2", cfgi_range(22, 2), from_to(16, 23)},
             Case{"range 4", cfgi_range(40, 4), from_to(32, 63)},
             Case{"range 5", cfgi_range(40, 5), from_to(0, 63)},
             Case{"all", cfgi_all(), from_to(0, 63)},
             Case{"CFGI_CD_ALL", cfgi_cd_all(20), {20}},
             Case{"CFGI_CD, SSID 0", cfgi_cd(20, 0), {20}},
             Case{"CFGI_CD, SSID 1", cfgi_cd(20, 1), {}},
             Case{"TLBI_NH_VA of elsewhere", tlbi_nh_va(3, 1, 0x9000), {}},
         }) {
        Streamful guest;
        guest.put(item.command);
        guest.submit(cmd_sync());
        CAPTURE(item.what);
        CHECK(guest.gone() == item.gone);
        CHECK(guest.r32(kGerror) == 0);
    }
}

TEST_CASE("SMMU: large ranges of streams reach whom they name") {
    for (const unsigned range : {8u, 15u, 29u, 30u}) {
        Streamful guest;
        guest.submit(cfgi_range(0x3fff'ffff, range));
        CAPTURE(range);
        // More may go than is named, never less.
        if (range >= 29) CHECK(guest.gone() == from_to(0, 63));
    }
}

TEST_CASE("SMMU: CFGI_CD drops one substream, and CFGI_CD_ALL and CFGI_STE all of the stream") {
    struct Case {
        Command command;
        Streams gone;  // of kStream
    };
    for (const Case& item :
         {Case{cfgi_cd(kStream, 2), {2}}, Case{cfgi_cd(kStream, 4), {}}, Case{cfgi_cd(kStream, 0xfffff), {}},
          Case{cfgi_cd_all(kStream), {1, 2, 3}}, Case{cfgi_ste(kStream), {1, 2, 3}}, Case{cfgi_all(), {1, 2, 3}}}) {
        Substreamful guest(2);
        guest.submit(item.command);
        CAPTURE(std::hex, item.command[0]);
        for (std::uint32_t substream = 1; substream < 4; ++substream) {
            CAPTURE(substream);
            CHECK(works(guest, kStream, substream) == (item.gone.count(substream) == 0));
            CHECK(works(guest, kOtherStream, substream) == (item.command != cfgi_all()));
        }
    }
}

// With S1DSS=2, transactions without a SubstreamID use CD 0.
TEST_CASE("SMMU: CFGI_CD with SubstreamID 0 drops CD 0 for whoever uses it") {
    Substreamful none(2);
    REQUIRE(works(none, kStream));
    none.submit(cfgi_cd(kStream, 1));
    CHECK(works(none, kStream));
    none.submit(cfgi_cd(kStream, 0));
    CHECK_FALSE(works(none, kStream));
    CHECK(works(none, kStream, 2));

    Substreamful zero(0);
    REQUIRE(works(zero, kStream, 0));
    zero.submit(cfgi_cd(kStream, 1));
    CHECK(works(zero, kStream, 0));
    zero.submit(cfgi_cd(kStream, 0));
    CHECK_FALSE(works(zero, kStream, 0));
}

TEST_CASE("SMMU: a changed CD or STE is not used before its CFGI, and the TLB outlives it") {
    Guest guest;
    guest.stream(kStream, {}, {.asid = 1});
    const std::uint64_t leaf = guest.map(guest.low, kVa, kPageAt, kPage);
    guest.bring_up();
    REQUIRE(works(guest, kStream));
    guest.poke(leaf, 0);
    guest.submit(cfgi_all());
    CHECK(works(guest, kStream));  // by the TLB
    guest.set(guest.cd(kStream), 63, 48, 9);
    CHECK(works(guest, kStream));
    guest.submit(cfgi_cd(kStream, 0));
    CHECK_FALSE(works(guest, kStream));  // nothing is cached for ASID 9
    guest.set(guest.cd(kStream), 63, 48, 1);
    guest.submit(cfgi_ste(kStream));
    CHECK(works(guest, kStream));
}

TEST_CASE("SMMU: CDs found through stage 2 stay until their CFGI, whatever is dropped of stage 2") {
    Guest guest;
    guest.identity_second();
    guest.stream(kStream, {.config = kNested});
    guest.map(guest.low, kVa, kPageAt, kPage);
    guest.bring_up();
    REQUIRE(works(guest, kStream));
    guest.poke(guest.cd(kStream), 0);
    guest.submit(tlbi_s12_vmall(3));
    CHECK(works(guest, kStream));
    guest.submit(cfgi_cd(kStream, 0));
    CHECK_FALSE(works(guest, kStream));
}

// A holder cannot know which of its translations came from the old configuration.
TEST_CASE("SMMU: those who keep translations are told to forget them when a configuration changes") {
    for (const Command& command : {cfgi_ste(kStream), cfgi_all(), cfgi_cd(kStream, 0), cfgi_cd_all(kStream)}) {
        Streamful guest;
        guest.submit(command);
        CAPTURE(std::hex, command[0]);
        REQUIRE(guest.ports.unmaps.size() == 1);
        CHECK(guest.ports.unmaps[0].first.value == 0);
        CHECK(guest.ports.unmaps[0].last.value == ~0ull);
    }
}

TEST_CASE("SMMU: a stream table entry that was invalid is not remembered as such") {
    Guest guest;
    guest.stream(kStream);
    guest.map(guest.low, kVa, kPageAt, kPage);
    guest.poke(guest.ste(kStream), guest.peek(guest.ste(kStream)) & ~1ull);
    guest.bring_up();
    REQUIRE_FALSE(works(guest, kStream));
    guest.poke(guest.ste(kStream), guest.peek(guest.ste(kStream)) | 1);
    CHECK(works(guest, kStream));
}
