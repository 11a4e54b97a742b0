// SPDX-License-Identifier: GPL-2.0-or-later
//
// Virtual I/O Device (VIRTIO) 1.2: s2.7 split queues, s4.1.4 PCI structures, s5.2 block device.
#include "client/virtio_block.h"

#include "client/eventually.h"

namespace qtest {
namespace {

constexpr std::uint8_t vendor_capability = 0x09;
constexpr std::uint8_t common_type = 1, notify_type = 2;
constexpr unsigned registers_bar = 4;

// Common configuration.
constexpr std::uint64_t driver_feature_select = 0x08, driver_feature = 0x0c, device_status = 0x14, queue_select = 0x16;
constexpr std::uint64_t queue_size = 0x18, queue_enable = 0x1c, queue_notify_off = 0x1e;
constexpr std::uint64_t queue_desc = 0x20, queue_driver = 0x28, queue_device = 0x30;
constexpr std::uint32_t version_1_and_access_platform = 0b11;  // features 32 and 33
constexpr std::uint8_t acknowledge = 1, driver = 2, driver_ok = 4, features_ok = 8;

constexpr std::uint16_t entries = 8;
constexpr std::uint16_t next = 1, device_writes = 2;
constexpr std::uint16_t no_interrupt = 1;

// A request: header, data, status; all in one page.
constexpr std::uint64_t header_size = 16, data_offset = 512, data_size = 512, status_offset = 1024;
constexpr std::uint8_t not_done = 0xff;

}  // namespace

std::vector<std::string> VirtioBlock::options() {
    return {"-object",   "iothread,id=disk-thread",
            "-blockdev", "driver=null-co,node-name=disk,read-zeroes=on,size=1048576",
            "-device",   "virtio-blk-pci,id=disk0,drive=disk,iothread=disk-thread,disable-legacy=on,iommu_platform=on"};
}

VirtioBlock::VirtioBlock(Qtest& qtest, GuestRam& ram, const PciFunction& function)
    : qtest_(&qtest),
      ram_(&ram),
      function_(function),
      bar_(function.map_bar(registers_bar)),
      common_(place(common_type)),
      doorbell_(place(notify_type)),
      descriptors_(ram.allocate_page()),
      available_(ram.allocate_page()),
      used_(ram.allocate_page()),
      request_(ram.allocate_page()) {
    function_.enable_bus_mastering();
}

std::uint8_t VirtioBlock::capability(std::uint8_t type) const {
    auto at = function_.find_capability(vendor_capability);
    for (unsigned seen = 0; at && *at != 0 && seen < 64; ++seen) {
        const bool ours = function_.config_readb(*at) == vendor_capability;
        if (ours && function_.config_readb(static_cast<std::uint16_t>(*at + 3)) == type) return *at;
        at = function_.config_readb(static_cast<std::uint16_t>(*at + 1));
    }
    throw ProcessError("the disk lacks a capability");
}

std::uint64_t VirtioBlock::place(std::uint8_t type) const {
    const std::uint8_t at = capability(type);
    if (function_.config_readb(static_cast<std::uint16_t>(at + 4)) != registers_bar) {
        throw ProcessError("the disk's registers are in another BAR");
    }
    return bar_ + function_.config_readl(static_cast<std::uint16_t>(at + 8));
}

void VirtioBlock::set_status(std::uint8_t bits) {
    const std::uint8_t now = qtest_->readb(common_ + device_status);
    qtest_->writeb(common_ + device_status, static_cast<std::uint8_t>(now | bits));
}

void VirtioBlock::start() {
    qtest_->writeb(common_ + device_status, 0);
    set_status(acknowledge);
    set_status(driver);
    qtest_->writel(common_ + driver_feature_select, 0);
    qtest_->writel(common_ + driver_feature, 0);
    qtest_->writel(common_ + driver_feature_select, 1);
    qtest_->writel(common_ + driver_feature, version_1_and_access_platform);
    set_status(features_ok);
    if ((qtest_->readb(common_ + device_status) & features_ok) == 0)
        throw ProcessError("the disk wants other features");
    qtest_->writew(common_ + queue_select, 0);
    qtest_->writew(common_ + queue_size, entries);
    qtest_->writeq(common_ + queue_desc, descriptors_);
    qtest_->writeq(common_ + queue_driver, available_);
    qtest_->writeq(common_ + queue_device, used_);
    const std::uint32_t multiplier = function_.config_readl(static_cast<std::uint16_t>(capability(notify_type) + 16));
    doorbell_ += std::uint64_t{multiplier} * qtest_->readw(common_ + queue_notify_off);
    qtest_->writew(common_ + queue_enable, 1);
    qtest_->writew(available_, no_interrupt);
    set_status(driver_ok);
}

void VirtioBlock::describe(unsigned index, std::uint64_t address, std::uint32_t size, std::uint16_t flags) const {
    const std::uint64_t at = descriptors_ + 16ull * index;
    const std::uint64_t following = (flags & next) != 0 ? index + 1 : 0;
    ram_->write64(at, address);
    ram_->write64(at + 8, size | std::uint64_t{flags} << 32 | following << 48);
}

void VirtioBlock::start_read() {
    ram_->write64(request_, 0);  // type 0, read
    ram_->write64(request_ + 8, 0);
    qtest_->writeb(request_ + status_offset, not_done);
    describe(0, request_, header_size, next);
    describe(1, request_ + data_offset, data_size, next | device_writes);
    describe(2, request_ + status_offset, 1, device_writes);
    qtest_->writew(available_ + 4 + 2ull * (asked_ % entries), 0);
    qtest_->writew(available_ + 2, ++asked_);
    qtest_->writew(doorbell_, 0);
}

bool VirtioBlock::is_read() const {
    return qtest_->readw(used_ + 2) == asked_ && qtest_->readb(request_ + status_offset) == 0;
}

bool VirtioBlock::read() {
    start_read();
    return eventually([this] { return is_read(); });
}

}  // namespace qtest
