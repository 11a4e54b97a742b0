/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * messages: message-signalled interrupts that a unit sends itself.
 *
 * A message is a 4-byte store to the system address space, where the interrupt controllers need the big lock. A thread
 * that holds it sends at once, in order with what the guest does. Others, I/O threads in a translation, leave the
 * message to the main loop. Only messages of which an equal one is waiting already are dropped: interrupts merge the
 * same way in the guest's interrupt controller. The few distinct messages that a unit's registers can hold at one time
 * bound the queue.
 */
#ifndef NESTED_IOMMU_QEMU_MESSAGES_H
#define NESTED_IOMMU_QEMU_MESSAGES_H

#include "hw/qemu/compat.h"
#include "qemu/main-loop.h"
#include "qemu/thread.h"

#define MESSAGES_WAITING_MAX 64u

struct message {
    uint64_t address;
    uint32_t data;
};

struct messages {
    QemuMutex lock;
    QEMUBH* send_bh;
    unsigned count;
    struct message waiting[MESSAGES_WAITING_MAX];
};

void messages_init(struct messages* messages, MemReentrancyGuard* guard);
void messages_destroy(struct messages* messages);

/* Any thread. False when nobody answered; a message that waits for the main loop counts as answered. */
bool messages_send(struct messages* messages, uint64_t address, uint32_t data);

/* Under the big lock: sends what is waiting, or forgets it. */
void messages_flush(struct messages* messages);
void messages_drop(struct messages* messages);

#endif /* NESTED_IOMMU_QEMU_MESSAGES_H */
