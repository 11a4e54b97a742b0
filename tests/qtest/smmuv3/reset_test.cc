// SPDX-License-Identifier: GPL-2.0-or-later
//
// The reset button, pressed in the middle of everything.
#include <catch2/catch_test_macros.hpp>

#include <nlohmann/json.hpp>

#include "client/eventually.h"
#include "smmuv3/survivor.h"

using namespace smmu_driver;

namespace {

// A machine in full swing: events recorded and lost, the queue stopped by an error.
struct BusyScene : Stage1Scene {
    Bytes power_on = registers();

    BusyScene() {
        start();
        for (unsigned i = 0; i <= events.entries(); ++i)
            touch_read(size_4k * i);
        commands.push(Command{});
        commands.ring();
        REQUIRE(qtest::eventually([&] { return (unit.active_errors() & CMDQ_ERR) != 0; }));
    }
    // Of both pages, up to where registers are.
    [[nodiscard]] Bytes registers() {
        auto bytes = qemu.qtest().memread(registers_base, 0x1000);
        const auto second = qemu.qtest().memread(registers_base + 0x10000, 0x1000);
        bytes.insert(bytes.end(), second.begin(), second.end());
        return bytes;
    }
};

}  // namespace

TEST_CASE("Reset: the registers are as at power-on", "[smmuv3][reset]") {
    BusyScene scene;
    CHECK(scene.events.overflowed());
    CHECK(scene.registers() != scene.power_on);
    scene.qemu.system_reset();
    CHECK(scene.registers() == scene.power_on);
}

TEST_CASE("Reset: DMA goes untranslated again", "[smmuv3][reset]") {
    BusyScene scene;
    scene.qemu.system_reset();
    set_up_after_reset(scene);
    CHECK(scene.dma_read(scene.page) == Guest::pattern(1));
}

TEST_CASE("Reset: nothing of before is cached", "[smmuv3][reset]") {
    BusyScene scene;
    REQUIRE(scene.dma_read(iova) == Guest::pattern(1));
    scene.qemu.system_reset();
    set_up_after_reset(scene);
    scene.stage.map({.input = iova, .output = scene.patterned_page(2)});
    // No invalidation.
    scene.unit.write64(reg::STRTAB_BASE, scene.streams.base());
    scene.unit.write32(reg::STRTAB_BASE_CFG, scene.streams.configuration());
    scene.unit.set_cr0(SMMUEN);
    CHECK(scene.dma_read(iova) == Guest::pattern(2));
}

TEST_CASE("Reset: the unit can be brought up again, and again", "[smmuv3][reset]") {
    BusyScene scene;
    for (int round = 0; round < 3; ++round) {
        scene.qemu.system_reset();
        set_up_after_reset(scene);
        scene.start();
        CHECK(scene.dma_read(iova) == Guest::pattern(1));
        CHECK(scene.take_events().empty());
    }
}

TEST_CASE("Reset: a transfer and a queue under way end without harm", "[smmuv3][reset]") {
    Stage1Scene scene;
    scene.start();
    CommandQueue queue(scene.ram, scene.unit, 11);  // more than is carried out while a register is written
    scene.unit.set_cr0(EVENTQEN | SMMUEN);
    queue.set_up();
    scene.unit.set_cr0(CMDQEN | EVENTQEN | SMMUEN);
    scene.edu.start_write(iova, Guest::transfer);
    scene.qemu.qmp().execute("stop");
    for (std::uint32_t i = 0; i + 1 < queue.entries(); ++i)
        queue.push(command::cfgi_all());
    queue.ring();
    CHECK(queue.consumer() != queue.producer());
    scene.qemu.system_reset();
    scene.qemu.qmp().execute("cont");
    scene.qemu.qtest().clock_step(200'000'000);
    CHECK(scene.memory(scene.page) == Guest::pattern(1));
    CHECK(scene.unit.read32(reg::CMDQ_CONS) == 0);
    CHECK(scene.unit.read32(reg::CMDQ_PROD) == 0);
    set_up_after_reset(scene);
    scene.start();
    CHECK(scene.dma_read(iova) == Guest::pattern(1));
}
