// SPDX-License-Identifier: GPL-2.0-or-later
//
// Scalable mode: what can be wrong in first, second and nested stages, with its record.
#include <vector>

#include "vtd/fault_scene.h"

using namespace vtd_driver;

namespace {

constexpr std::uint64_t page_iova = 0x123456789000;

struct SecondStageScene {
    Guest guest{Mode::Scalable};
    PageTable stage = guest.second_stage();
    std::uint64_t iova = page_iova;
    PasidEntry entry = PasidEntry::over_second_stage(stage, 5);

    SecondStageScene() { stage.map({.iova = iova, .target = guest.patterned_page(1)}); }
};

struct FirstStageScene {
    Guest guest{Mode::Scalable};
    PageTable stage = guest.first_stage();
    std::uint64_t iova = page_iova;
    PasidEntry entry = PasidEntry::over_first_stage(stage, 5);

    FirstStageScene() { stage.map({.iova = iova, .target = guest.patterned_page(1)}); }
};

// Guest-physical addresses are host-physical ones plus 64 GiB.
struct NestedScene {
    static constexpr std::uint64_t bias = bit(36);
    Guest guest{Mode::Scalable};
    PageTable first{guest.ram, Stage::First, 4, bias};
    PageTable second{guest.ram, Stage::Second, 3};
    std::uint64_t iova = page_iova;
    std::uint64_t page = guest.patterned_page(1);
    PasidEntry entry = PasidEntry::nested(first, second, 5);

    NestedScene() {
        first.map({.iova = iova, .target = page + bias});
        second.map({.iova = page + bias, .target = page});
        for (const std::uint64_t table : first.tables())
            second.map({.iova = table + bias, .target = table});
    }
    // Bits of the second stage's leaf for the first stage's table at this level.
    void flip_for_table(unsigned level, std::uint64_t bits) const {
        const std::uint64_t table = first.entry_address(iova, level) & ones(63, 12);
        second.flip(table + bias, 1, bits);
    }
    void flip_for_page(std::uint64_t bits) const { second.flip(page + bias, 1, bits); }
};

template <typename Scene>
void check(const FaultCase<Scene>& fault) {
    Scene scene;
    fault.spoil(scene);
    scene.guest.scalable.set(scene.guest.requester(), scene.entry);
    scene.guest.start();
    check_access(scene.guest, scene.iova, Access::Read, fault.read_reason);
    check_access(scene.guest, scene.iova, Access::Write, fault.write_reason);
}

void make_privileged(FirstStageScene& scene) {
    scene.guest.scalable.set_context(scene.guest.requester(), {.rid_privileged = true});
    scene.entry.q2_flags |= pasid_q2_SRE;
}

std::vector<FaultCase<SecondStageScene>> second_stage_cases() {
    return {
        {"nothing wrong", no_fault, no_fault, [](auto&) {}},
        {"SGN.5 first address above the width", 0x84, 0x84, [](auto& s) { s.iova = bit(48); }},
        {"SSS.4 top table outside memory", 0x7b, 0x7b, [](auto& s) { s.entry.second_stage = beyond_ram; }},
        {"SSS.1 table outside memory", 0x78, 0x78, [](auto& s) { s.stage.flip(s.iova, 2, beyond_ram); }},
        {"SSS.2 page not present", 0x79, 0x79, [](auto& s) { s.stage.set_entry(s.iova, 1, 0); }},
        {"SSS.2 table not present", 0x79, 0x79, [](auto& s) { s.stage.set_entry(s.iova, 4, 0); }},
        {"SSS.2 no right is left", 0x79, 0x79,
         [](auto& s) { s.stage.flip(s.iova, 3, ss::R), s.stage.flip(s.iova, 1, ss::W); }},
        {"SSS.3 bit 7 at the top", 0x7a, 0x7a, [](auto& s) { s.stage.flip(s.iova, 4, ss::PS); }},
        {"SSS.3 bit 11 of a table", 0x7a, 0x7a, [](auto& s) { s.stage.flip(s.iova, 2, ss::SNP); }},
        {"SSS.3 bit 62", 0x7a, 0x7a, [](auto& s) { s.stage.flip(s.iova, 1, bit(62)); }},
        {"SSS.3 page above the host width", 0x7a, 0x7a, [](auto& s) { s.stage.flip(s.iova, 1, bit(48)); }},
        {"SGN.6 read-only", no_fault, 0x85, [](auto& s) { s.stage.flip(s.iova, 1, ss::W); }},
        {"SGN.7 write-only", 0x86, no_fault, [](auto& s) { s.stage.flip(s.iova, 2, ss::R); }},
        {"SGN.8 page of messages", 0x87, 0x87,
         [](auto& s) { s.stage.set_entry(s.iova, 1, interrupt_range | ss::R | ss::W); }},
        {"SSS.5 accessed bit needed, walk not snooped", 0x7c, 0x7c,
         [](auto& s) { s.entry.q0_flags = pasid_q0_SSADE, s.entry.q1_flags = 0; }},
        {"snoop bit of a page", no_fault, no_fault, [](auto& s) { s.stage.flip(s.iova, 1, ss::SNP); }},
        {"ignored bits of a page", no_fault, no_fault,
         [](auto& s) { s.stage.flip(s.iova, 1, bit(63) | ones(61, 52) | bit(10) | ss::PS | bit(2)); }},
    };
}

std::vector<FaultCase<FirstStageScene>> first_stage_cases() {
    return {
        {"nothing wrong", no_fault, no_fault, [](auto&) {}},
        {"SGN.1 first address that is not canonical", 0x80, 0x80, [](auto& s) { s.iova = bit(47); }},
        {"SFS.4 top table outside memory", 0x73, 0x73, [](auto& s) { s.entry.first_stage = beyond_ram; }},
        {"SFS.1 table outside memory", 0x70, 0x70, [](auto& s) { s.stage.flip(s.iova, 3, beyond_ram); }},
        {"SFS.2 page not present", 0x71, 0x71, [](auto& s) { s.stage.flip(s.iova, 1, fs::P); }},
        {"SFS.2 table not present", 0x71, 0x71, [](auto& s) { s.stage.flip(s.iova, 4, fs::P); }},
        {"SFS.3 bit 7 at the top", 0x72, 0x72, [](auto& s) { s.stage.flip(s.iova, 4, fs::PS); }},
        {"SFS.3 page above the host width", 0x72, 0x72, [](auto& s) { s.stage.flip(s.iova, 1, bit(48)); }},
        {"SFS.3 large page not aligned", 0x72, 0x72, [](auto& s) { s.stage.set_entry(s.iova, 2, 0x2087); }},
        {"SGN.2 supervisor page", 0x81, 0x81, [](auto& s) { s.stage.flip(s.iova, 1, fs::US); }},
        {"SGN.2 supervisor table", 0x81, 0x81, [](auto& s) { s.stage.flip(s.iova, 3, fs::US); }},
        {"SGN.6 read-only page", no_fault, 0x85, [](auto& s) { s.stage.flip(s.iova, 1, fs::RW); }},
        {"SGN.6 read-only table", no_fault, 0x85, [](auto& s) { s.stage.flip(s.iova, 2, fs::RW); }},
        {"SGN.8 page of messages", 0x87, 0x87, [](auto& s) { s.stage.set_entry(s.iova, 1, interrupt_range | 7); }},
        {"SFS.9 accessed bit needed, walk not snooped", 0x90, 0x90, [](auto& s) { s.entry.q1_flags = 0; }},
        {"privileged request to a supervisor page", no_fault, no_fault,
         [](auto& s) { make_privileged(s), s.stage.flip(s.iova, 1, fs::US); }},
        {"privileged write to a read-only page", no_fault, no_fault,
         [](auto& s) { make_privileged(s), s.stage.flip(s.iova, 1, fs::RW); }},
        {"SGN.6 the same with WPE", no_fault, 0x85,
         [](auto& s) {
             make_privileged(s), s.stage.flip(s.iova, 1, fs::RW);
             s.entry.q2_flags |= pasid_q2_WPE;
         }},
        {"ignored bits of a page", no_fault, no_fault,
         [](auto& s) { s.stage.flip(s.iova, 1, ones(63, 52) | bit(11) | bit(9) | bit(8) | fs::PS); }},
    };
}

std::vector<FaultCase<NestedScene>> nested_cases() {
    return {
        {"nothing wrong", no_fault, no_fault, [](auto&) {}},
        {"SGN.1 not canonical", 0x80, 0x80, [](auto& s) { s.iova = bit(47); }},
        {"SSS.2 no second stage for the top table", 0x79, 0x79, [](auto& s) { s.flip_for_table(4, ss::R | ss::W); }},
        {"SSS.2 no second stage for a table", 0x79, 0x79, [](auto& s) { s.flip_for_table(2, ss::R | ss::W); }},
        {"SSS.2 no second stage for the page", 0x79, 0x79, [](auto& s) { s.flip_for_page(ss::R | ss::W); }},
        {"SSS.3 second stage of a table, bit 62", 0x7a, 0x7a, [](auto& s) { s.flip_for_table(3, bit(62)); }},
        {"SSS.4 second stage outside memory", 0x7b, 0x7b, [](auto& s) { s.entry.second_stage = beyond_ram; }},
        {"SFS.2 page not present", 0x71, 0x71, [](auto& s) { s.first.flip(s.iova, 1, fs::P); }},
        {"SFS.3 page above the host width", 0x72, 0x72, [](auto& s) { s.first.flip(s.iova, 1, bit(48)); }},
        {"SFS.4 top table where the host has no memory", 0x73, 0x73, [](auto& s) { s.flip_for_table(4, beyond_ram); }},
        {"SFS.1 table where the host has no memory", 0x70, 0x70, [](auto& s) { s.flip_for_table(2, beyond_ram); }},
        {"SFS.5 page beyond the second stage", 0x74, 0x74, [](auto& s) { s.first.flip(s.iova, 1, bit(39)); }},
        {"SFS.5 table beyond the second stage", 0x74, 0x74, [](auto& s) { s.first.flip(s.iova, 3, bit(39)); }},
        {"SFS.6 top table write-only", 0x75, 0x75, [](auto& s) { s.flip_for_table(4, ss::R); }},
        {"SFS.7 table write-only", 0x76, 0x76, [](auto& s) { s.flip_for_table(3, ss::R); }},
        {"SFS.8 accessed bit in a read-only table", 0x77, 0x77, [](auto& s) { s.flip_for_table(1, ss::W); }},
        {"SGN.2 supervisor page", 0x81, 0x81, [](auto& s) { s.first.flip(s.iova, 1, fs::US); }},
        {"SGN.6 first stage read-only", no_fault, 0x85, [](auto& s) { s.first.flip(s.iova, 1, fs::RW); }},
        {"SGN.6 second stage read-only", no_fault, 0x85, [](auto& s) { s.flip_for_page(ss::W); }},
        {"SGN.7 second stage write-only", 0x86, no_fault, [](auto& s) { s.flip_for_page(ss::R); }},
        {"SGN.8 page of messages", 0x87, 0x87,
         [](auto& s) { s.second.set_entry(s.page + s.bias, 1, interrupt_range | ss::R | ss::W); }},
        {"guest-physical page in the interrupt range", no_fault, no_fault,
         [](auto& s) {
             s.first.set_entry(s.iova, 1, interrupt_range | fs::P | fs::RW | fs::US);
             s.second.map({.iova = interrupt_range, .target = s.page});
         }},
    };
}

}  // namespace

TEST_CASE("SecondStageFaults: each with its record", "[vtd][faults]") {
    for (const auto& fault : second_stage_cases()) {
        DYNAMIC_SECTION(fault.name) { check(fault); }
    }
}

TEST_CASE("FirstStageFaults: each with its record", "[vtd][faults]") {
    for (const auto& fault : first_stage_cases()) {
        DYNAMIC_SECTION(fault.name) { check(fault); }
    }
}

TEST_CASE("NestedFaults: each with its record", "[vtd][faults]") {
    for (const auto& fault : nested_cases()) {
        DYNAMIC_SECTION(fault.name) { check(fault); }
    }
}

TEST_CASE("PassThroughFaults: an address above the host width", "[vtd][faults]") {
    Guest guest(Mode::Scalable);
    guest.scalable.set(guest.requester(), PasidEntry::pass_through(1));
    guest.start();
    check_access(guest, bit(host_address_width), Access::Read, 0x83);
    check_access(guest, bit(host_address_width), Access::Write, 0x83);
}

TEST_CASE("FirstStageFaults: five levels reach further", "[vtd][faults]") {
    Guest guest(Mode::Scalable);
    auto stage = guest.first_stage(5);
    stage.map({.iova = bit(47), .target = guest.patterned_page(1)});
    guest.scalable.set(guest.requester(), PasidEntry::over_first_stage(stage, 5));
    guest.start();
    check_access(guest, bit(47), Access::Read, no_fault);
    check_access(guest, bit(56), Access::Read, 0x80);
}

TEST_CASE("SecondStageFaults: a large page around the messages is usable beside them", "[vtd][faults]") {
    Guest guest(Mode::Scalable);
    auto stage = guest.second_stage();
    constexpr std::uint64_t around = 3 * size_1g;
    constexpr std::uint64_t base = 64 * size_1g;
    constexpr std::uint64_t messages = base + interrupt_range - around;
    stage.map({.iova = base, .target = around, .level = 3});
    guest.scalable.set(guest.requester(), PasidEntry::over_second_stage(stage, 5));
    guest.start();
    for (int again = 0; again < 2; ++again) {
        check_access(guest, messages - size_4k, Access::Read, no_fault);
        check_access(guest, messages, Access::Write, 0x87);
        check_access(guest, messages + 0xff000, Access::Read, 0x87);
        check_access(guest, messages + 0x100000, Access::Read, no_fault);
    }
}
