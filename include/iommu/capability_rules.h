// SPDX-License-Identifier: GPL-2.0-or-later
//
// capability_rules: from what the user asked for to what a unit offers.
//
// A unit's capabilities are a struct of bytes, one for each field of its identification registers. A field may be left
// to the unit (`kAutoField`): it then takes its default if everything it needs is there, and is off if not. A field
// that was asked for and cannot be is a contradiction, told in one sentence with both names, written as the user would
// write them.
//
//     constexpr FieldRule<Capabilities> kFields[] = {{&Capabilities::smts, "smts", 1, 1, FieldKind::Flag}, ...};
//     constexpr Dependency<Capabilities> kDependencies[] = {{&Capabilities::fsts, &Capabilities::smts}, ...};
//     const CapabilityRules<Capabilities> rules{kFields, kDependencies};
//     Capabilities settled = TRY(rules.with_presets(asked));
//     settled = TRY(rules.with_dependencies(asked, settled));
//
// Not here: rules between fields that are not a plain "needs".
#ifndef IOMMU_CAPABILITY_RULES_H
#define IOMMU_CAPABILITY_RULES_H

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "iommu/result.h"

namespace iommu {

inline constexpr std::uint8_t kAutoField = 0xff;

// How the user writes a field: flags are on or off.
enum class FieldKind : std::uint8_t { Flag, Number };

template <class C>
struct FieldRule {
    std::uint8_t C::* member;
    std::string_view name;
    std::uint8_t preset = 0;
    std::uint8_t max = 0;
    FieldKind kind = FieldKind::Flag;
};

// `field` can only be set where `needs` is. In an order in which what is needed is settled first.
template <class C>
struct Dependency {
    std::uint8_t C::* field;
    std::uint8_t C::* needs;
};

template <class C>
class CapabilityRules {
  public:
    using Member = std::uint8_t C::*;

    constexpr CapabilityRules(std::span<const FieldRule<C>> fields, std::span<const Dependency<C>> dependencies)
        : fields_(fields), dependencies_(dependencies) {}

    // "nest=on", "mgaw=47"
    [[nodiscard]] std::string setting(Member member, unsigned value) const {
        const FieldRule<C>& rule = rule_of(member);
        const bool flag = rule.kind == FieldKind::Flag;
        return std::string(rule.name) + "=" + (flag ? (value != 0 ? "on" : "off") : std::to_string(value));
    }
    [[nodiscard]] std::string setting(Member member, const C& capabilities) const {
        return setting(member, capabilities.*member);
    }

    // Fields that were left out take their presets; one that is too large is refused.
    [[nodiscard]] Result<C, std::string> with_presets(const C& asked) const {
        C settled = asked;
        for (const FieldRule<C>& rule : fields_) {
            if (asked.*rule.member == kAutoField) settled.*rule.member = rule.preset;
            if (settled.*rule.member > rule.max) {
                return Err{std::string(rule.name) + "=" + std::to_string(settled.*rule.member) +
                           " is too large: the largest value is " + std::to_string(rule.max)};
            }
        }
        return settled;
    }

    // A field whose need is not met is off if it was left out, and refused if it was asked for.
    [[nodiscard]] Result<C, std::string> with_dependencies(const C& asked, C settled) const {
        for (const Dependency<C>& rule : dependencies_) {
            if (settled.*rule.field == 0 || settled.*rule.needs != 0) continue;
            if (asked.*rule.field != kAutoField) {
                return Err{setting(rule.field, asked) + " needs " + setting(rule.needs, 1) + "; set that, or leave " +
                           std::string(rule_of(rule.field).name) + " out"};
            }
            settled.*rule.field = 0;
        }
        return settled;
    }

  private:
    [[nodiscard]] const FieldRule<C>& rule_of(Member member) const {
        for (const FieldRule<C>& rule : fields_) {
            if (rule.member == member) return rule;
        }
        return fields_.front();  // not reached: every field has a rule
    }

    std::span<const FieldRule<C>> fields_;
    std::span<const Dependency<C>> dependencies_;
};

}  // namespace iommu

#endif  // IOMMU_CAPABILITY_RULES_H
