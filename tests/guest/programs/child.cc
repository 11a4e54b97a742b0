// SPDX-License-Identifier: GPL-2.0-or-later
#include "child.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "steps.h"

namespace guest {
namespace {

struct Message {
    char kind = 'g';
    std::uint64_t value = 0;
    std::array<char, 240> text{};
};

struct Pipe {
    Fd out;
    Fd in;
};

Pipe make_pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) fail("no pipe: " + error_text(errno));
    return {Fd{ends[0]}, Fd{ends[1]}};
}

void send(const Fd& out, const Message& message) {
    check(write(out.number(), &message, sizeof message) == sizeof message, "the other process has gone");
}

[[noreturn]] void run_part(const std::function<void(Talk&)>& part, Talk& talk) {
    try {
        part(talk);
        _exit(0);
    } catch (const Skip& skipped) {
        talk.tell_end('s', skipped.reason);
    } catch (const Failure& failure) {
        talk.tell_end('f', failure.reason);
    }
    _exit(1);
}

}  // namespace

void Talk::tell(std::uint64_t value) { send(out_, {.kind = 'g', .value = value, .text = {}}); }

void Talk::tell_end(char kind, const std::string& reason) {
    Message message{.kind = kind, .value = 0, .text = {}};
    std::snprintf(message.text.data(), message.text.size(), "%s", reason.c_str());
    // Nobody may be there to be told.
    const auto written = write(out_.number(), &message, sizeof message);
    static_cast<void>(written);
}

std::uint64_t Talk::hear() {
    Message message;
    if (read(in_.number(), &message, sizeof message) != sizeof message) fail("the other process ended too soon");
    if (message.kind == 's') skip(message.text.data());
    if (message.kind == 'f') fail(std::string("in the other process: ") + message.text.data());
    return message.value;
}

Child::Child(const std::function<void(Talk&)>& part) : talk_{Fd{}, Fd{}} {
    Pipe down = make_pipe();
    Pipe up = make_pipe();
    std::fflush(nullptr);
    process_ = fork();
    if (process_ < 0) fail("no process: " + error_text(errno));
    if (process_ == 0) {
        std::signal(SIGPIPE, SIG_IGN);
        down.in = Fd{};
        up.out = Fd{};
        Talk talk{std::move(down.out), std::move(up.in)};
        run_part(part, talk);
    }
    talk_ = Talk{std::move(up.out), std::move(down.in)};
}

Child::~Child() { kill(); }

void Child::kill() {
    if (process_ < 0) return;
    ::kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    process_ = -1;
}

void Child::join() {
    int status = 0;
    waitpid(process_, &status, 0);
    process_ = -1;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    talk_.hear();
    fail("the other process did not end well");
}

}  // namespace guest
