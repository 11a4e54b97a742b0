// SPDX-License-Identifier: GPL-2.0-or-later
//
// Interrupt messages to the processor's interrupt controller: the device's and the unit's own.
#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <sstream>
#include <string>

#include "vtd/fault_scene.h"

using namespace vtd_driver;

namespace {

constexpr unsigned device_vector = 0x45;
constexpr unsigned fault_vector = 0x46;
constexpr unsigned completion_vector = 0x47;

// Whether the first processor's local APIC has been asked for this interrupt. QEMU prints "IRR  69 70".
bool requested(Guest& guest, unsigned vector) {
    const auto answer =
        guest.qemu.qmp().execute("human-monitor-command", {{"command-line", "info lapic 0"}}).get<std::string>();
    std::istringstream lines(answer);
    std::string line;
    while (std::getline(lines, line)) {
        if (!line.starts_with("IRR")) continue;
        std::istringstream words(line.substr(3));
        for (unsigned number = 0; words >> number;) {
            if (number == vector) return true;
        }
    }
    return false;
}

}  // namespace

TEST_CASE("Messages: a device's interrupt is not translated", "[vtd][messages]") {
    Guest guest(Mode::Scalable);
    auto stage = guest.second_stage();
    guest.scalable.set(guest.requester(), PasidEntry::over_second_stage(stage, 5));
    guest.start();
    guest.edu.function().enable_msi({interrupt_range, device_vector});
    CHECK_FALSE(requested(guest, device_vector));
    guest.edu.raise_interrupt();
    CHECK(requested(guest, device_vector));
    CHECK(guest.take_faults().empty());
}

TEST_CASE("Messages: a device's interrupt to anywhere else is DMA", "[vtd][messages]") {
    Guest guest(Mode::Scalable);
    auto stage = guest.second_stage();
    const auto word = guest.ram.allocate_page();
    stage.map({.iova = 0x123456789000, .target = word});
    guest.scalable.set(guest.requester(), PasidEntry::over_second_stage(stage, 5));
    guest.start();
    guest.edu.function().enable_msi({0x123456789010, device_vector});
    guest.edu.raise_interrupt();
    CHECK(guest.ram.read32(word + 0x10) == device_vector);
}

TEST_CASE("Messages: the unit's own reach the processor while DMA is translated", "[vtd][messages]") {
    Guest guest(Mode::Scalable);
    guest.start();
    guest.unit.send_fault_events_to(interrupt_range, fault_vector);
    guest.unit.send_completion_events_to(interrupt_range, completion_vector);
    guest.touch_read(0x1000);
    CHECK(requested(guest, fault_vector));
    CHECK_FALSE(requested(guest, completion_vector));
    guest.queue.submit(descriptor::wait(wait_IF));
    CHECK(requested(guest, completion_vector));
}
