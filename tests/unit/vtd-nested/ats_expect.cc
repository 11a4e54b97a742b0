// SPDX-License-Identifier: GPL-2.0-or-later
#include "ats_expect.h"

#include <catch2/catch_test_macros.hpp>

using iommu::CompletionStatus;
using iommu::PageRequest;
using iommu::Request;
using iommu::ResponseCode;
using iommu::Rights;

namespace test {

namespace {

CompletionStatus status_of(Answer answer) {
    switch (answer) {
        case Answer::Granted:
        case Answer::Nothing: return CompletionStatus::Success;
        case Answer::Unsupported: return CompletionStatus::UnsupportedRequest;
        case Answer::Aborted: return CompletionStatus::CompleterAbort;
    }
    return CompletionStatus::Success;
}

bool asks_as_supervisor(const Request& request) {
    return request.pasid && request.privilege == iommu::Privilege::Supervisor;
}

// The one record there may be; it is cleared.
void expect_record(Guest& guest, const Request& request, unsigned reason, Recorded recorded) {
    const std::uint32_t status = guest.r32(kFsts);
    REQUIRE((status & 0xff) == (recorded == Recorded::Yes ? kPpf : 0));
    if (recorded == Recorded::No) return;
    const Guest::Record found = guest.record(status >> 8 & 0xff);
    const Guest::Record wanted = record_of(guest, request, reason);
    CHECK(found.high == wanted.high);
    CHECK(found.low == wanted.low);
    guest.clear_record(status >> 8 & 0xff);
    CHECK((guest.r32(kFsts) & 0xff) == 0);
}

}  // namespace

iommu::TranslationCompletion expect_granted(Guest& guest, const Request& request, std::uint64_t address,
                                            Rights rights) {
    INFO("translation request at " << request.iova.value);
    guest.forget();
    const auto completion = guest.unit.translation_request(request);
    CHECK(completion.status == CompletionStatus::Success);
    CHECK(completion.reason == 0);
    CHECK(completion.address.value == address);
    CHECK(completion.rights == rights);
    CHECK(!completion.execute);
    CHECK(!completion.global);
    CHECK(!completion.untranslated_only);
    CHECK(completion.privileged == asks_as_supervisor(request));
    CHECK(guest.take_fault() == 0);
    return completion;
}

iommu::TranslationCompletion expect_refused(Guest& guest, const Request& request, unsigned reason, Answer answer,
                                            Recorded recorded) {
    INFO("translation request at " << request.iova.value << ", wants " << reason);
    guest.forget();
    const auto before = guest.tables();
    const auto completion = guest.unit.translation_request(request);
    CHECK(completion.status == status_of(answer));
    CHECK(completion.reason == reason);
    CHECK(completion.rights == Rights::None);
    CHECK(!completion.untranslated_only);
    CHECK(completion.page_log2 == 12);
    CHECK(completion.privileged == (answer == Answer::Nothing && asks_as_supervisor(request)));
    const bool tables_unchanged = guest.tables() == before;
    CHECK(tables_unchanged);
    expect_record(guest, request, reason, recorded);
    return completion;
}

PageRequest page_at(std::uint64_t address, std::optional<std::uint32_t> pasid) {
    PageRequest page;
    page.requester = iommu::RequesterId{kDevice};
    if (pasid) page.pasid = iommu::Pasid{*pasid};
    page.address = iommu::Iova{address};
    page.read = true;
    return page;
}

PageRequest last(PageRequest page) {
    page.last = true;
    return page;
}

Words4 words_of(const PageRequest& page) {
    const auto bit = [](bool value, unsigned position) { return value ? std::uint64_t{1} << position : 0; };
    Words4 words{0x01 | std::uint64_t{page.requester.value} << 16, page.address.value | bit(page.read, 0) |
                                                                       bit(page.write, 1) | bit(page.last, 2) |
                                                                       std::uint64_t{page.index} << 3};
    if (page.pasid) {
        words[0] |=
            bit(true, 8) | std::uint64_t{page.pasid->value} << 32 | bit(page.execute, 52) | bit(page.privileged, 53);
    }
    return words;
}

void expect_queued(Guest& guest, const PageRequest& page) {
    INFO("page request at " << page.address.value);
    const std::uint64_t tail = guest.r64(kPqt);
    const std::uint64_t bytes = 0x1000ull << (guest.r64(kPqa) & 7);
    const auto answered = guest.ports.responses.size();
    guest.unit.page_request(page);
    CHECK(guest.r64(kPqt) == (tail + 32) % bytes);
    CHECK(guest.page_descriptor(tail) == words_of(page));
    CHECK((guest.r32(kPrs) & kPpr) == kPpr);
    CHECK(guest.ports.responses.size() == answered);
    CHECK(guest.take_fault() == 0);
}

void expect_dropped(Guest& guest, const PageRequest& page, std::optional<ResponseCode> code, unsigned reason,
                    Recorded recorded) {
    INFO("page request at " << page.address.value << ", wants " << reason);
    const std::uint64_t tail = guest.r64(kPqt);
    const std::uint32_t pending = guest.r32(kPrs) & kPpr;
    guest.ports.responses.clear();
    guest.unit.page_request(page);
    CHECK(guest.r64(kPqt) == tail);
    CHECK((guest.r32(kPrs) & kPpr) == pending);
    Request request;
    request.requester = page.requester;
    request.pasid = page.pasid;
    request.iova = page.address;
    request.kind = iommu::RequestKind::Page;
    if (page.pasid && page.privileged) request.privilege = iommu::Privilege::Supervisor;
    expect_record(guest, request, reason, recorded);
    if (!code) {
        CHECK(guest.ports.responses.empty());
        return;
    }
    REQUIRE(guest.ports.responses.size() == 1);
    const iommu::PageGroupResponse wanted{
        .requester = page.requester, .pasid = page.pasid, .index = page.index, .code = *code};
    CHECK((guest.ports.responses[0] == wanted));
}

}  // namespace test
