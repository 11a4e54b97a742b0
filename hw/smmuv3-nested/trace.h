// SPDX-License-Identifier: GPL-2.0-or-later
//
// trace: one line for each thing the guest can see happen. Field texts come from the layouts, never by hand.
#ifndef SMMUV3_NESTED_TRACE_H
#define SMMUV3_NESTED_TRACE_H

#include <string>

#include "iommu/register_file.h"
#include "iommu/two_stage.h"
#include "smmuv3-nested/commands.h"
#include "smmuv3-nested/page_requests.h"
#include "smmuv3-nested/report.h"

namespace smmuv3 {

// "smmuv3: event F_TRANSLATION (0x10: the address is not mapped) SID=0x20 read 0x401000 S1 IN level 3 ..."
[[nodiscard]] std::string fault_line(const iommu::Request& request, const Fault& fault, const Report& report);
[[nodiscard]] std::string translation_line(const iommu::Request& request, const iommu::Path& path);
// What a Translation Request was answered.
[[nodiscard]] std::string completion_line(const iommu::Request& request,
                                          const iommu::TranslationCompletion& completion);
[[nodiscard]] std::string register_line(const iommu::RegisterSpec& spec, std::uint64_t value);
[[nodiscard]] std::string command_line(std::uint32_t consumer, const Words<2>& words);
[[nodiscard]] std::string queue_error_line(CommandError why, std::uint32_t consumer);
[[nodiscard]] std::string message_line(const iommu::SendMsi& message);
// The queue stays at a command, with so many invalidations not answered.
[[nodiscard]] std::string hold_line(std::uint32_t consumer, const Words<2>& words, std::size_t open);
[[nodiscard]] std::string invalidate_line(const iommu::InvalidateRequest& request, std::uint64_t timeout_ns);
[[nodiscard]] std::string invalidate_completion_line(const iommu::InvalidateCompletion& completion, bool fits);
[[nodiscard]] std::string page_request_line(const iommu::PageRequest& request, Admitted admitted,
                                            const std::optional<iommu::PageGroupResponse>& response);
[[nodiscard]] std::string timeout_line(const iommu::InvalidateTracker::Open& late, std::uint64_t waited_ns);

}  // namespace smmuv3

#endif  // SMMUV3_NESTED_TRACE_H
