// SPDX-License-Identifier: GPL-2.0-or-later
//
// GuestMemory: the guest's RAM as a unit sees it.
//
// Tables, rings and status words are read and written through host pointers that the owner tells in advance, so a walk
// costs a few loads and can neither run into a device register (the unit's own included) nor be re-entered. An address
// that is not wholly inside one RAM range is an access error: `nullopt`, `false` or `Swap::NoMemory`.
//
// Words are little-endian in guest memory and integers here. Single words are read and written atomically, since the
// guest's processors use the same memory at the same time.
//
// Threads: everything may be called at any time from any thread. `set_ram` publishes under a sequence lock: readers
// take no lock, and ask again while a map is being replaced. The memory behind an old host pointer must stay readable
// until reads that began before `set_ram` have ended (in QEMU: until the RCU grace period is over).
//
// Not here: which addresses an architecture allows.
#ifndef IOMMU_GUEST_MEMORY_H
#define IOMMU_GUEST_MEMORY_H

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>

#include "iommu/address.h"
#include "iommu/bits.h"
#include "iommu/ports.h"

namespace iommu {

struct RamRange {
    Pa address;
    std::uint64_t size = 0;
    std::byte* host = nullptr;
};

class GuestMemory {
  public:
    static constexpr std::size_t kMaxRanges = 512;

    enum class Swap : std::uint8_t { Done, Changed, NoMemory };

    explicit GuestMemory(MemoryPort& port) : port_(port) {}

    // Replaces the map. Ranges that are shorter than a word, wrap around, or whose host pointer has another alignment
    // than the address are left out; so are those past kMaxRanges.
    void set_ram(std::span<const RamRange> ranges);

    // One naturally aligned 64-bit word.
    [[nodiscard]] std::optional<std::uint64_t> load64(Pa address) const {
        const std::byte* host = find(address, 8);
        if (host == nullptr) return std::nullopt;
        return load_word(host);
    }

    // N consecutive words, aligned to 8 bytes. When the first word changes meanwhile, the read is repeated: a writer
    // that clears its present bit first (as drivers must) is never seen half done.
    template <std::size_t N>
    [[nodiscard]] std::optional<Words<N>> load(Pa address) const {
        Words<N> words{};
        if (!load_words(address, words.data(), N)) return std::nullopt;
        return words;
    }

    // A structure by its layout.
    template <class S>
    [[nodiscard]] std::optional<Value<S>> read(Pa address) const {
        if constexpr (std::same_as<typename S::layout::Storage, std::uint64_t>) {
            const auto word = load64(address);
            if (!word) return std::nullopt;
            return Value<S>{*word};
        } else {
            const auto words = load<S::layout::word_count>(address);
            if (!words) return std::nullopt;
            return Value<S>{*words};
        }
    }

    // Writes `desired` if the word still is `expected`.
    Swap compare_exchange64(Pa address, std::uint64_t expected, std::uint64_t desired);

    // One naturally aligned 32-bit word; false when there is no RAM.
    bool store32(Pa address, std::uint32_t value);
    // Consecutive 64-bit words, the last one first: a reader that looks at the first word finds the rest there.
    bool store_words(Pa address, std::span<const std::uint64_t> words);
    [[nodiscard]] bool is_ram(Pa address, std::uint64_t size) const { return find(address, size) != nullptr; }

  private:
    struct Slot {
        std::atomic<std::uint64_t> first{0};
        std::atomic<std::uint64_t> last{0};
        std::atomic<std::byte*> host{nullptr};
    };

    [[nodiscard]] static std::uint64_t load_word(const std::byte* host);
    [[nodiscard]] bool load_words(Pa address, std::uint64_t* words, std::size_t count) const;
    // The host's view of [address, address + size), or null.
    [[nodiscard]] std::byte* find(Pa address, std::uint64_t size) const;

    MemoryPort& port_;
    std::mutex writer_;
    std::atomic<std::uint32_t> sequence_{0};  // odd while slots change
    std::atomic<std::uint32_t> count_{0};
    std::array<Slot, kMaxRanges> slots_{};  // ascending, no overlaps
};

}  // namespace iommu

#endif  // IOMMU_GUEST_MEMORY_H
