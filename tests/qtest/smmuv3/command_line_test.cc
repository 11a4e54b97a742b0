// SPDX-License-Identifier: GPL-2.0-or-later
//
// Wrong use ends QEMU with exit code 1 and one sentence that says what to do.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <algorithm>

#include "smmuv3/guest.h"

using namespace smmu_driver;
using Catch::Matchers::ContainsSubstring;
using qtest::QemuEnd;
using qtest::run_until_end;

namespace {

QemuEnd run_with(const std::string& properties, const std::string& machine = "virt") {
    return run_until_end({.arguments = {"-device", "smmuv3-nested" + properties}, .machine = machine});
}

void check_refused(const QemuEnd& end, const std::string& sentence) {
    CAPTURE(end.output);
    CHECK(end.exit_code == 1);
    CHECK_THAT(end.output, ContainsSubstring(sentence));
    CHECK(std::count(end.output.begin(), end.output.end(), '\n') == 1);
}

struct Refusal {
    std::string properties;
    std::string sentence;  // a part of it
};

const std::vector<Refusal> bad_values = {
    {"oas=9", "oas=9 is too large: the largest value is 6"},
    {"httu=3", "httu=3"},
    {"stall_model=3", "stall_model=3"},
    {"st_level=2", "st_level=2"},
    {"sidsize=33", "sidsize=33"},
    {"ssidsize=21", "ssidsize=21"},
    {"eventqs=20", "eventqs=20"},
    {"cmdqs=20", "cmdqs=20"},
    {"s1p=off,s2p=off", "s1p"},
    {"gran4k=off,gran16k=off,gran64k=off", "gran"},
    {"iotlb-entries=63", "63"},
    {"iotlb-entries=100", "100"},
    {"oas=wide", "oas"},
    {"s1p=maybe", "s1p"},
    {"no-such-property=1", "no-such-property"},
    {"trace=foo", "no trace class is called 'foo'"},
};

}  // namespace

TEST_CASE("CommandLine: values that no unit can have", "[smmuv3][command-line]") {
    for (const auto& refusal : bad_values) {
        DYNAMIC_SECTION(refusal.properties) { check_refused(run_with("," + refusal.properties), refusal.sentence); }
    }
}

TEST_CASE("CommandLine: other machines", "[smmuv3][command-line]") {
    for (const std::string machine : {"none", "sbsa-ref"}) {
        DYNAMIC_SECTION(machine) {
            const auto end = run_with("", machine);
            CAPTURE(end.output);
            CHECK(end.exit_code == 1);
            CHECK_THAT(end.output, ContainsSubstring("smmuv3-nested needs the machine virt: -machine virt"));
        }
    }
}

TEST_CASE("CommandLine: another IOMMU", "[smmuv3][command-line]") {
    check_refused(run_with("", "virt,iommu=smmuv3"),
                  "the machine has QEMU's own SMMUv3 in the place of smmuv3-nested; leave out iommu=smmuv3");
    check_refused(
        run_until_end({.arguments = {"-device", "smmuv3-nested", "-device", "smmuv3-nested"}, .machine = "virt"}),
        "there is an smmuv3-nested already, and the machine has room for one");
}

TEST_CASE("CommandLine: properties become capabilities", "[smmuv3][command-line]") {
    const Guest guest({.properties = ",oas=4,ssidsize=3,sidsize=12,eventqs=5,cmdqs=8,httu=1,s2p=off,asid16=off"});
    const std::uint32_t idr0 = guest.unit.read32(reg::IDR0);
    CHECK(extract(idr0, 0, 0) == 0);
    CHECK(extract(idr0, 7, 6) == 1);
    CHECK(extract(idr0, 12, 12) == 0);
    const std::uint32_t idr1 = guest.unit.read32(reg::IDR1);
    CHECK(extract(idr1, 5, 0) == 12);
    CHECK(extract(idr1, 10, 6) == 3);
    CHECK(extract(idr1, 20, 16) == 5);
    CHECK(extract(idr1, 25, 21) == 8);
    CHECK(extract(guest.unit.read32(reg::IDR5), 2, 0) == 4);
}
