// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which CDs are ILLEGAL (C_BAD_CD), with their nearest legal neighbours. [SMMU 5.4.1]
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "expect.h"

using namespace test::smmu;
using Caps = smmuv3::Capabilities;

namespace {

struct Case {
    std::string_view rule;
    bool legal;
    std::vector<Bits> fields;  // of the CD
    Caps caps = {};
    std::vector<Bits> ste_fields = {};
    std::uint32_t cr2 = 2;
};

// TTB0 and TTB1 are both in use, with 48 bits and 4K, unless the fields say otherwise.
void check(const Case& c) {
    INFO(c.rule << (c.legal ? ": legal" : ": illegal"));
    Guest guest(c.caps);
    guest.cr2 = c.cr2;
    guest.format(guest.high, 12, 0, 48);
    const std::uint64_t ste = guest.stream(kStream);
    for (const Bits& field : c.ste_fields)
        guest.set(ste, field.high, field.low, field.value);
    const std::uint64_t cd = guest.cd(kStream);
    for (const Bits& field : c.fields)
        guest.set(cd, field.high, field.low, field.value);
    guest.bring_up();
    for (const std::uint64_t iova : {0x4000ull, 0xffff'8000'0000'4000ull}) {
        if (c.legal) expect_not(guest, read_at(iova), C_BAD_CD);
        if (!c.legal) expect_event(guest, read_at(iova), {.type = C_BAD_CD});
    }
}

constexpr Bits t0sz(std::uint64_t value) { return {5, 0, value}; }
constexpr Bits tg0(std::uint64_t value) { return {7, 6, value}; }
constexpr Bits epd0(std::uint64_t value) { return {14, 14, value}; }
constexpr Bits endi(std::uint64_t value) { return {15, 15, value}; }
constexpr Bits t1sz(std::uint64_t value) { return {21, 16, value}; }
constexpr Bits tg1(std::uint64_t value) { return {23, 22, value}; }
constexpr Bits epd1(std::uint64_t value) { return {30, 30, value}; }
constexpr Bits v(std::uint64_t value) { return {31, 31, value}; }
constexpr Bits ips(std::uint64_t value) { return {34, 32, value}; }
constexpr Bits aa64(std::uint64_t value) { return {41, 41, value}; }
constexpr Bits hd(std::uint64_t value) { return {42, 42, value}; }
constexpr Bits ha(std::uint64_t value) { return {43, 43, value}; }
constexpr Bits s(std::uint64_t value) { return {44, 44, value}; }
constexpr Bits a(std::uint64_t value) { return {46, 46, value}; }
constexpr Bits asid(std::uint64_t value) { return {63, 48, value}; }
constexpr Bits ttb0(unsigned bit) { return {64 + bit, 64 + bit, 1}; }
constexpr Bits ttb1(unsigned bit) { return {128 + bit, 128 + bit, 1}; }
constexpr Bits ds(std::uint64_t value) { return {186, 186, value}; }
// Of the STE.
constexpr Bits s1stalld(std::uint64_t value) { return {91, 91, value}; }
constexpr Bits kEl2{95, 94, 2};

constexpr Caps k52{.oas = 6};
constexpr Caps kNoStt{.stt = 0};
constexpr Caps kVax{.oas = 6, .vax = 1};
constexpr Caps kDs{.oas = 6, .ds = 1, .vax = 1};

}  // namespace

TEST_CASE("CD: V, byte order and table format", "[smmu][cd]") {
    const Case cases[] = {
        {"V=0", false, {v(0)}},
        {"V=1", true, {}},
        {"V=0 with nothing enabled", false, {v(0), epd0(1), epd1(1)}},
        {"AA64=0", false, {aa64(0)}},
        {"AA64=0 with nothing enabled", false, {aa64(0), epd0(1), epd1(1)}},
        {"big-endian", false, {endi(1)}},
        {"big-endian, TTB1 alone", false, {endi(1), epd0(1)}},
        {"big-endian, TTB0 alone", false, {endi(1), epd1(1)}},
        {"big-endian with nothing enabled", true, {endi(1), epd0(1), epd1(1)}},
        {"big-endian in EL2, which has no EPD", false, {endi(1), epd0(1), epd1(1)}, {}, {kEl2}},
    };
    for (const Case& c : cases)
        check(c);
}

TEST_CASE("CD: stalls and termination fit the unit and the STE", "[smmu][cd]") {
    const Case cases[] = {
        {"S where stalls are optional", true, {s(1)}},
        {"S with S1STALLD", false, {s(1)}, {}, {s1stalld(1)}},
        {"S=0 with S1STALLD", true, {s(0)}, {}, {s1stalld(1)}},
        {"A=0 where termination is a choice", true, {a(0)}},
        {"A=0 where it is not", false, {a(0)}, {.term_model = 1}},
        {"A=1 where it is not", true, {a(1)}, {.term_model = 1}},
        {"A=0 where it is not, with S", false, {a(0), s(1)}, {.term_model = 1}},
        {"S without stalls", false, {s(1)}, {.stall_model = 1}},
        {"S=0 without stalls", true, {s(0)}, {.stall_model = 1}},
        {"S=0 where stalls are forced", false, {s(0)}, {.stall_model = 2}},
        {"S=1 where stalls are forced", true, {s(1)}, {.stall_model = 2}},
    };
    for (const Case& c : cases)
        check(c);
}

TEST_CASE("CD: HA and HD need HTTU", "[smmu][cd]") {
    const Case cases[] = {
        {"HA without HTTU", false, {ha(1)}, {.httu = 0}},
        {"HD without HTTU", false, {hd(1)}, {.httu = 0}},
        {"neither without HTTU", true, {}, {.httu = 0}},
        {"HA with HTTU=1", true, {ha(1)}, {.httu = 1}},
        {"HD with HTTU=1", false, {ha(1), hd(1)}, {.httu = 1}},
        {"HD alone with HTTU=1", false, {hd(1)}, {.httu = 1}},
        {"both with HTTU=2", true, {ha(1), hd(1)}},
        {"HD alone with HTTU=2", true, {hd(1)}},
    };
    for (const Case& c : cases)
        check(c);
}

TEST_CASE("CD: ASID has 8 bits without ASID16, where there are ASIDs", "[smmu][cd]") {
    const Caps narrow{.asid16 = 0};
    const Case cases[] = {
        {"16 bits", true, {asid(0xffff)}},
        {"8 bits", true, {asid(0xff)}, narrow},
        {"9 bits", false, {asid(0x100)}, narrow},
        {"EL2 has none", true, {asid(0x100)}, narrow, {kEl2}},
        {"EL2-E2H has", false, {asid(0x100)}, narrow, {kEl2}, 3},
        {"EL2-E2H has", true, {asid(0xff)}, narrow, {kEl2}, 3},
    };
    for (const Case& c : cases)
        check(c);
}

// 4K, 16K, 64K with TG0 = 0, 2, 1 and TG1 = 2, 1, 3.
TEST_CASE("CD: T0SZ and T1SZ are in the range of their granule", "[smmu][cd]") {
    struct Range {
        std::string_view rule;
        unsigned tg0, tg1;
        unsigned first, last;  // legal
        Caps caps;
        unsigned ds = 0;
    };
    const Range ranges[] = {
        {"4K", 0, 2, 16, 48, {}},
        {"16K", 2, 1, 16, 48, {}},
        {"64K", 1, 3, 16, 47, {}},
        {"4K without STT", 0, 2, 16, 39, kNoStt},
        {"16K without STT", 2, 1, 16, 39, kNoStt},
        {"64K without STT", 1, 3, 16, 39, kNoStt},
        {"64K with 52-bit VA", 1, 3, 12, 47, kVax},
        {"4K with 52-bit VA but no DS", 0, 2, 16, 48, kVax},
        {"64K, 52-bit output alone", 1, 3, 16, 47, k52},
        {"4K with DS", 0, 2, 12, 48, kDs, 1},
        {"16K with DS", 2, 1, 12, 48, kDs, 1},
        {"4K without CD.DS", 0, 2, 16, 48, kDs, 0},
        {"4K with CD.DS but without IDR5.DS", 0, 2, 16, 48, kVax, 1},
    };
    for (const Range& range : ranges) {
        for (unsigned size = 0; size < 64; ++size) {
            const bool legal = size >= range.first && size <= range.last;
            const bool near = size + 1 >= range.first && size <= range.last + 1;
            if (!near && size % 9 != 0) continue;
            INFO("TxSZ " << size);
            check({range.rule, legal, {t0sz(size), tg0(range.tg0), epd1(1), ds(range.ds)}, range.caps});
            check({range.rule, legal, {t1sz(size), tg1(range.tg1), epd0(1), ds(range.ds)}, range.caps});
        }
    }
}

TEST_CASE("CD: TG0 and TG1 name granules that the unit has, each in its own way", "[smmu][cd]") {
    const Case cases[] = {
        {"TG0 reserved", false, {tg0(3)}},
        {"TG1 reserved", false, {tg1(0)}},
        {"TG0=0 is 4K", false, {tg0(0), epd1(1)}, {.gran4k = 0}},
        {"TG0=1 is 64K", true, {tg0(1), epd1(1)}, {.gran4k = 0, .gran16k = 0}},
        {"TG0=1 is 64K", false, {tg0(1), epd1(1)}, {.gran64k = 0}},
        {"TG0=2 is 16K", true, {tg0(2), epd1(1)}, {.gran4k = 0, .gran64k = 0}},
        {"TG0=2 is 16K", false, {tg0(2), epd1(1)}, {.gran16k = 0}},
        {"TG1=1 is 16K", true, {tg1(1), epd0(1)}, {.gran4k = 0, .gran64k = 0}},
        {"TG1=1 is 16K", false, {tg1(1), epd0(1)}, {.gran16k = 0}},
        {"TG1=2 is 4K", true, {tg1(2), epd0(1)}, {.gran16k = 0, .gran64k = 0}},
        {"TG1=2 is 4K", false, {tg1(2), epd0(1)}, {.gran4k = 0}},
        {"TG1=3 is 64K", true, {tg1(3), epd0(1)}, {.gran4k = 0, .gran16k = 0}},
        {"TG1=3 is 64K", false, {tg1(3), epd0(1)}, {.gran64k = 0}},
    };
    for (const Case& c : cases)
        check(c);
}

TEST_CASE("CD: TTB0 and TTB1 are within IPS, which is at most the output size", "[smmu][cd]") {
    constexpr unsigned bits[] = {32, 36, 40, 42, 44, 48, 48, 48};
    for (unsigned encoding = 0; encoding < 8; ++encoding) {
        INFO("IPS " << encoding);
        check({"TTB0", true, {ips(encoding), ttb0(bits[encoding] - 1)}});
        check({"TTB0", false, {ips(encoding), ttb0(bits[encoding])}});
        check({"TTB1", true, {ips(encoding), ttb1(bits[encoding] - 1)}});
        check({"TTB1", false, {ips(encoding), ttb1(bits[encoding])}});
    }
    const Case cases[] = {
        {"the unit's 40 bits", true, {ips(5), ttb0(39)}, {.oas = 2}},
        {"the unit's 40 bits", false, {ips(5), ttb0(40)}, {.oas = 2}},
        {"52 bits with 64K", true, {tg0(1), ips(6), ttb0(51)}, k52},
        {"48 bits with 4K", true, {tg0(0), ips(6), ttb0(47)}, k52},
        {"49 bits with 4K", false, {tg0(0), ips(6), ttb0(48)}, k52},
        {"52 bits with 4K and DS", true, {tg0(0), ips(6), ds(1), ttb0(51)}, kDs},
        {"DS=0", false, {tg0(0), ips(6), ds(0), ttb0(51)}, kDs},
        {"DS without IDR5.DS", false, {tg0(0), ips(6), ds(1), ttb0(48)}, k52},
    };
    for (const Case& c : cases)
        check(c);
}

// Both halves are checked, whichever the address selects; a half with EPD=1 is not.
TEST_CASE("CD: only a half that is enabled can be wrong", "[smmu][cd]") {
    for (const Bits& wrong : {t0sz(15), tg0(3), ttb0(48)}) {
        INFO("bit " << wrong.low);
        check({"TTB0 enabled", false, {wrong}});
        check({"TTB0 disabled", true, {wrong, epd0(1)}});
        check({"EL2 has no EPD0", false, {wrong, epd0(1)}, {}, {kEl2}});
        check({"EL2-E2H has", true, {wrong, epd0(1)}, {}, {kEl2}, 3});
    }
    for (const Bits& wrong : {t1sz(15), tg1(0), ttb1(48)}) {
        INFO("bit " << wrong.low);
        check({"TTB1 enabled", false, {wrong}});
        check({"TTB1 disabled", true, {wrong, epd1(1)}});
        check({"EL2 has no TTB1", true, {wrong}, {}, {kEl2}});
        check({"EL2-E2H has", false, {wrong}, {}, {kEl2}, 3});
    }
}
