// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/queue_steps.h"

#include <catch2/catch_test_macros.hpp>

using iommu::QueueState;
using iommu::QueueStep;
using iommu::step_together;

namespace {

QueueStep step_with(iommu::Effect effect, QueueState state = QueueState::More) {
    QueueStep step{.state = state};
    step.effects.add(std::move(effect));
    return step;
}

}  // namespace

TEST_CASE("QueueSteps: as many are taken together as the budget has, and 32 at most") {
    for (const auto& [budget, taken] : {std::pair{1, 1}, {2, 2}, {31, 31}, {32, 32}, {33, 32}, {1000, 32}}) {
        int steps = 0, left = budget;
        const QueueStep together = step_together(left, [&] {
            ++steps;
            return QueueStep{QueueState::More};
        });
        CHECK(steps == taken);
        CHECK(left == budget - taken);
        CHECK(together.state == QueueState::More);
    }
}

TEST_CASE("QueueSteps: notices to holders of translations are gathered; anything else ends it at once") {
    int steps = 0, budget = 100;
    const QueueStep together = step_together(budget, [&] {
        ++steps;
        return steps < 4 ? step_with(iommu::Unmap{}) : step_with(iommu::StoreStatus{});
    });
    CHECK(steps == 4);
    CHECK(together.effects.list().size() == 4);
    CHECK(std::holds_alternative<iommu::StoreStatus>(together.effects.list().back()));
}

TEST_CASE("QueueSteps: a state other than More ends it, with what was gathered") {
    for (const auto state : {QueueState::Idle, QueueState::AsksTime, QueueState::Drains}) {
        int steps = 0, budget = 100;
        const QueueStep together = step_together(budget, [&] {
            if (++steps == 1) return step_with(iommu::Unmap{});
            return QueueStep{.state = state, .ticket = 9};
        });
        CHECK(steps == 2);
        CHECK(together.state == state);
        CHECK(together.ticket == 9);
        CHECK(together.effects.list().size() == 1);
    }
}
