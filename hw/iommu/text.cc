// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/text.h"

#include <cstdarg>
#include <cstdio>

namespace iommu {

std::string format(const char* text, ...) {
    char line[256];
    va_list arguments;
    va_start(arguments, text);
    std::vsnprintf(line, sizeof line, text, arguments);
    va_end(arguments);
    return line;
}

const char* name(Access access) {
    switch (access) {
        case Access::Read: return "read";
        case Access::Write: return "write";
        case Access::Atomic: return "atomic";
    }
    return "?";
}

const char* name(Rights rights) {
    switch (rights) {
        case Rights::None: return "-";
        case Rights::Read: return "r";
        case Rights::Write: return "w";
        case Rights::ReadWrite: return "rw";
    }
    return "?";
}

}  // namespace iommu
