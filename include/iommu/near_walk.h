// SPDX-License-Identifier: GPL-2.0-or-later
//
// near_walk: walks that begin at a table that an earlier one left in the WalkCache.
//
// The walk is that of walk.h. It is given a format that begins at the last level and, for a nested first stage, a
// locator that knows where the table was found. A near walk that meets anything else than a leaf with the right, or
// that would have to write where only the second stage can tell whether it may, counts for nothing: the walk is done
// from the root, and that one is believed. One from the root leaves its last table when nothing above its leaf had to
// be updated.
//
//     const auto path = near_nested({first, first_origin}, {second, second_origin}, query, {marks, memory, &cache});
#ifndef IOMMU_NEAR_WALK_H
#define IOMMU_NEAR_WALK_H

#include <optional>

#include "iommu/two_stage.h"
#include "iommu/walk_cache.h"

namespace iommu {

// A stage, and what its tables are kept under.
template <class Format>
struct Origin {
    const Format& format;
    WalkOrigin origin;
    bool keeps = true;  // false: from the root each time
};

// What a walk works with. Without a cache every walk is from the root, and nothing is kept.
struct WalkTools {
    Marks& marks;
    const GuestMemory& memory;
    WalkCache* cache = nullptr;
};

// A format whose tree is the one table.
template <class Format>
class LastLevel {
  public:
    static constexpr Stage stage = Format::stage;

    LastLevel(const Format& format, const KeptTable& table) : format_(format), table_(table) {}

    [[nodiscard]] bool accepts(std::uint64_t input) const { return format_.accepts(input); }
    [[nodiscard]] static Level top_level() { return 1; }
    [[nodiscard]] std::uint64_t root() const { return table_.slot; }
    [[nodiscard]] std::uint64_t slot(std::uint64_t table, Level level, std::uint64_t input) const {
        return format_.slot(table, level, input);
    }
    [[nodiscard]] Step decode(std::uint64_t entry, Level level) const { return format_.decode(entry, level); }
    [[nodiscard]] Result<Rights, WalkCause> judge(unsigned grants, const WalkQuery& query) const {
        return format_.judge(grants & static_cast<unsigned>(table_.grants), query);
    }
    [[nodiscard]] Update update(EntryUse use, std::uint64_t entry, const WalkQuery& query) const {
        return format_.update(use, entry, query);
    }
    [[nodiscard]] std::uint64_t update_bits() const { return format_.update_bits(); }
    [[nodiscard]] bool clean(std::uint64_t entry) const { return format_.clean(entry); }
    [[nodiscard]] Snooped snooped() const { return format_.snooped(); }

  private:
    const Format& format_;
    const KeptTable& table_;
};

// Where the entries of a kept table are. In a nested first stage writing there also concerns the second stage's entry
// of the page, which is not at hand: it is only noted.
class KeptLocate {
  public:
    explicit KeptLocate(const KeptTable& table) : table_(table) {}

    [[nodiscard]] Result<Located, WalkFault> locate(std::uint64_t slot, Purpose) const {
        return Located{.at = table_.at + (slot - table_.slot)};
    }
    void written(const Located&) { writes_ = true; }
    [[nodiscard]] bool writes() const { return writes_; }

  private:
    const KeptTable& table_;
    bool writes_ = false;
};

// The table that a walk of the stage from its root ended in. `from`: where its marks begin. None when it ended above
// the last level, or began there, or when anything above its leaf is still to be updated.
template <class Format>
std::optional<KeptTable> last_table(const Format& format, const WalkQuery& query, const Marks& marks,
                                    std::size_t from) {
    KeptTable table{.grants = ~std::uint64_t{0}};
    const Mark* const leaf = marks.end() - 1;
    if (format.top_level() == 1 || leaf->level != 1) return std::nullopt;
    for (const Mark* mark = marks.begin() + from; mark != leaf; ++mark) {
        if (mark->needed()) return std::nullopt;
        if (mark->stage == Format::stage && !mark->leaf) {
            table.grants &= format.decode(mark->entry, mark->level).grants;
        }
    }
    const std::uint64_t offset = format.slot(0, 1, query.input);
    table.slot = leaf->slot - offset;
    table.at = Pa{leaf->at.value - offset};
    return table;
}

// One stage, whose tables are where `locate_from_root` says; `nested`: that is another stage's answer.
template <bool nested, class Format, class Locator>
Result<StageLeaf, WalkFault> near_stage(const Origin<Format>& stage, const WalkQuery& query, Locator&& from_root,
                                        const WalkTools& tools) {
    if (tools.cache == nullptr || !stage.keeps) {
        return walk(stage.format, query, from_root, tools.marks, tools.memory);
    }
    const std::size_t before = tools.marks.count();
    const WalkCache::Key key = tools.cache->key(stage.origin, query.input);
    if (const auto table = tools.cache->find(key)) {
        KeptLocate locator(*table);
        const auto leaf = walk(LastLevel<Format>(stage.format, *table), query, locator, tools.marks, tools.memory);
        if (leaf && !(nested && locator.writes())) return *leaf;
        tools.marks.cut(before);
    }
    const StageLeaf leaf = TRY(walk(stage.format, query, from_root, tools.marks, tools.memory));
    if (const auto table = last_table(stage.format, query, tools.marks, before)) tools.cache->keep(key, *table);
    return leaf;
}

// As SecondStageLocate, with the second stage's own tables kept.
template <class Second>
class NearLocate {
  public:
    NearLocate(const Origin<Second>& second, const WalkTools& tools)
        : second_(second), tools_(tools), whole_(second.format, tools.marks, tools.memory) {}

    [[nodiscard]] Result<Located, WalkFault> locate(std::uint64_t slot, Purpose purpose) {
        const WalkQuery query{.input = slot, .access = Access::Read, .purpose = purpose};
        const StageLeaf leaf = TRY(near_stage<false>(second_, query, IdentityLocate{}, tools_));
        return located(leaf);
    }
    void written(const Located& located) { whole_.written(located); }

  private:
    const Origin<Second>& second_;
    const WalkTools& tools_;
    SecondStageLocate<Second> whole_;
};

template <class Format>
Result<Path, WalkFault> near_single(const Origin<Format>& stage, const WalkQuery& query, const WalkTools& tools) {
    const StageLeaf leaf = TRY(near_stage<false>(stage, query, IdentityLocate{}, tools));
    return single(leaf);
}

template <class First, class Second>
Result<Path, WalkFault> near_nested(const Origin<First>& first, const Origin<Second>& second, const WalkQuery& query,
                                    const WalkTools& tools) {
    NearLocate<Second> locator(second, tools);
    const StageLeaf page = TRY(near_stage<true>(first, query, locator, tools));
    WalkQuery access = query;
    access.input = page.output;
    const StageLeaf final = TRY(near_stage<false>(second, access, IdentityLocate{}, tools));
    return combine(page, final);
}

}  // namespace iommu

#endif  // IOMMU_NEAR_WALK_H
