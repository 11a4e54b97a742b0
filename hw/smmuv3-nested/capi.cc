// SPDX-License-Identifier: GPL-2.0-or-later
//
// The C interface of the unit: converts and forwards.
#include <algorithm>
#include <memory>

#include "iommu/capi_convert.h"
#include "smmuv3-nested.h"
#include "smmuv3-nested/device.h"

namespace {

// One line per field that both structs have under one name.
// clang-format off
#define FOR_EACH_CAPABILITY(DO) \
    DO(s1p) DO(s2p) DO(httu) DO(hyp) DO(asid16) DO(msi) DO(sev) DO(vmw) DO(vmid16) DO(cd2l) DO(stall_model) \
    DO(term_model) DO(st_level) DO(ats) DO(ns1ats) DO(atsrecerr) DO(pri) DO(sidsize) DO(ssidsize) DO(eventqs) \
    DO(cmdqs) DO(priqs) DO(attr_perms_ovr) DO(attr_types_ovr) DO(had) DO(xnx) DO(fwb) DO(stt) DO(ril) DO(bbml) \
    DO(e0pd) DO(ptwnnc) DO(pps) DO(pasidtt) DO(oas) DO(gran4k) DO(gran16k) DO(gran64k) \
    DO(ds) DO(vax) DO(stall_max)
// clang-format on

smmuv3::Capabilities from_c(const smmuv3_nested_config& config) {
    smmuv3::Capabilities capabilities;
#define TAKE(field) capabilities.field = config.field;
    FOR_EACH_CAPABILITY(TAKE)
#undef TAKE
    return capabilities;
}

void to_c(const smmuv3::Capabilities& capabilities, smmuv3_nested_config& config) {
#define GIVE(field) config.field = capabilities.field;
    FOR_EACH_CAPABILITY(GIVE)
#undef GIVE
}
#undef FOR_EACH_CAPABILITY

constexpr unsigned kStreamIdBits = 32;

// The shared callbacks, and those that only this unit has.
class SmmuPorts final : public iommu::CPorts {
  public:
    explicit SmmuPorts(const smmuv3_nested_ports& ports) : CPorts(ports.base), ports_(ports) {}

    void pulse(unsigned line) override { ports_.pulse(opaque(), line); }
    void resume(iommu::RequesterId requester, std::uint16_t stall_tag, iommu::StallAction action) override {
        if (ports_.resume != nullptr) {
            ports_.resume(opaque(), requester.value, stall_tag, static_cast<unsigned>(action));
        }
    }

  private:
    smmuv3_nested_ports ports_;
};
static_assert(static_cast<unsigned>(iommu::StallAction::Retry) == IOMMU_STALL_RETRY);
static_assert(static_cast<unsigned>(iommu::StallAction::Abort) == IOMMU_STALL_ABORT);
static_assert(static_cast<unsigned>(iommu::StallAction::Discard) == IOMMU_STALL_DISCARD);

}  // namespace

struct smmuv3_nested {
    smmuv3_nested(const smmuv3::Capabilities& capabilities, const iommu::Tuning& tuning,
                  const smmuv3_nested_ports& callbacks)
        : ports(callbacks), unit(capabilities, tuning, ports.references()) {}
    SmmuPorts ports;
    smmuv3::Unit unit;
};

void smmuv3_nested_default_config(smmuv3_nested_config* config, size_t size) {
    if (size != sizeof *config) return;
    *config = {};
    config->size = sizeof *config;
    to_c(smmuv3::Capabilities{}, *config);
    config->iotlb_entries = iommu::Tuning{}.iotlb_entries;
    config->invalidate_timeout_ms = iommu::Tuning{}.invalidate_timeout_ms;
}

bool smmuv3_nested_settle_config(smmuv3_nested_config* config, char* why, size_t why_size) {
    if (config->size != sizeof *config) {
        iommu::tell(iommu::kOtherVersion, why, why_size);
        return false;
    }
    const auto settled = smmuv3::settle(from_c(*config));
    if (!settled) {
        iommu::tell(settled.error(), why, why_size);
        return false;
    }
    to_c(*settled, *config);
    return true;
}

smmuv3_nested* smmuv3_nested_create(const smmuv3_nested_config* config, const smmuv3_nested_ports* ports, char* why,
                                    size_t why_size) {
    const bool complete = ports->size == sizeof *ports && iommu::CPorts::complete(ports->base) && ports->pulse;
    if (config->size != sizeof *config || !complete) {
        iommu::tell(iommu::kOtherVersion, why, why_size);
        return nullptr;
    }
    const iommu::Tuning tuning{config->iotlb_entries, config->invalidate_timeout_ms};
    if (const std::string refused = iommu::refused(tuning); !refused.empty()) {
        iommu::tell(refused, why, why_size);
        return nullptr;
    }
    const auto settled = smmuv3::settle(from_c(*config));
    if (!settled) {
        iommu::tell(settled.error(), why, why_size);
        return nullptr;
    }
    return std::make_unique<smmuv3_nested>(*settled, tuning, *ports).release();
}

void smmuv3_nested_destroy(smmuv3_nested* unit) { std::unique_ptr<smmuv3_nested>{unit}.reset(); }

void smmuv3_nested_reset(smmuv3_nested* unit) { unit->unit.reset(); }

void smmuv3_nested_set_ram(smmuv3_nested* unit, const iommu_ram_range* ranges, size_t count) {
    unit->unit.memory().set_ram(iommu::ram_from_c(ranges, count));
}

uint64_t smmuv3_nested_read(smmuv3_nested* unit, uint64_t offset, unsigned size) {
    return unit->unit.read(offset, size);
}

void smmuv3_nested_write(smmuv3_nested* unit, uint64_t offset, uint64_t value, unsigned size) {
    unit->unit.write(offset, value, size);
}

void smmuv3_nested_translate(smmuv3_nested* unit, const iommu_request* request, iommu_reply* reply) {
    if (iommu::recall_to_c(unit->unit, *request, kStreamIdBits, *reply)) return;
    unit->ports.translates();
    const bool waits = (request->flags & IOMMU_REQUEST_CAN_STALL) != 0;
    *reply = iommu::reply_to_c(unit->unit.translate_anew(iommu::request_from_c(*request, kStreamIdBits),
                                                         waits ? smmuv3::CanStall::Yes : smmuv3::CanStall::No));
}

void smmuv3_nested_translation_request(smmuv3_nested* unit, const iommu_request* request,
                                       iommu_translation_completion* completion) {
    *completion =
        iommu::completion_to_c(unit->unit.translation_request(iommu::request_from_c(*request, kStreamIdBits)));
}

void smmuv3_nested_invalidate_completed(smmuv3_nested* unit, const iommu_invalidate_completion* completion) {
    unit->unit.invalidate_completed(iommu::completion_from_c(*completion, kStreamIdBits));
}

void smmuv3_nested_page_request(smmuv3_nested* unit, const iommu_page_request* request) {
    unit->unit.page_request(iommu::page_request_from_c(*request, kStreamIdBits));
}

uint64_t smmuv3_nested_deadline(const smmuv3_nested* unit) { return unit->unit.deadline_ns(); }

void smmuv3_nested_tick(smmuv3_nested* unit) { unit->unit.tick(); }

void smmuv3_nested_drained(smmuv3_nested* unit, uint64_t ticket) { unit->unit.drained(ticket); }

void smmuv3_nested_continue(smmuv3_nested* unit) { unit->unit.run_queue(); }

void smmuv3_nested_counters(const smmuv3_nested* unit, iommu_counters* counters) {
    iommu::counters_to_c(unit->unit.counters(), *counters);
}

void smmuv3_nested_set_trace(smmuv3_nested* unit, uint32_t trace_classes) { unit->unit.set_trace(trace_classes); }

static_assert(SMMUV3_NESTED_STATE_WORDS == smmuv3::kStateWords);

void smmuv3_nested_save(const smmuv3_nested* unit, uint64_t* words) {
    const smmuv3::StateWords state = unit->unit.save();
    std::copy(state.begin(), state.end(), words);
}

bool smmuv3_nested_load(smmuv3_nested* unit, const uint64_t* words, char* why, size_t why_size) {
    const auto state = std::make_unique<smmuv3::StateWords>();
    std::copy_n(words, state->size(), state->begin());
    const auto loaded = unit->unit.load(*state);
    if (!loaded) iommu::tell(loaded.error(), why, why_size);
    return static_cast<bool>(loaded);
}
