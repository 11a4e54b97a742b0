// SPDX-License-Identifier: GPL-2.0-or-later
#include "client/guest_ram.h"

namespace qtest {

std::uint64_t GuestRam::allocate_pages(std::uint64_t count, std::uint64_t alignment) {
    const std::uint64_t base = (next_ + alignment - 1) & ~(alignment - 1);
    next_ = base + count * page_size;
    if (next_ > end_) throw ProcessError("the guest has no memory left");
    return base;
}

std::vector<std::uint8_t> GuestRam::pattern(std::size_t size, std::uint32_t seed) {
    std::vector<std::uint8_t> bytes(size);
    std::uint32_t state = seed * 2654435761u + 1;
    for (auto& byte : bytes) {
        state = state * 1664525u + 1013904223u;
        byte = static_cast<std::uint8_t>(state >> 24);
    }
    return bytes;
}

void GuestRam::fill_with_pattern(std::uint64_t address, std::size_t size, std::uint32_t seed) const {
    qtest_->memwrite(address, pattern(size, seed));
}

std::optional<std::uint32_t> Doorbell::take() {
    const std::uint32_t word = qtest_->readl(address_);
    if (word == silent) return std::nullopt;
    arm();
    return word;
}

}  // namespace qtest
