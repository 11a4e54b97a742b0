// SPDX-License-Identifier: GPL-2.0-or-later
//
// GuestMemory from several threads at once; to be run with the thread sanitizer as well.
#include <array>
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <thread>
#include <vector>

#include "fake_ports.h"
#include "iommu/guest_memory.h"

namespace {

using iommu::GuestMemory;
using iommu::Pa;
using iommu::RamRange;
using Swap = GuestMemory::Swap;

// Host memory in which each word says which map it belongs to and which guest address it stands for.
struct Bank {
    std::vector<std::uint64_t> words;
    RamRange range;
    Bank(std::uint64_t map, std::uint64_t address, std::uint64_t size) : words(size / 8) {
        for (std::size_t i = 0; i < words.size(); ++i)
            words[i] = map << 32 | (address + 8 * i);
        range = {Pa{address}, size, reinterpret_cast<std::byte*>(words.data())};
    }
};

TEST_CASE("GuestMemory: while the map is replaced, a read gets a word of one of the maps at the address it asked for",
          "[threads]") {
    test::FakePorts ports;
    GuestMemory memory(ports);
    Bank low(1, 0x0000, 0x1000), high(1, 0x2000, 0x2000), other(2, 0x1000, 0x2800);
    const std::array<RamRange, 2> map_1{low.range, high.range};
    const std::array<RamRange, 1> map_2{other.range};
    memory.set_ram(map_1);

    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> wrong{0}, from_1{0}, from_2{0};
    const auto reader = [&] {
        for (std::uint64_t address = 0; !stop.load(); address = (address + 0x1238) % 0x5000) {
            const auto word = memory.load64(Pa{address});
            const bool in_1 = address < 0x1000 || (address >= 0x2000 && address < 0x4000);
            const bool in_2 = address >= 0x1000 && address < 0x3800;
            if (!word) {
                if (in_1 && in_2) ++wrong;
            } else if (in_1 && *word == (std::uint64_t{1} << 32 | address)) {
                ++from_1;
            } else if (in_2 && *word == (std::uint64_t{2} << 32 | address)) {
                ++from_2;
            } else {
                ++wrong;
            }
        }
    };
    std::thread one(reader), two(reader);
    for (int i = 0; i < 4000 || from_1 == 0 || from_2 == 0; ++i) {
        memory.set_ram(map_2);
        if (i % 16 == 0) std::this_thread::sleep_for(std::chrono::microseconds(50));
        memory.set_ram(map_1);
        if (i % 16 == 8) std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    stop = true;
    one.join();
    two.join();
    CHECK(wrong == 0);
}

TEST_CASE("GuestMemory: of exchanges that race, each one counts", "[threads]") {
    test::FakePorts ports;
    test::FakeRam ram(4096);
    GuestMemory memory(ports);
    memory.set_ram(std::array{ram.range()});
    const auto increment = [&memory] {
        for (int i = 0; i < 5000; ++i) {
            Swap swap = Swap::Changed;
            while (swap == Swap::Changed) {
                const auto now = memory.load64(Pa{0x100});
                if (!now) return;
                swap = memory.compare_exchange64(Pa{0x100}, *now, *now + 1);
            }
        }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back(increment);
    for (auto& thread : threads)
        thread.join();
    CHECK(ram.peek(0x100) == 15000);
    CHECK(ports.dirty.size() == 15000);
}

// The driver clears the first word, changes the others and sets the first one last.
TEST_CASE("GuestMemory: a structure whose writer clears the first word first is never seen half done", "[threads]") {
    test::FakePorts ports;
    test::FakeRam ram(4096);
    GuestMemory memory(ports);
    memory.set_ram(std::array{ram.range()});
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> torn{0}, whole{0};
    std::thread reader([&] {
        while (!stop.load()) {
            const auto words = memory.load<8>(Pa{0x40});
            if (!words || (*words)[0] == 0) continue;
            ++whole;
            for (std::size_t i = 1; i < 8; ++i) {
                if ((*words)[i] != (*words)[0]) ++torn;
            }
        }
    });
    for (std::uint64_t version = 1; version <= 2000 || whole == 0; ++version) {
        ram.poke(0x40, 0);
        for (std::uint64_t i = 1; i < 8; ++i)
            ram.poke(0x40 + 8 * i, version);
        ram.poke(0x40, version);
        std::this_thread::sleep_for(std::chrono::microseconds(1));
    }
    stop = true;
    reader.join();
    CHECK(torn == 0);
}

TEST_CASE("GuestMemory: a reader that sees the first of several stored words finds the rest there", "[threads]") {
    test::FakePorts ports;
    test::FakeRam ram(4096);
    GuestMemory memory(ports);
    memory.set_ram(std::array{ram.range()});
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> missing{0}, seen{0};
    std::thread reader([&] {
        while (!stop.load()) {
            const std::uint64_t first = ram.peek(0x40);
            for (std::uint64_t i = 31; i >= 1; --i) {
                if (ram.peek(0x40 + 8 * i) < first) ++missing;
            }
            if (first != 0) ++seen;
        }
    });
    for (std::uint64_t version = 1; version <= 20000 || seen < 50000; ++version) {
        std::array<std::uint64_t, 32> words;
        words.fill(version);
        if (!memory.store_words(Pa{0x40}, words)) break;
    }
    stop = true;
    reader.join();
    CHECK(missing == 0);
    CHECK(seen > 0);
}

}  // namespace
