/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * compat: the differences between the versions of QEMU that the shims can be built for, from 10.0 on.
 *
 * Everything in hw/ that includes QEMU's headers includes this one first, and nothing else asks for a version.
 */
#ifndef NESTED_IOMMU_QEMU_COMPAT_H
#define NESTED_IOMMU_QEMU_COMPAT_H

/* QEMU wants its own first header before everything, the C library included. */
#include "qemu/osdep.h"

#define QEMU_AT_LEAST(major, minor) \
    (QEMU_VERSION_MAJOR > (major) || (QEMU_VERSION_MAJOR == (major) && QEMU_VERSION_MINOR >= (minor)))

/* The memory API moved from exec/ to system/ in 10.1. */
#if __has_include("system/memory.h")
#include "system/address-spaces.h"
#include "system/memory.h"
#else
#include "exec/address-spaces.h"
#include "exec/memory.h"
#endif

/* The last argument of a type's class_init. */
#if QEMU_AT_LEAST(10, 1)
typedef const void class_init_data;
#else
typedef void class_init_data;
#endif

/* How a device's DMA can say which process it acts for: 0 is none, as in all of QEMU's device models. */
#define MEMTXATTRS_PASID_BITS 8u

#endif /* NESTED_IOMMU_QEMU_COMPAT_H */
