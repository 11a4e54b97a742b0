// SPDX-License-Identifier: GPL-2.0-or-later
//
// fake_ports: an environment for a unit that records what the unit does and makes nothing up.
#ifndef TESTS_SUPPORT_FAKE_PORTS_H
#define TESTS_SUPPORT_FAKE_PORTS_H

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <sys/mman.h>

#include "iommu/guest_memory.h"
#include "iommu/ports.h"

namespace test {

struct Msi {
    std::uint64_t address = 0;
    std::uint32_t data = 0;
    friend bool operator==(const Msi&, const Msi&) = default;
};

// Everything in the order it happened; the strings name the port and its arguments.
class FakePorts : public iommu::MemoryPort,
                  public iommu::Interrupts,
                  public iommu::UnmapListeners,
                  public iommu::Endpoints,
                  public iommu::Clock,
                  public iommu::DmaUsers,
                  public iommu::Trace {
  public:
    void written(iommu::Pa address, std::uint64_t size) override {
        {
            const std::lock_guard lock(mutex_);
            dirty.push_back({address.value, size});
        }
        if (on_written) on_written(address.value);
    }
    bool send_msi(std::uint64_t address, std::uint32_t data) override {
        called("message");
        if (on_message) on_message(address);
        const std::lock_guard lock(mutex_);
        messages.push_back({address, data});
        return !no_interrupt_controller;
    }
    void pulse(unsigned line) override {
        called("pulse");
        const std::lock_guard lock(mutex_);
        pulses.push_back(line);
    }
    void invalidate(const iommu::InvalidateRequest& request) override {
        called("invalidate");
        {
            const std::lock_guard lock(mutex_);
            invalidates.push_back(request);
        }
        if (on_invalidate) on_invalidate(request);
    }
    void respond(const iommu::PageGroupResponse& response) override {
        called("respond");
        const std::lock_guard lock(mutex_);
        responses.push_back(response);
    }
    void deadline_changed() override {
        called("deadline");
        const std::lock_guard lock(mutex_);
        ++deadlines_changed;
    }
    void resume(iommu::RequesterId requester, std::uint16_t stall_tag, iommu::StallAction action) override {
        called("resume");
        const std::lock_guard lock(mutex_);
        resumes.push_back({requester.value, stall_tag, action});
    }
    bool listening() override { return !nobody_outside; }
    bool none() override { return nobody_outside; }
    void unmap(const iommu::IovaRange& range) override {
        called("unmap");
        const std::lock_guard lock(mutex_);
        unmaps.push_back(range);
    }
    void gate_changed(bool translating) override {
        called("gate");
        const std::lock_guard lock(mutex_);
        gates.push_back(translating);
    }
    std::uint64_t now_ns() override {
        called("clock");
        return time_ns;
    }
    void kick() override {
        called("kick");
        const std::lock_guard lock(mutex_);
        ++kicks;
    }
    Drained drain(std::uint64_t ticket) override {
        called("drain");
        {
            const std::lock_guard lock(mutex_);
            drains.push_back(ticket);
        }
        if (on_drain) on_drain(ticket);
        return dma_under_way ? Drained::Later : Drained::Now;
    }
    void line(iommu::TraceClass, std::string_view text) override {
        called("line");
        const std::lock_guard lock(mutex_);
        lines.emplace_back(text);
    }

    [[nodiscard]] iommu::Ports references() { return {*this, *this, *this, *this, *this, *this, *this}; }

    struct Written {
        std::uint64_t address = 0;
        std::uint64_t size = 0;
    };
    struct Resumed {
        std::uint32_t requester = 0;
        std::uint16_t stall_tag = 0;
        iommu::StallAction action = iommu::StallAction::Abort;
        friend bool operator==(const Resumed&, const Resumed&) = default;
    };
    std::vector<Written> dirty;
    // What a processor does right after the unit has written; must not call the unit.
    std::function<void(std::uint64_t address)> on_written;
    // Called as any other port is called, with its name; may call the unit.
    std::function<void(std::string_view port)> on_port;
    // Called as a message arrives; may call the unit.
    std::function<void(std::uint64_t address)> on_message;
    // A device that answers at once; may call the unit.
    std::function<void(const iommu::InvalidateRequest& request)> on_invalidate;
    // DMA that ends at once; may call the unit.
    std::function<void(std::uint64_t ticket)> on_drain;
    std::vector<Msi> messages;
    std::vector<iommu::InvalidateRequest> invalidates;
    std::vector<iommu::PageGroupResponse> responses;
    unsigned deadlines_changed = 0;
    std::vector<unsigned> pulses;
    std::vector<Resumed> resumes;
    std::vector<iommu::IovaRange> unmaps;
    std::vector<bool> gates;
    std::vector<std::string> lines;
    std::vector<std::uint64_t> drains;  // tickets
    unsigned kicks = 0;
    std::atomic<bool> nobody_outside = false;  // to be told of invalidations, or whose DMA must be waited for
    std::atomic<bool> dma_under_way = false;   // it is the test's to say that it has ended
    bool no_interrupt_controller = false;      // messages end in nothing
    std::uint64_t time_ns = 0;

  private:
    void called(std::string_view port) const {
        if (on_port) on_port(port);
    }
    std::mutex mutex_;
};

// Guest RAM: one range from `base`, zeroed. Pages that nobody touches cost nothing: not from the heap, which Meson has
// filled with a pattern.
class FakeRam {
  public:
    explicit FakeRam(std::uint64_t bytes, std::uint64_t base = 0)
        : base_(base), size_(bytes), words_(map(bytes), Unmap{bytes}) {}

    [[nodiscard]] iommu::RamRange range() {
        return {iommu::Pa{base_}, size_, reinterpret_cast<std::byte*>(words_.get())};
    }
    [[nodiscard]] std::uint64_t peek(std::uint64_t address) { return word(address).load(); }
    void poke(std::uint64_t address, std::uint64_t value) { word(address).store(value); }
    [[nodiscard]] std::uint32_t peek32(std::uint64_t address) {
        return static_cast<std::uint32_t>(peek(address & ~std::uint64_t{7}) >> (8 * (address & 4)));
    }
    [[nodiscard]] std::uint64_t end() const { return base_ + size_; }
    // The words of [first, end), while nobody writes.
    [[nodiscard]] std::vector<std::uint64_t> copy(std::uint64_t first, std::uint64_t end) const {
        if (first < base_ || first > end || end - base_ > size_) throw std::out_of_range("no RAM there");
        return {words_.get() + (first - base_) / 8, words_.get() + (end - base_) / 8};
    }

  private:
    std::atomic_ref<std::uint64_t> word(std::uint64_t address) {
        if (address < base_ || address - base_ > size_ - 8) throw std::out_of_range("no RAM there");
        return std::atomic_ref<std::uint64_t>(words_[(address - base_) / 8]);
    }
    static std::uint64_t* map(std::uint64_t bytes) {
        void* const place =
            mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (place == MAP_FAILED) throw std::bad_alloc();
        return static_cast<std::uint64_t*>(place);
    }
    struct Unmap {
        std::uint64_t bytes = 0;
        void operator()(std::uint64_t* words) const { munmap(words, bytes); }
    };
    std::uint64_t base_;
    std::uint64_t size_;
    std::unique_ptr<std::uint64_t[], Unmap> words_;
};

}  // namespace test

#endif  // TESTS_SUPPORT_FAKE_PORTS_H
