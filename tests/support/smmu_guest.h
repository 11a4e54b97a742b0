// SPDX-License-Identifier: GPL-2.0-or-later
//
// smmu_guest: the driver's side of an SMMUv3, for tests.
//
// It builds stream tables, context descriptors, translation tables of both stages and queues in guest memory, and
// drives the registers in the order of Linux, from bit positions typed from the manual. It shares no code with the
// unit: a wrong layout there cannot agree with itself here.
//
//     Guest guest;                                     // a unit with default capabilities
//     guest.stream(kStream, {.config = kStage1});      // STE, CD
//     guest.map(guest.low, 0x4000, 0x1800000, kPage);  // stage 1, TTB0
//     guest.bring_up();
//     guest.ask(read_at(0x4000));                      // a Reply
//     guest.take_event();                              // the record, if there is one
#ifndef TESTS_SUPPORT_SMMU_GUEST_H
#define TESTS_SUPPORT_SMMU_GUEST_H

#include <array>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "fake_ports.h"
#include "smmuv3-nested/device.h"

namespace test::smmu {

inline constexpr std::uint32_t kStream = 5;
inline constexpr std::uint32_t kOtherStream = 6;
// No RAM is here, in any Guest; within 40 bits.
inline constexpr std::uint64_t kNoRam = 0x80'0000'0000;

// STE.Config.
inline constexpr unsigned kBypass = 4, kStage1 = 5, kStage2 = 6, kNested = 7;

// Stage-1 descriptor bits. [ARM D8.3.1]
inline constexpr std::uint64_t kAp1 = 1u << 6, kAp2 = 1u << 7;  // unprivileged access; no write
inline constexpr std::uint64_t kAf = 1u << 10, kNg = 1u << 11;
inline constexpr std::uint64_t kDbm = 1ull << 51, kContiguous = 1ull << 52;
inline constexpr std::uint64_t kPxn = 1ull << 53, kUxn = 1ull << 54;
inline constexpr std::uint64_t kPxnTable = 1ull << 59, kUxnTable = 1ull << 60;
inline constexpr std::uint64_t kApTable0 = 1ull << 61, kApTable1 = 1ull << 62;  // no unprivileged; no write
inline constexpr std::uint64_t kPage = kAp1 | kAf | kNg;                        // user, read and write
// Stage-2 descriptor bits.
inline constexpr std::uint64_t kS2R = 1u << 6, kS2W = 1u << 7;
inline constexpr std::uint64_t kS2Normal = 0xfu << 2;
inline constexpr std::uint64_t kS2Xn0 = 1ull << 53, kS2Xn1 = 1ull << 54;
inline constexpr std::uint64_t kS2Page = kS2R | kS2W | kS2Normal | kAf;

// Register offsets. [SMMU 6.2]
inline constexpr std::uint64_t kIdr0 = 0x0, kIdr1 = 0x4, kIdr3 = 0xc, kIdr5 = 0x14, kCr0 = 0x20, kCr0ack = 0x24;
inline constexpr std::uint64_t kCr1 = 0x28, kCr2 = 0x2c, kGbpa = 0x44, kIrqCtrl = 0x50, kIrqCtrlack = 0x54;
inline constexpr std::uint64_t kGerror = 0x60, kGerrorn = 0x64, kGerrorIrqCfg0 = 0x68, kGerrorIrqCfg1 = 0x70;
inline constexpr std::uint64_t kGerrorIrqCfg2 = 0x74, kStrtabBase = 0x80, kStrtabBaseCfg = 0x88, kCmdqBase = 0x90;
inline constexpr std::uint64_t kCmdqProd = 0x98, kCmdqCons = 0x9c, kEventqBase = 0xa0, kEventqIrqCfg0 = 0xb0;
inline constexpr std::uint64_t kEventqIrqCfg1 = 0xb8, kEventqIrqCfg2 = 0xbc;
inline constexpr std::uint64_t kEventqProd = 0x100a8, kEventqCons = 0x100ac;
inline constexpr std::uint64_t kPriqBase = 0xc0, kPriqIrqCfg0 = 0xd0, kPriqIrqCfg1 = 0xd8, kPriqIrqCfg2 = 0xdc;
inline constexpr std::uint64_t kPriqProd = 0x100c8, kPriqCons = 0x100cc;
// CR0 bits.
inline constexpr std::uint32_t kSmmuEn = 1u << 0, kPriqEn = 1u << 1, kEventqEn = 1u << 2, kCmdqEn = 1u << 3;
inline constexpr std::uint32_t kAtschk = 1u << 4;

// The tables of one TTB or of stage 2. Levels are the manual's: 3 has the pages.
struct Tables {
    unsigned granule_log2 = 12;
    int start_level = 0;
    unsigned input_bits = 48;
    bool wide = false;  // 52-bit addresses: DS, or 64K with OAS=52
    std::uint64_t root = 0;
};

// What an STE says, but for its tables. [SMMU 5.2]
struct SteSpec {
    unsigned config = kStage1;
    unsigned s1fmt = 0;    // 1: 4K leaves, 2: 64K leaves
    unsigned s1cdmax = 0;  // log2 of the CDs
    unsigned s1dss = 0;
    unsigned strw = 0;
    std::uint64_t vmid = 3;
    bool s2affd = false;
    bool s2ptw = false;
    bool s2ha = false;
    bool s2hd = false;
    bool s2s = false;
    bool s2r = true;
    bool s2fwb = false;
    unsigned eats = 0;
    bool ppar = false;
};

// What a CD says, but for its tables. TTB1 is used when Guest::high has a root. [SMMU 5.4]
struct CdSpec {
    std::uint64_t asid = 1;
    bool affd = false;
    bool ha = false;
    bool hd = false;
    bool a = true;
    bool r = true;
    bool s = false;
};

using Command = std::array<std::uint64_t, 2>;

// One record of the event queue. [SMMU 7.3]
struct Event {
    std::array<std::uint64_t, 4> words{};
    [[nodiscard]] std::uint64_t bits(unsigned high, unsigned low) const {
        return words[low / 64] >> low % 64 & (high - low == 63 ? ~0ull : (1ull << (high - low + 1)) - 1);
    }
    [[nodiscard]] unsigned type() const { return static_cast<unsigned>(bits(7, 0)); }
    [[nodiscard]] bool ssv() const { return bits(11, 11) != 0; }
    [[nodiscard]] std::uint64_t substream() const { return bits(31, 12); }
    [[nodiscard]] std::uint64_t stream() const { return bits(63, 32); }
    [[nodiscard]] std::uint16_t stag() const { return static_cast<std::uint16_t>(bits(79, 64)); }
    [[nodiscard]] bool stall() const { return bits(95, 95) != 0; }
    [[nodiscard]] bool pnu() const { return bits(97, 97) != 0; }
    [[nodiscard]] bool ind() const { return bits(98, 98) != 0; }
    [[nodiscard]] bool rnw() const { return bits(99, 99) != 0; }
    [[nodiscard]] bool s2() const { return bits(103, 103) != 0; }
    [[nodiscard]] unsigned input_class() const { return static_cast<unsigned>(bits(105, 104)); }
    [[nodiscard]] bool ttrnw() const { return bits(108, 108) != 0; }
    [[nodiscard]] std::uint64_t input() const { return words[2]; }
    [[nodiscard]] std::uint64_t ipa() const { return words[3] & 0x00fffffffffff000; }
    [[nodiscard]] std::uint64_t fetch_address() const { return words[3] & 0x00fffffffffffff8; }
    friend bool operator==(const Event&, const Event&) = default;
};

class Guest {
  public:
    static constexpr std::uint64_t kRamBytes = 32 << 20;
    static constexpr std::uint64_t kFirstTable = 0x100000;  // tables are given out from here, to the middle of RAM

    explicit Guest(const smmuv3::Capabilities& asked = {}, std::uint32_t iotlb_entries = 1024);

    // ---- Structures. Addresses are of guest memory.
    std::uint64_t alloc(std::uint64_t bytes = 0x1000);  // zeroed, aligned to its size
    // Replaces the linear table of 64 STEs that a Guest begins with. Before streams are made.
    void linear_stream_table(unsigned log2size);
    void two_level_stream_table(unsigned log2size, unsigned split);
    std::uint64_t ste(std::uint32_t stream);    // of the STE; its level-2 table must exist
    std::uint64_t l1std(std::uint32_t stream);  // of the level-1 descriptor
    // Writes STE and, where stage 1 is used, CD 0 with a table as large as S1CDMax says. Returns the STE's address.
    std::uint64_t stream(std::uint32_t stream, const SteSpec& spec = {}, const CdSpec& cd = {});
    void write_ste(std::uint32_t stream, const SteSpec& spec);
    void write_cd(std::uint64_t at, const CdSpec& spec);
    // Of the CD, whose leaf table is made if there is none; and of the level-1 descriptor.
    std::uint64_t cd(std::uint32_t stream, std::uint32_t substream = 0);
    std::uint64_t l1cd(std::uint32_t stream, std::uint32_t substream = 0);

    // ---- Translation tables
    // A new first table: of `low`, `high` or `second`, before the stream is made.
    void format(Tables& tables, unsigned granule_log2, int start_level, unsigned input_bits, bool wide = false);
    // Maps with a page, or a block of the level; the type bits are added. Returns the address of the leaf descriptor.
    std::uint64_t map(const Tables& tables, std::uint64_t input, std::uint64_t output, std::uint64_t bits,
                      int level = 3);
    // Of the descriptor of a level for the address; the tables above it exist.
    std::uint64_t entry(const Tables& tables, std::uint64_t input, int level);
    // Guest RAM at its own address in stage 2, so that stage 1's tables are found.
    void identity_second(std::uint64_t bits = kS2Page);

    Tables low{};     // TTB0
    Tables high{};    // TTB1: made by format()
    Tables second{};  // S2TTB

    // ---- Registers
    void w32(std::uint64_t offset, std::uint64_t value) { unit.write(offset, value, 4); }
    void w64(std::uint64_t offset, std::uint64_t value) { unit.write(offset, value, 8); }
    std::uint32_t r32(std::uint64_t offset) { return static_cast<std::uint32_t>(unit.read(offset, 4)); }
    std::uint64_t r64(std::uint64_t offset) { return unit.read(offset, 8); }
    // All as Linux does it up to SMMUEN=1; RECINVSID is set. `bits` more of CR0 with it.
    void bring_up(std::uint32_t bits = 0);
    void set_cr0(std::uint32_t value) { w32(kCr0, value); }
    std::uint32_t cr2 = 1u << 1;
    unsigned cmdq_log2 = 7;    // entries
    unsigned eventq_log2 = 4;  // entries

    // ---- Command queue
    void put(const Command& command);  // without moving PROD
    void ring_doorbell() { w32(kCmdqProd, cmdq_prod); }
    void submit(const Command& command);
    // CFGI_ALL and TLBI_NSNH_ALL.
    void forget();
    std::uint64_t cmdq = 0;
    std::uint32_t cmdq_prod = 0;

    // ---- Events
    // The oldest that was not read; CONS moves on.
    std::optional<Event> take_event();
    std::vector<Event> take_events();
    std::uint64_t eventq = 0;

    // ---- Page requests
    // An empty queue of 2^log2 entries, enabled.
    void priq_on(unsigned log2);
    // The oldest entry that was not read; CONS moves on.
    std::optional<std::array<std::uint64_t, 2>> take_page_request();
    std::uint64_t priq = 0x2000;  // below the tables, up to 512 entries
    unsigned priq_log2 = 0;

    // ---- Requests and memory
    // A Translation Request; `Access::Read` is NW=1.
    iommu::TranslationCompletion ats(const iommu::Request& request) { return unit.translation_request(request); }
    iommu::Reply ask(const iommu::Request& request, smmuv3::CanStall can_stall = smmuv3::CanStall::No) {
        return unit.translate(request, can_stall);
    }
    // Every table: all that was given out so far. The event queue is elsewhere.
    std::vector<std::uint64_t> tables() { return ram.copy(kFirstTable, next_); }
    std::uint64_t peek(std::uint64_t address) { return ram.peek(address); }
    void poke(std::uint64_t address, std::uint64_t value) { ram.poke(address, value); }
    // Bits counted from the first of a structure, as the manual prints them; within one doubleword.
    void set(std::uint64_t structure, unsigned high, unsigned low_bit, std::uint64_t value);
    [[nodiscard]] std::uint64_t get(std::uint64_t structure, unsigned high, unsigned low_bit);

    FakePorts ports;
    FakeRam ram{kRamBytes};
    smmuv3::Unit unit;

  private:
    std::uint64_t descriptor(const Tables& tables, std::uint64_t address) const;
    std::uint64_t strtab_ = 0;
    std::uint32_t strtab_cfg_ = 0;
    std::uint64_t next_ = kFirstTable;
};

// ---- Requests of kStream
iommu::Request read_at(std::uint64_t iova);
iommu::Request write_at(std::uint64_t iova);
iommu::Request atomic_at(std::uint64_t iova);
iommu::Request with_substream(iommu::Request request, std::uint32_t substream);
iommu::Request from(std::uint32_t stream, iommu::Request request);
iommu::Request privileged(iommu::Request request);
iommu::Request executing(iommu::Request request);
iommu::Request debugging(iommu::Request request);
iommu::Request translated(iommu::Request request);

// ---- Commands. [SMMU 4.1.1 and following]
Command cfgi_ste(std::uint32_t stream);
Command cfgi_all();
Command cfgi_cd(std::uint32_t stream, std::uint32_t substream);
Command cfgi_cd_all(std::uint32_t stream);
Command tlbi_nh_all(std::uint64_t vmid);
Command tlbi_nh_asid(std::uint64_t vmid, std::uint64_t asid);
Command tlbi_nh_va(std::uint64_t vmid, std::uint64_t asid, std::uint64_t address, bool leaf = true);
Command tlbi_nh_vaa(std::uint64_t vmid, std::uint64_t address);
Command tlbi_el2_all();
Command tlbi_el2_va(std::uint64_t asid, std::uint64_t address);
Command tlbi_s12_vmall(std::uint64_t vmid);
Command tlbi_s2_ipa(std::uint64_t vmid, std::uint64_t ipa);
Command tlbi_nsnh_all();
// 2^(12+size) bytes; 52 is everything.
Command atc_inv(std::uint32_t stream, unsigned size = 52, std::uint64_t address = 0);
// Resp: 0 failure, 1 invalid request, 2 success.
Command pri_resp(std::uint32_t stream, unsigned index, unsigned resp);
// SSV=1; G is of ATC_INV.
Command with_substream(Command command, std::uint32_t substream, bool global = false);
// Ac: retry; else terminated, with an abort (Ab) or as RAZ/WI.
Command resume(std::uint32_t stream, std::uint16_t stag, bool ac, bool ab);
Command stall_term(std::uint32_t stream);
// CS: 0 none, 1 interrupt, 2 SEV.
Command cmd_sync(unsigned cs = 0, std::uint64_t msi_address = 0, std::uint32_t msi_data = 0);

}  // namespace test::smmu

#endif  // TESTS_SUPPORT_SMMU_GUEST_H
