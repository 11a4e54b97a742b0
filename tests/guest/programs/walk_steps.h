// SPDX-License-Identifier: GPL-2.0-or-later
// The parts of `walk`, each in the file of its name.
#pragma once

#include <span>

#include "steps.h"

namespace guest {

std::span<const Step> walk_capability_steps();  // what the kernel says of the unit and the device
std::span<const Step> walk_paging_steps();      // translations that the kernel keeps
std::span<const Step> walk_nested_steps();      // both stages, their page sizes, SubstreamIDs
std::span<const Step> walk_stale_steps();       // cached until invalidated
std::span<const Step> walk_parent_steps();      // changes of the second stage
std::span<const Step> walk_fault_steps();       // the records of refused accesses
std::span<const Step> walk_event_steps();       // SMMUv3: vEVENTs
std::span<const Step> walk_refusal_steps();     // what the kernel does not take

}  // namespace guest
