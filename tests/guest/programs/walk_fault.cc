// SPDX-License-Identifier: GPL-2.0-or-later
// walk: what the unit records about an access that it refused. [VTD 5.10 s7.1.3; SMMU G.b s7.3]
#include <array>
#include <cerrno>

#include "fault_records.h"
#include "kernel_log.h"
#include "walk_bench.h"
#include "walk_steps.h"

namespace guest {
namespace {

constexpr std::uint64_t kIova = 0x12'4000'0000;
constexpr std::uint64_t kNowhere = 8 * kGiB1;  // an IPA that nothing is mapped at

// The manuals' numbers.
enum class Vtd : unsigned { SFS_2 = 0x71, SFS_3 = 0x72, SSS_2 = 0x79, SGN_1 = 0x80, SGN_2 = 0x81, SGN_6 = 0x85 };
enum class Smmuv3 : unsigned { F_TRANSLATION = 0x10, F_ADDR_SIZE = 0x11, F_ACCESS = 0x12, F_PERMISSION = 0x13 };

struct Expected {
    Vtd vtd = Vtd::SFS_2;
    Smmuv3 smmuv3 = Smmuv3::F_TRANSLATION;
    std::uint64_t address = kIova;
    // The rest is in SMMUv3's records only; an IPA if the second stage refused.
    std::optional<std::uint64_t> ipa = std::nullopt;
    unsigned access_class = kClassInput;
};

void expect_record(DeviceBench& bench, FaultRecords& records, const Expected& want, bool read) {
    const bool smmuv3 = unit_kind() == UnitKind::Smmuv3;
    const FaultRecord record = records.next();
    check_equal(record.code, smmuv3 ? static_cast<unsigned>(want.smmuv3) : static_cast<unsigned>(want.vtd),
                "the record's code");
    check_equal(record.requester, bench.device.function().requester_id(), "the record's requester");
    check_equal(record.address, want.address, "the record's address");
    check_equal(record.read, read, "the record's direction (1 is read)");
    check(!record.pasid, "the record has a PASID");
    if (smmuv3) {
        check_equal(record.second_stage, want.ipa.has_value(), "S2");
        check_equal(record.access_class, want.access_class, "CLASS");
        check_equal(record.ipa, want.ipa.value_or(0), "IPA");
    }
}

void expect_read_fault(DeviceBench& bench, const Expected& want) {
    FaultRecords records;
    std::array<std::uint8_t, 8> bytes{};
    check(!bench.endpoint.read(want.address, bytes).good(), "the read was not refused");
    expect_record(bench, records, want, true);
    check(records.none(), "one access gave two records");
}

void expect_write_fault(DeviceBench& bench, const Expected& want) {
    FaultRecords records;
    const std::array<std::uint8_t, 8> bytes{};
    check(!bench.endpoint.write(want.address, bytes).good(), "the write was not refused");
    expect_record(bench, records, want, false);
    check(records.none(), "one access gave two records");
}

void first_unmapped() {
    NestBench bench;
    expect_read_fault(bench, {Vtd::SFS_2, Smmuv3::F_TRANSLATION});
    bench.map(kIova + kKiB4, 0);  // the tables are there now, the leaf is not
    expect_read_fault(bench, {Vtd::SFS_2, Smmuv3::F_TRANSLATION});
    expect_write_fault(bench, {Vtd::SFS_2, Smmuv3::F_TRANSLATION});
}

void first_read_only() {
    NestBench bench;
    bench.map(kIova, 3, Rights::Read);
    bench.expect_page(kIova, 3, "for reading");
    expect_write_fault(bench, {Vtd::SGN_6, Smmuv3::F_PERMISSION});
}

// What a leaf needs besides being valid: VT-d's U/S=1 for a user request, SMMUv3's AF=1.
void first_not_for_all() {
    NestBench bench;
    bench.map(kIova, 3);
    volatile std::uint64_t* leaf = bench.nest.tables().leaf(kIova, 12);
    *leaf = *leaf & ~(std::uint64_t{1} << (unit_kind() == UnitKind::Vtd ? 2 : 10));
    expect_read_fault(bench, {Vtd::SGN_2, Smmuv3::F_ACCESS});
}

// Bit 48: not canonical for four levels; beyond T0SZ with TTBR1 off.
void first_too_wide() {
    NestBench bench;
    expect_read_fault(bench, {Vtd::SGN_1, Smmuv3::F_TRANSLATION, std::uint64_t{1} << 48});
}

// PS=1 in an entry of the top table [VTD 5.10 s9.7]; an output address above the CD's IPS [SMMU G.b s3.4].
void first_reserved() {
    NestBench bench;
    bench.map(kIova, 3);
    FirstStage& tables = bench.nest.tables();
    volatile std::uint64_t* entry = unit_kind() == UnitKind::Vtd ? tables.leaf(kIova, 39) : tables.leaf(kIova, 12);
    *entry = *entry | (unit_kind() == UnitKind::Vtd ? std::uint64_t{1} << 7 : 0);
    if (unit_kind() == UnitKind::Smmuv3) {
        bench.nest.set_address_size(0, 0);
        tables.map(kIova, kNowhere, 12);
    }
    expect_read_fault(bench, {Vtd::SFS_3, Smmuv3::F_ADDR_SIZE});
}

void second_unmapped() {
    NestBench bench;
    bench.nest.tables().map(kIova, kNowhere, 12);
    const Expected want{.vtd = Vtd::SSS_2, .smmuv3 = Smmuv3::F_TRANSLATION, .ipa = kNowhere};
    expect_read_fault(bench, want);
    expect_write_fault(bench, want);
}

// The kernel makes a nest parent of VT-d writable everywhere (erratum of other parts), but not a second stage alone,
// which is what dirty tracking is done on.
void second_read_only() {
    const Memory memory{kKiB4};
    if (unit_kind() == UnitKind::Vtd) {
        DeviceBench bench;
        const std::uint32_t ioas = bench.iommu.ioas();
        bench.iommu.map(ioas, memory.data(), kKiB4, kIova, Rights::Read);
        std::uint32_t hwpt = 0;
        const int error = bench.iommu.try_hwpt(
            {.device = bench.device.id(), .parent = ioas, .flags = IOMMU_HWPT_ALLOC_DIRTY_TRACKING}, hwpt);
        if (error == EOPNOTSUPP) skip("the driver makes a second stage alone for dirty tracking, which the unit lacks");
        check(error == 0, "IOMMU_HWPT_ALLOC: " + error_text(error));
        bench.device.attach(hwpt);
        expect_write_fault(bench, {Vtd::SGN_6, Smmuv3::F_PERMISSION});
        expect_read_fault(bench, {Vtd::SSS_2, Smmuv3::F_TRANSLATION, kIova + kKiB4});
        return;
    }
    NestBench bench;
    bench.iommu.map(bench.nest.ioas(), memory.data(), kKiB4, kNowhere, Rights::Read);
    bench.nest.tables().map(kIova, kNowhere, 12);
    mark_page(memory.at(0, kKiB4), NestBench::kPages);
    bench.expect_page(kIova, NestBench::kPages, "for reading");
    expect_write_fault(bench, {.vtd = Vtd::SGN_6, .smmuv3 = Smmuv3::F_PERMISSION, .ipa = kNowhere});
}

// A first-stage table that the second stage does not map.
void table_outside() {
    NestBench bench;
    bench.map(kIova + kKiB4, 3);
    volatile std::uint64_t* link = bench.nest.tables().leaf(kIova, 21);
    *link = (*link & (kKiB4 - 1)) | kNowhere;
    expect_read_fault(bench, {.vtd = Vtd::SSS_2,
                              .smmuv3 = Smmuv3::F_TRANSLATION,
                              .address = kIova + kKiB4,
                              .ipa = kNowhere,
                              .access_class = kClassTable});
}

// The top table; on SMMUv3 what points to it, the CD, is in memory too, and its own table may be out of reach.
void top_outside() {
    NestBench bench;
    if (unit_kind() == UnitKind::Vtd) {
        iommu_hwpt_vtd_s1 data = {};
        data.pgtbl_addr = kNowhere;
        data.addr_width = 48;
        bench.device.attach(bench.iommu.hwpt({.device = bench.device.id(),
                                              .parent = bench.nest.parent(),
                                              .data_type = IOMMU_HWPT_DATA_VTD_S1,
                                              .data = &data,
                                              .data_bytes = sizeof data}));
    } else {
        bench.nest.set_context(0, kNowhere, 9);
    }
    Expected want{.vtd = Vtd::SSS_2, .smmuv3 = Smmuv3::F_TRANSLATION, .ipa = kNowhere, .access_class = kClassTable};
    expect_read_fault(bench, want);
    if (unit_kind() == UnitKind::Vtd) return;
    bench.device.attach(bench.nest.hwpt_with(Nest::ste_with_contexts(kNowhere)));
    want.access_class = kClassCd;
    expect_read_fault(bench, want);
}

// The driver reads the same, and says so.
void in_kernel_log() {
    NestBench bench;
    KernelLog log;
    bench.nest.tables().map(kIova, kNowhere, 12);
    const auto provoke = [&] { (void)bench.page_at(kIova); };
    const std::string& name = bench.device.function().name;
    if (unit_kind() == UnitKind::Vtd) {
        log.expect_line({"DMA Read NO_PASID", "[" + name + "]", "fault addr " + hex(kIova), "fault reason 0x79"},
                        provoke);
        return;
    }
    log.expect_line({"F_TRANSLATION", "client: " + name, "iova: " + hex(kIova), "ipa: " + hex(kNowhere)}, provoke);
}

constexpr std::array kSteps{
    Step{"fault-first-unmapped", first_unmapped},
    Step{"fault-first-read-only", first_read_only},
    Step{"fault-first-not-for-all", first_not_for_all},
    Step{"fault-first-too-wide", first_too_wide},
    Step{"fault-first-reserved", first_reserved},
    Step{"fault-second-unmapped", second_unmapped},
    Step{"fault-second-read-only", second_read_only},
    Step{"fault-table-outside", table_outside},
    Step{"fault-top-outside", top_outside},
    Step{"fault-in-kernel-log", in_kernel_log},
};

}  // namespace

std::span<const Step> walk_fault_steps() { return kSteps; }

}  // namespace guest
