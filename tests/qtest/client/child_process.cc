// SPDX-License-Identifier: GPL-2.0-or-later
#include "client/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

namespace qtest {
namespace {

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

// Exit code of a shell for "could not be executed".
constexpr int cannot_execute = 127;

std::vector<std::string> environment_of(const Command& command) {
    static constexpr std::string_view preload_name = "LD_PRELOAD=";
    std::vector<std::string> environment;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        if (!std::string_view(*entry).starts_with(preload_name)) environment.emplace_back(*entry);
    }
    std::string preload;
    for (const auto& object : command.preload)
        preload += (preload.empty() ? "" : ":") + object;
    if (!preload.empty()) environment.push_back(std::string(preload_name) + preload);
    environment.insert(environment.end(), command.environment.begin(), command.environment.end());
    return environment;
}

std::vector<char*> pointers_to(std::vector<std::string>& strings) {
    std::vector<char*> pointers;
    for (auto& string : strings)
        pointers.push_back(string.data());
    pointers.push_back(nullptr);
    return pointers;
}

// Between fork and exec: system calls only.
[[noreturn]] void become(char* const* argv, char* const* environment, int output, const std::vector<int>& inherited) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(nothing, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    for (const int fd : inherited)
        fcntl(fd, F_SETFD, 0);
    execvpe(argv[0], argv, environment);
    _exit(cannot_execute);
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

FileDescriptor::~FileDescriptor() { reset(); }

void FileDescriptor::reset() {
    if (fd_ >= 0) close(release());
}

int FileDescriptor::release() { return std::exchange(fd_, -1); }

ChildProcess::ChildProcess(const Command& command) : output_(memfd_create("output", MFD_CLOEXEC)) {
    if (output_.get() < 0) fail("memfd_create");
    auto strings = command.argv;
    auto variables = environment_of(command);
    const auto argv = pointers_to(strings);
    const auto environment = pointers_to(variables);
    pid_ = fork();
    if (pid_ < 0) fail("fork");
    if (pid_ == 0) become(argv.data(), environment.data(), output_.get(), command.inherited);
}

ChildProcess::~ChildProcess() {
    if (pid_ < 0) return;
    kill(pid_, SIGKILL);
    static_cast<void>(reap());
}

int ChildProcess::reap() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int ChildProcess::wait() {
    const FileDescriptor handle(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
    if (handle.get() < 0) fail("pidfd_open");
    pollfd ended{.fd = handle.get(), .events = POLLIN, .revents = 0};
    const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(patience);
    if (poll(&ended, 1, static_cast<int>(limit.count())) <= 0) {
        throw ProcessError("the program does not end; it wrote: " + output());
    }
    return reap();
}

std::string ChildProcess::output() const {
    std::string text;
    std::array<char, 4096> part{};
    off_t offset = 0;
    while (true) {
        const ssize_t count = pread(output_.get(), part.data(), part.size(), offset);
        if (count <= 0) return text;
        text.append(part.data(), static_cast<std::size_t>(count));
        offset += count;
    }
}

}  // namespace qtest
