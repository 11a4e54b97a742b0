// SPDX-License-Identifier: GPL-2.0-or-later
//
// Trace lines: one for each thing that the guest can see happen, in the manual's names, and none that was not asked
// for.
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "smmu_guest.h"

using namespace test::smmu;

namespace {

constexpr std::uint32_t kFault = 1, kRegister = 2, kInvalidation = 4, kQueue = 8, kTranslation = 16, kInterrupt = 32;
using Lines = std::vector<std::string>;

struct Scene : Guest {
    explicit Scene(std::uint32_t classes) {
        eventq_log2 = 1;
        stream(kStream);
        stream(kOtherStream, {}, {.r = false});
        map(low, 0x4000, 0x1800000, kPage);
        bring_up();
        unit.set_trace(classes);
        ports.lines.clear();
    }
    // Everything that leaves a line, once each.
    void act() {
        (void)ask(read_at(0x4000));
        (void)ask(read_at(0x9000));
        w32(kIrqCtrl, 0);
        submit(tlbi_nh_va(3, 1, 0x4000));
        submit(cmd_sync(1, 0x800'0000, 7));
        submit({0xff, 0});
    }
    std::size_t starting(const std::string& text) {
        std::size_t count = 0;
        for (const std::string& line : ports.lines)
            count += line.rfind(text, 0) == 0 ? 1 : 0;
        return count;
    }
};

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("SMMU: without trace classes nothing is said") {
    Scene guest(0);
    guest.act();
    CHECK(guest.ports.lines.empty());
}

TEST_CASE("SMMU: each class says its own lines only") {
    for (const std::uint32_t classes : {kFault, kRegister, kInvalidation, kQueue, kTranslation, kInterrupt}) {
        Scene guest(classes);
        guest.act();
        CAPTURE(classes);
        REQUIRE_FALSE(guest.ports.lines.empty());
        CHECK((guest.starting("smmuv3: event") != 0) == (classes == kFault));
        CHECK((guest.starting("smmuv3: write") != 0) == (classes == kRegister));
        CHECK((guest.starting("smmuv3: command") != 0) == (classes == kInvalidation));
        CHECK((guest.starting("smmuv3: GERROR") != 0) == (classes == kQueue));
        CHECK((guest.starting("smmuv3: translated") != 0) == (classes == kTranslation));
        CHECK((guest.starting("smmuv3: message") != 0) == (classes == kInterrupt));
        CHECK(guest.starting("smmuv3: ") == guest.ports.lines.size());
    }
}

TEST_CASE("SMMU: a fault names its event, the request, the stage and what became of it") {
    struct Case {
        iommu::Request request;
        std::vector<std::string> parts;
    };
    for (const Case& item : {
             Case{read_at(0x9000),
                  {"F_TRANSLATION", "0x10", "the address is not mapped", "SID=0x5", "read 0x9000", "S1", "IN",
                   "level 3"}},
             Case{write_at(0xa000), {"F_TRANSLATION", "write 0xa000"}},
             Case{from(64, read_at(0x4000)), {"C_BAD_STREAMID", "SID=0x40"}},
             Case{with_substream(read_at(0x4000), 0x12), {"C_BAD_SUBSTREAMID", "SSID=0x12"}},
             Case{from(kOtherStream, read_at(0x9000)), {"F_TRANSLATION", "not recorded (R=0)"}},
         }) {
        Scene guest(kFault);
        (void)guest.ask(item.request);
        REQUIRE(guest.ports.lines.size() == 1);
        CAPTURE(guest.ports.lines[0]);
        for (const std::string& part : item.parts)
            CHECK(contains(guest.ports.lines[0], part));
    }
}

TEST_CASE("SMMU: a lost, a held and a merged record say so") {
    Scene guest(kFault);
    for (unsigned number = 0; number < 3; ++number)
        (void)guest.ask(read_at(0x10'0000ull * (number + 1)));
    REQUIRE(guest.ports.lines.size() == 3);
    CHECK_FALSE(contains(guest.ports.lines[1], "lost"));
    CHECK(contains(guest.ports.lines[2], "lost"));
    guest.set(guest.cd(kStream), 44, 44, 1);
    guest.forget();
    (void)guest.ask(read_at(0x80'0000), smmuv3::CanStall::Yes);
    CHECK(contains(guest.ports.lines.back(), "held"));
    CHECK(contains(guest.ports.lines.back(), "STAG=0x"));
    // The pieces of one access are one line.
    guest.ports.lines.clear();
    (void)guest.ask(from(99, read_at(0x4000)));
    (void)guest.ask(from(99, read_at(0x4008)));
    CHECK(guest.ports.lines.size() == 1);
}

TEST_CASE("SMMU: every command is named, with its fields") {
    struct Case {
        Command command;
        std::vector<std::string> parts;
    };
    for (const Case& item : {
             Case{{0x01 | 5ull << 32, 0}, {"PREFETCH_CONFIG", "StreamID=5"}},
             Case{{0x02 | 5ull << 32, 0x4000}, {"PREFETCH_ADDR", "StreamID=5"}},
             Case{cfgi_ste(5), {"CFGI_STE ", "StreamID=5", "Leaf=1"}},
             Case{cfgi_all(), {"CFGI_STE_RANGE", "Range=0x1f"}},
             Case{cfgi_cd(5, 9), {"CFGI_CD ", "SubstreamID=9"}},
             Case{cfgi_cd_all(5), {"CFGI_CD_ALL", "StreamID=5"}},
             Case{tlbi_nh_all(3), {"TLBI_NH_ALL", "VMID=3"}},
             Case{tlbi_nh_asid(3, 7), {"TLBI_NH_ASID", "VMID=3", "ASID=7"}},
             Case{tlbi_nh_va(3, 7, 0x4000), {"TLBI_NH_VA ", "ASID=7"}},
             Case{tlbi_nh_vaa(3, 0x4000), {"TLBI_NH_VAA", "VMID=3"}},
             Case{tlbi_el2_all(), {"TLBI_EL2_ALL"}},
             Case{{0x21 | 7ull << 48, 0}, {"TLBI_EL2_ASID", "ASID=7"}},
             Case{tlbi_el2_va(7, 0x4000), {"TLBI_EL2_VA ", "ASID=7"}},
             Case{{0x23, 0x4000}, {"TLBI_EL2_VAA"}},
             Case{tlbi_s12_vmall(3), {"TLBI_S12_VMALL", "VMID=3"}},
             Case{tlbi_s2_ipa(3, 0x4000), {"TLBI_S2_IPA", "VMID=3"}},
             Case{tlbi_nsnh_all(), {"TLBI_NSNH_ALL"}},
             Case{resume(5, 0x12, true, false), {"RESUME", "StreamID=5", "STAG=0x12", "Ac=1"}},
             Case{stall_term(5), {"STALL_TERM", "StreamID=5"}},
             Case{cmd_sync(1, 0x8000, 7), {"SYNC", "CS=1", "MSIData=7"}},
             Case{{0xff, 0}, {"Opcode=0xff"}},
         }) {
        Scene guest(kInvalidation);
        guest.submit(item.command);
        REQUIRE(guest.ports.lines.size() == 1);
        CAPTURE(guest.ports.lines[0]);
        CHECK(contains(guest.ports.lines[0], "command at 0x"));
        for (const std::string& part : item.parts)
            CHECK(contains(guest.ports.lines[0], part));
    }
}

TEST_CASE("SMMU: a register write is told with the fields that were written") {
    Scene guest(kRegister);
    guest.set_cr0(kSmmuEn | kCmdqEn);
    guest.w32(kIrqCtrl, 0);
    guest.w32(kGbpa, 1u << 31 | 1u << 20);
    guest.w64(kCmdqBase, 5);  // guarded: told, but not taken
    guest.w32(0xffc, 7);      // not a register that can be written, and still seen
    guest.w32(0x1000, 7);     // nothing there
    REQUIRE(guest.ports.lines.size() >= 4);
    CHECK(guest.ports.lines[0] == "smmuv3: write CR0 CMDQEN=1 SMMUEN=1");
    CHECK(guest.ports.lines[1] == "smmuv3: write IRQ_CTRL 0");
    CHECK(contains(guest.ports.lines[2], "GBPA"));
    CHECK(contains(guest.ports.lines[2], "ABORT=1"));
    CHECK(contains(guest.ports.lines[3], "CMDQ_BASE"));
    CHECK(guest.ports.lines.size() <= 5);
}

TEST_CASE("SMMU: a stopped queue, a message and a translation leave one line each") {
    Scene queue(kQueue);
    queue.submit({0xff, 0});
    REQUIRE(queue.ports.lines.size() == 1);
    CHECK(contains(queue.ports.lines[0], "CMDQ_ERR"));
    CHECK(contains(queue.ports.lines[0], "ERR=1"));

    Scene message(kInterrupt);
    message.submit(cmd_sync(1, 0x800'0000, 0x41));
    CHECK(message.ports.lines == Lines{"smmuv3: message 0x8000000 data 0x41"});

    Scene walk(kTranslation);
    (void)walk.ask(read_at(0x4010));
    (void)walk.ask(read_at(0x4010));  // by the TLB
    CHECK(walk.ports.lines == Lines{"smmuv3: translated SID=0x5 read 0x4010 -> 0x1800010 2^12 rw"});
}
