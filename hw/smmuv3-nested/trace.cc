// SPDX-License-Identifier: GPL-2.0-or-later
#include "smmuv3-nested/trace.h"

#include <cinttypes>

#include "iommu/text.h"

namespace smmuv3 {

namespace {

using iommu::format;

constexpr std::uint64_t kNsPerMs = 1'000'000;

std::string requester(const iommu::Request& request) {
    std::string text = format("SID=0x%x", request.requester.value);
    if (request.pasid) text += format(" SSID=0x%x", request.pasid->value);
    return text;
}

const char* where(Reported reported, const iommu::Request& request) {
    switch (reported) {
        case Reported::Recorded: return "";
        case Reported::Suppressed: return of_ats(request) ? " not recorded (REC_CFG_ATS=0)" : " not recorded (R=0)";
        case Reported::Merged: return " merged";
        case Reported::Lost: return " lost";
        case Reported::Held: return " held";
    }
    return "";
}

const char* class_name(Class input_class) {
    switch (input_class) {
        case Class::CD: return "CD";
        case Class::TT: return "TT";
        case Class::IN: return "IN";
    }
    return "?";
}

const char* fate(Admitted admitted) {
    switch (admitted) {
        case Admitted::Queued: return "queued";
        case Admitted::Overflow: return "the queue overflows";
        case Admitted::Off: return "the queue is off or in error";
        case Admitted::Aborted: return "the queue could not be written";
    }
    return "";
}

}  // namespace

std::string fault_line(const iommu::Request& request, const Fault& fault, const Report& report) {
    std::string line = "smmuv3: event " + std::string(name(fault.event)) +
                       format(" (0x%02x: ", static_cast<unsigned>(fault.event)) + std::string(meaning(fault.event)) +
                       ")" + where(report.reported, request) + " " + requester(request) +
                       format(" %s 0x%" PRIx64, iommu::name(request.access), request.iova.value);
    line += format(" S%u %s", fault.second_stage ? 2u : 1u, class_name(fault.input_class));
    if (fault.second_stage) line += format(" IPA=0x%" PRIx64, fault.ipa);
    if (report.stag) line += format(" STAG=0x%x", *report.stag);
    const Diagnosis& d = fault.diagnosis;
    if (!d.check.empty()) line += " " + std::string(d.check) + ";";
    if (d.has_level) line += format(" level %d", d.level);
    if (d.address != 0) line += format(" entry at 0x%" PRIx64 " is 0x%" PRIx64, d.address, d.entry);
    return line;
}

std::string translation_line(const iommu::Request& request, const iommu::Path& path) {
    return "smmuv3: translated " + requester(request) +
           format(" %s 0x%" PRIx64 " -> 0x%" PRIx64 " 2^%u %s", iommu::name(request.access), request.iova.value,
                  path.address.value, path.page_log2, iommu::name(path.usable));
}

std::string completion_line(const iommu::Request& request, const iommu::TranslationCompletion& completion) {
    const std::string line = "smmuv3: Translation Request " + requester(request) +
                             format(" 0x%" PRIx64, request.iova.value) + (request.writes() ? "" : " NW") + ": ";
    const auto event = static_cast<Event>(completion.reason);
    const std::string why = completion.reason == 0 ? "" : " " + std::string(name(event));
    switch (completion.status) {
        case iommu::CompletionStatus::UnsupportedRequest: return line + "UR" + (why.empty() ? " STE.Config=0" : why);
        case iommu::CompletionStatus::CompleterAbort: return line + "CA" + why;
        case iommu::CompletionStatus::Success: break;
    }
    if (completion.rights == iommu::Rights::None) return line + "no access" + why;
    return line + format("0x%" PRIx64 " 2^%u %s%s", completion.address.value, completion.page_log2,
                         iommu::name(completion.rights), completion.execute ? "x" : "");
}

std::string register_line(const iommu::RegisterSpec& spec, std::uint64_t value) {
    const std::string fields = iommu::describe_fields(spec.fields.data(), spec.fields.size(), &value);
    return "smmuv3: write " + std::string(spec.name) + " " + (fields.empty() ? "0" : fields);
}

std::string command_line(std::uint32_t consumer, const Words<2>& words) {
    return format("smmuv3: command at 0x%x: ", consumer) + describe_command(words);
}

std::string queue_error_line(CommandError why, std::uint32_t consumer) {
    return format("smmuv3: GERROR CMDQ_ERR (ERR=%u) CONS=0x%x", static_cast<unsigned>(why), consumer);
}

std::string message_line(const iommu::SendMsi& message) {
    return format("smmuv3: message 0x%" PRIx64 " data 0x%x", message.address, message.data);
}

std::string page_request_line(const iommu::PageRequest& request, Admitted admitted,
                              const std::optional<iommu::PageGroupResponse>& response) {
    std::string line = format("smmuv3: page request SID=0x%x", request.requester.value);
    if (request.pasid) line += format(" SSID=0x%x", request.pasid->value);
    line += request.stop_marker() ? " Stop marker"
                                  : format(" 0x%" PRIx64 " %s%s%s", request.address.value, request.read ? "r" : "",
                                           request.write ? "w" : "", request.execute ? "x" : "");
    line += format(" PRGIndex %u%s: ", request.index, request.last ? " last" : "") + fate(admitted);
    if (!response) return line;
    const bool success = response->code == iommu::ResponseCode::Success;
    return line + (success ? ", answered Success" : ", answered Response Failure") +
           (response->pasid ? " with its PASID" : "");
}

std::string hold_line(std::uint32_t consumer, const Words<2>& words, std::size_t open) {
    return format("smmuv3: command at 0x%x waits for devices, %zu invalidations not answered: ", consumer, open) +
           describe_command(words);
}

std::string invalidate_line(const iommu::InvalidateRequest& request, std::uint64_t timeout_ns) {
    std::string line = format("smmuv3: Invalidate Request to SID=0x%x", request.requester.value);
    if (request.pasid) line += format(" SSID=0x%x%s", request.pasid->value, request.global ? " and all others" : "");
    return line + format(" ITag %u 0x%" PRIx64 "-0x%" PRIx64 ", %" PRIu64 " ms to answer", request.itag,
                         request.range.first.value, request.range.last.value, timeout_ns / kNsPerMs);
}

std::string invalidate_completion_line(const iommu::InvalidateCompletion& completion, bool fits) {
    return format("smmuv3: SID=0x%x answered ITags 0x%08x", completion.requester.value, completion.itag_vector) +
           (fits ? "" : ", of which it was not asked all: ignored");
}

std::string timeout_line(const iommu::InvalidateTracker::Open& late, std::uint64_t waited_ns) {
    return format("smmuv3: SID=0x%x did not answer the Invalidate Request with ITag %u for %" PRIu64
                  " ms: given up, CERROR_ATC_INV_SYNC at the CMD_SYNC",
                  late.requester.value, late.itag, waited_ns / kNsPerMs);
}

}  // namespace smmuv3
