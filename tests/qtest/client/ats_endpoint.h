// SPDX-License-Identifier: GPL-2.0-or-later
//
// AtsEndpoint: our PCI device with a device TLB, as a driver uses it; and how to make it lie.
//
//     QemuProcess qemu({.arguments = {"-device", AtsEndpoint::option}});
//     AtsEndpoint endpoint(qemu.qtest(), pci.find(AtsEndpoint::id));
//     endpoint.enable_ats();
//     CHECK(endpoint.run({.op = Op::Write, .via = Via::Atc, .destination = iova, .length = 8}) == Code::Success);
//
// It works from the main loop, and nothing it does takes virtual time unless told so: `run` needs no step of the clock.
// Its answers to invalidations are sent when `answer_delay_ns` has passed, which is 0 here until a test says otherwise.
#ifndef QTEST_ATS_ENDPOINT_H
#define QTEST_ATS_ENDPOINT_H

#include <cstdint>

#include "client/pci_bus.h"
#include "client/qtest.h"

namespace qtest {

// Offsets in BAR 0, typed in from the register page; those of channels count from the channel.
namespace endpoint_reg {
inline constexpr std::uint32_t id = 0x000, enables = 0x008, control = 0x00c, atc_used = 0x01c;
inline constexpr std::uint32_t last_invalidate = 0x030, last_first = 0x038, last_last = 0x040, last_response = 0x048;
inline constexpr std::uint32_t answer_delay_ns = 0x050, late_delay_ns = 0x058, vanish_us = 0x070, unasked = 0x074;
inline constexpr std::uint32_t drop_answers = 0x078, late_answers = 0x07c, wrong_itags = 0x080, twice_answers = 0x084;
inline constexpr std::uint32_t wrong_requesters = 0x088, requester = 0x098;
inline constexpr std::uint32_t invalidates = 0x114, answers = 0x128, page_requests = 0x130, stop_markers = 0x134;
inline constexpr std::uint32_t responses_success = 0x138, responses_invalid = 0x13c, responses_failure = 0x140;
inline constexpr std::uint32_t responses_unexpected = 0x144;
}  // namespace endpoint_reg

// PAGES of an operation.
namespace endpoint_pages {
inline constexpr std::uint32_t read = 1u << 26, write = 1u << 27, last = 1u << 28, wait = 1u << 31;
[[nodiscard]] constexpr std::uint32_t group(unsigned index, unsigned count = 1) { return index | count << 16; }
}  // namespace endpoint_pages

// PASID of an operation.
namespace endpoint_pasid {
inline constexpr std::uint32_t valid = 1u << 31, exec = 1u << 30, priv = 1u << 29;
}  // namespace endpoint_pasid

enum class Op : std::uint8_t {
    Read = 1,
    Write = 2,
    Copy = 3,
    TranslationRequest = 7,
    PageRequest = 8,
    StopMarker = 9,
};
enum class Via : std::uint8_t { Untranslated = 0, Atc = 1, Translated = 2 };
enum class Code : std::uint8_t {
    None = 0,
    Success = 1,
    UnsupportedRequest = 2,
    CompleterAbort = 3,
    TimeOut = 4,
    NoRights = 5,
    PageRefused = 6,
    ResponseFailure = 7,
    Refused = 8,
    Cancelled = 9,
};

struct EndpointOperation {
    Op op = Op::Read;
    Via via = Via::Untranslated;
    std::uint64_t source = 0;
    std::uint64_t destination = 0;
    std::uint64_t length = 0;
    std::uint32_t pages = 0;  // PAGES
    std::uint32_t pasid = 0;  // PASID, with its VALID bit
    bool no_write = false;    // NW
    bool can_stall = false;   // CAN_STALL
};

// The answer to a translation request.
struct EndpointTranslation {
    unsigned status = 0;  // 0 success, 1 unsupported request, 2 completer abort
    bool read = false, write = false, execute = false, privileged = false, global = false;
    bool untranslated = false;  // U
    bool no_snoop = false;      // N
    unsigned size_log2 = 0;
    std::uint64_t address = 0;

    friend bool operator==(const EndpointTranslation&, const EndpointTranslation&) = default;
};

class AtsEndpoint {
  public:
    static constexpr const char* option = "ats-endpoint";
    static constexpr PciId id{0x1234, 0xa75e};

    // Maps its registers and lets it do DMA.
    AtsEndpoint(Qtest& qtest, const PciFunction& function);
    // Of a machine that arrives with its registers at `bar`.
    AtsEndpoint(Qtest& qtest, const PciFunction& function, std::uint64_t bar)
        : qtest_(&qtest), function_(function), bar_(bar) {}

    [[nodiscard]] const PciFunction& function() const { return function_; }
    [[nodiscard]] std::uint16_t requester_id() const { return function_.address().requester_id(); }
    [[nodiscard]] std::uint64_t bar() const { return bar_; }

    // In configuration space.
    void enable_ats(bool on = true) const;
    void enable_pri(std::uint32_t outstanding = 64) const;
    void enable_pasid() const;
    // Function Level Reset. Its registers have no address then.
    void reset_function() const;

    void start(const EndpointOperation& operation, unsigned channel = 0);
    [[nodiscard]] bool busy(unsigned channel = 0);
    [[nodiscard]] bool stalled(unsigned channel = 0);
    [[nodiscard]] bool waits_for_response(unsigned channel = 0);
    // What became of it; None if it does not end.
    [[nodiscard]] Code finish(unsigned channel = 0);
    [[nodiscard]] Code run(const EndpointOperation& operation, unsigned channel = 0);
    // What the unit gave as its reason when the first transaction failed.
    [[nodiscard]] unsigned reason(unsigned channel = 0);
    [[nodiscard]] EndpointTranslation translation(unsigned channel = 0);

    // The 4 KiB inside the device that channel 0 moves data from and to.
    [[nodiscard]] std::uint64_t window(unsigned channel = 0) const { return bar_ + 0x8000 + 0x1000ull * channel; }

    [[nodiscard]] std::uint32_t get(std::uint32_t offset) { return qtest_->readl(bar_ + offset); }
    [[nodiscard]] std::uint64_t get64(std::uint32_t offset) { return qtest_->readq(bar_ + offset); }
    void set(std::uint32_t offset, std::uint32_t value) { qtest_->writel(bar_ + offset, value); }
    void set64(std::uint32_t offset, std::uint64_t value) { qtest_->writeq(bar_ + offset, value); }

  private:
    [[nodiscard]] std::uint64_t channel_register(unsigned channel, std::uint32_t offset) const {
        return bar_ + 0x1000 + 0x100ull * channel + offset;
    }

    Qtest* qtest_;
    PciFunction function_;
    std::uint64_t bar_ = 0;
};

}  // namespace qtest

#endif  // QTEST_ATS_ENDPOINT_H
