// SPDX-License-Identifier: GPL-2.0-or-later
#include "ats-endpoint/channel.h"

#include <algorithm>
#include <tuple>

namespace endpoint {

namespace {

constexpr std::uint64_t kBlock = 4096;

std::uint64_t left_in_block(std::uint64_t address) { return kBlock - address % kBlock; }

bool wraps(std::uint64_t address, std::uint64_t length) { return length != 0 && address + (length - 1) < address; }

bool fits_window(std::uint64_t offset, std::uint64_t length) {
    return offset <= kWindowBytes && length <= kWindowBytes - offset;
}

// What the operands must be for the device to begin.
bool possible(const Operation& operation) {
    const auto& [source, destination, length] = std::tie(operation.source, operation.destination, operation.length);
    switch (operation.op) {
        case Op::Read: return fits_window(destination, length) && !wraps(source, length);
        case Op::Write: return fits_window(source, length) && !wraps(destination, length);
        case Op::Copy: return length <= kMaxLength && !wraps(source, length) && !wraps(destination, length);
        case Op::FetchAdd:
        case Op::Swap:
        case Op::CompareSwap: return destination % operation.atomic_bytes == 0;
        case Op::TranslationRequest: return true;
        case Op::PageRequest: {
            const std::uint64_t count = operation.pages.get<PAGES::COUNT>();
            return count >= 1 && count <= kMaxPages && !wraps(source, count * kBlock);
        }
        case Op::StopMarker: return operation.pasid.has_value();
        case Op::None: return false;
    }
    return false;
}

}  // namespace

std::optional<Operation> decode(const iommu::RegisterFile& registers) {
    const auto operation = registers.get<OPERATION>();
    const auto pasid = registers.get<PASID>();
    if (operation.get<OPERATION::OP>() > static_cast<unsigned>(Op::StopMarker)) return std::nullopt;
    if (operation.get<OPERATION::VIA>() > static_cast<unsigned>(Via::Translated)) return std::nullopt;
    Operation result;
    result.op = static_cast<Op>(operation.get<OPERATION::OP>());
    result.via = static_cast<Via>(operation.get<OPERATION::VIA>());
    if (pasid.get<PASID::VALID>() != 0) {
        result.pasid = iommu::Pasid{static_cast<std::uint32_t>(pasid.get<PASID::VALUE>())};
        if (pasid.get<PASID::PRIV>() != 0) result.privilege = iommu::Privilege::Supervisor;
        if (pasid.get<PASID::EXEC>() != 0) result.execute = iommu::Execute::Yes;
    }
    result.no_write = operation.get<OPERATION::NW>() != 0;
    result.go_on = operation.get<OPERATION::GO_ON>() != 0;
    result.can_stall = operation.get<OPERATION::CAN_STALL>() != 0;
    result.atomic_bytes = operation.get<OPERATION::EIGHT>() != 0 ? 8 : 4;
    result.source = number<SOURCE>(registers);
    result.destination = number<DESTINATION>(registers);
    result.length = number<LENGTH>(registers);
    result.operand = number<OPERAND>(registers);
    result.compare = number<COMPARE>(registers);
    result.pages = registers.get<PAGES>();
    if (!possible(result)) return std::nullopt;
    return result;
}

Step next_step(const Operation& operation, const Position& position) {
    const std::uint64_t left = operation.length - position.bytes;
    const std::uint64_t source = operation.source + position.bytes;
    const std::uint64_t destination = operation.destination + position.bytes;
    switch (operation.op) {
        case Op::Read:
            return {.access = iommu::Access::Read,
                    .address = source,
                    .bytes = static_cast<unsigned>(std::min(left, left_in_block(source))),
                    .window_offset = static_cast<unsigned>(destination)};
        case Op::Write:
            return {.access = iommu::Access::Write,
                    .address = destination,
                    .bytes = static_cast<unsigned>(std::min(left, left_in_block(destination))),
                    .window_offset = static_cast<unsigned>(source)};
        case Op::Copy:
            return {.access = position.writing ? iommu::Access::Write : iommu::Access::Read,
                    .address = position.writing ? destination : source,
                    .bytes = static_cast<unsigned>(std::min({left, left_in_block(source), left_in_block(destination)})),
                    .window_offset = 0};
        case Op::FetchAdd:
        case Op::Swap:
        case Op::CompareSwap:
            return {.access = iommu::Access::Atomic, .address = operation.destination, .bytes = operation.atomic_bytes};
        case Op::TranslationRequest:
            return {.access = operation.no_write ? iommu::Access::Read : iommu::Access::Write,
                    .address = operation.source};
        case Op::PageRequest: return {.address = operation.source / kBlock * kBlock + position.bytes * kBlock};
        case Op::StopMarker:
        case Op::None: break;
    }
    return {};
}

Position after(const Operation& operation, const Position& position, const Step& step, bool failed) {
    if (operation.op == Op::Copy && !position.writing && !failed) return {position.bytes, true};
    if (moves_memory(operation.op)) return {position.bytes + step.bytes, false};
    return {position.bytes + 1, false};
}

PageRun page_run(const Operation& operation, const Position& position) {
    const bool ends = operation.pages.get<PAGES::LAST>() != 0;
    if (operation.pages.get<PAGES::BURST>() != 0) return {.pages = 1, .first = true, .last = ends, .burst = true};
    const auto count = static_cast<unsigned>(operation.pages.get<PAGES::COUNT>());
    return {.pages = count, .first = position.bytes == 0, .last = ends && position.bytes + 1 == count, .burst = false};
}

bool over(const Operation& operation, const Position& position) {
    if (position.writing) return false;
    if (moves_memory(operation.op)) return position.bytes >= operation.length;
    if (operation.op == Op::PageRequest) return position.bytes >= operation.pages.get<PAGES::COUNT>();
    return position.bytes != 0;
}

bool can_be(const Operation& operation, const Position& position) {
    if (position.writing && operation.op != Op::Copy) return false;
    return (position.bytes == 0 && !position.writing) || !over(operation, {position.bytes, false}) ||
           (operation.length == 0 && position.bytes == 0);
}

iommu::Value<STATUS> status_of(Wait wait) {
    return iommu::Value<STATUS>{}
        .with<STATUS::BUSY>(wait != Wait::Idle ? 1 : 0)
        .with<STATUS::STALLED>(wait == Wait::Stalled ? 1 : 0)
        .with<STATUS::WAITS_RESPONSE>(wait == Wait::Response ? 1 : 0)
        .with<STATUS::WAITS_CREDIT>(wait == Wait::Credit ? 1 : 0);
}

}  // namespace endpoint
