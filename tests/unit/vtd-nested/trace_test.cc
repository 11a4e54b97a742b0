// SPDX-License-Identifier: GPL-2.0-or-later
//
// Trace lines: one per event, of the classes asked for, in a format that tools may rely on.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "vtd_guest.h"

using namespace test;
using Lines = std::vector<std::string>;

namespace {

constexpr std::uint32_t kFault = 1, kRegister = 2, kInvalidation = 4, kQueue = 8, kTranslation = 16, kInterrupt = 32;

iommu::Request with_pasid(std::uint32_t requester, std::uint32_t pasid, std::uint64_t iova, iommu::Access access) {
    iommu::Request request;
    request.requester = iommu::RequesterId{requester};
    request.pasid = iommu::Pasid{pasid};
    request.iova = iommu::Iova{iova};
    request.access = access;
    return request;
}

}  // namespace

TEST_CASE("A fault line names the record, the requester, the access, the condition and the entry") {
    Guest guest;
    guest.legacy_device(kDevice, 7);
    guest.enable(kTtmLegacy);
    guest.unit.set_trace(kFault);
    (void)guest.read(0x0031, 0x1234'5000);
    // The first pages: root table at 0x100000, first and second stage roots, the context table at 0x103000.
    REQUIRE(guest.context_entry(0x31) == 0x103310);
    CHECK(guest.ports.lines ==
          Lines{"vtd: fault FRCD[0] SID=00:06.1 read 0x12345000 FR=0x02 (LCT.2: context entry not present) entry at "
                "0x103310 is 0x0"});
}

TEST_CASE("A fault line of a walk names the level") {
    Guest guest;
    guest.scalable_device(0x1220, {.pgtt = 1, .did = 7});
    guest.add_pasid(0x1220, 0x5, {.pgtt = 1, .did = 7});
    guest.map_first(0x4000, 0x1800000, kP | kRW | kUS);
    const std::uint64_t leaf = guest.first_entry(0x5000, 1);
    guest.enable(kTtmScalable);
    guest.unit.set_trace(kFault);
    (void)guest.ask(with_pasid(0x1220, 0x5, 0x5008, iommu::Access::Write));
    char expected[256];
    std::snprintf(
        expected, sizeof expected,
        "vtd: fault FRCD[0] SID=12:04.0 PASID=0x5 write 0x5008 FR=0x71 (SFS.2: first-stage entry not present) "
        "level 1 entry at 0x%llx is 0x0",
        static_cast<unsigned long long>(leaf));
    CHECK(guest.ports.lines == Lines{expected});
}

TEST_CASE("A fault line tells what became of a fault that is not recorded") {
    Guest guest;
    guest.scalable_device(kDevice, {.pgtt = 1, .did = 7, .fpd = true});
    guest.enable(kTtmScalable);
    guest.unit.set_trace(kFault);
    (void)guest.read(kDevice, 0x5000);
    REQUIRE(guest.ports.lines.size() == 1);
    CHECK(guest.ports.lines[0].starts_with("vtd: fault not recorded (FPD) SID=00:04.0 read 0x5000 FR=0x71 (SFS.2: "));

    Guest full({.nfr = 0});
    full.enable(kTtmLegacy);
    full.unit.set_trace(kFault);
    for (std::uint64_t i = 1; i <= 3; ++i)
        (void)full.atomic(kDevice, i << 20);
    REQUIRE(full.ports.lines.size() == 3);
    CHECK(full.ports.lines[0].starts_with("vtd: fault FRCD[0] SID=00:04.0 atomic 0x100000 FR=0x01 (LRT.2: "));
    CHECK(full.ports.lines[1].starts_with("vtd: fault lost (PFO) SID=00:04.0 atomic 0x200000 FR=0x01 (LRT.2: "));
    CHECK(full.ports.lines[2].starts_with("vtd: fault lost (PFO) SID=00:04.0 atomic 0x300000 FR=0x01 (LRT.2: "));
}

TEST_CASE("A debugging look leaves no line of a fault") {
    Guest guest;
    guest.enable(kTtmLegacy);
    guest.unit.set_trace(kFault);
    iommu::Request request;
    request.kind = iommu::RequestKind::Debug;
    (void)guest.ask(request);
    CHECK(guest.ports.lines.empty());
}

TEST_CASE("A register line names the register and its fields, from the value that was written") {
    Guest guest;
    guest.unit.set_trace(kRegister);
    guest.w32(kGcmd, kTe | kSrtp);
    guest.w64(kIqa, 0x12345801);
    guest.w32(kFectl, 1u << 31);
    guest.w32(kFectl, 0);
    guest.w32(0x200, 1);  // nothing there
    CHECK(guest.ports.lines == Lines{"vtd: write GCMD TE=1 SRTP=1", "vtd: write IQA IQA=0x12345 DW=1 QS=1",
                                     "vtd: write FECTL IM=1", "vtd: write FECTL 0"});
}

TEST_CASE("An invalidation line shows the descriptor and where it was") {
    Guest guest;
    guest.enable_queue();
    guest.unit.set_trace(kInvalidation);
    guest.put(iotlb(3, 7, 0x4000, 2));
    guest.submit(wait_status(0x1f00000, 1, true));
    REQUIRE(guest.ports.lines.size() == 2);
    CHECK(guest.ports.lines[0].starts_with("vtd: descriptor at 0x0: IotlbInvalidate "));
    for (const char* field : {"ADDR=", "AM=", "DID=", "G="})
        CHECK(guest.ports.lines[0].find(field) != std::string::npos);
    CHECK(guest.ports.lines[1].starts_with("vtd: descriptor at 0x20: InvalidationWait "));
    for (const char* field : {"STADDR=", "STDATA=", "SW=1", "IF=1"})
        CHECK(guest.ports.lines[1].find(field) != std::string::npos);
}

TEST_CASE("A queue line tells a completed wait, and an error with where the head is") {
    Guest guest;
    guest.enable_queue();
    guest.unit.set_trace(kQueue);
    guest.put(wait_interrupt());
    guest.put(wait_status(0x1f00000, 0x12));
    guest.submit({0xf});
    CHECK(guest.ports.lines == Lines{"vtd: wait completed, IWC", "vtd: wait completed, 0x12 to 0x1f00000",
                                     "vtd: FSTS IQE=1 (IQEI=3) head=0x40"});
}

TEST_CASE("A device that does not answer is named, with its ITag and for how long it was waited") {
    Guest guest;
    guest.enable_queue();
    guest.enable(kTtmScalable);
    guest.unit.set_trace(kQueue);
    guest.put(device_tlb(0x1221));
    guest.put(device_tlb(0x1221));
    guest.put(device_tlb(kDevice));
    guest.put(wait_status(0x1f00000, 1));
    guest.submit(wait_status(0x1f00000, 2));
    CHECK(guest.ports.lines.empty());
    guest.answer(0x1221, 1);
    guest.at(60'000'000'000);
    CHECK(guest.ports.lines == Lines{"vtd: SID=12:04.1 ITag 1: no answer to Invalidate Request after 60000 ms",
                                     "vtd: SID=00:04.0 ITag 0: no answer to Invalidate Request after 60000 ms",
                                     "vtd: 2 waits aborted", "vtd: FSTS ITE=1 (ITESID=12:04.1) head=0xa0"});
    guest.w32(kFsts, kIte);
    guest.ports.lines.clear();
    guest.put(device_tlb(kDevice));
    guest.submit(wait_status(0x1f00000, 3));
    guest.at(120'500'000'000);  // asked half a second late
    CHECK(guest.ports.lines == Lines{"vtd: SID=00:04.0 ITag 0: no answer to Invalidate Request after 60500 ms",
                                     "vtd: 1 wait aborted", "vtd: FSTS ITE=1 (ITESID=00:04.0) head=0xe0"});
}

TEST_CASE("An answer that fits nothing is told with what is wrong with it") {
    struct Case {
        std::uint32_t sender;
        std::uint32_t vector;
        const char* line;
    };
    for (const Case& item : {
             Case{kDevice, 0x8, "vtd: FSTS ICE=1: SID=00:04.0 answers ITag 3, which is not among those it was sent"},
             Case{kDevice, 0x8000'0002,
                  "vtd: FSTS ICE=1: SID=00:04.0 answers ITag 31, which is not among those it was sent"},
             Case{kOtherDevice, 0x2,
                  "vtd: FSTS ICE=1: SID=00:05.0 answers ITag 1, which is open with SID=00:04.0 only"},
             Case{0x1221, 0x10,
                  "vtd: FSTS ICE=1: SID=12:04.1 answers ITag 4, but nothing it was sent is open: answered already, too "
                  "late, or never asked"},
             Case{kDevice, 0, "vtd: FSTS ICE=1: SID=00:04.0 answers no ITag at all"},
         }) {
        Guest guest;
        guest.enable_queue();
        guest.enable(kTtmScalable);
        guest.submit(device_tlb(kDevice));
        guest.submit(device_tlb(kDevice));
        guest.unit.set_trace(kQueue);
        guest.answer(item.sender, item.vector);
        CHECK(guest.ports.lines == Lines{item.line});
    }
}

TEST_CASE("An answer that is not taken because translation is off says so") {
    Guest guest;
    guest.unit.set_trace(kQueue);
    guest.answer(kDevice, 0x18);
    CHECK(guest.ports.lines == Lines{"vtd: SID=00:04.0 answers ITags 0x18 while TES=0: unsupported request"});
}

TEST_CASE("A descriptor that the queue is held at is told once, when it is carried out") {
    Guest guest;
    guest.enable_queue();
    guest.enable(kTtmScalable);
    guest.submit(device_tlb(kDevice, 0, false, {.mip = 1}));
    guest.unit.set_trace(kInvalidation);
    guest.submit(device_tlb(kDevice, 0x4000, false, {.mip = 1}));
    guest.unit.run_queue();
    CHECK(guest.ports.lines.empty());
    guest.answer(kDevice, 1);
    REQUIRE(guest.ports.lines.size() == 1);
    CHECK(guest.ports.lines[0].starts_with("vtd: descriptor at 0x20: DeviceTlbInvalidate "));
    for (const char* field : {"ADDR=4", "SID=0x20", "MIP=1"})
        CHECK(guest.ports.lines[0].find(field) != std::string::npos);
}

TEST_CASE("A wait that cannot write its word says so") {
    Guest guest;
    guest.enable_queue();
    guest.unit.set_trace(kQueue);
    guest.submit(wait_status(0xfed90000, 1));
    REQUIRE(guest.ports.lines.size() == 2);
    CHECK(guest.ports.lines[1] == "vtd: wait status address is not memory; not written");
}

TEST_CASE("A translation line shows input, output, size and rights, once: a hit leaves none") {
    Guest guest;
    guest.legacy_device(kDevice, 7);
    guest.map_second(0x4000, 0x1800000, kR);
    guest.enable(kTtmLegacy);
    guest.unit.set_trace(kTranslation);
    (void)guest.read(kDevice, 0x4123);
    (void)guest.read(kDevice, 0x4456);
    CHECK(guest.ports.lines == Lines{"vtd: translated SID=00:04.0 read 0x4123 -> 0x1800123 2^12 r"});
}

TEST_CASE("Without classes there are no lines; with one, only its own") {
    for (const std::uint32_t classes : {0u, kFault, kRegister, kInvalidation, kQueue, kTranslation}) {
        Guest guest;
        guest.legacy_device(kDevice, 7);
        guest.map_second(0x4000, 0x1800000, kR);
        guest.unit.set_trace(classes);
        guest.enable_queue(false);
        guest.enable(kTtmLegacy);
        (void)guest.read(kDevice, 0x4123);
        (void)guest.write(kDevice, 0x4123);
        guest.submit({0xf});
        const auto starting = [&guest](const char* start) {
            return std::count_if(guest.ports.lines.begin(), guest.ports.lines.end(),
                                 [start](const std::string& line) { return line.starts_with(start); });
        };
        CAPTURE(classes);
        CHECK((starting("vtd: fault") != 0) == (classes == kFault));
        CHECK((starting("vtd: write") != 0) == (classes == kRegister));
        CHECK((starting("vtd: descriptor") != 0) == (classes == kInvalidation));
        CHECK((starting("vtd: FSTS") != 0) == (classes == kQueue));
        CHECK((starting("vtd: translated") != 0) == (classes == kTranslation));
    }
}

TEST_CASE("A message that the unit sends leaves a line of the interrupt class") {
    Guest guest;
    guest.enable_queue();
    guest.w32(kIectl, 0);
    guest.w32(kIeaddr, 0xfee01000);
    guest.w32(kIedata, 0x41);
    guest.unit.set_trace(kInterrupt);
    guest.submit(wait_interrupt());
    CHECK(guest.ports.lines == Lines{"vtd: message 0xfee01000 data 0x41"});
}

TEST_CASE("A refused translation request has a line, recorded or not; a granted one has a translation's") {
    Guest guest;
    guest.scalable_device(kDevice, {.pgtt = 1, .did = 7}, {.dte = true});
    guest.scalable_device(kOtherDevice, {.pgtt = 1, .did = 7});
    guest.map_first(0x4000, 0x1800000, kP | kRW | kUS);
    guest.unit.set_trace(kFault | kTranslation);
    iommu::Request request{.requester = {kDevice}, .iova = {0x4010}, .access = iommu::Access::Atomic};
    (void)guest.unit.translation_request(request);
    guest.enable(kTtmScalable);
    (void)guest.unit.translation_request(request);
    request.access = iommu::Access::Read;
    (void)guest.unit.translation_request(request);
    request.iova = iommu::Iova{0x5000};
    (void)guest.unit.translation_request(request);
    request.requester = iommu::RequesterId{kOtherDevice};
    (void)guest.unit.translation_request(request);
    request = {.requester = {kDevice}, .iova = {0x1800000}, .access = iommu::Access::Write};
    request.kind = iommu::RequestKind::Translated;
    (void)guest.ask(request);
    REQUIRE(guest.ports.lines.size() == 6);
    CHECK(guest.ports.lines[0] ==
          "vtd: translation request SID=00:04.0 0x4010: unsupported without device-TLBs (DT), or while translation is "
          "off");
    CHECK(guest.ports.lines[1] == "vtd: translated SID=00:04.0 translation request 0x4010 -> 0x1800010 2^12 rw");
    CHECK(guest.ports.lines[2] == "vtd: translated SID=00:04.0 translation request (NW) 0x4010 -> 0x1800010 2^12 r");
    CHECK(guest.ports.lines[3].starts_with(
        "vtd: fault not recorded (recoverable) SID=00:04.0 translation request (NW) 0x5000 FR=0x71 (SFS.2: "));
    CHECK(guest.ports.lines[4].starts_with(
        "vtd: fault FRCD[0] SID=00:05.0 translation request (NW) 0x5000 FR=0x44 (SCT.5: "));
    CHECK(guest.ports.lines[5] == "vtd: translated SID=00:04.0 translated write 0x1800000 -> 0x1800000 2^31 rw");
}

TEST_CASE("Each page request has a line that says what became of it") {
    Guest guest;
    guest.scalable_device(kDevice, {.pgtt = 1, .did = 7}, {.dte = true, .pre = true});
    guest.enable_page_requests();
    guest.unit.set_trace(kFault | kQueue);
    iommu::PageRequest page{.requester = {kDevice}, .address = {0x4000}, .read = true, .last = true, .index = 3};
    guest.unit.page_request(page);
    guest.enable(kTtmScalable);
    guest.unit.page_request(page);
    page.last = false;
    page.write = true;
    guest.w64(kPqa, 1ull << 40);
    guest.unit.page_request(page);
    guest.w64(kPqh, 64);
    guest.unit.page_request(page);
    page.last = true;
    guest.unit.page_request(page);
    page.pasid = iommu::Pasid{5};
    page.read = page.write = false;
    guest.unit.page_request(page);
    CHECK(guest.ports.lines[0] ==
          "vtd: page request SID=00:04.0 0x4000 PRGI=0x3 RDR LPIG: not enabled, answered Response Failure");
    CHECK(guest.ports.lines[1] == "vtd: page request SID=00:04.0 0x4000 PRGI=0x3 RDR LPIG: queued at 0x0");
    CHECK(guest.ports.lines[2] ==
          "vtd: page request SID=00:04.0 0x4000 PRGI=0x3 RDR WRR: lost, the queue is not in memory");
    CHECK(guest.ports.lines[3] ==
          "vtd: page request SID=00:04.0 0x4000 PRGI=0x3 RDR WRR: lost, the queue is full: PRO=1");
    CHECK(guest.ports.lines[4] ==
          "vtd: page request SID=00:04.0 0x4000 PRGI=0x3 RDR WRR LPIG: lost (PRO), answered Success");
    CHECK(guest.ports.lines[5].starts_with("vtd: fault FRCD[0] SID=00:04.0 PASID=0x5 page request 0x4000 FR=0x59 ("));
    CHECK(guest.ports.lines[6] ==
          "vtd: page request SID=00:04.0 PASID=0x5 0x4000 PRGI=0x3 LPIG (stop marker): refused");
}
