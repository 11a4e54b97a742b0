// SPDX-License-Identifier: GPL-2.0-or-later
// pasid: address spaces of one device side by side, each by its PASID, attached through VFIO.
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "device_bench.h"
#include "kernel_log.h"
#include "memory.h"
#include "nest.h"
#include "pasid.h"
#include "suites.h"

namespace guest {
namespace {

constexpr std::uint64_t kIova = 0x12'3456'7000;
constexpr std::uint32_t kPasid = 0x155;
constexpr std::uint32_t kOther = 0x156;
constexpr unsigned kRefused = AE_CODE_UNSUPPORTED_REQUEST;

// An address space: memory at kIova, and nothing else.
struct Space {
    explicit Space(Iommufd& iommu, std::uint32_t device) : ioas{iommu.ioas()} {
        iommu.map(ioas, memory.data(), memory.size(), kIova);
        hwpt = iommu.hwpt({.device = device, .parent = ioas, .flags = IOMMU_HWPT_ALLOC_PASID});
    }

    [[nodiscard]] std::span<std::uint8_t> data() const { return memory.at(0, kKiB4); }

    Memory memory{kKiB4};
    std::uint32_t ioas;
    std::uint32_t hwpt = 0;
};

std::uint32_t largest_pasid(Iommufd& iommu, const Device& device) {
    return (1u << iommu.hw_info(device.id(), nullptr, 0).out_max_pasid_log2) - 1;
}

// What the unit says, not what the kernel makes of it.
void need_unit_pasids() {
    DeviceBench bench;
    if (unit_pasid_width(bench.iommu, bench.device) == 0) skip("the unit has no PASIDs");
}

How with(std::uint32_t pasid, Via via = Via::Untranslated) { return {.via = via, .pasid = pasid}; }

// The narrower one of what the device's capability and the unit say.
void width() {
    DeviceBench bench;
    const iommu_hw_info info = bench.iommu.hw_info(bench.device.id(), nullptr, 0);
    const PasidCapability offered = pasid_capability(bench.device.function());
    check_equal(info.out_max_pasid_log2, std::min(offered.width, unit_pasid_width(bench.iommu, bench.device)),
                "the width of PASIDs");
    check_equal((info.out_capabilities & IOMMU_HW_CAP_PCI_PASID_EXEC) != 0, offered.execute, "PASIDs with execute");
    check_equal((info.out_capabilities & IOMMU_HW_CAP_PCI_PASID_PRIV) != 0, offered.privileged, "privileged PASIDs");
    Space space{bench.iommu, bench.device.id()};
    const std::uint32_t largest = largest_pasid(bench.iommu, bench.device);
    check_equal(static_cast<std::uint64_t>(bench.device.try_attach_pasid(space.hwpt, largest + 1)), EINVAL,
                "the error of a PASID that is too large");
    check(bench.endpoint.enabled(AE_ENABLES_PASID), "the device's PASIDs are not enabled");
}

// One address, and no PASID, PASID 1, one in the middle and the largest: four spaces.
void spaces_apart(Via via) {
    DeviceBench bench;
    const std::array<std::uint32_t, 3> pasids{1, kPasid, largest_pasid(bench.iommu, bench.device)};
    std::deque<Space> spaces;
    bench.device.attach(spaces.emplace_back(bench.iommu, bench.device.id()).hwpt);
    for (const std::uint32_t pasid : pasids)
        bench.device.attach_pasid(spaces.emplace_back(bench.iommu, bench.device.id()).hwpt, pasid);
    for (std::size_t round = 0; round < 2; ++round) {
        exchange(bench.endpoint, kIova, spaces[0].data(), {.via = via}, 10);
        for (std::size_t index = 0; index < pasids.size(); ++index)
            exchange(bench.endpoint, kIova, spaces[index + 1].data(), with(pasids[index], via), 11 + index);
        // Every space still has what was put there last, by its own exchange.
        for (std::size_t index = 0; index < spaces.size(); ++index)
            check(has_pattern(spaces[index].data().first(256), 2 * (10 + index) + 1),
                  "space " + std::to_string(index) + " was written through another one");
    }
}

void same_address() { spaces_apart(Via::Untranslated); }

void same_address_atc() { spaces_apart(Via::Atc); }

// What is mapped in one space only is in no other.
void apart_addresses() {
    DeviceBench bench;
    Space space{bench.iommu, bench.device.id()}, other{bench.iommu, bench.device.id()};
    Memory memory{kKiB4};
    constexpr std::uint64_t only = kIova + kMiB2;
    bench.iommu.map(other.ioas, memory.data(), memory.size(), only);
    bench.device.attach_pasid(space.hwpt, kPasid);
    bench.device.attach_pasid(other.hwpt, kOther);
    exchange(bench.endpoint, only, memory.at(0, kKiB4), with(kOther));
    expect_code(bench.endpoint, only, kRefused, with(kPasid));
    expect_code(bench.endpoint, only, kRefused);
    exchange(bench.endpoint, kIova, space.data(), with(kPasid));
}

// What the kernel tells of a request with a PASID in a table that others use, whose entry is not there: SPT.2,
// C_BAD_CD.
std::vector<std::string> telling_of_no_entry(std::uint32_t pasid) {
    if (unit_kind() == UnitKind::Vtd) return {"PASID " + hex(pasid), "fault reason 0x59"};
    return {"C_BAD_CD", "ssid: " + hex(pasid)};
}

// The same where the whole table is not there: SPD.2, C_BAD_SUBSTREAMID. The latter's record has the SubstreamID but no
// SSV, so the kernel decodes it as 0: its first word is looked at.
std::vector<std::string> telling_of_no_table(std::uint32_t pasid, std::uint16_t requester) {
    if (unit_kind() == UnitKind::Vtd) return {"PASID " + hex(pasid), "fault reason 0x51"};
    constexpr std::uint64_t bad_substream = 0x08;
    const std::string word = hex(std::uint64_t{requester} << 32 | std::uint64_t{pasid} << 12 | bad_substream).substr(2);
    return {"0x" + std::string(16 - word.size(), '0') + word};
}

// PASIDs that nobody attached.
void unattached() {
    DeviceBench bench;
    const std::uint32_t far = largest_pasid(bench.iommu, bench.device) / 2;
    const std::uint16_t requester = bench.device.function().requester_id();
    Space space{bench.iommu, bench.device.id()};
    bench.device.attach_pasid(space.hwpt, kPasid);
    KernelLog log;
    log.expect_line(telling_of_no_entry(kOther), [&] { expect_code(bench.endpoint, kIova, kRefused, with(kOther)); });
    log.expect_line(telling_of_no_table(far, requester),
                    [&] { expect_code(bench.endpoint, kIova, kRefused, with(far)); });
    exchange(bench.endpoint, kIova, space.data(), with(kPasid));
}

// Replacing one space's hwpt and detaching it: the device forgets, and the PASID beside it does not notice.
void replace_and_detach() {
    DeviceBench bench;
    Space space{bench.iommu, bench.device.id()}, next{bench.iommu, bench.device.id()},
        other{bench.iommu, bench.device.id()};
    bench.device.attach_pasid(space.hwpt, kPasid);
    bench.device.attach_pasid(other.hwpt, kOther);
    exchange(bench.endpoint, kIova, space.data(), with(kPasid, Via::Atc), 1);
    exchange(bench.endpoint, kIova, other.data(), with(kOther, Via::Atc), 2);

    std::uint32_t before = bench.endpoint.get(AE_INVALIDATES_PASID);
    bench.device.attach_pasid(next.hwpt, kPasid);
    check_invalidated(bench.endpoint, kPasid, before);
    exchange(bench.endpoint, kIova, next.data(), with(kPasid, Via::Atc), 3);
    check(has_pattern(space.data().first(256), 3), "the old space was written after its replacement");

    before = bench.endpoint.get(AE_INVALIDATES_PASID);
    bench.device.detach_pasid(kPasid);
    check_invalidated(bench.endpoint, kPasid, before);
    expect_code(bench.endpoint, kIova, kRefused, with(kPasid));
    const std::uint32_t misses = bench.endpoint.get(AE_ATC_MISSES);
    exchange(bench.endpoint, kIova, other.data(), with(kOther, Via::Atc), 4);
    check_equal(bench.endpoint.get(AE_ATC_MISSES), misses, "the number of ATC misses of the PASID that stayed");
}

// Exchanges of another channel, one after the other, until it is told to end.
class Beside {
  public:
    Beside(Endpoint& endpoint, const Space& space) : thread_{[this, &endpoint, &space] { go_on(endpoint, space); }} {}
    ~Beside() { end(); }

    void end() {
        over_ = true;
        if (thread_.joinable()) thread_.join();
    }
    // After its end: what was wrong, and how many were good.
    [[nodiscard]] const std::string& wrong() const { return wrong_; }
    [[nodiscard]] unsigned done() const { return done_; }

  private:
    void go_on(Endpoint& endpoint, const Space& space) {
        try {
            for (; !over_; ++done_)
                exchange(endpoint, kIova, space.data(), {.via = Via::Atc, .pasid = kOther, .channel = 1}, done_);
        } catch (const Failure& failure) {
            wrong_ = failure.reason;
        }
    }

    std::atomic<bool> over_ = false;
    unsigned done_ = 0;
    std::string wrong_;
    std::thread thread_;
};

// Another channel goes on with its PASID while this one's is taken away and given back.
void others_go_on() {
    DeviceBench bench;
    Space space{bench.iommu, bench.device.id()}, next{bench.iommu, bench.device.id()},
        other{bench.iommu, bench.device.id()};
    bench.device.attach_pasid(other.hwpt, kOther);
    Beside beside{bench.endpoint, other};
    for (unsigned round = 0; round < 10; ++round) {
        bench.device.attach_pasid(space.hwpt, kPasid);
        exchange(bench.endpoint, kIova, space.data(), with(kPasid, Via::Atc), 100 + round);
        bench.device.attach_pasid(next.hwpt, kPasid);
        exchange(bench.endpoint, kIova, next.data(), with(kPasid, Via::Atc), 200 + round);
        bench.device.detach_pasid(kPasid);
    }
    beside.end();
    check(beside.wrong().empty(), "beside: " + beside.wrong());
    check(beside.done() > 0, "the channel beside did nothing");
}

// An unmap in a space that two PASIDs have reaches the device for both.
void unmap_of_two() {
    DeviceBench bench;
    Space space{bench.iommu, bench.device.id()};
    bench.device.attach_pasid(space.hwpt, kPasid);
    bench.device.attach_pasid(space.hwpt, kOther);
    for (const std::uint32_t pasid : {kPasid, kOther})
        exchange(bench.endpoint, kIova, space.data(), with(pasid, Via::Atc), pasid);
    const std::uint32_t before = bench.endpoint.get(AE_INVALIDATES_PASID);
    bench.iommu.unmap(space.ioas, kIova, kKiB4);
    check(bench.endpoint.get(AE_INVALIDATES_PASID) >= before + 2, "the device was not told for both PASIDs");
    check_equal(bench.endpoint.get(AE_ATC_USED), 0, "what is left in the device's ATC");
    for (const std::uint32_t pasid : {kPasid, kOther})
        expect_code(bench.endpoint, kIova, kRefused, with(pasid));
}

// The same PASID of two devices, with a space each; then both with one space.
void two_devices() {
    DeviceBench bench;
    Held second{bench.iommu, 1};
    Space space{bench.iommu, bench.device.id()}, other{bench.iommu, second.device.id()};
    bench.device.attach_pasid(space.hwpt, kPasid);
    expect_code(second.endpoint, kIova, kRefused, with(kPasid));
    second.device.attach_pasid(other.hwpt, kPasid);
    exchange(bench.endpoint, kIova, space.data(), with(kPasid), 1);
    exchange(second.endpoint, kIova, other.data(), with(kPasid), 2);
    check(has_pattern(space.data().first(256), 3), "the second device wrote the first one's space");
    second.device.attach_pasid(space.hwpt, kPasid);
    exchange(second.endpoint, kIova, space.data(), with(kPasid), 3);
    exchange(bench.endpoint, kIova, space.data(), with(kPasid), 4);
    second.device.detach_pasid(kPasid);
    exchange(bench.endpoint, kIova, space.data(), with(kPasid), 5);
}

// First stages of user space, each over the same second stage, one for the device and one for each PASID.
void nested() {
    only_on(UnitKind::Vtd, "arm-smmu-v3 has no PASID attachment of a nested hwpt: PASIDs are in user space's CD table");
    DeviceBench bench;
    Nest nest{bench.iommu, bench.device};
    const std::array<std::uint32_t, 3> pasids{1, kPasid, largest_pasid(bench.iommu, bench.device)};
    std::deque<FirstStage> tables;
    std::vector<std::uint32_t> hwpts;
    for (std::size_t index = 0; index <= pasids.size(); ++index) {
        tables.emplace_back(UnitKind::Vtd, nest.pool()).map(kIova, Nest::data_ipa(index * kKiB4), 12);
        hwpts.push_back(nest.another_hwpt(tables.back(), IOMMU_HWPT_ALLOC_PASID));
    }
    bench.device.attach(hwpts[0]);
    for (std::size_t index = 0; index < pasids.size(); ++index)
        bench.device.attach_pasid(hwpts[index + 1], pasids[index]);
    for (const Via via : {Via::Untranslated, Via::Atc}) {
        exchange(bench.endpoint, kIova, nest.data(0, kKiB4), {.via = via}, 10);
        for (std::size_t index = 0; index < pasids.size(); ++index)
            exchange(bench.endpoint, kIova, nest.data((index + 1) * kKiB4, kKiB4), with(pasids[index], via),
                     11 + index);
    }
    for (std::size_t index = 0; index < hwpts.size(); ++index)
        check(has_pattern(nest.data(index * kKiB4, 256), 2 * (10 + index) + 1),
              "space " + std::to_string(index) + " was written through another one");
}

// User space changes the first stage of one PASID and tells the kernel, which tells the unit and the device.
void nested_invalidate() {
    only_on(UnitKind::Vtd, "arm-smmu-v3 has no PASID attachment of a nested hwpt: PASIDs are in user space's CD table");
    DeviceBench bench;
    Nest nest{bench.iommu, bench.device};
    FirstStage tables{UnitKind::Vtd, nest.pool()};
    tables.map(kIova, Nest::data_ipa(0), 12);
    const std::uint32_t hwpt = nest.another_hwpt(tables, IOMMU_HWPT_ALLOC_PASID);
    bench.device.attach_pasid(hwpt, kPasid);
    exchange(bench.endpoint, kIova, nest.data(0, kKiB4), with(kPasid), 1);
    exchange(bench.endpoint, kIova, nest.data(0, kKiB4), with(kPasid, Via::Atc), 1);
    tables.map(kIova, Nest::data_ipa(kKiB4), 12);
    const std::uint32_t before = bench.endpoint.get(AE_INVALIDATES_PASID);
    iommu_hwpt_vtd_s1_invalidate entry = {};
    entry.addr = kIova;
    entry.npages = 1;
    std::uint32_t done = 0;
    const int error =
        bench.iommu.try_invalidate(hwpt, IOMMU_HWPT_INVALIDATE_DATA_VTD_S1, &entry, sizeof entry, 1, done);
    check(error == 0, "IOMMU_HWPT_INVALIDATE: " + error_text(error));
    check_invalidated(bench.endpoint, kPasid, before);
    exchange(bench.endpoint, kIova, nest.data(kKiB4, kKiB4), with(kPasid, Via::Atc), 2);
    exchange(bench.endpoint, kIova, nest.data(kKiB4, kKiB4), with(kPasid), 3);
    check(has_pattern(nest.data(0, 256), 3), "the old page was written after the invalidation");
}

// After a function-level reset the PASIDs are there again: the kernel blocks them meanwhile.
void reset() {
    DeviceBench bench;
    Space space{bench.iommu, bench.device.id()}, plain{bench.iommu, bench.device.id()};
    bench.device.attach(plain.hwpt);
    bench.device.attach_pasid(space.hwpt, kPasid);
    exchange(bench.endpoint, kIova, space.data(), with(kPasid, Via::Atc), 1);
    bench.device.reset();
    check(bench.endpoint.enabled(AE_ENABLES_PASID | AE_ENABLES_ATS), "PASIDs or ATS are not enabled after the reset");
    check_equal(bench.endpoint.get(AE_ATC_USED), 0, "what is left in the device's ATC");
    exchange(bench.endpoint, kIova, space.data(), with(kPasid, Via::Atc), 2);
    exchange(bench.endpoint, kIova, plain.data(), {}, 3);
}

constexpr std::array kSteps{
    Step{"width", width},
    Step{"unattached", unattached},
    Step{"same-address", same_address},
    Step{"same-address-atc", same_address_atc},
    Step{"apart-addresses", apart_addresses},
    Step{"replace-and-detach", replace_and_detach},
    Step{"others-go-on", others_go_on},
    Step{"unmap-of-two", unmap_of_two},
    Step{"two-devices", two_devices},
    Step{"nested", nested},
    Step{"nested-invalidate", nested_invalidate},
    Step{"reset", reset},
};

}  // namespace

Suite pasid_suite() { return {"pasid", need_unit_pasids, kSteps}; }

}  // namespace guest
