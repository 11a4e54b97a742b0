// SPDX-License-Identifier: GPL-2.0-or-later
#include "first_stage.h"

#include <cstring>

#include "memory.h"
#include "steps.h"

namespace guest {
namespace {

constexpr std::uint64_t kAddress = 0x0000'ffff'ffff'f000;

// x86-64: P, R/W, U/S, A, D, PS.
namespace x86 {
constexpr std::uint64_t kPresent = 1 << 0, kWrite = 1 << 1, kUser = 1 << 2, kAccessed = 1 << 5, kDirty = 1 << 6,
                        kLarge = 1 << 7;
}

// VMSAv8-64: valid, table or page, AP[1] (also unprivileged), AP[2] (read only), inner shareable, AF, nG.
namespace arm {
constexpr std::uint64_t kValid = 1 << 0, kTableOrPage = 1 << 1, kUnprivileged = 1 << 6, kReadOnly = 1 << 7,
                        kInnerShareable = 3 << 8, kAccessed = 1 << 10, kNotGlobal = 1 << 11;
}

constexpr unsigned kTopShift = 39;
constexpr unsigned kIndexBits = 9;

unsigned index_at(std::uint64_t iova, unsigned shift) {
    return static_cast<unsigned>(iova >> shift) & ((1u << kIndexBits) - 1);
}

}  // namespace

std::uint64_t Pool::take(std::uint64_t bytes) {
    const std::uint64_t at = (used_ + bytes - 1) & ~(bytes - 1);
    check(at + bytes <= bytes_, "the pool for tables is used up");
    used_ = at + bytes;
    std::memset(memory_ + at, 0, bytes);
    return ipa_ + at;
}

std::uint64_t* Pool::words(std::uint64_t ipa) const {
    check(ipa >= ipa_ && ipa < ipa_ + bytes_, hex(ipa) + " is not in the pool");
    return reinterpret_cast<std::uint64_t*>(memory_ + (ipa - ipa_));
}

FirstStage::FirstStage(UnitKind format, Pool& pool) : format_{format}, pool_{pool}, root_{pool.take(kKiB4)} {}

std::uint64_t FirstStage::leaf_word(std::uint64_t ipa, unsigned page_log2, Rights rights) const {
    if (format_ == UnitKind::Vtd)
        return ipa | x86::kPresent | x86::kUser | x86::kAccessed | x86::kDirty |
               (rights == Rights::Read ? 0 : x86::kWrite) | (page_log2 > 12 ? x86::kLarge : 0);
    return ipa | arm::kValid | arm::kUnprivileged | arm::kInnerShareable | arm::kAccessed | arm::kNotGlobal |
           (rights == Rights::Read ? arm::kReadOnly : 0) | (page_log2 > 12 ? 0 : arm::kTableOrPage);
}

std::uint64_t FirstStage::table_of(std::uint64_t iova, unsigned page_log2) {
    const std::uint64_t link = format_ == UnitKind::Vtd ? x86::kPresent | x86::kWrite | x86::kUser | x86::kAccessed
                                                        : arm::kValid | arm::kTableOrPage;
    std::uint64_t table = root_;
    for (unsigned shift = kTopShift; shift > page_log2; shift -= kIndexBits) {
        volatile std::uint64_t* entry = pool_.words(table) + index_at(iova, shift);
        if ((*entry & 1) == 0) *entry = pool_.take(kKiB4) | link;
        table = *entry & kAddress;
    }
    return table;
}

volatile std::uint64_t* FirstStage::leaf(std::uint64_t iova, unsigned page_log2) {
    return pool_.words(table_of(iova, page_log2)) + index_at(iova, page_log2);
}

void FirstStage::map(std::uint64_t iova, std::uint64_t ipa, unsigned page_log2, Rights rights) {
    *leaf(iova, page_log2) = leaf_word(ipa, page_log2, rights);
}

void FirstStage::unmap(std::uint64_t iova, unsigned page_log2) { *leaf(iova, page_log2) = 0; }

}  // namespace guest
