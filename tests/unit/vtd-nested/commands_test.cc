// SPDX-License-Identifier: GPL-2.0-or-later
//
// Descriptors and register commands become plans: which caches lose what. [VTD 5.10 s6.5.1, s6.5.2]
//
// A plan is compared as one line of text; descriptors are words typed from the manual.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "vtd-nested/commands.h"
#include "vtd_guest.h"

using namespace test;
using vtd::TranslationTableMode;

namespace {

constexpr TranslationTableMode kLegacy = TranslationTableMode::Legacy;
constexpr TranslationTableMode kScalable = TranslationTableMode::Scalable;
constexpr TranslationTableMode kAbort = TranslationTableMode::AbortDma;

vtd::Capabilities settled(const vtd::Capabilities& asked = {}) { return *vtd::settle(asked); }

void say_range(std::ostream& out, const iommu::IovaRange& range) {
    out << std::hex << range.first.value << ".." << range.last.value << std::dec;
}

void say_configs(std::ostream& out, const iommu::ConfigDrop& drop) {
    using Scope = iommu::ConfigDrop::Scope;
    if (drop.scope == Scope::All) out << "configs all; ";
    if (drop.scope == Scope::Domain) out << "configs domain " << drop.domain.value << "; ";
    if (drop.scope == Scope::Space) out << "configs space " << drop.domain.value << "/" << drop.space.value << "; ";
    if (drop.scope == Scope::Requesters) {
        out << "configs requester " << std::hex << drop.requester.value << "~" << drop.ignored_bits << std::dec << "; ";
    }
}

void say_tlb(std::ostream& out, const iommu::TlbDrop& drop) {
    using Scope = iommu::TlbDrop::Scope;
    if (drop.scope == Scope::None) return;
    if (drop.scope == Scope::All) out << "tlb all; ";
    if (drop.scope == Scope::Domain) out << "tlb domain " << drop.domain.value << "; ";
    if (drop.scope == Scope::Space) out << "tlb space " << drop.domain.value << "/" << drop.space.value << "; ";
    if (drop.scope == Scope::SecondRange) out << "tlb second " << drop.domain.value << " ";
    if (drop.scope == Scope::FirstRange) out << "tlb first " << drop.domain.value << "/" << drop.space.value << " ";
    if (drop.scope != Scope::SecondRange && drop.scope != Scope::FirstRange) return;
    say_range(out, drop.range);
    out << "; ";
}

std::string say(const vtd::Invalidation& plan) {
    std::ostringstream out;
    say_configs(out, plan.configs);
    say_tlb(out, plan.tlb);
    if (!plan.unmap) return out.str() + "unmap nothing";
    if (*plan.unmap == iommu::IovaRange::everything()) return out.str() + "unmap everything";
    out << "unmap ";
    say_range(out, *plan.unmap);
    return out.str();
}

std::string say(const vtd::Wait& wait) {
    std::ostringstream out;
    out << "wait" << (wait.interrupt ? " interrupt" : "") << (wait.fence ? " fence" : "");
    if (wait.status_address) out << std::hex << " " << wait.status_address->value << "=" << wait.status_data;
    return out.str();
}

std::string say(const vtd::DeviceInvalidation& command) {
    std::ostringstream out;
    out << std::hex << "device " << command.request.requester.value;
    if (command.request.pasid) out << " pasid " << command.request.pasid->value;
    if (command.request.global) out << " global";
    out << " ";
    say_range(out, command.request.range);
    out << " limit " << std::dec << command.limit << " of " << std::hex << command.function.value;
    return out.str();
}

std::string say(const iommu::PageGroupResponse& response) {
    std::ostringstream out;
    out << std::hex << "response to " << response.requester.value << " PRGI " << response.index << " code "
        << static_cast<unsigned>(response.code);
    if (response.pasid) out << " PASID " << response.pasid->value;
    return out.str();
}

std::string decoded(const Words4& words, TranslationTableMode mode, const vtd::Capabilities& capabilities = settled()) {
    const auto command = vtd::decode(words, {capabilities, mode});
    if (!command) return "IQEI " + std::to_string(static_cast<unsigned>(command.error()));
    if (const auto* wait = std::get_if<vtd::Wait>(&*command)) return say(*wait);
    if (const auto* device = std::get_if<vtd::DeviceInvalidation>(&*command)) return say(*device);
    if (const auto* response = std::get_if<iommu::PageGroupResponse>(&*command)) return say(*response);
    return say(std::get<vtd::Invalidation>(*command));
}

struct PlanCase {
    Words4 words;
    TranslationTableMode mode;
    std::string plan;
};

void check_plans(const std::vector<PlanCase>& cases) {
    for (const PlanCase& item : cases) {
        CAPTURE(std::hex, item.words[0], item.words[1], static_cast<unsigned>(item.mode));
        CHECK(decoded(item.words, item.mode) == item.plan);
    }
}

}  // namespace

TEST_CASE("A context-cache descriptor drops all, a domain's or a function group's configurations") {
    check_plans({
        {{0x0001}, kLegacy, "IQEI 4"},  // G=0 is reserved
        {{0x0011}, kLegacy, "configs all; unmap nothing"},
        {{0x0011}, kScalable, "configs all; unmap nothing"},
        {{0x1234'0021}, kLegacy, "configs domain 4660; unmap nothing"},
        // A scalable-mode context entry holds no domain.
        {{0x1234'0021}, kScalable, "configs all; unmap nothing"},
        {{0x0000'0123'0007'0031}, kLegacy, "configs requester 123~0; unmap nothing"},
        {{0x0001'0123'0007'0031}, kLegacy, "configs requester 123~4; unmap nothing"},
        {{0x0002'0123'0007'0031}, kScalable, "configs requester 123~6; unmap nothing"},
        {{0x0003'0123'0007'0031}, kScalable, "configs requester 123~7; unmap nothing"},
        {{0x0011}, kAbort, "configs all; unmap nothing"},
    });
}

TEST_CASE("An IOTLB descriptor drops all, a domain's translations or a range of its second stage") {
    check_plans({
        {{0x0007'0002}, kLegacy, "IQEI 4"},  // G=0 is reserved
        {{0x0007'0012}, kLegacy, "tlb all; unmap everything"},
        {{0x0007'0022}, kScalable, "tlb domain 7; unmap everything"},
        {{0x0007'00e2}, kLegacy, "tlb domain 7; unmap everything"},  // DR and DW ask for drains
        {{0x0007'0032, 0x4000}, kLegacy, "tlb second 7 4000..4fff; unmap 4000..4fff"},
        {{0x0007'0032, 0x4040}, kLegacy, "tlb second 7 4000..4fff; unmap 4000..4fff"},  // IH is a hint
        // Listeners know first-stage addresses, which the range of a nested domain does not tell.
        {{0x0007'0032, 0x4000}, kScalable, "tlb second 7 4000..4fff; unmap everything"},
        // Address bits below the mask do not count.
        {{0x0007'0032, 0x7001}, kLegacy, "tlb second 7 6000..7fff; unmap 6000..7fff"},
        {{0x0007'0032, 0x40000012}, kLegacy, "tlb second 7 40000000..7fffffff; unmap 40000000..7fffffff"},
        {{0x0007'0032, 0x40000013}, kLegacy, "IQEI 4"},  // AM 19 > MAMV 18
        // Bits at and above MGAW (57) are ignored.
        {{0x0007'0032, 0xfe00'0000'0000'4000}, kLegacy, "tlb second 7 4000..4fff; unmap 4000..4fff"},
        {{0x0007'0032, 0x0100'0000'0000'4000},
         kLegacy,
         "tlb second 7 100000000004000..100000000004fff; unmap 100000000004000..100000000004fff"},
    });
}

TEST_CASE("A PASID-based IOTLB descriptor drops a space or a range of its first stage") {
    check_plans({
        {{0x5'0007'0006}, kScalable, "IQEI 4"},  // G=0 and 1 are reserved
        {{0x5'0007'0016}, kScalable, "IQEI 4"},
        {{0x5'0007'0026}, kScalable, "tlb space 7/5; unmap everything"},
        {{0xf'ffff'0007'0026}, kScalable, "tlb space 7/1048575; unmap everything"},
        {{0x5'0007'0036, 0x4000}, kScalable, "tlb first 7/5 4000..4fff; unmap 4000..4fff"},
        {{0x5'0007'0036, 0x4040}, kScalable, "tlb first 7/5 4000..4fff; unmap 4000..4fff"},
        // All 64 bits of the address count, and no MAMV limits AM.
        {{0x5'0007'0036, 0xffff'ffff'ffff'f000},
         kScalable,
         "tlb first 7/5 fffffffffffff000..ffffffffffffffff; unmap fffffffffffff000..ffffffffffffffff"},
        {{0x5'0007'0036, 0x33}, kScalable, "tlb first 7/5 0..7fffffffffffffff; unmap 0..7fffffffffffffff"},
        {{0x5'0007'0036, 0x34}, kScalable, "tlb first 7/5 0..ffffffffffffffff; unmap everything"},
        {{0x5'0007'0036, 0x3f}, kScalable, "tlb first 7/5 0..ffffffffffffffff; unmap everything"},
        {{0x5'0007'0026}, kAbort, "tlb space 7/5; unmap everything"},
    });
}

TEST_CASE("A PASID-cache descriptor drops a domain's, a space's or all configurations") {
    check_plans({
        {{0x5'0007'0007}, kScalable, "configs domain 7; unmap nothing"},
        {{0x5'0007'0017}, kScalable, "configs space 7/5; unmap nothing"},
        {{0x5'0007'0027}, kScalable, "IQEI 4"},  // G=2 is reserved
        {{0x5'0007'0037}, kScalable, "configs all; unmap nothing"},
    });
}

TEST_CASE("A wait descriptor says whether to write, to interrupt, to fence: in any combination") {
    check_plans({
        {{0x1234'5678'0000'0005, 0xabc0}, kLegacy, "wait"},
        {{0x1234'5678'0000'0045, 0xabc0}, kLegacy, "wait fence"},
        {{0x1234'5678'0000'0015, 0xabc0}, kLegacy, "wait interrupt"},
        {{0x1234'5678'0000'0055, 0xabc0}, kScalable, "wait interrupt fence"},
        {{0x1234'5678'0000'0025, 0xabc4}, kScalable, "wait abc4=12345678"},
        {{0x1234'5678'0000'0065, 0xabc4}, kScalable, "wait fence abc4=12345678"},
        {{0x1234'5678'0000'0075, 0xabc4}, kLegacy, "wait interrupt fence abc4=12345678"},
        // Address bits at and above the host address width (48) are ignored.
        {{0x1234'5678'0000'0025, 0xffff'0000'0000'abc0}, kLegacy, "wait abc0=12345678"},
        {{0x1234'5678'0000'0025, 0x8000'0000'abc0}, kLegacy, "wait 80000000abc0=12345678"},
    });
}

TEST_CASE("A device-TLB descriptor names the device, what it forgets, and how many it takes at once") {
    check_plans({
        // PFSID 0x0020 in 63:52 and 15:12, MIP in 20:16.
        {{0x0020'0020'0000'0003, 0x4000}, kLegacy, "device 20 4000..4fff limit 32 of 20"},
        {{0x0020'0020'0001'0003, 0x4000}, kScalable, "device 20 4000..4fff limit 1 of 20"},
        {{0xfff0'0020'001f'f003, 0x4000}, kAbort, "device 20 4000..4fff limit 31 of ffff"},
        {{0x1230'ffff'0000'4003}, kScalable, "device ffff 0..fff limit 32 of 1234"},
        // MIP in 8:4, SID in 31:16, PASID in 51:32, G in bit 64, S in bit 75.
        {{0x0020'0005'0020'0008, 0x4000}, kScalable, "device 20 pasid 5 4000..4fff limit 32 of 20"},
        {{0x1230'0000'ffff'4018, 0x4000}, kScalable, "device ffff pasid 0 4000..4fff limit 1 of 1234"},
        {{0x002f'ffff'0020'01f8, 0x4001}, kAbort, "device 20 pasid fffff global 4000..4fff limit 31 of 20"},
        {{0x0020'0005'0020'0008, 0x5801}, kScalable, "device 20 pasid 5 global 4000..7fff limit 32 of 20"},
    });
}

TEST_CASE("S and the lowest 0 of the address say the size of what a device forgets") {
    struct Case {
        std::uint64_t address;
        std::string range;
    };
    for (const Case& item : std::vector<Case>{
             {0x0000, "0..1fff"},
             {0x2000, "2000..3fff"},
             {0x1000, "0..3fff"},
             {0x5000, "4000..7fff"},
             {0x3000, "0..7fff"},
             {0xffff'ffff'ffff'e000, "ffffffffffffe000..ffffffffffffffff"},
             {0xabcd'0000'001f'f000, "abcd000000000000..abcd0000003fffff"},
             {0x1fff'ffff'ffff'f000, "0..3fffffffffffffff"},
             {0x3fff'ffff'ffff'f000, "0..7fffffffffffffff"},
             {0xbfff'ffff'ffff'f000, "8000000000000000..ffffffffffffffff"},
             {0x7fff'ffff'ffff'f000, "0..ffffffffffffffff"},  // everything, as drivers write it
             {0xffff'ffff'ffff'f000, "0..ffffffffffffffff"},  // no 0 at all
         }) {
        CAPTURE(std::hex, item.address);
        const std::string tail = item.range + " limit 32 of 20";
        CHECK(decoded({0x0020'0020'0000'0003, item.address | 1}, kLegacy) == "device 20 " + tail);
        CHECK(decoded({0x0020'0005'0020'0008, item.address | 0x800}, kScalable) == "device 20 pasid 5 " + tail);
    }
    CHECK(decoded({0x0020'0020'0000'0003, 0xffff'ffff'ffff'f000}, kLegacy) ==
          "device 20 fffffffffffff000..ffffffffffffffff limit 32 of 20");
}

TEST_CASE("PFSID is reserved without DIT, and MIP then limits the device itself") {
    const auto without = settled({.dit = 0});
    CHECK(decoded({0x0020'0000'0003, 0x4000}, kScalable, without) == "device 20 4000..4fff limit 32 of 20");
    CHECK(decoded({0x0020'0007'0003, 0x4000}, kScalable, without) == "device 20 4000..4fff limit 7 of 20");
    CHECK(decoded({0x0005'0020'0038, 0x4000}, kScalable, without) == "device 20 pasid 5 4000..4fff limit 3 of 20");
    for (const unsigned bit : {12, 13, 14, 15, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63}) {
        CAPTURE(bit);
        CHECK(decoded({0x0020'0000'0003 | 1ull << bit}, kScalable, without) == "IQEI 4");
        CHECK(decoded({0x0005'0020'0008 | 1ull << bit}, kScalable, without) == "IQEI 4");
    }
}

TEST_CASE("Device-TLB descriptors are of no known type without DT, whatever else is wrong with them") {
    const auto without = settled({.dt = 0});
    for (const TranslationTableMode mode : {kLegacy, kScalable, kAbort}) {
        CHECK(decoded({0x0020'0000'0003}, mode, without) == "IQEI 3");
        CHECK(decoded({0x0005'0020'0008}, mode, without) == "IQEI 3");
        CHECK(decoded({0xffff'ffff'ffff'f1f3, ~0ull, ~0ull, ~0ull}, mode, without) == "IQEI 3");
    }
}

TEST_CASE("Domain-id bits beyond CAP.ND are ignored in every descriptor and register") {
    for (unsigned nd = 0; nd <= 6; ++nd) {
        const auto c = settled({.nd = static_cast<std::uint8_t>(nd)});
        const unsigned did = 0xa5a5u & ((1u << (4 + 2 * nd)) - 1);
        const std::string domain = std::to_string(did);
        CAPTURE(nd);
        CHECK(decoded({0xa5a5'0021}, kLegacy, c) == "configs domain " + domain + "; unmap nothing");
        CHECK(decoded({0xa5a5'0022}, kLegacy, c) == "tlb domain " + domain + "; unmap everything");
        CHECK(decoded({0x5'a5a5'0026}, kScalable, c) == "tlb space " + domain + "/5; unmap everything");
        CHECK(decoded({0x5'a5a5'0007}, kScalable, c) == "configs domain " + domain + "; unmap nothing");
        const auto by_register = vtd::plan(vtd::Value<vtd::IOTLB_REG>{0xa000'a5a5'0000'0000}, {}, c);
        REQUIRE(by_register);
        CHECK(say(by_register->invalidation) == "tlb domain " + domain + "; unmap everything");
    }
}

TEST_CASE("Only the types of the mode are known; types of missing capabilities are not") {
    struct Case {
        TranslationTableMode mode;
        std::vector<unsigned> known;
    };
    for (const Case& item : {Case{kLegacy, {1, 2, 3, 5}}, Case{kScalable, {1, 2, 3, 5, 6, 7, 8, 9}},
                             Case{kAbort, {1, 2, 3, 5, 6, 7, 8, 9}}}) {
        for (unsigned type = 0; type < 128; ++type) {
            const bool known = std::find(item.known.begin(), item.known.end(), type) != item.known.end();
            // Bits 3:0 and 11:9 of the first word; a valid granularity for each.
            const std::uint64_t word =
                (type & 15) | std::uint64_t{type >> 4} << 9 | (type == 3 || type == 5 ? 0u : 0x30u);
            CAPTURE(static_cast<unsigned>(item.mode), type);
            CHECK((decoded({word}, item.mode) == "IQEI 3") == !known);
        }
    }
}

TEST_CASE("An unknown type is told before its reserved bits") {
    const std::uint64_t ones = ~std::uint64_t{0};
    for (const std::uint64_t type : {0x0ull, 0x4ull, 0xaull, 0xfull, 0xe01ull}) {
        CAPTURE(type);
        CHECK(decoded({(ones & ~0xe0full) | type, ones, ones, ones}, kScalable) == "IQEI 3");
    }
    CHECK(decoded({0x0007'0036, 0, 1}, kLegacy) == "IQEI 3");
}

TEST_CASE("Each reserved bit of each descriptor is refused, and no other bit") {
    constexpr std::uint64_t kAll = ~std::uint64_t{0};
    struct Case {
        Words4 base;
        Words4 reserved;
    };
    const std::vector<Case> cases{
        {{0x0031}, {0xfffc'0000'0000'f1c0, kAll, kAll, kAll}},    // context cache
        {{0x0032}, {0xffff'ffff'0000'f100, 0x0f80, kAll, kAll}},  // IOTLB
        {{0x0005}, {0x0000'0000'ffff'f100, 0x0003, kAll, kAll}},  // wait
        {{0x0036}, {0xfff0'0000'0000'f1c0, 0x0f80, kAll, kAll}},  // PASID-based IOTLB
        {{0x0037}, {0xfff0'0000'0000'f1c0, kAll, kAll, kAll}},    // PASID cache
        {{0x0003}, {0x000f'0000'ffe0'01f0, 0x0ffe, kAll, kAll}},  // device-TLB, with DIT
        {{0x0008}, {0, 0x07fe, kAll, kAll}},                      // PASID-based device-TLB, with DIT
        // Page group response; bit 66 held LPIG.
        {{0x0009}, {0xfff0'0000'0000'01e0, 0xffff'ffff'ffff'f003, kAll, kAll}},
    };
    const auto c = settled({.mamv = 63});
    for (const Case& item : cases) {
        for (unsigned bit = 0; bit < 256; ++bit) {
            // Type and, where there is one, granularity have tests of their own.
            if (bit < 4 || (bit >= 9 && bit < 12) || ((item.base[0] & 0x30) != 0 && (bit == 4 || bit == 5))) continue;
            Words4 words = item.base;
            words[bit / 64] |= 1ull << bit % 64;
            const bool reserved = (item.reserved[bit / 64] >> bit % 64 & 1) != 0;
            CAPTURE(item.base[0], bit);
            CHECK((decoded(words, kScalable, c) == "IQEI 4") == reserved);
        }
    }
}

TEST_CASE("PD of a wait is reserved without PDS") {
    CHECK(decoded({0x0085}, kScalable) == "wait");
    CHECK(decoded({0x0085}, kLegacy) == "wait");
    for (const auto& c : {settled({.pds = 0}), settled({.prs = 0}), settled({.dt = 0})}) {
        CHECK(decoded({0x0085}, kScalable, c) == "IQEI 4");
        CHECK(decoded({0x0005}, kScalable, c) == "wait");
    }
}

TEST_CASE("A page group response is told the device as it stands, and needs PRS") {
    CHECK(decoded({0x0020'0009, 0}, kScalable) == "response to 20 PRGI 0 code 0");
    CHECK(decoded({0x000f'ffff'0020'0009, 0x0ff8}, kScalable) == "response to 20 PRGI 1ff code 0");
    CHECK(decoded({0x000f'ffff'fffe'0019, 0x0008}, kScalable) == "response to fffe PRGI 1 code 0 PASID fffff");
    CHECK(decoded({0x0000'0005'1234'0019, 0x000c}, kAbort) == "response to 1234 PRGI 1 code 0 PASID 5");
    // RC: what is reserved counts as a failure.
    for (std::uint64_t rc = 0; rc < 16; ++rc) {
        CAPTURE(rc);
        const std::string code = rc == 0 ? "0" : rc == 1 ? "1" : "f";
        CHECK(decoded({0x0020'0009 | rc << 12}, kScalable) == "response to 20 PRGI 0 code " + code);
    }
    CHECK(decoded({0x0020'0009}, kScalable, settled({.prs = 0})) == "IQEI 3");
    CHECK(decoded({0x0020'0009}, kScalable, settled({.dt = 0})) == "IQEI 3");
    CHECK(decoded({0x0020'0009}, kLegacy) == "IQEI 3");
}

TEST_CASE("Page-selective invalidation of the second stage needs PSI and obeys MAMV") {
    const auto without = settled({.psi = 0});
    CHECK(decoded({0x0007'0032, 0x4000}, kLegacy, without) == "IQEI 4");
    CHECK(decoded({0x0007'0022}, kLegacy, without) == "tlb domain 7; unmap everything");
    CHECK(decoded({0x5'0007'0036, 0x4009}, kScalable, without) == "tlb first 7/5 0..1fffff; unmap 0..1fffff");
    for (unsigned mamv : {0u, 1u, 9u, 18u, 62u}) {
        const auto c = settled({.mamv = static_cast<std::uint8_t>(mamv)});
        CAPTURE(mamv);
        CHECK(decoded({0x0007'0032, mamv}, kLegacy, c) != "IQEI 4");
        CHECK(decoded({0x0007'0032, mamv + 1}, kLegacy, c) == "IQEI 4");
    }
    CHECK(decoded({0x0007'0032, 63}, kLegacy, settled({.mamv = 63})) ==
          "tlb second 7 0..ffffffffffffffff; unmap everything");
}

TEST_CASE("The queue's geometry follows IQA's size and width") {
    for (unsigned qs = 0; qs <= 7; ++qs) {
        const auto narrow = vtd::queue_ring(vtd::Value<vtd::IQA>{0x12345000 | qs});
        const auto wide = vtd::queue_ring(vtd::Value<vtd::IQA>{0x12345800 | qs});
        CAPTURE(qs);
        CHECK(narrow.base.value == 0x12345000);
        CHECK(wide.base.value == 0x12345000);
        CHECK(narrow.bytes() == 0x1000ull << qs);
        CHECK(wide.bytes() == 0x1000ull << qs);
        CHECK(narrow.next(0) == 16);
        CHECK(wide.next(0) == 32);
        CHECK(narrow.next((0x1000ull << qs) - 16) == 0);
        CHECK(wide.next((0x1000ull << qs) - 32) == 0);
    }
}
