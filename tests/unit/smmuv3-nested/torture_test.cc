// SPDX-License-Identifier: GPL-2.0-or-later
//
// Many threads on one unit. The rule that drivers live by: a transaction that begins after a CMD_SYNC has completed
// never sees what was invalidated before that CMD_SYNC. The rest is for the race detector.
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <thread>
#include <vector>

#include "smmu_guest.h"

using namespace test::smmu;
using iommu::Outcome;

namespace {

constexpr std::uint64_t kStatus = 0x1f00000;
constexpr std::uint64_t kVa = 0x4000;
constexpr std::uint64_t kPages = 0x40'0000'0000;  // outputs: kPages + generation * 0x1000

// Threads that run until told; join on the way out.
class Crowd {
  public:
    template <class Work>
    void add(Work work) {
        threads_.emplace_back([this, work] {
            while (!stop_.load(std::memory_order_relaxed))
                work();
        });
    }
    ~Crowd() {
        stop_ = true;
        for (std::thread& thread : threads_)
            thread.join();
    }

  private:
    std::atomic<bool> stop_{false};
    std::vector<std::thread> threads_;
};

// The driver: one that changes entries and invalidates, waiting for the message of its CMD_SYNC each time.
class Driver {
  public:
    explicit Driver(Guest& owner) : guest_(owner) {}
    void flush(const std::vector<Command>& commands) {
        ++number_;
        for (const Command& command : commands)
            guest_.put(command);
        guest_.submit(cmd_sync(1, kStatus, number_));
        while (guest_.ram.peek32(kStatus) != number_)
            std::this_thread::yield();
    }

  private:
    Guest& guest_;
    std::uint32_t number_ = 0;
};

// Readers that note when they saw something older than what was promised when they began.
struct Promise {
    std::atomic<std::uint64_t> generation{0};  // invalidated and waited for
    std::atomic<std::uint64_t> broken{0};
    std::atomic<std::uint64_t> answers{0};

    void check(Guest& guest, const iommu::Request& request) {
        const std::uint64_t promised = generation.load();
        const auto reply = guest.ask(request);
        const std::uint64_t seen = (reply.translation.address.value - kPages) >> 12;
        if (reply.outcome != Outcome::Translated || seen < promised) ++broken;
        ++answers;
    }
    // Until the readers are under way.
    void warm_up() const {
        while (answers < 100)
            std::this_thread::yield();
    }
};

void read_in_a_crowd(Crowd& crowd, Promise& promise, Guest& guest) {
    for (const std::uint32_t stream : {kStream, kOtherStream, kStream})
        crowd.add([&promise, &guest, stream] { promise.check(guest, from(stream, read_at(kVa))); });
    promise.warm_up();
}

}  // namespace

TEST_CASE("SMMU: a translation begun after the CMD_SYNC completed never returns the old page") {
    for (const unsigned config : {kStage1, kStage2, kNested}) {
        Guest guest;
        if (config == kNested) {
            guest.identity_second();
            guest.map(guest.second, kPages, kPages, kS2Page, 1);
        }
        for (const std::uint32_t stream : {kStream, kOtherStream})
            guest.stream(stream, {.config = config});
        const bool second = config == kStage2;
        const std::uint64_t bits = second ? kS2Page : kPage;
        const std::uint64_t leaf = guest.map(second ? guest.second : guest.low, kVa, kPages, bits);
        guest.bring_up();
        Promise promise;
        {
            Crowd crowd;
            read_in_a_crowd(crowd, promise, guest);
            Driver driver(guest);
            for (std::uint64_t generation = 1; generation <= 500; ++generation) {
                guest.poke(leaf, kPages | generation << 12 | bits | 3);
                const Command by_address = second ? tlbi_s2_ipa(3, kVa) : tlbi_nh_va(3, 1, kVa);
                driver.flush({generation % 2 == 0 ? by_address : tlbi_s12_vmall(3)});
                promise.generation = generation;
            }
        }
        CAPTURE(config);
        CHECK(promise.broken == 0);
        CHECK(guest.r32(kGerror) == 0);
    }
}

TEST_CASE("SMMU: a translation begun after the CMD_SYNC completed never uses the old configuration") {
    Guest guest;
    for (const std::uint32_t stream : {kStream, kOtherStream})
        guest.stream(stream);
    // Two CDs with tables of their own, filled while the other is in use; the ASID changes with them.
    const std::uint64_t first = guest.low.root;
    const Tables tables[2] = {guest.low, [&] {
                                  Tables other = guest.low;
                                  other.root = guest.alloc();
                                  return other;
                              }()};
    std::uint64_t leaves[2] = {guest.map(tables[0], kVa, kPages, kPage), guest.map(tables[1], kVa, kPages, kPage)};
    REQUIRE(first == tables[0].root);
    guest.bring_up();
    Promise promise;
    {
        Crowd crowd;
        read_in_a_crowd(crowd, promise, guest);
        Driver driver(guest);
        for (std::uint64_t generation = 1; generation <= 500; ++generation) {
            const unsigned side = generation % 2;
            guest.poke(leaves[side], kPages | generation << 12 | kPage | 3);
            driver.flush({tlbi_nh_asid(3, 1)});  // nobody uses this side's table now
            for (const std::uint32_t stream : {kStream, kOtherStream})
                guest.poke(guest.cd(stream) + 8, tables[side].root);
            driver.flush({cfgi_cd(kStream, 0), cfgi_ste(kOtherStream), tlbi_nh_asid(3, 1)});
            promise.generation = generation;
        }
    }
    CHECK(promise.broken == 0);
}

TEST_CASE("SMMU: a walk under way does not bring back what is invalidated meanwhile") {
    for (const Command& command : {tlbi_nsnh_all(), tlbi_s12_vmall(3), tlbi_nh_all(3), tlbi_nh_asid(3, 1),
                                   tlbi_nh_va(3, 1, kVa), tlbi_nh_vaa(3, kVa), cfgi_all(), cfgi_ste(kStream)}) {
        Guest guest;
        guest.stream(kStream, {}, {.ha = true});
        const std::uint64_t leaf = guest.map(guest.low, kVa, kPages, kPage & ~kAf);
        guest.bring_up();
        bool done = false;
        // The walk has read the leaf and sets its access flag: now a driver on another processor changes the page.
        guest.ports.on_written = [&](std::uint64_t address) {
            if (address != leaf || done) return;
            done = true;
            std::thread([&] {
                guest.poke(leaf, kPages + 0x1000 + (kPage | 3));
                guest.put(command);
                guest.submit(cmd_sync());
            }).join();
        };
        (void)guest.ask(read_at(kVa));  // may still have the old page: it began before
        REQUIRE(done);
        CAPTURE(command[0]);
        CHECK(guest.ask(read_at(kVa)).translation.address.value == kPages + 0x1000);
    }
}

TEST_CASE("SMMU: stalls, resumes, faults and disabling from many threads leave nothing behind") {
    Guest guest;
    guest.eventq_log2 = 3;
    guest.stream(kStream, {}, {.s = true});
    guest.stream(kOtherStream);
    guest.map(guest.low, kVa, kPages, kPage);
    guest.bring_up();
    std::atomic<unsigned> stalled{0};
    {
        Crowd crowd;
        crowd.add([&] {
            const auto reply = guest.ask(read_at(0x9000), smmuv3::CanStall::Yes);
            if (reply.outcome == Outcome::Stalled) ++stalled;
        });
        crowd.add([&] { (void)guest.ask(from(kOtherStream, read_at(0x9000))); });
        crowd.add([&] { guest.w32(kEventqCons, guest.r32(kEventqProd)); });
        crowd.add([&] { (void)guest.unit.save(); });
        crowd.add([&] { (void)guest.unit.counters(); });
        for (std::uint16_t round = 0; round < 600; ++round) {
            guest.put(resume(kStream, round, round % 2 == 0, false));
            guest.put(round % 16 == 0 ? cfgi_all() : tlbi_nh_all(3));
            guest.submit(round % 8 == 0 ? stall_term(kStream) : cmd_sync(1, 0x800'0000, round));
            if (round % 64 == 0) {
                guest.set_cr0(kCmdqEn | kEventqEn);
                guest.set_cr0(kCmdqEn | kEventqEn | kSmmuEn);
            }
        }
    }
    guest.submit(stall_term(kStream));
    CHECK(guest.unit.save()[6] == 0);
    CHECK(guest.unit.save()[7] == 0);
    CHECK(guest.ports.resumes.size() == stalled);
    CHECK(guest.r32(kGerror) == 0);
}

TEST_CASE("SMMU: reset and load while others translate") {
    Guest guest;
    guest.stream(kStream);
    guest.map(guest.low, kVa, 0x1800000, kPage);
    guest.bring_up();
    const auto state = guest.unit.save();
    std::atomic<unsigned> wrong{0};
    {
        Crowd crowd;
        for (unsigned i = 0; i < 3; ++i) {
            crowd.add([&] {
                const auto reply = guest.ask(read_at(kVa));
                const std::uint64_t at = reply.translation.address.value;
                // On: the page. Off: the address itself.
                if (reply.outcome == Outcome::Translated && at != 0x1800000 && at != kVa) ++wrong;
            });
        }
        for (unsigned round = 0; round < 200; ++round) {
            guest.unit.reset();
            if (!guest.unit.load(state)) ++wrong;
        }
    }
    CHECK(wrong == 0);
    CHECK(guest.ask(read_at(kVa)).translation.address.value == 0x1800000);
}
