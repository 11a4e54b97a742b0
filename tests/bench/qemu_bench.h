/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu_bench: what a DMA costs inside QEMU, behind several IOMMUs in one process.
 *
 *     qemu_bench.c          the device `iommu-bench`: makes everything, measures when the machine is ready, ends QEMU
 *     qemu_bench_units.c    the units beside each other, and the address spaces behind them
 *     qemu_bench_tables.c   tables in guest memory
 *     qemu_bench_driver.c   registers and invalidation queue of a unit, as a guest's driver uses them
 *     qemu_bench_cases.c    what is measured
 *
 * QEMU allows one IOMMU for a PC: the machine remembers it in PCMachineState.iommu and refuses the next. This forgets
 * it between two. What must not be shared is then each unit's own: its register page, which is moved before the next
 * unit maps its own there, and the address space of a PCI function behind it, which is asked for before the next unit
 * takes the bus over. So every unit is QEMU's object as -device makes it, and an access takes the way of a PCI device's
 * DMA.
 *
 * All units translate each address to itself, by the same tables, so that all subjects are given the same accesses.
 */
#ifndef TESTS_BENCH_QEMU_BENCH_H
#define TESTS_BENCH_QEMU_BENCH_H

#include "hw/qemu/compat.h"

/* Guest memory. */
#define BENCH_RAM_BYTES 0x40000000u
#define BENCH_DATA 0x10000000u
#define BENCH_PAGES 65536u
#define BENCH_TABLES 0x30000000u
#define BENCH_TABLES_BYTES 0x800000u
#define BENCH_PAGE 0x1000u

/* Of the function whose DMA is measured, and of its tables. */
#define BENCH_DEVFN 0x20
#define BENCH_DOMAIN 7u

static inline hwaddr bench_page(uint32_t page) { return BENCH_DATA + (hwaddr)page * BENCH_PAGE; }

/* Tables */

struct bench_tables {
    uint8_t* ram; /* the host's view of guest memory */
    hwaddr next;  /* free page */

    hwaddr legacy_root; /* second stage in legacy mode */
    hwaddr first_root;  /* first stage in scalable mode */
    hwaddr nested_root; /* both stages in scalable mode */
};

void bench_tables_build(struct bench_tables* tables, uint8_t* ram);
hwaddr bench_tables_page(struct bench_tables* tables);

/* Driver */

enum bench_mode { BENCH_NO_UNIT, BENCH_LEGACY, BENCH_FIRST_STAGE, BENCH_NESTED };

struct bench_driver {
    enum bench_mode mode;
    hwaddr registers;
    uint8_t* ram;
    hwaddr queue;
    hwaddr status;
    uint32_t tail;  /* bytes */
    uint32_t waits; /* completed ones; the number is the next one's status data */
};

/* Tables in, queue on, translation on. */
void bench_driver_start(struct bench_driver* driver, struct bench_tables* tables);
/* Each waits for the unit with a descriptor of its own, as Linux does. */
void bench_driver_invalidate_all(struct bench_driver* driver);
void bench_driver_invalidate_pages(struct bench_driver* driver, hwaddr address, unsigned pages_log2);
/* Ends QEMU when the unit has recorded a fault. */
void bench_driver_check(const struct bench_driver* driver, const char* name);

/* Subjects */

struct bench_subject {
    const char* name;
    const char* type; /* NULL: no IOMMU, or the constant callback */
    const char* option;
    struct bench_driver driver;
    AddressSpace* as;
};

#define BENCH_SUBJECTS 7u
extern struct bench_subject bench_subjects[BENCH_SUBJECTS];

/* Ends QEMU when a unit cannot be made. */
void bench_subjects_make(Object* owner);
void bench_register_constant_region(void);

/* Cases */

#define BENCH_NOT_MEASURED (-1.0)

struct bench_case {
    const char* name;
    /* Nanoseconds of one operation, or BENCH_NOT_MEASURED where the case means nothing. */
    double (*measure)(struct bench_subject* subject);
};

extern const struct bench_case bench_cases[];
extern const size_t bench_cases_count;

double bench_median(double* values, unsigned count);
void bench_cases_prepare(void);
/* Ends QEMU unless each page's translation is the page. */
void bench_subject_check(const struct bench_subject* subject);

#endif /* TESTS_BENCH_QEMU_BENCH_H */
