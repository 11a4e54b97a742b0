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
inline constexpr unsigned full_ats = 1, split_stage_ats = 2;  // STE.EATS

class EndpointScene : public Guest {
  public:
    static GuestOptions options(unsigned count, const std::string& properties) {
        GuestOptions result{.properties = ",invalidate-timeout-ms=100" + properties};
        for (unsigned i = 0; i < count; ++i) {
            result.arguments.insert(result.arguments.end(),
                                    {"-device", std::string(qtest::AtsEndpoint::option) +
                                                    ",rciep=on,bus=pcie.0,addr=" + std::to_string(10 + i)});
        }
        return result;
    }

    explicit EndpointScene(unsigned count = 1, const std::string& properties = "") : Guest(options(count, properties)) {
        for (unsigned i = 0; i < count; ++i)
            add(i);
        start();
    }

    // Anew, after a reset.
    void find_endpoints() {
        pci = qtest::PciBus(qemu.qtest(), pci_places);
        edu = qtest::EduDevice(qemu.qtest(), pci.find(qtest::EduDevice::id));
        for (unsigned i = 0; i < endpoints_.size(); ++i)
            endpoints_[i] = found(i);
    }

    [[nodiscard]] qtest::AtsEndpoint& endpoint(unsigned i = 0) { return *endpoints_.at(i); }
    [[nodiscard]] std::uint16_t id(unsigned i = 0) { return endpoint(i).requester_id(); }
    [[nodiscard]] PageTable& stage(unsigned i = 0) { return stages_.at(i); }
    [[nodiscard]] std::uint64_t page(unsigned i = 0) const { return pages_.at(i); }

    [[nodiscard]] std::uint64_t cd_address(unsigned i = 0) const { return cds_.at(i); }
    [[nodiscard]] Cd good_cd(unsigned i = 0) const { return cd::over(stages_.at(i), i + 1); }
    [[nodiscard]] Ste good_ste(unsigned i = 0) const { return ste::stage_1(cds_.at(i)).set(93, 92, full_ats); }
    // Also to a unit that works.
    void set_ste(const Ste& entry, unsigned i = 0) {
        streams.set(id(i), entry);
        forget();
    }
    void set_cd(const Cd& entry, unsigned i = 0) {
        write_structure(ram, cds_.at(i), entry);
        forget();
    }

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

    void step(std::int64_t ns) { now_ = qemu.qtest().clock_step(ns); }
    // Virtual time, which only `step` makes go by.
    [[nodiscard]] std::int64_t now() const { return now_; }

  private:
    static constexpr unsigned first_slot = 0x10;  // QEMU reads `addr` as hexadecimal

    [[nodiscard]] std::unique_ptr<qtest::AtsEndpoint> found(unsigned i) {
        const auto slot = static_cast<std::uint8_t>(first_slot + i);
        auto endpoint = std::make_unique<qtest::AtsEndpoint>(
            qemu.qtest(), qtest::PciFunction(pci, {.bus = 0, .device = slot, .function = 0}));
        endpoint->enable_ats();
        return endpoint;
    }
    void add(unsigned number) {
        endpoints_.push_back(found(number));
        pages_.push_back(patterned_page(number + 1));
        stages_.push_back(stage_1());
        stages_.back().map({.input = iova, .output = pages_.back()});
        cds_.push_back(ram.allocate_page());
        write_structure(ram, cds_.back(), good_cd(number));
        streams.set(id(number), good_ste(number));
    }

    std::vector<std::unique_ptr<qtest::AtsEndpoint>> endpoints_;
    std::vector<PageTable> stages_;
    std::vector<std::uint64_t> pages_;
    std::vector<std::uint64_t> cds_;
    std::uint64_t words_ = ram.allocate_page();
    std::int64_t now_ = 0;
};

}  // namespace smmu_driver

#endif  // QTEST_SMMUV3_ENDPOINT_SCENE_H
