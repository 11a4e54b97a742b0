// SPDX-License-Identifier: GPL-2.0-or-later
//
// Devices that answer on threads of their own while the driver submits. The rule: a wait that has completed says that
// every device before it has answered; one that was aborted never completes; and nobody waits for ever.
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <deque>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "vtd_guest.h"

using namespace test;

namespace {

constexpr std::uint64_t kStatus = 0x1f00000;
constexpr std::uint64_t kQueue = 0x1000000;
constexpr std::uint64_t kEntries = 128;

// The guest's time, which all threads may read and some change.
struct SharedClock : iommu::Clock {
    std::uint64_t now_ns() override { return time_ns.load(); }
    void kick() override { ++kicks; }
    std::atomic<std::uint64_t> time_ns{0};
    std::atomic<unsigned> kicks{0};
};

// A unit with a queue of 128 wide descriptors, and devices behind a mailbox.
struct World {
    World() : unit(*vtd::settle({}), {.iotlb_entries = 64}, {ports, ports, ports, ports, clock, ports, ports}) {
        const std::array ranges{ram.range()};
        unit.memory().set_ram(ranges);
        ports.on_invalidate = [this](const iommu::InvalidateRequest& request) {
            const std::lock_guard lock(mutex);
            mailbox.push_back(request);
        };
        unit.write(kRtaddr, 0x100000 | kTtmScalable << 10, 8);
        unit.write(kGcmd, kSrtp, 4);
        unit.write(kGcmd, kTe, 4);
        unit.write(kIqa, kQueue | 0x800, 8);
        unit.write(kGcmd, kTe | kQie, 4);
    }
    void put(const Words4& words) {
        for (unsigned i = 0; i < 4; ++i)
            ram.poke(kQueue + tail + 8 * i, words[i]);
        tail = (tail + 32) % (32 * kEntries);
    }
    void ring() { unit.write(kIqt, tail, 8); }
    // One message of the mailbox; marks somebody as busy with it.
    std::optional<iommu::InvalidateRequest> take() {
        const std::lock_guard lock(mutex);
        if (mailbox.empty()) return std::nullopt;
        const auto request = mailbox.front();
        mailbox.pop_front();
        ++busy;
        return request;
    }
    bool quiet() {
        const std::lock_guard lock(mutex);
        return mailbox.empty() && busy == 0;
    }
    void answer(const iommu::InvalidateRequest& request) {
        unit.invalidate_completed(
            {.requester = request.requester, .itag_vector = std::uint32_t{1} << request.itag, .count = 1});
    }

    FakePorts ports;
    SharedClock clock;
    FakeRam ram{32 << 20};
    vtd::Unit unit;
    std::mutex mutex;
    std::deque<iommu::InvalidateRequest> mailbox;
    std::atomic<unsigned> busy{0};
    std::uint64_t tail = 0;
};

class Threads {
  public:
    template <class Work>
    void add(Work work) {
        threads_.emplace_back([this, work]() mutable {
            while (!stop_.load(std::memory_order_relaxed))
                work();
        });
    }
    ~Threads() {
        stop_ = true;
        for (std::thread& thread : threads_)
            thread.join();
    }

  private:
    std::atomic<bool> stop_{false};
    std::vector<std::thread> threads_;
};

// A batch of the driver's: requests to forget the pages 16 * number and up, one wait.
struct Batch {
    std::uint64_t number = 0;
    unsigned requests = 0;
    [[nodiscard]] std::uint64_t page(unsigned i) const { return 16 * number + i; }
    [[nodiscard]] std::uint64_t status() const { return kStatus + 8 * number; }
};

constexpr unsigned kBatches = 600;

// Which pages devices have forgotten, and said so.
using Forgotten = std::vector<std::atomic<bool>>;

void submit(World& world, const Batch& batch, unsigned mip) {
    for (unsigned i = 0; i < batch.requests; ++i) {
        const std::uint64_t device = 0x20 + i % 3;
        world.put(device_tlb(device, batch.page(i) << 12, false, {.mip = mip, .pfsid = device}));
    }
    world.put(wait_status(batch.status(), 1));
    world.ring();
}

enum class Ended { Completed, Aborted };

// What a driver does until its wait has completed or was aborted. When all devices have done what they will do, time
// passes. `end`: the position behind the wait.
Ended await(World& world, const Batch& batch, std::uint64_t end) {
    for (;;) {
        if (world.ram.peek32(batch.status()) == 1) return Ended::Completed;
        if ((world.unit.read(kFsts, 4) & kIte) != 0) {
            const bool fetched = world.unit.read(kIqh, 8) == end;
            world.unit.write(kFsts, kIte, 4);
            if (fetched) return Ended::Aborted;
        }
        if (world.quiet() && world.ram.peek32(batch.status()) != 1) {
            world.clock.time_ns += kTimeout / 2;
            world.unit.tick();
        }
        std::this_thread::yield();
    }
}

}  // namespace

TEST_CASE("A completed wait means that all have answered; an aborted one never completes") {
    World world;
    Forgotten forgotten(16 * (kBatches + 1));
    std::vector<Batch> aborted;
    unsigned completed = 0;
    unsigned too_early = 0;
    {
        Threads devices;
        for (unsigned thread = 0; thread < 3; ++thread) {
            devices.add([&, random = std::mt19937(thread)]() mutable {
                const auto request = world.take();
                if (!request) return std::this_thread::yield();
                if (random() % 12 != 0) {
                    forgotten[request->range.first.value >> 12] = true;
                    world.answer(*request);
                }
                --world.busy;
            });
        }
        std::mt19937 random(7);
        for (std::uint64_t number = 1; number <= kBatches; ++number) {
            const Batch batch{number, 1 + static_cast<unsigned>(random() % 9)};
            submit(world, batch, static_cast<unsigned>(random() % 3));
            const Ended ended = await(world, batch, world.tail);
            if (ended == Ended::Aborted) {
                aborted.push_back(batch);
                continue;
            }
            ++completed;
            for (unsigned i = 0; i < batch.requests; ++i)
                too_early += forgotten[batch.page(i)] ? 0 : 1;
        }
    }
    CHECK(too_early == 0);
    CHECK(completed > kBatches / 4);
    CHECK(aborted.size() > kBatches / 20);
    for (const Batch& batch : aborted)
        CHECK(world.ram.peek32(batch.status()) == 0);
    CHECK((world.unit.read(kFsts, 4) & (kIqe | kIce)) == 0);
    CHECK(world.unit.counters().waits == completed);
}

TEST_CASE("Devices that lie, time that runs, a driver that turns things off and on: nothing breaks") {
    World world;
    std::atomic<std::uint64_t> rounds{0};
    Threads threads;
    for (unsigned thread = 0; thread < 2; ++thread) {
        threads.add([&, random = std::mt19937(thread)]() mutable {
            auto request = world.take();
            if (request) {
                if (random() % 4 == 0) request->itag = random() % 32;
                if (random() % 8 != 0) world.answer(*request);
                --world.busy;
            }
            ++rounds;
            std::this_thread::yield();
        });
    }
    threads.add([&] {
        world.clock.time_ns += kTimeout / 64;
        world.unit.tick();
        (void)world.unit.deadline_ns();
        (void)world.unit.save();
        std::this_thread::yield();
    });
    threads.add([&] {
        if (world.clock.kicks.exchange(0) != 0) world.unit.run_queue();
        world.unit.write(kFsts, kIte | kIce | kIqe, 4);
        std::this_thread::yield();
    });
    std::mt19937 random(7);
    for (std::uint64_t number = 1; number <= kBatches || rounds < 1000; ++number) {
        submit(world, {number % kBatches, 1 + static_cast<unsigned>(random() % 9)},
               static_cast<unsigned>(random() % 3));
        if (number % 64 == 0) {
            world.unit.write(kGcmd, number % 128 == 0 ? kTe : kQie, 4);
            world.unit.write(kGcmd, kTe | kQie, 4);
        }
        if (number % 500 == 0) {
            const auto words = world.unit.save();
            world.unit.reset();
            REQUIRE(world.unit.load(words));
        }
        std::this_thread::yield();
    }
}
