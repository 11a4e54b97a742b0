// SPDX-License-Identifier: GPL-2.0-or-later
//
// The C border: sizes, null ports, conversions both ways. It converts and forwards; what the device does is tested
// elsewhere.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "ats-endpoint-regs.h"
#include "ats-endpoint.h"

namespace {

struct World {
    iommu_request request{};
    iommu_reply reply{};
    iommu_translation_completion completion{};
    std::vector<iommu_page_request> page_requests;
    std::vector<iommu_invalidate_completion> answers;
    std::vector<unsigned> vectors;
    std::vector<std::pair<std::uint32_t, std::uint64_t>> places;  // space, address
    std::uint64_t memory = 0;
    std::uint64_t now_ns = 0;
    unsigned kicks = 0, deadlines = 0, statuses = 0;
    bool unit = true;
};
World& of(void* opaque) { return *static_cast<World*>(opaque); }

ats_endpoint_ports ports_into(World& world) {
    ats_endpoint_ports ports{};
    ports.size = sizeof ports;
    ports.opaque = &world;
    ports.requester = [](void*) { return std::uint32_t{0x1234}; };
    ports.translate = [](void* o, const iommu_request* request, iommu_reply* reply) {
        of(o).request = *request;
        *reply = of(o).reply;
        return of(o).unit;
    };
    ports.translation_request = [](void* o, const iommu_request* request, iommu_translation_completion* completion) {
        of(o).request = *request;
        *completion = of(o).completion;
    };
    ports.page_request = [](void* o, const iommu_page_request* request) { of(o).page_requests.push_back(*request); };
    ports.invalidate_completed = [](void* o, const iommu_invalidate_completion* answer) {
        of(o).answers.push_back(*answer);
    };
    ports.read = [](void* o, std::uint32_t space, std::uint64_t address, void* to, std::size_t bytes) {
        of(o).places.emplace_back(space, address);
        std::memcpy(to, &of(o).memory, std::min<std::size_t>(bytes, 8));
        return true;
    };
    ports.write = [](void* o, std::uint32_t space, std::uint64_t address, const void* from, std::size_t bytes) {
        of(o).places.emplace_back(space, address);
        std::memcpy(&of(o).memory, from, std::min<std::size_t>(bytes, 8));
        return true;
    };
    ports.compare_exchange = [](void* o, std::uint32_t, std::uint64_t, unsigned, std::uint64_t expected,
                                std::uint64_t desired, std::uint64_t* found) {
        *found = of(o).memory;
        if (*found == expected) of(o).memory = desired;
        return true;
    };
    ports.msix = [](void* o, unsigned vector) { of(o).vectors.push_back(vector); };
    ports.now_ns = [](void* o) { return of(o).now_ns; };
    ports.kick = [](void* o) { ++of(o).kicks; };
    ports.deadline_changed = [](void* o) { ++of(o).deadlines; };
    ports.pri_status_changed = [](void* o) { ++of(o).statuses; };
    return ports;
}

ats_endpoint_options default_options() {
    ats_endpoint_options options;
    ats_endpoint_default_options(&options, sizeof options);
    return options;
}

struct Destroy {
    void operator()(ats_endpoint* device) const { ats_endpoint_destroy(device); }
};
using Handle = std::unique_ptr<ats_endpoint, Destroy>;

Handle create(World& world) {
    const ats_endpoint_options options = default_options();
    const ats_endpoint_ports ports = ports_into(world);
    Handle device{ats_endpoint_create(&options, &ports, nullptr, 0)};
    REQUIRE(device);
    const ats_endpoint_config config{.size = sizeof config,
                                     .bus_master = 1,
                                     .ats = 0x80000000,
                                     .pasid = 0x10000,
                                     .pri = 0x80000001,
                                     .pri_allocation = 8};
    ats_endpoint_configure(device.get(), &config);
    return device;
}

void order(const Handle& device, std::uint32_t operation, std::uint64_t source, std::uint64_t destination,
           std::uint32_t pasid) {
    const std::uint64_t channel = AE_CHANNEL(0);
    ats_endpoint_write(device.get(), channel + AE_OPERATION, operation, 4);
    ats_endpoint_write(device.get(), channel + AE_PASID, pasid, 4);
    ats_endpoint_write(device.get(), channel + AE_SOURCE_64, source, 8);
    ats_endpoint_write(device.get(), channel + AE_DESTINATION_64, destination, 8);
    ats_endpoint_write(device.get(), channel + AE_LENGTH_64, 8, 8);
    ats_endpoint_write(device.get(), channel + AE_OPERAND_64, 0x55, 8);
    ats_endpoint_write(device.get(), channel + AE_PAGES, 0x9c010003, 4);  // index 3, one page, R, W, last, wait
    ats_endpoint_write(device.get(), channel + AE_DOORBELL, 1, 4);
    ats_endpoint_continue(device.get());
}
std::uint64_t code(const Handle& device) {
    return ats_endpoint_read(device.get(), AE_CHANNEL(0) + AE_RESULT, 4) & AE_RESULT_CODE;
}

}  // namespace

TEST_CASE("endpoint capi: options and ports of another version are refused with a sentence") {
    World world;
    const auto why_not = [](const ats_endpoint_options& options, const ats_endpoint_ports& ports) {
        char why[200] = "";
        const Handle device{ats_endpoint_create(&options, &ports, why, sizeof why)};
        CHECK(!device);
        return std::string(why);
    };
    ats_endpoint_options options = default_options();
    ats_endpoint_ports ports = ports_into(world);
    options.size -= 1;
    CHECK(why_not(options, ports) == "the caller was built for another version of this library");
    options = default_options();
    ports.msix = nullptr;
    CHECK(why_not(options, ports) == "the caller was built for another version of this library");
    ports = ports_into(world);
    for (const std::uint32_t entries : {0u, 1025u}) {
        options.atc_entries = entries;
        CHECK(why_not(options, ports) == "atc-entries=" + std::to_string(entries) + " must be from 1 to 1024");
    }
    for (const std::uint32_t entries : {1u, 1024u}) {
        options.atc_entries = entries;
        CHECK(Handle{ats_endpoint_create(&options, &ports, nullptr, 0)});
    }
    options.personality = 2;
    CHECK(why_not(options, ports) == "personality=2 must be 0 or 1");
}

TEST_CASE("endpoint capi: a device driven by descriptors is one behind each call") {
    World world;
    ats_endpoint_options options = default_options();
    CHECK(options.personality == ATS_ENDPOINT_OWN);
    options.personality = ATS_ENDPOINT_IOAT;
    const ats_endpoint_ports ports = ports_into(world);
    const Handle device{ats_endpoint_create(&options, &ports, nullptr, 0)};
    REQUIRE(device);
    CHECK(ats_endpoint_read(device.get(), 0x08, 1) == 0x33);
    CHECK(ats_endpoint_peek(device.get(), AE_ID, 4) == AE_ID_VALUE);
    ats_endpoint_write(device.get(), 0x90, 0x4000, 8);
    ats_endpoint_write(device.get(), 0x86, 1, 2);
    std::vector<std::uint64_t> words(ATS_ENDPOINT_STATE_WORDS);
    ats_endpoint_save(device.get(), words.data());
    ats_endpoint_continue(device.get());  // no bus master
    CHECK(ats_endpoint_read(device.get(), 0x88, 8) == 3);
    CHECK(ats_endpoint_channel_errors(device.get()) == 0x10);
    ats_endpoint_clear_channel_errors(device.get(), 0x10);
    CHECK(ats_endpoint_channel_errors(device.get()) == 0);
    CHECK(ats_endpoint_load(device.get(), words.data(), nullptr, 0));
    CHECK(ats_endpoint_read(device.get(), 0x88, 8) == 0);
    ats_endpoint_reset(device.get());
    CHECK(ats_endpoint_read(device.get(), 0x88, 8) == 3);
    CHECK(ats_endpoint_read(device.get(), 0x90, 8) == 0);

    const Handle own = create(world);
    CHECK(ats_endpoint_channel_errors(own.get()) == 0);
    ats_endpoint_clear_channel_errors(own.get(), ~0u);
    CHECK(ats_endpoint_read(own.get(), AE_ID, 4) == AE_ID_VALUE);
}

TEST_CASE("endpoint capi: a request goes out whole, and each outcome comes back") {
    World world;
    const Handle device = create(world);
    world.memory = 0x77;
    world.reply = {.outcome = IOMMU_TRANSLATED, .rights = 3, .address = 0x8000, .page_log2 = 12};
    order(device, AE_OP_READ | AE_OPERATION_CAN_STALL, 0x4000, 0, 0xe00abcde);
    CHECK(world.request.requester == 0x1234);
    CHECK(world.request.pasid == 0xabcde);
    CHECK(world.request.iova == 0x4000);
    CHECK(world.request.kind == IOMMU_REQUEST_UNTRANSLATED);
    CHECK(world.request.flags ==
          (IOMMU_REQUEST_READ | IOMMU_REQUEST_PRIVILEGED | IOMMU_REQUEST_EXECUTE | IOMMU_REQUEST_CAN_STALL));
    CHECK(code(device) == AE_CODE_SUCCESS);
    CHECK(ats_endpoint_read(device.get(), AE_WINDOW(0), 8) == 0x77);
    CHECK(world.places.back() == std::pair{std::uint32_t{ATS_ENDPOINT_PHYSICAL}, std::uint64_t{0x8000}});

    order(device, AE_OP_SWAP, 0, 0x4000, 0);
    CHECK(world.request.flags == (IOMMU_REQUEST_READ | IOMMU_REQUEST_WRITE));
    CHECK(world.request.pasid == IOMMU_NO_PASID);
    CHECK(world.memory == 0x55);

    order(device, AE_OP_WRITE | AE_VIA_TRANSLATED, 0, 0x4000, 0);
    CHECK(world.request.kind == IOMMU_REQUEST_TRANSLATED);
    CHECK(world.request.flags == IOMMU_REQUEST_WRITE);

    world.reply = {.outcome = IOMMU_BLOCKED, .reason = 0x71};
    order(device, AE_OP_READ, 0x4000, 0, 0);
    CHECK(code(device) == AE_CODE_UNSUPPORTED_REQUEST);
    CHECK((ats_endpoint_read(device.get(), AE_CHANNEL(0) + AE_RESULT, 4) & AE_RESULT_REASON) == 0x7100);

    world.reply = {.outcome = IOMMU_DISCARDED};
    order(device, AE_OP_READ, 0x4000, 0, 0);
    CHECK(code(device) == AE_CODE_SUCCESS);

    world.unit = false;
    order(device, AE_OP_READ, 0x4440, 0, 0);
    CHECK(world.places.back() == std::pair{std::uint32_t{ATS_ENDPOINT_BUS}, std::uint64_t{0x4440}});
}

TEST_CASE("endpoint capi: what was decided about a stalled request") {
    for (const unsigned action : {0u, 1u, 2u, 9u}) {
        World world;
        const Handle device = create(world);
        world.reply = {.outcome = IOMMU_STALLED, .stall_tag = 0xfeed};
        order(device, AE_OP_READ | AE_OPERATION_CAN_STALL, 0x4000, 0, 0);
        CHECK(code(device) == 0);
        world.reply = {.outcome = IOMMU_TRANSLATED, .address = 0x8000, .page_log2 = 12};
        world.places.clear();
        ats_endpoint_resume(device.get(), 0xfeed, action);
        ats_endpoint_continue(device.get());
        CHECK(world.places.size() == (action == 0 ? 1 : 0));
        CHECK(code(device) == (action == 0 || action == 2 ? AE_CODE_SUCCESS : AE_CODE_UNSUPPORTED_REQUEST));
    }
}

TEST_CASE("endpoint capi: a translation completion comes back field by field") {
    World world;
    const Handle device = create(world);
    world.completion = {.status = IOMMU_COMPLETION_SUCCESS,
                        .rights = IOMMU_REQUEST_READ | IOMMU_REQUEST_WRITE | IOMMU_REQUEST_EXECUTE,
                        .address = 0x345678,
                        .page_log2 = 21,
                        .flags = IOMMU_COMPLETION_PRIVILEGED | IOMMU_COMPLETION_GLOBAL |
                                 IOMMU_COMPLETION_UNTRANSLATED_ONLY | IOMMU_COMPLETION_NO_SNOOP};
    const auto flags = [&] { return ats_endpoint_read(device.get(), AE_CHANNEL(0) + AE_TRANSLATION_FLAGS, 4); };
    order(device, AE_OP_TRANSLATION_REQUEST | AE_OPERATION_NW, 0x145678, 0, 0x80000001);
    CHECK(world.request.kind == IOMMU_REQUEST_TRANSLATION);
    CHECK(world.request.flags == IOMMU_REQUEST_READ);
    CHECK(flags() == 0x801507f0);
    CHECK(ats_endpoint_read(device.get(), AE_CHANNEL(0) + AE_TRANSLATION_ADDRESS_64, 8) == 0x345678);
    const std::pair<std::uint32_t, std::uint32_t> single[] = {{IOMMU_COMPLETION_PRIVILEGED, 0x80},
                                                              {IOMMU_COMPLETION_GLOBAL, 0x100},
                                                              {IOMMU_COMPLETION_UNTRANSLATED_ONLY, 0x200},
                                                              {IOMMU_COMPLETION_NO_SNOOP, 0x400}};
    for (const auto& [flag, shown] : single) {
        world.completion.rights = 0;
        world.completion.flags = flag;
        order(device, AE_OP_TRANSLATION_REQUEST, 0x145678, 0, 0);
        CHECK(flags() == (0x80150000 | shown));
    }
    world.completion.status = IOMMU_COMPLETION_COMPLETER_ABORT;
    order(device, AE_OP_TRANSLATION_REQUEST, 0x145678, 0, 0);
    CHECK(code(device) == AE_CODE_COMPLETER_ABORT);
    world.completion.status = 77;
    order(device, AE_OP_TRANSLATION_REQUEST, 0x145678, 0, 0);
    CHECK(code(device) == AE_CODE_UNSUPPORTED_REQUEST);
}

TEST_CASE("endpoint capi: a page size of nonsense is cut") {
    World world;
    const Handle device = create(world);
    world.completion = {.status = IOMMU_COMPLETION_SUCCESS, .rights = 3, .address = 0x8000, .page_log2 = 0xffffffff};
    world.reply = {.outcome = IOMMU_TRANSLATED, .rights = 3, .address = 0x8000, .page_log2 = 12};
    order(device, AE_OP_READ | AE_VIA_ATC, 0x4000, 0, 0);
    CHECK(code(device) == AE_CODE_SUCCESS);
    CHECK((ats_endpoint_read(device.get(), AE_ATC_FLAGS, 4) & AE_ATC_FLAGS_SIZE_LOG2) == 0x4000);
}

TEST_CASE("endpoint capi: messages both ways") {
    World world;
    const Handle device = create(world);
    order(device, AE_OP_PAGE_REQUEST, 0x4567, 0, 0xe0000009);
    REQUIRE(world.page_requests.size() == 1);
    const iommu_page_request& asked = world.page_requests[0];
    CHECK(asked.requester == 0x1234);
    CHECK(asked.pasid == 9);
    CHECK(asked.address == 0x4000);
    CHECK(asked.index == 3);
    CHECK(asked.last == 1);
    CHECK(asked.flags == (IOMMU_REQUEST_READ | IOMMU_REQUEST_WRITE | IOMMU_REQUEST_EXECUTE | IOMMU_REQUEST_PRIVILEGED));
    CHECK(ats_endpoint_pri_status(device.get()) == 0);
    const iommu_page_response wrong{.requester = 0x1234, .pasid = 9, .index = 4, .code = 0};
    ats_endpoint_respond(device.get(), &wrong);
    CHECK(ats_endpoint_pri_status(device.get()) == 2);
    CHECK(world.statuses == 2);
    const iommu_page_response right{.requester = 0x1234, .pasid = 9, .index = 3, .code = 1};
    ats_endpoint_respond(device.get(), &right);
    CHECK(code(device) == AE_CODE_PAGE_REFUSED);

    const iommu_invalidate_request invalidate{
        .requester = 0x1234, .pasid = 0xfffff, .first = 0x4000, .last = 0x4fff, .itag = 5, .global = 1};
    ats_endpoint_invalidate(device.get(), &invalidate);
    CHECK(ats_endpoint_read(device.get(), AE_LAST_INVALIDATE, 4) == 0x065fffff);
    CHECK(ats_endpoint_deadline(device.get()) == 10000);
    CHECK(world.deadlines == 1);
    world.now_ns = 10000;
    ats_endpoint_tick(device.get());
    REQUIRE(world.answers.size() == 1);
    CHECK(world.answers[0].requester == 0x1234);
    CHECK(world.answers[0].itag_vector == 1u << 5);
    CHECK(world.answers[0].count == 1);
    CHECK(ats_endpoint_deadline(device.get()) == IOMMU_NEVER);
}

TEST_CASE("endpoint capi: interrupts, absence, save and load, reset") {
    World world;
    const Handle device = create(world);
    order(device, AE_OP_READ | AE_OPERATION_INTERRUPT | 0x00700000, 0x4000, 0, 0);
    CHECK(world.vectors == std::vector<unsigned>{7});
    ats_endpoint_poke(device.get(), AE_DROP_ANSWERS, 3, 4);
    std::vector<std::uint64_t> words(ATS_ENDPOINT_STATE_WORDS);
    ats_endpoint_save(device.get(), words.data());
    ats_endpoint_write(device.get(), AE_VANISH_US, 1, 4);
    CHECK(ats_endpoint_away(device.get()));
    ats_endpoint_reset(device.get());
    CHECK(!ats_endpoint_away(device.get()));
    CHECK(ats_endpoint_peek(device.get(), AE_DROP_ANSWERS, 4) == 0);
    CHECK(ats_endpoint_load(device.get(), words.data(), nullptr, 0));
    CHECK(ats_endpoint_peek(device.get(), AE_DROP_ANSWERS, 4) == 3);
    char why[100] = "";
    words[0] = 0;
    CHECK(!ats_endpoint_load(device.get(), words.data(), why, sizeof why));
    CHECK(std::string(why) == "the saved state has format 0, not 1");
}

TEST_CASE("endpoint capi: every register has a name for outside") {
    ats_endpoint_register info;
    std::size_t count = 0;
    bool seen = false;
    for (; ats_endpoint_describe_register(count, &info); ++count) {
        const std::string name = info.name;
        CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos);
        CHECK(std::strlen(info.meaning) > 0);
        if (name != "struck-wrong-requester") continue;
        seen = true;
        CHECK(info.offset == AE_STRUCK_WRONG_REQUESTER);
        CHECK(info.size == 4);
        CHECK(info.writable == 0);
    }
    CHECK(seen);
    CHECK(count == 63);
}
