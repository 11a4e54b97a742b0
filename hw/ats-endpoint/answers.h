// SPDX-License-Identifier: GPL-2.0-or-later
//
// answers: Invalidate Completions that the device owes, each with the time it is due; and, for answers that come too
// early, what is still to be dropped from the ATC.
//
// What is wrong with an answer is decided when the request comes, by `plan_answer`, which uses up the faults that
// registers ask for. Both lists are bounded; PCIe lets a unit have 32 requests under way to one device, so the rest is
// nobody's.
#ifndef ATS_ENDPOINT_ANSWERS_H
#define ATS_ENDPOINT_ANSWERS_H

#include <cstdint>
#include <optional>
#include <vector>

#include "iommu/endpoint_protocol.h"
#include "iommu/register_file.h"

namespace endpoint {

struct Answer {
    iommu::InvalidateCompletion completion;
    unsigned copies = 1;
    std::uint64_t due_ns = 0;
    friend bool operator==(const Answer& a, const Answer& b) {
        return a.completion.requester == b.completion.requester &&
               a.completion.itag_vector == b.completion.itag_vector && a.copies == b.copies && a.due_ns == b.due_ns;
    }
};

struct LateDrop {
    iommu::InvalidateRequest request;
    std::uint64_t due_ns = 0;
};

// What the device will do about one request.
struct Intention {
    std::optional<Answer> answer;  // none: it stays silent
    std::uint64_t drop_ns = 0;     // when the entries go; not after now, unless the answer is to come early
};

// `us`: the device's own id. Counts down and counts what strikes in `registers`.
[[nodiscard]] Intention plan_answer(const iommu::InvalidateRequest& request, iommu::RequesterId us,
                                    std::uint64_t now_ns, iommu::RegisterFile& registers);

// LAST_INVALIDATE and the counters of what came.
void note(const iommu::InvalidateRequest& request, iommu::RegisterFile& registers);

// Things with a time, in the order they came.
template <class T>
class DueList {
  public:
    static constexpr std::size_t kMost = 64;

    // False when it is full.
    [[nodiscard]] bool add(T item) {
        if (items_.size() >= kMost) return false;
        items_.push_back(std::move(item));
        return true;
    }
    [[nodiscard]] std::optional<T> take_due(std::uint64_t now_ns) {
        for (auto item = items_.begin(); item != items_.end(); ++item) {
            if (item->due_ns > now_ns) continue;
            T taken = *item;
            items_.erase(item);
            return taken;
        }
        return std::nullopt;
    }
    [[nodiscard]] std::uint64_t deadline_ns() const {
        std::uint64_t next = iommu::kNever;
        for (const T& item : items_)
            next = item.due_ns < next ? item.due_ns : next;
        return next;
    }
    [[nodiscard]] const std::vector<T>& list() const { return items_; }
    void clear() { items_.clear(); }

  private:
    std::vector<T> items_;
};

}  // namespace endpoint

#endif  // ATS_ENDPOINT_ANSWERS_H
