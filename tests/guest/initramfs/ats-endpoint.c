// SPDX-License-Identifier: GPL-2.0-or-later
// Drives the ats-endpoint from user space, by its mapped BAR 0, with no driver of its own.
//
//   ats-endpoint SYSFS-FOLDER get OFFSET                 a register of 4 bytes, in hex
//   ats-endpoint SYSFS-FOLDER set OFFSET VALUE
//   ats-endpoint SYSFS-FOLDER run KEY=VALUE...           one operation; prints what became of it
//
// Keys: channel, operation (OPERATION as in ats-endpoint-regs.h), pasid (PASID), source, destination, length, operand,
// compare, pages (PAGES), value (the window's first 8 bytes before the operation). What is not named is 0.
//
//   ats-endpoint /sys/bus/pci/devices/0000:01:00.0 run operation=0x101 source=0x10000 length=8
//   code=1 reason=0x0 transactions=1 results=0x1 done=8 fault=0x0 value=0x1122334455667788 old=0x0
//
// The status is 0 when the code is 1, success.

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../../include/ats-endpoint-regs.h"

enum {
    PCI_COMMAND = 0x04,
    PCI_COMMAND_MEMORY = 0x2,
    PCI_COMMAND_MASTER = 0x4,
    BAR_BYTES = 0x10000,
    PATIENCE_MS = 5000,
};

static volatile uint8_t* bar;

static uint32_t get(unsigned offset) { return *(volatile uint32_t*)(bar + offset); }
static uint64_t get64(unsigned offset) { return *(volatile uint64_t*)(bar + offset); }
static void set(unsigned offset, uint64_t value) { *(volatile uint32_t*)(bar + offset) = (uint32_t)value; }
static void set64(unsigned offset, uint64_t value) { *(volatile uint64_t*)(bar + offset) = value; }

static int open_in(const char* folder, const char* name) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    const int file = open(path, O_RDWR | O_SYNC);
    if (file < 0) {
        perror(path);
        exit(2);
    }
    return file;
}

static void enable(const char* folder) {
    const int config = open_in(folder, "config");
    uint16_t command = 0;
    if (pread(config, &command, sizeof command, PCI_COMMAND) != sizeof command) exit(2);
    command |= PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
    if (pwrite(config, &command, sizeof command, PCI_COMMAND) != sizeof command) exit(2);
    close(config);
}

static void map(const char* folder) {
    void* mapped = mmap(NULL, BAR_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, open_in(folder, "resource0"), 0);
    if (mapped == MAP_FAILED) {
        perror("mmap of resource0");
        exit(2);
    }
    bar = mapped;
    if (get(AE_ID) != AE_ID_VALUE) {
        fprintf(stderr, "%s is no ats-endpoint, or it is away\n", folder);
        exit(2);
    }
}

// The value of KEY=VALUE among the words, 0 if there is none.
static uint64_t named(char** words, const char* key) {
    const size_t length = strlen(key);
    for (; *words; ++words) {
        if (strncmp(*words, key, length) == 0 && (*words)[length] == '=') return strtoull(*words + length + 1, NULL, 0);
    }
    return 0;
}

static int wait_until_over(unsigned channel) {
    for (int waited_ms = 0; waited_ms < PATIENCE_MS; ++waited_ms) {
        if (!(get(channel + AE_STATUS) & AE_STATUS_BUSY)) return 1;
        usleep(1000);
    }
    fprintf(stderr, "the operation is not over after %d ms; status %#x\n", PATIENCE_MS, get(channel + AE_STATUS));
    set(channel + AE_DOORBELL, AE_DOORBELL_CANCEL);
    return 0;
}

static int run(char** words) {
    const unsigned number = (unsigned)named(words, "channel") % AE_CHANNELS;
    const unsigned channel = AE_CHANNEL(number);
    set64(AE_WINDOW(number), named(words, "value"));
    set(channel + AE_OPERATION, named(words, "operation"));
    set(channel + AE_PASID, named(words, "pasid"));
    set64(channel + AE_SOURCE_64, named(words, "source"));
    set64(channel + AE_DESTINATION_64, named(words, "destination"));
    set64(channel + AE_LENGTH_64, named(words, "length"));
    set64(channel + AE_OPERAND_64, named(words, "operand"));
    set64(channel + AE_COMPARE_64, named(words, "compare"));
    set(channel + AE_PAGES, named(words, "pages"));
    set(channel + AE_DOORBELL, AE_DOORBELL_START);
    wait_until_over(channel);
    const uint32_t result = get(channel + AE_RESULT);
    printf("code=%u reason=%#x transactions=%u results=%#llx done=%llu fault=%#llx value=%#llx old=%#llx\n",
           result & AE_RESULT_CODE, (result & AE_RESULT_REASON) >> 8, (result & AE_RESULT_TRANSACTIONS) >> 16,
           (unsigned long long)get64(channel + AE_RESULTS_64), (unsigned long long)get64(channel + AE_DONE_BYTES_64),
           (unsigned long long)get64(channel + AE_FAULT_ADDRESS_64), (unsigned long long)get64(AE_WINDOW(number)),
           (unsigned long long)get64(channel + AE_OLD_VALUE_64));
    if ((get(channel + AE_TRANSLATION_FLAGS) & AE_TRANSLATION_FLAGS_VALID) != 0)
        printf("translation=%#llx flags=%#x\n", (unsigned long long)get64(channel + AE_TRANSLATION_ADDRESS_64),
               get(channel + AE_TRANSLATION_FLAGS));
    return (result & AE_RESULT_CODE) == AE_CODE_SUCCESS ? 0 : 1;
}

int main(int count, char** words) {
    const char* what = count >= 3 ? words[2] : "";
    if ((strcmp(what, "get") != 0 || count != 4) && (strcmp(what, "set") != 0 || count != 5) &&
        strcmp(what, "run") != 0) {
        fprintf(stderr, "usage: ats-endpoint SYSFS-FOLDER get OFFSET | set OFFSET VALUE | run KEY=VALUE...\n");
        return 2;
    }
    enable(words[1]);
    map(words[1]);
    if (strcmp(what, "run") == 0) return run(words + 3);
    const unsigned offset = (unsigned)strtoul(words[3], NULL, 0) % BAR_BYTES & ~3u;
    if (strcmp(what, "get") == 0) {
        printf("%#x\n", get(offset));
    } else {
        set(offset, strtoull(words[4], NULL, 0));
    }
    return 0;
}
