// SPDX-License-Identifier: GPL-2.0-or-later
// errors: devices that do not answer Invalidate Requests as they should, while iommufd invalidates.
//
// The unit waits kTimeOutMs for an answer (invalidate-timeout-ms=200). VT-d: ITE and ICE in FSTS, which the kernel
// looks at while it waits. SMMUv3: CERROR_ATC_INV_SYNC; an answer that fits nothing is ignored.
#include <sched.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "device_bench.h"
#include "kernel_log.h"
#include "memory.h"
#include "nest.h"
#include "suites.h"

namespace guest {
namespace {

constexpr std::uint64_t kIova = 0x12'3456'7000;
constexpr unsigned kTimeOutMs = 200;
constexpr unsigned kTellMs = 500;
constexpr std::uint64_t kNsInMs = 1'000'000;
constexpr How kAtc{.via = Via::Atc};

bool is_vtd() { return unit_kind() == UnitKind::Vtd; }

// The kernel waits with interrupts off, and the first processor gets the interrupt of an error.
void leave_first_processor() {
    cpu_set_t others;
    CPU_ZERO(&others);
    CPU_SET(1, &others);
    check(sched_setaffinity(0, sizeof others, &others) == 0, "there is no second processor");
}

// Milliseconds; clocks may differ by a few, and a machine with other work may take more.
void check_took(unsigned took, unsigned least) {
    constexpr unsigned difference = 5, slack = 600;
    check(took + difference >= least && took < least + slack,
          "it took " + std::to_string(took) + " ms instead of " + std::to_string(least));
}

// A page that the device has translated, mapped by the kernel.
class Mapped {
  public:
    Mapped() : ioas_{bench_.iommu.ioas()} {
        map();
        bench_.device.attach(ioas_);
    }

    [[nodiscard]] DeviceBench& bench() { return bench_; }
    [[nodiscard]] std::uint32_t table() const { return ioas_; }
    [[nodiscard]] std::span<std::uint8_t> data() const { return memory_.at(page_ * kKiB4, kKiB4); }
    // Away, and told to the unit.
    void forget() { bench_.iommu.unmap(ioas_, kIova, kKiB4); }
    // Another page is there.
    void bring() {
        page_ += 1;
        map();
    }

  private:
    void map() { bench_.iommu.map(ioas_, memory_.data() + page_ * kKiB4, kKiB4, kIova); }

    DeviceBench bench_;
    Memory memory_{4 * kKiB4};
    std::uint32_t ioas_;
    unsigned page_ = 0;
};

// The same in a first stage of user space.
class Nested {
  public:
    Nested() {
        if (!is_vtd() && exists(bench_.device.function().folder() + "/of_node/dma-can-stall"))
            skip("arm-smmu-v3 sets STE.S2S for a device that can stall, which is ILLEGAL with EATS=1 in a nested STE");
        map();
        nest_.attach();
    }

    [[nodiscard]] DeviceBench& bench() { return bench_; }
    [[nodiscard]] std::uint32_t table() const { return nest_.hwpt(); }
    [[nodiscard]] std::span<std::uint8_t> data() const { return nest_.data(page_ * kKiB4, kKiB4); }
    void forget() {
        nest_.tables().unmap(kIova, 12);
        nest_.invalidate_pages(kIova, 1, Leaf::Yes);
    }
    void bring() {
        page_ += 1;
        map();
    }

  private:
    void map() { nest_.tables().map(kIova, Nest::data_ipa(page_ * kKiB4), 12); }

    DeviceBench bench_;
    Nest nest_{bench_.iommu, bench_.device, kKiB4, Ats::On};
    unsigned page_ = 0;
};

// A Subject whose page the device has in its ATC, and what becomes of it.
template <class Subject>
struct Scene {
    Scene() {
        leave_first_processor();
        check(endpoint.enabled(AE_ENABLES_ATS), "the device's ATS is not enabled");
        exchange(endpoint, kIova, subject.data(), kAtc, 1);
        check(endpoint.get(AE_ATC_USED) != 0, "nothing is in the device's ATC");
        log.lines();
    }

    // The milliseconds that it took.
    unsigned forget() {
        const auto start = std::chrono::steady_clock::now();
        subject.forget();
        const auto took = std::chrono::steady_clock::now() - start;
        return static_cast<unsigned>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
    }
    // The same, the device taking half of its time to answer: the kernel waits, and looks at errors meanwhile.
    void forget_slowly() {
        endpoint.set64(AE_LATE_DELAY_NS_64, kTimeOutMs / 2 * kNsInMs);
        endpoint.set(AE_LATE_ANSWERS, 1);
        const unsigned took = forget();
        check_took(took, kTimeOutMs / 2);
    }
    // The same, so many time-outs long.
    void forget_for(unsigned time_outs) {
        const unsigned took = forget();
        check_took(took, time_outs * kTimeOutMs);
    }

    // What the kernel says until all of these texts were there.
    void expect_told(std::vector<std::string> texts) {
        for (const std::string& text : texts) {
            if (told_.find(text) == std::string::npos) told_ += log_until(text);
            check(told_.find(text) != std::string::npos, "the kernel's log has no '" + text + "'");
        }
    }
    void expect_time_out() {
        if (is_vtd())
            expect_told({"Invalidation Time-out Error: SID " + sid(), "(ITE) cleared"});
        else
            expect_told({"ATC invalidate timeout"});
    }
    // ICE of the device; SMMUv3 has no such error.
    void expect_completion_error(const std::string& of) {
        if (is_vtd()) expect_told({"Invalidation Completion Error: SID " + of, "(ICE) cleared"});
    }
    // From now on nothing was told of an error, up to here.
    void expect_quiet() {
        for (const std::string& line : log.lines())
            check(line.find("rror") == std::string::npos, "the kernel says '" + line + "'");
    }

    // The page is gone for the device, another takes its place, and an invalidation is as it should be again.
    void expect_recovered() {
        check_equal(endpoint.get(AE_ATC_USED), 0, "what is left in the device's ATC");
        expect_code(endpoint, kIova, AE_CODE_UNSUPPORTED_REQUEST);
        subject.bring();
        exchange(endpoint, kIova, subject.data(), kAtc, 2);
        exchange(endpoint, kIova, subject.data(), {}, 3);
        exchange(endpoint, kIova, subject.data(), kAtc, 4);
        log.lines();
        forget();
        expect_quiet();
        check_equal(endpoint.get(AE_ATC_USED), 0, "what is left in the device's ATC afterwards");
    }

    // As the kernel prints it.
    [[nodiscard]] std::string sid() const { return sid_of(device.function()); }
    [[nodiscard]] static std::string sid_of(const PciFunction& function) {
        return hex(function.requester_id()).substr(2);
    }

    Subject subject;
    Device& device = subject.bench().device;
    Endpoint& endpoint = subject.bench().endpoint;
    KernelLog log;

  private:
    std::string log_until(const std::string& text) {
        std::string all;
        for (unsigned waited = 0; waited <= kTellMs; waited += 20) {
            for (const std::string& line : log.lines())
                all += line + "\n";
            if (all.find(text) != std::string::npos) break;
            usleep(20000);
        }
        return all;
    }

    std::string told_;
};

// Silent once. VT-d: the kernel asks again; SMMUv3: it takes the page as forgotten.
template <class Subject>
void silent() {
    Scene<Subject> scene;
    const std::uint32_t before = scene.endpoint.get(AE_INVALIDATES);
    scene.endpoint.set(AE_DROP_ANSWERS, 1);
    scene.forget_for(1);
    check_equal(scene.endpoint.get(AE_STRUCK_DROP), 1, "the number of answers that were dropped");
    check_equal(scene.endpoint.get(AE_INVALIDATES) - before, is_vtd() ? 2 : 1, "the number of Invalidate Requests");
    scene.expect_time_out();
    scene.expect_recovered();
}

void silent_thrice() {
    only_on(UnitKind::Vtd, "arm-smmu-v3 does not repeat an invalidation that timed out");
    Scene<Mapped> scene;
    scene.endpoint.set(AE_DROP_ANSWERS, 3);
    scene.forget_for(3);
    check_equal(scene.endpoint.get(AE_STRUCK_DROP), 3, "the number of answers that were dropped");
    scene.expect_time_out();
    scene.expect_recovered();
}

// The answer names an ITag that is not open: it counts for nothing, and the right one never comes.
template <class Subject>
void wrong_itag() {
    Scene<Subject> scene;
    scene.endpoint.set(AE_WRONG_ITAGS, 1);
    scene.forget_for(1);
    check_equal(scene.endpoint.get(AE_STRUCK_WRONG_ITAG), 1, "the number of wrong answers");
    scene.expect_completion_error(scene.sid());
    scene.expect_time_out();
    scene.expect_recovered();
}

// The answer comes from another id, and is that one's error.
template <class Subject>
void wrong_requester() {
    Scene<Subject> scene;
    const PciFunction other = endpoint_function(1);
    scene.endpoint.set(AE_REQUESTER, other.requester_id());
    scene.endpoint.set(AE_WRONG_REQUESTERS, 1);
    scene.forget_for(1);
    check_equal(scene.endpoint.get(AE_STRUCK_WRONG_REQUESTER), 1, "the number of wrong answers");
    scene.expect_completion_error(scene.sid_of(other));
    scene.expect_time_out();
    scene.expect_recovered();
}

// Answered twice while another device of the same space takes its time: an error that holds up nothing.
void twice() {
    Scene<Mapped> scene;
    Held second{scene.subject.bench().iommu, 1};
    second.device.attach(scene.subject.table());
    exchange(second.endpoint, kIova, scene.subject.data(), kAtc, 5);
    scene.log.lines();
    second.endpoint.set64(AE_LATE_DELAY_NS_64, kTimeOutMs / 2 * kNsInMs);
    second.endpoint.set(AE_LATE_ANSWERS, 1);
    scene.endpoint.set(AE_TWICE_ANSWERS, 1);
    const unsigned took = scene.forget();
    check_took(took, kTimeOutMs / 2);
    check_equal(scene.endpoint.get(AE_STRUCK_TWICE), 1, "the number of answers that came twice");
    if (is_vtd())
        scene.expect_completion_error(scene.sid());
    else
        scene.expect_quiet();
    scene.expect_recovered();
    check_equal(second.endpoint.get(AE_ATC_USED), 0, "what is left in the second device's ATC");
}

// In time, if only just: no error, and the kernel waited for it.
template <class Subject>
void late_in_time() {
    Scene<Subject> scene;
    scene.forget_slowly();
    check_equal(scene.endpoint.get(AE_STRUCK_LATE), 1, "the number of late answers");
    scene.expect_quiet();
    scene.expect_recovered();
}

// Too late: a time-out, and then an answer that nobody waits for any more. On VT-d the kernel sees its ICE when it
// waits the next time.
template <class Subject>
void late() {
    Scene<Subject> scene;
    constexpr unsigned late_ms = kTimeOutMs + 100;
    scene.endpoint.set64(AE_LATE_DELAY_NS_64, late_ms * kNsInMs);
    scene.endpoint.set(AE_LATE_ANSWERS, 1);
    scene.forget_for(1);
    scene.expect_time_out();
    usleep(2 * (late_ms - kTimeOutMs) * 1000);
    check_equal(scene.endpoint.get(AE_STRUCK_LATE), 1, "the number of late answers");
    scene.subject.bring();
    exchange(scene.endpoint, kIova, scene.subject.data(), kAtc, 5);
    scene.forget_slowly();
    scene.expect_completion_error(scene.sid());
    scene.expect_recovered();
}

// An answer that nobody asked for.
void unasked() {
    Scene<Mapped> scene;
    scene.endpoint.set(AE_UNASKED_ANSWER, 1u << 17);
    check_equal(scene.endpoint.get(AE_STRUCK_UNASKED), 1, "the number of unasked answers");
    scene.forget_slowly();
    if (is_vtd())
        scene.expect_completion_error(scene.sid());
    else
        scene.expect_quiet();
    scene.expect_recovered();
}

// A device that is gone from the bus: the kernel does not ask again. When it is back it has what it had, until a reset.
template <class Subject>
void vanished() {
    Scene<Subject> scene;
    constexpr std::uint32_t away_ms = 2 * kTimeOutMs;
    scene.endpoint.set(AE_VANISH_US, away_ms * 1000);
    check(scene.endpoint.get(AE_ID) != AE_ID_VALUE, "the device is still there");
    scene.forget_for(1);
    scene.expect_time_out();
    for (unsigned waited = 0; scene.endpoint.get(AE_ID) != AE_ID_VALUE; ++waited) {
        check(waited < 100, "the device does not come back");
        usleep(20000);
    }
    check_equal(scene.endpoint.get(AE_INVALIDATES_LOST), 1, "the number of Invalidate Requests that got lost");
    scene.device.reset();
    scene.expect_recovered();
}

constexpr std::array kSteps{
    Step{"silent", silent<Mapped>},
    Step{"silent-nested", silent<Nested>},
    Step{"silent-thrice", silent_thrice},
    Step{"wrong-itag", wrong_itag<Mapped>},
    Step{"wrong-itag-nested", wrong_itag<Nested>},
    Step{"wrong-requester", wrong_requester<Mapped>},
    Step{"wrong-requester-nested", wrong_requester<Nested>},
    Step{"twice", twice},
    Step{"late-in-time", late_in_time<Mapped>},
    Step{"late-in-time-nested", late_in_time<Nested>},
    Step{"late", late<Mapped>},
    Step{"late-nested", late<Nested>},
    Step{"unasked", unasked},
    Step{"vanished", vanished<Mapped>},
    Step{"vanished-nested", vanished<Nested>},
};

}  // namespace

Suite errors_suite() { return {"errors", nullptr, kSteps}; }

}  // namespace guest
