// SPDX-License-Identifier: GPL-2.0-or-later
//
// LegacyTables, ScalableTables: from a requester to its page table, built in guest memory by a driver.
//
// Both make the tables on the way when they are first needed and let a test reach every entry by its address, to spoil
// it. Values of entries are plain structs; `words` types them out at the bits of the manual.
#ifndef QTEST_VTD_TABLES_H
#define QTEST_VTD_TABLES_H

#include <array>
#include <cstdint>
#include <map>

#include "client/guest_ram.h"
#include "vtd/page_table.h"
#include "vtd/words.h"

namespace vtd_driver {

struct LegacyContext {
    std::uint64_t table = 0;
    unsigned address_width = 2;
    unsigned type = 0;  // TT; 2 is pass-through
    unsigned domain = 1;
    bool fault_disable = false;  // FPD

    [[nodiscard]] static LegacyContext translating(const PageTable& stage, unsigned domain);
    [[nodiscard]] std::array<std::uint64_t, 2> words() const;
};

class LegacyTables {
  public:
    explicit LegacyTables(qtest::GuestRam& ram) : ram_(&ram), root_(ram.allocate_page()) {}

    [[nodiscard]] std::uint64_t root() const { return root_; }
    void set(unsigned requester, const LegacyContext& context);
    void remove(unsigned requester);

    [[nodiscard]] std::uint64_t root_entry(unsigned requester) const { return root_ + 16 * (requester >> 8 & 0xff); }
    // Its context table is made if there is none.
    [[nodiscard]] std::uint64_t context_entry(unsigned requester);

  private:
    qtest::GuestRam* ram_;
    std::uint64_t root_;
};

struct ScalableContext {
    std::uint64_t directory = 0;
    unsigned directory_size = 2;  // PDTS: 2^(2+7) entries, one page
    unsigned rid_pasid = 0;
    bool fault_disable = false;   // FPD
    bool device_tlb = false;      // DTE
    bool page_requests = false;   // PRE
    bool pasid_enable = false;    // PASIDE
    bool rid_privileged = false;  // RID_PRIV

    [[nodiscard]] std::array<std::uint64_t, 4> words() const;
};

enum class Pgtt : std::uint8_t { FirstStage = 1, SecondStage = 2, Nested = 3, PassThrough = 4 };

struct PasidEntry {
    Pgtt type = Pgtt::PassThrough;
    unsigned domain = 1;
    std::uint64_t second_stage = 0;
    unsigned address_width = 2;
    std::uint64_t first_stage = 0;
    unsigned first_stage_mode = 0;  // FSPM: 0 is 4 levels, 1 is 5
    std::uint64_t q0_flags = 0;
    std::uint64_t q1_flags = bit(23);  // PWSNP, without which no accessed bit can be set
    std::uint64_t q2_flags = 0;

    [[nodiscard]] static PasidEntry over_second_stage(const PageTable& stage, unsigned domain);
    [[nodiscard]] static PasidEntry over_first_stage(const PageTable& stage, unsigned domain);
    [[nodiscard]] static PasidEntry nested(const PageTable& first, const PageTable& second, unsigned domain);
    [[nodiscard]] static PasidEntry pass_through(unsigned domain) { return {.domain = domain}; }

    [[nodiscard]] std::array<std::uint64_t, 8> words() const;
};

// PASID entry flags.
inline constexpr std::uint64_t pasid_q0_SSADE = bit(9);
inline constexpr std::uint64_t pasid_q1_PWSNP = bit(23);
inline constexpr std::uint64_t pasid_q2_SRE = bit(0);
inline constexpr std::uint64_t pasid_q2_WPE = bit(4);
inline constexpr std::uint64_t pasid_q2_EAFE = bit(7);

class ScalableTables {
  public:
    explicit ScalableTables(qtest::GuestRam& ram) : ram_(&ram), root_(ram.allocate_page()) {}

    [[nodiscard]] std::uint64_t root() const { return root_; }
    // The context's directory is filled in.
    void set_context(unsigned requester, ScalableContext context);
    // With a plain context if the requester has none.
    void set(unsigned requester, unsigned pasid, const PasidEntry& entry);
    void set(unsigned requester, const PasidEntry& entry) { set(requester, 0, entry); }

    // The half of the root entry that is for this requester.
    [[nodiscard]] std::uint64_t root_entry(unsigned requester) const;
    [[nodiscard]] std::uint64_t context_entry(unsigned requester);
    [[nodiscard]] std::uint64_t directory_entry(unsigned requester, unsigned pasid = 0);
    [[nodiscard]] std::uint64_t pasid_entry(unsigned requester, unsigned pasid = 0);

  private:
    [[nodiscard]] std::uint64_t directory(unsigned requester);

    qtest::GuestRam* ram_;
    std::uint64_t root_;
    std::map<unsigned, std::uint64_t> directories_;  // by requester
};

}  // namespace vtd_driver

#endif  // QTEST_VTD_TABLES_H
