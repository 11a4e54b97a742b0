// SPDX-License-Identifier: GPL-2.0-or-later
//
// ports: the endpoint's whole environment. Called with no lock of the endpoint held, so a port may call it again.
#ifndef ATS_ENDPOINT_PORTS_H
#define ATS_ENDPOINT_PORTS_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "iommu/endpoint_protocol.h"
#include "iommu/request.h"

namespace endpoint {

enum class CanStall : std::uint8_t { No, Yes };

// The unit in front of the device.
class Upstream {
  public:
    virtual ~Upstream() = default;
    [[nodiscard]] virtual iommu::RequesterId requester() = 0;
    // Nothing when there is no unit: then the bus takes untranslated requests as they are.
    [[nodiscard]] virtual std::optional<iommu::Reply> translate(const iommu::Request& request, CanStall can_stall) = 0;
    [[nodiscard]] virtual iommu::TranslationCompletion translation_request(const iommu::Request& request) = 0;
    virtual void page_request(const iommu::PageRequest& request) = 0;
    virtual void invalidate_completed(const iommu::InvalidateCompletion& completion) = 0;
};

// Whose addresses are meant: the unit's answers, or what the device puts on a bus without a unit.
enum class Space : std::uint8_t { Physical, Bus };

class Memory {
  public:
    virtual ~Memory() = default;
    // False when nothing answers at some of the addresses.
    [[nodiscard]] virtual bool read(Space space, std::uint64_t address, std::span<std::byte> to) = 0;
    [[nodiscard]] virtual bool write(Space space, std::uint64_t address, std::span<const std::byte> from) = 0;
    // Of `bytes` (4 or 8), aligned. What was there; stored only if that was `expected`.
    [[nodiscard]] virtual std::optional<std::uint64_t> compare_exchange(Space space, std::uint64_t address,
                                                                        unsigned bytes, std::uint64_t expected,
                                                                        std::uint64_t desired) = 0;
};

class Interrupt {
  public:
    virtual ~Interrupt() = default;
    virtual void msix(unsigned vector) = 0;
};

class Clock {
  public:
    virtual ~Clock() = default;
    // Guest-visible time, nanoseconds.
    [[nodiscard]] virtual std::uint64_t now_ns() = 0;
    // Call `run` soon, not from inside this call.
    virtual void kick() = 0;
    // Ask for the deadline, and call `tick` at that time.
    virtual void deadline_changed() = 0;
};

// The device's configuration space.
class ConfigSpace {
  public:
    virtual ~ConfigSpace() = default;
    // Page Request Status: Response Failure, Unexpected Page Request Group Index, Stopped. Ask `pri_status`.
    virtual void pri_status_changed() = 0;
};

struct Ports {
    Upstream& upstream;
    Memory& memory;
    Interrupt& interrupt;
    Clock& clock;
    ConfigSpace& config;
};

}  // namespace endpoint

#endif  // ATS_ENDPOINT_PORTS_H
