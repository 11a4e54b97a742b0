// SPDX-License-Identifier: GPL-2.0-or-later
// dirty: the kernel's dirty bitmap of a hwpt is what the device wrote, no more and no less.
//
// VT-d marks the second stage (SSADE) [VTD 5.10 s3.8.1], SMMUv3 the kernel's first stage (HD) [SMMU G.b s3.13]. A page
// whose mark was taken is marked again by the next write only if an invalidation makes every cache, the device's too,
// ask again. Linux 7.3's SMMUv3 driver sends none: iommufd gathers a range without a page size, and
// arm_smmu_iotlb_sync() returns on that. Its users lose marks, with this unit as with any that caches. The steps attach
// the device again where that happens, which is an invalidation; the step `kernel-invalidates` tells.
#include <algorithm>
#include <array>
#include <cerrno>
#include <set>
#include <vector>

#include "physical.h"
#include "suites.h"
#include "walk_bench.h"

namespace guest {
namespace {

// Not a multiple of 2 MiB and less than that long, so that every leaf is one of 4 KiB.
constexpr std::uint64_t kIova = 0x12'3456'7000;
constexpr std::uint64_t kPages = 200;

using Pages = std::set<std::uint64_t>;

// Pages of `page_bytes` from `iova` on that the kernel says are dirty.
Pages bitmap_of(Iommufd& iommu, std::uint32_t hwpt, std::uint64_t iova, std::uint64_t bytes,
                std::uint64_t page_bytes = kKiB4, std::uint32_t flags = 0) {
    std::vector<std::uint64_t> bitmap(bytes / page_bytes / 64 + 1);
    iommu.dirty_bitmap(hwpt, iova, bytes, page_bytes, bitmap.data(), flags);
    Pages pages;
    for (std::uint64_t page = 0; page < bytes / page_bytes; ++page)
        if ((bitmap[page / 64] >> page % 64 & 1) != 0) pages.insert(page);
    return pages;
}

std::string text_of(const Pages& pages) {
    std::string text;
    for (const std::uint64_t page : pages)
        text += " " + std::to_string(page);
    return text.empty() ? " none" : text;
}

void check_pages(const Pages& have, const Pages& want, const std::string& when) {
    check(have == want, "dirty " + when + ":" + text_of(have) + ", not" + text_of(want));
}

// Memory at kIova in an attached hwpt with dirty tracking, which is on.
class DirtyBench : public DeviceBench {
  public:
    explicit DirtyBench(std::uint64_t bytes = kPages * kKiB4, std::uint64_t page_bytes = kKiB4,
                        std::uint64_t iova = kIova)
        : memory{bytes, page_bytes}, iova_{iova} {
        const std::uint32_t ioas = iommu.ioas();
        iommu.map(ioas, memory.data(), memory.size(), iova_);
        const int error =
            iommu.try_hwpt({.device = device.id(), .parent = ioas, .flags = IOMMU_HWPT_ALLOC_DIRTY_TRACKING}, hwpt);
        if (error == EOPNOTSUPP) skip("the unit has no dirty tracking");
        check(error == 0, "IOMMU_HWPT_ALLOC with dirty tracking: " + error_text(error));
        device.attach(hwpt);
        iommu.set_dirty_tracking(hwpt, true);
    }

    [[nodiscard]] std::uint64_t at(std::uint64_t page) const { return iova_ + page * kKiB4; }
    void write(std::uint64_t page, const How& how = {}, std::uint64_t bytes = 8, std::uint64_t offset = 0) {
        std::array<std::uint8_t, kKiB4> data{};
        fill_pattern(data, page);
        const Result result = endpoint.write(at(page) + offset, std::span{data}.first(bytes), how);
        check(result.good(), "the write to page " + std::to_string(page) + " ended in " + code_text(result.code));
    }
    void read(std::uint64_t page, const How& how = {}) {
        std::array<std::uint8_t, 8> data{};
        const Result result = endpoint.read(at(page), data, how);
        check(result.good(), "the read of page " + std::to_string(page) + " ended in " + code_text(result.code));
    }
    // Takes the marks, unless `flags` say otherwise.
    void expect(const Pages& want, const std::string& when, std::uint32_t flags = 0) {
        const std::uint32_t before = sent();
        const Pages pages = bitmap_of(iommu, hwpt, iova_, memory.size(), kKiB4, flags);
        if (flags == 0 && !pages.empty()) marks_taken(before);
        check_pages(pages, want, when);
    }
    // Switching it on takes the marks too.
    void turn(bool on) {
        const std::uint32_t before = sent();
        iommu.set_dirty_tracking(hwpt, on);
        if (on) marks_taken(before);
    }
    // Whether the kernel had the caches invalidated when it took marks last.
    [[nodiscard]] bool invalidated() const { return invalidated_; }

    Memory memory;
    std::uint32_t hwpt = 0;

  private:
    // How far the kernel has filled the command queue of an SMMUv3. [SMMU G.b s6.3.27]
    [[nodiscard]] std::uint32_t sent() const {
        constexpr unsigned kCmdqProd = 0x98;
        return unit_kind() == UnitKind::Smmuv3 ? registers_.get(kCmdqProd) : 0;
    }
    // What caches hold must go now; by the kernel's doing, or by attaching the device again.
    void marks_taken(std::uint32_t sent_before) {
        invalidated_ = unit_kind() == UnitKind::Vtd || sent() != sent_before;
        if (invalidated_) return;
        device.detach();
        device.attach(hwpt);
    }

    std::uint64_t iova_;
    Physical registers_{unit_address(), 0x1000};
    bool invalidated_ = true;
};

constexpr How kUntranslated{};
constexpr How kAtc{.via = Via::Atc};

// Written pages are in it, at both ends too, and no other; taken once, they are clean until the next write.
void exact(const How& how) {
    DirtyBench bench;
    if (how.via == Via::Atc) need_ats(bench.endpoint);
    bench.expect({}, "before any write");
    const Pages written{0, 3, 63, 64, kPages - 1};
    for (const std::uint64_t page : written)
        bench.write(page, how);
    bench.expect(written, "after the writes");
    bench.expect({}, "when they were taken");
    for (const std::uint64_t page : {std::uint64_t{3}, std::uint64_t{100}})
        bench.write(page, how);
    bench.expect({3, 100}, "after further writes");
}

void exact_untranslated() { exact(kUntranslated); }
void exact_atc() { exact(kAtc); }

// A read marks nothing, and a write to a page that was read before does.
void reads() {
    DirtyBench bench;
    for (std::uint64_t page = 0; page < kPages; page += 10)
        bench.read(page);
    bench.expect({}, "after reads");
    bench.write(10);
    bench.read(11);
    bench.expect({10}, "after a write among reads");
}

// What else writes: an access that crosses a page, a whole page, an atomic.
void other_writes() {
    DirtyBench bench;
    bench.write(5, kUntranslated, 16, kKiB4 - 8);
    bench.expect({5, 6}, "after a write across the border of pages 5 and 6");
    bench.write(8, kUntranslated, kKiB4);
    bench.expect({8}, "after a write of the whole of page 8");
    check(bench.endpoint.fetch_add(bench.at(12), 1).good(), "the atomic access was refused");
    bench.expect({12}, "after an atomic access to page 12");
}

void no_clear() {
    DirtyBench bench;
    bench.write(1);
    bench.expect({1}, "the first time", IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR);
    bench.write(2);
    bench.expect({1, 2}, "the second time", IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR);
    bench.expect({1, 2}, "the third time");
    bench.expect({}, "when they were taken");
}

// Switching it on forgets what was written before.
void off_and_on() {
    DirtyBench bench;
    bench.write(1);
    bench.turn(false);
    bench.write(2);
    bench.turn(true);
    bench.expect({}, "after tracking was switched on");
    bench.write(1);
    bench.write(3);
    bench.expect({1, 3}, "after writes");
}

// A leaf of 2 MiB is dirty as a whole.
void huge() {
    DirtyBench bench{2 * kMiB2, kMiB2, kGiB1};
    bench.write(512 + 7);
    const Pages coarse =
        bitmap_of(bench.iommu, bench.hwpt, kGiB1, 2 * kMiB2, kMiB2, IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR);
    check_pages(coarse, {1}, "in pages of 2 MiB");
    Pages second;
    for (std::uint64_t page = 512; page < 1024; ++page)
        second.insert(page);
    bench.expect(second, "in pages of 4 KiB");
    bench.expect({}, "when they were taken");
}

// A device that may write could do so at any time: its translation marks the page when it is given. One for reading
// (NW=1) does not. [PCIe 6.0 s10.2.2]
void translations() {
    DirtyBench bench;
    need_ats(bench.endpoint);
    const auto for_reading = bench.endpoint.translate(bench.at(6), {}, true);
    check(for_reading && for_reading->read && !for_reading->write, "the rights of a translation for reading");
    bench.expect({}, "after a translation for reading");
    const auto for_writing = bench.endpoint.translate(bench.at(4));
    check(for_writing && for_writing->write, "the translation has no write right");
    bench.expect({4}, "after a translation for writing");
}

// The device writes by its own translation, without asking, until the kernel took the bitmap.
void asked_again() {
    DirtyBench bench;
    need_ats(bench.endpoint);
    bench.write(4, kAtc);
    const std::uint32_t asked = bench.endpoint.get(AE_TRANSLATION_REQUESTS);
    bench.write(4, kAtc);
    check_equal(bench.endpoint.get(AE_TRANSLATION_REQUESTS), asked, "translation requests of a cached page");
    bench.expect({4}, "after the first writes");
    bench.write(4, kAtc);
    check_equal(bench.endpoint.get(AE_TRANSLATION_REQUESTS), asked + 1, "translation requests after the bitmap");
    bench.expect({4}, "after the write that asked again");
}

void kernel_invalidates() {
    DirtyBench bench;
    bench.write(4);
    bench.expect({4}, "after the write");
    if (!bench.invalidated()) skip("arm_smmu_iotlb_sync() sends nothing after marks were taken: gather->pgsize is 0");
}

// A nested hwpt over a parent with dirty tracking, which is on: page n at kIova is page kPages - 1 - n of the memory
// after the tables.
class NestedDirtyBench : public DeviceBench {
  public:
    static constexpr std::uint64_t kTablePages = 32;

    NestedDirtyBench() {
        only_on(UnitKind::Vtd, "Linux tracks no second stage of SMMUv3");
        const std::uint32_t ioas = iommu.ioas();
        iommu.map(ioas, memory.data(), memory.size(), Nest::kIpa);
        const int error = iommu.try_hwpt({.device = device.id(),
                                          .parent = ioas,
                                          .flags = IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_DIRTY_TRACKING},
                                         parent_);
        if (error == EOPNOTSUPP) skip("the unit lacks nested translation or dirty tracking");
        check(error == 0, "IOMMU_HWPT_ALLOC of a nest parent: " + error_text(error));
        for (std::uint64_t page = 0; page < kPages; ++page)
            tables.map(kIova + page * kKiB4, Nest::kIpa + (kTablePages + kPages - 1 - page) * kKiB4, 12);
        iommu_hwpt_vtd_s1 data = {};
        data.pgtbl_addr = tables.root();
        data.addr_width = 48;
        device.attach(iommu.hwpt({.device = device.id(),
                                  .parent = parent_,
                                  .data_type = IOMMU_HWPT_DATA_VTD_S1,
                                  .data = &data,
                                  .data_bytes = sizeof data}));
        iommu.set_dirty_tracking(parent_, true);
    }

    void write(std::uint64_t page, const How& how) {
        const std::array<std::uint8_t, 8> bytes{};
        check(endpoint.write(kIova + page * kKiB4, bytes, how).good(), "the write was refused");
    }
    void read(std::uint64_t page) {
        std::array<std::uint8_t, 8> bytes{};
        check(endpoint.read(kIova + page * kKiB4, bytes).good(), "the read was refused");
    }
    // Pages of the memory, tables and all.
    void expect(const Pages& want, const char* when) {
        check_pages(bitmap_of(iommu, parent_, Nest::kIpa, memory.size()), want, when);
    }

    Memory memory{(kTablePages + kPages) * kKiB4};
    Pool pool{memory.data(), Nest::kIpa, kTablePages* kKiB4};
    FirstStage tables{UnitKind::Vtd, pool};

  private:
    std::uint32_t parent_ = 0;
};

// The parent's marks are of intermediate addresses: of what the first stage leads to.
void nested(const How& how) {
    NestedDirtyBench bench;
    for (int round = 0; round < 2; ++round) {
        bench.write(7, how);
        bench.read(8);
        bench.expect({NestedDirtyBench::kTablePages + kPages - 1 - 7}, "after the write");
        bench.expect({}, "when it was taken");
    }
}

void nested_untranslated() { nested(kUntranslated); }
void nested_atc() { nested(kAtc); }

// The unit writes too: a table whose entry gets its accessed bit is dirty. [VTD 5.10 s3.7.2]
void nested_tables() {
    NestedDirtyBench bench;
    constexpr std::uint64_t kAccessed = 1 << 5;
    volatile std::uint64_t* leaf = bench.tables.leaf(kIova + 9 * kKiB4, 12);
    *leaf = *leaf & ~kAccessed;
    bench.read(9);
    check((*leaf & kAccessed) != 0, "the accessed bit was not set");
    bench.expect({(bench.tables.table_of(kIova + 9 * kKiB4, 12) - Nest::kIpa) / kKiB4}, "after a first access");
}

constexpr std::array kSteps{
    Step{"exact", exact_untranslated},
    Step{"exact-atc", exact_atc},
    Step{"reads", reads},
    Step{"other-writes", other_writes},
    Step{"no-clear", no_clear},
    Step{"off-and-on", off_and_on},
    Step{"huge", huge},
    Step{"translations", translations},
    Step{"asked-again", asked_again},
    Step{"kernel-invalidates", kernel_invalidates},
    Step{"nested", nested_untranslated},
    Step{"nested-atc", nested_atc},
    Step{"nested-tables", nested_tables},
};

}  // namespace

Suite dirty_suite() { return {"dirty", nullptr, kSteps}; }

}  // namespace guest
