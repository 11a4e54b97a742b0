// SPDX-License-Identifier: GPL-2.0-or-later
#include "smmuv3/streams.h"

namespace smmu_driver {
namespace {

constexpr std::uint64_t ste_size = 64;
constexpr unsigned split = 8;
// Of STEs below one descriptor of the first level: 2^(Span - 1).
constexpr std::uint64_t span = split + 1;

enum class Config : std::uint8_t { Abort = 0, Bypass = 4, Stage1 = 5, Stage2 = 6, Nested = 7 };

Ste entry_of(Config config) {
    Ste entry;
    entry.set(0, 0, 1).set(3, 1, static_cast<std::uint64_t>(config));
    entry.set(109, 108, 1);  // SHCFG: as the request says
    return entry;
}

void add_cds(Ste& entry, std::uint64_t cds, unsigned cds_log2) {
    entry.set(55, 6, cds >> 6).set(63, 59, cds_log2);
    entry.set(65, 64, 2);  // S1DSS: CD 0 for requests without SubstreamID
    entry.set(67, 66, 1).set(69, 68, 1).set(71, 70, 3);
}

void add_stage_2(Ste& entry, const PageTable& stage, std::uint64_t vmid) {
    entry.set(143, 128, vmid);
    entry.set(165, 160, 64 - stage.input_bits());
    entry.set(167, 166, 1);                                    // S2SL0: from level 1
    entry.set(169, 168, 1).set(171, 170, 1).set(173, 172, 3);  // write-back, inner shareable
    entry.set(178, 176, 5);                                    // S2PS: 48 bits
    entry.set(179, 179, 1);                                    // S2AA64
    entry.set(182, 182, 1);                                    // S2PTW
    entry.set(186, 186, 1);                                    // S2R
    entry.set(243, 196, stage.root() >> 4);
}

}  // namespace

Ste ste::abort() { return entry_of(Config::Abort); }

Ste ste::bypass() { return entry_of(Config::Bypass); }

Ste ste::stage_1(std::uint64_t cds, unsigned cds_log2) {
    Ste entry = entry_of(Config::Stage1);
    add_cds(entry, cds, cds_log2);
    return entry;
}

Ste ste::stage_2(const PageTable& stage, std::uint64_t vmid) {
    Ste entry = entry_of(Config::Stage2);
    add_stage_2(entry, stage, vmid);
    return entry;
}

Ste ste::nested(std::uint64_t cds, const PageTable& stage, std::uint64_t vmid) {
    Ste entry = entry_of(Config::Nested);
    add_cds(entry, cds, 0);
    add_stage_2(entry, stage, vmid);
    return entry;
}

Cd cd::over(const PageTable& stage, std::uint64_t asid) {
    Cd entry;
    entry.set(5, 0, 64 - stage.input_bits());
    entry.set(9, 8, 1).set(11, 10, 1).set(13, 12, 3);  // write-back, inner shareable
    entry.set(30, 30, 1);                              // EPD1
    entry.set(31, 31, 1);                              // V
    entry.set(34, 32, 5);                              // IPS: 48 bits
    entry.set(41, 41, 1);                              // AA64
    entry.set(45, 45, 1).set(46, 46, 1);               // R, A
    entry.set(47, 47, 1);                              // ASET
    entry.set(63, 48, asid);
    entry.set(115, 68, stage.root() >> 4);
    entry.set(223, 192, 0xff);  // Attr0: normal memory, write-back
    return entry;
}

StreamTable::StreamTable(qtest::GuestRam& ram, Format format)
    : ram_(&ram),
      format_(format),
      base_(format == Format::Linear ? ram.allocate_pages(4, 4 * size_4k) : ram.allocate_page()) {}

std::uint32_t StreamTable::configuration() const {
    const auto format = static_cast<std::uint64_t>(format_);
    return static_cast<std::uint32_t>(field(17, 16, format) | field(10, 6, split * format) | field(5, 0, size_log2()));
}

std::uint64_t StreamTable::level_1_address(std::uint32_t stream) const { return base_ + 8ull * (stream >> split); }

std::uint64_t StreamTable::ste_address(std::uint32_t stream) {
    if (format_ == Format::Linear) return base_ + ste_size * stream;
    const std::uint64_t slot = level_1_address(stream);
    if (ram_->read64(slot) == 0) ram_->write64(slot, ram_->allocate_pages(4, 4 * size_4k) | span);
    return (ram_->read64(slot) & ones(55, 6)) + ste_size * (stream & 0xff);
}

void StreamTable::set(std::uint32_t stream, const Ste& entry) { write_structure(*ram_, ste_address(stream), entry); }

}  // namespace smmu_driver
