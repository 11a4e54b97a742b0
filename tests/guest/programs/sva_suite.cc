// SPDX-License-Identifier: GPL-2.0-or-later
// The suite sva: shared virtual addresses, by the driver uio_pci_generic_sva.
#include <array>

#include "suites.h"
#include "sva_steps.h"

namespace guest {
namespace {

constexpr std::array kSteps{
    Step{"pointer-untranslated", sva_pointer_untranslated},
    Step{"pointer-atc", sva_pointer_atc},
    Step{"atomic", sva_atomic},
    Step{"untouched", sva_untouched},
    Step{"noreserve", sva_noreserve},
    Step{"read-before-write", sva_read_before_write},
    Step{"file", sva_file},
    Step{"read-only", sva_read_only},
    Step{"not-mapped", sva_not_mapped},
    Step{"other-pasid", sva_other_pasid},
    Step{"munmap", sva_munmap},
    Step{"munmap-part", sva_munmap_part},
    Step{"mprotect", sva_mprotect},
    Step{"mremap", sva_mremap},
    Step{"dontneed", sva_dontneed},
    Step{"huge-transparent", sva_huge_transparent},
    Step{"huge-reserved", sva_huge_reserved},
    Step{"copy-on-write", sva_copy_on_write},
    Step{"fork", sva_fork},
    Step{"fork-outlives", sva_fork_outlives},
    Step{"kill-running", sva_kill_running},
    Step{"close-running", sva_close_running},
    Step{"two-devices", sva_two_devices},
    Step{"two-processes", sva_two_processes},
    Step{"many-processes", sva_many_processes},
    Step{"open-close", sva_open_close},
};

}  // namespace

Suite sva_suite() { return {"sva", nullptr, kSteps}; }

}  // namespace guest
