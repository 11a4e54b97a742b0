// SPDX-License-Identifier: GPL-2.0-or-later
//
// The whole machine through a file into another process, with everything half done.
//
// edu does not migrate: the destination's is set up anew, as after plugging it in.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <nlohmann/json.hpp>

#include "client/eventually.h"
#include "client/temporary_folder.h"
#include "smmuv3/scene.h"

using namespace smmu_driver;
using Catch::Matchers::ContainsSubstring;
using qtest::eventually;

namespace {

// Where the machine arrives. Memory is as the source's, so addresses that the source handed out hold.
struct Destination {
    explicit Destination(const std::string& file)
        : qemu(loaded(file)),
          pci(qemu.qtest(), pci_places),
          edu(qemu.qtest(), pci.find(qtest::EduDevice::id)),
          unit(qemu.qtest()) {}

    static qtest::QemuOptions options(const std::string& properties, const std::string& incoming) {
        return {.arguments = {"-device", "smmuv3-nested,id=iommu0" + properties, "-device", qtest::EduDevice::option,
                              "-incoming", incoming},
                .machine = GuestOptions{}.machine};
    }
    static qtest::QemuProcess loaded(const std::string& file) {
        qtest::QemuProcess process(options("", "defer"));
        process.load_from(file);
        return process;
    }
    [[nodiscard]] Bytes registers() { return qemu.qtest().memread(registers_base, 0x1000); }
    [[nodiscard]] Bytes dma_read(const Guest& source, std::uint64_t from) {
        edu.copy(from, source.sink, Guest::transfer);
        return qemu.qtest().memread(source.sink, Guest::transfer);
    }

    qtest::QemuProcess qemu;
    qtest::PciBus pci;
    qtest::EduDevice edu;
    Unit unit;
};

struct Source : Stage1Scene {
    Source() { start(); }
    [[nodiscard]] std::string saved() {
        qemu.save_to(folder.file("machine"));
        return folder.file("machine");
    }
    [[nodiscard]] Bytes registers() { return qemu.qtest().memread(registers_base, 0x1000); }
    const qtest::TemporaryFolder folder;
};

}  // namespace

TEST_CASE("Migration: registers and records arrive as they were", "[smmuv3][migration]") {
    Source source;
    source.touch_read(0x1000);
    source.touch_read(0x2000);
    source.commands.push(Command{});
    source.commands.ring();
    REQUIRE(eventually([&] { return (source.unit.active_errors() & CMDQ_ERR) != 0; }));
    const auto before = source.registers();
    const std::uint32_t producer = source.unit.read32(reg::EVENTQ_PROD);
    Destination destination(source.saved());
    CHECK(destination.registers() == before);
    CHECK(destination.unit.read32(reg::EVENTQ_PROD) == producer);
    CHECK(destination.qemu.qtest().readq(source.events.base() + 32 + 16) == 0x2000);
    // The queue goes on where it was.
    destination.edu.dma_read(0x3000, 4);
    CHECK(destination.unit.read32(reg::EVENTQ_PROD) == producer + 1);
    CHECK(destination.qemu.qtest().readq(source.events.base() + 64 + 16) == 0x3000);
}

TEST_CASE("Migration: translation goes on, cached or not", "[smmuv3][migration]") {
    Source source;
    REQUIRE(source.dma_read(iova) == Guest::pattern(1));
    Destination destination(source.saved());
    CHECK(destination.dma_read(source, iova) == Guest::pattern(1));
    CHECK(destination.unit.read32(reg::EVENTQ_PROD) == 0);
}

TEST_CASE("Migration: a stopped queue is repaired and goes on on the other side", "[smmuv3][migration]") {
    Source source;
    const auto page = source.ram.allocate_page();
    const std::uint32_t slot = source.commands.push(Command{});
    source.commands.push(command::sync_with_message(page, 0xd04e));
    source.commands.ring();
    REQUIRE(eventually([&] { return (source.unit.active_errors() & CMDQ_ERR) != 0; }));
    Destination destination(source.saved());
    auto& qtest = destination.qemu.qtest();
    CHECK((destination.unit.read32(reg::CMDQ_CONS) & 0xfffff) == slot);
    CHECK(qtest.readl(page) == 0);
    qtest.writeq(source.commands.slot_address(slot), command::cmd_sync().words[0]);
    destination.unit.acknowledge_errors();
    CHECK(eventually([&] { return qtest.readl(page) == 0xd04e; }));
}

TEST_CASE("Migration: a queue half consumed is consumed on the other side", "[smmuv3][migration]") {
    Source source;
    const auto page = source.ram.allocate_page();
    CommandQueue queue(source.ram, source.unit, 11);  // more than is carried out while a register is written
    source.unit.set_cr0(EVENTQEN | SMMUEN);
    queue.set_up();
    source.unit.set_cr0(CMDQEN | EVENTQEN | SMMUEN);
    for (std::uint32_t i = 0; i + 2 < queue.entries(); ++i)
        queue.push(command::tlbi_nh_asid(1, i));
    queue.push(command::sync_with_message(page, 0xd04e));
    // A stopped machine's unit does what the register write asks for and no more.
    source.qemu.qmp().execute("stop");
    queue.ring();
    const std::uint32_t consumed = queue.consumer();
    CHECK(consumed != 0);
    CHECK(consumed != queue.producer());
    Destination destination(source.saved());
    CHECK(destination.unit.read32(reg::CMDQ_CONS) == consumed);
    destination.qemu.qmp().execute("cont");
    CHECK(eventually([&] { return destination.unit.read32(reg::CMDQ_CONS) == queue.producer(); }));
    CHECK(eventually([&] { return destination.qemu.qtest().readl(page) == 0xd04e; }));
}

TEST_CASE("Migration: a unit with other capabilities refuses with a sentence", "[smmuv3][migration]") {
    Source source;
    const auto end = qtest::run_until_end(Destination::options(",ssidsize=3", "file:" + source.saved()));
    CHECK(end.exit_code == 1);
    CHECK_THAT(end.output, ContainsSubstring("smmuv3-nested cannot take over the state of the other machine"));
}
