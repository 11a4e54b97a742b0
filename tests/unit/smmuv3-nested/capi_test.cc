// SPDX-License-Identifier: GPL-2.0-or-later
//
// The C border: sizes, null ports, conversions, counters, trace lines, save and load. It converts and forwards; what
// the unit does is tested elsewhere.
#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "smmu_guest.h"
#include "smmuv3-nested.h"

using namespace test::smmu;
using test::Msi;

namespace {

constexpr std::uint64_t kLeaf = 0x5020;

// What came out of the ports.
struct Recorded {
    std::vector<std::uint64_t> written;
    std::vector<Msi> messages;
    std::vector<iommu_unmap> unmaps;
    std::vector<bool> gates;
    std::vector<std::pair<std::uint32_t, std::string>> lines;
    std::vector<unsigned> pulses;
    std::vector<std::array<unsigned, 3>> resumes;
    std::vector<iommu_invalidate_request> invalidates;
    std::vector<iommu_page_response> responses;
    std::uint64_t now_ns = 0;
    unsigned deadlines = 0;
    unsigned kicks = 0;
};
Recorded& of(void* opaque) { return *static_cast<Recorded*>(opaque); }

smmuv3_nested_ports ports_into(Recorded& recorded) {
    smmuv3_nested_ports ports{};
    ports.size = sizeof ports;
    ports.base.size = sizeof ports.base;
    ports.base.opaque = &recorded;
    ports.base.written = [](void* o, std::uint64_t address, std::uint64_t) { of(o).written.push_back(address); };
    ports.base.send_msi = [](void* o, std::uint64_t address, std::uint32_t data) {
        of(o).messages.push_back({address, data});
        return true;
    };
    ports.base.listening = [](void*) { return true; };
    ports.base.unmap = [](void* o, const iommu_unmap* what) { of(o).unmaps.push_back(*what); };
    ports.base.gate_changed = [](void* o, bool translating) { of(o).gates.push_back(translating); };
    ports.base.kick = [](void* o) { ++of(o).kicks; };
    ports.base.now_ns = [](void* o) { return of(o).now_ns; };
    ports.base.deadline_changed = [](void* o) { ++of(o).deadlines; };
    ports.base.invalidate = [](void* o, const iommu_invalidate_request* what) { of(o).invalidates.push_back(*what); };
    ports.base.respond = [](void* o, const iommu_page_response* what) { of(o).responses.push_back(*what); };
    ports.base.keeps_out = [](void*) { return true; };
    ports.base.drain = [](void*, std::uint64_t) { return false; };
    ports.base.trace = [](void* o, std::uint32_t kind, const char* line) { of(o).lines.emplace_back(kind, line); };
    ports.pulse = [](void* o, unsigned line) { of(o).pulses.push_back(line); };
    ports.resume = [](void* o, std::uint32_t stream, std::uint16_t tag, unsigned action) {
        of(o).resumes.push_back({stream, tag, action});
    };
    return ports;
}

smmuv3_nested_config default_config() {
    smmuv3_nested_config config;
    smmuv3_nested_default_config(&config, sizeof config);
    return config;
}

struct Destroy {
    void operator()(smmuv3_nested* unit) const { smmuv3_nested_destroy(unit); }
};
using Handle = std::unique_ptr<smmuv3_nested, Destroy>;

// A unit behind the C border, with RAM; stream 5 maps 0x4000 to 0x6000, read-only, with stage 2. Queues at 0x8000 and
// 0x9000.
struct CUnit {
    explicit CUnit(const smmuv3_nested_config& config = default_config(), bool stalls = false) {
        const smmuv3_nested_ports ports = ports_into(recorded);
        char why[256] = "";
        unit.reset(smmuv3_nested_create(&config, &ports, why, sizeof why));
        INFO(why);
        REQUIRE(unit);
        const iommu_ram_range range{0, ram.end(), ram.range().host};
        smmuv3_nested_set_ram(unit.get(), &range, 1);
        const std::uint64_t ste = 0x1000 + 64 * kStream;
        ram.poke(ste, 1 | kStage2 << 1);
        // VMID 3; 39 bits from level 1, 4K, 48-bit output, AA64, S2R, S2S.
        ram.poke(ste + 16,
                 3 | 25ull << 32 | 1ull << 38 | 5ull << 48 | 1ull << 51 | 1ull << 58 | (stalls ? 1ull << 57 : 0));
        ram.poke(ste + 24, 0x3000);
        ram.poke(0x3000, 0x4000 | 3);
        ram.poke(0x4000, 0x5000 | 3);
        ram.poke(kLeaf, 0x6000 | (kS2Page & ~kS2W) | 3);
    }
    void enable() const {
        write(kStrtabBase, 0x1000, 8);
        write(kStrtabBaseCfg, 4, 4);
        write(kCmdqBase, 0x8000 | 4, 8);
        write(kEventqBase, 0x9000 | 4, 8);
        write(kIrqCtrl, 5, 4);
        write(kCr0, kSmmuEn | kCmdqEn | kEventqEn, 4);
    }
    void write(std::uint64_t offset, std::uint64_t value, unsigned size) const {
        smmuv3_nested_write(unit.get(), offset, value, size);
    }
    [[nodiscard]] std::uint64_t read(std::uint64_t offset, unsigned size) const {
        return smmuv3_nested_read(unit.get(), offset, size);
    }
    [[nodiscard]] iommu_reply ask(std::uint64_t iova, std::uint32_t flags,
                                  std::uint32_t kind = IOMMU_REQUEST_UNTRANSLATED, std::uint32_t pasid = IOMMU_NO_PASID,
                                  std::uint32_t requester = kStream) const {
        const iommu_request request{requester, pasid, iova, kind, flags};
        iommu_reply reply;
        std::memset(&reply, 0xff, sizeof reply);
        smmuv3_nested_translate(unit.get(), &request, &reply);
        return reply;
    }
    [[nodiscard]] iommu_counters counters() const {
        iommu_counters counters{};
        counters.size = sizeof counters;
        smmuv3_nested_counters(unit.get(), &counters);
        return counters;
    }
    Recorded recorded;
    test::FakeRam ram{0x10000};
    Handle unit;
};

}  // namespace

TEST_CASE("SMMU C: structs of another size are refused") {
    Recorded recorded;
    smmuv3_nested_config config = default_config();
    const smmuv3_nested_ports ports = ports_into(recorded);
    char why[256];
    for (const int difference : {-1, 1, -4}) {
        const auto off = [difference](std::size_t size) {
            return static_cast<std::uint32_t>(static_cast<int>(size) + difference);
        };
        auto other = config;
        other.size = off(sizeof config);
        CHECK(smmuv3_nested_create(&other, &ports, why, sizeof why) == nullptr);
        CHECK(std::string(why).find("version") != std::string::npos);
        CHECK_FALSE(smmuv3_nested_settle_config(&other, why, sizeof why));
        auto other_ports = ports;
        other_ports.size = off(sizeof ports);
        CHECK(smmuv3_nested_create(&config, &other_ports, why, sizeof why) == nullptr);
        other_ports = ports;
        other_ports.base.size = off(sizeof ports.base);
        CHECK(smmuv3_nested_create(&config, &other_ports, why, sizeof why) == nullptr);
    }
    // A default for another size writes nothing at all.
    std::memset(&config, 0x5a, sizeof config);
    const auto before = config;
    smmuv3_nested_default_config(&config, sizeof config - 1);
    CHECK(std::memcmp(&config, &before, sizeof config) == 0);
}

TEST_CASE("SMMU C: no port may be null, but the one for those who never stall") {
    const smmuv3_nested_config config = default_config();
    const auto refused = [&config](auto change) {
        Recorded ignored;
        smmuv3_nested_ports ports = ports_into(ignored);
        change(ports);
        char why[64] = "";
        const Handle unit{smmuv3_nested_create(&config, &ports, why, sizeof why)};
        return unit == nullptr && why[0] != '\0';
    };
    CHECK(refused([](auto& ports) { ports.base.written = nullptr; }));
    CHECK(refused([](auto& ports) { ports.base.send_msi = nullptr; }));
    CHECK(refused([](auto& ports) { ports.base.unmap = nullptr; }));
    CHECK(refused([](auto& ports) { ports.base.gate_changed = nullptr; }));
    CHECK(refused([](auto& ports) { ports.base.kick = nullptr; }));
    CHECK(refused([](auto& ports) { ports.base.now_ns = nullptr; }));
    CHECK(refused([](auto& ports) { ports.base.keeps_out = nullptr; }));
    CHECK(refused([](auto& ports) { ports.base.drain = nullptr; }));
    CHECK(refused([](auto& ports) { ports.base.trace = nullptr; }));
    CHECK(refused([](auto& ports) { ports.pulse = nullptr; }));
    CHECK_FALSE(refused([](auto& ports) { ports.resume = nullptr; }));
}

TEST_CASE("SMMU C: the cache has a power of two entries, from 64 to 1048576") {
    Recorded recorded;
    const smmuv3_nested_ports ports = ports_into(recorded);
    for (const std::uint32_t entries : {0u, 63u, 65u, 1048577u, 2097152u, 0xffffffffu}) {
        auto config = default_config();
        config.iotlb_entries = entries;
        char why[256] = "";
        CHECK(smmuv3_nested_create(&config, &ports, why, sizeof why) == nullptr);
        CHECK(std::string(why).find("iotlb-entries=" + std::to_string(entries)) != std::string::npos);
    }
    for (const std::uint32_t entries : {64u, 1048576u}) {
        auto config = default_config();
        config.iotlb_entries = entries;
        const Handle unit{smmuv3_nested_create(&config, &ports, nullptr, 0)};
        CHECK(unit);
    }
}

TEST_CASE("SMMU C: a refusal is one sentence that fits the buffer it is given") {
    auto config = default_config();
    config.hyp = 1;
    config.s2p = 0;
    char why[256] = "";
    CHECK_FALSE(smmuv3_nested_settle_config(&config, why, sizeof why));
    const std::string sentence = why;
    CHECK(sentence.find("hyp=") != std::string::npos);
    CHECK(sentence.find("s2p") != std::string::npos);
    Recorded recorded;
    const smmuv3_nested_ports ports = ports_into(recorded);
    CHECK(smmuv3_nested_create(&config, &ports, why, sizeof why) == nullptr);
    CHECK(why == sentence);
    char small[8] = "xxxxxxx";
    CHECK_FALSE(smmuv3_nested_settle_config(&config, small, sizeof small));
    CHECK(std::string(small) == sentence.substr(0, 7));
    CHECK_FALSE(smmuv3_nested_settle_config(&config, nullptr, 0));
}

TEST_CASE("SMMU C: settling replaces what was left to the unit and nothing else") {
    auto config = default_config();
    CHECK(config.sidsize == SMMUV3_NESTED_AUTO);
    CHECK(config.stall_max == SMMUV3_NESTED_AUTO);
    config.s2p = 0;
    config.eventqs = 7;
    REQUIRE(smmuv3_nested_settle_config(&config, nullptr, 0));
    CHECK(config.sidsize == 16);
    CHECK(config.ssidsize == 20);
    CHECK(config.eventqs == 7);
    CHECK(config.hyp == 0);
    CHECK(config.oas == 5);
    CHECK(config.stall_max == 64);
    CHECK(config.size == sizeof config);
    CHECK(config.iotlb_entries == 65536);
}

TEST_CASE("SMMU C: each field of the configuration reaches its register") {
    auto config = default_config();
    config.httu = 1, config.asid16 = 0, config.sev = 1, config.sidsize = 9, config.ssidsize = 5, config.cmdqs = 10;
    config.eventqs = 11, config.bbml = 1, config.had = 0, config.oas = 4, config.gran16k = 0, config.stall_max = 3;
    config.ns1ats = 1, config.atsrecerr = 0, config.priqs = 12, config.pps = 1, config.pasidtt = 1;
    const CUnit unit(config);
    CHECK(unit.read(0, 8) == 0x0d4b'6149'084f'6e5bull);
    CHECK(unit.read(0xc, 4) == 0x1'6f30);
    CHECK(unit.read(0x14, 4) == 0x0003'0054);
}

TEST_CASE("SMMU C: requests and replies carry every field over") {
    CUnit unit;
    unit.enable();
    const iommu_reply read = unit.ask(0x4123, IOMMU_REQUEST_READ);
    CHECK(read.outcome == IOMMU_TRANSLATED);
    CHECK(read.rights == IOMMU_REQUEST_READ);
    CHECK(read.address == 0x6123);
    CHECK(read.page_log2 == 12);
    CHECK(read.reason == 0);
    CHECK(unit.ask(0x4123, IOMMU_REQUEST_WRITE).reason == 0x13);
    CHECK(unit.ask(0x4123, IOMMU_REQUEST_READ | IOMMU_REQUEST_WRITE).outcome == IOMMU_BLOCKED);
    CHECK(unit.ask(0x4123, IOMMU_REQUEST_READ, IOMMU_REQUEST_UNTRANSLATED, 5).reason == 0x08);
    // All 32 bits of a StreamID count.
    CHECK(unit.ask(0x4123, IOMMU_REQUEST_READ, IOMMU_REQUEST_UNTRANSLATED, IOMMU_NO_PASID, 0x8000'0005).outcome ==
          IOMMU_BLOCKED);
    CHECK(unit.ask(0x7000, IOMMU_REQUEST_READ, IOMMU_REQUEST_DEBUG).reason == 0x10);
    const auto events = unit.counters().recorded;
    (void)unit.ask(0x7000, IOMMU_REQUEST_READ | IOMMU_REQUEST_PRIVILEGED | IOMMU_REQUEST_EXECUTE);
    CHECK(unit.counters().recorded == events + 1);
    CHECK((unit.ram.peek(0x9000 + 32 * events + 8) >> 33 & 7) == 7);  // PnU, InD, RnW
}

TEST_CASE("SMMU C: the messages of ATS and PRI carry every field over") {
    auto config = default_config();
    config.invalidate_timeout_ms = 7;
    CUnit unit(config);
    smmuv3_nested* c = unit.unit.get();
    unit.ram.poke(0x1000 + 64 * kStream + 8, 1ull << 28);  // EATS
    unit.enable();
    const iommu_request request{kStream, IOMMU_NO_PASID, 0x4123, IOMMU_REQUEST_TRANSLATION,
                                IOMMU_REQUEST_READ | IOMMU_REQUEST_WRITE};
    iommu_translation_completion completion{};
    smmuv3_nested_translation_request(c, &request, &completion);
    CHECK(completion.status == IOMMU_COMPLETION_SUCCESS);
    CHECK(completion.rights == IOMMU_REQUEST_READ);
    CHECK(completion.address == 0x6123);
    CHECK(completion.page_log2 == 12);
    CHECK(unit.ask(0x6123, IOMMU_REQUEST_READ, IOMMU_REQUEST_TRANSLATED).address == 0x6123);

    unit.recorded.now_ns = 1000;
    const Command command = with_substream(atc_inv(kStream, 1, 0x4000), 9, true);
    unit.ram.poke(0x8000, command[0]), unit.ram.poke(0x8008, command[1]);
    unit.write(kCmdqProd, 1, 4);
    REQUIRE(unit.recorded.invalidates.size() == 1);
    const iommu_invalidate_request& sent = unit.recorded.invalidates[0];
    CHECK(sent.requester == kStream);
    CHECK((sent.pasid == 9 && sent.global == 1 && sent.itag == 0));
    CHECK((sent.first == 0x4000 && sent.last == 0x5fff));
    CHECK(smmuv3_nested_deadline(c) == 1000 + 7'000'000);
    CHECK(unit.recorded.deadlines == 1);
    const iommu_invalidate_completion answer{.requester = kStream, .itag_vector = 2, .count = 1};
    smmuv3_nested_invalidate_completed(c, &answer);
    unit.recorded.now_ns = 1000 + 7'000'000;
    smmuv3_nested_tick(c);
    CHECK(smmuv3_nested_deadline(c) == IOMMU_NEVER);
    CHECK(unit.counters().timeouts == 1);
    CHECK(unit.counters().unexpected_completions == 1);

    const iommu_page_request page{.requester = kStream, .pasid = 9, .index = 3, .flags = IOMMU_REQUEST_READ, .last = 1};
    smmuv3_nested_page_request(c, &page);  // PRIQEN=0
    REQUIRE(unit.recorded.responses.size() == 1);
    const iommu_page_response& response = unit.recorded.responses[0];
    CHECK((response.requester == kStream && response.pasid == IOMMU_NO_PASID));
    CHECK((response.index == 3 && response.code == 15));
}

TEST_CASE("SMMU C: a transaction that stalls is answered through the resume port") {
    CUnit unit(default_config(), true);
    unit.enable();
    CHECK(unit.ask(0x7000, IOMMU_REQUEST_READ).outcome == IOMMU_BLOCKED);
    std::uint32_t slot = 0;
    for (const unsigned action : {IOMMU_STALL_DISCARD, IOMMU_STALL_RETRY, IOMMU_STALL_ABORT}) {
        const iommu_reply reply = unit.ask(0x7000, IOMMU_REQUEST_READ | IOMMU_REQUEST_CAN_STALL);
        CHECK(reply.outcome == IOMMU_STALLED);
        const Command command = resume(kStream, static_cast<std::uint16_t>(reply.stall_tag),
                                       action == IOMMU_STALL_RETRY, action == IOMMU_STALL_ABORT);
        unit.ram.poke(0x8000 + 16 * slot, command[0]);
        unit.ram.poke(0x8008 + 16 * slot, command[1]);
        unit.write(kCmdqProd, ++slot, 4);
        CHECK(unit.recorded.resumes.back() == std::array<unsigned, 3>{kStream, reply.stall_tag, action});
    }
    CHECK(unit.recorded.resumes.size() == 3);
}

TEST_CASE("SMMU C: every port is called with the opaque pointer, and counters count") {
    CUnit unit;
    smmuv3_nested* c = unit.unit.get();
    smmuv3_nested_set_trace(c, IOMMU_TRACE_FAULT);
    unit.write(kEventqIrqCfg0, 0x80'0000, 8);
    unit.enable();
    (void)unit.ask(0x4000, IOMMU_REQUEST_READ);
    (void)unit.ask(0x4000, IOMMU_REQUEST_READ);
    (void)unit.ask(0x7000, IOMMU_REQUEST_READ);
    CHECK(unit.recorded.gates == std::vector{true});
    CHECK(unit.recorded.messages == std::vector{Msi{0x80'0000, 0}});
    CHECK(unit.recorded.pulses == std::vector<unsigned>{SMMUV3_NESTED_LINE_EVENTQ});
    REQUIRE(unit.recorded.lines.size() == 1);
    CHECK(unit.recorded.lines[0].first == IOMMU_TRACE_FAULT);
    CHECK(unit.recorded.lines[0].second.find("F_TRANSLATION") != std::string::npos);
    REQUIRE_FALSE(unit.recorded.unmaps.empty());
    CHECK(unit.recorded.unmaps.back().every_requester == 1);
    CHECK(unit.recorded.unmaps.back().last == ~0ull);

    const Command done = cmd_sync(1, 0xf000, 1);
    unit.ram.poke(0x8000, tlbi_nsnh_all()[0]);
    unit.ram.poke(0x8010, done[0]), unit.ram.poke(0x8018, done[1]);
    unit.ram.poke(0x8020, 0xff);
    unit.recorded.written.clear();
    unit.write(kCmdqProd, 3, 4);
    CHECK(unit.recorded.written == std::vector<std::uint64_t>{0xf000});
    CHECK(unit.recorded.pulses ==
          std::vector<unsigned>{SMMUV3_NESTED_LINE_EVENTQ, SMMUV3_NESTED_LINE_CMD_SYNC, SMMUV3_NESTED_LINE_GERROR});
    smmuv3_nested_continue(c);

    const iommu_counters counters = unit.counters();
    CHECK(counters.translations == 3);
    CHECK(counters.hits == 1);
    CHECK(counters.misses == 2);
    CHECK(counters.faults == 1);
    CHECK(counters.recorded == 1);
    CHECK(counters.waits == 1);
    CHECK(counters.invalidations == 1);
    CHECK(counters.queue_errors == 1);
    CHECK(counters.messages == 1);
}

TEST_CASE("SMMU C: a saved state goes into another unit, and not into one with other capabilities") {
    const CUnit first;
    first.enable();
    const auto words = std::make_unique<std::uint64_t[]>(SMMUV3_NESTED_STATE_WORDS);
    smmuv3_nested_save(first.unit.get(), words.get());
    const CUnit second;
    char why[256] = "";
    REQUIRE(smmuv3_nested_load(second.unit.get(), words.get(), why, sizeof why));
    CHECK(second.ask(0x4000, IOMMU_REQUEST_READ).address == 0x6000);
    auto config = default_config();
    config.sidsize = 8;
    const CUnit other(config);
    CHECK_FALSE(smmuv3_nested_load(other.unit.get(), words.get(), why, sizeof why));
    CHECK(std::string(why).find("capabilities") != std::string::npos);
    CHECK(other.ask(0x4000, IOMMU_REQUEST_READ).address == 0x4000);
    smmuv3_nested_reset(second.unit.get());
    CHECK(second.ask(0x4000, IOMMU_REQUEST_READ).address == 0x4000);
}
