// SPDX-License-Identifier: GPL-2.0-or-later
//
// The endpoint as Intel's DMA engine: what a driver that does everything right sees.
#include <catch2/catch_test_macros.hpp>

#include "ioat_driver.h"

using namespace test;

TEST_CASE("Ioat: init, and remove, as often as one likes", "[endpoint][ioat]") {
    IoatDriver driver;
    for (unsigned i = 0; i < 10; ++i) {
        driver.init();
        CHECK(driver.device.read(kIntrctrl, 1) == kMsixVectorControl);
        CHECK(driver.copy({}) == kDone);
        driver.reset_channel();
    }
    CHECK(driver.host.interrupts.empty());
}

TEST_CASE("Ioat: copies of every size up to what XFERCAP says", "[endpoint][ioat]") {
    for (const std::uint32_t size : {1u, 7u, 8u, 64u, 4095u, 4096u, 4097u, 0x5001u, kMost - 1, kMost}) {
        for (const std::uint64_t shift : {0ull, 3ull, 0xfffull}) {
            CAPTURE(size, shift);
            IoatDriver driver;
            driver.init();
            CHECK(driver.copy({.size = size, .target = kTarget + shift}) == kDone);
            CHECK(driver.same(kSource, kTarget + shift, size));
            CHECK(driver.host.ram[kTarget + shift + kTo + size] == 0);
            CHECK(driver.completed() == kRing);
            CHECK(driver.chanerr() == 0);
            CHECK(driver.host.interrupts.empty());
        }
    }
}

TEST_CASE("Ioat: nothing happens inside the write; the channel is active at once", "[endpoint][ioat]") {
    IoatDriver driver;
    driver.init();
    driver.put(kRing, {});
    driver.host.requests.clear();
    driver.start();
    CHECK(driver.status() == kActive);
    CHECK(driver.host.requests.empty());
    driver.device.write(kChainaddr, 0xdead00, 8);  // not while it is read from
    CHECK(driver.device.read(kChainaddr, 8) == kRing);
    CHECK(driver.wait() == kDone);
}

TEST_CASE("Ioat: all requests go untranslated, without PASID, as the device's own", "[endpoint][ioat]") {
    IoatDriver driver;
    driver.init();
    CHECK(driver.copy({.size = 0x2000, .control = kComplWrite}) == kHalted);  // CHANCMP is 0
    CHECK(driver.chanerr() == kCompletionErr);
    CHECK(driver.same(kSource, kTarget, 0x2000));
    CHECK(driver.host.requests.size() == 6);
    for (const auto& asked : driver.host.requests) {
        CHECK(asked.request.kind == iommu::RequestKind::Untranslated);
        CHECK_FALSE(asked.request.pasid);
        CHECK(asked.request.requester.value == kUs);
    }
}

TEST_CASE("Ioat: with ATS on, through the ATC", "[endpoint][ioat]") {
    IoatDriver driver(kAtsOn);
    driver.init();
    CHECK(driver.copy({.size = 0x1000}, 3) == kDone);
    CHECK(driver.same(kSource, kTarget, 0x1000));
    CHECK(driver.host.translation_requests.size() == 3);  // ring, source, target, once each
    for (const auto& asked : driver.host.requests)
        CHECK(asked.request.kind == iommu::RequestKind::Translated);
    CHECK(driver.device.engine().peek(AE_ATC_HITS, 4) == 6);

    // An invalidation is the endpoint's to answer.
    driver.host.pages[kSource].to = kTarget + kTo;
    iommu::InvalidateRequest request{.requester = {kUs}};
    request.range = {iommu::Iova{kSource}, iommu::Iova{kSource + 0xfff}};
    driver.device.engine().invalidate(request);
    driver.host.time_ns += 10000;
    driver.device.engine().tick();
    CHECK(driver.host.completions.size() == 1);
    driver.host.ram[kTarget + kTo] = 0x99;
    CHECK(driver.copy({.size = 1, .target = kTarget + 0x800}) == kDone);
    CHECK(driver.host.ram[kTarget + kTo + 0x800] == 0x99);
}

TEST_CASE("Ioat: with page requests on, it waits for the page, or gives up", "[endpoint][ioat]") {
    for (const auto code : {iommu::ResponseCode::Success, iommu::ResponseCode::InvalidRequest}) {
        IoatDriver driver(kAtsOn, kPriOn);
        driver.init();
        driver.put(kRing, {.size = 16, .target = kUnmapped});
        driver.start();
        driver.run();
        CHECK(driver.status() == kActive);
        REQUIRE(driver.host.page_requests.size() == 1);
        CHECK(driver.host.page_requests[0].address.value == kUnmapped);
        driver.host.pages[kUnmapped] = {.to = 0x80000};
        iommu::PageGroupResponse response{.requester = {kUs}};
        response.index = driver.host.page_requests[0].index;
        response.code = code;
        driver.device.engine().respond(response);
        const bool given = code == iommu::ResponseCode::Success;
        CHECK(driver.wait() == (given ? kDone : kHalted));
        CHECK(driver.chanerr() == (given ? 0 : kWriteErr));
        CHECK((driver.host.ram[0x80001] == 7) == given);
    }
}

TEST_CASE("Ioat: a chain of descriptors, in order, a record for each that asks", "[endpoint][ioat]") {
    IoatDriver driver;
    driver.init();
    driver.device.write(kChancmp, kRecord, 8);
    // Each moves on what the one before has moved.
    driver.put(kRing, {.target = kTarget, .next = kRing + 0x80});
    driver.put(kRing + 0x80, {.control = kFence, .source = kTarget, .target = kTarget + 8, .next = kRing + 0x40});
    driver.put(kRing + 0x40,
               {.control = kComplWrite, .source = kTarget + 8, .target = kTarget + 16, .next = kRing + 0xc0});
    // Neither these addresses are looked at, nor the next one.
    driver.put(kRing + 0xc0, {.control = kNull, .source = ~0ull, .target = ~0ull, .next = 0x7});
    driver.start(4);
    CHECK(driver.wait() == kDone);
    CHECK(driver.same(kSource, kTarget + 16, 8));
    CHECK(driver.completed() == kRing + 0xc0);
    CHECK(driver.word(kRecord) == (kRing + 0x40 + kActive));
    CHECK(driver.chanerr() == 0);
}

TEST_CASE("Ioat: DMACOUNT counts from the last write of CHAINADDR, and may grow", "[endpoint][ioat]") {
    IoatDriver driver;
    driver.init();
    driver.device.write(kChancmp, kRecord, 8);
    driver.put(kRing, {.control = kComplWrite, .next = kRing + 0x40});
    driver.put(kRing + 0x40, {.control = kComplWrite, .target = kTarget + 8, .next = kRing + 0x80});
    driver.start(1);
    driver.run();
    CHECK(driver.word(kRecord) == (kRing | kDone));
    CHECK(driver.word(kTarget + 8) == 0);
    driver.device.write(kDmacount, 1, 2);  // nothing new
    CHECK(driver.status() == kDone);
    driver.device.write(kDmacount, 2, 2);
    CHECK(driver.status() == kActive);
    driver.run();
    CHECK(driver.status() == kDone);
    CHECK(driver.word(kRecord) == ((kRing + 0x40) | kDone));
    CHECK(driver.same(kSource, kTarget + 8, 8));
}

TEST_CASE("Ioat: the record is there before CHANSTS says so, and the interrupt comes last", "[endpoint][ioat]") {
    IoatDriver driver;
    driver.init();
    driver.device.write(kChancmp, kRecord, 8);
    std::vector<std::uint64_t> seen;
    driver.host.on_memory = [&] { seen.push_back(driver.status()); };
    CHECK(driver.copy({.control = kIntEn | kComplWrite}) == kDone);
    CHECK(seen == std::vector<std::uint64_t>(4, kActive));
    CHECK(driver.word(kRecord) == (kRing | kDone));
    CHECK(driver.host.interrupts == std::vector<unsigned>{0});
}

TEST_CASE("Ioat: send_msi, one interrupt for each rearming", "[endpoint][ioat]") {
    IoatDriver driver;
    driver.init();
    for (unsigned sent = 1; sent <= 3; ++sent) {
        CHECK(driver.copy({.control = kIntEn}) == kDone);
        CHECK(driver.host.interrupts.size() == sent);
        driver.device.write(kChanctrl + 1, 1, 1);                 // the other byte: not a rearming
        CHECK((driver.device.read(kChanctrl, 2) & kRearm) != 0);  // Interrupt Disable
    }
    CHECK(driver.copy({.control = kIntEn}, 5) == kDone);  // five of them, one rearming
    CHECK(driver.host.interrupts.size() == 4);
    driver.start(1, kRing, kAnyErrAbort);
    CHECK(driver.wait() == kDone);
    CHECK(driver.host.interrupts.size() == 4);
}

TEST_CASE("Ioat: no interrupt unless INTRCTRL wants MSI-X", "[endpoint][ioat]") {
    IoatDriver driver;
    driver.reset_channel();
    CHECK(driver.copy({.control = kIntEn}) == kDone);
    CHECK(driver.host.interrupts.empty());
}

TEST_CASE("Ioat: SUSPEND while it works ends after the descriptor; a new count goes on", "[endpoint][ioat]") {
    IoatDriver driver;
    driver.init();
    driver.put(kRing, {.size = kMost, .next = kRing + 0x40});
    driver.put(kRing + 0x40, {.target = kTarget + kMost});
    driver.start(2);
    driver.host.on_memory = [&] { driver.device.write(kChancmd, kSuspend, 1); };
    driver.run();
    driver.host.on_memory = {};
    CHECK(driver.status() == kSuspended);
    CHECK(driver.completed() == kRing);
    CHECK(driver.same(kSource, kTarget, kMost));
    CHECK(driver.word(kTarget + kMost) == 0);
    driver.device.write(kDmacount, 2, 2);
    CHECK(driver.wait() == kDone);
    CHECK(driver.same(kSource, kTarget + kMost, 8));
}

TEST_CASE("Ioat: SUSPEND leaves a halted channel halted", "[endpoint][ioat]") {
    IoatDriver driver;
    driver.init();
    driver.device.write(kChancmd, kSuspend, 1);
    driver.run();
    CHECK(driver.status() == kHalted);
}
