// SPDX-License-Identifier: GPL-2.0-or-later
//
// Writes docs/vtd-registers.md from the declarations of the registers, structures, descriptors and fault conditions.
//
//     generate-registers                 to standard output
//     generate-registers --check FILE    fails when FILE is not what would be written
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>

#include "vtd-nested/capabilities.h"
#include "vtd-nested/registers.h"
#include "vtd-nested/spec/descriptors.h"
#include "vtd-nested/spec/faults.h"
#include "vtd-nested/spec/first_stage.h"
#include "vtd-nested/spec/pasid.h"
#include "vtd-nested/spec/root_context.h"
#include "vtd-nested/spec/second_stage.h"

namespace {

const char* access_text(iommu::FieldAccess access) {
    switch (access) {
        case iommu::RW:
            return "RW";
        case iommu::RO:
            return "RO";
        case iommu::RW1C:
            return "RW1C";
        case iommu::WO:
            return "WO";
        case iommu::Rsvd:
            return "reserved";
        case iommu::Ign:
            return "ignored";
    }
    return "?";
}

std::string hex(std::uint64_t value, int digits) {
    char text[24];
    std::snprintf(text, sizeof text, "0x%0*llx", digits, static_cast<unsigned long long>(value));
    return text;
}

std::string bits(const iommu::FieldInfo& field) {
    const std::string high = std::to_string(field.high);
    return field.high == field.low ? high : high + ":" + std::to_string(field.low);
}

void write_fields(std::ostream& out, std::span<const iommu::FieldInfo> fields) {
    out << "| Bits | Field | Access |\n|---|---|---|\n";
    for (std::size_t i = fields.size(); i-- > 0;) {
        const iommu::FieldInfo& field = fields[i];
        if (field.access == iommu::Rsvd) continue;
        const std::string name = field.name.empty() ? "-" : std::string(field.name);
        out << "| " << bits(field) << " | " << name << " | " << access_text(field.access) << " |\n";
    }
    out << "\n";
}

void write_registers(std::ostream& out, const vtd::Capabilities& capabilities) {
    out << "## Registers of a unit with default properties\n\n"
           "Bits that are not listed are reserved: they read 0 and ignore writes; so do fields that need a capability "
           "which "
           "this unit does not report (FSTS.ICE, FSTS.ITE, RTADDR.SSIRWE). The fault recording registers repeat every "
           "16 "
           "bytes.\n\n";
    bool records_shown = false;
    for (const iommu::RegisterSpec& spec : vtd::register_specs(capabilities)) {
        const bool is_record = spec.offset >= vtd::kFrcdOffset;
        if (is_record && spec.offset >= vtd::kFrcdOffset + 16) continue;
        if (is_record && !records_shown) {
            out << "There are " << capabilities.nfr + 1 << " fault recording registers.\n\n";
            records_shown = true;
        }
        out << "### " << spec.name << " - " << hex(spec.offset, 3) << ", " << int{spec.size} * 8 << " bits, reset "
            << hex(spec.reset, spec.size * 2) << "\n\n";
        write_fields(out, spec.fields);
    }
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

void write_conditions(std::ostream& out) {
    out << "## Fault conditions\n\nFPD: whether the Fault Processing Disable bits keep the fault from being "
           "recorded.\n\n"
           "| Reason | Condition | FPD | Meaning |\n|---|---|---|---|\n";
    for (unsigned code = 0; code < 256; ++code) {
        const vtd::ConditionInfo info = vtd::info(static_cast<vtd::Condition>(code));
        if (info.name == "?") continue;
        const bool qualified = info.qualified == vtd::Qualified::Yes;
        out << "| " << hex(code, 2) << " | " << info.name << " | " << (qualified ? "yes" : "no") << " | "
            << info.meaning << " |\n";
    }
}

std::string document() {
    std::ostringstream out;
    out << "# VT-d: registers, structures, descriptors, faults\n\n"
           "Written by `generate-registers` from the declarations in `hw/vtd-nested/spec/`; a test fails when this "
           "page "
           "is not what it would write. Field names and positions are those of the VT-d architecture, revision "
           "5.10.\n\n";
    const auto capabilities = vtd::settle({});
    if (!capabilities) return capabilities.error();
    write_registers(out, *capabilities);
    out << "## Structures in memory\n\nPositions count from bit 0 of the whole structure.\n\n";
    write_structures<vtd::LegacyRootEntry, vtd::ScalableRootEntry, vtd::LegacyContextEntry, vtd::ScalableContextEntry,
                     vtd::PasidDirEntry, vtd::PasidEntry, vtd::FirstStageEntry, vtd::SecondStageEntry>(out);
    out << "## Invalidation descriptors\n\n";
    write_structures<vtd::ContextCacheInvalidate, vtd::IotlbInvalidate, vtd::InvalidationWait,
                     vtd::PasidIotlbInvalidate, vtd::PasidCacheInvalidate>(out);
    write_conditions(out);
    return out.str();
}

bool same_as(const char* path, const std::string& text) {
    const std::ifstream file(path);
    std::ostringstream content;
    content << file.rdbuf();
    return content.str() == text;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string text = document();
    if (argc == 3 && std::strcmp(argv[1], "--check") == 0) {
        if (same_as(argv[2], text)) return 0;
        std::cerr << argv[2] << " is out of date: write it anew with generate-registers\n";
        return 1;
    }
    std::cout << text;
    return 0;
}
