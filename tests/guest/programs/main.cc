// SPDX-License-Identifier: GPL-2.0-or-later
// guest-tests: what user space can do with an IOMMU through Linux, step by step.
//
//   guest-tests --list               every SUITE/NAME
//   guest-tests SUITE [NAME]         the steps of a suite, or one of them
//
// Runs as root in a guest with iommufd and vfio-pci. Status 0: no step failed.
#include <cstdio>
#include <cstring>

#include "steps.h"

namespace {

int list() {
    for (const guest::Suite& suite : guest::suites())
        for (const guest::Step& step : suite.steps)
            std::printf("%s/%s\n", suite.name, step.name);
    return 0;
}

int usage() {
    std::fprintf(stderr, "usage: guest-tests --list | SUITE [NAME]\nsuites:");
    for (const guest::Suite& suite : guest::suites())
        std::fprintf(stderr, " %s", suite.name);
    std::fprintf(stderr, "\n");
    return 2;
}

}  // namespace

int main(int count, char** words) {
    if (count < 2 || count > 3) return usage();
    if (std::strcmp(words[1], "--list") == 0) return list();
    for (const guest::Suite& suite : guest::suites())
        if (std::strcmp(words[1], suite.name) == 0)
            return guest::run_suite(suite, count == 3 ? words[2] : "") == 0 ? 0 : 1;
    return usage();
}
