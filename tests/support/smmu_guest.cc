// SPDX-License-Identifier: GPL-2.0-or-later
#include "smmu_guest.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace test::smmu {

namespace {

smmuv3::Capabilities settled(const smmuv3::Capabilities& asked) {
    const auto result = smmuv3::settle(asked);
    if (!result) throw std::runtime_error("the capabilities contradict each other: " + result.error());
    return *result;
}

std::uint64_t bit(bool value, unsigned position) { return value ? std::uint64_t{1} << position : 0; }

// log2 of what an entry of a level covers: 9, 11 or 13 bits a level.
unsigned level_log2(const Tables& tables, int level) {
    return tables.granule_log2 + (tables.granule_log2 - 3) * static_cast<unsigned>(3 - level);
}

// TG0 and S2TG. [SMMU 5.2, 5.4]
unsigned tg0(unsigned granule_log2) { return granule_log2 == 12 ? 0 : granule_log2 == 14 ? 2 : 1; }
unsigned tg1(unsigned granule_log2) { return granule_log2 == 12 ? 2 : granule_log2 == 14 ? 1 : 3; }

// S2SL0 with S2SL0_2 as bit 2. [ARM, VTCR_EL2.SL0]
unsigned sl0(const Tables& tables) {
    if (tables.granule_log2 != 12) return static_cast<unsigned>(3 - tables.start_level);
    constexpr unsigned by_level[] = {4, 2, 1, 0, 3};  // -1, 0, 1, 2, 3
    return by_level[tables.start_level + 1];
}

constexpr std::uint64_t kCdPointer = 0x00ffffffffffffc0;  // S1ContextPtr, L2Ptr of an L1STD

}  // namespace

Guest::Guest(const smmuv3::Capabilities& asked, std::uint32_t iotlb_entries)
    : unit(settled(asked), iommu::Tuning{.iotlb_entries = iotlb_entries}, ports.references()) {
    const std::array ranges{ram.range()};
    unit.memory().set_ram(ranges);
    linear_stream_table(6);
    low.root = alloc();
    second.root = alloc();
    eventq = 0x1000;  // below the tables
}

std::uint64_t Guest::alloc(std::uint64_t bytes) {
    const std::uint64_t size = std::max<std::uint64_t>(bytes, 0x1000);
    const std::uint64_t address = (next_ + size - 1) & ~(size - 1);
    next_ = address + size;
    if (next_ > kRamBytes / 2) throw std::runtime_error("no table memory left: the upper half is for data");
    return address;
}

// ---- Stream tables. [SMMU 3.3.1, 6.3.24, 6.3.25]

void Guest::linear_stream_table(unsigned log2size) {
    strtab_ = alloc(64ull << log2size);
    strtab_cfg_ = log2size;
}

void Guest::two_level_stream_table(unsigned log2size, unsigned split) {
    strtab_ = alloc(8ull << (log2size > split ? log2size - split : 0));
    strtab_cfg_ = 1u << 16 | split << 6 | log2size;
}

std::uint64_t Guest::l1std(std::uint32_t stream) { return strtab_ + 8ull * (stream >> (strtab_cfg_ >> 6 & 31)); }

std::uint64_t Guest::ste(std::uint32_t stream) {
    if (strtab_cfg_ >> 16 == 0) return strtab_ + 64ull * stream;
    const unsigned split = strtab_cfg_ >> 6 & 31;
    if (peek(l1std(stream)) == 0) poke(l1std(stream), alloc(64ull << split) | (split + 1));
    return (peek(l1std(stream)) & kCdPointer) + 64ull * (stream & ((1u << split) - 1));
}

void Guest::set(std::uint64_t structure, unsigned high_bit, unsigned low_bit, std::uint64_t value) {
    const std::uint64_t at = structure + low_bit / 64 * 8;
    const std::uint64_t width = high_bit - low_bit + 1;
    const std::uint64_t ones = width == 64 ? ~0ull : (1ull << width) - 1;
    poke(at, (peek(at) & ~(ones << low_bit % 64)) | (value & ones) << low_bit % 64);
}

std::uint64_t Guest::get(std::uint64_t structure, unsigned high_bit, unsigned low_bit) {
    const std::uint64_t width = high_bit - low_bit + 1;
    return peek(structure + low_bit / 64 * 8) >> low_bit % 64 & (width == 64 ? ~0ull : (1ull << width) - 1);
}

// S2PS and IPS are 52 bits (6), which the unit caps to its own.
void Guest::write_ste(std::uint32_t stream, const SteSpec& spec) {
    const std::uint64_t at = ste(stream);
    const std::uint64_t context = get(at, 55, 6) << 6;
    poke(at + 8, spec.s1dss | bit(spec.ppar, 18) | bit(spec.s2fwb, 25) | std::uint64_t{spec.eats} << 28 |
                     std::uint64_t{spec.strw} << 30 | std::uint64_t{1} << 44);
    poke(at + 16, spec.vmid | std::uint64_t{64 - second.input_bits} << 32 | std::uint64_t{sl0(second) & 3} << 38 |
                      std::uint64_t{tg0(second.granule_log2)} << 46 | std::uint64_t{6} << 48 | bit(true, 51) |
                      bit(spec.s2affd, 53) | bit(spec.s2ptw, 54) | bit(spec.s2hd, 55) | bit(spec.s2ha, 56) |
                      bit(spec.s2s, 57) | bit(spec.s2r, 58));
    poke(at + 24, second.root | bit(sl0(second) > 3, 2) | bit(second.wide && second.granule_log2 != 16, 3));
    for (unsigned offset = 32; offset < 64; offset += 8)
        poke(at + offset, 0);
    poke(at, 1 | std::uint64_t{spec.config} << 1 | std::uint64_t{spec.s1fmt} << 4 | context |
                 std::uint64_t{spec.s1cdmax} << 59);
}

std::uint64_t Guest::stream(std::uint32_t stream, const SteSpec& spec, const CdSpec& cd_spec) {
    const std::uint64_t at = ste(stream);
    const unsigned leaf_log2 = spec.s1fmt == 1 ? 6 : 10;
    const unsigned two_level_log2 = spec.s1cdmax > leaf_log2 ? spec.s1cdmax - leaf_log2 : 0;
    const bool linear = spec.s1fmt == 0 || spec.s1fmt == 3 || spec.s1cdmax == 0;
    poke(at, 0);
    if ((spec.config & 5) == 5) poke(at, alloc(linear ? 64ull << spec.s1cdmax : 8ull << two_level_log2));
    write_ste(stream, spec);
    if ((spec.config & 5) == 5) write_cd(cd(stream), cd_spec);
    return at;
}

// ---- Context descriptors. [SMMU 3.3.3, 5.3, 5.4]

std::uint64_t Guest::l1cd(std::uint32_t stream, std::uint32_t substream) {
    const unsigned leaf_log2 = get(ste(stream), 5, 4) == 1 ? 6 : 10;
    return (peek(ste(stream)) & kCdPointer) + 8ull * (substream >> leaf_log2);
}

std::uint64_t Guest::cd(std::uint32_t stream, std::uint32_t substream) {
    const std::uint64_t at = ste(stream);
    const std::uint64_t fmt = get(at, 5, 4);
    if (fmt == 0 || fmt == 3 || get(at, 63, 59) == 0) return (peek(at) & kCdPointer) + 64ull * substream;
    const unsigned leaf_log2 = fmt == 1 ? 6 : 10;
    const std::uint64_t level1 = l1cd(stream, substream);
    if (peek(level1) == 0) poke(level1, alloc(64ull << leaf_log2) | 1);
    return (peek(level1) & 0x00fffffffffff000) + 64ull * (substream & ((1u << leaf_log2) - 1));
}

void Guest::write_cd(std::uint64_t at, const CdSpec& spec) {
    const bool wide = (low.wide && low.granule_log2 != 16) || (high.wide && high.granule_log2 != 16);
    poke(at + 8, low.root);
    poke(at + 16, high.root | bit(wide, 58));
    poke(at + 24, 0xff);  // MAIR: Attr0 is Normal, write-back
    for (unsigned offset = 32; offset < 64; offset += 8)
        poke(at + offset, 0);
    poke(at, (64 - low.input_bits) | std::uint64_t{tg0(low.granule_log2)} << 6 |
                 std::uint64_t{64 - high.input_bits} << 16 | std::uint64_t{tg1(high.granule_log2)} << 22 |
                 bit(high.root == 0, 30) | bit(true, 31) | std::uint64_t{6} << 32 | bit(spec.affd, 35) | bit(true, 41) |
                 bit(spec.hd, 42) | bit(spec.ha, 43) | bit(spec.s, 44) | bit(spec.r, 45) | bit(spec.a, 46) |
                 spec.asid << 48);
}

// ---- Translation tables. [ARM D8.2, D8.3]

void Guest::format(Tables& tables, unsigned granule_log2, int start_level, unsigned input_bits, bool wide) {
    tables = {.granule_log2 = granule_log2, .start_level = start_level, .input_bits = input_bits, .wide = wide};
    tables.root = alloc(8ull << (input_bits - level_log2(tables, start_level)));
}

std::uint64_t Guest::descriptor(const Tables& tables, std::uint64_t address) const {
    const std::uint64_t plain = address & 0x0000ffffffffffff;
    if (!tables.wide) return plain;
    if (tables.granule_log2 == 16) return plain | (address >> 48 & 15) << 12;
    return (address & 0x0003ffffffffffff) | (address >> 50 & 3) << 8;
}

std::uint64_t Guest::entry(const Tables& tables, std::uint64_t input, int level) {
    std::uint64_t table = tables.root;
    const std::uint64_t in_range = input & ((1ull << tables.input_bits) - 1);
    for (int at = tables.start_level;; ++at) {
        const std::uint64_t last = at == tables.start_level ? ~0ull : (1ull << (tables.granule_log2 - 3)) - 1;
        const std::uint64_t slot = table + 8 * (in_range >> level_log2(tables, at) & last);
        if (at == level) return slot;
        table = peek(slot) & 0x0000fffffffff000;
    }
}

std::uint64_t Guest::map(const Tables& tables, std::uint64_t input, std::uint64_t output, std::uint64_t bits,
                         int level) {
    for (int at = tables.start_level; at < level; ++at) {
        const std::uint64_t slot = entry(tables, input, at);
        if (peek(slot) == 0) poke(slot, alloc(1ull << tables.granule_log2) | 3);
    }
    const std::uint64_t leaf = entry(tables, input, level);
    poke(leaf, descriptor(tables, output) | bits | (level == 3 ? 3 : 1));
    return leaf;
}

void Guest::identity_second(std::uint64_t bits) {
    const std::uint64_t block = 1ull << level_log2(second, 2);
    for (std::uint64_t at = 0; at < kRamBytes; at += block)
        map(second, at, at, bits, 2);
}

// ---- Registers: the order is that of Linux's driver

void Guest::bring_up(std::uint32_t bits) {
    if (cmdq == 0) cmdq = alloc(16ull << cmdq_log2);
    cmdq_prod = 0;
    set_cr0(0);
    w32(kCr1, 0xd75);
    w32(kCr2, cr2);
    w64(kStrtabBase, strtab_ | bit(true, 62));
    w32(kStrtabBaseCfg, strtab_cfg_);
    w64(kCmdqBase, cmdq | cmdq_log2 | bit(true, 62));
    w32(kCmdqProd, 0);
    w32(kCmdqCons, 0);
    set_cr0(kCmdqEn);
    put(cfgi_all());
    submit(cmd_sync());
    if ((r32(kIdr0) >> 9 & 1) != 0) put(tlbi_el2_all());
    put(tlbi_nsnh_all());
    submit(cmd_sync());
    w64(kEventqBase, eventq | eventq_log2 | bit(true, 62));
    w32(kEventqProd, 0);
    w32(kEventqCons, 0);
    set_cr0(kCmdqEn | kEventqEn);
    w32(kIrqCtrl, 0);
    w64(kGerrorIrqCfg0, 0);
    w64(kEventqIrqCfg0, 0);
    w32(kIrqCtrl, 1u << 0 | 1u << 2);
    set_cr0(kCmdqEn | kEventqEn | kSmmuEn | bits);
}

// ---- Command queue

// The bit above the index is the wrap flag.
void Guest::put(const Command& command) {
    const std::uint32_t entries = 1u << cmdq_log2;
    const std::uint64_t at = cmdq + 16ull * (cmdq_prod & (entries - 1));
    poke(at, command[0]);
    poke(at + 8, command[1]);
    cmdq_prod = (cmdq_prod + 1) & (2 * entries - 1);
}

void Guest::submit(const Command& command) {
    put(command);
    ring_doorbell();
}

// Time passes: what comes next is not a piece of what was before.
void Guest::forget() {
    ports.time_ns += 1'000'000'000;
    put(cfgi_all());
    put(tlbi_nsnh_all());
    if ((r32(kIdr0) >> 9 & 1) != 0) put(tlbi_el2_all());
    submit(cmd_sync());
}

// ---- Events

std::optional<Event> Guest::take_event() {
    const std::uint32_t wrap = (2u << eventq_log2) - 1;
    const std::uint32_t consumer = r32(kEventqCons);
    if (((r32(kEventqProd) ^ consumer) & wrap) == 0) return std::nullopt;
    Event event;
    for (unsigned word = 0; word < 4; ++word)
        event.words[word] = peek(eventq + 32ull * (consumer & (wrap >> 1)) + 8 * word);
    w32(kEventqCons, (consumer & ~wrap) | ((consumer + 1) & wrap));
    return event;
}

std::vector<Event> Guest::take_events() {
    std::vector<Event> events;
    while (const auto event = take_event())
        events.push_back(*event);
    return events;
}

// ---- Page requests

void Guest::priq_on(unsigned log2) {
    const std::uint32_t cr0 = r32(kCr0) & ~kPriqEn;
    priq_log2 = log2;
    set_cr0(cr0);
    w64(kPriqBase, priq | log2);
    w32(kPriqProd, 0);
    w32(kPriqCons, 0);
    set_cr0(cr0 | kPriqEn);
}

std::optional<std::array<std::uint64_t, 2>> Guest::take_page_request() {
    const std::uint32_t wrap = (2u << priq_log2) - 1;
    const std::uint32_t consumer = r32(kPriqCons);
    if (((r32(kPriqProd) ^ consumer) & wrap) == 0) return std::nullopt;
    const std::uint64_t at = priq + 16ull * (consumer & (wrap >> 1));
    const std::array<std::uint64_t, 2> entry{peek(at), peek(at + 8)};
    w32(kPriqCons, (consumer & ~wrap) | ((consumer + 1) & wrap));
    return entry;
}

}  // namespace test::smmu
