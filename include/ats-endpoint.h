/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ats-endpoint: the C interface of a PCIe device that uses all that an IOMMU offers, and lies on request. The rules of
 * the border are those of iommu/capi.h; ats-endpoint-regs.h has the registers.
 */
#ifndef ATS_ENDPOINT_H
#define ATS_ENDPOINT_H

#include "iommu/capi.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ats_endpoint; /* one device; owned by the caller between create and destroy */

/* Bytes of BAR 0. */
#define ATS_ENDPOINT_BAR_SIZE 0x10000u

/* What BAR 0 is. */
enum ats_endpoint_personality {
    ATS_ENDPOINT_OWN = 0,  /* ats-endpoint-regs.h */
    ATS_ENDPOINT_IOAT = 1, /* one channel of Intel's DMA engine, driven by descriptors */
};

struct ats_endpoint_options {
    uint32_t size;            /* sizeof(struct ats_endpoint_options) */
    uint32_t atc_entries;     /* 1..1024 */
    uint64_t answer_delay_ns; /* from an Invalidate Request to its answer, until software says otherwise */
    uint32_t personality;     /* enum ats_endpoint_personality */
    uint32_t reserved;
};

/* Whose addresses are meant. */
enum ats_endpoint_space {
    ATS_ENDPOINT_PHYSICAL = 0, /* what a unit answered */
    ATS_ENDPOINT_BUS = 1,      /* the device's own: there is no unit */
};

/* The device's environment. Called with `opaque`, with no lock of the device held; none may be null. */
struct ats_endpoint_ports {
    uint32_t size; /* sizeof(struct ats_endpoint_ports) */
    void* opaque;

    /* The unit in front. What it answers counts until the call of *_continue or *_tick that asked has returned. */
    uint32_t (*requester)(void* opaque);
    /* False when there is none. */
    bool (*translate)(void* opaque, const struct iommu_request* request, struct iommu_reply* reply);
    void (*translation_request)(void* opaque, const struct iommu_request* request,
                                struct iommu_translation_completion* completion);
    void (*page_request)(void* opaque, const struct iommu_page_request* request);
    void (*invalidate_completed)(void* opaque, const struct iommu_invalidate_completion* completion);

    /* `space` is enum ats_endpoint_space. False when nothing answers at some of the addresses. */
    bool (*read)(void* opaque, uint32_t space, uint64_t address, void* to, size_t bytes);
    bool (*write)(void* opaque, uint32_t space, uint64_t address, const void* from, size_t bytes);
    /* Of 4 or 8 bytes, aligned: `*found` is what was there, and `desired` is stored if that was `expected`. */
    bool (*compare_exchange)(void* opaque, uint32_t space, uint64_t address, unsigned bytes, uint64_t expected,
                             uint64_t desired, uint64_t* found);

    void (*msix)(void* opaque, unsigned vector);
    /* Now, in nanoseconds of guest-visible (virtual) time. */
    uint64_t (*now_ns)(void* opaque);
    /* Call *_continue soon, not from inside this callback. */
    void (*kick)(void* opaque);
    /* *_deadline says another time than before: call *_tick at that time. */
    void (*deadline_changed)(void* opaque);
    /* *_pri_status says something else than before. */
    void (*pri_status_changed)(void* opaque);
};

void ats_endpoint_default_options(struct ats_endpoint_options* options, size_t size);
/* NULL when the options cannot be; then `why` holds one sentence. */
struct ats_endpoint* ats_endpoint_create(const struct ats_endpoint_options* options,
                                         const struct ats_endpoint_ports* ports, char* why, size_t why_size);
void ats_endpoint_destroy(struct ats_endpoint* device);
/* Any reset, also a Function Level Reset. Configuration space has to be told again. */
void ats_endpoint_reset(struct ats_endpoint* device);

/* BAR 0. `size` 4 or 8, with descriptors also 1 or 2, `offset` aligned to it; anything else reads 0 and writes
 * nothing. */
uint64_t ats_endpoint_read(const struct ats_endpoint* device, uint64_t offset, unsigned size);
void ats_endpoint_write(struct ats_endpoint* device, uint64_t offset, uint64_t value, unsigned size);
/* The endpoint's own registers from outside the guest, whatever BAR 0 is. */
uint64_t ats_endpoint_peek(const struct ats_endpoint* device, uint64_t offset, unsigned size);
void ats_endpoint_poke(struct ats_endpoint* device, uint64_t offset, uint64_t value, unsigned size);

/* Configuration space as it is after a write of software, by the 32-bit words of the capabilities. */
struct ats_endpoint_config {
    uint32_t size; /* sizeof(struct ats_endpoint_config) */
    uint32_t bus_master;
    uint32_t ats;            /* ATS capability and control */
    uint32_t pasid;          /* PASID capability and control */
    uint32_t pri;            /* page request control and status; RF, UPRGI and R as just written, else 0 */
    uint32_t pri_allocation; /* Outstanding Page Request Allocation */
};
void ats_endpoint_configure(struct ats_endpoint* device, const struct ats_endpoint_config* config);
/* Page Request Status: RF, UPRGI and Stopped. */
uint16_t ats_endpoint_pri_status(const struct ats_endpoint* device);
/* The device does not answer on the bus: configuration space reads all ones. */
bool ats_endpoint_away(const struct ats_endpoint* device);
/* CHANERR_INT of a device driven by descriptors, else 0; and what software writes there, ones to clear. */
uint32_t ats_endpoint_channel_errors(const struct ats_endpoint* device);
void ats_endpoint_clear_channel_errors(struct ats_endpoint* device, uint32_t ones);

/* Messages of the unit. */
void ats_endpoint_invalidate(struct ats_endpoint* device, const struct iommu_invalidate_request* request);
void ats_endpoint_respond(struct ats_endpoint* device, const struct iommu_page_response* response);
/* `action`: 0 retry, 1 abort, 2 discard. */
void ats_endpoint_resume(struct ats_endpoint* device, uint16_t stall_tag, unsigned action);

/* Goes on with work that a kick announced. */
void ats_endpoint_continue(struct ats_endpoint* device);
/* Until when the device waits for something, or IOMMU_NEVER; and that it is that late. */
uint64_t ats_endpoint_deadline(const struct ats_endpoint* device);
void ats_endpoint_tick(struct ats_endpoint* device);

#define ATS_ENDPOINT_STATE_WORDS 4096u
void ats_endpoint_save(const struct ats_endpoint* device, uint64_t words[ATS_ENDPOINT_STATE_WORDS]);
/* False when the words are not of a device with these options; it is then as after reset. */
bool ats_endpoint_load(struct ats_endpoint* device, const uint64_t words[ATS_ENDPOINT_STATE_WORDS], char* why,
                       size_t why_size);

/* The registers of the whole device, `index` from 0; false after the last. Names are in
 * lower case with dashes. */
struct ats_endpoint_register {
    char name[40];
    uint32_t offset;
    uint32_t size;
    uint32_t writable;
    const char* meaning;
};
bool ats_endpoint_describe_register(size_t index, struct ats_endpoint_register* info);

#ifdef __cplusplus
}
#endif

#endif /* ATS_ENDPOINT_H */
