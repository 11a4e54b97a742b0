// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a capability allows is an error in a unit that does not have it.
#include <functional>
#include <string>
#include <vector>

#include "vtd/fault_scene.h"

using namespace vtd_driver;

namespace {

constexpr std::uint64_t iova = 0x23456789000;  // 42 bits
constexpr unsigned domain = 5;

// A guest whose tables use what the capability stands for.
struct CapabilityScene {
    explicit CapabilityScene(const std::string& properties) : guest(Mode::Scalable, {.properties = properties}) {
        second.map({.iova = iova, .target = guest.patterned_page(1)});
        first.map({.iova = iova, .target = guest.patterned_page(2)});
    }
    Guest guest;
    PageTable second = guest.second_stage();
    PageTable first = guest.first_stage();
    ScalableContext context;
    PasidEntry entry = PasidEntry::over_second_stage(second, domain);

    void use_first_stage() { entry = PasidEntry::over_first_stage(first, domain); }
    void map_large(PageTable& stage, unsigned level) const {
        stage.map({.iova = 64 * size_1g, .target = 0, .level = level});
    }
};

struct CapabilityCase {
    std::string property;  // that turns it off
    std::string name;
    unsigned reason = 0;  // of a read when it is off
    std::function<void(CapabilityScene&)> use;
    std::uint64_t at = iova;
};

std::vector<CapabilityCase> capabilities() {
    constexpr std::uint64_t large = 64 * size_1g;
    return {
        {"sslps=0", "2 MiB pages of a second stage", 0x7a, [](auto& s) { s.map_large(s.second, 2); }, large},
        {"sslps=1", "1 GiB pages of a second stage", 0x7a, [](auto& s) { s.map_large(s.second, 3); }, large},
        {"fs1gp=off", "1 GiB pages of a first stage", 0x72,
         [](auto& s) { s.use_first_stage(), s.map_large(s.first, 3); }, large},
        {"sc=off", "snoop bit of a page", 0x7a, [](auto& s) { s.second.flip(iova, 1, ss::SNP); }},
        {"sc=off", "PGSNP", 0x5a, [](auto& s) { s.entry.q1_flags |= bit(24); }},
        {"smpwcs=off", "PWSNP", 0x5a, [](auto& s) { s.entry.q1_flags = pasid_q1_PWSNP; }},
        {"ssads=off", "SSADE", 0x5a, [](auto& s) { s.entry.q0_flags |= pasid_q0_SSADE; }},
        {"eafs=off", "EAFE", 0x5a, [](auto& s) { s.entry.q2_flags |= pasid_q2_EAFE; }},
        {"srs=off", "SRE", 0x5a, [](auto& s) { s.entry.q2_flags |= pasid_q2_SRE; }},
        {"nd=0", "domain of more bits", 0x5a, [](auto& s) { s.entry.domain = 16; }},
        {"pt=off", "pass-through", 0x5b, [](auto& s) { s.entry = PasidEntry::pass_through(domain); }},
        {"nest=off", "nested", 0x5b, [](auto& s) { s.entry = PasidEntry::nested(s.first, s.second, domain); }},
        {"fsts=off", "first stage", 0x5b, [](auto& s) { s.entry.type = Pgtt::FirstStage; }},
        {"fs5lp=off", "five levels of a first stage", 0x5b,
         [](auto& s) { s.use_first_stage(), s.entry.first_stage_mode = 1; }},
        {"sagaw=2", "width of four levels", 0x5b, [](auto&) {}},
        {"rps=off", "RID_PASID", 0x42, [](auto& s) { s.context.rid_pasid = 1; }},
        {"pasid=off", "PASIDE", 0x42, [](auto& s) { s.context.pasid_enable = true; }},
        {"rprivs=off", "RID_PRIV", 0x42, [](auto& s) { s.context.rid_privileged = true; }},
        {"mgaw=40,haw=39", "addresses above the guest width", 0x84, [](auto&) {}},
    };
}

unsigned reason_of_read(const CapabilityCase& capability, const std::string& properties) {
    CapabilityScene scene(properties);
    capability.use(scene);
    scene.guest.scalable.set_context(scene.guest.requester(), scene.context);
    scene.guest.scalable.set(scene.guest.requester(), scene.context.rid_pasid, scene.entry);
    scene.guest.start();
    scene.guest.touch_read(capability.at);
    const auto faults = scene.guest.take_faults();
    return faults.empty() ? no_fault : faults[0].reason();
}

}  // namespace

TEST_CASE("Capabilities: what one allows is an error without it", "[vtd][capabilities]") {
    for (const auto& capability : capabilities()) {
        DYNAMIC_SECTION(capability.name << " with " << capability.property) {
            CHECK(reason_of_read(capability, "," + capability.property) == capability.reason);
        }
    }
}

TEST_CASE("Capabilities: the same is fine with it", "[vtd][capabilities]") {
    for (const auto& capability : capabilities()) {
        // These two are no error of their own: a privileged request needs SRE, a nested stage its tables mapped.
        if (capability.property == "rprivs=off" || capability.property == "nest=off") continue;
        // Here the entry has no first stage to walk, or one of four levels.
        if (capability.property == "fsts=off" || capability.property == "fs5lp=off") continue;
        DYNAMIC_SECTION(capability.name) { CHECK(reason_of_read(capability, "") == no_fault); }
    }
}

TEST_CASE("Capabilities: page-selective invalidation", "[vtd][capabilities]") {
    Guest guest(Mode::Scalable, {.properties = ",psi=off"});
    guest.start();
    const auto slot = guest.queue.tail();
    guest.queue.push(descriptor::iotlb_pages(domain, {iova}));
    guest.queue.ring();
    CHECK((guest.unit.read32(reg::FSTS) & IQE) != 0);
    CHECK(guest.queue.head() == slot);
}

TEST_CASE("Capabilities: abort mode", "[vtd][capabilities]") {
    Guest guest(Mode::Scalable, {.properties = ",adms=off"});
    guest.start();
    guest.unit.set_root_table(guest.scalable.root(), Mode::AbortDma);
    check_access(guest, iova, Access::Read, 0x30);
}

TEST_CASE("Capabilities: scalable mode", "[vtd][capabilities]") {
    Guest guest(Mode::Legacy, {.properties = ",smts=off"});
    guest.start();
    guest.unit.set_root_table(guest.scalable.root(), Mode::Scalable);
    check_access(guest, iova, Access::Read, 0x30);
}

TEST_CASE("Capabilities: caching mode changes nothing for what is present", "[vtd][capabilities]") {
    Guest guest(Mode::Scalable, {.properties = ",cm=on"});
    CHECK(extract(guest.unit.read64(reg::CAP), 7, 7) == 1);
    auto stage = guest.second_stage();
    stage.map({.iova = iova, .target = guest.patterned_page(1)});
    guest.scalable.set(guest.requester(), PasidEntry::over_second_stage(stage, domain));
    guest.start();
    CHECK(guest.dma_read(iova) == Guest::pattern(1));
}
