// SPDX-License-Identifier: GPL-2.0-or-later
//
// legality: which STEs and CDs the manual calls ILLEGAL. [SMMU G.b s5.2.2, s5.4.1]
//
// Each rule is one line and one name; the first that is broken is returned, nothing when the structure is legal.
#ifndef SMMUV3_NESTED_LEGALITY_H
#define SMMUV3_NESTED_LEGALITY_H

#include <optional>
#include <string_view>

#include "smmuv3-nested/resolve.h"
#include "smmuv3-nested/spec/ste.h"

namespace smmuv3 {

[[nodiscard]] std::optional<std::string_view> illegal(const Value<STE>& ste, const Capabilities& capabilities);
// `world` and `ste` are those of the stream; the STE is legal.
[[nodiscard]] std::optional<std::string_view> illegal(const Value<CD>& cd, const Value<STE>& ste, StreamWorld world,
                                                      const Capabilities& capabilities);

// What the fields of a legal structure amount to.
[[nodiscard]] StreamWorld world_of(const Value<STE>& ste, bool e2h, const Capabilities& capabilities);
// EATS where it counts.
[[nodiscard]] AtsMode ats_mode(const Value<STE>& ste, const Capabilities& capabilities);
[[nodiscard]] Stage2Config stage2_of(const Value<STE>& ste, const Capabilities& capabilities);
[[nodiscard]] Stage1Config stage1_of(const Value<CD>& cd, StreamWorld world, const Capabilities& capabilities);

// Config bits 0 and 1, when bit 2 is set.
[[nodiscard]] bool uses_stage1(const Value<STE>& ste);
[[nodiscard]] bool uses_stage2(const Value<STE>& ste);

}  // namespace smmuv3

#endif  // SMMUV3_NESTED_LEGALITY_H
