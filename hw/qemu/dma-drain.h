/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * dma-drain: tells when DMA that is under way has ended.
 *
 * QEMU translates and copies in one RCU read section. So all DMA that had been translated when a grace period began has
 * been copied when it is over. A thread of ours waits for it: nobody may do that under the big lock, since processors
 * wait for that lock inside such sections. What a device has mapped, and copies later, is in no section; QEMU does not
 * say when it is done.
 *
 * A processor that QEMU emulates (TCG) is inside a section as long as it runs the guest's code, which may be a loop
 * until just the word is written that is held back here. So it is made to leave that code now and then meanwhile.
 *
 * All calls are made under the big lock.
 */
#ifndef NESTED_IOMMU_QEMU_DMA_DRAIN_H
#define NESTED_IOMMU_QEMU_DMA_DRAIN_H

#include "hw/qemu/compat.h"
#include "qemu/main-loop.h"
#include "qemu/thread.h"
#include "qemu/timer.h"

struct dma_drain {
    QEMUBH* report_bh;
    bool started; /* the thread, which then lives as long as QEMU: so does a unit that has seen DMA */
    QemuThread thread;
    QemuEvent work;
    uint64_t asked; /* tickets, the newest; they only grow */
    uint64_t ended;
    uint64_t taken;
    QEMUTimer* nudge;
    int64_t nudge_ns;
};

/* `report_bh` runs when there may be something to take. */
void dma_drain_init(struct dma_drain* drain, QEMUBH* report_bh);
void dma_drain_destroy(struct dma_drain* drain); /* one that was never started */

void dma_drain_start(struct dma_drain* drain, uint64_t ticket);
/* The newest ticket of which the DMA has ended; 0 when that was taken before. */
uint64_t dma_drain_take(struct dma_drain* drain);

#endif /* NESTED_IOMMU_QEMU_DMA_DRAIN_H */
