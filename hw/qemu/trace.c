/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * trace: see the header.
 */
#include "hw/qemu/trace.h"

#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/log.h"

static const struct {
    const char* name;
    uint32_t bit;
} classes_by_name[TRACE_CLASSES_COUNT] = {
    {"fault", IOMMU_TRACE_FAULT}, {"register", IOMMU_TRACE_REGISTER},       {"invalidation", IOMMU_TRACE_INVALIDATION},
    {"queue", IOMMU_TRACE_QUEUE}, {"translation", IOMMU_TRACE_TRANSLATION}, {"interrupt", IOMMU_TRACE_INTERRUPT},
};

static uint32_t all_classes(void) {
    uint32_t all = 0;

    for (unsigned i = 0; i < TRACE_CLASSES_COUNT; i++) {
        all |= classes_by_name[i].bit;
    }
    return all;
}

/* No bit for a name that is none. */
static uint32_t class_of(const char* name) {
    for (unsigned i = 0; i < TRACE_CLASSES_COUNT; i++) {
        if (!strcmp(name, classes_by_name[i].name)) {
            return classes_by_name[i].bit;
        }
    }
    return strcmp(name, "all") ? 0 : all_classes();
}

bool trace_classes_parse(const char* names, uint32_t* classes, Error** errp) {
    g_auto(GStrv) parts = g_strsplit(names, "+", 0);
    uint32_t found = 0;

    for (char** part = parts; *part; part++) {
        const uint32_t bits = class_of(*part);

        if (!bits) {
            error_setg(errp,
                       "no trace class is called '%s'; there are fault, register, invalidation, queue, translation, "
                       "interrupt and all, joined by '+'",
                       *part);
            return false;
        }
        found |= bits;
    }
    *classes = found;
    return true;
}

char* trace_classes_print(uint32_t classes) {
    g_autoptr(GString) text = g_string_new(NULL);

    for (unsigned i = 0; i < TRACE_CLASSES_COUNT; i++) {
        if (classes & classes_by_name[i].bit) {
            g_string_append_printf(text, "%s%s", text->len ? "+" : "", classes_by_name[i].name);
        }
    }
    return g_strdup(text->str);
}

void trace_classes_register(struct trace_classes_events* events, const char* prefix) {
    for (unsigned i = 0; i < TRACE_CLASSES_COUNT; i++) {
        const TraceEvent event = {
            .name = g_strconcat(prefix, classes_by_name[i].name, NULL),
            .sstate = true,
            .dstate = &events->enabled[i],
        };

        events->list[i] = g_memdup2(&event, sizeof event);
    }
    trace_event_register_group(events->list);
}

uint32_t trace_classes_enabled(const struct trace_classes_events* events) {
    uint32_t classes = 0;

    for (unsigned i = 0; i < TRACE_CLASSES_COUNT; i++) {
        if (qatomic_read(&events->enabled[i])) {
            classes |= classes_by_name[i].bit;
        }
    }
    return classes;
}

/* QEMU opens no log when it was configured without one; the user asked for these lines, so they must show. */
void trace_line(const char* line) {
    FILE* log = qemu_log_trylock();

    if (log) {
        fprintf(log, "%s\n", line);
        qemu_log_unlock(log);
    } else {
        fprintf(stderr, "%s\n", line);
    }
}
