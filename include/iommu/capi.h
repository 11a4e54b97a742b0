/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * capi: what the C interfaces of all units share. Plain C, fixed width.
 *
 * A unit is an opaque object that is given its environment (`struct iommu_ports`) at creation and then driven by calls:
 * register reads and writes, translations, interrupt-range accesses, reset, save, load. Nothing else goes in, and only
 * the ports go out. No memory changes owner across this border; every struct that may grow starts with its `size`, and
 * a size that the library does not know is refused.
 *
 * Threads: `*_translate` may be called from any number of threads at once, at any time between create and destroy. All
 * other calls may also come from any thread; they take the unit's lock inside. Ports are called with no lock of the
 * unit held, so a port may call the unit again, with one exception that is named below.
 */
#ifndef IOMMU_CAPI_H
#define IOMMU_CAPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A request without PASID. */
#define IOMMU_NO_PASID UINT32_MAX

enum iommu_request_kind {
    IOMMU_REQUEST_UNTRANSLATED = 0, /* ordinary DMA */
    IOMMU_REQUEST_DEBUG = 1,        /* a look at the tables: no record, no accessed/dirty update, no cache fill */
    IOMMU_REQUEST_TRANSLATION = 2,  /* ATS: to *_translation_request only. READ, and WRITE unless NW */
    IOMMU_REQUEST_TRANSLATED = 3,   /* ATS: `iova` is an address that a translation request was given */
};

enum iommu_request_flags {
    IOMMU_REQUEST_READ = 1u << 0,
    IOMMU_REQUEST_WRITE = 1u << 1,       /* with READ: an atomic */
    IOMMU_REQUEST_PRIVILEGED = 1u << 2,  /* only meaningful with a PASID */
    IOMMU_REQUEST_EXECUTE = 1u << 3,     /* only meaningful with a PASID */
    IOMMU_REQUEST_ZERO_LENGTH = 1u << 4, /* a read of no bytes */
    IOMMU_REQUEST_CAN_STALL = 1u << 5,   /* the requester can wait for an answer that comes later */
};

struct iommu_request {
    uint32_t requester; /* source id: bus 15:8, device 7:3, function 2:0 */
    uint32_t pasid;     /* 20 bits, or IOMMU_NO_PASID */
    uint64_t iova;
    uint32_t kind;  /* enum iommu_request_kind */
    uint32_t flags; /* enum iommu_request_flags */
};

enum iommu_outcome {
    IOMMU_TRANSLATED = 0,
    IOMMU_BLOCKED = 1,   /* writes are dropped, reads see an unsupported request; already recorded where that is due */
    IOMMU_DISCARDED = 2, /* the requester sees success; writes are dropped, reads are zeros */
    IOMMU_STALLED = 3,   /* held; the answer comes by `stall_tag`. Only with IOMMU_REQUEST_CAN_STALL */
};

struct iommu_reply {
    uint32_t outcome; /* enum iommu_outcome */
    uint32_t rights;  /* IOMMU_REQUEST_READ | IOMMU_REQUEST_WRITE that may be used without asking again */
    uint64_t address; /* translated address of request.iova, offset included */
    uint32_t
        page_log2;   /* the answer holds for the naturally aligned block of 2^page_log2 bytes around iova; up to 64 */
    uint32_t reason; /* fault reason or event when not translated, 0 when none */
    uint32_t stall_tag; /* when stalled */
    uint32_t reserved;
};

/* ATS and PRI: the messages between a unit and a device with translations of its own. */

/* Rights are IOMMU_REQUEST_READ | _WRITE | _EXECUTE. */
enum iommu_completion_status {
    IOMMU_COMPLETION_SUCCESS = 0,
    IOMMU_COMPLETION_UNSUPPORTED_REQUEST = 1,
    IOMMU_COMPLETION_COMPLETER_ABORT = 2,
};
enum iommu_completion_flags {
    IOMMU_COMPLETION_PRIVILEGED = 1u << 0,        /* the rights are those of privileged accesses */
    IOMMU_COMPLETION_GLOBAL = 1u << 1,            /* in every address space of the device */
    IOMMU_COMPLETION_UNTRANSLATED_ONLY = 1u << 2, /* U */
    IOMMU_COMPLETION_NO_SNOOP = 1u << 3,          /* N */
};
/* The answer to a translation request; all but `status` and `reason` mean something with SUCCESS only. */
struct iommu_translation_completion {
    uint32_t status;    /* enum iommu_completion_status */
    uint32_t rights;    /* 0: nothing may be kept, the device may ask for the page */
    uint64_t address;   /* of the request's own byte */
    uint32_t page_log2; /* holds for the naturally aligned block of 2^page_log2 bytes */
    uint32_t flags;     /* enum iommu_completion_flags */
    uint32_t reason;    /* fault reason or event, 0 when none */
    uint32_t reserved;
};

struct iommu_invalidate_request {
    uint32_t requester; /* the device it is for */
    uint32_t pasid;     /* 20 bits, or IOMMU_NO_PASID */
    uint64_t first;     /* a naturally aligned block of untranslated addresses, both ends inside */
    uint64_t last;
    uint32_t itag;   /* 0..31 */
    uint32_t global; /* 1: of every PASID; `pasid` is then 0 or what was in the prefix */
};

struct iommu_invalidate_completion {
    uint32_t requester;   /* who answers */
    uint32_t itag_vector; /* a bit for each ITag that this answers */
    uint32_t count;       /* how many such messages answer each of them, 1..8 */
    uint32_t reserved;
};

struct iommu_page_request {
    uint32_t requester;
    uint32_t pasid;   /* 20 bits, or IOMMU_NO_PASID */
    uint64_t address; /* of the 4-KiB page */
    uint32_t index;   /* Page Request Group Index, 9 bits */
    uint32_t flags;   /* IOMMU_REQUEST_READ, _WRITE, _EXECUTE, _PRIVILEGED */
    uint32_t last;    /* 1: of its group */
    uint32_t reserved;
};

struct iommu_page_response {
    uint32_t requester;
    uint32_t pasid; /* 20 bits, or IOMMU_NO_PASID */
    uint32_t index;
    uint32_t code; /* 0 success, 1 invalid request, 15 response failure */
};

/* No deadline. */
#define IOMMU_NEVER UINT64_MAX

/* What software decided about a stalled request. */
enum iommu_stall_action {
    IOMMU_STALL_RETRY = 0,
    IOMMU_STALL_ABORT = 1,
    IOMMU_STALL_DISCARD = 2, /* reads are zeros, writes are dropped */
};

/* A stretch of guest RAM that may be read and written through `host`. Ascending, no overlaps. */
struct iommu_ram_range {
    uint64_t address; /* guest-physical */
    uint64_t size;    /* bytes */
    void* host;
};

/* What a device-side copy of translations (vhost, virtio with ats=on) must forget. Inclusive range. */
struct iommu_unmap {
    uint32_t every_requester; /* 1: `requester` means nothing */
    uint32_t requester;
    uint64_t first;
    uint64_t last;
};

/* Classes of trace lines; a bit set. */
enum iommu_trace_class {
    IOMMU_TRACE_FAULT = 1u << 0,        /* one line per recorded or suppressed fault */
    IOMMU_TRACE_REGISTER = 1u << 1,     /* one line per register write that means something */
    IOMMU_TRACE_INVALIDATION = 1u << 2, /* one line per executed invalidation command */
    IOMMU_TRACE_QUEUE = 1u << 3,        /* queue errors, waits, completion */
    IOMMU_TRACE_TRANSLATION = 1u << 4,  /* one line per translation that missed the cache */
    IOMMU_TRACE_INTERRUPT = 1u << 5,    /* messages sent by the unit itself */
};

/* The unit's whole environment. Called with `opaque`; none may be null. */
struct iommu_ports {
    uint32_t size; /* sizeof(struct iommu_ports) */
    void* opaque;

    /* The bytes at guest-physical `address` were just changed through a host pointer. May be called from any thread
     * that translates, under the unit's lock: must not call the unit. */
    void (*written)(void* opaque, uint64_t address, uint64_t size);
    /* Send a message-signalled interrupt: a 4-byte store of `data` to `address`. Any thread. False when it is known
     * that nothing is there. */
    bool (*send_msi)(void* opaque, uint64_t address, uint32_t data);
    /* Whether anybody has to be told to forget translations. May be called under the unit's lock: must not call the
     * unit. */
    bool (*listening)(void* opaque);
    /* Forget translations; returns when the holders have forgotten. */
    void (*unmap)(void* opaque, const struct iommu_unmap* what);
    /* Whether translation is on (or all is blocked): requests must be given to *_translate. Called when that changes.
     */
    void (*gate_changed)(void* opaque, bool translating);
    /* There is queue work left: call *_continue soon, not from inside this callback. */
    void (*kick)(void* opaque);
    /* Now, in nanoseconds of guest-visible (virtual) time. */
    uint64_t (*now_ns)(void* opaque);
    /* *_deadline says another time than before: call *_tick at that time. */
    void (*deadline_changed)(void* opaque);
    /* To a device with a device TLB. It answers by *_invalidate_completed, from inside this callback, later, or never.
     */
    void (*invalidate)(void* opaque, const struct iommu_invalidate_request* request);
    /* To a device that asked for pages. */
    void (*respond)(void* opaque, const struct iommu_page_response* response);
    /* Whether DMA of the calling thread keeps out all calls but *_translate until it is over: QEMU's big lock. Called
     * by *_translate, the first time that a thread asks and whenever it does not ask for what it was answered last. */
    bool (*keeps_out)(void* opaque);
    /* A wait is about to complete. False when no DMA is under way that was translated before this call; or else true,
     * and *_drained is called with the ticket when all of that is over. Not called while every thread that translates
     * keeps others out. */
    bool (*drain)(void* opaque, uint64_t ticket);
    /* One line, no newline at the end, of one of the enabled classes. */
    void (*trace)(void* opaque, uint32_t trace_class, const char* line);
};

struct iommu_counters {
    uint32_t size; /* in: sizeof(struct iommu_counters) */
    uint32_t reserved;
    uint64_t translations;  /* answered requests, hits and misses, pass-through included */
    uint64_t hits;          /* answered from the IOTLB (or by pass-through) with no table read */
    uint64_t misses;        /* needed a walk */
    uint64_t faults;        /* blocked requests */
    uint64_t recorded;      /* faults that reached a fault recording register */
    uint64_t invalidations; /* invalidation commands carried out, registers and queue */
    uint64_t waits;         /* completed invalidation waits */
    uint64_t queue_errors;
    uint64_t messages;               /* interrupts sent by the unit itself */
    uint64_t timeouts;               /* Invalidate Requests that a device did not answer in time */
    uint64_t unexpected_completions; /* answers of devices that fit no Invalidate Request */
    uint64_t drains;                 /* waits that had to wait for DMA under way */
};

#ifdef __cplusplus
}
#endif

#endif /* IOMMU_CAPI_H */
