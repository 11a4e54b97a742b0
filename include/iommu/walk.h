// SPDX-License-Identifier: GPL-2.0-or-later
//
// walk: one page-table walk for every format.
//
// A *format* is a value that knows one stage's tables: where they start, what an entry means, which rights it grants
// and which of its bits hardware sets. The walk itself knows nothing but "read an entry, go on or stop". It changes
// nothing: accessed and dirty bits that the access calls for are collected as `Marks` and written in one go by `apply`,
// after every check of every stage has passed. So a request that faults leaves no trace in the tables.
//
// Where a table lives is asked of `locate`: for a single stage it is the address itself, under nesting the second
// stage's answer (two_stage.h). Nothing is saved, changed and restored.
//
//     const auto leaf = walk(format, query, memory, IdentityLocate{});
//
// A format provides (all const):
//     static constexpr Stage stage;
//     bool accepts(std::uint64_t input);                        // inside the input range
//     Level top_level();  std::uint64_t root();
//     std::uint64_t slot(std::uint64_t table, Level, std::uint64_t input);   // address of the entry
//     Step decode(std::uint64_t entry, Level);
//     Result<Rights, WalkCause> judge(unsigned grants, const WalkQuery&);    // grants: AND over all levels
//     Update update(EntryUse, std::uint64_t entry, const WalkQuery&);  // bits the access sets and clears in an entry
//     std::uint64_t update_bits();                              // all bits hardware may change in an entry
//     bool clean(std::uint64_t leaf_entry);                     // a write would have to update it
//     Snooped snooped();                                        // whether hardware may update entries
//
// Not here: which fault code a cause has in which architecture.
#ifndef IOMMU_WALK_H
#define IOMMU_WALK_H

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "iommu/address.h"
#include "iommu/guest_memory.h"
#include "iommu/request.h"
#include "iommu/result.h"

namespace iommu {

using Level = unsigned;  // 1 is the level of the smallest pages
inline constexpr Level kMaxLevel = 5;

enum class Stage : std::uint8_t { First, Second };

// What a walk is for: the device's own access, reaching a table of the first stage, or reaching what says how to
// translate.
enum class Purpose : std::uint8_t { Access, TopTable, Table, Config };

enum class WalkCause : std::uint8_t {
    InputOutOfRange,    // not canonical, or beyond the input width
    TableAccess,        // an entry could not be read
    NotPresent,         // no mapping
    Reserved,           // a reserved bit is set
    OutputOutOfRange,   // the entry points beyond what the next stage accepts
    NotAccessed,        // the access flag is clear, and software wants to know
    NoUser,             // user access to a supervisor page
    NoRead,             // no read right
    NoWrite,            // no write right
    UpdateNotWritable,  // an update is needed where the second stage does not allow writing
    UpdateNotSnooped,   // an update is needed but hardware may not update
    UpdateFailed,       // an update could not be carried out
};

struct WalkFault {
    Stage stage = Stage::First;
    WalkCause cause = WalkCause::NotPresent;
    Purpose purpose = Purpose::Access;
    Level level = 0;          // 0: before the first entry
    bool top = false;         // the entry is in the stage's first table
    std::uint64_t slot = 0;   // where the entry is, in the space the stage's tables are in
    Pa at;                    // where that is in memory
    std::uint64_t entry = 0;  // what it held
    std::uint64_t input = 0;  // what the stage was asked for
};

struct WalkQuery {
    std::uint64_t input = 0;
    Access access = Access::Read;
    Privilege privilege = Privilege::User;
    Execute execute = Execute::No;
    Length length = Length::Some;
    Purpose purpose = Purpose::Access;

    [[nodiscard]] constexpr bool writes() const { return access != Access::Read; }
};

enum class StepKind : std::uint8_t { NotPresent, Reserved, OutputOutOfRange, NotAccessed, Table, Leaf };

// One decoded entry.
struct Step {
    StepKind kind = StepKind::NotPresent;
    std::uint64_t address = 0;  // next table, or page
    unsigned page_log2 = 0;     // leaf only
    unsigned grants = 0;        // the format's own bits
};

enum class EntryUse : std::uint8_t { Table, Leaf };
enum class Snooped : std::uint8_t { No, Yes };

struct Update {
    std::uint64_t set = 0;
    std::uint64_t clear = 0;
    [[nodiscard]] constexpr std::uint64_t of(std::uint64_t entry) const { return (entry | set) & ~clear; }
};

// One entry that was used, and what the access wants changed in it.
struct Mark {
    Pa at;
    std::uint64_t slot = 0;   // the same in the space the stage's tables are in
    std::uint64_t entry = 0;  // as it was read
    Update update;
    std::uint64_t own = 0;  // bits that hardware may change meanwhile without the entry being another one
    Stage stage = Stage::First;
    Level level = 0;
    bool leaf = false;
    Snooped snooped = Snooped::Yes;
    bool writable = true;  // false: the second stage does not let hardware write here

    [[nodiscard]] constexpr bool needed() const { return update.of(entry) != entry; }
};

// How often tables that change under a walk are walked again before the update counts as failed.
inline constexpr int kMaxRestarts = 8;

// Everything a translation wants to write into tables: at most one mark per entry used.
//
// Places that no mark was added to are not even initialised, and are not copied: a walk uses few of them.
class Marks {
  public:
    // A nested walk: every first-stage level and the final address need a second-stage walk.
    static constexpr std::size_t kCapacity = kMaxLevel * (kMaxLevel + 1) + kMaxLevel;

    Marks() {}  // NOLINT(modernize-use-equals-default,cppcoreguidelines-pro-type-member-init): leaves the places alone
    Marks(const Marks& other) : count_(other.count_) {  // NOLINT(cppcoreguidelines-pro-type-member-init)
        std::uninitialized_copy(other.begin(), other.end(), place(0));
    }
    Marks& operator=(const Marks& other) {
        if (this == &other) return *this;
        count_ = other.count_;
        std::uninitialized_copy(other.begin(), other.end(), place(0));
        return *this;
    }
    ~Marks() = default;

    // The index of the mark, for `mark_at`.
    std::size_t add(const Mark& mark) {
        assert(count_ < kCapacity);
        std::construct_at(place(count_), mark);
        return count_++;
    }
    [[nodiscard]] Mark& mark_at(std::size_t index) {
        assert(index < count_);
        return *place(index);
    }
    [[nodiscard]] std::size_t count() const { return count_; }
    // Forgets those that came after there were `count`.
    void cut(std::size_t count) {
        assert(count <= count_);
        count_ = count;
    }
    [[nodiscard]] const Mark* begin() const { return reinterpret_cast<const Mark*>(places_.data()); }
    [[nodiscard]] const Mark* end() const { return begin() + count_; }

    enum class Applied : std::uint8_t {
        Done,
        Changed,  // an entry is another one by now: walk again
    };
    // Checks all marks, then writes those that are needed, each by compare-exchange.
    [[nodiscard]] Result<Applied, WalkFault> apply(GuestMemory& memory) const;

  private:
    static_assert(std::is_trivially_copyable_v<Mark> && std::is_trivially_destructible_v<Mark>);
    [[nodiscard]] Mark* place(std::size_t index) { return reinterpret_cast<Mark*>(places_.data()) + index; }

    alignas(Mark) std::array<std::byte, kCapacity * sizeof(Mark)> places_;
    std::size_t count_ = 0;
};

// What a stage yields.
struct StageLeaf {
    std::uint64_t output = 0;  // with the offset inside the page
    unsigned page_log2 = 12;
    Rights rights = Rights::None;  // of the page, for this query's privilege
    bool clean = false;            // the stage keeps a dirty bit, and this access leaves it clear
    std::size_t leaf_mark = 0;     // index into the marks given to walk()
};

// Where an entry of a table is.
struct Located {
    Pa at;
    bool writable = true;
    std::size_t page_mark = 0;  // second stage's leaf mark for the page of the entry; nesting only
};

// A single stage: its tables are at the addresses they say.
struct IdentityLocate {
    [[nodiscard]] Result<Located, WalkFault> locate(std::uint64_t slot, Purpose) { return Located{Pa{slot}}; }
    void written(const Located&) {}
};

namespace detail {

template <class Format>
Mark mark_for(const Format& format, const WalkQuery& query, std::uint64_t entry, EntryUse use) {
    Mark mark;
    mark.entry = entry;
    mark.update = format.update(use, entry, query);
    mark.own = format.update_bits();
    mark.leaf = use == EntryUse::Leaf;
    mark.stage = Format::stage;
    mark.snooped = format.snooped();
    return mark;
}

}  // namespace detail

// Walks one stage from its root to a leaf. `marks` gains one mark per entry used.
template <class Format, class Locator>
Result<StageLeaf, WalkFault> walk(const Format& format, const WalkQuery& query, Locator&& locator, Marks& marks,
                                  const GuestMemory& memory) {
    WalkFault fault{.stage = Format::stage, .purpose = query.purpose, .input = query.input};
    const auto fail = [&fault](WalkCause cause) {
        fault.cause = cause;
        return Err{fault};
    };
    if (!format.accepts(query.input)) return fail(WalkCause::InputOutOfRange);

    std::uint64_t table = format.root();
    unsigned grants = ~0u;
    for (Level level = format.top_level(); level >= 1; --level) {
        fault.level = level;
        fault.top = level == format.top_level();
        fault.slot = format.slot(table, level, query.input);
        fault.entry = 0;
        const Located located = TRY(locator.locate(fault.slot, fault.top ? Purpose::TopTable : Purpose::Table));
        fault.at = located.at;
        const auto entry = memory.load64(located.at);
        if (!entry) return fail(WalkCause::TableAccess);
        fault.entry = *entry;

        const Step step = format.decode(*entry, level);
        switch (step.kind) {
            case StepKind::NotPresent: return fail(WalkCause::NotPresent);
            case StepKind::Reserved: return fail(WalkCause::Reserved);
            case StepKind::OutputOutOfRange: return fail(WalkCause::OutputOutOfRange);
            case StepKind::NotAccessed: return fail(WalkCause::NotAccessed);
            case StepKind::Table:
            case StepKind::Leaf: break;
        }
        grants &= step.grants;
        const EntryUse use = step.kind == StepKind::Leaf ? EntryUse::Leaf : EntryUse::Table;
        Mark mark = detail::mark_for(format, query, *entry, use);
        mark.at = located.at;
        mark.slot = fault.slot;
        mark.level = level;
        mark.writable = located.writable;
        if (mark.needed()) locator.written(located);
        const std::size_t index = marks.add(mark);
        table = step.address;
        if (use == EntryUse::Table) continue;

        const auto rights = format.judge(grants, query);
        if (!rights) return fail(rights.error());
        return StageLeaf{.output = step.address | (query.input & low_bits(step.page_log2)),
                         .page_log2 = step.page_log2,
                         .rights = *rights,
                         .clean = format.clean(mark.update.of(*entry)),
                         .leaf_mark = index};
    }
    return fail(WalkCause::Reserved);  // a format's level 1 has leaves only
}

}  // namespace iommu

#endif  // IOMMU_WALK_H
