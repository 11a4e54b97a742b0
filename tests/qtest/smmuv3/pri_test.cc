// SPDX-License-Identifier: GPL-2.0-or-later
//
// Page requests of a real device, from its message to the PRI queue, and the response's way back. [SMMU G.b s8]
#include <catch2/catch_test_macros.hpp>

#include "smmuv3/endpoint_scene.h"
#include "smmuv3/page_request_queue.h"

using namespace smmu_driver;
using qtest::Code;
using qtest::eventually;
using qtest::Op;
using qtest::Via;
namespace endpoint_pages = qtest::endpoint_pages;
namespace endpoint_pasid = qtest::endpoint_pasid;
namespace endpoint_reg = qtest::endpoint_reg;

namespace {

constexpr std::uint32_t working = CMDQEN | EVENTQEN | SMMUEN | PRIQEN;
constexpr std::uint64_t wanted = 0x7000;
constexpr std::uint32_t substream = 0x12345;

// A queue of four entries, and a device that may ask.
struct Scene : EndpointScene {
    explicit Scene(const std::string& properties = "") : EndpointScene(1, properties) {
        endpoint().enable_pri();
        queue.set_up();
        unit.set_irq_ctrl(EVENTQ_IRQEN | GERROR_IRQEN | PRIQ_IRQEN);
        unit.set_cr0(working);
    }
    // A group of pages from `wanted` on, for reading.
    void ask(unsigned index, unsigned count, std::uint32_t flags, std::uint32_t pasid = 0) {
        endpoint().start({.op = Op::PageRequest,
                          .source = wanted,
                          .pages = endpoint_pages::group(index, count) | endpoint_pages::read | flags,
                          .pasid = pasid});
    }
    // It ends with its response; otherwise when all is sent.
    static constexpr std::uint32_t answered = endpoint_pages::last | endpoint_pages::wait;
    static constexpr std::uint32_t unanswered = endpoint_pages::last;
    [[nodiscard]] Code ask_and_finish(unsigned index, unsigned count, std::uint32_t flags, std::uint32_t pasid = 0) {
        ask(index, count, flags, pasid);
        return endpoint().finish();
    }
    void respond(unsigned index, command::Resp resp) {
        commands.push(command::pri_resp(id(), index, resp));
        commands.submit(command::cmd_sync());
    }
    // Of page `number` of a group, but for Last.
    [[nodiscard]] PageRequest entry(unsigned index, unsigned number = 0) {
        return page_request::with(page_request::of(id(), index, wanted + number * size_4k), page_request::readable);
    }
    [[nodiscard]] PageRequest last(unsigned index, unsigned number = 0) {
        return page_request::with(entry(index, number), page_request::last);
    }
    // Full, by a group without an end that nobody answers.
    void fill_queue() { REQUIRE(ask_and_finish(1, queue.entries(), 0) == Code::Success); }
    [[nodiscard]] std::uint32_t count(std::uint32_t offset) { return endpoint().get(offset); }
    // The newest one.
    [[nodiscard]] std::uint64_t response() { return endpoint().get64(endpoint_reg::last_response); }

    PageRequestQueue queue{ram, unit, 2};
};

// LAST_RESPONSE. Codes of PCI Express.
constexpr std::uint64_t pci_success = 0, pci_failure = 0xf;
constexpr std::uint64_t response_of(unsigned index, std::uint64_t code) { return field(40, 32, index) | code << 44; }
constexpr std::uint64_t with_pasid(std::uint64_t response, std::uint32_t pasid) { return response | bit(20) | pasid; }

}  // namespace

TEST_CASE("Pri: a group arrives page by page, wakes software, and gets its response", "[smmuv3][pri]") {
    Scene guest;
    guest.watch_wires();
    guest.ask(0x1ff, 3, Scene::answered | endpoint_pages::write);
    REQUIRE(eventually([&] { return guest.endpoint().waits_for_response(); }));
    CHECK(guest.pulsed(page_request_wire));
    const auto both = [&](const PageRequest& request) { return page_request::with(request, page_request::writable); };
    CHECK(guest.queue.take() ==
          PageRequests{both(guest.entry(0x1ff)), both(guest.entry(0x1ff, 1)), both(guest.last(0x1ff, 2))});
    CHECK(guest.endpoint().busy());
    guest.respond(0x1ff, command::Resp::Success);
    CHECK(guest.endpoint().finish() == Code::Success);
    CHECK(guest.response() == response_of(0x1ff, pci_success));
    CHECK(guest.count(endpoint_reg::responses_success) == 1);
    CHECK_FALSE(guest.queue.overflowed());
    CHECK(guest.take_events().empty());
}

TEST_CASE("Pri: with IRQ_CTRL.PRIQ_IRQEN=0 nobody is woken", "[smmuv3][pri]") {
    Scene guest;
    guest.unit.set_irq_ctrl(EVENTQ_IRQEN | GERROR_IRQEN);
    guest.watch_wires();
    REQUIRE(guest.ask_and_finish(1, 1, Scene::unanswered) == Code::Success);
    CHECK_FALSE(guest.queue.empty());
    CHECK_FALSE(guest.pulsed(page_request_wire));
}

TEST_CASE("Pri: an entry has the SubstreamID, X and Priv; the response takes the SubstreamID back", "[smmuv3][pri]") {
    Scene guest;
    guest.ask(5, 1, Scene::answered, endpoint_pasid::valid | endpoint_pasid::exec | endpoint_pasid::priv | substream);
    REQUIRE(eventually([&] { return guest.endpoint().waits_for_response(); }));
    PageRequest expected = page_request::with_substream(guest.last(5), substream);
    expected.set(59, 58, 3);
    CHECK(guest.queue.take() == PageRequests{expected});
    guest.commands.push(command::with_substream(command::pri_resp(guest.id(), 5, command::Resp::Success), substream));
    guest.commands.submit(command::cmd_sync());
    CHECK(guest.endpoint().finish() == Code::Success);
    CHECK(guest.response() == with_pasid(response_of(5, pci_success), substream));
}

TEST_CASE("Pri: an access without a translation asks for its page, and goes on when software has mapped it",
          "[smmuv3][pri]") {
    for (const bool write : {false, true}) {
        Scene guest;
        const std::uint64_t page = guest.patterned_page(7);
        guest.endpoint().start({.op = write ? Op::Write : Op::Read,
                                .via = Via::Atc,
                                .source = write ? 0x40 : wanted + 8,
                                .destination = write ? wanted + 8 : 0x40,
                                .length = 8});
        REQUIRE(eventually([&] { return !guest.queue.empty(); }));
        const auto requests = guest.queue.take();
        REQUIRE(requests.size() == 1);
        CAPTURE(write);
        const unsigned index = page_request::index(requests[0]);
        CHECK(requests[0] ==
              page_request::with(page_request::with(page_request::of(guest.id(), index, wanted), page_request::last),
                                 write ? page_request::writable : page_request::readable));
        guest.stage().map({.input = wanted, .output = page});
        guest.respond(index, command::Resp::Success);
        CHECK(guest.endpoint().finish() == Code::Success);
        CHECK(guest.ram.read(page + 8, 8) == guest.ram.read(guest.endpoint().window() + 0x40, 8));
        CHECK(guest.endpoint().get(endpoint_reg::atc_used) == 1);
        CHECK(guest.count(endpoint_reg::page_requests) == 1);
        CHECK(guest.take_events().empty());
    }
}

TEST_CASE("Pri: an access whose page is refused ends; the next one may ask again", "[smmuv3][pri]") {
    Scene guest;
    const auto refuse = [&](command::Resp resp) {
        guest.endpoint().start({.op = Op::Read, .via = Via::Atc, .source = wanted, .length = 8});
        REQUIRE(eventually([&] { return !guest.queue.empty(); }));
        guest.respond(page_request::index(guest.queue.take().at(0)), resp);
        return guest.endpoint().finish();
    };
    CHECK(refuse(command::Resp::Invalid) == Code::PageRefused);
    CHECK(refuse(command::Resp::Invalid) == Code::PageRefused);
    CHECK(refuse(command::Resp::Failure) == Code::ResponseFailure);
    // After which PCI Express lets it ask no more.
    CHECK(guest.endpoint().run({.op = Op::Read, .via = Via::Atc, .source = wanted, .length = 8}) == Code::NoRights);
    CHECK(guest.queue.empty());
    CHECK(guest.take_events().empty());
}

TEST_CASE("Pri: what does not fit is answered Success for each group's last page, until software acknowledged",
          "[smmuv3][pri]") {
    Scene guest;
    // Six pages: four fit, the fifth is lost, the last one is answered.
    CHECK(guest.ask_and_finish(9, 6, Scene::answered) == Code::Success);
    CHECK(guest.queue.overflowed());
    CHECK(guest.response() == response_of(9, pci_success));
    CHECK(guest.count(endpoint_reg::responses_success) == 1);
    CHECK(guest.queue.take() == PageRequests{guest.entry(9), guest.entry(9, 1), guest.entry(9, 2), guest.entry(9, 3)});
    // Room alone is not enough.
    CHECK(guest.ask_and_finish(10, 2, Scene::answered) == Code::Success);
    CHECK(guest.queue.empty());
    CHECK(guest.count(endpoint_reg::responses_success) == 2);
    guest.queue.acknowledge_overflow();
    REQUIRE(guest.ask_and_finish(11, 1, Scene::unanswered) == Code::Success);
    CHECK(guest.queue.take() == PageRequests{guest.last(11)});
    CHECK(guest.count(endpoint_reg::responses_success) == 2);
    // The next overflow turns the flag back.
    guest.fill_queue();
    CHECK_FALSE(guest.queue.overflowed());
    CHECK(guest.ask_and_finish(12, 1, Scene::answered) == Code::Success);
    CHECK(guest.queue.overflowed());
    CHECK((guest.unit.read32(reg::PRIQ_PROD) & OVFLG) == 0);
}

TEST_CASE("Pri: a queue that is off, or cannot be written, answers Response Failure", "[smmuv3][pri]") {
    struct Case {
        const char* what = "";
        std::uint32_t cr0 = 0;
        bool nowhere = false;
    };
    for (const Case& item : {Case{"PRIQEN=0", CMDQEN | EVENTQEN | SMMUEN}, Case{"SMMUEN=0", CMDQEN | EVENTQEN | PRIQEN},
                             Case{"nothing answers at PRIQ_BASE", working, true}}) {
        Scene guest;
        CAPTURE(item.what);
        guest.unit.set_cr0(CMDQEN | EVENTQEN | SMMUEN);
        if (item.nowhere) guest.unit.write64(reg::PRIQ_BASE, bit(38) | 2);
        guest.unit.set_cr0(item.cr0);
        CHECK(guest.ask_and_finish(3, 1, Scene::answered) == Code::ResponseFailure);
        CHECK(guest.response() == response_of(3, pci_failure));
        CHECK(guest.unit.read32(reg::PRIQ_PROD) == 0);
        CHECK(guest.unit.active_errors() == (item.nowhere ? PRIQ_ABT_ERR : 0));
        CHECK(guest.take_events().empty());
    }
}

TEST_CASE("Pri: PRIQ_ABT_ERR stands until it is acknowledged, and the queue is closed as long", "[smmuv3][pri]") {
    Scene guest;
    guest.unit.set_cr0(CMDQEN | EVENTQEN | SMMUEN);
    guest.unit.write64(reg::PRIQ_BASE, bit(38) | 2);
    guest.unit.set_cr0(working);
    CHECK(guest.ask_and_finish(0, 1, 0) == Code::Success);  // sent; not the last page
    CHECK(guest.unit.active_errors() == PRIQ_ABT_ERR);
    guest.unit.set_cr0(CMDQEN | EVENTQEN | SMMUEN);
    guest.queue.set_up();
    guest.unit.set_cr0(working);
    guest.endpoint().enable_pri();
    CHECK(guest.ask_and_finish(1, 1, 0) == Code::Success);
    CHECK(guest.queue.empty());
    guest.unit.acknowledge_errors();
    CHECK(guest.ask_and_finish(2, 1, Scene::unanswered) == Code::Success);
    CHECK(guest.queue.take() == PageRequests{guest.last(2)});
}

TEST_CASE("Pri: automatic responses have the PASID that STE.PPAR asks for", "[smmuv3][pri]") {
    for (const bool ppar : {false, true}) {
        for (const bool pps : {false, true}) {
            Scene guest(pps ? ",pps=on" : "");
            CAPTURE(ppar, pps);
            guest.set_ste(guest.good_ste().set(82, 82, ppar));
            guest.fill_queue();
            CHECK(guest.ask_and_finish(4, 1, Scene::unanswered, endpoint_pasid::valid | substream) == Code::Success);
            const std::uint64_t bare = response_of(4, pci_success);
            CHECK(guest.response() == (ppar || pps ? with_pasid(bare, substream) : bare));
            // The device wants it back: it does not know the one without.
            CHECK(guest.count(endpoint_reg::responses_unexpected) == (ppar || pps ? 0 : 1));
        }
    }
}

TEST_CASE("Pri: an STE that does not stand up makes an automatic response a failure", "[smmuv3][pri]") {
    Scene guest;
    guest.set_ste(guest.good_ste().set(0, 0, 0));
    guest.fill_queue();
    CHECK(guest.ask_and_finish(4, 1, Scene::unanswered, endpoint_pasid::valid | substream) == Code::Success);
    CHECK(guest.response() == response_of(4, pci_failure));
    CHECK(guest.take_events().empty());  // REC_CFG_ATS=0
}

TEST_CASE("Pri: a stop marker is queued as it comes, and never answered", "[smmuv3][pri]") {
    Scene guest;
    const auto send = [&] {
        return guest.endpoint().run({.op = Op::StopMarker, .pasid = endpoint_pasid::valid | substream});
    };
    CHECK(send() == Code::Success);
    const auto marker = page_request::with_substream(
        page_request::with(page_request::of(guest.id(), 0, 0), page_request::last), substream);
    CHECK(guest.queue.take() == PageRequests{marker});
    guest.fill_queue();
    CHECK(send() == Code::Success);
    CHECK(guest.queue.overflowed());
    guest.unit.set_cr0(CMDQEN | EVENTQEN | SMMUEN);
    CHECK(send() == Code::Success);
    CHECK(guest.response() == 0);
    CHECK(guest.count(endpoint_reg::stop_markers) == 3);
}

TEST_CASE("Pri: a response that nobody waits for reaches the device, and is no error of the unit", "[smmuv3][pri]") {
    Scene guest;
    guest.respond(0x55, command::Resp::Success);
    CHECK(eventually([&] { return guest.count(endpoint_reg::responses_unexpected) == 1; }));
    guest.commands.push(command::pri_resp(guest.id() + 1, 1, command::Resp::Success));  // no such device
    guest.commands.submit(command::cmd_sync());
    CHECK(guest.unit.active_errors() == 0);
}

TEST_CASE("Pri: reset turns the queue off; set up again it works", "[smmuv3][pri]") {
    Scene guest;
    guest.fill_queue();
    CHECK(guest.ask_and_finish(1, 1, Scene::answered) == Code::Success);
    REQUIRE(guest.queue.overflowed());
    guest.qemu.system_reset();
    CHECK(guest.unit.read32(reg::PRIQ_PROD) == 0);
    CHECK(guest.unit.read32(reg::CR0ACK) == 0);
    guest.find_endpoints();
    guest.endpoint().enable_pri();
    guest.start();
    guest.queue.set_up();
    guest.unit.set_cr0(working);
    CHECK(guest.ask_and_finish(2, 1, Scene::unanswered) == Code::Success);
    CHECK(guest.queue.take() == PageRequests{guest.last(2)});
}
