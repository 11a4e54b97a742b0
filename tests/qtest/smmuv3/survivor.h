// SPDX-License-Identifier: GPL-2.0-or-later
//
// check_survived: after whatever was done to it, the machine can be reset, set up and used.
#ifndef QTEST_SMMUV3_SURVIVOR_H
#define QTEST_SMMUV3_SURVIVOR_H

#include "smmuv3/scene.h"

namespace smmu_driver {

// The device as firmware and driver set it up again.
inline void set_up_after_reset(Guest& guest) {
    guest.pci = qtest::PciBus(guest.qemu.qtest(), pci_places);
    guest.edu = qtest::EduDevice(guest.qemu.qtest(), guest.pci.find(qtest::EduDevice::id));
}

// Memory may be full of anything: all that the guest handed out is cleared, and new tables are built in it.
inline void check_survived(Guest& guest) {
    guest.qemu.system_reset();
    guest.qemu.qtest().memset(ram_base + 0x100000, qtest::ram_size - 0x100000, 0);
    set_up_after_reset(guest);
    auto stage = guest.stage_1();
    stage.map({.input = iova, .output = guest.patterned_page(77)});
    guest.set_stage_1(stage);
    guest.start();
    CHECK(guest.dma_read(iova) == Guest::pattern(77));
    CHECK(guest.take_events().empty());
    CHECK(guest.unit.active_errors() == 0);
}

}  // namespace smmu_driver

#endif  // QTEST_SMMUV3_SURVIVOR_H
