// SPDX-License-Identifier: GPL-2.0-or-later
//
// PageScene: endpoints that may ask for pages, and the driver that takes their requests from the queue.
#ifndef QTEST_VTD_PAGE_REQUEST_SCENE_H
#define QTEST_VTD_PAGE_REQUEST_SCENE_H

#include <array>

#include "vtd/endpoint_scene.h"

namespace vtd_driver {

inline constexpr unsigned pasid = 5;  // has the same second stage as requests without
inline constexpr std::uint32_t page_event = 0x4043;
// Codes of a response.
inline constexpr unsigned response_success = 0, response_invalid = 1, response_failure = 15;

// One page request, as the words of its descriptor tell it.
struct QueuedPage {
    std::uint64_t address = 0;
    bool read = false, write = false, last = false;
    unsigned index = 0;
    bool with_pasid = false, execute = false, privileged = false;
};

class PageScene : public EndpointScene {
  public:
    static constexpr std::uint64_t slot_size = 32;
    static constexpr unsigned slots = 128;  // in one page
    using Words = std::array<std::uint64_t, 4>;

    explicit PageScene(unsigned count = 1) : EndpointScene(count) {
        for (unsigned i = 0; i < count; ++i) {
            allow(i);
            scalable.set(id(i), pasid, PasidEntry::over_second_stage(stage(i), first_domain + i));
            endpoint(i).enable_pasid();
            endpoint(i).enable_pri(512);
        }
        invalidate_all();
        unit.write64(reg::PQH, 0);
        unit.write64(reg::PQT, 0);
        unit.write64(reg::PQA, page_queue);
        unit.send_page_events_to(doorbell.address(), page_event);
    }
    void allow(unsigned i = 0, bool page_requests = true) {
        scalable.set_context(id(i), {.device_tlb = true, .page_requests = page_requests, .pasid_enable = true});
    }

    [[nodiscard]] Words words_of(const QueuedPage& page, unsigned i = 0) {
        const std::uint64_t with_pasid = field(8, 8, 1) | field(51, 32, pasid) | field(52, 52, page.execute ? 1 : 0) |
                                         field(53, 53, page.privileged ? 1 : 0);
        return {field(7, 0, 1) | field(31, 16, id(i)) | (page.with_pasid ? with_pasid : 0),
                field(0, 0, page.read ? 1 : 0) | field(1, 1, page.write ? 1 : 0) | field(2, 2, page.last ? 1 : 0) |
                    field(11, 3, page.index) | page.address,
                0, 0};
    }
    [[nodiscard]] Words slot(unsigned number) const {
        Words words{};
        for (unsigned i = 0; i < 4; ++i)
            words.at(i) = ram.read64(page_queue + slot_size * number + 8 * i);
        return words;
    }
    // PQT, in entries.
    [[nodiscard]] std::uint64_t queued() const { return unit.read64(reg::PQT) / slot_size; }
    [[nodiscard]] unsigned index_of(unsigned number) const {
        return static_cast<unsigned>(extract(slot(number)[1], 11, 3));
    }
    void drain() const { unit.write64(reg::PQH, unit.read64(reg::PQT)); }
    [[nodiscard]] std::uint32_t page_status() const { return unit.read32(reg::PRS); }
    void clear_page_status(std::uint32_t bits) const { unit.write32(reg::PRS, bits); }

    void respond(unsigned index, unsigned code, unsigned i = 0) {
        queue.submit(descriptor::page_response(id(i), index, code));
    }
    // Pages that no group is closed by: nothing answers them.
    void ask_for(unsigned pages) {
        CHECK(endpoint().run({.op = qtest::Op::PageRequest,
                              .source = iova,
                              .pages = qtest::endpoint_pages::group(1, pages) | qtest::endpoint_pages::read}) ==
              qtest::Code::Success);
    }
    // A group of one page; the operation ends with the response.
    void start_group(std::uint64_t address, unsigned index, unsigned i = 0, unsigned channel = 0) {
        namespace pages = qtest::endpoint_pages;
        endpoint(i).start({.op = qtest::Op::PageRequest,
                           .source = address,
                           .pages = pages::group(index) | pages::read | pages::last | pages::wait},
                          channel);
    }
    [[nodiscard]] bool has_asked(unsigned i = 0, unsigned channel = 0) {
        return qtest::eventually([&] { return endpoint(i).waits_for_response(channel); });
    }
    [[nodiscard]] std::uint32_t counted(std::uint32_t counter, unsigned i = 0) { return endpoint(i).get(counter); }

    qtest::Doorbell doorbell{qemu.qtest(), ram};
    std::uint64_t page_queue = ram.allocate_page();
};

}  // namespace vtd_driver

#endif  // QTEST_VTD_PAGE_REQUEST_SCENE_H
