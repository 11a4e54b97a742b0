// SPDX-License-Identifier: GPL-2.0-or-later
#include "submissions.h"

#include <fcntl.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "memory.h"
#include "smmuv3_words.h"
#include "steps.h"

namespace guest {
namespace {

using Kind = Submission::Kind;

const std::string kTracing = "/sys/kernel/tracing";

std::uint64_t bits(std::uint64_t word, unsigned high, unsigned low) {
    return word >> low & (~std::uint64_t{0} >> (63 - (high - low)));
}

// A range as ATS has it: with S the lowest 0 from bit 12 on tells the size. [VTD 5.10 s6.5.2.5]
void set_ats_range(Submission& submission, std::uint64_t address, bool sized) {
    unsigned log2 = 12;
    if (sized) {
        while (log2 < 64 && (address >> log2 & 1) != 0)
            ++log2;
        ++log2;
    }
    const std::uint64_t below = log2 >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << log2) - 1;
    submission.first = address & ~below;
    submission.last = address | below;
}

// Descriptors by their type. [VTD 5.10 s6.5.2]
Submission of_descriptor(std::uint64_t low, std::uint64_t high) {
    const std::uint64_t type = low & 0xf;
    Submission found;
    switch (type) {
        case 0x2:
        case 0x6: {
            found.kind = Kind::Tlb;
            // Only the page-selective ones have a range: granularity 3.
            if (bits(low, 5, 4) != 3) break;
            const std::uint64_t below = (kKiB4 << bits(high, 5, 0)) - 1;
            found.first = high & ~below & ~(kKiB4 - 1);
            found.last = found.first | below;
            break;
        }
        case 0x3:
            found.kind = Kind::DeviceTlb;
            found.requester = static_cast<std::uint16_t>(bits(low, 47, 32));
            set_ats_range(found, high & ~(kKiB4 - 1), (high & 1) != 0);
            break;
        case 0x8:
            found.kind = Kind::DeviceTlb;
            found.requester = static_cast<std::uint16_t>(bits(low, 31, 16));
            found.pasid = static_cast<std::uint32_t>(bits(low, 51, 32));
            set_ats_range(found, high & ~(kKiB4 - 1), (high >> 11 & 1) != 0);
            break;
        case 0x9:
            found.kind = Kind::Response;
            found.requester = static_cast<std::uint16_t>(bits(low, 31, 16));
            if ((low >> 4 & 1) != 0) found.pasid = static_cast<std::uint32_t>(bits(low, 51, 32));
            found.first = bits(high, 11, 3);
            break;
        case 0x5: found.kind = Kind::Wait; break;
        default: found.kind = Kind::Configuration; break;
    }
    return found;
}

// Commands by their code. [SMMU G.b s4.1.1, s4.5.1]
Submission of_command(std::uint64_t low, std::uint64_t high) {
    const std::uint64_t code = low & 0xff;
    Submission found;
    if (code >= 0x10 && code < 0x40) {
        found.kind = Kind::Tlb;
    } else if (code == smmuv3::kAtcInv) {
        found.kind = Kind::DeviceTlb;
        found.requester = static_cast<std::uint16_t>(bits(low, 63, 32));
        if ((low >> 11 & 1) != 0) found.pasid = static_cast<std::uint32_t>(bits(low, 31, 12));
        if (bits(high, 5, 0) >= smmuv3::kAtcSizeAll) return found;
        const std::uint64_t below = (kKiB4 << bits(high, 5, 0)) - 1;
        found.first = high & ~below & ~(kKiB4 - 1);
        found.last = found.first | below;
    } else if (code == 0x46 || bits(low, 31, 0) == 0) {
        found.kind = Kind::Wait;
    } else if (code == 0x01 || code == 0x02) {
        found.kind = Kind::Hint;
    } else {
        found.kind = code < 0x10 ? Kind::Configuration : Kind::Response;
    }
    return found;
}

constexpr unsigned kCmdqBase = 0x90, kCmdqProd = 0x98;  // [SMMU G.b s6.3.26, s6.3.27]

}  // namespace

Tracing::Tracing(const std::vector<std::string>& events) : folder_{kTracing + "/instances/guest-tests"} {
    if (!exists(kTracing + "/instances")) skip("the kernel has no tracefs");
    std::error_code error;
    std::filesystem::create_directory(folder_, error);
    check(!error, folder_ + ": " + error.message());
    for (const std::string& event : events) {
        if (!exists(folder_ + "/events/" + event)) skip("the kernel has no trace events " + event);
        write_text(folder_ + "/events/" + event + "/enable", "1");
    }
    take();
}

Tracing::~Tracing() {
    std::error_code error;
    std::filesystem::remove(folder_, error);
}

std::vector<std::string> Tracing::take() {
    std::vector<std::string> events;
    const std::string text = read_text(folder_ + "/trace");
    // Opened for writing with O_TRUNC, it is emptied.
    const Fd emptied = open_file(folder_ + "/trace", O_WRONLY | O_TRUNC);
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size());
        const std::string line = text.substr(at, end - at);
        at = end + 1;
        // "  program-123   [001] d..1.    12.345678: event: fields"
        const auto time = line.find(": ");
        if (!line.starts_with('#') && time != std::string::npos) events.push_back(line.substr(time + 2));
    }
    return events;
}

CommandQueue::CommandQueue() : registers_{unit_address(), kKiB4} {
    const std::uint64_t base = registers_.get64(kCmdqBase);
    log2_ = static_cast<unsigned>(bits(base, 4, 0));
    ring_.emplace(bits(base, 51, 5) << 5, std::uint64_t{16} << log2_, Physical::Kind::Memory);
}

std::uint32_t CommandQueue::producer() const { return registers_.get(kCmdqProd) & ((2u << log2_) - 1); }

std::vector<Submission> CommandQueue::between(std::uint32_t from, std::uint32_t to) const {
    const std::uint32_t mask = (1u << log2_) - 1;
    std::vector<Submission> found;
    for (std::uint32_t at = from; at != to; at = (at + 1) & (2 * mask + 1))
        found.push_back(of_command(ring_->get64(16 * (at & mask)), ring_->get64(16 * (at & mask) + 8)));
    return found;
}

std::optional<Submission> submission_of(const std::string& event) {
    if (!event.starts_with("qi_submit: ")) return std::nullopt;
    unsigned long long low = 0, high = 0;
    check(std::sscanf(event.c_str(), "qi_submit: %*s %*s %llx %llx", &low, &high) == 2, "unknown: " + event);
    return of_descriptor(low, high);
}

Submissions::Submissions() {
    if (unit_kind() == UnitKind::Vtd) {
        tracing_.emplace(std::vector<std::string>{"intel_iommu/qi_submit"});
    } else {
        queue_.emplace();
        producer_ = queue_->producer();
    }
}

std::vector<Submission> Submissions::take() {
    if (queue_) {
        const std::uint32_t from = producer_;
        producer_ = queue_->producer();
        return queue_->between(from, producer_);
    }
    std::vector<Submission> found;
    if (!tracing_) return found;
    for (const std::string& event : tracing_->take())
        if (const auto submission = submission_of(event)) found.push_back(*submission);
    return found;
}

std::size_t count_of(const std::vector<Submission>& all, Kind kind) {
    return static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [&](const Submission& one) { return one.kind == kind; }));
}

}  // namespace guest
