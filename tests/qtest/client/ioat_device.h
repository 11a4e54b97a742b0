// SPDX-License-Identifier: GPL-2.0-or-later
//
// IoatDevice: our endpoint as Intel's DMA engine, driven as Linux's driver in user space does.
//
//     IoatDevice ioat(qemu.qtest(), pci.find(IoatDevice::id));
//     ioat.init();
//     CHECK(ioat.copy({.place = page, .iova = page}, {.from = iova, .to = other, .size = 64}) == IoatDevice::done);
#ifndef QTEST_IOAT_DEVICE_H
#define QTEST_IOAT_DEVICE_H

#include <cstdint>
#include <stdexcept>

#include "client/eventually.h"
#include "client/pci_bus.h"
#include "client/qtest.h"

namespace qtest {

class IoatDevice {
  public:
    static constexpr const char* option = "ats-endpoint-ioat";
    static constexpr PciId id{0x8086, 0x2021};

    // Typed in from Linux's headers: BAR 0, configuration space, CHANSTS.STATUS, CHANERR.
    static constexpr std::uint64_t xfercap = 0x01, intrctrl = 0x03, cbver = 0x08, chanctrl = 0x80, chancmd = 0x84;
    static constexpr std::uint64_t dmacount = 0x86, chansts = 0x88, chainaddr = 0x90, chanerr = 0xa8;
    static constexpr std::uint16_t dmauncerrsts = 0x148, chanerr_int = 0x180;
    static constexpr std::uint64_t done = 1, suspended = 2, halted = 3;
    static constexpr std::uint32_t read_data_err = 0x100, write_data_err = 0x200;

    IoatDevice(Qtest& qtest, const PciFunction& function)
        : qtest_(&qtest), function_(function), bar_(function_.map_bar(0)) {
        function_.enable_bus_mastering();
    }

    [[nodiscard]] const PciFunction& function() const { return function_; }
    [[nodiscard]] std::uint64_t place_of(std::uint64_t offset) const { return bar_ + offset; }
    [[nodiscard]] std::uint64_t status() const { return qtest_->readq(bar_ + chansts) & 7; }
    [[nodiscard]] std::uint32_t errors() const { return qtest_->readl(bar_ + chanerr); }

    void init() const {
        function_.config_writel(chanerr_int, function_.config_readl(chanerr_int));
        function_.config_writel(chanerr_int, function_.config_readl(dmauncerrsts));
        qtest_->writel(bar_ + chanerr, errors());
        qtest_->writeb(bar_ + chancmd, 0x20);
        if (!eventually([&] { return (qtest_->readb(bar_ + chancmd) & 0x20) == 0; }))
            throw std::runtime_error("the channel's reset does not end");
        qtest_->writeb(bar_ + intrctrl, 0x08);
    }

    // Where the descriptor is written, and where the device finds it.
    struct Ring {
        std::uint64_t place = 0;
        std::uint64_t iova = 0;
    };
    struct Copy {
        std::uint64_t from = 0;
        std::uint64_t to = 0;
        std::uint32_t size = 8;
        bool interrupt = false;
    };
    // CHANSTS.STATUS at the end; after a copy that went well the channel is suspended.
    [[nodiscard]] std::uint64_t copy(const Ring& ring, const Copy& what) const {
        qtest_->writeq(ring.place, what.size | (what.interrupt ? std::uint64_t{1} << 32 : 0));
        qtest_->writeq(ring.place + 8, what.from);
        qtest_->writeq(ring.place + 16, what.to);
        qtest_->writeq(ring.place + 24, ring.iova);
        qtest_->writeq(bar_ + chainaddr, ring.iova);
        qtest_->writew(bar_ + chanctrl, 0x0009);
        qtest_->writew(bar_ + dmacount, 1);
        if (!eventually([&] { return status() != 0; })) throw std::runtime_error("the copy does not end");
        const std::uint64_t end = status();
        if (end == done) {
            qtest_->writeb(bar_ + chancmd, 0x04);
            if (status() != suspended) throw std::runtime_error("the channel cannot be suspended");
        }
        return end;
    }

  private:
    Qtest* qtest_;
    PciFunction function_;
    std::uint64_t bar_;
};

}  // namespace qtest

#endif  // QTEST_IOAT_DEVICE_H
