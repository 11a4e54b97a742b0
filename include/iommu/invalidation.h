// SPDX-License-Identifier: GPL-2.0-or-later
//
// invalidation: what an invalidation command asks for, and the one place that carries it out.
//
// Every command of every architecture, by queue or by register, is planned into an Invalidation. `apply` drops decoded
// configurations, then translations, then tells holders outside: this order, so that nobody can refill from what is
// still to be dropped.
#ifndef IOMMU_INVALIDATION_H
#define IOMMU_INVALIDATION_H

#include <bit>
#include <cstdint>
#include <optional>

#include "iommu/config_cache.h"
#include "iommu/effects.h"
#include "iommu/iotlb.h"

namespace iommu {

struct ConfigDrop {
    enum class Scope : std::uint8_t {
        None,
        All,
        Requesters,
        Domain,
        Space,
        Entry,  // one requester with one PASID
    };
    Scope scope = Scope::None;
    RequesterId requester;
    std::uint32_t ignored_bits = 0;  // Requesters: bits of the id that do not count
    Pasid pasid;
    DomainTag domain;
    SpaceTag space;
};

struct TlbDrop {
    enum class Scope : std::uint8_t {
        None,
        All,
        Domain,       // everything of the domain
        DomainFirst,  // what a first stage took part in
        Space,        // everything of the domain and space
        SecondRange,  // second-stage entries of the domain in the range; all of the domain in which a first stage took
                      // part
        SecondOnly,   // second-stage entries of the domain in the range
        FirstRange,   // entries of the space, and global ones, in the range in which a first stage took part
    };
    Scope scope = Scope::None;
    DomainTag domain;
    std::uint32_t ignored_bits = 0;  // of the domain, that do not count; 3:0
    SpaceTag space;
    IovaRange range;
    Tables tables = Tables::Drop;  // the ranges: software may say that it changed leaves only
};

struct Invalidation {
    ConfigDrop configs;
    TlbDrop tlb;
    std::optional<IovaRange> unmap;  // what holders outside must forget
};

// All ids that differ in the ignored bits only, up to 256 of them; beyond, everything goes.
template <class Config>
void drop_requesters(const ConfigDrop& what, ConfigCache<Config>& configs) {
    if (std::popcount(what.ignored_bits) > 8) return configs.invalidate_all();
    std::uint32_t bits = what.ignored_bits;
    for (;;) {  // counts down through the subsets of the ignored bits
        configs.invalidate_requester(RequesterId{(what.requester.value & ~what.ignored_bits) | bits});
        if (bits == 0) return;
        bits = (bits - 1) & what.ignored_bits;
    }
}

template <class Config>
void drop(const ConfigDrop& what, ConfigCache<Config>& configs) {
    switch (what.scope) {
        case ConfigDrop::Scope::None: return;
        case ConfigDrop::Scope::All: return configs.invalidate_all();
        case ConfigDrop::Scope::Domain: return configs.invalidate_domain(what.domain);
        case ConfigDrop::Scope::Space: return configs.invalidate_space(what.domain, what.space);
        case ConfigDrop::Scope::Entry: return configs.invalidate_entry(what.requester, what.pasid);
        case ConfigDrop::Scope::Requesters: return drop_requesters(what, configs);
    }
}

void drop(const TlbDrop& what, Iotlb& iotlb);

template <class Config>
[[nodiscard]] Effects apply(const Invalidation& what, ConfigCache<Config>& configs, Iotlb& iotlb,
                            UnmapListeners& listeners) {
    drop(what.configs, configs);
    if (what.configs.scope != ConfigDrop::Scope::None) iotlb.void_tickets();
    drop(what.tlb, iotlb);
    Effects effects;
    // Who comes to listen later finds nothing old.
    if (what.unmap && listeners.listening()) effects.add(Unmap{*what.unmap});
    return effects;
}

}  // namespace iommu

#endif  // IOMMU_INVALIDATION_H
