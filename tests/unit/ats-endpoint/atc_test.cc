// SPDX-License-Identifier: GPL-2.0-or-later
//
// The device's own translations: hits, misses, what an Invalidate Request takes, and what it does to those on their
// way. [PCIe 6.0 s10.2, s10.3]
#include <catch2/catch_test_macros.hpp>

#include "host.h"

using namespace test;

namespace {

constexpr std::uint64_t kPasid5 = 0x80000005;
constexpr std::uint64_t kPasid6 = 0x80000006;

// Which untranslated addresses the device has a translation for.
std::vector<std::uint64_t> held(Bench& bench) {
    std::vector<std::uint64_t> addresses;
    const std::uint64_t entries = in(bench.get(AE_LIMITS), AE_LIMITS_ATC_ENTRIES);
    for (std::uint64_t index = 0; index < entries; ++index) {
        bench.set(AE_ATC_INDEX, index);
        if ((bench.get(AE_ATC_FLAGS) & AE_ATC_FLAGS_VALID) != 0) addresses.push_back(bench.get64(AE_ATC_ADDRESS_64));
    }
    return addresses;
}

}  // namespace

TEST_CASE("endpoint atc: a miss asks once, a hit does not ask, and the access goes out as translated") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000};
    bench.host.ram[0x8008] = 0x44;
    CHECK(bench.read_via_atc(0x4008) == AE_CODE_SUCCESS);
    CHECK(bench.get(AE_WINDOW(0)) == 0x44);
    CHECK(bench.host.translation_requests.size() == 1);
    REQUIRE(bench.host.requests.size() == 1);
    CHECK(bench.host.requests[0].request.kind == iommu::RequestKind::Translated);
    CHECK(bench.host.requests[0].request.iova.value == 0x8008);
    CHECK(bench.get(AE_ATC_MISSES) == 1);
    CHECK(bench.get(AE_ATC_HITS) == 0);
    CHECK(bench.get(AE_ATC_FILLS) == 1);
    CHECK(bench.read_via_atc(0x4ff8) == AE_CODE_SUCCESS);
    CHECK(bench.host.translation_requests.size() == 1);
    CHECK(bench.host.requests[1].request.iova.value == 0x8ff8);
    CHECK(bench.get(AE_ATC_HITS) == 1);
    CHECK(bench.get(AE_TRANSLATION_REQUESTS) == 1);
}

TEST_CASE("endpoint atc: a read says that it will not write, a write asks for both") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000};
    bench.read_via_atc(0x4000);
    bench.carry_out({.operation = AE_OP_WRITE | AE_VIA_ATC, .destination = 0x14000, .length = 8});
    REQUIRE(bench.host.translation_requests.size() == 2);
    CHECK(bench.host.translation_requests[0].access == iommu::Access::Read);
    CHECK(bench.host.translation_requests[0].kind == iommu::RequestKind::Translation);
    CHECK(bench.host.translation_requests[1].access == iommu::Access::Atomic);
}

TEST_CASE("endpoint atc: a translation request's answer is shown field by field") {
    Bench bench;
    bench.host.pages[0x200000] = {.to = 0x600000,
                                  .rights = iommu::Rights::Read,
                                  .page_log2 = 21,
                                  .execute = true,
                                  .privileged = true,
                                  .global = true,
                                  .untranslated_only = true,
                                  .no_snoop = true};
    bench.enable(0);  // with ATS off too
    CHECK(bench.carry_out(
              {.operation = AE_OP_TRANSLATION_REQUEST | AE_OPERATION_NW, .source = 0x212345, .pasid = 0xe0000007}) ==
          AE_CODE_SUCCESS);
    CHECK(bench.channel64(AE_TRANSLATION_ADDRESS_64) == 0x612345);
    CHECK(bench.channel(AE_TRANSLATION_FLAGS) == 0x801507d0);
    REQUIRE(bench.host.translation_requests.size() == 1);
    CHECK(bench.host.translation_requests[0].access == iommu::Access::Read);
    CHECK(bench.host.translation_requests[0].pasid == iommu::Pasid{7});
    CHECK(bench.get(AE_ATC_USED) == 0);  // it is told, not kept
    SECTION("refused") {
        bench.host.status = iommu::CompletionStatus::CompleterAbort;
        CHECK(bench.carry_out({.operation = AE_OP_TRANSLATION_REQUEST, .source = 0x200000}) == AE_CODE_COMPLETER_ABORT);
        CHECK(bench.channel(AE_TRANSLATION_FLAGS) == 0x80000002);
        CHECK(in(bench.channel(AE_RESULT), AE_RESULT_REASON) == 0x59);
        CHECK(bench.host.translation_requests[1].access == iommu::Access::Atomic);
    }
}

TEST_CASE("endpoint atc: a refused translation is the access's result") {
    Bench bench;
    bench.host.status = iommu::CompletionStatus::UnsupportedRequest;
    CHECK(bench.read_via_atc(0x4000) == AE_CODE_UNSUPPORTED_REQUEST);
    bench.host.status = iommu::CompletionStatus::CompleterAbort;
    CHECK(bench.read_via_atc(0x4000) == AE_CODE_COMPLETER_ABORT);
    CHECK(bench.get(AE_ATC_FILLS) == 0);
}

TEST_CASE("endpoint atc: with ATS off an access through it goes untranslated") {
    Bench bench;
    bench.enable(0);
    bench.host.pages[0x4000] = {.to = 0x8000};
    CHECK(bench.read_via_atc(0x4000) == AE_CODE_SUCCESS);
    CHECK(bench.host.translation_requests.empty());
    CHECK(bench.host.requests[0].request.kind == iommu::RequestKind::Untranslated);
}

TEST_CASE("endpoint atc: turning ATS off forgets everything") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000};
    bench.read_via_atc(0x4000);
    bench.enable(kAtsOn);
    CHECK(bench.get(AE_ATC_USED) == 1);
    bench.enable(0);
    CHECK(bench.get(AE_ATC_USED) == 0);
}

TEST_CASE("endpoint atc: U says that such accesses go untranslated, and is kept") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000, .rights = iommu::Rights::None, .untranslated_only = true};
    bench.host.discard = true;  // so that the untranslated access needs no rights
    CHECK(bench.read_via_atc(0x4000) == AE_CODE_SUCCESS);
    CHECK(bench.read_via_atc(0x4000) == AE_CODE_SUCCESS);
    CHECK(bench.host.translation_requests.size() == 1);
    REQUIRE(bench.host.requests.size() == 2);
    CHECK(bench.host.requests[1].request.kind == iommu::RequestKind::Untranslated);
}

TEST_CASE("endpoint atc: an entry that allows less is asked for again") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000, .rights = iommu::Rights::Read};
    bench.read_via_atc(0x4000);
    bench.host.pages[0x4000].rights = iommu::Rights::ReadWrite;
    CHECK(bench.carry_out({.operation = AE_OP_WRITE | AE_VIA_ATC, .destination = 0x4000, .length = 8}) ==
          AE_CODE_SUCCESS);
    CHECK(bench.host.translation_requests.size() == 2);
    CHECK(held(bench) == std::vector<std::uint64_t>{0x4000});  // one, not two
    bench.set(AE_ATC_INDEX, 0);
    CHECK((bench.get(AE_ATC_FLAGS) & AE_ATC_FLAGS_W) != 0);
}

TEST_CASE("endpoint atc: execute needs the right, and privileged translations are others") {
    Bench bench;
    bench.enable(kAtsOn, kPriOff);
    bench.host.pages[0x4000] = {.to = 0x8000};
    CHECK(bench.read_via_atc(0x4000, kPasid5 | 0x40000000) == AE_CODE_NO_RIGHTS);
    bench.host.pages[0x4000].execute = true;
    CHECK(bench.read_via_atc(0x4000, kPasid5 | 0x40000000) == AE_CODE_SUCCESS);
    const std::size_t asked = bench.host.translation_requests.size();
    CHECK(bench.read_via_atc(0x4000, kPasid5 | 0x20000000) == AE_CODE_SUCCESS);
    CHECK(bench.host.translation_requests.size() == asked + 1);
    CHECK(bench.get(AE_ATC_USED) == 2);
}

TEST_CASE("endpoint atc: entries are per PASID, Global ones serve every PASID and no request without") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000};
    bench.host.pages[0x5000] = {.to = 0x9000, .global = true};
    bench.read_via_atc(0x4000, kPasid5);
    bench.read_via_atc(0x4000, kPasid6);
    bench.read_via_atc(0x4000);
    CHECK(bench.host.translation_requests.size() == 3);
    // The PASID was for the translation; the translated request has none.
    CHECK(bench.host.translation_requests[0].pasid == iommu::Pasid{5});
    CHECK(!bench.host.requests[0].request.pasid);
    bench.read_via_atc(0x5000, kPasid5);
    bench.read_via_atc(0x5000, kPasid6);
    CHECK(bench.host.translation_requests.size() == 4);
    bench.read_via_atc(0x5000);
    CHECK(bench.host.translation_requests.size() == 5);
    // Global means nothing in an answer to a request without PASID.
    bench.host.pages[0x6000] = {.to = 0x9000, .global = true};
    bench.read_via_atc(0x6000);
    bench.read_via_atc(0x6000, kPasid5);
    CHECK(bench.host.translation_requests.size() == 7);
}

TEST_CASE("endpoint atc: it is bounded, and who was not used for longest goes") {
    Bench bench(endpoint::Options{.atc_entries = 2});
    for (std::uint64_t page = 4; page < 7; ++page)
        bench.host.pages[page << 12] = {.to = 0x8000};
    bench.read_via_atc(0x4000);
    bench.read_via_atc(0x5000);
    bench.read_via_atc(0x4000);
    CHECK(bench.get(AE_ATC_EVICTIONS) == 0);
    bench.read_via_atc(0x6000);
    CHECK(bench.get(AE_ATC_EVICTIONS) == 1);
    CHECK(held(bench) == std::vector<std::uint64_t>{0x4000, 0x6000});
}

TEST_CASE("endpoint atc: a larger page takes the place of the small ones in it") {
    Bench bench;
    bench.host.pages[0x200000] = {.to = 0x10000};
    bench.host.pages[0x201000] = {.to = 0x11000};
    bench.read_via_atc(0x200000);
    bench.read_via_atc(0x201000);
    bench.host.pages.clear();
    bench.host.pages[0x200000] = {.to = 0, .page_log2 = 21};
    bench.read_via_atc(0x202000);
    CHECK(held(bench) == std::vector<std::uint64_t>{0x200000});
    bench.set(AE_ATC_INDEX, 0);
    for (unsigned index = 0; (bench.get(AE_ATC_FLAGS) & AE_ATC_FLAGS_VALID) == 0; ++index)
        bench.set(AE_ATC_INDEX, index);
    CHECK(in(bench.get(AE_ATC_FLAGS), AE_ATC_FLAGS_SIZE_LOG2) == 21);
    CHECK(bench.get64(AE_ATC_TRANSLATED_64) == 0);
}

TEST_CASE("endpoint atc: an Invalidate Request takes what it covers and nothing else") {
    struct Case {
        const char* what;
        std::uint64_t first;
        std::uint64_t last;
        std::optional<std::uint32_t> pasid;
        bool global;
        unsigned left;
    };
    // Held: 0x4000 and 0x5000 without PASID, 0x4000 of 5 and of 6, 0x8000 of 5, Global.
    const Case cases[] = {
        {"a page without PASID, and with any", 0x4000, 0x4fff, {}, false, 2},
        {"two pages", 0x4000, 0x5fff, {}, false, 1},
        {"the page after", 0x6000, 0x6fff, {}, false, 5},
        {"everything, with no PASID named", 0, ~std::uint64_t{0}, {}, false, 0},
        {"a page of a PASID", 0x4000, 0x4fff, 5, false, 4},
        {"the page of another", 0x4000, 0x4fff, 7, false, 5},
        {"a Global page by another PASID", 0x8000, 0x8fff, 6, false, 4},
        {"everything of a PASID", 0, ~std::uint64_t{0}, 6, false, 3},
        {"a page of every PASID", 0x4000, 0x4fff, 0, true, 3},
        {"everything of every PASID", 0, ~std::uint64_t{0}, 0, true, 2},
    };
    for (const Case& one : cases) {
        INFO(one.what);
        Bench bench;
        bench.host.pages[0x4000] = {.to = 0x8000};
        bench.host.pages[0x5000] = {.to = 0x9000};
        bench.host.pages[0x8000] = {.to = 0xa000, .global = true};
        bench.read_via_atc(0x4000);
        bench.read_via_atc(0x5000);
        bench.read_via_atc(0x4000, kPasid5);
        bench.read_via_atc(0x4000, kPasid6);
        bench.read_via_atc(0x8000, kPasid5);
        REQUIRE(bench.get(AE_ATC_USED) == 5);
        bench.invalidate(one.first, one.last, 3, one.pasid, one.global);
        CHECK(bench.get(AE_ATC_USED) == one.left);
        CHECK(bench.get(AE_ATC_DROPPED) == 5 - one.left);
    }
}

TEST_CASE("endpoint atc: the newest Invalidate Request is shown, and each kind is counted") {
    Bench bench;
    bench.invalidate(0x4000, 0x5fff, 0x1f, 0xabcde);
    CHECK(bench.get(AE_LAST_INVALIDATE) == 0x05fabcde);
    CHECK(bench.get64(AE_LAST_INVALIDATE_FIRST_64) == 0x4000);
    CHECK(bench.get64(AE_LAST_INVALIDATE_LAST_64) == 0x5fff);
    bench.invalidate(0, ~std::uint64_t{0}, 2, 0, true);
    CHECK(bench.get(AE_LAST_INVALIDATE) == 0x06200000);
    bench.invalidate(0x1000, 0x1fff, 4);
    CHECK(bench.get(AE_LAST_INVALIDATE) == 0x00400000);
    CHECK(bench.get(AE_INVALIDATES) == 3);
    CHECK(bench.get(AE_INVALIDATES_PASID) == 1);
    CHECK(bench.get(AE_INVALIDATES_GLOBAL) == 1);
    CHECK(bench.get(AE_INVALIDATES_WHOLE) == 1);
}

TEST_CASE("endpoint atc: a translation that was asked for before an invalidation is not used after it") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000};
    bench.host.ram[0x8000] = 1;
    bench.host.ram[0x9000] = 2;
    bool once = true;
    bench.host.on_translation_request = [&] {
        if (!once) return;
        once = false;
        bench.host.pages[0x4000].to = 0x9000;  // the old answer is on its way
        bench.invalidate(0x4000, 0x4fff);
    };
    CHECK(bench.read_via_atc(0x4000) == AE_CODE_SUCCESS);
    CHECK(bench.get(AE_WINDOW(0)) == 2);
    CHECK(bench.host.translation_requests.size() == 2);
}

TEST_CASE("endpoint atc: nor after software emptied it, or turned ATS off") {
    for (const bool by_control : {true, false}) {
        Bench bench;
        bench.host.pages[0x4000] = {.to = 0x8000};
        bool once = true;
        bench.host.on_translation_request = [&] {
            if (!once) return;
            once = false;
            bench.host.pages[0x4000].to = 0x9000;
            if (by_control) bench.set(AE_CONTROL, AE_CONTROL_DROP_ATC);
            if (!by_control) bench.enable(0);
            bench.enable();
        };
        CHECK(bench.read_via_atc(0x4000) == AE_CODE_SUCCESS);
        REQUIRE(bench.host.requests.size() == 1);
        CHECK(bench.host.requests[0].request.iova.value == 0x9000);
    }
}

TEST_CASE("endpoint atc: an access that has begun finishes before the answer leaves") {
    Bench bench(endpoint::Options{.answer_delay_ns = 0});
    bench.host.pages[0x4000] = {.to = 0x8000};
    std::vector<std::string> order;
    bench.host.on_memory = [&] {
        bench.invalidate(0x4000, 0x4fff);
        order.emplace_back("memory");
    };
    bench.host.on_completed = [&](const iommu::InvalidateCompletion&) { order.emplace_back("answer"); };
    CHECK(bench.read_via_atc(0x4000) == AE_CODE_SUCCESS);
    CHECK(order == std::vector<std::string>{"memory", "answer"});
    CHECK(bench.get(AE_ATC_USED) == 0);
}

TEST_CASE("endpoint atc: software can empty it, and set the counters to 0") {
    Bench bench;
    bench.host.pages[0x4000] = {.to = 0x8000};
    bench.read_via_atc(0x4000);
    bench.set(AE_CONTROL, AE_CONTROL_CLEAR_COUNTERS);
    CHECK(bench.get(AE_ATC_MISSES) == 0);
    CHECK(bench.get(AE_ATC_USED) == 1);
    CHECK(bench.get(AE_CONTROL) == 0);
    bench.set(AE_CONTROL, AE_CONTROL_DROP_ATC);
    CHECK(bench.get(AE_ATC_USED) == 0);
    CHECK(bench.host.completions.empty());
}
