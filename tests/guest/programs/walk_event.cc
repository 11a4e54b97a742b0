// SPDX-License-Identifier: GPL-2.0-or-later
// walk: vEVENTs, what a VMM hears of first-stage faults on SMMUv3.
#include <linux/iommufd.h>
#include <poll.h>
#include <unistd.h>

#include <array>

#include "fault_records.h"
#include "smmuv3_words.h"
#include "walk_bench.h"
#include "walk_steps.h"

namespace guest {
namespace {

constexpr std::uint64_t kIova = 0x12'4000'0000;
constexpr int kPatienceMs = 1000;
constexpr unsigned kDeep = 64;

constexpr unsigned F_STREAM_DISABLED = 0x06, C_BAD_SUBSTREAMID = 0x08, C_BAD_CD = 0x0a, F_TRANSLATION = 0x10,
                   F_ACCESS = 0x12, F_PERMISSION = 0x13;

struct Event {
    iommufd_vevent_header header = {};
    std::optional<FaultRecord> record = std::nullopt;  // none in the header that tells of lost events
};

class EventBench : public NestBench {
  public:
    explicit EventBench(unsigned depth = kDeep) {
        queue_ = iommu.vevent_queue(nest.viommu(), IOMMU_VEVENTQ_TYPE_ARM_SMMUV3, depth);
    }

    // Whether one comes soon.
    [[nodiscard]] bool waits(int milliseconds = kPatienceMs) const {
        pollfd waiting = {.fd = queue_.file.number(), .events = POLLIN, .revents = 0};
        return poll(&waiting, 1, milliseconds) == 1;
    }

    Event next() {
        check(waits(), "no vEVENT came");
        struct {
            iommufd_vevent_header header;
            std::array<std::uint64_t, 4> words;
        } bytes = {};
        const auto count = read(queue_.file.number(), &bytes, sizeof bytes);
        check(count >= static_cast<ssize_t>(sizeof bytes.header), "read of a vEVENT");
        Event event{.header = bytes.header};
        if (count == sizeof bytes) event.record = decode_event(bytes.words);
        return event;
    }

    // The next one has this code, and is of the first stage of the virtual device.
    FaultRecord expect(unsigned code, std::uint32_t sequence) {
        const Event event = next();
        if (!event.record) fail("a vEVENT without a record");
        check_equal(event.header.flags, 0, "flags of the vEVENT");
        check_equal(event.header.sequence, sequence, "sequence of the vEVENT");
        check_equal(event.record->code, code, "the vEVENT's code");
        check_equal(event.record->requester, Nest::kVirtualId, "StreamID of the vEVENT");
        check_equal(event.record->second_stage, 0, "S2 of the vEVENT");
        return *event.record;
    }

    void fault(std::uint64_t iova, const How& how = {}) {
        check(page_at(iova, how) == kRefused, "the read of " + hex(iova) + " was not refused");
    }

  private:
    Queue queue_;
};

void need_events() {
    only_on(UnitKind::Smmuv3, "Linux has no vIOMMU for VT-d: its first-stage faults go to the kernel's log");
}

// Of every kind that stage 1 has, in the order in which they happened.
void in_order() {
    need_events();
    EventBench bench;
    bench.map(kIova + kKiB4, 1, Rights::Read);
    bench.map(kIova + 2 * kKiB4, 2);
    volatile std::uint64_t* leaf = bench.nest.tables().leaf(kIova + 2 * kKiB4, 12);
    *leaf = *leaf & ~(std::uint64_t{1} << 10);  // AF
    bench.fault(kIova);
    check(!bench.endpoint.write(kIova + kKiB4, std::array<std::uint8_t, 8>{}).good(), "the write was not refused");
    bench.fault(kIova + 2 * kKiB4);
    const FaultRecord translation = bench.expect(F_TRANSLATION, 0);
    check_equal(translation.address, kIova, "InputAddr of F_TRANSLATION");
    check(translation.read && !translation.pasid, "F_TRANSLATION has a PASID, or is of a write");
    check_equal(translation.access_class, kClassInput, "CLASS of F_TRANSLATION");
    const FaultRecord permission = bench.expect(F_PERMISSION, 1);
    check_equal(permission.address, kIova + kKiB4, "InputAddr of F_PERMISSION");
    check(!permission.read, "F_PERMISSION is of a read");
    check_equal(bench.expect(F_ACCESS, 2).address, kIova + 2 * kKiB4, "InputAddr of F_ACCESS");
    check(!bench.waits(0), "there are more vEVENTs than faults");
}

// A fault of stage 2 is the host's affair.
void not_of_stage_2() {
    need_events();
    EventBench bench;
    bench.nest.tables().map(kIova, 8 * kGiB1, 12);
    FaultRecords records;
    bench.fault(kIova);
    check(records.next().second_stage, "the fault was not of stage 2");
    bench.fault(kIova + kKiB4);
    check_equal(bench.expect(F_TRANSLATION, 0).address, kIova + kKiB4, "InputAddr of the only vEVENT");
}

// Contexts that are not there, and the end of the table. [SMMU G.b s7.3.9, s7.3.11]
void of_substreams() {
    need_events();
    EventBench bench;
    need_pasids(bench);
    bench.map(kIova, 3, Rights::ReadWrite, 5);
    bench.expect_page(kIova, 3, "with a context", {.pasid = 5});
    bench.fault(kIova, {.pasid = 6});
    const FaultRecord invalid = bench.expect(C_BAD_CD, 0);
    check(invalid.pasid == 6, "the SubstreamID of C_BAD_CD is wrong");
    bench.fault(kIova, {.pasid = Nest::kContexts});
    bench.expect(C_BAD_SUBSTREAMID, 1);
    bench.fault(kIova + kKiB4, {.pasid = 5});
    check(bench.expect(F_TRANSLATION, 2).pasid == 5, "the SubstreamID of F_TRANSLATION is wrong");
    // One that was there.
    bench.nest.clear_context(5);
    bench.expect_page(kIova, 3, "before CMD_CFGI_CD", {.pasid = 5});
    const auto command = smmuv3::cfgi_cd(Nest::kVirtualId, 5);
    check(bench.nest.try_command(command[0], command[1]) == 0, "CMD_CFGI_CD was refused");
    bench.fault(kIova, {.pasid = 5});
    check(bench.expect(C_BAD_CD, 3).pasid == 5, "the SubstreamID of C_BAD_CD is wrong");
}

// S1DSS=0: requests without a SubstreamID are not wanted. [SMMU G.b s5.2]
void stream_disabled() {
    need_events();
    EventBench bench;
    need_pasids(bench);
    auto ste = bench.nest.ste();
    ste[1] &= ~std::uint64_t{3};
    bench.map(kIova, 3, Rights::ReadWrite, 5);
    bench.device.attach(bench.nest.hwpt_with(ste));
    bench.fault(kIova);
    bench.expect(F_STREAM_DISABLED, 0);
    bench.expect_page(kIova, 3, "with a SubstreamID", {.pasid = 5});
}

// A queue of two keeps the first two; the header behind them says that more came, and the numbers go on.
void lost() {
    need_events();
    EventBench bench{2};
    constexpr unsigned kFaults = 5;
    FaultRecords records;
    for (unsigned index = 0; index < kFaults; ++index) {
        bench.fault(kIova + index * kKiB4);
        records.next();
    }
    usleep(20000);  // the driver's thread takes the last one
    check_equal(bench.expect(F_TRANSLATION, 0).address, kIova, "InputAddr of the first vEVENT");
    check_equal(bench.expect(F_TRANSLATION, 1).address, kIova + kKiB4, "InputAddr of the second vEVENT");
    const Event tail = bench.next();
    check(!tail.record, "a vEVENT beyond the queue's depth");
    check_equal(tail.header.flags, IOMMU_VEVENTQ_FLAG_LOST_EVENTS, "flags of the last header");
    check_equal(tail.header.sequence, kFaults - 1, "sequence of the last header");
    bench.fault(kIova);
    bench.expect(F_TRANSLATION, kFaults);
}

constexpr std::array kSteps{
    Step{"event-in-order", in_order},
    Step{"event-not-of-stage-2", not_of_stage_2},
    Step{"event-of-substreams", of_substreams},
    Step{"event-stream-disabled", stream_disabled},
    Step{"event-lost", lost},
};

}  // namespace

std::span<const Step> walk_event_steps() { return kSteps; }

}  // namespace guest
