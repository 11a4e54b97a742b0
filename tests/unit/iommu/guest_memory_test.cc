// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/guest_memory.h"

#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <memory>
#include <vector>

#include "fake_ports.h"

namespace {

using iommu::Field;
using iommu::GuestMemory;
using iommu::Layout;
using iommu::Pa;
using iommu::RamRange;
using iommu::Value;
using iommu::Words;
using Swap = GuestMemory::Swap;

constexpr std::uint64_t kTop = 0xffffffffffffffff;

// One page of host memory whose byte n holds n modulo 251, and a memory that is told where it is.
struct Machine {
    test::FakePorts ports;
    alignas(4096) std::array<std::byte, 4096> page{};
    GuestMemory memory{ports};

    Machine() {
        for (std::size_t i = 0; i < page.size(); ++i)
            page[i] = static_cast<std::byte>(i % 251);
    }
    void set(std::vector<RamRange> ranges) { memory.set_ram(ranges); }
    RamRange range(std::uint64_t address, std::uint64_t size, std::size_t offset = 0) {
        return {Pa{address}, size, page.data() + offset};
    }
    std::uint64_t word(std::size_t offset) const {
        std::uint64_t value = 0;
        std::memcpy(&value, page.data() + offset, 8);
        return value;
    }
};

TEST_CASE("GuestMemory: without RAM every access is an error") {
    Machine machine;
    CHECK_FALSE(machine.memory.load64(Pa{0}));
    CHECK_FALSE(machine.memory.load<2>(Pa{0}));
    CHECK_FALSE(machine.memory.store32(Pa{0}, 1));
    CHECK(machine.memory.compare_exchange64(Pa{0}, 0, 1) == Swap::NoMemory);
    CHECK_FALSE(machine.memory.is_ram(Pa{0}, 1));
    CHECK(machine.ports.dirty.empty());
}

TEST_CASE("GuestMemory: words are little-endian") {
    Machine machine;
    machine.set({machine.range(0x1000, 4096)});
    CHECK(machine.memory.load64(Pa{0x1000}) == 0x0706050403020100);
    CHECK(machine.memory.load64(Pa{0x1008}) == 0x0f0e0d0c0b0a0908);
    CHECK(machine.memory.load<2>(Pa{0x1000}) == Words<2>{0x0706050403020100, 0x0f0e0d0c0b0a0908});
    REQUIRE(machine.memory.store32(Pa{0x1004}, 0xaabbccdd));
    CHECK(machine.page[4] == std::byte{0xdd});
    CHECK(machine.page[7] == std::byte{0xaa});
    CHECK(machine.page[3] == std::byte{3});
    CHECK(machine.page[8] == std::byte{8});
    REQUIRE(machine.memory.compare_exchange64(Pa{0x1010}, 0x1716151413121110, 0x0123456789abcdef) == Swap::Done);
    CHECK(machine.page[0x10] == std::byte{0xef});
    CHECK(machine.page[0x17] == std::byte{0x01});
}

TEST_CASE("GuestMemory: a range begins at its first byte and ends with its last") {
    Machine machine;
    machine.set({machine.range(0x1000, 0x100)});
    CHECK(machine.memory.load64(Pa{0x1000}));
    CHECK_FALSE(machine.memory.load64(Pa{0x0ff8}));
    CHECK(machine.memory.load64(Pa{0x10f8}));
    CHECK_FALSE(machine.memory.load64(Pa{0x1100}));
    CHECK(machine.memory.is_ram(Pa{0x10ff}, 1));
    CHECK_FALSE(machine.memory.is_ram(Pa{0x10ff}, 2));
    CHECK(machine.memory.is_ram(Pa{0x1000}, 0x100));
    CHECK_FALSE(machine.memory.is_ram(Pa{0x1000}, 0x101));
    CHECK_FALSE(machine.memory.is_ram(Pa{0x0fff}, 2));
}

TEST_CASE("GuestMemory: several words, a store and an exchange have to fit too") {
    Machine machine;
    machine.set({machine.range(0x1000, 0x104)});
    CHECK(machine.memory.load<4>(Pa{0x10e0}));
    CHECK_FALSE(machine.memory.load<4>(Pa{0x10e8}));
    CHECK(machine.memory.store32(Pa{0x1100}, 1));
    CHECK_FALSE(machine.memory.store32(Pa{0x1104}, 1));
    CHECK(machine.memory.compare_exchange64(Pa{0x10f8}, 0, 1) == Swap::Changed);
    CHECK(machine.memory.compare_exchange64(Pa{0x1100}, 0, 1) == Swap::NoMemory);
}

TEST_CASE("GuestMemory: an access over two ranges is an error even when they touch") {
    Machine machine;
    machine.set({machine.range(0x1000, 0x100), machine.range(0x1100, 0x100, 0x100)});
    CHECK(machine.memory.load<1>(Pa{0x10f8}));
    CHECK(machine.memory.load<1>(Pa{0x1100}));
    CHECK_FALSE(machine.memory.load<2>(Pa{0x10f8}));
}

TEST_CASE("GuestMemory: each range has its own host memory") {
    Machine machine;
    machine.set({machine.range(0x1000, 0x100), machine.range(0x8000, 0x100, 0x200), machine.range(0x9000, 8, 0x300)});
    CHECK(machine.memory.load64(Pa{0x1000}) == machine.word(0));
    CHECK(machine.memory.load64(Pa{0x80f8}) == machine.word(0x2f8));
    CHECK(machine.memory.load64(Pa{0x9000}) == machine.word(0x300));
    CHECK_FALSE(machine.memory.load64(Pa{0x2000}));
    CHECK_FALSE(machine.memory.load64(Pa{0x8100}));
    CHECK_FALSE(machine.memory.load64(Pa{0x9008}));
}

TEST_CASE("GuestMemory: a range may end with the last address, and no access goes round") {
    Machine machine;
    machine.set({machine.range(0xfffffffffffff000, 0x1000)});
    CHECK(machine.memory.load64(Pa{0xfffffffffffffff8}) == machine.word(0xff8));
    CHECK(machine.memory.is_ram(Pa{kTop}, 1));
    CHECK_FALSE(machine.memory.is_ram(Pa{kTop}, 2));
    CHECK_FALSE(machine.memory.load<2>(Pa{0xfffffffffffffff8}));
    CHECK_FALSE(machine.memory.is_ram(Pa{0xfffffffffffff000}, kTop));
    CHECK_FALSE(machine.memory.load64(Pa{0}));
}

TEST_CASE("GuestMemory: a range that goes round is left out, the others are not") {
    Machine machine;
    machine.set({machine.range(0x1000, 0x100), machine.range(0xfffffffffffff000, 0x1008)});
    CHECK_FALSE(machine.memory.load64(Pa{0xfffffffffffff000}));
    CHECK_FALSE(machine.memory.load64(Pa{0}));
    CHECK(machine.memory.load64(Pa{0x1000}));
}

TEST_CASE("GuestMemory: empty ranges and those without a host are left out") {
    Machine machine;
    machine.set({machine.range(0x1000, 0), {Pa{0x2000}, 0x100, nullptr}, machine.range(0x3000, 0x100)});
    CHECK_FALSE(machine.memory.is_ram(Pa{0x1000}, 1));
    CHECK_FALSE(machine.memory.is_ram(Pa{0x2000}, 1));
    CHECK(machine.memory.load64(Pa{0x3000}) == machine.word(0));
}

TEST_CASE("GuestMemory: a range whose host has another alignment is left out") {
    Machine machine;
    machine.set({machine.range(0x1000, 0x100, 4), machine.range(0x2004, 0x100), machine.range(0x3000, 0x100, 8),
                 machine.range(0x4004, 0x100, 0x14)});
    CHECK_FALSE(machine.memory.is_ram(Pa{0x1000}, 1));
    CHECK_FALSE(machine.memory.is_ram(Pa{0x2004}, 1));
    CHECK(machine.memory.load64(Pa{0x3000}) == machine.word(8));
    CHECK(machine.memory.load64(Pa{0x4008}) == machine.word(0x18));
    CHECK_FALSE(machine.memory.load64(Pa{0x4000}));
}

TEST_CASE("GuestMemory: 512 ranges are kept, and the next is left out") {
    Machine machine;
    std::vector<RamRange> ranges;
    for (std::uint64_t i = 0; i < 513; ++i)
        ranges.push_back(machine.range(0x10000 * i, 8, 8 * (i % 500)));
    machine.set(ranges);
    CHECK(machine.memory.load64(Pa{0}) == machine.word(0));
    CHECK(machine.memory.load64(Pa{0x1000000}) == machine.word(8 * 256));
    CHECK(machine.memory.load64(Pa{0x1ff0000}) == machine.word(8 * 11));
    CHECK_FALSE(machine.memory.load64(Pa{0x2000000}));
}

TEST_CASE("GuestMemory: ranges that are left out do not use up the 512") {
    Machine machine;
    std::vector<RamRange> ranges(100, machine.range(0, 0));
    for (std::uint64_t i = 0; i < 512; ++i)
        ranges.push_back(machine.range(0x10000 * i, 8));
    machine.set(ranges);
    CHECK(machine.memory.load64(Pa{0x1ff0000}));
}

TEST_CASE("GuestMemory: a new map replaces the old one wholly") {
    Machine machine;
    machine.set({machine.range(0x1000, 0x100), machine.range(0x2000, 0x100), machine.range(0x3000, 0x100)});
    machine.set({machine.range(0x2000, 0x80, 0x400)});
    CHECK_FALSE(machine.memory.load64(Pa{0x1000}));
    CHECK(machine.memory.load64(Pa{0x2000}) == machine.word(0x400));
    CHECK_FALSE(machine.memory.load64(Pa{0x2080}));
    CHECK_FALSE(machine.memory.load64(Pa{0x3000}));
    machine.set({});
    CHECK_FALSE(machine.memory.load64(Pa{0x2000}));
}

TEST_CASE("GuestMemory: an exchange writes when the word is what was expected, and only then") {
    Machine machine;
    machine.set({machine.range(0x1000, 0x100)});
    CHECK(machine.memory.compare_exchange64(Pa{0x1008}, 0x0f0e0d0c0b0a0900, 5) == Swap::Changed);
    CHECK(machine.memory.load64(Pa{0x1008}) == 0x0f0e0d0c0b0a0908);
    CHECK(machine.ports.dirty.empty());
    CHECK(machine.memory.compare_exchange64(Pa{0x1008}, 0x0f0e0d0c0b0a0908, 5) == Swap::Done);
    CHECK(machine.memory.load64(Pa{0x1008}) == 5);
    CHECK(machine.memory.load64(Pa{0x1000}) == 0x0706050403020100);
}

TEST_CASE("GuestMemory: the port is told of each change, where it was and how long, and of nothing else") {
    Machine machine;
    machine.set({machine.range(0x1000, 0x100)});
    REQUIRE(machine.memory.load64(Pa{0x1000}));
    CHECK_FALSE(machine.memory.store32(Pa{0x2000}, 1));
    CHECK(machine.ports.dirty.empty());
    REQUIRE(machine.memory.store32(Pa{0x1014}, 1));
    REQUIRE(machine.memory.compare_exchange64(Pa{0x1000}, 0x0706050403020100, 1) == Swap::Done);
    REQUIRE(machine.ports.dirty.size() == 2);
    CHECK(machine.ports.dirty[0].address == 0x1014);
    CHECK(machine.ports.dirty[0].size == 4);
    CHECK(machine.ports.dirty[1].address == 0x1000);
    CHECK(machine.ports.dirty[1].size == 8);
}

TEST_CASE("GuestMemory: several words are stored in place, whole or not at all, and told once") {
    Machine machine;
    machine.set({machine.range(0x1000, 0x20)});
    constexpr std::array<std::uint64_t, 2> words{0x0102030405060708, 0x1112131415161718};
    CHECK_FALSE(machine.memory.store_words(Pa{0x1018}, words));
    CHECK_FALSE(machine.memory.store_words(Pa{0x0ff8}, words));
    CHECK(machine.memory.load64(Pa{0x1018}) == 0x1f1e1d1c1b1a1918);
    CHECK(machine.memory.load64(Pa{0x1000}) == 0x0706050403020100);
    CHECK(machine.ports.dirty.empty());
    REQUIRE(machine.memory.store_words(Pa{0x1010}, words));
    CHECK(machine.page[0x10] == std::byte{0x08});
    CHECK(machine.memory.load<2>(Pa{0x1010}) == Words<2>{0x0102030405060708, 0x1112131415161718});
    CHECK(machine.memory.load64(Pa{0x1008}) == 0x0f0e0d0c0b0a0908);
    REQUIRE(machine.ports.dirty.size() == 1);
    CHECK(machine.ports.dirty[0].address == 0x1010);
    CHECK(machine.ports.dirty[0].size == 16);
}

struct PAIR {
    using LOW = Field<"LOW", 63, 0>;
    using HIGH = Field<"HIGH", 127, 64>;
    using layout = Layout<Words<2>, LOW, HIGH>;
};
struct SINGLE {
    using ALL = Field<"ALL", 63, 0>;
    using layout = Layout<std::uint64_t, ALL>;
};

TEST_CASE("GuestMemory: a structure is read by its layout, or not at all") {
    Machine machine;
    machine.set({machine.range(0x1000, 0x18)});
    const auto pair = machine.memory.read<PAIR>(Pa{0x1008});
    REQUIRE(pair);
    CHECK(pair->get<PAIR::LOW>() == 0x0f0e0d0c0b0a0908);
    CHECK(pair->get<PAIR::HIGH>() == 0x1716151413121110);
    CHECK_FALSE(machine.memory.read<PAIR>(Pa{0x1010}));
    CHECK(machine.memory.read<SINGLE>(Pa{0x1010})->raw() == 0x1716151413121110);
    CHECK_FALSE(machine.memory.read<SINGLE>(Pa{0x1018}));
}

}  // namespace
