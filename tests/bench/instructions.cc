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
#include <cstring>
#include <functional>

#include "bench_smmu_guest.h"

using namespace bench;

namespace {

constexpr std::uint32_t kTimes = 2000;

void count(const char* name, const std::function<void(std::uint32_t)>& operation) {
    CALLGRIND_START_INSTRUMENTATION;
    CALLGRIND_ZERO_STATS;
    for (std::uint32_t i = 0; i < kTimes; ++i)
        operation(i);
    CALLGRIND_DUMP_STATS_AT(name);
    CALLGRIND_STOP_INSTRUMENTATION;
    std::printf("%s %u\n", name, kTimes);
}

// The page that was asked for last; one that was not, in the IOTLB; one that is not there.
template <class Guest, class Ask>
void count_translations(const char* const (&names)[3], Guest& guest, Ask ask) {
    (void)ask(page_address(1));
    (void)ask(page_address(1));
    count(names[0], [&](std::uint32_t) { (void)ask(page_address(1)); });
    touch(guest, 0, 64);
    count(names[1], [&](std::uint32_t i) { (void)ask(page_address(i % 64)); });
    count(names[2], [&](std::uint32_t i) { (void)ask(page_address(1024 + i)); });
}

void count_vtd(Mode mode, const char* const (&names)[3]) {
    const auto guest = make_guest(mode, kPages);
    count_translations(names, *guest, [&](std::uint64_t iova) { return guest->unit.translate(request_for(iova)); });
}

void count_smmu(SmmuMode mode, const char* const (&names)[3]) {
    const auto guest = make_smmu_guest(mode, kPages);
    count_translations(names, *guest, [&](std::uint64_t iova) { return guest->unit.translate(smmu_request(iova)); });
}

void count_commands() {
    const auto vtd = make_guest(Mode::FirstStage, kPages);
    count("vtd-invalidate-page", [&](std::uint32_t i) {
        vtd->submit(page_invalidation(Mode::FirstStage, page_address(i), 0));
        forget(vtd->ports);
    });
    const auto smmu = make_smmu_guest(SmmuMode::Stage1, kPages);
    count("smmu-invalidate-page", [&](std::uint32_t i) {
        smmu->submit(smmu_page_invalidation(SmmuMode::Stage1, page_address(i), false));
        forget(smmu->ports);
    });
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
