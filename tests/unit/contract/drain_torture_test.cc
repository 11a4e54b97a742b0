// SPDX-License-Identifier: GPL-2.0-or-later
//
// Threads that translate and then copy, a driver that takes pages away, and nothing that is copied from a page which
// the driver has back. The threads tell when they copy as QEMU's do, by sections that a third party can wait out.
#include <atomic>
#include <catch2/catch_template_test_macros.hpp>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "sides.h"

using namespace test::contract;
using iommu::Outcome;

namespace {

constexpr std::uint64_t kPage = 0x4000, kFirstOutput = 0x1800000, kOutputs = 8;
constexpr std::uint64_t kLent = 1, kTakenBack = 2;  // what the first word of a page says
constexpr unsigned kReaders = 3;
constexpr std::uint32_t kRounds = 600;

// Sections of each reader: odd numbers are inside one.
class Sections {
  public:
    void enter(unsigned reader) { numbers_[reader].fetch_add(1); }
    void leave(unsigned reader) { numbers_[reader].fetch_add(1); }
    // Until every section has ended that is open now.
    void wait() const {
        for (const auto& number : numbers_) {
            const std::uint64_t open = number.load();
            while (open % 2 != 0 && number.load() == open)
                std::this_thread::yield();
        }
    }

  private:
    std::array<std::atomic<std::uint64_t>, kReaders> numbers_{};
};

// Waits out the sections for each ticket, away from the thread that asked.
template <class Unit>
class Drainer {
  public:
    Drainer(Unit& unit, const Sections& sections) : unit_(unit), sections_(sections), thread_([this] { work(); }) {}
    ~Drainer() {
        stop_ = true;
        thread_.join();
    }
    void ask(std::uint64_t ticket) {
        const std::lock_guard lock(mutex_);
        asked_.push_back(ticket);
    }

  private:
    void work() {
        while (!stop_) {
            std::deque<std::uint64_t> tickets;
            {
                const std::lock_guard lock(mutex_);
                tickets.swap(asked_);
            }
            if (tickets.empty()) {
                std::this_thread::yield();
                continue;
            }
            sections_.wait();
            for (const std::uint64_t ticket : tickets)
                unit_.drained(ticket);
        }
    }
    Unit& unit_;
    const Sections& sections_;
    std::mutex mutex_;
    std::deque<std::uint64_t> asked_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

std::uint64_t output(std::uint32_t round) { return kFirstOutput + round % kOutputs * 0x1000; }

}  // namespace

TEMPLATE_TEST_CASE("Both: no thread copies from a page that the driver has back after a wait", "[contract][threads]",
                   VtdSide, SmmuSide) {
    TestType side;
    side.guest.poke(output(0), kLent);
    side.map(kPage, output(0));
    side.turn_on();
    Sections sections;
    std::atomic<std::uint64_t> copies{0}, stale{0};
    {
        Drainer drainer(side.guest.unit, sections);
        side.guest.ports.dma_under_way = true;
        side.guest.ports.on_drain = [&](std::uint64_t ticket) { drainer.ask(ticket); };
        std::atomic<bool> stop{false};
        std::vector<std::thread> readers;
        readers.reserve(kReaders);
        for (unsigned reader = 0; reader < kReaders; ++reader) {
            readers.emplace_back([&, reader] {
                while (!stop) {
                    sections.enter(reader);
                    const auto reply = side.ask(kPage);
                    std::this_thread::yield();  // the copy takes its time
                    if (reply.outcome == Outcome::Translated) {
                        if (side.guest.peek(reply.translation.address.value) != kLent) ++stale;
                        ++copies;
                    }
                    sections.leave(reader);
                }
            });
        }
        while (copies < 100)
            std::this_thread::yield();
        for (std::uint32_t round = 1; round <= kRounds; ++round) {
            side.guest.poke(output(round), kLent);
            side.map(kPage, output(round));
            side.queue_page_invalidation(kPage);
            side.queue_status(round);
            side.ring();
            while (side.status() != round)
                std::this_thread::yield();
            side.guest.poke(output(round - 1), kTakenBack);
        }
        stop = true;
        for (std::thread& reader : readers)
            reader.join();
    }
    CHECK(stale == 0);
    CHECK(copies > 100);
    CHECK(side.guest.unit.counters().drains >= kRounds);
}
