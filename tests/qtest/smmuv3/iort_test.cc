// SPDX-License-Identifier: GPL-2.0-or-later
//
// The IORT table: what an operating system that is told by ACPI learns of the unit. [IORT E.e]
#include <catch2/catch_test_macros.hpp>

#include <optional>

#include "client/firmware_config.h"
#include "smmuv3/guest.h"

using namespace smmu_driver;

namespace {

constexpr std::uint64_t firmware_config_base = 0x09020000;

std::uint64_t number(const Bytes& table, std::size_t offset, std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i)
        value |= std::uint64_t{table.at(offset + i)} << 8 * i;
    return value;
}

struct Iort {
    explicit Iort(Guest& guest)
        : table(qtest::FirmwareConfig(guest.qemu.qtest(), guest.ram, firmware_config_base).acpi_table("IORT")) {
        REQUIRE(table.size() >= 48);
        std::size_t at = number(table, 40, 4);
        for (std::uint64_t nodes = number(table, 36, 4); nodes > 0; --nodes) {
            const auto type = table.at(at);
            if (type == 4) unit = at;
            if (type == 2) root_complex = at;
            at += number(table, at + 1, 2);
        }
        CHECK(at == table.size());
    }
    [[nodiscard]] std::uint64_t of_unit(std::size_t offset, std::size_t size = 4) const {
        return number(table, unit.value() + offset, size);
    }
    [[nodiscard]] std::uint64_t of_root_complex(std::size_t offset, std::size_t size = 4) const {
        return number(table, root_complex.value() + offset, size);
    }

    Bytes table;
    std::optional<std::size_t> unit;
    std::optional<std::size_t> root_complex;
};

}  // namespace

TEST_CASE("Iort: the unit sets the flags that IDR0 says, which the table has to repeat", "[smmuv3][iort]") {
    for (const unsigned httu : {0u, 1u, 2u}) {
        Guest guest({.properties = ",httu=" + std::to_string(httu)});
        const Iort iort(guest);
        CAPTURE(httu);
        CHECK(iort.of_unit(24) == (1 | httu << 1));
        CHECK(iort.of_unit(16, 8) == 0x09050000);
    }
}

TEST_CASE("Iort: every requester of the segment is behind the unit, whatever number its bus gets", "[smmuv3][iort]") {
    Guest guest;
    const Iort iort(guest);
    REQUIRE(iort.of_root_complex(8) == 1);  // ranges
    const std::size_t range = iort.of_root_complex(12);
    CHECK(iort.of_root_complex(range) == 0);
    CHECK(iort.of_root_complex(range + 4) == 0xffff);
    CHECK(iort.of_root_complex(range + 8) == 0);
    CHECK(iort.of_root_complex(range + 12) == iort.unit);
}

TEST_CASE("Iort: devices may have translations of their own, and ask for pages, as IDR0 says", "[smmuv3][iort]") {
    struct Case {
        const char* properties;
        std::uint64_t attribute;
    };
    for (const Case& one : {Case{",ats=off", 0}, Case{",ats=on,pri=off", 1}, Case{",ats=on,pri=on", 3}}) {
        Guest guest({.properties = one.properties});
        const Iort iort(guest);
        CAPTURE(one.properties);
        CHECK(iort.of_root_complex(24) == one.attribute);
    }
}

TEST_CASE("Iort: reading the tables again, and after a reset, gives the same", "[smmuv3][iort]") {
    Guest guest;
    const Iort first(guest);
    CHECK(Iort(guest).table == first.table);
    guest.qemu.system_reset();
    CHECK(Iort(guest).table == first.table);
}

TEST_CASE("Iort: with several root buses the guest gets QEMU's own table", "[smmuv3][iort]") {
    Guest guest({.arguments = {"-device", "pxb-pcie,bus_nr=0x40,id=more,bus=pcie.0"}});
    const Iort iort(guest);
    CHECK(iort.of_unit(24) == 1);
}

TEST_CASE("Iort: devices that bypass the unit stay where they are", "[smmuv3][iort]") {
    Guest guest({.machine = "virt,highmem=off,default-bus-bypass-iommu=on"});
    const Iort iort(guest);
    CHECK(iort.of_unit(24) == (1 | 2 << 1));
    const std::size_t range = iort.of_root_complex(12);
    CHECK(iort.of_root_complex(range + 12) != iort.unit);
}
