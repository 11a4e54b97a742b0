// SPDX-License-Identifier: GPL-2.0-or-later
//
// Operations on memory: untranslated, translated, atomics, results, refusals, several channels.
#include <catch2/catch_test_macros.hpp>

#include "host.h"

using namespace test;

TEST_CASE("endpoint: a read puts memory into the window, a write the window into memory") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000};
    bench.host.ram[0x8010] = 0x5a;
    CHECK(bench.carry_out({.operation = AE_OP_READ, .source = 0x4010, .destination = 0x20, .length = 8}) ==
          AE_CODE_SUCCESS);
    CHECK(bench.get64(AE_WINDOW(0) + 0x20) == 0x5a);
    CHECK(bench.channel64(AE_DONE_BYTES_64) == 8);
    REQUIRE(bench.host.requests.size() == 1);
    CHECK(bench.host.requests[0].request.kind == iommu::RequestKind::Untranslated);
    CHECK(bench.host.requests[0].request.requester.value == kUs);

    bench.set64(AE_WINDOW(0) + 0x100, 0x1122334455667788);
    CHECK(bench.carry_out({.operation = AE_OP_WRITE, .source = 0x100, .destination = 0x4000, .length = 6}) ==
          AE_CODE_SUCCESS);
    CHECK(bench.host.ram[0x8000] == 0x88);
    CHECK(bench.host.ram[0x8005] == 0x33);
    CHECK(bench.host.ram[0x8006] == 0);
    CHECK(bench.host.requests[1].request.access == iommu::Access::Write);
}

TEST_CASE("endpoint: nothing happens inside the register write") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000};
    bench.order({.operation = AE_OP_READ, .source = 0x4000, .length = 8});
    CHECK(bench.host.requests.empty());
    CHECK(bench.busy());
    CHECK(bench.host.kicks == 1);
    bench.run();
    CHECK(!bench.busy());
    CHECK(bench.host.requests.size() == 1);
}

TEST_CASE("endpoint: a transaction stays inside 4 KiB, and each has a result of its own") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000};
    bench.host.pages[0x6000] = {.to = 0xa000};
    // 0x4800..0x67ff: 0x5000 is missing.
    CHECK(bench.carry_out({.operation = AE_OP_READ, .source = 0x4800, .length = 0x1000}) ==
          AE_CODE_UNSUPPORTED_REQUEST);
    CHECK(bench.channel64(AE_RESULTS_64) == 0x21);
    CHECK(in(bench.channel(AE_RESULT), AE_RESULT_REASON) == 0x71);
    CHECK(bench.channel64(AE_FAULT_ADDRESS_64) == 0x5000);
    CHECK(bench.channel64(AE_DONE_BYTES_64) == 0x800);
    CHECK(bench.get(AE_FAULTS) == 1);
    SECTION("and going on, the later ones are made too") {
        bench.host.pages[0x10000] = {.to = 0x20000, .page_log2 = 16};
        CHECK(bench.carry_out({.operation = AE_OP_COPY | AE_OPERATION_GO_ON,
                               .source = 0x4000,
                               .destination = 0x10000,
                               .length = 0x4000}) == AE_CODE_UNSUPPORTED_REQUEST);
        // Read, write; the read of 0x5000 fails, and its write is not tried; read, write; 0x7000 as 0x5000.
        CHECK(bench.channel64(AE_RESULTS_64) == 0x211211);
        CHECK(in(bench.channel(AE_RESULT), AE_RESULT_TRANSACTIONS) == 6);
        CHECK(bench.channel64(AE_FAULT_ADDRESS_64) == 0x5000);  // the first one's
        CHECK(bench.channel64(AE_DONE_BYTES_64) == 0x2000);
        CHECK(bench.get(AE_FAULTS) == 3);
    }
}

TEST_CASE("endpoint: a copy keeps pages of both sides apart") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000, .page_log2 = 14};
    bench.host.pages[0x10000] = {.to = 0x20000, .page_log2 = 14};
    for (unsigned i = 0; i < 0x2000; ++i)
        bench.host.ram[0x8000 + i] = static_cast<std::uint8_t>(i * 7 + (i >> 8));
    CHECK(bench.carry_out({.operation = AE_OP_COPY, .source = 0x4100, .destination = 0x10200, .length = 0x1800}) ==
          AE_CODE_SUCCESS);
    CHECK(std::memcmp(&bench.host.ram[0x8100], &bench.host.ram[0x20200], 0x1800) == 0);
    CHECK(bench.host.ram[0x20200 + 0x1800] == 0);
    CHECK(bench.channel64(AE_DONE_BYTES_64) == 0x1800);
    // 0xe00 to the end of the destination's block, 0x100 to that of the source's, 0x900.
    std::vector<std::uint64_t> addresses;
    for (const auto& asked : bench.host.requests)
        addresses.push_back(asked.request.iova.value);
    CHECK(addresses == std::vector<std::uint64_t>{0x4100, 0x10200, 0x4f00, 0x11000, 0x5000, 0x11100});
}

TEST_CASE("endpoint: atomics read, change and write one value") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000};
    bench.host.ram[0x8008] = 0xff;
    const auto memory = [&] {
        std::uint64_t value = 0;
        std::memcpy(&value, &bench.host.ram[0x8008], 8);
        return value;
    };
    CHECK(bench.carry_out({.operation = AE_OP_FETCH_ADD, .destination = 0x4008, .operand = 0xffffffff}) ==
          AE_CODE_SUCCESS);
    CHECK(memory() == 0xfe);  // 4 bytes: no carry into the next
    CHECK(bench.channel64(AE_OLD_VALUE_64) == 0xff);
    CHECK(bench.host.requests[0].request.access == iommu::Access::Atomic);
    CHECK(bench.carry_out(
              {.operation = AE_OP_SWAP | AE_OPERATION_EIGHT, .destination = 0x4008, .operand = 0x1234567890}) ==
          AE_CODE_SUCCESS);
    CHECK(memory() == 0x1234567890);
    CHECK(bench.carry_out({.operation = AE_OP_COMPARE_SWAP | AE_OPERATION_EIGHT,
                           .destination = 0x4008,
                           .operand = 1,
                           .compare = 2}) == AE_CODE_SUCCESS);
    CHECK(memory() == 0x1234567890);
    CHECK(bench.channel64(AE_OLD_VALUE_64) == 0x1234567890);
    CHECK(bench.carry_out({.operation = AE_OP_COMPARE_SWAP | AE_OPERATION_EIGHT,
                           .destination = 0x4008,
                           .operand = 1,
                           .compare = 0x1234567890}) == AE_CODE_SUCCESS);
    CHECK(memory() == 1);
    SECTION("against a processor they try again") {
        bench.host.lost_exchanges = 3;
        CHECK(bench.carry_out({.operation = AE_OP_FETCH_ADD, .destination = 0x4008, .operand = 0x10}) ==
              AE_CODE_SUCCESS);
        CHECK(memory() == 0x14);
    }
    SECTION("and give up") {
        bench.host.lost_exchanges = 100000;
        CHECK(bench.carry_out({.operation = AE_OP_FETCH_ADD, .destination = 0x4008, .operand = 0x10}) ==
              AE_CODE_COMPLETER_ABORT);
    }
}

TEST_CASE("endpoint: PASID, execute and privilege go with the request, the last two only with the first") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000};
    bench.carry_out({.operation = AE_OP_READ, .source = 0x4000, .length = 4, .pasid = 0xe00abcde});
    bench.carry_out({.operation = AE_OP_READ, .source = 0x4000, .length = 4, .pasid = 0x600abcde});
    REQUIRE(bench.host.requests.size() == 2);
    const iommu::Request& with = bench.host.requests[0].request;
    CHECK(with.pasid == iommu::Pasid{0xabcde});
    CHECK(with.execute == iommu::Execute::Yes);
    CHECK(with.privilege == iommu::Privilege::Supervisor);
    const iommu::Request& without = bench.host.requests[1].request;
    CHECK(!without.pasid);
    CHECK(without.execute == iommu::Execute::No);
    CHECK(without.privilege == iommu::Privilege::User);
}

TEST_CASE("endpoint: a length of 0 is one access of no bytes") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000};
    CHECK(bench.carry_out({.operation = AE_OP_READ, .source = 0x4000}) == AE_CODE_SUCCESS);
    REQUIRE(bench.host.requests.size() == 1);
    CHECK(bench.host.requests[0].request.length == iommu::Length::Zero);
    CHECK(bench.host.spaces.empty());
    CHECK(bench.carry_out({.operation = AE_OP_COPY, .source = 0x4000, .destination = 0x4000}) == AE_CODE_SUCCESS);
    CHECK(bench.host.requests.size() == 3);
}

TEST_CASE("endpoint: without a unit the bus takes untranslated requests as they are, and no others") {
    Bench bench;
    bench.host.unit = false;
    bench.host.ram[0x9000] = 0x77;
    CHECK(bench.carry_out({.operation = AE_OP_READ, .source = 0x9000, .length = 4}) == AE_CODE_SUCCESS);
    CHECK(bench.get(AE_WINDOW(0)) == 0x77);
    CHECK(bench.host.spaces == std::vector{endpoint::Space::Bus});
    CHECK(bench.carry_out({.operation = AE_OP_READ | AE_VIA_TRANSLATED, .source = 0x9000, .length = 4}) ==
          AE_CODE_UNSUPPORTED_REQUEST);
}

TEST_CASE("endpoint: a lie as a translated address reaches the unit as such, with ATS off too") {
    Bench bench;
    bench.enable(0);
    bench.host.ram[0x9004] = 0x66;
    CHECK(bench.carry_out({.operation = AE_OP_READ | AE_VIA_TRANSLATED, .source = 0x9004, .length = 4}) ==
          AE_CODE_SUCCESS);
    CHECK(bench.get(AE_WINDOW(0)) == 0x66);
    REQUIRE(bench.host.requests.size() == 1);
    CHECK(bench.host.requests[0].request.kind == iommu::RequestKind::Translated);
    CHECK(bench.host.requests[0].request.iova.value == 0x9004);
}

TEST_CASE("endpoint: memory that is not there is an unsupported request") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = kRamBytes};
    CHECK(bench.carry_out({.operation = AE_OP_READ, .source = 0x4000, .length = 4}) == AE_CODE_UNSUPPORTED_REQUEST);
    CHECK(bench.carry_out({.operation = AE_OP_WRITE, .destination = 0x4000, .length = 4}) ==
          AE_CODE_UNSUPPORTED_REQUEST);
    CHECK(bench.carry_out({.operation = AE_OP_SWAP, .destination = 0x4000}) == AE_CODE_UNSUPPORTED_REQUEST);
    CHECK(bench.get(AE_FAULTS) == 3);
}

TEST_CASE("endpoint: what the unit discards looks done: reads are zeros, writes are lost") {
    Bench bench;
    bench.host.discard = true;
    bench.set64(AE_WINDOW(0), 0x1111);
    CHECK(bench.carry_out({.operation = AE_OP_READ, .source = 0x4000, .length = 4}) == AE_CODE_SUCCESS);
    CHECK(bench.get64(AE_WINDOW(0)) == 0);
    CHECK(bench.carry_out({.operation = AE_OP_WRITE, .destination = 0x4000, .length = 4}) == AE_CODE_SUCCESS);
    CHECK(bench.host.spaces.empty());
}

TEST_CASE("endpoint: the interrupt comes when the operation is over") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000};
    bench.order(
        {.operation = AE_OP_READ | AE_OPERATION_INTERRUPT | at(3, AE_OPERATION_VECTOR), .source = 0x4000, .length = 4});
    CHECK(bench.host.interrupts.empty());
    bench.run();
    CHECK(bench.host.interrupts == std::vector<unsigned>{3});
    bench.carry_out({.operation = AE_OP_READ | at(3, AE_OPERATION_VECTOR), .source = 0x4000, .length = 4});
    CHECK(bench.host.interrupts.size() == 1);
}

TEST_CASE("endpoint: what cannot be is refused") {
    struct Case {
        const char* what;
        Bench::Order order;
        std::uint64_t code;
    };
    const std::uint64_t top = ~std::uint64_t{0};
    const Case cases[] = {
        {"no operation", {.operation = 0}, AE_CODE_REFUSED},
        {"an operation that is none", {.operation = 10}, AE_CODE_REFUSED},
        {"a way that is none", {.operation = AE_OP_READ | 0x300}, AE_CODE_REFUSED},
        {"the whole window", {.operation = AE_OP_READ, .source = 0x4000, .length = 0x1000}, AE_CODE_SUCCESS},
        {"more than the window", {.operation = AE_OP_READ, .source = 0x4000, .length = 0x1001}, AE_CODE_REFUSED},
        {"all there is", {.operation = AE_OP_READ, .source = 0x4000, .length = top}, AE_CODE_REFUSED},
        {"an offset outside",
         {.operation = AE_OP_READ, .source = 0x4000, .destination = top, .length = 2},
         AE_CODE_REFUSED},
        {"the window's end",
         {.operation = AE_OP_WRITE, .source = 0xfff, .destination = 0x4000, .length = 1},
         AE_CODE_SUCCESS},
        {"past the window's end",
         {.operation = AE_OP_WRITE, .source = 0xfff, .destination = 0x4000, .length = 2},
         AE_CODE_REFUSED},
        {"around the end of addresses", {.operation = AE_OP_READ, .source = top, .length = 2}, AE_CODE_REFUSED},
        {"the last byte", {.operation = AE_OP_READ, .source = top, .length = 1}, AE_CODE_UNSUPPORTED_REQUEST},
        {"a long copy",
         {.operation = AE_OP_COPY, .source = 0, .destination = 0, .length = (1 << 20) + 1},
         AE_CODE_REFUSED},
        {"an atomic of 4 bytes at 2", {.operation = AE_OP_SWAP, .destination = 0x4002}, AE_CODE_REFUSED},
        {"an atomic of 8 bytes at 4",
         {.operation = AE_OP_SWAP | AE_OPERATION_EIGHT, .destination = 0x4004},
         AE_CODE_REFUSED},
        {"an atomic of 4 bytes at 4", {.operation = AE_OP_SWAP, .destination = 0x4004}, AE_CODE_SUCCESS},
        {"a group of no page", {.operation = AE_OP_PAGE_REQUEST}, AE_CODE_REFUSED},
        {"a stop marker without PASID", {.operation = AE_OP_STOP_MARKER}, AE_CODE_REFUSED},
    };
    for (const Case& one : cases) {
        INFO(one.what);
        Bench bench;
        bench.host.pages[0x4000] = {.to = 0x8000};
        CHECK(bench.carry_out(one.order) == one.code);
        CHECK(!bench.busy());
    }
}

TEST_CASE("endpoint: nothing goes out without Bus Master Enable") {
    Bench bench;
    bench.device.configure({});
    CHECK(bench.carry_out({.operation = AE_OP_READ, .source = 0x4000, .length = 4}) == AE_CODE_REFUSED);
    CHECK(bench.host.requests.empty());
}

TEST_CASE("endpoint: a run is bounded and gives each channel its turn") {
    Bench bench;
    bench.host.pages[0] = {.to = 0, .page_log2 = 20};
    bench.order({.operation = AE_OP_COPY, .source = 0, .destination = 0x80000, .length = 0x40000}, 0);
    bench.order({.operation = AE_OP_READ, .source = 0, .length = 8}, 1);
    bench.device.run();
    CHECK(bench.busy(0));
    CHECK(!bench.busy(1));
    CHECK(bench.host.requests.size() == 32);
    bench.run();
    CHECK(bench.code(0) == AE_CODE_SUCCESS);
    CHECK(in(bench.channel(AE_RESULT, 0), AE_RESULT_TRANSACTIONS) == 0x80);
}

TEST_CASE("endpoint: a port that runs the device again finds it running") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000};
    bench.order({.operation = AE_OP_READ, .source = 0x4000, .length = 8}, 0);
    bench.order({.operation = AE_OP_READ, .source = 0x4000, .length = 8}, 1);
    bool first = true;
    bench.host.on_memory = [&] {
        if (!first) return;
        first = false;
        bench.device.run();
        CHECK((bench.busy(0) && bench.busy(1)));
    };
    bench.run();
    CHECK((!bench.busy(0) && !bench.busy(1)));
    CHECK(bench.host.requests.size() == 2);
}

TEST_CASE("endpoint: a busy channel keeps its operation and listens to its doorbell only") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000};
    bench.order({.operation = AE_OP_READ, .source = 0x4000, .length = 8});
    bench.set64(AE_CHANNEL(0) + AE_SOURCE_64, 0x7000);
    bench.set(AE_CHANNEL(0) + AE_DOORBELL, AE_DOORBELL_START);
    bench.run();
    CHECK(bench.code() == AE_CODE_SUCCESS);
    CHECK(bench.host.requests.size() == 1);
    bench.order({.operation = AE_OP_READ, .source = 0x4000, .length = 8});
    bench.set(AE_CHANNEL(0) + AE_DOORBELL, AE_DOORBELL_CANCEL);
    CHECK(bench.code() == AE_CODE_CANCELLED);
    bench.run();
    CHECK(bench.host.requests.size() == 1);
}

TEST_CASE("endpoint: a stalled request waits, and is retried, aborted or discarded") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000};
    bench.host.ram[0x8000] = 9;
    bench.set64(AE_WINDOW(0), 0x1111);
    bench.host.stall_with = 0x123;
    bench.order({.operation = AE_OP_READ | AE_OPERATION_CAN_STALL, .source = 0x4000, .length = 4});
    bench.run();
    CHECK(bench.host.requests[0].can_stall == endpoint::CanStall::Yes);
    CHECK(bench.channel(AE_STATUS) == (AE_STATUS_BUSY | AE_STATUS_STALLED));
    CHECK(bench.get(AE_STALLS) == 1);
    bench.device.resume(0x124, iommu::StallAction::Abort);
    CHECK(bench.busy());
    SECTION("retried") {
        bench.device.resume(0x123, iommu::StallAction::Retry);
        bench.run();
        CHECK(bench.code() == AE_CODE_SUCCESS);
        CHECK(bench.get(AE_WINDOW(0)) == 9);
        CHECK(bench.host.requests.size() == 2);
    }
    SECTION("aborted") {
        bench.device.resume(0x123, iommu::StallAction::Abort);
        CHECK(bench.code() == AE_CODE_UNSUPPORTED_REQUEST);
        CHECK(bench.get(AE_WINDOW(0)) == 0x1111);
    }
    SECTION("discarded") {
        bench.device.resume(0x123, iommu::StallAction::Discard);
        CHECK(bench.code() == AE_CODE_SUCCESS);
        CHECK(bench.get(AE_WINDOW(0)) == 0);
    }
    SECTION("given up") {
        bench.set(AE_CHANNEL(0) + AE_DOORBELL, AE_DOORBELL_CANCEL);
        bench.device.resume(0x123, iommu::StallAction::Retry);
        bench.run();
        CHECK(bench.code() == AE_CODE_CANCELLED);
        CHECK(bench.host.requests.size() == 1);
    }
}
