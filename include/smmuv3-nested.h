/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * smmuv3-nested: the C interface of the SMMUv3 unit. iommu/capi.h tells the rules of the border; calls mean what their
 * namesakes in vtd-nested.h mean.
 */
#ifndef SMMUV3_NESTED_H
#define SMMUV3_NESTED_H

#include "iommu/capi.h"

#ifdef __cplusplus
extern "C" {
#endif

struct smmuv3_nested; /* one unit; owned by the caller between create and destroy */

/* Bytes of the register frame: two pages of 64 KiB. */
#define SMMUV3_NESTED_REGISTERS_SIZE 0x20000u

/* Leaves a field to the unit: its default, or off when something it needs is off. */
#define SMMUV3_NESTED_AUTO 0xffu

/* Capabilities, by the names of the fields of IDR0, IDR1, IDR3 and IDR5 in lower case, with the registers' encodings.
 */
struct smmuv3_nested_config {
    uint32_t size;                  /* sizeof(struct smmuv3_nested_config) */
    uint32_t iotlb_entries;         /* power of two, 64..1048576 */
    uint32_t invalidate_timeout_ms; /* how long a device may take to answer an Invalidate Request; 1 and more */
    uint8_t s1p;                    /* stage 1 */
    uint8_t s2p;                    /* stage 2 */
    uint8_t httu;                   /* 0 none, 1 access flag, 2 and dirty state */
    uint8_t hyp;                    /* EL2 contexts */
    uint8_t asid16;                 /* 16-bit ASIDs */
    uint8_t msi;                    /* message-signalled interrupts */
    uint8_t sev;                    /* CMD_SYNC may ask for an event */
    uint8_t vmw;                    /* VMID wildcards */
    uint8_t vmid16;                 /* 16-bit VMIDs */
    uint8_t cd2l;                   /* two-level CD tables */
    uint8_t stall_model;            /* 0 stall and terminate, 1 terminate, 2 stall always */
    uint8_t term_model;             /* 1: a terminated transaction always aborts */
    uint8_t st_level;               /* 1: two-level stream tables */
    uint8_t ats;                    /* translation requests, translated transactions, CMD_ATC_INV */
    uint8_t ns1ats;                 /* 1: split-stage ATS is not there */
    uint8_t atsrecerr;              /* CR2.REC_CFG_ATS */
    uint8_t pri;                    /* page requests */
    uint8_t sidsize;                /* bits of a StreamID, 0..32 */
    uint8_t ssidsize;               /* bits of a SubstreamID, 0..20 */
    uint8_t eventqs;                /* log2 of the largest event queue, 0..19 */
    uint8_t cmdqs;                  /* log2 of the largest command queue, 1..19 */
    uint8_t priqs;                  /* log2 of the largest PRI queue, 0..19 */
    uint8_t attr_perms_ovr;         /* PRIVCFG and INSTCFG work */
    uint8_t attr_types_ovr;         /* memory attribute overrides work */
    uint8_t had;                    /* hierarchical attributes can be disabled */
    uint8_t xnx;                    /* two-bit execute-never in stage 2 */
    uint8_t fwb;                    /* STE.S2FWB */
    uint8_t stt;                    /* small translation tables */
    uint8_t ril;                    /* range invalidation */
    uint8_t bbml;                   /* break-before-make level, 0..2 */
    uint8_t e0pd;                   /* unprivileged access to a half can be closed */
    uint8_t ptwnnc;                 /* walks to Device memory are Normal-NC */
    uint8_t pps;                    /* automatic page responses have the PASID; STE.PPAR is ignored */
    uint8_t pasidtt;                /* PASIDs of translated transactions count */
    uint8_t oas;                    /* output size: 0 32, 1 36, 2 40, 3 42, 4 44, 5 48, 6 52 bits */
    uint8_t gran4k;
    uint8_t gran16k;
    uint8_t gran64k;
    uint8_t ds;        /* 52-bit addresses with 4K and 16K */
    uint8_t vax;       /* bits of VA per table: 0 48, 1 52 */
    uint8_t stall_max; /* transactions that may be stalled at one time, 0..254 */
    uint8_t reserved[3];
};

/* Beyond struct iommu_ports: what only this unit needs of its environment. */
enum smmuv3_nested_line {
    SMMUV3_NESTED_LINE_EVENTQ = 0,
    SMMUV3_NESTED_LINE_PRIQ = 1,
    SMMUV3_NESTED_LINE_CMD_SYNC = 2,
    SMMUV3_NESTED_LINE_GERROR = 3,
};
struct smmuv3_nested_ports {
    uint32_t size; /* sizeof(struct smmuv3_nested_ports) */
    struct iommu_ports base;
    /* An edge on a wired interrupt (enum smmuv3_nested_line). Any thread. */
    void (*pulse)(void* opaque, unsigned line);
    /* Software decided about a stalled transaction (enum iommu_stall_action). May be null: nothing here can stall. */
    void (*resume)(void* opaque, uint32_t stream, uint16_t stall_tag, unsigned action);
};

void smmuv3_nested_default_config(struct smmuv3_nested_config* config, size_t size);
bool smmuv3_nested_settle_config(struct smmuv3_nested_config* config, char* why, size_t why_size);

struct smmuv3_nested* smmuv3_nested_create(const struct smmuv3_nested_config* config,
                                           const struct smmuv3_nested_ports* ports, char* why, size_t why_size);
void smmuv3_nested_destroy(struct smmuv3_nested* unit);
void smmuv3_nested_reset(struct smmuv3_nested* unit);
void smmuv3_nested_set_ram(struct smmuv3_nested* unit, const struct iommu_ram_range* ranges, size_t count);

/* Register frame. `size` 4 or 8, `offset` aligned to it; anything else reads 0 and writes nothing. */
uint64_t smmuv3_nested_read(struct smmuv3_nested* unit, uint64_t offset, unsigned size);
void smmuv3_nested_write(struct smmuv3_nested* unit, uint64_t offset, uint64_t value, unsigned size);

/* `request->requester` is the StreamID, `pasid` the SubstreamID. Lock-free when the translation is cached. */
void smmuv3_nested_translate(struct smmuv3_nested* unit, const struct iommu_request* request,
                             struct iommu_reply* reply);

/* ATS and PRI; iommu/capi.h has the messages. */

/* `request->kind` is IOMMU_REQUEST_TRANSLATION. */
void smmuv3_nested_translation_request(struct smmuv3_nested* unit, const struct iommu_request* request,
                                       struct iommu_translation_completion* completion);
/* A device's answer to the `invalidate` callback. */
void smmuv3_nested_invalidate_completed(struct smmuv3_nested* unit,
                                        const struct iommu_invalidate_completion* completion);
void smmuv3_nested_page_request(struct smmuv3_nested* unit, const struct iommu_page_request* request);
/* Until when the unit waits for something, in nanoseconds of virtual time, or IOMMU_NEVER; and that it is that late. */
uint64_t smmuv3_nested_deadline(const struct smmuv3_nested* unit);
void smmuv3_nested_tick(struct smmuv3_nested* unit);

/* An answer to the `drain` callback. Late ones, and those that were given already, do no harm. */
void smmuv3_nested_drained(struct smmuv3_nested* unit, uint64_t ticket);

void smmuv3_nested_continue(struct smmuv3_nested* unit);

void smmuv3_nested_counters(const struct smmuv3_nested* unit, struct iommu_counters* counters);
void smmuv3_nested_set_trace(struct smmuv3_nested* unit, uint32_t trace_classes);

#define SMMUV3_NESTED_STATE_WORDS 2048u
void smmuv3_nested_save(const struct smmuv3_nested* unit, uint64_t words[SMMUV3_NESTED_STATE_WORDS]);
bool smmuv3_nested_load(struct smmuv3_nested* unit, const uint64_t words[SMMUV3_NESTED_STATE_WORDS], char* why,
                        size_t why_size);

#ifdef __cplusplus
}
#endif

#endif /* SMMUV3_NESTED_H */
