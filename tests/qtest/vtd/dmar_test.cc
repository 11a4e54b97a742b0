// SPDX-License-Identifier: GPL-2.0-or-later
//
// The DMAR table: how an operating system learns of the unit.
#include <catch2/catch_test_macros.hpp>

#include <numeric>
#include <string>

#include "client/firmware_config.h"
#include "vtd/guest.h"

using namespace vtd_driver;

namespace {

Bytes dmar_of(Guest& guest) { return qtest::FirmwareConfig(guest.qemu.qtest(), guest.ram).acpi_table("DMAR"); }

std::uint64_t number(const Bytes& table, std::size_t offset, std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i)
        value |= std::uint64_t{table.at(offset + i)} << 8 * i;
    return value;
}

}  // namespace

TEST_CASE("Dmar: one unit at its address, for all devices of the segment", "[vtd][dmar]") {
    Guest guest(Mode::Scalable);
    const auto table = dmar_of(guest);
    REQUIRE(table.size() >= 48 + 16);
    CHECK(number(table, 4, 4) == table.size());
    CHECK(table[36] == 47);            // host address width minus 1
    CHECK((table[37] & 0x01) == 0);    // no interrupt remapping
    CHECK(number(table, 48, 2) == 0);  // DRHD
    CHECK(table[52] == 1);             // INCLUDE_PCI_ALL
    CHECK((table[53] & 0x0f) == 0);    // one page of registers
    CHECK(number(table, 54, 2) == 0);  // segment
    CHECK(number(table, 56, 8) == registers_base);
    // Its structures fill the table.
    std::size_t offset = 48;
    while (offset < table.size()) {
        REQUIRE(number(table, offset + 2, 2) >= 4);
        offset += number(table, offset + 2, 2);
    }
    CHECK(offset == table.size());
}

TEST_CASE("Dmar: with device TLBs, an ATSR for all root ports, and a SATC for devices in the root complex",
          "[vtd][dmar]") {
    const std::vector<std::string> devices = {"-device", "pcie-root-port,id=rp1,chassis=1,addr=5",
                                              "-device", "ats-endpoint,bus=rp1",
                                              "-device", "ats-endpoint,rciep=on,addr=6",
                                              "-device", "ats-endpoint,rciep=on,addr=7.0,multifunction=on"};
    Guest guest(Mode::Scalable, {.arguments = devices});
    const auto table = dmar_of(guest);
    REQUIRE(table.size() == 48 + 16 + 8 + 8 + 2 * 8);
    CHECK(number(table, 4, 4) == table.size());
    CHECK(Bytes(table.begin() + 64, table.end()) == Bytes{2, 0, 8,  0, 1, 0, 0, 0,    // ATSR: ALL_PORTS, segment 0
                                                          5, 0, 24, 0, 0, 0, 0, 0,    // SATC: ATC not required
                                                          1, 8, 0,  0, 0, 0, 6, 0,    // PCI endpoint, bus 0, 06.0
                                                          1, 8, 0,  0, 0, 0, 7, 0});  // 07.0
}

TEST_CASE("Dmar: no SATC without such a device, no ATSR without device TLBs", "[vtd][dmar]") {
    Guest plain(Mode::Scalable);
    CHECK(dmar_of(plain).size() == 48 + 16 + 8);
    Guest without(Mode::Scalable, {.properties = ",dt=off", .arguments = {"-device", "ats-endpoint,rciep=on"}});
    CHECK(dmar_of(without).size() == 48 + 16);
}

TEST_CASE("Dmar: the width is the unit's", "[vtd][dmar]") {
    Guest guest(Mode::Scalable, {.properties = ",haw=46"});
    CHECK(dmar_of(guest).at(36) == 45);
}

TEST_CASE("Dmar: the checksum adds up", "[vtd][dmar]") {
    Guest guest(Mode::Scalable);
    const auto table = dmar_of(guest);
    CHECK(static_cast<std::uint8_t>(std::accumulate(table.begin(), table.end(), 0u)) == 0);
}
