// SPDX-License-Identifier: GPL-2.0-or-later
#include "vtd/invalidation_queue.h"

#include <algorithm>
#include <span>

#include "client/eventually.h"

namespace vtd_driver {

InvalidationQueue::InvalidationQueue(qtest::GuestRam& ram, const Unit& unit, Width width, unsigned pages_log2)
    : ram_(&ram),
      unit_(&unit),
      width_(width),
      pages_log2_(pages_log2),
      base_(ram.allocate_pages(std::uint64_t{1} << pages_log2)),
      status_(ram.allocate_page()) {}

void InvalidationQueue::enable() {
    const std::uint64_t wide = width_ == Width::Long ? bit(11) : 0;
    tail_ = 0;
    unit_->write32(reg::IQT, 0);
    unit_->write64(reg::IQA, base_ | wide | pages_log2_);
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

void InvalidationQueue::fill(const std::vector<Descriptor>& descriptors) {
    std::vector<std::uint8_t> bytes;
    for (const Descriptor& descriptor : descriptors) {
        for (std::uint64_t i = 0; i < entry_size(); ++i) {
            bytes.push_back(static_cast<std::uint8_t>(descriptor[i / 8] >> 8 * (i % 8)));
        }
    }
    for (std::size_t at = 0; at < bytes.size(); at += qtest::page_size) {
        const std::size_t count = std::min<std::size_t>(qtest::page_size, bytes.size() - at);
        ram_->write(base_ + at, std::span(bytes).subspan(at, count));
    }
    tail_ = bytes.size();
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
