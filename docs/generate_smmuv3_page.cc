// SPDX-License-Identifier: GPL-2.0-or-later
//
// Writes docs/smmuv3-registers.md from the declarations of the registers, structures, commands and events.
#include "page_writer.h"
#include "smmuv3-nested/capabilities.h"
#include "smmuv3-nested/registers.h"
#include "smmuv3-nested/spec/commands.h"
#include "smmuv3-nested/spec/events.h"
#include "smmuv3-nested/spec/page_request.h"
#include "smmuv3-nested/spec/ste.h"
#include "smmuv3-nested/spec/vmsav8_64.h"

namespace {

void write_registers(std::ostream& out, const smmuv3::Capabilities& capabilities) {
    out << "## Registers of a unit with default properties\n\n"
           "Offsets count from page 0; page 1 begins at 0x10000. Bits that are not listed are reserved: they read 0 "
           "and "
           "ignore writes; so do fields of features that IDR0 to IDR5 do not report. RW fields that configure "
           "something "
           "change only while it is off.\n\n";
    for (const iommu::RegisterSpec& spec : smmuv3::register_specs(capabilities)) {
        if (!spec.fields.empty()) page::write_register(out, spec, 5);
    }
}

void write_events(std::ostream& out) {
    out << "## Events\n\n| Number | Name | Meaning |\n|---|---|---|\n";
    for (unsigned code = 0; code < 256; ++code) {
        const auto event = static_cast<smmuv3::Event>(code);
        if (smmuv3::name(event).empty()) continue;
        out << "| " << page::hex(code, 2) << " | " << smmuv3::name(event) << " | " << smmuv3::meaning(event) << " |\n";
    }
}

std::string document() {
    std::ostringstream out;
    out << "# SMMUv3: registers, structures, commands, events\n\n"
           "Generated from the declarations in `hw/smmuv3-nested/spec/`; a test fails when this page is not what they "
           "say. Field names and positions are those of Arm IHI 0070 G.b.\n\n";
    const auto capabilities = smmuv3::settle({});
    if (!capabilities) return capabilities.error();
    write_registers(out, *capabilities);
    out << "## Structures in memory\n\nPositions count from bit 0 of the whole structure.\n\n";
    page::write_structures<smmuv3::L1STD, smmuv3::STE, smmuv3::L1CD, smmuv3::CD, smmuv3::Stage1Descriptor,
                           smmuv3::Stage2Descriptor>(out);
    out << "## Commands\n\n";
    page::write_structures<smmuv3::PREFETCH, smmuv3::CFGI, smmuv3::CFGI_STE_RANGE, smmuv3::TLBI, smmuv3::TLBI_S2_IPA,
                           smmuv3::ATC_INV, smmuv3::PRI_RESP, smmuv3::RESUME, smmuv3::SYNC>(out);
    out << "## Event records\n\n";
    page::write_structures<smmuv3::EventRecord, smmuv3::FetchEventRecord>(out);
    write_events(out);
    out << "\n## PRI queue\n\n";
    page::write_structures<smmuv3::PageRequestEntry>(out);
    return out.str();
}

}  // namespace

int main(int argc, char** argv) { return page::write_or_check(document(), argc, argv); }
