// SPDX-License-Identifier: GPL-2.0-or-later
// Child: another process that does a part of a step, in turns with this one.
//
// Both sides have a Talk: tell() says "go on", with a number; hear() waits for that. A child that fails or skips says
// so instead, and the hear() that gets it fails or skips the step. The child is killed when the object goes.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>

#include "files.h"

namespace guest {

class Talk {
  public:
    Talk(Fd in, Fd out) : in_{std::move(in)}, out_{std::move(out)} {}

    void tell(std::uint64_t value = 0);
    std::uint64_t hear();
    // `kind` is 'f' for a failure, 's' for a skip.
    void tell_end(char kind, const std::string& reason);

  private:
    Fd in_;
    Fd out_;
};

class Child {
  public:
    explicit Child(const std::function<void(Talk&)>& part);
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    Talk& talk() { return talk_; }
    // SIGKILL, and until it is gone.
    void kill();
    // Until it is gone by itself; fails the step if it did not end well.
    void join();

  private:
    pid_t process_ = -1;
    Talk talk_;
};

}  // namespace guest
