// SPDX-License-Identifier: GPL-2.0-or-later
// KernelLog: what the kernel says from a moment on.
//
// The drivers limit how often they tell of faults (10 times in 5 s), so a line may be missing although the fault was
// there; expect_line() therefore takes what provokes it and does it again until the line comes, for a few seconds.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "files.h"

namespace guest {

class KernelLog {
  public:
    // From now on.
    KernelLog();

    // The lines that came since the last call, without their time.
    std::vector<std::string> lines();

    // Fails the step if no line has all of these texts, `provoke` being done again and again. The line.
    std::string expect_line(const std::vector<std::string>& texts, const std::function<void()>& provoke);

    // The first line with all texts within so many milliseconds, or "".
    std::string wait_for(const std::vector<std::string>& texts, unsigned milliseconds);

  private:
    Fd file_;
};

}  // namespace guest
