// SPDX-License-Identifier: GPL-2.0-or-later
//
// EndpointScene: a guest with ats-endpoints behind a unit that waits `timeout` for their answers.
//
// Each endpoint has ATS enabled, also in its STE (EATS=1), and a stage 1 of its own that maps `iova` to a page with a
// pattern.
#ifndef QTEST_SMMUV3_ENDPOINT_SCENE_H
#define QTEST_SMMUV3_ENDPOINT_SCENE_H

#include <memory>
#include <vector>

#include "client/ats_endpoint.h"
#include "client/eventually.h"
#include "smmuv3/guest.h"

namespace smmu_driver {

inline constexpr std::int64_t timeout = 100'000'000;  // ns of virtual time
inline constexpr std::uint64_t iova = 0x123456789000;
inline constexpr std::uint32_t done = 0xd04e;

class EndpointScene : public Guest {
  public:
    explicit EndpointScene(unsigned count = 1) : Guest(options(count)) {
        for (unsigned i = 0; i < count; ++i)
            add(static_cast<std::uint8_t>(first_slot + i));
        start();
    }

    [[nodiscard]] qtest::AtsEndpoint& endpoint(unsigned i = 0) { return *endpoints_.at(i); }
    [[nodiscard]] std::uint16_t id(unsigned i = 0) { return endpoint(i).requester_id(); }
    [[nodiscard]] PageTable& stage(unsigned i = 0) { return stages_.at(i); }
    [[nodiscard]] std::uint64_t page(unsigned i = 0) const { return pages_.at(i); }

    // An entry for `iova` in the endpoint's cache.
    void fill(unsigned i = 0) {
        CHECK(endpoint(i).run({.op = qtest::Op::Read, .via = qtest::Via::Atc, .source = iova, .length = 8}) ==
              qtest::Code::Success);
    }

    void invalidate(unsigned i = 0) { commands.push(command::atc_inv(id(i), iova)); }
    // A CMD_SYNC that writes `done` to a word of its own; and its slot.
    struct Sync {
        std::uint64_t word = 0;
        std::uint32_t slot = 0;
    };
    Sync sync() {
        const std::uint64_t word = words_ += 4;
        return {word, commands.push(command::sync_with_message(word, done))};
    }
    [[nodiscard]] bool is_done(const Sync& sync) { return ram.read32(sync.word) == done; }

    void step(std::int64_t ns) { qemu.qtest().clock_step(ns); }

  private:
    static constexpr unsigned first_slot = 0x10;  // QEMU reads `addr` as hexadecimal

    static GuestOptions options(unsigned count) {
        GuestOptions result{.properties = ",invalidate-timeout-ms=100"};
        for (unsigned i = 0; i < count; ++i) {
            result.arguments.insert(result.arguments.end(),
                                    {"-device", std::string(qtest::AtsEndpoint::option) +
                                                    ",rciep=on,bus=pcie.0,addr=" + std::to_string(10 + i)});
        }
        return result;
    }
    void add(std::uint8_t slot) {
        endpoints_.push_back(std::make_unique<qtest::AtsEndpoint>(
            qemu.qtest(), qtest::PciFunction(pci, {.bus = 0, .device = slot, .function = 0})));
        endpoints_.back()->enable_ats();
        const auto number = static_cast<unsigned>(pages_.size());
        pages_.push_back(patterned_page(number + 1));
        stages_.push_back(stage_1());
        stages_.back().map({.input = iova, .output = pages_.back()});
        const std::uint64_t cd = ram.allocate_page();
        write_structure(ram, cd, cd::over(stages_.back(), number + 1));
        Ste entry = ste::stage_1(cd);
        entry.set(93, 92, 1);  // EATS
        streams.set(endpoints_.back()->requester_id(), entry);
    }

    std::vector<std::unique_ptr<qtest::AtsEndpoint>> endpoints_;
    std::vector<PageTable> stages_;
    std::vector<std::uint64_t> pages_;
    std::uint64_t words_ = ram.allocate_page();
};

}  // namespace smmu_driver

#endif  // QTEST_SMMUV3_ENDPOINT_SCENE_H
