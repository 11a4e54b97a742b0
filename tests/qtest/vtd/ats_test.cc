// SPDX-License-Identifier: GPL-2.0-or-later
//
// Translation requests and translated requests of a real device: every field of the answer, and what is recorded.
#include <catch2/catch_test_macros.hpp>

#include <string>

#include "vtd/endpoint_scene.h"
#include "vtd/fault_scene.h"

using namespace vtd_driver;
using qtest::Code;
using qtest::EndpointTranslation;
using qtest::Op;
using qtest::Via;

namespace {

constexpr unsigned pasid = 5;
constexpr std::uint32_t with_pasid_5 = qtest::endpoint_pasid::valid | pasid;
// Codes of the answer.
constexpr unsigned unsupported = 1, aborted = 2;
// Success without rights.
constexpr EndpointTranslation nothing{.size_log2 = 12};

class AtsScene : public EndpointScene {
  public:
    explicit AtsScene(Mode root_mode = Mode::Scalable) : EndpointScene(1, root_mode) {}

    [[nodiscard]] EndpointTranslation ask(std::uint64_t address, std::uint32_t pasid_word = 0, bool no_write = false) {
        const Code code = endpoint().run(
            {.op = Op::TranslationRequest, .source = address, .pasid = pasid_word, .no_write = no_write});
        const EndpointTranslation answer = endpoint().translation();
        const Code codes[] = {Code::Success, Code::UnsupportedRequest, Code::CompleterAbort};
        CHECK(code == codes[answer.status]);
        return answer;
    }
    // Whatever is not said is 0, and so it must be.
    [[nodiscard]] EndpointTranslation granted(std::uint64_t address, bool write = true) const {
        return {.read = true, .write = write, .size_log2 = 12, .address = address};
    }
    void set_context(const ScalableContext& context) {
        scalable.set_context(id(), context);
        invalidate_all();
    }
    void set_legacy_type(unsigned type) {
        auto context = LegacyContext::translating(stage(), first_domain);
        context.type = type;
        legacy.set(id(), context);
        invalidate_all();
    }
    // An address that is used as a translated one; what arrived is in the window.
    [[nodiscard]] Code read_translated(std::uint64_t address, std::uint32_t pasid_word = 0) {
        return endpoint().run(
            {.op = Op::Read, .via = Via::Translated, .source = address, .length = 8, .pasid = pasid_word});
    }
    [[nodiscard]] Code write_translated(std::uint64_t address) {
        return endpoint().run({.op = Op::Write, .via = Via::Translated, .destination = address, .length = 8});
    }
    [[nodiscard]] Bytes window() { return qemu.qtest().memread(endpoint().window(), 8); }
    // Exactly this, or nothing if it says nothing.
    void check_recorded(const FaultRecord& record = {}) const {
        const auto faults = take_faults();
        if (record == FaultRecord{}) {
            CHECK(faults.empty());
            return;
        }
        REQUIRE(faults.size() == 1);
        CHECK(faults[0] == record);
    }
    void check_refused(unsigned status, Kind kind, unsigned reason) {
        CHECK(ask(iova) == EndpointTranslation{.status = status});
        CHECK(endpoint().reason() == reason);
        check_recorded(fault_of(kind, reason, id(), iova));
    }
};

}  // namespace

TEST_CASE("ATS: a translation request is answered with the rights that the tables leave", "[vtd][ats]") {
    AtsScene guest;
    CHECK(guest.ask(iova) == guest.granted(guest.page()));
    CHECK(guest.ask(iova + 0x678) == guest.granted(guest.page() + 0x678));
    constexpr std::uint64_t read_only = iova + 0x1000, write_only = iova + 0x2000;
    guest.stage().map({.iova = read_only, .target = guest.page(), .flags = ss::R});
    guest.stage().map({.iova = write_only, .target = guest.page(), .flags = ss::W});
    CHECK(guest.ask(read_only) == guest.granted(guest.page(), false));
    CHECK(guest.ask(write_only) == EndpointTranslation{.write = true, .size_log2 = 12, .address = guest.page()});
    guest.check_recorded();
}

TEST_CASE("ATS: NW leaves the write right back", "[vtd][ats]") {
    AtsScene guest;
    CHECK(guest.ask(iova, 0, true) == guest.granted(guest.page(), false));
    CHECK(guest.ask(iova) == guest.granted(guest.page()));
}

TEST_CASE("ATS: SNP of the leaf is N", "[vtd][ats]") {
    AtsScene guest;
    guest.stage().map({.iova = iova, .target = guest.page(), .flags = ss::R | ss::W | ss::SNP});
    auto wanted = guest.granted(guest.page());
    wanted.no_snoop = true;
    CHECK(guest.ask(iova) == wanted);
}

TEST_CASE("ATS: a large page is granted whole, and one entry of the device's serves all of it", "[vtd][ats]") {
    AtsScene guest;
    constexpr std::uint64_t large = 0x123440000000;
    const std::uint64_t target = guest.ram.allocate_pages(512, size_2m);
    guest.stage().map({.iova = large, .target = target, .level = 2});
    auto wanted = guest.granted(target + 0x1ff008);
    wanted.size_log2 = 21;
    CHECK(guest.ask(large + 0x1ff008) == wanted);
    for (const std::uint64_t offset : {std::uint64_t{0}, size_2m - 8}) {
        guest.ram.write64(target + offset, 0x1234567800000000 + offset);
        CHECK(guest.endpoint().run({.op = Op::Read, .via = Via::Atc, .source = large + offset, .length = 8}) ==
              Code::Success);
        CHECK(guest.window() == guest.ram.read(target + offset, 8));
    }
    CHECK(guest.endpoint().get(qtest::endpoint_reg::atc_used) == 1);
}

TEST_CASE("ATS: a page that is not there is success without rights, and no fault", "[vtd][ats]") {
    AtsScene guest;
    CHECK(guest.ask(iova + 0x1000) == nothing);
    CHECK(guest.ask(0x1000) == nothing);  // no table either
    CHECK(guest.ask(bit(48)) == nothing);
    guest.check_recorded();
    // Nothing is kept of it: the page may come.
    guest.stage().map({.iova = iova + 0x1000, .target = guest.page()});
    CHECK(guest.ask(iova + 0x1000) == guest.granted(guest.page()));
}

TEST_CASE("ATS: the interrupt range is for untranslated writes", "[vtd][ats]") {
    AtsScene guest;
    CHECK(guest.ask(interrupt_range) ==
          EndpointTranslation{.write = true, .untranslated = true, .size_log2 = 12, .address = interrupt_range});
    CHECK(guest.ask(interrupt_range, 0, true) == EndpointTranslation{.size_log2 = 12, .address = interrupt_range});
    guest.check_recorded();
}

TEST_CASE("ATS: with a PASID its own tables answer", "[vtd][ats]") {
    AtsScene guest;
    guest.endpoint().enable_pasid();
    auto stage = guest.first_stage();
    const std::uint64_t page = guest.patterned_page(7);
    stage.map({.iova = iova, .target = page});
    stage.map({.iova = iova + 0x1000, .target = page, .flags = fs::P | fs::US});
    stage.map({.iova = iova + 0x2000, .target = page, .flags = fs::P | fs::RW});
    guest.scalable.set(guest.id(), pasid, PasidEntry::over_first_stage(stage, 0x30));
    guest.set_context({.device_tlb = true, .pasid_enable = true});
    CHECK(guest.ask(iova, with_pasid_5) == guest.granted(page));
    CHECK(guest.ask(iova + 0x1000, with_pasid_5) == guest.granted(page, false));
    CHECK(guest.ask(iova + 0x2000, with_pasid_5) == nothing);  // a supervisor's
    CHECK(guest.ask(iova + 0x3000, with_pasid_5) == nothing);
    CHECK(guest.ask(iova, qtest::endpoint_pasid::valid | 6) == nothing);  // a PASID without entry
    CHECK(guest.ask(iova) == guest.granted(guest.page()));
    // Without SRE a supervisor gets nothing, and is told whose rights these are.
    CHECK(guest.ask(iova, with_pasid_5 | qtest::endpoint_pasid::priv) ==
          EndpointTranslation{.privileged = true, .size_log2 = 12});
    guest.check_recorded();
    // The PASID is also what its entries go by.
    CHECK(guest.endpoint().run({.op = Op::Read, .via = Via::Atc, .source = iova, .length = 8, .pasid = with_pasid_5}) ==
          Code::Success);
    CHECK(guest.window() == guest.ram.read(page, 8));
    guest.fill();
    CHECK(guest.window() == guest.ram.read(guest.page(), 8));
}

TEST_CASE("ATS: without PASIDE a PASID is refused, and the record names it", "[vtd][ats]") {
    AtsScene guest;
    guest.endpoint().enable_pasid();
    CHECK(guest.ask(iova, with_pasid_5) == EndpointTranslation{.status = unsupported});
    guest.check_recorded(with_pasid(fault_of(Kind::TranslationRequest, 0x45, guest.id(), iova), pasid));
}

TEST_CASE("ATS: a translation request of a device without DTE is unsupported, and recorded", "[vtd][ats]") {
    AtsScene guest;
    guest.set_context({});
    guest.check_refused(unsupported, Kind::TranslationRequest, 0x44);
    // The same for an access through the device TLB, which has to ask.
    CHECK(guest.endpoint().run({.op = Op::Read, .via = Via::Atc, .source = iova, .length = 8}) ==
          Code::UnsupportedRequest);
    guest.check_recorded(fault_of(Kind::TranslationRequest, 0x44, guest.id(), iova));
    // Its ordinary requests are none of DTE's business.
    CHECK(guest.endpoint().run({.op = Op::Read, .source = iova, .length = 8}) == Code::Success);
    CHECK(guest.window() == guest.ram.read(guest.page(), 8));
    // FPD keeps the record back, not the answer.
    guest.set_context({.fault_disable = true});
    CHECK(guest.ask(iova) == EndpointTranslation{.status = unsupported});
    guest.check_recorded();
}

TEST_CASE("ATS: a device that no entry is for is unsupported, and recorded", "[vtd][ats]") {
    AtsScene guest;
    guest.ram.write64(guest.scalable.context_entry(guest.id()), 0);
    guest.invalidate_all();
    guest.check_refused(unsupported, Kind::TranslationRequest, 0x41);
}

TEST_CASE("ATS: tables that are wrong abort a translation request, and are recorded", "[vtd][ats]") {
    AtsScene guest;
    SECTION("a reserved bit in the leaf") {
        guest.stage().flip(iova, 1, bit(51));
        guest.check_refused(aborted, Kind::TranslationRequest, 0x7a);
    }
    SECTION("a table that is not in memory") {
        guest.stage().set_entry(iova, 3, beyond_ram | ss::R | ss::W);
        guest.check_refused(aborted, Kind::TranslationRequest, 0x78);
    }
    SECTION("a page in the interrupt range") {
        guest.stage().map({.iova = iova, .target = interrupt_range});
        guest.check_refused(aborted, Kind::TranslationRequest, 0x87);
    }
    SECTION("a reserved bit in the context entry") {
        const std::uint64_t entry = guest.scalable.context_entry(guest.id());
        guest.ram.write64(entry, guest.ram.read64(entry) | bit(7));
        guest.invalidate_all();
        guest.check_refused(aborted, Kind::TranslationRequest, 0x42);
    }
}

TEST_CASE("ATS: while translation is off both kinds of request are unsupported, and no fault", "[vtd][ats]") {
    AtsScene guest;
    guest.unit.clear(TE);
    CHECK(guest.ask(iova) == EndpointTranslation{.status = unsupported});
    CHECK(guest.endpoint().reason() == 0);
    CHECK(guest.read_translated(guest.page()) == Code::UnsupportedRequest);
    guest.check_recorded();
    guest.unit.set(TE);
    CHECK(guest.ask(iova) == guest.granted(guest.page()));
}

TEST_CASE("ATS: a translated request passes as it is, whatever the page table says", "[vtd][ats]") {
    AtsScene guest;
    // Of another's memory: that is what DTE means.
    const std::uint64_t elsewhere = guest.patterned_page(0x77);
    CHECK(guest.read_translated(elsewhere + 0x10) == Code::Success);
    CHECK(guest.window() == guest.ram.read(elsewhere + 0x10, 8));
    CHECK(guest.write_translated(elsewhere + 0x800) == Code::Success);
    CHECK(guest.ram.read(elsewhere + 0x800, 8) == guest.ram.read(elsewhere + 0x10, 8));
    guest.check_recorded();
}

TEST_CASE("ATS: a translated request without DTE is refused, and the record says its kind", "[vtd][ats]") {
    AtsScene guest;
    guest.set_context({});
    const auto before = guest.ram.read(guest.page(), 8);
    CHECK(guest.read_translated(guest.page()) == Code::UnsupportedRequest);
    guest.check_recorded(fault_of(Kind::TranslatedRead, 0x44, guest.id(), guest.page()));
    CHECK(guest.write_translated(guest.page()) == Code::UnsupportedRequest);
    guest.check_recorded(fault_of(Kind::TranslatedWrite, 0x44, guest.id(), guest.page()));
    CHECK(guest.ram.read(guest.page(), 8) == before);
    guest.set_context({.device_tlb = true});
    CHECK(guest.read_translated(guest.page()) == Code::Success);
}

TEST_CASE("ATS: translated requests to interrupts, beyond the host, or with a PASID are refused", "[vtd][ats]") {
    AtsScene guest;
    CHECK(guest.write_translated(interrupt_range) == Code::UnsupportedRequest);
    guest.check_recorded(fault_of(Kind::TranslatedWrite, 0x87, guest.id(), interrupt_range));
    CHECK(guest.read_translated(bit(host_address_width)) == Code::UnsupportedRequest);
    guest.check_recorded(fault_of(Kind::TranslatedRead, 0x83, guest.id(), bit(host_address_width)));
    CHECK(guest.read_translated(guest.page(), with_pasid_5) == Code::UnsupportedRequest);
    guest.check_recorded();
}

TEST_CASE("ATS: legacy mode with TT=01 allows all kinds of request", "[vtd][ats]") {
    AtsScene guest(Mode::Legacy);
    CHECK(guest.ask(iova + 0x10) == guest.granted(guest.page() + 0x10));
    CHECK(guest.ask(iova + 0x1000) == nothing);
    guest.fill();
    CHECK(guest.window() == guest.ram.read(guest.page(), 8));
    CHECK(guest.read_translated(guest.page() + 8) == Code::Success);
    CHECK(guest.window() == guest.ram.read(guest.page() + 8, 8));
    CHECK(guest.endpoint().run({.op = Op::Read, .source = iova, .length = 8}) == Code::Success);
    guest.check_recorded();
    guest.queue.submit(descriptor::device_tlb(guest.id(), {.address = iova}));
    CHECK(guest.endpoint().get(qtest::endpoint_reg::atc_used) == 0);
}

TEST_CASE("ATS: legacy mode with any other TT refuses and records both", "[vtd][ats]") {
    AtsScene guest(Mode::Legacy);
    for (const unsigned type : {0u, 2u}) {
        INFO("TT " << type);
        guest.set_legacy_type(type);
        guest.check_refused(unsupported, Kind::TranslationRequest, 0x0d);
        CHECK(guest.read_translated(guest.page()) == Code::UnsupportedRequest);
        guest.check_recorded(fault_of(Kind::TranslatedRead, 0x0d, guest.id(), guest.page()));
    }
    guest.set_legacy_type(1);
    CHECK(guest.ask(iova) == guest.granted(guest.page()));
}

TEST_CASE("ATS: legacy mode aborts on reserved bits, and knows no PASID", "[vtd][ats]") {
    AtsScene guest(Mode::Legacy);
    guest.endpoint().enable_pasid();
    CHECK(guest.ask(iova, with_pasid_5) == EndpointTranslation{.status = unsupported});
    guest.check_recorded(with_pasid(fault_of(Kind::TranslationRequest, 0x31, guest.id(), iova), pasid));
    guest.stage().flip(iova, 1, bit(51));
    guest.check_refused(aborted, Kind::TranslationRequest, 0x0c);
}
