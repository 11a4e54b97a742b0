// SPDX-License-Identifier: GPL-2.0-or-later
//
// vtd_guest: the driver's side of a VT-d unit, for tests.
//
// It builds root, context and PASID tables, page tables and queues in guest memory, and drives the registers, from bit
// positions typed from the manual. It shares no code with the unit: a wrong layout there cannot agree with itself here.
//
//     Guest guest;                                             // a unit with default capabilities
//     guest.scalable_device(kDevice, PasidSpec{.pgtt = 1, .did = 7});
//     guest.map_first(0x4000, 0x200000, kP | kRW | kUS);
//     guest.enable(kTtmScalable);
//     guest.read(kDevice, 0x4000);                             // a Reply
#ifndef TESTS_SUPPORT_VTD_GUEST_H
#define TESTS_SUPPORT_VTD_GUEST_H

#include <array>
#include <set>

#include "fake_ports.h"
#include "vtd-nested/device.h"

namespace test {

// Source-id 00:04.0 and others.
inline constexpr std::uint32_t kDevice = 0x0020;
inline constexpr std::uint32_t kOtherDevice = 0x0028;

// RTADDR bits 11:10.
inline constexpr std::uint64_t kTtmLegacy = 0;
inline constexpr std::uint64_t kTtmScalable = 1;
inline constexpr std::uint64_t kTtmReserved = 2;
inline constexpr std::uint64_t kTtmAbort = 3;

// First-stage entry bits. [VTD 9.7]
inline constexpr std::uint64_t kP = 1u << 0;
inline constexpr std::uint64_t kRW = 1u << 1;
inline constexpr std::uint64_t kUS = 1u << 2;
inline constexpr std::uint64_t kA = 1u << 5;
inline constexpr std::uint64_t kD = 1u << 6;
inline constexpr std::uint64_t kPS = 1u << 7;
inline constexpr std::uint64_t kEA = 1u << 10;
// Second-stage entry bits. [VTD 9.8]
inline constexpr std::uint64_t kR = 1u << 0;
inline constexpr std::uint64_t kW = 1u << 1;
inline constexpr std::uint64_t kSsPS = 1u << 7;
inline constexpr std::uint64_t kSsA = 1u << 8;
inline constexpr std::uint64_t kSsD = 1u << 9;
inline constexpr std::uint64_t kSNP = 1u << 11;

// Register offsets.
inline constexpr std::uint64_t kVer = 0x00, kCap = 0x08, kEcap = 0x10, kGcmd = 0x18, kGsts = 0x1c, kRtaddr = 0x20;
inline constexpr std::uint64_t kCcmd = 0x28, kFsts = 0x34, kFectl = 0x38, kFedata = 0x3c, kFeaddr = 0x40;
inline constexpr std::uint64_t kFeuaddr = 0x44, kPmen = 0x64, kPlmbase = 0x68, kPlmlimit = 0x6c, kPhmbase = 0x70;
inline constexpr std::uint64_t kPhmlimit = 0x78, kIqh = 0x80, kIqt = 0x88, kIqa = 0x90, kIcs = 0x9c, kIectl = 0xa0;
inline constexpr std::uint64_t kIedata = 0xa4, kIeaddr = 0xa8, kIeuaddr = 0xac, kIqercd = 0xb0;
inline constexpr std::uint64_t kPqh = 0xc0, kPqt = 0xc8, kPqa = 0xd0, kPrs = 0xdc, kPectl = 0xe0, kPedata = 0xe4;
inline constexpr std::uint64_t kPeaddr = 0xe8, kPeuaddr = 0xec;
// GCMD and GSTS bits.
inline constexpr std::uint32_t kTe = 1u << 31, kSrtp = 1u << 30, kWbf = 1u << 27, kQie = 1u << 26;
// FSTS bits.
inline constexpr std::uint32_t kPfo = 1u << 0, kPpf = 1u << 1, kIqe = 1u << 4, kIce = 1u << 5, kIte = 1u << 6;
// How long a device of a Guest may take to answer an Invalidate Request.
inline constexpr std::uint64_t kTimeout = 60'000'000'000;

// PRS bits.
inline constexpr std::uint32_t kPpr = 1u << 0, kPro = 1u << 1;
// What the page request event sends, as enable_page_requests sets it up.
inline constexpr Msi kPageEvent{0x1'fee0'3000, 0x4321};

// What a PASID table entry says. [VTD 9.6]
struct PasidSpec {
    unsigned pgtt = 1;  // 1 first, 2 second, 3 nested, 4 pass-through
    std::uint64_t did = 1;
    unsigned aw = 2;    // 1: 39, 2: 48, 3: 57 bits
    unsigned fspm = 0;  // 0: 4 levels, 1: 5 levels
    bool ssade = false;
    bool pwsnp = true;
    bool sre = false;
    bool wpe = false;
    bool eafe = false;
    bool fpd = false;
    bool pgsnp = false;
};

// What a scalable-mode context entry says beyond its directory. [VTD 9.4]
struct ContextSpec {
    unsigned pdts = 0;  // 2^(pdts+13) PASIDs
    std::uint64_t rid_pasid = 0;
    bool paside = true;
    bool rid_priv = false;
    bool fpd = false;
    bool dte = false;
    bool pre = false;
};

using Words4 = std::array<std::uint64_t, 4>;

class Guest {
  public:
    static constexpr std::uint64_t kRamBytes = 32 << 20;
    static constexpr std::uint64_t kFirstTable = 0x100000;  // tables are given out from here on

    explicit Guest(const vtd::Capabilities& asked = {}, std::uint32_t iotlb_entries = 1024);

    // ---- Tables
    std::uint64_t alloc_page();
    // 16-byte root entry and 16-byte context entry. `tt`: 0 translate, 2 pass-through. Returns the context entry's
    // address.
    std::uint64_t legacy_device(std::uint32_t requester, std::uint64_t did, unsigned aw = 2, unsigned tt = 0);
    // Scalable root half, context entry, directory and the entry for RID_PASID. Returns the PASID entry's address.
    std::uint64_t scalable_device(std::uint32_t requester, const PasidSpec& spec, const ContextSpec& context = {});
    // One more PASID of a device made by scalable_device. Tables are those of the Guest, as for RID_PASID.
    std::uint64_t add_pasid(std::uint32_t requester, std::uint32_t pasid, const PasidSpec& spec);
    std::uint64_t context_entry(std::uint32_t requester);                         // its address
    std::uint64_t directory_entry(std::uint32_t requester, std::uint32_t pasid);  // its address
    std::uint64_t pasid_entry(std::uint32_t requester, std::uint32_t pasid);      // its address
    std::uint64_t root_entry(std::uint32_t requester) const { return root + 16 * (requester >> 8); }
    void write_pasid_entry(std::uint64_t address, const PasidSpec& spec);

    // Page tables with `first_root`/`second_root` at the top; upper levels get all rights. `log2`: 12, 21, 30.
    // Each returns the address of the leaf entry.
    std::uint64_t map_first(std::uint64_t va, std::uint64_t output, std::uint64_t bits, unsigned log2 = 12);
    std::uint64_t map_second(std::uint64_t input, std::uint64_t output, std::uint64_t bits, unsigned log2 = 12);
    // The entry of a level (1 is the lowest) that serves the address in a table made before.
    std::uint64_t first_entry(std::uint64_t va, unsigned level);
    std::uint64_t second_entry(std::uint64_t input, unsigned level);
    // Nested: first-stage tables are reached through the second stage; maps guest RAM [0, bytes) to itself with 2 MiB
    // pages.
    void identity_second(std::uint64_t bits = kR | kW, std::uint64_t bytes = kRamBytes);

    unsigned first_levels = 4;
    unsigned second_levels = 4;
    std::uint64_t root = 0;
    std::uint64_t first_root = 0;
    std::uint64_t second_root = 0;

    // ---- Registers
    void w32(std::uint64_t offset, std::uint64_t value) { unit.write(offset, value, 4); }
    void w64(std::uint64_t offset, std::uint64_t value) { unit.write(offset, value, 8); }
    std::uint32_t r32(std::uint64_t offset) { return static_cast<std::uint32_t>(unit.read(offset, 4)); }
    std::uint64_t r64(std::uint64_t offset) { return unit.read(offset, 8); }
    // A command bit on top of the present state, as drivers write it.
    void command(std::uint32_t bit, bool on = true);
    // RTADDR, SRTP, TE.
    void enable(std::uint64_t ttm);
    void set_root(std::uint64_t ttm);

    // ---- Invalidation queue
    // QS=0 with 256-bit (or 128-bit) descriptors: 128 (256) entries.
    void enable_queue(bool wide = true);
    void submit(const Words4& descriptor);  // and moves the tail
    void put(const Words4& descriptor);     // without moving the tail
    void ring_doorbell() { w64(kIqt, queue_tail); }
    std::uint64_t queue = 0;
    std::uint64_t queue_tail = 0;
    bool queue_wide = true;

    // ---- Page request queue
    // 2^pages_log2 pages of 128 descriptors, and the event unmasked.
    void enable_page_requests(unsigned pages_log2 = 0);
    std::uint64_t page_queue = 0;
    Words4 page_descriptor(std::uint64_t position);

    // ---- Requests
    iommu::Reply ask(const iommu::Request& request) { return unit.translate(request); }
    iommu::Reply read(std::uint32_t requester, std::uint64_t iova);
    iommu::Reply write(std::uint32_t requester, std::uint64_t iova);
    iommu::Reply atomic(std::uint32_t requester, std::uint64_t iova);
    iommu::Reply read(std::uint32_t requester, std::uint32_t pasid, std::uint64_t iova);
    iommu::Reply write(std::uint32_t requester, std::uint32_t pasid, std::uint64_t iova);

    // ---- Devices with translations of their own
    // `requester` answers the ITags that are set in the vector.
    void answer(std::uint32_t requester, std::uint32_t itag_vector, unsigned count = 1) {
        unit.invalidate_completed(
            {.requester = iommu::RequesterId{requester}, .itag_vector = itag_vector, .count = count});
    }
    // The guest's time, and what the owner of the unit does when its deadline has come.
    void at(std::uint64_t time_ns) {
        ports.time_ns = time_ns;
        unit.tick();
    }

    // ---- Fault records
    struct Record {
        std::uint64_t low = 0;
        std::uint64_t high = 0;
        [[nodiscard]] bool fault() const { return (high >> 63 & 1) != 0; }
        [[nodiscard]] unsigned reason() const { return high >> 32 & 0xff; }
        [[nodiscard]] unsigned sid() const { return high & 0xffff; }
        [[nodiscard]] unsigned type() const { return (high >> 62 & 1) << 1 | (high >> 28 & 1); }  // T1 T2
        [[nodiscard]] bool pasid_present() const { return (high >> 31 & 1) != 0; }
        [[nodiscard]] unsigned pasid() const { return high >> 40 & 0xfffff; }
        friend bool operator==(const Record&, const Record&) = default;
    };
    Record record(unsigned index);
    void clear_record(unsigned index);
    // The reason of the one record there is, which is cleared; 0 when there is none. Fails the test when there are two.
    unsigned take_fault();

    // Every table, entry by entry: all pages given out so far.
    std::vector<std::uint64_t> tables() { return ram.copy(kFirstTable, next_page_); }
    // Sets the root table again, which makes the unit forget all it cached (with ESRTPS).
    void forget() { command(kSrtp); }

    std::uint64_t peek(std::uint64_t address) { return ram.peek(address); }
    void poke(std::uint64_t address, std::uint64_t value) { ram.poke(address, value); }
    void flip(std::uint64_t address, unsigned bit) {
        poke(address + bit / 64 * 8, peek(address + bit / 64 * 8) ^ 1ull << bit % 64);
    }

    FakePorts ports;
    FakeRam ram{kRamBytes};
    vtd::Unit unit;

  private:
    std::uint64_t map(std::uint64_t top, unsigned levels, std::uint64_t address, std::uint64_t leaf, unsigned log2,
                      std::uint64_t table_bits);
    std::uint64_t entry_at(std::uint64_t top, unsigned levels, std::uint64_t address, unsigned level);
    std::uint64_t next_page_ = kFirstTable;
    std::set<unsigned> scalable_buses_;
};

// Another unit over the same guest memory, as after a migration.
struct Taken {
    explicit Taken(Guest& guest, const vtd::Capabilities& asked = {})
        : unit(*vtd::settle(asked), iommu::Tuning{.iotlb_entries = 1024}, ports.references()) {
        const std::array ranges{guest.ram.range()};
        unit.memory().set_ram(ranges);
    }
    FakePorts ports;
    vtd::Unit unit;
};

// Descriptors. [VTD 6.5.2]
Words4 context_cache(unsigned g, std::uint64_t did = 0, std::uint64_t sid = 0, unsigned fm = 0);
Words4 iotlb(unsigned g, std::uint64_t did = 0, std::uint64_t address = 0, unsigned am = 0, bool ih = false);
Words4 pasid_iotlb(unsigned g, std::uint64_t did, std::uint64_t pasid, std::uint64_t address = 0, unsigned am = 0,
                   bool ih = false);
Words4 pasid_cache(unsigned g, std::uint64_t did = 0, std::uint64_t pasid = 0);
Words4 wait_status(std::uint64_t address, std::uint32_t data, bool interrupt = false, bool fence = false);
Words4 wait_interrupt();
// Of what devices keep themselves. `address` holds the S encoding of a block when `larger`.
struct Throttled {
    unsigned mip = 0;
    std::uint64_t pfsid = 0;
};
Words4 device_tlb(std::uint64_t sid, std::uint64_t address = 0, bool larger = false, const Throttled& throttled = {});
Words4 pasid_device_tlb(std::uint64_t sid, std::uint64_t pasid, std::uint64_t address = 0, bool larger = false,
                        bool global = false, const Throttled& throttled = {});
Words4 page_response(std::uint32_t requester, unsigned prgi, unsigned rc);
Words4 page_response(std::uint32_t requester, std::uint32_t pasid, unsigned prgi, unsigned rc);

}  // namespace test

#endif  // TESTS_SUPPORT_VTD_GUEST_H
