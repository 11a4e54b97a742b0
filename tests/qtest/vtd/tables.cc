// SPDX-License-Identifier: GPL-2.0-or-later
#include "vtd/tables.h"

namespace vtd_driver {
namespace {

constexpr std::uint64_t present = bit(0);
constexpr std::uint64_t page_bits = ones(63, 12);

template <std::size_t N>
void write_words(qtest::GuestRam& ram, std::uint64_t address, const std::array<std::uint64_t, N>& words) {
    // The first word has the present bit and comes last.
    for (std::size_t i = N; i > 0; --i)
        ram.write64(address + 8 * (i - 1), words[i - 1]);
}

// The table that the entry at `slot` points to, made if there is none.
std::uint64_t table_behind(qtest::GuestRam& ram, std::uint64_t slot) {
    const std::uint64_t entry = ram.read64(slot);
    if ((entry & page_bits) != 0) return entry & page_bits;
    const std::uint64_t table = ram.allocate_page();
    ram.write64(slot, table | present);
    return table;
}

}  // namespace

LegacyContext LegacyContext::translating(const PageTable& stage, unsigned domain) {
    return {.table = stage.root(), .address_width = stage.address_width(), .domain = domain};
}

std::array<std::uint64_t, 2> LegacyContext::words() const {
    return {present | field(1, 1, fault_disable ? 1 : 0) | field(3, 2, type) | table,
            field(2, 0, address_width) | field(23, 8, domain)};
}

void LegacyTables::set(unsigned requester, const LegacyContext& context) {
    write_words(*ram_, context_entry(requester), context.words());
}

void LegacyTables::remove(unsigned requester) { ram_->write64(context_entry(requester), 0); }

std::uint64_t LegacyTables::context_entry(unsigned requester) {
    return table_behind(*ram_, root_entry(requester)) + 16 * (requester & 0xff);
}

std::array<std::uint64_t, 4> ScalableContext::words() const {
    return {present | field(1, 1, fault_disable ? 1 : 0) | field(2, 2, device_tlb ? 1 : 0) |
                field(3, 3, pasid_enable ? 1 : 0) | field(4, 4, page_requests ? 1 : 0) | field(11, 9, directory_size) |
                directory,
            field(19, 0, rid_pasid) | field(20, 20, rid_privileged ? 1 : 0), 0, 0};
}

PasidEntry PasidEntry::over_second_stage(const PageTable& stage, unsigned domain) {
    return {.type = Pgtt::SecondStage,
            .domain = domain,
            .second_stage = stage.root(),
            .address_width = stage.address_width()};
}

PasidEntry PasidEntry::over_first_stage(const PageTable& stage, unsigned domain) {
    return {.type = Pgtt::FirstStage,
            .domain = domain,
            .first_stage = stage.root(),
            .first_stage_mode = stage.levels() - 4};
}

PasidEntry PasidEntry::nested(const PageTable& first, const PageTable& second, unsigned domain) {
    return {.type = Pgtt::Nested,
            .domain = domain,
            .second_stage = second.root(),
            .address_width = second.address_width(),
            .first_stage = first.root(),
            .first_stage_mode = first.levels() - 4};
}

std::array<std::uint64_t, 8> PasidEntry::words() const {
    return {
        present | field(4, 2, address_width) | field(8, 6, static_cast<std::uint64_t>(type)) | second_stage | q0_flags,
        field(15, 0, domain) | q1_flags,
        field(3, 2, first_stage_mode) | first_stage | q2_flags,
        0,
        0,
        0,
        0,
        0};
}

void ScalableTables::set_context(unsigned requester, ScalableContext context) {
    context.directory = directory(requester);
    write_words(*ram_, context_entry(requester), context.words());
}

void ScalableTables::set(unsigned requester, unsigned pasid, const PasidEntry& entry) {
    if ((ram_->read64(context_entry(requester)) & present) == 0) set_context(requester, {});
    write_words(*ram_, pasid_entry(requester, pasid), entry.words());
}

std::uint64_t ScalableTables::root_entry(unsigned requester) const {
    const std::uint64_t half = extract(requester, 7, 7);
    return root_ + 16 * extract(requester, 15, 8) + 8 * half;
}

std::uint64_t ScalableTables::context_entry(unsigned requester) {
    return table_behind(*ram_, root_entry(requester)) + 32 * extract(requester, 6, 0);
}

std::uint64_t ScalableTables::directory(unsigned requester) {
    const auto known = directories_.find(requester);
    if (known != directories_.end()) return known->second;
    return directories_[requester] = ram_->allocate_page();
}

std::uint64_t ScalableTables::directory_entry(unsigned requester, unsigned pasid) {
    return directory(requester) + 8 * extract(pasid, 19, 6);
}

std::uint64_t ScalableTables::pasid_entry(unsigned requester, unsigned pasid) {
    return table_behind(*ram_, directory_entry(requester, pasid)) + 64 * extract(pasid, 5, 0);
}

}  // namespace vtd_driver
