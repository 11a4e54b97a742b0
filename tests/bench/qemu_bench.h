/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu_bench: what a DMA costs inside QEMU, behind several IOMMUs in one process.
 *
 *     qemu_bench.c           the device `iommu-bench`: makes everything, measures when the machine is ready, ends QEMU
 *     qemu_bench_cases.c     what is measured
 *     qemu_bench_constant.c  the constant callback, which is what QEMU's own part of a translation costs
 *
 *     qemu_bench_units.c, qemu_bench_smmu_units.c     the units beside each other, and the address spaces behind them
 *     qemu_bench_tables.c, qemu_bench_smmu_tables.c   tables in guest memory
 *     qemu_bench_driver.c, qemu_bench_smmu_driver.c   registers and queue of a unit, as a guest's driver uses them
 *
 * Of each pair the first is for the PC and VT-d, the second for the machine `virt` and SMMUv3.
 *
 * QEMU allows one IOMMU for a machine. What must not be shared is each unit's own all the same: its registers, which
 * are elsewhere for each, and the address space of a PCI function behind it, which is asked for before the next unit
 * takes the bus over. So every unit is QEMU's object as -device makes it, and an access takes the way of a PCI device's
 * DMA.
 *
 * All units translate each address to itself, by the same tables, so that all subjects are given the same accesses.
 */
#ifndef TESTS_BENCH_QEMU_BENCH_H
#define TESTS_BENCH_QEMU_BENCH_H

#include "hw/qemu/compat.h"

/* Guest memory; the build says where a machine's RAM begins. */
#define BENCH_RAM_BYTES 0x40000000u
#define BENCH_DATA (BENCH_RAM_BASE + 0x10000000u)
#define BENCH_PAGES 65536u
#define BENCH_TABLES (BENCH_RAM_BASE + 0x30000000u)
#define BENCH_TABLES_BYTES 0x800000u
#define BENCH_PAGE 0x1000u

/* Of the function whose DMA is measured, and of its tables. */
#define BENCH_DEVFN 0x20
#define BENCH_DOMAIN 7u

static inline hwaddr bench_page(uint32_t page) { return BENCH_DATA + (hwaddr)page * BENCH_PAGE; }

/* Second stage is SMMUv3's stage 2 here; VT-d is measured with it in legacy mode. */
enum bench_mode {
    BENCH_NO_UNIT,
    BENCH_LEGACY,
    BENCH_FIRST_STAGE,
    BENCH_SECOND_STAGE,
    BENCH_NESTED,
    BENCH_MODES,
};

/* Tables */

struct bench_tables {
    uint8_t* ram; /* the host's view of guest address 0, be there memory or not */
    hwaddr next;  /* free page */

    hwaddr root[BENCH_MODES]; /* of each mode that the unit has: root table or stream table */
};

void bench_tables_build(struct bench_tables* tables, uint8_t* ram);
hwaddr bench_tables_page(struct bench_tables* tables);

/* Driver */

struct bench_driver {
    enum bench_mode mode;
    hwaddr registers;
    uint8_t* ram;
    hwaddr queue;
    hwaddr status;
    uint32_t tail;  /* in the unit of the register: bytes, or entries and the wrap bit */
    uint32_t waits; /* completed ones; the number is the next one's status data */
};

/* Tables in, queue on, translation on. */
void bench_driver_start(struct bench_driver* driver, struct bench_tables* tables);
/* Each waits for the unit with a descriptor of its own, as Linux does. */
void bench_driver_invalidate_all(struct bench_driver* driver);
void bench_driver_invalidate_pages(struct bench_driver* driver, hwaddr address, unsigned pages_log2);
/* Whether commands say the size of what they invalidate; and a page whose size is not said. */
extern const bool bench_driver_says_size;
void bench_driver_invalidate_any_size(struct bench_driver* driver, hwaddr address);
/* Ends QEMU when the unit has recorded a fault or another error. */
void bench_driver_check(const struct bench_driver* driver, const char* name);

/* Subjects */

struct bench_subject {
    const char* name;
    const char* type; /* NULL: no IOMMU, or the constant callback */
    const char* option;
    struct bench_driver driver;
    AddressSpace* as;
    bool never_full; /* its cache also keeps what no page was asked for: invalidations of it are not measured */
};

#define BENCH_SUBJECTS_MAX 7u
extern struct bench_subject bench_subjects[];
extern const unsigned bench_subjects_count;
/* So many translations every unit keeps, and drops all when it has them and one more comes, or keeps more;
 * BENCH_PAGES is a multiple. */
extern const unsigned bench_cached_by_all;

/* Whether the machine is one to measure on; `mode` is the user's, NULL when there is none. */
bool bench_machine_check(const char* mode, Error** errp);
/* Ends QEMU when a unit cannot be made. */
void bench_subjects_make(Object* owner);

void bench_register_constant_region(void);
AddressSpace* bench_constant_space(Object* owner);

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
