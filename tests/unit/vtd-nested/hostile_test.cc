// SPDX-License-Identifier: GPL-2.0-or-later
//
// A guest that does everything wrong: the unit neither stops, hangs nor writes where there is no memory, and works on
// for the next driver.
#include <catch2/catch_test_macros.hpp>
#include <random>
#include <vector>

#include "vtd_guest.h"

using namespace test;
using iommu::Outcome;

namespace {

// Addresses a hostile guest likes: the unit's own registers, the interrupt range, holes, ends and wraps.
constexpr std::uint64_t kNasty[] = {0xfed9'0000,           0xfee0'0000,           0xfef0'0000,
                                    Guest::kRamBytes,      Guest::kRamBytes - 16, 0xffff'ffff'f000,
                                    0xffff'ffff'ffff'f000, 0x8000'0000'0000'0000, 0};

class Hostile {
  public:
    explicit Hostile(unsigned seed, const vtd::Capabilities& asked = {}) : guest(asked), random_(seed) {}

    std::uint64_t word() {
        switch (random_() % 6) {
            case 0: return random_();
            case 1: return std::uint64_t{1} << random_() % 64;
            case 2: return kNasty[random_() % std::size(kNasty)] | random_() % 4096;
            case 3: return random_() & 0x1ff'ffff;
            case 4: return ~std::uint64_t{0};
            default: return random_() % 32;
        }
    }
    void write_register() {
        constexpr std::uint64_t often[] = {kGcmd, kRtaddr, kCcmd, kFsts, kFectl, kPmen, kIqt, kIqa, kIcs, 0x500, 0x508};
        const std::uint64_t offset = random_() % 2 == 0 ? often[random_() % std::size(often)] : random_() % 0x1010;
        constexpr unsigned sizes[] = {4, 8, 4, 8, 1, 2};
        const unsigned size = sizes[random_() % std::size(sizes)];
        guest.unit.write(random_() % 8 == 0 ? offset : offset & ~std::uint64_t{size - 1}, word(), size);
        (void)guest.unit.read(random_() % 0x1010, size);
    }
    void request() {
        iommu::Request request;
        request.requester = iommu::RequesterId{static_cast<std::uint32_t>(random_() % 0x300)};
        if (random_() % 2 == 0) request.pasid = iommu::Pasid{static_cast<std::uint32_t>(random_() & 0xfffff)};
        request.iova = iommu::Iova{word()};
        request.access = static_cast<iommu::Access>(random_() % 3);
        request.privilege = static_cast<iommu::Privilege>(random_() % 2);
        request.execute = static_cast<iommu::Execute>(random_() % 2);
        request.length = static_cast<iommu::Length>(random_() % 2);
        request.kind = static_cast<iommu::RequestKind>(random_() % 2);
        const auto reply = guest.ask(request);
        // An answer covers the byte that was asked for, in a block of a page or more.
        if (reply.outcome == Outcome::Translated) REQUIRE(reply.translation.page_log2 >= 12);
        (void)guest.unit.interrupt_access(request, 1u << random_() % 4);
    }
    // Tables and queues out of random words; present more often than not.
    void scribble() { guest.poke((random_() & 0xf'fff8) + 0x100000, word() | random_() % 8); }

    void step() {
        const auto what = random_() % 100;
        if (what < 40) return write_register();
        if (what < 70) return request();
        if (what < 97) return scribble();
        if (what < 99) return guest.unit.run_queue();
        guest.unit.reset();
    }

    Guest guest;

  private:
    std::mt19937_64 random_;
};

// After anything at all: reset, then the ordinary driver.
void check_works(Guest& guest) {
    guest.unit.reset();
    for (std::uint64_t at = 0x100000; at < 0x200000; at += 8)
        guest.poke(at, 0);
    guest.scalable_device(kDevice, {.pgtt = 1, .did = 7});
    guest.map_first(0x4000, 0x1800000, kP | kRW | kUS);
    guest.enable_queue();
    guest.enable(kTtmScalable);
    CHECK(guest.read(kDevice, 0x4000).translation.address.value == 0x1800000);
    guest.submit(wait_status(0x1f00000, 0x77));
    CHECK(guest.ram.peek32(0x1f00000) == 0x77);
    CHECK(guest.r32(kFsts) == 0);
}

}  // namespace

TEST_CASE("Random registers, requests and tables do not stop the unit") {
    for (const unsigned seed : {1u, 2u, 3u, 4u}) {
        Hostile hostile(seed);
        for (unsigned step = 0; step < 15000; ++step)
            hostile.step();
        check_works(hostile.guest);
    }
}

TEST_CASE("Random steps do not stop units of other capabilities") {
    for (const vtd::Capabilities& asked : std::vector<vtd::Capabilities>{
             {.ver = 0x10, .haw = 39, .nd = 0, .plmr = 0, .sagaw = 2, .mgaw = 38, .nfr = 0, .smts = 0},
             {.qi = 0},
             {.haw = 52, .nfr = 31, .mamv = 63, .fsts = 0}}) {
        Hostile hostile(5, asked);
        for (unsigned step = 0; step < 10000; ++step)
            hostile.step();
        hostile.guest.unit.reset();
        CHECK(hostile.guest.r32(kGsts) == 0);
    }
}

TEST_CASE("A queue of random bytes stops on its first bad descriptor and never runs away") {
    std::mt19937_64 random(7);
    for (unsigned round = 0; round < 60; ++round) {
        Guest guest;
        const bool wide = round % 2 == 0;
        guest.set_root(wide ? kTtmScalable : kTtmLegacy);
        for (std::uint64_t at = 0x1c00000; at < 0x1c80000; at += 8) {
            // Types of descriptors that exist, with few other bits, so that some get through.
            const std::uint64_t sparse = random() & random() & random();
            guest.poke(at, round < 20 ? random() : (1 + random() % 7) | 0x30 | (sparse & 0xffff'0000));
        }
        guest.w64(kIqa, 0x1c00000 | (wide ? 0x800 : 0) | 7);
        guest.command(kQie);
        guest.w64(kIqt, 0x7ffe0);
        for (unsigned run = 0; run < 64; ++run)
            guest.unit.run_queue();
        const bool stopped = (guest.r32(kFsts) & kIqe) != 0;
        CHECK((stopped || guest.r64(kIqh) == 0x7ffe0));
        CHECK(guest.r64(kIqh) <= 0x7ffe0);
        check_works(guest);
    }
}

TEST_CASE("Tables, queue and status word at places without memory end in the architecture's errors") {
    for (const std::uint64_t nasty : kNasty) {
        if (nasty < Guest::kRamBytes) continue;
        Guest guest;
        CAPTURE(nasty);
        guest.w64(kRtaddr, nasty & ~0xfffull);
        guest.command(kSrtp);
        guest.command(kTe);
        CHECK(guest.read(kDevice, 0x4000).reason == 0x08);
        guest.w64(kRtaddr, (nasty & ~0xfffull) | 0x400);
        guest.command(kSrtp);
        CHECK(guest.read(kDevice, 0x4000).reason == 0x38);
        guest.w64(kIqa, (nasty & ~0xfffull) | 0x800);
        guest.command(kQie);
        guest.w64(kIqt, 0x20);
        CHECK((guest.r32(kIqercd) & 15) == 2);
        guest.command(kQie, false);
        guest.w32(kFsts, kIqe);
        guest.set_root(kTtmScalable);
        guest.enable_queue();
        guest.submit(wait_status(nasty & ~3ull, 1));
        CHECK(guest.r64(kIqh) == 0x20);
        // Bits from the host's width (48) on do not count: what is left may be memory.
        CHECK(guest.ports.dirty.empty() == ((nasty & 0xffff'ffff'ffff) >= Guest::kRamBytes));
    }
}

TEST_CASE("Nothing is written outside the memory that the guest has") {
    Hostile hostile(11);
    for (unsigned step = 0; step < 15000; ++step)
        hostile.step();
    for (const auto& written : hostile.guest.ports.dirty)
        REQUIRE(written.address + written.size <= Guest::kRamBytes);
}

TEST_CASE("Memory that goes away is an error, and memory that comes back is used") {
    Guest guest;
    guest.scalable_device(kDevice, {.pgtt = 1, .did = 7});
    guest.map_first(0x4000, 0x1800000, kP | kRW | kUS);
    guest.enable_queue();
    guest.enable(kTtmScalable);
    guest.unit.memory().set_ram({});
    CHECK(guest.read(kDevice, 0x4000).reason == 0x38);
    guest.submit(wait_interrupt());
    CHECK((guest.r32(kIqercd) & 15) == 2);
    const std::array ranges{guest.ram.range()};
    guest.unit.memory().set_ram(ranges);
    CHECK(guest.read(kDevice, 0x4000).translation.address.value == 0x1800000);
    guest.w32(kFsts, kIqe);
    CHECK(guest.r32(kIcs) == 1);
}

TEST_CASE("A hostile unit leaves its neighbour alone") {
    Guest neighbour;
    neighbour.legacy_device(kDevice, 7);
    neighbour.map_second(0x4000, 0x1800000, kR | kW);
    neighbour.enable_queue(false);
    neighbour.enable(kTtmLegacy);
    const auto before = neighbour.unit.save();
    Hostile hostile(13);
    for (unsigned step = 0; step < 10000; ++step) {
        hostile.step();
        if (step % 100 == 0) REQUIRE(neighbour.read(kDevice, 0x4000).translation.address.value == 0x1800000);
    }
    CHECK(neighbour.unit.save() == before);
    CHECK(neighbour.ports.messages.empty());
    CHECK(neighbour.ports.kicks == 0);
}

TEST_CASE("A port that calls the unit again does not deadlock the unit") {
    class Nested final : public FakePorts {
      public:
        void unmap(const iommu::IovaRange& range) override {
            if (unit != nullptr) {
                unit->write(kIcs, 1, 4);
                unit->write(kIqt, unit->read(kIqt, 8), 8);
                (void)unit->translate({});
            }
            FakePorts::unmap(range);
        }
        vtd::Unit* unit = nullptr;
    };
    Nested ports;
    FakeRam ram(0x10000);
    vtd::Unit unit(*vtd::settle({}), iommu::Tuning{.iotlb_entries = 64}, ports.references());
    const std::array ranges{ram.range()};
    unit.memory().set_ram(ranges);
    ports.unit = &unit;
    ram.poke(0x1000, iotlb(1)[0]);
    ram.poke(0x1020, iotlb(1)[0]);
    unit.write(kIqa, 0x1800, 8);
    unit.write(kGcmd, kQie, 4);
    unit.write(kIqt, 0x40, 8);
    CHECK(unit.read(kIqh, 8) == 0x40);
    CHECK(ports.unmaps.size() == 2);
}
