// SPDX-License-Identifier: GPL-2.0-or-later
#include "device_bench.h"

#include <array>
#include <string>

#include "memory.h"
#include "steps.h"

namespace guest {
namespace {

constexpr std::size_t kBlockBytes = 256;

// "0x1000 with PASID 0x5", for messages.
std::string place(std::uint64_t address, const How& how) {
    return hex(address) + (how.pasid ? " with PASID " + hex(*how.pasid) : "");
}

}  // namespace

void exchange(Endpoint& endpoint, std::uint64_t address, std::span<std::uint8_t> there, const How& how,
              std::uint64_t seed) {
    std::array<std::uint8_t, kBlockBytes> bytes{};
    fill_pattern(bytes, 2 * seed);
    const Result out = endpoint.write(address, bytes, how);
    check(out.good(), "the write to " + place(address, how) + " ended in " + code_text(out.code));
    check(has_pattern(there.first(bytes.size()), 2 * seed), "the write to " + place(address, how) + " did not arrive");
    fill_pattern(there.first(bytes.size()), 2 * seed + 1);
    const Result in = endpoint.read(address, bytes, how);
    check(in.good(), "the read of " + place(address, how) + " ended in " + code_text(in.code));
    check(has_pattern(bytes, 2 * seed + 1), "the read of " + place(address, how) + " brought other data");
}

void expect_code(Endpoint& endpoint, std::uint64_t address, unsigned code, const How& how) {
    std::array<std::uint8_t, kBlockBytes> bytes{};
    const Result in = endpoint.read(address, bytes, how);
    check(in.code == code,
          "the read of " + place(address, how) + " ended in " + code_text(in.code) + " instead of " + code_text(code));
    const Result out = endpoint.write(address, bytes, how);
    check(out.code == code, "the write to " + place(address, how) + " ended in " + code_text(out.code) +
                                " instead of " + code_text(code));
}

void need_ats(const Endpoint& endpoint) {
    if (!endpoint.enabled(AE_ENABLES_ATS)) skip("the driver left the endpoint's ATS off");
}

}  // namespace guest
