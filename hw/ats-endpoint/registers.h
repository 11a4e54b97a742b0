// SPDX-License-Identifier: GPL-2.0-or-later
//
// registers: which registers the device and each channel have, with a sentence about each; and the few things that are
// done to registers that are plain numbers.
#ifndef ATS_ENDPOINT_REGISTERS_H
#define ATS_ENDPOINT_REGISTERS_H

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ats-endpoint/spec/channel.h"
#include "ats-endpoint/spec/registers.h"
#include "iommu/endpoint_protocol.h"
#include "iommu/register_file.h"

namespace endpoint {

// What the user chooses; all of it can be seen in registers.
struct Options {
    std::uint32_t atc_entries = 64;         // 1 to kMaxAtcEntries
    std::uint64_t answer_delay_ns = 10000;  // of ANSWER_DELAY_NS after reset
};
inline constexpr std::uint32_t kMaxAtcEntries = 1024;

struct Described {
    iommu::RegisterSpec spec;
    std::string_view meaning;
};
[[nodiscard]] std::vector<Described> device_registers(const Options& options);
[[nodiscard]] std::vector<Described> channel_registers();
[[nodiscard]] std::vector<iommu::RegisterSpec> specs_of(const std::vector<Described>& registers);

template <class R>
[[nodiscard]] std::uint64_t number(const iommu::RegisterFile& registers) {
    return registers.get<R>().template get<typename R::VALUE>();
}
template <class R>
void set_number(iommu::RegisterFile& registers, std::uint64_t value) {
    registers.set(iommu::Value<R>{}.template with<typename R::VALUE>(value));
}
template <class C>
void count(iommu::RegisterFile& registers, std::uint64_t more = 1) {
    set_number<C>(registers, number<C>(registers) + more);
}

// Whether a fault that is asked for `Left` times more happens now; then it is counted.
template <class Left, class Struck>
[[nodiscard]] bool strikes(iommu::RegisterFile& registers) {
    const std::uint64_t left = number<Left>(registers);
    if (left == 0) return false;
    set_number<Left>(registers, left - 1);
    count<Struck>(registers);
    return true;
}

// A delay of any length; what is beyond time itself never comes.
[[nodiscard]] constexpr std::uint64_t later(std::uint64_t now_ns, std::uint64_t delay_ns) {
    return delay_ns >= iommu::kNever - now_ns ? iommu::kNever : now_ns + delay_ns;
}

}  // namespace endpoint

#endif  // ATS_ENDPOINT_REGISTERS_H
