// SPDX-License-Identifier: GPL-2.0-or-later
//
// sides: each unit behind one set of names, so that one test holds for both.
//
//     Side side;                         // VtdSide or SmmuSide: a device, tables, a queue; nothing is enabled
//     side.map(0x4000, 0x1800000);
//     side.turn_on();
//     side.ask(0x4000);                  // a Reply
//     side.queue_page_invalidation(0x4000);
//     side.queue_status_and_message(1);
//     side.ring();
//
// Only what both architectures promise is here; what one of them does in its own way is in the tests of that unit.
#ifndef TESTS_UNIT_CONTRACT_SIDES_H
#define TESTS_UNIT_CONTRACT_SIDES_H

#include <cstdint>
#include <vector>

#include "smmu_guest.h"
#include "vtd_guest.h"

namespace test::contract {

inline constexpr std::uint64_t kStatus = 0x1f00000;        // where a queue writes its status words
inline constexpr std::uint64_t kDoorbell = 0xfee00000;     // where messages go
inline constexpr std::uint64_t kOutside = 0x20'0000'0000;  // no RAM is here
inline constexpr std::uint32_t kQueueEntries = 8192;

// First stage, scalable mode. Without ESRTPS: a new root table drops nothing by itself.
class VtdSide {
  public:
    VtdSide();
    void map(std::uint64_t iova, std::uint64_t output);     // or maps anew
    void turn_on();                                         // queue, events, translation
    void turn_on_blindly() { guest.enable(kTtmScalable); }  // translation alone: nothing is invalidated
    [[nodiscard]] bool is_on() { return (guest.r32(kGsts) & kTe) != 0; }
    [[nodiscard]] iommu::Reply ask(std::uint64_t iova);

    // In the queue; ring() hands over what was put there. The message follows the status word, and all before it.
    void queue_page_invalidation(std::uint64_t iova);
    void queue_status(std::uint32_t value);
    void queue_status_and_message(std::uint32_t value);
    void ring();
    [[nodiscard]] std::uint32_t status() { return guest.ram.peek32(kStatus); }

    void lose_queue();     // its base is outside RAM
    void recover_queue();  // a good base, the error acknowledged
    [[nodiscard]] bool queue_stopped() { return (guest.r32(kFsts) & kIqe) != 0; }

    // The addresses of the faults that were recorded; they are cleared.
    std::vector<std::uint64_t> take_records();

    Guest guest;

  private:
    void put(const Words4& descriptor);
    std::uint32_t tail_ = 0;
};

// Stage 1.
class SmmuSide {
  public:
    SmmuSide();
    void map(std::uint64_t iova, std::uint64_t output);
    void turn_on() { guest.bring_up(); }
    void turn_on_blindly();
    [[nodiscard]] bool is_on() { return (guest.r32(smmu::kCr0ack) & smmu::kSmmuEn) != 0; }
    [[nodiscard]] iommu::Reply ask(std::uint64_t iova) { return guest.ask(smmu::read_at(iova)); }

    void queue_page_invalidation(std::uint64_t iova);
    void queue_status(std::uint32_t value) { guest.put(smmu::cmd_sync(1, kStatus, value)); }
    void queue_status_and_message(std::uint32_t value);
    void ring() { guest.ring_doorbell(); }
    [[nodiscard]] std::uint32_t status() { return guest.ram.peek32(kStatus); }

    void lose_queue();
    void recover_queue();
    [[nodiscard]] bool queue_stopped() { return ((guest.r32(smmu::kGerror) ^ guest.r32(smmu::kGerrorn)) & 1) != 0; }

    std::vector<std::uint64_t> take_records();

    smmu::Guest guest;
};

}  // namespace test::contract

#endif  // TESTS_UNIT_CONTRACT_SIDES_H
