// SPDX-License-Identifier: GPL-2.0-or-later
//
// ports: a unit's whole environment. A unit is given these and nothing else; tests give it recording fakes.
//
// Except for MemoryPort and where it is said, ports are called with no lock of the unit held, so they may call the unit
// again.
#ifndef IOMMU_PORTS_H
#define IOMMU_PORTS_H

#include <cstdint>
#include <string_view>

#include "iommu/address.h"
#include "iommu/endpoint_protocol.h"
#include "iommu/ids.h"

namespace iommu {

class MemoryPort {
  public:
    virtual ~MemoryPort() = default;
    // The bytes were changed through a host pointer. Any thread; may hold the unit's lock, so must not call the unit.
    virtual void written(Pa address, std::uint64_t size) = 0;
};

class Interrupts {
  public:
    virtual ~Interrupts() = default;
    // A 4-byte store of `data` to `address`, sent as it is. Any thread. False when it is known that nothing is there.
    virtual bool send_msi(std::uint64_t address, std::uint32_t data) = 0;
    // An edge on a wired interrupt, by the unit's own number. Units without wires need none.
    virtual void pulse(unsigned /*line*/) {}
};

// Holders of translations outside the unit: vhost, devices with a cache of their own.
class UnmapListeners {
  public:
    virtual ~UnmapListeners() = default;
    // Whether there are any. May be called with the unit's lock held: must not call the unit.
    virtual bool listening() { return true; }
    // Returns when the holders have forgotten the range, for every requester.
    virtual void unmap(const IovaRange& range) = 0;
    // Whether requests have to be given to the unit at all.
    virtual void gate_changed(bool translating) = 0;
};

// What software decided about a stalled request.
enum class StallAction : std::uint8_t { Retry, Abort, Discard };

// Devices that keep translations, ask for pages, or can wait. An answer to a message comes by a call of the unit, from
// inside the port or later, or never.
class Endpoints {
  public:
    virtual ~Endpoints() = default;
    virtual void invalidate(const InvalidateRequest& /*request*/) {}
    virtual void respond(const PageGroupResponse& /*response*/) {}
    virtual void resume(RequesterId /*requester*/, std::uint16_t /*stall_tag*/, StallAction /*action*/) {}
};

class Clock {
  public:
    virtual ~Clock() = default;
    // Guest-visible time, nanoseconds.
    virtual std::uint64_t now_ns() = 0;
    // Call the unit's continuation soon, not from inside this call.
    virtual void kick() = 0;
    // The unit's deadline is another one now: ask for it, and call the unit's `tick` at that time.
    virtual void deadline_changed() {}
};

// Those whose DMA goes on beside the queue.
class DmaUsers {
  public:
    enum class Drained : std::uint8_t { Now, Later };
    virtual ~DmaUsers() = default;
    // Nobody has ever translated whose DMA could be under way now. May be called with the unit's lock held: must not
    // call the unit.
    virtual bool none() { return false; }
    // Now: no DMA is under way that was translated before this call. Later: the unit's `drained` is called with the
    // ticket once all such has ended; from inside this call already, if need be.
    virtual Drained drain(std::uint64_t /*ticket*/) { return Drained::Now; }
};

// Classes of trace lines; values are those of enum iommu_trace_class.
enum class TraceClass : std::uint32_t {
    Fault = 1u << 0,
    Register = 1u << 1,
    Invalidation = 1u << 2,
    Queue = 1u << 3,
    Translation = 1u << 4,
    Interrupt = 1u << 5,
};

class Trace {
  public:
    virtual ~Trace() = default;
    virtual void line(TraceClass trace_class, std::string_view text) = 0;
};

struct Ports {
    MemoryPort& memory;
    Interrupts& interrupts;
    UnmapListeners& listeners;
    Endpoints& endpoints;
    Clock& clock;
    DmaUsers& dma;
    Trace& trace;
};

}  // namespace iommu

#endif  // IOMMU_PORTS_H
