// SPDX-License-Identifier: GPL-2.0-or-later
// Iommufd: the kernel's /dev/iommu, a function for each of its commands.
//
// Objects are the numbers that the kernel gives out. A function that begins with try_ returns 0 or an errno; the others
// fail the step. Addresses and lengths are in bytes. Structures and constants are those of linux/iommufd.h.
#pragma once

#include <linux/iommufd.h>

#include <cstdint>
#include <string>

#include "files.h"
#include "steps.h"

namespace guest {

enum class Rights { Read, Write, ReadWrite };

// IOMMU_HWPT_ALLOC: `parent` is an IOAS for a paging hwpt, a nest parent or a vIOMMU for a nested one.
struct HwptRequest {
    std::uint32_t device = 0;
    std::uint32_t parent = 0;
    std::uint32_t flags = 0;
    std::uint32_t data_type = IOMMU_HWPT_DATA_NONE;
    const void* data = nullptr;
    std::uint32_t data_bytes = 0;
    std::uint32_t fault_queue = 0;  // with IOMMU_HWPT_FAULT_ID_VALID
};

// A fault queue or a vEVENT queue: records are read from its file.
struct Queue {
    std::uint32_t id = 0;
    Fd file;
};

class Iommufd {
  public:
    Iommufd();

    [[nodiscard]] int number() const { return file_.number(); }

    // Any command whose structure begins with its size; 0 or an errno.
    template <class Argument>
    int call(unsigned long command, Argument& argument) const {
        argument.size = sizeof argument;
        return try_ioctl(file_.number(), command, &argument);
    }
    template <class Argument>
    void must(unsigned long command, Argument& argument, const char* name) const {
        const int error = call(command, argument);
        check(error == 0, std::string(name) + ": " + error_text(error));
    }

    std::uint32_t ioas();
    void map(std::uint32_t ioas, void* memory, std::uint64_t bytes, std::uint64_t iova,
             Rights rights = Rights::ReadWrite);
    void unmap(std::uint32_t ioas, std::uint64_t iova, std::uint64_t bytes);

    int try_hwpt(const HwptRequest& request, std::uint32_t& id);
    std::uint32_t hwpt(const HwptRequest& request);
    void destroy(std::uint32_t id);

    // IOMMU_HWPT_INVALIDATE: `entries` of `entry_bytes` each. `done` is how many the kernel took.
    int try_invalidate(std::uint32_t object, std::uint32_t type, const void* entries, std::uint32_t entry_bytes,
                       std::uint32_t count, std::uint32_t& done);

    // IOMMU_GET_HW_INFO; `data` gets the unit's own structure, of which the kernel fills in data_len bytes.
    iommu_hw_info hw_info(std::uint32_t device, void* data, std::uint32_t bytes);

    std::uint32_t viommu(std::uint32_t device, std::uint32_t parent, std::uint32_t type);
    std::uint32_t vdevice(std::uint32_t viommu, std::uint32_t device, std::uint64_t virtual_id);
    Queue vevent_queue(std::uint32_t viommu, std::uint32_t type, std::uint32_t depth);
    Queue fault_queue();

    void set_dirty_tracking(std::uint32_t hwpt, bool on);
    // One bit for each page of `page_bytes` in [iova, iova + bytes), from bit 0 of bitmap[0] on.
    void dirty_bitmap(std::uint32_t hwpt, std::uint64_t iova, std::uint64_t bytes, std::uint64_t page_bytes,
                      std::uint64_t* bitmap, std::uint32_t flags = 0);

  private:
    Fd file_;
};

}  // namespace guest
