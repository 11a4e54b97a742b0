// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench_guest.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <stdexcept>

namespace bench {

namespace {

using test::Guest;

constexpr std::uint64_t kFirstLeaf = test::kP | test::kRW | test::kUS | test::kA | test::kD;
constexpr std::uint64_t kSecondLeaf = test::kR | test::kW;
// Where the first stage, or the only one, and the second stage under it put the first page.
constexpr std::uint64_t kMiddle = 0x4000000000;
constexpr std::uint64_t kOutput = 0x2000000000;

// PGTT of the PASID entry. [VTD 9.6]
unsigned pgtt_of(Mode mode) {
    switch (mode) {
        case Mode::FirstStage: return 1;
        case Mode::SecondStage: return 2;
        case Mode::Nested: return 3;
        case Mode::PassThrough: return 4;
        case Mode::Legacy: break;
    }
    throw std::logic_error("legacy mode has no PASID entries");
}

std::uint64_t offset(std::uint32_t page) { return std::uint64_t{page} << 12; }

void map_first_stage(Guest& guest, std::uint64_t output) {
    for (std::uint32_t page = 0; page < kPages; ++page)
        guest.map_first(page_address(page), output + offset(page), kFirstLeaf);
}

void map_second_stage(Guest& guest, std::uint64_t input) {
    for (std::uint32_t page = 0; page < kPages; ++page)
        guest.map_second(input + offset(page), kOutput + offset(page), kSecondLeaf);
}

// First-stage tables are found through 4 KiB pages of the second stage, too.
void map_tables(Guest& guest) {
    for (std::uint64_t page = 0; page < Guest::kRamBytes / 2; page += 0x1000)
        guest.map_second(page, page, kSecondLeaf);
}

void map_pages(Guest& guest, Mode mode) {
    switch (mode) {
        case Mode::PassThrough: return;
        case Mode::Legacy:
        case Mode::SecondStage: return map_second_stage(guest, page_address(0));
        case Mode::FirstStage: return map_first_stage(guest, kOutput);
        case Mode::Nested:
            map_first_stage(guest, kMiddle);
            map_second_stage(guest, kMiddle);
            return map_tables(guest);
    }
}

}  // namespace

iommu::Request request_for(std::uint64_t iova) {
    iommu::Request request;
    request.requester = iommu::RequesterId{test::kDevice};
    request.iova = iommu::Iova{iova};
    request.access = iommu::Access::Read;
    return request;
}

std::unique_ptr<Guest> make_guest(Mode mode, std::uint32_t iotlb_entries) {
    auto guest = std::make_unique<Guest>(vtd::Capabilities{}, iotlb_entries);
    guest->ports.nobody_outside = true;  // as in most machines
    if (mode == Mode::Legacy) {
        guest->legacy_device(test::kDevice, kDomain);
    } else {
        guest->scalable_device(test::kDevice, {.pgtt = pgtt_of(mode), .did = kDomain});
    }
    map_pages(*guest, mode);
    guest->enable_queue(mode != Mode::Legacy);
    guest->enable(mode == Mode::Legacy ? test::kTtmLegacy : test::kTtmScalable);
    // Sets the accessed bits of the tables, which the builder leaves clear.
    touch(*guest, 0, kPages);
    guest->submit(test::iotlb(1));

    const auto reply = guest->unit.translate(request_for(page_address(1) + 8));
    const std::uint64_t expected = mode == Mode::PassThrough ? page_address(1) + 8 : kOutput + offset(1) + 8;
    if (reply.outcome != iommu::Outcome::Translated || reply.translation.address.value != expected)
        throw std::runtime_error("the guest's tables are wrong");
    forget(guest->ports);
    return guest;
}

test::Words4 page_invalidation(Mode mode, std::uint64_t iova, unsigned pages_log2) {
    const bool first = mode == Mode::FirstStage || mode == Mode::Nested;
    return first ? test::pasid_iotlb(3, kDomain, 0, iova, pages_log2) : test::iotlb(3, kDomain, iova, pages_log2);
}

void forget(test::FakePorts& ports) {
    ports.dirty.clear();
    ports.messages.clear();
    ports.unmaps.clear();
    ports.drains.clear();
    ports.lines.clear();
}

void touch(Guest& guest, std::uint32_t first, std::uint32_t count) {
    for (std::uint32_t page = first; page < first + count; ++page)
        (void)guest.unit.translate(request_for(page_address(page)));
}

std::vector<std::uint32_t> shuffled_pages() {
    std::vector<std::uint32_t> pages(kPages);
    std::iota(pages.begin(), pages.end(), 0u);
    std::shuffle(pages.begin(), pages.end(), std::mt19937{1});
    return pages;
}

}  // namespace bench
