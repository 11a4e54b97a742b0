// SPDX-License-Identifier: GPL-2.0-or-later
#include "fault_records.h"

#include <unistd.h>

#include "steps.h"

namespace guest {
namespace {

constexpr std::uint64_t kRegisterBytes = 0x20000;  // both pages of 64 KiB of an SMMUv3; VT-d has less
constexpr unsigned kPatienceMs = 1000;

constexpr std::uint64_t field(std::uint64_t word, unsigned high, unsigned low) {
    return word << (63 - high) >> (63 - high + low);
}

// [VTD 5.10 s11.4]
namespace vtd {
constexpr unsigned kCap = 0x08, kFsts = 0x34, kFectl = 0x38, kRecordBytes = 16;
constexpr std::uint32_t kMask = 1u << 31, kPending = 1u << 1, kOverflow = 1u << 0, kFault = 1u << 31;
}  // namespace vtd

// [SMMU G.b s6.3]
namespace smmuv3 {
constexpr unsigned kEventqBase = 0xa0, kEventqProd = 0x100a8, kRecordBytes = 32;
constexpr std::uint32_t kOverflowFlag = 1u << 31;
}  // namespace smmuv3

}  // namespace

FaultRecord decode_event(const std::array<std::uint64_t, 4>& words) {
    FaultRecord record{.code = static_cast<unsigned>(field(words[0], 7, 0)),
                       .requester = static_cast<std::uint32_t>(field(words[0], 63, 32)),
                       .address = words[2],
                       .read = field(words[1], 35, 35) != 0,
                       .second_stage = field(words[1], 39, 39) != 0,
                       .access_class = static_cast<unsigned>(field(words[1], 41, 40)),
                       .ipa = field(words[3], 55, 12) << 12};
    if (field(words[0], 11, 11) != 0) record.pasid = static_cast<std::uint32_t>(field(words[0], 31, 12));
    return record;
}

FaultRecords::FaultRecords()
    : unit_{unit_kind()}, registers_{unit_address(), unit_ == UnitKind::Vtd ? 0x1000 : kRegisterBytes} {
    if (unit_ == UnitKind::Smmuv3) {
        place_ = registers_.get(smmuv3::kEventqProd) & ~smmuv3::kOverflowFlag;
        return;
    }
    usleep(10000);  // what happened before is the kernel's
    registers_.set(vtd::kFectl, vtd::kMask);
}

FaultRecords::~FaultRecords() {
    if (unit_ == UnitKind::Smmuv3) return;
    while (!none())
        next_vtd();
    registers_.set(vtd::kFsts, vtd::kOverflow);
    registers_.set(vtd::kFectl, 0);
}

bool FaultRecords::none() const {
    if (unit_ == UnitKind::Vtd) return (registers_.get(vtd::kFsts) & vtd::kPending) == 0;
    return (registers_.get(smmuv3::kEventqProd) & ~smmuv3::kOverflowFlag) == place_;
}

FaultRecord FaultRecords::next() {
    for (unsigned waited = 0; none(); ++waited) {
        check(waited < kPatienceMs, "the unit recorded no fault");
        usleep(1000);
    }
    return unit_ == UnitKind::Vtd ? next_vtd() : next_smmuv3();
}

FaultRecord FaultRecords::next_vtd() {
    const std::uint64_t capabilities = registers_.get64(vtd::kCap);
    const auto index = static_cast<unsigned>(field(registers_.get(vtd::kFsts), 15, 8));
    const std::uint64_t at = 16 * field(capabilities, 33, 24) + vtd::kRecordBytes * index;
    const std::uint64_t low = registers_.get64(at), high = registers_.get64(at + 8);
    registers_.set(at + 12, vtd::kFault);
    FaultRecord record{.code = static_cast<unsigned>(field(high, 39, 32)),
                       .requester = static_cast<std::uint32_t>(field(high, 15, 0)),
                       .address = low,
                       .read = field(high, 62, 62) != 0};
    if (field(high, 31, 31) != 0) record.pasid = static_cast<std::uint32_t>(field(high, 59, 40));
    return record;
}

FaultRecord FaultRecords::next_smmuv3() {
    const std::uint64_t base = registers_.get64(smmuv3::kEventqBase);
    const auto log2_size = static_cast<unsigned>(field(base, 4, 0));
    const std::uint64_t index = place_ & ((1u << log2_size) - 1);
    const std::uint64_t address = (field(base, 55, 5) << 5) + smmuv3::kRecordBytes * index;
    const Physical page{address & ~std::uint64_t{0xfff}, 0x1000, Physical::Kind::Memory};
    std::array<std::uint64_t, 4> words{};
    for (unsigned word = 0; word < words.size(); ++word)
        words[word] = page.get64((address & 0xfff) + 8 * word);
    place_ = (place_ + 1) & ((2u << log2_size) - 1);
    return decode_event(words);
}

}  // namespace guest
