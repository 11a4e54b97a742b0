// SPDX-License-Identifier: GPL-2.0-or-later
#include "vtd/page_table.h"

namespace vtd_driver {
namespace {

// In both stages.
constexpr std::uint64_t large_page = bit(7);

constexpr std::uint64_t address_bits = ones(51, 12);

std::uint64_t index_of(std::uint64_t iova, unsigned level) { return iova >> (12 + 9 * (level - 1)) & 0x1ff; }

}  // namespace

PageTable::PageTable(qtest::GuestRam& ram, Stage stage, unsigned levels, std::uint64_t bias)
    : ram_(&ram),
      all_rights_(stage == Stage::First ? fs::P | fs::RW | fs::US : ss::R | ss::W),
      levels_(levels),
      bias_(bias) {
    root_ = new_table();
}

std::uint64_t PageTable::new_table() {
    tables_.push_back(ram_->allocate_page());
    return tables_.back();
}

PageTable& PageTable::map(const Mapping& mapping) {
    std::uint64_t table = root_;
    for (unsigned level = levels_; level > mapping.level; --level) {
        const std::uint64_t slot = table + 8 * index_of(mapping.iova, level);
        const std::uint64_t entry = ram_->read64(slot);
        if (entry == 0) {
            table = new_table();
            ram_->write64(slot, (table + bias_) | all_rights_);
        } else {
            table = (entry & address_bits) - bias_;
        }
    }
    const std::uint64_t flags = mapping.flags == keep_all_rights ? all_rights_ : mapping.flags;
    const std::uint64_t large = mapping.level > 1 ? large_page : 0;
    ram_->write64(table + 8 * index_of(mapping.iova, mapping.level), mapping.target | flags | large);
    return *this;
}

std::uint64_t PageTable::entry_address(std::uint64_t iova, unsigned level) const {
    std::uint64_t table = root_;
    for (unsigned above = levels_; above > level; --above) {
        table = (ram_->read64(table + 8 * index_of(iova, above)) & address_bits) - bias_;
    }
    return table + 8 * index_of(iova, level);
}

std::uint64_t PageTable::entry(std::uint64_t iova, unsigned level) const {
    return ram_->read64(entry_address(iova, level));
}

void PageTable::set_entry(std::uint64_t iova, unsigned level, std::uint64_t value) const {
    ram_->write64(entry_address(iova, level), value);
}

void PageTable::flip(std::uint64_t iova, unsigned level, std::uint64_t bits) const {
    const std::uint64_t address = entry_address(iova, level);
    ram_->write64(address, ram_->read64(address) ^ bits);
}

}  // namespace vtd_driver
