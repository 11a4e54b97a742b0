// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/transaction.h"

namespace iommu {

namespace {

// A refused access goes on at the next piece, at most this many bytes further and this much later. The time covers an
// emulator that is held up between two pieces; no driver starts a device's next request sooner.
constexpr std::uint64_t kPieceBytes = 8;
constexpr std::uint64_t kPieceNs = 10'000'000;
constexpr unsigned kPageLog2 = 12;

bool same_kind(const Request& a, const Request& b) {
    return a.requester == b.requester && a.pasid == b.pasid && a.access == b.access && a.privilege == b.privilege &&
           a.execute == b.execute;
}

bool next_piece(std::uint64_t from, std::uint64_t to) {
    return to > from && to - from <= kPieceBytes && to >> kPageLog2 == from >> kPageLog2;
}

}  // namespace

bool TransactionMerger::continues(const Request& request, unsigned reason, std::uint64_t now_ns) {
    const std::optional<Piece> last = last_;
    last_ = Piece{request, reason, now_ns};
    return last && last->reason == reason && now_ns - last->time_ns <= kPieceNs && same_kind(last->request, request) &&
           next_piece(last->request.iova.value, request.iova.value);
}

}  // namespace iommu
