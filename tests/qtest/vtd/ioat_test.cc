// SPDX-License-Identifier: GPL-2.0-or-later
//
// The endpoint as Intel's DMA engine behind the unit: its descriptors, sources and targets are IOVAs.
#include <catch2/catch_test_macros.hpp>

#include "client/ioat_device.h"
#include "vtd/guest.h"

using namespace vtd_driver;
using qtest::IoatDevice;

namespace {

constexpr unsigned domain = 0x21;
constexpr std::uint64_t ring_iova = 0x123456789000;
constexpr std::uint64_t from_iova = 0x5000;
constexpr std::uint64_t to_iova = 0x40000000;
constexpr std::uint64_t unmapped = 0x200000000;

enum class Ats : std::uint8_t { Off, On };

struct IoatScene : Guest {
    explicit IoatScene(Ats ats)
        : Guest(Mode::Scalable,
                {.arguments = {"-device", std::string(IoatDevice::option) + ",rciep=on,bus=pcie.0,addr=10"}}) {
        const unsigned requester = qtest::PciAddress{.bus = 0, .device = 0x10, .function = 0}.requester_id();
        if (ats == Ats::On) {
            const auto capability = ioat.function().find_extended_capability(0x0f);
            REQUIRE(capability);
            ioat.function().config_writew(static_cast<std::uint16_t>(*capability + 6), 0x8000);
        }
        stage.map({.iova = ring_iova, .target = ring});
        stage.map({.iova = from_iova, .target = from});
        stage.map({.iova = to_iova, .target = to});
        scalable.set_context(requester, {.device_tlb = ats == Ats::On});
        scalable.set(requester, PasidEntry::over_second_stage(stage, domain));
        start();
        ioat.init();
    }
    [[nodiscard]] std::uint64_t copy(std::uint64_t where_from, std::uint64_t where_to) {
        return ioat.copy({.place = ring, .iova = ring_iova}, {.from = where_from, .to = where_to, .size = transfer});
    }

    IoatDevice ioat{qemu.qtest(), qtest::PciFunction(pci, {.bus = 0, .device = 0x10, .function = 0})};
    PageTable stage = second_stage();
    std::uint64_t ring = ram.allocate_page();
    std::uint64_t from = patterned_page(3);
    std::uint64_t to = ram.allocate_page();
};

}  // namespace

TEST_CASE("Ioat: a copy through the unit, and one from nowhere, with and without ATS", "[vtd][devices]") {
    for (const Ats ats : {Ats::Off, Ats::On}) {
        IoatScene guest(ats);
        CHECK(guest.copy(from_iova, to_iova) == IoatDevice::done);
        CHECK(guest.memory(guest.to) == Guest::pattern(3));
        CHECK(guest.take_faults().empty());

        CHECK(guest.copy(unmapped, to_iova) == IoatDevice::halted);
        CHECK(guest.ioat.errors() == IoatDevice::read_data_err);
        CHECK(guest.take_faults().size() == (ats == Ats::Off ? 1 : 0));  // a translation request without a page is none
        guest.ioat.init();
        CHECK(guest.copy(from_iova, unmapped) == IoatDevice::halted);
        CHECK(guest.ioat.errors() == IoatDevice::write_data_err);
        guest.ioat.init();
        CHECK(guest.copy(to_iova, from_iova) == IoatDevice::done);
    }
}
