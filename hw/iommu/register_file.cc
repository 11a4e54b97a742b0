// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/register_file.h"

#include <algorithm>
#include <cassert>

#include "iommu/address.h"

namespace iommu {

RegisterFile::RegisterFile(std::vector<RegisterSpec> specs, std::uint32_t bytes)
    : specs_(std::move(specs)), values_(specs_.size()), index_(bytes / 4, kNone) {
    assert(specs_.size() < kNone);
    for (std::size_t i = 0; i < specs_.size(); ++i) {
        const RegisterSpec& spec = specs_[i];
        assert(spec.offset + spec.size <= bytes && spec.offset % spec.size == 0);
        for (unsigned at = spec.offset / 4; at < (spec.offset + spec.size) / 4; ++at) {
            assert(index_[at] == kNone);
            index_[at] = static_cast<std::uint8_t>(i);
        }
    }
    reset();
}

bool RegisterFile::well_formed(std::uint64_t offset, unsigned size) const {
    return (size == 4 || size == 8) && offset % size == 0 && offset / 4 < index_.size();
}

void RegisterFile::reset() {
    for (std::size_t i = 0; i < specs_.size(); ++i)
        values_[i] = specs_[i].reset;
}

void RegisterFile::set_value_at(std::uint32_t offset, std::uint64_t value) {
    const std::uint8_t index = index_at(offset);
    if (index != kNone) values_[index] = value;
}

const RegisterSpec& RegisterFile::spec(std::uint32_t offset) const {
    assert(index_at(offset) != kNone);
    return specs_[index_at(offset)];
}

bool RegisterFile::splits(std::uint64_t offset, unsigned size) const {
    if (!well_formed(offset, size) || size != 8) return false;
    const std::uint8_t index = index_at(offset);
    return index == kNone || specs_[index].size == 4;
}

std::uint64_t RegisterFile::read(std::uint64_t offset, unsigned size) const {
    if (!well_formed(offset, size)) return 0;
    if (splits(offset, size)) return read(offset, 4) | read(offset + 4, 4) << 32;
    const std::uint8_t index = index_at(offset);
    if (index == kNone) return 0;
    const unsigned shift = 8 * static_cast<unsigned>(offset - specs_[index].offset);
    return ((values_[index] & ~specs_[index].wo) >> shift) & low_bits(8 * size);
}

std::optional<RegisterWrite> RegisterFile::write(std::uint64_t offset, unsigned size, std::uint64_t value) {
    assert(!splits(offset, size));
    if (!well_formed(offset, size)) return std::nullopt;
    const std::uint8_t index = index_at(offset);
    if (index == kNone) return std::nullopt;
    const RegisterSpec& spec = specs_[index];
    const unsigned shift = 8 * static_cast<unsigned>(offset - spec.offset);
    RegisterWrite write;
    write.offset = spec.offset;
    write.lanes = low_bits(8 * size) << shift;
    write.written = (value << shift) & write.lanes;
    write.before = values_[index];
    const std::uint64_t stored = (spec.rw | spec.wo) & write.lanes;
    write.after = ((write.before & ~stored) | (write.written & stored)) & ~(write.written & spec.rw1c);
    values_[index] = write.after;
    return write;
}

void RegisterFile::restore(std::span<const std::uint64_t> values) {
    assert(values.size() == values_.size());
    std::copy(values.begin(), values.end(), values_.begin());
}

}  // namespace iommu
