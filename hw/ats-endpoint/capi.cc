// SPDX-License-Identifier: GPL-2.0-or-later
//
// The C interface of the endpoint: converts and forwards.
#include <algorithm>
#include <cctype>
#include <memory>

#include "ats-endpoint.h"
#include "ats-endpoint/device.h"
#include "ats-endpoint/ioat.h"
#include "iommu/capi_convert.h"

namespace {

using endpoint::CanStall;
using endpoint::Space;
using iommu::pasid_from_c;
using iommu::pasid_to_c;

std::uint32_t kind_to_c(iommu::RequestKind kind) {
    switch (kind) {
        case iommu::RequestKind::Untranslated: return IOMMU_REQUEST_UNTRANSLATED;
        case iommu::RequestKind::Debug: return IOMMU_REQUEST_DEBUG;
        case iommu::RequestKind::Translation: return IOMMU_REQUEST_TRANSLATION;
        case iommu::RequestKind::Translated: return IOMMU_REQUEST_TRANSLATED;
        case iommu::RequestKind::Page: break;  // has a call of its own
    }
    return IOMMU_REQUEST_UNTRANSLATED;
}

iommu_request to_c(const iommu::Request& request, CanStall can_stall) {
    std::uint32_t flags = 0;
    if (request.reads()) flags |= IOMMU_REQUEST_READ;
    if (request.writes()) flags |= IOMMU_REQUEST_WRITE;
    if (request.privilege == iommu::Privilege::Supervisor) flags |= IOMMU_REQUEST_PRIVILEGED;
    if (request.execute == iommu::Execute::Yes) flags |= IOMMU_REQUEST_EXECUTE;
    if (request.length == iommu::Length::Zero) flags |= IOMMU_REQUEST_ZERO_LENGTH;
    if (can_stall == CanStall::Yes) flags |= IOMMU_REQUEST_CAN_STALL;
    return {.requester = request.requester.value,
            .pasid = pasid_to_c(request.pasid),
            .iova = request.iova.value,
            .kind = kind_to_c(request.kind),
            .flags = flags};
}

iommu::Rights rights_from_c(std::uint32_t flags) {
    auto rights = iommu::Rights::None;
    if ((flags & IOMMU_REQUEST_READ) != 0) rights = rights | iommu::Rights::Read;
    if ((flags & IOMMU_REQUEST_WRITE) != 0) rights = rights | iommu::Rights::Write;
    return rights;
}

iommu::Outcome outcome_from_c(std::uint32_t outcome) {
    switch (outcome) {
        case IOMMU_TRANSLATED: return iommu::Outcome::Translated;
        case IOMMU_DISCARDED: return iommu::Outcome::Discarded;
        case IOMMU_STALLED: return iommu::Outcome::Stalled;
        default: return iommu::Outcome::Blocked;
    }
}

iommu::Reply from_c(const iommu_reply& reply) {
    return {.outcome = outcome_from_c(reply.outcome),
            .translation = {.address = iommu::Pa{reply.address},
                            .page_log2 = reply.page_log2,
                            .rights = rights_from_c(reply.rights)},
            .reason = static_cast<std::uint8_t>(reply.reason),
            .stall_tag = static_cast<std::uint16_t>(reply.stall_tag)};
}

iommu::CompletionStatus status_from_c(std::uint32_t status) {
    switch (status) {
        case IOMMU_COMPLETION_SUCCESS: return iommu::CompletionStatus::Success;
        case IOMMU_COMPLETION_COMPLETER_ABORT: return iommu::CompletionStatus::CompleterAbort;
        default: return iommu::CompletionStatus::UnsupportedRequest;
    }
}

iommu::TranslationCompletion from_c(const iommu_translation_completion& completion) {
    return {.status = status_from_c(completion.status),
            .reason = static_cast<std::uint8_t>(completion.reason),
            .address = iommu::Pa{completion.address},
            .page_log2 = completion.page_log2,
            .rights = rights_from_c(completion.rights),
            .execute = (completion.rights & IOMMU_REQUEST_EXECUTE) != 0,
            .privileged = (completion.flags & IOMMU_COMPLETION_PRIVILEGED) != 0,
            .global = (completion.flags & IOMMU_COMPLETION_GLOBAL) != 0,
            .untranslated_only = (completion.flags & IOMMU_COMPLETION_UNTRANSLATED_ONLY) != 0,
            .no_snoop = (completion.flags & IOMMU_COMPLETION_NO_SNOOP) != 0};
}

iommu_page_request to_c(const iommu::PageRequest& request) {
    std::uint32_t flags = 0;
    if (request.read) flags |= IOMMU_REQUEST_READ;
    if (request.write) flags |= IOMMU_REQUEST_WRITE;
    if (request.execute) flags |= IOMMU_REQUEST_EXECUTE;
    if (request.privileged) flags |= IOMMU_REQUEST_PRIVILEGED;
    return {.requester = request.requester.value,
            .pasid = pasid_to_c(request.pasid),
            .address = request.address.value,
            .index = request.index,
            .flags = flags,
            .last = request.last ? 1u : 0u,
            .reserved = 0};
}

// The callbacks as ports.
class CPorts : public endpoint::Upstream,
               public endpoint::Memory,
               public endpoint::Interrupt,
               public endpoint::Clock,
               public endpoint::ConfigSpace {
  public:
    explicit CPorts(const ats_endpoint_ports& ports) : ports_(ports) {}

    [[nodiscard]] static bool complete(const ats_endpoint_ports& ports) {
        return ports.size == sizeof ports && ports.requester && ports.translate && ports.translation_request &&
               ports.page_request && ports.invalidate_completed && ports.read && ports.write &&
               ports.compare_exchange && ports.msix && ports.now_ns && ports.kick && ports.deadline_changed &&
               ports.pri_status_changed;
    }

    iommu::RequesterId requester() override { return {ports_.requester(ports_.opaque)}; }
    std::optional<iommu::Reply> translate(const iommu::Request& request, CanStall can_stall) override {
        const iommu_request asked = to_c(request, can_stall);
        iommu_reply reply{};
        if (!ports_.translate(ports_.opaque, &asked, &reply)) return std::nullopt;
        return from_c(reply);
    }
    iommu::TranslationCompletion translation_request(const iommu::Request& request) override {
        const iommu_request asked = to_c(request, CanStall::No);
        iommu_translation_completion completion{};
        ports_.translation_request(ports_.opaque, &asked, &completion);
        return from_c(completion);
    }
    void page_request(const iommu::PageRequest& request) override {
        const iommu_page_request message = to_c(request);
        ports_.page_request(ports_.opaque, &message);
    }
    void invalidate_completed(const iommu::InvalidateCompletion& completion) override {
        const iommu_invalidate_completion message{.requester = completion.requester.value,
                                                  .itag_vector = completion.itag_vector,
                                                  .count = completion.count,
                                                  .reserved = 0};
        ports_.invalidate_completed(ports_.opaque, &message);
    }

    bool read(Space space, std::uint64_t address, std::span<std::byte> to) override {
        return ports_.read(ports_.opaque, static_cast<std::uint32_t>(space), address, to.data(), to.size());
    }
    bool write(Space space, std::uint64_t address, std::span<const std::byte> from) override {
        return ports_.write(ports_.opaque, static_cast<std::uint32_t>(space), address, from.data(), from.size());
    }
    std::optional<std::uint64_t> compare_exchange(Space space, std::uint64_t address, unsigned bytes,
                                                  std::uint64_t expected, std::uint64_t desired) override {
        std::uint64_t found = 0;
        const bool done = ports_.compare_exchange(ports_.opaque, static_cast<std::uint32_t>(space), address, bytes,
                                                  expected, desired, &found);
        return done ? std::optional{found} : std::nullopt;
    }

    void msix(unsigned vector) override { ports_.msix(ports_.opaque, vector); }
    std::uint64_t now_ns() override { return ports_.now_ns(ports_.opaque); }
    void kick() override { ports_.kick(ports_.opaque); }
    void deadline_changed() override { ports_.deadline_changed(ports_.opaque); }
    void pri_status_changed() override { ports_.pri_status_changed(ports_.opaque); }

    [[nodiscard]] endpoint::Ports references() { return {*this, *this, *this, *this, *this}; }

  private:
    ats_endpoint_ports ports_;
};
static_assert(static_cast<unsigned>(Space::Physical) == ATS_ENDPOINT_PHYSICAL);
static_assert(static_cast<unsigned>(Space::Bus) == ATS_ENDPOINT_BUS);

iommu::StallAction action_from_c(unsigned action) {
    switch (action) {
        case IOMMU_STALL_RETRY: return iommu::StallAction::Retry;
        case IOMMU_STALL_DISCARD: return iommu::StallAction::Discard;
        default: return iommu::StallAction::Abort;
    }
}

// "DROP_ANSWERS" as a property's name: "drop-answers".
void write_name(std::string_view from, char* to, std::size_t size) {
    const std::size_t length = std::min(from.size(), size - 1);
    for (std::size_t i = 0; i < length; ++i)
        to[i] = from[i] == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(from[i])));
    to[length] = '\0';
}

}  // namespace

// One of the two is there; `device` is its engine.
struct ats_endpoint {
    ats_endpoint(const endpoint::Options& options, std::uint32_t personality, const ats_endpoint_ports& callbacks)
        : ports(callbacks),
          own(personality == ATS_ENDPOINT_OWN ? std::make_unique<endpoint::Endpoint>(options, ports.references())
                                              : nullptr),
          ioat(own ? nullptr : std::make_unique<endpoint::Ioat>(options, ports.references())),
          device(own ? *own : ioat->engine()) {}
    CPorts ports;
    std::unique_ptr<endpoint::Endpoint> own;
    std::unique_ptr<endpoint::Ioat> ioat;
    endpoint::Endpoint& device;
};

static_assert(ATS_ENDPOINT_BAR_SIZE == endpoint::kBarBytes);
static_assert(ATS_ENDPOINT_STATE_WORDS == endpoint::kStateWords);

void ats_endpoint_default_options(ats_endpoint_options* options, size_t size) {
    if (size != sizeof *options) return;
    const endpoint::Options defaults;
    *options = {.size = sizeof *options,
                .atc_entries = defaults.atc_entries,
                .answer_delay_ns = defaults.answer_delay_ns,
                .personality = ATS_ENDPOINT_OWN,
                .reserved = 0};
}

ats_endpoint* ats_endpoint_create(const ats_endpoint_options* options, const ats_endpoint_ports* ports, char* why,
                                  size_t why_size) {
    if (options->size != sizeof *options || !CPorts::complete(*ports)) {
        iommu::tell(iommu::kOtherVersion, why, why_size);
        return nullptr;
    }
    if (options->atc_entries == 0 || options->atc_entries > endpoint::kMaxAtcEntries) {
        iommu::tell("atc-entries=" + std::to_string(options->atc_entries) + " must be from 1 to 1024", why, why_size);
        return nullptr;
    }
    if (options->personality > ATS_ENDPOINT_IOAT) {
        iommu::tell("personality=" + std::to_string(options->personality) + " must be 0 or 1", why, why_size);
        return nullptr;
    }
    const endpoint::Options chosen{options->atc_entries, options->answer_delay_ns};
    return std::make_unique<ats_endpoint>(chosen, options->personality, *ports).release();
}

void ats_endpoint_destroy(ats_endpoint* device) { std::unique_ptr<ats_endpoint>{device}.reset(); }

void ats_endpoint_reset(ats_endpoint* device) { device->ioat ? device->ioat->reset() : device->device.reset(); }

uint64_t ats_endpoint_read(const ats_endpoint* device, uint64_t offset, unsigned size) {
    return device->ioat ? device->ioat->read(offset, size) : device->device.read(offset, size);
}

void ats_endpoint_write(ats_endpoint* device, uint64_t offset, uint64_t value, unsigned size) {
    device->ioat ? device->ioat->write(offset, value, size) : device->device.write(offset, value, size);
}

uint64_t ats_endpoint_peek(const ats_endpoint* device, uint64_t offset, unsigned size) {
    return device->device.peek(offset, size);
}

void ats_endpoint_poke(ats_endpoint* device, uint64_t offset, uint64_t value, unsigned size) {
    device->device.poke(offset, value, size);
}

void ats_endpoint_configure(ats_endpoint* device, const ats_endpoint_config* config) {
    if (config->size != sizeof *config) return;
    device->device.configure({.bus_master = config->bus_master != 0,
                              .ats = iommu::Value<endpoint::ATS_CAPABILITY>{config->ats},
                              .pasid = iommu::Value<endpoint::PASID_CAPABILITY>{config->pasid},
                              .pri = iommu::Value<endpoint::PRI_CONTROL>{config->pri},
                              .pri_allocation = config->pri_allocation});
}

uint16_t ats_endpoint_pri_status(const ats_endpoint* device) {
    return static_cast<uint16_t>(device->device.pri_status().raw() >> 16);
}

bool ats_endpoint_away(const ats_endpoint* device) { return device->device.away(); }

uint32_t ats_endpoint_channel_errors(const ats_endpoint* device) { return device->ioat ? device->ioat->errors() : 0; }

void ats_endpoint_clear_channel_errors(ats_endpoint* device, uint32_t ones) {
    if (device->ioat) device->ioat->clear_errors(ones);
}

void ats_endpoint_invalidate(ats_endpoint* device, const iommu_invalidate_request* request) {
    device->device.invalidate({.requester = {request->requester},
                               .pasid = pasid_from_c(request->pasid),
                               .global = request->global != 0,
                               .range = {iommu::Iova{request->first}, iommu::Iova{request->last}},
                               .itag = static_cast<std::uint8_t>(request->itag)});
}

void ats_endpoint_respond(ats_endpoint* device, const iommu_page_response* response) {
    device->device.respond({.requester = {response->requester},
                            .pasid = pasid_from_c(response->pasid),
                            .index = static_cast<std::uint16_t>(response->index),
                            .code = static_cast<iommu::ResponseCode>(response->code)});
}

void ats_endpoint_resume(ats_endpoint* device, uint16_t stall_tag, unsigned action) {
    device->device.resume(stall_tag, action_from_c(action));
}

void ats_endpoint_continue(ats_endpoint* device) { device->ioat ? device->ioat->run() : device->device.run(); }

uint64_t ats_endpoint_deadline(const ats_endpoint* device) { return device->device.deadline_ns(); }

void ats_endpoint_tick(ats_endpoint* device) { device->device.tick(); }

void ats_endpoint_save(const ats_endpoint* device, uint64_t* words) {
    const endpoint::StateWords state = device->ioat ? device->ioat->save() : device->device.save();
    std::copy(state.begin(), state.end(), words);
}

bool ats_endpoint_load(ats_endpoint* device, const uint64_t* words, char* why, size_t why_size) {
    const endpoint::StateWords state(words, words + endpoint::kStateWords);
    const auto loaded = device->ioat ? device->ioat->load(state) : device->device.load(state);
    if (!loaded) iommu::tell(loaded.error(), why, why_size);
    return static_cast<bool>(loaded);
}

bool ats_endpoint_describe_register(size_t index, ats_endpoint_register* info) {
    const auto registers = endpoint::device_registers({});
    if (index >= registers.size()) return false;
    const endpoint::Described& one = registers[index];
    *info = {};
    write_name(one.spec.name, info->name, sizeof info->name);
    info->offset = one.spec.offset;
    info->size = one.spec.size;
    info->writable = (one.spec.rw | one.spec.wo) != 0 ? 1 : 0;
    info->meaning = one.meaning.data();
    return true;
}
