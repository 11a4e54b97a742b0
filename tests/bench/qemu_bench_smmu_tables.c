/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu_bench_smmu_tables: a stream table, a context descriptor and translation tables for each mode of an SMMUv3; all
 * units are given the same.
 *
 * 4-level, 4 KiB pages, every address to itself: 48 bits in stage 1 and 44 in stage 2, which is all that QEMU's unit
 * has. Access flags are set.
 */
#include "tests/bench/qemu_bench.h"

#include "qemu/bswap.h"

#define TABLE_OR_PAGE 3u
#define ACCESS_FLAG (1u << 10)
#define STAGE1_LEAF (ACCESS_FLAG | 1u << 11 | 1u << 6 | TABLE_OR_PAGE) /* nG, AP[1]: unprivileged, read and write */
#define STAGE2_LEAF (ACCESS_FLAG | 3u << 6 | 15u << 2 | TABLE_OR_PAGE) /* S2AP, MemAttr: Normal */
#define LEVELS 4
#define ADDRESS_MASK 0x0000fffffffff000ull

#define STREAM_TABLE_PAGES 4u /* 256 STEs of 64 bytes */
#define SIZE_44_BITS 4ull     /* IPS, S2PS */

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

static void map_page(struct bench_tables* tables, hwaddr top, hwaddr page, unsigned leaf_bits) {
    hwaddr table = top;

    for (unsigned level = LEVELS; level > 1; level--) {
        const hwaddr entry = table + 8 * (page >> (3 + 9 * level) & 511);

        if (!peek(tables, entry)) {
            poke(tables, entry, bench_tables_page(tables) | TABLE_OR_PAGE);
        }
        table = peek(tables, entry) & ADDRESS_MASK;
    }
    poke(tables, table + 8 * (page >> 12 & 511), page | leaf_bits);
}

/* T0SZ=16; V, AA64, A and R set, TTB1 off; MAIR's first attribute is Normal, write-back. */
static void write_context_descriptor(struct bench_tables* tables, hwaddr cd, hwaddr stage1) {
    poke(tables, cd,
         16u | 1ull << 30 | 1ull << 31 | SIZE_44_BITS << 32 | 1ull << 41 | 1ull << 45 | 1ull << 46 |
             (uint64_t)BENCH_DOMAIN << 48);
    poke(tables, cd + 8, stage1);
    poke(tables, cd + 24, 0xff);
}

/* Config 5: stage 1, 6: stage 2, 7: both. S2T0SZ=20, S2SL0=2; S2AA64 and S2R set. */
static hwaddr stream_table(struct bench_tables* tables, unsigned config, hwaddr cd, hwaddr stage2) {
    const hwaddr table = tables->next;
    const hwaddr ste = table + 64 * BENCH_DEVFN;

    for (unsigned page = 0; page < STREAM_TABLE_PAGES; page++) {
        bench_tables_page(tables);
    }
    poke(tables, ste, 1u | config << 1 | cd);
    poke(tables, ste + 8, 1ull << 44);
    poke(tables, ste + 16, BENCH_DOMAIN | 20ull << 32 | 2ull << 38 | SIZE_44_BITS << 48 | 1ull << 51 | 1ull << 58);
    poke(tables, ste + 24, stage2);
    return table;
}

/* The stream tables first: a linear one is aligned to its size. */
void bench_tables_build(struct bench_tables* tables, uint8_t* ram) {
    const hwaddr stage1 = BENCH_TABLES + 3 * STREAM_TABLE_PAGES * BENCH_PAGE;
    const hwaddr stage2 = stage1 + BENCH_PAGE;
    const hwaddr cd = stage2 + BENCH_PAGE;

    *tables = (struct bench_tables){.ram = ram, .next = BENCH_TABLES};
    tables->root[BENCH_FIRST_STAGE] = stream_table(tables, 5, cd, stage2);
    tables->root[BENCH_SECOND_STAGE] = stream_table(tables, 6, 0, stage2);
    tables->root[BENCH_NESTED] = stream_table(tables, 7, cd, stage2);
    for (hwaddr page = stage1; page <= cd; page += BENCH_PAGE) {
        bench_tables_page(tables);
    }
    write_context_descriptor(tables, cd, stage1);
    for (uint32_t page = 0; page < BENCH_PAGES; page++) {
        map_page(tables, stage1, bench_page(page), STAGE1_LEAF);
        map_page(tables, stage2, bench_page(page), STAGE2_LEAF);
    }
    /* A nested walk finds the CD and stage 1's tables through stage 2. */
    for (hwaddr page = BENCH_TABLES; page < BENCH_TABLES + BENCH_TABLES_BYTES; page += BENCH_PAGE) {
        map_page(tables, stage2, page, STAGE2_LEAF);
    }
}
