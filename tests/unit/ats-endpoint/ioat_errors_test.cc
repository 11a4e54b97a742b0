// SPDX-License-Identifier: GPL-2.0-or-later
//
// The endpoint as Intel's DMA engine: faults, descriptors that are wrong, and a driver that is.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "ioat_driver.h"

using namespace test;

TEST_CASE("Ioat: a page request that nobody answers ends on the right side", "[endpoint][ioat]") {
    struct Row {
        std::uint64_t source = 0, target = 0;
        std::uint32_t error = 0;
    };
    for (const Row& row : {Row{kUnmapped, kTarget, kReadErr}, Row{kSource, kUnmapped, kWriteErr}}) {
        CAPTURE(row.error);
        IoatDriver driver(kAtsOn, kPriOn);
        driver.init();
        driver.device.engine().poke(AE_RESPONSE_TIMEOUT_NS_64, 1000, 8);
        driver.put(kRing, {.source = row.source, .target = row.target});
        driver.start();
        driver.run();
        CHECK(driver.status() == kActive);
        driver.host.time_ns += 1000;
        driver.device.engine().tick();
        CHECK(driver.wait() == kHalted);
        CHECK(driver.chanerr() == row.error);
    }
}

TEST_CASE("Ioat: a reset ends a copy that waits for its page", "[endpoint][ioat]") {
    IoatDriver driver(kAtsOn, kPriOn);
    driver.init();
    driver.put(kRing, {.source = kUnmapped});
    driver.start();
    driver.run();
    CHECK(driver.status() == kActive);
    driver.reset_channel();
    CHECK(driver.copy({}) == kDone);
    CHECK(driver.same(kSource, kTarget, 8));
}

TEST_CASE("Ioat: an error halts the channel, and the driver gets over it", "[endpoint][ioat]") {
    struct Row {
        const char* what = nullptr;
        IoatDriver::Work work;
        std::uint32_t error = 0;
    };
    const std::uint64_t end = ~0ull - 6;  // the last 7 bytes
    for (const Row& row : {
             Row{"source unmapped", {.source = kUnmapped}, kReadErr},
             {"target unmapped", {.target = kUnmapped}, kWriteErr},
             {"second page of the source", {.size = 0x1008, .source = kMapped + kMappedBytes - 0x1000}, kReadErr},
             {"second page of the target", {.size = 0x1008, .target = kMapped + kMappedBytes - 0x1000}, kWriteErr},
             {"no bytes", {.size = 0}, kLengthErr},
             {"a byte too many", {.size = kMost + 1}, kLengthErr},
             {"the most that fits", {.size = ~0u}, kLengthErr},
             {"another operation", {.control = 0x01000000}, kControlErr},
             {"the last operation", {.control = 0xff000000}, kControlErr},
             {"first flag that it does not have", {.control = 1u << 6}, kControlErr},
             {"last reserved bit", {.control = 1u << 23}, kControlErr},
             {"source over the end", {.source = end}, kSrcAddrErr},
             {"target over the end", {.target = end}, kDestAddrErr},
             {"source up to the end", {.source = end - 1}, kReadErr},
             {"completion nowhere", {.control = kComplWrite}, kCompletionErr},
         }) {
        CAPTURE(row.what);
        IoatDriver driver;
        driver.init();
        CHECK(driver.copy(row.work) == kHalted);
        CHECK(driver.chanerr() == row.error);
        CHECK(driver.device.errors() == row.error);
        CHECK(driver.host.interrupts.empty());  // ERR_INT_EN is 0
        // It does not go on before CHANERR is clear.
        driver.put(kRing, {});
        driver.start();
        CHECK(driver.status() == kHalted);
        driver.reset_channel();
        CHECK(driver.chanerr() == 0);
        CHECK(driver.device.errors() == 0);
        CHECK(driver.copy({.control = kIntEn}) == kDone);
        CHECK(driver.same(kSource, kTarget, 8));
        CHECK(driver.host.interrupts.size() == 1);
    }
}

TEST_CASE("Ioat: descriptors that cannot be read", "[endpoint][ioat]") {
    struct Row {
        const char* what = nullptr;
        std::uint64_t chain = 0, next = 0;
        std::uint32_t error = 0;
    };
    for (const Row& row : {Row{"chain unmapped", kUnmapped, 0, kChainAddrErr},
                           {"chain not aligned", kRing + 0x20, 0, kChainAddrErr},
                           {"next unmapped", kRing, kUnmapped, kNextAddrErr},
                           {"next not aligned", kRing, kRing + 1, kNextAlignErr},
                           {"next at the end of all addresses", kRing, ~0ull - 63, kNextAddrErr}}) {
        CAPTURE(row.what);
        IoatDriver driver;
        driver.init();
        driver.put(kRing, {.next = row.next});
        driver.start(2, row.chain);
        CHECK(driver.wait() == kHalted);
        CHECK(driver.chanerr() == row.error);
        CHECK(driver.completed() == (row.chain == kRing ? kRing : 0));
    }
}

TEST_CASE("Ioat: addresses that are translated to no memory", "[endpoint][ioat]") {
    IoatDriver driver;
    driver.init();
    driver.host.pages[kUnmapped] = {.to = kRamBytes};
    CHECK(driver.copy({.source = kUnmapped}) == kHalted);
    CHECK(driver.chanerr() == kReadErr);
    driver.reset_channel();
    CHECK(driver.copy({.target = kUnmapped}) == kHalted);
    CHECK(driver.chanerr() == kWriteErr);
}

TEST_CASE("Ioat: an error interrupts when it is asked to", "[endpoint][ioat]") {
    IoatDriver driver;
    driver.init();
    driver.put(kRing, {.source = kUnmapped});
    driver.start(1, kRing, kRearm | kAnyErrAbort | kErrInt);
    CHECK(driver.wait() == kHalted);
    CHECK(driver.host.interrupts == std::vector<unsigned>{0});
}

TEST_CASE("Ioat: without Bus Master Enable nothing leaves it", "[endpoint][ioat]") {
    IoatDriver driver;
    driver.init();
    driver.configure(0, kPriOff, false);
    CHECK(driver.copy({}) == kHalted);
    CHECK(driver.chanerr() == kChainAddrErr);
    CHECK(driver.host.requests.empty());
}

TEST_CASE("Ioat: a ring of one descriptor ends with its count, a bounded part at a time", "[endpoint][ioat]") {
    IoatDriver driver;
    driver.init();
    driver.put(kRing, {.control = kNull});
    driver.start(0xffff);
    std::size_t most = 0;
    unsigned runs = 0;
    for (unsigned before = ~driver.host.kicks; before != driver.host.kicks; ++runs) {
        before = driver.host.kicks;
        driver.host.requests.clear();
        driver.device.run();
        most = std::max(most, driver.host.requests.size());
    }
    CHECK(driver.status() == kDone);
    CHECK(most <= 8);
    CHECK(runs >= 0xffff / 8);
}

TEST_CASE("Ioat: a copy onto the descriptors, and registers written from inside a port", "[endpoint][ioat]") {
    IoatDriver driver;
    driver.init();
    driver.host.on_memory = [&] {
        driver.device.write(kChainaddr, kUnmapped, 8);
        driver.device.write(kDmacount, 3, 2);
        driver.device.run();
    };
    CHECK(driver.copy({.size = 64, .source = kSource, .target = kRing}, 2) == kHalted);
    CHECK(driver.completed() == kRing);
    CHECK(driver.chanerr() == kControlErr);  // the pattern is no descriptor
    driver.host.on_memory = {};
    driver.reset_channel();
    driver.host.on_memory = [&] { driver.device.write(kChancmd, kReset, 1); };
    driver.put(kRing, {.control = kNull});
    driver.start(100);
    driver.run();
    CHECK(driver.status() == kHalted);
    CHECK(driver.chanerr() == 0);
}
