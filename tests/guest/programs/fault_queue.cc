// SPDX-License-Identifier: GPL-2.0-or-later
#include "fault_queue.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "pci.h"
#include "steps.h"

namespace guest {
namespace {

constexpr int kPatienceMs = 5000;
constexpr int kQuietMs = 100;

bool has_records(int file, int milliseconds) {
    pollfd waiting = {.fd = file, .events = POLLIN, .revents = 0};
    return poll(&waiting, 1, milliseconds) == 1 && (waiting.revents & POLLIN) != 0;
}

}  // namespace

std::vector<PageFault> FaultQueue::take(std::size_t count) {
    std::vector<PageFault> faults;
    while (faults.size() < count) {
        check(has_records(queue_.file.number(), kPatienceMs),
              "the fault queue has " + std::to_string(faults.size()) + " records instead of " + std::to_string(count));
        std::vector<PageFault> more(count - faults.size());
        const ssize_t bytes = read(queue_.file.number(), more.data(), more.size() * sizeof(PageFault));
        check(bytes > 0, "read of the fault queue: " + error_text(errno));
        more.resize(static_cast<std::size_t>(bytes) / sizeof(PageFault));
        faults.insert(faults.end(), more.begin(), more.end());
    }
    return faults;
}

bool FaultQueue::stays_empty() { return !has_records(queue_.file.number(), kQuietMs); }

int FaultQueue::try_answer(const PageFault& fault, std::uint32_t code) {
    const iommu_hwpt_page_response response = {.cookie = fault.cookie, .code = code};
    return write(queue_.file.number(), &response, sizeof response) == sizeof response ? 0 : errno;
}

void FaultQueue::answer(const PageFault& fault, std::uint32_t code) {
    const int error = try_answer(fault, code);
    check(error == 0, "answer to a page fault: " + error_text(error));
}

void needs_page_faults(const Device& device) {
    if (unit_kind() == UnitKind::Smmuv3 && !exists(device.function().folder() + "/of_node/dma-can-stall"))
        skip("no dma-can-stall for the device in a device tree (-device ats-endpoint,can-stall=on)");
}

How waiting(std::optional<std::uint32_t> pasid, unsigned channel) {
    if (unit_kind() == UnitKind::Vtd) return {.via = Via::Atc, .pasid = pasid, .channel = channel};
    return {.pasid = pasid, .can_stall = true, .channel = channel};
}

unsigned refused_code() { return unit_kind() == UnitKind::Vtd ? AE_CODE_PAGE_REFUSED : AE_CODE_UNSUPPORTED_REQUEST; }

void check_waits(const Endpoint& endpoint, unsigned channel) {
    const std::uint32_t waits = unit_kind() == UnitKind::Vtd ? AE_STATUS_WAITS_RESPONSE : AE_STATUS_STALLED;
    check((endpoint.get(AE_CHANNEL(channel) + AE_STATUS) & waits) != 0,
          "channel " + std::to_string(channel) + " does not wait");
}

}  // namespace guest
