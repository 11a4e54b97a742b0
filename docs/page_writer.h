// SPDX-License-Identifier: GPL-2.0-or-later
//
// page_writer: turns declared layouts into the tables of the generated pages.
//
//     generate-NAME                 writes the page to standard output
//     generate-NAME --check FILE    fails when FILE is not what would be written
#ifndef DOCS_PAGE_WRITER_H
#define DOCS_PAGE_WRITER_H

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <span>
#include <sstream>
#include <string>

#include "iommu/register_file.h"

namespace page {

inline const char* access_text(iommu::FieldAccess access) {
    switch (access) {
        case iommu::RW: return "RW";
        case iommu::RO: return "RO";
        case iommu::RW1C: return "RW1C";
        case iommu::WO: return "WO";
        case iommu::Rsvd: return "reserved";
        case iommu::Ign: return "ignored";
    }
    return "?";
}

inline std::string hex(std::uint64_t value, int digits) {
    char text[24];
    std::snprintf(text, sizeof text, "0x%0*llx", digits, static_cast<unsigned long long>(value));
    return text;
}

inline std::string bits(const iommu::FieldInfo& field) {
    const std::string high = std::to_string(field.high);
    return field.high == field.low ? high : high + ":" + std::to_string(field.low);
}

inline void write_register(std::ostream& out, const iommu::RegisterSpec& spec, int offset_digits) {
    out << "### " << spec.name << " - " << hex(spec.offset, offset_digits) << ", " << int{spec.size} * 8
        << " bits, reset " << hex(spec.reset, spec.size * 2) << "\n\n";
    out << "| Bits | Field | Access |\n|---|---|---|\n";
    for (std::size_t i = spec.fields.size(); i-- > 0;) {
        const iommu::FieldInfo& field = spec.fields[i];
        if (field.access == iommu::Rsvd) continue;
        const std::string name = field.name.empty() ? "-" : std::string(field.name);
        out << "| " << bits(field) << " | " << name << " | " << access_text(field.access) << " |\n";
    }
    out << "\n";
}

template <class S>
void write_structure(std::ostream& out) {
    out << "### " << S::name << " - " << S::layout::bits << " bits\n\n";
    out << "| Bits | Field |\n|---|---|\n";
    for (std::size_t i = S::layout::fields.size(); i-- > 0;) {
        const iommu::FieldInfo& field = S::layout::fields[i];
        if (field.access == iommu::Rsvd) continue;
        out << "| " << bits(field) << " | " << (field.access == iommu::Ign ? "ignored" : std::string(field.name))
            << " |\n";
    }
    out << "\n";
}

template <class... S>
void write_structures(std::ostream& out) {
    (write_structure<S>(out), ...);
}

inline bool same_as(const char* path, const std::string& text) {
    const std::ifstream file(path);
    std::ostringstream content;
    content << file.rdbuf();
    return content.str() == text;
}

// What main() does with the page.
inline int write_or_check(const std::string& text, int argc, char** argv) {
    if (argc == 3 && std::strcmp(argv[1], "--check") == 0) {
        if (same_as(argv[2], text)) return 0;
        std::cerr << argv[2] << " is out of date: write it anew with " << argv[0] << "\n";
        return 1;
    }
    std::cout << text;
    return 0;
}

}  // namespace page

#endif  // DOCS_PAGE_WRITER_H
