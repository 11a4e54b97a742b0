// SPDX-License-Identifier: GPL-2.0-or-later
//
// The whole machine through a file into another process, with everything half done.
//
// edu does not migrate: the destination's is set up anew, as after plugging it in.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "client/eventually.h"
#include "client/temporary_folder.h"
#include "vtd/guest.h"

using namespace vtd_driver;
using Catch::Matchers::ContainsSubstring;
using qtest::eventually;

namespace {

constexpr std::uint64_t iova = 0x123456789000;
constexpr std::uint32_t fault_data = 0x4041;
constexpr std::uint32_t completion_data = 0x4042;
constexpr std::uint32_t done = 0xd04e;

// Where the machine arrives. Memory is as the source's, so addresses that the source handed out hold.
struct Destination {
    qtest::QemuProcess qemu;
    qtest::PciBus pci;
    qtest::EduDevice edu;
    Unit unit;
    explicit Destination(const std::string& file)
        : qemu(loaded(file)),
          pci(qemu.qtest()),
          edu(qemu.qtest(), pci.find(qtest::EduDevice::id)),
          unit(qemu.qtest()) {}

    static qtest::QemuOptions options(const std::string& properties = "") {
        return {.arguments = {"-device", "vtd-nested,id=iommu0" + properties, "-device", qtest::EduDevice::option,
                              "-incoming", "defer"}};
    }
    static qtest::QemuProcess loaded(const std::string& file) {
        qtest::QemuProcess process(options());
        process.load_from(file);
        return process;
    }
    [[nodiscard]] Bytes registers() { return qemu.qtest().memread(registers_base, 0x1000); }
    [[nodiscard]] Bytes dma_read(const Guest& source, std::uint64_t from) {
        edu.copy(from, source.sink, Guest::transfer);
        return qemu.qtest().memread(source.sink, Guest::transfer);
    }
};

// The queue stopped half way, faults recorded, both events pending.
struct Source : Guest {
    const qtest::TemporaryFolder folder;
    qtest::Doorbell doorbell{qemu.qtest(), ram};
    std::uint64_t statuses = ram.allocate_page();
    PageTable stage = second_stage();
    std::uint64_t bad_slot = 0;

    Source() : Guest(Mode::Scalable) {
        stage.map({.iova = iova, .target = patterned_page(1)});
        scalable.set(requester(), PasidEntry::over_second_stage(stage, 5));
        start();
        unit.write32(reg::FECTL, IM);
        unit.write32(reg::IECTL, IM);
    }
    void send_events_to_doorbell() const {
        unit.send_fault_events_to(doorbell.address(), fault_data);
        unit.send_completion_events_to(doorbell.address(), completion_data);
        unit.write32(reg::FECTL, IM);
        unit.write32(reg::IECTL, IM);
    }
    void stop_queue_half_way() {
        queue.push(descriptor::wait_status(statuses, done, wait_IF));
        bad_slot = queue.tail();
        queue.push({0});
        queue.push(descriptor::wait_status(statuses + 4, done));
        queue.ring();
        REQUIRE(eventually([&] { return (unit.read32(reg::FSTS) & IQE) != 0; }));
    }
    [[nodiscard]] std::string saved() {
        qemu.save_to(folder.file("machine"));
        return folder.file("machine");
    }
    [[nodiscard]] Bytes registers() { return qemu.qtest().memread(registers_base, 0x1000); }
};

// A disk in the running machine that snapshots can be kept in.
class SnapshotDisk {
  public:
    SnapshotDisk(qtest::Qmp& qmp, const std::string& file) : qmp_(qmp) {
        run_job("blockdev-create", {{"options", {{"driver", "file"}, {"filename", file}, {"size", 0}}}});
        qmp_.execute("blockdev-add", {{"driver", "file"}, {"node-name", "file"}, {"filename", file}});
        run_job("blockdev-create", {{"options", {{"driver", "qcow2"}, {"file", "file"}, {"size", 1 << 20}}}});
        qmp_.execute("blockdev-add", {{"driver", "qcow2"}, {"node-name", "disk"}, {"file", "file"}});
    }
    void save() { run_job("snapshot-save", snapshot()); }
    void load() { run_job("snapshot-load", snapshot()); }

  private:
    static nlohmann::json snapshot() { return {{"tag", "now"}, {"vmstate", "disk"}, {"devices", {"disk"}}}; }

    void run_job(const std::string& command, nlohmann::json arguments) {
        const auto id = "job" + std::to_string(jobs_++);
        arguments["job-id"] = id;
        qmp_.execute(command, arguments);
        nlohmann::json job;
        REQUIRE(eventually([&] {
            job = qmp_.execute("query-jobs")[0];
            return job["status"] == "concluded";
        }));
        INFO(command << ": " << job.dump());
        REQUIRE_FALSE(job.contains("error"));
        qmp_.execute("job-dismiss", {{"id", id}});
    }

    qtest::Qmp& qmp_;
    int jobs_ = 0;
};

}  // namespace

TEST_CASE("Migration: the registers arrive as they were", "[vtd][migration]") {
    Source source;
    source.send_events_to_doorbell();
    source.touch_read(0x1000);
    source.touch_write(0x2000);
    source.stop_queue_half_way();
    const auto before = source.registers();
    Destination destination(source.saved());
    CHECK(destination.registers() == before);
}

TEST_CASE("Migration: faults are taken on the other side", "[vtd][migration]") {
    Source source;
    source.touch_read(0x1000);
    source.touch_write(0x2000);
    const std::vector<FaultRecord> records = {source.unit.fault(0), source.unit.fault(1)};
    Destination destination(source.saved());
    CHECK(destination.unit.take_faults() == records);
    CHECK((destination.unit.read32(reg::FSTS) & PPF) == 0);
    // The ring goes on where it was.
    destination.edu.dma_read(0x3000, 4);
    CHECK(destination.unit.fault(2).address == 0x3000);
}

TEST_CASE("Migration: pending events are sent on the other side", "[vtd][migration]") {
    Source source;
    source.send_events_to_doorbell();
    source.touch_read(0x1000);
    source.queue.submit(descriptor::wait(wait_IF));
    Destination destination(source.saved());
    auto& qtest = destination.qemu.qtest();
    destination.unit.write32(reg::FECTL, 0);
    CHECK(qtest.readl(source.doorbell.address()) == fault_data);
    destination.unit.write32(reg::IECTL, 0);
    CHECK(qtest.readl(source.doorbell.address()) == completion_data);
}

TEST_CASE("Migration: a stopped queue is repaired and goes on on the other side", "[vtd][migration]") {
    Source source;
    source.stop_queue_half_way();
    Destination destination(source.saved());
    auto& qtest = destination.qemu.qtest();
    CHECK(destination.unit.read64(reg::IQH) == source.bad_slot);
    CHECK(qtest.readl(source.statuses + 4) == 0);
    qtest.writeq(source.queue.base() + source.bad_slot, descriptor::iotlb_global()[0]);
    destination.unit.write32(reg::FSTS, IQE);
    CHECK(eventually([&] { return qtest.readl(source.statuses + 4) == done; }));
    CHECK(destination.unit.read64(reg::IQH) == source.queue.tail());
}

TEST_CASE("Migration: a queue half consumed is consumed on the other side", "[vtd][migration]") {
    Source source;
    InvalidationQueue queue(source.ram, source.unit, Width::Long, 7);
    source.unit.clear(QIE);
    queue.enable();
    std::vector<Descriptor> descriptors(queue.slots() - 2, descriptor::wait(0));
    descriptors.push_back(descriptor::wait_status(source.statuses, done));
    queue.fill(descriptors);
    // A stopped machine's unit does what the register write asks for and no more.
    source.qemu.qmp().execute("stop");
    queue.ring();
    const auto head = queue.head();
    CHECK(head != 0);
    CHECK(head != queue.tail());
    const auto file = source.saved();
    CHECK(queue.head() == head);

    Destination destination(file);
    CHECK(destination.unit.read64(reg::IQH) == head);
    CHECK(destination.qemu.qtest().readl(source.statuses) == 0);
    destination.qemu.qmp().execute("cont");
    CHECK(eventually([&] { return destination.unit.read64(reg::IQH) == queue.tail(); }));
    CHECK(destination.qemu.qtest().readl(source.statuses) == done);
}

TEST_CASE("Migration: translation goes on, cached or not", "[vtd][migration]") {
    Source source;
    REQUIRE(source.dma_read(iova) == Guest::pattern(1));
    Destination destination(source.saved());
    CHECK(destination.dma_read(source, iova) == Guest::pattern(1));
    CHECK(destination.unit.take_faults().empty());
}

TEST_CASE("Migration: the root table in use arrives, not the one that was only written", "[vtd][migration]") {
    Source source;
    const auto empty_table = source.ram.allocate_page();
    source.unit.write64(reg::RTADDR, empty_table);
    Destination destination(source.saved());
    CHECK(destination.unit.read64(reg::RTADDR) == empty_table);
    CHECK(destination.dma_read(source, iova) == Guest::pattern(1));
    destination.unit.set(SRTP);
    destination.edu.dma_read(iova, 4);
    const auto faults = destination.unit.take_faults();
    REQUIRE(faults.size() == 1);
    CHECK(faults[0].reason() == 0x01);
}

TEST_CASE("Migration: protected regions stay protected", "[vtd][migration]") {
    Source source;
    source.unit.clear(TE);
    const auto page = source.ram.allocate_pages(0x400, 0x400 * size_4k);
    source.ram.fill_with_pattern(page, Guest::transfer, 1);
    source.unit.write32(reg::PLMBASE, static_cast<std::uint32_t>(page));
    source.unit.write32(reg::PLMLIMIT, static_cast<std::uint32_t>(page));
    source.unit.write32(reg::PMEN, 0x80000000);
    Destination destination(source.saved());
    CHECK(destination.dma_read(source, page) != Guest::pattern(1));
}

TEST_CASE("Migration: what the unit writes behind QEMU's back is sent, too", "[vtd][migration]") {
    Source source;
    auto& qmp = source.qemu.qmp();
    const auto file = source.folder.file("machine");
    qmp.execute("migrate-set-capabilities", {{"capabilities",
                                              {{{"capability", "events"}, {"state", true}},
                                               {{"capability", "pause-before-switchover"}, {"state", true}}}}});
    qmp.execute("migrate", {{"uri", "file:" + file}});
    while (qmp.wait_event("MIGRATION").value("status", "") != "pre-switchover") {
    }
    // All of memory has been sent; what changes now must be noticed.
    source.queue.submit(descriptor::wait_status(source.statuses, done));
    qmp.execute("migrate-continue", {{"state", "pre-switchover"}});
    while (qmp.wait_event("MIGRATION").value("status", "") != "completed") {
    }
    Destination destination(file);
    CHECK(destination.qemu.qtest().readl(source.statuses) == done);
}

TEST_CASE("Migration: a unit with other capabilities refuses with a sentence", "[vtd][migration]") {
    Source source;
    const auto file = source.saved();
    auto options = Destination::options(",nfr=3");
    options.arguments.back() = "file:" + file;
    const auto end = qtest::run_until_end(options);
    CHECK(end.exit_code == 1);
    CHECK_THAT(end.output, ContainsSubstring("vtd-nested cannot take over the state of the other machine"));
}

TEST_CASE("Migration: a snapshot brings back registers, faults, events and a stopped queue", "[vtd][migration]") {
    Source source;
    SnapshotDisk disk(source.qemu.qmp(), source.folder.file("disk"));
    source.send_events_to_doorbell();
    source.touch_read(0x1000);
    source.touch_write(0x2000);
    source.stop_queue_half_way();
    const auto before = source.registers();
    disk.save();

    (void)source.unit.take_faults();
    source.unit.write32(reg::FECTL, 0);
    source.unit.clear(TE);
    source.unit.clear(QIE);
    REQUIRE(source.registers() != before);
    disk.load();
    CHECK(source.registers() == before);
    // And it works as it did, for a device that the reset before loading left without its place.
    qtest::PciBus pci(source.qemu.qtest());
    qtest::EduDevice edu(source.qemu.qtest(), pci.find(qtest::EduDevice::id));
    edu.copy(iova, source.sink, Guest::transfer);
    CHECK(source.qemu.qtest().memread(source.sink, Guest::transfer) == Guest::pattern(1));
}
