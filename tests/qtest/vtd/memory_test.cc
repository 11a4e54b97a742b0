// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which memory counts as memory: RAM wherever it is plugged in, and no ROM.
#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include "vtd/fault_scene.h"

using namespace vtd_driver;

namespace {

constexpr std::uint64_t iova = 0x123456789000;
// Where the first memory module is plugged in: above the first 4 GiB.
constexpr std::uint64_t module_base = 0x100000000;
constexpr std::uint64_t module_size = 128ull << 20;
// The firmware's last words.
constexpr std::uint64_t rom_word = 0xffffff00;

struct ModuleGuest : Guest {
    PageTable stage = second_stage();
    ModuleGuest() : Guest(Mode::Scalable, {.arguments = {"-m", "64M,slots=1,maxmem=1G"}}) {
        stage.map({.iova = iova, .target = patterned_page(1)});
        scalable.set(requester(), PasidEntry::over_second_stage(stage, 5));
        start();
    }
    void plug_module() {
        qemu.qmp().execute("object-add", {{"qom-type", "memory-backend-ram"}, {"id", "more"}, {"size", module_size}});
        qemu.qmp().execute("device_add", {{"driver", "pc-dimm"}, {"id", "module"}, {"memdev", "more"}});
    }
};

}  // namespace

TEST_CASE("Memory: a table may lie in memory that was plugged in later", "[vtd][memory]") {
    ModuleGuest guest;
    const std::uint64_t slot = guest.stage.entry_address(iova, 3);
    const std::uint64_t table = guest.ram.read64(slot) & ones(51, 12);
    guest.ram.write64(slot, module_base | ss::R | ss::W);
    check_access(guest, iova, Access::Read, 0x78);

    guest.plug_module();
    guest.ram.write(module_base, guest.ram.read(table, size_4k));
    check_access(guest, iova, Access::Read, no_fault);
    CHECK(guest.dma_read(iova) == Guest::pattern(1));
}

TEST_CASE("Memory: DMA reaches memory that was plugged in later", "[vtd][memory]") {
    ModuleGuest guest;
    guest.plug_module();
    guest.ram.fill_with_pattern(module_base + module_size - size_4k, Guest::transfer, 7);
    guest.stage.map({.iova = iova + size_4k, .target = module_base + module_size - size_4k});
    CHECK(guest.dma_read(iova + size_4k) == Guest::pattern(7));
}

TEST_CASE("Memory: the queue may lie in memory that was plugged in later", "[vtd][memory]") {
    ModuleGuest guest;
    guest.plug_module();
    guest.unit.clear(QIE);
    const auto wait = descriptor::wait_status(module_base + 0x1000, 0xd04e);
    guest.ram.write64(module_base, wait[0]);
    guest.ram.write64(module_base + 8, wait[1]);
    guest.unit.write64(reg::IQT, 0);
    guest.unit.write64(reg::IQA, module_base | bit(11));
    guest.unit.set(QIE);
    guest.unit.write64(reg::IQT, 32);
    CHECK(guest.ram.read32(module_base + 0x1000) == 0xd04e);
}

TEST_CASE("Memory: nothing is written to ROM", "[vtd][memory]") {
    Guest guest(Mode::Scalable);
    guest.start();
    const auto before = guest.ram.read64(rom_word);
    guest.queue.push(descriptor::wait_status(rom_word, ~guest.ram.read32(rom_word)));
    guest.queue.submit(descriptor::iotlb_global());
    CHECK(guest.ram.read64(rom_word) == before);
    guest.scalable.set(guest.requester(), PasidEntry::pass_through(5));
    guest.dma_write(rom_word, Guest::pattern(1));
    CHECK(guest.ram.read64(rom_word) == before);
}
