// SPDX-License-Identifier: GPL-2.0-or-later
//
// EndpointScene: a guest with ats-endpoints behind a unit that waits `timeout` for their answers.
//
// Each endpoint has ATS enabled, also in the tables of either mode, and a second stage of its own that maps `iova` to a
// page with a pattern.
#ifndef QTEST_VTD_ENDPOINT_SCENE_H
#define QTEST_VTD_ENDPOINT_SCENE_H

#include <memory>
#include <vector>

#include "client/ats_endpoint.h"
#include "client/eventually.h"
#include "vtd/guest.h"

namespace vtd_driver {

inline constexpr std::int64_t timeout = 100'000'000;  // ns of virtual time
inline constexpr std::uint64_t iova = 0x123456789000;
inline constexpr std::uint32_t done = 0xd04e;

// What a record says of the kind of request: T1, AT and T2.
enum class Kind : std::uint64_t {
    UntranslatedRead = bit(62),
    TranslationRequest = bit(62) | field(61, 60, 1),
    TranslatedRead = bit(62) | field(61, 60, 2),
    TranslatedWrite = field(61, 60, 2),
    PageRequest = bit(28),
};
// Whole; without PASID. Whatever the manual does not give a value is 0.
[[nodiscard]] inline FaultRecord fault_of(Kind kind, unsigned reason, unsigned requester, std::uint64_t address) {
    return {.address = address & ones(63, 12),
            .high = bit(63) | static_cast<std::uint64_t>(kind) | field(39, 32, reason) | field(15, 0, requester)};
}
[[nodiscard]] inline FaultRecord with_pasid(FaultRecord record, unsigned pasid) {
    record.high |= bit(31) | field(59, 40, pasid);
    return record;
}

class EndpointScene : public Guest {
  public:
    explicit EndpointScene(unsigned count = 1, Mode root_mode = Mode::Scalable) : Guest(root_mode, options(count)) {
        for (unsigned i = 0; i < count; ++i)
            add(static_cast<std::uint8_t>(first_slot + i));
        start();
    }

    [[nodiscard]] qtest::AtsEndpoint& endpoint(unsigned i = 0) { return *endpoints_.at(i); }
    [[nodiscard]] std::uint16_t id(unsigned i = 0) { return endpoint(i).requester_id(); }
    [[nodiscard]] PageTable& stage(unsigned i = 0) { return stages_.at(i); }
    [[nodiscard]] std::uint64_t page(unsigned i = 0) const { return pages_.at(i); }

    // An entry for `iova` in the endpoint's device TLB.
    void fill(unsigned i = 0) {
        CHECK(endpoint(i).run({.op = qtest::Op::Read, .via = qtest::Via::Atc, .source = iova, .length = 8}) ==
              qtest::Code::Success);
    }

    // An invalidation of `iova`, without ringing.
    void invalidate(unsigned i = 0) { queue.push(descriptor::device_tlb(id(i), {.address = iova})); }
    // A wait that writes `done` to a word of its own.
    std::uint64_t wait(std::uint64_t flags = 0) {
        const std::uint64_t word = words_ += 4;
        queue.push(descriptor::wait_status(word, done, flags));
        return word;
    }
    [[nodiscard]] bool is_done(std::uint64_t word) { return ram.read32(word) == done; }

    void step(std::int64_t ns) { qemu.qtest().clock_step(ns); }
    [[nodiscard]] std::uint32_t errors() const { return unit.read32(reg::FSTS) & (IQE | ICE | ITE); }
    void clear(std::uint32_t error) const { unit.write32(reg::FSTS, error); }
    [[nodiscard]] unsigned itesid() const { return static_cast<unsigned>(unit.read64(reg::IQERCD) >> 32 & 0xffff); }
    [[nodiscard]] unsigned icesid() const { return static_cast<unsigned>(unit.read64(reg::IQERCD) >> 48 & 0xffff); }

    static constexpr unsigned first_domain = 0x20;
    // The machine's.
    static GuestOptions options(unsigned count) {
        GuestOptions result{.properties = ",invalidate-timeout-ms=100"};
        for (unsigned i = 0; i < count; ++i) {
            result.arguments.insert(result.arguments.end(),
                                    {"-device", std::string(qtest::AtsEndpoint::option) +
                                                    ",rciep=on,bus=pcie.0,addr=" + std::to_string(10 + i)});
        }
        return result;
    }

  private:
    static constexpr unsigned first_slot = 0x10;  // QEMU reads `addr` as hexadecimal

    void add(std::uint8_t slot) {
        endpoints_.push_back(std::make_unique<qtest::AtsEndpoint>(
            qemu.qtest(), qtest::PciFunction(pci, {.bus = 0, .device = slot, .function = 0})));
        endpoints_.back()->enable_ats();
        const auto number = static_cast<unsigned>(pages_.size());
        pages_.push_back(patterned_page(number + 1));
        stages_.push_back(second_stage());
        stages_.back().map({.iova = iova, .target = pages_.back()});
        const unsigned requester = endpoints_.back()->requester_id();
        scalable.set_context(requester, {.device_tlb = true});
        scalable.set(requester, PasidEntry::over_second_stage(stages_.back(), first_domain + number));
        auto context = LegacyContext::translating(stages_.back(), first_domain + number);
        context.type = 1;
        legacy.set(requester, context);
    }

    std::vector<std::unique_ptr<qtest::AtsEndpoint>> endpoints_;
    std::vector<PageTable> stages_;
    std::vector<std::uint64_t> pages_;
    std::uint64_t words_ = ram.allocate_page();
};

}  // namespace vtd_driver

#endif  // QTEST_VTD_ENDPOINT_SCENE_H
