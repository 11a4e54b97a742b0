// SPDX-License-Identifier: GPL-2.0-or-later
#include "client/edu_device.h"

namespace qtest {
namespace {

constexpr std::uint64_t raise_register = 0x60;
constexpr std::uint64_t dma_source = 0x80;
constexpr std::uint64_t dma_destination = 0x88;
constexpr std::uint64_t dma_count = 0x90;
constexpr std::uint64_t dma_command = 0x98;

constexpr std::uint64_t command_run = 1;
constexpr std::uint64_t command_to_guest = 2;

// Where the buffer lies in the device's own view.
constexpr std::uint64_t buffer = 0x40000;

constexpr std::int64_t transfer_ns = 100'000'000;

}  // namespace

EduDevice::EduDevice(Qtest& qtest, const PciFunction& function)
    : qtest_(&qtest), function_(function), registers_(function.map_bar(0)) {
    function_.enable_bus_mastering();
}

void EduDevice::start_read(std::uint64_t from, std::size_t size) {
    qtest_->writeq(registers_ + dma_source, from);
    qtest_->writeq(registers_ + dma_destination, buffer);
    qtest_->writeq(registers_ + dma_count, size);
    qtest_->writeq(registers_ + dma_command, command_run);
}

void EduDevice::start_write(std::uint64_t to, std::size_t size) {
    qtest_->writeq(registers_ + dma_source, buffer);
    qtest_->writeq(registers_ + dma_destination, to);
    qtest_->writeq(registers_ + dma_count, size);
    qtest_->writeq(registers_ + dma_command, command_run | command_to_guest);
}

void EduDevice::finish() {
    qtest_->clock_step(transfer_ns);
    if ((qtest_->readq(registers_ + dma_command) & command_run) != 0) throw ProcessError("edu's DMA does not end");
}

void EduDevice::dma_read(std::uint64_t from, std::size_t size) {
    start_read(from, size);
    finish();
}

void EduDevice::dma_write(std::uint64_t to, std::size_t size) {
    start_write(to, size);
    finish();
}

void EduDevice::copy(std::uint64_t from, std::uint64_t to, std::size_t size) {
    dma_read(from, size);
    dma_write(to, size);
}

void EduDevice::raise_interrupt() { qtest_->writel(registers_ + raise_register, 1); }

}  // namespace qtest
