// SPDX-License-Identifier: GPL-2.0-or-later
#include "smmuv3/queues.h"

#include "client/eventually.h"
#include "smmuv3/streams.h"

namespace smmu_driver {
namespace {

// RA and WA of the base registers.
constexpr std::uint64_t allocate_hint = bit(62);

std::uint64_t allocate(qtest::GuestRam& ram, std::uint64_t bytes) {
    const std::uint64_t pages = (bytes + size_4k - 1) / size_4k;
    return ram.allocate_pages(pages, pages * size_4k);
}

}  // namespace

CommandQueue::CommandQueue(qtest::GuestRam& ram, const Unit& unit, unsigned size_log2)
    : ram_(&ram), unit_(unit), size_log2_(size_log2), base_(allocate(ram, 16ull << size_log2)) {}

void CommandQueue::set_up() {
    producer_ = 0;
    unit_.write64(reg::CMDQ_BASE, base_ | size_log2_ | allocate_hint);
    unit_.write32(reg::CMDQ_PROD, 0);
    unit_.write32(reg::CMDQ_CONS, 0);
}

void CommandQueue::write_slot(std::uint32_t slot, const Command& command) const {
    write_structure(*ram_, slot_address(slot), command);
}

std::uint32_t CommandQueue::push(const Command& command) {
    const std::uint32_t slot = producer_;
    write_slot(slot, command);
    producer_ = (producer_ + 1) % (2 * entries());
    return slot;
}

void CommandQueue::submit(const Command& command) {
    push(command);
    ring();
    wait_consumed();
}

void CommandQueue::wait_consumed() const {
    if (!qtest::eventually([&] { return consumer() == producer_ || (unit_.active_errors() & CMDQ_ERR) != 0; }) ||
        (unit_.active_errors() & CMDQ_ERR) != 0) {
        throw qtest::ProcessError("the unit does not consume a command");
    }
}

EventQueue::EventQueue(qtest::GuestRam& ram, const Unit& unit, unsigned size_log2)
    : ram_(&ram), unit_(unit), size_log2_(size_log2), base_(allocate(ram, 32ull << size_log2)) {}

void EventQueue::set_up() const {
    unit_.write64(reg::EVENTQ_BASE, base_ | size_log2_ | allocate_hint);
    unit_.write32(reg::EVENTQ_PROD, 0);
    unit_.write32(reg::EVENTQ_CONS, 0);
}

bool EventQueue::overflowed() const {
    return ((unit_.read32(reg::EVENTQ_PROD) ^ unit_.read32(reg::EVENTQ_CONS)) & OVFLG) != 0;
}

Events EventQueue::take() const {
    Events events;
    const std::uint32_t producer = unit_.read32(reg::EVENTQ_PROD);
    std::uint32_t consumer = unit_.read32(reg::EVENTQ_CONS) & ~OVFLG;
    while (consumer != (producer & ~OVFLG)) {
        Event event;
        const std::uint64_t address = base_ + 32ull * (consumer % entries());
        for (std::size_t word = 0; word < event.words.size(); ++word)
            event.words[word] = ram_->read64(address + 8 * word);
        events.push_back(event);
        consumer = (consumer + 1) % (2 * entries());
    }
    unit_.write32(reg::EVENTQ_CONS, consumer | (producer & OVFLG));
    return events;
}

}  // namespace smmu_driver
