// SPDX-License-Identifier: GPL-2.0-or-later
//
// eventually: for what QEMU's main loop does after the access that asked for it.
//
// The condition looks at the machine, and each look gives the main loop a turn; so this neither sleeps nor depends on
// how fast anything is. `patience` bounds it.
#ifndef QTEST_EVENTUALLY_H
#define QTEST_EVENTUALLY_H

#include <chrono>

#include "client/child_process.h"

namespace qtest {

template <typename Condition>
[[nodiscard]] bool eventually(Condition condition) {
    const auto limit = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > limit) return false;
    }
    return true;
}

}  // namespace qtest

#endif  // QTEST_EVENTUALLY_H
