// SPDX-License-Identifier: GPL-2.0-or-later
#include "walk_bench.h"

#include <array>
#include <string>

#include "steps.h"

namespace guest {
namespace {

constexpr unsigned kBytes = 256;
constexpr unsigned kFirstSeed = 100;

Ats usable(DeviceBench& bench, Ats ats) {
    const auto info = bench.iommu.hw_info(bench.device.id(), nullptr, 0);
    return (info.out_capabilities & IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED) != 0 ? Ats::Off : ats;
}

}  // namespace

void refused(Endpoint& endpoint, std::uint64_t address, const How& how) {
    std::array<std::uint8_t, 8> bytes{};
    check(!endpoint.read(address, bytes, how).good(), "the read of " + hex(address) + " was not refused");
    check(!endpoint.write(address, bytes, how).good(), "the write to " + hex(address) + " was not refused");
}

void mark_page(std::span<std::uint8_t> page, unsigned number) { fill_pattern(page, kFirstSeed + number); }

NestBench::NestBench(Ats ats, std::uint64_t page_bytes) : nest{iommu, device, page_bytes, usable(*this, ats)} {
    for (unsigned page = 0; page < kPages; ++page)
        mark_page(nest.data(page * kKiB4, kKiB4), page);
    nest.attach();
}

unsigned NestBench::page_at(std::uint64_t iova, const How& how) {
    std::array<std::uint8_t, kBytes> bytes{};
    if (!endpoint.read(iova, bytes, how).good()) return kRefused;
    for (unsigned page = 0; page < kMarks; ++page)
        if (has_pattern(bytes, kFirstSeed + page)) return page;
    fail("the read of " + hex(iova) + " brought the data of no page");
}

void NestBench::expect_page(std::uint64_t iova, unsigned page, const char* when, const How& how) {
    const auto text = [](unsigned number) {
        return number == kRefused ? std::string{"a refusal"} : "page " + std::to_string(number);
    };
    const unsigned found = page_at(iova, how);
    check(found == page,
          std::string{when} + " a read of " + hex(iova) + " gets " + text(found) + ", not " + text(page));
}

void need_pasids(DeviceBench& bench) {
    if (bench.iommu.hw_info(bench.device.id(), nullptr, 0).out_max_pasid_log2 == 0)
        skip("the unit or the device has no PASIDs");
}

}  // namespace guest
