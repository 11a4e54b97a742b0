/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu_bench_cases: what is measured; each function is one round on one subject.
 *
 * `translate` is address_space_translate(), by which QEMU finds the host memory of a DMA; `read` is a 4-byte read
 * through the same address space. Both are under one RCU read section for all calls of a round, as in a device that
 * moves many bytes.
 */
#include "tests/bench/qemu_bench.h"

#include "qemu/error-report.h"
#include "qemu/rcu.h"
#include "qemu/thread.h"
#include "qemu/timer.h"

#define HOT_CALLS 20000u
#define SOME_PAGES 8192u
#define INVALIDATIONS 64u

static uint32_t shuffled[BENCH_PAGES];

static void compiler_keeps(uint64_t value) { __asm__ volatile("" : : "r"(value)); }

static hwaddr translate(AddressSpace* as, hwaddr address) {
    hwaddr offset;
    hwaddr length = 4;

    compiler_keeps((uintptr_t)address_space_translate(as, address, &offset, &length, false, MEMTXATTRS_UNSPECIFIED));
    return offset;
}

static void read_word(AddressSpace* as, hwaddr address) {
    compiler_keeps(address_space_ldl_le(as, address, MEMTXATTRS_UNSPECIFIED, NULL));
}

/* The processor time of this thread, which other processes do not add to. */
static int64_t processor_time(void) {
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * NANOSECONDS_PER_SECOND + now.tv_nsec;
}

static double per_operation(int64_t start, unsigned operations) {
    return (double)(processor_time() - start) / operations;
}

/* One page */

static double hot_translate(struct bench_subject* subject) {
    RCU_READ_LOCK_GUARD();
    const int64_t start = processor_time();

    for (unsigned i = 0; i < HOT_CALLS; i++) {
        translate(subject->as, bench_page(1) + (i & 0xffc));
    }
    return per_operation(start, HOT_CALLS);
}

static double hot_read(struct bench_subject* subject) {
    RCU_READ_LOCK_GUARD();
    const int64_t start = processor_time();

    for (unsigned i = 0; i < HOT_CALLS; i++) {
        read_word(subject->as, bench_page(1) + (i & 0xffc));
    }
    return per_operation(start, HOT_CALLS);
}

/* All pages */

static void touch(const struct bench_subject* subject, uint32_t first, uint32_t count) {
    RCU_READ_LOCK_GUARD();

    for (uint32_t page = first; page < first + count; page++) {
        translate(subject->as, bench_page(page));
    }
}

static void drop_all(struct bench_subject* subject) {
    if (subject->driver.mode != BENCH_NO_UNIT) {
        bench_driver_invalidate_all(&subject->driver);
    }
}

/* Each time other ones of the shuffled pages, so that neither caches nor predictors learn them. */
static const uint32_t* some_pages(void) {
    static uint32_t first;

    first = (first + SOME_PAGES) % BENCH_PAGES;
    return &shuffled[first];
}

static double random_translate(struct bench_subject* subject) {
    const uint32_t* pages = some_pages();
    int64_t start;

    touch(subject, 0, BENCH_PAGES);
    RCU_READ_LOCK_GUARD();
    start = processor_time();
    for (uint32_t i = 0; i < SOME_PAGES; i++) {
        translate(subject->as, bench_page(pages[i]));
    }
    return per_operation(start, SOME_PAGES);
}

static double random_read(struct bench_subject* subject) {
    const uint32_t* pages = some_pages();
    int64_t start;

    touch(subject, 0, BENCH_PAGES);
    RCU_READ_LOCK_GUARD();
    start = processor_time();
    for (uint32_t i = 0; i < SOME_PAGES; i++) {
        read_word(subject->as, bench_page(pages[i]));
    }
    return per_operation(start, SOME_PAGES);
}

static double first_touch(struct bench_subject* subject) {
    int64_t start;

    drop_all(subject);
    start = processor_time();
    touch(subject, 0, SOME_PAGES);
    return per_operation(start, SOME_PAGES);
}

/* Invalidation: of what is in every unit's cache, however small, which is full each time. The time of one command with
 * its wait, in wall-clock time: one is too short for the other clock. */

static void invalidate_page(struct bench_driver* driver) {
    bench_driver_invalidate_pages(driver, bench_page(BENCH_PAGES - 1), 0);
}

static void invalidate_512_pages(struct bench_driver* driver) {
    bench_driver_invalidate_pages(driver, bench_page(BENCH_PAGES - 512), 9);
}

static void invalidate_page_of_any_size(struct bench_driver* driver) {
    bench_driver_invalidate_any_size(driver, bench_page(BENCH_PAGES - 1));
}

/* With the last `used` pages in use. */
static double per_invalidation(struct bench_subject* subject, uint32_t used, void (*invalidate)(struct bench_driver*)) {
    const uint32_t again = MIN(used, bench_cached_by_all);
    double spent[INVALIDATIONS];

    if (subject->driver.mode == BENCH_NO_UNIT || subject->never_full) {
        return BENCH_NOT_MEASURED;
    }
    drop_all(subject);
    touch(subject, BENCH_PAGES - used, used);
    for (unsigned i = 0; i < INVALIDATIONS; i++) {
        const int64_t start = get_clock();

        invalidate(&subject->driver);
        spent[i] = get_clock() - start;
        touch(subject, BENCH_PAGES - again, again);
    }
    return bench_median(spent, INVALIDATIONS);
}

static double page_invalidation(struct bench_subject* subject) {
    return per_invalidation(subject, BENCH_PAGES, invalidate_page);
}

static double only_page_invalidation(struct bench_subject* subject) {
    return per_invalidation(subject, 1, invalidate_page);
}

static double any_size_invalidation(struct bench_subject* subject) {
    return bench_driver_says_size ? per_invalidation(subject, BENCH_PAGES, invalidate_page_of_any_size)
                                  : BENCH_NOT_MEASURED;
}

static double many_pages_invalidation(struct bench_subject* subject) {
    return per_invalidation(subject, BENCH_PAGES, invalidate_512_pages);
}

static double whole_invalidation(struct bench_subject* subject) {
    return per_invalidation(subject, BENCH_PAGES, bench_driver_invalidate_all);
}

/* What QEMU takes to bring a driver's register accesses to the unit: the first register of each can only be read. */
static double register_access(struct bench_subject* subject) {
    const hwaddr first = subject->driver.registers;
    int64_t start;

    if (subject->driver.mode == BENCH_NO_UNIT) {
        return BENCH_NOT_MEASURED;
    }
    start = processor_time();
    for (unsigned i = 0; i < HOT_CALLS; i++) {
        address_space_stl_le(&address_space_memory, first, 0, MEMTXATTRS_UNSPECIFIED, NULL);
        compiler_keeps(address_space_ldl_le(&address_space_memory, first, MEMTXATTRS_UNSPECIFIED, NULL));
    }
    return per_operation(start, HOT_CALLS);
}

/* Two threads, each with a page of its own behind the same unit */

struct two_threads {
    const struct bench_subject* subject;
    int arrived;
    int64_t spent[2];
};

struct one_thread {
    struct two_threads* both;
    unsigned number;
};

static void* run_thread(void* opaque) {
    const struct one_thread* self = opaque;
    const hwaddr page = bench_page(1 + 64 * self->number);
    int64_t start;

    rcu_register_thread();
    WITH_RCU_READ_LOCK_GUARD() {
        translate(self->both->subject->as, page);
        qatomic_inc(&self->both->arrived);
        while (qatomic_read(&self->both->arrived) < 2) {
        }
        start = get_clock();
        for (unsigned i = 0; i < HOT_CALLS; i++) {
            translate(self->both->subject->as, page + (i & 0xffc));
        }
        self->both->spent[self->number] = get_clock() - start;
    }
    rcu_unregister_thread();
    return NULL;
}

/* Of one of the threads: with as many processors as threads and nothing shared it is what one thread alone takes. */
static double two_threads(struct bench_subject* subject) {
    struct two_threads both = {.subject = subject};
    struct one_thread selves[2] = {{.both = &both, .number = 0}, {.both = &both, .number = 1}};
    QemuThread threads[2];

    for (unsigned i = 0; i < 2; i++) {
        qemu_thread_create(&threads[i], "iommu-bench", run_thread, &selves[i], QEMU_THREAD_JOINABLE);
    }
    for (unsigned i = 0; i < 2; i++) {
        qemu_thread_join(&threads[i]);
    }
    return (double)(both.spent[0] + both.spent[1]) / 2 / HOT_CALLS;
}

const struct bench_case bench_cases[] = {
    {"hot page, translate", hot_translate},
    {"hot page, read", hot_read},
    {"64K pages at random, translate", random_translate},
    {"64K pages at random, read", random_read},
    {"first touch", first_touch},
    {"invalidate a page", page_invalidation},
    {"invalidate a page of any size", any_size_invalidation},
    {"invalidate the only page in use", only_page_invalidation},
    {"invalidate 512 pages", many_pages_invalidation},
    {"invalidate everything", whole_invalidation},
    {"register write and read", register_access},
    /* Last: a unit that has seen threads without the big lock has waits wait for their DMA. */
    {"hot page, two threads", two_threads},
};
const size_t bench_cases_count = ARRAY_SIZE(bench_cases);

void bench_cases_prepare(void) {
    g_autoptr(GRand) random = g_rand_new_with_seed(1);

    for (uint32_t i = 0; i < BENCH_PAGES; i++) {
        shuffled[i] = i;
    }
    for (uint32_t i = BENCH_PAGES - 1; i; i--) {
        const uint32_t other = g_rand_int_range(random, 0, i + 1);
        const uint32_t page = shuffled[i];

        shuffled[i] = shuffled[other];
        shuffled[other] = page;
    }
}

void bench_subject_check(const struct bench_subject* subject) {
    RCU_READ_LOCK_GUARD();

    for (uint32_t page = 0; page < BENCH_PAGES; page++) {
        hwaddr offset;
        hwaddr length = 4;
        MemoryRegion* region =
            address_space_translate(subject->as, bench_page(page) + 8, &offset, &length, true, MEMTXATTRS_UNSPECIFIED);

        if (!memory_region_is_ram(region) || offset != bench_page(page) - BENCH_RAM_BASE + 8 || length != 4) {
            error_report("iommu-bench: %s does not translate page %u to itself", subject->name, page);
            exit(EXIT_FAILURE);
        }
    }
}
