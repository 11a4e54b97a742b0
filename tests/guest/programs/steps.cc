// SPDX-License-Identifier: GPL-2.0-or-later
#include "steps.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>

namespace guest {

void fail(const std::string& reason) { throw Failure{reason}; }

void skip(const std::string& reason) { throw Skip{reason}; }

void check(bool holds, const std::string& wrong) {
    if (!holds) fail(wrong);
}

void check_equal(std::uint64_t have, std::uint64_t want, const std::string& what) {
    check(have == want, what + " is " + hex(have) + " and should be " + hex(want));
}

std::string hex(std::uint64_t value) {
    char text[24];
    std::snprintf(text, sizeof text, "%#llx", static_cast<unsigned long long>(value));
    return text;
}

std::string error_text(int error) { return std::strerror(error); }

namespace {

// What the step's process tells through its pipe: "pass", "skip REASON" or "fail REASON".
std::string outcome_of(void (*run)()) {
    try {
        run();
        return "pass";
    } catch (const Skip& skipped) {
        return "skip " + skipped.reason;
    } catch (const Failure& failure) {
        return "fail " + failure.reason;
    }
}

[[noreturn]] void run_child(void (*run)(), int pipe_end) {
    setpgid(0, 0);
    const std::string outcome = outcome_of(run);
    const auto written = write(pipe_end, outcome.data(), outcome.size());
    std::fflush(nullptr);
    _exit(written == static_cast<ssize_t>(outcome.size()) ? 0 : 1);
}

// What comes through the pipe until the process ends or its time is over.
std::string listen(int pipe_end) {
    std::string told;
    pollfd waiting = {.fd = pipe_end, .events = POLLIN, .revents = 0};
    if (poll(&waiting, 1, kStepSeconds * 1000) == 0)
        return "fail it took longer than " + std::to_string(kStepSeconds) + " s";
    char bytes[512];
    for (ssize_t count; (count = read(pipe_end, bytes, sizeof bytes)) > 0;)
        told.append(bytes, static_cast<std::size_t>(count));
    return told;
}

// One step in a process of its own, whose children end with it.
std::string run_apart(void (*run)()) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return "fail no pipe: " + error_text(errno);
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child < 0) return "fail no process: " + error_text(errno);
    if (child == 0) {
        close(ends[0]);
        run_child(run, ends[1]);
    }
    close(ends[1]);
    std::string outcome = listen(ends[0]);
    close(ends[0]);
    if (outcome.empty() || outcome.starts_with("fail it took")) kill(-child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    kill(-child, SIGKILL);
    if (outcome.empty()) outcome = "fail the process ended by signal " + std::to_string(WTERMSIG(status));
    return outcome;
}

}  // namespace

int run_suite(const Suite& suite, const std::string& only) {
    using Clock = std::chrono::steady_clock;
    int failures = 0;
    const std::string prepared = suite.prepare == nullptr ? "pass" : run_apart(suite.prepare);
    for (const Step& step : suite.steps) {
        if (!only.empty() && only != step.name) continue;
        const auto start = Clock::now();
        const std::string outcome = prepared == "pass" ? run_apart(step.run) : prepared;
        const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
        const bool passed = outcome == "pass";
        if (outcome.starts_with("fail")) failures += 1;
        std::printf("@@ step %s/%s %s%s\n", suite.name, step.name, outcome.c_str(),
                    passed ? (" " + std::to_string(ms)).c_str() : "");
        std::fflush(stdout);
    }
    std::printf("@@ suite %s done\n", suite.name);
    return failures;
}

}  // namespace guest
