// SPDX-License-Identifier: GPL-2.0-or-later
//
// The words that trace lines of every unit are made of.
#ifndef IOMMU_TEXT_H
#define IOMMU_TEXT_H

#include <string>

#include "iommu/request.h"

namespace iommu {

// As printf; cut after 255 characters.
[[nodiscard, gnu::format(printf, 1, 2)]] std::string format(const char* text, ...);

// "read", "write", "atomic"
[[nodiscard]] const char* name(Access access);
// "-", "r", "w", "rw"
[[nodiscard]] const char* name(Rights rights);

}  // namespace iommu

#endif  // IOMMU_TEXT_H
