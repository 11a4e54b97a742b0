// SPDX-License-Identifier: GPL-2.0-or-later
//
// A guest that points the unit at everything but memory, and one that writes anything anywhere, the same in every run.
// It gets the architectural error where there is one; whatever it does, QEMU goes on.
#include <catch2/catch_test_macros.hpp>

#include <random>

#include "client/eventually.h"
#include "smmuv3/survivor.h"

using namespace smmu_driver;
using qtest::eventually;

namespace {

const std::uint64_t places_that_are_no_memory[] = {
    registers_base,              // its own registers
    registers_base + 0x10000,    // and the others
    0x08000000,                  // the interrupt controller
    ram_base + qtest::ram_size,  // the first page behind memory
    0x10000000,                  // a device's registers
    bit(44) - size_2m,           // close to the end of what it can address
};

class Dice {
  public:
    explicit Dice(std::uint64_t seed) : engine_(seed) {}

    std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }
    std::uint64_t place() {
        if (below(8) == 0) return places_that_are_no_memory[below(std::size(places_that_are_no_memory))];
        return ram_base + 0x100000 + size_4k * below(256);
    }
    // Words as a confused driver would write them: few are all random, many point at something.
    std::uint64_t word() {
        switch (below(8)) {
            case 0: return engine_();
            case 1: return engine_() & engine_() & engine_();
            case 2: return ~std::uint64_t{0};
            case 3: return 0;
            case 4: return below(64);
            default: return place() | below(32);
        }
    }

  private:
    std::mt19937_64 engine_;
};

void write_by_any_width(qtest::Qtest& qtest, Dice& dice) {
    const std::uint64_t page = registers_base + 0x10000 * (dice.below(4) / 3);
    const std::uint64_t at = page + dice.below(0x140);
    const std::uint64_t value = dice.word();
    switch (dice.below(6)) {
        case 0: return qtest.writeb(at, static_cast<std::uint8_t>(value));
        case 1: return qtest.writew(at & ~1ull, static_cast<std::uint16_t>(value));
        case 2: return qtest.writeq(at & ~7ull, value);
        case 3: return static_cast<void>(qtest.readq(at & ~7ull));
        case 4: return qtest.writel(registers_base + reg::CR0, static_cast<std::uint32_t>(dice.below(16)));
        default: return qtest.writel(at & ~3ull, static_cast<std::uint32_t>(value));
    }
}

void do_random_dma(Guest& guest, Dice& dice) {
    const std::uint64_t at = dice.word() + dice.below(64);
    const std::size_t size = 1 + dice.below(300);
    if (dice.below(2) == 0) {
        guest.edu.dma_read(at, size);
    } else {
        guest.edu.dma_write(at, size);
    }
}

// A mebibyte of them, where the guest's tables are.
void fill_memory(Guest& guest, Dice& dice) {
    for (std::uint64_t page = 0; page < 256; ++page) {
        Bytes bytes;
        while (bytes.size() < size_4k) {
            const std::uint64_t next = dice.word();
            for (unsigned i = 0; i < 64; i += 8)
                bytes.push_back(static_cast<std::uint8_t>(next >> i));
        }
        guest.ram.write(ram_base + 0x100000 + page * size_4k, bytes);
    }
}

}  // namespace

TEST_CASE("Hostile: queues where no memory is", "[smmuv3][hostile]") {
    for (const std::uint64_t place : places_that_are_no_memory) {
        CAPTURE(place);
        Stage1Scene scene;
        scene.start();
        scene.unit.set_cr0(SMMUEN);
        scene.unit.write64(reg::EVENTQ_BASE, place | 4);
        scene.unit.write64(reg::CMDQ_BASE, place | 4);
        scene.unit.write32(reg::CMDQ_CONS, 0);
        scene.unit.write32(reg::CMDQ_PROD, 1);
        scene.unit.set_cr0(CMDQEN | EVENTQEN | SMMUEN);
        scene.touch_read(0);
        CHECK(eventually([&] { return scene.unit.active_errors() == (CMDQ_ERR | EVENTQ_ABT_ERR); }));
        check_survived(scene);
    }
}

TEST_CASE("Hostile: tables where no memory is", "[smmuv3][hostile]") {
    for (const std::uint64_t place : places_that_are_no_memory) {
        CAPTURE(place);
        Stage1Scene scene;
        scene.stage.set_entry(iova, 2, place | 3);
        scene.start();
        scene.touch_write(iova);
        CHECK(scene.take_events().at(0).get(7, 0) == event::F_WALK_EABT);
        scene.set_ste(ste::stage_1(place));
        scene.forget();
        scene.touch_write(iova);
        CHECK(scene.take_events().at(0).get(7, 0) == event::F_CD_FETCH);
        scene.unit.set_cr0(CMDQEN | EVENTQEN);
        scene.unit.write64(reg::STRTAB_BASE, place);
        scene.unit.set_cr0(CMDQEN | EVENTQEN | SMMUEN);
        scene.forget();
        scene.touch_write(iova);
        CHECK(scene.take_events().at(0).get(7, 0) == event::F_STE_FETCH);
        check_survived(scene);
    }
}

TEST_CASE("Hostile: messages and DMA to its own registers", "[smmuv3][hostile]") {
    Stage1Scene scene;
    scene.stage.map({.input = 0x5000, .output = registers_base});
    scene.stage.map({.input = 0x6000, .output = registers_base + 0x10000});
    scene.start();
    scene.unit.set_irq_ctrl(0);
    scene.unit.send_events_to(registers_base + reg::CMDQ_PROD, 5);
    scene.unit.send_errors_to(registers_base + reg::CR0, 0);
    scene.unit.set_irq_ctrl(EVENTQ_IRQEN | GERROR_IRQEN);
    scene.touch_read(0);
    scene.commands.push(command::sync_with_message(registers_base + reg::CMDQ_PROD, 77));
    scene.commands.push(Command{});
    scene.commands.ring();
    CHECK(eventually([&] { return (scene.unit.active_errors() & CMDQ_ERR) != 0; }));
    for (const std::uint64_t at : {0x5020u, 0x5098u, 0x60a8u}) {
        scene.edu.dma_read(at, 4);
        scene.edu.dma_write(at, 4);
    }
    check_survived(scene);
}

TEST_CASE("Hostile: register writes of all widths, with DMA in between", "[smmuv3][random]") {
    for (const std::uint64_t seed : {1u, 2u, 3u}) {
        CAPTURE(seed);
        Dice dice(seed);
        Guest guest;
        fill_memory(guest, dice);
        for (int i = 0; i < 1500; ++i) {
            write_by_any_width(guest.qemu.qtest(), dice);
            if (i % 16 == 0) do_random_dma(guest, dice);
        }
        check_survived(guest);
    }
}

TEST_CASE("Hostile: commands of all kinds", "[smmuv3][random]") {
    Dice dice(4);
    Stage1Scene scene;
    scene.start();
    for (int round = 0; round < 400; ++round) {
        Command command{{dice.word(), dice.word()}};
        if (dice.below(4) != 0) command.set(7, 0, dice.below(0x50)).set(10, 10, 0);
        const std::uint32_t slot = scene.commands.push(command);
        scene.commands.ring();
        REQUIRE(eventually(
            [&] { return scene.commands.consumer() != slot || (scene.unit.active_errors() & CMDQ_ERR) != 0; }));
        if ((scene.unit.active_errors() & CMDQ_ERR) != 0) scene.commands.write_slot(slot, command::cmd_sync());
        scene.unit.acknowledge_errors();
        if (round % 16 == 0) do_random_dma(scene, dice);
    }
    check_survived(scene);
}

TEST_CASE("Hostile: good tables with one bit wrong", "[smmuv3][random]") {
    Dice dice(5);
    NestedScene scene;
    scene.start();
    const std::uint64_t ipa = scene.page + NestedScene::bias;
    for (int round = 0; round < 150; ++round) {
        const std::uint64_t words[] = {scene.first.entry_address(iova, static_cast<int>(dice.below(4))),
                                       scene.second.entry_address(ipa, 1 + static_cast<int>(dice.below(3))),
                                       scene.context + 8 * dice.below(4),
                                       scene.streams.ste_address(scene.stream()) + 8 * dice.below(4)};
        const std::uint64_t word = words[dice.below(std::size(words))];
        const std::uint64_t good = scene.ram.read64(word);
        scene.ram.write64(word, good ^ bit(static_cast<unsigned>(dice.below(64))));
        scene.forget();
        scene.touch_read(iova);
        scene.touch_write(iova);
        scene.ram.write64(word, good);
        static_cast<void>(scene.take_events());
    }
    check_survived(scene);
}
