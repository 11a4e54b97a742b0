// SPDX-License-Identifier: GPL-2.0-or-later
//
// StreamTable, STEs and CDs: how a driver tells the unit what each device's requests mean.
//
//     StreamTable streams(ram);
//     streams.set(stream, ste::stage_1(cds));
//     write_structure(ram, cds, cd::over(stage, 5));
//
// What these functions return is good; a test that wants it otherwise sets other bits before it is written.
#ifndef QTEST_SMMUV3_STREAMS_H
#define QTEST_SMMUV3_STREAMS_H

#include <cstdint>

#include "client/guest_ram.h"
#include "smmuv3/page_table.h"
#include "smmuv3/words.h"

namespace smmu_driver {

using Ste = Structure<8>;
using Cd = Structure<8>;

namespace ste {
[[nodiscard]] Ste abort();
[[nodiscard]] Ste bypass();
// `cds` is the address of the CD, or of 2^cds_log2 of them. Requests without SubstreamID use CD 0.
[[nodiscard]] Ste stage_1(std::uint64_t cds, unsigned cds_log2 = 0);
[[nodiscard]] Ste stage_2(const PageTable& stage, std::uint64_t vmid);
[[nodiscard]] Ste nested(std::uint64_t cds, const PageTable& stage, std::uint64_t vmid);
}  // namespace ste

namespace cd {
// As Linux makes them: nothing above (EPD1), faults recorded and aborted.
[[nodiscard]] Cd over(const PageTable& stage, std::uint64_t asid);
}  // namespace cd

// The first doubleword, with V, last.
template <std::size_t Count>
void write_structure(qtest::GuestRam& ram, std::uint64_t address, const Structure<Count>& structure) {
    for (std::size_t word = Count; word-- > 0;)
        ram.write64(address + 8 * word, structure.words[word]);
}

enum class Format : std::uint8_t { Linear = 0, TwoLevel = 1 };

class StreamTable {
  public:
    // Linear: all of bus 0. Two levels: all buses, 256 STEs for each.
    explicit StreamTable(qtest::GuestRam& ram, Format format = Format::Linear);

    void set(std::uint32_t stream, const Ste& entry);
    [[nodiscard]] std::uint64_t base() const { return base_; }
    // As it stands in STRTAB_BASE_CFG.
    [[nodiscard]] std::uint32_t configuration() const;
    [[nodiscard]] unsigned size_log2() const { return format_ == Format::Linear ? 8 : 16; }
    [[nodiscard]] std::uint64_t ste_address(std::uint32_t stream);
    [[nodiscard]] std::uint64_t level_1_address(std::uint32_t stream) const;

  private:
    qtest::GuestRam* ram_;
    Format format_;
    std::uint64_t base_;
};

}  // namespace smmu_driver

#endif  // QTEST_SMMUV3_STREAMS_H
