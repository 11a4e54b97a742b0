// SPDX-License-Identifier: GPL-2.0-or-later
//
// Configuration space of the endpoint as a driver of the real world reads it: hand-typed words.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "endpoint/machine.h"

using namespace endpoint_driver;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr std::uint8_t express = 0x10;
constexpr std::uint8_t msix = 0x11;
constexpr std::uint16_t ats = 0x0f;
constexpr std::uint16_t pri = 0x13;
constexpr std::uint16_t pasid = 0x1b;

std::uint16_t at(std::uint16_t capability, unsigned distance) {
    return static_cast<std::uint16_t>(capability + distance);
}

}  // namespace

TEST_CASE("Endpoint: identity, and BAR 0 as uio wants it", "[endpoint]") {
    Machine machine;
    CHECK(machine.function.config_readl(0x00) == 0xa75e1234);
    CHECK(machine.function.config_readl(0x08) == 0x00ff0001);
    machine.function.config_writel(0x10, 0xffffffff);
    CHECK(machine.function.config_readl(0x10) == 0xffff0000);  // 64 KiB, 32-bit, not prefetchable
    machine.function.config_writel(0x10, static_cast<std::uint32_t>(machine.bar));
    CHECK(machine.get(AE_ID) == AE_ID_VALUE);
    CHECK(machine.get(AE_LIMITS) == 0x00400c04);
}

TEST_CASE("Endpoint: behind a port it is an endpoint, on the root bus an integrated one; both with FLR and prefixes",
          "[endpoint]") {
    for (const bool integrated : {false, true}) {
        Machine machine({.integrated = integrated});
        const auto capability = machine.function.find_capability(express);
        REQUIRE(capability);
        CHECK((machine.function.config_readw(at(*capability, 2)) >> 4 & 0xf) == (integrated ? 9 : 0));
        CHECK((machine.function.config_readl(at(*capability, 0x04)) & 0x10000000) != 0);  // FLR
        CHECK((machine.function.config_readl(at(*capability, 0x24)) & 0x00200000) != 0);  // End-End TLP Prefix
    }
}

TEST_CASE("Endpoint: ATS, PASID and page requests as the kernel needs them", "[endpoint]") {
    Machine machine;
    const auto& function = machine.function;
    const auto ats_place = function.find_extended_capability(ats);
    const auto pasid_place = function.find_extended_capability(pasid);
    const auto pri_place = function.find_extended_capability(pri);
    REQUIRE((ats_place && pasid_place && pri_place));
    CHECK(function.config_readl(at(*ats_place, 4)) == 0x00000020);    // depth 32 reads as 0; Page Aligned
    CHECK(function.config_readl(at(*pasid_place, 4)) == 0x00001406);  // 20 bits, Exec, Priv
    CHECK(function.config_readl(at(*pri_place, 4)) == 0x81000000);    // Stopped, PASID required
    CHECK(function.config_readl(at(*pri_place, 8)) == 32);
    const auto msix_place = function.find_capability(msix);
    REQUIRE(msix_place);
    CHECK((function.config_readw(at(*msix_place, 2)) & 0x7ff) == 7);
}

TEST_CASE("Endpoint: properties show in the capabilities", "[endpoint]") {
    Machine machine({.properties = ",ats-queue-depth=5,page-aligned=off,pasid-width=16,pasid-exec=off,pasid-priv=off,"
                                   "pri-capacity=7,prg-response-pasid=off,atc-entries=9,answer-delay-ns=77"});
    const auto& function = machine.function;
    CHECK(function.config_readl(0x104) == 5);
    CHECK(function.config_readl(at(function.find_extended_capability(pasid).value(), 4)) == 0x1000);
    const std::uint16_t pri_place = function.find_extended_capability(pri).value();
    CHECK(function.config_readl(at(pri_place, 4)) == 0x01000000);
    CHECK(function.config_readl(at(pri_place, 8)) == 7);
    CHECK(machine.get(AE_LIMITS) >> 16 == 9);
    CHECK(machine.get64(AE_ANSWER_DELAY_NS_64) == 77);
    // A bit that is not supported cannot be enabled.
    function.config_writew(at(function.find_extended_capability(pasid).value(), 6), 7);
    CHECK(function.config_readw(at(function.find_extended_capability(pasid).value(), 6)) == 1);
}

TEST_CASE("Endpoint: capabilities can be left out", "[endpoint]") {
    const Machine machine({.properties = ",pasid-width=0,pri-capacity=0"});
    CHECK(machine.function.find_extended_capability(ats));
    CHECK_FALSE(machine.function.find_extended_capability(pasid));
    CHECK_FALSE(machine.function.find_extended_capability(pri));
}

TEST_CASE("Endpoint: what is enabled is seen by the device, until a Function Level Reset", "[endpoint]") {
    Machine machine;
    const auto& function = machine.function;
    const std::uint16_t pri_place = function.find_extended_capability(pri).value();
    const std::uint16_t pasid_place = function.find_extended_capability(pasid).value();
    function.config_writew(0x106, 0x8003);
    function.config_writew(at(pasid_place, 6), 0x7);
    function.config_writel(at(pri_place, 0xc), 12);
    function.config_writew(at(pri_place, 4), 1);
    CHECK(machine.get(AE_ENABLES) == 0x33f);
    CHECK(function.config_readl(at(pri_place, 4)) == 0x80000001);  // not stopped
    machine.set(AE_DROP_ANSWERS, 3);

    const std::uint16_t control = at(function.find_capability(express).value(), 8);
    function.config_writew(control, static_cast<std::uint16_t>(function.config_readw(control) | 0x8000));
    CHECK(function.config_readw(0x106) == 0);
    CHECK(function.config_readw(at(pasid_place, 6)) == 0);
    CHECK(function.config_readl(at(pri_place, 4)) == 0x81000000);
    CHECK(function.config_readl(at(pri_place, 0xc)) == 0);
    CHECK(function.config_readl(0x10) == 0);
    function.config_writel(0x10, static_cast<std::uint32_t>(machine.bar));
    function.config_writew(0x04, 0x0002);
    CHECK(machine.get(AE_ENABLES) == 0);
    CHECK(machine.get(AE_DROP_ANSWERS) == 0);
}

TEST_CASE("Endpoint: while it is away configuration space reads ones, and writes are lost", "[endpoint]") {
    Machine machine;
    machine.set(AE_VANISH_US, 1000);
    CHECK(machine.function.config_readl(0) == 0xffffffff);
    CHECK(machine.function.config_readw(0x106) == 0xffff);
    CHECK(machine.function.config_readb(0) == 0xff);
    machine.function.config_writew(0x106, 0x8000);
    CHECK(machine.get(AE_ID) == 0xffffffff);
    machine.qemu.qtest().clock_step(999'999);
    CHECK(machine.function.config_readl(0) == 0xffffffff);
    machine.qemu.qtest().clock_step(1);
    CHECK(machine.function.config_readl(0) == 0xa75e1234);
    CHECK(machine.function.config_readw(0x106) == 0);
    CHECK(machine.get(AE_STRUCK_VANISH) == 1);
}

TEST_CASE("Endpoint: what cannot be is refused in one sentence", "[endpoint]") {
    struct Refusal {
        Options options;
        const char* sentence;
    };
    const Refusal refusals[] = {
        {{.properties = ",rciep=on"}, "rciep=on needs a place on the root bus, and bus=rp0 is behind a port"},
        {{.properties = ",rciep=off", .integrated = true}, "say rciep=on, or name the bus of a pcie-root-port"},
        {{.properties = ",ats-queue-depth=0"}, "ats-queue-depth=0 must be from 1 to 32"},
        {{.properties = ",ats-queue-depth=33"}, "ats-queue-depth=33 must be from 1 to 32"},
        {{.properties = ",pasid-width=21"}, "pasid-width=21 must be at most 20"},
        {{.properties = ",atc-entries=0"}, "atc-entries=0 must be from 1 to 1024"},
        {{.properties = ",atc-entries=1025"}, "atc-entries=1025 must be from 1 to 1024"},
    };
    for (const Refusal& refusal : refusals) {
        const auto end = qtest::run_until_end(with_endpoint(refusal.options));
        CAPTURE(end.output);
        CHECK(end.exit_code == 1);
        CHECK_THAT(end.output, ContainsSubstring(refusal.sentence));
    }
}
