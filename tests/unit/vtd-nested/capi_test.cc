// SPDX-License-Identifier: GPL-2.0-or-later
//
// The C border: sizes, null ports, conversions, counters, trace lines, save and load. It converts and forwards; what
// the unit does is tested elsewhere.
#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "vtd-nested.h"
#include "vtd_guest.h"

using namespace test;

namespace {

// What came out of the ports.
struct Recorded {
    std::vector<std::uint64_t> written;
    std::vector<Msi> messages;
    std::vector<iommu_unmap> unmaps;
    std::vector<bool> gates;
    std::vector<std::pair<std::uint32_t, std::string>> lines;
    std::vector<iommu_invalidate_request> invalidates;
    std::uint64_t time_ns = 0;
    std::vector<iommu_page_response> responses;
    unsigned kicks = 0;
    unsigned deadlines_changed = 0;
};
Recorded& of(void* opaque) { return *static_cast<Recorded*>(opaque); }

iommu_ports ports_into(Recorded& recorded) {
    iommu_ports ports{};
    ports.size = sizeof ports;
    ports.opaque = &recorded;
    ports.written = [](void* o, std::uint64_t address, std::uint64_t) { of(o).written.push_back(address); };
    ports.send_msi = [](void* o, std::uint64_t address, std::uint32_t data) {
        return of(o).messages.push_back({address, data}), true;
    };
    ports.listening = [](void*) { return true; };
    ports.unmap = [](void* o, const iommu_unmap* what) { of(o).unmaps.push_back(*what); };
    ports.gate_changed = [](void* o, bool translating) { of(o).gates.push_back(translating); };
    ports.kick = [](void* o) { ++of(o).kicks; };
    ports.now_ns = [](void* o) { return of(o).time_ns; };
    ports.deadline_changed = [](void* o) { ++of(o).deadlines_changed; };
    ports.invalidate = [](void* o, const iommu_invalidate_request* request) { of(o).invalidates.push_back(*request); };
    ports.respond = [](void* o, const iommu_page_response* response) { of(o).responses.push_back(*response); };
    ports.keeps_out = [](void*) { return true; };
    ports.drain = [](void*, std::uint64_t) { return false; };
    ports.trace = [](void* o, std::uint32_t kind, const char* line) { of(o).lines.emplace_back(kind, line); };
    return ports;
}

vtd_nested_config default_config() {
    vtd_nested_config config;
    vtd_nested_default_config(&config, sizeof config);
    return config;
}

struct Destroy {
    void operator()(vtd_nested* unit) const { vtd_nested_destroy(unit); }
};
using Handle = std::unique_ptr<vtd_nested, Destroy>;

// A unit behind the C border, with RAM and one legacy device that maps 0x4000 to 0x6000, read-only.
struct CUnit {
    explicit CUnit(const vtd_nested_config& config = default_config()) {
        const iommu_ports ports = ports_into(recorded);
        char why[256] = "";
        unit.reset(vtd_nested_create(&config, &ports, why, sizeof why));
        INFO(why);
        REQUIRE(unit);
        const iommu_ram_range range{0, ram.end(), ram.range().host};
        vtd_nested_set_ram(unit.get(), &range, 1);
        ram.poke(0x1000, 0x2000 | 1);                 // root entry of bus 0
        ram.poke(0x2000 + 16 * kDevice, 0x3000 | 1);  // context entry
        ram.poke(0x2008 + 16 * kDevice, 7 << 8 | 1);  // DID 7, 3 levels
        ram.poke(0x3000, 0x4000 | 3);
        ram.poke(0x4000, 0x5000 | 3);
        ram.poke(0x5020, 0x6000 | 1);
    }
    void enable() const {
        vtd_nested_write(unit.get(), kRtaddr, 0x1000, 8);
        vtd_nested_write(unit.get(), kGcmd, kSrtp, 4);
        vtd_nested_write(unit.get(), kGcmd, kTe, 4);
    }
    iommu_reply ask(std::uint64_t iova, std::uint32_t flags, std::uint32_t kind = IOMMU_REQUEST_UNTRANSLATED,
                    std::uint32_t pasid = IOMMU_NO_PASID, std::uint32_t requester = kDevice) const {
        const iommu_request request{requester, pasid, iova, kind, flags};
        iommu_reply reply;
        std::memset(&reply, 0xff, sizeof reply);
        vtd_nested_translate(unit.get(), &request, &reply);
        return reply;
    }
    iommu_counters counters() const {
        iommu_counters counters{};
        counters.size = sizeof counters;
        vtd_nested_counters(unit.get(), &counters);
        return counters;
    }
    Recorded recorded;
    FakeRam ram{0x10000};
    Handle unit;
};

}  // namespace

TEST_CASE("C: structs of another size are refused") {
    Recorded recorded;
    vtd_nested_config config = default_config();
    iommu_ports ports = ports_into(recorded);
    char why[256];
    for (const int difference : {-1, 1, -4}) {
        auto other = config;
        other.size = static_cast<std::uint32_t>(static_cast<int>(sizeof config) + difference);
        CHECK(vtd_nested_create(&other, &ports, why, sizeof why) == nullptr);
        CHECK(std::string(why).find("version") != std::string::npos);
        auto other_ports = ports;
        other_ports.size = static_cast<std::uint32_t>(static_cast<int>(sizeof ports) + difference);
        CHECK(vtd_nested_create(&config, &other_ports, why, sizeof why) == nullptr);
    }
    // A default for another size writes nothing at all.
    std::memset(&config, 0x5a, sizeof config);
    const auto before = config;
    vtd_nested_default_config(&config, sizeof config - 1);
    CHECK(std::memcmp(&config, &before, sizeof config) == 0);

    const CUnit unit;
    iommu_counters counters;
    std::memset(&counters, 0x5a, sizeof counters);
    counters.size = sizeof counters - 8;
    vtd_nested_counters(unit.unit.get(), &counters);
    CHECK(counters.translations == 0x5a5a'5a5a'5a5a'5a5a);
}

TEST_CASE("C: a configuration of another size cannot be settled") {
    vtd_nested_config config = default_config();
    config.size = sizeof config - 1;
    char why[256] = "";
    CHECK_FALSE(vtd_nested_settle_config(&config, why, sizeof why));
}

TEST_CASE("C: no port may be null") {
    const vtd_nested_config config = default_config();
    const auto refused = [&config](auto member) {
        Recorded ignored;
        iommu_ports ports = ports_into(ignored);
        ports.*member = nullptr;
        char why[64] = "";
        return vtd_nested_create(&config, &ports, why, sizeof why) == nullptr && why[0] != '\0';
    };
    CHECK(refused(&iommu_ports::written));
    CHECK(refused(&iommu_ports::send_msi));
    CHECK(refused(&iommu_ports::unmap));
    CHECK(refused(&iommu_ports::gate_changed));
    CHECK(refused(&iommu_ports::kick));
    CHECK(refused(&iommu_ports::now_ns));
    CHECK(refused(&iommu_ports::keeps_out));
    CHECK(refused(&iommu_ports::drain));
    CHECK(refused(&iommu_ports::trace));
}

TEST_CASE("C: the cache has a power of two entries, from 64 to 1048576") {
    Recorded recorded;
    const iommu_ports ports = ports_into(recorded);
    for (const std::uint32_t entries : {0u, 1u, 32u, 63u, 65u, 100u, 1048577u, 2097152u, 0xffffffffu}) {
        auto config = default_config();
        config.iotlb_entries = entries;
        char why[256] = "";
        CHECK(vtd_nested_create(&config, &ports, why, sizeof why) == nullptr);
        CHECK(std::string(why).find("iotlb-entries=" + std::to_string(entries)) != std::string::npos);
    }
    for (const std::uint32_t entries : {64u, 1048576u}) {
        auto config = default_config();
        config.iotlb_entries = entries;
        const Handle unit{vtd_nested_create(&config, &ports, nullptr, 0)};
        CHECK(unit);
    }
}

TEST_CASE("C: a refusal is one sentence that fits the buffer it is given") {
    auto config = default_config();
    config.nest = 1;
    config.fsts = 0;
    char why[256] = "";
    CHECK_FALSE(vtd_nested_settle_config(&config, why, sizeof why));
    const std::string sentence = why;
    CHECK(sentence.find("nest=on") != std::string::npos);
    CHECK(sentence.find("fsts") != std::string::npos);
    char small[8] = "xxxxxxx";
    CHECK_FALSE(vtd_nested_settle_config(&config, small, sizeof small));
    CHECK(std::string(small) == sentence.substr(0, 7));
    char one[1] = {'x'};
    CHECK_FALSE(vtd_nested_settle_config(&config, one, 1));
    CHECK(one[0] == '\0');
    CHECK_FALSE(vtd_nested_settle_config(&config, nullptr, 0));
}

TEST_CASE("C: settling replaces what was left to the unit and nothing else") {
    auto config = default_config();
    CHECK(config.ver == VTD_NESTED_AUTO);
    CHECK(config.rprivs == VTD_NESTED_AUTO);
    config.smts = 0;
    config.nfr = 3;
    REQUIRE(vtd_nested_settle_config(&config, nullptr, 0));
    CHECK(config.ver == 0x50);
    CHECK(config.nfr == 3);
    CHECK(config.fsts == 0);
    CHECK(config.sagaw == 14);
    CHECK(config.mgaw == 56);
    CHECK(config.size == sizeof config);
    CHECK(config.iotlb_entries == 65536);
}

TEST_CASE("C: a translation request is answered, a translated one passes, a page request is answered by its names") {
    CUnit unit;
    unit.ram.poke(0x2000 + 16 * kDevice, 0x3000 | 1 << 2 | 1);  // TT=01
    const iommu_request request{kDevice, IOMMU_NO_PASID, 0x4123, IOMMU_REQUEST_TRANSLATION,
                                IOMMU_REQUEST_READ | IOMMU_REQUEST_WRITE};
    iommu_translation_completion completion{};
    vtd_nested_translation_request(unit.unit.get(), &request, &completion);
    CHECK(completion.status == IOMMU_COMPLETION_UNSUPPORTED_REQUEST);
    unit.enable();
    vtd_nested_translation_request(unit.unit.get(), &request, &completion);
    CHECK(completion.status == IOMMU_COMPLETION_SUCCESS);
    CHECK(completion.rights == IOMMU_REQUEST_READ);
    CHECK(completion.address == 0x6123);
    CHECK(completion.page_log2 == 12);
    CHECK(unit.ask(0x6123, IOMMU_REQUEST_WRITE, IOMMU_REQUEST_TRANSLATED).address == 0x6123);

    const iommu_page_request page{.requester = 0x10000 | kDevice,
                                  .pasid = 0xabcde,
                                  .address = 0x4fff,
                                  .index = 0x3ff,
                                  .flags = IOMMU_REQUEST_READ,
                                  .last = 1,
                                  .reserved = 0};
    vtd_nested_page_request(unit.unit.get(), &page);
    REQUIRE(unit.recorded.responses.size() == 1);
    CHECK(unit.recorded.responses[0].requester == kDevice);
    CHECK(unit.recorded.responses[0].pasid == 0xabcde);
    CHECK(unit.recorded.responses[0].index == 0x1ff);
    CHECK(unit.recorded.responses[0].code == 1);
}

TEST_CASE("C: CAP and ECAP are what the guest reads") {
    const CUnit unit;
    CHECK(vtd_nested_cap(unit.unit.get()) == 0x91d2'078c'c078'0e66);
    CHECK(vtd_nested_ecap(unit.unit.get()) == 0x0033'ef9e'a400'50c7);
    CHECK(vtd_nested_read(unit.unit.get(), kCap, 8) == 0x91d2'078c'c078'0e66);
    CHECK(vtd_nested_read(unit.unit.get(), kEcap + 4, 4) == 0x0033'ef9e);
}

TEST_CASE("C: requests and replies carry every field over") {
    const CUnit unit;
    unit.enable();
    const iommu_reply read = unit.ask(0x4123, IOMMU_REQUEST_READ);
    CHECK(read.outcome == IOMMU_TRANSLATED);
    CHECK(read.rights == IOMMU_REQUEST_READ);
    CHECK(read.address == 0x6123);
    CHECK(read.page_log2 == 12);
    CHECK(read.reason == 0);
    const iommu_reply write = unit.ask(0x4123, IOMMU_REQUEST_WRITE);
    CHECK(write.outcome == IOMMU_BLOCKED);
    CHECK(write.reason == 0x05);
    CHECK(unit.ask(0x4123, IOMMU_REQUEST_READ | IOMMU_REQUEST_WRITE).reason == 0x05);
    CHECK(unit.ask(0x4123, IOMMU_REQUEST_READ, IOMMU_REQUEST_UNTRANSLATED, 5).reason == 0x31);
    // A source-id has 16 bits.
    CHECK(unit.ask(0x4123, IOMMU_REQUEST_READ, IOMMU_REQUEST_UNTRANSLATED, IOMMU_NO_PASID, 0x10000 | kDevice).address ==
          0x6123);
    CHECK(unit.counters().faults == 3);
    CHECK(unit.counters().recorded == 3);
    CHECK(unit.ask(0x7000, IOMMU_REQUEST_READ, IOMMU_REQUEST_DEBUG).reason == 0x06);
    CHECK(unit.counters().recorded == 3);
}

TEST_CASE("C: fault records show type, PASID, privilege and execute of the request") {
    const CUnit unit;
    unit.enable();
    (void)unit.ask(0x4000, IOMMU_REQUEST_READ | IOMMU_REQUEST_PRIVILEGED | IOMMU_REQUEST_EXECUTE,
                   IOMMU_REQUEST_UNTRANSLATED, 0xabcde);
    // F, T1 (read), PV, FR, PP, EXE, PRIV, SID
    CHECK(vtd_nested_read(unit.unit.get(), 0xc08, 8) ==
          (1ull << 63 | 1ull << 62 | 0xabcdeull << 40 | 0x31ull << 32 | 7ull << 29 | kDevice));
    CHECK(vtd_nested_read(unit.unit.get(), 0xc00, 8) == 0x4000);
}

TEST_CASE("C: an interrupt access is the caller's to deliver only when it is a message") {
    const CUnit unit;
    iommu_request request{kDevice, IOMMU_NO_PASID, 0xfee01000, IOMMU_REQUEST_UNTRANSLATED, IOMMU_REQUEST_WRITE};
    CHECK(vtd_nested_interrupt_access(unit.unit.get(), &request, 4));
    CHECK_FALSE(vtd_nested_interrupt_access(unit.unit.get(), &request, 8));
    request.flags = IOMMU_REQUEST_READ;
    CHECK_FALSE(vtd_nested_interrupt_access(unit.unit.get(), &request, 4));
    CHECK(unit.counters().recorded == 2);
    request.flags = IOMMU_REQUEST_READ | IOMMU_REQUEST_ZERO_LENGTH;
    CHECK_FALSE(vtd_nested_interrupt_access(unit.unit.get(), &request, 0));
    CHECK(unit.counters().recorded == 2);
}

TEST_CASE("C: every port is called with the opaque pointer, and counters count") {
    CUnit unit;
    vtd_nested* c = unit.unit.get();
    vtd_nested_set_trace(c, IOMMU_TRACE_FAULT);
    vtd_nested_write(c, kFectl, 0, 4);
    vtd_nested_write(c, kFeaddr, 0xfee00000, 4);
    unit.enable();
    (void)unit.ask(0x4000, IOMMU_REQUEST_READ);
    (void)unit.ask(0x4000, IOMMU_REQUEST_READ);
    (void)unit.ask(0x7000, IOMMU_REQUEST_READ);
    CHECK(unit.recorded.gates == std::vector{true});
    CHECK(unit.recorded.messages == std::vector{Msi{0xfee00000, 0}});
    REQUIRE(unit.recorded.lines.size() == 1);
    CHECK(unit.recorded.lines[0].first == IOMMU_TRACE_FAULT);
    CHECK(unit.recorded.lines[0].second.find("LGN.3") != std::string::npos);
    REQUIRE_FALSE(unit.recorded.unmaps.empty());
    CHECK(unit.recorded.unmaps.back().every_requester == 1);
    CHECK(unit.recorded.unmaps.back().first == 0);
    CHECK(unit.recorded.unmaps.back().last == ~0ull);

    for (std::uint64_t at = 0x8000; at < 0x8030; at += 16) {
        unit.ram.poke(at, wait_status(0xf000, 1)[0]);
        unit.ram.poke(at + 8, 0xf000);
    }
    vtd_nested_write(c, kIqa, 0x8000, 8);
    vtd_nested_write(c, kGcmd, kTe | kQie, 4);
    vtd_nested_write(c, kIqt, 0x30, 8);
    CHECK(unit.recorded.written == std::vector<std::uint64_t>{0xf000, 0xf000, 0xf000});
    vtd_nested_continue(c);

    const iommu_counters counters = unit.counters();
    CHECK(counters.translations == 3);
    CHECK(counters.hits == 1);
    CHECK(counters.misses == 2);
    CHECK(counters.faults == 1);
    CHECK(counters.recorded == 1);
    CHECK(counters.waits == 3);
    CHECK(counters.invalidations == 0);
    CHECK(counters.queue_errors == 0);
    CHECK(counters.messages == 1);
}

TEST_CASE("C: an invalidation goes to the device, its answer comes back, and time passes") {
    CUnit unit;
    vtd_nested* c = unit.unit.get();
    unit.enable();
    const auto descriptors = {device_tlb(kDevice, 0x4000), device_tlb(kDevice, 0x7fff'ffff'ffff'f000, true)};
    std::uint64_t at = 0x8000;
    for (const Words4& words : descriptors) {
        unit.ram.poke(at, words[0]);
        unit.ram.poke(at + 8, words[1]);
        at += 16;
    }
    vtd_nested_write(c, kIqa, 0x8000, 8);
    vtd_nested_write(c, kGcmd, kTe | kQie, 4);
    CHECK(vtd_nested_deadline(c) == IOMMU_NEVER);
    unit.recorded.time_ns = 11;
    vtd_nested_write(c, kIqt, 0x20, 8);
    REQUIRE(unit.recorded.invalidates.size() == 2);
    CHECK(unit.recorded.invalidates[0].requester == kDevice);
    CHECK(unit.recorded.invalidates[0].pasid == IOMMU_NO_PASID);
    CHECK(unit.recorded.invalidates[0].first == 0x4000);
    CHECK(unit.recorded.invalidates[0].last == 0x4fff);
    CHECK(unit.recorded.invalidates[1].first == 0);
    CHECK(unit.recorded.invalidates[1].last == ~0ull);
    CHECK(unit.recorded.invalidates[1].itag == 1);
    CHECK(vtd_nested_deadline(c) == 11 + kTimeout);
    CHECK(unit.recorded.deadlines_changed == 1);
    // Bits above a source id do not count.
    const iommu_invalidate_completion completion{0xabcd'0000 | kDevice, 1u << 1, 1, 0};
    vtd_nested_invalidate_completed(c, &completion);
    vtd_nested_invalidate_completed(c, &completion);
    CHECK(vtd_nested_read(c, kFsts, 4) == kIce);
    unit.recorded.time_ns = 11 + kTimeout;
    vtd_nested_tick(c);
    CHECK(vtd_nested_read(c, kFsts, 4) == (kIce | kIte));
    CHECK(unit.counters().timeouts == 1);
    CHECK(unit.counters().unexpected_completions == 1);
    CHECK(unit.counters().invalidations == 2);
}

TEST_CASE("C: a saved state goes into another unit, and not into one with other capabilities") {
    const CUnit first;
    first.enable();
    std::uint64_t words[VTD_NESTED_STATE_WORDS];
    vtd_nested_save(first.unit.get(), words);
    const CUnit second;
    char why[256] = "";
    REQUIRE(vtd_nested_load(second.unit.get(), words, why, sizeof why));
    CHECK(second.ask(0x4000, IOMMU_REQUEST_READ).address == 0x6000);
    auto config = default_config();
    config.nfr = 0;
    const CUnit other(config);
    CHECK_FALSE(vtd_nested_load(other.unit.get(), words, why, sizeof why));
    CHECK(std::string(why).find("capabilities") != std::string::npos);
    CHECK(other.ask(0x4000, IOMMU_REQUEST_READ).address == 0x4000);
    vtd_nested_reset(second.unit.get());
    CHECK(second.ask(0x4000, IOMMU_REQUEST_READ).address == 0x4000);
}
