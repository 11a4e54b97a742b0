// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench_smmu_guest.h"

#include <stdexcept>

namespace bench {

namespace {

using namespace test::smmu;

// Where stage 1, or the only stage, and stage 2 under it put the first page.
constexpr std::uint64_t kMiddle = 0x4000000000;
constexpr std::uint64_t kOutput = 0x2000000000;
constexpr unsigned kSubstreamsLog2 = 8;

std::uint64_t offset(std::uint32_t page) { return std::uint64_t{page} << 12; }

unsigned config_of(SmmuMode mode) {
    switch (mode) {
        case SmmuMode::Bypass: return kBypass;
        case SmmuMode::Stage1: return kStage1;
        case SmmuMode::Stage2: return kStage2;
        case SmmuMode::Nested: return kNested;
    }
    throw std::logic_error("no such mode");
}

void map_all(Guest& guest, const Tables& tables, std::uint64_t input, std::uint64_t output, std::uint64_t bits) {
    for (std::uint32_t page = 0; page < kPages; ++page)
        guest.map(tables, input + offset(page), output + offset(page), bits);
}

void map_pages(Guest& guest, SmmuMode mode) {
    switch (mode) {
        case SmmuMode::Bypass: return;
        case SmmuMode::Stage1: return map_all(guest, guest.low, page_address(0), kOutput, kPage);
        case SmmuMode::Stage2: return map_all(guest, guest.second, page_address(0), kOutput, kS2Page);
        case SmmuMode::Nested: break;
    }
    map_all(guest, guest.low, page_address(0), kMiddle, kPage);
    map_all(guest, guest.second, kMiddle, kOutput, kS2Page);
    // Stage 1's tables are found through 4 KiB pages of stage 2, too.
    for (std::uint64_t page = 0; page < Guest::kRamBytes / 2; page += 0x1000)
        guest.map(guest.second, page, page, kS2Page);
}

// S1DSS=2: requests without a SubstreamID use CD 0.
void make_stream(Guest& guest, SmmuMode mode) {
    guest.stream(kStream, {.config = config_of(mode), .s1cdmax = kSubstreamsLog2, .s1dss = 2, .vmid = kSmmuVmid},
                 {.asid = kSmmuAsid});
    if (mode != SmmuMode::Stage1 && mode != SmmuMode::Nested) return;
    for (std::uint32_t substream = 1; substream <= kSmmuSubstreams; ++substream)
        guest.write_cd(guest.cd(kStream, substream), {.asid = kSmmuAsid + substream});
}

}  // namespace

iommu::Request smmu_request(std::uint64_t iova) { return read_at(iova); }

std::unique_ptr<Guest> make_smmu_guest(SmmuMode mode, std::uint32_t iotlb_entries) {
    auto guest = std::make_unique<Guest>(smmuv3::Capabilities{}, iotlb_entries);
    guest->ports.nobody_outside = true;  // as in most machines
    guest->format(guest->second, 12, 0, 44);
    make_stream(*guest, mode);
    map_pages(*guest, mode);
    guest->bring_up();
    const auto reply = guest->unit.translate(smmu_request(page_address(1) + 8));
    const std::uint64_t expected = mode == SmmuMode::Bypass ? page_address(1) + 8 : kOutput + offset(1) + 8;
    if (reply.outcome != iommu::Outcome::Translated || reply.translation.address.value != expected)
        throw std::runtime_error("the guest's tables are wrong");
    forget(guest->ports);
    return guest;
}

// TG=1: 4 KiB; TTL=3. 512 pages are (NUM+1) * 2^SCALE = 16 * 32. [SMMU 4.4.1.1]
Command smmu_page_invalidation(SmmuMode mode, std::uint64_t address, bool many) {
    const bool stage2 = mode == SmmuMode::Stage2;
    Command command = stage2 ? tlbi_s2_ipa(kSmmuVmid, address) : tlbi_nh_va(kSmmuVmid, kSmmuAsid, address);
    command[1] |= 1u << 10 | 3u << 8;
    if (many) command[0] |= 15u << 12 | 5u << 20;
    return command;
}

void touch(Guest& guest, std::uint32_t first, std::uint32_t count) {
    for (std::uint32_t page = first; page < first + count; ++page)
        (void)guest.unit.translate(smmu_request(page_address(page)));
}

}  // namespace bench
