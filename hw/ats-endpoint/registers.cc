// SPDX-License-Identifier: GPL-2.0-or-later
#include "ats-endpoint/registers.h"

namespace endpoint {

using iommu::spec_of;

namespace {

template <class R>
Described described(std::string_view meaning, std::uint64_t reset = 0) {
    return {spec_of<R>(reset), meaning};
}

std::uint64_t limits_reset(const Options& options) {
    return iommu::Value<LIMITS>{}
        .with<LIMITS::CHANNELS>(kChannels)
        .with<LIMITS::WINDOW_LOG2>(12)
        .with<LIMITS::ATC_ENTRIES>(options.atc_entries)
        .raw();
}

void add_state(std::vector<Described>& list, const Options& options) {
    list.push_back(described<ID>("\"ATS1\"", kId));
    list.push_back(described<LIMITS>("channels, bytes of each window, entries of the ATC", limits_reset(options)));
    list.push_back(described<ENABLES>("what configuration space enables"));
    list.push_back(described<CONTROL>("set the counters to 0; forget all translations"));
    list.push_back(described<ATC_INDEX>("which entry the other ATC registers show"));
    list.push_back(described<ATC_FLAGS>("the entry's flags and its size"));
    list.push_back(described<ATC_PASID>("the entry's PASID"));
    list.push_back(described<ATC_USED>("valid entries"));
    list.push_back(described<ATC_ADDRESS>("the entry's first untranslated address"));
    list.push_back(described<ATC_TRANSLATED>("the entry's first translated address"));
    list.push_back(described<LAST_INVALIDATE>("the newest Invalidate Request"));
    list.push_back(described<LAST_INVALIDATE_FIRST>("its first address"));
    list.push_back(described<LAST_INVALIDATE_LAST>("its last address"));
    list.push_back(described<LAST_RESPONSE>("the newest PRG Response"));
}

void add_faults(std::vector<Described>& list, const Options& options) {
    list.push_back(described<ANSWER_DELAY_NS>("from an Invalidate Request to its answer; 0: answered at once",
                                              options.answer_delay_ns));
    list.push_back(described<LATE_DELAY_NS>("the same for a late answer"));
    list.push_back(described<DROP_DELAY_NS>("from an early answer to when its entries really go"));
    list.push_back(described<RESPONSE_TIMEOUT_NS>("how long a channel waits for a PRG Response; 0: for ever"));
    list.push_back(described<VANISH_US>("written: all reads are ones and no message is seen for so many us"));
    list.push_back(described<UNASKED_ANSWER>("written: an Invalidate Completion with this ITag vector, at once"));
    list.push_back(described<DROP_ANSWERS>("answers that will not be sent"));
    list.push_back(described<LATE_ANSWERS>("answers that will take LATE_DELAY_NS"));
    list.push_back(described<WRONG_ITAGS>("answers that will name the next higher ITag"));
    list.push_back(described<TWICE_ANSWERS>("answers that will be sent twice"));
    list.push_back(described<WRONG_REQUESTERS>("answers that will come from REQUESTER"));
    list.push_back(described<EARLY_ANSWERS>("answers that will come before the entries go"));
    list.push_back(described<SAME_INDEXES>("page-request groups that will reuse the newest index"));
    list.push_back(described<IGNORE_RESPONSES>("PRG Responses that will be ignored"));
    list.push_back(described<REQUESTER>("the id that lies name"));
    list.push_back(
        described<BEHAVIOUR>("whether a response must have its group's PASID; whether page requests may be "
                             "more than software allocated",
                             BEHAVIOUR::CHECK_RESPONSE_PASID::mask));
}

void add_counters(std::vector<Described>& list) {
    list.push_back(described<ATC_HITS>("accesses served by the ATC"));
    list.push_back(described<ATC_MISSES>("accesses that needed a translation request"));
    list.push_back(described<ATC_FILLS>("translations put into the ATC"));
    list.push_back(described<ATC_EVICTIONS>("entries that made room for another"));
    list.push_back(described<ATC_DROPPED>("entries that an Invalidate Request took"));
    list.push_back(described<INVALIDATES>("Invalidate Requests"));
    list.push_back(described<INVALIDATES_PASID>("those with a PASID, not global"));
    list.push_back(described<INVALIDATES_GLOBAL>("those with Global Invalidate"));
    list.push_back(described<INVALIDATES_WHOLE>("those of all addresses"));
    list.push_back(described<INVALIDATES_LOST>("those that came while the device was away, or were too many"));
    list.push_back(described<ANSWERS>("Invalidate Completions sent"));
    list.push_back(described<TRANSLATION_REQUESTS>("translation requests sent"));
    list.push_back(described<PAGE_REQUESTS>("page requests sent"));
    list.push_back(described<STOP_MARKERS>("stop markers sent"));
    list.push_back(described<RESPONSES_SUCCESS>("PRG Responses Success"));
    list.push_back(described<RESPONSES_INVALID>("PRG Responses Invalid Request"));
    list.push_back(described<RESPONSES_FAILURE>("PRG Responses Response Failure, or with a reserved code"));
    list.push_back(described<RESPONSES_UNEXPECTED>("PRG Responses that no group waited for"));
    list.push_back(described<RESPONSES_LOST>("PRG Responses that came while the device was away"));
    list.push_back(described<FAULTS>("transactions that failed"));
    list.push_back(described<STALLS>("transactions that were held"));
    list.push_back(described<STRUCK_DROP>("answers not sent"));
    list.push_back(described<STRUCK_LATE>("late answers"));
    list.push_back(described<STRUCK_WRONG_ITAG>("answers with a wrong ITag"));
    list.push_back(described<STRUCK_TWICE>("answers sent twice"));
    list.push_back(described<STRUCK_WRONG_REQUESTER>("answers from another id"));
    list.push_back(described<STRUCK_EARLY>("early answers"));
    list.push_back(described<STRUCK_UNASKED>("unasked answers"));
    list.push_back(described<STRUCK_SAME_INDEX>("groups with an index in use"));
    list.push_back(described<STRUCK_IGNORE_RESPONSE>("responses ignored"));
    list.push_back(described<STRUCK_PASID_MISMATCH>("responses with another PASID than their group's"));
    list.push_back(described<STRUCK_CAPACITY>("page requests beyond what software allocated"));
    list.push_back(described<STRUCK_VANISH>("times that the device was away"));
}

}  // namespace

std::vector<Described> device_registers(const Options& options) {
    std::vector<Described> list;
    add_state(list, options);
    add_faults(list, options);
    add_counters(list);
    return list;
}

std::vector<Described> channel_registers() {
    return {
        described<DOORBELL>("begin the operation; give it up"),
        described<STATUS>("whether it is under way, and what it waits for"),
        described<OPERATION>("what to do, and how"),
        described<PASID>("with which PASID, if any, and for what kind of access"),
        described<SOURCE>("address, or offset in the window"),
        described<DESTINATION>("address, or offset in the window"),
        described<LENGTH>("bytes; 0 is one access of no bytes"),
        described<OPERAND>("of an atomic"),
        described<COMPARE>("what a compare-and-swap must find"),
        described<PAGES>("the page-request group"),
        described<RESULT>("what became of it"),
        described<RESULTS>("what became of each of the first 16 transactions, 4 bits each"),
        described<DONE_BYTES>("bytes transferred, or pages asked for"),
        described<FAULT_ADDRESS>("of the first transaction that failed"),
        described<OLD_VALUE>("what an atomic found"),
        described<TRANSLATION_ADDRESS>("the newest answer to a translation request"),
        described<TRANSLATION_FLAGS>("its other fields"),
        described<RESPONSE>("the newest PRG Response to this channel"),
    };
}

std::vector<iommu::RegisterSpec> specs_of(const std::vector<Described>& registers) {
    std::vector<iommu::RegisterSpec> specs;
    specs.reserve(registers.size());
    for (const Described& one : registers)
        specs.push_back(one.spec);
    return specs;
}

}  // namespace endpoint
