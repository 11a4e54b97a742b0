/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * messages: see the header.
 */
#include "hw/qemu/messages.h"

#include "qemu/error-report.h"
#include "qemu/lockable.h"

static bool store(const struct message* message) {
    MemTxResult result;

    address_space_stl_le(&address_space_memory, message->address, message->data, MEMTXATTRS_UNSPECIFIED, &result);
    return result == MEMTX_OK;
}

/* Takes all that is waiting, so that nothing is sent with the lock held. */
static unsigned take_waiting(struct messages* messages, struct message taken[MESSAGES_WAITING_MAX]) {
    QEMU_LOCK_GUARD(&messages->lock);
    const unsigned count = messages->count;

    memcpy(taken, messages->waiting, count * sizeof *taken);
    messages->count = 0;
    return count;
}

static bool is_waiting(const struct messages* messages, const struct message* message) {
    for (unsigned i = 0; i < messages->count; i++) {
        if (messages->waiting[i].address == message->address && messages->waiting[i].data == message->data) {
            return true;
        }
    }
    return false;
}

static void add_waiting(struct messages* messages, const struct message* message) {
    QEMU_LOCK_GUARD(&messages->lock);

    if (is_waiting(messages, message)) {
        return;
    }
    if (messages->count == MESSAGES_WAITING_MAX) {
        warn_report_once("nested-iommu: more than %u interrupts wait to be sent; the newest is lost",
                         MESSAGES_WAITING_MAX);
        return;
    }
    messages->waiting[messages->count++] = *message;
}

static void send_in_main_loop(void* opaque) { messages_flush(opaque); }

void messages_init(struct messages* messages, MemReentrancyGuard* guard) {
    qemu_mutex_init(&messages->lock);
    messages->count = 0;
    messages->send_bh = qemu_bh_new_guarded(send_in_main_loop, messages, guard);
}

void messages_destroy(struct messages* messages) {
    qemu_bh_delete(messages->send_bh);
    qemu_mutex_destroy(&messages->lock);
}

bool messages_send(struct messages* messages, uint64_t address, uint32_t data) {
    const struct message message = {.address = address, .data = data};

    if (bql_locked()) {
        return store(&message);
    }
    add_waiting(messages, &message);
    qemu_bh_schedule(messages->send_bh);
    return true;
}

/* A store that nobody answers is the guest's own doing: the unit sends what the guest wrote into its registers. */
void messages_flush(struct messages* messages) {
    struct message taken[MESSAGES_WAITING_MAX];
    const unsigned count = take_waiting(messages, taken);

    for (unsigned i = 0; i < count; i++) {
        store(&taken[i]);
    }
}

void messages_drop(struct messages* messages) {
    QEMU_LOCK_GUARD(&messages->lock);

    messages->count = 0;
}
