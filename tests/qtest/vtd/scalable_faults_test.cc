// SPDX-License-Identifier: GPL-2.0-or-later
//
// Scalable mode: what can be wrong between a request and its PASID-table entry, with its record.
#include <vector>

#include "vtd/fault_scene.h"

using namespace vtd_driver;

namespace {

struct ScalableScene {
    Guest guest{Mode::Scalable};
    PageTable stage = guest.second_stage();
    std::uint64_t iova = 0x123456789000;
    std::uint64_t root = guest.scalable.root();
    Mode mode = Mode::Scalable;
    PasidEntry entry = PasidEntry::over_second_stage(stage, 5);

    ScalableScene() {
        stage.map({.iova = iova, .target = guest.patterned_page(1)});
        apply();
    }
    void apply() { guest.scalable.set(guest.requester(), entry); }
    void flip(std::uint64_t address, std::uint64_t bits) const {
        guest.ram.write64(address, guest.ram.read64(address) ^ bits);
    }
    [[nodiscard]] std::uint64_t root_entry() const { return guest.scalable.root_entry(guest.requester()); }
    [[nodiscard]] std::uint64_t context_entry() { return guest.scalable.context_entry(guest.requester()); }
    [[nodiscard]] std::uint64_t directory_entry() { return guest.scalable.directory_entry(guest.requester()); }
    [[nodiscard]] std::uint64_t pasid_entry() { return guest.scalable.pasid_entry(guest.requester()); }
    void start() {
        guest.start();
        guest.unit.set_root_table(root, mode);
    }
};

using Case = FaultCase<ScalableScene>;

std::vector<Case> context_cases() {
    return {
        {"RTA.1 reserved mode", 0x30, 0x30, [](auto& s) { s.mode = Mode::Reserved; }},
        {"RTA.4 abort mode", 0x33, 0x33, [](auto& s) { s.mode = Mode::AbortDma; }},
        {"SRT.1 root table outside memory", 0x38, 0x38, [](auto& s) { s.root = beyond_ram; }},
        {"SRT.2 root entry not present", 0x39, 0x39, [](auto& s) { s.flip(s.root_entry(), bit(0)); }},
        {"SRT.3 root entry, bit 11", 0x3a, 0x3a, [](auto& s) { s.flip(s.root_entry(), bit(11)); }},
        {"SRT.3 root entry, above the host width", 0x3a, 0x3a, [](auto& s) { s.flip(s.root_entry(), bit(48)); }},
        {"SCT.1 context table outside memory", 0x40, 0x40, [](auto& s) { s.flip(s.root_entry(), beyond_ram); }},
        {"SCT.2 context entry not present", 0x41, 0x41, [](auto& s) { s.flip(s.context_entry(), bit(0)); }},
        {"SCT.3 context entry, bit 7", 0x42, 0x42, [](auto& s) { s.flip(s.context_entry(), bit(7)); }},
        {"SCT.3 directory above the host width", 0x42, 0x42, [](auto& s) { s.flip(s.context_entry(), bit(48)); }},
        {"SCT.3 context entry, bit 85", 0x42, 0x42, [](auto& s) { s.flip(s.context_entry() + 8, bit(21)); }},
        {"SCT.3 context entry, third word", 0x42, 0x42, [](auto& s) { s.flip(s.context_entry() + 16, bit(0)); }},
        {"SCT.3 context entry, fourth word", 0x42, 0x42, [](auto& s) { s.flip(s.context_entry() + 24, bit(63)); }},
        {"SCT.4 RID_PASID beyond the directory", 0x43, 0x43,
         [](auto& s) {
             s.guest.scalable.set_context(s.guest.requester(), {.directory_size = 0, .rid_pasid = 1 << 13});
         }},
        {"SCT.4 page requests enabled without a device TLB", 0x43, 0x43,
         [](auto& s) { s.flip(s.context_entry(), bit(4)); }},
        {"nothing wrong", no_fault, no_fault, [](auto&) {}},
        {"the other half of the root entry", no_fault, no_fault, [](auto& s) { s.flip(s.root_entry() + 8, bit(5)); }},
    };
}

std::vector<Case> pasid_cases() {
    return {
        {"SPD.1 directory outside memory", 0x50, 0x50, [](auto& s) { s.flip(s.context_entry(), beyond_ram); }},
        {"SPD.2 directory entry not present", 0x51, 0x51, [](auto& s) { s.flip(s.directory_entry(), bit(0)); }},
        {"SPD.3 directory entry, bit 2", 0x52, 0x52, [](auto& s) { s.flip(s.directory_entry(), bit(2)); }},
        {"SPD.3 directory entry, above the host width", 0x52, 0x52,
         [](auto& s) { s.flip(s.directory_entry(), bit(48)); }},
        {"SPT.1 PASID table outside memory", 0x58, 0x58, [](auto& s) { s.flip(s.directory_entry(), beyond_ram); }},
        {"SPT.2 PASID entry not present", 0x59, 0x59, [](auto& s) { s.flip(s.pasid_entry(), bit(0)); }},
        {"SPT.2 PASID entry empty", 0x59, 0x59, [](auto& s) { s.guest.ram.write64(s.pasid_entry(), 0); }},
        {"SPT.3 PASID entry, bit 5", 0x5a, 0x5a, [](auto& s) { s.flip(s.pasid_entry(), bit(5)); }},
        {"SPT.3 PASID entry, bit 11", 0x5a, 0x5a, [](auto& s) { s.flip(s.pasid_entry(), bit(11)); }},
        {"SPT.3 second stage above the host width", 0x5a, 0x5a, [](auto& s) { s.flip(s.pasid_entry(), bit(48)); }},
        {"SPT.3 PASID entry, second word", 0x5a, 0x5a, [](auto& s) { s.flip(s.pasid_entry() + 8, bit(16)); }},
        {"SPT.3 memory types without support", 0x5a, 0x5a, [](auto& s) { s.flip(s.pasid_entry() + 8, bit(25)); }},
        {"SPT.3 first stage above the host width", 0x5a, 0x5a, [](auto& s) { s.flip(s.pasid_entry() + 16, bit(48)); }},
        {"SPT.3 PASID entry, third word", 0x5a, 0x5a, [](auto& s) { s.flip(s.pasid_entry() + 16, bit(8)); }},
        {"SPT.3 PASID entry, last word", 0x5a, 0x5a, [](auto& s) { s.flip(s.pasid_entry() + 56, bit(63)); }},
        {"SPT.4 type 0", 0x5b, 0x5b, [](auto& s) { s.entry.type = Pgtt{0}, s.apply(); }},
        {"SPT.4 type 5", 0x5b, 0x5b, [](auto& s) { s.entry.type = Pgtt{5}, s.apply(); }},
        {"SPT.4 second stage of width 0", 0x5b, 0x5b, [](auto& s) { s.entry.address_width = 0, s.apply(); }},
        {"SPT.4 second stage of width 4", 0x5b, 0x5b, [](auto& s) { s.entry.address_width = 4, s.apply(); }},
        {"SPT.4 first stage of mode 2", 0x5b, 0x5b,
         [](auto& s) { s.entry.type = Pgtt::FirstStage, s.entry.first_stage_mode = 2, s.apply(); }},
        {"SPT.4 first stage of a nested entry beyond the second", 0x5b, 0x5b,
         [](auto& s) {
             s.entry.type = Pgtt::Nested, s.entry.address_width = 1, s.entry.first_stage = bit(39);
             s.apply();
         }},
        {"SPT.6 privileged request, SRE off", 0x5d, 0x5d,
         [](auto& s) { s.guest.scalable.set_context(s.guest.requester(), {.rid_privileged = true}); }},
        {"privileged request, SRE on", no_fault, no_fault,
         [](auto& s) {
             s.guest.scalable.set_context(s.guest.requester(), {.rid_privileged = true});
             s.entry.q2_flags = pasid_q2_SRE, s.apply();
         }},
        {"ignored fields of the stage that is not used", no_fault, no_fault,
         [](auto& s) { s.entry.first_stage = beyond_ram, s.entry.first_stage_mode = 3, s.apply(); }},
    };
}

void check(const Case& fault) {
    ScalableScene scene;
    fault.spoil(scene);
    scene.start();
    check_access(scene.guest, scene.iova, Access::Read, fault.read_reason);
    check_access(scene.guest, scene.iova, Access::Write, fault.write_reason);
}

}  // namespace

TEST_CASE("ScalableFaults: on the way to the PASID directory", "[vtd][faults]") {
    for (const auto& fault : context_cases()) {
        DYNAMIC_SECTION(fault.name) { check(fault); }
    }
}

TEST_CASE("ScalableFaults: on the way to the page table", "[vtd][faults]") {
    for (const auto& fault : pasid_cases()) {
        DYNAMIC_SECTION(fault.name) { check(fault); }
    }
}

TEST_CASE("ScalableFaults: any FPD on the way silences a qualified fault", "[vtd][faults]") {
    for (const auto entry :
         {&ScalableScene::context_entry, &ScalableScene::directory_entry, &ScalableScene::pasid_entry}) {
        ScalableScene scene;
        scene.stage.set_entry(scene.iova, 1, 0);
        scene.flip((scene.*entry)(), bit(1));
        scene.start();
        check_access(scene.guest, scene.iova, Access::Read, no_fault);
        CHECK(scene.guest.counter("faults") == 1);
    }
}

TEST_CASE("ScalableFaults: FPD counts in an entry that is not present", "[vtd][faults]") {
    ScalableScene scene;
    scene.guest.ram.write64(scene.pasid_entry(), bit(1));
    scene.start();
    check_access(scene.guest, scene.iova, Access::Read, no_fault);
}

TEST_CASE("ScalableFaults: FPD does not silence a table that cannot be read", "[vtd][faults]") {
    ScalableScene scene;
    scene.flip(scene.context_entry(), bit(1));
    scene.flip(scene.directory_entry(), beyond_ram);
    scene.start();
    check_access(scene.guest, scene.iova, Access::Read, 0x58);
}

TEST_CASE("ScalableFaults: reading messages or writing more than one is an interrupt fault", "[vtd][faults]") {
    ScalableScene scene;
    scene.start();
    scene.guest.edu.dma_read(interrupt_range, 4);
    scene.guest.edu.dma_write(interrupt_range, 8);
    const auto faults = scene.guest.take_faults();
    REQUIRE(faults.size() == 2);
    for (const auto& fault : faults) {
        CHECK(fault.reason() == 0x29);
        CHECK(fault.source() == scene.guest.requester());
    }
}

TEST_CASE("ScalableFaults: one word written to the interrupt range is a message whatever the tables say",
          "[vtd][faults]") {
    ScalableScene scene;
    scene.mode = Mode::AbortDma;
    scene.start();
    scene.guest.edu.function().enable_msi({interrupt_range, 0x41});
    scene.guest.edu.raise_interrupt();
    CHECK(scene.guest.take_faults().empty());
}
