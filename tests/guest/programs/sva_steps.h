// SPDX-License-Identifier: GPL-2.0-or-later
// The steps of the suite sva, by the file that has them.
#pragma once

namespace guest {

// sva.cc: which memory the device reaches.
void sva_pointer_untranslated();
void sva_pointer_atc();
void sva_atomic();
void sva_untouched();
void sva_noreserve();
void sva_read_before_write();
void sva_file();
void sva_read_only();
void sva_not_mapped();
void sva_other_pasid();

// sva_changes.cc: the address space changes.
void sva_munmap();
void sva_munmap_part();
void sva_mprotect();
void sva_mremap();
void sva_dontneed();
void sva_huge_transparent();
void sva_huge_reserved();

// sva_processes.cc: fork, end, and others.
void sva_copy_on_write();
void sva_fork();
void sva_fork_outlives();
void sva_kill_running();
void sva_close_running();
void sva_two_devices();
void sva_two_processes();
void sva_many_processes();
void sva_open_close();

}  // namespace guest
