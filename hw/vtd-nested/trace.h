// SPDX-License-Identifier: GPL-2.0-or-later
//
// trace: one line for each thing the guest can see happen. Field texts come from the layouts, never by hand.
#ifndef VTD_NESTED_TRACE_H
#define VTD_NESTED_TRACE_H

#include <string>

#include "iommu/register_file.h"
#include "vtd-nested/commands.h"
#include "vtd-nested/report.h"
#include "vtd-nested/translate.h"

namespace vtd {

// "vtd: fault FRCD[0] SID=00:04.0 read FR=0x71 (SFS.2: ...) FI=0x401000 ..."
[[nodiscard]] std::string fault_line(const Request& request, const Fault& fault, const Report& report);
// "vtd: translated SID=00:04.0 read 0x1000 -> 0x7f001000 2^12 rw"
[[nodiscard]] std::string translation_line(const Request& request, const Path& path);
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

}  // namespace vtd

#endif  // VTD_NESTED_TRACE_H
