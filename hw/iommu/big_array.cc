// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/big_array.h"

#include <cstdlib>
#include <new>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace iommu::detail {

namespace {

constexpr std::size_t kSmallAlign = 128;  // two lines, which many processors fetch together
constexpr std::size_t kHugePage = std::size_t{2} << 20;

}  // namespace

void* allocate_table(std::size_t bytes) {
    const std::size_t align = bytes >= kHugePage / 2 ? kHugePage : kSmallAlign;
    const std::size_t whole = (bytes + align - 1) & ~(align - 1);
    void* table = std::aligned_alloc(align, whole);
    if (table == nullptr) throw std::bad_alloc();
#ifdef __linux__
    // Advice: where it is not taken, the pages are small.
    if (align == kHugePage) (void)madvise(table, whole, MADV_HUGEPAGE);
#endif
    return table;
}

void release_table(void* table) { std::free(table); }

}  // namespace iommu::detail
