/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * trace: how a unit's trace lines are chosen and where they go.
 *
 * The classes of iommu/capi.h are chosen by name, `fault+queue` or `all`, in a property of the device; or by QEMU's own
 * `-trace` option and `trace-event` monitor command, for which each class of a device is an event of its own. Either
 * way the lines go to QEMU's log, which is a file with `-D` and stderr else.
 */
#ifndef NESTED_IOMMU_QEMU_TRACE_H
#define NESTED_IOMMU_QEMU_TRACE_H

#include "hw/qemu/compat.h"
#include "iommu/capi.h"
#include "trace/control.h"

#define TRACE_CLASSES_COUNT 6u

/* Names of classes, joined by '+', to a set of enum iommu_trace_class, and back; the caller frees the text. */
bool trace_classes_parse(const char* names, uint32_t* classes, Error** errp);
char* trace_classes_print(uint32_t classes);

/* One event for each class. Registered once for a device type, before QEMU reads its command line. */
struct trace_classes_events {
    TraceEvent* list[TRACE_CLASSES_COUNT + 1];
    uint16_t enabled[TRACE_CLASSES_COUNT];
};

/* `prefix` begins the events' names: "vtd_nested_" makes vtd_nested_fault and so on. */
void trace_classes_register(struct trace_classes_events* events, const char* prefix);

/* The classes whose events are enabled now. */
uint32_t trace_classes_enabled(const struct trace_classes_events* events);

/* One line, without its newline, to QEMU's log. Any thread. */
void trace_line(const char* line);

#endif /* NESTED_IOMMU_QEMU_TRACE_H */
