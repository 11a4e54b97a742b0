/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * dma-drain: see the header.
 */
#include "hw/qemu/dma-drain.h"

#include "hw/core/cpu.h"
#include "qemu/rcu.h"
#include "system/tcg.h"

/* Host time between two nudges: a grace period is over in less when nothing keeps it. */
#define FIRST_NUDGE_NS 50000
#define LONGEST_NUDGE_NS 10000000

static void* wait_for_dma(void* opaque) {
    struct dma_drain* drain = opaque;

    for (;;) {
        uint64_t ticket;

        qemu_event_wait(&drain->work);
        qemu_event_reset(&drain->work);
        ticket = qatomic_load_acquire(&drain->asked);
        if (ticket == drain->ended) {
            continue; /* it was seen already when the last one was looked at */
        }
        synchronize_rcu();
        qatomic_store_release(&drain->ended, ticket);
        qemu_bh_schedule(drain->report_bh);
    }
    return NULL;
}

static void set_nudge(struct dma_drain* drain) {
    timer_mod(drain->nudge, qemu_clock_get_ns(QEMU_CLOCK_REALTIME) + drain->nudge_ns);
}

static void nudge(void* opaque) {
    struct dma_drain* drain = opaque;
    CPUState* cpu;

    if (qatomic_read(&drain->ended) == drain->asked) {
        return;
    }
    CPU_FOREACH(cpu) { qemu_cpu_kick(cpu); }
    drain->nudge_ns = MIN(2 * drain->nudge_ns, LONGEST_NUDGE_NS);
    set_nudge(drain);
}

void dma_drain_init(struct dma_drain* drain, QEMUBH* report_bh) {
    *drain = (struct dma_drain){.report_bh = report_bh};
    qemu_event_init(&drain->work, false);
    drain->nudge = timer_new_ns(QEMU_CLOCK_REALTIME, nudge, drain);
}

void dma_drain_destroy(struct dma_drain* drain) {
    timer_free(drain->nudge);
    qemu_event_destroy(&drain->work);
}

void dma_drain_start(struct dma_drain* drain, uint64_t ticket) {
    if (!drain->started) {
        drain->started = true;
        qemu_thread_create(&drain->thread, "dma-drain", wait_for_dma, drain, QEMU_THREAD_DETACHED);
    }
    qatomic_store_release(&drain->asked, ticket);
    qemu_event_set(&drain->work);
    if (tcg_enabled()) {
        drain->nudge_ns = FIRST_NUDGE_NS;
        set_nudge(drain);
    }
}

uint64_t dma_drain_take(struct dma_drain* drain) {
    const uint64_t ended = qatomic_load_acquire(&drain->ended);

    if (ended == drain->taken) {
        return 0;
    }
    drain->taken = ended;
    return ended;
}
