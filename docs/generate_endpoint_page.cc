// SPDX-License-Identifier: GPL-2.0-or-later
//
// Writes docs/endpoint-registers.md from the declarations of the endpoint's registers.
#include "ats-endpoint/registers.h"
#include "page_writer.h"

namespace {

// A register that is one number: a row of a table.
void write_number(std::ostream& out, const endpoint::Described& one, int offset_digits) {
    out << "| " << page::hex(one.spec.offset, offset_digits) << " | " << one.spec.name << " | "
        << int{one.spec.size} * 8 << " | " << page::access_text(one.spec.fields[0].access) << " | "
        << page::hex(one.spec.reset, 1) << " | " << one.meaning << " |\n";
}

// One with fields: its table, and the sentence below the heading.
void write_fields(std::ostream& out, const endpoint::Described& one, int offset_digits) {
    std::ostringstream table;
    page::write_register(table, one.spec, offset_digits);
    std::string text = table.str();
    text.insert(text.find("\n\n") + 2, std::string(one.meaning) + "\n\n");
    out << text;
}

void write_registers(std::ostream& out, const std::vector<endpoint::Described>& registers, int offset_digits) {
    const auto number = [](const endpoint::Described& one) { return one.spec.fields.size() == 1; };
    out << "| Offset | Register | Bits | Access | Reset | Meaning |\n|---|---|---|---|---|---|\n";
    for (const endpoint::Described& one : registers) {
        if (number(one)) write_number(out, one, offset_digits);
    }
    out << "\n";
    for (const endpoint::Described& one : registers) {
        if (!number(one)) write_fields(out, one, offset_digits);
    }
}

void write_codes(std::ostream& out) {
    struct Named {
        unsigned value;
        const char* text;
    };
    static constexpr Named operations[] = {
        {1, "read: memory at SOURCE to the window at DESTINATION"},
        {2, "write: the window at SOURCE to memory at DESTINATION"},
        {3, "copy: memory at SOURCE to memory at DESTINATION, by way of the window; at most 1 MiB"},
        {4, "fetch-and-add of OPERAND at DESTINATION"},
        {5, "swap with OPERAND at DESTINATION"},
        {6, "compare with COMPARE, and swap with OPERAND, at DESTINATION"},
        {7, "translation request for SOURCE; TRANSLATION_ADDRESS and TRANSLATION_FLAGS are the answer"},
        {8, "page requests for PAGES.COUNT pages from SOURCE on"},
        {9, "stop marker"},
    };
    static constexpr Named ways[] = {
        {0, "untranslated requests"},
        {1, "through the ATC, asking for translations and pages; untranslated while ATS is off"},
        {2, "the address is used as a translated one, whoever gave it"},
    };
    static constexpr Named codes[] = {
        {0, "not over, or never begun"},
        {1, "success"},
        {2, "unsupported request"},
        {3, "completer abort"},
        {4, "no PRG Response within RESPONSE_TIMEOUT_NS"},
        {5, "the translation does not allow it, and nobody could be asked for the page"},
        {6, "the PRG Response was Invalid Request"},
        {7, "the PRG Response was Response Failure, or reserved"},
        {8, "refused by the device: no such operation, too long, outside the window, no Bus Master Enable"},
        {9, "given up by DOORBELL.CANCEL, or by a reset of the page-request interface"},
    };
    const auto table = [&out](const char* title, const auto& rows) {
        out << "## " << title << "\n\n| Value | Meaning |\n|---|---|\n";
        for (const Named& row : rows)
            out << "| " << row.value << " | " << row.text << " |\n";
        out << "\n";
    };
    table("OPERATION.OP", operations);
    table("OPERATION.VIA", ways);
    table("RESULT.CODE, and each 4 bits of RESULTS", codes);
}

std::string document() {
    std::ostringstream out;
    out << "# ats-endpoint: registers\n\n"
           "Generated from the declarations in `hw/ats-endpoint/spec/`; a test fails when this page is not what they "
           "say. `include/ats-endpoint-regs.h` has the same as constants for C programs.\n\n"
           "BAR 0 is 64 KiB; accesses have 4 or 8 bytes and are aligned. The registers of the device are at 0x0000, "
           "those of channel n (0 to 3) at 0x1000 + 0x100 n, its window of 4 KiB at 0x8000 + 0x1000 n. Bits that are "
           "not listed are reserved: they read 0 and ignore writes.\n\n## The device\n\n";
    write_registers(out, endpoint::device_registers({}), 3);
    out << "## A channel\n\n";
    write_registers(out, endpoint::channel_registers(), 2);
    write_codes(out);
    return out.str();
}

}  // namespace

int main(int argc, char** argv) { return page::write_or_check(document(), argc, argv); }
