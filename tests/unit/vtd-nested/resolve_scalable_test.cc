// SPDX-License-Identifier: GPL-2.0-or-later
//
// Scalable mode: every condition on the way from the root table to the page, with its record, for requests with and
// without PASID, and what FPD suppresses. [VTD 5.10 s3.4.3, s7.1.1, s7.1.3]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test;

namespace {

constexpr std::uint64_t kIova = 0x40'4123;
constexpr std::uint64_t kOutput = 0x180'0123;
constexpr std::uint32_t kPasid = 5;
constexpr unsigned kFirst = 1, kSecond = 2, kNested = 3, kPass = 4;

// The last entry with an FPD that is read before the fault.
enum class Reached { Nothing, Context, Directory, Entry };

struct Condition {
    std::string_view rule;
    unsigned pgtt;
    void (*apply)(Guest& guest, std::uint32_t pasid);
    unsigned reason;
    Reached reached;
    bool qualified = true;
};

std::uint64_t context(Guest& guest) { return guest.context_entry(kDevice); }
void keep_low(Guest& guest, std::uint64_t at, std::uint64_t address) {
    guest.poke(at, (guest.peek(at) & 0xfff) | address);
}
void set_pgtt(Guest& guest, std::uint64_t at, std::uint64_t pgtt) {
    guest.poke(at, (guest.peek(at) & ~(7ull << 6)) | pgtt << 6);
}

// clang-format off
const Condition kConditions[] = {
    {"SRT.1: root table", kFirst, [](Guest& g, std::uint32_t) { g.w64(kRtaddr, kNoRam | 1 << 10); g.forget(); }, 0x38, Reached::Nothing, false},
    {"SRT.2: root P=0", kFirst, [](Guest& g, std::uint32_t) { g.flip(g.root_entry(kDevice), 0); }, 0x39, Reached::Nothing, false},
    {"SRT.3: root reserved", kFirst, [](Guest& g, std::uint32_t) { g.flip(g.root_entry(kDevice), 1); }, 0x3a, Reached::Nothing, false},
    {"SCT.1: context table", kFirst, [](Guest& g, std::uint32_t) { g.poke(g.root_entry(kDevice), kNoRam | 1); }, 0x40, Reached::Nothing, false},
    {"SCT.2: context P=0", kFirst, [](Guest& g, std::uint32_t) { g.flip(context(g), 0); }, 0x41, Reached::Context},
    {"SCT.3: context reserved", kFirst, [](Guest& g, std::uint32_t) { g.flip(context(g), 7); }, 0x42, Reached::Context},
    {"SCT.4.2: RID_PASID", kFirst, [](Guest& g, std::uint32_t) { g.poke(context(g) + 8, 1 << 13); }, 0x43, Reached::Context},
    {"SPD.1: directory", kFirst, [](Guest& g, std::uint32_t) { keep_low(g, context(g), kNoRam); }, 0x50, Reached::Context, false},
    {"SPD.2: directory P=0", kFirst, [](Guest& g, std::uint32_t p) { g.flip(g.directory_entry(kDevice, p), 0); }, 0x51, Reached::Directory},
    {"SPD.3: directory reserved", kFirst, [](Guest& g, std::uint32_t p) { g.flip(g.directory_entry(kDevice, p), 2); }, 0x52, Reached::Directory},
    {"SPT.1: PASID table", kFirst, [](Guest& g, std::uint32_t p) { keep_low(g, g.directory_entry(kDevice, p), kNoRam); }, 0x58, Reached::Directory, false},
    {"SPT.2: entry P=0", kFirst, [](Guest& g, std::uint32_t p) { g.flip(g.pasid_entry(kDevice, p), 0); }, 0x59, Reached::Entry},
    {"SPT.3: entry reserved", kFirst, [](Guest& g, std::uint32_t p) { g.flip(g.pasid_entry(kDevice, p), 5); }, 0x5a, Reached::Entry},
    {"SPT.4.1: AW", kSecond, [](Guest& g, std::uint32_t p) { g.flip(g.pasid_entry(kDevice, p), 4); }, 0x5b, Reached::Entry},
    {"SPT.4.2: PGTT", kFirst, [](Guest& g, std::uint32_t p) { set_pgtt(g, g.pasid_entry(kDevice, p), 0); }, 0x5b, Reached::Entry},
    {"SPT.4.3: FSPM", kFirst, [](Guest& g, std::uint32_t p) { g.flip(g.pasid_entry(kDevice, p), 131); }, 0x5b, Reached::Entry},
    {"SPT.4.4: FSPTPTR", kNested, [](Guest& g, std::uint32_t p) { keep_low(g, g.pasid_entry(kDevice, p), g.second_root); g.poke(g.pasid_entry(kDevice, p), (g.peek(g.pasid_entry(kDevice, p)) & ~0x1cull) | 1 << 2); g.flip(g.pasid_entry(kDevice, p), 128 + 39); }, 0x5b, Reached::Entry},
    {"SFS.1: lower table", kFirst, [](Guest& g, std::uint32_t) { g.poke(g.first_entry(kIova, 4), kNoRam | 7); }, 0x70, Reached::Entry},
    {"SFS.1: last table", kFirst, [](Guest& g, std::uint32_t) { g.poke(g.first_entry(kIova, 2), kNoRam | 7); }, 0x70, Reached::Entry},
    {"SFS.2: P=0", kFirst, [](Guest& g, std::uint32_t) { g.flip(g.first_entry(kIova, 1), 0); }, 0x71, Reached::Entry},
    {"SFS.3: reserved", kFirst, [](Guest& g, std::uint32_t) { g.flip(g.first_entry(kIova, 1), 51); }, 0x72, Reached::Entry},
    {"SFS.4: top table", kFirst, [](Guest& g, std::uint32_t p) { keep_low(g, g.pasid_entry(kDevice, p) + 16, kNoRam); }, 0x73, Reached::Entry},
    {"SFS.5: ADDR", kNested, [](Guest& g, std::uint32_t p) { g.poke(g.pasid_entry(kDevice, p), (g.peek(g.pasid_entry(kDevice, p)) & ~0x1cull) | 1 << 2); keep_low(g, g.pasid_entry(kDevice, p), g.peek(g.second_entry(0, 4)) & ~0xfffull); g.flip(g.first_entry(kIova, 1), 39); }, 0x74, Reached::Entry},
    {"SFS.6: top table not readable", kNested, [](Guest& g, std::uint32_t) { g.map_second(g.first_root & ~0x1f'ffffull, g.first_root & ~0x1f'ffffull, kW, 21); }, 0x75, Reached::Entry},
    {"SFS.7: lower table not readable", kNested, [](Guest& g, std::uint32_t) { g.map_second(0x1c0'0000, 0x1c0'0000, kW, 21); g.poke(g.first_entry(kIova, 3), 0x1c0'0000 | 7); }, 0x76, Reached::Entry},
    {"SFS.8: A where the second stage is read-only", kNested, [](Guest& g, std::uint32_t) { g.map_second(0, 0, kR, 21); }, 0x77, Reached::Entry},
    {"SFS.9: A without snooping", kFirst, [](Guest& g, std::uint32_t p) { g.flip(g.pasid_entry(kDevice, p), 64 + 23); }, 0x90, Reached::Entry},
    {"SSS.1: lower table", kSecond, [](Guest& g, std::uint32_t) { g.poke(g.second_entry(kIova, 4), kNoRam | 3); }, 0x78, Reached::Entry},
    {"SSS.2: R=W=0", kSecond, [](Guest& g, std::uint32_t) { g.poke(g.second_entry(kIova, 3), 0); }, 0x79, Reached::Entry},
    {"SSS.3: reserved", kSecond, [](Guest& g, std::uint32_t) { g.flip(g.second_entry(kIova, 2), 62); }, 0x7a, Reached::Entry},
    {"SSS.4: top table", kSecond, [](Guest& g, std::uint32_t p) { keep_low(g, g.pasid_entry(kDevice, p), kNoRam); }, 0x7b, Reached::Entry},
    {"SSS.5: A without snooping", kSecond, [](Guest& g, std::uint32_t p) { g.flip(g.pasid_entry(kDevice, p), 9); g.flip(g.pasid_entry(kDevice, p), 64 + 23); }, 0x7c, Reached::Entry},
    {"SSS.2: nested, top first-stage table", kNested, [](Guest& g, std::uint32_t) { g.poke(g.second_entry(g.first_root, 2), 0); }, 0x79, Reached::Entry},
    {"SGN.8: first stage", kFirst, [](Guest& g, std::uint32_t) { keep_low(g, g.first_entry(kIova, 1), 0xfee00000); }, 0x87, Reached::Entry},
    {"SGN.8: second stage", kSecond, [](Guest& g, std::uint32_t) { keep_low(g, g.second_entry(kIova, 1), 0xfeeff000); }, 0x87, Reached::Entry},
    {"SGN.8: nested", kNested, [](Guest& g, std::uint32_t) { g.map_second(kOutput & ~0x1f'ffffull, 0xfee00000, kR | kW, 21); }, 0x87, Reached::Entry},
    {"SGN.4: pass-through", kPass, [](Guest&, std::uint32_t) {}, 0x83, Reached::Entry},
    {"SGN.1: not canonical", kFirst, [](Guest&, std::uint32_t) {}, 0x80, Reached::Entry},
    {"SGN.1: nested, not canonical", kNested, [](Guest&, std::uint32_t) {}, 0x80, Reached::Entry},
    {"SGN.5: beyond AW", kSecond, [](Guest&, std::uint32_t) {}, 0x84, Reached::Entry},
};
// clang-format on

// Conditions that are about the address meet an address that is too high.
std::uint64_t address_for(const Condition& condition) {
    const bool about_address = condition.reason >= 0x80 && condition.reason <= 0x84;
    return about_address ? 1ull << 48 | kIova : kIova;
}

struct Tables {
    std::uint64_t context, directory, entry;
};

// A device whose RID_PASID and PASID 5 are translated in the same way: kIova to kOutput.
Tables build(Guest& guest, unsigned pgtt, std::uint32_t pasid) {
    const PasidSpec spec{.pgtt = pgtt, .did = 7};
    guest.scalable_device(kDevice, spec);
    guest.add_pasid(kDevice, kPasid, spec);
    if (pgtt == kFirst || pgtt == kNested) guest.map_first(kIova & ~0xfffull, kOutput & ~0xfffull, kP | kRW | kUS);
    if (pgtt == kSecond) guest.map_second(kIova & ~0xfffull, kOutput & ~0xfffull, kR | kW);
    if (pgtt == kNested) guest.identity_second();
    guest.enable(kTtmScalable);
    return {context(guest), guest.directory_entry(kDevice, pasid), guest.pasid_entry(kDevice, pasid)};
}

iommu::Request maybe_with(const iommu::Request& request, std::uint32_t pasid) {
    return pasid == 0 ? request : with_pasid(request, pasid);
}

void set_fpd(Guest& guest, std::uint64_t entry) { guest.poke(entry, guest.peek(entry) | 2); }

}  // namespace

TEST_CASE("Scalable mode: every condition is recorded for every kind of access", "[vtd][resolve]") {
    for (const std::uint32_t pasid : {0u, kPasid}) {
        for (const Condition& condition : kConditions) {
            INFO(condition.rule << ", PASID " << pasid);
            Guest guest;
            build(guest, condition.pgtt, pasid);
            condition.apply(guest, pasid);
            const std::uint64_t address = address_for(condition);
            for (const auto& request : {read_at(address), write_at(address), atomic_at(address), zero_read_at(address)})
                expect_fault(guest, maybe_with(request, pasid), condition.reason);
        }
    }
}

TEST_CASE("Scalable mode: FPD of any entry that was read suppresses what is qualified, and nothing else",
          "[vtd][resolve]") {
    for (const std::uint32_t pasid : {0u, kPasid}) {
        for (const Condition& condition : kConditions) {
            for (const Reached where : {Reached::Context, Reached::Directory, Reached::Entry}) {
                INFO(condition.rule << ", PASID " << pasid << ", FPD in " << static_cast<int>(where));
                Guest guest;
                const Tables tables = build(guest, condition.pgtt, pasid);
                condition.apply(guest, pasid);
                if (where == Reached::Context) set_fpd(guest, tables.context);
                if (where == Reached::Directory) set_fpd(guest, tables.directory);
                if (where == Reached::Entry) set_fpd(guest, tables.entry);
                const auto request = maybe_with(write_at(address_for(condition)), pasid);
                if (condition.qualified && where <= condition.reached) {
                    expect_unrecorded(guest, request, condition.reason);
                } else {
                    expect_fault(guest, request, condition.reason);
                }
            }
        }
    }
}

TEST_CASE("Scalable mode: what the table of conditions starts from is translated", "[vtd][resolve]") {
    for (const unsigned pgtt : {kFirst, kSecond, kNested, kPass}) {
        for (const std::uint32_t pasid : {0u, kPasid}) {
            INFO("PGTT " << pgtt << ", PASID " << pasid);
            Guest guest;
            const Tables tables = build(guest, pgtt, pasid);
            const std::uint64_t output = pgtt == kPass ? kIova : kOutput;
            expect_output(guest, maybe_with(atomic_at(kIova), pasid), output);
            set_fpd(guest, tables.entry);
            expect_output(guest, maybe_with(read_at(kIova), pasid), output);
        }
    }
}
