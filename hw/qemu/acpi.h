/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * acpi: hands a finished ACPI table to QEMU, which puts it among those of the user's own -acpitable options.
 */
#ifndef NESTED_IOMMU_QEMU_ACPI_H
#define NESTED_IOMMU_QEMU_ACPI_H

#include "hw/qemu/compat.h"

/* `table` starts with the standard header; its checksum need not be filled in. Before the machine starts. */
bool acpi_add_table_blob(const void* table, size_t size, Error** errp);

#endif /* NESTED_IOMMU_QEMU_ACPI_H */
