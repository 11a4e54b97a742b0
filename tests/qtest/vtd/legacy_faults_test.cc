// SPDX-License-Identifier: GPL-2.0-or-later
//
// Legacy mode: what can be wrong between a request and its page, with its record.
#include <vector>

#include "vtd/fault_scene.h"

using namespace vtd_driver;

namespace {

struct LegacyScene {
    Guest guest;
    PageTable stage = guest.second_stage();
    std::uint64_t iova = 0x123456789000;
    std::uint64_t root = guest.legacy.root();
    LegacyContext context = LegacyContext::translating(stage, 5);

    explicit LegacyScene(const std::string& properties = "") : guest(Mode::Legacy, {.properties = properties}) {
        stage.map({.iova = iova, .target = guest.patterned_page(1)});
        apply();
    }
    void apply() { guest.legacy.set(guest.requester(), context); }
    void flip(std::uint64_t address, std::uint64_t bits) const {
        guest.ram.write64(address, guest.ram.read64(address) ^ bits);
    }
    [[nodiscard]] std::uint64_t root_entry() const { return guest.legacy.root_entry(guest.requester()); }
    [[nodiscard]] std::uint64_t context_entry() { return guest.legacy.context_entry(guest.requester()); }
    void start() {
        guest.start();
        guest.unit.set_root_table(root, Mode::Legacy);
        guest.invalidate_all();
    }
};

using Case = FaultCase<LegacyScene>;

std::vector<Case> table_cases() {
    return {
        {"LRT.1 root table outside memory", 0x08, 0x08, [](auto& s) { s.root = beyond_ram; }},
        {"LRT.2 root entry not present", 0x01, 0x01, [](auto& s) { s.flip(s.root_entry(), bit(0)); }},
        {"LRT.3 root entry, bit 1", 0x0a, 0x0a, [](auto& s) { s.flip(s.root_entry(), bit(1)); }},
        {"LRT.3 root entry, above the host width", 0x0a, 0x0a, [](auto& s) { s.flip(s.root_entry(), bit(48)); }},
        {"LRT.3 root entry, upper word", 0x0a, 0x0a, [](auto& s) { s.flip(s.root_entry() + 8, bit(0)); }},
        {"LCT.1 context table outside memory", 0x09, 0x09, [](auto& s) { s.flip(s.root_entry(), beyond_ram); }},
        {"LCT.2 context entry not present", 0x02, 0x02, [](auto& s) { s.flip(s.context_entry(), bit(0)); }},
        {"LCT.3 context entry, bit 4", 0x0b, 0x0b, [](auto& s) { s.flip(s.context_entry(), bit(4)); }},
        {"LCT.3 context entry, above the host width", 0x0b, 0x0b, [](auto& s) { s.flip(s.context_entry(), bit(48)); }},
        {"LCT.3 context entry, bit 71", 0x0b, 0x0b, [](auto& s) { s.flip(s.context_entry() + 8, bit(7)); }},
        {"LCT.3 context entry, bit 88", 0x0b, 0x0b, [](auto& s) { s.flip(s.context_entry() + 8, bit(24)); }},
        {"LCT.4 width 0", 0x03, 0x03, [](auto& s) { s.context.address_width = 0, s.apply(); }},
        {"LCT.4 width 4", 0x03, 0x03, [](auto& s) { s.context.address_width = 4, s.apply(); }},
        {"LCT.4 type 3", 0x03, 0x03, [](auto& s) { s.context.type = 3, s.apply(); }},
        {"TT 01, with device-TLB support", no_fault, no_fault, [](auto& s) { s.context.type = 1, s.apply(); }},
        {"LCT.4 page table outside memory", 0x03, 0x03, [](auto& s) { s.context.table = beyond_ram, s.apply(); }},
        {"nothing wrong", no_fault, no_fault, [](auto&) {}},
        {"ignored bits of a context entry", no_fault, no_fault,
         [](auto& s) { s.flip(s.context_entry() + 8, ones(6, 3)); }},
    };
}

std::vector<Case> stage_cases() {
    return {
        {"LGN.1 first address above the width", 0x04, 0x04, [](auto& s) { s.iova = bit(48); }},
        {"LGN.1 pass-through above the host width", 0x04, 0x04,
         [](auto& s) {
             s.context = {.address_width = 3, .type = 2};
             s.apply();
             s.iova = bit(host_address_width);
         }},
        {"LGN.2 and LGN.3 page not present", 0x06, 0x05, [](auto& s) { s.stage.set_entry(s.iova, 1, 0); }},
        {"LGN.2 and LGN.3 table not present", 0x06, 0x05, [](auto& s) { s.stage.set_entry(s.iova, 3, 0); }},
        {"LGN.2 page read-only", no_fault, 0x05, [](auto& s) { s.stage.flip(s.iova, 1, ss::W); }},
        {"LGN.2 table read-only", no_fault, 0x05, [](auto& s) { s.stage.flip(s.iova, 2, ss::W); }},
        {"LGN.3 page write-only", 0x06, no_fault, [](auto& s) { s.stage.flip(s.iova, 1, ss::R); }},
        {"LGN.3 table write-only", 0x06, no_fault, [](auto& s) { s.stage.flip(s.iova, 4, ss::R); }},
        {"LSS.1 table outside memory", 0x07, 0x07, [](auto& s) { s.stage.flip(s.iova, 2, beyond_ram); }},
        {"LSS.2 bit 7 at the top", 0x0c, 0x0c, [](auto& s) { s.stage.flip(s.iova, 4, ss::PS); }},
        {"LSS.2 bit 11 of a table", 0x0c, 0x0c, [](auto& s) { s.stage.flip(s.iova, 3, ss::SNP); }},
        {"LSS.2 bit 62 of a page", 0x0c, 0x0c, [](auto& s) { s.stage.flip(s.iova, 1, bit(62)); }},
        {"LSS.2 page above the host width", 0x0c, 0x0c, [](auto& s) { s.stage.flip(s.iova, 1, bit(48)); }},
        {"LSS.2 large page not aligned", 0x0c, 0x0c, [](auto& s) { s.stage.set_entry(s.iova, 2, 0x1083); }},
        {"LGN.4 page of messages", 0x0e, 0x0e,
         [](auto& s) { s.stage.set_entry(s.iova, 1, interrupt_range | ss::R | ss::W); }},
        {"ignored bits of a page", no_fault, no_fault,
         [](auto& s) { s.stage.flip(s.iova, 1, bit(63) | ones(60, 52) | bit(10) | ss::PS | bit(2)); }},
        {"reserved bits of a page that is not present", 0x06, 0x05,
         [](auto& s) { s.stage.set_entry(s.iova, 1, bit(62) | bit(48)); }},
    };
}

void check(const Case& fault) {
    LegacyScene scene;
    fault.spoil(scene);
    scene.start();
    check_access(scene.guest, scene.iova, Access::Read, fault.read_reason);
    check_access(scene.guest, scene.iova, Access::Write, fault.write_reason);
}

}  // namespace

TEST_CASE("LegacyFaults: on the way to the page table", "[vtd][faults]") {
    for (const auto& fault : table_cases()) {
        DYNAMIC_SECTION(fault.name) { check(fault); }
    }
}

TEST_CASE("LegacyFaults: LCT.4 device-TLB type without device-TLB support", "[vtd][faults]") {
    LegacyScene scene(",dt=off");
    scene.context.type = 1;
    scene.apply();
    scene.start();
    check_access(scene.guest, scene.iova, Access::Read, 0x03);
}

TEST_CASE("LegacyFaults: in the page table", "[vtd][faults]") {
    for (const auto& fault : stage_cases()) {
        DYNAMIC_SECTION(fault.name) { check(fault); }
    }
}

TEST_CASE("LegacyFaults: a narrow table ends at its own width", "[vtd][faults]") {
    LegacyScene scene;
    auto narrow = scene.guest.second_stage(3);
    narrow.map({.iova = bit(39) - size_4k, .target = scene.guest.patterned_page(2)});
    scene.guest.legacy.set(scene.guest.requester(), LegacyContext::translating(narrow, 6));
    scene.start();
    check_access(scene.guest, bit(39) - size_4k, Access::Read, no_fault);
    check_access(scene.guest, bit(39), Access::Read, 0x04);
}

TEST_CASE("LegacyFaults: FPD silences what the manual lets it and blocks all the same", "[vtd][faults]") {
    LegacyScene scene;
    scene.context.fault_disable = true;
    scene.apply();
    scene.stage.flip(scene.iova, 1, ss::W);
    scene.start();
    scene.guest.dma_write(scene.iova, Guest::pattern(9));
    CHECK(scene.guest.take_faults().empty());
    CHECK(scene.guest.dma_read(scene.iova) == Guest::pattern(1));
}

TEST_CASE("LegacyFaults: FPD counts in a context entry that is not present", "[vtd][faults]") {
    LegacyScene scene;
    scene.guest.ram.write64(scene.context_entry(), bit(1));
    scene.start();
    check_access(scene.guest, scene.iova, Access::Read, no_fault);
}

TEST_CASE("LegacyFaults: a blocked write changes nothing and a blocked read sees nothing", "[vtd][faults]") {
    LegacyScene scene;
    const auto target = scene.guest.patterned_page(3);
    scene.stage.map({.iova = scene.iova, .target = target, .flags = ss::R});
    scene.start();
    scene.guest.dma_write(scene.iova, Guest::pattern(9));
    CHECK(scene.guest.memory(target) == Guest::pattern(3));
    scene.stage.map({.iova = scene.iova, .target = target, .flags = ss::W});
    scene.guest.invalidate_all();
    CHECK(scene.guest.dma_read(scene.iova) == Bytes(Guest::transfer));
}
