// SPDX-License-Identifier: GPL-2.0-or-later
//
// instructions: the core's most frequent operations, for callgrind to count.
//
//     valgrind --tool=callgrind --instr-atstart=no --callgrind-out-file=FILE instructions
//     instructions --compiler        what it was compiled with
//
// prints each operation's name and how often it was done, in the order of callgrind's dumps. Unlike nanoseconds, the
// counts are the same on a busy machine; check-instructions compares them with those that are kept.
#include <valgrind/callgrind.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "bench_smmu_guest.h"

using namespace bench;

namespace {

constexpr std::uint32_t kTimes = 2000;

// Ends the program when the operation was not what its name says: counted would be something else.
void expect(const char* name, bool right) {
    if (right) return;
    std::fprintf(stderr, "%s was something else\n", name);
    std::exit(1);
}

void count(const char* name, const std::function<void(std::uint32_t)>& operation) {
    CALLGRIND_START_INSTRUMENTATION;
    CALLGRIND_ZERO_STATS;
    for (std::uint32_t i = 0; i < kTimes; ++i)
        operation(i);
    CALLGRIND_DUMP_STATS_AT(name);
    CALLGRIND_STOP_INSTRUMENTATION;
    std::printf("%s %u\n", name, kTimes);
}

// `ask` must translate each time, by a hit or by a miss.
template <class Guest, class Ask>
void count_asked(const char* name, Guest& guest, bool hits, Ask ask) {
    const auto before = guest.unit.counters();
    std::uint32_t good = 0;
    count(name, [&](std::uint32_t i) { good += ask(i).outcome == iommu::Outcome::Translated ? 1 : 0; });
    const auto after = guest.unit.counters();
    const auto counted = hits ? after.hits - before.hits : after.misses - before.misses;
    expect(name, good == kTimes && counted == kTimes);
}

// The page that was asked for last; one that was not, in the IOTLB; one that is not there.
template <class Guest, class Ask>
void count_translations(const char* const (&names)[3], Guest& guest, Ask ask) {
    (void)ask(page_address(1));
    (void)ask(page_address(1));
    count_asked(names[0], guest, true, [&](std::uint32_t) { return ask(page_address(1)); });
    touch(guest, 0, 64);
    count_asked(names[1], guest, true, [&](std::uint32_t i) { return ask(page_address(i % 64)); });
    count_asked(names[2], guest, false, [&](std::uint32_t i) { return ask(page_address(1024 + i)); });
}

void count_vtd(Mode mode, const char* const (&names)[3]) {
    const auto guest = make_guest(mode, kPages);
    count_translations(names, *guest, [&](std::uint64_t iova) { return guest->unit.translate(request_for(iova)); });
}

void count_smmu(SmmuMode mode, const char* const (&names)[3]) {
    const auto guest = make_smmu_guest(mode, kPages);
    count_translations(names, *guest, [&](std::uint64_t iova) { return guest->unit.translate(smmu_request(iova)); });
}

// Each command must be carried out.
template <class Guest, class Command>
void count_command(const char* name, Guest& guest, Command command) {
    const auto before = guest.unit.counters();
    count(name, [&](std::uint32_t i) {
        guest.submit(command(page_address(i)));
        forget(guest.ports);
    });
    const auto after = guest.unit.counters();
    expect(name, after.invalidations - before.invalidations == kTimes && after.queue_errors == 0);
}

void count_commands() {
    const auto vtd = make_guest(Mode::FirstStage, kPages);
    count_command("vtd-invalidate-page", *vtd,
                  [](std::uint64_t iova) { return page_invalidation(Mode::FirstStage, iova, 0); });
    const auto smmu = make_smmu_guest(SmmuMode::Stage1, kPages);
    count_command("smmu-invalidate-page", *smmu,
                  [](std::uint64_t iova) { return smmu_page_invalidation(SmmuMode::Stage1, iova, false); });
}

#ifdef __clang__
constexpr const char* kCompiler = "clang";
constexpr int kCompilerVersion = __clang_major__;
#else
constexpr const char* kCompiler = "gcc";
constexpr int kCompilerVersion = __GNUC__;
#endif

}  // namespace

int main(int words_count, char** words) {
    if (words_count > 1 && std::strcmp(words[1], "--compiler") == 0) {
        std::printf("%s-%d\n", kCompiler, kCompilerVersion);
        return 0;
    }
    count_vtd(Mode::FirstStage, {"vtd-first-stage-again", "vtd-first-stage-hit", "vtd-first-stage-miss"});
    count_vtd(Mode::Nested, {"vtd-nested-again", "vtd-nested-hit", "vtd-nested-miss"});
    count_smmu(SmmuMode::Stage1, {"smmu-stage-1-again", "smmu-stage-1-hit", "smmu-stage-1-miss"});
    count_smmu(SmmuMode::Nested, {"smmu-nested-again", "smmu-nested-hit", "smmu-nested-miss"});
    count_commands();
    return 0;
}
