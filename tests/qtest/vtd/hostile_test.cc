// SPDX-License-Identifier: GPL-2.0-or-later
//
// A guest that points the unit at everything but memory. It gets the architectural error where there is one; whatever
// it does, QEMU goes on.
#include <catch2/catch_test_macros.hpp>

#include <string>
#include <vector>

#include "client/eventually.h"
#include "vtd/fault_scene.h"
#include "vtd/survivor.h"

using namespace vtd_driver;
using qtest::eventually;

namespace {

constexpr std::uint64_t iova = 0x123456789000;

struct Place {
    std::string name;
    std::uint64_t address = 0;
};

// Below the host address width, so that no reserved bit is set.
std::vector<Place> places_that_are_no_memory() {
    return {
        {"its own registers", registers_base},
        {"the interrupt range", interrupt_range},
        {"the first page behind memory", qtest::ram_size},
        {"the last page of the host's addresses", bit(host_address_width) - size_4k},
        {"a device's registers", 0xc0000000},
    };
}

// Legacy tables of which one, counted from the root table, lies elsewhere.
struct LegacyChain {
    Guest guest{Mode::Legacy};
    PageTable stage = guest.second_stage();
    LegacyChain() {
        stage.map({.iova = iova, .target = guest.patterned_page(1)});
        guest.legacy.set(guest.requester(), LegacyContext::translating(stage, 5));
        guest.start();
    }
};

void redirect(Guest& guest, std::uint64_t slot, std::uint64_t target) {
    guest.ram.write64(slot, (guest.ram.read64(slot) & ones(11, 0)) | target);
    guest.invalidate_all();
}

}  // namespace

TEST_CASE("Hostile: legacy tables where no memory is", "[vtd][hostile]") {
    for (const auto& place : places_that_are_no_memory()) {
        DYNAMIC_SECTION(place.name) {
            LegacyChain chain;
            auto& guest = chain.guest;
            const std::uint32_t status = guest.unit.status();
            redirect(guest, chain.stage.entry_address(iova, 2), place.address);
            check_access(guest, iova, Access::Read, 0x07);
            redirect(guest, guest.legacy.context_entry(guest.requester()), place.address);
            check_access(guest, iova, Access::Write, 0x03);
            redirect(guest, guest.legacy.root_entry(guest.requester()), place.address);
            check_access(guest, iova, Access::Read, 0x09);
            guest.unit.set_root_table(place.address, Mode::Legacy);
            check_access(guest, iova, Access::Write, 0x08);
            CHECK(guest.unit.status() == status);
        }
    }
}

TEST_CASE("Hostile: scalable tables where no memory is", "[vtd][hostile]") {
    for (const auto& place : places_that_are_no_memory()) {
        DYNAMIC_SECTION(place.name) {
            Guest guest(Mode::Scalable);
            auto stage = guest.first_stage();
            stage.map({.iova = iova, .target = guest.patterned_page(1)});
            guest.scalable.set(guest.requester(), PasidEntry::over_first_stage(stage, 5));
            guest.start();
            const std::uint64_t slots[] = {
                stage.entry_address(iova, 3), guest.scalable.pasid_entry(guest.requester()) + 16,
                guest.scalable.directory_entry(guest.requester()), guest.scalable.context_entry(guest.requester()),
                guest.scalable.root_entry(guest.requester())};
            const unsigned reasons[] = {0x70, 0x73, 0x58, 0x50, 0x40};
            for (std::size_t i = 0; i < std::size(slots); ++i) {
                redirect(guest, slots[i], place.address);
                check_access(guest, iova, Access::Write, reasons[i]);
            }
        }
    }
}

TEST_CASE("Hostile: a table in the last page of memory is a table", "[vtd][hostile]") {
    Guest guest(Mode::Legacy);
    auto stage = guest.second_stage();
    stage.map({.iova = iova, .target = guest.patterned_page(1)});
    guest.legacy.set(guest.requester(), LegacyContext::translating(stage, 5));
    constexpr std::uint64_t last_page = qtest::ram_size - size_4k;
    guest.ram.write(last_page, guest.ram.read(stage.root(), size_4k));
    guest.start();
    redirect(guest, guest.legacy.context_entry(guest.requester()), last_page);
    check_access(guest, iova, Access::Read, no_fault);
}

TEST_CASE("Hostile: a wait whose status address is no memory ends and changes nothing", "[vtd][hostile]") {
    auto places = places_that_are_no_memory();
    places.push_back({"GCMD", registers_base + reg::GCMD});
    places.push_back({"IQT", registers_base + reg::IQT});
    places.push_back({"RTADDR", registers_base + reg::RTADDR});
    places.push_back({"the last word of all addresses", ~std::uint64_t{3}});
    for (const auto& place : places) {
        CAPTURE(place.name);
        Guest guest(Mode::Scalable);
        guest.start();
        const std::uint32_t status = guest.unit.status();
        guest.queue.push(descriptor::wait_status(place.address, 0x12345678));
        guest.queue.submit(descriptor::iotlb_global());
        CHECK(guest.unit.status() == status);
        CHECK(guest.unit.read64(reg::IQT) == guest.queue.tail());
        CHECK(guest.unit.read64(reg::RTADDR) == (guest.scalable.root() | bit(10)));
        CHECK((guest.unit.read32(reg::FSTS) & IQE) == 0);
    }
}

TEST_CASE("Hostile: a queue where no memory is", "[vtd][hostile]") {
    for (const auto& place : places_that_are_no_memory()) {
        CAPTURE(place.name);
        Guest guest(Mode::Scalable);
        guest.start();
        guest.unit.clear(QIE);
        guest.unit.write64(reg::IQT, 0);
        guest.unit.write64(reg::IQA, place.address | bit(11));
        guest.unit.set(QIE);
        guest.unit.write64(reg::IQT, 64);
        CHECK(eventually([&] { return (guest.unit.read32(reg::FSTS) & IQE) != 0; }));
        CHECK(extract(guest.unit.read64(reg::IQERCD), 3, 0) == 2);
        CHECK(guest.unit.read64(reg::IQH) == 0);
        guest.queue.restart();
        guest.unit.write32(reg::FSTS, IQE);
        guest.queue.submit(descriptor::iotlb_global());
    }
}

TEST_CASE("Hostile: a queue that runs out of memory in its middle", "[vtd][hostile]") {
    Guest guest(Mode::Scalable);
    guest.start();
    guest.unit.clear(QIE);
    const std::uint64_t last_page = qtest::ram_size - size_4k;
    for (std::uint64_t offset = 0; offset < size_4k; offset += 32) {
        guest.ram.write64(last_page + offset, descriptor::wait(0)[0]);
    }
    guest.unit.write64(reg::IQT, 0);
    guest.unit.write64(reg::IQA, last_page | bit(11) | 1);
    guest.unit.set(QIE);
    guest.unit.write64(reg::IQT, size_4k + 64);
    CHECK(eventually([&] { return (guest.unit.read32(reg::FSTS) & IQE) != 0; }));
    CHECK(extract(guest.unit.read64(reg::IQERCD), 3, 0) == 2);
    CHECK(guest.unit.read64(reg::IQH) == size_4k);
}

TEST_CASE("Hostile: events sent to the unit's own registers", "[vtd][hostile]") {
    for (const std::uint64_t target :
         {reg::GCMD, reg::FECTL, reg::FSTS, reg::IQT, reg::IECTL, reg::ICS, reg::CCMD + 4}) {
        CAPTURE(target);
        Guest guest(Mode::Scalable);
        guest.start();
        guest.unit.send_fault_events_to(registers_base + target, 0xffff);
        guest.unit.send_completion_events_to(registers_base + target, 0x20);
        for (int round = 0; round < 3; ++round) {
            guest.touch_read(iova);
            guest.queue.push(descriptor::wait(wait_IF));
            guest.queue.push({0});
            guest.queue.ring();
            guest.unit.write32(reg::FECTL, IM);
            guest.unit.write32(reg::FECTL, 0);
        }
        check_survived(guest);
    }
}

TEST_CASE("Hostile: a page table that is its own next table", "[vtd][hostile]") {
    for (const unsigned levels : {3u, 4u, 5u}) {
        CAPTURE(levels);
        Guest guest(Mode::Scalable);
        PageTable first(guest.ram, Stage::First, 4);
        PageTable second(guest.ram, Stage::Second, levels);
        for (unsigned i = 0; i < 512; ++i) {
            guest.ram.write64(second.root() + 8ull * i, second.root() | ss::R | ss::W);
            guest.ram.write64(first.root() + 8ull * i, first.root() | fs::P | fs::RW | fs::US);
        }
        guest.scalable.set(guest.requester(), PasidEntry::over_second_stage(second, 5));
        guest.start();
        guest.touch_write(0x5000);
        guest.scalable.set(guest.requester(), PasidEntry::nested(first, second, 5));
        guest.invalidate_all();
        guest.touch_write(0x5000);
        check_survived(guest);
    }
}

TEST_CASE("Hostile: DMA to the unit's own registers", "[vtd][hostile]") {
    Guest guest(Mode::Scalable);
    guest.scalable.set(guest.requester(), PasidEntry::pass_through(5));
    guest.start();
    // Whole pages of zeroes and of ones, over GCMD, the queue and the fault log.
    guest.edu.copy(guest.source, registers_base, size_4k);
    guest.qemu.qtest().memset(guest.source, size_4k, 0xff);
    guest.edu.copy(guest.source, registers_base, size_4k);
    guest.edu.copy(registers_base, guest.sink, size_4k);
    check_survived(guest);
}

TEST_CASE("Hostile: DMA at the end of the address space", "[vtd][hostile]") {
    for (const Pgtt type : {Pgtt::FirstStage, Pgtt::SecondStage, Pgtt::PassThrough}) {
        CAPTURE(static_cast<int>(type));
        Guest guest(Mode::Scalable);
        auto stage = guest.first_stage();
        guest.scalable.set(guest.requester(),
                           {.type = type, .second_stage = stage.root(), .first_stage = stage.root()});
        guest.start();
        for (const std::uint64_t at : {~std::uint64_t{0}, ~std::uint64_t{0} - 63, ~std::uint64_t{0xfff}, bit(63) - 4}) {
            guest.edu.dma_read(at, 128);
            guest.edu.dma_write(at, 128);
        }
        CHECK_FALSE(guest.take_faults().empty());
        check_survived(guest);
    }
}
