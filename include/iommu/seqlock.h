// SPDX-License-Identifier: GPL-2.0-or-later
//
// Seqlocked<T>: a value that one writer at a time replaces while any number of readers copy it without waiting.
//
// The sequence number is odd while the value changes; a reader that saw it odd, or saw it move, has no copy and is told
// so. There is no loop: a cache treats "being changed" as a miss.
//
// Order: the writer's stores are releases, so none of them is seen before the odd number; the reader's loads are
// acquires, so the second look at the number comes last. Every access is atomic; there is no data race to be lucky
// with.
#ifndef IOMMU_SEQLOCK_H
#define IOMMU_SEQLOCK_H

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <type_traits>

namespace iommu {

template <class T>
class Seqlocked {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % 8 == 0);
    using Image = std::array<std::uint64_t, sizeof(T) / 8>;

  public:
    // A copy of the value, or of its beginning; nothing when it is being replaced.
    template <class Part = T>
    [[nodiscard]] std::optional<Part> try_load() const {
        static_assert(std::is_trivially_copyable_v<Part> && sizeof(Part) % 8 == 0 && sizeof(Part) <= sizeof(T));
        const std::uint32_t before = sequence_.load(std::memory_order_acquire);
        // Word by word to where it belongs: a copy as a whole would wait for the single words to be stored.
        std::optional<Part> part(std::in_place);
        auto* bytes = reinterpret_cast<std::byte*>(&*part);
        for (std::size_t i = 0; i < sizeof(Part) / 8; ++i) {
            const std::uint64_t word = words_[i].load(std::memory_order_acquire);
            std::memcpy(bytes + 8 * i, &word, sizeof word);
        }
        if ((before & 1) != 0 || sequence_.load(std::memory_order_relaxed) != before) part.reset();
        return part;
    }

    // One writer at a time.
    void store(const T& value) {
        const auto image = std::bit_cast<Image>(value);
        const std::uint32_t sequence = sequence_.load(std::memory_order_relaxed);
        sequence_.store(sequence + 1, std::memory_order_relaxed);
        for (std::size_t i = 0; i < image.size(); ++i)
            words_[i].store(image[i], std::memory_order_release);
        sequence_.store(sequence + 2, std::memory_order_release);
    }

  private:
    std::atomic<std::uint32_t> sequence_{0};
    std::array<std::atomic<std::uint64_t>, sizeof(T) / 8> words_{};
};

}  // namespace iommu

#endif  // IOMMU_SEQLOCK_H
