// SPDX-License-Identifier: GPL-2.0-or-later
#include "vtd/invalidation_queue.h"

#include "client/eventually.h"

namespace vtd_driver {

InvalidationQueue::InvalidationQueue(qtest::GuestRam& ram, const Unit& unit, Width width)
    : ram_(&ram), unit_(&unit), width_(width), base_(ram.allocate_page()), status_(ram.allocate_page()) {}

void InvalidationQueue::enable() {
    const std::uint64_t wide = width_ == Width::Long ? bit(11) : 0;
    tail_ = 0;
    unit_->write32(reg::IQT, 0);
    unit_->write64(reg::IQA, base_ | wide);
    unit_->set(QIE);
}

void InvalidationQueue::restart() {
    unit_->clear(QIE);
    enable();
}

void InvalidationQueue::write_slot(std::uint64_t offset, const Descriptor& descriptor) {
    const std::uint64_t words = entry_size() / 8;
    for (std::uint64_t i = 0; i < words; ++i)
        ram_->write64(base_ + offset + 8 * i, descriptor[i]);
}

void InvalidationQueue::push(const Descriptor& descriptor) {
    write_slot(tail_, descriptor);
    tail_ = (tail_ + entry_size()) % size();
}

void InvalidationQueue::ring() const { unit_->write32(reg::IQT, static_cast<std::uint32_t>(tail_)); }

void InvalidationQueue::submit(const Descriptor& descriptor) {
    push(descriptor);
    push(descriptor::wait_status(status_, ++sequence_));
    ring();
    if (!qtest::eventually([&] { return status() == sequence_; })) {
        throw qtest::ProcessError("the invalidation queue does not complete a wait");
    }
}

}  // namespace vtd_driver
