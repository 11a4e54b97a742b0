// SPDX-License-Identifier: GPL-2.0-or-later
// Steps: what a guest program proves, one line each, and how it is told.
//
// A suite is a list of steps. Every step runs in a process of its own, so that it leaves no file open, no device bound
// to its iommufd and no thread behind, and cannot hang the rest: after kStepSeconds it has failed. The console gets,
// per step,
//
//   @@ step SUITE/NAME pass MILLISECONDS
//   @@ step SUITE/NAME skip REASON
//   @@ step SUITE/NAME fail REASON
//
// A step passes by returning. It ends early by fail(), skip(), or a check() that does not hold.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace guest {

inline constexpr unsigned kStepSeconds = 40;

struct Failure {
    std::string reason;
};

struct Skip {
    std::string reason;
};

[[noreturn]] void fail(const std::string& reason);
[[noreturn]] void skip(const std::string& reason);

// What is wrong if `holds` does not hold.
void check(bool holds, const std::string& wrong);

// check() of two numbers, both told.
void check_equal(std::uint64_t have, std::uint64_t want, const std::string& what);

std::string hex(std::uint64_t value);

// The text of an errno.
std::string error_text(int error);

struct Step {
    const char* name;
    void (*run)();
};

struct Suite {
    const char* name;
    // Brings the devices into the state that the steps need; once, before the first of them.
    void (*prepare)();
    std::span<const Step> steps;
};

// Every suite of the program; suites.cc has the list.
std::span<const Suite> suites();

// Runs the steps of a suite, or the one that is named; how many failed.
int run_suite(const Suite& suite, const std::string& only);

}  // namespace guest
