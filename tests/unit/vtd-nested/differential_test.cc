// SPDX-License-Identifier: GPL-2.0-or-later
//
// A unit with the smallest IOTLB against one that keeps nothing, over the same tables: software changes entries in any
// order and invalidates what it changed by any command that reaches it, and after each command both say the same.
// Another thread fills the caches meanwhile.
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "crowded_tags.h"
#include "vtd_guest.h"

using namespace test;

namespace {

constexpr std::uint64_t kFirstDomain = 7, kSecondDomain = 9, kNestedDomain = 10;
constexpr std::uint64_t kIpas = 0x1'0000'0000;  // what nested first stages map to
constexpr unsigned kLargePage = 21;

// An entry that software changes.
struct Leaf {
    std::uint64_t at = 0;
    std::uint64_t address = 0;  // what it maps
    unsigned log2 = 12;
    std::uint64_t table = 0;  // what it may be instead of a large page
};

struct Space {
    std::uint32_t pasid = 0;
    PasidSpec spec;
    std::vector<Leaf> leaves;
};

class Twins {
  public:
    explicit Twins(std::uint64_t seed) : random_(seed) {
        guest.scalable_device(kDevice, {.pgtt = 1, .did = kFirstDomain});
        for (const std::uint32_t pasid : crowded_spaces(iommu::DomainTag{kFirstDomain}, 6))
            add(pasid, {.pgtt = 1, .did = kFirstDomain});
        add(1, {.pgtt = 2, .did = kSecondDomain});
        add(2, {.pgtt = 3, .did = kNestedDomain});
        guest.enable_queue();
        guest.enable(kTtmScalable);
        REQUIRE(plain_.unit.load(guest.unit.save()));
    }

    void step() {
        if (any(4) != 0) return compare();
        if (any(16) == 0) return exchange();
        Space& space = spaces_[any(spaces_.size())];
        change(space, space.leaves[any(space.leaves.size())]);
    }
    iommu::Request any_request(std::mt19937_64& random) const {
        const Space& space = spaces_[random() % spaces_.size()];
        const Leaf& leaf = space.leaves[random() % addresses_];
        return {.requester = iommu::RequesterId{kDevice},
                .pasid = iommu::Pasid{space.pasid},
                .iova = iommu::Iova{leaf.address + (random() & iommu::low_bits(leaf.log2))},
                .access = random() % 2 == 0 ? iommu::Access::Read : iommu::Access::Write};
    }

    Guest guest{{}, 64};
    std::uint64_t different = 0;

  private:
    std::uint64_t any(std::uint64_t count) { return random_() % count; }

    // With tables of its own: small pages, large ones that may become small ones, at both ends of the address space and
    // beside the interrupt range. What the leaves map to begins with nothing.
    void add(std::uint32_t pasid, const PasidSpec& spec) {
        guest.first_root = guest.alloc_page();
        guest.second_root = guest.alloc_page();
        Space space{pasid, spec, {}};
        const bool second = spec.pgtt == 2;
        const auto leaf = [&](std::uint64_t address, unsigned log2, std::uint64_t table) {
            const std::uint64_t at =
                second ? guest.map_second(address, 0, 0, log2) : guest.map_first(address, 0, 0, log2);
            guest.poke(at, 0);
            space.leaves.push_back({at, address, log2, table});
        };
        for (const std::uint64_t base : {0x4000ull, 0xfeffe000ull, 0x7fff'ffff'8000ull}) {
            for (std::uint64_t page = 0; page < 4; ++page)
                leaf(base + (page << 12), 12, 0);
        }
        for (const std::uint64_t base : {0x40'0000ull, 0xfee0'0000ull}) {
            const std::uint64_t table = guest.alloc_page();
            for (std::uint64_t entry = 0; entry < 512; ++entry)
                guest.poke(table + 8 * entry, 0x1000'0000 + (entry * 5 << 12) + (second ? kR | kW : kP | kRW | kUS));
            leaf(base, kLargePage, table | (second ? kR | kW : kP | kRW | kUS));
        }
        addresses_ = space.leaves.size();
        if (spec.pgtt == 3) add_second_stage(space);
        spaces_.push_back(space);
        guest.add_pasid(kDevice, pasid, spec);
    }
    void add_second_stage(Space& space) {
        guest.identity_second();
        for (std::uint64_t page = 0; page < 8; ++page)
            space.leaves.push_back({guest.map_second(kIpas + (page << 12), 0, 0), kIpas + (page << 12), 12, 0});
    }

    void change(Space& space, const Leaf& leaf) {
        const bool second = space.spec.pgtt == 2 || (space.spec.pgtt == 3 && &leaf >= &space.leaves[addresses_]);
        std::uint64_t output = (0x40'0000 + any(1u << 16)) << leaf.log2;
        if (space.spec.pgtt == 3 && !second) output = kIpas + (leaf.log2 == 12 ? any(8) << 12 : 0);
        const std::uint64_t rights[] = {second ? kR : kP | kUS, second ? kR | kW : kP | kRW | kUS};
        const std::uint64_t large = leaf.log2 == 12 ? 0 : kPS;
        if (any(5) == 0) {
            guest.poke(leaf.at, 0);
        } else if (leaf.table != 0 && any(2) == 0) {
            guest.poke(leaf.at, leaf.table);
        } else {
            guest.poke(leaf.at, output | rights[any(2)] | large);
        }
        invalidate(space, leaf, second);
    }

    // What changed, or more of it. Of a large page the tables below it, too.
    void invalidate(const Space& space, const Leaf& leaf, bool second) {
        const bool leaf_only = leaf.log2 == 12 && any(2) == 0;
        const unsigned am = leaf.log2 - 12 + static_cast<unsigned>(any(3));
        const std::uint64_t block = leaf.address & ~iommu::low_bits(12 + am);
        switch (any(16)) {
            case 0: return guest.submit(iotlb(1));
            case 1: return guest.submit(iotlb(2, space.spec.did));
            case 2:
                if (!second) return guest.submit(pasid_iotlb(2, space.spec.did, space.pasid));
                break;
            default: break;
        }
        guest.submit(second ? iotlb(3, space.spec.did, block, am, leaf_only)
                            : pasid_iotlb(3, space.spec.did, space.pasid, block, am, leaf_only));
    }

    // Two PASIDs of one domain take each other's tables.
    void exchange() {
        Space& one = spaces_[any(6)];
        Space& other = spaces_[any(6)];
        const std::uint64_t entries[] = {guest.pasid_entry(kDevice, one.pasid) + 16,
                                         guest.pasid_entry(kDevice, other.pasid) + 16};
        const std::uint64_t roots[] = {guest.peek(entries[0]), guest.peek(entries[1])};
        guest.poke(entries[0], roots[1]);
        guest.poke(entries[1], roots[0]);
        for (const Space* space : {&one, &other}) {
            guest.submit(pasid_cache(1, kFirstDomain, space->pasid));
            guest.submit(pasid_iotlb(2, kFirstDomain, space->pasid));
        }
        for (std::size_t i = 0; i < addresses_; ++i)
            std::swap(one.leaves[i].at, other.leaves[i].at);
    }

    void compare() {
        iommu::Request request = any_request(random_);
        const iommu::Reply reply = guest.ask(request);
        request.kind = iommu::RequestKind::Debug;
        const iommu::Reply expected = plain_.unit.translate(request);
        if (reply.outcome != expected.outcome || reply.reason != expected.reason) ++different;
        if (reply.translation.address != expected.translation.address) ++different;
    }

    std::mt19937_64 random_;
    Taken plain_{guest};
    std::vector<Space> spaces_;
    std::size_t addresses_ = 0;  // of a space's leaves, those that requests name
};

}  // namespace

TEST_CASE("What is kept is what the tables say, after any order of changes and invalidations", "[threads]") {
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
        CAPTURE(seed);
        Twins twins(seed);
        std::atomic<bool> stop{false};
        std::thread filler([&] {
            std::mt19937_64 random(seed + 100);
            while (!stop.load(std::memory_order_relaxed))
                (void)twins.guest.ask(twins.any_request(random));
        });
        for (unsigned i = 0; i < 20000; ++i)
            twins.step();
        stop = true;
        filler.join();
        CHECK(twins.different == 0);
        CHECK(twins.guest.unit.counters().hits > 300);
        CHECK((twins.guest.r32(kFsts) & kIqe) == 0);
    }
}
