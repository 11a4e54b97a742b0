// SPDX-License-Identifier: GPL-2.0-or-later
#include "smmuv3/page_table.h"

namespace smmu_driver {
namespace {

constexpr std::uint64_t valid = 1;
constexpr std::uint64_t table_or_page = 2;
constexpr std::uint64_t address_bits = ones(47, 12);

std::uint64_t index_of(std::uint64_t input, int level) {
    return input >> (12 + 9 * static_cast<unsigned>(3 - level)) & 0x1ff;
}

int first_level(Stage stage) { return stage == Stage::One ? 0 : 1; }

}  // namespace

PageTable::PageTable(qtest::GuestRam& ram, Stage stage, std::uint64_t bias) : ram_(&ram), stage_(stage), bias_(bias) {
    static_cast<void>(new_table());
}

std::uint64_t PageTable::new_table() {
    tables_.push_back(ram_->allocate_page());
    return tables_.back();
}

PageTable& PageTable::map(const Mapping& mapping) {
    std::uint64_t table = tables_.front();
    for (int level = first_level(stage_); level < mapping.level; ++level) {
        const std::uint64_t slot = table + 8 * index_of(mapping.input, level);
        const std::uint64_t entry = ram_->read64(slot);
        if (entry == 0) {
            table = new_table();
            ram_->write64(slot, (table + bias_) | table_or_page | valid);
        } else {
            table = (entry & address_bits) - bias_;
        }
    }
    const std::uint64_t all_rights = stage_ == Stage::One ? s1::user_page : s2::page;
    const std::uint64_t bits = mapping.bits == 0 ? all_rights : mapping.bits;
    const std::uint64_t type = mapping.level == 3 ? table_or_page | valid : valid;
    ram_->write64(table + 8 * index_of(mapping.input, mapping.level), mapping.output | bits | type);
    return *this;
}

std::uint64_t PageTable::entry_address(std::uint64_t input, int level) const {
    std::uint64_t table = tables_.front();
    for (int above = first_level(stage_); above < level; ++above) {
        table = (ram_->read64(table + 8 * index_of(input, above)) & address_bits) - bias_;
    }
    return table + 8 * index_of(input, level);
}

std::uint64_t PageTable::entry(std::uint64_t input, int level) const {
    return ram_->read64(entry_address(input, level));
}

void PageTable::set_entry(std::uint64_t input, int level, std::uint64_t value) const {
    ram_->write64(entry_address(input, level), value);
}

}  // namespace smmu_driver
