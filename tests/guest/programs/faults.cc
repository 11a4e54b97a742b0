// SPDX-License-Identifier: GPL-2.0-or-later
// faults: user space brings the pages that the device asks for.
#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>

#include "device_bench.h"
#include "fault_queue.h"
#include "memory.h"
#include "nest.h"
#include "suites.h"

namespace guest {
namespace {

constexpr std::uint64_t kIova = 0x12'3456'7000;
constexpr std::size_t kBytes = 256;
constexpr std::uint32_t kPasid = 0x155;
constexpr std::uint32_t kOther = 0x156;

constexpr std::uint32_t kNamedFlags = IOMMU_PGFAULT_FLAGS_LAST_PAGE | IOMMU_PGFAULT_FLAGS_PASID_VALID;

using Pasid = std::optional<std::uint32_t>;

// An address space whose pages come when they are asked for, from a memory that is kIova's.
struct Space {
    Space(Iommufd& with_iommu, const Device& device, const FaultQueue& queue)
        : iommu{with_iommu},
          ioas{iommu.ioas()},
          hwpt{iommu.hwpt({.device = device.id(),
                           .parent = ioas,
                           .flags = IOMMU_HWPT_FAULT_ID_VALID | IOMMU_HWPT_ALLOC_PASID,
                           .fault_queue = queue.id()})} {}

    void bring(unsigned page = 0) { iommu.map(ioas, memory.data() + page * kKiB4, kKiB4, kIova + page * kKiB4); }
    [[nodiscard]] std::span<std::uint8_t> data(unsigned page = 0) const { return memory.at(page * kKiB4, kBytes); }

    Iommufd& iommu;
    Memory memory{16 * kKiB4};
    std::uint32_t ioas;
    std::uint32_t hwpt;
};

// A bench with a queue and one such space, attached for a PASID or for requests without.
struct PageBench : DeviceBench {
    explicit PageBench(Pasid with = std::nullopt) : pasid{with} {
        needs_page_faults(device);
        if (pasid)
            device.attach_pasid(space.hwpt, *pasid);
        else
            device.attach(space.hwpt);
    }

    Pasid pasid;
    FaultQueue queue{iommu};
    Space space{iommu, device, queue};
};

// A write of a pattern that is on its way.
void start_write(Endpoint& endpoint, std::uint64_t address, const How& how, std::uint64_t seed) {
    std::array<std::uint8_t, kBytes> bytes{};
    fill_pattern(bytes, seed);
    endpoint.put(bytes, how.channel);
    endpoint.start(AE_OP_WRITE, address, bytes.size(), how);
}

void expect_end(Endpoint& endpoint, unsigned code, unsigned channel = 0) {
    const Result result = endpoint.wait(channel);
    check(result.code == code, "channel " + std::to_string(channel) + " ended in " + code_text(result.code) +
                                   " instead of " + code_text(code));
}

// The record of a page that an access wanted. A page request names the page, a stall the address. The kernel passes on
// a flag of its own (bit 2: the response needs the PASID), which linux/iommufd.h does not name.
void check_record(const PageFault& fault, const Device& device, Pasid pasid, std::uint64_t address,
                  std::uint32_t permission) {
    check_equal(fault.dev_id, device.id(), "the record's device");
    check_equal(fault.flags & kNamedFlags,
                IOMMU_PGFAULT_FLAGS_LAST_PAGE | (pasid ? IOMMU_PGFAULT_FLAGS_PASID_VALID : 0), "the record's flags");
    if (pasid) check_equal(fault.pasid, *pasid, "the record's PASID");
    check_equal(fault.perm, permission, "the record's permissions");
    const std::uint64_t named = unit_kind() == UnitKind::Vtd ? address & ~(kKiB4 - 1) : address;
    check_equal(fault.addr, named, "the record's address");
}

// Asked for, brought, and the access goes on by itself: a write, then a read of another page.
void map_and_go_on(Pasid pasid) {
    PageBench bench{pasid};
    start_write(bench.endpoint, kIova + 0x40, waiting(pasid), 1);
    PageFault fault = bench.queue.take_one();
    check_record(fault, bench.device, pasid, kIova + 0x40, IOMMU_PGFAULT_PERM_WRITE);
    check_waits(bench.endpoint);
    bench.space.bring();
    bench.queue.answer(fault);
    expect_end(bench.endpoint, AE_CODE_SUCCESS);
    check(has_pattern(bench.space.memory.at(0x40, kBytes), 1), "the write did not arrive");

    fill_pattern(bench.space.data(1), 2);
    bench.endpoint.start(AE_OP_READ, kIova + kKiB4, kBytes, waiting(pasid));
    fault = bench.queue.take_one();
    check_record(fault, bench.device, pasid, kIova + kKiB4, IOMMU_PGFAULT_PERM_READ);
    bench.space.bring(1);
    bench.queue.answer(fault);
    expect_end(bench.endpoint, AE_CODE_SUCCESS);
    std::array<std::uint8_t, kBytes> bytes{};
    bench.endpoint.take(bytes);
    check(has_pattern(bytes, 2), "the read brought other data");
    check(bench.queue.stays_empty(), "there are more records than pages");
}

void without_pasid() { map_and_go_on(std::nullopt); }

void with_pasid() { map_and_go_on(kPasid); }

// A page of the first stage, which is user space's own table; then the next one is refused.
void nested() {
    DeviceBench bench;
    needs_page_faults(bench.device);
    Nest nest{bench.iommu, bench.device};
    FaultQueue queue{bench.iommu};
    FirstStage& tables = nest.tables();
    const std::uint32_t hwpt = nest.hwpt_with_faults(queue.id());
    bench.device.attach(hwpt);
    start_write(bench.endpoint, kIova, waiting(), 1);
    const PageFault fault = queue.take_one();
    check_record(fault, bench.device, std::nullopt, kIova, IOMMU_PGFAULT_PERM_WRITE);
    tables.map(kIova, Nest::data_ipa(0), 12);
    queue.answer(fault);
    expect_end(bench.endpoint, AE_CODE_SUCCESS);
    check(has_pattern(nest.data(0, kBytes), 1), "the write did not arrive");
    start_write(bench.endpoint, kIova + kKiB4, waiting(), 2);
    queue.answer(queue.take_one(), IOMMUFD_PAGE_RESP_INVALID);
    expect_end(bench.endpoint, refused_code());
}

// PASIDs in a table of user space: on SMMUv3 they are SubstreamIDs of the device's one nested hwpt.
void nested_pasid() {
    DeviceBench bench;
    needs_page_faults(bench.device);
    Nest nest{bench.iommu, bench.device};
    FaultQueue queue{bench.iommu};
    constexpr std::uint32_t pasid = 5;
    FirstStage* tables = nullptr;
    std::optional<FirstStage> own;
    if (unit_kind() == UnitKind::Vtd) {
        tables = &own.emplace(UnitKind::Vtd, nest.pool());
        bench.device.attach_pasid(
            nest.another_hwpt(*tables, IOMMU_HWPT_FAULT_ID_VALID | IOMMU_HWPT_ALLOC_PASID, queue.id()), pasid);
    } else {
        tables = &nest.tables(pasid);
        bench.device.attach(nest.hwpt_with_faults(queue.id()));
    }
    start_write(bench.endpoint, kIova, waiting(pasid), 1);
    const PageFault fault = queue.take_one();
    check_record(fault, bench.device, pasid, kIova, IOMMU_PGFAULT_PERM_WRITE);
    tables->map(kIova, Nest::data_ipa(0), 12);
    queue.answer(fault);
    expect_end(bench.endpoint, AE_CODE_SUCCESS);
    check(has_pattern(nest.data(0, kBytes), 1), "the write did not arrive");
}

// Refused: the access ends, nothing is written, and the next one is asked for anew.
void refused(Pasid pasid) {
    PageBench bench{pasid};
    start_write(bench.endpoint, kIova, waiting(pasid), 1);
    bench.queue.answer(bench.queue.take_one(), IOMMUFD_PAGE_RESP_INVALID);
    expect_end(bench.endpoint, refused_code());
    start_write(bench.endpoint, kIova, waiting(pasid), 2);
    const PageFault fault = bench.queue.take_one();
    bench.space.bring();
    bench.queue.answer(fault);
    expect_end(bench.endpoint, AE_CODE_SUCCESS);
    check(has_pattern(bench.space.data(), 2), "the write did not arrive");
}

void refused_without_pasid() { refused(std::nullopt); }

void refused_with_pasid() { refused(kPasid); }

// Success without the page: the device asks again.
void not_brought() {
    PageBench bench;
    start_write(bench.endpoint, kIova, waiting(), 1);
    bench.queue.answer(bench.queue.take_one());
    const PageFault again = bench.queue.take_one();
    check_record(again, bench.device, std::nullopt, kIova, IOMMU_PGFAULT_PERM_WRITE);
    bench.space.bring();
    bench.queue.answer(again);
    expect_end(bench.endpoint, AE_CODE_SUCCESS);
    check(has_pattern(bench.space.data(), 1), "the write did not arrive");
}

// Three pages asked for at once have one answer.
void group_of_pages() {
    only_on(UnitKind::Vtd, "arm-smmu-v3 serves stalls, not page requests, and a stall is one page");
    PageBench bench{kPasid};
    constexpr std::uint32_t pages = 3;
    bench.endpoint.set(AE_CHANNEL(0) + AE_PAGES,
                       pages << 16 | AE_PAGES_WRITE | AE_PAGES_LAST | AE_PAGES_AUTO | AE_PAGES_WAIT);
    bench.endpoint.start(AE_OP_PAGE_REQUEST, kIova, 0, {.pasid = kPasid});
    const auto faults = bench.queue.take(pages);
    for (std::uint32_t page = 0; page < pages; ++page) {
        const PageFault& fault = faults[page];
        check_equal(fault.addr, kIova + page * kKiB4, "the address of page " + std::to_string(page));
        check_equal(fault.flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE,
                    page + 1 == pages ? std::uint64_t{IOMMU_PGFAULT_FLAGS_LAST_PAGE} : 0, "the flag of the last page");
        check_equal(fault.grpid, faults[0].grpid, "the group's index");
        check_equal(fault.cookie, faults[0].cookie, "the group's cookie");
        bench.space.bring(page);
    }
    check_waits(bench.endpoint);
    bench.queue.answer(faults[0]);
    expect_end(bench.endpoint, AE_CODE_SUCCESS);
    check_equal(bench.endpoint.get(AE_RESPONSES_SUCCESS), 1, "the number of responses");
    for (std::uint32_t page = 0; page < pages; ++page)
        exchange(bench.endpoint, kIova + page * kKiB4, bench.space.data(page), waiting(kPasid), page + 1);
}

// Two accesses wait; the second one's page comes first.
void other_order() {
    PageBench bench{kPasid};
    start_write(bench.endpoint, kIova, waiting(kPasid, 0), 1);
    const PageFault first = bench.queue.take_one();
    start_write(bench.endpoint, kIova + kKiB4, waiting(kPasid, 1), 2);
    const PageFault second = bench.queue.take_one();
    check(first.cookie != second.cookie && first.grpid != second.grpid, "the two are one group");
    bench.space.bring(1);
    bench.queue.answer(second);
    expect_end(bench.endpoint, AE_CODE_SUCCESS, 1);
    check_waits(bench.endpoint, 0);
    bench.space.bring(0);
    bench.queue.answer(first);
    expect_end(bench.endpoint, AE_CODE_SUCCESS, 0);
    check(has_pattern(bench.space.data(0), 1) && has_pattern(bench.space.data(1), 2), "the writes did not arrive");
}

// All four channels wait at once; every other page is refused.
void four_at_once() {
    PageBench bench;
    constexpr unsigned channels = 4;
    for (unsigned channel = 0; channel < channels; ++channel)
        start_write(bench.endpoint, kIova + channel * kKiB4, waiting(std::nullopt, channel), channel + 1);
    for (const PageFault& fault : bench.queue.take(channels)) {
        const auto page = static_cast<unsigned>((fault.addr - kIova) / kKiB4);
        check(page < channels, "a record is about " + hex(fault.addr));
        if (page % 2 == 0) bench.space.bring(page);
        bench.queue.answer(fault, page % 2 == 0 ? IOMMUFD_PAGE_RESP_SUCCESS : IOMMUFD_PAGE_RESP_INVALID);
    }
    for (unsigned channel = 0; channel < channels; ++channel) {
        expect_end(bench.endpoint, channel % 2 == 0 ? AE_CODE_SUCCESS : refused_code(), channel);
        check(has_pattern(bench.space.data(channel), channel + 1) == (channel % 2 == 0),
              "page " + std::to_string(channel) + " has other data");
    }
}

// One queue for two devices with the same PASID and address: the record names the device.
void two_devices() {
    PageBench bench{kPasid};
    Held second{bench.iommu, 1};
    needs_page_faults(second.device);
    Space other{bench.iommu, second.device, bench.queue};
    second.device.attach_pasid(other.hwpt, kPasid);
    start_write(bench.endpoint, kIova, waiting(kPasid), 1);
    const PageFault first_fault = bench.queue.take_one();
    start_write(second.endpoint, kIova, waiting(kPasid), 2);
    const PageFault second_fault = bench.queue.take_one();
    check_record(first_fault, bench.device, kPasid, kIova, IOMMU_PGFAULT_PERM_WRITE);
    check_record(second_fault, second.device, kPasid, kIova, IOMMU_PGFAULT_PERM_WRITE);
    other.bring();
    bench.queue.answer(second_fault);
    expect_end(second.endpoint, AE_CODE_SUCCESS);
    check_waits(bench.endpoint);
    bench.space.bring();
    bench.queue.answer(first_fault);
    expect_end(bench.endpoint, AE_CODE_SUCCESS);
    check(has_pattern(bench.space.data(), 1) && has_pattern(other.data(), 2), "the writes did not arrive");
}

// A queue for each PASID: a record comes where its PASID's hwpt says.
void two_queues() {
    PageBench bench{kPasid};
    FaultQueue other_queue{bench.iommu};
    Space other{bench.iommu, bench.device, other_queue};
    bench.device.attach_pasid(other.hwpt, kOther);
    start_write(bench.endpoint, kIova, waiting(kOther), 1);
    const PageFault fault = other_queue.take_one();
    check(bench.queue.stays_empty(), "the other PASID's queue has a record");
    check_record(fault, bench.device, kOther, kIova, IOMMU_PGFAULT_PERM_WRITE);
    other.bring();
    other_queue.answer(fault);
    expect_end(bench.endpoint, AE_CODE_SUCCESS);
    check(has_pattern(other.data(), 1), "the write did not arrive");
}

// Answers that the kernel must refuse leave the group open.
void bad_answers() {
    PageBench bench;
    start_write(bench.endpoint, kIova, waiting(), 1);
    const PageFault fault = bench.queue.take_one();
    constexpr std::uint32_t no_code = 7;
    PageFault unknown = fault;
    unknown.cookie += 1;
    check_equal(static_cast<std::uint64_t>(bench.queue.try_answer(fault, no_code)), EINVAL, "the error of a bad code");
    check_equal(static_cast<std::uint64_t>(bench.queue.try_answer(unknown, IOMMUFD_PAGE_RESP_SUCCESS)), EINVAL,
                "the error of an unknown cookie");
    check_waits(bench.endpoint);
    bench.space.bring();
    bench.queue.answer(fault);
    expect_end(bench.endpoint, AE_CODE_SUCCESS);
    check_equal(static_cast<std::uint64_t>(bench.queue.try_answer(fault, IOMMUFD_PAGE_RESP_SUCCESS)), EINVAL,
                "the error of a second answer");
}

// What user space has done about a page when the hwpt goes.
enum class Done { Nothing, RecordRead, QueueClosed };

// What is open when the hwpt goes is answered by the kernel.
void detached(Pasid pasid, Done done) {
    PageBench bench{pasid};
    start_write(bench.endpoint, kIova, waiting(pasid), 1);
    if (done == Done::RecordRead)
        bench.queue.take_one();
    else
        check(!bench.queue.stays_empty(), "there is no record");
    check_waits(bench.endpoint);
    if (done == Done::QueueClosed) bench.queue.close();
    if (pasid)
        bench.device.detach_pasid(*pasid);
    else
        bench.device.detach();
    expect_end(bench.endpoint, refused_code());
    bench.iommu.destroy(bench.space.hwpt);
    check(!has_pattern(bench.space.data(), 1), "the refused write arrived");
}

void detached_unread() { detached(std::nullopt, Done::Nothing); }
void detached_read() { detached(std::nullopt, Done::RecordRead); }
void detached_pasid() { detached(kPasid, Done::RecordRead); }
void closed_and_detached() { detached(kPasid, Done::QueueClosed); }

// Another hwpt takes the place of one with a page that was asked for.
void replaced() {
    PageBench bench{kPasid};
    Space next{bench.iommu, bench.device, bench.queue};
    start_write(bench.endpoint, kIova, waiting(kPasid), 1);
    const PageFault fault = bench.queue.take_one();
    bench.device.attach_pasid(next.hwpt, kPasid);
    expect_end(bench.endpoint, refused_code());
    check_equal(static_cast<std::uint64_t>(bench.queue.try_answer(fault, IOMMUFD_PAGE_RESP_SUCCESS)), EINVAL,
                "the error of an answer that is too late");
    next.bring();
    exchange(bench.endpoint, kIova, next.data(), waiting(kPasid), 2);
}

// A device that is reset in the midst of it: nobody waits, and all goes on afterwards.
void reset() {
    PageBench bench;
    start_write(bench.endpoint, kIova, waiting(), 1);
    const PageFault fault = bench.queue.take_one();
    bench.device.reset();
    check(!bench.endpoint.busy(), "the channel waits after a reset");
    bench.space.bring();
    (void)bench.queue.try_answer(fault, IOMMUFD_PAGE_RESP_SUCCESS);
    exchange(bench.endpoint, kIova, bench.space.data(), waiting(), 2);
}

constexpr std::array kSteps{
    Step{"without-pasid", without_pasid},
    Step{"with-pasid", with_pasid},
    Step{"nested", nested},
    Step{"nested-pasid", nested_pasid},
    Step{"refused", refused_without_pasid},
    Step{"refused-pasid", refused_with_pasid},
    Step{"not-brought", not_brought},
    Step{"group-of-pages", group_of_pages},
    Step{"other-order", other_order},
    Step{"four-at-once", four_at_once},
    Step{"two-devices", two_devices},
    Step{"two-queues", two_queues},
    Step{"bad-answers", bad_answers},
    Step{"detached-unread", detached_unread},
    Step{"detached-read", detached_read},
    Step{"detached-pasid", detached_pasid},
    Step{"closed-and-detached", closed_and_detached},
    Step{"replaced", replaced},
    Step{"reset", reset},
};

}  // namespace

Suite faults_suite() { return {"faults", nullptr, kSteps}; }

}  // namespace guest
