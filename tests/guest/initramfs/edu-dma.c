// SPDX-License-Identifier: GPL-2.0-or-later
// One DMA by QEMU's edu device at an address of our choice, from user space, with no driver bound.
//
//   edu-dma SYSFS-FOLDER ADDRESS BYTES read|write
//
// "read" makes the device read memory at ADDRESS, "write" makes it write there. [QEMU docs/specs/edu]

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    PCI_COMMAND = 0x04,  // configuration space
    PCI_COMMAND_MEMORY = 0x2,
    PCI_COMMAND_MASTER = 0x4,
    DMA_SOURCE = 0x80,  // BAR 0
    DMA_DESTINATION = 0x88,
    DMA_COUNT = 0x90,
    DMA_COMMAND = 0x98,
    DMA_COMMAND_RUN = 0x1,
    DMA_COMMAND_TO_MEMORY = 0x2,
    DEVICE_BUFFER = 0x40000,  // the device's own 4 KiB, in its view
    BAR_BYTES = 0x1000,
};

static int open_in(const char* folder, const char* name) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    const int file = open(path, O_RDWR | O_SYNC);
    if (file < 0) {
        perror(path);
        exit(1);
    }
    return file;
}

static void enable_bus_master(const char* folder) {
    const int config = open_in(folder, "config");
    uint16_t command = 0;
    if (pread(config, &command, sizeof command, PCI_COMMAND) != sizeof command) {
        perror("read of config space");
        exit(1);
    }
    command |= PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
    if (pwrite(config, &command, sizeof command, PCI_COMMAND) != sizeof command) {
        perror("write of config space");
        exit(1);
    }
    close(config);
}

static void set(volatile uint8_t* bar, unsigned offset, uint64_t value) { *(volatile uint64_t*)(bar + offset) = value; }

// The device clears the run bit when the transfer is over, whatever became of it.
static int wait_until_over(volatile uint8_t* bar) {
    for (int waited_ms = 0; waited_ms < 5000; waited_ms += 10) {
        if (!(*(volatile uint64_t*)(bar + DMA_COMMAND) & DMA_COMMAND_RUN)) return 0;
        usleep(10 * 1000);
    }
    fprintf(stderr, "the transfer is not over after 5 s\n");
    return 1;
}

int main(int count, char** words) {
    if (count != 5) {
        fprintf(stderr, "usage: edu-dma SYSFS-FOLDER ADDRESS BYTES read|write\n");
        return 2;
    }
    const uint64_t address = strtoull(words[2], NULL, 0);
    const uint64_t bytes = strtoull(words[3], NULL, 0);
    const int to_memory = strcmp(words[4], "write") == 0;

    enable_bus_master(words[1]);
    volatile uint8_t* bar =
        mmap(NULL, BAR_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, open_in(words[1], "resource0"), 0);
    if (bar == MAP_FAILED) {
        perror("mmap of resource0");
        return 1;
    }
    set(bar, DMA_SOURCE, to_memory ? DEVICE_BUFFER : address);
    set(bar, DMA_DESTINATION, to_memory ? address : DEVICE_BUFFER);
    set(bar, DMA_COUNT, bytes);
    set(bar, DMA_COMMAND, DMA_COMMAND_RUN | (to_memory ? DMA_COMMAND_TO_MEMORY : 0));
    return wait_until_over(bar);
}
