// SPDX-License-Identifier: GPL-2.0-or-later
//
// trace: one line for each thing the guest can see happen. Field texts come from the layouts, never by hand.
#ifndef VTD_NESTED_TRACE_H
#define VTD_NESTED_TRACE_H

#include <span>
#include <string>
#include <string_view>

#include "iommu/register_file.h"
#include "vtd-nested/commands.h"
#include "vtd-nested/report.h"
#include "vtd-nested/translate.h"

namespace vtd {

// "vtd: fault FRCD[0] SID=00:04.0 read FR=0x71 (SFS.2: ...) FI=0x401000 ..."
[[nodiscard]] std::string fault_line(const Request& request, const Fault& fault, const Report& report);
// "vtd: translated SID=00:04.0 read 0x1000 -> 0x7f001000 2^12 rw"
[[nodiscard]] std::string translation_line(const Request& request, const Path& path);
// "vtd: translation request SID=00:04.0 0x401000: unsupported while translation is off"
[[nodiscard]] std::string unsupported_line(const Request& request);
// "vtd: page request SID=00:04.0 PASID=0x5 0x401000 PRGI=0x3 RDR LPIG: queued at 0x20"
[[nodiscard]] std::string page_request_line(const iommu::PageRequest& page, std::string_view outcome);
// "vtd: write FECTL IM=1"
[[nodiscard]] std::string register_line(const iommu::RegisterSpec& spec, std::uint64_t value);
// "vtd: message 0xfee00000 data 0x41"
[[nodiscard]] std::string message_line(const iommu::SendMsi& message);
// "vtd: wait completed, 0x1 to 0x7f000, IWC"
[[nodiscard]] std::string wait_line(const Wait& wait);
// "vtd: descriptor at 0x40: IotlbInvalidate G=3 ..."
[[nodiscard]] std::string descriptor_line(std::uint64_t head, const Words<4>& words);
// "vtd: FSTS IQE=1 (IQEI=3) head=0x40"
[[nodiscard]] std::string queue_error_line(IQEI why, std::uint64_t head);
// "vtd: SID=00:04.0 ITag 3: no answer to Invalidate Request after 60000 ms"
[[nodiscard]] std::string no_answer_line(const iommu::InvalidateTracker::Open& open, std::uint64_t waited_ns);
// "vtd: FSTS ITE=1 (ITESID=00:04.0) head=0x40"
[[nodiscard]] std::string timeout_line(iommu::RequesterId requester, std::uint64_t head);
// "vtd: 2 waits aborted"
[[nodiscard]] std::string aborted_line(std::size_t waits);
// "vtd: FSTS ICE=1: SID=00:04.0 answers ITag 3, which is open with SID=00:05.0", given what was open before the answer
[[nodiscard]] std::string wrong_answer_line(const iommu::InvalidateCompletion& completion,
                                            std::span<const iommu::InvalidateTracker::Open> open);
// "vtd: SID=00:04.0 answers ITags 0x8 while TES=0: unsupported request"
[[nodiscard]] std::string refused_answer_line(const iommu::InvalidateCompletion& completion);

}  // namespace vtd

#endif  // VTD_NESTED_TRACE_H
