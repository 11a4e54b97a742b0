/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * loader: the object that is preloaded into QEMU.
 *
 * The devices lie beside it, in a second object that needs hundreds of QEMU's symbols and the layout of its structures,
 * so it fits exactly one version of QEMU. This one needs nothing but the C library. Before QEMU's main it finds out
 * where it is, and:
 *
 *  - in any process but a QEMU system emulator it does nothing, so the launcher may go through `env` or `timeout`;
 *  - in a QEMU of another version or target it says which one the devices were built for, and ends the process;
 *  - in the right one it opens the devices, whose types register themselves, and takes LD_PRELOAD out of the
 *    environment: QEMU's children (network scripts, helpers) are no place for them.
 *
 * NESTED_IOMMU_PRETEND_QEMU_VERSION=9.2.0 makes the check see that version instead; for tests of the refusal.
 */
#include <dlfcn.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "nested-iommu"
#define ADVICE "run scripts/setup to build it for this one"

/* What QEMU's qmp_query_version() returns: a type of its stable management protocol. */
struct version_triple {
    int64_t major;
    int64_t minor;
    int64_t micro;
};

struct version_info {
    struct version_triple* qemu;
    char* package;
};

/* QEMU's main has not begun: its exit handlers have nothing to undo and may rely on what is not there yet. */
static _Noreturn void __attribute__((format(printf, 1, 2))) refuse(const char* format, ...) {
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    fflush(stderr);
    _exit(EXIT_FAILURE);
}

static void* qemu_symbol(const char* name) { return dlsym(RTLD_DEFAULT, name); }

static bool in_system_emulator(void) { return qemu_symbol("qmp_query_version") && qemu_symbol("qdev_get_machine"); }

static void check_target(void) {
    const char* (*target_name)(void) = qemu_symbol("target_name");

    if (target_name && strcmp(target_name(), NESTED_IOMMU_TARGET)) {
        refuse(PREFIX " was built for qemu-system-%s, but this is qemu-system-%s", NESTED_IOMMU_TARGET, target_name());
    }
}

/* Without what the distribution appends: "10.0.2 (Debian ...)" is 10.0.2. */
static void running_version(char* version, size_t size) {
    struct version_info* (*query)(void*) = qemu_symbol("qmp_query_version");
    void (*release)(struct version_info*) = qemu_symbol("qapi_free_VersionInfo");
    const char* pretended = getenv("NESTED_IOMMU_PRETEND_QEMU_VERSION");
    struct version_info* info;

    if (pretended) {
        snprintf(version, size, "%s", pretended);
        return;
    }
    info = query(NULL);
    snprintf(version, size, "%lld.%lld.%lld", (long long)info->qemu->major, (long long)info->qemu->minor,
             (long long)info->qemu->micro);
    if (release) {
        release(info);
    }
}

static void check_version(void) {
    char version[64];

    running_version(version, sizeof version);
    if (strcmp(version, NESTED_IOMMU_QEMU_VERSION)) {
        refuse(PREFIX " was built for QEMU %s, but this is QEMU %s; " ADVICE, NESTED_IOMMU_QEMU_VERSION, version);
    }
}

/* The devices' path: this object's own, links resolved, with the last part exchanged. */
static void devices_path(char path[PATH_MAX]) {
    char real[PATH_MAX];
    char* slash;
    Dl_info self;

    if (!dladdr((void*)(uintptr_t)devices_path, &self) || !realpath(self.dli_fname, real)) {
        refuse(PREFIX " cannot find the folder that it was loaded from");
    }
    slash = strrchr(real, '/');
    if (snprintf(path, PATH_MAX, "%.*s/%s", (int)(slash - real), real, NESTED_IOMMU_DEVICES) >= PATH_MAX) {
        refuse(PREFIX " lies in a folder whose path is too long: %s", real);
    }
}

/* All symbols now: one that this QEMU lacks must be found here, not in mid-run. */
static void open_devices(void) {
    char path[PATH_MAX];

    devices_path(path);
    if (!dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
        refuse(PREFIX " does not fit this QEMU (%s); " ADVICE, dlerror());
    }
}

static void __attribute__((constructor)) load(void) {
    if (!in_system_emulator()) {
        return;
    }
    unsetenv("LD_PRELOAD");
    check_target();
    check_version();
    open_devices();
}
