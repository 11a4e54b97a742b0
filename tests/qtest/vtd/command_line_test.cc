// SPDX-License-Identifier: GPL-2.0-or-later
//
// Wrong use ends QEMU with exit code 1 and one sentence that says what to do.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include "vtd/guest.h"

using namespace vtd_driver;
using Catch::Matchers::ContainsSubstring;
using qtest::QemuEnd;
using qtest::run_until_end;

namespace {

struct Refusal {
    std::string properties;
    std::string sentence;  // a part of it
};

QemuEnd run_with(const std::string& properties, const std::string& machine = "q35") {
    return run_until_end({.arguments = {"-device", "vtd-nested" + properties}, .machine = machine});
}

void check_refused(const QemuEnd& end, const std::string& sentence) {
    CAPTURE(end.output);
    CHECK(end.exit_code == 1);
    CHECK_THAT(end.output, ContainsSubstring(sentence));
    CHECK(std::count(end.output.begin(), end.output.end(), '\n') == 1);
}

// Values that no unit can have, and combinations.
const std::vector<Refusal> impossible = {
    {"ver=0", "major version 0"},
    {"haw=38", "haw=38"},
    {"haw=53", "haw=53"},
    {"nd=7", "nd=7"},
    {"sagaw=1", "sagaw=1"},
    {"sagaw=16", "sagaw=16"},
    {"sagaw=0", "sagaw=0"},
    {"mgaw=57", "mgaw=57"},
    {"mgaw=40", "mgaw=40"},
    {"sslps=2", "sslps=2"},
    {"sslps=4", "sslps=4"},
    {"nfr=32", "nfr=32"},
    {"mamv=64", "mamv=64"},
    {"pss=20", "pss=20"},
    {"iotlb-entries=63", "63"},
    {"iotlb-entries=100", "100"},
    {"iotlb-entries=2097152", "2097152"},
    {"rwbf=on", "rwbf=on"},
    {"qi=off,smts=on", "qi"},
    {"fsts=off,nest=on", "nest"},
    {"ssts=off,nest=on", "nest"},
    {"fsts=off,ssts=off,smts=on", "smts=on"},
    {"ver=0x60,qi=off", "qi"},
    {"dwd=off", "dwd"},
};

// What QEMU says of values of the wrong kind, and of what is not built.
const std::vector<Refusal> unknown = {
    {"haw=wide", "haw"},
    {"smts=maybe", "smts"},
    {"no-such-property=1", "no-such-property"},
    {"trace=foo", "no trace class is called 'foo'"},
    {"intremap=on", "vtd-nested does not remap interrupts yet"},
    {"device-iotlb=on,dt=off", "device-iotlb=on and dt=off contradict each other"},
    {"device-iotlb=on,qi=off", "dt=on needs qi=on"},
};

}  // namespace

TEST_CASE("CommandLine: values that no unit can have", "[vtd][command-line]") {
    for (const auto& refusal : impossible) {
        DYNAMIC_SECTION(refusal.properties) { check_refused(run_with("," + refusal.properties), refusal.sentence); }
    }
}

TEST_CASE("CommandLine: values that are none", "[vtd][command-line]") {
    for (const auto& refusal : unknown) {
        DYNAMIC_SECTION(refusal.properties) { check_refused(run_with("," + refusal.properties), refusal.sentence); }
    }
}

TEST_CASE("CommandLine: machines without PCI Express", "[vtd][command-line]") {
    for (const std::string machine : {"pc", "microvm", "none", "isapc"}) {
        DYNAMIC_SECTION(machine) {
            check_refused(run_with("", machine), "vtd-nested needs a machine with PCI Express: -machine q35");
        }
    }
}

TEST_CASE("CommandLine: a second IOMMU", "[vtd][command-line]") {
    for (const std::string other : {"vtd-nested", "intel-iommu", "amd-iommu"}) {
        DYNAMIC_SECTION(other) {
            const auto end = run_until_end({.arguments = {"-device", "vtd-nested", "-device", other}});
            check_refused(end, "multiple vIOMMUs");
        }
    }
}

TEST_CASE("CommandLine: another version of QEMU", "[vtd][command-line]") {
    const auto end = run_until_end(
        {.arguments = {"-device", "vtd-nested"}, .environment = {"NESTED_IOMMU_PRETEND_QEMU_VERSION=9.2.0"}});
    check_refused(end, "but this is QEMU 9.2.0; run scripts/setup to build it for this one");
    CHECK_THAT(end.output, ContainsSubstring("nested-iommu was built for QEMU 10."));
}

TEST_CASE("CommandLine: help lists the device and its properties", "[vtd][command-line]") {
    const auto devices = run_until_end({.arguments = {"-device", "help"}});
    CHECK(devices.exit_code == 0);
    CHECK_THAT(devices.output, ContainsSubstring("name \"vtd-nested\""));
    const auto properties = run_with(",help");
    CHECK(properties.exit_code == 0);
    for (const std::string name : {"haw", "smts", "nest", "sslps", "iotlb-entries", "trace"}) {
        CHECK_THAT(properties.output, ContainsSubstring("  " + name + "="));
    }
}

TEST_CASE("CommandLine: properties become capabilities", "[vtd][command-line]") {
    Guest guest(Mode::Scalable,
                {.properties = ",ver=0x40,nd=2,mgaw=47,sagaw=4,haw=46,sslps=1,nfr=3,mamv=9,nest=off,cm=on"});
    CHECK(guest.unit.read32(reg::VER) == 0x40);
    const std::uint64_t cap = guest.unit.read64(reg::CAP);
    CHECK(extract(cap, 2, 0) == 2);
    CHECK(extract(cap, 7, 7) == 1);
    CHECK(extract(cap, 12, 8) == 4);
    CHECK(extract(cap, 21, 16) == 47);
    CHECK(extract(cap, 37, 34) == 1);
    CHECK(extract(cap, 47, 40) == 3);
    CHECK(extract(cap, 53, 48) == 9);
    const std::uint64_t ecap = guest.unit.read64(reg::ECAP);
    CHECK(extract(ecap, 26, 26) == 0);
    CHECK(extract(ecap, 43, 43) == 1);
    CHECK(guest.counter("cap-register") == cap);
    CHECK(guest.counter("ecap-register") == ecap);
}

TEST_CASE("CommandLine: a capability that is off takes with it what needs it", "[vtd][command-line]") {
    Guest guest(Mode::Legacy, {.properties = ",smts=off"});
    const std::uint64_t ecap = guest.unit.read64(reg::ECAP);
    for (const unsigned position : {26u, 31u, 34u, 40u, 43u, 45u, 46u, 47u, 48u, 49u, 53u}) {
        CAPTURE(position);
        CHECK(extract(ecap, position, position) == 0);
    }
    CHECK(extract(ecap, 39, 35) == 0);
    CHECK(extract(guest.unit.read64(reg::CAP), 60, 60) == 0);
    CHECK(extract(guest.unit.read64(reg::CAP), 56, 56) == 0);
}

TEST_CASE("CommandLine: a trace names the fault", "[vtd][command-line]") {
    Guest guest(Mode::Scalable, {.properties = ",trace=fault"});
    guest.start();
    CHECK_THAT(guest.qemu.output(), !ContainsSubstring("vtd:"));
    guest.touch_read(0x123456789000);
    CHECK_THAT(guest.qemu.output(), ContainsSubstring("vtd:"));
    CHECK_THAT(guest.qemu.output(), ContainsSubstring("SRT.2"));
}

TEST_CASE("CommandLine: tracing is turned on and off at run time", "[vtd][command-line]") {
    Guest guest(Mode::Scalable);
    guest.start();
    guest.touch_read(0x1000);
    CHECK_THAT(guest.qemu.output(), !ContainsSubstring("vtd:"));
    guest.qemu.qmp().qom_set(Guest::path, "trace", "fault");
    guest.touch_read(0x2000);
    const auto traced = guest.qemu.output();
    CHECK_THAT(traced, ContainsSubstring("vtd:"));
    guest.qemu.qmp().qom_set(Guest::path, "trace", "");
    guest.touch_read(0x3000);
    CHECK(guest.qemu.output() == traced);
}

TEST_CASE("CommandLine: counters count", "[vtd][command-line]") {
    Guest guest(Mode::Scalable);
    guest.scalable.set(guest.requester(), PasidEntry::pass_through(1));
    auto stage = guest.second_stage();
    guest.scalable.set(guest.requester(), PasidEntry::over_second_stage(stage, 1));
    guest.start();
    const auto misses = guest.counter("misses");
    const auto hits = guest.counter("hits");
    guest.touch_read(guest.sink);
    CHECK(guest.counter("misses") == misses + 1);
    guest.touch_read(guest.sink);
    CHECK(guest.counter("misses") == misses + 1);
    CHECK(guest.counter("hits") > hits);
    const auto invalidations = guest.counter("invalidations");
    guest.queue.submit(descriptor::iotlb_global());
    CHECK(guest.counter("invalidations") == invalidations + 1);
    guest.touch_write(0x123456789000);
    CHECK(guest.counter("faults") == 1);
    CHECK(guest.counter("recorded") == 1);
    CHECK(guest.counter("translations") == guest.counter("hits") + guest.counter("misses"));
}
