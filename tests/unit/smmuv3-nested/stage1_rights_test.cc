// SPDX-License-Identifier: GPL-2.0-or-later
//
// Stage 1: who may do what with a page. Truth tables typed from the manual: each is a string with one letter for each
// access that is allowed, of R W X for unprivileged and r w x for privileged ones. [SMMU 5.4, 13.1; ARM D8.4]
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <string_view>

#include "expect.h"

using namespace test::smmu;

namespace {

constexpr std::uint64_t kIova = 0x4000;
constexpr std::uint64_t kOut = 0x1800000;

struct Setting {
    std::uint64_t leaf = 0;
    std::uint64_t table = 0;  // added to the table descriptors of all levels
    bool wxn = false;
    bool pan = false;
    bool had = false;
    unsigned strw = 0;
    bool e2h = false;
};

void build(Guest& guest, const Setting& setting) {
    guest.cr2 = setting.e2h ? 3 : 2;
    guest.stream(kStream, {.strw = setting.strw});
    guest.map(guest.low, kIova, kOut, setting.leaf | kAf | kNg);
    for (const int level : {0, 1, 2}) {
        const std::uint64_t entry = guest.entry(guest.low, kIova, level);
        guest.poke(entry, guest.peek(entry) | setting.table);
    }
    const std::uint64_t cd = guest.cd(kStream);
    guest.set(cd, 36, 36, setting.wxn);
    guest.set(cd, 40, 40, setting.pan);
    guest.set(cd, 65, 65, setting.had);
    guest.bring_up();
}

// Asks for each access and wants exactly those of `allowed`.
void expect_rights(Guest& guest, std::string_view allowed) {
    struct Ask {
        char letter;
        iommu::Request request;
    };
    const Ask asks[] = {{'R', read_at(kIova)},
                        {'W', write_at(kIova)},
                        {'X', executing(read_at(kIova))},
                        {'r', privileged(read_at(kIova))},
                        {'w', privileged(write_at(kIova))},
                        {'x', privileged(executing(read_at(kIova)))}};
    for (const Ask& ask : asks) {
        INFO("allowed " << allowed << ", asked " << ask.letter);
        if (allowed.find(ask.letter) != std::string_view::npos) expect_output(guest, ask.request, kOut);
        if (allowed.find(ask.letter) == std::string_view::npos) {
            expect_event(guest, ask.request, {.type = F_PERMISSION});
        }
    }
}

void check(const Setting& setting, std::string_view allowed) {
    Guest guest;
    build(guest, setting);
    expect_rights(guest, allowed);
}

}  // namespace

// A page that the unprivileged may write is never executable for the privileged.
TEST_CASE("Stage 1 rights: AP[2:1], UXN and PXN", "[smmu][rights]") {
    check({.leaf = 0}, "Xrwx");
    check({.leaf = kAp1}, "RWXrw");
    check({.leaf = kAp2}, "Xrx");
    check({.leaf = kAp1 | kAp2}, "RXrx");
    check({.leaf = kUxn}, "rwx");
    check({.leaf = kAp1 | kUxn}, "RWrw");
    check({.leaf = kAp2 | kUxn}, "rx");
    check({.leaf = kAp1 | kAp2 | kUxn}, "Rrx");
    check({.leaf = kPxn}, "Xrw");
    check({.leaf = kAp1 | kPxn}, "RWXrw");
    check({.leaf = kAp2 | kPxn}, "Xr");
    check({.leaf = kAp1 | kAp2 | kPxn}, "RXr");
    check({.leaf = kUxn | kPxn}, "rw");
    check({.leaf = kAp1 | kAp2 | kUxn | kPxn}, "Rr");
}

TEST_CASE("Stage 1 rights: WXN takes execution from what is writable", "[smmu][rights]") {
    check({.leaf = 0, .wxn = true}, "Xrw");
    check({.leaf = kAp1, .wxn = true}, "RWrw");
    check({.leaf = kAp2, .wxn = true}, "Xrx");
    check({.leaf = kAp1 | kAp2, .wxn = true}, "RXrx");
    check({.leaf = kAp1, .table = kApTable1, .wxn = true}, "RXrx");
}

// Data only: instruction reads are not concerned.
TEST_CASE("Stage 1 rights: PAN keeps the privileged off pages of the unprivileged", "[smmu][rights]") {
    check({.leaf = 0, .pan = true}, "Xrwx");
    check({.leaf = kAp1, .pan = true}, "RWX");
    check({.leaf = kAp2, .pan = true}, "Xrx");
    check({.leaf = kAp1 | kAp2, .pan = true}, "RXx");
    check({.leaf = kAp1, .table = kApTable0, .pan = true}, "Xrwx");
}

TEST_CASE("Stage 1 rights: table descriptors take rights from all below", "[smmu][rights]") {
    check({.leaf = kAp1, .table = kApTable0}, "Xrwx");
    check({.leaf = kAp1, .table = kApTable1}, "RXrx");
    check({.leaf = kAp1, .table = kApTable0 | kApTable1}, "Xrx");
    check({.leaf = kAp1 | kAp2, .table = kUxnTable}, "Rrx");
    check({.leaf = kAp1 | kAp2, .table = kPxnTable}, "RXr");
    check({.leaf = kAp1 | kAp2, .table = kUxnTable | kPxnTable}, "Rr");
}

TEST_CASE("Stage 1 rights: one level is enough to take a right, whichever it is", "[smmu][rights]") {
    for (const int level : {0, 1, 2}) {
        INFO("level " << level);
        Guest guest;
        build(guest, {.leaf = kAp1});
        const std::uint64_t entry = guest.entry(guest.low, kIova, level);
        guest.poke(entry, guest.peek(entry) | kApTable1 | kUxnTable);
        expect_rights(guest, "Rrx");
    }
}

TEST_CASE("Stage 1 rights: HAD leaves the table descriptors' attributes out", "[smmu][rights]") {
    constexpr std::uint64_t all = kApTable0 | kApTable1 | kUxnTable | kPxnTable;
    check({.leaf = kAp1 | kAp2, .table = all, .had = true}, "RXrx");
    check({.leaf = kAp1, .table = all, .had = true}, "RWXrw");
    // HAD1 is of the other half.
    Guest other;
    build(other, {.leaf = kAp1, .table = all});
    other.set(other.cd(kStream), 129, 129, 1);
    expect_rights(other, "r");
    // Without IDR3.HAD it means nothing.
    Guest without({.had = 0});
    build(without, {.leaf = kAp1, .table = all, .had = true});
    expect_rights(without, "r");
}

TEST_CASE("Stage 1 rights: fields of other formats and features change nothing", "[smmu][rights]") {
    Guest guest;
    build(guest, {.leaf = kAp1 | kAp2});
    const std::uint64_t cd = guest.cd(kStream);
    guest.set(cd, 37, 37, 1);    // UWXN
    guest.set(cd, 123, 123, 1);  // EPAN
    expect_rights(guest, "RXrx");
    const std::uint64_t leaf = guest.entry(guest.low, kIova, 3);
    guest.poke(leaf,
               guest.peek(leaf) | kContiguous | 1ull << 63 | 0xfull << 55 | 1ull << 50 | 1u << 5 | 7u << 2 | 3u << 8);
    expect_rights(guest, "RXrx");
}

// One privilege level: AP[1], APTable[0], PXN and PAN mean nothing. Who asked is recorded as ever.
TEST_CASE("Stage 1 rights: EL2 has one privilege level", "[smmu][rights]") {
    struct Case {
        Setting setting;
        std::string_view allowed;
    };
    const Case cases[] = {
        {{.leaf = 0}, "RWXrwx"},
        {{.leaf = kAp1}, "RWXrwx"},
        {{.leaf = kAp2}, "RXrx"},
        {{.leaf = kUxn}, "RWrw"},
        {{.leaf = kPxn}, "RWXrwx"},
        {{.leaf = kAp1, .pan = true}, "RWXrwx"},
        {{.leaf = 0, .wxn = true}, "RWrw"},
        {{.leaf = kAp2, .wxn = true}, "RXrx"},
        {{.leaf = 0, .table = kApTable0}, "RWXrwx"},
        {{.leaf = 0, .table = kApTable1}, "RXrx"},
        {{.leaf = 0, .table = kUxnTable}, "RWrw"},
        {{.leaf = 0, .table = kPxnTable}, "RWXrwx"},
    };
    for (const Case& c : cases) {
        Guest guest;
        Setting setting = c.setting;
        setting.strw = 2;
        build(guest, setting);
        expect_rights(guest, c.allowed);
    }
}

TEST_CASE("Stage 1 rights: EL2-E2H has two, as EL1", "[smmu][rights]") {
    check({.leaf = 0, .strw = 2, .e2h = true}, "Xrwx");
    check({.leaf = kAp1, .strw = 2, .e2h = true}, "RWXrw");
    check({.leaf = kAp1 | kAp2, .pan = true, .strw = 2, .e2h = true}, "RXx");
    check({.leaf = kAp1 | kAp2, .table = kApTable0, .strw = 2, .e2h = true}, "Xrx");
    check({.leaf = kAp2 | kPxn, .strw = 2, .e2h = true}, "Xr");
}

TEST_CASE("Stage 1 rights: what may be used without asking again is what the asker may do", "[smmu][rights]") {
    using iommu::Rights;
    Guest guest;
    build(guest, {.leaf = kAp1 | kAp2});
    CHECK(expect_output(guest, read_at(kIova), kOut).rights == Rights::Read);
    Guest writable;
    build(writable, {.leaf = kAp1});
    CHECK(expect_output(writable, read_at(kIova), kOut).rights == Rights::ReadWrite);
    CHECK(expect_output(writable, privileged(write_at(kIova)), kOut).rights == Rights::ReadWrite);
    CHECK(expect_output(writable, executing(read_at(kIova)), kOut).rights == Rights::Read);
}
