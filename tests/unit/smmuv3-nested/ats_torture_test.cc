// SPDX-License-Identifier: GPL-2.0-or-later
//
// Devices that answer and ask from threads of their own. The rules that drivers live by: a CMD_SYNC completes only
// after every device has forgotten, and each group of page requests is answered once. The rest is for the race
// detector.
#include <array>
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <deque>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "smmu_guest.h"

using namespace test::smmu;
using iommu::CompletionStatus;
using iommu::InvalidateRequest;
using iommu::Outcome;
using iommu::RequesterId;

namespace {

constexpr std::uint64_t kStatus = 0x1f00000;
constexpr std::uint64_t kVa = 0x4000, kOut = 0x1800000;

// A device that answers from its own thread, some time after it was asked.
class Answering {
  public:
    explicit Answering(Guest& owner) : guest_(owner), thread_([this] { run(); }) {}
    ~Answering() {
        stop_ = true;
        thread_.join();
    }
    void ask(const InvalidateRequest& request) {
        const std::lock_guard lock(mutex_);
        asked_.push_back(request);
    }
    [[nodiscard]] unsigned forgotten() const { return forgotten_; }

  private:
    void run() {
        while (!stop_) {
            std::optional<InvalidateRequest> next;
            {
                const std::lock_guard lock(mutex_);
                if (!asked_.empty()) next = asked_.front(), asked_.pop_front();
            }
            std::this_thread::yield();
            if (!next) continue;
            ++forgotten_;
            guest_.unit.invalidate_completed({next->requester, std::uint32_t{1} << next->itag, 1});
        }
    }
    Guest& guest_;
    std::mutex mutex_;
    std::deque<InvalidateRequest> asked_;
    std::atomic<unsigned> forgotten_{0};
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

}  // namespace

TEST_CASE("SMMU ATS: a CMD_SYNC completes only after each device has forgotten, whoever answers when") {
    Guest guest;
    guest.cmdq_log2 = 8;
    guest.bring_up();
    unsigned broken = 0;
    {
        Answering first(guest), second(guest);
        guest.ports.on_invalidate = [&](const InvalidateRequest& request) {
            (request.requester.value == kStream ? first : second).ask(request);
        };
        unsigned asked = 0;
        for (std::uint32_t round = 1; round <= 300; ++round) {
            const unsigned count = 1 + round % 40;  // now and then more than there are ITags
            for (unsigned i = 0; i < count; ++i) {
                guest.put(atc_inv(kStream));
                guest.put(atc_inv(kOtherStream));
            }
            asked += count;
            guest.submit(cmd_sync(1, kStatus, round));
            while (guest.ram.peek32(kStatus) != round)
                std::this_thread::yield();
            if (first.forgotten() != asked || second.forgotten() != asked) ++broken;
        }
    }
    CHECK(broken == 0);
    CHECK(guest.r32(kGerror) == 0);
    CHECK(guest.unit.counters().unexpected_completions == 0);
    CHECK(guest.unit.deadline_ns() == iommu::kNever);
}

TEST_CASE("SMMU PRI: each group from several threads is answered once, by software or by itself") {
    Guest guest;
    guest.stream(kStream, {.eats = 1, .ppar = true});
    guest.bring_up();
    guest.priq_on(2);
    constexpr unsigned kEach = 2000;
    std::atomic<unsigned> running{2};
    std::vector<std::thread> devices;
    for (unsigned device = 0; device < 2; ++device) {
        devices.emplace_back([&, device] {
            for (std::uint16_t i = 0; i < kEach; ++i) {
                iommu::PageRequest request{.requester = RequesterId{kStream + device},
                                           .read = true,
                                           .last = true,
                                           .index = static_cast<std::uint16_t>(i & 0x1ff)};
                if (i % 3 == 0) request.pasid = iommu::Pasid{i};
                guest.unit.page_request(request);
            }
            --running;
        });
    }
    for (bool more = true; more;) {
        more = running != 0;
        while (const auto entry = guest.take_page_request()) {
            guest.submit(pri_resp(static_cast<std::uint32_t>((*entry)[0]), (*entry)[1] & 0x1ff, 2));
            more = true;
        }
        // All was read: overflow is acknowledged.
        guest.w32(kPriqCons, (guest.r32(kPriqCons) & 0x7fff'ffff) | (guest.r32(kPriqProd) & 0x8000'0000));
    }
    for (std::thread& device : devices)
        device.join();
    CHECK(guest.ports.responses.size() == 2 * kEach);
    CHECK(guest.r32(kGerror) == 0);
}

TEST_CASE("SMMU ATS: requests and translated transactions while everything is changed under them") {
    Guest guest;
    guest.identity_second();
    guest.stream(kStream, {.config = kNested, .eats = 2}, {.ha = true, .hd = true});
    const std::uint64_t leaf = guest.map(guest.low, kVa, kOut, kPage | kDbm | kAp2);
    guest.bring_up(kAtschk);
    std::atomic<bool> stop{false};
    std::atomic<unsigned> wrong{0};
    std::vector<std::thread> devices;
    for (unsigned device = 0; device < 2; ++device) {
        devices.emplace_back([&] {
            while (!stop) {
                const auto completion = guest.ats(write_at(kVa));
                const bool granted = completion.rights != iommu::Rights::None;
                if (completion.status == CompletionStatus::Success && granted && completion.address.value != kOut)
                    ++wrong;
                const auto reply = guest.ask(translated(read_at(kOut)));
                if (reply.outcome == Outcome::Translated && reply.translation.address.value != kOut) ++wrong;
                guest.unit.page_request({.requester = RequesterId{kStream}, .last = true});
                guest.unit.tick();
            }
        });
    }
    const auto state = guest.unit.save();
    for (unsigned round = 0; round < 300; ++round) {
        guest.set(leaf, 7, 7, 1);  // clean again
        guest.put(tlbi_nsnh_all());
        guest.put(atc_inv(kStream));
        guest.submit(cfgi_all());
        if (round % 8 == 0) guest.set_cr0(kCmdqEn | kEventqEn | kSmmuEn);
        if (round % 8 == 4) guest.set_cr0(kCmdqEn | kEventqEn | kSmmuEn | kAtschk | kPriqEn);
        if (round % 64 == 0) {
            guest.unit.reset();
            if (!guest.unit.load(state)) ++wrong;
            guest.cmdq_prod = guest.r32(kCmdqProd);
        }
    }
    stop = true;
    for (std::thread& device : devices)
        device.join();
    CHECK(wrong == 0);
}

TEST_CASE("SMMU ATS: hostile commands, answers, requests and times leave a unit that works") {
    std::mt19937_64 random(20260515);
    Guest guest;
    guest.cmdq_log2 = 6;
    guest.stream(kStream, {.eats = 1});
    guest.map(guest.low, kVa, kOut, kPage);
    guest.bring_up();
    guest.priq_on(3);
    for (unsigned round = 0; round < 20'000; ++round) {
        const auto stream = static_cast<std::uint32_t>(random() % 8);
        switch (random() % 8) {
            case 0: guest.put({(random() & ~0xffull) | 0x40, random()}); break;
            case 1: guest.put({(random() & ~0xffull) | 0x41, random()}); break;
            case 2: guest.put(atc_inv(stream)); break;
            case 3: guest.put(cmd_sync()); break;
            case 4:
                guest.unit.invalidate_completed({RequesterId{stream}, static_cast<std::uint32_t>(random()), 1});
                break;
            case 5: guest.unit.page_request({.requester = RequesterId{stream}, .last = true}); break;
            case 6:
                guest.ports.time_ns += random() % 100'000'000'000;
                guest.unit.tick();
                break;
            default: guest.w32(kGerrorn, guest.r32(kGerror)); break;
        }
        guest.ring_doorbell();
        // As a driver that has met an illegal command: the queue begins anew.
        if (random() % 16 == 0) {
            guest.set_cr0(kSmmuEn);
            guest.w32(kCmdqCons, 0);
            guest.w32(kCmdqProd, guest.cmdq_prod = 0);
            guest.set_cr0(kSmmuEn | kCmdqEn | kEventqEn | kPriqEn);
        }
    }
    guest.ports.time_ns += 1'000'000'000'000;
    guest.unit.tick();
    guest.unit.reset();
    guest.bring_up();
    CHECK(guest.ats(read_at(kVa)).address.value == kOut);
    guest.submit(cmd_sync(1, kStatus, 0x600d));
    CHECK(guest.ram.peek32(kStatus) == 0x600d);
}
