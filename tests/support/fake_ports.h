// SPDX-License-Identifier: GPL-2.0-or-later
//
// fake_ports: an environment for a unit that records what the unit does and makes nothing up.
#ifndef TESTS_SUPPORT_FAKE_PORTS_H
#define TESTS_SUPPORT_FAKE_PORTS_H

#include <cstdint>
#include <cstring>
#include <mutex>
#include <string>
#include <vector>

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
                  public iommu::Clock,
                  public iommu::Trace {
  public:
    void written(iommu::Pa address, std::uint64_t size) override {
        const std::lock_guard lock(mutex_);
        dirty.push_back({address.value, size});
    }
    void send_msi(std::uint64_t address, std::uint32_t data) override {
        const std::lock_guard lock(mutex_);
        messages.push_back({address, data});
    }
    void unmap(const iommu::IovaRange& range) override {
        const std::lock_guard lock(mutex_);
        unmaps.push_back(range);
    }
    void gate_changed(bool translating) override {
        const std::lock_guard lock(mutex_);
        gates.push_back(translating);
    }
    std::uint64_t now_ns() override { return time_ns; }
    void kick() override {
        const std::lock_guard lock(mutex_);
        ++kicks;
    }
    void line(iommu::TraceClass, std::string_view text) override {
        const std::lock_guard lock(mutex_);
        lines.emplace_back(text);
    }

    [[nodiscard]] iommu::Ports references() { return {*this, *this, *this, *this, *this}; }

    struct Written {
        std::uint64_t address = 0;
        std::uint64_t size = 0;
    };
    std::vector<Written> dirty;
    std::vector<Msi> messages;
    std::vector<iommu::IovaRange> unmaps;
    std::vector<bool> gates;
    std::vector<std::string> lines;
    unsigned kicks = 0;
    std::uint64_t time_ns = 0;

  private:
    std::mutex mutex_;
};

// Guest RAM: one range from `base`, zeroed.
class FakeRam {
  public:
    explicit FakeRam(std::uint64_t bytes, std::uint64_t base = 0) : base_(base), words_(bytes / 8) {}

    [[nodiscard]] iommu::RamRange range() {
        return {iommu::Pa{base_}, words_.size() * 8, reinterpret_cast<std::byte*>(words_.data())};
    }
    [[nodiscard]] std::uint64_t peek(std::uint64_t address) { return word(address).load(); }
    void poke(std::uint64_t address, std::uint64_t value) { word(address).store(value); }
    [[nodiscard]] std::uint32_t peek32(std::uint64_t address) {
        return static_cast<std::uint32_t>(peek(address & ~std::uint64_t{7}) >> (8 * (address & 4)));
    }
    [[nodiscard]] std::uint64_t end() const { return base_ + words_.size() * 8; }

  private:
    std::atomic_ref<std::uint64_t> word(std::uint64_t address) {
        return std::atomic_ref<std::uint64_t>(words_.at((address - base_) / 8));
    }
    std::uint64_t base_;
    std::vector<std::uint64_t> words_;
};

}  // namespace test

#endif  // TESTS_SUPPORT_FAKE_PORTS_H
