/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu_bench_tables: one set of VT-d tables for each mode; units in the same mode are given the same tables.
 *
 * 4-level, 4 KiB pages, every address to itself. First-stage entries have their accessed and dirty bits set, as those
 * that Linux makes: nobody writes to the tables while they are measured.
 */
#include "tests/bench/qemu_bench.h"

#include "qemu/bswap.h"

#define PRESENT 1u
#define READ_WRITE 3u                  /* second stage: R and W; first stage: P and R/W */
#define FIRST_TABLE (READ_WRITE | 36u) /* U/S and A */
#define FIRST_LEAF (FIRST_TABLE | 64u) /* D */
#define WIDTH_48 2u                    /* AW of context and PASID entries */
#define LEVELS 4
#define ADDRESS_MASK 0x000ffffffffff000ull

static uint64_t peek(const struct bench_tables* tables, hwaddr address) { return ldq_le_p(tables->ram + address); }
static void poke(struct bench_tables* tables, hwaddr address, uint64_t value) {
    stq_le_p(tables->ram + address, value);
}

hwaddr bench_tables_page(struct bench_tables* tables) {
    const hwaddr page = tables->next;

    tables->next += BENCH_PAGE;
    g_assert(tables->next <= BENCH_TABLES + BENCH_TABLES_BYTES);
    memset(tables->ram + page, 0, BENCH_PAGE);
    return page;
}

static void map_page(struct bench_tables* tables, hwaddr top, hwaddr page, unsigned table_bits, unsigned leaf_bits) {
    hwaddr table = top;

    for (unsigned level = LEVELS; level > 1; level--) {
        const hwaddr entry = table + 8 * (page >> (3 + 9 * level) & 511);

        if (!peek(tables, entry)) {
            poke(tables, entry, bench_tables_page(tables) | table_bits);
        }
        table = peek(tables, entry) & ADDRESS_MASK;
    }
    poke(tables, table + 8 * (page >> 12 & 511), page | leaf_bits);
}

static void map_data(struct bench_tables* tables, hwaddr top, unsigned table_bits, unsigned leaf_bits) {
    for (uint32_t page = 0; page < BENCH_PAGES; page++) {
        map_page(tables, top, bench_page(page), table_bits, leaf_bits);
    }
}

static hwaddr legacy_root(struct bench_tables* tables, hwaddr second_stage) {
    const hwaddr root = bench_tables_page(tables);
    const hwaddr context_table = bench_tables_page(tables);
    const hwaddr entry = context_table + 16 * BENCH_DEVFN;

    poke(tables, root, context_table | PRESENT);
    poke(tables, entry, second_stage | PRESENT);
    poke(tables, entry + 8, BENCH_DOMAIN << 8 | WIDTH_48);
    return root;
}

/* PGTT in 8:6 of the PASID entry. RID_PASID is 0. */
static hwaddr scalable_root(struct bench_tables* tables, unsigned pgtt, hwaddr first_stage, hwaddr second_stage) {
    const hwaddr root = bench_tables_page(tables);
    const hwaddr context_table = bench_tables_page(tables);
    const hwaddr directory = bench_tables_page(tables);
    const hwaddr pasid_entry = bench_tables_page(tables);

    poke(tables, root, context_table | PRESENT);
    poke(tables, context_table + 32 * BENCH_DEVFN, directory | PRESENT);
    poke(tables, directory, pasid_entry | PRESENT);
    poke(tables, pasid_entry, second_stage | pgtt << 6 | WIDTH_48 << 2 | PRESENT);
    poke(tables, pasid_entry + 8, BENCH_DOMAIN);
    poke(tables, pasid_entry + 16, first_stage);
    return root;
}

void bench_tables_build(struct bench_tables* tables, uint8_t* ram) {
    hwaddr first_stage;
    hwaddr second_stage;

    *tables = (struct bench_tables){.ram = ram, .next = BENCH_TABLES};
    first_stage = bench_tables_page(tables);
    second_stage = bench_tables_page(tables);
    map_data(tables, first_stage, FIRST_TABLE, FIRST_LEAF);
    map_data(tables, second_stage, READ_WRITE, READ_WRITE);
    /* A nested walk finds the first stage's tables through the second stage. */
    for (hwaddr page = BENCH_TABLES; page < BENCH_TABLES + BENCH_TABLES_BYTES; page += BENCH_PAGE) {
        map_page(tables, second_stage, page, READ_WRITE, READ_WRITE);
    }
    tables->root[BENCH_LEGACY] = legacy_root(tables, second_stage);
    tables->root[BENCH_FIRST_STAGE] = scalable_root(tables, 1, first_stage, 0);
    tables->root[BENCH_NESTED] = scalable_root(tables, 3, first_stage, second_stage);
}
