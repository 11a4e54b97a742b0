// SPDX-License-Identifier: GPL-2.0-or-later
//
// BAR 0: who is meant by an offset, and what a write means.
#include <cstring>

#include "ats-endpoint/device.h"

namespace endpoint {

using iommu::RegisterFile;
using iommu::RegisterWrite;

namespace {

constexpr std::uint64_t kChannelsEnd = kChannelsOffset + kChannels * kChannelBytes;
constexpr std::uint64_t kWindowsEnd = kWindowsOffset + kChannels * kWindowBytes;

bool in_channels(std::uint64_t offset) { return offset >= kChannelsOffset && offset < kChannelsEnd; }
bool in_windows(std::uint64_t offset) { return offset >= kWindowsOffset && offset < kWindowsEnd; }
bool well_formed(std::uint64_t offset, unsigned size) { return (size == 4 || size == 8) && offset % size == 0; }

}  // namespace

std::uint64_t Endpoint::read(std::uint64_t offset, unsigned size) const {
    const std::lock_guard lock(mutex_);
    if (away_locked()) return iommu::low_bits(8 * size);
    return read_locked(offset, size);
}

std::uint64_t Endpoint::peek(std::uint64_t offset, unsigned size) const {
    const std::lock_guard lock(mutex_);
    return read_locked(offset, size);
}

void Endpoint::write(std::uint64_t offset, std::uint64_t value, unsigned size) {
    if (!away()) poke(offset, value, size);
}

void Endpoint::poke(std::uint64_t offset, std::uint64_t value, unsigned size) {
    const iommu::RequesterId us = ports_.upstream.requester();
    const std::uint64_t now = ports_.clock.now_ns();
    Effects effects;
    {
        const std::lock_guard lock(mutex_);
        requester_ = us;
        effects = write_locked(offset, value, size, now);
        add_deadline_change(effects);
    }
    perform(effects);
}

std::uint64_t Endpoint::read_locked(std::uint64_t offset, unsigned size) const {
    if (in_channels(offset)) {
        const std::uint64_t from = offset - kChannelsOffset;
        return channels_[from / kChannelBytes].registers.read(from % kChannelBytes, size);
    }
    if (in_windows(offset) && well_formed(offset, size)) {
        const std::uint64_t from = offset - kWindowsOffset;
        std::uint64_t value = 0;
        for (unsigned byte = 0; byte < size; ++byte) {
            const std::byte one = channels_[from / kWindowBytes].window[from % kWindowBytes + byte];
            value |= std::to_integer<std::uint64_t>(one) << (8 * byte);
        }
        return value;
    }
    if (offset >= ATC_INDEX::offset && offset < LAST_INVALIDATE::offset) return with_atc_entry().read(offset, size);
    return registers_.read(offset, size);
}

// The registers with the entry in them that ATC_INDEX names: as it is now, not as it was when the index was written.
RegisterFile Endpoint::with_atc_entry() const {
    RegisterFile shown = registers_;
    const AtcEntry entry = atc_.entry(registers_.get<ATC_INDEX>().get<ATC_INDEX::INDEX>());
    set_number<ATC_USED>(shown, atc_.used());
    if (!entry.valid) return shown;
    shown.set(iommu::Value<ATC_FLAGS>{}
                  .with<ATC_FLAGS::VALID>(1)
                  .with<ATC_FLAGS::R>(iommu::covers(entry.rights, iommu::Rights::Read) ? 1 : 0)
                  .with<ATC_FLAGS::W>(iommu::covers(entry.rights, iommu::Rights::Write) ? 1 : 0)
                  .with<ATC_FLAGS::EXE>(entry.execute ? 1 : 0)
                  .with<ATC_FLAGS::PRIV>(entry.tag.privilege == iommu::Privilege::Supervisor ? 1 : 0)
                  .with<ATC_FLAGS::GLOBAL>(entry.global ? 1 : 0)
                  .with<ATC_FLAGS::U>(entry.untranslated_only ? 1 : 0)
                  .with<ATC_FLAGS::N>(entry.no_snoop ? 1 : 0)
                  .with<ATC_FLAGS::SIZE_LOG2>(entry.page_log2));
    shown.set(iommu::Value<ATC_PASID>{}
                  .with<ATC_PASID::PASID>(entry.tag.pasid ? entry.tag.pasid->value : 0)
                  .with<ATC_PASID::VALID>(entry.tag.pasid ? 1 : 0));
    set_number<ATC_ADDRESS>(shown, entry.range.first.value);
    set_number<ATC_TRANSLATED>(shown, entry.address.value);
    return shown;
}

Effects Endpoint::write_locked(std::uint64_t offset, std::uint64_t value, unsigned size, std::uint64_t now) {
    if (!well_formed(offset, size)) return {};
    if (in_windows(offset)) {
        const std::uint64_t from = offset - kWindowsOffset;
        write_window(channels_[from / kWindowBytes], from % kWindowBytes, value, size);
        return {};
    }
    const bool channel = in_channels(offset);
    const std::uint64_t from = channel ? (offset - kChannelsOffset) % kChannelBytes : offset;
    const auto index = static_cast<unsigned>(channel ? (offset - kChannelsOffset) / kChannelBytes : 0);
    const RegisterFile& file = channel ? channels_[index].registers : registers_;
    if (file.splits(from, size)) {
        Effects effects = write_locked(offset, value & iommu::low_bits(32), 4, now);
        const Effects high = write_locked(offset + 4, value >> 32, 4, now);
        effects.insert(effects.end(), high.begin(), high.end());
        return effects;
    }
    if (channel) return write_channel(index, from, value, size);
    const auto write = registers_.write(from, size, value);
    return write ? device_written(*write, now) : Effects{};
}

void Endpoint::write_window(Channel& channel, std::uint64_t offset, std::uint64_t value, unsigned size) {
    for (unsigned byte = 0; byte < size; ++byte)
        channel.window[offset + byte] = static_cast<std::byte>(value >> (8 * byte));
}

// A busy channel listens to its doorbell only.
Effects Endpoint::write_channel(unsigned index, std::uint64_t offset, std::uint64_t value, unsigned size) {
    Channel& channel = channels_[index];
    if (channel.busy() && offset != DOORBELL::offset) return {};
    const auto write = channel.registers.write(offset, size, value);
    if (!write || write->offset != DOORBELL::offset) return {};
    if (write->wrote_one<DOORBELL, DOORBELL::CANCEL>()) return cancel(index);
    if (write->wrote_one<DOORBELL, DOORBELL::START>() && !channel.busy()) return start(index);
    return {};
}

Effects Endpoint::device_written(const RegisterWrite& write, std::uint64_t now) {
    Effects effects;
    switch (write.offset) {
        case CONTROL::offset:
            if (write.wrote_one<CONTROL, CONTROL::CLEAR_COUNTERS>()) clear_counters();
            if (write.wrote_one<CONTROL, CONTROL::DROP_ATC>()) {
                atc_.clear();
                ++invalidations_;
            }
            break;
        case UNASKED_ANSWER::offset: {
            count<STRUCK_UNASKED>(registers_);
            const auto vector = static_cast<std::uint32_t>(write.written);
            effects.emplace_back(SendCompletion{{.requester = requester_, .itag_vector = vector, .count = 1}});
            break;
        }
        case VANISH_US::offset:
            if (write.written == 0) break;
            count<STRUCK_VANISH>(registers_);
            away_until_ = later(now, write.written * 1000);
            break;
        default: break;  // storage
    }
    return effects;
}

void Endpoint::clear_counters() {
    for (const iommu::RegisterSpec& spec : registers_.specs()) {
        if (spec.offset >= kCountersOffset && spec.offset < kCountersEnd) registers_.set_raw(spec.offset, 0);
    }
}

}  // namespace endpoint
