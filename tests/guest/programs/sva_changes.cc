// SPDX-License-Identifier: GPL-2.0-or-later
// sva: the address space changes while the device has translations of it. Each change must reach the device's ATC
// before the system call returns, and the next access must see what the process sees.
#include <sys/mman.h>

#include <array>
#include <string>

#include "steps.h"
#include "sva_device.h"
#include "sva_steps.h"

namespace guest {
namespace {

constexpr std::uint64_t kPages = 4;

// Whether the device's ATC translates this address of the process.
bool cached(Endpoint& endpoint, std::uint32_t pasid, const void* pointer) {
    const std::uint32_t entries = (endpoint.get(AE_LIMITS) & AE_LIMITS_ATC_ENTRIES) >> 16;
    for (std::uint32_t index = 0; index < entries; ++index) {
        endpoint.set(AE_ATC_INDEX, index);
        const std::uint32_t flags = endpoint.get(AE_ATC_FLAGS);
        if ((flags & AE_ATC_FLAGS_VALID) == 0) continue;
        const std::uint64_t bytes = std::uint64_t{1} << ((flags & AE_ATC_FLAGS_SIZE_LOG2) >> 8);
        const bool same_page = (endpoint.get64(AE_ATC_ADDRESS_64) ^ address_of(pointer)) / bytes == 0;
        if (same_page && endpoint.get(AE_ATC_PASID) == (AE_ATC_PASID_VALID | pasid)) return true;
    }
    return false;
}

// The device has a translation of every page, and so has the unit.
void fill_atc(SharedDevice& device, const Untouched& memory) {
    for (std::uint64_t page = 0; page < memory.size() / kKiB4; ++page) {
        memory.page(page)[0] = 1;
        exchange(device.endpoint(), memory.page(page), device.untranslated());
        exchange(device.endpoint(), memory.page(page), device.atc());
        check(cached(device.endpoint(), device.pasid(), memory.page(page).data()), "the device's ATC kept nothing");
    }
    device.endpoint().set(AE_CONTROL, AE_CONTROL_CLEAR_COUNTERS);
}

void expect_dropped(SharedDevice& device, const void* pointer, const std::string& call) {
    check(device.endpoint().get(AE_INVALIDATES_PASID) > 0, "no invalidation reached the device at " + call);
    check(!cached(device.endpoint(), device.pasid(), pointer), "the device's ATC has the page after " + call);
}

void refuses_all(SharedDevice& device, const void* pointer) {
    for (const How& how : {device.atc(), device.untranslated()}) {
        refuses_read(device.endpoint(), pointer, how);
        refuses_write(device.endpoint(), pointer, how);
    }
}

}  // namespace

void sva_munmap() {
    SharedDevice device{0};
    const Untouched memory{kPages * kKiB4};
    fill_atc(device, memory);
    check(munmap(memory.data(), memory.size()) == 0, "munmap");
    for (std::uint64_t page = 0; page < kPages; ++page)
        expect_dropped(device, memory.page(page).data(), "munmap");
    refuses_all(device, memory.data());
    // Other memory at the same place.
    void* again = mmap(memory.data(), memory.size(), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_POPULATE, -1, 0);
    check(again == memory.data(), "mmap at the place of before");
    fill_pattern(memory.page(1).first(256), 11);
    device_reads(device.endpoint(), memory.page(1), 11, device.atc());
    device_reads(device.endpoint(), memory.page(1), 11, device.untranslated());
}

// The pages beside the one that goes stay.
void sva_munmap_part() {
    SharedDevice device{0};
    const Untouched memory{kPages * kKiB4};
    fill_atc(device, memory);
    check(munmap(memory.page(1).data(), kKiB4) == 0, "munmap");
    expect_dropped(device, memory.page(1).data(), "munmap");
    refuses_all(device, memory.page(1).data());
    exchange(device.endpoint(), memory.page(0), device.atc());
    exchange(device.endpoint(), memory.page(2), device.atc());
}

void sva_mprotect() {
    SharedDevice device{0};
    const Untouched memory{kPages * kKiB4};
    fill_atc(device, memory);
    fill_pattern(memory.page(0).first(256), 12);
    check(mprotect(memory.data(), memory.size(), PROT_READ) == 0, "mprotect");
    expect_dropped(device, memory.data(), "mprotect");
    for (const How& how : {device.atc(), device.untranslated()}) {
        device_reads(device.endpoint(), memory.page(0), 12, how);
        refuses_write(device.endpoint(), memory.data(), how);
    }
    check(has_pattern(memory.page(0).first(256), 12), "a refused write changed memory");
    // More rights need no invalidation: the device has to ask again by itself.
    check(mprotect(memory.data(), memory.size(), PROT_READ | PROT_WRITE) == 0, "mprotect");
    memory.page(0)[0] = 1;
    exchange(device.endpoint(), memory.page(0), device.atc());
    exchange(device.endpoint(), memory.page(0), device.untranslated());
}

void sva_mremap() {
    SharedDevice device{0};
    const Untouched memory{kPages * kKiB4};
    const Untouched place{kPages * kKiB4};
    fill_atc(device, memory);
    fill_pattern(memory.page(3).first(256), 13);
    void* moved = mremap(memory.data(), memory.size(), memory.size(), MREMAP_MAYMOVE | MREMAP_FIXED, place.data());
    check(moved == place.data(), "mremap");
    expect_dropped(device, memory.page(3).data(), "mremap");
    refuses_all(device, memory.page(3).data());
    device_reads(device.endpoint(), place.page(3), 13, device.atc());
    device_reads(device.endpoint(), place.page(3), 13, device.untranslated());
    exchange(device.endpoint(), place.page(0), device.atc());
}

// The page goes, the mapping stays: the next access finds zeros.
void sva_dontneed() {
    SharedDevice device{0};
    const Untouched memory{kPages * kKiB4};
    fill_atc(device, memory);
    check(madvise(memory.data(), memory.size(), MADV_DONTNEED) == 0, "madvise");
    expect_dropped(device, memory.data(), "madvise(MADV_DONTNEED)");
    refuses_read(device.endpoint(), memory.page(1).data(), device.untranslated());
    const How how = device.with_faults();
    device_reads_zeros(device.endpoint(), memory.data(), how);
    exchange(device.endpoint(), memory.page(0), how);
}

namespace {

// A huge page of the process is one translation for the device, until the process takes a piece out of it.
void exchange_huge(SharedDevice& device, std::uint8_t* huge) {
    exchange(device.endpoint(), {huge, kKiB4}, device.atc());
    exchange(device.endpoint(), {huge + kMiB2 - kKiB4, kKiB4}, device.untranslated());
    device.endpoint().set(AE_CONTROL, AE_CONTROL_CLEAR_COUNTERS);
    exchange(device.endpoint(), {huge + kMiB2 / 2, kKiB4}, device.atc());
    check_equal(device.endpoint().get(AE_ATC_MISSES), 0, "ATC_MISSES inside a huge page");
    const auto translation = device.endpoint().translate(address_of(huge), device.atc());
    if (!translation) fail("the translation request was refused");
    check_equal(translation->size_log2, 21, "the size of the translation");
}

}  // namespace

void sva_huge_transparent() {
    SharedDevice device{0};
    const Untouched memory{2 * kMiB2};
    std::uint8_t* huge = memory.data() + (kMiB2 - address_of(memory.data()) % kMiB2) % kMiB2;
    if (madvise(huge, kMiB2, MADV_HUGEPAGE) != 0) skip("the kernel has no transparent huge pages");
    huge[0] = 1;
    exchange_huge(device, huge);
    check(munmap(huge + kMiB2 / 2, kKiB4) == 0, "munmap");
    expect_dropped(device, huge + kMiB2 / 2, "munmap");
    refuses_all(device, huge + kMiB2 / 2);
    exchange(device.endpoint(), {huge, kKiB4}, device.atc());
    exchange(device.endpoint(), {huge + kMiB2 / 2 + kKiB4, kKiB4}, device.atc());
    const auto translation = device.endpoint().translate(address_of(huge), device.atc());
    if (!translation) fail("the translation request was refused");
    check_equal(translation->size_log2, 12, "the size of the translation after the split");
}

void sva_huge_reserved() {
    SharedDevice device{0};
    const Memory memory{kMiB2, kMiB2};
    exchange_huge(device, memory.data());
}

}  // namespace guest
