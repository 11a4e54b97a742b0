// SPDX-License-Identifier: GPL-2.0-or-later
//
// The C interfaces of both units: whose DMA a wait is held back for.
#include <catch2/catch_template_test_macros.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "iommu/thread_shard.h"
#include "sides.h"
#include "smmuv3-nested.h"
#include "vtd-nested.h"

namespace {

using test::contract::kStatus;

constexpr std::uint64_t kQueue = 0x10000;

struct Environment {
    std::vector<std::uint64_t> drains;
    bool keeps_out = true;
    unsigned asked = 0;  // whether it does
};
Environment& of(void* opaque) { return *static_cast<Environment*>(opaque); }

iommu_ports ports_of(Environment& environment) {
    iommu_ports ports{};
    ports.size = sizeof ports;
    ports.opaque = &environment;
    ports.written = [](void*, std::uint64_t, std::uint64_t) {};
    ports.send_msi = [](void*, std::uint64_t, std::uint32_t) { return true; };
    ports.listening = [](void*) { return true; };
    ports.unmap = [](void*, const iommu_unmap*) {};
    ports.gate_changed = [](void*, bool) {};
    ports.kick = [](void*) {};
    ports.now_ns = [](void*) { return std::uint64_t{0}; };
    ports.deadline_changed = [](void*) {};
    ports.invalidate = [](void*, const iommu_invalidate_request*) {};
    ports.respond = [](void*, const iommu_page_response*) {};
    ports.keeps_out = [](void* o) {
        ++of(o).asked;
        return of(o).keeps_out;
    };
    ports.drain = [](void* o, std::uint64_t ticket) {
        of(o).drains.push_back(ticket);
        return true;
    };
    ports.trace = [](void*, std::uint32_t, const char*) {};
    return ports;
}

// An invalidation of everything and a wait for it, again and again.
struct VtdHandle {
    static constexpr auto drained = vtd_nested_drained;
    static constexpr auto translate = vtd_nested_translate;
    VtdHandle(Environment& environment, test::FakeRam& guest_ram) : ram(guest_ram) {
        vtd_nested_config config{};
        vtd_nested_default_config(&config, sizeof config);
        const iommu_ports ports = ports_of(environment);
        unit.reset(vtd_nested_create(&config, &ports, nullptr, 0));
        const iommu_ram_range range{0, ram.end(), ram.range().host};
        vtd_nested_set_ram(unit.get(), &range, 1);
        vtd_nested_write(unit.get(), test::kIqa, kQueue, 8);
        vtd_nested_write(unit.get(), test::kGcmd, test::kQie, 4);
    }
    void flush(std::uint32_t number) {
        for (const test::Words4& words : {test::iotlb(1), test::wait_status(kStatus, number)}) {
            ram.poke(kQueue + tail, words[0]);
            ram.poke(kQueue + tail + 8, words[1]);
            tail += 16;
        }
        vtd_nested_write(unit.get(), test::kIqt, tail, 8);
    }
    struct Destroy {
        void operator()(vtd_nested* one) const { vtd_nested_destroy(one); }
    };
    test::FakeRam& ram;
    std::unique_ptr<vtd_nested, Destroy> unit;
    std::uint64_t tail = 0;
};

struct SmmuHandle {
    static constexpr auto drained = smmuv3_nested_drained;
    static constexpr auto translate = smmuv3_nested_translate;
    SmmuHandle(Environment& environment, test::FakeRam& guest_ram) : ram(guest_ram) {
        smmuv3_nested_config config{};
        smmuv3_nested_default_config(&config, sizeof config);
        smmuv3_nested_ports ports{};
        ports.size = sizeof ports;
        ports.base = ports_of(environment);
        ports.pulse = [](void*, unsigned) {};
        unit.reset(smmuv3_nested_create(&config, &ports, nullptr, 0));
        const iommu_ram_range range{0, ram.end(), ram.range().host};
        smmuv3_nested_set_ram(unit.get(), &range, 1);
        smmuv3_nested_write(unit.get(), test::smmu::kCmdqBase, kQueue | 4, 8);
        smmuv3_nested_write(unit.get(), test::smmu::kCr0, test::smmu::kCmdqEn, 4);
    }
    void flush(std::uint32_t number) {
        for (const auto& words : {test::smmu::tlbi_nsnh_all(), test::smmu::cmd_sync(1, kStatus, number)}) {
            ram.poke(kQueue + 16 * producer, words[0]);
            ram.poke(kQueue + 16 * producer + 8, words[1]);
            ++producer;
        }
        smmuv3_nested_write(unit.get(), test::smmu::kCmdqProd, producer, 4);
    }
    struct Destroy {
        void operator()(smmuv3_nested* one) const { smmuv3_nested_destroy(one); }
    };
    test::FakeRam& ram;
    std::unique_ptr<smmuv3_nested, Destroy> unit;
    std::uint64_t producer = 0;
};

template <class Handle>
void translate(Handle& handle) {
    const iommu_request request{0x20, IOMMU_NO_PASID, 0x4000, IOMMU_REQUEST_UNTRANSLATED, IOMMU_REQUEST_READ};
    iommu_reply reply{};
    Handle::translate(handle.unit.get(), &request, &reply);
}

}  // namespace

TEMPLATE_TEST_CASE("C, both: a wait is held back once a thread has translated that keeps nobody out", "[contract]",
                   VtdHandle, SmmuHandle) {
    Environment environment;
    test::FakeRam ram{0x2000000};
    TestType handle(environment, ram);
    translate(handle);
    CHECK(environment.asked == 1);
    handle.flush(1);
    // Threads of other tests have left shards: that is as good as one that keeps nobody out.
    const bool heirs = iommu::shards_were_inherited();
    CHECK(environment.drains.size() == (heirs ? 1 : 0));
    CHECK(ram.peek32(kStatus) == (heirs ? 0 : 1));
    if (heirs) TestType::drained(handle.unit.get(), environment.drains.back());
    CHECK(ram.peek32(kStatus) == 1);

    environment.keeps_out = false;
    std::thread([&] { translate(handle); }).join();
    environment.drains.clear();
    handle.flush(2);
    REQUIRE(environment.drains.size() == 1);
    CHECK(ram.peek32(kStatus) == 1);
    TestType::drained(handle.unit.get(), environment.drains[0]);
    CHECK(ram.peek32(kStatus) == 2);

    // For good, whoever translates now; and nobody is asked any more.
    environment.keeps_out = true;
    const unsigned asked = environment.asked;
    translate(handle);
    CHECK(environment.asked == asked);
    handle.flush(3);
    REQUIRE(environment.drains.size() == 2);
    CHECK(environment.drains[1] > environment.drains[0]);
    CHECK(ram.peek32(kStatus) == 2);
}
