// SPDX-License-Identifier: GPL-2.0-or-later
//
// TransactionMerger: tells the pieces of one refused access from separate ones.
//
// One transaction gives one fault record. QEMU cuts an access of more than 8 bytes that is refused into small ones,
// each of which is asked for; such a run, of one requester and one kind, ascending without gap within a page, is one
// transaction.
#ifndef IOMMU_TRANSACTION_H
#define IOMMU_TRANSACTION_H

#include <cstdint>
#include <optional>

#include "iommu/request.h"

namespace iommu {

class TransactionMerger {
  public:
    // Whether the refused request goes on where the last one ended, with the same reason; remembers it either way.
    [[nodiscard]] bool continues(const Request& request, unsigned reason, std::uint64_t now_ns);
    void forget() { last_.reset(); }

  private:
    struct Piece {
        Request request;
        unsigned reason = 0;
        std::uint64_t time_ns = 0;
    };
    std::optional<Piece> last_;
};

}  // namespace iommu

#endif  // IOMMU_TRANSACTION_H
