// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/guest_memory.h"

#include <thread>

namespace iommu {

namespace {

template <class Word>
constexpr Word little_endian(Word word) {
    if constexpr (std::endian::native == std::endian::big) {
        return sizeof(Word) == 8 ? static_cast<Word>(__builtin_bswap64(word))
                                 : static_cast<Word>(__builtin_bswap32(static_cast<std::uint32_t>(word)));
    }
    return word;
}

// How often a structure that changes under our eyes is read again before it is taken as it is.
constexpr int kSnapshotTries = 4;

bool usable(const RamRange& range) {
    const auto host = reinterpret_cast<std::uintptr_t>(range.host);
    return range.host != nullptr && range.size >= 8 && range.address.value + (range.size - 1) >= range.address.value &&
           ((host ^ range.address.value) & 7) == 0;
}

}  // namespace

void GuestMemory::set_ram(std::span<const RamRange> ranges) {
    const std::lock_guard lock(writer_);
    const std::uint32_t sequence = sequence_.load(std::memory_order_relaxed);
    sequence_.store(sequence + 1, std::memory_order_relaxed);
    std::uint32_t count = 0;
    for (const RamRange& range : ranges) {
        if (count == kMaxRanges) break;
        if (!usable(range)) continue;
        Slot& slot = slots_[count++];
        // Release: no slot changes before the odd sequence number is visible.
        slot.first.store(range.address.value, std::memory_order_release);
        slot.last.store(range.address.value + (range.size - 1), std::memory_order_release);
        slot.host.store(range.host, std::memory_order_release);
    }
    count_.store(count, std::memory_order_release);
    sequence_.store(sequence + 2, std::memory_order_release);
}

std::byte* GuestMemory::find(Pa address, std::uint64_t size) const {
    for (;;) {
        const std::uint32_t before = sequence_.load(std::memory_order_acquire);
        std::byte* host = nullptr;
        std::uint64_t offset = 0;
        // Binary search for the last slot that begins at or before the address.
        std::uint32_t low = 0;
        std::uint32_t high = count_.load(std::memory_order_acquire);
        while (low < high) {
            const std::uint32_t middle = (low + high) / 2;
            if (slots_[middle].first.load(std::memory_order_acquire) <= address.value) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if (low > 0) {
            const Slot& slot = slots_[low - 1];
            const std::uint64_t first = slot.first.load(std::memory_order_acquire);
            const std::uint64_t last = slot.last.load(std::memory_order_acquire);
            if (address.value <= last && size - 1 <= last - address.value) {
                host = slot.host.load(std::memory_order_acquire);
                offset = address.value - first;
            }
        }
        if ((before & 1) == 0 && sequence_.load(std::memory_order_relaxed) == before) {
            return host == nullptr ? nullptr : host + offset;
        }
        // The writer may have lost its processor in the middle.
        std::this_thread::yield();
    }
}

std::uint64_t GuestMemory::load_word(const std::byte* host) {
    auto* word = reinterpret_cast<std::uint64_t*>(const_cast<std::byte*>(host));  // atomic_ref wants non-const
    return little_endian(std::atomic_ref<std::uint64_t>(*word).load(std::memory_order_acquire));
}

bool GuestMemory::load_words(Pa address, std::uint64_t* words, std::size_t count) const {
    const std::byte* host = find(address, 8 * count);
    if (host == nullptr) return false;
    for (int attempt = 0; attempt < kSnapshotTries; ++attempt) {
        for (std::size_t i = 0; i < count; ++i)
            words[i] = load_word(host + 8 * i);
        if (load_word(host) == words[0]) break;
    }
    return true;
}

GuestMemory::Swap GuestMemory::compare_exchange64(Pa address, std::uint64_t expected, std::uint64_t desired) {
    std::byte* host = find(address, 8);
    if (host == nullptr) return Swap::NoMemory;
    expected = little_endian(expected);
    const std::atomic_ref<std::uint64_t> word(*reinterpret_cast<std::uint64_t*>(host));
    if (!word.compare_exchange_strong(expected, little_endian(desired), std::memory_order_acq_rel)) {
        return Swap::Changed;
    }
    port_.written(address, 8);
    return Swap::Done;
}

bool GuestMemory::store32(Pa address, std::uint32_t value) {
    std::byte* host = find(address, 4);
    if (host == nullptr) return false;
    const std::atomic_ref<std::uint32_t> word(*reinterpret_cast<std::uint32_t*>(host));
    word.store(little_endian(value), std::memory_order_release);
    port_.written(address, 4);
    return true;
}

bool GuestMemory::store_words(Pa address, std::span<const std::uint64_t> words) {
    std::byte* host = find(address, words.size_bytes());
    if (host == nullptr) return false;
    for (std::size_t i = words.size(); i-- > 0;) {
        const std::atomic_ref<std::uint64_t> word(*reinterpret_cast<std::uint64_t*>(host + 8 * i));
        word.store(little_endian(words[i]), std::memory_order_release);
    }
    port_.written(address, words.size_bytes());
    return true;
}

}  // namespace iommu
