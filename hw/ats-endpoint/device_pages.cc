// SPDX-License-Identifier: GPL-2.0-or-later
//
// Page requests and their responses. Called with the lock held, but for `respond`. [PCIe 6.0 s10.4]
#include <algorithm>

#include "ats-endpoint/device.h"

namespace endpoint {

namespace {

// How often one step asks for its page before it gives up: each time the response was Success, and yet no rights.
constexpr unsigned kMostAsks = 4;

void append(Effects& effects, const Effects& more) { effects.insert(effects.end(), more.begin(), more.end()); }

bool wants_read(iommu::Access access) { return access != iommu::Access::Write; }
bool wants_write(iommu::Access access) { return access != iommu::Access::Read; }

Code to_code(iommu::ResponseCode code) {
    switch (code) {
        case iommu::ResponseCode::Success: return Code::Success;
        case iommu::ResponseCode::InvalidRequest: return Code::PageRefused;
        case iommu::ResponseCode::ResponseFailure: return Code::ResponseFailure;
    }
    return Code::ResponseFailure;  // reserved: to be taken as a failure
}

unsigned response_bits(Code code) {
    switch (code) {
        case Code::Success: return static_cast<unsigned>(iommu::ResponseCode::Success);
        case Code::PageRefused: return static_cast<unsigned>(iommu::ResponseCode::InvalidRequest);
        default: return static_cast<unsigned>(iommu::ResponseCode::ResponseFailure);
    }
}

void note_response(iommu::RegisterFile& registers, const iommu::PageGroupResponse& response) {
    registers.set(iommu::Value<LAST_RESPONSE>{}
                      .with<LAST_RESPONSE::PASID>(response.pasid ? response.pasid->value : 0)
                      .with<LAST_RESPONSE::PASID_VALID>(response.pasid ? 1 : 0)
                      .with<LAST_RESPONSE::INDEX>(response.index)
                      .with<LAST_RESPONSE::CODE>(static_cast<unsigned>(response.code)));
    switch (to_code(response.code)) {
        case Code::Success: count<RESPONSES_SUCCESS>(registers); break;
        case Code::PageRefused: count<RESPONSES_INVALID>(registers); break;
        default: count<RESPONSES_FAILURE>(registers); break;
    }
}

}  // namespace

// Enabled, and no Response Failure since: after one, the device asks no more until software has cleared it.
bool Endpoint::pri_usable() const { return config_.pri.get<PRI_CONTROL::E>() != 0 && !response_failure_; }

// Whether `pages` more may be asked for, now or never. With PRI off nothing was allocated, and who asks lies anyway.
Endpoint::Credit Endpoint::credit_for(unsigned pages) {
    if (config_.pri.get<PRI_CONTROL::E>() == 0 || groups_.pages() + pages <= config_.pri_allocation) return Credit::Yes;
    if (registers_.get<BEHAVIOUR>().get<BEHAVIOUR::IGNORE_CAPACITY>() != 0) {
        count<STRUCK_CAPACITY>(registers_);
        return Credit::Yes;
    }
    return pages > config_.pri_allocation ? Credit::Never : Credit::Later;
}

Effects Endpoint::release_credit() {
    Effects effects;
    for (Channel& channel : channels_) {
        if (channel.wait != Wait::Credit) continue;
        enter(channel, Wait::Ready);
        effects.emplace_back(iommu::Kick{});
    }
    return effects;
}

std::uint16_t Endpoint::new_index() {
    const bool in_use = groups_.knows_index(groups_.newest_index());
    if (in_use && strikes<SAME_INDEXES, STRUCK_SAME_INDEX>(registers_)) return groups_.newest_index();
    return groups_.next_index();
}

// The index of the page's group. A group keeps it from its first page on.
std::uint16_t Endpoint::group_index(Channel& channel, const Operation& operation) {
    const bool burst = operation.pages.get<PAGES::BURST>() != 0;
    const bool first = channel.position.bytes == 0;
    if (operation.pages.get<PAGES::AUTO>() != 0) {
        if (burst || first) channel.index = new_index();
    } else {
        const std::uint64_t step = burst ? channel.position.bytes : 0;
        channel.index = static_cast<std::uint16_t>((operation.pages.get<PAGES::INDEX>() + step) % PageGroups::kIndexes);
    }
    return channel.index;
}

// One page request of an operation that software wrote down, or its stop marker.
Effects Endpoint::page_step(unsigned index, const Operation& operation, std::uint64_t now) {
    Channel& channel = channels_[index];
    const Step step = next_step(operation, channel.position);
    iommu::PageRequest request{.requester = requester_, .pasid = operation.pasid, .address = Iova{step.address}};
    request.privileged = operation.privilege == iommu::Privilege::Supervisor;
    if (operation.op == Op::StopMarker) {
        request.address = Iova{0};
        request.last = true;
        count<STOP_MARKERS>(registers_);
        Effects effects{SendPageRequest{request}};
        append(effects, account(index, operation, step, Code::Success, 0));
        return effects;
    }
    const PageRun run = page_run(operation, channel.position);
    if (run.first) {
        const Credit credit = credit_for(run.pages);
        if (credit == Credit::Never) return account(index, operation, step, Code::Refused, 0);
        if (credit == Credit::Later) {
            enter(channel, Wait::Credit);
            return {};
        }
    }
    request.index = group_index(channel, operation);
    request.read = operation.pages.get<PAGES::READ>() != 0;
    request.write = operation.pages.get<PAGES::WRITE>() != 0;
    request.execute = operation.execute == iommu::Execute::Yes;
    request.last = run.last;
    const bool waits = run.last && operation.pages.get<PAGES::WAIT>() != 0 && !run.burst;
    // A page request that asks for no access and ends its group is no request: nobody answers it.
    const bool answered = run.last && !request.stop_marker();
    const PageGroup group{request.pasid, request.index, static_cast<std::uint16_t>(run.pages), waits ? index : kNobody};
    if (answered && !groups_.open(group)) return account(index, operation, step, Code::Refused, 0);
    count<PAGE_REQUESTS>(registers_);
    Effects effects{SendPageRequest{request}};
    if (waits && answered) {
        await_response(channel, now);
    } else {
        append(effects, account(index, operation, step, Code::Success, 0));
    }
    return effects;
}

// An access found a translation without the rights for it.
Effects Endpoint::ask_for_page(const Job& job, std::uint64_t now) {
    Channel& channel = channels_[job.channel];
    const bool may_ask = pri_usable() && channel.asked < kMostAsks;
    const Credit credit = may_ask ? credit_for(1) : Credit::Never;
    if (credit == Credit::Never) return account(job.channel, job.operation, job.step, Code::NoRights, 0);
    if (credit == Credit::Later) {
        enter(channel, Wait::Credit);
        return {};
    }
    const Step& step = job.step;
    iommu::PageRequest request{
        .requester = job.requester, .pasid = job.operation.pasid, .address = Iova{step.address & ~iommu::low_bits(12)}};
    request.read = wants_read(step.access);
    request.write = wants_write(step.access);
    request.execute = job.operation.execute == iommu::Execute::Yes;
    request.privileged = job.operation.privilege == iommu::Privilege::Supervisor;
    request.last = true;
    request.index = channel.index = new_index();
    if (!groups_.open({request.pasid, request.index, 1, job.channel}))
        return account(job.channel, job.operation, step, Code::NoRights, 0);
    count<PAGE_REQUESTS>(registers_);
    ++channel.asked;
    await_response(channel, now);
    return {SendPageRequest{request}};
}

void Endpoint::await_response(Channel& channel, std::uint64_t now) {
    enter(channel, Wait::Response);
    const std::uint64_t timeout = number<RESPONSE_TIMEOUT_NS>(registers_);
    if (timeout != 0) channel.deadline_ns = later(now, timeout);
}

// ---- Responses

void Endpoint::respond(const iommu::PageGroupResponse& response) {
    Effects effects;
    {
        const std::lock_guard lock(mutex_);
        if (away_locked()) {
            count<RESPONSES_LOST>(registers_);
            return;
        }
        note_response(registers_, response);
        // After Response Failure none is expected, and any is ignored. [PCIe 6.0 s10.5.2.4]
        if (strikes<IGNORE_RESPONSES, STRUCK_IGNORE_RESPONSE>(registers_) || response_failure_) return;
        effects = accept(response);
        append(effects, release_credit());
        add_status_change(effects);
        add_deadline_change(effects);
    }
    perform(effects);
}

Effects Endpoint::accept(const iommu::PageGroupResponse& response) {
    const bool required = config_.pri.get<PRI_CONTROL::PASID_REQUIRED>() != 0;
    const bool checks = registers_.get<BEHAVIOUR>().get<BEHAVIOUR::CHECK_RESPONSE_PASID>() != 0;
    const auto check = required && checks ? PageGroups::PasidCheck::On : PageGroups::PasidCheck::Off;
    const auto group = groups_.take(response, check);
    const bool other_pasid = group ? required && group->pasid != response.pasid : groups_.knows_index(response.index);
    if (other_pasid) count<STRUCK_PASID_MISMATCH>(registers_);
    if (!group) {
        count<RESPONSES_UNEXPECTED>(registers_);
        unexpected_index_ = true;
        return {};
    }
    const Code code = to_code(response.code);
    Effects effects = responded(*group, code);
    if (code != Code::ResponseFailure) return effects;
    // All that was asked for is over with it.
    response_failure_ = true;
    const std::vector<PageGroup> rest = groups_.list();
    groups_.clear();
    for (const PageGroup& other : rest)
        append(effects, responded(other, code));
    return effects;
}

Effects Endpoint::responded(const PageGroup& group, Code code) {
    if (group.channel >= kChannels || channels_[group.channel].wait != Wait::Response) return {};
    Channel& channel = channels_[group.channel];
    const auto operation = decode(channel.registers);
    if (!operation) return finish(group.channel, Code::Refused);
    channel.registers.set(iommu::Value<RESPONSE>{}
                              .with<RESPONSE::VALID>(1)
                              .with<RESPONSE::INDEX>(group.index)
                              .with<RESPONSE::CODE>(response_bits(code)));
    // The page is there now, says the response: the same step again.
    if (code == Code::Success && operation->op != Op::PageRequest) {
        enter(channel, Wait::Ready);
        return {iommu::Kick{}};
    }
    Effects effects = account(group.channel, *operation, next_step(*operation, channel.position), code, 0);
    if (channel.wait == Wait::Ready) effects.emplace_back(iommu::Kick{});
    return effects;
}

}  // namespace endpoint
