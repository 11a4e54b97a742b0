// SPDX-License-Identifier: GPL-2.0-or-later
//
// Writes docs/vtd-registers.md from the declarations of the registers, structures, descriptors and fault conditions.
#include "page_writer.h"
#include "vtd-nested/capabilities.h"
#include "vtd-nested/registers.h"
#include "vtd-nested/spec/descriptors.h"
#include "vtd-nested/spec/faults.h"
#include "vtd-nested/spec/first_stage.h"
#include "vtd-nested/spec/page_request.h"
#include "vtd-nested/spec/pasid.h"
#include "vtd-nested/spec/root_context.h"
#include "vtd-nested/spec/second_stage.h"

namespace {

void write_registers(std::ostream& out, const vtd::Capabilities& capabilities) {
    out << "## Registers of a unit with default properties\n\n"
           "Bits that are not listed are reserved: they read 0 and ignore writes; so do fields that need a capability "
           "which this unit does not report (RTADDR.SSIRWE). There are "
        << capabilities.nfr + 1 << " fault recording registers, 16 bytes apart.\n\n";
    for (const iommu::RegisterSpec& spec : vtd::register_specs(capabilities)) {
        if (spec.offset < vtd::kFrcdOffset + 16) page::write_register(out, spec, 3);
    }
}

std::string_view name(vtd::TranslationAnswer answer) {
    switch (answer) {
        case vtd::TranslationAnswer::UnsupportedRequest: return "UR";
        case vtd::TranslationAnswer::CompleterAbort: return "CA";
        case vtd::TranslationAnswer::NoTranslation: return "success, R=W=0";
        case vtd::TranslationAnswer::WhatIsLeft: return "success, the rights that are left";
    }
    return "?";
}

void write_conditions(std::ostream& out) {
    out << "## Fault conditions\n\nFPD: whether the Fault Processing Disable bits keep the fault from being "
           "recorded. Translation request: how one that meets the condition is answered; a success is not recorded "
           "(SFS.10 is, too).\n\n"
           "| Reason | Condition | FPD | Translation request | Meaning |\n|---|---|---|---|---|\n";
    for (unsigned code = 0; code < 256; ++code) {
        const vtd::ConditionInfo info = vtd::info(static_cast<vtd::Condition>(code));
        if (info.name == "?") continue;
        const bool qualified = info.qualified == vtd::Qualified::Yes;
        out << "| " << page::hex(code, 2) << " | " << info.name << " | " << (qualified ? "yes" : "no") << " | "
            << name(vtd::translation_answer(static_cast<vtd::Condition>(code))) << " | " << info.meaning << " |\n";
    }
}

std::string document() {
    std::ostringstream out;
    out << "# VT-d: registers, structures, descriptors, faults\n\n"
           "Generated from the declarations in `hw/vtd-nested/spec/`; a test fails when this page is not what they "
           "say. "
           "Field names and positions are those of the VT-d architecture, revision 5.10.\n\n";
    const auto capabilities = vtd::settle({});
    if (!capabilities) return capabilities.error();
    write_registers(out, *capabilities);
    out << "## Structures in memory\n\nPositions count from bit 0 of the whole structure.\n\n";
    page::write_structures<vtd::LegacyRootEntry, vtd::ScalableRootEntry, vtd::LegacyContextEntry,
                           vtd::ScalableContextEntry, vtd::PasidDirEntry, vtd::PasidEntry, vtd::FirstStageEntry,
                           vtd::SecondStageEntry>(out);
    out << "## Invalidation descriptors\n\n";
    page::write_structures<vtd::ContextCacheInvalidate, vtd::IotlbInvalidate, vtd::InvalidationWait,
                           vtd::PasidIotlbInvalidate, vtd::PasidCacheInvalidate, vtd::DeviceTlbInvalidate,
                           vtd::PasidDeviceTlbInvalidate, vtd::PageGroupResponse>(out);
    out << "## Page request queue\n\n";
    page::write_structures<vtd::PageRequestDescriptor>(out);
    write_conditions(out);
    return out.str();
}

}  // namespace

int main(int argc, char** argv) { return page::write_or_check(document(), argc, argv); }
