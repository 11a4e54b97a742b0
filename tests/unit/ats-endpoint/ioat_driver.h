// SPDX-License-Identifier: GPL-2.0-or-later
//
// ioat_driver: the driver of the endpoint as Intel's DMA engine. It does step by step what Linux's driver in user space
// does (tools/testing/selftests/vfio/lib/drivers/ioat); offsets and bits are typed in from its headers, not from ours.
#ifndef TESTS_UNIT_ATS_ENDPOINT_IOAT_DRIVER_H
#define TESTS_UNIT_ATS_ENDPOINT_IOAT_DRIVER_H

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <vector>

#include "ats-endpoint/ioat.h"
#include "host.h"

namespace test {

// The device, and its channel from 0x80 on
inline constexpr std::uint64_t kChancnt = 0x00, kXfercap = 0x01, kIntrctrl = 0x03, kCbver = 0x08, kCapability = 0x10;
inline constexpr std::uint64_t kChanctrl = 0x80, kDmaComp = 0x82, kChancmd = 0x84, kDmacount = 0x86, kChansts = 0x88;
inline constexpr std::uint64_t kChainaddr = 0x90, kChancmp = 0x98, kChanerr = 0xa8;

inline constexpr unsigned kMsixVectorControl = 0x08;
inline constexpr unsigned kRearm = 0x01, kAnyErrAbort = 0x08, kErrInt = 0x10;
inline constexpr unsigned kReset = 0x20, kSuspend = 0x04;
inline constexpr std::uint64_t kActive = 0, kDone = 1, kSuspended = 2, kHalted = 3;

inline constexpr std::uint32_t kIntEn = 1u << 0, kComplWrite = 1u << 3, kFence = 1u << 4, kNull = 1u << 5;

inline constexpr std::uint32_t kSrcAddrErr = 0x1, kDestAddrErr = 0x2, kNextAddrErr = 0x4, kNextAlignErr = 0x8;
inline constexpr std::uint32_t kChainAddrErr = 0x10, kReadErr = 0x100, kWriteErr = 0x200, kControlErr = 0x400;
inline constexpr std::uint32_t kLengthErr = 0x800, kCompletionErr = 0x1000;

// IOVAs; what the unit maps them to lies 0x10000 higher.
inline constexpr std::uint64_t kMapped = 0x10000, kMappedBytes = 0x40000, kTo = 0x10000;
inline constexpr std::uint64_t kRing = 0x10000, kRecord = 0x11008, kSource = 0x18000, kTarget = 0x30000;
inline constexpr std::uint64_t kUnmapped = 0x200000000;
inline constexpr std::uint32_t kMost = 0x8000;

struct IoatDriver {
    Host host;
    endpoint::Ioat device{{}, host.references()};

    explicit IoatDriver(std::uint32_t ats = 0, std::uint32_t pri = kPriOff) {
        for (std::uint64_t page = kMapped; page < kMapped + kMappedBytes; page += 0x1000)
            host.pages[page] = {.to = page + kTo};
        for (std::uint64_t i = 0; i < kMost; ++i)
            host.ram[kSource + kTo + i] = static_cast<std::uint8_t>(i * 7 + i / 251);
        configure(ats, pri);
    }
    void configure(std::uint32_t ats = 0, std::uint32_t pri = kPriOff, bool bus_master = true) {
        device.engine().configure({.bus_master = bus_master,
                                   .ats = iommu::Value<endpoint::ATS_CAPABILITY>{ats},
                                   .pasid = {},
                                   .pri = iommu::Value<endpoint::PRI_CONTROL>{pri},
                                   .pri_allocation = 16});
    }

    void run() {
        for (unsigned before = ~host.kicks; before != host.kicks;) {
            before = host.kicks;
            device.run();
        }
    }
    [[nodiscard]] std::uint64_t status() const { return device.read(kChansts, 8) & 7; }
    [[nodiscard]] std::uint64_t completed() const { return device.read(kChansts, 8) & ~std::uint64_t{0x3f}; }
    [[nodiscard]] std::uint32_t chanerr() const { return static_cast<std::uint32_t>(device.read(kChanerr, 4)); }

    void reset_channel() {
        device.clear_errors(device.errors());
        device.write(kChanerr, chanerr(), 4);
        device.write(kChancmd, kReset, 1);
        CHECK((device.read(kChancmd, 1) & kReset) != 0);
        run();
        CHECK((device.read(kChancmd, 1) & kReset) == 0);
        CHECK(status() == kHalted);
    }
    void init() {
        reset_channel();
        device.write(kIntrctrl, kMsixVectorControl, 1);
    }

    struct Work {
        std::uint32_t size = 8;
        std::uint32_t control = 0;
        std::uint64_t source = kSource;
        std::uint64_t target = kTarget;
        std::uint64_t next = kRing;
    };
    void put(std::uint64_t place, const Work& work) {
        const std::array<std::uint64_t, 4> words{work.size | std::uint64_t{work.control} << 32, work.source,
                                                 work.target, work.next};
        std::memcpy(host.ram.data() + place + kTo, words.data(), sizeof words);
    }
    void start(unsigned count = 1, std::uint64_t chain = kRing, unsigned control = kRearm | kAnyErrAbort) {
        device.write(kChainaddr, chain, 8);
        device.write(kChanctrl, control, 2);
        device.write(kDmacount, count, 2);
    }
    // What the driver waits for: CHANSTS when it is not active, then suspended.
    std::uint64_t wait() {
        run();
        const std::uint64_t end = status();
        if (end == kDone) {
            device.write(kChancmd, kSuspend, 1);
            CHECK(status() == kSuspended);
        }
        return end;
    }
    std::uint64_t copy(const Work& work, unsigned count = 1) {
        put(kRing, work);
        start(count);
        return wait();
    }
    [[nodiscard]] bool same(std::uint64_t from, std::uint64_t to, std::size_t bytes) const {
        return std::memcmp(host.ram.data() + from + kTo, host.ram.data() + to + kTo, bytes) == 0;
    }
    [[nodiscard]] std::uint64_t word(std::uint64_t iova) const {
        std::uint64_t value = 0;
        std::memcpy(&value, host.ram.data() + iova + kTo, 8);
        return value;
    }
};

}  // namespace test

#endif  // TESTS_UNIT_ATS_ENDPOINT_IOAT_DRIVER_H
