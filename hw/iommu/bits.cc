// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/bits.h"

#include <cinttypes>
#include <cstdio>

namespace iommu {

std::string describe_fields(const FieldInfo* fields, std::size_t field_count, const std::uint64_t* words) {
    std::string text;
    for (std::size_t i = field_count; i-- > 0;) {
        const FieldInfo& field = fields[i];
        if (field.name.empty()) continue;
        const unsigned width = field.high - field.low + 1;
        const std::uint64_t max = width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
        const std::uint64_t value = (words[field.low / 64] >> (field.low % 64)) & max;
        if (value == 0) continue;
        char number[24];
        std::snprintf(number, sizeof number, value < 10 ? "=%" PRIu64 : "=0x%" PRIx64, value);
        if (!text.empty()) text += ' ';
        text += field.name;
        text += number;
    }
    return text;
}

}  // namespace iommu
