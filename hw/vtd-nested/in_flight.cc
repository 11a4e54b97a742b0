// SPDX-License-Identifier: GPL-2.0-or-later
#include "vtd-nested/in_flight.h"

#include <algorithm>

namespace vtd {

using iommu::InvalidateTracker;
using iommu::RequesterId;

namespace {

// A request in a saved state; the second word is its deadline.
struct SavedRequest {
    static constexpr std::string_view name = "SavedRequest";
    using REQUESTER = Field<"REQUESTER", 15, 0>;
    using FUNCTION = Field<"FUNCTION", 31, 16>;
    using ITAG = Field<"ITAG", 36, 32>;
    using ANSWERS = Field<"ANSWERS", 39, 37>;  // still to come, once the first has come
    using layout = Layout<std::uint64_t, REQUESTER, FUNCTION, ITAG, ANSWERS, Field<"", 63, 40, Ign>>;
};

// A wait in a saved state.
struct SavedWait {
    static constexpr std::string_view name = "SavedWait";
    using IF = Field<"IF", 0, 0>;
    using SW = Field<"SW", 1, 1>;
    using FN = Field<"FN", 2, 2>;
    using BEHIND = Field<"BEHIND", 24, 16>;  // how many of the requests came before it
    using STDATA = Field<"STDATA", 63, 32>;
    using STADDR = Field<"STADDR", 127, 66>;
    using layout = Layout<Words<2>, IF, SW, FN, Field<"", 15, 3, Ign>, BEHIND, Field<"", 31, 25, Ign>, STDATA,
                          Field<"", 65, 64, Ign>, STADDR>;
};

constexpr std::size_t kRequests = 3;  // where they begin, after the counts
constexpr std::size_t kWaits = kRequests + 2 * InvalidateTracker::kMost;

RequesterId requester_in(std::uint64_t id) { return RequesterId{static_cast<std::uint32_t>(id)}; }

bool has(const std::vector<InvalidateTracker::Open>& open, RequesterId requester, std::uint8_t itag) {
    return std::any_of(open.begin(), open.end(), [&](const InvalidateTracker::Open& one) {
        return one.requester == requester && one.itag == itag;
    });
}

// No two with the same ITag: an answer would end both.
std::vector<InvalidateTracker::Open> load_requests(std::span<const std::uint64_t> words, std::uint64_t count) {
    std::vector<InvalidateTracker::Open> open;
    for (std::size_t i = 0; i < std::min<std::uint64_t>(count, InvalidateTracker::kMost); ++i) {
        const Value<SavedRequest> saved{words[kRequests + 2 * i]};
        const RequesterId requester = requester_in(saved.get<SavedRequest::REQUESTER>());
        const auto itag = static_cast<std::uint8_t>(saved.get<SavedRequest::ITAG>());
        if (has(open, requester, itag)) continue;
        open.push_back({.requester = requester,
                        .itag = itag,
                        .answers = static_cast<std::uint8_t>(saved.get<SavedRequest::ANSWERS>()),
                        .number = open.size(),
                        .deadline_ns = words[kRequests + 2 * i + 1],
                        .function = requester_in(saved.get<SavedRequest::FUNCTION>())});
    }
    return open;
}

}  // namespace

std::optional<iommu::InvalidateRequest> InFlight::send(const DeviceInvalidation& command, std::uint64_t deadline_ns) {
    const InvalidateTracker::Throttle throttle{.function = command.function, .limit = command.limit};
    const auto itag = tracker_.open(command.request.requester, throttle, deadline_ns);
    if (!itag) return std::nullopt;
    iommu::InvalidateRequest message = command.request;
    message.itag = *itag;
    return message;
}

bool InFlight::add(const Wait& wait) {
    if (waits_.size() >= kMostWaits) return false;
    covered_ = tracker_.opened();
    waits_.push_back({wait, covered_});
    return true;
}

std::optional<Wait> InFlight::take_due() {
    if (!has_due()) return std::nullopt;
    const Wait wait = waits_.front().wait;
    waits_.erase(waits_.begin());
    return wait;
}

std::size_t InFlight::abort_waits() {
    const std::size_t aborted = waits_.size();
    waits_.clear();
    return aborted;
}

std::uint64_t InFlight::open_before(std::uint64_t number) const {
    return static_cast<std::uint64_t>(
        std::count_if(open().begin(), open().end(), [number](const auto& one) { return one.number < number; }));
}

void InFlight::save(std::span<std::uint64_t> words) const {
    words[0] = open().size();
    words[1] = waits_.size();
    words[2] = open_before(covered_);
    for (std::size_t i = 0; i < open().size(); ++i) {
        const InvalidateTracker::Open& one = open()[i];
        words[kRequests + 2 * i] = Value<SavedRequest>{}
                                       .with<SavedRequest::REQUESTER>(one.requester.value)
                                       .with<SavedRequest::FUNCTION>(one.function.value)
                                       .with<SavedRequest::ITAG>(one.itag)
                                       .with<SavedRequest::ANSWERS>(one.answers)
                                       .raw();
        words[kRequests + 2 * i + 1] = one.deadline_ns;
    }
    for (std::size_t i = 0; i < waits_.size(); ++i) {
        const Wait& wait = waits_[i].wait;
        const auto saved = Value<SavedWait>{}
                               .with<SavedWait::IF>(wait.interrupt ? 1 : 0)
                               .with<SavedWait::SW>(wait.status_address ? 1 : 0)
                               .with<SavedWait::FN>(wait.fence ? 1 : 0)
                               .with<SavedWait::BEHIND>(open_before(waits_[i].behind))
                               .with<SavedWait::STDATA>(wait.status_data)
                               .with_in_place<SavedWait::STADDR>(wait.status_address.value_or(Pa{}).value)
                               .raw();
        std::copy(saved.begin(), saved.end(), words.begin() + static_cast<std::ptrdiff_t>(kWaits + 2 * i));
    }
}

void InFlight::load(std::span<const std::uint64_t> words) {
    clear();
    auto requests = load_requests(words, words[0]);
    const std::uint64_t sent = requests.size();
    tracker_.restore(std::move(requests), sent);
    for (std::size_t i = 0; i < std::min<std::uint64_t>(words[1], kMostWaits); ++i) {
        const Value<SavedWait> saved{Words<2>{words[kWaits + 2 * i], words[kWaits + 2 * i + 1]}};
        Wait wait;
        wait.interrupt = saved.get<SavedWait::IF>() != 0;
        wait.fence = saved.get<SavedWait::FN>() != 0;
        wait.status_data = static_cast<std::uint32_t>(saved.get<SavedWait::STDATA>());
        if (saved.get<SavedWait::SW>() != 0) wait.status_address = Pa{saved.in_place<SavedWait::STADDR>()};
        waits_.push_back({wait, std::min(saved.get<SavedWait::BEHIND>(), sent)});
    }
    covered_ = std::min(words[2], sent);
}

}  // namespace vtd
