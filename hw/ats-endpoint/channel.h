// SPDX-License-Identifier: GPL-2.0-or-later
//
// channel: what one channel was told to do, cut into steps.
//
// The operation is read from the registers, which software cannot change while the channel is busy. A step is one
// transaction: one read, write or atomic inside a block of 4 KiB, one translation request, or one page request. What
// the channel has done so far is its position; so the next step follows from registers and position alone, and a saved
// state needs nothing else.
#ifndef ATS_ENDPOINT_CHANNEL_H
#define ATS_ENDPOINT_CHANNEL_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "ats-endpoint/registers.h"
#include "iommu/request.h"

namespace endpoint {

// Beyond, an operation is refused.
inline constexpr std::uint64_t kMaxLength = 1u << 20;
inline constexpr unsigned kMaxPages = 512;

struct Operation {
    Op op = Op::None;
    Via via = Via::Untranslated;
    std::optional<iommu::Pasid> pasid;
    iommu::Privilege privilege = iommu::Privilege::User;
    iommu::Execute execute = iommu::Execute::No;
    bool no_write = false;
    bool go_on = false;
    bool can_stall = false;
    unsigned atomic_bytes = 4;
    std::uint64_t source = 0;
    std::uint64_t destination = 0;
    std::uint64_t length = 0;
    std::uint64_t operand = 0;
    std::uint64_t compare = 0;
    iommu::Value<PAGES> pages;
};

// Nothing when it is none that the device carries out.
[[nodiscard]] std::optional<Operation> decode(const iommu::RegisterFile& registers);

struct Position {
    std::uint64_t bytes = 0;  // or pages, transferred or passed over
    bool writing = false;     // of a copy: what was read waits in the window
};

struct Step {
    iommu::Access access = iommu::Access::Read;
    std::uint64_t address = 0;
    unsigned bytes = 0;
    unsigned window_offset = 0;
};
// Of an operation on memory that is not over.
[[nodiscard]] Step next_step(const Operation& operation, const Position& position);
// After that step. A copy that could not read does not write either.
[[nodiscard]] Position after(const Operation& operation, const Position& position, const Step& step, bool failed);
[[nodiscard]] bool over(const Operation& operation, const Position& position);
// Whether steps may lead there and not further, so that there is a next one.
[[nodiscard]] bool can_be(const Operation& operation, const Position& position);

// Where a page request stands in its group.
struct PageRun {
    unsigned pages = 1;  // of the whole group
    bool first = true;
    bool last = true;  // and says so
    bool burst = false;
};
[[nodiscard]] PageRun page_run(const Operation& operation, const Position& position);

[[nodiscard]] constexpr bool moves_memory(Op op) { return op == Op::Read || op == Op::Write || op == Op::Copy; }
[[nodiscard]] constexpr bool is_atomic(Op op) { return op == Op::FetchAdd || op == Op::Swap || op == Op::CompareSwap; }

enum class Wait : std::uint8_t { Idle, Ready, Stalled, Response, Credit };

[[nodiscard]] iommu::Value<STATUS> status_of(Wait wait);

struct Channel {
    Channel() : registers(specs_of(channel_registers()), kChannelBytes) {}

    iommu::RegisterFile registers;
    std::array<std::byte, kWindowBytes> window{};
    Wait wait = Wait::Idle;
    Position position;
    unsigned asked = 0;       // how often the page of this step was requested
    std::uint16_t index = 0;  // of its newest group
    std::uint16_t stall_tag = 0;
    std::uint64_t deadline_ns = iommu::kNever;
    std::uint64_t epoch = 0;  // grows when an operation begins or ends

    [[nodiscard]] bool busy() const { return wait != Wait::Idle; }
};

}  // namespace endpoint

#endif  // ATS_ENDPOINT_CHANNEL_H
