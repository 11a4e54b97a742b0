// SPDX-License-Identifier: GPL-2.0-or-later
//
// engine_threads: the unit alone, asked by two threads at once, beside what the machine itself gives two threads.
//
// A time is wall-clock time over all translations of all threads: with two threads it is at best half of that with one.
#include <benchmark/benchmark.h>

#include "bench_guest.h"

using namespace bench;

namespace {

test::Guest& shared_guest() {
    static const std::unique_ptr<test::Guest> guest = make_guest(Mode::FirstStage, kPages);
    return *guest;
}

// Each thread has pages of its own, as each device has its own buffers.
void BM_ThreadsHit(benchmark::State& state) {
    test::Guest& guest = shared_guest();
    const auto request = request_for(page_address(64 * static_cast<std::uint32_t>(state.thread_index())));
    (void)guest.unit.translate(request);
    for (auto _ : state)
        benchmark::DoNotOptimize(guest.unit.translate(request));
}

// What two processors can give: about as long as a hit, and nothing shared.
void BM_ThreadsMachine(benchmark::State& state) {
    std::uint64_t value = static_cast<std::uint64_t>(state.thread_index()) + 1;
    for (auto _ : state) {
        for (int i = 0; i < 16; ++i)
            value = value * 6364136223846793005u + 1442695040888963407u;
        benchmark::DoNotOptimize(value);
    }
}

BENCHMARK(BM_ThreadsHit)->Threads(1)->Threads(2)->UseRealTime();
BENCHMARK(BM_ThreadsMachine)->Threads(1)->Threads(2)->UseRealTime();

}  // namespace
