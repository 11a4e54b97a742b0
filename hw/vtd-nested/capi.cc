// SPDX-License-Identifier: GPL-2.0-or-later
//
// The C interface of the unit: converts and forwards.
#include <algorithm>
#include <memory>

#include "iommu/capi_convert.h"
#include "vtd-nested.h"
#include "vtd-nested/device.h"

namespace {

// One line per field that both structs have under one name.
// clang-format off
#define FOR_EACH_CAPABILITY(DO) \
    DO(ver) DO(haw) DO(nd) DO(rwbf) DO(plmr) DO(phmr) DO(cm) DO(sagaw) DO(mgaw) DO(zlr) DO(sslps) DO(psi) DO(nfr) \
    DO(mamv) DO(dwd) DO(drd) DO(fs1gp) DO(fs5lp) DO(esrtps) DO(c) DO(qi) DO(pt) DO(sc) DO(nest) DO(srs) DO(eafs) \
    DO(pss) DO(pasid) DO(smts) DO(ssads) DO(ssts) DO(fsts) DO(smpwcs) DO(rps) DO(adms) DO(rprivs) \
    DO(dt) DO(dit) DO(nwfs) DO(prs) DO(pds)
// clang-format on

vtd::Capabilities from_c(const vtd_nested_config& config) {
    vtd::Capabilities capabilities;
#define TAKE(field) capabilities.field = config.field;
    FOR_EACH_CAPABILITY(TAKE)
#undef TAKE
    return capabilities;
}

void to_c(const vtd::Capabilities& capabilities, vtd_nested_config& config) {
#define GIVE(field) config.field = capabilities.field;
    FOR_EACH_CAPABILITY(GIVE)
#undef GIVE
}
#undef FOR_EACH_CAPABILITY

constexpr unsigned kSourceIdBits = 16;

}  // namespace

struct vtd_nested {
    vtd_nested(const vtd::Capabilities& capabilities, const iommu::Tuning& tuning, const iommu_ports& callbacks)
        : ports(callbacks), unit(capabilities, tuning, ports.references()) {}
    iommu::CPorts ports;
    vtd::Unit unit;
};

void vtd_nested_default_config(vtd_nested_config* config, size_t size) {
    if (size != sizeof *config) return;
    *config = {};
    config->size = sizeof *config;
    to_c(vtd::Capabilities{}, *config);
    config->iotlb_entries = iommu::Tuning{}.iotlb_entries;
    config->invalidate_timeout_ms = iommu::Tuning{}.invalidate_timeout_ms;
}

bool vtd_nested_settle_config(vtd_nested_config* config, char* why, size_t why_size) {
    if (config->size != sizeof *config) {
        iommu::tell(iommu::kOtherVersion, why, why_size);
        return false;
    }
    const auto settled = vtd::settle(from_c(*config));
    if (!settled) {
        iommu::tell(settled.error(), why, why_size);
        return false;
    }
    to_c(*settled, *config);
    return true;
}

vtd_nested* vtd_nested_create(const vtd_nested_config* config, const iommu_ports* ports, char* why, size_t why_size) {
    if (config->size != sizeof *config || !iommu::CPorts::complete(*ports)) {
        iommu::tell(iommu::kOtherVersion, why, why_size);
        return nullptr;
    }
    const iommu::Tuning tuning{config->iotlb_entries, config->invalidate_timeout_ms};
    if (const std::string refused = iommu::refused(tuning); !refused.empty()) {
        iommu::tell(refused, why, why_size);
        return nullptr;
    }
    const auto settled = vtd::settle(from_c(*config));
    if (!settled) {
        iommu::tell(settled.error(), why, why_size);
        return nullptr;
    }
    return std::make_unique<vtd_nested>(*settled, tuning, *ports).release();
}

void vtd_nested_destroy(vtd_nested* unit) { std::unique_ptr<vtd_nested>{unit}.reset(); }

void vtd_nested_reset(vtd_nested* unit) { unit->unit.reset(); }

void vtd_nested_set_ram(vtd_nested* unit, const iommu_ram_range* ranges, size_t count) {
    unit->unit.memory().set_ram(iommu::ram_from_c(ranges, count));
}

uint64_t vtd_nested_read(vtd_nested* unit, uint64_t offset, unsigned size) { return unit->unit.read(offset, size); }

void vtd_nested_write(vtd_nested* unit, uint64_t offset, uint64_t value, unsigned size) {
    unit->unit.write(offset, value, size);
}

void vtd_nested_translate(vtd_nested* unit, const iommu_request* request, iommu_reply* reply) {
    if (iommu::recall_to_c(unit->unit, *request, kSourceIdBits, *reply)) return;
    unit->ports.translates();
    *reply = iommu::reply_to_c(unit->unit.translate_anew(iommu::request_from_c(*request, kSourceIdBits)));
}

bool vtd_nested_interrupt_access(vtd_nested* unit, const iommu_request* request, unsigned size) {
    const iommu::Request access = iommu::request_from_c(*request, kSourceIdBits);
    return unit->unit.interrupt_access(access, size) == vtd::InterruptAccess::Deliver;
}

void vtd_nested_translation_request(vtd_nested* unit, const iommu_request* request,
                                    iommu_translation_completion* completion) {
    *completion =
        iommu::completion_to_c(unit->unit.translation_request(iommu::request_from_c(*request, kSourceIdBits)));
}

void vtd_nested_invalidate_completed(vtd_nested* unit, const iommu_invalidate_completion* completion) {
    unit->unit.invalidate_completed(iommu::completion_from_c(*completion, kSourceIdBits));
}

void vtd_nested_page_request(vtd_nested* unit, const iommu_page_request* request) {
    unit->unit.page_request(iommu::page_request_from_c(*request, kSourceIdBits));
}

uint64_t vtd_nested_deadline(const vtd_nested* unit) { return unit->unit.deadline_ns(); }

void vtd_nested_tick(vtd_nested* unit) { unit->unit.tick(); }

void vtd_nested_drained(vtd_nested* unit, uint64_t ticket) { unit->unit.drained(ticket); }

void vtd_nested_continue(vtd_nested* unit) { unit->unit.run_queue(); }

void vtd_nested_counters(const vtd_nested* unit, iommu_counters* counters) {
    iommu::counters_to_c(unit->unit.counters(), *counters);
}

void vtd_nested_set_trace(vtd_nested* unit, uint32_t trace_classes) { unit->unit.set_trace(trace_classes); }

static_assert(VTD_NESTED_STATE_WORDS == vtd::kStateWords);

void vtd_nested_save(const vtd_nested* unit, uint64_t* words) {
    const vtd::StateWords state = unit->unit.save();
    std::copy(state.begin(), state.end(), words);
}

bool vtd_nested_load(vtd_nested* unit, const uint64_t* words, char* why, size_t why_size) {
    vtd::StateWords state;
    std::copy_n(words, state.size(), state.begin());
    const auto loaded = unit->unit.load(state);
    if (!loaded) iommu::tell(loaded.error(), why, why_size);
    return static_cast<bool>(loaded);
}

uint64_t vtd_nested_cap(const vtd_nested* unit) { return vtd::cap_register(unit->unit.capabilities()).raw(); }
uint64_t vtd_nested_ecap(const vtd_nested* unit) { return vtd::ecap_register(unit->unit.capabilities()).raw(); }
