// SPDX-License-Identifier: GPL-2.0-or-later
// Memory: anonymous memory of the process for DMA, made of pages of one size, all there and all zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace guest {

inline constexpr std::uint64_t kKiB4 = std::uint64_t{1} << 12;
inline constexpr std::uint64_t kMiB2 = std::uint64_t{1} << 21;
inline constexpr std::uint64_t kGiB1 = std::uint64_t{1} << 30;

class Memory {
  public:
    // `page_bytes` is kKiB4, kMiB2 or kGiB1; the larger ones are reserved huge pages, and the step is skipped if the
    // kernel has none left.
    explicit Memory(std::uint64_t bytes, std::uint64_t page_bytes = kKiB4);
    ~Memory();
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;

    [[nodiscard]] std::uint8_t* data() const { return data_; }
    [[nodiscard]] std::uint64_t size() const { return bytes_; }
    [[nodiscard]] std::span<std::uint8_t> at(std::uint64_t offset, std::uint64_t bytes) const {
        return {data_ + offset, bytes};
    }

  private:
    std::uint8_t* data_ = nullptr;
    std::uint64_t bytes_;
};

// Bytes that differ from place to place and from seed to seed.
void fill_pattern(std::span<std::uint8_t> bytes, std::uint64_t seed);
[[nodiscard]] bool has_pattern(std::span<const std::uint8_t> bytes, std::uint64_t seed);

}  // namespace guest
