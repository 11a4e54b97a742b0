// SPDX-License-Identifier: GPL-2.0-or-later
//
// Random register writes, descriptors, tables and addresses, the same in every run. No answer is expected of the unit
// but that the machine can be used afterwards.
#include <catch2/catch_test_macros.hpp>

#include <random>

#include "vtd/fault_scene.h"
#include "vtd/survivor.h"

using namespace vtd_driver;

namespace {

// Words as a confused driver would write them: few are all random, many point at something.
class Dice {
  public:
    explicit Dice(std::uint64_t seed) : engine_(seed) {}

    std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }

    std::uint64_t word() {
        switch (below(8)) {
            case 0: return engine_();
            case 1: return engine_() & engine_() & engine_();
            case 2: return ~std::uint64_t{0};
            case 3: return 0;
            case 4: return page() | below(size_4k);
            default: return page() | below(16);
        }
    }

    // Mostly memory, sometimes what is not.
    std::uint64_t page() {
        switch (below(8)) {
            case 0: return registers_base;
            case 1: return interrupt_range;
            case 2: return beyond_ram;
            default: return 0x100000 + size_4k * below(256);
        }
    }

    Bytes bytes(std::size_t count) {
        Bytes result;
        while (result.size() < count) {
            const std::uint64_t next = word();
            for (unsigned i = 0; i < 8; ++i)
                result.push_back(static_cast<std::uint8_t>(next >> 8 * i));
        }
        result.resize(count);
        return result;
    }

  private:
    std::mt19937_64 engine_;
};

void write_by_any_width(qtest::Qtest& qtest, Dice& dice) {
    const std::uint64_t at = registers_base + dice.below(0x1000);
    const std::uint64_t value = dice.word();
    switch (dice.below(8)) {
        case 0: return qtest.writeb(at, static_cast<std::uint8_t>(value));
        case 1: return qtest.writew(at, static_cast<std::uint16_t>(value));
        case 2: return qtest.writel(at, static_cast<std::uint32_t>(value));
        case 3: return qtest.writeq(at, value);
        case 4: return static_cast<void>(qtest.readq(at));
        case 5: return qtest.writel(registers_base + reg::GCMD, static_cast<std::uint32_t>(value));
        // The first half of the page is where the registers are.
        case 6: return qtest.writel(registers_base + (dice.below(0x600) & ~3ull), static_cast<std::uint32_t>(value));
        default: return qtest.writeq(registers_base + (dice.below(0x600) & ~7ull), value);
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
    for (std::uint64_t page = 0; page < 256; ++page)
        guest.ram.write(0x100000 + page * size_4k, dice.bytes(size_4k));
}

}  // namespace

TEST_CASE("Random: register writes of all widths, with DMA in between", "[vtd][random]") {
    for (const std::uint64_t seed : {1u, 2u, 3u}) {
        CAPTURE(seed);
        Dice dice(seed);
        Guest guest(Mode::Scalable);
        fill_memory(guest, dice);
        for (int i = 0; i < 1500; ++i) {
            write_by_any_width(guest.qemu.qtest(), dice);
            if (i % 16 == 0) do_random_dma(guest, dice);
        }
        check_survived(guest);
    }
}

TEST_CASE("Random: a queue full of anything", "[vtd][random]") {
    for (const Mode mode : {Mode::Legacy, Mode::Scalable}) {
        Dice dice(4);
        Guest guest(mode, {.properties = ",invalidate-timeout-ms=1"});
        guest.start();
        for (int round = 0; round < 300; ++round) {
            // Half of them of a known type.
            Descriptor descriptor{dice.word(), dice.word(), dice.word(), dice.word()};
            if (dice.below(2) == 0) {
                descriptor = {(descriptor[0] & ~ones(11, 0)) | dice.below(16) | field(5, 4, dice.below(4)),
                              descriptor[1]};
            }
            const auto slot = guest.queue.tail();
            guest.queue.push(descriptor);
            guest.queue.ring();
            // Nobody answers what it sends to devices that are not there.
            guest.qemu.qtest().clock_step(1'000'000);
            guest.unit.write32(reg::FSTS, ITE);
            if ((guest.unit.read32(reg::FSTS) & IQE) == 0) continue;
            guest.queue.write_slot(slot, descriptor::wait(0));
            guest.unit.write32(reg::FSTS, IQE);
        }
        guest.queue.submit(descriptor::iotlb_global());
        check_survived(guest);
    }
}

TEST_CASE("Random: tables full of anything", "[vtd][random]") {
    for (const Mode mode : {Mode::Legacy, Mode::Scalable}) {
        Dice dice(5);
        Guest guest(mode);
        for (int round = 0; round < 4; ++round) {
            fill_memory(guest, dice);
            guest.unit.set_root_table(0x100000 + size_4k * dice.below(256), mode);
            guest.unit.set(TE);
            for (int i = 0; i < 100; ++i)
                do_random_dma(guest, dice);
            static_cast<void>(guest.take_faults());
        }
        check_survived(guest);
    }
}

TEST_CASE("Random: good tables with one bit wrong", "[vtd][random]") {
    Dice dice(6);
    Guest guest(Mode::Scalable);
    constexpr std::uint64_t iova = 0x123456789000;
    PageTable first(guest.ram, Stage::First, 4);
    auto second = guest.second_stage();
    const auto page = guest.patterned_page(1);
    first.map({.iova = iova, .target = page});
    second.map_identity(page);
    for (const std::uint64_t table : first.tables())
        second.map_identity(table);
    guest.scalable.set(guest.requester(), PasidEntry::nested(first, second, 5));
    guest.start();
    for (int i = 0; i < 200; ++i) {
        const std::uint64_t entries[] = {first.entry_address(iova, 1 + static_cast<unsigned>(dice.below(4))),
                                         second.entry_address(page, 1 + static_cast<unsigned>(dice.below(4))),
                                         guest.scalable.pasid_entry(guest.requester()) + 8 * dice.below(8),
                                         guest.scalable.directory_entry(guest.requester()),
                                         guest.scalable.context_entry(guest.requester()) + 8 * dice.below(4),
                                         guest.scalable.root_entry(guest.requester())};
        const std::uint64_t entry = entries[dice.below(std::size(entries))];
        const std::uint64_t good = guest.ram.read64(entry);
        guest.ram.write64(entry, good ^ bit(static_cast<unsigned>(dice.below(64))));
        guest.invalidate_all();
        do_random_dma(guest, dice);
        guest.touch_write(iova);
        guest.ram.write64(entry, good);
        static_cast<void>(guest.take_faults());
    }
    check_survived(guest);
}
