// SPDX-License-Identifier: GPL-2.0-or-later
#include "vtd_guest.h"

#include <stdexcept>
#include <string>

namespace test {

namespace {

vtd::Capabilities settled(const vtd::Capabilities& asked) {
    const auto result = vtd::settle(asked);
    if (!result) throw std::runtime_error("the capabilities contradict each other: " + result.error());
    return *result;
}

std::uint64_t bit(bool value, unsigned position) { return value ? std::uint64_t{1} << position : 0; }

iommu::Request request(std::uint32_t requester, std::uint64_t iova, iommu::Access access) {
    iommu::Request result;
    result.requester = iommu::RequesterId{requester};
    result.iova = iommu::Iova{iova};
    result.access = access;
    return result;
}

// log2 of what an entry of a level covers.
unsigned level_log2(unsigned level) { return 12 + 9 * (level - 1); }

}  // namespace

Guest::Guest(const vtd::Capabilities& asked, std::uint32_t iotlb_entries)
    : unit(settled(asked), iommu::Tuning{.iotlb_entries = iotlb_entries}, ports.references()) {
    const std::array ranges{ram.range()};
    unit.memory().set_ram(ranges);
    root = alloc_page();
    first_root = alloc_page();
    second_root = alloc_page();
}

std::uint64_t Guest::alloc_page() {
    const std::uint64_t page = next_page_;
    next_page_ += 0x1000;
    if (next_page_ > kRamBytes / 2) throw std::runtime_error("no table pages left: the upper half is for data");
    return page;
}

std::uint64_t Guest::legacy_device(std::uint32_t requester, std::uint64_t did, unsigned aw, unsigned tt) {
    const std::uint64_t root_at = root_entry(requester);
    if ((peek(root_at) & 1) == 0) poke(root_at, alloc_page() | 1);
    const std::uint64_t at = context_entry(requester);
    poke(at, second_root | std::uint64_t{tt} << 2 | 1);
    poke(at + 8, did << 8 | aw);
    second_levels = aw + 2;
    return at;
}

// Legacy entries are 16 bytes, indexed by all of devfn; scalable ones 32 bytes, and devfn's top bit chooses the root's
// half.
std::uint64_t Guest::context_entry(std::uint32_t requester) {
    const unsigned devfn = requester & 0xff;
    if (scalable_buses_.count(requester >> 8) == 0) return (peek(root_entry(requester)) & ~0xfffull) + 16 * devfn;
    return (peek(root_entry(requester) + (devfn >= 0x80 ? 8 : 0)) & ~0xfffull) + 32 * (devfn & 0x7f);
}

std::uint64_t Guest::scalable_device(std::uint32_t requester, const PasidSpec& spec, const ContextSpec& context) {
    scalable_buses_.insert(requester >> 8);
    const std::uint64_t half = root_entry(requester) + ((requester & 0xff) >= 0x80 ? 8 : 0);
    if ((peek(half) & 1) == 0) poke(half, alloc_page() | 1);
    const std::uint64_t at = context_entry(requester);
    // 2^(PDTS+7) entries of 8 bytes: pages in a row.
    const std::uint64_t directory = alloc_page();
    for (unsigned page = 1; page < (1u << context.pdts) / 4; ++page)
        alloc_page();
    poke(at, directory | std::uint64_t{context.pdts} << 9 | bit(context.paside, 3) | bit(context.fpd, 1) |
                 bit(context.dte, 2) | bit(context.pre, 4) | 1);
    poke(at + 8, context.rid_pasid | bit(context.rid_priv, 20));
    return add_pasid(requester, static_cast<std::uint32_t>(context.rid_pasid), spec);
}

std::uint64_t Guest::directory_entry(std::uint32_t requester, std::uint32_t pasid) {
    return (peek(context_entry(requester)) & ~0xfffull) + 8 * (pasid >> 6);
}

std::uint64_t Guest::pasid_entry(std::uint32_t requester, std::uint32_t pasid) {
    return (peek(directory_entry(requester, pasid)) & ~0xfffull) + 64 * (pasid & 63);
}

std::uint64_t Guest::add_pasid(std::uint32_t requester, std::uint32_t pasid, const PasidSpec& spec) {
    const std::uint64_t directory = directory_entry(requester, pasid);
    if ((peek(directory) & 1) == 0) poke(directory, alloc_page() | 1);
    const std::uint64_t at = pasid_entry(requester, pasid);
    write_pasid_entry(at, spec);
    return at;
}

void Guest::write_pasid_entry(std::uint64_t at, const PasidSpec& spec) {
    if (spec.pgtt == 2 || spec.pgtt == 3) second_levels = spec.aw + 2;
    if (spec.pgtt == 1 || spec.pgtt == 3) first_levels = 4 + spec.fspm;
    poke(at + 8, spec.did | bit(spec.pwsnp, 23) | bit(spec.pgsnp, 24));
    poke(at + 16, first_root | bit(spec.sre, 0) | std::uint64_t{spec.fspm} << 2 | bit(spec.wpe, 4) | bit(spec.eafe, 7));
    for (unsigned offset = 24; offset < 64; offset += 8)
        poke(at + offset, 0);
    poke(at, second_root | bit(spec.ssade, 9) | std::uint64_t{spec.pgtt} << 6 | std::uint64_t{spec.aw} << 2 |
                 bit(spec.fpd, 1) | 1);
}

std::uint64_t Guest::entry_at(std::uint64_t top, unsigned levels, std::uint64_t address, unsigned level) {
    std::uint64_t table = top;
    for (unsigned at = levels;; --at) {
        const std::uint64_t entry = table + 8 * (address >> level_log2(at) & 511);
        if (at == level) return entry;
        table = peek(entry) & 0x000ffffffffff000;
    }
}

std::uint64_t Guest::map(std::uint64_t top, unsigned levels, std::uint64_t address, std::uint64_t leaf, unsigned log2,
                         std::uint64_t table_bits) {
    const unsigned leaf_level = (log2 - 12) / 9 + 1;
    for (unsigned level = levels; level > leaf_level; --level) {
        const std::uint64_t entry = entry_at(top, levels, address, level);
        if (peek(entry) == 0) poke(entry, alloc_page() | table_bits);
    }
    const std::uint64_t entry = entry_at(top, levels, address, leaf_level);
    poke(entry, leaf | (leaf_level > 1 ? kPS : 0));
    return entry;
}

std::uint64_t Guest::map_first(std::uint64_t va, std::uint64_t output, std::uint64_t bits, unsigned log2) {
    return map(first_root, first_levels, va, output | bits, log2, kP | kRW | kUS);
}

std::uint64_t Guest::map_second(std::uint64_t input, std::uint64_t output, std::uint64_t bits, unsigned log2) {
    return map(second_root, second_levels, input, output | bits, log2, kR | kW);
}

std::uint64_t Guest::first_entry(std::uint64_t va, unsigned level) {
    return entry_at(first_root, first_levels, va, level);
}

std::uint64_t Guest::second_entry(std::uint64_t input, unsigned level) {
    return entry_at(second_root, second_levels, input, level);
}

void Guest::identity_second(std::uint64_t bits, std::uint64_t bytes) {
    for (std::uint64_t page = 0; page < bytes; page += 2 << 20)
        map_second(page, page, bits, 21);
}

void Guest::command(std::uint32_t command_bit, bool on) {
    const std::uint32_t state = r32(kGsts) & 0x96ffffff;
    w32(kGcmd, on ? state | command_bit : state & ~command_bit);
}

void Guest::set_root(std::uint64_t ttm) {
    w64(kRtaddr, root | ttm << 10);
    command(kSrtp);
}

void Guest::enable(std::uint64_t ttm) {
    set_root(ttm);
    command(kTe);
}

void Guest::enable_queue(bool wide) {
    queue_wide = wide;
    queue = alloc_page();
    queue_tail = 0;
    w64(kIqt, 0);
    w64(kIqa, queue | bit(wide, 11));
    command(kQie);
}

void Guest::put(const Words4& descriptor) {
    const unsigned words = queue_wide ? 4 : 2;
    for (unsigned i = 0; i < words; ++i)
        poke(queue + queue_tail + 8 * i, descriptor[i]);
    queue_tail = (queue_tail + 8 * words) % 0x1000;
}

void Guest::submit(const Words4& descriptor) {
    put(descriptor);
    ring_doorbell();
}

void Guest::enable_page_requests(unsigned pages_log2) {
    page_queue = kRamBytes / 2;  // beyond the tables
    w64(kPqh, 0);
    w64(kPqt, 0);
    w64(kPqa, page_queue | pages_log2);
    w32(kPedata, kPageEvent.data);
    w32(kPeaddr, kPageEvent.address & 0xffffffff);
    w32(kPeuaddr, kPageEvent.address >> 32);
    w32(kPectl, 0);
}

Words4 Guest::page_descriptor(std::uint64_t position) {
    const std::uint64_t at = page_queue + position;
    return {peek(at), peek(at + 8), peek(at + 16), peek(at + 24)};
}

iommu::Reply Guest::read(std::uint32_t requester, std::uint64_t iova) {
    return ask(request(requester, iova, iommu::Access::Read));
}
iommu::Reply Guest::write(std::uint32_t requester, std::uint64_t iova) {
    return ask(request(requester, iova, iommu::Access::Write));
}
iommu::Reply Guest::atomic(std::uint32_t requester, std::uint64_t iova) {
    return ask(request(requester, iova, iommu::Access::Atomic));
}
iommu::Reply Guest::read(std::uint32_t requester, std::uint32_t pasid, std::uint64_t iova) {
    auto with_pasid = request(requester, iova, iommu::Access::Read);
    with_pasid.pasid = iommu::Pasid{pasid};
    return ask(with_pasid);
}
iommu::Reply Guest::write(std::uint32_t requester, std::uint32_t pasid, std::uint64_t iova) {
    auto with_pasid = request(requester, iova, iommu::Access::Write);
    with_pasid.pasid = iommu::Pasid{pasid};
    return ask(with_pasid);
}

// CAP.FRO, bits 33:24, in units of 16 bytes.
Guest::Record Guest::record(unsigned index) {
    const std::uint64_t at = (r64(kCap) >> 24 & 0x3ff) * 16 + 16 * index;
    return {r64(at), r64(at + 8)};
}

void Guest::clear_record(unsigned index) {
    const std::uint64_t at = (r64(kCap) >> 24 & 0x3ff) * 16 + 16 * index;
    w32(at + 12, 0x80000000);
}

unsigned Guest::take_fault() {
    const unsigned records = (r64(kCap) >> 40 & 0xff) + 1;
    unsigned reason = 0;
    for (unsigned index = 0; index < records; ++index) {
        const Record found = record(index);
        if (!found.fault()) continue;
        if (reason != 0) throw std::runtime_error("more than one fault was recorded");
        reason = found.reason();
        clear_record(index);
    }
    return reason;
}

Words4 context_cache(unsigned g, std::uint64_t did, std::uint64_t sid, unsigned fm) {
    return {0x1 | std::uint64_t{g} << 4 | did << 16 | sid << 32 | std::uint64_t{fm} << 48};
}
Words4 iotlb(unsigned g, std::uint64_t did, std::uint64_t address, unsigned am, bool ih) {
    return {0x2 | std::uint64_t{g} << 4 | did << 16, am | bit(ih, 6) | address};
}
Words4 pasid_iotlb(unsigned g, std::uint64_t did, std::uint64_t pasid, std::uint64_t address, unsigned am, bool ih) {
    return {0x6 | std::uint64_t{g} << 4 | did << 16 | pasid << 32, am | bit(ih, 6) | address};
}
Words4 pasid_cache(unsigned g, std::uint64_t did, std::uint64_t pasid) {
    return {0x7 | std::uint64_t{g} << 4 | did << 16 | pasid << 32};
}
Words4 wait_status(std::uint64_t address, std::uint32_t data, bool interrupt, bool fence) {
    return {0x5 | bit(interrupt, 4) | 1u << 5 | bit(fence, 6) | std::uint64_t{data} << 32, address};
}
Words4 wait_interrupt() { return {0x5 | 1u << 4}; }
Words4 device_tlb(std::uint64_t sid, std::uint64_t address, bool larger, const Throttled& throttled) {
    return {0x3 | (throttled.pfsid & 15) << 12 | std::uint64_t{throttled.mip} << 16 | sid << 32 |
                throttled.pfsid >> 4 << 52,
            address | bit(larger, 0)};
}
Words4 pasid_device_tlb(std::uint64_t sid, std::uint64_t pasid, std::uint64_t address, bool larger, bool global,
                        const Throttled& throttled) {
    return {0x8 | std::uint64_t{throttled.mip} << 4 | (throttled.pfsid & 15) << 12 | sid << 16 | pasid << 32 |
                throttled.pfsid >> 4 << 52,
            address | bit(global, 0) | bit(larger, 11)};
}
Words4 page_response(std::uint32_t requester, unsigned prgi, unsigned rc) {
    return {0x9 | std::uint64_t{rc} << 12 | std::uint64_t{requester} << 16, std::uint64_t{prgi} << 3};
}
Words4 page_response(std::uint32_t requester, std::uint32_t pasid, unsigned prgi, unsigned rc) {
    Words4 words = page_response(requester, prgi, rc);
    words[0] |= 1u << 4 | std::uint64_t{pasid} << 32;
    return words;
}

}  // namespace test
