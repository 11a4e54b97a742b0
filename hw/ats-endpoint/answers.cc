// SPDX-License-Identifier: GPL-2.0-or-later
#include "ats-endpoint/answers.h"

#include "ats-endpoint/registers.h"

namespace endpoint {

namespace {

// One step further: the next of 32 tags, which the request did not have.
constexpr unsigned kTags = iommu::InvalidateTracker::kTags;

std::uint32_t tag_bit(unsigned itag) { return std::uint32_t{1} << (itag % kTags); }

}  // namespace

Intention plan_answer(const iommu::InvalidateRequest& request, iommu::RequesterId us, std::uint64_t now_ns,
                      iommu::RegisterFile& registers) {
    Intention intention{.answer = std::nullopt, .drop_ns = now_ns};
    if (strikes<DROP_ANSWERS, STRUCK_DROP>(registers)) return intention;
    const bool late = strikes<LATE_ANSWERS, STRUCK_LATE>(registers);
    const std::uint64_t delay = late ? number<LATE_DELAY_NS>(registers) : number<ANSWER_DELAY_NS>(registers);
    Answer answer{.completion = {.requester = us, .itag_vector = tag_bit(request.itag), .count = 1},
                  .copies = 1,
                  .due_ns = later(now_ns, delay)};
    if (strikes<WRONG_ITAGS, STRUCK_WRONG_ITAG>(registers)) answer.completion.itag_vector = tag_bit(request.itag + 1u);
    if (strikes<TWICE_ANSWERS, STRUCK_TWICE>(registers)) answer.copies = 2;
    if (strikes<WRONG_REQUESTERS, STRUCK_WRONG_REQUESTER>(registers))
        answer.completion.requester = {static_cast<std::uint32_t>(registers.get<REQUESTER>().get<REQUESTER::ID>())};
    if (strikes<EARLY_ANSWERS, STRUCK_EARLY>(registers))
        intention.drop_ns = later(answer.due_ns, number<DROP_DELAY_NS>(registers));
    intention.answer = answer;
    return intention;
}

void note(const iommu::InvalidateRequest& request, iommu::RegisterFile& registers) {
    registers.set(iommu::Value<LAST_INVALIDATE>{}
                      .with<LAST_INVALIDATE::PASID>(request.pasid ? request.pasid->value : 0)
                      .with<LAST_INVALIDATE::PASID_VALID>(request.pasid ? 1 : 0)
                      .with<LAST_INVALIDATE::GLOBAL>(request.global ? 1 : 0)
                      .with<LAST_INVALIDATE::ITAG>(request.itag));
    set_number<LAST_INVALIDATE_FIRST>(registers, request.range.first.value);
    set_number<LAST_INVALIDATE_LAST>(registers, request.range.last.value);
    count<INVALIDATES>(registers);
    if (request.global) {
        count<INVALIDATES_GLOBAL>(registers);
    } else if (request.pasid) {
        count<INVALIDATES_PASID>(registers);
    }
    if (request.range == iommu::IovaRange::everything()) count<INVALIDATES_WHOLE>(registers);
}

}  // namespace endpoint
