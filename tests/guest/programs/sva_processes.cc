// SPDX-License-Identifier: GPL-2.0-or-later
// sva: more processes than one, and processes that end. The device has the memory of the process that opened it, of no
// other, and loses it with the end of the process or of the binding.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "child.h"
#include "steps.h"
#include "sva_device.h"
#include "sva_steps.h"

namespace guest {
namespace {

constexpr unsigned kRounds = 20;
constexpr unsigned kProcesses = 24;
// Freed PASIDs may come back a little later: that many more than are in use.
constexpr std::uint32_t kLatePasids = 8;

// The pieces by which a device that is busy works through memory while its process ends. On VT-d each piece is one that
// nobody touched yet, so that there are page requests under way at the end. arm-smmu-v3 of Linux 7.3 does not wait for
// faults that are being handled when a PASID goes, and crashes: the memory is there.
constexpr std::uint64_t kPieceBytes = 64 * kKiB4;
constexpr std::uint64_t kFreshPieces = 256;
constexpr unsigned kStreamLimit = 2000;

std::string resource0() { return endpoint_function(0).folder() + "/resource0"; }

bool has_page_faults() { return why_no_page_faults(endpoint_function(0)).empty(); }

std::uint64_t pieces() { return unit_kind() == UnitKind::Vtd ? kFreshPieces : 1; }

// Copies the first half of a piece to the second. What became of it.
Result copy_once(Endpoint& endpoint, std::uint64_t piece, std::uint32_t pasid) {
    endpoint.set64(AE_CHANNEL(0) + AE_SOURCE_64, piece);
    endpoint.set(AE_CHANNEL(0) + AE_OPERATION, AE_OP_COPY | AE_VIA_ATC);
    endpoint.set(AE_CHANNEL(0) + AE_PASID, AE_PASID_VALID | pasid);
    endpoint.set64(AE_CHANNEL(0) + AE_DESTINATION_64, piece + kPieceBytes / 2);
    endpoint.set64(AE_CHANNEL(0) + AE_LENGTH_64, kPieceBytes / 2);
    endpoint.set(AE_CHANNEL(0) + AE_DOORBELL, AE_DOORBELL_START);
    return endpoint.wait(0);
}

// A process that has the device, tells its PASID and where its stream is, and does as it is told: ends the binding at
// the first word, itself at the second.
void own_device(Talk& talk) {
    SharedDevice device{0};
    const Untouched stream{pieces() * kPieceBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE};
    if (pieces() == 1)
        for (std::uint64_t page = 0; page < stream.size() / kKiB4; ++page)
            stream.page(page)[0] = 1;
    exchange(device.endpoint(), stream.page(0), device.atc());
    talk.tell(device.pasid());
    talk.tell(address_of(stream.data()));
    talk.hear();
    device.close();
    talk.tell();
    talk.hear();
}

// The device copies within the memory of another process without a pause, which `end` cuts off in between.
void stream_until_end(Child& owner, const std::function<void()>& end) {
    const auto pasid = static_cast<std::uint32_t>(owner.talk().hear());
    const std::uint64_t stream = owner.talk().hear();
    const Bar0 bar0{resource0()};
    Endpoint endpoint{bar0.bytes()};
    Child ender{[&](Talk& talk) {
        talk.hear();
        usleep(2000);
        end();
    }};
    unsigned copies = 0;
    while (copy_once(endpoint, stream + copies % pieces() * kPieceBytes, pasid).good()) {
        if (++copies == 2) ender.talk().tell();
        check(copies < kStreamLimit, "the device goes on after the end");
    }
    check(copies >= 2, "the device could not copy while the process was there");
    ender.join();
    for (const Via via : {Via::Untranslated, Via::Atc})
        refuses_read(endpoint, stream, {.via = via, .pasid = pasid});
}

}  // namespace

void sva_copy_on_write() {
    SharedDevice device{0};
    const Memory memory{kKiB4};
    // The device has a writable translation before the pages become shared.
    exchange(device.endpoint(), memory.at(0, kKiB4), device.atc());
    fill_pattern(memory.at(0, 256), 21);
    Child child{[&](Talk& talk) {
        talk.tell();
        talk.hear();
        check(has_pattern(memory.at(0, 256), 21), "the device wrote to the memory of the child");
        talk.tell();
        talk.hear();
        check(has_pattern(memory.at(0, 256), 21), "the device wrote to the memory of the child");
    }};
    child.talk().hear();
    device_reads(device.endpoint(), memory.at(0, kKiB4), 21, device.untranslated());
    // Where the kernel brings pages, it copies this one for the device; else the device may not write.
    refuses_write(device.endpoint(), memory.data(), device.untranslated());
    if (has_page_faults()) {
        device_writes(device.endpoint(), memory.at(0, kKiB4), 22, device.with_faults());
    } else {
        refuses_write(device.endpoint(), memory.data(), device.atc());
    }
    child.talk().tell();
    child.talk().hear();
    memory.data()[0] = 1;
    exchange(device.endpoint(), memory.at(0, kKiB4), device.atc());
    child.talk().tell();
    child.join();
}

// The child has the open file too, and another PASID when it opens a device itself.
void sva_fork() {
    SharedDevice device{0};
    const Memory memory{kKiB4};
    fill_pattern(memory.at(0, 256), 23);
    Child child{[&](Talk& talk) {
        fill_pattern(memory.at(0, 256), 24);
        talk.tell();
        talk.hear();
        SharedDevice own{1};
        talk.tell(own.pasid());
        device_reads(own.endpoint(), memory.at(0, kKiB4), 24, own.untranslated());
        talk.hear();
    }};
    child.talk().hear();
    device_reads(device.endpoint(), memory.at(0, kKiB4), 23, device.atc());
    child.talk().tell();
    check(child.talk().hear() != device.pasid(), "the child has its parent's PASID");
    child.talk().tell();
    child.join();
    device_reads(device.endpoint(), memory.at(0, kKiB4), 23, device.atc());
    device_reads(device.endpoint(), memory.at(0, kKiB4), 23, device.untranslated());
}

// The process that opened the device is gone, its child still has the file: the memory is gone, too.
void sva_fork_outlives() {
    const Memory memory{kKiB4};
    Child owner{[&](Talk& talk) {
        SharedDevice device{0};
        memory.data()[0] = 1;
        exchange(device.endpoint(), memory.at(0, kKiB4), device.atc());
        Child child{[&](Talk& from_owner) {
            from_owner.hear();
            usleep(20000);
            const How how = device.atc();
            refuses_read(device.endpoint(), memory.data(), how);
            refuses_write(device.endpoint(), memory.data(), device.untranslated());
            talk.tell();
            device.close();
            talk.tell();
        }};
        child.talk().tell();
        _exit(0);
    }};
    owner.talk().hear();
    owner.talk().hear();
    owner.join();
    SharedDevice device{0};
    memory.data()[0] = 1;
    exchange(device.endpoint(), memory.at(0, kKiB4), device.atc());
}

void sva_kill_running() {
    Child owner{own_device};
    stream_until_end(owner, [&] { owner.kill(); });
    owner.kill();
    SharedDevice device{0};
    const Memory memory{kKiB4};
    exchange(device.endpoint(), memory.at(0, kKiB4), device.atc());
}

void sva_close_running() {
    Child owner{own_device};
    stream_until_end(owner, [&] { owner.talk().tell(); });
    owner.talk().hear();
    owner.talk().tell();
    owner.join();
}

// One process, one PASID, two devices; a change of the address space reaches both.
void sva_two_devices() {
    SharedDevice first{0};
    SharedDevice second{1};
    check_equal(second.pasid(), first.pasid(), "the PASID at the second device");
    const Untouched memory{kKiB4};
    memory.data()[0] = 1;
    for (unsigned round = 0; round < kRounds; ++round) {
        device_writes(first.endpoint(), memory.page(0), round + 1, first.atc());
        device_reads(second.endpoint(), memory.page(0), round + 1, second.atc());
        device_writes(second.endpoint(), memory.page(0), round + 100, second.untranslated());
        device_reads(first.endpoint(), memory.page(0), round + 100, first.untranslated());
    }
    {
    }
    const std::uint8_t* hole = nullptr;
    {
        const Untouched other{kKiB4};
        other.data()[0] = 1;
        hole = other.data();
        exchange(first.endpoint(), other.page(0), first.atc());
        exchange(second.endpoint(), other.page(0), second.atc());
    }
    refuses_read(first.endpoint(), hole, first.atc());
    refuses_read(second.endpoint(), hole, second.atc());
    second.close();
    exchange(first.endpoint(), memory.page(0), first.atc());
    refuses_read(second.endpoint(), memory.data(), second.atc());
}

// The same addresses in two processes, with a device each, at the same time.
void sva_two_processes() {
    const Memory memory{kKiB4};
    const auto work = [&](SharedDevice& device, std::uint64_t seed) {
        for (unsigned round = 0; round < kRounds; ++round) {
            for (const How& how : {device.atc(), device.untranslated()}) {
                fill_pattern(memory.at(0, 256), seed + round);
                device_reads(device.endpoint(), memory.at(0, kKiB4), seed + round, how);
                device_writes(device.endpoint(), memory.at(0, kKiB4), seed + round + 50, how);
            }
        }
    };
    Child child{[&](Talk& talk) {
        memory.data()[0] = 1;
        SharedDevice device{1};
        talk.tell(device.pasid());
        talk.hear();
        work(device, 1000);
        talk.tell();
        talk.hear();
    }};
    memory.data()[0] = 1;
    SharedDevice device{0};
    const auto other = static_cast<std::uint32_t>(child.talk().hear());
    check(other != device.pasid(), "two processes have one PASID");
    child.talk().tell();
    work(device, 2000);
    child.talk().hear();
    // The other's PASID is one of the other device only.
    How how = device.atc();
    how.pasid = other;
    refuses_read(device.endpoint(), memory.data(), how);
    child.talk().tell();
    child.join();
    work(device, 3000);
}

// Processes come and go, some of them without closing: their PASIDs are used again.
void sva_many_processes() {
    std::uint32_t least = ~0u, most = 0;
    for (unsigned count = 0; count < kProcesses; ++count) {
        Child child{[](Talk& talk) {
            SharedDevice device{0};
            const Memory memory{kKiB4};
            exchange(device.endpoint(), memory.at(0, kKiB4), device.atc());
            talk.tell(device.pasid());
            talk.hear();
        }};
        const auto pasid = static_cast<std::uint32_t>(child.talk().hear());
        least = std::min(least, pasid);
        most = std::max(most, pasid);
        if (count % 2 == 0) {
            child.kill();
        } else {
            child.talk().tell();
            child.join();
        }
    }
    check(most - least <= kLatePasids, "PASIDs " + hex(least) + " to " + hex(most) + " were given out one by one");
}

void sva_open_close() {
    const Memory memory{kKiB4};
    std::optional<std::uint32_t> pasid;
    for (unsigned round = 0; round < 2 * kRounds; ++round) {
        SharedDevice device{0};
        if (pasid) check_equal(device.pasid(), *pasid, "the process's PASID");
        pasid = device.pasid();
        exchange(device.endpoint(), memory.at(0, kKiB4), device.atc());
        device.close();
        refuses_read(device.endpoint(), memory.data(), device.atc());
    }
}

}  // namespace guest
