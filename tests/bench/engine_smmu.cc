// SPDX-License-Identifier: GPL-2.0-or-later
//
// engine_smmu: what engine_bench and engine_commands measure, of the SMMUv3.
#include <benchmark/benchmark.h>

#include <chrono>
#include <ctime>

#include "bench_smmu_guest.h"

using namespace bench;
using namespace test::smmu;

namespace {

constexpr std::uint32_t kSmallestIotlb = 64;

double processor_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

template <class Action>
double seconds(Action&& action) {
    const auto start = std::chrono::steady_clock::now();
    action();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void expect_no_error(benchmark::State& state, Guest& guest) {
    if (guest.r32(kGerror) != 0) state.SkipWithError("the unit has an error");
}

// ---- Translations

void BM_SmmuHit(benchmark::State& state, SmmuMode mode) {
    const auto guest = make_smmu_guest(mode, kPages);
    const auto request = smmu_request(page_address(1));
    for (auto _ : state)
        benchmark::DoNotOptimize(guest->unit.translate(request));
}

void BM_SmmuRandomHit(benchmark::State& state, SmmuMode mode) {
    const auto guest = make_smmu_guest(mode, kPages);
    const auto pages = shuffled_pages();
    touch(*guest, 0, kPages);
    std::size_t next = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(guest->unit.translate(smmu_request(page_address(pages[next]))));
        next = (next + 1) % kPages;
    }
}

void BM_SmmuWalk(benchmark::State& state, SmmuMode mode) {
    const auto guest = make_smmu_guest(mode, kSmallestIotlb);
    const auto before = guest->unit.counters();
    std::uint32_t page = kPages / 2;  // far from what was asked for last
    for (auto _ : state) {
        benchmark::DoNotOptimize(guest->unit.translate(smmu_request(page_address(page))));
        page = (page + 1) % kPages;
    }
    if (guest->unit.counters().hits != before.hits) state.SkipWithError("a page was cached");
}

// Nothing is cached: neither STE and CD of the substream nor the page.
void BM_SmmuFirstTouch(benchmark::State& state, SmmuMode mode) {
    const auto guest = make_smmu_guest(mode, kPages);
    const auto before = guest->unit.counters();
    for (auto _ : state) {
        guest->forget();
        forget(guest->ports);
        const double start = processor_seconds();
        for (std::uint32_t substream = 1; substream <= kSmmuSubstreams; ++substream) {
            const auto request = with_substream(smmu_request(page_address(substream)), substream);
            benchmark::DoNotOptimize(guest->unit.translate(request));
        }
        state.SetIterationTime((processor_seconds() - start) / kSmmuSubstreams);
    }
    if (guest->unit.counters().hits != before.hits) state.SkipWithError("a page was cached");
    if (guest->unit.counters().faults != 0) state.SkipWithError("a page was not translated");
}

// ---- Commands, with the cache full each time

void BM_SmmuInvalidatePages(benchmark::State& state, SmmuMode mode) {
    const auto guest = make_smmu_guest(mode, kPages);
    const auto count = static_cast<std::uint32_t>(state.range(0));
    touch(*guest, 0, kPages);
    std::uint32_t first = 0;
    for (auto _ : state) {
        guest->put(smmu_page_invalidation(mode, page_address(first), count > 1));
        const auto misses = guest->unit.counters().misses;
        state.SetIterationTime(seconds([&] { guest->ring_doorbell(); }));
        touch(*guest, first, count);
        if (guest->unit.counters().misses != misses + count) state.SkipWithError("something else was dropped");
        forget(guest->ports);
        first = (first + count) % kPages;
    }
    expect_no_error(state, *guest);
}

void BM_SmmuInvalidateMore(benchmark::State& state, const Command& command) {
    const auto guest = make_smmu_guest(SmmuMode::Stage1, kPages);
    touch(*guest, 0, kPages);
    for (auto _ : state) {
        guest->put(command);
        state.SetIterationTime(seconds([&] { guest->ring_doorbell(); }));
        touch(*guest, 0, 64);
        forget(guest->ports);
    }
    expect_no_error(state, *guest);
}

// Half a queue of 128: 63 TLBI by VA and a CMD_SYNC.
void BM_SmmuQueue(benchmark::State& state) {
    constexpr std::uint32_t kHalf = 64;
    const auto guest = make_smmu_guest(SmmuMode::Stage1, kPages);
    while ((guest->cmdq_prod & (2 * kHalf - 1)) != 0)
        guest->submit(cmd_sync());
    for (std::uint32_t at = 0; at < 2 * kHalf; ++at)
        guest->put(at % kHalf == kHalf - 1 ? cmd_sync()
                                           : smmu_page_invalidation(SmmuMode::Stage1, page_address(at), false));
    std::uint32_t producer = guest->cmdq_prod ^ 2 * kHalf;  // where this began
    for (auto _ : state) {
        producer = (producer + kHalf) & (4 * kHalf - 1);
        guest->w32(kCmdqProd, producer);
        forget(guest->ports);
    }
    if (guest->r32(kCmdqCons) != producer) state.SkipWithError("the queue stopped");
    expect_no_error(state, *guest);
    state.SetItemsProcessed(state.iterations() * kHalf);
}

// Pages that are not mapped, each far from the last.
void BM_SmmuFault(benchmark::State& state) {
    const auto guest = make_smmu_guest(SmmuMode::Stage1, kPages);
    std::uint32_t page = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(guest->unit.translate(smmu_request(page_address(kPages + 16 * page))));
        page = (page + 1) % kPages;
        guest->w32(kEventqCons, guest->r32(kEventqProd));
        forget(guest->ports);
    }
    expect_no_error(state, *guest);
}

BENCHMARK_CAPTURE(BM_SmmuHit, bypass, SmmuMode::Bypass);
BENCHMARK_CAPTURE(BM_SmmuHit, stage_1, SmmuMode::Stage1);
BENCHMARK_CAPTURE(BM_SmmuHit, stage_2, SmmuMode::Stage2);
BENCHMARK_CAPTURE(BM_SmmuHit, nested, SmmuMode::Nested);

BENCHMARK_CAPTURE(BM_SmmuRandomHit, stage_1, SmmuMode::Stage1);
BENCHMARK_CAPTURE(BM_SmmuRandomHit, stage_2, SmmuMode::Stage2);
BENCHMARK_CAPTURE(BM_SmmuRandomHit, nested, SmmuMode::Nested);

BENCHMARK_CAPTURE(BM_SmmuWalk, stage_1, SmmuMode::Stage1);
BENCHMARK_CAPTURE(BM_SmmuWalk, stage_2, SmmuMode::Stage2);
BENCHMARK_CAPTURE(BM_SmmuWalk, nested, SmmuMode::Nested);

BENCHMARK_CAPTURE(BM_SmmuFirstTouch, stage_1, SmmuMode::Stage1)->UseManualTime()->Iterations(500);
BENCHMARK_CAPTURE(BM_SmmuFirstTouch, nested, SmmuMode::Nested)->UseManualTime()->Iterations(500);

BENCHMARK_CAPTURE(BM_SmmuInvalidatePages, stage_1, SmmuMode::Stage1)->Arg(1)->UseManualTime()->Iterations(20000);
BENCHMARK_CAPTURE(BM_SmmuInvalidatePages, stage_1, SmmuMode::Stage1)->Arg(512)->UseManualTime()->Iterations(500);
BENCHMARK_CAPTURE(BM_SmmuInvalidatePages, stage_2, SmmuMode::Stage2)->Arg(1)->UseManualTime()->Iterations(20000);
BENCHMARK_CAPTURE(BM_SmmuInvalidateMore, everything, tlbi_nsnh_all())->UseManualTime()->Iterations(5000);
BENCHMARK_CAPTURE(BM_SmmuInvalidateMore, asid, tlbi_nh_asid(kSmmuVmid, kSmmuAsid))->UseManualTime()->Iterations(5000);
BENCHMARK(BM_SmmuQueue);
BENCHMARK(BM_SmmuFault);

}  // namespace
