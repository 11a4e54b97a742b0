// SPDX-License-Identifier: GPL-2.0-or-later
// sva: the device works in the process's own address space, by its pointers.
//
// Here is which memory it reaches, and which it does not; sva_changes.cc has what follows from changes of the address
// space, sva_processes.cc more processes than one.
#include "sva_steps.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <memory>

#include "steps.h"
#include "sva_device.h"

namespace guest {
namespace {

constexpr std::uint64_t kPages = 16;

std::array<std::uint8_t, kKiB4> global_memory;

// The heap, the stack and the program's own data, at odd places in their pages.
void pointers(SharedDevice& device, const How& how) {
    const auto heap = std::make_unique<std::array<std::uint8_t, 2 * kKiB4>>();
    std::array<std::uint8_t, 512> stack{};
    // Since the fork that began this step, a page that was not written to is its parent's too.
    fill_pattern(global_memory, 1);
    exchange(device.endpoint(), *heap, how);
    exchange(device.endpoint(), std::span{*heap}.subspan(kKiB4 - 100), how);
    exchange(device.endpoint(), stack, how);
    exchange(device.endpoint(), global_memory, how);
}

}  // namespace

void sva_pointer_untranslated() {
    SharedDevice device{0};
    pointers(device, device.untranslated());
    check_equal(device.endpoint().get(AE_TRANSLATION_REQUESTS), 0, "TRANSLATION_REQUESTS");
}

void sva_pointer_atc() {
    SharedDevice device{0};
    pointers(device, device.atc());
    check(device.endpoint().get(AE_ATC_HITS) > 0, "the device's ATC was never hit");
}

void sva_atomic() {
    SharedDevice device{0};
    alignas(8) volatile std::uint64_t counter = 40;
    for (const How& how : {device.untranslated(), device.atc()}) {
        const std::uint64_t before = counter;
        const Result result = device.endpoint().fetch_add(address_of(const_cast<std::uint64_t*>(&counter)), 2, how);
        check(result.good(), std::string("the fetch-and-add ended in ") + code_text(result.code));
        check_equal(result.old_value, before, "what the device found");
        check_equal(counter, before + 2, "the counter");
    }
}

void sva_untouched() {
    SharedDevice device{0};
    const How how = device.with_faults();
    const Untouched memory{kPages * kKiB4};
    Endpoint& endpoint = device.endpoint();
    for (std::uint64_t page = 0; page < kPages; ++page)
        device_writes(endpoint, memory.page(page), page + 1, how);
    if (how.can_stall) {
        check_equal(endpoint.get(AE_STALLS), kPages, "STALLS");
        return;
    }
    check(endpoint.get(AE_PAGE_REQUESTS) >= kPages, "the device asked for fewer pages than it was brought");
    check_equal(endpoint.get(AE_RESPONSES_SUCCESS), endpoint.get(AE_PAGE_REQUESTS), "RESPONSES_SUCCESS");
}

// Address space without memory behind it: 64 GiB, of which pages far apart are used.
void sva_noreserve() {
    constexpr std::uint64_t bytes = 64 * kGiB1;
    SharedDevice device{0};
    const How how = device.with_faults();
    const Untouched memory{bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE};
    for (std::uint64_t page = 0; page < bytes / kKiB4; page += bytes / kKiB4 / 8)
        exchange(device.endpoint(), memory.page(page), how);
}

// Read first: the kernel maps its page of zeros, and the write that follows needs a page of its own.
void sva_read_before_write() {
    SharedDevice device{0};
    const How how = device.with_faults();
    const Untouched memory{kKiB4};
    device_reads_zeros(device.endpoint(), memory.data(), how);
    exchange(device.endpoint(), memory.page(0), how);
}

void sva_file() {
    SharedDevice device{0};
    const How how = device.with_faults();
    const Fd file{memfd_create("shared", MFD_CLOEXEC)};
    check(ftruncate(file.number(), 4 * kKiB4) == 0, "ftruncate");
    std::array<std::uint8_t, 256> bytes{};
    fill_pattern(bytes, 7);
    check(pwrite(file.number(), bytes.data(), bytes.size(), kKiB4) == 256, "pwrite");
    const Untouched shared{4 * kKiB4, PROT_READ | PROT_WRITE, MAP_SHARED, file.number()};
    const Untouched apart{4 * kKiB4, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.number()};
    device_reads(device.endpoint(), shared.page(1), 7, how);
    device_reads(device.endpoint(), apart.page(1), 7, how);
    // A private page is copied before it is written; the file keeps what it had.
    device_writes(device.endpoint(), apart.page(1), 8, how);
    check(pread(file.number(), bytes.data(), bytes.size(), kKiB4) == 256, "pread");
    check(has_pattern(bytes, 7), "a write to a private mapping changed the file");
    device_writes(device.endpoint(), shared.page(2), 9, how);
    check(pread(file.number(), bytes.data(), bytes.size(), 2 * kKiB4) == 256, "pread");
    check(has_pattern(bytes, 9), "a write to a shared mapping is not in the file");
}

void sva_read_only() {
    SharedDevice device{0};
    const Untouched memory{2 * kKiB4};
    fill_pattern(memory.page(0).first(256), 5);
    fill_pattern(memory.page(1).first(256), 5);
    check(mprotect(memory.data(), kKiB4, PROT_READ) == 0, "mprotect");
    check(mprotect(memory.data() + kKiB4, kKiB4, PROT_NONE) == 0, "mprotect");
    for (const How& how : {device.untranslated(), device.atc()}) {
        device_reads(device.endpoint(), memory.page(0), 5, how);
        refuses_write(device.endpoint(), memory.page(0).data(), how);
        refuses_read(device.endpoint(), memory.page(1).data(), how);
        refuses_write(device.endpoint(), memory.page(1).data(), how);
    }
    check(mprotect(memory.data(), 2 * kKiB4, PROT_READ) == 0, "mprotect");
    check(has_pattern(memory.page(0).first(256), 5), "a refused write changed memory");
    check(has_pattern(memory.page(1).first(256), 5), "a refused write changed memory");
}

void sva_not_mapped() {
    SharedDevice device{0};
    const std::uint8_t* hole = nullptr;
    {
        const Untouched memory{kKiB4};
        hole = memory.data();
    }
    // Nothing there; page 0; and an address that no page table has.
    for (const How& how : {device.untranslated(), device.atc()}) {
        refuses_read(device.endpoint(), hole, how);
        refuses_write(device.endpoint(), hole, how);
        refuses_read(device.endpoint(), nullptr, how);
        refuses_read(device.endpoint(), std::uint64_t{1} << 62, how);
    }
}

// Only the process's own PASID works, and only while the file is open.
void sva_other_pasid() {
    SharedDevice device{0};
    const Memory memory{kKiB4};
    exchange(device.endpoint(), memory.at(0, kKiB4), device.atc());
    for (How how : {device.untranslated(), device.atc()}) {
        how.pasid = device.pasid() + 7;
        refuses_read(device.endpoint(), memory.data(), how);
    }
    device.close();
    for (const How& how : {device.untranslated(), device.atc()})
        refuses_read(device.endpoint(), memory.data(), how);
}

}  // namespace guest
