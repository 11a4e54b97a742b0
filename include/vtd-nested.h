/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * vtd-nested: the C interface of the VT-d unit. iommu/capi.h tells the rules of the border.
 *
 *     char why[256];
 *     struct vtd_nested_config config;
 *     vtd_nested_default_config(&config, sizeof config);
 *     struct vtd_nested *unit = vtd_nested_create(&config, &ports, why, sizeof why);
 *     if (!unit) ... `why` is one sentence for the user
 */
#ifndef VTD_NESTED_H
#define VTD_NESTED_H

#include "iommu/capi.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vtd_nested; /* one unit; owned by the caller between create and destroy */

/* Bytes of the register page. */
#define VTD_NESTED_REGISTERS_SIZE 0x1000u

/* Capabilities, by the names of CAP, ECAP and VER in lower case. 0/1 unless a comment says otherwise.
 * Encoded fields hold the encoding of the register (so `mgaw` is the width minus 1).
 *
 * VTD_NESTED_AUTO leaves a field to the unit: it takes its default, or is off when something it needs is off. A field
 * that was asked for and cannot be is refused. */
#define VTD_NESTED_AUTO 0xffu
struct vtd_nested_config {
    uint32_t size;  /* sizeof(struct vtd_nested_config) */
    uint8_t ver;    /* register value: major 7:4, minor 3:0 */
    uint8_t haw;    /* host address width in bits: what the DMAR table reports, 39..52 */
    uint8_t nd;     /* domain-id width: 2^(4+2*nd) domains, 0..6 */
    uint8_t rwbf;   /* software must flush the write buffer */
    uint8_t plmr;   /* protected low-memory region */
    uint8_t phmr;   /* protected high-memory region */
    uint8_t cm;     /* caching mode */
    uint8_t sagaw;  /* bit 1: 39 bits, bit 2: 48 bits, bit 3: 57 bits */
    uint8_t mgaw;   /* maximum guest address width minus 1 */
    uint8_t zlr;    /* zero-length reads to write-only pages */
    uint8_t sslps;  /* bit 0: 2 MiB, bit 1: 1 GiB second-stage pages */
    uint8_t psi;    /* page-selective invalidation of second stages */
    uint8_t nfr;    /* fault recording registers minus 1, 0..31 */
    uint8_t mamv;   /* largest address mask for it, 0..63 */
    uint8_t dwd;    /* write draining */
    uint8_t drd;    /* read draining */
    uint8_t fs1gp;  /* 1 GiB first-stage pages */
    uint8_t fs5lp;  /* 5-level first stage */
    uint8_t esrtps; /* setting the root table pointer invalidates */
    uint8_t c;      /* coherent table walks in legacy mode */
    uint8_t qi;     /* queued invalidation */
    uint8_t pt;     /* pass-through */
    uint8_t sc;     /* snoop control */
    uint8_t nest;   /* nested translation */
    uint8_t srs;    /* supervisor requests */
    uint8_t eafs;   /* extended-accessed flag */
    uint8_t pss;    /* PASID width minus 1 */
    uint8_t pasid;  /* requests with PASID */
    uint8_t smts;   /* scalable mode */
    uint8_t ssads;  /* second-stage accessed/dirty */
    uint8_t ssts;   /* second stage in scalable mode */
    uint8_t fsts;   /* first stage in scalable mode */
    uint8_t smpwcs; /* scalable-mode walks can snoop */
    uint8_t rps;    /* RID_PASID field */
    uint8_t adms;   /* abort-DMA mode */
    uint8_t rprivs; /* RID_PRIV field */
    uint8_t dt;     /* device-TLBs */
    uint8_t dit;    /* device-TLB invalidations throttled per physical function */
    uint8_t nwfs;   /* no-write flag of translation requests */
    uint8_t prs;    /* page requests */
    uint8_t pds;    /* page-request drain */
    uint8_t reserved[2];
    uint32_t iotlb_entries;         /* power of two, 64..1048576 */
    uint32_t invalidate_timeout_ms; /* how long a device may take to answer an Invalidate Request; 1 and more */
};

/* All fields left to the unit: what a current server part offers, as far as it is built. */
void vtd_nested_default_config(struct vtd_nested_config* config, size_t size);
/* Replaces VTD_NESTED_AUTO by what *_create would take. False when it would refuse; then `why` is the sentence. */
bool vtd_nested_settle_config(struct vtd_nested_config* config, char* why, size_t why_size);

/* NULL when the configuration cannot be; then `why` holds one sentence that names the fields. */
struct vtd_nested* vtd_nested_create(const struct vtd_nested_config* config, const struct iommu_ports* ports, char* why,
                                     size_t why_size);
void vtd_nested_destroy(struct vtd_nested* unit);

/* Power-on state. Caches are dropped; listeners are told by unmap and gate_changed. */
void vtd_nested_reset(struct vtd_nested* unit);

/* The guest's RAM from now on; replaces what was told before. The caller keeps the memory behind `host` readable until
 * every *_translate that began before the call has returned. Ranges past the 512th are not used. */
void vtd_nested_set_ram(struct vtd_nested* unit, const struct iommu_ram_range* ranges, size_t count);

/* Register page. `size` 4 or 8, `offset` aligned to it; anything else reads 0 and writes nothing. */
uint64_t vtd_nested_read(struct vtd_nested* unit, uint64_t offset, unsigned size);
void vtd_nested_write(struct vtd_nested* unit, uint64_t offset, uint64_t value, unsigned size);

/* One DMA request. Lock-free when the translation is cached. */
void vtd_nested_translate(struct vtd_nested* unit, const struct iommu_request* request, struct iommu_reply* reply);

/* An access without PASID to 0xFEE0_0000..0xFEEF_FFFF, which is never address-translated. [VTD 3.14]
 * Returns true when it is an interrupt message that the caller must deliver as it is. */
bool vtd_nested_interrupt_access(struct vtd_nested* unit, const struct iommu_request* request, unsigned size);

/* ATS and PRI; iommu/capi.h has the messages. */

/* `request->kind` is IOMMU_REQUEST_TRANSLATION. */
void vtd_nested_translation_request(struct vtd_nested* unit, const struct iommu_request* request,
                                    struct iommu_translation_completion* completion);
/* A device's answer to the `invalidate` callback. */
void vtd_nested_invalidate_completed(struct vtd_nested* unit, const struct iommu_invalidate_completion* completion);
void vtd_nested_page_request(struct vtd_nested* unit, const struct iommu_page_request* request);
/* Until when the unit waits for something, in nanoseconds of virtual time, or IOMMU_NEVER; and that it is that late. */
uint64_t vtd_nested_deadline(const struct vtd_nested* unit);
void vtd_nested_tick(struct vtd_nested* unit);

/* An answer to the `drain` callback. Late ones, and those that were given already, do no harm. */
void vtd_nested_drained(struct vtd_nested* unit, uint64_t ticket);

/* Goes on with queue work that a kick announced. */
void vtd_nested_continue(struct vtd_nested* unit);

void vtd_nested_counters(const struct vtd_nested* unit, struct iommu_counters* counters);
void vtd_nested_set_trace(struct vtd_nested* unit, uint32_t trace_classes);

/* Everything the guest can see and everything latched, as 64-bit words. Caches are not part of it. */
#define VTD_NESTED_STATE_WORDS 1024u
void vtd_nested_save(const struct vtd_nested* unit, uint64_t words[VTD_NESTED_STATE_WORDS]);
/* False when the words do not fit this unit's capabilities; then `why` says which, and the unit is as after reset.
 * Queue work that was under way is announced by kick. */
bool vtd_nested_load(struct vtd_nested* unit, const uint64_t words[VTD_NESTED_STATE_WORDS], char* why, size_t why_size);

/* CAP and ECAP as the guest reads them. */
uint64_t vtd_nested_cap(const struct vtd_nested* unit);
uint64_t vtd_nested_ecap(const struct vtd_nested* unit);

#ifdef __cplusplus
}
#endif

#endif /* VTD_NESTED_H */
