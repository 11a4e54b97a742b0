// SPDX-License-Identifier: GPL-2.0-or-later
//
// engine_bench: the unit alone, with no QEMU around it. Here: translations.
//
//     engine-bench --benchmark_filter=Hit --benchmark_repetitions=5 --benchmark_enable_random_interleaving=true
#include <benchmark/benchmark.h>

#include <ctime>

#include "bench_guest.h"

using namespace bench;

namespace {

constexpr std::uint32_t kColdPasids = 256;
constexpr std::uint32_t kSmallestIotlb = 64;
constexpr std::uint32_t kFirstOfMany = 0x100;  // 01:00.0

double processor_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// One page again and again: config and translation are cached.
void BM_Hit(benchmark::State& state, Mode mode) {
    const auto guest = make_guest(mode, kPages);
    const auto request = request_for(page_address(1));
    for (auto _ : state)
        benchmark::DoNotOptimize(guest->unit.translate(request));
}

// All pages are cached, and more of them than the processor's own caches like.
void BM_RandomHit(benchmark::State& state, Mode mode) {
    const auto guest = make_guest(mode, kPages);
    const auto pages = shuffled_pages();
    touch(*guest, 0, kPages);
    std::size_t next = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(guest->unit.translate(request_for(page_address(pages[next]))));
        next = (next + 1) % kPages;
    }
}

// The config is cached; the page is not, since a small IOTLB has dropped it before its turn comes again.
void BM_Walk(benchmark::State& state, Mode mode) {
    const auto guest = make_guest(mode, kSmallestIotlb);
    const auto before = guest->unit.counters();
    std::uint32_t page = kPages / 2;  // far from what was asked for last
    for (auto _ : state) {
        benchmark::DoNotOptimize(guest->unit.translate(request_for(page_address(page))));
        page = (page + 1) % kPages;
    }
    if (guest->unit.counters().hits != before.hits) state.SkipWithError("a page was cached");
}

// Nothing is cached, neither the PASID's config nor the page.
void BM_FirstTouch(benchmark::State& state, unsigned pgtt) {
    const auto guest = make_guest(pgtt == 3 ? Mode::Nested : Mode::FirstStage, kPages);
    for (std::uint32_t pasid = 1; pasid <= kColdPasids; ++pasid)
        guest->add_pasid(test::kDevice, pasid, {.pgtt = pgtt, .did = kDomain});
    const auto before = guest->unit.counters();
    auto request = request_for(0);
    for (auto _ : state) {
        guest->submit(test::pasid_cache(3));
        guest->submit(test::iotlb(1));
        forget(guest->ports);
        const double start = processor_seconds();
        for (std::uint32_t pasid = 1; pasid <= kColdPasids; ++pasid) {
            request.pasid = iommu::Pasid{pasid};
            request.iova = iommu::Iova{page_address(pasid)};
            benchmark::DoNotOptimize(guest->unit.translate(request));
        }
        state.SetIterationTime((processor_seconds() - start) / kColdPasids);
    }
    if (guest->unit.counters().hits != before.hits) state.SkipWithError("a page was cached");
}

// As many devices as the argument, in turn, each with a page of its own.
void BM_DevicesHit(benchmark::State& state) {
    const auto guest = make_guest(Mode::FirstStage, kPages);
    const auto devices = static_cast<std::uint32_t>(state.range(0));
    std::vector<iommu::Request> requests;
    for (std::uint32_t device = 0; device < devices; ++device) {
        guest->scalable_device(kFirstOfMany + device, {.pgtt = 1, .did = kDomain});
        requests.push_back(request_for(page_address(device)));
        requests.back().requester = iommu::RequesterId{kFirstOfMany + device};
        for (int i = 0; i < 2; ++i)
            (void)guest->unit.translate(requests.back());
    }
    std::size_t next = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(guest->unit.translate(requests[next]));
        if (++next == requests.size()) next = 0;
    }
    if (guest->unit.counters().faults != 0) state.SkipWithError("a device is not translated");
}

BENCHMARK_CAPTURE(BM_Hit, pass_through, Mode::PassThrough);
BENCHMARK_CAPTURE(BM_Hit, legacy, Mode::Legacy);
BENCHMARK_CAPTURE(BM_Hit, second_stage, Mode::SecondStage);
BENCHMARK_CAPTURE(BM_Hit, first_stage, Mode::FirstStage);
BENCHMARK_CAPTURE(BM_Hit, nested, Mode::Nested);

BENCHMARK(BM_DevicesHit)->Arg(1)->Arg(256);

BENCHMARK_CAPTURE(BM_RandomHit, legacy, Mode::Legacy);
BENCHMARK_CAPTURE(BM_RandomHit, first_stage, Mode::FirstStage);
BENCHMARK_CAPTURE(BM_RandomHit, nested, Mode::Nested);

BENCHMARK_CAPTURE(BM_Walk, legacy, Mode::Legacy);
BENCHMARK_CAPTURE(BM_Walk, second_stage, Mode::SecondStage);
BENCHMARK_CAPTURE(BM_Walk, first_stage, Mode::FirstStage);
BENCHMARK_CAPTURE(BM_Walk, nested, Mode::Nested);

BENCHMARK_CAPTURE(BM_FirstTouch, first_stage, 1)->UseManualTime()->Iterations(500);
BENCHMARK_CAPTURE(BM_FirstTouch, nested, 3)->UseManualTime()->Iterations(500);

}  // namespace

BENCHMARK_MAIN();
