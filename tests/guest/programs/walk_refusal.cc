// SPDX-License-Identifier: GPL-2.0-or-later
// walk: what the kernel does not take from user space, and how far it got; the unit must never see it.
#include <array>
#include <cerrno>

#include "smmuv3_words.h"
#include "walk_bench.h"
#include "walk_steps.h"

namespace guest {
namespace {

constexpr std::uint64_t kIova = 0x12'4000'0000;

void check_error(int have, int want, const std::string& what) {
    check(have == want, what + ": " + error_text(have) + ", not " + error_text(want));
}

// A virtual STE with a field that is not the VMM's, a Config or an EATS that does not exist.
void bad_ste() {
    only_on(UnitKind::Smmuv3, "the virtual STE is SMMUv3's");
    NestBench bench;
    const auto good = bench.nest.ste();
    const auto refused_with = [&](unsigned word, std::uint64_t clear, std::uint64_t set) {
        auto ste = good;
        ste[word] = (ste[word] & ~clear) | set;
        std::uint32_t id = 0;
        return bench.nest.try_hwpt_with(ste, id);
    };
    check_error(refused_with(0, 0, 0), 0, "a legal STE");
    check_error(refused_with(0, 7 << 1, 6 << 1), EIO, "Config of stage 2");
    check_error(refused_with(0, 7 << 1, 7 << 1), EIO, "Config of both stages");
    check_error(refused_with(1, 0, std::uint64_t{1} << 30), EIO, "STRW");
    check_error(refused_with(1, 0, std::uint64_t{2} << 28), EIO, "EATS of split stages");
    check_error(refused_with(1, 0, std::uint64_t{1} << 16), EIO, "a bit of SHCFG's word that is not offered");
}

// Virtual STEs that do not translate: stage 2 alone, and nothing at all.
void other_stes() {
    only_on(UnitKind::Smmuv3, "the virtual STE is SMMUv3's");
    NestBench bench;
    bench.map(kIova, 3);
    bench.expect_page(kIova, 3, "with both stages");
    bench.device.attach(bench.nest.hwpt_with({1 | 4 << 1, 0}));
    bench.expect_page(Nest::data_ipa(5 * kKiB4), 5, "with Config 0b100");
    bench.expect_page(kIova, NestBench::kRefused, "with Config 0b100");
    bench.device.attach(bench.nest.hwpt_with({1, 0}));
    bench.expect_page(kIova, NestBench::kRefused, "with Config 0b000");
    bench.device.attach(bench.nest.hwpt_with({0, 0}));
    bench.expect_page(kIova, NestBench::kRefused, "with V=0");
    bench.nest.attach();
    bench.expect_page(kIova, 3, "with both stages again");
}

// The kernel looks at the width when the hwpt is attached.
void bad_width() {
    only_on(UnitKind::Vtd, "SMMUv3 has the width in its context descriptor");
    NestBench bench;
    bench.map(kIova, 3);
    iommu_hwpt_vtd_s1 data = {};
    data.pgtbl_addr = bench.nest.tables().root();
    const auto try_attach = [&](std::uint32_t width, std::uint64_t flags) {
        data.addr_width = width;
        data.flags = flags;
        const std::uint32_t hwpt = bench.iommu.hwpt({.device = bench.device.id(),
                                                     .parent = bench.nest.parent(),
                                                     .data_type = IOMMU_HWPT_DATA_VTD_S1,
                                                     .data = &data,
                                                     .data_bytes = sizeof data});
        return bench.device.try_attach(hwpt);
    };
    check_error(try_attach(39, 0), EINVAL, "39 bits");
    check_error(try_attach(64, 0), EINVAL, "64 bits");
    check_error(try_attach(48, 0), 0, "48 bits");
    bench.expect_page(kIova, 3, "with 48 bits");
}

// Entries, of which the third is bad: two are counted. On VT-d their effect is there, and not that of the fourth; a
// device shows it, whose cache loses no more than it is told. Linux's SMMUv3 driver counts what it has looked at, and
// sends nothing of a batch that it does not finish.
template <class Entry>
void third_is_bad(NestBench& bench, std::uint32_t object, std::uint32_t type, const std::array<Entry, 4>& entries,
                  int want, const std::string& what) {
    const How how{.via = Via::Atc};
    for (const unsigned page : {0u, 1u, 2u}) {
        bench.map(kIova + page * kKiB4, page);
        bench.expect_page(kIova + page * kKiB4, page, "before the change", how);
        bench.map(kIova + page * kKiB4, page + 8);
    }
    std::uint32_t done = 0;
    check_error(bench.iommu.try_invalidate(object, type, entries.data(), sizeof(Entry), entries.size(), done), want,
                what);
    check_equal(done, 2, what + ": entry_num");
    if (bench.endpoint.enabled(AE_ENABLES_ATS)) {
        const unsigned changed = unit_kind() == UnitKind::Vtd ? 8 : 0;
        bench.expect_page(kIova, changed, "after the first entry", how);
        bench.expect_page(kIova + kKiB4, changed + 1, "after the second entry", how);
        bench.expect_page(kIova + 2 * kKiB4, 2, "before the entry that names it", how);
    }
    bench.nest.invalidate_all();
}

void bad_invalidations_vtd(NestBench& bench) {
    using Entry = iommu_hwpt_vtd_s1_invalidate;
    const auto entry = [](std::uint64_t page) {
        return Entry{.addr = kIova + page * kKiB4, .npages = 1, .flags = 0, .__reserved = 0};
    };
    const auto with_third = [&](Entry third, int want, const char* what) {
        third_is_bad<Entry>(bench, bench.nest.hwpt(), IOMMU_HWPT_INVALIDATE_DATA_VTD_S1,
                            {entry(0), entry(1), third, entry(2)}, want, what);
    };
    with_third({.addr = kIova + 8, .npages = 1, .flags = 0, .__reserved = 0}, EINVAL, "an address that is not aligned");
    with_third({.addr = kIova, .npages = ~0ull, .flags = 0, .__reserved = 0}, EINVAL, "everything, from an address on");
    with_third({.addr = kIova, .npages = 1, .flags = 2, .__reserved = 0}, EOPNOTSUPP, "an unknown flag");
    std::uint32_t done = 0;
    const Entry good = entry(0);
    check_error(bench.iommu.try_invalidate(bench.nest.hwpt(), IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3, &good,
                                           sizeof good, 1, done),
                EINVAL, "commands of an SMMUv3");
    check_equal(done, 0, "commands of an SMMUv3: entry_num");
}

void bad_invalidations_smmuv3(NestBench& bench) {
    using Entry = std::array<std::uint64_t, 2>;
    const auto entry = [](std::uint64_t page) { return smmuv3::tlbi_nh_va(1, kIova + page * kKiB4, true); };
    const auto with_third = [&](const Entry& third, const char* what) {
        third_is_bad<Entry>(bench, bench.nest.viommu(), IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3,
                            {entry(0), entry(1), third, entry(2)}, EIO, what);
    };
    with_third({0xff, 0}, "an unknown opcode");
    with_third({0x04, 0}, "CMD_CFGI_STE_RANGE");
    with_third({0x46, 0}, "CMD_SYNC");
    with_third(smmuv3::cfgi_cd(Nest::kVirtualId + 1, 0), "CMD_CFGI_CD of a StreamID that is not there");
    with_third(smmuv3::atc_inv(Nest::kVirtualId + 1, 0, kIova, 0), "CMD_ATC_INV of a StreamID that is not there");
    with_third({smmuv3::kTlbiNhAll | 1 << 8, 0}, "a reserved bit");
}

void bad_invalidations() {
    NestBench bench{Ats::On};
    if (unit_kind() == UnitKind::Vtd)
        bad_invalidations_vtd(bench);
    else
        bad_invalidations_smmuv3(bench);
}

// The second stage is the kernel's: it takes no invalidation for a hwpt that is not nested.
void bad_object() {
    NestBench bench;
    iommu_hwpt_vtd_s1_invalidate entry = {};
    std::uint32_t done = 1;
    const int error = bench.iommu.try_invalidate(bench.nest.parent(), IOMMU_HWPT_INVALIDATE_DATA_VTD_S1, &entry,
                                                 sizeof entry, 1, done);
    check(error != 0, "an invalidation of the parent was taken");
    check_equal(done, 0, "entry_num");
}

constexpr std::array kSteps{
    Step{"refusal-bad-ste", bad_ste},       Step{"refusal-other-stes", other_stes},
    Step{"refusal-bad-width", bad_width},   Step{"refusal-bad-invalidations", bad_invalidations},
    Step{"refusal-bad-object", bad_object},
};

}  // namespace

std::span<const Step> walk_refusal_steps() { return kSteps; }

}  // namespace guest
