// SPDX-License-Identifier: GPL-2.0-or-later
// One step with an ats-endpoint, from user space through VFIO (type 1), so that the kernel's IOMMU driver does the
// rest.
//
//   ats-vfio SYSFS-FOLDER STEP
//
//   data         DMA through the device TLB both ways, with checked data
//   unmap        the invalidation that an unmap brings to the device, and no access after it
//   drop-answer  the same while the device does not answer once
//   wrong-itag   the same while the device answers once with a wrong ITag
//   after        as data: all is well again
//
// What was measured is printed in lines that begin with "@@ ats".

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "ats-endpoint-regs.h"

enum {
    BUFFER_BYTES = 0x10000,
    CHUNK = 0x1000,
    PCI_COMMAND = 0x04,
    PCI_COMMAND_MEMORY = 0x2,
    PCI_COMMAND_MASTER = 0x4,
};
static const uint64_t IOVA = 0x10000000;

static int container, device;
static volatile uint8_t* bar;
static uint8_t* buffer;

static void check(int ok, const char* what) {
    if (!ok) {
        printf("@@ error ats-endpoint: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

// ---- VFIO

static int open_group(const char* folder) {
    char path[256], target[256] = "";
    snprintf(path, sizeof path, "%s/iommu_group", folder);
    check(readlink(path, target, sizeof target - 1) > 0, "the device's group");
    snprintf(path, sizeof path, "/dev/vfio/%s", strrchr(target, '/') + 1);
    return open(path, O_RDWR);
}

static void enable_bus_master(void) {
    struct vfio_region_info config = {.argsz = sizeof config, .index = VFIO_PCI_CONFIG_REGION_INDEX};
    uint16_t command = 0;
    check(ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &config) == 0, "config space");
    check(pread(device, &command, 2, (off_t)config.offset + PCI_COMMAND) == 2, "read of config space");
    command |= PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
    check(pwrite(device, &command, 2, (off_t)config.offset + PCI_COMMAND) == 2, "write of config space");
}

static void open_device(const char* folder) {
    struct vfio_region_info region = {.argsz = sizeof region, .index = VFIO_PCI_BAR0_REGION_INDEX};
    container = open("/dev/vfio/vfio", O_RDWR);
    check(container >= 0, "/dev/vfio/vfio");
    const int group = open_group(folder);
    check(group >= 0, "the group's file");
    check(ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) == 0, "container");
    check(ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) == 0, "type 1");
    device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, strrchr(folder, '/') + 1);
    check(device >= 0, "the device");
    check(ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &region) == 0, "BAR 0");
    bar = mmap(NULL, region.size, PROT_READ | PROT_WRITE, MAP_SHARED, device, (off_t)region.offset);
    check(bar != MAP_FAILED, "mmap of BAR 0");
    buffer = mmap(NULL, BUFFER_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    check(buffer != MAP_FAILED, "memory");
    enable_bus_master();
}

static void map(void) {
    struct vfio_iommu_type1_dma_map request = {.argsz = sizeof request,
                                               .flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
                                               .vaddr = (uintptr_t)buffer,
                                               .iova = IOVA,
                                               .size = BUFFER_BYTES};
    check(ioctl(container, VFIO_IOMMU_MAP_DMA, &request) == 0, "map");
}

// How long it took, in milliseconds.
static long unmap(void) {
    struct vfio_iommu_type1_dma_unmap request = {.argsz = sizeof request, .iova = IOVA, .size = BUFFER_BYTES};
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    check(ioctl(container, VFIO_IOMMU_UNMAP_DMA, &request) == 0, "unmap");
    clock_gettime(CLOCK_MONOTONIC, &after);
    return (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
}

// ---- The device

static uint32_t get(unsigned offset) { return *(volatile uint32_t*)(bar + offset); }
static uint64_t get64(unsigned offset) { return *(volatile uint64_t*)(bar + offset); }
static void set(unsigned offset, uint32_t value) { *(volatile uint32_t*)(bar + offset) = value; }
static void set64(unsigned offset, uint64_t value) { *(volatile uint64_t*)(bar + offset) = value; }

static unsigned channel(unsigned offset) { return AE_CHANNEL(0) + offset; }
static volatile uint8_t* window(void) { return bar + AE_WINDOW(0); }

// One chunk through the device TLB between the window and memory at `iova`; the result's code.
static unsigned transfer(unsigned op, uint64_t iova) {
    const int to_memory = op == AE_OP_WRITE;
    set(channel(AE_OPERATION), op | AE_VIA_ATC);
    set(channel(AE_PASID), 0);
    set64(channel(AE_SOURCE_64), to_memory ? 0 : iova);
    set64(channel(AE_DESTINATION_64), to_memory ? iova : 0);
    set64(channel(AE_LENGTH_64), CHUNK);
    set(channel(AE_DOORBELL), AE_DOORBELL_START);
    for (int tries = 0; get(channel(AE_STATUS)) & AE_STATUS_BUSY; tries++) {
        check(tries < 5000, "the operation does not end");
        usleep(1000);
    }
    return get(channel(AE_RESULT)) & AE_RESULT_CODE;
}

static uint64_t pattern(unsigned i) { return 0x9e3779b97f4a7c15ull * (i + 1); }

// Out to memory and back in, at two ends of the buffer. The number of bytes that were right.
static unsigned exchange(void) {
    unsigned right = 0;
    for (unsigned i = 0; i < CHUNK; i += 8)
        *(volatile uint64_t*)(window() + i) = pattern(i);
    check(transfer(AE_OP_WRITE, IOVA) == AE_CODE_SUCCESS, "write through the device TLB");
    for (unsigned i = 0; i < CHUNK; i += 8)
        right += *(uint64_t*)(buffer + i) == pattern(i) ? 8 : 0;
    for (unsigned i = 0; i < CHUNK; i += 8)
        *(uint64_t*)(buffer + BUFFER_BYTES - CHUNK + i) = ~pattern(i);
    check(transfer(AE_OP_READ, IOVA + BUFFER_BYTES - CHUNK) == AE_CODE_SUCCESS, "read through the device TLB");
    for (unsigned i = 0; i < CHUNK; i += 8)
        right += *(volatile uint64_t*)(window() + i) == ~pattern(i) ? 8 : 0;
    return right;
}

// ---- Steps

static void step_data(const char* step) {
    map();
    const unsigned right = exchange();
    const unsigned again = exchange();
    printf("@@ ats %s enabled=%u right=%u of=%u misses=%u hits=%u\n", step, !!(get(AE_ENABLES) & AE_ENABLES_ATS),
           right + again, 4 * CHUNK, get(AE_ATC_MISSES), get(AE_ATC_HITS));
    unmap();
}

// `fault` is the register that counts how often the device still errs; 0 for not at all.
static void step_unmap(const char* step, unsigned fault) {
    map();
    check(exchange() == 2 * CHUNK, "data");
    const unsigned used = get(AE_ATC_USED), before = get(AE_INVALIDATES);
    if (fault) set(fault, 1);
    const long ms = unmap();
    const uint64_t first = get64(AE_LAST_INVALIDATE_FIRST_64), last = get64(AE_LAST_INVALIDATE_LAST_64);
    const unsigned invalidations = get(AE_INVALIDATES) - before;
    const unsigned left = get(AE_ATC_USED), erring = fault ? get(fault) : 0;
    memset(buffer, 0x5a, CHUNK);
    const unsigned code = transfer(AE_OP_WRITE, IOVA);
    printf("@@ ats %s entries=%u invalidations=%u about=%u left=%u erring=%u ms=%ld after=%u intact=%u\n", step, used,
           invalidations, first <= IOVA + BUFFER_BYTES - 1 && last >= IOVA, left, erring, ms, code,
           buffer[0] == 0x5a && buffer[CHUNK - 1] == 0x5a);
}

// The driver waits for an answer with interrupts off. That of an error goes to the first processor, which must be free.
static void leave_first_processor(void) {
    cpu_set_t others;
    CPU_ZERO(&others);
    CPU_SET(1, &others);
    check(sched_setaffinity(0, sizeof others, &others) == 0, "a second processor");
}

int main(int count, char** words) {
    if (count != 3) {
        fprintf(stderr, "usage: ats-vfio SYSFS-FOLDER STEP\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    leave_first_processor();
    open_device(words[1]);
    check(get(AE_ID) == AE_ID_VALUE, "not an ats-endpoint");
    if (strcmp(words[2], "unmap") == 0)
        step_unmap(words[2], 0);
    else if (strcmp(words[2], "drop-answer") == 0)
        step_unmap(words[2], AE_DROP_ANSWERS);
    else if (strcmp(words[2], "wrong-itag") == 0)
        step_unmap(words[2], AE_WRONG_ITAGS);
    else
        step_data(words[2]);
    return 0;
}
