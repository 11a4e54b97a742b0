// SPDX-License-Identifier: GPL-2.0-or-later
// trace: what the kernel says that it told the unit is what arrived: at the device, by its counters and last fields,
// and at the unit, by its counters on the host. For the latter the suite prints
//
//   @@ count NAME VALUE     what the unit's property NAME must be; VALUE since the machine was started
//   @@ counted              ... now: nothing is submitted until the host has looked
//
// The host says that it has looked by the property `requester` of the device endpoint1, or the guest goes on after
// kHostPatienceMs. tests/guest/judge-trace.sh has the host's part.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <optional>

#include "device.h"
#include "device_bench.h"
#include "endpoint.h"
#include "nest.h"
#include "submissions.h"
#include "suites.h"
#include "sva_device.h"

namespace guest {
namespace {

using Kind = Submission::Kind;

constexpr std::uint64_t kIova = 0x1'2340'0000;
constexpr unsigned kHostPatienceMs = 3000;
const std::string kFromBoot = "trace_event=intel_iommu:qi_submit";

void read_by_atc(Endpoint& endpoint, std::uint64_t address) {
    std::array<std::uint8_t, 8> bytes{};
    const Result result = endpoint.read(address, bytes, {.via = Via::Atc});
    check(result.good(), "the read of " + hex(address) + " ended in " + code_text(result.code));
}

// Linux gives the nested STE of a device that can stall both S2S and EATS, which is illegal. [SMMU G.b s5.2]
void skip_if_stalling(const Device& device) {
    if (exists(device.function().folder() + "/of_node/dma-can-stall"))
        skip("arm-smmu-v3 makes an illegal STE (S2S with EATS) for a nested device that can stall");
}

void clear(Endpoint& endpoint, Submissions& submissions) {
    endpoint.set(AE_CONTROL, AE_CONTROL_CLEAR_COUNTERS);
    submissions.take();
}

// Every invalidation of a device's TLB that the driver submitted is one that this device got; the newest is the last.
void compare(const Endpoint& endpoint, const std::vector<Submission>& submitted, std::uint16_t requester) {
    std::uint64_t all = 0, whole = 0, with_pasid = 0;
    const Submission* newest = nullptr;
    for (const Submission& one : submitted) {
        if (one.kind != Kind::DeviceTlb) continue;
        check_equal(one.requester, requester, "the requester id in the driver's invalidation");
        all += 1;
        whole += one.whole() ? 1 : 0;
        with_pasid += one.pasid ? 1 : 0;
        newest = &one;
    }
    if (newest == nullptr) fail("the driver invalidated nothing in the device's TLB");
    check_equal(endpoint.get(AE_INVALIDATES), all, "INVALIDATES");
    check_equal(endpoint.get(AE_INVALIDATES_WHOLE), whole, "INVALIDATES_WHOLE");
    check_equal(endpoint.get(AE_INVALIDATES_PASID), with_pasid, "INVALIDATES_PASID");
    check_equal(endpoint.get(AE_ANSWERS), all, "ANSWERS");
    check_equal(endpoint.get64(AE_LAST_INVALIDATE_FIRST_64), newest->first, "LAST_INVALIDATE_FIRST");
    check_equal(endpoint.get64(AE_LAST_INVALIDATE_LAST_64), newest->last, "LAST_INVALIDATE_LAST");
    const std::uint32_t last = endpoint.get(AE_LAST_INVALIDATE);
    check_equal((last & AE_LAST_INVALIDATE_PASID_VALID) != 0, newest->pasid.has_value(), "LAST_INVALIDATE.PASID_VALID");
    if (newest->pasid) check_equal(last & AE_LAST_INVALIDATE_PASID, *newest->pasid, "LAST_INVALIDATE.PASID");
}

bool covers(const std::vector<Submission>& submitted, Kind kind, std::uint64_t address) {
    for (const Submission& one : submitted)
        if (one.kind == kind && one.first <= address && address <= one.last) return true;
    return false;
}

void unmap_pages(DeviceBench& bench, std::uint32_t ioas, std::uint64_t pages) {
    Submissions submissions;
    const Memory memory{pages * kKiB4};
    bench.iommu.map(ioas, memory.data(), memory.size(), kIova);
    read_by_atc(bench.endpoint, kIova);
    read_by_atc(bench.endpoint, kIova + memory.size() - 8);
    clear(bench.endpoint, submissions);
    bench.iommu.unmap(ioas, kIova, memory.size());
    const auto submitted = submissions.take();
    compare(bench.endpoint, submitted, bench.device.function().requester_id());
    for (const std::uint64_t address : {kIova, kIova + memory.size() - 1}) {
        check(covers(submitted, Kind::Tlb, address), "no TLB invalidation covers " + hex(address));
        check(covers(submitted, Kind::DeviceTlb, address), "no device-TLB invalidation covers " + hex(address));
    }
}

// A page, a number of pages that no single size fits, and a large page.
void unmap() {
    DeviceBench bench;
    const std::uint32_t ioas = bench.iommu.ioas();
    bench.device.attach(ioas);
    need_ats(bench.endpoint);
    for (const std::uint64_t pages : {1, 3, 512})
        unmap_pages(bench, ioas, pages);
}

// The events of this kind while `pages` pages are unmapped, one of which the device has kept; its counters begin there.
std::vector<std::string> events_of_unmap(DeviceBench& bench, const char* kind, std::uint64_t pages) {
    const std::uint32_t ioas = bench.iommu.ioas();
    bench.device.attach(ioas);
    need_ats(bench.endpoint);
    const Memory memory{pages * kKiB4};
    bench.iommu.map(ioas, memory.data(), memory.size(), kIova);
    read_by_atc(bench.endpoint, kIova);
    Tracing tracing{{kind}};
    bench.endpoint.set(AE_CONTROL, AE_CONTROL_CLEAR_COUNTERS);
    bench.iommu.unmap(ioas, kIova, memory.size());
    return tracing.take();
}

// iommu:unmap has the range that user space named; the device hears of it, and of nothing else.
void core_event() {
    constexpr std::uint64_t kPages = 4;
    DeviceBench bench;
    std::uint64_t bytes = 0;
    for (const std::string& event : events_of_unmap(bench, "iommu/unmap", kPages)) {
        unsigned long long first = 0, last = 0, size = 0, done = 0;
        const int found = std::sscanf(event.c_str(), "unmap: IOMMU: iova=0x%llx - 0x%llx size=%llu unmapped_size=%llu",
                                      &first, &last, &size, &done);
        if (found != 4) continue;
        check_equal(first, kIova + bytes, "the iova in iommu:unmap");
        bytes += done;
    }
    check_equal(bytes, kPages * kKiB4, "the bytes in iommu:unmap");
    check(bench.endpoint.get64(AE_LAST_INVALIDATE_FIRST_64) <= kIova + bytes - 1,
          "the device heard of other addresses");
    check(bench.endpoint.get64(AE_LAST_INVALIDATE_LAST_64) >= kIova, "the device heard of other addresses");
}

// cache_tag_flush_range has what the driver made of a range: base and order, once for the IOTLB, once for the device.
void flush_range() {
    only_on(UnitKind::Vtd, "arm-smmu-v3 has no trace events");
    constexpr std::uint64_t kPages = 8;
    DeviceBench bench;
    unsigned of_device = 0;
    for (const std::string& event : events_of_unmap(bench, "intel_iommu/cache_tag_flush_range", kPages)) {
        const auto range = event.find("[0x");
        if (range == std::string::npos || event.find("type devtlb") == std::string::npos) continue;
        unsigned long long first = 0, last = 0, base = 0, order = 0;
        const int found =
            std::sscanf(event.c_str() + range, "[0x%llx-0x%llx] addr 0x%llx mask 0x%llx", &first, &last, &base, &order);
        check(found == 4, "unknown: " + event);
        check(event.find(bench.device.function().name) != std::string::npos, "another device's: " + event);
        of_device += 1;
        check_equal(first, kIova, "the first address of cache_tag_flush_range");
        check_equal(last, kIova + kPages * kKiB4 - 1, "its last");
        check_equal(bench.endpoint.get64(AE_LAST_INVALIDATE_FIRST_64), base, "LAST_INVALIDATE_FIRST");
        check_equal(bench.endpoint.get64(AE_LAST_INVALIDATE_LAST_64), base + (kKiB4 << order) - 1,
                    "LAST_INVALIDATE_LAST");
    }
    check_equal(bench.endpoint.get(AE_INVALIDATES), of_device, "INVALIDATES");
    check_equal(of_device, 1, "events cache_tag_flush_range for the device");
}

// IOMMU_HWPT_INVALIDATE of a page, of some, of all.
void nested() {
    DeviceBench bench;
    skip_if_stalling(bench.device);
    Nest nest{bench.iommu, bench.device, kKiB4, Ats::On};
    for (std::uint64_t page = 0; page < 8; ++page)
        nest.tables().map(kIova + page * kKiB4, nest.data_ipa(page * kKiB4), 12);
    nest.attach();
    need_ats(bench.endpoint);
    Submissions submissions;
    for (const std::uint64_t pages : {1, 8}) {
        read_by_atc(bench.endpoint, kIova);
        clear(bench.endpoint, submissions);
        nest.invalidate_pages(kIova, pages);
        const auto submitted = submissions.take();
        compare(bench.endpoint, submitted, bench.device.function().requester_id());
        check(covers(submitted, Kind::DeviceTlb, kIova + (pages - 1) * kKiB4), "the range's last page is left out");
    }
    read_by_atc(bench.endpoint, kIova);
    clear(bench.endpoint, submissions);
    nest.invalidate_all();
    compare(bench.endpoint, submissions.take(), bench.device.function().requester_id());
    check(bench.endpoint.get(AE_INVALIDATES_WHOLE) > 0, "an invalidation of all is one of less for the device");
}

// A change of the second stage: which of the device's translations it is about, nobody knows; all of them go.
void parent() {
    DeviceBench bench;
    skip_if_stalling(bench.device);
    Nest nest{bench.iommu, bench.device, kKiB4, Ats::On};
    nest.tables().map(kIova, nest.data_ipa(0), 12);
    nest.attach();
    need_ats(bench.endpoint);
    read_by_atc(bench.endpoint, kIova);
    Submissions submissions;
    clear(bench.endpoint, submissions);
    bench.iommu.unmap(nest.ioas(), Nest::kIpa, Nest::kTableBytes + Nest::kDataBytes);
    compare(bench.endpoint, submissions.take(), bench.device.function().requester_id());
    check(bench.endpoint.get(AE_INVALIDATES_WHOLE) > 0, "the device keeps translations through what is gone");
}

void pasid() {
    SharedDevice device{1};
    const Untouched memory{8 * kKiB4};
    for (std::uint64_t page = 0; page < 8; ++page) {
        memory.page(page)[0] = 1;
        exchange(device.endpoint(), memory.page(page), device.atc());
    }
    Submissions submissions;
    clear(device.endpoint(), submissions);
    check(munmap(memory.data(), memory.size()) == 0, "munmap");
    const auto submitted = submissions.take();
    compare(device.endpoint(), submitted, endpoint_function(1).requester_id());
    for (const Submission& one : submitted)
        if (one.kind == Kind::DeviceTlb) check_equal(one.pasid.value_or(0), device.pasid(), "the PASID");
    check(covers(submitted, Kind::DeviceTlb, address_of(memory.page(7).data())), "the range's last page is left out");
}

// Each page request that the device made is one that the driver took, with the same fields; and so are the responses.
void page_requests() {
    only_on(UnitKind::Vtd, "arm-smmu-v3 takes no page requests");
    constexpr std::uint64_t pages = 8;
    SharedDevice device{1};
    const Untouched memory{pages * kKiB4};
    Tracing tracing{{"intel_iommu/prq_report", "intel_iommu/qi_submit"}};
    device.endpoint().set(AE_CONTROL, AE_CONTROL_CLEAR_COUNTERS);
    for (std::uint64_t page = 0; page < pages; ++page)
        device_writes(device.endpoint(), memory.page(page), page, device.atc());
    std::uint64_t requests = 0, responses = 0;
    for (const std::string& event : tracing.take()) {
        const auto fields = event.find("rid=");
        if (event.starts_with("prq_report: ") && fields != std::string::npos) {
            unsigned long long requester = 0, page = 0, number = 0;
            char flags[8] = {};
            const int found = std::sscanf(event.c_str() + fields, "rid=0x%llx addr=0x%llx %7s pasid=0x%llx", &requester,
                                          &page, flags, &number);
            check(found == 4, "unknown: " + event);
            check_equal(requester, endpoint_function(1).requester_id(), "the requester id of prq_report");
            check_equal(number, device.pasid(), "the PASID of prq_report");
            check_equal(page, address_of(memory.page(requests).data()) / kKiB4, "the page of prq_report");
            check(flags[1] == 'w' && flags[4] == 'l', "a write of one page was reported as " + std::string(flags));
            requests += 1;
        }
        const auto submission = submission_of(event);
        if (!submission || submission->kind != Kind::Response) continue;
        check_equal(submission->requester, endpoint_function(1).requester_id(), "the requester id of the response");
        check_equal(submission->pasid.value_or(0), device.pasid(), "the PASID of the response");
        responses += 1;
    }
    check_equal(requests, pages, "events prq_report");
    check_equal(device.endpoint().get(AE_PAGE_REQUESTS), requests, "PAGE_REQUESTS");
    check_equal(device.endpoint().get(AE_RESPONSES_SUCCESS), responses, "RESPONSES_SUCCESS");
}

// All that the driver has submitted since the machine was started.
std::vector<Submission> from_boot() {
    std::vector<Submission> found;
    if (unit_kind() == UnitKind::Smmuv3) {
        const CommandQueue queue;
        if (queue.wrapped()) skip("the command queue has been gone through once already");
        return queue.between(0, queue.producer());
    }
    if (read_text("/proc/cmdline").find(kFromBoot) == std::string::npos)
        skip("the kernel's command line has no " + kFromBoot);
    const std::string tracing = "/sys/kernel/tracing/";
    for (const std::string& cpu : names_in(tracing + "per_cpu")) {
        std::string place = tracing;
        place.append("per_cpu/").append(cpu).append("/stats");
        const std::string stats = read_text(place);
        check(stats.find("overrun: 0\n") != std::string::npos, "events were lost: give the kernel trace_buf_size=4M");
    }
    const std::string text = read_text(tracing + "trace");
    for (std::size_t at = text.find("qi_submit: "); at != std::string::npos; at = text.find("qi_submit: ", at + 1))
        found.push_back(*submission_of(text.substr(at, text.find('\n', at) - at)));
    return found;
}

void unit_counters() {
    const auto submitted = from_boot();
    check(!submitted.empty(), "the driver has submitted nothing since the machine was started");
    const std::size_t waits = count_of(submitted, Kind::Wait);
    const std::size_t others = waits + count_of(submitted, Kind::Response) + count_of(submitted, Kind::Hint);
    give_to_sva(endpoint_function(1));
    const Bar0 bar0{endpoint_function(1).folder() + "/resource0"};
    Endpoint endpoint{bar0.bytes()};
    endpoint.set(AE_REQUESTER, 0);
    std::printf("@@ count invalidations %zu\n", submitted.size() - others);
    // On VT-d the waits that end a batch are not among the events.
    if (unit_kind() == UnitKind::Smmuv3) std::printf("@@ count waits %zu\n", waits);
    std::printf("@@ count queue-errors 0\n@@ count timeouts 0\n@@ count unexpected-completions 0\n@@ counted\n");
    std::fflush(stdout);
    for (unsigned waited = 0; waited < kHostPatienceMs && endpoint.get(AE_REQUESTER) == 0; waited += 50)
        usleep(50000);
    check_equal(from_boot().size(), submitted.size(), "what was submitted, after the host looked,");
}

constexpr std::array kSteps{
    Step{"unmap", unmap},
    Step{"core-event", core_event},
    Step{"flush-range", flush_range},
    Step{"nested", nested},
    Step{"parent", parent},
    Step{"pasid", pasid},
    Step{"page-requests", page_requests},
    Step{"unit-counters", unit_counters},
};

}  // namespace

Suite trace_suite() { return {"trace", nullptr, kSteps}; }

}  // namespace guest
