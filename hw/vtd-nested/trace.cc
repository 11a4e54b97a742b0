// SPDX-License-Identifier: GPL-2.0-or-later
#include "vtd-nested/trace.h"

#include <cinttypes>

#include "iommu/text.h"

namespace vtd {

namespace {

using iommu::format;

// "00:04.0"
std::string bus_devfn(iommu::RequesterId requester) {
    return format("%02x:%02x.%x", requester.bus(), requester.devfn() >> 3, requester.devfn() & 7);
}

// "SID=00:04.0" or "SID=00:04.0 PASID=0x5"
std::string requester(const Request& request) {
    std::string text = "SID=" + bus_devfn(request.requester);
    if (request.pasid) text += format(" PASID=0x%x", request.pasid->value);
    return text;
}

// "read", "translated write", "translation request (NW)"
std::string what(const Request& request) {
    switch (request.kind) {
        case iommu::RequestKind::Untranslated:
        case iommu::RequestKind::Debug: return iommu::name(request.access);
        case iommu::RequestKind::Translated: return std::string("translated ") + iommu::name(request.access);
        case iommu::RequestKind::Page: return "page request";
        case iommu::RequestKind::Translation: break;
    }
    return request.writes() ? "translation request" : "translation request (NW)";
}

std::string where(const Report& report) {
    switch (report.reported) {
        case Reported::Recorded: return format("FRCD[%u]", report.index);
        case Reported::Suppressed: return "not recorded (FPD)";
        case Reported::Merged: return "merged";
        case Reported::Overflowed: return "lost (PFO)";
        case Reported::Recoverable: return "not recorded (recoverable)";
    }
    return "?";
}

// Why an ITag of an answer fits nothing; empty when it fits.
std::string wrong_itag(unsigned itag, iommu::RequesterId sender, std::span<const iommu::InvalidateTracker::Open> open) {
    const iommu::InvalidateTracker::Open* other = nullptr;
    bool any = false;
    for (const iommu::InvalidateTracker::Open& one : open) {
        if (one.requester == sender && one.itag == itag) return {};
        any = any || one.requester == sender;
        if (one.itag == itag) other = &one;
    }
    const std::string what = format("answers ITag %u, ", itag);
    if (other != nullptr) return what + "which is open with SID=" + bus_devfn(other->requester) + " only";
    if (any) return what + "which is not among those it was sent";
    return what + "but nothing it was sent is open: answered already, too late, or never asked";
}

}  // namespace

std::string fault_line(const Request& request, const Fault& fault, const Report& report) {
    const std::string_view why = meaning(fault.condition);
    std::string line = "vtd: fault " + where(report) + " " + requester(request) + " " + what(request);
    line += format(" 0x%" PRIx64 " FR=0x%02x (%s: %.*s)", request.iova.value, static_cast<unsigned>(fault.condition),
                   std::string(name(fault.condition)).c_str(), static_cast<int>(why.size()), why.data());
    const Diagnosis& d = fault.diagnosis;
    if (!d.check.empty()) line += " " + std::string(d.check) + ";";
    if (d.level != 0) line += format(" level %u", d.level);
    if (d.address != 0) line += format(" entry at 0x%" PRIx64 " is 0x%" PRIx64, d.address, d.entry);
    return line;
}

std::string translation_line(const Request& request, const Path& path) {
    return "vtd: translated " + requester(request) + " " + what(request) +
           format(" 0x%" PRIx64 " -> 0x%" PRIx64 " 2^%u %s", request.iova.value, path.address.value, path.page_log2,
                  iommu::name(path.usable));
}

std::string unsupported_line(const Request& request) {
    return "vtd: " + what(request) + " " + requester(request) +
           format(" 0x%" PRIx64 ": unsupported without device-TLBs (DT), or while translation is off",
                  request.iova.value);
}

std::string page_request_line(const iommu::PageRequest& page, std::string_view outcome) {
    std::string line = "vtd: page request " + requester({.requester = page.requester, .pasid = page.pasid});
    line += format(" 0x%" PRIx64 " PRGI=0x%x", page.address.value, page.index);
    if (page.read) line += " RDR";
    if (page.write) line += " WRR";
    if (page.last) line += page.stop_marker() ? " LPIG (stop marker)" : " LPIG";
    return line + ": " + std::string(outcome);
}

std::string register_line(const iommu::RegisterSpec& spec, std::uint64_t value) {
    const std::string fields = iommu::describe_fields(spec.fields.data(), spec.fields.size(), &value);
    return "vtd: write " + std::string(spec.name) + " " + (fields.empty() ? "0" : fields);
}

std::string message_line(const iommu::SendMsi& message) {
    return format("vtd: message 0x%" PRIx64 " data 0x%x", message.address, message.data);
}

std::string wait_line(const Wait& wait) {
    std::string line = "vtd: wait completed";
    if (wait.status_address) line += format(", 0x%x to 0x%" PRIx64, wait.status_data, wait.status_address->value);
    return wait.interrupt ? line + ", IWC" : line;
}

std::string descriptor_line(std::uint64_t head, const Words<4>& words) {
    return format("vtd: descriptor at 0x%" PRIx64 ": ", head) + describe_descriptor(words);
}

std::string queue_error_line(IQEI why, std::uint64_t head) {
    return format("vtd: FSTS IQE=1 (IQEI=%u) head=0x%" PRIx64, static_cast<unsigned>(why), head);
}

std::string no_answer_line(const iommu::InvalidateTracker::Open& open, std::uint64_t waited_ns) {
    return "vtd: SID=" + bus_devfn(open.requester) +
           format(" ITag %u: no answer to Invalidate Request after %" PRIu64 " ms", unsigned{open.itag},
                  waited_ns / 1'000'000);
}

std::string timeout_line(iommu::RequesterId requester, std::uint64_t head) {
    return "vtd: FSTS ITE=1 (ITESID=" + bus_devfn(requester) + format(") head=0x%" PRIx64, head);
}

std::string aborted_line(std::size_t waits) { return format("vtd: %zu wait%s aborted", waits, waits == 1 ? "" : "s"); }

std::string wrong_answer_line(const iommu::InvalidateCompletion& completion,
                              std::span<const iommu::InvalidateTracker::Open> open) {
    const std::string line = "vtd: FSTS ICE=1: SID=" + bus_devfn(completion.requester) + " ";
    for (unsigned itag = 0; itag < iommu::InvalidateTracker::kTags; ++itag) {
        if ((completion.itag_vector >> itag & 1) == 0) continue;
        const std::string why = wrong_itag(itag, completion.requester, open);
        if (!why.empty()) return line + why;
    }
    return line + "answers no ITag at all";
}

std::string refused_answer_line(const iommu::InvalidateCompletion& completion) {
    return "vtd: SID=" + bus_devfn(completion.requester) +
           format(" answers ITags 0x%x while TES=0: unsupported request", completion.itag_vector);
}

}  // namespace vtd
