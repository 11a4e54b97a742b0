// SPDX-License-Identifier: GPL-2.0-or-later
//
// ConfigCache<Config>: what the tables said about a requester (and its PASID), decoded.
//
// One entry for each requester and PASID; requests without PASID have an entry of their own. An entry remembers the
// domain and space it was found under, and the requester, so that each can be dropped by counting up (generations.h). A
// look-up copies the entry under its sequence number: no lock, no table read.
//
// As with the IOTLB, a look-up in the tables that began before an invalidation must not be kept after it: `open()`
// before the first read, and `keep` does nothing when anything was invalidated since.
//
// Config: trivially copyable, a multiple of 8 bytes. Its first member is `route`, itself a multiple of 8 bytes and with
// members `domain` and `space`: what the hit path needs, which `find_route` reads without the rest.
#ifndef IOMMU_CONFIG_CACHE_H
#define IOMMU_CONFIG_CACHE_H

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>

#include "iommu/generations.h"
#include "iommu/ids.h"
#include "iommu/seqlock.h"

namespace iommu {

template <class Config>
class ConfigCache {
  public:
    static constexpr std::size_t kEntries = 4096;

    struct Ticket {
        std::uint64_t epoch = 0;
    };

    using Route = decltype(Config::route);

    [[nodiscard]] std::optional<Config> find(RequesterId requester, std::optional<Pasid> pasid) const {
        const auto entry = look_up<Entry>(requester, pasid);
        if (!entry) return std::nullopt;
        return entry->config;
    }
    [[nodiscard]] std::optional<Route> find_route(RequesterId requester, std::optional<Pasid> pasid) const {
        const auto head = look_up<Head>(requester, pasid);
        if (!head) return std::nullopt;
        return head->config.route;
    }

    [[nodiscard]] Ticket open() const { return {epoch_.now()}; }
    void keep(Ticket ticket, RequesterId requester, std::optional<Pasid> pasid, const Config& config) {
        const std::lock_guard lock(writer_);
        if (epoch_.now() != ticket.epoch) return;
        const std::uint64_t key = key_of(requester, pasid);
        entries_[index_of(key)].store(Entry{key, stamp_of(requester, config.route), config});
    }

    // Counts the invalidations, each once it is carried out. What was found while it stood still is what is here.
    [[nodiscard]] std::uint64_t epoch() const { return epoch_.now(); }
    // Something else that configurations are found by has changed: whoever keeps what was found here must ask again.
    void changed_outside() { epoch_.bump(); }

    void invalidate_all() { drop(all_); }
    // One entry; with PASID 0 also that of requests without PASID, which may have been found by it.
    void invalidate_entry(RequesterId requester, Pasid pasid) {
        const std::lock_guard lock(writer_);
        clear(key_of(requester, pasid));
        if (pasid.value == 0) clear(key_of(requester, std::nullopt));
        epoch_.bump();
    }
    void invalidate_requester(RequesterId requester) { drop(requesters_, requester.value); }
    void invalidate_domain(DomainTag domain) { drop(domains_, domain.value); }
    void invalidate_space(DomainTag domain, SpaceTag space) { drop(spaces_, space_name(domain, space)); }

  private:
    struct Entry {
        std::uint64_t key = 0;  // 0: never used
        std::uint64_t stamp = 0;
        Config config{};
    };
    // The beginning of an Entry.
    struct Head {
        std::uint64_t key = 0;
        std::uint64_t stamp = 0;
        struct {
            Route route;
        } config;
    };
    static_assert(offsetof(Entry, config) == offsetof(Head, config) && offsetof(Config, route) == 0);

    // As much of the entry as `Part` has.
    template <class Part>
    [[nodiscard]] std::optional<Part> look_up(RequesterId requester, std::optional<Pasid> pasid) const {
        const std::uint64_t key = key_of(requester, pasid);
        std::optional<Part> part = entries_[index_of(key)].template try_load<Part>();
        if (part && (part->key != key || part->stamp != stamp_of(requester, part->config.route))) part.reset();
        return part;
    }

    [[nodiscard]] static std::uint64_t key_of(RequesterId requester, std::optional<Pasid> pasid) {
        const std::uint64_t space = pasid ? pasid->value : kPasidLimit;
        return std::uint64_t{requester.value} << 32 | space << 1 | 1;
    }
    [[nodiscard]] static std::size_t index_of(std::uint64_t key) {
        return (key * 0x9e3779b97f4a7c15u) >> (64 - 12);  // golden ratio; the product's top bits are the mixed ones
    }
    static_assert(kEntries == 1u << 12);

    [[nodiscard]] std::uint64_t stamp_of(RequesterId requester, const Route& route) const {
        return all_.now() + requesters_.now(requester.value) + domains_.now(route.domain.value) +
               spaces_.now(space_name(route.domain, route.space));
    }

    void clear(std::uint64_t key) {
        Seqlocked<Entry>& slot = entries_[index_of(key)];
        const auto entry = slot.template try_load<Entry>();
        if (entry && entry->key == key) slot.store(Entry{});
    }
    void drop(Generation& generation) {
        const std::lock_guard lock(writer_);
        generation.bump();
        epoch_.bump();
    }
    void drop(GenerationTable& table, std::uint64_t name) {
        const std::lock_guard lock(writer_);
        table.bump(name);
        epoch_.bump();
    }

    std::unique_ptr<Seqlocked<Entry>[]> entries_ = std::make_unique<Seqlocked<Entry>[]>(kEntries);
    std::mutex writer_;
    Generation epoch_;
    Generation all_;
    GenerationTable requesters_;
    GenerationTable domains_;
    GenerationTable spaces_;
};

}  // namespace iommu

#endif  // IOMMU_CONFIG_CACHE_H
