// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommufd.h"

#include <fcntl.h>

namespace guest {

Iommufd::Iommufd() : file_{open_file("/dev/iommu", O_RDWR)} {
    // The kernel gives devices to user space only where their interrupts are remapped, unless it is told otherwise.
    write_text("/sys/module/iommufd/parameters/allow_unsafe_interrupts", "1");
}

std::uint32_t Iommufd::ioas() {
    iommu_ioas_alloc argument = {};
    must(IOMMU_IOAS_ALLOC, argument, "IOMMU_IOAS_ALLOC");
    return argument.out_ioas_id;
}

void Iommufd::map(std::uint32_t ioas, void* memory, std::uint64_t bytes, std::uint64_t iova, Rights rights) {
    iommu_ioas_map argument = {};
    argument.flags = IOMMU_IOAS_MAP_FIXED_IOVA;
    if (rights != Rights::Write) argument.flags |= IOMMU_IOAS_MAP_READABLE;
    if (rights != Rights::Read) argument.flags |= IOMMU_IOAS_MAP_WRITEABLE;
    argument.ioas_id = ioas;
    argument.user_va = reinterpret_cast<std::uintptr_t>(memory);
    argument.length = bytes;
    argument.iova = iova;
    must(IOMMU_IOAS_MAP, argument, "IOMMU_IOAS_MAP");
}

void Iommufd::unmap(std::uint32_t ioas, std::uint64_t iova, std::uint64_t bytes) {
    iommu_ioas_unmap argument = {};
    argument.ioas_id = ioas;
    argument.iova = iova;
    argument.length = bytes;
    must(IOMMU_IOAS_UNMAP, argument, "IOMMU_IOAS_UNMAP");
}

int Iommufd::try_hwpt(const HwptRequest& request, std::uint32_t& id) {
    iommu_hwpt_alloc argument = {};
    argument.flags = request.flags;
    argument.dev_id = request.device;
    argument.pt_id = request.parent;
    argument.data_type = request.data_type;
    argument.data_len = request.data_bytes;
    argument.data_uptr = reinterpret_cast<std::uintptr_t>(request.data);
    argument.fault_id = request.fault_queue;
    const int error = call(IOMMU_HWPT_ALLOC, argument);
    id = argument.out_hwpt_id;
    return error;
}

std::uint32_t Iommufd::hwpt(const HwptRequest& request) {
    std::uint32_t id = 0;
    const int error = try_hwpt(request, id);
    check(error == 0, "IOMMU_HWPT_ALLOC: " + error_text(error));
    return id;
}

void Iommufd::destroy(std::uint32_t id) {
    iommu_destroy argument = {};
    argument.id = id;
    must(IOMMU_DESTROY, argument, "IOMMU_DESTROY");
}

int Iommufd::try_invalidate(std::uint32_t object, std::uint32_t type, const void* entries, std::uint32_t entry_bytes,
                            std::uint32_t count, std::uint32_t& done) {
    iommu_hwpt_invalidate argument = {};
    argument.hwpt_id = object;
    argument.data_uptr = reinterpret_cast<std::uintptr_t>(entries);
    argument.data_type = type;
    argument.entry_len = entry_bytes;
    argument.entry_num = count;
    const int error = call(IOMMU_HWPT_INVALIDATE, argument);
    done = argument.entry_num;
    return error;
}

iommu_hw_info Iommufd::hw_info(std::uint32_t device, void* data, std::uint32_t bytes) {
    iommu_hw_info argument = {};
    argument.dev_id = device;
    argument.data_len = bytes;
    argument.data_uptr = reinterpret_cast<std::uintptr_t>(data);
    must(IOMMU_GET_HW_INFO, argument, "IOMMU_GET_HW_INFO");
    return argument;
}

std::uint32_t Iommufd::viommu(std::uint32_t device, std::uint32_t parent, std::uint32_t type) {
    iommu_viommu_alloc argument = {};
    argument.type = type;
    argument.dev_id = device;
    argument.hwpt_id = parent;
    must(IOMMU_VIOMMU_ALLOC, argument, "IOMMU_VIOMMU_ALLOC");
    return argument.out_viommu_id;
}

std::uint32_t Iommufd::vdevice(std::uint32_t viommu, std::uint32_t device, std::uint64_t virtual_id) {
    iommu_vdevice_alloc argument = {};
    argument.viommu_id = viommu;
    argument.dev_id = device;
    argument.virt_id = virtual_id;
    must(IOMMU_VDEVICE_ALLOC, argument, "IOMMU_VDEVICE_ALLOC");
    return argument.out_vdevice_id;
}

Queue Iommufd::vevent_queue(std::uint32_t viommu, std::uint32_t type, std::uint32_t depth) {
    iommu_veventq_alloc argument = {};
    argument.viommu_id = viommu;
    argument.type = type;
    argument.veventq_depth = depth;
    must(IOMMU_VEVENTQ_ALLOC, argument, "IOMMU_VEVENTQ_ALLOC");
    return {argument.out_veventq_id, Fd{static_cast<int>(argument.out_veventq_fd)}};
}

Queue Iommufd::fault_queue() {
    iommu_fault_alloc argument = {};
    must(IOMMU_FAULT_QUEUE_ALLOC, argument, "IOMMU_FAULT_QUEUE_ALLOC");
    return {argument.out_fault_id, Fd{static_cast<int>(argument.out_fault_fd)}};
}

void Iommufd::set_dirty_tracking(std::uint32_t hwpt, bool on) {
    iommu_hwpt_set_dirty_tracking argument = {};
    argument.flags = on ? IOMMU_HWPT_DIRTY_TRACKING_ENABLE : 0;
    argument.hwpt_id = hwpt;
    must(IOMMU_HWPT_SET_DIRTY_TRACKING, argument, "IOMMU_HWPT_SET_DIRTY_TRACKING");
}

void Iommufd::dirty_bitmap(std::uint32_t hwpt, std::uint64_t iova, std::uint64_t bytes, std::uint64_t page_bytes,
                           std::uint64_t* bitmap, std::uint32_t flags) {
    iommu_hwpt_get_dirty_bitmap argument = {};
    argument.hwpt_id = hwpt;
    argument.flags = flags;
    argument.iova = iova;
    argument.length = bytes;
    argument.page_size = page_bytes;
    argument.data = reinterpret_cast<std::uintptr_t>(bitmap);
    must(IOMMU_HWPT_GET_DIRTY_BITMAP, argument, "IOMMU_HWPT_GET_DIRTY_BITMAP");
}

}  // namespace guest
