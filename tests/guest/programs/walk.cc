// SPDX-License-Identifier: GPL-2.0-or-later
// walk: paging, nest parent and nested translation through iommufd, with data that is checked.
#include <array>

#include "endpoint.h"
#include "nest.h"
#include "suites.h"

namespace guest {
namespace {

constexpr std::uint64_t kIova = 0x12'3456'7000;

// A device of the suite with its endpoint.
struct Bench {
    Iommufd iommu;
    Device device{endpoint_function(0), iommu};
    Endpoint endpoint{device.bar0()};
};

// Both ways, `bytes` at `address`, which must be memory at `there`.
void exchange(Endpoint& endpoint, std::uint64_t address, std::span<std::uint8_t> there, const How& how = {}) {
    std::array<std::uint8_t, 256> bytes{};
    fill_pattern(bytes, 1);
    const Result out = endpoint.write(address, bytes, how);
    check(out.good(), "the write to " + hex(address) + " ended in " + code_text(out.code));
    check(has_pattern(there.first(bytes.size()), 1), "the write to " + hex(address) + " did not arrive");
    fill_pattern(there.first(bytes.size()), 2);
    const Result in = endpoint.read(address, bytes, how);
    check(in.good(), "the read of " + hex(address) + " ended in " + code_text(in.code));
    check(has_pattern(bytes, 2), "the read of " + hex(address) + " brought other data");
}

void paging() {
    Bench bench;
    Memory memory{kMiB2};
    const std::uint32_t ioas = bench.iommu.ioas();
    bench.iommu.map(ioas, memory.data(), memory.size(), kIova);
    bench.device.attach(ioas);
    exchange(bench.endpoint, kIova, memory.at(0, kKiB4));
    exchange(bench.endpoint, kIova + kMiB2 - kKiB4, memory.at(kMiB2 - kKiB4, kKiB4));
}

void nested_4k() {
    Bench bench;
    Nest nest{bench.iommu, bench.device};
    nest.tables().map(kIova, nest.data_ipa(0), 12);
    nest.attach();
    exchange(bench.endpoint, kIova, nest.data(0, kKiB4));
}

constexpr std::array kSteps{
    Step{"paging", paging},
    Step{"nested-4k", nested_4k},
};

}  // namespace

Suite walk_suite() { return {"walk", nullptr, kSteps}; }

}  // namespace guest
