/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu_bench_smmu_driver: a guest's driver of an SMMUv3. Every command is followed by a CMD_SYNC, and costs one write
 * of PROD and one read of CONS, by which Linux waits where there are no messages.
 */
#include "tests/bench/qemu_bench.h"

#include "qemu/bswap.h"
#include "qemu/error-report.h"

#define CR0 0x20
#define GERROR 0x60
#define STRTAB_BASE 0x80
#define STRTAB_BASE_CFG 0x88
#define CMDQ_BASE 0x90
#define CMDQ_PROD 0x98
#define CMDQ_CONS 0x9c
#define EVENTQ_BASE 0xa0
#define EVENTQ_PROD 0x100a8
#define EVENTQ_CONS 0x100ac

#define CR0_SMMUEN (1u << 0)
#define CR0_EVENTQEN (1u << 2)
#define CR0_CMDQEN (1u << 3)

/* A page each: 256 STEs are more, see the tables. */
#define STREAMS_LOG2 8u
#define COMMANDS_LOG2 8u
#define EVENTS_LOG2 7u
#define COMMANDS (1u << COMMANDS_LOG2)

#define CFGI_ALL 0x04u
#define LEAF 1u
#define TLBI_NH_VA 0x12u
#define TLBI_S2_IPA 0x2au
#define TLBI_NSNH_ALL 0x30u
#define CMD_SYNC 0x46u

static void write32(const struct bench_driver* driver, hwaddr offset, uint32_t value) {
    address_space_stl_le(&address_space_memory, driver->registers + offset, value, MEMTXATTRS_UNSPECIFIED, NULL);
}

static void write64(const struct bench_driver* driver, hwaddr offset, uint64_t value) {
    address_space_stq_le(&address_space_memory, driver->registers + offset, value, MEMTXATTRS_UNSPECIFIED, NULL);
}

static uint32_t read32(const struct bench_driver* driver, hwaddr offset) {
    return address_space_ldl_le(&address_space_memory, driver->registers + offset, MEMTXATTRS_UNSPECIFIED, NULL);
}

static void put(struct bench_driver* driver, uint64_t low, uint64_t high) {
    uint8_t* command = driver->ram + driver->queue + 16 * (driver->tail % COMMANDS);

    stq_le_p(command, low);
    stq_le_p(command + 8, high);
    driver->tail = (driver->tail + 1) % (2 * COMMANDS);
}

static void wait_until_done(struct bench_driver* driver) {
    put(driver, CMD_SYNC, 0);
    write32(driver, CMDQ_PROD, driver->tail);
    if (read32(driver, CMDQ_CONS) != driver->tail) {
        error_report("iommu-bench: a command did not complete at once");
        exit(EXIT_FAILURE);
    }
}

void bench_driver_start(struct bench_driver* driver, struct bench_tables* tables) {
    driver->ram = tables->ram;
    driver->queue = bench_tables_page(tables);
    write64(driver, STRTAB_BASE, tables->root[driver->mode]);
    write32(driver, STRTAB_BASE_CFG, STREAMS_LOG2);
    write64(driver, CMDQ_BASE, driver->queue | COMMANDS_LOG2);
    write32(driver, CMDQ_PROD, 0);
    write32(driver, CMDQ_CONS, 0);
    write32(driver, CR0, CR0_CMDQEN);
    put(driver, CFGI_ALL, 31);
    bench_driver_invalidate_all(driver);
    write64(driver, EVENTQ_BASE, bench_tables_page(tables) | EVENTS_LOG2);
    write32(driver, EVENTQ_PROD, 0);
    write32(driver, EVENTQ_CONS, 0);
    write32(driver, CR0, CR0_CMDQEN | CR0_EVENTQEN);
    write32(driver, CR0, CR0_CMDQEN | CR0_EVENTQEN | CR0_SMMUEN);
}

void bench_driver_invalidate_all(struct bench_driver* driver) {
    put(driver, TLBI_NSNH_ALL, 0);
    wait_until_done(driver);
}

static void invalidate(struct bench_driver* driver, uint64_t range, uint64_t address) {
    const uint64_t vmid = (uint64_t)BENCH_DOMAIN << 32;
    const uint64_t asid = (uint64_t)BENCH_DOMAIN << 48;

    put(driver, driver->mode == BENCH_SECOND_STAGE ? TLBI_S2_IPA | range | vmid : TLBI_NH_VA | range | vmid | asid,
        address | LEAF);
    wait_until_done(driver);
}

/* As Linux sends it to a unit with range invalidation: (NUM+1) * 2^SCALE pages, TG=1: 4 KiB, TTL=3. */
void bench_driver_invalidate_pages(struct bench_driver* driver, hwaddr address, unsigned pages_log2) {
    const uint64_t scale = pages_log2 > 5 ? 5 : 0;
    const uint64_t num = (1u << (pages_log2 - scale)) - 1;

    invalidate(driver, num << 12 | scale << 20, address | 1u << 10 | 3u << 8);
}

const bool bench_driver_says_size = true;

/* As Linux sends it to a unit without: TG=0. */
void bench_driver_invalidate_any_size(struct bench_driver* driver, hwaddr address) { invalidate(driver, 0, address); }

/* GERRORN was never written. */
void bench_driver_check(const struct bench_driver* driver, const char* name) {
    const uint32_t error = read32(driver, GERROR);
    const uint32_t events = read32(driver, EVENTQ_PROD);

    if (error || events) {
        error_report("iommu-bench: %s has an error, GERROR is 0x%x and EVENTQ_PROD 0x%x", name, error, events);
        exit(EXIT_FAILURE);
    }
}
