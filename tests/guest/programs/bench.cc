// SPDX-License-Identifier: GPL-2.0-or-later
// The suite bench: what Linux takes to map memory for a device (the kernel's own dma_map_benchmark) and to read a disk
// at random, behind the machine's unit or, in a machine without one, behind none.
//
// A second for each, so it shows that the measurement works; scripts/bench-linux runs it many times. The host gets
//
//   @@ behind NAME             the unit: dmar0, smmu3.0x9050000, or none
//   @@ measured NAME VALUE     nanoseconds, but for names that end in iops
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>
#if __has_include(<linux/map_benchmark.h>)
#include <linux/map_benchmark.h>
#endif

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <future>
#include <random>
#include <string>
#include <vector>

#include "files.h"
#include "memory.h"
#include "pci.h"
#include "steps.h"
#include "suites.h"

namespace guest {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kEduId = 0x123411e8;
constexpr std::uint32_t kNvmeId = 0x1b360010;

// The unit's name in sysfs, "" if there is none.
std::string unit_name() {
    const auto names = names_in("/sys/class/iommu");
    return names.empty() ? "" : names.front();
}

// The first function with this id. With a unit it is translated, and what is unmapped is invalidated at once: "DMA",
// not "DMA-FQ" or "identity". Without one it is in no group.
PciFunction translated_function(std::uint32_t id) {
    const auto functions = functions_with(id);
    check(!functions.empty(), "the machine has no device " + hex(id));
    const std::string group = functions.front().folder() + "/iommu_group";
    if (unit_name().empty())
        check(!exists(group), functions.front().name + " has a group without any unit");
    else
        check(read_text(group + "/type") == "DMA", functions.front().name + " is not behind a strict domain");
    return functions.front();
}

void tell(const std::string& name, std::uint64_t value) {
    std::printf("@@ measured %s %llu\n", name.c_str(), static_cast<unsigned long long>(value));
}

void behind() {
    translated_function(kEduId);
    translated_function(kNvmeId);
    std::printf("@@ behind %s\n", unit_name().empty() ? "none" : unit_name().c_str());
}

// Threads of the kernel that map and unmap a buffer of their own again and again. The device does nothing.
template <unsigned kThreads, unsigned kPages>
void map_and_unmap() {
#ifdef DMA_MAP_BENCHMARK
    give_to_driver(translated_function(kEduId), "dma_map_benchmark");
    map_benchmark run = {};
    run.threads = kThreads;
    run.seconds = 1;
    run.node = -1;
    run.dma_bits = 64;
    run.dma_dir = DMA_MAP_BIDIRECTIONAL;
    run.granule = kPages;
    const Fd file = open_file("/sys/kernel/debug/dma_map_benchmark", O_RDWR);
    must_ioctl(file.number(), DMA_MAP_BENCHMARK, &run, "DMA_MAP_BENCHMARK");
    // Without a unit it may be less than the driver counts.
    check(unit_name().empty() || (run.avg_map_100ns > 0 && run.avg_unmap_100ns > 0), "the kernel measured nothing");
    const std::string how = std::to_string(kThreads) + "x" + std::to_string(kPages);
    tell("map-" + how, run.avg_map_100ns * 100);
    tell("unmap-" + how, run.avg_unmap_100ns * 100);
#else
    skip("this kernel's headers do not have the one of dma_map_benchmark");
#endif
}

// Each block of the disk is its number in decimal digits and a newline; the host makes it so.
class Block {
  public:
    static constexpr std::size_t kBytes = kKiB4;

    void expect(std::uint64_t number) {
        for (std::size_t digit = 1; digit <= kDigits; ++digit, number /= 10)
            text_[kBytes - 1 - digit] = static_cast<char>('0' + number % 10);
        text_.back() = '\n';
    }
    [[nodiscard]] bool is_in(const std::uint8_t* bytes) const { return std::memcmp(bytes, text_.data(), kBytes) == 0; }

  private:
    static constexpr std::size_t kDigits = 8;
    std::string text_ = std::string(kBytes, '0');
};

// The disk of the machine's NVMe controller, once the kernel has found it.
Fd open_disk() {
    constexpr unsigned kTries = 100;
    const std::string folder = translated_function(kNvmeId).folder() + "/nvme";
    for (unsigned tried = 0; tried < kTries; ++tried) {
        for (const std::string& controller : names_in(folder))
            if (exists("/dev/" + controller + "n1")) return open_file("/dev/" + controller + "n1", O_RDONLY | O_DIRECT);
        usleep(50 * 1000);
    }
    fail("the kernel found no NVMe disk");
}

struct Reads {
    std::uint64_t count = 0;
    Clock::duration waited{};
};

// Reads block after block at random until `end`, past the kernel's cache, and one at least.
Reads read_blocks(const Fd& disk, unsigned seed, Clock::time_point end) {
    const auto blocks = static_cast<std::uint64_t>(lseek(disk.number(), 0, SEEK_END)) / Block::kBytes;
    check(blocks > 1, "the disk is empty");
    const Memory buffer{Block::kBytes};
    std::minstd_rand random{seed};
    Block block;
    Reads reads;
    do {
        const std::uint64_t number = random() % blocks;
        block.expect(number);
        std::memset(buffer.data(), 0, Block::kBytes);
        const auto start = Clock::now();
        const auto count =
            pread(disk.number(), buffer.data(), Block::kBytes, static_cast<off_t>(number * Block::kBytes));
        reads.waited += Clock::now() - start;
        check(count == Block::kBytes, "the read of block " + std::to_string(number) + " failed");
        check(block.is_in(buffer.data()), "block " + std::to_string(number) + " came with other data");
        reads.count += 1;
    } while (Clock::now() < end);
    return reads;
}

// As many threads as reads are to be under way at a time.
template <unsigned kDepth>
void read_disk() {
    const Fd disk = open_disk();
    const auto start = Clock::now();
    std::vector<std::future<Reads>> readers;
    for (unsigned reader = 0; reader < kDepth; ++reader)
        readers.push_back(std::async(std::launch::async, [&disk, reader, start] {
            return read_blocks(disk, reader + 1, start + std::chrono::seconds{1});
        }));
    Reads all;
    for (auto& reader : readers) {
        const Reads reads = reader.get();
        all.count += reads.count;
        all.waited += reads.waited;
    }
    using std::chrono::nanoseconds;
    const auto took = std::chrono::duration_cast<nanoseconds>(Clock::now() - start).count();
    const auto waited = std::chrono::duration_cast<nanoseconds>(all.waited).count();
    const std::string how = "read-" + std::to_string(kDepth);
    tell(how + "-iops", all.count * std::nano::den / static_cast<std::uint64_t>(took));
    tell(how, static_cast<std::uint64_t>(waited) / all.count);
}

constexpr std::array kSteps{
    Step{"behind", behind},
    Step{"map", map_and_unmap<1, 1>},
    Step{"map-16-pages", map_and_unmap<1, 16>},
    Step{"map-two-threads", map_and_unmap<2, 1>},
    Step{"map-two-threads-16-pages", map_and_unmap<2, 16>},
    Step{"read", read_disk<1>},
    Step{"read-four-deep", read_disk<4>},
};

}  // namespace

Suite bench_suite() { return {"bench", nullptr, kSteps}; }

}  // namespace guest
