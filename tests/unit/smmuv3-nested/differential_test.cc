// SPDX-License-Identifier: GPL-2.0-or-later
//
// A unit with the smallest IOTLB against one that keeps nothing, over the same tables: software changes descriptors in
// any order and invalidates what it changed by any command that reaches it, and after each command both say the same.
// Another thread fills the caches meanwhile.
#include <algorithm>
#include <array>
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <random>
#include <thread>
#include <vector>

#include "crowded_tags.h"
#include "smmu_guest.h"

using namespace test::smmu;

namespace {

constexpr std::uint64_t kVmid = 3, kNestedVmid = 4, kSecondVmid = 5;
constexpr std::uint64_t kIpas = 0x1'0000'0000;           // what nested stage 1 maps to
constexpr std::uint64_t kShared = 0x80'0000'0000;        // global pages are here
constexpr std::uint64_t kUpper = 0xffff'8000'0000'0000;  // TTB1
constexpr std::uint32_t kTagged = 2;                     // this stream's addresses have an ignored top byte
constexpr std::uint32_t kFetching = 3;                   // all reads of this one are fetches

enum class Where { OfAsid, Global, OfVmid };
enum class Changed { Leaf, Tables };

// A descriptor that software changes.
struct Leaf {
    std::uint64_t at = 0;
    std::uint64_t address = 0;  // what it maps
    int level = 3;
    std::uint64_t table = 0;  // what it may be instead of a block
    Where where = Where::OfAsid;
};

struct Stream {
    unsigned config = kStage1;
    std::uint64_t vmid = kVmid;
    std::uint64_t asid = 0;
    std::vector<Leaf> leaves;
};

class Twins {
  public:
    explicit Twins(std::uint64_t seed) : random_(seed) {
        for (const std::uint32_t asid : test::crowded_spaces(smmuv3::domain_of(smmuv3::StreamWorld::EL1, kVmid), 6))
            add({kStage1, kVmid, asid, {}});
        add({kNested, kNestedVmid, 1, {}});
        add({kStage2, kSecondVmid, 0, {}});
        guest.set(guest.cd(kTagged), 38, 38, 1);       // TBI0
        guest.set(guest.ste(kFetching), 115, 114, 3);  // INSTCFG
        guest.bring_up();
        const std::array ranges{guest.ram.range()};
        plain_.memory().set_ram(ranges);
        REQUIRE(plain_.load(guest.unit.save()));
    }

    void step() {
        if (any(4) != 0) return compare();
        const Stream& stream = streams_[any(streams_.size())];
        change(stream, stream.leaves[any(stream.leaves.size())]);
    }
    iommu::Request any_request(std::mt19937_64& random) const {
        const auto stream = static_cast<std::uint32_t>(random() % streams_.size());
        const Leaf& leaf = streams_[stream].leaves[random() % addresses_];
        std::uint64_t iova = leaf.address + (random() & iommu::low_bits(leaf.level == 3 ? 12 : 21));
        if (stream == kTagged && (iova >> 55 & 1) == 0) iova |= random() << 56;
        iommu::Request request = random() % 2 == 0 ? read_at(iova) : write_at(iova);
        if (random() % 4 == 0) request = privileged(request);
        if (random() % 4 == 0) request = executing(request);
        return from(stream, request);
    }

    Guest guest{{}, 64};
    std::uint64_t different = 0;

  private:
    std::uint64_t any(std::uint64_t count) { return random_() % count; }

    void add(Stream stream) {
        const auto id = static_cast<std::uint32_t>(streams_.size());
        const bool second = stream.config == kStage2;
        guest.format(guest.low, 12, 0, 48);
        guest.format(guest.high, 12, 0, 48);
        guest.format(guest.second, 12, 0, 48);
        const Tables& top = second ? guest.second : guest.low;
        for (const std::uint64_t base : {0x4000ull, 0x7fff'ffff'8000ull, second ? 0x8000ull : kUpper + 0x4000}) {
            const Tables& tables = base < kUpper ? top : guest.high;
            for (std::uint64_t page = 0; page < 4; ++page)
                add_leaf(stream, tables, {.address = base + (page << 12)});
        }
        for (const std::uint64_t base : {0x40'0000ull, 0x80'0000ull}) {
            const std::uint64_t table = guest.alloc();
            for (std::uint64_t entry = 0; entry < 512; ++entry)
                guest.poke(table + 8 * entry, 0x1000'0000 + (entry * 5 << 12) + (second ? kS2Page : kPage) + 3);
            add_leaf(stream, top, {.address = base, .level = 2, .table = table | 3});
        }
        if (stream.vmid == kVmid) share(stream);
        addresses_ = streams_.empty() ? stream.leaves.size() : std::min(addresses_, stream.leaves.size());
        if (stream.config == kNested) add_second_stage(stream);
        guest.stream(id, {.config = stream.config, .vmid = stream.vmid}, {.asid = stream.asid, .ha = true, .hd = true});
        streams_.push_back(stream);
    }
    void add_leaf(Stream& stream, const Tables& tables, Leaf leaf) {
        leaf.at = guest.map(tables, leaf.address, 0, 0, leaf.level);
        guest.poke(leaf.at, 0);
        stream.leaves.insert(stream.leaves.begin(), leaf);
    }
    // The same tables in each address space of the VMID.
    void share(Stream& stream) {
        if (!streams_.empty()) guest.poke(guest.entry(guest.low, kShared, 0), shared_);
        for (std::uint64_t page = 0; page < 4; ++page)
            add_leaf(stream, guest.low, {.address = kShared + (page << 12), .where = Where::Global});
        shared_ = guest.peek(guest.entry(guest.low, kShared, 0));
    }
    void add_second_stage(Stream& stream) {
        guest.identity_second();
        for (std::uint64_t page = 0; page < 8; ++page) {
            const std::uint64_t address = kIpas + (page << 12);
            stream.leaves.push_back({guest.map(guest.second, address, 0, kS2Page), address, 3, 0, Where::OfVmid});
        }
    }

    void change(const Stream& stream, const Leaf& leaf) {
        const bool second = stream.config == kStage2 || leaf.where == Where::OfVmid;
        std::uint64_t output = (0x4'0000 + any(1u << 10)) << (leaf.level == 3 ? 12 : 21);
        if (stream.config == kNested && !second) output = kIpas + (leaf.level == 3 ? any(8) << 12 : 0);
        const std::uint64_t first_rights[] = {kPage,        kPage | kAp2,  kPage | kAp2 | kDbm,
                                              kPage | kUxn, kPage & ~kAp1, kPage & ~kAf};
        const std::uint64_t second_rights[] = {kS2Page, kS2Page & ~kS2W, kS2Page | kS2Xn1};
        std::uint64_t bits = second ? second_rights[any(3)] : first_rights[any(6)];
        if (leaf.where == Where::Global) bits &= ~kNg;
        const std::uint64_t before = guest.peek(leaf.at);
        if (any(5) == 0) {
            guest.poke(leaf.at, 0);
        } else if (leaf.table != 0 && any(2) == 0) {
            guest.poke(leaf.at, leaf.table);
        } else {
            guest.poke(leaf.at, output | bits | (leaf.level == 3 ? 3 : 1));
        }
        const bool tables = leaf.table != 0 && (before == leaf.table || guest.peek(leaf.at) == leaf.table);
        invalidate(stream, leaf, tables ? Changed::Tables : Changed::Leaf);
    }

    // What changed, or more of it. A page or block is named by any of its addresses; pages under a table have too many.
    void invalidate(const Stream& stream, const Leaf& leaf, Changed changed) {
        const unsigned how = static_cast<unsigned>(any(16));
        if (how == 0) return guest.submit(tlbi_nsnh_all());
        const std::uint64_t address = leaf.address + (leaf.level == 3 ? 0 : any(512) << 12);
        if (stream.config == kStage2 || leaf.where == Where::OfVmid) {
            if (how == 1 || changed == Changed::Tables) return guest.submit(tlbi_s12_vmall(stream.vmid));
            guest.submit(tlbi_s2_ipa(stream.vmid, address));
            if (stream.config == kNested) guest.submit(tlbi_nh_all(stream.vmid));
            return;
        }
        if (how == 1) return guest.submit(tlbi_nh_all(stream.vmid));
        const bool of_asid = leaf.where == Where::OfAsid;
        if ((how == 2 && of_asid) || changed == Changed::Tables)
            return guest.submit(tlbi_nh_asid(stream.vmid, stream.asid));
        if (how < 5) return guest.submit(tlbi_nh_vaa(stream.vmid, address));
        guest.submit(tlbi_nh_va(stream.vmid, stream.asid, address, any(2) == 0));
    }

    void compare() {
        iommu::Request request = any_request(random_);
        const iommu::Reply reply = guest.ask(request);
        request.kind = iommu::RequestKind::Debug;
        const iommu::Reply expected = plain_.translate(request);
        if (reply.outcome != expected.outcome || reply.reason != expected.reason) ++different;
        if (reply.translation.address != expected.translation.address) ++different;
    }

    std::mt19937_64 random_;
    test::FakePorts ports_;
    smmuv3::Unit plain_{*smmuv3::settle({}), iommu::Tuning{.iotlb_entries = 64}, ports_.references()};
    std::vector<Stream> streams_;
    std::size_t addresses_ = 0;  // of a stream's leaves, those that requests name
    std::uint64_t shared_ = 0;   // the descriptor of the tables with global pages
};

}  // namespace

TEST_CASE("SMMU: what is kept is what the tables say, after any order of changes and invalidations",
          "[smmu][threads]") {
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
        CHECK(((twins.guest.r32(kGerror) ^ twins.guest.r32(kGerrorn)) & 1) == 0);
    }
}
