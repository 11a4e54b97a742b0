// SPDX-License-Identifier: GPL-2.0-or-later
//
// check_survived: after whatever was done to it, the machine can be reset, set up and used.
#ifndef QTEST_VTD_SURVIVOR_H
#define QTEST_VTD_SURVIVOR_H

#include <catch2/catch_test_macros.hpp>

#include "vtd/guest.h"

namespace vtd_driver {

// Memory may be full of anything: all that the guest handed out is cleared, and new tables are built in it.
inline void check_survived(Guest& guest) {
    constexpr std::uint64_t iova = 0x123456789000;
    guest.qemu.system_reset();
    guest.qemu.qtest().memset(0x100000, qtest::ram_size - 0x100000, 0);
    guest.pci = qtest::PciBus(guest.qemu.qtest());
    qtest::EduDevice edu(guest.qemu.qtest(), guest.pci.find(qtest::EduDevice::id));
    auto stage = guest.second_stage();
    stage.map({.iova = iova, .target = guest.patterned_page(77)});
    guest.legacy = LegacyTables(guest.ram);
    guest.scalable = ScalableTables(guest.ram);
    guest.legacy.set(edu.requester_id(), LegacyContext::translating(stage, 5));
    guest.scalable.set(edu.requester_id(), PasidEntry::over_second_stage(stage, 5));
    guest.start();
    CHECK(guest.dma_read(edu, iova) == Guest::pattern(77));
    CHECK(guest.take_faults().empty());
}

}  // namespace vtd_driver

#endif  // QTEST_VTD_SURVIVOR_H
