/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * acpi: see the header.
 */
#include "hw/qemu/acpi.h"

#include "hw/acpi/acpi.h"
#include "qapi/error.h"
#include "qemu/config-file.h"
#include "qemu/memfd.h"
#include "qemu/option.h"

/* QEMU's interface takes a file's name, so the table becomes a file that nobody else sees. */
bool acpi_add_table_blob(const void* table, size_t size, Error** errp) {
    ERRP_GUARD();
    const int fd = qemu_memfd_create("acpi-table", size, false, 0, 0, errp);
    g_autofree char* path = g_strdup_printf("/proc/self/fd/%d", fd);
    QemuOpts* opts;

    if (fd < 0) {
        return false;
    }
    if (pwrite(fd, table, size, 0) != (ssize_t)size) {
        error_setg_errno(errp, errno, "cannot write an ACPI table to memory");
        close(fd);
        return false;
    }
    opts = qemu_opts_create(qemu_find_opts("acpi"), NULL, 0, errp);
    if (opts && qemu_opt_set(opts, "file", path, errp)) {
        acpi_table_add(opts, errp);
    }
    qemu_opts_del(opts);
    close(fd);
    return !*errp;
}
