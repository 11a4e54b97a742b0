// SPDX-License-Identifier: GPL-2.0-or-later
//
// engine_commands: the unit alone: invalidation commands and faults.
//
// Each command goes through the queue, with one write of the tail. The cache is full when it is carried out: what it
// dropped is brought back before the next, outside the measured time.
#include <benchmark/benchmark.h>

#include "bench_guest.h"

using namespace bench;

namespace {

template <class Action>
double seconds(Action&& action) {
    const auto start = std::chrono::steady_clock::now();
    action();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void BM_InvalidatePages(benchmark::State& state, Mode mode) {
    const auto guest = make_guest(mode, kPages);
    const auto pages_log2 = static_cast<unsigned>(state.range(0));
    const std::uint32_t count = 1u << pages_log2;
    touch(*guest, 0, kPages);
    std::uint32_t first = 0;
    for (auto _ : state) {
        guest->put(page_invalidation(mode, page_address(first), pages_log2));
        state.SetIterationTime(seconds([&] { guest->ring_doorbell(); }));
        touch(*guest, first, count);
        forget(guest->ports);
        first = (first + count) % kPages;
    }
}

// `granularity`: 1 everything, 2 a domain.
void BM_InvalidateMore(benchmark::State& state, unsigned granularity) {
    const auto guest = make_guest(Mode::FirstStage, kPages);
    touch(*guest, 0, kPages);
    for (auto _ : state) {
        guest->put(test::iotlb(granularity, kDomain));
        state.SetIterationTime(seconds([&] { guest->ring_doorbell(); }));
        touch(*guest, 0, 64);
        forget(guest->ports);
    }
}

// The queue is written once: half of it are 63 page invalidations and a wait, and so is the other half.
void BM_Queue(benchmark::State& state) {
    constexpr std::uint32_t kHalf = 64;
    const auto guest = make_guest(Mode::FirstStage, kPages);
    const std::uint64_t status = guest->alloc_page();
    while (guest->queue_tail != 0)
        guest->submit(test::pasid_iotlb(3, kDomain, 0, page_address(0)));
    for (std::uint32_t at = 0; at < 2 * kHalf; ++at)
        guest->put(at % kHalf == kHalf - 1 ? test::wait_status(status, 1)
                                           : test::pasid_iotlb(3, kDomain, 0, page_address(at)));
    std::uint64_t tail = 0;
    for (auto _ : state) {
        tail ^= 32 * kHalf;
        guest->w64(test::kIqt, tail);
        forget(guest->ports);
    }
    if (guest->r32(test::kFsts) != 0) state.SkipWithError("the queue stopped");
    state.SetItemsProcessed(state.iterations() * kHalf);
}

// Pages that are not mapped, each far from the last: each is a transaction of its own.
void BM_Fault(benchmark::State& state, bool record) {
    const auto guest = make_guest(Mode::FirstStage, kPages);
    std::uint32_t page = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(guest->unit.translate(request_for(page_address(kPages + 16 * page))));
        page = (page + 1) % kPages;
        if (record) guest->clear_record(0);
        forget(guest->ports);
    }
}

BENCHMARK_CAPTURE(BM_InvalidatePages, legacy, Mode::Legacy)->Arg(0)->UseManualTime()->Iterations(20000);
BENCHMARK_CAPTURE(BM_InvalidatePages, legacy, Mode::Legacy)->Arg(9)->UseManualTime()->Iterations(500);
BENCHMARK_CAPTURE(BM_InvalidatePages, legacy, Mode::Legacy)->Arg(16)->UseManualTime()->Iterations(10);
BENCHMARK_CAPTURE(BM_InvalidatePages, first_stage, Mode::FirstStage)->Arg(0)->UseManualTime()->Iterations(20000);
BENCHMARK_CAPTURE(BM_InvalidatePages, first_stage, Mode::FirstStage)->Arg(9)->UseManualTime()->Iterations(500);
BENCHMARK_CAPTURE(BM_InvalidatePages, first_stage, Mode::FirstStage)->Arg(16)->UseManualTime()->Iterations(10);
BENCHMARK_CAPTURE(BM_InvalidateMore, everything, 1)->UseManualTime()->Iterations(5000);
BENCHMARK_CAPTURE(BM_InvalidateMore, domain, 2)->UseManualTime()->Iterations(5000);
BENCHMARK(BM_Queue);
BENCHMARK_CAPTURE(BM_Fault, not_recorded, false);
BENCHMARK_CAPTURE(BM_Fault, recorded_and_cleared, true);

}  // namespace
