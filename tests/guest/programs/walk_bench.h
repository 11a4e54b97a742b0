// SPDX-License-Identifier: GPL-2.0-or-later
// What the steps of `walk` and `dirty` share: a nest whose pages can be told apart by a DMA.
#pragma once

#include <cstdint>
#include <span>

#include "device_bench.h"
#include "endpoint.h"
#include "nest.h"

namespace guest {

// A DMA read and a DMA write of `address` that must be refused.
void refused(Endpoint& endpoint, std::uint64_t address, const How& how = {});

// Attached; each of the first kPages pages of the data holds a pattern of its own.
class NestBench : public DeviceBench {
  public:
    static constexpr unsigned kPages = 16;
    // mark_page() numbers from kPages on are for memory of the step's own.
    static constexpr unsigned kMarks = 24;
    // page_at() of an address whose access was refused.
    static constexpr unsigned kRefused = ~0u;

    // `ats` counts where the kernel can use it.
    explicit NestBench(Ats ats = Ats::Off, std::uint64_t page_bytes = kKiB4);

    // Which page a DMA read of `iova` brings.
    [[nodiscard]] unsigned page_at(std::uint64_t iova, const How& how = {});
    // The same must be `page`; `when` tells when, for the message.
    void expect_page(std::uint64_t iova, unsigned page, const char* when, const How& how = {});

    // A leaf of 4 KiB to page `page` of the data.
    void map(std::uint64_t iova, unsigned page, Rights rights = Rights::ReadWrite, unsigned substream = 0) {
        nest.tables(substream).map(iova, Nest::data_ipa(page * kKiB4), 12, rights);
    }

    Nest nest;
};

// Fills page with the pattern that page_at() knows as `number`.
void mark_page(std::span<std::uint8_t> page, unsigned number);

// Skips the step unless unit and device have PASIDs (SubstreamIDs).
void need_pasids(DeviceBench& bench);

}  // namespace guest
