// SPDX-License-Identifier: GPL-2.0-or-later
//
// Translation requests and translated transactions of a real device: what it is answered, and who is told.
// [SMMU G.b s3.9.1]
#include <catch2/catch_test_macros.hpp>

#include <array>
#include <string>
#include <vector>

#include "smmuv3/endpoint_scene.h"

using namespace smmu_driver;
using qtest::Code;
using qtest::EndpointTranslation;
using qtest::Op;
using qtest::Via;
namespace endpoint_pasid = qtest::endpoint_pasid;
namespace endpoint_reg = qtest::endpoint_reg;

namespace {

// What a request may be answered: all the other fields are 0.
[[nodiscard]] EndpointTranslation page_at(std::uint64_t address, unsigned size_log2 = 12) {
    return {.read = true, .write = true, .size_log2 = size_log2, .address = address};
}
[[nodiscard]] EndpointTranslation read_only(EndpointTranslation answer) {
    answer.write = false;
    return answer;
}

struct Scene : EndpointScene {
    using EndpointScene::EndpointScene;

    Code ask(std::uint64_t address, std::uint32_t pasid = 0) {
        return endpoint().run({.op = Op::TranslationRequest, .source = address, .pasid = pasid});
    }
    [[nodiscard]] EndpointTranslation answer() { return endpoint().translation(); }
    // Nothing says what address is answered with no rights.
    [[nodiscard]] bool refused() {
        auto answer = this->answer();
        answer.address = 0;
        return answer == EndpointTranslation{.size_log2 = 12};
    }
    Code read_translated(std::uint64_t address) {
        return endpoint().run({.op = Op::Read, .via = Via::Translated, .source = address, .length = 8});
    }
    Code write_translated(std::uint64_t address, std::uint32_t pasid) {
        return endpoint().run(
            {.op = Op::Write, .via = Via::Translated, .destination = address, .length = 8, .pasid = pasid});
    }
    // Linear CDs 0 to 3, of which 1 is over a stage of its own. Requests without SubstreamID skip stage 1.
    PageTable add_substreams() {
        PageTable own(ram, Stage::One);
        write_structure(ram, cd_address() + 64, cd::over(own, 9));
        set_ste(good_ste().set(63, 59, 2).set(65, 64, 1));
        return own;
    }
    // The driver starts the unit again.
    void restart(std::uint32_t cr2_bits, std::uint32_t cr0_bits = 0) {
        cr2 = cr2_bits;
        start();
        unit.set_cr0(CMDQEN | EVENTQEN | SMMUEN | cr0_bits);
    }
};

Event bad_treq(Scene& guest, std::uint64_t address) {
    return event::of_stream(event::F_BAD_ATS_TREQ, guest.id()).set(191, 140, address >> 12);
}
Event forbidden(Scene& guest, std::uint64_t address, Access access) {
    return event::of_stream(event::F_TRANSL_FORBIDDEN, guest.id())
        .set(99, 99, static_cast<std::uint64_t>(access))
        .set(191, 128, address);
}

}  // namespace

TEST_CASE("Ats: a translation request is answered with the page's rights, address and size", "[smmuv3][ats]") {
    Scene guest;
    const std::uint64_t block = 0x80000000;
    const auto page = page_at(guest.page());
    struct Case {
        const char* what = "";
        Mapping mapping;
        EndpointTranslation answer;
    };
    for (const Case& item : {
             Case{"all rights", {.input = 0x10000, .output = guest.page()}, page},
             Case{"read-only",
                  {.input = 0x11000, .output = guest.page(), .bits = s1::user_page | s1::AP2},
                  read_only(page)},
             Case{"a block", {.input = size_2m, .output = block, .level = 2}, page_at(block, 21)},
         }) {
        CAPTURE(item.what);
        guest.stage().map(item.mapping);
        CHECK(guest.ask(item.mapping.input) == Code::Success);
        CHECK(guest.answer() == item.answer);
    }
    CHECK(guest.take_events().empty());
    CHECK(guest.endpoint().get(endpoint_reg::atc_used) == 0);  // kept by the test only
}

TEST_CASE("Ats: what cannot be had is answered with no rights, and no fault", "[smmuv3][ats]") {
    Scene guest;
    guest.stage().map({.input = 0x10000, .output = guest.page(), .bits = s1::ISH | s1::AF});   // for the privileged
    guest.stage().map({.input = 0x11000, .output = guest.page(), .bits = s1::AP1 | s1::ISH});  // access flag clear
    for (const std::uint64_t address : {0x10000, 0x11000, 0x12000}) {
        CAPTURE(address);
        CHECK(guest.ask(address) == Code::Success);
        CHECK(guest.refused());
    }
    CHECK(guest.take_events().empty());
}

TEST_CASE("Ats: a SubstreamID has pages of its own; privilege and execution count with one only", "[smmuv3][ats]") {
    Scene guest;
    auto own = guest.add_substreams();
    own.map({.input = 0x4000, .output = guest.page(), .bits = s1::user_page | s1::AP2});
    own.map({.input = 0x5000, .output = guest.page(), .bits = s1::ISH | s1::AF | s1::NG});
    auto expected = read_only(page_at(guest.page()));
    CHECK(guest.ask(0x4000, endpoint_pasid::valid | 1) == Code::Success);
    CHECK(guest.answer() == expected);
    CHECK(guest.ask(0x4000, endpoint_pasid::valid | endpoint_pasid::exec | 1) == Code::Success);
    expected.execute = true;
    CHECK(guest.answer() == expected);
    CHECK(guest.ask(0x5000, endpoint_pasid::valid | 1) == Code::Success);
    CHECK(guest.refused());
    CHECK(guest.ask(0x5000, endpoint_pasid::valid | endpoint_pasid::priv | 1) == Code::Success);
    expected = page_at(guest.page());
    expected.privileged = true;
    CHECK(guest.answer() == expected);
    // Without one the address is answered itself.
    CHECK(guest.ask(0x4000, endpoint_pasid::priv | endpoint_pasid::exec) == Code::Success);
    CHECK(guest.answer() == page_at(0x4000, 48));
    CHECK(guest.take_events().empty());
}

TEST_CASE("Ats: errors of the configuration end in completer abort, and are recorded with REC_CFG_ATS",
          "[smmuv3][ats]") {
    Scene guest;
    (void)guest.add_substreams();
    const Ste good = guest.good_ste().set(63, 59, 2).set(65, 64, 1);
    struct Case {
        const char* what;
        Ste entry;
        std::uint32_t pasid;
        Code code;
        Events recorded;  // with REC_CFG_ATS
        bool always = false;
    };
    const auto of = [&](unsigned number) { return one(event::of_stream(number, guest.id())); };
    const auto changed = [&](unsigned high, unsigned low, std::uint64_t value) {
        Ste entry = good;
        return entry.set(high, low, value);
    };
    const auto no_substream = [&](std::uint32_t substream) {
        return one(event::of_stream(event::C_BAD_SUBSTREAMID, guest.id()).set(31, 12, substream));
    };
    const std::vector<Case> cases{
        {"V=0", changed(0, 0, 0), 0, Code::CompleterAbort, of(event::C_BAD_STE)},
        {"SubstreamID beyond S1CDMax", good, 4, Code::CompleterAbort, no_substream(4)},
        {"CD invalid", good, 2, Code::CompleterAbort,
         one(event::with_substream(event::of_stream(event::C_BAD_CD, guest.id()), 2))},
        {"S1DSS=0", changed(65, 64, 0), 0, Code::CompleterAbort, of(event::F_STREAM_DISABLED)},
        {"Config=0", changed(3, 1, 0), 0, Code::UnsupportedRequest, {}},
        {"EATS=0", changed(93, 92, 0), 0, Code::UnsupportedRequest, one(bad_treq(guest, iova)), true},
        {"Config=4", changed(3, 1, 4), 0, Code::UnsupportedRequest, one(bad_treq(guest, iova)), true},
    };
    for (const std::uint32_t cr2 : {RECINVSID, RECINVSID | REC_CFG_ATS}) {
        guest.restart(cr2);
        for (const Case& item : cases) {
            CAPTURE(item.what, cr2);
            guest.set_ste(item.entry);
            CHECK(guest.ask(iova, item.pasid == 0 ? 0 : endpoint_pasid::valid | item.pasid) == item.code);
            const bool recorded = item.always || (cr2 & REC_CFG_ATS) != 0;
            CHECK(guest.take_events() == (recorded ? item.recorded : Events{}));
        }
    }
}

TEST_CASE("Ats: while SMMUEN=0 requests are unsupported, and recorded with SubstreamID and page", "[smmuv3][ats]") {
    Scene guest;
    guest.unit.set_cr0(CMDQEN | EVENTQEN);
    CHECK(guest.ask(iova + 0x123, endpoint_pasid::valid | 5) == Code::UnsupportedRequest);
    CHECK(guest.take_events() == one(event::with_substream(bad_treq(guest, iova), 5)));
    CHECK(guest.read_translated(guest.page()) == Code::UnsupportedRequest);
    CHECK(guest.take_events() == one(forbidden(guest, guest.page(), Access::Read)));
    guest.unit.set_cr0(CMDQEN | EVENTQEN | SMMUEN);
    CHECK(guest.ask(iova) == Code::Success);
    CHECK(guest.answer() == page_at(guest.page()));
}

TEST_CASE("Ats: with ATSCHK=0 a device that lies reaches any page", "[smmuv3][ats]") {
    Scene guest;
    const std::uint64_t secret = guest.patterned_page(7);
    for (const unsigned eats : {0u, full_ats}) {
        guest.set_ste(guest.good_ste().set(93, 92, eats));
        CHECK(guest.read_translated(secret + 8 * eats) == Code::Success);
        CHECK(guest.qemu.qtest().memread(guest.endpoint().window(), 8) == guest.ram.read(secret + 8 * eats, 8));
    }
    CHECK(guest.take_events().empty());
}

TEST_CASE("Ats: with ATSCHK=1 only streams with EATS may use translated addresses", "[smmuv3][ats]") {
    Scene guest;
    const std::uint64_t secret = guest.patterned_page(7);
    const auto before = guest.memory(secret);
    guest.restart(RECINVSID, ATSCHK);
    CHECK(guest.read_translated(secret) == Code::Success);
    CHECK(guest.take_events().empty());
    for (const auto& [high, low, value] : {std::array{93u, 92u, 0u}, std::array{3u, 1u, 4u}}) {
        guest.set_ste(guest.good_ste().set(high, low, value));
        CHECK(guest.read_translated(secret + 8) == Code::UnsupportedRequest);
        CHECK(guest.take_events() == one(forbidden(guest, secret + 8, Access::Read)));
        CHECK(guest.write_translated(secret, endpoint_pasid::valid | 1) == Code::UnsupportedRequest);
        CHECK(guest.take_events() == one(forbidden(guest, secret, Access::Write)));
        CHECK(guest.memory(secret) == before);
    }
    // Refused in silence.
    guest.set_ste(guest.good_ste().set(3, 1, 0));
    CHECK(guest.read_translated(secret) == Code::UnsupportedRequest);
    CHECK(guest.take_events().empty());
}

TEST_CASE("Ats: split-stage requests are answered the IPA, which stage 2 takes to the page", "[smmuv3][ats]") {
    Scene guest;
    constexpr std::uint64_t ipa = 0x3456789000;
    guest.stage().map({.input = iova, .output = ipa});
    PageTable second(guest.ram, Stage::Two);
    for (const std::uint64_t table : guest.stage().tables())
        second.map_identity(table);
    second.map_identity(guest.cd_address()).map({.input = ipa, .output = guest.page()});
    guest.restart(RECINVSID, ATSCHK);
    guest.set_ste(ste::nested(guest.cd_address(), second, 3).set(93, 92, split_stage_ats));
    CHECK(guest.ask(iova) == Code::Success);
    CHECK(guest.answer() == page_at(ipa));
    guest.fill();
    CHECK(guest.qemu.qtest().memread(guest.endpoint().window(), 8) == guest.ram.read(guest.page(), 8));
    // A lie is an IPA like any other.
    const std::uint64_t secret = guest.patterned_page(7);
    CHECK(guest.read_translated(secret) == Code::UnsupportedRequest);
    CHECK(guest.take_events() ==
          one(event::by_stage_2(event::of_access(event::F_TRANSLATION, guest.id(), secret, Access::Read), Class::Input,
                                secret)));
    // Without ATSCHK such a stream may not ask.
    guest.unit.set_cr0(CMDQEN | EVENTQEN | SMMUEN);
    CHECK(guest.ask(iova) == Code::UnsupportedRequest);
    CHECK(guest.take_events() == one(bad_treq(guest, iova)));
}

TEST_CASE("Ats: a unit without ATS answers nobody, and tells nobody", "[smmuv3][ats]") {
    Scene guest(1, ",ats=off");
    CHECK(guest.ask(iova) == Code::UnsupportedRequest);
    CHECK(guest.read_translated(guest.page()) == Code::UnsupportedRequest);
    CHECK(guest.take_events().empty());
    CHECK(guest.endpoint().run({.op = Op::Read, .source = iova, .length = 8}) == Code::Success);
}
