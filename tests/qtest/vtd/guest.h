// SPDX-License-Identifier: GPL-2.0-or-later
//
// Guest: a machine with the unit and an edu behind it, and the driver's half of everything.
//
//     Guest guest(Mode::Scalable);
//     auto stage = guest.second_stage().map({.iova = 0x1000, .target = page});
//     guest.scalable.set(guest.requester(), PasidEntry::over_second_stage(stage, domain));
//     guest.start();
//     CHECK(guest.dma_read(0x1000) == pattern);
//
// What edu reads can be seen only when it writes it elsewhere: to the page `sink`. What it is to write it must fetch
// first: from the page `source`. Stages that the guest hands out map both to themselves.
#ifndef QTEST_VTD_GUEST_H
#define QTEST_VTD_GUEST_H

#include <cstdint>
#include <string>
#include <vector>

#include "client/edu_device.h"
#include "client/guest_ram.h"
#include "client/qemu_process.h"
#include "vtd/invalidation_queue.h"
#include "vtd/page_table.h"
#include "vtd/tables.h"
#include "vtd/unit.h"

namespace vtd_driver {

using Bytes = std::vector<std::uint8_t>;

struct GuestOptions {
    std::string properties;              // ",name=value..." for the unit
    std::vector<std::string> arguments;  // for QEMU
    std::string device = "vtd-nested";   // or QEMU's own, to check the driver's half
};

class Guest {
  public:
    explicit Guest(Mode mode, const GuestOptions& options = {});

    // QOM path of the unit.
    static constexpr const char* path = "/machine/peripheral/iommu0";
    // Bytes that dma_read() and dma_write() move.
    static constexpr std::size_t transfer = 64;

    // Root table, then queue, then translation.
    void start();
    // Everything in the order that software must keep: context, PASID, IOTLB.
    void invalidate_all();

    [[nodiscard]] unsigned requester() const { return edu.requester_id(); }
    // Stages that map sink and source.
    [[nodiscard]] PageTable second_stage(unsigned levels = 4);
    [[nodiscard]] PageTable first_stage(unsigned levels = 4);
    // A page with a pattern of its own.
    [[nodiscard]] std::uint64_t patterned_page(std::uint32_t seed);
    [[nodiscard]] static Bytes pattern(std::uint32_t seed) { return qtest::GuestRam::pattern(transfer, seed); }

    // What edu, or another one, finds at `iova`.
    [[nodiscard]] Bytes dma_read(std::uint64_t iova) { return dma_read(edu, iova); }
    [[nodiscard]] Bytes dma_read(qtest::EduDevice& device, std::uint64_t iova);
    // Lets edu write this there.
    void dma_write(std::uint64_t iova, const Bytes& bytes);
    [[nodiscard]] Bytes memory(std::uint64_t address) const { return ram.read(address, transfer); }

    // One access of 4 bytes of which only the faults are of interest.
    void touch_read(std::uint64_t iova) { edu.dma_read(iova, 4); }
    void touch_write(std::uint64_t iova) { edu.dma_write(iova, 4); }
    [[nodiscard]] std::vector<FaultRecord> take_faults() const { return unit.take_faults(); }

    [[nodiscard]] std::uint64_t counter(const std::string& name) { return qemu.qmp().qom_get_number(path, name); }

    Mode mode;
    qtest::QemuProcess qemu;
    qtest::GuestRam ram;
    qtest::PciBus pci;
    qtest::EduDevice edu;
    Unit unit;
    InvalidationQueue queue;
    LegacyTables legacy;
    ScalableTables scalable;
    std::uint64_t sink;
    std::uint64_t source;
};

}  // namespace vtd_driver

#endif  // QTEST_VTD_GUEST_H
