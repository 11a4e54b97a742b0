// SPDX-License-Identifier: GPL-2.0-or-later
//
// Decoding: which of the 256 opcodes are commands, which parameters are illegal, and what each command asks for. Words
// are typed from the manual. [SMMU G.b s4.1-4.7]
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <set>
#include <vector>

#include "smmu_guest.h"

using namespace test::smmu;
using iommu::ConfigDrop;
using iommu::Invalidation;
using iommu::TlbDrop;
using smmuv3::CommandError;

namespace {

using Opcodes = std::set<unsigned>;

// All that the default unit knows: Secure, Realm, DPT and MPAM are not offered.
const Opcodes kKnown{0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x10, 0x11, 0x12, 0x13, 0x20,
                     0x21, 0x22, 0x23, 0x28, 0x2a, 0x30, 0x40, 0x41, 0x44, 0x45, 0x46};
const Opcodes kWithSsec{0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x44, 0x45};

struct Decoder {
    explicit Decoder(const smmuv3::Capabilities& asked = {}) : capabilities(*smmuv3::settle(asked)) {}
    auto operator()(const Command& words) const {
        return smmuv3::decode(words, {.capabilities = capabilities, .ignored_vmid_bits = ignored, .e2h = e2h});
    }
    bool legal(const Command& words) const {
        const auto command = (*this)(words);
        if (!command) CHECK(command.error() == CommandError::CERROR_ILL);
        return static_cast<bool>(command);
    }
    // What an invalidation asks for.
    Invalidation plan(const Command& words) const {
        const auto command = (*this)(words);
        REQUIRE(command);
        const auto* invalidation = std::get_if<Invalidation>(&*command);
        REQUIRE(invalidation != nullptr);
        return *invalidation;
    }
    smmuv3::Capabilities capabilities;
    std::uint32_t ignored = 0;
    bool e2h = false;
};

// NUM 16:12, SCALE 25:20; Leaf 64, TTL 73:72, TG 75:74.
struct Range {
    unsigned tg, num, scale, ttl;
};
Command with_range(Command command, const Range& range) {
    command[0] |= std::uint64_t{range.num} << 12 | std::uint64_t{range.scale} << 20;
    command[1] |= std::uint64_t{range.ttl} << 8 | std::uint64_t{range.tg} << 10;
    return command;
}

struct Span {
    std::uint64_t first, last;
    friend bool operator==(const Span&, const Span&) = default;
};
Span span_of(const TlbDrop& drop) { return {drop.range.first.value, drop.range.last.value}; }

}  // namespace

TEST_CASE("SMMU: of all opcodes exactly those of the features there are commands") {
    struct Case {
        const char* what;
        smmuv3::Capabilities asked;
        Opcodes missing;
    };
    for (const Case& item : {
             Case{"default", {}, {}},
             Case{"stage 1 only", {.s2p = 0}, {0x20, 0x21, 0x22, 0x23, 0x28, 0x2a}},
             Case{"stage 2 only", {.s1p = 0}, {0x05, 0x06, 0x10, 0x11, 0x12, 0x13, 0x20, 0x21, 0x22, 0x23}},
             Case{"no EL2", {.hyp = 0}, {0x20, 0x21, 0x22, 0x23}},
             Case{"nothing stalls", {.stall_model = 1}, {0x44, 0x45}},
             Case{"everything stalls", {.stall_model = 2}, {}},
             Case{"no messages", {.msi = 0}, {}},
             Case{"no ranges", {.ril = 0}, {}},
             Case{"no wildcards", {.vmw = 0}, {}},
             Case{"no substreams", {.ssidsize = 0}, {}},
             Case{"no ATS", {.ats = 0}, {0x40, 0x41}},
             Case{"no PRI", {.pri = 0}, {0x41}},
         }) {
        const Decoder decode(item.asked);
        for (unsigned opcode = 0; opcode < 256; ++opcode) {
            CAPTURE(item.what, std::hex, opcode);
            CHECK(decode.legal({opcode, 0}) == (kKnown.count(opcode) != 0 && item.missing.count(opcode) == 0));
        }
    }
}

TEST_CASE("SMMU: SSec=1 is illegal in each command that has it, and ignored in the others") {
    const Decoder decode;
    for (const unsigned opcode : kKnown) {
        CAPTURE(std::hex, opcode);
        CHECK(decode.legal({opcode | 1u << 10, 0}) == (kWithSsec.count(opcode) == 0));
    }
}

TEST_CASE("SMMU: bits that a command does not define are ignored") {
    const Decoder decode;
    for (const unsigned opcode : kKnown) {
        for (unsigned bit = 8; bit < 128; ++bit) {
            if (bit == 10 && kWithSsec.count(opcode) != 0) continue;
            if (bit == 74 || bit == 75) continue;  // TG: below
            if (opcode == 0x46 && (bit == 12 || bit == 13)) continue;
            Command command{opcode, 0};
            command[bit / 64] |= 1ull << bit % 64;
            CAPTURE(std::hex, opcode, std::dec, bit);
            CHECK(decode.legal(command));
        }
    }
}

TEST_CASE("SMMU: CMD_SYNC is legal with each CS but 3") {
    const Decoder decode;
    for (unsigned cs = 0; cs < 4; ++cs) {
        CAPTURE(cs);
        CHECK(decode.legal({0x46 | cs << 12, 0}) == (cs != 3));
    }
    const auto command = decode({0x46 | 1u << 12 | 0xdead'beefull << 32, 0xffff'ffff'ffff'ffff});
    REQUIRE(command);
    const auto& sync = std::get<smmuv3::Sync>(*command);
    CHECK(sync.signal == smmuv3::SYNC::CompletionSignal::SIG_IRQ);
    CHECK(sync.message_data == 0xdead'beef);
    CHECK(sync.message_address == 0x00ff'ffff'ffff'fffc);
}

TEST_CASE("SMMU: CMD_RESUME says what to do and with which transaction") {
    using Action = smmuv3::Resume::Action;
    struct Case {
        unsigned ac, ab, term_model;
        Action action;
    };
    for (const Case& item : {Case{0, 0, 0, Action::RazWi}, Case{0, 1, 0, Action::Abort}, Case{1, 0, 0, Action::Retry},
                             Case{1, 1, 0, Action::Retry}, Case{0, 0, 1, Action::Abort}, Case{0, 1, 1, Action::Abort},
                             Case{1, 0, 1, Action::Retry}}) {
        const Decoder decode({.term_model = static_cast<std::uint8_t>(item.term_model)});
        const auto command = decode({0x44 | item.ac << 12 | item.ab << 13 | 0x8765'4321ull << 32, 0xabcd});
        REQUIRE(command);
        const auto& resume = std::get<smmuv3::Resume>(*command);
        CAPTURE(item.ac, item.ab, item.term_model);
        CHECK(resume.action == item.action);
        CHECK(resume.stream == 0x8765'4321);
        CHECK(resume.stag == 0xabcd);
    }
    const auto command = Decoder{}({0x45 | 0x8765'4321ull << 32, 0});
    REQUIRE(command);
    CHECK(std::get<smmuv3::StallTerm>(*command).stream == 0x8765'4321);
}

TEST_CASE("SMMU: each CFGI command names its streams and substream") {
    using Scope = ConfigDrop::Scope;
    const Decoder decode;
    const std::uint64_t stream = 0x8765'4321ull << 32;
    struct Case {
        Command command;
        Scope scope;
        std::uint32_t ignored, substream;
    };
    for (const Case& item :
         {Case{{0x03 | stream, 0}, Scope::Requesters, 0, 0}, Case{{0x03 | stream, 1}, Scope::Requesters, 0, 0},
          Case{{0x04 | stream, 0}, Scope::Requesters, 1, 0}, Case{{0x04 | stream, 1}, Scope::Requesters, 3, 0},
          Case{{0x04 | stream, 30}, Scope::Requesters, 0x7fff'ffff, 0},
          Case{{0x05 | 0xfffffull << 12 | stream, 0}, Scope::Entry, 0, 0xfffff},
          Case{{0x05 | stream, 1}, Scope::Entry, 0, 0}, Case{{0x06 | stream, 0}, Scope::Requesters, 0, 0}}) {
        const Invalidation plan = decode.plan(item.command);
        CAPTURE(std::hex, item.command[0], item.command[1]);
        CHECK(plan.configs.scope == item.scope);
        CHECK(plan.configs.requester.value == 0x8765'4321);
        CHECK(plan.configs.ignored_bits == item.ignored);
        CHECK(plan.configs.pasid.value == item.substream);
        CHECK(plan.tlb.scope == TlbDrop::Scope::None);
    }
    CHECK(decode.plan({0x04 | stream, 31}).configs.scope == Scope::All);
}

// EL1 entries are tagged by their VMID, those of EL2 and EL2-E2H apart from all VMIDs.
TEST_CASE("SMMU: each TLBI command names what has to go") {
    using Scope = TlbDrop::Scope;
    const std::uint64_t tags = 0x5678'1234ull << 32;  // ASID 0x5678, VMID 0x1234
    const std::uint64_t address = 0x0000'1234'5678'9000;
    struct Case {
        unsigned opcode;
        Scope scope;
        bool tagged_by_vmid, by_asid, by_address;
    };
    for (const Case& item :
         {Case{0x10, Scope::DomainFirst, true, false, false}, Case{0x11, Scope::Space, true, true, false},
          Case{0x12, Scope::FirstRange, true, true, true}, Case{0x13, Scope::DomainFirst, true, false, false},
          Case{0x28, Scope::Domain, true, false, false}, Case{0x2a, Scope::SecondOnly, true, false, true},
          Case{0x30, Scope::All, false, false, false}, Case{0x20, Scope::All, false, false, false}}) {
        const Decoder decode;
        const TlbDrop drop = decode.plan({item.opcode | tags, address}).tlb;
        CAPTURE(std::hex, item.opcode);
        CHECK(drop.scope == item.scope);
        CHECK(drop.domain.value == (item.tagged_by_vmid ? 0x1234 : 0));
        if (item.by_asid) CHECK(drop.space.value == 0x5678);
        if (item.by_address) CHECK(span_of(drop) == Span{address, address + 0xfff});
        CHECK(decode.plan({item.opcode | tags, address}).configs.scope == ConfigDrop::Scope::None);
    }
    Decoder decode;
    CHECK(decode.plan({0x22 | tags, address}).tlb.space.value == 0);
    const auto el2 = decode.plan({0x22 | tags, address}).tlb.domain;
    decode.e2h = true;
    CHECK(decode.plan({0x22 | tags, address}).tlb.space.value == 0x5678);
    const auto e2h = decode.plan({0x22 | tags, address}).tlb.domain;
    CHECK(el2.value > 0xffff);
    CHECK(e2h.value > 0xffff);
    CHECK(e2h.value != el2.value);
    CHECK(decode.plan({0x21 | tags, 0}).tlb.domain.value == e2h.value);
    // EL2 entries have no ASID: those of EL2-E2H are meant, whatever CR2.E2H says now. [SMMU G.b s4.4.2.10]
    decode.e2h = false;
    CHECK(decode.plan({0x21 | tags, 0}).tlb.domain.value == e2h.value);
}

TEST_CASE("SMMU: without stage 2 the VMID of a command means nothing") {
    const Decoder decode({.s2p = 0});
    for (const unsigned opcode : {0x10u, 0x11u, 0x12u, 0x13u}) {
        CAPTURE(std::hex, opcode);
        CHECK(decode.plan({opcode | 0x1234ull << 32, 0}).tlb.domain.value == 0);
    }
}

TEST_CASE("SMMU: wildcards go with the VMID of each command that has one") {
    Decoder decode;
    decode.ignored = 7;
    for (const unsigned opcode : {0x10u, 0x11u, 0x12u, 0x13u, 0x28u, 0x2au}) {
        CAPTURE(std::hex, opcode);
        CHECK(decode.plan({opcode | 0x1234ull << 32, 0}).tlb.ignored_bits == 7);
    }
    CHECK(decode.plan({0x22, 0}).tlb.ignored_bits == 0);
}

TEST_CASE("SMMU: a range has (NUM+1)*2^SCALE granules from its address") {
    constexpr std::uint64_t at = 0x4000'0000'0000;
    struct Case {
        Range range;
        std::uint64_t address;
        Span span;
    };
    for (const Case& item : {
             Case{{0, 31, 31, 3}, at, {at, at + 0xfff}},  // TG=0: no range
             Case{{1, 0, 0, 3}, at, {at, at + 0xfff}},
             Case{{1, 1, 0, 0}, at, {at, at + 0x1fff}},
             Case{{1, 31, 0, 0}, at, {at, at + 0x1ffff}},
             Case{{1, 0, 1, 0}, at, {at, at + 0x1fff}},
             Case{{1, 31, 19, 3}, at, {at, at + 0xf'ffff'ffff}},
             Case{{1, 0, 31, 0}, at, {at, at + 0x7ff'ffff'ffff}},
             Case{{2, 0, 0, 3}, at, {at, at + 0x3fff}},
             Case{{2, 2, 3, 2}, at, {at, at + 3 * 8 * 0x4000 - 1}},
             Case{{3, 0, 0, 1}, at, {at, at + 0xffff}},
             Case{{3, 31, 5, 0}, at, {at, at + 32 * 32 * 0x10000 - 1}},
             // Up to the top, and not around it.
             Case{{1, 1, 0, 0}, 0xffff'ffff'ffff'e000, {0xffff'ffff'ffff'e000, ~0ull}},
             Case{{1, 2, 0, 0}, 0xffff'ffff'ffff'e000, {0xffff'ffff'ffff'e000, ~0ull}},
             Case{{3, 31, 31, 0}, 0xffff'0000'0000'0000, {0xffff'0000'0000'0000, ~0ull}},
         }) {
        const Decoder decode;
        CAPTURE(item.range.tg, item.range.num, item.range.scale, item.range.ttl, std::hex, item.address);
        CHECK(span_of(decode.plan(with_range({0x12, item.address}, item.range)).tlb) == item.span);
        if (item.address == at) CHECK(span_of(decode.plan(with_range({0x2a, at}, item.range)).tlb) == item.span);
    }
}

TEST_CASE("SMMU: bit 25 belongs to SCALE with DS only, and SCALE ends at 39") {
    const Decoder plain;
    const Decoder wide({.ds = 1, .vax = 1});
    const Command command{0x12, 0};
    CHECK(span_of(plain.plan(with_range(command, {1, 1, 32, 0})).tlb) == Span{0, 0x1fff});
    CHECK(span_of(wide.plan(with_range(command, {1, 1, 32, 0})).tlb) == Span{0, (2ull << 44) - 1});
    CHECK(span_of(wide.plan(with_range(command, {1, 0, 39, 0})).tlb) == Span{0, (1ull << 51) - 1});
    CHECK(span_of(wide.plan(with_range(command, {1, 0, 40, 0})).tlb) == Span{0, (1ull << 51) - 1});
    CHECK(span_of(wide.plan(with_range(command, {3, 31, 63, 0})).tlb) == Span{0, (1ull << 60) - 1});
}

TEST_CASE("SMMU: a granule without range and level is illegal in every command by address") {
    for (const unsigned opcode : {0x12u, 0x13u, 0x22u, 0x23u, 0x2au}) {
        const Decoder decode;
        const Decoder wide({.ds = 1, .vax = 1});
        for (unsigned tg = 0; tg < 4; ++tg) {
            CAPTURE(std::hex, opcode, tg);
            CHECK(decode.legal(with_range({opcode, 0}, {tg, 0, 0, 0})) == (tg == 0));
            CHECK(decode.legal(with_range({opcode, 0}, {tg, 1, 0, 0})));
            CHECK(decode.legal(with_range({opcode, 0}, {tg, 0, 1, 0})));
            for (unsigned ttl = 1; ttl < 4; ++ttl) {
                // Level 1 of 16K tables has blocks with DS only; TTL=1 is as 0 there.
                const bool no_level = tg == 2 && ttl == 1;
                CAPTURE(ttl);
                CHECK(decode.legal(with_range({opcode, 0}, {tg, 0, 0, ttl})) == !no_level);
                CHECK(wide.legal(with_range({opcode, 0}, {tg, 0, 0, ttl})));
            }
        }
    }
}

TEST_CASE("SMMU: without RIL the range fields are ignored") {
    const Decoder decode({.ril = 0});
    for (unsigned tg = 0; tg < 4; ++tg) {
        CAPTURE(tg);
        CHECK(span_of(decode.plan(with_range({0x12, 0x5000}, {tg, 31, 31, 3})).tlb) == Span{0x5000, 0x5fff});
        CHECK(decode.legal(with_range({0x12, 0}, {tg, 0, 0, 0})));
    }
}
