// SPDX-License-Identifier: GPL-2.0-or-later
// Files: descriptors that close themselves, and small files of sysfs read and written whole.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

namespace guest {

class Fd {
  public:
    Fd() = default;
    explicit Fd(int number) : number_{number} {}
    Fd(Fd&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
    Fd& operator=(Fd&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    ~Fd() {
        if (number_ >= 0) ::close(number_);
    }

    [[nodiscard]] int number() const { return number_; }

  private:
    int number_ = -1;
};

// ioctl(): 0 or an errno; the other fails the step.
int try_ioctl(int file, unsigned long request, void* argument);
void must_ioctl(int file, unsigned long request, void* argument, const std::string& what);

// Fails the step if the file is not there.
Fd open_file(const std::string& path, int flags);

[[nodiscard]] bool exists(const std::string& path);

// Without the newline at its end; fails the step if it cannot be read.
std::string read_text(const std::string& path);

// 0 or an errno.
int try_write_text(const std::string& path, const std::string& text);
void write_text(const std::string& path, const std::string& text);

// Names in a folder, sorted; none if it is not there.
std::vector<std::string> names_in(const std::string& folder);

}  // namespace guest
