// SPDX-License-Identifier: GPL-2.0-or-later
//
// Steps in one thread, Invalidate Requests in another: after the answer, nothing old is used. For the thread sanitizer
// too.
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <thread>

#include "ats-endpoint-regs.h"
#include "ats-endpoint/device.h"

namespace {

// A unit with one page, whose translation the test changes; memory that only looks at where an access goes.
class MovingPage : public endpoint::Upstream,
                   public endpoint::Memory,
                   public endpoint::Interrupt,
                   public endpoint::Clock,
                   public endpoint::ConfigSpace {
  public:
    std::atomic<std::uint64_t> page{0x1000};
    std::atomic<std::uint64_t> oldest{0};  // an access below it is one that had to be over
    std::atomic<unsigned> stale{0};
    std::atomic<unsigned> answers{0};

    iommu::RequesterId requester() override { return {0x100}; }
    std::optional<iommu::Reply> translate(const iommu::Request& request, endpoint::CanStall) override {
        // Untranslated, after an Invalidate Request came in between of every attempt: that is the unit's business.
        const bool untranslated = request.kind == iommu::RequestKind::Untranslated;
        const iommu::Pa address{untranslated ? ~std::uint64_t{0xfff} : request.iova.value};
        return iommu::Reply::translated({address, 12, iommu::Rights::ReadWrite});
    }
    iommu::TranslationCompletion translation_request(const iommu::Request&) override {
        iommu::TranslationCompletion completion;
        completion.status = iommu::CompletionStatus::Success;
        completion.address = iommu::Pa{page.load()};
        completion.rights = iommu::Rights::ReadWrite;
        return completion;
    }
    void page_request(const iommu::PageRequest&) override {}
    void invalidate_completed(const iommu::InvalidateCompletion&) override { ++answers; }
    bool read(endpoint::Space, std::uint64_t address, std::span<std::byte>) override {
        if (address < oldest.load()) ++stale;
        return true;
    }
    bool write(endpoint::Space, std::uint64_t, std::span<const std::byte>) override { return true; }
    std::optional<std::uint64_t> compare_exchange(endpoint::Space, std::uint64_t, unsigned, std::uint64_t expected,
                                                  std::uint64_t) override {
        return expected;
    }
    void msix(unsigned) override {}
    std::uint64_t now_ns() override { return 0; }
    void kick() override {}
    void deadline_changed() override {}
    void pri_status_changed() override {}
    [[nodiscard]] endpoint::Ports references() { return {*this, *this, *this, *this, *this}; }
};

}  // namespace

TEST_CASE("endpoint threads: after the answer to an Invalidate Request no older translation is used") {
    MovingPage host;
    endpoint::Endpoint device({.answer_delay_ns = 0}, host.references());
    device.configure({.bus_master = true, .ats = iommu::Value<endpoint::ATS_CAPABILITY>{0x80000000}});
    std::atomic<bool> over{false};
    std::thread engine([&] {
        device.write(AE_CHANNEL(0) + AE_OPERATION, AE_OP_READ | AE_VIA_ATC, 4);
        device.write(AE_CHANNEL(0) + AE_LENGTH_64, 8, 8);
        while (!over.load()) {
            device.write(AE_CHANNEL(0) + AE_DOORBELL, AE_DOORBELL_START, 4);
            device.run();
        }
    });
    for (std::uint64_t round = 2; round < 2000; ++round) {
        host.page.store(round * 0x1000);
        const unsigned before = host.answers.load();
        device.invalidate({.requester = {0x100}, .range = {iommu::Iova{0}, iommu::Iova{0xfff}}, .itag = 1});
        while (host.answers.load() == before)
            std::this_thread::yield();
        host.oldest.store(round * 0x1000);
    }
    over.store(true);
    engine.join();
    CHECK(host.stale.load() == 0);
    CHECK(device.read(AE_ANSWERS, 4) == 1998);
}
