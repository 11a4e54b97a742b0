// SPDX-License-Identifier: GPL-2.0-or-later
//
// BAR 0: what C programs are told is what the device has; access sizes; windows; what has no register.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "host.h"

using namespace test;

namespace {

struct Place {
    const char* name;
    std::uint32_t offset;
    unsigned size;
};
struct Mask {
    const char* reg;
    const char* field;
    std::uint64_t mask;
};

// clang-format off
#define R32(NAME) {#NAME, AE_##NAME, 4}
#define R64(NAME) {#NAME, AE_##NAME##_64, 8}
#define M(REG, FIELD) {#REG, #FIELD, AE_##REG##_##FIELD}

const Place device_places[] = {
    R32(ID), R32(LIMITS), R32(ENABLES), R32(CONTROL), R32(ATC_INDEX), R32(ATC_FLAGS), R32(ATC_PASID), R32(ATC_USED),
    R64(ATC_ADDRESS), R64(ATC_TRANSLATED), R32(LAST_INVALIDATE), R64(LAST_INVALIDATE_FIRST),
    R64(LAST_INVALIDATE_LAST), R64(LAST_RESPONSE), R64(ANSWER_DELAY_NS), R64(LATE_DELAY_NS), R64(DROP_DELAY_NS),
    R64(RESPONSE_TIMEOUT_NS), R32(VANISH_US), R32(UNASKED_ANSWER), R32(DROP_ANSWERS), R32(LATE_ANSWERS),
    R32(WRONG_ITAGS), R32(TWICE_ANSWERS), R32(WRONG_REQUESTERS), R32(EARLY_ANSWERS), R32(SAME_INDEXES),
    R32(IGNORE_RESPONSES), R32(REQUESTER), R32(BEHAVIOUR), R32(ATC_HITS), R32(ATC_MISSES), R32(ATC_FILLS),
    R32(ATC_EVICTIONS), R32(ATC_DROPPED), R32(INVALIDATES), R32(INVALIDATES_PASID), R32(INVALIDATES_GLOBAL),
    R32(INVALIDATES_WHOLE), R32(INVALIDATES_LOST), R32(ANSWERS), R32(TRANSLATION_REQUESTS), R32(PAGE_REQUESTS),
    R32(STOP_MARKERS), R32(RESPONSES_SUCCESS), R32(RESPONSES_INVALID), R32(RESPONSES_FAILURE),
    R32(RESPONSES_UNEXPECTED), R32(RESPONSES_LOST), R32(FAULTS), R32(STALLS), R32(STRUCK_DROP), R32(STRUCK_LATE),
    R32(STRUCK_WRONG_ITAG), R32(STRUCK_TWICE), R32(STRUCK_WRONG_REQUESTER), R32(STRUCK_EARLY), R32(STRUCK_UNASKED),
    R32(STRUCK_SAME_INDEX), R32(STRUCK_IGNORE_RESPONSE), R32(STRUCK_PASID_MISMATCH), R32(STRUCK_CAPACITY),
    R32(STRUCK_VANISH),
};
const Place channel_places[] = {
    R32(DOORBELL), R32(STATUS), R32(OPERATION), R32(PASID), R64(SOURCE), R64(DESTINATION), R64(LENGTH), R64(OPERAND),
    R64(COMPARE), R32(PAGES), R32(RESULT), R64(RESULTS), R64(DONE_BYTES), R64(FAULT_ADDRESS), R64(OLD_VALUE),
    R64(TRANSLATION_ADDRESS), R32(TRANSLATION_FLAGS), R32(RESPONSE),
};
const Mask device_masks[] = {
    M(LIMITS, CHANNELS), M(LIMITS, WINDOW_LOG2), M(LIMITS, ATC_ENTRIES), M(ENABLES, BUS_MASTER), M(ENABLES, ATS),
    M(ENABLES, PASID), M(ENABLES, PASID_EXEC), M(ENABLES, PASID_PRIV), M(ENABLES, PRI), M(ENABLES, STU),
    M(CONTROL, CLEAR_COUNTERS), M(CONTROL, DROP_ATC), M(ATC_FLAGS, VALID), M(ATC_FLAGS, R), M(ATC_FLAGS, W),
    M(ATC_FLAGS, EXE), M(ATC_FLAGS, PRIV), M(ATC_FLAGS, GLOBAL), M(ATC_FLAGS, U), M(ATC_FLAGS, N),
    M(ATC_FLAGS, SIZE_LOG2), M(ATC_PASID, PASID), M(ATC_PASID, VALID), M(LAST_INVALIDATE, PASID),
    M(LAST_INVALIDATE, ITAG), M(LAST_INVALIDATE, GLOBAL), M(LAST_INVALIDATE, PASID_VALID), M(LAST_RESPONSE, PASID),
    M(LAST_RESPONSE, PASID_VALID), M(LAST_RESPONSE, INDEX), M(LAST_RESPONSE, CODE), M(REQUESTER, ID),
    M(BEHAVIOUR, CHECK_RESPONSE_PASID), M(BEHAVIOUR, IGNORE_CAPACITY),
};
const Mask channel_masks[] = {
    M(DOORBELL, START), M(DOORBELL, CANCEL), M(STATUS, BUSY), M(STATUS, STALLED), M(STATUS, WAITS_RESPONSE),
    M(STATUS, WAITS_CREDIT), M(OPERATION, OP), M(OPERATION, VIA), M(OPERATION, NW), M(OPERATION, GO_ON),
    M(OPERATION, CAN_STALL), M(OPERATION, EIGHT), M(OPERATION, INTERRUPT), M(OPERATION, VECTOR), M(PASID, VALUE),
    M(PASID, PRIV), M(PASID, EXEC), M(PASID, VALID), M(PAGES, INDEX), M(PAGES, COUNT), M(PAGES, READ),
    M(PAGES, WRITE), M(PAGES, LAST), M(PAGES, AUTO), M(PAGES, BURST), M(PAGES, WAIT), M(RESULT, CODE),
    M(RESULT, REASON), M(RESULT, TRANSACTIONS), M(TRANSLATION_FLAGS, STATUS), M(TRANSLATION_FLAGS, R),
    M(TRANSLATION_FLAGS, W), M(TRANSLATION_FLAGS, EXE), M(TRANSLATION_FLAGS, PRIV), M(TRANSLATION_FLAGS, GLOBAL),
    M(TRANSLATION_FLAGS, U), M(TRANSLATION_FLAGS, N), M(TRANSLATION_FLAGS, SIZE_LOG2), M(TRANSLATION_FLAGS, VALID),
    M(RESPONSE, INDEX), M(RESPONSE, CODE), M(RESPONSE, VALID),
};
// clang-format on

void check_places(const std::vector<endpoint::Described>& registers, std::span<const Place> places) {
    REQUIRE(registers.size() == places.size());
    for (std::size_t i = 0; i < places.size(); ++i) {
        INFO(places[i].name);
        CHECK(registers[i].spec.name == places[i].name);
        CHECK(registers[i].spec.offset == places[i].offset);
        CHECK(registers[i].spec.size == places[i].size);
        CHECK(!registers[i].meaning.empty());
    }
}

// Both ways: every mask is a field, and every field (of more than one) has a mask.
void check_masks(const std::vector<endpoint::Described>& registers, std::span<const Mask> masks) {
    std::size_t fields = 0;
    for (const auto& [spec, meaning] : registers) {
        for (const iommu::FieldInfo& field : spec.fields) {
            if (field.access == iommu::Rsvd || field.name == "VALUE" || field.name == "INDEX" || field.name == "ID")
                continue;
            ++fields;
            INFO(spec.name << "." << field.name);
            const auto mask = std::find_if(masks.begin(), masks.end(), [&](const Mask& one) {
                return spec.name == one.reg && field.name == one.field;
            });
            REQUIRE(mask != masks.end());
            CHECK(mask->mask == iommu::bit_range(field.high, field.low));
        }
    }
    const auto skipped = std::count_if(masks.begin(), masks.end(), [](const Mask& one) {
        const std::string_view field = one.field;
        return field == "VALUE" || field == "INDEX" || field == "ID";
    });
    CHECK(fields + static_cast<std::size_t>(skipped) == masks.size());
}

}  // namespace

TEST_CASE("endpoint registers: ats-endpoint-regs.h says what the device has") {
    check_places(endpoint::device_registers({}), device_places);
    check_places(endpoint::channel_registers(), channel_places);
    check_masks(endpoint::device_registers({}), device_masks);
    check_masks(endpoint::channel_registers(), channel_masks);
    CHECK(AE_CHANNELS == endpoint::kChannels);
    CHECK(AE_CHANNEL(1) == endpoint::kChannelsOffset + endpoint::kChannelBytes);
    CHECK(AE_WINDOW(1) == endpoint::kWindowsOffset + endpoint::kWindowBytes);
    CHECK(AE_OP_STOP_MARKER == static_cast<unsigned>(endpoint::Op::StopMarker));
    CHECK(AE_OP_TRANSLATION_REQUEST == static_cast<unsigned>(endpoint::Op::TranslationRequest));
    CHECK(AE_VIA_TRANSLATED >> 8 == static_cast<unsigned>(endpoint::Via::Translated));
    CHECK(AE_CODE_CANCELLED == static_cast<unsigned>(endpoint::Code::Cancelled));
    CHECK(AE_CODE_NO_RIGHTS == static_cast<unsigned>(endpoint::Code::NoRights));
}

TEST_CASE("endpoint registers: reset values, and what configuration space enables") {
    Bench bench(endpoint::Options{.atc_entries = 7, .answer_delay_ns = 12345});
    CHECK(bench.get(AE_ID) == 0x31535441);
    CHECK(bench.get(AE_LIMITS) == 0x00070c04);
    CHECK(bench.get64(AE_ANSWER_DELAY_NS_64) == 12345);
    CHECK(bench.get(AE_BEHAVIOUR) == 1);
    CHECK(bench.get(AE_ENABLES) == 0x27);
    bench.enable(kAtsOn | 0x50000, kPriOff);
    CHECK(bench.get(AE_ENABLES) == 0x507);
    bench.device.configure({.pasid = iommu::Value<endpoint::PASID_CAPABILITY>{0x70000}});
    CHECK(bench.get(AE_ENABLES) == 0x1c);
}

TEST_CASE("endpoint registers: 4 and 8 bytes, aligned; nothing else") {
    Bench bench;
    bench.set64(AE_LATE_DELAY_NS_64, 0x1122334455667788);
    CHECK(bench.get(AE_LATE_DELAY_NS_64) == 0x55667788);
    CHECK(bench.get(AE_LATE_DELAY_NS_64 + 4) == 0x11223344);
    bench.set(AE_LATE_DELAY_NS_64 + 4, 0x99);
    CHECK(bench.get64(AE_LATE_DELAY_NS_64) == 0x9955667788);
    // Two registers in one access, low one first.
    bench.set64(AE_DROP_ANSWERS, 0x0000000500000004);
    CHECK(bench.get(AE_DROP_ANSWERS) == 4);
    CHECK(bench.get(AE_LATE_ANSWERS) == 5);
    CHECK(bench.get64(AE_DROP_ANSWERS) == 0x0000000500000004);
    for (const unsigned size : {1u, 2u, 3u, 16u}) {
        bench.device.write(AE_DROP_ANSWERS, 0x77, size);
        CHECK(bench.device.read(AE_DROP_ANSWERS, size) == 0);
        bench.device.write(AE_WINDOW(0), 0x77, size);
        CHECK(bench.device.read(AE_WINDOW(0), size) == 0);
    }
    bench.device.write(AE_DROP_ANSWERS + 2, 0x77, 4);
    bench.device.write(AE_WINDOW(0) + 4, 0x77, 8);
    CHECK(bench.get(AE_DROP_ANSWERS) == 4);
    CHECK(bench.get64(AE_WINDOW(0)) == 0);
}

TEST_CASE("endpoint registers: 8 bytes are two registers of a channel too") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000};
    bench.set64(AE_CHANNEL(0) + AE_SOURCE_64, 0x4000);
    bench.set64(AE_CHANNEL(0) + AE_LENGTH_64, 4);
    bench.set64(AE_CHANNEL(0) + AE_OPERATION, AE_OP_READ);
    bench.set64(AE_CHANNEL(0) + AE_DOORBELL, AE_DOORBELL_START);
    bench.run();
    CHECK(bench.code() == AE_CODE_SUCCESS);
    CHECK(bench.channel(AE_DOORBELL) == 0);
}

TEST_CASE("endpoint registers: windows hold bytes in little-endian order, each channel its own") {
    Bench bench;
    bench.set64(AE_WINDOW(3) + 0xff8, 0x1122334455667788);
    CHECK(bench.get(AE_WINDOW(3) + 0xff8) == 0x55667788);
    CHECK(bench.get(AE_WINDOW(3) + 0xffc) == 0x11223344);
    CHECK(bench.get64(AE_WINDOW(2) + 0xff8) == 0);
    CHECK(bench.get64(AE_WINDOW(3)) == 0);
}

TEST_CASE("endpoint registers: where there is none, reads are 0 and writes do nothing") {
    Bench bench;
    for (std::uint64_t offset = 0; offset <= endpoint::kBarBytes; offset += 4)
        bench.device.write(offset, 0, 4);
    for (const std::uint64_t offset :
         {std::uint64_t{0x200}, std::uint64_t{0xffc}, std::uint64_t{0x1400}, std::uint64_t{0x7ffc},
          std::uint64_t{0xc000}, std::uint64_t{0xfffc}, std::uint64_t{0x10000}, ~std::uint64_t{7}}) {
        bench.device.write(offset, 0xffffffff, 4);
        CHECK(bench.device.read(offset, 4) == 0);
        CHECK(bench.device.read(offset & ~std::uint64_t{7}, 8) == 0);
    }
}

TEST_CASE("endpoint registers: hardware's registers cannot be written") {
    Bench bench;
    for (const std::uint32_t offset : {AE_ID, AE_LIMITS, AE_ENABLES, AE_ATC_USED, AE_LAST_INVALIDATE, AE_ATC_HITS,
                                       AE_STRUCK_VANISH, AE_CHANNEL(0) + AE_STATUS, AE_CHANNEL(0) + AE_RESULT}) {
        const std::uint64_t before = bench.get(offset);
        bench.set(offset, ~before);
        CHECK(bench.get(offset) == before);
    }
}

TEST_CASE("endpoint registers: the ATC beyond its end is empty") {
    Bench bench(endpoint::Options{.atc_entries = 1});
    bench.host.pages[0x4000] = {.to = 0x8000};
    bench.read_via_atc(0x4000, 0x80000005);
    CHECK(bench.get(AE_ATC_FLAGS) == 0x0c07);
    CHECK(bench.get(AE_ATC_PASID) == 0x80000005);
    CHECK(bench.get64(AE_ATC_INDEX) == 0x00000c0700000000);
    bench.set(AE_ATC_INDEX, 1);
    CHECK(bench.get(AE_ATC_FLAGS) == 0);
    CHECK(bench.get(AE_ATC_USED) == 1);
    bench.set(AE_ATC_INDEX, 0xffffffff);
    CHECK(bench.get(AE_ATC_INDEX) == 0xffff);
    CHECK(bench.get64(AE_ATC_ADDRESS_64) == 0);
}
