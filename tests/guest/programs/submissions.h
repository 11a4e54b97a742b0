// SPDX-License-Identifier: GPL-2.0-or-later
// Submissions: what the kernel's driver tells the unit, as the kernel itself shows it.
//
// On VT-d the trace event intel_iommu:qi_submit has every descriptor but the waits that end a batch. SMMUv3's driver
// has no trace events: its command queue is read from memory, between two values of CMDQ_PROD; the driver leaves a
// CMD_SYNC that was completed by a message with its first word overwritten, which is how such a one is known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "files.h"
#include "pci.h"
#include "physical.h"

namespace guest {

struct Submission {
    enum class Kind { Tlb, DeviceTlb, Configuration, Response, Wait, Hint };
    Kind kind = Kind::Tlb;
    // Of a device's TLB or a response.
    std::uint16_t requester = 0;
    std::optional<std::uint32_t> pasid = std::nullopt;
    // Addresses from first to last, of a TLB or a device's; of a response the group's index in `first`.
    std::uint64_t first = 0;
    std::uint64_t last = ~std::uint64_t{0};

    [[nodiscard]] bool whole() const { return first == 0 && last == ~std::uint64_t{0}; }
};

// A tracing instance of its own with some events on, until it goes.
class Tracing {
  public:
    // Names in tracefs/events: "intel_iommu", "iommu/unmap".
    explicit Tracing(const std::vector<std::string>& events);
    ~Tracing();
    Tracing(const Tracing&) = delete;
    Tracing& operator=(const Tracing&) = delete;

    // The events since the last call, without what stands before their names.
    std::vector<std::string> take();

  private:
    std::string folder_;
};

// SMMUv3's command queue as the driver has it in memory.
class CommandQueue {
  public:
    CommandQueue();

    // Where the next command goes, with the wrap bit above.
    [[nodiscard]] std::uint32_t producer() const;
    [[nodiscard]] bool wrapped() const { return (producer() >> log2_ & 1) != 0; }
    // Commands from one value of producer() to another.
    [[nodiscard]] std::vector<Submission> between(std::uint32_t from, std::uint32_t to) const;

  private:
    Physical registers_;
    std::optional<Physical> ring_;
    unsigned log2_ = 0;
};

// The descriptor of a qi_submit event; nothing for other events.
std::optional<Submission> submission_of(const std::string& event);

class Submissions {
  public:
    Submissions();
    // Since the last call.
    std::vector<Submission> take();

  private:
    std::optional<Tracing> tracing_;
    std::optional<CommandQueue> queue_;
    std::uint32_t producer_ = 0;
};

std::size_t count_of(const std::vector<Submission>& all, Submission::Kind kind);

}  // namespace guest
