// SPDX-License-Identifier: GPL-2.0-or-later
//
// The endpoint as Intel's DMA engine: registers, resets, and the state that moves to another machine.
#include <catch2/catch_test_macros.hpp>

#include "ioat_driver.h"

using namespace test;

TEST_CASE("Ioat: the registers that a driver looks for, at its widths", "[endpoint][ioat]") {
    const IoatDriver driver;
    CHECK(driver.device.read(kCbver, 1) == 0x33);
    CHECK(driver.device.read(kChancnt, 1) == 1);
    CHECK(driver.device.read(kXfercap, 1) == 15);
    CHECK(driver.device.read(kIntrctrl, 1) == 0);
    CHECK(driver.device.read(kCapability, 4) == 0);
    CHECK(driver.device.read(kDmaComp, 2) == 2);
    CHECK(driver.device.read(kChansts, 8) == kHalted);
    CHECK(driver.device.read(kChansts, 4) == kHalted);
    CHECK(driver.device.read(kChansts + 4, 4) == 0);
    CHECK(driver.device.read(kChanctrl, 8) == 0x0000000000020000);  // two words
    CHECK(driver.device.read(0, 4) == 0x00000f01);
    for (const std::uint64_t nowhere : {0x100ull, 0x1000ull, 0xffffull, ~0ull})
        CHECK(driver.device.read(nowhere, 1) == 0);
    CHECK(driver.device.read(kDmaComp - 1, 2) == 0);  // across
}

TEST_CASE("Ioat: which bits software writes", "[endpoint][ioat]") {
    struct Row {
        std::uint64_t offset;
        unsigned size;
        std::uint64_t kept;
    };
    for (const Row& row : {Row{0x00, 4, 0x08000f01},
                           {0x08, 4, 0x33},
                           {0x10, 4, 0},
                           {kChanctrl, 4, 0x00020118},
                           {kChansts, 8, kHalted},
                           {kChainaddr, 8, ~0ull},
                           {kChancmp, 8, ~7ull},
                           {kChanerr, 4, 0},
                           {0x0c, 4, 0},
                           {0xac, 4, 0}}) {
        CAPTURE(row.offset);
        IoatDriver driver;
        driver.device.write(row.offset, ~0ull, row.size);
        CHECK(driver.device.read(row.offset, row.size) == row.kept);
    }
}

TEST_CASE("Ioat: a part of a word leaves the rest alone", "[endpoint][ioat]") {
    IoatDriver driver;
    driver.device.write(kChainaddr, 0xff, 1);  // only words there
    CHECK(driver.device.read(kChainaddr, 8) == 0);
    driver.device.write(kChainaddr, 0x1111111122222222, 8);
    driver.device.write(kChainaddr + 4, 0x33333333, 4);
    CHECK(driver.device.read(kChainaddr, 8) == 0x3333333322222222);
    driver.device.write(kChanctrl, 0x0118, 2);
    driver.device.write(kChanctrl + 1, 0x00, 1);
    CHECK(driver.device.read(kChanctrl, 2) == 0x0018);
    driver.device.write(kDmacount + 1, 0x56, 1);  // half of it: kept, and nothing starts
    CHECK(driver.status() == kHalted);
    driver.device.write(kDmacount, 0x1234, 2);
    CHECK(driver.status() == kActive);
    driver.device.write(kChancmd, 0, 1);
    CHECK(driver.device.read(kDmacount, 2) == 0x1234);
}

TEST_CASE("Ioat: errors are cleared each in its place, where ones are written", "[endpoint][ioat]") {
    IoatDriver driver;
    driver.init();
    CHECK(driver.copy({.source = kUnmapped}) == kHalted);
    driver.device.write(kChanerr, ~kReadErr, 4);
    CHECK(driver.chanerr() == kReadErr);
    driver.device.write(kChanerr + 1, 1, 1);
    CHECK(driver.chanerr() == 0);
    CHECK(driver.device.errors() == kReadErr);
    driver.device.clear_errors(~kReadErr);
    CHECK(driver.device.errors() == kReadErr);
    driver.put(kRing, {});
    driver.start();  // CHANERR alone decides
    CHECK(driver.wait() == kDone);
    driver.device.clear_errors(kReadErr);
    CHECK(driver.device.errors() == 0);
}

TEST_CASE("Ioat: a device that is away reads all ones, and goes on when it is back", "[endpoint][ioat]") {
    IoatDriver driver;
    driver.init();
    driver.put(kRing, {});
    driver.start();
    driver.device.engine().poke(AE_VANISH_US, 5, 4);
    CHECK(driver.device.read(kChansts, 8) == ~0ull);
    CHECK(driver.device.read(kCbver, 1) == 0xff);
    driver.device.write(kChancmd, kReset, 1);
    driver.run();
    driver.host.time_ns += 5000;
    driver.device.engine().tick();
    CHECK(driver.status() == kActive);
    CHECK(driver.wait() == kDone);
    CHECK(driver.same(kSource, kTarget, 8));
}

TEST_CASE("Ioat: a reset of the function forgets everything", "[endpoint][ioat]") {
    IoatDriver driver;
    driver.init();
    CHECK(driver.copy({.source = kUnmapped}) == kHalted);
    driver.device.write(kChancmp, kRecord, 8);
    driver.device.reset();
    CHECK(driver.device.errors() == 0);
    CHECK(driver.chanerr() == 0);
    CHECK(driver.device.read(kChancmp, 8) == 0);
    CHECK(driver.device.read(kChainaddr, 8) == 0);
    CHECK(driver.device.read(kDmacount, 2) == 0);
    CHECK(driver.device.read(kIntrctrl, 1) == 0);
    CHECK(driver.status() == kHalted);
    CHECK(driver.device.engine().peek(AE_ENABLES, 4) == 0);
    CHECK(driver.copy({}) == kHalted);
    driver.configure();
    driver.init();
    CHECK(driver.copy({}) == kDone);
}

TEST_CASE("Ioat: a reset of the channel forgets the chain and its count, not what the device is told",
          "[endpoint][ioat]") {
    IoatDriver driver;
    driver.init();
    driver.device.write(kChancmp, kRecord, 8);
    CHECK(driver.copy({}) == kDone);
    driver.device.write(kChancmd, kReset, 1);
    driver.device.write(kDmacount, 5, 2);  // too early
    CHECK(driver.status() == kSuspended);
    driver.run();
    CHECK(driver.status() == kHalted);
    CHECK(driver.device.read(kChainaddr, 8) == 0);
    CHECK(driver.device.read(kChancmp, 8) == 0);
    CHECK(driver.device.read(kDmacount, 2) == 0);
    CHECK(driver.device.read(kIntrctrl, 1) == kMsixVectorControl);
    driver.device.write(kDmacount, 1, 2);
    CHECK(driver.wait() == kHalted);
    CHECK(driver.chanerr() == kChainAddrErr);  // nothing is mapped at 0
}

TEST_CASE("Ioat: a chain goes on in another machine, at any point", "[endpoint][ioat]") {
    for (unsigned runs = 0; runs < 6; ++runs) {
        CAPTURE(runs);
        IoatDriver driver;
        driver.init();
        driver.device.write(kChancmp, kRecord, 8);
        // Neither end of a page is the other's: more transactions than one run makes.
        driver.put(kRing, {.size = kMost,
                           .control = kComplWrite,
                           .source = kSource + 0x11,
                           .target = kTarget + 0x123,
                           .next = kRing + 0x40});
        driver.put(kRing + 0x40, {.control = kIntEn, .target = kTarget - 8});
        driver.start(2);
        for (unsigned i = 0; i < runs; ++i)
            driver.device.run();
        IoatDriver other;
        other.host.ram = driver.host.ram;
        REQUIRE(other.device.load(driver.device.save()));
        CHECK((other.host.kicks != 0) == (driver.status() == kActive));
        other.configure();
        other.host.interrupts = driver.host.interrupts;
        CHECK(other.device.save() == driver.device.save());
        other.run();
        CHECK(other.status() == kDone);
        CHECK(other.same(kSource + 0x11, kTarget + 0x123, kMost));
        CHECK(other.same(kSource, kTarget - 8, 8));
        CHECK(other.word(kRecord) == kRing);
        CHECK(other.host.interrupts.size() == 1);
    }
}

TEST_CASE("Ioat: saved words may say anything", "[endpoint][ioat]") {
    IoatDriver driver;
    endpoint::StateWords words = driver.device.save();
    for (const std::uint64_t fill : {~0ull, 0x8888888888888888ull}) {
        for (std::size_t at = words.size() - 31; at < words.size(); ++at)
            words[at] = fill;
        REQUIRE(driver.device.load(words));
        CHECK(driver.device.read(kCbver, 4) == 0x33);
        CHECK(driver.device.read(kXfercap, 1) == 15);
        driver.configure();
        driver.run();
        CHECK(driver.status() != kActive);
        driver.init();
        CHECK(driver.copy({}) == kDone);
    }
    words[words.size() - 32] = 0;
    CHECK_FALSE(driver.device.load(words));
    CHECK_FALSE(driver.device.load({}));
    const endpoint::Endpoint own({}, driver.host.references());
    CHECK_FALSE(driver.device.load(own.save()));
    driver.configure();
    driver.init();
    CHECK(driver.copy({}) == kDone);
}
