// SPDX-License-Identifier: GPL-2.0-or-later
//
// The state that a migration carries: registers, windows, what is under way. The ATC is not part of it: a device may
// forget a translation at any time. Configuration space is told anew by `configure`.
//
// Words: 0 format, 1 entries of the ATC, 2 status bits, 3 away until, 4 next channel; the device's registers; for each
// channel its registers, its window and what it waits for; then three lists, each with its length: answers, late drops,
// page-request groups.
#include <algorithm>

#include "ats-endpoint/device.h"

namespace endpoint {

namespace {

constexpr std::uint64_t kFormat = 1;
constexpr std::uint64_t kNoPasid = iommu::kPasidLimit;

class Writer {
  public:
    void add(std::uint64_t word) { words_.push_back(word); }
    void add(const iommu::RegisterFile& registers) {
        words_.insert(words_.end(), registers.values().begin(), registers.values().end());
    }
    [[nodiscard]] StateWords take() {
        words_.resize(kStateWords);
        return std::move(words_);
    }

  private:
    StateWords words_;
};

// A stream may say anything, and may end anywhere: what is missing is 0.
class Reader {
  public:
    explicit Reader(const StateWords& words) : words_(words) {}
    std::uint64_t next() { return at_ < words_.size() ? words_[at_++] : 0; }
    std::uint64_t next_below(std::uint64_t limit) { return next() % limit; }
    void restore(iommu::RegisterFile& registers) {
        std::vector<std::uint64_t> values;
        for (const iommu::RegisterSpec& spec : registers.specs()) {
            std::uint64_t defined = 0;
            for (const iommu::FieldInfo& field : spec.fields) {
                if (field.access != iommu::Rsvd) defined |= iommu::bit_range(field.high, field.low);
            }
            values.push_back(next() & defined);
        }
        registers.restore(values);
    }

  private:
    const StateWords& words_;
    std::size_t at_ = 0;
};

std::uint64_t to_word(const std::optional<iommu::Pasid>& pasid) { return pasid ? pasid->value : kNoPasid; }
std::optional<iommu::Pasid> to_pasid(std::uint64_t word) {
    if (word >= kNoPasid) return std::nullopt;
    return iommu::Pasid{static_cast<std::uint32_t>(word)};
}

void save_channel(const Channel& channel, Writer& writer) {
    writer.add(channel.registers);
    for (std::size_t at = 0; at < channel.window.size(); at += 8) {
        std::uint64_t word = 0;
        for (unsigned byte = 0; byte < 8; ++byte)
            word |= std::to_integer<std::uint64_t>(channel.window[at + byte]) << (8 * byte);
        writer.add(word);
    }
    writer.add(static_cast<std::uint64_t>(channel.wait));
    writer.add(channel.position.bytes);
    writer.add(channel.position.writing ? 1 : 0);
    writer.add(channel.asked);
    writer.add(channel.index);
    writer.add(channel.stall_tag);
    writer.add(channel.deadline_ns);
}

void load_window(Channel& channel, Reader& reader) {
    for (std::size_t at = 0; at < channel.window.size(); at += 8) {
        const std::uint64_t word = reader.next();
        for (unsigned byte = 0; byte < 8; ++byte)
            channel.window[at + byte] = static_cast<std::byte>(word >> (8 * byte));
    }
}

// Constants, which the stream may not decide.
void keep_constants(iommu::RegisterFile& registers, const Options& options) {
    for (const Described& one : device_registers(options)) {
        if (one.spec.offset == ID::offset || one.spec.offset == LIMITS::offset)
            registers.set_raw(one.spec.offset, one.spec.reset);
    }
}

}  // namespace

StateWords Endpoint::save() const {
    const std::lock_guard lock(mutex_);
    Writer writer;
    writer.add(kFormat);
    writer.add(options_.atc_entries);
    writer.add(pri_status_locked().raw());
    writer.add(away_until_);
    writer.add(turn_);
    writer.add(registers_);
    for (const Channel& channel : channels_)
        save_channel(channel, writer);
    writer.add(answers_.list().size());
    for (const Answer& answer : answers_.list()) {
        writer.add(answer.completion.requester.value);
        writer.add(answer.completion.itag_vector);
        writer.add(answer.copies);
        writer.add(answer.due_ns);
    }
    writer.add(late_drops_.list().size());
    for (const LateDrop& drop : late_drops_.list()) {
        writer.add(to_word(drop.request.pasid));
        writer.add(drop.request.global ? 1 : 0);
        writer.add(drop.request.range.first.value);
        writer.add(drop.request.range.last.value);
        writer.add(drop.due_ns);
    }
    writer.add(groups_.newest_index());
    writer.add(groups_.list().size());
    for (const PageGroup& group : groups_.list())
        writer.add(to_word(group.pasid) | std::uint64_t{group.index} << 21 | std::uint64_t{group.pages} << 32 |
                   std::uint64_t{group.channel} << 48);
    return writer.take();
}

namespace {

// Everything of a channel that a step relies on; a channel whose words cannot be is idle.
void load_channel(Channel& channel, Reader& reader) {
    reader.restore(channel.registers);
    load_window(channel, reader);
    const auto wait = static_cast<Wait>(reader.next_below(static_cast<unsigned>(Wait::Credit) + 1));
    channel.position.bytes = reader.next();
    channel.position.writing = reader.next() != 0;
    channel.asked = static_cast<unsigned>(reader.next_below(256));
    channel.index = static_cast<std::uint16_t>(reader.next_below(PageGroups::kIndexes));
    channel.stall_tag = static_cast<std::uint16_t>(reader.next());
    channel.deadline_ns = reader.next();
    const auto operation = decode(channel.registers);
    const bool possible = operation && can_be(*operation, channel.position);
    channel.wait = possible ? wait : Wait::Idle;
    if (channel.wait != Wait::Response) channel.deadline_ns = iommu::kNever;
    channel.registers.set(status_of(channel.wait));
}

void load_answers(DueList<Answer>& answers, Reader& reader) {
    for (std::uint64_t left = reader.next_below(DueList<Answer>::kMost + 1); left > 0; --left) {
        Answer answer;
        answer.completion.requester = {static_cast<std::uint32_t>(reader.next())};
        answer.completion.itag_vector = static_cast<std::uint32_t>(reader.next());
        answer.copies = reader.next() == 2 ? 2 : 1;
        answer.due_ns = reader.next();
        (void)answers.add(answer);
    }
}

void load_drops(DueList<LateDrop>& drops, Reader& reader) {
    for (std::uint64_t left = reader.next_below(DueList<LateDrop>::kMost + 1); left > 0; --left) {
        LateDrop drop;
        drop.request.pasid = to_pasid(reader.next());
        drop.request.global = reader.next() != 0;
        drop.request.range.first = {reader.next()};
        drop.request.range.last = {reader.next()};
        drop.due_ns = reader.next();
        (void)drops.add(drop);
    }
}

void load_groups(PageGroups& groups, Reader& reader) {
    const auto newest = static_cast<std::uint16_t>(reader.next_below(PageGroups::kIndexes));
    std::vector<PageGroup> list;
    for (std::uint64_t left = reader.next_below(PageGroups::kMost + 1); left > 0; --left) {
        const std::uint64_t word = reader.next();
        list.push_back({.pasid = to_pasid(word & iommu::low_bits(21)),
                        .index = static_cast<std::uint16_t>(word >> 21 & (PageGroups::kIndexes - 1)),
                        .pages = static_cast<std::uint16_t>(word >> 32),
                        .channel = static_cast<unsigned>(word >> 48 & kNobody)});
    }
    groups.restore(std::move(list), newest);
}

}  // namespace

iommu::Result<iommu::Done, std::string> Endpoint::load(const StateWords& words) {
    reset();
    Reader reader(words);
    const std::uint64_t format = reader.next();
    if (format != kFormat) return iommu::Err{"the saved state has format " + std::to_string(format) + ", not 1"};
    const std::uint64_t entries = reader.next();
    if (entries != options_.atc_entries) {
        return iommu::Err{"the saved state is of a device with atc-entries=" + std::to_string(entries) +
                          "; start this one with the same"};
    }
    Effects effects;
    {
        const std::lock_guard lock(mutex_);
        const iommu::Value<PRI_CONTROL> status{static_cast<std::uint32_t>(reader.next())};
        response_failure_ = status.get<PRI_CONTROL::RF>() != 0;
        unexpected_index_ = status.get<PRI_CONTROL::UPRGI>() != 0;
        away_until_ = reader.next();
        turn_ = static_cast<unsigned>(reader.next_below(kChannels));
        reader.restore(registers_);
        keep_constants(registers_, options_);
        for (Channel& channel : channels_)
            load_channel(channel, reader);
        load_answers(answers_, reader);
        load_drops(late_drops_, reader);
        load_groups(groups_, reader);
        if (any_ready()) effects.emplace_back(iommu::Kick{});
        add_status_change(effects);
        add_deadline_change(effects);
    }
    perform(effects);
    return iommu::Done{};
}

}  // namespace endpoint
