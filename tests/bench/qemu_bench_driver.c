/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu_bench_driver: a guest's driver, which writes registers through the system's address space and descriptors into
 * guest memory. Every command is followed by an invalidation wait and costs one write of the tail.
 */
#include "tests/bench/qemu_bench.h"

#include "qemu/bswap.h"
#include "qemu/error-report.h"

#define GCMD 0x18
#define RTADDR 0x20
#define FSTS 0x34
#define IQT 0x88
#define IQA 0x90

#define GCMD_TE (1u << 31)
#define GCMD_SRTP (1u << 30)
#define GCMD_QIE (1u << 26)
#define RTADDR_SCALABLE (1u << 10)
#define IQA_WIDE (1u << 11)

#define QUEUE_BYTES 0x1000u

static void write32(const struct bench_driver* driver, hwaddr offset, uint32_t value) {
    address_space_stl_le(&address_space_memory, driver->registers + offset, value, MEMTXATTRS_UNSPECIFIED, NULL);
}

static void write64(const struct bench_driver* driver, hwaddr offset, uint64_t value) {
    address_space_stq_le(&address_space_memory, driver->registers + offset, value, MEMTXATTRS_UNSPECIFIED, NULL);
}

static bool is_scalable(const struct bench_driver* driver) { return driver->mode != BENCH_LEGACY; }

static hwaddr root_of(const struct bench_driver* driver, const struct bench_tables* tables) {
    return tables->root[driver->mode] | (is_scalable(driver) ? RTADDR_SCALABLE : 0);
}

void bench_driver_start(struct bench_driver* driver, struct bench_tables* tables) {
    driver->ram = tables->ram;
    driver->queue = bench_tables_page(tables);
    driver->status = bench_tables_page(tables);
    write64(driver, RTADDR, root_of(driver, tables));
    write32(driver, GCMD, GCMD_SRTP);
    write64(driver, IQT, 0);
    write64(driver, IQA, driver->queue | (is_scalable(driver) ? IQA_WIDE : 0));
    write32(driver, GCMD, GCMD_QIE);
    write32(driver, GCMD, GCMD_QIE | GCMD_TE);
    bench_driver_invalidate_all(driver);
}

/* 128 bits of what may be 256, of which the upper half is 0. */
static void put(struct bench_driver* driver, uint64_t low, uint64_t high) {
    uint8_t* descriptor = driver->ram + driver->queue + driver->tail;

    stq_le_p(descriptor, low);
    stq_le_p(descriptor + 8, high);
    driver->tail = (driver->tail + (is_scalable(driver) ? 32 : 16)) % QUEUE_BYTES;
}

/* Type 5 with SW: the unit writes the number when everything before is done. */
static void wait_until_done(struct bench_driver* driver) {
    const uint32_t number = ++driver->waits;

    put(driver, (uint64_t)number << 32 | 1u << 5 | 5u, driver->status);
    write64(driver, IQT, driver->tail);
    if ((uint32_t)ldl_le_p(driver->ram + driver->status) != number) {
        error_report("iommu-bench: an invalidation did not complete at once");
        exit(EXIT_FAILURE);
    }
}

/* Type 2 with G=1: all domains. */
void bench_driver_invalidate_all(struct bench_driver* driver) {
    put(driver, 1u << 4 | 2u, 0);
    wait_until_done(driver);
}

/* Type 2 in legacy mode and type 6 else, of PASID 0; both with G=3. */
void bench_driver_invalidate_pages(struct bench_driver* driver, hwaddr address, unsigned pages_log2) {
    put(driver, (uint64_t)BENCH_DOMAIN << 16 | 3u << 4 | (is_scalable(driver) ? 6u : 2u), address | pages_log2);
    wait_until_done(driver);
}

/* No command says a size. */
const bool bench_driver_says_size = false;

void bench_driver_invalidate_any_size(struct bench_driver* driver, hwaddr address) {
    bench_driver_invalidate_pages(driver, address, 0);
}

void bench_driver_check(const struct bench_driver* driver, const char* name) {
    const uint32_t status =
        address_space_ldl_le(&address_space_memory, driver->registers + FSTS, MEMTXATTRS_UNSPECIFIED, NULL);

    if (status) {
        error_report("iommu-bench: %s has an error, FSTS is 0x%x", name, status);
        exit(EXIT_FAILURE);
    }
}
