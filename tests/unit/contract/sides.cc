// SPDX-License-Identifier: GPL-2.0-or-later
#include "sides.h"

namespace test::contract {

namespace {

constexpr std::uint64_t kDomain = 7;
constexpr std::uint64_t kAsid = 1, kVmid = 3;
// VT-d: 64 pages of 256-bit descriptors, beyond the tables.
constexpr std::uint64_t kVtdQueue = 0x1a00000;
constexpr std::uint64_t kVtdQueueFormat = 1u << 11 | 6u;
constexpr unsigned kQueueLog2 = 13;
static_assert(kQueueEntries == 1u << kQueueLog2);

}  // namespace

// ---- VT-d

VtdSide::VtdSide() : guest({.esrtps = 0}) { guest.scalable_device(kDevice, {.pgtt = 1, .did = kDomain}); }

void VtdSide::map(std::uint64_t iova, std::uint64_t output) { guest.map_first(iova, output, kP | kRW | kUS); }

void VtdSide::turn_on() {
    recover_queue();
    guest.w32(kIedata, 1);
    guest.w32(kIeaddr, static_cast<std::uint32_t>(kDoorbell));
    guest.w32(kIectl, 0);
    guest.enable(kTtmScalable);
}

iommu::Reply VtdSide::ask(std::uint64_t iova) { return guest.read(kDevice, iova); }

void VtdSide::put(const Words4& descriptor) {
    for (unsigned word = 0; word < 4; ++word)
        guest.poke(kVtdQueue + 32ull * tail_ + 8 * word, descriptor[word]);
    tail_ = (tail_ + 1) % kQueueEntries;
}

void VtdSide::queue_page_invalidation(std::uint64_t iova) { put(pasid_iotlb(3, kDomain, 0, iova)); }

void VtdSide::queue_status(std::uint32_t value) { put(wait_status(kStatus, value)); }

// One descriptor. ICS.IWC of the last message would keep the next one back.
void VtdSide::queue_status_and_message(std::uint32_t value) {
    guest.w32(kIcs, 1);
    put(wait_status(kStatus, value, true));
}

void VtdSide::ring() { guest.w64(kIqt, 32ull * tail_); }

void VtdSide::lose_queue() {
    guest.command(kQie, false);
    tail_ = 0;
    guest.w64(kIqt, 0);
    guest.w64(kIqa, kOutside | kVtdQueueFormat);
    guest.command(kQie);
}

void VtdSide::recover_queue() {
    guest.command(kQie, false);
    guest.w32(kFsts, kIqe);
    tail_ = 0;
    guest.w64(kIqt, 0);
    guest.w64(kIqa, kVtdQueue | kVtdQueueFormat);
    guest.command(kQie);
}

std::vector<std::uint64_t> VtdSide::take_records() {
    std::vector<std::uint64_t> addresses;
    const unsigned records = (guest.r64(kCap) >> 40 & 0xff) + 1;
    for (unsigned index = 0; index < records; ++index) {
        const Guest::Record record = guest.record(index);
        if (!record.fault()) continue;
        addresses.push_back(record.low & ~0xfffull);
        guest.clear_record(index);
    }
    return addresses;
}

// ---- SMMUv3

SmmuSide::SmmuSide() {
    guest.cmdq_log2 = kQueueLog2;
    guest.stream(smmu::kStream, {.config = smmu::kStage1, .vmid = kVmid}, {.asid = kAsid});
}

void SmmuSide::map(std::uint64_t iova, std::uint64_t output) { guest.map(guest.low, iova, output, smmu::kPage); }

// With the stream table that the Guest made: 64 STEs, the first that it gave out.
void SmmuSide::turn_on_blindly() {
    guest.w64(smmu::kStrtabBase, guest.ste(0));
    guest.w32(smmu::kStrtabBaseCfg, 6);
    guest.set_cr0(smmu::kSmmuEn);
}

void SmmuSide::queue_page_invalidation(std::uint64_t iova) { guest.put(smmu::tlbi_nh_va(kVmid, kAsid, iova)); }

// A command says one of them.
void SmmuSide::queue_status_and_message(std::uint32_t value) {
    queue_status(value);
    guest.put(smmu::cmd_sync(1, kDoorbell, 1));
}

void SmmuSide::lose_queue() {
    guest.set_cr0(guest.r32(smmu::kCr0) & ~smmu::kCmdqEn);
    guest.w64(smmu::kCmdqBase, kOutside | kQueueLog2);
    guest.set_cr0(guest.r32(smmu::kCr0) | smmu::kCmdqEn);
}

// Software that empties the queue: commands that were never fetched are put again.
void SmmuSide::recover_queue() {
    const std::uint32_t cr0 = guest.r32(smmu::kCr0);
    guest.set_cr0(cr0 & ~smmu::kCmdqEn);
    guest.cmdq_prod = 0;
    guest.w64(smmu::kCmdqBase, guest.cmdq | kQueueLog2);
    guest.w32(smmu::kCmdqProd, 0);
    guest.w32(smmu::kCmdqCons, 0);
    guest.w32(smmu::kGerrorn, guest.r32(smmu::kGerror));
    guest.set_cr0(cr0 | smmu::kCmdqEn);
}

std::vector<std::uint64_t> SmmuSide::take_records() {
    std::vector<std::uint64_t> addresses;
    for (const smmu::Event& event : guest.take_events())
        addresses.push_back(event.input() & ~0xfffull);
    return addresses;
}

}  // namespace test::contract
