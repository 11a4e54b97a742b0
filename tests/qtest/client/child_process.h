// SPDX-License-Identifier: GPL-2.0-or-later
//
// ChildProcess: one program under test, started by us and never outliving us.
//
// Its output (stdout and stderr together) goes to an anonymous file and can be read at any time. Shared objects to
// preload are named in the environment of the exec'd program only, as the launcher does it: nothing of the test's own
// process sees them. Destruction kills and reaps; so does the kernel if the test itself dies.
#ifndef QTEST_CHILD_PROCESS_H
#define QTEST_CHILD_PROCESS_H

#include <sys/types.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

namespace qtest {

// How long an answer may take before the test fails. It bounds a hang; no test depends on its value.
inline constexpr std::chrono::seconds patience{20};

// The program under test hung, died or broke the protocol.
class ProcessError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// Owner of a file descriptor.
class FileDescriptor {
  public:
    FileDescriptor() = default;
    explicit FileDescriptor(int fd) : fd_(fd) {}
    FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept;
    ~FileDescriptor();

    [[nodiscard]] int get() const { return fd_; }
    int release();
    void reset();

  private:
    int fd_ = -1;
};

struct Command {
    std::vector<std::string> argv;
    std::vector<std::string> preload;      // shared objects
    std::vector<std::string> environment;  // "NAME=value", added to ours
    std::vector<int> inherited;            // descriptors that stay open in the program, under the same number
};

class ChildProcess {
  public:
    explicit ChildProcess(const Command& command);
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;
    ~ChildProcess();

    // Until it ends by itself: the exit code, or 128 plus the signal that ended it.
    [[nodiscard]] int wait();
    [[nodiscard]] std::string output() const;

  private:
    [[nodiscard]] int reap();

    FileDescriptor output_;
    pid_t pid_ = -1;  // -1 once reaped
};

}  // namespace qtest

#endif  // QTEST_CHILD_PROCESS_H
