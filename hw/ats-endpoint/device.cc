// SPDX-License-Identifier: GPL-2.0-or-later
//
// The endpoint's life: configuration, time, messages of the unit, reset.
#include "ats-endpoint/device.h"

#include <algorithm>

namespace endpoint {

using iommu::DeadlineChanged;
using iommu::Kick;

namespace {

// Steps of one run; the rest is announced by a kick.
constexpr unsigned kStepsPerRun = 32;

struct Performer {
    const Ports& ports;

    void operator()(const RaiseMsix& effect) const { ports.interrupt.msix(effect.vector); }
    void operator()(const SendPageRequest& effect) const { ports.upstream.page_request(effect.request); }
    void operator()(const SendCompletion& effect) const { ports.upstream.invalidate_completed(effect.completion); }
    void operator()(const PriStatusChanged& /*effect*/) const { ports.config.pri_status_changed(); }
    void operator()(const DeadlineChanged& /*effect*/) const { ports.clock.deadline_changed(); }
    void operator()(const Kick& /*effect*/) const { ports.clock.kick(); }
};

}  // namespace

Endpoint::Endpoint(const Options& options, const Ports& ports)
    : options_(options),
      ports_(ports),
      registers_(specs_of(device_registers(options)), kDeviceBytes),
      atc_(options.atc_entries) {}

void Endpoint::perform(const Effects& effects) {
    for (const Effect& effect : effects)
        std::visit(Performer{ports_}, effect);
}

// ---- Configuration space

// Turning ATS on or off empties the ATC: it must be empty when ATS is turned on. [PCIe 6.0 s10.5.1.3]
void Endpoint::configure(const Config& config) {
    Effects effects;
    {
        const std::lock_guard lock(mutex_);
        if (config.ats.get<ATS_CAPABILITY::E>() != config_.ats.get<ATS_CAPABILITY::E>()) {
            atc_.clear();
            ++invalidations_;
        }
        config_ = config;
        if (config.pri.get<PRI_CONTROL::RF>() != 0) response_failure_ = false;
        if (config.pri.get<PRI_CONTROL::UPRGI>() != 0) unexpected_index_ = false;
        // Reset means something only while the interface is off. [PCIe 6.0 s10.5.2.3]
        if (config.pri.get<PRI_CONTROL::R>() != 0 && config.pri.get<PRI_CONTROL::E>() == 0) {
            groups_.clear();
            for (unsigned index = 0; index < kChannels; ++index) {
                const Wait wait = channels_[index].wait;
                if (wait != Wait::Response && wait != Wait::Credit) continue;
                const Effects finished = finish(index, Code::Cancelled);
                effects.insert(effects.end(), finished.begin(), finished.end());
            }
        }
        registers_.set(iommu::Value<ENABLES>{}
                           .with<ENABLES::BUS_MASTER>(config.bus_master ? 1 : 0)
                           .with<ENABLES::ATS>(config.ats.get<ATS_CAPABILITY::E>())
                           .with<ENABLES::PASID>(config.pasid.get<PASID_CAPABILITY::ENABLE>())
                           .with<ENABLES::PASID_EXEC>(config.pasid.get<PASID_CAPABILITY::EXEC_ENABLE>())
                           .with<ENABLES::PASID_PRIV>(config.pasid.get<PASID_CAPABILITY::PRIV_ENABLE>())
                           .with<ENABLES::PRI>(config.pri.get<PRI_CONTROL::E>())
                           .with<ENABLES::STU>(config.ats.get<ATS_CAPABILITY::STU>()));
        const Effects credit = release_credit();
        effects.insert(effects.end(), credit.begin(), credit.end());
        add_status_change(effects);
        add_deadline_change(effects);
    }
    perform(effects);
}

iommu::Value<PRI_CONTROL> Endpoint::pri_status() const {
    const std::lock_guard lock(mutex_);
    return pri_status_locked();
}

// Stopped: off, and nothing that was asked for is open. [PCIe 6.0 s10.5.2.4]
iommu::Value<PRI_CONTROL> Endpoint::pri_status_locked() const {
    const bool stopped = config_.pri.get<PRI_CONTROL::E>() == 0 && groups_.list().empty();
    return iommu::Value<PRI_CONTROL>{}
        .with<PRI_CONTROL::RF>(response_failure_ ? 1 : 0)
        .with<PRI_CONTROL::UPRGI>(unexpected_index_ ? 1 : 0)
        .with<PRI_CONTROL::S>(stopped ? 1 : 0);
}

void Endpoint::add_status_change(Effects& effects) {
    const std::uint32_t now = pri_status_locked().raw();
    if (now == told_status_) return;
    told_status_ = now;
    effects.emplace_back(PriStatusChanged{});
}

bool Endpoint::away() const {
    const std::lock_guard lock(mutex_);
    return away_locked();
}

// ---- Invalidation

// What is covered goes now, also what was asked for and not used yet: its asker sees `invalidations_` move. With ATS
// off there is nothing to drop; the answer is the same.
void Endpoint::invalidate(const iommu::InvalidateRequest& request) {
    const iommu::RequesterId us = ports_.upstream.requester();
    const std::uint64_t now = ports_.clock.now_ns();
    Effects effects;
    {
        const std::lock_guard lock(mutex_);
        if (away_locked()) {
            count<INVALIDATES_LOST>(registers_);
            return;
        }
        note(request, registers_);
        const Intention intention = plan_answer(request, us, now, registers_);
        const bool early = intention.drop_ns > now && late_drops_.add({request, intention.drop_ns});
        if (!early) {
            count<ATC_DROPPED>(registers_, atc_.drop(request));
            ++invalidations_;
        }
        if (intention.answer && !answers_.add(*intention.answer)) count<INVALIDATES_LOST>(registers_);
        add_deadline_change(effects);
    }
    perform(effects);
    send_answers();
}

void Endpoint::send_answers() {
    const std::uint64_t now = ports_.clock.now_ns();
    for (;;) {
        Effects effects;
        {
            const std::lock_guard lock(mutex_);
            if (accessing_ || away_locked()) return;
            const auto answer = answers_.take_due(now);
            if (!answer) return;
            effects.assign(answer->copies, SendCompletion{answer->completion});
            count<ANSWERS>(registers_, answer->copies);
            add_deadline_change(effects);
        }
        perform(effects);
    }
}

// ---- Time

std::uint64_t Endpoint::deadline_ns() const {
    const std::lock_guard lock(mutex_);
    return deadline_locked();
}

// While the device is away, nothing else is waited for: what is due then, is due when it is back.
std::uint64_t Endpoint::deadline_locked() const {
    if (away_locked()) return away_until_;
    std::uint64_t next = std::min(answers_.deadline_ns(), late_drops_.deadline_ns());
    for (const Channel& channel : channels_)
        next = std::min(next, channel.deadline_ns);
    return next;
}

void Endpoint::add_deadline_change(Effects& effects) {
    const std::uint64_t now = deadline_locked();
    if (now == told_deadline_ns_) return;
    told_deadline_ns_ = now;
    effects.emplace_back(DeadlineChanged{});
}

void Endpoint::tick() {
    const std::uint64_t now = ports_.clock.now_ns();
    Effects effects;
    {
        const std::lock_guard lock(mutex_);
        if (away_locked() && away_until_ <= now) {
            away_until_ = 0;
            if (any_ready()) effects.emplace_back(Kick{});
        }
        while (const auto drop = away_locked() ? std::nullopt : late_drops_.take_due(now)) {
            count<ATC_DROPPED>(registers_, atc_.drop(drop->request));
            ++invalidations_;
        }
        for (unsigned index = 0; index < kChannels && !away_locked(); ++index) {
            if (channels_[index].deadline_ns > now) continue;
            groups_.leave(index);
            const Effects finished = finish(index, Code::TimeOut);
            effects.insert(effects.end(), finished.begin(), finished.end());
        }
        // The caller's timer has gone off: it has to be set again, whatever it was set to.
        told_deadline_ns_ = deadline_locked();
        effects.emplace_back(DeadlineChanged{});
    }
    perform(effects);
    send_answers();
}

void Endpoint::run() {
    {
        const std::lock_guard lock(mutex_);
        if (running_) return;
        running_ = true;
    }
    for (unsigned steps = 0; steps < kStepsPerRun && step(); ++steps) {
    }
    Effects effects;
    {
        const std::lock_guard lock(mutex_);
        running_ = false;
        if (any_ready() && !away_locked()) effects.emplace_back(Kick{});
    }
    perform(effects);
}

// ---- Reset

void Endpoint::reset() {
    Effects effects;
    {
        const std::lock_guard lock(mutex_);
        reset_locked();
        add_status_change(effects);
        add_deadline_change(effects);
    }
    perform(effects);
}

// A step on its way finds another epoch, and ends in nothing.
void Endpoint::reset_locked() {
    registers_.reset();
    for (Channel& channel : channels_) {
        channel.registers.reset();
        channel.window.fill(std::byte{0});
        enter(channel, Wait::Idle);
        channel.position = {};
    }
    atc_.clear();
    ++invalidations_;
    answers_.clear();
    late_drops_.clear();
    groups_.restore({}, PageGroups::kIndexes - 1);
    config_ = {};
    response_failure_ = false;
    unexpected_index_ = false;
    away_until_ = 0;
}

}  // namespace endpoint
