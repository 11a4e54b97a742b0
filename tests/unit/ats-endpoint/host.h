// SPDX-License-Identifier: GPL-2.0-or-later
//
// host: what is around an endpoint in its tests: a unit that answers what the test says, memory, a clock, and the
// driver's side of the registers. Words and offsets are those of ats-endpoint-regs.h, not of the device's declarations.
#ifndef TESTS_UNIT_ATS_ENDPOINT_HOST_H
#define TESTS_UNIT_ATS_ENDPOINT_HOST_H

#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "ats-endpoint-regs.h"
#include "ats-endpoint/device.h"

namespace test {

inline constexpr std::uint32_t kUs = 0x0100;
inline constexpr std::uint64_t kRamBytes = 0x100000;

inline constexpr std::uint32_t kAtsOn = 0x80000000;
inline constexpr std::uint32_t kPasidOn = 0x00010000;
inline constexpr std::uint32_t kPriOn = 0x80000001;  // PRG Response PASID Required, Enable
inline constexpr std::uint32_t kPriOff = 0x80000000;

// Bits of a word, at the mask's place.
inline std::uint64_t in(std::uint64_t word, std::uint64_t mask) { return (word & mask) / (mask & (0 - mask)); }
inline std::uint32_t at(std::uint64_t value, std::uint64_t mask) {
    return static_cast<std::uint32_t>(value * (mask & (0 - mask)));
}

// A page as the unit translates it.
struct Page {
    std::uint64_t to = 0;
    iommu::Rights rights = iommu::Rights::ReadWrite;
    unsigned page_log2 = 12;
    bool execute = false;
    bool privileged = false;
    bool global = false;
    bool untranslated_only = false;
    bool no_snoop = false;
};

class Host : public endpoint::Upstream,
             public endpoint::Memory,
             public endpoint::Interrupt,
             public endpoint::Clock,
             public endpoint::ConfigSpace {
  public:
    // ---- What the unit does. Pages by their first address; one that is not there faults with reason 0x71.
    bool unit = true;
    std::map<std::uint64_t, Page> pages;
    iommu::CompletionStatus status = iommu::CompletionStatus::Success;
    std::function<void()> on_translation_request;
    std::function<void(const iommu::PageRequest&)> on_page_request;
    std::function<void(const iommu::InvalidateCompletion&)> on_completed;
    std::optional<std::uint16_t> stall_with;  // the next untranslated request
    bool discard = false;

    // ---- What was seen
    struct Asked {
        iommu::Request request;
        endpoint::CanStall can_stall;
    };
    std::vector<Asked> requests;
    std::vector<iommu::Request> translation_requests;
    std::vector<iommu::PageRequest> page_requests;
    std::vector<iommu::InvalidateCompletion> completions;
    std::vector<std::uint64_t> completed_at;
    std::vector<unsigned> interrupts;
    std::vector<endpoint::Space> spaces;
    unsigned kicks = 0;
    unsigned deadlines_changed = 0;
    unsigned statuses_changed = 0;
    std::uint64_t time_ns = 1000;
    std::vector<std::uint8_t> ram = std::vector<std::uint8_t>(kRamBytes);
    std::function<void()> on_memory;
    unsigned lost_exchanges = 0;  // a processor is faster that often

    iommu::RequesterId requester() override { return {kUs}; }

    std::optional<iommu::Reply> translate(const iommu::Request& request, endpoint::CanStall can_stall) override {
        requests.push_back({request, can_stall});
        if (!unit) return std::nullopt;
        if (request.kind == iommu::RequestKind::Translated)
            return iommu::Reply::translated({iommu::Pa{request.iova.value}, 12, iommu::Rights::ReadWrite});
        if (stall_with) {
            const iommu::Reply held{iommu::Outcome::Stalled, {}, 0, *stall_with};
            stall_with.reset();
            return held;
        }
        if (discard) return iommu::Reply{iommu::Outcome::Discarded, {}, 0, 0};
        const Page* page = find(request.iova.value);
        if (page == nullptr || !iommu::covers(page->rights, iommu::needed(request.access)))
            return iommu::Reply::blocked(0x71);
        return iommu::Reply::translated({address(*page, request.iova.value), page->page_log2, page->rights});
    }

    iommu::TranslationCompletion translation_request(const iommu::Request& request) override {
        translation_requests.push_back(request);
        iommu::TranslationCompletion completion;
        completion.status = status;
        completion.reason = status == iommu::CompletionStatus::Success ? 0 : 0x59;
        if (const Page* page = find(request.iova.value)) {
            completion.address = address(*page, request.iova.value);
            completion.page_log2 = page->page_log2;
            completion.rights = page->rights;
            completion.execute = page->execute;
            completion.privileged = page->privileged;
            completion.global = page->global;
            completion.untranslated_only = page->untranslated_only;
            completion.no_snoop = page->no_snoop;
        }
        if (on_translation_request) on_translation_request();
        return completion;
    }
    void page_request(const iommu::PageRequest& request) override {
        page_requests.push_back(request);
        if (on_page_request) on_page_request(request);
    }
    void invalidate_completed(const iommu::InvalidateCompletion& completion) override {
        completions.push_back(completion);
        completed_at.push_back(time_ns);
        if (on_completed) on_completed(completion);
    }

    bool read(endpoint::Space space, std::uint64_t from, std::span<std::byte> to) override {
        spaces.push_back(space);
        if (on_memory) on_memory();
        if (from > ram.size() || to.size() > ram.size() - from) return false;
        std::memcpy(to.data(), ram.data() + from, to.size());
        return true;
    }
    bool write(endpoint::Space space, std::uint64_t to, std::span<const std::byte> from) override {
        spaces.push_back(space);
        if (on_memory) on_memory();
        if (to > ram.size() || from.size() > ram.size() - to) return false;
        std::memcpy(ram.data() + to, from.data(), from.size());
        return true;
    }
    std::optional<std::uint64_t> compare_exchange(endpoint::Space space, std::uint64_t place, unsigned bytes,
                                                  std::uint64_t expected, std::uint64_t desired) override {
        spaces.push_back(space);
        if (place > ram.size() || bytes > ram.size() - place) return std::nullopt;
        if (lost_exchanges > 0 && lost_exchanges-- > 0) ++ram[place];
        std::uint64_t found = 0;
        std::memcpy(&found, ram.data() + place, bytes);
        if (found == expected) std::memcpy(ram.data() + place, &desired, bytes);
        return found;
    }
    void msix(unsigned vector) override { interrupts.push_back(vector); }
    std::uint64_t now_ns() override { return time_ns; }
    void kick() override { ++kicks; }
    void deadline_changed() override { ++deadlines_changed; }
    void pri_status_changed() override { ++statuses_changed; }

    [[nodiscard]] endpoint::Ports references() { return {*this, *this, *this, *this, *this}; }

  private:
    [[nodiscard]] const Page* find(std::uint64_t iova) const {
        for (const auto& [from, page] : pages) {
            if (iova >= from && iova - from <= iommu::low_bits(page.page_log2)) return &page;
        }
        return nullptr;
    }
    static iommu::Pa address(const Page& page, std::uint64_t iova) {
        return iommu::Pa{page.to + (iova & iommu::low_bits(page.page_log2))};
    }
};

// An endpoint in its host, with ATS, PASID and PRI on and 16 page requests allocated.
struct Bench {
    Host host;
    endpoint::Endpoint device;

    explicit Bench(const endpoint::Options& options = {}) : device(options, host.references()) { enable(); }

    void enable(std::uint32_t ats = kAtsOn, std::uint32_t pri = kPriOn, std::uint32_t allocation = 16) {
        device.configure({.bus_master = true,
                          .ats = iommu::Value<endpoint::ATS_CAPABILITY>{ats},
                          .pasid = iommu::Value<endpoint::PASID_CAPABILITY>{kPasidOn},
                          .pri = iommu::Value<endpoint::PRI_CONTROL>{pri},
                          .pri_allocation = allocation});
    }

    [[nodiscard]] std::uint64_t get(std::uint64_t offset) const { return device.read(offset, 4); }
    [[nodiscard]] std::uint64_t get64(std::uint64_t offset) const { return device.read(offset, 8); }
    void set(std::uint64_t offset, std::uint64_t value) { device.write(offset, value, 4); }
    void set64(std::uint64_t offset, std::uint64_t value) { device.write(offset, value, 8); }

    [[nodiscard]] std::uint64_t channel(unsigned offset, unsigned n = 0) const { return get(AE_CHANNEL(n) + offset); }
    [[nodiscard]] std::uint64_t channel64(unsigned offset, unsigned n = 0) const {
        return get64(AE_CHANNEL(n) + offset);
    }
    [[nodiscard]] std::uint64_t code(unsigned n = 0) const { return channel(AE_RESULT, n) & AE_RESULT_CODE; }
    [[nodiscard]] bool busy(unsigned n = 0) const { return (channel(AE_STATUS, n) & AE_STATUS_BUSY) != 0; }

    struct Order {
        std::uint64_t operation = 0;
        std::uint64_t source = 0;
        std::uint64_t destination = 0;
        std::uint64_t length = 0;
        std::uint64_t pasid = 0;
        std::uint64_t operand = 0;
        std::uint64_t compare = 0;
        std::uint64_t pages = 0;
    };
    void order(const Order& what, unsigned n = 0) {
        set(AE_CHANNEL(n) + AE_OPERATION, what.operation);
        set(AE_CHANNEL(n) + AE_PASID, what.pasid);
        set64(AE_CHANNEL(n) + AE_SOURCE_64, what.source);
        set64(AE_CHANNEL(n) + AE_DESTINATION_64, what.destination);
        set64(AE_CHANNEL(n) + AE_LENGTH_64, what.length);
        set64(AE_CHANNEL(n) + AE_OPERAND_64, what.operand);
        set64(AE_CHANNEL(n) + AE_COMPARE_64, what.compare);
        set(AE_CHANNEL(n) + AE_PAGES, what.pages);
        set(AE_CHANNEL(n) + AE_DOORBELL, AE_DOORBELL_START);
    }
    // Until nothing is left that needs no time.
    void run() {
        for (unsigned before = 0; before != host.kicks;) {
            before = host.kicks;
            device.run();
        }
    }
    std::uint64_t carry_out(const Order& what, unsigned n = 0) {
        order(what, n);
        run();
        return code(n);
    }
    void pass(std::uint64_t ns) {
        host.time_ns += ns;
        if (device.deadline_ns() <= host.time_ns) device.tick();
    }
    void invalidate(std::uint64_t first, std::uint64_t last, unsigned itag = 0, std::optional<std::uint32_t> pasid = {},
                    bool global = false) {
        iommu::InvalidateRequest request{.requester = {kUs}};
        if (pasid) request.pasid = iommu::Pasid{*pasid};
        request.global = global;
        request.range = {iommu::Iova{first}, iommu::Iova{last}};
        request.itag = static_cast<std::uint8_t>(itag);
        device.invalidate(request);
    }
    void respond(unsigned index, iommu::ResponseCode code, std::optional<std::uint32_t> pasid = {}) {
        iommu::PageGroupResponse response{.requester = {kUs}};
        if (pasid) response.pasid = iommu::Pasid{*pasid};
        response.index = static_cast<std::uint16_t>(index);
        response.code = code;
        device.respond(response);
    }
    // A read of 8 bytes through the ATC.
    std::uint64_t read_via_atc(std::uint64_t iova, std::uint64_t pasid = 0, unsigned n = 0) {
        return carry_out({.operation = AE_OP_READ | AE_VIA_ATC, .source = iova, .length = 8, .pasid = pasid}, n);
    }
};

}  // namespace test

#endif  // TESTS_UNIT_ATS_ENDPOINT_HOST_H
