// SPDX-License-Identifier: GPL-2.0-or-later
//
// queue_steps: how the command queues of both units go on, whatever their commands are.
//
// A queue is run in steps, each with the unit's lock held: usually one command. Steps that nobody outside can tell
// apart are taken in one go, so many at most; what they did is performed after the lock is released. A step may need
// something that is not to be had under the lock: it says so, is given it, and is taken again.
//
//     auto [state, effects] = step_together(budget, [&] { return step_queue(); });
//
// Not here: who may run a queue, and what a command does.
#ifndef IOMMU_QUEUE_STEPS_H
#define IOMMU_QUEUE_STEPS_H

#include <cstdint>
#include <utility>

#include "iommu/effects.h"

namespace iommu {

enum class QueueState : std::uint8_t {
    Idle,      // nothing more to do now
    More,      // look again
    AsksTime,  // the next command needs to know what time it is
    Drains,    // what was dropped must be told to its holders, and DMA asked for that uses it, before the next command
};

struct QueueStep {
    QueueState state = QueueState::Idle;
    Effects effects;
    std::uint64_t ticket = 0;  // Drains: for the port
};

// Commands between two releases of the lock.
inline constexpr int kMostStepsTogether = 32;

// `step` returns a QueueStep; the budget pays for each.
template <class Step>
[[nodiscard]] QueueStep step_together(int& budget, Step&& step) {
    QueueStep together;
    for (int steps = 1;; ++steps) {
        QueueStep one = step();
        const bool goes_on = one.state == QueueState::More && one.effects.only_unmaps();
        together.state = one.state;
        together.ticket = one.ticket;
        together.effects.append(std::move(one.effects));
        if (--budget == 0 || !goes_on || steps == kMostStepsTogether) return together;
    }
}

}  // namespace iommu

#endif  // IOMMU_QUEUE_STEPS_H
