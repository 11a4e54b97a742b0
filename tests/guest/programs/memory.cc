// SPDX-License-Identifier: GPL-2.0-or-later
#include "memory.h"

#include <linux/mman.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "steps.h"

namespace guest {
namespace {

std::uint8_t pattern(std::uint64_t place, std::uint64_t seed) {
    return static_cast<std::uint8_t>(((place + 1) * 0x9e3779b97f4a7c15ull + seed * 0xc2b2ae3d27d4eb4full) >> 37);
}

}  // namespace

Memory::Memory(std::uint64_t bytes, std::uint64_t page_bytes) : bytes_{bytes} {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
    if (page_bytes == kMiB2) flags |= MAP_HUGETLB | MAP_HUGE_2MB;
    if (page_bytes == kGiB1) flags |= MAP_HUGETLB | MAP_HUGE_1GB;
    void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (mapped == MAP_FAILED && page_bytes != kKiB4)
        skip("no huge pages of " + hex(page_bytes) + " bytes: " + error_text(errno));
    if (mapped == MAP_FAILED) fail("memory: " + error_text(errno));
    data_ = static_cast<std::uint8_t*>(mapped);
}

Memory::~Memory() { munmap(data_, bytes_); }

void fill_pattern(std::span<std::uint8_t> bytes, std::uint64_t seed) {
    for (std::size_t at = 0; at < bytes.size(); ++at)
        bytes[at] = pattern(at, seed);
}

bool has_pattern(std::span<const std::uint8_t> bytes, std::uint64_t seed) {
    for (std::size_t at = 0; at < bytes.size(); ++at)
        if (bytes[at] != pattern(at, seed)) return false;
    return true;
}

}  // namespace guest
