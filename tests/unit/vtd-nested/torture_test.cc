// SPDX-License-Identifier: GPL-2.0-or-later
//
// Many threads on one unit. The rule that drivers live by: a request that begins after a wait has completed never sees
// what was invalidated before that wait. The rest is for the race detector.
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <thread>
#include <vector>

#include "vtd_guest.h"

using namespace test;
using iommu::Outcome;

namespace {

constexpr std::uint64_t kStatus = 0x1f00000;
constexpr std::uint64_t kPages = 0x40'0000'0000;  // outputs: kPages + generation * 0x1000
constexpr std::uint64_t kFsBits = kP | kRW | kUS | kA | kD;

// Threads that run until told; join on the way out.
class Crowd {
  public:
    template <class Work>
    void add(Work work) {
        threads_.emplace_back([this, work] {
            while (!stop_.load(std::memory_order_relaxed))
                work();
        });
    }
    void stop() {
        stop_ = true;
        for (std::thread& thread : threads_)
            thread.join();
        threads_.clear();
    }
    ~Crowd() { stop(); }

  private:
    std::atomic<bool> stop_{false};
    std::vector<std::thread> threads_;
};

// The driver: one that changes entries and invalidates, waiting for the status word each time.
class Driver {
  public:
    explicit Driver(Guest& owner) : guest_(owner) {}
    void flush(const Words4& first, const Words4& second) {
        ++number_;
        guest_.put(first);
        guest_.put(second);
        guest_.submit(wait_status(kStatus, number_));
        while (guest_.ram.peek32(kStatus) != number_)
            std::this_thread::yield();
    }

  private:
    Guest& guest_;
    std::uint32_t number_ = 0;
};

// Readers that note when they saw something older than what was promised when they began.
struct Promise {
    std::atomic<std::uint64_t> generation{0};  // invalidated and waited for
    std::atomic<std::uint64_t> broken{0};
    std::atomic<std::uint64_t> answers{0};

    void check(Guest& guest, std::uint32_t requester, std::uint64_t iova) {
        const std::uint64_t promised = generation.load();
        const auto reply = guest.read(requester, iova);
        const std::uint64_t seen = (reply.translation.address.value - kPages) >> 12;
        if (reply.outcome != Outcome::Translated || seen < promised) ++broken;
        ++answers;
    }
    // Until the readers are under way.
    void warm_up() const {
        while (answers < 100)
            std::this_thread::yield();
    }
};

}  // namespace

TEST_CASE("A translation begun after the wait completed never returns the old page") {
    Guest guest;
    guest.scalable_device(kDevice, {.pgtt = 1, .did = 7});
    guest.scalable_device(kOtherDevice, {.pgtt = 1, .did = 7});
    const std::uint64_t leaf = guest.map_first(0x4000, kPages, kFsBits);
    guest.enable_queue();
    guest.enable(kTtmScalable);
    Promise promise;
    {
        Crowd crowd;
        for (const std::uint32_t requester : {kDevice, kOtherDevice, kDevice})
            crowd.add([&, requester] { promise.check(guest, requester, 0x4000); });
        promise.warm_up();
        Driver driver(guest);
        for (std::uint64_t generation = 1; generation <= 1500; ++generation) {
            guest.poke(leaf, kPages | generation << 12 | kFsBits);
            driver.flush(pasid_iotlb(generation % 2 == 0 ? 3 : 2, 7, 0, 0x4000), pasid_iotlb(3, 7, 0, 0x9000));
            promise.generation = generation;
        }
    }
    CHECK(promise.broken == 0);
    CHECK(guest.r32(kFsts) == 0);
}

TEST_CASE("A walk under way does not bring back what is invalidated meanwhile") {
    for (const Words4& command :
         {iotlb(1), iotlb(2, 7), iotlb(3, 7, 0), pasid_iotlb(2, 7, 0), pasid_iotlb(3, 7, 0, 0x4000)}) {
        Guest guest;
        guest.scalable_device(kDevice, {.pgtt = 1, .did = 7});
        const std::uint64_t leaf = guest.map_first(0x4000, kPages, kP | kRW | kUS);
        guest.enable_queue();
        guest.enable(kTtmScalable);
        bool done = false;
        // The walk has read the leaf and sets its accessed bit: now a driver on another processor changes the page.
        guest.ports.on_written = [&](std::uint64_t address) {
            if (address != leaf || done) return;
            done = true;
            std::thread([&] {
                guest.poke(leaf, kPages + 0x1000 + kFsBits);
                guest.submit(command);
            }).join();
        };
        (void)guest.read(kDevice, 0x4000);  // may still have the old page: it began before
        REQUIRE(done);
        CAPTURE(command[0]);
        CHECK(guest.read(kDevice, 0x4000).translation.address.value == kPages + 0x1000);
    }
}

TEST_CASE("A translation begun after the wait completed never uses the old configuration") {
    Guest guest;
    const std::uint64_t entry = guest.scalable_device(kDevice, {.pgtt = 1, .did = 7});
    guest.scalable_device(kOtherDevice, {.pgtt = 4, .did = 8});
    // Two roots; each is filled while the other is in use.
    const std::uint64_t roots[2] = {guest.first_root, guest.alloc_page()};
    std::uint64_t leaves[2];
    for (unsigned i = 0; i < 2; ++i) {
        guest.first_root = roots[i];
        leaves[i] = guest.map_first(0x4000, kPages, kFsBits);
    }
    guest.enable_queue();
    guest.enable(kTtmScalable);
    guest.poke(entry + 16, roots[0]);
    Promise promise;
    {
        Crowd crowd;
        for (int i = 0; i < 3; ++i)
            crowd.add([&] { promise.check(guest, kDevice, 0x4000); });
        promise.warm_up();
        Driver driver(guest);
        for (std::uint64_t generation = 1; generation <= 1000; ++generation) {
            const unsigned now = generation % 2;
            guest.poke(leaves[now], kPages | generation << 12 | kFsBits);
            guest.poke(entry + 16, roots[now]);
            driver.flush(pasid_cache(1, 7, 0), pasid_iotlb(2, 7, 0));
            promise.generation = generation;
        }
    }
    CHECK(promise.broken == 0);
}

TEST_CASE("Turning the root table and translation under way never mixes two tables") {
    Guest guest;
    guest.legacy_device(kDevice, 7);
    guest.map_second(0x4000, 0x1800000, kR | kW);
    const std::uint64_t roots[2] = {guest.root, guest.alloc_page()};
    guest.root = roots[1];
    guest.second_root = guest.alloc_page();
    guest.legacy_device(kDevice, 8);
    guest.map_second(0x4000, 0x1900000, kR | kW);
    guest.w64(kRtaddr, roots[0]);
    guest.command(kSrtp);
    guest.command(kTe);
    std::atomic<std::uint64_t> strange{0};
    {
        Crowd crowd;
        for (int i = 0; i < 3; ++i) {
            crowd.add([&] {
                const auto address = guest.read(kDevice, 0x4000).translation.address.value;
                if (address != 0x4000 && address != 0x1800000 && address != 0x1900000) ++strange;
            });
        }
        for (unsigned round = 0; round < 400; ++round) {
            guest.w64(kRtaddr, roots[round % 2]);
            guest.w32(kGcmd, kTe | kSrtp);
            // ESRTPS: nothing of the old table is left once the command is done.
            const std::uint64_t expected = round % 2 == 0 ? 0x1800000 : 0x1900000;
            REQUIRE(guest.read(kDevice, 0x4000).translation.address.value == expected);
            if (round % 8 == 0) guest.w32(kGcmd, 0);
        }
    }
    CHECK(strange == 0);
    CHECK(guest.unit.counters().recorded == 0);
}

TEST_CASE("Faults from many threads are each counted, and the records stay whole") {
    Guest guest;
    guest.enable(kTtmLegacy);
    guest.w32(kFectl, 0);
    constexpr unsigned kThreads = 4, kEach = 500;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kThreads; ++i) {
        threads.emplace_back([&guest, i] {
            for (std::uint64_t n = 0; n < kEach; ++n)
                (void)guest.read(0x20 + i, n << 20);
        });
    }
    for (unsigned round = 0; round < 200; ++round) {
        for (unsigned index = 0; index < 8; ++index) {
            const auto record = guest.record(index);
            if (!record.fault()) continue;
            CHECK(record.reason() == 0x01);
            CHECK((record.sid() >= 0x20 && record.sid() < 0x20 + kThreads));
            guest.clear_record(index);
        }
        guest.w32(kFsts, kPfo);
    }
    for (std::thread& thread : threads)
        thread.join();
    CHECK(guest.unit.counters().faults == kThreads * kEach);
    CHECK(guest.unit.counters().recorded <= kThreads * kEach);
    CHECK(guest.unit.counters().recorded >= 8);
}

TEST_CASE("Registers, reset, save and RAM changes from several threads do not disturb requests") {
    Guest guest;
    guest.legacy_device(kDevice, 7);
    guest.map_second(0x4000, 0x1800000, kR | kW);
    guest.enable_queue(false);
    guest.enable(kTtmLegacy);
    const std::array ranges{guest.ram.range()};
    Crowd crowd;
    crowd.add([&] { (void)guest.read(kDevice, 0x4000); });
    crowd.add([&] { (void)guest.write(0x48, 0x4000); });
    crowd.add([&] {
        guest.w64(0x508, 1ull << 63 | 1ull << 60);
        guest.w32(kPmen, 1u << 31);
        guest.w32(kPmen, 0);
        (void)guest.r32(kFsts);
    });
    crowd.add([&] { guest.unit.run_queue(); });
    crowd.add([&] { guest.unit.memory().set_ram(ranges); });
    for (unsigned round = 0; round < 150; ++round) {
        const auto words = guest.unit.save();
        guest.w64(kIqt, (round * 16) % 0x1000);
        guest.unit.reset();
        REQUIRE(guest.unit.load(words));
        guest.w32(kFsts, kIqe | kPfo);
        guest.w64(kRtaddr, guest.root);
        guest.w32(kGcmd, kTe | kSrtp | kQie);
        guest.unit.set_trace(round % 2 == 0 ? 0x3f : 0);
    }
    crowd.stop();
    guest.unit.set_trace(0);
    guest.unit.reset();
    guest.enable(kTtmLegacy);
    CHECK(guest.read(kDevice, 0x4000).translation.address.value == 0x1800000);
}

TEST_CASE("Tails written by two threads are all worked off") {
    Guest guest;
    guest.enable_queue();
    std::atomic<unsigned> turn{0};
    std::vector<std::thread> threads;
    for (unsigned me = 0; me < 2; ++me) {
        threads.emplace_back([&, me] {
            for (unsigned n = 0; n < 1000; ++n) {
                while (turn.load() % 2 != me)
                    std::this_thread::yield();
                const std::uint32_t number = turn + 1;
                guest.submit(wait_status(kStatus + 8 * me, number));
                ++turn;  // the other may submit while this one's work is still under way
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    CHECK(guest.ram.peek32(kStatus) == 1999);
    CHECK(guest.ram.peek32(kStatus + 8) == 2000);
    CHECK(guest.unit.counters().waits == 2000);
    CHECK(guest.r64(kIqh) == guest.r64(kIqt));
}
